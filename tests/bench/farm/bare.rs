//! The client to compare with: what nobody who connects, shakes hands and
//! verifies can do without.
//!
//! One conversation is TCP, greeting, EHLO, STARTTLS, a handshake of TLS 1.3 whose
//! certificate chain is verified, EHLO, QUIT. The verifier is rustls' own, by the
//! farm's root. With `--remember` a chain is verified once and remembered by its
//! octets, its handshake signature every time.

use std::collections::HashSet;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Settings;
use crate::world::{Conduct, addresses_of, conduct, host_name, hosts_of, taker};

pub fn run(settings: &Settings) {
    let endpoints = Arc::new(endpoints(settings));
    let connector = TlsConnector::from(Arc::new(config(settings)));
    let next = Arc::new(AtomicUsize::new(0));
    let done = Arc::new(AtomicUsize::new(0));
    let runtime = crate::runtime(settings.threads);
    let (began, before) = (Instant::now(), cpu_seconds());
    runtime.block_on(async {
        let workers: Vec<_> = (0..settings.at_once)
            .map(|_| {
                let (endpoints, connector) = (Arc::clone(&endpoints), connector.clone());
                let (next, done) = (Arc::clone(&next), Arc::clone(&done));
                let port = settings.smtp;
                tokio::spawn(async move {
                    while let Some((ip, name)) = endpoints.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        if talk(&connector, *ip, port, name).await.is_ok() {
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            let _ = worker.await;
        }
    });
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - before);
    let count = done.load(Ordering::Relaxed);
    println!(
        "bare client: {count} of {} endpoints, {:.0} us of CPU each, {wall:.1} s, {:.0}/s",
        endpoints.len(),
        cpu * 1e6 / count.max(1) as f64,
        count as f64 / wall
    );
}

/// The distinct good endpoints of the first domains.
fn endpoints(settings: &Settings) -> Vec<(Ipv4Addr, String)> {
    let mut known = HashSet::new();
    let mut list = Vec::new();
    for domain in 0..settings.domains {
        for host in hosts_of(taker(domain), domain) {
            for ip in addresses_of(host) {
                if conduct(settings, ip) == Conduct::Good && known.insert((ip, host)) {
                    list.push((ip, host_name(host)));
                }
            }
        }
    }
    list
}

fn config(settings: &Settings) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(&settings.ca).expect("the farm wrote its root") {
        roots
            .add(root.expect("a certificate"))
            .expect("a root that can be used");
    }
    let roots = Arc::new(roots);
    if !settings.remember {
        return ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
    }
    let inner = WebPkiServerVerifier::builder(roots)
        .build()
        .expect("a verifier");
    ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Remembering {
            inner,
            known: Mutex::default(),
        }))
        .with_no_client_auth()
}

async fn talk(connector: &TlsConnector, ip: Ipv4Addr, port: u16, name: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect((ip, port)).await?;
    stream.set_nodelay(true)?;
    say(&mut stream, "", "220").await?;
    say(&mut stream, "EHLO probe.example\r\n", "250").await?;
    say(&mut stream, "STARTTLS\r\n", "220").await?;
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    let mut stream = connector.connect(name, stream).await?;
    say(&mut stream, "EHLO probe.example\r\n", "250").await?;
    say(&mut stream, "QUIT\r\n", "221").await
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    words: &str,
    code: &str,
) -> io::Result<()> {
    if !words.is_empty() {
        stream.write_all(words.as_bytes()).await?;
        stream.flush().await?;
    }
    let mut heard = Vec::with_capacity(256);
    let mut buffer = [0; 512];
    let last = format!("{code} ").into_bytes();
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => heard.extend_from_slice(&buffer[..n]),
        }
        if heard.ends_with(b"\n") {
            let mut lines = heard.split_inclusive(|&b| b == b'\n');
            return if lines
                .next_back()
                .is_some_and(|line| line.starts_with(&last))
            {
                Ok(())
            } else if heard.starts_with(code.as_bytes()) {
                continue;
            } else {
                Err(io::ErrorKind::InvalidData.into())
            };
        }
    }
}

/// Seconds this process has had a CPU.
fn cpu_seconds() -> f64 {
    let mut total = 0.0;
    for task in std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten()
    {
        let spent = std::fs::read_to_string(task.path().join("schedstat"))
            .ok()
            .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
        total += spent.unwrap_or_default() / 1e9;
    }
    total
}

/// Verifies each chain once.
#[derive(Debug)]
struct Remembering {
    inner: Arc<WebPkiServerVerifier>,
    known: Mutex<HashSet<(Vec<u8>, String)>>,
}

impl ServerCertVerifier for Remembering {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut octets = leaf.to_vec();
        rest.iter().for_each(|more| octets.extend_from_slice(more));
        let key = (
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &octets)
                .as_ref()
                .to_vec(),
            name.to_str().into_owned(),
        );
        if self.known().contains(&key) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = self.inner.verify_server_cert(leaf, rest, name, ocsp, now)?;
        self.known().insert(key);
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

impl Remembering {
    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<(Vec<u8>, String)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
