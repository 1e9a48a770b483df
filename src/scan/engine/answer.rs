//! One line answered: probed, judged, and put into words once for all lines
//! that give the same domain.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::history::Entry;
use crate::name::DomainName;
use crate::probe::Prober;
use crate::report::json;
use crate::report::json::scan::{DomainData, InputLine};
use crate::scan::list;
use crate::scan::memory::Memory;
use crate::scan::once::Once;
use crate::scan::plan::Plan;
use crate::scan::tally::{Counted, Tally};
use crate::scan::weather::{Signs, Trouble};
use crate::verdict::{self, Required};

/// How many domains' results are kept for lines that give them again; fewer
/// where they are whole reports.
const KEPT: usize = 4096;
const KEPT_FULL: usize = 128;

/// The results of domains.
#[derive(Debug)]
pub struct Answers {
    domains: Once<DomainName, Answered>,
    full: bool,
    memory: Option<Arc<Memory>>,
}

/// What came of a line.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    /// What it shows of our own network; none where nobody was asked.
    pub(super) signs: Option<Signs>,
    found: Arc<Found>,
    at: Instant,
}

#[derive(Debug)]
struct Found {
    counted: Counted,
    /// The line as it is written, without what stands in front of and in its
    /// `input`.
    tail: Box<str>,
    /// What the history is still to have of it.
    entry: Mutex<Option<Box<Entry>>>,
}

/// How every line of results begins.
const HEAD: &str = r#"{"schema":"1.0","type":"domain","data":{"input":"#;

impl Answers {
    pub(super) fn new(full: bool, memory: Option<Arc<Memory>>) -> Self {
        Self {
            domains: Once::new(if full { KEPT_FULL } else { KEPT }),
            full,
            memory,
        }
    }

    /// Answers a line, which was tried before if `tried` says when.
    pub(super) async fn of(
        &self,
        entry: &list::Entry,
        tried: Option<Instant>,
        prober: &Prober,
        plan: &Plan,
    ) -> Answered {
        let domain = match &entry.domain {
            Ok(domain) => domain,
            Err(why) => {
                let data = DomainData::invalid(blank(), &why.to_string());
                return Answered::of(&data, None, None);
            }
        };
        if plan.excludes(domain.as_str()) {
            return Answered::of(&DomainData::excluded(blank(), domain), None, None);
        }
        let recent = |answered: &Answered| {
            answered.trouble().is_none() || tried.is_none_or(|tried| answered.at >= tried)
        };
        self.domains
            .of(domain, recent, || self.probe(domain, prober))
            .await
    }

    async fn probe(&self, domain: &DomainName, prober: &Prober) -> Answered {
        let observation = prober.check(domain.as_str(), domain).await;
        let mut verdict = verdict::assess(&observation, observation.at, Required::Tls);
        let signs = Signs::of(&observation, &verdict);
        let entry = self.memory.as_ref().map(|memory| {
            memory.compare(&mut verdict, &observation);
            Box::new(Memory::entry(&observation, &verdict))
        });
        let data = DomainData::new(blank(), &observation, &verdict, self.full);
        Answered::of(&data, Some(signs), entry)
    }

    /// Has a result that is the last word stored in the history, once.
    pub(super) fn remember(&self, answered: &Answered) {
        let Some(memory) = &self.memory else { return };
        let mut entry = answered
            .found
            .entry
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entry.take() {
            memory.store(*entry);
        }
    }
}

fn blank() -> InputLine {
    InputLine {
        line: 0,
        text: String::new(),
    }
}

impl Answered {
    fn of(data: &DomainData, signs: Option<Signs>, entry: Option<Box<Entry>>) -> Self {
        let line = json::scan_domain_line(data);
        let tail = line
            .strip_prefix(HEAD)
            .and_then(|rest| rest.strip_prefix(r#"{"line":0,"text":""}"#))
            .expect("a domain line begins with its input, and a test holds it to that")
            .into();
        Self {
            signs,
            found: Arc::new(Found {
                counted: Counted::of(data),
                tail,
                entry: Mutex::new(entry),
            }),
            at: Instant::now(),
        }
    }

    /// Why this is not the last word.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.signs.as_ref().and_then(|signs| signs.trouble)
    }

    /// The line of results for one line of the list.
    pub(super) fn line(&self, entry: &list::Entry) -> String {
        let text = serde_json::Value::from(entry.text.as_str());
        format!(
            "{HEAD}{{\"line\":{},\"text\":{text}}}{}\n",
            entry.line, self.found.tail
        )
    }

    pub(super) fn count(&self, tally: &mut Tally) {
        tally.add(&self.found.counted);
    }
}
