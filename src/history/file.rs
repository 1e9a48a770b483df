//! The file itself: made, opened and set up.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::store::Access;
use super::trouble::{Trouble, Wrong};

/// How long is waited for another process that writes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Octets that the file may grow to: 16 GiB, in pages of 4 KiB.
const MOST_PAGES: i64 = 4 << 20;

/// Makes the file, to be read by its owner alone: it tells with whom somebody
/// exchanges mail.
pub(super) fn create(path: &Path) -> Result<(), Trouble> {
    let failed = |error: std::io::Error| {
        let wrong = match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                Wrong::ReadOnly
            }
            std::io::ErrorKind::StorageFull => Wrong::Full,
            _ => Wrong::NotOpened(error.to_string()),
        };
        Trouble::new(path, wrong)
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Ok(_) => Ok(()),
        // Another process was faster.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

pub(super) fn connect(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let mode = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    harden(&connection)?;
    if access == Access::Read
        && connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
            .is_err()
        && let Some(uri) = immutable(path)
    {
        // In a folder that may not be written, the index of the write-ahead log
        // cannot be made; nobody else writes there either.
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let again = Connection::open_with_flags(uri, flags)?;
        harden(&again)?;
        return Ok(again);
    }
    Ok(connection)
}

/// The file may come from anywhere: nothing in it is run.
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")
}

pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    // Where the file system knows no shared memory, SQLite stays with its
    // rollback journal, which is slower and right as well.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;")?;
    connection.query_row(&format!("PRAGMA max_page_count = {MOST_PAGES}"), [], |_| {
        Ok(())
    })
}

/// The path as a URI that has SQLite leave all locks alone.
fn immutable(path: &Path) -> Option<String> {
    use std::fmt::Write as _;
    let mut uri = String::from("file:");
    for octet in path.to_str()?.bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(octet.into());
            }
            _ => {
                let _ = write!(uri, "%{octet:02X}");
            }
        }
    }
    uri.push_str("?immutable=1");
    Some(uri)
}
