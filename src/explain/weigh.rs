//! From arguments to standings: ceilings, age, trust, and causes against one
//! another.
//!
//! The published words follow the strength of the evidence so: strong is
//! likely; moderate is likely where nothing contradicts and the probe stands
//! within seven days of the hop, else possible; weak is possible; what needs
//! two accidents is unlikely; what a fact excludes is ruled out. Nothing a
//! header or a probe shows is proof of a cause: only a statement made at the
//! time by a party of the hop would be.

use crate::answer::Standing;
use crate::explain::RankedCause;
use crate::explain::causes::{
    Argument, Basis, RULES, Strength, is_about_evidence, is_at_receiver, is_beyond_receiver,
};
use crate::explain::facts::Facts;
use crate::finding::Cause;
use crate::trace::chain::Trust;
use crate::trace::evidence::TlsState;

/// The causes of one hop, the most likely first.
#[must_use]
pub fn rank(facts: &Facts<'_>) -> Vec<RankedCause> {
    let mut causes: Vec<RankedCause> = RULES
        .iter()
        .filter_map(|(cause, rule)| Some(weigh(*cause, rule(facts)?, facts)))
        .collect();
    compete(&mut causes);
    causes.sort_by_key(|ranked| {
        let balance = |texts: &[String]| isize::try_from(texts.len()).unwrap_or(isize::MAX);
        (
            ranked.standing,
            is_about_evidence(ranked.cause),
            balance(&ranked.against) - balance(&ranked.for_),
        )
    });
    causes
}

/// The standing of one cause by itself.
fn weigh(cause: Cause, argument: Argument, facts: &Facts<'_>) -> RankedCause {
    let Argument {
        strength,
        basis,
        for_,
        mut against,
    } = argument;
    let contradicted = !against.is_empty();
    let aged = basis == Basis::Probe && !facts.is_near();
    let standing = match strength {
        Strength::Excluded => Standing::RuledOut,
        Strength::Unlikely => Standing::Unlikely,
        Strength::Strong if !aged => Standing::Likely,
        Strength::Moderate if !aged && !contradicted => Standing::Likely,
        Strength::Strong | Strength::Moderate | Strength::Weak => Standing::Possible,
    };
    if aged
        && matches!(strength, Strength::Strong | Strength::Moderate)
        && let Some(probe) = &facts.probe
    {
        against.push(probe.distance());
    }
    let mut standing = standing.max(cause.ceiling());
    // A line that anybody could have written makes no cause likely, except
    // that it was written by anybody; and where it is not even known whether
    // TLS was used, nothing that the sender did is.
    let untrusted = facts.hop.trusted == Trust::Below && cause != Cause::HeaderUntrusted;
    let unknown = facts.hop.tls.state == TlsState::Unstated && is_beyond_receiver(cause);
    if (untrusted || unknown) && facts.is_open() && standing < Standing::Possible {
        standing = Standing::Possible;
    }
    RankedCause {
        cause,
        standing,
        for_,
        against,
    }
}

/// Causes compete: a receiver that gives TLS to nobody needs no sender to
/// explain the hop.
fn compete(causes: &mut [RankedCause]) {
    let receiver = causes
        .iter()
        .find(|ranked| is_at_receiver(ranked.cause) && ranked.standing <= Standing::Likely)
        .map(|ranked| ranked.cause);
    let Some(receiver) = receiver else { return };
    for ranked in causes {
        if is_beyond_receiver(ranked.cause) && ranked.standing < Standing::Unlikely {
            ranked.standing = Standing::Unlikely;
            ranked.against.push(format!(
                "{} explains it, whoever the sender is",
                receiver.word()
            ));
        }
    }
}
