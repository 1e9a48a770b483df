//! Foreign text made harmless for a terminal and a reader.
//!
//! Control characters could move the cursor or change colours, bidirectional
//! marks reorder what is read, invisible characters make two names look the
//! same. All of them are written as `\x1b` or `\u{202e}`; octets that are no
//! UTF-8 as `\xNN`. A backslash stays as it is: the result is for people, and
//! JSON carries the exact octets.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Text of unknown origin, on one line.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push(&mut out, c);
    }
    Cow::Owned(out)
}

/// Octets of unknown origin, on one line; 8-bit octets that are no UTF-8 are
/// shown as `\xNN`.
#[must_use]
pub fn octets(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        for c in chunk.valid().chars() {
            push(&mut out, c);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// The same as [`text`], cut to `columns` with `...` at the end: for places
/// where one line must do.
#[must_use]
pub fn clipped(raw: &str, columns: usize) -> String {
    super::layout::clip(&text(raw), columns)
}

fn push(out: &mut String, c: char) {
    if is_harmless(c) {
        out.push(c);
    } else {
        let _ = match c {
            '\t' => out.write_str("\\t"),
            '\r' => out.write_str("\\r"),
            '\n' => out.write_str("\\n"),
            c if u32::from(c) < 0x100 => write!(out, "\\x{:02x}", u32::from(c)),
            c => write!(out, "\\u{{{:x}}}", u32::from(c)),
        };
    }
}

/// Whether a character shows itself, as itself, where it stands.
fn is_harmless(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    if c.is_control() || c.is_whitespace() {
        return false;
    }
    !matches!(u32::from(c),
        // General category Cf, and what else renders as nothing
        // (Default_Ignorable_Code_Point of Unicode 15).
        0x00AD | 0x034F | 0x0600..=0x0605 | 0x061C | 0x06DD | 0x070F
        | 0x0890..=0x0891 | 0x08E2 | 0x115F..=0x1160 | 0x17B4..=0x17B5
        | 0x180B..=0x180F | 0x200B..=0x200F | 0x2028..=0x202E
        | 0x2060..=0x206F | 0x2800 | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF
        | 0xFFA0 | 0xFFF0..=0xFFFB | 0x110BD | 0x110CD | 0x13430..=0x1343F
        | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF
        // Private use and noncharacters: every font shows its own thing.
        | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xF0000..)
        && u32::from(c) & 0xFFFE != 0xFFFE
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_deceive_is_spelt_out() {
        for (raw, shown) in [
            ("plain mx1.partner.example", "plain mx1.partner.example"),
            ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("pay\u{200b}pal", "pay\\u{200b}pal"),
            ("a\u{9b}31m", "a\\x9b31m"),
            ("bell\u{7}\t\r\n", "bell\\x07\\t\\r\\n"),
            ("soft\u{ad}hyphen", "soft\\xadhyphen"),
            ("\u{e0041}tag", "\\u{e0041}tag"),
            ("no\u{a0}break", "no\\xa0break"),
            ("Bücher 書", "Bücher 書"),
        ] {
            assert_eq!(text(raw), shown);
        }
    }

    #[test]
    fn octets_that_are_no_utf8_are_shown_lossily() {
        assert_eq!(
            octets(b"220 caf\xe9 \xc3\xa9\x00"),
            "220 caf\\xe9 \u{e9}\\x00"
        );
    }

    proptest! {
        #[test]
        fn nothing_escapes(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let shown = octets(&raw);
            prop_assert!(shown.chars().all(is_harmless));
            prop_assert!(text(&shown) == shown);
        }
    }
}
