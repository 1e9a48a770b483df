//! Why a history cannot be used, in words that say what to do.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// What is wrong with a history file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub path: PathBuf,
    pub wrong: Wrong,
}

/// The kinds of trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// There is no such file.
    Missing,
    /// Another process held the lock for longer than is waited.
    Locked,
    /// It may not be written.
    ReadOnly,
    /// It may not be opened.
    NotOpened(String),
    /// Not a regular file.
    NotAFile,
    /// An SQLite file of another program, or none at all.
    NotAHistory,
    /// Damaged.
    Corrupt,
    /// Written by a newer version.
    Newer { found: i64, known: i64 },
    /// No room on the disk, or the history has reached its bound.
    Full,
    /// Entries that found no room in the queue, since the disk was too slow.
    TooSlow { lost: u64 },
    /// Anything else, in SQLite's words.
    Other(String),
}

impl Trouble {
    pub(super) fn new(path: &Path, wrong: Wrong) -> Self {
        Self {
            path: path.to_owned(),
            wrong,
        }
    }

    /// From SQLite's result codes.
    pub(super) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        let wrong = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Wrong::Locked,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Wrong::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt) => Wrong::Corrupt,
            Some(ErrorCode::NotADatabase) => Wrong::NotAHistory,
            Some(ErrorCode::DiskFull) => Wrong::Full,
            Some(ErrorCode::CannotOpen) => Wrong::NotOpened("cannot open it".into()),
            _ => Wrong::Other(error.to_string()),
        };
        Self::new(path, wrong)
    }

    /// Whether the next attempt may succeed.
    pub(super) fn is_passing(&self) -> bool {
        self.wrong == Wrong::Locked
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.wrong {
            Wrong::Missing => write!(
                f,
                "history {path}: there is no such file; check, explain and scan with --history \
                 make it"
            ),
            Wrong::Locked => write!(
                f,
                "history {path}: another process holds it locked; run again when that has ended"
            ),
            Wrong::ReadOnly => write!(
                f,
                "history {path}: it may not be written; give this user the right to write the \
                 file and its folder, or name another file"
            ),
            Wrong::NotOpened(why) => write!(
                f,
                "history {path}: {why}; make its folder, or name another file"
            ),
            Wrong::NotAFile => write!(f, "history {path}: this is no regular file; name a file"),
            Wrong::NotAHistory => write!(
                f,
                "history {path}: this is no history of starttrace, and it is left as it is; name \
                 another file"
            ),
            Wrong::Corrupt => write!(
                f,
                "history {path}: it is damaged; move it away and a new one is made (sqlite3 \
                 FILE .recover may save what is in it)"
            ),
            Wrong::Newer { found, known } => write!(
                f,
                "history {path}: it was written by a newer starttrace (schema {found}, this one \
                 knows {known}); use that one, or name another file"
            ),
            Wrong::Full => write!(
                f,
                "history {path}: the disk or the history is full; make room, or run starttrace \
                 history prune"
            ),
            Wrong::TooSlow { lost } => write!(
                f,
                "history {path}: the disk was too slow, {lost} entries were not stored; put the \
                 file on another disk"
            ),
            Wrong::Other(why) => write!(
                f,
                "history {path}: {why}; move it away and a new one is made"
            ),
        }
    }
}

impl std::error::Error for Trouble {}
