//! A sender whose mail demands TLS on the whole way (RFC 8689).
//!
//! It needs four things of a host (RFC 8689, section 2): TLS, a certificate that
//! proves the name, the name vouched for by a signed MX answer or an MTA-STS
//! policy that lists it, and the keyword inside TLS. Hosts that lack one are
//! passed over; when none is left the mail is returned (section 4.2.1).

use crate::observed::domain::{Dnssec, HostObservation, MxSource, StsMode};
use crate::observed::endpoint::EndpointObservation;
use crate::verdict::Delivery;
use crate::verdict::Senders;
use crate::verdict::assess::Scene;
use crate::verdict::certificates::{Dates, common_name_only, dates};
use crate::verdict::policies::authenticates;
use crate::verdict::protection::{mx_dnssec, sts_mode};
use crate::verdict::sight::Sight;

/// What it does at one address; none where that was not seen.
pub(super) fn at(
    scene: &Scene<'_>,
    host: &HostObservation,
    endpoint: &EndpointObservation,
    sight: &Sight<'_>,
) -> Option<Delivery> {
    let handshake = match sight {
        Sight::Tls(handshake) => handshake,
        Sight::NoTls { .. } => return Some(Delivery::SkipsHost),
        // What it says inside TLS was not seen.
        Sight::Unproved { .. } | Sight::NotSeen(_) => return None,
    };
    // RFC 8689, section 4.2.1 takes a DNS-ID or a CN-ID.
    let by_common_name = common_name_only(handshake)
        && handshake.pkix.is_done()
        && handshake.identity.is_done()
        && dates(handshake, scene.at, scene.observation.at) == Dates::InTime;
    if !authenticates(scene, host, handshake) && !by_common_name {
        return Some(Delivery::SkipsHost);
    }
    if !endpoint.requiretls()? {
        return Some(Delivery::SkipsHost);
    }
    name_is_vouched_for(scene, host).map(|vouched| {
        if vouched {
            Delivery::DeliversAuthenticated
        } else {
            Delivery::SkipsHost
        }
    })
}

/// Whether the way from the domain to the host's name was proved; none where
/// that is not known.
fn name_is_vouched_for(scene: &Scene<'_>, host: &HostObservation) -> Option<bool> {
    let mx = scene.observation.mx.done()?;
    // Without MX records the name is the domain's own.
    if mx.source == MxSource::Implicit {
        return Some(true);
    }
    let by_policy = host.mta_sts_listed == Some(true)
        && matches!(
            sts_mode(scene.observation),
            Some(StsMode::Enforce | StsMode::Testing)
        );
    match mx_dnssec(scene.observation) {
        _ if by_policy => Some(true),
        Some(Dnssec::Secure) => Some(true),
        Some(Dnssec::Insecure) if scene.observation.mta_sts.record.is_done() => Some(false),
        Some(Dnssec::Insecure | Dnssec::Unvalidated) | None => None,
    }
}

/// What it does with mail for the domain: any host that suits it will do.
pub(super) fn of_domain(hosts: &[Senders]) -> Delivery {
    let words = || hosts.iter().map(|senders| senders.requiretls);
    if words().any(|word| word == Delivery::DeliversAuthenticated) {
        Delivery::DeliversAuthenticated
    } else if hosts.is_empty() || words().any(|word| word == Delivery::Unknown) {
        Delivery::Unknown
    } else {
        Delivery::Refuses
    }
}
