//! Codes about what a message's header tells.

use super::Words;
use crate::finding::Severity::{Error, Note, Warning};

pub(super) const HOP_WITHOUT_TLS: Words = Words {
    severity: Error,
    standard: Some("RFC 3848, section 1"),
    tlsrpt: None,
    summary: "a hop over the Internet went without TLS",
    means: "The host that took the message wrote a line that leaves no TLS: whoever \
            could listen on the path between the two hosts could read the message.",
    fix: Some(
        "ask the two parties of the hop: the receiver for its log at that time, the \
         sender whether its server uses STARTTLS; `starttrace explain` probes and ranks \
         the causes",
    ),
};
pub(super) const HOP_UNSTATED: Words = Words {
    severity: Note,
    standard: Some("RFC 3848, section 3"),
    tlsrpt: None,
    summary: "a hop's line does not say whether TLS was used",
    means: "The software that wrote the line is unknown, or does not record TLS, or \
            records it only when told to. Silence is no evidence either way.",
    fix: Some(
        "look in the log of the host that wrote the line, or give other messages from \
         the same host with --with",
    ),
};
pub(super) const HOP_UNTRUSTED: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 7.1"),
    tlsrpt: None,
    summary: "what a hop's line says could have been written by anybody",
    means: "The line stands below the last one written by a host that is known or \
            vouched for. It may be true; nothing shows it.",
    fix: Some("name the hosts you trust with --trust"),
};
pub(super) const HOP_LEGACY_TLS: Words = Words {
    severity: Warning,
    standard: Some("RFC 8996, sections 4 and 5"),
    tlsrpt: None,
    summary: "a hop used TLS below 1.2",
    means: "TLS 1.0 and 1.1 have known weaknesses and are deprecated; who records the \
            traffic and attacks the connection may read it.",
    fix: Some("the older of the two servers needs TLS 1.2 or better"),
};
pub(super) const HOP_WEAK_CIPHER: Words = Words {
    severity: Warning,
    standard: Some("RFC 9325, section 4.1"),
    tlsrpt: None,
    summary: "a hop used a weak cipher suite",
    means: "The suite recorded for the hop has too little strength, or a broken cipher \
            (NULL, export, RC4, DES), and protects less than TLS promises.",
    fix: Some("the receiving server should no longer offer the suite"),
};
pub(super) const HOP_ANONYMOUS_CIPHER: Words = Words {
    severity: Note,
    standard: Some("RFC 7672, section 8.2"),
    tlsrpt: None,
    summary: "a hop used a suite in which the server shows no certificate",
    means: "It keeps out who only listens, not who stands between the hosts. Senders \
            that check no certificate may agree on such a suite; that is no fault by \
            itself.",
    fix: None,
};
pub(super) const CHAIN_BROKEN: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 4.4"),
    tlsrpt: None,
    summary: "two neighbouring lines do not fit together",
    means: "The host that wrote one line is not the one the next line names as its \
            client: a line was removed or forged, or a host goes by several names. Hops \
            may be missing here.",
    fix: None,
};
pub(super) const TIME_REVERSED: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 4.4"),
    tlsrpt: None,
    summary: "a line is older than the one before it",
    means: "A clock is wrong, or the line was forged. Delays across this place mean \
            nothing.",
    fix: None,
};
pub(super) const CHAIN_LOOP: Words = Words {
    severity: Note,
    standard: Some("RFC 5321, section 6.3"),
    tlsrpt: None,
    summary: "the message passed one host more than once",
    means: "Content filters and forwarding do that on purpose; a mail loop does it \
            until a limit is reached.",
    fix: None,
};
pub(super) const FIELD_UNREADABLE: Words = Words {
    severity: Warning,
    standard: Some("RFC 5321, section 4.4"),
    tlsrpt: None,
    summary: "a Received field could not be read",
    means: "It is kept as a hop, but what it says of hosts, time or TLS is lost, so \
            nothing is concluded from it.",
    fix: Some("save the message again in its original form, not copied from a viewer"),
};
pub(super) const DATE_UNREADABLE: Words = Words {
    severity: Note,
    standard: Some("RFC 5322, section 3.3"),
    tlsrpt: None,
    summary: "the date of a Received field could not be read",
    means: "The delays before and after it are unknown; what the line says of TLS is \
            not touched.",
    fix: None,
};
pub(super) const HEADER_TRUNCATED: Words = Words {
    severity: Warning,
    standard: None,
    tlsrpt: None,
    summary: "the header was too long and was not read to its end",
    means: "Hops may be missing from the result: only the first part of the header was \
            read.",
    fix: None,
};
pub(super) const TLS_NOT_REQUIRED: Words = Words {
    severity: Note,
    standard: Some("RFC 8689, section 3"),
    tlsrpt: None,
    summary: "the message asks that policies for TLS be ignored",
    means: "It carries \"TLS-Required: No\": a server that follows RFC 8689 may hand it \
            on in cleartext although DANE or MTA-STS would forbid it.",
    fix: None,
};
pub(super) const END_TO_END_ENCRYPTED: Words = Words {
    severity: Note,
    standard: Some("RFC 8551"),
    tlsrpt: None,
    summary: "the text was encrypted by the writer for the reader",
    means: "S/MIME or OpenPGP hides the body on every hop, with or without TLS; who \
            wrote to whom, when, and mostly the subject stay readable on a hop without.",
    fix: None,
};
