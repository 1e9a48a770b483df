//! STARTTLS that was there before and no longer is.
//!
//! RFC 3207, section 6 has a client remember that a server offers TLS, and
//! warn where it later does not: a server that lost it and a network that
//! removes it look the same.

use jiff::tz::TimeZone;

use crate::finding::{Code, Finding, Severity};
use crate::name::HostName;
use crate::observed::domain::DomainObservation;
use crate::observed::past::LastTls;
use crate::verdict::{Sight, Verdict, sight_from_here};

use std::net::IpAddr;

/// The endpoints whose past matters: those seen without working STARTTLS.
pub fn lacking(observation: &DomainObservation) -> impl Iterator<Item = (&HostName, IpAddr)> {
    observation.hosts.iter().flat_map(move |host| {
        let endpoints = host.endpoints.iter();
        endpoints
            .filter(|endpoint| {
                matches!(sight_from_here(observation, endpoint), Sight::NoTls { .. })
            })
            .map(move |endpoint| (&host.host, endpoint.address))
    })
}

/// Adds what the past says of the endpoints without STARTTLS, one finding a
/// host, behind the findings that are as grave.
pub fn remember(verdict: &mut Verdict, observation: &DomainObservation, past: &[LastTls]) {
    let mut lost: Vec<Finding> = Vec::new();
    for host in &observation.hosts {
        let name = host.host.as_str();
        let mine: Vec<&LastTls> = past.iter().filter(|last| last.host == name).collect();
        let Some(latest) = mine.iter().max_by_key(|last| last.at) else {
            continue;
        };
        let when = latest
            .at
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%d %H:%M UTC");
        let at: Vec<String> = mine.iter().map(|last| last.address.to_string()).collect();
        let seen = if mine.iter().all(|last| last.shown == last.address) {
            format!("TLS at {} on {when}; none now", at.join(", "))
        } else {
            format!(
                "TLS at {} on {when}; none now at {}",
                latest.shown,
                at.join(", ")
            )
        };
        lost.push(Finding::new(
            Code::StarttlsLost,
            Code::StarttlsLost.subject(name),
            seen,
        ));
    }
    let place = verdict
        .findings
        .iter()
        .rposition(|finding| finding.severity <= Severity::Error)
        .map_or(0, |last| last + 1);
    verdict.findings.splice(place..place, lost);
}
