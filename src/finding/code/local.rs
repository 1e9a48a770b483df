//! Codes about this machine, its network and the input.

use super::Words;
use crate::finding::Severity::{Error, Note, Warning};

pub(super) const PORT_25_BLOCKED: Words = Words {
    severity: Error,
    standard: None,
    tlsrpt: None,
    summary: "port 25 is blocked or rewritten on this network",
    means: "A host known to offer STARTTLS could not be asked for it from here. Most \
            home, office and cloud networks block outgoing port 25, and some pass it \
            through a device that removes STARTTLS. Nothing seen from here says anything \
            about the domain.",
    fix: Some(
        "run it on a mail server or another machine from which port 25 is open, or ask \
         the provider to open outgoing port 25 (cloud providers do on request); if the \
         control host itself is at fault, name another with --control",
    ),
};
pub(super) const CONTROL_FAILED: Words = Words {
    severity: Error,
    standard: None,
    tlsrpt: None,
    summary: "the control host could not confirm that this network lets TLS through",
    means: "Before anything bad is said of a domain, a host known to offer STARTTLS is \
            asked over the same path. It could not be looked up, or did not answer as it \
            should, so the fault may lie on this network, with its resolver, or with the \
            control host.",
    fix: Some(
        "try again later, from another network, or name another host known to offer \
         STARTTLS with --control",
    ),
};
pub(super) const TOO_MANY_OPEN_FILES: Words = Words {
    severity: Warning,
    standard: None,
    tlsrpt: None,
    summary: "this machine allows too few open connections",
    means: "A connection could not be opened here; nothing was learnt about the server.",
    fix: Some("raise the limit of open files (`ulimit -n`), or probe fewer hosts at a time"),
};
pub(super) const DEADLINE: Words = Words {
    severity: Note,
    standard: None,
    tlsrpt: None,
    summary: "the time for this address was used up",
    means: "The server answered, but so slowly that the whole time allowed for one \
            address passed. Unknown, not bad: some servers slow strangers down on \
            purpose.",
    fix: Some("give it more time with --deadline"),
};
pub(super) const INVALID_DOMAIN: Words = Words {
    severity: Warning,
    standard: Some("RFC 5321, section 2.3.5"),
    tlsrpt: None,
    summary: "this is no domain name",
    means: "Nothing was asked, since no mail can be sent to such a name.",
    fix: Some("correct the entry"),
};
pub(super) const PROXY_UNREACHABLE: Words = Words {
    severity: Error,
    standard: Some("RFC 1928, section 3"),
    tlsrpt: None,
    summary: "the proxy cannot be reached",
    means: "The proxy given by --proxy did not take the connection, so no mail server was \
            asked and nothing was learnt about one.",
    fix: Some("see that the proxy runs and that its address and port are right"),
};
pub(super) const PROXY_AUTH_FAILED: Words = Words {
    severity: Error,
    standard: Some("RFC 1929, section 2"),
    tlsrpt: None,
    summary: "the proxy does not let us in",
    means: "The proxy wants a user name and password, or other ones than were given. No \
            mail server was asked and nothing was learnt about one.",
    fix: Some("give them right: --proxy socks5://USER:PASSWORD@HOST:PORT"),
};
pub(super) const PROXY_REFUSED: Words = Words {
    severity: Warning,
    standard: Some("RFC 1928, section 6"),
    tlsrpt: None,
    summary: "the proxy does not make this connection for us",
    means: "Its rules forbid it, mostly because they forbid port 25, or it knows no IPv6. \
            The mail server was not asked: unknown, not bad.",
    fix: Some("have the proxy's rules allow it, or use another proxy"),
};
pub(super) const PROXY_FAILED: Words = Words {
    severity: Warning,
    standard: Some("RFC 1928, section 6"),
    tlsrpt: None,
    summary: "the proxy could not make the connection",
    means: "It gave no reason, broke off, or is no SOCKS server of version 5. Whether the \
            mail server could have been reached is not known: unknown, not bad.",
    fix: Some("see that it is a SOCKS5 proxy, and look into its log"),
};
