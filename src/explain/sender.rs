//! What sending software does when STARTTLS is refused or the handshake
//! fails. "The handshake fails" explains cleartext only with some senders, and
//! with Postfix only after the message has waited.
//!
//! One row is one program as its source has it; a row without a reading says
//! so instead of guessing. Settings may differ from the defaults told here, so
//! a row alone never proves or excludes anything.

use jiff::SignedDuration;

use crate::trace::chain::Hop;

/// What one program does as a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The name shown; the name that the header's reader gives begins so.
    pub name: &'static str,
    pub client_tls: ClientTls,
    pub on_refusal: OnRefusal,
    pub on_failure: OnFailure,
    /// How it remembers a host with which TLS broke.
    pub memory: Option<&'static str>,
    /// One clause on the failed handshake, which can stand alone.
    pub habit: &'static str,
    pub source: &'static str,
}

/// Whether it can use TLS, and does by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientTls {
    /// As shipped it tries TLS wherever it is offered.
    Default,
    /// It can, when this setting says so.
    ByOption(&'static str),
    /// The program as released has no TLS client.
    Never,
    Unread,
}

/// When STARTTLS is answered by 4yz or 5yz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    GoesOnInClear,
    DoesNotDeliver,
    Unread,
}

/// When the handshake fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// A new connection in cleartext within seconds.
    ClearAtOnce,
    /// In cleartext once the message has waited so long, else deferred.
    ClearAfter(SignedDuration),
    /// In cleartext on the host once it is marked, where marking is turned on.
    ClearWhenMarked,
    /// Deferred, or on to another host; never cleartext by default.
    Never,
    /// In cleartext, and it is not known when.
    ClearSometime,
}

const SENDERS: &[Sender] = &[
    Sender {
        name: "Postfix",
        client_tls: ClientTls::ByOption(
            "Postfix tries TLS only where smtp_tls_security_level is set, and it was empty by \
             default before 3.11",
        ),
        on_refusal: OnRefusal::GoesOnInClear,
        // DEF_MIN_BACKOFF_TIME; smtp.h RETRY_AS_PLAINTEXT wants
        // PREACTIVE_DELAY >= var_min_backoff_time at level may.
        on_failure: OnFailure::ClearAfter(SignedDuration::from_secs(300)),
        memory: None,
        habit: "Postfix at level may goes on in cleartext only after a message has waited \
                minimal_backoff_time (300 s by default), else it defers",
        source: "Postfix smtp.h, smtp_proto.c, mail_params.h",
    },
    Sender {
        name: "Exim",
        client_tls: ClientTls::Default,
        on_refusal: OnRefusal::GoesOnInClear,
        on_failure: OnFailure::ClearAtOnce,
        memory: None,
        habit: "Exim closes and delivers in cleartext at once (tls_tempfail_tryclear), unless \
                hosts_require_tls names the host",
        source: "Exim specification, option tls_tempfail_tryclear",
    },
    Sender {
        name: "OpenSMTPD",
        client_tls: ClientTls::Default,
        on_refusal: OnRefusal::Unread,
        on_failure: OnFailure::ClearAtOnce,
        memory: None,
        habit: "OpenSMTPD logs \"opportunistic TLS failed, downgrading to plain\" and reconnects \
                in cleartext at once",
        source: "OpenSMTPD mta_session.c",
    },
    Sender {
        name: "Haraka",
        client_tls: ClientTls::Unread,
        on_refusal: OnRefusal::Unread,
        on_failure: OnFailure::ClearWhenMarked,
        memory: Some(
            "Haraka can mark a host for 7 days (disable_for_failed_hosts, off by default)",
        ),
        habit: "Haraka goes on in cleartext only with a host it has marked \
                (disable_for_failed_hosts, off by default)",
        source: "Haraka outbound/tls.js",
    },
    Sender {
        name: "mox",
        client_tls: ClientTls::Default,
        on_refusal: OnRefusal::GoesOnInClear,
        on_failure: OnFailure::ClearAtOnce,
        memory: None,
        habit: "mox tries the host again without TLS at once, unless MTA-STS or DANE forbid it",
        source: "mox queue/direct.go",
    },
    Sender {
        name: "maddy",
        client_tls: ClientTls::Default,
        on_refusal: OnRefusal::DoesNotDeliver,
        on_failure: OnFailure::ClearAtOnce,
        memory: None,
        habit: "maddy goes on in cleartext after a failed handshake, but not after a refused \
                STARTTLS",
        source: "maddy internal/target/remote/connect.go",
    },
    Sender {
        name: "Stalwart",
        client_tls: ClientTls::Default,
        on_refusal: OnRefusal::GoesOnInClear,
        on_failure: OnFailure::Never,
        memory: None,
        habit: "Stalwart goes to the next host or defers after a failed handshake, never on in \
                cleartext with that host",
        source: "Stalwart outbound/delivery.rs",
    },
    Sender {
        name: "KumoMTA",
        client_tls: ClientTls::Default,
        on_refusal: OnRefusal::DoesNotDeliver,
        on_failure: OnFailure::Never,
        memory: Some("KumoMTA can remember broken TLS for a time the operator sets"),
        habit: "KumoMTA by default (Opportunistic) does not fall back where STARTTLS is advertised",
        source: "KumoMTA smtp_dispatcher.rs, enable_tls reference",
    },
    Sender {
        name: "hMailServer",
        client_tls: ClientTls::Unread,
        on_refusal: OnRefusal::GoesOnInClear,
        on_failure: OnFailure::ClearAtOnce,
        memory: None,
        habit: "hMailServer with optional STARTTLS delivers a second time with security disabled, \
                at once",
        source: "hMailServer ExternalDelivery.cpp",
    },
    Sender {
        name: "Sendmail",
        client_tls: ClientTls::Default,
        on_refusal: OnRefusal::Unread,
        on_failure: OnFailure::Never,
        memory: None,
        habit: "Sendmail defers after a failed handshake unless TLSFallbacktoClear or an \
                access-map entry Try_TLS says otherwise",
        source: "Sendmail operations guide, option TLSFallbacktoClear",
    },
    Sender {
        name: "Courier",
        client_tls: ClientTls::Default,
        on_refusal: OnRefusal::Unread,
        on_failure: OnFailure::Never,
        memory: None,
        habit: "Courier defers after a failed handshake",
        source: "courier(8), ESMTP_USE_STARTTLS",
    },
    Sender {
        name: "qmail",
        client_tls: ClientTls::Never,
        on_refusal: OnRefusal::Unread,
        on_failure: OnFailure::Never,
        memory: None,
        habit: "qmail and notqmail as released have no TLS client",
        source: "notqmail qmail-remote.c",
    },
    Sender {
        name: "Exchange",
        client_tls: ClientTls::Default,
        on_refusal: OnRefusal::GoesOnInClear,
        on_failure: OnFailure::ClearSometime,
        memory: None,
        habit: "Exchange Online sends unencrypted if TLS cannot be negotiated, by its vendor's text",
        source: "Microsoft Exchange team, on TLS in Exchange Online",
    },
    Sender {
        name: "Proofpoint Essentials",
        client_tls: ClientTls::Default,
        on_refusal: OnRefusal::GoesOnInClear,
        on_failure: OnFailure::ClearSometime,
        memory: None,
        habit: "Proofpoint Essentials wants TLS 1.2 and else sends in cleartext, by its vendor's text",
        source: "Proofpoint Essentials, announcement of April 2023",
    },
];

/// The program that sent over a hop, by the line it wrote itself one hop
/// before: none where that line is missing or its writer not in the table.
#[must_use]
pub fn recognise(own_line: &Hop) -> Option<&'static Sender> {
    by_name(&own_line.software.as_ref()?.name)
}

/// The row of a program by the name the header's reader gives it.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Sender> {
    let name = name.to_ascii_lowercase();
    let name = name
        .strip_prefix("not")
        .filter(|rest| rest.starts_with("qmail"))
        .unwrap_or(&name);
    // The longest name first: "Proofpoint Essentials" is no other product.
    SENDERS
        .iter()
        .filter(|sender| {
            let row = sender.name.to_ascii_lowercase();
            name.strip_prefix(row.as_str())
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        })
        .max_by_key(|sender| sender.name.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_program_is_known_by_the_start_of_its_name() {
        for (name, row) in [
            ("Postfix", Some("Postfix")),
            ("postfix (Halon)", Some("Postfix")),
            ("Exim", Some("Exim")),
            ("notqmail", Some("qmail")),
            ("Exchange Online", Some("Exchange")),
            ("Eximious", None),
            ("", None),
        ] {
            assert_eq!(by_name(name).map(|s| s.name), row, "{name}");
        }
    }

    #[test]
    fn every_row_has_a_source_and_says_when_it_goes_on_in_cleartext() {
        for sender in SENDERS {
            assert!(!sender.source.is_empty() && !sender.habit.is_empty());
            assert_eq!(by_name(sender.name), Some(sender));
        }
    }
}
