//! Statements of the time: which of them speak about a hop, and which cause
//! each proves.
//!
//! A log line that names the receiver's queue id is of this very message.
//! Without an id both hosts must be the hop's, and the time its time. A report
//! (RFC 8460) counts all sessions of a day: what it says of the day holds for
//! the hop where sender and receiver are the hop's.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::SignedDuration;

use crate::answer::Standing;
use crate::finding::Cause;
use crate::name::HostName;
use crate::observed::statement::{Said, StatedBy, Statement, WhyNot};
use crate::organisation::{organisation, same_organisation};
use crate::trace::chain::Hop;
use crate::trace::evidence::TlsState;

/// Clocks of two hosts, and the time a message takes within one.
const SLACK: SignedDuration = SignedDuration::from_secs(120);
/// Queue ids are used again, after days at the earliest.
const SAME_ID: SignedDuration = SignedDuration::from_hours(24);
/// An attempt that failed comes before the one that delivered: as long as a
/// message may wait in a queue (RFC 5321, section 4.5.4.1: four to five days).
const MOST_WAIT: SignedDuration = SignedDuration::from_hours(24 * 5);

/// Statements that one hop may hear.
const MOST: usize = 32;

/// Statements that are looked at for one hop: what is said of one receiver can
/// be much, and a mailbox has many hops.
const MOST_LOOKED_AT: usize = 4_096;

/// What parties of hops stated, found again by the id or the receiver.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statements {
    all: Vec<Statement>,
    /// By the queue id under which the receiver took the message.
    ids: HashMap<String, Vec<usize>>,
    /// Those without an id by the receiver: its organisation, else its name, and
    /// its address.
    servers: HashMap<String, Vec<usize>>,
    /// Those with an id, likewise, for hops without one.
    named: HashMap<String, Vec<usize>>,
}

impl Statements {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether nobody stated anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The statements that speak about a hop.
    #[must_use]
    pub fn about(&self, hop: &Hop) -> Vec<&Statement> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let id = hop.received.id.as_ref().map(|piece| piece.text.as_str());
        let by = hop.received.by.as_ref();
        let name = by.and_then(|by| by.host.as_deref()).map(party);
        let ip = by.and_then(|by| by.ip).map(|ip| ip.to_string());
        let of = |map: &'_ HashMap<String, Vec<usize>>, key: Option<&str>| {
            let found = key.and_then(|key| map.get(key));
            found.map(Vec::as_slice).unwrap_or_default().to_vec()
        };
        let mut numbers = of(&self.ids, id);
        let maps = [Some(&self.servers), id.is_none().then_some(&self.named)];
        for map in maps.into_iter().flatten() {
            numbers.extend(of(map, name.as_deref()));
            numbers.extend(of(map, ip.as_deref()));
        }
        numbers.sort_unstable();
        numbers.dedup();
        let statements = numbers.iter().filter_map(|n| self.all.get(*n));
        statements
            .filter(|statement| speaks(hop, statement))
            .take(MOST)
            .collect()
    }
}

impl Extend<Statement> for Statements {
    fn extend<T: IntoIterator<Item = Statement>>(&mut self, statements: T) {
        for statement in statements {
            let n = self.all.len();
            let note = |map: &mut HashMap<String, Vec<usize>>, key: String| {
                let known = map.entry(key).or_default();
                if known.len() < MOST_LOOKED_AT {
                    known.push(n);
                }
            };
            if let Some(id) = &statement.id {
                note(&mut self.ids, id.clone());
            }
            let servers = match &statement.id {
                Some(_) => &mut self.named,
                None => &mut self.servers,
            };
            if let Some(server) = &statement.server {
                note(servers, party(server));
            }
            if let Some(ip) = statement.server_ip {
                note(servers, ip.to_string());
            }
            self.all.push(statement);
        }
    }
}

impl FromIterator<Statement> for Statements {
    fn from_iter<T: IntoIterator<Item = Statement>>(statements: T) -> Self {
        let mut out = Self::default();
        out.extend(statements);
        out
    }
}

/// What hosts that may stand for one another have in common.
fn party(name: &str) -> String {
    organisation(name).unwrap_or_else(|| name.trim_end_matches('.').to_ascii_lowercase())
}

fn speaks(hop: &Hop, statement: &Statement) -> bool {
    let Some(at) = hop.received.date.as_ref().map(|date| date.at.timestamp()) else {
        return false;
    };
    // Begun no more than so much after the hop, ended no more than so much
    // before it.
    let within = |after: SignedDuration, before: SignedDuration| {
        statement.from.duration_since(at) <= after && at.duration_since(statement.until) <= before
    };
    // The cheapest first: there may be many.
    if !within(SAME_ID, MOST_WAIT + SLACK) {
        return false;
    }
    let by = hop.received.by.as_ref();
    let server = is_host(
        by.and_then(|by| by.host.as_deref()),
        by.and_then(|by| by.ip),
        statement.server.as_deref(),
        statement.server_ip,
    );
    let id = hop.received.id.as_ref().map(|piece| piece.text.as_str());
    let waited = hop.delay.unwrap_or_default().min(MOST_WAIT).max(SLACK) + SLACK;
    if let (Some(mine), Some(its)) = (id, statement.id.as_deref()) {
        // That a session failed says nothing of a message that was not yet on
        // its way.
        let longest = if is_of_another_session(statement) {
            waited
        } else {
            SAME_ID.max(waited)
        };
        return mine == its && server != Some(false) && within(SAME_ID, longest);
    }
    let from = hop.received.from.as_ref();
    let name = from.and_then(|from| from.rdns.as_deref().or(from.helo.as_deref()));
    let client = is_host(
        name,
        from.and_then(|from| from.ip),
        statement.client.as_deref(),
        statement.client_ip,
    );
    if client != Some(true) {
        return false;
    }
    match statement.by {
        // A report need not name the host: its policy covers the domain's.
        StatedBy::SendersReport => {
            server != Some(false) && within(SignedDuration::ZERO, SignedDuration::ZERO)
        }
        StatedBy::SendersLog | StatedBy::ReceiversLog => {
            let before = matches!(statement.says, Said::NoTls(_));
            let earlier = if before { waited } else { SLACK };
            server == Some(true)
                && at.duration_since(statement.from) <= earlier
                && statement.from.duration_since(at) <= SLACK
        }
    }
}

/// A receiver's log does not tell of which message a session was that failed
/// before any message was named.
fn is_of_another_session(statement: &Statement) -> bool {
    statement.by == StatedBy::ReceiversLog && statement.says == Said::NoTls(WhyNot::HandshakeFailed)
}

/// What the parties' words make of a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Nobody said whether it was encrypted.
    Nothing,
    Encrypted,
    Cleartext,
    /// One says so, another the opposite: neither proves anything.
    Contradiction,
}

/// What is said of the hop as such, by whoever said it.
#[must_use]
pub fn heard(statements: &[&Statement]) -> Heard {
    let any = |encrypted: bool| {
        statements.iter().any(|statement| match statement.says {
            Said::Encrypted { .. } => encrypted,
            Said::Cleartext => !encrypted,
            Said::NoTls(_) => false,
        })
    };
    match (any(true), any(false)) {
        (true, true) => Heard::Contradiction,
        (true, false) => Heard::Encrypted,
        (false, true) => Heard::Cleartext,
        (false, false) => Heard::Nothing,
    }
}

/// Whether two ways to name a host mean one; none where that cannot be told.
fn is_host(
    name: Option<&str>,
    ip: Option<IpAddr>,
    other: Option<&str>,
    other_ip: Option<IpAddr>,
) -> Option<bool> {
    if let (Some(ip), Some(other)) = (ip, other_ip)
        && ip == other
    {
        return Some(true);
    }
    let (name, other) = (name?, other?);
    let equal = name
        .trim_end_matches('.')
        .eq_ignore_ascii_case(other.trim_end_matches('.'));
    // A report names an organisation, a pool's log any of its hosts.
    let known = HostName::parse(name).is_ok() && HostName::parse(other).is_ok();
    (equal || known).then(|| equal || same_organisation(name, other))
}

/// The causes that statements speak for, each with its words and how far it
/// goes. Proof needs a party's word about this very session, and that the hop
/// went in cleartext after all: by the line, or by a party's word too.
#[must_use]
pub fn causes(hop: &Hop, statements: &[&Statement]) -> Vec<(Cause, Standing, String)> {
    let of = |statement: &&Statement, cause, standing| (cause, standing, words(statement));
    let clear = match heard(statements) {
        Heard::Encrypted => {
            let secured = |s: &&&Statement| matches!(s.says, Said::Encrypted { .. });
            return statements
                .iter()
                .filter(secured)
                .map(|s| of(s, Cause::TlsNotRecorded, Standing::Proved))
                .collect();
        }
        Heard::Contradiction => false,
        Heard::Cleartext => true,
        Heard::Nothing => hop.tls.state == TlsState::Cleartext,
    };
    let mut reported = statements
        .iter()
        .filter(|s| s.by == StatedBy::SendersReport)
        .filter_map(|s| cause(s));
    let first = reported.next();
    let alone = first.is_some() && reported.all(|other| Some(other) == first);
    statements
        .iter()
        .filter_map(|statement| {
            let cause = cause(statement)?;
            let proved = clear
                && match statement.by {
                    StatedBy::SendersLog => true,
                    StatedBy::ReceiversLog => !is_of_another_session(statement),
                    // It counts sessions of a day: of this host, and all that
                    // failed in one way.
                    StatedBy::SendersReport => alone && names(hop, statement),
                };
            let standing = match (proved, clear) {
                (true, _) => Standing::Proved,
                (false, true) => Standing::Likely,
                (false, false) => Standing::Possible,
            };
            Some(of(statement, cause, standing))
        })
        .collect()
}

/// Whether the statement names the very host that wrote the line.
fn names(hop: &Hop, statement: &Statement) -> bool {
    let Some(by) = &hop.received.by else {
        return false;
    };
    let name = by.host.as_deref().zip(statement.server.as_deref());
    name.is_some_and(|(mine, its)| mine.trim_end_matches('.').eq_ignore_ascii_case(its))
        || by.ip.is_some() && by.ip == statement.server_ip
}

/// The cause that a statement speaks for, where it speaks for one.
fn cause(statement: &Statement) -> Option<Cause> {
    let Said::NoTls(why) = &statement.says else {
        return None;
    };
    Some(match why {
        WhyNot::NotOffered => Cause::StarttlsNotOffered,
        WhyNot::RefusedForNow => Cause::StarttlsTemporarilyRefused,
        WhyNot::Refused => Cause::StarttlsRefused,
        // It failed, and the sender delivered in cleartext all the same.
        WhyNot::HandshakeFailed => match statement.by {
            StatedBy::SendersLog | StatedBy::ReceiversLog => Cause::SenderFellBack,
            StatedBy::SendersReport => Cause::OutageThen,
        },
        WhyNot::CertificateRejected => Cause::CertificateInvalidForPolicy,
        WhyNot::Exempted => Cause::SenderExemptsDomain,
        WhyNot::NotTried => Cause::SenderDidNotTry,
        WhyNot::EngineUnavailable => Cause::SenderShortOfResources,
        WhyNot::RateLimited => Cause::ReceiverOverloaded,
    })
}

/// Who said it, where, and what, in one clause; the quotation stands beside it.
#[must_use]
pub fn words(statement: &Statement) -> String {
    let what = match &statement.says {
        Said::Encrypted { version, .. } => version.map_or_else(
            || "encrypted".to_owned(),
            |version| format!("encrypted, {}", version.name()),
        ),
        Said::Cleartext => "cleartext".to_owned(),
        Said::NoTls(why) => why.words().to_owned(),
    };
    format!("{} ({}): {what}", statement.by.name(), statement.place)
}
