//! Protocol versions and cipher suites, by their IANA names.

/// A version of the protocol, from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsVersion {
    Ssl2,
    Ssl3,
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

impl TlsVersion {
    /// The name this program prints: `SSLv3`, `TLSv1`, `TLSv1.3`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssl2 => "SSLv2",
            Self::Ssl3 => "SSLv3",
            Self::Tls10 => "TLSv1",
            Self::Tls11 => "TLSv1.1",
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }

    /// Below TLS 1.2: RFC 8996 forbids TLS 1.0 and 1.1, RFC 7568 SSL 3.0,
    /// RFC 6176 SSL 2.0.
    #[must_use]
    pub fn is_legacy(self) -> bool {
        self < Self::Tls12
    }
}
