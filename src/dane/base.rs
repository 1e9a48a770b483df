//! Under which names the TLSA records of a mail host are looked for
//! (RFC 7672, sections 2.2.2 and 2.2.3).

use crate::name::HostName;

/// What the answer to an A, AAAA or CNAME question was worth (bogus and
/// indeterminate ones are failures, RFC 7672, section 2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Secure,
    Insecure,
}

/// What the address lookup of a host showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressAnswer {
    /// Addresses, at the name itself.
    Direct(Status),
    /// Addresses at the end of a chain of CNAME records; the status is that of
    /// the whole chain (one insecure link makes everything behind it insecure,
    /// RFC 7672, section 2.1.3).
    Alias { canonical: HostName, status: Status },
    /// Neither A nor AAAA: the host is unreachable.
    NotFound,
    /// A lookup failed.
    Error,
}

/// What to do about TLSA records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidates {
    /// Ask at these base domains, in this order, until one yields a secure set.
    Ask(Vec<HostName>),
    /// An alias whose addresses are insecure: ask for the host's CNAME record
    /// alone, then call [`after_cname`] with its status (RFC 7672,
    /// section 2.1.3).
    AskCname,
    /// Do not ask: the addresses are insecure (RFC 7672, section 2.2.2), and
    /// DANE does not apply.
    AddressInsecure,
    /// An address in place of a name: DANE does not apply (RFC 7672,
    /// section 2.2).
    Literal,
    /// There are no addresses, or they could not be learnt: the host is
    /// unreachable (RFC 7672, sections 2.1.2 and 2.2.2).
    Unreachable,
}

/// The base domains at which the TLSA records of `host` are looked for.
#[must_use]
pub fn candidates(host: &HostName, answer: &AddressAnswer) -> Candidates {
    if host.is_address() {
        return Candidates::Literal;
    }
    match answer {
        AddressAnswer::Error | AddressAnswer::NotFound => Candidates::Unreachable,
        AddressAnswer::Direct(Status::Secure) => Candidates::Ask(vec![host.clone()]),
        AddressAnswer::Direct(Status::Insecure) => Candidates::AddressInsecure,
        // RFC 7672, section 2.2.3: the fully expanded name first, then the
        // original; names between them never.
        AddressAnswer::Alias {
            canonical,
            status: Status::Secure,
        } if canonical != host => Candidates::Ask(vec![canonical.clone(), host.clone()]),
        AddressAnswer::Alias {
            status: Status::Secure,
            ..
        } => Candidates::Ask(vec![host.clone()]),
        AddressAnswer::Alias {
            status: Status::Insecure,
            ..
        } => Candidates::AskCname,
    }
}

/// The second step after [`Candidates::AskCname`]: the host's own CNAME record
/// was asked for and has this status.
#[must_use]
pub fn after_cname(host: &HostName, cname: Status) -> Candidates {
    match cname {
        Status::Secure => Candidates::Ask(vec![host.clone()]),
        Status::Insecure => Candidates::AddressInsecure,
    }
}

/// The name TLSA records of a base domain stand at: `_25._tcp.mx.example`
/// (RFC 6698, section 3). None where it would be longer than a name may be.
#[must_use]
pub fn owner(base: &HostName, port: u16) -> Option<String> {
    let owner = format!("_{port}._tcp.{base}");
    (owner.len() <= 253).then_some(owner)
}

/// The names that a certificate may hold under usage 2, best first
/// (RFC 7672, section 3.2.2): the base domain and, where the MX records (or the
/// alias that led to the base domain) are secure, the domain mail is addressed
/// to and what its CNAME leads to. The base domain is also what the client asks
/// for by SNI (RFC 7672, section 8.1).
#[must_use]
pub fn reference_names(base: &HostName, next_hop: Option<&NextHop>) -> Vec<HostName> {
    let mut names = vec![base.clone()];
    if let Some(next_hop) = next_hop
        && next_hop.mx == Status::Secure
    {
        for name in [Some(&next_hop.domain), next_hop.canonical.as_ref()]
            .into_iter()
            .flatten()
        {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names
}

/// The domain mail is addressed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextHop {
    pub domain: HostName,
    /// Where its CNAME leads, if it is an alias.
    pub canonical: Option<HostName>,
    /// Whether the MX answer (or, without MX records, the alias) is secure.
    pub mx: Status,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn host(name: &str) -> HostName {
        HostName::parse(name).unwrap()
    }

    fn alias(canonical: &str, status: Status) -> AddressAnswer {
        AddressAnswer::Alias {
            canonical: host(canonical),
            status,
        }
    }

    #[test]
    fn d6_insecure_addresses_are_not_asked_for_tlsa() {
        let mx = host("mx.example");
        assert_eq!(
            candidates(&mx, &AddressAnswer::Direct(Status::Insecure)),
            Candidates::AddressInsecure
        );
        assert_eq!(
            candidates(&mx, &AddressAnswer::Direct(Status::Secure)),
            Candidates::Ask(vec![mx.clone()])
        );
        for unreachable in [AddressAnswer::Error, AddressAnswer::NotFound] {
            assert_eq!(candidates(&mx, &unreachable), Candidates::Unreachable);
        }
    }

    #[test]
    fn d7_a_secure_alias_is_asked_at_its_end_then_at_its_start() {
        assert_eq!(
            candidates(
                &host("mx20.example.com"),
                &alias("mxbackup.example.net", Status::Secure)
            ),
            Candidates::Ask(vec![host("mxbackup.example.net"), host("mx20.example.com")])
        );
    }

    #[test]
    fn d8_an_insecure_end_leaves_the_start_if_its_own_cname_is_secure() {
        let mx = host("mx15.example.com");
        assert_eq!(
            candidates(&mx, &alias("mxbackup.example.net", Status::Insecure)),
            Candidates::AskCname
        );
        assert_eq!(
            after_cname(&mx, Status::Secure),
            Candidates::Ask(vec![mx.clone()])
        );
        assert_eq!(
            after_cname(&mx, Status::Insecure),
            Candidates::AddressInsecure
        );
    }

    #[test]
    fn d9_the_owner_name_carries_the_port() {
        assert_eq!(
            owner(&host("mx.example"), 25).as_deref(),
            Some("_25._tcp.mx.example")
        );
        assert_eq!(
            owner(&host("mx.example"), 2525).as_deref(),
            Some("_2525._tcp.mx.example")
        );
        let long = HostName::from_dns(&format!("{}.example", "a.".repeat(122)));
        assert_eq!(owner(&long, 25), None);
    }

    #[test]
    fn d10_and_d15_the_reference_names_are_base_and_next_hop_never_the_tlsa_alias() {
        let next_hop = NextHop {
            domain: host("exchange.example.org"),
            canonical: Some(host("example.com")),
            mx: Status::Secure,
        };
        assert_eq!(
            reference_names(&host("mx10.example.com"), Some(&next_hop)),
            [
                host("mx10.example.com"),
                host("exchange.example.org"),
                host("example.com")
            ]
        );
        // An implicit MX is base domain and next hop at once: named once.
        let own = NextHop {
            domain: host("example.com"),
            canonical: None,
            mx: Status::Secure,
        };
        assert_eq!(
            reference_names(&host("example.com"), Some(&own)),
            [host("example.com")]
        );
    }

    #[test]
    fn d12_after_an_insecure_mx_answer_only_the_host_name_counts() {
        let next_hop = NextHop {
            domain: host("example.com"),
            canonical: None,
            mx: Status::Insecure,
        };
        assert_eq!(
            reference_names(&host("mx.provider.example"), Some(&next_hop)),
            [host("mx.provider.example")]
        );
    }

    #[test]
    fn mx14_an_address_in_place_of_a_name_has_no_dane() {
        assert_eq!(
            candidates(
                &HostName::from_dns("192.0.2.1"),
                &AddressAnswer::Direct(Status::Secure)
            ),
            Candidates::Literal
        );
    }
}
