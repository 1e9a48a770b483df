//! The probe of one domain, put together.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::attempt::{Attempt, Because};
use crate::name::{DomainName, HostName};
use crate::observed::domain::{
    Client, DomainObservation, MtaSts, ResolverFacts, ResolverPath, ValidatedBy,
};
use crate::probe::options::Options;
use crate::tls::parameters::TlsVersion;

/// Probes domains, one after the other or several at a time. Cheap to share
/// behind a reference; what it learns about the control host and from the DNS
/// is kept for the run.
#[derive(Debug)]
pub struct Prober {
    options: Options,
}

impl Prober {
    /// Reads the roots, finds the resolvers, and checks the rest.
    ///
    /// # Errors
    /// When the options cannot be followed on this machine.
    pub fn new(options: Options) -> Result<Self, SetupError> {
        if let Some(name) = &options.ehlo {
            let fits = !name.is_empty() && name.len() <= 255;
            if !fits || !name.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(SetupError::EhloName(name.clone()));
            }
        }
        Ok(Self { options })
    }

    /// The options it was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Probes where mail to a domain goes. `input` is what the user gave.
    pub async fn check(&self, input: &str, domain: &DomainName) -> DomainObservation {
        self.blank(input.to_owned(), domain.clone())
    }

    /// Probes one host: all its addresses, or the one that is given. With an
    /// address alone, the observation's domain is its reverse name.
    pub async fn check_host(
        &self,
        host: Option<&HostName>,
        address: Option<IpAddr>,
    ) -> DomainObservation {
        let name = host.map_or_else(
            || address.map_or_else(String::new, |a| a.to_string()),
            |h| h.as_str().to_owned(),
        );
        let domain = DomainName::parse(&name)
            .or_else(|_| DomainName::parse("localhost"))
            .expect("localhost is a name");
        self.blank(name, domain)
    }

    fn blank(&self, input: String, domain: DomainName) -> DomainObservation {
        let not_asked = || Because::NotAsked;
        DomainObservation {
            input,
            domain,
            at: self.options.clock.now(),
            duration: Duration::ZERO,
            connections: 0,
            client: Client {
                ehlo: self.options.ehlo.clone().unwrap_or_default(),
                address: None,
                tls: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            },
            control: Attempt::Skipped(not_asked()),
            resolver: ResolverFacts {
                address: String::new(),
                path: ResolverPath::Plain,
                validates: None,
                by: ValidatedBy::None,
            },
            mx: Attempt::Skipped(not_asked()),
            mta_sts: MtaSts {
                record: Attempt::Skipped(not_asked()),
                policy: Attempt::Skipped(not_asked()),
            },
            tls_rpt: Attempt::Skipped(not_asked()),
            hosts: Vec::new(),
        }
    }
}

/// Why no probe can be made with these options here. Each is the user's to
/// mend.
#[derive(Debug)]
pub enum SetupError {
    /// A CA file cannot be read.
    CaFile { path: PathBuf, error: io::Error },
    /// A CA file holds no certificate in PEM form, or a broken one.
    NoCertificates { path: PathBuf, why: String },
    /// Nothing to judge certificates by.
    NoRoots,
    /// The system names no resolver.
    NoResolver(String),
    /// The source address is not one of this machine's.
    Source { address: IpAddr, error: io::Error },
    /// The source address and `-4`/`-6` contradict each other.
    SourceFamily(IpAddr),
    /// The EHLO name cannot be said in a command line.
    EhloName(String),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CaFile { path, error } => {
                write!(f, "the CA file {} cannot be read: {error}", path.display())
            }
            Self::NoCertificates { path, why } => {
                write!(f, "the CA file {} is of no use: {why}", path.display())
            }
            Self::NoRoots => f.write_str("there are no CA certificates to judge by"),
            Self::NoResolver(why) => {
                write!(
                    f,
                    "this machine names no DNS resolver ({why}); name one with --resolver IP"
                )
            }
            Self::Source { address, error } => {
                write!(f, "cannot connect from {address}: {error}")
            }
            Self::SourceFamily(address) => write!(
                f,
                "the source address {address} is of the family that was ruled out"
            ),
            Self::EhloName(name) => write!(
                f,
                "{name:?} cannot be said in EHLO: give a host name or an address literal"
            ),
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::CaFile { error, .. } | Self::Source { error, .. } => Some(error),
            _ => None,
        }
    }
}
