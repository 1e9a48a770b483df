//! The facts about one hop, joined: what its line and the line before it say,
//! what other messages witness, and what a probe of the receiver saw. Rules
//! read these; nothing is weighed here.

mod seen;

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::explain::pair::{self, Match};
use crate::explain::sender::{self, Sender};
use crate::explain::traffic::Around;
use crate::explain::{ObservedFrom, Past};
use crate::name::{HostName, registrable_domain};
use crate::observed::domain::DomainObservation;
use crate::observed::statement::Statement;
use crate::trace::chain::{Chain, Gap, GapKind, Hop, Leg, RecordsTls, Trust};
use crate::trace::evidence::{EvidenceKind, Says, TlsState};

pub use seen::{Family, OwnTls, ProbeFacts, Reaction, Seen, react};

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
