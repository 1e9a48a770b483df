//! The summary of `explain --summary`: many messages in cases.

use schemars::JsonSchema;
use serde::Serialize;

use crate::explain::cases as inner;
use crate::report::json::attempt::rfc3339;
use crate::report::json::explanation::HopExplanation;
use crate::report::json::summary::Answers;
use crate::report::json::words::{ConclusionWord, StandingWord};

/// The open hops of many messages in cases: the same two parties, the same
/// reason (explain --summary).
#[derive(Debug, Serialize, JsonSchema)]
pub struct CasesData {
    pub of: CasesOf,
    pub messages: usize,
    /// Inputs that gave no chain.
    pub skipped: usize,
    pub answers: Answers,
    /// Believable lines first, cleartext before what is unknown, then by
    /// number of messages.
    pub cases: Vec<Case>,
    /// Open hops of cases beyond the number that is kept.
    pub hops_left_out: usize,
}

/// Which command made the summary.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CasesOf {
    Explain,
}

/// Hops between two parties that went without TLS for one reason.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Case {
    /// The number that the hops of an explanation name.
    pub case: usize,
    /// The sender's organisation or address; null where none is named.
    pub from: Option<String>,
    /// Some of its hosts.
    pub from_hosts: Vec<String>,
    /// The receiving host, or a pool of them: `#` stands for any number.
    pub by: Option<String>,
    pub by_hosts: Vec<String>,
    /// The surest conclusion about one of its hops.
    pub state: ConclusionWord,
    pub standing: StandingWord,
    /// Whether its lines were written on the mailbox's own side or vouched for.
    pub believed: bool,
    pub messages: usize,
    pub hops: usize,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub first: Option<String>,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last: Option<String>,
    pub example: Example,
}

/// The newest hop of a case, explained.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Example {
    /// The file, and the message's place in it from 0.
    pub path: String,
    pub index: usize,
    pub message_id: Option<String>,
    /// The queue id of the hop's line.
    pub id: Option<String>,
    pub explained: HopExplanation,
}

impl CasesData {
    pub(super) fn new(cases: &inner::Cases, skipped: usize) -> Self {
        Self {
            of: CasesOf::Explain,
            messages: cases.messages,
            skipped,
            answers: Answers {
                yes: cases.yes,
                no: cases.no,
                unknown: cases.unknown,
            },
            cases: cases.ranked().into_iter().map(Case::from).collect(),
            hops_left_out: cases.left_out,
        }
    }
}

impl From<&inner::Case> for Case {
    fn from(case: &inner::Case) -> Self {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let hop = case.example.hop();
        Self {
            case: case.number,
            from: named(&case.client),
            from_hosts: case.client_hosts.iter().cloned().collect(),
            by: named(case.server_name()),
            by_hosts: case.server_hosts.iter().cloned().collect(),
            state: case.state.into(),
            standing: case.standing.into(),
            believed: case.believed,
            messages: case.messages,
            hops: case.hops,
            first: case.first.map(rfc3339),
            last: case.last.map(rfc3339),
            example: Example {
                path: case.example.chain.source.path.to_string(),
                index: case.example.chain.source.index,
                message_id: case.example.chain.message.message_id.clone(),
                id: hop
                    .and_then(|hop| hop.received.id.as_ref())
                    .map(|piece| piece.text.clone()),
                explained: HopExplanation::from(&case.example.explained),
            },
        }
    }
}
