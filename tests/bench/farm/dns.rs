//! The name server, over UDP and TCP: reads one question, computes the answer.
//!
//! It answers as a resolver does, so the names a resolver is tested with are
//! there too. Over UDP the round trip is a queue: what comes is answered so much
//! later.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::Instant;

use crate::world::{self, Host, Taker, World};

const A: u16 = 1;
const SOA: u16 = 6;
const MX: u16 = 15;
const TXT: u16 = 16;
const TLSA: u16 = 52;

const NXDOMAIN: u8 = 3;
const SERVFAIL: u8 = 2;

pub async fn serve(world: Arc<World>) {
    let address = (Ipv4Addr::LOCALHOST, world.settings.dns);
    let udp = UdpSocket::bind(address).await.expect("the port is free");
    let tcp = TcpListener::bind(address).await.expect("the port is free");
    let spki = world.authority.spki_sha256();
    tokio::join!(over_udp(&world, udp, spki), over_tcp(&world, tcp, spki));
}

async fn over_udp(world: &World, socket: UdpSocket, spki: [u8; 32]) {
    let wait = world.settings.dns_rtt;
    let mut queue: VecDeque<(Instant, SocketAddr, Vec<u8>)> = VecDeque::new();
    let mut buffer = [0; 2048];
    loop {
        let due = queue.front().map(|(at, ..)| *at);
        let idle = Instant::now() + Duration::from_secs(3600);
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(due.unwrap_or(idle)), if due.is_some() => {}
            ready = socket.readable() => if ready.is_err() { return },
        }
        while let Ok((length, from)) = socket.try_recv_from(&mut buffer) {
            let Some(answer) = answer(world, &spki, &buffer[..length]) else {
                continue;
            };
            if wait.is_zero() {
                let _ = socket.try_send_to(&answer, from);
            } else {
                queue.push_back((Instant::now() + wait, from, answer));
            }
        }
        let now = Instant::now();
        while queue.front().is_some_and(|(at, ..)| *at <= now) {
            if let Some((_, to, answer)) = queue.pop_front() {
                let _ = socket.try_send_to(&answer, to);
            }
        }
    }
}

async fn over_tcp(world: &Arc<World>, listener: TcpListener, spki: [u8; 32]) {
    while let Ok((stream, _)) = listener.accept().await {
        let world = Arc::clone(world);
        tokio::spawn(async move {
            let _ = conversation(&world, stream, spki).await;
        });
    }
}

async fn conversation(world: &World, mut stream: TcpStream, spki: [u8; 32]) -> std::io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut question = vec![0; usize::from(length)];
        stream.read_exact(&mut question).await?;
        let Some(answer) = answer(world, &spki, &question) else {
            return Ok(());
        };
        tokio::time::sleep(world.settings.dns_rtt).await;
        let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend_from_slice(&answer);
        stream.write_all(&framed).await?;
    }
}

/// What is known of a name and type.
#[derive(Default)]
struct Found {
    code: u8,
    /// Types and data of the records.
    records: Vec<(u16, Vec<u8>)>,
    signed: bool,
}

impl Found {
    fn nothing(signed: bool) -> Self {
        Self {
            signed,
            ..Self::default()
        }
    }

    fn code(code: u8, signed: bool) -> Self {
        Self {
            code,
            signed,
            ..Self::default()
        }
    }
}

/// The answer to a message; none where it is no question.
fn answer(world: &World, spki: &[u8; 32], message: &[u8]) -> Option<Vec<u8>> {
    let header = message.get(..12)?;
    if header[2] & 0x80 != 0 || header[4..6] != [0, 1] {
        return None;
    }
    let mut name = String::with_capacity(64);
    let mut at = 12;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        let label = message.get(at..at + length).filter(|_| length < 64)?;
        if !name.is_empty() {
            name.push('.');
        }
        name.extend(label.iter().map(|c| char::from(c.to_ascii_lowercase())));
        at += length;
    }
    let kind = u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?);
    let question = message.get(12..at + 4)?;
    let unchecked = header[3] & 0x10 != 0;
    let extended = header[10..12] != [0, 0];
    let found = find(world, spki, &name, kind, unchecked);

    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&header[..2]);
    let wanted = header[2] & 0x01;
    let secure = u8::from(world.settings.validates && found.signed) << 5;
    out.extend_from_slice(&[
        0x80 | wanted,
        0x80 | secure | (header[3] & 0x10) | found.code,
    ]);
    let authority = u16::from(found.records.is_empty() && found.code != SERVFAIL);
    let count = u16::try_from(found.records.len()).unwrap_or(0);
    for count in [1, count, authority, u16::from(extended)] {
        out.extend_from_slice(&count.to_be_bytes());
    }
    out.extend_from_slice(question);
    for (kind, data) in &found.records {
        record(&mut out, &[0xc0, 12], *kind, data);
    }
    if authority == 1 {
        record(&mut out, b"\x07example\0", SOA, &soa());
    }
    if extended {
        // OPT: root, type 41, 1232 octets, DO as asked.
        out.extend_from_slice(&[0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0]);
    }
    Some(out)
}

fn record(out: &mut Vec<u8>, owner: &[u8], kind: u16, data: &[u8]) {
    out.extend_from_slice(owner);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0, 1, 0, 0, 0x0e, 0x10]);
    out.extend_from_slice(&u16::try_from(data.len()).unwrap_or(0).to_be_bytes());
    out.extend_from_slice(data);
}

fn soa() -> Vec<u8> {
    let mut data = b"\x02ns\x07example\0\x04host\x07example\0".to_vec();
    for number in [1_u32, 3600, 600, 86_400, 3600] {
        data.extend_from_slice(&number.to_be_bytes());
    }
    data
}

fn wire(name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + 2);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).unwrap_or(0));
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out
}

fn text(words: &str) -> Vec<u8> {
    let mut out = vec![u8::try_from(words.len()).unwrap_or(0)];
    out.extend_from_slice(words.as_bytes());
    out
}

fn find(world: &World, spki: &[u8; 32], name: &str, kind: u16, unchecked: bool) -> Found {
    match name {
        "in-addr.arpa" | "ip6.arpa" => return Found::nothing(true),
        "google.com" | "microsoft.com" => return Found::nothing(false),
        "dnssec-failed.org" | "rhybar.cz" if world.settings.validates && !unchecked => {
            return Found::code(SERVFAIL, false);
        }
        "dnssec-failed.org" | "rhybar.cz" => return Found::nothing(false),
        _ if name.ends_with(".in-addr.arpa") || name.ends_with(".ip6.arpa") => {
            return Found::code(NXDOMAIN, true);
        }
        _ => {}
    }
    let exists =
        |domain: &u64| *domain < world.settings.domains && world::taker(*domain) != Taker::Absent;
    if let Some(domain) = world::domain_of(name) {
        let signed = world.is_signed(domain);
        if !exists(&domain) {
            return Found::code(NXDOMAIN, signed);
        }
        return of_domain(domain, kind, signed);
    }
    if let Some((first, parent)) = name.split_once('.')
        && let Some(domain) = world::domain_of(parent).filter(&exists)
    {
        let signed = world.is_signed(domain);
        let records = match (first, kind) {
            ("_mta-sts", TXT) if world::has_sts(domain) => {
                vec![(TXT, text("v=STSv1; id=20260114T0900;"))]
            }
            ("mta-sts", A) if world::has_sts(domain) => {
                let host = Host::Own { domain, number: 0 };
                addresses(host)
            }
            ("mta-sts", _) if world::has_sts(domain) => Vec::new(),
            _ => match world::host_of(name) {
                Some(host) if kind == A => addresses(host),
                Some(_) => Vec::new(),
                None => return Found::code(NXDOMAIN, signed),
            },
        };
        return Found {
            records,
            signed,
            code: 0,
        };
    }
    if let Some(rest) = name.strip_prefix("_smtp._tls.") {
        return Found::code(
            NXDOMAIN,
            world::domain_of(rest).is_some_and(|domain| world.is_signed(domain)),
        );
    }
    // _2525._tcp.mx0.d17.example
    if let Some((port, host)) = name.split_once("._tcp.")
        && port.starts_with('_')
    {
        let Some(Host::Own { domain, .. }) = world::host_of(host) else {
            return Found::code(NXDOMAIN, false);
        };
        let signed = world.is_signed(domain);
        if !signed || kind != TLSA || !exists(&domain) {
            return Found::code(NXDOMAIN, signed);
        }
        let mut data = vec![3, 1, 1];
        data.extend_from_slice(spki);
        return Found {
            records: vec![(TLSA, data)],
            signed,
            code: 0,
        };
    }
    match world::host_of(name) {
        Some(host) if kind == A => Found {
            records: addresses(host),
            ..Found::default()
        },
        Some(_) => Found::nothing(false),
        None => Found::code(NXDOMAIN, false),
    }
}

fn of_domain(domain: u64, kind: u16, signed: bool) -> Found {
    let taker = world::taker(domain);
    let records = match kind {
        MX if taker == Taker::Nobody => vec![(MX, vec![0, 0, 0])],
        MX => world::hosts_of(taker, domain)
            .into_iter()
            .enumerate()
            .map(|(place, host)| {
                let mut data = vec![0, u8::try_from(place * 10 + 10).unwrap_or(0xff)];
                data.extend(wire(&world::host_name(host)));
                (MX, data)
            })
            .collect(),
        _ => Vec::new(),
    };
    Found {
        records,
        signed,
        code: 0,
    }
}

fn addresses(host: Host) -> Vec<(u16, Vec<u8>)> {
    world::addresses_of(host)
        .into_iter()
        .map(|ip| (A, ip.octets().to_vec()))
        .collect()
}
