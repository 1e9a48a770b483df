//! Questions read and answers written.
//!
//! An answer that is longer than the asker takes over UDP is cut to its
//! question (RFC 2181, section 9), so that it is asked for again over TCP. Not
//! read: options of EDNS, more than one question, names written with pointers.

use crate::world::World;

use super::find::{Found, SERVFAIL, find};
use super::sign::Signer;
use super::zones::{self, Zone};

pub const A: u16 = 1;
pub const NS: u16 = 2;
pub const SOA: u16 = 6;
pub const MX: u16 = 15;
pub const TXT: u16 = 16;
const OPT: u16 = 41;
pub const DS: u16 = 43;
pub const RRSIG: u16 = 46;
pub const NSEC: u16 = 47;
pub const DNSKEY: u16 = 48;
pub const NSEC3: u16 = 50;
pub const NSEC3PARAM: u16 = 51;
pub const TLSA: u16 = 52;

/// The TTL of every record.
pub const TTL: u32 = 3600;

/// The most octets sent over UDP, whatever the asker takes.
const MOST_OVER_UDP: usize = 1232;

/// A question, and what was said along with it.
struct Question<'m> {
    header: &'m [u8],
    /// Name, type and class as they came.
    octets: &'m [u8],
    name: String,
    kind: u16,
    /// Of the OPT record (RFC 6891, section 6.1.3), where there is one.
    extended: Option<Extended>,
}

struct Extended {
    /// The longest answer taken over UDP.
    size: usize,
    /// The DO bit: whether signatures are wanted (RFC 4035, section 3.2.1).
    signatures: bool,
}

impl<'m> Question<'m> {
    /// None where the message is no question.
    fn read(message: &'m [u8]) -> Option<Self> {
        let header = message.get(..12)?;
        if header[2] & 0x80 != 0 || header[4..6] != [0, 1] {
            return None;
        }
        let mut name = String::with_capacity(64);
        let mut at = 12;
        loop {
            let length = usize::from(*message.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            let label = message.get(at..at + length).filter(|_| length < 64)?;
            if !name.is_empty() {
                name.push('.');
            }
            name.extend(label.iter().map(|c| char::from(c.to_ascii_lowercase())));
            at += length;
        }
        let kind = u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?);
        let octets = message.get(12..at + 4)?;
        let extended = match message.get(at + 4..).unwrap_or_default() {
            [0, 0, 41, s0, s1, _, _, d, ..] => Some(Extended {
                size: u16::from_be_bytes([*s0, *s1]).into(),
                signatures: d & 0x80 != 0,
            }),
            _ => None,
        };
        Some(Self {
            header,
            octets,
            name,
            kind,
            extended,
        })
    }
}

/// The answer to a message; none where it is no question.
pub fn answer(world: &World, spki: &[u8; 32], message: &[u8], over_udp: bool) -> Option<Vec<u8>> {
    let question = Question::read(message)?;
    let unchecked = question.header[3] & 0x10 != 0;
    let found = find(world, spki, &question.name, question.kind, unchecked);
    let zone = zones::of(world, &question.name, question.kind);
    let mut reply = Reply::begin(world, &question, &found);
    let wanted = question.extended.as_ref().is_some_and(|e| e.signatures);
    let signer = world
        .signer
        .as_ref()
        .filter(|_| wanted && zones::is_signed(world, zone))
        .map(|signer| (signer, zones::apex(zone).unwrap_or_default()));
    let signer = signer.as_ref().map(|(signer, apex)| (*signer, &**apex));
    if !found.records.is_empty() {
        reply.set(&question.name, found.kind, &found.records, signer);
    } else if found.code != SERVFAIL {
        reply.section = AUTHORITY;
        deny(world, zone, &question, &found, signer, &mut reply);
    }
    if let Some(extended) = &question.extended {
        let room = extended.size.clamp(512, MOST_OVER_UDP);
        reply.end(Some(extended), over_udp.then_some(room))
    } else {
        reply.end(None, over_udp.then_some(512))
    }
}

/// The SOA record of the zone that has not what was asked for, and where it is
/// signed the proof.
fn deny(
    world: &World,
    zone: Zone,
    question: &Question<'_>,
    found: &Found,
    signer: Option<(&Signer, &str)>,
    reply: &mut Reply<'_>,
) {
    let apex = zones::apex(zone).filter(|_| world.signer.is_some());
    let apex = apex.as_deref().unwrap_or("example");
    reply.set(apex, SOA, &[soa()], signer);
    if signer.is_some() {
        for proof in zones::denial(world, zone, &question.name, found.code) {
            reply.set(&proof.owner, proof.kind, &[proof.data], signer);
        }
    }
}

const ANSWER: usize = 1;
const AUTHORITY: usize = 2;

/// An answer that is being written.
struct Reply<'q> {
    out: Vec<u8>,
    /// The name asked for, and the length of what stands up to its end.
    name: &'q str,
    question: usize,
    section: usize,
    counts: [u16; 4],
}

impl<'q> Reply<'q> {
    fn begin(world: &World, question: &'q Question<'_>, found: &Found) -> Self {
        let header = question.header;
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(&header[..2]);
        let wanted = header[2] & 0x01;
        let secure = u8::from(world.settings.validates && found.signed) << 5;
        out.extend_from_slice(&[
            0x80 | wanted,
            0x80 | secure | (header[3] & 0x10) | found.code,
        ]);
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(question.octets);
        Self {
            question: out.len(),
            out,
            name: &question.name,
            section: ANSWER,
            counts: [1, 0, 0, 0],
        }
    }

    /// A set of records, and its signature.
    fn set(&mut self, owner: &str, kind: u16, set: &[Vec<u8>], signer: Option<(&Signer, &str)>) {
        for data in set {
            self.record(owner, kind, data);
        }
        if let Some((signer, zone)) = signer {
            self.record(owner, RRSIG, &signer.signature(zone, owner, kind, set));
        }
    }

    fn record(&mut self, owner: &str, kind: u16, data: &[u8]) {
        self.owner(owner);
        self.out.extend_from_slice(&kind.to_be_bytes());
        self.out.extend_from_slice(&[0, 1]);
        self.out.extend_from_slice(&TTL.to_be_bytes());
        let length = u16::try_from(data.len()).unwrap_or(0);
        self.out.extend_from_slice(&length.to_be_bytes());
        self.out.extend_from_slice(data);
        self.counts[self.section] += 1;
    }

    /// A name, its end as a pointer into the question where it stands there too
    /// (RFC 1035, section 4.1.4).
    fn owner(&mut self, owner: &str) {
        let mut rest = owner;
        while !rest.is_empty() {
            let before = self.name.strip_suffix(rest);
            if let Some(before) = before.filter(|b| b.is_empty() || b.ends_with('.')) {
                // Each label before it takes an octet more than its letters, as
                // each takes a dot in the text.
                let place = 0xc000 | u16::try_from(12 + before.len()).unwrap_or(0);
                self.out.extend_from_slice(&place.to_be_bytes());
                return;
            }
            let (label, after) = rest.split_once('.').unwrap_or((rest, ""));
            self.out.push(u8::try_from(label.len()).unwrap_or(0));
            self.out.extend_from_slice(label.as_bytes());
            rest = after;
        }
        self.out.push(0);
    }

    /// The whole, no longer than there is room.
    fn end(mut self, extended: Option<&Extended>, room: Option<usize>) -> Option<Vec<u8>> {
        const OPT_LENGTH: usize = 11;
        let length = self.out.len() + extended.map_or(0, |_| OPT_LENGTH);
        if room.is_some_and(|room| length > room) {
            self.out.truncate(self.question);
            self.counts = [1, 0, 0, 0];
            // TC, and nothing authentic about what is not there.
            self.out[2] |= 0x02;
            self.out[3] &= !0x20;
        }
        if let Some(extended) = extended {
            self.counts[3] = 1;
            self.out.push(0);
            self.out.extend_from_slice(&OPT.to_be_bytes());
            let most = u16::try_from(MOST_OVER_UDP).unwrap_or(512);
            self.out.extend_from_slice(&most.to_be_bytes());
            let signatures = u8::from(extended.signatures) << 7;
            self.out.extend_from_slice(&[0, 0, signatures, 0, 0, 0]);
        }
        for (place, count) in self.counts.iter().enumerate() {
            self.out[4 + 2 * place..6 + 2 * place].copy_from_slice(&count.to_be_bytes());
        }
        Some(self.out)
    }
}

/// The data of every zone's SOA record.
pub fn soa() -> Vec<u8> {
    let mut data = wire("ns.example");
    data.extend(wire("host.example"));
    for number in [1, 3600, 600, 86_400, TTL] {
        data.extend_from_slice(&number.to_be_bytes());
    }
    data
}

/// A name as the wire has it.
pub fn wire(name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + 2);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).unwrap_or(0));
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out
}
