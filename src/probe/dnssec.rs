//! Whether a resolver validates, found out by asking it (RFC 4035, section 3).
//!
//! The AD bit is one bit in an answer that anything on the way may set or
//! strike. A resolver is believed when it behaves as a validating one does: it
//! sets the bit for a signed name, and for a signed "no such name"; it does not
//! set it for an unsigned name; it withholds a name whose signatures are known
//! to be broken, and delivers it to whoever disclaims the check. What no
//! resolver can show is that nobody sits between it and us: that depends on the
//! path, and the observation says which it is.
//!
//! The names are public and have stood for many years. Of each kind two are
//! asked, so that one that goes takes nothing with it; a resolver that answers
//! neither as it should is not believed. Tests serve the same names.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use std::net::SocketAddr;

use crate::observed::domain::Dnssec;
use crate::probe::dns::{Ask, Dns, LONGEST_TRY, Miss, absolute};

/// Zones signed since 2011 and earlier.
const SIGNED: [&str; 2] = ["in-addr.arpa", "ip6.arpa"];

/// Names that are not in signed zones whose denials are signed, without
/// opt-out (RFC 5155, section 9.2: an opt-out denial has no AD bit).
const ABSENT: [&str; 2] = ["starttrace-test.in-addr.arpa", "starttrace-test.ip6.arpa"];

/// Names in zones that are not signed.
const UNSIGNED: [&str; 2] = ["google.com", "microsoft.com"];

/// Names whose signatures are broken on purpose, for tests like this.
const BOGUS: [&str; 2] = ["dnssec-failed.org", "rhybar.cz"];

impl Dnssec {
    /// What two answers of one chain come to.
    pub(super) fn weaker(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unvalidated, _) | (_, Self::Unvalidated) => Self::Unvalidated,
            (Self::Insecure, _) | (_, Self::Insecure) => Self::Insecure,
            (Self::Secure, Self::Secure) => Self::Secure,
        }
    }
}

/// What one question of the test showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// What a validating resolver shows.
    Right,
    Wrong,
    /// No answer in time: nothing.
    Nothing,
}

impl Dns {
    /// Tests every resolver.
    pub(super) async fn test_all(&self) -> Vec<Option<bool>> {
        let mut results = Vec::new();
        for &server in self.servers() {
            results.push(self.test(server).await);
        }
        results
    }

    /// Whether a resolver validates; none where it did not answer.
    async fn test(&self, server: SocketAddr) -> Option<bool> {
        // Most resolvers that do not validate show it here, and are spared the
        // rest.
        let signed = |result: &Result<Message, Miss>| {
            result
                .as_ref()
                .is_ok_and(|message| message.metadata.authentic_data)
        };
        match self.any(server, SIGNED, Ask::Validated, signed).await {
            Shown::Right => {}
            Shown::Wrong => return Some(false),
            Shown::Nothing => return None,
        }
        let (absent, unsigned, withheld, delivered) = tokio::join!(
            self.any(server, ABSENT, Ask::Validated, |result| {
                result.as_ref().is_ok_and(|message| {
                    message.metadata.authentic_data
                        && message.metadata.response_code == ResponseCode::NXDomain
                })
            }),
            self.any(server, UNSIGNED, Ask::Validated, |result| {
                result
                    .as_ref()
                    .is_ok_and(|message| !message.metadata.authentic_data)
            }),
            self.any(server, BOGUS, Ask::Validated, |result| {
                matches!(result, Err(Miss::Code(ResponseCode::ServFail)))
            }),
            // RFC 4035, section 3.2.2.
            self.any(server, BOGUS, Ask::Unchecked, |result| {
                result
                    .as_ref()
                    .is_ok_and(|message| message.metadata.response_code == ResponseCode::NoError)
            }),
        );
        let all = [absent, unsigned, withheld, delivered];
        if all.contains(&Shown::Wrong) {
            Some(false)
        } else if all.contains(&Shown::Nothing) {
            None
        } else {
            Some(true)
        }
    }

    /// Asks for both names of a kind: one that is right is enough.
    async fn any(
        &self,
        server: SocketAddr,
        names: [&str; 2],
        ask: Ask,
        right: impl Fn(&Result<Message, Miss>) -> bool,
    ) -> Shown {
        let (first, second) = tokio::join!(
            self.ask_for_test(server, names[0], ask),
            self.ask_for_test(server, names[1], ask)
        );
        let results = [first, second];
        if results.iter().any(&right) {
            Shown::Right
        } else if results
            .iter()
            .all(|result| matches!(result, Err(Miss::Silence | Miss::Os(_))))
        {
            Shown::Nothing
        } else {
            Shown::Wrong
        }
    }

    async fn ask_for_test(
        &self,
        server: SocketAddr,
        name: &str,
        ask: Ask,
    ) -> Result<Message, Miss> {
        let name = absolute(name).ok_or(Miss::Garbled)?;
        self.exchange(server, &name, RecordType::SOA, ask, LONGEST_TRY)
            .await
    }
}
