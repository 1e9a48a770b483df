//! One address of an MX host in `domain-report`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attempt;
use crate::observed::endpoint as inner;
use crate::report::base64;
use crate::report::json::attempt::{
    Attempt, Failure, Nothing, Octets, lines, milliseconds, rfc3339,
};
use crate::report::json::depth::Deep;
use crate::report::json::words::VerbWord;
use crate::tls;

/// One address and port, from connect to QUIT.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Endpoint {
    pub address: String,
    pub port: u16,
    /// TCP connections opened to it.
    pub connections: u32,
    pub connect: Attempt<Nothing>,
    pub greeting: Attempt<Reply>,
    pub ehlo: Attempt<Ehlo>,
    /// Skipped because `not-offered` where EHLO did not name STARTTLS, and because
    /// `implicit-tls` where TLS comes first (port 465): greeting and EHLO are then inside it.
    pub starttls: Attempt<Reply>,
    pub handshake: Attempt<Handshake>,
    /// How the handshake failed with a post-quantum key share in the hello, where it succeeded
    /// without: `handshake` is then the second one. Null otherwise.
    #[serde(default)]
    pub large_hello: Option<Failure>,
    /// What a raw ClientHello learnt where the handshake found nothing in common; null where
    /// none was sent.
    pub raw_hello: Option<RawHello>,
    /// A second handshake, asking for a certificate with the other kind of key (RSA or ECDSA),
    /// where TLSA records bind.
    #[serde(default = "not_asked::<OtherCertificate>")]
    pub other_certificate: Attempt<OtherCertificate>,
    /// EHLO said again after the handshake.
    pub after_tls: Attempt<AfterTls>,
    /// Whether REQUIRETLS is named inside TLS, where alone it counts (RFC 8689); null where
    /// EHLO was not answered there.
    #[serde(default)]
    pub requiretls: Option<bool>,
    /// Odd things that did not end the dialogue, as kebab-case words: `starttls-after-tls`,
    /// `data-before-handshake`, `auth-before-tls`, `bare-lf`, `over-long-line`,
    /// `code-mismatch`, and others.
    pub anomalies: Vec<String>,
    /// How long each stage took; null where it was not reached.
    pub timings_ms: Timings,
    /// What `--depth deep` saw; null where it was not asked for.
    #[serde(default)]
    pub deep: Option<Box<Deep>>,
    /// Suites the server accepts, by version and in its order (`--suites`); a version without
    /// an entry was not asked to the end; null where they were not asked.
    pub suites: Option<BTreeMap<String, Vec<String>>>,
}

impl From<&inner::EndpointObservation> for Endpoint {
    fn from(e: &inner::EndpointObservation) -> Self {
        Self {
            address: e.address.to_string(),
            port: e.port,
            connections: e.connections,
            connect: Attempt::from(&e.connect),
            greeting: Attempt::from(&e.greeting),
            ehlo: Attempt::from(&e.ehlo),
            starttls: Attempt::from(&e.starttls),
            handshake: Attempt::from(&e.handshake),
            large_hello: e.large_hello.as_deref().map(Failure::from),
            raw_hello: e.raw_hello.as_ref().map(RawHello::from),
            other_certificate: Attempt::from(&e.other_certificate),
            after_tls: Attempt::from(&e.after_tls),
            requiretls: e.requiretls(),
            anomalies: e.anomalies.iter().map(|a| a.word().to_owned()).collect(),
            timings_ms: Timings {
                connect: e.timings.connect.map(milliseconds),
                greeting: e.timings.greeting.map(milliseconds),
                ehlo: e.timings.ehlo.map(milliseconds),
                starttls: e.timings.starttls.map(milliseconds),
                handshake: e.timings.handshake.map(milliseconds),
            },
            deep: e.deep.as_deref().map(|deep| Box::new(Deep::from(deep))),
            suites: e.suites.as_ref().map(|suites| {
                suites
                    .iter()
                    .map(|(version, codes)| {
                        let names = codes.iter().map(|code| suite(*code)).collect();
                        (version.name().to_owned(), names)
                    })
                    .collect()
            }),
        }
    }
}

/// What a document older than the field says of it.
fn not_asked<T>() -> Attempt<T> {
    Attempt::Skipped {
        because: "not-asked".to_owned(),
    }
}

/// A reply of the server.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    pub code: u16,
    /// Every line with its code.
    pub lines: Vec<Octets>,
}

impl From<&inner::Reply> for Reply {
    fn from(reply: &inner::Reply) -> Self {
        Self {
            code: reply.code,
            lines: lines(&reply.lines),
        }
    }
}

/// The accepted reply to EHLO or HELO.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Ehlo {
    pub verb: VerbWord,
    /// Keywords with their parameters, the keyword in upper case.
    pub keywords: Vec<String>,
    pub lines: Vec<Octets>,
}

impl From<&inner::EhloReply> for Ehlo {
    fn from(reply: &inner::EhloReply) -> Self {
        Self {
            verb: reply.verb.into(),
            keywords: reply.keywords.clone(),
            lines: lines(&reply.lines),
        }
    }
}

/// A handshake that reached its end.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Handshake {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// IANA name.
    pub cipher_suite: String,
    /// OpenSSL's name.
    pub cipher_openssl: String,
    pub cipher_bits: u16,
    /// IANA name of the key exchange group, where known.
    pub group: Option<String>,
    /// As sent, leaf first.
    pub chain: Vec<Certificate>,
    pub client_certificate_requested: bool,
    /// Whether a path to a trusted root was found, in time. It says nothing about names.
    pub pkix: Attempt<Nothing>,
    /// Whether the leaf holds the MX host's name.
    pub identity: Attempt<Identity>,
    /// Which TLSA record matched.
    pub dane: Attempt<DaneMatch>,
}

impl From<&tls::handshake::Handshake> for Handshake {
    fn from(h: &tls::handshake::Handshake) -> Self {
        Self {
            version: h.version.name().to_owned(),
            cipher_suite: h.cipher_suite.clone(),
            cipher_openssl: h.cipher_openssl.clone(),
            cipher_bits: h.cipher_bits,
            group: h.group.clone(),
            chain: h
                .chain
                .iter()
                .map(|certificate| {
                    let mut twin = Certificate::from(certificate);
                    // Judging by the TLSA records again needs the octets.
                    if !matches!(h.dane, attempt::Attempt::Skipped(_)) {
                        twin.der = Some(base64::encode(&certificate.der));
                    }
                    twin
                })
                .collect(),
            client_certificate_requested: h.client_certificate_requested,
            pkix: Attempt::from(&h.pkix),
            identity: Attempt::of(&h.identity, |identity| Identity {
                matched: identity.matched.clone(),
            }),
            dane: Attempt::of(&h.dane, |dane| DaneMatch {
                usage: dane.usage,
                selector: dane.selector,
                matching: dane.matching,
            }),
        }
    }
}

/// The name in the certificate that matched.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    pub matched: String,
}

/// The parameters of the TLSA record that matched.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DaneMatch {
    pub usage: u8,
    pub selector: u8,
    pub matching: u8,
}

/// One certificate as sent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    pub subject: String,
    pub issuer: String,
    /// subjectAltName, or the common name where there is none.
    pub names: Vec<String>,
    /// Whether that is the common name.
    #[serde(default)]
    pub common_name_only: bool,
    /// Lower-case hexadecimal.
    pub serial: String,
    /// Null where the certificate could not be read.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub not_before: Option<String>,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub not_after: Option<String>,
    pub key: Key,
    pub signature_algorithm: String,
    pub self_issued: bool,
    /// Of the whole certificate, lower-case hexadecimal.
    pub sha256: String,
    /// Of its public key (SubjectPublicKeyInfo), lower-case hexadecimal.
    pub spki_sha256: String,
    /// The octets in base64, where TLSA records were compared with them; else null.
    pub der: Option<String>,
}

impl From<&tls::certificate::Certificate> for Certificate {
    fn from(c: &tls::certificate::Certificate) -> Self {
        Self {
            subject: c.subject.clone(),
            issuer: c.issuer.clone(),
            names: c.names.clone(),
            common_name_only: c.common_name_only,
            serial: c.serial.clone(),
            not_before: c.not_before.map(rfc3339),
            not_after: c.not_after.map(rfc3339),
            key: Key {
                algorithm: c.key.algorithm.clone(),
                bits: c.key.bits,
                curve: c.key.curve.clone(),
            },
            signature_algorithm: c.signature_algorithm.clone(),
            self_issued: c.self_issued,
            sha256: c.sha256.clone(),
            spki_sha256: c.spki_sha256.clone(),
            der: None,
        }
    }
}

/// A public key.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    pub algorithm: String,
    pub bits: u32,
    pub curve: Option<String>,
}

/// What a raw ClientHello learnt. Nobody proved to have the key of the certificate.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RawHello {
    /// Which versions the server takes, as far as the answer tells (`{"SSLv3": false,
    /// "TLSv1": true}`).
    pub versions: BTreeMap<String, bool>,
    /// What it chose; null where it did not answer with a ServerHello.
    pub version: Option<String>,
    /// IANA name, or the number of a suite that is not registered.
    pub cipher_suite: Option<String>,
    /// IANA name of the group, where there is one.
    #[serde(default)]
    pub group: Option<String>,
    /// Size of the Diffie-Hellman prime.
    pub dh_bits: Option<u32>,
    /// As sent, leaf first; empty with TLS 1.3.
    pub chain: Vec<Certificate>,
    #[serde(default)]
    pub client_certificate_requested: bool,
}

impl From<&inner::RawHello> for RawHello {
    fn from(raw: &inner::RawHello) -> Self {
        Self {
            versions: raw
                .versions
                .iter()
                .map(|(version, taken)| (version.name().to_owned(), *taken))
                .collect(),
            version: raw.version.map(|version| version.name().to_owned()),
            cipher_suite: raw.suite_name(),
            group: raw.group.map(group),
            dh_bits: raw.dh_bits,
            chain: raw.chain.iter().map(Certificate::from).collect(),
            client_certificate_requested: raw.client_certificate_requested,
        }
    }
}

/// The IANA name of a suite, or its number.
fn suite(code: u16) -> String {
    tls::hello::suites::Suite::of(code)
        .map_or_else(|| format!("0x{code:04X}"), |suite| suite.name.to_owned())
}

/// The IANA name of a group, or its number.
pub fn group(code: u16) -> String {
    tls::hello::group_name(code).map_or_else(|| format!("0x{code:04x}"), str::to_owned)
}

/// A certificate with the other kind of key.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct OtherCertificate {
    /// What was asked for: `RSA` or `ECDSA`.
    pub key: String,
    /// Null where the server has no such certificate.
    pub handshake: Option<Box<Handshake>>,
}

impl From<&inner::OtherCertificate> for OtherCertificate {
    fn from(other: &inner::OtherCertificate) -> Self {
        Self {
            key: other.key.name().to_owned(),
            handshake: other
                .handshake
                .as_deref()
                .map(|handshake| Box::new(Handshake::from(handshake))),
        }
    }
}

/// The reply to EHLO after the handshake.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AfterTls {
    pub keywords: Vec<String>,
}

impl From<&inner::AfterTls> for AfterTls {
    fn from(after: &inner::AfterTls) -> Self {
        Self {
            keywords: after.keywords.clone(),
        }
    }
}

/// Milliseconds.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    pub connect: Option<u64>,
    pub greeting: Option<u64>,
    pub ehlo: Option<u64>,
    pub starttls: Option<u64>,
    pub handshake: Option<u64>,
}
