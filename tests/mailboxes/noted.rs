use std::fs::File;
use std::path::Path;

use starttrace::mailbox::{self, Limits, Notes, RawMessage};

use crate::HEADER;

const MARK: &str = "From bo@c.example Tue Nov  3 09:14:07 2026\n";
const ARMOUR: &str = "-----BEGIN PGP MESSAGE-----";

fn mailbox(bodies: &[String]) -> String {
    let message = |body: &String| format!("{MARK}{HEADER}\n{body}\n\n");
    bodies.iter().map(message).collect()
}

fn read(path: &Path, notes: Option<&Notes>) -> Vec<RawMessage> {
    let messages = mailbox::open(path, &Limits::default()).unwrap();
    match notes {
        Some(notes) => messages.noting(notes).map(Result::unwrap).collect(),
        None => messages.map(Result::unwrap).collect(),
    }
}

/// Where a message stands, its header section, and whether it is encrypted.
fn seen(messages: &[RawMessage]) -> Vec<(usize, usize, usize, u64, String, bool)> {
    let of = |message: &RawMessage| {
        let text = String::from_utf8_lossy(&message.octets).into_owned();
        let (header, body) = text.split_once("\n\n").unwrap();
        let armoured = body.starts_with(ARMOUR) || body.contains(&format!("\n{ARMOUR}"));
        let (index, offset, line) = (message.index, message.offset, message.line);
        (
            index,
            offset,
            line,
            message.size_so_far,
            header.to_owned(),
            armoured,
        )
    };
    messages.iter().map(of).collect()
}

/// Bodies of many lengths, some with an inline PGP message, which shows only
/// where it stands whole among the first octets.
fn bodies() -> Vec<String> {
    let lines = |octets: usize| "a line of it\n".repeat(octets / 13);
    let limit = Limits::default().body;
    let mut bodies: Vec<String> = [0, 13, 400, 15_000, 17_000, 40_000, 300_000]
        .map(lines)
        .into();
    for before in [0, 100, limit - 28, limit - 27, limit - 26, limit, 40_000] {
        let text = "x".repeat(before.saturating_sub(1));
        let text = if before == 0 { text } else { text + "\n" };
        bodies.push(format!("{text}{ARMOUR}\nabc\n"));
        bodies.push(format!("{text}{ARMOUR}\n{}", lines(30_000)));
        bodies.push(format!("{text} {ARMOUR}\n"));
    }
    // A short one before one that begins with such a message.
    bodies.extend(["short".to_owned(), format!("{ARMOUR}\n")]);
    bodies.extend((0..300).map(|number| lines(number * 150)));
    bodies
}

#[test]
fn a_second_reading_with_notes_finds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mbox");
    let mut bodies = bodies();
    std::fs::write(&path, mailbox(&bodies)).unwrap();
    let plain = seen(&read(&path, None));
    assert_eq!(plain.len(), bodies.len());
    assert!(plain.iter().filter(|message| message.5).count() >= 8);
    let notes = Notes::default();
    for _ in 0..3 {
        assert_eq!(seen(&read(&path, Some(&notes))), plain);
    }
    // Another mailbox meanwhile.
    bodies.reverse();
    bodies.push("one more".to_owned());
    std::fs::write(&path, mailbox(&bodies)).unwrap();
    let plain = seen(&read(&path, None));
    assert_eq!(seen(&read(&path, Some(&notes))), plain);
}

#[test]
fn notes_that_lead_astray_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mbox");
    let bodies = bodies();
    std::fs::write(&path, mailbox(&bodies)).unwrap();
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let notes = Notes::default();
    let all = read(&path, Some(&notes));
    // The same length and time, and other messages.
    let reversed: Vec<String> = bodies.into_iter().rev().collect();
    std::fs::write(&path, mailbox(&reversed)).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    let found = read(&path, Some(&notes));
    let plain = read(&path, None);
    assert_eq!(
        found.first().map(|message| message.offset),
        Some(MARK.len())
    );
    assert_eq!(plain.len(), all.len());
    // The search goes on where the first note led to, and finds what follows.
    assert!(found.len() > plain.len() / 2, "{}", found.len());
    let last = |messages: &[RawMessage]| messages.last().map(|message| message.offset);
    assert_eq!(last(&found), last(&plain));
}
