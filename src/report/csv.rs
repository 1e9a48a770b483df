//! Tables for spreadsheets (RFC 4180): a row for each domain, or for each hop
//! of a message.
//!
//! What stands in the cells comes from strangers, so three things are done to
//! it. Control characters, bidirectional marks and what else cannot be seen are
//! spelt out. A text that a spreadsheet would take for a formula (it begins with
//! `=`, `+`, `-`, `@`, or their full-width forms) gets an apostrophe in front,
//! which spreadsheets take for "this is text". And every text is quoted, so that
//! no separator of any country splits a cell.

use crate::report::json::chain::ChainData;
use crate::report::json::domain::DomainReport;
use crate::report::json::explanation::ExplanationData;
use crate::report::json::scan::DomainData;
use crate::report::json::verdict::{Seen, Senders};
use crate::report::text::escape;

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Domains,
    Hops,
}

impl Table {
    /// The first line.
    #[must_use]
    pub fn header(self) -> String {
        let names: &[&str] = match self {
            Self::Domains => &[
                "line",
                "input",
                "domain",
                "probed_at",
                "protection",
                "answer",
                "reason",
                "opportunistic",
                "mandatory",
                "mta_sts",
                "dane",
                "endpoints_seen",
                "endpoints",
                "findings",
            ],
            Self::Hops => &[
                "path",
                "index",
                "message_id",
                "answer",
                "hop",
                "date",
                "from",
                "by",
                "with",
                "leg",
                "trusted",
                "tls",
                "standing",
                "version",
                "cipher",
                "delay_seconds",
                "software",
                "conclusion",
                "likeliest_cause",
            ],
        };
        let mut row = Row::default();
        names.iter().for_each(|name| row.text(name));
        row.end()
    }
}

/// The row of a report on one domain.
#[must_use]
pub fn domain_report(report: &DomainReport) -> String {
    let verdict = &report.verdict;
    let mut row = Row::default();
    row.empty();
    row.text(&report.input);
    row.text(&report.domain);
    row.text(&report.observed.at);
    row.text(verdict.protection.word());
    row.text(verdict.answer.word());
    row.text(&verdict.reason);
    row.senders(verdict.senders, verdict.seen);
    let mut codes: Vec<&str> = Vec::new();
    for finding in &verdict.findings {
        if !codes.contains(&finding.code.as_str()) {
            codes.push(&finding.code);
        }
    }
    row.text(&codes.join(" "));
    row.end()
}

/// The row of a scan's line.
#[must_use]
pub fn domain(line: &DomainData) -> String {
    let mut row = Row::default();
    row.number(line.input.line);
    row.text(&line.input.text);
    row.text(line.domain.as_deref().unwrap_or_default());
    row.text(line.at.as_deref().unwrap_or_default());
    row.text(line.protection.word());
    row.text(line.answer.word());
    row.text(&line.reason);
    row.senders(line.senders, line.seen);
    row.text(&line.findings.join(" "));
    row.end()
}

/// The rows of a message's hops.
#[must_use]
pub fn chain(chain: &ChainData) -> String {
    hops(chain, chain.answer.word(), |_| {
        (String::new(), String::new())
    })
}

/// The same with what was concluded.
#[must_use]
pub fn explanation(explanation: &ExplanationData) -> String {
    hops(&explanation.chain, explanation.answer.word(), |number| {
        let Some(hop) = explanation.hops.iter().find(|hop| hop.hop == number) else {
            return (String::new(), String::new());
        };
        let state = format!(
            "{} {}",
            hop.conclusion.standing.word(),
            hop.conclusion.state.word()
        );
        let cause = hop.causes.first().map_or_else(String::new, |cause| {
            format!("{} {}", cause.standing.word(), cause.code)
        });
        (state, cause)
    })
}

fn hops(chain: &ChainData, answer: &str, told: impl Fn(usize) -> (String, String)) -> String {
    let mut out = String::new();
    for hop in &chain.hops {
        let mut row = Row::default();
        row.text(&chain.source.path);
        row.number(chain.source.index as u64);
        row.text(chain.message.message_id.as_deref().unwrap_or_default());
        row.text(answer);
        row.number(hop.hop as u64);
        row.text(hop.date.as_deref().unwrap_or_default());
        let from = hop.from.as_ref();
        let from = from.and_then(|from| {
            from.rdns
                .as_deref()
                .or(from.helo.as_deref())
                .or(from.ip.as_deref())
        });
        row.text(from.unwrap_or_default());
        let by = hop.by.as_ref();
        let by = by.and_then(|by| by.host.as_deref().or(by.ip.as_deref()));
        row.text(by.unwrap_or_default());
        row.text(hop.with.as_deref().unwrap_or_default());
        row.text(hop.leg.word());
        row.text(hop.trusted.word());
        row.text(hop.tls.state.word());
        row.text(hop.tls.standing.map_or("", |standing| standing.word()));
        row.text(hop.tls.version.as_deref().unwrap_or_default());
        row.text(hop.tls.cipher.as_deref().unwrap_or_default());
        match hop.delay_seconds {
            Some(delay) => row.number(delay),
            None => row.empty(),
        }
        row.text(hop.software.as_ref().map_or("", |software| &software.name));
        let (conclusion, cause) = told(hop.hop);
        row.text(&conclusion);
        row.text(&cause);
        out.push_str(&row.end());
    }
    out
}

/// One line under way.
#[derive(Default)]
struct Row(String);

impl Row {
    fn separate(&mut self) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
    }

    fn empty(&mut self) {
        if self.0.is_empty() {
            self.0.push_str("\"\"");
        } else {
            self.0.push(',');
        }
    }

    fn number(&mut self, number: impl std::fmt::Display) {
        self.separate();
        self.0.push_str(&number.to_string());
    }

    fn text(&mut self, text: &str) {
        self.separate();
        self.0.push('"');
        let shown = escape::text(text);
        if begins_formula(&shown) || begins_formula(text) {
            self.0.push('\'');
        }
        self.0.push_str(&shown.replace('"', "\"\""));
        self.0.push('"');
    }

    fn senders(&mut self, senders: Senders, seen: Seen) {
        for word in [
            senders.opportunistic,
            senders.mandatory,
            senders.mta_sts,
            senders.dane,
        ] {
            self.text(word.word());
        }
        self.number(seen.endpoints);
        self.number(seen.of);
    }

    /// RFC 4180, section 2: lines end in CRLF.
    fn end(mut self) -> String {
        self.0.push_str("\r\n");
        self.0
    }
}

/// Whether a spreadsheet would compute what begins so; blanks before it are
/// passed over, as some of them do.
fn begins_formula(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text.trim_start().starts_with([
            '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
        ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> String {
        let mut row = Row::default();
        row.text(text);
        row.0
    }

    #[test]
    fn no_cell_is_a_formula_and_none_breaks_the_table() {
        for (text, written) in [
            ("partner.example", "\"partner.example\""),
            ("", "\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            (" =1", "\"' =1\""),
            ("\t=1", "\"'\\t=1\""),
            ("\r=1", "\"'\\r=1\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("a,b;c", "\"a,b;c\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("\"=1", "\"\"\"=1\""),
            ("a\r\nb", "\"a\\r\\nb\""),
            ("a\u{202e}b\u{0}", "\"a\\u{202e}b\\x00\""),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }

    #[test]
    fn every_row_has_the_columns_of_its_header() {
        let columns = |line: &str| {
            let (mut count, mut quoted) = (1, false);
            for c in line.chars() {
                match c {
                    '"' => quoted = !quoted,
                    ',' if !quoted => count += 1,
                    _ => {}
                }
            }
            count
        };
        let line = DomainData::invalid(
            crate::report::json::scan::InputLine {
                line: 7,
                text: "=cmd|' /C calc'!A0,\"".into(),
            },
            "it is empty",
        );
        assert_eq!(
            columns(domain(&line).trim_end()),
            columns(Table::Domains.header().trim_end())
        );
        assert!(domain(&line).starts_with("7,\"'=cmd"));
    }
}
