//! Worlds of files: what people hold, whole and broken, and what is read there.
#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::path::Path;

use proptest::prelude::ProptestConfig;
use starttrace::mailbox::{self, Limits, RawMessage, ReadError, Unreadable};

#[path = "mailboxes/attached.rs"]
mod attached;
#[path = "mailboxes/folders.rs"]
mod folders;
#[path = "mailboxes/gzip.rs"]
mod gzip;
#[path = "mailboxes/mbox.rs"]
mod mbox;
#[path = "mailboxes/noted.rs"]
mod noted;
#[path = "mailboxes/outlook.rs"]
mod outlook;
#[path = "mailboxes/parallel.rs"]
mod parallel;
#[path = "mailboxes/pasted.rs"]
mod pasted;
#[path = "mailboxes/single.rs"]
mod single;

type Item = Result<RawMessage, ReadError>;

/// A header section with two hops and folds.
const HEADER: &str = "Received: from a.example (a.example [192.0.2.1])\n\
    \tby b.example (Postfix) with ESMTPS id 4XkQ2c1Zz9\n\
    \tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000\n\
    Received: from c.example by a.example with ESMTP; Tue, 03 Nov 2026 09:14:05 +0000\n\
    Message-ID: <1@c.example>\n\
    From: Bo <bo@c.example>\n\
    Subject: an invoice\n";

/// Cases enough to meet the usual trouble on every run; `PROPTEST_CASES` asks
/// for more.
fn quick() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|cases| cases.parse().ok()).unwrap_or(96),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Everything that a file with these octets gives.
fn items(octets: &[u8]) -> Vec<Item> {
    items_of(octets, None, &Limits::default())
}

fn items_of(octets: &[u8], part: Option<usize>, limits: &Limits) -> Vec<Item> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, octets).unwrap();
    collect(mailbox::open(&path, limits), part)
}

/// Everything that a stream gives which hands out so few octets at a time.
fn items_in_pieces(octets: &[u8], piece: usize) -> Vec<Item> {
    let stream = Pieces {
        octets: octets.to_vec(),
        at: 0,
        piece,
    };
    collect(mailbox::read(stream, "-", &Limits::default()), None)
}

fn collect(opened: Result<mailbox::Messages, ReadError>, part: Option<usize>) -> Vec<Item> {
    match (opened, part) {
        (Err(error), _) => vec![Err(error)],
        (Ok(messages), None) => messages.collect(),
        (Ok(messages), Some(part)) => messages.part(part).collect(),
    }
}

/// The messages, where nothing else was expected.
fn messages(octets: &[u8]) -> Vec<RawMessage> {
    items(octets).into_iter().map(Result::unwrap).collect()
}

/// What was wrong, where nothing else was expected.
fn trouble(octets: &[u8]) -> Unreadable {
    let mut items = items(octets);
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0).unwrap_err().why
}

/// A message's octets stand where it says, in a file that is not compressed.
fn assert_in_place(message: &RawMessage, file: &[u8]) {
    if !message.is_verbatim() {
        return;
    }
    let end = message.offset + message.octets.len();
    assert_eq!(file.get(message.offset..end), Some(&message.octets[..]));
    let before = &file[..message.offset];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    assert_eq!(message.line, line);
}

fn all_in(path: &Path) -> Vec<Item> {
    collect(mailbox::open(path, &Limits::default()), None)
}

/// The header section of a message, without its blank line.
fn header_of(message: &RawMessage) -> String {
    let text = String::from_utf8_lossy(&message.octets).replace("\r\n", "\n");
    match text.split_once("\n\n") {
        Some((header, _)) => format!("{header}\n"),
        None => text,
    }
}

struct Pieces {
    octets: Vec<u8>,
    at: usize,
    piece: usize,
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.octets[self.at..];
        let count = rest.len().min(self.piece).min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
