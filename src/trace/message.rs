//! The header section of a message (RFC 5322, section 2.1): fields in order,
//! each with its place, so that a face can point at an octet. A field is
//! unfolded when its value is asked for: most are never looked at.
//!
//! Taken as it comes: CRLF or LF, a byte order mark, an mbox `From ` line or a
//! `>From` before the fields, headers that were pasted with an indentation or
//! quoted with `>`, octets that are no UTF-8, NULs. The whole header block is
//! read: Exchange Online puts a `Received:` among the MIME fields.
//!
//! Not supported: header sections in UTF-16; fields of nested
//! (`message/rfc822`) parts, which travelled another way.

use std::borrow::Cow;
use std::ops::Range;

use crate::trace::field_name::FieldName;

/// A field of the header section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// What it is called, where it is one that is looked at.
    pub known: FieldName,
    /// Line of its first octet, from 0.
    pub line: usize,
    /// Octets of the whole field, its last line end not included.
    pub span: Range<usize>,
    input: &'a [u8],
    /// Where the value begins in the input.
    value: usize,
    /// Octets of quoting before each line.
    quote: usize,
}

impl<'a> Field<'a> {
    /// The name as written.
    #[must_use]
    pub fn name(&self) -> &'a str {
        let name = self.input.get(self.span.start..self.value);
        let name = name.and_then(|name| name.strip_suffix(b":"));
        std::str::from_utf8(name.unwrap_or_default().trim_ascii_end()).unwrap_or_default()
    }

    /// The whole field as it stands in the input.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.input.get(self.span.clone()).unwrap_or_default()
    }

    /// Whether its lines had an indentation or a `>` before them.
    #[must_use]
    pub fn is_quoted(&self) -> bool {
        self.quote > 0
    }

    /// The text of the value, unfolded.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        let value = self.input.get(self.value..self.span.end);
        let value = value.unwrap_or_default();
        match std::str::from_utf8(value) {
            Ok(text) if memchr::memchr(b'\n', value).is_none() => Cow::Borrowed(text),
            _ => Cow::Owned(self.value().text),
        }
    }

    /// The value, unfolded; places count from the field's first octet.
    #[must_use]
    pub fn value(&self) -> Unfolded {
        let mut value = Unfolded {
            text: String::with_capacity(self.span.end.saturating_sub(self.value)),
            pieces: Vec::new(),
        };
        let base = self.span.start;
        let within = self.input.get(..self.span.end).unwrap_or_default();
        let (line, mut next) = line_within(within, self.value);
        value.push(line.text, line.start - base);
        let mut end = line.start + line.text.len();
        while next < within.len() {
            let (mut line, after) = line_within(within, next);
            next = after;
            strip_quote(&mut line, self.quote);
            // The lines that `read` passed over.
            if line.is_blank() || line.text.starts_with(b">From ") {
                continue;
            }
            let blank = line
                .text
                .iter()
                .take_while(|b| matches!(b, b' ' | b'\t'))
                .count();
            let begins = line.start + blank;
            value.fold(end - base, begins.saturating_sub(end));
            value.push(line.text.get(blank..).unwrap_or_default(), begins - base);
            end = line.start + line.text.len();
        }
        value
    }
}

/// Text put together from several places of the input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unfolded {
    pub text: String,
    pieces: Vec<Segment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    /// Offset in the text, offset in the input, octets in the input.
    text: usize,
    input: usize,
    len: usize,
}

impl Unfolded {
    /// A text that stands in one piece at `offset`.
    #[must_use]
    pub fn plain(text: &str, offset: usize) -> Self {
        let mut made = Self::default();
        made.push(text.as_bytes(), offset);
        made
    }

    /// Where a range of the text stands in the input.
    #[must_use]
    pub fn place(&self, range: Range<usize>) -> Range<usize> {
        let start = self.at(range.start, false);
        if range.end <= range.start {
            return start..start;
        }
        start..self.at(range.end, true).max(start)
    }

    fn at(&self, offset: usize, end: bool) -> usize {
        // An end belongs to the piece before it.
        let upto = self.pieces.partition_point(|piece| {
            if end {
                piece.text < offset
            } else {
                piece.text <= offset
            }
        });
        match upto.checked_sub(1).and_then(|last| self.pieces.get(last)) {
            Some(piece) => piece.input + (offset - piece.text).min(piece.len),
            None => self.pieces.first().map_or(0, |piece| piece.input),
        }
    }

    fn push(&mut self, octets: &[u8], offset: usize) {
        if let Ok(text) = std::str::from_utf8(octets) {
            if !text.is_empty() {
                self.pieces.push(Segment {
                    text: self.text.len(),
                    input: offset,
                    len: text.len(),
                });
                self.text.push_str(text);
            }
            return;
        }
        let mut input = offset;
        for chunk in octets.utf8_chunks() {
            if !chunk.valid().is_empty() {
                self.pieces.push(Segment {
                    text: self.text.len(),
                    input,
                    len: chunk.valid().len(),
                });
                self.text.push_str(chunk.valid());
                input += chunk.valid().len();
            }
            if !chunk.invalid().is_empty() {
                self.pieces.push(Segment {
                    text: self.text.len(),
                    input,
                    len: chunk.invalid().len(),
                });
                self.text.push('\u{FFFD}');
                input += chunk.invalid().len();
            }
        }
    }

    fn fold(&mut self, input: usize, len: usize) {
        self.pieces.push(Segment {
            text: self.text.len(),
            input,
            len,
        });
        self.text.push(' ');
    }
}

/// A header section with what little of the body is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    pub fields: Vec<Field<'a>>,
    /// Where the body begins; none where the input ends with the header.
    pub body: Option<usize>,
    /// Lines inside the header section that belong to no field.
    pub strays: usize,
    /// Every line had an indentation or a `>` before it, as pasted text has.
    pub quoted: bool,
}

impl<'a> Header<'a> {
    /// The fields of a name that is looked at.
    pub fn of(&self, name: FieldName) -> impl DoubleEndedIterator<Item = &Field<'a>> {
        self.fields.iter().filter(move |field| field.known == name)
    }
}

/// One line with its place; `text` without the line end and without a quote.
struct Line<'a> {
    text: &'a [u8],
    start: usize,
    number: usize,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        let is_blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r');
        // Nearly every line tells by its first octet or its second.
        match self.text {
            [first, ..] if !is_blank(first) => false,
            [_, second, ..] if !is_blank(second) => false,
            text => text.iter().all(is_blank),
        }
    }
}

/// Reads the header section of `input`.
#[must_use]
pub fn read(input: &[u8]) -> Header<'_> {
    let mut start = 0;
    if input.starts_with(b"\xEF\xBB\xBF") {
        start = 3;
    }
    let mut number = 0;
    // Blank lines before a pasted header.
    while let Some(&octet) = input.get(start) {
        match octet {
            b'\n' => {
                number += 1;
                start += 1;
            }
            b'\r' => start += 1,
            b' ' | b'\t' => {
                let rest = input.get(start..).unwrap_or_default();
                let blank = rest
                    .iter()
                    .take(256)
                    .take_while(|b| matches!(b, b' ' | b'\t'))
                    .count();
                match rest.get(blank) {
                    Some(b'\n' | b'\r') | None => start += blank,
                    Some(_) => break,
                }
            }
            _ => break,
        }
    }
    let quote = quote_of(input.get(start..).unwrap_or_default());
    let mut header = Header {
        // A field has a hundred octets or more.
        fields: Vec::with_capacity((input.len() / 96).clamp(8, 128)),
        body: None,
        strays: 0,
        quoted: quote > 0,
    };
    let mut first = true;
    while start < input.len() {
        let (mut line, next) = line_at(input, start, number);
        number += 1;
        if quote > 0 {
            strip_quote(&mut line, quote);
        }
        let opening = std::mem::take(&mut first);
        if line.is_blank() {
            if line.text.is_empty() || !has_field_at(input, next, quote) {
                header.body = Some(next);
                break;
            }
        } else if opening && (line.text.starts_with(b"From ") || line.text.starts_with(b">From ")) {
            // The postmark of an mbox.
        } else if matches!(line.text, [b' ' | b'\t', ..]) {
            if let Some(field) = header.fields.last_mut() {
                field.span.end = line.start + line.text.len();
            } else {
                header.strays += 1;
            }
        } else if let Some(colon) = name_end(line.text) {
            header.fields.push(begin_field(input, &line, colon, quote));
        } else if line.text.starts_with(b">From ") {
            // Quoted by an mbox writer.
        } else if header.fields.is_empty() {
            header.strays += 1;
            if header.strays > 64 {
                break;
            }
        } else {
            // A line that is no field ends the header where the blank line
            // was lost; a pasted field may also have lost its indentation.
            header.strays += 1;
            if !has_field_at(input, next, quote) {
                header.body = Some(line.start);
                break;
            }
            if let Some(field) = header.fields.last_mut() {
                field.span.end = line.start + line.text.len();
            }
        }
        start = next;
    }
    header
}

fn line_at(input: &[u8], start: usize, number: usize) -> (Line<'_>, usize) {
    let rest = input.get(start..).unwrap_or_default();
    let (text, next) = match memchr::memchr(b'\n', rest) {
        Some(length) => (rest.get(..length).unwrap_or_default(), start + length + 1),
        None => (rest, input.len()),
    };
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    (
        Line {
            text,
            start,
            number,
        },
        next,
    )
}

/// The line at `start` of a field, which ends without a line end.
fn line_within(field: &[u8], start: usize) -> (Line<'_>, usize) {
    let rest = field.get(start..).unwrap_or_default();
    let (text, next) = match memchr::memchr(b'\n', rest) {
        Some(length) => {
            let text = rest.get(..length).unwrap_or_default();
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            (text, start + length + 1)
        }
        None => (rest, field.len()),
    };
    let line = Line {
        text,
        start,
        number: 0,
    };
    (line, next)
}

/// How many octets of quoting stand before the first line.
fn quote_of(input: &[u8]) -> usize {
    let marks = input
        .iter()
        .take(64)
        .take_while(|b| matches!(b, b' ' | b'\t' | b'>' | b'|'))
        .count();
    let rest = input.get(marks..).unwrap_or_default();
    // `>From ` is an mbox's own.
    if rest.starts_with(b"From ") { 0 } else { marks }
}

fn strip_quote(line: &mut Line<'_>, quote: usize) {
    let marks = line
        .text
        .iter()
        .take(quote)
        .take_while(|b| matches!(b, b' ' | b'\t' | b'>' | b'|'))
        .count();
    line.text = line.text.get(marks..).unwrap_or_default();
    line.start += marks;
}

fn has_field_at(input: &[u8], start: usize, quote: usize) -> bool {
    if start >= input.len() {
        return false;
    }
    let window = input
        .get(start..(start + 512).min(input.len()))
        .unwrap_or_default();
    let (mut line, _) = line_at(window, 0, 0);
    strip_quote(&mut line, quote);
    name_end(line.text).is_some_and(|colon| {
        line.text
            .get(..colon)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"received") || name.contains(&b'-'))
    })
}

/// The colon after a field name: printable ASCII without colon and space
/// (RFC 5322, section 2.2); spaces before the colon are obsolete but legal.
fn name_end(line: &[u8]) -> Option<usize> {
    const OF_NAMES: [bool; 256] = {
        let mut of_names = [false; 256];
        let mut octet = b'!';
        while octet <= b'~' {
            of_names[octet as usize] = octet != b':';
            octet += 1;
        }
        of_names
    };
    let within = line.get(..128).unwrap_or(line);
    let end = within.iter().position(|b| !OF_NAMES[usize::from(*b)])?;
    let gap = within
        .get(end..)?
        .iter()
        .take_while(|b| b.is_ascii_whitespace());
    let colon = end + gap.count();
    (end > 0 && within.get(colon) == Some(&b':')).then_some(colon)
}

fn begin_field<'a>(input: &'a [u8], line: &Line<'a>, colon: usize, quote: usize) -> Field<'a> {
    let name = line.text.get(..colon).unwrap_or_default().trim_ascii_end();
    Field {
        known: FieldName::of(name),
        line: line.number,
        span: line.start..line.start + line.text.len(),
        input,
        value: line.start + colon + 1,
        quote,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(input: &str) -> Vec<String> {
        read(input.as_bytes())
            .fields
            .into_iter()
            .map(|field| field.name().to_owned())
            .collect()
    }

    #[test]
    fn headers_are_read_however_they_were_saved() {
        let plain = ["Received", "From"];
        for input in [
            "Received: x\r\n\tby y\r\nFrom: a@b\r\n\r\nbody\r\n",
            "Received: x\n by y\nFrom: a@b\n\nbody: not a field\n",
            "\u{FEFF}Received: x\nFrom: a@b\n",
            "From someone Mon Jan  1 00:00:00 2024\nReceived: x\nFrom: a@b\n\n",
            ">From someone Mon Jan  1 00:00:00 2024\nReceived: x\nFrom: a@b\n\n",
            "\n\n  Received: x\n      by y\n  From: a@b\n",
            "> Received: x\n>  by y\n> From: a@b\n>\n> body\n",
        ] {
            assert_eq!(names(input), plain, "{input:?}");
        }
    }

    #[test]
    fn spans_point_at_the_octets_of_the_input() {
        let input = b"A: b\r\nReceived: from x\r\n\tby \xFFy\r\n\r\n";
        let header = read(input);
        let field = &header.fields[1];
        assert_eq!(field.line, 1);
        assert_eq!(
            &input[field.span.clone()],
            b"Received: from x\r\n\tby \xFFy"
        );
        let value = field.value();
        assert_eq!(value.text, " from x by \u{FFFD}y");
        let at = value.text.find('\u{FFFD}').unwrap();
        assert_eq!(&field.raw()[value.place(at..at + 4)], b"\xFFy");
        let at = value.text.find("by").unwrap();
        assert_eq!(&field.raw()[value.place(at..at + 2)], b"by");
    }
}
