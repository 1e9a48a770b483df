//! The probe of one domain, put together: MX, addresses, a conversation with
//! each address, and the control host where something negative was seen.
//!
//! Politeness: one connection for each pair of MX host and address (two hosts
//! on one address may show two certificates, since the name indicated
//! differs), never two at once to one address, a few addresses at the same
//! time, and no more than [`MOST_ENDPOINTS`] of one domain.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::RootCertStore;
use tokio::sync::{Mutex as AsyncMutex, OnceCell, Semaphore};
use tokio::task::JoinSet;

use crate::attempt::{Attempt, Because};
use crate::dane::base::NextHop;
use crate::failure::Stage;
use crate::failure::{Failure, Kind};
use crate::name::{DomainName, HostName};
use crate::observed::domain::{
    Addresses, Client, Control, Dnssec, DomainObservation, HostObservation, MtaSts, MxAnswer,
    MxRecord, MxSource, ResolverFacts, ResolverPath, TlsRpt, ValidatedBy,
};
use crate::observed::endpoint::EndpointObservation;
use crate::probe::capture::Stack;
use crate::probe::control;
use crate::probe::dns::{self, Dns};
use crate::probe::endpoint::{self, Call, Called};
use crate::probe::here;
use crate::probe::mx::{self, Destinations};
use crate::probe::net::is_public;
use crate::probe::options::{
    ControlChoice, DEFAULT_CONTROL, DnssecTrust, Families, Options, SMTP_PORT,
};
use crate::probe::policy::{self, Fetch};
use crate::probe::roots;
use crate::probe::setup::SetupError;
use crate::probe::tlsa::{self, Check};
use crate::tls::parameters::TlsVersion;
use crate::tls::pkix::PathJudge;

/// The most endpoints of one domain that are talked to.
pub const MOST_ENDPOINTS: usize = 64;

/// How long nothing may have come of any endpoint before the control host is
/// asked without waiting for the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest a stage with the control host may take: it is quick, or the
/// path is not open.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(20);

/// Probes domains, one after the other or several at a time. Cheap to clone;
/// what it learns about the control host and from the DNS is kept for the
/// run and shared by the clones.
#[derive(Debug, Clone)]
pub struct Prober {
    inner: Arc<Inner>,
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
    control: OnceCell<ControlResult>,
    /// The addresses being talked to.
    busy: Mutex<HashMap<IpAddr, Arc<AsyncMutex<()>>>>,
}

#[derive(Debug, Clone)]
struct ControlResult {
    attempt: Attempt<Control>,
    connections: u32,
}

impl Prober {
    /// Reads the CA files, finds the resolvers, and checks the rest.
    ///
    /// # Errors
    /// When the options cannot be followed on this machine.
    pub fn new(options: Options) -> Result<Self, SetupError> {
        if let Some(name) = &options.ehlo {
            let fits = !name.is_empty() && name.len() <= 255;
            if !fits || !name.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(SetupError::EhloName(name.clone()));
            }
        }
        if let Some(address) = options.source {
            let wanted = if address.is_ipv4() {
                options.families.v4()
            } else {
                options.families.v6()
            };
            if !wanted {
                return Err(SetupError::SourceFamily(address));
            }
            UdpSocket::bind((address, 0)).map_err(|error| SetupError::Source { address, error })?;
        }
        let named_roots = roots::named(&options.roots)?;
        let servers = if options.resolvers.is_empty() {
            dns::system_resolvers().map_err(SetupError::NoResolver)?
        } else {
            options.resolvers.clone()
        };
        let here = match options.ehlo {
            Some(_) => None,
            None => here::full_name(),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                dns: Dns::new(servers, options.clock, options.timeout).trusting(options.dnssec),
                stack: Stack::new(),
                named_roots,
                judge: OnceLock::new(),
                control_judge: OnceLock::new(),
                here,
                control: OnceCell::new(),
                busy: Mutex::default(),
                options,
            }),
        })
    }

    /// The options it was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.inner.options
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
        observation.resolver = inner.resolver().await;
        let takes_mail = takes_mail(&observation.mx);
        let asked = &destinations.hosts[..destinations.hosts.len().min(hosts)];
        let loopback_is_meant = inner.points_here() || !inner.options.mx.is_empty();
        let next_hop = next_hop(domain, destinations.alias, &observation.mx);
        let (policies, ()) = tokio::join!(
            // On the heap, since both are large.
            Box::pin(inner.policies(domain, takes_mail, loopback_is_meant)),
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
            observation.resolver = inner.resolver().await;
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
        let asked_before = inner.control.initialized();
        let mut early = false;
        // Our address is that of the first endpoint in order, not of whichever
        // answered first, so that two runs say the same.
        let mut first: Option<Place> = None;
        let limit = Arc::new(Semaphore::new(inner.options.concurrency.max(1)));
        let mut conversations = JoinSet::new();
        for (address, planned) in calls {
            let inner = Arc::clone(inner);
            let limit = Arc::clone(&limit);
            conversations.spawn(async move {
                let turn = inner.turn(address);
                let mut called = Vec::new();
                for (place, host, check) in planned {
                    let _turn = turn.lock().await;
                    let _permit = limit.acquire().await;
                    called.push((
                        place,
                        inner.call(host.as_ref(), check.as_ref(), address).await,
                    ));
                }
                drop(turn);
                inner.rest(address);
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
                            && let (Some(local), Some(ehlo)) = (called.local, &called.ehlo)
                        {
                            first = Some((host, endpoint));
                            observation.client.address = Some(local);
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
                let failure = control::unresolved(&host, resolved.addresses.failure());
                observation.control = Attempt::failed(failure);
            }
        }
    }

    /// The control host's word, asked for once in a run.
    async fn control(&self, host: &HostName, port: u16) -> ControlResult {
        self.inner
            .control
            .get_or_init(|| self.inner.ask_control(host, port))
            .await
            .clone()
    }
}

/// Whether something was seen that would speak against a server, if it is the
/// server's doing and not the path's.
fn wants_control(hosts: &[HostObservation]) -> bool {
    let tried = || {
        hosts
            .iter()
            .flat_map(|host| &host.endpoints)
            .filter(|endpoint| !matches!(endpoint.connect, Attempt::Skipped(_)))
    };
    let without_tls =
        tried().any(|endpoint| endpoint.connect.is_done() && !endpoint.handshake.is_done());
    let reached = tried().any(|endpoint| endpoint.connect.is_done());
    without_tls || (!reached && tried().next().is_some())
}

/// Whether the resolver denies that the domain, or any host for its mail,
/// exists. A null MX is no denial but the domain's own word.
fn says_no_mail(observation: &DomainObservation) -> bool {
    let denied = |failure: Option<&Failure>| {
        failure.is_some_and(|f| matches!(f.kind, Kind::Nxdomain | Kind::NoData))
    };
    let hosts = &observation.hosts;
    denied(observation.mx.failure())
        || (!hosts.is_empty()
            && hosts.iter().all(|host| match host.addresses.done() {
                Some(addresses) => addresses.list.is_empty() && addresses.partial.is_none(),
                None => denied(host.addresses.failure()),
            }))
}

/// What a domain says beside its MX records, and what it took to learn it.
struct Policies {
    mta_sts: MtaSts,
    tls_rpt: Attempt<TlsRpt>,
    connections: u32,
}

/// Whether there is mail that a policy could be about; if not, why.
fn takes_mail(mx: &Attempt<MxAnswer>) -> Result<(), Because> {
    match mx {
        Attempt::Done(mx) if mx.source == MxSource::NullMx => Err(Because::NoMail),
        Attempt::Done(_) => Ok(()),
        Attempt::Failed(_) => Err(Because::After(Stage::Dns)),
        Attempt::Skipped(because) => Err(*because),
    }
}

/// The domain as DANE sees it: its name may stand in a certificate under
/// usage 2 (RFC 7672, section 3.2.2), if the way from it to the host is signed.
fn next_hop(
    domain: &DomainName,
    alias: Option<HostName>,
    mx: &Attempt<MxAnswer>,
) -> Option<NextHop> {
    Some(NextHop {
        domain: HostName::from(domain.clone()),
        canonical: alias,
        mx: tlsa::status(mx.done()?.dnssec)?,
    })
}

/// A host and one of its endpoints, by their places in the observation.
type Place = (usize, usize);

/// An endpoint, the name it is asked by, and what its certificate must be.
type Visit = (Place, Option<HostName>, Option<Check>);

/// An address, and the endpoints on it.
type Visits = (IpAddr, Vec<Visit>);

impl Inner {
    fn blank(&self, input: String, domain: DomainName) -> DomainObservation {
        DomainObservation {
            input,
            domain,
            at: self.options.clock.now(),
            duration: Duration::ZERO,
            connections: 0,
            client: Client {
                ehlo: self.ehlo_for(None).unwrap_or_default().to_owned(),
                address: None,
                tls: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            },
            control: Attempt::Skipped(Because::NotAsked),
            resolver: resolver_facts(self.dns.servers().first().copied()),
            mx: Attempt::Skipped(Because::NotAsked),
            mta_sts: MtaSts {
                record: Attempt::Skipped(Because::NotAsked),
                policy: Attempt::Skipped(Because::NotAsked),
            },
            tls_rpt: Attempt::Skipped(Because::NotAsked),
            hosts: Vec::new(),
        }
    }

    /// The resolver, with what its test showed.
    async fn resolver(&self) -> ResolverFacts {
        let (server, validates) = self.dns.first().await;
        let by_ad = match self.options.dnssec {
            DnssecTrust::Auto => validates == Some(true),
            DnssecTrust::Ad => true,
            DnssecTrust::Off => false,
        };
        ResolverFacts {
            validates,
            by: if by_ad {
                ValidatedBy::Ad
            } else {
                ValidatedBy::None
            },
            ..resolver_facts(server)
        }
    }

    fn host(&self, record: &MxRecord) -> HostObservation {
        HostObservation {
            host: record.host.clone(),
            preference: record.preference,
            canonical: None,
            addresses: Attempt::Skipped(Because::NotAsked),
            tlsa: Attempt::Skipped(Because::NotAsked),
            mta_sts_listed: None,
            endpoints: Vec::new(),
        }
    }

    fn given_hosts(&self) -> Destinations {
        let records: Vec<MxRecord> = self
            .options
            .mx
            .iter()
            .map(|host| MxRecord {
                preference: 0,
                host: host.clone(),
            })
            .collect();
        Destinations {
            mx: Attempt::Done(MxAnswer {
                dnssec: Dnssec::Unvalidated,
                source: MxSource::Implicit,
                records: records.clone(),
            }),
            hosts: records,
            alias: None,
        }
    }

    /// Lists the endpoints of all hosts, and which are to be talked to, each
    /// address once for every host on it.
    fn plan(
        &self,
        hosts: &mut [HostObservation],
        next_hop: Option<&NextHop>,
        loopback_is_meant: bool,
    ) -> Vec<Visits> {
        let mut calls: Vec<Visits> = Vec::new();
        let mut places: HashMap<IpAddr, usize> = HashMap::new();
        let mut planned = 0;
        for (at, host) in hosts.iter_mut().enumerate() {
            let addresses = host.addresses.done();
            let list = addresses.map_or_else(Vec::new, |addresses| addresses.list.clone());
            let check = tlsa::check(host, next_hop);
            for address in list {
                let because = self
                    .not_to_be_dialled(&host.host, address, loopback_is_meant)
                    .or((planned >= MOST_ENDPOINTS).then_some(Because::TooManyEndpoints));
                let place = (at, host.endpoints.len());
                host.endpoints.push(endpoint::skipped(
                    address,
                    self.options.port,
                    because.unwrap_or(Because::NotAsked),
                ));
                if because.is_some() {
                    continue;
                }
                planned += 1;
                let call = *places.entry(address).or_insert_with(|| {
                    calls.push((address, Vec::new()));
                    calls.len() - 1
                });
                let name = (!host.host.is_address()).then(|| host.host.clone());
                calls[call].1.push((place, name, check.clone()));
            }
        }
        calls
    }

    /// What the domain says beside its MX records.
    async fn policies(
        &self,
        domain: &DomainName,
        takes_mail: Result<(), Because>,
        loopback_is_meant: bool,
    ) -> Policies {
        if let Err(because) = takes_mail {
            return Policies {
                mta_sts: policy::unasked(because, because),
                tls_rpt: Attempt::Skipped(because),
                connections: 0,
            };
        }
        let allowed = |host: &HostName, address: IpAddr| {
            self.not_to_be_dialled(host, address, loopback_is_meant)
                .is_none()
        };
        let fetch = Fetch {
            dns: &self.dns,
            clock: self.options.clock,
            port: self.options.policy_port,
            source: self.options.source,
            stack: &self.stack,
            judge: self.judge(),
            at: self.judged_at(),
            allowed: &allowed,
        };
        let ((mta_sts, connections), tls_rpt) = tokio::join!(
            policy::mta_sts(&fetch, domain),
            policy::tls_rpt(&self.dns, domain)
        );
        Policies {
            mta_sts,
            tls_rpt,
            connections,
        }
    }

    fn not_to_be_dialled(
        &self,
        host: &HostName,
        address: IpAddr,
        loopback_is_meant: bool,
    ) -> Option<Because> {
        let unwanted = match self.options.families {
            Families::Both => false,
            Families::V4 => address.is_ipv6(),
            Families::V6 => address.is_ipv4(),
        };
        if unwanted {
            return Some(Because::NotAsked);
        }
        // A domain that names this machine as its host, by mistake or not,
        // would have our own mail server judged for its own.
        let here = host.as_str() == "localhost" || is_loopback(address);
        let nowhere = address.is_unspecified()
            || address.is_multicast()
            || address == IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
        let refused = nowhere
            || (self.options.public_only && !is_public(address))
            || (here && !loopback_is_meant);
        refused.then_some(Because::AddressNotPublic)
    }

    async fn call(&self, host: Option<&HostName>, dane: Option<&Check>, address: IpAddr) -> Called {
        let call = Call {
            host,
            dane,
            address: SocketAddr::new(address, self.options.port),
            ehlo: self.ehlo_for(host),
            source: self.options.source,
            timeout: self.options.timeout,
            deadline: self.options.deadline,
            clock: self.options.clock,
            stack: &self.stack,
            judge: self.judge(),
            at: self.judged_at(),
        };
        endpoint::call(&call).await
    }

    /// The name to say, never the server's own (RFC 5321, section 4.1.1.1).
    fn ehlo_for(&self, host: Option<&HostName>) -> Option<&str> {
        let own = self.here.as_ref().filter(|own| Some(*own) != host);
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

    /// The control host is judged by the system's roots too, whatever the
    /// user's domain is judged by.
    fn control_judge(&self) -> &PathJudge {
        if self.options.roots.system {
            return self.judge();
        }
        self.control_judge.get_or_init(|| {
            PathJudge::new(
                roots::with_system(&self.named_roots),
                self.stack.algorithms(),
            )
        })
    }

    /// Whether the options point to this machine: a test, not the Internet.
    fn points_here(&self) -> bool {
        const DNS_PORT: u16 = 53;
        self.options.port != SMTP_PORT
            || self
                .options
                .resolvers
                .iter()
                .any(|server| is_loopback(server.ip()) && server.port() != DNS_PORT)
    }

    /// Which control host to ask, if any.
    fn control_host(&self, hosts: &[HostObservation]) -> Option<(HostName, u16)> {
        match &self.options.control {
            ControlChoice::None => None,
            ControlChoice::Host { host, port } => {
                Some((host.clone(), port.unwrap_or(self.options.port)))
            }
            ControlChoice::Default => {
                let mut addresses = hosts.iter().flat_map(|host| &host.endpoints).peekable();
                let all_here = addresses.peek().is_some()
                    && addresses.all(|endpoint| is_loopback(endpoint.address));
                if self.points_here() || all_here {
                    return None;
                }
                HostName::parse(DEFAULT_CONTROL)
                    .ok()
                    .map(|host| (host, SMTP_PORT))
            }
        }
    }

    async fn ask_control(&self, host: &HostName, port: u16) -> ControlResult {
        let resolved = mx::resolve(&self.dns, host).await;
        let list = match &resolved.addresses {
            Attempt::Done(addresses) => addresses.list.as_slice(),
            Attempt::Failed(_) | Attempt::Skipped(_) => &[],
        };
        let mut first = None;
        let mut connections = 0;
        for &address in self.in_turn(list).iter().take(control::MOST_ADDRESSES) {
            let observation = self.call_control(host, address, port).await;
            connections += observation.connections;
            match control::read(host, address, &observation) {
                Ok(control) => {
                    return ControlResult {
                        attempt: Attempt::Done(control),
                        connections,
                    };
                }
                Err(failure) => {
                    first.get_or_insert(*failure);
                }
            }
        }
        let failure =
            first.unwrap_or_else(|| control::unresolved(host, resolved.addresses.failure()));
        ControlResult {
            attempt: Attempt::failed(failure),
            connections,
        }
    }

    /// The addresses to try, the families by turns, so that a family this
    /// machine does not have costs one try.
    fn in_turn(&self, list: &[IpAddr]) -> Vec<IpAddr> {
        let wanted = |address: &IpAddr| match self.options.families {
            Families::Both => true,
            Families::V4 => address.is_ipv4(),
            Families::V6 => address.is_ipv6(),
        };
        let mut v4 = list.iter().filter(|a| a.is_ipv4() && wanted(a));
        let mut v6 = list.iter().filter(|a| a.is_ipv6() && wanted(a));
        let mut turns = Vec::new();
        loop {
            let before = turns.len();
            turns.extend(v4.next());
            turns.extend(v6.next());
            if turns.len() == before {
                return turns;
            }
        }
    }

    async fn call_control(
        &self,
        host: &HostName,
        address: IpAddr,
        port: u16,
    ) -> EndpointObservation {
        let turn = self.turn(address);
        let observation = {
            let _turn = turn.lock().await;
            let call = Call {
                host: Some(host),
                dane: None,
                address: SocketAddr::new(address, port),
                ehlo: self.ehlo_for(Some(host)),
                source: self.options.source,
                timeout: self.options.timeout.min(CONTROL_TIMEOUT),
                deadline: self.options.deadline.min(CONTROL_TIMEOUT * 2),
                clock: self.options.clock,
                stack: &self.stack,
                judge: self.control_judge(),
                at: self.options.clock.now(),
            };
            endpoint::call(&call).await.observation
        };
        drop(turn);
        self.rest(address);
        observation
    }

    /// The right to talk to an address, which one conversation has at a time.
    fn turn(&self, address: IpAddr) -> Arc<AsyncMutex<()>> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(busy.entry(address).or_default())
    }

    /// Forgets an address that nobody talks to or waits for.
    fn rest(&self, address: IpAddr) {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy
            .get(&address)
            .is_some_and(|turn| Arc::strong_count(turn) == 1)
        {
            busy.remove(&address);
        }
    }
}

/// A resolver that nothing but the address is known of.
fn resolver_facts(server: Option<SocketAddr>) -> ResolverFacts {
    ResolverFacts {
        address: server.map_or_else(String::new, |server| server.to_string()),
        path: match server {
            Some(server) if is_loopback(server.ip()) => ResolverPath::Loopback,
            _ => ResolverPath::Plain,
        },
        validates: None,
        by: ValidatedBy::None,
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// RFC 1035, section 3.5, and RFC 3596, section 2.5; `invalid` (RFC 6761)
/// where there is no address either.
fn reverse_name(address: Option<IpAddr>) -> DomainName {
    let name = match address {
        Some(IpAddr::V4(v4)) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Some(IpAddr::V6(v6)) => {
            let nibbles: String = v6
                .octets()
                .iter()
                .rev()
                .map(|octet| format!("{:x}.{:x}.", octet & 0xf, octet >> 4))
                .collect();
            format!("{nibbles}ip6.arpa")
        }
        None => "invalid".to_owned(),
    };
    DomainName::parse(&name).expect("digits and known labels make a name")
}

#[cfg(test)]
#[path = "prober_tests.rs"]
mod tests;
