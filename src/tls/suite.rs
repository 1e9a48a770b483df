//! What this program's TLS stack agreed on, by the names of the IANA registry
//! ("TLS Cipher Suites", "TLS Supported Groups") and of OpenSSL.

use rustls::{NamedGroup, ProtocolVersion, SupportedCipherSuite};

use crate::tls::parameters::TlsVersion;

/// The names and strength of an agreed suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgreedSuite {
    pub iana: &'static str,
    pub openssl: &'static str,
    /// Strength of the symmetric cipher.
    pub bits: u16,
}

/// The suites the stack has, by their registry numbers.
const SUITES: &[(u16, AgreedSuite)] = &[
    (
        0x1301,
        suite("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", 128),
    ),
    (
        0x1302,
        suite("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", 256),
    ),
    (
        0x1303,
        suite(
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_CHACHA20_POLY1305_SHA256",
            256,
        ),
    ),
    (
        0xc02b,
        suite(
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            128,
        ),
    ),
    (
        0xc02c,
        suite(
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            256,
        ),
    ),
    (
        0xc02f,
        suite(
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "ECDHE-RSA-AES128-GCM-SHA256",
            128,
        ),
    ),
    (
        0xc030,
        suite(
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "ECDHE-RSA-AES256-GCM-SHA384",
            256,
        ),
    ),
    (
        0xcca8,
        suite(
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "ECDHE-RSA-CHACHA20-POLY1305",
            256,
        ),
    ),
    (
        0xcca9,
        suite(
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            256,
        ),
    ),
];

const fn suite(iana: &'static str, openssl: &'static str, bits: u16) -> AgreedSuite {
    AgreedSuite {
        iana,
        openssl,
        bits,
    }
}

/// The suite that was agreed on. None for one that is not in the table, which
/// a test keeps from happening.
#[must_use]
pub fn agreed_suite(suite: SupportedCipherSuite) -> Option<AgreedSuite> {
    let number = u16::from(suite.suite());
    SUITES
        .iter()
        .find(|(known, _)| *known == number)
        .map(|(_, names)| *names)
}

/// The version that was agreed on. The stack has no other than these.
#[must_use]
pub fn agreed_version(version: ProtocolVersion) -> Option<TlsVersion> {
    match version {
        ProtocolVersion::TLSv1_2 => Some(TlsVersion::Tls12),
        ProtocolVersion::TLSv1_3 => Some(TlsVersion::Tls13),
        _ => None,
    }
}

/// The name of a key exchange group in the IANA registry.
#[must_use]
pub fn group_name(group: NamedGroup) -> String {
    match group {
        NamedGroup::secp256r1 => "secp256r1".into(),
        NamedGroup::secp384r1 => "secp384r1".into(),
        NamedGroup::secp521r1 => "secp521r1".into(),
        NamedGroup::X25519 => "x25519".into(),
        NamedGroup::X448 => "x448".into(),
        NamedGroup::secp256r1MLKEM768 => "SecP256r1MLKEM768".into(),
        NamedGroup::X25519MLKEM768 => "X25519MLKEM768".into(),
        other => format!("0x{:04x}", u16::from(other)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_suite_and_group_of_the_stack_has_its_names() {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        for suite in &provider.cipher_suites {
            assert!(agreed_suite(*suite).is_some(), "{:?}", suite.suite());
        }
        for group in &provider.kx_groups {
            assert!(!group_name(group.name()).starts_with("0x"));
        }
    }

    #[test]
    fn the_post_quantum_group_is_offered_first() {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        assert_eq!(group_name(provider.kx_groups[0].name()), "X25519MLKEM768");
    }
}
