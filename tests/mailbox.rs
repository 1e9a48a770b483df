//! Worlds of files: what people hold, whole and broken, and what is read there.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use starttrace::mailbox::{self, Limits, RawMessage, ReadError, Unreadable};
use starttrace::trace::chain::SourceKind;

const RECEIVED: &str = "Received: from a.example (a.example [192.0.2.1])\n\tby b.example with ESMTPS id 1; Tue, 3 Nov 2026 09:14:07 +0000\n";

fn read(name: &str, octets: &[u8]) -> Vec<Result<RawMessage, ReadError>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, octets).unwrap();
    match mailbox::open(&path, &Limits::default()) {
        Ok(messages) => messages.collect(),
        Err(error) => vec![Err(error)],
    }
}

#[test]
fn a_saved_message_is_read_with_the_start_of_its_body() {
    let text = format!("{RECEIVED}Subject: x\n\nhello\n");
    let all = read("a", text.as_bytes());
    assert_eq!(all.len(), 1);
    let one = all[0].as_ref().unwrap();
    assert_eq!(one.kind, SourceKind::Eml);
    assert_eq!(one.octets, text.as_bytes());
    assert_eq!((one.offset, one.line), (0, 1));
}

#[test]
fn an_mbox_gives_its_messages_with_their_places() {
    let text = format!(
        "From a@x Tue Nov  3 09:14:07 2026\n{RECEIVED}\nbody\n\nFrom here on, it is text\n\nFrom b@x Tue Nov  3 09:14:08 2026\n{RECEIVED}\n"
    );
    let all = read("m", text.as_bytes());
    assert_eq!(all.len(), 2);
    for one in &all {
        let one = one.as_ref().unwrap();
        let stands = &text.as_bytes()[one.offset..one.offset + one.octets.len()];
        assert_eq!(one.octets, stands);
        let line = text[..one.offset].matches('\n').count() + 1;
        assert_eq!(one.line, line);
    }
}

#[test]
fn what_is_no_message_is_named() {
    let why = |octets: &[u8]| read("f", octets).remove(0).unwrap_err().why;
    assert_eq!(why(b""), Unreadable::Empty);
    assert_eq!(why(b"\n \n"), Unreadable::Empty);
    assert_eq!(why(&[0; 5000]), Unreadable::Binary);
    assert!(matches!(why(b"PK\x03\x04abc"), Unreadable::Foreign(_)));
    let gone = mailbox::open(Path::new("/nonexistent/x"), &Limits::default());
    assert_eq!(gone.unwrap_err().why, Unreadable::NotFound);
}
