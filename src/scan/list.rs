//! The list: plain lines, CSV with a header (RFC 4180), or NDJSON; domains,
//! addresses or URLs; read as a stream, never held.
//!
//! Entry point: [`Reader`], an iterator of [`Entry`] values, one for each line
//! that is neither blank nor a comment. What stands in a line may be anything;
//! one that holds no domain is an entry too, with the reason. Of a line no more
//! than [`LONGEST_LINE`] octets are held, whatever its length.
//!
//! The form is told by the list itself: a first line that begins with `{` is
//! NDJSON, one with a separator, or a named column, makes it CSV. Not supported:
//! character sets other than UTF-8, and CSV whose quoted fields run over more
//! than [`MOST_RECORD_LINES`] lines: such a quote was never closed.

mod csv;
mod lines;
mod ndjson;

use std::fmt;
use std::io::{self, Read};

use aws_lc_rs::digest;

use crate::name::{DomainName, InvalidName};

use csv::Csv;
use lines::{Raw, RawLines};
use ndjson::Ndjson;

/// The most octets of a line that are held.
pub const LONGEST_LINE: usize = 64 * 1024;

/// The longest text that is read as a domain, an address or a URL.
const LONGEST_TEXT: usize = 2_000;

/// The most octets of a line's text that are kept to show it.
const LONGEST_SHOWN: usize = 1_000;

/// The most lines a record of CSV may run over.
pub const MOST_RECORD_LINES: usize = 50;

/// One line of a list, or one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number of the line on which it begins, from 1, all lines counted.
    pub line: u64,
    /// What it gives as a domain; cut, and octets that are not UTF-8 replaced.
    pub text: String,
    /// The domain, or why there is none.
    pub domain: Result<DomainName, NoDomain>,
    /// A number made of the line's octets alone, the same on every machine.
    pub share: u64,
}

/// Why a line holds no domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoDomain {
    NotUtf8,
    /// Of this many octets.
    TooLong(u64),
    /// The record has fewer columns.
    NoSuchColumn,
    /// A quoted field that never ends.
    OpenQuote,
    /// No JSON object, nor string.
    NotJson,
    /// The object lacks the field, or has something else than text there.
    NoSuchField(String),
    Name(InvalidName),
}

impl fmt::Display for NoDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 => f.write_str("it is not UTF-8"),
            Self::TooLong(octets) => write!(f, "it is {octets} octets long"),
            Self::NoSuchColumn => f.write_str("the record has no such column"),
            Self::OpenQuote => f.write_str("its quoted field never ends"),
            Self::NotJson => f.write_str("it is neither a JSON object nor a JSON string"),
            Self::NoSuchField(field) => write!(f, "the object has no text in its field {field:?}"),
            Self::Name(why) => why.fmt(f),
        }
    }
}

/// Why a list cannot be read at all.
#[derive(Debug)]
pub enum ListError {
    Io(io::Error),
    /// It is CSV, and has these columns.
    WhichColumn(Vec<String>),
    /// It is CSV, and this column is not among these.
    NoSuchColumn(String, Vec<String>),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = |columns: &[String]| {
            let short = |name: &String| match name.char_indices().nth(40) {
                Some((end, _)) => format!("{}...", &name[..end]),
                None => name.clone(),
            };
            let shown: Vec<String> = columns.iter().take(20).map(short).collect();
            let mut list = shown.join(", ");
            if columns.len() > 20 {
                list.push_str(", ...");
            }
            list
        };
        match self {
            Self::Io(error) => error.fmt(f),
            Self::WhichColumn(columns) => write!(
                f,
                "it has several columns ({}): say with --column which one holds the domains, by \
                 its name or, where there is no header, by its number",
                some(columns)
            ),
            Self::NoSuchColumn(name, columns) => {
                write!(f, "it has no column {name:?}; it has {}", some(columns))
            }
        }
    }
}

impl std::error::Error for ListError {}

impl From<io::Error> for ListError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a list.
pub struct Reader<R> {
    lines: RawLines<R>,
    form: Form,
    form_known: bool,
    column: Option<String>,
    failed: bool,
}

enum Form {
    Plain,
    Csv(Csv),
    Ndjson(Ndjson),
}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("column", &self.column)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Reader<R> {
    /// Reads from `input`; the domains stand in this column of CSV, or field
    /// of NDJSON.
    pub fn new(input: R, column: Option<String>) -> Self {
        Self {
            lines: RawLines::new(input),
            form: Form::Plain,
            form_known: false,
            column,
            failed: false,
        }
    }

    /// SHA-256 of all that was read, in lower-case hexadecimal. To be asked
    /// for at the end.
    #[must_use]
    pub fn hash(&self) -> String {
        self.lines.hash()
    }

    fn step(&mut self) -> Result<Option<Entry>, ListError> {
        loop {
            let Some(raw) = self.lines.take()? else {
                return Ok(None);
            };
            let shown = raw.trimmed();
            if shown.is_empty() || shown.starts_with(b"#") {
                continue;
            }
            if !self.form_known {
                self.form_known = true;
                if self.learn_form(&raw)? {
                    continue;
                }
            }
            let entry = match &self.form {
                Form::Plain => plain(&raw),
                Form::Ndjson(ndjson) => ndjson.entry(&raw),
                Form::Csv(csv) => csv.entry(raw, &mut self.lines)?,
            };
            return Ok(Some(entry));
        }
    }

    /// Learns the form from the first line, and whether that was a header.
    fn learn_form(&mut self, first: &Raw) -> Result<bool, ListError> {
        if first.trimmed().starts_with(b"{") {
            self.form = Form::Ndjson(Ndjson::new(self.column.clone()));
            return Ok(false);
        }
        let Some((csv, is_header)) = Csv::learn(first, self.column.as_deref())? else {
            return Ok(false);
        };
        self.form = Form::Csv(csv);
        Ok(is_header)
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Entry, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = self.step();
        self.failed = step.is_err();
        step.transpose()
    }
}

fn plain(raw: &Raw) -> Entry {
    // A comment may stand behind the domain.
    let line = raw.trimmed();
    let end = (1..line.len())
        .find(|&at| line[at] == b'#' && line[at - 1].is_ascii_whitespace())
        .unwrap_or(line.len());
    raw.entry(line[..end].trim_ascii_end())
}

/// What a text is as a domain.
fn domain(text: &[u8]) -> Result<DomainName, NoDomain> {
    let text = text.trim_ascii();
    if text.len() > LONGEST_TEXT {
        return Err(NoDomain::TooLong(text.len() as u64));
    }
    let text = std::str::from_utf8(text).map_err(|_| NoDomain::NotUtf8)?;
    DomainName::from_input(text).map_err(NoDomain::Name)
}

/// A text as it is shown.
fn shown(text: &[u8]) -> String {
    let cut = &text[..text.len().min(LONGEST_SHOWN)];
    let mut shown = match std::str::from_utf8(cut) {
        Ok(whole) => whole.to_owned(),
        // A character that the cut went through is left out.
        Err(error) if error.error_len().is_none() && cut.len() < text.len() => {
            String::from_utf8_lossy(&cut[..error.valid_up_to()]).into_owned()
        }
        Err(_) => String::from_utf8_lossy(cut).into_owned(),
    };
    if cut.len() < text.len() {
        shown.push_str("...");
    }
    shown
}

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256(octets: &[u8]) -> String {
    lines::hexadecimal(digest::digest(&digest::SHA256, octets).as_ref())
}

/// The first eight octets of the SHA-256 of a line.
fn share(line: &[u8]) -> u64 {
    let digest = digest::digest(&digest::SHA256, line);
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_ref()[..8]);
    u64::from_be_bytes(first)
}

/// One share of a list: the lines whose number, divided by `of`, leaves
/// `index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1 to `of`.
    pub index: u32,
    pub of: u32,
}

impl Shard {
    /// The whole list.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// Whether a line is in this share.
    #[must_use]
    pub fn holds(self, entry: &Entry) -> bool {
        entry.share % u64::from(self.of) == u64::from(self.index - 1)
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    /// `I/N`, I from 1 to N.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "write I/N, such as 1/4: I from 1 to N, N at most 100000".to_owned();
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let shard = Self {
            index: index.parse().map_err(|_| wrong())?,
            of: of.parse().map_err(|_| wrong())?,
        };
        if shard.index == 0 || shard.of > 100_000 || shard.index > shard.of {
            return Err(wrong());
        }
        Ok(shard)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests;
