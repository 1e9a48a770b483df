//! Pages as they are printed, spaces kept. They lie in `tests/pages`; with
//! `STARTTRACE_WRITE_PAGES` set they are written anew, to be read in the
//! difference.

#![allow(clippy::unwrap_used)]

use super::render;
use crate::attempt::Attempt;
use crate::failure::{Failure, Kind, Stage};
use crate::name::HostName;
use crate::observed::domain::{DomainObservation, MxAnswer, MxRecord, MxSource, StsMode};
use crate::observed::endpoint::Event;
use crate::report::text::layout::{COLUMNS, width};
use crate::report::text::style::Style;
use crate::samples::*;
use crate::tls::parameters::TlsVersion;
use crate::verdict::{Required, assess};

const MX1: &str = "mx1.partner.example";
const MX2: &str = "mx2.partner.example";

fn page(observation: &DomainObservation, required: Required, verbose: u8) -> String {
    let verdict = assess(observation, observation.at, required);
    let plain = render(observation, &verdict, verbose, Style::plain());
    let coloured = render(observation, &verdict, verbose, Style::coloured());
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        stripped.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain, "colour adds nothing but colour");
    for line in plain.lines() {
        assert!(width(line) <= COLUMNS, "{} columns: {line}", width(line));
        assert_eq!(line, line.trim_end(), "spaces at the end");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    plain
}

fn is_page(name: &str, page: &str) {
    let path = format!("{}/tests/pages/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("STARTTRACE_WRITE_PAGES").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    assert_eq!(page, std::fs::read_to_string(&path).unwrap(), "{path}");
}

fn two_hosts() -> DomainObservation {
    let mut old = misnamed(with(tls("198.51.100.25", MX2), |h| {
        h.version = TlsVersion::Tls12;
        h.cipher_suite = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384".into();
        h.group = Some("X25519".into());
    }));
    old.port = 25;
    domain(vec![
        host(
            10,
            MX1,
            vec![tls("192.0.2.25", MX1), tls("2001:db8::25", MX1)],
        ),
        host(20, MX2, vec![old, silent("2001:db8:2::25")]),
    ])
}

#[test]
fn two_hosts_without_policies() {
    let observation = without_policies(two_hosts());
    is_page("check-encrypted", &page(&observation, Required::Tls, 0));
}

#[test]
fn policies_not_asked() {
    is_page("check-not-asked", &page(&two_hosts(), Required::Tls, 0));
}

#[test]
fn a_policy_in_testing_that_misses_a_host() {
    let mut observation = with_sts(two_hosts(), StsMode::Testing);
    if let Attempt::Done(policy) = &mut observation.mta_sts.policy {
        policy.mx.truncate(1);
        policy.unmatched_hosts = vec![MX2.into()];
    }
    observation.hosts[1].mta_sts_listed = Some(false);
    is_page("check-testing", &page(&observation, Required::Tls, 0));
}

#[test]
fn a_required_level_that_is_not_reached() {
    is_page(
        "check-required",
        &page(&two_hosts(), Required::Authenticated, 0),
    );
}

#[test]
fn dane_and_all_is_well() {
    let observation = with_dane(domain(vec![host(
        10,
        MX1,
        vec![self_signed(tls("192.0.2.25", MX1))],
    )]));
    is_page("check-dane", &page(&observation, Required::Enforced, 0));
}

#[test]
fn a_backup_without_starttls() {
    let observation = domain(vec![
        host(10, MX1, vec![tls("192.0.2.25", MX1)]),
        host(20, MX2, vec![plain("198.51.100.25")]),
    ]);
    is_page("check-mixed", &page(&observation, Required::Tls, 0));
}

#[test]
fn port_25_blocked_here() {
    let observation = blocked(domain(vec![
        host(10, MX1, vec![silent("192.0.2.25"), silent("2001:db8::25")]),
        host(20, MX2, vec![silent("198.51.100.25")]),
    ]));
    is_page("check-blocked", &page(&observation, Required::Tls, 0));
}

#[test]
fn a_greylisting_host_is_unknown() {
    let mut turned_away = Failure::new(
        Stage::Greeting,
        Kind::GreetingTemporary,
        "mx1.partner.example (192.0.2.25) turned us away for now",
    )
    .heard(*b"421 4.7.0 Error: too many connections");
    turned_away.detail.code = Some(421);
    let observation = domain(vec![host(10, MX1, vec![failed("192.0.2.25", turned_away)])]);
    is_page("check-unknown", &page(&observation, Required::Tls, 0));
}

#[test]
fn a_domain_that_takes_no_mail() {
    let mut observation = domain(vec![]);
    observation.mx = Attempt::Done(MxAnswer {
        dnssec: crate::observed::domain::Dnssec::Unvalidated,
        source: MxSource::NullMx,
        records: vec![MxRecord {
            preference: 0,
            host: HostName::from_dns("."),
        }],
    });
    is_page("check-no-mail", &page(&observation, Required::Tls, 0));
}

#[test]
fn the_dialogue_and_the_dns_answers() {
    let observation = domain(vec![host(
        10,
        MX2,
        vec![misnamed(tls("198.51.100.25", MX2))],
    )]);
    is_page("check-verbose", &page(&observation, Required::Tls, 2));
}

#[test]
fn hostile_names_and_banners_break_nothing() {
    let long = "a".repeat(60);
    let name = format!("{long}.{long}.{long}.{long}.example");
    let mut endpoint = with(tls("192.0.2.25", &name), |h| {
        h.chain[0].names = vec!["\u{202e}moc.elpmaxe\u{1b}[2J".into(), "x".repeat(300)];
        h.identity = Attempt::failed(failure(Stage::Certificate, Kind::CertificateHostMismatch));
    });
    endpoint.transcript[1].event = Event::Heard(b"220 \x1b]0;owned\x07 \xff\xfe".to_vec());
    let mut refused = failure(Stage::Starttls, Kind::StarttlsRejected);
    refused.heard = Some(b"502 \x1b[31m\r\n\xe2\x80\xae".to_vec());
    let observation = domain(vec![
        host(65_535, &name, vec![endpoint]),
        host(0, "mail\u{200b}", vec![failed("2001:db8::1", refused)]),
    ]);
    is_page("check-hostile", &page(&observation, Required::Tls, 2));
}
