//! Causes that other messages speak about: what the same sender did elsewhere,
//! and what the same receiver took at other times.

use jiff::Timestamp;

use super::client::{said_helo_alone, tls_elsewhere};
use super::{Argument, Basis, Strength};
use crate::explain::facts::{Facts, utc};
use crate::explain::sender::ClientTls;
use crate::failure::Kind;
use crate::trace::evidence::TlsState;

/// Messages that make a habit of what one may do by chance.
const HABIT: usize = 3;
/// Messages within a minute that a limit on new sessions may be meant for.
const BURST: usize = 10;
/// How long a sender is taken to remember, where its software is not known.
const MEMORY: jiff::SignedDuration = jiff::SignedDuration::from_hours(24 * 7);

pub(super) fn exempts_domain(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() || cannot(facts) {
        return None;
    }
    let around = &facts.around;
    if let Some(at) = around.tls_after.or(around.tls_before) {
        return Some(
            Argument::new(Strength::Unlikely, Basis::Message).against(format!(
                "{} reached {} with TLS on {}",
                facts.client,
                facts.server,
                day(at)
            )),
        );
    }
    let sound = facts.receiver_sound() || around.others_tls > 0;
    let mut argument = Argument::new(Strength::Weak, Basis::Message);
    if let Some(text) = elsewhere(facts) {
        argument = argument.for_(text);
        // Never with TLS to this host, always to others.
        if sound
            && around.clear_here >= 2
            && around.elsewhere_tls >= HABIT
            && around.elsewhere_tls_to >= 2
        {
            argument.strength = Strength::Moderate;
            argument = argument.for_(format!(
                "none of {} messages from it to {} used TLS",
                around.clear_here, facts.server
            ));
        }
    } else if let Some(other) = tls_elsewhere(facts) {
        argument = argument.for_(format!(
            "{} used TLS on hop {}, so it can",
            facts.client, other.number
        ));
    } else if facts.hop.tls.state == TlsState::Cleartext && facts.receiver_sound() {
        argument = argument.for_(format!(
            "whether {} uses TLS with others is not shown",
            facts.client
        ));
    } else {
        return None;
    }
    if facts.receiver_sound() {
        argument = argument.for_(format!("{} gave TLS to a probe", facts.server));
    } else if let Some(probe) = facts.probe.as_ref().filter(|probe| probe.is_lacking()) {
        argument = argument.against(format!("{} gave a probe {}", facts.server, probe.lack()));
    }
    Some(argument)
}

/// That the same sender used TLS with others, by the messages given together.
pub(super) fn elsewhere(facts: &Facts<'_>) -> Option<String> {
    let around = &facts.around;
    let host = around.elsewhere_host.as_ref()?;
    Some(match around.elsewhere_tls {
        0 => return None,
        1 => format!("{} used TLS with {host}", facts.client),
        n => format!(
            "{} used TLS in {n} messages to other receivers ({host})",
            facts.client
        ),
    })
}

/// A program without TLS, or a client that greets with HELO, has no settings
/// of TLS.
fn cannot(facts: &Facts<'_>) -> bool {
    said_helo_alone(facts)
        || facts
            .sender
            .is_some_and(|sender| sender.client_tls == ClientTls::Never)
}

pub(super) fn remembers_failure(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    let around = &facts.around;
    let memory = facts.sender.and_then(|sender| sender.memory.as_deref());
    let lasts = facts.sender.and_then(|sender| sender.memory_lasts);
    let before = facts
        .at
        .zip(around.tls_before)
        .filter(|(at, before)| at.duration_since(*before) <= lasts.unwrap_or(MEMORY));
    // TLS, then cleartext more than once: as if something was remembered.
    let pattern = before.filter(|_| around.clear_here >= 2);
    if memory.is_none() && (pattern.is_none() || facts.sender.is_some()) {
        return None;
    }
    let mut argument = Argument::new(Strength::Weak, Basis::Message);
    if let Some(memory) = memory {
        argument = argument.for_(memory);
    }
    if let Some((_, before)) = pattern {
        argument = argument.for_(format!(
            "{} last reached {} with TLS on {}, then {} times without",
            facts.client,
            facts.server,
            utc(before),
            around.clear_here
        ));
    }
    Some(argument)
}

pub(super) fn short_of_resources(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() || facts.hop.tls.state != TlsState::Cleartext || cannot(facts) {
        return None;
    }
    let around = &facts.around;
    if around.elsewhere_tls_then > 0 {
        return Some(
            Argument::new(Strength::Excluded, Basis::Message).against(format!(
                "{} used TLS with other receivers within the same hour",
                facts.client
            )),
        );
    }
    // Cleartext to several receivers at once, and TLS at other times.
    let able = around.elsewhere_tls > 0 || around.tls_before.is_some();
    (around.elsewhere_clear_then >= 2 && able).then(|| {
        Argument::new(Strength::Weak, Basis::Message)
            .for_(format!(
                "{} sent without TLS to {} other receivers within the same hour",
                facts.client, around.elsewhere_clear_then
            ))
            .for_("and with TLS at other times")
    })
}

pub(super) fn stripped_near_sender(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    let observation = facts.probe.as_ref().map(|probe| probe.observation);
    // Run inside the sender's network, the control host tells.
    if let Some(observation) = observation
        && let Some((mine, its)) = observation.client.address.zip(facts.client_ip())
        && is_beside(mine, its)
    {
        let place = format!("this probe left from {mine}, beside the sender's {its}");
        if let Some(failure) = observation.control.failure() {
            let stripped = matches!(
                failure.kind,
                Kind::StarttlsMasked | Kind::StarttlsNotSupported | Kind::StarttlsRejected
            );
            return stripped.then(|| {
                Argument::new(Strength::Strong, Basis::Probe)
                    .for_(place)
                    .for_(&*failure.message)
            });
        }
        if facts.receiver_sound() {
            return Some(
                Argument::new(Strength::Unlikely, Basis::Probe)
                    .against(format!("{place}, and STARTTLS reached it untouched")),
            );
        }
    }
    let around = &facts.around;
    if let Some(text) = elsewhere(facts) {
        // Said where people would think of it: others have no trouble here.
        return (around.others_tls > 0 || facts.receiver_sound())
            .then(|| Argument::new(Strength::Unlikely, Basis::Message).against(text));
    }
    (around.elsewhere_clear_sound >= 2).then(|| {
        Argument::new(Strength::Weak, Basis::Message).for_(format!(
            "{} used TLS with none of {} receivers, {} of which took it from others",
            facts.client,
            around.elsewhere_clear_to + 1,
            around.elsewhere_clear_sound
        ))
    })
}

/// Whether two addresses stand in one network: the same 24 bits, or 48.
fn is_beside(one: std::net::IpAddr, other: std::net::IpAddr) -> bool {
    use std::net::IpAddr::{V4, V6};
    match (one, other) {
        (V4(one), V4(other)) => one.to_bits() >> 8 == other.to_bits() >> 8,
        (V6(one), V6(other)) => one.to_bits() >> 80 == other.to_bits() >> 80,
        _ => false,
    }
}

pub(super) fn outage_then(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    let around = &facts.around;
    let now = facts
        .receiver_sound()
        .then(|| facts.probe.as_ref().map(|probe| probe.observation.at))
        .flatten();
    let mut argument = Argument::new(Strength::Weak, Basis::Message);
    let before = around.tls_before.or(around.others_before)?;
    let after = around.tls_after.or(around.others_after).or(now)?;
    let same = around.tls_before.is_some() && (around.tls_after.is_some() || now.is_some());
    if !same {
        // Others with TLS before and after say nothing of this sender, unless
        // it is known to use TLS too.
        elsewhere(facts)?;
    }
    let who = if same {
        facts.client.clone()
    } else {
        "others".to_owned()
    };
    argument = argument.for_(format!(
        "{who} reached {} with TLS before, on {}, and it gave TLS after, on {}",
        facts.server,
        utc(before),
        utc(after)
    ));
    if same {
        argument.strength = Strength::Moderate;
    } else if let Some(text) = elsewhere(facts) {
        argument = argument.for_(text);
    }
    Some(argument)
}

pub(super) fn burst(facts: &Facts<'_>) -> Option<String> {
    (facts.around.burst >= BURST).then(|| {
        format!(
            "{} messages came from {} within a minute of it",
            facts.around.burst, facts.client
        )
    })
}

pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
