//! Signatures checked here (`--dnssec validate`): RFC 4033, 4034, 4035, denials
//! by NSEC and by NSEC3 (RFC 5155), with the clarifications of RFC 6840.
//!
//! Entry points: [`Anchors`] are what all trust starts from; [`Validator::judge`]
//! says of one answer whether it is secure, insecure, bogus or indeterminate
//! (RFC 4035, section 4.3), the last two as [`Trouble`].
//!
//! By rooms: `records` reads the record types of DNSSEC and groups records,
//! `crypto` verifies and hashes, `denial` weighs what NSEC and NSEC3 records
//! prove, `verify` says whether a set is signed, `walk` goes from the anchor down
//! to a zone's keys, `judge` puts an answer together, `anchor` reads trust anchors.
//!
//! An answer from an unsigned zone counts as insecure only where a signed proof
//! says that a zone on the way down is not signed. What an answer says of
//! itself, or leaves out, proves nothing: so an unsigned denial of a
//! signed name cannot pass as one of an unsigned zone.
//!
//! This is a check of its own beside the resolver's, and one that few have
//! looked at: where nothing but it says "secure", reports say so.
//!
//! Not supported: Ed448, GOST and DSA (what is signed with them alone is
//! indeterminate, and never called unsigned), hashes of NSEC3 repeated more
//! than 150 times (RFC 9276, section 3.2), the roll-over of anchors of RFC 5011.

mod anchor;
mod crypto;
mod denial;
mod judge;
mod records;
mod verify;
mod walk;

pub use anchor::{Anchors, InvalidAnchors};
pub use judge::Validator;

/// Why an answer is neither secure nor insecure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Its signatures do not hold, or are missing where they have to be.
    Bogus(String),
    /// It could not be found out, for a reason that lies here or on the way.
    Indeterminate(String),
}
