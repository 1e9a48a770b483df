//! What a domain says beside its MX records: the MTA-STS record and policy
//! (RFC 8461, section 3) and the address for reports (RFC 8460, section 3).
//!
//! Entry points: [`mta_sts`], [`tls_rpt`]. The policy is fetched as a sender
//! has to: from one place, over HTTPS, with a certificate that must be valid
//! for that place, whatever a CNAME makes of it; status 200 or nothing, no
//! redirects, 64 KiB and one minute at most (RFC 8461, section 3.3). The
//! handshake records and the judgement follows, as for mail servers; nothing is
//! asked over a connection that did not prove its name.
//!
//! Not supported: HTTP caching, which RFC 8461, section 3.3 forbids, and HTTP/2,
//! which no policy host demands.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use hickory_proto::rr::{RData, RecordType};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper::{Request, Response, body::Incoming, header};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::TcpStream;

use crate::attempt::{Attempt, Because};
use crate::failure::{Failure, Kind, Stage};
use crate::mta_sts::pattern::{self, Pattern};
use crate::mta_sts::policy::{self, MAX_SIZE, MediaType, PATH, Policy};
use crate::mta_sts::record::{self, Discovery};
use crate::name::{DomainName, HostName};
use crate::observed::domain::{DomainObservation, MtaSts, StsPolicy, StsRecord, TlsRpt};
use crate::probe::capture::Stack;
use crate::probe::dns::Dns;
use crate::probe::mx;
use crate::probe::net::Clock;
use crate::probe::options::HTTPS_PORT;
use crate::probe::proxy::{Proxy, connect};
use crate::probe::share::{Fetched, Share};
use crate::tls::identity;
use crate::tls::pkix::PathJudge;
use crate::tls_rpt;
use crate::txt::concatenate;

/// The time a whole fetch may take (RFC 8461, section 3.3).
const LONGEST_FETCH: Duration = Duration::from_secs(60);

/// The longest time one address of the policy host may take to connect.
const LONGEST_DIAL: Duration = Duration::from_secs(15);

/// The most addresses of the policy host that are tried.
const MOST_ADDRESSES: usize = 4;

/// The most TXT records of one name that are read.
const MOST_RECORDS: usize = 100;

/// How much of a body that is no policy is kept.
const KEPT_OCTETS: usize = 512;

/// What a fetch needs to know.
pub struct Fetch<'a> {
    pub dns: &'a Dns,
    pub clock: Clock,
    pub port: u16,
    pub source: Option<IpAddr>,
    pub proxy: Option<&'a Proxy>,
    pub stack: &'a Stack,
    pub judge: &'a PathJudge,
    /// As of when the certificate is judged.
    pub at: Timestamp,
    /// Whether an address of the host may be connected to.
    pub allowed: &'a (dyn Fn(&HostName, IpAddr) -> bool + Sync),
    /// Who says when, where this is one domain of many.
    pub share: Option<&'a dyn Share>,
}

/// The record, and the policy where it says that there is one. Also how many
/// connections that took. Nothing is compared with MX hosts yet.
pub async fn mta_sts(fetch: &Fetch<'_>, domain: &DomainName) -> (MtaSts, u32) {
    let Some(owner) = record::owner(domain) else {
        return (unasked(Because::NotAsked, Because::NotAsked), 0);
    };
    let records = match txt(fetch.dns, &owner).await {
        Ok(records) => records,
        Err(failure) => {
            let sts = MtaSts {
                record: Attempt::failed(failure),
                policy: Attempt::Skipped(Because::After(Stage::Dns)),
            };
            return (sts, 0);
        }
    };
    let (txt, id) = match record::discover(&records) {
        Discovery::Found(found) => (of_version(&records, "v=STSv1"), Some(found.id)),
        Discovery::Invalid { .. } | Discovery::Several(_) => {
            (of_version(&records, "v=STSv1"), None)
        }
        Discovery::Absent { near_misses } => {
            (near_misses.into_iter().map(|(txt, _)| txt).collect(), None)
        }
    };
    // RFC 8461, section 3.1: without exactly one valid record there is no
    // policy to fetch.
    let (policy, connections) = match id {
        Some(_) => fetch.policy(domain).await,
        None => (Attempt::Skipped(Because::NotAsked), 0),
    };
    let record = Attempt::Done(StsRecord { txt, id });
    (MtaSts { record, policy }, connections)
}

/// Both steps left out.
#[must_use]
pub fn unasked(record: Because, policy: Because) -> MtaSts {
    MtaSts {
        record: Attempt::Skipped(record),
        policy: Attempt::Skipped(policy),
    }
}

/// The address that reports are wanted at.
pub async fn tls_rpt(dns: &Dns, domain: &DomainName) -> Attempt<TlsRpt> {
    let Some(owner) = tls_rpt::owner(domain) else {
        return Attempt::Skipped(Because::NotAsked);
    };
    let records = match txt(dns, &owner).await {
        Ok(records) => records,
        Err(failure) => return Attempt::failed(failure),
    };
    let (txt, rua) = match tls_rpt::discover(&records) {
        tls_rpt::Discovery::Found(found) => (of_version(&records, "v=TLSRPTv1"), found.rua),
        tls_rpt::Discovery::Invalid { .. } | tls_rpt::Discovery::Several(_) => {
            (of_version(&records, "v=TLSRPTv1"), Vec::new())
        }
        tls_rpt::Discovery::Absent { near_misses } => (
            near_misses.into_iter().map(|(txt, _)| txt).collect(),
            Vec::new(),
        ),
    };
    Attempt::Done(TlsRpt { txt, rua })
}

/// The records that begin with a version, among others of the name.
fn of_version(records: &[Vec<u8>], version: &str) -> Vec<String> {
    records
        .iter()
        .filter(|record| record.starts_with(version.as_bytes()))
        .map(|record| String::from_utf8_lossy(record).into_owned())
        .collect()
}

/// The TXT records of a name, each put together from its strings.
async fn txt(dns: &Dns, owner: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let answer = dns.ask(owner, RecordType::TXT).await?;
    Ok(answer
        .records
        .iter()
        .filter_map(|data| match data {
            RData::TXT(txt) => Some(concatenate(&txt.txt_data)),
            _ => None,
        })
        .take(MOST_RECORDS)
        .collect())
}

/// Compares the policy with the MX hosts, both ways (RFC 8461, section 4.1).
pub fn compare(observation: &mut DomainObservation) {
    let (Attempt::Done(policy), Attempt::Done(mx)) =
        (&mut observation.mta_sts.policy, &observation.mx)
    else {
        return;
    };
    let patterns: Vec<Pattern> = policy
        .mx
        .iter()
        .filter_map(|mx| Pattern::parse(mx).ok())
        .collect();
    let mut hosts: Vec<HostName> = mx
        .records
        .iter()
        .map(|record| record.host.clone())
        .filter(|host| !host.as_str().is_empty())
        .collect();
    if hosts.is_empty() {
        hosts.push(HostName::from(observation.domain.clone()));
    }
    let compared = pattern::compare(&patterns, &hosts);
    policy.unmatched_hosts = compared
        .unmatched_hosts
        .iter()
        .map(ToString::to_string)
        .collect();
    policy.unmatched_patterns = compared
        .unmatched_patterns
        .iter()
        .map(ToString::to_string)
        .collect();
    for host in &mut observation.hosts {
        let listed = patterns.iter().any(|pattern| pattern.matches(&host.host));
        host.mta_sts_listed = Some(listed);
    }
}

/// A policy file as it came.
struct File {
    media_type: MediaType,
    body: Vec<u8>,
}

impl Fetch<'_> {
    async fn policy(&self, domain: &DomainName) -> (Attempt<StsPolicy>, u32) {
        let mut connections = 0;
        let policy = match Box::pin(self.file(domain, &mut connections)).await {
            Ok(file) => read(domain, &file),
            Err(attempt) => attempt,
        };
        (policy, connections)
    }

    async fn file(
        &self,
        domain: &DomainName,
        connections: &mut u32,
    ) -> Result<File, Attempt<StsPolicy>> {
        let name = policy::host(domain).ok_or(Attempt::Skipped(Because::NotAsked))?;
        let host = HostName::from_dns(&name);
        // The time spent waiting for a turn is not the host's.
        let mut budget = Budget {
            clock: self.clock,
            left: LONGEST_FETCH,
        };
        let (whose, addresses) = budget.spend(&host, self.addresses(&host)).await??;
        let mut last = None;
        for address in addresses.into_iter().take(MOST_ADDRESSES) {
            let turn = match self.share {
                None => None,
                Some(share) => match share.policy_host(&whose, address).await {
                    Ok(turn) => Some(turn),
                    Err(Because::HostOverloaded) => {
                        last = Some(format!(
                            "{address} asked to be left alone for a while, and is"
                        ));
                        continue;
                    }
                    Err(because) => return Err(Attempt::Skipped(because)),
                },
            };
            let peer = SocketAddr::new(address, self.port);
            let mut connected = false;
            let fetching = async {
                let dialled = connect(self.clock, peer, self.source, self.proxy, LONGEST_DIAL);
                match dialled.await {
                    Ok(stream) => {
                        connected = true;
                        Some(self.over(stream, &host, address).await).transpose()
                    }
                    Err(failure) => {
                        last = Some(failure.message);
                        Ok(None)
                    }
                }
            };
            let fetched = budget.spend(&host, fetching).await;
            *connections += u32::from(connected);
            if let Some(turn) = turn {
                turn.over(how(connected, &fetched));
            }
            if let Some(file) = fetched?.map_err(Attempt::failed)? {
                return Ok(file);
            }
        }
        let why = last.unwrap_or_else(|| "it has no address".to_owned());
        Err(Attempt::failed(fetch_error(format!(
            "the policy host {host} cannot be reached: {why}"
        ))))
    }

    /// The addresses that may be connected to, and whose they are: the name at
    /// the end of the aliases, where there are any.
    async fn addresses(
        &self,
        host: &HostName,
    ) -> Result<(HostName, Vec<IpAddr>), Attempt<StsPolicy>> {
        let resolved = mx::resolve(self.dns, host).await;
        let whose = resolved.canonical.unwrap_or_else(|| host.clone());
        let list = match resolved.addresses {
            Attempt::Done(addresses) => addresses.list,
            Attempt::Failed(failure) => {
                let message = match failure.kind {
                    Kind::Nxdomain => format!("the policy host {host} does not exist"),
                    _ => format!(
                        "the policy host {host} could not be looked up: {}",
                        failure.message
                    ),
                };
                let mut failed = fetch_error(message);
                failed.detail.rcode = failure.detail.rcode;
                return Err(Attempt::failed(failed));
            }
            Attempt::Skipped(because) => return Err(Attempt::Skipped(because)),
        };
        let any = !list.is_empty();
        let allowed: Vec<IpAddr> = list
            .into_iter()
            .filter(|&address| (self.allowed)(host, address))
            .collect();
        if any && allowed.is_empty() {
            return Err(Attempt::Skipped(Because::AddressNotPublic));
        }
        Ok((whose, allowed))
    }

    async fn over(
        &self,
        stream: TcpStream,
        host: &HostName,
        address: IpAddr,
    ) -> Result<File, Failure> {
        let peer = format!("{host} ({address})");
        let (stream, captured) = self
            .stack
            .handshake(Some(host.as_str()), stream, &peer)
            .await
            .map_err(|failure| Failure {
                stage: Stage::PolicyFetch,
                kind: Kind::StsPolicyFetchError,
                ..failure
            })?;
        let judged = self
            .judge
            .judge(&captured.chain, captured.proved, self.at, &peer);
        if let Attempt::Failed(failure) = judged {
            return Err(Failure {
                stage: Stage::PolicyFetch,
                kind: Kind::StsWebpkiInvalid,
                ..*failure
            });
        }
        // RFC 8461, section 3.3: a DNS-ID, also where a CNAME leads elsewhere
        // (section 8.2); a common name does not count.
        let names = captured
            .chain
            .first()
            .map_or(&[][..], |leaf| leaf.alternative_names());
        if !names
            .iter()
            .any(|name| identity::matches(name, host.as_str()))
        {
            let mut failure = Failure::new(
                Stage::PolicyFetch,
                Kind::StsWebpkiInvalid,
                format!("the certificate of {peer} does not name {host}"),
            );
            failure.detail.presented = names.to_vec();
            return Err(failure);
        }
        self.get(TokioIo::new(stream), host, &peer).await
    }

    async fn get<S>(&self, stream: S, host: &HostName, peer: &str) -> Result<File, Failure>
    where
        S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let broken = |error: hyper::Error| {
            fetch_error(format!(
                "{peer} did not answer the request for the policy as HTTP wants it: {error}"
            ))
        };
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_SIZE)
            .handshake(stream)
            .await
            .map_err(broken)?;
        let connection = Driven(tokio::spawn(async move {
            // What goes wrong shows in the response.
            let _ = connection.await;
        }));
        let authority = match self.port {
            HTTPS_PORT => host.to_string(),
            port => format!("{host}:{port}"),
        };
        let request = Request::get(PATH)
            .header(header::HOST, authority)
            .header(
                header::USER_AGENT,
                concat!("starttrace/", env!("CARGO_PKG_VERSION")),
            )
            .header(header::ACCEPT, "text/plain")
            .body(Empty::<Bytes>::new())
            .map_err(|error| fetch_error(format!("{host} cannot be asked: {error}")))?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let file = receive(response, peer).await;
        drop(connection);
        file
    }
}

/// What is left of the time for a fetch.
struct Budget {
    clock: Clock,
    left: Duration,
}

impl Budget {
    /// Waits for a part of the fetch no longer than there is time.
    async fn spend<F: Future>(
        &mut self,
        host: &HostName,
        part: F,
    ) -> Result<F::Output, Attempt<StsPolicy>> {
        let began = self.clock.moment();
        let done = self.clock.timeout(self.left, part).await;
        self.left = self.clock.left(began, self.left);
        done.map_err(|_| {
            let mut failure = fetch_error(format!(
                "{host} did not deliver the policy within {} s",
                LONGEST_FETCH.as_secs()
            ));
            failure.detail.waited = Some(LONGEST_FETCH);
            Attempt::failed(failure)
        })
    }
}

/// How a fetch went for the host. RFC 9110, section 15.6.4 and RFC 6585,
/// section 4 are how one asks to be left alone.
fn how(
    connected: bool,
    fetched: &Result<Result<Option<File>, Failure>, Attempt<StsPolicy>>,
) -> Fetched {
    match fetched {
        _ if !connected => Fetched::Nowhere,
        Ok(Err(failure)) if matches!(failure.detail.http_status, Some(429 | 503)) => {
            Fetched::PutOff
        }
        _ => Fetched::Connected,
    }
}

/// The connection's task, which ends with the value.
struct Driven(tokio::task::JoinHandle<()>);

impl Drop for Driven {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn receive(response: Response<Incoming>, peer: &str) -> Result<File, Failure> {
    let status = response.status();
    if status.as_u16() != 200 {
        // RFC 8461, section 3.3: 3xx redirects MUST NOT be followed, and any
        // other code than 200 is a failure.
        let why = if status.is_redirection() {
            "; redirects are not followed"
        } else {
            ""
        };
        let mut failure = fetch_error(format!(
            "{peer} answers the request for the policy with HTTP status {}{why}",
            status.as_u16()
        ));
        failure.detail.http_status = Some(status.as_u16());
        return Err(failure);
    }
    let content_type = response
        .headers()
        .get(header::CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let media_type = policy::media_type(content_type.as_deref());
    let body = Limited::new(response.into_body(), MAX_SIZE)
        .collect()
        .await
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                fetch_error(format!("the policy of {peer} is larger than 64 KiB"))
            } else {
                fetch_error(format!("{peer} broke off in the middle of the policy"))
            }
        })?;
    Ok(File {
        media_type,
        body: body.to_bytes().to_vec(),
    })
}

fn fetch_error(message: String) -> Failure {
    Failure::new(Stage::PolicyFetch, Kind::StsPolicyFetchError, message)
}

fn read(domain: &DomainName, file: &File) -> Attempt<StsPolicy> {
    let reading = Policy::parse(&file.body);
    match reading.policy {
        Ok(policy) => Attempt::Done(StsPolicy {
            mode: policy.mode,
            max_age: policy.max_age,
            mx: policy.mx.iter().map(ToString::to_string).collect(),
            unmatched_hosts: Vec::new(),
            unmatched_patterns: Vec::new(),
            advisories: reading.advisories,
            media_type: file.media_type.clone(),
        }),
        Err(faults) => {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            let more = match faults.len() {
                0 | 1 => String::new(),
                n => format!(", and {} faults more", n - 1),
            };
            let mut failure = Failure::new(
                Stage::PolicyParse,
                Kind::StsPolicyInvalid,
                format!("the MTA-STS policy of {domain} is not valid: {first}{more}"),
            );
            failure.heard = Some(file.body[..file.body.len().min(KEPT_OCTETS)].to_vec());
            Attempt::failed(failure)
        }
    }
}
