//! Which endpoints a domain has, and which of them are talked to.
//!
//! Entry points: [`Inner::plan`] for what is to be dialled, by address, and
//! [`takes_mail`] for whether there is anything to dial at all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::attempt::{Attempt, Because};
use crate::dane::base::NextHop;
use crate::failure::Stage;
use crate::name::{DomainName, HostName};
use crate::observed::domain::{Dnssec, HostObservation, MxAnswer, MxRecord, MxSource};
use crate::probe::endpoint;
use crate::probe::mx::Destinations;
use crate::probe::net::is_public;
use crate::probe::options::{Families, SMTP_PORT, Service};
use crate::probe::tlsa::{self, Check};

use super::{Inner, MOST_ENDPOINTS};

/// A host and one of its endpoints, by their places in the observation.
pub(super) type Place = (usize, usize);

/// An endpoint, the name it is asked by, and what its certificate must be.
pub(super) type Visit = (Place, Option<HostName>, Option<Check>);

/// An address, and the endpoints on it.
pub(super) type Visits = (IpAddr, Vec<Visit>);

impl Inner {
    /// Lists the endpoints of all hosts, and which are to be talked to, each
    /// address once for every host on it.
    pub(super) fn plan(
        &self,
        hosts: &mut [HostObservation],
        next_hop: Option<&NextHop>,
        loopback_is_meant: bool,
    ) -> Vec<Visits> {
        let mut calls: Vec<Visits> = Vec::new();
        let mut places: HashMap<IpAddr, usize> = HashMap::new();
        let mut planned = 0;
        for (at, host) in hosts.iter_mut().enumerate() {
            let addresses = host.addresses.done();
            let list = addresses.map_or_else(Vec::new, |addresses| addresses.list.clone());
            let check = tlsa::check(host, next_hop);
            for address in list {
                let because = self
                    .not_to_be_dialled(&host.host, address, loopback_is_meant)
                    .or((planned >= MOST_ENDPOINTS).then_some(Because::TooManyEndpoints));
                let place = (at, host.endpoints.len());
                host.endpoints.push(Arc::new(endpoint::skipped(
                    address,
                    self.options.port,
                    because.unwrap_or(Because::NotAsked),
                )));
                if because.is_some() {
                    continue;
                }
                planned += 1;
                let call = *places.entry(address).or_insert_with(|| {
                    calls.push((address, Vec::new()));
                    calls.len() - 1
                });
                let name = (!host.host.is_address()).then(|| host.host.clone());
                calls[call].1.push((place, name, check.clone()));
            }
        }
        calls
    }

    pub(super) fn not_to_be_dialled(
        &self,
        host: &HostName,
        address: IpAddr,
        loopback_is_meant: bool,
    ) -> Option<Because> {
        let unwanted = match self.options.families {
            Families::Both => false,
            Families::V4 => address.is_ipv6(),
            Families::V6 => address.is_ipv4(),
        };
        if unwanted {
            return Some(Because::NotAsked);
        }
        // A domain that names this machine as its host, by mistake or not,
        // would have our own mail server judged for its own.
        let here = host.as_str() == "localhost" || is_loopback(address);
        let nowhere = address.is_unspecified()
            || address.is_multicast()
            || address == IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
        let refused = nowhere
            || (self.options.public_only && !is_public(address))
            || (here && !loopback_is_meant);
        refused.then_some(Because::AddressNotPublic)
    }

    /// Whether the options point to this machine: a test, not the Internet.
    pub(super) fn points_here(&self) -> bool {
        (self.options.port != SMTP_PORT && Service::of_port(self.options.port) == Service::Relay)
            || self
                .options
                .resolvers
                .iter()
                .any(crate::probe::dns::Resolver::is_test_set_up)
    }

    pub(super) fn host(&self, record: &MxRecord) -> HostObservation {
        HostObservation {
            host: record.host.clone(),
            preference: record.preference,
            canonical: None,
            addresses: Attempt::Skipped(Because::NotAsked),
            tlsa: Attempt::Skipped(Because::NotAsked),
            mta_sts_listed: None,
            endpoints: Vec::new(),
        }
    }

    pub(super) fn given_hosts(&self) -> Destinations {
        let records: Vec<MxRecord> = self
            .options
            .mx
            .iter()
            .map(|host| MxRecord {
                preference: 0,
                host: host.clone(),
            })
            .collect();
        Destinations {
            mx: Attempt::Done(MxAnswer {
                dnssec: Dnssec::Unvalidated,
                source: MxSource::Implicit,
                records: records.clone(),
            }),
            hosts: records,
            alias: None,
        }
    }
}

/// Whether there is mail that a policy could be about; if not, why.
pub(super) fn takes_mail(mx: &Attempt<MxAnswer>) -> Result<(), Because> {
    match mx {
        Attempt::Done(mx) if mx.source == MxSource::NullMx => Err(Because::NoMail),
        Attempt::Done(_) => Ok(()),
        Attempt::Failed(_) => Err(Because::After(Stage::Dns)),
        Attempt::Skipped(because) => Err(*because),
    }
}

/// The domain as DANE sees it: its name may stand in a certificate under
/// usage 2 (RFC 7672, section 3.2.2), if the way from it to the host is signed.
pub(super) fn next_hop(
    domain: &DomainName,
    alias: Option<HostName>,
    mx: &Attempt<MxAnswer>,
) -> Option<NextHop> {
    Some(NextHop {
        domain: HostName::from(domain.clone()),
        canonical: alias,
        mx: tlsa::status(mx.done()?.dnssec)?,
    })
}

pub(super) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
