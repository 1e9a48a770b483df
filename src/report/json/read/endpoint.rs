//! One address of an MX host, as a report tells of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::observed::endpoint as inner;
use crate::observed::endpoint::Anomaly;
use crate::report::json::endpoint as twin;
use crate::report::json::read::attempt::{attempt, failure, lines, nothing, unbase64};
use crate::report::json::read::depth::depth;
use crate::report::json::read::{Read, ReadError, Within as _, address, each, time, word};
use crate::tls::certificate::{Certificate, PublicKey};
use crate::tls::handshake::{DaneMatch, Handshake, Identity, KeyKind};
use crate::tls::hello::GROUPS;
use crate::tls::hello::suites::SUITES;
use crate::tls::parameters::TlsVersion;

pub fn endpoint(e: &twin::Endpoint) -> Read<inner::EndpointObservation> {
    let after = |ms: Option<u64>| ms.map(Duration::from_millis);
    Ok(inner::EndpointObservation {
        address: address(&e.address).within("address")?,
        port: e.port,
        connections: e.connections,
        connect: attempt(&e.connect, nothing).within("connect")?,
        greeting: attempt(&e.greeting, reply).within("greeting")?,
        ehlo: attempt(&e.ehlo, |ehlo| {
            Ok(inner::EhloReply {
                verb: ehlo.verb.into(),
                keywords: ehlo.keywords.clone(),
                lines: lines(&ehlo.lines).within("lines")?,
            })
        })
        .within("ehlo")?,
        starttls: attempt(&e.starttls, reply).within("starttls")?,
        handshake: attempt(&e.handshake, handshake).within("handshake")?,
        large_hello: e
            .large_hello
            .as_ref()
            .map(|failed| failure(failed).map(Box::new))
            .transpose()
            .within("large_hello")?,
        raw_hello: e
            .raw_hello
            .as_ref()
            .map(raw_hello)
            .transpose()
            .within("raw_hello")?,
        other_certificate: attempt(&e.other_certificate, |other| {
            Ok(inner::OtherCertificate {
                key: word(KeyKind::ALL, KeyKind::name, &other.key).within("key")?,
                handshake: other
                    .handshake
                    .as_deref()
                    .map(|other| handshake(other).map(Box::new))
                    .transpose()
                    .within("handshake")?,
            })
        })
        .within("other_certificate")?,
        after_tls: attempt(&e.after_tls, |after| {
            Ok(inner::AfterTls {
                keywords: after.keywords.clone(),
            })
        })
        .within("after_tls")?,
        anomalies: each(&e.anomalies, |text| word(Anomaly::ALL, Anomaly::word, text))
            .within("anomalies")?,
        timings: inner::Timings {
            connect: after(e.timings_ms.connect),
            greeting: after(e.timings_ms.greeting),
            ehlo: after(e.timings_ms.ehlo),
            starttls: after(e.timings_ms.starttls),
            handshake: after(e.timings_ms.handshake),
        },
        deep: e
            .deep
            .as_deref()
            .map(|deep| depth(deep).map(Box::new))
            .transpose()
            .within("deep")?,
        suites: e.suites.as_ref().map(suites).transpose().within("suites")?,
        transcript: Vec::new(),
    })
}

fn raw_hello(raw: &twin::RawHello) -> Read<inner::RawHello> {
    let mut versions = BTreeMap::new();
    for (name, taken) in &raw.versions {
        versions.insert(version(name).within("versions")?, *taken);
    }
    Ok(inner::RawHello {
        versions,
        version: raw
            .version
            .as_deref()
            .map(version)
            .transpose()
            .within("version")?,
        suite: raw
            .cipher_suite
            .as_deref()
            .map(suite)
            .transpose()
            .within("cipher_suite")?,
        group: raw
            .group
            .as_deref()
            .map(group)
            .transpose()
            .within("group")?,
        dh_bits: raw.dh_bits,
        chain: each(&raw.chain, certificate).within("chain")?,
        client_certificate_requested: raw.client_certificate_requested,
    })
}

fn suites(by_version: &BTreeMap<String, Vec<String>>) -> Read<BTreeMap<TlsVersion, Vec<u16>>> {
    by_version
        .iter()
        .map(|(name, names)| {
            let codes = each(names, |name| suite(name)).within(name)?;
            Ok((version(name)?, codes))
        })
        .collect()
}

/// A suite by its name, or by its number where it is not registered.
pub fn suite(name: &str) -> Read<u16> {
    let known = SUITES.iter().find(|suite| suite.name == name);
    match known {
        Some(suite) => Ok(suite.code),
        None => number(name),
    }
}

pub fn group(name: &str) -> Read<u16> {
    let known = GROUPS.iter().find(|(_, known)| *known == name);
    match known {
        Some((code, _)) => Ok(*code),
        None => number(name),
    }
}

/// `0x1301`
fn number(text: &str) -> Read<u16> {
    text.strip_prefix("0x")
        .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        .ok_or_else(|| ReadError::new(format!("{text:?} is neither a known name nor a number")))
}

/// A version by its name, `TLSv1.3`.
pub fn version(name: &str) -> Read<TlsVersion> {
    word(TlsVersion::ALL, TlsVersion::name, name)
}

pub fn reply(reply: &twin::Reply) -> Read<inner::Reply> {
    Ok(inner::Reply {
        code: reply.code,
        lines: lines(&reply.lines).within("lines")?,
    })
}

fn handshake(h: &twin::Handshake) -> Read<Handshake> {
    Ok(Handshake {
        version: version(&h.version).within("version")?,
        cipher_suite: h.cipher_suite.clone(),
        cipher_openssl: h.cipher_openssl.clone(),
        cipher_bits: h.cipher_bits,
        group: h.group.clone(),
        chain: each(&h.chain, certificate).within("chain")?,
        client_certificate_requested: h.client_certificate_requested,
        pkix: attempt(&h.pkix, nothing).within("pkix")?,
        identity: attempt(&h.identity, |identity| {
            Ok(Identity {
                matched: identity.matched.clone(),
            })
        })
        .within("identity")?,
        dane: attempt(&h.dane, |dane| {
            Ok(DaneMatch {
                usage: dane.usage,
                selector: dane.selector,
                matching: dane.matching,
            })
        })
        .within("dane")?,
    })
}

fn certificate(c: &twin::Certificate) -> Read<Certificate> {
    let timed = |text: &Option<String>, name| text.as_deref().map(time).transpose().within(name);
    Ok(Certificate {
        der: match &c.der {
            Some(text) => unbase64(text).within("der")?,
            None => Vec::new(),
        },
        subject: c.subject.clone(),
        issuer: c.issuer.clone(),
        names: c.names.clone(),
        common_name_only: c.common_name_only,
        serial: c.serial.clone(),
        not_before: timed(&c.not_before, "not_before")?,
        not_after: timed(&c.not_after, "not_after")?,
        key: PublicKey {
            algorithm: c.key.algorithm.clone(),
            bits: c.key.bits,
            curve: c.key.curve.clone(),
        },
        signature_algorithm: c.signature_algorithm.clone(),
        self_issued: c.self_issued,
        sha256: c.sha256.clone(),
        spki_sha256: c.spki_sha256.clone(),
    })
}
