//! What to do next: whom to ask for what, with the id and the time that they
//! need to find it, and what to mend.
//!
//! Each step reads `ask WHO: WHAT`, `fix WHO: WHAT` or `run WHERE: WHAT`. WHO
//! is a domain, or a few plain words, never foreign text as it came.

use crate::answer::Standing;
use crate::explain::facts::{Facts, owner, utc};
use crate::explain::{Conclusion, ConclusionState, RankedCause, pair};
use crate::finding::Cause;
use crate::observed::domain::StsMode;
use crate::observed::statement::StatedBy;
use crate::trace::chain::Leg;

/// The steps for one hop; none where nothing is open.
#[must_use]
pub fn steps(facts: &Facts<'_>, conclusion: &Conclusion, causes: &[RankedCause]) -> Vec<String> {
    let open = matches!(
        conclusion.state,
        ConclusionState::Cleartext | ConclusionState::Unknown
    );
    if !open {
        return Vec::new();
    }
    let mut steps = Vec::new();
    let when = facts
        .at
        .map(|at| format!(" at {}", utc(at)))
        .unwrap_or_default();
    let asked = |label: &str, else_: &str| owner(label).unwrap_or_else(|| else_.to_owned());
    let receiver = asked(&facts.server, "the receiver");
    if facts.hop.leg == Leg::Submission {
        steps.push(format!(
            "ask {receiver}: did the session that {} logged{}{when} use TLS?",
            facts.server,
            id(facts)
        ));
        if conclusion.state == ConclusionState::Cleartext {
            steps.push(
                "fix the writer's program: choose port 465, or 587 with STARTTLS required".into(),
            );
        }
        return steps;
    }
    let sender = asked(&facts.client, "the sender");
    let at_receiver = first_likely_receiver_cause(causes);
    // Whose log has spoken is asked no more.
    let heard = |by: StatedBy| facts.statements.iter().any(|said| said.by == by);
    let exempt = causes.first().is_some_and(|first| {
        first.cause == Cause::SenderExemptsDomain && first.standing != Standing::Proved
    });
    if exempt {
        steps.push(format!(
            "ask {sender}: do the TLS settings of {} except {} or the recipient's domain?",
            facts.client, facts.server
        ));
    } else if at_receiver.is_none() && !heard(StatedBy::SendersLog) {
        steps.push(format!(
            "ask {sender}: did {} send STARTTLS to {}{when}, and what came back?",
            facts.client, facts.server
        ));
    }
    if !heard(StatedBy::ReceiversLog) {
        steps.push(format!(
            "ask {receiver}: the log lines of {}{}{when}",
            facts.server,
            id(facts)
        ));
    }
    if facts.trouble.is_some() {
        steps.push("run elsewhere: the same from a network whose port 25 is open".into());
    } else if facts.probe.is_none()
        && pair::needs_probe(facts.hop)
        && conclusion.standing != Standing::Proved
    {
        steps.push(format!(
            "run a probe: does {} offer STARTTLS today?",
            facts.server
        ));
    }
    if let Some(cause) = at_receiver {
        steps.push(format!("fix {receiver}: {}", remedy(cause, &facts.server)));
    } else if facts.receiver_sound()
        && conclusion.state == ConclusionState::Cleartext
        && let Some(probe) = &facts.probe
    {
        let domain = &probe.observation.domain;
        match probe.sts_mode() {
            _ if probe.has_usable_tlsa() => {}
            Some(StsMode::Enforce) => {}
            Some(StsMode::Testing) => {
                steps.push(format!(
                    "fix {domain}: move MTA-STS from testing to enforce"
                ));
            }
            None if !probe.policies_asked() => steps.push(format!(
                "fix {domain}: publish MTA-STS or DANE if it has neither, so that senders \
                 insist on TLS"
            )),
            Some(StsMode::None) | None => steps.push(format!(
                "fix {domain}: publish MTA-STS or DANE, so that senders insist on TLS"
            )),
        }
    }
    steps
}

fn id(facts: &Facts<'_>) -> String {
    let id = facts.hop.received.id.as_ref();
    id.filter(|piece| !piece.text.is_empty())
        .map(|piece| {
            format!(
                " with id {}",
                piece.text.chars().take(80).collect::<String>()
            )
        })
        .unwrap_or_default()
}

fn first_likely_receiver_cause(causes: &[RankedCause]) -> Option<Cause> {
    causes
        .iter()
        .find(|ranked| {
            ranked.standing <= Standing::Likely
                && crate::explain::causes::is_at_receiver(ranked.cause)
        })
        .map(|ranked| ranked.cause)
}

fn remedy(cause: Cause, server: &str) -> String {
    match cause {
        Cause::StarttlsMaskedNearReceiver => {
            format!("let the firewall in front of {server} pass STARTTLS")
        }
        Cause::HandshakeFailsForAll => {
            format!("mend the key, certificate or proxy that {server} uses for TLS")
        }
        Cause::StarttlsRefused | Cause::StarttlsTemporarilyRefused => {
            format!("mend TLS on {server}: it lists STARTTLS and refuses it")
        }
        Cause::EhloRefused => format!("let {server} take EHLO and offer STARTTLS"),
        _ => format!("offer STARTTLS on {server}"),
    }
}
