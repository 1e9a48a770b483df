//! The file: opening, writing in batches, asking, pruning.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::file::{connect, create, prepare};
use super::record::{
    Entry, Known, Pruned, Seen, Stored, WitnessEntry, count, deflate, stored, time,
};
use super::schema::{self, State};
use super::trouble::{Trouble, Wrong};
use crate::observed::past::LastTls;

/// Observations kept of one domain; the oldest make room. Thrice a day for a
/// year fits.
const MOST_OF_ONE: i64 = 1_200;

/// Witnesses kept of one host; the oldest make room.
const MOST_WITNESSES: i64 = 2_000;

/// What is to be done with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read it, if it is there.
    Read,
    /// Read and write it; make it where it is not.
    Write,
}

/// An open history.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens a history.
    ///
    /// # Errors
    /// [`Trouble`], with what to do.
    pub fn open(path: &Path, access: Access) -> Result<Self, Trouble> {
        match std::fs::metadata(path) {
            // Opening a pipe or a device could wait for ever.
            Ok(found) if !found.is_file() => return Err(Trouble::new(path, Wrong::NotAFile)),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match access {
                Access::Read => return Err(Trouble::new(path, Wrong::Missing)),
                Access::Write => create(path)?,
            },
            Err(error) => return Err(Trouble::new(path, Wrong::NotOpened(error.to_string()))),
        }
        let of = |error: &rusqlite::Error| Trouble::of(path, error);
        let mut connection = connect(path, access).map_err(|error| of(&error))?;
        let state = schema::state(&connection)
            .map_err(|error| of(&error))?
            .map_err(|wrong| Trouble::new(path, wrong))?;
        match (state, access) {
            (State::Current, _) => {}
            (State::Behind(_), Access::Write) => schema::migrate(&mut connection)
                .map_err(|error| of(&error))?
                .map_err(|wrong| Trouble::new(path, wrong))?,
            // Nothing was written yet; an older version is brought up to date
            // by the next run that writes.
            (State::Behind(_), Access::Read) => {
                return Err(Trouble::new(path, Wrong::Missing));
            }
        }
        if access == Access::Write {
            prepare(&connection).map_err(|error| of(&error))?;
        }
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// Stores a batch, all or nothing.
    ///
    /// # Errors
    /// [`Trouble`]; nothing of the batch is stored then.
    pub fn put(&mut self, entries: &[Entry], witnesses: &[WitnessEntry]) -> Result<(), Trouble> {
        let path = self.path.clone();
        self.write(entries, witnesses)
            .map_err(|error| Trouble::of(&path, &error))
    }

    fn write(&mut self, entries: &[Entry], witnesses: &[WitnessEntry]) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut observation = transaction.prepare_cached(
                "INSERT OR IGNORE INTO observation (domain, at, protection, document)
                 VALUES (?1, ?2, ?3, ?4)",
            )?;
            let mut endpoint = transaction.prepare_cached(
                "INSERT OR IGNORE INTO endpoint (observation, host, address, at, tls)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let mut old = transaction.prepare_cached(
                "DELETE FROM observation WHERE domain = ?1 AND at < (
                    SELECT at FROM observation WHERE domain = ?1
                    ORDER BY at DESC LIMIT 1 OFFSET ?2)",
            )?;
            for entry in entries {
                let at = entry.at.as_millisecond();
                let document = deflate(&entry.document);
                let new =
                    observation.execute(params![entry.domain, at, entry.protection, document])?;
                if new == 0 {
                    continue;
                }
                let id = transaction.last_insert_rowid();
                for (host, address, tls) in &entry.endpoints {
                    endpoint.execute(params![id, host, address.to_string(), at, tls])?;
                }
                old.execute(params![entry.domain, MOST_OF_ONE - 1])?;
            }
            let mut witness = transaction.prepare_cached(
                "INSERT OR IGNORE INTO witness (host, message, sender, at, tls, remark, version)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            let mut hosts = BTreeSet::new();
            for entry in witnesses {
                witness.execute(params![
                    entry.host,
                    entry.message.to_be_bytes(),
                    entry.sender,
                    entry.at.map(Timestamp::as_millisecond),
                    entry.tls,
                    entry.remark,
                    entry.version
                ])?;
                hosts.insert(entry.host.as_str());
            }
            // Once a host and batch, not once a message.
            let mut old = transaction.prepare_cached(
                "DELETE FROM witness WHERE host = ?1 AND at < (
                    SELECT at FROM witness WHERE host = ?1
                    ORDER BY at DESC LIMIT 1 OFFSET ?2)",
            )?;
            for host in hosts {
                old.execute(params![host, MOST_WITNESSES - 1])?;
            }
        }
        transaction.commit()
    }

    /// The domains, by name.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn domains(&self) -> Result<Vec<Known>, Trouble> {
        // With max(), SQLite takes the other columns from the row that has it.
        self.all(
            "SELECT domain, count(*), min(at), max(at), protection
             FROM observation GROUP BY domain ORDER BY domain",
            [],
            |row| {
                Ok(Known {
                    domain: row.get(0)?,
                    observations: row.get(1)?,
                    first: time(row.get(2)?),
                    last: time(row.get(3)?),
                    protection: row.get(4)?,
                })
            },
        )
    }

    /// Observations of a domain at or before a time, the newest first.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn of_domain(
        &self,
        domain: &str,
        until: Option<Timestamp>,
        most: usize,
    ) -> Result<Vec<Stored>, Trouble> {
        let until = until.map_or(i64::MAX, Timestamp::as_millisecond);
        self.all(
            "SELECT domain, at, document FROM observation
             WHERE domain = ?1 AND at <= ?2 ORDER BY at DESC LIMIT ?3",
            params![domain, until, count(most)],
            stored,
        )
    }

    /// The observations nearest to a time of what is asked for, the newest of
    /// all among them; without a time the newest.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn nearest(&self, seen: &Seen, at: Option<Timestamp>) -> Result<Vec<Stored>, Trouble> {
        // One on either side of the time, and the newest.
        let at = at.map_or(i64::MAX, Timestamp::as_millisecond);
        let (column, key) = match seen {
            Seen::Domain(domain) => ("", domain.clone()),
            Seen::Host(host) => ("host", host.clone()),
            Seen::Address(address) => ("address", address.to_string()),
        };
        let ids = match column {
            "" => "SELECT id FROM observation WHERE domain = ?1 AND at {} LIMIT 1".to_owned(),
            column => {
                format!("SELECT observation FROM endpoint WHERE {column} = ?1 AND at {{}} LIMIT 1")
            }
        };
        let sides = [
            "<= ?2 ORDER BY at DESC",
            ">= ?2 ORDER BY at ASC",
            ">= -1 AND ?2 IS NOT NULL ORDER BY at DESC",
        ];
        let mut found: Vec<Stored> = Vec::new();
        for side in sides {
            let ids = ids.replace("{}", side);
            let one = self.all(
                &format!("SELECT domain, at, document FROM observation WHERE id IN ({ids})"),
                params![key, at],
                stored,
            )?;
            for stored in one {
                if !found
                    .iter()
                    .any(|known| known.domain == stored.domain && known.at == stored.at)
                {
                    found.push(stored);
                }
            }
        }
        Ok(found)
    }

    /// When TLS last worked with a host at this address, or, where it never
    /// was asked there, with the host at any, before a time.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn last_tls(
        &self,
        host: &str,
        address: IpAddr,
        before: Timestamp,
    ) -> Result<Option<LastTls>, Trouble> {
        let before = before.as_millisecond();
        let ask = |query: &str, address: &str| {
            self.connection
                .prepare_cached(query)?
                .query_row(params![host, before, address], |row| {
                    let address: String = row.get(1)?;
                    Ok((row.get::<_, i64>(0)?, address))
                })
                .optional()
        };
        let here = ask(
            "SELECT at, address FROM endpoint
             WHERE host = ?1 AND at < ?2 AND address = ?3 AND tls = 1
             ORDER BY at DESC LIMIT 1",
            &address.to_string(),
        )
        .and_then(|found| match found {
            Some(found) => Ok(Some(found)),
            // Never with TLS at this address: what counts is the time before
            // it was first seen, or one of two addresses that never had TLS
            // would be told for ever as lost.
            None => ask(
                "SELECT at, address FROM endpoint
                 WHERE host = ?1 AND tls = 1 AND at < coalesce(
                    (SELECT min(at) FROM endpoint WHERE host = ?1 AND address = ?3), ?2)
                 ORDER BY at DESC LIMIT 1",
                &address.to_string(),
            ),
        })
        .map_err(|error| Trouble::of(&self.path, &error))?;
        Ok(here.map(|(at, shown)| LastTls {
            host: host.to_owned(),
            address,
            shown: shown.parse().unwrap_or(address),
            at: time(at),
        }))
    }

    /// What messages showed of a host, the newest first.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn witnesses(&self, host: &str, most: usize) -> Result<Vec<WitnessEntry>, Trouble> {
        self.all(
            "SELECT host, message, sender, at, tls, remark, version FROM witness
             WHERE host = ?1 ORDER BY at DESC LIMIT ?2",
            params![host, count(most)],
            |row| {
                let message: Vec<u8> = row.get(1)?;
                Ok(WitnessEntry {
                    host: row.get(0)?,
                    message: message.try_into().map_or(0, u64::from_be_bytes),
                    sender: row.get(2)?,
                    at: row.get::<_, Option<i64>>(3)?.map(time),
                    tls: row.get(4)?,
                    remark: row.get(5)?,
                    version: row.get(6)?,
                })
            },
        )
    }

    /// How many witnesses there are, and of how many hosts.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn witness_count(&self) -> Result<(u64, u64), Trouble> {
        self.connection
            .query_row(
                "SELECT count(*), count(DISTINCT host) FROM witness",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(|error| Trouble::of(&self.path, &error))
    }

    /// Hands over every observation, by domain and time, one after the other,
    /// until nobody listens.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn each(
        &self,
        domain: Option<&str>,
        mut tell: impl FnMut(Stored) -> bool,
    ) -> Result<(), Trouble> {
        let mut walk = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(
                "SELECT domain, at, document FROM observation
                 WHERE ?1 IS NULL OR domain = ?1 ORDER BY domain, at",
            )?;
            let mut rows = statement.query(params![domain])?;
            while let Some(row) = rows.next()? {
                if !tell(stored(row)?) {
                    break;
                }
            }
            Ok(())
        };
        walk().map_err(|error| Trouble::of(&self.path, &error))
    }

    /// Removes what is older than a time, and of each domain what is beyond
    /// the newest `keep`; then gives the room back to the disk.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn prune(
        &mut self,
        before: Option<Timestamp>,
        keep: Option<u32>,
    ) -> Result<Pruned, Trouble> {
        // What is not yet in the file proper stands in the log beside it.
        let size = |path: &Path| {
            let mut log = path.as_os_str().to_owned();
            log.push("-wal");
            [path, Path::new(&log)]
                .into_iter()
                .map(|path| std::fs::metadata(path).map_or(0, |found| found.len()))
                .sum()
        };
        let mut pruned = Pruned {
            before: size(&self.path),
            ..Pruned::default()
        };
        let path = self.path.clone();
        let mut remove = || -> rusqlite::Result<()> {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            if let Some(before) = before {
                let before = before.as_millisecond();
                pruned.observations +=
                    transaction.execute("DELETE FROM observation WHERE at < ?1", [before])? as u64;
                pruned.witnesses +=
                    transaction.execute("DELETE FROM witness WHERE at < ?1", [before])? as u64;
            }
            if let Some(keep) = keep {
                pruned.observations += transaction.execute(
                    "DELETE FROM observation WHERE id IN (
                        SELECT id FROM (
                            SELECT id, row_number() OVER (PARTITION BY domain ORDER BY at DESC) AS n
                            FROM observation)
                        WHERE n > ?1)",
                    [keep],
                )? as u64;
            }
            transaction.commit()?;
            self.connection
                .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
        };
        remove().map_err(|error| Trouble::of(&path, &error))?;
        pruned.after = size(&self.path);
        Ok(pruned)
    }

    fn all<T>(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Trouble> {
        let ask = || {
            let mut statement = self.connection.prepare_cached(query)?;
            let rows = statement.query_map(parameters, read)?;
            rows.collect::<rusqlite::Result<Vec<T>>>()
        };
        ask().map_err(|error| Trouble::of(&self.path, &error))
    }
}
