//! The command from outside: exit statuses, bad input, streams, help.

#![allow(clippy::unwrap_used)]

mod lab;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use assert_cmd::Command;
use lab::world::World;
use lab::{CONTROL_HOST, Lab, page};
use serde_json::Value;

fn starttrace() -> Command {
    let mut command = Command::cargo_bin("starttrace").unwrap();
    command
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env("COLUMNS", "80")
        .timeout(Duration::from_secs(60));
    command
}

fn run(args: &[&str]) -> Output {
    starttrace().args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

const EHLO: &str = "probe.acme.example";

const ENCRYPTED: &str = "\
Received: from out7.relay.example (out7.relay.example [203.0.113.7])\r
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r
\tby mx1.partner.example (Postfix) with ESMTPS id 4XkQ2c1Zz9\r
\tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000 (UTC)\r
From: billing@acme.example\r
To: ap@partner.example\r
Subject: Invoice\r
\r
Hello\r
";

const IN_CLEAR: &str = "\
Received: from out7.relay.example (out7.relay.example [203.0.113.7])
\tby mx1.partner.example (Postfix) with ESMTP id 4XkQ2c1Zz9
\tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000 (UTC)
From: billing@acme.example

Hello
";

/// Its writer is unknown, so its silence says nothing.
const UNSTATED: &str = "\
Received: from out7.relay.example (out7.relay.example [203.0.113.7])
\tby mx1.partner.example; Tue, 03 Nov 2026 09:14:07 +0000
From: billing@acme.example

Hello
";

fn file(directory: &tempfile::TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn trace_answers_by_its_exit_status() {
    for (message, status) in [(ENCRYPTED, 0), (IN_CLEAR, 1), (UNSTATED, 3)] {
        let output = starttrace()
            .args(["trace", "-"])
            .write_stdin(message)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(status),
            "{message}\n{}{}",
            stdout(&output),
            stderr(&output)
        );
    }
}

#[test]
fn of_several_messages_the_worst_status_counts() {
    let directory = tempfile::tempdir().unwrap();
    let good = file(&directory, "good.eml", ENCRYPTED);
    let bad = file(&directory, "bad.eml", IN_CLEAR);
    let unstated = file(&directory, "unstated.eml", UNSTATED);
    let absent = directory.path().join("absent.eml");
    for (files, status) in [
        (vec![&good, &good], 0),
        (vec![&good, &unstated], 3),
        (vec![&good, &unstated, &bad], 1),
        // One that cannot be read among others is "cannot tell", not "usage".
        (vec![&good, &absent], 3),
        (vec![&absent, &bad], 1),
        (vec![&absent], 2),
    ] {
        let output = starttrace().arg("trace").args(&files).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(status),
            "{files:?}\n{}",
            stderr(&output)
        );
    }
}

#[test]
fn what_is_no_message_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let binary: Vec<u8> = (0..4096_u32).map(|n| (n * 7 % 251) as u8).collect();
    for (name, content, reason) in [
        ("empty.eml", Vec::new(), ""),
        ("binary.eml", binary, "binary"),
        (
            "prose.txt",
            b"Dear Sir or Madam,\nhello\n".to_vec(),
            "header",
        ),
        (
            "unsent.eml",
            b"From: a@example.org\nSubject: draft\n\nhello\n".to_vec(),
            "Received",
        ),
        ("nuls.eml", vec![0; 10_000], "binary"),
        ("line.txt", vec![b'x'; 1_000_000], "header"),
    ] {
        let path = file(&directory, name, content);
        let output = starttrace().arg("trace").arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {}", stdout(&output));
        assert_eq!(stdout(&output), "", "{name}");
        let complaint = stderr(&output);
        assert!(complaint.contains(name), "{name}: {complaint}");
        assert!(complaint.contains(reason), "{name}: {complaint}");
        assert!(!complaint.contains("panicked"), "{complaint}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let message = file(&directory, "message.eml", ENCRYPTED);
    let empty = directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for path in [
        empty,
        directory.path().join("absent.eml"),
        // A file that is used like a folder cannot be read by root either.
        message.join("inside.eml"),
    ] {
        let output = starttrace().arg("trace").arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", path.display());
        let complaint = stderr(&output);
        assert!(
            complaint.contains(path.to_str().unwrap()),
            "{}: {complaint}",
            path.display()
        );
    }
}

#[test]
fn damaged_messages_are_read_as_far_as_they_can_be() {
    let nul = IN_CLEAR.replace("Hello", "He\0llo");
    let mut not_utf8 = b"Subject: caf\xe9 \xff\n".to_vec();
    not_utf8.extend_from_slice(IN_CLEAR.as_bytes());
    let long = format!("X-Long: {}\n{IN_CLEAR}", "x".repeat(1_000_000));
    let bare_cr = IN_CLEAR.replace('\n', "\r\n");
    let mark = format!("\u{feff}{IN_CLEAR}");
    for (what, message) in [
        ("NUL", nul.into_bytes()),
        ("8-bit", not_utf8),
        ("1 MB line", long.into_bytes()),
        ("CR LF", bare_cr.into_bytes()),
        ("byte order mark", mark.into_bytes()),
    ] {
        let output = starttrace()
            .args(["trace", "-"])
            .write_stdin(message)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(1),
            "{what}: {}{}",
            stdout(&output),
            stderr(&output)
        );
    }
}

#[test]
fn what_is_no_domain_is_refused_with_the_reason() {
    for (input, reason) in [
        ("192.0.2.1", "address"),
        ("[192.0.2.1]", "address"),
        ("2001:db8::1", "address"),
        ("ap@", "@"),
        ("a..example", "empty label"),
        ("./list.txt", "path"),
        ("bad domain.example", "' '"),
        ("", "empty"),
    ] {
        let output = run(&["check", "--control", "none", "--", input]);
        assert_eq!(output.status.code(), Some(2), "{input}");
        assert!(
            stderr(&output).contains(reason),
            "{input}: {}",
            stderr(&output)
        );
    }
}

fn world(text: &str) -> World {
    toml::from_str(text).unwrap()
}

fn demo() -> World {
    World::read(&repository().join("tests/lab/demo.toml"))
}

/// A check in a world.
fn check(lab: &Lab, args: &[&str]) -> Output {
    let mut command = starttrace();
    command
        .current_dir(lab.directory())
        .arg("check")
        .args(["--resolver", &lab.resolver.to_string()])
        .args(["--port", &lab.port.to_string()])
        .args(["--ehlo", "probe.acme.example"])
        .args(["--ca-file", "ca.pem", "--no-system-roots"]);
    if !args.contains(&"--control") {
        command.args(["--control", &format!("{CONTROL_HOST}:{}", lab.port)]);
    }
    command.args(args).output().unwrap()
}

#[test]
fn check_answers_by_its_exit_status() {
    let lab = Lab::start(&demo());
    for (args, status) in [
        (&["partner.example"][..], 0),
        (&["--require", "authenticated", "partner.example"], 1),
        (&["harbour.example"], 1),
        (&["partner.example", "harbour.example"], 1),
        (&["partner.example", "not a domain"], 3),
        (&["nowhere.example"], 1),
    ] {
        let output = check(&lab, args);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{args:?}\n{}{}",
            stdout(&output),
            stderr(&output)
        );
    }
    let blocked = Lab::start(&World {
        control: lab::world::ControlSpec::Blocked,
        ..demo()
    });
    assert_eq!(check(&blocked, &["harbour.example"]).status.code(), Some(4));
}

#[test]
fn a_domain_may_be_written_in_many_ways() {
    let lab = Lab::start(&world(
        r#"
        about = "a domain with an umlaut"
        zone = """
        xn--bcher-kva.example MX 10 mx.example
        mx.example A 127.100.100.25
        """
        [[server]]
        host = "mx.example"
        address = ["127.100.100.25"]
        "#,
    ));
    for input in [
        "bücher.example",
        "BÜCHER.Example.",
        "xn--bcher-kva.example",
        "ap@bücher.example",
        "https://bücher.example/contact",
    ] {
        let output = check(&lab, &["-f", "json", input]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            document["data"]["domain"], "xn--bcher-kva.example",
            "{input}"
        );
        assert_eq!(document["data"]["input"], input);
        assert_eq!(output.status.code(), Some(0), "{input}");
    }
}

#[test]
fn formats_are_documents_or_refused() {
    let lab = Lab::start(&demo());
    let one = check(&lab, &["-f", "json", "partner.example"]);
    let document: Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!(document["schema"], "1.0");
    assert_eq!(document["type"], "domain-report");

    let two = check(&lab, &["-f", "json", "partner.example", "harbour.example"]);
    assert_eq!(two.status.code(), Some(2));
    assert!(stderr(&two).contains("ndjson"), "{}", stderr(&two));
    assert_eq!(stdout(&two), "");

    let lines = check(
        &lab,
        &["-f", "ndjson", "partner.example", "harbour.example"],
    );
    let domains: Vec<Value> = stdout(&lines)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["data"]["domain"].clone())
        .collect();
    assert_eq!(domains, ["partner.example", "harbour.example"]);

    let csv = check(&lab, &["-f", "csv", "partner.example"]);
    assert_eq!(csv.status.code(), Some(2));
    assert!(stderr(&csv).contains("ndjson"), "{}", stderr(&csv));
}

#[test]
fn results_go_to_a_file_where_one_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let message = file(&directory, "message.eml", IN_CLEAR);
    let result = directory.path().join("result.txt");
    let output = starttrace()
        .args(["trace", "-o"])
        .arg(&result)
        .arg(&message)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    let page = std::fs::read_to_string(&result).unwrap();
    let direct = starttrace().arg("trace").arg(&message).output().unwrap();
    assert_eq!(page, stdout(&direct));

    let nowhere = starttrace()
        .args(["trace", "-o"])
        .arg(directory.path().join("no/such/folder.txt"))
        .arg(&message)
        .output()
        .unwrap();
    assert!(
        matches!(nowhere.status.code(), Some(2 | 4)),
        "{}",
        stderr(&nowhere)
    );
    assert!(stderr(&nowhere).contains("folder.txt"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_trouble_here() {
    let directory = tempfile::tempdir().unwrap();
    let message = file(&directory, "message.eml", ENCRYPTED);
    let output = starttrace()
        .args(["trace", "-o", "/dev/full"])
        .arg(&message)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(!stderr(&output).is_empty());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let program = assert_cmd::cargo::cargo_bin("starttrace");
    for args in [&["codes"][..], &["schema"], &["--help"], &["help", "check"]] {
        let mut child = std::process::Command::new(&program)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The reader goes before anything can have been written to it.
        drop(child.stdout.take());
        let mut complaint = String::new();
        let mut errors = child.stderr.take().unwrap();
        errors.read_to_string(&mut complaint).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{args:?}: {complaint}");
        assert_eq!(complaint, "", "{args:?}");
    }
    let directory = tempfile::tempdir().unwrap();
    let message = file(&directory, "message.eml", IN_CLEAR);
    let mut child = std::process::Command::new(&program)
        .arg("trace")
        .arg(&message)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    // The answer stands all the same.
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn colour_is_for_terminals_and_for_who_asks() {
    let directory = tempfile::tempdir().unwrap();
    let message = file(&directory, "message.eml", IN_CLEAR);
    let coloured = |args: &[&str], no_color: Option<&str>| {
        let mut command = starttrace();
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let output = command.arg("trace").args(args).arg(&message).output();
        stdout(&output.unwrap()).contains('\u{1b}')
    };
    assert!(!coloured(&[], None), "a pipe is no terminal");
    assert!(coloured(&["--color", "always"], None));
    assert!(coloured(&["--color", "always"], Some("1")), "the flag wins");
    assert!(!coloured(&["--color", "never"], None));
    assert!(!coloured(&["--color", "auto"], Some("1")));
}

#[test]
fn quiet_leaves_the_status() {
    let output = starttrace()
        .args(["trace", "-q", "-"])
        .write_stdin(IN_CLEAR)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!((stdout(&output), stderr(&output)), Default::default());
}

const COMMANDS: &[&str] = &[
    "check",
    "trace",
    "explain",
    "scan",
    "report",
    "history",
    "codes",
    "schema",
    "completions",
    "man",
];

#[test]
fn a_table_of_ones_own_names_a_writer_and_is_refused_with_the_place() {
    let directory = tempfile::tempdir().unwrap();
    let message = file(&directory, "m.eml", UNSTATED);
    let message = message.to_str().unwrap();
    let unknown = run(&["trace", "--unknown", message]);
    assert_eq!(unknown.status.code(), Some(0));
    let page = stdout(&unknown);
    assert!(
        page.starts_with("1 of 1 line not understood, 1 shape\n"),
        "{page}"
    );
    assert!(page.contains("from HOST (HOST [IP]) by HOST"), "{page}");
    assert!(page.contains("\\tby mx1.partner.example; Tue"), "{page}");
    let lines = stdout(&run(&["trace", "--unknown", "-f", "ndjson", message]));
    let line: Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!(line["type"], "unknown-line");
    assert_eq!(line["data"]["count"], 1);

    let row = "[[software]]\nname = \"Our relay\"\nrecords = \"always\"\nno_with = \"suggests\"\n\
               source = \"us\"\nwhen = [{ host = [\"partner.example\"] }]\n";
    let table = file(&directory, "own.toml", row);
    let table = table.to_str().unwrap();
    let known = run(&["trace", "--software", table, "--unknown", message]);
    assert!(
        stdout(&known).starts_with("All 1 line"),
        "{}",
        stdout(&known)
    );
    let judged = run(&["trace", "--software", table, message]);
    assert!(stdout(&judged).contains("Our relay"), "{}", stdout(&judged));
    assert_eq!(
        stdout(&run(&[
            "trace",
            "--software",
            table,
            "--unknown",
            "-f",
            "ndjson",
            message
        ])),
        ""
    );

    let wrong = file(&directory, "wrong.toml", row.replace("records", "recrods"));
    let refused = run(&["trace", "--software", wrong.to_str().unwrap(), message]);
    assert_eq!(refused.status.code(), Some(2));
    let why = stderr(&refused);
    assert!(
        why.contains("wrong.toml: line 3, recrods: unknown field"),
        "{why}"
    );
    let missing = run(&["trace", "--software", "/nonexistent/t.toml", message]);
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn help_is_as_it_was_and_fits_80_columns() {
    let folder = repository().join("tests/help");
    let mut faults = Vec::new();
    let mut pages = vec![
        ("starttrace".to_owned(), run(&["--help"])),
        ("starttrace-h".to_owned(), run(&["-h"])),
    ];
    for command in COMMANDS {
        pages.push(((*command).to_owned(), run(&["help", command])));
        pages.push((format!("{command}-h"), run(&[command, "-h"])));
    }
    for (name, output) in pages {
        assert_eq!(output.status.code(), Some(0), "{name}");
        let page = stdout(&output);
        faults.extend(
            page::faults(&page)
                .into_iter()
                .map(|f| format!("{name}: {f}")),
        );
        faults.extend(page::compare(&page, &folder.join(name + ".expected")).err());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_proxy_is_refused_where_it_is_none_and_its_password_is_never_said() {
    for url in [
        "proxy.example:1080",
        "http://mail:hush@proxy.example:8080",
        "socks5h://mail:hush@proxy.example:1080",
        "socks5://mail:hush@proxy.example:0",
        "socks5://mail:hush@",
        "socks5://mail:hush@nowhere.invalid:1080",
    ] {
        for output in [
            run(&["check", "--ehlo", EHLO, "--proxy", url, "partner.example"]),
            starttrace()
                .env("STARTTRACE_PROXY", url)
                .args(["check", "--ehlo", EHLO, "partner.example"])
                .output()
                .unwrap(),
        ] {
            assert_eq!(output.status.code(), Some(2), "{url}");
            let said = stderr(&output);
            assert!(said.contains("proxy"), "{url}: {said}");
            assert!(!said.contains("hush"), "{url}: {said}");
        }
    }
}

#[test]
fn help_lists_nothing_that_does_not_work() {
    let mut help = stdout(&run(&["--help"]));
    for command in COMMANDS {
        help.push_str(&stdout(&run(&["help", command])));
    }
    assert_eq!(run(&["serve"]).status.code(), Some(2));
}

#[test]
fn usage_errors_are_status_2_and_say_what_to_do() {
    for (args, hint) in [
        (&[][..], "Usage"),
        (&["check"], "DOMAIN"),
        (&["trace"], "FILE"),
        (&["chekc", "a.example"], "check"),
        (
            &["check", "--require", "much", "a.example"],
            "authenticated",
        ),
        (&["check", "--port", "0", "a.example"], "port"),
        (&["check", "-4", "-6", "a.example"], "--ipv6"),
        (
            &["check", "--resolver", "dns.example", "a.example"],
            "resolver",
        ),
        (&["check", "--control", "a b", "a.example"], "control"),
        (
            &["check", "--ca-file", "/no/such.pem", "a.example"],
            "/no/such.pem",
        ),
        (&["check", "--mx", "192.0.2.1", "a.example"], "--mx"),
        (&["check", "--at", "yesterday", "a.example"], "2026"),
        (&["check", "--ehlo", "two words", "a.example"], "EHLO"),
        (&["codes", "no-such-code"], "no-such-code"),
        (&["trace", "-f", "yaml", "x"], "ndjson"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            stderr(&output).contains(hint),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn every_code_is_described() {
    let list = stdout(&run(&["codes"]));
    let codes = starttrace::finding::Code::ALL
        .iter()
        .map(|code| code.word())
        .chain(starttrace::finding::Cause::ALL.iter().map(|c| c.word()));
    for code in codes {
        assert!(list.contains(code), "{code} is not listed");
        let output = run(&["codes", code]);
        assert_eq!(output.status.code(), Some(0), "{code}");
        let page = stdout(&output);
        assert!(page.starts_with(code), "{page}");
        assert_eq!(page::faults(&page), Vec::<String>::new(), "{code}");
    }
}

#[test]
fn explain_asks_the_network_only_where_it_may() {
    let world = demo();
    let lab = Lab::start(&world);
    let message = lab.directory().join("message.eml");
    let text = page::dated(&lab.localise(&world.message[0]));
    std::fs::write(&message, text.trim_start()).unwrap();
    let explain = |args: &[&str]| {
        starttrace()
            .arg("explain")
            .args(["--resolver", &lab.resolver.to_string()])
            .args(["--port", &lab.port.to_string()])
            .args(["--ehlo", "probe.acme.example"])
            .args(args)
            .arg("--ca-file")
            .arg(lab.ca_file())
            .arg(&message)
            .output()
            .unwrap()
    };
    explain(&["--offline"]);
    assert_eq!(lab.log.queries(), []);
    explain(&[]);
    assert_eq!(lab.log.connections_to("mx1.partner.example"), 0);
    let output = explain(&["--probe-private"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(lab.log.connections_to("mx1.partner.example"), 1);
}

#[test]
fn what_was_pasted_is_shown_where_it_stands() {
    let directory = tempfile::tempdir().unwrap();
    let text = "On Tuesday Al wrote:\n> Received: from out7.relay.example (out7.relay.example [203.0.113.7])\n> by mx1.partner.example (Postfix) with ESMTPS id 4X;\n> Tue, 03 Nov 2026 09:14:07 +0000\n";
    let path = file(&directory, "reply.txt", text.as_bytes());
    let output = starttrace()
        .args(["trace", "-f", "json"])
        .arg(&path)
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let hop = &document["data"]["hops"][0];
    assert_eq!(document["data"]["source"]["kind"], "headers");
    assert_eq!(hop["line"], 2);
    let span = |at: usize| usize::try_from(hop["span"][at].as_u64().unwrap()).unwrap();
    assert!(text[span(0)..].starts_with("Received: from out7"));
    assert!(text[..span(1)].ends_with("09:14:07 +0000"));
}
