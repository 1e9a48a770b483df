//! Every published cause with a small world in which its rule speaks for it,
//! and the standing that it gets there. A cause that is added without a world
//! does not compile.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::RULES;
use crate::answer::Standing::{self, Likely, Possible};
use crate::attempt::{Attempt, Because};
use crate::explain::literal::*;
use crate::explain::traffic::Traffic;
use crate::explain::{Past, explain};
use crate::failure::{Failure, Kind, Stage};
use crate::finding::{Cause, Code, Finding};
use crate::observed::domain::{
    Dnssec, DomainObservation, MxRecord, StsMode, StsRecord, Tlsa, TlsaRecord,
};
use crate::observed::statement::{Said, StatedBy, Statement, WhyNot};
use crate::tls::parameters::TlsVersion;
use crate::trace::chain::{Chain, Gap, GapKind, Leg, RecordsTls, Trust};
use crate::trace::evidence::{EvidenceKind, Says, TlsState};

/// Two days after the hop, and eighteen.
const SOON: &str = "2026-11-05T10:00:00Z";
const LATE: &str = "2026-11-21T23:10:00Z";
/// A day before the hop.
const BEFORE: &str = "2026-11-02T09:00:00Z";

/// A message, what was seen of it, and what is known besides.
#[derive(Default)]
struct World {
    chain: Option<Chain>,
    probes: Vec<DomainObservation>,
    past: Past,
}

fn of(chain: Chain) -> World {
    World {
        chain: Some(chain),
        ..World::default()
    }
}

impl World {
    fn seeing(mut self, probe: DomainObservation) -> Self {
        self.probes.push(probe);
        self
    }

    fn after(mut self, earlier: DomainObservation) -> Self {
        self.past.earlier.push(earlier);
        self
    }

    fn among(mut self, messages: Vec<Chain>) -> Self {
        let chain = self.chain.clone();
        self.past.traffic = Traffic::gather(messages.iter().chain(&chain));
        self
    }
}

fn plain() -> Chain {
    clear_with(|_| ())
}

fn mx1(at: &str, does: Does) -> DomainObservation {
    observed(
        "partner.example",
        at,
        &[("mx1.partner.example", &[("192.0.2.25", does)])],
    )
}

fn alert(name: &'static str) -> Does {
    Does::FailsHandshake(Kind::HandshakeAlert, Some(name))
}

/// The hop after a line that this software wrote.
fn sent_by(software: &'static str, delay: i64) -> Chain {
    let mut before = clear_hop();
    before.from = ("smtp.acme.example", "smtp.acme.example", "198.51.100.25");
    before.by = "out7.relay.example";
    before.with = "ESMTPS";
    before.id = "before";
    before.software = Some((software, RecordsTls::Always));
    before.trusted = Trust::Vouched;
    before.state = TlsState::Encrypted;
    let mut hop = clear_hop();
    hop.delay = delay;
    chain(vec![before, hop])
}

/// Another message from the same sender.
fn another(by: &'static str, at: &'static str, tls: bool) -> Chain {
    clear_with(|line| {
        line.by = by;
        line.at = at;
        line.id = "another";
        if tls {
            line.with = "ESMTPS";
            line.state = TlsState::Encrypted;
            line.version = Some(TlsVersion::Tls13);
        }
    })
}

/// From somebody else to the same receiver.
fn from_others(at: &'static str, version: TlsVersion) -> Chain {
    clear_with(|line| {
        line.from = ("mx.other.example", "mx.other.example", "198.51.100.200");
        line.at = at;
        line.id = "others";
        line.with = "ESMTPS";
        line.state = TlsState::Encrypted;
        line.version = Some(version);
    })
}

fn witnessed(line: &mut Line) {
    line.evidence.push(says(
        EvidenceKind::Witness,
        Says::NoTls,
        "mx1.partner.example recorded TLS in 3 of 4 other messages",
    ));
}

fn with_gap(mut chain: Chain, kind: GapKind) -> Chain {
    chain.gaps.push(Gap {
        between: (0, 1),
        kind,
        text: kind.word().into(),
    });
    chain
}

fn failing_control(mut probe: DomainObservation, kind: Kind) -> DomainObservation {
    probe.control = Attempt::failed(Failure::new(
        Stage::Control,
        kind,
        "the control host's STARTTLS did not reach us",
    ));
    probe
}

fn with_id(mut probe: DomainObservation, id: &str) -> DomainObservation {
    probe.mta_sts.record = Attempt::Done(StsRecord {
        txt: Vec::new(),
        id: Some(id.into()),
    });
    probe
}

fn with_tlsa(mut probe: DomainObservation, data: u8) -> DomainObservation {
    probe.hosts[0].tlsa = Attempt::Done(Tlsa {
        dnssec: Dnssec::Secure,
        base_domain: "mx1.partner.example".into(),
        records: vec![TlsaRecord {
            usage: 3,
            selector: 1,
            matching: 1,
            data: vec![data; 32],
            usable: true,
        }],
    });
    probe
}

fn heard(mut probe: DomainObservation, words: &str) -> DomainObservation {
    let Attempt::Failed(failure) = &mut Arc::make_mut(&mut probe.hosts[0].endpoints[0]).starttls
    else {
        unreachable!()
    };
    failure.heard = Some(words.as_bytes().to_vec());
    probe
}

/// The world of a cause, and the standing it has there. None where another
/// part of this folder holds its rule and its world.
#[expect(clippy::too_many_lines, reason = "one arm for each cause")]
fn world(cause: Cause) -> Option<(World, Standing)> {
    let sound = || mx1(SOON, Does::Tls);
    let two_hosts = || {
        observed(
            "partner.example",
            SOON,
            &[
                ("mx0.partner.example", &[("192.0.2.24", Does::Tls)]),
                ("mx1.partner.example", &[("192.0.2.25", Does::NoStarttls)]),
            ],
        )
    };
    Some(match cause {
        Cause::StarttlsNotOffered => (of(plain()).seeing(mx1(SOON, Does::NoStarttls)), Likely),
        Cause::StarttlsOfferedSelectively => (
            of(plain()).seeing(sound()).among(vec![
                from_others(BEFORE, TlsVersion::Tls13),
                from_others(SOON, TlsVersion::Tls13),
            ]),
            Possible,
        ),
        Cause::ReceiverRemembersFailure => (
            of(clear_with(|line| {
                line.software = Some(("Haraka", RecordsTls::Always));
            })),
            Possible,
        ),
        Cause::StarttlsTemporarilyRefused => {
            (of(plain()).seeing(mx1(SOON, Does::Refuses(454))), Likely)
        }
        Cause::StarttlsRefused => (of(plain()).seeing(mx1(SOON, Does::Refuses(502))), Likely),
        Cause::HandshakeFailsForAll => (
            of(plain()).seeing(mx1(SOON, Does::FailsHandshake(Kind::HandshakeNotTls, None))),
            Likely,
        ),
        Cause::ServerLegacyVersion => (
            of(plain()).seeing(mx1(SOON, alert("protocol_version"))),
            Possible,
        ),
        Cause::SuitesIncompatible => (
            of(plain()).seeing(mx1(SOON, alert("handshake_failure"))),
            Possible,
        ),
        // Rules over a hello made by hand and over repeated handshakes.
        Cause::DhTooSmall
        | Cause::CertificateKeyRefused
        | Cause::HelloIntolerance
        | Cause::PoolInconsistent => return None,
        Cause::ClientCertificateDemanded => (
            of(plain()).seeing(mx1(SOON, alert("certificate_required"))),
            Possible,
        ),
        Cause::CertificateInvalidForPolicy => (
            of(plain()).seeing(with_sts(mx1(SOON, Does::BadCertificate), StsMode::Enforce)),
            Possible,
        ),
        Cause::StarttlsMaskedNearReceiver => (of(plain()).seeing(mx1(SOON, Does::Masked)), Likely),
        Cause::StarttlsStrippedInTransit => (of(plain()).seeing(sound()), Possible),
        Cause::MxHostDiffers | Cause::BackupMxTookIt => (of(plain()).seeing(two_hosts()), Likely),
        Cause::AddressFamilyDiffers => (
            of(clear_with(|line| line.from.2 = "2001:db8:7::7")).seeing(observed(
                "partner.example",
                SOON,
                &[(
                    "mx1.partner.example",
                    &[
                        ("192.0.2.25", Does::Tls),
                        ("2001:db8::25", Does::NoStarttls),
                    ],
                )],
            )),
            Likely,
        ),
        Cause::GreylistedOrDeferred => (of(plain()).seeing(mx1(SOON, Does::Greylists)), Possible),
        Cause::EhloRefused => (
            of(clear_with(|line| line.with = "SMTP")).seeing(mx1(SOON, Does::HeloOnly)),
            Likely,
        ),
        Cause::GreetingLacksEsmtp => {
            let mut probe = sound();
            let Attempt::Done(greeting) =
                &mut Arc::make_mut(&mut probe.hosts[0].endpoints[0]).greeting
            else {
                unreachable!()
            };
            greeting.lines = vec![b"220 mx1 ready".to_vec()];
            (
                of(clear_with(|line| line.with = "SMTP")).seeing(probe),
                Possible,
            )
        }
        Cause::ReceiverNotInMx => (
            of(clear_with(|line| line.by = "mx.elsewhere.example")).seeing(sound()),
            Likely,
        ),
        Cause::ReceiverOverloaded => (
            of(plain()).seeing(heard(
                mx1(SOON, Does::Refuses(454)),
                "454 4.7.0 Error: too many new TLS sessions from 203.0.113.9",
            )),
            Possible,
        ),
        Cause::SenderDidNotTry => (of(plain()).seeing(sound()), Likely),
        Cause::SenderCannotTls => (of(sent_by("qmail", 1)).seeing(sound()), Likely),
        Cause::SenderFellBack => (
            of(sent_by("Exim", 1))
                .seeing(mx1(SOON, Does::FailsHandshake(Kind::HandshakeNotTls, None))),
            Likely,
        ),
        Cause::SenderRemembersFailure => (
            of(plain()).seeing(sound()).among(vec![
                another("mx1.partner.example", "2026-11-01T09:00:00Z", true),
                another("mx1.partner.example", BEFORE, false),
            ]),
            Possible,
        ),
        Cause::SenderExemptsDomain => (
            of(plain()).seeing(sound()).among(vec![
                another("mx1.partner.example", BEFORE, false),
                another("mx.third.example", BEFORE, true),
                another("mx.fourth.example", "2026-11-03T11:00:00Z", true),
                another("mx.third.example", SOON, true),
            ]),
            Likely,
        ),
        Cause::SenderLibraryTooNew => (
            of(sent_by("Stalwart", 1)).seeing(mx1(SOON, alert("protocol_version"))),
            Likely,
        ),
        Cause::TlsNotRequiredByMessage => {
            let mut chain = plain();
            chain.message.tls_not_required = true;
            (of(chain), Possible)
        }
        Cause::SenderShortOfResources => (
            of(plain()).among(vec![
                another("mx.third.example", "2026-11-03T09:20:00Z", false),
                another("mx.fourth.example", "2026-11-03T09:25:00Z", false),
                another("mx.third.example", SOON, true),
            ]),
            Possible,
        ),
        Cause::StarttlsStrippedNearSender => {
            let probe = failing_control(mx1(SOON, Does::NoStarttls), Kind::StarttlsMasked);
            // The probe leaves from 203.0.113.9, beside the sender.
            (of(plain()).seeing(probe), Likely)
        }
        Cause::TlsNotRecorded => (
            of(clear_with(|line| {
                line.state = TlsState::Unstated;
                line.standing = None;
                line.software = Some(("Amazon SES", RecordsTls::Never));
                line.evidence.clear();
            })),
            Likely,
        ),
        Cause::TlsEndedAtProxy => (
            of(clear_with(|line| {
                line.from = ("out7.relay.example", "", "10.0.0.5");
                line.leg = Leg::Unknown;
            })),
            Likely,
        ),
        Cause::InsideOneHost => (
            of(clear_with(|line| {
                line.from.2 = "127.0.0.1";
                line.leg = Leg::Local;
            })),
            Likely,
        ),
        Cause::InsideOneNetwork => (
            of(clear_with(|line| {
                line.from.2 = "10.1.2.3";
                line.leg = Leg::Internal;
            })),
            Likely,
        ),
        Cause::InsideOneOrganisation => (
            of(clear_with(|line| {
                line.from = ("a.partner.example", "a.partner.example", "192.0.2.9");
                line.leg = Leg::Internal;
            })),
            Likely,
        ),
        Cause::NotSmtp => (
            of(clear_with(|line| {
                line.with = "HTTP";
                line.leg = Leg::Local;
            })),
            Likely,
        ),
        Cause::SubmissionWordTooOld => (
            of(clear_with(|line| {
                line.leg = Leg::Submission;
                line.with = "ESMTPA";
            })),
            Possible,
        ),
        Cause::HeaderUntrusted => (of(clear_with(|line| line.trusted = Trust::Below)), Possible),
        Cause::ChainBroken => (of(with_gap(plain(), GapKind::MissingLink)), Possible),
        Cause::HeaderDamaged => (of(clear_with(|line| line.at = "")), Possible),
        Cause::ReceiverChangedSince => (
            of(plain())
                .seeing(mx1(LATE, Does::Tls))
                .after(mx1(BEFORE, Does::NoStarttls)),
            Likely,
        ),
        Cause::CertificateChangedSince => {
            let mut probe = mx1(LATE, Does::BadCertificate);
            if let Attempt::Done(handshake) =
                &mut Arc::make_mut(&mut probe.hosts[0].endpoints[0]).handshake
            {
                handshake.chain[0].not_before = "2026-11-10T00:00:00Z".parse().ok();
            }
            (of(plain()).seeing(probe), Possible)
        }
        Cause::MxMovedSince => (
            of(clear_with(|line| line.by = "old.partner.example"))
                .seeing(observed(
                    "partner.example",
                    LATE,
                    &[("mx.elsewhere.example", &[("192.0.2.99", Does::Tls)])],
                ))
                .after(observed(
                    "partner.example",
                    BEFORE,
                    &[("old.partner.example", &[("192.0.2.25", Does::Tls)])],
                )),
            Likely,
        ),
        Cause::PolicyChangedSince => (
            of(plain()).seeing(with_id(
                with_sts(mx1(LATE, Does::Tls), StsMode::Enforce),
                "20261110T0900",
            )),
            Possible,
        ),
        Cause::DaneChangedSince => (
            of(plain())
                .seeing(with_tlsa(mx1(LATE, Does::Tls), 2))
                .after(with_tlsa(mx1(BEFORE, Does::Tls), 1)),
            Likely,
        ),
        Cause::CryptoPolicyChangedSince => (
            of(plain())
                .seeing(mx1(LATE, Does::Tls))
                .after(mx1(BEFORE, alert("protocol_version"))),
            Likely,
        ),
        Cause::OutageThen => (
            of(plain()).seeing(sound()).among(vec![
                another("mx1.partner.example", BEFORE, true),
                another("mx1.partner.example", SOON, true),
            ]),
            Possible,
        ),
        Cause::ProbeBlockedHere => (of(plain()).seeing(mx1(SOON, Does::Blocked)), Likely),
    })
}

fn standing_in(world: &World, cause: Cause) -> Option<Standing> {
    let explanation = explain(world.chain.as_ref().unwrap(), &world.probes, &world.past);
    let hop = explanation.hops.last().unwrap();
    let found = hop.causes.iter().find(|ranked| ranked.cause == cause)?;
    assert!(!found.for_.is_empty(), "{found:?}");
    Some(found.standing)
}

#[test]
fn every_cause_has_a_world_in_which_its_rule_speaks_for_it() {
    let mut wrong = Vec::new();
    for cause in Cause::ALL {
        let Some((world, expected)) = world(*cause) else {
            continue;
        };
        let found = standing_in(&world, *cause);
        if found != Some(expected) {
            wrong.push((cause.word(), found, expected));
        }
        let rules = RULES.iter().filter(|(of, _)| of == cause).count();
        assert_eq!(rules, 1, "{}", cause.word());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_excludes_a_cause_rules_it_out() {
    let near = |by, at, tls| another(by, at, tls);
    let worlds = [
        (
            // With TLS to others within the hour: no lack of resources.
            of(plain()).among(vec![near("mx.third.example", "2026-11-03T09:20:00Z", true)]),
            Cause::SenderShortOfResources,
            Standing::RuledOut,
        ),
        (
            // With TLS to this very host another day: no exemption.
            of(plain()).seeing(mx1(SOON, Does::Tls)).among(vec![near(
                "mx1.partner.example",
                SOON,
                true,
            )]),
            Cause::SenderExemptsDomain,
            Standing::Unlikely,
        ),
        (
            // With TLS to others: nothing near the sender takes STARTTLS away.
            of(plain()).seeing(mx1(SOON, Does::Tls)).among(vec![near(
                "mx.third.example",
                SOON,
                true,
            )]),
            Cause::StarttlsStrippedNearSender,
            Standing::Unlikely,
        ),
        (
            // The same policy since before the hop.
            of(plain())
                .seeing(with_id(
                    with_sts(mx1(LATE, Does::Tls), StsMode::Enforce),
                    "1",
                ))
                .after(asked(with_id(
                    with_sts(mx1(BEFORE, Does::Tls), StsMode::Enforce),
                    "1",
                ))),
            Cause::PolicyChangedSince,
            Standing::RuledOut,
        ),
        (
            of(plain())
                .seeing(with_tlsa(mx1(LATE, Does::Tls), 1))
                .after(with_tlsa(mx1(BEFORE, Does::Tls), 1)),
            Cause::DaneChangedSince,
            Standing::RuledOut,
        ),
        (
            // Nothing is offered, so no handshake can have failed.
            of(plain()).seeing(mx1(SOON, Does::NoStarttls)),
            Cause::SenderFellBack,
            Standing::Unlikely,
        ),
        (
            // The preferred host lacks it as well.
            of(plain()).seeing(observed(
                "partner.example",
                SOON,
                &[
                    ("mx0.partner.example", &[("192.0.2.24", Does::NoStarttls)]),
                    ("mx1.partner.example", &[("192.0.2.25", Does::NoStarttls)]),
                ],
            )),
            Cause::BackupMxTookIt,
            Standing::Unlikely,
        ),
    ];
    for (world, cause, expected) in worlds {
        let explanation = explain(world.chain.as_ref().unwrap(), &world.probes, &world.past);
        let hop = explanation.hops.last().unwrap();
        let found = hop.causes.iter().find(|ranked| ranked.cause == cause);
        let found = found.unwrap_or_else(|| panic!("{}", cause.word()));
        assert_eq!(found.standing, expected, "{found:?}");
        assert!(!found.against.is_empty(), "{found:?}");
    }
}

fn asked(probe: DomainObservation) -> DomainObservation {
    assert!(!matches!(
        probe.mta_sts.record,
        Attempt::Skipped(Because::NotAsked)
    ));
    probe
}

#[test]
fn the_records_of_a_domain_alone_show_a_backup() {
    // The line is not of the own side: the domain's hosts are not asked, its
    // MX records are.
    let chain = clear_with(|line| line.trusted = Trust::Below);
    let host = observed(
        "mx1.partner.example",
        SOON,
        &[("mx1.partner.example", &[("192.0.2.25", Does::NoStarttls)])],
    );
    let mut records = observed("partner.example", SOON, &[]);
    if let Attempt::Done(answer) = &mut records.mx {
        for (preference, name) in [(10, "mx0.partner.example"), (20, "mx1.partner.example")] {
            answer.records.push(MxRecord {
                preference,
                host: crate::name::HostName::parse(name).unwrap(),
            });
        }
    }
    let world = of(chain).seeing(host).seeing(records);
    assert_eq!(standing_in(&world, Cause::BackupMxTookIt), Some(Possible));
}

/// A line of a log or a report, as one states it about the hop.
fn stated(by: StatedBy, says: Said) -> Statement {
    Statement {
        by,
        place: "mail.log:7".into(),
        quote: "4XkQ2c1Zz9: what the line says".into(),
        from: "2026-11-03T09:14:06Z".parse().unwrap(),
        until: "2026-11-03T09:14:06Z".parse().unwrap(),
        client: Some("out7.relay.example".into()),
        client_ip: None,
        server: Some("mx1.partner.example".into()),
        server_ip: None,
        id: Some("4XkQ2c1Zz9".into()),
        says,
    }
}

#[test]
fn r6_a_statement_of_the_time_proves_a_cause_and_leaves_rivals_no_room() {
    for (why, by, cause) in [
        (
            WhyNot::NotOffered,
            StatedBy::SendersLog,
            Cause::StarttlsNotOffered,
        ),
        (
            WhyNot::RefusedForNow,
            StatedBy::SendersLog,
            Cause::StarttlsTemporarilyRefused,
        ),
        (
            WhyNot::Refused,
            StatedBy::SendersLog,
            Cause::StarttlsRefused,
        ),
        (
            WhyNot::HandshakeFailed,
            StatedBy::SendersLog,
            Cause::SenderFellBack,
        ),
        (
            WhyNot::HandshakeFailed,
            StatedBy::SendersReport,
            Cause::OutageThen,
        ),
        (
            WhyNot::CertificateRejected,
            StatedBy::SendersReport,
            Cause::CertificateInvalidForPolicy,
        ),
        (
            WhyNot::NotTried,
            StatedBy::ReceiversLog,
            Cause::SenderDidNotTry,
        ),
        (
            WhyNot::Exempted,
            StatedBy::SendersLog,
            Cause::SenderExemptsDomain,
        ),
        (
            WhyNot::EngineUnavailable,
            StatedBy::SendersLog,
            Cause::SenderShortOfResources,
        ),
        (
            WhyNot::RateLimited,
            StatedBy::ReceiversLog,
            Cause::ReceiverOverloaded,
        ),
    ] {
        let mut statement = stated(by, Said::NoTls(why));
        if by == StatedBy::SendersReport {
            statement.id = None;
            statement.client = Some("relay.example".into());
            statement.from = "2026-11-03T00:00:00Z".parse().unwrap();
            statement.until = "2026-11-03T23:59:59Z".parse().unwrap();
        }
        let mut world = of(plain()).seeing(mx1(SOON, Does::Tls));
        world.past.statements.extend([statement]);
        let explanation = explain(world.chain.as_ref().unwrap(), &world.probes, &world.past);
        let causes = &explanation.hops[0].causes;
        assert_eq!(causes[0].cause, cause, "{why:?}");
        assert_eq!(causes[0].standing, Standing::Proved, "{why:?}");
        assert!(causes[0].for_[0].contains("mail.log:7"));
        // An exemption is a way not to try.
        for ranked in causes.iter().filter(|ranked| ranked.standing == Likely) {
            assert_eq!(ranked.cause, Cause::SenderDidNotTry, "{why:?}");
            assert_eq!(why, WhyNot::Exempted);
        }
    }
}

#[test]
fn a_log_overturns_the_line() {
    use crate::explain::ConclusionState;
    for (says, state) in [
        (
            Said::Encrypted {
                version: Some(TlsVersion::Tls13),
                cipher: None,
            },
            ConclusionState::Encrypted,
        ),
        (Said::Cleartext, ConclusionState::Cleartext),
    ] {
        let mut world = of(plain());
        world
            .past
            .statements
            .extend([stated(StatedBy::ReceiversLog, says)]);
        let explanation = explain(world.chain.as_ref().unwrap(), &[], &world.past);
        let hop = &explanation.hops[0];
        assert_eq!(hop.conclusion.state, state);
        assert_eq!(hop.conclusion.standing, Standing::Proved);
        if state == ConclusionState::Encrypted {
            assert_eq!(hop.causes[0].cause, Cause::TlsNotRecorded);
            assert_eq!(hop.causes[0].standing, Standing::Proved);
            assert!(hop.next.is_empty());
        }
    }
}

#[test]
fn a_statement_about_something_else_is_not_heard() {
    let why = || Said::NoTls(WhyNot::NotOffered);
    let other_id = Statement {
        id: Some("another".into()),
        ..stated(StatedBy::SendersLog, why())
    };
    let other_host = Statement {
        id: None,
        server: Some("mx.elsewhere.example".into()),
        ..stated(StatedBy::SendersLog, why())
    };
    let other_client = Statement {
        id: None,
        client: Some("mx.other.example".into()),
        ..stated(StatedBy::SendersLog, why())
    };
    let other_day = Statement {
        from: "2026-11-20T00:00:00Z".parse().unwrap(),
        until: "2026-11-20T23:59:59Z".parse().unwrap(),
        ..stated(StatedBy::SendersLog, why())
    };
    let nobody = Statement {
        id: None,
        client: None,
        ..stated(StatedBy::SendersReport, why())
    };
    for statement in [other_id, other_host, other_client, other_day, nobody] {
        let mut world = of(plain());
        world.past.statements.extend([statement.clone()]);
        let explanation = explain(world.chain.as_ref().unwrap(), &[], &world.past);
        assert!(
            explanation.hops[0]
                .causes
                .iter()
                .all(|ranked| ranked.standing > Standing::Proved),
            "{statement:?}"
        );
    }
}

#[test]
fn a_truncated_header_is_a_damaged_one() {
    let mut chain = plain();
    chain
        .findings
        .push(Finding::new(Code::HeaderTruncated, "the header", ""));
    assert_eq!(
        standing_in(&of(chain), Cause::HeaderDamaged),
        Some(Possible)
    );
}

#[test]
fn a_witness_and_others_with_tls_speak_alike() {
    let world = of(clear_with(witnessed));
    assert_eq!(
        standing_in(&world, Cause::StarttlsOfferedSelectively),
        Some(Possible)
    );
}

/// The strongest word that headers and probes may give each reason: R at the
/// receiver, S at the sender, N no hop without TLS at all, T changed since. N7
/// is the parser's own: `SMTP` with a remark about TLS is a hop with TLS.
#[test]
fn every_reason_has_its_code_and_its_ceiling() {
    let table = [
        ("R1", "starttls-not-offered", Likely),
        ("R2", "starttls-offered-selectively", Likely),
        ("R3", "receiver-remembers-failure", Possible),
        ("R4", "starttls-temporarily-refused", Likely),
        ("R5", "starttls-refused", Likely),
        ("R6", "handshake-fails-for-all", Likely),
        ("R7", "server-legacy-version", Likely),
        ("R8", "suites-incompatible", Likely),
        ("R9", "dh-too-small", Likely),
        ("R10", "certificate-key-refused", Possible),
        ("R11", "hello-intolerance", Likely),
        ("R12", "client-certificate-demanded", Likely),
        ("R13", "certificate-invalid-for-policy", Possible),
        ("R14", "starttls-masked-near-receiver", Likely),
        ("R15", "starttls-stripped-in-transit", Possible),
        ("R16", "mx-host-differs", Likely),
        ("R17", "backup-mx-took-it", Likely),
        ("R18", "address-family-differs", Likely),
        ("R19", "pool-inconsistent", Likely),
        ("R20", "greylisted-or-deferred", Possible),
        ("R21", "ehlo-refused", Likely),
        ("R22", "greeting-lacks-esmtp", Possible),
        ("R23", "receiver-not-in-mx", Likely),
        ("R24", "receiver-overloaded", Possible),
        ("S1", "sender-did-not-try", Likely),
        ("S2", "sender-cannot-tls", Likely),
        ("S3", "sender-fell-back", Likely),
        ("S4", "sender-remembers-failure", Possible),
        ("S5", "sender-exempts-domain", Likely),
        ("S6", "sender-library-too-new", Likely),
        ("S7", "tls-not-required-by-message", Possible),
        ("S8", "sender-short-of-resources", Possible),
        ("S9", "starttls-stripped-near-sender", Likely),
        ("N1", "tls-not-recorded", Likely),
        ("N2", "tls-ended-at-proxy", Likely),
        ("N3", "inside-one-host", Likely),
        ("N3", "inside-one-network", Likely),
        ("N4", "inside-one-organisation", Likely),
        ("N5", "not-smtp", Likely),
        ("N6", "submission-word-too-old", Possible),
        ("N8", "header-untrusted", Likely),
        ("N9", "chain-broken", Likely),
        ("N10", "header-damaged", Possible),
        ("N11", "not-smtp", Likely),
        ("T1", "receiver-changed-since", Likely),
        ("T2", "certificate-changed-since", Likely),
        ("T3", "mx-moved-since", Likely),
        ("T4", "policy-changed-since", Possible),
        ("T5", "dane-changed-since", Likely),
        ("T6", "crypto-policy-changed-since", Likely),
        ("T7", "outage-then", Possible),
        ("T8", "probe-blocked-here", Likely),
    ];
    let mut known = std::collections::BTreeSet::new();
    for (id, code, ceiling) in table {
        let cause = Cause::parse(code).unwrap_or_else(|| panic!("{id} {code}"));
        assert_eq!(cause.ceiling(), ceiling, "{id} {code}");
        known.insert(cause);
    }
    let all: std::collections::BTreeSet<Cause> = Cause::ALL.iter().copied().collect();
    assert_eq!(known, all);
    let ids: std::collections::BTreeSet<&str> = table.iter().map(|(id, ..)| *id).collect();
    let due = [("R", 24), ("S", 9), ("N", 11), ("T", 8)];
    let due = due
        .into_iter()
        .flat_map(|(letter, n)| (1..=n).map(move |n| format!("{letter}{n}")));
    let missing: Vec<String> = due.filter(|id| !ids.contains(&**id)).collect();
    assert_eq!(missing, ["N7"]);
}
