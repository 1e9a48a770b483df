//! The list of codes, and one code described.

use crate::finding::{Cause, Code};
use crate::report::text::layout::{Align, COLUMNS, Table, paragraph};
use crate::report::text::style::{Paint, Style};

/// What a word stands for. A word may be a finding's code and a cause's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    pub code: Option<Code>,
    pub cause: Option<Cause>,
}

/// Finds a code by its word, in any case.
#[must_use]
pub fn find(word: &str) -> Option<Described> {
    let code = Code::parse(word);
    let cause = Cause::parse(word);
    (code.is_some() || cause.is_some()).then_some(Described { code, cause })
}

/// The codes whose words are like a mistyped one, the most alike first.
#[must_use]
pub fn similar(word: &str) -> Vec<&'static str> {
    let word = word.to_ascii_lowercase();
    let parts: Vec<&str> = word.split('-').filter(|part| part.len() > 2).collect();
    let mut alike: Vec<(usize, &'static str)> = all_words()
        .map(|known| {
            let shared = parts.iter().filter(|part| known.contains(**part)).count();
            (shared, known)
        })
        .filter(|(shared, _)| *shared > 0)
        .collect();
    alike.sort_by_key(|(shared, known)| (std::cmp::Reverse(*shared), *known));
    alike.dedup();
    alike.into_iter().take(5).map(|(_, known)| known).collect()
}

fn all_words() -> impl Iterator<Item = &'static str> {
    let codes = Code::ALL.iter().map(|code| code.word());
    codes.chain(Cause::ALL.iter().map(|cause| cause.word()))
}

/// Every code on one page.
#[must_use]
pub fn list(style: Style) -> String {
    let mut out = heading(
        "Findings of check, trace and explain, as a rule of this severity:",
        style,
    );
    let mut table = Table::new(&[Align::Left, Align::Left]);
    for code in Code::ALL {
        table.row([code.word().into(), code.severity().word().into()]);
    }
    out.push_str(&table.render(2, style));
    out.push('\n');
    out.push_str(&heading(
        "Causes that explain gives for a hop without TLS:",
        style,
    ));
    for cause in Cause::ALL {
        out.push_str(&paragraph("  ", cause.word()));
    }
    out.push_str("\n`starttrace codes CODE` describes one.\n");
    out
}

fn heading(text: &str, style: Style) -> String {
    debug_assert!(text.len() <= COLUMNS);
    format!("{}\n\n", style.paint(Paint::Strong, text))
}

/// The page of a word: the finding, the cause, or both.
#[must_use]
pub fn page(described: Described, style: Style) -> String {
    let code = described.code.map(|code| code_page(code, style));
    let cause = described.cause.map(|cause| cause_page(cause, style));
    match (code, cause) {
        (Some(code), Some(cause)) => format!("{code}\n{cause}"),
        (Some(page), None) | (None, Some(page)) => page,
        (None, None) => String::new(),
    }
}

fn code_page(code: Code, style: Style) -> String {
    let mut out = title(code.word(), code.summary(), style);
    out.push_str(&paragraph("  severity  ", code.severity().word()));
    if let Some(standard) = code.standard() {
        out.push_str(&paragraph("  standard  ", standard));
    }
    if let Some(word) = code.tlsrpt() {
        out.push_str(&paragraph("  TLSRPT    ", word));
    }
    out.push('\n');
    out.push_str(&paragraph("", code.means()));
    if let Some(fix) = code.fix() {
        out.push('\n');
        out.push_str(&paragraph("Fix: ", &format!("{fix}.")));
    }
    out
}

fn cause_page(cause: Cause, style: Style) -> String {
    let mut out = title(cause.word(), cause.summary(), style);
    out.push_str("  a cause for a hop without TLS\n");
    out.push_str(&paragraph(
        "  at most   ",
        &format!(
            "{}, by headers and probes alone",
            cause.ceiling().word().replace('-', " ")
        ),
    ));
    out.push('\n');
    out.push_str(&paragraph("", cause.means()));
    out.push('\n');
    out.push_str(&paragraph("What would settle it: ", cause.settle()));
    out
}

fn title(word: &str, summary: &str, style: Style) -> String {
    let mut out = String::new();
    for line in paragraph("", &format!("{word}: {summary}")).lines() {
        out.push_str(&style.paint(Paint::Strong, line));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::text::layout::width;

    #[test]
    fn every_code_and_cause_has_a_page_that_fits() {
        for word in all_words() {
            let page = page(find(word).unwrap(), Style::plain());
            assert!(page.starts_with(&format!("{word}: ")), "{word}");
            for line in page.lines() {
                assert!(width(line) <= COLUMNS, "{word}: {line}");
                assert_eq!(line, line.trim_end(), "{word}");
            }
        }
        for line in list(Style::plain()).lines() {
            assert!(width(line) <= COLUMNS, "{line}");
        }
    }

    #[test]
    fn a_code_is_described() {
        assert_eq!(
            page(find("STS-MX-not-listed").unwrap(), Style::plain()),
            "\
sts-mx-not-listed: the MTA-STS policy does not list an MX host
  severity  error
  standard  RFC 8461, section 4.1
  TLSRPT    validation-failure

An MX record names a host that no \"mx:\" line of the policy matches. Under
enforce, senders that follow RFC 8461 skip it; under testing they report it. A
wildcard stands for exactly one label: *.example.com matches a.example.com, not
example.com and not a.b.example.com.

Fix: add an \"mx:\" line for the host to the policy and change the record's id.
"
        );
    }

    #[test]
    fn a_mistyped_code_finds_its_like() {
        assert_eq!(find("certificate-expird"), None);
        assert!(similar("certificate-expird").contains(&"certificate-expired"));
        assert!(similar("xyz").is_empty());
    }
}
