//! `code`: a finding or cause code described.

use schemars::JsonSchema;
use serde::Serialize;

use crate::finding;
use crate::report::json::words::{SeverityWord, StandingWord};

/// A code described.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CodeData {
    pub code: String,
    /// Whether findings or causes bear it.
    pub kind: CodeKind,
    /// As a rule; null for causes.
    pub severity: Option<SeverityWord>,
    /// The strongest standing that headers and probes may give a cause; null for findings.
    pub ceiling: Option<StandingWord>,
    /// RFC and section, where a standard speaks of it.
    pub standard: Option<String>,
    /// The result type of RFC 8460, section 4.3; null where there is none, as for all that is
    /// transient.
    pub tlsrpt: Option<String>,
    /// One line.
    pub summary: String,
    pub means: String,
    pub fix: Option<String>,
    /// The observation that would settle a cause, and whom to ask; null for findings.
    pub settle: Option<String>,
}

/// What bears a code.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CodeKind {
    Finding,
    Cause,
}

impl From<finding::Code> for CodeData {
    fn from(code: finding::Code) -> Self {
        Self {
            code: code.word().to_owned(),
            kind: CodeKind::Finding,
            severity: Some(code.severity().into()),
            ceiling: None,
            standard: code.standard().map(str::to_owned),
            tlsrpt: code.tlsrpt().map(str::to_owned),
            summary: code.summary().to_owned(),
            means: code.means().to_owned(),
            fix: code.fix().map(str::to_owned),
            settle: None,
        }
    }
}

impl From<finding::Cause> for CodeData {
    fn from(cause: finding::Cause) -> Self {
        Self {
            code: cause.word().to_owned(),
            kind: CodeKind::Cause,
            severity: None,
            ceiling: Some(cause.ceiling().into()),
            standard: None,
            tlsrpt: None,
            summary: cause.summary().to_owned(),
            means: cause.means().to_owned(),
            fix: None,
            settle: Some(cause.settle().to_owned()),
        }
    }
}
