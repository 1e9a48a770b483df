//! The pages of `trace` and `explain` as they are printed, spaces kept.
#![allow(clippy::unwrap_used)]

use crate::answer::Answer;
use crate::attempt::Attempt;
use crate::explain::cases::Cases;
use crate::explain::literal::*;
use crate::explain::{Past, explain};
use crate::failure::{Failure, Kind, Stage};
use crate::observed::domain::{DomainObservation, StsMode};
use crate::report::text::layout::{COLUMNS, width};
use crate::report::text::style::Style;
use crate::trace::chain::{Chain, Gap, GapKind, RecordsTls, Source, SourceKind, Trust};
use crate::trace::evidence::{EvidenceKind, Says, TlsState};
use crate::trace::reading::Reading;
use crate::trace::summary::Summary;
use crate::trace::unknown::Unknowns;
use crate::trace::witness::Witnesses;
use crate::verdict::{Required, Verdict, assess};

fn traced(chain: &Chain) -> String {
    checked(|style| super::trace::render(chain, style))
}

fn explained(chain: &Chain, probes: &[DomainObservation]) -> String {
    let explanation = explain(chain, probes, &Past::default());
    let judged: Vec<(DomainObservation, Verdict)> = probes
        .iter()
        .map(|probe| (probe.clone(), assess(probe, probe.at, Required::Tls)))
        .collect();
    checked(|style| super::explain::render(chain, &judged, &explanation, style))
}

/// The plain page, after looking that colour adds nothing but colour and that
/// it fits.
fn checked(render: impl Fn(Style) -> String) -> String {
    let plain = render(Style::plain());
    let coloured = render(Style::coloured());
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        stripped.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
    for line in plain.lines() {
        assert!(width(line) <= COLUMNS, "{} columns: {line}", width(line));
        assert_eq!(line, line.trim_end(), "spaces at the end");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    plain
}

/// Compares with the page kept under `tests/pages`, spaces and all; with
/// STARTTRACE_WRITE_PAGES set, writes it instead.
fn is_page(name: &str, page: &str) {
    let path = format!("{}/tests/pages/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("STARTTRACE_WRITE_PAGES").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    assert_eq!(page, std::fs::read_to_string(&path).unwrap(), "{path}");
}

#[test]
fn a_chain_with_a_hop_in_clear() {
    is_page("trace-clear-hop", &traced(&invoice()));
}

#[test]
fn an_explanation_long_after() {
    let probe = with_sts(
        observed(
            "partner.example",
            "2026-11-21T23:10:00Z",
            &[(
                "mx1.partner.example",
                &[("192.0.2.25", Does::Tls), ("2001:db8::25", Does::Tls)],
            )],
        ),
        StsMode::Testing,
    );
    is_page("explain-long-after", &explained(&invoice(), &[probe]));
}

/// The message's page for a reader without the terms, and what to send.
#[test]
fn in_plain_words_and_as_a_letter() {
    let probe = observed(
        "partner.example",
        "2026-11-05T10:00:00Z",
        &[("mx1.partner.example", &[("192.0.2.25", Does::Tls)])],
    );
    let chain = invoice();
    let explanation = explain(&chain, &[probe], &Past::default());
    let page = checked(|style| super::plain::render(&chain, &explanation, style));
    for term in ["STARTTLS", "MX", "handshake", "opportunistic", "cleartext"] {
        let told = page
            .lines()
            .filter(|line| !line.trim_start().starts_with('|'));
        assert!(
            !told.clone().any(|line| line.contains(term)),
            "{term}: {page}"
        );
    }
    is_page("explain-plain", &page);
    let letters = explanation
        .hops
        .iter()
        .filter_map(|hop| hop.letter.as_ref());
    is_page("explain-letter", &super::letter::render(letters));
}

#[test]
fn the_receivers_postmaster_is_asked_where_the_receiver_is_at_fault() {
    let probe = observed(
        "partner.example",
        "2026-11-05T10:00:00Z",
        &[("mx1.partner.example", &[("192.0.2.25", Does::NoStarttls)])],
    );
    let explanation = explain(&invoice(), &[probe], &Past::default());
    let letters = explanation
        .hops
        .iter()
        .filter_map(|hop| hop.letter.as_ref());
    is_page("explain-letter-receiver", &super::letter::render(letters));
    let nothing = super::letter::render([]);
    assert!(nothing.starts_with("No letter"), "{nothing}");
}

#[test]
fn many_messages_in_cases() {
    let mut cases = Cases::default();
    let days = [
        "2026-11-03T09:14:07Z",
        "2026-11-04T09:14:07Z",
        "2026-11-05T09:14:07Z",
    ];
    for day in days {
        let chain = clear_with(|line| line.at = day);
        cases.add(&chain, &explain(&chain, &[], &Past::default()));
    }
    let silent = clear_with(|line| {
        line.from = ("mail.other.example", "mail.other.example", "198.51.100.9");
        line.state = TlsState::Unstated;
        line.standing = None;
        line.software = Some(("Amazon SES", RecordsTls::Never));
    });
    cases.add(&silent, &explain(&silent, &[], &Past::default()));
    let forged = clear_with(|line| line.trusted = Trust::Below);
    cases.add(&forged, &explain(&forged, &[], &Past::default()));
    is_page(
        "explain-cases",
        &checked(|style| super::cases::render(&cases, 0, style)),
    );
}

#[test]
fn an_explanation_from_headers_alone() {
    is_page("explain-headers-alone", &explained(&invoice(), &[]));
}

#[test]
fn every_hop_recorded() {
    let mut chain = invoice();
    chain.hops.remove(2);
    for (i, hop) in chain.hops.iter_mut().enumerate() {
        hop.number = i + 1;
        hop.trusted = Trust::Own;
    }
    chain.answer = Answer::Yes;
    is_page("trace-recorded", &traced(&chain));
}

#[test]
fn a_silent_hop_and_a_gap() {
    let mut chain = clear_with(|line| {
        line.state = TlsState::Unstated;
        line.standing = None;
        line.software = Some(("Amazon SES", RecordsTls::Never));
        line.evidence = vec![says(
            EvidenceKind::SoftwareHabit,
            Says::Silent,
            "Amazon SES never writes TLS into its lines",
        )];
    });
    chain.answer = Answer::Unknown;
    chain.gaps.push(Gap {
        between: (0, 1),
        kind: GapKind::MissingLink,
        text: "the line before is missing".into(),
    });
    is_page("trace-silent-hop", &traced(&chain));
}

/// A message of the tests' own, read as a file of that name.
fn read(name: &str) -> Chain {
    let path = format!("{}/tests/messages/{name}", env!("CARGO_MANIFEST_DIR"));
    let source = Source {
        path: name.into(),
        index: 0,
        kind: SourceKind::Eml,
    };
    Chain::read(&std::fs::read(path).unwrap(), &Reading::of(source)).unwrap()
}

#[test]
fn a_message_of_a_mailing_list_in_detail() {
    let chain = read("06-mailing-list-vger-majordomo.eml");
    let page =
        checked(|style| super::trace::render(&chain, style) + &super::trace::details(&chain));
    is_page("trace-verbose-list", &page);
}

#[test]
fn three_parts_of_a_way() {
    let chain = read("12-plaintext-hop-between-tls-hops.eml");
    is_page("trace-three-parts", &traced(&chain));
}

/// Some of the tests' own messages.
fn several() -> Vec<Chain> {
    [
        "01-gmail-to-exchange-online.eml",
        "06-mailing-list-vger-majordomo.eml",
        "12-plaintext-hop-between-tls-hops.eml",
        "14-forged-lines-below-trust-boundary.eml",
    ]
    .map(read)
    .into()
}

#[test]
fn many_messages_in_one_table() {
    let chains = several();
    let mut summary = Summary::default();
    for chain in &chains {
        summary.add(chain);
    }
    let witnesses = Witnesses::gather(&chains);
    let page = checked(|style| super::summary::render(&summary, &witnesses, 1, style));
    is_page("trace-summary", &page);
}

#[test]
fn lines_that_are_not_understood() {
    let mut unknowns = Unknowns::default();
    for chain in several() {
        unknowns.add(&chain);
    }
    let page = checked(|style| super::unknown::render(&unknowns, style));
    is_page("trace-unknown", &page);
}

#[test]
fn trouble_here_is_said_last_and_aloud() {
    let mut probe = observed(
        "partner.example",
        "2026-11-05T10:00:00Z",
        &[("mx1.partner.example", &[("192.0.2.25", Does::Blocked)])],
    );
    probe.control = Attempt::failed(Failure::new(
        Stage::Control,
        Kind::Port25Blocked,
        "the control host did not answer on port 25 either",
    ));
    let page = explained(&invoice(), &[probe]);
    assert!(page.contains("likely     probe-blocked-here"), "{page}");
    let last = page.split_whitespace().rev().take(5).collect::<Vec<_>>();
    assert_eq!(last, ["open.", "is", "25", "port", "where"], "{page}");
}

#[test]
fn hostile_words_stay_on_the_page() {
    const NASTY: &str = "a\u{1b}[2Jb\u{202e}cd\u{200b}.example";
    let long: &'static str = Box::leak("x".repeat(5_000).into_boxed_str());
    let raw: &'static str = Box::leak(
        format!("Received: from {long} by {NASTY} with ESMTP id {long}; \u{7}\t\r\n\t{NASTY}")
            .into_boxed_str(),
    );
    for (from, by, with) in [
        ((NASTY, NASTY, ""), NASTY, "ESMTP"),
        ((long, long, ""), long, long),
        (("", "", ""), "", ""),
        (
            (
                "書書書書書書書書書書書書書書書書書書書書書書書書.example",
                "",
                "",
            ),
            "書.example",
            "ESMTP",
        ),
    ] {
        let mut chain = clear_with(|line| {
            line.raw = raw;
            line.from = from;
            line.by = by;
            line.with = with;
            line.id = long;
            line.for_ = NASTY;
            line.evidence
                .push(says(EvidenceKind::Witness, Says::Tls, NASTY));
        });
        chain.source.path = format!("{NASTY}/{long}").into();
        chain.gaps.push(Gap {
            between: (0, 1),
            kind: GapKind::Loop,
            text: NASTY.into(),
        });
        traced(&chain);
        explained(&chain, &[]);
        explained(
            &chain,
            &[observed(
                "partner.example",
                "2026-11-05T10:00:00Z",
                &[("mx1.partner.example", &[("192.0.2.25", Does::NoStarttls)])],
            )],
        );
    }
}

#[test]
fn thousands_of_hops_make_no_endless_page() {
    let lines = (0..1_000).map(|_| clear_hop()).collect();
    let chain = chain(lines);
    let page = traced(&chain);
    assert!(page.lines().count() < 500, "{}", page.lines().count());
    assert!(page.contains("900 more hops"));
    assert!(explained(&chain, &[]).lines().count() < 1_000);
}

#[test]
fn octets_that_are_no_text_are_quoted_too() {
    let mut chain = clear_with(|_| ());
    chain.hops[0].raw = b"Received: \xff\xfe\x00 by x with ESMTP".to_vec();
    // Spans that do not fit the field must not matter.
    chain.hops[0].span = 5..6;
    chain.hops[0].received.with.as_mut().unwrap().span = 3..900;
    assert!(traced(&chain).contains("\\xff\\xfe\\x00"));
}
