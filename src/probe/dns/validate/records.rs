//! The record types of DNSSEC (RFC 4034, RFC 5155), read from their octets, and
//! records grouped into sets.

use std::cmp::Ordering;

use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::NameEncoding;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncodable, BinEncoder};

/// RFC 4034, section 2.1: the flags and the protocol of a key.
const ZONE_KEY: u16 = 0x0100;
/// RFC 5011, section 2.1.
const REVOKED: u16 = 0x0080;
const PROTOCOL: u8 = 3;

/// A public key of a zone (RFC 4034, section 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub algorithm: u8,
    pub tag: u16,
    pub key: Vec<u8>,
    /// The whole of the data, which a digest is taken of.
    pub data: Vec<u8>,
}

impl Key {
    /// Reads one; none where it cannot sign zones.
    pub fn read(data: &[u8]) -> Option<Self> {
        let (&[f0, f1, protocol, algorithm], key) = data.split_first_chunk()?;
        let flags = u16::from_be_bytes([f0, f1]);
        let usable = flags & ZONE_KEY != 0 && flags & REVOKED == 0 && protocol == PROTOCOL;
        usable.then(|| Self {
            algorithm,
            tag: key_tag(data),
            key: key.to_vec(),
            data: data.to_vec(),
        })
    }
}

/// RFC 4034, appendix B.
fn key_tag(data: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for (at, &octet) in data.iter().enumerate() {
        sum += if at % 2 == 0 {
            u32::from(octet) << 8
        } else {
            u32::from(octet)
        };
    }
    sum += sum >> 16;
    u16::try_from(sum & 0xffff).unwrap_or_default()
}

/// The digest of a key (RFC 4034, section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ds {
    pub tag: u16,
    pub algorithm: u8,
    pub digest_type: u8,
    pub digest: Vec<u8>,
}

impl Ds {
    pub fn read(data: &[u8]) -> Option<Self> {
        let (&[t0, t1, algorithm, digest_type], digest) = data.split_first_chunk()?;
        Some(Self {
            tag: u16::from_be_bytes([t0, t1]),
            algorithm,
            digest_type,
            digest: digest.to_vec(),
        })
    }
}

/// A signature (RFC 4034, section 3.1).
#[derive(Debug, Clone)]
pub struct Signature {
    pub covered: RecordType,
    pub algorithm: u8,
    pub labels: u8,
    pub original_ttl: u32,
    pub expiration: u32,
    pub inception: u32,
    pub tag: u16,
    pub signer: Name,
    pub signature: Vec<u8>,
    /// The data up to the signature, the signer's name in lower case.
    pub signed_prefix: Vec<u8>,
}

impl Signature {
    pub fn read(data: &[u8]) -> Option<Self> {
        let (fixed, rest) = data.split_first_chunk::<18>()?;
        let (signer, signature) = read_name(rest)?;
        let word = |at: usize| {
            u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]])
        };
        let mut signed_prefix = fixed.to_vec();
        signed_prefix.extend(wire(&signer));
        Some(Self {
            covered: RecordType::from(u16::from_be_bytes([fixed[0], fixed[1]])),
            algorithm: fixed[2],
            labels: fixed[3],
            original_ttl: word(4),
            expiration: word(8),
            inception: word(12),
            tag: u16::from_be_bytes([fixed[16], fixed[17]]),
            signer,
            signature: signature.to_vec(),
            signed_prefix,
        })
    }
}

/// The types that a name has (RFC 4034, section 4.1.2).
#[derive(Debug, Clone, Default)]
pub struct Types(Vec<u16>);

impl Types {
    fn read(mut data: &[u8]) -> Option<Self> {
        let mut types = Vec::new();
        while let Some((&[window, length], rest)) = data.split_first_chunk() {
            let length = usize::from(length);
            if length == 0 || length > 32 || rest.len() < length {
                return None;
            }
            let (map, rest) = rest.split_at(length);
            for (at, &octet) in (0_u16..).zip(map) {
                for bit in 0..8_u16 {
                    if octet & (0x80 >> bit) != 0 {
                        types.push((u16::from(window) << 8) | (at * 8 + bit));
                    }
                }
            }
            data = rest;
        }
        data.is_empty().then_some(Self(types))
    }

    pub fn has(&self, kind: RecordType) -> bool {
        self.0.contains(&u16::from(kind))
    }

    /// Whether it is a zone cut seen from above (RFC 6840, section 4.1).
    pub fn is_delegation(&self) -> bool {
        self.has(RecordType::NS) && !self.has(RecordType::SOA)
    }
}

/// The next name (RFC 4034, section 4).
#[derive(Debug, Clone)]
pub struct Nsec {
    pub owner: Name,
    pub next: Name,
    pub types: Types,
}

impl Nsec {
    pub fn read(owner: &Name, data: &[u8]) -> Option<Self> {
        let (next, types) = read_name(data)?;
        Some(Self {
            owner: owner.clone(),
            next,
            types: Types::read(types)?,
        })
    }
}

/// The next name's hash (RFC 5155, section 3).
#[derive(Debug, Clone)]
pub struct Nsec3 {
    pub owner: Vec<u8>,
    pub next: Vec<u8>,
    pub opt_out: bool,
    pub iterations: u16,
    pub salt: Vec<u8>,
    pub types: Types,
}

impl Nsec3 {
    /// Reads one; none where it uses what is not known (RFC 5155, section 8.1
    /// and 8.2: such a record is ignored).
    pub fn read(owner: &Name, data: &[u8]) -> Option<Self> {
        let (&[algorithm, flags, i0, i1, salt_length], rest) = data.split_first_chunk()?;
        let (salt, rest) = rest.split_at_checked(usize::from(salt_length))?;
        let (&hash_length, rest) = rest.split_first()?;
        let (next, types) = rest.split_at_checked(usize::from(hash_length))?;
        if algorithm != 1 || flags & !1 != 0 {
            return None;
        }
        Some(Self {
            owner: base32(owner.iter().next()?)?,
            next: next.to_vec(),
            opt_out: flags & 1 != 0,
            iterations: u16::from_be_bytes([i0, i1]),
            salt: salt.to_vec(),
            types: Types::read(types)?,
        })
    }
}

/// RFC 4648, section 7, in either case and without padding.
fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for &letter in text {
        let value = match letter.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => digit - b'0',
            letter @ b'a'..=b'v' => letter - b'a' + 10,
            _ => return None,
        };
        bits = ((bits << 5) | u32::from(value)) & 0xfff;
        count += 5;
        if count >= 8 {
            count -= 8;
            octets.push(u8::try_from((bits >> count) & 0xff).unwrap_or_default());
        }
    }
    Some(octets)
}

/// A name at the front, which is never compressed in these types, in lower
/// case.
fn read_name(data: &[u8]) -> Option<(Name, &[u8])> {
    let mut decoder = BinDecoder::new(data);
    let name = Name::read(&mut decoder).ok()?;
    // A pointer leads elsewhere, and has no place here.
    let length = wire(&name).len();
    (decoder.index() == length).then(|| (name.to_lowercase(), &data[length..]))
}

/// A name's octets, in lower case (RFC 4034, section 6.2).
pub fn wire(name: &Name) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.iter() {
        octets.push(u8::try_from(label.len()).unwrap_or_default());
        octets.extend(label.iter().map(u8::to_ascii_lowercase));
    }
    octets.push(0);
    octets
}

/// The canonical order of names (RFC 4034, section 6.1).
pub fn order(a: &Name, b: &Name) -> Ordering {
    let labels = |name: &Name| -> Vec<Vec<u8>> {
        let mut labels: Vec<Vec<u8>> = name.iter().map(<[u8]>::to_ascii_lowercase).collect();
        labels.reverse();
        labels
    };
    labels(a).cmp(&labels(b))
}

/// The data's octets in canonical form (RFC 4034, section 6.2).
pub fn canonical_data(data: &RData) -> Option<Vec<u8>> {
    if let Some(octets) = raw(data) {
        return Some(octets.to_vec());
    }
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_canonical_form(true);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder).ok()?;
    Some(octets)
}

/// The octets of a type that the library does not read.
pub fn raw(data: &RData) -> Option<&[u8]> {
    match data {
        RData::Unknown { rdata, .. } => Some(&rdata.anything),
        _ => None,
    }
}

/// A set of records (RFC 2181, section 5) with its signatures.
#[derive(Debug)]
pub struct Set<'m> {
    pub name: Name,
    pub kind: RecordType,
    pub records: Vec<&'m Record>,
    pub signatures: Vec<Signature>,
}

impl Set<'_> {
    /// The octets of each record's data.
    pub fn data(&self) -> impl Iterator<Item = &[u8]> {
        self.records.iter().filter_map(|record| raw(&record.data))
    }
}

/// The records of one section, as sets.
pub fn sets(section: &[Record]) -> Vec<Set<'_>> {
    let mut sets: Vec<Set<'_>> = Vec::new();
    for record in section {
        let name = record.name.to_lowercase();
        let kind = record.record_type();
        let signature = match kind {
            RecordType::RRSIG => match raw(&record.data).and_then(Signature::read) {
                Some(signature) => Some(signature),
                None => continue,
            },
            _ => None,
        };
        let kind = signature
            .as_ref()
            .map_or(kind, |signature| signature.covered);
        let found = sets
            .iter()
            .position(|set| set.kind == kind && set.name == name);
        let at = found.unwrap_or_else(|| {
            sets.push(Set {
                name,
                kind,
                records: Vec::new(),
                signatures: Vec::new(),
            });
            sets.len() - 1
        });
        match signature {
            Some(signature) => sets[at].signatures.push(signature),
            None => sets[at].records.push(record),
        }
    }
    // Signatures of what is not there prove nothing.
    sets.retain(|set| !set.records.is_empty());
    sets
}
