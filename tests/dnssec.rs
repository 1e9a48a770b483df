//! Signatures checked here (`--dnssec validate`), against a signed hierarchy
//! on loopback behind a resolver that checks nothing: what is good is secure,
//! what is truly unsigned is insecure, and nothing that somebody on the way does
//! to an answer passes.

#![allow(clippy::unwrap_used)]

mod lab;

use lab::Lab;
use lab::world::World;
use starttrace::attempt::{Attempt, Because};
use starttrace::failure::Kind;
use starttrace::name::DomainName;
use starttrace::observed::domain::{Dnssec, DomainObservation, ValidatedBy};
use starttrace::probe::{ControlChoice, DnssecTrust, Options, Prober, Roots};

/// A signed domain with a host and its TLSA record.
const SIGNED: &str = "
partner.example SECURE
partner.example MX 10 mx1.partner.example
mx1.partner.example A 127.100.100.25
_{port}._tcp.mx1.partner.example TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
";

/// What stands around it.
const AROUND: &str = "
other.example SECURE
other.example TXT other
tlsa.other.example TXT other
unsigned.example INSECURE
unsigned.example A 127.100.100.27
evil.unsigned.example A 127.100.100.27
";

fn world(zone: &str, tampering: &str, domain: &str) -> World {
    toml::from_str(&format!(
        "about = ''\ndomain = '{domain}'\ncontrol = 'none'\nzone = '''{zone}'''\n{tampering}"
    ))
    .unwrap()
}

fn observe(world: &World, own_anchor: bool) -> DomainObservation {
    observe_in(&Lab::start(world), world, own_anchor)
}

fn observe_in(lab: &Lab, world: &World, own_anchor: bool) -> DomainObservation {
    let prober = Prober::new(Options {
        resolvers: vec![lab.resolver.into()],
        dnssec: DnssecTrust::Validate,
        trust_anchor: own_anchor.then(|| lab.anchor_file()),
        port: lab.port,
        policy_port: lab.port,
        ehlo: Some("probe.acme.example".to_owned()),
        roots: Roots {
            system: false,
            ca_files: vec![lab.ca_file()],
            certificates: Vec::new(),
        },
        control: ControlChoice::None,
        ..Options::default()
    })
    .unwrap();
    let domain = world.domain.clone().unwrap();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(prober.check(&domain, &DomainName::parse(&domain).unwrap()))
}

/// What became of the three questions that DANE rests on: MX, addresses, TLSA.
fn states(seen: &DomainObservation) -> [String; 3] {
    fn state<T>(attempt: &Attempt<T>, dnssec: impl Fn(&T) -> String) -> String {
        match attempt {
            Attempt::Done(value) => dnssec(value),
            Attempt::Failed(failure) => failure.kind.word().to_owned(),
            Attempt::Skipped(Because::AddressInsecure) => "address-insecure".to_owned(),
            Attempt::Skipped(_) => "skipped".to_owned(),
        }
    }
    let word = |dnssec: Dnssec| format!("{dnssec:?}").to_lowercase();
    let host = seen.hosts.first();
    [
        state(&seen.mx, |mx| word(mx.dnssec)),
        host.map_or("skipped".to_owned(), |host| {
            state(&host.addresses, |a| word(a.dnssec))
        }),
        host.map_or("skipped".to_owned(), |host| {
            state(&host.tlsa, |tlsa| {
                format!("{} {}", word(tlsa.dnssec), tlsa.records.len())
            })
        }),
    ]
}

const UNVALIDATED: &str = "; does not validate";

#[test]
fn d1_what_is_signed_is_secure_and_what_is_not_is_insecure() {
    let wildcards = "*.partner.example MX 10 mx1.partner.example";
    let without = SIGNED.lines().take(4).collect::<Vec<_>>().join("\n");
    for (what, zone, domain, states_wanted) in [
        (
            "nsec",
            SIGNED.to_owned(),
            "partner.example",
            ["secure", "secure", "secure 1"],
        ),
        (
            "nsec3",
            format!("{SIGNED}partner.example NSEC3 5"),
            "partner.example",
            ["secure", "secure", "secure 1"],
        ),
        (
            "d5 denied by nsec",
            without.clone(),
            "partner.example",
            ["secure", "secure", "secure 0"],
        ),
        (
            "d5 denied by nsec3",
            format!("{without}\npartner.example NSEC3 5"),
            "partner.example",
            ["secure", "secure", "secure 0"],
        ),
        (
            "d5 no such name, behind opt-out: nothing is proved",
            format!("{without}\npartner.example OPTOUT"),
            "partner.example",
            // RFC 5155, section 9.2. AAAA is a matching denial, TLSA is not.
            ["secure", "secure", "insecure 0"],
        ),
        (
            "a wildcard MX",
            format!("{SIGNED}{wildcards}"),
            "any.partner.example",
            ["secure", "secure", "secure 1"],
        ),
        (
            "a wildcard MX and nsec3",
            format!("{SIGNED}{wildcards}\npartner.example NSEC3 0"),
            "any.partner.example",
            ["secure", "secure", "secure 1"],
        ),
        (
            "DNAME",
            format!(
                "{SIGNED}old.example SECURE\nold.example DNAME partner.example\n*.partner.example MX 10 mx1.partner.example"
            ),
            "sub.old.example",
            ["secure", "secure", "secure 1"],
        ),
        (
            "d10 TLSA by an alias into another signed zone, which has none",
            format!("{without}\n_{{port}}._tcp.mx1.partner.example CNAME tlsa.other.example"),
            "partner.example",
            ["secure", "secure", "secure 0"],
        ),
        (
            "d10 TLSA by an alias into an unsigned zone",
            format!("{without}\n_{{port}}._tcp.mx1.partner.example CNAME evil.unsigned.example"),
            "partner.example",
            ["secure", "secure", "insecure 0"],
        ),
        (
            "d6 an unsigned domain",
            SIGNED.replace("SECURE", "INSECURE"),
            "partner.example",
            ["insecure", "insecure", "address-insecure"],
        ),
        (
            "d6 an unsigned domain below nsec3 with opt-out",
            format!("{}example OPTOUT", SIGNED.replace("SECURE", "INSECURE")),
            "partner.example",
            ["insecure", "insecure", "address-insecure"],
        ),
        (
            "d27 an algorithm that is not known here",
            format!("{SIGNED}partner.example ALGORITHM 16"),
            "partner.example",
            ["dnssec-indeterminate", "skipped", "skipped"],
        ),
        (
            "d27 a denial that repeats its hash too often",
            format!("{without}\npartner.example NSEC3 500"),
            "partner.example",
            // The AAAA question fails, and the addresses count as partly known.
            ["secure", "secure", "dnssec-indeterminate"],
        ),
    ] {
        let zone = format!("{UNVALIDATED}\n{zone}\n{AROUND}");
        let seen = observe(&world(&zone, "", domain), true);
        assert_eq!(states(&seen), states_wanted, "{what}\n{seen:#?}");
        assert_eq!(seen.resolver.by, ValidatedBy::Own);
    }
}

/// Each is done to the answer about a name, and has to show in that question.
const TAMPERINGS: &[(&str, &str, Option<&str>, usize)] = &[
    ("signature-altered", TLSA, Some("TLSA"), 2),
    ("data-altered", TLSA, Some("TLSA"), 2),
    ("data-altered", MX, Some("MX"), 0),
    ("signature-expired", TLSA, Some("TLSA"), 2),
    ("signature-not-yet-valid", TLSA, Some("TLSA"), 2),
    ("signatures-stripped", TLSA, Some("TLSA"), 2),
    ("signatures-stripped", MX, Some("MX"), 0),
    ("empty-answer", TLSA, Some("TLSA"), 2),
    ("empty-answer", MX, Some("MX"), 0),
    ("unsigned-zones-soa", TLSA, Some("TLSA"), 2),
    ("unsigned-zones-soa", MX, Some("MX"), 0),
    ("unsigned-zones-soa", HOST, Some("A"), 1),
    ("unsigned-zones-ns", TLSA, Some("TLSA"), 2),
    ("unsigned-zones-ns", MX, Some("MX"), 0),
    ("own-soa-unsigned", TLSA, Some("TLSA"), 2),
    ("no-such-name", TLSA, Some("TLSA"), 2),
    ("no-such-name", MX, Some("MX"), 0),
    ("others-nsec", TLSA, Some("TLSA"), 2),
    ("parents-nsec", TLSA, Some("TLSA"), 2),
    ("parents-nsec", MX, Some("MX"), 0),
    ("nsec-altered", TLSA, Some("TLSA"), 2),
    ("ds-empty", MX, None, 0),
    ("ds-unsigned-zones-soa", MX, None, 0),
    ("other-keys", MX, None, 0),
    ("other-keys-and-ds", MX, None, 0),
    ("wildcard-replayed", HOST, Some("A"), 1),
    ("alias-injected", HOST, Some("A"), 1),
    ("alias-injected", TLSA, Some("TLSA"), 2),
    ("other-zones-signature", TLSA, Some("TLSA"), 2),
    ("record-added", TLSA, Some("TLSA"), 2),
];
const TLSA: &str = "_{port}._tcp.mx1.partner.example";
const MX: &str = "partner.example";
const HOST: &str = "mx1.partner.example";

#[test]
fn a_denial_whose_signature_holds_says_itself_that_no_zone_starts_below() {
    let without = SIGNED.lines().take(4).collect::<Vec<_>>().join("\n");
    for marks in ["", "partner.example NSEC3 3"] {
        let zone = format!("{UNVALIDATED}\n{without}\n{marks}\n{AROUND}");
        let world = world(&zone, "", "partner.example");
        let lab = Lab::start(&world);
        let seen = observe_in(&lab, &world, true);
        assert_eq!(states(&seen), ["secure", "secure", "secure 0"]);
        let asked = lab.log.queries();
        let cuts = asked.iter().filter(|(_, kind)| kind == "DS");
        let below: Vec<_> = cuts
            .filter(|(name, _)| name.ends_with(".partner.example"))
            .collect();
        assert!(below.is_empty(), "{below:?}");
    }
}

#[test]
fn whether_a_domain_is_signed_is_asked_once_for_all_its_questions() {
    for domain in ["partner.example", "unsigned.example"] {
        let world = world(&format!("{UNVALIDATED}\n{SIGNED}\n{AROUND}"), "", domain);
        let lab = Lab::start(&world);
        observe_in(&lab, &world, true);
        let asked = lab.log.queries();
        for (name, kind) in [(domain, "DS"), ("", "DNSKEY")] {
            let count = asked
                .iter()
                .filter(|(other, of)| other == name && of == kind)
                .count();
            assert_eq!(count, 1, "{name} {kind}: {asked:?}");
        }
    }
}

fn tampered(marks: &str) {
    for (with, name, kind, place) in TAMPERINGS {
        let zone = format!("{UNVALIDATED}\n{SIGNED}{marks}\n{AROUND}");
        let kind = kind.map_or(String::new(), |kind| format!("kind = '{kind}'"));
        let tampering = format!("[tampering]\nwith = '{with}'\nname = '{name}'\n{kind}");
        let seen = observe(&world(&zone, &tampering, "partner.example"), true);
        let states = states(&seen);
        assert_eq!(
            states[*place], "dnssec-bogus",
            "{with} at {name}\n{seen:#?}"
        );
        assert!(
            states[..*place].iter().all(|state| state == "secure"),
            "{with} {states:?}"
        );
    }
}

#[test]
fn d3_d26_nothing_done_on_the_way_passes_with_nsec() {
    tampered("");
}

#[test]
fn d3_d26_nothing_done_on_the_way_passes_with_nsec3() {
    tampered("partner.example NSEC3 3");
}

#[test]
fn d1_without_a_fitting_anchor_nothing_is_known() {
    let zone = format!("{UNVALIDATED}\n{SIGNED}");
    let seen = observe(&world(&zone, "", "partner.example"), false);
    let failure = seen.mx.failure().unwrap();
    assert_eq!(failure.kind, Kind::DnssecIndeterminate);
    assert!(
        failure.message.contains("trust anchor"),
        "{}",
        failure.message
    );
}

#[test]
fn d27_where_the_resolver_validates_too_both_have_to_agree() {
    // The lab's resolver knows nothing of the tampering, and calls it authentic.
    let tampering = format!("[tampering]\nwith = 'data-altered'\nname = '{TLSA}'\nkind = 'TLSA'");
    for (tampering, tlsa) in [("", "secure 1"), (&tampering, "dnssec-indeterminate")] {
        let zone = format!("{SIGNED}{AROUND}");
        let seen = observe(&world(&zone, tampering, "partner.example"), true);
        assert_eq!(states(&seen), ["secure", "secure", tlsa], "{seen:#?}");
        assert_eq!(seen.resolver.by, ValidatedBy::Ad);
    }
}
