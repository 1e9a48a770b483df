//! The `from` clause: who connected, by what the client said and what the writer saw.

use std::ops::Range;

use super::{Clause, Opened, Tokens, host_of, piece};
use crate::trace::field::{From, Said, Token};
use crate::trace::message::Unfolded;
use crate::trace::peer::{self, Peer, address};
use crate::trace::transmission::{Family, Transmission};

/// What the comments of the `from` clause say of the client, each with its index
/// among the tokens.
pub(super) fn peers_of(all: &Tokens<'_>, opened: &[Opened]) -> Vec<(usize, Peer)> {
    let Some(from) = from_of(opened) else {
        return Vec::new();
    };
    (from.at..from.end)
        .filter_map(|at| match all.get(at)? {
            (Token::Comment(inner), _) => Some((at, Peer::read(inner)?)),
            _ => None,
        })
        .collect()
}

fn from_of(opened: &[Opened]) -> Option<&Opened> {
    opened.iter().find(|clause| clause.clause == Clause::From)
}

/// Reads the clause; `peers` are what its comments say.
pub(super) fn read_from(
    all: &Tokens<'_>,
    opened: &[Opened],
    peers: &[(usize, Peer)],
    value: &Unfolded,
    said: &mut Said,
) {
    let Some(clause) = from_of(opened) else {
        return;
    };
    let inside = all.get(clause.at + 1..clause.end).unwrap_or_default();
    let mut from = From::default();
    let mut span: Option<Range<usize>> = None;
    let mut next = peers.iter().map(|(at, _)| *at).peekable();
    let mut glued = false;
    let mut pickup = false;
    for (at, (token, range)) in inside.iter().enumerate() {
        match token {
            Token::Word(word) if at == 0 => {
                from.token = Some(host_of(word));
                from.ip = address(word);
                span = Some(range.clone());
                glued = matches!(inside.get(1), Some((Token::Comment(_), next)) if next.start == range.end);
            }
            Token::Word(word) => {
                if let Some(ip) = address(word) {
                    from.ip = Some(ip);
                    span = Some(span.map_or(range.clone(), |s| s.start..range.end));
                } else {
                    pickup |= word.eq_ignore_ascii_case("pickup");
                    said.other.push(piece(value, range.clone(), word));
                }
            }
            Token::Comment(_) => {
                if next.next_if_eq(&(clause.at + 1 + at)).is_some() {
                    span = Some(span.map_or(range.clone(), |s| s.start..range.end));
                }
            }
            Token::Semicolon => {}
        }
    }
    let peers = || peers.iter().map(|(_, peer)| peer);
    let alone = peers().next().is_none();
    let token = from.token.clone().unwrap_or_default();
    let literal = address(&token).is_some();
    let smtp = said.transmission.is_some_and(Transmission::is_smtp);
    // Exim writes its protocols in lower case, and the name it looked up first.
    let lower = smtp
        && said
            .protocol
            .as_deref()
            .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
    // A literal that stands alone is what the client said of itself (chasquid).
    if literal && smtp && !lower && alone && from.ip == address(&token) {
        from.ip = None;
    }
    let seen = peers().rev().find(|peer| peer.has_address());
    if let Some(peer) = seen {
        from.ip = peer.ip.or(from.ip);
        from.socket = peer.socket;
    }
    let named = peers()
        .rev()
        .find(|peer| peer.rdns.is_some())
        .and_then(|p| p.rdns.clone());
    let greeting = peers().find_map(|peer| peer.helo.clone().map(|helo| (helo, peer.style)));
    from.rdns_asked = peers().any(|peer| peer.asked);
    let address_alone = seen.is_some_and(|peer| peer.rdns.is_none() && !peer.asked);
    match greeting {
        Some((helo, style)) => {
            from.helo = Some(helo);
            // The word before is the name looked up: (HELO x), (helo=x).
            let name = !literal && !peer::is_unknown(&token) && !token.is_empty();
            if name && (style == peer::Style::Helo || seen.is_some()) {
                from.rdns = Some(token.clone());
            }
            from.rdns_asked |= !literal;
        }
        None if lower && address_alone && !literal && !token.is_empty() => {
            from.helo = Some(token.clone());
            from.rdns = Some(token.clone());
            from.rdns_asked = true;
        }
        None => {
            let no_session = said.transmission.is_some_and(|t| {
                matches!(t.family, Family::Http | Family::Retrieval | Family::Other)
            });
            let bare_literal = literal && said.with.is_none() && alone;
            let odd = glued
                || pickup
                || token.contains('$')
                || token.eq_ignore_ascii_case("pickup")
                || token == "source" && said.with.is_none();
            if !(no_session || bare_literal || odd || token.is_empty()) {
                from.helo = Some(token.clone());
            }
            from.rdns = named;
        }
    }
    if from.rdns.is_none()
        && let Some(name) = peers().rev().find_map(|peer| peer.rdns.clone())
    {
        from.rdns = Some(name);
    }
    if from.token.as_deref() == Some("") {
        from.token = None;
    }
    from.span = span.map_or(0..0, |range| value.place(range));
    said.from = Some(from);
}
