//! What one `check` of a domain costs on loopback, and what one endpoint costs
//! beside a bare client that does the same steps.
//!
//! The resolver and the mail server run in another process, so that what is
//! counted is the client's alone: CPU time as the kernel counts it for the one
//! thread that does all of it. Printed first: the very first check of the
//! process (roots loaded, random generator seeded), whose budget is 40 ms with
//! the process's start; then the two clients in turn, in rounds, so that what
//! else the machine does meets both. The budget is 1.3 times the bare client,
//! which greets, says EHLO and STARTTLS, shakes hands, verifies the chain and
//! the name, says EHLO and QUIT, and keeps nothing. The prober remembers its
//! verdicts on chains, so it is held beside a bare client that verifies no chain
//! as well. Then the part of a check that is the name service's: domains whose
//! MX hosts have no address, each asked about for the first time. Then divan
//! times whole checks, with a fresh prober and a kept one.

use std::io::{BufRead, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, MX};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use rcgen::{CertificateParams, IsCa, Issuer, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use starttrace::name::{DomainName, HostName};
use starttrace::probe::{ControlChoice, Options, Prober, Roots};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Set in the process that serves.
const SERVER: &str = "STARTTRACE_BENCH_SERVER";
const HOST: &str = "mx.partner.example";
const ROUNDS: usize = 20;
const EACH: usize = 50;

fn main() {
    if std::env::var_os(SERVER).is_some() {
        return serve_world();
    }
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
    compare(world, &runtime);
    divan::main();
}

/// The two clients in turn.
fn compare(world: &World, runtime: &tokio::runtime::Runtime) {
    let (prober, connector) = (prober(world), bare_client(&world.root));
    let trusting = trusting_client();
    let mut bare = Vec::new();
    let mut least = Vec::new();
    let mut probe = Vec::new();
    let mut names = Vec::new();
    let number = AtomicUsize::new(0);
    for _ in 0..ROUNDS {
        bare.push(of_each(runtime, || talk_barely(world, &connector)));
        least.push(of_each(runtime, || talk_barely(world, &trusting)));
        probe.push(of_each(runtime, || endpoint(&prober)));
        names.push(of_each(runtime, || {
            look_up(&prober, number.fetch_add(1, Ordering::Relaxed))
        }));
    }
    let [bare, least, probe, names] = [bare, least, probe, names].map(median);
    println!(
        "one endpoint, median of {ROUNDS} rounds of {EACH}: bare client {bare:.0} us of CPU, \
         probe {probe:.0} us, {:.2} times (budget 1.30)",
        probe / bare
    );
    println!(
        "a bare client that verifies no chain: {least:.0} us, {:.2} times",
        probe / least
    );
    println!("the name service's part of a domain (5 questions): {names:.0} us");
}

/// A domain that leads to no address.
async fn look_up(prober: &Prober, number: usize) {
    let name = format!("none{number}.example");
    let domain = DomainName::parse(&name).expect("a name");
    let seen = prober.check(&name, &domain).await;
    assert!(seen.mx.is_done() && seen.hosts[0].endpoints.is_empty());
}

/// Microseconds of CPU of one, on an average over a round.
fn of_each<F: Future>(runtime: &tokio::runtime::Runtime, one: impl Fn() -> F) -> f64 {
    let before = cpu_time();
    runtime.block_on(async {
        for _ in 0..EACH {
            one().await;
        }
    });
    (cpu_time() - before) as f64 / 1e3 / EACH as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn bare_client(root: &[u8]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(root.to_vec()))
        .expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A resumed session would be cheaper, and shows no certificate.
    config.resumption = rustls::client::Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

/// One that takes any certificate whose key the server proves to have.
fn trusting_client() -> TlsConnector {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting(provider)))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

#[derive(Debug)]
struct Trusting(Arc<CryptoProvider>);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, leaf, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, leaf, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

async fn talk_barely(world: &World, connector: &TlsConnector) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, world.port));
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let mut stream = BufReader::new(stream);
    hear(&mut stream).await;
    say(&mut stream, "EHLO probe.example\r\n").await;
    say(&mut stream, "STARTTLS\r\n").await;
    let name = ServerName::try_from(HOST).expect("a name");
    let stream = connector
        .connect(name, stream.into_inner())
        .await
        .expect("a handshake");
    let mut stream = BufReader::new(stream);
    say(&mut stream, "EHLO probe.example\r\n").await;
    say(&mut stream, "QUIT\r\n").await;
    let _ = stream.shutdown().await;
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, line: &str) {
    stream.write_all(line.as_bytes()).await.expect("a server");
    stream.flush().await.expect("a server");
    hear(stream).await;
}

/// One reply.
async fn hear<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) {
    let mut line = String::new();
    while line.as_bytes().get(3) != Some(&b' ') {
        line.clear();
        assert!(stream.read_line(&mut line).await.expect("a reply") > 0);
    }
}

/// The same by the prober, judged.
async fn endpoint(prober: &Prober) {
    let host = HostName::parse(HOST).expect("a name");
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    let seen = prober.check_host(Some(&host), Some(address)).await;
    let handshake = seen.hosts[0].endpoints[0].handshake.done();
    let handshake = handshake.expect("a handshake");
    assert!(handshake.pkix.is_done() && handshake.identity.is_done());
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

fn prober(world: &World) -> Prober {
    Prober::new(Options {
        resolvers: vec![world.resolver.into()],
        port: world.port,
        ehlo: Some("probe.example".to_owned()),
        control: ControlChoice::None,
        roots: Roots {
            certificates: vec![world.root.clone()],
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

/// What the other process serves.
struct World {
    resolver: SocketAddr,
    port: u16,
    root: Vec<u8>,
}

/// Starts the other process; it ends with the pipe to it.
#[expect(
    clippy::zombie_processes,
    reason = "it is wanted until this process ends"
)]
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let mut server = Command::new(std::env::current_exe().expect("a program"))
            .env(SERVER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("another process");
        // Held open for as long as this process lives.
        std::mem::forget(server.stdin.take());
        let out = server.stdout.take().expect("its output");
        let line = std::io::BufReader::new(out)
            .lines()
            .next()
            .expect("a line")
            .expect("a line");
        let words: Vec<&str> = line.split(' ').collect();
        let [resolver, port, root] = words[..] else {
            panic!("{line:?}");
        };
        World {
            resolver: resolver.parse().expect("an address"),
            port: port.parse().expect("a port"),
            root: root
                .as_bytes()
                .chunks(2)
                .map(|pair| {
                    let digits = std::str::from_utf8(pair).expect("digits");
                    u8::from_str_radix(digits, 16).expect("digits")
                })
                .collect(),
        }
    })
}

/// Serves until nobody holds the other end of standard input.
fn serve_world() {
    std::thread::spawn(|| {
        runtime().block_on(async {
            let dns = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
            let smtp = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
            let (root, acceptor) = tls();
            let (Ok(resolver), Ok(server)) = (dns.local_addr(), smtp.local_addr()) else {
                panic!("bound sockets have addresses");
            };
            let root: String = root.iter().map(|octet| format!("{octet:02x}")).collect();
            let mut out = std::io::stdout();
            writeln!(out, "{resolver} {} {root}", server.port()).expect("somebody reads");
            out.flush().expect("somebody reads");
            tokio::spawn(resolve(dns));
            loop {
                let (stream, _) = smtp.accept().await.expect("a connection");
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve(stream, acceptor.clone()));
            }
        });
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// A root, and a server with a leaf under an intermediate, as is usual.
fn tls() -> (Vec<u8>, TlsAcceptor) {
    let key = || KeyPair::generate().expect("a key");
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
    };
    let (root_params, root_key) = (authority("Bench Root"), key());
    let root = root_params.self_signed(&root_key).expect("a root");
    let root_issuer = Issuer::new(root_params, root_key);
    let (params, middle_key) = (authority("Bench R3"), key());
    let middle = params
        .signed_by(&middle_key, &root_issuer)
        .expect("an intermediate");
    let issuer = Issuer::new(params, middle_key);
    let leaf_key = key();
    let leaf = CertificateParams::new(vec![HOST.to_owned()])
        .and_then(|params| params.signed_by(&leaf_key, &issuer))
        .expect("a certificate");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone(), middle.der().clone()],
            PrivatePkcs8KeyDer::from(leaf_key.serialize_der()).into(),
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
        let asked = query.name().to_ascii();
        let data = match query.query_type() {
            RecordType::MX if asked.starts_with("none") => {
                Some(RData::MX(MX::new(10, name(&format!("mx.{asked}")))))
            }
            _ if asked.starts_with("mx.none") => None,
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
