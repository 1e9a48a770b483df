//! What is written down about a run before anybody is talked to: who asks,
//! through which resolver, about which name.

use std::net::IpAddr;
use std::time::Duration;

use crate::attempt::{Attempt, Because};
use crate::name::DomainName;
use crate::observed::domain::{Client, DomainObservation, MtaSts};
use crate::tls::parameters::TlsVersion;

use super::Inner;

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
                proxy: self.options.proxy.as_ref().map(ToString::to_string),
                tls: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            },
            control: Attempt::Skipped(Because::NotAsked),
            resolver: self.dns.untested_facts(),
            mx: Attempt::Skipped(Because::NotAsked),
            mta_sts: MtaSts {
                record: Attempt::Skipped(Because::NotAsked),
                policy: Attempt::Skipped(Because::NotAsked),
            },
            tls_rpt: Attempt::Skipped(Because::NotAsked),
            hosts: Vec::new(),
        }
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
