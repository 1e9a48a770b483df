//! Codes about what `--depth deep` sees.

use super::Words;
use crate::finding::Severity::{Error, Note, Warning};

pub(super) const LEGACY_VERSION_ACCEPTED: Words = Words {
    severity: Note,
    standard: Some("RFC 8996, sections 4 and 5"),
    tlsrpt: None,
    summary: "a host also takes versions below TLS 1.2",
    means: "Current senders get something better there. Old ones, and attackers that make a \
            sender fall back, get a version that no longer protects well.",
    fix: Some("switch TLS 1.0, 1.1 and SSL off, unless old senders must be served"),
};
pub(super) const WEAK_SUITE_ACCEPTED: Words = Words {
    severity: Warning,
    standard: Some("RFC 9325, section 4.1"),
    tlsrpt: None,
    summary: "a host also takes cipher suites that protect little or nothing",
    means: "Current senders get something better there, and an old one that offers nothing \
            else gets what can be broken.",
    fix: Some("leave out RC4, DES, export and NULL suites"),
};
pub(super) const SNI_DEPENDENT: Words = Words {
    severity: Note,
    standard: Some("RFC 7672, section 8.1"),
    tlsrpt: None,
    summary: "what a host shows depends on the server name a sender indicates",
    means: "Many senders indicate none. They see another certificate, or get no TLS, while \
            those that indicate the MX host's name see what is reported here.",
    fix: Some("show a certificate for the MX host's name by default"),
};
pub(super) const POOL_DIFFERS: Words = Words {
    severity: Error,
    standard: Some("RFC 3207, section 2"),
    tlsrpt: Some("starttls-not-supported"),
    summary: "a host offers STARTTLS on some connections and not on others",
    means: "Several machines seem to stand behind the address, set up differently. A sender \
            that meets one without STARTTLS delivers in cleartext.",
    fix: Some("give every machine behind the address the same settings"),
};
pub(super) const STARTTLS_UNADVERTISED: Words = Words {
    severity: Warning,
    standard: Some("RFC 3207, section 6"),
    tlsrpt: None,
    summary: "a host takes STARTTLS although it does not offer it",
    means: "The server has it, and its offer is missing: something on the way may cut it \
            out of the reply to EHLO. No sender tries what is not offered.",
    fix: Some("look for a device before the server that edits SMTP; else switch the offer on"),
};
pub(super) const COMMAND_INJECTION: Words = Words {
    severity: Error,
    standard: Some("RFC 3207, section 4.2"),
    tlsrpt: None,
    summary: "a host takes words spoken before TLS for words spoken inside it",
    means: "A command sent in cleartext behind STARTTLS was answered inside TLS. Somebody \
            on the way can so put commands into a sender's protected session \
            (CVE-2011-0411).",
    fix: Some("update the server's software"),
};
