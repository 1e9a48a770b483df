//! Whether a name that a certificate presents covers the name that is wanted:
//! DNS-IDs by RFC 9525, section 6.3 (before it RFC 6125, section 6.4), as
//! RFC 7672, section 3.2.3 and RFC 8461, section 4.1 narrow them for mail.
//!
//! Which names a certificate presents (its dNSNames, and the common name only
//! where it has none) is [`Certificate::names`]'s affair; MTA-STS looks at
//! dNSNames alone (RFC 8461, section 4.2).
//!
//! [`Certificate::names`]: crate::tls::certificate::Certificate::names

use std::net::IpAddr;

use crate::name::HostName;

/// Whether the presented name covers the wanted one. Label by label, without
/// regard to case; `*` only as the whole left-most label, for exactly one
/// label; an IP address never (RFC 6125, section 6.4.3; RFC 9525, section 6.3).
#[must_use]
pub fn matches(presented: &str, wanted: &HostName) -> bool {
    let presented = presented.strip_suffix('.').unwrap_or(presented);
    let wanted = wanted.as_str();
    if presented.is_empty() || wanted.is_empty() || wanted.parse::<IpAddr>().is_ok() {
        return false;
    }
    match presented.strip_prefix("*.") {
        // A wildcard for a whole top-level domain covers nobody.
        Some(suffix) if !suffix.contains('.') || suffix.contains('*') => false,
        Some(suffix) => wanted
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(suffix)),
        None => !presented.contains('*') && presented.eq_ignore_ascii_case(wanted),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn c1_c2_c3_c5_presented_names_against_the_wanted_one() {
        for (presented, wanted, covered) in [
            ("mx.example.com", "mx.example.com", true),
            ("MX.Example.COM", "mx.example.com", true),
            ("mx.example.com.", "mx.example.com", true),
            ("mx.example.com", "mx2.example.com", false),
            ("example.com", "mx.example.com", false),
            ("*.example.com", "mx.example.com", true),
            ("*.EXAMPLE.com", "mx.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.mx.example.com", false),
            ("mx*.example.com", "mx1.example.com", false),
            ("*mx.example.com", "amx.example.com", false),
            ("mx.*.com", "mx.example.com", false),
            ("*.*.com", "mx.example.com", false),
            ("*", "localhost", false),
            ("*.com", "example.com", false),
            ("*.", "example.com", false),
            ("", "example.com", false),
            ("xn--bcher-kva.example", "xn--bcher-kva.example", true),
            ("b\u{fc}cher.example", "xn--bcher-kva.example", false),
        ] {
            let host = HostName::from_dns(wanted);
            assert_eq!(
                matches(presented, &host),
                covered,
                "{presented} for {wanted}"
            );
        }
    }

    #[test]
    fn c5_an_address_is_not_matched_as_a_name() {
        assert!(!matches("192.0.2.1", &HostName::from_dns("192.0.2.1")));
        assert!(!matches("*.0.2.1", &HostName::from_dns("192.0.2.1")));
    }
}
