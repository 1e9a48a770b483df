//! Which part of the journey a hop is.
//!
//! What is no SMTP over a network (a pickup, a content filter, a store's
//! delivery, a web page, a mailbox fetched by POP) is [`Leg::Local`], so that
//! it is never exposed and never complained of. Claims of the client (its HELO
//! name) make a hop internal only where the writer's dialect notes no other
//! name.

use crate::organisation::same_organisation;
use crate::trace::chain::Leg;
use crate::trace::field::{From, Received};
use crate::trace::network::{Reach, is_local_name, reach};
use crate::trace::nocase;
use crate::trace::transmission::Family;

/// Judges the leg of one line; `known` is what its writer's habit says.
#[must_use]
pub(super) fn leg(received: &Received, known: Option<Leg>) -> Leg {
    if let Some(known) = known {
        return known;
    }
    if let Some(transmission) = received.transmission {
        match transmission.family {
            Family::Http | Family::Local | Family::Retrieval | Family::Other => return Leg::Local,
            Family::Mapi => return Leg::Internal,
            Family::Smtp | Family::Esmtp | Family::Lmtp => {}
        }
    }
    let auth = authenticated(received);
    let Some(from) = &received.from else {
        return if auth { Leg::Submission } else { Leg::Unknown };
    };
    if from.socket {
        return Leg::Local;
    }
    let by = received.by.as_ref();
    let by_host = by.and_then(|by| by.host.as_deref());
    match from.ip.map(reach) {
        Some(Reach::Host) => return Leg::Local,
        Some(Reach::Network) => return Leg::Internal,
        Some(Reach::Public) if by.is_some_and(|by| by.ip == from.ip) => return Leg::Local,
        Some(Reach::Public) => {}
        None => {
            let local = from.token.as_deref().is_some_and(is_local_name)
                || by_host.is_some_and(is_local_name);
            if local {
                return Leg::Local;
            }
            let same = from.token.is_some()
                && from
                    .token
                    .as_deref()
                    .zip(by_host)
                    .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
            if same {
                return Leg::Local;
            }
        }
    }
    if received
        .transmission
        .is_some_and(|t| t.family == Family::Lmtp)
    {
        return Leg::Internal;
    }
    if let Some(by_host) = by_host {
        if from
            .rdns
            .as_deref()
            .is_some_and(|name| same_organisation(name, by_host))
        {
            return Leg::Internal;
        }
        let claimed = claimed_name(from);
        if claimed.is_some_and(|name| same_organisation(name, by_host)) {
            // Exchange writes no other name than the claimed one; where a
            // writer does, a claim to be of the house proves nothing.
            let believed =
                from.ip.is_none() || received.keyword().as_deref() == Some("MICROSOFT SMTP SERVER");
            return match (believed && !from.rdns_asked, auth) {
                (_, true) => Leg::Submission,
                (true, false) => Leg::Internal,
                (false, false) => Leg::Unknown,
            };
        }
    }
    if auth {
        return Leg::Submission;
    }
    let named = from
        .rdns
        .as_deref()
        .or(claimed_name(from))
        .is_some_and(|name| name.contains('.'));
    let both_named = named && by_host.is_some_and(|host| host.contains('.'));
    if both_named || (from.ip.is_some() && from.rdns_asked) {
        Leg::Internet
    } else {
        Leg::Unknown
    }
}

/// The name the client goes by, where it is one.
pub(super) fn claimed_name(from: &From) -> Option<&str> {
    let name = from.helo.as_deref().or(from.token.as_deref())?;
    (!name.is_empty() && name.parse::<std::net::IpAddr>().is_err()).then_some(name)
}

/// Whether the line says that the client authenticated itself.
fn authenticated(received: &Received) -> bool {
    received.transmission.is_some_and(|t| t.auth)
        || received.comments.iter().any(|comment| {
            ["authenticated ", "auth: "]
                .iter()
                .any(|begins| nocase::starts_with(&comment.text, begins))
        })
}
