//! The page of `trace --summary`: the hops of many messages, a line for each
//! pair of hosts.

use crate::report::text::escape;
use crate::report::text::hops::{clip_name, headline};
use crate::report::text::layout::{Align, COLUMNS, Cell, Table, paragraph, width};
use crate::report::text::style::{Paint, Style};
use crate::tls::parameters::TlsVersion;
use crate::trace::summary::{Pair, Summary};
use crate::trace::witness::Witnesses;

/// Pairs shown; the JSON form has them all.
const MOST_ROWS: usize = 200;

/// Hosts behind a proxy that are named.
const MOST_PROXIED: usize = 20;

/// The page of many messages.
#[must_use]
pub fn render(summary: &Summary, witnesses: &Witnesses, skipped: usize, style: Style) -> String {
    let mut out = head(summary, skipped, style);
    let pairs = summary.pairs();
    if !pairs.is_empty() {
        out.push('\n');
        out.push_str(&table(&pairs, style));
    }
    if let Some(more) = pairs.len().checked_sub(MOST_ROWS).filter(|more| *more > 0) {
        out.push_str(&format!("  ... and {} more pairs\n", number(more)));
    }
    out.push('\n');
    out.push_str(&notes(summary, witnesses));
    out
}

fn head(summary: &Summary, skipped: usize, style: Style) -> String {
    let total = &summary.total;
    let messages = counted(summary.messages, "message");
    let skipped = match skipped {
        0 => String::new(),
        n => format!(", {} skipped", number(n)),
    };
    let (line, paint) = if summary.no > 0 {
        (
            format!(
                "{messages}{skipped}; {} crossed a network without TLS",
                number(summary.no)
            ),
            Paint::Bad,
        )
    } else if summary.unknown > 0 {
        (
            format!(
                "{messages}{skipped}; cannot tell for {}",
                number(summary.unknown)
            ),
            Paint::Doubtful,
        )
    } else {
        (
            format!("{messages}{skipped}; every exposed hop is recorded as TLS"),
            Paint::Good,
        )
    };
    let mut out = headline(&line, paint, style);
    out.push('\n');
    out.push_str(&paragraph(
        "  ",
        &format!(
            "Of {}, {} are recorded as TLS, {} went without; {} cannot be told.",
            counted(total.hops, "exposed hop"),
            number(total.with_tls),
            number(total.without),
            number(total.unstated)
        ),
    ));
    out
}

fn table(pairs: &[(&str, &str, &Pair)], style: Style) -> String {
    let rows: Vec<[String; 7]> = pairs
        .iter()
        .take(MOST_ROWS)
        .map(|(from, by, pair)| {
            [
                name(from),
                name(by),
                number(pair.hops),
                number(pair.with_tls),
                number(pair.without),
                number(pair.unstated),
                versions(pair),
            ]
        })
        .collect();
    let head = ["from", "by", "hops", "TLS", "none", "unknown", "versions"];
    let column = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        let widest = cells.map(|cell| width(cell)).max().unwrap_or(0);
        widest.max(head.get(at).map_or(0, |title| width(title)))
    };
    let taken: usize = (2..7).map(|at| column(at) + 2).sum();
    let room = COLUMNS.saturating_sub(2 + taken + 2).max(24);
    let (from, by) = (column(0), column(1));
    let half = room / 2;
    let from_room = if by < half { room - by } else { half }.min(from);
    let by_room = room.saturating_sub(from_room).min(by);
    let mut grid = Table::new(&[
        Align::Left,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
    ]);
    grid.row(head.map(Cell::from));
    for (row, (_, _, pair)) in rows.into_iter().zip(pairs) {
        let [sender, receiver, hops, tls, none, unknown, versions] = row;
        let none = if pair.without > 0 {
            Cell::painted(Paint::Bad, none)
        } else {
            none.into()
        };
        grid.row([
            clip_name(&sender, from_room).into(),
            clip_name(&receiver, by_room).into(),
            hops.into(),
            tls.into(),
            none,
            unknown.into(),
            versions.into(),
        ]);
    }
    grid.render(2, style)
}

fn notes(summary: &Summary, witnesses: &Witnesses) -> String {
    let mut out = String::new();
    let proxied: Vec<String> = witnesses
        .hosts()
        .into_iter()
        .filter(|(_, told)| told.is_behind_proxy())
        .map(|(host, _)| clip_name(&escape::text(host), 60))
        .take(MOST_PROXIED)
        .collect();
    if !proxied.is_empty() {
        out.push_str(&paragraph(
            "",
            &format!(
                "Behind a proxy, so that silence proves nothing: {}.",
                proxied.join(", ")
            ),
        ));
    }
    let mut left = Vec::new();
    if summary.inside > 0 {
        left.push(format!(
            "{} inside one host, network or organisation",
            counted(summary.inside, "hop")
        ));
    }
    if summary.left_out > 0 {
        left.push(format!(
            "{} between further hosts",
            counted(summary.left_out, "hop")
        ));
    }
    if !left.is_empty() {
        out.push_str(&paragraph(
            "",
            &format!("Not in the table: {}.", left.join("; ")),
        ));
    }
    let forgeable = summary.total.forgeable;
    if forgeable > 0 {
        out.push_str(&paragraph(
            "",
            &format!(
                "Trust: {} of the exposed hops {} on lines that could be forged.",
                number(forgeable),
                if forgeable == 1 { "stands" } else { "stand" }
            ),
        ));
    } else {
        out.push_str(&paragraph(
            "",
            "Trust: no exposed hop stands on a line that could be forged.",
        ));
    }
    out
}

fn name(name: &str) -> String {
    if name.is_empty() {
        "-".to_owned()
    } else {
        escape::text(name).into_owned()
    }
}

/// `1.2, 1.3`; `yes` where a line says TLS and no version.
fn versions(pair: &Pair) -> String {
    let words: Vec<&str> = pair
        .versions
        .keys()
        .map(|version| match version.map(TlsVersion::name) {
            None => "yes",
            Some("TLSv1") => "1.0",
            Some(name) => name.strip_prefix("TLSv").unwrap_or(name),
        })
        .collect();
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(", ")
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", number(count))
}

/// With commas between thousands.
fn number(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
