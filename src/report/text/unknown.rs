//! Lines that were not understood, ready to be sent in.

use crate::report::text::escape;
use crate::report::text::layout::paragraph;
use crate::report::text::style::{Paint, Style};
use crate::trace::unknown::{Shape, Unknowns};

/// Every shape with its count and one line of it.
#[must_use]
pub fn render(unknowns: &Unknowns, style: Style) -> String {
    let missed = unknowns.without_writer + unknowns.with_words;
    let shapes = unknowns.shapes();
    if missed == 0 {
        let text = format!(
            "All {} understood: every writer is known, and every word.",
            lines(unknowns.lines)
        );
        return paragraph("", &text);
    }
    let mut out = style.paint(
        Paint::Strong,
        &format!(
            "{missed} of {} not understood, {} shape{}",
            lines(unknowns.lines),
            shapes.len(),
            if shapes.len() == 1 { "" } else { "s" },
        ),
    );
    out.push('\n');
    out.push_str(&paragraph(
        "",
        "They name hosts and people as they stand in the messages: look at them before you send \
         them in. A table of your own (--software FILE) names a writer at once.",
    ));
    for shape in shapes {
        out.push('\n');
        out.push_str(&one(shape));
    }
    if unknowns.dropped > 0 {
        out.push('\n');
        out.push_str(&paragraph(
            "",
            &format!(
                "{} of further shapes were counted only.",
                lines(unknowns.dropped)
            ),
        ));
    }
    out
}

fn one(shape: &Shape) -> String {
    let why = match &shape.software {
        None => "the writer is unknown".to_owned(),
        Some(name) => {
            let words: Vec<String> = shape
                .words
                .iter()
                .map(|word| format!("\"{}\"", escape::text(word)))
                .collect();
            format!("{name} wrote it; not understood: {}", words.join(", "))
        }
    };
    let mut out = paragraph("", &format!("{}: {why}", lines(shape.count)));
    out.push_str(&paragraph("    ", &escape::text(&shape.shape)));
    // Folds are kept, so that what is sent in is what was read.
    for line in shape.example.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        out.push_str("  | ");
        out.push_str(&escape::octets(line));
        out.push('\n');
    }
    out
}

fn lines(count: usize) -> String {
    if count == 1 {
        "1 line".to_owned()
    } else {
        format!("{count} lines")
    }
}
