//! Web hosts that answer any request over HTTPS by a script, as
//! [`super::script`] has it.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::ca::Authority;
use super::script::{self, Step};
use super::world::{ServerSpec, WebSpec};

/// Serves a web host, for ever.
pub async fn serve(spec: WebSpec, clock_speed: u32, listener: TcpListener) {
    let mut server = ServerSpec::good(&spec.host, "");
    server.certificate = spec.certificate;
    let acceptor = TlsAcceptor::from(Arc::new(Authority::lab().server_config(&server)));
    let steps = Arc::new(script::parse(&spec.response, &spec.host));
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, steps) = (acceptor.clone(), Arc::clone(&steps));
        // An error is the client's going.
        tokio::spawn(async move { answer(acceptor, stream, &steps, clock_speed).await });
    }
}

async fn answer(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    steps: &[Step],
    clock_speed: u32,
) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut request = Vec::new();
    let mut octets = [0; 1024];
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut octets).await? {
            0 => return Ok(()),
            n => request.extend_from_slice(&octets[..n]),
        }
    }
    let asked = String::from_utf8_lossy(&request);
    assert!(
        asked.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"),
        "{asked}"
    );
    let wait = |seconds: f64| Duration::from_secs_f64(seconds / f64::from(clock_speed));
    for step in steps {
        match step {
            Step::Octets(octets) => stream.write_all(octets).await?,
            Step::Pause(seconds) => tokio::time::sleep(wait(*seconds)).await,
            Step::Drip { every, octets } => {
                for octet in octets {
                    stream.write_all(&[*octet]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(wait(*every)).await;
                }
            }
            Step::Endless(octets) => loop {
                stream.write_all(octets).await?;
            },
            Step::Silence => {
                stream.flush().await?;
                while stream.read(&mut octets).await? > 0 {}
            }
            Step::Cut | Step::Await | Step::Tls | Step::Close => stream.flush().await?,
        }
    }
    stream.shutdown().await
}
