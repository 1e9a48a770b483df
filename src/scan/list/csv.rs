//! Comma-separated values (RFC 4180), also with semicolons or tabs between, as
//! spreadsheets of some countries write them.

use std::io::Read;

use super::lines::{Raw, RawLines};
use super::{Entry, LONGEST_LINE, ListError, MOST_RECORD_LINES, NoDomain, domain};

/// Names of columns that hold domains, where none was named.
const USUAL: [&str; 2] = ["domain", "domains"];

/// How the records are read.
#[derive(Debug)]
pub(super) struct Csv {
    separator: u8,
    /// Which column, from 0.
    column: usize,
}

/// The fields of a record, or that its last field is still open.
enum Fields {
    Whole(Vec<Vec<u8>>),
    Open,
}

impl Csv {
    /// Learns the columns from the first line; also tells whether it is a
    /// header. None where the list is no CSV.
    pub(super) fn learn(
        first: &Raw,
        wanted: Option<&str>,
    ) -> Result<Option<(Self, bool)>, ListError> {
        let separator = separator(first.trimmed());
        if separator.is_none() && wanted.is_none() {
            return Ok(None);
        }
        let separator = separator.unwrap_or(b',');
        let columns: Vec<String> = match fields(&first.octets, separator) {
            Fields::Whole(fields) => fields
                .iter()
                .map(|field| String::from_utf8_lossy(field.trim_ascii()).into_owned())
                .collect(),
            Fields::Open => Vec::new(),
        };
        let named = |name: &str| {
            columns
                .iter()
                .position(|column| column.eq_ignore_ascii_case(name.trim()))
        };
        let found = match wanted {
            Some(wanted) => named(wanted),
            None => USUAL.iter().find_map(|name| named(name)),
        };
        if let Some(column) = found {
            return Ok(Some((Self { separator, column }, true)));
        }
        match wanted {
            // A number where no column has that name: there is no header.
            Some(wanted) => match wanted.parse::<usize>() {
                Ok(number) if (1..=columns.len()).contains(&number) => Ok(Some((
                    Self {
                        separator,
                        column: number - 1,
                    },
                    false,
                ))),
                _ => Err(ListError::NoSuchColumn(wanted.to_owned(), columns)),
            },
            None => Err(ListError::WhichColumn(columns)),
        }
    }

    /// The entry of the record that begins with this line.
    pub(super) fn entry<R: Read>(
        &self,
        first: Raw,
        lines: &mut RawLines<R>,
    ) -> Result<Entry, ListError> {
        if first.is_cut() {
            let text = first.octets.clone();
            return Ok(first.entry(&text));
        }
        let mut record = first.octets.clone();
        let mut taken: Vec<Raw> = Vec::new();
        loop {
            if let Fields::Whole(fields) = fields(&record, self.separator) {
                return Ok(match fields.get(self.column) {
                    Some(field) => first.entry_of(field, domain(field)),
                    None => first.entry_of(&first.octets, Err(NoDomain::NoSuchColumn)),
                });
            }
            let more = if taken.len() < MOST_RECORD_LINES && record.len() < LONGEST_LINE {
                lines.take()?
            } else {
                None
            };
            let Some(raw) = more else {
                // Never closed: the fault of this line alone.
                lines.give_back(taken.into_iter());
                return Ok(first.entry_of(&first.octets, Err(NoDomain::OpenQuote)));
            };
            record.push(b'\n');
            record.extend_from_slice(&raw.octets);
            taken.push(raw);
        }
    }
}

/// The separator that a line has most of, outside of quotes.
fn separator(line: &[u8]) -> Option<u8> {
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    for octet in line {
        match octet {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            _ => {
                for (separator, count) in &mut counts {
                    *count += usize::from(separator == octet);
                }
            }
        }
    }
    let (separator, count) = counts.into_iter().rev().max_by_key(|(_, count)| *count)?;
    (count > 0).then_some(separator)
}

/// RFC 4180, section 2: a field in quotes may hold separators, line ends, and
/// quotes that are doubled.
fn fields(record: &[u8], separator: u8) -> Fields {
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let mut field = Vec::new();
        if record.get(at) == Some(&b'"') {
            at += 1;
            loop {
                match (record.get(at), record.get(at + 1)) {
                    (Some(b'"'), Some(b'"')) => {
                        field.push(b'"');
                        at += 2;
                    }
                    (Some(b'"'), _) => {
                        at += 1;
                        break;
                    }
                    (Some(octet), _) => {
                        field.push(*octet);
                        at += 1;
                    }
                    (None, _) => return Fields::Open,
                }
            }
        }
        // What stands behind the closing quote is taken as it is.
        while let Some(octet) = record.get(at)
            && *octet != separator
        {
            field.push(*octet);
            at += 1;
        }
        fields.push(field);
        if at >= record.len() {
            return Fields::Whole(fields);
        }
        at += 1;
    }
}
