//! Each test is a server on loopback that does as its script says; pauses are
//! in the time of a compressed clock.
#![allow(clippy::unwrap_used)]

use super::*;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::tls::parameters::TlsVersion;

pub const SPEED: u32 = 20;

/// What a server does in its turn.
#[derive(Debug, Clone, Copy)]
pub enum Does {
    Says(&'static str),
    Pauses(u64),
    /// Takes one line from us.
    Hears,
    Secures,
    Closes,
    Waits,
}
use Does::*;

pub struct World {
    pub root: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    versions: Vec<&'static rustls::SupportedProtocolVersion>,
    demands_certificate: bool,
}

/// A server called `mx.example`, whose own certificate is the root.
pub fn world() -> World {
    world_of("mx.example")
}

/// A server of another name.
pub fn world_of(name: &str) -> World {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(rcgen::DnType::CommonName, "root");
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let leaf = params.signed_by(&key, &issuer).unwrap();
    World {
        root: root.der().clone(),
        chain: vec![leaf.der().clone()],
        key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        versions: vec![&rustls::version::TLS13, &rustls::version::TLS12],
        demands_certificate: false,
    }
}

impl World {
    pub fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions)
            .unwrap();
        let builder = if self.demands_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(self.root.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let config = builder
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    async fn plays(&self, script: &'static [Does]) -> EndpointObservation {
        self.plays_to(script, Duration::from_secs(180)).await
    }

    async fn plays_to(&self, script: &'static [Does], deadline: Duration) -> EndpointObservation {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = self.acceptor();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, &acceptor, script).await;
        });
        let observation = probe(address, &self.root, deadline).await;
        server.abort();
        observation
    }
}

async fn probe(
    address: SocketAddr,
    root: &CertificateDer<'static>,
    deadline: Duration,
) -> EndpointObservation {
    let stack = Stack::new();
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let judge = PathJudge::new(Arc::new(roots), stack.algorithms());
    let host = HostName::parse("mx.example").unwrap();
    let asked = Call {
        hello: Hello::Ours(Offer::All),
        errand: Errand::Usual,
        implicit_tls: false,
        dane: None,
        host: Some(&host),
        address,
        ehlo: None,
        source: None,
        proxy: None,
        timeout: Duration::from_secs(60),
        deadline,
        clock: Clock::compressed(SPEED),
        stack: &stack,
        judge: &judge,
        at: "2026-11-22T12:00:00Z".parse().unwrap(),
    };
    call(&asked).await.observation
}

pub async fn serve(mut stream: TcpStream, acceptor: &TlsAcceptor, script: &[Does]) {
    let clear = script
        .iter()
        .position(|does| matches!(does, Secures))
        .unwrap_or(script.len());
    if !talk(&mut stream, &script[..clear]).await {
        return;
    }
    if clear < script.len()
        && let Ok(mut stream) = acceptor.accept(stream).await
    {
        talk(&mut stream, &script[clear + 1..]).await;
        let _ = stream.shutdown().await;
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, script: &[Does]) -> bool {
    for does in script {
        match *does {
            Says(text) => {
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return false;
                }
                let _ = stream.flush().await;
            }
            Pauses(seconds) => {
                tokio::time::sleep(Duration::from_secs(seconds) / SPEED).await;
            }
            Hears => {
                let mut octet = [0];
                while octet != *b"\n" {
                    if stream.read_exact(&mut octet).await.is_err() {
                        return false;
                    }
                }
            }
            Closes => return false,
            Waits => std::future::pending().await,
            Secures => return true,
        }
    }
    true
}

pub const GREETING: Does = Says("220 mx.example ESMTP\r\n");
pub const EHLO: Does = Says("250-mx.example\r\n250 STARTTLS\r\n");
pub const AFTER: Does = Says("250 mx.example\r\n");
pub const READY: Does = Says("220 ready\r\n");
pub const BYE: Does = Says("221 bye\r\n");

pub const GOOD: &[Does] = &[
    GREETING, Hears, EHLO, Hears, READY, Secures, Hears, AFTER, Hears, BYE,
];

fn kind<T>(attempt: &Attempt<T>) -> Option<Kind> {
    attempt.failure().map(|failure| failure.kind)
}

#[tokio::test]
async fn a_good_server_is_seen_whole() {
    let seen = world().plays(GOOD).await;
    let handshake = seen.handshake.done().unwrap();
    assert_eq!(handshake.version, TlsVersion::Tls13);
    assert_eq!(handshake.group.as_deref(), Some("X25519MLKEM768"));
    assert_eq!(handshake.cipher_suite, "TLS_AES_256_GCM_SHA384");
    assert_eq!(handshake.cipher_bits, 256);
    assert!(handshake.pkix.is_done());
    assert_eq!(handshake.identity.done().unwrap().matched, "mx.example");
    assert!(!handshake.client_certificate_requested);
    assert!(seen.after_tls.is_done());
    assert_eq!(seen.anomalies, []);
    assert_eq!(seen.connections, 1);
    let sent: Vec<&str> = seen
        .transcript
        .iter()
        .filter_map(|exchange| match &exchange.event {
            Event::Sent(command) => Some(command.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        sent,
        ["EHLO [127.0.0.1]", "STARTTLS", "EHLO [127.0.0.1]", "QUIT"]
    );
    assert!(seen.timings.handshake.is_some() && seen.timings.starttls.is_some());
}

#[tokio::test]
async fn tls_1_2_is_spoken() {
    let mut world = world();
    world.versions = vec![&rustls::version::TLS12];
    let seen = world.plays(GOOD).await;
    let handshake = seen.handshake.done().unwrap();
    assert_eq!(handshake.version, TlsVersion::Tls12);
    assert!(handshake.cipher_openssl.starts_with("ECDHE-ECDSA-"));
    assert!(handshake.pkix.is_done());
}

#[tokio::test]
async fn a_greeting_of_35_seconds_is_waited_for() {
    let seen = world()
        .plays(&[
            Says("220-mx.example\r\n"),
            Pauses(35),
            Says("220 now\r\n"),
            Hears,
            EHLO,
            Hears,
            READY,
            Secures,
            Hears,
            AFTER,
            Hears,
            BYE,
        ])
        .await;
    assert!(seen.handshake.is_done());
    assert!(seen.timings.greeting.unwrap() >= Duration::from_secs(35));
}

#[tokio::test]
async fn a_bad_certificate_costs_no_evidence() {
    let mut world = world();
    let other = self::world();
    world.root = other.root;
    let seen = world.plays(GOOD).await;
    let handshake = seen.handshake.done().unwrap();
    assert_eq!(kind(&handshake.pkix), Some(Kind::CertificateNotTrusted));
    assert!(handshake.identity.is_done());
    assert_eq!(handshake.chain.len(), 1);
}

#[tokio::test]
async fn silence_ends_with_the_stage_and_is_no_word_about_tls() {
    let seen = world().plays(&[Waits]).await;
    let failure = seen.greeting.failure().unwrap();
    assert_eq!(failure.kind, Kind::GreetingTimeout);
    assert!(failure.detail.waited.unwrap() >= Duration::from_secs(59));
    assert_eq!(
        seen.handshake,
        Attempt::Skipped(Because::After(Stage::Greeting))
    );
}

#[tokio::test]
async fn an_octet_a_second_gains_nothing() {
    const DRIP: &[Does] = &{
        let mut script = [Waits; 200];
        let mut at = 0;
        while at < 199 {
            script[at] = if at % 2 == 0 { Says("2") } else { Pauses(1) };
            at += 1;
        }
        script
    };
    let seen = world().plays(DRIP).await;
    assert_eq!(kind(&seen.greeting), Some(Kind::GreetingTimeout));
}

#[tokio::test]
async fn the_deadline_ends_what_no_stage_ends() {
    let seen = world()
        .plays_to(
            &[Pauses(40), GREETING, Hears, Waits],
            Duration::from_secs(70),
        )
        .await;
    assert_eq!(kind(&seen.ehlo), Some(Kind::Deadline));
}

#[tokio::test]
async fn what_is_not_tls_is_told_from_an_alert_and_a_close() {
    let seen = world()
        .plays(&[
            GREETING,
            Hears,
            EHLO,
            Hears,
            READY,
            Pauses(1),
            Says("500 what is this\r\n"),
            Waits,
        ])
        .await;
    // The words come before or after our hello, and are noted either way.
    let failure = seen.handshake.failure().unwrap();
    match failure.kind {
        Kind::HandshakeNotTls => {
            assert!(failure.heard.as_ref().unwrap().starts_with(b"500 what"));
        }
        other => panic!("{other:?}"),
    }
    let seen = world()
        .plays(&[GREETING, Hears, EHLO, Hears, READY, Pauses(1), Closes])
        .await;
    assert_eq!(kind(&seen.handshake), Some(Kind::ClosedByPeer));
    assert_eq!(
        seen.after_tls,
        Attempt::Skipped(Because::After(Stage::Handshake))
    );
    let seen = world()
        .plays(&[
            GREETING,
            Hears,
            EHLO,
            Hears,
            READY,
            Pauses(1),
            Says("\x15\x03\x01\x00\x02\x02\x28"),
            Waits,
        ])
        .await;
    let failure = seen.handshake.failure().unwrap();
    assert_eq!(failure.kind, Kind::HandshakeAlert);
    assert_eq!(failure.detail.alert.as_deref(), Some("handshake_failure"));
}

#[tokio::test]
async fn t6_octets_behind_the_220_do_not_spoil_the_handshake() {
    let seen = world()
        .plays(&[
            GREETING,
            Hears,
            EHLO,
            Hears,
            Says("220 ready\r\n250 injected\r\n"),
            Secures,
            Hears,
            AFTER,
            Hears,
            BYE,
        ])
        .await;
    assert!(seen.handshake.is_done());
    assert_eq!(seen.anomalies, [Anomaly::DataBeforeHandshake]);
}

#[tokio::test]
async fn a_demand_for_our_certificate_is_a_failed_handshake_in_any_version() {
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let mut world = world();
        world.versions = vec![version];
        world.demands_certificate = true;
        let seen = world.plays(GOOD).await;
        let failure = seen.handshake.failure().unwrap();
        assert_eq!(failure.kind, Kind::HandshakeAlert);
        assert!(failure.detail.alert.is_some());
        assert_eq!(
            seen.after_tls,
            Attempt::Skipped(Because::After(Stage::Handshake))
        );
    }
}

#[tokio::test]
async fn a_server_that_vanishes_after_the_handshake_had_one() {
    let seen = world()
        .plays(&[GREETING, Hears, EHLO, Hears, READY, Secures, Hears, Closes])
        .await;
    assert!(seen.handshake.is_done());
    assert_eq!(kind(&seen.after_tls), Some(Kind::ClosedByPeer));
}

#[tokio::test]
async fn a_closed_port_is_a_refused_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let seen = probe(address, &world().root, Duration::from_secs(180)).await;
    let failure = seen.connect.failure().unwrap();
    assert_eq!(failure.kind, Kind::ConnectRefused);
    assert!(failure.detail.os_error.is_some());
    assert_eq!(seen.connections, 0);
    assert_eq!(
        seen.greeting,
        Attempt::Skipped(Because::After(Stage::Connect))
    );
}
