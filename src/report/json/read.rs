//! Documents read back: from the published JSON to the types inside.
//!
//! Entry points: [`document`] reads one document or NDJSON line;
//! [`observation`] makes of a domain report the observation that it was
//! written from, to be judged anew; [`judged_at`] and [`required`] tell how it
//! was judged then; [`chain`] and [`explanation`] give what `trace` and `explain`
//! made their pages of.
//!
//! Fields that are not known are passed over and an optional field that is
//! missing is null, so that any 1.x is read; a newer major version is refused.
//! A word that is not known is an error with its place, since a guess would be
//! a claim.
//!
//! What the JSON does not keep: the transcript of the dialogue and spans below
//! a millisecond; the octets of certificates, except where TLSA records were
//! compared with them, which judging by DANE again needs. A path to a root is
//! not searched again: as of another time only the dates of the certificates
//! that were sent count, as everywhere in [`crate::verdict`].

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::explain::Explanation;
use crate::observed::domain::DomainObservation;
use crate::report::json::chain::ChainData;
use crate::report::json::domain::DomainReport;
use crate::report::json::explanation::ExplanationData;
use crate::report::json::scan::{DomainData, RunData, ScanSummary};
use crate::trace::chain::Chain;
use crate::verdict::Required;

mod attempt;
mod chain;
mod depth;
mod domain;
mod endpoint;

/// The major version of the format that is read here.
const MAJOR: &str = "1";

/// What a document or line holds.
#[derive(Debug)]
pub enum Document {
    DomainReport(Box<DomainReport>),
    Chain(Box<ChainData>),
    Explanation(Box<ExplanationData>),
    Run(RunData),
    Domain(Box<DomainData>),
    ScanSummary(Box<ScanSummary>),
    /// Of a type that is only passed on.
    Other(String),
}

/// Why a text is no document, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// `data.observed.mx.status`; empty for the whole.
    path: String,
    problem: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "{}: {}", self.path, self.problem)
        }
    }
}

impl std::error::Error for ReadError {}

impl ReadError {
    fn new(problem: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            problem: problem.into(),
        }
    }

    fn within(mut self, outer: &str) -> Self {
        self.path = match (self.path.as_str(), outer) {
            ("", _) => outer.to_owned(),
            (inner, _) if inner.starts_with('[') => format!("{outer}{inner}"),
            (inner, _) => format!("{outer}.{inner}"),
        };
        self
    }
}

/// A value or the reason, with its place, why there is none.
type Read<T> = Result<T, ReadError>;

/// Tells where in the document a value stands.
trait Within {
    fn within(self, outer: &str) -> Self;
    fn at(self, place: usize) -> Self;
}

impl<T> Within for Read<T> {
    fn within(self, outer: &str) -> Self {
        self.map_err(|error| error.within(outer))
    }

    fn at(self, place: usize) -> Self {
        self.map_err(|error| error.within(&format!("[{place}]")))
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    schema: Option<String>,
    r#type: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Of {
    of: Option<String>,
}

/// Reads one document: a whole file, or a line of NDJSON.
///
/// # Errors
/// When the text is no JSON, no document of this program, of a newer major
/// version, or holds what is not understood; the message says where.
pub fn document(text: &str) -> Result<Document, ReadError> {
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| {
        let torn = match error.classify() {
            serde_json::error::Category::Eof => "the text ends in the middle of the document",
            serde_json::error::Category::Data => "this is no document of starttrace",
            _ => "this is no JSON",
        };
        ReadError::new(format!("{torn} ({error})"))
    })?;
    let (Some(schema), Some(of), Some(data)) = (envelope.schema, envelope.r#type, envelope.data)
    else {
        return Err(ReadError::new(
            "this is no document of starttrace, which begins with \"schema\", \"type\" and \"data\"",
        ));
    };
    if schema.split('.').next() != Some(MAJOR) {
        return Err(ReadError::new(format!(
            "it is written in schema {schema:?}, and this version reads {MAJOR}.x: use the \
             starttrace that wrote it, or a newer one"
        ))
        .within("schema"));
    }
    let data = data.get();
    let read = match of.as_str() {
        "domain-report" => parse(data).map(Document::DomainReport),
        "chain" => parse(data).map(Document::Chain),
        "explanation" => parse(data).map(Document::Explanation),
        "run" => parse(data).map(Document::Run),
        "domain" => parse(data).map(Document::Domain),
        "summary" if parse::<Of>(data)?.of.as_deref() == Some("scan") => {
            parse(data).map(Document::ScanSummary)
        }
        _ => Ok(Document::Other(of)),
    };
    read.within("data")
}

/// The data of a document. Only what is wrong is read again for its place.
fn parse<T: DeserializeOwned>(data: &str) -> Read<T> {
    serde_json::from_str(data).map_err(|error| {
        let mut again = serde_json::Deserializer::from_str(data);
        let Err(placed) = serde_path_to_error::deserialize::<_, T>(&mut again) else {
            return ReadError::new(error.to_string());
        };
        let path = placed.path().to_string();
        let message = placed.into_inner().to_string();
        let words = without_place(&message);
        let newer = if words.contains(" none of ") || words.starts_with("unknown variant") {
            " (a newer starttrace may know it)"
        } else {
            ""
        };
        let error = ReadError::new(format!("{words}{newer}"));
        match path.as_str() {
            "." => error,
            path => error.within(path),
        }
    })
}

/// The error's words without line and column, which are those of the part.
fn without_place(message: &str) -> &str {
    message
        .rsplit_once(" at line ")
        .map_or(message, |(words, _)| words)
}

/// The observation that a report was written from.
///
/// # Errors
/// When it holds a word, time or address that is not understood.
pub fn observation(report: &DomainReport) -> Result<DomainObservation, ReadError> {
    domain::observation(report)
}

/// The chain that was written.
///
/// # Errors
/// When it holds a word or time that is not understood.
pub fn chain(data: &ChainData) -> Result<Chain, ReadError> {
    chain::chain(data)
}

/// The explanation that was written, without its chain and probes.
///
/// # Errors
/// When it holds a word or time that is not understood.
pub fn explanation(data: &ExplanationData) -> Result<Explanation, ReadError> {
    chain::explanation(data)
}

/// As of when a report was judged.
///
/// # Errors
/// When that is no time.
pub fn judged_at(report: &DomainReport) -> Result<Timestamp, ReadError> {
    time(&report.verdict.at).within("verdict.at")
}

/// Which level a report was asked for.
#[must_use]
pub fn required(report: &DomainReport) -> Required {
    report.verdict.required.into()
}

fn time(text: &str) -> Read<Timestamp> {
    text.parse()
        .map_err(|_| ReadError::new(format!("{text:?} is no time (RFC 3339)")))
}

fn address(text: &str) -> Read<std::net::IpAddr> {
    text.parse()
        .map_err(|_| ReadError::new(format!("{text:?} is no IP address")))
}

/// The one of `all` that has this word.
fn word<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, text: &str) -> Read<T> {
    all.iter()
        .copied()
        .find(|&each| name(each) == text)
        .ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|&each| name(each)).collect();
            ReadError::new(format!(
                "{text:?} is none of {} (a newer starttrace may know it)",
                known.join(", ")
            ))
        })
}

/// Every element, with the place of the one that is wrong.
fn each<T, U>(list: &[T], read: impl Fn(&T) -> Read<U>) -> Read<Vec<U>> {
    list.iter()
        .enumerate()
        .map(|(place, element)| read(element).at(place))
        .collect()
}
