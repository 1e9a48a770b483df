//! Cipher suites by their code points, with what a report says of them.
//!
//! Code points and names are those of the IANA "TLS Cipher Suites" registry
//! (RFC 8446, section 11); OpenSSL's names are those `openssl ciphers -V`
//! prints, and for suites it has dropped those of its releases 1.0.2 and 1.1.0.
//! Strength and class follow from the registered name. Left out: suites that
//! need a shared secret or another scheme beside certificates (PSK, SRP,
//! Kerberos, FORTEZZA), which no public mail server can use, and drafts.

use crate::tls::handshake::KeyKind;

/// A registered suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suite {
    pub code: u16,
    /// Name in the IANA registry.
    pub name: &'static str,
    /// OpenSSL's name, where some release of it had the suite.
    pub openssl: Option<&'static str>,
}

/// How keys are agreed, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyExchange {
    /// TLS 1.3: decided by the group, not by the suite.
    Tls13,
    /// Ephemeral elliptic curve Diffie-Hellman.
    Ecdhe,
    /// Ephemeral finite field Diffie-Hellman.
    Dhe,
    /// Encrypted to the certificate's RSA key: no forward secrecy.
    Rsa,
    /// Diffie-Hellman with the certificate's key: no forward secrecy.
    Static,
}

/// What protects the data, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protection {
    /// Authenticated encryption.
    Aead,
    /// A block cipher in CBC mode.
    Cbc,
    /// 3DES, of 64-bit blocks.
    TripleDes,
    /// RC4, forbidden by RFC 7465.
    Rc4,
    /// DES, or any cipher of an export suite.
    Breakable,
    /// No encryption at all.
    Null,
}

impl Suite {
    /// The suite of a code point.
    #[must_use]
    pub fn of(code: u16) -> Option<&'static Self> {
        SUITES
            .binary_search_by_key(&code, |suite| suite.code)
            .ok()
            .map(|at| &SUITES[at])
    }

    #[must_use]
    pub fn key_exchange(&self) -> KeyExchange {
        let Some((exchange, _)) = self.name.split_once("_WITH_") else {
            return KeyExchange::Tls13;
        };
        if exchange.starts_with("TLS_ECDHE_") || exchange == "TLS_ECDH_anon" {
            KeyExchange::Ecdhe
        } else if exchange.starts_with("TLS_DHE_") || exchange.starts_with("TLS_DH_anon") {
            KeyExchange::Dhe
        } else if exchange.starts_with("TLS_RSA") {
            KeyExchange::Rsa
        } else {
            KeyExchange::Static
        }
    }

    #[must_use]
    pub fn protection(&self) -> Protection {
        let has = |part| self.name.contains(part);
        if has("_NULL_") {
            Protection::Null
        } else if self.is_export() || has("_DES_CBC") {
            Protection::Breakable
        } else if has("_RC4_") {
            Protection::Rc4
        } else if has("_3DES_") {
            Protection::TripleDes
        } else if has("_CBC_") {
            Protection::Cbc
        } else {
            Protection::Aead
        }
    }

    /// The kind of key that signs, where the suite says it: not in TLS 1.3
    /// (RFC 8446, section 1.2), and not where nothing is signed.
    #[must_use]
    pub fn key_kind(&self) -> Option<KeyKind> {
        let (exchange, _) = self.name.split_once("_WITH_")?;
        if exchange.ends_with("_ECDSA") {
            Some(KeyKind::Ecdsa)
        } else if exchange.ends_with("_RSA") {
            Some(KeyKind::Rsa)
        } else {
            None
        }
    }

    /// Nobody is authenticated: no certificate is sent. Not a fault by itself
    /// in opportunistic mail (RFC 7672, section 8.2), but neither DANE nor
    /// MTA-STS can be satisfied with it.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.name.contains("_anon_")
    }

    /// Whether its cipher is broken or forbidden: RC4 (RFC 7465), single and
    /// triple DES, export strength, none at all.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.protection() >= Protection::TripleDes
    }

    /// Weakened on purpose for the export rules of the 1990s.
    #[must_use]
    pub fn is_export(&self) -> bool {
        self.name.contains("_EXPORT")
    }

    /// Whether the suite exists in TLS 1.2 and later only (RFC 5246; AEAD and
    /// suites with a SHA-2 MAC).
    #[must_use]
    pub fn needs_tls12(&self) -> bool {
        self.protection() == Protection::Aead
            || self.name.ends_with("_SHA256")
            || self.name.ends_with("_SHA384")
    }

    /// Strength of the cipher in bits, as OpenSSL counts it (3DES: 112).
    #[must_use]
    pub fn bits(&self) -> u16 {
        let has = |part| self.name.contains(part);
        match self.protection() {
            Protection::Null => 0,
            Protection::TripleDes => 112,
            Protection::Breakable if has("EXPORT1024") || has("_DES_CBC") => 56,
            Protection::Breakable => 40,
            _ if has("_256_") || has("CHACHA20") => 256,
            _ => 128,
        }
    }

    /// Whether rustls, our own TLS stack, can negotiate it: TLS 1.3, and ECDHE
    /// with AES-GCM or ChaCha20-Poly1305.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        let modern = self.name.contains("_GCM_") || self.name.contains("_CHACHA20_");
        let known = self.name.contains("_AES_") || self.name.contains("_CHACHA20_");
        known
            && modern
            && !self.is_anonymous()
            && matches!(self.key_exchange(), KeyExchange::Tls13 | KeyExchange::Ecdhe)
    }

    /// One word or two on what kind of suite it is, worst thing first.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match (self.protection(), self.key_exchange()) {
            (Protection::Null, _) => "no encryption",
            (Protection::Breakable, _) if self.is_export() => "export",
            (Protection::Breakable, _) => "DES",
            _ if self.is_anonymous() => "anonymous",
            (Protection::Rc4, _) => "RC4",
            (Protection::TripleDes, _) => "3DES",
            (_, KeyExchange::Rsa) => "RSA key exchange",
            (_, KeyExchange::Static) => "static Diffie-Hellman",
            (Protection::Cbc, KeyExchange::Dhe) => "DHE, CBC",
            (Protection::Cbc, _) => "CBC",
            (Protection::Aead, KeyExchange::Dhe) => "DHE, AEAD",
            (Protection::Aead, _) => "AEAD",
        }
    }
}

const fn suite(code: u16, name: &'static str, openssl: &'static str) -> Suite {
    let openssl = if openssl.is_empty() {
        None
    } else {
        Some(openssl)
    };
    Suite {
        code,
        name,
        openssl,
    }
}

/// Every suite, by code point.
#[rustfmt::skip]
pub static SUITES: &[Suite] = &[
    suite(0x0001, "TLS_RSA_WITH_NULL_MD5", "NULL-MD5"),
    suite(0x0002, "TLS_RSA_WITH_NULL_SHA", "NULL-SHA"),
    suite(0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", "EXP-RC4-MD5"),
    suite(0x0004, "TLS_RSA_WITH_RC4_128_MD5", "RC4-MD5"),
    suite(0x0005, "TLS_RSA_WITH_RC4_128_SHA", "RC4-SHA"),
    suite(0x0006, "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", "EXP-RC2-CBC-MD5"),
    suite(0x0007, "TLS_RSA_WITH_IDEA_CBC_SHA", "IDEA-CBC-SHA"),
    suite(0x0008, "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", "EXP-DES-CBC-SHA"),
    suite(0x0009, "TLS_RSA_WITH_DES_CBC_SHA", "DES-CBC-SHA"),
    suite(0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"),
    suite(0x000b, "TLS_DH_DSS_EXPORT_WITH_DES40_CBC_SHA", ""),
    suite(0x000c, "TLS_DH_DSS_WITH_DES_CBC_SHA", ""),
    suite(0x000d, "TLS_DH_DSS_WITH_3DES_EDE_CBC_SHA", "DH-DSS-DES-CBC3-SHA"),
    suite(0x000e, "TLS_DH_RSA_EXPORT_WITH_DES40_CBC_SHA", ""),
    suite(0x000f, "TLS_DH_RSA_WITH_DES_CBC_SHA", ""),
    suite(0x0010, "TLS_DH_RSA_WITH_3DES_EDE_CBC_SHA", "DH-RSA-DES-CBC3-SHA"),
    suite(0x0011, "TLS_DHE_DSS_EXPORT_WITH_DES40_CBC_SHA", "EXP-EDH-DSS-DES-CBC-SHA"),
    suite(0x0012, "TLS_DHE_DSS_WITH_DES_CBC_SHA", "EDH-DSS-DES-CBC-SHA"),
    suite(0x0013, "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA", "DHE-DSS-DES-CBC3-SHA"),
    suite(0x0014, "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA", "EXP-EDH-RSA-DES-CBC-SHA"),
    suite(0x0015, "TLS_DHE_RSA_WITH_DES_CBC_SHA", "EDH-RSA-DES-CBC-SHA"),
    suite(0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", "DHE-RSA-DES-CBC3-SHA"),
    suite(0x0017, "TLS_DH_anon_EXPORT_WITH_RC4_40_MD5", "EXP-ADH-RC4-MD5"),
    suite(0x0018, "TLS_DH_anon_WITH_RC4_128_MD5", "ADH-RC4-MD5"),
    suite(0x0019, "TLS_DH_anon_EXPORT_WITH_DES40_CBC_SHA", "EXP-ADH-DES-CBC-SHA"),
    suite(0x001a, "TLS_DH_anon_WITH_DES_CBC_SHA", "ADH-DES-CBC-SHA"),
    suite(0x001b, "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA", "ADH-DES-CBC3-SHA"),
    suite(0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
    suite(0x0030, "TLS_DH_DSS_WITH_AES_128_CBC_SHA", "DH-DSS-AES128-SHA"),
    suite(0x0031, "TLS_DH_RSA_WITH_AES_128_CBC_SHA", "DH-RSA-AES128-SHA"),
    suite(0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", "DHE-DSS-AES128-SHA"),
    suite(0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "DHE-RSA-AES128-SHA"),
    suite(0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA", "ADH-AES128-SHA"),
    suite(0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"),
    suite(0x0036, "TLS_DH_DSS_WITH_AES_256_CBC_SHA", "DH-DSS-AES256-SHA"),
    suite(0x0037, "TLS_DH_RSA_WITH_AES_256_CBC_SHA", "DH-RSA-AES256-SHA"),
    suite(0x0038, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA", "DHE-DSS-AES256-SHA"),
    suite(0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", "DHE-RSA-AES256-SHA"),
    suite(0x003a, "TLS_DH_anon_WITH_AES_256_CBC_SHA", "ADH-AES256-SHA"),
    suite(0x003b, "TLS_RSA_WITH_NULL_SHA256", "NULL-SHA256"),
    suite(0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"),
    suite(0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256"),
    suite(0x003e, "TLS_DH_DSS_WITH_AES_128_CBC_SHA256", "DH-DSS-AES128-SHA256"),
    suite(0x003f, "TLS_DH_RSA_WITH_AES_128_CBC_SHA256", "DH-RSA-AES128-SHA256"),
    suite(0x0040, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", "DHE-DSS-AES128-SHA256"),
    suite(0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", "CAMELLIA128-SHA"),
    suite(0x0042, "TLS_DH_DSS_WITH_CAMELLIA_128_CBC_SHA", ""),
    suite(0x0043, "TLS_DH_RSA_WITH_CAMELLIA_128_CBC_SHA", ""),
    suite(0x0044, "TLS_DHE_DSS_WITH_CAMELLIA_128_CBC_SHA", "DHE-DSS-CAMELLIA128-SHA"),
    suite(0x0045, "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA", "DHE-RSA-CAMELLIA128-SHA"),
    suite(0x0046, "TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA", "ADH-CAMELLIA128-SHA"),
    suite(0x0060, "TLS_RSA_EXPORT1024_WITH_RC4_56_MD5", ""),
    suite(0x0061, "TLS_RSA_EXPORT1024_WITH_RC2_CBC_56_MD5", ""),
    suite(0x0062, "TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA", "EXP1024-DES-CBC-SHA"),
    suite(0x0063, "TLS_DHE_DSS_EXPORT1024_WITH_DES_CBC_SHA", ""),
    suite(0x0064, "TLS_RSA_EXPORT1024_WITH_RC4_56_SHA", "EXP1024-RC4-SHA"),
    suite(0x0065, "TLS_DHE_DSS_EXPORT1024_WITH_RC4_56_SHA", ""),
    suite(0x0066, "TLS_DHE_DSS_WITH_RC4_128_SHA", "DHE-DSS-RC4-SHA"),
    suite(0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", "DHE-RSA-AES128-SHA256"),
    suite(0x0068, "TLS_DH_DSS_WITH_AES_256_CBC_SHA256", "DH-DSS-AES256-SHA256"),
    suite(0x0069, "TLS_DH_RSA_WITH_AES_256_CBC_SHA256", "DH-RSA-AES256-SHA256"),
    suite(0x006a, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256", "DHE-DSS-AES256-SHA256"),
    suite(0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", "DHE-RSA-AES256-SHA256"),
    suite(0x006c, "TLS_DH_anon_WITH_AES_128_CBC_SHA256", "ADH-AES128-SHA256"),
    suite(0x006d, "TLS_DH_anon_WITH_AES_256_CBC_SHA256", "ADH-AES256-SHA256"),
    suite(0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", "CAMELLIA256-SHA"),
    suite(0x0085, "TLS_DH_DSS_WITH_CAMELLIA_256_CBC_SHA", ""),
    suite(0x0086, "TLS_DH_RSA_WITH_CAMELLIA_256_CBC_SHA", ""),
    suite(0x0087, "TLS_DHE_DSS_WITH_CAMELLIA_256_CBC_SHA", "DHE-DSS-CAMELLIA256-SHA"),
    suite(0x0088, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA", "DHE-RSA-CAMELLIA256-SHA"),
    suite(0x0089, "TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA", "ADH-CAMELLIA256-SHA"),
    suite(0x0096, "TLS_RSA_WITH_SEED_CBC_SHA", "SEED-SHA"),
    suite(0x0097, "TLS_DH_DSS_WITH_SEED_CBC_SHA", ""),
    suite(0x0098, "TLS_DH_RSA_WITH_SEED_CBC_SHA", ""),
    suite(0x0099, "TLS_DHE_DSS_WITH_SEED_CBC_SHA", "DHE-DSS-SEED-SHA"),
    suite(0x009a, "TLS_DHE_RSA_WITH_SEED_CBC_SHA", "DHE-RSA-SEED-SHA"),
    suite(0x009b, "TLS_DH_anon_WITH_SEED_CBC_SHA", "ADH-SEED-SHA"),
    suite(0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
    suite(0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
    suite(0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "DHE-RSA-AES128-GCM-SHA256"),
    suite(0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "DHE-RSA-AES256-GCM-SHA384"),
    suite(0x00a0, "TLS_DH_RSA_WITH_AES_128_GCM_SHA256", "DH-RSA-AES128-GCM-SHA256"),
    suite(0x00a1, "TLS_DH_RSA_WITH_AES_256_GCM_SHA384", "DH-RSA-AES256-GCM-SHA384"),
    suite(0x00a2, "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256", "DHE-DSS-AES128-GCM-SHA256"),
    suite(0x00a3, "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384", "DHE-DSS-AES256-GCM-SHA384"),
    suite(0x00a4, "TLS_DH_DSS_WITH_AES_128_GCM_SHA256", "DH-DSS-AES128-GCM-SHA256"),
    suite(0x00a5, "TLS_DH_DSS_WITH_AES_256_GCM_SHA384", "DH-DSS-AES256-GCM-SHA384"),
    suite(0x00a6, "TLS_DH_anon_WITH_AES_128_GCM_SHA256", "ADH-AES128-GCM-SHA256"),
    suite(0x00a7, "TLS_DH_anon_WITH_AES_256_GCM_SHA384", "ADH-AES256-GCM-SHA384"),
    suite(0x00ba, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA256", "CAMELLIA128-SHA256"),
    suite(0x00bb, "TLS_DH_DSS_WITH_CAMELLIA_128_CBC_SHA256", ""),
    suite(0x00bc, "TLS_DH_RSA_WITH_CAMELLIA_128_CBC_SHA256", ""),
    suite(0x00bd, "TLS_DHE_DSS_WITH_CAMELLIA_128_CBC_SHA256", "DHE-DSS-CAMELLIA128-SHA256"),
    suite(0x00be, "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA256", "DHE-RSA-CAMELLIA128-SHA256"),
    suite(0x00bf, "TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA256", "ADH-CAMELLIA128-SHA256"),
    suite(0x00c0, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256", "CAMELLIA256-SHA256"),
    suite(0x00c1, "TLS_DH_DSS_WITH_CAMELLIA_256_CBC_SHA256", ""),
    suite(0x00c2, "TLS_DH_RSA_WITH_CAMELLIA_256_CBC_SHA256", ""),
    suite(0x00c3, "TLS_DHE_DSS_WITH_CAMELLIA_256_CBC_SHA256", "DHE-DSS-CAMELLIA256-SHA256"),
    suite(0x00c4, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA256", "DHE-RSA-CAMELLIA256-SHA256"),
    suite(0x00c5, "TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA256", "ADH-CAMELLIA256-SHA256"),
    suite(0x1301, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    suite(0x1302, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    suite(0x1304, "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_SHA256"),
    suite(0x1305, "TLS_AES_128_CCM_8_SHA256", "TLS_AES_128_CCM_8_SHA256"),
    suite(0xc001, "TLS_ECDH_ECDSA_WITH_NULL_SHA", "ECDH-ECDSA-NULL-SHA"),
    suite(0xc002, "TLS_ECDH_ECDSA_WITH_RC4_128_SHA", "ECDH-ECDSA-RC4-SHA"),
    suite(0xc003, "TLS_ECDH_ECDSA_WITH_3DES_EDE_CBC_SHA", "ECDH-ECDSA-DES-CBC3-SHA"),
    suite(0xc004, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA", "ECDH-ECDSA-AES128-SHA"),
    suite(0xc005, "TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA", "ECDH-ECDSA-AES256-SHA"),
    suite(0xc006, "TLS_ECDHE_ECDSA_WITH_NULL_SHA", "ECDHE-ECDSA-NULL-SHA"),
    suite(0xc007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", "ECDHE-ECDSA-RC4-SHA"),
    suite(0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA", "ECDHE-ECDSA-DES-CBC3-SHA"),
    suite(0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"),
    suite(0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"),
    suite(0xc00b, "TLS_ECDH_RSA_WITH_NULL_SHA", "ECDH-RSA-NULL-SHA"),
    suite(0xc00c, "TLS_ECDH_RSA_WITH_RC4_128_SHA", "ECDH-RSA-RC4-SHA"),
    suite(0xc00d, "TLS_ECDH_RSA_WITH_3DES_EDE_CBC_SHA", "ECDH-RSA-DES-CBC3-SHA"),
    suite(0xc00e, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA", "ECDH-RSA-AES128-SHA"),
    suite(0xc00f, "TLS_ECDH_RSA_WITH_AES_256_CBC_SHA", "ECDH-RSA-AES256-SHA"),
    suite(0xc010, "TLS_ECDHE_RSA_WITH_NULL_SHA", "ECDHE-RSA-NULL-SHA"),
    suite(0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA", "ECDHE-RSA-RC4-SHA"),
    suite(0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "ECDHE-RSA-DES-CBC3-SHA"),
    suite(0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"),
    suite(0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"),
    suite(0xc015, "TLS_ECDH_anon_WITH_NULL_SHA", "AECDH-NULL-SHA"),
    suite(0xc016, "TLS_ECDH_anon_WITH_RC4_128_SHA", "AECDH-RC4-SHA"),
    suite(0xc017, "TLS_ECDH_anon_WITH_3DES_EDE_CBC_SHA", "AECDH-DES-CBC3-SHA"),
    suite(0xc018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "AECDH-AES128-SHA"),
    suite(0xc019, "TLS_ECDH_anon_WITH_AES_256_CBC_SHA", "AECDH-AES256-SHA"),
    suite(0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"),
    suite(0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE-ECDSA-AES256-SHA384"),
    suite(0xc025, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA256", "ECDH-ECDSA-AES128-SHA256"),
    suite(0xc026, "TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA384", "ECDH-ECDSA-AES256-SHA384"),
    suite(0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"),
    suite(0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "ECDHE-RSA-AES256-SHA384"),
    suite(0xc029, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA256", "ECDH-RSA-AES128-SHA256"),
    suite(0xc02a, "TLS_ECDH_RSA_WITH_AES_256_CBC_SHA384", "ECDH-RSA-AES256-SHA384"),
    suite(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    suite(0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    suite(0xc02d, "TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256", "ECDH-ECDSA-AES128-GCM-SHA256"),
    suite(0xc02e, "TLS_ECDH_ECDSA_WITH_AES_256_GCM_SHA384", "ECDH-ECDSA-AES256-GCM-SHA384"),
    suite(0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
    suite(0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
    suite(0xc031, "TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256", "ECDH-RSA-AES128-GCM-SHA256"),
    suite(0xc032, "TLS_ECDH_RSA_WITH_AES_256_GCM_SHA384", "ECDH-RSA-AES256-GCM-SHA384"),
    suite(0xc03c, "TLS_RSA_WITH_ARIA_128_CBC_SHA256", ""),
    suite(0xc03d, "TLS_RSA_WITH_ARIA_256_CBC_SHA384", ""),
    suite(0xc03e, "TLS_DH_DSS_WITH_ARIA_128_CBC_SHA256", ""),
    suite(0xc03f, "TLS_DH_DSS_WITH_ARIA_256_CBC_SHA384", ""),
    suite(0xc040, "TLS_DH_RSA_WITH_ARIA_128_CBC_SHA256", ""),
    suite(0xc041, "TLS_DH_RSA_WITH_ARIA_256_CBC_SHA384", ""),
    suite(0xc042, "TLS_DHE_DSS_WITH_ARIA_128_CBC_SHA256", ""),
    suite(0xc043, "TLS_DHE_DSS_WITH_ARIA_256_CBC_SHA384", ""),
    suite(0xc044, "TLS_DHE_RSA_WITH_ARIA_128_CBC_SHA256", ""),
    suite(0xc045, "TLS_DHE_RSA_WITH_ARIA_256_CBC_SHA384", ""),
    suite(0xc046, "TLS_DH_anon_WITH_ARIA_128_CBC_SHA256", ""),
    suite(0xc047, "TLS_DH_anon_WITH_ARIA_256_CBC_SHA384", ""),
    suite(0xc048, "TLS_ECDHE_ECDSA_WITH_ARIA_128_CBC_SHA256", ""),
    suite(0xc049, "TLS_ECDHE_ECDSA_WITH_ARIA_256_CBC_SHA384", ""),
    suite(0xc04a, "TLS_ECDH_ECDSA_WITH_ARIA_128_CBC_SHA256", ""),
    suite(0xc04b, "TLS_ECDH_ECDSA_WITH_ARIA_256_CBC_SHA384", ""),
    suite(0xc04c, "TLS_ECDHE_RSA_WITH_ARIA_128_CBC_SHA256", ""),
    suite(0xc04d, "TLS_ECDHE_RSA_WITH_ARIA_256_CBC_SHA384", ""),
    suite(0xc04e, "TLS_ECDH_RSA_WITH_ARIA_128_CBC_SHA256", ""),
    suite(0xc04f, "TLS_ECDH_RSA_WITH_ARIA_256_CBC_SHA384", ""),
    suite(0xc050, "TLS_RSA_WITH_ARIA_128_GCM_SHA256", "ARIA128-GCM-SHA256"),
    suite(0xc051, "TLS_RSA_WITH_ARIA_256_GCM_SHA384", "ARIA256-GCM-SHA384"),
    suite(0xc052, "TLS_DHE_RSA_WITH_ARIA_128_GCM_SHA256", "DHE-RSA-ARIA128-GCM-SHA256"),
    suite(0xc053, "TLS_DHE_RSA_WITH_ARIA_256_GCM_SHA384", "DHE-RSA-ARIA256-GCM-SHA384"),
    suite(0xc054, "TLS_DH_RSA_WITH_ARIA_128_GCM_SHA256", ""),
    suite(0xc055, "TLS_DH_RSA_WITH_ARIA_256_GCM_SHA384", ""),
    suite(0xc056, "TLS_DHE_DSS_WITH_ARIA_128_GCM_SHA256", "DHE-DSS-ARIA128-GCM-SHA256"),
    suite(0xc057, "TLS_DHE_DSS_WITH_ARIA_256_GCM_SHA384", "DHE-DSS-ARIA256-GCM-SHA384"),
    suite(0xc058, "TLS_DH_DSS_WITH_ARIA_128_GCM_SHA256", ""),
    suite(0xc059, "TLS_DH_DSS_WITH_ARIA_256_GCM_SHA384", ""),
    suite(0xc05a, "TLS_DH_anon_WITH_ARIA_128_GCM_SHA256", ""),
    suite(0xc05b, "TLS_DH_anon_WITH_ARIA_256_GCM_SHA384", ""),
    suite(0xc05c, "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256", "ECDHE-ECDSA-ARIA128-GCM-SHA256"),
    suite(0xc05d, "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384", "ECDHE-ECDSA-ARIA256-GCM-SHA384"),
    suite(0xc05e, "TLS_ECDH_ECDSA_WITH_ARIA_128_GCM_SHA256", ""),
    suite(0xc05f, "TLS_ECDH_ECDSA_WITH_ARIA_256_GCM_SHA384", ""),
    suite(0xc060, "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256", "ECDHE-ARIA128-GCM-SHA256"),
    suite(0xc061, "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384", "ECDHE-ARIA256-GCM-SHA384"),
    suite(0xc062, "TLS_ECDH_RSA_WITH_ARIA_128_GCM_SHA256", ""),
    suite(0xc063, "TLS_ECDH_RSA_WITH_ARIA_256_GCM_SHA384", ""),
    suite(0xc072, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256", "ECDHE-ECDSA-CAMELLIA128-SHA256"),
    suite(0xc073, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384", "ECDHE-ECDSA-CAMELLIA256-SHA384"),
    suite(0xc074, "TLS_ECDH_ECDSA_WITH_CAMELLIA_128_CBC_SHA256", ""),
    suite(0xc075, "TLS_ECDH_ECDSA_WITH_CAMELLIA_256_CBC_SHA384", ""),
    suite(0xc076, "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256", "ECDHE-RSA-CAMELLIA128-SHA256"),
    suite(0xc077, "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384", "ECDHE-RSA-CAMELLIA256-SHA384"),
    suite(0xc078, "TLS_ECDH_RSA_WITH_CAMELLIA_128_CBC_SHA256", ""),
    suite(0xc079, "TLS_ECDH_RSA_WITH_CAMELLIA_256_CBC_SHA384", ""),
    suite(0xc07a, "TLS_RSA_WITH_CAMELLIA_128_GCM_SHA256", ""),
    suite(0xc07b, "TLS_RSA_WITH_CAMELLIA_256_GCM_SHA384", ""),
    suite(0xc07c, "TLS_DHE_RSA_WITH_CAMELLIA_128_GCM_SHA256", ""),
    suite(0xc07d, "TLS_DHE_RSA_WITH_CAMELLIA_256_GCM_SHA384", ""),
    suite(0xc07e, "TLS_DH_RSA_WITH_CAMELLIA_128_GCM_SHA256", ""),
    suite(0xc07f, "TLS_DH_RSA_WITH_CAMELLIA_256_GCM_SHA384", ""),
    suite(0xc080, "TLS_DHE_DSS_WITH_CAMELLIA_128_GCM_SHA256", ""),
    suite(0xc081, "TLS_DHE_DSS_WITH_CAMELLIA_256_GCM_SHA384", ""),
    suite(0xc082, "TLS_DH_DSS_WITH_CAMELLIA_128_GCM_SHA256", ""),
    suite(0xc083, "TLS_DH_DSS_WITH_CAMELLIA_256_GCM_SHA384", ""),
    suite(0xc084, "TLS_DH_anon_WITH_CAMELLIA_128_GCM_SHA256", ""),
    suite(0xc085, "TLS_DH_anon_WITH_CAMELLIA_256_GCM_SHA384", ""),
    suite(0xc086, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_GCM_SHA256", ""),
    suite(0xc087, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_GCM_SHA384", ""),
    suite(0xc088, "TLS_ECDH_ECDSA_WITH_CAMELLIA_128_GCM_SHA256", ""),
    suite(0xc089, "TLS_ECDH_ECDSA_WITH_CAMELLIA_256_GCM_SHA384", ""),
    suite(0xc08a, "TLS_ECDHE_RSA_WITH_CAMELLIA_128_GCM_SHA256", ""),
    suite(0xc08b, "TLS_ECDHE_RSA_WITH_CAMELLIA_256_GCM_SHA384", ""),
    suite(0xc08c, "TLS_ECDH_RSA_WITH_CAMELLIA_128_GCM_SHA256", ""),
    suite(0xc08d, "TLS_ECDH_RSA_WITH_CAMELLIA_256_GCM_SHA384", ""),
    suite(0xc09c, "TLS_RSA_WITH_AES_128_CCM", "AES128-CCM"),
    suite(0xc09d, "TLS_RSA_WITH_AES_256_CCM", "AES256-CCM"),
    suite(0xc09e, "TLS_DHE_RSA_WITH_AES_128_CCM", "DHE-RSA-AES128-CCM"),
    suite(0xc09f, "TLS_DHE_RSA_WITH_AES_256_CCM", "DHE-RSA-AES256-CCM"),
    suite(0xc0a0, "TLS_RSA_WITH_AES_128_CCM_8", "AES128-CCM8"),
    suite(0xc0a1, "TLS_RSA_WITH_AES_256_CCM_8", "AES256-CCM8"),
    suite(0xc0a2, "TLS_DHE_RSA_WITH_AES_128_CCM_8", "DHE-RSA-AES128-CCM8"),
    suite(0xc0a3, "TLS_DHE_RSA_WITH_AES_256_CCM_8", "DHE-RSA-AES256-CCM8"),
    suite(0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "ECDHE-ECDSA-AES128-CCM"),
    suite(0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM", "ECDHE-ECDSA-AES256-CCM"),
    suite(0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "ECDHE-ECDSA-AES128-CCM8"),
    suite(0xc0af, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", "ECDHE-ECDSA-AES256-CCM8"),
    suite(0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
    suite(0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    suite(0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "DHE-RSA-CHACHA20-POLY1305"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_is_in_order_and_every_row_is_found() {
        assert!(SUITES.windows(2).all(|pair| pair[0].code < pair[1].code));
        for suite in SUITES {
            assert_eq!(Suite::of(suite.code), Some(suite));
        }
        assert_eq!(Suite::of(0x0000), None);
        assert_eq!(Suite::of(0x00ff), None);
    }

    #[test]
    fn l4_l5_classes_and_bits_follow_from_the_name() {
        for (code, openssl, class, bits, ours) in [
            (0x1301, "TLS_AES_128_GCM_SHA256", "AEAD", 128, true),
            (0xc030, "ECDHE-RSA-AES256-GCM-SHA384", "AEAD", 256, true),
            (0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", "AEAD", 256, true),
            (0x009f, "DHE-RSA-AES256-GCM-SHA384", "DHE, AEAD", 256, false),
            (0x0039, "DHE-RSA-AES256-SHA", "DHE, CBC", 256, false),
            (0xc013, "ECDHE-RSA-AES128-SHA", "CBC", 128, false),
            (0x002f, "AES128-SHA", "RSA key exchange", 128, false),
            (0x009c, "AES128-GCM-SHA256", "RSA key exchange", 128, false),
            (0x000a, "DES-CBC3-SHA", "3DES", 112, false),
            (0x0005, "RC4-SHA", "RC4", 128, false),
            (0x0003, "EXP-RC4-MD5", "export", 40, false),
            (0x0062, "EXP1024-DES-CBC-SHA", "export", 56, false),
            (0x0009, "DES-CBC-SHA", "DES", 56, false),
            (0x0002, "NULL-SHA", "no encryption", 0, false),
            (0xc018, "AECDH-AES128-SHA", "anonymous", 128, false),
            (0x00a7, "ADH-AES256-GCM-SHA384", "anonymous", 256, false),
            (0xc0ae, "ECDHE-ECDSA-AES128-CCM8", "AEAD", 128, false),
            (
                0xc00e,
                "ECDH-RSA-AES128-SHA",
                "static Diffie-Hellman",
                128,
                false,
            ),
        ] {
            let suite = Suite::of(code).unwrap();
            assert_eq!(suite.openssl, Some(openssl));
            assert_eq!(
                (suite.class(), suite.bits(), suite.is_ours()),
                (class, bits, ours),
                "{openssl}"
            );
        }
    }

    #[test]
    fn what_is_ours_is_what_rustls_says_it_has() {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let mut rustls: Vec<u16> = provider
            .cipher_suites
            .iter()
            .map(|suite| u16::from(suite.suite()))
            .collect();
        rustls.sort_unstable();
        let ours: Vec<u16> = SUITES
            .iter()
            .filter(|suite| suite.is_ours())
            .map(|suite| suite.code)
            .collect();
        assert_eq!(ours, rustls);
    }
}
