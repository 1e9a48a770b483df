//! Judgements and findings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding;
use crate::report::json::attempt::rfc3339;
use crate::report::json::words::{
    AnswerWord, DeliveryWord, ProtectionWord, RequiredWord, SeverityWord,
};
use crate::verdict as inner;

/// What was seen of a domain, judged.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct VerdictData {
    /// As of when certificates were judged.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// The level that was required.
    pub required: RequiredWord,
    pub protection: ProtectionWord,
    /// Whether the required level is reached.
    pub answer: AnswerWord,
    /// Whether this machine or its network hindered the answer (exit status 4).
    pub trouble_here: bool,
    /// One sentence that a manager understands.
    pub reason: String,
    pub seen: Seen,
    pub senders: Senders,
    pub hosts: Vec<HostVerdict>,
    /// By severity, then MX preference.
    pub findings: Vec<Finding>,
}

impl From<&inner::Verdict> for VerdictData {
    fn from(verdict: &inner::Verdict) -> Self {
        Self {
            at: rfc3339(verdict.at),
            required: verdict.required.into(),
            protection: verdict.protection.into(),
            answer: verdict.answer.into(),
            trouble_here: verdict.trouble_here,
            reason: verdict.reason.clone(),
            seen: Seen {
                endpoints: verdict.seen.endpoints,
                of: verdict.seen.of,
            },
            senders: verdict.senders.into(),
            hosts: verdict
                .hosts
                .iter()
                .map(|host| HostVerdict {
                    host: host.host.to_string(),
                    protection: host.protection.into(),
                    senders: host.senders.into(),
                })
                .collect(),
            findings: findings(&verdict.findings),
        }
    }
}

/// How many addresses were seen of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    pub endpoints: usize,
    pub of: usize,
}

/// What each kind of sender would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Senders {
    /// Uses TLS where it can, checks nothing.
    pub opportunistic: DeliveryWord,
    /// Insists on TLS, checks no certificate.
    pub mandatory: DeliveryWord,
    /// Follows MTA-STS (RFC 8461).
    pub mta_sts: DeliveryWord,
    /// Follows DANE (RFC 7672).
    pub dane: DeliveryWord,
    /// Has mail that demands TLS on the whole way (REQUIRETLS, RFC 8689).
    #[serde(default = "unknown")]
    pub requiretls: DeliveryWord,
}

impl From<inner::Senders> for Senders {
    fn from(senders: inner::Senders) -> Self {
        Self {
            opportunistic: senders.opportunistic.into(),
            mandatory: senders.mandatory.into(),
            mta_sts: senders.mta_sts.into(),
            dane: senders.dane.into(),
            requiretls: senders.requiretls.into(),
        }
    }
}

/// What a report that was written before the field says.
fn unknown() -> DeliveryWord {
    inner::Delivery::Unknown.into()
}

/// The judgement on one host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct HostVerdict {
    pub host: String,
    pub protection: ProtectionWord,
    pub senders: Senders,
}

/// Something worth telling.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// A stable kebab-case word; `starttrace codes` describes each. New ones may be added.
    pub code: String,
    pub severity: SeverityWord,
    pub subject: String,
    pub seen: String,
    pub means: String,
    pub fix: Option<String>,
    /// RFC and section, where a standard speaks of it.
    pub standard: Option<String>,
}

/// The twins of findings.
pub fn findings(findings: &[finding::Finding]) -> Vec<Finding> {
    findings
        .iter()
        .map(|finding| Finding {
            code: finding.code.word().to_owned(),
            severity: finding.severity.into(),
            subject: finding.subject.clone(),
            seen: finding.seen.clone(),
            means: finding.means.clone(),
            fix: finding.fix.clone(),
            standard: finding.code.standard().map(str::to_owned),
        })
        .collect()
}
