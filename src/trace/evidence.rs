//! What a hop attests about TLS, and where it says so.

use std::ops::Range;

use crate::answer::Standing;
use crate::tls::parameters::TlsVersion;

/// What is concluded about one hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsState {
    /// The line's words say so.
    Encrypted,
    /// The line's words, or its writer's habit, leave no TLS.
    Cleartext,
    /// Nothing can be concluded.
    Unstated,
    /// Not an SMTP hop over a network.
    NotApplicable,
}

impl TlsState {
    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Cleartext => "cleartext",
            Self::Unstated => "unstated",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// The conclusion about one hop with all that led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct TlsEvidence {
    pub state: TlsState,
    /// None where the state is unstated or not applicable.
    pub standing: Option<Standing>,
    pub version: Option<TlsVersion>,
    /// The version as written (`TLS1_3`, `TLSv1/SSLv3`).
    pub version_label: Option<String>,
    /// IANA name of the cipher suite.
    pub cipher: Option<String>,
    /// The cipher as written.
    pub cipher_label: Option<String>,
    /// Strength in bits, where the text gives bits.
    pub bits: Option<u32>,
    /// The strength as written (`256/256`); old Exim with GnuTLS writes bytes.
    pub bits_label: Option<String>,
    pub client_certificate: Option<ClientCertificate>,
    /// False for an anonymous suite; none where the cipher is unknown.
    pub authenticated_cipher: Option<bool>,
    pub evidence: Vec<Evidence>,
}

impl TlsEvidence {
    /// Nothing concluded from nothing.
    pub(super) fn unstated() -> Self {
        Self {
            state: TlsState::Unstated,
            standing: None,
            version: None,
            version_label: None,
            cipher: None,
            cipher_label: None,
            bits: None,
            bits_label: None,
            client_certificate: None,
            authenticated_cipher: None,
            evidence: Vec::new(),
        }
    }
}

/// What the line says of the client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientCertificate {
    None,
    Presented,
    Verified,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub kind: EvidenceKind,
    pub says: Says,
    /// One clause in words, which can stand alone: "Postfix writes ESMTPS
    /// whenever TLS was used". May quote hostile text: escape.
    pub text: String,
    /// Where it stands, if it stands in the field: [`Hop::place`](super::chain::Hop::place)
    /// gives its place in the file.
    pub span: Option<Range<usize>>,
}

/// Where a piece of evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EvidenceKind {
    /// The `with` keyword (RFC 3848).
    TransmissionType,
    /// A comment such as `(using TLSv1.3 with cipher …)`.
    Comment,
    /// The `tls` clause (RFC 8314, section 4.3).
    TlsClause,
    /// What this software is known to write.
    SoftwareHabit,
    /// What this host wrote in other messages.
    Witness,
    /// Addresses: loopback, private.
    Address,
    /// Some other word of the line.
    Keyword,
}

/// What it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Says {
    Tls,
    NoTls,
    Silent,
}
