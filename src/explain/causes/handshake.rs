//! Causes in the handshake: the receiver says 220, and then no TLS comes, or
//! none that this sender could take.

use super::receiver::{identified, probed, takes_now};
use super::{Argument, Basis, Strength};
use crate::explain::facts::{Facts, ProbeFacts, Reaction, Seen};
use crate::explain::sender::OnFailure;
use crate::failure::Kind;
use crate::observed::domain::StsMode;

/// Failed handshakes of the session's endpoints that this tells apart.
pub(super) fn failing<'p, 'a>(
    probe: &'p ProbeFacts<'a>,
    is_kind: impl Fn(Kind, Option<&str>) -> bool + 'p,
) -> impl Iterator<Item = (&'p Seen<'a>, &'a str)> + 'p {
    probe
        .session
        .iter()
        .filter_map(move |seen| match seen.reaction {
            Reaction::HandshakeFailed(failure)
                if is_kind(failure.kind, failure.detail.alert.as_deref()) =>
            {
                Some((seen, failure.message.as_str()))
            }
            _ => None,
        })
}

pub(super) fn is_version_alert(kind: Kind, alert: Option<&str>) -> bool {
    kind == Kind::HandshakeAlert && alert == Some("protocol_version")
}

pub(super) fn is_suite_alert(kind: Kind, alert: Option<&str>) -> bool {
    kind == Kind::HandshakeIncompatible
        || (kind == Kind::HandshakeAlert
            && matches!(alert, Some("handshake_failure" | "insufficient_security")))
}

fn is_certificate_alert(kind: Kind, alert: Option<&str>) -> bool {
    kind == Kind::HandshakeAlert && alert == Some("certificate_required")
}

pub(super) fn handshake_fails(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let own = |kind, alert: Option<&str>| {
        !is_version_alert(kind, alert)
            && !is_suite_alert(kind, alert)
            && !is_certificate_alert(kind, alert)
    };
    let failures: Vec<_> = failing(probe, own).collect();
    // "handshake_failure" is what a server says that shares nothing with this
    // client, and also one that can do no handshake at all.
    let refused: Vec<_> = failing(probe, is_suite_alert).collect();
    if failures.is_empty() && !refused.is_empty() && probe.is_lacking() {
        let mut argument = Argument::new(Strength::Weak, Basis::Probe)
            .for_("a server that can do no handshake at all says so too");
        for (seen, message) in refused.iter().take(3) {
            argument = argument.for_(*message);
            let hello = seen.endpoint.raw_hello.as_ref();
            if hello.is_some_and(|hello| hello.version.is_some()) {
                argument = argument.against(format!(
                    "{} answers a hello made by hand",
                    seen.endpoint.address
                ));
            }
        }
        return Some(sender_after_failure(facts, argument));
    }
    if failures.is_empty() {
        return probe.is_sound().then(|| {
            Argument::new(Strength::Unlikely, Basis::Probe).against(takes_now(facts, probe))
        });
    }
    let mut argument = Argument::new(
        if identified(probe) && probe.is_lacking() {
            Strength::Moderate
        } else {
            Strength::Weak
        },
        Basis::Probe,
    );
    for (_, message) in failures.iter().take(3) {
        argument = argument.for_(*message);
    }
    Some(sender_after_failure(facts, argument))
}

pub(super) fn client_certificate_demanded(facts: &Facts<'_>) -> Option<Argument> {
    handshake_alert(
        facts,
        is_certificate_alert,
        "the server wants a client certificate",
    )
}

fn handshake_alert(
    facts: &Facts<'_>,
    is_kind: fn(Kind, Option<&str>) -> bool,
    reading: &str,
) -> Option<Argument> {
    let probe = probed(facts)?;
    let failures: Vec<_> = failing(probe, is_kind).collect();
    if failures.is_empty() {
        return None;
    }
    // What the sender's own library accepts is not known, so never more than
    // possible by this alone.
    let mut argument = Argument::new(Strength::Weak, Basis::Probe).for_(reading);
    for (_, message) in failures.iter().take(3) {
        argument = argument.for_(*message);
    }
    Some(sender_after_failure(facts, argument))
}

/// A failed handshake explains cleartext with some senders only.
pub(super) fn sender_after_failure(facts: &Facts<'_>, mut argument: Argument) -> Argument {
    let Some(sender) = facts.sender else {
        return argument;
    };
    match sender.on_failure {
        OnFailure::Never => {
            argument.strength = argument.strength.max(Strength::Weak);
            argument.against(&*sender.habit)
        }
        OnFailure::ClearAfter(wait) if facts.hop.delay.is_some_and(|delay| delay < wait) => {
            argument.strength = argument.strength.max(Strength::Weak);
            argument.against(&*sender.habit)
        }
        OnFailure::Unread => argument,
        OnFailure::ClearWhenMarked => argument.against(&*sender.habit),
        OnFailure::ClearAfter(_) | OnFailure::ClearAtOnce | OnFailure::ClearSometime => {
            argument.for_(&*sender.habit)
        }
    }
}

pub(super) fn certificate_invalid(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let handshake = probe.handshakes().next()?;
    let failure = handshake
        .pkix
        .failure()
        .or_else(|| handshake.identity.failure());
    let insists = probe.sts_mode() == Some(StsMode::Enforce) || probe.has_usable_tlsa();
    let Some(failure) = failure else {
        let leaf = handshake.chain.first()?;
        let already = facts
            .at
            .zip(leaf.not_before)
            .is_some_and(|(at, from)| from <= at);
        return (already && handshake.pkix.is_done() && handshake.identity.is_done()).then(|| {
            Argument::new(Strength::Excluded, Basis::Message)
                .against("its certificate was valid then and is now, and names the host")
        });
    };
    let argument = Argument::new(
        if insists {
            Strength::Weak
        } else {
            Strength::Unlikely
        },
        Basis::Probe,
    )
    .for_(&*failure.message);
    Some(if insists {
        argument
            .for_("its domain publishes a policy that makes senders check")
            .against("a sender that checks should defer, not go on in cleartext")
    } else {
        argument.against(
            "an opportunistic sender does not look at the certificate (RFC 7435, section 4)",
        )
    })
}
