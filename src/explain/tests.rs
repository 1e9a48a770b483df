//! Worlds of one message and what was seen of its receiver.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use crate::answer::{Answer, Standing};
use crate::attempt::Attempt;
use crate::explain::literal::*;
use crate::explain::pair::{Asked, Limits, is_answered, targets};
use crate::explain::{
    ConclusionState, Explanation, HopExplanation, MatchedBy, Past, RankedCause, explain,
};
use crate::failure::{Failure, Kind, Stage};
use crate::finding::Cause;
use crate::observed::domain::{DomainObservation, StsMode};
use crate::trace::chain::{Chain, Gap, GapKind, Leg, RecordsTls, Trust};
use crate::trace::evidence::{EvidenceKind, Says, TlsState};

/// Two days after the hop.
const SOON: &str = "2026-11-05T10:00:00Z";
/// Eighteen days after the hop.
const LATE: &str = "2026-11-21T23:10:00Z";

fn explained(chain: &Chain, probes: &[DomainObservation]) -> Explanation {
    explain(chain, probes, &Past::default())
}

/// The explanation of the hop in clear.
fn of_clear(chain: &Chain, probes: &[DomainObservation]) -> HopExplanation {
    let number = chain
        .hops
        .iter()
        .find(|hop| {
            hop.received
                .id
                .as_ref()
                .is_some_and(|id| id.text == "4XkQ2c1Zz9")
        })
        .unwrap()
        .number;
    explained(chain, probes).hops.swap_remove(number - 1)
}

fn find(hop: &HopExplanation, cause: Cause) -> Option<&RankedCause> {
    hop.causes.iter().find(|ranked| ranked.cause == cause)
}

fn standing(hop: &HopExplanation, cause: Cause) -> Option<Standing> {
    find(hop, cause).map(|ranked| ranked.standing)
}

fn mx1(at: &str, does: Does) -> DomainObservation {
    observed(
        "partner.example",
        at,
        &[("mx1.partner.example", &[("192.0.2.25", does)])],
    )
}

/// With a line below that this software wrote.
fn sent_by(software: &'static str, delay: i64) -> Chain {
    let mut before = Line {
        by: "out7.relay.example",
        with: "ESMTPS",
        software: Some((software, RecordsTls::Always)),
        trusted: Trust::Vouched,
        state: TlsState::Encrypted,
        ..Line::default()
    };
    before.from = ("smtp.acme.example", "smtp.acme.example", "198.51.100.25");
    let mut hop = clear_hop();
    hop.delay = delay;
    chain(vec![before, hop])
}

#[test]
fn each_failure_seen_near_the_hop_is_the_first_cause_and_clears_the_sender() {
    for (does, cause) in [
        (Does::NoStarttls, Cause::StarttlsNotOffered),
        (Does::Masked, Cause::StarttlsMaskedNearReceiver),
        (Does::Refuses(454), Cause::StarttlsTemporarilyRefused),
        (Does::Refuses(502), Cause::StarttlsRefused),
        (
            Does::FailsHandshake(Kind::HandshakeNotTls, None),
            Cause::HandshakeFailsForAll,
        ),
        (
            Does::FailsHandshake(Kind::ClosedByPeer, None),
            Cause::HandshakeFailsForAll,
        ),
        (
            Does::FailsHandshake(Kind::HandshakeAlert, Some("internal_error")),
            Cause::HandshakeFailsForAll,
        ),
    ] {
        let near = of_clear(&clear_with(|_| ()), &[mx1(SOON, does)]);
        assert_eq!(near.causes[0].cause, cause, "{does:?}");
        assert_eq!(near.causes[0].standing, Standing::Likely, "{does:?}");
        assert!(!near.causes[0].for_.is_empty());
        assert_eq!(
            standing(&near, Cause::SenderDidNotTry),
            Some(Standing::Unlikely),
            "{does:?}"
        );
        assert!(
            near.next
                .iter()
                .any(|step| step.starts_with("fix partner.example: "))
        );
        // The same seen long after is only possible, and says why.
        let late = of_clear(&clear_with(|_| ()), &[mx1(LATE, does)]);
        let late = find(&late, cause).unwrap();
        assert_eq!(late.standing, Standing::Possible, "{does:?}");
        assert!(
            late.against
                .iter()
                .any(|text| text.contains("18 days after"))
        );
    }
}

#[test]
fn what_a_sender_needs_to_share_is_never_more_than_possible() {
    for (kind, alert, cause) in [
        (
            Kind::HandshakeAlert,
            Some("protocol_version"),
            Cause::ServerLegacyVersion,
        ),
        (
            Kind::HandshakeAlert,
            Some("handshake_failure"),
            Cause::SuitesIncompatible,
        ),
        (Kind::HandshakeIncompatible, None, Cause::SuitesIncompatible),
        (
            Kind::HandshakeAlert,
            Some("certificate_required"),
            Cause::ClientCertificateDemanded,
        ),
    ] {
        let does = Does::FailsHandshake(kind, alert);
        let hop = of_clear(&clear_with(|_| ()), &[mx1(SOON, does)]);
        assert_eq!(standing(&hop, cause), Some(Standing::Possible), "{kind:?}");
        // Who shares nothing with this client may share nothing with anybody.
        let for_all = (cause == Cause::SuitesIncompatible).then_some(Standing::Possible);
        assert_eq!(standing(&hop, Cause::HandshakeFailsForAll), for_all);
    }
}

#[test]
fn an_answer_to_a_hello_made_by_hand_names_the_cause() {
    use crate::observed::endpoint::RawHello;
    use crate::tls::parameters::TlsVersion;
    let answered = |version, suite, dh_bits, kind| {
        let mut probe = mx1(SOON, Does::FailsHandshake(kind, None));
        Arc::make_mut(&mut probe.hosts[0].endpoints[0]).raw_hello = Some(RawHello {
            version: Some(version),
            suite: Some(suite),
            dh_bits,
            ..RawHello::default()
        });
        of_clear(&clear_with(|_| ()), &[probe])
    };
    use TlsVersion::{Ssl3, Tls10, Tls12};
    let incompatible = Kind::HandshakeIncompatible;
    for (version, suite, dh_bits, kind, cause, expected) in [
        (
            Tls10,
            0x002f,
            None,
            incompatible,
            Cause::ServerLegacyVersion,
            Some(Standing::Likely),
        ),
        (
            Ssl3,
            0x0005,
            None,
            incompatible,
            Cause::ServerLegacyVersion,
            Some(Standing::Likely),
        ),
        // TLS 1.2 refutes it.
        (
            Tls12,
            0x002f,
            None,
            incompatible,
            Cause::ServerLegacyVersion,
            None,
        ),
        (
            Tls12,
            0x002f,
            None,
            incompatible,
            Cause::SuitesIncompatible,
            Some(Standing::Possible),
        ),
        (
            Tls12,
            0x000a,
            None,
            incompatible,
            Cause::SuitesIncompatible,
            Some(Standing::Likely),
        ),
        (
            Tls12,
            0x009e,
            Some(768),
            incompatible,
            Cause::DhTooSmall,
            Some(Standing::Likely),
        ),
        (
            Tls12,
            0x009e,
            Some(1024),
            incompatible,
            Cause::DhTooSmall,
            Some(Standing::Possible),
        ),
        (
            Tls12,
            0x009e,
            Some(2048),
            incompatible,
            Cause::DhTooSmall,
            None,
        ),
        // It chose what the hello it hung up on had offered too.
        (
            Tls12,
            0xc02f,
            None,
            Kind::ClosedByPeer,
            Cause::HelloIntolerance,
            Some(Standing::Likely),
        ),
        (
            Tls12,
            0x002f,
            None,
            incompatible,
            Cause::HelloIntolerance,
            None,
        ),
    ] {
        let hop = answered(version, suite, dh_bits, kind);
        assert_eq!(
            standing(&hop, cause),
            expected,
            "{version:?} {suite:04x} {dh_bits:?} {}",
            cause.word()
        );
    }
}

/// What `--depth deep` saw of a host that gives TLS: whether EHLO had STARTTLS
/// each further time, and the primes of Diffie-Hellman groups, chosen where
/// everything was offered, and where nothing else was.
fn looked_at(repeats: &[bool], preferred: Option<u32>, on_demand: Option<u32>) -> HopExplanation {
    use crate::attempt::Because;
    use crate::observed::depth::{Asked, Choice, Chosen, Depth, Repeat, SuiteClass};
    use crate::tls::parameters::TlsVersion;
    let chosen = |dh_bits: Option<u32>| {
        Attempt::Done(Choice {
            chosen: dh_bits.map(|bits| Chosen {
                suite: 0x009e,
                group: None,
                dh_bits: Some(bits),
            }),
        })
    };
    let mut probe = mx1(SOON, Does::Tls);
    Arc::make_mut(&mut probe.hosts[0].endpoints[0]).deep = Some(Box::new(Depth {
        first_offered: true,
        versions: vec![Asked {
            what: TlsVersion::Tls12,
            answer: chosen(preferred),
        }],
        suites: vec![Asked {
            what: SuiteClass::Dhe,
            answer: chosen(on_demand),
        }],
        post_quantum: Attempt::Skipped(Because::NotAsked),
        groups: Attempt::Skipped(Because::NotAsked),
        without_name: Attempt::Skipped(Because::NotAsked),
        other_name: Attempt::Skipped(Because::NotAsked),
        repeats: repeats
            .iter()
            .map(|&starttls| Attempt::Done(Repeat { starttls }))
            .collect(),
        unadvertised: Attempt::Skipped(Because::NotAsked),
        injection: Attempt::Skipped(Because::NotAsked),
    }));
    of_clear(&clear_with(|_| ()), &[probe])
}

#[test]
fn a_pool_that_offers_starttls_by_turns_is_a_cause() {
    for (repeats, expected) in [
        (&[true, false, true, false][..], Some(Standing::Likely)),
        (&[true, true, true, false], Some(Standing::Likely)),
        (&[true, true, true, true], Some(Standing::Unlikely)),
        // Nobody answered: nothing is known.
        (&[], None),
    ] {
        let hop = looked_at(repeats, None, None);
        assert_eq!(
            standing(&hop, Cause::PoolInconsistent),
            expected,
            "{repeats:?}"
        );
    }
}

#[test]
fn a_small_group_counts_by_how_easily_it_is_met() {
    for (preferred, on_demand, expected) in [
        (Some(768), None, Some(Standing::Possible)),
        (Some(1024), None, Some(Standing::Possible)),
        (Some(2048), None, None),
        // Nobody meets it who has anything else to offer.
        (None, Some(768), Some(Standing::Possible)),
        (None, Some(1024), Some(Standing::Unlikely)),
        (None, Some(2048), None),
        (None, None, None),
    ] {
        let hop = looked_at(&[true], preferred, on_demand);
        assert_eq!(
            standing(&hop, Cause::DhTooSmall),
            expected,
            "{preferred:?} {on_demand:?}"
        );
    }
}

#[test]
fn l5_a_server_with_old_tls_is_never_called_one_without() {
    let mut probe = mx1(
        SOON,
        Does::FailsHandshake(Kind::HandshakeIncompatible, None),
    );
    Arc::make_mut(&mut probe.hosts[0].endpoints[0]).raw_hello =
        Some(crate::observed::endpoint::RawHello {
            version: Some(crate::tls::parameters::TlsVersion::Tls10),
            suite: Some(0x002f),
            ..Default::default()
        });
    let hop = of_clear(&clear_with(|_| ()), &[probe]);
    assert_eq!(hop.causes[0].cause, Cause::ServerLegacyVersion);
    let texts = || {
        hop.causes
            .iter()
            .flat_map(|c| c.for_.iter().chain(&c.against))
    };
    for text in texts() {
        assert!(
            !text.contains("no TLS") && !text.contains("lacks"),
            "{text}"
        );
    }
    assert!(texts().any(|text| {
        text == "mx1.partner.example gave a probe only TLS that this client does not speak"
    }));
}

#[test]
fn a_second_handshake_and_an_odd_key_are_causes_too() {
    let mut probe = mx1(SOON, Does::Tls);
    let endpoint = Arc::make_mut(&mut probe.hosts[0].endpoints[0]);
    endpoint.large_hello = Some(Box::new(crate::failure::Failure::new(
        crate::failure::Stage::Handshake,
        Kind::ClosedByPeer,
        "mx1 closed the connection in the middle of the handshake",
    )));
    let hop = of_clear(&clear_with(|_| ()), &[probe]);
    assert_eq!(
        standing(&hop, Cause::HelloIntolerance),
        Some(Standing::Possible)
    );
    let mut probe = mx1(SOON, Does::Tls);
    if let Attempt::Done(handshake) = &mut Arc::make_mut(&mut probe.hosts[0].endpoints[0]).handshake
    {
        handshake.chain[0].key.algorithm = "RSA".into();
        handshake.chain[0].key.bits = 1024;
        handshake.chain[0].key.curve = None;
    }
    let hop = of_clear(&clear_with(|_| ()), &[probe]);
    assert_eq!(
        standing(&hop, Cause::CertificateKeyRefused),
        Some(Standing::Possible)
    );
}

#[test]
fn e2_e5_a_receiver_that_gives_tls_leaves_the_sender_and_the_path() {
    let hop = of_clear(&clear_with(|_| ()), &[mx1(SOON, Does::Tls)]);
    assert_eq!(hop.causes[0].cause, Cause::SenderDidNotTry);
    assert_eq!(hop.causes[0].standing, Standing::Likely);
    assert_eq!(
        hop.causes[0].for_,
        ["mx1.partner.example offers STARTTLS now; our handshake succeeded, TLSv1.3"]
    );
    for (cause, expected) in [
        (Cause::StarttlsStrippedInTransit, Standing::Possible),
        (Cause::SenderFellBack, Standing::Possible),
        (Cause::StarttlsNotOffered, Standing::Unlikely),
        (Cause::HandshakeFailsForAll, Standing::Unlikely),
        (Cause::TlsNotRecorded, Standing::RuledOut),
        (Cause::InsideOneNetwork, Standing::RuledOut),
        (Cause::CertificateInvalidForPolicy, Standing::RuledOut),
    ] {
        assert_eq!(standing(&hop, cause), Some(expected), "{}", cause.word());
    }
    // Long after, even that is only possible: the mail was sent another day.
    let late = of_clear(&clear_with(|_| ()), &[mx1(LATE, Does::Tls)]);
    assert_eq!(late.causes[0].cause, Cause::SenderDidNotTry);
    assert_eq!(late.causes[0].standing, Standing::Possible);
    assert_eq!(
        standing(&late, Cause::StarttlsNotOffered),
        Some(Standing::Possible)
    );
    // A probe never changes what the line itself says.
    assert_eq!(late.conclusion.state, ConclusionState::Cleartext);
    assert_eq!(late.conclusion.standing, Standing::Likely);
}

#[test]
fn a_failed_handshake_explains_cleartext_with_some_senders_only() {
    let broken = mx1(SOON, Does::FailsHandshake(Kind::HandshakeNotTls, None));
    for (software, delay, fell_back, fails) in [
        ("Exim", 1, Standing::Likely, Standing::Likely),
        ("OpenSMTPD", 1, Standing::Likely, Standing::Likely),
        ("Postfix", 900, Standing::Likely, Standing::Likely),
        ("Postfix", 2, Standing::Unlikely, Standing::Possible),
        ("Stalwart", 2, Standing::Unlikely, Standing::Possible),
        ("KumoMTA", 900, Standing::Unlikely, Standing::Possible),
        ("Sendmail", 900, Standing::Unlikely, Standing::Possible),
        ("Courier", 900, Standing::Unlikely, Standing::Possible),
    ] {
        let hop = of_clear(&sent_by(software, delay), std::slice::from_ref(&broken));
        assert_eq!(
            standing(&hop, Cause::SenderFellBack),
            Some(fell_back),
            "{software} after {delay} s"
        );
        assert_eq!(
            standing(&hop, Cause::HandshakeFailsForAll),
            Some(fails),
            "{software} after {delay} s"
        );
    }
    // An unknown sender may do so.
    let hop = of_clear(&clear_with(|_| ()), &[broken]);
    assert_eq!(
        standing(&hop, Cause::SenderFellBack),
        Some(Standing::Possible)
    );
}

#[test]
fn a_sender_that_uses_tls_by_default_is_less_likely_not_to_have_tried() {
    let sound = [mx1(SOON, Does::Tls)];
    let exim = of_clear(&sent_by("Exim", 1), &sound);
    assert_eq!(
        standing(&exim, Cause::SenderDidNotTry),
        Some(Standing::Possible)
    );
    let postfix = of_clear(&sent_by("Postfix", 1), &sound);
    assert_eq!(
        standing(&postfix, Cause::SenderDidNotTry),
        Some(Standing::Likely)
    );
    let qmail = of_clear(&sent_by("qmail", 1), &sound);
    assert_eq!(standing(&qmail, Cause::SenderDidNotTry), None);
    assert_eq!(qmail.causes[0].cause, Cause::SenderCannotTls);
    let kumo = of_clear(&sent_by("KumoMTA", 1), &sound);
    assert_eq!(
        standing(&kumo, Cause::SenderRemembersFailure),
        Some(Standing::Possible)
    );
}

#[test]
fn the_host_the_address_and_the_family_that_took_the_mail_count() {
    // A backup lacks it and took the mail.
    let backup = observed(
        "partner.example",
        SOON,
        &[
            ("mx0.partner.example", &[("192.0.2.24", Does::Tls)]),
            ("mx1.partner.example", &[("192.0.2.25", Does::NoStarttls)]),
        ],
    );
    let hop = of_clear(&clear_with(|_| ()), std::slice::from_ref(&backup));
    assert_eq!(
        standing(&hop, Cause::BackupMxTookIt),
        Some(Standing::Likely)
    );
    assert_eq!(standing(&hop, Cause::MxHostDiffers), Some(Standing::Likely));
    // The good one took it: then the bad one is no explanation.
    let hop = of_clear(
        &clear_with(|line| line.by = "mx0.partner.example"),
        &[backup],
    );
    assert_eq!(
        standing(&hop, Cause::MxHostDiffers),
        Some(Standing::Unlikely)
    );
    assert_eq!(hop.causes[0].cause, Cause::SenderDidNotTry);
    // One family lacks it; the client's address tells the family.
    let families = observed(
        "partner.example",
        SOON,
        &[(
            "mx1.partner.example",
            &[
                ("192.0.2.25", Does::Tls),
                ("2001:db8::25", Does::NoStarttls),
            ],
        )],
    );
    let six = clear_with(|line| line.from.2 = "2001:db8:7::7");
    let hop = of_clear(&six, std::slice::from_ref(&families));
    assert_eq!(
        standing(&hop, Cause::AddressFamilyDiffers),
        Some(Standing::Likely)
    );
    let hop = of_clear(&clear_with(|_| ()), &[families]);
    assert_eq!(
        standing(&hop, Cause::AddressFamilyDiffers),
        Some(Standing::RuledOut)
    );
    assert_eq!(hop.causes[0].cause, Cause::SenderDidNotTry);
}

#[test]
fn a_probe_meets_a_hop_by_the_closest_name() {
    let hosts: &[(&str, &[(&str, Does)])] =
        &[("mx1.partner.example", &[("192.0.2.25", Does::Tls)])];
    for (by, expected) in [
        ("mx1.partner.example", MatchedBy::HostName),
        ("MX1.Partner.Example.", MatchedBy::HostName),
        ("node7.pool.example", MatchedBy::CertificateName),
        ("a.b.pool.example", MatchedBy::None),
        ("in4.partner.example", MatchedBy::Pool),
        ("mailfilter", MatchedBy::MxSet),
        ("mx.elsewhere.example", MatchedBy::None),
    ] {
        let chain = clear_with(|line| line.by = by);
        let hop = of_clear(&chain, &[observed("partner.example", SOON, hosts)]);
        let probed = hop.probed.as_ref().unwrap();
        assert_eq!(probed.matched_by, expected, "{by}");
        assert_eq!(probed.age_days, 2);
        assert_eq!(
            standing(&hop, Cause::ReceiverNotInMx),
            match expected {
                MatchedBy::None => Some(Standing::Likely),
                MatchedBy::Pool => Some(Standing::Possible),
                _ => None,
            },
            "{by}"
        );
    }
    // A probe of another domain says nothing of this hop.
    let hop = of_clear(&clear_with(|_| ()), &[observed("other.example", SOON, &[])]);
    assert_eq!(hop.probed, None);
}

#[test]
fn a_host_asked_by_its_name_speaks_though_it_is_in_no_mx_set() {
    let chain = clear_with(|line| line.by = "gate.partner.example");
    let mut gate = observed(
        "gate.partner.example",
        SOON,
        &[("gate.partner.example", &[("192.0.2.30", Does::NoStarttls)])],
    );
    gate.mx = Attempt::Skipped(crate::attempt::Because::NotAsked);
    let domain = observed(
        "partner.example",
        SOON,
        &[("mx.elsewhere.example", &[("192.0.2.99", Does::Tls)])],
    );
    let hop = of_clear(&chain, &[domain, gate]);
    assert_eq!(hop.probed.as_ref().unwrap().matched_by, MatchedBy::HostName);
    assert_eq!(hop.causes[0].cause, Cause::StarttlsNotOffered);
    assert_eq!(
        standing(&hop, Cause::ReceiverNotInMx),
        Some(Standing::Possible)
    );
    assert_eq!(
        standing(&hop, Cause::MxMovedSince),
        Some(Standing::Possible)
    );
}

#[test]
fn trouble_here_says_nothing_of_the_receiver() {
    let mut control = mx1(SOON, Does::TimesOut);
    control.control = Attempt::failed(Failure::new(
        Stage::Control,
        Kind::Port25Blocked,
        "port 25 is blocked here",
    ));
    let mut rewritten = mx1(SOON, Does::NoStarttls);
    rewritten.control = control.control.clone();
    for probe in [control, rewritten, mx1(SOON, Does::Blocked)] {
        let chain = clear_with(|_| ());
        let explanation = explained(&chain, std::slice::from_ref(&probe));
        assert!(explanation.trouble_here);
        let hop = &explanation.hops[0];
        assert_eq!(
            standing(hop, Cause::ProbeBlockedHere),
            Some(Standing::Likely)
        );
        assert!(
            hop.next
                .iter()
                .any(|step| step.starts_with("run elsewhere: "))
        );
        for ranked in &hop.causes {
            assert!(
                ranked.cause == Cause::ProbeBlockedHere || ranked.standing > Standing::Likely,
                "{ranked:?}"
            );
        }
    }
    // A receiver that does not answer is not seen, and that is no trouble here.
    let silent = explained(&clear_with(|_| ()), &[mx1(SOON, Does::TimesOut)]);
    assert!(!silent.trouble_here);
    assert_ne!(
        standing(&silent.hops[0], Cause::StarttlsNotOffered),
        Some(Standing::Likely)
    );
}

#[test]
fn helo_and_greetings_explain_only_what_the_line_allows() {
    let helo = [mx1(SOON, Does::HeloOnly)];
    let hop = of_clear(&clear_with(|line| line.with = "SMTP"), &helo);
    assert_eq!(hop.causes[0].cause, Cause::EhloRefused);
    assert_eq!(hop.causes[0].standing, Standing::Likely);
    let hop = of_clear(&clear_with(|_| ()), &helo);
    assert_eq!(standing(&hop, Cause::EhloRefused), Some(Standing::RuledOut));

    let mut bare = mx1(SOON, Does::NoStarttls);
    let Attempt::Done(greeting) = &mut Arc::make_mut(&mut bare.hosts[0].endpoints[0]).greeting
    else {
        unreachable!()
    };
    greeting.lines = vec![b"220 mx1 ready".to_vec()];
    let hop = of_clear(
        &clear_with(|line| line.with = "SMTP"),
        std::slice::from_ref(&bare),
    );
    assert_eq!(
        standing(&hop, Cause::GreetingLacksEsmtp),
        Some(Standing::Possible)
    );
    let hop = of_clear(&clear_with(|_| ()), &[bare]);
    assert_eq!(standing(&hop, Cause::GreetingLacksEsmtp), None);
}

#[test]
fn an_odd_client_that_says_helo_may_not_know_tls() {
    let chain = clear_with(|line| {
        line.from = ("User", "", "203.0.113.247");
        line.with = "SMTP";
    });
    let hop = of_clear(&chain, &[mx1(SOON, Does::Tls)]);
    let cannot = find(&hop, Cause::SenderCannotTls).unwrap();
    assert_eq!(cannot.standing, Standing::Possible);
    assert!(cannot.for_.iter().any(|text| text.contains("\"User\"")));
    // Postfix adds the S for EHLO only: silence with SMTP is no proof.
    assert_ne!(
        standing(&hop, Cause::TlsNotRecorded),
        Some(Standing::RuledOut)
    );
}

#[test]
fn a_bad_certificate_explains_nothing_of_a_sender_that_does_not_look() {
    let bad = mx1(SOON, Does::BadCertificate);
    let hop = of_clear(&clear_with(|_| ()), std::slice::from_ref(&bad));
    assert_eq!(
        standing(&hop, Cause::CertificateInvalidForPolicy),
        Some(Standing::Unlikely)
    );
    let hop = of_clear(&clear_with(|_| ()), &[with_sts(bad, StsMode::Enforce)]);
    assert_eq!(
        standing(&hop, Cause::CertificateInvalidForPolicy),
        Some(Standing::Possible)
    );
}

#[test]
fn a_certificate_younger_than_the_hop_is_a_hint_that_things_changed() {
    let young = mx1(LATE, Does::TlsSince("2026-11-10T00:00:00Z"));
    let hop = of_clear(&clear_with(|_| ()), &[young]);
    let changed = find(&hop, Cause::ReceiverChangedSince).unwrap();
    assert_eq!(changed.standing, Standing::Possible);
    assert_eq!(
        changed.for_,
        ["its certificate was issued on 2026-11-10, after the hop"]
    );
    let old = of_clear(&clear_with(|_| ()), &[mx1(LATE, Does::Tls)]);
    assert_eq!(standing(&old, Cause::ReceiverChangedSince), None);
}

#[test]
fn a_greylisting_receiver_explains_a_delay_not_cleartext() {
    let hop = of_clear(&sent_by("Postfix", 900), &[mx1(SOON, Does::Greylists)]);
    let grey = find(&hop, Cause::GreylistedOrDeferred).unwrap();
    assert_eq!(grey.standing, Standing::Possible);
    assert!(grey.for_.iter().any(|text| text == "the hop took 15 min"));
    assert!(!grey.against.is_empty());
}

#[test]
fn headers_alone_rank_causes_and_a_witness_moves_them() {
    let alone = of_clear(&clear_with(|_| ()), &[]);
    assert_eq!(alone.causes[0].cause, Cause::SenderDidNotTry);
    assert_eq!(alone.probed, None);
    assert!(
        alone
            .causes
            .iter()
            .all(|ranked| ranked.standing >= Standing::Possible)
    );
    assert!(
        alone
            .next
            .iter()
            .any(|step| step.starts_with("run a probe: "))
    );
    let seen = "mx1.partner.example recorded TLS in witness.eml";
    let chain = clear_with(|line| {
        line.evidence
            .push(says(EvidenceKind::Witness, Says::Tls, seen));
    });
    let hop = of_clear(&chain, &[]);
    assert_eq!(hop.causes[0].cause, Cause::SenderDidNotTry);
    assert_eq!(hop.causes[0].for_, [seen]);
    assert_eq!(
        standing(&hop, Cause::StarttlsNotOffered),
        Some(Standing::Unlikely)
    );
    assert_eq!(
        standing(&hop, Cause::StarttlsOfferedSelectively),
        Some(Standing::Possible)
    );
}

#[test]
fn silence_is_never_turned_into_proof() {
    let silent = clear_with(|line| {
        line.state = TlsState::Unstated;
        line.standing = None;
        line.software = Some(("Amazon SES", RecordsTls::Never));
        line.evidence.clear();
    });
    for (probes, state, answer) in [
        (vec![], ConclusionState::Unknown, Answer::Unknown),
        (
            vec![mx1(SOON, Does::Tls)],
            ConclusionState::Unknown,
            Answer::Unknown,
        ),
        (
            vec![mx1(SOON, Does::NoStarttls)],
            ConclusionState::Cleartext,
            Answer::Unknown,
        ),
    ] {
        let explanation = explained(&silent, &probes);
        let hop = &explanation.hops[0];
        assert_eq!(hop.conclusion.state, state);
        assert_eq!(hop.conclusion.standing, Standing::Possible);
        assert_eq!(explanation.answer, answer);
        assert_eq!(
            standing(hop, Cause::TlsNotRecorded),
            Some(Standing::Likely),
            "{state:?}"
        );
        for ranked in &hop.causes {
            assert!(
                !crate::explain::causes::is_beyond_receiver(ranked.cause)
                    || ranked.standing >= Standing::Possible
            );
        }
    }
}

#[test]
fn p3_a_line_anybody_could_have_written_makes_nothing_likely() {
    let below = |line: &mut Line| {
        line.trusted = Trust::Below;
        line.standing = Some(Standing::Possible);
    };
    let chain = clear_with(below);
    let explanation = explained(&chain, &[mx1(SOON, Does::NoStarttls)]);
    let hop = &explanation.hops[0];
    // Its place alone does not show that it was forged.
    assert_eq!(hop.causes[0].cause, Cause::StarttlsNotOffered);
    assert_eq!(
        standing(hop, Cause::HeaderUntrusted),
        Some(Standing::Possible)
    );
    assert!(hop.causes.iter().all(|r| r.standing >= Standing::Possible));
    assert_eq!(explanation.answer, Answer::Unknown);
    // Two signs of forgery do.
    let mut chain = clear_with(below);
    for kind in [GapKind::TimeReversed, GapKind::NameMismatch] {
        chain.gaps.push(Gap {
            between: (0, 1),
            kind,
            text: kind.word().into(),
        });
    }
    let hop = of_clear(&chain, &[mx1(SOON, Does::NoStarttls)]);
    assert_eq!(hop.causes[0].cause, Cause::HeaderUntrusted);
    assert_eq!(hop.causes[0].standing, Standing::Likely);
}

#[test]
fn hops_inside_need_no_cause_but_their_place() {
    for (change, state, cause) in [
        (
            (|line: &mut Line| {
                line.from.2 = "127.0.0.1";
                line.leg = Leg::Local;
            }) as fn(&mut Line),
            ConclusionState::Inside,
            Cause::InsideOneHost,
        ),
        (
            |line| {
                line.from.2 = "10.1.2.3";
                line.leg = Leg::Internal;
            },
            ConclusionState::Inside,
            Cause::InsideOneNetwork,
        ),
        (
            |line| {
                line.from = ("a.partner.example", "a.partner.example", "192.0.2.9");
                line.leg = Leg::Internal;
            },
            ConclusionState::Inside,
            Cause::InsideOneOrganisation,
        ),
        (
            |line| {
                line.with = "HTTP";
                line.leg = Leg::Local;
            },
            ConclusionState::NotSmtp,
            Cause::NotSmtp,
        ),
    ] {
        let chain = clear_with(change);
        let explanation = explained(&chain, &[]);
        let hop = &explanation.hops[0];
        assert_eq!(hop.conclusion.state, state);
        assert_eq!(hop.causes[0].cause, cause);
        assert_eq!(hop.causes[0].standing, Standing::Likely);
        assert!(hop.next.is_empty());
        assert_eq!(explanation.answer, Answer::Yes);
    }
}

#[test]
fn q3_a_proxy_a_gap_and_a_waived_requirement_are_named() {
    let mut chain = clear_with(|line| {
        line.from = ("out7.relay.example", "", "10.0.0.5");
        line.leg = Leg::Unknown;
    });
    chain.message.tls_not_required = true;
    chain.gaps.push(Gap {
        between: (0, 1),
        kind: GapKind::MissingLink,
        text: "a line is missing".into(),
    });
    let hop = of_clear(&chain, &[]);
    assert_eq!(
        standing(&hop, Cause::TlsEndedAtProxy),
        Some(Standing::Likely)
    );
    assert_eq!(standing(&hop, Cause::ChainBroken), Some(Standing::Possible));
    assert_eq!(
        standing(&hop, Cause::TlsNotRequiredByMessage),
        Some(Standing::Possible)
    );
}

#[test]
fn a_submission_without_tls_is_not_held_against_port_25() {
    let chain = clear_with(|line| {
        line.leg = Leg::Submission;
        line.with = "ESMTPA";
    });
    assert!(targets(&chain, &Limits::default()).is_empty());
    let hop = of_clear(&chain, &[mx1(SOON, Does::NoStarttls)]);
    assert_eq!(hop.probed, None);
    assert_eq!(standing(&hop, Cause::StarttlsNotOffered), None);
    assert_eq!(
        standing(&hop, Cause::SubmissionWordTooOld),
        Some(Standing::Possible)
    );
}

#[test]
fn no_cause_passes_its_ceiling_in_any_world() {
    let worlds = [
        Does::Tls,
        Does::NoStarttls,
        Does::Masked,
        Does::HeloOnly,
        Does::Refuses(454),
        Does::Refuses(502),
        Does::FailsHandshake(Kind::HandshakeNotTls, None),
        Does::Greylists,
        Does::TimesOut,
        Does::Blocked,
        Does::BadCertificate,
    ];
    for does in worlds {
        for at in [SOON, LATE, "2026-10-01T00:00:00Z"] {
            for chain in [invoice(), sent_by("Exim", 1), sent_by("Haraka", 900)] {
                for hop in explained(&chain, &[mx1(at, does)]).hops {
                    assert!(hop.conclusion.standing >= Standing::Likely);
                    for ranked in hop.causes {
                        assert!(ranked.standing >= ranked.cause.ceiling(), "{ranked:?}");
                        assert!(ranked.standing > Standing::Proved, "{ranked:?}");
                        assert!(
                            !(ranked.for_.is_empty() && ranked.against.is_empty()),
                            "{ranked:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn every_open_hop_asks_for_its_domain_and_its_host() {
    let asked = targets(&invoice(), &Limits::default());
    let what: Vec<String> = asked
        .iter()
        .map(|target| match &target.what {
            Asked::Domain(domain) => format!("domain {domain} for {:?}", target.hops),
            Asked::Host(host) => format!("host {host} for {:?}", target.hops),
            Asked::Records(domain) => format!("records {domain} for {:?}", target.hops),
        })
        .collect();
    assert_eq!(
        what,
        [
            "domain partner.example for [3]",
            "host mx1.partner.example for [3]"
        ]
    );
    assert!(is_answered(&asked[1], &[mx1(SOON, Does::Tls)]));
    assert!(is_answered(&asked[0], &[mx1(SOON, Does::Tls)]));
    assert!(!is_answered(
        &asked[1],
        &[observed("partner.example", SOON, &[])]
    ));
}

#[test]
fn a_hostile_message_makes_no_scan() {
    // Names below the boundary, special names, addresses.
    for (by, trusted) in [
        ("victim.example", Trust::Below),
        ("victim.example", Trust::Unknown),
        ("localhost", Trust::Own),
        ("server.local", Trust::Own),
        ("10.0.0.1", Trust::Own),
        ("[192.0.2.1]", Trust::Own),
        ("1.0.0.127.in-addr.arpa", Trust::Own),
        ("a b", Trust::Own),
        ("\u{1b}[31m.example", Trust::Own),
    ] {
        let chain = clear_with(|line| {
            line.by = by;
            line.trusted = trusted;
            line.for_ = "";
        });
        assert_eq!(targets(&chain, &Limits::default()), [], "{by}");
    }
    // Thousands of lines, each with another name.
    let lines = (0..2_000)
        .map(|i| {
            let mut line = clear_hop();
            line.by = Box::leak(format!("mx{i}.partner{i}.example").into_boxed_str());
            line.for_ = Box::leak(format!("a@partner{i}.example").into_boxed_str());
            line
        })
        .collect();
    let chain = chain(lines);
    let limits = Limits {
        max_hosts: 3,
        probe_private: false,
    };
    assert_eq!(targets(&chain, &limits).len(), 3);
    let explanation = explained(&chain, &[mx1(SOON, Does::Tls)]);
    assert_eq!(explanation.hops.len(), 2_000);
}

#[test]
fn observations_of_the_past_speak_where_they_stand_nearer() {
    let past = Past {
        earlier: vec![mx1("2026-11-02T00:00:00Z", Does::NoStarttls)],
        ..Past::default()
    };
    let chain = clear_with(|_| ());
    let explanation = explain(&chain, &[mx1(LATE, Does::Tls)], &past);
    let hop = &explanation.hops[0];
    let probed = hop.probed.as_ref().unwrap();
    assert_eq!(probed.from, crate::explain::ObservedFrom::History);
    assert_eq!(hop.causes[0].cause, Cause::StarttlsNotOffered);
    assert_eq!(
        standing(hop, Cause::ReceiverChangedSince),
        Some(Standing::Likely)
    );
}
