//! Whether a certificate chain satisfies a set of secure TLSA records
//! (RFC 7671, sections 5 and 9; RFC 7672, section 3).
//!
//! Usage 3 compares the leaf and looks at nothing else: not at names, not at
//! dates, not at the rest of the chain. Usage 2 takes the certificate that
//! matches as trust anchor and then wants a path from the leaf to it, in time,
//! and a name.
//!
//! The anchor must be in the chain as sent; a record with the octets
//! themselves (`2 0 0`, `2 1 0`) is believed without that, as RFC 7671,
//! sections 5.2.2 and 5.2.3 want of clients, and remarked upon, since not all
//! clients do. The path is built by rustls-webpki, which is stricter than
//! OpenSSL in two points: it refuses version 1 certificates below the anchor,
//! and a leaf that says it is a CA.

use std::fmt;

use jiff::Timestamp;

use crate::dane::tlsa::{Record, Unusable, considered};
use crate::failure::{Failure, Kind, Stage};
use crate::name::HostName;
use crate::tls::certificate::Certificate;
use crate::tls::handshake::DaneMatch;

mod chain;

use chain::Chain;

/// What came of comparing a chain with a set of records.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// What matched, or the best reason why nothing did.
    pub outcome: Result<Match, Mismatch>,
    /// One line for each record, in the order of the set.
    pub checks: Vec<Check>,
    /// What the publisher should know, whatever the outcome.
    pub advice: Vec<Advice>,
}

/// The record that authenticated the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Its place in the set.
    pub record: usize,
    pub parameters: DaneMatch,
    /// The certificate it matched: 0 is the leaf. None where the anchor was
    /// taken from the DNS alone.
    pub depth: Option<usize>,
    /// The name of the leaf that was accepted; usage 3 asks for none.
    pub name: Option<String>,
}

/// What was found for one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// Left out: SMTP cannot use it.
    Unusable(Unusable),
    /// Left out by digest agility (RFC 7671, section 9): a stronger digest is
    /// published for the same usage and selector.
    Superseded {
        /// Whether it would have matched.
        matches: bool,
    },
    /// It authenticates the server.
    Authenticates(Match),
    /// It names a certificate of the chain, which does not suffice.
    Insufficient { depth: Option<usize>, why: Mismatch },
    /// It names nothing that the server sent.
    NoMatch,
}

/// Why a chain does not satisfy the records.
#[derive(Debug, Clone, PartialEq)]
pub enum Mismatch {
    /// The server sent no certificate (an anonymous suite).
    NoCertificate,
    /// No record is usable, so there is nothing to satisfy.
    NoUsableRecord,
    /// No record names anything that was sent.
    NoMatch {
        /// All usable records have usage 2: probably the server does not send
        /// the trust anchor (RFC 7672, section 3.1.2: it must).
        anchor_missing: bool,
    },
    /// A usage 2 record names the leaf itself, which cannot be its own anchor.
    AnchorIsLeaf,
    /// The certificate named by a usage 2 record says it is no CA.
    AnchorNotCa,
    /// More certificates below the anchor than its path length allows.
    PathTooLong,
    /// The leaf has none of the wanted names (RFC 7672, section 3.2.2).
    Names {
        presented: Vec<String>,
        wanted: Vec<HostName>,
    },
    /// A certificate of the path has expired.
    Expired { not_after: Option<Timestamp> },
    /// A certificate of the path is not valid yet.
    NotYetValid { not_before: Option<Timestamp> },
    /// No valid path from the leaf to the anchor, in the verifier's words.
    Path(String),
}

impl Mismatch {
    /// The kind of failure. Its words are RFC 8460's, section 4.3.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NoCertificate | Self::NoUsableRecord | Self::NoMatch { .. } => Kind::TlsaInvalid,
            Self::AnchorIsLeaf | Self::AnchorNotCa | Self::PathTooLong | Self::Path(_) => {
                Kind::CertificateNotTrusted
            }
            Self::Names { .. } => Kind::CertificateHostMismatch,
            Self::Expired { .. } => Kind::CertificateExpired,
            Self::NotYetValid { .. } => Kind::CertificateNotYetValid,
        }
    }

    /// The failure of the certificate stage that this is for a host.
    #[must_use]
    pub fn failure(&self, host: &HostName) -> Failure {
        let mut failure = Failure::new(
            Stage::Certificate,
            self.kind(),
            format!("the certificate of {host} does not satisfy its TLSA records: {self}"),
        );
        match self {
            Self::Names { presented, .. } => failure.detail.presented.clone_from(presented),
            Self::Expired { not_after } => failure.detail.not_after = *not_after,
            Self::NotYetValid { not_before } => failure.detail.not_before = *not_before,
            _ => {}
        }
        failure
    }

    /// The further a check came before it failed, the more its reason tells.
    fn rank(&self) -> u8 {
        match self {
            Self::NoUsableRecord => 0,
            Self::NoMatch { .. } => 1,
            Self::NoCertificate => 2,
            Self::AnchorIsLeaf => 3,
            Self::AnchorNotCa => 4,
            Self::Path(_) => 5,
            Self::PathTooLong => 6,
            Self::NotYetValid { .. } | Self::Expired { .. } => 7,
            Self::Names { .. } => 8,
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => f.write_str("the server sent no certificate"),
            Self::NoUsableRecord => f.write_str("none of the records can be used"),
            Self::NoMatch {
                anchor_missing: false,
            } => f.write_str("no record matches what the server sent"),
            Self::NoMatch {
                anchor_missing: true,
            } => f.write_str(
                "no record matches what the server sent; with usage 2 it must also send \
                 the certificate of the trust anchor",
            ),
            Self::AnchorIsLeaf => f.write_str(
                "a usage 2 record names the server's own certificate, which needs usage 3",
            ),
            Self::AnchorNotCa => {
                f.write_str("a usage 2 record names a certificate that says it is no CA")
            }
            Self::PathTooLong => {
                f.write_str("more CA certificates stand below the trust anchor than it allows")
            }
            Self::Names { wanted, .. } => {
                f.write_str("usage 2 asks for a name, and the certificate has none of ")?;
                for (n, name) in wanted.iter().enumerate() {
                    write!(f, "{}{name}", if n == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Expired { not_after: Some(t) } => {
                write!(f, "usage 2 asks for validity, which ended at {t}")
            }
            Self::Expired { not_after: None } => {
                f.write_str("usage 2 asks for validity, which has ended")
            }
            Self::NotYetValid {
                not_before: Some(t),
            } => write!(f, "usage 2 asks for validity, which begins at {t}"),
            Self::NotYetValid { not_before: None } => {
                f.write_str("usage 2 asks for validity, which has not begun")
            }
            Self::Path(why) => write!(f, "no path leads to the trust anchor: {why}"),
        }
    }
}

/// What a publisher should know. The numbers are places in the record set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// The record names nothing now sent, while another of the same parameters
    /// does: the key before or after a roll-over (RFC 7672, section 4).
    OtherKey(usize),
    /// No record of these parameters names what is sent, though others do:
    /// clients that know only this combination fail (RFC 7671, section 8).
    CombinationUnmatched(DaneMatch),
    /// A weaker digest matches, and the stronger one published beside it, which
    /// clients must prefer, does not (RFC 7671, section 9).
    OnlyWeakerDigest(usize),
    /// Matching type 0 is discouraged (RFC 7672, section 3.1.2).
    FullData(usize),
    /// The trust anchor was found in the DNS alone; many clients want it from
    /// the server (RFC 7671, section 5.2.2).
    AnchorNotSent(usize),
    /// Usage 2 should be published with selector 0 (RFC 7672, section 3.1.2).
    AnchorByKey(usize),
    /// Usages 0 and 1 should not be published for port 25 (RFC 7672,
    /// section 3.1.3).
    PkixUsage(usize),
    /// The record cannot be used by anyone.
    Broken(usize),
}

/// Certificates of a chain that are looked at; a server that sends more gets no
/// more work out of us.
const MAX_CHAIN: usize = 17;

/// Compares a chain, leaf first, as of a time, with the secure TLSA records of
/// its host. `names` are the reference identifiers for usage 2
/// ([`reference_names`]).
///
/// [`reference_names`]: crate::dane::base::reference_names
#[must_use]
pub fn verify(
    records: &[Record],
    chain: &[Certificate],
    names: &[HostName],
    at: Timestamp,
) -> Verification {
    let chain = Chain::new(&chain[..chain.len().min(MAX_CHAIN)], names, at);
    let considered = considered(records);
    let mut dns_anchors = 0;
    let checks: Vec<Check> = records
        .iter()
        .zip(&considered)
        .enumerate()
        .map(|(place, (record, &considered))| {
            if let Err(why) = record.usability() {
                Check::Unusable(why)
            } else if !considered {
                Check::Superseded {
                    matches: chain.depth_of(record).is_some(),
                }
            } else {
                chain.check(place, record, &mut dns_anchors)
            }
        })
        .collect();

    let authenticates = |usage| {
        checks.iter().find_map(|check| match check {
            Check::Authenticates(found) if found.parameters.usage == usage => Some(found.clone()),
            _ => None,
        })
    };
    let outcome = authenticates(3)
        .or_else(|| authenticates(2))
        .ok_or_else(|| reason(records, &checks, chain.certificates.is_empty()));
    let advice = advise(records, &checks);
    Verification {
        outcome,
        checks,
        advice,
    }
}

/// Which of the records are usable and name a certificate of the chain, or its
/// key, whatever else they ask for.
#[must_use]
pub fn named_by(records: &[Record], chain: &[Certificate]) -> Vec<bool> {
    let chain = &chain[..chain.len().min(MAX_CHAIN)];
    let chain = Chain::new(chain, &[], Timestamp::UNIX_EPOCH);
    records
        .iter()
        .map(|record| record.usability().is_ok() && chain.depth_of(record).is_some())
        .collect()
}

fn reason(records: &[Record], checks: &[Check], empty_chain: bool) -> Mismatch {
    let mut usable = records
        .iter()
        .filter(|record| record.usability().is_ok())
        .peekable();
    if usable.peek().is_none() {
        return Mismatch::NoUsableRecord;
    }
    if empty_chain {
        return Mismatch::NoCertificate;
    }
    checks
        .iter()
        .filter_map(|check| match check {
            Check::Insufficient { why, .. } => Some(why),
            _ => None,
        })
        .max_by_key(|why| why.rank())
        .cloned()
        .unwrap_or_else(|| Mismatch::NoMatch {
            anchor_missing: usable.all(|record| record.usage == 2),
        })
}

fn parameters(record: &Record) -> DaneMatch {
    DaneMatch {
        usage: record.usage,
        selector: record.selector,
        matching: record.matching,
    }
}

fn advise(records: &[Record], checks: &[Check]) -> Vec<Advice> {
    let key = |record: &Record| {
        (
            usize::from(record.usage == 3),
            usize::from(record.selector == 1),
            usize::from(record.matching),
        )
    };
    // Whether some record of each usable combination names what is sent.
    let mut named = [[[None::<bool>; 3]; 2]; 2];
    for (record, check) in records.iter().zip(checks) {
        let names = match check {
            Check::Unusable(_) => continue,
            Check::Superseded { matches } => *matches,
            Check::Authenticates(_) | Check::Insufficient { .. } => true,
            Check::NoMatch => false,
        };
        let (usage, selector, matching) = key(record);
        let seen = &mut named[usage][selector][matching];
        *seen = Some(seen.unwrap_or(false) || names);
    }
    let any_named = named.as_flattened().as_flattened().contains(&Some(true));

    let mut advice = Vec::new();
    for (place, (record, check)) in records.iter().zip(checks).enumerate() {
        match check {
            Check::Unusable(Unusable::PkixUsage) => {
                advice.push(Advice::PkixUsage(place));
                continue;
            }
            Check::Unusable(_) => {
                advice.push(Advice::Broken(place));
                continue;
            }
            Check::Authenticates(Match { depth: None, .. })
            | Check::Insufficient { depth: None, .. } => advice.push(Advice::AnchorNotSent(place)),
            Check::Superseded { matches: true } => {
                let (usage, selector, matching) = key(record);
                let stronger = &named[usage][selector][matching + 1..];
                if stronger.contains(&Some(false)) {
                    advice.push(Advice::OnlyWeakerDigest(place));
                }
            }
            Check::NoMatch | Check::Superseded { matches: false } => {
                let (usage, selector, matching) = key(record);
                if named[usage][selector][matching] == Some(true) {
                    advice.push(Advice::OtherKey(place));
                } else if any_named {
                    let combination = Advice::CombinationUnmatched(parameters(record));
                    if !advice.contains(&combination) {
                        advice.push(combination);
                    }
                }
            }
            Check::Authenticates(_) | Check::Insufficient { .. } => {}
        }
        if record.matching == 0 {
            advice.push(Advice::FullData(place));
        } else if record.usage == 2 && record.selector == 1 {
            advice.push(Advice::AnchorByKey(place));
        }
    }
    advice
}

#[cfg(test)]
mod tests;
