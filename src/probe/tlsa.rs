//! The TLSA records of a host: whether to ask for them, at which names, and
//! what of the answers counts (RFC 7672, sections 2.1 and 2.2).
//!
//! Entry points: [`find`], then [`check`] for what a conversation with the host
//! needs. A failed question is a failure and never "none" (RFC 7672,
//! section 2.1.2).

use hickory_proto::rr::{RData, RecordType};

use crate::attempt::{Attempt, Because};
use crate::dane::base::{self, AddressAnswer, Candidates, NextHop, Status};
use crate::dane::tlsa::Record;
use crate::failure::Stage;
use crate::name::HostName;
use crate::observed::domain::{Dnssec, HostObservation, Tlsa, TlsaRecord};
use crate::probe::dns::{Answer, Dns};
use crate::probe::mx::Resolved;

/// The most records of one host that are taken. Real sets have up to ten.
const MOST_RECORDS: usize = 100;

/// What a conversation holds a certificate against.
#[derive(Debug, Clone)]
pub struct Check {
    /// The name to indicate (RFC 7672, section 8.1).
    pub base: HostName,
    pub records: Vec<Record>,
    /// The names a certificate may hold under usage 2.
    pub names: Vec<HostName>,
}

/// Looks for the TLSA records of a host whose addresses are known.
pub async fn find(dns: &Dns, host: &HostName, resolved: &Resolved, port: u16) -> Attempt<Tlsa> {
    let addresses = match &resolved.addresses {
        Attempt::Done(addresses) => addresses,
        Attempt::Failed(_) => return Attempt::Skipped(Because::After(Stage::Dns)),
        Attempt::Skipped(because) => return Attempt::Skipped(*because),
    };
    let Some(status) = status(addresses.dnssec) else {
        // Nothing could be made of what is found.
        return Attempt::Skipped(Because::NotAsked);
    };
    let answer = match &resolved.canonical {
        _ if addresses.list.is_empty() => AddressAnswer::NotFound,
        Some(canonical) => AddressAnswer::Alias {
            canonical: canonical.clone(),
            status,
        },
        None => AddressAnswer::Direct(status),
    };
    let mut candidates = base::candidates(host, &answer);
    if candidates == Candidates::AskCname {
        candidates = match dns.ask(host.as_str(), RecordType::CNAME).await {
            Ok(answer) => match self::status(answer.dnssec) {
                Some(status) => base::after_cname(host, status),
                None => return Attempt::Skipped(Because::NotAsked),
            },
            Err(failure) => return Attempt::failed(failure),
        };
    }
    match candidates {
        Candidates::Ask(bases) => ask(dns, &bases, port).await,
        Candidates::AddressInsecure | Candidates::AskCname => {
            Attempt::Skipped(Because::AddressInsecure)
        }
        Candidates::Literal | Candidates::Unreachable => Attempt::Skipped(Because::NotAsked),
    }
}

/// Asks at each base domain until one has a secure set.
async fn ask(dns: &Dns, bases: &[HostName], port: u16) -> Attempt<Tlsa> {
    let mut best: Option<Tlsa> = None;
    for base in bases {
        let Some(owner) = base::owner(base, port) else {
            continue;
        };
        let found = match dns.ask(&owner, RecordType::TLSA).await {
            Ok(answer) => read(&answer, base),
            Err(failure) => return Attempt::failed(failure),
        };
        if found.dnssec == Dnssec::Secure && !found.records.is_empty() {
            return Attempt::Done(found);
        }
        if best
            .as_ref()
            .is_none_or(|best| best.records.is_empty() && !found.records.is_empty())
        {
            best = Some(found);
        }
    }
    best.map_or(Attempt::Skipped(Because::NotAsked), Attempt::Done)
}

fn read(answer: &Answer, base: &HostName) -> Tlsa {
    let records = answer
        .records
        .iter()
        .filter_map(|data| match data {
            RData::TLSA(tlsa) => Some(Record {
                usage: tlsa.cert_usage.into(),
                selector: tlsa.selector.into(),
                matching: tlsa.matching.into(),
                data: tlsa.cert_data.clone(),
            }),
            _ => None,
        })
        .take(MOST_RECORDS)
        .map(TlsaRecord::from)
        .collect();
    Tlsa {
        dnssec: answer.dnssec,
        base_domain: base.to_string(),
        records,
    }
}

/// What a conversation with the host has to check: nothing where its records
/// do not bind.
#[must_use]
pub fn check(host: &HostObservation, next_hop: Option<&NextHop>) -> Option<Check> {
    let tlsa = host.tlsa.done()?;
    if tlsa.dnssec != Dnssec::Secure || tlsa.records.is_empty() {
        return None;
    }
    let base = HostName::from_dns(&tlsa.base_domain);
    Some(Check {
        names: base::reference_names(&base, next_hop),
        base,
        records: tlsa.records.iter().map(TlsaRecord::record).collect(),
    })
}

/// What DANE makes of a status; nothing of an answer that nobody validated.
#[must_use]
pub fn status(dnssec: Dnssec) -> Option<Status> {
    match dnssec {
        Dnssec::Secure => Some(Status::Secure),
        Dnssec::Insecure => Some(Status::Insecure),
        Dnssec::Unvalidated => None,
    }
}
