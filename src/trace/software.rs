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
//! | `text` | all of these stand somewhere in the line (with case) |

use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::trace::chain::{Leg, RecordsTls, SoftwareMark};
use crate::trace::field::{Piece, Place, Received};
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shape {
    Sendmail,
    Exim,
    Qmail,
    Ironport,
    Zmailer,
    Dovecot,
    Postfix,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum IdShape {
    Courier,
    Pps,
    Mimecast,
    Barracuda,
    Fortimail,
    Sendmail,
    Symantec,
    Cloudmark,
    Mcafee,
    Domino,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct When {
    by: Vec<String>,
    start: Vec<String>,
    by_name: Vec<String>,
    with: Vec<String>,
    with_comment: Vec<String>,
    comment_end: Vec<String>,
    via: Vec<String>,
    from: Vec<String>,
    host: Vec<String>,
    host_prefix: Vec<String>,
    host_part: Vec<String>,
    keyword: Vec<String>,
    id: Option<IdShape>,
    shape: Option<Shape>,
    no_from: bool,
    no_with: bool,
    no_id: bool,
    submit: bool,
    text: Vec<String>,
}

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
        Ok(Self {
            rows: file.software,
        })
    }

    /// This table, with another one behind it: its rows are asked first.
    #[must_use]
    pub fn before(mut self, behind: Self) -> Self {
        self.rows.extend(behind.rows);
        self
    }

    /// What is known of the writer of a line; `raw` is the whole field.
    #[must_use]
    pub fn recognise(&self, received: &Received, raw: &str) -> Option<Habit> {
        self.rows.iter().find_map(|row| {
            let matched = row.when.iter().find_map(|when| when.holds(received, raw))?;
            let version = match row.version_from {
                Some(VersionFrom::Id) => received.id.as_ref().map(|id| id.text.clone()),
                None => version_in(&matched),
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
            Some(row.habit(received, version))
        })
    }
}

impl Row {
    fn habit(&self, received: &Received, version: Option<String>) -> Habit {
        let helo = received
            .transmission
            .is_some_and(|t| t.family == Family::Smtp)
            && received.keyword().as_deref() == Some("SMTP");
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

impl When {
    /// The text that carries the version, if every condition holds.
    fn holds(&self, received: &Received, raw: &str) -> Option<String> {
        let mut matched = String::new();
        let comments = |places: fn(Place) -> bool| {
            leading_comments(received)
                .filter(move |(_, place)| places(*place))
                .map(|(comment, _)| comment.text.as_str())
        };
        let behind_by = |place| {
            matches!(
                place,
                Place::By | Place::With | Place::Id | Place::For | Place::Other
            )
        };
        if !self.by.is_empty() {
            matched = comments(behind_by)
                .find(|text| begins(text, &self.by))?
                .to_owned();
        }
        if !self.start.is_empty() {
            comments(|place| place == Place::Start).find(|text| begins(text, &self.start))?;
        }
        if !self.by_name.is_empty() {
            comments(|place| place == Place::By).find(|text| {
                self.by_name
                    .iter()
                    .any(|name| text.starts_with(name.as_str()))
            })?;
        }
        if !self.with_comment.is_empty() {
            matched = comments(|place| place == Place::With)
                .find(|text| begins(text, &self.with_comment))?
                .to_owned();
        }
        if !self.comment_end.is_empty() {
            matched = comments(behind_by)
                .find(|text| {
                    self.comment_end
                        .iter()
                        .any(|end| text.ends_with(end.as_str()))
                })?
                .to_owned();
        }
        if !self.with.is_empty() {
            let with = &received.with.as_ref()?.text;
            if !begins(with, &self.with) {
                return None;
            }
            if matched.is_empty() {
                matched = comments(|place| place == Place::With)
                    .next()
                    .unwrap_or_default()
                    .to_owned();
            }
        }
        if !self.via.is_empty() && !begins(&received.via.as_ref()?.text, &self.via) {
            return None;
        }
        if !self.from.is_empty() {
            let token = received.from.as_ref()?.token.as_deref()?;
            if !self
                .from
                .iter()
                .any(|name| name.eq_ignore_ascii_case(token))
            {
                return None;
            }
        }
        let host = || {
            received
                .by
                .as_ref()?
                .host
                .as_deref()
                .map(str::to_ascii_lowercase)
        };
        if !self.host.is_empty() {
            let host = host()?;
            let under = |domain: &String| {
                let domain = domain.to_ascii_lowercase();
                host.strip_suffix(domain.as_str())
                    .is_some_and(|head| head.is_empty() || head.ends_with('.'))
            };
            if !self.host.iter().any(under) {
                return None;
            }
        }
        if !self.host_prefix.is_empty() {
            let host = host()?;
            if !self
                .host_prefix
                .iter()
                .any(|head| host.starts_with(head.as_str()))
            {
                return None;
            }
        }
        if !self.host_part.is_empty() {
            let host = host()?;
            if !self
                .host_part
                .iter()
                .any(|part| host.contains(part.as_str()))
            {
                return None;
            }
        }
        if !self.keyword.is_empty() {
            let keyword = received.keyword()?;
            if !self.keyword.contains(&keyword) {
                return None;
            }
        }
        if let Some(shape) = self.id
            && !id_has_shape(&received.id.as_ref()?.text, shape)
        {
            return None;
        }
        if let Some(shape) = self.shape {
            matched = has_shape(received, shape, raw)?;
        }
        if self.submit && !matched.ends_with("/Submit") {
            return None;
        }
        let absent = (!self.no_from || received.from.is_none())
            && (!self.no_with || received.with.is_none())
            && (!self.no_id || received.id.is_none())
            && self.text.iter().all(|part| raw.contains(part.as_str()));
        absent.then_some(matched)
    }
}

/// The comments a writer's mark can stand in; a real line has at most nine.
fn leading_comments(received: &Received) -> impl Iterator<Item = (&Piece, Place)> {
    received.placed_comments().take(64)
}

/// Whether a text begins with one of the words, at a border.
fn begins(text: &str, words: &[String]) -> bool {
    words.iter().any(|word| {
        let Some(head) = text.get(..word.len()) else {
            return false;
        };
        let border = !word.ends_with(|c: char| c.is_ascii_alphanumeric())
            || text
                .get(word.len()..)
                .and_then(|rest| rest.chars().next())
                .is_none_or(|c| !c.is_ascii_alphanumeric() || (word == "POP3" || word == "IMAP"));
        head.eq_ignore_ascii_case(word) && border
    })
}

fn id_has_shape(id: &str, shape: IdShape) -> bool {
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let parts: Vec<&str> = id.split('.').collect();
    match shape {
        IdShape::Courier => match parts.as_slice() {
            [one, two, three] => hex(one, 16) && hex(two, 16) && hex(three, 8),
            _ => false,
        },
        IdShape::Pps => id.split_once('-').is_some_and(|(head, count)| {
            (10..=12).contains(&head.len())
                && head.starts_with(|c: char| c.is_ascii_digit())
                && head
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
                && !count.is_empty()
                && count.len() <= 5
                && count.bytes().all(|b| b.is_ascii_digit())
        }),
        IdShape::Mimecast => id.contains("-mta-"),
        IdShape::Barracuda => id.len() == 16 && id.bytes().all(|b| b.is_ascii_alphanumeric()),
        IdShape::Fortimail => id
            .split_once('-')
            .is_some_and(|(one, two)| sendmail_id(one) && sendmail_id(two)),
        IdShape::Sendmail => {
            let (head, process) = id.split_at_checked(8).unwrap_or_default();
            matches!(process.len(), 6 | 7)
                && head.bytes().all(|b| b.is_ascii_alphanumeric())
                && head.bytes().any(|b| b.is_ascii_alphabetic())
                && process.bytes().all(|b| b.is_ascii_digit())
        }
        IdShape::Symantec => match parts.as_slice() {
            [one, two, three, four] => {
                hex(one, 2)
                    && hex(two, 2)
                    && three.len() == 5
                    && three.bytes().all(|b| b.is_ascii_digit())
                    && hex(four, 8)
            }
            _ => false,
        },
        // Two halves that begin with the same time.
        IdShape::Cloudmark => {
            id.len() == 22
                && id.bytes().all(|b| b.is_ascii_alphanumeric())
                && id.get(..3) == id.get(13..16)
        }
        IdShape::Mcafee => {
            let parts: Vec<&str> = id.split('_').collect();
            parts.len() == 7
                && parts
                    .iter()
                    .all(|part| part.len() >= 4 && part.bytes().all(|b| b.is_ascii_hexdigit()))
        }
        IdShape::Domino => id.split_once('-').is_some_and(|(time, count)| {
            time.len() == 16
                && time.starts_with("20")
                && time.bytes().all(|b| b.is_ascii_digit())
                && !count.is_empty()
                && count.bytes().all(|b| b.is_ascii_digit())
        }),
    }
}

/// Postfix's queue identifiers: hexadecimal, or the long form, which has no
/// vowels and a `z` between time and inode.
fn postfix_id(id: &str) -> bool {
    let short = (9..=16).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    let long = (12..=20).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() && !b"aeiouAEIOU".contains(&b))
        && id.contains('z');
    short || long
}

/// Sendmail's queue identifiers: 8 or 9 letters and digits of the time, 6 of
/// the process.
fn sendmail_id(id: &str) -> bool {
    id.len() == 14 && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Recognises a shape, and gives the text its version stands in.
fn has_shape(received: &Received, shape: Shape, raw: &str) -> Option<String> {
    let lower = received
        .protocol
        .as_deref()
        .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
    match shape {
        Shape::Sendmail => leading_comments(received)
            .filter(|(_, place)| *place == Place::By)
            .map(|(comment, _)| comment.text.as_str())
            .find(|text| {
                let mut parts = text.split('/');
                let numbers = |part: Option<&str>| {
                    part.is_some_and(|p| {
                        p.starts_with("8.")
                            && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
                    })
                };
                numbers(parts.next()) && parts.next().is_some_and(|p| p.starts_with("8."))
            })
            .map(str::to_owned),
        Shape::Exim => {
            let id = received.id.as_ref()?.text.as_str();
            // 6-6-2, and 6-11-4 since 4.97.
            let parts: Vec<usize> = id.split('-').map(str::len).collect();
            let shaped = matches!(parts.as_slice(), [6, 6, 2] | [6, 11, 4]);
            (lower && shaped).then(String::new)
        }
        Shape::Qmail => {
            let from = received.from.as_ref()?;
            let said = leading_comments(received).any(|(comment, place)| {
                matches!(place, Place::BeforePeer | Place::From)
                    && comment.text.starts_with("HELO ")
            });
            let plain = received
                .keyword()
                .is_some_and(|k| k == "SMTP" || k == "ESMTPA");
            (said && plain && from.helo.is_some() && received.id.is_none()).then(String::new)
        }
        Shape::Ironport => {
            let said =
                leading_comments(received).any(|(comment, _)| comment.text.starts_with("HELO "));
            // Without HELO it is told by a date that lacks the day's name.
            let bare = received.comments.len() == 1
                && received.comments.iter().all(|c| c.text.starts_with('['))
                && raw.rsplit(';').next().is_some_and(|date| {
                    date.trim_start().starts_with(|c: char| c.is_ascii_digit())
                });
            let shaped = (said && received.comments.len() == 2) || bare;
            let esmtp = received
                .keyword()
                .is_some_and(|k| k == "ESMTP" || (bare && k == "SMTP"));
            (shaped && esmtp && received.id.is_none()).then(String::new)
        }
        Shape::Zmailer => leading_comments(received)
            .any(|(comment, _)| comment.text.contains("rhost-flags-"))
            .then(String::new),
        // A session's 128 bits in base64, and the sender behind them.
        Shape::Dovecot => {
            let id = received.id.as_ref()?.text.as_str();
            let session = id.len() == 22
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
            let sender = leading_comments(received)
                .any(|(comment, _)| comment.text.starts_with("envelope-from <"));
            (session && sender).then(String::new)
        }
        Shape::Postfix => {
            let id = received.id.as_ref()?.text.as_str();
            if !postfix_id(id) {
                return None;
            }
            let of_postfix = leading_comments(received).any(|(comment, place)| {
                let text = comment.text.as_str();
                matches!(place, Place::From | Place::By)
                    && [
                        "No client certificate requested",
                        "Client did not present a certificate",
                        "Client CN \"",
                        "Authenticated sender: ",
                    ]
                    .iter()
                    .any(|head| text.starts_with(head))
            });
            let named = leading_comments(received).any(|(_, place)| place == Place::By)
                && leading_comments(received).any(|(comment, place)| {
                    place == Place::BeforePeer
                        && comment.text.ends_with(']')
                        && comment.text.contains(" [")
                });
            (of_postfix || named).then(String::new)
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
    fn rows_of_a_user_come_first() {
        let own = Table::parse(
            "[[software]]\nname = \"Our relay\"\nrecords = \"never\"\nsource = \"we\"\n\
             when = [{ host = [\"relay.example\"] }]\n",
        )
        .unwrap();
        let table = own.before(Table::built_in().clone());
        let names = |text: &str| {
            let reading = crate::trace::reading::Reading {
                software: &table,
                ..crate::trace::reading::Reading::of(crate::trace::chain::Source {
                    path: "x".to_owned(),
                    index: 0,
                    kind: crate::trace::chain::SourceKind::Eml,
                })
            };
            let chain = crate::trace::chain::Chain::read(text.as_bytes(), &reading).unwrap();
            chain.hops[0].software.as_ref().unwrap().name.clone()
        };
        let line = |host: &str| {
            format!(
                "Received: from a.example (a.example [192.0.2.1]) by {host} (Postfix) with ESMTP id 7\n\n"
            )
        };
        assert_eq!(names(&line("mx1.relay.example")), "Our relay");
        assert_eq!(names(&line("mx1.other.example")), "Postfix");
    }
}
