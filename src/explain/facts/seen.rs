//! What a probe of the receiver saw, as it bears on one hop: which of the
//! endpoints may have taken it, and what came of STARTTLS at each.

use std::net::IpAddr;

use jiff::Timestamp;

use super::NEAR_DAYS;
use crate::attempt::{Attempt, Because};
use crate::explain::pair::Match;
use crate::explain::{MatchedBy, ObservedFrom};
use crate::failure::{Failure, Fault, Kind};
use crate::observed::domain::{DomainObservation, HostObservation, StsMode};
use crate::observed::endpoint::{EndpointObservation, Verb};
use crate::tls::handshake::Handshake;

/// What a probe of the receiver saw.
#[derive(Debug, Clone)]
pub struct ProbeFacts<'a> {
    pub matched_by: MatchedBy,
    pub observation: &'a DomainObservation,
    pub host: Option<&'a HostObservation>,
    pub from: ObservedFrom,
    /// Whole days from the hop to the probe, negative where it came before;
    /// none where the line has no date.
    pub age_days: Option<i64>,
    /// The endpoints that may have taken this hop: of the matched host or
    /// address, of the session's address family where both were seen.
    pub session: Vec<Seen<'a>>,
    /// The other endpoints of the same observation.
    pub others: Vec<Seen<'a>>,
}

/// One endpoint and what came of STARTTLS there.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub host: &'a HostObservation,
    pub endpoint: &'a EndpointObservation,
    pub reaction: Reaction<'a>,
}

/// What came of STARTTLS at one endpoint.
#[derive(Debug, Clone, Copy)]
pub enum Reaction<'a> {
    /// The handshake succeeded.
    Tls(&'a Handshake),
    /// EHLO was answered without the keyword.
    NotOffered,
    /// The keyword or the command is overwritten by something in between.
    Masked,
    /// EHLO was refused and HELO taken.
    EhloRefused,
    /// STARTTLS was answered 4yz.
    RefusedForNow(&'a Failure),
    /// STARTTLS was answered 5yz.
    Refused(&'a Failure),
    /// 220, then no handshake.
    HandshakeFailed(&'a Failure),
    /// It could not be seen; that says nothing about the server.
    Unseen(Option<&'a Failure>),
}

impl Reaction<'_> {
    /// Whether TLS could be had by us.
    #[must_use]
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether it was seen that TLS could not be had by us.
    #[must_use]
    pub fn lacks_tls(self) -> bool {
        !matches!(self, Self::Tls(_) | Self::Unseen(_))
    }
}

/// How a server speaks TLS with which no handshake came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnTls {
    /// With nothing that this client has.
    Unspoken,
    /// It answered a hello, or broke off at the end.
    Unfinished,
}

impl Seen<'_> {
    /// Whether the server speaks TLS though no handshake came to its end.
    #[must_use]
    pub fn own_tls(&self) -> Option<OwnTls> {
        let Reaction::HandshakeFailed(failure) = self.reaction else {
            return None;
        };
        let hello = self.endpoint.raw_hello.as_ref();
        if failure.kind == Kind::HandshakeIncompatible {
            Some(OwnTls::Unspoken)
        } else if hello.is_some_and(|hello| hello.version.is_some())
            || failure.detail.alert.as_deref() == Some("certificate_required")
        {
            Some(OwnTls::Unfinished)
        } else {
            None
        }
    }
}

impl<'a> ProbeFacts<'a> {
    pub(super) fn read(
        found: &Match<'a>,
        from: ObservedFrom,
        at: Option<Timestamp>,
        family: Option<Family>,
    ) -> Self {
        let observation = found.observation;
        // A network that blocks or rewrites port 25 makes every receiver look
        // guilty: after a failed control only successes count.
        let control = observation.control.failure();
        let all = observation.hosts.iter().flat_map(|host| {
            host.endpoints.iter().map(move |endpoint| Seen {
                host,
                endpoint,
                reaction: match (react(endpoint), control) {
                    (reaction, Some(failure)) if reaction.lacks_tls() => {
                        Reaction::Unseen(Some(failure))
                    }
                    (reaction, _) => reaction,
                },
            })
        });
        let mine = |seen: &Seen<'_>| match (found.matched_by, found.host) {
            (MatchedBy::None, _) => false,
            (_, Some(host)) => std::ptr::eq(seen.host, host),
            (_, None) => true,
        };
        let (mut session, mut others): (Vec<_>, Vec<_>) = all.partition(mine);
        // The address the line names, else the family of the session: the
        // server's addresses of the other family cannot have taken it.
        let narrow = |seen: &Seen<'_>| match found.address {
            Some(address) => seen.endpoint.address == address,
            None => family.is_none_or(|family| family == Family::of(seen.endpoint.address)),
        };
        if session.iter().any(narrow) {
            let (near, far): (Vec<_>, Vec<_>) = session.into_iter().partition(narrow);
            session = near;
            others.extend(far);
        }
        Self {
            matched_by: found.matched_by,
            observation,
            host: found.host,
            from,
            age_days: at.map(|at| (observation.at.as_second() - at.as_second()) / 86_400),
            session,
            others,
        }
    }

    /// Every endpoint that was seen at all gave TLS, and at least one was seen.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.session.iter().any(|seen| seen.reaction.is_tls())
            && !self.session.iter().any(|seen| seen.reaction.lacks_tls())
    }

    /// Every endpoint that was seen at all lacks TLS, and at least one was.
    #[must_use]
    pub fn is_lacking(&self) -> bool {
        self.session.iter().any(|seen| seen.reaction.lacks_tls())
            && !self.session.iter().any(|seen| seen.reaction.is_tls())
    }

    /// What it gave a probe, where it is lacking: never "no TLS" of a server
    /// that speaks it, though not with this client.
    #[must_use]
    pub fn lack(&self) -> &'static str {
        let lacking = self.session.iter().filter(|seen| seen.reaction.lacks_tls());
        match lacking.filter_map(Seen::own_tls).next() {
            Some(OwnTls::Unspoken) => "only TLS that this client does not speak",
            Some(OwnTls::Unfinished) => "no handshake to its end, though it speaks TLS",
            None => "no TLS",
        }
    }

    /// Whether the line tells which host it was, so that the probe asked the
    /// very one.
    #[must_use]
    pub fn is_identified(&self) -> bool {
        matches!(self.matched_by, MatchedBy::Address | MatchedBy::HostName)
    }

    #[must_use]
    pub fn is_near(&self) -> bool {
        self.age_days.is_some_and(|days| days.abs() <= NEAR_DAYS)
    }

    /// The distance in time in words: "the probe came 18 days after the hop".
    #[must_use]
    pub fn distance(&self) -> String {
        match self.age_days {
            None => "the line has no date to hold the probe against".into(),
            Some(0) => "the probe came within a day of the hop".into(),
            Some(1) => "the probe came a day after the hop".into(),
            Some(-1) => "the probe was made a day before the hop".into(),
            Some(days @ 2..800) => format!("the probe came {days} days after the hop"),
            Some(days) if days > 0 => {
                format!("the probe came {} years after the hop", days / 365)
            }
            Some(days) => format!("the probe was made {} days before the hop", -days),
        }
    }

    /// Handshakes of the endpoints that may have taken the hop.
    pub fn handshakes(&self) -> impl Iterator<Item = &'a Handshake> {
        self.session.iter().filter_map(|seen| match seen.reaction {
            Reaction::Tls(handshake) => Some(handshake),
            _ => None,
        })
    }

    /// Whether policies were looked for at all.
    #[must_use]
    pub fn policies_asked(&self) -> bool {
        !matches!(self.observation.mta_sts.record, Attempt::Skipped(_))
    }

    /// The mode of the MTA-STS policy, where one was read.
    #[must_use]
    pub fn sts_mode(&self) -> Option<StsMode> {
        Some(self.observation.mta_sts.policy.done()?.mode)
    }

    /// Whether the receiver publishes a TLSA record a sender could use.
    #[must_use]
    pub fn has_usable_tlsa(&self) -> bool {
        let hosts = self.session.iter().map(|seen| seen.host);
        hosts
            .filter_map(|host| host.tlsa.done())
            .any(|tlsa| tlsa.records.iter().any(|record| record.usable))
    }

    /// What on this machine or in its network hindered the probe.
    pub(super) fn trouble(&self) -> Option<String> {
        if let Attempt::Failed(failure) = &self.observation.control {
            return Some(failure.message.clone());
        }
        self.session
            .iter()
            .chain(&self.others)
            .find_map(|seen| match seen.reaction {
                Reaction::Unseen(Some(failure)) if failure.kind.fault() == Fault::Here => {
                    Some(failure.message.clone())
                }
                _ => None,
            })
    }
}

/// What came of STARTTLS at an endpoint.
#[must_use]
pub fn react(endpoint: &EndpointObservation) -> Reaction<'_> {
    match &endpoint.handshake {
        Attempt::Done(handshake) => return Reaction::Tls(handshake),
        Attempt::Failed(failure) => {
            return match failure.kind {
                Kind::HandshakeAlert
                | Kind::HandshakeNotTls
                | Kind::HandshakeIncompatible
                | Kind::ClosedByPeer
                | Kind::ValidationFailure => Reaction::HandshakeFailed(failure),
                _ => Reaction::Unseen(Some(failure)),
            };
        }
        Attempt::Skipped(_) => {}
    }
    match &endpoint.starttls {
        Attempt::Failed(failure) => match failure.kind {
            Kind::StarttlsTemporary => Reaction::RefusedForNow(failure),
            Kind::StarttlsRejected => Reaction::Refused(failure),
            Kind::StarttlsMasked => Reaction::Masked,
            Kind::StarttlsNotSupported => Reaction::NotOffered,
            _ => Reaction::Unseen(Some(failure)),
        },
        Attempt::Skipped(Because::NotOffered) => match endpoint.ehlo.done() {
            Some(reply) if reply.verb == Verb::Helo => Reaction::EhloRefused,
            _ => Reaction::NotOffered,
        },
        Attempt::Skipped(_) | Attempt::Done(_) => Reaction::Unseen(
            endpoint
                .connect
                .failure()
                .or_else(|| endpoint.greeting.failure())
                .or_else(|| endpoint.ehlo.failure()),
        ),
    }
}

/// The address family of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}
