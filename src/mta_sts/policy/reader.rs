//! Reads a policy file strictly, by the grammar of RFC 8461, section 3.2, and
//! goes on after a fault, so that all are told at once.

use std::collections::HashSet;

use super::{Advisory, Fault, MAX_AGE, MAX_FAULTS, MAX_SIZE, Mode, Policy, Reading, Why};
use crate::mta_sts::pattern::Pattern;

/// Reads a policy file as it came over HTTPS.
pub(super) fn read(body: &[u8]) -> Reading {
    Reader::default().read(body)
}

const DAY: u64 = 86_400;

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
