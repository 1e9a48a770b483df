//! Many messages at once: mailboxes built in a folder, read by the command.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// One message of a mailbox: who sent it to whom, and how.
#[derive(Clone, Copy)]
struct Letter<'a> {
    from: &'a str,
    ip: &'a str,
    by: &'a str,
    with: &'a str,
    day: u32,
}

const LETTER: Letter<'static> = Letter {
    from: "mx.relay.example",
    ip: "203.0.113.7",
    by: "in.filter.example",
    with: "ESMTPS",
    day: 1,
};

impl Letter<'_> {
    fn text(&self, id: usize) -> String {
        let Self {
            from, ip, by, with, ..
        } = self;
        let (month, day) = (self.day / 28, 1 + self.day % 28);
        let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug"][month as usize % 8];
        format!(
            "Received: from {from} ({from} [{ip}])\n\tby {by} with {with} id q{id};\n\t\
             {day:02} {month} 2026 09:14:07 +0000\nFrom: a@relay.example\nSubject: {id}\n\n\
             hello\n"
        )
    }
}

fn mbox(letters: &[Letter<'_>]) -> String {
    let mut out = String::new();
    for (id, letter) in letters.iter().enumerate() {
        let _ = writeln!(
            out,
            "From a@relay.example Tue Nov  3 09:14:07 2026\n{}",
            letter.text(id)
        );
    }
    out
}

struct Run {
    status: i32,
    out: String,
    err: String,
}

impl Run {
    fn chains(&self) -> Vec<Value> {
        let lines = self.out.lines().map(|line| {
            let document: Value = serde_json::from_str(line).unwrap();
            assert_eq!(document["type"], "chain");
            document["data"].clone()
        });
        lines.collect()
    }

    /// State and standing of the first hop of each message.
    fn states(&self) -> Vec<(String, Option<String>)> {
        let word = |value: &Value| value.as_str().map(str::to_owned);
        self.chains()
            .iter()
            .map(|chain| {
                let tls = &chain["hops"][0]["tls"];
                (word(&tls["state"]).unwrap(), word(&tls["standing"]))
            })
            .collect()
    }
}

fn run(arguments: &[&str], stdin: &str) -> Run {
    let done = Command::cargo_bin("starttrace")
        .unwrap()
        .args(arguments)
        .write_stdin(stdin.to_owned())
        .output()
        .unwrap();
    Run {
        status: done.status.code().unwrap(),
        out: String::from_utf8(done.stdout).unwrap(),
        err: String::from_utf8(done.stderr).unwrap(),
    }
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The evidence that others gave of the silent message.
fn witness_text(chain: &Value) -> Option<String> {
    let evidence = chain["hops"][0]["tls"]["evidence"].as_array().unwrap();
    let piece = evidence.iter().find(|piece| piece["kind"] == "witness")?;
    Some(piece["text"].as_str().unwrap().to_owned())
}

#[test]
fn messages_bear_witness_for_the_silent_one() {
    let folder = tempfile::tempdir().unwrap();
    let silent = |letter: Letter<'static>| Letter {
        with: "ESMTP",
        ..letter
    };
    let speaking = |day| Letter { day, ..LETTER };
    // Name; the mailbox, its silent message last; what is made of that.
    type World = (
        &'static str,
        Vec<Letter<'static>>,
        &'static str,
        Option<&'static str>,
    );
    let worlds: Vec<World> = vec![
        (
            "the same host, with counter-evidence",
            vec![speaking(0), silent(LETTER), speaking(60), silent(LETTER)],
            "cleartext",
            Some(
                "in.filter.example recorded TLS in 2 of 3 other messages between 2026-01-01 \
                 and 2026-03-05, 2 of 3 from relay.example",
            ),
        ),
        (
            "a host of the same pool",
            vec![
                Letter {
                    by: "in7.filter.example",
                    ..LETTER
                },
                Letter {
                    by: "in12.filter.example",
                    ..silent(LETTER)
                },
            ],
            "cleartext",
            Some(
                "the pool of in12.filter.example recorded TLS in 1 of 1 other message on \
                 2026-01-02, 1 of 1 from relay.example",
            ),
        ),
        (
            "the same name in another organisation",
            vec![
                Letter {
                    by: "in.other.example",
                    ..LETTER
                },
                silent(LETTER),
            ],
            "unstated",
            None,
        ),
        (
            "another sender",
            vec![
                Letter {
                    from: "mx.friend.example",
                    ..LETTER
                },
                silent(LETTER),
                silent(LETTER),
            ],
            "cleartext",
            Some(
                "in.filter.example recorded TLS in 1 of 2 other messages on 2026-01-02, never \
                 from relay.example (1 more without)",
            ),
        ),
        (
            "all others silent",
            vec![silent(LETTER), silent(LETTER)],
            "unstated",
            None,
        ),
    ];
    for (name, letters, state, text) in worlds {
        let path = file(folder.path(), "world.mbox", &mbox(&letters));
        let done = run(&["trace", "-f", "ndjson", &path], "");
        let chains = done.chains();
        let last = chains.last().unwrap();
        assert_eq!(last["hops"][0]["tls"]["state"], state, "{name}");
        assert_eq!(witness_text(last).as_deref(), text, "{name}");
        assert_eq!(done.status, 3, "{name}");
        // Read from a pipe the judgement is the same: few are kept.
        let piped = run(&["trace", "-f", "ndjson", "-"], &mbox(&letters));
        assert_eq!(piped.states(), done.states(), "{name}");
    }
}

#[test]
fn a_copy_of_a_message_is_no_witness() {
    let folder = tempfile::tempdir().unwrap();
    let letter = Letter {
        with: "ESMTP",
        ..LETTER
    };
    let text = letter.text(1);
    let one = file(folder.path(), "one.eml", &text);
    let copy = file(folder.path(), "copy.eml", &text.replace('\n', "\r\n"));
    let page = run(
        &["trace", "-f", "json", "--summary", &one, "--with", &copy],
        "",
    );
    let data: Value = serde_json::from_str(&page.out).unwrap();
    assert_eq!(data["data"]["hosts"][0]["messages"], 1);
}

#[test]
fn an_old_line_is_not_judged_by_todays_witness() {
    let folder = tempfile::tempdir().unwrap();
    let old = Letter {
        with: "ESMTP",
        ..LETTER
    };
    let text = format!("{}\n{}", mbox(&[LETTER]), {
        mbox(&[old]).replace("2026 09", "2019 09")
    });
    let path = file(folder.path(), "world.mbox", &text);
    let done = run(&["trace", "-f", "ndjson", &path], "");
    assert_eq!(done.states()[1], ("unstated".to_owned(), None));
    let text = witness_text(&done.chains()[1]).unwrap();
    assert!(text.ends_with("this line is older than that"), "{text}");
}

#[test]
fn silence_behind_a_proxy_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let behind = |from| Letter {
        from,
        ip: "10.0.0.5",
        by: "mx.partner.example (Postfix)",
        with: "ESMTP",
        ..LETTER
    };
    // One client may be a server of the house under an old name.
    let path = file(
        folder.path(),
        "one.mbox",
        &mbox(&[behind("a.relay.example"); 1]),
    );
    let done = run(&["trace", "-f", "ndjson", &path], "");
    assert_eq!(done.chains()[0]["hops"][0]["leg"], "internal");
    // Many strangers with the proxy's address cannot be.
    let letters = [
        behind("a.relay.example"),
        behind("b.friend.example"),
        behind("c.other.example"),
    ];
    let path = file(folder.path(), "many.mbox", &mbox(&letters));
    let done = run(&["trace", "-f", "ndjson", &path], "");
    for chain in done.chains() {
        assert_eq!(chain["hops"][0]["leg"], "unknown");
        assert_eq!(chain["hops"][0]["tls"]["state"], "unstated");
        assert_eq!(chain["answer"], "unknown");
        assert!(
            witness_text(&chain)
                .unwrap()
                .contains("a proxy stands before it")
        );
    }
}

#[test]
fn more_messages_than_are_kept_are_judged_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let letters: Vec<Letter<'_>> = (0..700)
        .map(|id| Letter {
            with: if id == 3 { "ESMTP" } else { "ESMTPS" },
            by: if id < 600 {
                "early.filter.example"
            } else {
                "in.filter.example"
            },
            ..LETTER
        })
        .collect();
    let text = mbox(&letters);
    let path = file(folder.path(), "year.mbox", &text);
    let done = run(&["trace", "-f", "ndjson", &path], "");
    assert_eq!(done.chains().len(), 700);
    assert_eq!(done.err, "");
    assert!(
        witness_text(&done.chains()[3])
            .unwrap()
            .contains("in 599 of 599 other messages")
    );
    // A pipe cannot be read twice: said, and the rest is as good as can be.
    let piped = run(&["trace", "-f", "ndjson", "-"], &text);
    assert_eq!(piped.chains().len(), 700);
    assert!(
        witness_text(&piped.chains()[3])
            .unwrap()
            .contains("in 512 of 512 other messages")
    );
    assert!(piped.err.contains("read only once"), "{}", piped.err);
}

#[test]
fn inputs_that_fail_are_counted_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(folder.path(), "good.eml", &LETTER.text(1));
    let draft = "From: a@relay.example\nSubject: never sent\n\nhello\n";
    let mixed = format!(
        "{}From a@relay.example Tue Nov  3 09:14:07 2026\n{draft}\n{}",
        mbox(&[LETTER]),
        mbox(&[LETTER])
    );
    let mixed = file(folder.path(), "mixed.mbox", &mixed);
    let absent = folder.path().join("absent.eml");
    let absent = absent.to_str().unwrap();
    let done = run(&["trace", "-f", "ndjson", &good, absent, &mixed], "");
    assert_eq!(done.chains().len(), 3);
    assert_eq!(done.status, 3);
    let last = done.err.lines().last().unwrap();
    assert_eq!(
        last,
        "starttrace: skipped 2 of 5: 1 could not be read, 1 had no Received field"
    );
    let where_ = "mixed.mbox message 2, at octet";
    assert!(done.err.contains(where_), "{}", done.err);
    // Nothing readable at all is wrong input.
    let draft = file(folder.path(), "draft.eml", draft);
    assert_eq!(run(&["trace", &draft, absent], "").status, 2);
    // One document cannot hold two messages.
    let refused = run(&["trace", "-f", "json", &good, &mixed], "");
    assert_eq!((refused.status, refused.out.as_str()), (2, ""));
}

#[test]
fn a_mailbox_cut_short_says_so_and_answers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let whole = mbox(&[LETTER, LETTER]);
    let good = file(folder.path(), "good.mbox", &whole);
    assert_eq!(run(&["trace", &good], "").status, 0);
    // In the middle of the second message's Subject.
    let cut = &whole[..whole.rfind("Subject").unwrap() + 4];
    let cut = file(folder.path(), "cut.mbox", cut);
    let done = run(&["trace", "-f", "ndjson", &cut], "");
    assert_eq!(done.status, 3);
    let chains = done.chains();
    let codes = |at: usize| chains[at]["findings"].to_string();
    assert!(!codes(0).contains("header-truncated"));
    assert!(codes(1).contains("header-truncated"), "{}", codes(1));
    assert_eq!(chains[1]["answer"], "unknown");
}

#[test]
fn a_message_with_endless_trace_is_read_from_the_top() {
    let line = |id: usize| {
        format!(
            "Received: from a.example (a.example [192.0.2.1])\n\tby b.example with ESMTPS id \
             {id}; Tue, 03 Nov 2026 09:14:07 +0000\n"
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..2000).map(line).chain(["\n".to_owned()]).collect();
    let path = file(folder.path(), "endless.eml", &text);
    let done = run(&["trace", "-f", "ndjson", &path], "");
    let chain = &done.chains()[0];
    let hops = chain["hops"].as_array().unwrap();
    assert_eq!(hops.len(), 256);
    assert_eq!(
        (&hops[255]["id"], &hops[255]["line"]),
        (&"0".into(), &1.into())
    );
    let findings = chain["findings"].to_string();
    assert!(
        findings.contains("1744 older Received fields"),
        "{findings}"
    );
    // What was not read may have lacked TLS.
    assert_ne!(chain["answer"], "yes");
}

#[test]
fn a_summary_tells_every_pair_of_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let letters = [
        LETTER,
        Letter {
            with: "ESMTPS (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384)",
            ..LETTER
        },
        Letter {
            from: "out.friend.example",
            by: "mx1.partner.example (Postfix)",
            with: "ESMTP",
            ..LETTER
        },
        Letter {
            from: "gw.filter.example",
            ip: "10.1.1.1",
            ..LETTER
        },
    ];
    let path = file(folder.path(), "world.mbox", &mbox(&letters));
    let page = run(&["trace", "--summary", &path], "");
    let expected = "\
4 messages; 1 crossed a network without TLS

  Of 3 exposed hops, 2 are recorded as TLS, 1 went without; 0 cannot be told.

  from                by                   hops  TLS  none  unknown  versions
  out.friend.example  mx1.partner.example     1    0     1        0  -
  mx.relay.example    in.filter.example       2    2     0        0  yes, 1.3

Not in the table: 1 hop inside one host, network or organisation.
Trust: no exposed hop stands on a line that could be forged.
";
    assert_eq!(page.out, expected);
    assert_eq!(page.status, 1);

    let json = run(&["trace", "-f", "json", "--summary", &path], "");
    let document: Value = serde_json::from_str(&json.out).unwrap();
    let schema = starttrace::report::json::schema();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(document["type"], "summary");
    assert_eq!(document["data"]["answers"]["no"], 1);
    assert_eq!(
        document["data"]["pairs"][1]["counts"]["versions"][1]["version"],
        "TLSv1.3"
    );
    assert_eq!(json.status, 1);
}
