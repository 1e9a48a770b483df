//! Documents read back: what was written is read, judges the same, and what is
//! wrong in a document is told with its place.

#![allow(clippy::unwrap_used)]

mod samples;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use samples::*;
use starttrace::attempt::{Attempt, Because};
use starttrace::failure::{Failure, Kind, Stage};
use starttrace::mta_sts::policy::{Advisory, MediaType};
use starttrace::name::HostName;
use starttrace::observed::domain::{Dnssec, DomainObservation, MxRecord, StsMode};
use starttrace::observed::endpoint::Anomaly;
use starttrace::report::json;
use starttrace::report::json::read::{self, Document};
use starttrace::verdict::{Required, assess};

fn written(observation: &DomainObservation, required: Required) -> Value {
    json::domain_report(observation, &assess(observation, observation.at, required))
}

/// What the JSON does not keep, taken away.
fn kept(mut observation: DomainObservation) -> DomainObservation {
    for endpoint in observation.hosts.iter_mut().flat_map(|h| &mut h.endpoints) {
        let endpoint = Arc::make_mut(endpoint);
        endpoint.transcript.clear();
        if let Attempt::Done(handshake) = &mut endpoint.handshake
            && let Attempt::Skipped(_) = handshake.dane
        {
            for certificate in &mut handshake.chain {
                certificate.der.clear();
            }
        }
    }
    observation
}

fn read_back(document: &Value) -> Result<DomainObservation, String> {
    match read::document(&document.to_string()) {
        Ok(Document::DomainReport(report)) => read::observation(&report).map_err(|e| e.to_string()),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

const A: &str = "192.0.2.25";
const MX1: &str = "mx1.partner.example";

fn stages() -> impl Strategy<Value = Stage> {
    proptest::sample::select(Stage::ALL)
}

fn reasons() -> impl Strategy<Value = Because> {
    prop_oneof![
        proptest::sample::select(Because::PLAIN),
        stages().prop_map(Because::After),
    ]
}

prop_compose! {
    fn failures()(
        stage in stages(),
        kind in proptest::sample::select(Kind::ALL),
        message in "\\PC{0,30}",
        heard in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
        code in proptest::option::of(200_u16..600),
        os_error in proptest::option::of(any::<i32>()),
        waited in proptest::option::of(0_u64..1_000_000),
        not_after in proptest::option::of(-62_000_000_000_i64..250_000_000_000),
        presented in proptest::collection::vec("\\PC{0,20}", 0..3),
        rcode in proptest::option::of("[A-Z]{1,8}"),
    ) -> Failure {
        let mut failure = Failure::new(stage, kind, message);
        failure.heard = heard;
        failure.detail.code = code;
        failure.detail.os_error = os_error;
        failure.detail.waited = waited.map(Duration::from_millis);
        failure.detail.not_after = not_after.map(|s| jiff::Timestamp::from_second(s).unwrap());
        failure.detail.presented = presented;
        failure.detail.rcode = rcode;
        failure
    }
}

fn steps<T: Clone + std::fmt::Debug + 'static>(done: T) -> impl Strategy<Value = Attempt<T>> {
    prop_oneof![
        3 => Just(Attempt::Done(done)),
        1 => failures().prop_map(Attempt::failed),
        1 => reasons().prop_map(Attempt::Skipped),
    ]
}

fn changed<T: Clone + std::fmt::Debug + 'static>(
    attempt: &Attempt<T>,
) -> BoxedStrategy<Attempt<T>> {
    match attempt {
        Attempt::Done(value) => steps(value.clone()).boxed(),
        other => Just(other.clone()).boxed(),
    }
}

fn observations() -> impl Strategy<Value = DomainObservation> {
    let bases = vec![
        domain(vec![host(10, MX1, vec![tls(A, MX1)])]),
        domain(vec![host(
            10,
            MX1,
            vec![misnamed(tls(A, MX1)), plain("192.0.2.26")],
        )]),
        with_dane(domain(vec![host(10, MX1, vec![self_signed(tls(A, MX1))])])),
        with_sts(
            domain(vec![
                host(10, MX1, vec![tls(A, MX1)]),
                host(
                    20,
                    "mx2.partner.example",
                    vec![tls("192.0.2.27", "mx2.partner.example")],
                ),
            ]),
            StsMode::Enforce,
        ),
        without_policies(domain(vec![host(10, MX1, vec![tls(A, MX1)])])),
        blocked(domain(vec![host(10, MX1, vec![silent(A)])])),
    ];
    proptest::sample::select(bases).prop_flat_map(|base| {
        let endpoint = Arc::clone(&base.hosts[0].endpoints[0]);
        let (pkix, identity, dane) = match &endpoint.handshake {
            Attempt::Done(h) => (h.pkix.clone(), h.identity.clone(), h.dane.clone()),
            _ => (
                Attempt::Skipped(Because::NotAsked),
                Attempt::Skipped(Because::NotAsked),
                Attempt::Skipped(Because::NotAsked),
            ),
        };
        (
            Just(base.clone()),
            (
                changed(&base.control),
                changed(&base.mx),
                changed(&base.mta_sts.record),
                changed(&base.mta_sts.policy),
                changed(&base.tls_rpt),
                changed(&base.hosts[0].addresses),
                changed(&base.hosts[0].tlsa),
            ),
            (
                changed(&endpoint.greeting),
                changed(&endpoint.starttls),
                changed(&endpoint.handshake),
                changed(&pkix),
                changed(&identity),
                changed(&dane),
                changed(&endpoint.after_tls),
            ),
            proptest::sample::subsequence(Anomaly::ALL, 0..=Anomaly::ALL.len()),
            0_i64..4_000_000_000,
        )
            .prop_map(|(mut base, of_domain, of_endpoint, anomalies, at)| {
                (
                    base.control,
                    base.mx,
                    base.mta_sts.record,
                    base.mta_sts.policy,
                    base.tls_rpt,
                    base.hosts[0].addresses,
                    base.hosts[0].tlsa,
                ) = of_domain;
                let (greeting, starttls, handshake, pkix, identity, dane, after_tls) = of_endpoint;
                let endpoint = Arc::make_mut(&mut base.hosts[0].endpoints[0]);
                endpoint.greeting = greeting;
                endpoint.starttls = starttls;
                endpoint.handshake = handshake;
                endpoint.after_tls = after_tls;
                endpoint.anomalies = anomalies;
                if let Attempt::Done(handshake) = &mut endpoint.handshake {
                    handshake.pkix = pkix;
                    handshake.identity = identity;
                    handshake.dane = dane;
                }
                base.at = jiff::Timestamp::from_second(at).unwrap();
                base
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_is_written_is_read_and_judges_the_same(
        observation in observations(),
        required in proptest::sample::select(Required::ALL),
        later in 0_i64..2_000_000_000,
    ) {
        let document = written(&observation, required);
        let read = read_back(&document).unwrap();
        prop_assert_eq!(&read, &kept(observation.clone()));
        prop_assert_eq!(written(&read, required), document);
        let at = jiff::Timestamp::from_second(later).unwrap();
        prop_assert_eq!(assess(&read, at, required), assess(&observation, at, required));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,80}") {
        let _ = read::document(&text);
        let _ = read::document(&format!(r#"{{"schema":"1.0","type":"domain","data":{text}}}"#));
    }

    #[test]
    fn no_cut_and_no_change_makes_the_reader_panic(
        at in any::<prop::sample::Index>(),
        octet in any::<u8>(),
    ) {
        let good = written(&domain(vec![host(10, MX1, vec![tls(A, MX1)])]), Required::Tls);
        let good = good.to_string();
        let place = at.index(good.len());
        if let Some(cut) = good.get(..place) {
            prop_assert!(read::document(cut).is_err());
        }
        let mut octets = good.into_bytes();
        octets[place] = octet;
        if let Ok(text) = String::from_utf8(octets)
            && let Ok(Document::DomainReport(report)) = read::document(&text)
        {
            let _ = read::observation(&report);
        }
    }
}

#[test]
fn every_advisory_and_media_type_is_read_back() {
    let pattern = |text: &str| starttrace::mta_sts::pattern::Pattern::parse(text).unwrap();
    for media_type in [
        MediaType::Plain,
        MediaType::Missing,
        MediaType::Other("text/html".into()),
    ] {
        let mut observation = with_sts(
            domain(vec![host(10, MX1, vec![tls(A, MX1)])]),
            StsMode::Enforce,
        );
        let Attempt::Done(policy) = &mut observation.mta_sts.policy else {
            panic!()
        };
        policy.media_type = media_type;
        policy.advisories = vec![
            Advisory::BlankLine(3),
            Advisory::Duplicate {
                line: 4,
                key: "mode".into(),
            },
            Advisory::KeyCase {
                line: 5,
                key: "Mode".into(),
            },
            Advisory::MaxAgeTooLarge(99_999_999),
            Advisory::MaxAgeUnderADay(60),
            Advisory::MaxAgeUnderAWeek(86_401),
            Advisory::MxTwice(pattern("mx1.partner.example")),
            Advisory::MxPublicSuffix(pattern("*.com")),
            Advisory::MxWithoutMode,
        ];
        let read = read_back(&written(&observation, Required::Tls)).unwrap();
        assert_eq!(read, kept(observation));
    }
}

#[test]
fn odd_names_of_the_name_service_are_read_back() {
    let mut observation = domain(vec![]);
    let Attempt::Done(mx) = &mut observation.mx else {
        panic!()
    };
    mx.dnssec = Dnssec::Insecure;
    for name in [".", "192.0.2.1.", "a\\.b.example.", "a..", "ÿ.example."] {
        mx.records.push(MxRecord {
            preference: 1,
            host: HostName::from_dns(name),
        });
    }
    let read = read_back(&written(&observation, Required::Tls)).unwrap();
    assert_eq!(read, kept(observation));
}

#[test]
fn what_is_missing_or_new_is_borne_and_what_is_wrong_is_told_with_its_place() {
    let good = written(
        &with_dane(domain(vec![host(10, MX1, vec![tls(A, MX1)])])),
        Required::Tls,
    );
    // As an older version, or a newer one of the same major version, writes it.
    let mut other = good.clone();
    other["schema"] = json!("1.7");
    other["data"]["observed"]["colour"] = json!("blue");
    for gone in ["raw_hello", "suites"] {
        let endpoint = &mut other["data"]["observed"]["hosts"][0]["endpoints"][0];
        endpoint.as_object_mut().unwrap().remove(gone);
    }
    for gone in ["common_name_only", "der"] {
        let leaf = &mut other["data"]["observed"]["hosts"][0]["endpoints"][0]["handshake"]["value"]
            ["chain"][0];
        leaf.as_object_mut().unwrap().remove(gone);
    }
    read_back(&other).unwrap();

    let endpoint = "/data/observed/hosts/0/endpoints/0";
    for (path, value, told) in [
        (
            "/schema",
            json!("2.0"),
            "schema: it is written in schema \"2.0\"",
        ),
        ("/type", json!(7), "this is no document of starttrace"),
        ("/data/domain", json!("a..b"), "data.domain: "),
        (
            "/data/verdict/protection",
            json!("splendid"),
            "data.verdict.protection: unknown variant `splendid`, expected one of `no-mail`",
        ),
        (
            "/data/observed/mx/status",
            json!("maybe"),
            "data.observed.mx: status \"maybe\" is none of done, failed, skipped",
        ),
        (
            "/data/observed/resolver/path",
            json!("pigeon"),
            "data.observed.resolver.path: unknown variant `pigeon`",
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = value;
        let error = match read::document(&bad.to_string()) {
            Ok(Document::DomainReport(report)) => format!(
                "data.{}",
                read::observation(&report).expect_err("it is wrong")
            ),
            Ok(_) => panic!("{path}"),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(told), "{error}\n{told}");
    }
    for (path, value, told) in [
        (
            "address",
            json!("mx1"),
            ".address: \"mx1\" is no IP address",
        ),
        ("port", json!(70_000), ".port: invalid value"),
        (
            "handshake/value/version",
            json!("TLSv9"),
            ".handshake.value.version: \"TLSv9\" is none of SSLv2, SSLv3",
        ),
        (
            "handshake/value/chain/1/not_after",
            json!("soon"),
            ".handshake.value.chain[1].not_after: \"soon\" is no time",
        ),
        (
            "handshake/value/chain/0/der",
            json!("?"),
            ".handshake.value.chain[0].der: this is no base64",
        ),
        (
            "anomalies",
            json!(["bare-lf", "odd"]),
            ".anomalies[1]: \"odd\" is none of starttls-after-tls",
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(&format!("{endpoint}/{path}")).unwrap() = value;
        let error = read_back(&bad).unwrap_err();
        assert!(
            error.contains("observed.hosts[0].endpoints[0]") && error.contains(told),
            "{error}\n{told}"
        );
    }
}

#[test]
fn what_is_no_document_is_told_from_a_torn_one() {
    for (text, told) in [
        ("", "ends in the middle"),
        ("{\"schema\": \"1.0\", \"ty", "ends in the middle"),
        ("not json", "no JSON"),
        ("[]", "no document of starttrace"),
        ("{\"a\": 1}", "no document of starttrace"),
        (
            "{\"schema\": null, \"type\": \"x\", \"data\": 1}",
            "no document of starttrace",
        ),
    ] {
        let error = read::document(text).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}
