//! One `Received:` field: every clause and comment with its place.
//!
//! RFC 5321, section 4.4 gives the clauses an order and says what each holds.
//! Software keeps neither: comments stand anywhere and nest, `with` comes twice
//! (Mimecast), `by` after `id` (dma), text before and after the date. So the
//! field is first cut into comments, words and semicolons ([`tokens`]), and only
//! words outside comments open clauses: in one line of eight the first `with`
//! is that of `(using TLSv1.3 with cipher …)`.
//!
//! The client's own words stand before the last `by` and before the address the
//! server saw; what looks like a TLS remark among them is marked
//! [`Place::BeforePeer`], and no one believes it.
//!
//! Not supported: quoted strings outside comments (their quotes are plain
//! octets), which no trace line needs.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use jiff::Zoned;

use crate::trace::clauses;
use crate::trace::message::{self, Unfolded};
use crate::trace::moved::Moved;
use crate::trace::shared::Shared;
use crate::trace::tls_note;
use crate::trace::transmission::Transmission;

/// A piece of the field, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// As written, folds replaced by one space. Hostile text: escape.
    pub text: String,
    /// Octets from the field's first one.
    pub span: Range<usize>,
}

/// One parsed field. Nothing is thrown away: what is not understood stays in
/// `other` and `comments`.
///
/// A host writes one line over and over, but for an id, a recipient and a date:
/// the rest is [`Said`], and all that say the same may share it. Places are those
/// of the first line that said so; [`Received::place`] tells where the same
/// stands in this one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Received {
    pub said: Shared<Said>,
    pub id: Option<Piece>,
    /// The recipient without angle brackets; none for `multiple recipients`.
    pub for_: Option<Piece>,
    pub date: Option<Date>,
    pub(super) moved: Moved,
}

/// What is not a line's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    pub from: Option<From>,
    pub by: Option<By>,
    pub via: Option<Piece>,
    /// The protocol as written, a keyword or several words.
    pub with: Option<Piece>,
    /// The protocol alone, as written (`ESMTPS`, `Microsoft SMTP Server`).
    pub protocol: Option<String>,
    /// What the protocol's word says, where it is a known one.
    pub transmission: Option<Transmission>,
    /// The `tls` clause (RFC 8314, section 7.4).
    pub tls: Option<Piece>,
    /// The `group` clause (RFC 8314, section 7.4).
    pub group: Option<Piece>,
    /// Comments in order, parentheses taken off.
    pub comments: Vec<Piece>,
    /// Where each comment stands, one for each of `comments`.
    pub places: Vec<Place>,
    /// Clauses nobody registered, and words in odd places.
    pub other: Vec<Piece>,
}

impl std::convert::From<Said> for Received {
    fn from(said: Said) -> Self {
        Self {
            said: said.into(),
            ..Self::default()
        }
    }
}

impl Deref for Received {
    type Target = Said;

    fn deref(&self) -> &Said {
        &self.said
    }
}

impl DerefMut for Received {
    fn deref_mut(&mut self) -> &mut Said {
        &mut self.said
    }
}

impl Received {
    /// The protocol in upper case, as the registry writes it.
    #[must_use]
    pub fn keyword(&self) -> Option<String> {
        self.protocol
            .as_deref()
            .or(self.with.as_ref().map(|with| with.text.as_str()))
            .map(str::to_uppercase)
    }

    /// The words that nobody understood.
    pub fn not_understood(&self) -> impl Iterator<Item = &Piece> {
        self.other
            .iter()
            .filter(|piece| !tls_note::is_loose_note(&piece.text))
    }

    /// Where in the field stands what this is the span of, from the field's first
    /// octet.
    #[must_use]
    pub fn place(&self, span: &Range<usize>) -> Range<usize> {
        self.moved.place(span)
    }

    /// Moves every span from its place in the field to another.
    pub(super) fn relocate(&mut self, to: &impl Fn(Range<usize>) -> Range<usize>) {
        let moved = std::mem::take(&mut self.moved);
        let move_one = |span: &mut Range<usize>| *span = to(moved.place(span));
        for piece in [&mut self.id, &mut self.for_].into_iter().flatten() {
            move_one(&mut piece.span);
        }
        if let Some(date) = &mut self.date {
            move_one(&mut date.span);
        }
        let said = &mut *self.said;
        let pieces = [
            &mut said.via,
            &mut said.with,
            &mut said.tls,
            &mut said.group,
        ];
        for piece in pieces
            .into_iter()
            .flatten()
            .chain(&mut said.comments)
            .chain(&mut said.other)
        {
            move_one(&mut piece.span);
        }
        if let Some(from) = &mut said.from {
            move_one(&mut from.span);
        }
        if let Some(by) = &mut said.by {
            move_one(&mut by.span);
        }
    }

    /// The comments with their places.
    pub fn placed_comments(&self) -> impl Iterator<Item = (&Piece, Place)> {
        self.comments.iter().zip(self.places.iter().copied())
    }
}

/// After which clause a comment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Before any clause.
    Start,
    /// Behind `from`, and before or at the address the server saw: the client
    /// chose the words.
    BeforePeer,
    /// Behind `from`, after that address.
    From,
    By,
    With,
    Id,
    For,
    /// Behind some other clause.
    Other,
    /// Behind the last semicolon.
    Date,
}

/// The `from` clause: who connected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct From {
    /// The word after `from`, brackets taken off.
    pub token: Option<String>,
    /// The name the client said in HELO or EHLO.
    pub helo: Option<String>,
    /// The name its address resolves to.
    pub rdns: Option<String>,
    /// The writer looked the name up, whether it found one or not.
    pub rdns_asked: bool,
    /// Its address; IPv4-mapped addresses are unmapped.
    pub ip: Option<IpAddr>,
    /// It came over a socket of the same host.
    pub socket: bool,
    pub span: Range<usize>,
}

/// The `by` clause: who wrote the line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct By {
    pub host: Option<String>,
    /// Another name of the host, in the comment behind it.
    pub alias: Option<String>,
    pub ip: Option<IpAddr>,
    pub span: Range<usize>,
}

/// The date of the line.
#[derive(Debug, Clone, PartialEq)]
pub struct Date {
    pub at: Zoned,
    /// The zone as written (`+0200`, `GMT`, `-0700 (PDT)`).
    pub zone: Arc<str>,
    pub span: Range<usize>,
}

/// A token of the field's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// A run without white space; `[…]` and `<…>` keep theirs.
    Word(&'a str),
    /// A comment with all that nests in it, parentheses taken off.
    Comment(&'a str),
    Semicolon,
}

/// Cuts an unfolded field value into tokens with their ranges. Between two
/// ranges stands nothing but white space.
#[must_use]
pub fn tokens(text: &str) -> Vec<(Token<'_>, Range<usize>)> {
    let closing = closing_parentheses(text);
    let octets = text.as_bytes();
    let mut found = Vec::with_capacity(24);
    let mut at = 0;
    let mut word: Option<usize> = None;
    while let Some(&octet) = octets.get(at) {
        if !is_mark(octet) {
            word.get_or_insert(at);
            let rest = octets.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|octet| !is_mark(**octet)).count();
            continue;
        }
        let close = if octet == b'(' { closing.at(at) } else { None };
        let breaks = octet.is_ascii_whitespace() || octet == b';' || close.is_some();
        if breaks && let Some(start) = word.take() {
            found.push((Token::Word(&text[start..at]), start..at));
        }
        if let Some(close) = close {
            found.push((Token::Comment(&text[at + 1..close]), at..close + 1));
            at = close + 1;
        } else if octet == b';' {
            found.push((Token::Semicolon, at..at + 1));
            at += 1;
        } else if octet.is_ascii_whitespace() {
            at += 1;
        } else {
            let enclosed = match octet {
                b'<' if word.is_none() => enclosure(octets, at, b'>', 512),
                b'[' => enclosure(octets, at, b']', 96),
                _ => None,
            };
            word.get_or_insert(at);
            at = enclosed.unwrap_or(at + 1);
        }
    }
    if let Some(start) = word {
        found.push((Token::Word(&text[start..]), start..text.len()));
    }
    found
}

/// Whether a word may end here, or go on otherwise than octet by octet.
fn is_mark(octet: u8) -> bool {
    octet <= b' ' || matches!(octet, b'(' | b';' | b'<' | b'[')
}

/// The offset behind the closing mark of a short enclosure.
fn enclosure(octets: &[u8], at: usize, close: u8, most: usize) -> Option<usize> {
    octets
        .iter()
        .enumerate()
        .skip(at + 1)
        .take(most)
        .take_while(|(_, b)| **b != b';' && **b != b'<' && **b != b'[')
        .find(|(_, b)| **b == close)
        .map(|(offset, _)| offset + 1)
}

/// For every `(` that is closed, where. One pass, so that a million of them
/// cost no more than a million steps.
struct Closing(Vec<(usize, usize)>);

impl Closing {
    fn at(&self, open: usize) -> Option<usize> {
        let index = self.0.binary_search_by_key(&open, |pair| pair.0).ok()?;
        self.0.get(index).map(|pair| pair.1)
    }
}

fn closing_parentheses(text: &str) -> Closing {
    let mut open = Vec::new();
    let mut pairs = Vec::new();
    // Behind a quoted-pair (RFC 5322, section 3.2.1), inside a comment only.
    let mut from = 0;
    let octets = text.as_bytes();
    for at in memchr::memchr3_iter(b'(', b')', b'\\', octets) {
        if at < from {
            continue;
        }
        match octets.get(at) {
            Some(b'\\') if !open.is_empty() => from = at + 2,
            Some(b'(') => open.push(at),
            Some(b')') => {
                if let Some(start) = open.pop() {
                    pairs.push((start, at));
                }
            }
            _ => {}
        }
    }
    pairs.sort_unstable();
    Closing(pairs)
}

/// Parses a whole field, its name included.
#[must_use]
pub fn parse_raw(field: &[u8]) -> Received {
    let header = message::read(field);
    let Some(found) = header.fields.first() else {
        return Received::default();
    };
    let mut received = parse(&found.value());
    let shift = found.span.start;
    if shift > 0 {
        received.relocate(&|span| span.start + shift..span.end + shift);
    }
    received
}

/// Parses one field value.
#[must_use]
pub fn parse(value: &Unfolded) -> Received {
    clauses::parse(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text)
            .into_iter()
            .map(|(token, _)| match token {
                Token::Word(word) => word.to_owned(),
                Token::Comment(inner) => format!("({inner})"),
                Token::Semicolon => ";".to_owned(),
            })
            .collect()
    }

    #[test]
    fn comments_nest_and_may_be_glued_or_broken() {
        for (text, expected) in [
            ("a (b (c) d) e", &["a", "(b (c) d)", "e"][..]),
            ("host(10.1.2.3);x", &["host", "(10.1.2.3)", ";", "x"]),
            ("a (b \\) c) d", &["a", "(b \\) c)", "d"]),
            (
                "for <multiple recipients> x",
                &["for", "<multiple recipients>", "x"],
            ),
            ("by h [(172.21.1.3)] x", &["by", "h", "[(172.21.1.3)]", "x"]),
            ("a ( b [1.2.3.4]", &["a", "(", "b", "[1.2.3.4]"]),
            ("a ) b", &["a", ")", "b"]),
            ("( [ip] )()", &["( [ip] )", "()"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn a_million_parentheses_take_no_million_scans() {
        let open = "(".repeat(1 << 20);
        assert_eq!(tokens(&open).len(), 1);
        let both = "()".repeat(1 << 19);
        assert_eq!(tokens(&both).len(), 1 << 19);
    }
}
