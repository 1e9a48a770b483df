//! `history`: what earlier probes saw, and what changed since.

use schemars::JsonSchema;
use serde::Serialize;

use crate::history::change::{Change, Judged};
use crate::history::{Known, Pruned};
use crate::report::json::attempt::rfc3339;
use crate::report::json::words::{ChangeWord, DirectionWord, ProtectionWord};

/// What earlier probes saw (history list), what changed since (history diff), or what was
/// removed (history prune).
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "of", rename_all = "lowercase")]
pub enum HistoryData {
    List(ListData),
    Diff(DiffData),
    Prune(PruneData),
}

/// One domain that the history knows.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListData {
    /// In A-labels; the name of a host where one was asked by itself.
    pub domain: String,
    pub observations: u64,
    #[schemars(extend("format" = "date-time"))]
    pub first: String,
    #[schemars(extend("format" = "date-time"))]
    pub last: String,
    /// The level that was last seen.
    pub protection: String,
}

impl From<&Known> for ListData {
    fn from(known: &Known) -> Self {
        Self {
            domain: known.domain.clone(),
            observations: known.observations,
            first: rfc3339(known.first),
            last: rfc3339(known.last),
            protection: known.protection.clone(),
        }
    }
}

/// What changed between two observations of one domain.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffData {
    pub domain: String,
    /// The earlier observation.
    pub before: ObservationData,
    /// The later one.
    pub after: ObservationData,
    /// Empty where nothing changed.
    pub changes: Vec<ChangeData>,
}

impl DiffData {
    pub fn new(before: &Judged, after: &Judged, changes: &[Change]) -> Self {
        Self {
            domain: after.observation.domain.to_string(),
            before: before.into(),
            after: after.into(),
            changes: changes.iter().map(ChangeData::from).collect(),
        }
    }
}

/// When an observation was made, and how well mail was protected then.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ObservationData {
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    pub protection: ProtectionWord,
}

impl From<&Judged> for ObservationData {
    fn from(judged: &Judged) -> Self {
        Self {
            at: rfc3339(judged.observation.at),
            protection: judged.verdict.protection.into(),
        }
    }
}

/// One thing that changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangeData {
    pub change: ChangeWord,
    /// The domain, or the host concerned.
    pub subject: String,
    /// In words.
    pub before: String,
    /// In words.
    pub after: String,
    pub direction: DirectionWord,
    /// When the state before was seen: by the earlier observation, or by an older one where
    /// that one did not see it.
    #[schemars(extend("format" = "date-time"))]
    pub since: String,
}

impl From<&Change> for ChangeData {
    fn from(change: &Change) -> Self {
        Self {
            change: change.kind.into(),
            subject: change.subject.clone(),
            before: change.before.clone(),
            after: change.after.clone(),
            direction: change.direction.into(),
            since: rfc3339(change.since),
        }
    }
}

/// What was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PruneData {
    pub observations: u64,
    pub witnesses: u64,
    /// Octets of the file.
    pub octets_before: u64,
    pub octets_after: u64,
}

impl From<&Pruned> for PruneData {
    fn from(pruned: &Pruned) -> Self {
        Self {
            observations: pruned.observations,
            witnesses: pruned.witnesses,
            octets_before: pruned.before,
            octets_after: pruned.after,
        }
    }
}
