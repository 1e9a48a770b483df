#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use super::flight::{Alert, Flight, FlightError, MAX_FLIGHT, ServerFlight, ServerKey, Step};
use super::ladder::Enumeration;
use super::*;
use proptest::prelude::*;

const RANDOM: [u8; 32] = [7; 32];

fn host() -> HostName {
    HostName::parse("mx.example").unwrap()
}

/// A server of our own TLS stack, in memory.
fn server(
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> (rustls::ServerConnection, Vec<u8>) {
    let key = rcgen::generate_simple_self_signed(vec!["mx.example".into()]).unwrap();
    let der = key.cert.der().clone();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![der.clone()],
            rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap(),
        )
        .unwrap();
    (
        rustls::ServerConnection::new(Arc::new(config)).unwrap(),
        der.to_vec(),
    )
}

fn ask(mut server: rustls::ServerConnection, hello: &ClientHello) -> Vec<u8> {
    server.read_tls(&mut hello.to_octets().as_slice()).unwrap();
    let _ = server.process_new_packets();
    let mut answer = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut answer).unwrap();
    }
    answer
}

fn read(octets: &[u8]) -> (Result<Step, FlightError>, ServerFlight) {
    let mut flight = Flight::default();
    let result = flight.push(octets);
    (result, flight.into_seen())
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 3, 1];
    out.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    out.extend(body);
    out
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
    out.extend(body);
    out
}

fn server_hello(version: u16, suite: u16) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([1; 32]);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(0);
    message(2, &body)
}

/// SSL 3.0 and export-grade servers are gone from every library here: their
/// answer, in octets.
fn legacy_answer(version: u16, suite: u16, key: Option<&[u8]>) -> Vec<u8> {
    let mut all = server_hello(version, suite);
    let certificate = [0, 0, 6, 0, 0, 3, 0x30, 1, 0];
    all.extend(message(11, &certificate));
    if let Some(key) = key {
        all.extend(message(12, key));
    }
    all.extend(message(13, &[1, 1, 0, 0]));
    all.extend(message(14, &[]));
    all
}

fn prime(octets: usize) -> Vec<u8> {
    let mut key = u16::try_from(octets).unwrap().to_be_bytes().to_vec();
    key.resize(2 + octets, 0xff);
    key.extend([0, 1, 2, 0, 1, 4]);
    key
}

#[test]
fn l5_a_tls_12_server_answers_a_hello_made_by_hand() {
    let (server, der) = server(&[&rustls::version::TLS12]);
    let hello = ClientHello::new(TlsVersion::Tls12, RANDOM).server_name(&host());
    let (result, seen) = read(&ask(server, &hello));
    assert_eq!(result, Ok(Step::Done));
    let chosen = seen.hello.unwrap();
    assert_eq!(chosen.version, Some(TlsVersion::Tls12));
    assert!(
        Suite::of(chosen.suite)
            .unwrap()
            .name
            .starts_with("TLS_ECDHE_ECDSA_")
    );
    assert_eq!(seen.certificates, [der]);
    assert!(matches!(seen.key, Some(ServerKey::Curve { group }) if group_name(group).is_some()));
    assert_eq!(chosen.speaks_also, None);
}

#[test]
fn l5_a_server_asked_for_less_says_that_it_can_do_more() {
    let (server, _) = server(&[&rustls::version::TLS12, &rustls::version::TLS13]);
    let (_, seen) = read(&ask(server, &ClientHello::new(TlsVersion::Tls12, RANDOM)));
    assert_eq!(seen.hello.unwrap().speaks_also, Some(TlsVersion::Tls13));
}

#[test]
fn l5_a_tls_13_server_names_its_group_without_a_key_being_made() {
    for (groups, group) in [
        (CLASSICAL_GROUPS, None),
        (POST_QUANTUM_GROUPS, None),
        (&[0x0018][..], Some("secp384r1")),
    ] {
        let (server, _) = server(&[&rustls::version::TLS13]);
        let hello = ClientHello::new(TlsVersion::Tls13, RANDOM)
            .server_name(&host())
            .groups(groups);
        let (result, seen) = read(&ask(server, &hello));
        assert_eq!(result, Ok(Step::Done));
        let chosen = seen.hello.unwrap();
        assert_eq!(chosen.version, Some(TlsVersion::Tls13));
        assert!(chosen.retry);
        let name = group_name(chosen.group.unwrap()).unwrap();
        assert!(group.is_none_or(|group| group == name), "{name}");
        assert!(Suite::of(chosen.suite).unwrap().is_ours());
    }
}

#[test]
fn l5_the_alert_is_told_where_nothing_fits() {
    let (server, _) = server(&[&rustls::version::TLS13]);
    for version in [TlsVersion::Ssl3, TlsVersion::Tls10, TlsVersion::Tls12] {
        let (server, _) = self::server(&[&rustls::version::TLS13]);
        let (_, seen) = read(&ask(server, &ClientHello::new(version, RANDOM)));
        assert_eq!(seen.hello, None);
        assert_eq!(seen.alerts.len(), 1);
        assert!(seen.alerts[0].fatal && seen.alerts[0].name().is_some());
    }
    drop(server);
}

#[test]
fn l1_l2_the_name_is_the_hosts_and_never_an_address() {
    let parsed = |hello: &ClientHello| {
        let mut acceptor = rustls::server::Acceptor::default();
        acceptor
            .read_tls(&mut hello.to_octets().as_slice())
            .unwrap();
        let accepted = acceptor.accept().unwrap().unwrap();
        let client = accepted.client_hello();
        (
            client.server_name().map(str::to_owned),
            client.cipher_suites().len(),
        )
    };
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let hello = ClientHello::new(version, RANDOM);
        assert_eq!(parsed(&hello).0, None);
        let named = hello.server_name(&host());
        assert_eq!(parsed(&named).0.as_deref(), Some("mx.example"));
        let address = named.server_name(&HostName::from_dns("192.0.2.1"));
        assert_eq!(parsed(&address).0, None);
        let few = address.suites(&[0xc02f]);
        assert!(parsed(&few).1 <= 2);
    }
}

#[test]
fn hellos_have_the_shape_of_their_version() {
    for (version, record, body) in [
        (TlsVersion::Ssl3, [3, 0], [3, 0]),
        (TlsVersion::Tls10, [3, 1], [3, 1]),
        (TlsVersion::Tls11, [3, 1], [3, 2]),
        (TlsVersion::Tls12, [3, 1], [3, 3]),
        (TlsVersion::Tls13, [3, 1], [3, 3]),
    ] {
        let octets = ClientHello::new(version, RANDOM)
            .server_name(&host())
            .to_octets();
        assert_eq!(octets[0], 22);
        assert_eq!(octets[1..3], record, "{version:?}");
        assert_eq!(octets[9..11], body, "{version:?}");
        let length = usize::from(u16::from_be_bytes([octets[3], octets[4]]));
        assert_eq!(length + 5, octets.len());
        // RFC 7685: no length that makes some servers hang.
        assert!(
            version == TlsVersion::Ssl3 || !(256..512).contains(&length),
            "{length}"
        );
        let holds_name = octets.windows(10).any(|window| window == b"mx.example");
        assert_eq!(holds_name, version != TlsVersion::Ssl3);
    }
    // RFC 5246: suites of TLS 1.2 belong to no earlier hello.
    let old = suites_for(TlsVersion::Tls11);
    assert!(old.contains(&0x0005) && old.contains(&0x000a) && !old.contains(&0x009c));
    let tls12 = suites_for(TlsVersion::Tls12);
    // ECDHE and AEAD, DHE and CBC, RSA, RC4, anonymous, export, nothing at all.
    let best_first = [0xc030, 0x0033, 0x0035, 0x0005, 0xc018, 0x0003, 0x0002];
    let places = best_first.map(|code| tls12.iter().position(|&suite| suite == code).unwrap());
    assert!(places.is_sorted(), "{places:?}");
    assert!(tls12.contains(&0x009c));
    assert!(
        suites_for(TlsVersion::Tls13)
            .iter()
            .all(|suite| suite >> 8 == 0x13)
    );
    // A share as large as ML-KEM's is carried whole.
    let large = ClientHello::new(TlsVersion::Tls13, RANDOM).key_share(0x11ec, vec![9; 1216]);
    assert!(large.to_octets().len() > 1216 + 150);
    assert!(is_post_quantum(0x11ec) && !is_post_quantum(0x001d));
}

#[test]
fn l4_l5_servers_that_no_modern_stack_talks_to_are_read() {
    for (version, suite, key, expected) in [
        (0x0300, 0x0005, None, None),
        (0x0301, 0x000a, None, None),
        (
            0x0301,
            0x0003,
            Some(prime(64)),
            Some(ServerKey::Rsa { bits: 512 }),
        ),
        (
            0x0302,
            0x0033,
            Some(prime(128)),
            Some(ServerKey::Dh { bits: 1024 }),
        ),
        (
            0x0303,
            0x009f,
            Some(prime(256)),
            Some(ServerKey::Dh { bits: 2048 }),
        ),
        (
            0x0303,
            0xc013,
            Some(vec![3, 0, 0x17, 1, 4]),
            Some(ServerKey::Curve { group: 0x17 }),
        ),
        (
            0x0303,
            0xc013,
            Some(vec![1, 0]),
            Some(ServerKey::ExplicitCurve),
        ),
        // Cut short: nothing is told of the key, the rest is.
        (0x0303, 0x0033, Some(vec![1, 0, 1]), None),
    ] {
        let answer = record(22, &legacy_answer(version, suite, key.as_deref()));
        let (result, seen) = read(&answer);
        assert_eq!(result, Ok(Step::Done));
        let hello = seen.hello.unwrap();
        assert_eq!((hello.version_number, hello.suite), (version, suite));
        assert_eq!(seen.key, expected);
        assert_eq!(seen.certificates, [[0x30, 1, 0]]);
        assert!(seen.client_certificate_requested);
    }
    // Anonymous: no certificate.
    let mut anonymous = server_hello(0x0301, 0x0034);
    anonymous.extend(message(12, &prime(96)));
    anonymous.extend(message(14, &[]));
    let (_, seen) = read(&record(22, &anonymous));
    assert_eq!(seen.certificates, Vec::<Vec<u8>>::new());
    assert_eq!(seen.key, Some(ServerKey::Dh { bits: 768 }));
    assert!(Suite::of(0x0034).unwrap().is_anonymous());
}

#[test]
fn s8_it_does_not_matter_how_the_answer_is_cut() {
    let all = legacy_answer(0x0302, 0x0033, Some(&prime(128)));
    let whole = read(&record(22, &all));
    for fragment in [1, 3, 7, 100] {
        let records: Vec<u8> = all
            .chunks(fragment)
            .flat_map(|part| record(22, part))
            .collect();
        for piece in [1, 2, 5, 1_000] {
            let mut flight = Flight::default();
            let mut last = Ok(Step::More);
            for part in records.chunks(piece) {
                last = flight.push(part);
            }
            assert_eq!((last, flight.into_seen()), whole, "{fragment} {piece}");
        }
    }
}

#[test]
fn t14_an_answer_that_is_not_tls_is_told_from_the_first_octet() {
    for octets in [&b"4"[..], b"220 ready", b"\x16\x02", b"\x80\x2e", b"<html>"] {
        assert_eq!(read(octets).0, Err(FlightError::NotTls));
    }
    // Not while it could still be TLS.
    assert_eq!(read(&[0x16]).0, Ok(Step::More));
}

#[test]
fn alerts_end_the_answer_or_not() {
    let warning = record(21, &[1, 112]);
    let mut then_hello = warning.clone();
    then_hello.extend(record(22, &legacy_answer(0x0303, 0x002f, None)));
    let (result, seen) = read(&then_hello);
    assert_eq!(result, Ok(Step::Done));
    assert_eq!(
        seen.alerts,
        [Alert {
            fatal: false,
            code: 112
        }]
    );
    assert!(seen.hello.is_some());
    for (body, result) in [
        (&[2, 40][..], Ok(Step::Done)),
        (&[1, 0], Ok(Step::Done)),
        (&[1, 90], Ok(Step::More)),
        (&[2], Err(FlightError::Malformed("an alert"))),
    ] {
        assert_eq!(read(&record(21, body)).0, result);
    }
    assert_eq!(
        Alert {
            fatal: true,
            code: 70
        }
        .name(),
        Some("protocol_version")
    );
}

#[test]
fn hostile_answers_are_bounded() {
    assert_eq!(
        read(&[22, 3, 3, 0xff, 0xff]).0,
        Err(FlightError::RecordTooLong(0xffff))
    );
    // A message that claims 16 MB.
    assert_eq!(
        read(&record(22, &[2, 0xff, 0xff, 0xff])).0,
        Err(FlightError::FlightTooLong)
    );
    // Empty records, and warnings, without end.
    for endless in [record(22, &[]), record(21, &[1, 90])] {
        let mut flight = Flight::default();
        let mut result = Ok(Step::More);
        let mut pushed = 0;
        while result == Ok(Step::More) {
            result = flight.push(&endless);
            pushed += endless.len();
            assert!(pushed <= MAX_FLIGHT + endless.len());
        }
        assert_eq!(result, Err(FlightError::FlightTooLong));
        assert_eq!(flight.push(b"more"), result);
    }
    // A certificate list that claims more than there is: what there is stays.
    let mut cut = server_hello(0x0303, 0x002f);
    cut.extend(message(11, &[0, 0, 9, 0, 0, 2, 1, 2, 0, 0, 9, 1]));
    let (result, seen) = read(&record(22, &cut));
    assert_eq!(
        result,
        Err(FlightError::Malformed("the Certificate message"))
    );
    assert_eq!(seen.certificates, [[1, 2]]);
    assert!(seen.hello.is_some());
    // Twice the hello.
    let twice = [server_hello(0x0303, 0x002f), server_hello(0x0303, 0x0005)].concat();
    let (result, seen) = read(&record(22, &twice));
    assert_eq!(result, Err(FlightError::Unexpected("a second ServerHello")));
    assert_eq!(seen.hello.unwrap().suite, 0x002f);
}

#[test]
fn every_suite_is_asked_for_in_turn_and_no_server_keeps_us_for_ever() {
    // In the order the hellos offer them.
    let accepts = [0x009f, 0x0035, 0x000a];
    let mut enumeration = Enumeration::new(TlsVersion::Tls12);
    let mut connections = 0;
    while let Some(hello) = enumeration.next(RANDOM) {
        connections += 1;
        let chosen = accepts.iter().find(|suite| hello.suites.contains(suite));
        let answer = match chosen {
            Some(&suite) => record(22, &legacy_answer(0x0303, suite, None)),
            None => record(21, &[2, 40]),
        };
        enumeration.answered(&read(&answer).1);
    }
    assert_eq!(enumeration.accepted(), accepts);
    assert_eq!(connections, accepts.len() + 1);
    // A server that picks what was not offered.
    let mut enumeration = Enumeration::new(TlsVersion::Tls12);
    for _ in 0..2 {
        enumeration.answered(&read(&record(22, &legacy_answer(0x0303, 0x0035, None))).1);
    }
    assert_eq!(enumeration.next(RANDOM), None);
    assert_eq!(enumeration.accepted(), [0x0035]);
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut flight = Flight::default();
        for part in octets.chunks(7) {
            let _ = flight.push(part);
        }
    }

    #[test]
    fn no_change_to_an_answer_makes_it_panic(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        suite in any::<prop::sample::Index>(),
    ) {
        let suite = SUITES[suite.index(SUITES.len())].code;
        let mut answer = record(22, &legacy_answer(0x0303, suite, Some(&prime(16))));
        let at = at.index(answer.len());
        answer[at] = value;
        let _ = read(&answer);
    }

    #[test]
    fn no_handshake_message_makes_it_panic(
        kind in 0_u8..25,
        body in proptest::collection::vec(any::<u8>(), 0..200),
        first in any::<bool>(),
    ) {
        let mut all = if first { server_hello(0x0303, 0x0033) } else { Vec::new() };
        all.extend(message(kind, &body));
        let _ = read(&record(22, &all));
    }
}
