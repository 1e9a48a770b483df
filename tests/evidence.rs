//! What was written down at the time and given beside the messages: logs
//! (`--log`), TLS reports (`--tlsrpt`), and what earlier runs kept (`--history`).
//! The logs are those of real mail servers (`tests/interop/README.md`), with a
//! packet capture for the truth.
#![allow(clippy::unwrap_used)]

mod samples;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assert_cmd::Command;
use serde_json::{Value, json};
use starttrace::history::{Access, Entry, Store};
use starttrace::verdict::{Required, assess};

fn interop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}

fn starttrace() -> Command {
    let mut command = Command::cargo_bin("starttrace").unwrap();
    command
        .env_remove("NO_COLOR")
        .env_remove("STARTTRACE_HISTORY")
        .env("COLUMNS", "80")
        .timeout(Duration::from_secs(120));
    command
}

fn explain(args: &[&str]) -> Output {
    starttrace()
        .args(["explain", "--offline"])
        .args(args)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn documents(output: &Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["data"].clone())
        .collect()
}

/// From out7.relay.example in clear to a Postfix, whose log and reports follow.
const MESSAGE: &str = "\
Received: from out7.relay.example (out7.relay.example [203.0.113.7])
\tby mx1.partner.example (Postfix) with ESMTP id 4XkQ2c1Zz9
\tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000 (UTC)
From: billing@acme.example
Message-ID: <4711@acme.example>

Hello
";

fn file(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn report(failures: &[(&str, &str)]) -> Value {
    json!({
        "organization-name": "Relay",
        "contact-info": "tls@relay.example",
        "report-id": "2026-11-03-partner",
        "date-range": {
            "start-datetime": "2026-11-03T00:00:00Z",
            "end-datetime": "2026-11-03T23:59:59Z",
        },
        "policies": [{
            "policy": { "policy-type": "no-policy-found", "policy-domain": "partner.example" },
            "summary": { "total-successful-session-count": 0, "total-failure-session-count": 7 },
            "failure-details": failures.iter().map(|(result, host)| json!({
                "result-type": result,
                "receiving-mx-hostname": host,
                "failed-session-count": 7,
            })).collect::<Vec<_>>(),
        }],
    })
}

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn logs_of_real_servers_prove_what_the_wire_carried() {
    let mut args = vec!["-f".to_owned(), "ndjson".to_owned()];
    let mut paths = |folder: &str, flag: &str| {
        let mut found: Vec<String> = std::fs::read_dir(interop().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
            .filter(|path| path.ends_with(".log") || path.ends_with(".eml"))
            .collect();
        found.sort();
        args.extend(found.into_iter().map(|path| format!("{flag}{path}")));
    };
    paths("logs", "--log=");
    paths("", "");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = explain(&args);
    // Logs of others are told, and no reason to stop.
    let said = stderr(&output);
    assert!(
        said.contains("sendmail.log holds no line of Postfix or Exim"),
        "{said}"
    );

    let mut hops: BTreeMap<(String, u64), Value> = BTreeMap::new();
    for data in documents(&output) {
        let path = data["chain"]["source"]["path"].as_str().unwrap();
        let name = Path::new(path).file_stem().unwrap().to_str().unwrap();
        for hop in data["hops"].as_array().unwrap() {
            hops.insert((name.to_owned(), hop["hop"].as_u64().unwrap()), hop.clone());
        }
    }
    let truth = std::fs::read_to_string(interop().join("truth.jsonl")).unwrap();
    let (mut proved, mut causes, mut faults) = (0, 0, Vec::new());
    for line in truth.lines() {
        let truth: Value = serde_json::from_str(line).unwrap();
        let name = truth["message"].as_str().unwrap().to_owned();
        let hop = &hops[&(name.clone(), truth["hop"].as_u64().unwrap())];
        let state = hop["conclusion"]["state"].as_str().unwrap();
        let wrong = match truth["tls"].as_str().unwrap() {
            "encrypted" => state == "cleartext",
            _ => state == "encrypted",
        };
        let also = truth["also"].as_array().unwrap();
        let holds = |code: &Value| *code == truth["cause"] || also.contains(code);
        for cause in hop["causes"].as_array().unwrap() {
            let sure = cause["standing"] == "proved" || cause["standing"] == "likely";
            causes += usize::from(cause["standing"] == "proved");
            if wrong || (sure && !holds(&cause["code"])) {
                faults.push(format!("{name}: {state} {cause} but {}", truth["cause"]));
            }
        }
        if hop["conclusion"]["standing"] == "proved"
            && (state == "encrypted" || state == "cleartext")
        {
            proved += 1;
            assert_eq!(state, truth["tls"], "{name}");
        }
        for stated in hop["stated"].as_array().unwrap() {
            let place = stated["place"].as_str().unwrap();
            let (file, line) = place.rsplit_once(".log:").unwrap();
            let number: usize = line.split(' ').next().unwrap().parse().unwrap();
            let log = std::fs::read_to_string(format!("{file}.log")).unwrap();
            let quoted = stated["text"].as_str().unwrap();
            assert!(
                log.lines().nth(number - 1).unwrap().starts_with(quoted),
                "{place}"
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // Most hops have a Postfix or an Exim on one side.
    assert!(proved >= 120, "{proved}");
    assert!(causes >= 20, "{causes}");
}

#[test]
fn a_log_overturns_a_silent_line_and_a_line_that_lies() {
    let folder = tempfile::tempdir().unwrap();
    // After HELO, STARTTLS, HELO the line of Postfix is that of a session in clear.
    let log = interop().join("logs/mx.bravo.example.postfix.log");
    let log = format!("--log={}", log.display());
    let m07 = interop().join("m07.eml");
    let page = stdout(&explain(&[&log, m07.to_str().unwrap()]));
    assert!(
        page.contains("hop 1, to mx.bravo.example, used TLS"),
        "{page}"
    );
    assert!(page.contains("mx.bravo.example.postfix.log:"), "{page}");

    let forged = file(
        folder.path(),
        "forged.eml",
        MESSAGE.replace("ESMTP id", "ESMTPS id"),
    );
    let clear = "\
        Nov  3 09:14:06 mx1 postfix/smtpd[77]: connect from out7.relay.example[203.0.113.7]\n\
        Nov  3 09:14:07 mx1 postfix/smtpd[77]: 4XkQ2c1Zz9: client=out7.relay.example[203.0.113.7]\n\
        Nov  3 09:14:08 mx1 postfix/smtpd[77]: disconnect from out7.relay.example[203.0.113.7] \
        ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5\n";
    let log = file(folder.path(), "mail.log", clear);
    let output = explain(&["--log", &log, &forged]);
    assert_eq!(output.status.code(), Some(1));
    let page = stdout(&output);
    let head = "the line of mx1.partner.example records TLS, and a log of that time none";
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(head), "{page}");
    assert!(page.contains("proved     header-untrusted"), "{page}");
    assert!(page.contains("^^^^^^ says TLS"), "{page}");
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("mail.log:3 (year and zone +0000 assumed)"),
        "{page}"
    );
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let plain = stdout(&explain(&["--audience", "plain", "--log", &log, &forged]));
    assert!(plain.contains("Certain"), "{plain}");
    let letter = stdout(&explain(&["--letter", "--log", &log, &forged]));
    assert!(letter.contains("ehlo=1 mail=1"), "{letter}");
    assert!(letter.contains("To: postmaster@relay.example"), "{letter}");
    // With the sender's log at hand it is the receiver who can tell.
    let log = interop().join("logs/mx.echo.example.exim.log");
    let log = format!("--log={}", log.display());
    let m17 = interop().join("m17.eml");
    let letter = stdout(&explain(&["--letter", &log, m17.to_str().unwrap()]));
    assert!(letter.contains("To: postmaster@mike.example"), "{letter}");
    assert!(letter.contains("Handshake failed"), "{letter}");
}

#[test]
fn the_zone_of_a_log_is_that_of_the_host_or_the_one_given() {
    let folder = tempfile::tempdir().unwrap();
    let log = file(
        folder.path(),
        "mainlog",
        "2026-11-03 14:14:07 4XkQ2c-0000Qe-0s <= bo@relay.example H=out7.relay.example \
         [203.0.113.7] P=esmtps X=TLS1.3:TLS_AES_256_GCM_SHA384:256 S=1 id=4711@acme.example\n",
    );
    let message = MESSAGE
        .replace("4XkQ2c1Zz9", "4XkQ2c-0000Qe-0s")
        .replace("(Postfix)", "(Exim 4.98)");
    let message = file(folder.path(), "m.eml", message);
    let of = |args: &[&str]| {
        documents(&explain(
            &[&["-f", "ndjson", "--log", &log, &message], args].concat(),
        ))[0]["hops"][0]
            .clone()
    };
    let given = of(&["--log-zone", "+05:00"]);
    assert_eq!(
        given["stated"][0]["from"], "2026-11-03T09:14:07Z",
        "{given}"
    );
    assert!(
        given["stated"][0]["place"]
            .as_str()
            .unwrap()
            .ends_with("mainlog:1")
    );
    assert_eq!(
        given["conclusion"],
        json!({"state": "encrypted", "standing": "proved"})
    );
    let assumed = of(&[]);
    assert!(
        assumed["stated"][0]["place"]
            .as_str()
            .unwrap()
            .contains("zone +0000 assumed")
    );
    for wrong in ["5", "+25:00", "Europe/Berlin"] {
        let output = explain(&["--log", &log, "--log-zone", wrong, &message]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn a_report_proves_the_cause_where_it_names_the_host_and_one_reason() {
    let folder = tempfile::tempdir().unwrap();
    let message = file(folder.path(), "m.eml", MESSAGE);
    let first = |reports: &[Value]| {
        let mut args = vec!["-f".to_owned(), "ndjson".to_owned()];
        for (n, report) in reports.iter().enumerate() {
            args.push("--tlsrpt".into());
            args.push(file(
                folder.path(),
                &format!("r{n}.json"),
                report.to_string(),
            ));
        }
        args.push(message.clone());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = explain(&args);
        let hop = documents(&output)[0]["hops"][0].clone();
        (
            hop["causes"][0]["standing"].clone(),
            hop["causes"][0]["code"].clone(),
            hop,
        )
    };
    let host = "mx1.partner.example";
    let (standing, code, hop) = first(&[report(&[("starttls-not-supported", host)])]);
    assert_eq!(
        (standing, code),
        (json!("proved"), json!("starttls-not-offered")),
        "{hop:#}"
    );
    assert!(
        hop["stated"][0]["place"]
            .as_str()
            .unwrap()
            .contains("report 2026-11-03-partner")
    );
    // The report is a count of a day: the hop itself stays as its line has it.
    assert_eq!(hop["conclusion"]["standing"], "likely");
    // Two reasons: which was this hop's is not told.
    let two = report(&[
        ("starttls-not-supported", host),
        ("certificate-expired", host),
    ]);
    assert_eq!(first(&[two]).0, "likely");
    // Another host of the domain.
    let other = report(&[("starttls-not-supported", "mx2.partner.example")]);
    assert_eq!(first(&[other]).0, "likely");
    // Another day, another sender, a receiver elsewhere.
    let mut day = report(&[("starttls-not-supported", host)]);
    day["date-range"]["start-datetime"] = json!("2026-11-04T00:00:00Z");
    day["date-range"]["end-datetime"] = json!("2026-11-04T23:59:59Z");
    let mut sender = report(&[("starttls-not-supported", host)]);
    sender["contact-info"] = json!("tls@elsewhere.example");
    let elsewhere = report(&[("starttls-not-supported", "mx1.elsewhere.example")]);
    for unheard in [day, sender, elsewhere] {
        let (standing, _, hop) = first(&[unheard]);
        assert_eq!(standing, "possible", "{hop:#}");
        assert_eq!(hop["stated"], json!([]));
    }
}

#[test]
fn a_report_is_taken_as_json_as_gzip_and_as_the_mail_that_carries_it() {
    let folder = tempfile::tempdir().unwrap();
    let message = file(folder.path(), "m.eml", MESSAGE);
    let json = report(&[("starttls-not-supported", "mx1.partner.example")]).to_string();
    let mail = format!(
        "From: tls@relay.example\r\nContent-Type: multipart/report; report-type=tlsrpt; \
         boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report\r\n--b\r\n\
         Content-Type: application/tlsrpt+json\r\n\r\n{json}\r\n--b--\r\n"
    );
    for (name, octets) in [
        ("r.json", json.clone().into_bytes()),
        ("r.json.gz", gzip(json.as_bytes())),
        ("r.eml", mail.into_bytes()),
    ] {
        let report = file(folder.path(), name, octets);
        let page = stdout(&explain(&["--tlsrpt", &report, &message]));
        assert!(
            page.contains("proved     starttls-not-offered"),
            "{name}: {page}"
        );
        assert!(page.contains("the sender's TLS report"), "{name}: {page}");
    }
}

#[test]
fn files_that_are_none_of_these_are_told_and_never_hold_up() {
    let folder = tempfile::tempdir().unwrap();
    let message = file(folder.path(), "m.eml", MESSAGE);
    let binary: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let bomb = gzip(&vec![b'a'; 64 << 20]);
    let long = format!(
        "Nov  3 09:14:07 mx1 postfix/smtpd[1]: {}",
        "x".repeat(8 << 20)
    );
    for (name, octets, status, says) in [
        ("binary.log", binary, 1, "holds no line of Postfix or Exim"),
        (
            "empty.log",
            Vec::new(),
            1,
            "holds no line of Postfix or Exim",
        ),
        ("long.log", long.into_bytes(), 1, ""),
        ("bomb.log.gz", bomb, 2, "times its size"),
        ("broken.log.gz", vec![0x1F, 0x8B, 8, 0, 0], 2, "cannot read"),
    ] {
        let log = file(folder.path(), name, octets);
        let output = explain(&["--log", &log, &message]);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{name}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(says),
            "{name}: {}",
            stderr(&output)
        );
    }
    let here = folder.path().to_str().unwrap();
    let missing = format!("{here}/missing");
    for (args, says) in [
        (["--log", &missing], "missing"),
        (["--log", here], "folder"),
        (["--tlsrpt", &missing], "missing"),
        (["--tlsrpt", &message], "no TLS report"),
        (["--tlsrpt", here], "cannot read"),
    ] {
        let output = explain(&[args[0], args[1], &message]);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            stderr(&output).contains(says),
            "{args:?}: {}",
            stderr(&output)
        );
    }
    let output = explain(&["--log", "-", "-"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("only once"), "{}", stderr(&output));
    // Text that a terminal obeys.
    let nasty = "Nov  3 09:14:06 mx1 postfix/smtpd[7]: connect from out7.relay.example[203.0.113.7]\n\
        Nov  3 09:14:07 mx1 postfix/smtpd[7]: 4XkQ2c1Zz9: client=out7.relay.example[203.0.113.7]\n\
        Nov  3 09:14:08 mx1 postfix/smtpd[7]: disconnect from out7.relay.example[203.0.113.7] \
        ehlo=1 mail=1 commands=2 \u{1b}[31m\u{202e}\n";
    let log = file(folder.path(), "nasty.log", nasty);
    for form in [
        &[][..],
        &["--audience", "plain"],
        &["--letter"],
        &["--summary"],
    ] {
        let output = explain(&[&["--log", &log, &message], form].concat());
        let page = stdout(&output) + &stderr(&output);
        assert!(!page.contains(['\u{1b}', '\u{202e}']), "{form:?}: {page:?}");
    }
}

/// A name server that fails every question, and keeps it.
fn listening() -> (String, Arc<Mutex<Vec<u8>>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    std::thread::spawn(move || {
        let mut packet = [0; 4_096];
        while let Ok((size, from)) = socket.recv_from(&mut packet) {
            kept.lock().unwrap().extend_from_slice(&packet[..size]);
            // RFC 1035, section 4.1.1: a response, and SERVFAIL.
            packet[2] |= 0x80;
            packet[3] = packet[3] & 0xF0 | 2;
            let _ = socket.send_to(&packet[..size], from);
        }
    });
    (address, heard)
}

/// Logs, reports and histories are given by people, but what they name was
/// chosen by others: none of it is ever asked for in the DNS, let alone
/// connected to. What the message names is.
#[test]
fn names_of_logs_and_reports_lead_to_no_question() {
    let folder = tempfile::tempdir().unwrap();
    let message = file(folder.path(), "m.eml", MESSAGE);
    let log = file(
        folder.path(),
        "mail.log",
        "Nov  3 09:14:06 mx1 postfix/smtpd[7]: connect from hidden-log.example[10.0.0.7]\n\
         Nov  3 09:14:07 mx1 postfix/smtpd[7]: 4XkQ2c1Zz9: client=hidden-log.example[10.0.0.7]\n\
         Nov  3 09:14:08 mx1 postfix/smtpd[7]: disconnect from hidden-log.example[10.0.0.7] \
         ehlo=1 mail=1 commands=2\n\
         Nov  3 09:14:09 out7 postfix/smtp[9]: 8D1B5C7E: to=<ap@partner.example>, \
         relay=hidden-relay.example[10.0.0.8]:25, delay=0.2, delays=0/0/0.1/0.1, dsn=2.0.0, \
         status=sent (250 2.0.0 Ok: queued as 4XkQ2c1Zz9)\n",
    );
    let failures = [
        ("starttls-not-supported", "hidden-report.partner.example"),
        ("starttls-not-supported", "mx1.partner.example"),
    ];
    let report = file(folder.path(), "r.json", report(&failures).to_string());
    let history = folder.path().join("h.db");
    let mut seen = samples::domain(vec![samples::host(
        10,
        "hidden-history.partner.example",
        vec![samples::tls("10.0.0.9", "hidden-certificate.example")],
    )]);
    seen.at = samples::time("2026-11-02T12:00:00Z");
    let verdict = assess(&seen, seen.at, Required::Tls);
    let document = starttrace::report::json::domain_report(&seen, &verdict).to_string();
    let mut store = Store::open(&history, Access::Write).unwrap();
    store
        .put(&[Entry::new(&seen, &verdict, document)], &[])
        .unwrap();
    drop(store);
    let (resolver, heard) = listening();
    let output = starttrace()
        .args([
            "explain",
            "-f",
            "json",
            "--resolver",
            &resolver,
            "--timeout",
            "2",
        ])
        .args([
            "--log",
            &log,
            "--tlsrpt",
            &report,
            "--control",
            "none",
            "--history",
        ])
        .arg(&history)
        .arg(&message)
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = document["data"]["hops"][0]["stated"].to_string();
    assert!(said.contains("hidden-report"), "{said}");
    let earlier = document["data"]["earlier"].to_string();
    assert!(earlier.contains("hidden-history"), "{earlier}");
    let asked = String::from_utf8_lossy(&heard.lock().unwrap()).to_ascii_lowercase();
    assert!(asked.contains("partner"), "{asked:?}");
    assert!(!asked.contains("hidden"), "{asked:?}");
}

#[test]
fn what_a_host_showed_in_an_earlier_run_bears_witness() {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("h.db");
    let history = history.to_str().unwrap();
    let line = |with: &str, id: u32, day: u32| {
        format!(
            "Received: from mx{id}.sender.example (mx{id}.sender.example [203.0.113.{id}])\n\
             \tby in.filter.example with {with} id q{id};\n\
             \t{day:02} Nov 2026 09:14:07 +0000\nFrom: a@sender.example\n\nhello\n"
        )
    };
    let speaking = file(folder.path(), "s.eml", line("ESMTPS", 1, 1));
    let later = file(folder.path(), "l.eml", line("ESMTPS", 2, 5));
    let quiet = file(folder.path(), "q.eml", line("ESMTP", 3, 9));
    let told = |args: &[&str]| {
        let output = explain(&[&["-f", "ndjson"], args].concat());
        assert_eq!(stderr(&output), "");
        documents(&output).pop().unwrap()["chain"]["hops"][0]["tls"].clone()
    };
    assert_eq!(told(&[&quiet])["state"], "unstated");
    // Read twice, and in a copy with other line ends: it counts once.
    told(&["--history", history, &speaking]);
    told(&["--history", history, &speaking]);
    let copy = std::fs::read_to_string(&speaking)
        .unwrap()
        .replace('\n', "\r\n");
    told(&["--history", history, &file(folder.path(), "c.eml", copy)]);
    for _ in 0..2 {
        // What it showed itself the first time is not held against it.
        let tls = told(&["--history", history, &quiet]);
        assert_eq!(tls["state"], "cleartext");
        let text = tls["evidence"].to_string();
        assert!(
            text.contains("recorded TLS in 1 of 1 other message on 2026-11-01"),
            "{text}"
        );
    }
    told(&["--history", history, &later]);
    let text = told(&["--history", history, &quiet])["evidence"].to_string();
    assert!(
        text.contains("recorded TLS in 2 of 2 other messages between 2026-11-01 and 2026-11-05"),
        "{text}"
    );
    // In one run with one of them, that one counts once.
    let text = told(&["--history", history, "--with", &later, &quiet])["evidence"].to_string();
    assert!(text.contains("in 2 of 2 other messages"), "{text}");
    // Without the file nothing is remembered, and nothing is made.
    assert_eq!(told(&[&quiet])["state"], "unstated");
    let lost = folder.path().join("none.db");
    explain(&[&quiet]);
    assert!(!lost.exists());
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let log = interop().join("logs/mx1.alpha.example.postfix.log");
    let script = format!(
        "'{}' explain --offline --log '{}' '{}'/m*.eml | head -n 1; exit ${{PIPESTATUS[0]}}",
        assert_cmd::cargo::cargo_bin("starttrace").display(),
        log.display(),
        interop().display()
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .output()
        .unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 1 | 3)),
        "{output:?}"
    );
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panic"));
}
