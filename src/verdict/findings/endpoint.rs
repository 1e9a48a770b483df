//! What the endpoints of one host show: STARTTLS, handshakes, certificates.

use std::net::IpAddr;

use jiff::{Timestamp, Unit};

use super::{List, listed, said};
use crate::attempt::{Attempt, Because};
use crate::failure::{Failure, Kind};
use crate::finding::{Code, Finding, Severity};
use crate::observed::domain::{HostObservation, StsMode};
use crate::observed::endpoint::{Anomaly, EndpointObservation, RawHello};
use crate::smtp::ehlo;
use crate::tls::certificate::Certificate;
use crate::tls::handshake::Handshake;
use crate::tls::hello::is_ours;
use crate::tls::hello::suites::Protection;
use crate::verdict::assess::{Scene, SeenHost};
use crate::verdict::certificates::{Dates, common_name_only, dane_holds, dates};
use crate::verdict::policies::usable_tlsa;
use crate::verdict::sight::Sight;

/// How long before its end a certificate is worth a word. Automatic renewal
/// (every 60 of 90 days is usual) has long happened by then.
const SOON_DAYS: i64 = 14;

/// What the endpoints of a host show, equal things together.
pub(super) fn of(scene: &Scene<'_>, place: usize, host: &SeenHost<'_>, list: &mut List) {
    let mut shown: Vec<(Code, String, Vec<IpAddr>)> = Vec::new();
    for (endpoint, sight) in &host.sights {
        let mut add = |code: Code, seen: String| match shown
            .iter_mut()
            .find(|(c, s, _)| *c == code && *s == seen)
        {
            Some((_, _, at)) => at.push(endpoint.address),
            None => shown.push((code, seen, vec![endpoint.address])),
        };
        if let Some(failure) = &endpoint.large_hello {
            add(Code::PostQuantumHelloRefused, said(failure));
        }
        match sight {
            Sight::Tls(handshake) => {
                handshake_findings(scene, host.host, handshake, &mut add);
                other_certificate(scene, endpoint, handshake, &mut add);
            }
            Sight::NoTls {
                failure: Some(failure),
                code,
            } => add(*code, said(failure)),
            Sight::NoTls {
                failure: None,
                code,
            } => add(*code, offered(endpoint)),
            Sight::NotSeen(Some(failure)) if failure.kind == Kind::HandshakeIncompatible => {
                add(Code::HandshakeIncompatible, said(failure));
            }
            Sight::Unproved { hello, .. } => {
                answer_findings(hello, endpoint.handshake.failure(), &mut add);
            }
            Sight::NotSeen(Some(failure)) if refused_otherwise(endpoint) => {
                add(Code::ModernHelloRefused, said(failure));
            }
            // An alert that may be about us still refutes "no TLS".
            Sight::NotSeen(Some(failure)) if failure.kind == Kind::HandshakeAlert => {
                add(Code::HandshakeAlert, said(failure));
            }
            Sight::NotSeen(_) => {}
        }
        if let Some(depth) = &endpoint.deep
            && !scene.is_doubted(endpoint)
        {
            super::depth::of(depth, &mut add);
        }
        if requiretls_in_clear_only(endpoint, sight) {
            add(Code::RequiretlsBeforeTls, String::new());
        }
        for anomaly in &endpoint.anomalies {
            add(anomaly_code(*anomaly), String::new());
        }
    }
    let several = host.sights.len() > 1;
    for (code, seen, at) in shown {
        let places = listed(at.iter());
        let seen = match (seen.is_empty(), several) {
            (true, _) => format!("at {places}"),
            (false, true) => format!("{seen} (at {places})"),
            (false, false) => seen,
        };
        let mut finding = Finding::new(code, code.subject(host.host.host.as_str()), seen);
        match code {
            Code::TlsaInvalid => {
                if let Some(record) = super::policy::ready(host) {
                    finding.fix = Some(format!(
                        "if this is the right key, publish {record}; remove what no longer \
                         matches"
                    ));
                }
            }
            // After the go-ahead of STARTTLS it is more than a note.
            Code::ClosedByPeer => {
                finding.severity = Severity::Error;
                finding.subject = format!(
                    "{} agrees to STARTTLS and then closes the connection",
                    host.host.host
                );
            }
            // Where a sender can have something better it is a note.
            Code::DhGroupSmall
                if host
                    .sights
                    .iter()
                    .all(|(_, sight)| !matches!(sight, Sight::Unproved { .. })) =>
            {
                finding.severity = Severity::Note;
            }
            Code::HandshakeAlert
                if host.sights.iter().any(|(_, sight)| {
                    matches!(sight, Sight::NotSeen(Some(f)) if f.kind == Kind::HandshakeAlert)
                }) =>
            {
                finding.severity = Severity::Warning;
            }
            _ => {}
        }
        list.add(place, finding);
    }
}

/// RFC 8689, section 2: the keyword counts after TLS alone. Where EHLO was not
/// answered inside TLS nothing is known.
fn requiretls_in_clear_only(endpoint: &EndpointObservation, sight: &Sight<'_>) -> bool {
    let in_clear = endpoint.starttls != Attempt::Skipped(Because::ImplicitTls)
        && endpoint
            .ehlo
            .done()
            .is_some_and(|ehlo| ehlo::offers(&ehlo.keywords, "REQUIRETLS"));
    in_clear
        && match endpoint.requiretls() {
            Some(offered) => !offered,
            None => matches!(sight, Sight::NoTls { .. }),
        }
}

fn handshake_findings(
    scene: &Scene<'_>,
    host: &HostObservation,
    handshake: &Handshake,
    add: &mut impl FnMut(Code, String),
) {
    if handshake.version.is_legacy() {
        add(
            Code::TlsBelow12,
            format!("{} at most", handshake.version.name()),
        );
    }
    if let Some(failure) = handshake.dane.failure() {
        add(Code::of(failure.kind), said(failure));
    }
    // Where TLSA records bind, nobody asks for more (RFC 7672, section 3.1),
    // unless a policy does (RFC 8461, section 4.2).
    let policy = scene.observation.mta_sts.policy.done();
    let by_policy = policy.is_some_and(|policy| policy.mode != StsMode::None);
    if usable_tlsa(host).is_some() && !by_policy {
        // RFC 7672, section 3.1.2: under usage 2 dates count.
        if handshake.dane.done().is_some_and(|m| m.usage == 2) {
            out_of_date(
                dates(handshake, scene.at, scene.observation.at),
                scene.at,
                add,
            );
        }
        return;
    }
    let leaf = handshake.chain.first();
    let at_date = dates(handshake, scene.at, scene.observation.at);
    out_of_date(at_date, scene.at, add);
    if let Some(failure) = handshake.pkix.failure() {
        let told = at_date != Dates::InTime
            && matches!(
                failure.kind,
                Kind::CertificateExpired | Kind::CertificateNotYetValid
            );
        if !told {
            add(Code::of(failure.kind), certificate_said(failure, leaf));
        }
    }
    if let Some(failure) = handshake.identity.failure() {
        let names = leaf.map_or(&failure.detail.presented[..], |leaf| &leaf.names[..]);
        let seen = if names.is_empty() {
            said(failure)
        } else {
            format!("names {}", listed(names.iter()))
        };
        add(Code::of(failure.kind), seen);
    }
    // Under a policy that is told as the failure it then is.
    if handshake.identity.is_done() && common_name_only(handshake) && !by_policy {
        add(
            Code::CertificateCommonNameOnly,
            "no dNSName in subjectAltName".to_owned(),
        );
    }
    if at_date == Dates::InTime
        && handshake.pkix.is_done()
        && let Some(end) = leaf.and_then(|leaf| leaf.not_after)
        && days_between(scene.at, end) < SOON_DAYS
    {
        let left = match days_between(scene.at, end) {
            0 => "less than a day left".to_owned(),
            1 => "1 day left".to_owned(),
            n => format!("{n} days left"),
        };
        add(
            Code::CertificateExpiresSoon,
            format!("valid until {}, {left}", day(end)),
        );
    }
}

/// Where the host has a second certificate, whether its TLSA records match that
/// one as well.
fn other_certificate(
    scene: &Scene<'_>,
    endpoint: &EndpointObservation,
    handshake: &Handshake,
    add: &mut impl FnMut(Code, String),
) {
    let Some(asked) = endpoint.other_certificate.done() else {
        return;
    };
    let Some(other) = asked.handshake.as_deref() else {
        return;
    };
    let holds = |handshake| dane_holds(handshake, scene.at, scene.observation.at);
    let (with, without) = match (holds(handshake), holds(other)) {
        (true, false) => (asked.key.other(), asked.key),
        (false, true) => (asked.key, asked.key.other()),
        _ => return,
    };
    add(
        Code::TlsaOtherCertificate,
        format!(
            "the certificate with the {} key matches, the one with the {} key does not",
            with.name(),
            without.name()
        ),
    );
}

/// Whether the server answered a hello made by hand, and chose what our own
/// hello had offered too.
pub(super) fn refused_otherwise(endpoint: &EndpointObservation) -> bool {
    endpoint.raw_hello.as_ref().is_some_and(|hello| {
        hello.version.is_some_and(|version| !version.is_legacy())
            && is_ours(hello.suite, hello.group)
            && !hello.client_certificate_requested
    })
}

/// What the answer to a hello made by hand shows.
fn answer_findings(
    hello: &RawHello,
    failure: Option<&Failure>,
    add: &mut impl FnMut(Code, String),
) {
    let version = hello.version.map_or("TLS", |version| version.spoken());
    let suite = hello.suite_name().unwrap_or_default();
    let chose = format!("a simple hello was answered with {version}, {suite}");
    let mut told = false;
    let mut tell = |code: Code, seen: String| {
        told = true;
        add(code, seen);
    };
    if hello.version.is_some_and(|version| version.is_legacy()) {
        tell(Code::TlsBelow12, format!("{chose}; nothing better"));
    }
    if let Some(suite) = hello.known_suite() {
        if suite.protection() >= Protection::TripleDes {
            tell(Code::WeakSuite, format!("{chose} ({})", suite.class()));
        } else if suite.is_anonymous() {
            tell(Code::AnonymousSuite, chose);
        }
    }
    if let Some(bits) = hello.dh_bits.filter(|bits| *bits < GOOD_DH_BITS) {
        tell(
            Code::DhGroupSmall,
            format!("{suite} with a prime of {bits} bits"),
        );
    }
    if !told && let Some(failure) = failure {
        add(Code::HandshakeIncompatible, said(failure));
    }
}

/// RFC 9325, section 4.5.
const GOOD_DH_BITS: u32 = 2048;

fn out_of_date(dates: Dates, at: Timestamp, add: &mut impl FnMut(Code, String)) {
    match dates {
        Dates::Expired(end) => add(
            Code::CertificateExpired,
            format!("valid until {}{}", day(end), ago(end, at)),
        ),
        Dates::NotYet(begin) => add(
            Code::CertificateNotYetValid,
            format!("valid from {}", day(begin)),
        ),
        Dates::InTime => {}
    }
}

fn anomaly_code(anomaly: Anomaly) -> Code {
    match anomaly {
        Anomaly::StarttlsAfterTls => Code::StarttlsAfterTls,
        Anomaly::DataBeforeHandshake => Code::DataBeforeHandshake,
        Anomaly::AuthBeforeTls => Code::AuthBeforeTls,
        Anomaly::BareLf => Code::BareLf,
        Anomaly::OverLongLine => Code::OverLongLine,
        Anomaly::CodeMismatch => Code::CodeMismatch,
        Anomaly::UnexpectedReply => Code::UnexpectedReply,
        Anomaly::EhloAfterTlsFailed => Code::EhloAfterTlsFailed,
    }
}

fn certificate_said(failure: &Failure, leaf: Option<&Certificate>) -> String {
    match leaf {
        Some(leaf) if leaf.self_issued => "self-signed".to_owned(),
        Some(leaf) if failure.kind == Kind::CertificateNotTrusted => {
            format!("{}; issuer {}", failure.message, leaf.issuer)
        }
        _ => failure.message.clone(),
    }
}

/// What an EHLO reply without STARTTLS offered.
fn offered(endpoint: &EndpointObservation) -> String {
    match endpoint.ehlo.done() {
        Some(ehlo) if !ehlo.keywords.is_empty() => {
            format!("EHLO offers {}, no STARTTLS", listed(ehlo.keywords.iter()))
        }
        _ => "the reply names no extension at all".to_owned(),
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn ago(end: Timestamp, at: Timestamp) -> String {
    match days_between(end, at) {
        0 => String::new(),
        1 => ", 1 day ago".to_owned(),
        n => format!(", {n} days ago"),
    }
}

/// Whole days from one time to a later one.
fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    to.since((Unit::Hour, from))
        .map_or(0, |span| i64::from(span.get_hours()) / 24)
}
