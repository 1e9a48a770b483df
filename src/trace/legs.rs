//! The three parts of a journey that people ask for: from the writer to the
//! writer's server, between the servers, from the last server to the reader.
//!
//! A header is finished before the reader fetches the message, so it never
//! tells of the last part; and of the first only where the server that took
//! the message from its writer wrote a line.

use crate::answer::Standing;
use crate::trace::chain::{Chain, Hop, Leg, Trust};
use crate::trace::evidence::TlsState;
use crate::trace::journey::TurnKind;
use crate::trace::transmission::Family;

/// One part of the journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub which: Which,
    /// Numbers of the hops that it is made of.
    pub hops: Vec<usize>,
    pub state: PartState,
    /// One sentence without its full stop, for people who read no tables.
    pub text: String,
}

/// Which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Which {
    WriterToServer,
    BetweenServers,
    ServerToReader,
}

impl Which {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WriterToServer => "writer-to-server",
            Self::BetweenServers => "between-servers",
            Self::ServerToReader => "server-to-reader",
        }
    }
}

/// What the header says of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartState {
    /// Recorded as TLS on every hop that others could listen to.
    Encrypted,
    /// As good as certainly without TLS on one of them.
    Cleartext,
    /// Lines tell of it, and not enough.
    Unstated,
    /// No line tells of it.
    NotShown,
    /// It crossed no network that others could listen to.
    NotApplicable,
}

impl PartState {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Cleartext => "cleartext",
            Self::Unstated => "unstated",
            Self::NotShown => "not-shown",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// The three parts of a judged chain.
pub(super) fn parts(chain: &Chain) -> Vec<Part> {
    vec![
        writer(&chain.hops),
        between(&chain.hops),
        reader(&chain.hops),
    ]
}

fn writer(hops: &[Hop]) -> Part {
    let which = Which::WriterToServer;
    let found: Vec<&Hop> = hops
        .iter()
        .filter(|hop| hop.leg == Leg::Submission)
        .collect();
    if !found.is_empty() {
        return judged(which, &found, "the server that took it from its writer");
    }
    let not_shown = |text: &str| Part {
        which,
        hops: Vec::new(),
        state: PartState::NotShown,
        text: text.to_owned(),
    };
    let family = hops
        .first()
        .and_then(|hop| hop.received.transmission)
        .map(|transmission| transmission.family);
    match (family, hops.first()) {
        (Some(Family::Http), _) => {
            not_shown("written in a web page or an app, whose connection no line tells of")
        }
        (_, Some(hop)) if hop.leg == Leg::Local => Part {
            which,
            hops: vec![hop.number],
            state: PartState::NotApplicable,
            text: "handed over on the server itself, as far as the header tells".to_owned(),
        },
        _ => not_shown("no line tells; the header begins behind the writer's server"),
    }
}

fn between(hops: &[Hop]) -> Part {
    let which = Which::BetweenServers;
    let found: Vec<&Hop> = hops
        .iter()
        .filter(|hop| hop.is_exposed() && hop.leg != Leg::Submission)
        .collect();
    if !found.is_empty() {
        return judged(which, &found, "the receiving servers");
    }
    let inside: Vec<usize> = hops
        .iter()
        .filter(|hop| hop.leg == Leg::Internal)
        .map(|hop| hop.number)
        .collect();
    Part {
        which,
        state: PartState::NotApplicable,
        text: if inside.is_empty() {
            "none: it stayed on one server".to_owned()
        } else {
            "it stayed within one network or organisation".to_owned()
        },
        hops: inside,
    }
}

fn reader(hops: &[Hop]) -> Part {
    let fetched = hops
        .iter()
        .filter(|hop| {
            let turn = hop.turn.as_ref();
            turn.is_some_and(|turn| turn.kind == TurnKind::Collection)
        })
        .map(|hop| hop.number)
        .collect::<Vec<_>>();
    let text = if fetched.is_empty() {
        "no header tells; ask how the reader's program fetches its mail"
    } else {
        "fetched by a program that notes no TLS; look at its settings"
    };
    Part {
        which: Which::ServerToReader,
        hops: fetched,
        state: PartState::NotShown,
        text: text.to_owned(),
    }
}

fn judged(which: Which, hops: &[&Hop], who: &str) -> Part {
    let numbers = |of: &[&Hop]| -> Vec<usize> { of.iter().map(|hop| hop.number).collect() };
    let of = |wanted: fn(&Hop) -> bool| -> Vec<&Hop> {
        hops.iter().copied().filter(|hop| wanted(hop)).collect()
    };
    let clear = of(|hop| {
        hop.tls.state == TlsState::Cleartext
            && matches!(hop.tls.standing, Some(Standing::Proved | Standing::Likely))
    });
    let open = of(|hop| !matches!(hop.tls.state, TlsState::Encrypted | TlsState::NotApplicable));
    let forgeable = of(|hop| !matches!(hop.trusted, Trust::Own | Trust::Vouched));
    let (state, text) = if !clear.is_empty() {
        let text = format!("{} without TLS", list(&numbers(&clear)));
        (PartState::Cleartext, text)
    } else if !open.is_empty() {
        let text = format!("cannot tell for {}", list(&numbers(&open)));
        (PartState::Unstated, text)
    } else if !forgeable.is_empty() {
        let text = format!(
            "recorded as TLS, but anybody could have written the line of {}",
            list(&numbers(&forgeable))
        );
        (PartState::Unstated, text)
    } else {
        (
            PartState::Encrypted,
            format!("recorded as TLS by {who}, on {}", list(&numbers(hops))),
        )
    };
    Part {
        which,
        hops: numbers(hops),
        state,
        text,
    }
}

/// `hop 3`, `hops 1 and 2`, `hops 1, 2, 3 and 40 more`.
fn list(numbers: &[usize]) -> String {
    const MOST: usize = 5;
    let words: Vec<String> = numbers.iter().take(MOST).map(usize::to_string).collect();
    let more = numbers.len().saturating_sub(MOST);
    match words.as_slice() {
        [] => "no hop".to_owned(),
        [one] => format!("hop {one}"),
        _ if more > 0 => format!("hops {} and {more} more", words.join(", ")),
        [head @ .., last] => format!("hops {} and {last}", head.join(", ")),
    }
}
