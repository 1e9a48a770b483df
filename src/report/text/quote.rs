//! A `Received` field as it stands in the file, with marks under the words
//! that carry no TLS.

use std::fmt::Write as _;
use std::ops::Range;

use crate::report::text::escape;
use crate::report::text::layout::{COLUMNS, clip, width};
use crate::report::text::style::{Paint, Style};
use crate::trace::chain::{Chain, Hop};
use crate::trace::evidence::TlsState;

/// Lines quoted of one field.
const MOST_QUOTED: usize = 12;

/// The field as it stands in the file, with marks under the words that carry
/// no TLS.
pub(super) fn render(chain: &Chain, hop: &Hop, style: Style) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "    --> {}:{}",
        clip(&escape::text(&chain.source.path), COLUMNS - 20),
        hop.line
    );
    let lines = hop.raw.split(|&b| b == b'\n').count();
    let gutter = (hop.line + lines).to_string().len().max(4);
    let room = COLUMNS - gutter - 3;
    let mark = mark(hop);
    let mut quoted: Vec<(usize, Flagged)> = Vec::new();
    let mut offset = 0;
    for (i, line) in hop.raw.split(|&b| b == b'\n').enumerate() {
        let flagged = Flagged::read(line, offset, mark.as_ref().map(|(span, _)| span));
        for piece in flagged.chunks(room) {
            quoted.push((hop.line + i, piece));
        }
        offset += line.len() + 1;
        // Enough to show; one field may hold a megabyte.
        if quoted.len() > 64 {
            break;
        }
    }
    let marked = quoted.iter().position(|(_, piece)| piece.is_marked());
    let mut before = 0;
    let mut left_out = false;
    for (i, (number, piece)) in quoted.iter().enumerate() {
        if i >= MOST_QUOTED && marked != Some(i) {
            left_out = true;
            continue;
        }
        if std::mem::take(&mut left_out) {
            let _ = writeln!(out, "{:>gutter$} | ...", "");
        }
        let number_text = if *number == before {
            String::new()
        } else {
            number.to_string()
        };
        before = *number;
        let _ = writeln!(
            out,
            "{}",
            format!("{number_text:>gutter$} | {}", piece.text).trim_end()
        );
        if let Some((_, label)) = mark.as_ref().filter(|_| marked == Some(i)) {
            let _ = writeln!(
                out,
                "{:>gutter$} | {}",
                "",
                piece.underline(label, room, style)
            );
        }
    }
    if left_out {
        let _ = writeln!(out, "{:>gutter$} | ...", "");
    }
    out
}

/// The words to be marked, as octets of the field, and what to say of them.
fn mark(hop: &Hop) -> Option<(Range<usize>, &'static str)> {
    let within = |span: &Range<usize>| {
        let place = hop.received.place(span);
        (place.start < place.end && place.end <= hop.raw.len()).then_some(place)
    };
    if let Some(with) = &hop.received.with {
        let label = match with.text.to_ascii_uppercase().as_str() {
            _ if hop.tls.state == TlsState::Encrypted => "says TLS",
            "ESMTP" => "not ESMTPS (RFC 3848)",
            "ESMTPA" => "not ESMTPSA (RFC 3848)",
            "UTF8SMTP" => "not UTF8SMTPS (RFC 6531)",
            "UTF8SMTPA" => "not UTF8SMTPSA (RFC 6531)",
            _ => "no word of TLS",
        };
        return Some((within(&with.span)?, label));
    }
    let by = hop.received.by.as_ref()?;
    Some((within(&by.span)?, "no word of TLS"))
}

/// One line of a field, escaped, that knows which of its columns are marked.
struct Flagged {
    text: String,
    /// Columns of `text` that are marked.
    columns: Option<Range<usize>>,
}

impl Flagged {
    fn read(line: &[u8], offset: usize, mark: Option<&Range<usize>>) -> Self {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // No page shows more of one line than this.
        let line = &line[..line.len().min(4096)];
        let show = |octets: &[u8]| {
            let parts: Vec<String> = octets.split(|&b| b == b'\t').map(escape::octets).collect();
            parts.join("        ")
        };
        let within = mark.and_then(|mark| {
            let start = mark.start.max(offset).checked_sub(offset)?;
            let end = mark.end.checked_sub(offset)?.min(line.len());
            (start < end).then_some(start..end)
        });
        let Some(within) = within else {
            return Self {
                text: show(line),
                columns: None,
            };
        };
        let (before, marked) = (show(&line[..within.start]), show(&line[within.clone()]));
        let start = width(&before);
        let columns = start..start + width(&marked);
        Self {
            text: before + &marked + &show(&line[within.end..]),
            columns: Some(columns),
        }
    }

    /// Cut to the page's width, at a space where there is one near the end.
    fn chunks(self, room: usize) -> Vec<Self> {
        if width(&self.text) <= room {
            return vec![self];
        }
        let mut out = Vec::new();
        let (mut begun, mut rest) = (0, self.text.as_str());
        while !rest.is_empty() {
            let (piece, tail) = cut(rest, room);
            let end = begun + width(piece);
            let columns = self.columns.as_ref().and_then(|marked| {
                let (start, stop) = (marked.start.max(begun), marked.end.min(end));
                (start < stop).then(|| start - begun..stop - begun)
            });
            out.push(Self {
                text: piece.to_owned(),
                columns,
            });
            (begun, rest) = (end, tail);
        }
        out
    }

    fn is_marked(&self) -> bool {
        self.columns.is_some()
    }

    fn underline(&self, label: &str, room: usize, style: Style) -> String {
        let Some(columns) = &self.columns else {
            return String::new();
        };
        let carets = "^".repeat(columns.len());
        let painted = style.paint(Paint::Bad, &carets);
        let space = |n: usize| " ".repeat(n);
        if columns.end + 1 + width(label) <= room {
            return format!("{}{painted} {label}", space(columns.start));
        }
        match columns.start.checked_sub(width(label) + 1) {
            Some(free) => format!("{}{label} {painted}", space(free)),
            None => format!("{}{painted}", space(columns.start)),
        }
    }
}

/// The part of a text that fits, and the rest.
fn cut(text: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    let mut space = None;
    for (at, c) in text.char_indices() {
        used += width(c.encode_utf8(&mut [0; 4]));
        if used > room && at > 0 {
            return text.split_at(space.filter(|space| space * 2 > at).unwrap_or(at));
        }
        if c == ' ' {
            space = Some(at + 1);
        }
    }
    (text, "")
}
