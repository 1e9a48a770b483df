//! By what each host proves its name, for those who make a policy of it.

use jiff::Timestamp;

use crate::name::HostName;
use crate::observed::domain::DomainObservation;
use crate::verdict::assess::Scene;
use crate::verdict::certificates::{dane_holds, pkix_holds};
use crate::verdict::protection::has_no_address;
use crate::verdict::sight::Sight;

/// What every address of a host that was seen proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub host: HostName,
    /// Addresses seen, of how many.
    pub seen: usize,
    pub of: usize,
    /// A path to a trusted root, in time, for this host's name, at each of them.
    pub pkix: bool,
    /// A match with a TLSA record at each of them.
    pub dane: bool,
}

/// One for each host that has addresses, with certificates as of `at`.
#[must_use]
pub fn proofs(observation: &DomainObservation, at: Timestamp) -> Vec<Proof> {
    let scene = Scene::new(observation, at);
    let hosts = scene.hosts.iter();
    hosts
        .filter(|host| !has_no_address(host.host))
        .map(|host| {
            let seen: Vec<&Sight<'_>> = host
                .sights
                .iter()
                .map(|(_, sight)| sight)
                .filter(|sight| !matches!(sight, Sight::NotSeen(_)))
                .collect();
            let each = |holds: &dyn Fn(&crate::tls::handshake::Handshake) -> bool| {
                !seen.is_empty()
                    && seen.iter().all(|sight| match sight {
                        Sight::Tls(handshake) => !handshake.version.is_legacy() && holds(handshake),
                        Sight::Unproved { .. } | Sight::NoTls { .. } | Sight::NotSeen(_) => false,
                    })
            };
            Proof {
                host: host.host.host.clone(),
                seen: seen.len(),
                of: host.sights.len(),
                pkix: each(&|handshake| pkix_holds(handshake, at, observation.at)),
                dane: each(&|handshake| dane_holds(handshake, at, observation.at)),
            }
        })
        .collect()
}
