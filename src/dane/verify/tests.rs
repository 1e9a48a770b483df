#![allow(clippy::unwrap_used)]
use super::*;
use crate::dane::der::Outline;
use aws_lc_rs::digest::{SHA256, SHA512, digest};
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};

/// 2026-06-01.
const NOW: i64 = 1_780_272_000;
const DAY: i64 = 86_400;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn host(name: &str) -> HostName {
    HostName::parse(name).unwrap()
}

/// What a certificate of these worlds can be made wrong in.
#[derive(Clone)]
struct Shape {
    names: &'static [&'static str],
    ca: Option<BasicConstraints>,
    /// Days from now.
    valid: (i64, i64),
}

fn leaf(names: &'static [&'static str]) -> Shape {
    Shape {
        names,
        ca: None,
        valid: (-30, 60),
    }
}

fn authority() -> Shape {
    Shape {
        names: &[],
        ca: Some(BasicConstraints::Unconstrained),
        valid: (-300, 300),
    }
}

fn params(shape: &Shape, subject: &str) -> CertificateParams {
    let names: Vec<String> = shape.names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    let mut dn = rcgen::DistinguishedName::new();
    dn.push(rcgen::DnType::CommonName, subject);
    params.distinguished_name = dn;
    params.is_ca = match &shape.ca {
        Some(constraints) => IsCa::Ca(*constraints),
        None => IsCa::NoCa,
    };
    if shape.ca.is_none() {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    }
    let date = |days: i64| {
        let day = Timestamp::from_second(NOW + days * DAY).unwrap();
        let part = |format| day.strftime(format).to_string().parse::<u16>().unwrap();
        let small = |format| u8::try_from(part(format)).unwrap();
        rcgen::date_time_ymd(i32::from(part("%Y")), small("%m"), small("%d"))
    };
    params.not_before = date(shape.valid.0);
    params.not_after = date(shape.valid.1);
    params
}

fn seen(der: &[u8], shape: &Shape) -> Certificate {
    let day = |days: i64| Some(Timestamp::from_second(NOW + days * DAY).unwrap());
    Certificate {
        der: der.to_vec(),
        subject: String::new(),
        issuer: String::new(),
        names: shape.names.iter().map(ToString::to_string).collect(),
        serial: String::new(),
        not_before: day(shape.valid.0),
        not_after: day(shape.valid.1),
        key: Default::default(),
        signature_algorithm: String::new(),
        common_name_only: false,
        self_issued: false,
        sha256: String::new(),
        spki_sha256: String::new(),
    }
}

/// Leaf, intermediate and root as sent.
fn chain_of(leaf: &Shape, middle: &Shape, root: &Shape) -> Vec<Certificate> {
    let key = || KeyPair::generate().unwrap();
    let root_issuer = CertifiedIssuer::self_signed(params(root, "root"), key()).unwrap();
    let middle_issuer =
        CertifiedIssuer::signed_by(params(middle, "middle"), key(), &root_issuer).unwrap();
    let end = params(leaf, "leaf")
        .signed_by(&key(), &middle_issuer)
        .unwrap();
    vec![
        seen(end.der(), leaf),
        seen(middle_issuer.der(), middle),
        seen(root_issuer.der(), root),
    ]
}

fn good() -> Vec<Certificate> {
    chain_of(&leaf(&["mx.example"]), &authority(), &authority())
}

fn self_signed(shape: &Shape) -> Certificate {
    let key = KeyPair::generate().unwrap();
    seen(params(shape, "own").self_signed(&key).unwrap().der(), shape)
}

fn tlsa(usage: u8, selector: u8, matching: u8, certificate: &Certificate) -> Record {
    let octets = if selector == 0 {
        certificate.der.clone()
    } else {
        Outline::read(&certificate.der).unwrap().spki.to_vec()
    };
    Record {
        usage,
        selector,
        matching,
        data: match matching {
            0 => octets,
            1 => digest(&SHA256, &octets).as_ref().to_vec(),
            _ => digest(&SHA512, &octets).as_ref().to_vec(),
        },
    }
}

fn judge(records: &[Record], chain: &[Certificate]) -> Verification {
    verify(records, chain, &[host("mx.example")], now())
}

#[test]
fn d13_usage_3_ignores_names_dates_and_chain() {
    for selector in [0, 1] {
        for matching in [0, 1, 2] {
            let expired = self_signed(&Shape {
                names: &["other.example"],
                ca: Some(BasicConstraints::Unconstrained),
                valid: (-90, -60),
            });
            let record = tlsa(3, selector, matching, &expired);
            let found = judge(&[record], &[expired]).outcome.unwrap();
            assert_eq!(
                (found.parameters.selector, found.parameters.matching),
                (selector, matching)
            );
            assert_eq!((found.depth, found.name), (Some(0), None));
        }
    }
}

#[test]
fn d13_usage_3_never_matches_an_issuer() {
    let chain = good();
    let verification = judge(&[tlsa(3, 1, 1, &chain[1])], &chain);
    assert_eq!(
        verification.outcome,
        Err(Mismatch::NoMatch {
            anchor_missing: false
        })
    );
    assert_eq!(verification.outcome.unwrap_err().kind(), Kind::TlsaInvalid);
}

#[test]
fn d13_a_certificate_no_parser_takes_still_matches_by_key_and_octets() {
    // Version 1, with the rest of the structure as it should be: an unknown
    // critical extension or a broken date change nothing either.
    let mut odd = self_signed(&leaf(&[]));
    let spki = Outline::read(&odd.der).unwrap().spki.to_vec();
    let at = odd.der.windows(5).position(|w| w == [0xa0, 3, 2, 1, 2]);
    odd.der[at.unwrap() + 4] = 0;
    assert!(
        judge(&[tlsa(3, 1, 1, &odd)], &[odd.clone()])
            .outcome
            .is_ok()
    );
    assert!(
        judge(&[tlsa(3, 0, 1, &odd)], &[odd.clone()])
            .outcome
            .is_ok()
    );
    assert_eq!(Outline::read(&odd.der).unwrap().spki, spki);
    // Garbage matches a record of the whole, and no key can be read from it.
    odd.der = b"garbage".to_vec();
    assert!(judge(&[tlsa(3, 0, 1, &odd)], &[odd]).outcome.is_ok());
}

#[test]
fn d14_usage_2_takes_any_issuer_that_was_sent_as_anchor() {
    let chain = good();
    for depth in [1, 2] {
        for (selector, matching) in [(0, 1), (0, 2), (1, 1), (0, 0), (1, 0)] {
            let found = judge(&[tlsa(2, selector, matching, &chain[depth])], &chain)
                .outcome
                .unwrap();
            assert_eq!(found.depth, Some(depth));
            assert_eq!(found.name.as_deref(), Some("mx.example"));
        }
    }
    // Order does not matter, nor what else is sent.
    let mut shuffled = vec![chain[0].clone(), chain[2].clone(), chain[1].clone()];
    shuffled.push(self_signed(&authority()));
    assert!(
        judge(&[tlsa(2, 0, 1, &chain[2])], &shuffled)
            .outcome
            .is_ok()
    );
}

#[test]
fn d14_usage_2_with_the_anchor_not_sent_fails_unless_the_dns_has_it_whole() {
    let chain = good();
    let root = chain[2].clone();
    let sent = &chain[..2];
    for matching in [1, 2] {
        assert_eq!(
            judge(&[tlsa(2, 0, matching, &root)], sent).outcome,
            Err(Mismatch::NoMatch {
                anchor_missing: true
            })
        );
    }
    for selector in [0, 1] {
        let verification = judge(&[tlsa(2, selector, 0, &root)], sent);
        assert_eq!(verification.outcome.as_ref().unwrap().depth, None);
        assert_eq!(
            verification.advice,
            [Advice::AnchorNotSent(0), Advice::FullData(0)]
        );
    }
    // A key that has signed nothing here does not help.
    let stranger = self_signed(&authority());
    for selector in [0, 1] {
        assert_eq!(
            judge(&[tlsa(2, selector, 0, &stranger)], sent).checks,
            [Check::NoMatch]
        );
    }
}

#[test]
fn d14_usage_2_checks_dates_of_every_certificate_on_the_path() {
    let old = (-400, -1);
    let future = (1, 400);
    for (leaf_valid, middle_valid, root_valid, kind) in [
        (old, (-300, 300), (-300, 300), Kind::CertificateExpired),
        ((-30, 60), old, (-300, 300), Kind::CertificateExpired),
        ((-30, 60), (-300, 300), old, Kind::CertificateExpired),
        (
            future,
            (-300, 300),
            (-300, 300),
            Kind::CertificateNotYetValid,
        ),
        ((-30, 60), (-300, 300), future, Kind::CertificateNotYetValid),
    ] {
        let with = |shape: Shape, valid| Shape { valid, ..shape };
        let chain = chain_of(
            &with(leaf(&["mx.example"]), leaf_valid),
            &with(authority(), middle_valid),
            &with(authority(), root_valid),
        );
        let why = judge(&[tlsa(2, 0, 1, &chain[2])], &chain)
            .outcome
            .unwrap_err();
        assert_eq!(why.kind(), kind, "{why}");
        // With usage 3 beside it the server is authenticated all the same.
        assert!(
            judge(
                &[tlsa(2, 0, 1, &chain[2]), tlsa(3, 1, 1, &chain[0])],
                &chain
            )
            .outcome
            .is_ok()
        );
    }
}

#[test]
fn d14_d15_usage_2_wants_one_of_the_reference_names() {
    let references = [
        host("mx10.example.com"),
        host("exchange.example.org"),
        host("example.com"),
    ];
    for (names, accepted) in [
        (&["mx10.example.com"][..], Some("mx10.example.com")),
        (&["exchange.example.org"], Some("exchange.example.org")),
        (&["x.example", "EXAMPLE.com"], Some("EXAMPLE.com")),
        (&["*.example.com"], Some("*.example.com")),
        (&["mx11.example.com"], None),
        (&["*.org"], None),
        (&[], None),
    ] {
        let mut chain = chain_of(&leaf(&[]), &authority(), &authority());
        chain[0].names = names.iter().map(ToString::to_string).collect();
        let outcome = verify(&[tlsa(2, 0, 1, &chain[1])], &chain, &references, now()).outcome;
        match accepted {
            Some(name) => assert_eq!(outcome.unwrap().name.as_deref(), Some(name)),
            None => {
                let why = outcome.unwrap_err();
                assert_eq!(why.kind(), Kind::CertificateHostMismatch);
                let failure = why.failure(&references[0]);
                assert_eq!(failure.detail.presented, names);
                assert!(failure.message.contains("mx10.example.com, exchange"));
            }
        }
    }
}

#[test]
fn d14_an_anchor_must_be_an_issuer_and_its_path_length_holds() {
    let own = self_signed(&leaf(&["mx.example"]));
    assert_eq!(
        judge(&[tlsa(2, 0, 1, &own)], &[own]).outcome,
        Err(Mismatch::AnchorIsLeaf)
    );
    let tight = Shape {
        ca: Some(BasicConstraints::Constrained(0)),
        ..authority()
    };
    let chain = chain_of(&leaf(&["mx.example"]), &authority(), &tight);
    assert_eq!(
        judge(&[tlsa(2, 0, 1, &chain[2])], &chain).outcome,
        Err(Mismatch::PathTooLong)
    );
    assert!(judge(&[tlsa(2, 0, 1, &chain[1])], &chain).outcome.is_ok());
    // An issuer of another family: no path.
    let mut strange = good();
    let stranger = self_signed(&authority());
    strange.push(stranger.clone());
    assert!(matches!(
        judge(&[tlsa(2, 0, 1, &stranger)], &strange).outcome,
        Err(Mismatch::Path(_))
    ));
    // A certificate that says it is no CA.
    let mut with_leaf = good();
    let other = self_signed(&Shape {
        ca: None,
        ..leaf(&["x.example"])
    });
    with_leaf.push(other.clone());
    assert!(judge(&[tlsa(2, 0, 1, &other)], &with_leaf).outcome.is_err());
}

#[test]
fn d16_d17_unusable_records_neither_help_nor_hurt() {
    let chain = good();
    let mut cut = tlsa(3, 1, 1, &chain[0]);
    cut.data.pop();
    let pkix = tlsa(1, 1, 1, &chain[0]);
    let only = judge(&[pkix.clone(), cut.clone()], &chain);
    assert_eq!(only.outcome, Err(Mismatch::NoUsableRecord));
    assert_eq!(only.advice, [Advice::PkixUsage(0), Advice::Broken(1)]);
    let beside = judge(&[pkix, cut, tlsa(3, 1, 1, &chain[0])], &chain);
    assert_eq!(beside.outcome.unwrap().record, 2);
}

#[test]
fn d18_a_key_that_only_the_weaker_digest_names_is_refused() {
    let chain = good();
    let other = self_signed(&leaf(&["mx.example"]));
    let verification = judge(&[tlsa(3, 1, 1, &chain[0]), tlsa(3, 1, 2, &other)], &chain);
    assert!(verification.outcome.is_err());
    assert_eq!(
        verification.checks,
        [Check::Superseded { matches: true }, Check::NoMatch]
    );
    assert_eq!(
        verification.advice,
        [
            Advice::OnlyWeakerDigest(0),
            Advice::CombinationUnmatched(DaneMatch {
                usage: 3,
                selector: 1,
                matching: 2
            })
        ]
    );
    // RFC 7671, section 9: full data is never set aside.
    assert!(
        judge(
            &[
                tlsa(3, 1, 1, &other),
                tlsa(3, 1, 2, &other),
                tlsa(3, 1, 0, &chain[0])
            ],
            &chain
        )
        .outcome
        .is_ok()
    );
}

#[test]
fn d21_a_roll_over_is_advised_on_not_faulted() {
    let chain = good();
    let next = self_signed(&leaf(&["mx.example"]));
    let rolling = judge(&[tlsa(3, 1, 1, &chain[0]), tlsa(3, 1, 1, &next)], &chain);
    assert!(rolling.outcome.is_ok());
    assert_eq!(rolling.advice, [Advice::OtherKey(1)]);
    // Seen at an address that has the other key, the same set is as good.
    assert_eq!(
        judge(&[tlsa(3, 1, 1, &chain[0]), tlsa(3, 1, 1, &next)], &[next])
            .outcome
            .unwrap()
            .record,
        1
    );
    // A set that names one address's key only fails at the other.
    let elsewhere = self_signed(&leaf(&["mx.example"]));
    assert!(
        judge(&[tlsa(3, 1, 1, &chain[0])], &[elsewhere])
            .outcome
            .is_err()
    );
    // RFC 7671, section 8: every combination must match on its own.
    let uneven = judge(
        &[
            tlsa(3, 1, 1, &chain[0]),
            tlsa(2, 0, 1, &self_signed(&authority())),
        ],
        &chain,
    );
    assert!(uneven.outcome.is_ok());
    assert_eq!(
        uneven.advice,
        [Advice::CombinationUnmatched(DaneMatch {
            usage: 2,
            selector: 0,
            matching: 1
        })]
    );
}

#[test]
fn d25_two_certificates_need_two_records() {
    let (ecdsa, rsa) = (
        self_signed(&leaf(&["mx.example"])),
        self_signed(&leaf(&["mx.example"])),
    );
    let one = [tlsa(3, 1, 1, &ecdsa)];
    let both = [tlsa(3, 1, 1, &ecdsa), tlsa(3, 1, 1, &rsa)];
    assert!(judge(&one, std::slice::from_ref(&ecdsa)).outcome.is_ok());
    assert!(judge(&one, std::slice::from_ref(&rsa)).outcome.is_err());
    assert!(judge(&both, &[ecdsa]).outcome.is_ok());
    assert!(judge(&both, &[rsa]).outcome.is_ok());
}

#[test]
fn d19_a_bare_public_key_is_matched_by_3_1_x_alone() {
    let certificate = self_signed(&leaf(&["mx.example"]));
    let key = Outline::read(&certificate.der).unwrap().spki.to_vec();
    let bare = Certificate {
        der: key.clone(),
        ..seen(&[], &leaf(&[]))
    };
    for (usage, selector) in [(3, 1), (3, 0), (2, 1), (2, 0)] {
        for (matching, data) in [
            (0, key.clone()),
            (1, digest(&SHA256, &key).as_ref().to_vec()),
            (2, digest(&SHA512, &key).as_ref().to_vec()),
        ] {
            let record = Record {
                usage,
                selector,
                matching,
                data,
            };
            let matched = judge(std::slice::from_ref(&record), std::slice::from_ref(&bare));
            assert_eq!(
                matched.outcome.is_ok(),
                (usage, selector) == (3, 1),
                "{record}"
            );
        }
    }
    // The record of a certificate names the key in it, not the certificate.
    for (selector, matches) in [(1, true), (0, false)] {
        let record = tlsa(3, selector, 1, &certificate);
        let outcome = judge(&[record], std::slice::from_ref(&bare)).outcome;
        assert_eq!(outcome.is_ok(), matches);
    }
}

#[test]
fn d20_no_transparency_proof_is_asked_for() {
    // None of the certificates here holds one, and usage 2 and 3 accept them.
    let chain = good();
    for record in [tlsa(2, 0, 1, &chain[1]), tlsa(3, 1, 1, &chain[0])] {
        assert!(judge(&[record], &chain).outcome.is_ok());
    }
}

#[test]
fn an_anonymous_server_satisfies_nothing() {
    let chain = good();
    for record in [tlsa(3, 1, 1, &chain[0]), tlsa(2, 0, 0, &chain[1])] {
        assert_eq!(judge(&[record], &[]).outcome, Err(Mismatch::NoCertificate));
    }
}

#[test]
fn the_publisher_hears_what_is_discouraged() {
    let chain = good();
    assert_eq!(
        judge(&[tlsa(2, 1, 1, &chain[1])], &chain).advice,
        [Advice::AnchorByKey(0)]
    );
    assert_eq!(
        judge(&[tlsa(3, 1, 0, &chain[0])], &chain).advice,
        [Advice::FullData(0)]
    );
    assert_eq!(judge(&[tlsa(3, 1, 1, &chain[0])], &chain).advice, []);
}

#[test]
fn a_long_chain_and_many_records_come_to_an_end() {
    let mut chain = good();
    let other = self_signed(&authority());
    chain.extend(std::iter::repeat_n(other.clone(), 500));
    let records = vec![tlsa(2, 0, 0, &other); 1_600];
    assert!(judge(&records, &chain).outcome.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_octets_make_it_panic(
        der in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..4),
        records in proptest::collection::vec(
            (0_u8..5, 0_u8..3, 0_u8..4, proptest::collection::vec(any::<u8>(), 0..70)), 0..6),
    ) {
        let chain: Vec<Certificate> = der.iter().map(|der| seen(der, &leaf(&[]))).collect();
        let records: Vec<Record> = records
            .into_iter()
            .map(|(usage, selector, matching, data)| Record { usage, selector, matching, data })
            .collect();
        let verification = judge(&records, &chain);
        prop_assert_eq!(verification.checks.len(), records.len());
    }
}
