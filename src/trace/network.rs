//! Which addresses lie inside one host or one network.

use std::net::IpAddr;

/// Where an address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Inside one host: loopback, unspecified.
    Host,
    /// Inside one network: RFC 1918, RFC 6598 (shared by carriers), RFC 4193,
    /// link-local.
    Network,
    /// Anywhere. Documentation ranges (RFC 5737, RFC 3849) count among these:
    /// they stand for public addresses.
    Public,
}

/// Classifies an address; an IPv4 address in IPv6 clothes (mapped, 6to4) counts
/// as itself.
#[must_use]
pub fn reach(ip: IpAddr) -> Reach {
    match ip {
        IpAddr::V4(four) => {
            let [a, b, ..] = four.octets();
            if four.is_loopback() || four.is_unspecified() {
                Reach::Host
            } else if four.is_private()
                || four.is_link_local()
                || (a == 100 && (64..128).contains(&b))
            {
                Reach::Network
            } else {
                Reach::Public
            }
        }
        IpAddr::V6(six) => {
            let segments = six.segments();
            if six.is_loopback() || six.is_unspecified() {
                Reach::Host
            } else if let Some(four) = six.to_ipv4_mapped() {
                reach(IpAddr::V4(four))
            } else if segments[0] == 0x2002 {
                let [a, b] = segments[1].to_be_bytes();
                let [c, d] = segments[2].to_be_bytes();
                reach(IpAddr::V4([a, b, c, d].into()))
            } else if segments[0] & 0xfe00 == 0xfc00 || segments[0] & 0xffc0 == 0xfe80 {
                Reach::Network
            } else {
                Reach::Public
            }
        }
    }
}

/// Whether a name means the host itself.
#[must_use]
pub fn is_local_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower == "localhost" || lower.starts_with("localhost.") || lower.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for (ip, expected) in [
            ("127.0.0.1", Reach::Host),
            ("::1", Reach::Host),
            ("10.1.2.3", Reach::Network),
            ("172.31.0.1", Reach::Network),
            ("172.32.0.1", Reach::Public),
            ("100.64.0.1", Reach::Network),
            ("100.128.0.1", Reach::Public),
            ("169.254.1.37", Reach::Network),
            ("fd00::1", Reach::Network),
            ("fe80::1", Reach::Network),
            ("2002:a05:6402::1", Reach::Network),
            ("192.0.2.1", Reach::Public),
            ("2001:db8::1", Reach::Public),
        ] {
            assert_eq!(reach(ip.parse().unwrap()), expected, "{ip}");
        }
    }
}
