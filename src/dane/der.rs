//! The few parts of a certificate that DANE matching needs, cut from the DER
//! octets as sent.
//!
//! A record with selector 1 is compared with the SubjectPublicKeyInfo octets
//! (RFC 6698, section 2.1.2), and usage 3 ignores everything else in the
//! certificate. So a certificate that a full parser refuses (version 1, an
//! unknown critical extension, a broken date) must still match; hence this
//! walk over the outer structure (RFC 5280, section 4.1) instead of a parser.

/// The parts, borrowed from the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline<'a> {
    /// The issuer's name: contents of the SEQUENCE.
    pub issuer: &'a [u8],
    /// The SubjectPublicKeyInfo with its tag and length.
    pub spki: &'a [u8],
    /// The basic constraints, where the certificate has them.
    pub basic_constraints: Option<BasicConstraints>,
}

/// RFC 5280, section 4.2.1.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    pub ca: bool,
    /// How many intermediate certificates may stand below; a value that does
    /// not fit is as good as none.
    pub path_len: Option<u32>,
}

impl<'a> Outline<'a> {
    /// Walks the outer structure of a certificate. None where even that is
    /// not DER.
    #[must_use]
    pub fn read(certificate: &'a [u8]) -> Option<Self> {
        let (certificate, _) = expect(certificate, SEQUENCE)?;
        let (tbs, _) = expect(certificate.contents, SEQUENCE)?;
        let mut rest = tbs.contents;
        if let Some((version, after)) = element(rest)
            && version.tag == VERSION
        {
            rest = after;
        }
        let (_serial, rest) = expect(rest, INTEGER)?;
        let (_signature, rest) = expect(rest, SEQUENCE)?;
        let (issuer, rest) = expect(rest, SEQUENCE)?;
        let (_validity, rest) = expect(rest, SEQUENCE)?;
        let (_subject, rest) = expect(rest, SEQUENCE)?;
        let (spki, rest) = expect(rest, SEQUENCE)?;
        Some(Self {
            issuer: issuer.contents,
            spki: spki.whole,
            basic_constraints: basic_constraints(rest),
        })
    }
}

/// A bare SubjectPublicKeyInfo, as a server sends in place of a certificate
/// where both sides agreed on raw public keys (RFC 7250).
#[must_use]
pub fn bare_key(octets: &[u8]) -> Option<&[u8]> {
    let (key, rest) = expect(octets, SEQUENCE)?;
    let (algorithm, bits) = expect(key.contents, SEQUENCE)?;
    expect(algorithm.contents, OID)?;
    let (_, end) = expect(bits, BIT_STRING)?;
    (rest.is_empty() && end.is_empty()).then_some(octets)
}

/// The contents of a SubjectPublicKeyInfo, without its tag and length.
#[must_use]
pub fn sequence_contents(spki: &[u8]) -> Option<&[u8]> {
    let (spki, rest) = expect(spki, SEQUENCE)?;
    rest.is_empty().then_some(spki.contents)
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT Version`.
const VERSION: u8 = 0xa0;
/// `[3] EXPLICIT Extensions`.
const EXTENSIONS: u8 = 0xa3;
/// id-ce-basicConstraints, 2.5.29.19.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

struct Element<'a> {
    tag: u8,
    contents: &'a [u8],
    whole: &'a [u8],
}

/// Reads one element in definite form; tags above 30 stand nowhere in the
/// structure walked here.
fn element(input: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, after_tag) = input.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, after_length) = after_tag.split_first()?;
    let (length, after_length) = if first < 0x80 {
        (usize::from(first), after_length)
    } else {
        let octets = usize::from(first & 0x7f);
        if octets == 0 || octets > 4 {
            return None;
        }
        let (length, rest) = after_length.split_at_checked(octets)?;
        let length = length
            .iter()
            .fold(0_usize, |sum, &octet| (sum << 8) | usize::from(octet));
        (length, rest)
    };
    let (contents, rest) = after_length.split_at_checked(length)?;
    let whole = &input[..input.len() - rest.len()];
    Some((
        Element {
            tag,
            contents,
            whole,
        },
        rest,
    ))
}

fn expect(input: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    element(input).filter(|(found, _)| found.tag == tag)
}

fn basic_constraints(mut after_spki: &[u8]) -> Option<BasicConstraints> {
    // issuerUniqueID and subjectUniqueID may stand before the extensions.
    let extensions = loop {
        let (found, rest) = element(after_spki)?;
        if found.tag == EXTENSIONS {
            break found.contents;
        }
        after_spki = rest;
    };
    let (list, _) = expect(extensions, SEQUENCE)?;
    let mut rest = list.contents;
    loop {
        let (extension, after) = expect(rest, SEQUENCE)?;
        rest = after;
        let (oid, body) = expect(extension.contents, OID)?;
        if oid.contents != BASIC_CONSTRAINTS {
            continue;
        }
        let body = match expect(body, BOOLEAN) {
            Some((_critical, body)) => body,
            None => body,
        };
        let (value, _) = expect(body, OCTET_STRING)?;
        let (constraints, _) = expect(value.contents, SEQUENCE)?;
        let (ca, body) = match expect(constraints.contents, BOOLEAN) {
            Some((ca, body)) => (ca.contents.first().is_some_and(|&b| b != 0), body),
            None => (false, constraints.contents),
        };
        let path_len = expect(body, INTEGER).and_then(|(n, _)| {
            (n.contents.len() <= 3).then(|| {
                n.contents
                    .iter()
                    .fold(0_u32, |sum, &octet| (sum << 8) | u32::from(octet))
            })
        });
        return Some(BasicConstraints { ca, path_len });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn ca(path_len: Option<u8>) -> (Vec<u8>, Vec<u8>) {
        use rcgen::PublicKeyData as _;
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["ca.example".into()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(match path_len {
            Some(n) => rcgen::BasicConstraints::Constrained(n),
            None => rcgen::BasicConstraints::Unconstrained,
        });
        let spki = key.subject_public_key_info();
        (params.self_signed(&key).unwrap().der().to_vec(), spki)
    }

    #[test]
    fn the_key_and_the_constraints_are_cut_out_as_sent() {
        for path_len in [None, Some(0), Some(2)] {
            let (der, spki) = ca(path_len);
            let outline = Outline::read(&der).unwrap();
            assert_eq!(outline.spki, spki);
            assert_eq!(
                outline.basic_constraints,
                Some(BasicConstraints {
                    ca: true,
                    path_len: path_len.map(u32::from)
                })
            );
        }
    }

    #[test]
    fn a_cut_certificate_gives_nothing_or_the_same_key() {
        let (der, spki) = ca(None);
        for end in 0..der.len() {
            if let Some(outline) = Outline::read(&der[..end]) {
                assert_eq!(outline.spki, spki);
            }
        }
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Outline::read(&octets);
        }

        #[test]
        fn no_change_to_a_certificate_makes_it_panic(at in 0_usize..600, value in any::<u8>()) {
            let (mut der, _) = ca(Some(1));
            let at = at % der.len();
            der[at] = value;
            let _ = Outline::read(&der);
        }
    }
}
