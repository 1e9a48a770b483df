//! Where mail to a domain goes (RFC 5321, section 5.1; RFC 7505).

use std::net::IpAddr;

use hickory_proto::rr::{RData, RecordType};

use crate::attempt::Attempt;
use crate::failure::{Failure, Kind, Stage};
use crate::name::{DomainName, HostName};
use crate::observed::domain::{Addresses, Dnssec, MxAnswer, MxRecord, MxSource};
use crate::probe::dns::{Answer, Dns, presentation};

/// The most MX records that are followed. The largest real sets have some
/// two hundred.
const MOST_RECORDS: usize = 512;

/// The MX question's answer, and the hosts it leads to, in the order a sender
/// tries them.
#[derive(Debug)]
pub struct Destinations {
    pub mx: Attempt<MxAnswer>,
    pub hosts: Vec<MxRecord>,
    /// Where the domain's own name leads, if it is an alias.
    pub alias: Option<HostName>,
}

/// Asks for a domain's MX records and reads them.
pub async fn destinations(dns: &Dns, domain: &DomainName) -> Destinations {
    match dns.ask(domain.as_str(), RecordType::MX).await {
        Ok(answer) => read(&answer, domain),
        // RFC 5321, section 5.1: a temporary error is no "no MX record"; a
        // sender queues.
        Err(failure) => Destinations {
            mx: Attempt::failed(failure),
            hosts: Vec::new(),
            alias: None,
        },
    }
}

fn read(answer: &Answer, domain: &DomainName) -> Destinations {
    if answer.is_nxdomain() {
        let message = match answer.aliases.last() {
            Some(target) => format!("{domain} is an alias of {target}, which does not exist"),
            None => format!("{domain} does not exist"),
        };
        let mut failure = Failure::new(Stage::Dns, Kind::Nxdomain, message);
        failure.detail.rcode = Some("NXDOMAIN".into());
        return Destinations {
            mx: Attempt::failed(failure),
            hosts: Vec::new(),
            alias: None,
        };
    }
    let mut records: Vec<MxRecord> = answer
        .records
        .iter()
        .filter_map(|data| match data {
            RData::MX(mx) => Some(MxRecord {
                preference: mx.preference,
                host: HostName::from_dns(&presentation(&mx.exchange)),
            }),
            _ => None,
        })
        .take(MOST_RECORDS)
        .collect();
    // Lower numbers first; the sort keeps the resolver's order among equals,
    // which a sender takes at random.
    records.sort_by_key(|record| record.preference);
    records.dedup();
    let (source, hosts) = if records.is_empty() {
        // RFC 5321, section 5.1: without MX records the domain itself is the
        // host, with preference 0.
        let own = MxRecord {
            preference: 0,
            host: HostName::from(domain.clone()),
        };
        (MxSource::Implicit, vec![own])
    } else if let [only] = records.as_slice()
        && is_null(only)
    {
        // RFC 7505, section 3: a single record naming the root takes no mail.
        (MxSource::NullMx, Vec::new())
    } else {
        // RFC 7505, section 3 forbids a root beside others; the others count.
        let mut hosts: Vec<MxRecord> = Vec::new();
        for record in &records {
            // A host listed twice is one host, at its better preference.
            let known = hosts.iter().any(|host| host.host == record.host);
            if !is_null(record) && !known {
                hosts.push(record.clone());
            }
        }
        // By name among equals, so that two probes can be compared.
        hosts.sort_by(|a, b| (a.preference, &a.host).cmp(&(b.preference, &b.host)));
        (MxSource::Mx, hosts)
    };
    Destinations {
        mx: Attempt::Done(MxAnswer {
            dnssec: answer.dnssec,
            source,
            records,
        }),
        hosts,
        alias: answer.aliases.last().map(|name| HostName::from_dns(name)),
    }
}

fn is_null(record: &MxRecord) -> bool {
    record.host.as_str().is_empty()
}

/// A host's addresses, and where its name leads if it is an alias (which
/// RFC 5321, section 5.1 does not allow and senders follow).
#[derive(Debug)]
pub struct Resolved {
    pub canonical: Option<HostName>,
    pub addresses: Attempt<Addresses>,
}

/// Asks for A and AAAA of a host. Both are asked whatever families are
/// probed: a host without addresses of one family is no host without
/// addresses.
pub async fn resolve(dns: &Dns, host: &HostName) -> Resolved {
    let (v4, v6) = tokio::join!(
        dns.ask(host.as_str(), RecordType::A),
        dns.ask(host.as_str(), RecordType::AAAA)
    );
    let canonical = [&v4, &v6]
        .into_iter()
        .filter_map(|answer| answer.as_ref().ok()?.aliases.last())
        .next()
        .map(|name| HostName::from_dns(name));
    let missing = [&v4, &v6]
        .into_iter()
        .any(|answer| answer.as_ref().is_ok_and(|answer| answer.is_nxdomain()));
    // RFC 7672, section 2.2.2: both address questions count.
    let dnssec = [&v4, &v6]
        .into_iter()
        .filter_map(|answer| answer.as_ref().ok())
        .map(|answer| answer.dnssec)
        .reduce(Dnssec::weaker)
        .unwrap_or(Dnssec::Unvalidated);
    let mut list: Vec<IpAddr> = Vec::new();
    let mut partial = None;
    for answer in [v4, v6] {
        match answer {
            Ok(answer) => {
                for address in answer.records.iter().filter_map(address_of) {
                    if !list.contains(&address) {
                        list.push(address);
                    }
                }
            }
            Err(failure) => {
                partial.get_or_insert_with(|| Box::new(failure));
            }
        }
    }
    let addresses = match (list.is_empty(), missing, partial) {
        (true, true, _) => {
            let mut failure = Failure::new(Stage::Dns, Kind::Nxdomain, no_such_host(host));
            failure.detail.rcode = Some("NXDOMAIN".into());
            Attempt::failed(failure)
        }
        // None of one family while the other's question failed: it cannot be
        // said that there is none.
        (true, false, Some(failure)) => Attempt::Failed(failure),
        (_, _, partial) => Attempt::Done(Addresses {
            dnssec,
            list,
            partial,
        }),
    };
    Resolved {
        canonical,
        addresses,
    }
}

fn no_such_host(host: &HostName) -> String {
    if host.is_address() {
        format!("{host} is an address where RFC 5321, section 5.1 wants a host name")
    } else if host.is_single_label() {
        format!("{host} is a single label and does not exist as a full name")
    } else {
        format!("the host {host} does not exist")
    }
}

fn address_of(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::attempt::Attempt;
    use hickory_proto::op::ResponseCode;
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::MX;

    fn answer(records: &[(u16, &str)]) -> Answer {
        Answer {
            rcode: ResponseCode::NoError,
            dnssec: Dnssec::Unvalidated,
            aliases: Vec::new(),
            records: records
                .iter()
                .map(|(preference, host)| {
                    RData::MX(MX::new(*preference, Name::from_ascii(host).unwrap()))
                })
                .collect(),
        }
    }

    fn hosts_of(records: &[(u16, &str)]) -> (MxSource, Vec<(u16, String)>) {
        let domain = DomainName::parse("partner.example").unwrap();
        let read = read(&answer(records), &domain);
        let source = read.mx.done().unwrap().source;
        let hosts = read
            .hosts
            .iter()
            .map(|record| (record.preference, record.host.to_string()))
            .collect();
        (source, hosts)
    }

    #[test]
    fn each_kind_of_mx_set_leads_where_a_sender_would_go() {
        type World<'a> = (
            &'a str,
            &'a [(u16, &'a str)],
            MxSource,
            &'a [(u16, &'a str)],
        );
        let worlds: &[World<'_>] = &[
            (
                "mx3: no record",
                &[],
                MxSource::Implicit,
                &[(0, "partner.example")],
            ),
            (
                "mx5: the lower number first",
                &[(20, "c."), (10, "b."), (10, "a.")],
                MxSource::Mx,
                &[(10, "a"), (10, "b"), (20, "c")],
            ),
            ("mx9: null MX", &[(0, ".")], MxSource::NullMx, &[]),
            (
                "mx10: null MX beside another",
                &[(0, "."), (10, "MX1.Partner.example.")],
                MxSource::Mx,
                &[(10, "mx1.partner.example")],
            ),
            (
                "mx8: an address, a single label",
                &[(5, "192.0.2.1."), (6, "localhost.")],
                MxSource::Mx,
                &[(5, "192.0.2.1"), (6, "localhost")],
            ),
            (
                "one host at two preferences",
                &[(20, "a.example."), (10, "a.example.")],
                MxSource::Mx,
                &[(10, "a.example")],
            ),
        ];
        for (what, records, source, hosts) in worlds {
            let hosts: Vec<(u16, String)> = hosts
                .iter()
                .map(|(preference, host)| (*preference, (*host).to_owned()))
                .collect();
            assert_eq!(hosts_of(records), (*source, hosts), "{what}");
        }
    }

    #[test]
    fn mx2_a_domain_that_does_not_exist_is_a_failure() {
        let domain = DomainName::parse("nowhere.example").unwrap();
        let mut answer = answer(&[]);
        answer.rcode = ResponseCode::NXDomain;
        let read = read(&answer, &domain);
        assert_eq!(read.mx.failure().unwrap().kind, Kind::Nxdomain);
        assert!(matches!(read.mx, Attempt::Failed(_)));
        assert!(read.hosts.is_empty());
    }
}
