//! The history beside a run: what it remembers of earlier ones, and what it
//! stores for later ones. Nothing here makes a run fail: trouble is told once,
//! and the run goes on without.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use crate::cli::args::Remembering;
use crate::cli::output::complain;
use crate::explain::pair;
use crate::history::{Access, Entry, Recorder, Seen, Store, Stored, Trouble, WitnessEntry, Wrong};
use crate::name::HostName;
use crate::observed::domain::DomainObservation;
use crate::report::json;
use crate::report::json::read::{self, Document};
use crate::tls::parameters::VersionLabel;
use crate::trace::chain::Chain;
use crate::trace::witness::{self, Recalled, Witnesses, lasting_identity};
use crate::verdict::{Verdict, lost};

/// Stored observations that one message may bring back.
const MOST_FOR_ONE: usize = 48;

/// Answers kept for later messages, which mostly went the same way.
const MOST_KEPT: usize = 512;

/// Messages of a run that are told from those that are kept.
const MOST_HEARD: usize = 400_000;

/// Silent hosts of a run of which earlier messages are asked for, and how much
/// is taken of each.
const MOST_RECALLED: usize = 512;
const MOST_ROWS: usize = 1_000;

/// What was asked, of which second, and what came back.
type Known = HashMap<(Seen, Option<i64>), Vec<DomainObservation>>;

/// The history, where one was asked for and can be used.
pub struct Memory {
    recorder: Option<Recorder>,
    store: Option<Store>,
    told: Cell<bool>,
    known: RefCell<Known>,
    /// The messages of this run.
    heard: RefCell<HashSet<u64>>,
}

impl Memory {
    /// Opens the history that the flags name, if they name one.
    pub fn open(flags: &Remembering) -> Self {
        let mut memory = Self {
            recorder: None,
            store: None,
            told: Cell::new(false),
            known: RefCell::default(),
            heard: RefCell::default(),
        };
        let Some(path) = flags.path() else {
            return memory;
        };
        match Recorder::start(path) {
            Ok(recorder) => memory.recorder = Some(recorder),
            Err(trouble) => {
                memory.tell(&trouble, "nothing is stored");
                // What cannot be written may still be read.
                if trouble.wrong != Wrong::ReadOnly {
                    return memory;
                }
            }
        }
        memory.store = memory.ask(|| Store::open(path, Access::Read));
        memory
    }

    /// Has an observation stored, with what it means.
    pub fn store(&self, observation: &DomainObservation, verdict: &Verdict) {
        if let Some(recorder) = &self.recorder {
            let document = json::domain_report(observation, verdict).to_string();
            recorder.observation(Entry::new(observation, verdict, document));
        }
    }

    /// Adds to a verdict what was there before and no longer is.
    pub fn compare(&self, verdict: &mut Verdict, observation: &DomainObservation) {
        let Some(store) = &self.store else { return };
        let past: Vec<_> = lost::lacking(observation)
            .filter_map(|(host, address)| {
                self.ask(|| store.last_tls(host.as_str(), address, observation.at))
                    .flatten()
            })
            .collect();
        lost::remember(verdict, observation, &past);
    }

    /// What earlier probes saw of the hosts of a message: nearest to the time
    /// of each hop, and the newest.
    pub fn earlier(&self, chain: &Chain) -> Vec<DomainObservation> {
        let Some(store) = &self.store else {
            return Vec::new();
        };
        let mut earlier: Vec<DomainObservation> = Vec::new();
        for hop in chain.hops.iter().filter(|hop| pair::needs_probe(hop)) {
            let at = hop.received.date.as_ref().map(|date| date.at.timestamp());
            let by = hop.received.by.as_ref();
            let host = by
                .and_then(|by| by.host.as_deref())
                .and_then(|name| HostName::parse(name).ok());
            let asked = [
                pair::recipient_domain(chain, hop).map(|domain| Seen::Domain(domain.to_string())),
                host.map(|host| Seen::Host(host.as_str().to_owned())),
                by.and_then(|by| by.ip).map(Seen::Address),
            ];
            for seen in asked.into_iter().flatten() {
                for observation in self.nearest(store, seen, at) {
                    let known = earlier
                        .iter()
                        .any(|o| o.domain == observation.domain && o.at == observation.at);
                    if !known {
                        earlier.push(observation);
                    }
                }
            }
            if earlier.len() >= MOST_FOR_ONE {
                break;
            }
        }
        earlier
    }

    fn nearest(
        &self,
        store: &Store,
        seen: Seen,
        at: Option<jiff::Timestamp>,
    ) -> Vec<DomainObservation> {
        let key = (seen, at.map(jiff::Timestamp::as_second));
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let found = self.ask(|| store.nearest(&key.0, at)).unwrap_or_default();
        let found: Vec<_> = found.iter().filter_map(observation).collect();
        let mut known = self.known.borrow_mut();
        if known.len() < MOST_KEPT {
            known.insert(key, found.clone());
        }
        found
    }

    /// Notes that a message is part of this run: what is kept of it bears no
    /// witness a second time.
    pub fn hear(&self, chain: &Chain) {
        let mut heard = self.heard.borrow_mut();
        if self.store.is_some() && heard.len() < MOST_HEARD {
            heard.insert(lasting_identity(&chain.hops));
        }
    }

    /// Has what a message shows of the hosts that took it stored.
    pub fn witness(&self, chain: &Chain) {
        let Some(recorder) = &self.recorder else {
            return;
        };
        for row in witness::rows(&chain.hops) {
            recorder.witness(WitnessEntry {
                host: row.host,
                message: row.message,
                sender: row.sender,
                at: row.at,
                tls: row.tls,
                remark: row.remark,
                version: row.version.map(|version| version.name().to_owned()),
            });
        }
    }

    /// Adds what earlier messages showed of the hosts that took one of these
    /// in silence.
    pub fn recall(&self, witnesses: &mut Witnesses) {
        let Some(store) = &self.store else { return };
        let heard = self.heard.borrow();
        // Which are new cannot be told any more.
        if heard.len() >= MOST_HEARD {
            return;
        }
        let silent: Vec<String> = witnesses
            .hosts()
            .into_iter()
            .filter(|(_, told)| told.without > 0)
            .take(MOST_RECALLED)
            .map(|(host, _)| host.to_owned())
            .collect();
        for host in silent {
            let Some(kept) = self.ask(|| store.witnesses(&host, MOST_ROWS)) else {
                return;
            };
            let kept: Vec<Recalled> = kept
                .into_iter()
                .filter(|row| !heard.contains(&row.message))
                .map(|row| Recalled {
                    host: row.host,
                    message: row.message,
                    sender: row.sender,
                    at: row.at,
                    tls: row.tls,
                    remark: row.remark,
                    version: row
                        .version
                        .as_deref()
                        .and_then(VersionLabel::parse)
                        .and_then(VersionLabel::version),
                })
                .collect();
            witnesses.recall(&host, &kept);
        }
    }

    /// Writes what is left.
    pub fn finish(&mut self) {
        if let Some(recorder) = self.recorder.take()
            && let Err(trouble) = recorder.finish()
        {
            self.tell(&trouble, "not everything is stored");
        }
    }

    fn ask<T>(&self, question: impl FnOnce() -> Result<T, Trouble>) -> Option<T> {
        match question() {
            Ok(answer) => Some(answer),
            Err(trouble) => {
                self.tell(&trouble, "nothing is remembered");
                None
            }
        }
    }

    /// One warning a run is enough.
    fn tell(&self, trouble: &Trouble, follows: &str) {
        if !self.told.replace(true) {
            complain(&format!("warning: {trouble} ({follows})"));
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A stored observation as it was seen; none for one that is not understood,
/// by a newer version or damaged.
pub fn observation(stored: &Stored) -> Option<DomainObservation> {
    match read::document(&stored.document) {
        Ok(Document::DomainReport(report)) => read::observation(&report).ok(),
        _ => None,
    }
}
