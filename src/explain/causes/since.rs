//! What was changed since the hop: by an earlier observation beside today's,
//! by dates that certificates and policies carry, and by what other messages
//! recorded at their time.
//!
//! What changed does not tell that the hop fell before the change: these
//! causes say why today's probe may not speak for that day.

use jiff::{Timestamp, civil, tz::TimeZone};

use super::around::day;
use super::{Argument, Basis, Strength};
use crate::explain::facts::{Facts, ProbeFacts, Reaction};
use crate::failure::Kind;
use crate::observed::domain::{DomainObservation, StsMode, Tlsa};
use crate::tls::handshake::Handshake;
use crate::tls::parameters::TlsVersion;

/// The observation of that time and the one of today, where there are two.
fn then_and_now<'f, 'a>(facts: &'f Facts<'a>) -> Option<(&'f ProbeFacts<'a>, &'f ProbeFacts<'a>)> {
    let then = facts.probe.as_ref()?;
    let now = facts.latest.as_ref()?;
    Some((then, now))
}

/// The newest of what was seen.
fn newest<'f, 'a>(facts: &'f Facts<'a>) -> Option<&'f ProbeFacts<'a>> {
    facts.latest.as_ref().or(facts.probe.as_ref())
}

pub(super) fn receiver_changed(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    if let Some((then, now)) = then_and_now(facts)
        && then.is_lacking() != now.is_lacking()
        && (then.is_sound() || then.is_lacking())
        && (now.is_sound() || now.is_lacking())
    {
        let word = |probe: &ProbeFacts<'_>| {
            if probe.is_sound() {
                "TLS"
            } else {
                probe.lack()
            }
        };
        return Some(
            Argument::new(Strength::Moderate, Basis::Probe).for_(format!(
                "{} gave a probe {} on {} and {} on {}",
                facts.server,
                word(then),
                day(then.observation.at),
                word(now),
                day(now.observation.at)
            )),
        );
    }
    let probe = newest(facts)?;
    let at = facts.at.filter(|_| probe.is_sound())?;
    let issued = probe
        .handshakes()
        .filter_map(|handshake| handshake.chain.first()?.not_before)
        .min()
        .filter(|issued| *issued > at)?;
    let mut argument = Argument::new(Strength::Weak, Basis::Message).for_(format!(
        "its certificate was issued on {}, after the hop",
        day(issued)
    ));
    argument = argument.against("certificates are renewed without other changes");
    if let Some(text) = facts.witness() {
        argument = argument.against(text);
    }
    Some(argument)
}

pub(super) fn certificate_changed(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    if let Some((then, now)) = then_and_now(facts) {
        let leaf = |probe: &ProbeFacts<'_>| {
            let mut leaves = probe
                .handshakes()
                .filter_map(|handshake| handshake.chain.first());
            leaves.next().map(|leaf| leaf.sha256.clone())
        };
        if let (Some(old), Some(new)) = (leaf(then), leaf(now))
            && old != new
        {
            return Some(Argument::new(Strength::Weak, Basis::Message).for_(format!(
                "it showed another certificate on {} than on {}",
                day(then.observation.at),
                day(now.observation.at)
            )));
        }
    }
    let probe = newest(facts)?;
    let at = facts.at?;
    let leaf = probe.handshakes().find_map(|handshake| {
        let failed = !handshake.pkix.is_done() || !handshake.identity.is_done();
        handshake.chain.first().filter(|_| failed)
    })?;
    let text = match (leaf.not_before, leaf.not_after) {
        (_, Some(until)) if at < until && until < probe.observation.at => {
            format!("its certificate expired on {}, after the hop", day(until))
        }
        (Some(from), _) if from > at => {
            format!("its certificate was issued on {}, after the hop", day(from))
        }
        _ => return None,
    };
    Some(
        Argument::new(Strength::Weak, Basis::Message)
            .for_(text)
            .for_("so what is wrong with it today need not have been wrong then"),
    )
}

pub(super) fn policy_changed(facts: &Facts<'_>) -> Option<Argument> {
    let probe = newest(facts).filter(|_| facts.is_open_relay_hop())?;
    let mode = probe.sts_mode()?;
    let id = |observation: &DomainObservation| observation.mta_sts.record.done()?.id.clone();
    if let Some((then, now)) = then_and_now(facts)
        && then.policies_asked()
    {
        let was = then.sts_mode();
        let same = was == Some(mode) && id(then.observation) == id(now.observation);
        if !same {
            let word = |mode: Option<StsMode>| match mode {
                None => "no MTA-STS policy".to_owned(),
                Some(StsMode::Enforce) => "an MTA-STS policy in mode enforce".to_owned(),
                Some(StsMode::Testing) => "an MTA-STS policy in mode testing".to_owned(),
                Some(StsMode::None) => "an MTA-STS policy in mode none".to_owned(),
            };
            return Some(
                Argument::new(Strength::Moderate, Basis::Message).for_(format!(
                    "its domain had {} on {}, and {} on {}",
                    word(was),
                    day(then.observation.at),
                    word(Some(mode)),
                    day(now.observation.at)
                )),
            );
        }
        // The id is to change with the policy (RFC 8461, section 3.1).
        return facts
            .at
            .is_some_and(|at| then.observation.at <= at)
            .then(|| {
                Argument::new(Strength::Excluded, Basis::Message).against(format!(
                    "its MTA-STS policy has had the same id and mode since {}",
                    day(then.observation.at)
                ))
            });
    }
    // Without an earlier sight of it only a policy that makes senders insist
    // needs explaining.
    if mode != StsMode::Enforce {
        return None;
    }
    let id = id(probe.observation)?;
    let at = facts.at?;
    let dated = date_of(&id).filter(|dated| *dated > at)?;
    Some(
        Argument::new(Strength::Weak, Basis::Message)
            .for_(format!(
                "the id of its MTA-STS policy reads as {}, after the hop",
                day(dated)
            ))
            .against("an id has no meaning but to differ from the one before"),
    )
}

/// An id that begins like a date, as many do: `20260114T0900`, `20260114090000Z`.
fn date_of(id: &str) -> Option<Timestamp> {
    let digits: String = id.chars().take_while(char::is_ascii_digit).collect();
    let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i16>().ok();
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    if !(2018..2100).contains(&year) {
        return None;
    }
    let date = civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

pub(super) fn dane_changed(facts: &Facts<'_>) -> Option<Argument> {
    let probe = newest(facts).filter(|_| facts.is_open_relay_hop())?;
    if let Some((then, now)) = then_and_now(facts) {
        let (old, new) = (tlsa(then)?, tlsa(now)?);
        let alike = old.records == new.records && old.dnssec == new.dnssec;
        if alike && !new.records.is_empty() {
            return facts
                .at
                .is_some_and(|at| then.observation.at <= at)
                .then(|| {
                    Argument::new(Strength::Excluded, Basis::Message).against(format!(
                        "its TLSA records are the same as on {}",
                        day(then.observation.at)
                    ))
                });
        }
        return (!alike).then(|| {
            Argument::new(Strength::Moderate, Basis::Message).for_(format!(
                "its TLSA records or their signatures are other ones on {} than on {}",
                day(now.observation.at),
                day(then.observation.at)
            ))
        });
    }
    // A record that holds the whole certificate (RFC 6698, section 2.1.2) is
    // no older than the certificate.
    let at = facts.at?;
    let issued = probe.handshakes().find_map(|handshake| {
        let matched = handshake.dane.done()?;
        let whole = matched.usage == 3 && matched.selector == 0;
        let issued = handshake.chain.first()?.not_before?;
        (whole && issued > at).then_some(issued)
    })?;
    Some(Argument::new(Strength::Weak, Basis::Message).for_(format!(
        "its TLSA record holds a certificate that was issued on {}, after the hop",
        day(issued)
    )))
}

fn tlsa<'a>(probe: &ProbeFacts<'a>) -> Option<&'a Tlsa> {
    let mut hosts = probe.session.iter().map(|seen| seen.host);
    hosts.find_map(|host| host.tlsa.done())
}

pub(super) fn crypto_policy_changed(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open_relay_hop() {
        return None;
    }
    if let Some((then, now)) = then_and_now(facts) {
        let failed = then.session.iter().any(|seen| {
            matches!(seen.reaction, Reaction::HandshakeFailed(failure) if is_agreement(failure.kind, failure.detail.alert.as_deref()))
        });
        if failed && now.is_sound() {
            return Some(
                Argument::new(Strength::Moderate, Basis::Probe).for_(format!(
                    "no version or suite could be agreed on {}, and it could on {}",
                    day(then.observation.at),
                    day(now.observation.at)
                )),
            );
        }
        let version =
            |probe: &ProbeFacts<'_>| probe.handshakes().map(|h: &Handshake| h.version).min();
        if let (Some(old), Some(new)) = (version(then), version(now))
            && old != new
        {
            return Some(Argument::new(Strength::Weak, Basis::Message).for_(format!(
                "it agreed on {} on {}, on {} on {}",
                old.name(),
                day(then.observation.at),
                new.name(),
                day(now.observation.at)
            )));
        }
    }
    // Lines of its own that recorded versions which are gone today.
    let last = facts.around.legacy?;
    let probe = newest(facts)?;
    let modern = probe.is_sound()
        && probe
            .handshakes()
            .all(|handshake| handshake.version >= TlsVersion::Tls12);
    modern.then(|| {
        Argument::new(Strength::Weak, Basis::Message).for_(format!(
            "{} recorded TLS below 1.2 until {}, and agrees on {} now",
            facts.server,
            day(last),
            probe
                .handshakes()
                .map(|handshake| handshake.version)
                .min()
                .map_or("TLS 1.2", TlsVersion::name)
        ))
    })
}

fn is_agreement(kind: Kind, alert: Option<&str>) -> bool {
    kind == Kind::HandshakeIncompatible
        || matches!(
            alert,
            Some("protocol_version" | "handshake_failure" | "insufficient_security")
        )
}

#[cfg(test)]
mod tests {
    use super::date_of;

    #[test]
    fn ids_that_read_as_dates() {
        for (id, day) in [
            ("20260114T0900", Some("2026-01-14")),
            ("20260114090000Z", Some("2026-01-14")),
            ("20261399", None),
            ("1768381200", None),
            ("2026", None),
            ("v2", None),
            ("", None),
        ] {
            let read = date_of(id).map(|at| at.strftime("%Y-%m-%d").to_string());
            assert_eq!(read.as_deref(), day, "{id}");
        }
    }
}
