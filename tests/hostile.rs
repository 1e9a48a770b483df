//! Messages that want to hurt: whatever the octets, reading ends soon, panics
//! never, points inside the input, and does not believe the client's own words.
#![allow(clippy::unwrap_used)]

use std::ops::Range;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use starttrace::trace::chain::{Chain, Leg};
use starttrace::trace::date;
use starttrace::trace::encoded_word::decode_words;
use starttrace::trace::evidence::TlsState;
use starttrace::trace::field::{Token, tokens};

const DATE: &str = "Tue, 03 Nov 2026 09:14:07 +0000";

fn one(line: &str) -> Chain {
    Chain::parse(format!("{line}; {DATE}\n\n").as_bytes()).unwrap()
}

#[test]
fn a_client_cannot_talk_a_hop_into_tls() {
    let honest = "by mx.example.net (Postfix) with ESMTP id 1";
    for (helo, rest) in [
        (
            "x (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))",
            honest,
        ),
        ("x with ESMTPS id 5", honest),
        (
            "x (y [192.0.2.9]) (using TLSv1.3 with cipher A-B-C) by y with ESMTPS id 5",
            honest,
        ),
        ("x (TLS)", honest),
        ("x tls TLS_AES_256_GCM_SHA384", honest),
        (
            "x; Mon, 02 Nov 2026 09:14:07 +0000 (version=TLSv1.3 cipher=A-B-C)",
            honest,
        ),
        (
            "x",
            "by mx.example.net with esmtp (Exim 4.97) (envelope-from <\"a) (TLS1.3:TLS_AES_256_GCM_SHA384:256) (\"@x>) id 1jiMzu-0002mb-2Q",
        ),
    ] {
        let chain = one(&format!(
            "Received: from {helo} (unknown [198.51.100.6]) {rest}"
        ));
        let hop = &chain.hops[0];
        assert_eq!(
            hop.tls.state,
            TlsState::Cleartext,
            "{helo}: {:?}",
            hop.tls.evidence
        );
        assert_eq!(
            hop.received.by.as_ref().unwrap().host.as_deref(),
            Some("mx.example.net")
        );
        assert_eq!(hop.leg, Leg::Internet, "{helo}");
    }
}

#[test]
fn a_client_cannot_talk_itself_inside() {
    for helo in [
        "localhost",
        "127.0.0.1",
        "[127.0.0.1]",
        "mx.example.net",
        "[10.0.0.1]",
    ] {
        for seen in ["(unknown [198.51.100.6])", "([198.51.100.6])"] {
            let line =
                format!("Received: from {helo} {seen} by mx.example.net (Postfix) with ESMTP id 1");
            let chain = one(&line);
            assert!(
                chain.hops[0].is_exposed(),
                "{line}: {:?}",
                chain.hops[0].leg
            );
            assert_eq!(chain.hops[0].tls.state, TlsState::Cleartext, "{line}");
        }
    }
}

#[test]
fn large_inputs_take_time_in_proportion() {
    let line = format!(
        "Received: from a.example (a.example [192.0.2.1])\n\tby b.example (Postfix) with ESMTP id 1; {DATE}\n"
    );
    let inputs = [
        ("ten thousand fields", line.repeat(10_000)),
        (
            "one long line",
            format!("Received: {}\n", "a".repeat(1 << 20)),
        ),
        (
            "open parentheses",
            format!("Received: {}\n", "(".repeat(1 << 20)),
        ),
        (
            "nested parentheses",
            format!("Received: {}{}\n", "(".repeat(1 << 19), ")".repeat(1 << 19)),
        ),
        (
            "brackets",
            format!("Received: from {}\n", "[".repeat(1 << 20)),
        ),
        (
            "angles",
            format!("Received: from {}\n", "< ".repeat(1 << 17)),
        ),
        (
            "semicolons",
            format!("Received: from a by b{}\n", "; x".repeat(1 << 18)),
        ),
        (
            "folds",
            format!("Received: from a\n{}", " by b\n".repeat(1 << 16)),
        ),
        (
            "keywords",
            format!("Received: {}\n", "by with id ".repeat(1 << 16)),
        ),
        (
            "tls clauses",
            format!("Received: by a {}\n", "tls A-B-C-D ".repeat(1 << 16)),
        ),
        (
            "comments",
            format!("Received: by a {}\n", "(using TLSv1.3) ".repeat(1 << 16)),
        ),
        (
            "encoded words",
            format!(
                "Received: by a\nSubject: {}\n",
                "=?utf-8?q?".repeat(1 << 16)
            ),
        ),
        (
            "addresses",
            format!("Received: by a\nTo: {}\n", "a@b, (".repeat(1 << 17)),
        ),
        (
            "strays",
            format!("Received: by a\n{}", "stray\nA-b: c\n".repeat(1 << 15)),
        ),
        (
            "numbers",
            format!("Received: by a; {}\n", "1 Jan 2020 ".repeat(1 << 16)),
        ),
    ];
    for (name, input) in inputs {
        let start = Instant::now();
        let chain = Chain::parse(input.as_bytes());
        // Loose, for unoptimised builds on busy machines; a quadratic step
        // over a megabyte takes hours.
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{name}: {:?}",
            start.elapsed()
        );
        assert!(chain.is_ok(), "{name}");
    }
}

#[test]
fn nuls_and_foreign_octets_give_a_partial_result() {
    let chain = Chain::parse(b"Received: from \xFF\xFE\0x (x [192.0.2.1]) by b.example with ESMTPS id \xC3; Tue, 03 Nov 2026 09:14:07 +0000\n\n").unwrap();
    let hop = &chain.hops[0];
    assert_eq!(hop.tls.state, TlsState::Encrypted);
    assert_eq!(
        hop.received.by.as_ref().unwrap().host.as_deref(),
        Some("b.example")
    );
}

fn spans(chain: &Chain) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    for hop in &chain.hops {
        all.push(hop.span.clone());
        let received = &hop.received;
        for piece in [
            &received.via,
            &received.with,
            &received.id,
            &received.for_,
            &received.tls,
            &received.group,
        ]
        .into_iter()
        .flatten()
        .chain(&received.comments)
        .chain(&received.other)
        {
            all.push(hop.place(&piece.span));
        }
        let ends = [
            received.from.as_ref().map(|from| &from.span),
            received.by.as_ref().map(|by| &by.span),
            received.date.as_ref().map(|date| &date.span),
        ];
        all.extend(ends.into_iter().flatten().map(|span| hop.place(span)));
        let evidence = hop.tls.evidence.iter();
        all.extend(evidence.filter_map(|piece| Some(hop.place(piece.span.as_ref()?))));
    }
    all.extend(chain.supporting.iter().map(|fact| fact.span.clone()));
    all
}

/// What dates are made of, in any order.
fn pieces_of_dates() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "Tue",
        ",",
        " ",
        "03",
        "3",
        "Nov",
        "2026",
        "26",
        "99999999999",
        "09",
        ":",
        "14",
        "60",
        "+0000",
        "-9999",
        "+1",
        "GMT",
        "EST",
        "(CEST)",
        "(",
        ")",
        ".123",
        ".",
        "-",
        "T",
        "Z",
        "AM",
        "m=+1160047.21",
        "UTC",
        ";",
        "\n\t",
        "\u{e9}",
        "Feb",
        "31",
        "0",
        "-0000",
    ]);
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

/// What encoded words are made of.
fn pieces_of_words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "=?",
        "?=",
        "?",
        "utf-8",
        "iso-2022-jp",
        "koi8-r",
        "*de",
        "Q",
        "b",
        "=C3",
        "=BC",
        "=",
        "=G",
        "4A==",
        "GyRCRnw",
        "_",
        " ",
        "\u{e9}",
        "\u{1f4e7}",
        "a",
        "\u{202e}",
        "\n ",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

/// Fields that are no `Received:` and are read for what they add, with odd
/// values.
fn supporting_fields() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "Authentication-Results",
        "ARC-Seal",
        "ARC-Authentication-Results",
        "List-Id",
        "Return-Path",
        "X-Originating-IP",
        "X-MS-Exchange-Organization-AuthAs",
        "X-Forwarded-To",
        "Content-Type",
        "Subject",
        "Date",
        "To",
    ]);
    let word = prop::sample::select(vec![
        "mx.example.net",
        "partner.example",
        ";",
        " ",
        "spf=pass",
        "dkim=",
        "=",
        "i=1",
        "a=b",
        "d=example.org",
        "b=",
        "<",
        ">",
        "SRS0=a=b=c=d@e.example",
        "@",
        ".",
        "(",
        ")",
        "\"",
        "\\",
        "[192.0.2.1]",
        "multipart/encrypted",
        "protocol=",
        "boundary=",
        "\n\tx",
        "\u{e9}",
        "=?utf-8?q?=FF?=",
        "\u{0}",
    ]);
    let value = prop::collection::vec(word, 0..16).prop_map(|words| words.concat());
    let field = (name, value).prop_map(|(name, value)| format!("{name}: {value}\n"));
    prop::collection::vec(field, 0..12).prop_map(|fields| fields.concat())
}

/// Words that trace lines are made of, in any order.
fn shreds() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "from",
        "by",
        "with",
        "id",
        "for",
        "via",
        "tls",
        "group",
        "(",
        ")",
        "[",
        "]",
        "<",
        ">",
        ";",
        "\n ",
        "\r\n\t",
        " ",
        "ESMTPS",
        "esmtp",
        "mx.example.net",
        "(unknown [192.0.2.1])",
        "[::1]",
        "(using TLSv1.3 with cipher A-B (256/256 bits))",
        "Tue, 03 Nov 2026 09:14:07 +0000",
        "\u{e9}",
        "(envelope-from <a@b>)",
        "\\",
        "\"",
        "=?utf-8?q?=",
        "HELO",
        "(Postfix)",
        "\u{0}",
        "helo=",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_octets_are_survived(octets in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut message = b"Received: ".to_vec();
        message.extend(&octets);
        if let Ok(chain) = Chain::parse(&message) {
            for span in spans(&chain) {
                prop_assert!(span.start <= span.end && span.end <= message.len());
            }
        }
        let _ = Chain::parse(&octets);
    }

    #[test]
    fn spans_lie_inside_and_on_borders(text in shreds()) {
        let message = format!("Received: {text}\n\nbody");
        let chain = Chain::parse(message.as_bytes()).unwrap();
        for span in spans(&chain) {
            prop_assert!(message.get(span.clone()).is_some(), "{:?} of {:?}", span, message);
        }
    }

    #[test]
    fn what_other_fields_say_stands_where_it_is_said(
        above in supporting_fields(),
        below in supporting_fields(),
    ) {
        let message = format!(
            "{above}Received: from a.example (a.example [192.0.2.1])\n\tby mx.example.net with \
             ESMTPS id 1; {DATE}\n{below}\n-----BEGIN PGP MESSAGE-----\n"
        );
        let chain = Chain::parse(message.as_bytes()).unwrap();
        for span in spans(&chain) {
            prop_assert!(message.get(span.clone()).is_some(), "{:?} of {:?}", span, message);
        }
        for fact in &chain.supporting {
            let before = &message[..fact.span.start];
            prop_assert_eq!(fact.line, 1 + before.matches('\n').count());
        }
    }

    #[test]
    fn dates_are_found_inside_their_text(text in prop_oneof![pieces_of_dates(), any::<String>()]) {
        for found in [date::find(&text), date::find_last(&text)].into_iter().flatten() {
            prop_assert!(text.get(found.start..found.end).is_some(), "{:?} of {:?}", found, text);
        }
    }

    #[test]
    fn encoded_words_stay_small(text in prop_oneof![pieces_of_words(), any::<String>()]) {
        let read = decode_words(&text);
        prop_assert!(read.len() <= 3 * text.len());
        if !text.contains("=?") {
            prop_assert_eq!(read, text);
        }
    }

    #[test]
    fn tokens_lose_nothing(text in shreds()) {
        let mut at = 0;
        for (token, range) in tokens(&text) {
            prop_assert!(text[at..range.start].trim_matches(|c: char| c.is_ascii_whitespace()).is_empty());
            let shown = match token {
                Token::Word(word) => word.to_owned(),
                Token::Comment(inner) => format!("({inner})"),
                Token::Semicolon => ";".to_owned(),
            };
            prop_assert_eq!(&text[range.clone()], shown);
            at = range.end;
        }
        prop_assert!(text[at..].trim_matches(|c: char| c.is_ascii_whitespace()).is_empty());
    }
}
