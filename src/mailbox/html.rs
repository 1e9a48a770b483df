//! A web page that shows a header section, as plain text.
//!
//! Not a reader of HTML: known tags are taken out, those of blocks end a line,
//! character references are resolved. What is no known tag stays, since
//! `<ap@partner.example>` is an address.

/// Tags that end a line.
const BLOCKS: [&[u8]; 12] = [
    b"br", b"p", b"div", b"tr", b"li", b"pre", b"table", b"h1", b"h2", b"h3", b"hr", b"ul",
];

/// Other tags that are taken out.
const INLINE: [&[u8]; 26] = [
    b"html", b"head", b"body", b"span", b"b", b"i", b"u", b"a", b"font", b"code", b"tt", b"td",
    b"th", b"tbody", b"thead", b"strong", b"em", b"meta", b"link", b"img", b"wbr", b"small",
    b"button", b"input", b"form", b"nobr",
];

/// Elements whose content is no text.
const HIDDEN: [&[u8]; 3] = [b"script", b"style", b"title"];

/// The longest tag that is recognised.
const LONGEST_TAG: usize = 4096;

/// References that occur in header sections shown on pages.
const NAMED: [(&[u8], char); 14] = [
    (b"lt", '<'),
    (b"gt", '>'),
    (b"amp", '&'),
    (b"quot", '"'),
    (b"apos", '\''),
    (b"nbsp", ' '),
    (b"Tab", '\t'),
    (b"NewLine", '\n'),
    (b"commat", '@'),
    (b"colon", ':'),
    (b"lpar", '('),
    (b"rpar", ')'),
    (b"lsqb", '['),
    (b"rsqb", ']'),
];

/// The text of a page; none where `text` is no page.
pub(super) fn plain(text: &[u8]) -> Option<Vec<u8>> {
    let start = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let start = start.trim_ascii_start();
    let page = [&b"<!doctype html"[..], b"<!--", b"<?xml"]
        .iter()
        .any(|mark| {
            start
                .get(..mark.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(mark))
        });
    if !page && tag(start).is_none() {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = start;
    while let Some(at) = memchr::memchr(b'<', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(b"<!") || rest.starts_with(b"<?") {
            let end = if rest.starts_with(b"<!--") {
                memchr::memmem::find(rest, b"-->").map(|end| end + 3)
            } else {
                memchr::memchr(b'>', rest).map(|end| end + 1)
            };
            rest = rest.get(end.unwrap_or(rest.len())..).unwrap_or_default();
            continue;
        }
        let Some((name, length)) = tag(rest) else {
            out.push(b'<');
            rest = rest.get(1..).unwrap_or_default();
            continue;
        };
        let closing = rest.get(1) == Some(&b'/');
        if is_one_of(name, &BLOCKS) && (!closing || !name.eq_ignore_ascii_case(b"br")) {
            let fresh = out.last().is_none_or(|last| *last == b'\n');
            if !fresh || name.eq_ignore_ascii_case(b"br") {
                out.push(b'\n');
            }
        }
        let hidden = !closing && is_one_of(name, &HIDDEN);
        rest = rest.get(length..).unwrap_or_default();
        if hidden {
            // Their end is the next closing tag: scripts seldom hold one.
            let end = memchr::memmem::find(rest, b"</").unwrap_or(rest.len());
            rest = rest.get(end..).unwrap_or_default();
        }
    }
    out.extend_from_slice(rest);
    Some(references(&out))
}

/// `text` with its character references resolved.
pub(super) fn references(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let (character, length) = reference(rest).unwrap_or(('&', 1));
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = rest.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// The reference at the front of `text`, and its length.
fn reference(text: &[u8]) -> Option<(char, usize)> {
    let head = text.get(1..text.len().min(12))?;
    let end = memchr::memchr(b';', head)?;
    let name = head.get(..end)?;
    let character = match name.strip_prefix(b"#") {
        Some(number) => {
            let number = std::str::from_utf8(number).ok()?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            match code {
                0xA0 => ' ',
                code => char::from_u32(code)?,
            }
        }
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((character, end + 2))
}

/// The name of the known tag at the front of `text`, and the tag's length.
fn tag(text: &[u8]) -> Option<(&[u8], usize)> {
    let inner = text.strip_prefix(b"<")?;
    let inner = inner.strip_prefix(b"/").unwrap_or(inner);
    let length = inner
        .iter()
        .take(16)
        .take_while(|b| b.is_ascii_alphanumeric())
        .count();
    let name = inner.get(..length)?;
    let known = is_one_of(name, &BLOCKS) || is_one_of(name, &INLINE) || is_one_of(name, &HIDDEN);
    let delimited = matches!(
        inner.get(length)?,
        b'>' | b'/' | b' ' | b'\t' | b'\n' | b'\r'
    );
    if !known || !delimited {
        return None;
    }
    let head = text.get(..LONGEST_TAG).unwrap_or(text);
    Some((name, memchr::memchr(b'>', head)? + 1))
}

fn is_one_of(name: &[u8], names: &[&[u8]]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}
