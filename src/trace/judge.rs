//! The answer of a chain, and its findings.

use crate::answer::{Answer, Standing};
use crate::finding::{Code, Finding};
use crate::tls::hello::suites::Suite;
use crate::tls::parameters::{label_is_weak, suite_by_label};
use crate::trace::chain::{Chain, EndToEnd, GapKind, Hop, Trust};
use crate::trace::evidence::TlsState;
use crate::trace::legs;

/// Judges a chain anew from its hops and gaps. What only the reading can know
/// (a truncated header) is kept.
pub(super) fn judge(chain: &mut Chain) {
    chain.answer = answer(&chain.hops);
    let mut findings: Vec<Finding> = std::mem::take(&mut *chain.findings)
        .into_iter()
        .filter(|finding| finding.code == Code::HeaderTruncated)
        .collect();
    // What was not read may have lacked TLS.
    if chain.answer == Answer::Yes && !findings.is_empty() {
        chain.answer = Answer::Unknown;
    }
    for hop in &chain.hops {
        of_hop(hop, &mut findings);
    }
    for gap in &chain.gaps {
        let code = match gap.kind {
            GapKind::NameMismatch | GapKind::MissingLink => Code::ChainBroken,
            GapKind::TimeReversed => Code::TimeReversed,
            GapKind::Loop => Code::ChainLoop,
        };
        let subject = format!("hops {} and {}", gap.between.0, gap.between.1);
        findings.push(Finding::new(code, subject, gap.text.clone()));
    }
    if chain.message.tls_not_required {
        findings.push(Finding::new(
            Code::TlsNotRequired,
            "the message",
            "TLS-Required: No",
        ));
    }
    if chain.message.end_to_end != EndToEnd::None {
        findings.push(Finding::new(
            Code::EndToEndEncrypted,
            "the message",
            chain.message.end_to_end.word(),
        ));
    }
    findings.sort_by_key(|finding| finding.severity);
    chain.findings = findings.into();
    chain.legs = legs::parts(chain).into();
}

/// No: an exposed hop is cleartext as proved or likely. Yes: every exposed hop
/// is encrypted by an own or a vouched line. Else it cannot be told.
fn answer(hops: &[Hop]) -> Answer {
    let exposed = || hops.iter().filter(|hop| hop.is_exposed());
    if exposed().any(is_without_tls) {
        Answer::No
    } else if exposed().all(|hop| {
        hop.tls.state == TlsState::Encrypted && matches!(hop.trusted, Trust::Own | Trust::Vouched)
    }) {
        Answer::Yes
    } else {
        Answer::Unknown
    }
}

fn is_without_tls(hop: &Hop) -> bool {
    hop.tls.state == TlsState::Cleartext
        && matches!(hop.tls.standing, Some(Standing::Proved | Standing::Likely))
}

fn of_hop(hop: &Hop, findings: &mut Vec<Finding>) {
    let host = hop.received.by.as_ref().and_then(|by| by.host.as_deref());
    let writer = || {
        host.map_or_else(
            || format!("hop {}", hop.number),
            |host| format!("hop {}, {host}", hop.number),
        )
    };
    let seen = || match (&hop.received.with, &hop.software) {
        (Some(with), Some(software)) => format!("with {}, written by {}", with.text, software.name),
        (Some(with), None) => format!("with {}", with.text),
        (None, Some(software)) => format!("no protocol, written by {}", software.name),
        (None, None) => "no protocol, unknown software".to_owned(),
    };
    let received = &hop.received;
    let empty = received.from.is_none()
        && received.by.is_none()
        && received.date.is_none()
        && received.with.is_none();
    if empty {
        let seen = "neither from, by, with nor a date was found";
        findings.push(Finding::new(Code::FieldUnreadable, writer(), seen));
    } else if received.date.is_none() {
        findings.push(Finding::new(
            Code::DateUnreadable,
            writer(),
            "no date was found",
        ));
    }
    if hop.is_exposed() {
        let believed = matches!(hop.trusted, Trust::Own | Trust::Vouched);
        match hop.tls.state {
            _ if is_without_tls(hop) => {
                findings.push(Finding::new(Code::HopWithoutTls, writer(), seen()));
            }
            TlsState::Unstated | TlsState::Cleartext if believed => {
                findings.push(Finding::new(Code::HopUnstated, writer(), seen()));
            }
            TlsState::Encrypted if believed => {}
            TlsState::NotApplicable => {}
            _ => findings.push(Finding::new(Code::HopUntrusted, writer(), seen())),
        }
    }
    if hop.tls.state != TlsState::Encrypted {
        return;
    }
    if let Some(version) = hop.tls.version
        && version.is_legacy()
    {
        findings.push(Finding::new(Code::HopLegacyTls, writer(), version.name()));
    }
    if let Some(label) = &hop.tls.cipher_label {
        // What the label means was found out when the line was read.
        let registered = hop.tls.cipher.as_deref();
        let suite = registered.and_then(|name| suite_by_label(name, None));
        if suite.map_or_else(|| label_is_weak(label), Suite::is_weak) {
            findings.push(Finding::new(Code::HopWeakCipher, writer(), label.clone()));
        }
        if hop.tls.authenticated_cipher == Some(false) {
            findings.push(Finding::new(
                Code::HopAnonymousCipher,
                writer(),
                label.clone(),
            ));
        }
    }
}
