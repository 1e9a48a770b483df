//! The record by which a domain asks for reports, and the words reports use.
//!
//! Not supported: checking that anyone reads the reports at the address given,
//! and the DKIM record of a reporter, which is no affair of the domain's.

use std::fmt;

use crate::failure::Kind;
use crate::name::DomainName;
use crate::txt::{self, Form, Malformed, Remark};

/// Where the record stands: at the domain mail is addressed to, not at its MX
/// host (RFC 8460, section 3). None where the name would be too long.
#[must_use]
pub fn owner(domain: &DomainName) -> Option<String> {
    let owner = format!("_smtp._tls.{domain}");
    (owner.len() <= 253).then_some(owner)
}

/// What the TXT records say.
pub type Discovery = txt::Discovery<Record, Fault>;

/// The record that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// As published.
    pub txt: String,
    /// Where reports are wanted, as published.
    pub rua: Vec<String>,
    pub advisories: Vec<Advisory>,
}

/// Why nobody can send a report by the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An octet outside US-ASCII, or a control character.
    NotAscii,
    /// No `rua`.
    MissingRua,
    /// A field that is not `name=value`.
    Field(String),
    /// Nothing between two semicolons.
    EmptyField,
    /// No address that a report could be sent to.
    NoUsableUri,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAscii => f.write_str("it holds characters outside US-ASCII"),
            Self::MissingRua => f.write_str("it has no rua field"),
            Self::Field(field) => write!(f, "its field {field:?} is not of the form name=value"),
            Self::EmptyField => f.write_str("nothing stands between two semicolons"),
            Self::NoUsableUri => f.write_str("none of its addresses is a mailto: or https: URI"),
        }
    }
}

/// What is allowed, or harmless to most, and yet may go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advisory {
    /// White space before the first semicolon: the grammar allows it, but the
    /// prose has senders discard such a record.
    SpaceBeforeSemicolon,
    /// A second record differs from the first only in such white space.
    SecondRecord,
    /// The field is given again; the first is read.
    Duplicate(String),
    /// `RUA` or the like: another field than `rua`, and ignored.
    KeyCase(String),
    /// Neither `mailto:` nor `https:`.
    Scheme(String),
    /// `mailto:` without an address, `https:` without a host, an empty item.
    Uri(String),
    /// An exclamation point, which must be percent-encoded: DMARC's size limit
    /// (`!10m`) does not exist here.
    ExclamationPoint(String),
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::NotAscii => Self::NotAscii,
            Malformed::Missing => Self::MissingRua,
            Malformed::Field(field) => Self::Field(field),
            Malformed::EmptyField => Self::EmptyField,
        }
    }
}

impl From<Remark> for Advisory {
    fn from(remark: Remark) -> Self {
        match remark {
            Remark::SpaceBeforeSemicolon => Self::SpaceBeforeSemicolon,
            Remark::SecondRecord => Self::SecondRecord,
            Remark::Duplicate(name) => Self::Duplicate(name),
            Remark::KeyCase(name) => Self::KeyCase(name),
        }
    }
}

/// Addresses that are read of one record.
const MAX_URIS: usize = 50;

/// Reads the TXT records, each already put together from its strings
/// ([`crate::txt::concatenate`]).
#[must_use]
pub fn discover<R: AsRef<[u8]>>(records: &[R]) -> Discovery {
    let form = Form {
        version: "v=TLSRPTv1",
        key: "rua",
    };
    txt::discover(records, form, addresses).map(|(txt, rua, advisories)| Record {
        txt,
        rua,
        advisories,
    })
}

/// The addresses of a `rua` field (RFC 8460, section 3).
fn addresses(rua: &str) -> Result<(Vec<String>, Vec<Advisory>), Fault> {
    let mut advisories = Vec::new();
    let mut uris = Vec::new();
    let mut usable = false;
    for uri in rua.split(',').take(MAX_URIS) {
        let uri = uri.trim_matches([' ', '\t']);
        match check(uri) {
            Ok(()) => usable = true,
            Err(Advisory::ExclamationPoint(uri)) => {
                usable = true;
                advisories.push(Advisory::ExclamationPoint(uri));
            }
            Err(advisory) => advisories.push(advisory),
        }
        uris.push(uri.to_owned());
    }
    if usable {
        Ok((uris, advisories))
    } else {
        Err(Fault::NoUsableUri)
    }
}

/// A `tlsrpt-uri` (RFC 8460, section 3): schemes are compared without regard
/// to case (RFC 3986, section 3.1).
fn check(uri: &str) -> Result<(), Advisory> {
    let Some((scheme, rest)) = uri.split_once(':') else {
        return Err(Advisory::Uri(uri.to_owned()));
    };
    let whole = !uri.contains([' ', '\t']);
    let complete = if scheme.eq_ignore_ascii_case("mailto") {
        rest.split('?')
            .next()
            .and_then(|address| address.rsplit_once('@'))
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
    } else if scheme.eq_ignore_ascii_case("https") {
        rest.strip_prefix("//")
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#']))
    } else {
        return Err(Advisory::Scheme(uri.to_owned()));
    };
    if !complete || !whole {
        Err(Advisory::Uri(uri.to_owned()))
    } else if uri.contains('!') {
        Err(Advisory::ExclamationPoint(uri.to_owned()))
    } else {
        Ok(())
    }
}

/// The word of RFC 8460, section 4.3 for a failure. None where the standard has
/// nothing to report: transient errors (section 4.3.4), and what is not about
/// TLS at all. Where a negotiation failed in a way it has no word for, that is
/// `validation-failure` (section 4.3.3).
#[must_use]
pub fn result_type(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::StarttlsNotSupported | Kind::StarttlsMasked => "starttls-not-supported",
        Kind::CertificateHostMismatch => "certificate-host-mismatch",
        Kind::CertificateExpired => "certificate-expired",
        Kind::CertificateNotTrusted | Kind::CertificateNotYetValid | Kind::CertificateWeak => {
            "certificate-not-trusted"
        }
        Kind::ValidationFailure
        | Kind::StarttlsRejected
        | Kind::HandshakeAlert
        | Kind::HandshakeNotTls
        | Kind::HandshakeIncompatible => "validation-failure",
        Kind::TlsaInvalid => "tlsa-invalid",
        Kind::DnssecBogus => "dnssec-invalid",
        Kind::StsPolicyFetchError => "sts-policy-fetch-error",
        Kind::StsPolicyInvalid => "sts-policy-invalid",
        Kind::StsWebpkiInvalid => "sts-webpki-invalid",
        Kind::Nxdomain
        | Kind::NoData
        | Kind::Servfail
        | Kind::DnsTimeout
        | Kind::DnsRefused
        | Kind::ResolverUnreachable
        | Kind::ResolverUntrusted
        | Kind::DnssecIndeterminate
        | Kind::ProxyUnreachable
        | Kind::ProxyAuthFailed
        | Kind::ProxyRefused
        | Kind::ProxyFailed
        | Kind::ConnectRefused
        | Kind::ConnectTimeout
        | Kind::ConnectUnreachable
        | Kind::GreetingTimeout
        | Kind::GreetingTemporary
        | Kind::GreetingRejected
        | Kind::ReplyMalformed
        | Kind::ReplyTooLong
        | Kind::ReplyTimeout
        | Kind::ClosedByPeer
        | Kind::EhloTemporary
        | Kind::EhloRejected
        | Kind::StarttlsTemporary
        | Kind::HandshakeTimeout
        | Kind::Port25Blocked
        | Kind::TooManyOpenFiles
        | Kind::Deadline => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::txt::NearMissWhy;
    use proptest::prelude::*;

    fn found(record: &str) -> Record {
        match discover(&[record]) {
            Discovery::Found(record) => record,
            other => panic!("{record}: {other:?}"),
        }
    }

    #[test]
    fn r1_exactly_one_record_counts() {
        assert_eq!(
            discover(&["v=spf1 -all"]),
            Discovery::Absent {
                near_misses: vec![]
            }
        );
        assert_eq!(
            discover(&["v=TLSRPTv1;rua=mailto:a@b.example"; 2]),
            Discovery::Several(2)
        );
        assert_eq!(
            discover(&["v=TLSRPTV1; rua=mailto:a@b.example"]),
            Discovery::Absent {
                near_misses: vec![(
                    "v=TLSRPTV1; rua=mailto:a@b.example".into(),
                    NearMissWhy::Case
                )]
            }
        );
        assert_eq!(
            found("v=TLSRPTv1 ;rua=mailto:a@b.example").advisories,
            [Advisory::SpaceBeforeSemicolon]
        );
    }

    #[test]
    fn r2_rua_is_a_list_of_mailto_and_https_uris() {
        for (record, rua) in [
            (
                "v=TLSRPTv1;rua=mailto:reports@example.com",
                &["mailto:reports@example.com"][..],
            ),
            (
                "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt;",
                &["https://reporting.example.com/v1/tlsrpt"],
            ),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example , HTTPS://c.example/?d=e; f=g",
                &["mailto:a@b.example", "HTTPS://c.example/?d=e"],
            ),
        ] {
            let record = found(record);
            assert_eq!(record.rua, rua);
            assert_eq!(record.advisories, []);
        }
    }

    #[test]
    fn r2_what_cannot_be_reported_to_is_told() {
        for (record, advisory) in [
            (
                "v=TLSRPTv1; rua=mailto:a@b.example!10m",
                Advisory::ExclamationPoint("mailto:a@b.example!10m".into()),
            ),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example,http://c.example",
                Advisory::Scheme("http://c.example".into()),
            ),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example,c@d.example",
                Advisory::Uri("c@d.example".into()),
            ),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example,mailto:",
                Advisory::Uri("mailto:".into()),
            ),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example; rua=mailto:c@d.example",
                Advisory::Duplicate("rua".into()),
            ),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example; Rua=x",
                Advisory::KeyCase("Rua".into()),
            ),
        ] {
            assert_eq!(found(record).advisories, [advisory], "{record}");
        }
        for (record, why) in [
            ("v=TLSRPTv1;", Fault::MissingRua),
            ("v=TLSRPTv1; RUA=mailto:x", Fault::MissingRua),
            ("v=TLSRPTv1; rua=", Fault::NoUsableUri),
            ("v=TLSRPTv1; rua=a@b.example", Fault::NoUsableUri),
            ("v=TLSRPTv1; rua=https:///x", Fault::NoUsableUri),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example; junk",
                Fault::Field("junk".into()),
            ),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example;; x=y",
                Fault::EmptyField,
            ),
        ] {
            let Discovery::Invalid { fault, .. } = discover(&[record]) else {
                panic!("{record} was taken");
            };
            assert_eq!(fault, why, "{record}");
        }
    }

    #[test]
    fn r3_kinds_that_are_words_of_the_standard_map_to_themselves() {
        let words = [
            "starttls-not-supported",
            "certificate-host-mismatch",
            "certificate-expired",
            "certificate-not-trusted",
            "validation-failure",
            "tlsa-invalid",
            "dnssec-invalid",
            "sts-policy-fetch-error",
            "sts-policy-invalid",
            "sts-webpki-invalid",
        ];
        for &kind in Kind::ALL {
            let word = result_type(kind);
            if words.contains(&kind.word()) {
                assert_eq!(word, Some(kind.word()));
            }
            assert!(word.is_none_or(|word| words.contains(&word)), "{kind:?}");
        }
    }

    #[test]
    fn r4_transient_failures_map_to_nothing() {
        for &kind in Kind::ALL.iter().filter(|kind| kind.is_transient()) {
            assert_eq!(result_type(kind), None, "{kind:?}");
        }
        // Never the word for a server that has no STARTTLS.
        assert_eq!(result_type(Kind::StarttlsTemporary), None);
        assert_eq!(result_type(Kind::GreetingTimeout), None);
    }

    #[test]
    fn r5_the_record_stands_at_the_mail_domain() {
        let domain = DomainName::parse("example.com").unwrap();
        assert_eq!(owner(&domain).as_deref(), Some("_smtp._tls.example.com"));
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(rest in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut record = b"v=TLSRPTv1;rua=".to_vec();
            record.extend(rest);
            let _ = discover(&[record]);
        }
    }
}
