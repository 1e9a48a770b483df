//! `--letter`: what to send to the other side's postmaster, ready to be copied
//! into a mail.

use std::fmt::Write as _;

use crate::explain::letter::Letter;
use crate::report::text::escape;
use crate::report::text::layout::{COLUMNS, clip, wrap};

/// Columns of a header line in the letter.
const MOST: usize = 160;

/// The letters, one below the other; a word where there is none to write.
#[must_use]
pub fn render<'a>(letters: impl IntoIterator<Item = &'a Letter>) -> String {
    let mut out = String::new();
    for letter in letters {
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "To: {}", clip(&escape::text(&letter.to), MOST));
        let _ = writeln!(
            out,
            "Subject: {}",
            clip(&escape::text(&letter.subject), MOST)
        );
        for line in body(letter, COLUMNS) {
            let _ = writeln!(out, "{line}");
        }
    }
    if out.is_empty() {
        out.push_str("No letter: no hop of this message is left to ask anybody about.\n");
    }
    out
}

/// The letter's text in lines, an empty one before each paragraph.
pub(super) fn body(letter: &Letter, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for text in &letter.paragraphs {
        lines.push(String::new());
        lines.extend(wrap(&escape::text(text), columns));
    }
    lines
}
