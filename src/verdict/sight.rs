//! What was seen of one endpoint: TLS, no TLS, or nothing that counts.

use crate::attempt::{Attempt, Because};
use crate::failure::{Failure, Kind, Stage};
use crate::finding::Code;
use crate::observed::domain::DomainObservation;
use crate::observed::endpoint::{EndpointObservation, RawHello, Verb};
use crate::tls::handshake::Handshake;
use crate::tls::hello::is_ours;
use crate::tls::hello::suites::Protection;

/// What one endpoint shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sight<'a> {
    /// STARTTLS works: the handshake reached its end.
    Tls(&'a Handshake),
    /// STARTTLS works with clients that speak what the server does, as its
    /// answer to a hello made by hand shows. Nobody proved to have a key.
    Unproved {
        hello: &'a RawHello,
        /// What it speaks, current senders refuse.
        outdated: bool,
    },
    /// STARTTLS does not work there, for a reason that lies with the endpoint.
    NoTls {
        code: Code,
        failure: Option<&'a Failure>,
    },
    /// It could not be seen; none where it was not tried.
    NotSeen(Option<&'a Failure>),
}

/// Weighs one endpoint. A wrong "no TLS" is the worst thing this program can
/// say, so whatever may be transient, about us, or on the way is not seen.
#[must_use]
pub fn sight(endpoint: &EndpointObservation) -> Sight<'_> {
    if let Attempt::Done(handshake) = &endpoint.handshake {
        return Sight::Tls(handshake);
    }
    // The first failure in the order of the dialogue is the cause; what comes
    // behind it was skipped because of it.
    let failure = [
        endpoint.connect.failure(),
        endpoint.greeting.failure(),
        endpoint.ehlo.failure(),
        endpoint.starttls.failure(),
        endpoint.handshake.failure(),
    ]
    .into_iter()
    .flatten()
    .next();
    if let Some(failure) = failure {
        // RFC 8314, section 3.3: what came in place of a ServerHello is the
        // greeting of a server that knows of no TLS here.
        if endpoint.starttls == Attempt::Skipped(Because::ImplicitTls)
            && failure.kind == Kind::HandshakeNotTls
            && failure.heard.as_deref().is_some_and(is_smtp_reply)
        {
            return Sight::NoTls {
                code: Code::CleartextOnTlsPort,
                failure: Some(failure),
            };
        }
        return match &endpoint.raw_hello {
            Some(hello) if failure.stage == Stage::Handshake && hello.version.is_some() => {
                unproved(hello, failure)
            }
            _ => weigh(failure),
        };
    }
    match (&endpoint.ehlo, &endpoint.starttls) {
        // RFC 5321, section 3.2: a session begun with HELO has no extensions.
        (Attempt::Done(ehlo), Attempt::Skipped(Because::NotOffered)) => Sight::NoTls {
            code: match ehlo.verb {
                Verb::Helo => Code::HeloOnly,
                Verb::Ehlo => Code::StarttlsNotSupported,
            },
            failure: None,
        },
        _ => Sight::NotSeen(None),
    }
}

/// The same, with what the control host says of this network: where it failed,
/// nothing negative counts. RFC 3207, section 6: what is missing here may have
/// been removed on the way.
#[must_use]
pub fn sight_from_here<'o>(
    observation: &'o DomainObservation,
    endpoint: &'o EndpointObservation,
) -> Sight<'o> {
    match (sight(endpoint), observation.control.failure()) {
        (Sight::NoTls { .. }, Some(failure)) => Sight::NotSeen(Some(failure)),
        (sight, _) => sight,
    }
}

/// Whether octets begin as a reply does (RFC 5321, section 4.2).
fn is_smtp_reply(octets: &[u8]) -> bool {
    matches!(
        octets,
        [
            b'2'..=b'5',
            b'0'..=b'5',
            b'0'..=b'9',
            b' ' | b'-' | b'\r',
            ..
        ]
    )
}

/// Weighs the answer to a hello made by hand. It refutes "no TLS" in any case.
fn unproved<'a>(hello: &'a RawHello, failure: &'a Failure) -> Sight<'a> {
    // It chose what our own hello had offered too, and did not take that hello;
    // or it asks for a certificate, which our own stack has none of either.
    // What other senders get from it is not known.
    let refused_otherwise = failure.kind != Kind::HandshakeIncompatible
        || is_ours(hello.suite, hello.group)
        || hello.client_certificate_requested;
    let legacy = hello.version.is_some_and(|version| version.is_legacy());
    let suite = hello.known_suite();
    // Nothing is encrypted with it.
    let null = suite.is_none_or(|suite| suite.protection() == Protection::Null);
    if null || (refused_otherwise && !legacy) {
        return Sight::NotSeen(Some(failure));
    }
    // RFC 9325, section 4.1 forbids RC4 and less than 112 bits, and advises
    // against less than 128, as with 3DES; section 4.5 wants finite field groups
    // of 2048 bits. TLS libraries leave out what is far below, and suites
    // without a certificate unless told.
    let poor = suite
        .is_some_and(|suite| suite.protection() >= Protection::TripleDes || suite.is_anonymous());
    let small = hello.dh_bits.is_some_and(|bits| bits < LEAST_DH_BITS);
    Sight::Unproved {
        hello,
        outdated: legacy || poor || small,
    }
}

/// Below this, current TLS libraries refuse a Diffie-Hellman group whatever
/// they are told (OpenSSL 1.1.0 and later at any security level but 0).
pub(super) const LEAST_DH_BITS: u32 = 1024;

/// Whether a failure shows that STARTTLS does not work there.
fn weigh(failure: &Failure) -> Sight<'_> {
    let lacks = match failure.kind {
        Kind::StarttlsNotSupported | Kind::StarttlsRejected | Kind::StarttlsMasked => true,
        // The prober asked twice before it recorded this. 421 is the server
        // going away (RFC 5321, section 3.8), not an answer about STARTTLS.
        Kind::StarttlsTemporary => failure.detail.code != Some(421),
        Kind::HandshakeNotTls => true,
        Kind::HandshakeAlert => !blames_us(failure.detail.alert.as_deref()),
        // After 220 to STARTTLS a hang-up is a failed handshake, and a failed
        // handshake is no working STARTTLS: the prober came back with a small
        // hello, and with one made by hand, before it left this on record.
        // Before the 220 it is a limit, a filter, an overload.
        Kind::ClosedByPeer => failure.stage == Stage::Handshake,
        // It speaks TLS: that alone refutes "no TLS".
        Kind::HandshakeIncompatible => false,
        // Busy, slow, or dropped on the way.
        Kind::HandshakeTimeout
        | Kind::ReplyTimeout
        | Kind::GreetingTimeout
        | Kind::ConnectTimeout
        | Kind::Deadline => false,
        // RFC 5321, section 4.2.1: these answer us, here, now; another client
        // may be let in, and its TLS is not known.
        Kind::GreetingTemporary
        | Kind::GreetingRejected
        | Kind::EhloTemporary
        | Kind::EhloRejected => false,
        // What answers may not even be the mail server.
        Kind::ReplyMalformed | Kind::ReplyTooLong => false,
        Kind::ConnectRefused | Kind::ConnectUnreachable => false,
        // The server was not even asked.
        Kind::ProxyUnreachable | Kind::ProxyAuthFailed | Kind::ProxyRefused | Kind::ProxyFailed => {
            false
        }
        // A certificate never makes a hop cleartext by itself (RFC 7435,
        // section 4); a stack of ours that stumbles over one saw TLS.
        Kind::CertificateHostMismatch
        | Kind::CertificateExpired
        | Kind::CertificateNotTrusted
        | Kind::CertificateNotYetValid
        | Kind::CertificateWeak
        | Kind::ValidationFailure
        | Kind::TlsaInvalid => false,
        Kind::StsPolicyFetchError | Kind::StsPolicyInvalid | Kind::StsWebpkiInvalid => false,
        Kind::Nxdomain
        | Kind::NoData
        | Kind::Servfail
        | Kind::DnsTimeout
        | Kind::DnsRefused
        | Kind::ResolverUnreachable
        | Kind::ResolverUntrusted
        | Kind::DnssecBogus
        | Kind::DnssecIndeterminate => false,
        Kind::Port25Blocked | Kind::TooManyOpenFiles => false,
    };
    if lacks {
        Sight::NoTls {
            code: Code::of(failure.kind),
            failure: Some(failure),
        }
    } else {
        Sight::NotSeen(Some(failure))
    }
}

/// Whether an alert (RFC 8446, section 6.2) may be about what this client
/// offers rather than about the server: nothing in common, a name it does not
/// know (most senders give none), an alert without a name. Another sender may
/// then well agree with it on TLS.
fn blames_us(alert: Option<&str>) -> bool {
    let Some(alert) = alert else {
        return true;
    };
    matches!(
        alert.to_ascii_lowercase().replace('-', "_").as_str(),
        "handshake_failure"
            | "protocol_version"
            | "insufficient_security"
            | "inappropriate_fallback"
            | "unrecognized_name"
            | "unsupported_extension"
            | "missing_extension"
            | "illegal_parameter"
            | "no_application_protocol"
            | "user_canceled"
            | "close_notify"
    )
}
