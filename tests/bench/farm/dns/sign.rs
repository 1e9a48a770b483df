//! Signs (`--signs`): one key for all zones, a signature when it is asked for.
//!
//! ECDSA on P-256, algorithm 13, since that is what most signed domains have;
//! the key is both the one that the zone above speaks of and the one that signs
//! the zone. It is made anew in each run, so the trust anchor is too.
//!
//! Signatures are kept as long as there is room, for those that recur: of keys,
//! of SOA records, of the hosts of providers. They begin an hour before the farm
//! does and end a month later; no key is ever rolled.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::reply::{RRSIG, TTL, wire};

/// ECDSA Curve P-256 with SHA-256 (RFC 6605, section 4).
const ALGORITHM: u8 = 13;

/// Signatures kept at most, in two generations: when the younger is full, the
/// older goes.
const MOST_KEPT: usize = 8192;

/// The key and what it signed.
#[derive(Debug)]
pub struct Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
    dnskey: Vec<u8>,
    tag: u16,
    begins: u32,
    ends: u32,
    kept: Mutex<Generations>,
}

/// Data of RRSIG records, by owner and type of what they cover.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<(String, u16), Vec<u8>>,
    old: HashMap<(String, u16), Vec<u8>>,
}

impl Signer {
    pub fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        // RFC 4034, section 2.1: a zone key and secure entry point, the protocol;
        // RFC 6605, section 4: the point without the octet that says how it is
        // written.
        let mut dnskey = vec![1, 1, 3, ALGORITHM];
        dnskey.extend_from_slice(&key.public_key().as_ref()[1..]);
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        // RFC 4034, section 3.1.5: seconds in 32 bits.
        let seconds = |time: u64| u32::try_from(time & 0xffff_ffff).unwrap_or(0);
        Self {
            tag: key_tag(&dnskey),
            key,
            random: SystemRandom::new(),
            dnskey,
            begins: seconds(now.saturating_sub(3600)),
            ends: seconds(now + 30 * 86_400),
            kept: Mutex::default(),
        }
    }

    /// The data of the DNSKEY record of every zone.
    pub fn dnskey(&self) -> Vec<u8> {
        self.dnskey.clone()
    }

    /// The data of a zone's DS record (RFC 4034, section 5.1), with the SHA-256
    /// that RFC 4509, section 2.1 has as type 2.
    pub fn ds(&self, zone: &str) -> Vec<u8> {
        let mut digested = wire(zone);
        digested.extend_from_slice(&self.dnskey);
        let mut data = self.tag.to_be_bytes().to_vec();
        data.extend_from_slice(&[ALGORITHM, 2]);
        data.extend_from_slice(digest(&SHA256, &digested).as_ref());
        data
    }

    /// The root's DS record as a line, which is where trust starts.
    pub fn anchor(&self) -> String {
        let digest: String = self.ds("")[4..]
            .iter()
            .map(|octet| format!("{octet:02X}"))
            .collect();
        format!(". IN DS {} {ALGORITHM} 2 {digest}\n", self.tag)
    }

    /// The data of the RRSIG record over a set (RFC 4034, section 3.1). What an
    /// owner has of a type has to be the same whenever it is asked for.
    pub fn signature(&self, zone: &str, owner: &str, kind: u16, set: &[Vec<u8>]) -> Vec<u8> {
        let key = (owner.to_owned(), kind);
        if let Some(kept) = self.recall(&key) {
            return kept;
        }
        let mut data = self.unsigned(zone, owner, kind);
        let octets = to_be_signed(&data, owner, kind, set);
        let signature = self.key.sign(&self.random, &octets).expect("a signature");
        data.extend_from_slice(signature.as_ref());
        self.keep(key, data.clone());
        data
    }

    /// The data up to the signature.
    fn unsigned(&self, zone: &str, owner: &str, kind: u16) -> Vec<u8> {
        let mut data = kind.to_be_bytes().to_vec();
        let labels = owner.split('.').filter(|label| !label.is_empty()).count();
        data.extend_from_slice(&[ALGORITHM, u8::try_from(labels).unwrap_or(0)]);
        for number in [TTL, self.ends, self.begins] {
            data.extend_from_slice(&number.to_be_bytes());
        }
        data.extend_from_slice(&self.tag.to_be_bytes());
        data.extend_from_slice(&wire(zone));
        data
    }

    fn recall(&self, key: &(String, u16)) -> Option<Vec<u8>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(data) = kept.young.get(key) {
            return Some(data.clone());
        }
        let (key, data) = kept.old.remove_entry(key)?;
        kept.young.insert(key, data.clone());
        Some(data)
    }

    fn keep(&self, key: (String, u16), data: Vec<u8>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.young.len() >= MOST_KEPT / 2 {
            kept.old = std::mem::take(&mut kept.young);
        }
        kept.young.insert(key, data);
    }
}

/// RFC 4034, section 3.1.8.1, the records in the order of its section 6.3. Names
/// are in lower case everywhere here.
fn to_be_signed(unsigned: &[u8], owner: &str, kind: u16, set: &[Vec<u8>]) -> Vec<u8> {
    debug_assert_ne!(kind, RRSIG, "signatures are not signed");
    let owner = wire(owner);
    let mut set: Vec<&Vec<u8>> = set.iter().collect();
    set.sort_unstable();
    let mut octets = unsigned.to_vec();
    for data in set {
        octets.extend_from_slice(&owner);
        octets.extend_from_slice(&kind.to_be_bytes());
        octets.extend_from_slice(&[0, 1]);
        octets.extend_from_slice(&TTL.to_be_bytes());
        octets.extend_from_slice(&u16::try_from(data.len()).unwrap_or(0).to_be_bytes());
        octets.extend_from_slice(data);
    }
    octets
}

/// RFC 4034, appendix B.
fn key_tag(dnskey: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for (place, octet) in dnskey.iter().enumerate() {
        sum += u32::from(*octet) << if place % 2 == 0 { 8 } else { 0 };
    }
    sum += sum >> 16;
    u16::try_from(sum & 0xffff).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    /// Whether a signature holds, with the key as the DNSKEY record has it.
    fn holds(signer: &Signer, rrsig: &[u8], zone: &str, owner: &str, set: &[Vec<u8>]) -> bool {
        let (front, signature) = rrsig.split_at(18 + wire(zone).len());
        let point = [&[4], &signer.dnskey()[4..]].concat();
        let octets = to_be_signed(front, owner, 1, set);
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(&octets, signature)
            .is_ok()
    }

    #[test]
    fn a_signature_holds_for_the_set_it_covers_in_any_order_and_for_no_other() {
        let signer = Signer::new();
        let (zone, owner) = ("d17.example", "mx0.d17.example");
        let set = [vec![127, 0, 0, 1], vec![127, 0, 0, 2]];
        let other_order = [set[1].clone(), set[0].clone()];
        let rrsig = signer.signature(zone, owner, 1, &set);
        assert!(holds(&signer, &rrsig, zone, owner, &set));
        assert!(holds(&signer, &rrsig, zone, owner, &other_order));
        assert!(!holds(&signer, &rrsig, zone, owner, &set[..1]));
        assert!(!holds(&signer, &rrsig, zone, "mx1.d17.example", &set));
        let mut tampered = rrsig.clone();
        // The end of its validity.
        tampered[8] ^= 1;
        assert!(!holds(&signer, &tampered, zone, owner, &set));
        // What was kept is what was made.
        assert_eq!(signer.signature(zone, owner, 1, &set), rrsig);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let signer = Signer::new();
        for number in 0..3 * MOST_KEPT {
            signer.keep((number.to_string(), 1), Vec::new());
            let kept = signer.kept.lock().expect("no test panics here");
            assert!(kept.young.len() + kept.old.len() <= MOST_KEPT);
        }
    }
}
