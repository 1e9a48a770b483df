//! Each test is a proxy on loopback that says what its script has.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::failure::Fault;
use proptest::prelude::*;
use tokio::net::TcpListener;

const SPEED: u32 = 100;

fn proxy_at(userinfo: &str, address: SocketAddr) -> Proxy {
    let mut proxy = Proxy::parse(&format!("socks5://{userinfo}{address}")).unwrap();
    proxy.find().unwrap();
    proxy
}

/// What a client sends in each turn, and what it is told.
type Turn = (&'static [u8], &'static [u8]);

/// Plays a proxy; an empty answer is silence, and after the last turn it
/// closes.
async fn plays(userinfo: &str, peer: &str, turns: &[Turn]) -> Result<Vec<u8>, Failure> {
    let turns = turns.to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = proxy_at(userinfo, listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for (wanted, answer) in turns {
            let mut heard = vec![0; wanted.len()];
            stream.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard, wanted);
            if answer.is_empty() {
                std::future::pending::<()>().await;
            }
            stream.write_all(answer).await.unwrap();
        }
    });
    let clock = Clock::compressed(SPEED);
    let peer = peer.parse().unwrap();
    let span = Duration::from_secs(60);
    let mut stream = connect(clock, peer, None, Some(&proxy), span).await?;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    Ok(rest)
}

const PEER: &str = "192.0.2.25:25";
const PLAIN: &[u8] = b"\x05\x01\x00";
const BOTH: &[u8] = b"\x05\x02\x00\x02";
const USER: &[u8] = b"\x01\x04user\x06p@ss:d";
const USERINFO: &str = "user:p%40ss:d@";
const ASK: &[u8] = b"\x05\x01\x00\x01\xc0\x00\x02\x19\x00\x19";

#[tokio::test]
async fn a_connection_begins_with_the_first_octet_of_the_server() {
    for (what, userinfo, turns) in [
        (
            "no authentication",
            "",
            &[
                (PLAIN, &b"\x05\x00"[..]),
                (ASK, b"\x05\x00\x00\x01\x0a\x00\x00\x01\x12\x34220 mx\r\n"),
            ][..],
        ),
        (
            "a password",
            USERINFO,
            &[
                (BOTH, b"\x05\x02"),
                (USER, b"\x01\x00"),
                (ASK, b"\x05\x00\x00\x03\x04host\x12\x34220 mx\r\n"),
            ],
        ),
        (
            "a password that is not needed",
            USERINFO,
            &[
                (BOTH, b"\x05\x00"),
                (
                    ASK,
                    b"\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x00220 mx\r\n",
                ),
            ],
        ),
    ] {
        assert_eq!(
            plays(userinfo, PEER, turns).await.unwrap(),
            b"220 mx\r\n",
            "{what}"
        );
    }
}

#[tokio::test]
async fn an_ipv6_address_is_sent_as_one() {
    const ASK6: &[u8] = b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x25\x01\xd1";
    let turns: &[Turn] = &[
        (PLAIN, b"\x05\x00"),
        (ASK6, b"\x05\x00\x00\x01\0\0\0\0\0\0"),
    ];
    assert_eq!(plays("", "[2001:db8::25]:465", turns).await.unwrap(), b"");
}

#[tokio::test]
async fn each_failure_says_whose_it_is() {
    let says = |code: u8| -> &'static [Turn] {
        let answer: &'static [u8] = Box::leak(vec![5, code].into_boxed_slice());
        Box::leak(vec![(PLAIN, &b"\x05\x00"[..]), (ASK, answer)].into_boxed_slice())
    };
    for (what, userinfo, turns, stage, kind) in [
        (
            "general failure",
            "",
            says(1),
            Stage::Proxy,
            Kind::ProxyFailed,
        ),
        ("ruleset", "", says(2), Stage::Proxy, Kind::ProxyRefused),
        (
            "network",
            "",
            says(3),
            Stage::Connect,
            Kind::ConnectUnreachable,
        ),
        (
            "host",
            "",
            says(4),
            Stage::Connect,
            Kind::ConnectUnreachable,
        ),
        ("refused", "", says(5), Stage::Connect, Kind::ConnectRefused),
        ("TTL", "", says(6), Stage::Connect, Kind::ConnectTimeout),
        ("command", "", says(7), Stage::Proxy, Kind::ProxyRefused),
        (
            "address type",
            "",
            says(8),
            Stage::Proxy,
            Kind::ProxyRefused,
        ),
        ("unassigned", "", says(200), Stage::Proxy, Kind::ProxyFailed),
        (
            "no method",
            "",
            &[(PLAIN, &b"\x05\xff"[..])][..],
            Stage::Proxy,
            Kind::ProxyAuthFailed,
        ),
        (
            "wrong password",
            USERINFO,
            &[(BOTH, b"\x05\x02"), (USER, b"\x01\x01")],
            Stage::Proxy,
            Kind::ProxyAuthFailed,
        ),
        (
            "a method not offered",
            "",
            &[(PLAIN, b"\x05\x01")],
            Stage::Proxy,
            Kind::ProxyFailed,
        ),
        (
            "another protocol",
            "",
            &[(PLAIN, b"HTTP/1.1 400 Bad Request\r\n\r\n")],
            Stage::Proxy,
            Kind::ProxyFailed,
        ),
        (
            "closes",
            "",
            &[(PLAIN, b"\x05")],
            Stage::Proxy,
            Kind::ProxyFailed,
        ),
        (
            "closes when asked",
            "",
            &[(PLAIN, b"\x05\x00"), (ASK, b"\x05")],
            Stage::Proxy,
            Kind::ProxyFailed,
        ),
        (
            "garbage for an address",
            "",
            &[(PLAIN, b"\x05\x00"), (ASK, b"\x05\x00\x00\x09")],
            Stage::Proxy,
            Kind::ProxyFailed,
        ),
        (
            "silent",
            "",
            &[(PLAIN, b"")],
            Stage::Proxy,
            Kind::ProxyFailed,
        ),
        (
            "silent when asked",
            "",
            &[(PLAIN, b"\x05\x00"), (ASK, b"")],
            Stage::Connect,
            Kind::ConnectTimeout,
        ),
    ] {
        let failure = plays(userinfo, PEER, turns).await.unwrap_err();
        assert_eq!((failure.stage, failure.kind), (stage, kind), "{what}");
        assert!(
            failure.message.contains("the proxy socks5://127.0.0.1:"),
            "{what}: {}",
            failure.message
        );
        assert!(!failure.message.contains("p@ss"), "{what}");
        assert!(failure.kind.is_transient(), "{what}");
        if stage == Stage::Proxy {
            assert_eq!(failure.kind.fault(), Fault::Here, "{what}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_no_word_about_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = proxy_at("", listener.local_addr().unwrap());
    drop(listener);
    let clock = Clock::compressed(SPEED);
    let span = Duration::from_secs(60);
    let failed = connect(clock, PEER.parse().unwrap(), None, Some(&proxy), span).await;
    let failure = failed.unwrap_err();
    assert_eq!(
        (failure.stage, failure.kind),
        (Stage::Proxy, Kind::ProxyUnreachable)
    );
    assert!(failure.detail.os_error.is_some());
    // A source of the other family reaches no proxy either.
    let source = Some("::1".parse().unwrap());
    let failed = connect(clock, PEER.parse().unwrap(), source, Some(&proxy), span).await;
    assert_eq!(failed.unwrap_err().kind, Kind::ProxyUnreachable);
}

#[test]
fn a_proxy_is_read_in_every_form_and_shows_no_password() {
    for (text, shown) in [
        ("socks5://127.0.0.1:9050", "socks5://127.0.0.1:9050"),
        (
            "SOCKS5://proxy.example:1080/",
            "socks5://proxy.example:1080",
        ),
        ("socks5://[::1]:9050", "socks5://[::1]:9050"),
        ("socks5://proxy.example", "socks5://proxy.example:1080"),
        ("socks5://[::1]", "socks5://[::1]:1080"),
        (
            "socks5://user:secret@proxy.example:1",
            "socks5://proxy.example:1",
        ),
        ("socks5://a:b%40c:d@[::1]:1", "socks5://[::1]:1"),
    ] {
        let proxy = Proxy::parse(text).unwrap();
        assert_eq!(proxy.to_string(), shown);
        assert!(!format!("{proxy:?}").contains("secret"));
    }
    for (text, why) in [
        ("", InvalidProxy::Form),
        ("proxy.example:1080", InvalidProxy::Form),
        ("http://proxy.example:8080", InvalidProxy::Scheme),
        ("socks4://proxy.example:1080", InvalidProxy::Scheme),
        ("socks5h://proxy.example:1080", InvalidProxy::NamesByProxy),
        ("socks5://", InvalidProxy::Host),
        ("socks5://:1080", InvalidProxy::Host),
        ("socks5://pro xy:1080", InvalidProxy::Host),
        ("socks5://proxy.example:1080/path", InvalidProxy::Port),
        ("socks5://[::1", InvalidProxy::Host),
        ("socks5://[127.0.0.1]:1", InvalidProxy::Host),
        ("socks5://[::1]x", InvalidProxy::Port),
        ("socks5://::1:1080", InvalidProxy::Host),
        ("socks5://proxy.example:0", InvalidProxy::Port),
        ("socks5://proxy.example:+1", InvalidProxy::Port),
        ("socks5://proxy.example:65536", InvalidProxy::Port),
        ("socks5://proxy.example:", InvalidProxy::Port),
        ("socks5://user@proxy.example:1", InvalidProxy::Credentials),
        ("socks5://user:@proxy.example:1", InvalidProxy::Credentials),
        (
            "socks5://:secret@proxy.example:1",
            InvalidProxy::Credentials,
        ),
        (
            "socks5://user:%4@proxy.example:1",
            InvalidProxy::Credentials,
        ),
        (
            "socks5://user:%zz@proxy.example:1",
            InvalidProxy::Credentials,
        ),
    ] {
        assert_eq!(Proxy::parse(text).unwrap_err(), why, "{text}");
    }
    let long = format!("socks5://{}:b@proxy.example:1", "a".repeat(256));
    assert_eq!(Proxy::parse(&long).unwrap_err(), InvalidProxy::Credentials);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_or_shows_a_password(text in "socks5://[ -~]{0,40}") {
        if let Ok(proxy) = Proxy::parse(&text) {
            prop_assert!(!proxy.to_string().contains('@'));
        }
    }
}
