//! What happens around a scan: signals, a resolver that is dead, a clock that is
//! set, other options when it is resumed.

use super::*;

/// A scan of which every question hangs, after some lines were answered.
#[cfg(unix)]
fn hanging(lab: &mut Lab, more: &[&str]) -> (Child, Relay, PathBuf) {
    let relay = Relay::start(lab);
    lab.resolver = relay.address;
    let text: String = (0..80).map(|at| format!("d{at}.example\n")).collect();
    list(lab, text);
    let path = lab.directory().join("run.ndjson");
    let mut args = vec!["list.txt", "-o", "run.ndjson", "--resume"];
    args.extend(more);
    let child = few_files(lab, &scan(lab, &args)).spawn().unwrap();
    wait_for("the first lines", || domain_lines(&path) >= 4);
    relay.silent.store(true, Ordering::Relaxed);
    (child, relay, path)
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let _ = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_ends_it_at_once_and_the_file_is_whole() {
    // What is under way gets two seconds after the first. A busy machine may take
    // its time, so some tries are made; none could go well where the second
    // interrupt changed nothing.
    let mut waited = Vec::new();
    for try_number in 1..=4 {
        let mut lab = Lab::start(&many(80, "", ""));
        let (mut child, relay, path) = hanging(&mut lab, &[]);
        let before = domain_lines(&path);
        // The questions under way are answered no more.
        std::thread::sleep(Duration::from_millis(100));
        interrupt(&child);
        std::thread::sleep(Duration::from_millis(150 * try_number));
        interrupt(&child);
        let second = Instant::now();
        let status = child.wait().unwrap();
        waited.push(second.elapsed());
        assert_eq!(status.code(), Some(3));
        let left = documents(&std::fs::read(&path).unwrap());
        let done = answers(&left).len();
        assert!(done >= before, "{done} of {before}");
        if done < 80 && second.elapsed() < Duration::from_millis(1200) {
            relay.silent.store(false, Ordering::Relaxed);
            let output = finished(scan(&lab, &["list.txt", "-o", "run.ndjson", "--resume"]));
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            let all = documents(&std::fs::read(&path).unwrap());
            assert_eq!(answers(&all).len(), 80);
            return;
        }
    }
    panic!("it never ended at once: {waited:?}");
}

#[cfg(unix)]
#[test]
fn a_pause_lasts_no_longer_than_patience_and_loses_nothing() {
    let mut lab = Lab::start(&many(80, "", ""));
    let (child, relay, path) = hanging(&mut lab, &["--timeout", "1", "--patience", "2"]);
    let output = child.wait_with_output().unwrap();
    let told = said(&output);
    assert_eq!(output.status.code(), Some(4), "{told}");
    for word in [
        "paused: the resolver does not answer",
        "not the domains'",
        "gave up after a pause of 2 s",
        "Go on with: starttrace scan",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let left = documents(&std::fs::read(&path).unwrap());
    assert!(
        answers(&left)
            .values()
            .all(|level| level == "authenticated")
    );
    assert!(of_type(&left, "summary").is_empty());
    relay.silent.store(false, Ordering::Relaxed);
    let output = finished(scan(&lab, &["list.txt", "-o", "run.ndjson", "--resume"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let all = answers(&documents(&std::fs::read(&path).unwrap()));
    assert_eq!(all.len(), 80);
    assert!(all.values().all(|level| level == "authenticated"));
}

#[test]
fn nothing_is_begun_with_a_dead_resolver() {
    let mut lab = Lab::start(&many(2, "", ""));
    let silent = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let gone = UdpSocket::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    list(&lab, "d0.example\n");
    for (resolver, timeout) in [(silent.local_addr().unwrap(), "1"), (gone, "60")] {
        lab.resolver = resolver;
        for control in ["none", CONTROL_HOST] {
            let args = [
                "list.txt",
                "-o",
                "run.ndjson",
                "--control",
                control,
                "--timeout",
                timeout,
            ];
            let output = finished(scan(&lab, &args));
            let told = said(&output);
            assert_eq!(output.status.code(), Some(4), "{told}");
            assert!(told.contains("nothing was begun"), "{told}");
            assert!(told.contains("resolver"), "{told}");
            let path = lab.directory().join("run.ndjson");
            assert_eq!(std::fs::metadata(path).unwrap().len(), 0);
        }
    }
}

#[test]
fn it_goes_on_under_other_circumstances_and_says_so() {
    let lab = Lab::start(&many(3, "", ""));
    list(&lab, "d0.example\nd1.example\n");
    let first = finished(scan(&lab, &["list.txt", "-o", "run.ndjson"]));
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    // As if it had been killed: one line, and no summary.
    let path = lab.directory().join("run.ndjson");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(&path, format!("{}\n{}\n", lines[0], lines[1])).unwrap();
    let resume = |more: &[&str]| {
        let mut args = vec!["list.txt", "-o", "run.ndjson", "--resume"];
        args.extend(more);
        finished(scan(&lab, &args))
    };
    for (more, why) in [
        (
            &["--depth", "deep"][..],
            "--depth was not given, now \"deep\"",
        ),
        (&["--suites"], "--suites was not given, now true"),
        (&["--dnssec", "off"], "--dnssec was \"auto\", now \"off\""),
    ] {
        let output = resume(more);
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(said(&output).contains(why), "{}", said(&output));
    }
    let output = resume(&["--rate", "50", "--deadline", "100"]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    for word in [
        "goes on under other circumstances",
        "--rate was not given, now 50",
        "--deadline was 180, now 100",
    ] {
        assert!(told.contains(word), "{told}");
    }
    let all = documents(&std::fs::read(&path).unwrap());
    let runs = of_type(&all, "run");
    assert_eq!(runs[1]["options"]["deadline"], 100, "{}", runs[1]);
    assert_eq!(runs[1]["options"]["resolver"][0], lab.resolver.to_string());
    assert_eq!(answers(&all).len(), 2);

    // What the file tells of the scan itself.
    for (form, page) in [("html", true), ("csv", false)] {
        let report = Command::new(assert_cmd::cargo::cargo_bin("starttrace"))
            .current_dir(lab.directory())
            .args(["report", "-f", form, "run.ndjson"])
            .output()
            .unwrap();
        let shown = String::from_utf8(if page { report.stdout } else { report.stderr }).unwrap();
        assert!(shown.contains("gone on with once"), "{form}: {shown}");
        assert!(
            shown.contains("2 lines answered, which is all"),
            "{form}: {shown}"
        );
    }
}

/// Sets the time of day to and fro by hours, as the process sees it; the clock
/// that measures is left alone.
#[cfg(target_os = "linux")]
const JUMPING_CLOCK: &str = r"
#define _GNU_SOURCE
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>
static int calls;
int clock_gettime(clockid_t clock, struct timespec *now) {
    long result = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME) {
        int call = __sync_fetch_and_add(&calls, 1);
        now->tv_sec += (call % 7 - 3) * 5 * 3600L;
    }
    return result;
}
";

#[cfg(target_os = "linux")]
#[test]
fn a_clock_that_is_set_changes_nothing() {
    const COUNT: usize = 40;
    let lab = Lab::start(&apart(COUNT));
    let text: String = (0..COUNT).map(|at| format!("e{at}.example\n")).collect();
    list(&lab, text);
    let source = lab.directory().join("clock.c");
    let library = lab.directory().join("clock.so");
    std::fs::write(&source, JUMPING_CLOCK).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .expect("a C compiler, which the build needs too");
    assert!(built.success());
    let path = lab.directory().join("run.ndjson");
    let jumping = |args: &[&str]| {
        let mut command = scan(&lab, args);
        command.env("LD_PRELOAD", &library);
        command
    };
    // Half of it, killed, and the rest.
    let mut child = jumping(&["list.txt", "-o", "run.ndjson", "--rate", "60"])
        .spawn()
        .unwrap();
    wait_for("half of the lines", || domain_lines(&path) >= COUNT / 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let began = Instant::now();
    let output = finished(jumping(&["list.txt", "-o", "run.ndjson", "--resume"]));
    let took = began.elapsed();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let all = documents(&std::fs::read(&path).unwrap());
    let found = answers(&all);
    assert_eq!(found.len(), COUNT);
    assert!(
        found.values().all(|level| level == "authenticated"),
        "{found:?}"
    );
    // It was set indeed: the probes are hours apart by its word.
    let hours: std::collections::BTreeSet<&str> = of_type(&all, "domain")
        .iter()
        .map(|data| &data["at"].as_str().unwrap()[..13])
        .collect();
    assert!(hours.len() > 2, "{hours:?}");
    let measured = of_type(&all, "summary")[0]["duration_ms"].as_u64().unwrap();
    assert!(
        u128::from(measured) <= took.as_millis(),
        "{measured} of {took:?}"
    );
}
