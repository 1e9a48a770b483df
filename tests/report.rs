//! `report`: saved results in every form, as people and scripts meet them.

#![allow(clippy::unwrap_used)]

mod samples;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use samples::*;
use starttrace::attempt::Attempt;
use starttrace::explain::{Past, explain};
use starttrace::failure::{Kind, Stage};
use starttrace::finding::Severity;
use starttrace::name::HostName;
use starttrace::observed::domain::{DomainObservation, MxRecord, MxSource, StsMode};
use starttrace::report::json::scan::{
    DomainData, FindingCount, InputLine, ListData, RunData, ScanAnswers, ScanOf, ScanSummary,
};
use starttrace::report::{json, text};
use starttrace::trace::chain::Chain;
use starttrace::verdict::{Protection, Required, assess};

const MX1: &str = "mx1.partner.example";
const MX2: &str = "mx2.partner.example";

/// A saved run: a directory with one file.
struct Saved {
    directory: tempfile::TempDir,
}

/// What the command said.
struct Said {
    status: i32,
    out: String,
    err: String,
}

impl Saved {
    fn new(lines: &[String]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("saved.ndjson"), lines.join("\n")).unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("saved.ndjson")
    }

    fn report(&self, options: &[&str]) -> Said {
        report(
            &[options, &["saved.ndjson"]].concat(),
            self.directory.path(),
            b"",
        )
    }
}

fn report(options: &[&str], directory: &Path, stdin: &[u8]) -> Said {
    let done = assert_cmd::Command::cargo_bin("starttrace")
        .unwrap()
        .current_dir(directory)
        .env_remove("NO_COLOR")
        .arg("report")
        .args(options)
        .write_stdin(stdin)
        .output()
        .unwrap();
    Said {
        status: done.status.code().unwrap(),
        out: String::from_utf8(done.stdout).unwrap(),
        err: String::from_utf8(done.stderr).unwrap(),
    }
}

fn good() -> DomainObservation {
    domain(vec![host(10, MX1, vec![tls("192.0.2.25", MX1)])])
}

fn checked(observation: &DomainObservation) -> String {
    let verdict = assess(observation, observation.at, Required::Tls);
    json::domain_report(observation, &verdict).to_string()
}

fn line(number: u64, name: &str, mut observation: DomainObservation, full: bool) -> String {
    observation.domain = starttrace::name::DomainName::parse(name).unwrap();
    let verdict = assess(&observation, observation.at, Required::Tls);
    let input = InputLine {
        line: number,
        text: name.into(),
    };
    json::scan_domain(&DomainData::new(input, &observation, &verdict, full)).to_string()
}

fn list() -> ListData {
    ListData {
        name: "partners.txt".into(),
        hash: None,
    }
}

fn run() -> String {
    json::scan_run(&RunData {
        tool: "starttrace".into(),
        version: "0.1.0".into(),
        started: PROBED.into(),
        resumed: false,
        options: [].into(),
        list: list(),
    })
    .to_string()
}

fn summary(lines: u64, complete: bool) -> String {
    json::scan_summary(&ScanSummary {
        of: ScanOf::Scan,
        list: list(),
        lines,
        complete,
        protection: [(Protection::Cleartext.into(), lines)].into(),
        answers: ScanAnswers::default(),
        findings: vec![FindingCount {
            code: "starttls-not-supported".into(),
            severity: Severity::Error.into(),
            domains: lines,
        }],
        providers: vec![],
        started: PROBED.into(),
        ended: PROBED.into(),
        duration_ms: 1,
        endpoints: 1,
        connections: 1,
        policies: 4,
    })
    .to_string()
}

/// A scan of three lines, whole.
fn scan(full: bool) -> Saved {
    Saved::new(&[
        run(),
        line(1, "one.example", good(), full),
        line(
            2,
            "two.example",
            domain(vec![host(10, MX1, vec![plain("192.0.2.26")])]),
            full,
        ),
        json::scan_domain(&DomainData::invalid(
            InputLine {
                line: 3,
                text: "=cmd|'/C calc'!A0".into(),
            },
            "it holds '='",
        ))
        .to_string(),
        summary(3, true),
        String::new(),
    ])
}

#[test]
fn a_saved_check_reads_as_check_showed_it() {
    for observation in [
        good(),
        domain(vec![host(10, MX1, vec![misnamed(tls("192.0.2.25", MX1))])]),
        with_sts(good(), StsMode::Enforce),
        with_dane(good()),
        blocked(domain(vec![host(10, MX1, vec![silent("192.0.2.25")])])),
    ] {
        let verdict = assess(&observation, observation.at, Required::Tls);
        let page = text::check::render(&observation, &verdict, 0, text::style::Style::plain());
        let said = Saved::new(&[checked(&observation)]).report(&[]);
        assert_eq!(said.out, page);
        assert_eq!(said.err, "");
    }
}

#[test]
fn a_saved_message_reads_as_trace_and_explain_showed_it() {
    let chain = Chain::parse(
        b"Received: from out7.relay.example (out7.relay.example [203.0.113.7])\r\n\
          \tby mx1.partner.example (Postfix) with ESMTP id 4XkQ2c1Zz9\r\n\
          \tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000\r\n\
          Received: from laptop.acme.example (unknown [192.0.2.9])\r\n\
          \tby out7.relay.example (Postfix) with ESMTPSA id 4XkQ2c1Zz8;\r\n\
          \tTue, 03 Nov 2026 10:14:05 +0100\r\n\
          From: bo@relay.example\r\nSubject: caf\xe9\r\n\r\nhello\r\n",
    )
    .unwrap();
    let style = text::style::Style::plain();
    let said = Saved::new(&[json::chain(&chain).to_string()]).report(&[]);
    assert_eq!(said.out, text::trace::render(&chain, style));
    assert_eq!(said.status, 1);

    let observation = good();
    let probes = vec![(
        observation.clone(),
        assess(&observation, observation.at, Required::Tls),
    )];
    let explanation = explain(&chain, &[], &Past::default());
    let document = json::explanation(&chain, &probes, &explanation);
    let said = Saved::new(&[format!("{document:#}")]).report(&[]);
    assert_eq!(
        said.out,
        text::explain::render(&chain, &probes, &explanation, style)
    );
    let table = Saved::new(&[document.to_string()]).report(&["-f", "csv"]);
    assert_eq!(table.out.lines().count(), 3, "{}", table.out);
    assert!(table.out.contains("\"mx1.partner.example\""));
    let page = Saved::new(&[document.to_string()]).report(&["-f", "html"]);
    assert!(page.out.contains("<td>out7.relay.example</td>"));
}

#[test]
fn lines_are_passed_on_as_they_are_and_filtered_by_level() {
    let saved = scan(false);
    let said = saved.report(&["-f", "ndjson"]);
    let all = std::fs::read_to_string(saved.path()).unwrap();
    assert_eq!(said.out, all);
    assert_eq!((said.status, said.err.as_str()), (0, ""));

    let said = saved.report(&["-f", "ndjson", "--only", "cleartext,mixed"]);
    assert_eq!(said.out.lines().count(), 1);
    assert!(said.out.contains("two.example"));

    let said = saved.report(&["--only", "encrypted,authenticated,cleartext"]);
    assert!(said.out.contains("one.example") && said.out.contains("two.example"));
    assert!(!said.out.contains("cmd"));
    let said = saved.report(&["--only", "splendid"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("no-mail"), "{}", said.err);
}

#[test]
fn one_document_is_one_and_many_are_refused() {
    let one = Saved::new(&[checked(&good())]);
    let said = one.report(&["-f", "json"]);
    assert_eq!(said.status, 0, "{}", said.err);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(document.to_string(), checked(&good()));
    // What was printed over several lines is read again.
    let again = report(&["-f", "ndjson", "-"], Path::new("."), said.out.as_bytes());
    assert_eq!(again.out.trim_end(), checked(&good()));

    let said = scan(false).report(&["-f", "json"]);
    assert_eq!((said.status, said.out.as_str()), (2, ""));
    assert!(said.err.contains("ndjson"));
}

#[test]
fn a_form_that_makes_no_sense_is_refused_with_those_that_do() {
    for form in [
        "csv",
        "html",
        "postfix-policy",
        "exchange-domains",
        "google-domains",
    ] {
        let done = assert_cmd::Command::cargo_bin("starttrace")
            .unwrap()
            .args(["codes", "-f", form])
            .output()
            .unwrap();
        let err = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(2));
        assert!(err.contains("text, json and ndjson"), "{err}");
    }
    let chain = Chain::parse(b"Received: from a by b; Tue, 03 Nov 2026 09:14:07 +0000\r\n\r\n");
    let chain = json::chain(&chain.unwrap()).to_string();
    let said = Saved::new(std::slice::from_ref(&chain)).report(&["-f", "postfix-policy"]);
    assert_eq!(said.status, 3);
    assert!(said.err.contains("no ground for a policy"), "{}", said.err);
    let said = Saved::new(&[chain, checked(&good())]).report(&["-f", "csv"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("report them apart"), "{}", said.err);
}

#[test]
fn what_is_torn_is_told_with_its_place_and_the_rest_goes_on() {
    let whole = line(1, "one.example", good(), true);
    let torn = &whole[..whole.len() / 2];
    let newer = whole.replace("\"schema\":\"1.0\"", "\"schema\":\"2.0\"");
    let strange = whole.replace("\"delivers-encrypted\"", "\"flies\"");
    let saved = Saved::new(&[
        run(),
        torn.to_owned(),
        "garbage".into(),
        newer,
        strange,
        whole,
        summary(5, true),
    ]);
    for form in ["text", "ndjson", "csv", "html"] {
        let said = saved.report(&["-f", form]);
        assert_eq!(said.status, 3, "{form}: {}", said.err);
        for told in [
            "saved.ndjson line 2: the text ends in the middle",
            "saved.ndjson line 3: this is no JSON",
            "saved.ndjson line 4: schema: it is written in schema \"2.0\"",
            "saved.ndjson line 5: data.senders.opportunistic: unknown variant `flies`",
        ] {
            assert!(said.err.contains(told), "{form}: {}", said.err);
        }
        assert!(said.out.contains("one.example"), "{form}: {}", said.out);
    }
    let said = Saved::new(&["garbage".into()]).report(&[]);
    assert_eq!(said.status, 2);
    let said = Saved::new(&[]).report(&[]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("holds no results"), "{}", said.err);
    let said = report(&["missing.ndjson"], Path::new("/"), b"");
    assert_eq!(said.status, 2);
}

#[test]
fn a_scan_without_its_end_cannot_tell() {
    for (lines, status) in [
        (vec![run(), line(1, "one.example", good(), false)], 3),
        (
            vec![
                run(),
                line(1, "one.example", good(), false),
                summary(1, false),
            ],
            3,
        ),
        (
            vec![
                run(),
                line(1, "one.example", good(), false),
                summary(1, true),
            ],
            0,
        ),
    ] {
        let said = Saved::new(&lines).report(&[]);
        assert_eq!(said.status, status, "{}", said.err);
        assert_eq!(said.err.contains("not come to its end"), status == 3);
    }
}

#[test]
fn what_was_full_is_judged_again_and_what_was_not_is_refused() {
    // The certificate ends 2027-03-01.
    let said = scan(true).report(&["-f", "ndjson", "--at", "2030-01-01", "--only", "encrypted"]);
    assert!(said.out.contains("one.example"), "{}{}", said.out, said.err);
    let said = scan(true).report(&["-f", "ndjson", "--only", "authenticated"]);
    assert!(said.out.contains("one.example"), "{}{}", said.out, said.err);

    let said = scan(true).report(&["--require", "enforced"]);
    assert_eq!(said.status, 1, "{}", said.err);
    let said = scan(false).report(&["--require", "enforced"]);
    assert_eq!(said.status, 2);
    assert!(
        said.err.contains("saved.ndjson line 2") && said.err.contains("--full"),
        "{}",
        said.err
    );

    let one = Saved::new(&[checked(&good())]);
    assert_eq!(one.report(&[]).status, 0);
    assert_eq!(one.report(&["--require", "authenticated"]).status, 0);
    let said = one.report(&["--require", "authenticated", "--at", "2030-01-01"]);
    assert_eq!(said.status, 1);
    assert!(said.out.contains("2030-01-01"), "{}", said.out);
    let said = one.report(&["--at", "2030-01-01", "-f", "json"]);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(document["data"]["verdict"]["at"], "2030-01-01T00:00:00Z");
    assert_eq!(document["data"]["verdict"]["protection"], "encrypted");

    let chain = Chain::parse(b"Received: from a by b; Tue, 03 Nov 2026 09:14:07 +0000\r\n\r\n");
    let chain = json::chain(&chain.unwrap()).to_string();
    let said = Saved::new(&[chain]).report(&["--at", "2030-01-01"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("check, or scan --full"), "{}", said.err);
}

#[test]
fn compressed_files_and_standard_input_are_read_too() {
    let saved = scan(false);
    let all = std::fs::read(saved.path()).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&all).unwrap();
    let gzip = gzip.finish().unwrap();
    for input in [&all, &gzip] {
        let said = report(&["-f", "ndjson", "-"], Path::new("."), input);
        assert_eq!(said.out.as_bytes(), &all[..]);
        assert_eq!(said.status, 0, "{}", said.err);
    }
    let cut = &gzip[..gzip.len() - 20];
    let said = report(&["-f", "ndjson", "-"], Path::new("."), cut);
    assert_ne!(said.status, 0);
    assert!(
        said.err.contains("nothing can be read from here on"),
        "{}",
        said.err
    );
    let said = report(&["-", "-"], Path::new("."), b"");
    assert_eq!(said.status, 2);
}

#[test]
fn a_table_is_safe_for_spreadsheets() {
    let said = scan(false).report(&["-f", "csv"]);
    let lines: Vec<&str> = said.out.split("\r\n").collect();
    assert_eq!(lines.len(), 5, "{}", said.out);
    assert!(lines[0].starts_with("\"line\",\"input\",\"domain\""));
    assert!(lines[1].starts_with("1,\"one.example\",\"one.example\",\"2026-11-21T23:10:00Z\""));
    assert!(lines[3].starts_with("3,\"'=cmd|'/C calc'!A0\",\"\",\"\",\"unknown\""));
    // What has no place in the table.
    assert_eq!(
        said.err,
        format!(
            "starttrace: partners.txt: scan begun {PROBED}, ended {PROBED}; 3 lines answered, \
             which is all.\n"
        )
    );
}

#[test]
fn a_page_is_whole_and_without_scripts() {
    let said = scan(true).report(&["-f", "html"]);
    let page = &said.out;
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    for part in [
        "one.example",
        "mx1.partner.example",
        "192.0.2.26",
        "not offered",
        "id=\"counts\"",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for part in [
        "<script",
        "http://",
        "https://",
        "<link",
        "<img",
        "javascript:",
    ] {
        assert!(!page.contains(part), "{part}");
    }
    assert_eq!(
        page.matches("<article").count(),
        page.matches("</article>").count()
    );
}

fn partners() -> Vec<String> {
    let two = |first: fn(&str) -> starttrace::observed::endpoint::EndpointObservation| {
        domain(vec![
            host(10, MX1, vec![first(MX1)]),
            host(20, MX2, vec![tls("192.0.2.27", MX2)]),
        ])
    };
    // One host by its certificate, the other by its TLSA records alone.
    let mut mixed = with_dane(domain(vec![host(
        10,
        MX1,
        vec![self_signed(tls("192.0.2.25", MX1))],
    )]));
    mixed
        .hosts
        .push(host(20, MX2, vec![tls("192.0.2.27", MX2)]));
    let mut unseen = two(|name| tls("192.0.2.25", name));
    unseen.hosts[1]
        .endpoints
        .push(Arc::new(silent("192.0.2.28")));
    let mut given = good();
    if let Attempt::Done(mx) = &mut given.mx {
        mx.source = MxSource::Implicit;
        mx.records = vec![MxRecord {
            preference: 0,
            host: HostName::parse(MX1).unwrap(),
        }];
    }
    let mut elsewhere = good();
    Arc::make_mut(&mut elsewhere.hosts[0].endpoints[0]).port = 587;
    let mut odd = good();
    odd.hosts[0].host = HostName::from_dns("nexthop");
    vec![
        line(1, "pkix.example", two(|name| tls("192.0.2.25", name)), true),
        line(2, "dane.example", with_dane(good()), true),
        line(3, "mixed.example", mixed, true),
        line(4, "unseen.example", unseen, true),
        line(5, "given.example", given, true),
        line(6, "elsewhere.example", elsewhere, true),
        line(7, "odd.example", odd, true),
        line(
            8,
            "clear.example",
            domain(vec![host(10, MX1, vec![plain("192.0.2.26")])]),
            true,
        ),
        line(9, "pkix.example", good(), true),
        line(
            10,
            "misnamed.example",
            domain(vec![host(10, MX1, vec![misnamed(tls("192.0.2.25", MX1))])]),
            true,
        ),
        line(11, "compact.example", without_policies(good()), false),
        line(12, "compact-dane.example", with_dane(good()), false),
        line(
            13,
            "untold.example",
            {
                let failure = failure(Stage::Dns, Kind::Servfail);
                let mut observation = domain(vec![]);
                observation.mx = Attempt::failed(failure);
                observation
            },
            true,
        ),
        summary(13, true),
    ]
}

#[test]
fn a_policy_table_for_postfix_demands_what_was_proved_and_no_more() {
    let said = Saved::new(&partners()).report(&["-f", "postfix-policy"]);
    let entries: Vec<&str> = said
        .out
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(
        entries,
        [
            "pkix.example\tsecure match=mx1.partner.example:mx2.partner.example",
            "dane.example\tdane-only",
            "mixed.example\tencrypt",
            "unseen.example\tsecure match=mx1.partner.example:mx2.partner.example",
            "[mx1.partner.example]\tsecure match=mx1.partner.example",
            "odd.example\tencrypt",
            "compact.example\tencrypt",
            "compact-dane.example\tdane-only",
        ],
        "{}",
        said.err
    );
    assert!(
        said.out
            .contains("# unseen.example: 2 of 3 addresses seen on 2026-11-21")
    );
    assert!(said.out.starts_with("# A TLS policy table for Postfix"));
    assert!(said.out.contains("A policy outlives a scan"));
    assert!(said.err.contains("8 domains written"), "{}", said.err);
    assert!(
        said.err
            .contains("1 domain left out: probed on another port")
    );
    assert!(said.err.contains("--full"));
}

#[test]
fn lists_for_exchange_and_google_hold_what_certificates_prove() {
    let said = Saved::new(&partners()).report(&["-f", "exchange-domains"]);
    let expected = [
        "pkix.example",
        "dane.example",
        "unseen.example",
        "compact.example",
    ];
    assert_eq!(
        said.out.lines().collect::<Vec<_>>(),
        expected,
        "{}",
        said.err
    );
    assert!(said.err.contains("New-OutboundConnector") && said.err.contains("outlives"));
    let said = Saved::new(&partners()).report(&["-f", "google-domains"]);
    assert_eq!(said.out, format!("{}\n", expected.join(", ")));
    assert!(said.err.contains("outlives"));
}
