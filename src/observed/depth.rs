//! What `--depth deep` and `--suites` see of an endpoint beside one handshake.
//!
//! Each answer is an attempt of its own: a server that has had enough of us
//! leaves the rest unasked, and that says nothing against it.

use std::collections::BTreeMap;

use crate::attempt::Attempt;
use crate::observed::endpoint::Reply;
use crate::tls::hello::suites::{KeyExchange, Protection, Suite};
use crate::tls::parameters::TlsVersion;

/// The answers to all further questions.
#[derive(Debug, Clone, PartialEq)]
pub struct Depth {
    /// Whether the first connection, before all these, had STARTTLS offered;
    /// true too where TLS comes before the first word.
    pub first_offered: bool,
    /// A hello for each version alone, with all its suites: what was chosen is
    /// the best there, as the server sees it.
    pub versions: Vec<Asked<TlsVersion>>,
    /// A hello with nothing but suites of one class, at the best version below
    /// TLS 1.3.
    pub suites: Vec<Asked<SuiteClass>>,
    /// A hello with post-quantum groups alone.
    pub post_quantum: Attempt<Choice>,
    /// Every group it takes at its best version, in the order in which it chose
    /// them of what was left.
    pub groups: Attempt<Vec<u16>>,
    /// A handshake that names no server.
    pub without_name: Attempt<Shown>,
    /// A handshake that names a server nobody has.
    pub other_name: Attempt<Shown>,
    /// EHLO again, on connections some time apart; none where TLS comes before
    /// the first word.
    pub repeats: Vec<Attempt<Repeat>>,
    /// STARTTLS although it was not offered.
    pub unadvertised: Attempt<Reply>,
    /// A command in cleartext behind STARTTLS.
    pub injection: Attempt<Injection>,
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked<T> {
    pub what: T,
    pub answer: Attempt<Choice>,
}

/// What the server chose of what was offered; none where it took nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    pub chosen: Option<Chosen>,
}

/// What a server chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// The registry number of the suite.
    pub suite: u16,
    /// The registry number of the group, where it has one.
    pub group: Option<u16>,
    /// The size of the Diffie-Hellman prime.
    pub dh_bits: Option<u32>,
}

/// The leaf that a server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Of the leaf, lower-case hexadecimal; none where none was shown.
    pub sha256: Option<String>,
    /// Hostile text: escape.
    pub names: Vec<String>,
    /// Whether it is the one shown to a client that names the host.
    pub same: bool,
}

/// One more EHLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    pub starttls: bool,
}

/// What came of a command in cleartext behind STARTTLS (CVE-2011-0411).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injection {
    /// It was answered inside TLS, as if it had been said there.
    pub answered: bool,
}

/// The suites asked for, registry numbers in the server's order, by version.
pub type Suites = BTreeMap<TlsVersion, Vec<u16>>;

/// Kinds of suites that are asked for alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SuiteClass {
    /// RC4, DES, export suites, and those without encryption.
    Broken,
    TripleDes,
    Anonymous,
    RsaKeyExchange,
    /// Finite field Diffie-Hellman, whose group it tells.
    Dhe,
}

impl SuiteClass {
    /// Every class, worst first.
    pub const ALL: &[Self] = &[
        Self::Broken,
        Self::TripleDes,
        Self::Anonymous,
        Self::RsaKeyExchange,
        Self::Dhe,
    ];

    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::TripleDes => "triple-des",
            Self::Anonymous => "anonymous",
            Self::RsaKeyExchange => "rsa-key-exchange",
            Self::Dhe => "dhe",
        }
    }

    /// Whether a suite is of the class. One that is anonymous and broken is
    /// broken.
    #[must_use]
    pub fn has(self, suite: &Suite) -> bool {
        let protection = suite.protection();
        let broken = protection >= Protection::Rc4;
        let sound = protection <= Protection::Cbc && !suite.is_anonymous();
        match self {
            Self::Broken => broken,
            Self::TripleDes => protection == Protection::TripleDes && !suite.is_anonymous(),
            Self::Anonymous => suite.is_anonymous() && !broken,
            Self::RsaKeyExchange => sound && suite.key_exchange() == KeyExchange::Rsa,
            Self::Dhe => sound && suite.key_exchange() == KeyExchange::Dhe,
        }
    }
}

impl Chosen {
    /// The suite's IANA name, or its number.
    #[must_use]
    pub fn suite_name(self) -> String {
        Suite::of(self.suite).map_or_else(
            || format!("0x{:04X}", self.suite),
            |suite| suite.name.to_owned(),
        )
    }
}

impl Depth {
    /// Whether some connections had STARTTLS offered and others not.
    #[must_use]
    pub fn is_inconsistent(&self) -> bool {
        let (offers, answered) = self.offers();
        if self.first_offered {
            offers < answered
        } else {
            offers > 0
        }
    }

    /// The smallest Diffie-Hellman prime it chose where nobody had asked for
    /// such suites alone, in bits.
    #[must_use]
    pub fn preferred_dh_bits(&self) -> Option<u32> {
        smallest_dh(self.versions.iter().map(|asked| &asked.answer))
    }

    /// The smallest that it chose where only such suites were offered, in
    /// bits.
    #[must_use]
    pub fn dh_bits_on_demand(&self) -> Option<u32> {
        smallest_dh(self.suites.iter().map(|asked| &asked.answer))
    }

    /// How many of the EHLOs said again had STARTTLS offered, of how many.
    #[must_use]
    pub fn offers(&self) -> (usize, usize) {
        let answered = || self.repeats.iter().filter_map(Attempt::done);
        (
            answered().filter(|repeat| repeat.starttls).count(),
            answered().count(),
        )
    }
}

fn smallest_dh<'a>(answers: impl Iterator<Item = &'a Attempt<Choice>>) -> Option<u32> {
    answers
        .filter_map(|answer| answer.done()?.chosen?.dh_bits)
        .min()
}
