//! One `Received:` field: every clause and comment with its place.

use std::net::IpAddr;
use std::ops::Range;

use jiff::Zoned;

/// A piece of the field, with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// As written, folds replaced by one space. Hostile text: escape.
    pub text: String,
    pub span: Range<usize>,
}

/// One parsed field. Nothing is thrown away: what is not understood stays in
/// `other` and `comments`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Received {
    pub from: Option<From>,
    pub by: Option<By>,
    pub via: Option<Piece>,
    /// The protocol as written, a keyword or several words.
    pub with: Option<Piece>,
    pub id: Option<Piece>,
    /// The recipient without angle brackets; none for `multiple recipients`.
    pub for_: Option<Piece>,
    /// The `tls` clause (RFC 8314, section 7.4).
    pub tls: Option<Piece>,
    /// The `group` clause (RFC 8314, section 7.4).
    pub group: Option<Piece>,
    pub date: Option<Date>,
    /// Comments in order, parentheses taken off.
    pub comments: Vec<Piece>,
    /// Clauses nobody registered, and words in odd places.
    pub other: Vec<Piece>,
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
    /// Its address; IPv4-mapped addresses are unmapped.
    pub ip: Option<IpAddr>,
    pub span: Range<usize>,
}

/// The `by` clause: who wrote the line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct By {
    pub host: Option<String>,
    pub ip: Option<IpAddr>,
    pub span: Range<usize>,
}

/// The date of the line.
#[derive(Debug, Clone, PartialEq)]
pub struct Date {
    pub at: Zoned,
    /// The zone as written (`+0200`, `GMT`, `-0700 (PDT)`).
    pub zone: String,
    pub span: Range<usize>,
}
