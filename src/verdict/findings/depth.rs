//! What `--depth deep` shows of one endpoint.

use crate::attempt::Attempt;
use crate::finding::Code;
use crate::observed::depth::{Depth, SuiteClass};
use crate::tls::hello::suites::Suite;

use super::{listed, said};

/// RFC 9325, section 4.5.
const GOOD_DH_BITS: u32 = 2048;

/// Adds what was seen.
pub(super) fn of(depth: &Depth, add: &mut impl FnMut(Code, String)) {
    let old: Vec<&str> = depth
        .versions
        .iter()
        .filter(|asked| asked.what.is_legacy())
        .filter(|asked| asked.answer.done().is_some_and(|c| c.chosen.is_some()))
        .map(|asked| asked.what.spoken())
        .collect();
    // With nothing better it is another finding.
    let better = depth.versions.iter().any(|asked| {
        !asked.what.is_legacy() && asked.answer.done().is_some_and(|c| c.chosen.is_some())
    });
    if better && !old.is_empty() {
        add(Code::LegacyVersionAccepted, listed(old.iter()));
    }
    for asked in &depth.suites {
        let Some(chosen) = asked.answer.done().and_then(|choice| choice.chosen) else {
            continue;
        };
        let name = chosen.suite_name();
        let class = Suite::of(chosen.suite).map_or("unknown", Suite::class);
        match asked.what {
            SuiteClass::Broken | SuiteClass::TripleDes => {
                add(Code::WeakSuiteAccepted, format!("{name} ({class})"));
            }
            SuiteClass::Dhe => {
                if let Some(bits) = chosen.dh_bits.filter(|bits| *bits < GOOD_DH_BITS) {
                    add(
                        Code::DhGroupSmall,
                        format!("{name} with a prime of {bits} bits, where it is asked for"),
                    );
                }
            }
            SuiteClass::Anonymous | SuiteClass::RsaKeyExchange => {}
        }
    }
    match &depth.without_name {
        Attempt::Done(shown) if !shown.same => {
            let names = match &shown.names[..] {
                [] => "no name".to_owned(),
                names => listed(names.iter()),
            };
            add(
                Code::SniDependent,
                format!("without a server name it shows a certificate for {names}"),
            );
        }
        Attempt::Failed(failure) => {
            add(
                Code::SniDependent,
                format!("without a server name: {}", said(failure)),
            );
        }
        Attempt::Done(_) | Attempt::Skipped(_) => {}
    }
    let (offers, answered) = depth.offers();
    if depth.is_inconsistent() {
        add(
            Code::PoolDiffers,
            format!(
                "the first connection had STARTTLS {}, and {offers} of {answered} further ones",
                if depth.first_offered {
                    "offered"
                } else {
                    "not offered"
                }
            ),
        );
    }
    if depth.unadvertised.is_done() {
        add(
            Code::StarttlsUnadvertised,
            "STARTTLS was answered 220".to_owned(),
        );
    }
    if depth.injection.done().is_some_and(|i| i.answered) {
        add(
            Code::CommandInjection,
            "NOOP, sent in cleartext behind STARTTLS, was answered inside TLS".to_owned(),
        );
    }
}
