//! `trace` over messages that real mail servers relayed to one another, against
//! what a packet capture saw on the wire: no hop may be called cleartext that was
//! encrypted, nor encrypted that was not. `tests/interop/README.md` tells how
//! they were made; `scripts/interop` makes them anew.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use starttrace::answer::Standing;
use starttrace::trace::chain::{Chain, Hop, Source, SourceKind};
use starttrace::trace::evidence::TlsState;
use starttrace::trace::reading::Reading;
use starttrace::trace::witness::Witnesses;

/// One Received field of one kept message, and what happened on the wire.
struct Truth {
    message: String,
    hop: usize,
    tls: String,
    line: Value,
}

impl Truth {
    fn text(&self, pointer: &str) -> Option<&str> {
        self.line.pointer(pointer).and_then(Value::as_str)
    }

    fn name(&self) -> String {
        format!("{} hop {}", self.message, self.hop)
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}

fn truth() -> Vec<Truth> {
    let text = std::fs::read_to_string(folder().join("truth.jsonl")).unwrap();
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            Truth {
                message: line["message"].as_str().unwrap().to_owned(),
                hop: usize::try_from(line["hop"].as_u64().unwrap()).unwrap(),
                tls: line["tls"].as_str().unwrap().to_owned(),
                line,
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

/// Every truth with the hop that was read for it.
fn pairs<'a>(
    truths: &'a [Truth],
    chains: &'a BTreeMap<String, Chain>,
) -> impl Iterator<Item = (&'a Truth, &'a Hop)> {
    truths
        .iter()
        .map(|truth| (truth, &chains[&truth.message].hops[truth.hop - 1]))
}

/// The one hop whose line is the same as that of a session in clear: Postfix
/// without its remark, for a client that said HELO, STARTTLS, HELO. Such silence
/// suggests cleartext, and may not be read as more than possible.
const INDISTINGUISHABLE: [(&str, usize); 1] = [("m07", 1)];

fn is_wrong(truth: &Truth, hop: &Hop) -> bool {
    let indistinguishable = INDISTINGUISHABLE.contains(&(truth.message.as_str(), truth.hop));
    match (truth.tls.as_str(), hop.tls.state) {
        ("encrypted" | "no-network", TlsState::Cleartext) => {
            !(indistinguishable && hop.tls.standing == Some(Standing::Possible))
        }
        ("cleartext" | "no-network", TlsState::Encrypted) => true,
        _ => false,
    }
}

/// Counts of truth against reading, and the wrong ones by name.
fn confusion(truths: &[Truth], chains: &BTreeMap<String, Chain>) -> (String, Vec<String>, usize) {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut right = 0;
    for (truth, hop) in pairs(truths, chains) {
        let state = hop.tls.state;
        *counts.entry((&truth.tls, state.word())).or_default() += 1;
        if truth.tls == state.word() {
            right += 1;
        }
        if is_wrong(truth, hop) {
            wrong.push(format!(
                "{}: truth {}, read as {} ({:?}), cause {:?}, {:?}\n{}",
                truth.name(),
                truth.tls,
                state.word(),
                hop.tls.standing.map(starttrace::answer::Standing::word),
                truth.text("/cause"),
                truth.text("/note"),
                String::from_utf8_lossy(&hop.raw),
            ));
        }
    }
    let states = ["encrypted", "cleartext", "unstated", "not-applicable"];
    let mut table = format!("{:<12}", "truth");
    for state in states {
        write!(table, "{state:>16}").unwrap();
    }
    for row in ["encrypted", "cleartext", "no-network"] {
        write!(table, "\n{row:<12}").unwrap();
        for state in states {
            write!(table, "{:>16}", counts.get(&(row, state)).unwrap_or(&0)).unwrap();
        }
    }
    (table, wrong, right)
}

#[test]
fn there_is_enough_to_judge_by() {
    let truths = truth();
    let messages: BTreeSet<_> = truths.iter().map(|truth| &truth.message).collect();
    let writers: BTreeSet<_> = truths.iter().map(|truth| truth.text("/software")).collect();
    assert!(messages.len() >= 25, "{} messages", messages.len());
    assert!(truths.len() >= 100, "{} hops", truths.len());
    assert!(writers.len() >= 4, "{writers:?}");
}

#[test]
fn every_line_is_a_hop_of_its_writer() {
    let truths = truth();
    let chains = chains(&truths);
    for (name, chain) in &chains {
        let hops = truths.iter().filter(|truth| truth.message == *name).count();
        assert_eq!(chain.hops.len(), hops, "{name}");
    }
    for (truth, hop) in pairs(&truths, &chains) {
        let by = hop.received.by.as_ref().and_then(|by| by.host.as_deref());
        assert_eq!(by, truth.text("/by"), "{}", truth.name());
        let id = hop.received.id.as_ref().map(|id| id.text.as_str());
        assert_eq!(id, truth.text("/id"), "{}", truth.name());
    }
}

#[test]
fn no_hop_state_is_wrong() {
    let truths = truth();
    let chains = chains(&truths);
    let (table, wrong, right) = confusion(&truths, &chains);
    println!("{table}");
    assert!(wrong.is_empty(), "{table}\n{}", wrong.join("\n"));
    // Caution alone must not pass: most hops can be told, and are.
    assert!(
        right * 100 >= truths.len() * 75,
        "{right} of {} told\n{table}",
        truths.len()
    );
}

#[test]
fn no_hop_state_is_wrong_with_the_others_as_witnesses() {
    let truths = truth();
    let mut chains = chains(&truths);
    let witnesses = Witnesses::gather(chains.values());
    for chain in chains.values_mut() {
        chain.heed(&witnesses);
    }
    let (table, wrong, _) = confusion(&truths, &chains);
    println!("{table}");
    assert!(wrong.is_empty(), "{table}\n{}", wrong.join("\n"));
}

#[test]
fn version_suite_and_address_are_those_on_the_wire() {
    let truths = truth();
    let chains = chains(&truths);
    let mut read = BTreeMap::from([("version", 0), ("cipher", 0), ("address", 0)]);
    for (truth, hop) in pairs(&truths, &chains) {
        let name = truth.name();
        if let Some(version) = hop.tls.version {
            assert_eq!(Some(version.name()), truth.text("/version"), "{name}");
            *read.get_mut("version").unwrap() += 1;
        }
        if let Some(cipher) = &hop.tls.cipher {
            assert_eq!(Some(cipher.as_str()), truth.text("/cipher"), "{name}");
            *read.get_mut("cipher").unwrap() += 1;
        }
        if let Some(ip) = hop.received.from.as_ref().and_then(|from| from.ip) {
            // Local submission may name 127.0.0.1, where there was no connection.
            if let Some(seen) = truth.text("/from/ip") {
                assert_eq!(ip.to_string(), seen, "{name}");
                *read.get_mut("address").unwrap() += 1;
            }
        }
    }
    println!("{read:?} of {} hops", truths.len());
    assert!(read["version"] >= 40 && read["cipher"] >= 40, "{read:?}");
    assert!(read["address"] >= 80, "{read:?}");
}
