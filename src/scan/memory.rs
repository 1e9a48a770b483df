//! The history beside a scan: what earlier probes saw, and what this one stores
//! for later ones.
//!
//! Entry point: [`Memory::open`]. Nothing here makes a scan fail or wait: what is
//! stored is written in batches by a thread of its own, and dropped, and counted,
//! where the disk is too slow; trouble is told once, at the end.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::history::{Access, Entry, Recorder, Store, Trouble};
use crate::observed::domain::DomainObservation;
use crate::report::json;
use crate::verdict::{Verdict, lost};

/// A history in use.
#[derive(Debug)]
pub struct Memory {
    recorder: Mutex<Option<Recorder>>,
    /// None where it cannot be read, or no longer.
    store: Mutex<Option<Store>>,
    trouble: Mutex<Option<Trouble>>,
}

impl Memory {
    /// Opens the file, and makes it where it is not.
    ///
    /// # Errors
    /// [`Trouble`], to be told as a warning: the scan goes on without.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        let recorder = Recorder::start(path)?;
        let store = Store::open(path, Access::Read)?;
        Ok(Self {
            recorder: Mutex::new(Some(recorder)),
            store: Mutex::new(Some(store)),
            trouble: Mutex::default(),
        })
    }

    /// Adds to a verdict what was there before and no longer is. The file is
    /// asked for endpoints without STARTTLS alone, which are few.
    pub fn compare(&self, verdict: &mut Verdict, observation: &DomainObservation) {
        let mut past = Vec::new();
        for (host, address) in lost::lacking(observation) {
            let mut store = lock(&self.store);
            let Some(open) = store.as_ref() else { return };
            match open.last_tls(host.as_str(), address, observation.at) {
                Ok(last) => past.extend(last),
                Err(trouble) => {
                    *store = None;
                    lock(&self.trouble).get_or_insert(trouble);
                }
            }
        }
        lost::remember(verdict, observation, &past);
    }

    /// What is to be stored of a domain.
    #[must_use]
    pub fn entry(observation: &DomainObservation, verdict: &Verdict) -> Entry {
        let document = json::domain_report(observation, verdict).to_string();
        Entry::new(observation, verdict, document)
    }

    /// Has it stored.
    pub fn store(&self, entry: Entry) {
        if let Some(recorder) = &*lock(&self.recorder) {
            recorder.observation(entry);
        }
    }

    /// Waits, not for long, until all is written.
    ///
    /// # Errors
    /// The first [`Trouble`] there was, to be told as a warning.
    pub fn finish(&self) -> Result<(), Trouble> {
        let recorder = lock(&self.recorder).take();
        let written = recorder.map_or(Ok(()), Recorder::finish);
        match lock(&self.trouble).take() {
            Some(trouble) => Err(trouble),
            None => written,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
