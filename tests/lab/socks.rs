//! A SOCKS5 proxy (RFC 1928, RFC 1929) that is right or wrong on purpose.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::log::Log;
use super::world::{ProxyDoes, ProxySpec};

/// Serves clients, for ever.
pub async fn serve(spec: ProxySpec, listener: TcpListener, log: Arc<Log>) {
    let spec = Arc::new(spec);
    while let Ok((stream, _)) = listener.accept().await {
        let (spec, log) = (Arc::clone(&spec), Arc::clone(&log));
        // An error is the client's going.
        tokio::spawn(async move { client(&spec, stream, &log).await });
    }
}

async fn client(spec: &ProxySpec, mut stream: TcpStream, log: &Log) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match spec.does {
        ProxyDoes::Silent => return wait(&mut stream).await,
        ProxyDoes::Garbage => {
            let mut octet = [0];
            stream.read_exact(&mut octet).await?;
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await?;
            return wait(&mut stream).await;
        }
        _ => {}
    }
    let mut head = [0; 2];
    stream.read_exact(&mut head).await?;
    let mut methods = vec![0; head[1].into()];
    stream.read_exact(&mut methods).await?;
    let method = if spec.wants.is_some() { 2 } else { 0 };
    if head[0] != 5 || !methods.contains(&method) {
        return stream.write_all(&[5, 0xff]).await;
    }
    stream.write_all(&[5, method]).await?;
    if let Some(wants) = &spec.wants {
        let mut version = [0];
        stream.read_exact(&mut version).await?;
        let user = counted(&mut stream).await?;
        let password = counted(&mut stream).await?;
        let right = version == [1] && format!("{user}:{password}") == *wants;
        stream.write_all(&[1, u8::from(!right)]).await?;
        if !right {
            return Ok(());
        }
    }
    let peer = request(&mut stream).await?;
    log.relayed(peer);
    let code = match spec.does {
        ProxyDoes::Hangs => return wait(&mut stream).await,
        ProxyDoes::ForbidsMail => 2,
        ProxyDoes::Fails => 1,
        _ => match TcpStream::connect(peer).await {
            Ok(mut server) => {
                server.set_nodelay(true)?;
                reply(&mut stream, 0).await?;
                tokio::io::copy_bidirectional(&mut stream, &mut server).await?;
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => 5,
            Err(_) => 4,
        },
    };
    reply(&mut stream, code).await
}

async fn request(stream: &mut TcpStream) -> io::Result<SocketAddr> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    assert_eq!(head[..3], [5, 1, 0], "a request to connect");
    let ip: IpAddr = match head[3] {
        1 => {
            let mut octets = [0; 4];
            stream.read_exact(&mut octets).await?;
            Ipv4Addr::from(octets).into()
        }
        4 => {
            let mut octets = [0; 16];
            stream.read_exact(&mut octets).await?;
            Ipv6Addr::from(octets).into()
        }
        other => panic!("address type {other}: names are resolved by the client"),
    };
    let mut port = [0; 2];
    stream.read_exact(&mut port).await?;
    Ok(SocketAddr::new(ip, u16::from_be_bytes(port)))
}

async fn reply(stream: &mut TcpStream, code: u8) -> io::Result<()> {
    stream
        .write_all(&[5, code, 0, 1, 10, 0, 0, 1, 0x12, 0x34])
        .await
}

async fn counted(stream: &mut TcpStream) -> io::Result<String> {
    let mut length = [0];
    stream.read_exact(&mut length).await?;
    let mut octets = vec![0; length[0].into()];
    stream.read_exact(&mut octets).await?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

/// Until the client goes.
async fn wait(stream: &mut TcpStream) -> io::Result<()> {
    let mut sink = [0; 512];
    while stream.read(&mut sink).await? > 0 {}
    Ok(())
}
