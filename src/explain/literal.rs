//! Chains and observations written down as literals, for tests.
#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::answer::{Answer, Standing};
use crate::attempt::{Attempt, Because};
use crate::failure::{Failure, Kind, Stage};
use crate::name::{DomainName, HostName};
use crate::observed::domain::*;
use crate::observed::endpoint::*;
use crate::tls::certificate::{Certificate, PublicKey};
use crate::tls::handshake::{Handshake, Identity};
use crate::tls::parameters::TlsVersion;
use crate::trace::chain::*;
use crate::trace::evidence::*;
use crate::trace::field::{By, Date, From, Piece, Received, Said};
use crate::trace::shared::Shared;

/// One field, as it stands in a file, and what a reader makes of it.
pub(crate) struct Line {
    pub raw: &'static str,
    /// HELO, reverse name, address.
    pub from: (&'static str, &'static str, &'static str),
    pub by: &'static str,
    pub with: &'static str,
    pub id: &'static str,
    pub for_: &'static str,
    pub at: &'static str,
    pub software: Option<(&'static str, RecordsTls)>,
    pub leg: Leg,
    pub trusted: Trust,
    pub state: TlsState,
    pub standing: Option<Standing>,
    pub version: Option<TlsVersion>,
    pub evidence: Vec<Evidence>,
    pub delay: i64,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            raw: "",
            from: ("", "", ""),
            by: "",
            with: "",
            id: "",
            for_: "",
            at: "2026-11-03T09:14:07Z",
            software: None,
            leg: Leg::Internet,
            trusted: Trust::Own,
            state: TlsState::Cleartext,
            standing: Some(Standing::Likely),
            version: None,
            evidence: Vec::new(),
            delay: 2,
        }
    }
}

pub(crate) fn says(kind: EvidenceKind, says: Says, text: &str) -> Evidence {
    Evidence {
        kind,
        says,
        text: text.into(),
        span: None,
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A chain of these lines, oldest first.
pub(crate) fn chain(lines: Vec<Line>) -> Chain {
    let mut at_line = 1 + lines
        .iter()
        .map(|l| l.raw.lines().count().max(1))
        .sum::<usize>();
    let mut offset = lines.iter().map(|line| line.raw.len() + 2).sum::<usize>();
    let hops = lines
        .into_iter()
        .enumerate()
        .map(|(i, line)| {
            at_line -= line.raw.lines().count().max(1);
            offset -= line.raw.len() + 2;
            let piece = |text: &str| {
                (!text.is_empty()).then(|| {
                    let place = line.raw.find(&format!(" {text}")).map_or(0, |at| at + 1);
                    Piece {
                        text: text.to_owned(),
                        span: place..place + text.len(),
                    }
                })
            };
            let (helo, rdns, ip) = line.from;
            let from = [helo, rdns, ip]
                .iter()
                .any(|part| !part.is_empty())
                .then(|| From {
                    token: some(helo),
                    helo: some(helo),
                    rdns: some(rdns),
                    ip: ip.parse().ok(),
                    ..From::default()
                });
            let mut received = Received::from(Said {
                from,
                by: Some(By {
                    host: some(line.by),
                    ..By::default()
                }),
                with: piece(line.with),
                ..Said::default()
            });
            received.id = piece(line.id);
            received.for_ = piece(line.for_);
            received.date = line.at.parse::<Timestamp>().ok().map(|at| Date {
                at: at.to_zoned(TimeZone::UTC),
                zone: "+0000".into(),
                span: 0..0,
            });
            Hop {
                number: i + 1,
                line: at_line,
                span: offset..offset + line.raw.len(),
                raw: line.raw.as_bytes().to_vec(),
                received,
                delay: (i > 0).then(|| SignedDuration::from_secs(line.delay)),
                software: line.software.map(|(name, records_tls)| {
                    Shared::from(SoftwareMark {
                        name: name.into(),
                        version: None,
                        records_tls,
                    })
                }),
                leg: line.leg,
                trusted: line.trusted,
                journey: 1,
                turn: None,
                tls: TlsEvidence {
                    state: line.state,
                    standing: line.standing,
                    version: line.version,
                    version_label: None,
                    cipher: None,
                    cipher_label: None,
                    bits: None,
                    bits_label: None,
                    client_certificate: None,
                    authenticated_cipher: None,
                    evidence: line.evidence,
                }
                .into(),
            }
        })
        .collect();
    Chain {
        source: Source {
            path: "invoice.eml".into(),
            index: 0,
            kind: SourceKind::Eml,
        },
        message: MessageFacts::default(),
        hops,
        gaps: Shared::default(),
        supporting: Vec::new(),
        legs: Shared::default(),
        answer: Answer::No,
        findings: Shared::default(),
    }
}

/// The message that the project's pages show: four hops, the third in clear.
pub(crate) fn invoice() -> Chain {
    chain(vec![
        Line {
            raw: "Received: from laptop.acme.example (unknown [198.51.100.77])\r\n\tby smtp.acme.example (Postfix) with ESMTPSA id 1\r\n\tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:03 +0000",
            from: ("laptop.acme.example", "", "198.51.100.77"),
            by: "smtp.acme.example",
            with: "ESMTPSA",
            at: "2026-11-03T09:14:03Z",
            software: Some(("Postfix", RecordsTls::Always)),
            leg: Leg::Submission,
            trusted: Trust::Below,
            state: TlsState::Encrypted,
            standing: Some(Standing::Possible),
            version: Some(TlsVersion::Tls13),
            ..Line::default()
        },
        Line {
            raw: "Received: from smtp.acme.example (smtp.acme.example [198.51.100.25])\r\n\tby out7.relay.example (Postfix) with ESMTPS id 2\r\n\tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:05 +0000",
            from: ("smtp.acme.example", "smtp.acme.example", "198.51.100.25"),
            by: "out7.relay.example",
            with: "ESMTPS",
            at: "2026-11-03T09:14:05Z",
            software: Some(("Postfix", RecordsTls::Always)),
            trusted: Trust::Vouched,
            state: TlsState::Encrypted,
            version: Some(TlsVersion::Tls12),
            ..Line::default()
        },
        clear_hop(),
        Line {
            raw: "Received: from mx1.partner.example (mx1.partner.example [192.0.2.25])\r\n\tby store2.partner.example with LMTP id 4; Tue, 03 Nov 2026 09:14:08 +0000",
            from: ("mx1.partner.example", "mx1.partner.example", "192.0.2.25"),
            by: "store2.partner.example",
            with: "LMTP",
            at: "2026-11-03T09:14:08Z",
            leg: Leg::Internal,
            state: TlsState::NotApplicable,
            standing: None,
            ..Line::default()
        },
    ])
}

/// The third line of [`invoice`].
pub(crate) fn clear_hop() -> Line {
    Line {
        raw: "Received: from out7.relay.example (out7.relay.example [203.0.113.7])\r\n        by mx1.partner.example (Postfix) with ESMTP id 4XkQ2c1Zz9\r\n        for <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000",
        from: ("out7.relay.example", "out7.relay.example", "203.0.113.7"),
        by: "mx1.partner.example",
        with: "ESMTP",
        id: "4XkQ2c1Zz9",
        for_: "ap@partner.example",
        software: Some(("Postfix", RecordsTls::Always)),
        evidence: vec![
            says(
                EvidenceKind::TransmissionType,
                Says::NoTls,
                "\"with ESMTP\" is not ESMTPS",
            ),
            says(
                EvidenceKind::SoftwareHabit,
                Says::NoTls,
                "Postfix writes ESMTPS whenever TLS was used",
            ),
        ],
        ..Line::default()
    }
}

/// The hop in clear alone, with what this changes.
pub(crate) fn clear_with(change: impl FnOnce(&mut Line)) -> Chain {
    let mut line = clear_hop();
    change(&mut line);
    chain(vec![line])
}

/// What an endpoint does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Does {
    Tls,
    /// A certificate whose validity begins on this day.
    TlsSince(&'static str),
    BadCertificate,
    NoStarttls,
    Masked,
    HeloOnly,
    Refuses(u16),
    FailsHandshake(Kind, Option<&'static str>),
    Greylists,
    TimesOut,
    Blocked,
}

fn after<T>(stage: Stage) -> Attempt<T> {
    Attempt::Skipped(Because::After(stage))
}

pub(crate) fn endpoint(address: &str, does: Does) -> EndpointObservation {
    let mut out = EndpointObservation {
        address: address.parse::<IpAddr>().unwrap(),
        port: 25,
        connections: 1,
        connect: Attempt::Done(()),
        greeting: Attempt::Done(Reply {
            code: 220,
            lines: vec![b"220 mx ESMTP".to_vec()],
        }),
        ehlo: Attempt::Done(EhloReply {
            verb: Verb::Ehlo,
            keywords: vec!["STARTTLS".into()],
            lines: Vec::new(),
        }),
        starttls: Attempt::Done(Reply {
            code: 220,
            lines: Vec::new(),
        }),
        handshake: after(Stage::Starttls),
        large_hello: None,
        raw_hello: None,
        other_certificate: Attempt::Skipped(Because::NotAsked),
        deep: None,
        suites: None,
        after_tls: after(Stage::Handshake),
        anomalies: Vec::new(),
        timings: Timings::default(),
        transcript: Vec::new(),
    };
    let fail = |stage, kind: Kind| Failure::new(stage, kind, format!("{address}: {}", kind.word()));
    match does {
        Does::Tls => out.handshake = Attempt::Done(handshake("2026-01-01T00:00:00Z", true)),
        Does::TlsSince(since) => out.handshake = Attempt::Done(handshake(since, true)),
        Does::BadCertificate => {
            out.handshake = Attempt::Done(handshake("2026-01-01T00:00:00Z", false));
        }
        Does::NoStarttls => {
            out.starttls = Attempt::Skipped(Because::NotOffered);
            out.handshake = Attempt::Skipped(Because::NotOffered);
        }
        Does::Masked => {
            out.starttls = Attempt::failed(fail(Stage::Starttls, Kind::StarttlsMasked));
        }
        Does::HeloOnly => {
            out.ehlo = Attempt::Done(EhloReply {
                verb: Verb::Helo,
                keywords: Vec::new(),
                lines: Vec::new(),
            });
            out.starttls = Attempt::Skipped(Because::NotOffered);
            out.handshake = Attempt::Skipped(Because::NotOffered);
        }
        Does::Refuses(code) => {
            let kind = if code < 500 {
                Kind::StarttlsTemporary
            } else {
                Kind::StarttlsRejected
            };
            let mut failure = fail(Stage::Starttls, kind);
            failure.detail.code = Some(code);
            out.starttls = Attempt::failed(failure);
        }
        Does::FailsHandshake(kind, alert) => {
            let mut failure = fail(Stage::Handshake, kind);
            failure.detail.alert = alert.map(str::to_owned);
            out.handshake = Attempt::failed(failure);
        }
        Does::Greylists => {
            out.greeting = Attempt::failed(fail(Stage::Greeting, Kind::GreetingTemporary));
            out.ehlo = after(Stage::Greeting);
            out.starttls = after(Stage::Greeting);
            out.handshake = after(Stage::Greeting);
        }
        Does::TimesOut | Does::Blocked => {
            let kind = match does {
                Does::Blocked => Kind::Port25Blocked,
                _ => Kind::ConnectTimeout,
            };
            out.connect = Attempt::failed(fail(Stage::Connect, kind));
            out.greeting = after(Stage::Connect);
            out.ehlo = after(Stage::Connect);
            out.starttls = after(Stage::Connect);
            out.handshake = after(Stage::Connect);
        }
    }
    out
}

fn handshake(since: &str, valid: bool) -> Handshake {
    let judged = |kind| {
        Failure::new(
            Stage::Certificate,
            kind,
            "the certificate names another host",
        )
    };
    Handshake {
        version: TlsVersion::Tls13,
        cipher_suite: "TLS_AES_256_GCM_SHA384".into(),
        cipher_openssl: "TLS_AES_256_GCM_SHA384".into(),
        cipher_bits: 256,
        group: None,
        chain: vec![Certificate {
            der: Vec::new(),
            subject: String::new(),
            issuer: String::new(),
            names: vec!["*.pool.example".into()],
            serial: String::new(),
            not_before: since.parse().ok(),
            not_after: "2027-12-01T00:00:00Z".parse().ok(),
            key: PublicKey::default(),
            signature_algorithm: String::new(),
            common_name_only: false,
            self_issued: false,
            sha256: String::new(),
            spki_sha256: String::new(),
        }],
        client_certificate_requested: false,
        pkix: Attempt::Done(()),
        identity: if valid {
            Attempt::Done(Identity {
                matched: "mx1.partner.example".into(),
            })
        } else {
            Attempt::failed(judged(Kind::CertificateHostMismatch))
        },
        dane: Attempt::Skipped(Because::NotAsked),
    }
}

/// An observation of a domain: its MX hosts in order of preference.
pub(crate) fn observed(
    domain: &str,
    at: &str,
    hosts: &[(&str, &[(&str, Does)])],
) -> DomainObservation {
    let hosts: Vec<HostObservation> = hosts
        .iter()
        .enumerate()
        .map(|(i, (name, endpoints))| HostObservation {
            host: HostName::parse(name).unwrap(),
            preference: u16::try_from(10 * (i + 1)).unwrap(),
            canonical: None,
            addresses: Attempt::Done(Addresses {
                dnssec: Dnssec::Unvalidated,
                list: endpoints
                    .iter()
                    .map(|(ip, _)| ip.parse().unwrap())
                    .collect(),
                partial: None,
            }),
            tlsa: Attempt::Skipped(Because::NotAsked),
            mta_sts_listed: None,
            endpoints: endpoints
                .iter()
                .map(|(ip, does)| Arc::new(endpoint(ip, *does)))
                .collect(),
        })
        .collect();
    DomainObservation {
        input: domain.into(),
        domain: DomainName::parse(domain).unwrap(),
        at: at.parse().unwrap(),
        duration: Duration::from_secs(1),
        connections: 1,
        client: Client {
            ehlo: "probe.acme.example".into(),
            address: "203.0.113.9".parse().ok(),
            proxy: None,
            tls: vec![TlsVersion::Tls12, TlsVersion::Tls13],
        },
        control: Attempt::Skipped(Because::NotAsked),
        resolver: ResolverFacts {
            address: String::new(),
            path: ResolverPath::Plain,
            validates: None,
            because: None,
            by: ValidatedBy::None,
        },
        mx: Attempt::Done(MxAnswer {
            dnssec: Dnssec::Unvalidated,
            source: MxSource::Mx,
            records: hosts
                .iter()
                .map(|host| MxRecord {
                    preference: host.preference,
                    host: host.host.clone(),
                })
                .collect(),
        }),
        mta_sts: MtaSts {
            record: Attempt::Skipped(Because::NotAsked),
            policy: Attempt::Skipped(Because::NotAsked),
        },
        tls_rpt: Attempt::Skipped(Because::NotAsked),
        hosts,
    }
}

/// A policy in this mode.
pub(crate) fn with_sts(mut observation: DomainObservation, mode: StsMode) -> DomainObservation {
    observation.mta_sts.policy = Attempt::Done(StsPolicy {
        mode,
        max_age: 604_800,
        mx: Vec::new(),
        unmatched_hosts: Vec::new(),
        unmatched_patterns: Vec::new(),
        advisories: Vec::new(),
        media_type: crate::mta_sts::policy::MediaType::Plain,
    });
    observation
}
