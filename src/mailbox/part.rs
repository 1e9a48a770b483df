//! Messages attached to a message: `message/rfc822` parts (RFC 2046, section
//! 5.2.1), and files called `.eml`, wherever they are nested.
//!
//! They are counted in the order in which they stand, an attached message
//! before those attached to it. RFC 2046 forbids an encoding for
//! `message/rfc822`, and programs use one all the same: base64 and
//! quoted-printable are decoded (RFC 2045, section 6).
//!
//! Not supported: `message/partial` and `message/external-body`; boundaries
//! split by RFC 2231; TNEF (`winmail.dat`).

use std::borrow::Cow;
use std::ops::Range;

use super::pasted::header_length;
use super::transfer;

/// Parts inside parts.
const DEEPEST: usize = 32;

/// Octets of a part's header section that are read.
const LONGEST_HEADER: usize = 64 << 10;

/// Parts looked at.
const MOST_PARTS: usize = 10_000;

/// An attached message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Attached {
    /// It stands here in its message.
    Within(Range<usize>),
    /// It was encoded.
    Decoded(Vec<u8>),
}

/// Finds the attached message number `asked` (from 1) in `message`; else how
/// many there are.
pub(super) fn find(message: &[u8], asked: usize) -> Result<Attached, usize> {
    let mut search = Search {
        asked,
        found: 0,
        parts: 0,
        budget: message.len().saturating_mul(2),
    };
    search.entity(message, 0, DEEPEST, true).ok_or(search.found)
}

struct Search {
    asked: usize,
    found: usize,
    parts: usize,
    /// Octets that may still be decoded.
    budget: usize,
}

impl Search {
    /// Looks through an entity that begins at `base` of the whole.
    fn entity(
        &mut self,
        entity: &[u8],
        base: usize,
        depth: usize,
        is_message: bool,
    ) -> Option<Attached> {
        self.parts += 1;
        let depth = depth.checked_sub(1)?;
        if self.parts > MOST_PARTS {
            return None;
        }
        let length = header_length(entity);
        let header = Header::read(entity.get(..length.min(LONGEST_HEADER))?);
        let body = entity.get(length..)?;
        if let Some(boundary) = &header.boundary {
            for part in parts(body, boundary) {
                let at = base + length + part.start;
                if let Some(found) = self.entity(body.get(part)?, at, depth, false) {
                    return Some(found);
                }
                if self.parts > MOST_PARTS {
                    return None;
                }
            }
            return None;
        }
        if is_message || !header.holds_message {
            return None;
        }
        self.found += 1;
        let wanted = self.found == self.asked;
        match header.encoding {
            Encoding::Identity if wanted => {
                let start = base + length;
                Some(Attached::Within(start..start + body.len()))
            }
            Encoding::Identity => self.entity(body, base + length, depth, true),
            Encoding::Base64 | Encoding::QuotedPrintable => {
                self.budget = self.budget.checked_sub(body.len())?;
                let decoded = match header.encoding {
                    Encoding::Base64 => transfer::base64(body),
                    _ => transfer::quoted_printable(body),
                };
                if wanted {
                    return Some(Attached::Decoded(decoded));
                }
                match self.entity(&decoded, 0, depth, true)? {
                    Attached::Within(range) => {
                        Some(Attached::Decoded(decoded.get(range)?.to_vec()))
                    }
                    other => Some(other),
                }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
}

/// What counts here of an entity's header section.
#[derive(Debug)]
struct Header {
    boundary: Option<Vec<u8>>,
    holds_message: bool,
    encoding: Encoding,
}

impl Header {
    fn read(text: &[u8]) -> Self {
        let content_type = field(text, b"content-type");
        let (kind, parameters) = split_at_semicolon(&content_type);
        let kind = kind.trim_ascii().to_ascii_lowercase();
        let boundary = if kind.starts_with(b"multipart/") {
            parameter(parameters, b"boundary").filter(|boundary| !boundary.is_empty())
        } else {
            None
        };
        let disposition = field(text, b"content-disposition");
        let named = |text: &[u8], name: &[u8]| {
            parameter(split_at_semicolon(text).1, name)
                .is_some_and(|file| file.to_ascii_lowercase().ends_with(b".eml"))
        };
        let holds_message = matches!(kind.as_slice(), b"message/rfc822" | b"message/global")
            || named(&content_type, b"name")
            || named(&disposition, b"filename");
        let encoding = field(text, b"content-transfer-encoding");
        let encoding = match encoding.trim_ascii().to_ascii_lowercase().as_slice() {
            b"base64" => Encoding::Base64,
            b"quoted-printable" => Encoding::QuotedPrintable,
            _ => Encoding::Identity,
        };
        Self {
            boundary,
            holds_message,
            encoding,
        }
    }
}

/// The value of a field, its folds kept; empty where there is none.
fn field<'a>(header: &'a [u8], name: &[u8]) -> Cow<'a, [u8]> {
    let mut value: Cow<'a, [u8]> = Cow::Borrowed(b"");
    let mut inside = false;
    for line in header.split(|b| *b == b'\n') {
        if inside && line.first().is_some_and(|b| matches!(b, b' ' | b'\t')) {
            value.to_mut().extend_from_slice(line);
            continue;
        }
        if inside {
            break;
        }
        let after = line
            .get(..name.len())
            .filter(|head| head.eq_ignore_ascii_case(name))
            .and_then(|_| line.get(name.len()..))
            .map(<[u8]>::trim_ascii_start)
            .and_then(|rest| rest.strip_prefix(b":"));
        if let Some(after) = after {
            value = Cow::Borrowed(after);
            inside = true;
        }
    }
    value
}

fn split_at_semicolon(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b';', text) {
        Some(at) => (
            text.get(..at).unwrap_or_default(),
            text.get(at + 1..).unwrap_or_default(),
        ),
        None => (text, b""),
    }
}

/// A parameter's value (RFC 2045, section 5.1), without its quotes.
fn parameter(mut text: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    loop {
        text = text.trim_ascii_start();
        let equals = text.iter().position(|b| matches!(b, b'=' | b';'))?;
        let key = text.get(..equals)?.trim_ascii();
        let semicolon = text.get(equals) == Some(&b';');
        text = text.get(equals + 1..)?;
        if semicolon {
            continue;
        }
        let (value, rest) = value(text.trim_ascii_start());
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        text = split_at_semicolon(rest).1;
    }
}

fn value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text
            .iter()
            .position(|b| *b == b';' || b.is_ascii_whitespace())
            .unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.to_vec(), rest);
    };
    let mut value = Vec::new();
    let mut escaped = false;
    for (at, &octet) in quoted.iter().enumerate() {
        match octet {
            _ if escaped => {
                value.push(octet);
                escaped = false;
            }
            b'\\' => escaped = true,
            b'"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            b'\r' | b'\n' => {}
            _ => value.push(octet),
        }
    }
    (value, b"")
}

/// The parts between the delimiters of a multipart body (RFC 2046, section
/// 5.1.1); the last one may lack its end.
fn parts(body: &[u8], boundary: &[u8]) -> Vec<Range<usize>> {
    let mut delimiter = b"--".to_vec();
    delimiter.extend_from_slice(boundary);
    let mut found = Vec::new();
    let mut start = None;
    for at in memchr::memmem::find_iter(body, &delimiter) {
        let line_start = match at.checked_sub(1) {
            None => true,
            Some(before) => body.get(before) == Some(&b'\n'),
        };
        let after = body.get(at + delimiter.len()..).unwrap_or_default();
        let closing = after.starts_with(b"--");
        let bare = after
            .first()
            .is_none_or(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
        if !line_start || !(closing || bare) {
            continue;
        }
        if let Some(start) = start.take() {
            // The line end before a delimiter belongs to it.
            let end = at.saturating_sub(1).max(start);
            let cr = end > start && body.get(end - 1) == Some(&b'\r');
            found.push(start..end - usize::from(cr));
        }
        if closing || found.len() > MOST_PARTS {
            return found;
        }
        let line_end = memchr::memchr(b'\n', after).map_or(after.len(), |end| end + 1);
        start = Some(at + delimiter.len() + line_end);
    }
    found.extend(start.map(|start| start.min(body.len())..body.len()));
    found
}
