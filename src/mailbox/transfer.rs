//! Content-Transfer-Encodings (RFC 2045, section 6), decoded as leniently as
//! mail programs do: what is no valid octet is passed over.

/// Decodes base64 (RFC 2045, section 6.8). Octets outside of the alphabet are
/// ignored; padding ends the data.
pub(super) fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for &octet in text {
        let six = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xFF) as u8);
        }
    }
    out
}

/// Decodes quoted-printable (RFC 2045, section 6.7). A `=` that begins no
/// escape stays.
pub(super) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'=', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(octet) = rest.get(..2).and_then(hexadecimal) {
            out.push(octet);
            rest = rest.get(2..).unwrap_or_default();
            continue;
        }
        // White space may follow a soft line break.
        let blank = rest
            .iter()
            .take(256)
            .take_while(|b| matches!(b, b' ' | b'\t' | b'\r'))
            .count();
        if rest.get(blank) == Some(&b'\n') {
            rest = rest.get(blank + 1..).unwrap_or_default();
        } else if !rest.is_empty() {
            out.push(b'=');
        }
    }
    out.extend_from_slice(rest);
    out
}

fn hexadecimal(pair: &[u8]) -> Option<u8> {
    let digit = |b: &u8| char::from(*b).to_digit(16);
    let (high, low) = (digit(pair.first()?)?, digit(pair.get(1)?)?);
    u8::try_from(high * 16 + low).ok()
}
