//! The page of `explain`: that of `trace`, and under each hop that is open the
//! ranked causes with what speaks for and against them, whom to ask, and what
//! to mend.

use std::fmt::Write as _;

use crate::answer::Standing;
use crate::attempt::{Attempt, Because};
use crate::explain::cases::Met;
use crate::explain::{
    ConclusionState, Explanation, HopExplanation, MatchedBy, ObservedFrom, RankedCause,
};
use crate::observed::domain::DomainObservation;
use crate::observed::statement::{Said, Statement};
use crate::report::text::escape;
use crate::report::text::hops::{self, Shown};
use crate::report::text::layout::{clip, paragraph, width};
use crate::report::text::style::{Paint, Style};
use crate::report::text::{quote, trace};
use crate::trace::chain::{Chain, Hop};
use crate::trace::evidence::TlsState;
use crate::verdict::Verdict;

/// Hops explained on one page; a hostile message may hold thousands.
const MOST_HOPS: usize = 20;
/// Causes of one standing that are shown with their evidence.
const MOST_CAUSES: usize = 5;
/// Statements shown of one hop.
const MOST_STATED: usize = 8;
/// Lines for or against one cause.
const MOST_REASONS: usize = 3;

/// The page of one message's explanation.
#[must_use]
pub fn render(
    chain: &Chain,
    probes: &[(DomainObservation, Verdict)],
    explanation: &Explanation,
    style: Style,
) -> String {
    render_among(chain, probes, explanation, &[], style)
}

/// The same for one of many messages: a hop whose case was explained before is
/// told in one line.
#[must_use]
pub fn render_among(
    chain: &Chain,
    probes: &[(DomainObservation, Verdict)],
    explanation: &Explanation,
    met: &[Option<Met>],
    style: Style,
) -> String {
    let shown: Vec<Shown> = chain
        .hops
        .iter()
        .enumerate()
        .map(|(i, hop)| {
            explanation
                .hops
                .get(i)
                .map_or_else(|| Shown::traced(hop), shown)
        })
        .collect();
    let mut out = trace::head(chain, &shown, explanation.answer, style);
    out.push('\n');
    out.push_str(&hops::table(chain, &shown, style));

    let mut open: Vec<(&Hop, Shown, &HopExplanation)> = chain
        .hops
        .iter()
        .zip(&shown)
        .zip(&explanation.hops)
        .filter(|((_, shown), _)| shown.is_open())
        .map(|((hop, shown), explained)| (hop, *shown, explained))
        .collect();
    // The worst first; lines that anybody could have written last.
    open.sort_by_key(|(hop, shown, explained)| {
        let told = trace::is_believed(hop) || !explained.stated.is_empty();
        (!told, !shown.is_clear())
    });
    for (hop, shown, explained) in open.iter().take(MOST_HOPS) {
        out.push('\n');
        out.push_str(&trace::heading(hop, *shown, style));
        if !trace::is_believed(hop) && explained.stated.is_empty() {
            let seen = match shown {
                Shown::Clear(_) => "it recorded no TLS".to_owned(),
                _ => hops::silence(hop),
            };
            out.push_str(&paragraph("  seen   ", &seen));
            continue;
        }
        // Hops are numbered from 1 in order.
        let met = hop.number.checked_sub(1).and_then(|at| met.get(at));
        if let Some(Some(met)) = met
            && !met.is_first
        {
            out.push_str(&paragraph(
                "  seen   ",
                &format!("as in case {}, explained above", met.case),
            ));
            continue;
        }
        if let Some(Some(met)) = met
            && met.is_one_of_many
        {
            let _ = writeln!(out, "    case {}", met.case);
        }
        out.push_str(&quote::render(chain, hop, style));
        out.push('\n');
        out.push_str(&stated(&explained.stated, style));
        out.push_str(&causes(&explained.causes, style));
        out.push_str(&steps(&explained.next, style));
    }
    if open.len() > MOST_HOPS {
        let _ = writeln!(out, "\n  ... and {} more such hops", open.len() - MOST_HOPS);
    }
    out.push_str(&confirmed(chain, &shown, explanation, style));
    out.push_str(&trace::other_findings(chain, style));
    out.push('\n');
    out.push_str(&notes(chain, probes, explanation));
    out
}

/// Hops of which parties stated that they were encrypted.
fn confirmed(chain: &Chain, shown: &[Shown], explanation: &Explanation, style: Style) -> String {
    let mut out = String::new();
    let hops = chain.hops.iter().zip(shown).zip(&explanation.hops);
    let told =
        hops.filter(|((_, shown), explained)| !shown.is_open() && !explained.stated.is_empty());
    for ((hop, _), explained) in told.take(MOST_HOPS) {
        let silent = hop.tls.state != TlsState::Encrypted;
        let why = match (explained.conclusion.state, silent) {
            (ConclusionState::Encrypted, true) => "used TLS, though its line does not say so",
            (ConclusionState::Encrypted, false) => "records TLS",
            _ => "is told of",
        };
        let head = format!("hop {}, to {}, {why}", hop.number, hops::by_label(hop));
        out.push('\n');
        out.push_str(&paragraph("", &head));
        out.push_str(&stated(&explained.stated, style));
    }
    out
}

/// What parties of the hop stated, each with its place.
pub(super) fn stated(statements: &[Statement], style: Style) -> String {
    let mut out = String::new();
    for statement in statements.iter().take(MOST_STATED) {
        let plain = format!("  {:<LABEL$}  ", "stated");
        let painted = format!(
            "  {}{}  ",
            style.paint(Paint::Strong, "stated"),
            " ".repeat(LABEL - "stated".len())
        );
        let what = match &statement.says {
            Said::Encrypted { version, .. } => version.map_or_else(
                || "encrypted".to_owned(),
                |version| format!("encrypted, {}", version.name()),
            ),
            Said::Cleartext => "cleartext".to_owned(),
            Said::NoTls(why) => why.words().to_owned(),
        };
        let text = paragraph(
            &plain,
            &format!(
                "{what}, by {} ({})",
                statement.by.name(),
                escape::text(&statement.place)
            ),
        );
        out.push_str(&text.replacen(&plain, &painted, 1));
        let indent = " ".repeat(2 + LABEL + 2);
        out.push_str(&paragraph(&indent, &escape::text(&statement.quote)));
    }
    if statements.len() > MOST_STATED {
        let _ = writeln!(
            out,
            "  {:<LABEL$}  ... and {} more statements",
            "",
            statements.len() - MOST_STATED
        );
    }
    out
}

fn shown(explained: &HopExplanation) -> Shown {
    match explained.conclusion.state {
        ConclusionState::Encrypted => Shown::Encrypted,
        ConclusionState::Cleartext => Shown::Clear(explained.conclusion.standing),
        ConclusionState::Unknown => Shown::Unknown,
        ConclusionState::Inside => Shown::Inside,
        ConclusionState::NotSmtp => Shown::NotSmtp,
    }
}

/// Wide enough for every standing.
const LABEL: usize = 9;

/// The causes: likely and possible ones with their evidence, the others in a
/// line for each reason.
pub(super) fn causes(causes: &[RankedCause], style: Style) -> String {
    let mut out = String::new();
    let indent = " ".repeat(2 + LABEL + 2);
    for standing in [Standing::Proved, Standing::Likely, Standing::Possible] {
        let of = || causes.iter().filter(|ranked| ranked.standing == standing);
        for ranked in of().take(MOST_CAUSES) {
            let _ = writeln!(
                out,
                "  {}  {}",
                label(standing, style),
                style.paint(Paint::Strong, ranked.cause.word())
            );
            for (word, texts) in [("for", &ranked.for_), ("but", &ranked.against)] {
                for text in texts.iter().take(MOST_REASONS) {
                    let first = format!("{indent}{word}  ");
                    out.push_str(&paragraph(&first, &escape::text(text)));
                }
            }
        }
        let rest: Vec<&str> = of().skip(MOST_CAUSES).map(|r| r.cause.word()).collect();
        if !rest.is_empty() {
            let first = format!("  {:<LABEL$}  ", words(standing));
            out.push_str(&paragraph(&first, &format!("also {}", rest.join(", "))));
        }
    }
    for standing in [Standing::Unlikely, Standing::RuledOut] {
        for (reason, names) in by_reason(causes, standing) {
            let plain = format!("  {:<LABEL$}  ", words(standing));
            let text = paragraph(
                &plain,
                &format!("{}: {}", names.join(", "), escape::text(reason)),
            );
            let painted = format!("  {}  ", label(standing, style));
            out.push_str(&text.replacen(&plain, &painted, 1));
        }
    }
    out
}

/// Causes of one standing that the same reason speaks against.
fn by_reason(causes: &[RankedCause], standing: Standing) -> Vec<(&str, Vec<&'static str>)> {
    let mut groups: Vec<(&str, Vec<&'static str>)> = Vec::new();
    for ranked in causes.iter().filter(|ranked| ranked.standing == standing) {
        let reason = ranked
            .against
            .last()
            .map_or("a fact excludes it", String::as_str);
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(ranked.cause.word()),
            None => groups.push((reason, vec![ranked.cause.word()])),
        }
    }
    groups
}

fn words(standing: Standing) -> &'static str {
    match standing {
        Standing::RuledOut => "ruled out",
        other => other.word(),
    }
}

fn label(standing: Standing, style: Style) -> String {
    let paint = match standing {
        Standing::Proved | Standing::Likely => Paint::Strong,
        Standing::Possible => Paint::None,
        Standing::Unlikely | Standing::RuledOut => Paint::Quiet,
    };
    let word = words(standing);
    let space = " ".repeat(LABEL.saturating_sub(word.len()));
    format!("{}{space}", style.paint(paint, word))
}

/// `ask WHO: WHAT` and its kin, in columns.
pub(super) fn steps(next: &[String], style: Style) -> String {
    let parts: Vec<(&str, String, &str)> = next
        .iter()
        .filter_map(|step| {
            let (who, what) = step.split_once(": ")?;
            let (verb, who) = who.split_once(' ')?;
            Some((verb, clip(&escape::text(who), 26), what))
        })
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n");
    let room = parts
        .iter()
        .map(|(_, who, _)| width(who))
        .max()
        .unwrap_or(0);
    let mut before = "";
    for (verb, who, what) in &parts {
        let shown = if *verb == before { "" } else { *verb };
        before = verb;
        let space = " ".repeat(room.saturating_sub(width(who)));
        let plain = format!("  {shown:<3}  {who}{space}  ");
        let text = paragraph(&plain, &escape::text(what));
        if shown.is_empty() {
            out.push_str(&text);
        } else {
            let painted = plain.replacen(shown, &style.paint(Paint::Strong, shown), 1);
            out.push_str(&text.replacen(&plain, &painted, 1));
        }
    }
    out
}

/// Whether an address was left alone since the Internet does not route it.
fn refused(observation: &DomainObservation) -> bool {
    let skipped = Attempt::Skipped(Because::AddressNotPublic);
    let mut endpoints = observation.hosts.iter().flat_map(|host| &host.endpoints);
    endpoints.any(|endpoint| endpoint.connect == skipped)
}

/// The last lines: trust, what was probed, when and from where.
fn notes(
    chain: &Chain,
    probes: &[(DomainObservation, Verdict)],
    explanation: &Explanation,
) -> String {
    let mut text = hops::trust(chain);
    for (observation, verdict) in probes {
        if observation.hosts.is_empty() && observation.connections == 0 && observation.mx.is_done()
        {
            let _ = write!(
                text,
                " Looked up the MX records of {} on {}.",
                observation.domain,
                observation.at.strftime("%Y-%m-%d %H:%M UTC"),
            );
            continue;
        }
        let _ = write!(
            text,
            " Probed {} on {}{}: {}, saw {} of {}.",
            observation.domain,
            observation.at.strftime("%Y-%m-%d %H:%M UTC"),
            observation
                .client
                .address
                .map(|ip| format!(" from {ip}"))
                .unwrap_or_default(),
            verdict.protection.word(),
            verdict.seen.endpoints,
            match verdict.seen.of {
                1 => "1 address".to_owned(),
                n => format!("{n} addresses"),
            },
        );
        if refused(observation) {
            text.push_str(
                " Addresses that are not public were not asked (--probe-private lifts that).",
            );
        }
    }
    if probes.is_empty() {
        if chain.hops.iter().any(crate::explain::pair::needs_probe) {
            text.push_str(
                if explanation.hops.iter().any(|hop| !hop.stated.is_empty()) {
                    " Nothing was probed: the headers speak, and what was stated at the time."
                } else {
                    " Nothing was probed: the headers alone speak."
                },
            );
        }
    } else {
        text.push_str(" A header shows that day, a probe this.");
    }
    let old = explanation.hops.iter().any(|hop| {
        hop.probed
            .as_ref()
            .is_some_and(|probed| probed.from == ObservedFrom::History)
    });
    if old {
        text.push_str(" Some of this rests on earlier observations.");
    }
    let unmatched = explanation.hops.iter().any(|hop| {
        hop.probed
            .as_ref()
            .is_some_and(|probed| probed.matched_by == MatchedBy::None)
    });
    if unmatched {
        text.push_str(" No probe could speak for every hop.");
    }
    if explanation.trouble_here {
        text.push_str(" The network here hindered the probe: run it again where port 25 is open.");
    }
    paragraph("", &text)
}
