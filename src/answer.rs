//! The three-valued answer every command gives, and how several combine.

/// Yes, no, or "cannot tell". "Could not see" is never "no".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// What was asked for holds, as far as it was seen.
    Yes,
    /// What was asked for does not hold, and evidence shows it.
    No,
    /// The evidence carries neither.
    Unknown,
}

impl Answer {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// How sure a statement about the past is. Nothing here is measured as a
/// percentage, so there are words and an order, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// A party of the hop stated it at the time.
    Proved,
    /// Strong circumstantial evidence, and nothing against it.
    Likely,
    /// Possible, and nothing contradicts it.
    Possible,
    /// Needs two independent accidents.
    Unlikely,
    /// A fact excludes it.
    RuledOut,
}

impl Standing {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Likely => "likely",
            Self::Possible => "possible",
            Self::Unlikely => "unlikely",
            Self::RuledOut => "ruled-out",
        }
    }
}
