//! Each test is a domain on loopback: a resolver, servers, and what a probe
//! of it sees.
#![allow(clippy::unwrap_used)]

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, MX};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::net::TcpListener;

use crate::failure::Kind;
use crate::observed::domain::MxSource;
use crate::probe::dns::Resolver;
use crate::probe::dns::tests::resolver;
use crate::probe::endpoint;
use crate::probe::endpoint::tests::{Does, EHLO, GOOD, GREETING, SPEED, World, serve, world_of};
use crate::probe::net::Clock;
use crate::probe::options::{ControlChoice, DEFAULT_CONTROL, Families, Roots};

const PLAIN: &[Does] = &[
    GREETING,
    Does::Hears,
    Does::Says("250 mx\r\n"),
    Does::Hears,
    Does::Says("221 bye\r\n"),
];
const BROKEN: &[Does] = &[GREETING, Does::Hears, EHLO, Does::Hears, Does::Closes];

/// Records by name: MX hosts, and last octets of addresses in 127.0.0.0/8.
#[derive(Clone, Copy)]
enum Zone {
    Mx(u16, &'static str),
    At(u8),
}
use Zone::*;

async fn dns(zone: &'static [(&'static str, Zone)]) -> SocketAddr {
    resolver(move |name, kind, mut message: Message| {
        let mut known = false;
        for (owner, data) in zone.iter().filter(|(owner, _)| *owner == name) {
            known = true;
            let owner = Name::from_ascii(format!("{owner}.")).unwrap();
            let data = match (data, kind) {
                (Mx(preference, host), RecordType::MX) => {
                    RData::MX(MX::new(*preference, Name::from_ascii(host).unwrap()))
                }
                (At(last), RecordType::A) => RData::A(A::new(127, 0, 0, *last)),
                _ => continue,
            };
            message.add_answer(Record::from_rdata(owner, 300, data));
        }
        if !known {
            message.metadata.response_code = ResponseCode::NXDomain;
        }
        message
    })
    .await
    .address
}

/// A server that plays one script to all who come, and how many came, in all
/// and at once.
struct Server {
    port: u16,
    came: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

async fn server(last: u8, port: u16, world: &World, script: &'static [Does]) -> Server {
    let address = SocketAddr::from(([127, 0, 0, last], port));
    let listener = TcpListener::bind(address).await.unwrap();
    let server = Server {
        port: listener.local_addr().unwrap().port(),
        came: Arc::default(),
        most: Arc::default(),
    };
    let (came, most) = (Arc::clone(&server.came), Arc::clone(&server.most));
    let now = Arc::new(AtomicUsize::new(0));
    let acceptor = world.acceptor();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            came.fetch_add(1, Ordering::SeqCst);
            let at_once = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(at_once, Ordering::SeqCst);
            let (now, acceptor) = (Arc::clone(&now), acceptor.clone());
            tokio::spawn(async move {
                serve(stream, &acceptor, script).await;
                now.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    server
}

fn options(resolver: SocketAddr, port: u16, worlds: &[&World]) -> Options {
    Options {
        resolvers: vec![resolver.into()],
        port,
        clock: Clock::compressed(SPEED),
        roots: Roots {
            system: false,
            ca_files: Vec::new(),
            certificates: worlds.iter().map(|world| world.root.to_vec()).collect(),
        },
        ..Options::default()
    }
}

async fn check(options: Options, domain: &str) -> DomainObservation {
    let domain = DomainName::parse(domain).unwrap();
    let prober = Prober::new(options).unwrap();
    prober.check(domain.as_str(), &domain).await
}

#[tokio::test]
async fn each_address_of_each_host_is_probed_in_order() {
    let world = world_of("mx1.partner.example");
    let good = server(1, 0, &world, GOOD).await;
    let plain = server(2, good.port, &world, PLAIN).await;
    let dns = dns(&[
        ("partner.example", Mx(20, "mx2.partner.example.")),
        ("partner.example", Mx(10, "mx1.partner.example.")),
        ("mx1.partner.example", At(1)),
        ("mx1.partner.example", At(2)),
        ("mx2.partner.example", At(3)),
    ])
    .await;
    let seen = check(options(dns, good.port, &[&world]), "partner.example").await;
    let hosts: Vec<&str> = seen.hosts.iter().map(|host| host.host.as_str()).collect();
    assert_eq!(hosts, ["mx1.partner.example", "mx2.partner.example"]);
    let [first, second] = seen.hosts[0].endpoints.as_slice() else {
        panic!("{:?}", seen.hosts[0].endpoints);
    };
    let handshake = first.handshake.done().unwrap();
    assert!(handshake.pkix.is_done() && handshake.identity.is_done());
    assert_eq!(second.starttls, Attempt::Skipped(Because::NotOffered));
    // Nobody listens on 127.0.0.3.
    let third = &seen.hosts[1].endpoints[0];
    assert_eq!(third.connect.failure().unwrap().kind, Kind::ConnectRefused);
    assert_eq!(seen.connections, 2);
    assert_eq!(
        (
            good.came.load(Ordering::SeqCst),
            plain.came.load(Ordering::SeqCst)
        ),
        (1, 1)
    );
    assert_eq!(seen.client.address, Some("127.0.0.1".parse().unwrap()));
    // The port says that this is no place to ask the Internet about.
    assert_eq!(seen.control, Attempt::Skipped(Because::NotAsked));
}

#[tokio::test]
async fn two_hosts_on_one_address_are_asked_one_after_the_other() {
    let world = world_of("a.partner.example");
    let good = server(1, 0, &world, GOOD).await;
    let dns = dns(&[
        ("partner.example", Mx(10, "a.partner.example.")),
        ("partner.example", Mx(10, "b.partner.example.")),
        ("a.partner.example", At(1)),
        ("b.partner.example", At(1)),
    ])
    .await;
    let seen = check(options(dns, good.port, &[&world]), "partner.example").await;
    let named: Vec<bool> = seen
        .hosts
        .iter()
        .map(|host| {
            let handshake = host.endpoints[0].handshake.done().unwrap();
            handshake.identity.is_done()
        })
        .collect();
    assert_eq!(named, [true, false]);
    assert_eq!(good.came.load(Ordering::SeqCst), 2);
    assert_eq!(good.most.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn e4_the_control_host_is_asked_before_anything_negative_is_said() {
    static ZONE: &[(&str, Zone)] = &[
        ("partner.example", Mx(10, "mx1.partner.example.")),
        ("mx1.partner.example", At(1)),
        ("good.example", Mx(10, "mx.good.example.")),
        ("mx.good.example", At(3)),
        ("control.example", At(2)),
    ];
    for (script, blocked) in [
        (GOOD, None),
        (PLAIN, Some(Kind::Port25Blocked)),
        (BROKEN, Some(Kind::Port25Blocked)),
    ] {
        let partner = world_of("mx1.partner.example");
        let control = world_of("control.example");
        let good = world_of("mx.good.example");
        let plain = server(1, 0, &partner, PLAIN).await;
        let asked = server(2, plain.port, &control, script).await;
        let _fine = server(3, plain.port, &good, GOOD).await;
        let mut options = options(dns(ZONE).await, plain.port, &[&partner, &control, &good]);
        options.control = "control.example".parse().unwrap();
        let prober = Prober::new(options).unwrap();
        // Nothing negative, nobody asked.
        let domain = DomainName::parse("good.example").unwrap();
        let seen = prober.check("good.example", &domain).await;
        assert_eq!(seen.control, Attempt::Skipped(Because::NotAsked));
        assert_eq!(asked.came.load(Ordering::SeqCst), 0);
        // Something negative, and it is asked once for the run.
        let domain = DomainName::parse("partner.example").unwrap();
        for connections in [2, 1] {
            let seen = prober.check("partner.example", &domain).await;
            assert_eq!(seen.control.failure().map(|failure| failure.kind), blocked);
            assert_eq!(seen.control.is_done(), blocked.is_none());
            assert_eq!(seen.connections, connections);
        }
        assert_eq!(asked.came.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_control_host_with_another_name_proves_nothing() {
    let world = world_of("impostor.example");
    let plain = server(1, 0, &world, PLAIN).await;
    let _control = server(2, plain.port, &world, GOOD).await;
    let dns = dns(&[("partner.example", At(1)), ("control.example", At(2))]).await;
    let mut options = options(dns, plain.port, &[&world]);
    options.control = "control.example".parse().unwrap();
    let seen = check(options, "partner.example").await;
    let failure = seen.control.failure().unwrap();
    assert_eq!(failure.kind, Kind::Port25Blocked);
    assert_eq!(failure.detail.presented, ["impostor.example"]);
}

#[tokio::test]
async fn the_control_host_is_asked_too_where_nothing_could_be_reached() {
    let world = world_of("control.example");
    let control = server(2, 0, &world, GOOD).await;
    let dns = dns(&[("partner.example", At(1)), ("control.example", At(2))]).await;
    let mut options = options(dns, control.port, &[&world]);
    options.control = "control.example".parse().unwrap();
    let seen = check(options, "partner.example").await;
    assert!(seen.control.is_done());
    assert_eq!(seen.hosts[0].endpoints[0].connections, 0);
}

#[tokio::test]
async fn mx_without_mail_service_is_told_apart() {
    static ZONE: &[(&str, Zone)] = &[
        ("null.example", Mx(0, ".")),
        ("implicit.example", At(9)),
        ("dangling.example", Mx(10, "nowhere.dangling.example.")),
        ("mute.example", Mx(10, "mute.example.")),
    ];
    let dns = dns(ZONE).await;
    let mut options = options(dns, 9, &[&world_of("x.example")]);
    options.control = ControlChoice::None;
    let prober = Prober::new(options).unwrap();
    let check = async |name: &str| {
        let domain = DomainName::parse(name).unwrap();
        prober.check(name, &domain).await
    };
    let null = check("null.example").await;
    assert_eq!(null.mx.done().unwrap().source, MxSource::NullMx);
    assert!(null.hosts.is_empty());
    let implicit = check("implicit.example").await;
    assert_eq!(implicit.mx.done().unwrap().source, MxSource::Implicit);
    assert_eq!(implicit.hosts[0].endpoints.len(), 1);
    let dangling = check("dangling.example").await;
    assert_eq!(
        dangling.hosts[0].addresses.failure().unwrap().kind,
        Kind::Nxdomain
    );
    let mute = check("mute.example").await;
    assert!(mute.hosts[0].addresses.done().unwrap().list.is_empty());
    let missing = check("missing.example").await;
    assert_eq!(missing.mx.failure().unwrap().kind, Kind::Nxdomain);
}

#[tokio::test]
async fn hosts_that_are_given_are_not_asked_for() {
    let world = world_of("mx.given.example");
    let good = server(1, 0, &world, GOOD).await;
    let dns = dns(&[("mx.given.example", At(1))]).await;
    let mut options = options(dns, good.port, &[&world]);
    options.mx = vec![HostName::parse("mx.given.example").unwrap()];
    let seen = check(options, "nowhere.example").await;
    assert!(seen.hosts[0].endpoints[0].handshake.is_done());
}

#[tokio::test]
async fn one_address_is_probed_by_itself() {
    let world = world_of("mx1.partner.example");
    let good = server(1, 0, &world, GOOD).await;
    let dns = dns(&[]).await;
    let prober = Prober::new(options(dns, good.port, &[&world])).unwrap();
    let address = Some("127.0.0.1".parse().unwrap());
    let seen = prober.check_host(None, address).await;
    assert_eq!(seen.domain.as_str(), "1.0.0.127.in-addr.arpa");
    assert_eq!(seen.hosts[0].host.as_str(), "127.0.0.1");
    let handshake = seen.hosts[0].endpoints[0].handshake.done().unwrap();
    assert!(handshake.pkix.is_done());
    assert!(handshake.identity.failure().is_some());
    let host = HostName::parse("mx1.partner.example").unwrap();
    let seen = prober.check_host(Some(&host), address).await;
    let handshake = seen.hosts[0].endpoints[0].handshake.done().unwrap();
    assert!(handshake.identity.is_done());
    assert_eq!(seen.mx, Attempt::Skipped(Because::NotAsked));
}

#[tokio::test]
async fn only_public_addresses_are_dialled_where_that_is_asked() {
    let world = world_of("mx1.partner.example");
    let good = server(1, 0, &world, GOOD).await;
    let dns = dns(&[("partner.example", At(1))]).await;
    let mut options = options(dns, good.port, &[&world]);
    options.public_only = true;
    let prober = Prober::new(options).unwrap();
    let domain = DomainName::parse("partner.example").unwrap();
    let seen = prober.check("partner.example", &domain).await;
    let mapped = Some("::ffff:127.0.0.1".parse().unwrap());
    let also = prober.check_host(None, mapped).await;
    for seen in [seen, also] {
        let endpoint = &seen.hosts[0].endpoints[0];
        assert_eq!(
            endpoint.connect,
            Attempt::Skipped(Because::AddressNotPublic)
        );
        assert_eq!(seen.connections, 0);
    }
    assert_eq!(good.came.load(Ordering::SeqCst), 0);
}

#[test]
fn a_domain_that_names_this_machine_does_not_get_our_own_server_judged() {
    let prober = Prober::new(Options {
        resolvers: vec![Resolver::parse("127.0.0.1:53").unwrap()],
        ..Options::default()
    })
    .unwrap();
    let record = |name: &str| MxRecord {
        preference: 10,
        host: HostName::from_dns(name),
    };
    let world = |name: &str, address: &str| {
        let mut host = prober.inner.host(&record(name));
        host.addresses = Attempt::Done(Addresses {
            dnssec: Dnssec::Unvalidated,
            list: vec![address.parse().unwrap()],
            partial: None,
        });
        vec![host]
    };
    for (name, address, dialled) in [
        ("mx.partner.example", "127.0.0.1", false),
        ("mx.partner.example", "::1", false),
        ("mx.partner.example", "::ffff:127.0.0.1", false),
        ("mx.partner.example", "0.0.0.0", false),
        ("mx.partner.example", "255.255.255.255", false),
        ("localhost", "192.0.2.1", false),
        ("mx.partner.example", "10.0.0.1", true),
        ("mx.partner.example", "192.0.2.1", true),
    ] {
        let mut hosts = world(name, address);
        let calls = prober
            .inner
            .plan(&mut hosts, None, prober.inner.points_here());
        assert_eq!(!calls.is_empty(), dialled, "{name} {address}");
        assert_eq!(hosts[0].endpoints.len(), 1);
    }
}

#[test]
fn families_and_numbers_are_bounded() {
    let prober = Prober::new(Options {
        resolvers: vec![Resolver::parse("192.0.2.53:53").unwrap()],
        families: Families::V4,
        ..Options::default()
    })
    .unwrap();
    let mut host = prober.inner.host(&MxRecord {
        preference: 0,
        host: HostName::from_dns("mx.partner.example"),
    });
    host.addresses = Attempt::Done(Addresses {
        dnssec: Dnssec::Unvalidated,
        list: std::iter::once("2001:db8::1".parse().unwrap())
            .chain((0..100).map(|n| IpAddr::from([203, 0, 113, n])))
            .collect(),
        partial: None,
    });
    let mut hosts = vec![host];
    let calls = prober.inner.plan(&mut hosts, None, false);
    assert_eq!(calls.len(), MOST_ENDPOINTS);
    let endpoints = &hosts[0].endpoints;
    assert_eq!(endpoints[0].connect, Attempt::Skipped(Because::NotAsked));
    assert_eq!(
        endpoints[100].connect,
        Attempt::Skipped(Because::TooManyEndpoints)
    );
}

#[test]
fn the_default_control_is_none_where_the_probe_points_here() {
    let control = |change: fn(&mut Options), address: &str| {
        let mut options = Options {
            resolvers: vec![Resolver::parse("192.0.2.53:53").unwrap()],
            ..Options::default()
        };
        change(&mut options);
        let prober = Prober::new(options).unwrap();
        let mut host = prober.inner.host(&MxRecord {
            preference: 0,
            host: HostName::from_dns("mx.partner.example"),
        });
        host.endpoints.push(Arc::new(endpoint::skipped(
            address.parse().unwrap(),
            25,
            Because::NotAsked,
        )));
        prober
            .inner
            .control_host(&[host])
            .map(|(host, port)| format!("{host}:{port}"))
    };
    let default = Some(format!("{DEFAULT_CONTROL}:25"));
    assert_eq!(control(|_| {}, "203.0.113.1"), default);
    assert_eq!(control(|_| {}, "127.0.0.1"), None);
    assert_eq!(control(|options| options.port = 2525, "203.0.113.1"), None);
    assert_eq!(
        control(
            |options| options.resolvers = vec![Resolver::parse("127.0.0.1:5353").unwrap()],
            "203.0.113.1"
        ),
        None
    );
    assert_eq!(
        control(
            |options| options.resolvers = vec![Resolver::parse("127.0.0.53:53").unwrap()],
            "203.0.113.1"
        ),
        default
    );
    assert_eq!(
        control(
            |options| options.control = "control.example:2525".parse().unwrap(),
            "127.0.0.1"
        ),
        Some("control.example:2525".into())
    );
    assert_eq!(
        control(
            |options| options.control = ControlChoice::None,
            "203.0.113.1"
        ),
        None
    );
}

#[test]
fn options_that_cannot_be_followed_are_told() {
    let with = |change: &dyn Fn(&mut Options)| {
        let mut options = Options {
            resolvers: vec![Resolver::parse("192.0.2.53:53").unwrap()],
            ..Options::default()
        };
        change(&mut options);
        Prober::new(options).err().map(|error| error.to_string())
    };
    assert_eq!(with(&|_| {}), None);
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    let broken = folder.path().join("broken.pem");
    std::fs::write(
        &broken,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    for path in [folder.path().join("missing.pem"), empty, broken] {
        let error = with(&|options| options.roots.ca_files = vec![path.clone()]).unwrap();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
    for name in ["", "two words", "a\r\nQUIT", "bücher.example"] {
        assert!(with(&|options| options.ehlo = Some(name.into())).is_some());
    }
    assert!(with(&|options| options.roots.system = false).is_some());
    // 192.0.2.0/24 is nobody's (RFC 5737).
    let source = Some("192.0.2.77".parse().unwrap());
    assert!(with(&|options| options.source = source).is_some());
    assert!(
        with(&|options| {
            options.source = Some("127.0.0.1".parse().unwrap());
            options.families = Families::V6;
        })
        .is_some()
    );
}

#[test]
fn an_address_has_its_reverse_name() {
    assert_eq!(
        reverse_name(Some("192.0.2.25".parse().unwrap())).as_str(),
        "25.2.0.192.in-addr.arpa"
    );
    assert_eq!(
        reverse_name(Some("2001:db8::1".parse().unwrap())).as_str(),
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    );
}
