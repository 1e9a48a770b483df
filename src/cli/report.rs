//! `report`: saved results in another form, or judged again.
//!
//! Documents are taken one at a time and written at once, so that a million
//! lines need no more memory than one. What is not read is told with file and
//! line, and the rest goes on.

use std::path::Path;

use crate::answer::Answer;
use crate::cli::args::{Format, Report};
use crate::cli::form::{Form, Shown};
use crate::cli::output::{Output, Trouble, complain};
use crate::cli::saved::{Item, Saved};
use crate::cli::{Exit, judging};
use crate::observed::domain::DomainObservation;
use crate::report::facts::Facts;
use crate::report::json::read::{self, Document, ReadError};
use crate::report::json::scan::{DomainData, InputLine};
use crate::report::json::{self, domain::DomainReport};
use crate::verdict::{self, Protection, Required, Verdict};

/// Complaints about single lines that are told in full.
const MOST_TOLD: u64 = 20;

/// Runs the command.
pub fn run(args: &Report, format: Format, output: &mut Output) -> Result<Exit, Trouble> {
    if args.files.iter().filter(|file| is_stdin(file)).count() > 1 {
        return Err(Trouble::usage("standard input (-) can be read only once"));
    }
    let names: Vec<String> = args.files.iter().map(|file| name(file)).collect();
    let mut run = Run {
        at: args.at,
        required: args.require.map(judging::required),
        only: args
            .only
            .iter()
            .map(|level| judging::protection(*level))
            .collect(),
        form: Form::begin(format, &names.join(", "), output)?,
        exit: Exit::Yes,
        documents: 0,
        bad: 0,
        scans: Scans::default(),
        facts: Facts::default(),
    };
    for (file, name) in args.files.iter().zip(&names) {
        match Saved::open(file) {
            Ok(saved) => run.read(name, saved, output)?,
            Err(error) => {
                complain(&format!("cannot read {name}: {error}"));
                run.bad += 1;
            }
        }
        if output.is_closed() {
            break;
        }
    }
    run.end(&names, output)
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

fn name(file: &Path) -> String {
    if is_stdin(file) {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    }
}

struct Run {
    at: Option<jiff::Timestamp>,
    required: Option<Required>,
    /// Levels to be shown; all where empty.
    only: Vec<Protection>,
    form: Form,
    exit: Exit,
    documents: u64,
    bad: u64,
    scans: Scans,
    facts: Facts,
}

/// Whether the scans among the inputs came to their end.
#[derive(Default)]
struct Scans {
    /// A line of a scan was read whose summary was not.
    open: bool,
    incomplete: bool,
}

/// Why a document is not shown.
enum Refused {
    /// It is told and passed over.
    Bad(String),
    /// The whole run makes no sense.
    Run(String),
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        Self::Bad(error.to_string())
    }
}

impl Run {
    fn read(&mut self, name: &str, saved: Saved, output: &mut Output) -> Result<(), Trouble> {
        for item in saved {
            let (line, refused) = match item {
                Item::Bad { line, why } => (line, Some(Refused::Bad(why))),
                Item::Document { text, line } => {
                    let shown = read::document(&text)
                        .map_err(Refused::from)
                        .and_then(|document| self.judge(document, text));
                    match shown {
                        Ok(None) => (line, None),
                        Ok(Some(shown)) => {
                            let place = format!("{name} line {line}");
                            (
                                line,
                                self.form.show(shown, &place, output)?.map(Refused::Bad),
                            )
                        }
                        Err(refused) => (line, Some(refused)),
                    }
                }
            };
            match refused {
                None => {}
                Some(Refused::Bad(why)) => {
                    self.bad += 1;
                    if self.bad <= MOST_TOLD {
                        complain(&format!("{name} line {line}: {why}"));
                    }
                }
                Some(Refused::Run(why)) => {
                    return Err(Trouble::usage(format!("{name} line {line}: {why}")));
                }
            }
            if output.is_closed() {
                break;
            }
        }
        Ok(())
    }

    /// What is to be shown of a document; none where it is filtered out.
    fn judge(&mut self, document: Document, text: String) -> Result<Option<Shown>, Refused> {
        match &document {
            Document::Run(run) => self.facts.run(run),
            Document::Domain(_) => self.facts.line(),
            Document::ScanSummary(summary) => self.facts.summary(summary),
            _ => {}
        }
        let again = self.at.is_some() || self.required.is_some();
        let wants =
            |protection: Protection| self.only.is_empty() || self.only.contains(&protection);
        let shown = match document {
            Document::DomainReport(report) => {
                let (observation, verdict) = self.judged(&report)?;
                if !wants(verdict.protection) {
                    self.documents += 1;
                    return Ok(None);
                }
                self.exit = self
                    .exit
                    .worst(Exit::of(verdict.answer, verdict.trouble_here));
                let report = if again {
                    Box::new(DomainReport::new(&observation, &verdict))
                } else {
                    report
                };
                let raw = (!again).then_some(text);
                Shown::Domain {
                    report,
                    observation: Box::new(observation),
                    verdict,
                    raw,
                }
            }
            Document::Domain(mut line) => {
                self.scans.open = true;
                let mut raw = Some(text);
                let judged = match line.report.take() {
                    Some(report) if again || self.form.wants_observations() => {
                        let (observation, verdict) = self.judged(&report)?;
                        if again {
                            raw = None;
                            *line = DomainData::new(
                                InputLine {
                                    line: line.input.line,
                                    text: std::mem::take(&mut line.input.text),
                                },
                                &observation,
                                &verdict,
                                true,
                            );
                        } else {
                            line.report = Some(report);
                        }
                        Some(Box::new((observation, verdict)))
                    }
                    None if again && line.domain.is_some() => {
                        return Err(Refused::Run(
                            "the scan kept no whole reports, so it cannot be judged again: scan \
                             with --full for that"
                                .to_owned(),
                        ));
                    }
                    report => {
                        line.report = report;
                        None
                    }
                };
                if !wants(line.protection.into()) {
                    self.documents += 1;
                    return Ok(None);
                }
                if self.required.is_some() {
                    // A scan answers by being whole; a level asked for here is
                    // asked of its lines.
                    self.exit = self.exit.worst(Exit::of(line.answer.into(), false));
                }
                Shown::Line { line, judged, raw }
            }
            Document::Chain(_) | Document::Explanation(_) if again => {
                return Err(Refused::Run(
                    "this is the trace of a message, which is not judged by --at or --require: \
                     they are for what check, or scan --full, has saved"
                        .to_owned(),
                ));
            }
            _ if !self.only.is_empty() => {
                // A part of the lines has neither beginning nor summary, and a
                // message no level.
                if let Document::ScanSummary(summary) = &document {
                    self.scans.end(summary.complete);
                }
                self.documents += 1;
                return Ok(None);
            }
            Document::Chain(chain) => {
                let answer: Answer = chain.answer.into();
                self.exit = self.exit.worst(Exit::of(answer, false));
                Shown::Chain { chain, raw: text }
            }
            Document::Explanation(explanation) => {
                let answer: Answer = explanation.answer.into();
                self.exit = self.exit.worst(Exit::of(answer, explanation.trouble_here));
                Shown::Explanation {
                    explanation,
                    raw: text,
                }
            }
            Document::Run(run) => {
                self.scans.open = true;
                Shown::Run { run, raw: text }
            }
            Document::ScanSummary(summary) => {
                self.scans.end(summary.complete);
                Shown::Summary { summary, raw: text }
            }
            Document::Other(of) => Shown::Other { of, raw: text },
        };
        self.documents += 1;
        Ok(Some(shown))
    }

    fn judged(&self, report: &DomainReport) -> Result<(DomainObservation, Verdict), Refused> {
        let observation = read::observation(report)?;
        let at = match self.at {
            Some(at) => at,
            None => read::judged_at(report)?,
        };
        let required = self.required.unwrap_or_else(|| read::required(report));
        let verdict = verdict::assess(&observation, at, required);
        Ok((observation, verdict))
    }

    fn end(mut self, names: &[String], output: &mut Output) -> Result<Exit, Trouble> {
        if self.bad > MOST_TOLD {
            complain(&format!(
                "and {} more that could not be read",
                self.bad - MOST_TOLD
            ));
        }
        self.form.end(self.bad, &self.facts, output)?;
        if self.documents == 0 {
            if self.bad == 0 {
                complain(&format!(
                    "{} holds no results: give it what check, trace or explain wrote with -f json \
                     or ndjson, or the output of scan",
                    names.join(", ")
                ));
            }
            return Ok(Exit::Usage);
        }
        if self.scans.open || self.scans.incomplete {
            complain("the scan has not come to its end; what it has so far is here");
            self.exit = self.exit.worst(Exit::CannotTell);
        }
        if self.bad > 0 {
            self.exit = self.exit.worst(Exit::CannotTell);
        }
        Ok(self.exit)
    }
}

impl Scans {
    fn end(&mut self, complete: bool) {
        self.open = false;
        self.incomplete |= !complete;
    }
}

/// The document of a line that was judged again.
pub fn rewritten(line: &DomainData) -> serde_json::Value {
    json::scan_domain(line)
}
