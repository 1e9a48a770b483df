//! `domain-report`: what was seen of a domain, and what it means.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dane::verify::named_by;
use crate::mta_sts::policy::{Advisory, MediaType};
use crate::observed::domain as inner;
use crate::observed::endpoint::EndpointObservation;
use crate::report::json::attempt::{Attempt, hexadecimal, milliseconds, rfc3339};
use crate::report::json::endpoint::Endpoint;
use crate::report::json::verdict::VerdictData;
use crate::report::json::words::{
    DnssecWord, MxSourceWord, ResolverPathWord, StsModeWord, ValidatedByWord,
};
use crate::verdict::Verdict;

/// What was seen of one domain's mail hosts, and what it means.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DomainReport {
    /// What was given, as given.
    pub input: String,
    /// The domain, in A-labels.
    pub domain: String,
    pub observed: Observed,
    pub verdict: VerdictData,
}

impl DomainReport {
    pub fn new(observation: &inner::DomainObservation, verdict: &Verdict) -> Self {
        Self {
            input: observation.input.clone(),
            domain: observation.domain.to_string(),
            observed: observation.into(),
            verdict: verdict.into(),
        }
    }
}

/// What a probe saw; no judgement.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Observed {
    /// When the probe began.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    pub duration_ms: u64,
    /// TCP connections opened, the control host's included.
    pub connections: u32,
    pub client: Client,
    /// The host known to offer STARTTLS that was asked over the same path. Skipped where
    /// nothing negative was to be said, or none was wanted.
    pub control: Attempt<Control>,
    pub resolver: Resolver,
    pub mx: Attempt<Mx>,
    pub mta_sts: MtaSts,
    pub tls_rpt: Attempt<TlsRpt>,
    /// In the order a sender would try them.
    pub hosts: Vec<Host>,
}

impl From<&inner::DomainObservation> for Observed {
    fn from(o: &inner::DomainObservation) -> Self {
        Self {
            at: rfc3339(o.at),
            duration_ms: milliseconds(o.duration),
            connections: o.connections,
            client: Client {
                ehlo: o.client.ehlo.clone(),
                address: o.client.address.map(|ip| ip.to_string()),
                proxy: o.client.proxy.clone(),
                tls: o.client.tls.iter().map(|v| v.name().to_owned()).collect(),
            },
            control: Attempt::from(&o.control),
            resolver: Resolver {
                address: o.resolver.address.clone(),
                path: o.resolver.path.into(),
                validates: o.resolver.validates,
                because: o.resolver.because.clone(),
                by: o.resolver.by.into(),
            },
            mx: Attempt::from(&o.mx),
            mta_sts: MtaSts {
                record: Attempt::from(&o.mta_sts.record),
                policy: Attempt::from(&o.mta_sts.policy),
            },
            tls_rpt: Attempt::from(&o.tls_rpt),
            hosts: o.hosts.iter().map(Host::from).collect(),
        }
    }
}

/// Who asked.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Client {
    /// The name said in EHLO.
    pub ehlo: String,
    /// Our address as the first connection showed it; null through a proxy.
    pub address: Option<String>,
    /// The proxy that connections were made through (`--proxy`), without credentials.
    pub proxy: Option<String>,
    /// The TLS versions this client speaks.
    pub tls: Vec<String>,
}

/// The control host that answered as it should.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    pub host: String,
    pub address: String,
}

impl From<&inner::Control> for Control {
    fn from(control: &inner::Control) -> Self {
        Self {
            host: control.host.clone(),
            address: control.address.to_string(),
        }
    }
}

/// The resolver, and how far its word about DNSSEC goes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Resolver {
    /// Address and port; empty where none was found.
    pub address: String,
    pub path: ResolverPathWord,
    /// Whether it validates; null where that was not tested, or its test showed nothing.
    pub validates: Option<bool>,
    /// What its test showed, where it is not known to validate; null where it does, or was not
    /// tested.
    pub because: Option<String>,
    pub by: ValidatedByWord,
}

/// The answer to the MX question.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Mx {
    pub dnssec: DnssecWord,
    pub source: MxSourceWord,
    pub records: Vec<MxRecord>,
}

impl From<&inner::MxAnswer> for Mx {
    fn from(mx: &inner::MxAnswer) -> Self {
        Self {
            dnssec: mx.dnssec.into(),
            source: mx.source.into(),
            records: mx
                .records
                .iter()
                .map(|record| MxRecord {
                    preference: record.preference,
                    host: record.host.to_string(),
                })
                .collect(),
        }
    }
}

/// One MX record.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MxRecord {
    pub preference: u16,
    /// Without final dot; empty for the null MX.
    pub host: String,
}

/// MTA-STS as found (RFC 8461).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MtaSts {
    pub record: Attempt<StsRecord>,
    pub policy: Attempt<StsPolicy>,
}

/// The TXT records at `_mta-sts`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct StsRecord {
    pub txt: Vec<String>,
    /// Null where there is not exactly one valid record.
    pub id: Option<String>,
}

impl From<&inner::StsRecord> for StsRecord {
    fn from(record: &inner::StsRecord) -> Self {
        Self {
            txt: record.txt.clone(),
            id: record.id.clone(),
        }
    }
}

/// The policy, compared with the MX records.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct StsPolicy {
    pub mode: StsModeWord,
    /// Seconds.
    pub max_age: u64,
    pub mx: Vec<String>,
    pub unmatched_hosts: Vec<String>,
    pub unmatched_patterns: Vec<String>,
    /// What is allowed in the file, and yet fragile.
    #[serde(default)]
    pub advisories: Vec<StsAdvisory>,
    /// What the web host called the file, without parameters; null where it did not say.
    pub media_type: Option<String>,
}

/// Something fragile in a policy file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct StsAdvisory {
    /// A kebab-case word: `blank-line`, `duplicate`, `key-case`, `max-age-too-large`,
    /// `max-age-under-a-day`, `max-age-under-a-week`, `mx-twice`, `mx-public-suffix`,
    /// `mx-without-mode`, and others.
    pub kind: String,
    /// Where it stands, from 1; null where that does not matter.
    pub line: Option<usize>,
    /// The key, pattern or number of seconds it is about.
    pub text: Option<String>,
}

impl From<&Advisory> for StsAdvisory {
    fn from(advisory: &Advisory) -> Self {
        let (kind, line, text) = match advisory {
            Advisory::BlankLine(line) => ("blank-line", Some(*line), None),
            Advisory::Duplicate { line, key } => ("duplicate", Some(*line), Some(key.clone())),
            Advisory::KeyCase { line, key } => ("key-case", Some(*line), Some(key.clone())),
            Advisory::MaxAgeTooLarge(age) => ("max-age-too-large", None, Some(age.to_string())),
            Advisory::MaxAgeUnderADay(age) => ("max-age-under-a-day", None, Some(age.to_string())),
            Advisory::MaxAgeUnderAWeek(age) => {
                ("max-age-under-a-week", None, Some(age.to_string()))
            }
            Advisory::MxTwice(pattern) => ("mx-twice", None, Some(pattern.to_string())),
            Advisory::MxPublicSuffix(pattern) => {
                ("mx-public-suffix", None, Some(pattern.to_string()))
            }
            Advisory::MxWithoutMode => ("mx-without-mode", None, None),
        };
        Self {
            kind: kind.to_owned(),
            line,
            text,
        }
    }
}

impl From<&inner::StsPolicy> for StsPolicy {
    fn from(policy: &inner::StsPolicy) -> Self {
        Self {
            mode: policy.mode.into(),
            max_age: policy.max_age,
            mx: policy.mx.clone(),
            unmatched_hosts: policy.unmatched_hosts.clone(),
            unmatched_patterns: policy.unmatched_patterns.clone(),
            advisories: policy.advisories.iter().map(StsAdvisory::from).collect(),
            media_type: match &policy.media_type {
                MediaType::Plain => Some("text/plain".to_owned()),
                MediaType::Other(other) => Some(other.clone()),
                MediaType::Missing => None,
            },
        }
    }
}

/// The TXT records at `_smtp._tls` (RFC 8460, section 3).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TlsRpt {
    pub txt: Vec<String>,
    pub rua: Vec<String>,
}

impl From<&inner::TlsRpt> for TlsRpt {
    fn from(record: &inner::TlsRpt) -> Self {
        Self {
            txt: record.txt.clone(),
            rua: record.rua.clone(),
        }
    }
}

/// One MX host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    pub host: String,
    pub preference: u16,
    /// Where a CNAME leads, if the name is an alias.
    pub canonical: Option<String>,
    pub addresses: Attempt<Addresses>,
    pub tlsa: Attempt<Tlsa>,
    /// Whether the MTA-STS policy lists it; null without a policy.
    pub mta_sts_listed: Option<bool>,
    pub endpoints: Vec<Endpoint>,
}

impl From<&inner::HostObservation> for Host {
    fn from(host: &inner::HostObservation) -> Self {
        Self {
            host: host.host.to_string(),
            preference: host.preference,
            canonical: host.canonical.as_ref().map(ToString::to_string),
            addresses: Attempt::from(&host.addresses),
            tlsa: Attempt::of(&host.tlsa, |tlsa| Tlsa::of(tlsa, &host.endpoints)),
            mta_sts_listed: host.mta_sts_listed,
            endpoints: host
                .endpoints
                .iter()
                .map(|one| Endpoint::from(&**one))
                .collect(),
        }
    }
}

/// A and AAAA records.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Addresses {
    pub dnssec: DnssecWord,
    pub list: Vec<String>,
    /// The A or AAAA question that failed while the other was answered.
    pub partial: Option<crate::report::json::attempt::Failure>,
}

impl From<&inner::Addresses> for Addresses {
    fn from(addresses: &inner::Addresses) -> Self {
        Self {
            dnssec: addresses.dnssec.into(),
            list: addresses.list.iter().map(ToString::to_string).collect(),
            partial: addresses.partial.as_deref().map(Into::into),
        }
    }
}

/// TLSA records (RFC 6698).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tlsa {
    pub dnssec: DnssecWord,
    pub base_domain: String,
    pub records: Vec<TlsaRecord>,
}

impl Tlsa {
    /// The twin, with what the host's addresses showed of each record.
    fn of(tlsa: &inner::Tlsa, endpoints: &[Arc<EndpointObservation>]) -> Self {
        let records: Vec<_> = tlsa.records.iter().map(inner::TlsaRecord::record).collect();
        let mut named_at = vec![Vec::new(); records.len()];
        for endpoint in endpoints {
            let Some(handshake) = endpoint.handshake.done() else {
                continue;
            };
            let named = named_by(&records, &handshake.chain);
            for (at, _) in named_at.iter_mut().zip(named).filter(|(_, named)| *named) {
                at.push(endpoint.address.to_string());
            }
        }
        Self {
            dnssec: tlsa.dnssec.into(),
            base_domain: tlsa.base_domain.clone(),
            records: tlsa
                .records
                .iter()
                .zip(records)
                .zip(named_at)
                .map(|((record, plain), named_at)| TlsaRecord {
                    usage: record.usage,
                    selector: record.selector,
                    matching: record.matching,
                    data: hexadecimal(&record.data),
                    usable: record.usable,
                    unusable_because: plain.usability().err().map(|why| why.to_string()),
                    named_at,
                })
                .collect(),
        }
    }
}

/// One TLSA record.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TlsaRecord {
    pub usage: u8,
    pub selector: u8,
    pub matching: u8,
    /// Lower-case hexadecimal.
    pub data: String,
    pub usable: bool,
    /// Why senders cannot use it; null where they can.
    #[serde(default)]
    pub unusable_because: Option<String>,
    /// The addresses that sent a certificate or key that the record names.
    #[serde(default)]
    pub named_at: Vec<String>,
}
