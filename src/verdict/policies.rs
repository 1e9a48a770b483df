//! What DANE and MTA-STS ask of a host, and what a sender that follows them
//! then does, in terms of what was seen.

use jiff::Timestamp;

use crate::attempt::{Attempt, Because};
use crate::dane::outcome::{self, Action, Channel, Lookup};
use crate::failure::Kind;
use crate::mta_sts::evaluate::{self, Evaluation, Seen};
use crate::mta_sts::pattern::Pattern;
use crate::mta_sts::policy::Policy;
use crate::observed::domain::{Dnssec, DomainObservation, HostObservation, Tlsa, TlsaRecord};
use crate::observed::endpoint::EndpointObservation;
use crate::tls::handshake::{Handshake, KeyKind};
use crate::verdict::assess::{Scene, shown};
use crate::verdict::certificates::{Dates, dane_holds, dates, pkix_holds};
use crate::verdict::sight::Sight;

/// Whether a handshake proves the host's name to a sender that looks at all.
/// With usable TLSA records only they count: a trusted certificate does not
/// make up for records that do not match (RFC 8461, section 2), and none is
/// asked for where they do (RFC 7672, section 3.1).
pub(super) fn authenticates(
    scene: &Scene<'_>,
    host: &HostObservation,
    handshake: &Handshake,
) -> bool {
    if usable_tlsa(host).is_some() {
        dane_holds(handshake, scene.at, scene.observation.at)
    } else {
        pkix_holds(handshake, scene.at, scene.observation.at)
    }
}

/// RFC 7672, section 2.2: only secure records with at least one usable count.
pub(super) fn usable_tlsa(host: &HostObservation) -> Option<&Tlsa> {
    host.tlsa
        .done()
        .filter(|tlsa| tlsa.dnssec == Dnssec::Secure && tlsa.records.iter().any(|r| r.usable))
}

/// What the search for TLSA records obliges a sender to; none where that is
/// not known: no claim about DANE rests on an answer that nobody validated.
pub(super) fn dane_action(host: &HostObservation) -> Option<Action> {
    match &host.tlsa {
        Attempt::Failed(_) => Some(Action::of(Lookup::Error)),
        Attempt::Skipped(Because::AddressInsecure) => Some(Action::of(Lookup::InsecureOrNone)),
        Attempt::Skipped(_) => None,
        Attempt::Done(tlsa) => match tlsa.dnssec {
            Dnssec::Unvalidated => None,
            Dnssec::Insecure => Some(Action::of(Lookup::InsecureOrNone)),
            Dnssec::Secure => {
                let records: Vec<_> = tlsa.records.iter().map(TlsaRecord::record).collect();
                Some(Action::of(Lookup::Secure(&records)))
            }
        },
    }
}

/// What a sender that follows DANE does at one address.
pub(super) fn dane_conduct(
    scene: &Scene<'_>,
    action: Action,
    endpoint: &EndpointObservation,
    sight: &Sight<'_>,
) -> outcome::Conduct {
    let channel = match sight {
        Sight::NotSeen(_) => Channel::NotSeen,
        // Whether it would prove its name is not known, nor whether the sender
        // still takes what is outdated.
        Sight::Unproved { outdated, .. } if *outdated || action == Action::Authenticate => {
            Channel::NotSeen
        }
        Sight::Unproved { .. } => Channel::Unauthenticated,
        // Which of two certificates a sender gets depends on what it offers.
        Sight::Tls(handshake)
            if action == Action::Authenticate && differ(scene, endpoint, handshake) =>
        {
            Channel::NotSeen
        }
        Sight::NoTls { .. } => Channel::NoTls,
        Sight::Tls(handshake) if dane_holds(handshake, scene.at, scene.observation.at) => {
            Channel::Authenticated
        }
        Sight::Tls(_) => Channel::Unauthenticated,
    };
    outcome::conduct(action, channel, false)
}

/// Whether one certificate of an endpoint matches its TLSA records and the
/// other does not.
fn differ(scene: &Scene<'_>, endpoint: &EndpointObservation, handshake: &Handshake) -> bool {
    let holds = |handshake| dane_holds(handshake, scene.at, scene.observation.at);
    shown(endpoint, handshake).any(|other| holds(other) != holds(handshake))
}

/// A host of which one certificate matches its TLSA records and the other does
/// not, with the kind of key of each.
pub(super) fn half_matched<'s>(
    scene: &'s Scene<'_>,
) -> Option<(&'s HostObservation, KeyKind, KeyKind)> {
    let holds = |handshake: &Handshake| dane_holds(handshake, scene.at, scene.observation.at);
    let key = |handshake: &Handshake| handshake.chain.first().and_then(KeyKind::of);
    let binding = scene
        .hosts
        .iter()
        .filter(|host| usable_tlsa(host.host).is_some());
    binding
        .flat_map(|host| host.sights.iter().map(|sight| (host.host, sight)))
        .find_map(|(host, (endpoint, sight))| {
            let Sight::Tls(handshake) = sight else {
                return None;
            };
            let of = |wanted: bool| {
                let mut shown = shown(endpoint, handshake);
                key(shown.find(|handshake| holds(handshake) == wanted)?)
            };
            Some((host, of(true)?, of(false)?))
        })
}

/// What a sender that follows MTA-STS does at one address; none without a
/// policy.
pub(super) fn sts_conduct(
    scene: &Scene<'_>,
    host: &HostObservation,
    sight: &Sight<'_>,
) -> Option<evaluate::Conduct> {
    let policy = policy(scene.observation)?;
    let evaluation = sts_evaluation(scene, &policy, host, sight);
    Some(evaluate::conduct(policy.mode, &evaluation))
}

fn sts_evaluation(
    scene: &Scene<'_>,
    policy: &Policy,
    host: &HostObservation,
    sight: &Sight<'_>,
) -> Evaluation {
    let seen = match sight {
        Sight::NotSeen(_) | Sight::Unproved { .. } => Seen::Nothing,
        Sight::NoTls { .. } => Seen::NoTls,
        Sight::Tls(handshake) => Seen::Tls {
            version: handshake.version,
            pkix: pkix(handshake, scene.at, scene.observation.at),
            // RFC 8461, section 4.2: not the common name.
            dns_names: handshake
                .chain
                .first()
                .map_or(&[], |leaf| leaf.alternative_names()),
        },
    };
    evaluate::evaluate(policy, &host.host, &seen)
}

/// Whether a path to a trusted root holds, as of a time.
fn pkix(handshake: &Handshake, at: Timestamp, observed: Timestamp) -> Result<(), Kind> {
    match (dates(handshake, at, observed), &handshake.pkix) {
        (Dates::Expired(_), _) => Err(Kind::CertificateExpired),
        (Dates::NotYet(_), _) => Err(Kind::CertificateNotYetValid),
        (Dates::InTime, Attempt::Done(())) => Ok(()),
        (Dates::InTime, Attempt::Failed(failure)) => Err(failure.kind),
        (Dates::InTime, Attempt::Skipped(_)) => Err(Kind::ValidationFailure),
    }
}

/// The policy that was fetched.
fn policy(observation: &DomainObservation) -> Option<Policy> {
    let policy = observation.mta_sts.policy.done()?;
    Some(Policy {
        mode: policy.mode,
        max_age: policy.max_age,
        mx: policy
            .mx
            .iter()
            .filter_map(|mx| Pattern::parse(mx).ok())
            .collect(),
    })
}
