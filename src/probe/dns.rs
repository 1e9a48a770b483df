//! The one way to the DNS: questions to recursive resolvers (RFC 1035,
//! section 4), over UDP and, where an answer was cut short, over TCP
//! (RFC 7766, section 5).
//!
//! Entry point: [`Dns::ask`]. It keeps what a resolver library would smooth
//! over: the response code, the AD bit, and the chain of aliases. Resolvers
//! are asked in turn, in the order given, and then once more; everything
//! together stays within a time bound. An answer is kept for as long as its
//! records live, at most five minutes.
//!
//! Whether an answer is signed is the resolver's word, its AD bit (RFC 4035,
//! section 3.2.3), and counts where the resolver passed the test in `dnssec`.
//! A SERVFAIL of such a resolver is asked again with the CD bit: data then
//! means that the signatures do not hold.
//!
//! Not supported: search lists (a mail domain is a full name), mDNS, the hosts
//! file. A socket of its own for each question gives each a port of its own
//! (RFC 5452, section 9.2), and being connected it hears at once of a resolver
//! that is not there.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write as _};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::OnceCell;

use crate::failure::{Failure, Kind, Stage};
use crate::observed::domain::Dnssec;
use crate::probe::net::{Clock, Moment, is_descriptor_shortage};
use crate::probe::options::DnssecTrust;

/// The longest time one question may take, all resolvers and tries together.
const LONGEST_QUESTION: Duration = Duration::from_secs(20);

/// The longest time one try may take.
pub(super) const LONGEST_TRY: Duration = Duration::from_secs(5);

/// How many aliases are followed. Real chains have two or three links.
const MOST_ALIASES: usize = 16;

/// RFC 9715, section 3: what passes the Internet without fragments.
const UDP_PAYLOAD: u16 = 1232;

/// The most answers kept.
const MOST_KEPT: usize = 4096;

/// The longest time an answer is kept, and how long one that says "none" is.
const LONGEST_KEPT: Duration = Duration::from_secs(300);
const NEGATIVE_KEPT: Duration = Duration::from_secs(30);

/// Asks resolvers.
pub struct Dns {
    servers: Vec<SocketAddr>,
    clock: Clock,
    longest: Duration,
    trust: DnssecTrust,
    /// For each resolver whether it validates; none where it cannot be told.
    tested: OnceCell<Vec<Option<bool>>>,
    kept: Mutex<HashMap<(String, RecordType), Kept>>,
}

struct Kept {
    answer: Arc<Answer>,
    since: Moment,
    span: Duration,
}

/// What a resolver answered. A name that does not exist is an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub rcode: ResponseCode,
    /// What the resolver's word about signatures comes to, for the whole
    /// chain of aliases (RFC 7672, section 2.1.3).
    pub dnssec: Dnssec,
    /// The names that aliases led to, in order; the records are the last's.
    pub aliases: Vec<String>,
    /// Records of the type asked for.
    pub records: Vec<RData>,
}

impl Answer {
    /// Whether the name asked for, or what its aliases lead to, does not
    /// exist.
    #[must_use]
    pub fn is_nxdomain(&self) -> bool {
        self.rcode == ResponseCode::NXDomain
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns")
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

/// The resolvers this machine is set up with.
///
/// # Errors
/// When there are none, with the reason.
pub fn system_resolvers() -> Result<Vec<SocketAddr>, String> {
    let (config, _) =
        hickory_resolver::system_conf::read_system_conf().map_err(|error| error.to_string())?;
    let mut servers: Vec<SocketAddr> = Vec::new();
    for server in config.name_servers() {
        let port = server.connections.first().map_or(53, |c| c.port);
        let address = SocketAddr::new(server.ip, port);
        if !servers.contains(&address) {
            servers.push(address);
        }
    }
    if servers.is_empty() {
        return Err("its configuration lists none".into());
    }
    Ok(servers)
}

/// What a question asks about signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Nothing.
    Plain,
    /// Whether they hold (RFC 6840, section 5.7: the AD bit in a question).
    Validated,
    /// For the data, whether they hold or not (RFC 4035, section 3.2.2).
    Unchecked,
}

/// Why one try gave no answer.
#[derive(Debug)]
pub(super) enum Miss {
    /// A response code that is no answer.
    Code(ResponseCode),
    /// The resolver has data, and its signatures do not hold.
    Bogus,
    /// Nothing in time.
    Silence,
    /// What came cannot be read.
    Garbled,
    Os(io::Error),
}

impl Dns {
    /// Asks these resolvers. No question takes longer than `longest`.
    #[must_use]
    pub fn new(servers: Vec<SocketAddr>, clock: Clock, longest: Duration) -> Self {
        Self {
            servers,
            clock,
            longest: longest.min(LONGEST_QUESTION),
            trust: DnssecTrust::Off,
            tested: OnceCell::new(),
            kept: Mutex::default(),
        }
    }

    /// The same, asking for signatures and believing this of them.
    #[must_use]
    pub fn trusting(mut self, trust: DnssecTrust) -> Self {
        self.trust = trust;
        self
    }

    /// The resolver asked first, and whether it validates, as far as that was
    /// tested.
    pub async fn first(&self) -> (Option<SocketAddr>, Option<bool>) {
        let tested = self.tested().await;
        match self.in_order(tested).next() {
            Some(place) => (
                self.servers.get(place).copied(),
                tested.get(place).copied().flatten(),
            ),
            None => (None, None),
        }
    }

    /// Whether each resolver validates, tested once. Nothing where that is
    /// not wanted.
    async fn tested(&self) -> &[Option<bool>] {
        if self.trust != DnssecTrust::Auto {
            return &[];
        }
        self.tested.get_or_init(|| Box::pin(self.test_all())).await
    }

    /// The places of the resolvers in the order they are asked: those that
    /// validate first.
    fn in_order(&self, tested: &[Option<bool>]) -> impl Iterator<Item = usize> {
        let mut places: Vec<usize> = (0..self.servers.len()).collect();
        places.sort_by_key(|&place| tested.get(place).copied().flatten() != Some(true));
        places.into_iter()
    }

    /// Whether a resolver's AD bit is believed.
    fn is_believed(&self, tested: &[Option<bool>], place: usize) -> bool {
        match self.trust {
            DnssecTrust::Off => false,
            DnssecTrust::Ad => true,
            DnssecTrust::Auto => tested.get(place).copied().flatten() == Some(true),
        }
    }

    /// The resolvers asked.
    #[must_use]
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// Asks for the records of a name, following aliases (RFC 1034, section
    /// 3.6.2).
    ///
    /// # Errors
    /// When no resolver answered. That a name, or a record, does not exist is
    /// an answer.
    pub async fn ask(&self, name: &str, kind: RecordType) -> Result<Arc<Answer>, Failure> {
        let key = (name.to_ascii_lowercase(), kind);
        if let Some(answer) = self.recall(&key) {
            return Ok(answer);
        }
        let tested = self.tested().await;
        let began = self.clock.moment();
        // On the heap: many questions are part of one check.
        let (answer, span) = Box::pin(self.follow(name, kind, tested, began)).await?;
        let answer = Arc::new(answer);
        self.keep(key, Arc::clone(&answer), span);
        Ok(answer)
    }

    /// Asks, and asks again for where an alias leads, when the resolver did
    /// not do so itself.
    async fn follow(
        &self,
        name: &str,
        kind: RecordType,
        tested: &[Option<bool>],
        began: Moment,
    ) -> Result<(Answer, Duration), Failure> {
        let mut wanted = absolute(name).ok_or_else(|| unreadable_name(name))?;
        let mut aliases: Vec<String> = Vec::new();
        let mut seen = HashSet::from([wanted.clone()]);
        let mut dnssec = Dnssec::Secure;
        let mut span = LONGEST_KEPT;
        loop {
            let (place, message) = self.ask_in_turn(&wanted, kind, tested, began).await?;
            let status = match message.metadata.authentic_data {
                _ if !self.is_believed(tested, place) => Dnssec::Unvalidated,
                true => Dnssec::Secure,
                false => Dnssec::Insecure,
            };
            dnssec = dnssec.weaker(status);
            let links: HashMap<Name, Name> = message
                .answers
                .iter()
                .filter_map(|record| match &record.data {
                    // Who asks for an alias wants it, not what it leads to.
                    RData::CNAME(target) if kind != RecordType::CNAME => {
                        Some((record.name.to_lowercase(), target.0.to_lowercase()))
                    }
                    _ => None,
                })
                .collect();
            let asked = wanted.clone();
            while let Some(target) = links.get(&wanted) {
                if !seen.insert(target.clone()) || aliases.len() >= MOST_ALIASES {
                    return Err(alias_trouble(name));
                }
                aliases.push(presentation(target));
                wanted = target.clone();
            }
            let mut lifetime = None;
            let records: Vec<RData> = message
                .answers
                .into_iter()
                .filter(|record| {
                    record.record_type() == kind && record.name.to_lowercase() == wanted
                })
                .map(|record| {
                    lifetime = Some(lifetime.map_or(record.ttl, |ttl: u32| ttl.min(record.ttl)));
                    record.data
                })
                .collect();
            span =
                span.min(lifetime.map_or(NEGATIVE_KEPT, |ttl| Duration::from_secs(u64::from(ttl))));
            let complete = !records.is_empty()
                || wanted == asked
                || message.metadata.response_code == ResponseCode::NXDomain;
            if complete {
                let answer = Answer {
                    rcode: message.metadata.response_code,
                    dnssec,
                    aliases,
                    records,
                };
                return Ok((answer, span));
            }
        }
    }

    /// Asks each resolver in turn, twice, until one answers.
    async fn ask_in_turn(
        &self,
        name: &Name,
        kind: RecordType,
        tested: &[Option<bool>],
        began: Moment,
    ) -> Result<(usize, Message), Failure> {
        let mut misses: Vec<(SocketAddr, Miss)> = Vec::new();
        for round in 0..2 {
            for place in self.in_order(tested) {
                let server = self.servers[place];
                let left = self.clock.left(began, self.longest);
                // A resolver that answered, if only to refuse, will not say
                // otherwise the second time.
                let answered = misses
                    .iter()
                    .any(|(asked, miss)| *asked == server && matches!(miss, Miss::Code(_)));
                if left.is_zero() || (round > 0 && answered) {
                    continue;
                }
                let believed = self.is_believed(tested, place);
                match self
                    .ask_one(server, name, kind, believed, left.min(LONGEST_TRY))
                    .await
                {
                    Ok(message) => return Ok((place, message)),
                    // Another resolver, which does not look, would deliver
                    // what this one was right to withhold.
                    Err(Miss::Bogus) => return Err(bogus(server, name, kind)),
                    Err(Miss::Os(error)) if is_descriptor_shortage(&error) => {
                        return Err(no_descriptors(&error));
                    }
                    Err(miss) => misses.push((server, miss)),
                }
            }
        }
        Err(unanswered(name, kind, &misses, self.clock.since(began)))
    }

    async fn ask_one(
        &self,
        server: SocketAddr,
        name: &Name,
        kind: RecordType,
        believed: bool,
        span: Duration,
    ) -> Result<Message, Miss> {
        let ask = match self.trust {
            DnssecTrust::Off => Ask::Plain,
            DnssecTrust::Auto | DnssecTrust::Ad => Ask::Validated,
        };
        let first = self.exchange(server, name, kind, ask, span).await;
        if !believed || !matches!(first, Err(Miss::Code(ResponseCode::ServFail))) {
            return first;
        }
        // Data behind the CD bit means that the resolver withheld it, unless
        // its trouble was a passing one: so the question is put once more.
        if self
            .exchange(server, name, kind, Ask::Unchecked, span)
            .await
            .is_err()
        {
            return first;
        }
        match self.exchange(server, name, kind, ask, span).await {
            Err(Miss::Code(ResponseCode::ServFail)) => Err(Miss::Bogus),
            second => second,
        }
    }

    /// One question and its answer, which may be that there is none.
    pub(super) async fn exchange(
        &self,
        server: SocketAddr,
        name: &Name,
        kind: RecordType,
        ask: Ask,
        span: Duration,
    ) -> Result<Message, Miss> {
        let began = self.clock.moment();
        let mut message = self
            .send(server, &question(name, kind, Some(ask)), span)
            .await?;
        if matches!(
            message.metadata.response_code,
            ResponseCode::FormErr | ResponseCode::NotImp
        ) {
            // RFC 6891, section 7: a server that does not know EDNS.
            let left = self.clock.left(began, span);
            message = self.send(server, &question(name, kind, None), left).await?;
        }
        match message.metadata.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain => Ok(message),
            code => Err(Miss::Code(code)),
        }
    }

    /// One message and its reply, over UDP, then over TCP if it was cut.
    async fn send(
        &self,
        server: SocketAddr,
        question: &Message,
        span: Duration,
    ) -> Result<Message, Miss> {
        let began = self.clock.moment();
        let octets = question.to_vec().map_err(|_| Miss::Garbled)?;
        let message = self
            .clock
            .timeout(span, over_udp(server, question, &octets))
            .await
            .map_err(|_| Miss::Silence)??;
        if !message.metadata.truncation {
            return Ok(message);
        }
        let left = self.clock.left(began, span);
        self.clock
            .timeout(left, over_tcp(server, question, &octets))
            .await
            .map_err(|_| Miss::Silence)?
    }

    fn recall(&self, key: &(String, RecordType)) -> Option<Arc<Answer>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = kept
            .get(key)
            .filter(|kept| self.clock.since(kept.since) < kept.span)
            .map(|kept| Arc::clone(&kept.answer));
        if fresh.is_none() {
            kept.remove(key);
        }
        fresh
    }

    fn keep(&self, key: (String, RecordType), answer: Arc<Answer>, span: Duration) {
        if span.is_zero() {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            // Rare, and cheaper than bookkeeping at every question.
            kept.clear();
        }
        let since = self.clock.moment();
        kept.insert(
            key,
            Kept {
                answer,
                since,
                span,
            },
        );
    }
}

/// A question; with EDNS (RFC 6891) where it says what it wants.
fn question(name: &Name, kind: RecordType, ask: Option<Ask>) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name.clone(), kind));
    if let Some(ask) = ask {
        let mut options = Edns::new();
        options.set_max_payload(UDP_PAYLOAD);
        if ask != Ask::Plain {
            // RFC 6891, section 6.1.4: the DO bit.
            options.set_dnssec_ok(true);
            message.metadata.authentic_data = ask == Ask::Validated;
            message.metadata.checking_disabled = ask == Ask::Unchecked;
        }
        message.set_edns(options);
    }
    message
}

async fn over_udp(server: SocketAddr, question: &Message, octets: &[u8]) -> Result<Message, Miss> {
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).await.map_err(Miss::Os)?;
    // Connected, the socket takes packets from the resolver alone.
    socket.connect(server).await.map_err(Miss::Os)?;
    socket.send(octets).await.map_err(Miss::Os)?;
    let mut buffer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await.map_err(Miss::Os)?;
        // A packet that is no answer to this question may be forged: go on
        // waiting for the true one (RFC 5452, section 9.1).
        if buffer.get(..2) != Some(&question.metadata.id.to_be_bytes()[..]) {
            continue;
        }
        match Message::from_vec(&buffer[..length]) {
            Ok(message) if is_answer(&message, question) => return Ok(message),
            Ok(_) => {}
            Err(_) => return Err(Miss::Garbled),
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &Message, octets: &[u8]) -> Result<Message, Miss> {
    let mut stream = TcpStream::connect(server).await.map_err(Miss::Os)?;
    // RFC 1035, section 4.2.2: two octets of length go before each message.
    let length = u16::try_from(octets.len()).map_err(|_| Miss::Garbled)?;
    let framed = [&length.to_be_bytes(), octets].concat();
    stream.write_all(&framed).await.map_err(Miss::Os)?;
    let length = stream.read_u16().await.map_err(Miss::Os)?;
    let mut buffer = vec![0; usize::from(length)];
    stream.read_exact(&mut buffer).await.map_err(Miss::Os)?;
    match Message::from_vec(&buffer) {
        Ok(message) if is_answer(&message, question) => Ok(message),
        Ok(_) | Err(_) => Err(Miss::Garbled),
    }
}

fn is_answer(message: &Message, question: &Message) -> bool {
    let same_question = message.queries == question.queries
        // Some servers leave the question out of a refusal.
        || (message.queries.is_empty()
            && !matches!(
                message.metadata.response_code,
                ResponseCode::NoError | ResponseCode::NXDomain
            ));
    message.metadata.id == question.metadata.id
        && message.metadata.message_type == MessageType::Response
        && message.metadata.op_code == OpCode::Query
        && same_question
        && message
            .queries
            .iter()
            .all(|query| query.query_class() == DNSClass::IN)
}

/// A name as the wire has it. Escapes as [`presentation`] writes them are
/// read; the library writes octal ones and reads none.
pub(super) fn absolute(name: &str) -> Option<Name> {
    let mut labels: Vec<Vec<u8>> = vec![Vec::new()];
    let mut octets = name.bytes();
    while let Some(octet) = octets.next() {
        let octet = match octet {
            b'.' => {
                labels.push(Vec::new());
                continue;
            }
            b'\\' => match octets.next()? {
                first @ b'0'..=b'9' => {
                    let mut number = u16::from(first - b'0');
                    for _ in 0..2 {
                        let digit = octets.next().filter(u8::is_ascii_digit)?;
                        number = number * 10 + u16::from(digit - b'0');
                    }
                    u8::try_from(number).ok()?
                }
                other => other,
            },
            other => other,
        };
        labels.last_mut()?.push(octet);
    }
    if labels.iter().any(Vec::is_empty) {
        return None;
    }
    let labels = labels.iter().map(Vec::as_slice);
    let mut name = Name::from_labels(labels).ok()?.to_lowercase();
    name.set_fqdn(true);
    Some(name)
}

/// A name as text: lower case, no final dot, empty for the root; octets that
/// are no part of a host name escaped (RFC 1035, section 5.1).
#[must_use]
pub fn presentation(name: &Name) -> String {
    let mut text = String::new();
    for label in name.iter() {
        if !text.is_empty() {
            text.push('.');
        }
        for octet in label {
            match octet.to_ascii_lowercase() {
                special @ (b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$') => {
                    text.push('\\');
                    text.push(char::from(special));
                }
                graphic if graphic.is_ascii_graphic() => text.push(char::from(graphic)),
                other => {
                    write!(text, "\\{other:03}").expect("writing to a String cannot fail");
                }
            }
        }
    }
    text
}

fn unreadable_name(name: &str) -> Failure {
    Failure::new(
        Stage::Dns,
        Kind::Nxdomain,
        format!("{name} cannot be a name in the DNS"),
    )
}

fn alias_trouble(name: &str) -> Failure {
    Failure::new(
        Stage::Dns,
        Kind::Servfail,
        format!("the aliases of {name} go round in a circle or never end"),
    )
}

fn bogus(server: SocketAddr, name: &Name, kind: RecordType) -> Failure {
    let name = presentation(name);
    let mut failure = Failure::new(
        Stage::Dns,
        Kind::DnssecBogus,
        format!("the resolver {server} withholds {name} {kind}: its signatures do not hold"),
    );
    failure.detail.rcode = Some(rcode_name(ResponseCode::ServFail));
    failure
}

fn no_descriptors(error: &io::Error) -> Failure {
    let mut failure = Failure::new(
        Stage::Local,
        Kind::TooManyOpenFiles,
        "this machine has no file descriptor left for a DNS question",
    );
    failure.detail.os_error = error.raw_os_error();
    failure
}

/// What all tries together came to. A resolver's word counts more than
/// another's silence.
fn unanswered(
    name: &Name,
    kind: RecordType,
    misses: &[(SocketAddr, Miss)],
    waited: Duration,
) -> Failure {
    let name = presentation(name);
    let code = misses.iter().find_map(|(server, miss)| match miss {
        Miss::Code(code) => Some((server, *code)),
        _ => None,
    });
    if let Some((server, code)) = code {
        let word = rcode_name(code);
        let failure_kind = if code == ResponseCode::Refused {
            Kind::DnsRefused
        } else {
            Kind::Servfail
        };
        let mut failure = Failure::new(
            Stage::Dns,
            failure_kind,
            format!("the resolver {server} answered {word} for {name} {kind}"),
        );
        failure.detail.rcode = Some(word);
        return failure;
    }
    if let Some((server, _)) = misses
        .iter()
        .find(|(_, miss)| matches!(miss, Miss::Garbled))
    {
        return Failure::new(
            Stage::Dns,
            Kind::Servfail,
            format!("the resolver {server} answered for {name} {kind} what cannot be read"),
        );
    }
    let refused = misses.iter().find_map(|(server, miss)| match miss {
        Miss::Os(error) => Some((server, error)),
        _ => None,
    });
    let message = match refused {
        Some((server, error)) => {
            format!("the resolver {server} cannot be asked for {name} {kind}: {error}")
        }
        None => format!(
            "no resolver answered for {name} {kind} within {} s",
            waited.as_secs()
        ),
    };
    let mut failure = Failure::new(Stage::Dns, Kind::DnsTimeout, message);
    failure.detail.waited = Some(waited);
    failure.detail.os_error = refused.and_then(|(_, error)| error.raw_os_error());
    failure
}

/// The name of a response code in the IANA registry, in upper case.
#[must_use]
pub fn rcode_name(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".into(),
        ResponseCode::FormErr => "FORMERR".into(),
        ResponseCode::ServFail => "SERVFAIL".into(),
        ResponseCode::NXDomain => "NXDOMAIN".into(),
        ResponseCode::NotImp => "NOTIMP".into(),
        ResponseCode::Refused => "REFUSED".into(),
        other => format!("RCODE{}", u16::from(other)),
    }
}

#[cfg(test)]
#[path = "dns_tests.rs"]
pub(in crate::probe) mod tests;
