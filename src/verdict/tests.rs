//! One world a rule.

#![allow(clippy::unwrap_used)]

use crate::answer::Answer;
use crate::attempt::{Attempt, Because};
use crate::failure::{Failure, Kind, Stage};
use crate::finding::{Code, Severity};
use crate::observed::domain::{
    Addresses, Dnssec, DomainObservation, MxAnswer, MxRecord, MxSource, StsMode,
};
use crate::observed::endpoint::{EndpointObservation, Verb};
use crate::samples::*;
use crate::tls::parameters::TlsVersion;
use crate::verdict::{Delivery, Protection, Required, Sight, Verdict, assess, sight};

const A: &str = "192.0.2.25";
const B: &str = "198.51.100.25";
const A6: &str = "2001:db8::25";
const MX1: &str = "mx1.partner.example";
const MX2: &str = "mx2.partner.example";

fn judge(observation: &DomainObservation) -> Verdict {
    assess(observation, observation.at, Required::Tls)
}

fn one(endpoint: EndpointObservation) -> DomainObservation {
    domain(vec![host(10, MX1, vec![endpoint])])
}

fn two(first: EndpointObservation, second: EndpointObservation) -> DomainObservation {
    domain(vec![
        host(10, MX1, vec![first]),
        host(20, MX2, vec![second]),
    ])
}

fn codes(verdict: &Verdict) -> Vec<Code> {
    verdict.findings.iter().map(|f| f.code).collect()
}

fn at(stage: Stage, kind: Kind) -> EndpointObservation {
    failed(A, failure(stage, kind))
}

fn alert(name: &str) -> EndpointObservation {
    let mut failure = failure(Stage::Handshake, Kind::HandshakeAlert);
    failure.detail.alert = Some(name.to_owned());
    failed(A, failure)
}

#[test]
fn protection_is_the_worst_of_what_was_seen() {
    let legacy = with(tls(A, MX1), |h| h.version = TlsVersion::Tls11);
    for (what, observation, protection, answer) in [
        (
            "valid",
            one(tls(A, MX1)),
            Protection::Authenticated,
            Answer::Yes,
        ),
        (
            "wrong name",
            one(misnamed(tls(A, MX1))),
            Protection::Encrypted,
            Answer::Yes,
        ),
        (
            "self-signed",
            one(self_signed(tls(A, MX1))),
            Protection::Encrypted,
            Answer::Yes,
        ),
        (
            "no STARTTLS",
            one(plain(A)),
            Protection::Cleartext,
            Answer::No,
        ),
        ("TLS 1.1", one(legacy), Protection::Legacy, Answer::No),
        (
            "one of two without",
            two(tls(A, MX1), plain(B)),
            Protection::Mixed,
            Answer::No,
        ),
        (
            "one valid, one misnamed",
            two(tls(A, MX1), misnamed(tls(B, MX2))),
            Protection::Encrypted,
            Answer::Yes,
        ),
        (
            "nothing seen",
            one(silent(A)),
            Protection::Unknown,
            Answer::Unknown,
        ),
        (
            "backup not seen",
            two(tls(A, MX1), silent(B)),
            Protection::Authenticated,
            Answer::Yes,
        ),
        (
            "best not seen",
            two(silent(A), tls(B, MX2)),
            Protection::Authenticated,
            Answer::Unknown,
        ),
        (
            "without at the backup, best not seen",
            two(silent(A), plain(B)),
            Protection::Cleartext,
            Answer::No,
        ),
        (
            "enforce",
            with_sts(one(tls(A, MX1)), StsMode::Enforce),
            Protection::Enforced,
            Answer::Yes,
        ),
        (
            "testing",
            with_sts(one(tls(A, MX1)), StsMode::Testing),
            Protection::Authenticated,
            Answer::Yes,
        ),
        (
            "enforce, but misnamed",
            with_sts(one(misnamed(tls(A, MX1))), StsMode::Enforce),
            Protection::Encrypted,
            Answer::Yes,
        ),
        (
            "DANE with a self-signed certificate",
            with_dane(one(self_signed(tls(A, MX1)))),
            Protection::Enforced,
            Answer::Yes,
        ),
        (
            "DANE at one of two hosts",
            {
                let mut observation = with_dane(two(tls(A, MX1), tls(B, MX2)));
                observation.hosts[1].tlsa = Attempt::Skipped(Because::AddressInsecure);
                observation
            },
            Protection::Authenticated,
            Answer::Yes,
        ),
        (
            "DANE over an insecure MX answer",
            {
                let mut observation = with_dane(one(tls(A, MX1)));
                if let Attempt::Done(mx) = &mut observation.mx {
                    mx.dnssec = Dnssec::Insecure;
                }
                observation
            },
            Protection::Authenticated,
            Answer::Yes,
        ),
    ] {
        let verdict = judge(&observation);
        assert_eq!(verdict.protection, protection, "{what}");
        assert_eq!(verdict.answer, answer, "{what}");
        assert!(!verdict.trouble_here, "{what}");
        assert!(verdict.reason.ends_with('.'), "{what}: {}", verdict.reason);
        assert!(!verdict.reason.contains(". "), "{what}: one sentence");
    }
}

#[test]
fn only_what_lies_with_the_server_is_without_tls() {
    use Kind as K;
    use Stage as S;
    let lacking = |endpoint: &EndpointObservation| matches!(sight(endpoint), Sight::NoTls { .. });
    for (stage, kind) in [
        (S::Starttls, K::StarttlsTemporary),
        (S::Starttls, K::StarttlsRejected),
        (S::Starttls, K::StarttlsMasked),
        (S::Handshake, K::HandshakeNotTls),
        (S::Handshake, K::ClosedByPeer),
    ] {
        assert!(lacking(&at(stage, kind)), "{}", kind.word());
    }
    for (stage, kind) in [
        (S::Connect, K::ConnectRefused),
        (S::Connect, K::ConnectTimeout),
        (S::Connect, K::ConnectUnreachable),
        (S::Connect, K::TooManyOpenFiles),
        (S::Greeting, K::GreetingTimeout),
        (S::Greeting, K::GreetingTemporary),
        (S::Greeting, K::GreetingRejected),
        (S::Greeting, K::ReplyMalformed),
        (S::Greeting, K::ClosedByPeer),
        (S::Ehlo, K::EhloTemporary),
        (S::Ehlo, K::EhloRejected),
        (S::Ehlo, K::ReplyTooLong),
        (S::Ehlo, K::ReplyTimeout),
        (S::Ehlo, K::ClosedByPeer),
        (S::Starttls, K::ClosedByPeer),
        (S::Starttls, K::ReplyTimeout),
        (S::Starttls, K::ReplyMalformed),
        (S::Starttls, K::Deadline),
        (S::Handshake, K::HandshakeTimeout),
        (S::Handshake, K::HandshakeIncompatible),
        (S::Handshake, K::Deadline),
        (S::Handshake, K::CertificateWeak),
    ] {
        let endpoint = at(stage, kind);
        assert!(
            matches!(sight(&endpoint), Sight::NotSeen(Some(_))),
            "{}",
            kind.word()
        );
    }
    // 421 is the server going away, not an answer about STARTTLS.
    let mut going = failure(S::Starttls, K::StarttlsTemporary);
    going.detail.code = Some(421);
    assert!(!lacking(&failed(A, going)));
    // What says only that nothing in common was found is about us too.
    for (name, lacks) in [
        ("internal_error", true),
        ("certificate_required", true),
        ("handshake_failure", false),
        ("protocol_version", false),
        ("unrecognized_name", false),
    ] {
        assert_eq!(lacking(&alert(name)), lacks, "{name}");
    }
}

#[test]
fn helo_only_means_no_starttls() {
    let mut endpoint = plain(A);
    if let Attempt::Done(ehlo) = &mut endpoint.ehlo {
        ehlo.verb = Verb::Helo;
        ehlo.keywords.clear();
    }
    let verdict = judge(&one(endpoint));
    assert_eq!(verdict.protection, Protection::Cleartext);
    assert_eq!(codes(&verdict), [Code::HeloOnly]);
}

#[test]
fn nothing_negative_is_said_where_the_control_host_failed() {
    for (what, observation) in [
        ("no STARTTLS", one(plain(A))),
        ("mixed", two(tls(A, MX1), plain(B))),
        ("nobody answers", two(silent(A), silent(B))),
    ] {
        let verdict = judge(&blocked(observation));
        assert_eq!(verdict.answer, Answer::Unknown, "{what}");
        assert!(verdict.trouble_here, "{what}");
        assert_eq!(verdict.findings[0].code, Code::Port25Blocked, "{what}");
        assert!(
            !codes(&verdict).contains(&Code::StarttlsNotSupported),
            "{what}"
        );
        assert!(verdict.reason.contains("port 25"), "{what}");
        assert_ne!(verdict.protection, Protection::Cleartext, "{what}");
        assert_ne!(verdict.protection, Protection::Mixed, "{what}");
    }
    // What was seen to work needs no control host.
    let verdict = judge(&blocked(one(tls(A, MX1))));
    assert_eq!(verdict.answer, Answer::Yes);
    assert!(!verdict.trouble_here);
}

#[test]
fn a_control_host_that_answers_wrongly_is_not_called_a_blocked_port() {
    let mut observation = one(plain(A));
    observation.control = Attempt::failed(failure(Stage::Control, Kind::GreetingTemporary));
    let verdict = judge(&observation);
    assert_eq!(codes(&verdict), [Code::ControlFailed]);
    assert!(verdict.trouble_here);
}

#[test]
fn a_negative_answer_stands_where_no_control_was_wanted() {
    let mut observation = one(plain(A));
    observation.control = Attempt::Skipped(Because::NotAsked);
    assert_eq!(judge(&observation).answer, Answer::No);
}

#[test]
fn a_domain_without_mail_is_told_from_one_not_found_out() {
    let mut null = domain(vec![]);
    null.mx = Attempt::Done(MxAnswer {
        dnssec: Dnssec::Unvalidated,
        source: MxSource::NullMx,
        records: vec![MxRecord {
            preference: 0,
            host: crate::name::HostName::from_dns("."),
        }],
    });
    let of_mx = |kind| {
        let mut observation = domain(vec![]);
        observation.mx = Attempt::failed(failure(Stage::Dns, kind));
        observation
    };
    let mut bare = domain(vec![host(0, "partner.example", vec![])]);
    if let Attempt::Done(mx) = &mut bare.mx {
        mx.source = MxSource::Implicit;
    }
    // Asked about with --mx: it says nothing of the domain's own name.
    let mut given = domain(vec![host(0, MX1, vec![])]);
    if let Attempt::Done(mx) = &mut given.mx {
        mx.source = MxSource::Implicit;
    }
    let mut half = bare.clone();
    half.hosts[0].addresses = Attempt::Done(Addresses {
        dnssec: Dnssec::Unvalidated,
        list: vec![],
        partial: Some(Box::new(failure(Stage::Dns, Kind::Servfail))),
    });
    for (what, observation, protection, code) in [
        ("null MX", null, Protection::NoMail, Code::NullMx),
        (
            "NXDOMAIN",
            of_mx(Kind::Nxdomain),
            Protection::NoMail,
            Code::Nxdomain,
        ),
        ("no data", bare, Protection::NoMail, Code::NoData),
        (
            "MX without address",
            domain(vec![host(10, MX1, vec![])]),
            Protection::NoMail,
            Code::MxTargetUnresolvable,
        ),
        (
            "given host without address",
            given,
            Protection::NoMail,
            Code::MxTargetUnresolvable,
        ),
        (
            "SERVFAIL",
            of_mx(Kind::Servfail),
            Protection::Unknown,
            Code::Servfail,
        ),
        ("AAAA failed", half, Protection::Unknown, Code::Servfail),
    ] {
        let verdict = judge(&observation);
        assert_eq!(verdict.protection, protection, "{what}");
        assert_eq!(codes(&verdict), [code], "{what}");
        let answer = if protection == Protection::NoMail {
            Answer::No
        } else {
            Answer::Unknown
        };
        assert_eq!(verdict.answer, answer, "{what}");
        if protection == Protection::NoMail {
            assert_eq!(verdict.senders.opportunistic, Delivery::Refuses);
        }
    }
}

#[test]
fn c7_certificates_are_judged_as_of_the_time_given() {
    let observation = one(tls(A, MX1));
    for (when, protection, code) in [
        (
            "2026-09-01T00:00:00Z",
            Protection::Encrypted,
            Some(Code::CertificateNotYetValid),
        ),
        (PROBED, Protection::Authenticated, None),
        (
            "2027-02-20T00:00:00Z",
            Protection::Authenticated,
            Some(Code::CertificateExpiresSoon),
        ),
        (
            "2027-03-02T00:00:00Z",
            Protection::Encrypted,
            Some(Code::CertificateExpired),
        ),
    ] {
        let verdict = assess(&observation, time(when), Required::Tls);
        assert_eq!(verdict.protection, protection, "{when}");
        assert_eq!(codes(&verdict), Vec::from_iter(code), "{when}");
    }
    // With TLSA usage 3 dates do not count (RFC 7672, section 3.1.1).
    let verdict = assess(
        &with_dane(observation),
        time("2027-03-02T00:00:00Z"),
        Required::Tls,
    );
    assert_eq!(verdict.protection, Protection::Enforced);
    assert_eq!(codes(&verdict), []);
}

#[test]
fn the_answer_is_to_the_level_required() {
    use Answer::{No, Unknown, Yes};
    for (what, observation, answers) in [
        ("encrypted", one(misnamed(tls(A, MX1))), [Yes, No, Unknown]),
        ("authenticated", one(tls(A, MX1)), [Yes, Yes, Unknown]),
        (
            "authenticated, no policies",
            without_policies(one(tls(A, MX1))),
            [Yes, Yes, No],
        ),
        (
            "enforced",
            with_sts(one(tls(A, MX1)), StsMode::Enforce),
            [Yes, Yes, Yes],
        ),
        ("cleartext", one(plain(A)), [No, No, No]),
        ("unknown", one(silent(A)), [Unknown, Unknown, Unknown]),
    ] {
        let required = [Required::Tls, Required::Authenticated, Required::Enforced];
        for (required, answer) in required.into_iter().zip(answers) {
            let verdict = assess(&observation, observation.at, required);
            assert_eq!(verdict.answer, answer, "{what}, {}", required.word());
        }
    }
}

#[test]
fn each_sender_does_what_it_does() {
    use Delivery::*;
    let word = |observation: &DomainObservation| {
        let s = judge(observation).senders;
        [s.opportunistic, s.mandatory, s.mta_sts, s.dane]
    };
    for (what, observation, senders) in [
        (
            "good, not asked",
            one(tls(A, MX1)),
            [DeliversEncrypted, DeliversEncrypted, Unknown, Unknown],
        ),
        (
            "good, no policies",
            without_policies(one(tls(A, MX1))),
            [DeliversEncrypted, DeliversEncrypted, NoPolicy, NoPolicy],
        ),
        (
            "no STARTTLS",
            without_policies(one(plain(A))),
            [DeliversCleartext, Defers, NoPolicy, NoPolicy],
        ),
        (
            "first without, second with",
            without_policies(two(plain(A), tls(B, MX2))),
            [MayDeliverCleartext, DeliversEncrypted, NoPolicy, NoPolicy],
        ),
        (
            "handshake fails",
            one(at(Stage::Handshake, Kind::HandshakeNotTls)),
            [MayDeliverCleartext, Defers, Unknown, Unknown],
        ),
        (
            "best not seen",
            two(silent(A), tls(B, MX2)),
            [Unknown, DeliversEncrypted, Unknown, Unknown],
        ),
        (
            "enforce",
            with_sts(one(tls(A, MX1)), StsMode::Enforce),
            [
                DeliversEncrypted,
                DeliversEncrypted,
                DeliversAuthenticated,
                Unknown,
            ],
        ),
        (
            "enforce, misnamed",
            with_sts(one(misnamed(tls(A, MX1))), StsMode::Enforce),
            [DeliversEncrypted, DeliversEncrypted, Defers, Unknown],
        ),
        (
            "DANE",
            with_dane(one(self_signed(tls(A, MX1)))),
            [
                DeliversEncrypted,
                DeliversEncrypted,
                Unknown,
                DeliversAuthenticated,
            ],
        ),
        (
            "DANE, no STARTTLS",
            with_dane(one(plain(A))),
            [DeliversCleartext, Defers, Unknown, Defers],
        ),
        (
            "nothing seen",
            one(silent(A)),
            [Unknown, Unknown, Unknown, Unknown],
        ),
    ] {
        assert_eq!(word(&observation), senders, "{what}");
    }
}

#[test]
fn hosts_have_words_of_their_own() {
    let verdict = judge(&without_policies(two(plain(A), tls(B, MX2))));
    assert_eq!(verdict.hosts[0].protection, Protection::Cleartext);
    assert_eq!(verdict.hosts[0].senders.mandatory, Delivery::SkipsHost);
    assert_eq!(verdict.hosts[1].protection, Protection::Authenticated);
}

#[test]
fn differences_between_hosts_and_families_are_told() {
    let verdict = judge(&two(tls(A, MX1), plain(B)));
    assert_eq!(
        codes(&verdict),
        [Code::StarttlsNotSupported, Code::MxHostsDiffer]
    );
    let families = domain(vec![host(10, MX1, vec![tls(A, MX1), plain(A6)])]);
    assert!(codes(&judge(&families)).contains(&Code::AddressFamiliesDiffer));
    let pool = domain(vec![host(10, MX1, vec![tls(A, MX1), plain(B)])]);
    assert!(codes(&judge(&pool)).contains(&Code::AddressesDiffer));
}

#[test]
fn what_was_not_seen_is_never_an_error() {
    let verdict = judge(&domain(vec![host(
        10,
        MX1,
        vec![tls(A, MX1), silent(A6), silent(B)],
    )]));
    assert_eq!(codes(&verdict), [Code::ConnectTimeout]);
    assert_eq!(verdict.findings[0].severity, Severity::Note);
    assert!(verdict.findings[0].subject.contains("unknown, not bad"));
    assert_eq!((verdict.seen.endpoints, verdict.seen.of), (1, 3));
}

#[test]
fn findings_stand_by_severity_then_preference() {
    let mut observation = domain(vec![
        host(10, MX1, vec![silent(A)]),
        host(20, MX2, vec![misnamed(tls(B, MX2))]),
        host(30, "mx3.partner.example", vec![plain("203.0.113.25")]),
        host(40, "mx4.partner.example", vec![plain("203.0.113.26")]),
    ]);
    observation.hosts[0].canonical = Some(crate::name::HostName::from_dns("a.example"));
    let verdict = judge(&observation);
    let severities: Vec<Severity> = verdict.findings.iter().map(|f| f.severity).collect();
    assert!(severities.is_sorted(), "{severities:?}");
    let subjects: Vec<&str> = verdict
        .findings
        .iter()
        .filter(|f| f.code == Code::StarttlsNotSupported)
        .map(|f| f.subject.as_str())
        .collect();
    assert_eq!(
        subjects,
        [
            "mx3.partner.example does not offer STARTTLS",
            "mx4.partner.example does not offer STARTTLS"
        ]
    );
}

#[test]
fn mx_records_that_break_rules_are_told() {
    let mut literal = domain(vec![
        host(10, "192.0.2.1", vec![]),
        host(20, MX1, vec![tls(A, MX1)]),
    ]);
    literal.hosts[0].addresses = Attempt::Skipped(Because::NotAsked);
    assert_eq!(codes(&judge(&literal)), [Code::MxIsAddressLiteral]);
    assert_eq!(judge(&literal).answer, Answer::Yes);
    let single = domain(vec![host(10, "mail", vec![tls(A, "mail")])]);
    assert_eq!(codes(&judge(&single)), [Code::MxIsSingleLabel]);
    let private = one(tls("10.1.2.3", MX1));
    assert_eq!(codes(&judge(&private)), [Code::MxAddressPrivate]);
    let mut beside = one(tls(A, MX1));
    if let Attempt::Done(mx) = &mut beside.mx {
        mx.records.push(MxRecord {
            preference: 0,
            host: crate::name::HostName::from_dns("."),
        });
    }
    assert_eq!(codes(&judge(&beside)), [Code::NullMxBesideOthers]);
}

#[test]
fn peers_words_are_kept() {
    let failure = Failure::new(
        Stage::Starttls,
        Kind::StarttlsRejected,
        "mx1 refused STARTTLS",
    )
    .heard("502 5.5.1 not today");
    let verdict = judge(&one(failed(A, failure)));
    assert_eq!(
        verdict.findings[0].seen,
        "mx1 refused STARTTLS: \"502 5.5.1 not today\""
    );
}

#[test]
fn enforcement_is_missed_only_where_it_was_looked_for() {
    assert!(!codes(&judge(&one(tls(A, MX1)))).contains(&Code::NotEnforced));
    assert_eq!(
        codes(&judge(&without_policies(one(tls(A, MX1))))),
        [Code::NotEnforced]
    );
}
