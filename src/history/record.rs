//! What goes into the file and comes out of it, row by row.

use std::io::{Read, Write};
use std::net::IpAddr;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use rusqlite::Row;

use crate::observed::domain::DomainObservation;
use crate::verdict::{Sight, Verdict, sight_from_here};

/// Octets that one stored document may grow to when it is expanded.
const MOST_EXPANDED: u64 = 32 << 20;

/// One observation to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub(super) domain: String,
    pub(super) at: Timestamp,
    pub(super) protection: &'static str,
    /// The published document.
    pub(super) document: String,
    pub(super) endpoints: Vec<(String, IpAddr, Option<bool>)>,
}

impl Entry {
    /// What was seen and what it means, with the document that was published
    /// of it.
    #[must_use]
    pub fn new(observation: &DomainObservation, verdict: &Verdict, document: String) -> Self {
        let endpoints = observation.hosts.iter().flat_map(|host| {
            host.endpoints.iter().map(|endpoint| {
                let tls = match sight_from_here(observation, endpoint) {
                    Sight::Tls(_) | Sight::Unproved { .. } => Some(true),
                    Sight::NoTls { .. } => Some(false),
                    Sight::NotSeen(_) => None,
                };
                (host.host.as_str().to_owned(), endpoint.address, tls)
            })
        });
        Self {
            domain: observation.domain.to_string(),
            at: observation.at,
            protection: verdict.protection.word(),
            document,
            endpoints: endpoints.collect(),
        }
    }

    /// Octets of its document.
    pub(super) fn size(&self) -> usize {
        self.document.len()
    }
}

/// What one message shows of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessEntry {
    pub host: String,
    /// What is the message's own, so that it counts once.
    pub message: u64,
    /// A registrable domain or an address; empty where there is neither.
    pub sender: String,
    pub at: Option<Timestamp>,
    /// Recorded as TLS; else it was silent.
    pub tls: bool,
    /// It recorded more than the keyword.
    pub remark: bool,
    /// The TLS version by its name.
    pub version: Option<String>,
}

/// A domain that the history knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub domain: String,
    pub observations: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// The level that was last seen.
    pub protection: String,
}

/// A stored observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub domain: String,
    pub at: Timestamp,
    /// The published document, as it was written.
    pub document: String,
}

/// What a stored observation is asked for by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Seen {
    Domain(String),
    Host(String),
    Address(IpAddr),
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    pub observations: u64,
    pub witnesses: u64,
    /// Octets of the file before and after.
    pub before: u64,
    pub after: u64,
}

pub(super) fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let document: Vec<u8> = row.get(2)?;
    Ok(Stored {
        domain: row.get(0)?,
        at: time(row.get(1)?),
        document: inflate(&document),
    })
}

/// Milliseconds of a file that anybody may have written: what is no time is
/// the nearest that is one.
pub(super) fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(if milliseconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

pub(super) fn count(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

pub(super) fn deflate(text: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(text.as_bytes())
        .and_then(|()| encoder.finish())
        .expect("writing to memory cannot fail")
}

/// What does not expand is an empty document, which whoever reads it will
/// refuse with its place.
fn inflate(octets: &[u8]) -> String {
    let mut text = String::new();
    match DeflateDecoder::new(octets)
        .take(MOST_EXPANDED)
        .read_to_string(&mut text)
    {
        Ok(_) => text,
        Err(_) => String::new(),
    }
}
