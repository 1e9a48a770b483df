//! Every rule that a probe has to obey (`tests/rules.tsv`: id, RFC and section,
//! the rule, and why no test has it, or `-`) is held by a test: a test function
//! whose name begins with the ids it holds, or a world whose `about` does. A
//! world is run by `worlds`, which fails on one that it does not list.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_rule_is_held_by_a_test() {
    let mut held = BTreeMap::new();
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
            source == "own rule" || (source.starts_with("RFC ") && source.contains(", section ")),
            "{row}"
        );
        assert!(!rule.is_empty() && !exempt.is_empty(), "{row}");
        match (exempt, held.get(id)) {
            ("-", None) => faults.push(format!("{id} ({source}: {rule}) has no test")),
            ("-", Some(_)) | (_, None) => {}
            (_, Some(by)) => faults.push(format!("{id} is exempt, and held by {by}")),
        }
    }
    for (id, by) in &held {
        // `u8` and `s3` in the name of a test are no ids.
        let letters = id.trim_end_matches(|c: char| c.is_ascii_digit());
        if ids.iter().any(|known| known.starts_with(letters)) && !ids.contains(id.as_str()) {
            faults.push(format!("{id}, which {by} holds, is not in the table"));
        }
    }
    assert!(ids.len() > 120, "the table is cut off");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The ids in the names of tests and in the worlds of a folder, each with one
/// that holds it.
fn gather(folder: &Path, held: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().and_then(|e| e.to_str());
        if path.is_dir() {
            gather(&path, held);
        } else if extension == Some("rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim_start) {
                is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
                let Some((_, name)) = line.split_once("fn ") else {
                    continue;
                };
                if !std::mem::take(&mut is_test) {
                    continue;
                }
                let words = name.split(['_', '(']);
                let ids = words
                    .filter(|word| *word != "and")
                    .map_while(|word| id(&word.to_ascii_uppercase()));
                let by = name.split('(').next().unwrap_or_default();
                held.extend(ids.map(|id| (id, by.to_owned())));
            }
        } else if extension == Some("toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let about = text
                .lines()
                .find_map(|line| line.strip_prefix("about = \""))
                .and_then(|about| about.split_once(": "));
            if let Some((ids, _)) = about {
                let by = path.file_name().unwrap().to_string_lossy();
                let ids = ids.split(", ").map_while(id);
                held.extend(ids.map(|id| (id, by.clone().into_owned())));
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
