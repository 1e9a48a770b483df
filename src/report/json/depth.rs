//! What `--depth deep` saw of an endpoint, in `domain-report`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observed::depth as inner;
use crate::report::json::attempt::Attempt;
use crate::report::json::endpoint::{Reply, group};

/// The answers to the further questions of `--depth deep`, each on a connection of its own.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Deep {
    /// Whether the first connection, before all these, had STARTTLS offered; true too where TLS comes first (port 465).
    pub first_offered: bool,
    /// A hello for each version alone.
    pub versions: Vec<VersionAsked>,
    /// A hello with suites of one class alone, at the best version below TLS 1.3.
    pub suite_classes: Vec<ClassAsked>,
    /// A hello with post-quantum groups alone.
    pub post_quantum: Attempt<Choice>,
    /// Every group taken at the best version, IANA names, in the order in which the server chose them of what was left.
    pub groups: Attempt<Vec<String>>,
    /// A handshake that names no server.
    pub without_name: Attempt<Shown>,
    /// A handshake that names a server nobody has.
    pub other_name: Attempt<Shown>,
    /// EHLO said again, some time apart; empty where TLS comes first (port 465).
    pub repeats: Vec<Attempt<Repeat>>,
    /// STARTTLS said although it was not offered.
    pub starttls_unadvertised: Attempt<Reply>,
    /// A command in cleartext behind STARTTLS, in the same segment.
    pub injection: Attempt<Injection>,
}

/// One version.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct VersionAsked {
    /// `SSLv3` to `TLSv1.3`.
    pub version: String,
    pub answer: Attempt<Choice>,
}

/// One class of suites.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClassAsked {
    /// `broken` (RC4, DES, export, no encryption), `triple-des`, `anonymous`,
    /// `rsa-key-exchange` or `dhe`.
    pub class: String,
    pub answer: Attempt<Choice>,
}

/// What the server made of an offer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// Whether it took anything of what was offered.
    pub taken: bool,
    /// IANA name; null where nothing was taken.
    pub cipher_suite: Option<String>,
    /// IANA name, where there is a group.
    pub group: Option<String>,
    /// Size of the Diffie-Hellman prime.
    pub dh_bits: Option<u32>,
}

/// The certificate shown.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Shown {
    /// Of the leaf, lower-case hexadecimal; null where none was shown.
    pub sha256: Option<String>,
    pub names: Vec<String>,
    /// Whether it is the one of `handshake`.
    pub same: bool,
}

/// One more EHLO.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Repeat {
    /// Whether STARTTLS was offered.
    pub starttls: bool,
}

/// What came of a command in cleartext behind STARTTLS.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Injection {
    /// It was answered inside TLS, as if it had been said there.
    pub answered: bool,
}

impl From<&inner::Depth> for Deep {
    fn from(depth: &inner::Depth) -> Self {
        Self {
            first_offered: depth.first_offered,
            versions: depth
                .versions
                .iter()
                .map(|asked| VersionAsked {
                    version: asked.what.name().to_owned(),
                    answer: Attempt::from(&asked.answer),
                })
                .collect(),
            suite_classes: depth
                .suites
                .iter()
                .map(|asked| ClassAsked {
                    class: asked.what.word().to_owned(),
                    answer: Attempt::from(&asked.answer),
                })
                .collect(),
            post_quantum: Attempt::from(&depth.post_quantum),
            groups: Attempt::of(&depth.groups, |groups| {
                groups.iter().copied().map(group).collect()
            }),
            without_name: Attempt::from(&depth.without_name),
            other_name: Attempt::from(&depth.other_name),
            repeats: depth.repeats.iter().map(Attempt::from).collect(),
            starttls_unadvertised: Attempt::from(&depth.unadvertised),
            injection: Attempt::from(&depth.injection),
        }
    }
}

impl From<&inner::Choice> for Choice {
    fn from(choice: &inner::Choice) -> Self {
        let chosen = choice.chosen;
        Self {
            taken: chosen.is_some(),
            cipher_suite: chosen.map(inner::Chosen::suite_name),
            group: chosen.and_then(|chosen| chosen.group).map(group),
            dh_bits: chosen.and_then(|chosen| chosen.dh_bits),
        }
    }
}

impl From<&inner::Shown> for Shown {
    fn from(shown: &inner::Shown) -> Self {
        Self {
            sha256: shown.sha256.clone(),
            names: shown.names.clone(),
            same: shown.same,
        }
    }
}

impl From<&inner::Repeat> for Repeat {
    fn from(repeat: &inner::Repeat) -> Self {
        Self {
            starttls: repeat.starttls,
        }
    }
}

impl From<&inner::Injection> for Injection {
    fn from(injection: &inner::Injection) -> Self {
        Self {
            answered: injection.answered,
        }
    }
}
