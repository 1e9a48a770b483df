//! The explanation of a message: for each hop what is concluded, why, and what
//! would settle it.
//!
//! A conclusion rests on the line first. A probe can make cleartext likelier,
//! where the receiver gives TLS to nobody; it can never turn silence into
//! proof, nor silence into encryption.

use crate::answer::{Answer, Standing};
use crate::explain::causes::is_at_receiver;
use crate::explain::facts::{Facts, Gaps, is_credible};
use crate::explain::{
    Conclusion, ConclusionState, Explanation, HopExplanation, Past, Probed, RankedCause, letter,
    next, weigh,
};
use crate::finding::Cause;
use crate::observed::domain::DomainObservation;
use crate::observed::statement::Said;
use crate::trace::chain::{Chain, Hop, Leg};
use crate::trace::evidence::TlsState;

/// Explains a message: `probes` are what was seen for it now, `past` what is
/// known from before. Both may be empty; then the headers alone speak.
#[must_use]
pub fn explain(chain: &Chain, probes: &[DomainObservation], past: &Past) -> Explanation {
    let mut trouble_here = false;
    let gaps = Gaps::of(chain);
    let hops: Vec<HopExplanation> = chain
        .hops
        .iter()
        .map(|hop| {
            let facts = Facts::join(chain, hop, probes, past, &gaps);
            trouble_here |= facts.trouble.is_some();
            explain_hop(&facts)
        })
        .collect();
    let answer = answer(chain, &hops);
    Explanation {
        hops,
        answer,
        trouble_here,
    }
}

fn explain_hop(facts: &Facts<'_>) -> HopExplanation {
    let causes = if facts.hop.tls.state == TlsState::Encrypted {
        Vec::new()
    } else {
        weigh::rank(facts)
    };
    let conclusion = conclude(facts, &causes);
    let next = next::steps(facts, &conclusion, &causes);
    let letter = letter::letter(facts, &conclusion, &causes);
    HopExplanation {
        hop: facts.hop.number,
        conclusion,
        causes,
        probed: facts.probe.as_ref().map(|probe| Probed {
            matched_by: probe.matched_by,
            observed_at: probe.observation.at,
            age_days: probe.age_days.unwrap_or_default(),
            from: probe.from,
        }),
        next,
        letter,
    }
}

fn conclude(facts: &Facts<'_>, causes: &[RankedCause]) -> Conclusion {
    let of = |state, standing| Conclusion { state, standing };
    let tls = &facts.hop.tls;
    let standing = tls.standing.unwrap_or(Standing::Possible);
    // Words beat place: a line may say TLS even of a hop inside.
    if tls.state == TlsState::Encrypted {
        return of(ConclusionState::Encrypted, standing);
    }
    // A party's word of that time stands above the line's.
    let stated = |encrypted: bool| {
        facts
            .statements
            .iter()
            .any(|statement| match statement.says {
                Said::Encrypted { .. } => encrypted,
                Said::Cleartext => !encrypted,
                Said::NoTls(_) => false,
            })
    };
    match (stated(true), stated(false)) {
        (true, false) => return of(ConclusionState::Encrypted, Standing::Proved),
        (false, true) if facts.hop.is_exposed() => {
            return of(ConclusionState::Cleartext, Standing::Proved);
        }
        _ => {}
    }
    let likely = |cause: Cause| {
        causes
            .iter()
            .any(|ranked| ranked.cause == cause && ranked.standing <= Standing::Likely)
    };
    if likely(Cause::NotSmtp) {
        return of(ConclusionState::NotSmtp, Standing::Likely);
    }
    if matches!(facts.hop.leg, Leg::Internal | Leg::Local) || tls.state == TlsState::NotApplicable {
        return of(ConclusionState::Inside, Standing::Likely);
    }
    // The very host was asked, near the hop in time, and gives TLS to nobody.
    let impossible = facts
        .probe
        .as_ref()
        .is_some_and(|probe| probe.is_identified())
        && causes
            .iter()
            .any(|ranked| is_at_receiver(ranked.cause) && ranked.standing <= Standing::Likely);
    match (tls.state, impossible) {
        (TlsState::Cleartext, true) if is_credible(facts.hop) => {
            of(ConclusionState::Cleartext, standing.min(Standing::Likely))
        }
        (TlsState::Cleartext, _) => of(ConclusionState::Cleartext, standing),
        (TlsState::Unstated, true) => of(ConclusionState::Cleartext, Standing::Possible),
        _ => of(ConclusionState::Unknown, Standing::Possible),
    }
}

/// The same question as `trace` answers, with the conclusions in the place of
/// the lines' words.
fn answer(chain: &Chain, hops: &[HopExplanation]) -> Answer {
    let exposed = || {
        chain
            .hops
            .iter()
            .zip(hops)
            .filter(|(hop, _)| hop.is_exposed())
    };
    let is_clear = |(_, explained): (&Hop, &HopExplanation)| {
        explained.conclusion.state == ConclusionState::Cleartext
            && explained.conclusion.standing <= Standing::Likely
    };
    let is_fine = |(hop, explained): (&Hop, &HopExplanation)| match explained.conclusion.state {
        ConclusionState::Encrypted => is_credible(hop),
        ConclusionState::Inside | ConclusionState::NotSmtp => true,
        ConclusionState::Cleartext | ConclusionState::Unknown => false,
    };
    if exposed().any(is_clear) {
        Answer::No
    } else if !chain.hops.is_empty() && exposed().all(is_fine) {
        Answer::Yes
    } else {
        Answer::Unknown
    }
}
