//! Where one journey ends and another begins: a mailing list, a forwarder or a
//! program that fetches mail takes a message in and sends it on, so that the
//! line it writes does not continue the one below. And hosts that hand a
//! message to themselves, to have it filtered.

use crate::organisation::{organisation, same_organisation};
use crate::trace::chain::{Hop, Leg};
use crate::trace::support::Signs;
use crate::trace::transmission::Family;
use crate::trace::witness::sender_name;

/// What happened to a message before a hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub kind: TurnKind,
    /// One clause in words. May quote hostile text: escape.
    pub text: String,
}

/// How a message was sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TurnKind {
    /// By a mailing list, to its members.
    List,
    /// By a forwarder, to another address.
    Forward,
    /// By a program that fetched it from a mailbox.
    Collection,
    /// By a host to itself, mostly for a content filter.
    Reinjection,
}

impl TurnKind {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Forward => "forward",
            Self::Collection => "collection",
            Self::Reinjection => "reinjection",
        }
    }

    /// Whether another journey begins here.
    #[must_use]
    pub fn begins_journey(self) -> bool {
        self != Self::Reinjection
    }
}

/// Marks the turns; hops are in travel order.
pub(super) fn mark(hops: &mut [Hop], signs: &Signs) {
    let mut turns: Vec<Option<Turn>> = vec![None; hops.len()];
    reinjections(hops, &mut turns);
    collections(hops, &mut turns);
    forward(hops, signs, &mut turns);
    list(hops, signs, &mut turns);
    let mut journey = 1;
    for (hop, turn) in hops.iter_mut().zip(turns) {
        if turn.as_ref().is_some_and(|turn| turn.kind.begins_journey()) {
            journey += 1;
        }
        hop.journey = journey;
        hop.turn = turn;
    }
}

fn put(turns: &mut [Option<Turn>], at: usize, kind: TurnKind, text: String) {
    // Nothing was sent on before the first hop.
    if at > 0
        && let Some(turn) = turns.get_mut(at)
    {
        *turn = Some(Turn { kind, text });
    }
}

fn by_host(hop: &Hop) -> Option<&str> {
    hop.received.by.as_ref()?.host.as_deref()
}

fn reinjections(hops: &[Hop], turns: &mut [Option<Turn>]) {
    for (at, pair) in hops.windows(2).enumerate() {
        let [older, newer] = pair else { continue };
        if newer.leg == Leg::Local
            && newer.received.from.is_some()
            && let (Some(host), Some(before)) = (by_host(newer), by_host(older))
            && host.eq_ignore_ascii_case(before)
        {
            let text = format!("{host} handed it to itself, as for a content filter");
            put(turns, at + 1, TurnKind::Reinjection, text);
        }
    }
}

fn collections(hops: &[Hop], turns: &mut [Option<Turn>]) {
    for (at, hop) in hops.iter().enumerate() {
        let fetched = hop
            .received
            .transmission
            .is_some_and(|transmission| transmission.family == Family::Retrieval);
        let program = hop.software.as_ref().map(|software| software.name.as_str());
        if fetched || matches!(program, Some("fetchmail" | "getmail")) {
            let from = hop.received.from.as_ref();
            let from = from.and_then(|from| from.rdns.as_deref().or(from.token.as_deref()));
            let text = format!(
                "{} fetched it from {}",
                program.unwrap_or("a program"),
                from.unwrap_or("a mailbox")
            );
            put(turns, at, TurnKind::Collection, text);
        }
    }
}

/// A forwarder is known by the address it rewrote; or by its seal, or a field,
/// together with another recipient behind it.
fn forward(hops: &[Hop], signs: &Signs, turns: &mut [Option<Turn>]) {
    if let Some(forwarder) = &signs.srs {
        let leaves = hops.iter().skip(1).position(|hop| {
            sender_name(hop).is_some_and(|name| same_organisation(&name, forwarder))
                && by_host(hop).is_some_and(|host| !same_organisation(host, forwarder))
        });
        if let Some(before) = leaves {
            let text = format!("{forwarder} sent it on under its own address");
            put(turns, before + 1, TurnKind::Forward, text);
            return;
        }
    }
    let recipient = |hop: &Hop| -> Option<(String, String)> {
        let address = hop.received.for_.as_ref()?.text.to_ascii_lowercase();
        let domain = address.rsplit_once('@')?.1.to_owned();
        Some((address, domain))
    };
    // What came for a list's address was sent on by the list.
    let of_list = |domain: &str| {
        let list = signs.list.as_ref();
        list.is_some_and(|(_, home)| same_organisation(home, domain))
    };
    let mut last: Option<(usize, (String, String))> = None;
    for (at, hop) in hops.iter().enumerate() {
        let Some(now) = recipient(hop) else { continue };
        if let Some((older, before)) = &last
            && !same_organisation(&before.1, &now.1)
            && !of_list(&before.1)
            && let Some(forwarder) = hops.get(*older).and_then(by_host)
            && (signs.forwarded
                || signs
                    .sealed
                    .iter()
                    .any(|domain| same_organisation(domain, forwarder)))
        {
            let leaves = (*older + 1..=at).find(|at| {
                let host = hops.get(*at).and_then(by_host);
                host.is_some_and(|host| !same_organisation(host, forwarder))
            });
            if let Some(leaves) = leaves {
                let (before, now) = (cut(&before.0), cut(&now.0));
                let text = format!("it came for {before} and was sent on to {now}");
                put(turns, leaves, TurnKind::Forward, text);
            }
        }
        last = Some((at, now));
    }
}

/// The list's own line, or else the first hop that leaves the list's host.
fn list(hops: &[Hop], signs: &Signs, turns: &mut [Option<Turn>]) {
    let name = signs.list.as_ref().map(|(name, _)| name.as_str());
    let text = || match name {
        Some(name) => format!("the mailing list {} sent it to its members", cut(name)),
        None => "a mailing list sent it to its members".to_owned(),
    };
    let mut told = false;
    for (at, hop) in hops.iter().enumerate() {
        let software = hop.software.as_ref().map(|software| software.name.as_str());
        if matches!(software, Some("majordomo" | "LISTSERV")) {
            put(turns, at, TurnKind::List, text());
            told = true;
        }
    }
    let Some(domain) = signs
        .list
        .as_ref()
        .map(|(_, domain)| domain)
        .filter(|_| !told)
    else {
        return;
    };
    let Some(home) = organisation(domain) else {
        return;
    };
    // A list lives on under its old address where its hosts have another name:
    // who took a message for the list is at home too.
    let took = hops.iter().rev().find(|hop| {
        let recipient = hop.received.for_.as_ref();
        recipient
            .and_then(|recipient| recipient.text.rsplit_once('@'))
            .is_some_and(|(_, at)| at.eq_ignore_ascii_case(domain))
    });
    let taken_at = took.and_then(by_host).and_then(organisation);
    let at_home = |hop: &Hop| {
        let host = by_host(hop).and_then(organisation);
        host.is_some() && (host.as_ref() == Some(&home) || host == taken_at)
    };
    let arrives = hops.iter().position(at_home);
    let handed = hops
        .iter()
        .rposition(|hop| at_home(hop) && hop.leg == Leg::Local);
    let leaves = hops.iter().rposition(at_home).map(|at| at + 1);
    // A list's host may be the mailbox's own: then nothing leaves it.
    let begins = handed
        .filter(|at| arrives.is_some_and(|arrives| arrives < *at))
        .or(leaves);
    if let Some(at) = begins.filter(|at| *at < hops.len()) {
        put(turns, at, TurnKind::List, text());
    }
}

fn cut(text: &str) -> String {
    text.chars().take(120).collect()
}
