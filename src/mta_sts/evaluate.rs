//! One MX host under a policy, and what a sender then does (RFC 8461,
//! sections 4 and 5).

use std::fmt;

use crate::failure::Kind;
use crate::mta_sts::policy::{Mode, Policy};
use crate::name::HostName;
use crate::tls::identity;
use crate::tls::parameters::TlsVersion;

/// What was seen of a host, as far as a policy asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<'a> {
    /// It was not reached: nothing is known.
    Nothing,
    /// STARTTLS was not offered, was refused, or the handshake failed.
    NoTls,
    /// TLS stands.
    Tls {
        version: TlsVersion,
        /// Whether a path to a trusted root was found, in time; if not, why.
        pkix: Result<(), Kind>,
        /// The dNSNames of the leaf. Not its common name: RFC 8461,
        /// section 4.2 wants a subject alternative name.
        dns_names: &'a [String],
    },
}

/// What the policy says of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// A pattern of the policy covers the host.
    pub listed: bool,
    /// Where the host fails the policy; none where that cannot be told.
    pub faults: Option<Vec<HostFault>>,
    /// The TLS version is one the standard does not have senders support
    /// (RFC 8461, section 7.2), though the policy names none.
    pub legacy_version: Option<TlsVersion>,
}

/// Where a host fails a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostFault {
    /// No pattern covers its MX name (RFC 8461, section 4.1).
    NotListed,
    /// No TLS (RFC 8461, section 4).
    NoTls,
    /// The certificate is not to be trusted (RFC 8461, section 4.2).
    Certificate(Kind),
    /// No dNSName covers the MX name (RFC 8461, section 4.2).
    Name { presented: Vec<String> },
}

impl HostFault {
    /// The kind of failure. Its words are RFC 8460's, section 4.3.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            // RFC 8460 has no narrower word.
            Self::NotListed => Kind::ValidationFailure,
            Self::NoTls => Kind::StarttlsNotSupported,
            Self::Certificate(kind) => *kind,
            Self::Name { .. } => Kind::CertificateHostMismatch,
        }
    }
}

impl fmt::Display for HostFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListed => f.write_str("the policy does not list it"),
            Self::NoTls => f.write_str("it did no TLS"),
            Self::Certificate(kind) => write!(f, "its certificate is not valid: {}", kind.word()),
            Self::Name { .. } => f.write_str("its certificate has no dNSName for it"),
        }
    }
}

/// Holds a host against a policy. The name is the one of the MX record, before
/// any CNAME (RFC 8461, section 4.1), and so is the one the certificate must
/// have; a TLSA record that matches does not help (section 4.2).
#[must_use]
pub fn evaluate(policy: &Policy, host: &HostName, seen: &Seen<'_>) -> Evaluation {
    let listed = policy.mx.iter().any(|pattern| pattern.matches(host));
    let mut faults = Vec::new();
    if !listed {
        faults.push(HostFault::NotListed);
    }
    let mut legacy_version = None;
    let known = match seen {
        // Not being listed is known without seeing the host.
        Seen::Nothing => !listed,
        Seen::NoTls => {
            faults.push(HostFault::NoTls);
            true
        }
        Seen::Tls {
            version,
            pkix,
            dns_names,
        } => {
            legacy_version = version.is_legacy().then_some(*version);
            if let Err(kind) = pkix {
                faults.push(HostFault::Certificate(*kind));
            }
            if !dns_names
                .iter()
                .any(|name| identity::matches(name, host.as_str()))
            {
                faults.push(HostFault::Name {
                    presented: dns_names.to_vec(),
                });
            }
            true
        }
    };
    Evaluation {
        listed,
        faults: known.then_some(faults),
        legacy_version,
    }
}

/// What a sender that follows MTA-STS does with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conduct {
    /// The policy is enforced and the host satisfies it.
    DeliversAuthenticated,
    /// The policy is enforced and the host fails it: it counts as unreachable,
    /// and the next one is tried (RFC 8461, sections 5 and 8.4). With none
    /// left the message waits; it is not refused (section 5).
    Skips,
    /// Nothing is enforced: as a sender without MTA-STS.
    AsWithoutPolicy,
    /// The host was not seen.
    Unknown,
}

/// What follows from the evaluation in the policy's mode (RFC 8461, section 5).
#[must_use]
pub fn conduct(mode: Mode, evaluation: &Evaluation) -> Conduct {
    match (mode, evaluation.faults.as_deref()) {
        // Testing reports failures, and delivers in any case.
        (Mode::Testing | Mode::None, _) => Conduct::AsWithoutPolicy,
        (Mode::Enforce, Some([])) => Conduct::DeliversAuthenticated,
        (Mode::Enforce, Some(_)) => Conduct::Skips,
        (Mode::Enforce, None) => Conduct::Unknown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::mta_sts::pattern::Pattern;

    fn policy(mode: Mode) -> Policy {
        Policy {
            mode,
            max_age: 604_800,
            mx: vec![Pattern::parse("*.example.com").unwrap()],
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn tls(pkix: Result<(), Kind>, dns_names: &[String]) -> Seen<'_> {
        Seen::Tls {
            version: TlsVersion::Tls13,
            pkix,
            dns_names,
        }
    }

    #[test]
    fn m20_m21_m22_a_host_under_each_mode() {
        let good = names(&["mx.example.com"]);
        let other = names(&["mail.example.net"]);
        let none = names(&[]);
        let mismatch = |presented: &[String]| HostFault::Name {
            presented: presented.to_vec(),
        };
        for (host, seen, faults) in [
            ("mx.example.com", tls(Ok(()), &good), Some(vec![])),
            (
                "mx.example.net",
                tls(Ok(()), &names(&["mx.example.net"])),
                Some(vec![HostFault::NotListed]),
            ),
            ("mx.example.com", Seen::NoTls, Some(vec![HostFault::NoTls])),
            (
                "mx.example.com",
                tls(Err(Kind::CertificateExpired), &good),
                Some(vec![HostFault::Certificate(Kind::CertificateExpired)]),
            ),
            // M20: a self-signed certificate fails, whatever DANE says of it.
            (
                "mx.example.com",
                tls(Err(Kind::CertificateNotTrusted), &good),
                Some(vec![HostFault::Certificate(Kind::CertificateNotTrusted)]),
            ),
            (
                "mx.example.com",
                tls(Ok(()), &other),
                Some(vec![mismatch(&other)]),
            ),
            // C4: no subject alternative name, whatever the common name says.
            (
                "mx.example.com",
                tls(Ok(()), &none),
                Some(vec![mismatch(&none)]),
            ),
            // C6: the MX host's name, not the mail domain's.
            (
                "mx.example.com",
                tls(Ok(()), &names(&["example.com"])),
                Some(vec![mismatch(&names(&["example.com"]))]),
            ),
            ("mx.example.com", Seen::Nothing, None),
            (
                "mx.example.net",
                Seen::Nothing,
                Some(vec![HostFault::NotListed]),
            ),
        ] {
            let host = HostName::parse(host).unwrap();
            let evaluation = evaluate(&policy(Mode::Enforce), &host, &seen);
            assert_eq!(evaluation.faults, faults, "{host} {seen:?}");
            let enforced = match &faults {
                None => Conduct::Unknown,
                Some(faults) if faults.is_empty() => Conduct::DeliversAuthenticated,
                Some(_) => Conduct::Skips,
            };
            assert_eq!(conduct(Mode::Enforce, &evaluation), enforced, "{seen:?}");
            for mode in [Mode::Testing, Mode::None] {
                assert_eq!(conduct(mode, &evaluation), Conduct::AsWithoutPolicy);
            }
        }
    }

    #[test]
    fn l3_an_old_version_is_a_finding_and_not_a_fault() {
        let host = HostName::parse("mx.example.com").unwrap();
        let good = names(&["*.example.com"]);
        for (version, legacy) in [
            (TlsVersion::Tls10, true),
            (TlsVersion::Tls11, true),
            (TlsVersion::Tls12, false),
            (TlsVersion::Tls13, false),
        ] {
            let seen = Seen::Tls {
                version,
                pkix: Ok(()),
                dns_names: &good,
            };
            let evaluation = evaluate(&policy(Mode::Enforce), &host, &seen);
            assert_eq!(evaluation.faults, Some(vec![]));
            assert_eq!(evaluation.legacy_version, legacy.then_some(version));
        }
    }

    #[test]
    fn r3_the_words_of_each_fault() {
        for (fault, word) in [
            (HostFault::NotListed, "validation-failure"),
            (HostFault::NoTls, "starttls-not-supported"),
            (
                HostFault::Certificate(Kind::CertificateExpired),
                "certificate-expired",
            ),
            (
                HostFault::Name { presented: vec![] },
                "certificate-host-mismatch",
            ),
        ] {
            assert_eq!(fault.kind().word(), word);
        }
    }
}
