//! The explanation of a message: for each hop what is concluded, why, and what
//! would settle it.
//!
//! A conclusion rests on the line first. A probe can make cleartext likelier,
//! where the receiver gives TLS to nobody; it can never turn silence into
//! proof, nor silence into encryption.

use crate::answer::{Answer, Standing};
use crate::explain::causes::is_at_receiver;
use crate::explain::facts::{Facts, Gaps, is_credible};
use crate::explain::statements::Heard;
use crate::explain::{
    Conclusion, ConclusionState, Explanation, HopExplanation, Past, Probed, RankedCause, letter,
    next, statements, weigh,
};
use crate::finding::Cause;
use crate::observed::domain::DomainObservation;
use crate::trace::chain::{Chain, Hop, Leg};
use crate::trace::evidence::TlsState;

/// Explains a message: `probes` are what was seen for it now, `past` what is
/// known from before. Both may be empty; then the headers alone speak.
#[must_use]
pub fn explain(chain: &Chain, probes: &[DomainObservation], past: &Past) -> Explanation {
    let mut trouble_here = false;
    let gaps = Gaps::of(chain);
    let mut used = vec![false; past.earlier.len()];
    let hops: Vec<HopExplanation> = chain
        .hops
        .iter()
        .map(|hop| {
            let facts = Facts::join(chain, hop, probes, past, &gaps);
            trouble_here |= facts.trouble.is_some();
            for observation in facts.observations() {
                let of = |earlier: &DomainObservation| std::ptr::eq(earlier, observation);
                if let Some(at) = past.earlier.iter().position(of) {
                    used[at] = true;
                }
            }
            explain_hop(&facts)
        })
        .collect();
    let answer = answer(chain, &hops);
    let earlier = past.earlier.iter().zip(used);
    Explanation {
        hops,
        earlier: earlier
            .filter(|(_, used)| *used)
            .map(|(observation, _)| observation.clone())
            .collect(),
        answer,
        trouble_here,
    }
}

fn explain_hop(facts: &Facts<'_>) -> HopExplanation {
    let (conclusion, causes) = if facts.hop.tls.state == TlsState::Encrypted {
        recorded(facts)
    } else {
        let causes = weigh::rank(facts);
        (conclude(facts, &causes), causes)
    };
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
        stated: facts.statements.iter().map(|s| (*s).clone()).collect(),
        next,
        letter,
    }
}

/// A hop whose line records TLS. Words beat place: a line may say TLS even of a
/// hop inside. A party's word of that time beats the line's.
fn recorded(facts: &Facts<'_>) -> (Conclusion, Vec<RankedCause>) {
    let of = |state, standing| Conclusion { state, standing };
    let standing = facts.hop.tls.standing.unwrap_or(Standing::Possible);
    match statements::heard(&facts.statements) {
        Heard::Cleartext if facts.hop.is_exposed() => (
            of(ConclusionState::Cleartext, Standing::Proved),
            weigh::overturned(facts),
        ),
        Heard::Encrypted => (of(ConclusionState::Encrypted, Standing::Proved), Vec::new()),
        Heard::Cleartext | Heard::Contradiction | Heard::Nothing => {
            (of(ConclusionState::Encrypted, standing), Vec::new())
        }
    }
}

fn conclude(facts: &Facts<'_>, causes: &[RankedCause]) -> Conclusion {
    let of = |state, standing| Conclusion { state, standing };
    let tls = &facts.hop.tls;
    let standing = tls.standing.unwrap_or(Standing::Possible);
    // A party's word of that time stands above the line's.
    match statements::heard(&facts.statements) {
        Heard::Encrypted => return of(ConclusionState::Encrypted, Standing::Proved),
        Heard::Cleartext if facts.hop.is_exposed() => {
            return of(ConclusionState::Cleartext, Standing::Proved);
        }
        Heard::Cleartext | Heard::Contradiction | Heard::Nothing => {}
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
        // A line has no word for TLS after HELO (RFC 3848 is about ESMTP), and
        // where its writer need not add a remark the two cannot be told apart.
        (TlsState::Cleartext, _)
            if standing >= Standing::Possible && facts.said_ehlo() == Some(false) =>
        {
            of(ConclusionState::Unknown, Standing::Possible)
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
        ConclusionState::Encrypted => {
            is_credible(hop) || explained.conclusion.standing == Standing::Proved
        }
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
