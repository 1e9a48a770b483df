//! What is worth telling, the gravest first, then by MX preference.
//!
//! Equal things are told once: the addresses of one host that show the same
//! make one finding, and so do all addresses that were not seen for the same
//! reason.

use std::net::IpAddr;

use crate::failure::{Failure, Kind};
use crate::finding::{Code, Finding, Severity};
use crate::observed::domain::{HostObservation, MxSource};
use crate::verdict::Protection;
use crate::verdict::assess::{Scene, SeenHost};
use crate::verdict::protection::{self, Enforcement, NoMail, has_no_address};
use crate::verdict::sight::Sight;

/// So many names or addresses are listed, the rest are counted.
const LISTED: usize = 6;

mod depth;
mod endpoint;
mod policy;
mod published;

/// Every finding, in order.
pub(super) fn of(scene: &Scene<'_>, protection: Protection) -> Vec<Finding> {
    let mut list = List::default();
    domain(scene, protection, &mut list);
    differences(scene, &mut list);
    for (place, host) in scene.hosts.iter().enumerate() {
        addresses(scene, place, host.host, &mut list);
        endpoint::of(scene, place, host, &mut list);
        policy::of(scene, place, host, &mut list);
    }
    unseen(scene, &mut list);
    list.into_findings()
}

/// Which words a failed control host gets.
pub(super) fn control_code(failure: &Failure) -> Code {
    match failure.kind {
        Kind::Port25Blocked
        | Kind::ConnectRefused
        | Kind::ConnectTimeout
        | Kind::ConnectUnreachable
        | Kind::StarttlsNotSupported
        | Kind::StarttlsRejected
        | Kind::StarttlsMasked
        | Kind::GreetingTimeout => Code::Port25Blocked,
        Kind::Servfail
        | Kind::DnsTimeout
        | Kind::DnsRefused
        | Kind::ResolverUnreachable
        | Kind::ResolverUntrusted
        | Kind::TooManyOpenFiles
        | Kind::ProxyUnreachable
        | Kind::ProxyAuthFailed
        | Kind::ProxyRefused
        | Kind::ProxyFailed => Code::of(failure.kind),
        _ => Code::ControlFailed,
    }
}

/// Findings with what orders them: first what puts all else in doubt.
#[derive(Default)]
struct List(Vec<(Order, Finding)>);

type Order = (bool, Severity, usize);

impl List {
    fn add(&mut self, place: usize, finding: Finding) {
        self.0.push(((true, finding.severity, place), finding));
    }

    fn add_in_front(&mut self, finding: Finding) {
        self.0.push(((false, Severity::Error, 0), finding));
    }

    fn into_findings(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|(order, _)| *order);
        self.0.into_iter().map(|(_, finding)| finding).collect()
    }
}

fn domain(scene: &Scene<'_>, protection: Protection, list: &mut List) {
    let observation = scene.observation;
    let name = observation.domain.as_str();
    if let Some(failure) = scene.control_trouble() {
        let code = control_code(failure);
        let mut finding = Finding::new(code, code.summary(), said(failure));
        finding.severity = Severity::Error;
        list.add_in_front(finding);
    }
    if let Some(failure) = observation.mx.failure() {
        let code = Code::of(failure.kind);
        let doubted = scene.control_trouble().is_some();
        let subject = match failure.kind {
            Kind::Nxdomain if doubted => {
                format!("the resolver here says that {name} does not exist")
            }
            Kind::Nxdomain => format!("{name} does not exist"),
            _ => format!("{name}: {}", code.summary()),
        };
        let mut finding = Finding::new(code, subject, said(failure));
        if doubted {
            finding.severity = Severity::Note;
        }
        list.add(0, finding);
    }
    let records = observation.mx.done().map(|mx| &mx.records[..]);
    let nulls = records
        .unwrap_or_default()
        .iter()
        .filter(|record| record.host.as_str().is_empty())
        .count();
    match protection::no_mail(observation) {
        Some(NoMail::NullMx) => list.add(
            0,
            Finding::new(
                Code::NullMx,
                format!("{name} says that it takes no mail"),
                "the MX record \"0 .\"",
            ),
        ),
        // The failed MX question has told it already.
        Some(NoMail::Nxdomain | NoMail::NoData) if observation.mx.is_done() => list.add(
            0,
            Finding::new(
                Code::NoData,
                format!("{name} has no mail server"),
                "no MX record, and no address of the domain itself",
            ),
        ),
        _ if nulls > 0 => list.add(
            0,
            Finding::new(
                Code::NullMxBesideOthers,
                format!("{name}: {}", Code::NullMxBesideOthers.summary()),
                format!(
                    "the MX record \".\" beside {}",
                    match records.unwrap_or_default().len() - nulls {
                        1 => "another".to_owned(),
                        n => format!("{n} others"),
                    }
                ),
            ),
        ),
        _ => {}
    }
    if protection::is_submission(observation) {
        let port = observation
            .hosts
            .iter()
            .flat_map(|host| &host.endpoints)
            .map(|endpoint| endpoint.port)
            .next();
        if let Some(port) = port {
            list.add(
                usize::MAX,
                Finding::new(
                    Code::SubmissionPort,
                    format!("port {port} is for mail programs, not for mail between servers"),
                    match port {
                        465 => "port 465: submission inside TLS".to_owned(),
                        587 => "port 587: submission with STARTTLS".to_owned(),
                        port => format!("port {port}, as a port of submission"),
                    },
                ),
            );
        }
    }
    published::sts(scene, list);
    published::tls_rpt(scene, list);
    if matches!(
        protection,
        Protection::Encrypted | Protection::Authenticated
    ) && protection::enforcement(observation) == Enforcement::None
    {
        list.add(
            usize::MAX,
            Finding::new(
                Code::NotEnforced,
                format!("{name}: {}", Code::NotEnforced.summary()),
                "no TLSA records that bind, and no MTA-STS policy in mode enforce",
            ),
        );
    }
}

/// Hosts, families or addresses of which only some have TLS.
fn differences(scene: &Scene<'_>, list: &mut List) {
    let with = |host: &&SeenHost<'_>| host.handshakes().next().is_some();
    let without = |host: &&SeenHost<'_>| {
        host.sights
            .iter()
            .any(|(_, sight)| matches!(sight, Sight::NoTls { .. }))
    };
    let good = scene.hosts.iter().filter(|h| with(h) && !without(h));
    let bad = scene.hosts.iter().filter(|h| without(h) && !with(h));
    if good.clone().next().is_some() && bad.clone().next().is_some() {
        let name = |host: &SeenHost<'_>| host.host.host.to_string();
        list.add(
            0,
            Finding::new(
                Code::MxHostsDiffer,
                format!(
                    "{}: {}",
                    scene.observation.domain,
                    Code::MxHostsDiffer.summary()
                ),
                format!(
                    "TLS at {}; none at {}",
                    listed(good.map(name)),
                    listed(bad.map(name))
                ),
            ),
        );
    }
    for (place, host) in scene.hosts.iter().enumerate() {
        if !with(&host) || !without(&host) {
            continue;
        }
        let of = |wanted: bool| {
            host.sights.iter().filter_map(move |(endpoint, sight)| {
                let has = matches!(sight, Sight::Tls(_));
                let lacks = matches!(sight, Sight::NoTls { .. });
                (if wanted { has } else { lacks }).then_some(endpoint.address)
            })
        };
        let one_family = |mut list: Box<dyn Iterator<Item = IpAddr>>| {
            let first = list.next().is_some_and(|ip| ip.is_ipv4());
            list.all(|ip| ip.is_ipv4() == first).then_some(first)
        };
        let (has, lacks): (Vec<_>, Vec<_>) = (of(true).collect(), of(false).collect());
        let families = one_family(Box::new(has.clone().into_iter()))
            .zip(one_family(Box::new(lacks.clone().into_iter())));
        let code = if families.is_some_and(|(a, b)| a != b) {
            Code::AddressFamiliesDiffer
        } else {
            Code::AddressesDiffer
        };
        list.add(
            place,
            Finding::new(
                code,
                match code {
                    Code::AddressFamiliesDiffer => code.subject(host.host.host.as_str()),
                    _ => format!(
                        "some addresses of {} have TLS, others do not",
                        host.host.host
                    ),
                },
                format!(
                    "TLS at {}; none at {}",
                    listed(has.iter()),
                    listed(lacks.iter())
                ),
            ),
        );
    }
}

/// What the name service says of a host.
fn addresses(scene: &Scene<'_>, place: usize, host: &HostObservation, list: &mut List) {
    let name = host.host.as_str();
    let source = scene.observation.mx.done().map(|mx| mx.source);
    let by_mx = source == Some(MxSource::Mx);
    let mut add = |code: Code, seen: String| {
        list.add(place, Finding::new(code, code.subject(name), seen));
    };
    if host.host.is_address() {
        add(
            Code::MxIsAddressLiteral,
            format!("MX {} {name}", host.preference),
        );
        return;
    }
    if by_mx && host.host.is_single_label() {
        add(
            Code::MxIsSingleLabel,
            format!("MX {} {name}", host.preference),
        );
    }
    if by_mx && let Some(canonical) = &host.canonical {
        add(
            Code::MxTargetIsCname,
            format!("{name} is an alias of {canonical}"),
        );
    }
    if has_no_address(host) {
        // A host that was given stands in for one of an MX record.
        if by_mx || name != scene.observation.domain.as_str() {
            let seen = match host.addresses.failure() {
                Some(failure) => said(failure),
                None => "neither an A nor an AAAA record".to_owned(),
            };
            add(Code::MxTargetUnresolvable, seen);
        }
        return;
    }
    let partial = host
        .addresses
        .done()
        .and_then(|addresses| addresses.partial.as_deref());
    if let Some(failure) = host.addresses.failure().or(partial) {
        let code = Code::of(failure.kind);
        let mut finding = Finding::new(code, code.subject(name), said(failure));
        if partial.is_some() && finding.severity == Severity::Warning {
            finding.severity = Severity::Note;
            // A note is its subject alone, which has to tell the question.
            finding.subject.clone_from(&failure.message);
        }
        list.add(place, finding);
    }
    // Only on port 25 is it the public mail service that is looked at.
    let private: Vec<IpAddr> = host
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.port == 25 && !is_public(endpoint.address))
        .map(|endpoint| endpoint.address)
        .collect();
    if by_mx && !private.is_empty() {
        list.add(
            place,
            Finding::new(
                Code::MxAddressPrivate,
                Code::MxAddressPrivate.subject(name),
                listed(private.iter()),
            ),
        );
    }
}

/// RFC 6890, section 2.2: not reachable from the Internet. Documentation
/// ranges count as public here, as they do for a hop's leg.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || a == 0
                // RFC 6598: between provider and customer.
                || (a == 100 && (64..128).contains(&b)))
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80)
        }
    }
}

/// The addresses that were not seen, by what kept us from it.
fn unseen(scene: &Scene<'_>, list: &mut List) {
    let mut groups: Vec<Unseen<'_>> = Vec::new();
    // What the control host's failure hides is told once, in front.
    let control = scene.observation.control.failure().map(std::ptr::from_ref);
    // And so is a proxy that fails the same way for both.
    let proxy = scene
        .control_trouble()
        .map(|failure| failure.kind)
        .filter(|kind| kind.word().starts_with("proxy-"));
    for (place, (host, endpoint, failure)) in scene.unseen().enumerate() {
        let Some(failure) = failure else { continue };
        if Some(std::ptr::from_ref(failure)) == control
            || Some(failure.kind) == proxy
            || endpoint::refused_otherwise(endpoint)
            || matches!(
                failure.kind,
                Kind::HandshakeIncompatible | Kind::HandshakeAlert
            )
        {
            continue;
        }
        let place = scene
            .hosts
            .iter()
            .position(|h| std::ptr::eq(h, host))
            .unwrap_or(place);
        match groups.iter_mut().find(|g| g.failure.kind == failure.kind) {
            Some(group) => group.at.push(endpoint.address),
            None => groups.push(Unseen {
                place,
                failure,
                at: vec![endpoint.address],
            }),
        }
    }
    for group in groups {
        let code = Code::of(group.failure.kind);
        let subject = match group.at[..] {
            [_] => group.failure.message.clone(),
            [a, b] => format!("{a} and {b}: {}", code.summary()),
            _ => format!("{} addresses: {}", group.at.len(), code.summary()),
        };
        let seen = match group.at.len() {
            1 => heard(group.failure)
                .map_or_else(|| said(group.failure), |words| format!("it said {words}")),
            0 | 2 => said(group.failure),
            _ => format!("{}; {}", listed(group.at.iter()), said(group.failure)),
        };
        let mut finding = Finding::new(code, format!("{subject}: unknown, not bad"), seen);
        finding.severity = finding.severity.max(Severity::Warning);
        list.add(group.place, finding);
    }
}

struct Unseen<'o> {
    place: usize,
    failure: &'o Failure,
    at: Vec<IpAddr>,
}

/// A failure's message, with the peer's words where it does not quote them.
fn said(failure: &Failure) -> String {
    match heard(failure) {
        Some(words) if !failure.message.contains(words.trim_matches('"')) => {
            format!("{}: {words}", failure.message)
        }
        _ => failure.message.clone(),
    }
}

/// The peer's words in quotes, as far as one line holds them.
fn heard(failure: &Failure) -> Option<String> {
    let words = String::from_utf8_lossy(failure.heard.as_deref()?);
    // The lines of a reply on one line.
    let words = words.trim().replace("\r\n", " / ");
    let words: String = words.chars().take(200).collect();
    (!words.is_empty()).then(|| format!("\"{words}\""))
}

fn listed<T: ToString>(items: impl Iterator<Item = T>) -> String {
    let mut all: Vec<String> = items.map(|item| item.to_string()).collect();
    let more = all.len().saturating_sub(LISTED);
    all.truncate(LISTED);
    let mut out = all.join(", ");
    if more > 0 {
        out.push_str(&format!(" and {more} more"));
    }
    out
}
