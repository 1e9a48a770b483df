//! Encoded words in a field's text (RFC 2047): words in other charsets than
//! ASCII. [`decode_words`] gives the text as people read it.
//!
//! Hostile words stay small: one is looked for in 512 octets (RFC 2047,
//! section 2, allows 75), and no octet decodes to more than three.

/// Decodes encoded words (RFC 2047) in the charsets of the WHATWG's Encoding
/// Standard, by any label it knows; words in others stay as they are written.
#[must_use]
pub fn decode_words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some(begin) = find_pair(rest, *b"=?") {
        let (before, word) = rest.split_at(begin);
        let Some((octets, charset, length)) = encoded_word(word) else {
            out.push_str(before);
            out.push_str("=?");
            rest = word.get(2..).unwrap_or_default();
            after_word = false;
            continue;
        };
        let Some(decoded) = decode_charset(octets, charset) else {
            out.push_str(before);
            out.push_str(word.get(..length).unwrap_or_default());
            rest = word.get(length..).unwrap_or_default();
            after_word = false;
            continue;
        };
        // RFC 2047, section 6.2: white space between two words goes.
        if !(after_word && before.chars().all(char::is_whitespace)) {
            out.push_str(before);
        }
        out.push_str(&decoded);
        rest = word.get(length..).unwrap_or_default();
        after_word = true;
    }
    out.push_str(rest);
    out
}

/// An encoded word at the start of `text`: its octets, charset and length.
fn encoded_word(text: &str) -> Option<(Vec<u8>, &str, usize)> {
    let mut cut = text.len().min(512);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    let window = text.get(..cut)?;
    let body = window.strip_prefix("=?")?;
    let (charset, rest) = body.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let end = find_pair(rest, *b"?=")?;
    let payload = rest.get(..end)?;
    if charset.is_empty() || payload.contains(' ') {
        return None;
    }
    let octets = match encoding {
        "B" | "b" => base64(payload),
        "Q" | "q" => quoted_printable(payload),
        _ => return None,
    };
    let length = 2 + charset.len() + 1 + encoding.len() + 1 + end + 2;
    Some((octets, charset, length))
}

/// Where two octets stand next to each other.
fn find_pair(text: &str, [first, second]: [u8; 2]) -> Option<usize> {
    let octets = text.as_bytes();
    memchr::memchr_iter(first, octets).find(|at| octets.get(at + 1) == Some(&second))
}

fn base64(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut bits = 0_u32;
    let mut held = 0_u32;
    for octet in text.bytes() {
        let value = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(((bits >> held) & 0xFF) as u8);
        }
    }
    out
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let octets = text.as_bytes();
    let mut out = Vec::with_capacity(octets.len());
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        at += 1;
        match octet {
            b'_' => out.push(b' '),
            b'=' => {
                let hex = text
                    .get(at..at + 2)
                    .and_then(|h| u8::from_str_radix(h, 16).ok());
                if let Some(value) = hex {
                    out.push(value);
                    at += 2;
                } else {
                    out.push(b'=');
                }
            }
            other => out.push(other),
        }
    }
    out
}

fn decode_charset(mut octets: Vec<u8>, charset: &str) -> Option<String> {
    // RFC 2231, section 5: a language may follow the charset.
    let charset = charset.split('*').next()?;
    if charset.eq_ignore_ascii_case("utf-8") {
        match String::from_utf8(octets) {
            Ok(text) => return Some(text),
            Err(other) => octets = other.into_bytes(),
        }
    }
    let charset = charset.to_ascii_lowercase();
    let encoding = encoding_rs::Encoding::for_label_no_replacement(charset.as_bytes())?;
    // Never more than three octets for one: an encoded word stays small.
    Some(encoding.decode_without_bom_handling(&octets).0.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_the_charsets_of_mail() {
        for (written, read) in [
            ("=?windows-1252?Q?100_=80?=", "100 \u{20ac}"),
            ("=?iso-8859-15?Q?100_=A4?=", "100 \u{20ac}"),
            ("=?ISO-8859-1?Q?gr=FC=DFe?=", "gr\u{fc}\u{df}e"),
            (
                "=?koi8-r?B?8NLJ18XU?=",
                "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}",
            ),
            ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\u{65e5}\u{672c}"),
            ("=?gb2312?B?xOO6ww==?=", "\u{4f60}\u{597d}"),
            ("=?utf-8*de?Q?=C3=BC?= =?utf-8?Q?b?=", "\u{fc}b"),
            ("=?utf-8?Q?=FF?=", "\u{fffd}"),
            ("=?x-unknown?Q?a?=", "=?x-unknown?Q?a?="),
            ("=?utf-7?Q?a?=", "=?utf-7?Q?a?="),
            ("=?utf-8?Q?a", "=?utf-8?Q?a"),
        ] {
            assert_eq!(decode_words(written), read, "{written}");
        }
    }

    #[test]
    fn a_hostile_text_grows_no_more_than_threefold() {
        for hostile in [
            "=?utf-8?Q?".repeat(20_000),
            "=?utf-8?B?////////?=".repeat(20_000),
            "=?gb18030?Q?=81=30?=".repeat(20_000),
        ] {
            assert!(decode_words(&hostile).len() <= hostile.len() * 3);
        }
    }
}
