//! What can be wrong with options on this machine.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

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
