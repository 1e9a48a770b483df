//! Writing beside a run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use super::record::{Entry, WitnessEntry};
use super::store::{Access, Store};
use super::trouble::{Trouble, Wrong};

/// Entries that wait for the disk.
const MOST_WAITING: usize = 4_096;

/// Octets of theirs, so that large reports cannot fill the memory.
const MOST_OCTETS: usize = 32 << 20;

/// Entries written at once.
const BATCH: usize = 256;

/// How long an entry waits for others to be written with.
const IDLE: Duration = Duration::from_millis(500);

/// How long the end of a run waits for the last batch.
const LAST: Duration = Duration::from_secs(10);

/// Attempts to write a batch that another process keeps from being written.
const MOST_ATTEMPTS: u32 = 3;

/// Takes entries from a run and writes them from a thread of its own. Giving
/// it one never waits.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    entries: Option<SyncSender<Item>>,
    done: Receiver<Result<(), Trouble>>,
    lost: Arc<AtomicU64>,
    /// Octets that wait.
    waiting: Arc<AtomicUsize>,
}

#[derive(Debug)]
enum Item {
    Observation(Box<Entry>),
    Witness(WitnessEntry),
}

impl Recorder {
    /// Opens the file, and makes it where it is not.
    ///
    /// # Errors
    /// [`Trouble`], to be told as a warning: the run goes on without.
    pub fn start(path: &Path) -> Result<Self, Trouble> {
        let store = Store::open(path, Access::Write)?;
        let (entries, incoming) = mpsc::sync_channel(MOST_WAITING);
        let (outcome, done) = mpsc::channel();
        let waiting = Arc::default();
        let written = Arc::clone(&waiting);
        thread::Builder::new()
            .name("history".into())
            .spawn(move || {
                // Nobody listens any more where the run did not wait.
                let _ = outcome.send(write(store, &incoming, &written));
            })
            .map_err(|error| Trouble::new(path, Wrong::Other(error.to_string())))?;
        Ok(Self {
            path: path.to_owned(),
            entries: Some(entries),
            done,
            lost: Arc::default(),
            waiting,
        })
    }

    /// Has an observation stored.
    pub fn observation(&self, entry: Entry) {
        self.give(Item::Observation(Box::new(entry)));
    }

    /// Has a witness stored.
    pub fn witness(&self, entry: WitnessEntry) {
        self.give(Item::Witness(entry));
    }

    fn give(&self, item: Item) {
        let Some(entries) = &self.entries else { return };
        let size = item.size();
        let waiting = self.waiting.fetch_add(size, Ordering::Relaxed);
        // One that is large for itself is taken when nothing else waits.
        let room = waiting == 0 || waiting.saturating_add(size) <= MOST_OCTETS;
        if !room || entries.try_send(item).is_err() {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has the rest written, for as long as a run may be held up by it.
    ///
    /// # Errors
    /// The first [`Trouble`] there was, to be told as a warning.
    pub fn finish(mut self) -> Result<(), Trouble> {
        drop(self.entries.take());
        match self.done.recv_timeout(LAST) {
            Ok(Ok(())) => match self.lost.load(Ordering::Relaxed) {
                0 => Ok(()),
                lost => Err(Trouble::new(&self.path, Wrong::TooSlow { lost })),
            },
            Ok(Err(trouble)) => Err(trouble),
            Err(_) => Err(Trouble::new(&self.path, Wrong::Locked)),
        }
    }
}

impl Item {
    fn size(&self) -> usize {
        match self {
            Self::Observation(entry) => entry.size(),
            // A line of text or two.
            Self::Witness(_) => 0,
        }
    }
}

fn write(
    mut store: Store,
    incoming: &Receiver<Item>,
    waiting: &AtomicUsize,
) -> Result<(), Trouble> {
    let mut entries = Vec::new();
    let mut witnesses = Vec::new();
    let mut octets = 0;
    loop {
        let ended = match incoming.recv_timeout(IDLE) {
            Ok(item) => {
                octets += item.size();
                match item {
                    Item::Observation(entry) => entries.push(*entry),
                    Item::Witness(entry) => witnesses.push(entry),
                }
                if entries.len() + witnesses.len() < BATCH && octets < MOST_OCTETS / 2 {
                    continue;
                }
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        if !entries.is_empty() || !witnesses.is_empty() {
            put(&mut store, &entries, &witnesses)?;
            entries.clear();
            witnesses.clear();
            waiting.fetch_sub(std::mem::take(&mut octets), Ordering::Relaxed);
        }
        if ended {
            return Ok(());
        }
    }
}

/// Writes a batch; another process that writes is waited for, not for long.
fn put(store: &mut Store, entries: &[Entry], witnesses: &[WitnessEntry]) -> Result<(), Trouble> {
    let mut attempt = 1;
    loop {
        match store.put(entries, witnesses) {
            Err(trouble) if trouble.is_passing() && attempt < MOST_ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
    }
}
