//! Signatures that were checked before.
//!
//! Whether a signature holds depends on the key, the octets and the signature
//! alone: not on names, roots or time. Thousands of chains share a few
//! intermediate certificates, so the signatures on those are checked once. Only
//! signatures that hold are remembered.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use crate::lately::Lately;

/// Octets of the digests that each half of the memory holds.
const MOST_OCTETS: usize = 64 << 10;

/// Algorithms that share one memory.
#[derive(Debug)]
pub(super) struct Algorithms(Vec<Remembering>);

impl Algorithms {
    pub(super) fn new(supported: &WebPkiSupportedAlgorithms) -> Self {
        let held = Arc::new(Mutex::new(Lately::new(MOST_OCTETS)));
        let algorithms = supported.all.iter().map(|algorithm| Remembering {
            algorithm: *algorithm,
            held: Arc::clone(&held),
        });
        Self(algorithms.collect())
    }

    /// In the order in which they are tried.
    pub(super) fn all(&self) -> Vec<&dyn SignatureVerificationAlgorithm> {
        self.0
            .iter()
            .map(|one| one as &dyn SignatureVerificationAlgorithm)
            .collect()
    }
}

/// An algorithm with the signatures that are known to hold.
struct Remembering {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    held: Arc<Mutex<Lately<()>>>,
}

impl fmt::Debug for Remembering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.algorithm.fmt(f)
    }
}

impl SignatureVerificationAlgorithm for Remembering {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = self.key(public_key, message, signature);
        let held = || self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held().recall(&key).is_some() {
            return Ok(());
        }
        self.algorithm
            .verify_signature(public_key, message, signature)?;
        held().keep(key.as_slice(), ());
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.algorithm.fips()
    }
}

impl Remembering {
    /// A digest of all that the answer depends on.
    fn key(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> [u8; 32] {
        let (key_kind, kind) = (self.public_key_alg_id(), self.signature_alg_id());
        let mut context = Context::new(&SHA256);
        for part in [&key_kind, &kind, public_key, message, signature] {
            // With its length, so that no two sets of parts run into one text.
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        key
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts; takes every signature that is the message.
    #[derive(Debug)]
    struct Echo(AtomicUsize);

    impl SignatureVerificationAlgorithm for Echo {
        fn verify_signature(
            &self,
            _: &[u8],
            message: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            self.0.fetch_add(1, Ordering::Relaxed);
            if message == signature {
                Ok(())
            } else {
                Err(InvalidSignature)
            }
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            AlgorithmIdentifier::from_slice(b"key")
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            AlgorithmIdentifier::from_slice(b"signature")
        }
    }

    #[test]
    fn only_the_very_same_signature_is_not_checked_again() {
        let echo: &'static Echo = Box::leak(Box::new(Echo(AtomicUsize::new(0))));
        let remembering = Remembering {
            algorithm: echo,
            held: Arc::new(Mutex::new(Lately::new(MOST_OCTETS))),
        };
        let count = || echo.0.load(Ordering::Relaxed);
        for _ in 0..3 {
            remembering.verify_signature(b"k", b"ab", b"ab").unwrap();
        }
        assert_eq!(count(), 1);
        // The same octets, parted otherwise; another key; a wrong signature.
        remembering.verify_signature(b"ka", b"b", b"b").unwrap();
        remembering.verify_signature(b"l", b"ab", b"ab").unwrap();
        assert_eq!(count(), 3);
        for _ in 0..2 {
            assert!(remembering.verify_signature(b"k", b"ab", b"ac").is_err());
        }
        assert_eq!(count(), 5);
    }
}
