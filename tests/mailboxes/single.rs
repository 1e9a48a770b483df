use std::io::{Cursor, Read, repeat};
use std::path::Path;

use proptest::prelude::*;
use starttrace::mailbox::{self, Limits, Unreadable};
use starttrace::trace::chain::SourceKind;

use crate::{HEADER, assert_in_place, items, items_in_pieces, messages, trouble};

#[test]
fn a_saved_message_is_read_with_the_start_of_its_body() {
    for (mark, end) in [
        ("", "\n"),
        ("", "\r\n"),
        ("\u{FEFF}", "\r\n"),
        ("\r\n\n", "\n"),
    ] {
        let text = format!("{mark}{}", format!("{HEADER}\nhello\n").replace('\n', end));
        let all = messages(text.as_bytes());
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].kind, SourceKind::Eml);
        assert!(all[0].octets.starts_with(b"Received:"));
        assert!(all[0].octets.ends_with(format!("hello{end}").as_bytes()));
        assert!(all[0].is_verbatim());
        assert_in_place(&all[0], text.as_bytes());
    }
}

#[test]
fn a_header_section_alone_is_one_too() {
    let all = messages(HEADER.as_bytes());
    assert_eq!(all[0].kind, SourceKind::Headers);
    assert!(!all[0].header_unfinished);
    let cut = &HEADER.as_bytes()[..HEADER.len() - 5];
    assert!(messages(cut)[0].header_unfinished);
}

#[test]
fn apples_mail_counts_before_the_message() {
    let text = format!("812       \n{HEADER}\nhello\n<?xml version=\"1.0\"?>\n");
    let all = messages(text.as_bytes());
    assert!(all[0].octets.starts_with(b"Received:"));
    assert_in_place(&all[0], text.as_bytes());
}

#[test]
fn what_is_no_message_is_named() {
    let mut tar = vec![b'x'; 600];
    tar[257..262].copy_from_slice(b"ustar");
    let cases: [(&[u8], Unreadable); 8] = [
        (b"", Unreadable::Empty),
        (b"\n \r\n\t", Unreadable::Empty),
        (b"\xEF\xBB\xBF", Unreadable::Empty),
        (&[0; 5000], Unreadable::Binary),
        (&[1, 2, 3, 4, 5, 6, 200, 10, 7], Unreadable::Binary),
        (
            b"once upon a time\nthere was no header\n",
            Unreadable::NotAMessage,
        ),
        (
            b"PK\x03\x04rest",
            Unreadable::Foreign("a zip archive; unpack it first"),
        ),
        (&tar, Unreadable::Foreign("a tar archive; unpack it first")),
    ];
    for (octets, expected) in cases {
        assert_eq!(
            trouble(octets),
            expected,
            "{}",
            String::from_utf8_lossy(octets)
        );
    }
}

#[test]
fn a_path_that_leads_nowhere_says_so() {
    let gone = mailbox::open(Path::new("/nonexistent/x"), &Limits::default()).unwrap_err();
    assert_eq!(gone.why, Unreadable::NotFound);
    assert_eq!(gone.to_string(), "/nonexistent/x: no such file or folder");
}

#[test]
fn a_header_section_without_end_is_cut_and_said_to_be() {
    let field = "X-Filler: abcdefghijklmnopqrstuvwxyz\n";
    let text = format!("{HEADER}{}\nbody\n", field.repeat(60_000));
    let one = &messages(text.as_bytes())[0];
    assert!(one.header_truncated);
    assert!(one.octets.len() <= Limits::default().header);
    assert!(
        one.octets.ends_with(field.as_bytes()),
        "the last line is whole"
    );
    assert_in_place(one, text.as_bytes());
}

#[test]
fn a_line_without_end_is_passed() {
    let endless = Cursor::new(format!("{HEADER}X-Long: ")).chain(repeat(b'a').take(16 << 20));
    let mut messages = mailbox::read(endless, "-", &Limits::default()).unwrap();
    let one = messages.next().unwrap().unwrap();
    assert!(one.header_truncated);
    assert!(one.octets.len() <= 1 << 20);
    assert!(messages.next().is_none());
}

#[test]
fn octets_that_are_no_text_do_no_harm() {
    let mut text = HEADER.as_bytes().to_vec();
    text.extend_from_slice(b"X-Odd: \0\0\xFF\xFE\x80\nX-More: \x1b[2J\n\n\0\0");
    let one = &messages(&text)[0];
    assert_eq!(one.octets, text);
}

proptest! {
    #![proptest_config(crate::quick())]

    #[test]
    fn nothing_panics_and_what_is_given_stands_there(
        octets in prop::collection::vec(any::<u8>(), 0..600),
        opening in prop::sample::select(vec![
            "", "From a@b Tue Nov  3 09:14:07 2026\nA: b\n\n", "A: b\n", "> A: b\n", "\u{FEFF}",
            "<html>", "\n\n",
        ]),
        piece in 1_usize..400,
    ) {
        let mut file = opening.as_bytes().to_vec();
        file.extend_from_slice(&octets);
        let whole = items(&file);
        for message in whole.iter().flatten() {
            assert_in_place(message, &file);
        }
        let mut pieces = items_in_pieces(&file, piece);
        prop_assert_eq!(whole.len(), pieces.len());
        for (whole, piece) in whole.into_iter().zip(&mut pieces) {
            match (whole, piece) {
                (Ok(whole), Ok(piece)) => prop_assert_eq!(&whole.octets, &piece.octets),
                (Err(whole), Err(piece)) => prop_assert_eq!(&whole.why, &piece.why),
                (whole, piece) => prop_assert!(false, "{:?} {:?}", whole, piece),
            }
        }
    }

    #[test]
    fn text_like_header_sections_does_no_harm(
        lines in prop::collection::vec(prop::sample::select(vec![
            "Received: from a by b; x", "Received:from a", "\tfold", " ", "", "for <x@y>", "From x",
            "From a@b Tue Nov  3 09:14:07 2026", ">From a", "> Received: from q", ">", "| x: y",
            "&lt;a&gt;", "<br>", "<pre>", "</div>", "Subject: x", "SPF:\tPASS", "12345", "\0", "é",
            "Content-Type: multipart/mixed; boundary=b", "--b", "--b--", "Content-Length: 20",
            "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "QTogYg==",
        ]), 0..40),
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        part in prop::option::of(1_usize..4),
    ) {
        let file = lines.join(end);
        for message in crate::items_of(file.as_bytes(), part, &Limits::default()).iter().flatten() {
            assert_in_place(message, file.as_bytes());
            for at in 0..message.octets.len() {
                if let Some(place) = message.place(at) {
                    prop_assert!(place.offset <= file.len());
                }
            }
        }
    }
}
