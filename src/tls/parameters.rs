//! Protocol versions and cipher suites, by their IANA names.
//!
//! Mail software writes them in at least six spellings: IANA's own
//! (`TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`), OpenSSL's
//! (`ECDHE-RSA-AES256-GCM-SHA384`), three of GnuTLS
//! (`ECDHE_RSA_AES_256_GCM_SHA384`, `RSA_ARCFOUR_MD5`,
//! `ECDHE_SECP256R1__RSA_PSS_RSAE_SHA256__AES_256_GCM`) and rustls'
//! (`TLS13_AES_256_GCM_SHA384`). [`suite_by_label`] brings them to one key and
//! looks that up in the table of `hello::suites`; a label that names no registered suite (`OTHER`,
//! `TLS_ECDHE_WITH_AES256_SHA1`) stays a label.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::tls::hello::suites::{SUITES, Suite};

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
    /// Every version, from worst to best.
    pub const ALL: &[Self] = &[
        Self::Ssl2,
        Self::Ssl3,
        Self::Tls10,
        Self::Tls11,
        Self::Tls12,
        Self::Tls13,
    ];

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

    /// The name as people write it: `SSL 3.0`, `TLS 1.3`.
    #[must_use]
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Ssl2 => "SSL 2.0",
            Self::Ssl3 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        }
    }

    /// Below TLS 1.2: RFC 8996 forbids TLS 1.0 and 1.1, RFC 7568 SSL 3.0,
    /// RFC 6176 SSL 2.0.
    #[must_use]
    pub fn is_legacy(self) -> bool {
        self < Self::Tls12
    }
}

/// What a version label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionLabel {
    /// `TLSv1.3`, `TLS1_3`, `TLS-1.3`, `TLS13`, `SSLv3`.
    Exactly(TlsVersion),
    /// `TLSv1/SSLv3`, OpenSSL's old tag of the method, not of what was agreed:
    /// TLS 1.0 or later.
    SomeTls10OrLater,
    /// `TLS` or `SSL`, without a number.
    Some,
}

impl VersionLabel {
    /// Reads a label as mail software writes it; none where it names no
    /// version.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        if label.len() > 16 || !label.is_ascii() {
            return None;
        }
        let mut plain = [0; 16];
        let octets = label.bytes().filter(|b| !b"._- ".contains(b));
        let mut length = 0;
        for (slot, octet) in plain.iter_mut().zip(octets) {
            *slot = octet.to_ascii_lowercase();
            length += 1;
        }
        Some(match plain.get(..length)? {
            b"tls" | b"ssl" | b"ssl/tls" | b"tls/ssl" => Self::Some,
            b"tlsv1/sslv3" | b"tls1/ssl3" | b"sslv3/tlsv1" => Self::SomeTls10OrLater,
            b"sslv2" | b"ssl2" | b"ssl20" | b"sslv20" => Self::Exactly(TlsVersion::Ssl2),
            b"sslv3" | b"ssl3" | b"ssl30" | b"sslv30" => Self::Exactly(TlsVersion::Ssl3),
            b"tlsv1" | b"tls1" | b"tls10" | b"tlsv10" => Self::Exactly(TlsVersion::Tls10),
            b"tlsv11" | b"tls11" => Self::Exactly(TlsVersion::Tls11),
            b"tlsv12" | b"tls12" => Self::Exactly(TlsVersion::Tls12),
            b"tlsv13" | b"tls13" => Self::Exactly(TlsVersion::Tls13),
            _ => return None,
        })
    }

    /// The version, where the label names one.
    #[must_use]
    pub fn version(self) -> Option<TlsVersion> {
        match self {
            Self::Exactly(version) => Some(version),
            Self::SomeTls10OrLater | Self::Some => None,
        }
    }
}

/// Finds the suite that a label means. `version`, where known, decides what
/// a GnuTLS label without key exchange stands for.
#[must_use]
pub fn suite_by_label(label: &str, version: Option<TlsVersion>) -> Option<&'static Suite> {
    if label.len() > 80 || !label.is_ascii() {
        return None;
    }
    let suite = match BY_LABEL.get(label) {
        Some(suite) => *suite,
        None => *BY_KEY.get(key_of(label, version)?.as_str())?,
    };
    if version == Some(TlsVersion::Tls13) {
        // A suite of TLS 1.3 names no key exchange (RFC 8446, appendix B.4). Exim 4.96 with
        // GnuTLS writes `(TLS1.3) tls TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384` all the same,
        // for a session that agreed on TLS_AES_256_GCM_SHA384.
        let Some((_, cipher)) = suite.name.split_once("_WITH_") else {
            return Some(suite);
        };
        let of_tls13 = SUITES
            .iter()
            .find(|suite| suite.name.strip_prefix("TLS_") == Some(cipher));
        return Some(of_tls13.unwrap_or(suite));
    }
    Some(suite)
}

/// Whether a label that names no registered suite still shows an anonymous
/// key exchange.
#[must_use]
pub fn label_is_anonymous(label: &str) -> bool {
    let upper = label.to_ascii_uppercase();
    upper.starts_with("ADH") || upper.starts_with("AECDH") || upper.contains("ANON")
}

/// Whether a label that names no registered suite still shows a weak cipher.
#[must_use]
pub fn label_is_weak(label: &str) -> bool {
    let upper = label.to_ascii_uppercase();
    ["RC4", "ARCFOUR", "DES", "NULL", "EXP", "RC2"]
        .iter()
        .any(|word| upper.contains(word))
}

/// Brings a label to the key under which its suite is listed: upper case,
/// words separated by `_`, without `TLS`, `WITH` and `CBC`, key exchange
/// spelled out.
fn key_of(label: &str, version: Option<TlsVersion>) -> Option<String> {
    let mut upper = label.trim().to_ascii_uppercase().replace('-', "_");
    if upper.is_empty() {
        return None;
    }
    if let Some(rest) = upper.strip_prefix("TLS13_") {
        upper = format!("TLS_{rest}");
    }
    // LibreSSL's names of the TLS 1.3 suites: AEAD-AES128-GCM-SHA256.
    if let Some(rest) = upper.strip_prefix("AEAD_") {
        upper = format!("TLS_{rest}");
    }
    // Windows puts the curve behind: ..._CBC_SHA256_P256.
    if let Some((head, "P256" | "P384" | "P521")) = upper.rsplit_once('_') {
        upper = head.to_owned();
    }
    if upper.contains("__") {
        upper = gnutls_long(&upper, version)?;
    }
    let upper = upper
        .replace("DES_CBC3", "3DES_EDE")
        .replace("3DES_CBC", "3DES_EDE")
        .replace("AECDH", "ECDH_ANON")
        .replace("ADH_", "DH_ANON_")
        .replace("ANON_DH", "DH_ANON")
        .replace("ANON_ECDH", "ECDH_ANON")
        .replace("EDH_", "DHE_")
        .replace("ARCFOUR_128", "RC4_128")
        .replace("ARCFOUR", "RC4_128")
        .replace("SHA1", "SHA");
    let mut words: Vec<String> = Vec::new();
    for word in upper.split('_') {
        match word {
            "" | "TLS" | "SSL" | "WITH" | "CBC" => {}
            "AES128" | "AES256" | "CAMELLIA128" | "CAMELLIA256" | "ARIA128" | "ARIA256" => {
                let (name, bits) = word.split_at(word.len() - 3);
                words.push(name.to_owned());
                words.push(bits.to_owned());
            }
            "CCM8" => words.extend(["CCM".to_owned(), "8".to_owned()]),
            other => words.push(other.to_owned()),
        }
    }
    if words.iter().any(|w| w == "RC4") && !words.iter().any(|w| w == "128" || w == "40") {
        let at = words.iter().position(|w| w == "RC4")?;
        words.insert(at + 1, "128".to_owned());
    }
    if words.iter().any(|w| w == "POLY1305") {
        words.retain(|w| w != "SHA256");
    }
    // OpenSSL leaves the RSA key exchange out: AES256-SHA.
    let first = words.first()?.as_str();
    let bare = [
        "AES", "ARIA", "CAMELLIA", "RC4", "3DES", "DES", "SEED", "NULL", "IDEA",
    ]
    .contains(&first);
    let old_exchange = words.last().is_some_and(|w| w == "SHA" || w == "MD5");
    // A TLS 1.3 suite has no key exchange either, but IANA's prefix.
    let tls13 = upper.starts_with("TLS_") && !upper.contains("WITH") && !old_exchange;
    if bare && !tls13 {
        words.insert(0, "RSA".to_owned());
    }
    Some(words.join("_"))
}

/// GnuTLS' description of a session, `ECDHE_SECP256R1__RSA_PSS_…__AES_256_GCM`:
/// key exchange with its group, signature, cipher. The suite follows from it.
fn gnutls_long(label: &str, version: Option<TlsVersion>) -> Option<String> {
    let mut parts = label.split("__");
    let exchange = parts.next()?;
    let signature = parts.next()?;
    let cipher = parts.next()?;
    let with_hash = if cipher.contains("SHA") {
        cipher.to_owned()
    } else if cipher.ends_with("256_GCM") {
        format!("{cipher}_SHA384")
    } else {
        format!("{cipher}_SHA256")
    };
    if version == Some(TlsVersion::Tls13) {
        return Some(format!("TLS_{with_hash}"));
    }
    let exchange = exchange.split('_').next()?;
    let signature = signature.split('_').next()?;
    Some(format!("{exchange}_{signature}_{with_hash}"))
}

static BY_KEY: LazyLock<HashMap<String, &'static Suite>> = LazyLock::new(|| {
    SUITES
        .iter()
        .filter_map(|suite| Some((key_of(suite.name, None)?, suite)))
        .collect()
});

/// The labels that most lines hold, as they are: the names of the registry and
/// OpenSSL's. The others are brought to a key first.
static BY_LABEL: LazyLock<HashMap<&'static str, &'static Suite>> = LazyLock::new(|| {
    SUITES
        .iter()
        .flat_map(|suite| {
            std::iter::once(suite.name)
                .chain(suite.openssl)
                .map(move |label| (label, suite))
        })
        .collect()
});

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_spelling_of_a_suite_finds_its_registered_name() {
        for (label, name) in [
            (
                "ECDHE-RSA-AES256-GCM-SHA384",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            ),
            (
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            ),
            (
                "ECDHE_RSA_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            ),
            ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
            ("TLS13_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
            (
                "TLS13_CHACHA20_POLY1305_SHA256",
                "TLS_CHACHA20_POLY1305_SHA256",
            ),
            ("AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
            ("AES128-SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA256"),
            ("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
            ("DES-CBC3-SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
            ("EDH-RSA-DES-CBC3-SHA", "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"),
            (
                "DHE_RSA_3DES_EDE_CBC_SHA",
                "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",
            ),
            ("DHE-RSA-AES256-SHA", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
            ("RC4-MD5", "TLS_RSA_WITH_RC4_128_MD5"),
            ("RC4-SHA", "TLS_RSA_WITH_RC4_128_SHA"),
            ("RSA_ARCFOUR_SHA1", "TLS_RSA_WITH_RC4_128_SHA"),
            ("AECDH-AES256-SHA", "TLS_ECDH_anon_WITH_AES_256_CBC_SHA"),
            (
                "ADH-AES256-GCM-SHA384",
                "TLS_DH_anon_WITH_AES_256_GCM_SHA384",
            ),
            (
                "TLS_ECDH_anon_WITH_AES_256_CBC_SHA",
                "TLS_ECDH_anon_WITH_AES_256_CBC_SHA",
            ),
            ("RSA_AES_256_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
            (
                "ECDHE-ECDSA-CHACHA20-POLY1305",
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            ),
        ] {
            assert_eq!(suite_by_label(label, None).unwrap().name, name, "{label}");
        }
        let long = "ECDHE_SECP256R1__RSA_PSS_RSAE_SHA256__AES_256_GCM";
        assert_eq!(
            suite_by_label(long, Some(TlsVersion::Tls12)).unwrap().name,
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
        );
        assert_eq!(
            suite_by_label(long, Some(TlsVersion::Tls13)).unwrap().name,
            "TLS_AES_256_GCM_SHA384"
        );
        let impossible = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
        assert_eq!(
            suite_by_label(impossible, Some(TlsVersion::Tls13))
                .unwrap()
                .name,
            "TLS_AES_256_GCM_SHA384"
        );
        for label in ["OTHER", "TLS_ECDHE_WITH_AES256_SHA1", "", "x", "(NONE)"] {
            assert_eq!(suite_by_label(label, None), None, "{label}");
        }
    }

    #[test]
    fn every_listed_suite_is_found_by_both_of_its_names() {
        for suite in SUITES {
            for label in std::iter::once(suite.name).chain(suite.openssl) {
                assert_eq!(suite_by_label(label, None), Some(suite), "{label}");
                let lower = label.to_ascii_lowercase();
                let found = suite_by_label(&lower, None);
                // OpenSSL's names of export suites leave out how weak they are.
                if label.starts_with("EXP") || label.contains("-ARIA") {
                    assert!(found.is_none_or(|found| found == suite), "{lower}");
                } else {
                    assert_eq!(found, Some(suite), "{lower}");
                }
            }
        }
    }

    #[test]
    fn versions_are_read_in_every_spelling() {
        for (label, version) in [
            ("TLSv1.3", TlsVersion::Tls13),
            ("TLS1_3", TlsVersion::Tls13),
            ("TLS1.2", TlsVersion::Tls12),
            ("TLS-1.3", TlsVersion::Tls13),
            ("TLS-1.0", TlsVersion::Tls10),
            ("TLS12", TlsVersion::Tls12),
            ("TLSv1", TlsVersion::Tls10),
            ("SSLv3", TlsVersion::Ssl3),
        ] {
            assert_eq!(
                VersionLabel::parse(label),
                Some(VersionLabel::Exactly(version)),
                "{label}"
            );
        }
        assert_eq!(
            VersionLabel::parse("TLSv1/SSLv3"),
            Some(VersionLabel::SomeTls10OrLater)
        );
        assert_eq!(VersionLabel::parse("TLS"), Some(VersionLabel::Some));
        assert_eq!(VersionLabel::parse("ESMTP"), None);
        assert_eq!(VersionLabel::parse("DTLSv1.2"), None);
    }

    #[test]
    fn weak_and_anonymous_suites_are_told_from_the_rest() {
        let suite = |label| suite_by_label(label, None).unwrap();
        assert!(suite("RC4-MD5").is_weak());
        assert!(suite("DES-CBC3-SHA").is_weak());
        assert!(suite("AECDH-AES256-SHA").is_anonymous());
        assert!(!suite("ECDHE-RSA-AES256-GCM-SHA384").is_weak());
        assert!(!suite("ECDHE-RSA-AES256-GCM-SHA384").is_anonymous());
    }
}
