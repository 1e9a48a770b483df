//! Codes about the way to STARTTLS: connection, greeting, EHLO.
//!
//! What kept us from seeing is a note: could not see is never bad.

use super::Words;
use crate::finding::Severity::{Error, Note, Warning};

pub(super) const CONNECT_REFUSED: Words = Words {
    severity: Note,
    standard: None,
    tlsrpt: None,
    summary: "the connection was refused",
    means: "Nothing listens on the port, or a firewall says no. Unknown, not bad: \
            senders go on to the next address, and so do we. Some hosts are down on \
            purpose.",
    fix: None,
};
pub(super) const CONNECT_TIMEOUT: Words = Words {
    severity: Note,
    standard: None,
    tlsrpt: None,
    summary: "nobody answered the connection",
    means: "The host is down, or something on the way drops the packets, perhaps on this \
            network. Unknown, not bad.",
    fix: Some("try from another network; if one family fails everywhere, its record is stale"),
};
pub(super) const CONNECT_UNREACHABLE: Words = Words {
    severity: Note,
    standard: None,
    tlsrpt: None,
    summary: "there is no way to the address from here",
    means: "This machine has no route to it; for an IPv6 address mostly because this \
            network has no IPv6. Unknown, not bad.",
    fix: Some("try from a network that has a way to it"),
};
pub(super) const GREETING_TIMEOUT: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 4.5.3.2.1"),
    tlsrpt: None,
    summary: "the server took the connection but did not greet in time",
    means: "It may be busy or slow strangers down on purpose; senders wait up to five \
            minutes. Unknown, not bad.",
    fix: Some("wait longer with --timeout 300 --deadline 600"),
};
pub(super) const GREETING_TEMPORARY: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 4.2.1"),
    tlsrpt: None,
    summary: "the server turned this client away for now",
    means: "It is busy, or it limits or lists this address. Other senders may be let in; \
            it says nothing about TLS there. Unknown, not bad.",
    fix: Some("try again later, or from an address that sends mail"),
};
pub(super) const GREETING_REJECTED: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 3.1"),
    tlsrpt: None,
    summary: "the server turned this client away",
    means: "It serves no mail, or not this address, which may stand on a block list. It \
            says nothing about TLS there. Unknown, not bad.",
    fix: Some("try from an address that sends mail"),
};
pub(super) const REPLY_MALFORMED: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 4.2"),
    tlsrpt: None,
    summary: "the server's reply is no SMTP",
    means: "What answered on this port does not speak SMTP, or something on the way \
            garbles it. Unknown, not bad.",
    fix: None,
};
pub(super) const REPLY_TOO_LONG: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 4.5.3.1.5"),
    tlsrpt: None,
    summary: "the server's reply did not end",
    means: "It went beyond every limit that a reply may have, so reading stopped. \
            Unknown, not bad.",
    fix: None,
};
pub(super) const REPLY_TIMEOUT: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 4.5.3.2"),
    tlsrpt: None,
    summary: "the server stopped answering",
    means: "A reply did not come, or not to its end, in time. Senders wait up to five \
            minutes. Unknown, not bad.",
    fix: Some("wait longer with --timeout 300 --deadline 600"),
};
pub(super) const CLOSED_BY_PEER: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 3.8"),
    tlsrpt: None,
    summary: "the server closed the connection",
    means: "It hung up without a word: overload, a limit, or a filter against strangers. \
            Before STARTTLS was agreed that is unknown, not bad; after it, senders get no \
            TLS there.",
    fix: Some("look into the server's log for this client's address and time"),
};
pub(super) const EHLO_TEMPORARY: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 4.2.1"),
    tlsrpt: None,
    summary: "the server refused EHLO for now",
    means: "It defers this client; other senders may be let in. Unknown, not bad.",
    fix: Some("try again later, or with another --ehlo name"),
};
pub(super) const EHLO_REJECTED: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 4.1.1.1"),
    tlsrpt: None,
    summary: "the server refused this client at EHLO",
    means: "It dislikes this client's name or address. That says something about us, not \
            about TLS there. Unknown, not bad.",
    fix: Some("give this machine's true name with --ehlo, or try from an address that sends mail"),
};
pub(super) const HELO_ONLY: Words = Words {
    severity: Error,
    standard: Some("RFC 5321, section 2.2.1"),
    tlsrpt: Some("starttls-not-supported"),
    summary: "the server knows HELO only, so STARTTLS is impossible",
    means: "It refused EHLO and took HELO. Without EHLO there are no extensions, so every \
            sender delivers in cleartext or not at all. An old server, or a firewall that \
            rewrites SMTP, does that.",
    fix: Some("let the server take EHLO; switch off SMTP inspection on the firewall before it"),
};
pub(super) const AUTH_BEFORE_TLS: Words = Words {
    severity: Note,
    standard: Some("RFC 4954, section 4"),
    tlsrpt: None,
    summary: "the server offers AUTH before TLS",
    means: "A client may then send its password in cleartext. It does not touch mail \
            between servers.",
    fix: Some("offer AUTH after STARTTLS only (Postfix: smtpd_tls_auth_only = yes)"),
};
pub(super) const BARE_LF: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 2.3.8"),
    tlsrpt: None,
    summary: "the server ends lines with LF alone",
    means: "Lines must end in CR LF. Most clients bear it, strict ones do not.",
    fix: None,
};
pub(super) const OVER_LONG_LINE: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 4.5.3.1.5"),
    tlsrpt: None,
    summary: "a reply line is longer than 512 octets",
    means: "Some clients cut it, and lose extensions named behind the cut.",
    fix: None,
};
pub(super) const CODE_MISMATCH: Words = Words {
    severity: Warning,
    standard: Some("RFC 5321, section 4.2.1"),
    tlsrpt: None,
    summary: "the lines of one reply carry different codes",
    means: "Clients disagree about what such a reply means, so some may miss STARTTLS.",
    fix: None,
};
pub(super) const UNEXPECTED_REPLY: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 4.3.1"),
    tlsrpt: None,
    summary: "the server spoke out of turn",
    means: "It sent a reply nobody had asked for. Clients that count replies get out of \
            step.",
    fix: None,
};
