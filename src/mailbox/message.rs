//! One message as it was found: its header section, a little of its body, and
//! where both stand.

use std::sync::Arc;

use crate::trace::chain::{Source, SourceKind};

/// A message, not yet understood. All octets are hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMessage {
    /// The path as given, with what is inside a folder; `-` is standard input.
    pub path: Arc<str>,
    /// Which message of the file, from 0.
    pub index: usize,
    pub kind: SourceKind,
    /// Octets of the file before this message's first octet; of what it
    /// expands to, where the file is compressed.
    pub offset: usize,
    /// Line of the message's first octet, from 1.
    pub line: usize,
    /// The header section, the blank line behind it, and the first octets of
    /// the body.
    pub octets: Vec<u8>,
    /// The header section was longer than
    /// [`Limits::header`](super::Limits::header); its rest is left out, and so
    /// is the body.
    pub header_truncated: bool,
    /// The input ended inside the header section, in the middle of a line.
    pub header_unfinished: bool,
    /// Octets of the input that were passed when this message was complete,
    /// of the compressed form where there is one: for a progress bar.
    pub size_so_far: u64,
    pub(super) origin: Origin,
}

impl RawMessage {
    /// Whether [`octets`](Self::octets) stand in the file as they are, at
    /// [`offset`](Self::offset).
    #[must_use]
    pub fn is_verbatim(&self) -> bool {
        self.origin == Origin::Verbatim
    }

    /// Where the octet at `at` of [`octets`](Self::octets) stands in the file.
    /// None where it stands nowhere: decoded from base64, UTF-16 and the like.
    #[must_use]
    pub fn place(&self, at: usize) -> Option<Place> {
        match &self.origin {
            Origin::Verbatim => {
                let before = self.octets.get(..at)?;
                Some(Place {
                    offset: self.offset.saturating_add(at),
                    line: self.line + bytecount::count(before, b'\n'),
                })
            }
            Origin::Repaired(lines) => {
                let upto = lines.partition_point(|line| line.at <= at);
                let line = lines.get(upto.checked_sub(1)?)?;
                Some(Place {
                    offset: line.offset + (at - line.at).min(line.length),
                    line: line.line,
                })
            }
            Origin::Decoded => None,
        }
    }

    /// What a [`Chain`](crate::trace::chain::Chain) remembers of it.
    #[must_use]
    pub fn source(&self) -> Source {
        Source {
            path: self.path.clone(),
            index: self.index,
            kind: self.kind,
        }
    }
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Octets before it.
    pub offset: usize,
    /// From 1.
    pub line: usize,
}

/// How a message's octets relate to those of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// They stand there as they are.
    Verbatim,
    /// They were pasted and put right, line by line.
    Repaired(Vec<RepairedLine>),
    /// They stand there in another encoding.
    Decoded,
}

/// One line of a repaired text, and where it was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RepairedLine {
    /// Where it begins in the repaired text.
    pub at: usize,
    /// Where it begins in the file.
    pub offset: usize,
    /// Its octets in the file, line end not included.
    pub length: usize,
    /// Its line in the file, from 1.
    pub line: usize,
}
