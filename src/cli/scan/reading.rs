//! The list: read once beforehand to know it, and once more to scan it.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::Path;

use tokio::sync::mpsc;

use crate::cli::args::Scan;
use crate::cli::output::{Trouble, complain};
use crate::scan::journal::Done;
use crate::scan::list::{Entry, ListError, Reader, Shard};

use super::here;

/// How many lines are read ahead.
const READ_AHEAD: usize = 256;

/// What one reading of the list tells.
pub(super) struct Survey {
    pub(super) hash: String,
    /// Lines that get an answer, in this share.
    pub(super) lines: u64,
}

pub(super) fn is_file(path: &Path) -> bool {
    path != Path::new("-") && std::fs::metadata(path).is_ok_and(|about| about.is_file())
}

fn open(path: &Path) -> Result<Box<dyn io::Read + Send>, Trouble> {
    if path == Path::new("-") {
        if io::stdin().is_terminal() {
            complain("reading the list from the terminal; end it with Ctrl-D");
        }
        return Ok(Box::new(io::stdin()));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Trouble::usage(format!(
            "cannot read {}: {error}",
            path.display()
        ))),
    }
}

/// Reads the whole list once, keeping nothing of it.
pub(super) fn survey(args: &Scan, shard: Shard) -> Result<Survey, Trouble> {
    let mut reader = Reader::new(open(&args.list)?, args.column.clone());
    let mut lines = 0;
    for entry in &mut reader {
        let entry = entry.map_err(|error| {
            Trouble::usage(format!("cannot read {}: {error}", args.list.display()))
        })?;
        lines += u64::from(shard.holds(&entry));
    }
    Ok(Survey {
        hash: reader.hash(),
        lines,
    })
}

/// A thread that reads; it ends with the hash of what it read.
pub(super) type Reading = std::thread::JoinHandle<Option<String>>;

/// Reads the list in a thread of its own, and hands over what is to be done.
pub(super) fn read(
    args: &Scan,
    shard: Shard,
    done: Done,
) -> Result<(Reading, mpsc::Receiver<Result<Entry, ListError>>), Trouble> {
    let input = open(&args.list)?;
    let column = args.column.clone();
    let (sender, entries) = mpsc::channel(READ_AHEAD);
    let reading = std::thread::Builder::new()
        .name("list".to_owned())
        .spawn(move || {
            let mut reader = Reader::new(input, column);
            for entry in &mut reader {
                if let Ok(entry) = &entry
                    && (!shard.holds(entry) || done.has(entry.line))
                {
                    continue;
                }
                if sender.blocking_send(entry).is_err() {
                    return None;
                }
            }
            Some(reader.hash())
        })
        .map_err(|error| here(error.to_string()))?;
    Ok((reading, entries))
}
