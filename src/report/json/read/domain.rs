//! A domain's mail service, as a report tells of it.

use std::sync::Arc;
use std::time::Duration;

use crate::dane::tlsa::Record;
use crate::mta_sts::pattern::Pattern;
use crate::mta_sts::policy::{Advisory, MediaType};
use crate::name::{DomainName, HostName};
use crate::observed::domain as inner;
use crate::report::json::domain as twin;
use crate::report::json::read::attempt::{attempt, failure};
use crate::report::json::read::endpoint::{endpoint, version};
use crate::report::json::read::{Read, ReadError, Within as _, address, each, time};

/// The observation that a report was written from.
pub fn observation(report: &twin::DomainReport) -> Read<inner::DomainObservation> {
    let domain = DomainName::parse(&report.domain)
        .map_err(|why| ReadError::new(format!("{:?} is no domain: {why}", report.domain)))
        .within("domain")?;
    observed(report, domain).within("observed")
}

fn observed(report: &twin::DomainReport, domain: DomainName) -> Read<inner::DomainObservation> {
    let o = &report.observed;
    Ok(inner::DomainObservation {
        input: report.input.clone(),
        domain,
        at: time(&o.at).within("at")?,
        duration: Duration::from_millis(o.duration_ms),
        connections: o.connections,
        client: inner::Client {
            ehlo: o.client.ehlo.clone(),
            address: o
                .client
                .address
                .as_deref()
                .map(address)
                .transpose()
                .within("client.address")?,
            proxy: o.client.proxy.clone(),
            tls: each(&o.client.tls, |name| version(name)).within("client.tls")?,
        },
        control: attempt(&o.control, |control| {
            Ok(inner::Control {
                host: control.host.clone(),
                address: address(&control.address).within("address")?,
            })
        })
        .within("control")?,
        resolver: inner::ResolverFacts {
            address: o.resolver.address.clone(),
            path: o.resolver.path.into(),
            validates: o.resolver.validates,
            because: o.resolver.because.clone(),
            by: o.resolver.by.into(),
        },
        mx: attempt(&o.mx, |mx| Ok(mail_exchange(mx))).within("mx")?,
        mta_sts: inner::MtaSts {
            record: attempt(&o.mta_sts.record, |record| {
                Ok(inner::StsRecord {
                    txt: record.txt.clone(),
                    id: record.id.clone(),
                })
            })
            .within("mta_sts.record")?,
            policy: attempt(&o.mta_sts.policy, sts_policy).within("mta_sts.policy")?,
        },
        tls_rpt: attempt(&o.tls_rpt, |record| {
            Ok(inner::TlsRpt {
                txt: record.txt.clone(),
                rua: record.rua.clone(),
            })
        })
        .within("tls_rpt")?,
        hosts: each(&o.hosts, host).within("hosts")?,
    })
}

fn mail_exchange(mx: &twin::Mx) -> inner::MxAnswer {
    inner::MxAnswer {
        dnssec: mx.dnssec.into(),
        source: mx.source.into(),
        records: mx
            .records
            .iter()
            .map(|record| inner::MxRecord {
                preference: record.preference,
                host: host_name(&record.host),
            })
            .collect(),
    }
}

/// A name that stands as the DNS had it. It lost its final dot when it was
/// written, so one is given to be lost again: what else ends in a dot keeps it.
fn host_name(text: &str) -> HostName {
    HostName::from_dns(&format!("{text}."))
}

fn sts_policy(policy: &twin::StsPolicy) -> Read<inner::StsPolicy> {
    Ok(inner::StsPolicy {
        mode: policy.mode.into(),
        max_age: policy.max_age,
        mx: policy.mx.clone(),
        unmatched_hosts: policy.unmatched_hosts.clone(),
        unmatched_patterns: policy.unmatched_patterns.clone(),
        advisories: each(&policy.advisories, advisory).within("advisories")?,
        media_type: match policy.media_type.as_deref() {
            None => MediaType::Missing,
            Some("text/plain") => MediaType::Plain,
            Some(other) => MediaType::Other(other.to_owned()),
        },
    })
}

fn advisory(advisory: &twin::StsAdvisory) -> Read<Advisory> {
    let lacks = |field: &str| ReadError::new(format!("{:?} lacks `{field}`", advisory.kind));
    let line = || advisory.line.ok_or_else(|| lacks("line"));
    let text = || advisory.text.clone().ok_or_else(|| lacks("text"));
    let seconds = || {
        text()?
            .parse()
            .map_err(|_| ReadError::new("this is no number of seconds").within("text"))
    };
    let pattern = || {
        Pattern::parse(&text()?)
            .map_err(|why| ReadError::new(format!("this is no pattern: {why}")).within("text"))
    };
    Ok(match advisory.kind.as_str() {
        "blank-line" => Advisory::BlankLine(line()?),
        "duplicate" => Advisory::Duplicate {
            line: line()?,
            key: text()?,
        },
        "key-case" => Advisory::KeyCase {
            line: line()?,
            key: text()?,
        },
        "max-age-too-large" => Advisory::MaxAgeTooLarge(seconds()?),
        "max-age-under-a-day" => Advisory::MaxAgeUnderADay(seconds()?),
        "max-age-under-a-week" => Advisory::MaxAgeUnderAWeek(seconds()?),
        "mx-twice" => Advisory::MxTwice(pattern()?),
        "mx-public-suffix" => Advisory::MxPublicSuffix(pattern()?),
        "mx-without-mode" => Advisory::MxWithoutMode,
        other => {
            return Err(ReadError::new(format!(
                "{other:?} is not known (a newer starttrace may know it)"
            ))
            .within("kind"));
        }
    })
}

fn host(host: &twin::Host) -> Read<inner::HostObservation> {
    Ok(inner::HostObservation {
        host: host_name(&host.host),
        preference: host.preference,
        canonical: host.canonical.as_deref().map(host_name),
        addresses: attempt(&host.addresses, addresses).within("addresses")?,
        tlsa: attempt(&host.tlsa, tlsa).within("tlsa")?,
        mta_sts_listed: host.mta_sts_listed,
        endpoints: each(&host.endpoints, |one| endpoint(one).map(Arc::new)).within("endpoints")?,
    })
}

fn addresses(addresses: &twin::Addresses) -> Read<inner::Addresses> {
    Ok(inner::Addresses {
        dnssec: addresses.dnssec.into(),
        list: each(&addresses.list, |ip| address(ip)).within("list")?,
        partial: addresses
            .partial
            .as_ref()
            .map(|partial| failure(partial).map(Box::new))
            .transpose()
            .within("partial")?,
    })
}

fn tlsa(tlsa: &twin::Tlsa) -> Read<inner::Tlsa> {
    Ok(inner::Tlsa {
        dnssec: tlsa.dnssec.into(),
        base_domain: tlsa.base_domain.clone(),
        records: each(&tlsa.records, |record| {
            let text = format!(
                "{} {} {} {}",
                record.usage, record.selector, record.matching, record.data
            );
            let read = Record::parse(&text)
                .map_err(|why| ReadError::new(format!("this is no TLSA record: {why}")))?;
            Ok(inner::TlsaRecord {
                usable: record.usable,
                ..inner::TlsaRecord::from(read)
            })
        })
        .within("records")?,
    })
}
