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
use tokio::task::JoinSet;

use crate::observed::domain::Dnssec;
use crate::probe::dns::client::{Dns, LONGEST_TRY};
use crate::probe::dns::message::{Ask, absolute};
use crate::probe::dns::server::Resolver;
use crate::probe::dns::transport::Miss;
use crate::probe::dns::trouble;

/// Zones signed since 2011 and earlier.
const SIGNED: [&str; 2] = ["in-addr.arpa", "ip6.arpa"];

/// Names that are not in signed zones whose denials are signed, without
/// opt-out (RFC 5155, section 9.2: an opt-out denial has no AD bit).
const ABSENT: [&str; 2] = ["starttrace-test.in-addr.arpa", "starttrace-test.ip6.arpa"];

/// Names in zones that are not signed.
const UNSIGNED: [&str; 2] = ["google.com", "microsoft.com"];

/// Names whose signatures are broken on purpose, for tests like this.
const BOGUS: [&str; 2] = ["dnssec-failed.org", "rhybar.cz"];

/// What the test of one resolver showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    Validates,
    /// It does not, which showed in this.
    DoesNot(String),
    /// It cannot be told, for this reason.
    Untold(String),
}

impl Tested {
    /// Whether it validates; none where that cannot be told.
    pub fn validates(&self) -> Option<bool> {
        match self {
            Self::Validates => Some(true),
            Self::DoesNot(_) => Some(false),
            Self::Untold(_) => None,
        }
    }

    /// Whether its AD bit is believed.
    pub fn is_believed(&self) -> bool {
        *self == Self::Validates
    }

    /// Why it is not.
    pub fn because(&self) -> Option<String> {
        match self {
            Self::Validates => None,
            Self::DoesNot(why) | Self::Untold(why) => Some(why.clone()),
        }
    }
}

impl Dnssec {
    /// What two answers of one chain come to.
    pub(in crate::probe) fn weaker(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unvalidated, _) | (_, Self::Unvalidated) => Self::Unvalidated,
            (Self::Insecure, _) | (_, Self::Insecure) => Self::Insecure,
            (Self::Secure, Self::Secure) => Self::Secure,
        }
    }
}

/// What a validating resolver shows for one kind of name, and what is said of
/// one that does not.
struct Check {
    names: [&'static str; 2],
    ask: Ask,
    right: fn(&Result<Message, Miss>) -> bool,
    otherwise: &'static str,
}

const FIRST: Check = Check {
    names: SIGNED,
    ask: Ask::Validated,
    right: |result| {
        result
            .as_ref()
            .is_ok_and(|message| message.metadata.authentic_data)
    },
    otherwise: "does not say that answers from signed zones are authentic",
};

const REST: [Check; 4] = [
    Check {
        names: ABSENT,
        ask: Ask::Validated,
        right: |result| {
            result.as_ref().is_ok_and(|message| {
                message.metadata.authentic_data
                    && message.metadata.response_code == ResponseCode::NXDomain
            })
        },
        otherwise: "does not say that signed denials are authentic",
    },
    Check {
        names: UNSIGNED,
        ask: Ask::Validated,
        right: |result| {
            result
                .as_ref()
                .is_ok_and(|message| !message.metadata.authentic_data)
        },
        otherwise: "calls answers from unsigned zones authentic, or has none",
    },
    Check {
        names: BOGUS,
        ask: Ask::Validated,
        right: |result| matches!(result, Err(Miss::Code(ResponseCode::ServFail))),
        otherwise: "delivers names whose signatures are known to be broken",
    },
    Check {
        names: BOGUS,
        ask: Ask::Unchecked,
        // RFC 4035, section 3.2.2.
        right: |result| {
            result
                .as_ref()
                .is_ok_and(|message| message.metadata.response_code == ResponseCode::NoError)
        },
        otherwise: "withholds names with broken signatures from who disclaims the check",
    },
];

/// What one kind of name showed.
enum Shown {
    Right,
    Wrong,
    /// No answer, for this reason: nothing.
    Nothing(String),
}

impl Dns {
    /// Tests every resolver.
    pub(super) async fn test_all(&self) -> Vec<Tested> {
        let mut tests = JoinSet::new();
        for place in 0..self.servers() {
            let dns = self.clone();
            tests.spawn(async move { (place, dns.test(place).await) });
        }
        let untold = Tested::Untold("its test was broken off".to_owned());
        let mut results = vec![untold; self.servers()];
        while let Some(joined) = tests.join_next().await {
            if let Ok((place, result)) = joined {
                results[place] = result;
            }
        }
        results
    }

    async fn test(&self, place: usize) -> Tested {
        // Most resolvers that do not validate show it here, and are spared the
        // rest.
        match self.look(place, &FIRST).await {
            Shown::Right => {}
            Shown::Wrong => return does_not(self.server(place), &FIRST),
            Shown::Nothing(why) => return Tested::Untold(why),
        }
        let [absent, unsigned, bogus, unchecked] = &REST;
        let (absent, unsigned, bogus, unchecked) = tokio::join!(
            self.look(place, absent),
            self.look(place, unsigned),
            self.look(place, bogus),
            self.look(place, unchecked),
        );
        let mut untold = None;
        for (shown, check) in [absent, unsigned, bogus, unchecked].iter().zip(&REST) {
            match shown {
                Shown::Right => {}
                Shown::Wrong => return does_not(self.server(place), check),
                Shown::Nothing(why) => untold = untold.or(Some(why.clone())),
            }
        }
        untold.map_or(Tested::Validates, Tested::Untold)
    }

    /// Asks for both names of a kind: one that is right is enough.
    async fn look(&self, place: usize, check: &Check) -> Shown {
        let (first, second) = tokio::join!(
            self.ask_for_test(place, check.names[0], check.ask),
            self.ask_for_test(place, check.names[1], check.ask)
        );
        if (check.right)(&first) || (check.right)(&second) {
            return Shown::Right;
        }
        let answered =
            |result: &Result<Message, Miss>| matches!(result, Ok(_) | Err(Miss::Code(_)));
        match (first, second) {
            (first, second) if answered(&first) || answered(&second) => Shown::Wrong,
            (Err(miss), _) | (Ok(_), Err(miss)) => Shown::Nothing(trouble::test_failed(
                self.server(place),
                check.names[0],
                &miss,
            )),
            (Ok(_), Ok(_)) => Shown::Wrong,
        }
    }

    async fn ask_for_test(&self, place: usize, name: &str, ask: Ask) -> Result<Message, Miss> {
        let name = absolute(name).ok_or(Miss::Garbled)?;
        self.exchange(place, &name, RecordType::SOA, ask, LONGEST_TRY)
            .await
    }
}

fn does_not(server: &Resolver, check: &Check) -> Tested {
    Tested::DoesNot(format!("the resolver {server} {}", check.otherwise))
}
