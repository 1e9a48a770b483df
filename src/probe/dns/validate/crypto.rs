//! Verifying and hashing, with the library that TLS uses too.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, UnparsedPublicKey, VerificationAlgorithm,
};
use hickory_proto::rr::Name;

use crate::probe::dns::validate::records::{Ds, Key, Set, Signature, canonical_data, wire};

/// Whether signatures of an algorithm can be verified here: RSA with SHA-1,
/// SHA-256 and SHA-512, ECDSA, Ed25519 (IANA, DNS Security Algorithm Numbers).
pub fn is_supported(algorithm: u8) -> bool {
    matches!(algorithm, 5 | 7 | 8 | 10 | 13 | 14 | 15)
}

/// Whether digests of a type can be taken here: SHA-1, SHA-256, SHA-384.
pub fn is_digest_supported(digest_type: u8) -> bool {
    matches!(digest_type, 1 | 2 | 4)
}

/// Whether the signature over the octets was made with the key. Names, times and
/// key tags are the caller's to compare.
pub fn verifies(key: &Key, signature: &[u8], octets: &[u8]) -> bool {
    let (rsa, point): (Option<&'static dyn VerificationAlgorithm>, _) = match key.algorithm {
        5 | 7 => (Some(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY), None),
        8 => (Some(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY), None),
        10 => (Some(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY), None),
        // RFC 6605, section 4: the two coordinates, without the octet that
        // says so.
        13 => (None, Some((&ECDSA_P256_SHA256_FIXED, 64))),
        14 => (None, Some((&ECDSA_P384_SHA384_FIXED, 96))),
        15 => {
            return UnparsedPublicKey::new(&ED25519, &key.key)
                .verify(octets, signature)
                .is_ok();
        }
        _ => return false,
    };
    match (rsa, point) {
        (Some(algorithm), _) => rsa_key(&key.key).is_some_and(|der| {
            UnparsedPublicKey::new(algorithm, der)
                .verify(octets, signature)
                .is_ok()
        }),
        (None, Some((algorithm, length))) if key.key.len() == length => {
            let point = [&[4], &key.key[..]].concat();
            UnparsedPublicKey::new(algorithm, point)
                .verify(octets, signature)
                .is_ok()
        }
        _ => false,
    }
}

/// SHA-256 of something.
pub type Digest = [u8; 32];

/// The digest of parts, each with its length before it.
pub fn digest_of(parts: &[&[u8]]) -> Digest {
    let mut context = digest::Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    let mut octets = Digest::default();
    octets.copy_from_slice(context.finish().as_ref());
    octets
}

/// The octets that a signature over a set is made of: RFC 4034, section 3.1.8.1,
/// and section 6.3 for the order of the records.
pub fn to_be_signed(signature: &Signature, set: &Set<'_>) -> Option<Vec<u8>> {
    let owner = signed_owner(&set.name, signature.labels)?;
    let owner = wire(&owner);
    let mut records: Vec<Vec<u8>> = set
        .records
        .iter()
        .map(|record| canonical_data(&record.data))
        .collect::<Option<_>>()?;
    records.sort();
    records.dedup();
    let mut octets = signature.signed_prefix.clone();
    for data in records {
        octets.extend(&owner);
        octets.extend(u16::from(set.kind).to_be_bytes());
        // The class IN.
        octets.extend([0, 1]);
        octets.extend(signature.original_ttl.to_be_bytes());
        octets.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        octets.extend(data);
    }
    Some(octets)
}

/// The owner as it was signed: a wildcard where the signature has fewer labels
/// (RFC 4035, section 5.3.2).
fn signed_owner(name: &Name, labels: u8) -> Option<Name> {
    let labels = usize::from(labels);
    let own = label_count(name);
    match own.cmp(&labels) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal => Some(name.clone()),
        std::cmp::Ordering::Greater => name.trim_to(labels).prepend_label("*").ok(),
    }
}

/// The labels of a name that a signature counts (RFC 4034, section 3.1.3): not
/// a leading asterisk.
pub fn label_count(name: &Name) -> usize {
    let wildcard = name.iter().next() == Some(b"*");
    name.iter().count() - usize::from(wildcard)
}

/// An RSA key (RFC 3110, section 2) as PKCS #1 has it, in DER.
fn rsa_key(key: &[u8]) -> Option<Vec<u8>> {
    let (&first, rest) = key.split_first()?;
    let (length, rest) = if first == 0 {
        let (&[high, low], rest) = rest.split_first_chunk()?;
        (usize::from(u16::from_be_bytes([high, low])), rest)
    } else {
        (usize::from(first), rest)
    };
    let (exponent, modulus) = rest.split_at_checked(length)?;
    let integers = [der_integer(modulus)?, der_integer(exponent)?].concat();
    der(0x30, &integers)
}

fn der_integer(octets: &[u8]) -> Option<Vec<u8>> {
    let start = octets.iter().position(|&octet| octet != 0)?;
    let mut positive = octets[start..].to_vec();
    if positive[0] & 0x80 != 0 {
        positive.insert(0, 0);
    }
    der(0x02, &positive)
}

fn der(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(content.len()).ok()?;
    let [high, low] = length.to_be_bytes();
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(low),
        0x80..=0xff => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
    out.extend(content);
    Some(out)
}

/// Whether a DS record is about this key (RFC 4034, section 5.1.4).
pub fn covers(ds: &Ds, zone: &Name, key: &Key) -> bool {
    let algorithm = match ds.digest_type {
        1 => &SHA1_FOR_LEGACY_USE_ONLY,
        2 => &SHA256,
        4 => &SHA384,
        _ => return false,
    };
    ds.tag == key.tag
        && ds.algorithm == key.algorithm
        && digest::digest(algorithm, &[wire(zone), key.data.clone()].concat()).as_ref() == ds.digest
}

/// The hash of a name (RFC 5155, section 5).
pub fn nsec3_hash(name: &Name, salt: &[u8], iterations: u16) -> Vec<u8> {
    let mut octets = wire(name);
    for _ in 0..=iterations {
        octets.extend(salt);
        octets = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &octets)
            .as_ref()
            .to_vec();
    }
    octets
}
