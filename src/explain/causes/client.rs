//! Causes at the sender and on the path. A probe of the receiver can only
//! clear the receiver: what the sender did is then what remains, and the path
//! is never quite excluded.

use super::around::{day, elsewhere};
use super::handshake::{is_suite_alert, is_version_alert};
use super::receiver::offers;
use super::{Argument, Basis, Strength};
use crate::explain::facts::{Facts, ProbeFacts, Reaction, is_credible, owner, span};
use crate::explain::sender::{ClientTls, OnFailure};
use crate::observed::domain::StsMode;
use crate::tls::parameters::TlsVersion;
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
    // Who says HELO cannot use STARTTLS: that is the other cause.
    if said_helo_alone(facts) {
        return None;
    }
    let mut argument = cleared(facts)?;
    match facts
        .sender
        .map(|sender| (&sender.client_tls, &sender.name))
    {
        Some((ClientTls::ByOption(how), _)) => argument = argument.for_(how),
        Some((ClientTls::Default, name)) => {
            argument = argument.against(format!("{name} uses TLS by default where it is offered"));
        }
        Some((ClientTls::Never | ClientTls::Unread, _)) | None => {}
    }
    if let Some(other) = tls_elsewhere(facts) {
        argument = argument.against(format!("{} used TLS on hop {}", facts.client, other.number));
    }
    if let Some(at) = facts.around.tls_after.or(facts.around.tls_before) {
        argument = argument.against(format!(
            "{} reached {} with TLS on {}",
            facts.client,
            facts.server,
            day(at)
        ));
    } else if let Some(text) = elsewhere(facts) {
        argument = argument.against(text);
    } else if facts.around.elsewhere_clear_sound > 0 {
        argument = argument.for_(format!(
            "{} used TLS with none of {} other receivers",
            facts.client, facts.around.elsewhere_clear_to
        ));
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
        Some(probe) if probe.is_lacking() => {
            with_witness(Argument::new(Strength::Weak, Basis::Probe).against(format!(
                "{} gave a probe {}",
                facts.server,
                probe.lack()
            )))
        }
        _ => {
            let argument = with_witness(Argument::new(Strength::Weak, Basis::Message));
            if argument.for_.is_empty() {
                if facts.hop.tls.state == TlsState::Unstated {
                    return Some(argument.for_("nothing says that TLS was used"));
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
pub(super) fn tls_elsewhere<'a>(facts: &Facts<'a>) -> Option<&'a Hop> {
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
                .for_(&*sender.habit)
                .for_(format!("{} wrote the line before", sender.name)),
        );
    }
    let from = facts.hop.received.from.as_ref()?;
    if facts.said_ehlo() != Some(false) {
        return None;
    }
    let helo = from.helo.as_deref().unwrap_or_default();
    let nameless = from
        .rdns
        .as_deref()
        .is_none_or(|name| name.eq_ignore_ascii_case("unknown"));
    let odd = helo.is_empty() || owner(helo).is_none();
    let alone = said_helo_alone(facts);
    if !(alone || odd || nameless) || facts.client_line.is_some_and(is_credible) {
        return None;
    }
    let mut argument = Argument::new(Strength::Weak, Basis::Message).for_(format!(
        "\"with {}\": the client said HELO, which knows no STARTTLS",
        facts.with
    ));
    if alone {
        argument = argument.for_("the message began there, with no server's line before it");
    }
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

/// The message began at a client that greeted with HELO.
pub(super) fn said_helo_alone(facts: &Facts<'_>) -> bool {
    facts.said_ehlo() == Some(false) && facts.hop.number == 1
}

pub(super) fn fell_back(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop()
        || facts.hop.tls.state != TlsState::Cleartext
        || said_helo_alone(facts)
    {
        return None;
    }
    let probe = facts
        .probe
        .as_ref()
        .filter(|probe| !probe.session.is_empty());
    let reproduced = probe.is_some_and(|probe| {
        probe
            .session
            .iter()
            .any(|seen| matches!(seen.reaction, Reaction::HandshakeFailed(_)))
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
    } else if probe.is_some_and(ProbeFacts::is_lacking) {
        argument.strength = Strength::Unlikely;
        return Some(argument.against(format!(
            "no handshake with {} begins, so none can fail",
            facts.server
        )));
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
            argument.against(&*sender.habit)
        }
        (OnFailure::ClearAfter(wait), Some(delay)) if delay < wait => {
            argument.strength = Strength::Unlikely;
            argument.against(format!("{}; this hop took {}", sender.habit, span(delay)))
        }
        (OnFailure::ClearAfter(_), Some(delay)) => argument
            .for_(&*sender.habit)
            .for_(format!("this hop took {}", span(delay))),
        (OnFailure::ClearAtOnce | OnFailure::ClearSometime, _) => argument.for_(&*sender.habit),
        (OnFailure::ClearAfter(_) | OnFailure::ClearWhenMarked | OnFailure::Unread, _) => {
            argument.strength = argument.strength.max(Strength::Weak);
            argument.for_(&*sender.habit)
        }
    })
}

pub(super) fn stripped_in_transit(facts: &Facts<'_>) -> Option<Argument> {
    // Who says HELO is offered no extension that could be taken away.
    if !facts.is_open_relay_hop() || said_helo_alone(facts) {
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
    if let Some(at) = facts.around.tls_after.or(facts.around.tls_before) {
        argument = argument.against(format!("TLS came about on the same path on {}", day(at)));
    }
    Some(argument.against("STARTTLS reached us untouched, though on another path"))
}

pub(super) fn tls_not_required(facts: &Facts<'_>) -> Option<Argument> {
    (facts.is_open_relay_hop() && facts.chain.message.tls_not_required).then(|| {
        Argument::new(Strength::Weak, Basis::Message)
            .for_("the message has \"TLS-Required: No\" (RFC 8689)")
            .against("a sender should use STARTTLS all the same where it works")
    })
}

/// The receiver speaks TLS, and only such as new libraries no longer have.
/// This program's own library is a new one.
pub(super) fn library_too_new(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    let probe = facts.probe.as_ref()?;
    let failure = probe.session.iter().find_map(|seen| match seen.reaction {
        Reaction::HandshakeFailed(failure)
            if is_version_alert(failure.kind, failure.detail.alert.as_deref())
                || is_suite_alert(failure.kind, failure.detail.alert.as_deref()) =>
        {
            Some(failure)
        }
        _ => None,
    })?;
    let mut argument = Argument::new(Strength::Weak, Basis::Probe).for_(&*failure.message);
    if let Some(sender) = facts.sender
        && let Some(least) = sender.least
    {
        let text = format!("{} speaks {} and better", sender.name, least.name());
        if least >= TlsVersion::Tls12 {
            argument.strength = Strength::Moderate;
            argument = argument.for_(text);
        } else {
            argument = argument.against(text);
        }
        if let Some(library) = &sender.library {
            argument = argument.for_(format!("its TLS is that of {library}"));
        }
    } else {
        argument = argument.for_("this program's library refuses it as other new ones do");
    }
    let old = tls_elsewhere(facts)
        .and_then(|hop| hop.tls.version)
        .filter(|version| version.is_legacy());
    if let Some(version) = old {
        argument.strength = Strength::Unlikely;
        argument = argument.against(format!(
            "{} used {} on another hop",
            facts.client,
            version.name()
        ));
    }
    Some(argument)
}
