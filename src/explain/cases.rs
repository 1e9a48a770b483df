//! Many messages in cases: hops between the same two parties that went without
//! TLS for the same reason are one case, explained once, with counts and dates.
//!
//! A sender is its organisation, a receiver its host; hosts whose names differ
//! by numbers alone are one pool. Lines that anybody could have written make
//! cases of their own. Memory is bounded by the cases kept; what found no room
//! is counted.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::answer::{Answer, Standing};
use crate::explain::causes::is_about_evidence;
use crate::explain::{ConclusionState, Explanation, HopExplanation};
use crate::finding::Cause;
use crate::organisation::organisation;
use crate::trace::chain::{Chain, Hop, Trust};
use crate::trace::shared::Shared;

/// Cases kept.
const MOST_CASES: usize = 1_024;
/// Hosts named of one case's side.
const MOST_NAMES: usize = 8;
/// Octets of an example's line that are kept.
const MOST_RAW: usize = 4_096;

/// The cases of a run.
#[derive(Debug, Clone, Default)]
pub struct Cases {
    pub messages: usize,
    /// Messages by their answer.
    pub yes: usize,
    pub no: usize,
    pub unknown: usize,
    /// Open hops that found no room.
    pub left_out: usize,
    cases: Vec<Case>,
    index: HashMap<Key, usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    client: String,
    server: String,
    state: ConclusionState,
    cause: Option<Cause>,
    believed: bool,
}

/// Hops between two parties with one reason.
#[derive(Debug, Clone)]
pub struct Case {
    /// From 1, in the order in which they were met.
    pub number: usize,
    /// The sender: an organisation or an address; empty where none is named.
    pub client: String,
    pub client_hosts: BTreeSet<String>,
    /// The receiver: a host or a pool (`mx#.partner.example`).
    pub server: String,
    pub server_hosts: BTreeSet<String>,
    pub state: ConclusionState,
    /// The surest standing of its hops.
    pub standing: Standing,
    /// Written on the mailbox's own side or vouched for.
    pub believed: bool,
    /// The first cause, which all its hops share.
    pub cause: Option<Cause>,
    pub messages: usize,
    pub hops: usize,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// The newest hop: logs are not kept for ever.
    pub example: Example,
}

/// One hop of a case, to be shown.
#[derive(Debug, Clone)]
pub struct Example {
    /// The message's chain with this hop alone.
    pub chain: Chain,
    pub explained: HopExplanation,
}

impl Example {
    /// The hop.
    #[must_use]
    pub fn hop(&self) -> Option<&Hop> {
        self.chain.hops.first()
    }
}

/// How a hop stands to the cases met before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// The case's number.
    pub case: usize,
    /// It is the first of its case.
    pub is_first: bool,
    /// Other messages came before, so that a number helps.
    pub is_one_of_many: bool,
}

impl Cases {
    /// Adds a message; tells for each of its hops which case it is of. None
    /// for hops that are not open, and for such as found no room.
    pub fn add(&mut self, chain: &Chain, explanation: &Explanation) -> Vec<Option<Met>> {
        self.messages += 1;
        match explanation.answer {
            Answer::Yes => self.yes += 1,
            Answer::No => self.no += 1,
            Answer::Unknown => self.unknown += 1,
        }
        let mut of_this: Vec<usize> = Vec::new();
        chain
            .hops
            .iter()
            .zip(&explanation.hops)
            .map(|(hop, explained)| {
                let met = self.meet(chain, hop, explained)?;
                let at = met.case.checked_sub(1)?;
                if !of_this.contains(&at) {
                    of_this.push(at);
                    if let Some(case) = self.cases.get_mut(at) {
                        case.messages += 1;
                    }
                }
                Some(met)
            })
            .collect()
    }

    /// The cases: those in believable lines first, cleartext before what is
    /// not known, then by the number of messages.
    #[must_use]
    pub fn ranked(&self) -> Vec<&Case> {
        let mut cases: Vec<&Case> = self.cases.iter().collect();
        cases.sort_by_key(|case| {
            (
                !case.believed,
                case.state != ConclusionState::Cleartext,
                std::cmp::Reverse(case.messages),
                case.number,
            )
        });
        cases
    }

    fn meet(&mut self, chain: &Chain, hop: &Hop, explained: &HopExplanation) -> Option<Met> {
        let state = explained.conclusion.state;
        let open = matches!(state, ConclusionState::Cleartext | ConclusionState::Unknown);
        if !open || !hop.is_exposed() {
            return None;
        }
        let cause = explained
            .causes
            .first()
            .filter(|ranked| ranked.standing <= Standing::Possible)
            .map(|ranked| ranked.cause)
            .filter(|cause| !is_about_evidence(*cause));
        let (client_host, server_host) = (client_of(hop), server_of(hop));
        let key = Key {
            client: party(&client_host),
            server: pool(&server_host),
            state,
            cause,
            believed: matches!(hop.trusted, Trust::Own | Trust::Vouched),
        };
        let at = hop.received.date.as_ref().map(|date| date.at.timestamp());
        let standing = explained.conclusion.standing;
        let known = self.index.get(&key).copied();
        let is_first = known.is_none();
        let place = match known {
            Some(place) => place,
            None if self.cases.len() >= MOST_CASES => {
                self.left_out += 1;
                return None;
            }
            None => {
                let place = self.cases.len();
                self.cases.push(Case {
                    number: place + 1,
                    client: key.client.clone(),
                    client_hosts: BTreeSet::new(),
                    server: key.server.clone(),
                    server_hosts: BTreeSet::new(),
                    state,
                    standing,
                    believed: key.believed,
                    cause,
                    messages: 0,
                    hops: 0,
                    first: at,
                    last: at,
                    example: example(chain, hop, explained),
                });
                self.index.insert(key, place);
                place
            }
        };
        let case = self.cases.get_mut(place)?;
        case.hops += 1;
        case.standing = case.standing.min(standing);
        for (names, name) in [
            (&mut case.client_hosts, client_host),
            (&mut case.server_hosts, server_host),
        ] {
            if names.len() < MOST_NAMES && !name.is_empty() {
                names.insert(name);
            }
        }
        if let Some(at) = at {
            case.first = Some(case.first.map_or(at, |first| first.min(at)));
            if case.last.is_none_or(|last| at > last) {
                case.last = Some(at);
                case.example = example(chain, hop, explained);
            }
        }
        Some(Met {
            case: case.number,
            is_first,
            is_one_of_many: self.messages > 1,
        })
    }
}

impl Case {
    /// The receiver as to be named: the one host where there is but one.
    #[must_use]
    pub fn server_name(&self) -> &str {
        match (self.server_hosts.len(), self.server_hosts.first()) {
            (1, Some(host)) => host,
            _ => &self.server,
        }
    }

    /// The sender as to be named.
    #[must_use]
    pub fn client_name(&self) -> &str {
        if self.client.is_empty() {
            "a host that is not named"
        } else {
            &self.client
        }
    }
}

fn example(chain: &Chain, hop: &Hop, explained: &HopExplanation) -> Example {
    let mut hop = hop.clone();
    hop.raw.truncate(MOST_RAW);
    Example {
        chain: Chain {
            source: chain.source.clone(),
            message: chain.message.clone(),
            hops: vec![hop],
            gaps: Shared::default(),
            supporting: Vec::new(),
            legs: Shared::default(),
            answer: chain.answer,
            findings: Shared::default(),
        },
        explained: explained.clone(),
    }
}

/// The sending host in lower case, else its address; empty where neither is
/// noted.
fn client_of(hop: &Hop) -> String {
    let Some(from) = &hop.received.from else {
        return String::new();
    };
    let known = |name: &&str| !name.is_empty() && !name.eq_ignore_ascii_case("unknown");
    let name = from.rdns.as_deref().filter(known);
    name.or(from.helo.as_deref().filter(known))
        .map(tidy)
        .or_else(|| from.ip.map(|ip| ip.to_string()))
        .unwrap_or_default()
}

fn server_of(hop: &Hop) -> String {
    let by = hop.received.by.as_ref();
    by.and_then(|by| by.host.as_deref())
        .map(tidy)
        .or_else(|| by.and_then(|by| by.ip).map(|ip| ip.to_string()))
        .unwrap_or_default()
}

/// Names compare without case; a hostile one is cut (RFC 1035, section 2.3.4:
/// a name has at most 255 octets).
fn tidy(name: &str) -> String {
    let short: String = name.trim_end_matches('.').chars().take(255).collect();
    short.to_lowercase()
}

fn party(host: &str) -> String {
    organisation(host).unwrap_or_else(|| host.to_owned())
}

/// The host's name with every number open, within its organisation.
fn pool(host: &str) -> String {
    if organisation(host).is_none() {
        return host.to_owned();
    }
    let mut out = String::with_capacity(host.len());
    let mut digits = false;
    for c in host.chars() {
        if c.is_ascii_digit() {
            if !std::mem::replace(&mut digits, true) {
                out.push('#');
            }
        } else {
            digits = false;
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::explain::literal::*;
    use crate::explain::{Past, explain};

    fn add(cases: &mut Cases, chain: &Chain) -> Vec<Option<Met>> {
        let explanation = explain(chain, &[], &Past::default());
        cases.add(chain, &explanation)
    }

    fn on(day: &'static str, from: &'static str, by: &'static str) -> Chain {
        clear_with(|line| {
            line.at = day;
            line.from = (from, from, "203.0.113.7");
            line.by = by;
        })
    }

    #[test]
    fn the_same_parties_and_reason_are_one_case() {
        let mut cases = Cases::default();
        let first = on(
            "2026-03-03T10:00:00Z",
            "out7.relay.example",
            "mx1.partner.example",
        );
        let met = add(&mut cases, &first);
        assert_eq!(
            met,
            [Some(Met {
                case: 1,
                is_first: true,
                is_one_of_many: false
            })]
        );
        for day in 4..9 {
            let day = Box::leak(format!("2026-03-0{day}T10:00:00Z").into_boxed_str());
            let met = add(
                &mut cases,
                &on(day, "out9.relay.example", "mx2.partner.example"),
            );
            assert_eq!(
                met,
                [Some(Met {
                    case: 1,
                    is_first: false,
                    is_one_of_many: true
                })]
            );
        }
        add(
            &mut cases,
            &on(
                "2026-03-01T10:00:00Z",
                "mx.other.example",
                "mx1.partner.example",
            ),
        );
        let ranked = cases.ranked();
        assert_eq!(ranked.len(), 2);
        let case = ranked[0];
        assert_eq!((case.messages, case.hops), (6, 6));
        assert_eq!(case.client_name(), "relay.example");
        assert_eq!(case.server_name(), "mx#.partner.example");
        assert_eq!(case.first, "2026-03-03T10:00:00Z".parse().ok());
        assert_eq!(case.last, "2026-03-08T10:00:00Z".parse().ok());
        // The newest line is the one to quote.
        let date = case.example.hop().unwrap().received.date.as_ref().unwrap();
        assert_eq!(Some(date.at.timestamp()), case.last);
        assert_eq!(ranked[1].server_name(), "mx1.partner.example");
        assert_eq!(cases.messages, 7);
    }

    #[test]
    fn hops_inside_or_recorded_are_no_case_and_forgeable_ones_are_apart() {
        let mut cases = Cases::default();
        let mut chain = invoice();
        let met = add(&mut cases, &chain);
        assert_eq!(met.iter().filter(|met| met.is_some()).count(), 1);
        chain.hops[2].trusted = Trust::Below;
        add(&mut cases, &chain);
        let ranked = cases.ranked();
        assert_eq!(ranked.len(), 2);
        assert!(ranked[0].believed && !ranked[1].believed);
    }

    #[test]
    fn a_hostile_mailbox_stays_small() {
        let mut cases = Cases::default();
        for i in 0..1_500 {
            // Numbers alone would be one pool.
            let letters: String = format!("{i:04}")
                .bytes()
                .map(|digit| char::from(digit - b'0' + b'a'))
                .collect();
            let by = Box::leak(format!("mx.{letters}.example").into_boxed_str());
            add(&mut cases, &on("2026-03-03T10:00:00Z", "a.example", by));
        }
        assert_eq!(cases.ranked().len(), MOST_CASES);
        assert_eq!(cases.left_out, 1_500 - MOST_CASES);
        assert_eq!(cases.messages, 1_500);
    }
}
