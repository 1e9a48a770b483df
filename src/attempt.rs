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

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $word:literal;)*) => {
        /// Why a step was not taken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Because {
            $($(#[$doc])* $variant,)*
            /// An earlier step, of this stage, failed.
            After(Stage),
        }

        impl Because {
            /// Every reason but a failed stage.
            pub const PLAIN: &[Self] = &[$(Self::$variant,)*];

            /// The word of the published contract: `not-offered`, or
            /// `greeting-failed` after a failed greeting.
            #[must_use]
            pub fn word(self) -> String {
                match self {
                    $(Self::$variant => $word.into(),)*
                    Self::After(stage) => format!("{}-failed", stage.word()),
                }
            }
        }
    };
}

reasons! {
    /// The server did not offer STARTTLS.
    NotOffered = "not-offered";
    /// The question was not asked (turned off, or not needed).
    NotAsked = "not-asked";
    /// TLSA is asked only where the address records are secure
    /// (RFC 7672, section 2.2.2).
    AddressInsecure = "address-insecure";
    /// The domain takes no mail (null MX), so there is nothing to ask.
    NoMail = "no-mail";
    /// The address is not a public one, and only those were to be probed; or
    /// the name leads back to this machine.
    AddressNotPublic = "address-not-public";
    /// More addresses than one probe of a domain takes on.
    TooManyEndpoints = "too-many-endpoints";
    /// The user asked for it to be left alone.
    Excluded = "excluded";
    /// The server turned so many connections away that no more were made.
    HostOverloaded = "host-overloaded";
    /// TLS comes before the first word on this port (RFC 8314, section 3.3), so
    /// there is nothing to start.
    ImplicitTls = "implicit-tls";
    /// The question is about mail between servers, and the port is for mail
    /// programs.
    Submission = "submission";
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
