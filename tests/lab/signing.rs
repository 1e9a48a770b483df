//! A signed hierarchy under a root of its own, made from a zone's marks: every
//! name marked `SECURE` is a signed zone, and so is all that stands above one;
//! every name marked `INSECURE`, and every other name below those, is an
//! unsigned delegation. Signatures are made when they are asked for, with
//! ECDSA P-256.
//!
//! Beside `SECURE` a zone may be marked `NSEC3` or `NSEC3 ITERATIONS`, `OPTOUT`,
//! and `ALGORITHM N` (what its keys say of themselves). [`Tampering`] is what
//! somebody on the way does to answers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use hickory_server::proto::rr::rdata::{NULL, SOA};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};
use serde::Deserialize;

use super::dns::{key, name};

const DAY: u32 = 86_400;

/// What somebody on the way does to the answers about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tampering {
    SignatureAltered,
    DataAltered,
    SignatureExpired,
    SignatureNotYetValid,
    SignaturesStripped,
    /// An answer "none" with nothing in it.
    EmptyAnswer,
    /// An answer "none" with the SOA record of a zone that is truly unsigned.
    UnsignedZonesSoa,
    /// The same with its NS record.
    UnsignedZonesNs,
    /// An answer "none" with the zone's own SOA record, not signed.
    OwnSoaUnsigned,
    /// "No such name", with nothing in it.
    NoSuchName,
    /// A true NSEC record, of another name.
    OthersNsec,
    /// The true NSEC record of the zone above, at the delegation.
    ParentsNsec,
    /// The true NSEC record of the name, from which the type was struck.
    NsecAltered,
    /// The DS record denied with nothing in it.
    DsEmpty,
    /// The DS record denied with the SOA record of an unsigned zone.
    DsUnsignedZonesSoa,
    /// Other keys for the zone, which sign themselves and everything.
    OtherKeys,
    /// The same with a DS record for them, which nobody above signed.
    OtherKeysAndDs,
    /// The wildcard's answer in place of the name's own.
    WildcardReplayed,
    /// An alias put in front, to a name in an unsigned zone.
    AliasInjected,
    /// Signed by another zone, which is truly signed.
    OtherZonesSignature,
    /// Records nobody signed, beside the true ones.
    RecordAdded,
}

/// The zones, their names and keys.
pub struct Signing {
    zones: BTreeMap<String, ZoneKeys>,
    tampering: Option<(Tampering, String, Option<RecordType>)>,
    attacker: EcdsaKeyPair,
}

struct ZoneKeys {
    signed: bool,
    key: EcdsaKeyPair,
    algorithm: u8,
    nsec3: Option<u16>,
    opt_out: bool,
    /// Every name with its types.
    names: BTreeMap<Labels, BTreeSet<u16>>,
}

/// A name in the canonical order: labels from the top.
type Labels = Vec<Vec<u8>>;

fn labels(name: &str) -> Labels {
    let mut labels: Labels = name
        .split('.')
        .filter(|label| !label.is_empty())
        .map(|label| label.as_bytes().to_vec())
        .collect();
    labels.reverse();
    labels
}

fn text(labels: &Labels) -> String {
    let words: Vec<String> = labels
        .iter()
        .rev()
        .map(|label| String::from_utf8_lossy(label).into_owned())
        .collect();
    words.join(".")
}

fn parent(name: &str) -> &str {
    name.split_once('.').map_or("", |(_, rest)| rest)
}

/// Whether a name is at or below another.
pub fn at_or_below(name: &str, zone: &str) -> bool {
    name == zone || zone.is_empty() || name.ends_with(&format!(".{zone}"))
}

fn new_key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap()
}

impl Signing {
    /// From the marks and the records of a zone. `withheld` are the names, and
    /// types, that the server does not answer for: they are there all the same,
    /// and no denial of another name may deny them.
    pub fn new(
        signed: &BTreeMap<String, bool>,
        marks: &BTreeMap<String, Vec<String>>,
        records: &BTreeMap<String, Vec<Record>>,
        withheld: &BTreeSet<(String, Option<RecordType>)>,
        tampering: Option<(Tampering, String, Option<RecordType>)>,
    ) -> Self {
        let mut zones: BTreeMap<String, bool> = BTreeMap::from([(String::new(), true)]);
        for (mark, &is_signed) in signed {
            zones.insert(mark.clone(), is_signed);
            let mut above = parent(mark);
            while is_signed && !above.is_empty() {
                zones.entry(above.to_owned()).or_insert(true);
                above = parent(above);
            }
        }
        // What lies right below a zone nobody marked is a zone of its own.
        for owner in records
            .keys()
            .chain(withheld.iter().map(|(owner, _)| owner))
        {
            let above = apex(&zones, owner).to_owned();
            if owner != &above && !signed.contains_key(&above) {
                let depth = labels(&above).len() + 1;
                let all = labels(owner);
                zones.insert(text(&all[..depth].to_vec()), false);
            }
        }
        let plain = zones.clone();
        let mut made: BTreeMap<String, ZoneKeys> = zones
            .into_iter()
            .map(|(apex, signed)| {
                let mark = |word: &str| {
                    let marks = marks.get(&apex)?;
                    marks.iter().find_map(|mark| mark.strip_prefix(word))
                };
                let number = |text: &str| text.trim().parse::<u16>().ok();
                let opt_out = mark("OPTOUT").is_some();
                let nsec3 = mark("NSEC3").map(|rest| number(rest).unwrap_or(0));
                let keys = ZoneKeys {
                    signed,
                    key: new_key(),
                    algorithm: mark("ALGORITHM")
                        .and_then(number)
                        .map_or(13, |n| u8::try_from(n).unwrap()),
                    nsec3: nsec3.or(opt_out.then_some(0)),
                    opt_out,
                    names: BTreeMap::new(),
                };
                (apex, keys)
            })
            .collect();
        let mut note = |zone: &str, owner: &str, kinds: &[RecordType]| {
            let names = &mut made.get_mut(zone).unwrap().names;
            let types = names.entry(labels(owner)).or_default();
            types.extend(kinds.iter().map(|&kind| u16::from(kind)));
        };
        for (owner, records) in records {
            let zone = apex(&plain, owner);
            for record in records {
                note(zone, owner, &[record.record_type()]);
            }
        }
        for (owner, kind) in withheld {
            let all = [
                RecordType::A,
                RecordType::AAAA,
                RecordType::MX,
                RecordType::TXT,
                RecordType::TLSA,
            ];
            let kinds = kind.as_ref().map_or(&all[..], std::slice::from_ref);
            note(apex(&plain, owner), owner, kinds);
        }
        for (zone, &is_signed) in &plain {
            note(zone, zone, &[RecordType::SOA, RecordType::NS]);
            if is_signed {
                note(zone, zone, &[RecordType::DNSKEY]);
            }
            if !zone.is_empty() {
                let above = apex(&plain, parent(zone));
                note(above, zone, &[RecordType::NS]);
                if is_signed {
                    note(above, zone, &[RecordType::DS]);
                }
            }
        }
        Self {
            zones: made,
            tampering,
            attacker: new_key(),
        }
    }

    /// The root's DS record, as `--trust-anchor` takes it, and as `delv -a`.
    pub fn anchors(&self) -> (String, String) {
        let root = &self.zones[""];
        let ds = ds_data("", &dnskey_data(&root.key, root.algorithm));
        let hexadecimal: String = ds[4..].iter().map(|o| format!("{o:02X}")).collect();
        let tag = u16::from_be_bytes([ds[0], ds[1]]);
        (
            format!(
                "; the lab's root\n. 3600 IN DS {tag} {} 2 {hexadecimal}\n",
                root.algorithm
            ),
            format!(
                "trust-anchors {{\n\t. static-ds {tag} {} 2 \"{hexadecimal}\";\n}};\n",
                root.algorithm
            ),
        )
    }

    /// What a zone has at its apex and above, which no zone file says.
    pub fn own(&self, asked: &str, kind: RecordType) -> Option<Vec<Record>> {
        let zone = self.zones.get(asked)?;
        let record = |code, data| vec![unknown(asked, 3600, code, data)];
        match kind {
            RecordType::DNSKEY if zone.signed => {
                let key = match self.tampering {
                    Some((Tampering::OtherKeys | Tampering::OtherKeysAndDs, ..))
                        if self.is_target_zone(asked) =>
                    {
                        &self.attacker
                    }
                    _ => &zone.key,
                };
                Some(record(RecordType::DNSKEY, dnskey_data(key, zone.algorithm)))
            }
            RecordType::DS if zone.signed && !asked.is_empty() => {
                let forged = matches!(self.tampering, Some((Tampering::OtherKeysAndDs, ..)))
                    && self.is_target_zone(asked);
                let key = if forged { &self.attacker } else { &zone.key };
                let data = ds_data(asked, &dnskey_data(key, zone.algorithm));
                Some(record(RecordType::DS, data))
            }
            RecordType::SOA => Some(vec![soa(asked)]),
            RecordType::NS => Some(vec![Record::from_rdata(
                name(asked),
                3600,
                RData::NS(hickory_server::proto::rr::rdata::NS(name("ns.example"))),
            )]),
            _ => None,
        }
    }

    /// Whether a name is there at all, if only above another.
    pub fn is_zone(&self, name: &str) -> bool {
        self.zones.contains_key(name)
    }

    fn is_target_zone(&self, zone: &str) -> bool {
        let Some((_, target, _)) = &self.tampering else {
            return false;
        };
        self.apex(target) == zone
    }

    fn apex(&self, name: &str) -> &str {
        let mut at = name;
        loop {
            if let Some((apex, _)) = self.zones.get_key_value(at) {
                return apex;
            }
            at = parent(at);
        }
    }

    /// The zone that answers for a name and a type.
    fn zone_for(&self, name: &str, kind: RecordType) -> &str {
        if kind == RecordType::DS && !name.is_empty() {
            self.apex(parent(name))
        } else {
            self.apex(name)
        }
    }

    /// An answer with its signatures. `wildcards` are the owners that a
    /// wildcard answered for; `end` is the name a denial is about.
    pub fn sign(
        &self,
        kind: RecordType,
        answers: Vec<Record>,
        wildcards: &[String],
        end: Option<&str>,
        bogus: bool,
    ) -> (Vec<Record>, Vec<Record>) {
        let mut sets: Vec<Vec<Record>> = Vec::new();
        for record in answers {
            let same = |set: &Vec<Record>| {
                set[0].name == record.name && set[0].record_type() == record.record_type()
            };
            match sets.iter_mut().find(|set| same(set)) {
                Some(set) => set.push(record),
                None => sets.push(vec![record]),
            }
        }
        let mut signed = Vec::new();
        let mut authority = Vec::new();
        let redirected = sets
            .iter()
            .any(|set| set[0].record_type() == RecordType::DNAME);
        for set in sets {
            let owner = key(&set[0].name.to_ascii());
            let covered = set[0].record_type();
            let zone = self.zone_for(&owner, covered);
            let wildcard = wildcards.contains(&owner);
            // RFC 6672: the alias that a DNAME makes is not signed.
            let synthesised = redirected && covered == RecordType::CNAME;
            let signature = (!synthesised)
                .then(|| self.signature(zone, &set, wildcard, bogus, (DAY, 30 * DAY)));
            signed.extend(set);
            signed.extend(signature.flatten());
            if wildcard {
                authority.extend(self.no_closer(zone, &owner));
            }
        }
        if let Some(end) = end {
            let zone = self.zone_for(end, kind);
            let set = vec![soa(zone)];
            authority.extend(self.signature(zone, &set, false, bogus, (DAY, 30 * DAY)));
            authority.extend(set);
            if self.zones[zone].signed {
                authority.extend(self.denial(zone, end));
            }
        }
        self.tamper(kind, signed, authority)
    }

    /// The signature of a set, by the zone it lies in; none where that is not
    /// signed. Times are counted from now.
    fn signature(
        &self,
        zone: &str,
        set: &[Record],
        wildcard: bool,
        bogus: bool,
        (ago, ahead): (u32, u32),
    ) -> Option<Record> {
        let keys = &self.zones[zone];
        if !keys.signed {
            return None;
        }
        let signer = match self.tampering {
            Some((Tampering::OtherKeys | Tampering::OtherKeysAndDs, ..))
                if self.is_target_zone(zone) =>
            {
                &self.attacker
            }
            _ => &keys.key,
        };
        Some(rrsig(
            zone,
            signer,
            keys.algorithm,
            set,
            wildcard,
            bogus,
            (ago, ahead),
        ))
    }

    fn nsec(&self, zone: &str, owner: &Labels) -> Vec<Record> {
        let names = &self.zones[zone].names;
        let next = names
            .range(owner.clone()..)
            .nth(1)
            .or_else(|| names.iter().next())
            .unwrap()
            .0;
        let mut types = names[owner].clone();
        types.extend([u16::from(RecordType::NSEC), u16::from(RecordType::RRSIG)]);
        let mut data = wire(&text(next));
        data.extend(bitmap(&types));
        let set = vec![unknown(&text(owner), 60, RecordType::NSEC, data)];
        let signature = self.signature(zone, &set, false, false, (DAY, 30 * DAY));
        set.into_iter().chain(signature).collect()
    }

    /// What proves that a name is not there, or lacks a type.
    fn denial(&self, zone: &str, asked: &str) -> Vec<Record> {
        let keys = &self.zones[zone];
        let asked = labels(asked);
        if let Some(iterations) = keys.nsec3 {
            return self.denial3(zone, &asked, iterations);
        }
        let covering = |name: &Labels| {
            let before = keys.names.range(..name.clone()).next_back();
            before.or_else(|| keys.names.iter().next_back()).unwrap().0
        };
        if keys.names.contains_key(&asked) {
            return self.nsec(zone, &asked);
        }
        let cover = covering(&asked);
        let mut out = self.nsec(zone, cover);
        let is_above = keys.names.keys().any(|name| name.starts_with(&asked));
        if !is_above {
            let mut encloser = asked.clone();
            while !keys.names.keys().any(|name| name.starts_with(&encloser)) {
                encloser.pop();
            }
            encloser.push(b"*".to_vec());
            let other = match keys.names.get_key_value(&encloser) {
                Some((name, _)) => name,
                None => covering(&encloser),
            };
            if other != cover {
                out.extend(self.nsec(zone, other));
            }
        }
        out
    }

    /// What proves that a wildcard was right to answer.
    fn no_closer(&self, zone: &str, owner: &str) -> Vec<Record> {
        let keys = &self.zones[zone];
        if !keys.signed {
            return Vec::new();
        }
        let owner = labels(owner);
        match keys.nsec3 {
            None => {
                let before = keys.names.range(..owner).next_back();
                self.nsec(zone, before.unwrap().0)
            }
            Some(iterations) => {
                let hashes = self.hashes(zone, iterations);
                let mut closer = owner.clone();
                while !hashes.1.contains(&closer[..closer.len() - 1]) {
                    closer.pop();
                }
                self.nsec3(zone, iterations, &hashes.0, &hash(&closer, iterations))
            }
        }
    }

    /// The hashes with types, and the names they stand for, empty ones too.
    fn hashes(
        &self,
        zone: &str,
        iterations: u16,
    ) -> (BTreeMap<Vec<u8>, BTreeSet<u16>>, BTreeSet<Labels>) {
        let keys = &self.zones[zone];
        let apex = labels(zone);
        let mut names: BTreeMap<Labels, BTreeSet<u16>> = BTreeMap::new();
        for (name, types) in &keys.names {
            let unsigned_cut = types.len() == 1 && types.contains(&u16::from(RecordType::NS));
            if keys.opt_out && unsigned_cut {
                continue;
            }
            let mut types = types.clone();
            if !unsigned_cut {
                types.insert(u16::from(RecordType::RRSIG));
            }
            names.insert(name.clone(), types);
            for depth in apex.len() + 1..name.len() {
                names.entry(name[..depth].to_vec()).or_default();
            }
        }
        let hashes = names
            .iter()
            .map(|(name, types)| (hash(name, iterations), types.clone()))
            .collect();
        (hashes, names.into_keys().collect())
    }

    /// The record at a hash, or the one that covers it.
    fn nsec3(
        &self,
        zone: &str,
        iterations: u16,
        hashes: &BTreeMap<Vec<u8>, BTreeSet<u16>>,
        wanted: &[u8],
    ) -> Vec<Record> {
        let (owner, types) = hashes
            .range(..=wanted.to_vec())
            .next_back()
            .or_else(|| hashes.iter().next_back())
            .unwrap();
        let next = hashes
            .range(owner.clone()..)
            .nth(1)
            .or_else(|| hashes.iter().next())
            .unwrap()
            .0;
        let [high, low] = iterations.to_be_bytes();
        let mut data = vec![
            1,
            u8::from(self.zones[zone].opt_out),
            high,
            low,
            2,
            0xab,
            0xcd,
        ];
        data.push(u8::try_from(next.len()).unwrap());
        data.extend(next);
        data.extend(bitmap(types));
        let owner = format!("{}.{zone}", base32(owner));
        let set = vec![unknown(
            owner.trim_end_matches('.'),
            60,
            RecordType::NSEC3,
            data,
        )];
        let signature = self.signature(zone, &set, false, false, (DAY, 30 * DAY));
        set.into_iter().chain(signature).collect()
    }

    fn denial3(&self, zone: &str, asked: &Labels, iterations: u16) -> Vec<Record> {
        let (hashes, names) = self.hashes(zone, iterations);
        let at = |name: &Labels| self.nsec3(zone, iterations, &hashes, &hash(name, iterations));
        if names.contains(asked) {
            return at(asked);
        }
        let mut encloser = asked.clone();
        while !names.contains(&encloser) {
            encloser.pop();
        }
        let closer = asked[..=encloser.len()].to_vec();
        let mut wildcard = encloser.clone();
        wildcard.push(b"*".to_vec());
        let mut out: Vec<Record> = Vec::new();
        for record in [at(&encloser), at(&closer), at(&wildcard)].concat() {
            if !out.contains(&record) {
                out.push(record);
            }
        }
        out
    }

    fn tamper(
        &self,
        kind: RecordType,
        mut answers: Vec<Record>,
        mut authority: Vec<Record>,
    ) -> (Vec<Record>, Vec<Record>) {
        let Some((tampering, target, of)) = &self.tampering else {
            return (answers, authority);
        };
        let zone = self.apex(target);
        let ds = kind == RecordType::DS
            && answers
                .iter()
                .any(|record| key(&record.name.to_ascii()) == zone);
        match tampering {
            Tampering::DsEmpty if ds => return (Vec::new(), Vec::new()),
            Tampering::DsUnsignedZonesSoa if ds => {
                return (Vec::new(), vec![soa("unsigned.example")]);
            }
            Tampering::OtherKeysAndDs if ds => {
                answers.retain(|record| record.record_type() != RecordType::RRSIG);
                return (answers, authority);
            }
            _ => {}
        }
        let hit = answers
            .first()
            .is_some_and(|record| key(&record.name.to_ascii()) == *target)
            && of.is_none_or(|of| of == kind);
        if !hit {
            return (answers, authority);
        }
        let set: Vec<Record> = answers
            .iter()
            .filter(|record| record.record_type() != RecordType::RRSIG)
            .cloned()
            .collect();
        match tampering {
            Tampering::SignatureAltered => alter(&mut answers, RecordType::RRSIG),
            Tampering::DataAltered => {
                if let RData::TLSA(tlsa) = &mut answers[0].data {
                    tlsa.cert_data[0] ^= 1;
                } else if let RData::MX(mx) = &mut answers[0].data {
                    mx.preference += 1;
                }
            }
            Tampering::SignatureExpired => {
                answers = set.clone();
                let times = (30 * DAY, 0_u32.wrapping_sub(DAY));
                answers.extend(self.signature(zone, &set, false, false, times));
            }
            Tampering::SignatureNotYetValid => {
                answers = set.clone();
                let times = (0_u32.wrapping_sub(DAY), 30 * DAY);
                answers.extend(self.signature(zone, &set, false, false, times));
            }
            Tampering::SignaturesStripped => answers = set,
            Tampering::EmptyAnswer | Tampering::NoSuchName => answers.clear(),
            Tampering::UnsignedZonesSoa => {
                answers.clear();
                authority = vec![soa("unsigned.example")];
            }
            Tampering::UnsignedZonesNs => {
                answers.clear();
                authority = self.own("unsigned.example", RecordType::NS).unwrap();
            }
            Tampering::OwnSoaUnsigned => {
                answers.clear();
                authority = vec![soa(zone)];
            }
            Tampering::OthersNsec => {
                answers.clear();
                authority = self.nsec(zone, &labels(zone));
            }
            Tampering::ParentsNsec => {
                answers.clear();
                authority = self.nsec(self.apex(parent(zone)), &labels(zone));
            }
            Tampering::NsecAltered => {
                answers.clear();
                authority = self.nsec(zone, &labels(target));
                // One bit of the type map: the last octets stay in length.
                alter(&mut authority, RecordType::NSEC);
            }
            Tampering::WildcardReplayed => {
                // What `*` has, signed as that, under the name asked for.
                let wildcard = vec![Record::from_rdata(
                    name(target),
                    300,
                    RData::A("127.0.0.9".parse().unwrap()),
                )];
                answers = wildcard.clone();
                answers.extend(self.signature(zone, &wildcard, true, false, (DAY, 30 * DAY)));
            }
            Tampering::AliasInjected => {
                answers = vec![Record::from_rdata(
                    name(target),
                    300,
                    RData::CNAME(hickory_server::proto::rr::rdata::CNAME(name(
                        "evil.unsigned.example",
                    ))),
                )];
            }
            Tampering::OtherZonesSignature => {
                answers = set.clone();
                answers.extend(self.signature(
                    "other.example",
                    &set,
                    false,
                    false,
                    (DAY, 30 * DAY),
                ));
            }
            Tampering::RecordAdded => {
                let mut added = set[0].clone();
                if let RData::TLSA(tlsa) = &mut added.data {
                    tlsa.cert_data[0] ^= 1;
                }
                answers.push(added);
            }
            Tampering::DsEmpty
            | Tampering::DsUnsignedZonesSoa
            | Tampering::OtherKeys
            | Tampering::OtherKeysAndDs => {}
        }
        (answers, authority)
    }

    /// Whether the response code is forged to NXDOMAIN.
    pub fn forges_no_such_name(&self, asked: &str, kind: RecordType) -> bool {
        matches!(&self.tampering, Some((Tampering::NoSuchName, target, of))
            if target == asked && of.is_none_or(|of| of == kind))
    }
}

fn apex<'z>(zones: &'z BTreeMap<String, bool>, name: &str) -> &'z str {
    let mut at = name;
    loop {
        if let Some((apex, _)) = zones.get_key_value(at) {
            return apex;
        }
        at = parent(at);
    }
}

fn alter(records: &mut [Record], kind: RecordType) {
    for record in records.iter_mut().filter(|r| r.record_type() == kind) {
        if let RData::Unknown { code, rdata } = &record.data {
            let mut octets = rdata.anything.clone();
            *octets.last_mut().unwrap() ^= 1;
            record.data = RData::Unknown {
                code: *code,
                rdata: NULL::with(octets),
            };
        }
    }
}

fn soa(zone: &str) -> Record {
    let data = SOA::new(
        name("ns.example"),
        name("hostmaster.example"),
        1,
        3600,
        600,
        86_400,
        60,
    );
    Record::from_rdata(name(zone), 60, RData::SOA(data))
}

fn unknown(owner: &str, ttl: u32, code: RecordType, data: Vec<u8>) -> Record {
    let rdata = NULL::with(data);
    Record::from_rdata(name(owner), ttl, RData::Unknown { code, rdata })
}

fn wire(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).unwrap());
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

/// RFC 4034, section 2.1: a zone key that is a secure entry point.
fn dnskey_data(key: &EcdsaKeyPair, algorithm: u8) -> Vec<u8> {
    let mut data = vec![1, 1, 3, algorithm];
    data.extend(&key.public_key().as_ref()[1..]);
    data
}

fn tag(data: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for (at, &octet) in data.iter().enumerate() {
        sum += u32::from(octet) << if at % 2 == 0 { 8 } else { 0 };
    }
    u16::try_from((sum + (sum >> 16)) & 0xffff).unwrap()
}

fn ds_data(zone: &str, dnskey: &[u8]) -> Vec<u8> {
    let mut data = tag(dnskey).to_be_bytes().to_vec();
    data.extend([dnskey[3], 2]);
    data.extend(digest(&SHA256, &[&wire(zone), dnskey].concat()).as_ref());
    data
}

fn rrsig(
    zone: &str,
    signer: &EcdsaKeyPair,
    algorithm: u8,
    set: &[Record],
    wildcard: bool,
    bogus: bool,
    (ago, ahead): (u32, u32),
) -> Record {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let now = u32::try_from(now).unwrap();
    let owner = key(&set[0].name.to_ascii());
    let all = labels(&owner);
    let counted = all.len() - usize::from(wildcard || owner.starts_with('*'));
    let ttl = set[0].ttl;
    let mut data = u16::from(set[0].record_type()).to_be_bytes().to_vec();
    data.extend([algorithm, u8::try_from(counted).unwrap()]);
    data.extend(ttl.to_be_bytes());
    data.extend(now.wrapping_add(ahead).to_be_bytes());
    data.extend(now.wrapping_sub(ago).to_be_bytes());
    data.extend(tag(&dnskey_data(signer, algorithm)).to_be_bytes());
    data.extend(wire(zone));
    let signed_owner = if wildcard {
        format!("*.{}", parent(&owner))
    } else {
        owner.clone()
    };
    let mut rdatas: Vec<Vec<u8>> = set.iter().map(|record| canonical(&record.data)).collect();
    rdatas.sort();
    let mut octets = data.clone();
    for rdata in rdatas {
        octets.extend(wire(&signed_owner));
        octets.extend(u16::from(set[0].record_type()).to_be_bytes());
        octets.extend([0, 1]);
        octets.extend(ttl.to_be_bytes());
        octets.extend(u16::try_from(rdata.len()).unwrap().to_be_bytes());
        octets.extend(rdata);
    }
    let signature = signer.sign(&SystemRandom::new(), &octets).unwrap();
    data.extend(signature.as_ref());
    if bogus {
        *data.last_mut().unwrap() ^= 1;
    }
    unknown(&owner, ttl, RecordType::RRSIG, data)
}

fn canonical(data: &RData) -> Vec<u8> {
    if let RData::Unknown { rdata, .. } = data {
        return rdata.anything.clone();
    }
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_canonical_form(true);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder).unwrap();
    octets
}

/// RFC 4034, section 4.1.2.
fn bitmap(types: &BTreeSet<u16>) -> Vec<u8> {
    let mut windows: BTreeMap<u8, [u8; 32]> = BTreeMap::new();
    for kind in types {
        let [window, low] = kind.to_be_bytes();
        windows.entry(window).or_default()[usize::from(low / 8)] |= 0x80 >> (low % 8);
    }
    let mut out = Vec::new();
    for (window, map) in windows {
        let length = map.iter().rposition(|&octet| octet != 0).unwrap() + 1;
        out.extend([window, u8::try_from(length).unwrap()]);
        out.extend(&map[..length]);
    }
    out
}

/// RFC 5155, section 5, with the salt that [`Signing::nsec3`] writes.
fn hash(name: &Labels, iterations: u16) -> Vec<u8> {
    let mut octets = wire(&text(name));
    for _ in 0..=iterations {
        octets.extend([0xab, 0xcd]);
        octets = digest(&SHA1_FOR_LEGACY_USE_ONLY, &octets).as_ref().to_vec();
    }
    octets
}

fn base32(octets: &[u8]) -> String {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuv";
    let bits: String = octets.iter().map(|octet| format!("{octet:08b}")).collect();
    bits.as_bytes()
        .chunks(5)
        .map(|five| {
            let five = format!("{:0<5}", std::str::from_utf8(five).unwrap());
            char::from(DIGITS[usize::from_str_radix(&five, 2).unwrap()])
        })
        .collect()
}

/// The target of a DNAME for a name below its owner.
pub fn redirect(asked: &str, owner: &str, target: &str) -> Name {
    let front = asked.strip_suffix(owner).unwrap();
    name(&format!("{front}{target}"))
}
