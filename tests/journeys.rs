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
        assert_eq!(read.gaps, [], "{signs}");
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
            .into_iter()
            .map(|gap| (gap.kind, gap.text))
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
