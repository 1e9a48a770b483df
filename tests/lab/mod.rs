//! A small internet on loopback: an authoritative name server, mail servers
//! that are right or wrong on purpose, and a throw-away certificate authority,
//! all in this process, on unprivileged ports, without root.
//!
//! A [`World`](world::World) is read from TOML; [`Lab::start`] serves it until
//! the `Lab` is dropped. Worlds run in parallel: each takes its own prefix
//! `127.a.b.` and one port of its own for every server and the name server, so
//! that one `--port` fits all of a world's hosts. A world is written with
//! addresses `127.100.100.N`; [`Lab::localise`] puts the real prefix in, and
//! [`Lab::normalise`] takes it out of what a program printed.
//!
//! What rustls cannot play, TLS below 1.2 and suites without forward secrecy,
//! OpenSSL's `s_server` does; what that has no more either, SSL 3.0, RC4 and
//! 3DES, are canned octets of a world. Not played: RSA keys below 2048 bits.
//! The name server says what a validating resolver would, signatures included.

#![allow(dead_code, reason = "each test program uses another part of the lab")]
#![allow(clippy::unwrap_used)]

pub mod ca;
pub mod dns;
pub mod dot;
pub mod log;
pub mod openssl;
pub mod page;
pub mod script;
pub mod signing;
pub mod smtp;
pub mod socks;
pub mod web;
pub mod world;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Runtime;

use self::ca::Authority;
use self::log::Log;
use self::openssl::Openssl;
use self::world::{ControlSpec, DotSpec, ProxySpec, ServerSpec, WebSpec, World};

/// The prefix addresses have in a world's text.
pub const WRITTEN_PREFIX: &str = "127.100.100.";
/// The host part at which the name server answers.
const NAME_SERVER: u8 = 53;
/// Where the control host answers, and where one is named that does not.
const CONTROL: &str = "127.100.100.250";
const CONTROL_ABSENT: &str = "127.100.100.251";
pub const CONTROL_HOST: &str = "control.example";
/// Where the SOCKS proxy answers.
const PROXY: &str = "127.100.100.108";

/// A world being served.
pub struct Lab {
    runtime: Option<Runtime>,
    prefix: String,
    pub port: u16,
    pub resolver: SocketAddr,
    pub log: Arc<Log>,
    directory: tempfile::TempDir,
    /// Processes that end with it.
    #[expect(dead_code, reason = "held, not read")]
    helpers: Vec<Openssl>,
}

impl Lab {
    /// Serves `world` until the value is dropped.
    pub fn start(world: &World) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let log = Arc::new(Log::default());
        let mut servers = world.server.clone();
        let mut zone = world.zone.clone();
        match world.control {
            ControlSpec::Good => {
                servers.push(ServerSpec::good(CONTROL_HOST, CONTROL));
                zone.push_str(&format!("\n{CONTROL_HOST} A {CONTROL}\n"));
            }
            ControlSpec::Stripped => {
                let mut server = ServerSpec::good(CONTROL_HOST, CONTROL);
                server.ehlo = vec!["250-{host}".into(), "250 SIZE 1000000".into()];
                servers.push(server);
                zone.push_str(&format!("\n{CONTROL_HOST} A {CONTROL}\n"));
            }
            ControlSpec::Blocked => {
                zone.push_str(&format!("\n{CONTROL_HOST} A {CONTROL_ABSENT}\n"));
            }
            ControlSpec::Unresolved | ControlSpec::None => {}
        }
        let mut last = String::new();
        for _ in 0..50 {
            match runtime.block_on(bind(&servers, world)) {
                Ok(bound) => {
                    let directory = tempfile::tempdir().unwrap();
                    std::fs::write(directory.path().join("ca.pem"), Authority::lab().root_pem())
                        .unwrap();
                    let resolver = bound.udp.local_addr().unwrap();
                    let zone = zone
                        .replace(WRITTEN_PREFIX, &bound.prefix)
                        .replace("{port}", &bound.port.to_string());
                    let mut zone = dns::Zone::parse(&with_associations(&zone, &servers));
                    if let Some(spec) = &world.tampering {
                        let target = spec.name.replace("{port}", &bound.port.to_string());
                        let kind = spec.kind.as_deref().map(|kind| kind.parse().unwrap());
                        zone.sign(Some((spec.with, target, kind)));
                    }
                    let (anchor, delv) = zone.signing().anchors();
                    std::fs::write(directory.path().join("anchor.ds"), anchor).unwrap();
                    std::fs::write(directory.path().join("anchor.bind"), delv).unwrap();
                    let queries = Arc::clone(&log);
                    runtime.spawn(dns::serve(zone, bound.udp, bound.tcp, queries));
                    if let Some((spec, listener)) = bound.proxy {
                        runtime.spawn(socks::serve(spec, listener, Arc::clone(&log)));
                    }
                    for (spec, listener) in bound.dots {
                        runtime.spawn(dot::serve(spec, resolver, listener));
                    }
                    for (spec, listener) in bound.webs {
                        runtime.spawn(web::serve(spec, world.clock_speed, listener));
                    }
                    let mut helpers = Vec::new();
                    for (spec, listener) in bound.listeners {
                        let tls = spec.openssl.as_ref().map(|arguments| {
                            helpers.push(Openssl::start(&spec, arguments, directory.path()));
                            helpers[helpers.len() - 1].address
                        });
                        let server = smtp::Server::new(&spec, tls, world.clock_speed);
                        runtime.spawn(smtp::serve(Arc::new(server), listener, Arc::clone(&log)));
                    }
                    return Self {
                        runtime: Some(runtime),
                        prefix: bound.prefix,
                        port: bound.port,
                        resolver,
                        log,
                        directory,
                        helpers,
                    };
                }
                Err(error) => last = error.to_string(),
            }
        }
        panic!("no free prefix and port on loopback: {last}");
    }

    /// The throw-away root, as a PEM file.
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The root zone's key, for `--trust-anchor`.
    pub fn anchor_file(&self) -> PathBuf {
        self.directory.path().join("anchor.ds")
    }

    /// A directory that goes with the world.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The address `127.100.100.N` of the world's text as it is served.
    pub fn address(&self, written: &str) -> IpAddr {
        self.localise(written).parse().unwrap()
    }

    /// The world's proxy, as `--proxy` wants it.
    pub fn proxy(&self, spec: &ProxySpec) -> String {
        let userinfo = match &spec.client {
            Some(userinfo) => format!("{userinfo}@"),
            None => String::new(),
        };
        format!("socks5://{userinfo}{}:{}", self.localise(PROXY), self.port)
    }

    /// A world's text with the addresses that are served.
    pub fn localise(&self, text: &str) -> String {
        text.replace(WRITTEN_PREFIX, &self.prefix)
    }

    /// What a program printed, with the world's addresses and port as the
    /// world writes them; all have the same width, so columns stay.
    pub fn normalise(&self, text: &str) -> String {
        text.replace(&self.prefix, WRITTEN_PREFIX)
            .replace(&self.port.to_string(), "54321")
            .replace(&self.directory.path().display().to_string(), "LAB")
    }

    /// Waits until every session has ended, so that the log is whole.
    pub fn settle(&self) {
        let until = Instant::now() + Duration::from_secs(3);
        while self.log.sessions() > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A zone with `@HOST` in TLSA records replaced by what that host shows, and
/// `@@HOST` by its second certificate.
fn with_associations(zone: &str, servers: &[ServerSpec]) -> String {
    zone.lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [owner, "TLSA", usage, selector, matching, data] = words[..] else {
                return format!("{line}\n");
            };
            let Some(host) = data.strip_prefix('@') else {
                return format!("{line}\n");
            };
            let (host, second) = match host.strip_prefix('@') {
                Some(host) => (host, true),
                None => (host, false),
            };
            let spec = servers
                .iter()
                .find(|server| server.host == host)
                .unwrap_or_else(|| panic!("{line}: no such server"));
            let number = |word: &str| word.parse().expect("a number");
            let (u, s, m) = (number(usage), number(selector), number(matching));
            let kind = match spec.second_certificate {
                Some(kind) if second => kind,
                _ => spec.certificate,
            };
            let data = Authority::lab().association(spec, kind, u, s, m);
            format!("{owner} TLSA {u} {s} {m} {data}\n")
        })
        .collect()
}

struct Bound {
    prefix: String,
    port: u16,
    udp: UdpSocket,
    tcp: TcpListener,
    listeners: Vec<(ServerSpec, TcpListener)>,
    webs: Vec<(WebSpec, TcpListener)>,
    dots: Vec<(DotSpec, TcpListener)>,
    proxy: Option<(ProxySpec, TcpListener)>,
}

/// Takes a random prefix and port; fails where anything of it is in use.
async fn bind(servers: &[ServerSpec], world: &World) -> std::io::Result<Bound> {
    let random = RandomState::new().build_hasher().finish();
    // Three digits each and five for the port, below the ephemeral range, so
    // that columns are as wide in every run and no client's port is hit.
    let (a, b) = (101 + random % 150, 101 + (random >> 16) % 150);
    let port = 20_000 + u16::try_from((random >> 32) % 12_000).unwrap();
    let prefix = format!("127.{a}.{b}.");
    let name_server: SocketAddr = format!("{prefix}{NAME_SERVER}:{port}").parse().unwrap();
    let udp = UdpSocket::bind(name_server).await?;
    let tcp = TcpListener::bind(name_server).await?;
    let mut listeners = Vec::new();
    for server in servers {
        for address in &server.address {
            let ip: IpAddr = address
                .replace(WRITTEN_PREFIX, &prefix)
                .parse()
                .unwrap_or_else(|_| panic!("{address} is no address"));
            let listener = TcpListener::bind(SocketAddr::new(ip, port)).await?;
            listeners.push((server.clone(), listener));
        }
    }
    let mut webs = Vec::new();
    for web in &world.web {
        let address = web.address.replace(WRITTEN_PREFIX, &prefix);
        let ip: IpAddr = address.parse().expect("an address");
        let listener = TcpListener::bind(SocketAddr::new(ip, port)).await?;
        webs.push((web.clone(), listener));
    }
    let proxy = match &world.proxy {
        Some(spec) if !spec.absent => {
            let ip: IpAddr = PROXY.replace(WRITTEN_PREFIX, &prefix).parse().unwrap();
            let listener = TcpListener::bind(SocketAddr::new(ip, port)).await?;
            Some((spec.clone(), listener))
        }
        _ => None,
    };
    let mut dots = Vec::new();
    for dot in &world.dot {
        let address = dot.address.replace(WRITTEN_PREFIX, &prefix);
        let ip: IpAddr = address.parse().expect("an address");
        let listener = TcpListener::bind(SocketAddr::new(ip, port)).await?;
        dots.push((dot.clone(), listener));
    }
    Ok(Bound {
        proxy,
        prefix,
        port,
        udp,
        tcp,
        listeners,
        webs,
        dots,
    })
}
