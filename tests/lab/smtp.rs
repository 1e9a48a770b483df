//! Mail servers that follow a script, and note what the client says.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::ca::Authority;
use super::log::{Log, Noticed};
use super::script::{self, Step};
use super::world::{Fragments, OnLongHello, ServerSpec};

/// A server with its scripts read.
pub struct Server {
    host: String,
    greeting: Vec<Step>,
    ehlo: Vec<Step>,
    ehlo_after_tls: Vec<Step>,
    helo: Vec<Step>,
    starttls: Vec<Step>,
    handshake: Vec<Step>,
    quit: Vec<Step>,
    fragments: Fragments,
    implicit_tls: bool,
    clock_speed: u32,
    tls: Arc<ServerConfig>,
    /// Where TLS is spoken instead.
    tls_elsewhere: Option<SocketAddr>,
    longest_hello: Option<usize>,
    refuses_tls13: bool,
    on_long_hello: OnLongHello,
    other_ehlo: Option<Vec<Step>>,
    injectable: bool,
}

impl Server {
    pub fn new(spec: &ServerSpec, tls_elsewhere: Option<SocketAddr>, clock_speed: u32) -> Self {
        let steps = |lines: &[String]| script::parse(lines, &spec.host);
        let after = spec
            .ehlo_after_tls
            .clone()
            .unwrap_or_else(|| without_starttls(&spec.ehlo));
        Self {
            host: spec.host.clone(),
            greeting: steps(&spec.greeting),
            ehlo: steps(&spec.ehlo),
            ehlo_after_tls: steps(&after),
            helo: steps(&spec.helo),
            starttls: steps(&spec.starttls),
            handshake: steps(&spec.handshake),
            quit: steps(&spec.quit),
            fragments: spec.fragments,
            implicit_tls: spec.implicit_tls,
            clock_speed,
            tls: Arc::new(Authority::lab().server_config(spec)),
            tls_elsewhere,
            longest_hello: spec.longest_hello,
            refuses_tls13: spec.refuses_tls13,
            on_long_hello: spec.on_long_hello,
            other_ehlo: spec.other_ehlo.as_deref().map(steps),
            injectable: spec.injectable,
        }
    }

    fn duration(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds / f64::from(self.clock_speed))
    }
}

/// RFC 3207, section 4.2: STARTTLS must not be offered once TLS is there.
fn without_starttls(ehlo: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = ehlo
        .iter()
        .filter(|line| {
            let plain = line.replace('¦', "").to_ascii_uppercase();
            plain.get(4..) != Some("STARTTLS")
        })
        .cloned()
        .collect();
    if let Some(last) = lines.last_mut()
        && let Some(text) = last.strip_prefix("250-")
    {
        *last = format!("250 {text}");
    }
    lines
}

/// Accepts sessions, for ever.
pub async fn serve(server: Arc<Server>, listener: TcpListener, log: Arc<Log>) {
    let address = listener.local_addr().unwrap().ip();
    let mut number = 0;
    while let Ok((stream, _)) = listener.accept().await {
        let session = Session {
            server: Arc::clone(&server),
            address,
            connection: log.connected(&server.host, address),
            number,
            log: Arc::clone(&log),
        };
        number += 1;
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            // An error here is the client's going, which the log shows.
            let _ = session.run(stream).await;
            session
                .log
                .gone(&session.server.host, address, session.connection);
        });
    }
}

struct Session {
    server: Arc<Server>,
    address: IpAddr,
    connection: usize,
    /// Which connection to this server it is, from 0.
    number: usize,
    log: Arc<Log>,
}

/// What follows a script or a dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Handshake,
    End,
}

impl Session {
    fn note(&self, noticed: Noticed) {
        self.log
            .note(&self.server.host, self.address, self.connection, noticed);
    }

    async fn run(&self, mut stream: TcpStream) -> io::Result<()> {
        if self.server.implicit_tls {
            return self.inside_tls(stream).await;
        }
        // A client that talks first has done so after this.
        tokio::time::sleep(Duration::from_millis(3)).await;
        let mut early = Vec::new();
        let greeted = self.greet(&mut stream, &mut early).await;
        if !early.is_empty() {
            self.note(Noticed::EarlyTalk(early));
        }
        if greeted? == Next::End {
            return Ok(());
        }
        let mut buffer = Vec::new();
        if self.converse(&mut stream, &mut buffer, false).await? != Next::Handshake {
            return self.close(&mut stream).await;
        }
        match self.say(&mut stream, &self.server.handshake).await? {
            Next::Handshake => {}
            Next::GoOn | Next::End => {
                self.note(Noticed::BeyondQuit);
                return self.close(&mut stream).await;
            }
        }
        if self.is_too_much(&stream).await? {
            self.note(Noticed::BeyondQuit);
            if self.server.on_long_hello == OnLongHello::Silence {
                self.say(&mut stream, &[Step::Silence]).await?;
            }
            return self.close(&mut stream).await;
        }
        if let Some(elsewhere) = self.server.tls_elsewhere {
            self.note(Noticed::BeyondQuit);
            let mut other = TcpStream::connect(elsewhere).await?;
            tokio::io::copy_bidirectional(&mut stream, &mut other).await?;
            return Ok(());
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&self.server.tls));
        match acceptor.accept(stream).into_fallible().await {
            Ok(mut stream) => {
                let (_, tls) = stream.get_ref();
                self.note(Noticed::Secured {
                    version: format!("{:?}", tls.protocol_version().unwrap()),
                    sni: tls.server_name().map(str::to_owned),
                });
                self.converse(&mut stream, &mut buffer, true).await?;
                self.close(&mut stream).await
            }
            Err((error, mut stream)) => {
                self.note(Noticed::HandshakeFailed(error.to_string()));
                // The alert is on its way; a reset would overtake it.
                self.close(&mut stream).await
            }
        }
    }

    /// Whether the client's hello is one that is not borne.
    async fn is_too_much(&self, stream: &TcpStream) -> io::Result<bool> {
        /// TLS 1.3 and 1.2 in the extension "supported_versions".
        const BOTH: [u8; 9] = [0, 43, 0, 5, 4, 3, 4, 3, 3];
        if self.server.longest_hello.is_none() && !self.server.refuses_tls13 {
            return Ok(false);
        }
        let mut hello = [0; 4096];
        loop {
            let seen = stream.peek(&mut hello).await?;
            let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
            if seen < 5 + length {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            let long = self.server.longest_hello.is_some_and(|l| length > l);
            let modern = hello[..seen].windows(BOTH.len()).any(|at| at == BOTH);
            return Ok(long || (self.server.refuses_tls13 && modern));
        }
    }

    /// A session that begins with TLS (RFC 8314, section 3.3).
    async fn inside_tls(&self, stream: TcpStream) -> io::Result<()> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.server.tls));
        match acceptor.accept(stream).into_fallible().await {
            Ok(mut stream) => {
                let (_, tls) = stream.get_ref();
                self.note(Noticed::Secured {
                    version: format!("{:?}", tls.protocol_version().unwrap()),
                    sni: tls.server_name().map(str::to_owned),
                });
                if self.say(&mut stream, &self.server.greeting).await? == Next::GoOn {
                    self.converse(&mut stream, &mut Vec::new(), true).await?;
                }
                self.close(&mut stream).await
            }
            Err((error, mut stream)) => {
                self.note(Noticed::HandshakeFailed(error.to_string()));
                self.close(&mut stream).await
            }
        }
    }

    /// Says the greeting, and watches for a client that does not wait for it.
    async fn greet(&self, stream: &mut TcpStream, early: &mut Vec<u8>) -> io::Result<Next> {
        let said_together = |step: &Step| !matches!(step, Step::Octets(_));
        for steps in self.server.greeting.split_inclusive(said_together) {
            let mut octets = [0; 512];
            while let Ok(read @ 1..) = stream.try_read(&mut octets) {
                early.extend_from_slice(&octets[..read]);
            }
            if self.say(stream, steps).await? == Next::End {
                return Ok(Next::End);
            }
        }
        Ok(Next::GoOn)
    }

    /// Answers commands until the client goes, or wants TLS.
    async fn converse<S>(
        &self,
        stream: &mut S,
        buffer: &mut Vec<u8>,
        secured: bool,
    ) -> io::Result<Next>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while let Some(line) = read_line(stream, buffer).await? {
            let text = String::from_utf8_lossy(&line).into_owned();
            let upper = text.trim_end().to_ascii_uppercase();
            self.note(Noticed::Line { text, secured });
            let verb = upper.split(' ').next().unwrap_or_default();
            let next = match verb {
                "EHLO" if secured => self.say(stream, &self.server.ehlo_after_tls).await?,
                "EHLO" => {
                    let other = self.server.other_ehlo.as_ref();
                    let ehlo = other.filter(|_| self.number % 2 == 1);
                    self.say(stream, ehlo.unwrap_or(&self.server.ehlo)).await?
                }
                "HELO" => self.say(stream, &self.server.helo).await?,
                "STARTTLS" => {
                    if !buffer.is_empty() {
                        self.note(Noticed::Pipelined(buffer.clone()));
                        if !self.server.injectable {
                            buffer.clear();
                        }
                    }
                    let next = self.say(stream, &self.server.starttls).await?;
                    if next == Next::GoOn && begins_with(&self.server.starttls, b"220") {
                        return Ok(Next::Handshake);
                    }
                    next
                }
                "QUIT" => {
                    self.say(stream, &self.server.quit).await?;
                    return Ok(Next::End);
                }
                _ => {
                    let step =
                        Step::Octets(b"502 5.5.2 Error: command not recognized\r\n".to_vec());
                    self.say(stream, &[step]).await?
                }
            };
            if next == Next::End {
                return Ok(Next::End);
            }
        }
        Ok(Next::End)
    }

    /// Plays a script.
    async fn say<S>(&self, stream: &mut S, steps: &[Step]) -> io::Result<Next>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut pending = Vec::new();
        for step in steps {
            if let Step::Octets(octets) = step {
                pending.extend_from_slice(octets);
                continue;
            }
            self.send(stream, &pending).await?;
            pending.clear();
            match step {
                Step::Octets(_) => {}
                Step::Cut => tokio::time::sleep(Duration::from_millis(10)).await,
                Step::Pause(seconds) => {
                    tokio::time::sleep(self.server.duration(*seconds)).await;
                }
                Step::Drip { every, octets } => {
                    self.note(Noticed::BeyondQuit);
                    for octet in octets {
                        stream.write_all(&[*octet]).await?;
                        stream.flush().await?;
                        tokio::time::sleep(self.server.duration(*every)).await;
                    }
                }
                Step::Endless(octets) => {
                    self.note(Noticed::BeyondQuit);
                    loop {
                        stream.write_all(octets).await?;
                    }
                }
                Step::Await => {
                    let mut sink = [0; 4096];
                    let _ = stream.read(&mut sink).await?;
                }
                Step::Silence => {
                    self.note(Noticed::BeyondQuit);
                    let mut sink = [0; 512];
                    while stream.read(&mut sink).await? > 0 {}
                    return Ok(Next::End);
                }
                Step::Close => {
                    self.note(Noticed::BeyondQuit);
                    self.close(stream).await?;
                    return Ok(Next::End);
                }
                Step::Tls => return Ok(Next::Handshake),
            }
        }
        self.send(stream, &pending).await?;
        Ok(Next::GoOn)
    }

    async fn send<S>(&self, stream: &mut S, octets: &[u8]) -> io::Result<()>
    where
        S: AsyncWrite + Unpin,
    {
        let cut_after = |n: usize| match self.server.fragments {
            Fragments::Whole => false,
            Fragments::Octets => true,
            Fragments::BeforeLf => octets.get(n + 1) == Some(&b'\n'),
            Fragments::Lines => octets[n] == b'\n',
        };
        let mut from = 0;
        for n in 0..octets.len() {
            if n + 1 < octets.len() && cut_after(n) {
                stream.write_all(&octets[from..=n]).await?;
                stream.flush().await?;
                from = n + 1;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        stream.write_all(&octets[from..]).await?;
        stream.flush().await
    }

    /// Closes in good order: what was said arrives before the end does.
    async fn close<S>(&self, stream: &mut S) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        stream.shutdown().await?;
        let mut sink = [0; 512];
        let drain = async { while matches!(stream.read(&mut sink).await, Ok(1..)) {} };
        let _ = tokio::time::timeout(Duration::from_secs(1), drain).await;
        Ok(())
    }
}

fn begins_with(steps: &[Step], code: &[u8]) -> bool {
    let said: Vec<u8> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Octets(octets) | Step::Drip { octets, .. } => Some(octets.as_slice()),
            _ => None,
        })
        .collect::<Vec<_>>()
        .concat();
    said.starts_with(code)
}

/// The next line with its end; none where the client is gone.
async fn read_line<S>(stream: &mut S, buffer: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>>
where
    S: AsyncRead + Unpin,
{
    loop {
        if let Some(end) = buffer.iter().position(|&b| b == b'\n') {
            let rest = buffer.split_off(end + 1);
            return Ok(Some(std::mem::replace(buffer, rest)));
        }
        if buffer.len() > 8192 {
            return Err(io::Error::other("a line without end"));
        }
        let mut octets = [0; 1024];
        let read = stream.read(&mut octets).await?;
        if read == 0 {
            return Ok((!buffer.is_empty()).then(|| std::mem::take(buffer)));
        }
        buffer.extend_from_slice(&octets[..read]);
    }
}
