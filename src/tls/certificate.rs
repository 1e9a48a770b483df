//! One certificate as a server sent it (RFC 5280), read tolerantly: what
//! cannot be read is left out, since garbage in a certificate is the server's
//! affair and a finding, not an error of ours.
//!
//! Entry points: [`Certificate::read`] takes the DER; [`dns_names`] gives its
//! dNSNames alone, for rules that let no common name stand in for them
//! (RFC 8461, section 4.2).
//!
//! Not supported: extensions other than subjectAltName. Paths and key usage
//! are judged in `pkix`.

use aws_lc_rs::digest;
use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::asn1_rs::{Any, Tag};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::{Oid, OidRegistry};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey as ParsedKey;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name};

/// What a report shows of one certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// The DER octets as sent.
    pub der: Vec<u8>,
    /// Distinguished names in RFC 4514 form. Hostile text: escape.
    pub subject: String,
    pub issuer: String,
    /// subjectAltName dNSNames, and the common name only where there are none
    /// (RFC 6125, section 6.4.4). Hostile text: escape.
    pub names: Vec<String>,
    /// `names` holds the common name, since there is no dNSName.
    pub common_name_only: bool,
    /// Serial number in lower-case hexadecimal.
    pub serial: String,
    /// Validity; none where the certificate could not be read.
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
    pub key: PublicKey,
    /// Name of the signature algorithm (`sha256WithRSAEncryption`).
    pub signature_algorithm: String,
    /// Subject and issuer are the same name.
    pub self_issued: bool,
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub sha256: String,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal.
    pub spki_sha256: String,
}

/// The public key of a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicKey {
    /// `RSA`, `EC`, `Ed25519`, `Ed448`, or the dotted OID.
    pub algorithm: String,
    pub bits: u32,
    /// Name of the curve for `EC`.
    pub curve: Option<String>,
}

impl Certificate {
    /// Reads a certificate. Of one that cannot be read only the octets and
    /// their hash are left.
    #[must_use]
    pub fn read(der: &[u8]) -> Self {
        let sha256_of_der = sha256(der);
        let Ok((_, parsed)) = X509Certificate::from_der(der) else {
            return Self {
                der: der.to_vec(),
                subject: String::new(),
                issuer: String::new(),
                names: Vec::new(),
                common_name_only: false,
                serial: String::new(),
                not_before: None,
                not_after: None,
                key: PublicKey::default(),
                signature_algorithm: String::new(),
                self_issued: false,
                sha256: sha256_of_der,
                spki_sha256: String::new(),
            };
        };
        let mut names = alternative_names(&parsed);
        let common_name_only = names.is_empty();
        if common_name_only {
            names.extend(common_name(parsed.subject()));
        }
        Self {
            der: der.to_vec(),
            subject: distinguished_name(parsed.subject()),
            issuer: distinguished_name(parsed.issuer()),
            names,
            common_name_only,
            serial: hexadecimal(parsed.raw_serial()),
            not_before: timestamp(parsed.validity().not_before),
            not_after: timestamp(parsed.validity().not_after),
            key: public_key(parsed.public_key()),
            signature_algorithm: algorithm_name(&parsed.signature_algorithm.algorithm),
            self_issued: parsed.subject().as_raw() == parsed.issuer().as_raw(),
            sha256: sha256_of_der,
            spki_sha256: sha256(parsed.public_key().raw),
        }
    }
}

/// The dNSNames of a certificate's subjectAltName (RFC 5280, section 4.2.1.6).
#[must_use]
pub fn dns_names(der: &[u8]) -> Vec<String> {
    X509Certificate::from_der(der)
        .map(|(_, parsed)| alternative_names(&parsed))
        .unwrap_or_default()
}

impl Certificate {
    /// The dNSNames alone, for those who do not take a common name (RFC 8461,
    /// section 4.2).
    #[must_use]
    pub fn alternative_names(&self) -> &[String] {
        if self.common_name_only {
            &[]
        } else {
            &self.names
        }
    }
}

fn alternative_names(parsed: &X509Certificate<'_>) -> Vec<String> {
    parsed
        .extensions()
        .iter()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        })
        .flatten()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
        .collect()
}

/// The last common name, which is the most specific (RFC 6125, section 2.3.1).
fn common_name(subject: &X509Name<'_>) -> Option<String> {
    subject
        .iter_common_name()
        .last()
        .map(|attribute| text_of(attribute.attr_value()))
}

/// The form of RFC 4514, section 2: last attribute first, no space behind the
/// comma.
fn distinguished_name(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name
        .iter_rdn()
        .map(|rdn| {
            rdn.iter()
                .map(|attribute| {
                    let kind = attribute.attr_type().to_id_string();
                    let short = short_attribute(&kind);
                    let value = text_of(attribute.attr_value());
                    format!("{}={}", short.unwrap_or(&kind), escaped(&value))
                })
                .collect::<Vec<_>>()
                .join("+")
        })
        .collect();
    parts.reverse();
    parts.join(",")
}

/// RFC 4514, section 3, and `emailAddress`, which every tool writes so.
fn short_attribute(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        _ => return None,
    })
}

/// RFC 4514, section 2.4.
fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (at, c) in value.chars().enumerate() {
        let special = matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            || (at == 0 && matches!(c, ' ' | '#'))
            || (at == last && c == ' ');
        if special {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

fn text_of(value: &Any<'_>) -> String {
    if value.tag() == Tag::BmpString {
        let units = value
            .data
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        return char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
    }
    String::from_utf8_lossy(value.data).into_owned()
}

fn timestamp(time: ASN1Time) -> Option<Timestamp> {
    Timestamp::from_second(time.timestamp()).ok()
}

fn public_key(info: &SubjectPublicKeyInfo<'_>) -> PublicKey {
    let oid = info.algorithm.algorithm.to_id_string();
    let parsed = info.parsed().ok();
    let (algorithm, bits, curve) = match oid.as_str() {
        // RFC 8017, appendix A.1 and A.2.3.
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => {
            let bits = match &parsed {
                Some(ParsedKey::RSA(key)) => bit_length(key.modulus),
                _ => 0,
            };
            ("RSA".to_owned(), bits, None)
        }
        // RFC 5480, section 2.1.1.
        "1.2.840.10045.2.1" => {
            let curve = info
                .algorithm
                .parameters
                .as_ref()
                .and_then(|parameters| parameters.as_oid().ok())
                .map(|oid| oid.to_id_string());
            let (name, bits) = named_curve(curve.as_deref());
            let bits = bits.unwrap_or_else(|| {
                parsed
                    .as_ref()
                    .and_then(|key| u32::try_from(key.key_size()).ok())
                    .unwrap_or_default()
            });
            ("EC".to_owned(), bits, name.or(curve))
        }
        // RFC 8410, section 3.
        "1.3.101.112" => ("Ed25519".to_owned(), 256, None),
        "1.3.101.113" => ("Ed448".to_owned(), 456, None),
        _ => {
            let bits = parsed
                .as_ref()
                .and_then(|key| u32::try_from(key.key_size()).ok());
            (oid, bits.unwrap_or_default(), None)
        }
    };
    PublicKey {
        algorithm,
        bits,
        curve,
    }
}

/// The length of an unsigned number. A P-521 point or a modulus with leading
/// zeros has fewer bits than its octets say.
fn bit_length(number: &[u8]) -> u32 {
    let Some(first) = number.iter().position(|&b| b != 0) else {
        return 0;
    };
    let octets = u32::try_from(number.len() - first).unwrap_or(u32::MAX / 8);
    octets.saturating_mul(8) - number[first].leading_zeros()
}

fn named_curve(oid: Option<&str>) -> (Option<String>, Option<u32>) {
    let (name, bits) = match oid {
        Some("1.2.840.10045.3.1.7") => ("P-256", 256),
        Some("1.3.132.0.34") => ("P-384", 384),
        Some("1.3.132.0.35") => ("P-521", 521),
        Some("1.3.132.0.10") => ("secp256k1", 256),
        Some("1.3.36.3.3.2.8.1.1.7") => ("brainpoolP256r1", 256),
        Some("1.3.36.3.3.2.8.1.1.11") => ("brainpoolP384r1", 384),
        Some("1.3.36.3.3.2.8.1.1.13") => ("brainpoolP512r1", 512),
        _ => return (None, None),
    };
    (Some(name.to_owned()), Some(bits))
}

fn algorithm_name(oid: &Oid<'_>) -> String {
    thread_local! {
        static REGISTRY: OidRegistry<'static> =
            OidRegistry::default().with_crypto().with_x509();
    }
    REGISTRY.with(|registry| {
        registry
            .get(oid)
            .map_or_else(|| oid.to_id_string(), |entry| entry.sn().to_owned())
    })
}

fn sha256(octets: &[u8]) -> String {
    hexadecimal(digest::digest(&digest::SHA256, octets).as_ref())
}

fn hexadecimal(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        text.push(char::from(DIGITS[usize::from(octet >> 4)]));
        text.push(char::from(DIGITS[usize::from(octet & 0xf)]));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rcgen::{
        CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
        PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize, SanType,
        SignatureAlgorithm,
    };

    fn certificate(algorithm: &'static SignatureAlgorithm) -> Vec<u8> {
        let key = if algorithm == &PKCS_RSA_SHA256 {
            KeyPair::generate_rsa_for(algorithm, RsaKeySize::_2048).unwrap()
        } else {
            KeyPair::generate_for(algorithm).unwrap()
        };
        let mut params = CertificateParams::new(vec!["mx1.partner.example".to_owned()]).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "mx, one");
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Partner");
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn what_a_report_shows_is_read() {
        let certificate = Certificate::read(&certificate(&PKCS_ECDSA_P256_SHA256));
        assert_eq!(certificate.names, ["mx1.partner.example"]);
        assert_eq!(certificate.subject, "O=Partner,CN=mx\\, one");
        assert_eq!(certificate.issuer, certificate.subject);
        assert!(certificate.self_issued);
        assert_eq!(certificate.signature_algorithm, "ecdsa-with-SHA256");
        assert_eq!(certificate.sha256.len(), 64);
        assert_eq!(certificate.spki_sha256.len(), 64);
        assert!(certificate.not_before < certificate.not_after);
        assert!(!certificate.serial.is_empty());
    }

    #[test]
    fn keys_have_the_size_of_their_algorithm_not_of_their_octets() {
        for (algorithm, name, bits, curve) in [
            (&PKCS_ECDSA_P256_SHA256, "EC", 256, Some("P-256")),
            (&PKCS_ECDSA_P384_SHA384, "EC", 384, Some("P-384")),
            (&PKCS_ECDSA_P521_SHA512, "EC", 521, Some("P-521")),
            (&PKCS_ED25519, "Ed25519", 256, None),
            (&PKCS_RSA_SHA256, "RSA", 2048, None),
        ] {
            let key = Certificate::read(&certificate(algorithm)).key;
            assert_eq!(
                (key.algorithm.as_str(), key.bits, key.curve.as_deref()),
                (name, bits, curve)
            );
        }
    }

    #[test]
    fn c4_the_common_name_stands_in_only_where_there_is_no_dns_name() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "old.example");
        params.subject_alt_names = vec![SanType::IpAddress("192.0.2.1".parse().unwrap())];
        let der = params.self_signed(&key).unwrap().der().to_vec();
        assert_eq!(Certificate::read(&der).names, ["old.example"]);
        assert!(dns_names(&der).is_empty());
    }

    #[test]
    fn garbage_is_kept_and_nothing_is_made_up() {
        let certificate = Certificate::read(b"not a certificate");
        assert_eq!(certificate.der, b"not a certificate");
        assert_eq!(certificate.subject, "");
        assert_eq!(certificate.not_after, None);
        assert_eq!(certificate.sha256, sha256(b"not a certificate"));
    }

    #[test]
    fn no_octet_changed_makes_it_panic() {
        let der = certificate(&PKCS_ECDSA_P256_SHA256);
        for at in 0..der.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut der = der.clone();
                der[at] ^= change;
                let _ = Certificate::read(&der);
            }
            let _ = Certificate::read(&der[..at]);
        }
    }

    #[test]
    fn the_hash_is_sha_256() {
        // FIPS 180-4: the hash of "abc".
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
