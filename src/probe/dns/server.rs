//! Whom to ask.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::name::HostName;
use crate::observed::domain::ResolverPath;

/// The port of the DNS (RFC 1035, section 4.2).
const DNS_PORT: u16 = 53;

/// The port of DNS over TLS (RFC 7858, section 3.1).
const TLS_PORT: u16 = 853;

/// A resolver to ask.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Resolver {
    /// In cleartext, over UDP and TCP.
    Plain(SocketAddr),
    /// Over TLS (RFC 7858), by the name that its certificate has to bear.
    Tls {
        name: HostName,
        /// None: the system looks the name up.
        address: Option<IpAddr>,
        port: u16,
    },
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
            Self::Tls {
                name,
                address,
                port,
            } => {
                write!(f, "tls://{name}")?;
                match address {
                    Some(IpAddr::V6(ip)) => write!(f, "@[{ip}]")?,
                    Some(ip) => write!(f, "@{ip}")?,
                    None => {}
                }
                match *port {
                    TLS_PORT => Ok(()),
                    port => write!(f, ":{port}"),
                }
            }
        }
    }
}

impl Resolver {
    /// Reads a resolver as given on a command line: `IP`, `IPv4:PORT`,
    /// `[IPv6]:PORT`, or `tls://NAME[@IP][:PORT]`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, InvalidResolver> {
        let Some(text) = text.strip_prefix("tls://") else {
            return address_and_port(text, DNS_PORT).map(Self::Plain);
        };
        let (name, address, port) = match text.split_once('@') {
            Some((name, address)) => {
                let address = address_and_port(address, TLS_PORT)?;
                (name, Some(address.ip()), address.port())
            }
            None => match text.rsplit_once(':') {
                Some((name, port)) => (name, None, port.parse().map_err(|_| InvalidResolver)?),
                None => (text, None, TLS_PORT),
            },
        };
        if port == 0 {
            return Err(InvalidResolver);
        }
        Ok(Self::Tls {
            name: HostName::parse(name).map_err(|_| InvalidResolver)?,
            address,
            port,
        })
    }

    /// Who could alter its answers on the way.
    #[must_use]
    pub fn path(&self) -> ResolverPath {
        match self {
            Self::Plain(address) if is_loopback(address.ip()) => ResolverPath::Loopback,
            Self::Plain(_) => ResolverPath::Plain,
            Self::Tls { .. } => ResolverPath::Tls,
        }
    }

    /// Whether it is on this machine, at a port of its own: a test set-up.
    #[must_use]
    pub fn is_test_set_up(&self) -> bool {
        match self {
            Self::Plain(address) => is_loopback(address.ip()) && address.port() != DNS_PORT,
            Self::Tls { address, port, .. } => {
                address.is_some_and(is_loopback) && *port != TLS_PORT
            }
        }
    }
}

fn address_and_port(text: &str, usual: u16) -> Result<SocketAddr, InvalidResolver> {
    let address = match text.parse::<SocketAddr>() {
        Ok(address) => address,
        Err(_) => text
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>()
            .map(|ip| SocketAddr::new(ip, usual))
            .map_err(|_| InvalidResolver)?,
    };
    if address.port() == 0 {
        return Err(InvalidResolver);
    }
    Ok(address)
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// A text that names no resolver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidResolver;

impl fmt::Display for InvalidResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a resolver is given as IP, IP:PORT, [IPv6]:PORT, or tls://NAME[@IP][:PORT]")
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
    #[test]
    fn resolvers_over_tls_have_a_name_and_perhaps_an_address() {
        for (text, address, port, written) in [
            ("tls://dns.example", None, 853, "tls://dns.example"),
            ("tls://DNS.example.", None, 853, "tls://dns.example"),
            (
                "tls://dns.example:8853",
                None,
                8853,
                "tls://dns.example:8853",
            ),
            (
                "tls://dns.example@192.0.2.1",
                Some("192.0.2.1"),
                853,
                "tls://dns.example@192.0.2.1",
            ),
            (
                "tls://dns.example@192.0.2.1:853",
                Some("192.0.2.1"),
                853,
                "tls://dns.example@192.0.2.1",
            ),
            (
                "tls://dns.example@2001:db8::1",
                Some("2001:db8::1"),
                853,
                "tls://dns.example@[2001:db8::1]",
            ),
            (
                "tls://dns.example@[2001:db8::1]:8853",
                Some("2001:db8::1"),
                8853,
                "tls://dns.example@[2001:db8::1]:8853",
            ),
        ] {
            let resolver = Resolver::parse(text).unwrap();
            let wanted = Resolver::Tls {
                name: HostName::parse("dns.example").unwrap(),
                address: address.map(|a| a.parse().unwrap()),
                port,
            };
            assert_eq!(resolver, wanted, "{text}");
            assert_eq!(resolver.to_string(), written);
            assert_eq!(Resolver::parse(written), Ok(resolver));
        }
        for text in [
            "tls://",
            "tls://192.0.2.1",
            "tls://dns.example@",
            "tls://dns.example@other.example",
            "tls://dns.example:0",
            "tls://dns.example:x",
            "tls://@192.0.2.1",
            "https://dns.example",
        ] {
            assert!(Resolver::parse(text).is_err(), "{text}");
        }
    }
}
