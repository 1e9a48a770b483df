//! Saved messages, explained from their headers alone: each conclusion, the
//! first cause, and what is never said.
#![allow(clippy::unwrap_used)]

use starttrace::answer::{Answer, Standing};
use starttrace::explain::pair::{Asked, Limits, targets};
use starttrace::explain::{ConclusionState, Explanation, Past, explain};
use starttrace::finding::Cause;
use starttrace::report::text;
use starttrace::report::text::style::Style;
use starttrace::trace::chain::{Chain, Source, SourceKind};
use starttrace::trace::reading::Reading;
use starttrace::trace::witness::Witnesses;

fn read(name: &str) -> Chain {
    let folder = format!("{}/tests/messages", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            file.starts_with(name) && file.ends_with(".eml")
        })
        .unwrap();
    let source = Source {
        path: file.file_name().unwrap().to_str().unwrap().into(),
        index: 0,
        kind: SourceKind::Eml,
    };
    Chain::read(&std::fs::read(file).unwrap(), &Reading::of(source)).unwrap()
}

fn alone(chain: &Chain) -> Explanation {
    explain(chain, &[], &Past::default())
}

#[test]
fn a_witness_makes_the_filter_speak_and_the_sender_the_first_to_ask() {
    let witness = read("17-");
    let mut chain = read("16-");
    chain.heed(&Witnesses::gather([&witness]));
    let explanation = alone(&chain);
    assert_eq!(explanation.answer, Answer::No);
    // Web-mail provider to filter: cleartext, at most as likely.
    let hop = &explanation.hops[1];
    assert_eq!(hop.conclusion.state, ConclusionState::Cleartext);
    assert_eq!(hop.conclusion.standing, Standing::Likely);
    assert_eq!(hop.causes[0].cause, Cause::SenderDidNotTry);
    assert_eq!(hop.causes[0].standing, Standing::Possible);
    assert!(hop.causes[0].for_[0].contains("recorded TLS"));
    assert!(
        hop.next[0].starts_with("ask hotmail.com: "),
        "{:?}",
        hop.next
    );
    assert!(hop.next[0].contains("2019-08-19 14:41:18 UTC"));
    // Filter to provider, and the provider's own last hop.
    for n in [2, 5] {
        assert_eq!(
            explanation.hops[n].conclusion.state,
            ConclusionState::Encrypted
        );
        assert!(explanation.hops[n].causes.is_empty());
    }
    // One host talking to itself needs no TLS.
    for n in [3, 4] {
        assert_eq!(
            explanation.hops[n].conclusion.state,
            ConclusionState::Inside
        );
        assert_eq!(explanation.hops[n].causes[0].cause, Cause::InsideOneHost);
    }
    // Inside the web-mail provider nothing can be seen for sure.
    let mut causes = explanation.hops[0].causes.iter();
    assert!(causes.any(|ranked| ranked.cause == Cause::HeaderUntrusted));
    assert_ne!(explanation.hops[0].conclusion.standing, Standing::Likely);
}

#[test]
fn without_the_witness_the_same_hop_is_less_sure() {
    let explanation = alone(&read("16-"));
    let hop = &explanation.hops[1];
    assert!(hop.conclusion.standing >= Standing::Possible);
    assert_eq!(explanation.answer, Answer::Unknown);
}

#[test]
fn a_plain_hop_between_tls_hops_is_found_and_pinned_on_nobody() {
    let chain = read("12-");
    let explanation = alone(&chain);
    assert_eq!(explanation.answer, Answer::No);
    let hop = &explanation.hops[2];
    assert_eq!(hop.conclusion.state, ConclusionState::Cleartext);
    assert_eq!(hop.conclusion.standing, Standing::Likely);
    assert_eq!(hop.causes[0].cause, Cause::SenderDidNotTry);
    // Three seconds are too short for Postfix to fall back.
    let fell_back = hop
        .causes
        .iter()
        .find(|ranked| ranked.cause == Cause::SenderFellBack)
        .unwrap();
    assert_eq!(fell_back.standing, Standing::Unlikely);
    for ranked in &hop.causes {
        assert!(ranked.standing >= Standing::Possible, "{ranked:?}");
    }
    let asked: Vec<_> = targets(&chain, &Limits::default())
        .into_iter()
        .map(|target| match target.what {
            Asked::Domain(domain) | Asked::Records(domain) => domain.to_string(),
            Asked::Host(host) => host.to_string(),
        })
        .collect();
    assert_eq!(asked, ["example.net", "gw.example.net"]);
}

#[test]
fn a_plain_hop_into_a_filter_is_found() {
    let explanation = alone(&read("05-"));
    assert_eq!(explanation.answer, Answer::No);
    assert_eq!(
        explanation.hops[1].conclusion.state,
        ConclusionState::Cleartext
    );
    assert_eq!(explanation.hops[1].causes[0].cause, Cause::SenderDidNotTry);
    assert_eq!(
        explanation.hops[2].conclusion.state,
        ConclusionState::Inside
    );
}

#[test]
fn forged_lines_are_named_so_and_never_probed() {
    let chain = read("14-");
    let explanation = alone(&chain);
    assert_eq!(explanation.answer, Answer::Unknown);
    let untrusted = |hop: usize| {
        let mut causes = explanation.hops[hop].causes.iter();
        causes.any(|ranked| ranked.cause == Cause::HeaderUntrusted)
    };
    assert!(untrusted(0));
    assert_eq!(explanation.hops[2].causes[0].cause, Cause::SenderCannotTls);
    for target in targets(&chain, &Limits::default()) {
        assert_eq!(target.hops, [3], "{target:?}");
        let name = match target.what {
            Asked::Domain(domain) | Asked::Records(domain) => domain.to_string(),
            Asked::Host(host) => host.to_string(),
        };
        assert!(name.ends_with("example.net"), "{name}");
    }
}

#[test]
fn messages_recorded_throughout_need_no_explanation() {
    for name in ["01-", "08-", "13-"] {
        let chain = read(name);
        let explanation = alone(&chain);
        assert_eq!(explanation.answer, Answer::Yes, "{name}");
        assert_eq!(chain.answer, Answer::Yes, "{name}");
        assert!(targets(&chain, &Limits::default()).is_empty(), "{name}");
        assert!(explanation.hops.iter().all(|hop| hop.next.is_empty()));
    }
}

#[test]
fn no_header_alone_proves_a_cause_and_every_page_fits() {
    for name in [
        "01", "03", "05", "06", "08", "10", "12", "13", "14", "16", "17",
    ] {
        let chain = read(&format!("{name}-"));
        let explanation = alone(&chain);
        for ranked in explanation.hops.iter().flat_map(|hop| &hop.causes) {
            assert!(ranked.standing > Standing::Proved);
            assert!(ranked.standing >= ranked.cause.ceiling());
        }
        for page in [
            text::trace::render(&chain, Style::plain()),
            text::explain::render(&chain, &[], &explanation, Style::plain()),
        ] {
            for line in page.lines() {
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
            let said = page.to_lowercase();
            for never in ["secure", "was safe", "guarantee"] {
                assert!(!said.contains(never), "{name} says {never}");
            }
            assert!(page.starts_with(&*chain.source.path));
        }
    }
}
