//! One finished handshake: what was agreed, what was shown, and what PKIX
//! and the name say of it, judged after an accepting handshake.

use crate::attempt::Attempt;
use crate::tls::certificate::Certificate;
use crate::tls::parameters::TlsVersion;

/// A handshake that reached its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Handshake {
    pub version: TlsVersion,
    /// IANA name of the suite.
    pub cipher_suite: String,
    /// OpenSSL's name of the suite.
    pub cipher_openssl: String,
    /// Strength of the symmetric cipher, bits.
    pub cipher_bits: u16,
    /// IANA name of the key exchange group (`X25519MLKEM768`), where known.
    pub group: Option<String>,
    /// The chain in the order the server sent it, leaf first.
    pub chain: Vec<Certificate>,
    pub client_certificate_requested: bool,
    /// Whether a path to a trusted root was found, in time, fit for servers.
    /// It says nothing about names.
    pub pkix: Attempt<()>,
    /// Whether the leaf holds the MX host's name (RFC 9525, section 6).
    pub identity: Attempt<Identity>,
    /// Which TLSA record matched (RFC 6698, section 2.1).
    pub dane: Attempt<DaneMatch>,
}

/// The kinds of key that a server may have a certificate of each of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    Rsa,
    /// On an elliptic curve.
    Ecdsa,
}

impl KeyKind {
    /// Both.
    pub const ALL: &[Self] = &[Self::Rsa, Self::Ecdsa];

    /// The kind of a certificate's key; none for other ones.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Option<Self> {
        match certificate.key.algorithm.as_str() {
            "RSA" => Some(Self::Rsa),
            "EC" => Some(Self::Ecdsa),
            _ => None,
        }
    }

    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Rsa => Self::Ecdsa,
            Self::Ecdsa => Self::Rsa,
        }
    }

    /// The name this program prints.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ecdsa => "ECDSA",
        }
    }
}

/// The name in the certificate that matched the host's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub matched: String,
}

/// The parameters of the TLSA record that matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaneMatch {
    pub usage: u8,
    pub selector: u8,
    pub matching: u8,
}
