//! The name server, over UDP and TCP: reads one question, computes the answer.
//!
//! It answers as a resolver does, so the names a resolver is tested with are
//! there too. Over UDP the round trip is a queue: what comes is answered so much
//! later.
//!
//! By rooms: `reply` reads questions and writes answers, `find` knows what there
//! is of a name, `zones` whose name it is and what proves that it is not there,
//! `sign` signs.

mod find;
mod reply;
mod sign;
mod zones;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::Instant;

use crate::world::World;
use reply::answer;
pub use sign::Signer;

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
            let Some(answer) = answer(world, &spki, &buffer[..length], true) else {
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
        let Some(answer) = answer(world, &spki, &question, false) else {
            return Ok(());
        };
        tokio::time::sleep(world.settings.dns_rtt).await;
        let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend_from_slice(&answer);
        stream.write_all(&framed).await?;
    }
}
