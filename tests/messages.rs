//! Whole messages against what is expected of them, hop by hop. Run with
//! `UPDATE_EXPECTED=1` to write the expectations anew, then read the difference.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use starttrace::answer::{Answer, Standing};
use starttrace::trace::chain::{Chain, Leg, Source, SourceKind, Trust};
use starttrace::trace::evidence::{EvidenceKind, TlsState};
use starttrace::trace::reading::Reading;
use starttrace::trace::witness::Witnesses;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages")
}

fn read(name: &str) -> Chain {
    let octets = std::fs::read(folder().join(name)).unwrap();
    let source = Source {
        path: name.into(),
        index: 0,
        kind: SourceKind::Eml,
    };
    Chain::read(&octets, &Reading::of(source)).unwrap()
}

fn shown(chain: &Chain) -> String {
    let mut out = String::new();
    writeln!(out, "answer {}", chain.answer.word()).unwrap();
    let or = |text: Option<&str>| text.unwrap_or("-").to_owned();
    for hop in &chain.hops {
        let received = &hop.received;
        let from = received.from.as_ref();
        let by = received.by.as_ref();
        writeln!(
            out,
            "\nhop {} line {} octets {:?}",
            hop.number, hop.line, hop.span
        )
        .unwrap();
        writeln!(
            out,
            "  from helo {} rdns {} ip {}",
            or(from.and_then(|f| f.helo.as_deref())),
            or(from.and_then(|f| f.rdns.as_deref())),
            or(from.and_then(|f| f.ip).map(|ip| ip.to_string()).as_deref()),
        )
        .unwrap();
        writeln!(
            out,
            "  by {} with {} id {} for {}",
            or(by.and_then(|b| b.host.as_deref())),
            or(received.keyword().as_deref()),
            or(received.id.as_ref().map(|p| p.text.as_str())),
            or(received.for_.as_ref().map(|p| p.text.as_str())),
        )
        .unwrap();
        let date = received
            .date
            .as_ref()
            .map(|date| date.at.timestamp().to_string());
        writeln!(
            out,
            "  date {} delay {}",
            or(date.as_deref()),
            or(hop.delay.map(|d| d.as_secs().to_string()).as_deref()),
        )
        .unwrap();
        let software = hop.software.as_ref();
        writeln!(
            out,
            "  software {} {} leg {} trusted {}",
            or(software.map(|s| s.name.as_str())),
            or(software.and_then(|s| s.version.as_deref())),
            hop.leg.word(),
            hop.trusted.word(),
        )
        .unwrap();
        let tls = &hop.tls;
        writeln!(
            out,
            "  tls {} {} {} {}",
            tls.state.word(),
            or(tls.standing.map(Standing::word)),
            or(tls.version_label.as_deref()),
            or(tls.cipher.as_deref()),
        )
        .unwrap();
        for evidence in &tls.evidence {
            writeln!(
                out,
                "    {:?} {:?}: {}",
                evidence.kind, evidence.says, evidence.text
            )
            .unwrap();
        }
    }
    for gap in &chain.gaps {
        writeln!(
            out,
            "\ngap {:?} {}: {}",
            gap.between,
            gap.kind.word(),
            gap.text
        )
        .unwrap();
    }
    for finding in &chain.findings {
        writeln!(
            out,
            "{}: {}: {}",
            finding.code.word(),
            finding.subject,
            finding.seen
        )
        .unwrap();
    }
    out
}

#[test]
fn every_message_is_read_as_expected() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".eml"))
        .collect();
    names.sort();
    assert!(names.len() >= 11);
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut differing = Vec::new();
    for name in names {
        let found = shown(&read(&name));
        let path = folder().join(name.replace(".eml", ".expected"));
        if update {
            std::fs::write(&path, &found).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != found {
            println!("--- {name}\n{found}");
            differing.push(name);
        }
    }
    assert_eq!(differing, Vec::<String>::new());
}

#[test]
fn the_published_example_is_deduced_with_its_witness() {
    let mut chain = read("16-published-example.eml");
    let witness = read("17-published-example-witness.eml");
    // The provider's own lines, newest first, and the filter's.
    let trust: Vec<Trust> = chain.hops.iter().rev().map(|hop| hop.trusted).collect();
    assert_eq!(
        trust,
        [
            Trust::Own,
            Trust::Own,
            Trust::Own,
            Trust::Own,
            Trust::Vouched,
            Trust::Below
        ]
    );
    let states: Vec<TlsState> = chain.hops.iter().rev().map(|hop| hop.tls.state).collect();
    assert_eq!(states[0], TlsState::Encrypted);
    assert_eq!(states[1], TlsState::NotApplicable);
    assert_eq!(states[2], TlsState::NotApplicable);
    assert_eq!(states[3], TlsState::Encrypted);
    for hop in [&chain.hops[5], &chain.hops[2]] {
        // `TLSv1/SSLv3` tags some TLS, and is no version.
        assert_eq!(hop.tls.version, None);
        assert_eq!(hop.tls.version_label.as_deref(), Some("TLSv1/SSLv3"));
    }
    assert_eq!(chain.hops[1].leg, Leg::Internet);
    assert_ne!(chain.answer, Answer::No);

    chain.heed(&Witnesses::gather([&chain, &witness]));
    let hop = &chain.hops[1];
    assert_eq!(hop.tls.state, TlsState::Cleartext);
    assert_eq!(hop.tls.standing, Some(Standing::Likely));
    assert!(
        hop.tls
            .evidence
            .iter()
            .any(|e| e.kind == EvidenceKind::Witness)
    );
    assert_eq!(chain.answer, Answer::No);
    // What went on inside the web-mail provider cannot be seen.
    assert_eq!(chain.hops[0].trusted, Trust::Below);
}

#[test]
fn a_message_bears_no_witness_for_itself() {
    let before = read("16-published-example.eml");
    let mut chain = before.clone();
    chain.heed(&Witnesses::gather([&chain]));
    assert_eq!(chain, before);
}

#[test]
fn heeding_twice_raises_no_further() {
    let mut chain = read("16-published-example.eml");
    let witness = read("17-published-example-witness.eml");
    let witnesses = Witnesses::gather([&chain, &witness]);
    chain.heed(&witnesses);
    let once = chain.clone();
    chain.heed(&witnesses);
    assert_eq!(chain, once);
}
