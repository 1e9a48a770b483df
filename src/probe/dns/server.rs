//! Whom to ask.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::observed::domain::ResolverPath;

/// The port of the DNS (RFC 1035, section 4.2).
const DNS_PORT: u16 = 53;

/// A resolver to ask.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Resolver {
    /// In cleartext, over UDP and TCP.
    Plain(SocketAddr),
}

impl From<SocketAddr> for Resolver {
    fn from(address: SocketAddr) -> Self {
        Self::Plain(address)
    }
}

impl fmt::Display for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(address) => address.fmt(f),
        }
    }
}

impl Resolver {
    /// Reads a resolver as given on a command line: `IP`, `IPv4:PORT`, or
    /// `[IPv6]:PORT`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, InvalidResolver> {
        let address = if let Ok(address) = text.parse::<SocketAddr>() {
            address
        } else {
            text.trim_start_matches('[')
                .trim_end_matches(']')
                .parse::<IpAddr>()
                .map(|ip| SocketAddr::new(ip, DNS_PORT))
                .map_err(|_| InvalidResolver)?
        };
        if address.port() == 0 {
            return Err(InvalidResolver);
        }
        Ok(Self::Plain(address))
    }

    /// Who could alter its answers on the way.
    #[must_use]
    pub fn path(&self) -> ResolverPath {
        match self {
            Self::Plain(address) if is_loopback(address.ip()) => ResolverPath::Loopback,
            Self::Plain(_) => ResolverPath::Plain,
        }
    }

    /// Whether it is on this machine, at a port of its own: a test set-up.
    #[must_use]
    pub fn is_test_set_up(&self) -> bool {
        match self {
            Self::Plain(address) => is_loopback(address.ip()) && address.port() != DNS_PORT,
        }
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// A text that names no resolver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidResolver;

impl fmt::Display for InvalidResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a resolver is given as IP, IP:PORT, or [IPv6]:PORT")
    }
}

impl std::error::Error for InvalidResolver {}

/// The resolvers this machine is set up with.
///
/// # Errors
/// When there are none, with the reason.
pub fn system_resolvers() -> Result<Vec<Resolver>, String> {
    let (config, _) =
        hickory_resolver::system_conf::read_system_conf().map_err(|error| error.to_string())?;
    let mut servers: Vec<Resolver> = Vec::new();
    for server in config.name_servers() {
        let port = server.connections.first().map_or(DNS_PORT, |c| c.port);
        let server = Resolver::from(SocketAddr::new(server.ip, port));
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    if servers.is_empty() {
        return Err("its configuration lists none".into());
    }
    Ok(servers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn resolvers_are_read_in_every_form() {
        for (text, address) in [
            ("192.0.2.1", Some("192.0.2.1:53")),
            ("192.0.2.1:5353", Some("192.0.2.1:5353")),
            ("2001:db8::1", Some("[2001:db8::1]:53")),
            ("[2001:db8::1]", Some("[2001:db8::1]:53")),
            ("[2001:db8::1]:5353", Some("[2001:db8::1]:5353")),
            ("192.0.2.1:0", None),
            ("dns.example", None),
            ("", None),
        ] {
            assert_eq!(
                Resolver::parse(text).ok(),
                address.map(|a| Resolver::Plain(a.parse().unwrap())),
                "{text}"
            );
        }
    }
}
