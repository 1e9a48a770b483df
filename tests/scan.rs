//! `scan` from outside: every line of a list is answered exactly once, whatever
//! stands in it and however often the scan is interrupted.

#![allow(clippy::unwrap_used)]

#[path = "scan/circumstances.rs"]
mod circumstances;
mod lab;
#[path = "scan/shared.rs"]
mod shared;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lab::world::World;
use lab::{CONTROL_HOST, Lab};
use serde_json::Value;

/// A world with `count` domains on one shared host, and some others.
fn many(count: usize, extra_zone: &str, servers: &str) -> World {
    let mut zone = String::from(
        "mx.shared.example A 127.100.100.10\n\
         bare.example MX 10 mx.bare.example\n\
         mx.bare.example A 127.100.100.11\n\
         silent.example MX 0 .\n",
    );
    for at in 0..count {
        let _ = writeln!(zone, "d{at}.example MX 10 mx.shared.example");
    }
    zone.push_str(extra_zone);
    let text = format!(
        "about = \"many domains\"\nzone = '''\n{zone}'''\n\
         [[server]]\nhost = \"mx.shared.example\"\naddress = [\"127.100.100.10\"]\n\
         [[server]]\nhost = \"mx.bare.example\"\naddress = [\"127.100.100.11\"]\n\
         ehlo = [\"250-mx.bare.example\", \"250 SIZE 1000\"]\n{servers}"
    );
    toml::from_str(&text).unwrap()
}

/// A scan in a world, in its directory.
fn scan(lab: &Lab, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("starttrace"));
    command
        .current_dir(lab.directory())
        .arg("scan")
        .args(["--resolver", &lab.resolver.to_string()])
        .args(["--port", &lab.port.to_string()])
        .args(["--policy-port", &lab.port.to_string()])
        .args(["--ehlo", "probe.acme.example"])
        .args(["--ca-file", "ca.pem", "--no-system-roots", "-4"]);
    if !args.contains(&"--control") {
        command.args(["--control", &format!("{CONTROL_HOST}:{}", lab.port)]);
    }
    if !args.contains(&"--retry-after") {
        command.args(["--retry-after", "0"]);
    }
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn finished(mut command: Command) -> Output {
    command.spawn().unwrap().wait_with_output().unwrap()
}

fn list(lab: &Lab, text: impl AsRef<[u8]>) -> PathBuf {
    let path = lab.directory().join("list.txt");
    std::fs::write(&path, text).unwrap();
    path
}

fn documents(text: &[u8]) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with(b"\n"), "half a line");
    String::from_utf8(text.to_vec())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn of_type<'a>(documents: &'a [Value], kind: &str) -> Vec<&'a Value> {
    documents
        .iter()
        .filter(|document| document["type"] == kind)
        .map(|document| &document["data"])
        .collect()
}

/// Line numbers with level, each once.
fn answers(documents: &[Value]) -> BTreeMap<u64, String> {
    let lines = of_type(documents, "domain");
    let all: BTreeMap<u64, String> = lines
        .iter()
        .map(|data| {
            let level = data["protection"].as_str().unwrap().to_owned();
            (data["input"]["line"].as_u64().unwrap(), level)
        })
        .collect();
    assert_eq!(all.len(), lines.len(), "a line was answered twice");
    all
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn domain_lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.matches("\"type\":\"domain\"").count())
}

#[test]
fn each_line_gives_exactly_one_line_whatever_stands_in_it() {
    let lab = Lab::start(&many(3, "", ""));
    let mut text = b"d0.example\n# a comment\n\nD1.example. # both\nap@d2.example\nd0.example\n\
        https://bare.example/x\nsilent.example\nnowhere.example\nnot a domain\n192.0.2.1\n\xff\xfe\n"
        .to_vec();
    text.extend(std::iter::repeat_n(b'x', 1_000_000));
    text.push(b'\n');
    list(&lab, text);
    let output = finished(scan(&lab, &["list.txt"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let documents = documents(&output.stdout);
    assert_eq!(documents[0]["type"], "run");
    assert_eq!(documents.last().unwrap()["type"], "summary");
    let expected = [
        (1, "authenticated"),
        (4, "authenticated"),
        (5, "authenticated"),
        (6, "authenticated"),
        (7, "cleartext"),
        (8, "no-mail"),
        (9, "no-mail"),
        (10, "unknown"),
        (11, "unknown"),
        (12, "unknown"),
        (13, "unknown"),
    ];
    let expected: BTreeMap<u64, String> = expected
        .map(|(line, level)| (line, level.to_owned()))
        .into();
    assert_eq!(answers(&documents), expected);
    for data in of_type(&documents, "domain") {
        let line = data["input"]["line"].as_u64().unwrap();
        let invalid = data["findings"] == serde_json::json!(["invalid-domain"]);
        assert_eq!(invalid, line >= 10, "{data}");
        assert!(data.to_string().len() < 3000);
    }
    let summary = of_type(&documents, "summary")[0];
    assert_eq!(summary["lines"], 11);
    assert_eq!(summary["protection"]["authenticated"], 4);
    assert_eq!(summary["complete"], true);
    assert!(
        said(&output).contains("11 lines answered"),
        "{}",
        said(&output)
    );
    // Many domains, one conversation.
    lab.settle();
    assert_eq!(lab.log.connections_to("mx.shared.example"), 1);
}

#[test]
fn the_results_come_in_order_where_that_is_wanted_and_whole_where_that_is() {
    let lab = Lab::start(&many(40, "", ""));
    let text: String = (0..40).map(|at| format!("d{at}.example\n")).collect();
    list(&lab, text + "bare.example\n");
    let output = finished(scan(&lab, &["--ordered", "--full", "-q", "list.txt"]));
    assert_eq!(said(&output), "");
    let documents = documents(&output.stdout);
    let lines: Vec<u64> = of_type(&documents, "domain")
        .iter()
        .map(|data| {
            assert_eq!(data["report"]["domain"], data["domain"]);
            data["input"]["line"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(lines, (1..=41).collect::<Vec<_>>());
}

#[test]
fn a_pipe_in_and_a_pipe_out() {
    let lab = Lab::start(&many(5, "", ""));
    let mut command = scan(&lab, &["-", "-q"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"d0.example\nd1.example\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(answers(&documents(&output.stdout)).len(), 2);

    // A reader that goes away ends it, which is no error.
    let mut command = scan(&lab, &["-"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(b"d0.example\nd1.example\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(stdin);
}

/// Kills a scan as soon as so many lines are there.
fn killed_after(lab: &Lab, lines: usize, signal: &str, path: &Path) -> Child {
    let name = path.file_name().unwrap().to_str().unwrap();
    let args = [
        "list.txt",
        "-o",
        name,
        "--resume",
        "--rate",
        "60",
        "--per-host",
        "1",
    ];
    let mut child = scan(lab, &args).spawn().unwrap();
    wait_for("enough lines", || {
        domain_lines(path) >= lines || child.try_wait().unwrap().is_some()
    });
    let _ = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    child
}

/// Domains with a host each, so that a scan takes its time.
fn apart(count: usize) -> World {
    let mut zone = String::new();
    let mut servers = String::new();
    for at in 0..count {
        let address = 60 + at;
        let _ = writeln!(zone, "e{at}.example MX 10 mx.e{at}.example");
        let _ = writeln!(zone, "mx.e{at}.example A 127.100.100.{address}");
        let _ = write!(
            servers,
            "[[server]]\nhost = \"mx.e{at}.example\"\naddress = [\"127.100.100.{address}\"]\n"
        );
    }
    many(0, &zone, &servers)
}

#[cfg(unix)]
#[test]
fn killed_and_resumed_every_line_is_answered_once() {
    const COUNT: usize = 60;
    let lab = Lab::start(&apart(COUNT));
    let text: String = (0..COUNT).map(|at| format!("e{at}.example\n")).collect();
    list(&lab, text);
    let path = lab.directory().join("run.ndjson");
    for (at, signal) in ["-KILL", "-INT", "-KILL", "-TERM"].into_iter().enumerate() {
        let child = killed_after(&lab, (at + 1) * 8, signal, &path);
        let began = Instant::now();
        let output = child.wait_with_output().unwrap();
        assert!(began.elapsed() < Duration::from_secs(5));
        if signal != "-KILL" && output.status.code() == Some(3) {
            let said = said(&output);
            assert!(said.contains("Stopped. "), "{said}");
            assert!(said.contains("Go on with: starttrace scan"), "{said}");
            documents(&std::fs::read(&path).unwrap());
        }
        // Half a line, as a crash may leave it.
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap();
        file.write_all(b"{\"schema\":\"1.0\",\"type\":\"dom")
            .unwrap();
    }
    let output = finished(scan(&lab, &["list.txt", "-o", "run.ndjson", "--resume"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("done before"), "{}", said(&output));
    let documents = documents(&std::fs::read(&path).unwrap());
    assert_eq!(answers(&documents).len(), COUNT);
    assert!(of_type(&documents, "run").len() > 2);
    let summary = of_type(&documents, "summary");
    assert_eq!(summary.len(), 1);
    assert_eq!(summary[0]["lines"], COUNT);
    assert_eq!(summary[0]["protection"]["authenticated"], COUNT);

    // Nothing is left to do, and nothing is written.
    let before = std::fs::read(&path).unwrap();
    let again = finished(scan(&lab, &["list.txt", "-o", "run.ndjson", "--resume"]));
    assert_eq!(again.status.code(), Some(0));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn what_would_mix_two_scans_is_refused() {
    let lab = Lab::start(&many(3, "", ""));
    list(&lab, "d0.example\nd1.example\n");
    let first = finished(scan(&lab, &["list.txt", "-o", "run.ndjson"]));
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    for (args, why) in [
        (&["list.txt", "-o", "run.ndjson"][..], "--resume"),
        (
            &["list.txt", "-o", "run.ndjson", "--resume", "--full"],
            "--full was false, now true",
        ),
        (&["list.txt", "--resume"], "--output"),
        (&["-", "--resume", "-o", "run.ndjson"], "save it to a file"),
        (&["list.txt", "-f", "json"], "ndjson"),
        (&["list.txt", "-f", "text"], "ndjson"),
        (&["missing.txt"], "cannot read missing.txt"),
        (
            &["list.txt", "--exclude", "missing.txt"],
            "cannot read missing.txt",
        ),
        (&["list.txt", "--shard", "3/2"], "I/N"),
    ] {
        let output = finished(scan(&lab, args));
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(why), "{args:?}: {}", said(&output));
    }
    list(&lab, "d0.example\nd2.example\n");
    let output = finished(scan(&lab, &["list.txt", "-o", "run.ndjson", "--resume"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("another list"), "{}", said(&output));
    std::fs::write(
        lab.directory().join("table.csv"),
        "id,mail\n1,ap@d0.example\n",
    )
    .unwrap();
    let output = finished(scan(&lab, &["table.csv"]));
    assert!(said(&output).contains("(id, mail)"), "{}", said(&output));
    let output = finished(scan(&lab, &["table.csv", "--column", "mail"]));
    assert_eq!(answers(&documents(&output.stdout))[&2], "authenticated");
}

#[test]
fn levels_shares_and_exclusions() {
    let lab = Lab::start(&many(20, "", ""));
    let text: String = (0..20).map(|at| format!("d{at}.example\n")).collect();
    list(&lab, text + "bare.example\n");
    for (level, status) in [("mixed", 1), ("enforced", 1)] {
        let output = finished(scan(&lab, &["list.txt", "--fail-on", level]));
        assert_eq!(output.status.code(), Some(status), "{level}");
    }
    std::fs::write(
        lab.directory().join("alone.txt"),
        "bare.example\n127.0.0.0/30\n",
    )
    .unwrap();
    let exclude = [
        "list.txt",
        "--exclude",
        "alone.txt",
        "--fail-on",
        "authenticated",
    ];
    let output = finished(scan(&lab, &exclude));
    // Who is left alone is unknown, not bad.
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(answers(&documents(&output.stdout))[&21], "unknown");
    let before = lab.log.connections_to("mx.bare.example");
    assert_eq!(lab.log.connections_to("mx.bare.example"), before);
    let mut lines = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let output = finished(scan(&lab, &["list.txt", "--shard", shard]));
        lines.extend(answers(&documents(&output.stdout)).into_keys());
    }
    lines.sort_unstable();
    assert_eq!(lines, (1..=21).collect::<Vec<_>>());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_whole_lines_and_the_way_on() {
    let lab = Lab::start(&many(60, "", ""));
    let text: String = (0..60).map(|at| format!("d{at}.example\n")).collect();
    list(&lab, text);
    let full = finished(scan(&lab, &["list.txt", "-o", "/dev/full"]));
    assert_eq!(full.status.code(), Some(4), "{}", said(&full));

    let small = scan(&lab, &["list.txt", "-o", "run.ndjson"]);
    let mut words = vec!["ulimit -f 8; exec \"$0\" \"$@\"".to_owned()];
    words.push(small.get_program().to_str().unwrap().to_owned());
    words.extend(small.get_args().map(|arg| arg.to_str().unwrap().to_owned()));
    let mut limited = Command::new("bash");
    limited
        .current_dir(lab.directory())
        .arg("-c")
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = finished(limited);
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(said(&output).contains("Go on with: "), "{}", said(&output));
    let path = lab.directory().join("run.ndjson");
    let left = documents(&std::fs::read(&path).unwrap());
    let done = answers(&left).len();
    assert!((1..60).contains(&done), "{done}");
    assert!(
        said(&output).contains(&format!("Stopped. {done} done")),
        "{}",
        said(&output)
    );
    let output = finished(scan(&lab, &["list.txt", "-o", "run.ndjson", "--resume"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(
        answers(&documents(&std::fs::read(&path).unwrap())).len(),
        60
    );
}

#[test]
fn who_puts_us_off_is_asked_again_after_the_rest() {
    let zone = "busy.example MX 10 mx.busy.example\nmx.busy.example A 127.100.100.12\n\
                dead.example MX 10 mx.dead.example\nmx.dead.example A 127.100.100.13\n";
    let servers = "[[server]]\nhost = \"mx.busy.example\"\naddress = [\"127.100.100.12\"]\n\
                   greeting = [\"421 4.7.0 too many connections\", \"!close\"]\n";
    let lab = Lab::start(&many(2, zone, servers));
    list(&lab, "busy.example\ndead.example\nd0.example\nd1.example\n");
    let output = finished(scan(&lab, &["list.txt"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let documents = documents(&output.stdout);
    let found = answers(&documents);
    assert_eq!(found[&1], "unknown");
    assert_eq!(found[&2], "unknown");
    let last: Vec<u64> = of_type(&documents, "domain")
        .iter()
        .map(|data| data["input"]["line"].as_u64().unwrap())
        .collect();
    assert!(last[..2].iter().all(|line| *line > 2), "{last:?}");
    assert!(lab.log.connections_to("mx.busy.example") >= 2);
}

#[test]
fn nothing_is_begun_where_the_network_is_closed() {
    let world = World {
        control: lab::world::ControlSpec::Blocked,
        ..many(2, "", "")
    };
    let lab = Lab::start(&world);
    list(&lab, "d0.example\n");
    let output = finished(scan(&lab, &["list.txt", "-o", "run.ndjson"]));
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(
        said(&output).contains("nothing was begun"),
        "{}",
        said(&output)
    );
}

/// A name server in front of the lab's, which can be put to silence.
struct Relay {
    address: std::net::SocketAddr,
    silent: Arc<AtomicBool>,
}

impl Relay {
    fn start(lab: &Lab) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let relay = Self {
            address: socket.local_addr().unwrap(),
            silent: Arc::default(),
        };
        let silent = Arc::clone(&relay.silent);
        let resolver = lab.resolver;
        std::thread::spawn(move || {
            let mut question = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                if silent.load(Ordering::Relaxed) {
                    continue;
                }
                // Each on its own, or a busy machine makes the last of many
                // questions wait longer than a scan does.
                let (socket, question) = (socket.try_clone().unwrap(), question);
                std::thread::spawn(move || {
                    let upstream = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
                    upstream
                        .set_read_timeout(Some(Duration::from_secs(2)))
                        .unwrap();
                    upstream.send_to(&question[..length], resolver).unwrap();
                    let mut answer = [0; 2048];
                    if let Ok(length) = upstream.recv(&mut answer) {
                        let _ = socket.send_to(&answer[..length], from);
                    }
                });
            }
        });
        relay
    }
}

/// The same command with few files, so that little is under way at once.
fn few_files(lab: &Lab, command: &Command) -> Command {
    let mut limited = Command::new("bash");
    limited
        .current_dir(lab.directory())
        .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    limited
}

#[cfg(unix)]
#[test]
fn a_resolver_that_dies_pauses_the_scan() {
    const COUNT: usize = 80;
    let mut lab = Lab::start(&many(COUNT, "", ""));
    let relay = Relay::start(&lab);
    lab.resolver = relay.address;
    let text: String = (0..COUNT).map(|at| format!("d{at}.example\n")).collect();
    list(&lab, text);
    let args = ["list.txt", "-o", "run.ndjson", "--timeout", "1"];
    let mut child = few_files(&lab, &scan(&lab, &args)).spawn().unwrap();
    let path = lab.directory().join("run.ndjson");
    wait_for("the first lines", || domain_lines(&path) >= 4);
    relay.silent.store(true, Ordering::Relaxed);
    std::thread::sleep(Duration::from_secs(8));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("\"protection\":\"unknown\""), "{text}");
    assert!(domain_lines(&path) < COUNT, "the resolver died too late");
    assert!(child.try_wait().unwrap().is_none());
    relay.silent.store(false, Ordering::Relaxed);
    let output = child.wait_with_output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("paused: the resolver does not answer"),
        "{said}"
    );
    assert!(said.contains("goes on"), "{said}");
    let documents = documents(&std::fs::read(&path).unwrap());
    assert_eq!(answers(&documents).len(), COUNT);
    for data in of_type(&documents, "domain") {
        assert_eq!(data["protection"], "authenticated", "{data}");
    }
}

#[test]
fn a_network_that_goes_away_pauses_the_scan() {
    let zone = "gone.example MX 10 mx.gone.example\nmx.gone.example A 127.100.100.13\n";
    let lab = Lab::start(&many(1, zone, ""));
    // A way to the control host that can be closed.
    let control = lab.address("127.100.100.250");
    let listener = TcpListener::bind((control, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let open = Arc::new(AtomicBool::new(true));
    let (still, real) = (Arc::clone(&open), lab.port);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            if !still.load(Ordering::Relaxed) {
                continue;
            }
            let server = TcpStream::connect((control, real)).unwrap();
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ] {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    list(&lab, "gone.example\n");
    let path = lab.directory().join("run.ndjson");
    let control = format!("{CONTROL_HOST}:{port}");
    let args = [
        "list.txt",
        "-o",
        "run.ndjson",
        "--control",
        &control,
        "--retry-after",
        "1",
    ];
    let child = scan(&lab, &args).spawn().unwrap();
    wait_for("the start", || {
        std::fs::metadata(&path).is_ok_and(|about| about.len() > 0)
    });
    open.store(false, Ordering::Relaxed);
    std::thread::sleep(Duration::from_secs(9));
    assert_eq!(domain_lines(&path), 0, "what may be ours was written down");
    open.store(true, Ordering::Relaxed);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("paused: "), "{}", said(&output));
    let found = answers(&documents(&std::fs::read(&path).unwrap()));
    assert_eq!(found[&1], "unknown");
}

#[cfg(unix)]
#[test]
fn a_list_that_changes_while_it_is_read_is_noticed() {
    const COUNT: usize = 3000;
    let lab = Lab::start(&many(1, "", ""));
    let text: String = (0..COUNT).map(|at| format!("n{at}.example\n")).collect();
    let path = list(&lab, text);
    let command = scan(&lab, &["list.txt", "-o", "run.ndjson"]);
    let child = few_files(&lab, &command).spawn().unwrap();
    let results = lab.directory().join("run.ndjson");
    wait_for("the start", || {
        std::fs::metadata(&results).is_ok_and(|about| about.len() > 0)
    });
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b"d0.example\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("changed while it was read"),
        "{}",
        said(&output)
    );
    let documents = documents(&std::fs::read(&results).unwrap());
    assert!(of_type(&documents, "summary").is_empty());
}
