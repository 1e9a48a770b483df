//! One conversation with an endpoint for all domains whose mail it takes.
//!
//! Entry points: [`Plan::new`], and [`Plan::visitor`] for what a
//! [`Prober`](crate::probe::Prober) of one domain is given. A conversation is
//! known by address, port and the name asked for; what it showed is kept while
//! domains ask for it, without its transcript. One that failed for the moment
//! is held again for a domain that is tried again. Policies of MTA-STS are
//! fetched for each domain, at the same pace.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::attempt::{Attempt, Because};
use crate::failure::{Failure, Kind};
use crate::name::HostName;
use crate::observed::endpoint::EndpointObservation;
use crate::probe::{Clock, EndpointKey, Fetched, Later, Share, Talked, Turn};
use crate::scan::exclude::Exclude;
use crate::scan::once::Once;
use crate::scan::pace::{Limits, Pace, Permit, Waiting, Went};

/// A server that takes longer to greet is in no hurry.
const SLOW: Duration = Duration::from_secs(10);

/// The conversations of a scan.
#[derive(Debug)]
pub struct Plan {
    held: Once<EndpointKey, Kept>,
    pace: Pace,
    /// For the hosts of MTA-STS policies, which are others than those of mail,
    /// or other programs on them.
    policies: Pace,
    exclude: Exclude,
    counts: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    endpoints: AtomicU64,
    connections: AtomicU64,
    policies: AtomicU64,
}

/// What was done in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Endpoints talked to, and connections opened to them.
    pub endpoints: u64,
    pub connections: u64,
    /// Connections for policies of MTA-STS.
    pub policies: u64,
}

#[derive(Debug, Clone)]
struct Kept {
    result: Result<Arc<Talked>, Because>,
    /// It may be otherwise in a while.
    passing: bool,
    at: Instant,
}

impl Plan {
    /// Keeps at most `most` conversations.
    #[must_use]
    pub fn new(limits: Limits, exclude: Exclude, clock: Clock, most: usize) -> Self {
        let pace = Pace::new(limits, clock);
        Self {
            held: Once::new(most),
            policies: pace.beside(),
            pace,
            exclude,
            counts: Counters::default(),
        }
    }

    /// Who asks on behalf of one domain. What failed for the moment before
    /// `since` is asked again.
    #[must_use]
    pub fn visitor(self: &Arc<Self>, since: Option<Instant>) -> Arc<dyn Share> {
        Arc::new(Visitor {
            plan: Arc::clone(self),
            since,
        })
    }

    /// Whether a domain is to be left alone.
    #[must_use]
    pub fn excludes(&self, domain: &str) -> bool {
        self.exclude.covers_name(domain)
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            endpoints: of(&self.counts.endpoints),
            connections: of(&self.counts.connections),
            policies: of(&self.counts.policies),
        }
    }

    /// Who is waited for most.
    #[must_use]
    pub fn longest_queue(&self) -> Option<Waiting> {
        self.pace.longest_queue()
    }

    async fn hold<'a>(
        &self,
        key: &EndpointKey,
        hold: &(dyn Fn() -> Later<'a, Talked> + Send + Sync),
    ) -> Kept {
        let Some(permit) = self.pace.enter(key.host.as_ref(), key.address).await else {
            return Kept {
                result: Err(Because::HostOverloaded),
                passing: true,
                at: Instant::now(),
            };
        };
        let mut talked = hold().await;
        let observation = &talked.observation;
        self.pace.leave(permit, went(observation));
        self.counts.endpoints.fetch_add(1, Ordering::Relaxed);
        self.counts
            .connections
            .fetch_add(observation.connections.into(), Ordering::Relaxed);
        let passing = passing(observation).is_some();
        // What no result of a scan shows is not kept.
        let kept = Arc::make_mut(&mut talked.observation);
        kept.transcript = Vec::new();
        if key.base.is_none()
            && let Attempt::Done(handshake) = &mut kept.handshake
        {
            for certificate in &mut handshake.chain {
                certificate.der = Vec::new();
            }
        }
        Kept {
            result: Ok(Arc::new(talked)),
            passing,
            at: Instant::now(),
        }
    }
}

/// How a conversation went for the one we talked to.
fn went(observation: &EndpointObservation) -> Went {
    if let Some(failure) = passing(observation) {
        return match failure.kind {
            Kind::ConnectUnreachable | Kind::TooManyOpenFiles => Went::Nowhere,
            _ => Went::TurnedAway,
        };
    }
    if observation.timings.greeting.is_some_and(|took| took > SLOW) {
        return Went::Slowly;
    }
    Went::Well
}

/// Why nothing, or nothing of its TLS, was seen of an endpoint, where that may
/// pass.
#[must_use]
pub fn passing(observation: &EndpointObservation) -> Option<&Failure> {
    let steps = [
        observation.connect.failure(),
        observation.greeting.failure(),
        observation.ehlo.failure(),
        observation.starttls.failure(),
        observation.handshake.failure(),
    ];
    steps
        .into_iter()
        .flatten()
        .next()
        .filter(|failure| failure.kind.is_transient())
}

/// One domain's way to the shared conversations.
#[derive(Debug)]
struct Visitor {
    plan: Arc<Plan>,
    since: Option<Instant>,
}

impl Share for Visitor {
    fn endpoint<'a>(
        &'a self,
        key: EndpointKey,
        hold: &'a (dyn Fn() -> Later<'a, Talked> + Send + Sync),
    ) -> Later<'a, Result<Arc<Talked>, Because>> {
        Box::pin(async move {
            if self.plan.exclude.covers(key.host.as_ref(), key.address) {
                return Err(Because::Excluded);
            }
            let recent =
                |kept: &Kept| !kept.passing || self.since.is_none_or(|since| kept.at >= since);
            self.plan
                .held
                .of(&key, recent, || self.plan.hold(&key, hold))
                .await
                .result
        })
    }

    fn policy_host<'a>(
        &'a self,
        host: &'a HostName,
        address: IpAddr,
    ) -> Later<'a, Result<Box<dyn Turn>, Because>> {
        Box::pin(async move {
            let plan = &self.plan;
            if plan.exclude.covers(Some(host), address) {
                return Err(Because::Excluded);
            }
            let entered = plan.policies.enter(Some(host), address).await;
            let permit = entered.ok_or(Because::HostOverloaded)?;
            Ok(Box::new(PolicyTurn {
                plan: Arc::clone(plan),
                permit,
            }) as Box<dyn Turn>)
        })
    }
}

/// The right to one connection to a host of policies.
#[derive(Debug)]
struct PolicyTurn {
    plan: Arc<Plan>,
    permit: Permit,
}

impl Turn for PolicyTurn {
    fn over(self: Box<Self>, fetched: Fetched) {
        let went = match fetched {
            Fetched::Connected => Went::Well,
            Fetched::PutOff => Went::TurnedAway,
            // The host may be gone, and others of the address are not.
            Fetched::Nowhere => Went::Nowhere,
        };
        let made = u64::from(fetched != Fetched::Nowhere);
        self.plan.counts.policies.fetch_add(made, Ordering::Relaxed);
        self.plan.policies.leave(self.permit, went);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plan() -> Arc<Plan> {
        let limits = Limits {
            per_host: 1,
            spacing: Duration::ZERO,
            rate: None,
            connections: 100,
            shards: 1,
        };
        Arc::new(Plan::new(
            limits,
            Exclude::default(),
            Clock::compressed(100),
            16,
        ))
    }

    fn host() -> HostName {
        HostName::from_dns("policies.big.example")
    }

    async fn turn(visitor: &Arc<dyn Share>) -> Option<Result<Box<dyn Turn>, Because>> {
        let (host, address) = (host(), "192.0.2.1".parse().unwrap());
        tokio::time::timeout(
            Duration::from_millis(30),
            visitor.policy_host(&host, address),
        )
        .await
        .ok()
    }

    #[tokio::test]
    async fn fetches_of_policies_wait_for_each_other_and_heed_who_asks_for_peace() {
        let plan = plan();
        let visitor = plan.visitor(None);
        let first = turn(&visitor).await.unwrap().unwrap();
        assert!(turn(&visitor).await.is_none(), "two at once");
        // Mail to the same address is another matter.
        assert!(
            plan.pace
                .enter(Some(&host()), "192.0.2.1".parse().unwrap())
                .await
                .is_some()
        );
        first.over(Fetched::Connected);
        turn(&visitor)
            .await
            .unwrap()
            .unwrap()
            .over(Fetched::Nowhere);
        assert_eq!(plan.counts().policies, 1);
        // Five seconds, twice as many each time, and then no more.
        for _ in 0..crate::scan::pace::MOST_REFUSALS {
            let (host, address) = (host(), "192.0.2.1".parse().unwrap());
            let turn = visitor.policy_host(&host, address).await.unwrap();
            turn.over(Fetched::PutOff);
        }
        let refused = turn(&visitor).await.unwrap();
        assert_eq!(refused.err(), Some(Because::HostOverloaded));
    }
}
