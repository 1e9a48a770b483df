//! Asks the resolvers in turn, and follows aliases.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use rustls::RootCertStore;
use tokio::sync::{RwLock, Semaphore};

use crate::failure::Failure;
use crate::observed::domain::{Dnssec, ResolverFacts, ResolverPath, ValidatedBy};
use crate::probe::dns::Answer;
use crate::probe::dns::cache::Cache;
use crate::probe::dns::message::{Ask, absolute, presentation, question};
use crate::probe::dns::self_test::Tested;
use crate::probe::dns::server::Resolver;
use crate::probe::dns::tls::Channel;
use crate::probe::dns::transport::{self, Miss, Sockets};
use crate::probe::dns::trouble;
use crate::probe::dns::validate::{Anchors, Trouble, Validator};
use crate::probe::net::{Clock, Moment, is_descriptor_shortage};
use crate::probe::options::DnssecTrust;

/// The longest time one question may take, all resolvers and tries together.
const LONGEST_QUESTION: Duration = Duration::from_secs(20);

/// The longest time one try may take.
pub(super) const LONGEST_TRY: Duration = Duration::from_secs(5);

/// How many aliases are followed. Real chains have two or three links.
pub(super) const MOST_ALIASES: usize = 16;

/// The most answers kept, unless told otherwise.
const MOST_KEPT: usize = 4096;

/// The longest time an answer is kept, unless told otherwise.
const LONGEST_KEPT: Duration = Duration::from_secs(300);

/// The most questions under way at a time, unless told otherwise: each has a
/// socket, and a resolver asked more at once answers more slowly, unless it is
/// near and idle.
pub const MOST_AT_ONCE: usize = 200;

/// When a resolver that kept silent is tested again.
const TEST_AGAIN: Duration = Duration::from_secs(60);

/// Asks resolvers. Cheap to clone; the clones share what they learn.
#[derive(Clone)]
pub struct Dns {
    inner: Arc<Inner>,
}

struct Inner {
    servers: Vec<Upstream>,
    clock: Clock,
    longest: Duration,
    trust: DnssecTrust,
    /// What the test of each resolver showed, and when.
    tested: RwLock<Option<(Arc<[Tested]>, Moment)>>,
    /// What checks signatures here, where that is wanted.
    validator: Option<Validator>,
    cache: Cache,
    at_once: Semaphore,
}

/// A resolver, and what is kept to ask it by.
#[derive(Debug)]
struct Upstream {
    resolver: Resolver,
    way: Way,
}

/// How it is asked.
#[derive(Debug)]
enum Way {
    Plain(Sockets),
    Tls(Channel),
}

impl Upstream {
    fn new(resolver: Resolver, settings: &Settings) -> Self {
        let way = match &resolver {
            Resolver::Plain(address) => Way::Plain(Sockets::new(*address)),
            Resolver::Tls {
                name,
                address,
                port,
            } => Way::Tls(Channel::new(
                name.clone(),
                *address,
                *port,
                settings.clock,
                Arc::clone(&settings.roots),
            )),
        };
        Self { resolver, way }
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns")
            .field("servers", &self.inner.servers)
            .finish_non_exhaustive()
    }
}

/// How a [`Dns`] is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    pub servers: Vec<Resolver>,
    pub clock: Clock,
    /// The longest time one question may take; never more than 20 s.
    pub longest: Duration,
    pub trust: DnssecTrust,
    /// The most answers kept.
    pub kept: usize,
    /// The longest time one is kept.
    pub kept_for: Duration,
    /// The most questions under way at a time.
    pub at_once: usize,
    /// Who may vouch for resolvers that are asked over TLS.
    pub roots: Arc<RootCertStore>,
    /// Where trust starts when signatures are checked here.
    pub anchors: Anchors,
}

impl Settings {
    /// The usual ones, which believe nothing about signatures.
    #[must_use]
    pub fn new(servers: Vec<Resolver>, clock: Clock, longest: Duration) -> Self {
        Self {
            servers,
            clock,
            longest,
            trust: DnssecTrust::Off,
            kept: MOST_KEPT,
            kept_for: LONGEST_KEPT,
            at_once: MOST_AT_ONCE,
            roots: Arc::new(RootCertStore::empty()),
            anchors: Anchors::default(),
        }
    }
}

impl Dns {
    /// Sets up.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let servers = settings
            .servers
            .iter()
            .map(|server| Upstream::new(server.clone(), &settings))
            .collect();
        Self {
            inner: Arc::new(Inner {
                servers,
                clock: settings.clock,
                longest: settings.longest.min(LONGEST_QUESTION),
                trust: settings.trust,
                tested: RwLock::default(),
                validator: (settings.trust == DnssecTrust::Validate)
                    .then(|| Validator::new(settings.anchors)),
                cache: Cache::new(settings.clock, settings.kept, settings.kept_for),
                at_once: Semaphore::new(settings.at_once.max(1)),
            }),
        }
    }

    /// The resolver asked first, and what its test showed.
    pub async fn facts(&self) -> ResolverFacts {
        let tested = self.tested().await;
        let Some(place) = self.in_order(&tested).next() else {
            return self.untested_facts();
        };
        let by_ad = self.is_believed(&tested, place);
        let tested = tested.get(place);
        ResolverFacts {
            validates: tested.and_then(Tested::validates),
            because: tested.and_then(Tested::because),
            by: match self.inner.validator {
                _ if by_ad => ValidatedBy::Ad,
                Some(_) => ValidatedBy::Own,
                None => ValidatedBy::None,
            },
            ..facts_of(Some(self.server(place)))
        }
    }

    /// The resolver that stands first, of which nothing is known yet.
    #[must_use]
    pub fn untested_facts(&self) -> ResolverFacts {
        facts_of(self.inner.servers.first().map(|one| &one.resolver))
    }

    /// What the test of each resolver showed. Nothing where that is not
    /// wanted.
    async fn tested(&self) -> Arc<[Tested]> {
        if !matches!(self.inner.trust, DnssecTrust::Auto | DnssecTrust::Validate) {
            return Arc::default();
        }
        let settled = |known: &Option<(Arc<[Tested]>, Moment)>| {
            let (tested, since) = known.as_ref()?;
            let told = tested.iter().all(|one| one.validates().is_some());
            (told || self.inner.clock.since(*since) < TEST_AGAIN).then(|| Arc::clone(tested))
        };
        if let Some(tested) = settled(&*self.inner.tested.read().await) {
            return tested;
        }
        let mut known = self.inner.tested.write().await;
        if let Some(tested) = settled(&known) {
            return tested;
        }
        let tested: Arc<[Tested]> = Box::pin(self.test_all()).await.into();
        *known = Some((Arc::clone(&tested), self.inner.clock.moment()));
        tested
    }

    /// The places of the resolvers in the order they are asked: those that
    /// validate first.
    fn in_order(&self, tested: &[Tested]) -> impl Iterator<Item = usize> + use<> {
        let mut places: Vec<usize> = (0..self.inner.servers.len()).collect();
        places.sort_by_key(|&place| !tested.get(place).is_some_and(Tested::is_believed));
        places.into_iter()
    }

    /// Whether a resolver's AD bit is believed.
    fn is_believed(&self, tested: &[Tested], place: usize) -> bool {
        match self.inner.trust {
            DnssecTrust::Off => false,
            DnssecTrust::Ad => true,
            DnssecTrust::Auto | DnssecTrust::Validate => {
                tested.get(place).is_some_and(Tested::is_believed)
            }
        }
    }

    /// How many resolvers there are.
    pub(super) fn servers(&self) -> usize {
        self.inner.servers.len()
    }

    /// The resolver at a place in the order given.
    pub(super) fn server(&self, place: usize) -> &Resolver {
        &self.inner.servers[place].resolver
    }

    /// Asks for the records of a name, following aliases (RFC 1034, section
    /// 3.6.2).
    ///
    /// # Errors
    /// When no resolver answered. That a name, or a record, does not exist is
    /// an answer.
    pub async fn ask(&self, name: &str, kind: RecordType) -> Result<Arc<Answer>, Failure> {
        let key = (name.to_ascii_lowercase(), kind);
        // On the heap: many questions are part of one check.
        let ask = Box::pin(async {
            let tested = self.tested().await;
            self.follow(name, kind, &tested).await
        });
        self.inner.cache.get(key, ask).await
    }

    /// Asks, and asks again for where an alias leads, when the resolver did
    /// not do so itself. The answer comes with the time it may be kept.
    async fn follow(
        &self,
        name: &str,
        kind: RecordType,
        tested: &[Tested],
    ) -> Result<(Answer, Duration), Failure> {
        let mut began = None;
        let mut chain = Chain::new(name).ok_or_else(|| trouble::unreadable_name(name))?;
        let mut dnssec = Dnssec::Secure;
        loop {
            let turn = self.inner.at_once.acquire().await;
            // The time spent in the queue is not the resolver's.
            let began = *began.get_or_insert_with(|| self.inner.clock.moment());
            let (place, message) = self
                .ask_in_turn(&chain.wanted, kind, self.way(), tested, began)
                .await?;
            // What checks signatures has questions of its own to ask.
            drop(turn);
            let believed = self.is_believed(tested, place);
            let status = self.status(&chain.wanted, kind, &message, believed).await?;
            dnssec = dnssec.weaker(status);
            let rcode = message.metadata.response_code;
            let records = chain
                .go_on(message, kind, self.inner.validator.is_some())
                .ok_or_else(|| trouble::aliases(name))?;
            if let Some(records) = records {
                let answer = Answer {
                    rcode,
                    dnssec,
                    aliases: chain.aliases,
                    records,
                };
                return Ok((answer, Duration::from_secs(u64::from(chain.lifetime))));
            }
        }
    }

    /// Whether an answer is secure: the resolver's word, where that is
    /// believed, or what is found out here.
    async fn status(
        &self,
        name: &Name,
        kind: RecordType,
        message: &Message,
        believed: bool,
    ) -> Result<Dnssec, Failure> {
        let authentic = believed && message.metadata.authentic_data;
        let word = if authentic {
            Dnssec::Secure
        } else {
            Dnssec::Insecure
        };
        let Some(validator) = &self.inner.validator else {
            return Ok(if believed { word } else { Dnssec::Unvalidated });
        };
        // Where the answer came for the CD bit alone, the resolver has judged.
        let withheld = believed && message.metadata.checking_disabled;
        match validator.judge(self, name, kind, message).await {
            Ok(Dnssec::Secure) if withheld => {
                let why = "the resolver withholds it, and its signatures hold here";
                Err(trouble::disagreement(name, kind, why))
            }
            Ok(Dnssec::Insecure) if authentic => {
                let why = "the resolver calls it authentic, and here it is not signed";
                Err(trouble::disagreement(name, kind, why))
            }
            Ok(status) => Ok(status),
            Err(Trouble::Bogus(why)) if authentic => Err(trouble::disagreement(
                name,
                kind,
                &format!("the resolver calls it authentic, and here {why}"),
            )),
            Err(Trouble::Bogus(why)) => Err(trouble::own_bogus(name, kind, &why)),
            Err(Trouble::Indeterminate(_)) if believed && !withheld => Ok(word),
            Err(Trouble::Indeterminate(why)) => Err(trouble::indeterminate(name, kind, &why)),
        }
    }

    /// One answer as it is, signatures and all, whatever the resolver thinks
    /// of it.
    pub(super) async fn fetch(&self, name: &Name, kind: RecordType) -> Result<Message, Failure> {
        let _turn = self.inner.at_once.acquire().await;
        let began = self.inner.clock.moment();
        let (_, message) = self
            .ask_in_turn(name, kind, Ask::Unchecked, &[], began)
            .await?;
        Ok(message)
    }

    pub(super) fn clock(&self) -> Clock {
        self.inner.clock
    }

    /// What questions ask about signatures.
    fn way(&self) -> Ask {
        match self.inner.trust {
            DnssecTrust::Off => Ask::Plain,
            DnssecTrust::Auto | DnssecTrust::Ad | DnssecTrust::Validate => Ask::Validated,
        }
    }

    /// Asks each resolver in turn, twice, until one answers.
    async fn ask_in_turn(
        &self,
        name: &Name,
        kind: RecordType,
        ask: Ask,
        tested: &[Tested],
        began: Moment,
    ) -> Result<(usize, Message), Failure> {
        let clock = self.inner.clock;
        let mut misses: Vec<(usize, Miss)> = Vec::new();
        for round in 0..2 {
            for place in self.in_order(tested) {
                let left = clock.left(began, self.inner.longest);
                // A resolver that answered, if only to refuse, will not say
                // otherwise the second time.
                let answered = misses
                    .iter()
                    .any(|(asked, miss)| *asked == place && matches!(miss, Miss::Code(_)));
                if left.is_zero() || (round > 0 && answered) {
                    continue;
                }
                let left = left.min(LONGEST_TRY);
                let believed = self.is_believed(tested, place);
                let asked = match ask {
                    Ask::Validated => self.ask_one(place, name, kind, believed, left).await,
                    _ => self.exchange(place, name, kind, ask, left).await,
                };
                match asked {
                    Ok(message) => return Ok((place, message)),
                    // Another resolver, which does not look, would deliver
                    // what this one was right to withhold.
                    Err(Miss::Bogus) => return Err(trouble::bogus(self.server(place), name, kind)),
                    Err(Miss::Os(error)) if is_descriptor_shortage(&error) => {
                        return Err(trouble::no_descriptors(&error));
                    }
                    Err(miss) => misses.push((place, miss)),
                }
            }
        }
        let misses: Vec<(&Resolver, Miss)> = misses
            .into_iter()
            .map(|(place, miss)| (self.server(place), miss))
            .collect();
        Err(trouble::unanswered(name, kind, &misses, clock.since(began)))
    }

    /// Asks for a validated answer, and after a SERVFAIL finds out whether it
    /// is one that the resolver withholds.
    async fn ask_one(
        &self,
        place: usize,
        name: &Name,
        kind: RecordType,
        believed: bool,
        span: Duration,
    ) -> Result<Message, Miss> {
        let first = self.exchange(place, name, kind, Ask::Validated, span).await;
        let own = self.inner.validator.is_some();
        let failed = matches!(first, Err(Miss::Code(ResponseCode::ServFail)));
        if !failed || (!believed && !own) {
            return first;
        }
        // Data behind the CD bit means that the resolver withheld it, unless
        // its trouble was a passing one: so the question is put once more.
        let Ok(mut unchecked) = self.exchange(place, name, kind, Ask::Unchecked, span).await else {
            return first;
        };
        if own {
            unchecked.metadata.checking_disabled = true;
            unchecked.metadata.authentic_data = false;
        }
        match self.exchange(place, name, kind, Ask::Validated, span).await {
            Err(Miss::Code(ResponseCode::ServFail)) if own => Ok(unchecked),
            Err(Miss::Code(ResponseCode::ServFail)) => Err(Miss::Bogus),
            second => second,
        }
    }

    /// One question and its answer, which may be that there is none.
    pub(super) async fn exchange(
        &self,
        place: usize,
        name: &Name,
        kind: RecordType,
        ask: Ask,
        span: Duration,
    ) -> Result<Message, Miss> {
        let clock = self.inner.clock;
        let began = clock.moment();
        let mut message = self
            .send(place, &question(name, kind, Some(ask)), span)
            .await?;
        if matches!(
            message.metadata.response_code,
            ResponseCode::FormErr | ResponseCode::NotImp
        ) {
            // RFC 6891, section 7: a server that does not know EDNS.
            let left = clock.left(began, span);
            message = self.send(place, &question(name, kind, None), left).await?;
        }
        // A marker of ours from here on, not the resolver's echo.
        message.metadata.checking_disabled = false;
        match message.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => Ok(message),
            code => Err(Miss::Code(code)),
        }
    }

    async fn send(
        &self,
        place: usize,
        question: &Message,
        span: Duration,
    ) -> Result<Message, Miss> {
        match &self.inner.servers[place].way {
            Way::Tls(channel) => channel.send(question, span).await,
            Way::Plain(sockets) => transport::send(self.inner.clock, sockets, question, span).await,
        }
    }
}

/// A resolver of which nothing but the address is known.
fn facts_of(server: Option<&Resolver>) -> ResolverFacts {
    ResolverFacts {
        address: server.map_or_else(String::new, ToString::to_string),
        path: server.map_or(ResolverPath::Plain, Resolver::path),
        validates: None,
        because: None,
        by: ValidatedBy::None,
    }
}

/// The way from a name along its aliases.
struct Chain {
    /// The name to ask for next.
    wanted: Name,
    aliases: Vec<String>,
    seen: HashSet<Name>,
    /// Seconds that all of it may be kept.
    lifetime: u32,
}

impl Chain {
    fn new(name: &str) -> Option<Self> {
        let wanted = absolute(name)?;
        Some(Self {
            seen: HashSet::from([wanted.clone()]),
            wanted,
            aliases: Vec::new(),
            lifetime: u32::MAX,
        })
    }

    /// Follows the aliases of an answer. Gives the records at their end,
    /// nothing where that is still to be asked for; none at all where the
    /// aliases lead nowhere. Singly: a denial counts for the name asked for
    /// alone, so the end of the aliases is asked for by itself.
    #[expect(clippy::option_option, reason = "no end, not yet, and there")]
    fn go_on(
        &mut self,
        message: Message,
        kind: RecordType,
        singly: bool,
    ) -> Option<Option<Vec<RData>>> {
        let links: HashMap<Name, (Name, u32)> = message
            .answers
            .iter()
            .filter_map(|record| match &record.data {
                // Who asks for an alias wants it, not what it leads to.
                RData::CNAME(target) if kind != RecordType::CNAME => Some((
                    record.name.to_lowercase(),
                    (target.0.to_lowercase(), record.ttl),
                )),
                _ => None,
            })
            .collect();
        let asked = self.wanted.clone();
        while let Some((target, ttl)) = links.get(&self.wanted) {
            if !self.seen.insert(target.clone()) || self.aliases.len() >= MOST_ALIASES {
                return None;
            }
            self.lifetime = self.lifetime.min(*ttl);
            self.aliases.push(presentation(target));
            self.wanted = target.clone();
        }
        let negative = negative_lifetime(&message.authorities);
        let mut records = Vec::new();
        for record in message.answers {
            if record.record_type() == kind && record.name.to_lowercase() == self.wanted {
                self.lifetime = self.lifetime.min(record.ttl);
                records.push(record.data);
            }
        }
        let complete = !records.is_empty()
            || self.wanted == asked
            || (message.metadata.response_code == ResponseCode::NXDomain && !singly);
        if complete && records.is_empty() {
            self.lifetime = self.lifetime.min(negative);
        }
        Some(complete.then_some(records))
    }
}

/// RFC 2308, section 5: the smaller of the SOA record's TTL and its last field;
/// without one, a "no" is not kept.
fn negative_lifetime(authorities: &[Record]) -> u32 {
    authorities
        .iter()
        .filter_map(|record| match &record.data {
            RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
            _ => None,
        })
        .min()
        .unwrap_or(0)
}
