//! One TLSA record (RFC 6698, section 2.1), whether SMTP can use it, and which
//! records of a set count.

use std::fmt;

/// A TLSA record as the DNS has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE (RFC 7218).
    pub usage: u8,
    /// 0 the certificate, 1 its SubjectPublicKeyInfo.
    pub selector: u8,
    /// 0 the octets themselves, 1 their SHA-256, 2 their SHA-512.
    pub matching: u8,
    /// The certificate association data.
    pub data: Vec<u8>,
}

/// Why a record's text or octets are not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidRecord {
    /// Fewer octets than the three numbers need.
    Short,
    /// The text does not begin with three numbers up to 255.
    Number,
    /// The association data is no hexadecimal text.
    Hex,
}

impl fmt::Display for InvalidRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "it is shorter than three octets",
            Self::Number => "it does not begin with three numbers from 0 to 255",
            Self::Hex => "its association data is no hexadecimal text",
        })
    }
}

impl std::error::Error for InvalidRecord {}

/// Why SMTP cannot use a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unusable {
    /// Usage 0 or 1: not for SMTP between servers (RFC 7672, section 3.1.3).
    PkixUsage,
    /// A usage the standard does not know.
    Usage,
    /// A selector the standard does not know.
    Selector,
    /// A matching type this program does not know.
    Matching,
    /// A digest of the wrong length (RFC 7671, section 9).
    DigestLength { wanted: usize, found: usize },
    /// Nothing to compare with.
    Empty,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PkixUsage => f.write_str("usages 0 and 1 are not for mail between servers"),
            Self::Usage => f.write_str("its usage is none of 0 to 3"),
            Self::Selector => f.write_str("its selector is neither 0 nor 1"),
            Self::Matching => f.write_str("its matching type is none of 0 to 2"),
            Self::DigestLength { wanted, found } => {
                write!(f, "its digest has {found} octets instead of {wanted}")
            }
            Self::Empty => f.write_str("it has no association data"),
        }
    }
}

impl Record {
    /// Reads the record's data octets (RFC 6698, section 2.1).
    ///
    /// # Errors
    /// When there are fewer than three.
    pub fn from_wire(octets: &[u8]) -> Result<Self, InvalidRecord> {
        match octets {
            [usage, selector, matching, data @ ..] => Ok(Self {
                usage: *usage,
                selector: *selector,
                matching: *matching,
                data: data.to_vec(),
            }),
            _ => Err(InvalidRecord::Short),
        }
    }

    /// Reads the presentation form (RFC 6698, section 2.2): three numbers, then
    /// hexadecimal text that spaces may divide.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn parse(text: &str) -> Result<Self, InvalidRecord> {
        let mut words = text.split_ascii_whitespace();
        let mut number = || {
            words
                .next()
                .and_then(|word| word.parse::<u8>().ok())
                .ok_or(InvalidRecord::Number)
        };
        let (usage, selector, matching) = (number()?, number()?, number()?);
        let mut data = Vec::new();
        let mut high = None;
        for c in words.flat_map(str::chars) {
            let digit = c.to_digit(16).ok_or(InvalidRecord::Hex)?;
            // A hexadecimal digit is below 16.
            let digit = u8::try_from(digit).map_err(|_| InvalidRecord::Hex)?;
            match high.take() {
                None => high = Some(digit),
                Some(first) => data.push((first << 4) | digit),
            }
        }
        if high.is_some() {
            return Err(InvalidRecord::Hex);
        }
        Ok(Self {
            usage,
            selector,
            matching,
            data,
        })
    }

    /// Whether an SMTP client can use the record (RFC 6698, section 4.1;
    /// RFC 7671, section 9; RFC 7672, section 3.1).
    ///
    /// # Errors
    /// When it cannot, with the reason.
    pub fn usability(&self) -> Result<(), Unusable> {
        match self.usage {
            2 | 3 => {}
            0 | 1 => return Err(Unusable::PkixUsage),
            _ => return Err(Unusable::Usage),
        }
        if self.selector > 1 {
            return Err(Unusable::Selector);
        }
        let wanted = match self.matching {
            0 if self.data.is_empty() => return Err(Unusable::Empty),
            0 => return Ok(()),
            1 => 32,
            2 => 64,
            _ => return Err(Unusable::Matching),
        };
        let found = self.data.len();
        if found == wanted {
            Ok(())
        } else {
            Err(Unusable::DigestLength { wanted, found })
        }
    }

    /// `3 1 1`.
    #[must_use]
    pub fn parameters(&self) -> String {
        format!("{} {} {}", self.usage, self.selector, self.matching)
    }
}

/// The presentation form, in lower case.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.parameters())?;
        self.data
            .iter()
            .try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Which records of a set take part, as digest agility has it (RFC 7671,
/// section 9): unusable ones are dropped first; then, for each usage and
/// selector, those with the strongest digest and those with the octets
/// themselves. One answer a record, in their order.
#[must_use]
pub fn considered(records: &[Record]) -> Vec<bool> {
    // Indexed by usage 2 or 3, and selector.
    let mut strongest = [[0_u8; 2]; 2];
    let place = |record: &Record| {
        (
            usize::from(record.usage == 3),
            usize::from(record.selector == 1),
        )
    };
    for record in records.iter().filter(|record| record.usability().is_ok()) {
        let (usage, selector) = place(record);
        let best = &mut strongest[usage][selector];
        *best = (*best).max(record.matching);
    }
    records
        .iter()
        .map(|record| {
            let (usage, selector) = place(record);
            record.usability().is_ok()
                && (record.matching == 0 || record.matching == strongest[usage][selector])
        })
        .collect()
}

/// A record ready to publish for a server's key: `3 1 1`, which RFC 7672,
/// section 3.1 recommends, from the SHA-256 of its SubjectPublicKeyInfo. It
/// need not change when the certificate is renewed with the same key.
#[must_use]
pub fn ready_to_publish(owner: &str, spki_sha256: &str) -> String {
    format!("{owner}. IN TLSA 3 1 1 {spki_sha256}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn record(text: &str) -> Record {
        Record::parse(text).unwrap()
    }

    fn digest(parameters: &str, octets: usize) -> Record {
        record(&format!("{parameters} {}", "ab".repeat(octets)))
    }

    #[test]
    fn both_forms_are_read_and_the_text_is_written_back() {
        let spaced =
            record("3 1 1 3FE246A848798236DD2AB78D39F0651D 6B6E7CA8E2984012EB0A2E1AC8A87B72");
        assert_eq!(
            spaced.to_string(),
            "3 1 1 3fe246a848798236dd2ab78d39f0651d6b6e7ca8e2984012eb0a2e1ac8a87b72"
        );
        assert_eq!(record(&spaced.to_string()), spaced);
        assert_eq!(
            Record::from_wire(&[2, 0, 1, 0xaa]).unwrap(),
            Record {
                usage: 2,
                selector: 0,
                matching: 1,
                data: vec![0xaa]
            }
        );
        for (text, why) in [
            ("", InvalidRecord::Number),
            ("3 1", InvalidRecord::Number),
            ("256 1 1 aa", InvalidRecord::Number),
            ("3 1 1 abc", InvalidRecord::Hex),
            ("3 1 1 xy", InvalidRecord::Hex),
        ] {
            assert_eq!(Record::parse(text), Err(why), "{text}");
        }
        assert_eq!(Record::from_wire(&[3, 1]), Err(InvalidRecord::Short));
    }

    #[test]
    fn d16_d17_records_smtp_cannot_use() {
        for (record, usability) in [
            (digest("3 1 1", 32), Ok(())),
            (digest("3 0 2", 64), Ok(())),
            (digest("2 0 1", 32), Ok(())),
            (digest("3 1 0", 91), Ok(())),
            (digest("0 0 1", 32), Err(Unusable::PkixUsage)),
            (digest("1 1 1", 32), Err(Unusable::PkixUsage)),
            (digest("4 1 1", 32), Err(Unusable::Usage)),
            (digest("255 1 1", 32), Err(Unusable::Usage)),
            (digest("3 2 1", 32), Err(Unusable::Selector)),
            (digest("3 1 3", 32), Err(Unusable::Matching)),
            (
                digest("3 1 1", 31),
                Err(Unusable::DigestLength {
                    wanted: 32,
                    found: 31,
                }),
            ),
            (
                digest("3 1 2", 32),
                Err(Unusable::DigestLength {
                    wanted: 64,
                    found: 32,
                }),
            ),
            (digest("3 1 0", 0), Err(Unusable::Empty)),
        ] {
            assert_eq!(record.usability(), usability, "{}", record.parameters());
        }
    }

    #[test]
    fn d18_per_usage_and_selector_only_the_strongest_digest_and_full_data_count() {
        let records = [
            digest("3 1 1", 32),
            digest("3 1 2", 64),
            digest("3 1 0", 91),
            // Another selector has its own strongest.
            digest("3 0 1", 32),
            // Dropped before agility: it must not push the SHA-256 one aside.
            digest("2 0 2", 63),
            digest("2 0 1", 32),
            digest("1 1 2", 64),
        ];
        assert_eq!(
            considered(&records),
            [false, true, true, true, false, true, false]
        );
    }

    #[test]
    fn a_record_for_a_key_is_written_ready_to_publish() {
        let spki =
            "8a9a70596e869bed72c69d97a8895dfad86f300a343fecefF19e89c27c896bc9".to_lowercase();
        let line = ready_to_publish("_25._tcp.mx.example", &spki);
        let (owner, data) = line.split_once(" IN TLSA ").unwrap();
        assert_eq!(owner, "_25._tcp.mx.example.");
        assert_eq!(record(data).usability(), Ok(()));
        assert_eq!(record(data).to_string(), format!("3 1 1 {spki}"));
    }

    proptest! {
        #[test]
        fn no_text_and_no_octets_make_it_panic(
            text in "\\PC{0,80}",
            octets in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let _ = Record::parse(&text);
            if let Ok(record) = Record::from_wire(&octets) {
                let _ = record.usability();
                prop_assert_eq!(Record::parse(&record.to_string()).unwrap(), record);
            }
        }
    }
}
