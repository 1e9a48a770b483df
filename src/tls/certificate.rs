//! One certificate as a server sent it (RFC 5280), read tolerantly: what
//! cannot be read is left out, since garbage in a certificate is the server's
//! affair and a finding, not an error of ours.

use jiff::Timestamp;

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
