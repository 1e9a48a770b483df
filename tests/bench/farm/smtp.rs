//! The mail servers, and the hosts of MTA-STS policies: each one listener for
//! all addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::world::{self, Conduct, World, conduct, host_name, hosts_of, taker};

pub async fn serve(world: Arc<World>) {
    let acceptor = TlsAcceptor::from(world.server_config());
    let listener = listen(world.settings.smtp).await;
    loop {
        let Some(stream) = accept(&listener).await else {
            continue;
        };
        let (world, acceptor) = (Arc::clone(&world), acceptor.clone());
        // An error is the client's going.
        tokio::spawn(async move { talk(&world, stream, acceptor).await });
    }
}

async fn listen(port: u16) -> TcpListener {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option");
    socket
        .bind((Ipv4Addr::UNSPECIFIED, port).into())
        .expect("the port is free");
    socket.listen(4096).expect("it listens")
}

async fn accept(listener: &TcpListener) -> Option<TcpStream> {
    match listener.accept().await {
        Ok((stream, _)) => {
            let _ = stream.set_nodelay(true);
            Some(stream)
        }
        Err(_) => {
            // Out of files: some are closed soon.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            None
        }
    }
}

async fn talk(world: &World, mut stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<()> {
    let rtt = world.settings.rtt;
    let here = match stream.local_addr()?.ip() {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(_) => Ipv4Addr::LOCALHOST,
    };
    let conduct = conduct(&world.settings, here);
    // One round trip for the connection, one for the greeting.
    tokio::time::sleep(rtt * 2).await;
    match conduct {
        Conduct::Silent => {
            let _ = line(&mut stream).await;
            return Ok(());
        }
        Conduct::Busy => return stream.write_all(b"421 4.3.2 Too busy\r\n").await,
        _ => {}
    }
    stream.write_all(b"220 mx.example ESMTP\r\n").await?;
    let offers: &[u8] = match conduct {
        Conduct::Plain => {
            b"250-mx.example\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250 8BITMIME\r\n"
        }
        _ => {
            b"250-mx.example\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
        }
    };
    loop {
        let said = line(&mut stream).await?;
        tokio::time::sleep(rtt).await;
        match said.get(..4) {
            Some(b"EHLO") => stream.write_all(offers).await?,
            Some(b"STAR") if conduct != Conduct::Plain => {
                stream.write_all(b"220 2.0.0 Go ahead\r\n").await?;
                break;
            }
            Some(b"QUIT") => return stream.write_all(b"221 2.0.0 Bye\r\n").await,
            _ => stream.write_all(b"502 5.5.2 No\r\n").await?,
        }
    }
    tokio::time::sleep(rtt).await;
    let mut stream = acceptor.accept(stream).await?;
    loop {
        let said = line(&mut stream).await?;
        tokio::time::sleep(rtt).await;
        match said.get(..4) {
            Some(b"EHLO") => {
                stream
                    .write_all(b"250-mx.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
                    .await?;
            }
            Some(b"QUIT") => {
                stream.write_all(b"221 2.0.0 Bye\r\n").await?;
                return stream.shutdown().await;
            }
            _ => stream.write_all(b"502 5.5.2 No\r\n").await?,
        }
        stream.flush().await?;
    }
}

/// What came, up to the first line end.
async fn line<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(128);
    let mut buffer = [0; 512];
    while !line.contains(&b'\n') {
        match stream.read(&mut buffer).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => line.extend_from_slice(&buffer[..n]),
        }
        if line.len() > 4096 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(line)
}

pub async fn serve_policies(world: Arc<World>) {
    let acceptor = TlsAcceptor::from(world.server_config());
    let listener = listen(world.settings.policy).await;
    loop {
        let Some(stream) = accept(&listener).await else {
            continue;
        };
        let (world, acceptor) = (Arc::clone(&world), acceptor.clone());
        tokio::spawn(async move {
            tokio::time::sleep(world.settings.rtt * 2).await;
            let mut stream = acceptor.accept(stream).await?;
            let name = stream.get_ref().1.server_name().unwrap_or_default();
            let body = policy(name);
            policy_answer(&world, &mut stream, &body).await
        });
    }
}

async fn policy_answer<S: AsyncRead + AsyncWrite + Unpin>(
    world: &World,
    stream: &mut S,
    body: &str,
) -> io::Result<()> {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        let more = line(stream).await?;
        asked.extend_from_slice(&more);
    }
    tokio::time::sleep(world.settings.rtt).await;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// The policy of `mta-sts.d17.example`.
fn policy(name: &str) -> String {
    let mut out = "version: STSv1\r\nmode: enforce\r\nmax_age: 604800\r\n".to_owned();
    if let Some(domain) = name.strip_prefix("mta-sts.").and_then(world::domain_of) {
        for host in hosts_of(taker(domain), domain) {
            out.push_str(&format!("mx: {}\r\n", host_name(host)));
        }
    }
    out
}
