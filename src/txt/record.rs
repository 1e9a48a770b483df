//! A record of versioned fields, as RFC 8461, section 3.1 and RFC 8460,
//! section 3 both have it: a version, and fields `name=value` between
//! semicolons, one of which is the record's purpose.

use std::collections::HashSet;

use super::{NearMissWhy, Selected, WHITE, is_extension_name, is_extension_value, select};

/// What the TXT records of a name say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discovery<R, F> {
    /// No such record; perhaps some that were nearly one.
    Absent {
        near_misses: Vec<(String, NearMissWhy)>,
    },
    /// More than one: as if there were none.
    Several(usize),
    /// One that is not well-formed: as if there were none.
    Invalid {
        txt: String,
        fault: F,
    },
    Found(R),
}

/// Why a record is not of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Malformed {
    /// An octet outside US-ASCII, or a control character.
    NotAscii,
    /// The field that must be there is not.
    Missing,
    /// A field that is not `name=value`.
    Field(String),
    /// Nothing between two semicolons.
    EmptyField,
}

/// What is allowed in a record, and yet may go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// White space before the first semicolon: the grammar allows it, but the
    /// prose has senders discard such a record.
    SpaceBeforeSemicolon,
    /// A second record differs from the first only in such white space: by the
    /// grammar there are two records.
    SecondRecord,
    /// The field is given again; the first counts.
    Duplicate(String),
    /// The field's name in another case: another field, and ignored.
    KeyCase(String),
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// `v=STSv1`
    pub version: &'static str,
    /// The field that must be there.
    pub key: &'static str,
}

/// Reads the records, each already put together from its strings, and makes
/// `value` of the field's text. The result holds the record's text, the value,
/// and all remarks, those about the record first.
pub(crate) fn discover<R, V, A, F>(
    records: &[R],
    form: Form,
    value: impl FnOnce(&str) -> Result<(V, Vec<A>), F>,
) -> Discovery<(String, V, Vec<A>), F>
where
    R: AsRef<[u8]>,
    A: From<Remark>,
    F: From<Malformed>,
{
    let (record, loose, loose_beside) = match select(records, form.version) {
        Selected::None { near_misses } => {
            return Discovery::Absent {
                near_misses: near_misses
                    .into_iter()
                    .map(|miss| (String::from_utf8_lossy(miss.record).into_owned(), miss.why))
                    .collect(),
            };
        }
        Selected::Several(count) => return Discovery::Several(count),
        Selected::One {
            record,
            loose,
            loose_beside,
        } => (record, loose, loose_beside),
    };
    let mut remarks = Vec::new();
    if loose_beside {
        remarks.push(Remark::SecondRecord);
    }
    if loose {
        remarks.push(Remark::SpaceBeforeSemicolon);
    }
    let read = field(record, form, &mut remarks)
        .map_err(F::from)
        .and_then(value);
    let txt = String::from_utf8_lossy(record).into_owned();
    match read {
        Err(fault) => Discovery::Invalid { txt, fault },
        Ok((value, more)) => {
            let remarks = remarks.into_iter().map(A::from).chain(more).collect();
            Discovery::Found((txt, value, remarks))
        }
    }
}

impl<R, F> Discovery<R, F> {
    /// The same with what was found made into something else.
    pub(crate) fn map<S>(self, into: impl FnOnce(R) -> S) -> Discovery<S, F> {
        match self {
            Self::Absent { near_misses } => Discovery::Absent { near_misses },
            Self::Several(count) => Discovery::Several(count),
            Self::Invalid { txt, fault } => Discovery::Invalid { txt, fault },
            Self::Found(found) => Discovery::Found(into(found)),
        }
    }
}

/// The text of the form's field: of duplicates the first counts (RFC 8461,
/// section 3.2).
fn field<'a>(
    record: &'a [u8],
    form: Form,
    remarks: &mut Vec<Remark>,
) -> Result<&'a str, Malformed> {
    let text = std::str::from_utf8(record)
        .ok()
        .filter(|text| {
            text.bytes()
                .all(|octet| octet == b'\t' || (b' '..=b'~').contains(&octet))
        })
        .ok_or(Malformed::NotAscii)?;
    let mut wanted = None;
    let mut seen = HashSet::new();
    for field in fields(text, form.version) {
        if field.is_empty() {
            // `v=STSv1;` alone has one empty field, and lacks the other.
            if text.trim_end_matches([' ', '\t', ';']) == form.version {
                return Err(Malformed::Missing);
            }
            return Err(Malformed::EmptyField);
        }
        let Some((name, value)) = field.split_once('=') else {
            return Err(Malformed::Field(field.to_owned()));
        };
        if !seen.insert(name) {
            remarks.push(Remark::Duplicate(name.to_owned()));
        } else if name == form.key {
            wanted = Some(value);
        } else if !is_extension_name(name) || !is_extension_value(value) {
            return Err(Malformed::Field(field.to_owned()));
        } else if name.eq_ignore_ascii_case(form.key) {
            remarks.push(Remark::KeyCase(name.to_owned()));
        }
    }
    wanted.ok_or(Malformed::Missing)
}

/// The fields after the version, without the white space around each, and
/// without the empty one that a final semicolon leaves. The record is one that
/// [`select`] picked.
fn fields<'a>(record: &'a str, version: &str) -> impl Iterator<Item = &'a str> {
    let rest = record.strip_prefix(version).unwrap_or(record);
    let rest = rest.trim_matches(WHITE).strip_prefix(';').unwrap_or(rest);
    let rest = rest.trim_matches(WHITE);
    let rest = rest.strip_suffix(';').unwrap_or(rest);
    rest.split(';').map(|field| field.trim_matches(WHITE))
}
