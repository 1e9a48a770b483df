//! `explain` over messages that real mail servers relayed to one another,
//! against the truth of packet captures and logs: the true cause is among the
//! first two, and nothing is called likely that the logs contradict. What the
//! servers were seen to do is kept beside the messages (`probes.ndjson`), so
//! that this needs no servers. `tests/interop/README.md` tells how it was made.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use starttrace::answer::Standing;
use starttrace::explain::pair::{self, Asked, Limits};
use starttrace::explain::traffic::Traffic;
use starttrace::explain::{Explanation, HopExplanation, Past, explain};
use starttrace::observed::domain::DomainObservation;
use starttrace::report::json::read::{self, Document};
use starttrace::trace::chain::{Chain, Source, SourceKind};
use starttrace::trace::reading::Reading;
use starttrace::trace::witness::Witnesses;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}

/// One Received field, and what is true of its hop.
struct Truth {
    message: String,
    hop: usize,
    tls: String,
    cause: Option<String>,
    /// Causes that are as true.
    also: Vec<String>,
}

impl Truth {
    fn holds(&self, code: &str) -> bool {
        self.cause.as_deref() == Some(code) || self.also.iter().any(|also| also == code)
    }
}

fn truths() -> Vec<Truth> {
    let text = std::fs::read_to_string(folder().join("truth.jsonl")).unwrap();
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| line[name].as_str().map(str::to_owned);
            Truth {
                message: text("message").unwrap(),
                hop: usize::try_from(line["hop"].as_u64().unwrap()).unwrap(),
                tls: text("tls").unwrap(),
                cause: text("cause"),
                also: line["also"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|also| also.as_str().unwrap().to_owned())
                    .collect(),
            }
        })
        .collect()
}

fn chains(truths: &[Truth]) -> BTreeMap<String, Chain> {
    let names: BTreeSet<&str> = truths.iter().map(|truth| truth.message.as_str()).collect();
    names
        .into_iter()
        .map(|name| {
            let path = format!("{name}.eml");
            let octets = std::fs::read(folder().join(&path)).unwrap();
            let source = Source {
                path: path.into(),
                index: 0,
                kind: SourceKind::Eml,
            };
            let chain = Chain::read(&octets, &Reading::of(source)).unwrap();
            (name.to_owned(), chain)
        })
        .collect()
}

/// What probes saw of the servers while they ran.
fn observations() -> Vec<DomainObservation> {
    let text = std::fs::read_to_string(folder().join("probes.ndjson")).unwrap();
    text.lines()
        .map(|line| match read::document(line).unwrap() {
            Document::DomainReport(report) => read::observation(&report).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Those that a run would have made for one message: the same targets, the same
/// limits.
fn seen_for(chain: &Chain, all: &[DomainObservation]) -> Vec<DomainObservation> {
    let limits = Limits {
        probe_private: true,
        ..Limits::default()
    };
    let mut seen: Vec<DomainObservation> = Vec::new();
    for target in pair::targets(chain, &limits) {
        if pair::is_answered(&target, &seen) {
            continue;
        }
        let found = all.iter().find(|observation| match &target.what {
            Asked::Domain(domain) => observation.domain == *domain && !observation.hosts.is_empty(),
            Asked::Records(domain) => observation.domain == *domain,
            Asked::Host(host) => {
                observation.domain.as_str() == host.as_str() && !observation.mx.is_done()
            }
        });
        // A target that no run asked would mean that the kept set is stale.
        let found = found.unwrap_or_else(|| panic!("{}: {target:?}", chain.source.path));
        seen.push(found.clone());
    }
    seen
}

/// The rank of every true cause, the states, and what is wrong.
#[derive(Default)]
struct Confusion {
    ranks: BTreeMap<String, BTreeMap<usize, usize>>,
    states: BTreeMap<(String, &'static str, &'static str), usize>,
    wrong: Vec<String>,
}

impl Confusion {
    fn add(&mut self, truth: &Truth, hop: &HopExplanation) {
        let conclusion = &hop.conclusion;
        let key = (
            truth.tls.clone(),
            conclusion.state.word(),
            conclusion.standing.word(),
        );
        *self.states.entry(key).or_default() += 1;
        let Some(cause) = &truth.cause else {
            return;
        };
        let codes: Vec<&str> = hop
            .causes
            .iter()
            .map(|ranked| ranked.cause.word())
            .collect();
        let rank = codes
            .iter()
            .position(|code| code == cause)
            .map_or(0, |at| at + 1);
        *self
            .ranks
            .entry(cause.clone())
            .or_default()
            .entry(rank)
            .or_default() += 1;
        let listed: Vec<String> = hop
            .causes
            .iter()
            .take(5)
            .map(|ranked| format!("{} {}", ranked.standing.word(), ranked.cause.word()))
            .collect();
        let place = format!("{} hop {}, truth {cause}", truth.message, truth.hop);
        if !(1..=2).contains(&rank) {
            self.wrong
                .push(format!("{place}: rank {rank} of {listed:?}"));
        }
        for ranked in &hop.causes {
            if ranked.standing <= Standing::Likely && !truth.holds(ranked.cause.word()) {
                self.wrong.push(format!(
                    "{place}: {} {}",
                    ranked.standing.word(),
                    ranked.cause.word()
                ));
            }
        }
    }

    fn table(&self) -> String {
        let mut out = format!(
            "{:<32}{:>6}{:>6}{:>6}\n",
            "true cause", "1st", "2nd", "else"
        );
        for (cause, ranks) in &self.ranks {
            let of = |rank: usize| ranks.get(&rank).copied().unwrap_or(0);
            let all: usize = ranks.values().sum();
            writeln!(
                out,
                "{cause:<32}{:>6}{:>6}{:>6}",
                of(1),
                of(2),
                all - of(1) - of(2)
            )
            .unwrap();
        }
        let judged: usize = self.ranks.values().flat_map(BTreeMap::values).sum();
        let hops: usize = self.states.values().sum();
        writeln!(
            out,
            "{judged} hops with a cause of {hops}; the other {} were encrypted and say so",
            hops - judged
        )
        .unwrap();
        for ((truth, state, standing), count) in &self.states {
            writeln!(out, "{count:>6}  truth {truth}: {standing} {state}").unwrap();
        }
        out
    }
}

/// No state is wrong, however unsure: what was encrypted is not called cleartext,
/// what was not is not called encrypted.
fn is_wrong_state(truth: &Truth, hop: &HopExplanation) -> bool {
    matches!(
        (truth.tls.as_str(), hop.conclusion.state.word()),
        ("encrypted" | "no-network", "cleartext") | ("cleartext" | "no-network", "encrypted")
    )
}

fn judge(truths: &[Truth], explanations: &BTreeMap<String, Explanation>) -> Confusion {
    let mut confusion = Confusion::default();
    // Each hop that has a true cause is judged once.
    let due = truths.iter().filter(|truth| truth.cause.is_some()).count();
    for truth in truths {
        let hop = &explanations[&truth.message].hops[truth.hop - 1];
        confusion.add(truth, hop);
        if is_wrong_state(truth, hop) {
            confusion.wrong.push(format!(
                "{} hop {}: truth {}, called {} {}",
                truth.message,
                truth.hop,
                truth.tls,
                hop.conclusion.standing.word(),
                hop.conclusion.state.word()
            ));
        }
    }
    let judged: usize = confusion.ranks.values().flat_map(BTreeMap::values).sum();
    assert_eq!(judged, due);
    confusion
}

#[test]
fn each_message_alone() {
    let truths = truths();
    let all = observations();
    let explanations: BTreeMap<String, Explanation> = chains(&truths)
        .into_iter()
        .map(|(name, chain)| {
            let seen = seen_for(&chain, &all);
            (name, explain(&chain, &seen, &Past::default()))
        })
        .collect();
    let confusion = judge(&truths, &explanations);
    println!("{}", confusion.table());
    assert!(
        confusion.wrong.is_empty(),
        "{}\n{}",
        confusion.table(),
        confusion.wrong.join("\n")
    );
}

#[test]
fn all_together_bear_witness() {
    let truths = truths();
    let all = observations();
    let mut chains = chains(&truths);
    let witnesses = Witnesses::gather(chains.values());
    let past = Past {
        traffic: Traffic::gather(chains.values()),
        ..Past::default()
    };
    let explanations: BTreeMap<String, Explanation> = chains
        .iter_mut()
        .map(|(name, chain)| {
            chain.heed(&witnesses);
            let seen = seen_for(chain, &all);
            (name.clone(), explain(chain, &seen, &past))
        })
        .collect();
    let confusion = judge(&truths, &explanations);
    println!("{}", confusion.table());
    assert!(
        confusion.wrong.is_empty(),
        "{}\n{}",
        confusion.table(),
        confusion.wrong.join("\n")
    );
}

#[test]
fn without_any_probe_no_cause_is_likely_that_the_logs_contradict() {
    let truths = truths();
    let explanations: BTreeMap<String, Explanation> = chains(&truths)
        .into_iter()
        .map(|(name, chain)| (name, explain(&chain, &[], &Past::default())))
        .collect();
    for truth in &truths {
        let hop = &explanations[&truth.message].hops[truth.hop - 1];
        assert!(
            !is_wrong_state(truth, hop),
            "{} {}",
            truth.message,
            truth.hop
        );
        for ranked in &hop.causes {
            assert!(
                ranked.standing > Standing::Likely || truth.holds(ranked.cause.word()),
                "{} hop {}: {ranked:?}",
                truth.message,
                truth.hop
            );
        }
    }
}
