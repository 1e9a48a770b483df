//! `explanation`: a chain, the probes of its hops, and ranked causes.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::explain as inner;
use crate::explain::cases::Met;
use crate::observed::domain::DomainObservation;
use crate::observed::statement::{Said, Statement};
use crate::report::json::attempt::rfc3339;
use crate::report::json::chain::ChainData;
use crate::report::json::domain::DomainReport;
use crate::report::json::words::{
    AnswerWord, ConclusionWord, MatchedByWord, ObservedFromWord, StandingWord, StatedByWord,
    WhyNotWord,
};
use crate::trace::chain::Chain;
use crate::verdict::{self, Required, Verdict};

/// Why the hops of one message lacked TLS.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExplanationData {
    pub chain: ChainData,
    /// One for each domain or host that was asked.
    pub probes: Vec<DomainReport>,
    /// What a history held of earlier probes, as far as the explanation rests on it.
    #[serde(default)]
    pub earlier: Vec<DomainReport>,
    pub hops: Vec<HopExplanation>,
    pub answer: AnswerWord,
    /// Whether this machine or its network hindered the probes (exit status 4).
    pub trouble_here: bool,
}

impl ExplanationData {
    pub fn new(
        chain: &Chain,
        probes: &[(DomainObservation, Verdict)],
        explanation: &inner::Explanation,
        met: &[Option<Met>],
    ) -> Self {
        let mut hops: Vec<HopExplanation> =
            explanation.hops.iter().map(HopExplanation::from).collect();
        for (hop, met) in hops.iter_mut().zip(met) {
            hop.case = met.map(|met| met.case);
        }
        Self {
            chain: chain.into(),
            probes: probes
                .iter()
                .map(|(observation, verdict)| DomainReport::new(observation, verdict))
                .collect(),
            earlier: explanation
                .earlier
                .iter()
                .map(|seen| DomainReport::new(seen, &verdict::assess(seen, seen.at, Required::Tls)))
                .collect(),
            hops,
            answer: explanation.answer.into(),
            trouble_here: explanation.trouble_here,
        }
    }
}

/// What is concluded about one hop, and why.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct HopExplanation {
    /// Number of the hop in the chain.
    pub hop: usize,
    pub conclusion: Conclusion,
    /// Ranked, the most likely first; empty where the line says that the hop
    /// was encrypted.
    pub causes: Vec<Cause>,
    pub probed: Option<Probed>,
    /// What parties of the hop stated at the time, in logs and TLS reports that were given: these
    /// alone prove, or overturn the line.
    #[serde(default)]
    pub stated: Vec<Stated>,
    /// The one observation that would settle it, and whom to ask.
    pub next: Vec<String>,
    /// The case of this run that the hop belongs to: the same two parties, the
    /// same reason. Null where the hop is not open.
    pub case: Option<usize>,
    /// What to send to the postmaster who can tell; null where there is nothing
    /// to ask, or nobody.
    pub letter: Option<Letter>,
}

/// A letter to a postmaster.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    pub paragraphs: Vec<String>,
}

impl From<&inner::HopExplanation> for HopExplanation {
    fn from(hop: &inner::HopExplanation) -> Self {
        Self {
            hop: hop.hop,
            conclusion: Conclusion {
                state: hop.conclusion.state.into(),
                standing: hop.conclusion.standing.into(),
            },
            causes: hop
                .causes
                .iter()
                .map(|cause| Cause {
                    code: cause.cause.word().to_owned(),
                    standing: cause.standing.into(),
                    for_: cause.for_.clone(),
                    against: cause.against.clone(),
                })
                .collect(),
            probed: hop.probed.as_ref().map(|probed| Probed {
                matched_by: probed.matched_by.into(),
                observed_at: rfc3339(probed.observed_at),
                age_days: probed.age_days,
                from: probed.from.into(),
            }),
            stated: hop.stated.iter().map(Stated::from).collect(),
            next: hop.next.clone(),
            case: None,
            letter: hop.letter.as_ref().map(|letter| Letter {
                to: letter.to.clone(),
                subject: letter.subject.clone(),
                paragraphs: letter.paragraphs.clone(),
            }),
        }
    }
}

/// What a party of the hop stated at the time.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Stated {
    pub by: StatedByWord,
    /// The file and the line, or the report; with what its time stamp left out and was taken from
    /// the message.
    pub place: String,
    /// As it stands there.
    pub text: String,
    /// What it covers: a line of a log a moment, a report mostly a day.
    #[schemars(extend("format" = "date-time"))]
    pub from: String,
    #[schemars(extend("format" = "date-time"))]
    pub until: String,
    pub says: SaysWord,
    /// Where TLS did not come about.
    pub why_not: Option<WhyNotWord>,
    /// Where the message went over TLS, as far as it is stated.
    pub version: Option<String>,
    pub cipher: Option<String>,
    /// The hosts that it names, and the queue id of the receiver.
    pub client: Option<String>,
    pub client_ip: Option<IpAddr>,
    pub server: Option<String>,
    pub server_ip: Option<IpAddr>,
    pub id: Option<String>,
}

/// What was stated: the message went encrypted; in cleartext; or TLS did not come about, in the
/// session that carried the message, in one just before it, or in sessions that a report counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SaysWord {
    Encrypted,
    Cleartext,
    NoTls,
}

impl From<&Statement> for Stated {
    fn from(statement: &Statement) -> Self {
        let (says, why_not, version, cipher) = match &statement.says {
            Said::Encrypted { version, cipher } => (
                SaysWord::Encrypted,
                None,
                version.map(|version| version.name().to_owned()),
                cipher.clone(),
            ),
            Said::Cleartext => (SaysWord::Cleartext, None, None, None),
            Said::NoTls(why) => (SaysWord::NoTls, Some((*why).into()), None, None),
        };
        Self {
            by: statement.by.into(),
            place: statement.place.clone(),
            text: statement.quote.clone(),
            from: rfc3339(statement.from),
            until: rfc3339(statement.until),
            says,
            why_not,
            version,
            cipher,
            client: statement.client.clone(),
            client_ip: statement.client_ip,
            server: statement.server.clone(),
            server_ip: statement.server_ip,
            id: statement.id.clone(),
        }
    }
}

/// The state of a hop after all evidence.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Conclusion {
    pub state: ConclusionWord,
    pub standing: StandingWord,
}

/// A cause with what speaks for it and against it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// A stable kebab-case word; `starttrace codes` describes each. New ones may be added.
    pub code: String,
    pub standing: StandingWord,
    #[serde(rename = "for")]
    pub for_: Vec<String>,
    pub against: Vec<String>,
}

/// Which probe spoke about the hop.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Probed {
    pub matched_by: MatchedByWord,
    #[schemars(extend("format" = "date-time"))]
    pub observed_at: String,
    pub age_days: i64,
    pub from: ObservedFromWord,
}
