//! Trust anchors: the keys or digests that all trust starts from.
//!
//! Read are records in presentation form, DS and DNSKEY, as `unbound-anchor`,
//! `dig` and IANA write them, and the statements `trust-anchors`,
//! `managed-keys` and `trusted-keys` of BIND, as `delv -a` takes them.

use std::collections::HashMap;
use std::fmt;

use hickory_proto::rr::Name;

use crate::probe::dns::message::absolute;
use crate::probe::dns::validate::crypto::covers;
use crate::probe::dns::validate::records::{Ds, Key};

/// The keys of the root zone: of 2017, and of 2024, which signs it since 2026
/// (<https://data.iana.org/root-anchors/root-anchors.xml>).
const ROOT: &str = "
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
";

/// What is trusted of one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Anchor {
    Digest(Ds),
    Key(Key),
}

/// Where trust starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchors {
    zones: HashMap<Name, Vec<Anchor>>,
}

impl Default for Anchors {
    /// The keys of the root zone, as IANA publishes them.
    fn default() -> Self {
        Self::parse(ROOT).expect("a test reads it")
    }
}

impl Anchors {
    /// Reads a file's text.
    ///
    /// # Errors
    /// When it holds no anchor, or something that cannot be read.
    pub fn parse(text: &str) -> Result<Self, InvalidAnchors> {
        let mut zones: HashMap<Name, Vec<Anchor>> = HashMap::new();
        for statement in statements(text) {
            let words: Vec<&str> = statement.split_whitespace().collect();
            let (owner, anchor) =
                parse(&words).ok_or_else(|| InvalidAnchors::Statement(statement.clone()))?;
            // A key that cannot sign zones, or was revoked, anchors nothing.
            if let Some(anchor) = anchor {
                zones.entry(owner).or_default().push(anchor);
            }
        }
        if zones.is_empty() {
            return Err(InvalidAnchors::None);
        }
        Ok(Self { zones })
    }

    /// The lowest zone above or at a name that has an anchor.
    pub fn above(&self, name: &Name) -> Option<Name> {
        let mut zone = name.clone();
        loop {
            if self.zones.contains_key(&zone) {
                return Some(zone);
            }
            if zone.is_root() {
                return None;
            }
            zone = zone.base_name();
        }
    }

    /// Whether a key of a zone is one of its anchors.
    pub fn hold(&self, zone: &Name, key: &Key) -> bool {
        self.zones.get(zone).is_some_and(|anchors| {
            anchors.iter().any(|anchor| match anchor {
                Anchor::Digest(ds) => covers(ds, zone, key),
                Anchor::Key(anchor) => anchor == key,
            })
        })
    }
}

/// The statements of a file, without comments, a record each.
fn statements(text: &str) -> Vec<String> {
    // In BIND's files a semicolon ends a statement, elsewhere it starts a
    // comment.
    let bind = ["trust-anchors", "managed-keys", "trusted-keys"]
        .iter()
        .any(|word| text.contains(word));
    let mut plain = String::new();
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default();
        let line = if bind {
            line.split('#').next().unwrap_or_default()
        } else {
            line.split(';').next().unwrap_or_default()
        };
        plain.push_str(line);
        plain.push('\n');
    }
    let mut out = Vec::new();
    if bind {
        for statement in plain.split(';') {
            // `trust-anchors {` stands before the first, `}` behind the last.
            let statement = statement.rsplit(['{', '}']).next().unwrap_or_default();
            out.push(statement.replace('"', " "));
        }
    } else {
        let mut open = false;
        for line in plain.lines() {
            if open {
                if let Some(last) = out.last_mut() {
                    let last: &mut String = last;
                    last.push(' ');
                    last.push_str(line);
                }
            } else {
                out.push(line.to_owned());
            }
            open = (open || line.contains('(')) && !line.contains(')');
        }
        for statement in &mut out {
            *statement = statement.replace(['(', ')'], " ");
        }
    }
    out.retain(|statement| !statement.trim().is_empty());
    out
}

/// `OWNER [TTL] [IN] TYPE DATA`, or BIND's `OWNER HOW DATA`. No anchor where a
/// key is of no use.
fn parse(words: &[&str]) -> Option<(Name, Option<Anchor>)> {
    let (owner, rest) = words.split_first()?;
    let owner = match owner.trim_end_matches('.') {
        "" => Name::root(),
        name => absolute(name)?,
    };
    let skipped = |word: &&&str| {
        word.eq_ignore_ascii_case("in") || word.bytes().all(|octet| octet.is_ascii_digit())
    };
    // A DNSKEY of BIND's `trusted-keys` has no word for its type.
    let typed = rest.iter().take(3).any(|word| !skipped(&word));
    let start = match typed {
        true => rest.iter().take_while(skipped).count(),
        false => 0,
    };
    let (kind, data) = match rest.get(start)?.to_ascii_lowercase().as_str() {
        "ds" | "initial-ds" | "static-ds" => ("ds", &rest[start + 1..]),
        "dnskey" | "initial-key" | "static-key" => ("dnskey", &rest[start + 1..]),
        _ => ("dnskey", &rest[start..]),
    };
    let (&[first, second, third], text) = data.split_first_chunk()?;
    let text = text.concat();
    let (second, third) = (second.parse::<u8>().ok()?, third.parse::<u8>().ok()?);
    let first = first.parse::<u16>().ok()?.to_be_bytes();
    let mut octets = [&first[..], &[second, third]].concat();
    let anchor = if kind == "ds" {
        octets.extend(hexadecimal(&text)?);
        Some(Anchor::Digest(Ds::read(&octets)?))
    } else {
        octets.extend(base64(&text)?);
        Key::read(&octets).map(Anchor::Key)
    };
    Some((owner, anchor))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok())
        .collect()
}

/// RFC 4648, section 4.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = ((bits << 6) | u32::from(value)) & 0x3fff;
        count += 6;
        if count >= 8 {
            count -= 8;
            octets.push(u8::try_from((bits >> count) & 0xff).unwrap_or_default());
        }
    }
    (!octets.is_empty()).then_some(octets)
}

/// Why a text holds no trust anchors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidAnchors {
    None,
    Statement(String),
}

impl fmt::Display for InvalidAnchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("it holds no DS or DNSKEY record"),
            Self::Statement(text) => {
                let text: String = text.trim().chars().take(60).collect();
                write!(f, "{text:?} is neither a DS nor a DNSKEY record")
            }
        }
    }
}

impl std::error::Error for InvalidAnchors {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The root zone's key of 2017 as a record.
    const KEY: &str = "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=";

    #[test]
    fn the_built_in_digests_are_those_of_the_keys() {
        let data = [&[1, 1, 3, 8][..], &base64(KEY).unwrap()].concat();
        let key = Key::read(&data).unwrap();
        assert_eq!(key.tag, 20326);
        assert!(Anchors::default().hold(&Name::root(), &key));
        assert_eq!(Anchors::default().zones[&Name::root()].len(), 2);
    }

    #[test]
    fn every_form_of_file_is_read() {
        let digest = "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
        let (front, back) = KEY.split_at(100);
        for text in [
            format!(". IN DS {digest}"),
            format!(".\t172800\tIN\tDS\t{digest} ; from IANA"),
            format!("; a comment\n. DS {}", digest.to_lowercase()),
            format!(". IN DNSKEY 257 3 8 {KEY}"),
            format!(". 172800 IN DNSKEY 257 3 8 (\n\t{front}\n\t{back} ) ; key id = 20326"),
            format!("trust-anchors {{\n . initial-key 257 3 8 \"{front}\n {back}\";\n}};"),
            format!(
                "trust-anchors {{ . static-ds {} ; }};",
                digest.replace("E06D", "\"E06D") + "\""
            ),
            format!("# BIND of old\nmanaged-keys {{ \".\" initial-key 257 3 8 \"{KEY}\"; }};"),
            format!("trusted-keys {{ \".\" 257 3 8 \"{KEY}\"; }};"),
        ] {
            let anchors = Anchors::parse(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let data = [&[1, 1, 3, 8][..], &base64(KEY).unwrap()].concat();
            let key = Key::read(&data).unwrap();
            assert!(anchors.hold(&Name::root(), &key), "{text}");
        }
    }

    #[test]
    fn what_is_no_anchor_is_refused_with_the_line() {
        for text in [
            "",
            "; nothing",
            "hello",
            ". IN A 192.0.2.1",
            ". IN DS 1 2",
            ". IN DS 1 2 3 xy",
        ] {
            assert!(Anchors::parse(text).is_err(), "{text}");
        }
    }
}
