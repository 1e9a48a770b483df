//! Lines that wait: for another try, or for their place in the output.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// The most lines that wait for another try. When there are more, the first
/// are tried before the rest of the list.
const MOST_LATER: usize = 100_000;

/// The most lines, and octets, that wait for their place.
const MOST_OUT_OF_ORDER: u64 = 20_000;
const MOST_OCTETS: usize = 64 * 1024 * 1024;

/// What is tried again, in the order it was put there.
#[derive(Debug)]
pub(super) struct Later<T> {
    queue: VecDeque<(Instant, T)>,
    after: Duration,
}

impl<T> Later<T> {
    pub(super) fn new(after: Duration) -> Self {
        Self {
            queue: VecDeque::new(),
            after,
        }
    }

    pub(super) fn put(&mut self, job: T) {
        self.queue.push_back((Instant::now() + self.after, job));
    }

    /// The next one, if its time has come and either the rest is done or too
    /// many wait.
    pub(super) fn ready(&mut self, rest_is_done: bool) -> Option<T> {
        let (at, _) = self.queue.front()?;
        let turn = rest_is_done || self.queue.len() > MOST_LATER;
        if !turn || *at > Instant::now() {
            return None;
        }
        self.queue.pop_front().map(|(_, job)| job)
    }

    /// When the next one's time comes.
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.front().map(|(at, _)| *at)
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

/// Results that came before those of earlier lines.
#[derive(Debug, Default)]
pub(super) struct InOrder {
    held: BTreeMap<u64, String>,
    octets: usize,
    next: u64,
}

impl InOrder {
    /// Whether a line with this place may be begun.
    pub(super) fn has_room(&self, place: u64) -> bool {
        place - self.next < MOST_OUT_OF_ORDER && self.octets < MOST_OCTETS
    }

    /// Takes a result, and gives those whose turn it is.
    pub(super) fn put(&mut self, place: u64, line: String) -> Vec<String> {
        self.octets += line.len();
        self.held.insert(place, line);
        let mut out = Vec::new();
        while let Some(line) = self.held.remove(&self.next) {
            self.octets -= line.len();
            self.next += 1;
            out.push(line);
        }
        out
    }
}
