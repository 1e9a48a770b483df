//! What this program's TLS stack agreed on, by the names of the IANA registry
//! ("TLS Cipher Suites", "TLS Supported Groups") and of OpenSSL.

use rustls::{NamedGroup, ProtocolVersion, SupportedCipherSuite};

use crate::tls::hello;
use crate::tls::hello::suites::Suite;
use crate::tls::parameters::TlsVersion;

/// The names and strength of an agreed suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgreedSuite {
    pub iana: &'static str,
    pub openssl: &'static str,
    /// Strength of the symmetric cipher.
    pub bits: u16,
}

/// The suite that was agreed on. None for one that the table of suites does not
/// have, which a test keeps from happening.
#[must_use]
pub fn agreed_suite(suite: SupportedCipherSuite) -> Option<AgreedSuite> {
    let suite = Suite::of(u16::from(suite.suite()))?;
    Some(AgreedSuite {
        iana: suite.name,
        openssl: suite.openssl?,
        bits: suite.bits(),
    })
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
    let code = u16::from(group);
    hello::group_name(code).map_or_else(|| format!("0x{code:04x}"), str::to_owned)
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
