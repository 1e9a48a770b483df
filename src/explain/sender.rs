//! What sending software does when STARTTLS is refused or the handshake
//! fails. "The handshake fails" explains cleartext only with some senders, and
//! with Postfix only after the message has waited.
//!
//! One row of `sender.toml` is one program as its source has it; a row without
//! a reading says so instead of guessing. Settings may differ from what is
//! shipped, so a row alone never proves or excludes anything.

use std::sync::LazyLock;

use jiff::SignedDuration;
use serde::Deserialize;

use crate::tls::parameters::TlsVersion;
use crate::trace::chain::Hop;

/// What one program does as a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name shown; the name that the header's reader gives begins so.
    pub name: String,
    /// Other names that begin so.
    also: Vec<String>,
    pub client_tls: ClientTls,
    pub on_refusal: OnRefusal,
    pub on_failure: OnFailure,
    /// How it remembers a host with which TLS broke.
    pub memory: Option<String>,
    /// For how long at most, where that has an end.
    pub memory_lasts: Option<SignedDuration>,
    /// The lowest version that it speaks as shipped, where that is known.
    pub least: Option<TlsVersion>,
    /// Whose TLS it is.
    pub library: Option<String>,
    /// One clause on the failed handshake, which can stand alone.
    pub habit: String,
    pub source: String,
}

/// Whether it can use TLS, and does by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientTls {
    /// As shipped it tries TLS wherever it is offered.
    Default,
    /// It can, when this setting says so.
    ByOption(String),
    /// The program as released has no TLS client.
    Never,
    Unread,
}

/// When STARTTLS is answered by 4yz or 5yz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    GoesOnInClear,
    DoesNotDeliver,
    Unread,
}

/// When the handshake fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// A new connection in cleartext within seconds.
    ClearAtOnce,
    /// In cleartext once the message has waited so long, else deferred.
    ClearAfter(SignedDuration),
    /// In cleartext on the host once it is marked, where marking is turned on.
    ClearWhenMarked,
    /// Deferred, or on to another host; never cleartext by default.
    Never,
    /// In cleartext, and it is not known when.
    ClearSometime,
    Unread,
}

/// The program that sent over a hop, by the line it wrote itself one hop
/// before: none where that line is missing or its writer not in the table.
#[must_use]
pub fn recognise(own_line: &Hop) -> Option<&'static Sender> {
    by_name(&own_line.software.as_ref()?.name)
}

/// The row of a program by the name the header's reader gives it.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Sender> {
    let name = name.to_ascii_lowercase();
    let fits = |row: &String| {
        name.strip_prefix(row.to_ascii_lowercase().as_str())
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    // The longest name first: "Exchange Online" is no other product's row.
    SENDERS
        .iter()
        .filter_map(|sender| {
            let names = std::iter::once(&sender.name).chain(&sender.also);
            let longest = names.filter(|row| fits(row)).map(String::len).max()?;
            Some((longest, sender))
        })
        .max_by_key(|(longest, _)| *longest)
        .map(|(_, sender)| sender)
}

/// Every row, in the order of the table.
#[must_use]
pub fn all() -> &'static [Sender] {
    &SENDERS
}

static SENDERS: LazyLock<Vec<Sender>> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("sender.toml"))
        .expect("the table is part of the program, and a test reads it");
    table.sender.into_iter().map(Sender::from).collect()
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    sender: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(default)]
    also: Vec<String>,
    tls: TlsWord,
    option: Option<String>,
    refused: RefusedWord,
    failed: FailedWord,
    wait: Option<u32>,
    memory: Option<String>,
    memory_days: Option<u32>,
    library: Option<String>,
    least: Option<LeastWord>,
    habit: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum TlsWord {
    Default,
    Option,
    Never,
    Unread,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RefusedWord {
    Clear,
    No,
    Unread,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FailedWord {
    ClearAtOnce,
    ClearAfter,
    ClearWhenMarked,
    Never,
    Sometime,
    Unread,
}

#[derive(Deserialize)]
enum LeastWord {
    #[serde(rename = "TLSv1")]
    Tls10,
    #[serde(rename = "TLSv1.1")]
    Tls11,
    #[serde(rename = "TLSv1.2")]
    Tls12,
}

impl From<Row> for Sender {
    fn from(row: Row) -> Self {
        let wait = SignedDuration::from_secs(row.wait.unwrap_or_default().into());
        Self {
            client_tls: match row.tls {
                TlsWord::Default => ClientTls::Default,
                TlsWord::Option => ClientTls::ByOption(row.option.unwrap_or_default()),
                TlsWord::Never => ClientTls::Never,
                TlsWord::Unread => ClientTls::Unread,
            },
            on_refusal: match row.refused {
                RefusedWord::Clear => OnRefusal::GoesOnInClear,
                RefusedWord::No => OnRefusal::DoesNotDeliver,
                RefusedWord::Unread => OnRefusal::Unread,
            },
            on_failure: match row.failed {
                FailedWord::ClearAtOnce => OnFailure::ClearAtOnce,
                FailedWord::ClearAfter => OnFailure::ClearAfter(wait),
                FailedWord::ClearWhenMarked => OnFailure::ClearWhenMarked,
                FailedWord::Never => OnFailure::Never,
                FailedWord::Sometime => OnFailure::ClearSometime,
                FailedWord::Unread => OnFailure::Unread,
            },
            memory: row.memory,
            memory_lasts: row
                .memory_days
                .map(|days| SignedDuration::from_hours(24 * i64::from(days))),
            least: row.least.map(|least| match least {
                LeastWord::Tls10 => TlsVersion::Tls10,
                LeastWord::Tls11 => TlsVersion::Tls11,
                LeastWord::Tls12 => TlsVersion::Tls12,
            }),
            library: row.library,
            name: row.name,
            also: row.also,
            habit: row.habit,
            source: row.source,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_program_is_known_by_the_start_of_its_name() {
        for (name, row) in [
            ("Postfix", Some("Postfix")),
            ("postfix (Halon)", Some("Postfix")),
            (
                "Postfix (Proofpoint Essentials)",
                Some("Proofpoint Essentials"),
            ),
            ("Exim", Some("Exim")),
            ("notqmail", Some("qmail")),
            ("Exchange Online (HTTPS)", Some("Exchange Online")),
            ("Exchange", Some("Exchange")),
            ("Eximious", None),
            ("s/qmail", None),
            ("", None),
        ] {
            assert_eq!(by_name(name).map(|s| s.name.as_str()), row, "{name}");
        }
    }

    #[test]
    fn every_row_is_whole() {
        for sender in all() {
            assert!(!sender.source.is_empty() && !sender.habit.is_empty());
            assert_eq!(by_name(&sender.name), Some(sender));
            if let ClientTls::ByOption(option) = &sender.client_tls {
                assert!(option.contains(&sender.name) || option.starts_with("James"));
            }
            if let OnFailure::ClearAfter(wait) = sender.on_failure {
                assert!(wait.as_secs() > 0, "{}", sender.name);
            }
            assert!(sender.memory.is_some() || sender.memory_lasts.is_none());
        }
    }

    #[test]
    fn what_each_does_when_the_handshake_fails_is_what_its_source_says() {
        let five_minutes = OnFailure::ClearAfter(SignedDuration::from_secs(300));
        for (name, on_failure) in [
            ("Postfix", five_minutes),
            ("Exim", OnFailure::ClearAtOnce),
            ("OpenSMTPD", OnFailure::ClearAtOnce),
            ("Sendmail", OnFailure::Never),
            ("Courier", OnFailure::Never),
            ("Stalwart", OnFailure::Never),
            ("KumoMTA", OnFailure::Never),
            ("Haraka", OnFailure::ClearWhenMarked),
        ] {
            assert_eq!(by_name(name).unwrap().on_failure, on_failure, "{name}");
        }
        let haraka = by_name("Haraka").unwrap();
        assert_eq!(
            haraka.memory_lasts,
            Some(SignedDuration::from_hours(24 * 7))
        );
    }
}
