//! Whether a set is signed by a zone (RFC 4035, section 5.3), and how much is
//! spent on that.
//!
//! What a zone's keys have verified once is remembered with the zone, as a digest
//! of all that went into it: the proof that comes with every unsigned delegation
//! of a top-level domain is the same each time. Only what holds is remembered, and
//! whether a signature has expired is looked at each time.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use hickory_proto::rr::Name;

use crate::probe::dns::client::Dns;
use crate::probe::dns::message::presentation;
use crate::probe::dns::validate::Trouble;
use crate::probe::dns::validate::crypto::{
    Digest, digest_of, is_supported, label_count, to_be_signed, verifies,
};
use crate::probe::dns::validate::records::{Set, Signature};
use crate::probe::dns::validate::walk::Zone;

/// The most signatures verified for one question: an answer with many keys of
/// one tag and many signatures could else cost without end.
const MOST_VERIFICATIONS: u32 = 64;

/// The most verified sets that are remembered of one zone.
const MOST_REMEMBERED: usize = 1024;

/// What may still be spent on one question.
#[derive(Debug)]
pub struct Budget(AtomicU32);

impl Budget {
    pub fn new() -> Self {
        Self(AtomicU32::new(MOST_VERIFICATIONS))
    }

    fn spend(&self) -> Result<(), Trouble> {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .map(|_| ())
            .map_err(|_| {
                Trouble::Indeterminate("it has more signatures than are worth verifying".to_owned())
            })
    }
}

/// What a zone's keys have verified.
#[derive(Debug, Default)]
pub struct Verified(Mutex<HashSet<Digest>>);

impl Verified {
    fn has(&self, digest: &Digest) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(digest)
    }

    fn add(&self, digest: Digest) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_REMEMBERED {
            // Rare, and cheaper than bookkeeping at every set.
            known.clear();
        }
        known.insert(digest);
    }
}

/// Whether a set is signed by a zone's keys; gives the labels of the
/// signature.
pub fn verify(dns: &Dns, zone: &Zone, set: &Set<'_>, budget: &Budget) -> Result<usize, Trouble> {
    let what = || format!("{} {}", zone_name(&set.name), set.kind);
    let now = dns.clock().now().as_second();
    let mut why = format!("{} is not signed by {}", what(), zone_name(&zone.name));
    for signature in &set.signatures {
        if signature.signer != zone.name || usize::from(signature.labels) > label_count(&set.name) {
            continue;
        }
        match timeliness(signature, now) {
            Timeliness::Good => {}
            Timeliness::Expired => {
                why = format!("the signature of {} has expired", what());
                continue;
            }
            Timeliness::Early => {
                why = format!("the signature of {} is not valid yet", what());
                continue;
            }
        }
        let keys = zone
            .keys
            .iter()
            .filter(|key| key.tag == signature.tag && key.algorithm == signature.algorithm);
        let octets = to_be_signed(signature, set);
        let mut tried = false;
        for key in keys {
            if !is_supported(key.algorithm) {
                continue;
            }
            tried = true;
            let Some(octets) = &octets else {
                continue;
            };
            let digest = digest_of(&[&key.data, octets, &signature.signature]);
            if zone.verified.has(&digest) {
                return Ok(signature.labels.into());
            }
            budget.spend()?;
            if verifies(key, &signature.signature, octets) {
                zone.verified.add(digest);
                return Ok(signature.labels.into());
            }
        }
        why = if tried {
            format!("the signature of {} does not hold", what())
        } else {
            format!(
                "{} is signed with a key that {} does not have",
                what(),
                zone_name(&zone.name)
            )
        };
    }
    Err(Trouble::Bogus(why))
}

enum Timeliness {
    Good,
    Expired,
    Early,
}

/// RFC 4034, section 3.1.5: times are compared in serial number arithmetic.
fn timeliness(signature: &Signature, now: i64) -> Timeliness {
    let now = u32::try_from(now & 0xffff_ffff).unwrap_or_default();
    let passed = |from: u32, to: u32| to.wrapping_sub(from) < 1 << 31;
    if !passed(now, signature.expiration) {
        Timeliness::Expired
    } else if !passed(signature.inception, now) {
        Timeliness::Early
    } else {
        Timeliness::Good
    }
}

/// A zone's name for people.
pub fn zone_name(name: &Name) -> String {
    match presentation(name) {
        root if root.is_empty() => "the root zone".to_owned(),
        name => name,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::probe::dns::client::Settings;
    use crate::probe::dns::message::absolute;
    use crate::probe::dns::validate::records::Key;
    use crate::probe::net::Clock;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use hickory_proto::rr::{RData, Record, RecordType, rdata};
    use std::time::Duration;

    const DAY: u32 = 86_400;

    fn address(last: u8) -> Record {
        let name = absolute("mx.signed.example").unwrap();
        Record::from_rdata(name, 60, RData::A(rdata::A::new(192, 0, 2, last)))
    }

    fn set<'m>(record: &'m Record, signature: &Signature) -> Set<'m> {
        Set {
            name: record.name.clone(),
            kind: RecordType::A,
            records: vec![record],
            signatures: vec![signature.clone()],
        }
    }

    #[test]
    fn what_held_once_is_remembered_and_nothing_else_passes_for_it() {
        let clock = Clock::default();
        let dns = Dns::new(Settings::new(Vec::new(), clock, Duration::from_secs(1)));
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = Key {
            algorithm: 15,
            tag: 1,
            key: pair.public_key().as_ref().to_vec(),
            data: pair.public_key().as_ref().to_vec(),
        };
        let zone = Zone::new(absolute("signed.example").unwrap(), vec![key]);
        let now = u32::try_from(clock.now().as_second()).unwrap();
        let mut signature = Signature {
            covered: RecordType::A,
            algorithm: 15,
            labels: 3,
            original_ttl: 60,
            expiration: now + DAY,
            inception: now - DAY,
            tag: 1,
            signer: zone.name.clone(),
            signature: Vec::new(),
            signed_prefix: vec![1, 2, 3],
        };
        let record = address(1);
        let octets = to_be_signed(&signature, &set(&record, &signature)).unwrap();
        signature.signature = pair.sign(&octets).as_ref().to_vec();

        let budget = Budget::new();
        let spent = || MOST_VERIFICATIONS - budget.0.load(Ordering::Relaxed);
        for _ in 0..3 {
            assert!(verify(&dns, &zone, &set(&record, &signature), &budget).is_ok());
            assert_eq!(spent(), 1);
        }
        // Other data, another signature: looked at anew, and refused each time.
        let mut other = signature.clone();
        other.signature[0] ^= 1;
        for round in 0..2 {
            assert!(verify(&dns, &zone, &set(&address(2), &signature), &budget).is_err());
            assert!(verify(&dns, &zone, &set(&record, &other), &budget).is_err());
            assert_eq!(spent(), 3 + 2 * round);
        }
        // What was remembered expires all the same.
        let mut expired = signature.clone();
        expired.expiration = now - 1;
        assert!(verify(&dns, &zone, &set(&record, &expired), &budget).is_err());
        // Another zone's keys have not seen it.
        let stranger = Zone::new(zone.name.clone(), Vec::new());
        assert!(verify(&dns, &stranger, &set(&record, &signature), &budget).is_err());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let verified = Verified::default();
        for number in 0..3 * MOST_REMEMBERED {
            verified.add(crate::probe::dns::validate::crypto::digest_of(&[
                &number.to_be_bytes()
            ]));
            assert!(verified.0.lock().unwrap().len() <= MOST_REMEMBERED);
        }
    }
}
