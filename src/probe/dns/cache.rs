//! Answers already had, and questions under way.
//!
//! A question that is being asked is asked once: whoever wants the same
//! meanwhile waits for that answer. Answers are kept for as long as their
//! records live, those that say "none" as RFC 2308, section 5 has it, and both
//! no longer than an upper bound. A question that failed is not put again for
//! a few seconds (RFC 2308, section 7).
//!
//! The number of answers kept is bounded without bookkeeping at each use: there
//! are two generations, what is used moves to the younger, and when that is
//! full the older one is dropped.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_proto::rr::RecordType;
use tokio::sync::OnceCell;

use crate::failure::{Failure, Stage};
use crate::probe::dns::Answer;
use crate::probe::net::{Clock, Moment};

/// How long a failure is kept: RFC 2308, section 7.1 allows five minutes.
const FAILURE_KEPT: Duration = Duration::from_secs(5);

/// What was asked: a name in lower case, and a type.
pub type Key = (String, RecordType);

type Outcome = Result<Arc<Answer>, Box<Failure>>;

/// Keeps answers.
pub struct Cache {
    clock: Clock,
    most: usize,
    longest: Duration,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Key, Arc<Slot>>,
    old: HashMap<Key, Arc<Slot>>,
}

/// An answer, or the place where it is waited for.
type Slot = OnceCell<Kept>;

struct Kept {
    outcome: Outcome,
    since: Moment,
    span: Duration,
}

impl Cache {
    /// One that keeps about `most` answers, none longer than `longest`.
    pub fn new(clock: Clock, most: usize, longest: Duration) -> Self {
        Self {
            clock,
            most: most.max(2),
            longest,
            generations: Mutex::default(),
        }
    }

    /// The answer that is kept, or else what `ask` gives, with the time it may
    /// be kept.
    pub async fn get(
        &self,
        key: Key,
        ask: impl Future<Output = Result<(Answer, Duration), Failure>>,
    ) -> Result<Arc<Answer>, Failure> {
        let slot = self.slot(key);
        // Where whoever asks goes away, the next one who waits asks.
        let kept = slot
            .get_or_init(|| async {
                let (outcome, span) = match ask.await {
                    Ok((answer, span)) => (Ok(Arc::new(answer)), span.min(self.longest)),
                    // Trouble on this machine passes, and is nobody's answer.
                    Err(failure) if failure.stage == Stage::Local => {
                        (Err(Box::new(failure)), Duration::ZERO)
                    }
                    Err(failure) => (Err(Box::new(failure)), FAILURE_KEPT.min(self.longest)),
                };
                Kept {
                    outcome,
                    since: self.clock.moment(),
                    span,
                }
            })
            .await;
        kept.outcome.clone().map_err(|failure| *failure)
    }

    /// The place of an answer: a fresh one, one under way, or an empty one.
    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = generations.young.get(&key)
            && self.is_fresh(slot)
        {
            return Arc::clone(slot);
        }
        let slot = generations
            .old
            .remove(&key)
            .filter(|slot| self.is_fresh(slot))
            .unwrap_or_default();
        if generations.young.len() >= self.most / 2 {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(key, Arc::clone(&slot));
        slot
    }

    fn is_fresh(&self, slot: &Slot) -> bool {
        slot.get()
            .is_none_or(|kept| self.clock.since(kept.since) < kept.span)
    }

    /// How many answers are kept or waited for.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        let generations = self.generations.lock().expect("no test panics here");
        generations.young.len() + generations.old.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::failure::Kind;
    use crate::observed::domain::Dnssec;
    use hickory_proto::op::ResponseCode;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn answer() -> Answer {
        Answer {
            rcode: ResponseCode::NoError,
            dnssec: Dnssec::Insecure,
            aliases: Vec::new(),
            records: Vec::new(),
        }
    }

    fn key(name: &str) -> Key {
        (name.to_owned(), RecordType::A)
    }

    async fn asked(cache: &Cache, count: &AtomicUsize, name: &str, span: Duration) {
        let ask = async {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok((answer(), span))
        };
        cache.get(key(name), ask).await.unwrap();
    }

    #[tokio::test]
    async fn equal_questions_under_way_are_asked_once() {
        let cache = Cache::new(Clock::default(), 8, Duration::from_secs(60));
        let count = AtomicUsize::new(0);
        let span = Duration::from_secs(60);
        let (one, two, three) = (
            asked(&cache, &count, "a", span),
            asked(&cache, &count, "a", span),
            asked(&cache, &count, "b", span),
        );
        tokio::join!(one, two, three);
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn an_answer_that_may_not_be_kept_serves_those_who_waited_alone() {
        let cache = Cache::new(Clock::default(), 8, Duration::from_secs(60));
        let count = AtomicUsize::new(0);
        let (one, two) = (
            asked(&cache, &count, "a", Duration::ZERO),
            asked(&cache, &count, "a", Duration::ZERO),
        );
        tokio::join!(one, two);
        assert_eq!(count.load(Ordering::SeqCst), 1);
        asked(&cache, &count, "a", Duration::ZERO).await;
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn the_upper_bound_holds_whatever_the_records_say() {
        let clock = Clock::compressed(1000);
        let cache = Cache::new(clock, 8, Duration::from_secs(1));
        let count = AtomicUsize::new(0);
        let day = Duration::from_secs(86_400);
        asked(&cache, &count, "a", day).await;
        clock.sleep(Duration::from_secs(3)).await;
        asked(&cache, &count, "a", day).await;
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn the_number_kept_is_bounded_and_what_is_used_stays() {
        let cache = Cache::new(Clock::default(), 100, Duration::from_secs(60));
        let (used, others) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let span = Duration::from_secs(60);
        for n in 0..10_000 {
            asked(&cache, &used, "used", span).await;
            asked(&cache, &others, &format!("other{n}"), span).await;
            assert!(cache.len() <= 101, "{}", cache.len());
        }
        assert_eq!(used.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failure_is_kept_for_seconds_and_trouble_here_not_at_all() {
        let clock = Clock::compressed(100);
        let cache = Cache::new(clock, 8, Duration::from_secs(60));
        for (stage, second) in [(Stage::Dns, 1), (Stage::Local, 2)] {
            let count = AtomicUsize::new(0);
            for _ in 0..2 {
                let ask = async {
                    count.fetch_add(1, Ordering::SeqCst);
                    Err(Failure::new(stage, Kind::DnsTimeout, "silence"))
                };
                cache.get(key(stage.word()), ask).await.unwrap_err();
            }
            assert_eq!(count.load(Ordering::SeqCst), second, "{}", stage.word());
        }
        clock.sleep(FAILURE_KEPT).await;
        let ask = async { Ok((answer(), Duration::ZERO)) };
        assert!(cache.get(key("dns"), ask).await.is_ok());
    }

    #[tokio::test]
    async fn who_waits_asks_where_whoever_asked_went_away() {
        let cache = Cache::new(Clock::default(), 8, Duration::from_secs(60));
        let never = cache.get(key("a"), std::future::pending());
        let _ = tokio::time::timeout(Duration::from_millis(1), never).await;
        let count = AtomicUsize::new(0);
        asked(&cache, &count, "a", Duration::from_secs(60)).await;
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}
