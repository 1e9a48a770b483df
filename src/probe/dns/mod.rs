//! The one way to the DNS: questions to recursive resolvers (RFC 1035,
//! section 4), over UDP and, where an answer was cut short, over TCP
//! (RFC 7766, section 5), or over TLS alone (RFC 7858).
//!
//! Entry points: [`Resolver::parse`] reads whom to ask, [`Dns::new`] sets up from
//! [`Settings`],
//! [`Dns::ask`] asks. It keeps what a resolver library would smooth over: the
//! response code, the AD bit, and the chain of aliases. Resolvers are asked in
//! turn, in the order given, and then once more; everything together stays
//! within a time bound.
//!
//! By rooms: `client` asks and follows aliases, `cache` keeps answers for as
//! long as their records live and lets equal questions wait for one answer,
//! `message` writes questions and reads replies, `transport` and `tls` carry them,
//! `server` says to whom, `self_test` finds out whether a resolver validates,
//! `trouble` puts failures into words.
//!
//! Whether an answer is signed is the resolver's word, its AD bit (RFC 4035,
//! section 3.2.3), and counts where the resolver passed the test in
//! `self_test`. A SERVFAIL of such a resolver is asked again with the CD bit:
//! data then means that the signatures do not hold. Where that is wanted,
//! `validate` checks signatures here.
//!
//! Not supported: search lists (a mail domain is a full name), mDNS, the hosts
//! file.

mod cache;
mod client;
mod message;
mod self_test;
mod server;
mod tls;
mod transport;
mod trouble;
mod validate;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RData;

use crate::observed::domain::Dnssec;

pub use client::{Dns, MOST_AT_ONCE, Settings};
pub use message::presentation;
pub use server::{InvalidResolver, Resolver, system_resolvers};
pub use validate::{Anchors, InvalidAnchors};

/// What a resolver answered. A name that does not exist is an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub rcode: ResponseCode,
    /// What the resolver's word about signatures comes to, for the whole
    /// chain of aliases (RFC 7672, section 2.1.3).
    pub dnssec: Dnssec,
    /// The names that aliases led to, in order; the records are the last's.
    pub aliases: Vec<String>,
    /// Records of the type asked for.
    pub records: Vec<RData>,
}

impl Answer {
    /// Whether the name asked for, or what its aliases lead to, does not
    /// exist.
    #[must_use]
    pub fn is_nxdomain(&self) -> bool {
        self.rcode == ResponseCode::NXDomain
    }
}

#[cfg(test)]
pub(in crate::probe) mod tests;
