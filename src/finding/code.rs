//! Every finding code with its words: severity, standard, meaning, fix.
//!
//! A code that is also a failure kind, or a result type of RFC 8460,
//! section 4.3, is that word. The words themselves stand in one file a topic
//! and nowhere else: pages and documents put them together, findings add what
//! was seen and on whom.

use crate::failure::Kind;
use crate::finding::Severity;

mod depth;
mod hello;
mod hop;
mod local;
mod mx;
mod policy;
mod session;
mod tls;

/// The words that belong to a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words {
    /// As a rule; a finding may be milder or graver for its place.
    severity: Severity,
    /// RFC and section, where a standard speaks of it.
    standard: Option<&'static str>,
    /// The result type of RFC 8460, section 4.3 a sender would report. None
    /// for what is transient, ours, or no failure of a policy
    /// (RFC 8460, section 4.3.4).
    tlsrpt: Option<&'static str>,
    /// One line, no final dot.
    summary: &'static str,
    /// What it means for mail; whole sentences.
    means: &'static str,
    /// What to do about it, where something can be done.
    fix: Option<&'static str>,
}

macro_rules! codes {
    ($($variant:ident = $word:literal, $words:path;)*) => {
        /// A finding code, stable once released.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($variant,)* }

        impl Code {
            /// Every code, in the order `codes` lists them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable kebab-case word of the published contract.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            fn words(self) -> &'static Words {
                match self { $(Self::$variant => &$words,)* }
            }
        }
    };
}

impl Code {
    /// The code of this word, in any case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.word().eq_ignore_ascii_case(word))
    }

    /// The code a failed step is reported under: the same word.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self::parse(kind.word()).expect("every kind is a code; a test walks them all")
    }

    /// How bad it is as a rule; a finding may differ for its place.
    #[must_use]
    pub fn severity(self) -> Severity {
        self.words().severity
    }

    /// RFC and section, where a standard speaks of it.
    #[must_use]
    pub fn standard(self) -> Option<&'static str> {
        self.words().standard
    }

    /// The result type of RFC 8460, section 4.3 that a sender would report.
    #[must_use]
    pub fn tlsrpt(self) -> Option<&'static str> {
        self.words().tlsrpt
    }

    /// One line without a final dot.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.words().summary
    }

    /// The summary said of one host, for a finding's subject.
    #[must_use]
    pub fn subject(self, host: &str) -> String {
        let summary = self.summary();
        for general in ["an MX host", "a host", "the server", "the host"] {
            // Whole words only: "the hosts" is something else.
            if let Some((before, after)) = summary.split_once(general)
                && !after.starts_with(|c: char| c.is_alphanumeric())
            {
                return format!("{before}{host}{after}");
            }
        }
        format!("{host}: {summary}")
    }

    /// What it means for mail, in whole sentences.
    #[must_use]
    pub fn means(self) -> &'static str {
        self.words().means
    }

    /// What to do about it.
    #[must_use]
    pub fn fix(self) -> Option<&'static str> {
        self.words().fix
    }
}

codes! {
    // Hops (trace, explain).
    HopWithoutTls = "hop-without-tls", hop::HOP_WITHOUT_TLS;
    HopUnstated = "hop-unstated", hop::HOP_UNSTATED;
    HopUntrusted = "hop-untrusted", hop::HOP_UNTRUSTED;
    HopLegacyTls = "hop-legacy-tls", hop::HOP_LEGACY_TLS;
    HopWeakCipher = "hop-weak-cipher", hop::HOP_WEAK_CIPHER;
    HopAnonymousCipher = "hop-anonymous-cipher", hop::HOP_ANONYMOUS_CIPHER;
    ChainBroken = "chain-broken", hop::CHAIN_BROKEN;
    TimeReversed = "time-reversed", hop::TIME_REVERSED;
    ChainLoop = "chain-loop", hop::CHAIN_LOOP;
    FieldUnreadable = "field-unreadable", hop::FIELD_UNREADABLE;
    DateUnreadable = "date-unreadable", hop::DATE_UNREADABLE;
    HeaderTruncated = "header-truncated", hop::HEADER_TRUNCATED;
    TlsNotRequired = "tls-not-required", hop::TLS_NOT_REQUIRED;
    EndToEndEncrypted = "end-to-end-encrypted", hop::END_TO_END_ENCRYPTED;
    // This machine and its network.
    Port25Blocked = "port-25-blocked", local::PORT_25_BLOCKED;
    ControlFailed = "control-failed", local::CONTROL_FAILED;
    TooManyOpenFiles = "too-many-open-files", local::TOO_MANY_OPEN_FILES;
    ProxyUnreachable = "proxy-unreachable", local::PROXY_UNREACHABLE;
    ProxyAuthFailed = "proxy-auth-failed", local::PROXY_AUTH_FAILED;
    ProxyRefused = "proxy-refused", local::PROXY_REFUSED;
    ProxyFailed = "proxy-failed", local::PROXY_FAILED;
    Deadline = "deadline", local::DEADLINE;
    InvalidDomain = "invalid-domain", local::INVALID_DOMAIN;
    // Where mail goes.
    SubmissionPort = "submission-port", mx::SUBMISSION_PORT;
    NullMx = "null-mx", mx::NULL_MX;
    NullMxBesideOthers = "null-mx-beside-others", mx::NULL_MX_BESIDE_OTHERS;
    Nxdomain = "nxdomain", mx::NXDOMAIN;
    NoData = "no-data", mx::NO_DATA;
    Servfail = "servfail", mx::SERVFAIL;
    DnsTimeout = "dns-timeout", mx::DNS_TIMEOUT;
    DnsRefused = "dns-refused", mx::DNS_REFUSED;
    ResolverUnreachable = "resolver-unreachable", mx::RESOLVER_UNREACHABLE;
    ResolverUntrusted = "resolver-untrusted", mx::RESOLVER_UNTRUSTED;
    DnssecBogus = "dnssec-bogus", mx::DNSSEC_BOGUS;
    DnssecIndeterminate = "dnssec-indeterminate", mx::DNSSEC_INDETERMINATE;
    MxTargetIsCname = "mx-target-is-cname", mx::MX_TARGET_IS_CNAME;
    MxTargetUnresolvable = "mx-target-unresolvable", mx::MX_TARGET_UNRESOLVABLE;
    MxIsAddressLiteral = "mx-is-address-literal", mx::MX_IS_ADDRESS_LITERAL;
    MxIsSingleLabel = "mx-is-single-label", mx::MX_IS_SINGLE_LABEL;
    MxAddressPrivate = "mx-address-private", mx::MX_ADDRESS_PRIVATE;
    MxHostsDiffer = "mx-hosts-differ", mx::MX_HOSTS_DIFFER;
    AddressFamiliesDiffer = "address-families-differ", mx::ADDRESS_FAMILIES_DIFFER;
    AddressesDiffer = "addresses-differ", mx::ADDRESSES_DIFFER;
    // The way to STARTTLS.
    ConnectRefused = "connect-refused", session::CONNECT_REFUSED;
    ConnectTimeout = "connect-timeout", session::CONNECT_TIMEOUT;
    ConnectUnreachable = "connect-unreachable", session::CONNECT_UNREACHABLE;
    GreetingTimeout = "greeting-timeout", session::GREETING_TIMEOUT;
    GreetingTemporary = "greeting-temporary", session::GREETING_TEMPORARY;
    GreetingRejected = "greeting-rejected", session::GREETING_REJECTED;
    ReplyMalformed = "reply-malformed", session::REPLY_MALFORMED;
    ReplyTooLong = "reply-too-long", session::REPLY_TOO_LONG;
    ReplyTimeout = "reply-timeout", session::REPLY_TIMEOUT;
    ClosedByPeer = "closed-by-peer", session::CLOSED_BY_PEER;
    EhloTemporary = "ehlo-temporary", session::EHLO_TEMPORARY;
    EhloRejected = "ehlo-rejected", session::EHLO_REJECTED;
    HeloOnly = "helo-only", session::HELO_ONLY;
    AuthBeforeTls = "auth-before-tls", session::AUTH_BEFORE_TLS;
    BareLf = "bare-lf", session::BARE_LF;
    OverLongLine = "over-long-line", session::OVER_LONG_LINE;
    CodeMismatch = "code-mismatch", session::CODE_MISMATCH;
    UnexpectedReply = "unexpected-reply", session::UNEXPECTED_REPLY;
    // STARTTLS and the handshake.
    StarttlsNotSupported = "starttls-not-supported", tls::STARTTLS_NOT_SUPPORTED;
    StarttlsLost = "starttls-lost", tls::STARTTLS_LOST;
    StarttlsTemporary = "starttls-temporary", tls::STARTTLS_TEMPORARY;
    StarttlsRejected = "starttls-rejected", tls::STARTTLS_REJECTED;
    StarttlsMasked = "starttls-masked", tls::STARTTLS_MASKED;
    HandshakeTimeout = "handshake-timeout", tls::HANDSHAKE_TIMEOUT;
    HandshakeAlert = "handshake-alert", tls::HANDSHAKE_ALERT;
    HandshakeNotTls = "handshake-not-tls", tls::HANDSHAKE_NOT_TLS;
    HandshakeIncompatible = "handshake-incompatible", tls::HANDSHAKE_INCOMPATIBLE;
    PostQuantumHelloRefused = "post-quantum-hello-refused", hello::POST_QUANTUM_HELLO_REFUSED;
    ModernHelloRefused = "modern-hello-refused", hello::MODERN_HELLO_REFUSED;
    TlsBelow12 = "tls-below-1-2", tls::TLS_BELOW_1_2;
    WeakSuite = "weak-suite", hello::WEAK_SUITE;
    AnonymousSuite = "anonymous-suite", hello::ANONYMOUS_SUITE;
    DhGroupSmall = "dh-group-small", hello::DH_GROUP_SMALL;
    CleartextOnTlsPort = "cleartext-on-tls-port", tls::CLEARTEXT_ON_TLS_PORT;
    RequiretlsBeforeTls = "requiretls-before-tls", tls::REQUIRETLS_BEFORE_TLS;
    StarttlsAfterTls = "starttls-after-tls", tls::STARTTLS_AFTER_TLS;
    DataBeforeHandshake = "data-before-handshake", tls::DATA_BEFORE_HANDSHAKE;
    EhloAfterTlsFailed = "ehlo-after-tls-failed", tls::EHLO_AFTER_TLS_FAILED;
    LegacyVersionAccepted = "legacy-version-accepted", depth::LEGACY_VERSION_ACCEPTED;
    WeakSuiteAccepted = "weak-suite-accepted", depth::WEAK_SUITE_ACCEPTED;
    SniDependent = "sni-dependent", depth::SNI_DEPENDENT;
    PoolDiffers = "pool-differs", depth::POOL_DIFFERS;
    StarttlsUnadvertised = "starttls-unadvertised", depth::STARTTLS_UNADVERTISED;
    CommandInjection = "command-injection", depth::COMMAND_INJECTION;
    // Certificates.
    CertificateHostMismatch = "certificate-host-mismatch", tls::CERTIFICATE_HOST_MISMATCH;
    CertificateExpired = "certificate-expired", tls::CERTIFICATE_EXPIRED;
    CertificateNotYetValid = "certificate-not-yet-valid", tls::CERTIFICATE_NOT_YET_VALID;
    CertificateNotTrusted = "certificate-not-trusted", tls::CERTIFICATE_NOT_TRUSTED;
    CertificateWeak = "certificate-weak", tls::CERTIFICATE_WEAK;
    CertificateCommonNameOnly = "certificate-common-name-only", tls::CERTIFICATE_COMMON_NAME_ONLY;
    CertificateExpiresSoon = "certificate-expires-soon", tls::CERTIFICATE_EXPIRES_SOON;
    ValidationFailure = "validation-failure", tls::VALIDATION_FAILURE;
    // Policies.
    NotEnforced = "not-enforced", policy::NOT_ENFORCED;
    TlsaInvalid = "tlsa-invalid", policy::TLSA_INVALID;
    TlsaOtherCertificate = "tlsa-other-certificate", hello::TLSA_OTHER_CERTIFICATE;
    TlsaUnusable = "tlsa-unusable", policy::TLSA_UNUSABLE;
    TlsaFragile = "tlsa-fragile", policy::TLSA_FRAGILE;
    TlsaMissing = "tlsa-missing", policy::TLSA_MISSING;
    StsPolicyFetchError = "sts-policy-fetch-error", policy::STS_POLICY_FETCH_ERROR;
    StsPolicyInvalid = "sts-policy-invalid", policy::STS_POLICY_INVALID;
    StsWebpkiInvalid = "sts-webpki-invalid", policy::STS_WEBPKI_INVALID;
    StsFragile = "sts-fragile", policy::STS_FRAGILE;
    TlsRptInvalid = "tls-rpt-invalid", policy::TLS_RPT_INVALID;
    TlsRptFragile = "tls-rpt-fragile", policy::TLS_RPT_FRAGILE;
    StsMxNotListed = "sts-mx-not-listed", policy::STS_MX_NOT_LISTED;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_failure_kind_is_a_code() {
        for &kind in Kind::ALL {
            assert_eq!(Code::of(kind).word(), kind.word());
        }
    }

    #[test]
    fn words_are_kebab_and_unique_and_parse_back() {
        let mut seen = BTreeSet::new();
        for &code in Code::ALL {
            let word = code.word();
            assert!(seen.insert(word), "{word} twice");
            assert!(
                word.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{word}"
            );
            assert_eq!(Code::parse(&word.to_uppercase()), Some(code));
        }
        assert_eq!(Code::parse("no-such-code"), None);
    }

    #[test]
    fn transient_kinds_have_no_tlsrpt_word() {
        for &kind in Kind::ALL {
            if kind.is_transient() {
                assert_eq!(Code::of(kind).tlsrpt(), None, "{}", kind.word());
            }
        }
    }

    #[test]
    fn tlsrpt_words_are_those_of_rfc_8460() {
        let known = [
            "starttls-not-supported",
            "certificate-host-mismatch",
            "certificate-expired",
            "certificate-not-trusted",
            "validation-failure",
            "tlsa-invalid",
            "dnssec-invalid",
            "dane-required",
            "sts-policy-fetch-error",
            "sts-policy-invalid",
            "sts-webpki-invalid",
        ];
        for &code in Code::ALL {
            if let Some(word) = code.tlsrpt() {
                assert!(known.contains(&word), "{}: {word}", code.word());
            }
        }
        for word in known {
            if let Some(code) = Code::parse(word) {
                assert_eq!(code.tlsrpt(), Some(word));
            }
        }
    }

    #[test]
    fn a_summary_can_be_said_of_a_host() {
        for (code, subject) in [
            (Code::StarttlsNotSupported, "mx1 does not offer STARTTLS"),
            (
                Code::CertificateNotTrusted,
                "no path leads from mx1's certificate to a trusted root",
            ),
            (Code::GreetingRejected, "mx1 turned this client away"),
            (Code::MxTargetIsCname, "mx1: an MX record names an alias"),
        ] {
            assert_eq!(code.subject("mx1"), subject);
        }
    }

    #[test]
    fn every_code_has_whole_words() {
        for &code in Code::ALL {
            let word = code.word();
            let summary = code.summary();
            assert!(!summary.ends_with('.') && summary.len() < 76, "{word}");
            assert!(code.means().ends_with('.'), "{word}");
            assert!(!code.means().contains("  "), "{word}");
            if let Some(fix) = code.fix() {
                assert!(!fix.ends_with('.') && !fix.contains("  "), "{word}");
            }
            if let Some(standard) = code.standard() {
                assert!(standard.starts_with("RFC "), "{word}");
            }
            // Nothing here may promise more than was seen.
            assert!(!code.means().contains("secure"), "{word}");
        }
    }
}
