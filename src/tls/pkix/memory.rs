//! Verdicts that were given before.
//!
//! A verdict depends on the roots, which one judge keeps for life, on the octets
//! of the chain, and on the time only by comparison with the dates that stand in
//! the chain: roots are keys with names, and have none. So it holds as long as
//! no date of a certificate that was sent is passed, and is remembered with
//! that span. Names, and whether the server proved to have its key, are no part
//! of it.

use std::collections::HashMap;

use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use rustls::Error;

use crate::tls::certificate::Certificate;

/// Verdicts in each of two generations: when the younger is full, the elder is
/// forgotten.
const GENERATION: usize = 2048;

/// The hash of a chain, in order.
pub(super) type Key = [u8; 32];

/// The key of a chain.
pub(super) fn key(chain: &[Certificate]) -> Key {
    let mut context = Context::new(&SHA256);
    for certificate in chain {
        // Of one length each, so that no two chains run into one text.
        context.update(certificate.sha256.as_bytes());
    }
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    key
}

/// A time in which a verdict does not change: from the first second to the
/// last, both inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    first: i64,
    last: i64,
}

impl Span {
    /// The span around a time that no date of the chain divides. None where a
    /// certificate has dates that cannot be read, or a hash that is missing.
    pub(super) fn around(chain: &[Certificate], at: Timestamp) -> Option<Self> {
        let now = at.as_second();
        let mut span = Self {
            first: i64::MIN,
            last: i64::MAX,
        };
        for certificate in chain {
            if certificate.sha256.len() != 64 {
                return None;
            }
            let begin = certificate.not_before?.as_second();
            // RFC 5280, section 4.1.2.5: the last second is inside.
            let end = certificate.not_after?.as_second().checked_add(1)?;
            for bound in [begin, end] {
                if bound <= now {
                    span.first = span.first.max(bound);
                } else {
                    span.last = span.last.min(bound - 1);
                }
            }
        }
        Some(span)
    }

    fn holds(self, at: Timestamp) -> bool {
        (self.first..=self.last).contains(&at.as_second())
    }
}

/// Verdicts by chain.
#[derive(Debug, Default)]
pub(super) struct Memory {
    young: HashMap<Key, (Span, Result<(), Error>)>,
    old: HashMap<Key, (Span, Result<(), Error>)>,
}

impl Memory {
    /// The verdict on a chain, if it is known for that time.
    pub(super) fn recall(&mut self, key: &Key, at: Timestamp) -> Option<Result<(), Error>> {
        if let Some((span, verdict)) = self.young.get(key) {
            return span.holds(at).then(|| verdict.clone());
        }
        let (span, verdict) = self.old.remove(key)?;
        let holds = span.holds(at).then(|| verdict.clone());
        self.remember(*key, span, verdict);
        holds
    }

    pub(super) fn remember(&mut self, key: Key, span: Span, verdict: Result<(), Error>) {
        if self.young.len() >= GENERATION && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, (span, verdict));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SPAN: Span = Span {
        first: 10,
        last: 20,
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn key_of(number: usize) -> Key {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        key
    }

    #[test]
    fn a_verdict_is_recalled_in_its_span_alone() {
        let mut memory = Memory::default();
        memory.remember(key_of(1), SPAN, Ok(()));
        for (second, known) in [(9, false), (10, true), (20, true), (21, false)] {
            let verdict = memory.recall(&key_of(1), at(second));
            assert_eq!(verdict.is_some(), known, "{second}");
        }
        assert!(memory.recall(&key_of(2), at(15)).is_none());
    }

    #[test]
    fn it_stays_small_and_keeps_what_is_asked_for() {
        let mut memory = Memory::default();
        memory.remember(key_of(0), SPAN, Ok(()));
        for number in 1..10 * GENERATION {
            memory.remember(key_of(number), SPAN, Ok(()));
            assert!(memory.recall(&key_of(0), at(15)).is_some(), "{number}");
            assert!(memory.young.len() + memory.old.len() <= 2 * GENERATION + 1);
        }
        assert!(memory.recall(&key_of(1), at(15)).is_none());
    }
}
