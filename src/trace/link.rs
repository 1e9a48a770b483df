//! Delays, and the places where neighbouring lines do not fit.
//!
//! A break that is none costs more trust than one that goes unsaid: what cannot
//! be compared (a name inside a network, no name at all) is no break, nor is
//! what has another name for a reason: a list that sends on, a writer who
//! proved who he is, a provider under its second domain.

use std::collections::{HashMap, HashSet};

use jiff::SignedDuration;

use crate::organisation::{same_brand, same_organisation};
use crate::trace::chain::{Gap, GapKind, Hop, Leg};
use crate::trace::field::Piece;
use crate::trace::leg::claimed_name;
use crate::trace::network::{Reach, is_local_name, reach};
use crate::trace::trust::names;
use crate::trace::witness::public_domain;

/// Clocks of mail hosts differ by minutes every day, in large networks too;
/// below this a line older than the one before it says nothing.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(10);

/// Clocks within one organisation: whose they are is no question, and below
/// this, which leaves a wrong time zone, they say nothing of the chain.
const CLOCK_SLACK_INSIDE: SignedDuration = SignedDuration::from_mins(50);

/// Fills in the delay of every hop.
pub(super) fn delays(hops: &mut [Hop]) {
    let mut before = None;
    for hop in hops {
        let at = hop.received.date.as_ref().map(|date| date.at.timestamp());
        hop.delay = at
            .zip(before)
            .map(|(at, before): (jiff::Timestamp, jiff::Timestamp)| at.duration_since(before));
        before = at;
    }
}

/// Finds the breaks in a chain; hops are in travel order.
pub(super) fn gaps(hops: &[Hop]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for pair in hops.windows(2) {
        if let [older, newer] = pair {
            gaps.extend(break_between(older, newer));
            if let Some(delay) = newer.delay
                && delay < -clock_slack(older, newer)
            {
                gaps.push(Gap {
                    between: (older.number, newer.number),
                    kind: GapKind::TimeReversed,
                    text: reversed(older, newer, delay),
                });
            }
        }
    }
    gaps.extend(loops(hops));
    gaps
}

/// Whether a hop is dated before the one below it by more than clocks differ.
pub(super) fn goes_back(hop: &Hop) -> bool {
    hop.delay.is_some_and(|delay| delay < -CLOCK_SLACK)
}

/// How far the times are apart, and what most likely lies behind it.
fn reversed(older: &Hop, newer: &Hop, delay: SignedDuration) -> String {
    let seconds = delay.unsigned_abs().as_secs();
    let (hours, rest) = ((seconds + 900) / 1800, (seconds + 900) % 1800);
    let mut text = format!(
        "hop {} is dated {seconds} seconds before hop {}",
        newer.number, older.number
    );
    // Zones differ by whole and half hours, up to 26 of them; mail takes a
    // few minutes besides.
    if (1..=52).contains(&hours) && (600..=1200).contains(&rest) {
        text.push_str(", as if one of them had a wrong time zone");
    } else {
        text.push_str(", so that one of their clocks is wrong");
    }
    text
}

fn clock_slack(older: &Hop, newer: &Hop) -> SignedDuration {
    let host = |hop: &Hop| hop.received.by.as_ref().and_then(|by| by.host.clone());
    let inside = matches!(newer.leg, Leg::Local | Leg::Internal)
        || host(older)
            .zip(host(newer))
            .is_some_and(|(one, other)| same_organisation(&one, &other));
    if inside {
        CLOCK_SLACK_INSIDE
    } else {
        CLOCK_SLACK
    }
}

fn break_between(older: &Hop, newer: &Hop) -> Option<Gap> {
    // Who sends a message on need not go by the name it was taken in under;
    // a list's own line names the list, the next line its outgoing host.
    let begins = |hop: &Hop| {
        hop.turn
            .as_ref()
            .is_some_and(|turn| turn.kind.begins_journey())
    };
    let sent_on = begins(newer) || (begins(older) && older.leg == Leg::Local);
    // Who authenticated himself is known, whatever his host is called.
    if sent_on || matches!(newer.leg, Leg::Local | Leg::Internal | Leg::Submission) {
        return None;
    }
    let from = newer.received.from.as_ref()?;
    let by = older.received.by.as_ref()?;
    let host = by.host.as_deref()?;
    if names(from, older) {
        return None;
    }
    // The name of a host inside a network is not the one by which the world
    // knows it: nothing can be compared.
    let known = |name: &str| public_domain(name).is_some();
    if !known(host) && !by.alias.as_deref().is_some_and(known) {
        return None;
    }
    let candidates = [
        from.rdns.as_deref(),
        claimed_name(from),
        from.token.as_deref(),
    ];
    let candidates = || candidates.into_iter().flatten();
    let fits = |name: &str| {
        [Some(host), by.alias.as_deref()]
            .into_iter()
            .flatten()
            .any(|writer| same_organisation(name, writer) || same_brand(name, writer))
    };
    if candidates().any(fits) {
        return None;
    }
    let kind = if candidates().any(known) {
        GapKind::MissingLink
    } else {
        // A mail host that the world knows goes by its name: one that has an
        // address of the world and calls itself `User` is another.
        let claimed = claimed_name(from)?;
        let outside = from.ip.is_some_and(|ip| reach(ip) == Reach::Public);
        let named = from.rdns.is_some() || claimed.contains('.') || is_local_name(claimed);
        if named || !outside {
            return None;
        }
        GapKind::NameMismatch
    };
    let client = match (from.rdns.as_deref().or(claimed_name(from)), from.ip) {
        (Some(name), Some(ip)) => format!("{name} [{ip}]"),
        (Some(name), None) => name.to_owned(),
        (None, Some(ip)) => format!("[{ip}]"),
        (None, None) => return None,
    };
    Some(Gap {
        between: (older.number, newer.number),
        kind,
        text: format!(
            "hop {} came from {client}, but hop {} was written by {host}",
            newer.number, older.number
        ),
    })
}

/// Whether one host took the message more than once from the same client over
/// the Internet, which may be a loop.
pub(super) fn meets_again(hops: &[Hop]) -> bool {
    let over_the_internet = hops.iter().filter(|hop| hop.leg == Leg::Internet);
    let mut seen = HashSet::new();
    let mut ends = over_the_internet.map(|hop| {
        let host = hop.received.by.as_ref().and_then(|by| by.host.as_deref());
        let ip = hop.received.from.as_ref().and_then(|from| from.ip);
        (host.map(str::to_ascii_lowercase), ip)
    });
    ends.any(|ends| !seen.insert(ends))
}

/// One host that took the message twice from the same client, for the same
/// recipient, within one journey. A line that stands there twice is no loop;
/// nor is one right above the other that gives the client another name: the
/// host handed the message to itself and kept the address of its first client.
fn loops(hops: &[Hop]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let over_the_internet = || hops.iter().filter(|hop| hop.leg == Leg::Internet);
    if over_the_internet().nth(1).is_none() {
        return gaps;
    }
    let mut seen: HashMap<(String, std::net::IpAddr, usize), &Hop> = HashMap::new();
    for hop in over_the_internet() {
        let host = hop.received.by.as_ref().and_then(|by| by.host.as_deref());
        let ip = hop.received.from.as_ref().and_then(|from| from.ip);
        if let (Some(host), Some(ip)) = (host, ip) {
            let key = (host.to_ascii_lowercase(), ip, hop.journey);
            let Some(first) = seen.get(&key) else {
                seen.insert(key, hop);
                continue;
            };
            let text = |piece: &Option<Piece>| piece.as_ref().map(|piece| piece.text.clone());
            let (one, other) = (&first.received, &hop.received);
            let copied = one.id.is_some() && text(&one.id) == text(&other.id);
            let readdressed =
                one.for_.is_some() && other.for_.is_some() && text(&one.for_) != text(&other.for_);
            let client = |hop: &Hop| {
                let from = hop.received.from.as_ref();
                from.map(|from| (from.token.clone(), from.rdns.clone()))
            };
            let kept = first.number + 1 == hop.number && client(first) != client(hop);
            if !copied && !readdressed && !kept {
                gaps.push(Gap {
                    between: (first.number, hop.number),
                    kind: GapKind::Loop,
                    text: format!("{host} took the message from [{ip}] twice"),
                });
            }
        }
    }
    gaps
}
