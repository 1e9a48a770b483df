//! Codes about what a server makes of a hello: its form, and what it chooses.

use super::Words;
use crate::finding::Severity::{Error, Warning};

pub(super) const POST_QUANTUM_HELLO_REFUSED: Words = Words {
    severity: Warning,
    standard: Some("RFC 8446, section 9.3"),
    tlsrpt: None,
    summary: "a host does not bear a hello with a post-quantum key share",
    means: "With that share the hello is larger than one packet; without it the handshake \
            succeeded. Senders with current TLS libraries send it by default: some of them \
            go on in cleartext, others keep the mail.",
    fix: Some(
        "update the server's software, or the firewall or load balancer before it, so that \
         hellos of several packets pass",
    ),
};
pub(super) const MODERN_HELLO_REFUSED: Words = Words {
    severity: Warning,
    standard: Some("RFC 8446, section 9.3"),
    tlsrpt: None,
    summary: "a host does not bear the hello of a current sender",
    means: "It answered a simple hello for TLS 1.2 and before, but not the two of a current \
            TLS library, although those offered what it chose. It should pass over what it \
            does not know. What senders get from it depends on their hello. Unknown, not \
            without TLS.",
    fix: Some("update the server's software, or the box before it that speaks TLS for it"),
};
pub(super) const WEAK_SUITE: Words = Words {
    severity: Warning,
    standard: Some("RFC 9325, section 4.1"),
    tlsrpt: None,
    summary: "the server chooses a cipher suite that protects little or nothing",
    means: "Current TLS libraries have no such suite any more. Senders that use them get no \
            TLS there and may go on in cleartext.",
    fix: Some("offer TLS 1.2 or 1.3 with an ECDHE suite and AES-GCM or ChaCha20"),
};
pub(super) const ANONYMOUS_SUITE: Words = Words {
    severity: Warning,
    standard: Some("RFC 7672, section 8.2"),
    tlsrpt: None,
    summary: "the server shows no certificate at all",
    means: "It takes suites without one only. Few senders offer these (Postfix does where it \
            need not authenticate); all others get no TLS there.",
    fix: Some("install a certificate, if only a self-signed one"),
};
pub(super) const DH_GROUP_SMALL: Words = Words {
    severity: Warning,
    standard: Some("RFC 9325, section 4.5"),
    tlsrpt: None,
    summary: "the server's Diffie-Hellman group is too small for many clients",
    means: "Below 1024 bits all current TLS libraries break off (\"dh key too small\"), below \
            2048 bits many do. Such senders get no TLS there and may go on in cleartext.",
    fix: Some("use a group of 2048 bits or more, or ECDHE"),
};
pub(super) const TLSA_OTHER_CERTIFICATE: Words = Words {
    severity: Error,
    standard: Some("RFC 7672, section 3.2"),
    tlsrpt: Some("validation-failure"),
    summary: "a host has two certificates, and its TLSA records match only one",
    means: "Which of the two a sender gets depends on what it offers. Senders that use DANE \
            and get the other one do not deliver to the host.",
    fix: Some("publish records for both certificates, or remove the one without"),
};
