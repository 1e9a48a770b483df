//! Connections through a SOCKS version 5 server (RFC 1928), with or without
//! user name and password (RFC 1929).
//!
//! Entry points: [`Proxy::parse`] reads `socks5://[USER:PASSWORD@]HOST[:PORT]`,
//! [`Proxy::find`] looks the host up, [`connect`] opens a connection to a peer,
//! through a proxy where one is given. Names are resolved here and addresses
//! sent, since which address was asked is what a report is about.
//!
//! Whose fault a failure is follows from who speaks of it. What keeps us from
//! the proxy, or the proxy from serving us, is of the stage `proxy` and says
//! nothing about the mail server; what the proxy says of the way to the server
//! (RFC 1928, section 6) is a failure to connect, as the proxy says.
//!
//! Not supported: names sent to the proxy, BIND, UDP ASSOCIATE, GSS-API
//! (which RFC 1928, section 3 wants of every implementation, and none has),
//! and DNS, which goes its own way.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::failure::{Failure, Kind, Stage};
use crate::probe::net::{Clock, Moment, dial};

/// RFC 1928, section 3: where a SOCKS service conventionally is.
const SOCKS_PORT: u16 = 1080;

/// RFC 1928, section 3.
const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;

/// How much is kept of what a server says that speaks no SOCKS.
const KEPT_OCTETS: usize = 200;

/// A SOCKS server. Its password shows neither in `Debug` nor in `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    credentials: Option<Credentials>,
    /// Where it is, once looked up.
    addresses: Vec<SocketAddr>,
}

#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    user: Vec<u8>,
    password: Vec<u8>,
}

/// `socks5://HOST:PORT`, without credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "socks5://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "socks5://{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Why a text names no proxy. It never holds the text, which may hold a
/// password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidProxy {
    Form,
    Scheme,
    /// `socks5h`: names would be resolved by the proxy.
    NamesByProxy,
    Host,
    Port,
    Credentials,
}

impl fmt::Display for InvalidProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "a proxy is given as socks5://[USER:PASSWORD@]HOST[:PORT]",
            Self::Scheme => "only SOCKS version 5 is spoken: socks5://HOST:PORT",
            Self::NamesByProxy => {
                "names are resolved here, not by the proxy, since MX and TLSA records are \
                 needed: write socks5://"
            }
            Self::Host => "it names no host",
            Self::Port => "its port is no number from 1 to 65535",
            Self::Credentials => {
                "user name and password are 1 to 255 octets each, and what is special in a \
                 URL is written as %XX"
            }
        })
    }
}

impl std::error::Error for InvalidProxy {}

impl Proxy {
    /// Reads `socks5://[USER:PASSWORD@]HOST[:PORT]`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(text: &str) -> Result<Self, InvalidProxy> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidProxy::Form)?;
        match scheme.to_ascii_lowercase().as_str() {
            "socks5" => {}
            "socks5h" => return Err(InvalidProxy::NamesByProxy),
            _ => return Err(InvalidProxy::Scheme),
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, authority) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((userinfo, authority)) => (Some(credentials(userinfo)?), authority),
        };
        let (host, port) = host_and_port(authority)?;
        Ok(Self {
            host,
            port,
            credentials,
            addresses: Vec::new(),
        })
    }

    /// Looks the host up as any program on this machine would.
    ///
    /// # Errors
    /// When it has no address.
    pub fn find(&mut self) -> io::Result<()> {
        self.addresses = (self.host.as_str(), self.port).to_socket_addrs()?.collect();
        if self.addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it has no address"));
        }
        Ok(())
    }

    /// The addresses found.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// A connection to `peer` through it.
    async fn connect(
        &self,
        clock: Clock,
        peer: SocketAddr,
        source: Option<IpAddr>,
        span: Duration,
    ) -> Result<TcpStream, Failure> {
        let began = clock.moment();
        let mut stream = self.dial(clock, began, source, span).await?;
        let mut talk = Talk {
            proxy: self,
            stream: &mut stream,
            clock,
            began,
            span,
        };
        talk.agree().await?;
        talk.ask_for(peer).await?;
        Ok(stream)
    }

    /// A connection to the proxy itself, by the first of its addresses that
    /// answers.
    async fn dial(
        &self,
        clock: Clock,
        began: Moment,
        source: Option<IpAddr>,
        span: Duration,
    ) -> Result<TcpStream, Failure> {
        let mut first = None;
        for &address in &self.addresses {
            match dial(clock, address, source, clock.left(began, span)).await {
                Ok(stream) => return Ok(stream),
                Err(failure) => {
                    first.get_or_insert(failure);
                }
            }
        }
        let Some(failure) = first else {
            return Err(unreachable_proxy(self, "its address is not known"));
        };
        if failure.kind == Kind::TooManyOpenFiles {
            return Err(failure);
        }
        let mut unreachable = unreachable_proxy(self, &failure.message);
        unreachable.detail = failure.detail;
        Err(unreachable)
    }
}

fn unreachable_proxy(proxy: &Proxy, why: &str) -> Failure {
    Failure::new(
        Stage::Proxy,
        Kind::ProxyUnreachable,
        format!("the proxy {proxy} cannot be reached: {why}"),
    )
}

/// Opens a connection to a peer from `source`, if one is given, and through
/// `proxy`, if one is; then the source is where the proxy sees us come from.
///
/// # Errors
/// When there is no connection, with whose doing that is.
pub async fn connect(
    clock: Clock,
    peer: SocketAddr,
    source: Option<IpAddr>,
    proxy: Option<&Proxy>,
    span: Duration,
) -> Result<TcpStream, Failure> {
    match proxy {
        None => dial(clock, peer, source, span).await,
        Some(proxy) => proxy.connect(clock, peer, source, span).await,
    }
}

fn credentials(userinfo: &str) -> Result<Credentials, InvalidProxy> {
    let (user, password) = userinfo.split_once(':').ok_or(InvalidProxy::Credentials)?;
    let part = |text: &str| {
        percent_decoded(text)
            // RFC 1929, section 2: 1 to 255 octets each.
            .filter(|octets| (1..=255).contains(&octets.len()))
            .ok_or(InvalidProxy::Credentials)
    };
    Ok(Credentials {
        user: part(user)?,
        password: part(password)?,
    })
}

/// RFC 3986, section 2.1.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        if octet != b'%' {
            out.push(octet);
            continue;
        }
        let digit = |octet: u8| char::from(octet).to_digit(16);
        let value = digit(octets.next()?)? * 16 + digit(octets.next()?)?;
        out.push(u8::try_from(value).ok()?);
    }
    Some(out)
}

fn host_and_port(authority: &str) -> Result<(String, u16), InvalidProxy> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(InvalidProxy::Host)?;
            let address: Ipv6Addr = host.parse().map_err(|_| InvalidProxy::Host)?;
            let port = match after {
                "" => None,
                _ => Some(after.strip_prefix(':').ok_or(InvalidProxy::Port)?),
            };
            (address.to_string(), port)
        }
        None => {
            let (host, port) = match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            };
            let fits = !host.is_empty()
                && host.len() <= 253
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
            if !fits {
                return Err(InvalidProxy::Host);
            }
            (host.to_owned(), port)
        }
    };
    let port = match port {
        None => SOCKS_PORT,
        Some(text) => text
            .parse::<u16>()
            .ok()
            .filter(|&port| port > 0 && text.bytes().all(|b| b.is_ascii_digit()))
            .ok_or(InvalidProxy::Port)?,
    };
    Ok((host, port))
}

/// What was being done when it went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Agreeing,
    Asking(SocketAddr),
}

/// The exchange with a proxy, whose whole time is one span.
struct Talk<'a> {
    proxy: &'a Proxy,
    stream: &'a mut TcpStream,
    clock: Clock,
    began: Moment,
    span: Duration,
}

impl Talk<'_> {
    /// Agrees on a method, and shows who we are (RFC 1928, section 3;
    /// RFC 1929, section 2).
    async fn agree(&mut self) -> Result<(), Failure> {
        let doing = Doing::Agreeing;
        let hello: &[u8] = match self.proxy.credentials {
            Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
            None => &[VERSION, 1, NO_AUTHENTICATION],
        };
        self.say(hello, doing).await?;
        let mut chosen = [0; 2];
        self.hear(&mut chosen, doing).await?;
        match (chosen, &self.proxy.credentials) {
            ([VERSION, NO_AUTHENTICATION], _) => Ok(()),
            ([VERSION, USER_AND_PASSWORD], Some(credentials)) => {
                let mut shown = vec![1];
                for part in [&credentials.user, &credentials.password] {
                    // At most 255, as parsed.
                    shown.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
                    shown.extend_from_slice(part);
                }
                self.say(&shown, doing).await?;
                let mut answer = [0; 2];
                self.hear(&mut answer, doing).await?;
                match answer {
                    // Some servers repeat the version of SOCKS in place of that
                    // of the subnegotiation.
                    [1 | VERSION, 0] => Ok(()),
                    [1 | VERSION, _] => Err(self.failure(
                        Kind::ProxyAuthFailed,
                        "does not accept the user name and password".to_owned(),
                    )),
                    _ => Err(self.no_socks(&answer)),
                }
            }
            ([VERSION, NONE_ACCEPTABLE | USER_AND_PASSWORD], None) => Err(self.failure(
                Kind::ProxyAuthFailed,
                "serves nobody without user name and password, and none were given".to_owned(),
            )),
            ([VERSION, NONE_ACCEPTABLE], Some(_)) => Err(self.failure(
                Kind::ProxyAuthFailed,
                "takes neither user name and password nor clients without".to_owned(),
            )),
            ([VERSION, method], _) => Err(self.failure(
                Kind::ProxyFailed,
                format!("chose the authentication method {method}, which was not offered"),
            )),
            _ => Err(self.no_socks(&chosen)),
        }
    }

    /// Asks for the connection (RFC 1928, sections 4 and 6).
    async fn ask_for(&mut self, peer: SocketAddr) -> Result<(), Failure> {
        const CONNECT: u8 = 1;
        let doing = Doing::Asking(peer);
        let mut request = vec![VERSION, CONNECT, 0];
        match peer.ip() {
            IpAddr::V4(v4) => {
                request.push(1);
                request.extend_from_slice(&v4.octets());
            }
            IpAddr::V6(v6) => {
                request.push(4);
                request.extend_from_slice(&v6.octets());
            }
        }
        request.extend_from_slice(&peer.port().to_be_bytes());
        self.say(&request, doing).await?;
        let mut head = [0; 4];
        // The code first: some servers send no more with a refusal.
        self.hear(&mut head[..2], doing).await?;
        let [version, code, ..] = head;
        if version != VERSION {
            return Err(self.no_socks(&head[..2]));
        }
        if code != 0 {
            return Err(self.refused(code, peer));
        }
        self.hear(&mut head[2..], doing).await?;
        // The address the proxy connected from, which often is a private one:
        // not what the server sees.
        let rest = match head[3] {
            1 => size_of::<Ipv4Addr>(),
            4 => size_of::<Ipv6Addr>(),
            3 => {
                let mut length = [0];
                self.hear(&mut length, doing).await?;
                usize::from(length[0])
            }
            _ => return Err(self.no_socks(&head)),
        };
        let mut bound = [0; 255 + 2];
        self.hear(&mut bound[..rest + 2], doing).await
    }

    /// The proxy's word that there is no connection (RFC 1928, section 6).
    fn refused(&self, code: u8, peer: SocketAddr) -> Failure {
        let (ip, port) = (peer.ip(), peer.port());
        let proxy = self.proxy;
        let (stage, kind, message) = match code {
            3 => (
                Stage::Connect,
                Kind::ConnectUnreachable,
                format!("the proxy {proxy} says that the network of {ip} cannot be reached"),
            ),
            4 => (
                Stage::Connect,
                Kind::ConnectUnreachable,
                format!("the proxy {proxy} says that {ip} cannot be reached"),
            ),
            5 => (
                Stage::Connect,
                Kind::ConnectRefused,
                format!("the proxy {proxy} says that {ip} refused the connection on port {port}"),
            ),
            6 => (
                Stage::Connect,
                Kind::ConnectTimeout,
                format!("the proxy {proxy} says that {ip} did not answer on port {port}"),
            ),
            2 => (
                Stage::Proxy,
                Kind::ProxyRefused,
                format!("the proxy {proxy} does not allow connections to {ip} port {port}"),
            ),
            7 => (
                Stage::Proxy,
                Kind::ProxyRefused,
                format!("the proxy {proxy} makes no connections for its clients"),
            ),
            8 => (
                Stage::Proxy,
                Kind::ProxyRefused,
                format!("the proxy {proxy} does not know addresses like {ip}"),
            ),
            1 => (
                Stage::Proxy,
                Kind::ProxyFailed,
                format!(
                    "the proxy {proxy} could not connect to {ip} port {port}, and does not say why"
                ),
            ),
            other => (
                Stage::Proxy,
                Kind::ProxyFailed,
                format!(
                    "the proxy {proxy} could not connect to {ip} port {port} (its code {other})"
                ),
            ),
        };
        let mut failure = Failure::new(stage, kind, message);
        failure.detail.code = Some(code.into());
        failure
    }

    async fn say(&mut self, octets: &[u8], doing: Doing) -> Result<(), Failure> {
        let left = self.clock.left(self.began, self.span);
        match self
            .clock
            .timeout(left, self.stream.write_all(octets))
            .await
        {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.broken(&error, doing)),
            Err(_) => Err(self.silent(doing)),
        }
    }

    async fn hear(&mut self, octets: &mut [u8], doing: Doing) -> Result<(), Failure> {
        let left = self.clock.left(self.began, self.span);
        match self
            .clock
            .timeout(left, self.stream.read_exact(octets))
            .await
        {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.broken(&error, doing)),
            Err(_) => Err(self.silent(doing)),
        }
    }

    fn broken(&self, error: &io::Error, doing: Doing) -> Failure {
        let mut failure = self.failure(
            Kind::ProxyFailed,
            match doing {
                Doing::Agreeing => "closed the connection before it agreed to serve us".to_owned(),
                Doing::Asking(peer) => format!(
                    "closed the connection instead of saying whether {} port {} can be reached",
                    peer.ip(),
                    peer.port()
                ),
            },
        );
        failure.detail.os_error = error.raw_os_error();
        failure
    }

    /// A proxy that is silent once it was asked waits for the server, most
    /// likely: that is told from one that says nothing at all.
    fn silent(&self, doing: Doing) -> Failure {
        let seconds = self.span.as_secs();
        let mut failure = match doing {
            Doing::Agreeing => self.failure(
                Kind::ProxyFailed,
                format!("did not say within {seconds} s whether it serves us"),
            ),
            Doing::Asking(peer) => Failure::new(
                Stage::Connect,
                Kind::ConnectTimeout,
                format!(
                    "the proxy {} had no connection to {} port {} within {seconds} s",
                    self.proxy,
                    peer.ip(),
                    peer.port()
                ),
            ),
        };
        failure.detail.waited = Some(self.clock.since(self.began));
        failure
    }

    fn no_socks(&self, heard: &[u8]) -> Failure {
        let mut octets = heard.to_vec();
        let mut more = [0; KEPT_OCTETS];
        if let Ok(length) = self.stream.try_read(&mut more) {
            octets.extend_from_slice(&more[..length]);
        }
        self.failure(
            Kind::ProxyFailed,
            "speaks something other than SOCKS version 5".to_owned(),
        )
        .heard(octets)
    }

    fn failure(&self, kind: Kind, what: String) -> Failure {
        Failure::new(
            Stage::Proxy,
            kind,
            format!("the proxy {} {what}", self.proxy),
        )
    }
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
