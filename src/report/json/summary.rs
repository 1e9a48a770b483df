//! `summary`: many messages in one table.

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::json::attempt::rfc3339;
use crate::trace::summary as inner;
use crate::trace::witness::{Testimony, Witnesses};

/// What many messages show of their hops (trace --summary).
#[derive(Debug, Serialize, JsonSchema)]
pub struct SummaryData {
    pub of: SummaryOf,
    pub messages: usize,
    /// Inputs that gave no chain.
    pub skipped: usize,
    pub answers: Answers,
    /// All exposed hops.
    pub exposed: Counts,
    /// Hops inside one host, network or organisation.
    pub inside: usize,
    /// One for each pair of a sending and a receiving host; those with hops
    /// without TLS first.
    pub pairs: Vec<Pair>,
    /// Exposed hops of pairs beyond the number that is kept.
    pub hops_left_out: usize,
    /// What each receiving host is seen to record, by believable lines alone.
    pub hosts: Vec<Host>,
    /// How often a message told of a host beyond the number that is kept.
    pub hosts_left_out: usize,
}

/// Which command made the summary.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SummaryOf {
    Trace,
}

/// Messages by their answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answers {
    pub yes: usize,
    pub no: usize,
    pub unknown: usize,
}

/// Hops counted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Counts {
    pub hops: usize,
    /// Recorded as TLS.
    pub with_tls: usize,
    /// Cleartext as proved or likely.
    pub without: usize,
    /// Nothing can be said, or no more than that it is possible.
    pub unstated: usize,
    /// Hops whose line anybody could have written.
    pub forgeable: usize,
    pub versions: Vec<VersionCount>,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub first: Option<String>,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last: Option<String>,
}

/// How many hops recorded a version.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VersionCount {
    /// Null where a line says TLS and no version.
    pub version: Option<String>,
    pub hops: usize,
}

/// The exposed hops from one host to another.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pair {
    /// In lower case; null where the lines name none.
    pub from: Option<String>,
    pub by: Option<String>,
    pub counts: Counts,
}

/// What is seen of one receiving host. Counts are of messages.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Host {
    pub host: String,
    pub messages: usize,
    pub with_tls: usize,
    /// Messages it took over an exposed hop without stating TLS.
    pub without: usize,
    /// First and last time it stated TLS.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub first: Option<String>,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last: Option<String>,
    /// All its clients have private addresses under the names of several
    /// domains: its silence proves nothing.
    pub behind_proxy: bool,
    /// Who reached it, by registrable domain or address.
    pub senders: Vec<Sender>,
    /// Messages of senders beyond the number that is kept.
    pub senders_left_out: usize,
}

/// How one sender reached a host. Counts are of messages.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sender {
    pub name: String,
    pub with_tls: usize,
    pub without: usize,
    pub versions: Vec<String>,
}

impl SummaryData {
    pub(super) fn new(summary: &inner::Summary, witnesses: &Witnesses, skipped: usize) -> Self {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        Self {
            of: SummaryOf::Trace,
            messages: summary.messages,
            skipped,
            answers: Answers {
                yes: summary.yes,
                no: summary.no,
                unknown: summary.unknown,
            },
            exposed: Counts::from(&summary.total),
            inside: summary.inside,
            pairs: summary
                .pairs()
                .into_iter()
                .map(|(from, by, pair)| Pair {
                    from: named(from),
                    by: named(by),
                    counts: Counts::from(pair),
                })
                .collect(),
            hops_left_out: summary.left_out,
            hosts: witnesses
                .hosts()
                .into_iter()
                .map(|(host, told)| Host::new(host, told))
                .collect(),
            hosts_left_out: witnesses.left_out(),
        }
    }
}

impl From<&inner::Pair> for Counts {
    fn from(pair: &inner::Pair) -> Self {
        Self {
            hops: pair.hops,
            with_tls: pair.with_tls,
            without: pair.without,
            unstated: pair.unstated,
            forgeable: pair.forgeable,
            versions: pair
                .versions
                .iter()
                .map(|(version, hops)| VersionCount {
                    version: version.map(|version| version.name().to_owned()),
                    hops: *hops,
                })
                .collect(),
            first: pair.first.map(rfc3339),
            last: pair.last.map(rfc3339),
        }
    }
}

impl Host {
    fn new(host: &str, told: &Testimony) -> Self {
        Self {
            host: host.to_owned(),
            messages: told.messages,
            with_tls: told.with_tls,
            without: told.without,
            first: told.times.first().map(rfc3339),
            last: told.times.last().map(rfc3339),
            behind_proxy: told.is_behind_proxy(),
            senders: told
                .senders
                .iter()
                .map(|(name, reached)| Sender {
                    name: name.to_owned(),
                    with_tls: reached.with_tls,
                    without: reached.without,
                    versions: reached
                        .versions
                        .iter()
                        .map(|version| version.name().to_owned())
                        .collect(),
                })
                .collect(),
            senders_left_out: told.senders_left_out,
        }
    }
}
