//! Reading and working on several cores at once, results in order.
//!
//! One thread walks the folders and cuts mailboxes into messages, which is
//! many times quicker than any work on them; the others work, and open the
//! small files of a folder themselves. Messages travel in batches, and no more
//! batches are on their way than a few a core: memory stays as it is.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::error::ReadError;
use super::limits::Limits;
use super::message::RawMessage;
use super::messages::{Messages, open_found};
use super::walk::Found;

/// Messages, and octets, that travel together at most.
const BATCH: usize = 16;
const BATCH_OCTETS: usize = 64 << 10;

/// Messages, and octets, that are on their way at most, however many work on
/// them: what becomes of a message takes many times its octets.
const ON_THE_WAY: usize = 6 * BATCH;
const OCTETS_ON_THE_WAY: usize = 6 * BATCH_OCTETS;

/// A file of a folder that is left to a worker: larger ones may be mailboxes
/// of many messages.
const SMALL: u64 = 256 << 10;

/// What a worker does.
enum Job {
    Message(RawMessage),
    File { found: Found, passed: u64 },
    Failed(ReadError),
}

/// Jobs in the order of the messages, or what became of them.
struct Batch<T> {
    number: u64,
    items: Vec<T>,
    permit: Permit,
}

type Inbox = Arc<Mutex<Receiver<Batch<Job>>>>;

type Done<T> = Sender<Batch<Result<T, ReadError>>>;

/// Lets one batch be on its way; given back however the batch ends.
struct Permit(Sender<()>);

impl Permit {
    fn give(to: &Sender<()>) {
        // The other side has gone where nothing more is to be read.
        let _ = to.send(());
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        Self::give(&self.0);
    }
}

impl Messages {
    /// Does `work` on every message, on so many threads at once, and hands the
    /// results to `take` in the order of the messages, until it breaks off.
    ///
    /// ```no_run
    /// use std::num::NonZeroUsize;
    /// use std::ops::ControlFlow;
    /// use std::path::Path;
    /// use starttrace::mailbox::{self, Limits};
    /// use starttrace::trace::chain::Chain;
    ///
    /// let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    /// let (mut chains, mut failures) = (0, 0);
    /// mailbox::open(Path::new("Maildir"), &Limits::default())?.in_parallel(
    ///     cores,
    ///     |message| Chain::parse(&message.octets),
    ///     |result| {
    ///         match result {
    ///             Ok(Ok(_)) => chains += 1,
    ///             _ => failures += 1,
    ///         }
    ///         ControlFlow::Continue(())
    ///     },
    /// );
    /// # Ok::<(), mailbox::ReadError>(())
    /// ```
    pub fn in_parallel<T: Send>(
        self,
        workers: NonZeroUsize,
        work: impl Fn(RawMessage) -> T + Sync,
        mut take: impl FnMut(Result<T, ReadError>) -> ControlFlow<()>,
    ) {
        let (limits, part) = (self.limits.clone(), self.part);
        let on_the_way = workers.get().saturating_mul(3);
        // As many batches as permits: no send has to wait.
        let (jobs, inbox) = channel();
        let inbox: Inbox = Arc::new(Mutex::new(inbox));
        let (done, results) = channel::<Batch<Result<T, ReadError>>>();
        let (permits, permitted) = channel();
        for _ in 0..on_the_way {
            Permit::give(&permits);
        }
        thread::scope(|scope| {
            let most = Most {
                messages: (ON_THE_WAY / on_the_way).clamp(1, BATCH),
                octets: (OCTETS_ON_THE_WAY / on_the_way).clamp(1, BATCH_OCTETS),
            };
            scope.spawn(move || produce(self, most, &jobs, &permits, &permitted));
            for _ in 0..workers.get() {
                let (done, inbox) = (done.clone(), Arc::clone(&inbox));
                let worker = Worker {
                    limits: &limits,
                    part,
                    work: &work,
                };
                scope.spawn(move || worker.run(&inbox, &done));
            }
            // Each end goes when its last thread does, and the others follow.
            drop((done, inbox));
            let mut waiting = BTreeMap::new();
            let mut next = 0;
            for batch in results {
                waiting.insert(batch.number, batch);
                while let Some(batch) = waiting.remove(&next) {
                    next += 1;
                    for result in batch.items {
                        if take(result).is_break() {
                            return;
                        }
                    }
                }
            }
        });
    }

    /// The next job, without opening what a worker can open.
    fn job(&mut self) -> Option<Job> {
        if self.reader.is_some() {
            return self.item();
        }
        match self.walk.next()? {
            Err(error) => Some(Job::Failed(error)),
            Ok(found) => match found.size {
                Some(size) if size <= SMALL => {
                    let passed = self.passed;
                    self.passed += size;
                    Some(Job::File { found, passed })
                }
                _ => match self.start(&found) {
                    Err(error) => Some(Job::Failed(error)),
                    Ok(()) => self.item(),
                },
            },
        }
    }

    fn item(&mut self) -> Option<Job> {
        self.next().map(|item| match item {
            Ok(message) => Job::Message(message),
            Err(error) => Job::Failed(error),
        })
    }
}

/// What travels together.
#[derive(Clone, Copy)]
struct Most {
    messages: usize,
    octets: usize,
}

fn produce(
    mut messages: Messages,
    most: Most,
    jobs: &Sender<Batch<Job>>,
    permits: &Sender<()>,
    permitted: &Receiver<()>,
) {
    for number in 0.. {
        if permitted.recv().is_err() {
            return;
        }
        let permit = Permit(permits.clone());
        let mut items = Vec::with_capacity(most.messages);
        let mut octets = 0;
        while items.len() < most.messages && octets < most.octets {
            let Some(job) = messages.job() else {
                break;
            };
            octets += match &job {
                Job::Message(message) => message.octets.len(),
                Job::File { found, .. } => found
                    .size
                    .and_then(|size| usize::try_from(size).ok())
                    .unwrap_or_default(),
                Job::Failed(_) => 0,
            };
            items.push(job);
        }
        let batch = Batch {
            number,
            items,
            permit,
        };
        if batch.items.is_empty() || jobs.send(batch).is_err() {
            return;
        }
    }
}

struct Worker<'a, W> {
    limits: &'a Limits,
    part: Option<usize>,
    work: &'a W,
}

impl<W> Worker<'_, W> {
    fn run<T>(&self, inbox: &Inbox, done: &Done<T>)
    where
        W: Fn(RawMessage) -> T,
    {
        let mut spare = Vec::new();
        loop {
            // A worker that panicked while it waited left the channel whole.
            let next = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(batch) = next else {
                return;
            };
            let permit = batch.permit;
            let mut results = Vec::with_capacity(batch.items.len());
            for job in batch.items {
                match job {
                    Job::Message(message) => results.push(Ok((self.work)(message))),
                    Job::Failed(error) => results.push(Err(error)),
                    Job::File { found, passed } => {
                        self.file(&found, passed, &mut spare, &mut results);
                    }
                }
            }
            let results = Batch {
                number: batch.number,
                items: results,
                permit,
            };
            if done.send(results).is_err() {
                return;
            }
        }
    }

    fn file<T>(
        &self,
        found: &Found,
        passed: u64,
        spare: &mut Vec<u8>,
        results: &mut Vec<Result<T, ReadError>>,
    ) where
        W: Fn(RawMessage) -> T,
    {
        match open_found(found, std::mem::take(spare), self.limits) {
            Err(error) => results.push(Err(error)),
            Ok(mut reader) => {
                while let Some(item) = reader.next(self.limits, self.part) {
                    results.push(item.map(|mut message| {
                        message.size_so_far += passed;
                        (self.work)(message)
                    }));
                }
                *spare = reader.into_buffer();
            }
        }
    }
}
