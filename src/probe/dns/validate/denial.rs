//! What NSEC (RFC 4035, section 5.4) and NSEC3 records (RFC 5155, section 8)
//! prove about a name and a type. Their signatures are the caller's to check.

use std::cmp::Ordering;

use hickory_proto::rr::{Name, RecordType};

use crate::probe::dns::validate::crypto::nsec3_hash;
use crate::probe::dns::validate::records::{Nsec, Nsec3, Types, order};

/// RFC 9276, section 3.2: more is not worth computing for a stranger.
pub const MOST_ITERATIONS: u16 = 150;

/// What is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The name is there, or stands above one that is, and lacks the type.
    NoData {
        /// It is a zone cut, seen from above.
        delegation: bool,
    },
    /// There is no such name, nor a wildcard that stands for it.
    NoName,
    /// If there is such a name, it is one that the zone does not sign
    /// (RFC 5155, section 6).
    OptOut,
    Nothing,
}

/// What a matching record says of the type.
fn no_data(types: &Types, kind: RecordType) -> Denial {
    let delegation = types.is_delegation();
    // RFC 6840, section 4.1 and 4.4: above a cut nothing but the DS record is
    // known, and below it everything but that.
    let wrong_side = match kind {
        RecordType::DS => types.has(RecordType::SOA),
        _ => delegation,
    };
    if wrong_side || types.has(kind) || types.has(RecordType::CNAME) {
        Denial::Nothing
    } else {
        Denial::NoData { delegation }
    }
}

/// What NSEC records of a zone prove.
pub fn by_nsec(name: &Name, kind: RecordType, zone: &Name, records: &[Nsec]) -> Denial {
    if let Some(matching) = records.iter().find(|nsec| nsec.owner == *name) {
        // The root of the tree has a DS record nowhere, and a zone's own apex
        // says nothing about it.
        return no_data(&matching.types, kind);
    }
    let Some(covering) = records.iter().find(|nsec| covers(nsec, name, zone)) else {
        return Denial::Nothing;
    };
    // RFC 4592, section 2.2.2: a name above another one is there, and empty.
    if is_below(&covering.next, name) {
        return Denial::NoData { delegation: false };
    }
    let encloser = [&covering.owner, &covering.next]
        .into_iter()
        .map(|other| common(name, other))
        .max_by_key(|ancestor| ancestor.iter().count());
    let Some(Ok(wildcard)) = encloser.map(|encloser| encloser.prepend_label("*")) else {
        return Denial::Nothing;
    };
    if let Some(matching) = records.iter().find(|nsec| nsec.owner == wildcard) {
        return match no_data(&matching.types, kind) {
            Denial::NoData { .. } => Denial::NoData { delegation: false },
            _ => Denial::Nothing,
        };
    }
    if records.iter().any(|nsec| covers(nsec, &wildcard, zone)) {
        Denial::NoName
    } else {
        Denial::Nothing
    }
}

/// Whether no name exists between the encloser that a wildcard stands below
/// and the name, so that the wildcard was right to answer (RFC 4035, section
/// 5.3.4).
pub fn nsec_allows_wildcard(name: &Name, zone: &Name, records: &[Nsec]) -> bool {
    records
        .iter()
        .any(|nsec| covers(nsec, name, zone) && !is_below(&nsec.next, name))
}

/// Whether a name lies between an NSEC record's names.
fn covers(nsec: &Nsec, name: &Name, zone: &Name) -> bool {
    // RFC 6840, section 4.1: a record at a cut, or at a DNAME, knows nothing
    // of what lies below.
    let cut = nsec.types.is_delegation() || nsec.types.has(RecordType::DNAME);
    if !zone.zone_of(&nsec.owner)
        || !zone.zone_of(&nsec.next)
        || (cut && is_below(name, &nsec.owner))
    {
        return false;
    }
    let after = order(name, &nsec.owner) == Ordering::Greater;
    // The last name of a zone points back to its apex.
    let last = order(&nsec.next, &nsec.owner) != Ordering::Greater;
    let before = last || order(name, &nsec.next) == Ordering::Less;
    after && before
}

/// Whether a name lies below another, and is not that one.
fn is_below(name: &Name, other: &Name) -> bool {
    name != other && other.zone_of(name)
}

/// The closest common ancestor.
fn common(a: &Name, b: &Name) -> Name {
    let shared = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(a, b)| a.eq_ignore_ascii_case(b))
        .count();
    a.trim_to(shared)
}

/// What NSEC3 records of a zone prove.
pub fn by_nsec3(name: &Name, kind: RecordType, zone: &Name, records: &[Nsec3]) -> Denial {
    let hashed = Hashed::new(records);
    if let Some(matching) = hashed.matching(name) {
        return no_data(&matching.types, kind);
    }
    let Some((encloser, next_closer)) = hashed.closest_encloser(name, zone) else {
        return Denial::Nothing;
    };
    let Some(cover) = hashed.covering(&next_closer) else {
        return Denial::Nothing;
    };
    let Ok(wildcard) = encloser.prepend_label("*") else {
        return Denial::Nothing;
    };
    if let Some(matching) = hashed.matching(&wildcard) {
        return match no_data(&matching.types, kind) {
            // RFC 5155, section 9.2: behind opt-out a cut may hide.
            Denial::NoData { .. } if cover.opt_out => Denial::OptOut,
            Denial::NoData { .. } => Denial::NoData { delegation: false },
            _ => Denial::Nothing,
        };
    }
    let no_wildcard = hashed.covering(&wildcard).is_some();
    match (cover.opt_out, no_wildcard) {
        (false, true) => Denial::NoName,
        // RFC 5155, section 8.6: an unsigned delegation may be there.
        (true, true) => Denial::OptOut,
        (true, false) if kind == RecordType::DS => Denial::OptOut,
        _ => Denial::Nothing,
    }
}

/// What is known of the name that a wildcard answered for (RFC 5155, section
/// 8.8): nothing, or that it is not there, or that it may be unsigned.
pub fn nsec3_allows_wildcard(next_closer: &Name, records: &[Nsec3]) -> Denial {
    match Hashed::new(records).covering(next_closer) {
        Some(cover) if cover.opt_out => Denial::OptOut,
        Some(_) => Denial::NoName,
        None => Denial::Nothing,
    }
}

/// Records with one salt and one number of iterations (RFC 5155, section 8.2).
struct Hashed<'r> {
    records: Vec<&'r Nsec3>,
}

impl<'r> Hashed<'r> {
    fn new(records: &'r [Nsec3]) -> Self {
        let first = records.first();
        Self {
            records: records
                .iter()
                .filter(|record| {
                    first.is_some_and(|first| {
                        first.salt == record.salt && first.iterations == record.iterations
                    })
                })
                .filter(|record| record.iterations <= MOST_ITERATIONS)
                .collect(),
        }
    }

    fn hash(&self, name: &Name) -> Option<Vec<u8>> {
        let first = self.records.first()?;
        Some(nsec3_hash(name, &first.salt, first.iterations))
    }

    fn matching(&self, name: &Name) -> Option<&'r Nsec3> {
        let hash = self.hash(name)?;
        self.records.iter().find(|nsec| nsec.owner == hash).copied()
    }

    fn covering(&self, name: &Name) -> Option<&'r Nsec3> {
        let hash = self.hash(name)?;
        self.records
            .iter()
            .find(|nsec| {
                let after = hash > nsec.owner;
                let before = hash < nsec.next;
                // The last hash points back to the first.
                if nsec.next <= nsec.owner {
                    after || before
                } else {
                    after && before
                }
            })
            .copied()
    }

    /// The longest ancestor that is there, and the name one label below it
    /// (RFC 5155, section 8.3).
    fn closest_encloser(&self, name: &Name, zone: &Name) -> Option<(Name, Name)> {
        let mut next_closer = name.clone();
        while zone.zone_of(&next_closer) && next_closer != *zone {
            let candidate = next_closer.base_name();
            if let Some(matching) = self.matching(&candidate) {
                let cut = matching.types.is_delegation() || matching.types.has(RecordType::DNAME);
                return (!cut).then_some((candidate, next_closer));
            }
            next_closer = candidate;
        }
        None
    }
}
