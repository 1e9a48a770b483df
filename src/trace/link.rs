//! Delays, and the places where neighbouring lines do not fit.

use std::collections::HashMap;

use jiff::SignedDuration;

use crate::organisation::same_organisation;
use crate::trace::chain::{Gap, GapKind, Hop, Leg};
use crate::trace::field::Piece;
use crate::trace::leg::claimed_name;
use crate::trace::trust::names;
use crate::trace::witness::public_domain;

/// Clocks of mail hosts differ by seconds every day; below this a line older
/// than the one before it says nothing.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(120);

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
                && delay < -CLOCK_SLACK
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

fn break_between(older: &Hop, newer: &Hop) -> Option<Gap> {
    // Who sends a message on need not go by the name it was taken in under.
    let sent_on = newer
        .turn
        .as_ref()
        .is_some_and(|turn| turn.kind.begins_journey());
    if sent_on || matches!(newer.leg, Leg::Local | Leg::Internal) {
        return None;
    }
    let from = newer.received.from.as_ref()?;
    let by = older.received.by.as_ref()?;
    let host = by.host.as_deref()?;
    // The name of a host inside a network is not the one by which the world
    // knows it: nothing can be compared.
    if public_domain(host).is_none() && by.alias.is_none() {
        return None;
    }
    let candidates = [
        from.rdns.as_deref(),
        claimed_name(from),
        from.token.as_deref(),
    ];
    let fits = names(from, older)
        || candidates.into_iter().flatten().any(|name| {
            same_organisation(name, host)
                || by
                    .alias
                    .as_deref()
                    .is_some_and(|alias| same_organisation(name, alias))
        });
    if fits {
        return None;
    }
    let client = match (from.rdns.as_deref().or(claimed_name(from)), from.ip) {
        (Some(name), Some(ip)) => format!("{name} [{ip}]"),
        (Some(name), None) => name.to_owned(),
        (None, Some(ip)) => format!("[{ip}]"),
        (None, None) => return None,
    };
    let full = |name: &str| name.contains('.');
    let kind = if full(host) && candidates.into_iter().flatten().any(full) {
        GapKind::MissingLink
    } else {
        GapKind::NameMismatch
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

/// One host that took the message twice from the same client, for the same
/// recipient, within one journey. A line that stands there twice is no loop.
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
            if !copied && !readdressed {
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
