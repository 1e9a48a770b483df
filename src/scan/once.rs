//! Work done once for all who want its result: whoever comes while it is under
//! way waits for it, whoever comes later finds it, until it is forgotten.
//!
//! Entry point: [`Once`]. It holds a bounded number of results in two
//! generations: what is used is carried over when a generation is full, what
//! was not used for as long as that is forgotten. What is under way is never
//! forgotten.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// Results by what they are of.
pub struct Once<K, V> {
    kept: Mutex<Generations<K, V>>,
    /// The size of a generation.
    most: usize,
}

type Cells<K, V> = HashMap<K, Arc<OnceCell<V>>>;

struct Generations<K, V> {
    young: Cells<K, V>,
    old: Cells<K, V>,
}

impl<K, V> fmt::Debug for Once<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Once<K, V> {
    /// Holds at most `most` results, and what is under way.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            kept: Mutex::new(Generations {
                young: HashMap::new(),
                old: HashMap::new(),
            }),
            most: (most / 2).max(1),
        }
    }

    /// The result for `key`: one that is held and `still_good`, one that is
    /// under way, or that of `work`. Work that is given up is taken over by
    /// the next who waits.
    pub async fn of<F: Future<Output = V>>(
        &self,
        key: &K,
        still_good: impl Fn(&V) -> bool,
        work: impl Fn() -> F,
    ) -> V {
        loop {
            let cell = self.cell(key);
            let value = cell.get_or_init(&work).await;
            if still_good(value) {
                return value.clone();
            }
            self.forget(key, &cell);
        }
    }

    fn cell(&self, key: &K) -> Arc<OnceCell<V>> {
        let mut kept = self.lock();
        if let Some(cell) = kept.young.get(key) {
            return Arc::clone(cell);
        }
        let cell = kept.old.remove(key).unwrap_or_default();
        if kept.young.len() >= self.most {
            let full = std::mem::take(&mut kept.young);
            let old = std::mem::replace(&mut kept.old, full);
            // A cell of the young generation that is still empty is found in
            // the old one; one that is forgotten must not be.
            kept.young.extend(
                old.into_iter()
                    .filter(|(_, cell)| !cell.initialized() && Arc::strong_count(cell) > 1),
            );
        }
        kept.young.insert(key.clone(), Arc::clone(&cell));
        cell
    }

    fn forget(&self, key: &K, cell: &Arc<OnceCell<V>>) {
        let mut kept = self.lock();
        let Generations { young, old } = &mut *kept;
        for generation in [young, old] {
            if generation
                .get(key)
                .is_some_and(|held| Arc::ptr_eq(held, cell))
            {
                generation.remove(key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Generations<K, V>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        let kept = self.lock();
        kept.young.len() + kept.old.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_is_done_once_however_many_come_at_once() {
        let once = Arc::new(Once::new(4));
        let done = Arc::new(AtomicUsize::new(0));
        let mut all = tokio::task::JoinSet::new();
        for at in 0..40_u64 {
            let (once, done) = (Arc::clone(&once), Arc::clone(&done));
            all.spawn(async move {
                let key = at % 8;
                once.of(
                    &key,
                    |_| true,
                    || async {
                        done.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        key * 10
                    },
                )
                .await
                    == key * 10
            });
        }
        while let Some(right) = all.join_next().await {
            assert!(right.unwrap());
        }
        assert_eq!(done.load(Ordering::Relaxed), 8);
        for key in 0..1000 {
            once.of(&key, |_| true, || async { key }).await;
        }
        assert!(once.held() <= 8, "{}", once.held());
    }

    #[tokio::test]
    async fn what_is_no_longer_good_is_done_again() {
        let once = Once::new(4);
        assert_eq!(once.of(&1, |_| true, || async { 1 }).await, 1);
        assert_eq!(once.of(&1, |v| *v > 1, || async { 2 }).await, 2);
        assert_eq!(once.of(&1, |_| true, || async { 3 }).await, 2);
    }
}
