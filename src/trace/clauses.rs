//! From tokens to clauses: which words of a `Received:` field mean what.

mod client;

use std::ops::Range;

use crate::trace::date;
use crate::trace::field::{By, Date, Piece, Place, Received, Said, Token, tokens};
use crate::trace::message::Unfolded;
use crate::trace::nocase;
use crate::trace::peer::{Peer, address};
use crate::trace::transmission::Transmission;

type Tokens<'a> = [(Token<'a>, Range<usize>)];

/// A word that opens a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clause {
    From,
    By,
    Via,
    With,
    Id,
    For,
    Tls,
    Group,
    /// An unregistered clause, such as Haraka's `envelope-from`.
    Other,
}

/// A clause with the tokens that follow its word.
struct Opened {
    clause: Clause,
    /// Token index of the opening word.
    at: usize,
    /// One past its last token.
    end: usize,
}

/// Parses one field value.
pub(super) fn parse(value: &Unfolded) -> Received {
    let text = value.text.as_str();
    let all = tokens(text);
    let mut received = Received::default();

    // RFC 5321, section 4.4: the date follows the semicolon; the last one, since
    // others stand in `for multiple;` and the like.
    let semicolon = all
        .iter()
        .rposition(|(token, _)| *token == Token::Semicolon);
    let mut date_from = all.len();
    let mut date_to = all.len();
    if let Some(at) = semicolon {
        let start = all.get(at).map_or(text.len(), |(_, range)| range.end);
        if let Some(found) = date::find(text.get(start..).unwrap_or_default()) {
            let range = start + found.start..start + found.end;
            received.date = Some(Date {
                at: found.at,
                zone: found.zone.into(),
                span: value.place(range.clone()),
            });
            date_from = at;
            let behind = all.iter().position(|(_, token)| token.start >= range.end);
            date_to = behind.unwrap_or(all.len());
        } else {
            date_from = at;
            date_to = at + 1;
        }
    }
    // SendGrid writes no semicolon.
    if received.date.is_none()
        && semicolon.is_none()
        && let Some(found) = date::find_last(text)
    {
        let range = found.start..found.end;
        if let Some(first) = all.iter().position(|(_, token)| token.start >= range.start) {
            date_from = first;
            date_to = all
                .iter()
                .position(|(_, token)| token.start >= range.end)
                .unwrap_or(all.len());
            received.date = Some(Date {
                at: found.at,
                zone: found.zone.into(),
                span: value.place(range),
            });
        }
    }

    let before = all.get(..date_from).unwrap_or_default();
    let opened = open_clauses(before);
    let peers = client::peers_of(before, &opened);
    // The last comment shaped like an address is the one the server wrote.
    let peer_at = peers.iter().rev().find(|(_, peer)| peer.has_address());
    let peer_at = peer_at.map(|(at, _)| *at);
    let said = &mut *received.said;
    place_comments(&all, &opened, date_from, peer_at, value, said);
    let mut words = Vec::new();
    for clause in &opened {
        read_clause(clause, before, &mut words, value, &mut received);
    }
    let leading = opened.first().map_or(before.len(), |clause| clause.at);
    keep_words(
        before.get(..leading).unwrap_or_default(),
        value,
        &mut received.other,
    );
    // Words behind the date (`UTC m=+1160047.2`), and what was no date.
    keep_words(
        all.get(date_to..).unwrap_or_default(),
        value,
        &mut received.other,
    );

    read_protocol(&mut received.said);
    client::read_from(before, &opened, &peers, value, &mut received.said);
    received
}

/// Finds the words that open clauses. The client's name stands before the last
/// `by`, so that one is the writer's; nothing before it but `from` (and dma's
/// `id`) is a clause.
fn open_clauses(all: &Tokens<'_>) -> Vec<Opened> {
    let word = |at: usize| match all.get(at) {
        Some((Token::Word(word), _)) => Some(*word),
        _ => None,
    };
    let is = |at: usize, name: &str| word(at).is_some_and(|w| w.eq_ignore_ascii_case(name));
    let last_by = (0..all.len()).rev().find(|at| is(*at, "by"));
    let mut starts: Vec<(Clause, usize)> = Vec::new();
    let first_from = (0..all.len())
        .find(|at| word(*at).is_some())
        .filter(|at| is(*at, "from"));
    if let Some(at) = first_from {
        starts.push((Clause::From, at));
    }
    let mut next = match (first_from, last_by) {
        (Some(from), Some(by)) if by > from => {
            // dma and a few others write their id before the name.
            if let Some(id) = (from + 2..by).rev().find(|at| is(*at, "id"))
                && (id + 2..=by).contains(&by)
                && all.get(by + 1..).is_none_or(|rest| {
                    !rest
                        .iter()
                        .any(|(t, _)| matches!(t, Token::Word(w) if w.eq_ignore_ascii_case("id")))
                })
            {
                starts.push((Clause::Id, id));
            }
            starts.push((Clause::By, by));
            by + 1
        }
        (None, Some(by)) => {
            starts.push((Clause::By, by));
            by + 1
        }
        (Some(from), _) => from + 1,
        (None, None) => 0,
    };
    while next < all.len() {
        let previous_is_word = next > 0
            && starts.last().is_some_and(|(clause, at)| {
                *at + 1 < next || *clause == Clause::Id || *clause == Clause::From
            });
        let behind = || word(next + 1);
        let clause = word(next)
            .and_then(opened_by)
            .and_then(|clause| match clause {
                Clause::By => (Some(next) == last_by).then_some(Clause::By),
                Clause::Tls if behind().is_some_and(is_cipher_word) => Some(Clause::Tls),
                Clause::Tls => behind()
                    .is_some_and(|word| word.starts_with("version="))
                    .then_some(Clause::Other),
                Clause::Group => {
                    let of_tls = starts.last().is_some_and(|(last, _)| *last == Clause::Tls);
                    of_tls.then_some(Clause::Group)
                }
                Clause::From | Clause::Other => (next > 0).then_some(Clause::Other),
                Clause::With | Clause::Id | Clause::For | Clause::Via => Some(clause),
            });
        if let Some(clause) = clause
            && (previous_is_word || starts.is_empty() || clause == Clause::Other)
        {
            starts.push((clause, next));
        }
        next += 1;
    }
    starts.sort_by_key(|(_, at)| *at);
    let ends: Vec<usize> = starts
        .iter()
        .skip(1)
        .map(|(_, at)| *at)
        .chain(std::iter::once(all.len()))
        .collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|((clause, at), end)| Opened { clause, at, end })
        .collect()
}

/// The clause that a word may open.
fn opened_by(word: &str) -> Option<Clause> {
    const OPENERS: [(&str, Clause); 9] = [
        ("from", Clause::From),
        ("by", Clause::By),
        ("via", Clause::Via),
        ("with", Clause::With),
        ("id", Clause::Id),
        ("for", Clause::For),
        ("tls", Clause::Tls),
        ("group", Clause::Group),
        ("envelope-from", Clause::Other),
    ];
    let found = OPENERS
        .iter()
        .find(|(opener, _)| opener.eq_ignore_ascii_case(word));
    found.map(|(_, clause)| *clause)
}

/// RFC 8314, section 7.4: a suite by its IANA name or four hex digits; Haraka
/// writes OpenSSL's `standardName`, which is the same.
fn is_cipher_word(word: &str) -> bool {
    word.len() > 5
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && (word.starts_with("0x") || word.bytes().any(|b| b == b'_' || b == b'-'))
}

fn piece(value: &Unfolded, range: Range<usize>, text: &str) -> Piece {
    Piece {
        text: text.to_owned(),
        span: value.place(range),
    }
}

fn keep_words(part: &Tokens<'_>, value: &Unfolded, other: &mut Vec<Piece>) {
    for (token, range) in part {
        if let Token::Word(word) = token {
            other.push(piece(value, range.clone(), word));
        }
    }
}

fn place_comments(
    all: &Tokens<'_>,
    opened: &[Opened],
    date_from: usize,
    peer_at: Option<usize>,
    value: &Unfolded,
    said: &mut Said,
) {
    let mut clause = opened.iter().peekable();
    let mut place = Place::Start;
    for (at, (token, range)) in all.iter().enumerate() {
        while let Some(next) = clause.peek() {
            if next.at > at {
                break;
            }
            place = match next.clause {
                Clause::From => Place::From,
                Clause::By => Place::By,
                Clause::With => Place::With,
                Clause::Id => Place::Id,
                Clause::For => Place::For,
                Clause::Via | Clause::Tls | Clause::Group | Clause::Other => Place::Other,
            };
            clause.next();
        }
        if let Token::Comment(inner) = token {
            said.comments.push(piece(value, range.clone(), inner));
            said.places.push(if at >= date_from {
                Place::Date
            } else if place == Place::From && peer_at.is_some_and(|peer| at <= peer) {
                Place::BeforePeer
            } else {
                place
            });
        }
    }
}

type Words<'a> = [(&'a str, Range<usize>)];

/// Reads one clause; `words` is room for those that follow its own.
fn read_clause<'a>(
    clause: &Opened,
    all: &Tokens<'a>,
    words: &mut Vec<(&'a str, Range<usize>)>,
    value: &Unfolded,
    received: &mut Received,
) {
    let said = &mut *received.said;
    let inside = all.get(clause.at + 1..clause.end).unwrap_or_default();
    words.clear();
    words.extend(inside.iter().filter_map(|(token, range)| match token {
        Token::Word(word) => Some((*word, range.clone())),
        _ => None,
    }));
    let mut keep_from = 1;
    let first = words
        .first()
        .map(|(word, range)| piece(value, range.clone(), word));
    match clause.clause {
        Clause::From => return,
        Clause::By => {
            let mut by = read_by(inside, value);
            if is_forcepoint(words)
                && let Some((word, range)) = words.get(1)
            {
                by.host = Some(format!("Forcepoint {word}"));
                by.span.end = value.place(range.clone()).end;
            }
            said.by = Some(by);
            if words
                .get(1)
                .is_some_and(|(word, _)| address(word).is_some())
                || is_forcepoint(words)
            {
                keep_from = 2;
            }
        }
        Clause::With => {
            // Coremail: `with id ;`, both empty.
            let joined = joined(words, value).filter(|with| with.text != "id");
            match (&said.with, joined) {
                (None, Some(with)) => said.with = Some(with),
                (Some(_), Some(mut again)) => {
                    again.text.insert_str(0, "with ");
                    said.other.push(again);
                }
                (_, None) => {}
            }
            return;
        }
        Clause::Via => keep_once(&mut said.via, joined(words, value), &mut said.other),
        Clause::Id => {
            let id = first.map(|mut piece| {
                if piece.text.starts_with('<') && piece.text.ends_with('>') {
                    piece.text = piece.text.trim_matches(['<', '>']).to_owned();
                }
                piece
            });
            keep_once(&mut received.id, id, &mut said.other);
        }
        Clause::For => {
            let recipient = first.and_then(|mut piece| {
                let bare = piece.text.trim_matches(['<', '>', ',']).trim().to_owned();
                let multiple = nocase::starts_with(&bare, "multiple") && !bare.contains('@');
                if multiple || bare.is_empty() || bare.contains(char::is_whitespace) {
                    said.other.push(piece);
                    return None;
                }
                piece.text = bare;
                Some(piece)
            });
            keep_once(&mut received.for_, recipient, &mut said.other);
        }
        Clause::Tls => keep_once(&mut said.tls, first, &mut said.other),
        Clause::Group => keep_once(&mut said.group, first, &mut said.other),
        Clause::Other => {
            if let Some((Token::Word(name), range)) = all.get(clause.at) {
                words.insert(0, (name, range.clone()));
            }
            said.other.extend(joined(words, value));
            return;
        }
    }
    if clause.clause != Clause::Via {
        for (word, range) in words.iter().skip(keep_from) {
            said.other.push(piece(value, range.clone(), word));
        }
    }
}

/// Forcepoint Email Security gives its product for the host's name.
fn is_forcepoint(words: &Words<'_>) -> bool {
    matches!(words, [("Forcepoint", _), ("Email", _), ..])
}

fn keep_once(slot: &mut Option<Piece>, found: Option<Piece>, other: &mut Vec<Piece>) {
    match (slot.is_some(), found) {
        (false, found) => *slot = found,
        (true, Some(again)) => other.push(again),
        (true, None) => {}
    }
}

fn joined(words: &Words<'_>, value: &Unfolded) -> Option<Piece> {
    let (first, others) = words.split_first()?;
    let last = others.last().unwrap_or(first);
    let mut text = first.0.to_owned();
    for (word, _) in others {
        text.push(' ');
        text.push_str(word);
    }
    Some(Piece {
        text,
        span: value.place(first.1.start..last.1.end),
    })
}

fn read_by(inside: &Tokens<'_>, value: &Unfolded) -> By {
    let mut by = By::default();
    let mut end = 0;
    let mut start = usize::MAX;
    for (at, (token, range)) in inside.iter().enumerate() {
        match token {
            Token::Word(word) if by.host.is_none() => {
                start = start.min(range.start);
                end = range.end;
                by.host = Some(host_of(word));
                by.ip = address(word);
            }
            Token::Word(word) if by.ip.is_none() && at < 3 => {
                if let Some(ip) = address(word) {
                    by.ip = Some(ip);
                    end = range.end;
                }
            }
            Token::Comment(inner) if at < 3 => {
                if let Some(peer) = Peer::read(inner)
                    && peer.ip.is_some()
                {
                    by.ip = by.ip.or(peer.ip);
                    by.alias = by.alias.or(peer.rdns);
                } else if by.ip.is_none() {
                    by.ip = inner.split_ascii_whitespace().take(3).find_map(address);
                }
            }
            _ => {}
        }
    }
    by.span = if start == usize::MAX {
        0..0
    } else {
        value.place(start..end)
    };
    by
}

/// A host without brackets, final dot and port.
fn host_of(word: &str) -> String {
    if word.starts_with('[')
        && let Some(ip) = address(word)
    {
        return ip.to_string();
    }
    let word = word.trim_matches(['[', ']']).trim_end_matches([',', '.']);
    if let Some((host, port)) = word.rsplit_once(':')
        && !host.contains(':')
        && !port.is_empty()
        && port.bytes().all(|b| b.is_ascii_digit())
    {
        return host.to_owned();
    }
    word.to_owned()
}

/// The protocol alone among the words and comments of `with`.
fn read_protocol(said: &mut Said) {
    let Some(with) = said.with.as_ref() else {
        return;
    };
    // Cisco: ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384.
    let head = with.text.split([' ', '/']).next().unwrap_or_default();
    if let Some(read) = Transmission::parse(head) {
        said.protocol = Some(head.to_owned());
        said.transmission = Some(read);
        return;
    }
    let words: Vec<&str> = with.text.split(' ').collect();
    // qmail with TLS: ECDHE-RSA-AES256-GCM-SHA384 encrypted SMTP.
    if let Some(at) = words
        .iter()
        .position(|w| w.eq_ignore_ascii_case("encrypted"))
        && let Some(word) = words.get(at + 1)
        && let Some(read) = Transmission::parse(word)
    {
        said.protocol = Some((*word).to_owned());
        said.transmission = Some(read);
        return;
    }
    said.transmission = words
        .iter()
        .take(6)
        .find_map(|word| Transmission::parse(word));
    said.protocol = Some(with.text.clone());
}
