//! The table of MX hosts and their addresses.

use jiff::Timestamp;

use crate::attempt::{Attempt, Because};
use crate::failure::Kind;
use crate::finding::Code;
use crate::observed::domain::{Dnssec, DomainObservation, HostObservation};
use crate::report::text::escape;
use crate::report::text::layout::{Align, COLUMNS, Cell, Table, clip, width};
use crate::report::text::style::{Paint, Style};
use crate::tls::handshake::Handshake;
use crate::tls::parameters::TlsVersion;
use crate::verdict::{Sight, sight_from_here};

/// The table; empty where there are no hosts.
pub(super) fn render(observation: &DomainObservation, at: Timestamp, style: Style) -> String {
    if observation.hosts.is_empty() {
        return String::new();
    }
    let with_dane = observation
        .hosts
        .iter()
        .any(|host| super::was_asked(&host.tlsa));
    let preferences: Vec<String> = observation
        .hosts
        .iter()
        .map(|host| host.preference.to_string())
        .collect();
    let room = preferences
        .iter()
        .map(String::len)
        .max()
        .unwrap_or(0)
        .max(4);
    let indent = 2 + room + 2;
    let names = observation
        .hosts
        .iter()
        .map(|host| width(&escape::text(host.host.as_str())))
        .max()
        .unwrap_or(0);
    let dane_head = if with_dane { "DANE" } else { "" };

    let mut table = Table::new(&[Align::Left; 5])
        .at_most(0, 41)
        // As wide as the names, as far as the columns behind them leave room.
        .at_least(0, names.min(if with_dane { 30 } else { 40 }));
    table.row([
        "MX host, address".into(),
        "STARTTLS".into(),
        "TLS".into(),
        "certificate".into(),
        dane_head.into(),
    ]);
    for host in &observation.hosts {
        for endpoint in &host.endpoints {
            let sight = sight_from_here(observation, endpoint);
            let mut cells = cells(sight, at);
            cells[0] = format!("  {}", endpoint.address).into();
            if endpoint.starttls == Attempt::Skipped(Because::ImplicitTls)
                && matches!(sight, Sight::Tls(_) | Sight::Unproved { .. })
            {
                cells[1] = "implicit".into();
            }
            if with_dane {
                cells[4] = dane(host, sight);
            }
            table.row(cells);
        }
    }
    let rendered = table.render(indent, style);
    let mut lines = rendered.lines();
    let mut out = String::new();
    if let Some(head) = lines.next() {
        let head = head.get(indent..).unwrap_or_default();
        out.push_str(&format!("  {:>room$}  {head}\n", "pref"));
    }
    for (host, preference) in observation.hosts.iter().zip(&preferences) {
        let name = clip(&escape::text(host.host.as_str()), COLUMNS - indent);
        out.push_str(format!("  {preference:>room$}  {name}").trim_end());
        out.push('\n');
        if host.endpoints.is_empty() {
            let why = clip(&without_endpoints(host), COLUMNS - indent - 2);
            out.push_str(&format!("{:indent$}  {why}\n", ""));
        }
        for line in lines.by_ref().take(host.endpoints.len()) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

fn without_endpoints(host: &HostObservation) -> String {
    match &host.addresses {
        _ if host.host.is_address() => "an address, not a host name".to_owned(),
        Attempt::Done(addresses) if addresses.list.is_empty() => "no address".to_owned(),
        Attempt::Done(_) => "not asked".to_owned(),
        Attempt::Failed(failure) if matches!(failure.kind, Kind::Nxdomain | Kind::NoData) => {
            "no address".to_owned()
        }
        Attempt::Failed(failure) => {
            format!("address unknown: {}", escape::text(&failure.message))
        }
        Attempt::Skipped(_) => "not asked".to_owned(),
    }
}

fn cells(sight: Sight<'_>, at: Timestamp) -> [Cell; 5] {
    let [address, dane] = [Cell::default(), Cell::default()];
    match sight {
        Sight::Tls(handshake) => {
            let version = number(handshake.version);
            let paint = if handshake.version.is_legacy() {
                Paint::Bad
            } else {
                Paint::None
            };
            [
                address,
                Cell::painted(Paint::Good, "yes"),
                Cell::painted(paint, version),
                certificate(handshake, at),
                dane,
            ]
        }
        Sight::Unproved { hello, outdated } => [
            address,
            Cell::painted(Paint::Doubtful, "yes"),
            Cell::painted(
                if outdated { Paint::Bad } else { Paint::None },
                hello.version.map_or("-", number),
            ),
            Cell::painted(
                Paint::Doubtful,
                if hello.chain.is_empty() {
                    "not seen"
                } else {
                    "not proved"
                },
            ),
            dane,
        ],
        Sight::NoTls { code, .. } => [
            address,
            Cell::painted(
                Paint::Bad,
                match code {
                    Code::StarttlsNotSupported | Code::HeloOnly => "no",
                    Code::StarttlsTemporary | Code::StarttlsRejected => "refused",
                    Code::StarttlsMasked => "masked",
                    Code::CleartextOnTlsPort => "cleartext",
                    _ => "broken",
                },
            ),
            "-".into(),
            "-".into(),
            dane,
        ],
        Sight::NotSeen(_) => [
            address,
            Cell::painted(Paint::Doubtful, "unknown"),
            "-".into(),
            "-".into(),
            dane,
        ],
    }
}

/// `1.2`; SSL keeps its letters.
fn number(version: TlsVersion) -> &'static str {
    version.spoken().trim_start_matches("TLS ")
}

fn certificate(handshake: &Handshake, at: Timestamp) -> Cell {
    let leaf = handshake.chain.first();
    let past = leaf.and_then(|leaf| leaf.not_after).is_some_and(|t| at > t);
    let future = leaf
        .and_then(|leaf| leaf.not_before)
        .is_some_and(|t| at < t);
    let word = if past {
        "expired"
    } else if future {
        "not yet valid"
    } else {
        let failure = handshake
            .pkix
            .failure()
            .or_else(|| handshake.identity.failure());
        match failure.map(|failure| failure.kind) {
            None if leaf.is_some_and(|leaf| leaf.common_name_only)
                && handshake.identity.is_done() =>
            {
                "CN only"
            }
            None if handshake.pkix.is_done() && handshake.identity.is_done() => {
                return Cell::painted(Paint::Good, "valid");
            }
            None => return Cell::painted(Paint::Doubtful, "not judged"),
            Some(Kind::CertificateNotTrusted) if leaf.is_some_and(|leaf| leaf.self_issued) => {
                "self-signed"
            }
            Some(Kind::CertificateNotTrusted) => "not trusted",
            Some(Kind::CertificateHostMismatch) => "names another",
            Some(Kind::CertificateExpired) => "expired",
            Some(Kind::CertificateNotYetValid) => "not yet valid",
            Some(Kind::CertificateWeak) => "weak",
            Some(_) => "invalid",
        }
    };
    Cell::painted(Paint::Doubtful, word)
}

fn dane(host: &HostObservation, sight: Sight<'_>) -> Cell {
    match &host.tlsa {
        Attempt::Failed(_) => Cell::painted(Paint::Doubtful, "unknown"),
        Attempt::Skipped(Because::AddressInsecure) => "unsigned".into(),
        Attempt::Skipped(_) => "-".into(),
        Attempt::Done(tlsa) if tlsa.records.is_empty() => "none".into(),
        Attempt::Done(tlsa) if tlsa.dnssec != Dnssec::Secure => "unsigned".into(),
        Attempt::Done(_) => match sight {
            Sight::Tls(handshake) if handshake.dane.is_done() => {
                Cell::painted(Paint::Good, "match")
            }
            Sight::Tls(handshake) if handshake.dane.failure().is_some() => {
                Cell::painted(Paint::Bad, "no match")
            }
            Sight::Tls(_) => "unusable".into(),
            Sight::Unproved { .. } | Sight::NoTls { .. } | Sight::NotSeen(_) => "-".into(),
        },
    }
}
