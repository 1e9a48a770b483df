//! Politeness: who may be connected to, and when.
//!
//! The connection budget that an operator of a mail host may count on:
//!
//! - to one address, [`Limits::per_host`] connections at once, begun at least
//!   [`Limits::spacing`] apart, and one for each name it is asked by;
//! - to one provider, by the registrable domain of its hosts and by the block
//!   of addresses (/24, /48), [`PROVIDER_FACTOR`] times as many at once;
//! - an address that turns us away (421 and other 4yz, a refused connection,
//!   silence) or takes its time (a tarpit) is asked by one connection at a time,
//!   and after each refusal left alone for 5, 10, 20 ... up to 300 seconds;
//!   after [`MOST_REFUSALS`] in a row nothing more is tried until that time is
//!   over.
//!
//! Hosts of MTA-STS policies have a budget of their own, of the same size; what
//! makes them wait is an answer of 429 or 503.
//!
//! Entry points: [`Pace::enter`] before a connection, [`Pace::leave`] with how
//! it went.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::name::HostName;
use crate::organisation::organisation;
use crate::probe::Clock;

/// How many times as many connections a provider may get as one address.
pub const PROVIDER_FACTOR: u32 = 10;

/// After so many refusals in a row an address is given up for a while.
pub const MOST_REFUSALS: u32 = 4;

/// The first pause after a refusal, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How fast others are asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Connections to one address at the same time.
    pub per_host: u32,
    /// Between the beginnings of two connections to one address.
    pub spacing: Duration,
    /// New connections a second, to anybody.
    pub rate: Option<u32>,
    /// Connections at the same time, to anybody.
    pub connections: u32,
    /// The machines that share the work: each takes its part of these limits.
    pub shards: u32,
}

impl Limits {
    /// The same for one of several machines.
    fn divided(self) -> Self {
        let shards = self.shards.max(1);
        let per_host = (self.per_host / shards).max(1);
        // What cannot be divided further is spread over time.
        let slower = (shards * per_host).div_ceil(self.per_host.max(1)).max(1);
        Self {
            per_host,
            spacing: self.spacing * slower.max(1),
            rate: self.rate.map(|rate| (rate / shards).max(1)),
            ..self
        }
    }
}

/// Says who may connect.
#[derive(Debug)]
pub struct Pace {
    limits: Limits,
    per_provider: u32,
    clock: Clock,
    hosts: Mutex<Kept<IpAddr, Host>>,
    providers: Mutex<Kept<Provider, Semaphore>>,
    everybody: Arc<Semaphore>,
    /// When the next connection to anybody may begin.
    next: Arc<Mutex<Option<Instant>>>,
}

/// Whose hosts these are, in two ways.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Provider {
    Name(String),
    Block(IpAddr),
}

/// What is known of one address.
#[derive(Debug)]
struct Host {
    slots: Arc<Semaphore>,
    /// Taken too by those who ask a host that is in trouble.
    narrow: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    name: Option<HostName>,
    waiting: u32,
    /// When the next connection may begin.
    next: Option<Instant>,
    /// Nothing is begun before.
    blocked: Option<Instant>,
    refusals: u32,
    slow: bool,
}

/// The right to one connection; it ends with the value.
#[derive(Debug)]
pub struct Permit {
    host: Arc<Host>,
    _held: Vec<OwnedSemaphorePermit>,
}

/// How a connection went, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    Well,
    /// The server answered, and took its time.
    Slowly,
    /// It turned us away, or was silent.
    TurnedAway,
    /// It says nothing about the server.
    Nowhere,
}

/// Who is waited for most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub host: String,
    pub waiting: u32,
    pub at_once: u32,
}

impl Pace {
    #[must_use]
    pub fn new(limits: Limits, clock: Clock) -> Self {
        let divided = limits.divided();
        Self {
            limits: divided,
            per_provider: (limits.per_host * PROVIDER_FACTOR / limits.shards.max(1)).max(1),
            clock,
            hosts: Mutex::default(),
            providers: Mutex::default(),
            everybody: Arc::new(Semaphore::new(limits.connections.max(1) as usize)),
            next: Arc::default(),
        }
    }

    /// The same limits for other servers at the same addresses; what is for
    /// everybody counts for both together.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            limits: self.limits,
            per_provider: self.per_provider,
            clock: self.clock,
            hosts: Mutex::default(),
            providers: Mutex::default(),
            everybody: Arc::clone(&self.everybody),
            next: Arc::clone(&self.next),
        }
    }

    /// Waits for the right to connect. None where the address has turned so
    /// many away that there is no point.
    pub async fn enter(&self, host: Option<&HostName>, address: IpAddr) -> Option<Permit> {
        let address = address.to_canonical();
        let known = self.host(address);
        let waiting = Waits::new(&known, host);
        let mut held = vec![acquire(&known.slots).await];
        loop {
            let (wait, narrow) = known.wait(self.limits.spacing, self.clock)?;
            if narrow && held.len() == 1 {
                held.push(acquire(&known.narrow).await);
                continue;
            }
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => break,
            }
        }
        if let Some(name) = host.and_then(|host| organisation(host.as_str())) {
            held.push(acquire(&self.provider(Provider::Name(name))).await);
        }
        held.push(acquire(&self.provider(Provider::Block(block(address)))).await);
        held.push(acquire(&self.everybody).await);
        if let Some(wait) = self.turn() {
            tokio::time::sleep(wait).await;
        }
        drop(waiting);
        Some(Permit {
            host: known,
            _held: held,
        })
    }

    /// Gives the right back.
    pub fn leave(&self, permit: Permit, went: Went) {
        let mut state = permit.host.state();
        match went {
            Went::Well => {
                state.refusals = 0;
                state.blocked = None;
                state.slow = false;
            }
            Went::Slowly => {
                state.refusals = 0;
                state.slow = true;
            }
            Went::TurnedAway => {
                let pause = FIRST_PAUSE
                    .saturating_mul(1 << state.refusals.min(16))
                    .min(LONGEST_PAUSE);
                state.refusals = state.refusals.saturating_add(1);
                state.blocked = Instant::now().checked_add(self.clock.real(pause));
            }
            Went::Nowhere => {}
        }
        drop(state);
    }

    /// The address that most wait for, if any do.
    #[must_use]
    pub fn longest_queue(&self) -> Option<Waiting> {
        let hosts = lock(&self.hosts);
        hosts
            .all
            .iter()
            .map(|(address, host)| (address, host.state(), host))
            .max_by_key(|(_, state, _)| state.waiting)
            .filter(|(_, state, _)| state.waiting > 0)
            .map(|(address, state, _)| Waiting {
                host: state
                    .name
                    .as_ref()
                    .map_or_else(|| address.to_string(), ToString::to_string),
                waiting: state.waiting,
                at_once: if state.refusals > 0 || state.slow {
                    1
                } else {
                    self.limits.per_host
                },
            })
    }

    fn host(&self, address: IpAddr) -> Arc<Host> {
        let per_host = self.limits.per_host as usize;
        lock(&self.hosts).of(
            address,
            || Host {
                slots: Arc::new(Semaphore::new(per_host)),
                narrow: Arc::new(Semaphore::new(1)),
                state: Mutex::default(),
            },
            Host::is_at_rest,
        )
    }

    fn provider(&self, provider: Provider) -> Arc<Semaphore> {
        let most = self.per_provider as usize;
        lock(&self.providers).of(provider, || Semaphore::new(most), |_| true)
    }

    /// How long to wait for one's turn among all.
    fn turn(&self) -> Option<Duration> {
        let apart = Duration::from_secs(1) / self.limits.rate?;
        let now = Instant::now();
        let mut next = lock(&self.next);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.clock.real(apart));
        (turn > now).then(|| turn - now)
    }
}

impl Host {
    /// How long to wait, and whether in single file; none where there is no
    /// point in waiting. With no wait at all the next turn is taken.
    fn wait(&self, spacing: Duration, clock: Clock) -> Option<(Option<Duration>, bool)> {
        let now = Instant::now();
        let mut state = self.state();
        let narrow = state.refusals > 0 || state.slow;
        if let Some(blocked) = state.blocked.filter(|blocked| *blocked > now) {
            if state.refusals >= MOST_REFUSALS {
                return None;
            }
            return Some((Some(blocked - now), narrow));
        }
        if let Some(next) = state.next.filter(|next| *next > now) {
            return Some((Some(next - now), narrow));
        }
        state.next = Some(now + clock.real(spacing));
        Some((None, narrow))
    }

    /// Whether there is nothing to remember.
    fn is_at_rest(&self) -> bool {
        let now = Instant::now();
        let state = self.state();
        let over = |time: Option<Instant>| time.is_none_or(|time| time <= now);
        let remembered =
            state.refusals > 0 && !over(state.blocked.and_then(|at| at.checked_add(LONGEST_PAUSE)));
        !remembered && over(state.next) && !state.slow
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// One who waits for a host, counted for as long as that lasts.
struct Waits<'a>(&'a Host);

impl<'a> Waits<'a> {
    fn new(host: &'a Host, name: Option<&HostName>) -> Self {
        let mut state = host.state();
        state.waiting += 1;
        if state.name.as_ref() != name {
            state.name = name.cloned();
        }
        drop(state);
        Self(host)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.waiting = state.waiting.saturating_sub(1);
    }
}

/// Values by key, of which those at rest and in nobody's hands are forgotten
/// now and then.
#[derive(Debug)]
struct Kept<K, V> {
    all: HashMap<K, Arc<V>>,
    /// Look round when there are so many.
    sweep_at: usize,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self {
            all: HashMap::new(),
            sweep_at: 1024,
        }
    }
}

impl<K: Eq + std::hash::Hash, V> Kept<K, V> {
    fn of(&mut self, key: K, new: impl FnOnce() -> V, at_rest: impl Fn(&V) -> bool) -> Arc<V> {
        if self.all.len() >= self.sweep_at {
            self.all
                .retain(|_, value| Arc::strong_count(value) > 1 || !at_rest(value));
            self.sweep_at = (self.all.len() * 2).max(1024);
        }
        Arc::clone(self.all.entry(key).or_insert_with(|| Arc::new(new())))
    }
}

async fn acquire(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(semaphore)
        .acquire_owned()
        .await
        .expect("these semaphores are never closed")
}

/// The network an address is in: /24, or /48.
fn block(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & 0xffff_ff00).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 80)).into()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LIMITS: Limits = Limits {
        per_host: 2,
        spacing: Duration::ZERO,
        rate: None,
        connections: 1000,
        shards: 1,
    };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    async fn enters(pace: &Pace, host: Option<&HostName>, to: &str) -> Option<Permit> {
        let entering = pace.enter(host, address(to));
        tokio::time::timeout(Duration::from_millis(30), entering)
            .await
            .ok()
            .flatten()
    }

    #[tokio::test]
    async fn an_address_and_a_provider_get_so_many_at_once() {
        let pace = Pace::new(LIMITS, Clock::default());
        let mut held = Vec::new();
        for at in 0..10 {
            for _ in 0..2 {
                held.push(enters(&pace, None, &format!("192.0.2.{at}")).await.unwrap());
            }
            if at == 0 {
                assert!(enters(&pace, None, "192.0.2.0").await.is_none());
            }
        }
        // The block is full; another one is not.
        assert!(enters(&pace, None, "192.0.2.99").await.is_none());
        assert!(enters(&pace, None, "192.0.3.1").await.is_some());
        pace.leave(held.pop().unwrap(), Went::Well);
        let host = HostName::parse("mx.big.example").unwrap();
        assert!(enters(&pace, Some(&host), "192.0.2.99").await.is_some());
    }

    #[tokio::test]
    async fn who_turns_us_away_is_left_alone_ever_longer() {
        let pace = Pace::new(LIMITS, Clock::compressed(100));
        for refusals in 0..MOST_REFUSALS {
            let began = Instant::now();
            let permit = pace.enter(None, address("192.0.2.1")).await.unwrap();
            let waited = began.elapsed();
            if refusals > 0 {
                let pause = Duration::from_millis(50 << (refusals - 1));
                assert!(waited >= pause - Duration::from_millis(5), "{waited:?}");
            }
            pace.leave(permit, Went::TurnedAway);
        }
        // No point in waiting any more, for anybody.
        assert!(pace.enter(None, address("192.0.2.1")).await.is_none());
        assert!(enters(&pace, None, "192.0.2.2").await.is_some());
    }

    #[tokio::test]
    async fn connections_are_begun_apart() {
        let limits = Limits {
            spacing: Duration::from_millis(20),
            ..LIMITS
        };
        let pace = Pace::new(limits, Clock::default());
        let began = Instant::now();
        for _ in 0..4 {
            let permit = pace.enter(None, address("192.0.2.1")).await.unwrap();
            pace.leave(permit, Went::Well);
        }
        assert!(began.elapsed() >= Duration::from_millis(55));
    }

    #[test]
    fn shards_divide_what_a_provider_gets() {
        let divided = Limits {
            per_host: 4,
            shards: 8,
            spacing: Duration::from_millis(100),
            rate: Some(80),
            ..LIMITS
        }
        .divided();
        assert_eq!((divided.per_host, divided.rate), (1, Some(10)));
        assert_eq!(divided.spacing, Duration::from_millis(200));
    }
}
