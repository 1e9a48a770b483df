//! The facts about one hop, joined: what its line and the line before it say,
//! what other messages witness, and what a probe of the receiver saw. Rules
//! read these; nothing is weighed here.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::attempt::{Attempt, Because};
use crate::explain::pair::{self, Match};
use crate::explain::sender::{self, Sender};
use crate::explain::traffic::Around;
use crate::explain::{MatchedBy, ObservedFrom, Past};
use crate::failure::{Failure, Fault, Kind};
use crate::name::{HostName, registrable_domain};
use crate::observed::domain::{DomainObservation, HostObservation, StsMode};
use crate::observed::endpoint::{EndpointObservation, Verb};
use crate::observed::statement::Statement;
use crate::tls::handshake::Handshake;
use crate::trace::chain::{Chain, Gap, GapKind, Hop, Leg, RecordsTls, Trust};
use crate::trace::evidence::{EvidenceKind, Says, TlsState};

/// A probe within so many days of the hop counts as near it.
pub const NEAR_DAYS: i64 = 7;

/// All that is known about one hop.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub chain: &'a Chain,
    pub hop: &'a Hop,
    /// Breaks between the line before and this one.
    pub gaps: Vec<&'a Gap>,
    /// The line the sending host itself wrote, where the chain is unbroken.
    pub client_line: Option<&'a Hop>,
    /// The sending host as to be named in text. Hostile: escape.
    pub client: String,
    /// The receiving host as to be named in text. Hostile: escape.
    pub server: String,
    pub sender: Option<&'static Sender>,
    /// When the receiving host wrote the line.
    pub at: Option<Timestamp>,
    /// The `with` keyword in upper case; empty where there is none.
    pub with: String,
    pub probe: Option<ProbeFacts<'a>>,
    /// The newest observation of the same receiver, where it is another one
    /// than `probe`, which is the nearest to the hop in time.
    pub latest: Option<ProbeFacts<'a>>,
    /// What other messages show of both sides.
    pub around: Around,
    /// What parties of the hop stated at the time.
    pub statements: Vec<&'a Statement>,
    /// How the receiving host stands to the MX hosts of the recipient's domain
    /// as they were seen last; none where these were not asked.
    pub mx: Option<Match<'a>>,
    /// The receiver's place among the MX hosts that the mail was meant for.
    pub preference: Option<pair::Preference<'a>>,
    /// What on this machine hindered a probe meant for this hop.
    pub trouble: Option<String>,
}

/// What a probe of the receiver saw.
#[derive(Debug, Clone)]
pub struct ProbeFacts<'a> {
    pub matched_by: MatchedBy,
    pub observation: &'a DomainObservation,
    pub host: Option<&'a HostObservation>,
    pub from: ObservedFrom,
    /// Whole days from the hop to the probe, negative where it came before;
    /// none where the line has no date.
    pub age_days: Option<i64>,
    /// The endpoints that may have taken this hop: of the matched host or
    /// address, of the session's address family where both were seen.
    pub session: Vec<Seen<'a>>,
    /// The other endpoints of the same observation.
    pub others: Vec<Seen<'a>>,
}

/// One endpoint and what came of STARTTLS there.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub host: &'a HostObservation,
    pub endpoint: &'a EndpointObservation,
    pub reaction: Reaction<'a>,
}

/// What came of STARTTLS at one endpoint.
#[derive(Debug, Clone, Copy)]
pub enum Reaction<'a> {
    /// The handshake succeeded.
    Tls(&'a Handshake),
    /// EHLO was answered without the keyword.
    NotOffered,
    /// The keyword or the command is overwritten by something in between.
    Masked,
    /// EHLO was refused and HELO taken.
    EhloRefused,
    /// STARTTLS was answered 4yz.
    RefusedForNow(&'a Failure),
    /// STARTTLS was answered 5yz.
    Refused(&'a Failure),
    /// 220, then no handshake.
    HandshakeFailed(&'a Failure),
    /// It could not be seen; that says nothing about the server.
    Unseen(Option<&'a Failure>),
}

impl Reaction<'_> {
    /// Whether TLS could be had by us.
    #[must_use]
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether it was seen that TLS could not be had by us.
    #[must_use]
    pub fn lacks_tls(self) -> bool {
        !matches!(self, Self::Tls(_) | Self::Unseen(_))
    }
}

/// How a server speaks TLS with which no handshake came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnTls {
    /// With nothing that this client has.
    Unspoken,
    /// It answered a hello, or broke off at the end.
    Unfinished,
}

impl Seen<'_> {
    /// Whether the server speaks TLS though no handshake came to its end.
    #[must_use]
    pub fn own_tls(&self) -> Option<OwnTls> {
        let Reaction::HandshakeFailed(failure) = self.reaction else {
            return None;
        };
        let hello = self.endpoint.raw_hello.as_ref();
        if failure.kind == Kind::HandshakeIncompatible {
            Some(OwnTls::Unspoken)
        } else if hello.is_some_and(|hello| hello.version.is_some())
            || failure.detail.alert.as_deref() == Some("certificate_required")
        {
            Some(OwnTls::Unfinished)
        } else {
            None
        }
    }
}

impl<'a> Facts<'a> {
    /// Joins what is known about one hop.
    #[must_use]
    pub fn join(
        chain: &'a Chain,
        hop: &'a Hop,
        probes: &'a [DomainObservation],
        past: &'a Past,
        gaps: &Gaps<'a>,
    ) -> Self {
        let gaps = gaps.before(hop);
        let at = hop.received.date.as_ref().map(|date| date.at.timestamp());
        let client_line = client_line(chain, hop, &gaps);
        let may_probe = pair::needs_probe(hop);
        let everything = || probes.iter().chain(&past.earlier);
        let found = may_probe
            .then(|| pair::match_hop(chain, hop, everything()))
            .flatten();
        let mx = may_probe
            .then(|| {
                let domain = pair::recipient_domain(chain, hop)?;
                let newest = everything()
                    .filter(|o| o.domain == domain && o.mx.is_done())
                    .max_by_key(|o| o.at)?;
                pair::match_hop(chain, hop, [newest])
            })
            .flatten();
        let is_past = |o: &DomainObservation| past.earlier.iter().any(|e| std::ptr::eq(e, o));
        let read = |found: &Match<'a>| {
            let from = if is_past(found.observation) {
                ObservedFrom::History
            } else {
                ObservedFrom::Live
            };
            ProbeFacts::read(found, from, at, session_family(hop))
        };
        let latest = found.as_ref().and_then(|nearest| {
            let newer = everything().filter(|o| o.at > nearest.observation.at);
            pair::match_latest(chain, hop, nearest, newer)
        });
        let latest = latest.as_ref().map(read);
        let probe = found.as_ref().map(read);
        Self {
            chain,
            hop,
            gaps,
            client_line,
            client: client_label(hop),
            server: server_label(hop),
            sender: client_line.and_then(sender::recognise),
            at,
            with: keyword(hop),
            trouble: probe.as_ref().and_then(ProbeFacts::trouble),
            probe,
            latest,
            around: if may_probe {
                past.traffic.around(hop)
            } else {
                Around::default()
            },
            statements: past.statements.about(hop),
            preference: may_probe
                .then(|| pair::preference(chain, hop, everything()))
                .flatten(),
            mx,
        }
    }

    /// Whether the hop crossed a network others can listen on, without a line
    /// that says it was encrypted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.hop.is_exposed()
            && matches!(self.hop.tls.state, TlsState::Cleartext | TlsState::Unstated)
    }

    /// Open, and between servers: where port 25 and STARTTLS are the matter.
    #[must_use]
    pub fn is_open_relay_hop(&self) -> bool {
        self.is_open() && self.hop.leg != Leg::Submission
    }

    /// The observations that speak here.
    pub fn observations(&self) -> impl Iterator<Item = &'a DomainObservation> {
        let probes = [&self.probe, &self.latest].into_iter().flatten();
        let probes = probes.map(|probe| probe.observation);
        probes
            .chain(self.mx.iter().map(|found| found.observation))
            .chain(self.preference.iter().map(|found| found.observation))
    }

    /// What another message shows: that the receiving host records TLS, so that
    /// it takes TLS and its silence here speaks.
    #[must_use]
    pub fn witness(&self) -> Option<&'a str> {
        let mut evidence = self.hop.tls.evidence.iter();
        evidence
            .find(|e| e.kind == EvidenceKind::Witness && e.says != Says::Silent)
            .map(|e| e.text.as_str())
    }

    /// What is known of the receiving software's habit.
    pub fn habits(&self, says: Says) -> impl Iterator<Item = &'a str> {
        self.hop
            .tls
            .evidence
            .iter()
            .filter(move |e| e.kind == EvidenceKind::SoftwareHabit && e.says == says)
            .map(|e| e.text.as_str())
    }

    /// The client's address, where the line has it.
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.hop.received.from.as_ref()?.ip
    }

    /// Whether the client said EHLO, as far as the keyword tells: `ESMTP` and
    /// its kin stand for EHLO (RFC 5321, section 4.4), `SMTP` for HELO with
    /// software that makes the difference.
    #[must_use]
    pub fn said_ehlo(&self) -> Option<bool> {
        // qmail writes SMTP whatever was said (notqmail qmail-smtpd.c).
        let software = self.hop.software.as_ref();
        if software.is_some_and(|software| software.records_tls == RecordsTls::Never) {
            return None;
        }
        match self.with.as_str() {
            "" => None,
            "SMTP" | "SMTPS" => Some(false),
            word if word.starts_with("ESMTP") || word.starts_with("UTF8SMTP") => Some(true),
            _ => None,
        }
    }

    /// A break of this kind between the sending host's line and this one.
    #[must_use]
    pub fn gap(&self, kinds: &[GapKind]) -> Option<&'a str> {
        let mut gaps = self.gaps.iter();
        gaps.find(|gap| kinds.contains(&gap.kind))
            .map(|gap| gap.text.as_str())
    }

    /// Whether every endpoint that may have taken the hop gave TLS.
    #[must_use]
    pub fn receiver_sound(&self) -> bool {
        self.probe.as_ref().is_some_and(ProbeFacts::is_sound)
    }

    /// Whether the probe stands near the hop in time.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.probe.as_ref().is_some_and(ProbeFacts::is_near)
    }
}

impl<'a> ProbeFacts<'a> {
    fn read(
        found: &Match<'a>,
        from: ObservedFrom,
        at: Option<Timestamp>,
        family: Option<Family>,
    ) -> Self {
        let observation = found.observation;
        // A network that blocks or rewrites port 25 makes every receiver look
        // guilty: after a failed control only successes count.
        let control = observation.control.failure();
        let all = observation.hosts.iter().flat_map(|host| {
            host.endpoints.iter().map(move |endpoint| Seen {
                host,
                endpoint,
                reaction: match (react(endpoint), control) {
                    (reaction, Some(failure)) if reaction.lacks_tls() => {
                        Reaction::Unseen(Some(failure))
                    }
                    (reaction, _) => reaction,
                },
            })
        });
        let mine = |seen: &Seen<'_>| match (found.matched_by, found.host) {
            (MatchedBy::None, _) => false,
            (_, Some(host)) => std::ptr::eq(seen.host, host),
            (_, None) => true,
        };
        let (mut session, mut others): (Vec<_>, Vec<_>) = all.partition(mine);
        // The address the line names, else the family of the session: the
        // server's addresses of the other family cannot have taken it.
        let narrow = |seen: &Seen<'_>| match found.address {
            Some(address) => seen.endpoint.address == address,
            None => family.is_none_or(|family| family == Family::of(seen.endpoint.address)),
        };
        if session.iter().any(narrow) {
            let (near, far): (Vec<_>, Vec<_>) = session.into_iter().partition(narrow);
            session = near;
            others.extend(far);
        }
        Self {
            matched_by: found.matched_by,
            observation,
            host: found.host,
            from,
            age_days: at.map(|at| (observation.at.as_second() - at.as_second()) / 86_400),
            session,
            others,
        }
    }

    /// Every endpoint that was seen at all gave TLS, and at least one was seen.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.session.iter().any(|seen| seen.reaction.is_tls())
            && !self.session.iter().any(|seen| seen.reaction.lacks_tls())
    }

    /// Every endpoint that was seen at all lacks TLS, and at least one was.
    #[must_use]
    pub fn is_lacking(&self) -> bool {
        self.session.iter().any(|seen| seen.reaction.lacks_tls())
            && !self.session.iter().any(|seen| seen.reaction.is_tls())
    }

    /// What it gave a probe, where it is lacking: never "no TLS" of a server
    /// that speaks it, though not with this client.
    #[must_use]
    pub fn lack(&self) -> &'static str {
        let lacking = self.session.iter().filter(|seen| seen.reaction.lacks_tls());
        match lacking.filter_map(Seen::own_tls).next() {
            Some(OwnTls::Unspoken) => "only TLS that this client does not speak",
            Some(OwnTls::Unfinished) => "no handshake to its end, though it speaks TLS",
            None => "no TLS",
        }
    }

    /// Whether the line tells which host it was, so that the probe asked the
    /// very one.
    #[must_use]
    pub fn is_identified(&self) -> bool {
        matches!(self.matched_by, MatchedBy::Address | MatchedBy::HostName)
    }

    #[must_use]
    pub fn is_near(&self) -> bool {
        self.age_days.is_some_and(|days| days.abs() <= NEAR_DAYS)
    }

    /// The distance in time in words: "the probe came 18 days after the hop".
    #[must_use]
    pub fn distance(&self) -> String {
        match self.age_days {
            None => "the line has no date to hold the probe against".into(),
            Some(0) => "the probe came within a day of the hop".into(),
            Some(1) => "the probe came a day after the hop".into(),
            Some(-1) => "the probe was made a day before the hop".into(),
            Some(days @ 2..800) => format!("the probe came {days} days after the hop"),
            Some(days) if days > 0 => {
                format!("the probe came {} years after the hop", days / 365)
            }
            Some(days) => format!("the probe was made {} days before the hop", -days),
        }
    }

    /// Handshakes of the endpoints that may have taken the hop.
    pub fn handshakes(&self) -> impl Iterator<Item = &'a Handshake> {
        self.session.iter().filter_map(|seen| match seen.reaction {
            Reaction::Tls(handshake) => Some(handshake),
            _ => None,
        })
    }

    /// Whether policies were looked for at all.
    #[must_use]
    pub fn policies_asked(&self) -> bool {
        !matches!(self.observation.mta_sts.record, Attempt::Skipped(_))
    }

    /// The mode of the MTA-STS policy, where one was read.
    #[must_use]
    pub fn sts_mode(&self) -> Option<StsMode> {
        Some(self.observation.mta_sts.policy.done()?.mode)
    }

    /// Whether the receiver publishes a TLSA record a sender could use.
    #[must_use]
    pub fn has_usable_tlsa(&self) -> bool {
        let hosts = self.session.iter().map(|seen| seen.host);
        hosts
            .filter_map(|host| host.tlsa.done())
            .any(|tlsa| tlsa.records.iter().any(|record| record.usable))
    }

    /// What on this machine or in its network hindered the probe.
    fn trouble(&self) -> Option<String> {
        if let Attempt::Failed(failure) = &self.observation.control {
            return Some(failure.message.clone());
        }
        self.session
            .iter()
            .chain(&self.others)
            .find_map(|seen| match seen.reaction {
                Reaction::Unseen(Some(failure)) if failure.kind.fault() == Fault::Here => {
                    Some(failure.message.clone())
                }
                _ => None,
            })
    }
}

/// What came of STARTTLS at an endpoint.
#[must_use]
pub fn react(endpoint: &EndpointObservation) -> Reaction<'_> {
    match &endpoint.handshake {
        Attempt::Done(handshake) => return Reaction::Tls(handshake),
        Attempt::Failed(failure) => {
            return match failure.kind {
                Kind::HandshakeAlert
                | Kind::HandshakeNotTls
                | Kind::HandshakeIncompatible
                | Kind::ClosedByPeer
                | Kind::ValidationFailure => Reaction::HandshakeFailed(failure),
                _ => Reaction::Unseen(Some(failure)),
            };
        }
        Attempt::Skipped(_) => {}
    }
    match &endpoint.starttls {
        Attempt::Failed(failure) => match failure.kind {
            Kind::StarttlsTemporary => Reaction::RefusedForNow(failure),
            Kind::StarttlsRejected => Reaction::Refused(failure),
            Kind::StarttlsMasked => Reaction::Masked,
            Kind::StarttlsNotSupported => Reaction::NotOffered,
            _ => Reaction::Unseen(Some(failure)),
        },
        Attempt::Skipped(Because::NotOffered) => match endpoint.ehlo.done() {
            Some(reply) if reply.verb == Verb::Helo => Reaction::EhloRefused,
            _ => Reaction::NotOffered,
        },
        Attempt::Skipped(_) | Attempt::Done(_) => Reaction::Unseen(
            endpoint
                .connect
                .failure()
                .or_else(|| endpoint.greeting.failure())
                .or_else(|| endpoint.ehlo.failure()),
        ),
    }
}

/// The address family of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// The family in which the client came, by its address in the line.
#[must_use]
pub fn session_family(hop: &Hop) -> Option<Family> {
    hop.received.from.as_ref()?.ip.map(Family::of)
}

/// The breaks of a chain by the later of their two hops, so that a chain of
/// thousands is gone through once.
#[derive(Debug, Clone, Default)]
pub struct Gaps<'a>(HashMap<usize, Vec<&'a Gap>>);

impl<'a> Gaps<'a> {
    #[must_use]
    pub fn of(chain: &'a Chain) -> Self {
        let mut out: HashMap<usize, Vec<&'a Gap>> = HashMap::new();
        for gap in &chain.gaps {
            out.entry(gap.between.1).or_default().push(gap);
        }
        Self(out)
    }

    fn before(&self, hop: &Hop) -> Vec<&'a Gap> {
        self.0.get(&hop.number).cloned().unwrap_or_default()
    }
}

/// The line the sending host wrote, if the chain does not break before it.
fn client_line<'a>(chain: &'a Chain, hop: &Hop, gaps: &[&Gap]) -> Option<&'a Hop> {
    let broken = gaps
        .iter()
        .any(|gap| matches!(gap.kind, GapKind::NameMismatch | GapKind::MissingLink));
    if broken {
        return None;
    }
    // Hops are numbered from 1 in order: the line before is two below that.
    chain.hops.get(hop.number.checked_sub(2)?)
}

fn keyword(hop: &Hop) -> String {
    let with = hop.received.with.as_ref().map(|piece| piece.text.as_str());
    let word = with.unwrap_or_default().split(char::is_whitespace).next();
    word.unwrap_or_default()
        .chars()
        .take(32)
        .collect::<String>()
        .to_ascii_uppercase()
}

fn client_label(hop: &Hop) -> String {
    let Some(from) = &hop.received.from else {
        return "the sending host".into();
    };
    let known = |name: &&String| !name.is_empty() && !name.eq_ignore_ascii_case("unknown");
    from.rdns
        .as_ref()
        .filter(known)
        .or(from.helo.as_ref().filter(known))
        .map(|name| short(name))
        .or_else(|| from.ip.map(|ip| ip.to_string()))
        .or_else(|| from.token.as_ref().filter(known).map(|token| short(token)))
        .unwrap_or_else(|| "the sending host".into())
}

fn server_label(hop: &Hop) -> String {
    let by = hop.received.by.as_ref();
    by.and_then(|by| by.host.as_deref())
        .map(short)
        .or_else(|| by.and_then(|by| by.ip).map(|ip| ip.to_string()))
        .unwrap_or_else(|| "the receiving host".into())
}

/// A name as written, but no longer than a name can be.
fn short(name: &str) -> String {
    const MOST: usize = 100;
    let name = name.trim_end_matches('.');
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    let mut cut: String = name.chars().take(MOST).collect();
    cut.push('…');
    cut
}

/// Whom to ask about a host: the domain it belongs to.
#[must_use]
pub fn owner(label: &str) -> Option<String> {
    let name = HostName::parse(label).ok()?;
    if name.is_address() || name.is_single_label() {
        return None;
    }
    Some(
        registrable_domain(name.as_str())
            .unwrap_or(name.as_str())
            .to_owned(),
    )
}

/// A span of time in words, for a delay.
#[must_use]
pub fn span(delay: SignedDuration) -> String {
    let seconds = delay.as_secs();
    match seconds.unsigned_abs() {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A time as it is quoted to people who search logs.
#[must_use]
pub fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Whether the line stands above what anybody could have written.
#[must_use]
pub fn is_credible(hop: &Hop) -> bool {
    matches!(hop.trusted, Trust::Own | Trust::Vouched)
}
