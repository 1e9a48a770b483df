//! What a TLS handshake agreed and what the server showed: the nouns of
//! RFC 5246, RFC 8446 and RFC 5280, without IO.
//!
//! Entry points: [`parameters::TlsVersion`] and [`parameters::CipherSuite`]
//! normalise the many spellings software uses; [`certificate::Certificate`]
//! reads one certificate as sent; [`handshake::Handshake`] holds one finished
//! handshake with the verdicts judged after it.

pub mod certificate;
pub mod dns_id;
pub mod handshake;
pub mod parameters;
