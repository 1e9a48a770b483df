//! The part of a mail that is the report (RFC 8460, section 5.3): the smallest
//! reading of MIME (RFC 2045, RFC 2046) that finds it.

/// Parts looked at, at any depth.
const MOST_PARTS: usize = 64;

/// Multiparts inside multiparts.
const MOST_DEPTH: usize = 4;

/// Octets of a header section.
const MOST_HEADER: usize = 256 << 10;

/// The octets of the report, its transfer encoding undone.
pub(super) fn report(message: &[u8]) -> Option<Vec<u8>> {
    let mut left = MOST_PARTS;
    search(message, 0, &mut left)
}

fn search(entity: &[u8], depth: usize, left: &mut usize) -> Option<Vec<u8>> {
    *left = left.checked_sub(1)?;
    let (header, body) = split(entity)?;
    let kind = field(&header, "content-type").unwrap_or_default();
    let lower = kind.to_ascii_lowercase();
    if lower.starts_with("multipart/") {
        let boundary = parameter(&kind, "boundary")?;
        if depth == MOST_DEPTH {
            return None;
        }
        return parts(body, &boundary)
            .into_iter()
            .find_map(|part| search(part, depth + 1, left));
    }
    let wanted = lower.starts_with("application/tlsrpt+")
        || lower.starts_with("application/gzip")
        || lower.starts_with("application/x-gzip")
        || lower.starts_with("application/json");
    if !wanted {
        return None;
    }
    let encoding = field(&header, "content-transfer-encoding").unwrap_or_default();
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => Some(base64(body)),
        "quoted-printable" => Some(quoted_printable(body)),
        _ => Some(body.to_vec()),
    }
}

/// The header section, unfolded, and the body.
fn split(entity: &[u8]) -> Option<(String, &[u8])> {
    let mut at = 0;
    while at < entity.len().min(MOST_HEADER) {
        let end = memchr::memchr(b'\n', &entity[at..]).map_or(entity.len(), |n| at + n + 1);
        if matches!(&entity[at..end], b"\n" | b"\r\n") {
            let header = String::from_utf8_lossy(&entity[..at]).replace('\r', "");
            let header = header.replace("\n ", " ").replace("\n\t", " ");
            return Some((header, &entity[end..]));
        }
        at = end;
    }
    None
}

fn field(header: &str, name: &str) -> Option<String> {
    header.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        field
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"').to_owned())
            .filter(|value| !value.is_empty())
    })
}

fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let delimiter = delimiter.as_bytes();
    let mut parts = Vec::new();
    let mut begin: Option<usize> = None;
    let mut at = 0;
    while at < body.len() && parts.len() < MOST_PARTS {
        let end = memchr::memchr(b'\n', &body[at..]).map_or(body.len(), |n| at + n + 1);
        if let Some(rest) = body[at..end].strip_prefix(delimiter) {
            if let Some(begin) = begin {
                parts.push(&body[begin..at]);
            }
            if rest.starts_with(b"--") {
                return parts;
            }
            begin = Some(end);
        }
        at = end;
    }
    // A mail that was cut off.
    if let Some(begin) = begin {
        parts.push(&body[begin..]);
    }
    parts
}

fn base64(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for octet in body {
        let value = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            // RFC 2045, section 6.8: anything else is to be ignored.
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xFF) as u8);
        }
    }
    out
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        if octet != b'=' {
            out.push(octet);
            continue;
        }
        match after {
            [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] => rest = after,
            [high, low, after @ ..] => {
                let digit = |octet: u8| char::from(octet).to_digit(16);
                match (digit(*high), digit(*low)) {
                    (Some(high), Some(low)) => {
                        out.push((high * 16 + low) as u8);
                        rest = after;
                    }
                    _ => out.push(octet),
                }
            }
            _ => out.push(octet),
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn encode(octets: &[u8]) -> String {
        const LETTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for three in octets.chunks(3) {
            let word = three
                .iter()
                .fold(0_usize, |word, octet| word << 8 | usize::from(*octet))
                << (8 * (3 - three.len()));
            for n in 0..4 {
                if n > three.len() {
                    out.push('=');
                } else {
                    out.push(char::from(LETTERS[word >> (18 - 6 * n) & 63]));
                }
            }
        }
        out
    }

    #[test]
    fn transfer_encodings_are_undone() {
        for octets in [&b""[..], b"a", b"ab", b"abc", b"\0\xFF\x10\x80abcd"] {
            assert_eq!(base64(encode(octets).as_bytes()), octets);
        }
        assert_eq!(quoted_printable(b"a=3Db=\r\nc=zz="), b"a=bc=zz=");
    }

    #[test]
    fn hostile_structures_end() {
        let mut nested = String::new();
        for n in 0..50 {
            nested.push_str(&format!(
                "Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"
            ));
        }
        assert_eq!(report(nested.as_bytes()), None);
        let many = format!(
            "Content-Type: multipart/mixed; boundary=x\n\n{}",
            "--x\nContent-Type: text/plain\n\nhi\n".repeat(10_000)
        );
        assert_eq!(report(many.as_bytes()), None);
        assert_eq!(report(&[b'a'; 300_000]), None);
    }
}
