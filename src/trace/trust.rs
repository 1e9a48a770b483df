//! How far down a chain its lines can be believed.
//!
//! RFC 5321, section 4.4: every host puts its line on top. So only the topmost
//! lines, written on the mailbox's own side, are beyond the reach of others;
//! the line of the host that the lowest of them names as its client is that
//! host's word; the rest anybody could have written (RFC 5321, section 7.1).

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;

use crate::organisation::{organisation, same_organisation};
use crate::trace::chain::{Hop, Leg, Trust};
use crate::trace::field::{By, From};
use crate::trace::leg::claimed_name;
use crate::trace::network::{Reach, is_local_name, reach};

/// A host, domain or network whose lines the user trusts as his own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustRule {
    /// The host of this name, and every host below it.
    Name(String),
    /// The addresses that share the first bits with this one.
    Network { address: IpAddr, bits: u8 },
}

/// Why a rule is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTrustRule(String);

impl fmt::Display for InvalidTrustRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: not a host, a domain, an address or a network such as 192.0.2.0/24",
            self.0
        )
    }
}

impl std::error::Error for InvalidTrustRule {}

impl std::str::FromStr for TrustRule {
    type Err = InvalidTrustRule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InvalidTrustRule(text.to_owned());
        let trimmed = text.trim();
        let (address, bits) = match trimmed.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (trimmed, None),
        };
        if let Ok(address) = address.trim_matches(['[', ']']).parse::<IpAddr>() {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = match bits {
                Some(bits) => bits.parse::<u8>().map_err(|_| wrong())?,
                None => most,
            };
            return if bits <= most {
                Ok(Self::Network { address, bits })
            } else {
                Err(wrong())
            };
        }
        let name = trimmed
            .trim_start_matches("*.")
            .trim_matches('.')
            .to_ascii_lowercase();
        let legal = !name.is_empty()
            && bits.is_none()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if legal {
            Ok(Self::Name(name))
        } else {
            Err(wrong())
        }
    }
}

impl TrustRule {
    pub(super) fn covers_name(&self, host: &str) -> bool {
        let Self::Name(name) = self else { return false };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        host.strip_suffix(name.as_str())
            .is_some_and(|head| head.is_empty() || head.ends_with('.'))
    }

    fn covers_ip(&self, ip: IpAddr) -> bool {
        let Self::Network { address, bits } = self else {
            return false;
        };
        let (one, other, width) = match (address, ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                (u128::from(a.to_bits()), u128::from(b.to_bits()), 32)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
            _ => return false,
        };
        let shift = width - u32::from(*bits);
        one.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
    }
}

/// Marks every hop; `hops` are in travel order.
pub(super) fn mark(hops: &mut [Hop], rules: &[TrustRule]) {
    let mut marks = vec![Trust::Below; hops.len()];
    let Some(top) = hops.len().checked_sub(1) else {
        return;
    };
    if let Some(mark) = marks.get_mut(top) {
        *mark = Trust::Own;
    }
    let mut own = Side::default();
    let mut lowest = top;
    if let Some(hop) = hops.get(top) {
        own.take_in(hop);
    }
    while let Some((newer, older)) = neighbours(hops, lowest) {
        if !own.reaches(newer, older, rules) {
            break;
        }
        own.take_in(older);
        lowest -= 1;
        if let Some(mark) = marks.get_mut(lowest) {
            *mark = Trust::Own;
        }
    }
    // The host that the lowest own line names, and what that host wrote below.
    if let Some((newer, older)) = neighbours(hops, lowest)
        && newer
            .received
            .from
            .as_ref()
            .is_some_and(|from| names(from, older))
    {
        let mut side = Side {
            organisation: None,
            hosts: HashSet::new(),
        };
        side.take_in_hosts(older);
        loop {
            lowest -= 1;
            if let Some(mark) = marks.get_mut(lowest) {
                *mark = Trust::Vouched;
            }
            let Some((newer, older)) = neighbours(hops, lowest) else {
                break;
            };
            let inside = newer.leg == Leg::Local || newer.received.from.is_none();
            if !(inside && side.has(older)) {
                break;
            }
        }
    }
    for (hop, mark) in hops.iter_mut().zip(marks) {
        hop.trusted = mark;
    }
}

/// A hop and the one before it.
fn neighbours(hops: &[Hop], at: usize) -> Option<(&Hop, &Hop)> {
    Some((hops.get(at)?, hops.get(at.checked_sub(1)?)?))
}

/// The hosts of one side.
#[derive(Default)]
struct Side {
    organisation: Option<String>,
    hosts: HashSet<String>,
}

impl Side {
    fn take_in(&mut self, hop: &Hop) {
        self.take_in_hosts(hop);
        if self.organisation.is_none() {
            self.organisation = by_names(hop).find_map(organisation);
        }
    }

    fn take_in_hosts(&mut self, hop: &Hop) {
        for name in by_names(hop) {
            if !is_local_name(name) {
                self.hosts.insert(name.to_ascii_lowercase());
            }
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.hosts.contains(&name.to_ascii_lowercase())
            || (self.organisation.is_some() && organisation(name) == self.organisation)
    }

    /// Whether a line's writer is among the hosts, or names no host but this.
    fn has(&self, hop: &Hop) -> bool {
        let mut any = false;
        for name in by_names(hop) {
            if self.knows(name) || is_local_name(name) {
                return true;
            }
            any = true;
        }
        !any || hop
            .received
            .by
            .as_ref()
            .is_some_and(|by| by.ip.is_some_and(|ip| reach(ip) == Reach::Host))
    }

    /// Whether the run of own lines goes on from `newer` to `older`.
    fn reaches(&self, newer: &Hop, older: &Hop, rules: &[TrustRule]) -> bool {
        let from = newer.received.from.as_ref();
        let trusted = by_names(older).any(|name| rules.iter().any(|rule| rule.covers_name(name)))
            || older
                .received
                .by
                .as_ref()
                .and_then(|by| by.ip)
                .is_some_and(|ip| rules.iter().any(|rule| rule.covers_ip(ip)))
            || from
                .and_then(|from| from.ip)
                .is_some_and(|ip| rules.iter().any(|rule| rule.covers_ip(ip)));
        let inside = matches!(newer.leg, Leg::Local | Leg::Internal);
        let linked = inside
            || from.is_none_or(|from| {
                from.rdns.as_deref().is_some_and(|name| self.knows(name))
                    || claimed_name(from).is_some_and(|name| self.knows(name))
                    || names(from, older)
            });
        if trusted && linked {
            return true;
        }
        // A retrieved mailbox belongs to somebody else.
        let same_host = newer.leg == Leg::Local
            && older
                .received
                .by
                .as_ref()
                .and_then(|by| by.host.as_deref())
                .is_some_and(|host| !host.contains('.'));
        linked
            && (self.has(older) || same_host)
            && (inside
                || from.is_none_or(|from| {
                    claimed_name(from).is_some_and(|name| self.knows(name))
                        || from.rdns.as_deref().is_some_and(|name| self.knows(name))
                }))
    }
}

fn by_names(hop: &Hop) -> impl Iterator<Item = &str> {
    let by = hop.received.by.as_ref();
    by.and_then(|by| by.host.as_deref())
        .into_iter()
        .chain(by.and_then(|by: &By| by.alias.as_deref()))
}

/// Whether `from` names the writer of `older` as the client. A name that was
/// only claimed counts where the dialect notes no other.
pub(super) fn names(from: &From, older: &Hop) -> bool {
    let by = older.received.by.as_ref();
    let address = from
        .ip
        .zip(by.and_then(|by| by.ip))
        .is_some_and(|(one, other)| one == other && reach(one) == Reach::Public);
    let name = match &from.rdns {
        Some(name) => Some(name.as_str()),
        None if !from.rdns_asked => claimed_name(from),
        None => None,
    };
    address || name.is_some_and(|name| by_names(older).any(|host| same_organisation(name, host)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rules_are_names_or_networks() {
        let rule: TrustRule = "Example.com".parse().unwrap();
        assert!(rule.covers_name("mx.example.com"));
        assert!(!rule.covers_name("badexample.com"));
        let rule: TrustRule = "192.0.2.0/24".parse().unwrap();
        assert!(rule.covers_ip("192.0.2.77".parse().unwrap()));
        assert!(!rule.covers_ip("192.0.3.1".parse().unwrap()));
        assert!(!rule.covers_ip("2001:db8::1".parse().unwrap()));
        let rule: TrustRule = "::/0".parse().unwrap();
        assert!(rule.covers_ip("2001:db8::1".parse().unwrap()));
        for wrong in ["", "192.0.2.0/33", "a b", "example.com/8"] {
            assert!(wrong.parse::<TrustRule>().is_err(), "{wrong}");
        }
    }
}
