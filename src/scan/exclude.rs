//! Who is to be left alone: names with all below them, addresses, networks.
//!
//! Entry point: [`Exclude::read`]. One rule a line; `#` begins a comment. A name
//! covers the domain itself, every name below it, and thus an MX host as well as
//! a domain of the list.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;

use crate::name::{DomainName, HostName};

/// The rules.
#[derive(Debug, Clone, Default)]
pub struct Exclude {
    names: HashSet<String>,
    networks: Vec<Network>,
}

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

/// A line that is no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRule {
    pub line: usize,
    pub text: String,
}

impl fmt::Display for NoRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.text.chars().take(60).collect();
        write!(
            f,
            "line {}: {text:?} is neither a name nor an address nor a network (192.0.2.0/24)",
            self.line
        )
    }
}

impl std::error::Error for NoRule {}

impl Exclude {
    /// Adds the rules of a file.
    ///
    /// # Errors
    /// When a line is no rule: a wrong rule must not let a scan begin.
    pub fn read(&mut self, text: &str) -> Result<(), NoRule> {
        for (at, line) in text.lines().enumerate() {
            let rule = line.split('#').next().unwrap_or_default().trim();
            if rule.is_empty() {
                continue;
            }
            let name = rule.trim_start_matches("*.").trim_start_matches('.');
            if let Some(network) = Network::parse(rule) {
                self.networks.push(network);
            } else if let Ok(name) = DomainName::parse(name) {
                self.names.insert(name.to_string());
            } else {
                return Err(NoRule {
                    line: at + 1,
                    text: rule.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Whether a name is covered.
    #[must_use]
    pub fn covers_name(&self, name: &str) -> bool {
        !self.names.is_empty()
            && std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, up)| up))
                .any(|name| self.names.contains(name))
    }

    /// Whether an endpoint is covered, by its address or its host's name.
    #[must_use]
    pub fn covers(&self, host: Option<&HostName>, address: IpAddr) -> bool {
        let address = address.to_canonical();
        host.is_some_and(|host| self.covers_name(host.as_str()))
            || self.networks.iter().any(|network| network.holds(address))
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(longest);
        (bits <= longest).then_some(Self { address, bits })
    }

    fn holds(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.bits);
                (own.to_bits() ^ other.to_bits())
                    .checked_shr(shift)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.bits);
                (own.to_bits() ^ other.to_bits())
                    .checked_shr(shift)
                    .unwrap_or(0)
                    == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_and_networks_are_left_alone() {
        let mut exclude = Exclude::default();
        exclude
            .read("# us\nbank.example\n*.gov.example # all\n192.0.2.0/25\n2001:db8::/32\n198.51.100.7\n")
            .unwrap();
        for (name, covered) in [
            ("bank.example", true),
            ("mx.bank.example", true),
            ("notbank.example", false),
            ("a.gov.example", true),
            ("example", false),
        ] {
            assert_eq!(exclude.covers_name(name), covered, "{name}");
        }
        for (address, covered) in [
            ("192.0.2.1", true),
            ("192.0.2.128", false),
            ("::ffff:192.0.2.1", true),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(
                exclude.covers(None, address.parse().unwrap()),
                covered,
                "{address}"
            );
        }
        let mut all = Exclude::default();
        all.read("0.0.0.0/0").unwrap();
        assert!(all.covers(None, "203.0.113.1".parse().unwrap()));
    }

    #[test]
    fn a_rule_that_is_none_is_refused() {
        for text in ["192.0.2.0/33", "a b", "x..y"] {
            assert!(Exclude::default().read(text).is_err(), "{text}");
        }
    }
}
