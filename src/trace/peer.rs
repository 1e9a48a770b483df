//! The comment in which a server notes who connected (TCP-info in RFC 5321,
//! section 4.4), in the shapes software gives it.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use crate::trace::nocase;

/// Which words name the HELO argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// None, or `helo=x` beside an address.
    Plain,
    /// `(HELO x)`, `(EHLO x)`: the word after `from` is the name looked up.
    Helo,
}

/// What such a comment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    pub rdns: Option<String>,
    /// The name was looked up, found or not.
    pub asked: bool,
    pub ip: Option<IpAddr>,
    pub helo: Option<String>,
    pub style: Style,
    /// A socket of the same host.
    pub socket: bool,
}

impl Peer {
    /// Reads a comment; none where it does not speak of the client.
    pub(super) fn read(inner: &str) -> Option<Self> {
        let mut peer = Self {
            rdns: None,
            asked: false,
            ip: None,
            helo: None,
            style: Style::Plain,
            socket: false,
        };
        let outer = without_nested(inner);
        let text = outer.trim();
        if text.len() > 1024 || is_remark(text) {
            return None;
        }
        peer.socket = is_socket(text);
        let words = words_of(text);
        // What follows the HELO word behind an address is the client's.
        let mut settled = false;
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let bare = word.trim_matches('"');
            if let Some(name) = nocase::strip_prefix(bare, "helo=") {
                peer.helo = Some(clean(name));
                settled = peer.ip.is_some();
            } else if ["HELO", "EHLO", "LHLO"]
                .iter()
                .any(|h| h.eq_ignore_ascii_case(bare))
            {
                if let Some(name) = words.get(at + 1) {
                    peer.helo = Some(clean(name.trim_matches('"')));
                }
                peer.style = Style::Helo;
                settled = peer.ip.is_some();
                at += 1;
            } else if let Some(ip) = address(bare).filter(|_| !settled) {
                if peer.ip.is_some() && peer.rdns.is_none() {
                    peer.asked = true; // `192.0.2.6 [192.0.2.6]`
                }
                peer.ip = Some(ip);
            } else if is_unknown(bare) {
                peer.asked = true;
            } else if peer.rdns.is_none()
                && peer.ip.is_none()
                && at == 0
                && let Some(name) = host_name(bare)
            {
                // A name with nothing else speaks of the client too.
                peer.rdns = Some(name);
                peer.asked = true;
            }
            at += 1;
        }
        let spoke = peer.ip.is_some()
            || peer.helo.is_some()
            || peer.socket
            || (words.len() == 1 && (peer.rdns.is_some() || peer.asked));
        spoke.then_some(peer)
    }

    /// Whether it is shaped like the address a server saw.
    pub(super) fn has_address(&self) -> bool {
        self.ip.is_some() || self.socket
    }
}

/// Whether a comment names a socket of the same host.
fn is_socket(text: &str) -> bool {
    let octets = text.as_bytes();
    memchr::memchr_iter(b'[', octets).any(|at| {
        let (before, rest) = octets.split_at(at);
        let begins = |name: &[u8]| {
            rest.get(..name.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(name))
        };
        let alone = before.last().is_none_or(|b| *b == b' ');
        begins(b"[unix socket]") || (alone && rest.len() == 7 && begins(b"[local]"))
    })
}

/// The words of a comment; `name[192.0.2.1]` is two of them, but not in what
/// the client said: `helo=[192.0.2.1]`, `HELO name[192.0.2.1]`.
fn words_of(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_ascii_whitespace().take(12) {
        let said = nocase::starts_with(word.trim_matches('"'), "helo=")
            || words.last().is_some_and(|before| {
                ["HELO", "EHLO", "LHLO"]
                    .iter()
                    .any(|h| h.eq_ignore_ascii_case(before.trim_matches('"')))
            });
        match word.split_once('[') {
            Some((name, _)) if !said && !name.is_empty() => {
                let (name, literal) = word.split_at(name.len());
                words.extend([name, literal]);
            }
            _ => words.push(word),
        }
    }
    words
}

/// Comments of other kinds that may hold addresses.
fn is_remark(text: &str) -> bool {
    [
        "using ",
        "client ",
        "envelope",
        "authenticated",
        "version=",
        "tls",
        "cipher",
        "auth:",
        "no client",
        "user=",
        "mailfrom:",
    ]
    .iter()
    .any(|start| nocase::starts_with(text, start))
}

fn without_nested(inner: &str) -> Cow<'_, str> {
    if !inner.contains(['(', ')']) {
        return Cow::Borrowed(inner);
    }
    let mut depth = 0_usize;
    inner
        .chars()
        .filter(|c| match c {
            '(' => {
                depth += 1;
                false
            }
            ')' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
        .collect()
}

/// A HELO argument without brackets; qmail's `?` for odd octets stays.
fn clean(name: &str) -> String {
    if name.starts_with('[')
        && let Some(ip) = address(name)
    {
        return ip.to_string();
    }
    name.trim_matches(['[', ']'])
        .trim_end_matches('.')
        .to_owned()
}

/// Words that say that no name was found.
pub(super) fn is_unknown(word: &str) -> bool {
    ["unknown", "unknown_domain", "unverified", "(unknown)"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word))
}

/// A host name, perhaps with an ident user before it.
fn host_name(word: &str) -> Option<String> {
    let name = word.rsplit('@').next()?.trim_end_matches('.');
    let shaped = name.contains('.') || name.eq_ignore_ascii_case("localhost");
    let legal = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    (shaped && legal).then(|| name.to_owned())
}

/// An address as trace lines write it: bare or in brackets, with `IPv6:`, a
/// zone, a port, a slash or an ident user around it. IPv4-mapped addresses
/// are unmapped.
#[must_use]
pub(super) fn address(word: &str) -> Option<IpAddr> {
    // Every address has one of the two.
    if word.len() > 128 || memchr::memchr2(b'.', b':', word.as_bytes()).is_none() {
        return None;
    }
    let word = word.trim_end_matches([',', ';']);
    let word = word.rsplit('@').next()?;
    let mut text = word.trim_start_matches('/');
    if let Some(rest) = text.strip_prefix('[') {
        // `[ip]:port`
        text = rest.split(']').next()?;
    }
    let text = text.trim_matches(['(', ')', '[', ']']);
    let text = nocase::strip_prefix(text, "ipv6:").unwrap_or(text);
    let text = text.split('%').next()?;
    // Names of hosts have other letters; Rust reads a `+` before a number.
    let is_of_addresses = |b: u8| b.is_ascii_hexdigit() || matches!(b, b'.' | b':' | b'+');
    if !text.bytes().all(is_of_addresses) {
        return None;
    }
    let parsed = text
        .parse::<IpAddr>()
        .ok()
        // `192.0.2.1:25`
        .or_else(|| {
            let (host, port) = text.rsplit_once(':')?;
            port.parse::<u16>().ok()?;
            host.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
        })
        // Momentum: `2001:db8::1.2525`
        .or_else(|| {
            let (host, port) = text.rsplit_once('.')?;
            port.parse::<u16>().ok()?;
            host.contains(':')
                .then(|| host.parse::<IpAddr>().ok())
                .flatten()
        })?;
    Some(match parsed {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(parsed, IpAddr::V4),
        IpAddr::V4(_) => parsed,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_that_the_client_said_is_not_the_one_seen() {
        for (text, ip, helo) in [
            (
                "[203.0.113.7]:40007 helo=[192.168.7.8]",
                "203.0.113.7",
                "192.168.7.8",
            ),
            (
                "[203.0.113.7] helo=x[127.0.0.1]",
                "203.0.113.7",
                "x[127.0.0.1",
            ),
            ("[203.0.113.7]:2 \"EHLO x [127.0.0.1]\"", "203.0.113.7", "x"),
            (
                "HELO x[127.0.0.1] [203.0.113.7]",
                "203.0.113.7",
                "x[127.0.0.1",
            ),
        ] {
            let peer = Peer::read(text).unwrap();
            assert_eq!(peer.ip, Some(ip.parse().unwrap()), "{text}");
            assert_eq!(peer.helo.as_deref(), Some(helo), "{text}");
        }
        let glued = Peer::read("out7.relay.example[203.0.113.7]").unwrap();
        assert_eq!(glued.rdns.as_deref(), Some("out7.relay.example"));
        assert_eq!(glued.ip, Some("203.0.113.7".parse().unwrap()));
    }
}
