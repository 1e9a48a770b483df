//! DNS over TLS (RFC 7858), in the strict profile of RFC 8310, section 5:
//! who answers has to prove the name that was given, and there is no falling
//! back to cleartext.
//!
//! Entry points: [`Channel::new`], [`Channel::send`]. One connection is kept
//! and questions follow each other on it without waiting for answers, which
//! may come in any order (RFC 7766, section 6.2.1.1). It is closed after some
//! seconds without an answer; one that the resolver closed is opened anew, and
//! what was waiting on it is asked once more (RFC 7766, section 6.2.4).
//! Questions are padded (RFC 7830), so that their length does not tell the
//! name.
//!
//! Not supported: pinned keys (RFC 7858, section 4.2), since a name and a
//! trusted root say the same for the resolvers people use; DNS over HTTPS and
//! QUIC.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::EdnsOption;
use jiff::Timestamp;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::failure::{Detail, Kind};
use crate::name::HostName;
use crate::probe::dns::message::is_answer;
use crate::probe::dns::transport::{Miss, framed, read_framed};
use crate::probe::net::Clock;

/// How long a connection is kept on which nothing comes (RFC 7858, section
/// 3.4).
const IDLE: Duration = Duration::from_secs(15);

/// RFC 8467, section 4.1: queries are padded to a multiple of this.
const PADDING_BLOCK: usize = 128;

/// RFC 7830, section 3.
const PADDING_OPTION: u16 = 12;

/// How many addresses of a resolver's name are tried.
const MOST_ADDRESSES: usize = 4;

/// The way to one resolver.
pub struct Channel {
    name: HostName,
    address: Option<IpAddr>,
    port: u16,
    clock: Clock,
    connector: TlsConnector,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Channel {
    /// A way to the resolver of this name, which the system looks up where no
    /// address is given. Nothing is opened yet.
    pub fn new(
        name: HostName,
        address: Option<IpAddr>,
        port: u16,
        clock: Clock,
        roots: Arc<RootCertStore>,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            name,
            address,
            port,
            clock,
            connector: TlsConnector::from(Arc::new(config)),
            connection: Mutex::default(),
        }
    }

    /// One message and its reply.
    pub async fn send(&self, question: &Message, span: Duration) -> Result<Message, Miss> {
        let exchange = async {
            loop {
                let (connection, fresh) = self.connection().await?;
                match connection.ask(question).await {
                    // It had been closed, perhaps while the question was on
                    // its way.
                    Err(Miss::Os(_)) if !fresh => {}
                    result => return result,
                }
            }
        };
        self.clock
            .timeout(span, exchange)
            .await
            .map_err(|_| Miss::Silence)?
    }

    /// The connection that is kept, or a new one, and whether it is new.
    async fn connection(&self) -> Result<(Arc<Connection>, bool), Miss> {
        // Others wait here while one connects.
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_ref().filter(|connection| connection.is_open()) {
            return Ok((Arc::clone(connection), false));
        }
        let connection = Arc::new(self.connect().await?);
        *kept = Some(Arc::clone(&connection));
        Ok((connection, true))
    }

    async fn connect(&self) -> Result<Connection, Miss> {
        let addresses: Vec<SocketAddr> = match self.address {
            Some(ip) => vec![SocketAddr::new(ip, self.port)],
            None => lookup_host((self.name.as_str(), self.port))
                .await
                .map_err(|error| {
                    let why = format!("the system cannot resolve its name: {error}");
                    unreachable(why, &error)
                })?
                .take(MOST_ADDRESSES)
                .collect(),
        };
        let mut trouble = None;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return self.secure(stream).await,
                Err(error) => trouble = Some(unreachable(error.to_string(), &error)),
            }
        }
        Err(trouble.unwrap_or_else(|| {
            Miss::Apart(Box::new((
                Kind::ResolverUnreachable,
                "its name has no address".to_owned(),
                Detail::default(),
            )))
        }))
    }

    async fn secure(&self, stream: TcpStream) -> Result<Connection, Miss> {
        // Each question is one small write that waits for its answer.
        stream.set_nodelay(true).map_err(Miss::Os)?;
        let name = ServerName::try_from(self.name.as_str().to_owned()).map_err(|_| {
            Miss::Apart(Box::new((
                Kind::ResolverUntrusted,
                "no certificate can be for its name".to_owned(),
                Detail::default(),
            )))
        })?;
        let stream = self
            .connector
            .connect(name, stream)
            .await
            .map_err(|error| refused(&error))?;
        Ok(Connection::new(stream, self.clock))
    }
}

/// A connection, served by a task of its own.
struct Connection {
    writer: mpsc::Sender<Vec<u8>>,
    waiting: Arc<SyncMutex<Waiting>>,
}

/// The questions under way, by the message ID they have on this connection.
#[derive(Default)]
struct Waiting {
    closed: bool,
    next: u16,
    replies: HashMap<u16, oneshot::Sender<Vec<u8>>>,
}

impl Connection {
    fn new(stream: TlsStream<TcpStream>, clock: Clock) -> Self {
        let waiting = Arc::new(SyncMutex::new(Waiting::default()));
        let (writer, questions) = mpsc::channel(64);
        let (reading, writing) = tokio::io::split(stream);
        let shared = Arc::clone(&waiting);
        tokio::spawn(async move {
            tokio::select! {
                () = write(writing, questions) => {}
                () = read(reading, &shared, clock) => {}
            }
            let mut waiting = lock(&shared);
            waiting.closed = true;
            waiting.replies.clear();
        });
        Self { writer, waiting }
    }

    fn is_open(&self) -> bool {
        !lock(&self.waiting).closed
    }

    async fn ask(&self, question: &Message) -> Result<Message, Miss> {
        let (sender, reply) = oneshot::channel();
        let Some(id) = self.register(sender) else {
            return Err(closed());
        };
        let _forget = Forget {
            connection: self,
            id,
        };
        let mut question = question.clone();
        question.metadata.id = id;
        pad(&mut question);
        let octets = question.to_vec().map_err(|_| Miss::Garbled)?;
        self.writer
            .send(framed(&octets)?)
            .await
            .map_err(|_| closed())?;
        let octets = reply.await.map_err(|_| closed())?;
        match Message::from_vec(&octets) {
            Ok(message) if is_answer(&message, &question) => Ok(message),
            Ok(_) | Err(_) => Err(Miss::Garbled),
        }
    }

    /// Takes an ID that no question under way has; none where the connection
    /// is closed.
    fn register(&self, sender: oneshot::Sender<Vec<u8>>) -> Option<u16> {
        let mut waiting = lock(&self.waiting);
        if waiting.closed || waiting.replies.len() >= usize::from(u16::MAX) {
            return None;
        }
        while waiting.replies.contains_key(&waiting.next) {
            waiting.next = waiting.next.wrapping_add(1);
        }
        let id = waiting.next;
        waiting.next = id.wrapping_add(1);
        waiting.replies.insert(id, sender);
        Some(id)
    }
}

/// Forgets a question when nobody waits for its answer any longer.
struct Forget<'c> {
    connection: &'c Connection,
    id: u16,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(&self.connection.waiting).replies.remove(&self.id);
    }
}

async fn write(
    mut stream: WriteHalf<TlsStream<TcpStream>>,
    mut questions: mpsc::Receiver<Vec<u8>>,
) {
    while let Some(octets) = questions.recv().await {
        if stream.write_all(&octets).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
    // Nobody can ask any more.
    let _ = stream.shutdown().await;
}

async fn read(
    mut stream: ReadHalf<TlsStream<TcpStream>>,
    waiting: &SyncMutex<Waiting>,
    clock: Clock,
) {
    while let Ok(Ok(octets)) = clock.timeout(IDLE, read_framed(&mut stream)).await {
        let Some(&[high, low]) = octets.first_chunk() else {
            return;
        };
        let reply = lock(waiting)
            .replies
            .remove(&u16::from_be_bytes([high, low]));
        if let Some(reply) = reply {
            // Whoever asked may have gone.
            let _ = reply.send(octets);
        }
    }
}

fn lock(waiting: &SyncMutex<Waiting>) -> std::sync::MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pad(question: &mut Message) {
    let Ok(octets) = question.to_vec() else {
        return;
    };
    let Some(edns) = &mut question.edns else {
        return;
    };
    let bare = octets.len() + 4;
    let missing = bare.next_multiple_of(PADDING_BLOCK) - bare;
    edns.options_mut()
        .insert(EdnsOption::Unknown(PADDING_OPTION, vec![0; missing]));
}

fn closed() -> Miss {
    Miss::Os(io::Error::new(
        io::ErrorKind::ConnectionReset,
        "it closed the connection",
    ))
}

fn unreachable(why: String, error: &io::Error) -> Miss {
    if crate::probe::net::is_descriptor_shortage(error) {
        return Miss::Os(io::Error::from_raw_os_error(
            error.raw_os_error().unwrap_or_default(),
        ));
    }
    let detail = Detail {
        os_error: error.raw_os_error(),
        ..Detail::default()
    };
    Miss::Apart(Box::new((Kind::ResolverUnreachable, why, detail)))
}

/// A handshake that failed: whether it is the resolver's proof that is missing
/// (RFC 8310, section 8.1), or TLS at all.
fn refused(error: &io::Error) -> Miss {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<Error>());
    let mut detail = Detail::default();
    let (kind, why) = match inner {
        Some(Error::InvalidCertificate(error)) => {
            (Kind::ResolverUntrusted, distrust(error, &mut detail))
        }
        Some(Error::AlertReceived(alert)) => {
            detail.alert = Some(format!("{alert:?}"));
            let why = format!("it ended the TLS handshake with the alert {alert:?}");
            (Kind::ResolverUnreachable, why)
        }
        Some(error) => (
            Kind::ResolverUnreachable,
            format!("the TLS handshake failed: {error}"),
        ),
        None => {
            detail.os_error = error.raw_os_error();
            let why = format!("the TLS handshake failed: {error}");
            (Kind::ResolverUnreachable, why)
        }
    };
    Miss::Apart(Box::new((kind, why, detail)))
}

fn distrust(error: &CertificateError, detail: &mut Detail) -> String {
    let timestamp =
        |time: UnixTime| Timestamp::from_second(i64::try_from(time.as_secs()).ok()?).ok();
    match error {
        CertificateError::NotValidForNameContext { presented, .. } => {
            // The library writes `DnsName("mx.example")`.
            let bare = |name: &String| {
                let inside = name
                    .split_once("(\"")
                    .and_then(|(_, n)| n.strip_suffix("\")"));
                inside.unwrap_or(name).to_owned()
            };
            detail.presented = presented.iter().map(bare).collect();
            let names = detail.presented.iter().take(6).cloned().collect::<Vec<_>>();
            format!("its certificate is for other names ({})", names.join(", "))
        }
        CertificateError::NotValidForName => "its certificate is for another name".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            detail.not_after = timestamp(*not_after);
            "its certificate is expired".to_owned()
        }
        CertificateError::Expired => "its certificate is expired".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            detail.not_before = timestamp(*not_before);
            "its certificate is not valid yet".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "no authority that is trusted here vouches for its certificate".to_owned()
        }
        other => format!("its certificate is not valid: {other}"),
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
