//! One address of an MX host, as a report tells of it.

use std::time::Duration;

use crate::observed::endpoint as inner;
use crate::observed::endpoint::Anomaly;
use crate::report::json::endpoint as twin;
use crate::report::json::read::attempt::{attempt, lines, nothing, unbase64};
use crate::report::json::read::{Read, Within as _, address, each, time, word};
use crate::tls::certificate::{Certificate, PublicKey};
use crate::tls::handshake::{DaneMatch, Handshake, Identity};
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
        transcript: Vec::new(),
    })
}

/// A version by its name, `TLSv1.3`.
pub fn version(name: &str) -> Read<TlsVersion> {
    word(TlsVersion::ALL, TlsVersion::name, name)
}

fn reply(reply: &twin::Reply) -> Read<inner::Reply> {
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
