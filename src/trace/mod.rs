//! Trace information of a message: the `Received:` fields (RFC 5321,
//! section 4.4) and what they say, or keep silent, about TLS.
//!
//! Entry points, in order: [`chain::Chain::parse`] takes a message's octets
//! and gives its hops in travel order; each [`chain::Hop`] holds the
//! [`field::Received`] it was read from, the software that wrote it
//! ([`software`]) and its [`evidence::TlsEvidence`].
//!
//! Everything here is pure: octets in, facts out.

pub mod chain;
pub mod evidence;
pub mod field;
