//! A step that was done, failed, or was skipped; the variant holds its data.
//!
//! A step not taken never looks like one that failed, and a query that was
//! made and answered "none" is [`Attempt::Done`] with an empty value.

use crate::failure::{Failure, Stage};

/// The outcome of one step of a probe.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt<T> {
    /// The step was taken and gave this.
    Done(T),
    /// The step was taken and failed.
    Failed(Box<Failure>),
    /// The step was not taken.
    Skipped(Because),
}

/// Why a step was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Because {
    /// The server did not offer STARTTLS.
    NotOffered,
    /// The question was not asked (turned off, or not needed).
    NotAsked,
    /// TLSA is asked only where the address records are secure
    /// (RFC 7672, section 2.2.2).
    AddressInsecure,
    /// The domain takes no mail (null MX), so there is nothing to ask.
    NoMail,
    /// The address is not a public one, and only those were to be probed; or
    /// the name leads back to this machine.
    AddressNotPublic,
    /// More addresses than one probe of a domain takes on.
    TooManyEndpoints,
    /// The user asked for it to be left alone.
    Excluded,
    /// The server turned so many connections away that no more were made.
    HostOverloaded,
    /// An earlier step, of this stage, failed.
    After(Stage),
}

impl Because {
    /// Every reason but a failed stage.
    pub const PLAIN: &[Self] = &[
        Self::NotOffered,
        Self::NotAsked,
        Self::AddressInsecure,
        Self::NoMail,
        Self::AddressNotPublic,
        Self::TooManyEndpoints,
    ];

    /// The word of the published contract: `not-offered`, or
    /// `greeting-failed` after a failed greeting.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::NotOffered => "not-offered".into(),
            Self::NotAsked => "not-asked".into(),
            Self::AddressInsecure => "address-insecure".into(),
            Self::NoMail => "no-mail".into(),
            Self::AddressNotPublic => "address-not-public".into(),
            Self::TooManyEndpoints => "too-many-endpoints".into(),
            Self::Excluded => "excluded".into(),
            Self::HostOverloaded => "host-overloaded".into(),
            Self::After(stage) => format!("{}-failed", stage.word()),
        }
    }
}

impl<T> Attempt<T> {
    /// The value, where the step was done.
    #[must_use]
    pub fn done(&self) -> Option<&T> {
        match self {
            Self::Done(value) => Some(value),
            Self::Failed(_) | Self::Skipped(_) => None,
        }
    }

    /// The failure, where the step failed.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Done(_) | Self::Skipped(_) => None,
        }
    }

    /// Whether the step was done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// Shorthand for a failed attempt.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl<T> From<Result<T, Failure>> for Attempt<T> {
    fn from(result: Result<T, Failure>) -> Self {
        match result {
            Ok(value) => Self::Done(value),
            Err(failure) => Self::failed(failure),
        }
    }
}
