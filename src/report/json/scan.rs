//! `run`, `domain` and the summary of `scan`.
//!
//! The lines of a scan are its journal too, so these twins are read back as
//! well as written: fields that are not known are passed over, and an optional
//! one that is missing is null.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::finding::Code;
use crate::name::DomainName;
use crate::observed::domain::DomainObservation;
use crate::organisation::organisation;
use crate::report::json::attempt::rfc3339;
use crate::report::json::domain::DomainReport;
use crate::report::json::verdict::{Seen, Senders};
use crate::report::json::words::{AnswerWord, ProtectionWord, SeverityWord};
use crate::verdict::{self, Delivery, Protection, Verdict};

/// The start of a scan, or of its resumption.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunData {
    /// `starttrace`.
    pub tool: String,
    pub version: String,
    #[schemars(extend("format" = "date-time"))]
    pub started: String,
    /// Whether it goes on with what an earlier run began.
    pub resumed: bool,
    /// What was asked for, by the long names of the options.
    pub options: BTreeMap<String, Value>,
    pub list: ListData,
}

/// The list that is scanned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListData {
    /// As given; `-` is standard input.
    pub name: String,
    /// SHA-256 of the list, lower-case hexadecimal; null where it could not be
    /// known beforehand.
    pub hash: Option<String>,
}

/// What came of one line of the list.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DomainData {
    pub input: InputLine,
    /// The domain, in A-labels; null where the line holds none.
    pub domain: Option<String>,
    /// When it was probed; null where it was not.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub at: Option<String>,
    pub protection: ProtectionWord,
    /// Whether the required level is reached.
    pub answer: AnswerWord,
    /// One sentence that a manager understands.
    pub reason: String,
    pub senders: Senders,
    pub seen: Seen,
    /// Whose hosts take the mail, by the best MX host: its registrable domain, or one name for a
    /// provider with several; null where there is no host.
    #[serde(default)]
    pub provider: Option<String>,
    /// Codes, each once, worst first; `starttrace codes` describes each.
    pub findings: Vec<String>,
    /// All that was seen (scan --full).
    pub report: Option<Box<DomainReport>>,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputLine {
    /// From 1, blank lines and comments counted.
    pub line: u64,
    /// What stands in it, octets that are not UTF-8 replaced, cut where it is very long.
    pub text: String,
}

impl DomainData {
    /// The line of a domain that was probed.
    pub fn new(
        input: InputLine,
        observation: &DomainObservation,
        verdict: &Verdict,
        full: bool,
    ) -> Self {
        let mut findings: Vec<String> = Vec::new();
        for finding in &verdict.findings {
            let code = finding.code.word();
            if !findings.iter().any(|known| known == code) {
                findings.push(code.to_owned());
            }
        }
        Self {
            input,
            domain: Some(observation.domain.to_string()),
            at: Some(rfc3339(observation.at)),
            protection: verdict.protection.into(),
            answer: verdict.answer.into(),
            reason: verdict.reason.clone(),
            senders: verdict.senders.into(),
            seen: Seen {
                endpoints: verdict.seen.endpoints,
                of: verdict.seen.of,
            },
            provider: observation
                .hosts
                .first()
                .and_then(|host| organisation(host.host.as_str())),
            findings,
            report: full.then(|| Box::new(DomainReport::new(observation, verdict))),
        }
    }

    /// The line of a domain that was to be left alone.
    pub fn excluded(input: InputLine, domain: &DomainName) -> Self {
        Self {
            domain: Some(domain.to_string()),
            reason: "It was not probed: it is among those to be left alone (--exclude).".to_owned(),
            findings: Vec::new(),
            ..Self::invalid(input, "")
        }
    }

    /// The line of a text that is no domain.
    pub fn invalid(input: InputLine, why: &str) -> Self {
        let senders = verdict::Senders {
            opportunistic: Delivery::Unknown,
            mandatory: Delivery::Unknown,
            mta_sts: Delivery::Unknown,
            dane: Delivery::Unknown,
            requiretls: Delivery::Unknown,
        };
        Self {
            input,
            domain: None,
            at: None,
            protection: Protection::Unknown.into(),
            answer: crate::answer::Answer::Unknown.into(),
            reason: format!("This is no domain: {why}."),
            senders: senders.into(),
            seen: Seen {
                endpoints: 0,
                of: 0,
            },
            provider: None,
            findings: vec![Code::InvalidDomain.word().to_owned()],
            report: None,
        }
    }
}

/// The end of a scan: all its lines counted, those of earlier runs that it
/// resumed included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScanSummary {
    pub of: ScanOf,
    pub list: ListData,
    /// Lines of the list that were answered.
    pub lines: u64,
    /// Whether every line of the list was.
    pub complete: bool,
    /// Lines by level.
    pub protection: BTreeMap<ProtectionWord, u64>,
    /// Lines by answer.
    pub answers: ScanAnswers,
    /// Worst and most frequent first.
    pub findings: Vec<FindingCount>,
    /// Whose hosts take the mail, by the number of domains; the largest ones.
    pub providers: Vec<ProviderCount>,
    #[schemars(extend("format" = "date-time"))]
    pub started: String,
    #[schemars(extend("format" = "date-time"))]
    pub ended: String,
    /// Of this run, without the earlier ones that it resumed.
    pub duration_ms: u64,
    /// Addresses probed in this run.
    pub endpoints: u64,
    /// TCP connections to them opened in this run.
    pub connections: u64,
    /// TCP connections opened in this run to fetch MTA-STS policies.
    #[serde(default)]
    pub policies: u64,
}

/// Which command made the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScanOf {
    Scan,
}

/// Lines by their answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScanAnswers {
    pub yes: u64,
    pub no: u64,
    pub unknown: u64,
}

/// How many domains have a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingCount {
    pub code: String,
    pub severity: SeverityWord,
    pub domains: u64,
}

/// Domains whose mail one provider takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderCount {
    /// The registrable domain of the hosts, or one name for a provider with several.
    pub provider: String,
    pub domains: u64,
    /// Of these, by level.
    pub protection: BTreeMap<ProtectionWord, u64>,
}

/// A line of an earlier scan, as far as going on with it needs.
#[derive(Debug)]
pub enum Journalled {
    Run { schema: String, data: RunData },
    Domain { schema: String, data: DomainBrief },
    Summary { schema: String },
}

/// What counts of a line that was written before.
#[derive(Debug, Deserialize)]
pub struct DomainBrief {
    pub input: InputLine,
    pub protection: ProtectionWord,
    pub answer: AnswerWord,
    #[serde(default)]
    pub provider: Option<String>,
    pub findings: Vec<String>,
}

#[derive(Deserialize)]
struct Head {
    schema: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Holding<T> {
    data: T,
}

impl Journalled {
    /// Reads a line; none where it is none of a scan's.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let Head { schema, kind } = serde_json::from_slice(line).ok()?;
        Some(match kind.as_str() {
            "run" => Self::Run {
                data: serde_json::from_slice::<Holding<RunData>>(line).ok()?.data,
                schema,
            },
            "domain" => Self::Domain {
                data: serde_json::from_slice::<Holding<DomainBrief>>(line)
                    .ok()?
                    .data,
                schema,
            },
            "summary" => Self::Summary { schema },
            _ => return None,
        })
    }

    /// The version it was written in.
    pub fn schema(&self) -> &str {
        match self {
            Self::Run { schema, .. } | Self::Domain { schema, .. } | Self::Summary { schema } => {
                schema
            }
        }
    }

    /// Whether that is later than ours: such a file may be read, not written.
    pub fn is_newer(&self) -> bool {
        let parts = |version: &str| {
            let (major, minor) = version.split_once('.')?;
            Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
        };
        parts(self.schema()).is_none_or(|theirs| Some(theirs) > parts(super::SCHEMA_VERSION))
    }
}
