//! What the result of the TLSA lookup obliges a sender to, and what it then
//! does with the host (RFC 7672, sections 2.1.2, 2.2 and 6).

use crate::dane::tlsa::Record;

/// What the search for TLSA records of one host ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// A secure answer holds these records.
    Secure(&'a [Record]),
    /// The answer is insecure, or a secure one says there are none, or they
    /// were rightly not asked for.
    InsecureOrNone,
    /// The lookup failed: SERVFAIL, time-out, bogus, indeterminate. Never to be
    /// taken as "none" (RFC 7672, section 2.1.2).
    Error,
}

/// The four outcomes of RFC 7672, section 2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// (a) Secure and usable: TLS, and the server authenticated.
    Authenticate,
    /// (b) Secure, all unusable: TLS, without authentication.
    Encrypt,
    /// (c) Insecure or none: TLS if it can be had, else cleartext.
    Opportunistic,
    /// (d) Lookup error: the host counts as unreachable.
    Unreachable,
}

impl Action {
    /// The outcome that a lookup leads to.
    #[must_use]
    pub fn of(lookup: Lookup<'_>) -> Self {
        match lookup {
            Lookup::Error => Self::Unreachable,
            // A secure answer without records is a denial.
            Lookup::InsecureOrNone | Lookup::Secure([]) => Self::Opportunistic,
            Lookup::Secure(records) => {
                if records.iter().any(|record| record.usability().is_ok()) {
                    Self::Authenticate
                } else {
                    Self::Encrypt
                }
            }
        }
    }
}

/// How far TLS came with the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// STARTTLS was not offered, was refused, or the handshake failed.
    NoTls,
    /// TLS stands, and no TLSA record matched (or none was asked to).
    Unauthenticated,
    /// TLS stands, and a TLSA record matched.
    Authenticated,
    /// The host was not reached: nothing is known.
    NotSeen,
}

/// What a sender that follows RFC 7672 does with one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conduct {
    DeliversAuthenticated,
    DeliversEncrypted,
    /// (c) without TLS: pre-DANE opportunistic senders go on in cleartext.
    DeliversCleartext,
    /// Goes on to the next host, or keeps the message if there is none.
    Skips,
    /// The host was not seen, and its records do not decide alone.
    Unknown,
}

/// What the sender does with a host. `mandatory` is a sender configured to
/// demand DANE for this destination (RFC 7672, section 6), for whom only the
/// first outcome will do.
#[must_use]
pub fn conduct(action: Action, channel: Channel, mandatory: bool) -> Conduct {
    match (action, channel) {
        (Action::Unreachable, _) => Conduct::Skips,
        (Action::Encrypt | Action::Opportunistic, _) if mandatory => Conduct::Skips,
        (_, Channel::NotSeen) => Conduct::Unknown,
        (Action::Authenticate, Channel::Authenticated) => Conduct::DeliversAuthenticated,
        (Action::Authenticate, Channel::NoTls | Channel::Unauthenticated)
        | (Action::Encrypt, Channel::NoTls) => Conduct::Skips,
        (
            Action::Encrypt | Action::Opportunistic,
            Channel::Unauthenticated | Channel::Authenticated,
        ) => Conduct::DeliversEncrypted,
        (Action::Opportunistic, Channel::NoTls) => Conduct::DeliversCleartext,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn record(usage: u8, selector: u8, matching: u8, length: usize) -> Record {
        Record {
            usage,
            selector,
            matching,
            data: vec![7; length],
        }
    }

    #[test]
    fn d1_d3_d5_d16_d26_the_four_outcomes_of_the_lookup() {
        let usable = [record(3, 1, 1, 32), record(1, 1, 1, 32)];
        let pkix_only = [record(0, 0, 1, 32), record(1, 1, 1, 32)];
        let cut = [record(3, 1, 1, 31)];
        for (lookup, action) in [
            (Lookup::Secure(&usable), Action::Authenticate),
            (Lookup::Secure(&pkix_only), Action::Encrypt),
            (Lookup::Secure(&cut), Action::Encrypt),
            (Lookup::Secure(&[]), Action::Opportunistic),
            (Lookup::InsecureOrNone, Action::Opportunistic),
            (Lookup::Error, Action::Unreachable),
        ] {
            assert_eq!(Action::of(lookup), action, "{lookup:?}");
        }
    }

    #[test]
    fn d3_d5_d22_d24_what_the_sender_does_with_the_host() {
        use Channel::{Authenticated, NoTls, NotSeen, Unauthenticated};
        use Conduct::{
            DeliversAuthenticated, DeliversCleartext, DeliversEncrypted, Skips, Unknown,
        };
        for (action, by_channel) in [
            (
                Action::Authenticate,
                [
                    (NoTls, Skips),
                    (Unauthenticated, Skips),
                    (Authenticated, DeliversAuthenticated),
                    (NotSeen, Unknown),
                ],
            ),
            (
                Action::Encrypt,
                [
                    (NoTls, Skips),
                    (Unauthenticated, DeliversEncrypted),
                    (Authenticated, DeliversEncrypted),
                    (NotSeen, Unknown),
                ],
            ),
            (
                Action::Opportunistic,
                [
                    (NoTls, DeliversCleartext),
                    (Unauthenticated, DeliversEncrypted),
                    (Authenticated, DeliversEncrypted),
                    (NotSeen, Unknown),
                ],
            ),
            (
                Action::Unreachable,
                [
                    (NoTls, Skips),
                    (Unauthenticated, Skips),
                    (Authenticated, Skips),
                    (NotSeen, Skips),
                ],
            ),
        ] {
            for (channel, expected) in by_channel {
                assert_eq!(
                    conduct(action, channel, false),
                    expected,
                    "{action:?} {channel:?}"
                );
                // Mandatory DANE: everything short of (a) waits.
                let mandatory = if action == Action::Authenticate {
                    expected
                } else {
                    Skips
                };
                assert_eq!(
                    conduct(action, channel, true),
                    mandatory,
                    "mandatory, {action:?} {channel:?}"
                );
            }
        }
    }
}
