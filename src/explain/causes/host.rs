//! Causes in which host, address or family took the mail, where they differ.

use super::receiver::{endpoint, identified, probed};
use super::{Argument, Basis, Strength};
use crate::explain::facts::{Facts, Family, OwnTls, ProbeFacts, Seen, session_family};

pub(super) fn mx_host_differs(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let (good, bad, lacks) = compare(probe)?;
    if identified(probe) && probe.is_lacking() {
        return Some(
            Argument::new(Strength::Strong, Basis::Probe)
                .for_(format!("{bad}, which wrote this line, {lacks}"))
                .for_(format!("{good} has it")),
        );
    }
    if identified(probe) && probe.is_sound() {
        return Some(
            Argument::new(Strength::Unlikely, Basis::Probe)
                .for_(format!("{bad} {lacks}"))
                .against(format!("{}, which wrote this line, has it", facts.server)),
        );
    }
    Some(
        Argument::new(Strength::Weak, Basis::Probe)
            .for_(format!("{bad} {lacks}; {good} has working STARTTLS"))
            .against("the line does not tell which of them took the mail"),
    )
}

/// One endpoint with TLS and one without, of the whole observation, and what
/// that one lacks.
fn compare(probe: &ProbeFacts<'_>) -> Option<(String, String, &'static str)> {
    let all = || probe.session.iter().chain(&probe.others);
    let good = all().find(|seen| seen.reaction.is_tls())?;
    let bad = probe
        .session
        .iter()
        .chain(&probe.others)
        .find(|seen| seen.reaction.lacks_tls())?;
    Some((endpoint(good), endpoint(bad), lacks(bad)))
}

/// A server whose TLS is old has TLS.
fn lacks(seen: &Seen<'_>) -> &'static str {
    match seen.own_tls() {
        Some(OwnTls::Unspoken) => "has only TLS that this client does not speak",
        Some(OwnTls::Unfinished) => "finishes no handshake with this client",
        None => "lacks working STARTTLS",
    }
}

pub(super) fn backup_mx_took_it(facts: &Facts<'_>) -> Option<Argument> {
    let place = facts.preference.filter(|_| facts.is_open_relay_hop())?;
    if place.of_host <= place.best {
        return None;
    }
    let place_text = format!(
        "{} has preference {} for {}, others {}",
        facts.server, place.of_host, place.domain, place.best
    );
    let argument = |strength| Argument::new(strength, Basis::Probe).for_(&*place_text);
    let Some(probe) = probed(facts) else {
        return Some(argument(Strength::Weak));
    };
    let primary = || {
        let of_domain = probe.observation.domain == *place.domain;
        let others = probe.others.iter().filter(move |_| of_domain);
        others.filter(|seen| seen.host.preference == place.best)
    };
    if probe.is_sound() {
        return Some(argument(Strength::Unlikely).against("it has working STARTTLS as well"));
    }
    if !probe.is_lacking() {
        return Some(argument(Strength::Weak));
    }
    if primary().any(|seen| seen.reaction.lacks_tls()) {
        return Some(
            argument(Strength::Unlikely).against("the preferred host lacks working STARTTLS too"),
        );
    }
    let known = identified(probe);
    Some(if primary().any(|seen| seen.reaction.is_tls()) {
        argument(if known {
            Strength::Strong
        } else {
            Strength::Weak
        })
        .for_("it lacks working STARTTLS, the preferred host has it")
    } else {
        argument(if known {
            Strength::Moderate
        } else {
            Strength::Weak
        })
        .for_("it lacks working STARTTLS")
    })
}

pub(super) fn address_family_differs(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let host = probe.host?;
    let family = session_family(facts.hop)?;
    let is_host = |seen: &&Seen<'_>| std::ptr::eq(seen.host, host);
    let of = |seen: &&Seen<'_>| Family::of(seen.endpoint.address);
    let all = || probe.session.iter().chain(&probe.others).filter(is_host);
    let here = || all().filter(|seen| of(seen) == family);
    let other = || all().filter(|seen| of(seen) != family);
    let here_lacks = here().any(|seen| seen.reaction.lacks_tls());
    let other_lacks = other().any(|seen| seen.reaction.lacks_tls());
    let here_tls = here().any(|seen| seen.reaction.is_tls());
    let other_tls = other().any(|seen| seen.reaction.is_tls());
    let word = family.word();
    if !here_tls && here_lacks && other_tls {
        let strength = if identified(probe) {
            Strength::Strong
        } else {
            Strength::Weak
        };
        return Some(
            Argument::new(strength, Basis::Probe)
                .for_(format!("the client came by {word}"))
                .for_(format!(
                    "{} lacks working STARTTLS on {word} and has it otherwise",
                    host.host
                )),
        );
    }
    (here_tls && !other_tls && other_lacks).then(|| {
        Argument::new(Strength::Excluded, Basis::Probe).against(format!(
            "the client came by {word}, on which {} has working STARTTLS",
            host.host
        ))
    })
}
