//! Each test is a resolver over TLS on loopback.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::probe::dns::message::{Ask, absolute, question};
use hickory_proto::op::OpCode;
use hickory_proto::rr::RecordType;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const NAME: &str = "dns.example";

struct Served {
    channel: Arc<Channel>,
    connections: Arc<AtomicUsize>,
    lengths: Arc<SyncMutex<Vec<usize>>>,
}

/// A resolver whose certificate is for `name`, and which answers questions in
/// batches, the last first, and closes after `batches` of them.
async fn served(name: &str, batch: usize, batches: usize) -> Served {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let lengths = Arc::new(SyncMutex::new(Vec::new()));
    let (count, seen) = (Arc::clone(&connections), Arc::clone(&lengths));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                for _ in 0..batches {
                    let mut replies = Vec::new();
                    for _ in 0..batch {
                        let Ok(octets) = read_framed(&mut stream).await else {
                            return;
                        };
                        seen.lock().unwrap().push(octets.len());
                        let asked = Message::from_vec(&octets).unwrap();
                        let mut reply = Message::response(asked.metadata.id, OpCode::Query);
                        reply.add_query(asked.queries[0].clone());
                        replies.push(framed(&reply.to_vec().unwrap()).unwrap());
                    }
                    for reply in replies.iter().rev() {
                        stream.write_all(reply).await.unwrap();
                    }
                }
                let _ = stream.shutdown().await;
            });
        }
    });
    let clock = Clock::compressed(4);
    let name = HostName::parse(NAME).unwrap();
    let channel = Channel::new(
        name,
        Some(address.ip()),
        address.port(),
        clock,
        Arc::new(roots),
    );
    Served {
        channel: Arc::new(channel),
        connections,
        lengths,
    }
}

async fn ask(channel: &Channel, name: &str) -> Result<Message, Miss> {
    let name = absolute(name).unwrap();
    let question = question(&name, RecordType::A, Some(Ask::Validated));
    let answer = channel.send(&question, Duration::from_secs(20)).await?;
    assert_eq!(answer.queries[0].name(), &name);
    Ok(answer)
}

#[tokio::test]
async fn questions_share_a_connection_and_answers_come_in_any_order() {
    let served = served(NAME, 3, 10).await;
    for _ in 0..2 {
        let (a, b, c) = tokio::join!(
            ask(&served.channel, "a.example"),
            ask(&served.channel, "b.example"),
            ask(&served.channel, "a-rather-long-name.example"),
        );
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
    }
    assert_eq!(served.connections.load(Ordering::SeqCst), 1);
    // What is padded all looks alike.
    let lengths = served.lengths.lock().unwrap().clone();
    assert!(
        lengths.iter().all(|length| *length == PADDING_BLOCK),
        "{lengths:?}"
    );
}

#[tokio::test]
async fn a_connection_that_was_closed_is_opened_anew() {
    let served = served(NAME, 1, 1).await;
    for name in ["a.example", "b.example", "c.example"] {
        assert!(ask(&served.channel, name).await.is_ok(), "{name}");
    }
    assert_eq!(served.connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_idle_connection_is_not_kept_for_ever() {
    let served = served(NAME, 1, 10).await;
    ask(&served.channel, "a.example").await.unwrap();
    served.channel.clock.sleep(IDLE + IDLE / 5).await;
    ask(&served.channel, "b.example").await.unwrap();
    assert_eq!(served.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn who_does_not_prove_the_name_is_not_asked() {
    let served = served("other.example", 1, 1).await;
    let Err(Miss::Apart(apart)) = ask(&served.channel, "a.example").await else {
        panic!("it was asked");
    };
    let (kind, why, detail) = *apart;
    assert_eq!(kind, Kind::ResolverUntrusted);
    assert!(why.contains("other.example"), "{why}");
    assert!(!detail.presented.is_empty());
    assert!(served.lengths.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_does_not_speak_tls_or_does_not_listen_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"220 mail here\r\n").await;
        }
    });
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = gone.local_addr().unwrap();
    drop(gone);
    for address in [plain, closed] {
        let name = HostName::parse(NAME).unwrap();
        let roots = Arc::new(RootCertStore::empty());
        let clock = Clock::default();
        let channel = Channel::new(name, Some(address.ip()), address.port(), clock, roots);
        let Err(Miss::Apart(apart)) = ask(&channel, "a.example").await else {
            panic!("it answered");
        };
        assert_eq!(apart.0, Kind::ResolverUnreachable, "{}", apart.1);
    }
}
