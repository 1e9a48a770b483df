//! One line answered: probed, judged, and put into words once for all lines
//! that give the same domain.

use std::sync::Arc;
use std::time::Instant;

use crate::name::DomainName;
use crate::probe::Prober;
use crate::report::json;
use crate::report::json::scan::{DomainData, InputLine};
use crate::scan::list::Entry;
use crate::scan::once::Once;
use crate::scan::plan::Plan;
use crate::scan::tally::Tally;
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
    data: DomainData,
    /// The line as it is written, without what stands in front of and in its
    /// `input`.
    tail: String,
}

/// How every line of results begins.
const HEAD: &str = r#"{"schema":"1.0","type":"domain","data":{"input":"#;

impl Answers {
    pub(super) fn new(full: bool) -> Self {
        Self {
            domains: Once::new(if full { KEPT_FULL } else { KEPT }),
            full,
        }
    }

    /// Answers a line, which was tried before if `tried` says when.
    pub(super) async fn of(
        &self,
        entry: &Entry,
        tried: Option<Instant>,
        prober: &Prober,
        plan: &Plan,
    ) -> Answered {
        let domain = match &entry.domain {
            Ok(domain) => domain,
            Err(why) => {
                let data = DomainData::invalid(blank(), &why.to_string());
                return Answered::of(data, None);
            }
        };
        if plan.excludes(domain.as_str()) {
            return Answered::of(DomainData::excluded(blank(), domain), None);
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
        let verdict = verdict::assess(&observation, observation.at, Required::Tls);
        let signs = Signs::of(&observation, &verdict);
        let data = DomainData::new(blank(), &observation, &verdict, self.full);
        Answered::of(data, Some(signs))
    }
}

fn blank() -> InputLine {
    InputLine {
        line: 0,
        text: String::new(),
    }
}

impl Answered {
    fn of(data: DomainData, signs: Option<Signs>) -> Self {
        let line = json::scan_domain(&data).to_string();
        let tail = line
            .strip_prefix(HEAD)
            .and_then(|rest| rest.strip_prefix(r#"{"line":0,"text":""}"#))
            .expect("a domain line begins with its input, and a test holds it to that")
            .to_owned();
        // The report is in the tail; nothing else asks for it.
        let data = DomainData {
            report: None,
            ..data
        };
        Self {
            signs,
            found: Arc::new(Found { data, tail }),
            at: Instant::now(),
        }
    }

    /// Why this is not the last word.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.signs.as_ref().and_then(|signs| signs.trouble)
    }

    /// The line of results for one line of the list.
    pub(super) fn line(&self, entry: &Entry) -> String {
        let text = serde_json::Value::from(entry.text.as_str());
        format!(
            "{HEAD}{{\"line\":{},\"text\":{text}}}{}\n",
            entry.line, self.found.tail
        )
    }

    pub(super) fn count(&self, tally: &mut Tally) {
        tally.add(&self.found.data);
    }
}
