//! The policy file (RFC 8461, section 3.2): read strictly, with the line of
//! every fault, and with remarks where a well-formed policy is fragile.

use std::collections::HashSet;
use std::fmt;

use crate::mta_sts::pattern::{InvalidPattern, Pattern};
use crate::name::DomainName;

/// The policy host: `mta-sts` in front of the domain (RFC 8461, section 3.2).
/// Its certificate must hold this name (section 3.3), also where a CNAME leads
/// elsewhere (section 8.2). None where the name would be too long.
#[must_use]
pub fn host(domain: &DomainName) -> Option<String> {
    let host = format!("mta-sts.{domain}");
    (host.len() <= 253).then_some(host)
}

/// The path of the policy on its host.
pub const PATH: &str = "/.well-known/mta-sts.txt";

/// The one place the policy is looked for (RFC 8461, section 3.2).
#[must_use]
pub fn url(domain: &DomainName) -> Option<String> {
    host(domain).map(|host| format!("https://{host}{PATH}"))
}

/// The largest policy that is read (RFC 8461, section 3.3 suggests 64
/// kilobytes).
pub const MAX_SIZE: usize = 64 * 1024;

/// The largest `max_age` in seconds, about a year (RFC 8461, section 3.2).
pub const MAX_AGE: u64 = 31_557_600;

/// The policy's mode: what a sender does where validation fails (RFC 8461,
/// section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It does not deliver.
    Enforce,
    /// It reports, and delivers in any case.
    Testing,
    /// As if there were no policy.
    None,
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub mode: Mode,
    /// Seconds, as published: [`Advisory::MaxAgeTooLarge`] where over
    /// [`MAX_AGE`].
    pub max_age: u64,
    pub mx: Vec<Pattern>,
}

/// What came of reading a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The policy, or every fault in order of lines (at most [`MAX_FAULTS`]).
    pub policy: Result<Policy, Vec<Fault>>,
    pub advisories: Vec<Advisory>,
}

/// Faults that are told of one file.
pub const MAX_FAULTS: usize = 20;

/// A fault, with the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1; none for what the file lacks as a whole.
    pub line: Option<usize>,
    /// The line as it came, cut to a bearable length. Hostile: escape.
    pub text: String,
    pub why: Why,
}

/// Why a file is no policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Larger than [`MAX_SIZE`].
    TooLarge(usize),
    Empty,
    /// It begins like a web page.
    Html,
    /// It begins with a byte order mark, which becomes part of the first key.
    ByteOrderMark,
    NotUtf8,
    /// A control character, or a carriage return inside a line.
    ControlCharacter(char),
    /// White space before the key.
    LeadingSpace,
    /// No `:` in the line.
    NoColon,
    /// White space between the key and its `:`.
    SpaceBeforeColon,
    /// The key is not 1 to 32 letters, digits, `_`, `-` and `.`.
    Key,
    EmptyValue,
    /// Another version than `STSv1`.
    Version,
    /// Another mode than `enforce`, `testing`, `none`, in lower case.
    Mode,
    /// `max_age` is not 1 to 10 digits.
    MaxAge,
    Mx(InvalidPattern),
    MissingVersion,
    MissingMode,
    MissingMaxAge,
    /// No `mx`, and the mode is not `none`.
    MissingMx,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(octets) => {
                write!(
                    f,
                    "the policy has {octets} octets, and senders stop at {MAX_SIZE}"
                )
            }
            Self::Empty => f.write_str("the policy is empty"),
            Self::Html => f.write_str("this is a web page, not a policy"),
            Self::ByteOrderMark => f.write_str("the file begins with a byte order mark"),
            Self::NotUtf8 => f.write_str("the line is not UTF-8"),
            Self::ControlCharacter(c) => write!(f, "the line holds the control character {c:?}"),
            Self::LeadingSpace => f.write_str("white space stands before the key"),
            Self::NoColon => f.write_str("the line has no colon"),
            Self::SpaceBeforeColon => f.write_str("white space stands before the colon"),
            Self::Key => f.write_str("the key holds characters that keys do not have"),
            Self::EmptyValue => f.write_str("the value is empty"),
            Self::Version => f.write_str("the version is not STSv1"),
            Self::Mode => f.write_str("the mode is none of enforce, testing, none"),
            Self::MaxAge => f.write_str("max_age is not a number of 1 to 10 digits"),
            Self::Mx(why) => write!(f, "the mx value is no pattern: {why}"),
            Self::MissingVersion => f.write_str("the policy has no version"),
            Self::MissingMode => f.write_str("the policy has no mode"),
            Self::MissingMaxAge => f.write_str("the policy has no max_age"),
            Self::MissingMx => f.write_str("the policy names no mx"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {} ({:?})", self.why, self.text),
            None => self.why.fmt(f),
        }
    }
}

/// What is allowed, and yet fragile or weak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advisory {
    /// An empty line, which the grammar does not have: some senders refuse it.
    BlankLine(usize),
    /// The key is given again; the first counts (RFC 8461, section 3.2).
    Duplicate { line: usize, key: String },
    /// `Mode` or the like: another key than `mode`, and ignored.
    KeyCase { line: usize, key: String },
    /// Over the maximum of a year: senders differ in what they make of it.
    MaxAgeTooLarge(u64),
    /// Under a day: hardly any protection between two messages.
    MaxAgeUnderADay(u64),
    /// Under a week; the standard expects weeks or more.
    MaxAgeUnderAWeek(u64),
    /// The pattern is there twice.
    MxTwice(Pattern),
    /// The pattern covers other people's hosts: `*.com`.
    MxPublicSuffix(Pattern),
    /// Mode `none` makes the patterns meaningless.
    MxWithoutMode,
}

const DAY: u64 = 86_400;

impl Policy {
    /// Reads a policy file as it came over HTTPS.
    #[must_use]
    pub fn parse(body: &[u8]) -> Reading {
        Reader::default().read(body)
    }
}

#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
    advisories: Vec<Advisory>,
    /// Keys other than `mx` that have been seen.
    seen: HashSet<String>,
    mode: Option<Mode>,
    max_age: Option<u64>,
    mx: Vec<Pattern>,
    patterns: HashSet<Pattern>,
}

impl Reader {
    fn read(mut self, body: &[u8]) -> Reading {
        if let Some(why) = Self::whole(body) {
            self.fault(None, "", why);
            return self.finish();
        }
        let body = match body.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => {
                self.fault(Some(1), "", Why::ByteOrderMark);
                rest
            }
            None => body,
        };
        // RFC 8461, section 3.2: sts-policy-term is LF or CRLF, and the last
        // line need not have one.
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        for (number, line) in body.split(|&octet| octet == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            self.line(number + 1, line);
            if self.faults.len() >= MAX_FAULTS {
                return self.finish();
            }
        }
        for (key, why) in [
            ("version", Why::MissingVersion),
            ("mode", Why::MissingMode),
            ("max_age", Why::MissingMaxAge),
        ] {
            if !self.seen.contains(key) {
                self.fault(None, "", why);
            }
        }
        let mx_was_tried = self
            .faults
            .iter()
            .any(|fault| matches!(fault.why, Why::Mx(_)));
        if self.mx.is_empty() && !mx_was_tried && self.mode != Some(Mode::None) {
            self.fault(None, "", Why::MissingMx);
        }
        self.finish()
    }

    /// What is wrong with the file as a whole, so that no line of it matters.
    fn whole(body: &[u8]) -> Option<Why> {
        if body.len() > MAX_SIZE {
            return Some(Why::TooLarge(body.len()));
        }
        let begin = body.trim_ascii_start();
        if begin.is_empty() {
            return Some(Why::Empty);
        }
        begin.starts_with(b"<").then_some(Why::Html)
    }

    fn line(&mut self, number: usize, line: &[u8]) {
        let Ok(text) = std::str::from_utf8(line) else {
            let text = String::from_utf8_lossy(line);
            self.fault(Some(number), &text, Why::NotUtf8);
            return;
        };
        if text.trim_matches([' ', '\t']).is_empty() {
            self.advisories.push(Advisory::BlankLine(number));
            return;
        }
        if let Err(why) = self.field(number, text) {
            self.fault(Some(number), text, why);
        }
    }

    fn field(&mut self, number: usize, line: &str) -> Result<(), Why> {
        if let Some(c) = line.chars().find(|&c| c.is_control() && c != '\t') {
            return Err(Why::ControlCharacter(c));
        }
        if line.starts_with([' ', '\t']) {
            return Err(Why::LeadingSpace);
        }
        let (key, value) = line.split_once(':').ok_or(Why::NoColon)?;
        if key.ends_with([' ', '\t']) {
            return Err(Why::SpaceBeforeColon);
        }
        if !crate::txt::is_extension_name(key) {
            return Err(Why::Key);
        }
        let value = value.trim_matches([' ', '\t']);
        if key == "mx" {
            return self.mx(value);
        }
        if !self.seen.insert(key.to_owned()) {
            // RFC 8461, section 3.2: all entries but the first are ignored.
            self.advisories.push(Advisory::Duplicate {
                line: number,
                key: key.to_owned(),
            });
            return Ok(());
        }
        if value.is_empty() {
            return Err(Why::EmptyValue);
        }
        match key {
            "version" if value == "STSv1" => {}
            "version" => return Err(Why::Version),
            "mode" => {
                self.mode = Some(match value {
                    "enforce" => Mode::Enforce,
                    "testing" => Mode::Testing,
                    "none" => Mode::None,
                    _ => return Err(Why::Mode),
                });
            }
            "max_age" => self.max_age = Some(max_age(value)?),
            // Keys are case-sensitive: this one is an unknown extension.
            _ if ["version", "mode", "max_age", "mx"]
                .iter()
                .any(|known| key.eq_ignore_ascii_case(known)) =>
            {
                self.advisories.push(Advisory::KeyCase {
                    line: number,
                    key: key.to_owned(),
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn mx(&mut self, value: &str) -> Result<(), Why> {
        let pattern = Pattern::parse(value).map_err(Why::Mx)?;
        if !self.patterns.insert(pattern.clone()) {
            self.advisories.push(Advisory::MxTwice(pattern));
            return Ok(());
        }
        if pattern.covers_public_suffix() {
            self.advisories
                .push(Advisory::MxPublicSuffix(pattern.clone()));
        }
        self.mx.push(pattern);
        Ok(())
    }

    fn fault(&mut self, line: Option<usize>, text: &str, why: Why) {
        self.faults.push(Fault {
            line,
            text: text.chars().take(120).collect(),
            why,
        });
    }

    fn finish(mut self) -> Reading {
        if let Some(age) = self.max_age {
            if age > MAX_AGE {
                self.advisories.push(Advisory::MaxAgeTooLarge(age));
            } else if age < DAY && self.mode != Some(Mode::None) {
                self.advisories.push(Advisory::MaxAgeUnderADay(age));
            } else if age < 7 * DAY && self.mode != Some(Mode::None) {
                self.advisories.push(Advisory::MaxAgeUnderAWeek(age));
            }
        }
        if self.mode == Some(Mode::None) && !self.mx.is_empty() {
            self.advisories.push(Advisory::MxWithoutMode);
        }
        let policy = match (self.mode, self.max_age) {
            (Some(mode), Some(max_age)) if self.faults.is_empty() => Ok(Policy {
                mode,
                max_age,
                mx: self.mx,
            }),
            _ => Err(self.faults),
        };
        Reading {
            policy,
            advisories: self.advisories,
        }
    }
}

/// `1*10(DIGIT)`.
fn max_age(value: &str) -> Result<u64, Why> {
    let digits = (1..=10).contains(&value.len()) && value.bytes().all(|c| c.is_ascii_digit());
    if digits {
        value.parse().map_err(|_| Why::MaxAge)
    } else {
        Err(Why::MaxAge)
    }
}

/// What the `Content-Type` of a policy is worth (RFC 8461, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaType {
    Plain,
    /// Some senders refuse it.
    Other(String),
    /// None was given: some senders refuse it.
    Missing,
}

/// Reads a `Content-Type` value. Parameters are ignored.
#[must_use]
pub fn media_type(content_type: Option<&str>) -> MediaType {
    match content_type.map(|value| value.split(';').next().unwrap_or_default().trim()) {
        None | Some("") => MediaType::Missing,
        Some(value) if value.eq_ignore_ascii_case("text/plain") => MediaType::Plain,
        Some(value) => MediaType::Other(value.chars().take(120).collect()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n\
                        mx: *.example.net\r\nmax_age: 1209600\r\n";

    fn whys(body: &str) -> Vec<(Option<usize>, Why)> {
        Policy::parse(body.as_bytes())
            .policy
            .unwrap_err()
            .into_iter()
            .map(|fault| (fault.line, fault.why))
            .collect()
    }

    #[test]
    fn m12_m13_well_formed_policies() {
        let Reading { policy, advisories } = Policy::parse(GOOD.as_bytes());
        let policy = policy.unwrap();
        assert_eq!(policy.mode, Mode::Enforce);
        assert_eq!(policy.max_age, 1_209_600);
        assert_eq!(
            policy
                .mx
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["mail.example.com", "*.example.net"]
        );
        assert_eq!(advisories, []);
        for same in [
            GOOD.replace("\r\n", "\n"),
            GOOD.trim_end().to_owned(),
            GOOD.replace(": ", ":"),
            GOOD.replace(": ", ":\t  "),
            GOOD.replace("\r\n", " \t\r\n"),
            format!("ext.1: anything at all \u{fc}\n{GOOD}"),
        ] {
            let reading = Policy::parse(same.as_bytes());
            assert_eq!(reading.policy.as_ref(), Ok(&policy), "{same:?}");
            assert_eq!(reading.advisories, [], "{same:?}");
        }
        // RFC 8461, section 3.2: mx may be missing in mode none alone.
        let none = Policy::parse(b"version: STSv1\nmode: none\nmax_age: 86400\n");
        assert_eq!(none.policy.unwrap().mode, Mode::None);
        assert_eq!(none.advisories, []);
    }

    #[test]
    fn m12_what_is_missing_is_named() {
        assert_eq!(
            whys("mx: a.example\n"),
            [
                (None, Why::MissingVersion),
                (None, Why::MissingMode),
                (None, Why::MissingMaxAge)
            ]
        );
        assert_eq!(
            whys("version: STSv1\nmode: testing\nmax_age: 604800\n"),
            [(None, Why::MissingMx)]
        );
    }

    #[test]
    fn m13_m14_m15_m17_each_fault_with_its_line() {
        let with = |line: &str| format!("{GOOD}{line}\n");
        for (line, why) in [
            (" ext: 1", Why::LeadingSpace),
            ("\text: 1", Why::LeadingSpace),
            ("junk", Why::NoColon),
            ("ext : 1", Why::SpaceBeforeColon),
            ("e xt: 1", Why::Key),
            (": 1", Why::Key),
            ("_ext: 1", Why::Key),
            ("ext:", Why::EmptyValue),
            ("ext: a\u{1}b", Why::ControlCharacter('\u{1}')),
            ("ext: a\rb", Why::ControlCharacter('\r')),
            ("mx: a.*.example", Why::Mx(InvalidPattern::Wildcard)),
            ("mx: a.example, b.example", Why::Mx(InvalidPattern::List)),
            ("mx:", Why::Mx(InvalidPattern::Empty)),
        ] {
            assert_eq!(whys(&with(line)), [(Some(6), why)], "{line:?}");
        }
        for (from, to, line, why) in [
            ("STSv1", "STSv2", 1, Why::Version),
            ("STSv1", "stsv1", 1, Why::Version),
            ("enforce", "Enforce", 2, Why::Mode),
            ("enforce", "enforce # soon", 2, Why::Mode),
            ("1209600", "two weeks", 5, Why::MaxAge),
            ("1209600", "12345678901", 5, Why::MaxAge),
            ("1209600", "-1", 5, Why::MaxAge),
            ("1209600", "1.5", 5, Why::MaxAge),
        ] {
            assert_eq!(whys(&GOOD.replace(from, to)), [(Some(line), why)], "{to}");
        }
        assert_eq!(
            Policy::parse(b"version: STSv1\nmode: none\nmax_age: 1\nx: \xff\n")
                .policy
                .unwrap_err()[0]
                .why,
            Why::NotUtf8
        );
        assert_eq!(
            whys(&format!("\u{feff}{GOOD}")),
            [(Some(1), Why::ByteOrderMark)]
        );
        let fault = &Policy::parse(with("mx: *").as_bytes()).policy.unwrap_err()[0];
        assert_eq!(
            fault.to_string(),
            "line 6: the mx value is no pattern: a * can only be the whole first label (\"mx: *\")"
        );
    }

    #[test]
    fn m10_a_page_an_empty_file_and_an_oversized_one_are_told_as_such() {
        assert_eq!(whys("\n <!DOCTYPE html>\n<p>404"), [(None, Why::Html)]);
        assert_eq!(whys(""), [(None, Why::Empty)]);
        assert_eq!(whys("\r\n \n"), [(None, Why::Empty)]);
        let at_limit = format!("{GOOD}x: {}\n", "y".repeat(MAX_SIZE - GOOD.len() - 4));
        assert_eq!(at_limit.len(), MAX_SIZE);
        assert!(Policy::parse(at_limit.as_bytes()).policy.is_ok());
        assert_eq!(
            whys(&format!("{at_limit}\n")),
            [(None, Why::TooLarge(MAX_SIZE + 1))]
        );
        assert_eq!(
            Policy::parse("junk\n".repeat(10_000).as_bytes())
                .policy
                .unwrap_err()
                .len(),
            MAX_FAULTS
        );
    }

    #[test]
    fn m15_the_age_is_flagged_not_refused() {
        for (age, advisory) in [
            ("0", Some(Advisory::MaxAgeUnderADay(0))),
            ("86399", Some(Advisory::MaxAgeUnderADay(86_399))),
            ("86400", Some(Advisory::MaxAgeUnderAWeek(86_400))),
            ("604800", None),
            ("31557600", None),
            ("31557601", Some(Advisory::MaxAgeTooLarge(31_557_601))),
            ("9999999999", Some(Advisory::MaxAgeTooLarge(9_999_999_999))),
        ] {
            let reading = Policy::parse(GOOD.replace("1209600", age).as_bytes());
            assert!(reading.policy.is_ok(), "{age}");
            assert_eq!(reading.advisories, Vec::from_iter(advisory), "{age}");
        }
    }

    #[test]
    fn m16_of_duplicates_the_first_counts_and_keys_keep_their_case() {
        let reading = Policy::parse(
            format!("{GOOD}mode: testing\nmx: MAIL.example.com\nMode: none\n\n").as_bytes(),
        );
        assert_eq!(reading.policy.unwrap().mode, Mode::Enforce);
        assert_eq!(
            reading.advisories,
            [
                Advisory::Duplicate {
                    line: 6,
                    key: "mode".into()
                },
                Advisory::MxTwice(Pattern::parse("mail.example.com").unwrap()),
                Advisory::KeyCase {
                    line: 8,
                    key: "Mode".into()
                },
                Advisory::BlankLine(9),
            ]
        );
        assert_eq!(
            whys(&GOOD.replace("mode:", "Mode:")),
            [(None, Why::MissingMode)]
        );
    }

    #[test]
    fn a_wildcard_for_everybody_and_idle_patterns_are_remarked() {
        let reading = Policy::parse(b"version: STSv1\nmode: none\nmax_age: 86400\nmx: *.com\n");
        assert_eq!(
            reading.advisories,
            [
                Advisory::MxPublicSuffix(Pattern::parse("*.com").unwrap()),
                Advisory::MxWithoutMode
            ]
        );
    }

    #[test]
    fn m6_m27_there_is_one_place_for_the_policy() {
        let domain = DomainName::parse("mail.B\u{fc}cher.example").unwrap();
        assert_eq!(
            url(&domain).as_deref(),
            Some("https://mta-sts.mail.xn--bcher-kva.example/.well-known/mta-sts.txt")
        );
    }

    #[test]
    fn m9_the_media_type_is_looked_at_without_its_parameters() {
        for (value, seen) in [
            (Some("text/plain"), MediaType::Plain),
            (Some("Text/Plain; charset=utf-8; x=y"), MediaType::Plain),
            (Some("text/html"), MediaType::Other("text/html".into())),
            (
                Some("application/octet-stream;x"),
                MediaType::Other("application/octet-stream".into()),
            ),
            (Some(" ; charset=utf-8"), MediaType::Missing),
            (None, MediaType::Missing),
        ] {
            assert_eq!(media_type(value), seen, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Policy::parse(&body);
        }

        #[test]
        fn no_line_makes_it_panic_or_slip_through_unread(line in "\\PC{0,60}") {
            let reading = Policy::parse(format!("{GOOD}{line}\n").as_bytes());
            if !line.contains(':') && !line.trim_matches([' ', '\t']).is_empty() {
                prop_assert!(reading.policy.is_err());
            }
        }
    }
}
