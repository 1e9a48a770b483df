//! What a TLS handshake agreed and what the server showed: the nouns of
//! RFC 5246, RFC 8446 and RFC 5280, without IO.
//!
//! Entry points: [`parameters::TlsVersion`] and [`parameters::suite_by_label`]
//! normalise the many spellings software uses; [`certificate::Certificate`]
//! reads one certificate as sent; [`handshake::Handshake`] holds one finished
//! handshake with the verdicts judged after it: [`pkix::PathJudge`]'s on the
//! chain and [`identity::judge`]'s on the name. [`suite`] names what our own
//! stack agreed on; [`hello`] asks and reads by hand what it cannot speak.

pub mod certificate;
pub mod handshake;
pub mod hello;
pub mod identity;
pub mod parameters;
pub mod pkix;
pub mod suite;
