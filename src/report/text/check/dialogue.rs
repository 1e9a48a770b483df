//! The SMTP dialogue with each address, with what the handshake agreed and
//! showed.

use jiff::{Timestamp, Unit};

use crate::observed::domain::DomainObservation;
use crate::observed::endpoint::{EndpointObservation, Event};
use crate::report::base64::pem;
use crate::report::text::escape;
use crate::report::text::layout::{paragraph, quotation};
use crate::report::text::style::{Paint, Style};
use crate::tls::certificate::Certificate;
use crate::tls::handshake::Handshake;

/// Where the words begin, behind the seconds.
const INDENT: usize = 12;

/// Every dialogue, one after the other.
pub(super) fn render(observation: &DomainObservation, at: Timestamp, style: Style) -> String {
    let mut out = String::new();
    for host in &observation.hosts {
        for endpoint in &host.endpoints {
            if !out.is_empty() {
                out.push('\n');
            }
            let title = format!(
                "{}, {} port {}",
                escape::text(host.host.as_str()),
                endpoint.address,
                endpoint.port
            );
            for line in paragraph("", &title).lines() {
                out.push_str(&style.paint(Paint::Strong, line));
                out.push('\n');
            }
            one(&mut out, endpoint, at);
        }
    }
    out
}

fn one(out: &mut String, endpoint: &EndpointObservation, at: Timestamp) {
    let other = endpoint.other_certificate.done();
    let shown: Vec<&Handshake> = endpoint
        .handshake
        .done()
        .into_iter()
        .chain(other.and_then(|other| other.handshake.as_deref()))
        .collect();
    let mut handshakes = shown.iter();
    let mut last_heard = None;
    for exchange in &endpoint.transcript {
        let millis = exchange.at.as_millis();
        let mut time = format!("{:>6}.{:03}", millis / 1000, millis % 1000);
        let heard = matches!(exchange.event, Event::Heard(_));
        // The lines of one reply come together; the time stands at the first.
        if heard && last_heard == Some(millis) {
            time.clear();
        }
        last_heard = heard.then_some(millis);
        let first = format!("{time:<10}  ");
        out.push_str(&match &exchange.event {
            Event::Connected => paragraph(&first, "connected"),
            Event::Sent(line) => quotation(&format!("{first}C: "), &escape::text(line)),
            Event::Heard(line) => quotation(&format!("{first}S: "), &escape::octets(line)),
            Event::Further(purpose) => paragraph(&first, &format!("again, {purpose}:")),
            Event::Secured => {
                let handshake = handshakes.next();
                let words = handshake.map_or_else(|| "TLS".to_owned(), |h| agreed(h));
                let mut text = paragraph(&first, &words);
                if let Some(handshake) = handshake {
                    certificates(&mut text, handshake, at);
                }
                text
            }
            Event::Answered(words) => paragraph(&first, &escape::text(words)),
            Event::Failed(message) => {
                paragraph(&format!("{first}failed: "), &escape::text(message))
            }
        });
    }
    // What was read back from JSON has no octets.
    let chain = shown.iter().flat_map(|handshake| &handshake.chain);
    for certificate in chain.filter(|certificate| !certificate.der.is_empty()) {
        out.push_str(&pem(&certificate.der));
    }
}

/// `TLS 1.2, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, X25519`.
fn agreed(handshake: &Handshake) -> String {
    let version = handshake.version.name().replace("TLSv", "TLS ");
    let mut out = format!("{version}, {}", handshake.cipher_suite);
    if let Some(group) = &handshake.group {
        out.push_str(", ");
        out.push_str(group);
    }
    if handshake.client_certificate_requested {
        out.push_str(", asks for a client certificate");
    }
    out
}

fn certificates(out: &mut String, handshake: &Handshake, at: Timestamp) {
    let of = handshake.chain.len();
    for (i, certificate) in handshake.chain.iter().enumerate() {
        out.push_str(&format!("{:INDENT$}certificate {} of {of}\n", "", i + 1));
        let mut part = |label: &str, text: String| {
            let first = format!("{:INDENT$}  {label:<8} ", "");
            out.push_str(&paragraph(&first, &escape::text(&text)));
        };
        if certificate.names.is_empty() {
            part("subject", certificate.subject.clone());
        } else {
            part("names", certificate.names.join(", "));
        }
        part("issuer", certificate.issuer.clone());
        part("valid", validity(certificate, at));
        part("key", key(certificate));
    }
    let mut judged =
        |label: &str, failure: Option<&crate::failure::Failure>, done: Option<String>| {
            let text = match (failure, done) {
                (Some(failure), _) => format!("no: {}", failure.message),
                (None, Some(yes)) => yes,
                (None, None) => return,
            };
            let first = format!("{:INDENT$}{label:<9} ", "");
            out.push_str(&paragraph(&first, &escape::text(&text)));
        };
    judged(
        "trusted",
        handshake.pkix.failure(),
        handshake.pkix.done().map(|()| "yes".to_owned()),
    );
    judged(
        "name",
        handshake.identity.failure(),
        handshake
            .identity
            .done()
            .map(|identity| format!("matches {}", identity.matched)),
    );
    judged(
        "DANE",
        handshake.dane.failure(),
        handshake
            .dane
            .done()
            .map(|m| format!("matches TLSA {} {} {}", m.usage, m.selector, m.matching)),
    );
}

fn validity(certificate: &Certificate, at: Timestamp) -> String {
    let (Some(begin), Some(end)) = (certificate.not_before, certificate.not_after) else {
        return "unreadable".to_owned();
    };
    let days = |from: Timestamp, to: Timestamp| {
        to.since((Unit::Hour, from))
            .map_or(0, |span| i64::from(span.get_hours()) / 24)
    };
    let state = if at > end {
        format!("expired {} days ago", days(end, at))
    } else if at < begin {
        format!("begins in {} days", days(at, begin))
    } else {
        format!("{} days left", days(at, end))
    };
    let day = |t: Timestamp| t.strftime("%Y-%m-%d").to_string();
    format!("{} to {} ({state})", day(begin), day(end))
}

/// `RSA 2048, SPKI sha256 6cf12d78fbf24290...91921e`.
fn key(certificate: &Certificate) -> String {
    let key = &certificate.key;
    let what = match &key.curve {
        Some(curve) => format!("{} {curve}", key.algorithm),
        None => format!("{} {}", key.algorithm, key.bits),
    };
    let spki = &certificate.spki_sha256;
    match (
        spki.get(..16),
        spki.len().checked_sub(6).and_then(|n| spki.get(n..)),
    ) {
        (Some(head), Some(tail)) => format!("{what}, SPKI sha256 {head}...{tail}"),
        _ => what,
    }
}
