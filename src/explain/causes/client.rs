//! Causes at the sender and on the path. A probe of the receiver can only
//! clear the receiver: what the sender did is then what remains, and the path
//! is never quite excluded.

use super::receiver::offers;
use super::{Argument, Basis, Strength};
use crate::explain::facts::{Facts, ProbeFacts, is_credible, owner, span};
use crate::explain::sender::{ClientTls, OnFailure};
use crate::observed::domain::StsMode;
use crate::trace::chain::{Hop, Leg};
use crate::trace::evidence::TlsState;

pub(super) fn did_not_try(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open()
        || facts
            .sender
            .is_some_and(|s| s.client_tls == ClientTls::Never)
    {
        return None;
    }
    let mut argument = cleared(facts)?;
    match facts.sender.map(|sender| (sender.client_tls, sender.name)) {
        Some((ClientTls::ByOption(how), _)) => argument = argument.for_(how),
        Some((ClientTls::Default, name)) => {
            argument = argument.against(format!("{name} uses TLS by default where it is offered"));
        }
        Some((ClientTls::Never | ClientTls::Unread, _)) | None => {}
    }
    if let Some(other) = tls_elsewhere(facts) {
        argument = argument.against(format!("{} used TLS on hop {}", facts.client, other.number));
    }
    Some(argument)
}

/// What is left for the sender where the receiver is cleared, so far as it
/// is: by a probe, by a witness, or not at all.
fn cleared(facts: &Facts<'_>) -> Option<Argument> {
    let witness = facts.witness();
    let with_witness = |argument: Argument| match witness {
        Some(text) => argument.for_(text),
        None => argument,
    };
    let probe = facts
        .probe
        .as_ref()
        .filter(|probe| !probe.session.is_empty());
    Some(match probe {
        Some(probe) if probe.is_sound() => with_witness(
            Argument::new(Strength::Moderate, Basis::Probe).for_(format!(
                "{} now; {}",
                offers(facts, probe),
                handshake_words(probe)
            )),
        ),
        Some(probe) if probe.is_lacking() => with_witness(
            Argument::new(Strength::Weak, Basis::Probe)
                .against(format!("{} gave a probe no TLS", facts.server)),
        ),
        _ => {
            let argument = with_witness(Argument::new(Strength::Weak, Basis::Message));
            if argument.for_.is_empty() {
                if facts.hop.tls.state == TlsState::Unstated {
                    return None;
                }
                argument.for_(if facts.hop.leg == Leg::Submission {
                    "the client may not have been set to use TLS".to_owned()
                } else {
                    format!("nothing excludes it: no probe has seen {}", facts.server)
                })
            } else {
                argument
            }
        }
    })
}

fn handshake_words(probe: &ProbeFacts<'_>) -> String {
    let version = probe.handshakes().map(|h| h.version).min();
    version.map_or_else(
        || "our handshake succeeded".to_owned(),
        |version| format!("our handshake succeeded, {}", version.name()),
    )
}

/// Another hop of this chain on which the same client used TLS.
fn tls_elsewhere<'a>(facts: &Facts<'a>) -> Option<&'a Hop> {
    let from = facts.hop.received.from.as_ref()?;
    let name = from.rdns.as_deref().or(from.helo.as_deref())?;
    facts.chain.hops.iter().take(64).find(|hop| {
        hop.number != facts.hop.number
            && hop.tls.state == TlsState::Encrypted
            && is_credible(hop)
            && hop.received.from.as_ref().is_some_and(|other| {
                let other = other.rdns.as_deref().or(other.helo.as_deref());
                other.is_some_and(|other| other.eq_ignore_ascii_case(name))
            })
    })
}

pub(super) fn cannot_tls(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open() || facts.hop.tls.state != TlsState::Cleartext {
        return None;
    }
    if let Some(sender) = facts.sender.filter(|s| s.client_tls == ClientTls::Never) {
        return Some(
            Argument::new(Strength::Moderate, Basis::Message)
                .for_(sender.habit)
                .for_(format!("{} wrote the line before", sender.name)),
        );
    }
    let from = facts.hop.received.from.as_ref()?;
    if facts.said_ehlo() != Some(false) || facts.client_line.is_some_and(is_credible) {
        return None;
    }
    let helo = from.helo.as_deref().unwrap_or_default();
    let nameless = from
        .rdns
        .as_deref()
        .is_none_or(|name| name.eq_ignore_ascii_case("unknown"));
    let odd = helo.is_empty() || owner(helo).is_none();
    if !(odd || nameless) {
        return None;
    }
    let mut argument = Argument::new(Strength::Weak, Basis::Message).for_(format!(
        "\"with {}\": the client said HELO, which knows no STARTTLS",
        facts.with
    ));
    if odd && !helo.is_empty() {
        argument = argument.for_(format!(
            "it called itself \"{}\", as devices and scripts do",
            helo.chars().take(60).collect::<String>()
        ));
    }
    if nameless {
        argument = argument.for_("its address has no confirmed name");
    }
    Some(argument)
}

pub(super) fn fell_back(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() || facts.hop.tls.state != TlsState::Cleartext {
        return None;
    }
    let probe = facts
        .probe
        .as_ref()
        .filter(|probe| !probe.session.is_empty());
    let reproduced = probe.is_some_and(|probe| {
        probe.session.iter().any(|seen| {
            matches!(
                seen.reaction,
                crate::explain::facts::Reaction::HandshakeFailed(_)
            )
        })
    });
    let mut argument = Argument::new(
        if reproduced {
            Strength::Moderate
        } else {
            Strength::Weak
        },
        if reproduced {
            Basis::Probe
        } else {
            Basis::Message
        },
    );
    if reproduced {
        argument = argument.for_(format!("our own handshake with {} failed", facts.server));
    } else if facts.receiver_sound() {
        argument = argument.against(format!("our own handshake with {} succeeded", facts.server));
    }
    let Some(sender) = facts.sender else {
        argument.strength = argument.strength.max(Strength::Weak);
        return Some(
            argument.for_("an opportunistic sender may go on in cleartext after a failure"),
        );
    };
    Some(match (sender.on_failure, facts.hop.delay) {
        (OnFailure::Never, _) => {
            argument.strength = Strength::Unlikely;
            argument.against(sender.habit)
        }
        (OnFailure::ClearAfter(wait), Some(delay)) if delay < wait => {
            argument.strength = Strength::Unlikely;
            argument.against(format!("{}; this hop took {}", sender.habit, span(delay)))
        }
        (OnFailure::ClearAfter(_), Some(delay)) => argument
            .for_(sender.habit)
            .for_(format!("this hop took {}", span(delay))),
        (OnFailure::ClearAtOnce | OnFailure::ClearSometime, _) => argument.for_(sender.habit),
        (OnFailure::ClearAfter(_) | OnFailure::ClearWhenMarked, _) => {
            argument.strength = argument.strength.max(Strength::Weak);
            argument.for_(sender.habit)
        }
    })
}

pub(super) fn exempts_domain(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    let other = tls_elsewhere(facts)?;
    let mut argument = Argument::new(Strength::Weak, Basis::Message).for_(format!(
        "{} used TLS on hop {}, so it can",
        facts.client, other.number
    ));
    if facts.receiver_sound() {
        argument = argument.for_(format!("{} gave TLS to a probe", facts.server));
    }
    Some(argument)
}

pub(super) fn remembers_failure(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    let memory = facts.sender?.memory?;
    Some(Argument::new(Strength::Weak, Basis::Message).for_(memory))
}

pub(super) fn stripped_in_transit(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    let Some(probe) = facts.probe.as_ref().filter(|probe| probe.is_sound()) else {
        let text = facts.witness()?;
        return Some(
            Argument::new(Strength::Weak, Basis::Message)
                .for_(text)
                .against("what lies between the two hosts cannot be seen from here"),
        );
    };
    let mut argument = Argument::new(Strength::Weak, Basis::Probe);
    argument = match (probe.has_usable_tlsa(), probe.sts_mode()) {
        (true, _) => argument.against("its TLSA records protect the path of senders that use DANE"),
        (false, Some(StsMode::Enforce)) => {
            argument.against("its MTA-STS policy protects the path of senders that follow it")
        }
        (false, Some(StsMode::Testing)) => {
            argument.for_("nothing protects this path: no DANE seen, MTA-STS only testing")
        }
        (false, None) if !probe.policies_asked() => {
            argument.for_("whether DANE or MTA-STS protects this path was not looked at")
        }
        (false, Some(StsMode::None) | None) => {
            argument.for_("nothing protects this path: neither DANE nor MTA-STS was seen")
        }
    };
    Some(argument.against("STARTTLS reached us untouched, though on another path"))
}

pub(super) fn tls_not_required(facts: &Facts<'_>) -> Option<Argument> {
    (facts.is_open_relay_hop() && facts.chain.message.tls_not_required).then(|| {
        Argument::new(Strength::Weak, Basis::Message)
            .for_("the message has \"TLS-Required: No\" (RFC 8689)")
            .against("a sender should use STARTTLS all the same where it works")
    })
}
