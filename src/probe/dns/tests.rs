//! Each test is a resolver on loopback that answers as told.
#![allow(clippy::unwrap_used)]

use super::client::MOST_ALIASES;
use super::message::absolute;
use super::*;
use crate::failure::Kind;
use crate::probe::net::Clock;
use crate::probe::options::DnssecTrust;
use hickory_proto::op::{Message, OpCode, Query};
use hickory_proto::rr::rdata::{A, CNAME, SOA};
use hickory_proto::rr::{Name, Record, RecordType};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

type Reply = dyn Fn(&Message, Message) -> Message + Send + Sync;

pub struct Resolver {
    pub address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

/// Answers over UDP and TCP on one port. Over UDP an answer of more than 512
/// octets is cut.
pub async fn resolver(
    reply: impl Fn(&str, RecordType, Message) -> Message + Send + Sync + 'static,
) -> Resolver {
    serve(Arc::new(move |question: &Message, message| {
        let query = &question.queries[0];
        reply(&presentation(query.name()), query.query_type(), message)
    }))
    .await
}

/// The same, told whether the question disclaims the check.
async fn resolver_with_flags(
    reply: impl Fn(&str, bool, Message) -> Message + Send + Sync + 'static,
) -> Resolver {
    serve(Arc::new(move |question: &Message, message| {
        let name = presentation(question.queries[0].name());
        reply(&name, question.metadata.checking_disabled, message)
    }))
    .await
}

async fn serve(reply: Arc<Reply>) -> Resolver {
    let asked = Arc::new(AtomicUsize::new(0));
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    let count = Arc::clone(&asked);
    let answer = move |octets: &[u8]| {
        count.fetch_add(1, Ordering::SeqCst);
        let question = Message::from_vec(octets).unwrap();
        let query = question.queries[0].clone();
        let mut message = Message::response(question.metadata.id, OpCode::Query);
        message.add_query(query);
        reply(&question, message)
    };
    let over_tcp = answer.clone();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
            let message = answer(&buffer[..length]);
            let mut octets = message.to_vec().unwrap();
            if octets.len() > 512 {
                octets = message.truncate().to_vec().unwrap();
            }
            udp.send_to(&octets, from).await.unwrap();
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let length = stream.read_u16().await.unwrap();
            let mut buffer = vec![0; length.into()];
            stream.read_exact(&mut buffer).await.unwrap();
            let octets = over_tcp(&buffer).to_vec().unwrap();
            stream
                .write_u16(u16::try_from(octets.len()).unwrap())
                .await
                .unwrap();
            stream.write_all(&octets).await.unwrap();
        }
    });
    Resolver { address, asked }
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn a(owner: &str, last: u8) -> Record {
    Record::from_rdata(name(owner), 300, RData::A(A::new(192, 0, 2, last)))
}

fn alias(owner: &str, target: &str) -> Record {
    Record::from_rdata(name(owner), 300, RData::CNAME(CNAME(name(target))))
}

fn asking(servers: &[SocketAddr]) -> Dns {
    Dns::new(settings(servers))
}

fn trusting(server: SocketAddr, trust: DnssecTrust) -> Dns {
    Dns::new(Settings {
        trust,
        ..settings(&[server])
    })
}

fn settings(servers: &[SocketAddr]) -> Settings {
    let servers = servers.iter().copied().map(super::Resolver::from).collect();
    Settings::new(servers, Clock::compressed(10), Duration::from_secs(20))
}

#[tokio::test]
async fn an_answer_is_kept_and_not_asked_for_twice() {
    let resolver = resolver(|_, _, mut message| {
        message.add_answer(a("mx.example.", 1));
        message.metadata.authentic_data = true;
        message
    })
    .await;
    let dns = trusting(resolver.address, DnssecTrust::Ad);
    let answer = dns.ask("mx.example", RecordType::A).await.unwrap();
    assert_eq!(answer.records, [RData::A(A::new(192, 0, 2, 1))]);
    assert_eq!(answer.dnssec, Dnssec::Secure);
    assert_eq!(dns.ask("MX.example", RecordType::A).await.unwrap(), answer);
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_question_asked_by_many_at_once_is_asked_once() {
    let resolver = resolver(|_, _, mut message| {
        message.add_answer(a("mx.example.", 1));
        message
    })
    .await;
    let dns = asking(&[resolver.address]);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let dns = dns.clone();
        tasks.spawn(async move { dns.ask("mx.example", RecordType::A).await.unwrap() });
    }
    while let Some(answer) = tasks.join_next().await {
        assert_eq!(answer.unwrap().records.len(), 1);
    }
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_no_is_kept_as_long_as_its_soa_record_allows() {
    for (what, ttl, minimum, asked) in [
        ("the last field", 3600, 20, 2),
        ("the record's own TTL", 20, 3600, 2),
        ("both long", 3600, 3600, 1),
    ] {
        let resolver = resolver(move |_, _, mut message| {
            let soa = SOA::new(name("ns.example."), name("h.example."), 1, 2, 3, 4, minimum);
            let soa = Record::from_rdata(name("example."), ttl, RData::SOA(soa));
            message.add_authority(soa);
            message
        })
        .await;
        let clock = Clock::compressed(1000);
        let dns = Dns::new(Settings {
            clock,
            ..settings(&[resolver.address])
        });
        for _ in 0..2 {
            let answer = dns.ask("mx.example", RecordType::TLSA).await.unwrap();
            assert!(answer.records.is_empty());
            clock.sleep(Duration::from_secs(100)).await;
        }
        assert_eq!(resolver.asked.load(Ordering::SeqCst), asked, "{what}");
    }
}

#[tokio::test]
async fn a_resolver_that_is_not_there_is_named_as_that() {
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let gone = closed.local_addr().unwrap();
    drop(closed);
    let failure = asking(&[gone]).ask("mx.example", RecordType::A).await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind, Kind::ResolverUnreachable);
    assert!(failure.detail.os_error.is_some());
    assert!(failure.message.contains(&gone.to_string()));
}

#[tokio::test]
async fn no_such_name_and_no_such_record_are_answers() {
    let resolver = resolver(|name, _, mut message| {
        if name.starts_with("nx") {
            message.metadata.response_code = ResponseCode::NXDomain;
        }
        message
    })
    .await;
    let dns = asking(&[resolver.address]);
    assert!(
        dns.ask("nx.example", RecordType::A)
            .await
            .unwrap()
            .is_nxdomain()
    );
    let none = dns.ask("empty.example", RecordType::A).await.unwrap();
    assert!(!none.is_nxdomain() && none.records.is_empty());
}

#[tokio::test]
async fn servfail_and_refusal_keep_their_code() {
    let resolver = resolver(|name, _, mut message| {
        message.metadata.response_code = if name.starts_with("refused") {
            ResponseCode::Refused
        } else {
            ResponseCode::ServFail
        };
        message
    })
    .await;
    let dns = asking(&[resolver.address]);
    for (name, kind, rcode) in [
        ("bad.example", Kind::Servfail, "SERVFAIL"),
        ("refused.example", Kind::DnsRefused, "REFUSED"),
    ] {
        let failure = dns.ask(name, RecordType::MX).await.unwrap_err();
        assert_eq!(failure.kind, kind);
        assert_eq!(failure.detail.rcode.as_deref(), Some(rcode));
    }
}

#[tokio::test]
async fn mx1_aliases_are_followed_and_kept() {
    // One resolver gives the chain whole, as recursive ones do; one gives a
    // link at a time.
    let whole = resolver(|_, _, mut message| {
        message.add_answer(a("c.example.", 3));
        message.add_answer(alias("b.example.", "C.example."));
        message.add_answer(alias("a.example.", "b.example."));
        message
    })
    .await;
    let piecemeal = resolver(|name, _, mut message| {
        match name {
            "a.example" => message.add_answer(alias("a.example.", "b.example.")),
            "b.example" => message.add_answer(alias("b.example.", "c.example.")),
            _ => message.add_answer(a("c.example.", 3)),
        };
        message
    })
    .await;
    for resolver in [whole, piecemeal] {
        let dns = asking(&[resolver.address]);
        let answer = dns.ask("a.example", RecordType::A).await.unwrap();
        assert_eq!(answer.aliases, ["b.example", "c.example"]);
        assert_eq!(answer.records.len(), 1);
    }
}

#[tokio::test]
async fn aliases_that_circle_or_never_end_are_given_up() {
    let circle = resolver(|_, _, mut message| {
        message.add_answer(alias("a.example.", "b.example."));
        message.add_answer(alias("b.example.", "a.example."));
        message
    })
    .await;
    let endless = resolver(|name, _, mut message| {
        let next = format!("x{}.", name.len());
        message.add_answer(alias(&format!("{name}."), &format!("{name}{next}")));
        message
    })
    .await;
    for resolver in [circle, endless] {
        let dns = asking(&[resolver.address]);
        let failure = dns.ask("a.example", RecordType::A).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Servfail);
        assert!(resolver.asked.load(Ordering::SeqCst) <= MOST_ALIASES + 1);
    }
}

#[tokio::test]
async fn an_answer_cut_short_is_fetched_over_tcp() {
    let resolver = resolver(|_, _, mut message| {
        for last in 0..100 {
            message.add_answer(a("many.example.", last));
        }
        message
    })
    .await;
    let dns = asking(&[resolver.address]);
    let answer = dns.ask("many.example", RecordType::A).await.unwrap();
    assert_eq!(answer.records.len(), 100);
}

#[tokio::test]
async fn a_silent_resolver_is_passed_over_for_the_next() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let gone = closed.local_addr().unwrap();
    drop(closed);
    let good = resolver(|_, _, mut message| {
        message.add_answer(a("mx.example.", 1));
        message
    })
    .await;
    let dns = asking(&[gone, silent.local_addr().unwrap(), good.address]);
    assert!(dns.ask("mx.example", RecordType::A).await.is_ok());
}

#[tokio::test]
async fn silence_everywhere_is_a_timeout_within_the_bound() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let clock = Clock::compressed(100);
    let dns = Dns::new(Settings {
        clock,
        ..settings(&[silent.local_addr().unwrap(); 3])
    });
    let began = clock.moment();
    let failure = dns.ask("mx.example", RecordType::A).await.unwrap_err();
    assert_eq!(failure.kind, Kind::DnsTimeout);
    assert!(failure.detail.waited.unwrap() >= Duration::from_secs(19));
    assert!(clock.since(began) < Duration::from_secs(60));
}

#[tokio::test]
async fn a_forged_answer_is_passed_over() {
    let resolver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = resolver.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        let (length, from) = resolver.recv_from(&mut buffer).await.unwrap();
        let question = Message::from_vec(&buffer[..length]).unwrap();
        let mut answer = Message::response(question.metadata.id, OpCode::Query);
        answer.add_query(question.queries[0].clone());
        answer.add_answer(a("mx.example.", 1));
        let mut forged = answer.clone();
        forged.metadata.id ^= 1;
        let mut other = answer.clone();
        other.queries = vec![Query::query(name("other.example."), RecordType::A)];
        for message in [&forged, &other, &answer] {
            let octets = message.to_vec().unwrap();
            resolver.send_to(&octets, from).await.unwrap();
        }
    });
    let answer = asking(&[address]).ask("mx.example", RecordType::A).await;
    assert_eq!(answer.unwrap().records, [RData::A(A::new(192, 0, 2, 1))]);
}

#[tokio::test]
async fn names_no_query_can_carry_are_told_without_asking() {
    let dns = asking(&["127.0.0.1:9".parse().unwrap()]);
    for name in ["a..b", &"a".repeat(70)] {
        let failure = dns.ask(name, RecordType::A).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Nxdomain, "{name}");
    }
}

#[test]
fn odd_names_come_back_as_they_were_written() {
    for text in ["mx.example", "_smtp._tcp.example", "xn--bcher-kva.example"] {
        assert_eq!(presentation(&absolute(text).unwrap()), text);
    }
    for octets in [&b"a.b"[..], b"a b", b"\xff\x00", b"*", b"\\", b"a;b"] {
        let name = Name::from_labels([octets, b"example"]).unwrap();
        let text = presentation(&name);
        assert!(
            text.is_ascii() && !text.contains(|c: char| c.is_control()),
            "{text:?}"
        );
        assert_eq!(absolute(&text), Some(name.to_lowercase()), "{text:?}");
    }
}

/// A resolver that behaves as told for each kind of name it is tested with.
async fn tested(reply: fn(&str, bool, &mut Message)) -> Option<bool> {
    let resolver = resolver_with_flags(move |name, unchecked, mut message| {
        reply(name, unchecked, &mut message);
        message
    })
    .await;
    let dns = trusting(resolver.address, DnssecTrust::Auto);
    dns.facts().await.validates
}

/// What a validating resolver answers.
fn validating(name: &str, unchecked: bool, message: &mut Message) {
    message.metadata.response_code = match name {
        "starttrace-test.in-addr.arpa" | "starttrace-test.ip6.arpa" => ResponseCode::NXDomain,
        "dnssec-failed.org" | "rhybar.cz" if !unchecked => ResponseCode::ServFail,
        _ => ResponseCode::NoError,
    };
    message.metadata.authentic_data = name.ends_with(".arpa");
}

#[tokio::test]
async fn d2_a_resolver_is_believed_only_where_it_behaves_as_one_that_validates() {
    assert_eq!(tested(validating).await, Some(true));
    let sets_the_bit_always: fn(&str, bool, &mut Message) = |name, unchecked, message| {
        validating(name, unchecked, message);
        message.metadata.authentic_data = true;
    };
    let never: fn(&str, bool, &mut Message) = |name, unchecked, message| {
        validating(name, unchecked, message);
        message.metadata.authentic_data = false;
    };
    let delivers_what_is_bogus: fn(&str, bool, &mut Message) = |name, unchecked, message| {
        validating(name, unchecked, message);
        if message.metadata.response_code == ResponseCode::ServFail {
            message.metadata.response_code = ResponseCode::NoError;
        }
    };
    let withholds_it_always: fn(&str, bool, &mut Message) = |name, _, message| {
        validating(name, false, message);
    };
    let drops_the_bit_of_denials: fn(&str, bool, &mut Message) = |name, unchecked, message| {
        validating(name, unchecked, message);
        message.metadata.authentic_data &= message.metadata.response_code != ResponseCode::NXDomain;
    };
    for faulty in [
        sets_the_bit_always,
        never,
        delivers_what_is_bogus,
        withholds_it_always,
        drops_the_bit_of_denials,
    ] {
        assert_eq!(tested(faulty).await, Some(false));
    }
}

#[tokio::test]
async fn d27_bogus_is_said_only_of_what_the_resolver_has_and_withholds_twice() {
    for (what, times, kind) in [
        ("withheld for good", usize::MAX, Kind::DnssecBogus),
        ("a passing trouble", 1, Kind::Servfail),
    ] {
        let failed = AtomicUsize::new(0);
        let resolver = resolver_with_flags(move |_, unchecked, mut message| {
            if !unchecked && failed.fetch_add(1, Ordering::SeqCst) < times {
                message.metadata.response_code = ResponseCode::ServFail;
            }
            message
        })
        .await;
        let dns = trusting(resolver.address, DnssecTrust::Ad);
        match dns.ask("partner.example", RecordType::MX).await {
            Err(failure) => assert_eq!(failure.kind, kind, "{what}"),
            Ok(_) => assert_eq!(kind, Kind::Servfail, "{what}"),
        }
    }
}

#[tokio::test]
async fn a_test_that_shows_nothing_says_why() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let gone = closed.local_addr().unwrap();
    drop(closed);
    for (address, why) in [
        (
            silent.local_addr().unwrap(),
            "did not answer for in-addr.arpa",
        ),
        (gone, "cannot be asked"),
    ] {
        let facts = trusting(address, DnssecTrust::Auto).facts().await;
        assert_eq!(facts.validates, None);
        let because = facts.because.unwrap();
        assert!(because.contains(why), "{because}");
    }
}
