//! How far the evidence reaches: probes that speak of other hosts or another
//! day, lines that may be invented, a machine that cannot see.

use super::{Argument, Basis, Strength};
use crate::explain::MatchedBy;
use crate::explain::facts::{Facts, Reaction};
use crate::failure::Kind;
use crate::finding::Code;
use crate::organisation::same_organisation;
use crate::trace::chain::{GapKind, SourceKind, Trust};

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
    // An earlier observation that has the host among its MX hosts tells.
    if let Some(then) = &facts.probe
        && then.observation.domain == mx.observation.domain
        && then.observation.at < mx.observation.at
        && then.is_identified()
    {
        argument.strength = Strength::Strong;
        argument = argument.for_(format!(
            "it was an MX host of {} on {}",
            then.observation.domain,
            then.observation.at.strftime("%Y-%m-%d")
        ));
    }
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

/// A line is not doubted for its place alone: that anybody could have written
/// it does not show that anybody did.
pub(super) fn header_untrusted(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open() {
        return None;
    }
    let mut argument = Argument::new(Strength::Weak, Basis::Message);
    let below = facts.hop.trusted == Trust::Below;
    if below {
        argument = argument.for_(
            "the line stands below those written on the mailbox's own side: anybody could have \
             written it",
        );
    }
    let reversed = facts.gap(&[GapKind::TimeReversed]);
    let strange = facts.gap(&[GapKind::NameMismatch]);
    if let Some(text) = reversed {
        argument = argument.for_(text);
    }
    if below && let Some(text) = strange {
        argument = argument.for_(text);
    }
    // Clocks err, and hosts go by several names: one such sign is no proof of
    // forgery, two are seldom an accident.
    if below && reversed.is_some() && strange.is_some() {
        argument.strength = Strength::Moderate;
    }
    (!argument.for_.is_empty()).then_some(argument)
}

/// What was lost when the message was saved.
pub(super) fn header_damaged(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open() {
        return None;
    }
    let received = &facts.hop.received;
    let mut argument = Argument::new(Strength::Weak, Basis::Message);
    if received.date.is_none() {
        argument = argument.for_("the line has no date that can be read");
    }
    if received.by.is_none() {
        argument = argument.for_("the line does not say who wrote it");
    }
    let found = |code| {
        facts
            .chain
            .findings
            .iter()
            .any(|finding| finding.code == code)
    };
    if found(Code::HeaderTruncated) {
        argument = argument.for_("the header was not read to its end");
    }
    if argument.for_.is_empty() {
        return None;
    }
    if matches!(
        facts.chain.source.kind,
        SourceKind::Headers | SourceKind::Msg
    ) {
        argument = argument.for_("the header came from a mail program, not from a server");
    }
    Some(argument)
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
