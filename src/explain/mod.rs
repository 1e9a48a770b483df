//! Why a hop lacked TLS: a chain, what probes see today, and what the past
//! left, joined into ranked causes. Pure: no clock, no network.
//!
//! Entry points, in order: [`pair::targets`] says whom to probe for a message;
//! [`explain`] joins what was seen into an [`Explanation`].
//!
//! Between them: [`facts`] holds all that is known about one hop, with
//! [`sender`], the table of what sending software does when TLS fails;
//! [`traffic`] is what many messages together show, and `statements` what logs
//! and reports say; [`causes`] has one rule for each cause; [`weigh`] gives them their standing
//! and order; `conclude` and `next` say what follows, and [`letter`] asks the
//! one who knows. Over many messages, [`cases`] tells each reason once.
//!
//! Evidence has limits that no rule may pass. A probe now, by another client,
//! is circumstantial for that day. Lines are trustworthy from the mailbox's
//! own side outward only. Silence is the absence of a statement. A bad
//! certificate does not explain cleartext from a sender that checks none
//! (RFC 7435, section 4). A receiver's policy binds only senders that follow
//! it. And a network that blocks port 25 makes every receiver look guilty, so
//! the control host speaks first.
//!
//! A statement made at the time by a party of the hop ([`Past::statements`])
//! alone can prove a cause, or overturn the line.

pub mod cases;
pub mod causes;
mod conclude;
pub mod facts;
pub mod letter;
mod next;
pub mod pair;
pub mod sender;
mod statements;
pub mod traffic;
pub mod weigh;

#[cfg(test)]
pub(crate) mod literal;
#[cfg(test)]
mod tests;

pub use conclude::explain;
pub use statements::Statements;

use jiff::Timestamp;

use crate::answer::{Answer, Standing};
use crate::explain::letter::Letter;
use crate::explain::traffic::Traffic;
use crate::finding::Cause;
use crate::observed::domain::DomainObservation;
use crate::observed::statement::Statement;

/// What is known besides the message and the probes made for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// Observations that earlier probes left.
    pub earlier: Vec<DomainObservation>,
    /// What parties of the hops stated at the time: logs, reports.
    pub statements: Statements,
    /// What the messages given together show of who sent to whom.
    pub traffic: Traffic,
}

/// The explanation of one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    pub hops: Vec<HopExplanation>,
    /// Those of the earlier observations that it rests on.
    pub earlier: Vec<DomainObservation>,
    pub answer: Answer,
    /// A probe failed because of this machine's network (exit status 4).
    pub trouble_here: bool,
}

/// What is concluded about one hop, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct HopExplanation {
    /// Number of the hop in the chain.
    pub hop: usize,
    pub conclusion: Conclusion,
    /// Ranked, the most likely first; empty where the hop was encrypted.
    pub causes: Vec<RankedCause>,
    pub probed: Option<Probed>,
    /// What parties of the hop stated at the time; quotes hostile text: escape.
    pub stated: Vec<Statement>,
    /// The one observation that would settle it, and whom to ask.
    pub next: Vec<String>,
    /// What to send to the postmaster who can tell.
    pub letter: Option<Letter>,
}

/// The state of a hop after all evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conclusion {
    pub state: ConclusionState,
    pub standing: Standing,
}

/// What a hop was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConclusionState {
    Encrypted,
    Cleartext,
    Unknown,
    /// Inside one host, network or organisation.
    Inside,
    NotSmtp,
}

impl ConclusionState {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Cleartext => "cleartext",
            Self::Unknown => "unknown",
            Self::Inside => "inside",
            Self::NotSmtp => "not-smtp",
        }
    }
}

/// A cause with what speaks for it and against it.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedCause {
    pub cause: Cause,
    pub standing: Standing,
    /// Clauses in words; may quote hostile text: escape.
    pub for_: Vec<String>,
    pub against: Vec<String>,
}

/// Which probe spoke about the hop.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    pub matched_by: MatchedBy,
    pub observed_at: Timestamp,
    pub age_days: i64,
    pub from: ObservedFrom,
}

/// How the probe was matched to the hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchedBy {
    Address,
    HostName,
    CertificateName,
    MxSet,
    Pool,
    None,
}

impl MatchedBy {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::HostName => "host-name",
            Self::CertificateName => "certificate-name",
            Self::MxSet => "mx-set",
            Self::Pool => "pool",
            Self::None => "none",
        }
    }
}

/// Whether the observation was made now or is an old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObservedFrom {
    Live,
    History,
}
