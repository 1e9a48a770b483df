//! From what was seen of a domain to what it means. Pure functions.
//!
//! Entry point: [`assess`]. It decides, in this order:
//!
//! 1. what was seen of each endpoint: TLS, no TLS, or nothing
//!    (`sight`, the one place where a failure is weighed);
//! 2. whether the network here may be believed: nothing negative is said
//!    when the control host failed;
//! 3. how well mail is protected: the worst of what a sender may meet among
//!    the endpoints that were seen. An endpoint that was not seen leaves the
//!    level and shows in [`Seen`];
//! 4. what each kind of sender would do;
//! 5. the findings, each with what was seen, what it means, what to do;
//! 6. the answer to the level required, and the sentence that gives it.
//!
//! [`lost::remember`] adds what an earlier probe makes of it.
//!
//! Certificates are judged again as of the time given, so that an old
//! observation, or the future, can be judged. Not supported: finding another
//! path to a root as of that time; only the dates of the certificates that
//! were sent count.

mod assess;
mod certificates;
mod findings;
pub mod lost;
mod policies;
mod proof;
mod protection;
mod reason;
mod senders;
mod sight;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use assess::assess;
pub use proof::{Proof, proofs};
pub use sight::{Sight, sight, sight_from_here};

use crate::answer::Answer;
use crate::finding::Finding;
use crate::name::HostName;

/// How well mail to a domain is protected, from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protection {
    NoMail,
    Cleartext,
    Mixed,
    Legacy,
    Encrypted,
    Authenticated,
    Enforced,
    Unknown,
}

impl Protection {
    /// Every level, in the order of the published contract.
    pub const ALL: &[Self] = &[
        Self::NoMail,
        Self::Cleartext,
        Self::Mixed,
        Self::Legacy,
        Self::Encrypted,
        Self::Authenticated,
        Self::Enforced,
        Self::Unknown,
    ];

    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoMail => "no-mail",
            Self::Cleartext => "cleartext",
            Self::Mixed => "mixed",
            Self::Legacy => "legacy",
            Self::Encrypted => "encrypted",
            Self::Authenticated => "authenticated",
            Self::Enforced => "enforced",
            Self::Unknown => "unknown",
        }
    }
}

/// The level that `--require` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Required {
    #[default]
    Tls,
    Authenticated,
    Enforced,
}

impl Required {
    /// Every level, from the least to the most.
    pub const ALL: &[Self] = &[Self::Tls, Self::Authenticated, Self::Enforced];

    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Authenticated => "authenticated",
            Self::Enforced => "enforced",
        }
    }
}

/// What one kind of sender would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    DeliversEncrypted,
    DeliversAuthenticated,
    MayDeliverCleartext,
    DeliversCleartext,
    /// Goes on to the next host; said of hosts only.
    SkipsHost,
    Refuses,
    Defers,
    NoPolicy,
    Unknown,
}

impl Delivery {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::DeliversEncrypted => "delivers-encrypted",
            Self::DeliversAuthenticated => "delivers-authenticated",
            Self::MayDeliverCleartext => "may-deliver-cleartext",
            Self::DeliversCleartext => "delivers-cleartext",
            Self::SkipsHost => "skips-host",
            Self::Refuses => "refuses",
            Self::Defers => "defers",
            Self::NoPolicy => "no-policy",
            Self::Unknown => "unknown",
        }
    }
}

/// The kinds of sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Senders {
    /// Uses TLS where it can, checks nothing (RFC 7435).
    pub opportunistic: Delivery,
    /// Insists on TLS, checks no certificate (Postfix `encrypt`).
    pub mandatory: Delivery,
    /// Follows MTA-STS (RFC 8461).
    pub mta_sts: Delivery,
    /// Follows DANE (RFC 7672).
    pub dane: Delivery,
    /// Has mail that demands TLS on the whole way (RFC 8689).
    pub requiretls: Delivery,
}

/// How many endpoints were seen of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub endpoints: usize,
    pub of: usize,
}

/// The judgement on one host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostVerdict {
    pub host: HostName,
    pub protection: Protection,
    pub senders: Senders,
}

/// The judgement on a domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// As of when certificates were judged.
    pub at: Timestamp,
    pub required: Required,
    pub protection: Protection,
    pub answer: Answer,
    /// The network of this machine hindered the answer (exit status 4).
    pub trouble_here: bool,
    /// One sentence a manager understands.
    pub reason: String,
    pub seen: Seen,
    pub senders: Senders,
    pub hosts: Vec<HostVerdict>,
    pub findings: Vec<Finding>,
}
