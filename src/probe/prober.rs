//! The probe of one domain, put together: MX, addresses, a conversation with
//! each address, and the control host where something negative was seen.
//!
//! Politeness: one connection for each pair of MX host and address (two hosts
//! on one address may show two certificates, since the name indicated
//! differs), never two at once to one address, a few addresses at the same
//! time, and no more than [`MOST_ENDPOINTS`] of one domain.
//!
//! Rooms: `plan` says which endpoints are talked to, `turns` lets one talk at a
//! time, `control` asks the control host, `facts` writes down who asks.

mod control;
mod facts;
mod plan;
mod turns;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::RootCertStore;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;

use crate::attempt::{Attempt, Because};
use crate::dane::base::NextHop;
use crate::failure::{Failure, Kind};
use crate::name::{DomainName, HostName};
use crate::observed::domain::{
    Addresses, Control, Dnssec, DomainObservation, HostObservation, MtaSts, MxRecord, TlsRpt,
};
use crate::observed::endpoint::OtherCertificate;
use crate::probe::capture::{Offer, Stack};
use crate::probe::control as reading;
use crate::probe::dns::{self, Dns};
use crate::probe::endpoint::{self, Call, Called, Errand, Hello};
use crate::probe::here;
use crate::probe::mx;
use crate::probe::options::{Options, Service};
use crate::probe::policy::{self, Fetch};
use crate::probe::roots;
use crate::probe::setup::SetupError;
use crate::probe::share::{EndpointKey, Later, Share, Talked};
use crate::probe::tlsa::{self, Check};
use crate::probe::visit;
use crate::tls::handshake::Handshake;
use crate::tls::pkix::PathJudge;

use control::{ControlResult, says_no_mail, wants_control};
use facts::reverse_name;
use plan::{Place, Visit, next_hop, takes_mail};
use turns::Turns;

/// The most endpoints of one domain that are talked to.
pub const MOST_ENDPOINTS: usize = 64;

/// How long nothing may have come of any endpoint before the control host is
/// asked without waiting for the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Probes domains, one after the other or several at a time. Cheap to clone;
/// what it learns about the control host and from the DNS is kept for the
/// run and shared by the clones.
#[derive(Debug, Clone)]
pub struct Prober {
    inner: Arc<Inner>,
    /// Who else wants to know, where this is one of many domains.
    share: Option<Arc<dyn Share>>,
}

#[derive(Debug)]
struct Inner {
    options: Options,
    dns: Dns,
    stack: Stack,
    named_roots: RootCertStore,
    judge: OnceLock<PathJudge>,
    control_judge: OnceLock<PathJudge>,
    /// This machine's full name.
    here: Option<HostName>,
    control: Mutex<Arc<OnceCell<ControlResult>>>,
    turns: Turns,
}

impl Prober {
    /// Reads the CA files, finds the resolvers, and checks the rest.
    ///
    /// # Errors
    /// When the options cannot be followed on this machine.
    pub fn new(mut options: Options) -> Result<Self, SetupError> {
        if let Some(name) = &options.ehlo {
            let fits = !name.is_empty() && name.len() <= 255;
            if !fits || !name.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(SetupError::EhloName(name.clone()));
            }
        }
        if let Some(proxy) = &mut options.proxy {
            proxy.find().map_err(|error| SetupError::Proxy {
                proxy: proxy.to_string(),
                error,
            })?;
        }
        if let Some(address) = options.source {
            options.fits_source(address)?;
            UdpSocket::bind((address, 0)).map_err(|error| SetupError::Source { address, error })?;
        }
        let named_roots = roots::named(&options.roots)?;
        let servers = if options.resolvers.is_empty() {
            dns::system_resolvers().map_err(SetupError::NoResolver)?
        } else {
            options.resolvers.clone()
        };
        let anchors = match &options.trust_anchor {
            None => dns::Anchors::default(),
            Some(path) => read_anchors(path)?,
        };
        let over_tls = |server: &dns::Resolver| matches!(server, dns::Resolver::Tls { .. });
        let dns_roots = if options.roots.system && servers.iter().any(over_tls) {
            roots::with_system(&named_roots)
        } else {
            Arc::new(named_roots.clone())
        };
        let here = match options.ehlo {
            Some(_) => None,
            None => here::full_name(),
        };
        if options.proxy.is_some() && options.ehlo.is_none() && here.is_none() {
            return Err(SetupError::NoEhloName);
        }
        Ok(Self {
            share: None,
            inner: Arc::new(Inner {
                dns: Dns::new(dns::Settings {
                    trust: options.dnssec,
                    roots: dns_roots,
                    anchors,
                    at_once: options.questions,
                    ..dns::Settings::new(servers, options.clock, options.timeout)
                }),
                stack: Stack::new(),
                named_roots,
                judge: OnceLock::new(),
                control_judge: OnceLock::new(),
                here,
                control: Mutex::default(),
                turns: Turns::default(),
                options,
            }),
        })
    }

    /// The options it was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// The resolver that stands first.
    #[must_use]
    pub fn resolver(&self) -> String {
        self.inner.dns.untested_facts().address
    }

    /// The same prober, which shares its conversations with others: they are
    /// held when, and if, `share` says so.
    #[must_use]
    pub fn sharing(&self, share: Arc<dyn Share>) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            share: Some(share),
        }
    }

    /// Asks the control host now, and keeps its answer for what is probed from
    /// now on. Nothing where no control host is asked at all.
    pub async fn ask_control_again(&self) -> Option<Attempt<Control>> {
        let (host, port) = self.inner.control_host(&[])?;
        *self.inner.control_cell() = Arc::default();
        Some(self.control(&host, port).await.attempt)
    }

    /// Why the resolver does not answer a question for a name; nothing where it
    /// does, whatever it says of it. A name never asked for before is answered
    /// by no cache.
    pub async fn resolver_trouble(&self, name: &HostName) -> Option<Failure> {
        let resolved = mx::resolve(&self.inner.dns, name).await;
        let failure = resolved.addresses.failure()?;
        let answered = matches!(
            failure.kind,
            Kind::Nxdomain | Kind::NoData | Kind::DnssecBogus
        );
        (!answered).then(|| failure.clone())
    }

    /// Probes where mail to a domain goes. `input` is what the user gave.
    pub async fn check(&self, input: &str, domain: &DomainName) -> DomainObservation {
        self.check_at_most(usize::MAX, input, domain).await
    }

    /// The same, but asks only the first `hosts` hosts in order of preference.
    /// The MX records are all in the observation, the other hosts are not.
    pub async fn check_at_most(
        &self,
        hosts: usize,
        input: &str,
        domain: &DomainName,
    ) -> DomainObservation {
        let inner = &self.inner;
        let mut observation = inner.blank(input.to_owned(), domain.clone());
        let began = inner.options.clock.moment();
        let destinations = if inner.options.mx.is_empty() {
            mx::destinations(&inner.dns, domain).await
        } else {
            inner.given_hosts()
        };
        observation.mx = destinations.mx;
        observation.resolver = inner.dns.facts().await;
        let takes_mail = takes_mail(&observation.mx);
        let asked = &destinations.hosts[..destinations.hosts.len().min(hosts)];
        let loopback_is_meant = inner.points_here() || !inner.options.mx.is_empty();
        let next_hop = next_hop(domain, destinations.alias, &observation.mx);
        let (policies, ()) = tokio::join!(
            // On the heap, since both are large.
            Box::pin(self.policies(domain, takes_mail, loopback_is_meant)),
            Box::pin(async {
                observation.hosts = self.resolve(asked).await;
                self.probe(&mut observation, next_hop.as_ref(), loopback_is_meant)
                    .await;
            })
        );
        observation.mta_sts = policies.mta_sts;
        observation.tls_rpt = policies.tls_rpt;
        observation.connections += policies.connections;
        policy::compare(&mut observation);
        observation.duration = inner.options.clock.since(began);
        observation
    }

    /// Asks for the MX records of a domain, and connects to nobody.
    pub async fn records(&self, domain: &DomainName) -> DomainObservation {
        let inner = &self.inner;
        let mut observation = inner.blank(domain.as_str().to_owned(), domain.clone());
        let began = inner.options.clock.moment();
        observation.mx = mx::destinations(&inner.dns, domain).await.mx;
        observation.resolver = inner.dns.facts().await;
        observation.duration = inner.options.clock.since(began);
        observation
    }

    /// Probes one host: all its addresses, or the one that is given. With an
    /// address alone, the observation's domain is its reverse name and the
    /// host's name the address.
    pub async fn check_host(
        &self,
        host: Option<&HostName>,
        address: Option<IpAddr>,
    ) -> DomainObservation {
        let inner = &self.inner;
        let name = match (host, address) {
            (Some(host), _) => host.as_str().to_owned(),
            (None, Some(address)) => address.to_string(),
            (None, None) => String::new(),
        };
        let domain = DomainName::parse(&name).unwrap_or_else(|_| reverse_name(address));
        let mut observation = inner.blank(name.clone(), domain);
        let began = inner.options.clock.moment();
        let record = MxRecord {
            preference: 0,
            host: host.cloned().unwrap_or_else(|| HostName::from_dns(&name)),
        };
        if address.is_none() {
            observation.resolver = inner.dns.facts().await;
        }
        observation.hosts = match address {
            Some(address) => {
                let mut host = inner.host(&record);
                host.addresses = Attempt::Done(Addresses {
                    dnssec: Dnssec::Unvalidated,
                    list: vec![address],
                    partial: None,
                });
                vec![host]
            }
            None if host.is_some() => self.resolve(&[record]).await,
            None => Vec::new(),
        };
        self.probe(&mut observation, None, true).await;
        observation.duration = inner.options.clock.since(began);
        observation
    }

    /// Asks for the addresses and TLSA records of all hosts, several at a time.
    async fn resolve(&self, records: &[MxRecord]) -> Vec<HostObservation> {
        let mut hosts: Vec<HostObservation> = records
            .iter()
            .map(|record| self.inner.host(record))
            .collect();
        let limit = Arc::new(Semaphore::new(self.inner.options.concurrency.max(1)));
        let mut questions = JoinSet::new();
        for (at, record) in records.iter().enumerate() {
            let inner = Arc::clone(&self.inner);
            let limit = Arc::clone(&limit);
            let host = record.host.clone();
            questions.spawn(async move {
                let _permit = limit.acquire_owned().await;
                let resolved = mx::resolve(&inner.dns, &host).await;
                let tlsa = tlsa::find(&inner.dns, &host, &resolved, inner.options.port).await;
                (at, resolved, tlsa)
            });
        }
        while let Some(joined) = questions.join_next().await {
            if let Ok((at, resolved, tlsa)) = joined {
                hosts[at].tlsa = tlsa;
                hosts[at].canonical = resolved.canonical;
                hosts[at].addresses = resolved.addresses;
            }
        }
        hosts
    }

    /// Talks to every address of every host, then to the control host if that
    /// is called for.
    async fn probe(
        &self,
        observation: &mut DomainObservation,
        next_hop: Option<&NextHop>,
        loopback_is_meant: bool,
    ) {
        let inner = &self.inner;
        let calls = inner.plan(&mut observation.hosts, next_hop, loopback_is_meant);
        let control = inner.control_host(&observation.hosts);
        let asked_before = inner.control_cell().initialized();
        let mut early = false;
        // Our address is that of the first endpoint in order, not of whichever
        // answered first, so that two runs say the same.
        let mut first: Option<Place> = None;
        let limit = Arc::new(Semaphore::new(inner.options.concurrency.max(1)));
        let mut conversations = JoinSet::new();
        for (address, planned) in calls {
            let inner = Arc::clone(inner);
            if let Some(share) = self.share.clone() {
                conversations.spawn(shared(inner, share, address, planned));
                continue;
            }
            let limit = Arc::clone(&limit);
            conversations.spawn(async move {
                let turn = inner.turns.of(address);
                let mut called = Vec::new();
                for (place, host, check) in planned {
                    let _turn = turn.lock().await;
                    let _permit = limit.acquire().await;
                    called.push((
                        place,
                        Talked::from(inner.call(host.as_ref(), check.as_ref(), address).await),
                    ));
                }
                drop(turn);
                inner.turns.rest(address);
                called
            });
        }
        while !conversations.is_empty() {
            let next = inner
                .options
                .clock
                .timeout(PATIENCE, conversations.join_next());
            match next.await {
                Ok(Some(Ok(called))) => {
                    for ((host, endpoint), called) in called {
                        if first.is_none_or(|first| (host, endpoint) < first)
                            && let Some(ehlo) = &called.ehlo
                        {
                            first = Some((host, endpoint));
                            observation.client.address = called.local;
                            observation.client.ehlo.clone_from(ehlo);
                        }
                        observation.connections += called.observation.connections;
                        observation.hosts[host].endpoints[endpoint] = called.observation;
                    }
                }
                Ok(_) => {}
                Err(_) if early || observation.connections > 0 => {}
                Err(_) => {
                    // Nothing has come of anything: most likely the path is
                    // closed, and there is no point in learning it last.
                    early = true;
                    if let Some((host, port)) = control.clone() {
                        let prober = self.clone();
                        tokio::spawn(async move { prober.control(&host, port).await });
                    }
                }
            }
        }
        if wants_control(&observation.hosts)
            && let Some((host, port)) = control
        {
            let result = self.control(&host, port).await;
            if !asked_before {
                observation.connections += result.connections;
            }
            observation.control = result.attempt;
        } else if says_no_mail(observation)
            && let Some((host, _)) = inner.control_host(&observation.hosts)
        {
            // Nobody was talked to, so only the resolver can be at fault: one
            // that does not know the control host either answers for a network
            // of its own.
            let resolved = mx::resolve(&inner.dns, &host).await;
            let known = resolved.addresses.done();
            if known.is_none_or(|addresses| addresses.list.is_empty()) {
                let failure = reading::unresolved(&host, resolved.addresses.failure());
                observation.control = Attempt::failed(failure);
            }
        }
    }

    /// What the domain says beside its MX records.
    async fn policies(
        &self,
        domain: &DomainName,
        takes_mail: Result<(), Because>,
        loopback_is_meant: bool,
    ) -> Policies {
        let inner = &self.inner;
        // RFC 8461 and RFC 8460 are about mail between servers.
        let relayed = match inner.options.service() {
            Service::Relay => Ok(()),
            Service::Submission | Service::Submissions => Err(Because::Submission),
        };
        if let Err(because) = takes_mail.and(relayed) {
            return Policies {
                mta_sts: policy::unasked(because, because),
                tls_rpt: Attempt::Skipped(because),
                connections: 0,
            };
        }
        let allowed = |host: &HostName, address: IpAddr| {
            inner
                .not_to_be_dialled(host, address, loopback_is_meant)
                .is_none()
        };
        let fetch = Fetch {
            dns: &inner.dns,
            clock: inner.options.clock,
            port: inner.options.policy_port,
            source: inner.options.source,
            proxy: inner.options.proxy.as_ref(),
            stack: &inner.stack,
            judge: inner.judge(),
            at: inner.judged_at(),
            allowed: &allowed,
            share: self.share.as_deref(),
        };
        let ((mta_sts, connections), tls_rpt) = tokio::join!(
            policy::mta_sts(&fetch, domain),
            policy::tls_rpt(&inner.dns, domain)
        );
        Policies {
            mta_sts,
            tls_rpt,
            connections,
        }
    }

    /// The control host's word, asked for once in a run.
    async fn control(&self, host: &HostName, port: u16) -> ControlResult {
        let cell = Arc::clone(&self.inner.control_cell());
        // On the heap: this is part of every probe, and seldom comes to it.
        let ask = || Box::pin(self.inner.ask_control(host, port));
        cell.get_or_init(ask).await.clone()
    }
}

impl From<Called> for Talked {
    fn from(called: Called) -> Self {
        Self {
            observation: Arc::new(called.observation),
            local: called.local,
            ehlo: called.ehlo,
            proved: called.proved,
            other_proved: called.other_proved,
        }
    }
}

/// What the endpoints of one address show, each by a conversation that is
/// shared with other domains.
async fn shared(
    inner: Arc<Inner>,
    share: Arc<dyn Share>,
    address: IpAddr,
    planned: Vec<Visit>,
) -> Vec<(Place, Talked)> {
    let mut called = Vec::with_capacity(planned.len());
    for (place, host, check) in planned {
        let key = EndpointKey {
            address,
            port: inner.options.port,
            host: host.clone(),
            base: check.as_ref().map(|check| check.base.clone()),
        };
        let hold = || -> Later<'_, Talked> {
            Box::pin(async {
                inner
                    .call(host.as_ref(), check.as_ref(), address)
                    .await
                    .into()
            })
        };
        let talked = match share.endpoint(key, &hold).await {
            Ok(talked) => {
                let mut talked = Talked::clone(&talked);
                if let Some(check) = &check {
                    inner.judge_by_dane(&mut talked, check, host.as_ref());
                }
                talked
            }
            Err(because) => Talked {
                observation: Arc::new(endpoint::skipped(address, inner.options.port, because)),
                local: None,
                ehlo: None,
                proved: false,
                other_proved: false,
            },
        };
        called.push((place, talked));
    }
    called
}

/// What a domain says beside its MX records, and what it took to learn it.
struct Policies {
    mta_sts: MtaSts,
    tls_rpt: Attempt<TlsRpt>,
    connections: u32,
}

impl Inner {
    fn control_cell(&self) -> MutexGuard<'_, Arc<OnceCell<ControlResult>>> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call(&self, host: Option<&HostName>, dane: Option<&Check>, address: IpAddr) -> Called {
        let call = Call {
            hello: Hello::Ours(Offer::All),
            errand: Errand::Usual,
            implicit_tls: self.options.service() == Service::Submissions,
            host,
            dane,
            address: SocketAddr::new(address, self.options.port),
            ehlo: self.ehlo_for(host),
            source: self.options.source,
            proxy: self.options.proxy.as_ref(),
            timeout: self.options.timeout,
            deadline: self.options.deadline,
            clock: self.options.clock,
            stack: &self.stack,
            judge: self.judge(),
            at: self.judged_at(),
        };
        visit::visit(&call, self.options.looks).await
    }

    /// Holds the certificates of a conversation, which other domains share,
    /// against the TLSA records of this one.
    fn judge_by_dane(&self, talked: &mut Talked, check: &Check, host: Option<&HostName>) {
        let at = self.judged_at();
        let dane = |handshake: &Handshake, proved| {
            endpoint::dane(Some(check), host, &handshake.chain, proved, at)
        };
        let observation = Arc::make_mut(&mut talked.observation);
        if let Attempt::Done(handshake) = &mut observation.handshake {
            handshake.dane = dane(handshake, talked.proved);
        }
        if let Attempt::Done(OtherCertificate {
            handshake: Some(handshake),
            ..
        }) = &mut observation.other_certificate
        {
            handshake.dane = dane(handshake, talked.other_proved);
        }
    }

    /// The name to say, never the server's own (RFC 5321, section 4.1.1.1).
    fn ehlo_for(&self, host: Option<&HostName>) -> Option<&str> {
        // Through a proxy there is no address to say instead.
        let sayable = |own: &&HostName| self.options.proxy.is_some() || Some(*own) != host;
        let own = self.here.as_ref().filter(sayable);
        self.options.ehlo.as_deref().or(own.map(HostName::as_str))
    }

    fn judged_at(&self) -> Timestamp {
        self.options.at.unwrap_or_else(|| self.options.clock.now())
    }

    fn judge(&self) -> &PathJudge {
        self.judge.get_or_init(|| {
            let roots = if self.options.roots.system {
                roots::with_system(&self.named_roots)
            } else {
                Arc::new(self.named_roots.clone())
            };
            PathJudge::new(roots, self.stack.algorithms())
        })
    }
}

fn read_anchors(path: &Path) -> Result<dns::Anchors, SetupError> {
    let text = std::fs::read_to_string(path).map_err(|error| SetupError::TrustAnchorFile {
        path: path.to_owned(),
        error,
    })?;
    dns::Anchors::parse(&text).map_err(|why| SetupError::TrustAnchors {
        path: path.to_owned(),
        why,
    })
}

#[cfg(test)]
#[path = "prober_tests.rs"]
mod tests;
