//! What the logs of real mail servers say of real deliveries, against what a
//! packet capture saw on the wire: no statement may contradict it.
//! `tests/interop/README.md` tells how both were made.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use starttrace::mta_log::{HopKey, Reader, Wanted};
use starttrace::observed::statement::{Said, StatedBy, Statement, WhyNot};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}

/// What the capture saw of one hop.
struct Truth {
    name: String,
    encrypted: bool,
    /// The cause, and those that are as true.
    causes: Vec<String>,
    key: HopKey,
}

fn truths() -> Vec<Truth> {
    let text = std::fs::read_to_string(folder().join("truth.jsonl")).unwrap();
    let mut before: Option<(String, String)> = None;
    let mut out = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let word = |pointer: &str| {
            line.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (message, id) = (word("/message").to_owned(), word("/id").to_owned());
        let client_id = before
            .take()
            .filter(|(of, _)| *of == message)
            .map(|(_, id)| id);
        before = Some((message.clone(), id.clone()));
        if word("/kind") != "network" {
            continue;
        }
        let eml = std::fs::read_to_string(folder().join(format!("{message}.eml"))).unwrap();
        let chain = starttrace::trace::chain::Chain::parse(eml.as_bytes()).unwrap();
        let hop = &chain.hops[line["hop"].as_u64().unwrap() as usize - 1];
        out.push(Truth {
            name: format!("{message} hop {}", line["hop"]),
            encrypted: word("/tls") == "encrypted",
            causes: std::iter::once(word("/cause").to_owned())
                .chain(
                    line["also"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|also| also.as_str().unwrap().to_owned()),
                )
                .collect(),
            key: HopKey {
                client: Some(word("/from/host").to_owned()),
                client_ip: word("/from/ip").parse().ok(),
                server: Some(word("/by").to_owned()),
                server_ip: None,
                id: Some(id),
                client_id,
                at: hop.received.date.as_ref().unwrap().at.timestamp(),
                zone: None,
                client_zone: None,
            },
        });
    }
    out
}

fn logs() -> Vec<(String, String)> {
    let mut logs: Vec<(String, String)> = std::fs::read_dir(folder().join("logs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .filter(|(name, _)| name.contains(".postfix.") || name.contains(".exim."))
        .collect();
    logs.sort();
    logs
}

fn read(name: &str, log: &str, wanted: &Wanted) -> Vec<Statement> {
    let mut reader = Reader::new(name, None, wanted);
    for line in log.lines() {
        reader.feed(line.as_bytes());
    }
    reader.finish()
}

#[test]
fn no_statement_of_a_log_contradicts_the_wire() {
    let truths = truths();
    let mut wanted = Wanted::default();
    for truth in &truths {
        wanted.add(None, [truth.key.clone()]);
    }
    let mut told: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut count = BTreeMap::new();
    for (name, log) in logs() {
        for statement in read(&name, &log, &wanted) {
            let truth = truths
                .iter()
                .find(|truth| truth.key.id == statement.id)
                .unwrap();
            let side = match statement.by {
                StatedBy::SendersLog => "sender",
                _ => "receiver",
            };
            let fits = match &statement.says {
                Said::Encrypted { .. } => truth.encrypted,
                Said::Cleartext => !truth.encrypted,
                Said::NoTls(why) => {
                    !truth.encrypted
                        && truth.causes.iter().any(|cause| {
                            matches!(
                                (why, cause.as_str()),
                                (WhyNot::HandshakeFailed, "handshake-fails-for-all")
                                    | (WhyNot::RefusedForNow, "starttls-temporarily-refused")
                                    | (WhyNot::Refused, "starttls-refused")
                            )
                        })
                }
            };
            if !fits {
                faults.push(format!("{}: {statement:?}", truth.name));
            }
            let what = match &statement.says {
                Said::NoTls(_) => "why",
                Said::Encrypted { .. } => "encrypted",
                Said::Cleartext => "cleartext",
            };
            *count.entry((side, what)).or_insert(0) += 1;
            told.entry(&truth.name).or_default().insert(what);
            let away = statement.from.duration_since(truth.key.at).as_secs().abs();
            assert!(away < 600, "{}: {}", truth.name, statement.from);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let silent: Vec<&str> = truths
        .iter()
        .filter(|truth| !told.contains_key(&*truth.name))
        .map(|truth| &*truth.name)
        .collect();
    println!(
        "{} of {} hops told: {count:?}; silent {silent:?}",
        told.len(),
        truths.len()
    );
    // Sendmail and OpenSMTPD on both sides leave some untold.
    assert!(told.len() * 10 >= truths.len() * 8, "{silent:?}");
    for side in ["sender", "receiver"] {
        for what in ["encrypted", "cleartext", "why"] {
            assert!(
                count.contains_key(&(side, what)),
                "{side} {what}: {count:?}"
            );
        }
    }
}

#[test]
fn a_log_says_nothing_of_messages_that_nobody_asked_about() {
    let mut wanted = Wanted::default();
    let mut key = truths().remove(0).key;
    key.id = Some("0000000000".into());
    key.client_id = None;
    key.client_ip = None;
    wanted.add(Some("nobody@nowhere.example"), [key]);
    for (name, log) in logs() {
        assert_eq!(read(&name, &log, &wanted), []);
    }
}
