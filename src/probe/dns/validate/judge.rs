//! What one answer is worth (RFC 4035, section 5).

use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData, RecordType};

use crate::observed::domain::Dnssec;
use crate::probe::dns::client::Dns;
use crate::probe::dns::message::presentation;
use crate::probe::dns::validate::Trouble;
use crate::probe::dns::validate::anchor::Anchors;
use crate::probe::dns::validate::crypto::label_count;
use crate::probe::dns::validate::denial::{self, Denial, MOST_ITERATIONS};
use crate::probe::dns::validate::records::{Nsec, Nsec3, Set, raw, sets};
use crate::probe::dns::validate::verify::{Budget, verify, zone_name};
use crate::probe::dns::validate::walk::{Trust, Walker, Zone};

/// The most NSEC or NSEC3 sets of one answer that are looked at. A denial has
/// up to three, and hostile ones cost hashing.
const MOST_DENIALS: usize = 8;

/// The most aliases of one answer that are followed.
const MOST_ALIASES: usize = 16;

/// Judges answers.
#[derive(Debug)]
pub struct Validator {
    walker: Walker,
}

impl Validator {
    pub fn new(anchors: Anchors) -> Self {
        Self {
            walker: Walker::new(anchors),
        }
    }

    /// Whether an answer is secure or insecure: the set that was asked for, or
    /// the aliases that lead from the name, or the denial of both.
    pub async fn judge(
        &self,
        dns: &Dns,
        name: &Name,
        kind: RecordType,
        message: &Message,
    ) -> Result<Dnssec, Trouble> {
        let budget = Budget::new();
        let answers = sets(&message.answers);
        let find = |name: &Name, kind| {
            answers
                .iter()
                .find(|set| set.name == *name && set.kind == kind)
        };
        let mut current = name.clone();
        let mut status = Dnssec::Secure;
        for _ in 0..=MOST_ALIASES {
            if let Some(set) = find(&current, kind) {
                let own = self.set(dns, set, message, &budget).await?;
                return Ok(status.weaker(own));
            }
            let Some(alias) = find(&current, RecordType::CNAME) else {
                if current != *name {
                    // Where the aliases end is asked for by itself.
                    return Ok(status);
                }
                let denied = self.denied(dns, name, kind, message, &budget).await?;
                return Ok(status.weaker(denied));
            };
            let Some(RData::CNAME(target)) = alias.records.first().map(|record| &record.data)
            else {
                break;
            };
            let target = target.0.to_lowercase();
            let own = match synthesised(&answers, alias, &target) {
                Some(redirection) => self.set(dns, redirection, message, &budget).await?,
                None => self.set(dns, alias, message, &budget).await?,
            };
            status = status.weaker(own);
            current = target;
        }
        Err(Trouble::Indeterminate(format!(
            "the aliases of {} go round in a circle or never end",
            presentation(name)
        )))
    }

    /// Whether a set is secure.
    async fn set(
        &self,
        dns: &Dns,
        set: &Set<'_>,
        message: &Message,
        budget: &Budget,
    ) -> Result<Dnssec, Trouble> {
        let mut trouble = None;
        for signer in signers(set) {
            let zone = match self.walker.trust(dns, &signer, budget).await? {
                Trust::Unsigned => return Ok(Dnssec::Insecure),
                // Nobody signs but a zone, at its own name.
                Trust::Signed(zone) if zone.name != signer => continue,
                Trust::Signed(zone) => zone,
            };
            match verify(dns, &zone, set, budget) {
                Ok(labels) if labels < label_count(&set.name) => {
                    return expanded(dns, &zone, set, labels, message, budget);
                }
                Ok(_) => return Ok(Dnssec::Secure),
                Err(Trouble::Bogus(why)) => trouble = Some(why),
                Err(indeterminate) => return Err(indeterminate),
            }
        }
        // RFC 4035, section 5: without a signature that holds it has to be
        // proved that none is due.
        match self.walker.trust(dns, &set.name, budget).await? {
            Trust::Unsigned => Ok(Dnssec::Insecure),
            Trust::Signed(zone) => Err(Trouble::Bogus(trouble.unwrap_or_else(|| {
                format!(
                    "{} {} is not signed, and lies in the signed zone {}",
                    presentation(&set.name),
                    set.kind,
                    zone_name(&zone.name)
                )
            }))),
        }
    }

    /// Whether a denial is secure.
    async fn denied(
        &self,
        dns: &Dns,
        name: &Name,
        kind: RecordType,
        message: &Message,
        budget: &Budget,
    ) -> Result<Dnssec, Trouble> {
        let authority = sets(&message.authorities);
        // Whoever signed a proof that holds has said that no zone starts between
        // it and the name (RFC 6840, section 4.1), so nobody has to be asked
        // whether one does.
        for signer in deniers(&authority, name, kind) {
            let zone = match self.walker.trust(dns, &signer, budget).await? {
                Trust::Unsigned => return Ok(Dnssec::Insecure),
                Trust::Signed(zone) if zone.name != signer => continue,
                Trust::Signed(zone) => zone,
            };
            match denial(dns, name, kind, &zone, &authority, budget) {
                Ok(Denial::NoData { .. } | Denial::NoName) => return Ok(Dnssec::Secure),
                Ok(Denial::OptOut) => return Ok(Dnssec::Insecure),
                Ok(Denial::Nothing) | Err(Trouble::Bogus(_)) => {}
                Err(indeterminate) => return Err(indeterminate),
            }
        }
        let zone = match self.walker.trust(dns, name, budget).await? {
            Trust::Unsigned => return Ok(Dnssec::Insecure),
            Trust::Signed(zone) => zone,
        };
        // RFC 4035, section 3.1.4.1: the zone above answers for DS records.
        let zone = if kind == RecordType::DS && zone.name == *name && !name.is_root() {
            match self.walker.trust(dns, &name.base_name(), budget).await? {
                Trust::Unsigned => return Ok(Dnssec::Insecure),
                Trust::Signed(above) => above,
            }
        } else {
            zone
        };
        match denial(dns, name, kind, &zone, &authority, budget)? {
            Denial::NoData { .. } | Denial::NoName => Ok(Dnssec::Secure),
            Denial::OptOut => Ok(Dnssec::Insecure),
            Denial::Nothing => Err(Trouble::Bogus(format!(
                "no signed record of {} denies {} {kind}",
                zone_name(&zone.name),
                presentation(name)
            ))),
        }
    }
}

/// The DNAME set that an unsigned alias was made from (RFC 6672, section
/// 5.3.1).
fn synthesised<'s, 'm>(
    answers: &'s [Set<'m>],
    alias: &Set<'m>,
    target: &Name,
) -> Option<&'s Set<'m>> {
    if !alias.signatures.is_empty() {
        return None;
    }
    answers.iter().find(|set| {
        if set.kind != RecordType::DNAME || set.name == alias.name || !set.name.zone_of(&alias.name)
        {
            return false;
        }
        let labels = alias.name.iter().count() - set.name.iter().count();
        let Some(to) = set.data().next().and_then(name_of) else {
            return false;
        };
        let kept = alias.name.iter().take(labels);
        Name::from_labels(kept.chain(to.iter())).is_ok_and(|mut made| {
            made.set_fqdn(true);
            made.to_lowercase() == *target
        })
    })
}

fn name_of(data: &[u8]) -> Option<Name> {
    use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
    Name::read(&mut BinDecoder::new(data)).ok()
}

/// The signers that a set's signatures name, each once; those that can be: at
/// or above the name, for DS records above it (RFC 4035, section 5.3.1).
fn signers(set: &Set<'_>) -> Vec<Name> {
    let mut signers: Vec<Name> = Vec::new();
    for signature in &set.signatures {
        let above = signature.signer.zone_of(&set.name)
            && (set.kind != RecordType::DS || signature.signer != set.name);
        if above && !signers.contains(&signature.signer) && signers.len() < 4 {
            signers.push(signature.signer.clone());
        }
    }
    signers
}

/// The signers that the proofs of a denial name, each once; those that can be.
fn deniers(authority: &[Set<'_>], name: &Name, kind: RecordType) -> Vec<Name> {
    let mut deniers: Vec<Name> = Vec::new();
    for set in authority.iter().filter(|set| is_proof(set)) {
        for signature in &set.signatures {
            let signer = &signature.signer;
            let above = signer.zone_of(name) && (kind != RecordType::DS || signer != name);
            if above && !deniers.contains(signer) && deniers.len() < 4 {
                deniers.push(signer.clone());
            }
        }
    }
    deniers
}

fn is_proof(set: &Set<'_>) -> bool {
    matches!(set.kind, RecordType::NSEC | RecordType::NSEC3)
}

/// A set that a wildcard gave: secure where it is proved that no closer name
/// is there (RFC 4035, section 5.3.4; RFC 5155, section 8.8).
fn expanded(
    dns: &Dns,
    zone: &Zone,
    set: &Set<'_>,
    labels: usize,
    message: &Message,
    budget: &Budget,
) -> Result<Dnssec, Trouble> {
    let proofs = proofs(dns, zone, &sets(&message.authorities), budget)?;
    let next_closer = set.name.trim_to(labels + 1);
    if denial::nsec_allows_wildcard(&set.name, &zone.name, &proofs.nsec) {
        return Ok(Dnssec::Secure);
    }
    match denial::nsec3_allows_wildcard(&next_closer, &proofs.nsec3) {
        Denial::NoName => Ok(Dnssec::Secure),
        Denial::OptOut => Ok(Dnssec::Insecure),
        _ => Err(Trouble::Bogus(format!(
            "nothing proves that {} is a wildcard's to answer for",
            presentation(&set.name)
        ))),
    }
}

/// What the records of a zone among those of an authority section prove.
pub fn denial(
    dns: &Dns,
    name: &Name,
    kind: RecordType,
    zone: &Zone,
    authority: &[Set<'_>],
    budget: &Budget,
) -> Result<Denial, Trouble> {
    let proofs = proofs(dns, zone, authority, budget)?;
    let mut denial = denial::by_nsec(name, kind, &zone.name, &proofs.nsec);
    if denial == Denial::Nothing {
        denial = denial::by_nsec3(name, kind, &zone.name, &proofs.nsec3);
    }
    if denial == Denial::Nothing {
        if let Some(many) = proofs.nsec3.iter().find(|n| n.iterations > MOST_ITERATIONS) {
            return Err(Trouble::Indeterminate(format!(
                "its zone repeats hashes {} times, and here no more than {MOST_ITERATIONS} are \
                 computed",
                many.iterations
            )));
        }
        if let Some(why) = proofs.refused {
            return Err(Trouble::Bogus(why));
        }
    }
    Ok(denial)
}

#[derive(Default)]
struct Proofs {
    nsec: Vec<Nsec>,
    nsec3: Vec<Nsec3>,
    /// Why one of them does not count.
    refused: Option<String>,
}

/// The NSEC and NSEC3 records that a zone signed.
fn proofs(
    dns: &Dns,
    zone: &Zone,
    authority: &[Set<'_>],
    budget: &Budget,
) -> Result<Proofs, Trouble> {
    let mut proofs = Proofs::default();
    let wanted = authority
        .iter()
        .filter(|set| is_proof(set))
        .take(MOST_DENIALS);
    for set in wanted {
        match verify(dns, zone, set, budget) {
            // What a wildcard gave stands for no name of its own.
            Ok(labels) if labels == label_count(&set.name) => {}
            Ok(_) => continue,
            Err(Trouble::Bogus(why)) => {
                proofs.refused.get_or_insert(why);
                continue;
            }
            Err(indeterminate) => return Err(indeterminate),
        }
        // RFC 5155, section 3: a hashed name stands right below the apex.
        let direct = set.name.iter().count() == zone.name.iter().count() + 1;
        for data in set.records.iter().filter_map(|record| raw(&record.data)) {
            if set.kind == RecordType::NSEC {
                proofs.nsec.extend(Nsec::read(&set.name, data));
            } else if direct {
                proofs.nsec3.extend(Nsec3::read(&set.name, data));
            }
        }
    }
    Ok(proofs)
}
