//! One message and its reply, over UDP and TCP.
//!
//! A socket of its own for each question gives each a port of its own
//! (RFC 5452, section 9.2), and being connected it hears at once of a resolver
//! that is not there. To a resolver on this machine sockets are kept instead:
//! nobody on the way can send in its name, and a new one costs as much as the
//! question.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::failure::{Detail, Kind};
use crate::probe::dns::message::is_answer;
use crate::probe::net::Clock;

/// Why one try gave no answer.
#[derive(Debug)]
pub enum Miss {
    /// A response code that is no answer.
    Code(ResponseCode),
    /// The resolver has data, and its signatures do not hold.
    Bogus,
    /// Nothing in time.
    Silence,
    /// What came cannot be read.
    Garbled,
    Os(io::Error),
    /// The resolver cannot be reached, or not trusted, for this reason.
    Apart(Box<(Kind, String, Detail)>),
}

/// The most sockets that are kept: as many as questions under way, or fewer.
const MOST_KEPT: usize = 512;

/// Sockets to one resolver that nobody uses.
#[derive(Debug)]
pub struct Sockets {
    server: SocketAddr,
    kept: Mutex<Vec<UdpSocket>>,
}

impl Sockets {
    pub fn new(server: SocketAddr) -> Self {
        Self {
            server,
            kept: Mutex::default(),
        }
    }

    fn take(&self) -> Option<UdpSocket> {
        self.lock().pop()
    }

    /// Keeps a socket over which a question was answered.
    fn keep(&self, socket: UdpSocket) {
        if !self.server.ip().to_canonical().is_loopback() {
            return;
        }
        let mut kept = self.lock();
        if kept.len() < MOST_KEPT {
            kept.push(socket);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<UdpSocket>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One message and its reply, over UDP, then over TCP if it was cut.
pub async fn send(
    clock: Clock,
    sockets: &Sockets,
    question: &Message,
    span: Duration,
) -> Result<Message, Miss> {
    let server = sockets.server;
    let began = clock.moment();
    let octets = question.to_vec().map_err(|_| Miss::Garbled)?;
    let message = clock
        .timeout(span, over_udp(sockets, question, &octets))
        .await
        .map_err(|_| Miss::Silence)??;
    if !message.metadata.truncation {
        return Ok(message);
    }
    let left = clock.left(began, span);
    clock
        .timeout(left, over_tcp(server, question, &octets))
        .await
        .map_err(|_| Miss::Silence)?
}

async fn over_udp(sockets: &Sockets, question: &Message, octets: &[u8]) -> Result<Message, Miss> {
    // What went wrong with a socket that was kept may be its age.
    if let Some(socket) = sockets.take()
        && let Ok(message) = ask_over(&socket, question, octets).await
    {
        sockets.keep(socket);
        return Ok(message);
    }
    let server = sockets.server;
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).await.map_err(Miss::Os)?;
    // Connected, the socket takes packets from the resolver alone.
    socket.connect(server).await.map_err(Miss::Os)?;
    let message = ask_over(&socket, question, octets).await?;
    sockets.keep(socket);
    Ok(message)
}

async fn ask_over(socket: &UdpSocket, question: &Message, octets: &[u8]) -> Result<Message, Miss> {
    socket.send(octets).await.map_err(Miss::Os)?;
    let mut buffer = Vec::with_capacity(4096);
    loop {
        buffer.clear();
        socket.recv_buf(&mut buffer).await.map_err(Miss::Os)?;
        // A packet that is no answer to this question may be forged: go on
        // waiting for the true one (RFC 5452, section 9.1).
        if buffer.get(..2) != Some(&question.metadata.id.to_be_bytes()[..]) {
            continue;
        }
        match Message::from_vec(&buffer) {
            Ok(message) if is_answer(&message, question) => return Ok(message),
            Ok(_) => {}
            Err(_) => return Err(Miss::Garbled),
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &Message, octets: &[u8]) -> Result<Message, Miss> {
    let mut stream = TcpStream::connect(server).await.map_err(Miss::Os)?;
    stream.write_all(&framed(octets)?).await.map_err(Miss::Os)?;
    let buffer = read_framed(&mut stream).await.map_err(Miss::Os)?;
    match Message::from_vec(&buffer) {
        Ok(message) if is_answer(&message, question) => Ok(message),
        Ok(_) | Err(_) => Err(Miss::Garbled),
    }
}

/// RFC 1035, section 4.2.2: two octets of length go before each message.
pub fn framed(octets: &[u8]) -> Result<Vec<u8>, Miss> {
    let length = u16::try_from(octets.len()).map_err(|_| Miss::Garbled)?;
    Ok([&length.to_be_bytes(), octets].concat())
}

/// Reads a message and its length.
pub async fn read_framed(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut buffer = vec![0; usize::from(length)];
    stream.read_exact(&mut buffer).await?;
    Ok(buffer)
}
