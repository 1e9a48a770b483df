//! Many messages in one table: for every pair of a sending and a receiving
//! host the exposed hops seen, and what their lines say of TLS.
//!
//! Memory is bounded by the pairs kept; hops of further pairs are counted
//! only.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::answer::{Answer, Standing};
use crate::tls::parameters::TlsVersion;
use crate::trace::chain::{Chain, Hop, Trust};
use crate::trace::evidence::TlsState;
use crate::trace::leg::claimed_name;

/// Pairs of hosts kept.
const MOST_PAIRS: usize = 4_096;

/// What many messages show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub messages: usize,
    /// Messages by their answer.
    pub yes: usize,
    pub no: usize,
    pub unknown: usize,
    /// Exposed hops, over all pairs.
    pub total: Pair,
    /// Hops inside one host, network or organisation.
    pub inside: usize,
    /// Exposed hops of pairs that found no room.
    pub left_out: usize,
    pairs: HashMap<(String, String), Pair>,
}

/// The exposed hops from one host to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pair {
    pub hops: usize,
    /// Recorded as TLS.
    pub with_tls: usize,
    /// As good as certainly without.
    pub without: usize,
    /// Nothing can be said, or no more than that it may have lacked TLS.
    pub unstated: usize,
    /// Versions recorded, with how many hops; none where only TLS is said.
    pub versions: BTreeMap<Option<TlsVersion>, usize>,
    /// Hops whose line anybody could have written.
    pub forgeable: usize,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

impl Summary {
    /// Adds the hops of one message.
    pub fn add(&mut self, chain: &Chain) {
        self.messages += 1;
        match chain.answer {
            Answer::Yes => self.yes += 1,
            Answer::No => self.no += 1,
            Answer::Unknown => self.unknown += 1,
        }
        for hop in &chain.hops {
            if !hop.is_exposed() || hop.tls.state == TlsState::NotApplicable {
                self.inside += 1;
                continue;
            }
            self.total.add(hop);
            let key = (sender(hop), receiver(hop));
            if self.pairs.len() < MOST_PAIRS || self.pairs.contains_key(&key) {
                self.pairs.entry(key).or_default().add(hop);
            } else {
                self.left_out += 1;
            }
        }
    }

    /// The pairs, each with its sender and receiver: those with hops without
    /// TLS first, then those of which nothing is known, then the busiest. A
    /// name is empty where the lines have none.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&str, &str, &Pair)> {
        let mut pairs: Vec<(&str, &str, &Pair)> = self
            .pairs
            .iter()
            .map(|((from, by), pair)| (from.as_str(), by.as_str(), pair))
            .collect();
        pairs.sort_by(|(from, by, pair), (other_from, other_by, other)| {
            let rank = |pair: &Pair| (pair.without, pair.unstated, pair.hops);
            rank(other)
                .cmp(&rank(pair))
                .then_with(|| (by, from).cmp(&(other_by, other_from)))
        });
        pairs
    }
}

impl Pair {
    fn add(&mut self, hop: &Hop) {
        self.hops += 1;
        match (hop.tls.state, hop.tls.standing) {
            (TlsState::Encrypted, _) => {
                self.with_tls += 1;
                *self.versions.entry(hop.tls.version).or_default() += 1;
            }
            (TlsState::Cleartext, Some(Standing::Proved | Standing::Likely)) => self.without += 1,
            _ => self.unstated += 1,
        }
        if !matches!(hop.trusted, Trust::Own | Trust::Vouched) {
            self.forgeable += 1;
        }
        if let Some(at) = hop.received.date.as_ref().map(|date| date.at.timestamp()) {
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
    }
}

fn sender(hop: &Hop) -> String {
    let Some(from) = &hop.received.from else {
        return String::new();
    };
    from.rdns
        .as_deref()
        .or_else(|| claimed_name(from))
        .map(tidy)
        .or_else(|| from.ip.map(|ip| ip.to_string()))
        .unwrap_or_default()
}

fn receiver(hop: &Hop) -> String {
    let by = hop.received.by.as_ref();
    by.and_then(|by| {
        by.host
            .as_deref()
            .map(tidy)
            .or_else(|| by.ip.map(|ip| ip.to_string()))
    })
    .unwrap_or_default()
}

/// Names compare without case; a hostile one is cut (RFC 1035, section 2.3.4:
/// a name has at most 255 octets).
fn tidy(name: &str) -> String {
    let short: String = name.trim_end_matches('.').chars().take(255).collect();
    short.to_lowercase()
}
