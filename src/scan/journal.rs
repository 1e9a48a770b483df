//! The file of results, which is also the memory of what is done.
//!
//! Entry points: [`Journal::open`] for a new scan or one that goes on, then
//! [`Journal::append`] with whole lines. A file of results that a scan was
//! killed over may end in half a line, or, after a power cut, in octets that
//! were never written: what no whole line follows is cut off, and what stood
//! there is done again. A file with a line in its middle that is none of ours is
//! not touched.
//!
//! Lines are handed to the operating system at once and to the disk every few
//! seconds and at the end: after `kill -9` nothing is lost, after a power cut the
//! last seconds may be, and are done again. A disk that is full leaves the file
//! ending in a whole line. One scan at a time has the file, by an advisory lock.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::report::json::scan::{Journalled, RunData};
use crate::scan::tally::{Counted, Tally};

/// How often what was written is forced to the disk.
const SYNC_EVERY: Duration = Duration::from_secs(5);

/// The longest line of results that is read back: a full report of a domain
/// with many hosts is far below it.
const LONGEST_RESULT: usize = 64 * 1024 * 1024;

/// Where results go.
#[derive(Debug)]
pub struct Journal {
    file: File,
    /// Whether it can be cut: a device cannot.
    regular: bool,
    synced: Instant,
    dirty: bool,
}

/// Lines that could not all be written.
#[derive(Debug)]
pub struct Unwritten {
    pub error: io::Error,
    /// Octets, from the first, that were.
    pub kept: usize,
}

impl Unwritten {
    fn all(error: io::Error) -> Self {
        Self { error, kept: 0 }
    }
}

/// What an earlier run left.
#[derive(Debug)]
pub struct Past {
    /// The first start, and the last.
    pub run: RunData,
    pub latest: RunData,
    pub done: Done,
    pub tally: Tally,
    /// A summary stands at the end.
    pub ended: bool,
    /// Octets cut off the end.
    pub cut: u64,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub enum JournalError {
    Io(io::Error),
    /// Another process has it.
    Busy,
    /// It holds something, and was not to be resumed.
    NotEmpty,
    /// This line is none of a scan.
    Foreign(u64),
    /// It does not begin with a `run` line.
    NoRun,
    /// Written by a later version of this program.
    Newer(String),
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Busy => f.write_str("another scan is writing to it"),
            Self::NotEmpty => f.write_str(
                "it holds something already: go on with it by --resume, or name another file",
            ),
            Self::Foreign(line) => write!(
                f,
                "its line {line} was not written by a scan, though others follow: it was left as \
                 it is"
            ),
            Self::NoRun => {
                f.write_str("it is not the output of a scan: it begins with no run line")
            }
            Self::Newer(schema) => write!(
                f,
                "it was written in format {schema} by a later version, which this one could harm"
            ),
        }
    }
}

impl std::error::Error for JournalError {}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Journal {
    /// Opens the file, for this process alone. With `resume`, what an earlier
    /// run left there is read; none where there is nothing.
    ///
    /// # Errors
    /// When it cannot be opened, or must not be touched.
    pub fn open(path: &Path, resume: bool) -> Result<(Self, Option<Past>), JournalError> {
        let existed = std::fs::metadata(path).ok();
        let regular = existed.as_ref().is_none_or(std::fs::Metadata::is_file);
        let file = OpenOptions::new()
            .read(regular)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut journal = Self {
            file,
            regular,
            synced: Instant::now(),
            dirty: false,
        };
        if !regular {
            return Ok((journal, None));
        }
        lock(&journal.file)?;
        if journal.file.metadata()?.len() == 0 {
            return Ok((journal, None));
        }
        if !resume {
            return Err(JournalError::NotEmpty);
        }
        let past = journal.read_back()?;
        Ok((journal, past))
    }

    /// Reads what is there, and cuts off what is no whole line at its end.
    fn read_back(&mut self) -> Result<Option<Past>, JournalError> {
        let length = self.file.metadata()?.len();
        let mut reader = BufReader::with_capacity(256 * 1024, &self.file);
        let mut past: Option<Past> = None;
        let mut whole = 0_u64;
        let mut number = 0_u64;
        let mut bad = None;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut reader)
                .take(LONGEST_RESULT as u64)
                .read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            number += 1;
            let parsed = line.strip_suffix(b"\n").and_then(Journalled::parse);
            match (parsed, bad) {
                (None, None) => bad = Some(number),
                (None, Some(_)) => {}
                (Some(_), Some(bad)) => return Err(JournalError::Foreign(bad)),
                (Some(parsed), None) => {
                    take(&mut past, parsed)?;
                    whole += read as u64;
                }
            }
        }
        if whole == 0 && length > 0 && !begins_like_ours(&self.file)? {
            return Err(JournalError::NoRun);
        }
        if whole < length {
            self.file.set_len(whole)?;
        }
        self.file.seek(SeekFrom::Start(whole))?;
        if let Some(past) = &mut past {
            past.cut = length - whole;
        }
        Ok(past)
    }

    /// Writes whole lines.
    ///
    /// # Errors
    /// When not all could be written; the file then ends in a whole line.
    pub fn append(&mut self, lines: &[u8]) -> Result<(), Unwritten> {
        let before = if self.regular {
            self.file.stream_position().map_err(Unwritten::all)?
        } else {
            0
        };
        self.dirty = true;
        if let Err(error) = self.file.write_all(lines) {
            let kept = if self.regular {
                self.cut_to_whole(before, lines)
            } else {
                0
            };
            return Err(Unwritten { error, kept });
        }
        if self.synced.elapsed() >= SYNC_EVERY {
            self.sync().map_err(Unwritten::all)?;
        }
        Ok(())
    }

    /// Cuts off the half line that a failed write left behind; how many octets
    /// of whole lines are left.
    fn cut_to_whole(&mut self, before: u64, lines: &[u8]) -> usize {
        let Ok(now) = self.file.metadata().map(|about| about.len()) else {
            return 0;
        };
        let written = usize::try_from(now.saturating_sub(before)).unwrap_or(0);
        let whole = lines[..written.min(lines.len())]
            .iter()
            .rposition(|octet| *octet == b'\n')
            .map_or(0, |at| at + 1);
        let end = before + whole as u64;
        // Where even that fails, the half line is cut when the scan goes on.
        let _ = self.file.set_len(end);
        let _ = self.file.seek(SeekFrom::Start(end));
        whole
    }

    /// Forces what was written to the disk.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn sync(&mut self) -> io::Result<()> {
        self.synced = Instant::now();
        if !std::mem::take(&mut self.dirty) || !self.regular {
            return Ok(());
        }
        self.file.sync_data()
    }
}

/// Takes note of one line of an earlier run.
fn take(past: &mut Option<Past>, line: Journalled) -> Result<(), JournalError> {
    if line.is_newer() {
        return Err(JournalError::Newer(line.schema().to_owned()));
    }
    match (line, &mut *past) {
        (Journalled::Run { data, .. }, None) => {
            *past = Some(Past {
                latest: data.clone(),
                run: data,
                done: Done::default(),
                tally: Tally::default(),
                ended: false,
                cut: 0,
            });
        }
        (Journalled::Run { data, .. }, Some(past)) => past.latest = data,
        (_, None) => return Err(JournalError::NoRun),
        (Journalled::Domain { data, .. }, Some(past)) => {
            // A line that stands there twice counts once.
            if past.done.add(data.input.line) {
                past.tally.add(&Counted::of_journalled(&data));
            }
            past.ended = false;
        }
        (Journalled::Summary { .. }, Some(past)) => past.ended = true,
    }
    Ok(())
}

/// Whether a file without one whole line may be the beginning of ours, cut
/// through its first line, or nothing but zeros.
fn begins_like_ours(mut file: &File) -> io::Result<bool> {
    const OURS: &[u8] = br#"{"schema":"#;
    file.seek(SeekFrom::Start(0))?;
    let mut first = Vec::new();
    file.take(OURS.len() as u64).read_to_end(&mut first)?;
    Ok(OURS.starts_with(&first) || first.iter().all(|octet| *octet == 0))
}

#[cfg(unix)]
fn lock(file: &File) -> Result<(), JournalError> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(Errno::WOULDBLOCK) => Err(JournalError::Busy),
        // File systems without locks must not keep a scan from running.
        Err(Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS) => Ok(()),
        Err(error) => Err(JournalError::Io(error.into())),
    }
}

#[cfg(not(unix))]
fn lock(_: &File) -> Result<(), JournalError> {
    Ok(())
}

/// Line numbers, a bit each.
#[derive(Debug, Clone, Default)]
pub struct Done {
    words: Vec<u64>,
    count: u64,
}

impl Done {
    /// The longest list that can be resumed, in lines: half a gigabyte of bits.
    const MOST: u64 = 1 << 32;

    /// Adds a line; whether it is new.
    pub fn add(&mut self, line: u64) -> bool {
        let Some((word, bit)) = Self::place(line) else {
            return false;
        };
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += u64::from(new);
        new
    }

    /// Whether a line was added.
    #[must_use]
    pub fn has(&self, line: u64) -> bool {
        Self::place(line)
            .is_some_and(|(word, bit)| self.words.get(word).is_some_and(|held| held & bit != 0))
    }

    /// How many were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    fn place(line: u64) -> Option<(usize, u64)> {
        let word = usize::try_from(line / 64).ok()?;
        (line < Self::MOST).then_some((word, 1 << (line % 64)))
    }
}

#[cfg(test)]
mod tests;
