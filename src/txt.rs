//! TXT records that carry a versioned policy: how `_mta-sts` (RFC 8461,
//! section 3.1) and `_smtp._tls` (RFC 8460, section 3) pick theirs.
//!
//! Both say the same in the same words: strings of one record are put together
//! without spaces; records that do not begin with the version and a semicolon
//! are discarded; exactly one must remain. Both grammars, though, allow white
//! space before that semicolon, which the prose does not: such a record some
//! senders take and some discard, so it is kept and remarked upon. Behind the
//! version both have fields `name=value` between semicolons, of which one must be
//! there; `record` reads them.

mod record;

pub use record::{Discovery, Malformed, Remark};
pub(crate) use record::{Form, discover};

/// Puts the strings of one TXT record together (RFC 8461, section 3.1:
/// "without adding spaces").
#[must_use]
pub fn concatenate<S: AsRef<[u8]>>(strings: &[S]) -> Vec<u8> {
    strings.iter().fold(Vec::new(), |mut record, string| {
        record.extend_from_slice(string.as_ref());
        record
    })
}

/// Which of several TXT records is the policy's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selected<'a> {
    /// None begins with the version.
    None {
        /// Those that look as if they were meant to.
        near_misses: Vec<NearMiss<'a>>,
    },
    /// More than one does: as good as none.
    Several(usize),
    One {
        record: &'a [u8],
        /// White space stands before the first semicolon: the grammar allows
        /// it, the prose does not.
        loose: bool,
        /// Another record is such a loose one: senders that go by the grammar
        /// see two records, and so none.
        loose_beside: bool,
    },
}

/// A record that was discarded and seems not to have been meant for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NearMiss<'a> {
    pub record: &'a [u8],
    pub why: NearMissWhy,
}

/// Why a sender discards it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NearMissWhy {
    /// Upper and lower case differ from the version's (RFC 7405 `%s`).
    Case,
    /// White space or a quotation mark stands before the version.
    LeadingJunk,
    /// Nothing follows the version.
    OnlyVersion,
    /// White space stands around the equals sign.
    SpaceAroundEquals,
}

/// Picks the record that begins with `version` (`v=STSv1`).
#[must_use]
pub fn select<'a, R: AsRef<[u8]>>(records: &'a [R], version: &str) -> Selected<'a> {
    let mut strict = Vec::new();
    let mut loose = Vec::new();
    for record in records {
        let record = record.as_ref();
        let Some(rest) = record.strip_prefix(version.as_bytes()) else {
            continue;
        };
        if rest.first() == Some(&b';') {
            strict.push(record);
        } else if trim_start(rest).first() == Some(&b';') {
            loose.push(record);
        }
    }
    match (strict.as_slice(), loose.as_slice()) {
        ([], []) => Selected::None {
            near_misses: records
                .iter()
                .filter_map(|record| near_miss(record.as_ref(), version))
                .collect(),
        },
        ([record], loose) => Selected::One {
            record,
            loose: false,
            loose_beside: !loose.is_empty(),
        },
        ([], [record]) => Selected::One {
            record,
            loose: true,
            loose_beside: false,
        },
        ([], loose) => Selected::Several(loose.len()),
        (strict, _) => Selected::Several(strict.len()),
    }
}

/// `*31(ALPHA / DIGIT / "_" / "-" / ".")` behind a letter or digit: the name of
/// an extension in both grammars.
pub(crate) fn is_extension_name(name: &str) -> bool {
    name.len() <= 32
        && name.bytes().enumerate().all(|(at, octet)| {
            octet.is_ascii_alphanumeric() || (at > 0 && matches!(octet, b'_' | b'-' | b'.'))
        })
        && !name.is_empty()
}

/// `1*(%x21-3A / %x3C / %x3E-7E)`: the value of an extension in both grammars.
fn is_extension_value(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|octet| octet.is_ascii_graphic() && !matches!(octet, b';' | b'='))
}

/// WSP of RFC 5234.
const WHITE: [char; 2] = [' ', '\t'];

fn trim_start(octets: &[u8]) -> &[u8] {
    let blanks = octets
        .iter()
        .take_while(|&&octet| matches!(octet, b' ' | b'\t'))
        .count();
    &octets[blanks..]
}

fn near_miss<'a>(record: &'a [u8], version: &str) -> Option<NearMiss<'a>> {
    let version = version.as_bytes();
    let miss = |why| Some(NearMiss { record, why });
    if record == version {
        return miss(NearMissWhy::OnlyVersion);
    }
    let junk = record
        .iter()
        .take_while(|octet| octet.is_ascii_whitespace() || matches!(octet, b'"' | b'\''))
        .count();
    let inner = &record[junk..];
    let begins = |octets: &[u8]| {
        octets
            .split_at_checked(version.len())
            .is_some_and(|(head, rest)| {
                head.eq_ignore_ascii_case(version)
                    // Version 10 is another version.
                    && !rest.first().is_some_and(u8::is_ascii_alphanumeric)
            })
    };
    if begins(inner) {
        return if junk > 0 {
            miss(NearMissWhy::LeadingJunk)
        } else {
            miss(NearMissWhy::Case)
        };
    }
    // `v = STSv1`: the head is short, so the copy is.
    let head: Vec<u8> = inner
        .iter()
        .take(version.len() + 8)
        .filter(|octet| !octet.is_ascii_whitespace())
        .copied()
        .collect();
    if begins(&head) {
        return miss(NearMissWhy::SpaceAroundEquals);
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn m1_strings_of_a_record_are_put_together_without_spaces() {
        assert_eq!(concatenate(&["v=STS", "v1; id=", "1"]), b"v=STSv1; id=1");
        assert_eq!(concatenate::<&str>(&[]), b"");
    }

    #[test]
    fn m2_r1_exactly_one_record_must_begin_with_the_version() {
        let select = |records: &'static [&'static str]| select(records, "v=STSv1");
        assert_eq!(
            select(&[]),
            Selected::None {
                near_misses: vec![]
            }
        );
        assert_eq!(
            select(&["v=spf1 -all", "v=STSv1; id=1"]),
            Selected::One {
                record: b"v=STSv1; id=1",
                loose: false,
                loose_beside: false
            }
        );
        assert_eq!(
            select(&["v=STSv1; id=1", "v=STSv1;id=2"]),
            Selected::Several(2)
        );
        assert_eq!(
            select(&["v=STSv10; id=1", "v=STSv2; id=1", "v=spf1 -all"]),
            Selected::None {
                near_misses: vec![]
            }
        );
    }

    #[test]
    fn m3_white_space_before_the_semicolon_is_kept_and_remarked() {
        assert_eq!(
            select(&["v=STSv1 ; id=1"], "v=STSv1"),
            Selected::One {
                record: b"v=STSv1 ; id=1",
                loose: true,
                loose_beside: false
            }
        );
        assert_eq!(
            select(&["v=STSv1\t; id=1", "v=STSv1; id=2"], "v=STSv1"),
            Selected::One {
                record: b"v=STSv1; id=2",
                loose: false,
                loose_beside: true
            }
        );
        assert_eq!(
            select(&["v=STSv1 ; id=1", "v=STSv1 ; id=2"], "v=STSv1"),
            Selected::Several(2)
        );
    }

    #[test]
    fn m5_what_was_nearly_a_record_is_named() {
        for (record, why) in [
            ("V=STSv1; id=1", NearMissWhy::Case),
            ("v=stsv1; id=1", NearMissWhy::Case),
            (" v=STSv1; id=1", NearMissWhy::LeadingJunk),
            ("\"v=STSv1; id=1\"", NearMissWhy::LeadingJunk),
            ("v=STSv1", NearMissWhy::OnlyVersion),
            ("v = STSv1; id=1", NearMissWhy::SpaceAroundEquals),
        ] {
            let records = [record];
            let Selected::None { near_misses } = select(&records, "v=STSv1") else {
                panic!("{record} was taken");
            };
            assert_eq!(
                near_misses.first().map(|miss| miss.why),
                Some(why),
                "{record}"
            );
        }
    }
}
