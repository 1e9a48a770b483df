//! The TXT record at `_mta-sts` (RFC 8461, section 3.1).

use std::fmt;

use crate::name::DomainName;
pub use crate::txt::Remark as Advisory;
use crate::txt::{self, Form, Malformed};

/// Where the record stands. For exactly this domain, never for its parent
/// (RFC 8461, section 3.4). None where the name would be too long.
#[must_use]
pub fn owner(domain: &DomainName) -> Option<String> {
    let owner = format!("_mta-sts.{domain}");
    (owner.len() <= 253).then_some(owner)
}

/// What the TXT records say.
pub type Discovery = txt::Discovery<Record, Fault>;

/// The record that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// As published.
    pub txt: String,
    /// Names one instance of the policy. It has no order and no meaning
    /// (RFC 8461, section 3.1).
    pub id: String,
    pub advisories: Vec<Advisory>,
}

/// Why a record is not well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An octet outside US-ASCII, or a control character.
    NotAscii,
    /// No `id`.
    MissingId,
    /// An `id` that is not 1 to 32 letters and digits.
    Id(String),
    /// A field that is not `name=value`.
    Field(String),
    /// Nothing between two semicolons.
    EmptyField,
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::NotAscii => Self::NotAscii,
            Malformed::Missing => Self::MissingId,
            Malformed::Field(field) => Self::Field(field),
            Malformed::EmptyField => Self::EmptyField,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAscii => f.write_str("it holds characters outside US-ASCII"),
            Self::MissingId => f.write_str("it has no id field"),
            Self::Id(id) => write!(f, "its id {id:?} is not 1 to 32 letters and digits"),
            Self::Field(field) => write!(f, "its field {field:?} is not of the form name=value"),
            Self::EmptyField => f.write_str("nothing stands between two semicolons"),
        }
    }
}

/// Reads the TXT records, each already put together from its strings
/// ([`crate::txt::concatenate`]).
#[must_use]
pub fn discover<R: AsRef<[u8]>>(records: &[R]) -> Discovery {
    let form = Form {
        version: "v=STSv1",
        key: "id",
    };
    txt::discover(records, form, |id| {
        let well_formed =
            (1..=32).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_alphanumeric());
        if well_formed {
            Ok((id.to_owned(), Vec::new()))
        } else {
            Err(Fault::Id(id.to_owned()))
        }
    })
    .map(|(txt, id, advisories)| Record {
        txt,
        id,
        advisories,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::txt::NearMissWhy;
    use proptest::prelude::*;

    fn found(record: &str) -> Record {
        match discover(&[record]) {
            Discovery::Found(record) => record,
            other => panic!("{record}: {other:?}"),
        }
    }

    fn fault(record: &str) -> Fault {
        match discover(&[record]) {
            Discovery::Invalid { fault, .. } => fault,
            other => panic!("{record}: {other:?}"),
        }
    }

    #[test]
    fn m4_the_id_is_read_wherever_it_stands() {
        for (record, id) in [
            ("v=STSv1; id=20160831085700Z;", "20160831085700Z"),
            ("v=STSv1;id=1", "1"),
            ("v=STSv1; id=a; ext=x.y", "a"),
            ("v=STSv1; ext-1_2.3=%21:<>; id=a ;", "a"),
            (
                "v=STSv1; id=abcdefghijklmnopqrstuvwxyz012345",
                "abcdefghijklmnopqrstuvwxyz012345",
            ),
        ] {
            let record = found(record);
            assert_eq!(
                (record.id.as_str(), record.advisories.as_slice()),
                (id, &[][..])
            );
        }
    }

    #[test]
    fn m4_of_duplicates_the_first_counts() {
        let record = found("v=STSv1; id=1; id=2");
        assert_eq!(record.id, "1");
        assert_eq!(record.advisories, [Advisory::Duplicate("id".into())]);
        assert_eq!(fault("v=STSv1; id=1-1; id=2"), Fault::Id("1-1".into()));
    }

    #[test]
    fn m2_m4_m5_a_malformed_record_is_as_good_as_none_and_says_why() {
        for (record, why) in [
            ("v=STSv1;", Fault::MissingId),
            ("v=STSv1; ext=1", Fault::MissingId),
            ("v=STSv1; ID=1", Fault::MissingId),
            ("v=STSv1; id=", Fault::Id(String::new())),
            ("v=STSv1; id=2016-08-31", Fault::Id("2016-08-31".into())),
            (
                "v=STSv1; id=abcdefghijklmnopqrstuvwxyz0123456",
                Fault::Id("abcdefghijklmnopqrstuvwxyz0123456".into()),
            ),
            ("v=STSv1; id = 1", Fault::Field("id = 1".into())),
            ("v=STSv1; id=1; junk", Fault::Field("junk".into())),
            ("v=STSv1; id=1;; a=b", Fault::EmptyField),
            ("v=STSv1; id=1; a=b c", Fault::Field("a=b c".into())),
            ("v=STSv1; id=1; _a=b", Fault::Field("_a=b".into())),
            ("v=STSv1; id=\u{661}", Fault::NotAscii),
        ] {
            assert_eq!(fault(record), why, "{record}");
        }
    }

    #[test]
    fn m3_a_loose_record_is_taken_with_a_remark() {
        assert_eq!(
            found("v=STSv1 ; id=1").advisories,
            [Advisory::SpaceBeforeSemicolon]
        );
        let Discovery::Found(record) = discover(&["v=STSv1 ; id=1", "v=STSv1; id=2"]) else {
            panic!("not found");
        };
        assert_eq!(
            (record.id.as_str(), record.advisories.as_slice()),
            ("2", &[Advisory::SecondRecord][..])
        );
    }

    #[test]
    fn m2_m5_several_records_and_near_misses() {
        assert_eq!(
            discover(&["v=STSv1; id=1", "v=STSv1; id=1"]),
            Discovery::Several(2)
        );
        assert_eq!(
            discover(&["v=stsv1; id=1"]),
            Discovery::Absent {
                near_misses: vec![("v=stsv1; id=1".into(), NearMissWhy::Case)]
            }
        );
        assert_eq!(
            found("v=STSv1; id=1; Id=2").advisories,
            [Advisory::KeyCase("Id".into())]
        );
    }

    #[test]
    fn m27_the_record_is_the_domains_own() {
        let domain = DomainName::parse("mail.example.com").unwrap();
        assert_eq!(owner(&domain).as_deref(), Some("_mta-sts.mail.example.com"));
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(rest in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut record = b"v=STSv1;".to_vec();
            record.extend(rest);
            let _ = discover(&[record]);
        }
    }
}
