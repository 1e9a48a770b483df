//! Causes at the receiver.
//!
//! A probe now, by another client from another address, can show what the
//! receiver does, not what it did with that client that day. So a receiver
//! that is sound today makes these causes unlikely where the probe stands near
//! the hop, and never excludes them.

use super::{Argument, Basis, Strength};
use crate::explain::MatchedBy;
use crate::explain::facts::{Facts, Family, ProbeFacts, Reaction, Seen, session_family, span};
use crate::explain::sender::{OnFailure, OnRefusal};
use crate::failure::Kind;
use crate::observed::domain::StsMode;
use crate::observed::endpoint::Verb;
use crate::trace::evidence::{Says, TlsState};

/// The facts with a probe that spoke about the receiver of an open hop.
fn probed<'f, 'a>(facts: &'f Facts<'a>) -> Option<&'f ProbeFacts<'a>> {
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
        if let Some(text) = facts.witnesses(Says::Tls).next() {
            argument.strength = Strength::Unlikely;
            return Some(argument.against(text));
        }
        if facts.hop.tls.state != TlsState::Cleartext {
            return None;
        }
        return Some(argument.for_(format!("no probe has cleared {server}")));
    };
    let absent =
        |seen: &&Seen<'_>| matches!(seen.reaction, Reaction::NotOffered | Reaction::EhloRefused);
    if probe.is_lacking()
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
        if let Some(text) = facts.witnesses(Says::NoTls).next() {
            argument = argument.for_(text);
        }
        if let Some(text) = facts.witnesses(Says::Tls).next() {
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
            match facts.witnesses(Says::Tls).next() {
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

pub(super) fn offered_selectively(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    let mut argument = Argument::new(Strength::Weak, Basis::Probe);
    if let Some(text) = facts.witnesses(Says::Tls).next() {
        argument = argument.for_(text);
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
        Argument::new(Strength::Weak, Basis::Message)
            .for_("Haraka can stop offering STARTTLS to a client for an hour after a failure")
            .against("it does so only where that is turned on")
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
    match facts.sender.map(|sender| (sender.on_refusal, sender.name)) {
        Some((OnRefusal::GoesOnInClear, name)) => {
            argument = argument.for_(format!("{name} then goes on in cleartext by default"));
        }
        Some((OnRefusal::DoesNotDeliver, name)) => {
            argument = argument.against(format!("{name} by default does not deliver then"));
        }
        Some((OnRefusal::Unread, _)) | None => {}
    }
    if let Some(text) = facts.witnesses(Says::Tls).next() {
        argument = argument.against(text);
    }
    Some(argument)
}

/// Failed handshakes of the session's endpoints that this tells apart.
fn failing<'p, 'a>(
    probe: &'p ProbeFacts<'a>,
    is_kind: impl Fn(Kind, Option<&str>) -> bool + 'p,
) -> impl Iterator<Item = (&'p Seen<'a>, &'a str)> + 'p {
    probe
        .session
        .iter()
        .filter_map(move |seen| match seen.reaction {
            Reaction::HandshakeFailed(failure)
                if is_kind(failure.kind, failure.detail.alert.as_deref()) =>
            {
                Some((seen, failure.message.as_str()))
            }
            _ => None,
        })
}

fn is_version_alert(kind: Kind, alert: Option<&str>) -> bool {
    kind == Kind::HandshakeAlert && alert == Some("protocol_version")
}

fn is_suite_alert(kind: Kind, alert: Option<&str>) -> bool {
    kind == Kind::HandshakeIncompatible
        || (kind == Kind::HandshakeAlert
            && matches!(alert, Some("handshake_failure" | "insufficient_security")))
}

fn is_certificate_alert(kind: Kind, alert: Option<&str>) -> bool {
    kind == Kind::HandshakeAlert && alert == Some("certificate_required")
}

pub(super) fn handshake_fails(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let own = |kind, alert: Option<&str>| {
        !is_version_alert(kind, alert)
            && !is_suite_alert(kind, alert)
            && !is_certificate_alert(kind, alert)
    };
    let failures: Vec<_> = failing(probe, own).collect();
    if failures.is_empty() {
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
    for (_, message) in failures.iter().take(3) {
        argument = argument.for_(*message);
    }
    Some(sender_after_failure(facts, argument))
}

pub(super) fn legacy_version(facts: &Facts<'_>) -> Option<Argument> {
    handshake_alert(
        facts,
        is_version_alert,
        "the server wants a version below TLS 1.2",
    )
}

pub(super) fn suites_incompatible(facts: &Facts<'_>) -> Option<Argument> {
    handshake_alert(
        facts,
        is_suite_alert,
        "the server speaks TLS, but shares no version or suite with this client",
    )
}

pub(super) fn client_certificate_demanded(facts: &Facts<'_>) -> Option<Argument> {
    handshake_alert(
        facts,
        is_certificate_alert,
        "the server wants a client certificate",
    )
}

fn handshake_alert(
    facts: &Facts<'_>,
    is_kind: fn(Kind, Option<&str>) -> bool,
    reading: &str,
) -> Option<Argument> {
    let probe = probed(facts)?;
    let failures: Vec<_> = failing(probe, is_kind).collect();
    if failures.is_empty() {
        return None;
    }
    // What the sender's own library accepts is not known, so never more than
    // possible by this alone.
    let mut argument = Argument::new(Strength::Weak, Basis::Probe).for_(reading);
    for (_, message) in failures.iter().take(3) {
        argument = argument.for_(*message);
    }
    Some(sender_after_failure(facts, argument))
}

/// A failed handshake explains cleartext with some senders only.
fn sender_after_failure(facts: &Facts<'_>, mut argument: Argument) -> Argument {
    let Some(sender) = facts.sender else {
        return argument;
    };
    match sender.on_failure {
        OnFailure::Never => {
            argument.strength = argument.strength.max(Strength::Weak);
            argument.against(sender.habit)
        }
        OnFailure::ClearAfter(wait) if facts.hop.delay.is_some_and(|delay| delay < wait) => {
            argument.strength = argument.strength.max(Strength::Weak);
            argument.against(sender.habit)
        }
        OnFailure::ClearWhenMarked => argument.against(sender.habit),
        OnFailure::ClearAfter(_) | OnFailure::ClearAtOnce | OnFailure::ClearSometime => {
            argument.for_(sender.habit)
        }
    }
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
    if let Some(text) = facts.witnesses(Says::Tls).next() {
        argument = argument.against(text);
    }
    Some(argument)
}

pub(super) fn mx_host_differs(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let (good, bad) = compare(probe)?;
    if identified(probe) && probe.is_lacking() {
        return Some(
            Argument::new(Strength::Strong, Basis::Probe)
                .for_(format!(
                    "{bad}, which wrote this line, lacks working STARTTLS"
                ))
                .for_(format!("{good} has it")),
        );
    }
    if identified(probe) && probe.is_sound() {
        return Some(
            Argument::new(Strength::Unlikely, Basis::Probe)
                .for_(format!("{bad} lacks working STARTTLS"))
                .against(format!("{}, which wrote this line, has it", facts.server)),
        );
    }
    Some(
        Argument::new(Strength::Weak, Basis::Probe)
            .for_(format!("{bad} lacks working STARTTLS, {good} has it"))
            .against("the line does not tell which of them took the mail"),
    )
}

/// One endpoint with TLS and one without, of the whole observation.
fn compare(probe: &ProbeFacts<'_>) -> Option<(String, String)> {
    let all = || probe.session.iter().chain(&probe.others);
    let good = all().find(|seen| seen.reaction.is_tls())?;
    let bad = probe
        .session
        .iter()
        .chain(&probe.others)
        .find(|seen| seen.reaction.lacks_tls())?;
    Some((endpoint(good), endpoint(bad)))
}

pub(super) fn backup_mx_took_it(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let host = probe.host?;
    let best = probe.observation.hosts.iter().map(|h| h.preference).min()?;
    if host.preference <= best || !probe.observation.mx.is_done() {
        return None;
    }
    let primary_tls = probe
        .others
        .iter()
        .any(|seen| seen.host.preference == best && seen.reaction.is_tls());
    let place = format!(
        "{} has preference {}, others {best}",
        host.host, host.preference
    );
    if probe.is_lacking() && primary_tls {
        return Some(
            Argument::new(
                if identified(probe) {
                    Strength::Strong
                } else {
                    Strength::Weak
                },
                Basis::Probe,
            )
            .for_(place)
            .for_("it lacks working STARTTLS, the preferred host has it"),
        );
    }
    probe.is_sound().then(|| {
        Argument::new(Strength::Unlikely, Basis::Probe)
            .for_(place)
            .against("it has working STARTTLS as well")
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

pub(super) fn certificate_invalid(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let handshake = probe.handshakes().next()?;
    let failure = handshake
        .pkix
        .failure()
        .or_else(|| handshake.identity.failure());
    let insists = probe.sts_mode() == Some(StsMode::Enforce) || probe.has_usable_tlsa();
    let Some(failure) = failure else {
        let leaf = handshake.chain.first()?;
        let already = facts
            .at
            .zip(leaf.not_before)
            .is_some_and(|(at, from)| from <= at);
        return (already && handshake.pkix.is_done() && handshake.identity.is_done()).then(|| {
            Argument::new(Strength::Excluded, Basis::Message)
                .against("its certificate was valid then and is now, and names the host")
        });
    };
    let argument = Argument::new(
        if insists {
            Strength::Weak
        } else {
            Strength::Unlikely
        },
        Basis::Probe,
    )
    .for_(&*failure.message);
    Some(if insists {
        argument
            .for_("its domain publishes a policy that makes senders check")
            .against("a sender that checks should defer, not go on in cleartext")
    } else {
        argument.against(
            "an opportunistic sender does not look at the certificate (RFC 7435, section 4)",
        )
    })
}

/// Certificate names and pools do not tell which machine it was.
fn identified(probe: &ProbeFacts<'_>) -> bool {
    matches!(
        probe.matched_by,
        MatchedBy::Address | MatchedBy::HostName | MatchedBy::CertificateName
    )
}

/// A host with its address, as to be named in text.
fn endpoint(seen: &Seen<'_>) -> String {
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
fn takes_now(facts: &Facts<'_>, probe: &ProbeFacts<'_>) -> String {
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
