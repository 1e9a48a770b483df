//! The tables, and the way from one version of them to the next.
//!
//! `user_version` holds the version of the schema, `application_id` tells that
//! the file is a history of this program. A file of a newer version is refused,
//! one of an older version is brought up to date in one transaction. To change
//! the tables, add a step to [`MIGRATIONS`]; never change one that was released.

use rusqlite::{Connection, TransactionBehavior};

use super::trouble::Wrong;

/// "STRT": marks a file as a history of this program.
const APPLICATION: i64 = 0x5354_5254;

/// From version N to N + 1, in order.
const MIGRATIONS: &[&str] = &["
CREATE TABLE observation (
    id         INTEGER PRIMARY KEY,
    domain     TEXT    NOT NULL,
    at         INTEGER NOT NULL, -- milliseconds since 1970, UTC
    protection TEXT    NOT NULL,
    document   BLOB    NOT NULL, -- a domain-report, deflated
    UNIQUE (domain, at)
) STRICT;
CREATE INDEX observation_at ON observation (at);

-- What came of STARTTLS at each address: 1 TLS, 0 none, NULL not seen.
CREATE TABLE endpoint (
    observation INTEGER NOT NULL REFERENCES observation (id) ON DELETE CASCADE,
    host        TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    tls         INTEGER,
    PRIMARY KEY (observation, host, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX endpoint_host ON endpoint (host, at);
CREATE INDEX endpoint_address ON endpoint (address, at);

-- What one message shows of a host that took it: recorded as TLS or not, and
-- from whom. One message counts once, however often it is read.
CREATE TABLE witness (
    host    TEXT    NOT NULL,
    message BLOB    NOT NULL,
    sender  TEXT    NOT NULL,
    at      INTEGER, -- milliseconds since 1970, UTC
    tls     INTEGER NOT NULL, -- 1 recorded, 0 silent
    remark  INTEGER NOT NULL, -- 1: more than the keyword
    version TEXT,
    PRIMARY KEY (host, message, sender)
) STRICT, WITHOUT ROWID;
CREATE INDEX witness_at ON witness (at);
"];

/// The version written here.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// A history of this version.
    Current,
    /// Empty, or a history of an older version.
    Behind(i64),
}

/// Looks at a file.
pub(super) fn state(connection: &Connection) -> rusqlite::Result<Result<State, Wrong>> {
    let version = pragma(connection, "user_version")?;
    let application = pragma(connection, "application_id")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, version) {
        (0, 0) if tables == 0 => Ok(State::Behind(0)),
        (APPLICATION, found) if found > VERSION => Err(Wrong::Newer {
            found,
            known: VERSION,
        }),
        (APPLICATION, VERSION) => Ok(State::Current),
        (APPLICATION, found) if found > 0 => Ok(State::Behind(found)),
        _ => Err(Wrong::NotAHistory),
    })
}

/// Brings the tables up to date. Another process may do the same at the same
/// time: who comes second finds nothing left to do.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<Result<(), Wrong>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = match state(&transaction)? {
        Ok(State::Current) => return Ok(Ok(())),
        Ok(State::Behind(from)) => from,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let steps = usize::try_from(from).unwrap_or_default();
    for step in MIGRATIONS.iter().skip(steps) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(Ok(()))
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
