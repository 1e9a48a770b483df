//! What this machine is called, for EHLO (RFC 5321, section 4.1.1.1).
//!
//! Read from files, since the standard library has no call for it: the kernel's
//! host name, and `/etc/hosts` for its full form. Where neither gives a full
//! name that can mean something outside, there is none, and the address
//! literal is said instead.

use std::fs;

use crate::name::HostName;

/// Last labels that mean nothing outside one's own network (RFC 6761,
/// RFC 6762, RFC 8375, and what home routers and clouds hand out).
const INSIDE: &[&str] = &[
    "local",
    "localdomain",
    "localhost",
    "internal",
    "lan",
    "home",
    "corp",
    "intranet",
    "private",
    "invalid",
    "test",
    "arpa",
];

/// This machine's full name, if it has one.
#[must_use]
pub fn full_name() -> Option<HostName> {
    let name = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| fs::read_to_string(path).ok())?;
    let name = name.trim();
    full(name).or_else(|| {
        let hosts = fs::read_to_string("/etc/hosts").ok()?;
        from_hosts(&hosts, name)
    })
}

fn full(name: &str) -> Option<HostName> {
    let name = HostName::parse(name).ok()?;
    let last = name.as_str().rsplit('.').next()?;
    (!name.is_single_label() && !INSIDE.contains(&last)).then_some(name)
}

/// The first name on the line of `/etc/hosts` that lists a short name.
fn from_hosts(hosts: &str, short: &str) -> Option<HostName> {
    hosts.lines().take(10_000).find_map(|line| {
        let line = line.split('#').next()?;
        let mut names = line.split_whitespace().skip(1);
        let first = names.next()?;
        let listed = first == short || names.any(|name| name == short);
        let belongs = first
            .split_once('.')
            .is_some_and(|(label, _)| label.eq_ignore_ascii_case(short));
        (listed && belongs).then(|| full(first)).flatten()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_full_names_that_mean_something_outside_are_said() {
        for (name, said) in [
            ("probe.acme.example", true),
            ("probe", false),
            ("probe.local", false),
            ("localhost.localdomain", false),
            ("build-7.c.project.internal", false),
            ("not a name", false),
            ("192.0.2.1", false),
        ] {
            assert_eq!(full(name).is_some(), said, "{name}");
        }
    }

    #[test]
    fn the_hosts_file_may_know_the_full_name() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1 probe.acme.example probe # us\n";
        assert_eq!(
            from_hosts(hosts, "probe").unwrap().as_str(),
            "probe.acme.example"
        );
        assert_eq!(from_hosts(hosts, "other"), None);
        assert_eq!(from_hosts("127.0.0.1 localhost probe\n", "probe"), None);
    }
}
