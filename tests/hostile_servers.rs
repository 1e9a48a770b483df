//! Servers that mean harm, and messages given to the command: it ends in time, does not
//! panic, and writes no character that a terminal obeys.

#![allow(clippy::unwrap_used)]

mod lab;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use lab::world::{ServerSpec, World};
use lab::{Lab, page};
use proptest::prelude::*;
use serde_json::Value;
use starttrace::name::DomainName;
use starttrace::probe::{Clock, ControlChoice, Options, Prober, Roots};
use starttrace::report::{json, text};
use starttrace::verdict::{self, Required};

/// No probe of one server takes longer, its clock being 25 times as fast:
/// the deadline is 180 seconds, and one connection more may be tried.
const PATIENCE: Duration = Duration::from_secs(20);

/// Checks a domain with the one server, and gives its pages.
fn check(server: ServerSpec) -> Value {
    let world = World {
        control: lab::world::ControlSpec::None,
        clock_speed: 25,
        server: vec![server],
        ..toml::from_str(
            "about = 'a hostile server'
             zone = '''
             partner.example MX 10 mx.partner.example
             mx.partner.example A 127.100.100.25
             '''",
        )
        .unwrap()
    };
    let lab = Lab::start(&world);
    let prober = Prober::new(Options {
        resolvers: vec![lab.resolver.into()],
        port: lab.port,
        ehlo: Some("probe.acme.example".to_owned()),
        roots: Roots {
            system: false,
            ca_files: vec![lab.ca_file()],
            certificates: Vec::new(),
        },
        control: ControlChoice::None,
        clock: Clock::compressed(25),
        ..Options::default()
    })
    .unwrap();
    let domain = DomainName::parse("partner.example").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let begun = Instant::now();
    let observation = runtime
        .block_on(async {
            tokio::time::timeout(PATIENCE, prober.check("partner.example", &domain)).await
        })
        .expect("the probe ends");
    assert!(begun.elapsed() < PATIENCE);
    let verdict = verdict::assess(&observation, observation.at, Required::Tls);
    for verbose in 0..=2 {
        let page =
            text::check::render(&observation, &verdict, verbose, text::style::Style::plain());
        assert_eq!(page::raw_characters(&page), Vec::<String>::new(), "{page}");
        assert!(page.len() < 1_000_000, "a page of {} octets", page.len());
    }
    let document = json::domain_report(&observation, &verdict).to_string();
    assert!(document.len() < 1_000_000, "{} octets", document.len());
    serde_json::from_str(&document).unwrap()
}

fn protection(document: &Value) -> &str {
    document["data"]["verdict"]["protection"].as_str().unwrap()
}

fn server(change: impl FnOnce(&mut ServerSpec)) -> ServerSpec {
    let mut server = ServerSpec::good("mx.partner.example", "127.100.100.25");
    change(&mut server);
    server
}

fn lines(text: &[&str]) -> Vec<String> {
    text.iter().map(|&line| line.to_owned()).collect()
}

/// What a server may do in place of a proper reply, whatever was asked.
const HOSTILE: &[&[&str]] = &[
    &["!endless x"],
    &["!endless 2"],
    &["!flood 220-x"],
    &["!flood 250-STARTTLS"],
    &["!flood not a reply"],
    &["!hex 00 00 00 00 00 00", "!silence"],
    &["!hex ff fe fd 0d 0a", "!silence"],
    &["!hex 16 03 01 02 00 01 00 01 fc 03 03", "!silence"],
    &["!hex 0d 0a 0d 0a 0d 0a", "!silence"],
    &["!raw 2", "!close"],
    &["!raw 220", "!close"],
    &["!raw 220 x", "!silence"],
    &["99999 too much", "!silence"],
    &["-22 minus", "!silence"],
    &["2\u{0662}0 other digits", "!silence"],
    &["\u{202e}022 turned", "!silence"],
    &["!drip 50 220 slow"],
    &["!silence"],
    &["!close"],
    &["!long 60000", "!silence"],
    &["!repeat 5000 220-again", "220 done", "!silence"],
    &["220 \u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m", "!silence"],
];

#[test]
fn no_stage_hangs_or_is_believed() {
    std::thread::scope(|scope| {
        for script in HOSTILE {
            scope.spawn(move || {
                let script = lines(script);
                for stage in 0..4 {
                    let document = check(server(|s| match stage {
                        0 => s.greeting = script.clone(),
                        1 => {
                            s.ehlo = script.clone();
                            s.helo = script.clone();
                        }
                        2 => s.starttls = script.clone(),
                        _ => s.handshake = script.clone(),
                    }));
                    // Silence or noise in the greeting or the EHLO reply says
                    // nothing of TLS, and nothing here has it.
                    let is = protection(&document);
                    assert!(
                        if stage < 2 {
                            is == "unknown"
                        } else {
                            matches!(is, "unknown" | "cleartext")
                        },
                        "stage {stage} of {script:?}: {is}"
                    );
                }
            });
        }
    });
}

#[test]
fn after_the_handshake_nothing_can_undo_it() {
    std::thread::scope(|scope| {
        for script in HOSTILE {
            scope.spawn(move || {
                let script = lines(script);
                for stage in 0..2 {
                    let document = check(server(|s| match stage {
                        0 => s.ehlo_after_tls = Some(script.clone()),
                        _ => s.quit = script.clone(),
                    }));
                    assert_eq!(protection(&document), "authenticated", "{script:?}");
                }
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any octets at all, at any stage.
    #[test]
    fn any_octets_are_shown_harmlessly(
        octets in proptest::collection::vec(any::<u8>(), 1..300),
        stage in 0..4_u8,
    ) {
        let mut script = String::from("!hex");
        for octet in &octets {
            write!(script, " {octet:02x}").unwrap();
        }
        let script = vec![script, "!hex 0d 0a".to_owned(), "!close".to_owned()];
        check(server(|s| match stage {
            0 => s.greeting = script,
            1 => s.ehlo = script,
            2 => s.starttls = script,
            _ => s.handshake = script,
        }));
    }
}

/// Reads a message with every command that reads one.
fn read(message: &[u8]) {
    read_as(
        message,
        &[
            ("trace", "text"),
            ("trace", "json"),
            ("explain", "text"),
            ("explain", "json"),
        ],
    );
}

fn read_as(message: &[u8], ways: &[(&str, &str)]) {
    for &(command, format) in ways {
        let mut run = Command::cargo_bin("starttrace").unwrap();
        run.env("RUST_BACKTRACE", "0").args([command, "-f", format]);
        if command == "explain" {
            run.arg("--offline");
        }
        let begun = Instant::now();
        let output = run
            .arg("-")
            .write_stdin(message)
            .timeout(PATIENCE)
            .output()
            .unwrap();
        let took = begun.elapsed();
        let status = output.status.code();
        assert!(
            matches!(status, Some(0..=3)),
            "{command} -f {format}: {status:?} after {took:?}"
        );
        let page = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(!complaint.contains("panicked"), "{complaint}");
        // JSON goes to programs, which get the characters as they are.
        if format == "text" {
            assert_eq!(page::raw_characters(&page), Vec::<String>::new());
        }
        assert_eq!(page::raw_characters(&complaint), Vec::<String>::new());
        if format == "json" && status != Some(2) {
            let document: Value = serde_json::from_str(&page).unwrap();
            assert_eq!(document["schema"], "1.0");
        }
    }
}

const EVIL: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}elpmaxe\u{2066}\u{200b}\u{9b}31m\u{8}\u{7f}";

#[test]
fn no_clause_of_a_message_reaches_the_terminal_raw() {
    read(
        format!(
            "Received: from {EVIL}a.example ({EVIL}b.example [203.0.113.7]{EVIL})\n\
             \tby {EVIL}mx.example ({EVIL}Postfix) via {EVIL} with {EVIL}ESMTP id {EVIL}1 ({EVIL})\n\
             \tfor <{EVIL}x@y.example>; {EVIL} Tue, 03 Nov 2026 09:14:07 +0000 ({EVIL})\n\
             Received: from c.example by {EVIL} with ESMTPS (TLS1.3{EVIL}); Tue, 03 Nov 2026 09:14:07 +0000\n\
             From: {EVIL}\nTo: {EVIL}\nSubject: {EVIL}\nMessage-ID: <{EVIL}>\n\n{EVIL}\n"
        )
        .as_bytes(),
    );
}

#[test]
fn large_and_deep_messages_are_read_in_time() {
    let field = "Received: from a.example (a.example [203.0.113.7]) by b.example (Postfix)\n\
                 \twith ESMTP id 1 for <x@y.example>; Tue, 03 Nov 2026 09:14:07 +0000\n";
    let many = format!("{}\nbody\n", field.repeat(10_000));
    let deep = format!(
        "Received: from a.example {} by b.example with ESMTP; Tue, 03 Nov 2026 09:14:07 +0000\n\n",
        "(".repeat(200_000)
    );
    let nested = format!(
        "Received: from a.example {}{} by b.example with ESMTP; Tue, 03 Nov 2026 09:14:07 +0000\n\n",
        "(".repeat(100_000),
        ")".repeat(100_000)
    );
    let line = format!(
        "Received: from {} by b.example with ESMTP; Tue, 03 Nov 2026 09:14:07 +0000\n\n",
        "a".repeat(1_000_000)
    );
    let folds = format!(
        "Received: from a.example{} by b.example with ESMTP; Tue, 03 Nov 2026 09:14:07 +0000\n\n",
        "\n\t x".repeat(200_000)
    );
    let words = format!("Received: {}\n\n", "from by with id ; ".repeat(50_000));
    for message in [many, deep, nested, line, folds, words] {
        read_as(
            message.as_bytes(),
            &[("explain", "text"), ("trace", "json")],
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// A field made of the words and marks that mean something.
    #[test]
    fn any_field_is_read(
        words in proptest::collection::vec(
            prop_oneof![
                Just("from"), Just("by"), Just("with"), Just("id"), Just("for"), Just("via"),
                Just("ESMTPS"), Just("ESMTP"), Just("("), Just(")"), Just("["), Just("]"),
                Just("<"), Just(">"), Just(";"), Just("\""), Just("\\"), Just(","), Just("="),
                Just("TLSv1.3"), Just("version=TLS1_2"), Just("cipher"), Just("(Postfix)"),
                Just("a.example"), Just("[203.0.113.7]"), Just("[IPv6:::1]"), Just("\n\t"),
                Just("Tue, 03 Nov 2026 09:14:07 +0000"), Just("\u{0}"), Just("\u{ff}"),
                Just("bits=256/256"), Just("tls"), Just("Microsoft SMTP Server"),
            ],
            0..60,
        )
    ) {
        read(format!("Received: {}\nFrom: x@y.example\n\nbody\n", words.join(" ")).as_bytes());
    }
}
