//! What of a chain one record names, and whether a path leads from the leaf to
//! it (RFC 7671, section 5; RFC 7672, section 3.1).

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, Der, TrustAnchor, UnixTime};

use super::{Check, Match, Mismatch, parameters};
use crate::dane::der::{Outline, bare_key, sequence_contents};
use crate::dane::tlsa::Record;
use crate::name::HostName;
use crate::tls::certificate::Certificate;
use crate::tls::identity;

/// Trust anchors that are taken from the DNS alone.
const MAX_DNS_ANCHORS: usize = 4;

/// A chain with what its comparison with records needs, made once.
pub(super) struct Chain<'a> {
    pub(super) certificates: &'a [Certificate],
    prints: Vec<Prints<'a>>,
    /// For each certificate, what it is worth as trust anchor.
    as_anchor: Vec<std::cell::OnceCell<Result<(), Mismatch>>>,
    names: &'a [HostName],
    at: Timestamp,
}

/// What records are compared with, by selector.
struct Prints<'a> {
    octets: [Option<&'a [u8]>; 2],
    sha256: [Option<[u8; 32]>; 2],
    sha512: [Option<[u8; 64]>; 2],
}

impl<'a> Prints<'a> {
    fn of(certificate: &'a Certificate) -> Self {
        let der = certificate.der.as_slice();
        // RFC 7671, section 5.1: a bare key is no certificate, so that nothing
        // but its own octets can name it.
        let octets = match bare_key(der) {
            Some(key) => [None, Some(key)],
            None => [Some(der), Outline::read(der).map(|outline| outline.spki)],
        };
        Self {
            octets,
            sha256: octets.map(|octets| {
                octets.and_then(|octets| digest(&SHA256, octets).as_ref().try_into().ok())
            }),
            sha512: octets.map(|octets| {
                octets.and_then(|octets| digest(&SHA512, octets).as_ref().try_into().ok())
            }),
        }
    }

    /// RFC 6698, section 2.1.3. The record is usable.
    fn fits(&self, record: &Record) -> bool {
        let selector = usize::from(record.selector == 1);
        let data = record.data.as_slice();
        match record.matching {
            0 => self.octets[selector] == Some(data),
            1 => self.sha256[selector].is_some_and(|print| print == data),
            2 => self.sha512[selector].is_some_and(|print| print == data),
            _ => false,
        }
    }
}

impl<'a> Chain<'a> {
    pub(super) fn new(
        certificates: &'a [Certificate],
        names: &'a [HostName],
        at: Timestamp,
    ) -> Self {
        Self {
            certificates,
            prints: certificates.iter().map(Prints::of).collect(),
            as_anchor: certificates.iter().map(|_| Default::default()).collect(),
            names,
            at,
        }
    }

    /// The certificate a usable record names: for usage 3 the leaf or nothing.
    pub(super) fn depth_of(&self, record: &Record) -> Option<usize> {
        let within = if record.usage == 3 {
            &self.prints[..self.prints.len().min(1)]
        } else {
            &self.prints[..]
        };
        // An issuer before the leaf: only an issuer can be a trust anchor.
        let issuer = within.iter().skip(1).position(|p| p.fits(record));
        issuer
            .map(|at| at + 1)
            .or_else(|| within.first().filter(|p| p.fits(record)).map(|_| 0))
    }

    pub(super) fn check(&self, place: usize, record: &Record, dns_anchors: &mut usize) -> Check {
        let (depth, result) = match self.depth_of(record) {
            // RFC 7672, section 3.1.1: names and dates do not count.
            Some(0) if record.usage == 3 => {
                return Check::Authenticates(Match {
                    record: place,
                    parameters: parameters(record),
                    depth: Some(0),
                    name: None,
                });
            }
            Some(0) => (Some(0), Err(Mismatch::AnchorIsLeaf)),
            Some(depth) => (
                Some(depth),
                self.as_anchor[depth]
                    .get_or_init(|| self.path_to(depth))
                    .clone(),
            ),
            None if record.usage == 2
                && record.matching == 0
                && !self.certificates.is_empty()
                && *dns_anchors < MAX_DNS_ANCHORS =>
            {
                *dns_anchors += 1;
                match self.path_to_dns_anchor(record) {
                    Some(result) => (None, result),
                    None => return Check::NoMatch,
                }
            }
            None => return Check::NoMatch,
        };
        match result.and_then(|()| self.accepted_name()) {
            Ok(name) => Check::Authenticates(Match {
                record: place,
                parameters: parameters(record),
                depth,
                name: Some(name),
            }),
            Err(why) => Check::Insufficient { depth, why },
        }
    }

    /// RFC 7672, section 3.2.3.
    fn accepted_name(&self) -> Result<String, Mismatch> {
        let presented = self
            .certificates
            .first()
            .map(|leaf| leaf.names.as_slice())
            .unwrap_or_default();
        presented
            .iter()
            .find(|name| {
                self.names
                    .iter()
                    .any(|wanted| identity::matches(name, wanted.as_str()))
            })
            .cloned()
            .ok_or_else(|| Mismatch::Names {
                presented: presented.to_vec(),
                wanted: self.names.to_vec(),
            })
    }

    /// Whether a valid path leads from the leaf to the certificate at `depth`.
    fn path_to(&self, depth: usize) -> Result<(), Mismatch> {
        let anchor = &self.certificates[depth];
        // webpki asks nothing of an anchor; a certificate named in the DNS is
        // still one with dates and constraints (RFC 7672, section 3.1.2).
        if let Some(not_after) = anchor.not_after.filter(|&end| end < self.at) {
            return Err(Mismatch::Expired {
                not_after: Some(not_after),
            });
        }
        if let Some(not_before) = anchor.not_before.filter(|&start| start > self.at) {
            return Err(Mismatch::NotYetValid {
                not_before: Some(not_before),
            });
        }
        let constraints = Outline::read(&anchor.der).and_then(|outline| outline.basic_constraints);
        if constraints.is_some_and(|constraints| !constraints.ca) {
            return Err(Mismatch::AnchorNotCa);
        }
        let der = CertificateDer::from(anchor.der.as_slice());
        let anchor = webpki::anchor_from_trusted_cert(&der).map_err(|error| mismatch(&error))?;
        let below = self.build(&anchor, Some(depth))?;
        match constraints.and_then(|constraints| constraints.path_len) {
            Some(limit) if below > usize::try_from(limit).unwrap_or(usize::MAX) => {
                Err(Mismatch::PathTooLong)
            }
            _ => Ok(()),
        }
    }

    /// The same to an anchor that only the DNS has. None where the record's
    /// data is nothing of the sort, or where it has nothing to do with the
    /// chain.
    fn path_to_dns_anchor(&self, record: &Record) -> Option<Result<(), Mismatch>> {
        let result = if record.selector == 0 {
            let der = CertificateDer::from(record.data.as_slice());
            let anchor = webpki::anchor_from_trusted_cert(&der).ok()?;
            self.build(&anchor, None)
        } else {
            // RFC 7671, section 5.2.3: is the topmost certificate signed by
            // that key? A trust anchor has a name too: the one it is called by.
            let topmost = Outline::read(&self.certificates.last()?.der)?;
            let anchor = TrustAnchor {
                subject: Der::from_slice(topmost.issuer),
                subject_public_key_info: Der::from_slice(sequence_contents(&record.data)?),
                name_constraints: None,
            };
            self.build(&anchor, None)
        };
        match result {
            Err(Mismatch::Path(_)) => None,
            other => Some(other.map(|_| ())),
        }
    }

    /// Builds a path from the leaf to an anchor; gives the number of
    /// certificates between them.
    fn build(&self, anchor: &TrustAnchor<'_>, depth: Option<usize>) -> Result<usize, Mismatch> {
        let Some((leaf, rest)) = self.certificates.split_first() else {
            return Err(Mismatch::NoCertificate);
        };
        let leaf = CertificateDer::from(leaf.der.as_slice());
        let leaf = webpki::EndEntityCert::try_from(&leaf).map_err(|error| mismatch(&error))?;
        let intermediates: Vec<CertificateDer<'_>> = rest
            .iter()
            .enumerate()
            .filter(|&(at, _)| Some(at + 1) != depth)
            .map(|(_, certificate)| CertificateDer::from(certificate.der.as_slice()))
            .collect();
        let seconds = u64::try_from(self.at.as_second()).unwrap_or(0);
        let anchors = std::slice::from_ref(anchor);
        let path = leaf
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                anchors,
                &intermediates,
                UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)),
                webpki::KeyUsage::server_auth(),
                None,
                None,
            )
            .map_err(|error| mismatch(&error))?;
        Ok(path.intermediate_certificates().count())
    }
}

fn mismatch(error: &webpki::Error) -> Mismatch {
    let time = |time: &UnixTime| {
        i64::try_from(time.as_secs())
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
    };
    match error {
        webpki::Error::CertExpired { not_after, .. } => Mismatch::Expired {
            not_after: time(not_after),
        },
        webpki::Error::CertNotValidYet { not_before, .. } => Mismatch::NotYetValid {
            not_before: time(not_before),
        },
        webpki::Error::PathLenConstraintViolated => Mismatch::PathTooLong,
        other => Mismatch::Path(other.to_string()),
    }
}
