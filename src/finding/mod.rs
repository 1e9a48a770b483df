//! Findings: what is worth telling, each with a stable code. The words that
//! belong to a code (severity, standard, meaning, fix) live in [`code`], those
//! of a cause in [`cause`]; a finding adds only what was seen and on whom.

pub mod cause;
pub mod code;

pub use cause::Cause;
pub use code::Code;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Note,
}

impl Severity {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One finding. `subject`, `seen`, `means` and `fix` can each stand alone; they
/// may quote hostile text: escape before showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub code: Code,
    pub severity: Severity,
    /// Plain words, with the name of the host or hop concerned.
    pub subject: String,
    pub seen: String,
    pub means: String,
    pub fix: Option<String>,
}

impl Finding {
    /// A finding with the words of its code; `seen` and the rest may be
    /// replaced where the place knows better.
    #[must_use]
    pub fn new(code: Code, subject: impl Into<String>, seen: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            subject: subject.into(),
            seen: seen.into(),
            means: code.means().to_owned(),
            fix: code.fix().map(str::to_owned),
        }
    }
}
