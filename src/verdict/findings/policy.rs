//! What DANE and MTA-STS say of one host.

use super::{List, listed, said};
use crate::attempt::Attempt;
use crate::dane::base::{self, NextHop, Status};
use crate::dane::tlsa::{Record, ready_to_publish};
use crate::dane::verify::{Advice, verify};
use crate::finding::{Code, Finding, Severity};
use crate::name::HostName;
use crate::observed::domain::{Dnssec, StsMode, Tlsa, TlsaRecord};
use crate::tls::handshake::Handshake;
use crate::verdict::assess::{Scene, SeenHost};
use crate::verdict::policies::usable_tlsa;
use crate::verdict::protection::mx_dnssec;

/// What the domain's policies say of a host.
pub(super) fn of(scene: &Scene<'_>, place: usize, host: &SeenHost<'_>, list: &mut List) {
    dane(scene, place, host, list);
    common_name(scene, place, host, list);
    let name = host.host.host.as_str();
    if host.host.mta_sts_listed == Some(false)
        && let Some(policy) = scene.observation.mta_sts.policy.done()
        && policy.mode != StsMode::None
    {
        let patterns = listed(policy.mx.iter().map(|mx| format!("\"mx: {mx}\"")));
        let mut finding = Finding::new(
            Code::StsMxNotListed,
            format!("the MTA-STS policy does not list {name}"),
            format!(
                "policy {patterns}; DNS \"MX {} {name}\"",
                host.host.preference
            ),
        );
        if policy.mode == StsMode::Testing {
            finding.severity = Severity::Warning;
        }
        list.add(place, finding);
    }
}

/// RFC 8461, section 4.2 wants a dNSName, where others take a common name.
fn common_name(scene: &Scene<'_>, place: usize, host: &SeenHost<'_>, list: &mut List) {
    let policy = scene.observation.mta_sts.policy.done();
    let by_policy = policy.is_some_and(|policy| policy.mode != StsMode::None);
    let only = host.handshakes().any(|handshake| {
        handshake.identity.is_done() && handshake.chain.first().is_some_and(|c| c.common_name_only)
    });
    if !by_policy || !only {
        return;
    }
    let name = host.host.host.as_str();
    let mut finding = Finding::new(
        Code::CertificateHostMismatch,
        format!("{name}'s certificate has its name as common name only"),
        "no dNSName in subjectAltName".to_owned(),
    );
    finding.means = "Senders that follow the domain's MTA-STS policy do not take a common name, \
                     and leave this host out."
        .to_owned();
    list.add(place, finding);
}

/// The record for the key that the host shows, ready to publish.
pub(super) fn ready(host: &SeenHost<'_>) -> Option<String> {
    let leaf = host.handshakes().next()?.chain.first()?;
    let base = match &host.host.tlsa {
        Attempt::Done(tlsa) => HostName::from_dns(&tlsa.base_domain),
        Attempt::Failed(_) | Attempt::Skipped(_) => host.host.host.clone(),
    };
    let port = host.sights.first()?.0.port;
    let owner = base::owner(&base, port)?;
    (!leaf.spki_sha256.is_empty()).then(|| ready_to_publish(&owner, &leaf.spki_sha256))
}

fn dane(scene: &Scene<'_>, place: usize, host: &SeenHost<'_>, list: &mut List) {
    let name = host.host.host.as_str();
    if let Some(failure) = host.host.tlsa.failure() {
        let code = Code::of(failure.kind);
        let mut finding = Finding::new(
            code,
            format!("the TLSA records of {name} could not be looked up"),
            said(failure),
        );
        // RFC 7672, section 2.1.2.
        finding.means = "Senders that follow DANE leave this host out and try the next, or keep \
                         the mail: a failed question is not the answer \"none\"."
            .to_owned();
        list.add(place, finding);
    }
    let Attempt::Done(tlsa) = &host.host.tlsa else {
        return;
    };
    if tlsa.dnssec != Dnssec::Secure {
        return;
    }
    if tlsa.records.is_empty() {
        missing(scene, place, host, list);
        return;
    }
    let records: Vec<Record> = tlsa.records.iter().map(TlsaRecord::record).collect();
    if usable_tlsa(host.host).is_none() {
        let mut finding = Finding::new(
            Code::TlsaUnusable,
            format!("none of the TLSA records of {name} can be used"),
            listed(records.iter().filter_map(|record| {
                let why = record.usability().err()?;
                Some(format!("{}: {why}", record.parameters()))
            })),
        );
        if let Some(record) = ready(host) {
            finding.fix = Some(format!("publish {record}"));
        }
        list.add(place, finding);
        return;
    }
    if mx_dnssec(scene.observation) == Some(Dnssec::Insecure) {
        // RFC 7672, section 2.2.1.
        let mut finding = Finding::new(
            Code::TlsaFragile,
            format!("{name} has signed TLSA records, and the MX records that lead to it are not"),
            "the MX answer is insecure".to_owned(),
        );
        finding.means = "Senders may use the records, but whoever forges the MX answer leads them \
                         elsewhere."
            .to_owned();
        finding.fix = Some("sign the domain's own zone too".to_owned());
        list.add(place, finding);
    }
    for words in advice(scene, host, tlsa, &records) {
        list.add(
            place,
            Finding::new(
                Code::TlsaFragile,
                format!("the TLSA records of {name} are fragile"),
                words,
            ),
        );
    }
}

/// A signed zone without TLSA records.
fn missing(scene: &Scene<'_>, place: usize, host: &SeenHost<'_>, list: &mut List) {
    if mx_dnssec(scene.observation) != Some(Dnssec::Secure) {
        return;
    }
    let Some(record) = ready(host) else {
        return;
    };
    let mut finding = Finding::new(
        Code::TlsaMissing,
        format!(
            "{} is in a signed zone and has no TLSA record",
            host.host.host
        ),
        "MX, address and the denial of TLSA are signed",
    );
    finding.fix = Some(format!("publish {record}"));
    list.add(place, finding);
}

/// What the publisher should know, each thing once for all addresses.
fn advice(scene: &Scene<'_>, host: &SeenHost<'_>, tlsa: &Tlsa, records: &[Record]) -> Vec<String> {
    let next_hop = NextHop {
        domain: HostName::from(scene.observation.domain.clone()),
        canonical: None,
        mx: match mx_dnssec(scene.observation) {
            Some(Dnssec::Secure) => Status::Secure,
            _ => Status::Insecure,
        },
    };
    let names = base::reference_names(&HostName::from_dns(&tlsa.base_domain), Some(&next_hop));
    let mut all: Vec<String> = Vec::new();
    for handshake in host.handshakes().filter(|h| h.dane.is_done()) {
        for words in of_chain(handshake, records, &names, scene) {
            if !all.contains(&words) {
                all.push(words);
            }
        }
    }
    all
}

fn of_chain(
    handshake: &Handshake,
    records: &[Record],
    names: &[HostName],
    scene: &Scene<'_>,
) -> Vec<String> {
    let found = verify(records, &handshake.chain, names, scene.at);
    let named = |place: usize| {
        records
            .get(place)
            .map_or_else(String::new, |record| format!("\"{}\"", brief(record)))
    };
    found
        .advice
        .iter()
        .filter_map(|advice| {
            Some(match *advice {
                // Publishing the next key beside the present one is right
                // (RFC 7671, section 8.1).
                Advice::OtherKey(_) => return None,
                Advice::CombinationUnmatched(m) => format!(
                    "no record with {} {} {} names what the host shows, though others do: \
                     senders that know only this form fail",
                    m.usage, m.selector, m.matching
                ),
                Advice::OnlyWeakerDigest(n) => format!(
                    "{} matches, and the stronger digest beside it, which senders prefer, does not",
                    named(n)
                ),
                Advice::FullData(n) => {
                    format!(
                        "{} holds the whole key or certificate, not a digest",
                        named(n)
                    )
                }
                Advice::AnchorNotSent(n) => format!(
                    "the trust anchor of {} stands in the DNS alone; many senders want it from \
                     the server",
                    named(n)
                ),
                Advice::AnchorByKey(n) => {
                    format!(
                        "{} names a trust anchor by its key: selector 0 is safer",
                        named(n)
                    )
                }
                Advice::PkixUsage(n) => {
                    format!(
                        "{} has a usage that is not for mail between servers",
                        named(n)
                    )
                }
                Advice::Broken(n) => format!("{} can be used by nobody", named(n)),
            })
        })
        .collect()
}

/// The record, its data cut.
fn brief(record: &Record) -> String {
    let text = record.to_string();
    match text.char_indices().nth(30) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
