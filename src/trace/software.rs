//! Which software wrote a line, whether it tells of TLS, and what its silence
//! means. The facts stand in `software.toml`, one row a family, each with its
//! source; a user's own tables come before it.
//!
//! A table is TOML, a list of `[[software]]`. The first row one of whose `when`
//! entries holds wins; within an entry all conditions hold, within a list one
//! is enough. Words compare without case unless said.
//!
//! | field | what it holds |
//! |---|---|
//! | `name` | the software |
//! | `records` | whether it writes TLS into its lines: `always`, `by-option`, `never`, `unknown` |
//! | `silence` | what no word of TLS means: `proves` there was none, `suggests` it, `nothing` (the default) |
//! | `helo` | the same where the word is SMTP, since the client said HELO; as `silence` where absent |
//! | `no_with` | the same where there is no `with` clause; `nothing` where absent |
//! | `leg` | `local` or `internal` where the line itself shows that it is no public hop |
//! | `since`, `before` | bounds of the version, the first one in, the second one out |
//! | `version_from` | `id` where the id is the version |
//! | `source` | where the fact was read |
//! | `when` | conditions, as below |
//!
//! | condition | holds where |
//! |---|---|
//! | `by` | a comment behind `by` begins with one of these words |
//! | `start` | so does a comment before any clause |
//! | `by_name` | so does a comment right behind the writer's name (with case) |
//! | `with_comment` | so does a comment behind `with` |
//! | `comment_end` | a comment behind `by` ends with one of these (with case) |
//! | `with`, `via` | the clause begins with one of these |
//! | `keyword` | the protocol is one of these, in upper case |
//! | `from` | the word behind `from` is one of these |
//! | `host` | the writer's name is one of these domains or under it |
//! | `host_prefix`, `host_part` | the writer's name begins with, or has in it, one of these (lower case) |
//! | `id` | the id has this shape: `courier`, `pps`, `mimecast`, `barracuda`, `fortimail`, `sendmail`, `symantec`, `cloudmark`, `mcafee`, `domino` |
//! | `shape` | the line has this shape: `sendmail`, `exim`, `qmail`, `ironport`, `zmailer`, `dovecot`, `postfix` |
//! | `no_from`, `no_with`, `no_id` | `true`: the clause is absent |
//! | `submit` | `true`: the version ends in `/Submit` |
//! | `words` | words outside comments that belong to no clause, and were not said by a client, begin with these, with all of them (with case) |
//! | `text` | all of these stand somewhere in the line (with case) |

mod shape;
mod when;

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memmem::Finder;
use serde::Deserialize;

pub(super) use self::shape::id_marks;
use self::when::{Line, When};
use crate::trace::chain::{Leg, RecordsTls, SoftwareMark};
use crate::trace::field::Received;
use crate::trace::transmission::Family;

/// What the absence of any TLS note means, given a genuine line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Silence {
    #[default]
    Nothing,
    Suggests,
    /// The program's code always states TLS.
    Proves,
}

/// What a row says of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habit {
    pub mark: SoftwareMark,
    pub silence: Silence,
    /// Set where the line itself shows that it is no public hop.
    pub leg: Option<Leg>,
    /// Where the fact was read.
    pub source: String,
}

/// A table of software.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Row>,
    /// Another one for every other table.
    number: u64,
    /// The texts that conditions look for in the whole line, but for those that
    /// no id and no time can be a part of.
    texts: Vec<Finder<'static>>,
}

/// Why a table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongTable {
    /// From 1.
    pub line: usize,
    /// The field, as far as one can be told.
    pub field: String,
    pub why: String,
}

impl WrongTable {
    fn of(error: &toml::de::Error, text: &str) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let field = text
            .lines()
            .nth(line - 1)
            .map(|line| line.split(['=', '{']).next().unwrap_or_default().trim())
            .unwrap_or_default()
            .to_owned();
        Self {
            line,
            field,
            why: error.message().trim().replace('\n', " "),
        }
    }
}

impl fmt::Display for WrongTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, {}: {}", self.line, self.field, self.why)
    }
}

impl std::error::Error for WrongTable {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    software: Vec<Row>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    records: Records,
    #[serde(default)]
    silence: Silence,
    helo: Option<Silence>,
    #[serde(default)]
    no_with: Silence,
    since: Option<String>,
    before: Option<String>,
    leg: Option<RowLeg>,
    version_from: Option<VersionFrom>,
    source: String,
    when: Vec<When>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Records {
    Always,
    ByOption,
    Never,
    Unknown,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RowLeg {
    Local,
    Internal,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum VersionFrom {
    Id,
}

static TABLES: AtomicU64 = AtomicU64::new(1);

static BUILT_IN: LazyLock<Table> = LazyLock::new(|| {
    Table::parse(include_str!("software.toml"))
        .expect("the table is part of the program, and a test reads it")
});

impl Table {
    /// The table that ships with the program.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads a table.
    ///
    /// # Errors
    /// What is wrong with it, with the line and the field.
    pub fn parse(text: &str) -> Result<Self, WrongTable> {
        let file: File = toml::from_str(text).map_err(|error| WrongTable::of(&error, text))?;
        for (number, row) in file.software.iter().enumerate() {
            let nothing = When::default();
            let why = if row.when.is_empty() {
                "the row has no condition"
            } else if row.when.contains(&nothing) {
                "an empty condition holds for every line"
            } else if row.name.trim().is_empty() {
                "the row names no software"
            } else {
                continue;
            };
            let line = text
                .lines()
                .enumerate()
                .filter(|(_, line)| line.trim_start().starts_with("[[software]]"))
                .nth(number)
                .map_or(1, |(at, _)| at + 1);
            return Err(WrongTable {
                line,
                field: if row.when.is_empty() || row.when.contains(&nothing) {
                    "when".to_owned()
                } else {
                    "name".to_owned()
                },
                why: why.to_owned(),
            });
        }
        Ok(Self::of(file.software))
    }

    fn of(rows: Vec<Row>) -> Self {
        let whens = rows.iter().flat_map(|row| &row.when);
        let texts = whens
            .flat_map(When::texts)
            .filter(|text| !stands_apart(text))
            .map(|text| Finder::new(text).into_owned())
            .collect();
        Self {
            rows,
            number: TABLES.fetch_add(1, Ordering::Relaxed),
            texts,
        }
    }

    /// This table, with another one behind it: its rows are asked first.
    #[must_use]
    pub fn before(mut self, behind: Self) -> Self {
        self.rows.extend(behind.rows);
        Self::of(self.rows)
    }

    /// The same for two tables only if they say the same.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// How many texts [`text_marks`](Self::text_marks) tells of, one octet each.
    pub(super) fn texts(&self) -> usize {
        self.texts.len()
    }

    /// Which of the texts that conditions look for stand in a line, where what
    /// differs from line to line may be a part of them.
    pub(super) fn text_marks(&self, raw: &[u8], marks: &mut Vec<u8>) {
        if self.texts.is_empty() {
            return;
        }
        let without;
        let raw = if memchr::memchr(b'\r', raw).is_some() {
            without = raw
                .iter()
                .copied()
                .filter(|b| *b != b'\r')
                .collect::<Vec<u8>>();
            &without
        } else {
            raw
        };
        marks.extend(
            self.texts
                .iter()
                .map(|text| u8::from(text.find(raw).is_some())),
        );
    }

    /// What is known of the writer of a line; `raw` is the whole field.
    #[must_use]
    pub fn recognise(&self, received: &Received, raw: &str) -> Option<Habit> {
        let line = Line::new(received, raw);
        self.rows.iter().find_map(|row| {
            let matched = row.when.iter().find_map(|when| when.holds(&line))?;
            let version = match row.version_from {
                Some(VersionFrom::Id) => received.id.as_ref().map(|id| id.text.clone()),
                None => version_in(matched),
            };
            if let Some(since) = &row.since
                && version.as_deref().is_none_or(|v| is_before(v, since))
            {
                return None;
            }
            if let Some(before) = &row.before
                && version.as_deref().is_some_and(|v| !is_before(v, before))
            {
                return None;
            }
            Some(row.habit(&line, version))
        })
    }
}

/// Whether no text made of words can be a part of this one at its beginning or
/// behind a space: `(PowerMTA`.
fn stands_apart(text: &str) -> bool {
    let octets = text.as_bytes();
    let of_words = |b: u8| b.is_ascii_alphanumeric() || b"._-+/=@,:".contains(&b);
    octets.first().is_some_and(|b| !of_words(*b))
        && !octets.windows(2).any(|pair| match pair {
            [before, behind] => {
                (before.is_ascii_whitespace() || b"<;".contains(before)) && of_words(*behind)
            }
            _ => false,
        })
}

impl Row {
    fn habit(&self, line: &Line<'_>, version: Option<String>) -> Habit {
        let received = line.received;
        let helo = received
            .transmission
            .is_some_and(|t| t.family == Family::Smtp)
            && line.keyword.as_deref() == Some("SMTP");
        let silence = if received.with.is_none() {
            self.no_with
        } else if helo {
            self.helo.unwrap_or(self.silence)
        } else {
            self.silence
        };
        Habit {
            mark: SoftwareMark {
                name: self.name.clone(),
                version,
                records_tls: match self.records {
                    Records::Always => RecordsTls::Always,
                    Records::ByOption => RecordsTls::ByOption,
                    Records::Never => RecordsTls::Never,
                    Records::Unknown => RecordsTls::Unknown,
                },
            },
            silence,
            leg: self.leg.map(|leg| match leg {
                RowLeg::Local => Leg::Local,
                RowLeg::Internal => Leg::Internal,
            }),
            source: self.source.clone(),
        }
    }
}

/// The first number with a dot in it.
fn version_in(text: &str) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '/' | '(' | ')' | ',' | '-'))
        .map(|word| word.trim_start_matches(['v', 'V']))
        .find(|word| {
            word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()) && word.len() <= 32
        })
        .map(str::to_owned)
}

/// Compares versions number by number.
fn is_before(version: &str, bound: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        text.split('.')
            .map(|part| {
                let digits: String = part
                    .chars()
                    .take_while(char::is_ascii_digit)
                    .take(9)
                    .collect();
                digits.parse().unwrap_or(0)
            })
            .collect()
    };
    numbers(version) < numbers(bound)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::trace::chain::{Chain, Source, SourceKind};
    use crate::trace::reading::Reading;

    #[test]
    fn the_built_in_table_can_be_read() {
        assert!(Table::built_in().rows.len() > 60);
        for row in &Table::built_in().rows {
            assert!(!row.when.is_empty(), "{}", row.name);
            assert!(!row.source.is_empty(), "{}", row.name);
        }
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(is_before("8.14.4", "8.15.1"));
        assert!(is_before("8.9.3", "8.15.1"));
        assert!(!is_before("8.15.1", "8.15.1"));
        assert!(!is_before("8.17.1.9", "8.15.1"));
        assert_eq!(
            version_in("Exim 4.97.1 #2 (Red Hat Linux)").as_deref(),
            Some("4.97.1")
        );
        assert_eq!(version_in("MDaemon PRO v9.6.5").as_deref(), Some("9.6.5"));
        assert_eq!(version_in("8.14.4/8.13.8").as_deref(), Some("8.14.4"));
        assert_eq!(version_in("Postfix"), None);
    }

    #[test]
    fn a_wrong_table_is_refused_with_the_place() {
        let start = "[[software]]\nname = \"x\"\nrecords = \"always\"\nsource = \"s\"\n";
        for (text, line, field) in [
            ("[[software]]\nnmae = \"x\"\n".to_owned(), 2, "nmae"),
            (format!("{start}when = []\n"), 1, "when"),
            (format!("\n{start}when = [{{}}]\n"), 2, "when"),
            (format!("{start}silence = \"maybe\"\n"), 5, "silence"),
            (format!("{start}when = [{{ byy = [\"x\"] }}]\n"), 5, "when"),
            ("software = 7\n".to_owned(), 1, "software"),
        ] {
            let error = Table::parse(&text).unwrap_err();
            assert_eq!((error.line, error.field.as_str()), (line, field), "{error}");
        }
    }

    #[test]
    fn a_pickup_is_told_from_a_client_that_calls_itself_mail() {
        let local = |from: &str| {
            let line = format!(
                "Received: from {from} by ex1.acme.example with Microsoft SMTPSVC;\n\t \
                 Tue, 3 Nov 2026 09:14:01 +0000\n\n"
            );
            let chain = Chain::parse(line.as_bytes()).unwrap();
            let hop = &chain.hops[0];
            assert_eq!(hop.software.as_ref().unwrap().name, "Microsoft SMTPSVC");
            hop.leg == Leg::Local
        };
        // Wherever the line is folded.
        for from in [
            "mail pickup service",
            "mail\n\tpickup service",
            "mail pickup\r\n service",
            "MAIL pickup serviceby",
        ] {
            assert!(local(from), "{from}");
        }
        for from in [
            "mail ([192.0.2.7])",
            // A client that calls itself so.
            "mail pickup service ([192.0.2.7])",
            "mail pickup service (mail.acme.example [192.0.2.7])",
            "mail pickup service (mail.acme.example)",
            "mail (pickup service)",
            "pickup service",
            "mail service",
        ] {
            assert!(!local(from), "{from}");
        }
    }

    #[test]
    fn a_text_that_an_id_is_a_part_of_is_looked_for_in_every_line() {
        let row = |name: &str, text: &str| {
            format!(
                "[[software]]\nname = \"{name}\"\nrecords = \"never\"\nsource = \"we\"\n\
                 when = [{{ text = [\"{text}\"] }}]\n"
            )
        };
        let table = Table::parse(&(row("one", "A1 for <ap") + &row("two", "9 for"))).unwrap();
        let table = table.before(Table::built_in().clone());
        let name = |id: &str, to: &str| {
            let line = format!(
                "Received: from a.example ([192.0.2.7]) by b.example with ESMTP id {id} \
                 for <{to}>; Tue, 3 Nov 2026 09:14:01 +0000\n\n"
            );
            writer(&table, &line)
        };
        // The lines differ in nothing but the id and the recipient.
        for _ in 0..3 {
            assert_eq!(name("4FA1", "ap@c.example").as_deref(), Some("one"));
            assert_eq!(name("4FA2", "ap@c.example"), None);
            assert_eq!(name("4FA1", "bo@c.example"), None);
            assert_eq!(name("4FA9", "ap@c.example").as_deref(), Some("two"));
        }
    }

    #[test]
    fn rows_of_a_user_come_first() {
        let own = Table::parse(
            "[[software]]\nname = \"Our relay\"\nrecords = \"never\"\nsource = \"we\"\n\
             when = [{ host = [\"relay.example\"] }]\n",
        )
        .unwrap();
        let table = own.before(Table::built_in().clone());
        let line = |host: &str| {
            format!(
                "Received: from a.example (a.example [192.0.2.1]) by {host} (Postfix) with ESMTP \
                 id 7; Tue, 3 Nov 2026 09:14:01 +0000\n\n"
            )
        };
        // What was read by another table is not recalled.
        for _ in 0..3 {
            for (table, host, name) in [
                (&table, "mx1.relay.example", "Our relay"),
                (&table, "mx1.other.example", "Postfix"),
                (Table::built_in(), "mx1.relay.example", "Postfix"),
            ] {
                assert_eq!(writer(table, &line(host)).as_deref(), Some(name), "{host}");
            }
        }
    }

    /// What wrote a line, by a table.
    fn writer(table: &Table, line: &str) -> Option<String> {
        let source = Source {
            path: "x".into(),
            index: 0,
            kind: SourceKind::Eml,
        };
        let reading = Reading {
            software: table,
            ..Reading::of(source)
        };
        let chain = Chain::read(line.as_bytes(), &reading).unwrap();
        let software = chain.hops[0].software.as_ref();
        software.map(|mark| mark.name.to_string())
    }
}
