#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::report::json;
use crate::report::json::scan::{DomainData, InputLine, ListData};

fn run_line() -> String {
    let run = RunData {
        tool: "starttrace".into(),
        version: "0".into(),
        started: "2026-11-21T00:00:00Z".into(),
        resumed: false,
        options: BTreeMap::new(),
        list: ListData {
            name: "list".into(),
            hash: None,
        },
    };
    format!("{}\n", json::scan_run(&run))
}

fn domain_line(line: u64) -> String {
    let input = InputLine {
        line,
        text: "two\nlines \u{fc}".into(),
    };
    format!(
        "{}\n",
        json::scan_domain(&DomainData::invalid(input, "it is a test"))
    )
}

fn whole() -> String {
    let mut text = run_line();
    for line in [3, 1, 2, 70] {
        text.push_str(&domain_line(line));
    }
    text
}

/// The lines that are done, and the file afterwards.
fn resumed(octets: &[u8]) -> Result<(Vec<u64>, Vec<u8>), JournalError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.ndjson");
    std::fs::write(&path, octets).unwrap();
    let (journal, past) = Journal::open(&path, true)?;
    drop(journal);
    let done = past.map_or_else(Vec::new, |past| {
        (0..100).filter(|line| past.done.has(*line)).collect()
    });
    Ok((done, std::fs::read(&path).unwrap()))
}

#[test]
fn a_file_cut_at_any_octet_keeps_its_whole_lines() {
    let text = whole();
    for cut in 0..=text.len() {
        let (done, left) = resumed(&text.as_bytes()[..cut]).unwrap();
        let kept = &text.as_bytes()[..cut];
        let lines = kept.iter().filter(|octet| **octet == b'\n').count();
        let mut expected: Vec<u64> = [3, 1, 2, 70]
            .into_iter()
            .take(lines.saturating_sub(1))
            .collect();
        expected.sort_unstable();
        assert_eq!(done, expected, "cut at {cut}");
        let end = kept
            .iter()
            .rposition(|octet| *octet == b'\n')
            .map_or(0, |at| at + 1);
        assert_eq!(left, &text.as_bytes()[..end], "cut at {cut}");
    }
}

#[test]
fn what_a_power_cut_left_behind_is_cut_off() {
    let text = whole();
    for tail in [
        &[0_u8; 5000][..],
        b"{\"schema\":\"1.0\",\"ty\0\0\0\n\0\0",
        b"\n\n",
        b"\xff\n",
    ] {
        let octets = [text.as_bytes(), tail].concat();
        let (done, left) = resumed(&octets).unwrap();
        assert_eq!(done, [1, 2, 3, 70]);
        assert_eq!(left, text.as_bytes());
    }
    assert!(resumed(&[0; 100]).unwrap().0.is_empty());
}

#[test]
fn a_file_that_is_not_ours_is_left_as_it_is() {
    let newer = run_line().replace("\"schema\":\"1.0\"", "\"schema\":\"1.1\"");
    let middle = format!("{}garbage\n{}", run_line(), domain_line(1));
    for (octets, word) in [
        ("some notes\n".to_owned(), "no run line"),
        ("some notes".to_owned(), "no run line"),
        (domain_line(1), "no run line"),
        (newer, "later version"),
        (middle, "line 2"),
    ] {
        let error = resumed(octets.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(word), "{octets}: {error}");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.ndjson");
    std::fs::write(&path, "notes").unwrap();
    assert!(matches!(
        Journal::open(&path, false),
        Err(JournalError::NotEmpty)
    ));
    assert_eq!(std::fs::read(&path).unwrap(), b"notes");
}

#[cfg(unix)]
#[test]
fn two_scans_cannot_have_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.ndjson");
    let (first, _) = Journal::open(&path, false).unwrap();
    assert!(matches!(
        Journal::open(&path, true),
        Err(JournalError::Busy)
    ));
    drop(first);
    assert!(Journal::open(&path, true).is_ok());
}

#[test]
fn the_summary_ends_it_until_another_line_follows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.ndjson");
    let summary = "{\"schema\":\"1.0\",\"type\":\"summary\",\"data\":{\"of\":\"scan\"}}\n";
    std::fs::write(&path, whole() + summary).unwrap();
    let (mut journal, past) = Journal::open(&path, true).unwrap();
    let past = past.unwrap();
    assert!(past.ended);
    assert_eq!(
        (
            past.done.count(),
            past.tally.lines,
            past.tally.answers.unknown
        ),
        (4, 4, 4)
    );
    journal.append(domain_line(9).as_bytes()).unwrap();
    drop(journal);
    let (_, past) = Journal::open(&path, true).unwrap();
    assert!(!past.unwrap().ended);
}

proptest! {
    #[test]
    fn line_numbers_are_kept(lines in proptest::collection::vec(0_u64..100_000, 0..200)) {
        let mut done = Done::default();
        for line in &lines {
            done.add(*line);
        }
        let distinct: std::collections::HashSet<_> = lines.iter().collect();
        prop_assert_eq!(done.count(), distinct.len() as u64);
        prop_assert!(lines.iter().all(|line| done.has(*line)));
        prop_assert!(!done.has(u64::MAX));
    }

    #[test]
    fn any_octets_are_read_without_harm(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = resumed(&octets);
        let after = [whole().as_bytes(), &octets].concat();
        if let Ok((done, _)) = resumed(&after) {
            prop_assert_eq!(done, vec![1, 2, 3, 70]);
        }
    }
}
