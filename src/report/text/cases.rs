//! The page of `explain --summary`: the cases of many messages, each explained
//! once.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::explain::ConclusionState;
use crate::explain::cases::{Case, Cases};
use crate::report::text::explain::{causes, steps};
use crate::report::text::hops::{clip_name, headline};
use crate::report::text::layout::{Align, COLUMNS, Cell, Table, paragraph};
use crate::report::text::style::{Paint, Style};
use crate::report::text::{escape, quote};

/// Cases explained; the JSON form has them all.
const MOST_TOLD: usize = 20;
/// Cases in the table.
const MOST_ROWS: usize = 200;

/// The page of a run's cases.
#[must_use]
pub fn render(cases: &Cases, skipped: usize, style: Style) -> String {
    let mut out = head(cases, skipped, style);
    let ranked = cases.ranked();
    if ranked.is_empty() {
        return out;
    }
    out.push('\n');
    out.push_str(&table(&ranked, style));
    if ranked.len() > MOST_ROWS {
        let _ = writeln!(out, "  ... and {} more cases", ranked.len() - MOST_ROWS);
    }
    let (believed, doubtful): (Vec<&Case>, Vec<&Case>) =
        ranked.iter().copied().partition(|case| case.believed);
    for case in believed.iter().take(MOST_TOLD) {
        out.push('\n');
        out.push_str(&told(case, style));
    }
    if believed.len() > MOST_TOLD {
        let _ = writeln!(out, "\n  ... and {} more cases", believed.len() - MOST_TOLD);
    }
    let mut notes = Vec::new();
    if !doubtful.is_empty() {
        let hops: usize = doubtful.iter().map(|case| case.hops).sum();
        notes.push(format!(
            "Not explained: {} in {}, on lines that anybody could have written.",
            counted(hops, "hop"),
            counted(doubtful.len(), "case")
        ));
    }
    if cases.left_out > 0 {
        notes.push(format!(
            "{} found no room in the table.",
            counted(cases.left_out, "further hop")
        ));
    }
    if !notes.is_empty() {
        out.push('\n');
        out.push_str(&paragraph("", &notes.join(" ")));
    }
    out
}

/// One line for each case, for the end of a run that printed pages.
#[must_use]
pub fn list(cases: &Cases, style: Style) -> String {
    let ranked = cases.ranked();
    let mut out = head(cases, 0, style);
    if !ranked.is_empty() {
        out.push('\n');
        out.push_str(&table(&ranked, style));
    }
    out
}

fn head(cases: &Cases, skipped: usize, style: Style) -> String {
    let messages = counted(cases.messages, "message");
    let skipped = match skipped {
        0 => String::new(),
        n => format!(", {n} skipped"),
    };
    let (line, paint) = if cases.no > 0 {
        (
            format!(
                "{messages}{skipped}; {} crossed a network without TLS",
                cases.no
            ),
            Paint::Bad,
        )
    } else if cases.unknown > 0 {
        (
            format!("{messages}{skipped}; cannot tell for {}", cases.unknown),
            Paint::Doubtful,
        )
    } else {
        (
            format!("{messages}{skipped}; every exposed hop is recorded as TLS"),
            Paint::Good,
        )
    };
    headline(&line, paint, style)
}

fn table(ranked: &[&Case], style: Style) -> String {
    let mut grid = Table::new(&[
        Align::Right,
        Align::Right,
        Align::Left,
        Align::Left,
        Align::Left,
        Align::Left,
    ]);
    grid.row(["case", "mails", "from", "to", "TLS", "last"].map(Cell::from));
    // What the other columns take at most: two numbers, a word, a day, and
    // what lies between.
    let room = COLUMNS.saturating_sub(2 + 4 + 7 + 9 + 10 + 10) / 2;
    for case in ranked.iter().take(MOST_ROWS) {
        let state = match (case.believed, case.state) {
            (true, ConclusionState::Cleartext) => Cell::painted(Paint::Bad, "none"),
            (true, _) => "unknown".into(),
            (false, _) => "forgeable".into(),
        };
        grid.row([
            case.number.to_string().into(),
            case.messages.to_string().into(),
            clip_name(&escape::text(case.client_name()), room).into(),
            clip_name(&escape::text(case.server_name()), room).into(),
            state,
            case.last.map_or(String::new(), day).into(),
        ]);
    }
    grid.render(2, style)
}

fn told(case: &Case, style: Style) -> String {
    let label = format!("case {}:", case.number);
    let mut out = paragraph(&format!("{label} "), &title(case));
    out = out.replacen(&label, &style.paint(Paint::Strong, &label), 1);
    if let Some(hop) = case.example.hop() {
        out.push_str(&quote::render(&case.example.chain, hop, style));
        out.push('\n');
    }
    out.push_str(&causes(&case.example.explained.causes, style));
    out.push_str(&steps(&case.example.explained.next, style));
    out
}

/// "relay.example to mx1.partner.example: 212 messages, cleartext, 2026-03-03
/// to 2026-11-20; likely sender-did-not-try".
#[must_use]
pub fn title(case: &Case) -> String {
    let state = match case.state {
        ConclusionState::Cleartext => "cleartext",
        _ => "TLS not recorded",
    };
    let reason = case
        .example
        .explained
        .causes
        .first()
        .filter(|ranked| Some(ranked.cause) == case.cause)
        .map(|ranked| format!("; {} {}", ranked.standing.word(), ranked.cause.word()))
        .unwrap_or_default();
    let dates = dates(case);
    let dates = if dates.is_empty() {
        dates
    } else {
        format!(", {dates}")
    };
    format!(
        "{} to {}: {}, {state}{dates}{reason}",
        escape::text(case.client_name()),
        escape::text(case.server_name()),
        counted(case.messages, "message"),
    )
}

fn dates(case: &Case) -> String {
    match (case.first.map(day), case.last.map(day)) {
        (Some(first), Some(last)) if first == last => first,
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => String::new(),
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
