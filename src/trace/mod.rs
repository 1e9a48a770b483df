//! Trace information of a message: the `Received:` fields (RFC 5321,
//! section 4.4) and what they say, or keep silent, about TLS.
//!
//! Entry points, in order: [`chain::Chain::parse`] takes a message's octets
//! and gives its hops in travel order ([`chain::Chain::read`] where there is
//! more to say of it: its file, whom to trust); each [`chain::Hop`] holds the
//! [`field::Received`] it was read from, the software that wrote it
//! ([`software`]) and its [`evidence::TlsEvidence`]. [`witness::Witnesses`]
//! lets messages speak for one another, and [`summary::Summary`] counts the hops
//! of many.
//!
//! [`journey`] tells where a list, a forwarder or a fetching program sent the
//! message on, [`legs`] the three parts a layman asks for, [`support`] what
//! other fields add.
//!
//! Within: [`message`] cuts the header into fields, [`field`] a field into
//! tokens and clauses, [`date`], [`transmission`] and [`tls_note`] read their
//! words.
//!
//! Everything here is pure: octets in, facts out. Not supported: other trace
//! (`Received-SPF`, `X-Received`, ARC copies), which says nothing of TLS, and
//! trace of `message/rfc822` parts.

mod alike;
pub mod chain;
mod clauses;
mod conclude;
pub mod date;
pub mod encoded_word;
pub mod evidence;
mod facts;
pub mod field;
pub mod field_name;
mod identity;
pub mod journey;
mod judge;
mod leg;
pub mod legs;
mod link;
pub mod message;
mod moved;
pub mod network;
mod nocase;
mod peer;
mod places;
pub mod reading;
mod recall;
pub mod shared;
pub mod software;
pub mod summary;
pub mod support;
pub mod tls_note;
pub mod transmission;
mod trust;
pub mod unknown;
pub mod witness;

pub(crate) use facts::end_of_armour;
pub use trust::{InvalidTrustRule, TrustRule};
