//! Writing results: a thread of its own, since a disk may be slow.
//!
//! Entry point: [`Output::start`]. What is sent is written in whole lines, a few
//! milliseconds after it came, several at a time where several are there.

use std::io::{self, Write};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::scan::journal::{Journal, Unwritten};

/// How many lines may wait to be written.
const WAITING: usize = 1024;

/// How much is written at once.
const AT_ONCE: usize = 256 * 1024;

/// How long more is waited for when something came: to be woken and to write for
/// each line of hundreds a second costs more than the line.
const GATHERED: Duration = Duration::from_millis(5);

/// Where lines go.
#[derive(Debug)]
pub enum Sink {
    Journal(Journal),
    Stdout,
}

/// The thread that writes.
#[derive(Debug)]
pub struct Output {
    thread: JoinHandle<Written>,
}

/// What became of the lines.
#[derive(Debug)]
pub struct Written {
    /// Lines that were written whole.
    pub lines: u64,
    pub error: Option<io::Error>,
    /// The sink, to go on with.
    pub sink: Sink,
}

impl Output {
    /// Starts the thread; it ends when the sender is dropped, or when nothing
    /// more can be written.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(sink: Sink) -> io::Result<(Self, mpsc::Sender<String>)> {
        let (sender, lines) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("results".to_owned())
            .spawn(move || write(sink, lines))?;
        Ok((Self { thread }, sender))
    }

    /// Waits for the thread to end.
    ///
    /// # Errors
    /// When the thread is gone without a word.
    pub fn finish(self) -> io::Result<Written> {
        self.thread
            .join()
            .map_err(|_| io::Error::other("the thread that writes results is gone"))
    }
}

fn write(mut sink: Sink, mut lines: mpsc::Receiver<String>) -> Written {
    let mut written = 0;
    let mut batch = String::new();
    let mut error = None;
    while let Some(line) = lines.blocking_recv() {
        std::thread::sleep(GATHERED);
        batch.clear();
        batch.push_str(&line);
        let mut count = 1;
        while batch.len() < AT_ONCE
            && let Ok(line) = lines.try_recv()
        {
            batch.push_str(&line);
            count += 1;
        }
        if let Err(failed) = sink.append(batch.as_bytes()) {
            written += batch.as_bytes()[..failed.kept]
                .iter()
                .filter(|octet| **octet == b'\n')
                .count() as u64;
            error = Some(failed.error);
            break;
        }
        written += count;
    }
    if let Err(failed) = sink.sync() {
        error.get_or_insert(failed);
    }
    Written {
        lines: written,
        error,
        sink,
    }
}

impl Sink {
    /// Writes whole lines.
    ///
    /// # Errors
    /// When they could not all be written.
    pub fn append(&mut self, lines: &[u8]) -> Result<(), Unwritten> {
        match self {
            Self::Journal(journal) => journal.append(lines),
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout
                    .write_all(lines)
                    .and_then(|()| stdout.flush())
                    .map_err(|error| Unwritten { error, kept: 0 })
            }
        }
    }

    /// Forces what was written to where it lasts.
    ///
    /// # Errors
    /// When that fails.
    pub fn sync(&mut self) -> io::Result<()> {
        match self {
            Self::Journal(journal) => journal.sync(),
            Self::Stdout => Ok(()),
        }
    }
}
