//! Findings on a page: `severity[code]: subject`, then what was seen, what it
//! means and what to do.

use crate::finding::{Finding, Severity};
use crate::report::text::escape;
use crate::report::text::layout::{COLUMNS, paragraph, wrap};
use crate::report::text::style::Style;

/// One finding as a block of lines.
#[must_use]
pub fn render(finding: &Finding, style: Style) -> String {
    let mut out = heading(finding, style);
    let mut part = |label: &str, text: &str| {
        if !text.is_empty() {
            out.push_str(&paragraph(&format!("  {label:<5}  "), &escape::text(text)));
        }
    };
    part("seen", &finding.seen);
    part("means", &finding.means);
    part("fix", finding.fix.as_deref().unwrap_or_default());
    out
}

/// `severity[code]: subject`, wrapped.
#[must_use]
pub fn heading(finding: &Finding, style: Style) -> String {
    let label = format!("{}[{}]", finding.severity.word(), finding.code.word());
    let whole = format!("{label}: {}", escape::text(&finding.subject));
    let mut out = String::new();
    for (i, line) in wrap(&whole, COLUMNS).iter().enumerate() {
        // The label has no spaces, so it stands whole on the first line.
        match line.strip_prefix(&label).filter(|_| i == 0) {
            Some(rest) => {
                out.push_str(&style.severity(finding.severity, &label));
                out.push_str(rest);
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// `2 warnings, 1 note`; empty where there are none.
#[must_use]
pub fn count(findings: &[Finding]) -> String {
    let parts = [Severity::Error, Severity::Warning, Severity::Note].map(|severity| {
        let n = findings.iter().filter(|f| f.severity == severity).count();
        match n {
            0 => String::new(),
            1 => format!("1 {}", severity.word()),
            n => format!("{n} {}s", severity.word()),
        }
    });
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}
