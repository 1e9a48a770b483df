//! Causes at the receiver.
//!
//! A probe now, by another client from another address, can show what the
//! receiver does, not what it did with that client that day. So a receiver
//! that is sound today makes these causes unlikely where the probe stands near
//! the hop, and never excludes them.

use super::around::{burst, day, elsewhere};
use super::client::said_helo_alone;
use super::{Argument, Basis, Strength};
use crate::explain::MatchedBy;
use crate::explain::facts::{Facts, ProbeFacts, Reaction, Seen, span, utc};
use crate::explain::sender::OnRefusal;
use crate::failure::Kind;
use crate::observed::endpoint::Verb;
use crate::trace::evidence::TlsState;

/// The facts with a probe that spoke about the receiver of an open hop.
pub(super) fn probed<'f, 'a>(facts: &'f Facts<'a>) -> Option<&'f ProbeFacts<'a>> {
    facts
        .probe
        .as_ref()
        .filter(|probe| facts.is_open_relay_hop() && !probe.session.is_empty())
}

pub(super) fn not_offered(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    let server = &facts.server;
    let Some(probe) = probed(facts) else {
        // Without a probe only another message can speak.
        let mut argument = Argument::new(Strength::Weak, Basis::Message);
        if let Some(text) = facts.witness() {
            argument.strength = Strength::Unlikely;
            return Some(argument.against(text));
        }
        if let Some(text) = taken_from_others(facts) {
            argument.strength = Strength::Unlikely;
            return Some(argument.against(text));
        }
        if facts.hop.tls.state != TlsState::Cleartext {
            return None;
        }
        return Some(argument.for_(format!("no probe has cleared {server}")));
    };
    // A server that knows HELO alone has a cause of its own.
    let helo_only = |seen: &Seen<'_>| matches!(seen.reaction, Reaction::EhloRefused);
    if !probe.session.is_empty() && probe.session.iter().all(helo_only) {
        return None;
    }
    let absent = |seen: &&Seen<'_>| matches!(seen.reaction, Reaction::NotOffered);
    if probe.is_lacking()
        && probe.session.iter().any(|s| absent(&s))
        && probe
            .session
            .iter()
            .all(|s| absent(&s) || !s.reaction.lacks_tls())
    {
        let strength = if identified(probe) {
            Strength::Moderate
        } else {
            Strength::Weak
        };
        let mut argument = Argument::new(strength, Basis::Probe);
        for seen in probe.session.iter().filter(absent).take(3) {
            argument = argument.for_(format!("{} answers EHLO without STARTTLS", endpoint(seen)));
        }
        if let Some(text) = facts.witness() {
            argument = argument.against(text);
        }
        return Some(argument);
    }
    if probe.is_lacking() || probe.is_sound() {
        let offered = format!("{} now", offers(facts, probe));
        return Some(if probe.is_near() {
            Argument::new(Strength::Unlikely, Basis::Probe).against(offered)
        } else {
            let weak = Argument::new(Strength::Weak, Basis::Probe)
                .for_(probe.distance())
                .against(offered);
            match facts.witness() {
                Some(text) => Argument {
                    strength: Strength::Unlikely,
                    ..weak
                }
                .against(text),
                None => weak,
            }
        });
    }
    None
}

/// That the receiver took TLS before and after, by the messages given together.
fn taken_from_others(facts: &Facts<'_>) -> Option<String> {
    let around = &facts.around;
    let before = around.others_before.or(around.tls_before)?;
    let after = around.others_after.or(around.tls_after)?;
    Some(format!(
        "{} took TLS on {} and on {}",
        facts.server,
        day(before),
        day(after)
    ))
}

pub(super) fn offered_selectively(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() || said_helo_alone(facts) {
        return None;
    }
    let mut argument = Argument::new(Strength::Weak, Basis::Probe);
    if let Some(text) = facts.witness() {
        argument = argument.for_(text);
    } else if facts.around.others_tls > 0 {
        argument = argument.for_(format!(
            "{} took TLS from others in {} messages",
            facts.server, facts.around.others_tls
        ));
    }
    if !argument.for_.is_empty()
        && let Some(text) = elsewhere(facts)
    {
        argument = argument.for_(text);
    }
    if let Some(at) = facts.around.tls_after.or(facts.around.tls_before) {
        argument = argument.against(format!(
            "{} reached it with TLS on {}",
            facts.client,
            day(at)
        ));
    }
    if let Some(probe) = probed(facts) {
        if probe.is_lacking() {
            return None;
        }
        if probe.session.iter().any(|seen| seen.reaction.lacks_tls())
            && probe.session.iter().any(|seen| seen.reaction.is_tls())
        {
            argument = argument.for_("its addresses do not all answer alike");
        }
        if probe.has_usable_tlsa() {
            argument = argument.against(
                "its domain publishes TLSA records, with which this is forbidden (RFC 7672, \
                 section 9.2)",
            );
        }
    }
    (!argument.for_.is_empty()).then_some(argument)
}

pub(super) fn remembers_failure(facts: &Facts<'_>) -> Option<Argument> {
    let software = facts.hop.software.as_ref()?;
    (facts.is_open_relay_hop() && software.name.eq_ignore_ascii_case("Haraka")).then(|| {
        let argument = Argument::new(Strength::Weak, Basis::Message)
            .for_("Haraka can stop offering STARTTLS to a client for an hour after a failure");
        // A session with TLS within the hour before fits: it may have failed
        // after the handshake.
        let before = facts
            .at
            .zip(facts.around.tls_before)
            .filter(|(at, before)| at.duration_since(*before).as_hours() < 1);
        match before {
            Some((_, before)) => argument.for_(format!(
                "{} last reached it with TLS at {}",
                facts.client,
                utc(before)
            )),
            None => argument.against("it does so only where that is turned on"),
        }
    })
}

pub(super) fn temporarily_refused(facts: &Facts<'_>) -> Option<Argument> {
    refusal(facts, |reaction| match reaction {
        Reaction::RefusedForNow(failure) => Some(failure.detail.code.unwrap_or(454)),
        _ => None,
    })
}

pub(super) fn refused(facts: &Facts<'_>) -> Option<Argument> {
    refusal(facts, |reaction| match reaction {
        Reaction::Refused(failure) => Some(failure.detail.code.unwrap_or(500)),
        _ => None,
    })
}

fn refusal(facts: &Facts<'_>, code: fn(&Reaction<'_>) -> Option<u16>) -> Option<Argument> {
    let probe = probed(facts)?;
    let refusing: Vec<_> = probe
        .session
        .iter()
        .filter_map(|seen| Some((seen, code(&seen.reaction)?)))
        .collect();
    if refusing.is_empty() {
        return probe.is_sound().then(|| {
            Argument::new(Strength::Unlikely, Basis::Probe).against(takes_now(facts, probe))
        });
    }
    let mut argument = Argument::new(
        if identified(probe) && probe.is_lacking() {
            Strength::Moderate
        } else {
            Strength::Weak
        },
        Basis::Probe,
    );
    for (seen, code) in refusing.iter().take(3) {
        argument = argument.for_(format!("{} answers STARTTLS with {code}", endpoint(seen)));
    }
    match facts.sender.map(|sender| (sender.on_refusal, &sender.name)) {
        Some((OnRefusal::GoesOnInClear, name)) => {
            argument = argument.for_(format!("{name} then goes on in cleartext by default"));
        }
        Some((OnRefusal::DoesNotDeliver, name)) => {
            argument = argument.against(format!("{name} by default does not deliver then"));
        }
        Some((OnRefusal::Unread, _)) | None => {}
    }
    if let Some(text) = facts.witness() {
        argument = argument.against(text);
    }
    Some(argument)
}

/// The receiver limits new TLS sessions, or all sessions.
pub(super) fn overloaded(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    let said = probed(facts).and_then(|probe| {
        probe.session.iter().find_map(|seen| {
            let failure = match seen.reaction {
                Reaction::RefusedForNow(failure) | Reaction::Unseen(Some(failure)) => failure,
                _ => return None,
            };
            let heard = failure.heard.as_deref()?;
            speaks_of_load(heard).then_some((seen, heard))
        })
    });
    let burst = burst(facts);
    if said.is_none() && burst.is_none() {
        return None;
    }
    let mut argument = Argument::new(
        Strength::Weak,
        if said.is_some() {
            Basis::Probe
        } else {
            Basis::Message
        },
    );
    if let Some((seen, heard)) = said {
        let heard: String = String::from_utf8_lossy(heard).chars().take(120).collect();
        argument = argument.for_(format!("{} told a probe \"{heard}\"", endpoint(seen)));
    }
    if let Some(text) = burst {
        argument = argument.for_(text);
    }
    Some(argument)
}

/// A reply about load and limits: Postfix smtpd.c says "too many new TLS
/// sessions", "too many connections"; others "try again later", "busy", "load".
fn speaks_of_load(heard: &[u8]) -> bool {
    const WORDS: &[&str] = &[
        "too many",
        "too much",
        "rate limit",
        "limit exceeded",
        "overload",
        "system load",
        "load average",
        "too busy",
        "server busy",
        "insufficient system resources",
    ];
    let text = String::from_utf8_lossy(heard).to_ascii_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}

pub(super) fn masked(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let masked: Vec<_> = probe
        .session
        .iter()
        .filter(|seen| matches!(seen.reaction, Reaction::Masked))
        .collect();
    if masked.is_empty() {
        return None;
    }
    let mut argument = Argument::new(
        if identified(probe) {
            Strength::Moderate
        } else {
            Strength::Weak
        },
        Basis::Probe,
    );
    for seen in masked.iter().take(3) {
        argument = argument.for_(format!(
            "the dialogue with {} shows a middlebox that overwrites STARTTLS",
            endpoint(seen)
        ));
    }
    if let Some(text) = facts.witness() {
        argument = argument.against(text);
    }
    Some(argument)
}

pub(super) fn ehlo_refused(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let refuses = |seen: &&Seen<'_>| matches!(seen.reaction, Reaction::EhloRefused);
    let seen = probe.session.iter().find(refuses)?;
    let text = format!("{} refuses EHLO and takes HELO", endpoint(seen));
    if facts.said_ehlo() == Some(true) {
        return Some(
            Argument::new(Strength::Excluded, Basis::Probe)
                .for_(text)
                .against(format!("\"with {}\" says that EHLO was taken", facts.with)),
        );
    }
    let strength = if identified(probe) {
        Strength::Strong
    } else {
        Strength::Weak
    };
    let mut argument = Argument::new(strength, Basis::Probe).for_(text);
    if facts.said_ehlo() == Some(false) {
        argument = argument.for_(format!("the line says \"with {}\"", facts.with));
    }
    Some(argument)
}

pub(super) fn greeting_lacks_esmtp(facts: &Facts<'_>) -> Option<Argument> {
    if facts.said_ehlo() != Some(false) {
        return None;
    }
    let probe = probed(facts)?;
    let seen = probe.session.iter().find(|seen| {
        let greeting = seen.endpoint.greeting.done();
        let ehlo = seen.endpoint.ehlo.done();
        greeting.is_some_and(|reply| !reply.lines.iter().any(|line| says_esmtp(line)))
            && ehlo.is_some_and(|reply| reply.verb == Verb::Ehlo)
    })?;
    Some(
        Argument::new(Strength::Weak, Basis::Probe)
            .for_(format!(
                "the greeting of {} has no word ESMTP",
                endpoint(seen)
            ))
            .for_(format!(
                "the line says \"with {}\": HELO, not EHLO",
                facts.with
            )),
    )
}

fn says_esmtp(line: &[u8]) -> bool {
    line.windows(5)
        .any(|word| word.eq_ignore_ascii_case(b"ESMTP"))
}

pub(super) fn greylisted(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let failure = probe.session.iter().find_map(|seen| match seen.reaction {
        Reaction::Unseen(Some(failure))
            if matches!(
                failure.kind,
                Kind::GreetingTemporary | Kind::GreetingRejected | Kind::EhloTemporary
            ) =>
        {
            Some(failure)
        }
        _ => None,
    })?;
    let mut argument = Argument::new(Strength::Weak, Basis::Probe).for_(&*failure.message);
    if let Some(delay) = facts.hop.delay.filter(|delay| delay.as_secs() >= 300) {
        argument = argument.for_(format!("the hop took {}", span(delay)));
    }
    Some(argument.against("this explains a delay, or a probe that saw nothing, not cleartext"))
}

/// Certificate names and pools do not tell which machine it was.
pub(super) fn identified(probe: &ProbeFacts<'_>) -> bool {
    matches!(
        probe.matched_by,
        MatchedBy::Address | MatchedBy::HostName | MatchedBy::CertificateName
    )
}

/// A host with its address, as to be named in text.
pub(super) fn endpoint(seen: &Seen<'_>) -> String {
    format!("{} ({})", seen.host.host, seen.endpoint.address)
}

/// "mx1.partner.example offers STARTTLS, on both of its addresses".
pub(super) fn offers(facts: &Facts<'_>, probe: &ProbeFacts<'_>) -> String {
    let offering = probe
        .session
        .iter()
        .filter(|seen| {
            !matches!(
                seen.reaction,
                Reaction::Unseen(_)
                    | Reaction::NotOffered
                    | Reaction::EhloRefused
                    | Reaction::Masked
            )
        })
        .count();
    format!(
        "{} offers STARTTLS{}",
        receiver(facts, probe),
        addresses(offering)
    )
}

/// "mx1.partner.example completes handshakes now (TLSv1.3)".
pub(super) fn takes_now(facts: &Facts<'_>, probe: &ProbeFacts<'_>) -> String {
    let version = probe.handshakes().map(|h| h.version).min();
    let version = version.map_or(String::new(), |version| format!(" ({})", version.name()));
    format!(
        "{} completes handshakes now{version}",
        receiver(facts, probe)
    )
}

fn receiver(facts: &Facts<'_>, probe: &ProbeFacts<'_>) -> String {
    match probe.matched_by {
        MatchedBy::Pool | MatchedBy::MxSet | MatchedBy::None => {
            format!(
                "every MX host of {} that was seen",
                probe.observation.domain
            )
        }
        MatchedBy::CertificateName => probe.host.map_or_else(
            || facts.server.clone(),
            |host| format!("{}, whose certificate names {},", host.host, facts.server),
        ),
        MatchedBy::Address | MatchedBy::HostName => facts.server.clone(),
    }
}

fn addresses(count: usize) -> &'static str {
    match count {
        0 | 1 => "",
        2 => ", on both of its addresses",
        _ => ", on all of its addresses",
    }
}
