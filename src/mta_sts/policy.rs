//! The policy file (RFC 8461, section 3.2): what one says, what can be wrong
//! with one, and what is fragile though well-formed. `reader` reads them.

use std::fmt;

use crate::mta_sts::pattern::{InvalidPattern, Pattern};
use crate::name::DomainName;

mod reader;

/// The policy host: `mta-sts` in front of the domain (RFC 8461, section 3.2).
/// Its certificate must hold this name (section 3.3), also where a CNAME leads
/// elsewhere (section 8.2). None where the name would be too long.
#[must_use]
pub fn host(domain: &DomainName) -> Option<String> {
    let host = format!("mta-sts.{domain}");
    (host.len() <= 253).then_some(host)
}

/// The path of the policy on its host.
pub const PATH: &str = "/.well-known/mta-sts.txt";

/// The one place the policy is looked for (RFC 8461, section 3.2).
#[must_use]
pub fn url(domain: &DomainName) -> Option<String> {
    host(domain).map(|host| format!("https://{host}{PATH}"))
}

/// The largest policy that is read (RFC 8461, section 3.3 suggests 64
/// kilobytes).
pub const MAX_SIZE: usize = 64 * 1024;

/// The largest `max_age` in seconds, about a year (RFC 8461, section 3.2).
pub const MAX_AGE: u64 = 31_557_600;

/// The policy's mode: what a sender does where validation fails (RFC 8461,
/// section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It does not deliver.
    Enforce,
    /// It reports, and delivers in any case.
    Testing,
    /// As if there were no policy.
    None,
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub mode: Mode,
    /// Seconds, as published: [`Advisory::MaxAgeTooLarge`] where over
    /// [`MAX_AGE`].
    pub max_age: u64,
    pub mx: Vec<Pattern>,
}

/// What came of reading a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The policy, or every fault in order of lines (at most [`MAX_FAULTS`]).
    pub policy: Result<Policy, Vec<Fault>>,
    pub advisories: Vec<Advisory>,
}

/// Faults that are told of one file.
pub const MAX_FAULTS: usize = 20;

/// A fault, with the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1; none for what the file lacks as a whole.
    pub line: Option<usize>,
    /// The line as it came, cut to a bearable length. Hostile: escape.
    pub text: String,
    pub why: Why,
}

/// Why a file is no policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Larger than [`MAX_SIZE`].
    TooLarge(usize),
    Empty,
    /// It begins like a web page.
    Html,
    /// It begins with a byte order mark, which becomes part of the first key.
    ByteOrderMark,
    NotUtf8,
    /// A control character, or a carriage return inside a line.
    ControlCharacter(char),
    /// White space before the key.
    LeadingSpace,
    /// No `:` in the line.
    NoColon,
    /// White space between the key and its `:`.
    SpaceBeforeColon,
    /// The key is not 1 to 32 letters, digits, `_`, `-` and `.`.
    Key,
    EmptyValue,
    /// Another version than `STSv1`.
    Version,
    /// Another mode than `enforce`, `testing`, `none`, in lower case.
    Mode,
    /// `max_age` is not 1 to 10 digits.
    MaxAge,
    Mx(InvalidPattern),
    MissingVersion,
    MissingMode,
    MissingMaxAge,
    /// No `mx`, and the mode is not `none`.
    MissingMx,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(octets) => {
                write!(
                    f,
                    "the policy has {octets} octets, and senders stop at {MAX_SIZE}"
                )
            }
            Self::Empty => f.write_str("the policy is empty"),
            Self::Html => f.write_str("this is a web page, not a policy"),
            Self::ByteOrderMark => f.write_str("the file begins with a byte order mark"),
            Self::NotUtf8 => f.write_str("the line is not UTF-8"),
            Self::ControlCharacter(c) => write!(f, "the line holds the control character {c:?}"),
            Self::LeadingSpace => f.write_str("white space stands before the key"),
            Self::NoColon => f.write_str("the line has no colon"),
            Self::SpaceBeforeColon => f.write_str("white space stands before the colon"),
            Self::Key => f.write_str("the key holds characters that keys do not have"),
            Self::EmptyValue => f.write_str("the value is empty"),
            Self::Version => f.write_str("the version is not STSv1"),
            Self::Mode => f.write_str("the mode is none of enforce, testing, none"),
            Self::MaxAge => f.write_str("max_age is not a number of 1 to 10 digits"),
            Self::Mx(why) => write!(f, "the mx value is no pattern: {why}"),
            Self::MissingVersion => f.write_str("the policy has no version"),
            Self::MissingMode => f.write_str("the policy has no mode"),
            Self::MissingMaxAge => f.write_str("the policy has no max_age"),
            Self::MissingMx => f.write_str("the policy names no mx"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {} ({:?})", self.why, self.text),
            None => self.why.fmt(f),
        }
    }
}

/// What is allowed, and yet fragile or weak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advisory {
    /// An empty line, which the grammar does not have: some senders refuse it.
    BlankLine(usize),
    /// The key is given again; the first counts (RFC 8461, section 3.2).
    Duplicate { line: usize, key: String },
    /// `Mode` or the like: another key than `mode`, and ignored.
    KeyCase { line: usize, key: String },
    /// Over the maximum of a year: senders differ in what they make of it.
    MaxAgeTooLarge(u64),
    /// Under a day: hardly any protection between two messages.
    MaxAgeUnderADay(u64),
    /// Under a week; the standard expects weeks or more.
    MaxAgeUnderAWeek(u64),
    /// The pattern is there twice.
    MxTwice(Pattern),
    /// The pattern covers other people's hosts: `*.com`.
    MxPublicSuffix(Pattern),
    /// Mode `none` makes the patterns meaningless.
    MxWithoutMode,
}

impl Policy {
    /// Reads a policy file as it came over HTTPS.
    #[must_use]
    pub fn parse(body: &[u8]) -> Reading {
        reader::read(body)
    }
}

/// What the `Content-Type` of a policy is worth (RFC 8461, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaType {
    Plain,
    /// Some senders refuse it.
    Other(String),
    /// None was given: some senders refuse it.
    Missing,
}

/// Reads a `Content-Type` value. Parameters are ignored.
#[must_use]
pub fn media_type(content_type: Option<&str>) -> MediaType {
    match content_type.map(|value| value.split(';').next().unwrap_or_default().trim()) {
        None | Some("") => MediaType::Missing,
        Some(value) if value.eq_ignore_ascii_case("text/plain") => MediaType::Plain,
        Some(value) => MediaType::Other(value.chars().take(120).collect()),
    }
}

#[cfg(test)]
mod tests;
