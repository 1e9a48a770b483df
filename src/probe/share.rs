//! What a run over many domains shares: one conversation with an endpoint for
//! all domains whose mail it takes, and one place that says who is talked to
//! when.
//!
//! Entry point: [`Share`], which a [`Prober`](super::Prober) is given by
//! [`sharing`](super::Prober::sharing). The prober brings the conversation, and
//! whoever implements the trait says whether it is held now, later, not at all,
//! or was held before.
//!
//! Policies of MTA-STS are each domain's own, so their fetches are not shared; but
//! large providers publish those of many domains, and the same one says when.
//!
//! Facts are shared, judgement is not: whether a certificate matches TLSA
//! records is asked again for every domain, since under usage 2 it may name
//! the domain instead of the host (RFC 7672, section 3.2.2).

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use crate::attempt::Because;
use crate::name::HostName;
use crate::observed::endpoint::EndpointObservation;

/// A future on the heap.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What makes two conversations the same: where to, and the name asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EndpointKey {
    pub address: IpAddr,
    pub port: u16,
    /// The host, whose name the certificate is held against; none where a bare
    /// address is probed.
    pub host: Option<HostName>,
    /// The name indicated where it is not the host's: the base domain of its
    /// TLSA records (RFC 7672, section 8.1).
    pub base: Option<HostName>,
}

/// What came of a conversation with an endpoint.
#[derive(Debug, Clone)]
pub struct Talked {
    pub observation: Arc<EndpointObservation>,
    /// Our address, as the connection showed it.
    pub local: Option<IpAddr>,
    /// What was said in EHLO.
    pub ehlo: Option<String>,
    /// Whether the server proved to have the key of its certificate.
    pub proved: bool,
    /// The same for its other certificate.
    pub other_proved: bool,
}

/// How a fetch from a host of MTA-STS policies went, as far as it matters to
/// who says when the next one may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// A connection was made.
    Connected,
    /// And the host asked to be left alone for a while.
    PutOff,
    /// No connection was made.
    Nowhere,
}

/// The right to one connection to a host of MTA-STS policies.
pub trait Turn: fmt::Debug + Send {
    /// Gives the right back.
    fn over(self: Box<Self>, fetched: Fetched);
}

/// Who says when an endpoint is talked to, and keeps what came of it.
pub trait Share: fmt::Debug + Send + Sync {
    /// What a conversation with the endpoint shows; `hold` holds one, and may
    /// be called again for another try. An error is why none was held.
    fn endpoint<'a>(
        &'a self,
        key: EndpointKey,
        hold: &'a (dyn Fn() -> Later<'a, Talked> + Send + Sync),
    ) -> Later<'a, Result<Arc<Talked>, Because>>;

    /// Waits for the right to one connection to an address that policies are
    /// fetched from; `host` is whose it is, at the end of its aliases. An error
    /// is why none is to be made.
    fn policy_host<'a>(
        &'a self,
        host: &'a HostName,
        address: IpAddr,
    ) -> Later<'a, Result<Box<dyn Turn>, Because>>;
}
