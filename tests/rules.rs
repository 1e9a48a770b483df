//! Every rule that a probe has to obey (`tests/rules.tsv`: id, RFC and section,
//! the rule, and why no test has it, or `-`) is held by a test: a function whose
//! name begins with the ids it holds, or a world whose `about` does.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_rule_is_held_by_a_test() {
    let mut held = BTreeSet::new();
    for folder in ["src", "tests"] {
        gather(&repository().join(folder), &mut held);
    }
    let table = std::fs::read_to_string(repository().join("tests/rules.tsv")).unwrap();
    let mut faults = Vec::new();
    let mut ids = BTreeSet::new();
    for row in table.lines().filter(|row| !row.starts_with('#')) {
        let fields: Vec<&str> = row.split('\t').collect();
        let [id, source, rule, exempt] = fields[..] else {
            panic!("{row:?} has not four fields");
        };
        assert!(ids.insert(id), "{id} stands twice");
        assert!(
            source.starts_with("RFC ") && source.contains(", section "),
            "{row}"
        );
        assert!(!rule.is_empty() && !exempt.is_empty(), "{row}");
        if exempt == "-" && !held.contains(id) {
            faults.push(format!("{id} ({source}: {rule}) has no test"));
        }
    }
    assert!(ids.len() > 80, "the table is cut off");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The ids in the names of functions and in the worlds of a folder.
fn gather(folder: &Path, held: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().and_then(|e| e.to_str());
        if path.is_dir() {
            gather(&path, held);
        } else if extension == Some("rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                let Some((_, name)) = line.split_once("fn ") else {
                    continue;
                };
                let words = name.split(['_', '(']);
                held.extend(
                    words
                        .filter(|word| *word != "and")
                        .map_while(|word| id(&word.to_ascii_uppercase())),
                );
            }
        } else if extension == Some("toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let about = text
                .lines()
                .find_map(|line| line.strip_prefix("about = \""))
                .and_then(|about| about.split_once(": "));
            if let Some((ids, _)) = about {
                held.extend(ids.split(", ").map_while(id));
            }
        }
    }
}

/// `MX3`, `S12`: letters, then a number.
fn id(word: &str) -> Option<String> {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let letters = word.len() - digits.len();
    let well_formed = (1..=2).contains(&letters)
        && (1..=2).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit());
    well_formed.then(|| word.to_owned())
}
