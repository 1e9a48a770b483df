//! From arguments to standings: ceilings, age, trust, and causes against one
//! another.
//!
//! The published words follow the strength of the evidence so: strong is
//! likely; moderate is likely where nothing contradicts and the probe stands
//! within seven days of the hop, else possible; weak is possible; what needs
//! two accidents is unlikely; what a fact excludes is ruled out. Nothing a
//! header or a probe shows is proof of a cause: only a statement made at the
//! time by a party of the hop is.

use crate::answer::Standing;
use crate::explain::RankedCause;
use crate::explain::causes::{
    Argument, Basis, RULES, Strength, is_about_evidence, is_at_receiver, is_beyond_receiver,
    is_failed_handshake,
};
use crate::explain::facts::Facts;
use crate::explain::statements;
use crate::finding::Cause;
use crate::observed::statement::Said;
use crate::trace::chain::Trust;
use crate::trace::evidence::TlsState;

/// The causes of one hop, the most likely first.
///
/// Within one standing: what speaks of the hop before what speaks of the
/// evidence; what is the other side of a cause in the list after its rivals;
/// then the stronger evidence, then the better balance of it.
#[must_use]
pub fn rank(facts: &Facts<'_>) -> Vec<RankedCause> {
    let mut causes: Vec<(RankedCause, Strength)> = RULES
        .iter()
        .filter_map(|(cause, rule)| {
            let argument = rule(facts)?;
            let strength = argument.strength;
            Some((weigh(*cause, argument, facts), strength))
        })
        .collect();
    compete(&mut causes);
    prove(&mut causes, facts);
    let failed: Vec<Standing> = causes
        .iter()
        .filter(|(ranked, _)| is_failed_handshake(ranked.cause))
        .map(|(ranked, _)| ranked.standing)
        .collect();
    causes.sort_by_key(|(ranked, strength)| {
        let balance = |texts: &[String]| isize::try_from(texts.len()).unwrap_or(isize::MAX);
        let other_side = matches!(
            ranked.cause,
            Cause::SenderFellBack | Cause::SenderLibraryTooNew
        ) && failed.contains(&ranked.standing);
        // A line that does not say whether there was TLS is no sign that there
        // was none: that it says nothing comes before any reason for none.
        let unsaid =
            facts.hop.tls.state == TlsState::Unstated && ranked.cause == Cause::TlsNotRecorded;
        (
            ranked.standing,
            !unsaid,
            is_about_evidence(ranked.cause),
            other_side,
            *strength,
            balance(&ranked.against) - balance(&ranked.for_),
        )
    });
    causes.into_iter().map(|(ranked, _)| ranked).collect()
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
fn compete(causes: &mut [(RankedCause, Strength)]) {
    let receiver = causes
        .iter()
        .map(|(ranked, _)| ranked)
        .find(|ranked| is_at_receiver(ranked.cause) && ranked.standing <= Standing::Likely)
        .map(|ranked| ranked.cause);
    let Some(receiver) = receiver else { return };
    for (ranked, _) in causes {
        if is_beyond_receiver(ranked.cause) && ranked.standing < Standing::Unlikely {
            ranked.standing = Standing::Unlikely;
            ranked.against.push(format!(
                "{} explains it, whoever the sender is",
                receiver.word()
            ));
        }
    }
}

/// What a party of the hop stated at the time proves its cause, and leaves
/// rivals on the other side no room.
fn prove(causes: &mut Vec<(RankedCause, Strength)>, facts: &Facts<'_>) {
    let mut proved: Vec<Cause> = Vec::new();
    for (cause, standing, text) in statements::causes(facts.hop, &facts.statements) {
        let at = causes.iter().position(|(ranked, _)| ranked.cause == cause);
        let at = at.unwrap_or_else(|| {
            let blank = RankedCause {
                cause,
                standing,
                for_: Vec::new(),
                against: Vec::new(),
            };
            causes.push((blank, Strength::Strong));
            causes.len() - 1
        });
        if let Some((ranked, _)) = causes.get_mut(at) {
            ranked.standing = ranked.standing.min(standing);
            ranked.for_.insert(0, text);
        }
        if standing == Standing::Proved {
            proved.push(cause);
        }
    }
    // A log that tells of this delivery tells of what failed in it too.
    let told = facts
        .statements
        .iter()
        .find(|said| said.says == Said::Cleartext && proved.is_empty());
    let failed = facts
        .statements
        .iter()
        .any(|said| matches!(said.says, Said::NoTls(_)));
    if let Some(said) = told.filter(|_| !failed) {
        for (ranked, _) in causes.iter_mut() {
            if ranked.cause == Cause::SenderFellBack && ranked.standing < Standing::Unlikely {
                ranked.standing = Standing::Unlikely;
                ranked.against.push(format!(
                    "{} ({}) tells of no handshake that failed before",
                    said.by.name(),
                    said.place
                ));
            }
        }
    }
    let Some(first) = proved.first().copied() else {
        return;
    };
    for (ranked, _) in causes {
        let rival = !is_about_evidence(ranked.cause)
            && !proved.contains(&ranked.cause)
            && !proved
                .iter()
                .any(|cause| is_one_event(*cause, ranked.cause));
        if rival && ranked.standing < Standing::Unlikely {
            ranked.standing = Standing::Unlikely;
            ranked.against.push(format!("{} is proved", first.word()));
        }
    }
}

/// The causes where a party's word overturns a line that records TLS: the line
/// is not what its writer wrote, and why the hop went so is what was stated.
#[must_use]
pub fn overturned(facts: &Facts<'_>) -> Vec<RankedCause> {
    let clear = facts.statements.iter().find(|s| s.says == Said::Cleartext);
    let mut causes = Vec::new();
    if let Some(statement) = clear {
        let blank = RankedCause {
            cause: Cause::HeaderUntrusted,
            standing: Standing::Proved,
            for_: vec![statements::words(statement)],
            against: vec!["the line records TLS".to_owned()],
        };
        causes.push((blank, Strength::Strong));
    }
    prove(&mut causes, facts);
    causes.sort_by_key(|(ranked, _)| (ranked.standing, is_about_evidence(ranked.cause)));
    causes.into_iter().map(|(ranked, _)| ranked).collect()
}

/// Whether two causes may be one event, seen from two sides or in more detail.
fn is_one_event(one: Cause, other: Cause) -> bool {
    let pair =
        |a: fn(Cause) -> bool, b: fn(Cause) -> bool| (a(one) && b(other)) || (a(other) && b(one));
    let fell_back = |cause| matches!(cause, Cause::SenderFellBack | Cause::OutageThen);
    let lacking = |cause| {
        matches!(
            cause,
            Cause::StarttlsNotOffered | Cause::StarttlsRefused | Cause::StarttlsTemporarilyRefused
        )
    };
    let host = |cause| {
        matches!(
            cause,
            Cause::BackupMxTookIt
                | Cause::MxHostDiffers
                | Cause::AddressFamilyDiffers
                | Cause::PoolInconsistent
                | Cause::StarttlsOfferedSelectively
                | Cause::StarttlsMaskedNearReceiver
                | Cause::StarttlsStrippedInTransit
                | Cause::StarttlsStrippedNearSender
                | Cause::OutageThen
                | Cause::ReceiverOverloaded
                | Cause::EhloRefused
        )
    };
    let untried = |cause| {
        matches!(
            cause,
            Cause::SenderDidNotTry
                | Cause::SenderExemptsDomain
                | Cause::SenderCannotTls
                | Cause::SenderRemembersFailure
        )
    };
    pair(fell_back, is_failed_handshake)
        || pair(fell_back, |cause| cause == Cause::SenderLibraryTooNew)
        || pair(lacking, host)
        || pair(untried, untried)
}
