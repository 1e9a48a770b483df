//! What there is: who takes a domain's mail, where a host is and what it does,
//! each computed from its number.
//!
//! The sharing of hosts is like that of the public mail: a few providers take a
//! large part of all domains, many small ones the mail of some dozens each, and
//! the rest have hosts of their own. Some providers give every domain a name of
//! its own that leads to a pool of addresses. A million domains, of which 5 in a
//! hundred take no mail, name 3.2 million addresses, 0.61 million of them
//! distinct, and 0.69 million endpoints of address and name.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use rustls::server::ServerConfig;

use crate::Settings;
use crate::certificates::{Authority, Resolver};
use crate::dns::Signer;

/// Providers with hundreds of thousands of domains, the first with most.
pub const GIANTS: u64 = 40;
/// Addresses that a pool of the last giant's kind has.
const POOL: u64 = 64;
/// Domains of one small provider.
const OF_ONE_SMALL: u64 = 12;

/// Numbers of hosts: where each kind begins.
const POOL_BEGINS: u32 = 0x0400;
const SMALL_BEGINS: u32 = 0x0800;
const OWN_BEGINS: u32 = 0x08_0000;

/// Who takes the mail of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taker {
    Nobody,
    /// There is no such domain.
    Absent,
    Giant(u64),
    /// A giant that gives each domain a host name of its own.
    Pool,
    Small(u64),
    /// Hosts of its own, so many.
    Own(u64),
}

/// A host of some taker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Host {
    Giant { giant: u64, number: u64 },
    Pool { domain: u64 },
    Small { small: u64, number: u64 },
    Own { domain: u64, number: u64 },
}

/// What a host at an address does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    Good,
    Plain,
    Misnamed,
    Busy,
    Silent,
}

/// The farm.
#[derive(Debug)]
pub struct World {
    pub settings: Settings,
    pub authority: Authority,
    /// What signs zones, where that is wanted.
    pub signer: Option<Signer>,
}

impl World {
    pub fn new(settings: Settings) -> Self {
        Self {
            signer: settings.signs.then(Signer::new),
            settings,
            authority: Authority::new(),
        }
    }

    /// The rustls side of every server.
    pub fn server_config(self: &Arc<Self>) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Resolver::new(Arc::clone(self))));
        // A probe never comes back.
        config.send_tls13_tickets = 0;
        Arc::new(config)
    }

    /// Whether answers about this domain are signed.
    pub fn is_signed(&self, domain: u64) -> bool {
        (self.settings.validates || self.settings.signs) && mix(domain, 7) % 100 < 10
    }

    /// Whether there is this domain.
    pub fn exists(&self, domain: u64) -> bool {
        domain < self.settings.domains && taker(domain) != Taker::Absent
    }

    /// Whether there is this small provider.
    pub fn has_small(&self, small: u64) -> bool {
        small <= self.settings.domains / OF_ONE_SMALL
    }
}

/// What `domains` domains come to.
#[derive(Debug, Default)]
pub struct Shape {
    pub without_mail: u64,
    pub absent: u64,
    pub named: u64,
    pub hosts: usize,
    pub addresses: usize,
    pub endpoints: usize,
}

pub fn shape(settings: &Settings) -> Shape {
    let mut shape = Shape::default();
    let mut hosts = HashSet::new();
    let mut addresses = HashSet::new();
    let mut endpoints = HashSet::new();
    for domain in 0..settings.domains {
        match taker(domain) {
            Taker::Nobody => shape.without_mail += 1,
            Taker::Absent => shape.absent += 1,
            taker => {
                for host in hosts_of(taker, domain) {
                    hosts.insert(host);
                    for ip in addresses_of(host) {
                        shape.named += 1;
                        addresses.insert(ip);
                        endpoints.insert((ip, host));
                    }
                }
            }
        }
    }
    shape.hosts = hosts.len();
    shape.addresses = addresses.len();
    shape.endpoints = endpoints.len();
    shape
}

/// `d17.example`.
pub fn domain_name(domain: u64) -> String {
    format!("d{domain}.example")
}

/// The number of `d17.example`.
pub fn domain_of(name: &str) -> Option<u64> {
    number(name.strip_suffix(".example")?, "d")
}

/// Who takes the mail of this domain.
pub fn taker(domain: u64) -> Taker {
    let dice = mix(domain, 1);
    let more = mix(domain, 2);
    match dice % 1000 {
        0..40 => Taker::Nobody,
        40..50 => Taker::Absent,
        // Few have most: the place is the smallest of some throws.
        50..380 => {
            let throws = [more % GIANTS, (more >> 16) % GIANTS, (more >> 32) % GIANTS];
            Taker::Giant(throws.into_iter().min().unwrap_or(0))
        }
        380..420 => Taker::Pool,
        420..650 => Taker::Small(domain / OF_ONE_SMALL),
        650..900 => Taker::Own(1),
        _ => Taker::Own(2),
    }
}

/// The hosts, best first.
pub fn hosts_of(taker: Taker, domain: u64) -> Vec<Host> {
    match taker {
        Taker::Nobody | Taker::Absent => Vec::new(),
        Taker::Giant(giant) => (0..2 + giant % 4)
            .map(|number| Host::Giant { giant, number })
            .collect(),
        Taker::Pool => vec![Host::Pool { domain }],
        Taker::Small(small) => (0..2).map(|number| Host::Small { small, number }).collect(),
        Taker::Own(count) => (0..count)
            .map(|number| Host::Own { domain, number })
            .collect(),
    }
}

/// The name of a host.
pub fn host_name(host: Host) -> String {
    match host {
        Host::Giant { giant, number } => format!("mx{number}.giant{giant}.example"),
        Host::Pool { domain } => format!("d{domain}.pool.example"),
        Host::Small { small, number } => format!("mx{number}.small{small}.example"),
        Host::Own { domain, number } => format!("mx{number}.d{domain}.example"),
    }
}

/// The host of a name.
pub fn host_of(name: &str) -> Option<Host> {
    let (first, rest) = name.strip_suffix(".example")?.split_once('.')?;
    if rest == "pool" {
        let domain = number(first, "d")?;
        return Some(Host::Pool { domain });
    }
    let number_of_host = number(first, "mx")?;
    if let Some(giant) = number(rest, "giant") {
        return Some(Host::Giant {
            giant,
            number: number_of_host,
        });
    }
    if let Some(small) = number(rest, "small") {
        return Some(Host::Small {
            small,
            number: number_of_host,
        });
    }
    Some(Host::Own {
        domain: number(rest, "d")?,
        number: number_of_host,
    })
}

/// Whether there is a host of this number.
pub fn has_host(host: Host) -> bool {
    match host {
        Host::Giant { giant, number } => giant < GIANTS && number < 2 + giant % 4,
        Host::Pool { .. } => true,
        Host::Small { number, .. } => number < 2,
        Host::Own { domain, number } => {
            matches!(taker(domain), Taker::Own(count) if number < count)
        }
    }
}

fn number(text: &str, prefix: &str) -> Option<u64> {
    text.strip_prefix(prefix)?.parse().ok()
}

/// Where a host is.
pub fn addresses_of(host: Host) -> Vec<Ipv4Addr> {
    let numbered = |n: u64| u32::try_from(n).unwrap_or(0);
    let numbers = match host {
        Host::Giant { giant, number } => {
            let first = numbered(giant * 16 + number * 2) + 1;
            vec![first, first + 1]
        }
        Host::Pool { domain } => {
            let first = mix(domain, 3) % (POOL / 2) * 2;
            vec![
                POOL_BEGINS + numbered(first),
                POOL_BEGINS + numbered(first) + 1,
            ]
        }
        Host::Small { small, number } => vec![SMALL_BEGINS + numbered(small * 2 + number)],
        Host::Own { domain, number } => vec![OWN_BEGINS + numbered(domain * 2 + number)],
    };
    numbers.into_iter().map(address).collect()
}

/// Odd, so that a number of 24 bits has its place and none is taken twice, and
/// neighbours are far from each other: a provider's hosts fill no block.
const SPREAD: u32 = 0x9e_3779;

fn address(number: u32) -> Ipv4Addr {
    let spread = number.wrapping_mul(SPREAD) & 0xff_ffff;
    let [_, a, b, c] = spread.to_be_bytes();
    Ipv4Addr::new(127, a, b, c)
}

/// What the server at this address does.
pub fn conduct(settings: &Settings, ip: Ipv4Addr) -> Conduct {
    let dice = mix(u64::from(u32::from(ip)), 5) % 1000;
    let mut above = 0;
    for (share, conduct) in [
        (settings.plain, Conduct::Plain),
        (settings.misnamed, Conduct::Misnamed),
        (settings.busy, Conduct::Busy),
        (settings.silent, Conduct::Silent),
    ] {
        above += share;
        if dice < above {
            return conduct;
        }
    }
    Conduct::Good
}

/// Whether a domain has MTA-STS.
pub fn has_sts(domain: u64) -> bool {
    mix(domain, 11) % 100 < 1
}

/// SplitMix64: the same number for the same question, in every run.
pub fn mix(number: u64, question: u64) -> u64 {
    let mut z = number
        .wrapping_add(question.wrapping_mul(0xd134_2543_de82_ef95))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
