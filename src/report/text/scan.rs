//! How far a scan is, and what came of it, for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::report::json::scan::ScanSummary;
use crate::report::json::words::ProtectionWord;
use crate::report::text::escape;
use crate::scan::pace::Waiting;

/// How far a scan is.
#[derive(Debug, Clone)]
pub struct Progress {
    /// `12:04:31 UTC`.
    pub time: String,
    pub done: u64,
    /// Lines of the list, where that is known.
    pub total: Option<u64>,
    /// Lines a second, of late.
    pub rate: f64,
    pub in_flight: usize,
    pub later: usize,
    pub left: Option<Duration>,
    pub levels: BTreeMap<ProtectionWord, u64>,
    pub waiting: Option<Waiting>,
    pub paused: Option<String>,
}

/// The order in which levels are told.
const LEVELS: [(&str, &str); 8] = [
    ("enforced", "enforced"),
    ("authenticated", "authenticated"),
    ("encrypted", "encrypted"),
    ("legacy", "legacy"),
    ("mixed", "mixed"),
    ("cleartext", "cleartext"),
    ("no-mail", "no mail"),
    ("unknown", "unknown"),
];

/// Several lines, to be written over by the next.
#[must_use]
pub fn progress(state: &Progress) -> String {
    let mut out = format!("{}  {}", state.time, counted(state.done));
    if let Some(total) = state.total {
        let _ = write!(out, " of {}", counted(total));
    }
    let _ = write!(
        out,
        " done   {:.0}/s   {} in flight",
        state.rate, state.in_flight
    );
    if let Some(left) = state.left {
        let _ = write!(out, "   about {} left", span(left));
    }
    out.push('\n');
    out.push_str(&levels(&state.levels));
    if state.later > 0 {
        let _ = writeln!(
            out,
            "          {} to be tried once more after the rest",
            counted(state.later as u64)
        );
    }
    if let Some(what) = &state.paused {
        let _ = writeln!(
            out,
            "          paused: {}; goes on when that is over",
            escape::clipped(what, 120)
        );
    } else if let Some(waiting) = state.waiting.as_ref().filter(|waiting| waiting.waiting > 1) {
        let _ = writeln!(
            out,
            "          waiting longest for {}: {} ({} at a time)",
            escape::clipped(&waiting.host, 60),
            counted(waiting.waiting.into()),
            waiting.at_once
        );
    }
    out
}

/// The levels that were met, three a line.
fn levels(levels: &BTreeMap<ProtectionWord, u64>) -> String {
    let met: Vec<String> = LEVELS
        .iter()
        .filter_map(|(word, shown)| {
            let count = levels
                .iter()
                .find(|(level, _)| level.word() == *word)
                .map(|(_, count)| *count)?;
            Some(format!("{shown} {}", counted(count)))
        })
        .collect();
    let mut out = String::new();
    for line in met.chunks(3) {
        out.push_str("          ");
        for (at, item) in line.iter().enumerate() {
            if at + 1 < line.len() {
                let _ = write!(out, "{item:<24}");
            } else {
                out.push_str(item);
            }
        }
        out.push('\n');
    }
    out
}

/// What came of a scan.
#[must_use]
pub fn summary(summary: &ScanSummary, where_to: &str) -> String {
    let mut out = format!(
        "{}: {} lines answered{}\n\n",
        escape::text(&summary.list.name),
        counted(summary.lines),
        if summary.complete { "" } else { ", not all" }
    );
    for (word, shown) in LEVELS {
        if let Some((_, count)) = summary
            .protection
            .iter()
            .find(|(level, _)| level.word() == word)
        {
            let share = *count as f64 * 100.0 / summary.lines.max(1) as f64;
            let _ = writeln!(out, "  {shown:<14} {:>12}  {share:>5.1} %", counted(*count));
        }
    }
    if !summary.findings.is_empty() {
        out.push_str("\nFindings, worst first, and how many domains have them:\n");
        for finding in summary.findings.iter().take(12) {
            let _ = writeln!(
                out,
                "  {:<9} {:<32} {:>12}",
                finding.severity.word(),
                finding.code,
                counted(finding.domains)
            );
        }
        let more = summary.findings.len().saturating_sub(12);
        if more > 0 {
            let _ = writeln!(out, "  and {more} more kinds");
        }
    }
    if !summary.providers.is_empty() {
        out.push_str("\nWho takes the mail:\n");
        for provider in summary.providers.iter().take(10) {
            let worst = LEVELS.iter().rev().find_map(|(word, shown)| {
                provider
                    .protection
                    .iter()
                    .find(|(level, _)| level.word() == *word && *word != "unknown")
                    .map(|(_, count)| format!("{shown} {}", counted(*count)))
            });
            let _ = writeln!(
                out,
                "  {:<40} {:>12}  {}",
                escape::clipped(&provider.provider, 40),
                counted(provider.domains),
                worst.map_or_else(String::new, |worst| format!("worst: {worst}"))
            );
        }
    }
    let policies = match summary.policies {
        0 => String::new(),
        fetched => format!(", {} for MTA-STS policies", counted(fetched)),
    };
    let _ = writeln!(
        out,
        "\n{} connections to {} endpoints{policies}, in {}. {where_to}",
        counted(summary.connections),
        counted(summary.endpoints),
        span(Duration::from_millis(summary.duration_ms))
    );
    out
}

/// A number in groups of three digits.
#[must_use]
pub fn counted(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A span as one says it: `1 h 04 min`, `12 min`, `31 s`.
#[must_use]
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{:.1} s", span.as_secs_f64()),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, _) => format!("{minutes} min"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans_are_written_as_people_do() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(counted(number), text);
        }
        for (seconds, text) in [(31, "31 s"), (720, "12 min"), (3840, "1 h 04 min")] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }
}
