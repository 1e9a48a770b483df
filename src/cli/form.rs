//! The forms that `report` writes, each document as it comes.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use serde_json::Value;

use crate::cli::args::Format;
use crate::cli::output::{Output, Trouble, complain};
use crate::cli::report::rewritten;
use crate::observed::domain::DomainObservation;
use crate::report::csv::{self, Table};
use crate::report::facts::Facts;
use crate::report::html::{self, Counts};
use crate::report::json::chain::ChainData;
use crate::report::json::domain::DomainReport;
use crate::report::json::explanation::ExplanationData;
use crate::report::json::read;
use crate::report::json::scan::{DomainData, RunData, ScanSummary};
use crate::report::policy::{self, NoPolicy, Partner};
use crate::report::{json, text};
use crate::verdict::{self, Verdict};

/// A document to be shown. `raw` is its text as read; none where it was judged
/// again.
pub enum Shown {
    Domain {
        report: Box<DomainReport>,
        observation: Box<DomainObservation>,
        verdict: Verdict,
        raw: Option<String>,
    },
    Line {
        line: Box<DomainData>,
        judged: Option<Box<(DomainObservation, Verdict)>>,
        raw: Option<String>,
    },
    Chain {
        chain: Box<ChainData>,
        raw: String,
    },
    Explanation {
        explanation: Box<ExplanationData>,
        raw: String,
    },
    Run {
        run: RunData,
        raw: String,
    },
    Summary {
        summary: Box<ScanSummary>,
        raw: String,
    },
    Other {
        of: String,
        raw: String,
    },
}

/// A form under way.
pub enum Form {
    Text,
    /// One document, held back until it is known to be the only one.
    Json(Option<Value>),
    Ndjson,
    Csv(Option<Table>),
    Html(Counts),
    Policy(Policies),
}

/// Policies under way.
pub struct Policies {
    kind: Kind,
    known: Known,
    written: u64,
    /// Domains below the level, on another port, that prove themselves in
    /// another way, and whose reports were not kept.
    below: u64,
    elsewhere: u64,
    otherwise: u64,
    without_report: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Postfix,
    Exchange,
    Google,
}

impl Form {
    /// Begins what has a beginning.
    pub fn begin(format: Format, files: &str, output: &mut Output) -> Result<Self, Trouble> {
        let policies = |kind| {
            Self::Policy(Policies {
                kind,
                known: Known::default(),
                written: 0,
                below: 0,
                elsewhere: 0,
                otherwise: 0,
                without_report: 0,
            })
        };
        Ok(match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json(None),
            Format::Ndjson => Self::Ndjson,
            Format::Csv => Self::Csv(None),
            Format::Html => {
                output.raw(html::head(files).as_bytes())?;
                Self::Html(Counts::default())
            }
            Format::PostfixPolicy => {
                output.raw(policy::postfix_head().as_bytes())?;
                policies(Kind::Postfix)
            }
            Format::ExchangeDomains => policies(Kind::Exchange),
            Format::GoogleDomains => policies(Kind::Google),
        })
    }

    /// Whether lines of a scan are to be judged where they can.
    pub fn wants_observations(&self) -> bool {
        matches!(self, Self::Policy(_))
    }

    /// Shows one document, or says why it cannot be shown.
    pub fn show(
        &mut self,
        shown: Shown,
        place: &str,
        output: &mut Output,
    ) -> Result<Option<String>, Trouble> {
        match self {
            Self::Text => return page(shown, output),
            Self::Json(held) => {
                if held.is_some() {
                    return Err(Trouble::usage(
                        "--format json is one document, and there are several results: use \
                         --format ndjson",
                    ));
                }
                *held = Some(document(shown, place)?);
            }
            Self::Ndjson => {
                // What stands on one line is passed on as it is.
                let line = match raw(&shown) {
                    Some(raw) if !raw.contains('\n') => raw.trim().to_owned(),
                    _ => document(shown, place)?.to_string(),
                };
                output.raw(format!("{line}\n").as_bytes())?;
            }
            Self::Csv(table) => {
                let (wanted, rows) = match &shown {
                    Shown::Domain { report, .. } => (Table::Domains, csv::domain_report(report)),
                    Shown::Line { line, .. } => (Table::Domains, csv::domain(line)),
                    Shown::Chain { chain, .. } => (Table::Hops, csv::chain(chain)),
                    Shown::Explanation { explanation, .. } => {
                        (Table::Hops, csv::explanation(explanation))
                    }
                    // Told at the end.
                    Shown::Run { .. } | Shown::Summary { .. } => return Ok(None),
                    Shown::Other { of, .. } => return Ok(Some(no_form(of, "a table"))),
                };
                match table {
                    None => {
                        output.raw(wanted.header().as_bytes())?;
                        *table = Some(wanted);
                    }
                    Some(table) if *table != wanted => {
                        return Err(Trouble::usage(format!(
                            "{place}: domains and messages make two tables: report them apart"
                        )));
                    }
                    Some(_) => {}
                }
                output.raw(rows.as_bytes())?;
            }
            Self::Html(counts) => {
                let part = match &shown {
                    Shown::Domain { report, .. } => {
                        *counts.levels.entry(report.verdict.protection).or_default() += 1;
                        html::domain_report(report)
                    }
                    Shown::Line { line, .. } => {
                        *counts.levels.entry(line.protection).or_default() += 1;
                        html::domain(line)
                    }
                    Shown::Chain { chain, .. } => {
                        *counts.messages.entry(chain.answer).or_default() += 1;
                        html::chain(chain)
                    }
                    Shown::Explanation { explanation, .. } => {
                        *counts.messages.entry(explanation.answer).or_default() += 1;
                        html::explanation(explanation)
                    }
                    Shown::Run { .. } | Shown::Summary { .. } => return Ok(None),
                    Shown::Other { of, .. } => return Ok(Some(no_form(of, "a page"))),
                };
                output.raw(part.as_bytes())?;
            }
            Self::Policy(policies) => return policies.show(&shown, output),
        }
        Ok(None)
    }

    /// Ends what has an end.
    pub fn end(&mut self, bad: u64, facts: &Facts, output: &mut Output) -> Result<(), Trouble> {
        match self {
            Self::Json(held) => match held.take() {
                Some(document) => output.pretty(&document),
                None => Ok(()),
            },
            Self::Html(counts) => {
                counts.bad = bad;
                output.raw(html::foot(counts, facts).as_bytes())
            }
            Self::Csv(_) => {
                // A table has no place for it.
                facts.sentences().iter().for_each(|fact| complain(fact));
                Ok(())
            }
            Self::Policy(policies) => policies.end(output),
            Self::Text | Self::Ndjson => Ok(()),
        }
    }
}

fn no_form(of: &str, form: &str) -> String {
    format!("a document of type {of:?} cannot be shown as {form}: use --format ndjson")
}

fn raw(shown: &Shown) -> Option<&str> {
    match shown {
        Shown::Domain { raw, .. } | Shown::Line { raw, .. } => raw.as_deref(),
        Shown::Chain { raw, .. }
        | Shown::Explanation { raw, .. }
        | Shown::Run { raw, .. }
        | Shown::Summary { raw, .. }
        | Shown::Other { raw, .. } => Some(raw),
    }
}

fn document(shown: Shown, place: &str) -> Result<Value, Trouble> {
    if let Some(raw) = raw(&shown) {
        return serde_json::from_str(raw)
            .map_err(|error| Trouble::usage(format!("{place}: {error}")));
    }
    Ok(match shown {
        Shown::Domain {
            observation,
            verdict,
            ..
        } => json::domain_report(&observation, &verdict),
        Shown::Line { line, .. } => rewritten(&line),
        _ => Value::Null,
    })
}

/// A page as the command that wrote the document would show it.
fn page(shown: Shown, output: &mut Output) -> Result<Option<String>, Trouble> {
    let verbose = output.verbose();
    let nothing = || Value::Null;
    match shown {
        Shown::Domain {
            observation,
            verdict,
            ..
        } => output.result(
            |style| text::check::render(&observation, &verdict, verbose, style),
            nothing,
        )?,
        Shown::Line { line, .. } => {
            output.result(|style| text::saved::domain(&line, style), nothing)?;
        }
        Shown::Chain { chain, .. } => match read::chain(&chain) {
            Ok(chain) => output.result(|style| text::trace::render(&chain, style), nothing)?,
            Err(error) => return Ok(Some(error.to_string())),
        },
        Shown::Explanation { explanation, .. } => {
            let read = read::chain(&explanation.chain).and_then(|chain| {
                let probes = explanation
                    .probes
                    .iter()
                    .map(|report| {
                        let observation = read::observation(report)?;
                        let at = read::judged_at(report)?;
                        let required = read::required(report);
                        let verdict = verdict::assess(&observation, at, required);
                        Ok((observation, verdict))
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                Ok((chain, probes, read::explanation(&explanation)?))
            });
            match read {
                Ok((chain, probes, explained)) => output.result(
                    |style| text::explain::render(&chain, &probes, &explained, style),
                    nothing,
                )?,
                Err(error) => return Ok(Some(error.to_string())),
            }
        }
        Shown::Run { run, .. } => output.result(|_| text::saved::run(&run), nothing)?,
        Shown::Summary { summary, .. } => {
            output.result(|_| text::scan::summary(&summary, ""), nothing)?;
        }
        Shown::Other { of, .. } => return Ok(Some(no_form(&of, "a page"))),
    }
    Ok(None)
}

impl Policies {
    fn show(&mut self, shown: &Shown, output: &mut Output) -> Result<Option<String>, Trouble> {
        let partner = match shown {
            Shown::Domain {
                observation,
                verdict,
                ..
            } => policy::partner(observation, verdict),
            Shown::Line {
                judged: Some(judged),
                ..
            } => policy::partner(&judged.0, &judged.1),
            Shown::Line { line, .. } => policy::compact_partner(line),
            Shown::Run { .. } | Shown::Summary { .. } => return Ok(None),
            Shown::Chain { .. } | Shown::Explanation { .. } => {
                return Ok(Some(
                    "a message is no ground for a policy: report what check or scan saved".into(),
                ));
            }
            Shown::Other { of, .. } => return Ok(Some(no_form(of, "a policy"))),
        };
        match partner {
            Err(NoPolicy::Level) => self.below += 1,
            Err(NoPolicy::Port) => self.elsewhere += 1,
            Ok(partner) if !self.known.add(partner.key()) => {}
            Ok(partner) => self.write(&partner, output)?,
        }
        Ok(None)
    }

    fn write(&mut self, partner: &Partner, output: &mut Output) -> Result<(), Trouble> {
        let entry = match self.kind {
            Kind::Postfix => {
                self.without_report += u64::from(partner.wants_report());
                Some(policy::postfix_entry(partner))
            }
            Kind::Exchange => policy::exchange_entry(partner),
            Kind::Google => policy::google_entry(partner, self.written == 0),
        };
        match entry {
            Some(entry) => {
                self.written += 1;
                output.raw(entry.as_bytes())
            }
            None => {
                self.otherwise += 1;
                Ok(())
            }
        }
    }

    fn end(&self, output: &mut Output) -> Result<(), Trouble> {
        if self.kind == Kind::Google && self.written > 0 {
            output.raw(b"\n")?;
        }
        let many = |count: u64| match count {
            1 => "1 domain".to_owned(),
            n => format!("{n} domains"),
        };
        let mut told = vec![format!("{} written", many(self.written))];
        for (count, why) in [
            (self.below, "below the level authenticated"),
            (self.elsewhere, "probed on another port than 25"),
            (
                self.otherwise,
                "not shown to prove themselves by certificates",
            ),
        ] {
            if count > 0 {
                told.push(format!("{} left out: {why}", many(count)));
            }
        }
        complain(&told.join("; "));
        if self.without_report > 0 {
            complain(&format!(
                "{} got \"encrypt\" where \"secure\" may be right: the scan kept no whole reports \
                 (--full), so the names of the hosts are not known",
                many(self.without_report)
            ));
        }
        match self.kind {
            Kind::Postfix => {}
            Kind::Exchange => {
                let file = output.name().unwrap_or_else(|| "domains.txt".to_owned());
                complain(&policy::exchange_caution(&file));
            }
            Kind::Google => {
                complain(&policy::google_caution());
                if self.written > policy::MOST_OF_GOOGLE {
                    complain(&format!(
                        "one address list holds {} entries: divide the list",
                        policy::MOST_OF_GOOGLE
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Which domains have been written, 16 octets each: a table with two entries for
/// one domain is none.
struct Known {
    seen: HashSet<(u64, u64)>,
    hashers: [RandomState; 2],
}

impl Default for Known {
    fn default() -> Self {
        Self {
            seen: HashSet::new(),
            hashers: [RandomState::new(), RandomState::new()],
        }
    }
}

impl Known {
    /// Whether it is new.
    fn add(&mut self, key: &str) -> bool {
        let [one, other] = &self.hashers;
        self.seen.insert((one.hash_one(key), other.hash_one(key)))
    }
}
