//! Whose trouble it is: one domain's, or that of our resolver or network.
//!
//! A resolver that dies makes every domain look broken, and a network that
//! vanishes every server. So a failure that could be ours is believed only after
//! a test: the resolver is asked for a name below a domain it knew, one that no
//! cache holds; the network is tested by the control host. While a test fails,
//! nothing is begun and nothing that depends on it is written down.
//!
//! Entry points: [`Signs::of`] for one domain's result, and [`Weather`].

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use crate::attempt::Attempt;
use crate::failure::Kind;
use crate::name::HostName;
use crate::observed::domain::DomainObservation;
use crate::observed::endpoint::EndpointObservation;
use crate::probe::Prober;
use crate::scan::plan::passing;
use crate::verdict::{Protection, Verdict};

/// So many domains in a row with the same trouble call for a test.
const IN_A_ROW: u32 = 8;

/// How long a test that went well is believed.
const BELIEVED: Duration = Duration::from_secs(2);

/// How long to wait before a test that failed is made again.
pub const AGAIN: Duration = Duration::from_secs(5);

/// Why a domain's result is not the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The resolver did not answer for it.
    Resolver,
    /// No connection was made, or the control host says that the network here
    /// cannot be believed.
    Network,
    /// The servers put us off.
    Servers,
}

/// What a domain's result shows of our own resolver and network.
#[derive(Debug, Clone)]
pub struct Signs {
    pub trouble: Option<Trouble>,
    /// The domain, where the resolver knew it.
    known: Option<HostName>,
    /// Somebody took a connection.
    met: bool,
    control_failed: bool,
}

impl Signs {
    /// The signs in one domain's result.
    #[must_use]
    pub fn of(observation: &DomainObservation, verdict: &Verdict) -> Self {
        Self {
            trouble: Trouble::of(observation, verdict),
            known: observation
                .mx
                .is_done()
                .then(|| HostName::from(observation.domain.clone())),
            met: observation
                .hosts
                .iter()
                .flat_map(|host| &host.endpoints)
                .any(|endpoint| endpoint.connect.is_done()),
            control_failed: observation.control.failure().is_some(),
        }
    }
}

impl Trouble {
    /// What may be otherwise when the domain is asked again, if anything.
    fn of(observation: &DomainObservation, verdict: &Verdict) -> Option<Self> {
        if is_passing(&observation.mx) || is_passing(&observation.mta_sts.record) {
            return Some(Self::Resolver);
        }
        let unknown = verdict.protection == Protection::Unknown;
        if unknown
            && observation
                .hosts
                .iter()
                .any(|host| is_passing(&host.addresses))
        {
            return Some(Self::Resolver);
        }
        if observation.control.failure().is_some() {
            return Some(Self::Network);
        }
        let endpoints = || observation.hosts.iter().flat_map(|host| &host.endpoints);
        let put_off = |endpoint: &EndpointObservation| {
            endpoint.connect.is_done() && passing(endpoint).is_some()
        };
        if endpoints().any(put_off) {
            return Some(Self::Servers);
        }
        if !unknown {
            return None;
        }
        let unmet = endpoints().any(|endpoint| passing(endpoint).is_some());
        let overloaded = endpoints().any(|endpoint| {
            matches!(
                endpoint.connect,
                Attempt::Skipped(crate::attempt::Because::HostOverloaded)
            )
        });
        match (overloaded, unmet) {
            (true, _) => Some(Self::Servers),
            (false, true) => Some(Self::Network),
            (false, false) => None,
        }
    }
}

fn is_passing<T>(attempt: &Attempt<T>) -> bool {
    attempt
        .failure()
        .is_some_and(|failure| failure.kind.is_transient() || failure.kind == Kind::DnsTimeout)
}

/// What is known of our own resolver and network.
#[derive(Debug, Default)]
pub struct Weather {
    resolver_in_a_row: u32,
    network_in_a_row: u32,
    /// A name that was resolved lately.
    known: Option<HostName>,
    fine_at: Option<Instant>,
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    Fine,
    /// What is wrong, in a sentence without a final dot.
    Wrong(String),
}

impl Weather {
    /// Takes note of a domain's result. True: a test is called for.
    pub fn note(&mut self, signs: &Signs) -> bool {
        let trouble = signs.trouble;
        if signs.known.is_some() {
            self.resolver_in_a_row = 0;
            self.known.clone_from(&signs.known);
        } else if trouble == Some(Trouble::Resolver) {
            self.resolver_in_a_row += 1;
        }
        if signs.met {
            self.network_in_a_row = 0;
        } else if trouble == Some(Trouble::Network) {
            self.network_in_a_row += 1;
        }
        self.resolver_in_a_row >= IN_A_ROW
            || self.network_in_a_row >= IN_A_ROW
            || signs.control_failed
    }

    /// Whether a test went well after this moment, or just before.
    #[must_use]
    pub fn was_fine(&self, since: Instant) -> bool {
        self.fine_at
            .is_some_and(|at| at >= since || since.duration_since(at) < BELIEVED / 4)
    }

    /// What to test now.
    pub fn test(&self, prober: &Prober) -> impl Future<Output = Tested> + Send + use<> {
        let prober = prober.clone();
        let below = self.known.clone();
        async move { test(&prober, below).await }
    }

    /// Takes note of a test.
    pub fn tested(&mut self, tested: &Tested) {
        if *tested == Tested::Fine {
            self.resolver_in_a_row = 0;
            self.network_in_a_row = 0;
            self.fine_at = Some(Instant::now());
        }
    }
}

async fn test(prober: &Prober, below: Option<HostName>) -> Tested {
    // Without a name that it knew, any answer to any question will do.
    let parent = below.map_or_else(|| "example.com".to_owned(), |name| name.to_string());
    let unheard = RandomState::new().hash_one(());
    let name = HostName::from_dns(&format!("starttrace-{unheard:016x}.{parent}"));
    if !prober.resolver_answers(&name).await {
        return Tested::Wrong("the resolver does not answer".to_owned());
    }
    match prober.ask_control_again().await {
        Some(Attempt::Failed(failure)) => Tested::Wrong(failure.message),
        Some(_) | None => Tested::Fine,
    }
}
