//! What is kept of earlier probes: stored, asked, compared, and never in the
//! way of a run.

#![allow(clippy::unwrap_used)]

mod lab;
mod samples;

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use assert_cmd::Command;
use jiff::SignedDuration;
use lab::world::World;
use lab::{CONTROL_HOST, Lab, page};
use samples::{domain, host, ip, plain, silent, time, tls, with_dane, with_sts, without_policies};
use serde_json::Value;
use starttrace::attempt::Attempt;
use starttrace::explain::Past;
use starttrace::history::change::{ChangeKind, Direction, Judged, between};
use starttrace::history::{Access, Entry, Recorder, Seen, Store, WitnessEntry, Wrong};
use starttrace::name::HostName;
use starttrace::observed::domain::{DomainObservation, MxRecord, StsMode};
use starttrace::report::json;
use starttrace::report::json::read::{Document, chain, document, explanation, observation};
use starttrace::verdict::{Required, assess};

fn entry(observation: &DomainObservation) -> Entry {
    let verdict = assess(observation, observation.at, Required::Tls);
    let document = json::domain_report(observation, &verdict).to_string();
    Entry::new(observation, &verdict, document)
}

fn on(day: &str, mut observation: DomainObservation) -> DomainObservation {
    observation.at = time(&format!("{day}T12:00:00Z"));
    observation
}

fn sound() -> DomainObservation {
    domain(vec![host(
        10,
        "mx1.partner.example",
        vec![tls("192.0.2.25", "mx1.partner.example")],
    )])
}

fn clear() -> DomainObservation {
    domain(vec![host(
        10,
        "mx1.partner.example",
        vec![plain("192.0.2.25")],
    )])
}

fn unseen() -> DomainObservation {
    domain(vec![host(
        10,
        "mx1.partner.example",
        vec![silent("192.0.2.25")],
    )])
}

fn days(stored: &[starttrace::history::Stored]) -> Vec<String> {
    let mut days: Vec<String> = stored
        .iter()
        .map(|stored| stored.at.strftime("%m-%d").to_string())
        .collect();
    days.sort();
    days
}

#[test]
fn what_is_stored_comes_back_by_domain_host_address_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/history.db");
    let mut store = Store::open(&path, Access::Write).unwrap();
    let seen = [
        on("2026-11-01", sound()),
        on("2026-11-05", clear()),
        on("2026-11-20", unseen()),
    ];
    let entries: Vec<Entry> = seen.iter().map(entry).collect();
    store.put(&entries, &[]).unwrap();
    // The same again changes nothing.
    store.put(&entries, &[]).unwrap();

    let known = store.domains().unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(
        (known[0].observations, &*known[0].protection),
        (3, "unknown")
    );

    let reader = Store::open(&path, Access::Read).unwrap();
    let found = reader.of_domain("partner.example", None, 2).unwrap();
    assert_eq!(days(&found), ["11-05", "11-20"]);
    let Document::DomainReport(report) = document(&found[1].document).unwrap() else {
        panic!("another type");
    };
    let back = observation(&report).unwrap();
    assert_eq!(back.at, seen[1].at);
    assert_eq!(back.hosts[0].host, seen[1].hosts[0].host);

    for asked in [
        Seen::Domain("partner.example".into()),
        Seen::Host("mx1.partner.example".into()),
        Seen::Address(ip("192.0.2.25")),
    ] {
        // One on either side, and the newest.
        let near = |day: &str| {
            let at = time(&format!("{day}T00:00:00Z"));
            days(&reader.nearest(&asked, Some(at)).unwrap())
        };
        assert_eq!(near("2026-11-02"), ["11-01", "11-05", "11-20"], "{asked:?}");
        assert_eq!(near("2026-11-06"), ["11-05", "11-20"]);
        assert_eq!(near("2026-12-24"), ["11-20"]);
        assert_eq!(days(&reader.nearest(&asked, None).unwrap()), ["11-20"]);
    }
    assert_eq!(reader.nearest(&Seen::Host("mx2".into()), None).unwrap(), []);
}

#[test]
fn the_last_time_with_tls_is_that_of_the_address_or_of_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("h.db"), Access::Write).unwrap();
    let seen = [
        on("2026-11-01", sound()),
        on("2026-11-03", sound()),
        on("2026-11-05", clear()),
    ];
    store.put(&seen.each_ref().map(entry), &[]).unwrap();
    let last = |host: &str, address: &str, before: &str| {
        let before = time(&format!("{before}T00:00:00Z"));
        let found = store.last_tls(host, ip(address), before).unwrap();
        found.map(|last| (last.at.strftime("%m-%d").to_string(), last.shown))
    };
    let shown = ip("192.0.2.25");
    let mx1 = "mx1.partner.example";
    assert_eq!(
        last(mx1, "192.0.2.25", "2026-11-06"),
        Some(("11-03".into(), shown))
    );
    assert_eq!(
        last(mx1, "192.0.2.25", "2026-11-02"),
        Some(("11-01".into(), shown))
    );
    assert_eq!(last(mx1, "192.0.2.25", "2026-11-01"), None);
    // A new address of a host that gave TLS.
    assert_eq!(
        last(mx1, "192.0.2.77", "2026-11-06"),
        Some(("11-03".into(), shown))
    );
    assert_eq!(
        last("mx2.partner.example", "192.0.2.25", "2026-11-06"),
        None
    );
}

#[test]
fn old_things_are_removed_when_told_and_one_host_cannot_fill_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("h.db"), Access::Write).unwrap();
    let first = time("2026-01-01T00:00:00Z");
    let seen: Vec<Entry> = (0..1_250)
        .map(|hour| {
            let mut observation = sound();
            observation.at = first + SignedDuration::from_hours(hour);
            entry(&observation)
        })
        .collect();
    store.put(&seen, &[]).unwrap();
    assert_eq!(store.domains().unwrap()[0].observations, 1_200);
    let witness = |n: u64| WitnessEntry {
        host: "mx1.partner.example".into(),
        message: n,
        sender: "relay.example".into(),
        at: Some(first + SignedDuration::from_secs(n as i64)),
        tls: true,
        remark: false,
        version: None,
    };
    let told: Vec<_> = (0..2_100).map(witness).collect();
    store.put(&[], &told).unwrap();
    assert_eq!(store.witness_count().unwrap(), (2_000, 1));
    assert_eq!(
        store.witnesses("mx1.partner.example", 1).unwrap(),
        [witness(2_099)]
    );

    let pruned = store.prune(None, Some(10)).unwrap();
    assert_eq!(pruned.observations, 1_190);
    assert!(pruned.after < pruned.before, "{pruned:?}");
    let newest = first + SignedDuration::from_hours(1_249);
    let pruned = store.prune(Some(newest), None).unwrap();
    assert_eq!((pruned.observations, pruned.witnesses), (9, 2_000));
    assert_eq!(store.domains().unwrap()[0].observations, 1);
}

/// Two worlds, and what is different in the second.
#[test]
fn a_change_is_told_and_what_could_not_be_seen_is_none() {
    use ChangeKind::*;
    let other_mx = || {
        let mut o = sound();
        let records = &mut o.mx;
        let Attempt::Done(mx) = records else { panic!() };
        mx.records.push(MxRecord {
            preference: 20,
            host: HostName::from_dns("mx2.partner.example"),
        });
        o
    };
    let renewed = |spki: &str| {
        let mut o = sound();
        let Attempt::Done(handshake) = &mut Arc::make_mut(&mut o.hosts[0].endpoints[0]).handshake
        else {
            panic!()
        };
        handshake.chain[0].sha256 = "00".repeat(32);
        handshake.chain[0].spki_sha256 = spki.into();
        o
    };
    let key = {
        let o = sound();
        let handshake = o.hosts[0].endpoints[0].handshake.done().unwrap();
        handshake.chain[0].spki_sha256.clone()
    };
    let half = || {
        domain(vec![host(
            10,
            "mx1.partner.example",
            vec![
                tls("192.0.2.25", "mx1.partner.example"),
                plain("192.0.2.26"),
            ],
        )])
    };
    let both = || {
        domain(vec![host(
            10,
            "mx1.partner.example",
            vec![
                tls("192.0.2.25", "mx1.partner.example"),
                tls("192.0.2.26", "mx1.partner.example"),
            ],
        )])
    };
    let blocked = || samples::blocked(clear());
    let worlds: Vec<(
        &str,
        Vec<DomainObservation>,
        DomainObservation,
        Vec<ChangeKind>,
    )> = vec![
        ("nothing changed", vec![sound()], sound(), vec![]),
        (
            "STARTTLS is lost",
            vec![sound()],
            clear(),
            vec![Protection, StarttlsLost],
        ),
        (
            "STARTTLS is gained",
            vec![clear()],
            sound(),
            vec![Protection, StarttlsGained],
        ),
        ("still none", vec![clear(), sound()], clear(), vec![]),
        ("it does not answer", vec![sound()], unseen(), vec![]),
        ("it did not answer", vec![unseen()], clear(), vec![]),
        (
            "a day without an answer hides nothing",
            vec![unseen(), sound()],
            clear(),
            vec![Protection, StarttlsLost],
        ),
        (
            "our own port 25 is blocked",
            vec![sound()],
            blocked(),
            vec![],
        ),
        (
            "one of two addresses",
            vec![both()],
            half(),
            vec![Protection, StarttlsLost],
        ),
        (
            "a new address, without",
            vec![sound()],
            half(),
            vec![Protection, StarttlsLost],
        ),
        ("a new address, with", vec![sound()], both(), vec![]),
        ("an address less", vec![both()], sound(), vec![]),
        ("another MX", vec![sound()], other_mx(), vec![Mx]),
        (
            "a renewed certificate",
            vec![sound()],
            renewed(&key),
            vec![Certificate],
        ),
        (
            "another key",
            vec![sound()],
            renewed("11"),
            vec![Certificate],
        ),
        (
            "a policy",
            vec![without_policies(sound())],
            with_sts(sound(), StsMode::Testing),
            vec![MtaSts, TlsRpt],
        ),
        (
            "a policy that is not enforced any more",
            vec![with_sts(sound(), StsMode::Enforce)],
            with_sts(sound(), StsMode::Testing),
            vec![Protection, MtaSts],
        ),
        (
            "policies that were not asked",
            vec![with_sts(sound(), StsMode::Testing)],
            sound(),
            vec![],
        ),
    ];
    for (world, before, now, expected) in worlds {
        let before: Vec<Judged> = before
            .into_iter()
            .enumerate()
            .map(|(n, mut o)| {
                o.at -= SignedDuration::from_hours(24 * (n as i64 + 1));
                Judged::new(o)
            })
            .collect();
        let changes = between(&before, &Judged::new(now));
        let kinds: Vec<ChangeKind> = changes.iter().map(|change| change.kind).collect();
        assert_eq!(kinds, expected, "{world}: {changes:#?}");
    }
    // TLSA records that came and went.
    let (with, without) = (with_dane(sound()), {
        let mut o = with_dane(sound());
        let Attempt::Done(tlsa) = &mut o.hosts[0].tlsa else {
            panic!()
        };
        tlsa.records.clear();
        o
    });
    let tlsa = |before: &DomainObservation, now: &DomainObservation| {
        between(&[Judged::new(before.clone())], &Judged::new(now.clone()))
            .into_iter()
            .find(|change| change.kind == Tlsa)
            .map(|change| change.direction)
    };
    assert_eq!(tlsa(&without, &with), Some(Direction::Better));
    assert_eq!(tlsa(&with, &without), Some(Direction::Worse));
    assert_eq!(tlsa(&with, &with), None);
}

#[test]
fn trouble_with_the_file_says_what_to_do_and_leaves_it_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let wrong = |path: &Path, access| Store::open(path, access).unwrap_err().wrong;

    assert_eq!(wrong(&at("none.db"), Access::Read), Wrong::Missing);
    assert!(!at("none.db").exists(), "reading makes no file");
    assert_eq!(wrong(folder.path(), Access::Write), Wrong::NotAFile);
    std::fs::write(at("text"), "Dear diary, ".repeat(1_000)).unwrap();
    assert_eq!(wrong(&at("text"), Access::Write), Wrong::NotAHistory);
    let below = at("text").join("history.db");
    assert!(matches!(wrong(&below, Access::Write), Wrong::NotOpened(_)));

    // Another program's.
    let other = rusqlite::Connection::open(at("other.db")).unwrap();
    other
        .execute_batch("CREATE TABLE bookmarks (url TEXT)")
        .unwrap();
    assert_eq!(wrong(&at("other.db"), Access::Write), Wrong::NotAHistory);
    let tables: i64 = other
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1);

    // A newer version's.
    drop(Store::open(&at("newer.db"), Access::Write).unwrap());
    let newer = rusqlite::Connection::open(at("newer.db")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    let Wrong::Newer { found: 99, .. } = wrong(&at("newer.db"), Access::Write) else {
        panic!("a newer file is refused");
    };

    // Damaged in the middle.
    let mut store = Store::open(&at("torn.db"), Access::Write).unwrap();
    let seen: Vec<Entry> = (1..200)
        .map(|hour| {
            let mut o = sound();
            o.at += SignedDuration::from_hours(hour);
            entry(&o)
        })
        .collect();
    store.put(&seen, &[]).unwrap();
    drop(store);
    let mut octets = std::fs::read(at("torn.db")).unwrap();
    let middle = 8_192..octets.len() - 4_096;
    octets[middle].fill(0xA5);
    std::fs::write(at("torn.db"), &octets).unwrap();
    if let Ok(mut store) = Store::open(&at("torn.db"), Access::Write) {
        let asked = [
            store.of_domain("partner.example", None, 50).err(),
            store.put(&[entry(&sound())], &[]).err(),
        ];
        assert!(
            asked.iter().flatten().any(|t| t.wrong == Wrong::Corrupt),
            "{asked:?}"
        );
    }
    for wrong in [
        Wrong::Missing,
        Wrong::Locked,
        Wrong::ReadOnly,
        Wrong::Full,
        Wrong::Corrupt,
        Wrong::TooSlow { lost: 3 },
    ] {
        let trouble = starttrace::history::Trouble {
            path: at("h.db"),
            wrong,
        };
        let said = trouble.to_string();
        assert!(
            said.contains("h.db") && said.contains(';') || said.contains(','),
            "{said}"
        );
    }
}

#[test]
fn a_lock_that_is_held_delays_a_run_by_seconds_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h.db");
    let recorder = Recorder::start(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = std::time::Instant::now();
    for hour in 0..50 {
        let mut o = sound();
        o.at += SignedDuration::from_hours(hour);
        recorder.observation(entry(&o));
    }
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "giving never waits"
    );
    let trouble = recorder.finish().unwrap_err();
    assert_eq!(trouble.wrong, Wrong::Locked);
    assert!(began.elapsed() < Duration::from_secs(15));

    // Once the lock is gone, several may write at the same time.
    other.execute_batch("COMMIT").unwrap();
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let path = path.clone();
            std::thread::spawn(move || {
                let recorder = Recorder::start(&path).unwrap();
                for hour in 0..100 {
                    let mut o = sound();
                    o.at += SignedDuration::from_hours(hour * 4 + n);
                    recorder.observation(entry(&o));
                }
                recorder.finish().unwrap();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let store = Store::open(&path, Access::Read).unwrap();
    assert_eq!(store.domains().unwrap()[0].observations, 400);
}

// From outside.

fn starttrace() -> Command {
    let mut command = Command::cargo_bin("starttrace").unwrap();
    command
        .env_remove("NO_COLOR")
        .env_remove("STARTTRACE_HISTORY")
        .env("COLUMNS", "80")
        .timeout(Duration::from_secs(60));
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn partner(ehlo: &str) -> World {
    let text = format!(
        r#"
        about = "one MX host"
        domain = "partner.example"
        zone = """
        partner.example MX 10 mx1.partner.example
        mx1.partner.example A 127.100.100.25
        """
        [[server]]
        host = "mx1.partner.example"
        address = ["127.100.100.25"]
        {ehlo}
        "#
    );
    toml::from_str(&text).unwrap()
}

const NO_STARTTLS: &str = r#"ehlo = ["250-{host}", "250 SIZE 1000000"]"#;

fn check(lab: &Lab, history: &Path, args: &[&str]) -> Output {
    starttrace()
        .current_dir(lab.directory())
        .arg("check")
        .args(["--resolver", &lab.resolver.to_string()])
        .args(["--port", &lab.port.to_string()])
        .args(["--ehlo", "probe.acme.example"])
        .args(["--ca-file", "ca.pem", "--no-system-roots"])
        .args(["--control", &format!("{CONTROL_HOST}:{}", lab.port)])
        .arg("--history")
        .arg(history)
        .args(args)
        .arg("partner.example")
        .output()
        .unwrap()
}

fn history(file: &Path, args: &[&str]) -> Output {
    starttrace()
        .arg("history")
        .args(args)
        .env("STARTTRACE_HISTORY", file)
        .output()
        .unwrap()
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn t12_starttls_that_was_there_before_is_a_finding_and_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("h.db");
    let good = Lab::start(&partner(""));
    let bad = Lab::start(&partner(NO_STARTTLS));

    // Nothing is stored unless asked.
    assert_eq!(status(&history(&file, &["list"])), 2);
    let first = check(&good, &file, &[]);
    assert_eq!((status(&first), stderr(&first)), (0, String::new()));
    assert!(!stdout(&first).contains("starttls-lost"));
    let alone = history(&file, &["diff", "partner.example"]);
    assert_eq!(status(&alone), 3);
    assert!(
        stderr(&alone).contains("nothing to compare"),
        "{}",
        stderr(&alone)
    );
    // Of all, that is no news.
    assert_eq!(status(&history(&file, &["diff"])), 0);

    check(&good, &file, &["-q"]);
    let same = history(&file, &["diff", "partner.example"]);
    assert_eq!(
        (status(&same), stdout(&same), stderr(&same)),
        (0, String::new(), String::new())
    );

    let lost = check(&bad, &file, &[]);
    assert_eq!(status(&lost), 1);
    let page = stdout(&lost);
    assert!(
        page.contains("error[starttls-lost]: mx1.partner.example gave TLS before"),
        "{page}"
    );
    assert_eq!(page::faults(&page), Vec::<String>::new());

    let changed = history(&file, &["diff"]);
    assert_eq!(status(&changed), 1);
    let page = stdout(&changed);
    assert!(
        page.starts_with("partner.example: 2 changes between "),
        "{page}"
    );
    assert!(
        page.contains("starttls-lost, worse: mx1.partner.example"),
        "{page}"
    );
    assert_eq!(page::faults(&page), Vec::<String>::new());
    let lines = history(&file, &["diff", "-f", "ndjson", "partner.example"]);
    let line: Value = serde_json::from_str(stdout(&lines).trim()).unwrap();
    assert_eq!(line["type"], "history");
    assert_eq!(line["data"]["of"], "diff");
    assert_eq!(line["data"]["changes"][1]["change"], "starttls-lost");
    assert_eq!(line["data"]["changes"][1]["direction"], "worse");

    // Still without: told by check, no change any more.
    let still = check(&bad, &file, &[]);
    assert!(stdout(&still).contains("starttls-lost"));
    assert_eq!(status(&history(&file, &["diff"])), 0);

    // Between two days, of a list.
    let list = folder.path().join("list.txt");
    std::fs::write(&list, "# ours\npartner.example\n\nother.example\n").unwrap();
    let list = list.to_str().unwrap();
    let days = history(&file, &["diff", "--list", list, "--from", "2001-01-01"]);
    assert_eq!(status(&days), 3, "nothing was seen in 2001");
    assert!(stderr(&days).contains("other.example"), "{}", stderr(&days));

    // What is exported can be read back.
    let all = history(&file, &["export"]);
    let lines: Vec<String> = stdout(&all).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 4);
    for line in &lines {
        assert!(matches!(document(line), Ok(Document::DomainReport(_))));
    }
    let schema = jsonschema::draft202012::new(&json::schema()).unwrap();
    for args in [
        &["diff", "-f", "json", "partner.example"][..],
        &["list", "-f", "ndjson"],
    ] {
        let document: Value = serde_json::from_slice(&history(&file, args).stdout).unwrap();
        assert_eq!(document["type"], "history");
        assert!(schema.is_valid(&document), "{document:#}");
    }
    let listed = history(&file, &["list", "-f", "ndjson"]);
    let known: Value = serde_json::from_str(stdout(&listed).trim()).unwrap();
    assert_eq!(known["data"]["observations"], 4);
    assert_eq!(known["data"]["protection"], "cleartext");
    let shown = history(&file, &["show", "partner.example", "-f", "json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["data"]["domain"], "partner.example");
    assert!(stdout(&history(&file, &["show", "partner.example"])).contains("mx1.partner.example"));
    let none = history(&file, &["show", "partner.example", "--at", "2001-01-01"]);
    assert_eq!(status(&none), 3);

    assert_eq!(
        status(&history(&file, &["prune"])),
        2,
        "a bound must be named"
    );
    let pruned = history(&file, &["prune", "--keep", "1", "-f", "json"]);
    assert_eq!(status(&pruned), 0);
    let pruned: Value = serde_json::from_slice(&pruned.stdout).unwrap();
    assert_eq!(pruned["data"]["observations"], 3);
    assert!(schema.is_valid(&pruned), "{pruned:#}");
    assert_eq!(stdout(&history(&file, &["export"])).lines().count(), 1);
}

#[test]
fn trouble_with_the_history_is_a_warning_and_the_answer_stays() {
    let folder = tempfile::tempdir().unwrap();
    let good = Lab::start(&partner(""));
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a database at all, just words\n".repeat(50)).unwrap();
    let newer = folder.path().join("newer.db");
    drop(Store::open(&newer, Access::Write).unwrap());
    rusqlite::Connection::open(&newer)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    for (file, says) in [
        (text.clone(), "no history of starttrace"),
        (text.join("h.db"), "name another file"),
        (folder.path().to_owned(), "no regular file"),
        (newer, "newer starttrace"),
        ("/dev/full".into(), "no regular file"),
    ] {
        let output = check(&good, &file, &[]);
        assert_eq!(status(&output), 0, "{}", file.display());
        assert!(
            stdout(&output).starts_with("partner.example: "),
            "the answer is there"
        );
        let said = stderr(&output);
        assert!(
            said.contains(says) && said.contains("warning: history "),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert!(
        std::fs::read_to_string(&text)
            .unwrap()
            .starts_with("not a database")
    );
    // An empty name is none.
    let output = starttrace()
        .args(["history", "list", "--history", ""])
        .output()
        .unwrap();
    assert_eq!(status(&output), 2);
    assert!(
        stderr(&output).contains("STARTTRACE_HISTORY"),
        "{}",
        stderr(&output)
    );
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let good = Lab::start(&partner(""));
    let file = folder.path().join("h.db");
    let binary = assert_cmd::cargo::cargo_bin("starttrace");
    // No file may grow at all.
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let output = std::process::Command::new("sh")
        .current_dir(good.directory())
        .args(["-c", script, "sh"])
        .arg(binary)
        .arg("check")
        .args(["--resolver", &good.resolver.to_string()])
        .args(["--port", &good.port.to_string()])
        .args(["--ehlo", "probe.acme.example"])
        .args([
            "--ca-file",
            "ca.pem",
            "--no-system-roots",
            "--control",
            "none",
        ])
        .arg("--history")
        .arg(&file)
        .arg("partner.example")
        .output()
        .unwrap();
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("h.db"), "{}", stderr(&output));
}

/// Explained on a day long after, from what was seen on that day.
#[test]
fn explain_prefers_what_was_seen_near_the_hop_and_asks_nobody_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("h.db");
    let mut store = Store::open(&file, Access::Write).unwrap();
    let seen = [on("2026-11-02", clear()), on("2026-11-19", sound())];
    store.put(&seen.each_ref().map(entry), &[]).unwrap();
    drop(store);
    let message = folder.path().join("m.eml");
    std::fs::write(
        &message,
        "Received: from out7.relay.example (out7.relay.example [203.0.113.7])\n\
         \tby mx1.partner.example (Postfix) with ESMTP id 4XkQ2c1Zz9\n\
         \tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000 (UTC)\n\
         From: billing@acme.example\n\nHello\n",
    )
    .unwrap();
    let output = starttrace()
        .args(["explain", "--offline", "-f", "json", "--history"])
        .arg(&file)
        .arg(&message)
        .output()
        .unwrap();
    assert_eq!(status(&output), 1, "{}", stderr(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let hop = &document["data"]["hops"][0];
    assert_eq!(hop["probed"]["from"], "history");
    assert_eq!(hop["probed"]["observed_at"], "2026-11-02T12:00:00Z");
    assert_eq!(hop["probed"]["age_days"], 0);
    assert_eq!(hop["causes"][0]["code"], "starttls-not-offered", "{hop:#}");
    // What the history names is never probed.
    assert_eq!(document["data"]["probes"], serde_json::json!([]));
    // Both that spoke are part of the result: of that time, and the newest.
    // With them and the chain the same can be concluded again.
    let earlier = document["data"]["earlier"].as_array().unwrap();
    assert_eq!(earlier.len(), 2);
    let Document::Explanation(data) = self::document(&document.to_string()).unwrap() else {
        panic!("another type");
    };
    let saved = explanation(&data).unwrap();
    let past = Past {
        earlier: saved.earlier.clone(),
        ..Past::default()
    };
    let chain = chain(&data.chain).unwrap();
    let again = starttrace::explain::explain(&chain, &[], &past);
    assert_eq!(again.hops[0].causes, saved.hops[0].causes);
    assert_eq!(again.hops[0].probed, saved.hops[0].probed);
    assert_eq!(again.earlier.len(), 2);
}

#[test]
fn names_in_a_history_are_data() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("h.db");
    let mut store = Store::open(&file, Access::Write).unwrap();
    let nasty = "x'); DROP TABLE observation; --\u{1b}[31m";
    let mut observation = sound();
    observation.hosts[0].host = HostName::from_dns(nasty);
    store.put(&[entry(&observation)], &[]).unwrap();
    assert_eq!(store.domains().unwrap().len(), 1);
    drop(store);
    // A row that says anything at all.
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.execute(
        "INSERT INTO observation (domain, at, protection, document) VALUES (?1, ?2, ?1, ?3)",
        rusqlite::params![nasty, i64::MAX, vec![0xFF_u8; 64]],
    )
    .unwrap();
    raw.execute(
        "INSERT INTO observation (domain, at, protection, document) VALUES (?1, ?2, ?1, ?3)",
        rusqlite::params!["partner.example", i64::MIN, b"{}".to_vec()],
    )
    .unwrap();
    drop(raw);
    for args in [
        &["list"][..],
        &["diff"],
        &["export"],
        &["show", "partner.example"],
    ] {
        let output = history(&file, args);
        assert!(
            matches!(status(&output), 0 | 1 | 3),
            "{args:?}: {}",
            stderr(&output)
        );
        let said = stdout(&output) + &stderr(&output);
        assert!(!said.contains('\u{1b}'), "{args:?}: {said}");
    }
    let exported = stdout(&history(&file, &["export"]));
    assert_eq!(exported.lines().count(), 1, "what is damaged is left out");
}
