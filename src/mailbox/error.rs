//! Why an input, or one message of it, could not be read, and what to do.

use std::fmt;
use std::io;

/// An input that gave no message. The path is as given: a face escapes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    pub path: String,
    /// Octets of the input before the place of trouble, where that says
    /// something.
    pub offset: Option<u64>,
    pub why: Unreadable,
}

/// What was wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    NotFound,
    /// It was there when its folder was listed.
    Vanished,
    PermissionDenied,
    /// A device, a socket, a pipe inside a folder.
    NotAFile,
    /// A folder without a single file.
    EmptyFolder,
    /// A folder deeper than [`Limits::depth`](super::Limits::depth).
    TooDeep,
    /// Nothing, or blank lines alone.
    Empty,
    /// A form known to hold no message that can be read here, by its name.
    Foreign(&'static str),
    Binary,
    /// Text without a single header field.
    NotAMessage,
    /// An Outlook file that holds no header section from a transport.
    NoTransportHeaders,
    /// An Outlook file whose structure is broken, and how.
    BrokenOutlook(String),
    /// More than this reader keeps at once.
    TooLarge {
        limit: u64,
    },
    /// Compressed input that grows beyond measure.
    Bomb {
        expanded: u64,
    },
    /// Compressed input that ends early or is damaged.
    BrokenGzip(String),
    /// The N-th attached message was asked for; there are fewer.
    NoSuchPart {
        asked: usize,
        found: usize,
    },
    /// What the system said.
    Io(String),
}

impl ReadError {
    pub(super) fn new(path: &str, why: Unreadable) -> Self {
        Self {
            path: path.to_owned(),
            offset: None,
            why,
        }
    }

    /// The same of something that was there a moment before.
    pub(super) fn vanished(mut self) -> Self {
        if self.why == Unreadable::NotFound {
            self.why = Unreadable::Vanished;
        }
        self
    }

    pub(super) fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(offset) = self.offset {
            write!(f, ", at octet {offset}")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl std::error::Error for ReadError {}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such file or folder"),
            Self::Vanished => f.write_str(
                "it was gone when its turn came; another program moved or deleted it: run again",
            ),
            Self::PermissionDenied => {
                f.write_str("no permission to read it; run as its owner, or read a copy")
            }
            Self::NotAFile => f.write_str("neither a file nor a folder"),
            Self::EmptyFolder => f.write_str(
                "the folder holds no message; a Maildir has its messages in cur and new, other \
                 folders in files",
            ),
            Self::TooDeep => f.write_str("folders are nested too deep; name the inner one"),
            Self::Empty => f.write_str("it is empty; was the message saved?"),
            Self::Foreign(name) => write!(
                f,
                "this is {name}; save the message as .eml or .msg, or paste its headers into a \
                 text file"
            ),
            Self::Binary => f.write_str(
                "this is binary data, not a message; save the message as .eml, or paste its \
                 headers into a text file",
            ),
            Self::NotAMessage => f.write_str(
                "no header field was found; save the whole message with its headers (\"show \
                 original\", \"view source\")",
            ),
            Self::NoTransportHeaders => f.write_str(
                "the Outlook file holds no Internet headers: it was never received over SMTP \
                 (a draft, a sent copy, or mail inside one Exchange organisation)",
            ),
            Self::BrokenOutlook(what) => write!(
                f,
                "the Outlook file is damaged ({what}); save the message again, or paste its \
                 Internet headers into a text file"
            ),
            Self::TooLarge { limit } => write!(
                f,
                "larger than the {limit} octets that are read of such input; name the file \
                 itself instead of a pipe or a compressed form"
            ),
            Self::Bomb { expanded } => write!(
                f,
                "the compressed file grows beyond measure ({expanded} octets so far): not mail; \
                 expand it by hand if you trust it"
            ),
            Self::BrokenGzip(what) => {
                write!(f, "the compressed file is damaged or cut short ({what})")
            }
            Self::NoSuchPart { asked, found: 0 } => {
                write!(
                    f,
                    "attached message {asked} was asked for, and it holds none"
                )
            }
            Self::NoSuchPart { asked, found } => {
                write!(
                    f,
                    "attached message {asked} was asked for, and it holds {found}"
                )
            }
            Self::Io(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Unreadable {}

impl From<&io::Error> for Unreadable {
    fn from(error: &io::Error) -> Self {
        let own = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Self>());
        if let Some(own) = own {
            return own.clone();
        }
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            _ => Self::Io(error.to_string()),
        }
    }
}
