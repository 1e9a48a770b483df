//! The chain: hops in travel order, their delays, legs and trust.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, Zoned};

use crate::answer::Answer;
use crate::finding::Finding;
use crate::trace::evidence::TlsEvidence;
use crate::trace::field::Received;
use crate::trace::journey::Turn;
use crate::trace::legs::Part;
use crate::trace::shared::Shared;
use crate::trace::support::Support;

/// Where a message came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The path as given; `-` is standard input.
    pub path: Arc<str>,
    /// Which message of the file, from 0.
    pub index: usize,
    pub kind: SourceKind,
}

/// What the input looked like, by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    Eml,
    Mbox,
    Maildir,
    Msg,
    Headers,
}

impl SourceKind {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Eml => "eml",
            Self::Mbox => "mbox",
            Self::Maildir => "maildir",
            Self::Msg => "msg",
            Self::Headers => "headers",
        }
    }
}

/// What the message says of itself. All of it hostile text: escape.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessageFacts {
    pub message_id: Option<String>,
    pub date: Option<Zoned>,
    /// The author's address, without display name.
    pub from: Option<String>,
    /// The recipients' addresses, without display names.
    pub to: Vec<String>,
    pub subject: Option<String>,
    pub end_to_end: EndToEnd,
    /// `TLS-Required: No` (RFC 8689, section 3) is in the header.
    pub tls_not_required: bool,
}

/// Encryption by the sender for the reader, which no hop undoes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum EndToEnd {
    #[default]
    None,
    SmimeEncrypted,
    PgpMime,
    PgpInline,
}

impl EndToEnd {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SmimeEncrypted => "smime-encrypted",
            Self::PgpMime => "pgp-mime",
            Self::PgpInline => "pgp-inline",
        }
    }
}

/// A message's trace, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    pub source: Source,
    pub message: MessageFacts,
    /// In travel order: the first is the oldest.
    pub hops: Vec<Hop>,
    pub gaps: Shared<Vec<Gap>>,
    /// What other fields of the header say of the journey.
    pub supporting: Vec<Support>,
    /// Writer to server, between servers, server to reader.
    pub legs: Shared<Vec<Part>>,
    pub answer: Answer,
    pub findings: Shared<Vec<Finding>>,
}

/// One hop: one `Received:` field.
#[derive(Debug, Clone, PartialEq)]
pub struct Hop {
    /// From 1, the oldest.
    pub number: usize,
    /// Line in the file, from 1.
    pub line: usize,
    /// Octets in the file, the field name included, the last line end not.
    pub span: Range<usize>,
    /// The field's octets as they stand in the file, folds kept, so that a
    /// face can quote it. Hostile: escape.
    pub raw: Vec<u8>,
    pub received: Received,
    /// Since the hop before; negative where clocks disagree.
    pub delay: Option<SignedDuration>,
    pub software: Option<Shared<SoftwareMark>>,
    pub leg: Leg,
    pub trusted: Trust,
    /// From 1; a list, a forwarder or a fetching program begins the next.
    pub journey: usize,
    /// How the message was sent on before this hop, where it was.
    pub turn: Option<Turn>,
    pub tls: Shared<TlsEvidence>,
}

impl Hop {
    /// When the line says that it was written.
    pub(super) fn at(&self) -> Option<Timestamp> {
        Some(self.received.date.as_ref()?.at.timestamp())
    }

    /// Where in the file stands what its line, or its evidence, gives this span
    /// for.
    #[must_use]
    pub fn place(&self, span: &Range<usize>) -> Range<usize> {
        let within = self.received.place(span);
        let base = self.span.start;
        within.start.saturating_add(base)..within.end.saturating_add(base)
    }

    /// Whether this hop is one people fear: it crossed, or may have crossed,
    /// a network that others can listen on.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        matches!(self.leg, Leg::Internet | Leg::Submission | Leg::Unknown)
    }
}

/// The software that wrote a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftwareMark {
    /// The name in the software table (`Postfix`).
    pub name: String,
    pub version: Option<String>,
    pub records_tls: RecordsTls,
}

/// Whether the software writes TLS into its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordsTls {
    Always,
    ByOption,
    Never,
    Unknown,
}

impl RecordsTls {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::ByOption => "by-option",
            Self::Never => "never",
            Self::Unknown => "unknown",
        }
    }
}

/// Which part of the journey a hop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leg {
    /// From the writer's program to the writer's server.
    Submission,
    /// Between two organisations.
    Internet,
    /// Inside one organisation or private network.
    Internal,
    /// Inside one host, or not a network hop at all.
    Local,
    Unknown,
}

impl Leg {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Submission => "submission",
            Self::Internet => "internet",
            Self::Internal => "internal",
            Self::Local => "local",
            Self::Unknown => "unknown",
        }
    }
}

/// Who stands behind a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Written on the mailbox's own side.
    Own,
    /// Written by the host that an own line names as its client.
    Vouched,
    /// Anybody could have written it.
    Below,
    Unknown,
}

impl Trust {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Vouched => "vouched",
            Self::Below => "below",
            Self::Unknown => "unknown",
        }
    }
}

/// A break between two neighbouring hops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Hop numbers.
    pub between: (usize, usize),
    pub kind: GapKind,
    /// One clause in words. May quote hostile text: escape.
    pub text: String,
}

/// What is wrong between two hops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GapKind {
    NameMismatch,
    MissingLink,
    TimeReversed,
    Loop,
}

impl GapKind {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NameMismatch => "name-mismatch",
            Self::MissingLink => "missing-link",
            Self::TimeReversed => "time-reversed",
            Self::Loop => "loop",
        }
    }
}

/// Why an input gave no chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoTrace {
    /// It does not begin like a message: no header field at all.
    NotAMessage { binary: bool },
    /// A message, but without a `Received:` field.
    NoReceived { fields: usize },
}

impl fmt::Display for NoTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAMessage { binary: true } => f.write_str(
                "this is binary data, not a message; save the message as .eml, or paste its headers into a text file",
            ),
            Self::NotAMessage { binary: false } => f.write_str(
                "no header field was found; save the whole message with its headers (\"show original\", \"view source\")",
            ),
            Self::NoReceived { fields } => write!(
                f,
                "{fields} header field{}, none of them Received; it was saved before it was sent, or its trace was removed",
                if *fields == 1 { "" } else { "s" }
            ),
        }
    }
}

impl std::error::Error for NoTrace {}
