//! Memory does not grow with a mailbox: the command reads one from a pipe, and
//! its peak is looked up before the pipe ends.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The most memory, in KiB, that the command held for so many messages, every
/// one of other hosts, and bodies of so many MiB.
fn peak(messages: usize, mebibytes: usize) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_starttrace"))
        .args(["trace", "--summary", "-f", "ndjson", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for id in 0..messages {
        write!(
            stdin,
            "From bo@acme.example Tue Nov  3 09:14:07 2026\n\
             Received: from h{id}.s{id}.example (h{id}.s{id}.example [203.0.113.7])\n\
             \tby mx{id}.p{id}.example (Postfix) with ESMTPS id {id};\n\
             \tTue, 03 Nov 2026 09:14:07 +0000\nSubject: {id}\n\nhello\n\n"
        )
        .unwrap();
    }
    let body = "a line of a body, as long as such lines are\n".repeat(24_000);
    for _ in 0..mebibytes {
        stdin.write_all(body.as_bytes()).unwrap();
    }
    stdin.flush().unwrap();
    // All but what the pipe holds has been read by now; let it finish.
    let status = format!("/proc/{}/status", child.id());
    let read = || {
        let status = std::fs::read_to_string(&status).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let words = line.unwrap().split_whitespace().nth(1).unwrap();
        words.parse::<u64>().unwrap()
    };
    let (mut most, start) = (read(), Instant::now());
    while start.elapsed() < Duration::from_millis(300) {
        std::thread::sleep(Duration::from_millis(50));
        most = most.max(read());
    }
    drop(stdin);
    let mut out = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert!(
        out.contains(&format!("\"messages\":{messages}")),
        "{out:.400}"
    );
    most
}

#[test]
fn a_mailbox_of_any_size_takes_the_same_memory() {
    // Both are beyond what is kept of hosts and pairs of them.
    let (few, many) = (peak(4_500, 1), peak(7_500, 200));
    assert!(
        many < few + 3_000,
        "{few} KiB for a small mailbox, {many} KiB for a large one"
    );
}
