//! What the messages given together show of who sent to whom, when, and
//! whether with TLS. A sender that uses TLS with everybody but one host, a
//! host that took TLS before a hop and after it: such things no single message
//! tells.
//!
//! Only lines that can be believed count. Memory is bounded: so many pairs of a
//! sender and a host, so many times of each; what found no room is counted.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use crate::organisation::organisation;
use crate::tls::parameters::TlsVersion;
use crate::trace::chain::{Chain, Hop, Leg, Trust};
use crate::trace::evidence::TlsState;

/// Pairs of a sender and a receiving host kept.
const MOST_LANES: usize = 8_192;
/// Times kept of one pair.
const MOST_TIMES: usize = 128;
/// Hosts of one sender that are compared for one hop.
const MOST_LOOKED_AT: usize = 512;
/// Hops of one message that are heard.
const MOST_OF_ONE: usize = 64;

/// Messages of an hour count as near one another.
const HOUR: i64 = 3_600;
/// What was so within a month counts as so then.
const MONTH: i64 = 30 * 86_400;
/// Many messages within a minute are a burst.
const MINUTE: i64 = 60;

/// Who sent to whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// By sender (organisation or address), then by receiving host.
    senders: HashMap<String, BTreeMap<String, Lane>>,
    /// By receiving host, whoever sent.
    hosts: HashMap<String, Lane>,
    lanes: usize,
    left_out: usize,
}

/// What was sent over one lane, or to one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Lane {
    /// The organisation of the receiving host.
    party: String,
    with_tls: usize,
    without: usize,
    /// By second; whether it was TLS.
    times: BTreeMap<i64, bool>,
    /// The last time TLS below 1.2 was recorded.
    legacy: Option<Timestamp>,
}

/// What other hops than this one show about its two sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// TLS from the same sender to hosts of other organisations: how often.
    pub elsewhere_tls: usize,
    /// To how many other organisations.
    pub elsewhere_tls_to: usize,
    /// One of these hosts.
    pub elsewhere_host: Option<String>,
    /// The same within an hour of the hop.
    pub elsewhere_tls_then: usize,
    /// No TLS from the same sender, to how many other organisations.
    pub elsewhere_clear_to: usize,
    /// Those of them that took TLS from others.
    pub elsewhere_clear_sound: usize,
    /// To how many within an hour of the hop.
    pub elsewhere_clear_then: usize,
    /// The last TLS from the same sender to the same host before the hop, and
    /// the first after it, within a month.
    pub tls_before: Option<Timestamp>,
    pub tls_after: Option<Timestamp>,
    /// Hops without TLS from the same sender to the same host, this among them.
    pub clear_here: usize,
    /// TLS from other senders to the same host: before the hop, and after it.
    pub others_before: Option<Timestamp>,
    pub others_after: Option<Timestamp>,
    pub others_tls: usize,
    /// Messages from the same sender to the same host within a minute.
    pub burst: usize,
    /// The last time that the host recorded TLS below 1.2.
    pub legacy: Option<Timestamp>,
}

impl Traffic {
    /// Gathers what these messages show.
    #[must_use]
    pub fn gather<'a>(chains: impl IntoIterator<Item = &'a Chain>) -> Self {
        let mut gathered = Self::default();
        for chain in chains {
            gathered.add(chain);
        }
        gathered
    }

    /// Adds what one message shows.
    pub fn add(&mut self, chain: &Chain) {
        for hop in chain
            .hops
            .iter()
            .rev()
            .filter(|hop| is_heard(hop))
            .take(MOST_OF_ONE)
        {
            let (Some(sender), Some(host)) = (sender_of(hop), host_of(hop)) else {
                continue;
            };
            let known = self
                .senders
                .get(&sender)
                .is_some_and(|lanes| lanes.contains_key(&host));
            if !known && self.lanes >= MOST_LANES {
                self.left_out += 1;
                continue;
            }
            self.lanes += usize::from(!known);
            let lanes = self.senders.entry(sender).or_default();
            let party = || organisation(&host).unwrap_or_else(|| host.clone());
            let new = || Lane {
                party: party(),
                ..Lane::default()
            };
            lanes.entry(host.clone()).or_insert_with(new).hear(hop);
            self.hosts.entry(host.clone()).or_insert_with(new).hear(hop);
        }
    }

    /// How many hops found no room.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// What is known around one hop.
    #[must_use]
    pub fn around(&self, hop: &Hop) -> Around {
        let mut around = Around::default();
        let at = time_of(hop);
        let (Some(sender), Some(host)) = (sender_of(hop), host_of(hop)) else {
            return around;
        };
        let all = self.hosts.get(&host);
        let lanes = self.senders.get(&sender);
        let here = lanes.and_then(|lanes| lanes.get(&host));
        let home = here.or(all).map(|lane| lane.party.as_str());
        let mut tls_to: HashSet<&str> = HashSet::new();
        let mut clear_to: HashSet<&str> = HashSet::new();
        let mut sound_to: HashSet<&str> = HashSet::new();
        let mut clear_then: HashSet<&str> = HashSet::new();
        for (other, lane) in lanes.into_iter().flatten().take(MOST_LOOKED_AT) {
            let party = lane.party.as_str();
            if *other == host || Some(party) == home {
                continue;
            }
            let near = |tls: bool| at.map_or(0, |at| lane.within(at, HOUR, tls));
            if lane.with_tls > 0 {
                around.elsewhere_tls += lane.with_tls;
                around.elsewhere_tls_then += near(true);
                around.elsewhere_host.get_or_insert_with(|| other.clone());
                tls_to.insert(party);
            }
            if lane.without > 0 {
                let taken = self.hosts.get(other).map_or(0, |all| all.with_tls);
                if taken > lane.with_tls {
                    sound_to.insert(party);
                }
                if near(false) > 0 {
                    clear_then.insert(party);
                }
                clear_to.insert(party);
            }
        }
        around.elsewhere_tls_to = tls_to.len();
        around.elsewhere_clear_to = clear_to.len();
        around.elsewhere_clear_sound = sound_to.len();
        around.elsewhere_clear_then = clear_then.len();
        if let Some(here) = here {
            around.clear_here = here.without;
            around.burst = at.map_or(0, |at| {
                here.within(at, MINUTE, true) + here.within(at, MINUTE, false)
            });
            if let Some(at) = at {
                (around.tls_before, around.tls_after) = here.beside(at, |_| true);
            }
        }
        if let Some(all) = all {
            around.others_tls = all.with_tls.saturating_sub(here.map_or(0, |h| h.with_tls));
            around.legacy = all.legacy;
            if let Some(at) = at.filter(|_| around.others_tls > 0) {
                let mine = |second: i64| {
                    here.is_some_and(|here| here.times.get(&second).copied() == Some(true))
                };
                (around.others_before, around.others_after) =
                    all.beside(at, |second| !mine(second));
            }
        }
        around
    }
}

impl Lane {
    fn hear(&mut self, hop: &Hop) {
        let tls = hop.tls.state == TlsState::Encrypted;
        if let Some(at) = time_of(hop) {
            // A copy of a message in another folder counts once.
            if self.times.get(&at) == Some(&tls) {
                return;
            }
            if self.times.len() < MOST_TIMES {
                // TLS in the same second is kept rather than cleartext.
                let known = self.times.entry(at).or_insert(tls);
                *known |= tls;
            }
            if hop.tls.version.is_some_and(TlsVersion::is_legacy) {
                let at = Timestamp::from_second(at).ok();
                self.legacy = self.legacy.max(at);
            }
        }
        if tls {
            self.with_tls += 1;
        } else {
            self.without += 1;
        }
    }

    /// How many times of this kind lie within so many seconds.
    fn within(&self, at: i64, seconds: i64, tls: bool) -> usize {
        self.times
            .range(at.saturating_sub(seconds)..=at.saturating_add(seconds))
            .filter(|(_, was)| **was == tls)
            .count()
    }

    /// The last TLS before a time and the first after it, no further away than
    /// settings mostly last.
    fn beside(
        &self,
        at: i64,
        counts: impl Fn(i64) -> bool,
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        let tls = |(second, was): (&i64, &bool)| (*was && counts(*second)).then_some(*second);
        let before = self
            .times
            .range(at.saturating_sub(MONTH)..at)
            .rev()
            .find_map(tls);
        let later = at.saturating_add(1)..=at.saturating_add(MONTH);
        let after = self.times.range(later).find_map(tls);
        let stamp = |second: i64| Timestamp::from_second(second).ok();
        (before.and_then(stamp), after.and_then(stamp))
    }
}

/// Lines written on arrival over a network that can be believed, and that say
/// something of TLS.
fn is_heard(hop: &Hop) -> bool {
    let believed = matches!(hop.trusted, Trust::Own | Trust::Vouched);
    let told = match hop.tls.state {
        TlsState::Encrypted => true,
        TlsState::Cleartext => hop.is_exposed(),
        TlsState::Unstated | TlsState::NotApplicable => false,
    };
    believed && told && hop.leg != Leg::Local && hop.leg != Leg::Submission
}

/// The sender as it is counted: its organisation, else its address.
fn sender_of(hop: &Hop) -> Option<String> {
    let from = hop.received.from.as_ref()?;
    from.rdns
        .as_deref()
        .or(from.helo.as_deref().filter(|_| !from.rdns_asked))
        .and_then(organisation)
        .or_else(|| from.ip.map(|ip| ip.to_string()))
}

fn host_of(hop: &Hop) -> Option<String> {
    let host = hop.received.by.as_ref()?.host.as_deref()?;
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    organisation(&host).is_some().then_some(host)
}

fn time_of(hop: &Hop) -> Option<i64> {
    let date = hop.received.date.as_ref()?;
    Some(date.at.timestamp().as_second())
}
