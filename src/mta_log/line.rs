//! One line: when, which program, what it says.

use super::stamp::{self, Stamp};

/// A line of a program that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub stamp: Stamp,
    pub program: Program<'a>,
    pub body: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program<'a> {
    /// `smtp`, `smtpd`, `cleanup` …, in whatever instance and service.
    Postfix {
        service: &'a str,
        pid: u32,
    },
    Exim,
}

/// Reads a line; none for what no rule is about.
pub(super) fn read(line: &str) -> Option<Entry<'_>> {
    // What a relay of syslog messages puts in front.
    let line = match line.strip_prefix('<') {
        Some(rest) => rest.split_once('>')?.1,
        None => line,
    };
    if let Some((stamp, body)) = stamp::exim(line) {
        return Some(Entry {
            stamp,
            program: Program::Exim,
            body: without_pid(body),
        });
    }
    let (stamp, rest) = stamp::syslog(line).or_else(|| stamp::iso(line))?;
    let (_host, rest) = rest.split_once(' ')?;
    let (tag, body) = rest.split_once(": ")?;
    let (name, pid) = match tag.split_once('[') {
        Some((name, pid)) => (name, pid.trim_end_matches(']').parse().ok()?),
        None => (tag, 0),
    };
    if name.starts_with("exim") {
        // Exim puts its own stamp behind that of syslog, or leaves it out.
        return Some(match stamp::exim(body) {
            Some((stamp, body)) => Entry {
                stamp,
                program: Program::Exim,
                body: without_pid(body),
            },
            None => Entry {
                stamp,
                program: Program::Exim,
                body: without_pid(body),
            },
        });
    }
    if !name.starts_with("postfix") {
        return None;
    }
    Some(Entry {
        stamp,
        program: Program::Postfix {
            service: name.rsplit_once('/')?.1,
            pid,
        },
        body,
    })
}

/// Exim's `[1234] ` (log_selector +pid).
fn without_pid(body: &str) -> &str {
    body.strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
        .filter(|(pid, _)| pid.bytes().all(|b| b.is_ascii_digit()))
        .map_or(body, |(_, rest)| rest)
}
