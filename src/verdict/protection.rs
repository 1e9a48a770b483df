//! How well mail is protected: the worst of what a sender may meet among the
//! endpoints that were seen.

use crate::attempt::{Attempt, Because};
use crate::failure::Kind;
use crate::mta_sts::evaluate::Conduct;
use crate::observed::domain::{Dnssec, DomainObservation, HostObservation, MxSource, StsMode};
use crate::verdict::assess::{Scene, SeenHost, shown};
use crate::verdict::certificates::dane_holds;
use crate::verdict::policies::{authenticates, sts_conduct, usable_tlsa};
use crate::verdict::sight::Sight;
use crate::verdict::{Protection, Seen};

/// Why a domain takes no mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoMail {
    /// It says so (RFC 7505).
    NullMx,
    /// There is no such name.
    Nxdomain,
    /// No MX record, and no address.
    NoData,
    /// MX records, but no host of them has an address.
    NoAddress,
}

/// Whether the name service says for certain that the domain takes no mail.
pub(super) fn no_mail(observation: &DomainObservation) -> Option<NoMail> {
    let mx = match &observation.mx {
        Attempt::Done(mx) => mx,
        Attempt::Failed(failure) => {
            return match failure.kind {
                // RFC 5321, section 5.1: a permanent error.
                Kind::Nxdomain => Some(NoMail::Nxdomain),
                Kind::NoData => Some(NoMail::NoData),
                _ => None,
            };
        }
        Attempt::Skipped(_) => return None,
    };
    let all_null = !mx.records.is_empty() && mx.records.iter().all(|r| r.host.as_str().is_empty());
    if mx.source == MxSource::NullMx || all_null {
        return Some(NoMail::NullMx);
    }
    if observation.hosts.is_empty() || !observation.hosts.iter().all(has_no_address) {
        return None;
    }
    // Hosts that were given in place of the domain's own say nothing of it.
    let own = |host: &HostObservation| host.host.as_str() == observation.domain.as_str();
    Some(match mx.source {
        MxSource::Implicit if observation.hosts.iter().all(own) => {
            let nonexistent = observation.hosts.iter().all(|host| {
                host.addresses
                    .failure()
                    .is_some_and(|f| f.kind == Kind::Nxdomain)
            });
            if nonexistent {
                NoMail::Nxdomain
            } else {
                NoMail::NoData
            }
        }
        // RFC 5321, section 5.1: with MX records of which none is usable the
        // domain's own address must not be used.
        MxSource::Mx | MxSource::NullMx | MxSource::Implicit => NoMail::NoAddress,
    })
}

/// Whether it is certain that a host has no address. A failed question is no
/// answer.
pub(super) fn has_no_address(host: &HostObservation) -> bool {
    if !host.endpoints.is_empty() {
        return false;
    }
    match &host.addresses {
        Attempt::Done(addresses) => addresses.list.is_empty() && addresses.partial.is_none(),
        Attempt::Failed(failure) => matches!(failure.kind, Kind::Nxdomain | Kind::NoData),
        Attempt::Skipped(_) => host.host.is_address(),
    }
}

/// The level of a whole domain.
pub(super) fn of_domain(scene: &Scene<'_>) -> Protection {
    if no_mail(scene.observation).is_some() {
        return Protection::NoMail;
    }
    let level = worst(scene, scene.hosts.iter());
    if level == Protection::Authenticated && enforced(scene) {
        Protection::Enforced
    } else {
        level
    }
}

/// The level of one host; a host without address takes no mail.
pub(super) fn of_host(scene: &Scene<'_>, host: &SeenHost<'_>) -> Protection {
    if has_no_address(host.host) {
        return Protection::NoMail;
    }
    let level = worst(scene, std::iter::once(host));
    if level == Protection::Authenticated && (dane_binds(scene, host) || sts_binds(scene, host)) {
        Protection::Enforced
    } else {
        level
    }
}

/// How many endpoints were seen.
pub(super) fn seen(scene: &Scene<'_>) -> Seen {
    let sights = || scene.hosts.iter().flat_map(|host| &host.sights);
    Seen {
        endpoints: sights()
            .filter(|(_, sight)| !matches!(sight, Sight::NotSeen(_)))
            .count(),
        of: sights().count(),
    }
}

fn worst<'s, 'o: 's>(
    scene: &Scene<'o>,
    hosts: impl Iterator<Item = &'s SeenHost<'o>>,
) -> Protection {
    let (mut with, mut without) = (0_usize, 0_usize);
    let (mut legacy, mut authenticated) = (false, true);
    for (host, (endpoint, sight)) in
        hosts.flat_map(|host| host.sights.iter().map(move |s| (host.host, s)))
    {
        match sight {
            Sight::Tls(handshake) => {
                with += 1;
                legacy |= handshake.version.is_legacy();
                // A sender may get either of two certificates.
                authenticated &= shown(endpoint, handshake)
                    .all(|handshake| authenticates(scene, host, handshake));
            }
            Sight::Unproved { outdated, .. } => {
                with += 1;
                legacy |= outdated;
                authenticated = false;
            }
            Sight::NoTls { .. } => without += 1,
            Sight::NotSeen(_) => {}
        }
        // Some machines behind the address have STARTTLS, others lack it.
        if scene.is_inconsistent(endpoint) {
            match sight {
                Sight::Tls(_) | Sight::Unproved { .. } => without += 1,
                Sight::NoTls { .. } => with += 1,
                Sight::NotSeen(_) => {}
            }
        }
    }
    match (with, without) {
        (0, 0) => Protection::Unknown,
        (0, _) => Protection::Cleartext,
        (_, 1..) => Protection::Mixed,
        _ if legacy => Protection::Legacy,
        _ if authenticated => Protection::Authenticated,
        _ => Protection::Encrypted,
    }
}

/// Whether a conforming sender insists on every host: all by DANE, or all by
/// MTA-STS.
fn enforced(scene: &Scene<'_>) -> bool {
    let mut hosts = scene.hosts.iter().filter(|h| !has_no_address(h.host));
    // RFC 7672, section 2.2.1: DANE protects the domain only where the MX
    // answer itself is secure.
    let mx_secure = mx_dnssec(scene.observation) == Some(Dnssec::Secure);
    (mx_secure && hosts.clone().all(|host| dane_binds(scene, host)))
        || hosts.all(|host| sts_binds(scene, host))
}

pub(super) fn mx_dnssec(observation: &DomainObservation) -> Option<Dnssec> {
    observation.mx.done().map(|mx| mx.dnssec)
}

/// Usable, secure TLSA records, which every endpoint seen satisfies.
fn dane_binds(scene: &Scene<'_>, host: &SeenHost<'_>) -> bool {
    usable_tlsa(host.host).is_some()
        && host.handshakes().next().is_some()
        && host
            .handshakes()
            .all(|h| dane_holds(h, scene.at, scene.observation.at))
}

/// A policy in mode enforce that every endpoint seen satisfies (RFC 8461,
/// section 5).
fn sts_binds(scene: &Scene<'_>, host: &SeenHost<'_>) -> bool {
    host.handshakes().next().is_some()
        && host
            .sights
            .iter()
            .filter(|(_, sight)| !matches!(sight, Sight::NotSeen(_)))
            .all(|(_, sight)| {
                sts_conduct(scene, host.host, sight) == Some(Conduct::DeliversAuthenticated)
            })
}

/// The mode of the policy, where one was fetched.
pub(super) fn sts_mode(observation: &DomainObservation) -> Option<StsMode> {
    observation.mta_sts.policy.done().map(|policy| policy.mode)
}

/// What is known of a domain's enforcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Enforcement {
    /// Asked, and there is none that binds.
    None,
    /// There is one, and the hosts do not satisfy it: senders that follow it
    /// keep the mail.
    Unmet,
    /// Not asked, or the question failed, or the answer cannot be believed.
    Unknown,
}

/// Whether it is certain that neither DANE nor MTA-STS binds senders. To be
/// asked below the level `enforced` only.
pub(super) fn enforcement(observation: &DomainObservation) -> Enforcement {
    // Mail programs insist or not as they are set up.
    if is_submission(observation) {
        return Enforcement::Unknown;
    }
    let mut hosts = observation
        .hosts
        .iter()
        .filter(|host| !has_no_address(host))
        .peekable();
    let by_dane = mx_dnssec(observation) == Some(Dnssec::Secure)
        && hosts.peek().is_some()
        && hosts.all(|host| usable_tlsa(host).is_some());
    if by_dane || sts_mode(observation) == Some(StsMode::Enforce) {
        // Of a host that was not seen it is not known whether it does.
        let all_seen = observation
            .hosts
            .iter()
            .filter(|host| !has_no_address(host))
            .all(|host| host.endpoints.iter().any(|e| e.handshake.is_done()));
        return if all_seen {
            Enforcement::Unmet
        } else {
            Enforcement::Unknown
        };
    }
    let sts_known = match (&observation.mta_sts.record, &observation.mta_sts.policy) {
        // RFC 8461, section 3.1: without exactly one valid record there is
        // no policy.
        (Attempt::Done(record), _) if record.id.is_none() => true,
        (Attempt::Done(_), Attempt::Done(_)) => true,
        _ => false,
    };
    let dane_known = mx_dnssec(observation) == Some(Dnssec::Insecure)
        || observation.hosts.iter().all(|host| match &host.tlsa {
            _ if has_no_address(host) => true,
            Attempt::Done(tlsa) => tlsa.dnssec != Dnssec::Unvalidated,
            Attempt::Skipped(because) => *because == Because::AddressInsecure,
            Attempt::Failed(_) => false,
        });
    if sts_known && dane_known {
        Enforcement::None
    } else {
        Enforcement::Unknown
    }
}

/// Whether what was seen is a port for mail programs: policies about mail
/// between servers were left alone for that.
pub(super) fn is_submission(observation: &DomainObservation) -> bool {
    observation.mta_sts.record == Attempt::Skipped(Because::Submission)
}
