//! Header sections that people copied: from a web page, a dialogue, a reply.
//!
//! What is put right: text before and after, a `>` or an indentation before
//! every line, folds that were lost (RFC 5322, section 2.2.3, wants white space
//! before a continued line), blank lines between all lines, HTML with its
//! character references, UTF-16 with a byte order mark. What was not touched
//! keeps its place in the file.
//!
//! Not supported: words cut in two by a line break; quoted-printable.

use super::html;
use super::line;
use super::message::{Origin, RepairedLine};

/// Names that a field of a kept message's trace has, and a line of prose has
/// not: these begin a field even where an indentation was left before them.
const TRACE: [&[u8]; 14] = [
    b"received",
    b"x-received",
    b"received-spf",
    b"return-path",
    b"delivered-to",
    b"x-original-to",
    b"authentication-results",
    b"arc-seal",
    b"arc-message-signature",
    b"arc-authentication-results",
    b"dkim-signature",
    b"message-id",
    b"mime-version",
    b"content-type",
];

/// No header section that people paste has more.
const MOST_LINES: usize = 64 << 10;

/// What a mail program's page shows above the header itself.
const SUMMARY: [&[u8]; 3] = [b"SPF:", b"DKIM:", b"DMARC:"];

/// A header section found in a text.
#[derive(Debug)]
pub(super) enum Pasted {
    /// It stands as it should from this octet on; so many line ends precede.
    AsItStands { skip: usize, lines: usize },
    /// It was put right.
    Repaired {
        octets: Vec<u8>,
        offset: usize,
        line: usize,
        origin: Origin,
    },
}

/// Where a text stands in its file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base {
    pub offset: usize,
    /// From 1.
    pub line: usize,
}

/// Whether a header section holds lines that are neither fields nor folds, so
/// that it needs to be put right.
pub(super) fn is_broken(header: &[u8]) -> bool {
    let section = header.get(..header_length(header)).unwrap_or(header);
    let references =
        memchr::memchr(b'<', section).is_none() && memchr::memmem::find(section, b"&lt;").is_some();
    if references || line_end(header) == b'\r' {
        return true;
    }
    let mut fields = 0;
    let mut hidden = false;
    let mut rest = header;
    while !rest.is_empty() {
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..length).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        rest = rest.get(length + 1..).unwrap_or_default();
        if line.is_empty() {
            // A blank line between all lines, or all but the first indented.
            return fields == 1 && (hidden || line::begins_kept(rest) || is_spaced(rest));
        }
        if is_fold(line) {
            if fields == 0 {
                return true;
            }
            hidden |= fields == 1 && is_trace_field(line.trim_ascii_start());
        } else if line::field_name(line).is_some() {
            fields += 1;
        } else if !line::is_old_postmark(line) {
            return true;
        }
    }
    fields == 1 && hidden
}

/// Whether the next lines alternate with blank ones.
fn is_spaced(text: &[u8]) -> bool {
    let mut lines = text.splitn(7, |b| *b == b'\n').take(6);
    let alternate = lines
        .by_ref()
        .enumerate()
        .all(|(index, line)| line.trim_ascii().is_empty() == (index % 2 == 1));
    alternate && text.iter().filter(|b| **b == b'\n').take(6).count() == 6
}

/// Finds the header section in `text` and puts it right; none where there is
/// no header field. Of what follows it, `body` octets are kept.
pub(super) fn repair(text: &[u8], base: Base, body: usize) -> Option<Pasted> {
    match utf16(text) {
        Some(plain) => {
            let plain = html::plain(&plain).unwrap_or(plain);
            decoded(&plain, base, body)
        }
        None => match html::plain(text) {
            Some(plain) => decoded(&plain, base, body),
            None => repair_plain(text, base, body),
        },
    }
}

fn repair_plain(text: &[u8], base: Base, body: usize) -> Option<Pasted> {
    let mut lines = lines(text);
    let key = key_line(&lines)?;
    let prefix = Prefix::of(lines.get(key)?.text);
    let mut touched = prefix != Prefix::default() || line_end(text) == b'\r';
    for line in &mut lines {
        prefix.strip(line);
    }
    touched |= strip_later_indentation(&mut lines, key);
    let lines = drop_double_spacing(lines, key);
    let start = start_of_header(&lines, key);
    let first = lines.get(start)?;
    let raw = text.get(first.offset..).unwrap_or_default();
    let lines = lines.get(start..)?;
    let end = end_of_header(lines);
    let header = lines.get(..end)?;
    let references = has_references(header);
    if !touched && !references && !is_broken(raw) {
        return Some(Pasted::AsItStands {
            skip: first.offset,
            lines: first.number,
        });
    }
    let mut octets = Vec::with_capacity(raw.len().min(64 << 10));
    let mut map = Vec::with_capacity(end);
    for line in header.iter().filter(|line| !line.text.is_empty()) {
        if line::is_old_postmark(line.text) {
            continue;
        }
        let mut text = line.text;
        if begins_field(text) {
            text = text.trim_ascii_start();
        } else if !is_fold(text) && !octets.is_empty() {
            octets.push(b' ');
        }
        map.push(RepairedLine {
            at: octets.len(),
            offset: base.offset + line.offset + (line.text.len() - text.len()),
            length: text.len(),
            line: base.line + line.number,
        });
        if references {
            octets.extend_from_slice(&html::references(text));
        } else {
            octets.extend_from_slice(text);
        }
        octets.push(b'\n');
    }
    octets.push(b'\n');
    append_body(&mut octets, lines.get(end..).unwrap_or_default(), body);
    Some(Pasted::Repaired {
        octets,
        offset: base.offset + first.offset,
        line: base.line + first.number,
        origin: Origin::Repaired(map),
    })
}

/// Text that stands in the file in another encoding.
fn decoded(plain: &[u8], base: Base, body: usize) -> Option<Pasted> {
    let nowhere = Base { offset: 0, line: 1 };
    let octets = match repair_plain(plain, nowhere, body)? {
        Pasted::AsItStands { skip, .. } => {
            let rest = plain.get(skip..).unwrap_or_default();
            let header = header_length(rest);
            let end = header.saturating_add(body).min(rest.len());
            rest.get(..end).unwrap_or_default().to_vec()
        }
        Pasted::Repaired { octets, .. } => octets,
    };
    Some(Pasted::Repaired {
        octets,
        offset: base.offset,
        line: base.line,
        origin: Origin::Decoded,
    })
}

/// A line without its end, and without the prefix of all lines.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    text: &'a [u8],
    /// Within the text given; moves with what is stripped.
    offset: usize,
    /// From 0.
    number: usize,
}

fn lines(text: &[u8]) -> Vec<Line<'_>> {
    let end = line_end(text);
    let plain = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut offset = text.len() - plain.len();
    let mut lines = Vec::new();
    for (number, whole) in plain.split(|b| *b == end).enumerate().take(MOST_LINES) {
        let mut stripped = whole.strip_suffix(b"\r").unwrap_or(whole);
        if stripped.trim_ascii().is_empty() {
            stripped = b"";
        }
        lines.push(Line {
            text: stripped,
            offset,
            number,
        });
        offset += whole.len() + 1;
    }
    lines
}

/// What ends the lines: old Macs wrote CR alone.
fn line_end(text: &[u8]) -> u8 {
    let old = memchr::memchr(b'\n', text).is_none() && memchr::memchr(b'\r', text).is_some();
    if old { b'\r' } else { b'\n' }
}

/// The line by which the header section is found: one that begins a field as
/// kept messages do, else any field.
fn key_line(lines: &[Line<'_>]) -> Option<usize> {
    let mut first = None;
    for (index, line) in lines.iter().enumerate() {
        let bare = Prefix::of(line.text).length(line.text);
        let bare = line.text.get(bare..).unwrap_or_default();
        if begins_field(bare) {
            if line::begins_kept(bare) {
                return Some(index);
            }
            first = first.or(Some(index));
        }
    }
    first
}

/// What stands before every line: marks of a quotation, then white space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Prefix {
    marks: usize,
    blanks: usize,
}

impl Prefix {
    fn of(text: &[u8]) -> Self {
        let (marks, length) = Self::marks(text, usize::MAX);
        let blanks = text
            .get(length..)
            .unwrap_or_default()
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        Self { marks, blanks }
    }

    /// Up to `limit` marks at the front of `text`, and how long they are.
    fn marks(text: &[u8], limit: usize) -> (usize, usize) {
        let (mut marks, mut length) = (0, 0);
        while marks < limit {
            let rest = text.get(length..).unwrap_or_default();
            let blank = usize::from(rest.first() == Some(&b' '));
            if !matches!(rest.get(blank), Some(b'>' | b'|')) {
                break;
            }
            marks += 1;
            length += blank + 1;
        }
        (marks, length)
    }

    fn length(self, text: &[u8]) -> usize {
        let (_, length) = Self::marks(text, self.marks);
        let blanks = text
            .get(length..)
            .unwrap_or_default()
            .iter()
            .take(self.blanks)
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        length + blanks
    }

    fn strip(self, line: &mut Line<'_>) {
        let length = self.length(line.text);
        line.text = line.text.get(length..).unwrap_or_default();
        line.offset += length;
    }
}

/// A copy may begin behind the first line's indentation: takes it from the
/// other lines too.
fn strip_later_indentation(lines: &mut [Line<'_>], key: usize) -> bool {
    let blanks = |line: &Line<'_>| Prefix::of(line.text).blanks;
    let later = lines.get_mut(key + 1..).unwrap_or_default();
    let full = |line: &&mut Line<'_>| !line.text.is_empty();
    let hidden = later
        .iter()
        .take_while(|line| line.text.is_empty() || is_fold(line.text))
        .any(|line| is_trace_field(line.text.trim_ascii_start()));
    let common = later
        .iter()
        .take_while(|line| line.text.is_empty() || is_fold(line.text))
        .filter(|line| !line.text.is_empty())
        .map(blanks)
        .min();
    let (true, Some(common)) = (hidden, common) else {
        return false;
    };
    let prefix = Prefix {
        marks: 0,
        blanks: common,
    };
    for line in later.iter_mut().filter(full) {
        prefix.strip(line);
    }
    true
}

/// Takes out the blank lines that a copy put between all lines.
fn drop_double_spacing(lines: Vec<Line<'_>>, key: usize) -> Vec<Line<'_>> {
    let from_key = lines.get(key..).unwrap_or_default();
    let run = from_key
        .iter()
        .skip(1)
        .take_while(|line| line.text.is_empty())
        .count();
    let sample = from_key.get(..from_key.len().min(24)).unwrap_or_default();
    let pairs = sample.windows(2);
    let tight = pairs
        .filter(|pair| pair.iter().all(|line| !line.text.is_empty()))
        .count();
    let full = sample.iter().filter(|line| !line.text.is_empty()).count();
    if run == 0 || full < 4 || tight > 1 {
        return lines;
    }
    let mut kept = Vec::with_capacity(lines.len());
    let mut blanks = 0;
    for (index, line) in lines.into_iter().enumerate() {
        if index <= key || !line.text.is_empty() {
            blanks = 0;
            kept.push(line);
        } else {
            blanks += 1;
            if blanks == run + 1 {
                kept.push(line);
            }
        }
    }
    kept
}

/// The first line of the block of fields that `key` stands in.
fn start_of_header(lines: &[Line<'_>], key: usize) -> usize {
    let mut start = key;
    let (mut strays, mut open) = (0, 0);
    let before = lines.get(..key).unwrap_or_default();
    for (index, line) in before.iter().enumerate().rev() {
        if line.text.is_empty() {
            break;
        }
        if SUMMARY.iter().any(|word| line.text.starts_with(word)) {
            return key;
        }
        if begins_field(line.text) {
            start = index;
            strays += open;
            open = 0;
        } else if !is_fold(line.text) {
            open += 1;
        }
    }
    // Mostly prose, with a colon somewhere.
    if strays * 4 > (key - start) * 3 {
        key
    } else {
        start
    }
}

/// How many lines the header section has. A blank line ends it (RFC 5322,
/// section 2.1), unless a field of the trace follows: a copy put it there.
fn end_of_header(lines: &[Line<'_>]) -> usize {
    let mut end = lines.len();
    for (index, line) in lines.iter().enumerate() {
        if line.text.is_empty() {
            end = end.min(index);
        } else if end < lines.len() {
            if !is_trace_field(line.text) {
                return end;
            }
            end = lines.len();
        }
    }
    end
}

/// Whether a line begins a field. Pasted text has lines of prose, so the name
/// must look like one and white space must follow the colon.
fn begins_field(text: &[u8]) -> bool {
    let indented = text.first().is_some_and(|b| matches!(b, b' ' | b'\t'));
    if indented {
        return is_trace_field(text.trim_ascii_start());
    }
    let Some(name) = line::field_name(text) else {
        return false;
    };
    let word = name.first().is_some_and(u8::is_ascii_alphabetic)
        && name
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    word && name.len() > 1 && (blank_follows(text) || is_trace_field(text))
}

fn is_trace_field(text: &[u8]) -> bool {
    let Some(name) = line::field_name(text) else {
        return false;
    };
    let known = TRACE.iter().any(|known| name.eq_ignore_ascii_case(known));
    known && (blank_follows(text) || name.eq_ignore_ascii_case(b"received"))
}

/// A list of names in a signature (`from:to:date`) is no field.
fn blank_follows(text: &[u8]) -> bool {
    let value = memchr::memchr(b':', text).and_then(|at| text.get(at + 1..));
    value.is_some_and(|value| value.first().is_none_or(|b| matches!(b, b' ' | b'\t')))
}

fn is_fold(line: &[u8]) -> bool {
    line.first().is_some_and(|b| matches!(b, b' ' | b'\t'))
}

/// Angle brackets stand in every header section; where only references to
/// them do, a page's source was copied.
fn has_references(header: &[Line<'_>]) -> bool {
    let any = |mark: &[u8]| {
        header
            .iter()
            .any(|line| memchr::memmem::find(line.text, mark).is_some())
    };
    (any(b"&lt;") || any(b"&gt;") || any(b"&nbsp;") || any(b"&#")) && !any(b"<")
}

fn append_body(octets: &mut Vec<u8>, lines: &[Line<'_>], limit: usize) {
    let mut room = limit;
    for line in lines.iter().skip_while(|line| line.text.is_empty()) {
        if room <= line.text.len() {
            break;
        }
        room -= line.text.len() + 1;
        octets.extend_from_slice(line.text);
        octets.push(b'\n');
    }
}

/// The length of a header section with its blank line.
pub(super) fn header_length(text: &[u8]) -> usize {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text) {
        if matches!(text.get(start..end), Some(b"" | b"\r")) {
            return end + 1;
        }
        start = end + 1;
    }
    text.len()
}

/// What UTF-16 with a byte order mark stands for, in UTF-8.
fn utf16(text: &[u8]) -> Option<Vec<u8>> {
    let unit: fn([u8; 2]) -> u16 = match text.get(..2)? {
        b"\xFF\xFE" => u16::from_le_bytes,
        b"\xFE\xFF" => u16::from_be_bytes,
        _ => return None,
    };
    Some(utf8(text.get(2..)?, unit))
}

/// UTF-16 in UTF-8; lone surrogates become U+FFFD.
pub(super) fn utf8(text: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let units = text.chunks_exact(2).filter_map(|pair| {
        let pair: [u8; 2] = pair.try_into().ok()?;
        Some(unit(pair))
    });
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect::<String>()
        .into_bytes()
}
