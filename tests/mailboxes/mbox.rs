use std::io::Write;

use proptest::prelude::*;
use starttrace::mailbox::{self, Limits};
use starttrace::trace::chain::SourceKind;

use crate::{HEADER, assert_in_place, header_of, items, items_in_pieces, messages};

const MARK: &str = "From bo@c.example Tue Nov  3 09:14:07 2026\n";

#[test]
fn dialects_of_mailboxes() {
    // What follows the first message, and how many messages there are.
    let embedded = format!("x\n\n{MARK}{HEADER}\nthe forwarded one\n\n");
    let cases = [
        ("mboxo, mboxrd", format!("{MARK}{HEADER}\n>From here\n>>From there\n\n{MARK}{HEADER}\n"), 2),
        ("prose", format!("{MARK}{HEADER}\n\nFrom here on, it is text\n\n{MARK}{HEADER}\n"), 2),
        ("prose with a date", format!("{MARK}{HEADER}\nx\nFrom Tue Nov 3 09:14:07 2026\nA: b\n"), 1),
        ("prose with a colon", format!("{MARK}{HEADER}\nx\n\nFrom Bob\nSubject: y\n"), 1),
        ("no blank line", format!("{MARK}{HEADER}\ncut short\n{MARK}{HEADER}\n"), 2),
        ("header sections alone", format!("{MARK}{HEADER}{MARK}{HEADER}{MARK}{HEADER}"), 3),
        ("no date", format!("From -\n{HEADER}\nx\n\nFrom -\nSubject: y\n\nz\n"), 2),
        ("no date but a trace", format!("{MARK}{HEADER}\nx\n\nFrom -\n{HEADER}\n"), 2),
        (
            "a patch in a body",
            format!("{MARK}{HEADER}\n\nFrom 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: Al\n\nx\n"),
            1,
        ),
        (
            "patches",
            "From 01 Mon Sep 17 00:00:00 2001\nFrom: Al\n\nx\n\nFrom 02 Mon Sep 17 00:00:00 2001\nFrom: Al\n\ny\n".to_owned(),
            2,
        ),
        ("Gmail's export", format!("From 18@xxx Tue Nov 03 09:14:07 +0000 2026\n{HEADER}\nx\n\nFrom 19@xxx Tue Nov 03 09:14:08 +0000 2026\n{HEADER}\n"), 2),
        ("UUCP", format!("{MARK}>From a Tue Nov 3 09:14 1998 remote from b\n{HEADER}\nx\n"), 1),
        (
            "mboxcl2",
            format!("{MARK}Content-Length: {}\n{HEADER}\n{embedded}{MARK}{HEADER}\n", embedded.len()),
            2,
        ),
        (
            "a wrong length",
            format!("{MARK}Content-Length: {}\n{HEADER}\n{embedded}{MARK}{HEADER}\n", embedded.len() - 3),
            3,
        ),
        (
            "a length that another writer left",
            format!("{MARK}{HEADER}\nx\n\n{MARK}Content-Length: {}\n{HEADER}\n{embedded}{MARK}{HEADER}\n", embedded.len()),
            4,
        ),
    ];
    for (name, text, count) in cases {
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            // Lengths are those of the form without CR.
            if text.contains('\r') && text.contains("Content-Length") {
                continue;
            }
            let all = messages(text.as_bytes());
            assert_eq!(all.len(), count, "{name}");
            for (index, message) in all.iter().enumerate() {
                assert_eq!(message.kind, SourceKind::Mbox);
                assert_eq!(message.index, index);
                assert!(!message.octets.starts_with(b"From "), "{name}");
                assert_in_place(message, text.as_bytes());
            }
            for piece in [1, 7, 4096] {
                let pieces = items_in_pieces(text.as_bytes(), piece);
                assert_eq!(pieces.len(), count, "{name} in pieces of {piece}");
            }
        }
    }
}

#[test]
fn a_length_is_believed_where_it_reaches_far() {
    let body = format!(
        "{}\n{MARK}{HEADER}\nforwarded\n\n",
        "long\n".repeat(250_000)
    );
    let text = format!(
        "{MARK}Content-Length: {}\n{HEADER}\n{body}{MARK}{HEADER}\n",
        body.len()
    );
    let all = messages(text.as_bytes());
    assert_eq!(all.len(), 2);
    assert_in_place(&all[1], text.as_bytes());
}

#[test]
fn octets_never_written_part_messages_too() {
    let mut text = vec![0; 5000];
    text.extend_from_slice(format!("{MARK}{HEADER}\nbody").as_bytes());
    text.extend_from_slice(&[0; 70_000]);
    text.extend_from_slice(format!("{MARK}{HEADER}\nbody\n").as_bytes());
    let all = messages(&text);
    assert_eq!(all.len(), 2);
    for message in &all {
        assert_in_place(message, &text);
        assert_eq!(header_of(message), HEADER);
    }
}

#[test]
fn a_whole_block_never_written_is_passed() {
    for nuls in [64 << 10, 100_000, 3 << 20] {
        let mut text = vec![0; nuls];
        text.extend_from_slice(format!("{MARK}{HEADER}\nbody\n\n").repeat(3).as_bytes());
        let all = messages(&text);
        assert_eq!(all.len(), 3, "{nuls}");
        for message in &all {
            assert_in_place(message, &text);
            assert_eq!(header_of(message), HEADER);
        }
    }
    assert_eq!(items(&vec![0; 200_000]).iter().flatten().count(), 0);
}

#[test]
fn a_mailbox_cut_short_keeps_what_was_before() {
    let text = format!("{MARK}{HEADER}\nbody\n\n{MARK}{HEADER}\nbody\n");
    for end in 60..text.len() {
        let all = items(&text.as_bytes()[..end]);
        assert!(!all.is_empty());
        for message in all.iter().flatten() {
            assert_in_place(message, text.as_bytes());
            assert!(HEADER.starts_with(&header_of(message)) || header_of(message) == HEADER);
        }
    }
}

#[test]
fn borders_fall_anywhere_in_a_block() {
    // The second postmark moves over the border of the first blocks.
    for border in [16 << 10, 64 << 10] {
        for shift in (0..60).step_by(3) {
            let start = format!("{MARK}{HEADER}\n");
            let filler = border - start.len() - shift;
            let text = format!("{start}{}\n\n{MARK}{HEADER}\nend\n", "x".repeat(filler));
            let all = messages(text.as_bytes());
            assert_eq!(all.len(), 2, "{border} {shift}");
            assert_in_place(&all[1], text.as_bytes());
            assert_eq!(header_of(&all[1]), HEADER);
        }
    }
}

#[test]
fn large_mailboxes_cost_no_memory() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let message = format!("{MARK}{HEADER}\n{}\n", "text of a body\n".repeat(4000));
    for _ in 0..100 {
        file.write_all(message.as_bytes()).unwrap();
    }
    let mut count = 0;
    for message in mailbox::open(file.path(), &Limits::default()).unwrap() {
        let message = message.unwrap();
        assert!(message.octets.capacity() < 64 << 10);
        count += 1;
    }
    assert_eq!(count, 100);
}

#[test]
fn lines_like_postmarks_take_no_time() {
    for line in [
        "From \n",
        "\nFrom a Tue Nov  3 09:14:07 2026\n",
        "\0From ",
        ">From \n",
    ] {
        let text = format!("{MARK}{HEADER}\n{}", line.repeat((2 << 20) / line.len()));
        let started = std::time::Instant::now();
        assert!(!items(text.as_bytes()).is_empty());
        assert!(started.elapsed().as_secs() < 20, "{line:?}");
    }
}

/// A message as a mailbox of the mboxrd kind holds it.
fn stored(header: &[String], body: &[&str]) -> String {
    let mut text = MARK.to_owned();
    for line in header {
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    for line in body {
        if line.trim_start_matches('>').starts_with("From ") {
            text.push('>');
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn a_header() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("(Received|Return-Path|Delivered-To): [ -~]{0,60}", 1..2).prop_flat_map(
        |first| {
            prop::collection::vec("([A-Z][a-z-]{1,12}: [ -~é]{0,80}|\t[ -~]{1,40})", 0..12)
                .prop_map(move |more| first.iter().cloned().chain(more).collect())
        },
    )
}

fn a_body() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(
        prop::sample::select(vec![
            "",
            "",
            "text",
            "From here",
            ">From there",
            "Received: from x",
            "Subject: y",
            "From bo@c.example Tue Nov  3 09:14:07 2026",
            "From ",
            "From",
            "\0",
            "é\u{202e}",
            "\r",
            "--boundary",
            "a line that is a little longer than the others are, and then some",
        ]),
        0..20,
    )
}

proptest! {
    #![proptest_config(crate::quick())]

    #[test]
    fn no_header_is_lost_however_mailboxes_are_joined(
        parts in prop::collection::vec((a_header(), a_body()), 1..8),
        gaps in prop::collection::vec(prop::sample::select(vec!["", "\n", "\n\n"]), 8),
        piece in prop::sample::select(vec![1, 3, 17, 1000, 100_000]),
    ) {
        let mut text = String::new();
        for ((header, body), gap) in parts.iter().zip(&gaps) {
            text.push_str(&stored(header, body));
            text.push_str(gap);
        }
        let read: Vec<_> = items_in_pieces(text.as_bytes(), piece).into_iter().map(Result::unwrap).collect();
        prop_assert_eq!(read.len(), parts.len());
        for (message, (header, _)) in read.iter().zip(&parts) {
            assert_in_place(message, text.as_bytes());
            let expected = format!("{}\n", header.join("\n"));
            prop_assert_eq!(header_of(message), expected);
        }
    }
}
