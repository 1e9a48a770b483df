//! Did this mail, and will the next one, travel over TLS, and if a hop did
//! not, why?

pub mod answer;
pub mod attempt;
pub mod cli;
pub mod dane;
pub mod explain;
pub mod failure;
pub mod finding;
pub mod mailbox;
pub mod mta_sts;
pub mod name;
pub mod observed;
pub mod organisation;
pub mod probe;
pub mod report;
pub mod smtp;
pub mod tls;
pub mod tls_rpt;
pub mod trace;
pub mod txt;
pub mod verdict;

// Observations for tests, shared with the tests outside of the library, which
// name this crate from outside.
#[cfg(test)]
extern crate self as starttrace;
#[cfg(test)]
#[path = "../tests/samples/mod.rs"]
mod samples;
