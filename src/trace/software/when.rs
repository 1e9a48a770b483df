//! The conditions of a row, and whether they hold for a line.

use serde::Deserialize;

use super::shape::{self, IdShape, Shape};
use crate::trace::field::{Piece, Place, Received};

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct When {
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
    words: Vec<String>,
    text: Vec<String>,
}

/// A line, with what every condition asks of it.
pub(super) struct Line<'a> {
    pub received: &'a Received,
    /// The whole field.
    pub raw: &'a str,
    /// The writer's name in lower case.
    host: Option<String>,
    /// The protocol in upper case.
    pub keyword: Option<String>,
    /// The comments a writer's mark can stand in; a real line has at most nine.
    comments: Vec<(&'a Piece, Place)>,
}

impl<'a> Line<'a> {
    pub fn new(received: &'a Received, raw: &'a str) -> Self {
        let by = received.by.as_ref();
        Self {
            received,
            raw,
            host: by
                .and_then(|by| by.host.as_deref())
                .map(str::to_ascii_lowercase),
            keyword: received.keyword(),
            comments: received.placed_comments().take(64).collect(),
        }
    }

    pub fn comments(&self) -> impl Iterator<Item = (&'a Piece, Place)> {
        self.comments.iter().copied()
    }
}

impl When {
    /// The texts that must stand in the line.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.text.iter().map(String::as_str)
    }

    /// The text that carries the version, if every condition holds.
    pub fn holds<'a>(&self, line: &Line<'a>) -> Option<&'a str> {
        let received = line.received;
        let mut matched = "";
        let comments = |places: fn(Place) -> bool| {
            line.comments()
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
            matched = comments(behind_by).find(|text| begins(text, &self.by))?;
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
                .find(|text| begins(text, &self.with_comment))?;
        }
        if !self.comment_end.is_empty() {
            matched = comments(behind_by).find(|text| {
                self.comment_end
                    .iter()
                    .any(|end| text.ends_with(end.as_str()))
            })?;
        }
        if !self.with.is_empty() {
            let with = &received.with.as_ref()?.text;
            if !begins(with, &self.with) {
                return None;
            }
            if matched.is_empty() {
                matched = comments(|place| place == Place::With)
                    .next()
                    .unwrap_or_default();
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
        if !self.host.is_empty() {
            let host = line.host.as_deref()?;
            let under = |domain: &String| {
                host.len()
                    .checked_sub(domain.len())
                    .and_then(|at| host.split_at_checked(at))
                    .is_some_and(|(head, tail)| {
                        tail.eq_ignore_ascii_case(domain)
                            && (head.is_empty() || head.ends_with('.'))
                    })
            };
            if !self.host.iter().any(under) {
                return None;
            }
        }
        if !self.host_prefix.is_empty() {
            let host = line.host.as_deref()?;
            if !self
                .host_prefix
                .iter()
                .any(|head| host.starts_with(head.as_str()))
            {
                return None;
            }
        }
        if !self.host_part.is_empty() {
            let host = line.host.as_deref()?;
            if !self
                .host_part
                .iter()
                .any(|part| host.contains(part.as_str()))
            {
                return None;
            }
        }
        if !self.keyword.is_empty() {
            let keyword = line.keyword.as_ref()?;
            if !self.keyword.contains(keyword) {
                return None;
            }
        }
        if let Some(shape) = self.id
            && !shape::of_id(&received.id.as_ref()?.text, shape)
        {
            return None;
        }
        if let Some(shape) = self.shape {
            matched = shape::of_line(line, shape)?;
        }
        if self.submit && !matched.ends_with("/Submit") {
            return None;
        }
        // What stands before the address or name that the server saw is a client's HELO.
        let said = received.from.as_ref().map_or(0, |from| from.span.end);
        // A word may be glued to the next where a line was pasted.
        let stands = |word: &String| {
            let mut other = received.other.iter();
            other.any(|piece| piece.span.start >= said && piece.text.starts_with(word.as_str()))
        };
        if !self.words.iter().all(stands) {
            return None;
        }
        let absent = (!self.no_from || received.from.is_none())
            && (!self.no_with || received.with.is_none())
            && (!self.no_id || received.id.is_none())
            && self
                .text
                .iter()
                .all(|part| line.raw.contains(part.as_str()));
        absent.then_some(matched)
    }
}

/// Whether a text begins with one of the words, at a border.
fn begins(text: &str, words: &[String]) -> bool {
    let octets = text.as_bytes();
    words.iter().any(|word| {
        // Nearly all differ in the first octet.
        let head = octets.get(..word.len());
        if head.is_none_or(|head| !head.eq_ignore_ascii_case(word.as_bytes())) {
            return false;
        }
        !word.ends_with(|c: char| c.is_ascii_alphanumeric())
            || octets
                .get(word.len())
                .is_none_or(|b| !b.is_ascii_alphanumeric() || (word == "POP3" || word == "IMAP"))
    })
}
