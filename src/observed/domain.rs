//! A domain's mail service as a probe saw it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::attempt::Attempt;
use crate::dane::tlsa::Record;
use crate::failure::Failure;
pub use crate::mta_sts::policy::Mode as StsMode;
use crate::mta_sts::policy::{Advisory, MediaType};
use crate::name::{DomainName, HostName};
use crate::observed::endpoint::EndpointObservation;
use crate::tls::parameters::TlsVersion;

/// Everything one probe of a domain saw.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainObservation {
    /// What the user gave, as given.
    pub input: String,
    pub domain: DomainName,
    /// When the probe began.
    pub at: Timestamp,
    pub duration: Duration,
    /// TCP connections opened for it, the control host's included.
    pub connections: u32,
    pub client: Client,
    /// The known good host that was asked over the same path. `Skipped`
    /// (`NotAsked`) when nothing negative was to be said or none was wanted.
    pub control: Attempt<Control>,
    pub resolver: ResolverFacts,
    pub mx: Attempt<MxAnswer>,
    pub mta_sts: MtaSts,
    pub tls_rpt: Attempt<TlsRpt>,
    /// In the order a sender would try them; equal preferences by name.
    pub hosts: Vec<HostObservation>,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The name said in EHLO.
    pub ehlo: String,
    /// Our address as the first connection showed it; none through a proxy.
    pub address: Option<IpAddr>,
    /// The proxy that connections were made through, without credentials.
    pub proxy: Option<String>,
    /// The versions this program's TLS stack speaks.
    pub tls: Vec<TlsVersion>,
}

/// The control host that answered as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    pub host: String,
    pub address: IpAddr,
}

/// The resolver, and how far its word about DNSSEC goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolverFacts {
    /// `IP:PORT`, as asked; empty where none could be found.
    pub address: String,
    pub path: ResolverPath,
    /// Whether it validates; none where that was not tested.
    pub validates: Option<bool>,
    /// What its test showed where it is not known to validate.
    pub because: Option<String>,
    pub by: ValidatedBy,
}

/// How the resolver is reached: who could alter its answers on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResolverPath {
    Loopback,
    Tls,
    Plain,
}

/// Who vouches for signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValidatedBy {
    /// The resolver, by its AD bit.
    Ad,
    /// This program.
    Own,
    /// Nobody.
    None,
}

/// What is known of an answer's signatures (RFC 4035, section 4.3; bogus and
/// indeterminate are failures of the query, RFC 7672, section 2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dnssec {
    Secure,
    Insecure,
    Unvalidated,
}

/// The answer to the MX question.
#[derive(Debug, Clone, PartialEq)]
pub struct MxAnswer {
    pub dnssec: Dnssec,
    pub source: MxSource,
    /// By preference, then as the resolver gave them. Holds the null MX too
    /// (host `.` becomes the empty name).
    pub records: Vec<MxRecord>,
}

/// Where the MX hosts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MxSource {
    /// MX records.
    Mx,
    /// No MX record: the domain itself (RFC 5321, section 5.1), or the hosts
    /// given by `--mx`.
    Implicit,
    /// One record, preference 0, host `.`: takes no mail (RFC 7505, section 3).
    NullMx,
}

/// One MX record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MxRecord {
    pub preference: u16,
    pub host: HostName,
}

/// MTA-STS as found (RFC 8461).
#[derive(Debug, Clone, PartialEq)]
pub struct MtaSts {
    pub record: Attempt<StsRecord>,
    pub policy: Attempt<StsPolicy>,
}

/// The TXT record at `_mta-sts` (RFC 8461, section 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsRecord {
    pub txt: Vec<String>,
    pub id: Option<String>,
}

/// The policy (RFC 8461, section 3.2), compared with the MX records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsPolicy {
    pub mode: StsMode,
    /// Seconds.
    pub max_age: u64,
    pub mx: Vec<String>,
    pub unmatched_hosts: Vec<String>,
    pub unmatched_patterns: Vec<String>,
    /// What is allowed in the file, and yet fragile.
    pub advisories: Vec<Advisory>,
    /// What the web host called it.
    pub media_type: MediaType,
}

/// The TXT record at `_smtp._tls` (RFC 8460, section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsRpt {
    pub txt: Vec<String>,
    pub rua: Vec<String>,
}

/// One MX host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostObservation {
    pub host: HostName,
    pub preference: u16,
    /// Where a CNAME leads, if the name is an alias.
    pub canonical: Option<HostName>,
    /// A and AAAA records. `Done` with an empty list: it has none.
    pub addresses: Attempt<Addresses>,
    pub tlsa: Attempt<Tlsa>,
    /// Whether the MTA-STS policy lists it; none without a policy.
    pub mta_sts_listed: Option<bool>,
    /// One for each address. Those that many domains have in common are held
    /// once for all.
    pub endpoints: Vec<Arc<EndpointObservation>>,
}

/// Addresses of a host.
#[derive(Debug, Clone, PartialEq)]
pub struct Addresses {
    pub dnssec: Dnssec,
    /// IPv4 then IPv6, each as the resolver gave them.
    pub list: Vec<IpAddr>,
    /// The A or AAAA question that failed while the other was answered: a
    /// lookup error is kept apart from "no such record".
    pub partial: Option<Box<Failure>>,
}

/// TLSA records of a host (RFC 6698; RFC 7672, section 2.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tlsa {
    pub dnssec: Dnssec,
    pub base_domain: String,
    pub records: Vec<TlsaRecord>,
}

/// One TLSA record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsaRecord {
    pub usage: u8,
    pub selector: u8,
    pub matching: u8,
    pub data: Vec<u8>,
    pub usable: bool,
}

impl TlsaRecord {
    /// The record as the DNS has it.
    #[must_use]
    pub fn record(&self) -> Record {
        Record {
            usage: self.usage,
            selector: self.selector,
            matching: self.matching,
            data: self.data.clone(),
        }
    }
}

impl From<Record> for TlsaRecord {
    fn from(record: Record) -> Self {
        Self {
            usable: record.usability().is_ok(),
            usage: record.usage,
            selector: record.selector,
            matching: record.matching,
            data: record.data,
        }
    }
}
