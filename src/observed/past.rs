//! What earlier probes left, as far as rules read it. Data only; whoever keeps
//! a history fills it in.

use std::net::IpAddr;

use jiff::Timestamp;

/// That a host once gave TLS (RFC 3207, section 6 has clients remember it).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastTls {
    /// In lower case.
    pub host: String,
    /// The address that is asked about.
    pub address: IpAddr,
    /// The address that gave it: the same, or another where this one was not
    /// asked before.
    pub shown: IpAddr,
    pub at: Timestamp,
}
