//! What a probe saw. Data only: no judgement, no IO.
//!
//! [`domain::DomainObservation`] is one domain's, with a
//! [`domain::HostObservation`] for each MX host and an
//! [`endpoint::EndpointObservation`] for each of its addresses. The verdict
//! and the explanation are plain functions over these, so that a saved
//! observation can be judged again without a network.
//!
//! A [`statement::Statement`] is what a party of a hop said at the time.

pub mod depth;
pub mod domain;
pub mod endpoint;
pub mod past;
pub mod statement;
