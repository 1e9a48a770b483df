//! The judgement itself, step by step.

use jiff::Timestamp;

use crate::answer::Answer;
use crate::failure::{Failure, Kind, Stage};
use crate::observed::depth::Depth;
use crate::observed::domain::{DomainObservation, HostObservation};
use crate::observed::endpoint::EndpointObservation;
use crate::tls::handshake::Handshake;
use crate::verdict::protection::{self, Enforcement, NoMail};
use crate::verdict::sight::{Sight, sight, sight_from_here};
use crate::verdict::{HostVerdict, Protection, Required, Verdict, findings, reason, senders};

/// Judges what was seen of a domain, with certificates as of `at`.
#[must_use]
pub fn assess(observation: &DomainObservation, at: Timestamp, required: Required) -> Verdict {
    let scene = Scene::new(observation, at);
    let protection = if scene.doubtful && protection::seen(&scene).endpoints == 0 {
        Protection::Unknown
    } else {
        match protection::of_domain(&scene) {
            // A resolver that does not know the control host either answers
            // for a network of its own. A null MX is the domain's own word.
            Protection::NoMail
                if scene.control_trouble().is_some()
                    && protection::no_mail(observation) != Some(NoMail::NullMx) =>
            {
                Protection::Unknown
            }
            protection => protection,
        }
    };
    let answer = answer(&scene, protection, required);
    let findings = findings::of(&scene, protection);
    let senders = senders::of_domain(&scene, protection);
    Verdict {
        at,
        required,
        protection,
        answer,
        trouble_here: answer == Answer::Unknown && trouble_here(&scene),
        reason: reason::of(&scene, protection, answer, required, senders),
        seen: protection::seen(&scene),
        senders,
        hosts: scene
            .hosts
            .iter()
            .map(|host| HostVerdict {
                host: host.host.host.clone(),
                protection: protection::of_host(&scene, host),
                senders: senders::of_host(&scene, host),
            })
            .collect(),
        findings,
    }
}

/// An observation with what each endpoint shows.
#[derive(Debug)]
pub(super) struct Scene<'o> {
    pub(super) observation: &'o DomainObservation,
    pub(super) at: Timestamp,
    /// In the order a sender would try them.
    pub(super) hosts: Vec<SeenHost<'o>>,
    /// Something negative was seen, but the control host failed too: it was
    /// turned into "not seen".
    pub(super) doubtful: bool,
}

/// A host with what its endpoints show.
#[derive(Debug)]
pub(super) struct SeenHost<'o> {
    pub(super) host: &'o HostObservation,
    pub(super) sights: Vec<(&'o EndpointObservation, Sight<'o>)>,
}

impl<'o> SeenHost<'o> {
    /// The handshakes of the endpoints that have TLS, with both certificates
    /// where an endpoint has two.
    pub(super) fn handshakes(&self) -> impl Iterator<Item = &'o Handshake> {
        self.sights
            .iter()
            .filter_map(|(endpoint, sight)| match sight {
                Sight::Tls(handshake) => Some(shown(endpoint, handshake)),
                Sight::Unproved { .. } | Sight::NoTls { .. } | Sight::NotSeen(_) => None,
            })
            .flatten()
    }
}

/// The handshake of an endpoint, and the one for its other certificate.
pub(super) fn shown<'o>(
    endpoint: &'o EndpointObservation,
    handshake: &'o Handshake,
) -> impl Iterator<Item = &'o Handshake> {
    let other = endpoint.other_certificate.done();
    std::iter::once(handshake).chain(other.and_then(|other| other.handshake.as_deref()))
}

impl<'o> Scene<'o> {
    pub(super) fn new(observation: &'o DomainObservation, at: Timestamp) -> Self {
        let hosts: Vec<SeenHost<'o>> = observation
            .hosts
            .iter()
            .map(|host| SeenHost {
                host,
                sights: host
                    .endpoints
                    .iter()
                    .map(|endpoint| (&**endpoint, sight_from_here(observation, endpoint)))
                    .collect(),
            })
            .collect();
        let doubtful = observation.control.failure().is_some()
            && hosts
                .iter()
                .flat_map(|host| &host.sights)
                .any(|(endpoint, _)| matches!(sight(endpoint), Sight::NoTls { .. }));
        Self {
            observation,
            at,
            hosts,
            doubtful,
        }
    }

    /// Whether some connections to an endpoint had STARTTLS offered and others
    /// not, and the network here may be believed.
    pub(super) fn is_inconsistent(&self, endpoint: &EndpointObservation) -> bool {
        let deep = endpoint.deep.as_deref();
        deep.is_some_and(Depth::is_inconsistent) && !self.is_doubted(endpoint)
    }

    /// Whether what an endpoint lacks may have been taken away on this network.
    pub(super) fn is_doubted(&self, endpoint: &EndpointObservation) -> bool {
        self.observation.control.failure().is_some() && endpoint.deep.is_some()
    }

    /// Why the network here cannot be believed: the control host failed, and
    /// its word was needed, since something is missing or nothing was seen.
    pub(super) fn control_trouble(&self) -> Option<&'o Failure> {
        let nothing_seen = protection::seen(self).endpoints == 0;
        self.observation
            .control
            .failure()
            .filter(|_| self.doubtful || nothing_seen)
    }

    /// The failures of the endpoints that were not seen.
    pub(super) fn unseen(
        &self,
    ) -> impl Iterator<Item = (&SeenHost<'o>, &'o EndpointObservation, Option<&'o Failure>)> {
        self.hosts.iter().flat_map(|host| {
            host.sights.iter().filter_map(move |(endpoint, sight)| {
                if let Sight::NotSeen(failure) = sight {
                    Some((host, *endpoint, *failure))
                } else {
                    None
                }
            })
        })
    }

    /// Whether an endpoint of the best preference that has addresses was seen.
    pub(super) fn best_was_seen(&self) -> bool {
        let with_address = || {
            self.hosts
                .iter()
                .filter(|host| !protection::has_no_address(host.host))
        };
        let best = with_address().map(|host| host.host.preference).min();
        with_address()
            .filter(|host| Some(host.host.preference) == best)
            .flat_map(|host| &host.sights)
            .any(|(_, sight)| !matches!(sight, Sight::NotSeen(_)))
    }
}

fn answer(scene: &Scene<'_>, protection: Protection, required: Required) -> Answer {
    if scene.doubtful {
        return Answer::Unknown;
    }
    let reached = match protection {
        Protection::Unknown => return Answer::Unknown,
        Protection::NoMail | Protection::Cleartext | Protection::Mixed | Protection::Legacy => {
            return Answer::No;
        }
        Protection::Encrypted => Required::Tls,
        Protection::Authenticated => Required::Authenticated,
        Protection::Enforced => Required::Enforced,
    };
    let order = |level: Required| match level {
        Required::Tls => 0,
        Required::Authenticated => 1,
        Required::Enforced => 2,
    };
    if order(reached) < order(required) {
        // What was not asked cannot be missing. A certificate was looked at
        // whenever there was a handshake, so `authenticated` is decided.
        let open = required == Required::Enforced
            && protection::enforcement(scene.observation) == Enforcement::Unknown;
        return if open { Answer::Unknown } else { Answer::No };
    }
    if scene.best_was_seen() {
        Answer::Yes
    } else {
        Answer::Unknown
    }
}

fn trouble_here(scene: &Scene<'_>) -> bool {
    scene.control_trouble().is_some()
        || scene.unseen().any(|(_, _, failure)| {
            failure.is_some_and(|f| {
                f.stage == Stage::Proxy
                    || matches!(f.kind, Kind::Port25Blocked | Kind::TooManyOpenFiles)
            })
        })
}
