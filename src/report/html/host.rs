//! The hosts of a domain, address by address.

use std::fmt::Write as _;

use crate::report::html::text;
use crate::report::json::attempt::Attempt;
use crate::report::json::domain::DomainReport;
use crate::report::json::endpoint::{Endpoint, Handshake};

/// The hosts, and what each of their addresses shows.
pub(super) fn table(out: &mut String, report: &DomainReport) {
    if report.observed.hosts.is_empty() {
        return;
    }
    out.push_str(
        "<table><thead><tr><th>Host</th><th>Address</th><th>STARTTLS</th><th>TLS</th>\
         <th>Certificate</th><th>DANE</th></tr></thead><tbody>\n",
    );
    for host in &report.observed.hosts {
        let name = text(&host.host);
        if host.endpoints.is_empty() {
            let why = match &host.addresses {
                Attempt::Failed { failure } => text(&failure.message),
                _ => "no address was looked at".to_owned(),
            };
            let _ = writeln!(out, "<tr><td>{name}</td><td colspan=\"5\">{why}</td></tr>");
        }
        for endpoint in &host.endpoints {
            let _ = writeln!(
                out,
                "<tr><td>{name}</td><td>{}</td>{}</tr>",
                text(&endpoint.address),
                cells(endpoint)
            );
        }
    }
    out.push_str("</tbody></table>\n");
}

fn cells(endpoint: &Endpoint) -> String {
    if let Attempt::Done { value } = &endpoint.handshake {
        return format!(
            "<td>yes</td><td>{}</td><td>{}</td><td>{}</td>",
            text(value.version.trim_start_matches("TLSv")),
            certificate(value),
            dane(value)
        );
    }
    let failures = [
        failure(&endpoint.connect),
        failure(&endpoint.greeting),
        failure(&endpoint.ehlo),
        failure(&endpoint.starttls),
        failure(&endpoint.handshake),
    ];
    let what = match (failures.into_iter().flatten().next(), &endpoint.starttls) {
        (Some(message), _) => text(message),
        (None, Attempt::Skipped { because }) if because == "not-offered" => "not offered".into(),
        (None, Attempt::Skipped { because }) => format!("not tried ({})", text(because)),
        (None, _) => "not tried".into(),
    };
    format!("<td colspan=\"4\">{what}</td>")
}

fn failure<T>(attempt: &Attempt<T>) -> Option<&str> {
    match attempt {
        Attempt::Failed { failure } => Some(&failure.message),
        Attempt::Done { .. } | Attempt::Skipped { .. } => None,
    }
}

fn certificate(handshake: &Handshake) -> String {
    let until = handshake
        .chain
        .first()
        .and_then(|leaf| leaf.not_after.as_deref())
        .and_then(|at| at.split('T').next())
        .map_or_else(String::new, |day| format!(", until {}", text(day)));
    match (failure(&handshake.pkix), failure(&handshake.identity)) {
        (None, None) => format!("valid{until}"),
        (Some(message), _) | (None, Some(message)) => text(message),
    }
}

fn dane(handshake: &Handshake) -> String {
    match &handshake.dane {
        Attempt::Done { value } => format!(
            "matches {} {} {}",
            value.usage, value.selector, value.matching
        ),
        Attempt::Failed { failure } => text(&failure.message),
        Attempt::Skipped { .. } => "none".into(),
    }
}
