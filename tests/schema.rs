//! The published JSON against its schema, and against a reader of its own.
//!
//! The reader's types stand here, apart from the program's: they fail when a
//! field is renamed, retyped, dropped, or added without being written down.

#![allow(clippy::unwrap_used)]

mod samples;

use jsonschema::Validator;
use serde_json::{Value, json};

use samples::*;
use starttrace::answer::{Answer, Standing};
use starttrace::attempt::Attempt;
use starttrace::explain::letter::Letter;
use starttrace::explain::{
    Conclusion, ConclusionState, Explanation, HopExplanation, MatchedBy, ObservedFrom, Probed,
    RankedCause,
};
use starttrace::failure::{Kind, Stage};
use starttrace::finding::{Cause, Code, Finding, Severity};
use starttrace::observed::domain::{DomainObservation, StsMode};
use starttrace::observed::endpoint::Anomaly;
use starttrace::observed::statement::{Said, StatedBy, Statement, WhyNot};
use starttrace::report::json;
use starttrace::report::json::scan::{
    DomainData, FindingCount, InputLine, ListData, ProviderCount, RunData, ScanAnswers, ScanOf,
    ScanSummary,
};
use starttrace::trace::chain::{
    Chain, EndToEnd, Gap, GapKind, Hop, Leg, MessageFacts, RecordsTls, SoftwareMark, Source,
    SourceKind, Trust,
};
use starttrace::trace::evidence::{
    ClientCertificate, Evidence, EvidenceKind, Says, TlsEvidence, TlsState,
};
use starttrace::trace::field::{self, By, Date, From, Piece, Received};
use starttrace::trace::journey::{Turn, TurnKind};
use starttrace::trace::legs::{Part, PartState, Which};
use starttrace::trace::support::{Support, SupportKind};
use starttrace::verdict::{Protection, Required, Verdict, assess};

fn validator() -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(&json::schema())
        .unwrap()
}

fn satisfies(validator: &Validator, what: &str, document: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}\n{document:#}");
}

fn judged(observation: DomainObservation) -> (DomainObservation, Verdict) {
    let verdict = assess(&observation, observation.at, Required::Tls);
    (observation, verdict)
}

const A: &str = "192.0.2.25";
const MX1: &str = "mx1.partner.example";

fn worlds() -> Vec<(&'static str, DomainObservation)> {
    let one = |endpoint| domain(vec![host(10, MX1, vec![endpoint])]);
    let mut heard =
        failure(Stage::Greeting, Kind::GreetingTemporary).heard(b"421 caf\xe9".to_vec());
    heard.detail.code = Some(421);
    let mut odd = tls(A, MX1);
    odd.anomalies = vec![Anomaly::StarttlsAfterTls, Anomaly::BareLf];
    vec![
        ("good", one(tls(A, MX1))),
        ("without", one(plain(A))),
        ("misnamed", one(misnamed(tls(A, MX1)))),
        ("self-signed", one(self_signed(tls(A, MX1)))),
        ("silent", one(silent(A))),
        ("blocked", blocked(one(silent(A)))),
        ("421 in Latin-1", one(failed(A, heard))),
        ("anomalies", one(odd)),
        ("enforce", with_sts(one(tls(A, MX1)), StsMode::Enforce)),
        ("DANE", with_dane(one(tls(A, MX1)))),
        ("no policies", without_policies(one(tls(A, MX1)))),
        ("no hosts", {
            let mut observation = domain(vec![]);
            observation.mx = Attempt::failed(failure(Stage::Dns, Kind::Servfail));
            observation
        }),
    ]
}

fn piece(text: &str) -> Option<Piece> {
    Some(Piece {
        text: text.into(),
        span: 0..text.len(),
    })
}

fn sample_chain() -> Chain {
    let date: jiff::Zoned = "2026-11-03T10:14:07+01:00[+01:00]".parse().unwrap();
    let mut received = Received::from(field::Said {
        from: Some(From {
            token: Some("out7.relay.example".into()),
            helo: Some("out7.relay.example".into()),
            rdns: None,
            ip: Some(ip("203.0.113.7")),
            ..From::default()
        }),
        by: Some(By {
            host: Some("mx1.partner.example".into()),
            ..By::default()
        }),
        with: piece("esmtp"),
        protocol: Some("esmtp".into()),
        ..field::Said::default()
    });
    received.id = piece("4XkQ2c1Zz9");
    received.date = Some(Date {
        at: date.clone(),
        zone: "+0100".into(),
        span: 0..5,
    });
    Chain {
        source: Source {
            path: "invoice.eml".into(),
            index: 0,
            kind: SourceKind::Eml,
        },
        message: MessageFacts {
            message_id: Some("<1@acme.example>".into()),
            date: Some(date),
            from: Some("a@acme.example".into()),
            to: vec!["ap@partner.example".into()],
            subject: None,
            end_to_end: EndToEnd::None,
            tls_not_required: false,
        },
        hops: vec![Hop {
            number: 1,
            line: 9,
            span: 400..600,
            raw: b"Received: ...".to_vec(),
            received,
            delay: Some(jiff::SignedDuration::from_secs(-3)),
            software: Some(
                SoftwareMark {
                    name: "Postfix".into(),
                    version: None,
                    records_tls: RecordsTls::Always,
                }
                .into(),
            ),
            leg: Leg::Internet,
            trusted: Trust::Own,
            journey: 2,
            turn: Some(Turn {
                kind: TurnKind::Forward,
                text: "relay.example sent it on under its own address".into(),
            }),
            tls: TlsEvidence {
                state: TlsState::Cleartext,
                standing: Some(Standing::Likely),
                version: None,
                version_label: None,
                cipher: None,
                cipher_label: None,
                bits: None,
                bits_label: None,
                client_certificate: Some(ClientCertificate::None),
                authenticated_cipher: None,
                evidence: vec![Evidence {
                    kind: EvidenceKind::SoftwareHabit,
                    says: Says::NoTls,
                    text: "Postfix writes ESMTPS whenever TLS was used".into(),
                    span: Some(50..55),
                }],
            }
            .into(),
        }],
        gaps: vec![Gap {
            between: (1, 2),
            kind: GapKind::NameMismatch,
            text: "the names differ".into(),
        }]
        .into(),
        supporting: vec![Support {
            kind: SupportKind::OriginatingIp,
            text: "the writer's machine had the address 192.0.2.1".into(),
            line: 12,
            span: 700..730,
        }],
        legs: vec![Part {
            which: Which::BetweenServers,
            hops: vec![1],
            state: PartState::Cleartext,
            text: "hop 1 without TLS".into(),
        }]
        .into(),
        answer: Answer::No,
        findings: vec![Finding::new(
            Code::HopWithoutTls,
            "hop 1 went in clear",
            "ESMTP",
        )]
        .into(),
    }
}

fn sample_explanation() -> Explanation {
    Explanation {
        hops: vec![HopExplanation {
            hop: 1,
            conclusion: Conclusion {
                state: ConclusionState::Cleartext,
                standing: Standing::Likely,
            },
            causes: vec![RankedCause {
                cause: Cause::SenderDidNotTry,
                standing: Standing::Likely,
                for_: vec!["mx1 offers STARTTLS now".into()],
                against: vec![],
            }],
            probed: Some(Probed {
                matched_by: MatchedBy::HostName,
                observed_at: time(PROBED),
                age_days: 18,
                from: ObservedFrom::Live,
            }),
            stated: vec![Statement {
                by: StatedBy::SendersLog,
                place: "mail.log:7".into(),
                quote: "8D1B5C7E: to=<ap@partner.example>, status=sent".into(),
                from: time(PROBED),
                until: time(PROBED),
                client: Some("out7.relay.example".into()),
                client_ip: None,
                server: Some("mx1.partner.example".into()),
                server_ip: None,
                id: None,
                says: Said::NoTls(WhyNot::NotOffered),
            }],
            next: vec!["ask relay.example".into()],
            letter: Some(Letter {
                to: "postmaster@relay.example".into(),
                subject: "Mail went without TLS".into(),
                paragraphs: vec!["Could you look?".into()],
            }),
        }],
        earlier: Vec::new(),
        answer: Answer::No,
        trouble_here: false,
    }
}

#[test]
fn the_schema_is_a_valid_schema_of_draft_2020_12() {
    let schema = json::schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    jsonschema::draft202012::meta::validate(&schema).unwrap();
}

#[test]
fn every_type_and_field_is_described_or_plain() {
    // A reader of the schema meets no bare reference to nowhere.
    let schema = json::schema();
    let text = schema.to_string();
    for reference in text.split("\"$ref\":\"#/$defs/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schema["$defs"][name].is_object(), "{name}");
    }
    let kinds: Vec<&Value> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| &kind["title"])
        .collect();
    assert_eq!(
        kinds,
        [
            "domain-report",
            "chain",
            "explanation",
            "run",
            "domain",
            "summary",
            "summary",
            "history",
            "summary",
            "code",
            "unknown-line"
        ]
    );
}

#[test]
fn every_document_satisfies_the_schema() {
    let validator = validator();
    for (what, observation) in worlds() {
        let (observation, verdict) = judged(observation);
        satisfies(
            &validator,
            what,
            &json::domain_report(&observation, &verdict),
        );
    }
    let chain = sample_chain();
    satisfies(&validator, "chain", &json::chain(&chain));
    let probes: Vec<_> = worlds().into_iter().map(|(_, o)| judged(o)).collect();
    satisfies(
        &validator,
        "explanation",
        &json::explanation(&chain, &probes, &sample_explanation()),
    );
    let (observation, verdict) = judged(worlds().remove(0).1);
    let line = |line, text: &str| InputLine {
        line,
        text: text.into(),
    };
    for (what, document) in [
        ("run", json::scan_run(&sample_run())),
        (
            "domain",
            json::scan_domain(&DomainData::new(
                line(3, "ap@partner.example"),
                &observation,
                &verdict,
                false,
            )),
        ),
        (
            "domain in full",
            json::scan_domain(&DomainData::new(
                line(4, "partner.example"),
                &observation,
                &verdict,
                true,
            )),
        ),
        (
            "no domain",
            json::scan_domain(&DomainData::invalid(line(5, "a..b"), "an empty label")),
        ),
        ("scan's summary", json::scan_summary(&sample_summary())),
    ] {
        satisfies(&validator, what, &document);
    }
    for &code in Code::ALL {
        satisfies(&validator, code.word(), &json::code(code));
    }
    for &cause in Cause::ALL {
        satisfies(&validator, cause.word(), &json::cause(cause));
    }
}

fn sample_run() -> RunData {
    RunData {
        tool: "starttrace".into(),
        version: "0.1.0".into(),
        started: PROBED.into(),
        resumed: false,
        options: [("full".to_owned(), json!(true)), ("rate".into(), json!(50))].into(),
        list: list(),
    }
}

fn list() -> ListData {
    ListData {
        name: "partners.txt".into(),
        hash: Some("ab".repeat(32)),
    }
}

fn sample_summary() -> ScanSummary {
    ScanSummary {
        of: ScanOf::Scan,
        list: list(),
        lines: 3,
        complete: true,
        protection: [
            (Protection::Cleartext.into(), 1),
            (Protection::NoMail.into(), 2),
        ]
        .into(),
        answers: ScanAnswers {
            yes: 0,
            no: 3,
            unknown: 0,
        },
        findings: vec![FindingCount {
            code: Code::StarttlsNotSupported.word().into(),
            severity: Severity::Error.into(),
            domains: 1,
        }],
        providers: vec![ProviderCount {
            provider: "bighost.example".into(),
            domains: 1,
            protection: [(Protection::Cleartext.into(), 1)].into(),
        }],
        started: PROBED.into(),
        ended: PROBED.into(),
        duration_ms: 61_204,
        endpoints: 2,
        connections: 3,
        policies: 4,
    }
}

#[test]
fn the_lines_of_a_scan_are_read_back_as_they_were_written() {
    let run = sample_run();
    let document = json::scan_run(&run);
    assert_eq!(
        serde_json::from_value::<RunData>(document["data"].clone()).unwrap(),
        run
    );
    let summary = sample_summary();
    let document = json::scan_summary(&summary);
    assert_eq!(document["data"]["protection"]["no-mail"], 2);
    assert_eq!(
        serde_json::from_value::<ScanSummary>(document["data"].clone()).unwrap(),
        summary
    );
    for (what, observation) in worlds() {
        let (observation, verdict) = judged(observation);
        let input = InputLine {
            line: 7,
            text: "partner.example".into(),
        };
        let document = json::scan_domain(&DomainData::new(input, &observation, &verdict, true));
        let read: DomainData = serde_json::from_value(document["data"].clone())
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(json::scan_domain(&read), document, "{what}");
    }
}

#[test]
fn the_schema_refuses_what_is_not_published() {
    let validator = validator();
    let (observation, verdict) = judged(worlds().remove(0).1);
    let good = json::domain_report(&observation, &verdict);
    for (path, value) in [
        ("/schema", json!("2.0")),
        ("/type", json!("chain")),
        ("/data/verdict/protection", json!("splendid")),
        ("/data/verdict/answer", json!(true)),
        ("/data/observed/at", json!("yesterday")),
        ("/data/observed/mx/status", json!("maybe")),
        ("/data/observed/hosts/0/endpoints/0/port", json!("25")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = value;
        assert!(!validator.is_valid(&bad), "{path}");
    }
}

#[test]
fn octets_are_text_or_base64() {
    let (observation, verdict) = judged(
        worlds()
            .into_iter()
            .find(|(what, _)| *what == "421 in Latin-1")
            .unwrap()
            .1,
    );
    let document = json::domain_report(&observation, &verdict);
    let endpoint = &document["data"]["observed"]["hosts"][0]["endpoints"][0];
    assert_eq!(
        endpoint["greeting"]["failure"]["heard"],
        json!({ "base64": "NDIxIGNhZuk=" })
    );
    assert_eq!(
        endpoint["connect"],
        json!({ "status": "done", "value": {} })
    );
    assert_eq!(
        endpoint["ehlo"],
        json!({ "status": "skipped", "because": "greeting-failed" })
    );
}

#[test]
fn a_chain_reads_as_published() {
    let document = json::chain(&sample_chain());
    let hop = &document["data"]["hops"][0];
    for (path, value) in [
        ("/date", json!("2026-11-03T09:14:07Z")),
        ("/zone", json!("+0100")),
        ("/delay_seconds", json!(-3)),
        ("/with", json!("ESMTP")),
        ("/with_text", json!("esmtp")),
        ("/from/ip", json!("203.0.113.7")),
        ("/for", json!(null)),
        ("/span", json!([400, 600])),
        ("/tls/evidence/0/kind", json!("software-habit")),
        ("/tls/evidence/0/says", json!("no-tls")),
        ("/software/records_tls", json!("always")),
        ("/journey", json!(2)),
        ("/turn/kind", json!("forward")),
    ] {
        assert_eq!(hop.pointer(path), Some(&value), "{path}");
    }
    assert_eq!(document["data"]["gaps"][0]["between"], json!([1, 2]));
    assert_eq!(
        document["data"]["legs"],
        json!([{
            "leg": "between-servers",
            "hops": [1],
            "state": "cleartext",
            "text": "hop 1 without TLS",
        }])
    );
    assert_eq!(
        document["data"]["supporting"],
        json!([{
            "kind": "originating-ip",
            "text": "the writer's machine had the address 192.0.2.1",
            "line": 12,
            "span": [700, 730],
        }])
    );
}

/// A reader's own idea of `domain-report`, from the published text alone.
mod consumer {
    #![allow(dead_code)]
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Envelope {
        pub schema: String,
        pub r#type: String,
        pub data: Report,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Report {
        pub input: String,
        pub domain: String,
        pub observed: Observed,
        pub verdict: Verdict,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Observed {
        pub at: String,
        pub duration_ms: u64,
        pub connections: u32,
        pub client: Client,
        pub control: Attempt<Control>,
        pub resolver: Resolver,
        pub mx: Attempt<Mx>,
        pub mta_sts: MtaSts,
        pub tls_rpt: Attempt<TlsRpt>,
        pub hosts: Vec<Host>,
    }

    #[derive(Deserialize)]
    #[serde(tag = "status", rename_all = "lowercase", deny_unknown_fields)]
    pub enum Attempt<T> {
        Done { value: T },
        Failed { failure: Failure },
        Skipped { because: String },
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Failure {
        pub stage: String,
        pub kind: String,
        pub message: String,
        pub heard: Option<Octets>,
        pub detail: serde_json::Map<String, serde_json::Value>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Octets {
        Text(String),
        Base64(String),
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Client {
        pub ehlo: String,
        pub address: Option<String>,
        pub proxy: Option<String>,
        pub tls: Vec<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Control {
        pub host: String,
        pub address: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Resolver {
        pub address: String,
        pub path: String,
        pub validates: Option<bool>,
        pub because: Option<String>,
        pub by: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Mx {
        pub dnssec: String,
        pub source: String,
        pub records: Vec<MxRecord>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct MxRecord {
        pub preference: u16,
        pub host: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct MtaSts {
        pub record: Attempt<StsRecord>,
        pub policy: Attempt<StsPolicy>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct StsRecord {
        pub txt: Vec<String>,
        pub id: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct StsPolicy {
        pub mode: String,
        pub max_age: u64,
        pub mx: Vec<String>,
        pub unmatched_hosts: Vec<String>,
        pub unmatched_patterns: Vec<String>,
        pub advisories: Vec<StsAdvisory>,
        pub media_type: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct StsAdvisory {
        pub kind: String,
        pub line: Option<usize>,
        pub text: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct TlsRpt {
        pub txt: Vec<String>,
        pub rua: Vec<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Host {
        pub host: String,
        pub preference: u16,
        pub canonical: Option<String>,
        pub addresses: Attempt<Addresses>,
        pub tlsa: Attempt<Tlsa>,
        pub mta_sts_listed: Option<bool>,
        pub endpoints: Vec<Endpoint>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Addresses {
        pub dnssec: String,
        pub list: Vec<String>,
        pub partial: Option<Failure>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Tlsa {
        pub dnssec: String,
        pub base_domain: String,
        pub records: Vec<TlsaRecord>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct TlsaRecord {
        pub usage: u8,
        pub selector: u8,
        pub matching: u8,
        pub data: String,
        pub usable: bool,
        pub unusable_because: Option<String>,
        pub named_at: Vec<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Nothing {}

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Endpoint {
        pub address: String,
        pub port: u16,
        pub connections: u32,
        pub connect: Attempt<Nothing>,
        pub greeting: Attempt<Reply>,
        pub ehlo: Attempt<Ehlo>,
        pub starttls: Attempt<Reply>,
        pub handshake: Attempt<Handshake>,
        pub large_hello: Option<Failure>,
        pub raw_hello: Option<RawHello>,
        pub other_certificate: Attempt<OtherCertificate>,
        pub after_tls: Attempt<AfterTls>,
        pub requiretls: Option<bool>,
        pub anomalies: Vec<String>,
        pub timings_ms: Timings,
        pub deep: Option<serde_json::Value>,
        pub suites: Option<std::collections::BTreeMap<String, Vec<String>>>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct RawHello {
        pub versions: std::collections::BTreeMap<String, bool>,
        pub version: Option<String>,
        pub cipher_suite: Option<String>,
        pub group: Option<String>,
        pub dh_bits: Option<u32>,
        pub chain: Vec<Certificate>,
        pub client_certificate_requested: bool,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct OtherCertificate {
        pub key: String,
        pub handshake: Option<Handshake>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Reply {
        pub code: u16,
        pub lines: Vec<Octets>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Ehlo {
        pub verb: String,
        pub keywords: Vec<String>,
        pub lines: Vec<Octets>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Handshake {
        pub version: String,
        pub cipher_suite: String,
        pub cipher_openssl: String,
        pub cipher_bits: u16,
        pub group: Option<String>,
        pub chain: Vec<Certificate>,
        pub client_certificate_requested: bool,
        pub pkix: Attempt<Nothing>,
        pub identity: Attempt<Identity>,
        pub dane: Attempt<DaneMatch>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Certificate {
        pub subject: String,
        pub issuer: String,
        pub names: Vec<String>,
        pub common_name_only: bool,
        pub serial: String,
        pub not_before: Option<String>,
        pub not_after: Option<String>,
        pub key: Key,
        pub signature_algorithm: String,
        pub self_issued: bool,
        pub sha256: String,
        pub spki_sha256: String,
        pub der: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Key {
        pub algorithm: String,
        pub bits: u32,
        pub curve: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Identity {
        pub matched: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct DaneMatch {
        pub usage: u8,
        pub selector: u8,
        pub matching: u8,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct AfterTls {
        pub keywords: Vec<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Timings {
        pub connect: Option<u64>,
        pub greeting: Option<u64>,
        pub ehlo: Option<u64>,
        pub starttls: Option<u64>,
        pub handshake: Option<u64>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Verdict {
        pub at: String,
        pub required: String,
        pub protection: String,
        pub answer: String,
        pub trouble_here: bool,
        pub reason: String,
        pub seen: Seen,
        pub senders: Senders,
        pub hosts: Vec<HostVerdict>,
        pub findings: Vec<Finding>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Seen {
        pub endpoints: usize,
        pub of: usize,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Senders {
        pub opportunistic: String,
        pub mandatory: String,
        pub mta_sts: String,
        pub dane: String,
        pub requiretls: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct HostVerdict {
        pub host: String,
        pub protection: String,
        pub senders: Senders,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Finding {
        pub code: String,
        pub severity: String,
        pub subject: String,
        pub seen: String,
        pub means: String,
        pub fix: Option<String>,
        pub standard: Option<String>,
    }
}

#[test]
fn a_reader_of_the_published_text_understands_every_world() {
    for (what, observation) in worlds() {
        let (observation, verdict) = judged(observation);
        let line = json::domain_report(&observation, &verdict).to_string();
        let read: consumer::Envelope =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(read.schema, "1.0");
        assert_eq!(read.r#type, "domain-report");
        assert_eq!(read.data.domain, "partner.example");
        assert_eq!(read.data.verdict.answer, verdict.answer.word());
        assert_eq!(read.data.observed.hosts.len(), observation.hosts.len());
    }
}
