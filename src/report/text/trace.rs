//! The page of `trace`: the answer, the hop table, what is wrong or unsaid,
//! and who stands behind the lines.
//!
//! Nothing here says that a hop was safe: a line *records* TLS, and the one
//! who says so is the host that wrote it.

use std::fmt::Write as _;

use crate::answer::{Answer, Standing};
use crate::finding::{Code, Severity};
use crate::report::text::hops::{self, Shown};
use crate::report::text::layout::paragraph;
use crate::report::text::style::{Paint, Style};
use crate::report::text::{escape, findings, quote};
use crate::trace::chain::{Chain, GapKind, Hop, Trust};
use crate::trace::evidence::TlsState;
use crate::trace::legs::Which;

/// Findings and hops told in full; a hostile message may hold thousands.
const MOST_TOLD: usize = 20;

/// The page of one message's chain.
#[must_use]
pub fn render(chain: &Chain, style: Style) -> String {
    let shown: Vec<Shown> = chain.hops.iter().map(Shown::traced).collect();
    let mut out = head(chain, &shown, chain.answer, style);
    out.push('\n');
    out.push_str(&hops::table(chain, &shown, style));
    out.push_str(&turns(chain));

    let open: Vec<(&Hop, Shown)> = chain
        .hops
        .iter()
        .zip(shown.iter().copied())
        .filter(|(_, shown)| shown.is_open())
        .collect();
    let (mut clear, silent): (Vec<_>, Vec<_>) = open
        .into_iter()
        .partition(|(hop, shown)| matches!(shown, Shown::Clear(_)) && is_believed(hop));
    clear.sort_by_key(|(_, shown)| !shown.is_clear());
    for (hop, shown) in clear.iter().take(MOST_TOLD) {
        out.push('\n');
        out.push_str(&heading(hop, *shown, style));
        out.push_str(&quote::render(chain, hop, style));
        for (i, text) in evidence(hop).iter().enumerate() {
            let label = if i == 0 { "seen" } else { "" };
            out.push_str(&paragraph(&format!("  {label:<5}  "), text));
        }
    }
    out.push_str(&untold(clear.len(), "hops without TLS"));
    if !silent.is_empty() {
        out.push('\n');
    }
    for (hop, shown) in silent.iter().take(MOST_TOLD) {
        out.push_str(&heading(hop, *shown, style));
        let seen = match shown {
            Shown::Clear(_) => "it recorded no TLS".to_owned(),
            _ => hops::silence(hop),
        };
        out.push_str(&paragraph("  seen   ", &seen));
    }
    out.push_str(&untold(silent.len(), "silent hops"));
    out.push_str(&other_findings(chain, style));
    out.push_str(&notes(chain));
    out
}

/// What other fields of the header say, for those who want to know more.
#[must_use]
pub fn details(chain: &Chain) -> String {
    let mut out = String::new();
    for (i, fact) in chain.supporting.iter().enumerate() {
        if i == 0 {
            out.push_str("\nWhat other fields of the header say:\n");
        }
        let line = format!("  line {:<4} ", fact.line);
        out.push_str(&paragraph(&line, &escape::text(&fact.text)));
    }
    out
}

/// The answer line, and one sentence for people who do not read tables.
pub(super) fn head(chain: &Chain, shown: &[Shown], answer: Answer, style: Style) -> String {
    let exposed: Vec<(&Hop, Shown)> = chain
        .hops
        .iter()
        .zip(shown.iter().copied())
        .filter(|(hop, _)| hop.is_exposed())
        .collect();
    let title = hops::title(chain);
    let count = hops::count(chain);
    let clear: Vec<&Hop> = exposed
        .iter()
        .filter(|(_, shown)| shown.is_clear())
        .map(|(hop, _)| *hop)
        .collect();
    let (line, paint, sentence) = match answer {
        Answer::No if !clear.is_empty() => (
            format!("{title}: {count}; {}", hops::clear_words(&clear)),
            Paint::Bad,
            clear_sentence(&clear, &exposed),
        ),
        Answer::No => (
            format!("{title}: {count}; a hop went without TLS"),
            Paint::Bad,
            String::new(),
        ),
        Answer::Yes if exposed.is_empty() => (
            format!("{title}: {count}; none of them crossed the Internet"),
            Paint::Good,
            "Every hop stayed inside one host, network or organisation.".into(),
        ),
        Answer::Yes => (
            format!("{title}: {count}; every exposed hop is recorded as TLS"),
            Paint::Good,
            "On each hop that others could listen to, the host that took the message recorded \
             TLS."
                .into(),
        ),
        Answer::Unknown => {
            let (line, sentence) = doubt(&exposed);
            (
                format!("{title}: {count}; {line}"),
                Paint::Doubtful,
                sentence,
            )
        }
    };
    let mut out = hops::headline(&line, paint, style);
    if !sentence.is_empty() {
        out.push('\n');
        out.push_str(&paragraph("  ", &sentence));
    }
    if let Some(text) = hops::end_to_end(chain) {
        out.push_str(&paragraph("  ", text));
    }
    out
}

fn clear_sentence(clear: &[&Hop], exposed: &[(&Hop, Shown)]) -> String {
    let Some(hop) = clear.first() else {
        return String::new();
    };
    let proved = exposed.iter().any(|(other, shown)| {
        other.number == hop.number && *shown == Shown::Clear(Standing::Proved)
    });
    format!(
        "{} could listen between {} and {}{} could read the message.",
        if proved {
            "Whoever"
        } else {
            "Most likely whoever"
        },
        hops::from_label(hop),
        hops::by_label(hop),
        match clear.len() {
            1 => String::new(),
            2 => " (and on another hop)".to_owned(),
            n => format!(" (and on {} more hops)", n - 1),
        }
    )
}

/// Which hop leaves the answer open, and why.
fn doubt(exposed: &[(&Hop, Shown)]) -> (String, String) {
    let open: Vec<&Hop> = exposed
        .iter()
        .filter(|(_, shown)| shown.is_open())
        .map(|(hop, _)| *hop)
        .collect();
    let believed = open.iter().find(|hop| is_believed(hop));
    if let Some(first) = believed.or_else(|| open.first()) {
        let numbers: Vec<usize> = open.iter().map(|hop| hop.number).collect();
        let by = hops::by_label(first);
        let possible = exposed
            .iter()
            .any(|(hop, shown)| hop.number == first.number && matches!(shown, Shown::Clear(_)));
        let sentence = if possible {
            let why = if is_believed(first) {
                "its line need not tell in every case"
            } else {
                "anybody could have written that line"
            };
            format!("{by} recorded no TLS, but {why}.")
        } else {
            format!(
                "{by} does not say whether TLS was used: {}.",
                hops::silence(first)
            )
        };
        return (
            format!("cannot tell for {}", hops::hop_list(&numbers)),
            sentence,
        );
    }
    let below: Vec<usize> = exposed
        .iter()
        .filter(|(hop, shown)| *shown == Shown::Encrypted && hop.trusted != Trust::Own)
        .map(|(hop, _)| hop.number)
        .collect();
    if below.is_empty() {
        return ("cannot tell".into(), String::new());
    }
    (
        format!("cannot tell for {}", hops::hop_list(&below)),
        "TLS is recorded for every exposed hop, but some of these lines could have been written \
         by anybody."
            .into(),
    )
}

/// Whether the line was written on a side that is known.
pub(super) fn is_believed(hop: &Hop) -> bool {
    matches!(hop.trusted, Trust::Own | Trust::Vouched)
}

/// `error[hop-without-tls]: mx1.partner.example recorded no TLS`.
pub(super) fn heading(hop: &Hop, shown: Shown, style: Style) -> String {
    let by = hops::by_label(hop);
    let (code, severity, subject) = match shown {
        // Only what a party of the hop stated proves that.
        Shown::Clear(Standing::Proved) if hop.tls.state == TlsState::Encrypted => (
            Code::HopWithoutTls,
            Severity::Error,
            format!("the line of {by} records TLS, and a log of that time none"),
        ),
        _ if !is_believed(hop) && shown != Shown::Clear(Standing::Proved) => (
            Code::HopUntrusted,
            Severity::Note,
            format!(
                "hop {}: anybody could have written the line of {by}",
                hop.number
            ),
        ),
        Shown::Clear(standing) if standing <= Standing::Likely => (
            Code::HopWithoutTls,
            Severity::Error,
            format!("{by} recorded no TLS"),
        ),
        Shown::Clear(_) => (
            Code::HopWithoutTls,
            Severity::Warning,
            format!("{by} recorded no TLS, which may mean nothing"),
        ),
        _ => (
            Code::HopUnstated,
            Severity::Note,
            format!("hop {}: {by} does not say whether TLS was used", hop.number),
        ),
    };
    let label = format!("{}[{}]", severity.word(), code.word());
    let whole = paragraph("", &format!("{label}: {subject}"));
    match whole.strip_prefix(&label) {
        Some(rest) => format!("{}{rest}", style.severity(severity, &label)),
        None => whole,
    }
}

/// Where the message was sent on, and another journey began.
fn turns(chain: &Chain) -> String {
    let mut out = String::new();
    let begun = |hop: &&Hop| {
        let turn = hop.turn.as_ref();
        turn.is_some_and(|turn| turn.kind.begins_journey())
    };
    for hop in chain.hops.iter().filter(begun).take(MOST_TOLD) {
        if let Some(turn) = &hop.turn {
            if out.is_empty() {
                out.push('\n');
            }
            let text = format!("before hop {}, {}", hop.number, escape::text(&turn.text));
            out.push_str(&paragraph("  sent on  ", &text));
        }
    }
    out
}

/// What led to the state, in clauses; escaped.
fn evidence(hop: &Hop) -> Vec<String> {
    let texts = hop.tls.evidence.iter().map(|e| escape::text(&e.text));
    let mut seen: Vec<String> = Vec::new();
    for text in texts.take(8) {
        if !seen.iter().any(|known| *known == text) {
            seen.push(text.into_owned());
        }
    }
    seen
}

/// What was left out of a list that is too long to be shown.
fn untold(of: usize, what: &str) -> String {
    match of.saturating_sub(MOST_TOLD) {
        0 => String::new(),
        more => format!("  ... and {more} more {what}\n"),
    }
}

/// Findings beside those on hops without TLS, which are told with the hop.
pub(super) fn other_findings(chain: &Chain, style: Style) -> String {
    let mut out = String::new();
    let told_with_hops = [Code::HopWithoutTls, Code::HopUnstated, Code::HopUntrusted];
    let others = || {
        chain
            .findings
            .iter()
            .filter(|finding| !told_with_hops.contains(&finding.code))
    };
    for finding in others().take(MOST_TOLD) {
        out.push('\n');
        out.push_str(&findings::render(finding, style));
    }
    out.push_str(&untold(others().count(), "findings"));
    let told = |code| chain.findings.iter().any(|finding| finding.code == code);
    let gaps: Vec<_> = chain
        .gaps
        .iter()
        .filter(|gap| match gap.kind {
            GapKind::NameMismatch | GapKind::MissingLink => !told(Code::ChainBroken),
            GapKind::TimeReversed => !told(Code::TimeReversed),
            GapKind::Loop => !told(Code::ChainLoop),
        })
        .collect();
    if !gaps.is_empty() {
        out.push('\n');
    }
    for gap in gaps.iter().take(MOST_TOLD) {
        let (a, b) = gap.between;
        let text = format!("hops {a} and {b}: {}", escape::text(&gap.text));
        out.push_str(&paragraph("  gap    ", &text));
    }
    out.push_str(&untold(gaps.len(), "gaps"));
    out
}

/// The last lines: trust, and what the page does not claim.
fn notes(chain: &Chain) -> String {
    let mut out = String::new();
    let _ = writeln!(out);
    for part in &chain.legs {
        let label = match part.which {
            Which::WriterToServer => "writer to server",
            Which::BetweenServers => "between servers",
            Which::ServerToReader => "server to reader",
        };
        out.push_str(&paragraph(
            &format!("  {label:<16}  "),
            &escape::text(&part.text),
        ));
    }
    if !chain.legs.is_empty() {
        out.push('\n');
    }
    out.push_str(&paragraph("", &hops::trust(chain)));
    out
}
