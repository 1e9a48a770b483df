//! What a probe is told: whom to ask, from where, how long, and by which
//! roots to judge.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use crate::name::{HostName, InvalidName};
use crate::probe::dns::{self, Resolver};
use crate::probe::net::Clock;
use crate::probe::proxy::Proxy;
use crate::probe::setup::SetupError;
use crate::probe::visit::Looks;

/// The host asked before anything negative is said, unless another is chosen:
/// an MX host of the largest receiver, which has offered STARTTLS for years.
pub const DEFAULT_CONTROL: &str = "gmail-smtp-in.l.google.com";

/// The port of mail between servers (RFC 5321, section 4.5.4.2).
pub const SMTP_PORT: u16 = 25;

/// The port of HTTPS (RFC 9110, section 4.2.2).
pub const HTTPS_PORT: u16 = 443;

/// How to probe. [`Options::default`] is what `check` does without options.
#[derive(Debug, Clone)]
pub struct Options {
    /// Resolvers to ask, each in turn; empty: the system's.
    pub resolvers: Vec<Resolver>,
    /// What is believed of their word about signatures.
    pub dnssec: DnssecTrust,
    /// A file of trust anchors; none: the root zone's keys as built in.
    pub trust_anchor: Option<PathBuf>,
    pub port: u16,
    /// What is expected there; none: as the port's number says.
    pub service: Option<Service>,
    /// Where MTA-STS policies are fetched.
    pub policy_port: u16,
    pub families: Families,
    /// Probe these hosts, and do not ask for MX records.
    pub mx: Vec<HostName>,
    /// The name to say in EHLO; none: this machine's full name where it has
    /// one, else the address literal of the connection (RFC 5321, section
    /// 4.1.1.1).
    pub ehlo: Option<String>,
    /// The address to connect from.
    pub source: Option<IpAddr>,
    /// Make every connection but those for the DNS through this.
    pub proxy: Option<Proxy>,
    /// The longest time any one stage may take.
    pub timeout: Duration,
    /// The longest time one endpoint may take, all its stages together.
    pub deadline: Duration,
    pub roots: Roots,
    /// As of when certificates are judged; none: now.
    pub at: Option<Timestamp>,
    pub control: ControlChoice,
    /// Connect to public addresses only. Judged after resolution.
    pub public_only: bool,
    pub clock: Clock,
    /// How many addresses of one domain are probed at the same time.
    pub concurrency: usize,
    /// How many questions to the DNS are under way at the same time.
    pub questions: usize,
    /// What is looked at beside the usual.
    pub looks: Looks,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            resolvers: Vec::new(),
            dnssec: DnssecTrust::Auto,
            trust_anchor: None,
            port: SMTP_PORT,
            service: None,
            policy_port: HTTPS_PORT,
            families: Families::Both,
            mx: Vec::new(),
            ehlo: None,
            source: None,
            proxy: None,
            timeout: Duration::from_secs(60),
            deadline: Duration::from_secs(180),
            roots: Roots::default(),
            at: None,
            control: ControlChoice::Default,
            public_only: false,
            clock: Clock::default(),
            concurrency: 4,
            questions: dns::MOST_AT_ONCE,
            looks: Looks::default(),
        }
    }
}

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Mail between servers.
    Relay,
    /// Mail from mail programs, with STARTTLS (RFC 6409).
    Submission,
    /// The same inside TLS from the first octet (RFC 8314, section 3.3).
    Submissions,
}

impl Service {
    /// What the number of a port says (RFC 8314, section 7.3). Port 465 is
    /// never asked for STARTTLS, nor another for TLS at once.
    #[must_use]
    pub fn of_port(port: u16) -> Self {
        match port {
            465 => Self::Submissions,
            587 => Self::Submission,
            _ => Self::Relay,
        }
    }
}

impl Options {
    /// What is expected at the port.
    #[must_use]
    pub fn service(&self) -> Service {
        self.service.unwrap_or(Service::of_port(self.port))
    }

    /// Whether connections can be made from an address with what else is
    /// chosen.
    pub(super) fn fits_source(&self, address: IpAddr) -> Result<(), SetupError> {
        let wanted = match (&self.proxy, address) {
            // It is the proxy that we connect to.
            (Some(proxy), _) => {
                let mut addresses = proxy.addresses().iter();
                if addresses.any(|proxy| proxy.is_ipv4() == address.is_ipv4()) {
                    return Ok(());
                }
                return Err(SetupError::SourceOfProxy {
                    source: address,
                    proxy: proxy.to_string(),
                });
            }
            (None, IpAddr::V4(_)) => self.families.v4(),
            (None, IpAddr::V6(_)) => self.families.v6(),
        };
        if wanted {
            Ok(())
        } else {
            Err(SetupError::SourceFamily(address))
        }
    }
}

/// What is believed of a resolver's word that an answer is signed (RFC 4035,
/// section 3.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DnssecTrust {
    /// Its AD bit, if it behaves as a validating resolver does.
    #[default]
    Auto,
    /// Its AD bit, untested.
    Ad,
    /// Signatures are checked here, beside what a tested resolver says.
    Validate,
    /// Nothing: signatures are not asked for.
    Off,
}

/// Which addresses of a host are asked for and probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Families {
    #[default]
    Both,
    V4,
    V6,
}

impl Families {
    /// Whether IPv4 addresses are wanted.
    #[must_use]
    pub fn v4(self) -> bool {
        self != Self::V6
    }

    /// Whether IPv6 addresses are wanted.
    #[must_use]
    pub fn v6(self) -> bool {
        self != Self::V4
    }
}

/// The certificate authorities that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// The system's store, or Mozilla's list as built in where the system has
    /// none.
    pub system: bool,
    /// PEM files with further ones.
    pub ca_files: Vec<PathBuf>,
    /// Further ones, DER.
    pub certificates: Vec<Vec<u8>>,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            system: true,
            ca_files: Vec::new(),
            certificates: Vec::new(),
        }
    }
}

/// Which host, known to offer STARTTLS, is asked before anything negative is
/// said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ControlChoice {
    /// [`DEFAULT_CONTROL`], but none where the probe points to this machine:
    /// the port is not 25, a given resolver is on loopback with a port other
    /// than 53, or every MX address is loopback.
    #[default]
    Default,
    Host {
        host: HostName,
        port: Option<u16>,
    },
    None,
}

impl FromStr for ControlChoice {
    type Err = InvalidControl;

    /// `HOST`, `HOST:PORT`, or `none`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self::None);
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => match port.parse::<u16>() {
                Ok(port) if port > 0 => (host, Some(port)),
                _ => return Err(InvalidControl::Port(port.to_owned())),
            },
            None => (text, None),
        };
        let host = HostName::parse(host).map_err(InvalidControl::Host)?;
        Ok(Self::Host { host, port })
    }
}

/// Why a text names no control host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidControl {
    Port(String),
    Host(InvalidName),
}

impl fmt::Display for InvalidControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "{port:?} is no port (HOST[:PORT] or none)"),
            Self::Host(InvalidName::Address(_)) => f.write_str(
                "a control host is given by name, since its certificate must prove that name",
            ),
            Self::Host(why) => write!(f, "it names no host: {why}"),
        }
    }
}

impl std::error::Error for InvalidControl {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_control_host_has_a_name_and_perhaps_a_port() {
        let host = |name: &str, port| ControlChoice::Host {
            host: HostName::parse(name).unwrap(),
            port,
        };
        assert_eq!("none".parse(), Ok(ControlChoice::None));
        assert_eq!("mx.example".parse(), Ok(host("mx.example", None)));
        assert_eq!(
            "mx.example:2525".parse(),
            Ok(host("mx.example", Some(2525)))
        );
        assert!("mx.example:0".parse::<ControlChoice>().is_err());
        assert!("192.0.2.1".parse::<ControlChoice>().is_err());
    }
}
