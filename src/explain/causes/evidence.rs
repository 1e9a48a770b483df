//! How far the evidence reaches: probes that speak of other hosts or another
//! day, lines that may be invented, a machine that cannot see.

use super::{Argument, Basis, Strength};
use crate::explain::MatchedBy;
use crate::explain::facts::{Facts, Reaction};
use crate::failure::Kind;
use crate::organisation::same_organisation;
use crate::trace::chain::{GapKind, Trust};

pub(super) fn receiver_not_in_mx(facts: &Facts<'_>) -> Option<Argument> {
    let mx = facts.mx.as_ref().filter(|_| facts.is_open_relay_hop())?;
    let pool = mx.matched_by == MatchedBy::Pool;
    if !(pool || mx.matched_by == MatchedBy::None) || mx.observation.hosts.is_empty() {
        return None;
    }
    let hosts: Vec<_> = mx
        .observation
        .hosts
        .iter()
        .map(|h| h.host.as_str())
        .collect();
    let shown = hosts.iter().take(4).copied().collect::<Vec<_>>().join(", ");
    let more = if hosts.len() > 4 { ", …" } else { "" };
    let spoken_for = facts
        .probe
        .as_ref()
        .is_some_and(|probe| probe.matched_by != MatchedBy::None && !probe.session.is_empty());
    Some(
        Argument::new(
            if spoken_for || pool {
                Strength::Weak
            } else {
                Strength::Strong
            },
            Basis::Message,
        )
        .for_(format!(
            "{} is not among the MX hosts of {}: {shown}{more}",
            facts.server, mx.observation.domain
        )),
    )
}

pub(super) fn mx_moved_since(facts: &Facts<'_>) -> Option<Argument> {
    let mx = facts.mx.as_ref().filter(|_| facts.is_open_relay_hop())?;
    let outside = matches!(mx.matched_by, MatchedBy::None | MatchedBy::Pool);
    if !outside || mx.observation.hosts.is_empty() {
        return None;
    }
    // A host of the recipient's own domain, or one that has left the DNS,
    // points to MX records that were changed rather than to another route.
    let own = same_organisation(&facts.server, mx.observation.domain.as_str());
    let gone = facts
        .probe
        .as_ref()
        .and_then(|probe| probe.host)
        .and_then(|host| host.addresses.failure())
        .filter(|failure| failure.kind == Kind::Nxdomain);
    // Nodes behind an MX name often have names of their own.
    if mx.matched_by == MatchedBy::Pool && gone.is_none() {
        return None;
    }
    let mut argument = Argument::new(Strength::Weak, Basis::Message);
    if let Some(failure) = gone {
        argument.strength = Strength::Strong;
        argument = argument.for_(&*failure.message);
    }
    if own {
        argument = argument.for_(format!(
            "{} is of the recipient's own organisation, and not in its MX set today",
            facts.server
        ));
    }
    (!argument.for_.is_empty()).then_some(argument)
}

pub(super) fn receiver_changed_since(facts: &Facts<'_>) -> Option<Argument> {
    let probe = facts.probe.as_ref().filter(|_| facts.is_open_relay_hop())?;
    let at = facts.at.filter(|_| probe.is_sound())?;
    let issued = probe
        .handshakes()
        .filter_map(|handshake| handshake.chain.first()?.not_before)
        .min()
        .filter(|issued| *issued > at)?;
    Some(
        Argument::new(Strength::Weak, Basis::Message)
            .for_(format!(
                "its certificate was issued on {}, after the hop",
                issued.strftime("%Y-%m-%d")
            ))
            .against("certificates are renewed without other changes"),
    )
}

pub(super) fn certificate_changed_since(facts: &Facts<'_>) -> Option<Argument> {
    let probe = facts.probe.as_ref().filter(|_| facts.is_open_relay_hop())?;
    let at = facts.at?;
    let leaf = probe.handshakes().find_map(|handshake| {
        let failed = !handshake.pkix.is_done() || !handshake.identity.is_done();
        handshake.chain.first().filter(|_| failed)
    })?;
    let text = match (leaf.not_before, leaf.not_after) {
        (_, Some(until)) if at < until && until < probe.observation.at => format!(
            "its certificate expired on {}, after the hop",
            until.strftime("%Y-%m-%d")
        ),
        (Some(from), _) if from > at => format!(
            "its certificate was issued on {}, after the hop",
            from.strftime("%Y-%m-%d")
        ),
        _ => return None,
    };
    Some(
        Argument::new(Strength::Weak, Basis::Message)
            .for_(text)
            .for_("so what is wrong with it today need not have been wrong then"),
    )
}

pub(super) fn header_untrusted(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open() {
        return None;
    }
    let mut argument = Argument::new(Strength::Moderate, Basis::Message);
    if facts.hop.trusted == Trust::Below {
        argument = argument.for_(
            "the line stands below those written on the mailbox's own side: anybody could have \
             written it",
        );
    }
    if let Some(text) = facts.gap(&[GapKind::TimeReversed, GapKind::Loop]) {
        if facts.hop.trusted != Trust::Below {
            // Clocks err far more often than own lines are forged.
            argument.strength = Strength::Weak;
        }
        argument = argument.for_(text);
    }
    (!argument.for_.is_empty()).then_some(argument)
}

pub(super) fn chain_broken(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open() {
        return None;
    }
    let text = facts.gap(&[GapKind::NameMismatch, GapKind::MissingLink])?;
    Some(Argument::new(Strength::Weak, Basis::Message).for_(text))
}

pub(super) fn probe_blocked_here(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    if let Some(text) = &facts.trouble {
        return Some(
            Argument::new(Strength::Strong, Basis::Message)
                .for_(text)
                .for_("so the probe says nothing about the receiver"),
        );
    }
    // 554 and 421 in the greeting are often about our address alone.
    let failure = facts.probe.as_ref()?.session.iter().find_map(|seen| {
        let Reaction::Unseen(Some(failure)) = seen.reaction else {
            return None;
        };
        (failure.kind == Kind::GreetingRejected).then_some(failure)
    })?;
    Some(Argument::new(Strength::Weak, Basis::Message).for_(&*failure.message))
}
