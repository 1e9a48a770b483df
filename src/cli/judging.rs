//! Levels as the command line names them.

use crate::cli::args::{Only, Require};
use crate::verdict::{Protection, Required};

/// The level that `--require` names.
pub fn required(require: Require) -> Required {
    match require {
        Require::Tls => Required::Tls,
        Require::Authenticated => Required::Authenticated,
        Require::Enforced => Required::Enforced,
    }
}

/// The level that `--only` names.
pub fn protection(level: Only) -> Protection {
    match level {
        Only::NoMail => Protection::NoMail,
        Only::Cleartext => Protection::Cleartext,
        Only::Mixed => Protection::Mixed,
        Only::Legacy => Protection::Legacy,
        Only::Encrypted => Protection::Encrypted,
        Only::Authenticated => Protection::Authenticated,
        Only::Enforced => Protection::Enforced,
        Only::Unknown => Protection::Unknown,
    }
}
