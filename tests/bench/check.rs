//! What one `check` of a domain costs on loopback: MX and addresses asked for,
//! one conversation with a handshake, everything judged.
//!
//! First the CPU time of the process's very first check is printed (roots
//! loaded, random generator seeded), as the kernel counts it for the thread
//! that does all of it; the budget is 40 ms with the process's start. Then
//! divan times further checks, a fresh prober and a kept one.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, MX};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use starttrace::name::DomainName;
use starttrace::probe::{Options, Prober, Roots};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UdpSocket};
use tokio_rustls::TlsAcceptor;

fn main() {
    let (world, runtime) = (world(), runtime());
    let before = cpu_time();
    runtime.block_on(check(&prober(world)));
    println!(
        "first check of the process: {:.1} ms of CPU",
        (cpu_time() - before) as f64 / 1e6
    );
    let before = cpu_time();
    runtime.block_on(check(&prober(world)));
    println!(
        "second check, fresh prober: {:.1} ms of CPU",
        (cpu_time() - before) as f64 / 1e6
    );
    divan::main();
}

#[divan::bench(sample_count = 50)]
fn fresh_prober(bencher: divan::Bencher<'_, '_>) {
    let (world, runtime) = (world(), runtime());
    bencher.bench_local(|| runtime.block_on(check(&prober(world))));
}

#[divan::bench(sample_count = 50)]
fn kept_prober(bencher: divan::Bencher<'_, '_>) {
    let (world, runtime) = (world(), runtime());
    let prober = prober(world);
    bencher.bench_local(|| runtime.block_on(check(&prober)));
}

/// Everything of a probe on this one thread.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be had")
}

fn prober((resolver, port, root): &(SocketAddr, u16, Vec<u8>)) -> Prober {
    Prober::new(Options {
        resolvers: vec![(*resolver).into()],
        port: *port,
        roots: Roots {
            certificates: vec![root.clone()],
            ..Roots::default()
        },
        ..Options::default()
    })
    .expect("the options are sound")
}

async fn check(prober: &Prober) {
    let domain = DomainName::parse("partner.example").expect("a name");
    let seen = prober.check("partner.example", &domain).await;
    let handshake = seen.hosts[0].endpoints[0].handshake.done();
    assert!(handshake.expect("a handshake").pkix.is_done());
}

/// Nanoseconds this thread has had a CPU.
fn cpu_time() -> u64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// A resolver and a mail server, on threads of their own.
fn world() -> &'static (SocketAddr, u16, Vec<u8>) {
    static WORLD: std::sync::OnceLock<(SocketAddr, u16, Vec<u8>)> = std::sync::OnceLock::new();
    WORLD.get_or_init(|| {
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            runtime().block_on(async move {
                let dns = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
                let smtp = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
                let (root, acceptor) = tls();
                let addresses = (dns.local_addr(), smtp.local_addr());
                let (Ok(resolver), Ok(server)) = addresses else {
                    panic!("bound sockets have addresses");
                };
                ready
                    .send((resolver, server.port(), root))
                    .expect("somebody waits");
                tokio::spawn(resolve(dns));
                loop {
                    let (stream, _) = smtp.accept().await.expect("a connection");
                    tokio::spawn(serve(stream, acceptor.clone()));
                }
            });
        });
        is_ready.recv().expect("the world comes up")
    })
}

fn tls() -> (Vec<u8>, TlsAcceptor) {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).expect("a root");
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["mx.partner.example".to_owned()])
        .and_then(|params| params.signed_by(&key, &issuer))
        .expect("a certificate");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .expect("a server's configuration");
    (root.der().to_vec(), TlsAcceptor::from(Arc::new(config)))
}

async fn resolve(socket: UdpSocket) {
    let name = |text: &str| Name::from_ascii(text).expect("a name");
    let mut buffer = [0; 4096];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            return;
        };
        let Ok(question) = Message::from_vec(&buffer[..length]) else {
            continue;
        };
        let query = question.queries[0].clone();
        let mut answer = Message::response(question.metadata.id, OpCode::Query);
        answer.metadata.response_code = ResponseCode::NoError;
        let data = match query.query_type() {
            RecordType::MX => Some(RData::MX(MX::new(10, name("mx.partner.example.")))),
            RecordType::A => Some(RData::A(A(Ipv4Addr::LOCALHOST))),
            _ => None,
        };
        if let Some(data) = data {
            answer.add_answer(Record::from_rdata(query.name().clone(), 300, data));
        }
        answer.add_query(query);
        if let Ok(octets) = answer.to_vec() {
            let _ = socket.send_to(&octets, from).await;
        }
    }
}

async fn serve(stream: tokio::net::TcpStream, acceptor: TlsAcceptor) {
    let mut stream = BufReader::new(stream);
    talk(
        &mut stream,
        &["220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 ready\r\n"],
    )
    .await;
    if let Ok(stream) = acceptor.accept(stream.into_inner()).await {
        let mut stream = BufReader::new(stream);
        talk(&mut stream, &["", "250 mx\r\n", "221 bye\r\n"]).await;
    }
}

/// Says each of these, the first at once and each other after a line.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, lines: &[&str]) {
    let mut line = String::new();
    for (at, text) in lines.iter().enumerate() {
        if at > 0 && stream.read_line(&mut line).await.is_err() {
            return;
        }
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.flush().await;
    }
}
