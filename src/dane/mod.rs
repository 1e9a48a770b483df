//! DANE for SMTP: which certificate a domain says, in signed DNS, its mail
//! hosts have (RFC 6698, RFC 7671, RFC 7672). Pure: lookups and chains come in
//! as data.
//!
//! A host that publishes TLSA records under DNSSEC thereby promises TLS; a
//! sender that follows RFC 7672 then delivers over an authenticated channel or
//! not at all. In the order of use:
//!
//! 1. [`base::candidates`]: at which names TLSA records are looked for, given
//!    what the address lookup showed (RFC 7672, sections 2.2.2 and 2.2.3);
//! 2. [`tlsa::Record`]: one record, whether it is usable, and which records of
//!    a set count (digest agility, RFC 7671, section 9);
//! 3. [`outcome::Action`]: what the result of the lookup obliges a sender to
//!    (RFC 7672, section 2.2), and [`outcome::conduct`], what it then does;
//! 4. [`verify::verify`]: whether a certificate chain satisfies the records,
//!    with a line of reasons for each record.
//!
//! Not supported: certificate usages 0 and 1, which RFC 7672, section 3.1.3
//! lets an SMTP client treat as unusable; raw public keys (RFC 7250), which
//! this program does not negotiate; Certificate Transparency, which RFC 7671,
//! section 4.2 says not to check with usages 2 and 3.

pub mod base;
pub mod der;
pub mod outcome;
pub mod tlsa;
pub mod verify;
