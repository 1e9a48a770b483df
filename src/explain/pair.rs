//! Which hops need a probe, whom to probe for them, and which observation
//! speaks about which hop.
//!
//! A hostile message must not make this program scan someone's network:
//! names that stand only in lines below the trust boundary are never connected
//! to, one message gives at most [`Limits::max_hosts`] hosts, and a name that is
//! an address, or that the public DNS cannot hold, gives none. Whether what a
//! name resolves to may be connected to is decided by whoever connects.
//!
//! Anybody who sends mail chooses the name of his HELO, and it stands on an own
//! line: of such names, one a message is asked, and none where the same line
//! holds a looked-up name of somebody else. Of a domain in a `for` clause below
//! the boundary the MX records alone are asked for, in the DNS.
//!
//! Submission hops are not probed: what a host does on port 25 says nothing
//! of its submission ports (RFC 6409, section 3.1).

use std::collections::HashMap;
use std::net::IpAddr;

use crate::explain::MatchedBy;
use crate::name::{DomainName, HostName};
use crate::observed::domain::{DomainObservation, HostObservation};
use crate::organisation::same_organisation;
use crate::trace::chain::{Chain, Hop, Leg, Trust};
use crate::trace::evidence::TlsState;

/// How far probing for one message may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Hosts asked for one message, the MX hosts of its domains included.
    pub max_hosts: usize,
    /// Names inside networks too; addresses are the prober's to refuse.
    pub probe_private: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_hosts: 8,
            probe_private: false,
        }
    }
}

/// One thing to probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub what: Asked,
    /// Numbers of the hops it is asked for.
    pub hops: Vec<usize>,
}

/// What to probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Asked {
    /// The MX hosts of a recipient's domain.
    Domain(DomainName),
    /// The one host that a `by` clause names, whatever its MX records say.
    Host(HostName),
    /// The MX records of a domain, in the DNS alone: nobody is connected to.
    Records(DomainName),
}

/// Hosts that are asked though their name was only claimed in HELO, for one
/// message: whoever sends mail chooses that name.
const MOST_CLAIMED: usize = 1;

/// What to probe for a message, the most telling first: each recipient's
/// domain, then the hosts that wrote the lines, then the MX records by which
/// they may have been chosen. A host is to be left out where [`is_answered`]
/// says that a domain's probe has seen it.
#[must_use]
pub fn targets(chain: &Chain, limits: &Limits) -> Vec<Target> {
    let vouched = vouched_names(chain);
    let mut domains: Vec<Target> = Vec::new();
    let mut hosts: Vec<Target> = Vec::new();
    let mut records: Vec<Target> = Vec::new();
    let mut claimed: Vec<&str> = Vec::new();
    for hop in chain.hops.iter().filter(|hop| needs_probe(hop)) {
        if let Some(domain) = recipient_domain(chain, hop) {
            add(&mut domains, Asked::Domain(domain), hop.number);
        }
        let name = hop.received.by.as_ref().and_then(|by| by.host.as_deref());
        let Some(host) = name.and_then(|name| probeable_name(name, limits)) else {
            continue;
        };
        match vouched.get_key_value(host.as_str()) {
            Some((_, Voucher::Line)) => {}
            Some((name, Voucher::Claim)) => {
                if !claimed.contains(&name.as_str()) {
                    if claimed.len() >= MOST_CLAIMED {
                        continue;
                    }
                    claimed.push(name);
                }
            }
            None => continue,
        }
        // Which of a domain's hosts it is, its MX records tell.
        if hop.trusted == Trust::Below
            && let Some(domain) = line_domain(hop)
        {
            add(&mut records, Asked::Records(domain), hop.number);
        }
        add(&mut hosts, Asked::Host(host), hop.number);
    }
    records.retain(|target| match &target.what {
        Asked::Records(domain) => !domains
            .iter()
            .any(|other| other.what == Asked::Domain(domain.clone())),
        _ => true,
    });
    records.truncate(limits.max_hosts);
    domains.extend(hosts);
    domains.truncate(limits.max_hosts);
    domains.extend(records);
    domains
}

fn add(targets: &mut Vec<Target>, what: Asked, hop: usize) {
    // A chain may have thousands of hops; the distinct targets are capped by
    // the caller, and looking at the first few keeps this linear.
    const LOOKED_AT: usize = 64;
    if let Some(target) = targets
        .iter_mut()
        .take(LOOKED_AT)
        .find(|target| target.what == what)
    {
        target.hops.push(hop);
    } else if targets.len() < LOOKED_AT {
        targets.push(Target {
            what,
            hops: vec![hop],
        });
    }
}

/// Whether a probe could add anything about this hop.
#[must_use]
pub fn needs_probe(hop: &Hop) -> bool {
    hop.is_exposed()
        && hop.leg != Leg::Submission
        && matches!(hop.tls.state, TlsState::Cleartext | TlsState::Unstated)
}

/// Hosts left of the limit after these observations.
#[must_use]
pub fn hosts_left(limits: &Limits, observations: &[DomainObservation]) -> usize {
    let asked: usize = observations.iter().map(|o| o.hosts.len()).sum();
    limits.max_hosts.saturating_sub(asked)
}

/// Whether these observations hold the answer to the target already.
#[must_use]
pub fn is_answered(target: &Target, observations: &[DomainObservation]) -> bool {
    match &target.what {
        Asked::Domain(domain) | Asked::Records(domain) => {
            observations.iter().any(|o| o.domain == *domain)
        }
        Asked::Host(host) => observations
            .iter()
            .flat_map(|o| &o.hosts)
            .any(|o| is_host(o, host.as_str())),
    }
}

/// Who stands for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Voucher {
    /// A believable line: as its own writer, or as a name that it looked up.
    Line,
    /// A client in HELO, and nothing on the line confirms it.
    Claim,
}

/// Names that an own or a vouched line holds: all a probe may be sent to. A
/// HELO name that the line's own look-up contradicts is none.
fn vouched_names(chain: &Chain) -> HashMap<String, Voucher> {
    let mut names: HashMap<String, Voucher> = HashMap::new();
    let mut note = |name: &str, voucher: Voucher| {
        if let Ok(name) = HostName::parse(name) {
            let known = names.entry(name.as_str().to_owned()).or_insert(voucher);
            *known = voucher.min(*known);
        }
    };
    for hop in &chain.hops {
        if !matches!(hop.trusted, Trust::Own | Trust::Vouched) {
            continue;
        }
        if let Some(by) = hop.received.by.as_ref().and_then(|by| by.host.as_deref()) {
            note(by, Voucher::Line);
        }
        let Some(from) = hop.received.from.as_ref() else {
            continue;
        };
        let known = |name: &&str| !name.is_empty() && !name.eq_ignore_ascii_case("unknown");
        let rdns = from.rdns.as_deref().filter(known);
        if let Some(rdns) = rdns {
            note(rdns, Voucher::Line);
        }
        match (from.helo.as_deref(), rdns) {
            (Some(helo), Some(rdns)) if same_organisation(helo, rdns) => {
                note(helo, Voucher::Line);
            }
            (Some(helo), None) => note(helo, Voucher::Claim),
            _ => {}
        }
    }
    names
}

/// The domain whose MX records led to this hop: that of its `for` clause; of
/// the nearest own line that has one; of the first recipient in the header.
#[must_use]
pub fn recipient_domain(chain: &Chain, hop: &Hop) -> Option<DomainName> {
    if !matches!(hop.trusted, Trust::Own | Trust::Vouched) {
        return None;
    }
    let of = |address: &str| {
        let domain = address.rsplit_once('@')?.1;
        DomainName::parse(domain)
            .ok()
            .filter(|domain| !is_special_use(domain.as_str()) && domain.as_str().contains('.'))
    };
    let for_ = |hop: &Hop| hop.received.for_.as_ref().and_then(|piece| of(&piece.text));
    for_(hop)
        .or_else(|| {
            // Hops are numbered from 1 in order: this slice begins behind it.
            let later = chain.hops.get(hop.number..).unwrap_or_default();
            later
                .iter()
                .take(16)
                .filter(|other| other.trusted == Trust::Own)
                .find_map(for_)
        })
        .or_else(|| chain.message.to.first().and_then(|address| of(address)))
}

fn probeable_name(name: &str, limits: &Limits) -> Option<HostName> {
    let host = HostName::parse(name).ok()?;
    let public = !host.is_single_label() && !is_special_use(host.as_str());
    (public || (limits.probe_private && !host.is_address())).then_some(host)
}

/// Names the public DNS does not hold.
fn is_special_use(name: &str) -> bool {
    // RFC 6761 (localhost, invalid), RFC 6762 (local), RFC 7686 (onion),
    // RFC 8375 (home.arpa), RFC 9476 (alt); "internal" is reserved by ICANN,
    // "lan", "corp", "home" and "localdomain" are used inside networks.
    const ENDS: &[&str] = &[
        "localhost",
        "invalid",
        "local",
        "onion",
        "home.arpa",
        "alt",
        "internal",
        "lan",
        "corp",
        "home",
        "localdomain",
        "in-addr.arpa",
        "ip6.arpa",
    ];
    ENDS.iter().any(|end| {
        name == *end
            || name
                .strip_suffix(end)
                .is_some_and(|rest| rest.ends_with('.'))
    })
}

/// The place of the receiving host among the MX hosts of the domain that its
/// own line was written for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preference<'a> {
    pub observation: &'a DomainObservation,
    pub domain: &'a DomainName,
    pub of_host: u16,
    /// The preference of the hosts that senders try first.
    pub best: u16,
}

/// The receiver's place, where its MX records were seen. Who wrote the line
/// does not matter here: the records are the DNS's word, not the line's.
#[must_use]
pub fn preference<'a>(
    chain: &Chain,
    hop: &Hop,
    observations: impl IntoIterator<Item = &'a DomainObservation>,
) -> Option<Preference<'a>> {
    let domain = line_domain(hop).or_else(|| recipient_domain(chain, hop))?;
    let name = hop.received.by.as_ref()?.host.as_deref()?;
    let name = HostName::parse(name).ok()?;
    let of_domain = observations.into_iter().filter(|o| o.domain == domain);
    of_domain
        .filter_map(|observation| {
            let records = &observation.mx.done()?.records;
            let mine = records.iter().find(|record| record.host == name)?;
            let best = records.iter().map(|record| record.preference).min()?;
            Some(Preference {
                observation,
                domain: &observation.domain,
                of_host: mine.preference,
                best,
            })
        })
        .next()
}

/// The domain of the `for` clause.
fn line_domain(hop: &Hop) -> Option<DomainName> {
    let address = &hop.received.for_.as_ref()?.text;
    let domain = DomainName::parse(address.rsplit_once('@')?.1).ok()?;
    (!is_special_use(domain.as_str()) && domain.as_str().contains('.')).then_some(domain)
}

/// How an observation meets a hop.
#[derive(Debug, Clone, Copy)]
pub struct Match<'a> {
    pub matched_by: MatchedBy,
    pub observation: &'a DomainObservation,
    /// The host that wrote the line, where it could be told.
    pub host: Option<&'a HostObservation>,
    /// The address that the line names, where it could be told.
    pub address: Option<IpAddr>,
}

/// The observation that speaks about a hop: the closest match, among equals
/// the nearest in time. An observation of the recipient's domain in which the
/// receiving host does not occur comes back as [`MatchedBy::None`]: that too
/// is a fact.
#[must_use]
pub fn match_hop<'a>(
    chain: &Chain,
    hop: &Hop,
    observations: impl IntoIterator<Item = &'a DomainObservation>,
) -> Option<Match<'a>> {
    let domain = recipient_domain(chain, hop);
    let when = hop.received.date.as_ref().map(|date| date.at.timestamp());
    let distance =
        |o: &DomainObservation| when.map_or(0, |when| o.at.as_second().abs_diff(when.as_second()));
    observations
        .into_iter()
        .filter_map(|observation| match_one(hop, domain.as_ref(), observation))
        .min_by_key(|found| {
            (
                closeness(found.matched_by),
                distance(found.observation),
                // Of two with the same match, the one that saw the MX set.
                Some(&found.observation.domain) != domain.as_ref(),
            )
        })
}

/// The newest of these observations that meets the hop as closely as the
/// nearest one does.
#[must_use]
pub fn match_latest<'a>(
    chain: &Chain,
    hop: &Hop,
    nearest: &Match<'_>,
    observations: impl IntoIterator<Item = &'a DomainObservation>,
) -> Option<Match<'a>> {
    let domain = recipient_domain(chain, hop);
    observations
        .into_iter()
        .filter_map(|observation| match_one(hop, domain.as_ref(), observation))
        .filter(|found| closeness(found.matched_by) <= closeness(nearest.matched_by))
        .max_by_key(|found| found.observation.at)
}

fn closeness(matched_by: MatchedBy) -> u8 {
    match matched_by {
        MatchedBy::Address => 0,
        MatchedBy::HostName => 1,
        MatchedBy::CertificateName => 2,
        MatchedBy::Pool => 3,
        MatchedBy::MxSet => 4,
        MatchedBy::None => 5,
    }
}

fn match_one<'a>(
    hop: &Hop,
    domain: Option<&DomainName>,
    observation: &'a DomainObservation,
) -> Option<Match<'a>> {
    let by = hop.received.by.as_ref();
    let ip = by.and_then(|by| by.ip);
    let name = by
        .and_then(|by| by.host.as_deref())
        .and_then(|name| HostName::parse(name).ok());
    let found = |matched_by, host, address| {
        Some(Match {
            matched_by,
            observation,
            host,
            address,
        })
    };
    if let Some(ip) = ip
        && let Some(host) = observation
            .hosts
            .iter()
            .find(|host| host.endpoints.iter().any(|e| e.address == ip))
    {
        return found(MatchedBy::Address, Some(host), Some(ip));
    }
    if let Some(name) = &name {
        let name = name.as_str();
        let hosts = &observation.hosts;
        if let Some(host) = hosts.iter().find(|host| is_host(host, name)) {
            return found(MatchedBy::HostName, Some(host), None);
        }
        if let Some(host) = hosts.iter().find(|host| shows_name(host, name)) {
            return found(MatchedBy::CertificateName, Some(host), None);
        }
        if Some(&observation.domain) == domain
            && hosts
                .iter()
                .any(|host| same_organisation(host.host.as_str(), name))
        {
            return found(MatchedBy::Pool, None, None);
        }
    }
    // Beyond here only the recipient's own domain has anything to say.
    if Some(&observation.domain) != domain {
        return None;
    }
    let nameless = name.is_none_or(|name| name.is_single_label() || is_special_use(name.as_str()));
    if nameless && !observation.hosts.is_empty() {
        return found(MatchedBy::MxSet, None, None);
    }
    found(MatchedBy::None, None, None)
}

fn is_host(observed: &HostObservation, name: &str) -> bool {
    observed.host.as_str() == name
        || observed
            .canonical
            .as_ref()
            .is_some_and(|canonical| canonical.as_str() == name)
}

/// Whether one of the host's addresses showed a certificate with this name.
fn shows_name(observed: &HostObservation, name: &str) -> bool {
    observed
        .endpoints
        .iter()
        .filter_map(|endpoint| endpoint.handshake.done()?.chain.first())
        .flat_map(|leaf| &leaf.names)
        .any(|pattern| names_match(pattern, name))
}

/// A wildcard stands for exactly one label, the leftmost (RFC 9525,
/// section 6.3).
fn names_match(pattern: &str, name: &str) -> bool {
    if pattern.eq_ignore_ascii_case(name) {
        return true;
    }
    pattern.strip_prefix("*.").is_some_and(|rest| {
        name.split_once('.')
            .is_some_and(|(_, parent)| parent.contains('.') && parent.eq_ignore_ascii_case(rest))
    })
}
