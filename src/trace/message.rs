//! The header section of a message (RFC 5322, section 2.1): fields in order,
//! unfolded, each with its place, so that a face can point at an octet.
//!
//! Taken as it comes: CRLF or LF, a byte order mark, an mbox `From ` line or a
//! `>From` before the fields, headers that were pasted with an indentation or
//! quoted with `>`, octets that are no UTF-8, NULs. The whole header block is
//! read: Exchange Online puts a `Received:` among the MIME fields. Encryption
//! by the sender for the reader is looked for in the first octets of the body
//! only.
//!
//! Not supported: header sections in UTF-16; fields of nested
//! (`message/rfc822`) parts, which travelled another way.

use std::ops::Range;

use crate::trace::chain::{EndToEnd, MessageFacts};
use crate::trace::date;
use crate::trace::encoded_word::decode_words;

/// How much of a body is looked at.
const BODY_LOOK: usize = 64 * 1024;

/// A field of the header section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name as written.
    pub name: String,
    /// Line of its first octet, from 0.
    pub line: usize,
    /// Octets of the whole field, its last line end not included.
    pub span: Range<usize>,
    /// The value, unfolded.
    pub value: Unfolded,
}

impl Field {
    /// Field names compare without case (RFC 5322, section 1.2.2).
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
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
pub struct Header {
    pub fields: Vec<Field>,
    /// Where the body begins; none where the input ends with the header.
    pub body: Option<usize>,
    /// Lines inside the header section that belong to no field.
    pub strays: usize,
    /// Every line had an indentation or a `>` before it, as pasted text has.
    pub quoted: bool,
}

/// One line with its place; `text` without the line end and without a quote.
struct Line<'a> {
    text: &'a [u8],
    start: usize,
    number: usize,
}

/// Reads the header section of `input`.
#[must_use]
pub fn read(input: &[u8]) -> Header {
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
        fields: Vec::new(),
        body: None,
        strays: 0,
        quoted: quote > 0,
    };
    let mut first = true;
    while start < input.len() {
        let (mut line, next) = line_at(input, start, number);
        number += 1;
        strip_quote(&mut line, quote);
        let opening = std::mem::take(&mut first);
        if line.text.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r')) {
            if line.text.is_empty() || !has_field_at(input, next, quote) {
                header.body = Some(next);
                break;
            }
        } else if opening && (line.text.starts_with(b"From ") || line.text.starts_with(b">From ")) {
            // The postmark of an mbox.
        } else if line.text.first().is_some_and(|b| matches!(b, b' ' | b'\t')) {
            if let Some(field) = header.fields.last_mut() {
                continue_field(field, &line);
            } else {
                header.strays += 1;
            }
        } else if let Some(colon) = name_end(line.text) {
            header.fields.push(begin_field(&line, colon));
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
                continue_field(field, &line);
            }
        }
        start = next;
    }
    header
}

fn line_at(input: &[u8], start: usize, number: usize) -> (Line<'_>, usize) {
    let rest = input.get(start..).unwrap_or_default();
    let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let next = (start + length + 1).min(input.len());
    let mut text = rest.get(..length).unwrap_or_default();
    if let Some(shorter) = text.strip_suffix(b"\r") {
        text = shorter;
    }
    (
        Line {
            text,
            start,
            number,
        },
        next,
    )
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
    let colon = line.iter().take(128).position(|b| *b == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    (!name.is_empty() && name.iter().all(|b| b.is_ascii_graphic())).then_some(colon)
}

fn begin_field(line: &Line<'_>, colon: usize) -> Field {
    let name = line.text.get(..colon).unwrap_or_default().trim_ascii_end();
    let mut value = Unfolded::default();
    value.push(
        line.text.get(colon + 1..).unwrap_or_default(),
        line.start + colon + 1,
    );
    Field {
        name: String::from_utf8_lossy(name).into_owned(),
        line: line.number,
        span: line.start..line.start + line.text.len(),
        value,
    }
}

fn continue_field(field: &mut Field, line: &Line<'_>) {
    let blank = line
        .text
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    let from = field.span.end;
    let begins = line.start + blank;
    field.value.fold(from, begins.saturating_sub(from));
    field
        .value
        .push(line.text.get(blank..).unwrap_or_default(), begins);
    field.span.end = line.start + line.text.len();
}

/// What the message says of itself.
#[must_use]
pub fn facts(header: &Header, input: &[u8]) -> MessageFacts {
    let one = |name: &str| header.fields.iter().find(|field| field.is(name));
    let text = |name: &str| one(name).map(|field| field.value.text.trim().to_owned());
    let body = header
        .body
        .and_then(|start| input.get(start..(start.saturating_add(BODY_LOOK)).min(input.len())));
    MessageFacts {
        message_id: text("Message-ID").map(|id| id.trim_matches(['<', '>']).to_owned()),
        date: one("Date")
            .and_then(|field| date::find(&field.value.text))
            .map(|found| found.at),
        from: one("From").and_then(|field| addresses(&field.value.text, 1).into_iter().next()),
        to: one("To")
            .map(|field| addresses(&field.value.text, 100))
            .unwrap_or_default(),
        subject: one("Subject").map(|field| decode_words(field.value.text.trim())),
        end_to_end: end_to_end(one("Content-Type"), body.unwrap_or_default()),
        tls_not_required: one("TLS-Required")
            .is_some_and(|field| field.value.text.trim().eq_ignore_ascii_case("no")),
    }
}

/// The addresses of an address list (RFC 5322, section 3.4), without display
/// names, comments and group names.
fn addresses(text: &str, most: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut angle: Option<String> = None;
    let mut quoted = false;
    let mut escaped = false;
    let mut depth = 0_usize;
    for c in text.chars().chain(std::iter::once(',')) {
        if escaped {
            escaped = false;
        } else if c == '\\' && (quoted || depth > 0) {
            escaped = true;
            continue;
        } else if depth > 0 {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            continue;
        } else if quoted {
            quoted = c != '"';
        } else {
            match c {
                '"' => quoted = true,
                '(' => {
                    depth += 1;
                    continue;
                }
                '<' => {
                    angle = Some(String::new());
                    continue;
                }
                '>' => {
                    if let Some(address) = angle.take() {
                        word = address;
                    }
                    continue;
                }
                ':' if angle.is_none() => {
                    word.clear();
                    continue;
                }
                ',' | ';' => {
                    let address = std::mem::take(&mut word);
                    let address = address.trim();
                    if !address.is_empty() && address.contains('@') {
                        found.push(address.to_owned());
                        if found.len() >= most {
                            return found;
                        }
                    }
                    angle = None;
                    continue;
                }
                _ => {}
            }
        }
        match angle.as_mut() {
            Some(address) => address.push(c),
            None => word.push(c),
        }
    }
    found
}

/// Whether sender and reader encrypted the message between themselves.
fn end_to_end(content_type: Option<&Field>, body: &[u8]) -> EndToEnd {
    let declared = content_type
        .map(|field| field.value.text.to_ascii_lowercase())
        .unwrap_or_default();
    let media = declared.split(';').next().unwrap_or_default().trim();
    // RFC 8551, section 3.2.2: signed-data and certs-only are not encrypted.
    if (media == "application/pkcs7-mime" || media == "application/x-pkcs7-mime")
        && !declared.contains("signed-data")
        && !declared.contains("certs-only")
        && !declared.contains("compressed-data")
    {
        return EndToEnd::SmimeEncrypted;
    }
    // RFC 3156, section 4.
    if media == "multipart/encrypted" {
        return EndToEnd::PgpMime;
    }
    let armour: &[u8] = b"-----BEGIN PGP MESSAGE-----";
    let inline = body.starts_with(armour)
        || memchr::memmem::find_iter(body, armour)
            .any(|at| at.checked_sub(1).and_then(|before| body.get(before)) == Some(&b'\n'));
    if inline {
        EndToEnd::PgpInline
    } else {
        EndToEnd::None
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
            .map(|field| field.name)
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
        assert_eq!(field.value.text, " from x by \u{FFFD}y");
        let at = field.value.text.find('\u{FFFD}').unwrap();
        assert_eq!(&input[field.value.place(at..at + 4)], b"\xFFy");
        let at = field.value.text.find("by").unwrap();
        assert_eq!(&input[field.value.place(at..at + 2)], b"by");
    }

    #[test]
    fn a_message_says_who_it_is_from_and_to() {
        let input = b"From: \"Doe, J\" (x <no@no>) <j@a.example>\nTo: G: x@y.example, Z <z@y.example>;\n\
            Subject: =?utf-8?Q?gr=C3=BC=C3=9Fe?= =?utf-8?B?IQ==?= =?x-unknown?Q?a?=\nMessage-ID: <1@a>\nTLS-Required: No\n\n-----BEGIN PGP MESSAGE-----\n";
        let facts = facts(&read(input), input);
        assert_eq!(facts.from.as_deref(), Some("j@a.example"));
        assert_eq!(facts.to, ["x@y.example", "z@y.example"]);
        assert_eq!(
            facts.subject.as_deref(),
            Some("gr\u{fc}\u{df}e! =?x-unknown?Q?a?=")
        );
        assert_eq!(facts.end_to_end, EndToEnd::PgpInline);
        assert!(facts.tls_not_required);
    }

    #[test]
    fn end_to_end_encryption_is_told_from_a_signature() {
        for (value, kind) in [
            (
                "application/pkcs7-mime; smime-type=enveloped-data",
                EndToEnd::SmimeEncrypted,
            ),
            (
                "application/pkcs7-mime; smime-type=signed-data",
                EndToEnd::None,
            ),
            (
                "multipart/encrypted; protocol=\"application/pgp-encrypted\"",
                EndToEnd::PgpMime,
            ),
            ("multipart/signed", EndToEnd::None),
        ] {
            let input = format!("Content-Type: {value}\n\nx");
            assert_eq!(
                facts(&read(input.as_bytes()), input.as_bytes()).end_to_end,
                kind,
                "{value}"
            );
        }
    }
}
