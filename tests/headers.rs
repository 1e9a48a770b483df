//! The labelled corpus of `Received:` fields: every field of every line is read
//! as its label says, and no line is called encrypted or cleartext wrongly.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use starttrace::answer::Standing;
use starttrace::report::json;
use starttrace::trace::chain::{Chain, Hop};
use starttrace::trace::evidence::TlsState;

const CORPUS: &str = include_str!("corpus/received.jsonl");

#[derive(Default)]
struct Score {
    right: usize,
    wrong: Vec<String>,
}

#[test]
fn every_labelled_header_is_read_as_its_label_says() {
    let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
    let mut wrong_states = Vec::new();
    let mut lines = 0;
    for line in CORPUS.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let header = case["header"].as_str().unwrap();
        let label = format!("{} {}", case["n"], case["software"].as_str().unwrap());
        let message = format!("{}\n\n", header);
        let chain = Chain::parse(message.as_bytes()).unwrap_or_else(|e| panic!("{label}: {e}"));
        let hop = &chain.hops[0];
        lines += 1;
        for (field, expected) in case["expected"].as_object().unwrap() {
            let score = scores
                .entry(FIELDS.iter().find(|f| *f == field).unwrap())
                .or_default();
            let found = read(hop, field, expected);
            if same(field, &found, expected) {
                score.right += 1;
            } else {
                score
                    .wrong
                    .push(format!("{label}: expected {expected}, found {found}"));
            }
        }
        if let Some(wrong) = wrong_state(hop, case["expected"]["tls"].as_str().unwrap()) {
            wrong_states.push(format!("{label}: {wrong}"));
        }
    }
    let mut misses = 0;
    for (field, score) in &scores {
        println!(
            "{field:18} {} of {}",
            score.right,
            score.right + score.wrong.len()
        );
        for wrong in &score.wrong {
            println!("    {wrong}");
        }
        misses += score.wrong.len();
    }
    assert!(lines >= 160, "only {lines} lines");
    assert_eq!(wrong_states, Vec::<String>::new());
    assert_eq!(misses, 0);
}

/// What a host writes is read once and recalled afterwards. A line that was
/// recalled says what it says where nothing was read before it, and everything
/// stands where it stands, however long the id and the recipient are.
#[test]
fn a_line_like_one_read_before_says_what_it_says_alone() {
    let mut compared = 0;
    let mut differing = 0;
    for line in CORPUS.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let header = case["header"].as_str().unwrap();
        let word = |field: &str| case["expected"][field].as_str();
        let like: Vec<String> = (1..6)
            .map(|nth| {
                let mut header = header.to_owned();
                if let Some(id) = word("id") {
                    header = header.replacen(id, &grown(id, nth), 1);
                }
                if let Some((user, domain)) = word("for").and_then(|to| to.split_once('@')) {
                    let longer = format!("{user}{}@{domain}", "x".repeat(nth % 3));
                    header = header.replacen(&format!("{user}@{domain}"), &longer, 1);
                }
                header.replace(":0", if nth % 2 == 0 { ":1" } else { ":2" })
            })
            .collect();
        let together: Vec<String> = like.iter().map(|line| shown(line)).collect();
        for (line, together) in like.iter().zip(together) {
            let alone = std::thread::scope(|scope| scope.spawn(|| shown(line)).join().unwrap());
            assert_eq!(together, alone, "{line}");
            compared += 1;
            differing += usize::from(line != header);
        }
    }
    assert!(compared > 900 && differing > 800, "{compared}, {differing}");
}

/// An id with other digits, of which some are two.
fn grown(id: &str, nth: usize) -> String {
    let mut digits = 0;
    id.chars()
        .flat_map(|c| {
            let digit = c.is_ascii_digit();
            digits += usize::from(digit);
            let twice = digit && nth > 3 && digits == nth;
            let other = if digit {
                char::from(b'0' + (nth + digits) as u8 % 10)
            } else {
                c
            };
            std::iter::repeat_n(other, 1 + usize::from(twice))
        })
        .collect()
}

/// A message with this line, as it is published, and where each piece of it
/// stands.
fn shown(line: &str) -> String {
    let chain = Chain::parse(format!("{line}\n\n").as_bytes()).unwrap();
    let mut text = json::chain(&chain).to_string();
    for hop in &chain.hops {
        let received = &hop.received;
        let words = [&received.via, &received.with, &received.id, &received.for_];
        let pieces = words.into_iter().flatten();
        for piece in pieces.chain(&received.comments).chain(&received.other) {
            let _ = write!(text, "\n{:?} {}", hop.place(&piece.span), piece.text);
        }
        let ends = [
            received.from.as_ref().map(|from| &from.span),
            received.by.as_ref().map(|by| &by.span),
            received.date.as_ref().map(|date| &date.span),
        ];
        for span in ends.into_iter().flatten() {
            let _ = write!(text, "\n{:?}", hop.place(span));
        }
    }
    text
}

const FIELDS: [&str; 14] = [
    "tls",
    "version",
    "version_raw",
    "cipher",
    "bits",
    "protocol_keyword",
    "from_token",
    "from_helo",
    "from_rdns",
    "from_ip",
    "by",
    "id",
    "for",
    "date_iso",
];

fn read(hop: &Hop, field: &str, expected: &Value) -> Value {
    let received = &hop.received;
    let from = received.from.as_ref();
    let text = |piece: &Option<starttrace::trace::field::Piece>| {
        piece.as_ref().map(|piece| Value::from(piece.text.clone()))
    };
    let found = match field {
        "tls" => Some(Value::from(state(hop, expected.as_str().unwrap()))),
        "version" => hop.tls.version.map(|version| version.name().into()),
        "version_raw" => hop.tls.version_label.clone().map(Into::into),
        "cipher" => hop.tls.cipher_label.clone().map(Into::into),
        // Labels give the number as written; where it counts octets of a key,
        // `bits` is left open.
        "bits" => hop.tls.bits.map(Into::into).or_else(|| {
            let label = hop.tls.bits_label.as_deref()?;
            Some(label.parse::<u32>().ok()?.into())
        }),
        "protocol_keyword" => received.keyword().map(Into::into),
        "from_token" => from.and_then(|from| from.token.clone()).map(Into::into),
        "from_helo" => from.and_then(|from| from.helo.clone()).map(Into::into),
        "from_rdns" => from.and_then(|from| from.rdns.clone()).map(Into::into),
        "from_ip" => from
            .and_then(|from| from.ip)
            .map(|ip| ip.to_string().into()),
        "by" => received
            .by
            .as_ref()
            .and_then(|by| by.host.clone())
            .map(Into::into),
        "id" => text(&received.id),
        "for" => text(&received.for_),
        "date_iso" => received
            .date
            .as_ref()
            .map(|date| date.at.timestamp().to_string().into()),
        other => panic!("no such field: {other}"),
    };
    found.unwrap_or(Value::Null)
}

/// The label's word where the state fits it.
fn state(hop: &Hop, label: &str) -> String {
    let possible = hop.tls.standing == Some(Standing::Possible);
    match (hop.tls.state, label) {
        (TlsState::Encrypted, _) => "yes".into(),
        (TlsState::Cleartext, "no") => "no".into(),
        (TlsState::Cleartext, "no_note") if possible => "no_note".into(),
        (TlsState::Unstated | TlsState::NotApplicable, _) => "no_note".into(),
        (TlsState::Cleartext, _) => "no".into(),
    }
}

fn wrong_state(hop: &Hop, label: &str) -> Option<&'static str> {
    match (hop.tls.state, label) {
        (TlsState::Encrypted, "no" | "no_note") => Some("called encrypted"),
        (TlsState::Cleartext, "yes") => Some("called cleartext"),
        (TlsState::Cleartext, "no_note") if hop.tls.standing != Some(Standing::Possible) => {
            Some("called cleartext")
        }
        _ => None,
    }
}

fn same(field: &str, found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::String(found), Value::String(expected)) => match field {
            "date_iso" => {
                let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
                instant(found) == instant(expected)
            }
            "from_ip" => {
                found.parse::<std::net::IpAddr>().unwrap()
                    == expected.parse::<std::net::IpAddr>().unwrap()
            }
            _ => found.eq_ignore_ascii_case(expected),
        },
        _ => found == expected,
    }
}
