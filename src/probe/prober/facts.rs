//! What is written down about a run before anybody is talked to: who asks,
//! through which resolver, about which name.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::attempt::{Attempt, Because};
use crate::name::DomainName;
use crate::observed::domain::{
    Client, DomainObservation, MtaSts, ResolverFacts, ResolverPath, ValidatedBy,
};
use crate::probe::options::DnssecTrust;
use crate::tls::parameters::TlsVersion;

use super::Inner;
use super::plan::is_loopback;

impl Inner {
    pub(super) fn blank(&self, input: String, domain: DomainName) -> DomainObservation {
        DomainObservation {
            input,
            domain,
            at: self.options.clock.now(),
            duration: Duration::ZERO,
            connections: 0,
            client: Client {
                ehlo: self.ehlo_for(None).unwrap_or_default().to_owned(),
                address: None,
                tls: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            },
            control: Attempt::Skipped(Because::NotAsked),
            resolver: resolver_facts(self.dns.servers().first().copied()),
            mx: Attempt::Skipped(Because::NotAsked),
            mta_sts: MtaSts {
                record: Attempt::Skipped(Because::NotAsked),
                policy: Attempt::Skipped(Because::NotAsked),
            },
            tls_rpt: Attempt::Skipped(Because::NotAsked),
            hosts: Vec::new(),
        }
    }

    /// The resolver, with what its test showed.
    pub(super) async fn resolver(&self) -> ResolverFacts {
        let (server, validates) = self.dns.first().await;
        let by_ad = match self.options.dnssec {
            DnssecTrust::Auto => validates == Some(true),
            DnssecTrust::Ad => true,
            DnssecTrust::Off => false,
        };
        ResolverFacts {
            validates,
            by: if by_ad {
                ValidatedBy::Ad
            } else {
                ValidatedBy::None
            },
            ..resolver_facts(server)
        }
    }
}

/// A resolver that nothing but the address is known of.
pub(super) fn resolver_facts(server: Option<SocketAddr>) -> ResolverFacts {
    ResolverFacts {
        address: server.map_or_else(String::new, |server| server.to_string()),
        path: match server {
            Some(server) if is_loopback(server.ip()) => ResolverPath::Loopback,
            _ => ResolverPath::Plain,
        },
        validates: None,
        by: ValidatedBy::None,
    }
}

/// RFC 1035, section 3.5, and RFC 3596, section 2.5; `invalid` (RFC 6761)
/// where there is no address either.
pub(super) fn reverse_name(address: Option<IpAddr>) -> DomainName {
    let name = match address {
        Some(IpAddr::V4(v4)) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Some(IpAddr::V6(v6)) => {
            let nibbles: String = v6
                .octets()
                .iter()
                .rev()
                .map(|octet| format!("{:x}.{:x}.", octet & 0xf, octet >> 4))
                .collect();
            format!("{nibbles}ip6.arpa")
        }
        None => "invalid".to_owned(),
    };
    DomainName::parse(&name).expect("digits and known labels make a name")
}
