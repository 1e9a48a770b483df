//! Codes about STARTTLS, the handshake and certificates.

use super::Words;
use crate::finding::Severity::{Error, Note, Warning};

pub(super) const STARTTLS_NOT_SUPPORTED: Words = Words {
    severity: Error,
    standard: Some("RFC 3207, section 2"),
    tlsrpt: Some("starttls-not-supported"),
    summary: "a host does not offer STARTTLS",
    means: "Every sender delivers to it in cleartext, except those that insist on TLS: \
            they do not deliver to it at all.",
    fix: Some(
        "install a certificate and switch STARTTLS on (Postfix: \
         smtpd_tls_security_level = may)",
    ),
};
pub(super) const STARTTLS_LOST: Words = Words {
    severity: Error,
    standard: Some("RFC 3207, section 6"),
    tlsrpt: Some("starttls-not-supported"),
    summary: "an MX host gave TLS before and no longer does",
    means: "An earlier probe shook hands with it. Either its settings changed, or something \
            on the way now removes STARTTLS: to a sender both look the same, and most go on \
            in cleartext.",
    fix: Some("ask the host's operator, probe from another network, and publish MTA-STS or DANE"),
};
pub(super) const STARTTLS_TEMPORARY: Words = Words {
    severity: Error,
    standard: Some("RFC 3207, section 4"),
    tlsrpt: None,
    summary: "a host offers STARTTLS and then says it is not available",
    means: "It answered 4yz, and again on a second try. Senders that do not insist go on \
            in cleartext, at once (Postfix, Exim) or after a retry.",
    fix: Some(
        "look for the cause in the server's log: a certificate or key that cannot be \
         read is the usual one",
    ),
};
pub(super) const STARTTLS_REJECTED: Words = Words {
    severity: Error,
    standard: Some("RFC 3207, section 4"),
    tlsrpt: Some("starttls-not-supported"),
    summary: "a host offers STARTTLS and then refuses it",
    means: "It answered 5yz. Senders that do not insist go on in cleartext.",
    fix: Some(
        "look for the cause in the server's log; a device before the server may take the \
         command without passing it on",
    ),
};
pub(super) const STARTTLS_MASKED: Words = Words {
    severity: Error,
    standard: Some("RFC 3207, section 6"),
    tlsrpt: Some("starttls-not-supported"),
    summary: "a device on the way overwrites STARTTLS",
    means: "The reply bears the mark of a firewall that rewrites SMTP. The server \
            probably has STARTTLS, but senders on this path do not get it and deliver in \
            cleartext.",
    fix: Some(
        "switch off SMTP inspection on the firewall before the server (Cisco ASA: allow \
         TLS in \"inspect esmtp\")",
    ),
};
pub(super) const HANDSHAKE_TIMEOUT: Words = Words {
    severity: Note,
    standard: None,
    tlsrpt: None,
    summary: "the TLS handshake did not end in time",
    means: "The server took STARTTLS and then fell silent. It may be busy, or something \
            on the way drops large packets. Unknown, not bad.",
    fix: Some("try again, and from another network"),
};
pub(super) const HANDSHAKE_ALERT: Words = Words {
    severity: Error,
    standard: Some("RFC 8446, section 6"),
    tlsrpt: Some("validation-failure"),
    summary: "the server broke off the TLS handshake",
    means: "It answered with a TLS alert. Some senders then go on in cleartext, others \
            keep the mail and try again. Where the alert says only that nothing in common \
            was found, the server may still agree with other senders.",
    fix: Some("look into the server's log for the cause; test its certificate and key"),
};
pub(super) const HANDSHAKE_NOT_TLS: Words = Words {
    severity: Error,
    standard: Some("RFC 3207, section 4"),
    tlsrpt: Some("validation-failure"),
    summary: "after agreeing to STARTTLS the host does not speak TLS",
    means: "What followed was not a TLS handshake. Some senders then go on in cleartext, \
            others keep the mail and try again.",
    fix: Some(
        "look into the server's log; a device before the server may answer STARTTLS \
         without passing it on",
    ),
};
pub(super) const HANDSHAKE_INCOMPATIBLE: Words = Words {
    severity: Warning,
    standard: Some("RFC 8446, section 6.2"),
    tlsrpt: Some("validation-failure"),
    summary: "the server speaks TLS, but nothing that this client speaks",
    means: "This client speaks TLS 1.2 and 1.3 with current suites only. Senders with \
            older software may well reach it over TLS; current ones do as this client \
            does.",
    fix: Some("offer TLS 1.2 or 1.3 with an ECDHE suite and AES-GCM or ChaCha20"),
};
pub(super) const TLS_BELOW_1_2: Words = Words {
    severity: Warning,
    standard: Some("RFC 8996, sections 4 and 5"),
    tlsrpt: None,
    summary: "a host speaks TLS below 1.2 only",
    means: "Many current senders refuse TLS 1.0 and 1.1; some of them then go on in \
            cleartext.",
    fix: Some("switch TLS 1.2 and 1.3 on"),
};
pub(super) const STARTTLS_AFTER_TLS: Words = Words {
    severity: Note,
    standard: Some("RFC 3207, section 4.2"),
    tlsrpt: None,
    summary: "the server still offers STARTTLS inside TLS",
    means: "It must not; a device before it may be the one that speaks TLS.",
    fix: None,
};
pub(super) const DATA_BEFORE_HANDSHAKE: Words = Words {
    severity: Warning,
    standard: Some("RFC 3207, section 4.2"),
    tlsrpt: None,
    summary: "octets arrived behind the go-ahead, before the handshake",
    means: "They are not protected. A client that takes them for words spoken inside TLS \
            can be deceived; somebody on the way may have put them there. They were \
            discarded here.",
    fix: Some("update the server's software"),
};
pub(super) const EHLO_AFTER_TLS_FAILED: Words = Words {
    severity: Warning,
    standard: Some("RFC 3207, section 4.2"),
    tlsrpt: None,
    summary: "after a good handshake the server did not answer EHLO",
    means: "TLS was agreed, but the dialogue broke afterwards; some servers hang up on \
            clients that send no mail. Where it happens to everybody, no mail arrives.",
    fix: None,
};
pub(super) const CERTIFICATE_HOST_MISMATCH: Words = Words {
    severity: Warning,
    standard: Some("RFC 9525, section 6"),
    tlsrpt: Some("certificate-host-mismatch"),
    summary: "a host shows a certificate for other names",
    means: "Opportunistic senders do not look and deliver encrypted; those that \
            authenticate by certificate (MTA-STS, for one) do not deliver to it.",
    fix: Some("add the MX host's name to the certificate's subjectAltName"),
};
pub(super) const CERTIFICATE_EXPIRED: Words = Words {
    severity: Warning,
    standard: Some("RFC 5280, section 4.1.2.5"),
    tlsrpt: Some("certificate-expired"),
    summary: "a host shows an expired certificate",
    means: "Opportunistic senders do not look and deliver encrypted; those that \
            authenticate by certificate (MTA-STS, for one) do not deliver to it.",
    fix: Some("renew the certificate, and reload the mail server after each renewal"),
};
pub(super) const CERTIFICATE_NOT_YET_VALID: Words = Words {
    severity: Warning,
    standard: Some("RFC 5280, section 4.1.2.5"),
    tlsrpt: Some("validation-failure"),
    summary: "a host shows a certificate that is not valid yet",
    means: "Opportunistic senders do not look and deliver encrypted; those that \
            authenticate by certificate (MTA-STS, for one) do not deliver to it.",
    fix: Some("compare the clocks of this machine, the server and the issuer"),
};
pub(super) const CERTIFICATE_NOT_TRUSTED: Words = Words {
    severity: Warning,
    standard: Some("RFC 5280, section 6.1"),
    tlsrpt: Some("certificate-not-trusted"),
    summary: "no path leads from a host's certificate to a trusted root",
    means: "It is self-signed, its issuer is unknown here, or the server leaves out an \
            intermediate certificate. Opportunistic senders do not look and deliver \
            encrypted; those that authenticate by certificate do not deliver to it.",
    fix: Some(
        "use a certificate of a public authority and send the whole chain (Postfix: \
         smtpd_tls_chain_files)",
    ),
};
pub(super) const CERTIFICATE_WEAK: Words = Words {
    severity: Warning,
    standard: Some("RFC 9325, section 4.5"),
    tlsrpt: Some("validation-failure"),
    summary: "a host's certificate has a key or signature too weak for many clients",
    means: "Current TLS libraries refuse short RSA keys and SHA-1 or MD5 signatures. \
            Senders that look at certificates do not deliver to it, and with some \
            libraries the handshake fails for everybody.",
    fix: Some("renew the certificate with an RSA key of 2048 bits or more, or ECDSA P-256"),
};
pub(super) const CERTIFICATE_EXPIRES_SOON: Words = Words {
    severity: Note,
    standard: Some("RFC 5280, section 4.1.2.5"),
    tlsrpt: None,
    summary: "a host's certificate is about to expire",
    means: "Nothing yet. Renewal that runs by itself would mostly have happened by now.",
    fix: Some("see whether renewal still runs, and whether the mail server was reloaded after it"),
};
pub(super) const VALIDATION_FAILURE: Words = Words {
    severity: Warning,
    standard: Some("RFC 8460, section 4.3"),
    tlsrpt: Some("validation-failure"),
    summary: "a host's certificate could not be validated",
    means: "For a reason that has no narrower word. Opportunistic senders do not look and \
            deliver encrypted; those that authenticate by certificate do not deliver to \
            it.",
    fix: Some("look at the certificate with `starttrace check -v`"),
};
pub(super) const CLEARTEXT_ON_TLS_PORT: Words = Words {
    severity: Error,
    standard: Some("RFC 8314, section 3.3"),
    tlsrpt: None,
    summary: "the server speaks cleartext SMTP where TLS must come first",
    means: "Port 465 is for submission inside TLS from the first octet. A mail program that is \
            set up for it cannot talk to this server; one that is set up otherwise sends its \
            password before any TLS.",
    fix: Some(
        "switch TLS on for the service on port 465 (Postfix: smtpd_tls_wrappermode=yes; Exim: \
         tls_on_connect_ports = 465)",
    ),
};
pub(super) const REQUIRETLS_BEFORE_TLS: Words = Words {
    severity: Warning,
    standard: Some("RFC 8689, section 2"),
    tlsrpt: None,
    summary: "the server names REQUIRETLS before TLS only",
    means: "The keyword counts in the reply to EHLO inside TLS alone: what is said in clear \
            anybody can put there. Senders whose mail demands TLS on the whole way return it.",
    fix: Some("have it named inside TLS, and not before"),
};
pub(super) const CERTIFICATE_COMMON_NAME_ONLY: Words = Words {
    severity: Warning,
    standard: Some("RFC 9525, section 6.3"),
    tlsrpt: None,
    summary: "the certificate has the name of an MX host as common name only",
    means: "Some senders that check names still take a common name (Postfix, Exim), others do \
            not: RFC 9525 has dropped it, MTA-STS never took it (RFC 8461, section 4.2), and \
            most TLS libraries no longer look. So it is not counted as proof of the name.",
    fix: Some("get a certificate with the host's name in subjectAltName"),
};
