//! What is known of a name and type, computed.

use crate::world::{self, Host, Taker, World};

use super::reply::{A, DNSKEY, DS, MX, NS, NSEC, NSEC3PARAM, SOA, TLSA, TXT, soa, wire};
use super::sign::Signer;
use super::zones::{self, Zone};

pub const NXDOMAIN: u8 = 3;
pub const SERVFAIL: u8 = 2;

/// What is known of a name and type.
#[derive(Default)]
pub struct Found {
    pub code: u8,
    /// The type of the records.
    pub kind: u16,
    /// Their data.
    pub records: Vec<Vec<u8>>,
    /// Whether a resolver that validates calls it authentic.
    pub signed: bool,
}

impl Found {
    fn nothing(signed: bool) -> Self {
        Self {
            signed,
            ..Self::default()
        }
    }

    fn code(code: u8, signed: bool) -> Self {
        Self {
            code,
            signed,
            ..Self::default()
        }
    }

    fn records(kind: u16, records: Vec<Vec<u8>>, signed: bool) -> Self {
        Self {
            code: 0,
            kind,
            records,
            signed,
        }
    }
}

pub fn find(world: &World, spki: &[u8; 32], name: &str, kind: u16, unchecked: bool) -> Found {
    match name {
        "in-addr.arpa" | "ip6.arpa" => return Found::nothing(true),
        "google.com" | "microsoft.com" => return Found::nothing(false),
        "dnssec-failed.org" | "rhybar.cz" if world.settings.validates && !unchecked => {
            return Found::code(SERVFAIL, false);
        }
        "dnssec-failed.org" | "rhybar.cz" => return Found::nothing(false),
        _ if name.ends_with(".in-addr.arpa") || name.ends_with(".ip6.arpa") => {
            return Found::code(NXDOMAIN, true);
        }
        _ => {}
    }
    let Some(signer) = &world.signer else {
        return hosts_and_domains(world, spki, name, kind);
    };
    let zone = zones::of(world, name, kind);
    let mut found = chained(world, zone, name, kind)
        .or_else(|| apex(world, signer, zone, name, kind))
        .unwrap_or_else(|| hosts_and_domains(world, spki, name, kind));
    let empty = found.records.is_empty();
    if found.code == NXDOMAIN && zones::stands(world, zone, name) {
        found.code = 0;
    }
    // RFC 5155, section 9.2: what opt-out leaves open is not authentic.
    found.signed = zones::is_signed(world, zone) && (!empty || !zones::opts_out(zone, name));
    found
}

/// The NSEC record of a name, where that is asked for.
fn chained(world: &World, zone: Zone, name: &str, kind: u16) -> Option<Found> {
    if kind != NSEC || zone == Zone::Example || !zones::is_signed(world, zone) {
        return None;
    }
    let proof = zones::denial(world, zone, name, 0).pop()?;
    (proof.owner == name).then(|| Found::records(NSEC, vec![proof.data], true))
}

/// What a zone has at its apex, seen from the zone itself or from above.
fn apex(world: &World, signer: &Signer, zone: Zone, name: &str, kind: u16) -> Option<Found> {
    let signed = zones::is_signed(world, zone);
    if kind == DS {
        let below = zones::of(world, name, SOA);
        let there = below != zone && zones::is_signed(world, below);
        // Below an apex no name has one; which names are there is told elsewhere.
        return (below != zone).then(|| {
            let records = if there {
                vec![signer.ds(name)]
            } else {
                Vec::new()
            };
            Found::records(DS, records, signed)
        });
    }
    if zones::apex(zone).as_deref() != Some(name) {
        return None;
    }
    let records = match kind {
        SOA => vec![soa()],
        NS => vec![wire("ns.example")],
        DNSKEY if signed => vec![signer.dnskey()],
        // RFC 5155, section 4.1: SHA-1, no flags, no more rounds, no salt.
        NSEC3PARAM if zone == Zone::Example => vec![vec![1, 0, 0, 0, 0]],
        _ if matches!(zone, Zone::Domain(_)) => return None,
        _ => Vec::new(),
    };
    Some(Found::records(kind, records, signed))
}

fn hosts_and_domains(world: &World, spki: &[u8; 32], name: &str, kind: u16) -> Found {
    let exists = |domain: &u64| world.exists(*domain);
    if let Some(domain) = world::domain_of(name) {
        let signed = world.is_signed(domain);
        if !exists(&domain) {
            return Found::code(NXDOMAIN, signed);
        }
        return of_domain(domain, kind, signed);
    }
    if let Some((first, parent)) = name.split_once('.')
        && let Some(domain) = world::domain_of(parent).filter(&exists)
    {
        let signed = world.is_signed(domain);
        let records = match (first, kind) {
            ("_mta-sts", TXT) if world::has_sts(domain) => {
                vec![text("v=STSv1; id=20260114T0900;")]
            }
            ("mta-sts", A) if world::has_sts(domain) => {
                let host = Host::Own { domain, number: 0 };
                addresses(host)
            }
            ("mta-sts" | "_mta-sts", _) if world::has_sts(domain) => Vec::new(),
            _ => match world::host_of(name) {
                Some(host) if kind == A && world::has_host(host) => addresses(host),
                Some(host) if world::has_host(host) => Vec::new(),
                _ => return Found::code(NXDOMAIN, signed),
            },
        };
        return Found::records(kind, records, signed);
    }
    if let Some(rest) = name.strip_prefix("_smtp._tls.") {
        return Found::code(
            NXDOMAIN,
            world::domain_of(rest).is_some_and(|domain| world.is_signed(domain)),
        );
    }
    // _2525._tcp.mx0.d17.example
    if let Some((port, host)) = name.split_once("._tcp.")
        && port.strip_prefix('_') == Some(&world.settings.smtp.to_string())
    {
        let Some(host @ Host::Own { domain, .. }) = world::host_of(host) else {
            return Found::code(NXDOMAIN, false);
        };
        let signed = world.is_signed(domain);
        if !signed || !exists(&domain) || !world::has_host(host) {
            return Found::code(NXDOMAIN, signed);
        }
        let mut data = vec![3, 1, 1];
        data.extend_from_slice(spki);
        let records = if kind == TLSA { vec![data] } else { Vec::new() };
        return Found::records(kind, records, signed);
    }
    match world::host_of(name).filter(|host| world::has_host(*host)) {
        Some(host) if kind == A => Found::records(A, addresses(host), false),
        Some(_) => Found::nothing(false),
        None => Found::code(NXDOMAIN, false),
    }
}

fn of_domain(domain: u64, kind: u16, signed: bool) -> Found {
    let taker = world::taker(domain);
    let records = match kind {
        MX if taker == Taker::Nobody => vec![vec![0, 0, 0]],
        MX => world::hosts_of(taker, domain)
            .into_iter()
            .enumerate()
            .map(|(place, host)| {
                let mut data = vec![0, u8::try_from(place * 10 + 10).unwrap_or(0xff)];
                data.extend(wire(&world::host_name(host)));
                data
            })
            .collect(),
        _ => Vec::new(),
    };
    Found::records(kind, records, signed)
}

fn text(words: &str) -> Vec<u8> {
    let mut out = vec![u8::try_from(words.len()).unwrap_or(0)];
    out.extend_from_slice(words.as_bytes());
    out
}

fn addresses(host: Host) -> Vec<Vec<u8>> {
    world::addresses_of(host)
        .into_iter()
        .map(|ip| ip.octets().to_vec())
        .collect()
}
