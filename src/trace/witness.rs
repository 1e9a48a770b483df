//! What other messages show about a host: that it records TLS.
//!
//! Where the habit of a host's software is unknown, another message in which the
//! same host, or one of its pool, recorded TLS shows that it does record it; then
//! its silence speaks, one step louder than before. Only lines that are own or
//! vouched for in their own message bear witness, and a message never bears
//! witness for itself, nor does a copy of it in another folder.
//!
//! A host whose clients all have private addresses, under the names of many
//! domains, stands behind a proxy: TLS may have ended there, and its silence
//! proves nothing at all.
//!
//! Memory is bounded: so many hosts, so many senders of each; what found no
//! room is counted in [`Witnesses::left_out`].

mod recalled;
mod senders;
mod testimony;

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::answer::Standing;
use crate::organisation::{organisation, same_organisation};
use crate::trace::alike;
use crate::trace::chain::{Chain, Hop, Leg, NoTrace, Trust};
use crate::trace::conclude;
use crate::trace::evidence::{Evidence, EvidenceKind, Says, TlsState};
use crate::trace::identity;
use crate::trace::judge;
use crate::trace::leg::claimed_name;
use crate::trace::message;
use crate::trace::reading::{self, Reading, Trace};

pub use recalled::{Recalled, lasting_identity, rows};
pub use senders::Senders;
use testimony::sender_of;
pub use testimony::{Reached, Testimony, Times};
pub(super) use testimony::{public_domain, sender_name};

/// Hosts and pools kept.
const MOST_HOSTS: usize = 3_072;

/// Senders kept, over all hosts and over all pools.
const MOST_SENDERS_OF_ALL: usize = 8_192;

/// Messages of which it is known that they were heard already.
const MOST_MESSAGES: usize = 100_000;

/// Hosts that one message may tell of.
const MOST_OF_ONE: usize = 256;

/// How long before the first time witnessed a host is taken to have recorded
/// as it did then.
const NEAR: SignedDuration = SignedDuration::from_hours(24 * 180);

/// What messages show about hosts.
#[derive(Debug, Clone, Default)]
pub struct Witnesses {
    /// By what is theirs alone, so that copies count once.
    messages: HashSet<u64>,
    hosts: HashMap<String, Testimony>,
    pools: HashMap<String, Testimony>,
    /// Senders that still find room, of hosts and of pools.
    room: [Room; 2],
    left_out: usize,
}

/// Room for senders.
#[derive(Debug, Clone)]
struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(MOST_SENDERS_OF_ALL)
    }
}

impl Witnesses {
    /// Gathers what the lines of these messages show.
    #[must_use]
    pub fn gather<'a>(chains: impl IntoIterator<Item = &'a Chain>) -> Self {
        let mut gathered = Self::default();
        for chain in chains {
            gathered.add(chain);
        }
        gathered
    }

    /// Adds what one message shows; twice the same message counts once.
    pub fn add(&mut self, chain: &Chain) {
        self.hear(Told::of(&chain.hops));
    }

    /// Adds what one message told, where it was read for that alone.
    pub fn hear(&mut self, told: Told) {
        if self.messages.contains(&told.key) {
            return;
        }
        // Beyond that, copies count again: rather that than endless memory.
        if self.messages.len() < MOST_MESSAGES {
            self.messages.insert(told.key);
        }
        let [of_hosts, of_pools] = &mut self.room;
        self.left_out += merge(&mut self.hosts, &told.shown.hosts, &told.times, of_hosts)
            + merge(&mut self.pools, &told.shown.pools, &told.times, of_pools);
    }

    /// What others than this message show of a host, and whether by its own
    /// name or only by its pool's.
    #[must_use]
    pub fn of_host(&self, host: &str, not_of: &Chain) -> Option<(Testimony, bool)> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.of_host_but(&host, not_of, &mut || self.heard(not_of))
    }

    /// The same of a name in lower case; `mine` tells whether the message was
    /// heard.
    fn of_host_but(
        &self,
        host: &str,
        not_of: &Chain,
        mine: &mut dyn FnMut() -> bool,
    ) -> Option<(Testimony, bool)> {
        let mut rest = |found: &Testimony, own: &dyn Fn(&str) -> bool| {
            // Without one message there is no more of either.
            if found.with_tls == 0 && !found.is_behind_proxy() {
                return None;
            }
            let rest = if mine() {
                let mut one = Testimony::default();
                let mut times = Times::default();
                for (hop, _) in testifying(&not_of.hops).filter(|(_, name)| own(name)) {
                    one.hear(hop);
                    if hop.tls.state == TlsState::Encrypted {
                        hop.at().into_iter().for_each(|at| times.add(at));
                    }
                }
                found.without(&one, &times)
            } else {
                found.clone()
            };
            (rest.with_tls > 0 || rest.is_behind_proxy()).then_some(rest)
        };
        if let Some(found) = self.hosts.get(host)
            && let Some(rest) = rest(found, &|name| name == host)
        {
            return Some((rest, true));
        }
        let pool = pool_of(host)?;
        let found = self.pools.get(&pool)?;
        rest(found, &|name| {
            pool_of(name).as_deref() == Some(pool.as_str())
        })
        .map(|rest| (rest, false))
    }

    /// Every host by name, with what all messages show of it.
    #[must_use]
    pub fn hosts(&self) -> BTreeMap<&str, &Testimony> {
        let hosts = self.hosts.iter();
        hosts.map(|(name, told)| (name.as_str(), told)).collect()
    }

    /// How often a message told of a host that found no room.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether a message is, or may be, among those heard.
    fn heard(&self, chain: &Chain) -> bool {
        self.messages.contains(&identity_of(&chain.hops)) || self.is_full()
    }

    fn is_full(&self) -> bool {
        self.messages.len() >= MOST_MESSAGES
    }
}

/// Merges what one message told; gives how many hosts found no room.
fn merge(
    into: &mut HashMap<String, Testimony>,
    told: &[ShownOf],
    times: &[Option<Timestamp>],
    room: &mut Room,
) -> usize {
    let mut left_out = 0;
    for of in told {
        let has_room = into.len() < MOST_HOSTS;
        let known = match into.get_mut(&of.name) {
            Some(known) => known,
            None if has_room => into.entry(of.name.clone()).or_default(),
            None => {
                left_out += 1;
                continue;
            }
        };
        let before = known.senders.len();
        known.merge(&of.one, &of.times(times), room.0);
        room.0 -= known.senders.len() - before;
    }
    left_out
}

/// What one message tells of hosts and pools, to be heard by [`Witnesses`].
#[derive(Debug, Clone)]
pub struct Told {
    key: u64,
    shown: Arc<Shown>,
    /// When each line was written.
    times: Vec<Option<Timestamp>>,
}

/// What the lines of a message show of hosts and pools, whenever they were
/// written; by name.
#[derive(Debug)]
pub(super) struct Shown {
    hosts: Vec<ShownOf>,
    pools: Vec<ShownOf>,
}

/// What they show of one.
#[derive(Debug)]
struct ShownOf {
    name: String,
    one: Testimony,
    /// Which lines state TLS.
    lines: Vec<usize>,
}

impl ShownOf {
    /// The times of the lines with TLS.
    fn times(&self, all: &[Option<Timestamp>]) -> Times {
        let mut times = Times::default();
        for at in self.lines.iter().filter_map(|line| *all.get(*line)?) {
            times.add(at);
        }
        times
    }
}

impl Shown {
    fn of(hops: &[Hop]) -> Self {
        let mut hosts = BTreeMap::new();
        let mut pools = BTreeMap::new();
        for (hop, host) in testifying(hops) {
            if let Some(pool) = pool_of(&host) {
                Self::hear(&mut pools, pool, hop);
            }
            Self::hear(&mut hosts, host, hop);
        }
        Self {
            hosts: hosts.into_values().collect(),
            pools: pools.into_values().collect(),
        }
    }

    fn hear(shown: &mut BTreeMap<String, ShownOf>, name: String, hop: &Hop) {
        if shown.len() >= MOST_OF_ONE && !shown.contains_key(&name) {
            return;
        }
        let of = shown.entry(name.clone()).or_insert_with(|| ShownOf {
            name,
            one: Testimony::default(),
            lines: Vec::new(),
        });
        of.one.hear(hop);
        if hop.tls.state == TlsState::Encrypted {
            // Hops are numbered from 1.
            of.lines.push(hop.number - 1);
        }
    }
}

impl Told {
    /// What these lines tell.
    #[must_use]
    pub fn of(hops: &[Hop]) -> Self {
        Self {
            key: identity_of(hops),
            shown: Arc::new(Shown::of(hops)),
            times: hops.iter().map(Hop::at).collect(),
        }
    }

    /// Reads a message for what it tells and for nothing else.
    ///
    /// # Errors
    /// When the input is no message, or a message without trace.
    pub fn read(message: &[u8], reading: &Reading<'_>) -> Result<Self, NoTrace> {
        let header = message::read(message);
        let trace = Trace::of(message, &header, reading)?;
        let (key, times) = (trace.identity(), trace.times());
        let alike = trace.key();
        let shown = || {
            let mut hops = trace.hops(reading);
            reading::mark(&mut hops, reading.trust);
            Shown::of(&hops)
        };
        let shown = match alike {
            Some(alike) => alike::shown(&alike, reading.trust, shown),
            None => Arc::new(shown()),
        };
        Ok(Self { key, shown, times })
    }
}

impl Chain {
    /// Judges the chain again in the light of other messages: a silent hop whose
    /// writer recorded TLS elsewhere is cleartext, one step surer than before
    /// (at most likely, and no surer than its line is trusted). A hop into a
    /// host behind a proxy is unstated, whatever its writer's habit.
    ///
    /// ```
    /// use starttrace::trace::chain::Chain;
    /// use starttrace::trace::evidence::TlsState;
    /// use starttrace::trace::witness::Witnesses;
    ///
    /// let silent = b"Received: from mx.sender.example (mx.sender.example [192.0.2.1])\r\n\
    ///   by in.filter.example with ESMTP; Mon, 02 Feb 2026 10:00:00 +0000\r\n\
    ///   Message-ID: <1@sender.example>\r\n\r\n";
    /// let speaking = b"Received: from mx.other.example (mx.other.example [192.0.2.9])\r\n\
    ///   by in.filter.example with ESMTPS; Mon, 02 Feb 2026 11:00:00 +0000\r\n\
    ///   Message-ID: <2@other.example>\r\n\r\n";
    /// let mut chain = Chain::parse(silent)?;
    /// assert_eq!(chain.hops[0].tls.state, TlsState::Unstated);
    /// let other = Chain::parse(speaking)?;
    /// chain.heed(&Witnesses::gather([&chain, &other]));
    /// assert_eq!(chain.hops[0].tls.state, TlsState::Cleartext);
    /// # Ok::<(), starttrace::trace::chain::NoTrace>(())
    /// ```
    pub fn heed(&mut self, witnesses: &Witnesses) {
        // One host may have written thousands of lines of one message.
        let mut known: HashMap<String, Option<(Testimony, bool)>> = HashMap::new();
        let mut mine = None;
        for hop in &self.hops {
            if (is_silent(hop) || is_from_afar(hop))
                && known.len() < MOST_OF_ONE
                && let Some(host) = host_of(hop)
                && !known.contains_key(&host)
            {
                let mut mine = || *mine.get_or_insert_with(|| witnesses.heard(self));
                let found = witnesses.of_host_but(&host, self, &mut mine);
                known.insert(host, found);
            }
        }
        if known.values().all(Option::is_none) {
            return;
        }
        for hop in &mut self.hops {
            let Some(host) = host_of(hop) else { continue };
            let Some(Some((testimony, exact))) = known.get(&host) else {
                continue;
            };
            let told = hop
                .tls
                .evidence
                .iter()
                .any(|piece| piece.kind == EvidenceKind::Witness);
            // RFC 3848 has no form with S for SMTP: what a host shows by its keywords says
            // nothing of a client that greeted with HELO.
            if told || (is_helo(hop) && testimony.remarked == 0) {
                continue;
            }
            if testimony.is_behind_proxy() {
                if is_from_afar(hop) {
                    stand_behind_proxy(hop, &host, testimony);
                }
            } else if is_silent(hop) && (!is_helo(hop) || testimony.remarked > 0) {
                // RFC 3848 has no form with S for SMTP: what a host shows by its
                // keywords says nothing of a client that greeted with HELO.
                bear_witness(hop, &host, testimony, *exact);
            }
        }
        judge::judge(self);
    }
}

fn bear_witness(hop: &mut Hop, host: &str, testimony: &Testimony, exact: bool) {
    let mut text = testimony_text(host, testimony, exact);
    let at = hop.at();
    if !is_near(at, &testimony.times) {
        text.push_str("; this line is older than that");
        hop.tls.evidence.push(Evidence {
            kind: EvidenceKind::Witness,
            says: Says::Silent,
            text,
            span: None,
        });
        return;
    }
    if let Some((reached, name)) =
        sender_of(hop).and_then(|name| Some((testimony.senders.get(&name)?, name)))
    {
        text.push_str(&sender_text(&name, reached));
    }
    let raised = match (hop.tls.state, hop.tls.standing) {
        (TlsState::Unstated, _) => Standing::Possible,
        _ => Standing::Likely,
    };
    hop.tls.state = TlsState::Cleartext;
    hop.tls.standing = Some(raised.max(conclude::most(hop.trusted)));
    hop.tls.evidence.push(Evidence {
        kind: EvidenceKind::Witness,
        says: Says::NoTls,
        text,
        span: None,
    });
}

fn stand_behind_proxy(hop: &mut Hop, host: &str, testimony: &Testimony) {
    hop.leg = Leg::Unknown;
    hop.tls.state = TlsState::Unstated;
    hop.tls.standing = None;
    hop.tls.evidence.push(Evidence {
        kind: EvidenceKind::Witness,
        says: Says::Silent,
        text: format!(
            "{host} saw only private client addresses in {} other messages: a proxy stands \
             before it, TLS may have ended there, and its silence proves nothing",
            testimony.private_clients
        ),
        span: None,
    });
}

/// Whether a line is not much older than what was witnessed: a host that
/// records TLS goes on to do so, and began some day. A time not known is no
/// objection.
fn is_near(at: Option<Timestamp>, times: &Times) -> bool {
    match (at, times.first()) {
        (Some(at), Some(first)) => first.duration_since(at) <= NEAR,
        _ => true,
    }
}

fn testimony_text(host: &str, testimony: &Testimony, exact: bool) -> String {
    let who = if exact {
        host.to_owned()
    } else {
        format!("the pool of {host}")
    };
    let messages = if testimony.messages == 1 {
        "message"
    } else {
        "messages"
    };
    let when = match (testimony.times.first(), testimony.times.last()) {
        (Some(first), Some(last)) => {
            let (first, last) = (day(first), day(last));
            if first == last {
                format!(" on {first}")
            } else {
                format!(" between {first} and {last}")
            }
        }
        _ => String::new(),
    };
    format!(
        "{who} recorded TLS in {} of {} other {messages}{when}",
        testimony.with_tls, testimony.messages
    )
}

/// What the others show of the same sender.
fn sender_text(name: &str, reached: &Reached) -> String {
    let versions: Vec<&str> = reached.versions.iter().map(|v| v.name()).collect();
    match (reached.with_tls, reached.without) {
        (0, 0) => String::new(),
        (0, silent) => format!(", never from {name} ({silent} more without)"),
        (tls, silent) => {
            let with = if versions.is_empty() {
                String::new()
            } else {
                format!(" ({})", versions.join(", "))
            };
            format!(", {tls} of {} from {name}{with}", tls + silent)
        }
    }
}

fn day(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

/// What is a message's own: its trace, whatever the line ends and folds of the
/// file it stands in. A copy delivered to somebody else has another.
fn identity_of(hops: &[Hop]) -> u64 {
    identity::of_lines(hops.iter().map(|hop| identity::of_line(&hop.raw)))
}

/// Lines that were written on arrival over a network, by a host with a full
/// name, and that can be believed.
fn testifying(hops: &[Hop]) -> impl Iterator<Item = (&Hop, String)> {
    hops.iter().filter_map(|hop| {
        let network = hop.leg != Leg::Local && hop.tls.state != TlsState::NotApplicable;
        let believed = matches!(hop.trusted, Trust::Own | Trust::Vouched);
        (network && believed)
            .then(|| host_of(hop))
            .flatten()
            .map(|host| (hop, host))
    })
}

fn host_of(hop: &Hop) -> Option<String> {
    let host = hop.received.by.as_ref()?.host.as_deref()?;
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    organisation(&host).is_some().then_some(host)
}

/// A hop inside a network whose client goes by the name of somebody else.
fn is_from_afar(hop: &Hop) -> bool {
    let by = hop.received.by.as_ref().and_then(|by| by.host.as_deref());
    let from = hop.received.from.as_ref();
    hop.leg == Leg::Internal
        && hop.tls.state != TlsState::Encrypted
        && matches!(hop.trusted, Trust::Own | Trust::Vouched)
        && by.is_some_and(|by| {
            from.and_then(claimed_name)
                .is_some_and(|name| public_domain(name).is_some() && !same_organisation(name, by))
        })
}

/// A hop whose silence a witness can make speak.
fn is_silent(hop: &Hop) -> bool {
    hop.is_exposed()
        && matches!(
            (hop.tls.state, hop.tls.standing),
            (TlsState::Unstated, _) | (TlsState::Cleartext, Some(Standing::Possible))
        )
        && matches!(hop.trusted, Trust::Own | Trust::Vouched)
}

/// The client greeted with HELO.
fn is_helo(hop: &Hop) -> bool {
    hop.received.keyword().as_deref() == Some("SMTP")
}

/// TLS shows in more than the keyword.
fn is_remarked(hop: &Hop) -> bool {
    hop.tls.evidence.iter().any(|piece| {
        piece.says == Says::Tls
            && matches!(piece.kind, EvidenceKind::Comment | EvidenceKind::TlsClause)
    })
}

/// The pool of a host: its name with every number open, within its
/// organisation. None for a name without a number.
fn pool_of(host: &str) -> Option<String> {
    let organisation = organisation(host)?;
    if !host.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut pattern = String::with_capacity(host.len() + organisation.len() + 1);
    let mut digits = false;
    for c in host.chars() {
        if c.is_ascii_digit() {
            if !digits {
                pattern.push('#');
            }
            digits = true;
        } else {
            digits = false;
            pattern.push(c);
        }
    }
    Some(format!("{organisation} {pattern}"))
}
