//! What can be wrong with options on this machine.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::probe::dns::InvalidAnchors;

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
    /// A file of trust anchors cannot be read.
    TrustAnchorFile { path: PathBuf, error: io::Error },
    /// A file of trust anchors holds none, or what is no anchor.
    TrustAnchors { path: PathBuf, why: InvalidAnchors },
    /// The system names no resolver.
    NoResolver(String),
    /// The source address is not one of this machine's.
    Source { address: IpAddr, error: io::Error },
    /// The source address and `-4`/`-6` contradict each other.
    SourceFamily(IpAddr),
    /// The source address and the proxy's are of different families.
    SourceOfProxy { source: IpAddr, proxy: String },
    /// The proxy's host cannot be looked up.
    Proxy { proxy: String, error: io::Error },
    /// Through a proxy our address is not known, and this machine has no full
    /// name to say instead.
    NoEhloName,
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
            Self::TrustAnchorFile { path, error } => write!(
                f,
                "the trust anchor file {} cannot be read: {error}",
                path.display()
            ),
            Self::TrustAnchors { path, why } => write!(
                f,
                "the trust anchor file {} is of no use: {why}",
                path.display()
            ),
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
            Self::SourceOfProxy { source, proxy } => write!(
                f,
                "the proxy {proxy} has no address of the family of the source {source}"
            ),
            Self::Proxy { proxy, error } => {
                write!(f, "the proxy {proxy} cannot be found: {error}")
            }
            Self::NoEhloName => f.write_str(
                "through a proxy the address that servers see is not known, and this machine \
                 has no full name: give --ehlo NAME",
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
            Self::CaFile { error, .. } | Self::Source { error, .. } | Self::Proxy { error, .. } => {
                Some(error)
            }
            _ => None,
        }
    }
}
