//! Zones (`--signs`): which there are, whose a name is, and what proves that
//! something is not there.
//!
//! The root and `example` are signed. `example` is as most top-level domains
//! are: its delegations that are not signed are not in its chain of hashed names,
//! so a record with the opt-out flag says of each that it has no DS record (RFC
//! 5155, section 6). That chain would have to be sorted over all domains, so it
//! is not there: each such record is made for its question and covers one hash
//! alone. The other signed zones are small, and have the true chain of their
//! names (RFC 4034, section 4).
//!
//! Of the domains one in ten is a signed zone. Of providers' zones, every fourth
//! giant's is and every second small one's, without TLSA records; the zone that
//! gives each domain a host name of its own is not. The other top-level domains
//! that a resolver is tested with are unsigned, and so is all below them, though
//! the answers for these names may say "authentic" (`--validates`).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::world::{self, Taker, World};

use super::find::NXDOMAIN;
use super::reply::{A, DNSKEY, DS, MX, NS, NSEC, NSEC3, NSEC3PARAM, RRSIG, SOA, TLSA, TXT, wire};

/// Top-level domains besides `example`, in order.
const OTHERS: [&str; 4] = ["arpa", "com", "cz", "org"];

/// A zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    Root,
    Example,
    Domain(u64),
    Giant(u64),
    Small(u64),
    Pool,
    /// Some zone below another top-level domain.
    Elsewhere,
}

/// The zone that answers for a name and type.
pub fn of(world: &World, name: &str, kind: u16) -> Zone {
    // RFC 4035, section 3.1.4.1: the zone above answers for DS records.
    let name = match (kind, name.split_once('.')) {
        (DS, Some((_, above))) => above,
        (DS, None) => "",
        _ => name,
    };
    let top = name.rsplit('.').next().unwrap_or_default();
    if top != "example" {
        return match OTHERS.contains(&top) {
            true => Zone::Elsewhere,
            false => Zone::Root,
        };
    }
    let Some(rest) = name.strip_suffix(".example") else {
        return Zone::Example;
    };
    let label = rest.rsplit('.').next().unwrap_or_default();
    let number = |prefix| -> Option<u64> { label.strip_prefix(prefix)?.parse().ok() };
    if label == "pool" {
        Zone::Pool
    } else if let Some(domain) = number("d").filter(|domain| world.exists(*domain)) {
        Zone::Domain(domain)
    } else if let Some(giant) = number("giant").filter(|giant| *giant < world::GIANTS) {
        Zone::Giant(giant)
    } else if let Some(small) = number("small").filter(|small| world.has_small(*small)) {
        Zone::Small(small)
    } else {
        Zone::Example
    }
}

/// The name of a zone; none where there are many.
pub fn apex(zone: Zone) -> Option<String> {
    Some(match zone {
        Zone::Root => String::new(),
        Zone::Example => "example".to_owned(),
        Zone::Domain(domain) => world::domain_name(domain),
        Zone::Giant(giant) => format!("giant{giant}.example"),
        Zone::Small(small) => format!("small{small}.example"),
        Zone::Pool => "pool.example".to_owned(),
        Zone::Elsewhere => return None,
    })
}

/// Whether a zone is signed.
pub fn is_signed(world: &World, zone: Zone) -> bool {
    world.signer.is_some()
        && match zone {
            Zone::Root | Zone::Example => true,
            Zone::Domain(domain) => world.is_signed(domain),
            Zone::Giant(giant) => giant % 4 == 3,
            Zone::Small(small) => world::mix(small, 13).is_multiple_of(2),
            Zone::Pool | Zone::Elsewhere => false,
        }
}

/// Whether what a zone says of a name that it has not leaves open that there is
/// an unsigned delegation.
pub fn opts_out(zone: Zone, name: &str) -> bool {
    zone == Zone::Example && name != "example"
}

/// Whether a name is there, or stands above one that is (RFC 4592, section
/// 2.2.2).
pub fn stands(world: &World, zone: Zone, name: &str) -> bool {
    match zone {
        Zone::Example => name == "example",
        _ => names(world, zone)
            .iter()
            .any(|(other, _)| other == name || is_below(other, name)),
    }
}

/// An NSEC or NSEC3 record.
pub struct Proof {
    pub owner: String,
    pub kind: u16,
    pub data: Vec<u8>,
}

/// The records that prove that a name of a signed zone is not there, or has not
/// the type asked for.
pub fn denial(world: &World, zone: Zone, name: &str, code: u8) -> Vec<Proof> {
    if zone == Zone::Example {
        return by_hash(name, code);
    }
    let names = names(world, zone);
    let place = |name: &str| {
        names
            .partition_point(|(other, _)| !other.rsplit('.').gt(name.rsplit('.')))
            .saturating_sub(1)
    };
    let mut places = vec![place(name)];
    if code == NXDOMAIN {
        // RFC 4035, section 3.1.3.2: nor a wildcard that stands for it.
        let mut encloser = name;
        while !names
            .iter()
            .any(|(other, _)| other == encloser || is_below(other, encloser))
        {
            encloser = encloser.split_once('.').map_or("", |(_, above)| above);
        }
        let dot = if encloser.is_empty() { "" } else { "." };
        let wildcard = place(&format!("*{dot}{encloser}"));
        if !places.contains(&wildcard) {
            places.push(wildcard);
        }
    }
    places
        .into_iter()
        .map(|place| {
            let (owner, types) = &names[place];
            // RFC 4034, section 4.1.1: the last name's next is the apex.
            let (next, _) = &names[(place + 1) % names.len()];
            let mut data = wire(next);
            data.extend(bitmap(types));
            Proof {
                owner: owner.clone(),
                kind: NSEC,
                data,
            }
        })
        .collect()
}

fn is_below(name: &str, other: &str) -> bool {
    name.strip_suffix(other)
        .is_some_and(|front| front.ends_with('.') || (other.is_empty() && !name.is_empty()))
}

/// The names of a signed zone that have records, in canonical order (RFC 4034,
/// section 6.1), with their types, NSEC and RRSIG left out.
fn names(world: &World, zone: Zone) -> Vec<(String, Vec<u16>)> {
    let Some(apex) = apex(zone) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    let mut own = vec![NS, SOA, DNSKEY];
    match zone {
        Zone::Root => {
            names.extend(OTHERS.map(|other| (other.to_owned(), vec![NS])));
            names.push(("example".to_owned(), vec![NS, DS]));
        }
        Zone::Domain(domain) => {
            let taker = world::taker(domain);
            own.push(MX);
            if world::has_sts(domain) {
                names.push((format!("_mta-sts.{apex}"), vec![TXT]));
                names.push((format!("mta-sts.{apex}"), vec![A]));
            }
            if matches!(taker, Taker::Own(_)) {
                for host in world::hosts_of(taker, domain) {
                    let host = world::host_name(host);
                    let port = world.settings.smtp;
                    names.push((format!("_{port}._tcp.{host}"), vec![TLSA]));
                    names.push((host, vec![A]));
                }
            }
        }
        Zone::Giant(_) | Zone::Small(_) => {
            let taker = match zone {
                Zone::Giant(giant) => Taker::Giant(giant),
                Zone::Small(small) => Taker::Small(small),
                _ => Taker::Nobody,
            };
            let hosts = world::hosts_of(taker, 0);
            names.extend(
                hosts
                    .into_iter()
                    .map(|host| (world::host_name(host), vec![A])),
            );
        }
        Zone::Example | Zone::Pool | Zone::Elsewhere => {}
    }
    names.push((apex, own));
    names.sort_by(|(a, _), (b, _)| a.rsplit('.').cmp(b.rsplit('.')));
    names
}

/// RFC 4034, section 4.1.2; every type here lies in the first window.
fn bitmap(types: &[u16]) -> Vec<u8> {
    map(types.iter().chain(&[NSEC, RRSIG]))
}

fn map<'t>(types: impl Iterator<Item = &'t u16>) -> Vec<u8> {
    let mut map = [0_u8; 32];
    for kind in types {
        map[usize::from(kind / 8)] |= 0x80 >> (kind % 8);
    }
    let length = 32 - map.iter().rev().take_while(|octet| **octet == 0).count();
    let mut data = vec![0, u8::try_from(length).unwrap_or(0)];
    data.extend_from_slice(&map[..length]);
    data
}

/// What `example` says by hashed names (RFC 5155, section 7.2): that its apex is
/// there, and of the name below it, and a wildcard there, that it is not, or is
/// not signed.
fn by_hash(name: &str, code: u8) -> Vec<Proof> {
    let apex = hash("example");
    let types = [NS, SOA, RRSIG, DNSKEY, NSEC3PARAM];
    let mut proofs = vec![hashed(apex, next(apex, 1), &map(types.iter()))];
    if name == "example" {
        return proofs;
    }
    let front = name.strip_suffix(".example").unwrap_or(name);
    let closer = front.rsplit('.').next().unwrap_or_default();
    let mut absent = vec![hash(&format!("{closer}.example"))];
    if code == NXDOMAIN {
        absent.push(hash("*.example"));
    }
    for hash in absent {
        proofs.push(hashed(next(hash, 0xff), next(hash, 1), &[]));
    }
    proofs
}

/// RFC 5155, section 3, with the opt-out flag, no salt, and no more rounds than
/// the one (RFC 9276, section 3.1).
fn hashed(owner: [u8; 20], next: [u8; 20], types: &[u8]) -> Proof {
    let mut data = vec![1, 1, 0, 0, 0, 20];
    data.extend_from_slice(&next);
    data.extend_from_slice(types);
    let mut text = String::with_capacity(40);
    // RFC 4648, section 7: 20 octets are 32 letters.
    for five in owner.chunks(5) {
        let bits = five
            .iter()
            .fold(0_u64, |bits, octet| bits << 8 | u64::from(*octet));
        for place in (0..8).rev() {
            let value = usize::try_from(bits >> (5 * place) & 31).unwrap_or(0);
            text.push(char::from(b"0123456789abcdefghijklmnopqrstuv"[value]));
        }
    }
    Proof {
        owner: text + ".example",
        kind: NSEC3,
        data,
    }
}

fn hash(name: &str) -> [u8; 20] {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &wire(name));
    digest.as_ref().try_into().expect("a digest of 20 octets")
}

/// The hash one higher, or one lower where 255 is added at each place.
fn next(mut hash: [u8; 20], add: u8) -> [u8; 20] {
    for octet in hash.iter_mut().rev() {
        let (sum, over) = octet.overflowing_add(add);
        *octet = sum;
        // Up: on while it goes over. Down: on while it does not.
        if over != (add == 1) {
            break;
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard_and_has_its_neighbours() {
        // RFC 5155, appendix A, where there are salt and rounds, so only the
        // letters' form is compared: 32 of them, in order.
        let low = [0_u8; 20];
        assert_eq!(next(low, 1)[19], 1);
        assert_eq!(next(low, 0xff), [0xff; 20]);
        assert_eq!(next([0xff; 20], 1), low);
        assert_eq!(next([0xff; 20], 0xff)[19], 0xfe);
        let proof = hashed(low, next(low, 1), &[]);
        assert_eq!(proof.owner, format!("{}.example", "0".repeat(32)));
    }

    #[test]
    fn types_are_set_as_the_standard_shows() {
        // RFC 4034, section 4.3, without its type 1234.
        let shown = [0, 6, 0x40, 0x01, 0, 0, 0, 0x03];
        assert_eq!(bitmap(&[A, MX]), shown);
    }
}
