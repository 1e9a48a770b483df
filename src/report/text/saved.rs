//! Lines of a scan on a page.

use crate::report::json::scan::{DomainData, RunData};
use crate::report::json::words::AnswerWord;
use crate::report::text::escape;
use crate::report::text::layout::paragraph;
use crate::report::text::style::{Paint, Style};

/// Wide enough for every level.
const LEVEL: usize = 13;

/// The start of a scan: `partners.txt: a scan begun 2026-11-21T23:10:00Z`.
#[must_use]
pub fn run(run: &RunData) -> String {
    let text = format!(
        "{}: a scan {} {} by {} {}",
        escape::text(&run.list.name),
        if run.resumed { "gone on with" } else { "begun" },
        escape::text(&run.started),
        escape::text(&run.tool),
        escape::text(&run.version)
    );
    paragraph("", &text)
}

/// One line of a scan: level and domain, then the sentence, then the codes.
#[must_use]
pub fn domain(line: &DomainData, style: Style) -> String {
    let paint = match line.answer {
        AnswerWord::Yes => Paint::Good,
        AnswerWord::No => Paint::Bad,
        AnswerWord::Unknown => Paint::Doubtful,
    };
    let level = line.protection.word();
    let name = match &line.domain {
        Some(domain) => escape::text(domain).into_owned(),
        None => escape::clipped(&line.input.text, 60),
    };
    let indent = " ".repeat(LEVEL + 2);
    let title = format!("{name}  (line {})", line.input.line);
    let whole = paragraph(&format!("{level:<LEVEL$}  "), &title);
    let mut out = match whole.strip_prefix(level) {
        Some(rest) => format!("{}{rest}", style.paint(paint, level)),
        None => whole,
    };
    out.push_str(&paragraph(&indent, &escape::text(&line.reason)));
    if !line.findings.is_empty() {
        out.push_str(&paragraph(
            &indent,
            &escape::text(&line.findings.join(", ")),
        ));
    }
    out
}
