//! SMTP TLS Reporting (RFC 8460): the record by which a domain asks for
//! reports, the words that reports use, and the reports themselves as evidence.
//!
//! Entry points: [`discover`] reads the TXT record (section 3); [`result_type`]
//! gives the word of section 4.3 for a failure; [`report::read`] reads a report
//! (section 4), and [`report::statements`] gives what it says of hosts.

mod mail;
mod record;
pub mod report;

pub use record::{Advisory, Discovery, Fault, Record, discover, owner, result_type};
