//! Where a message was sent on, what does not fit, and the three parts of its
//! way: whole headers, oldest line last.
#![allow(clippy::unwrap_used)]

use starttrace::trace::chain::{Chain, GapKind};
use starttrace::trace::journey::TurnKind;
use starttrace::trace::legs::PartState;

fn chain(header: &str) -> Chain {
    Chain::parse(format!("{header}From: bo@acme.example\n\nhello\n").as_bytes()).unwrap()
}

const SUBMITTED: &str = "Received: from laptop (unknown [198.51.100.9])\n\
    \tby smtp.acme.example (Postfix) with ESMTPSA id 1; Tue, 03 Nov 2026 09:14:00 +0000\n";

/// From the writer's server to the forwarder.
const ARRIVED: &str = "Received: from smtp.acme.example (smtp.acme.example [203.0.113.7])\n\
    \tby mx.forward.example (Postfix) with ESMTPS id 2\n\
    \tfor <old@forward.example>; Tue, 03 Nov 2026 09:14:05 +0000\n";

/// On to the mailbox.
const SENT_ON: &str = "Received: from out.forward.example (out.forward.example [203.0.113.8])\n\
    \tby mx.partner.example (Postfix) with ESMTPS id 3\n\
    \tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000\n";

#[test]
fn a_message_that_is_sent_on_begins_another_journey() {
    let seal = "ARC-Seal: i=1; a=rsa-sha256; d=forward.example; s=1; b=x\n";
    let srs = "Return-Path: <SRS0=Ab1=ZZ=acme.example=bo@forward.example>\n";
    let list = "List-Id: <fans.forward.example>\n";
    for (signs, expected) in [
        ("", None),
        (seal, Some(TurnKind::Forward)),
        (srs, Some(TurnKind::Forward)),
        (list, Some(TurnKind::List)),
    ] {
        let read = chain(&format!("{signs}{SENT_ON}{ARRIVED}{SUBMITTED}"));
        let turns: Vec<_> = read
            .hops
            .iter()
            .map(|hop| hop.turn.as_ref().map(|turn| turn.kind))
            .collect();
        assert_eq!(turns, [None, None, expected], "{signs}");
        let last = read.hops.last().unwrap();
        assert_eq!(last.journey, 1 + usize::from(expected.is_some()), "{signs}");
        assert_eq!(*read.gaps, [], "{signs}");
    }
    // A seal alone is no forwarder: senders' own providers seal too.
    let same = SENT_ON.replace("ap@partner.example", "old@forward.example");
    let read = chain(&format!("{seal}{same}{ARRIVED}{SUBMITTED}"));
    assert!(read.hops.iter().all(|hop| hop.turn.is_none()));
}

#[test]
fn a_way_has_three_parts_and_the_last_is_never_shown() {
    for (header, states) in [
        (
            format!("{ARRIVED}{SUBMITTED}"),
            [PartState::Encrypted, PartState::Encrypted],
        ),
        (
            ARRIVED.to_owned(),
            [PartState::NotShown, PartState::Encrypted],
        ),
        (
            ARRIVED.replace("ESMTPS", "ESMTP"),
            [PartState::NotShown, PartState::Cleartext],
        ),
        (
            SUBMITTED.to_owned(),
            [PartState::Encrypted, PartState::NotApplicable],
        ),
    ] {
        let read = chain(&header);
        let found: Vec<PartState> = read.legs.iter().map(|part| part.state).collect();
        assert_eq!(
            found,
            [states[0], states[1], PartState::NotShown],
            "{header}"
        );
    }
}

#[test]
fn clocks_and_loops_are_told_apart_from_zones_and_copies() {
    let gaps = |header: &str| -> Vec<(GapKind, String)> {
        let read = chain(header);
        read.gaps
            .iter()
            .map(|gap| (gap.kind, gap.text.clone()))
            .collect()
    };
    let zone = ARRIVED.replace("09:14:05", "06:14:05");
    let clock = ARRIVED.replace("09:14:05", "09:01:05");
    let skew = ARRIVED.replace("09:14:05", "09:13:05");
    for (header, hint) in [
        (zone, Some("wrong time zone")),
        (clock, Some("clocks is wrong")),
        (skew, None),
    ] {
        let found = gaps(&format!("{header}{SUBMITTED}"));
        let hinted = found.iter().any(|(kind, text)| {
            *kind == GapKind::TimeReversed && hint.is_some_and(|hint| text.contains(hint))
        });
        assert_eq!(hinted, hint.is_some(), "{found:?}");
        assert_eq!(found.len(), usize::from(hint.is_some()), "{found:?}");
    }
    let again = ARRIVED.replace("id 2", "id 9");
    let looped =
        |found: Vec<(GapKind, String)>| found.iter().any(|(kind, _)| *kind == GapKind::Loop);
    assert!(looped(gaps(&format!("{again}{ARRIVED}"))));
    // The same line twice, or another recipient, is none.
    assert!(!looped(gaps(&format!("{ARRIVED}{ARRIVED}"))));
    let other = again.replace("old@", "new@");
    assert!(!looped(gaps(&format!("{other}{ARRIVED}"))));
}

/// Where the message was handed over, as the receiving line tells it.
fn handed(from: &str, with: &str) -> String {
    format!(
        "Received: from {from}\n\tby mx.partner.example (Postfix) with {with} id 2;\n\
         \tTue, 03 Nov 2026 09:14:07 +0000\n"
    )
}

/// Before that, within the writer's network.
fn written_by(host: &str) -> String {
    format!(
        "Received: from desk (unknown [10.0.0.5])\n\tby {host} (Postfix) with ESMTP id 1;\n\
         \tTue, 03 Nov 2026 09:14:00 +0000\n"
    )
}

#[test]
fn what_has_another_name_for_a_reason_is_no_break() {
    let stranger = "out.stranger.example (out.stranger.example [203.0.113.7])";
    let nameless = "User (unknown [203.0.113.7])";
    for (from, with, host, expected) in [
        // Breaks: another host altogether, and one that hides its name.
        (
            stranger,
            "ESMTPS",
            "mail.acme.example",
            Some(GapKind::MissingLink),
        ),
        (
            nameless,
            "SMTP",
            "mail.acme.example",
            Some(GapKind::NameMismatch),
        ),
        // Who proved who he is.
        (stranger, "ESMTPSA", "mail.acme.example", None),
        // A name inside a network, whatever such networks call themselves.
        (stranger, "ESMTPS", "mail.acme.dmz", None),
        (stranger, "ESMTPS", "localhost.localdomain", None),
        // A client without any name.
        (
            "[203.0.113.7] (unknown [203.0.113.7])",
            "SMTP",
            "mail.acme.example",
            None,
        ),
        (
            "localhost (unknown [203.0.113.7])",
            "SMTP",
            "mail.acme.example",
            None,
        ),
        (
            "w7 (ip-10-0-0-1.west.compute.internal [203.0.113.7])",
            "SMTP",
            "mail.acme.example",
            None,
        ),
        // One firm under two suffixes, one provider under two domains.
        (stranger, "ESMTPS", "mail.stranger.co.uk", None),
        (
            "a.suse.de (a.suse.de [203.0.113.7])",
            "ESMTPS",
            "b.suse.cz",
            None,
        ),
        (
            "o.mail.alibaba.com (o.mail.alibaba.com [203.0.113.7])",
            "ESMTPS",
            "s.aliyun-inc.com",
            None,
        ),
    ] {
        let read = chain(&format!("{}{}", handed(from, with), written_by(host)));
        let kinds: Vec<GapKind> = read.gaps.iter().map(|gap| gap.kind).collect();
        assert_eq!(kinds, Vec::from_iter(expected), "{from} {with} {host}");
    }
    // A list's own line names the list; its outgoing host goes by another name.
    let list = "Received: (majordomo@lists.example.org) by lists.example.org via listexpand\n\
        \tid S1; Tue, 03 Nov 2026 09:14:03 +0000\n";
    let read = chain(&format!(
        "{}{list}{}",
        handed("out.vger.example (out.vger.example [203.0.113.9])", "ESMTP"),
        written_by("lists.example.org"),
    ));
    assert_eq!(*read.gaps, []);
}

#[test]
fn a_host_that_keeps_its_first_clients_address_is_in_no_loop() {
    let inside = handed("a81c.1 (lb.gateway-net [203.0.113.7])", "ESMTP");
    let first = handed(
        "out.acme.example (out.acme.example [203.0.113.7])",
        "ESMTPS",
    );
    let between = "Received: from mx.partner.example (mx.partner.example [198.51.100.1])\n\
        \tby out.acme.example (Postfix) with ESMTPS id 7; Tue, 03 Nov 2026 09:14:07 +0000\n";
    let loops = |header: &str| {
        let gaps = chain(header).gaps;
        gaps.iter().filter(|gap| gap.kind == GapKind::Loop).count()
    };
    assert_eq!(loops(&format!("{inside}{first}")), 0);
    let again = inside.replace("id 2;", "id 9;");
    assert_eq!(loops(&format!("{again}{between}{first}")), 1);
}

#[test]
fn the_clocks_of_one_organisation_are_its_own() {
    let inside = |minutes: u32, zone: &str| {
        let read = chain(&format!(
            "Received: from a.acme.example (a.acme.example [203.0.113.7])\n\
             \tby b.acme.example (Postfix) with ESMTPS id 2; Tue, 03 Nov 2026 09:{minutes}:00 {zone}\n\
             Received: from desk (unknown [10.0.0.5])\n\
             \tby a.acme.example (Postfix) with ESMTP id 1; Tue, 03 Nov 2026 09:50:00 +0000\n"
        ));
        read.gaps
            .iter()
            .any(|gap| gap.kind == GapKind::TimeReversed)
    };
    assert!(!inside(15, "+0000"));
    // A wrong zone shows all the same.
    assert!(inside(50, "+0100"));
}
