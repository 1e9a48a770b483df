//! Codes about what makes a sender insist: DANE and MTA-STS.

use super::Words;
use crate::finding::Severity::{Error, Note, Warning};

pub(super) const NOT_ENFORCED: Words = Words {
    severity: Note,
    standard: Some("RFC 3207, section 6"),
    tlsrpt: None,
    summary: "nothing makes a sender insist on TLS",
    means: "The domain has neither DANE nor an MTA-STS policy in mode enforce. An \
            attacker on the path can strike STARTTLS from the answer, and most senders \
            then deliver in cleartext.",
    fix: Some("publish an MTA-STS policy, or TLSA records in a signed zone, or both"),
};
pub(super) const TLSA_INVALID: Words = Words {
    severity: Error,
    standard: Some("RFC 7672, section 2.2"),
    tlsrpt: Some("tlsa-invalid"),
    summary: "a certificate matches none of the host's TLSA records",
    means: "Senders that follow DANE do not deliver through this host: they try the next \
            one, or keep the mail.",
    fix: Some("publish a TLSA record for the certificate now in use, then remove the old"),
};
pub(super) const TLSA_UNUSABLE: Words = Words {
    severity: Warning,
    standard: Some("RFC 7672, section 2.2"),
    tlsrpt: Some("tlsa-invalid"),
    summary: "none of a host's TLSA records can be used",
    means: "Senders that follow DANE insist on TLS here, and check no certificate: an \
            attacker on the path can pose as the host.",
    fix: Some("publish a TLSA record with usage 3, selector 1 and matching type 1"),
};
pub(super) const TLSA_FRAGILE: Words = Words {
    severity: Note,
    standard: Some("RFC 7671, section 8"),
    tlsrpt: None,
    summary: "a host's TLSA records work, and not for everybody or not for long",
    means: "Some senders may see it otherwise than this probe, or the next change of \
            certificate may break it.",
    fix: None,
};
pub(super) const TLSA_MISSING: Words = Words {
    severity: Note,
    standard: Some("RFC 7672, section 3.1"),
    tlsrpt: None,
    summary: "a host's zone is signed, so a TLSA record would bind senders",
    means: "One record more makes senders that follow DANE insist on TLS with this host's \
            key. With every change of the key the record must change first.",
    fix: None,
};
pub(super) const STS_POLICY_FETCH_ERROR: Words = Words {
    severity: Warning,
    standard: Some("RFC 8461, section 3.3"),
    tlsrpt: Some("sts-policy-fetch-error"),
    summary: "the MTA-STS policy could not be fetched",
    means: "Senders that have no copy yet go on as if there were no policy, in cleartext \
            if need be.",
    fix: Some("let https://mta-sts.DOMAIN/.well-known/mta-sts.txt answer with status 200"),
};
pub(super) const STS_POLICY_INVALID: Words = Words {
    severity: Warning,
    standard: Some("RFC 8461, section 3.2"),
    tlsrpt: Some("sts-policy-invalid"),
    summary: "the MTA-STS policy or its record cannot be read",
    means: "Senders treat it as if there were no policy, in cleartext if need be.",
    fix: Some("correct the policy and give its TXT record a new id"),
};
pub(super) const STS_WEBPKI_INVALID: Words = Words {
    severity: Warning,
    standard: Some("RFC 8461, section 3.3"),
    tlsrpt: Some("sts-webpki-invalid"),
    summary: "the certificate of the MTA-STS policy's web host is not valid",
    means: "Senders must not use the policy; those without a copy go on as if there were \
            none.",
    fix: Some("give the web host a valid certificate for mta-sts.DOMAIN"),
};
pub(super) const STS_MX_NOT_LISTED: Words = Words {
    severity: Error,
    standard: Some("RFC 8461, section 4.1"),
    tlsrpt: Some("validation-failure"),
    summary: "the MTA-STS policy does not list an MX host",
    means: "An MX record names a host that no \"mx:\" line of the policy matches. Under \
            enforce, senders that follow RFC 8461 skip it; under testing they report it. A \
            wildcard stands for exactly one label: *.example.com matches a.example.com, \
            not example.com and not a.b.example.com.",
    fix: Some("add an \"mx:\" line for the host to the policy and change the record's id"),
};
pub(super) const STS_FRAGILE: Words = Words {
    severity: Note,
    standard: Some("RFC 8461, section 3.2"),
    tlsrpt: None,
    summary: "the MTA-STS record or policy works, and not for every sender",
    means: "It is allowed, or forgiven by most, but some senders read it otherwise, or it \
            protects less than it seems to.",
    fix: None,
};
pub(super) const TLS_RPT_INVALID: Words = Words {
    severity: Warning,
    standard: Some("RFC 8460, section 3"),
    tlsrpt: None,
    summary: "the TLSRPT record cannot be used",
    means: "No sender reports failures of TLS to the domain, which so will not hear of \
            them.",
    fix: Some("publish one TXT record \"v=TLSRPTv1; rua=mailto:ADDRESS\" at _smtp._tls"),
};
pub(super) const TLS_RPT_FRAGILE: Words = Words {
    severity: Note,
    standard: Some("RFC 8460, section 3"),
    tlsrpt: None,
    summary: "the TLSRPT record works, and not for every sender",
    means: "Some senders may not report to it.",
    fix: None,
};
