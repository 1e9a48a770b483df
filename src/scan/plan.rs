//! One conversation with an endpoint for all domains whose mail it takes.
//!
//! Entry points: [`Plan::new`], and [`Plan::visitor`] for what a
//! [`Prober`](crate::probe::Prober) of one domain is given. A conversation is
//! known by address, port and the name asked for; what it showed is kept while
//! domains ask for it, without its transcript. One that failed for the moment
//! is held again for a domain that is tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::attempt::{Attempt, Because};
use crate::failure::{Failure, Kind};
use crate::observed::endpoint::EndpointObservation;
use crate::probe::{Clock, EndpointKey, Later, Share, Talked};
use crate::scan::exclude::Exclude;
use crate::scan::once::Once;
use crate::scan::pace::{Limits, Pace, Waiting, Went};

/// A server that takes longer to greet is in no hurry.
const SLOW: Duration = Duration::from_secs(10);

/// The conversations of a scan.
#[derive(Debug)]
pub struct Plan {
    held: Once<EndpointKey, Kept>,
    pace: Pace,
    exclude: Exclude,
    endpoints: AtomicU64,
    connections: AtomicU64,
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
        Self {
            held: Once::new(most),
            pace: Pace::new(limits, clock),
            exclude,
            endpoints: AtomicU64::new(0),
            connections: AtomicU64::new(0),
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

    /// Endpoints talked to, and connections opened to them.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (
            self.endpoints.load(Ordering::Relaxed),
            self.connections.load(Ordering::Relaxed),
        )
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
        self.endpoints.fetch_add(1, Ordering::Relaxed);
        self.connections
            .fetch_add(observation.connections.into(), Ordering::Relaxed);
        let passing = passing(observation).is_some();
        // What no result of a scan shows is not kept.
        talked.observation.transcript = Vec::new();
        if key.base.is_none()
            && let Attempt::Done(handshake) = &mut talked.observation.handshake
        {
            for certificate in &mut handshake.chain {
                certificate.der = Vec::new();
            }
        }
        Kept {
            // A clone is no larger than what it holds.
            result: Ok(Arc::new(talked.clone())),
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
}
