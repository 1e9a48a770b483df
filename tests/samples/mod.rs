//! Observations as literals: a domain that is in order, and what can be wrong
//! with it, to be put together by tests of verdicts, documents and pages.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "each test program uses its part"
)]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use starttrace::attempt::{Attempt, Because};
use starttrace::failure::{Failure, Kind, Stage};
use starttrace::mta_sts::policy::MediaType;
use starttrace::name::{DomainName, HostName};
use starttrace::observed::domain::{
    Addresses, Client, Control, Dnssec, DomainObservation, HostObservation, MtaSts, MxAnswer,
    MxRecord, MxSource, ResolverFacts, ResolverPath, StsMode, StsPolicy, StsRecord, TlsRpt, Tlsa,
    TlsaRecord, ValidatedBy,
};
use starttrace::observed::endpoint::{
    AfterTls, EhloReply, EndpointObservation, Event, Exchange, Reply, Timings, Verb,
};
use starttrace::tls::certificate::{Certificate, PublicKey};
use starttrace::tls::handshake::{DaneMatch, Handshake, Identity};
use starttrace::tls::parameters::TlsVersion;

/// When every sample was probed.
pub const PROBED: &str = "2026-11-21T23:10:00Z";

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// partner.example with these hosts, asked over a network that lets TLS
/// through; policies are not asked.
pub fn domain(hosts: Vec<HostObservation>) -> DomainObservation {
    DomainObservation {
        input: "ap@partner.example".into(),
        domain: DomainName::parse("partner.example").unwrap(),
        at: time(PROBED),
        duration: Duration::from_millis(61_204),
        connections: 4,
        client: Client {
            ehlo: "probe.acme.example".into(),
            address: Some(ip("203.0.113.9")),
            proxy: None,
            tls: vec![TlsVersion::Tls12, TlsVersion::Tls13],
        },
        control: Attempt::Done(Control {
            host: "control.example".into(),
            address: ip("198.51.100.99"),
        }),
        resolver: ResolverFacts {
            address: "127.0.0.53:53".into(),
            path: ResolverPath::Loopback,
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

pub fn host(preference: u16, name: &str, endpoints: Vec<EndpointObservation>) -> HostObservation {
    HostObservation {
        host: HostName::from_dns(name),
        preference,
        canonical: None,
        addresses: Attempt::Done(Addresses {
            dnssec: Dnssec::Unvalidated,
            list: endpoints.iter().map(|e| e.address).collect(),
            partial: None,
        }),
        tlsa: Attempt::Skipped(Because::NotAsked),
        mta_sts_listed: None,
        endpoints: endpoints.into_iter().map(Arc::new).collect(),
    }
}

/// An address nobody has asked yet.
fn untouched(address: &str) -> EndpointObservation {
    EndpointObservation {
        address: ip(address),
        port: 25,
        connections: 1,
        connect: Attempt::Skipped(Because::NotAsked),
        greeting: Attempt::Skipped(Because::NotAsked),
        ehlo: Attempt::Skipped(Because::NotAsked),
        starttls: Attempt::Skipped(Because::NotAsked),
        handshake: Attempt::Skipped(Because::NotAsked),
        large_hello: None,
        raw_hello: None,
        other_certificate: Attempt::Skipped(Because::NotAsked),
        deep: None,
        suites: None,
        after_tls: Attempt::Skipped(Because::NotAsked),
        anomalies: vec![],
        timings: Timings::default(),
        transcript: vec![],
    }
}

/// An address with working STARTTLS, TLS 1.3, a valid certificate for `name`.
pub fn tls(address: &str, name: &str) -> EndpointObservation {
    let ms = Duration::from_millis;
    let line = |at, event| Exchange { at: ms(at), event };
    let heard = |at, text: &str| line(at, Event::Heard(text.as_bytes().to_vec()));
    let greeting = format!("220 {name} ESMTP Postfix");
    let first = format!("250-{name}");
    EndpointObservation {
        connect: Attempt::Done(()),
        greeting: Attempt::Done(Reply {
            code: 220,
            lines: vec![greeting.clone().into_bytes()],
        }),
        ehlo: Attempt::Done(EhloReply {
            verb: Verb::Ehlo,
            keywords: vec!["SIZE 52428800".into(), "STARTTLS".into(), "SMTPUTF8".into()],
            lines: vec![
                first.clone().into_bytes(),
                b"250-SIZE 52428800".to_vec(),
                b"250-STARTTLS".to_vec(),
                b"250 SMTPUTF8".to_vec(),
            ],
        }),
        starttls: Attempt::Done(Reply {
            code: 220,
            lines: vec![b"220 2.0.0 Ready to start TLS".to_vec()],
        }),
        handshake: Attempt::Done(handshake(name)),
        after_tls: Attempt::Done(AfterTls {
            keywords: vec!["SIZE 52428800".into(), "SMTPUTF8".into()],
        }),
        timings: Timings {
            connect: Some(ms(12)),
            greeting: Some(ms(29)),
            ehlo: Some(ms(14)),
            starttls: Some(ms(13)),
            handshake: Some(ms(44)),
        },
        transcript: vec![
            line(12, Event::Connected),
            heard(41, &greeting),
            line(41, Event::Sent("EHLO probe.acme.example".into())),
            heard(55, &first),
            heard(55, "250-SIZE 52428800"),
            heard(55, "250-STARTTLS"),
            heard(55, "250 SMTPUTF8"),
            line(55, Event::Sent("STARTTLS".into())),
            heard(68, "220 2.0.0 Ready to start TLS"),
            line(112, Event::Secured),
            line(112, Event::Sent("EHLO probe.acme.example".into())),
            heard(126, &first),
            heard(126, "250-SIZE 52428800"),
            heard(126, "250 SMTPUTF8"),
            line(126, Event::Sent("QUIT".into())),
            heard(139, "221 2.0.0 Bye"),
        ],
        ..untouched(address)
    }
}

/// An address that takes mail and offers no STARTTLS.
pub fn plain(address: &str) -> EndpointObservation {
    let mut endpoint = tls(address, "mx.partner.example");
    if let Attempt::Done(ehlo) = &mut endpoint.ehlo {
        ehlo.keywords.retain(|keyword| keyword != "STARTTLS");
        ehlo.lines.retain(|line| line != b"250-STARTTLS");
    }
    endpoint.starttls = Attempt::Skipped(Because::NotOffered);
    endpoint.handshake = Attempt::Skipped(Because::NotOffered);
    endpoint.after_tls = Attempt::Skipped(Because::NotOffered);
    endpoint.timings.starttls = None;
    endpoint.timings.handshake = None;
    endpoint.transcript.truncate(5);
    endpoint
}

/// An address where a step failed.
pub fn failed(address: &str, failure: Failure) -> EndpointObservation {
    let mut endpoint = tls(address, "mx.partner.example");
    let after = || Because::After(failure.stage);
    let stage = failure.stage;
    let step = |of: Stage| match of.cmp(&stage) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal => Some(Err(failure.clone())),
        std::cmp::Ordering::Greater => Some(Ok(after())),
    };
    fn put<T>(attempt: &mut Attempt<T>, step: Option<Result<Because, Failure>>) {
        match step {
            None => {}
            Some(Err(failure)) => *attempt = Attempt::failed(failure),
            Some(Ok(because)) => *attempt = Attempt::Skipped(because),
        }
    }
    put(&mut endpoint.connect, step(Stage::Connect));
    put(&mut endpoint.greeting, step(Stage::Greeting));
    put(&mut endpoint.ehlo, step(Stage::Ehlo));
    put(&mut endpoint.starttls, step(Stage::Starttls));
    put(&mut endpoint.handshake, step(Stage::Handshake));
    endpoint.after_tls = Attempt::Skipped(after());
    endpoint.transcript = vec![Exchange {
        at: Duration::from_secs(1),
        event: Event::Failed(failure.message.clone()),
    }];
    endpoint
}

/// A failure of this kind with a message.
pub fn failure(stage: Stage, kind: Kind) -> Failure {
    Failure::new(stage, kind, format!("the {} step failed", stage.word()))
}

/// An address that does not answer.
pub fn silent(address: &str) -> EndpointObservation {
    failed(
        address,
        Failure::new(
            Stage::Connect,
            Kind::ConnectTimeout,
            format!("{address} did not answer in 60 s"),
        ),
    )
}

pub fn handshake(name: &str) -> Handshake {
    Handshake {
        version: TlsVersion::Tls13,
        cipher_suite: "TLS_AES_256_GCM_SHA384".into(),
        cipher_openssl: "TLS_AES_256_GCM_SHA384".into(),
        cipher_bits: 256,
        group: Some("X25519MLKEM768".into()),
        chain: vec![certificate(name), issuer()],
        client_certificate_requested: false,
        pkix: Attempt::Done(()),
        identity: Attempt::Done(Identity {
            matched: name.into(),
        }),
        dane: Attempt::Skipped(Because::NotAsked),
    }
}

pub fn certificate(name: &str) -> Certificate {
    Certificate {
        der: vec![0x30, 0x03, 0x02, 0x01, 0x00],
        subject: format!("CN={name}"),
        issuer: "CN=Example CA R3,O=Example CA".into(),
        names: vec![name.into()],
        serial: "04d2".into(),
        not_before: Some(time("2026-09-02T00:00:00Z")),
        not_after: Some(time("2027-03-01T00:00:00Z")),
        key: PublicKey {
            algorithm: "EC".into(),
            bits: 256,
            curve: Some("P-256".into()),
        },
        signature_algorithm: "ecdsa-with-SHA256".into(),
        common_name_only: false,
        self_issued: false,
        sha256: "ab".repeat(32),
        spki_sha256: "6cf12d78fbf24290a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e591921e".into(),
    }
}

fn issuer() -> Certificate {
    Certificate {
        subject: "CN=Example CA R3,O=Example CA".into(),
        issuer: "CN=Example Root,O=Example CA".into(),
        names: vec![],
        not_before: Some(time("2020-01-01T00:00:00Z")),
        not_after: Some(time("2030-01-01T00:00:00Z")),
        ..certificate("Example CA R3")
    }
}

/// Lets the handshake of an endpoint be changed.
pub fn with(
    mut endpoint: EndpointObservation,
    change: impl FnOnce(&mut Handshake),
) -> EndpointObservation {
    if let Attempt::Done(handshake) = &mut endpoint.handshake {
        change(handshake);
    }
    endpoint
}

/// The certificate bears other names.
pub fn misnamed(endpoint: EndpointObservation) -> EndpointObservation {
    with(endpoint, |handshake| {
        let names = vec![
            "mail.hoster.example".to_owned(),
            "www.hoster.example".into(),
        ];
        handshake.chain[0].names.clone_from(&names);
        let mut failure = Failure::new(
            Stage::Certificate,
            Kind::CertificateHostMismatch,
            "the certificate names mail.hoster.example, www.hoster.example",
        );
        failure.detail.presented = names;
        handshake.identity = Attempt::failed(failure);
    })
}

/// The certificate is signed by itself.
pub fn self_signed(endpoint: EndpointObservation) -> EndpointObservation {
    with(endpoint, |handshake| {
        handshake.chain.truncate(1);
        handshake.chain[0].self_issued = true;
        handshake.pkix = Attempt::failed(Failure::new(
            Stage::Certificate,
            Kind::CertificateNotTrusted,
            "no path to a trusted root",
        ));
    })
}

/// MTA-STS was asked, and a policy of this mode found that lists all hosts.
pub fn with_sts(mut observation: DomainObservation, mode: StsMode) -> DomainObservation {
    observation.mta_sts = MtaSts {
        record: Attempt::Done(StsRecord {
            txt: vec!["v=STSv1; id=20260114T0900".into()],
            id: Some("20260114T0900".into()),
        }),
        policy: Attempt::Done(StsPolicy {
            mode,
            max_age: 604_800,
            mx: observation
                .hosts
                .iter()
                .map(|h| h.host.to_string())
                .collect(),
            unmatched_hosts: vec![],
            unmatched_patterns: vec![],
            advisories: vec![],
            media_type: MediaType::Plain,
        }),
    };
    for host in &mut observation.hosts {
        host.mta_sts_listed = Some(true);
    }
    observation.tls_rpt = Attempt::Done(TlsRpt {
        txt: vec!["v=TLSRPTv1; rua=mailto:tls-reports@partner.example".into()],
        rua: vec!["mailto:tls-reports@partner.example".into()],
    });
    observation
}

/// DANE was asked in a signed zone and every endpoint matches `3 1 1`.
pub fn with_dane(mut observation: DomainObservation) -> DomainObservation {
    if let Attempt::Done(mx) = &mut observation.mx {
        mx.dnssec = Dnssec::Secure;
    }
    observation.resolver.validates = Some(true);
    observation.resolver.by = ValidatedBy::Ad;
    for host in &mut observation.hosts {
        host.tlsa = Attempt::Done(Tlsa {
            dnssec: Dnssec::Secure,
            base_domain: host.host.to_string(),
            records: vec![TlsaRecord {
                usage: 3,
                selector: 1,
                matching: 1,
                data: vec![0xab; 32],
                usable: true,
            }],
        });
        for endpoint in &mut host.endpoints {
            if let Attempt::Done(handshake) = &mut Arc::make_mut(endpoint).handshake {
                handshake.dane = Attempt::Done(DaneMatch {
                    usage: 3,
                    selector: 1,
                    matching: 1,
                });
            }
        }
    }
    observation
}

/// Policies were asked, and there are none.
pub fn without_policies(mut observation: DomainObservation) -> DomainObservation {
    if let Attempt::Done(mx) = &mut observation.mx {
        mx.dnssec = Dnssec::Insecure;
    }
    observation.mta_sts = MtaSts {
        record: Attempt::Done(StsRecord {
            txt: vec![],
            id: None,
        }),
        policy: Attempt::Skipped(Because::NotAsked),
    };
    observation.tls_rpt = Attempt::Done(TlsRpt {
        txt: vec![],
        rua: vec![],
    });
    for host in &mut observation.hosts {
        host.tlsa = Attempt::Skipped(Because::AddressInsecure);
    }
    observation
}

/// Port 25 is blocked on this network.
pub fn blocked(mut observation: DomainObservation) -> DomainObservation {
    observation.control = Attempt::failed(Failure::new(
        Stage::Control,
        Kind::Port25Blocked,
        "control.example (198.51.100.99), known to offer STARTTLS, did not answer on port 25",
    ));
    observation
}
