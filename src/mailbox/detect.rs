//! What an input is, by its first octets; its name says nothing.

use super::error::Unreadable;
use super::line::{self, Before, Dialect, Told};

/// Octets that suffice to tell.
pub(super) const ENOUGH: usize = 64 << 10;

/// What an input turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A message; it begins after `skip` octets.
    Message {
        skip: usize,
    },
    /// Messages behind postmarks; the first one after `skip` octets.
    Mbox {
        skip: usize,
        dialect: Dialect,
    },
    /// Text that may hold a header section.
    Text,
    Gzip,
    Outlook,
}

/// Forms that people offer and that hold no message to be read here.
const FOREIGN: [(&[u8], &str); 17] = [
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"\xFD7zXZ\0", "compressed by xz; expand it first"),
    (b"\x28\xB5\x2F\xFD", "compressed by zstd; expand it first"),
    (b"BZh", "compressed by bzip2; expand it first"),
    (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"!BDN", "an Outlook data file (PST or OST)"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "a rich text document"),
    (b"SQLite format 3\0", "a database"),
    (b"\x89PNG", "a picture"),
    (b"\xFF\xD8\xFF", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x7FELF", "a program"),
    (b"MZ\x90\0", "a program"),
    (
        b"\x30\x82",
        "a certificate or a signed envelope without its message",
    ),
    (b"\x78\x9F\x3E\x22", "a winmail.dat attachment (TNEF)"),
];

/// Tells what `head`, the first octets of an input, belongs to; `last` where
/// they are the whole of it.
pub(super) fn form(head: &[u8], last: bool) -> Result<Form, Unreadable> {
    if head.starts_with(&[0x1F, 0x8B, 0x08]) {
        return Ok(Form::Gzip);
    }
    if head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) {
        return Ok(Form::Outlook);
    }
    if let Some((_, name)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(Unreadable::Foreign(name));
    }
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return Ok(Form::Text);
    }
    let skip = blank(head);
    let text = head.get(skip..).unwrap_or_default();
    if text.is_empty() && last {
        return Err(if head.contains(&0) {
            Unreadable::Binary
        } else {
            Unreadable::Empty
        });
    }
    if text.starts_with(line::POSTMARK) {
        let dialect = Dialect::of(text);
        let any = Dialect {
            undated: true,
            patches: true,
        };
        if line::begins_message(text, true, Before::Blank, any) == Told::Yes {
            return Ok(Form::Mbox { skip, dialect });
        }
    }
    if line::begins_likely_field(text) {
        return Ok(Form::Message { skip });
    }
    if let Some(counted) = counted(text) {
        return Ok(Form::Message {
            skip: skip + counted,
        });
    }
    if head.get(257..262) == Some(b"ustar") {
        return Err(Unreadable::Foreign("a tar archive; unpack it first"));
    }
    if is_binary(text) {
        return Err(Unreadable::Binary);
    }
    Ok(Form::Text)
}

/// Apple's Mail writes a message's size in a line before it.
fn counted(text: &[u8]) -> Option<usize> {
    let first = line::first_line(text, 32);
    let rest = text.get(first.len() + 1..)?;
    let digits = first.trim_ascii();
    let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    (all && line::begins_likely_field(rest)).then_some(first.len() + 1)
}

/// Octets before the first line that says something: a byte order mark, blank
/// lines, and the NULs that a crashed machine leaves at the start of a block.
fn blank(head: &[u8]) -> usize {
    let mark = if head.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    let rest = head.get(mark..).unwrap_or_default();
    let ends = rest
        .iter()
        .position(|b| !matches!(b, b'\r' | b'\n' | b' ' | b'\t' | 0))
        .unwrap_or(rest.len());
    // Indentation belongs to its line.
    let line = rest
        .get(..ends)
        .unwrap_or_default()
        .iter()
        .rposition(|b| matches!(b, b'\n' | 0))
        .map_or(0, |at| at + 1);
    if ends == rest.len() {
        head.len()
    } else {
        mark + line
    }
}

/// Text has few control characters.
pub(super) fn is_binary(text: &[u8]) -> bool {
    let head = text.get(..4096).unwrap_or(text);
    let control = head
        .iter()
        .filter(|b| **b < 0x20 && !matches!(**b, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B))
        .count();
    control * 20 > head.len().max(1)
}
