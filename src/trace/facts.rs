//! What a message says of itself: who wrote it, to whom, and whether writer and
//! reader encrypted it between themselves.
//!
//! Encryption by the sender for the reader is looked for in the first octets of
//! the body only.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::trace::chain::{EndToEnd, MessageFacts};
use crate::trace::date;
use crate::trace::encoded_word::decode_words;
use crate::trace::field_name::FieldName;
use crate::trace::message::{Field, Header};

/// How much of a body is looked at.
const BODY_LOOK: usize = 64 * 1024;

/// What the message says of itself.
pub(super) fn facts(header: &Header<'_>, input: &[u8]) -> MessageFacts {
    let [mut id, mut date, mut from, mut to, mut subject] = [None; 5];
    let [mut content_type, mut tls_required] = [None; 2];
    for field in &header.fields {
        let first = match field.known {
            FieldName::MessageId => &mut id,
            FieldName::Date => &mut date,
            FieldName::From => &mut from,
            FieldName::To => &mut to,
            FieldName::Subject => &mut subject,
            FieldName::ContentType => &mut content_type,
            FieldName::TlsRequired => &mut tls_required,
            _ => continue,
        };
        first.get_or_insert(field);
    }
    let body = header
        .body
        .and_then(|start| input.get(start..(start.saturating_add(BODY_LOOK)).min(input.len())));
    MessageFacts {
        message_id: id.map(|id| id.text().trim().trim_matches(['<', '>']).to_owned()),
        date: date.and_then(|date| date::instant(&date.text())),
        from: from.and_then(|from| addresses(&from.text(), 1).into_iter().next()),
        to: to.map_or_else(Vec::new, |to| addresses(&to.text(), 100)),
        subject: subject.map(|subject| decode_words(subject.text().trim())),
        end_to_end: end_to_end(content_type, body.unwrap_or_default()),
        tls_not_required: tls_required
            .is_some_and(|field| field.text().trim().eq_ignore_ascii_case("no")),
    }
}

/// The addresses of an address list (RFC 5322, section 3.4), without display
/// names, comments and group names.
fn addresses(text: &str, most: usize) -> Vec<String> {
    plain_addresses(text, most).unwrap_or_else(|| any_addresses(text, most))
}

/// The same of a list of the usual form: names, quoted or not, and addresses, in
/// angle brackets or bare. None of any other.
fn plain_addresses(text: &str, most: usize) -> Option<Vec<String>> {
    const MARKS: [bool; 256] = {
        let mut marks = [false; 256];
        let all = b"\\():;\"<>,";
        let mut at = 0;
        while at < all.len() {
            marks[all[at] as usize] = true;
            at += 1;
        }
        marks
    };
    let mut found = Vec::new();
    let (mut start, mut quoted) = (0, false);
    let (mut open, mut close) = (None, None);
    let octets = text.as_bytes();
    let mut at = 0;
    loop {
        let rest = octets.get(at..).unwrap_or_default();
        let mark = rest.iter().position(|octet| MARKS[usize::from(*octet)]);
        at += mark.unwrap_or(rest.len());
        match octets.get(at) {
            Some(b'\\' | b'(' | b')' | b':' | b';') => return None,
            Some(b'"') if open.is_some() => return None,
            Some(b'"') => quoted = !quoted,
            Some(_) if quoted => {}
            None if quoted => return None,
            Some(b'<') if open.is_none() => open = Some(at + 1),
            Some(b'>') if open.is_some() && close.is_none() => close = Some(at),
            Some(b'<' | b'>') => return None,
            // A comma, or the end.
            mark => {
                let address = match (open.take(), close.take()) {
                    (Some(open), Some(close)) => {
                        if !text.get(close + 1..at)?.trim().is_empty() {
                            return None;
                        }
                        text.get(open..close)?.trim()
                    }
                    (None, _) => text.get(start..at)?.trim(),
                    (Some(_), None) => return None,
                };
                if address.contains('@') && found.len() < most {
                    found.push(address.to_owned());
                }
                if mark.is_none() {
                    return Some(found);
                }
                start = at + 1;
            }
        }
        at += 1;
    }
}

fn any_addresses(text: &str, most: usize) -> Vec<String> {
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
fn end_to_end(content_type: Option<&Field<'_>>, body: &[u8]) -> EndToEnd {
    let declared = content_type
        .map(|field| field.text().to_ascii_lowercase())
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
    match end_of_armour(body) {
        Some(_) => EndToEnd::PgpInline,
        None => EndToEnd::None,
    }
}

/// Where the first line of an inline PGP message ends.
pub(crate) fn end_of_armour(body: &[u8]) -> Option<usize> {
    static ARMOUR: LazyLock<Finder<'static>> =
        LazyLock::new(|| Finder::new(b"-----BEGIN PGP MESSAGE-----"));
    let begins_line = |at: &usize| match at.checked_sub(1) {
        Some(before) => body.get(before) == Some(&b'\n'),
        None => true,
    };
    let at = ARMOUR.find_iter(body).find(begins_line)?;
    Some(at + ARMOUR.needle().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::message::read;

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
    fn a_plain_list_is_read_as_any_other() {
        for text in [
            "a@b",
            " \"Bo\" <bo@c.example> ",
            "<a@b>, <c@d>,, x y <e@f>",
            "\"a, b <c>\" <d@e>, f",
            "\"a\" b@c",
            "a <b@c> d",
            "a <b@c",
            "b@c>",
            "<a@b> <c@d>",
            "\"a <b@c>",
            "<\"a,b\"@c>",
            "a > <b@c>",
            ",",
            "",
        ] {
            for most in [1, 100] {
                if let Some(plain) = plain_addresses(text, most) {
                    assert_eq!(plain, any_addresses(text, most), "{text}");
                }
            }
        }
        assert!(plain_addresses("\"Bo\" <bo@c.example>, <x@y>", 9).is_some());
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
