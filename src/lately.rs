//! A bounded memory of what was met lately.
//!
//! Mail repeats itself: the same hosts stand in thousands of messages, and what
//! is worked out about one is worth keeping for the next. What was not asked for
//! in a while is forgotten, so that no input makes the memory grow.

use std::sync::Arc;

use foldhash::HashMap;

/// Values by octets. There are two halves: what was met lately, and what was met
/// before that; when the first is full, the second is forgotten.
#[derive(Debug)]
pub struct Lately<V> {
    lately: Half<V>,
    before: Half<V>,
    /// Of the keys in the first half.
    octets: usize,
    most: usize,
    /// How often something was forgotten.
    forgotten: u64,
}

/// Octets that a value is kept under, which it may hold too.
pub type Key = Arc<[u8]>;

type Half<V> = HashMap<Key, V>;

impl<V: Clone> Lately<V> {
    /// A memory whose halves hold keys of so many octets each.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            lately: Half::default(),
            before: Half::default(),
            octets: 0,
            most,
            forgotten: 0,
        }
    }

    /// What was kept under a key, if it was not forgotten.
    pub fn recall(&mut self, key: &[u8]) -> Option<V> {
        if let Some(value) = self.lately.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.before.remove_entry(key)?;
        self.keep(key, value.clone());
        Some(value)
    }

    /// Keeps a value.
    pub fn keep(&mut self, key: impl Into<Key>, value: V) {
        let key = key.into();
        if self.octets + key.len() > self.most {
            self.before = std::mem::take(&mut self.lately);
            self.octets = 0;
            self.forgotten += 1;
        }
        self.octets += key.len();
        self.lately.insert(key, value);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.lately.clear();
        self.before.clear();
        self.octets = 0;
        self.forgotten += 1;
    }

    /// A number that changes whenever something is forgotten.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let mut lately = Lately::new(80);
        lately.keep(&b"often"[..], 1);
        lately.keep(&b"once"[..], 2);
        for number in 0..1_000_u64 {
            lately.keep(&number.to_be_bytes()[..], 3);
            assert_eq!(lately.recall(b"often"), Some(1));
            assert!(lately.lately.len() <= 16 && lately.before.len() <= 16);
        }
        assert_eq!(lately.recall(b"once"), None);
        let forgotten = lately.forgotten();
        assert!(forgotten > 100);
        assert_eq!(lately.recall(b"often"), Some(1));
        assert_eq!(lately.forgotten(), forgotten);
        lately.clear();
        assert_ne!(lately.forgotten(), forgotten);
        assert_eq!(lately.recall(b"often"), None);
    }
}
