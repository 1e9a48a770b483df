//! What changed between observations of one domain. Pure.
//!
//! "Could not see" is never a change: each thing is compared with the newest
//! earlier observation that saw it, so that a day without an answer neither
//! hides a change nor makes one. What an observation did not ask for (a probe of
//! one host alone, no policies) is not seen by it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::attempt::Attempt;
use crate::failure::Kind;
use crate::name::HostName;
use crate::observed::domain::{Dnssec, DomainObservation, HostObservation, MxSource, StsMode};
use crate::tls::certificate::Certificate;
use crate::verdict::{self, Protection, Required, Sight, Verdict, sight_from_here};

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub kind: ChangeKind,
    /// The domain, or the host concerned.
    pub subject: String,
    /// In words; may quote hostile text: escape.
    pub before: String,
    pub after: String,
    pub direction: Direction,
    /// When the state before was seen.
    pub since: Timestamp,
}

/// What kind of thing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeKind {
    /// The level of protection.
    Protection,
    /// The MX records.
    Mx,
    /// STARTTLS does not work any more.
    StarttlsLost,
    /// STARTTLS works now.
    StarttlsGained,
    /// The highest TLS version.
    TlsVersion,
    /// The certificate.
    Certificate,
    /// The TLSA records.
    Tlsa,
    /// The MTA-STS policy or its id.
    MtaSts,
    /// Where TLS reports are sent.
    TlsRpt,
    /// Whether the MX answer is signed.
    Dnssec,
}

impl ChangeKind {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Protection => "protection",
            Self::Mx => "mx",
            Self::StarttlsLost => "starttls-lost",
            Self::StarttlsGained => "starttls-gained",
            Self::TlsVersion => "tls-version",
            Self::Certificate => "certificate",
            Self::Tlsa => "tlsa",
            Self::MtaSts => "mta-sts",
            Self::TlsRpt => "tls-rpt",
            Self::Dnssec => "dnssec",
        }
    }
}

/// Whether a change is for the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Worse,
    Better,
    /// Neither by itself.
    Other,
}

impl Direction {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Other => "other",
        }
    }

    fn of(better: bool) -> Self {
        if better { Self::Better } else { Self::Worse }
    }
}

/// An observation with its judgement as of its own time.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    pub observation: DomainObservation,
    pub verdict: Verdict,
}

impl Judged {
    /// Judges an observation as of when it was made.
    #[must_use]
    pub fn new(observation: DomainObservation) -> Self {
        let verdict = verdict::assess(&observation, observation.at, Required::Tls);
        Self {
            observation,
            verdict,
        }
    }
}

/// What is different in `now` from what `before` saw, the newest of which comes
/// first. Ordered by kind, then subject.
#[must_use]
pub fn between(before: &[Judged], now: &Judged) -> Vec<Change> {
    let mut changes = Vec::new();
    mx(before, now, &mut changes);
    for host in &now.observation.hosts {
        starttls(before, now, host, &mut changes);
        version(before, now, host, &mut changes);
        certificate(before, now, host, &mut changes);
        tlsa(before, host, &mut changes);
    }
    mta_sts(before, now, &mut changes);
    tls_rpt(before, now, &mut changes);
    protection(before, now, &mut changes);
    changes.sort_by(|a, b| (a.kind, &a.subject).cmp(&(b.kind, &b.subject)));
    changes
}

/// The newest of `before` in which `see` sees something.
fn newest<'a, T>(
    before: &'a [Judged],
    see: impl Fn(&'a Judged) -> Option<T>,
) -> Option<(Timestamp, T)> {
    before
        .iter()
        .find_map(|judged| Some((judged.observation.at, see(judged)?)))
}

fn protection(before: &[Judged], now: &Judged, changes: &mut Vec<Change>) {
    // Of a domain that was seen in part, only its parts can be compared.
    let whole = |judged: &Judged| {
        let verdict = &judged.verdict;
        (verdict.protection != Protection::Unknown
            && verdict.seen.endpoints == verdict.seen.of
            && mx_set(&judged.observation).is_some())
        .then_some(verdict.protection)
    };
    let Some(after) = whole(now) else { return };
    let Some((since, before)) = newest(before, whole) else {
        return;
    };
    if before == after {
        return;
    }
    let direction = match (rank(before), rank(after)) {
        (Some(old), Some(new)) => Direction::of(new > old),
        _ => Direction::Other,
    };
    changes.push(Change {
        kind: ChangeKind::Protection,
        subject: now.observation.domain.to_string(),
        before: before.word().into(),
        after: after.word().into(),
        direction,
        since,
    });
}

/// From worst to best; none for a domain that takes no mail.
fn rank(protection: Protection) -> Option<u8> {
    match protection {
        Protection::NoMail | Protection::Unknown => None,
        Protection::Cleartext => Some(0),
        Protection::Mixed => Some(1),
        Protection::Legacy => Some(2),
        Protection::Encrypted => Some(3),
        Protection::Authenticated => Some(4),
        Protection::Enforced => Some(5),
    }
}

/// The MX set; none where it was not asked for, or not seen.
fn mx_set(observation: &DomainObservation) -> Option<BTreeSet<(u16, &HostName)>> {
    let mx = observation.mx.done()?;
    let own = |host: &HostName| host.as_str() == observation.domain.as_str();
    // Hosts given by hand stand in the place of the MX hosts.
    let by_hand = mx.source == MxSource::Implicit
        && !(mx.records.is_empty() || mx.records.iter().all(|record| own(&record.host)));
    (!by_hand).then(|| {
        mx.records
            .iter()
            .map(|record| (record.preference, &record.host))
            .collect()
    })
}

fn mx(before: &[Judged], now: &Judged, changes: &mut Vec<Change>) {
    let Some(after) = mx_set(&now.observation) else {
        return;
    };
    let Some((since, old)) = newest(before, |judged| mx_set(&judged.observation)) else {
        return;
    };
    let subject = now.observation.domain.to_string();
    if old != after {
        changes.push(Change {
            kind: ChangeKind::Mx,
            subject: subject.clone(),
            before: set(&old),
            after: set(&after),
            direction: Direction::Other,
            since,
        });
    }
    // Only a validated answer is compared with a validated one.
    let signed = |judged: &Judged| match judged.observation.mx.done()?.dnssec {
        Dnssec::Secure => Some(true),
        Dnssec::Insecure => Some(false),
        Dnssec::Unvalidated => None,
    };
    if let Some(after) = signed(now)
        && let Some((since, old)) = newest(before, signed)
        && old != after
    {
        let word = |secure: bool| if secure { "signed" } else { "not signed" };
        changes.push(Change {
            kind: ChangeKind::Dnssec,
            subject,
            before: word(old).into(),
            after: word(after).into(),
            direction: Direction::of(after),
            since,
        });
    }
}

fn set(records: &BTreeSet<(u16, &HostName)>) -> String {
    let one = |(preference, host): &(u16, &HostName)| match host.as_str() {
        "" => format!("{preference} ."),
        host => format!("{preference} {host}"),
    };
    listed(records.iter().map(one))
}

/// A list in words, no longer than a reader bears.
fn listed(items: impl Iterator<Item = String>) -> String {
    const MOST: usize = 12;
    let items: Vec<String> = items.collect();
    match items.len() {
        0 => "none".into(),
        n if n > MOST => format!("{}, and {} more", items[..MOST].join(", "), n - MOST),
        _ => items.join(", "),
    }
}

fn host_of<'a>(judged: &'a Judged, name: &HostName) -> Option<&'a HostObservation> {
    judged
        .observation
        .hosts
        .iter()
        .find(|host| host.host == *name)
}

/// Whether TLS works, at each address that was seen.
fn tls_by_address(judged: &Judged, name: &HostName) -> Option<BTreeMap<IpAddr, bool>> {
    let host = host_of(judged, name)?;
    let seen: BTreeMap<IpAddr, bool> = host
        .endpoints
        .iter()
        .filter_map(
            |endpoint| match sight_from_here(&judged.observation, endpoint) {
                Sight::Tls(_) | Sight::Unproved { .. } => Some((endpoint.address, true)),
                Sight::NoTls { .. } => Some((endpoint.address, false)),
                Sight::NotSeen(_) => None,
            },
        )
        .collect();
    (!seen.is_empty()).then_some(seen)
}

fn starttls(before: &[Judged], now: &Judged, host: &HostObservation, changes: &mut Vec<Change>) {
    let Some(after) = tls_by_address(now, &host.host) else {
        return;
    };
    let mut turned: BTreeMap<(bool, Timestamp), Vec<IpAddr>> = BTreeMap::new();
    for (&address, &works) in &after {
        // The address itself, or where it is new the host as a whole.
        let itself = newest(before, |judged| {
            tls_by_address(judged, &host.host)?.get(&address).copied()
        });
        let whole = || {
            newest(before, |judged| {
                let seen = tls_by_address(judged, &host.host)?;
                let first = *seen.values().next()?;
                seen.values().all(|&works| works == first).then_some(first)
            })
        };
        if let Some((since, worked)) = itself.or_else(whole)
            && worked != works
        {
            turned.entry((works, since)).or_default().push(address);
        }
    }
    for ((works, since), addresses) in turned {
        let whole = addresses.len() == after.len();
        let at = if whole {
            String::new()
        } else {
            format!(" at {}", listed(addresses.iter().map(ToString::to_string)))
        };
        let word = |works: bool| if works { "TLS" } else { "no TLS" };
        changes.push(Change {
            kind: if works {
                ChangeKind::StarttlsGained
            } else {
                ChangeKind::StarttlsLost
            },
            subject: host.host.to_string(),
            before: format!("{}{at}", word(!works)),
            after: format!("{}{at}", word(works)),
            direction: Direction::of(works),
            since,
        });
    }
}

fn version(before: &[Judged], now: &Judged, host: &HostObservation, changes: &mut Vec<Change>) {
    let lowest = |judged: &Judged| {
        let host = host_of(judged, &host.host)?;
        let endpoints = host.endpoints.iter();
        endpoints
            .filter_map(|endpoint| Some(endpoint.handshake.done()?.version))
            .min()
    };
    if let Some(after) = lowest(now)
        && let Some((since, old)) = newest(before, lowest)
        && old != after
    {
        changes.push(Change {
            kind: ChangeKind::TlsVersion,
            subject: host.host.to_string(),
            before: old.name().into(),
            after: after.name().into(),
            direction: Direction::of(after > old),
            since,
        });
    }
}

/// The certificates that a host showed, by their hashes: the nodes of a pool
/// may have several.
fn leaves<'a>(judged: &'a Judged, name: &HostName) -> Option<BTreeMap<&'a str, &'a Certificate>> {
    let host = host_of(judged, name)?;
    let leaves: BTreeMap<&str, &Certificate> = host
        .endpoints
        .iter()
        .filter_map(|endpoint| endpoint.handshake.done()?.chain.first())
        .map(|leaf| (leaf.sha256.as_str(), leaf))
        .collect();
    (!leaves.is_empty()).then_some(leaves)
}

fn certificate(before: &[Judged], now: &Judged, host: &HostObservation, changes: &mut Vec<Change>) {
    let Some(after) = leaves(now, &host.host) else {
        return;
    };
    let Some((since, old)) = newest(before, |judged| leaves(judged, &host.host)) else {
        return;
    };
    // Addresses that were not seen this time may still show the old one.
    let new: Vec<&&Certificate> = after
        .iter()
        .filter(|(hash, _)| !old.contains_key(*hash))
        .map(|(_, leaf)| leaf)
        .collect();
    if new.is_empty() {
        return;
    }
    let gone = old
        .iter()
        .filter(|(hash, _)| !after.contains_key(*hash))
        .map(|(_, leaf)| *leaf);
    let gone: Vec<&Certificate> = gone.collect();
    let same_key = new
        .iter()
        .all(|leaf| old.values().any(|old| old.spki_sha256 == leaf.spki_sha256));
    let same_issuer = new
        .iter()
        .all(|leaf| old.values().any(|old| old.issuer == leaf.issuer));
    let mut notes = vec![if same_key { "same key" } else { "new key" }];
    if !same_issuer {
        notes.push("new issuer");
    }
    let old = if gone.is_empty() {
        listed(old.values().map(|leaf| describe(leaf)))
    } else {
        listed(gone.into_iter().map(describe))
    };
    changes.push(Change {
        kind: ChangeKind::Certificate,
        subject: host.host.to_string(),
        before: old,
        after: format!(
            "{} ({})",
            listed(new.iter().map(|leaf| describe(leaf))),
            notes.join(", ")
        ),
        direction: Direction::Other,
        since,
    });
}

fn describe(leaf: &Certificate) -> String {
    let until = leaf.not_after.map_or_else(
        || "no date".to_owned(),
        |until| until.to_zoned(TimeZone::UTC).date().to_string(),
    );
    let issuer: String = leaf.issuer.chars().take(60).collect();
    format!("by {issuer} until {until}")
}

fn tlsa(before: &[Judged], host: &HostObservation, changes: &mut Vec<Change>) {
    type Records = BTreeSet<(u8, u8, u8, Vec<u8>)>;
    fn see(host: &HostObservation) -> Option<Records> {
        let tlsa = host.tlsa.done()?;
        Some(
            tlsa.records
                .iter()
                .map(|r| (r.usage, r.selector, r.matching, r.data.clone()))
                .collect(),
        )
    }
    let Some(after) = see(host) else { return };
    let Some((since, old)) = newest(before, |judged| see(host_of(judged, &host.host)?)) else {
        return;
    };
    if old == after {
        return;
    }
    let words = |records: &Records| {
        listed(records.iter().map(|(usage, selector, matching, data)| {
            let head: String = data.iter().take(4).map(|o| format!("{o:02x}")).collect();
            format!("{usage} {selector} {matching} {head}...")
        }))
    };
    changes.push(Change {
        kind: ChangeKind::Tlsa,
        subject: host.host.to_string(),
        before: words(&old),
        after: words(&after),
        direction: match (old.is_empty(), after.is_empty()) {
            (true, false) => Direction::Better,
            (false, true) => Direction::Worse,
            _ => Direction::Other,
        },
        since,
    });
}

fn mode_word(mode: StsMode) -> &'static str {
    match mode {
        StsMode::Enforce => "enforce",
        StsMode::Testing => "testing",
        StsMode::None => "mode none",
    }
}

/// What a sender would find of MTA-STS.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sts {
    id: Option<String>,
    mode: Option<StsMode>,
    mx: Vec<String>,
}

fn sts(judged: &Judged) -> Option<Sts> {
    let sts = &judged.observation.mta_sts;
    let id = match &sts.record {
        Attempt::Done(record) => record.id.clone(),
        Attempt::Failed(failure) if is_absent(failure.kind) => None,
        Attempt::Failed(_) | Attempt::Skipped(_) => return None,
    };
    // Without a record no sender looks for a policy (RFC 8461, section 3.1);
    // a policy that could not be fetched today is not one that is gone.
    let policy = match (&id, &sts.policy) {
        (None, _) => None,
        (Some(_), Attempt::Done(policy)) => Some(policy),
        (Some(_), _) => return None,
    };
    let mut mx = policy.map(|policy| policy.mx.clone()).unwrap_or_default();
    mx.sort();
    Some(Sts {
        id,
        mode: policy.map(|policy| policy.mode),
        mx,
    })
}

fn is_absent(kind: Kind) -> bool {
    matches!(kind, Kind::Nxdomain | Kind::NoData)
}

fn mta_sts(before: &[Judged], now: &Judged, changes: &mut Vec<Change>) {
    let Some(after) = sts(now) else { return };
    let Some((since, old)) = newest(before, sts) else {
        return;
    };
    if old == after {
        return;
    }
    let same_but_id = old.mode == after.mode && old.mx == after.mx;
    let words = |sts: &Sts, with_mx: bool| match (sts.mode, &sts.id) {
        (Some(mode), Some(id)) if with_mx => {
            format!(
                "{}, id {id}, mx {}",
                mode_word(mode),
                listed(sts.mx.iter().cloned())
            )
        }
        (Some(mode), Some(id)) => format!("{}, id {id}", mode_word(mode)),
        _ => "none".into(),
    };
    let with_mx = old.mx != after.mx && old.mode.is_some() && after.mode.is_some();
    let strength = |sts: &Sts| match sts.mode {
        Some(StsMode::Enforce) => 2,
        Some(StsMode::Testing) => 1,
        Some(StsMode::None) | None => 0,
    };
    let direction = match strength(&after).cmp(&strength(&old)) {
        _ if same_but_id => Direction::Other,
        std::cmp::Ordering::Less => Direction::Worse,
        std::cmp::Ordering::Greater => Direction::Better,
        std::cmp::Ordering::Equal => Direction::Other,
    };
    changes.push(Change {
        kind: ChangeKind::MtaSts,
        subject: now.observation.domain.to_string(),
        before: words(&old, with_mx),
        after: words(&after, with_mx),
        direction,
        since,
    });
}

fn tls_rpt(before: &[Judged], now: &Judged, changes: &mut Vec<Change>) {
    let see = |judged: &Judged| match &judged.observation.tls_rpt {
        Attempt::Done(record) => {
            let mut rua = record.rua.clone();
            rua.sort();
            Some(rua)
        }
        Attempt::Failed(failure) if is_absent(failure.kind) => Some(Vec::new()),
        Attempt::Failed(_) | Attempt::Skipped(_) => None,
    };
    if let Some(after) = see(now)
        && let Some((since, old)) = newest(before, see)
        && old != after
    {
        changes.push(Change {
            kind: ChangeKind::TlsRpt,
            subject: now.observation.domain.to_string(),
            before: listed(old.into_iter()),
            after: listed(after.into_iter()),
            direction: Direction::Other,
            since,
        });
    }
}
