//! Whose trouble it is: one domain's, or that of our resolver or network.
//!
//! A resolver that dies makes every domain look broken, and a network that
//! vanishes every server. So a failure that could be ours is believed only after
//! a test: the resolver is asked for a name below a domain it knew, one that no
//! cache holds; the network is tested by the control host. While a test fails,
//! nothing is begun and nothing that depends on it is written down.
//!
//! Entry points: [`Signs::of`] for one domain's result, and [`Weather`].

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

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

/// How many domains that were resolved lately are remembered.
const KNOWN: usize = 4;

/// How many tests that went well are remembered.
const REMEMBERED: usize = 256;

/// The control host is asked no more often than this.
const CONTROL_SPACING: Duration = Duration::from_secs(5);

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
        if endpoints().any(|endpoint| put_off(endpoint)) {
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
#[derive(Debug)]
pub struct Weather {
    resolver_in_a_row: u32,
    network_in_a_row: u32,
    /// Domains that were resolved lately, the last one last.
    known: VecDeque<HostName>,
    /// There is a control host, which tells of the network.
    has_control: bool,
    /// When a test that went well began.
    resolver_fine: Option<Instant>,
    network_fine: Option<Instant>,
    /// Tests that went well lately, from beginning to end, the last one last.
    fine: VecDeque<Fine>,
    /// When a test last went wrong.
    wrong: Option<Instant>,
    control_asked: Option<Instant>,
}

/// A test that went well.
#[derive(Debug, Clone, Copy)]
struct Fine {
    begun: Instant,
    ended: Instant,
    network: bool,
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    /// Begun then; the network was tested too.
    Fine { begun: Instant, network: bool },
    /// What is wrong, in a sentence without a final dot.
    Wrong(String),
}

impl Weather {
    /// Nothing is known yet; without a control host the network is taken as it
    /// seems.
    #[must_use]
    pub fn new(has_control: bool) -> Self {
        Self {
            resolver_in_a_row: 0,
            network_in_a_row: 0,
            known: VecDeque::new(),
            has_control,
            resolver_fine: None,
            network_fine: None,
            fine: VecDeque::new(),
            wrong: None,
            // It was asked before the scan began.
            control_asked: Some(Instant::now()),
        }
    }

    /// Takes note of a domain's result, and gives what is to be tested.
    pub fn note(&mut self, signs: &Signs) -> Option<Trouble> {
        let trouble = signs.trouble;
        if let Some(known) = &signs.known {
            self.resolver_in_a_row = 0;
            if self.known.len() >= KNOWN {
                self.known.pop_front();
            }
            self.known.push_back(known.clone());
        } else if trouble == Some(Trouble::Resolver) {
            self.resolver_in_a_row += 1;
        }
        if signs.met {
            self.network_in_a_row = 0;
        } else if trouble == Some(Trouble::Network) {
            self.network_in_a_row += 1;
        }
        if self.resolver_in_a_row >= IN_A_ROW {
            Some(Trouble::Resolver)
        } else if self.has_control && (self.network_in_a_row >= IN_A_ROW || signs.control_failed) {
            Some(Trouble::Network)
        } else {
            None
        }
    }

    /// Whether trouble of this kind, met by a try that began then, is not ours:
    /// a test that began later went well.
    #[must_use]
    pub fn was_fine(&self, trouble: Trouble, began: Instant) -> bool {
        let since = |fine: Option<Instant>| fine.is_some_and(|fine| fine >= began);
        match trouble {
            Trouble::Servers => true,
            Trouble::Resolver => since(self.resolver_fine),
            Trouble::Network => !self.has_control || since(self.network_fine),
        }
    }

    /// Whether a test went well from beginning to end between two tries, the
    /// earlier of which failed then. Without one, both may have met the same
    /// outage, which is over when the test after them goes well.
    #[must_use]
    pub fn was_fine_between(&self, trouble: Trouble, failed: Instant, began: Instant) -> bool {
        let between = |network: bool| {
            self.fine
                .iter()
                .any(|test| test.begun >= failed && test.ended <= began && test.network >= network)
        };
        match trouble {
            Trouble::Servers => true,
            Trouble::Resolver => between(false),
            Trouble::Network => !self.has_control || between(true),
        }
    }

    /// Whether a test went wrong after this moment.
    #[must_use]
    pub fn was_wrong(&self, since: Instant) -> bool {
        self.wrong.is_some_and(|wrong| wrong >= since)
    }

    /// Whether the control host was last asked so long ago.
    #[must_use]
    pub fn control_is_due(&self, every: Duration) -> bool {
        self.control_asked
            .is_none_or(|asked| asked.elapsed() >= every)
    }

    /// When a test may be made.
    #[must_use]
    pub fn may_test(&self, trouble: Trouble) -> Instant {
        let now = Instant::now();
        match (trouble, self.control_asked) {
            (Trouble::Network, Some(asked)) => now.max(asked + CONTROL_SPACING),
            _ => now,
        }
    }

    /// Tests the resolver, and the network if that is wanted.
    pub fn test(
        &mut self,
        prober: &Prober,
        network: bool,
    ) -> impl Future<Output = Tested> + Send + use<> {
        let begun = Instant::now();
        if network {
            self.control_asked = Some(begun);
        }
        let prober = prober.clone();
        let known = self.known.clone();
        async move { test(&prober, known, network, begun).await }
    }

    /// Takes note of a test.
    pub fn tested(&mut self, tested: &Tested) {
        if let Tested::Fine { begun, network } = *tested {
            self.resolver_in_a_row = 0;
            self.resolver_fine = Some(begun);
            if self.fine.len() >= REMEMBERED {
                self.fine.pop_front();
            }
            self.fine.push_back(Fine {
                begun,
                ended: Instant::now(),
                network,
            });
            if network {
                self.network_in_a_row = 0;
                self.network_fine = Some(begun);
            }
        } else {
            self.wrong = Some(Instant::now());
        }
    }
}

async fn test(prober: &Prober, known: VecDeque<HostName>, network: bool, begun: Instant) -> Tested {
    // One domain may have lost its servers since; hardly all of them. Without a
    // name that was known, any answer to any question will do.
    let mut parents: Vec<String> = known.iter().map(ToString::to_string).collect();
    if parents.is_empty() {
        parents.push("example.com".to_owned());
    }
    // All at once: one after the other would take so long that an answer to the
    // last says little about the time the test began.
    let mut questions = JoinSet::new();
    for parent in parents {
        let unheard = RandomState::new().hash_one(());
        let name = HostName::from_dns(&format!("starttrace-{unheard:016x}.{parent}"));
        let prober = prober.clone();
        questions.spawn(async move { prober.resolver_trouble(&name).await });
    }
    let mut answers = false;
    let mut trouble = None;
    while let Some(asked) = questions.join_next().await {
        match asked {
            Ok(None) => {
                answers = true;
                break;
            }
            Ok(Some(failure)) => trouble = Some(failure),
            Err(_) => {}
        }
    }
    if !answers {
        let how = trouble.map_or("no answer", |failure| failure.kind.word());
        return Tested::Wrong(format!(
            "the resolver does not answer ({}: {how}), which is its trouble or this network's, \
             not the domains'",
            prober.resolver()
        ));
    }
    if network && let Some(Attempt::Failed(failure)) = prober.ask_control_again().await {
        return Tested::Wrong(failure.message);
    }
    Tested::Fine { begun, network }
}
