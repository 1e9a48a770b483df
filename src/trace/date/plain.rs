//! Dates in the form that nearly all software writes, read octet by octet.
//!
//! Any other form is not read here: [`find`](super::find) cuts a text into words.

use std::ops::Range;

use jiff::civil::{Date as Day, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use super::Found;

/// A date in the form that nearly all software writes, read without cutting
/// words: `Tue, 03 Nov 2026 09:14:07 +0000 (UTC)` and nothing behind it. What
/// it gives is what [`find`] gives of the same octets.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::trace) struct Plain {
    pub at: Timestamp,
    offset: Offset,
    /// A weekday stands before the day.
    pub weekday: bool,
    /// Octets of the text: the first of the date, the first of the zone, and one
    /// behind the last.
    pub start: usize,
    pub zone: usize,
    pub end: usize,
}

impl Plain {
    /// The time with its zone.
    pub fn zoned(&self) -> Zoned {
        self.at.to_zoned(TimeZone::fixed(self.offset))
    }

    pub(super) fn found(self, text: &str) -> Found {
        let zone = text.get(self.zone..self.end).unwrap_or_default();
        Found {
            at: self.zoned(),
            zone: match zone.split_once('(') {
                Some((zone, name)) => format!("{} ({name}", zone.trim_ascii_end()),
                None => zone.to_owned(),
            },
            start: self.start,
            end: self.end,
        }
    }
}

/// Reads a text that is a date of that form and nothing else.
pub(in crate::trace) fn plain(text: &[u8]) -> Option<Plain> {
    let (front, zone, seconds) = match usual(text) {
        Some(usual) => usual,
        None => any(text)?,
    };
    let mut rest = Octets { text, at: zone.end };
    let mut end = rest.at;
    if rest.spaces() > 0 && rest.text.get(rest.at) == Some(&b'(') {
        rest.at += 1;
        let word = rest.at;
        while rest
            .text
            .get(rest.at)
            .is_some_and(u8::is_ascii_alphanumeric)
        {
            rest.at += 1;
        }
        if !(1..=12).contains(&(rest.at - word)) || rest.take(1)? != b")" {
            return None;
        }
        end = rest.at;
        rest.spaces();
    }
    if rest.at < text.len() {
        return None;
    }
    let day = Day::new(front.year, front.month, front.day).ok()?;
    let [hour, minute, second] = front.time;
    // A leap second has no instant of its own here.
    let time = Time::new(hour, minute, second.min(59), 0);
    let offset = Offset::from_seconds(seconds).ok()?;
    let at = offset.to_timestamp(day.to_datetime(time.ok()?)).ok()?;
    Some(Plain {
        at,
        offset,
        weekday: front.weekday,
        start: front.start,
        zone: zone.start,
        end,
    })
}

/// A date and a time, before the zone.
#[derive(Debug, PartialEq)]
struct Front {
    weekday: bool,
    start: usize,
    year: i16,
    month: i8,
    day: i8,
    /// Hour, minute, second.
    time: [i8; 3],
}

/// A date with the place of its zone, and that in seconds, of which each part is as
/// long as it can be, behind one space: nearly all are so written, and they need not
/// be read octet by octet.
fn usual(text: &[u8]) -> Option<(Front, Range<usize>, i32)> {
    const FORM: &[u8; 32] = b" www, 00 mmm 0000 00:00:00 +0000";
    /// The least that each octet can be, and how much more it can be.
    const BOUNDS: ([u8; 32], [u8; 32]) = {
        let (mut least, mut more) = (*FORM, [0; 32]);
        let mut at = 0;
        while at < FORM.len() {
            (least[at], more[at]) = match FORM[at] {
                b'0' => (b'0', 9),
                b'w' | b'm' => (0, u8::MAX),
                // A minus is two above, a comma is told apart below.
                b'+' => (b'+', 2),
                same => (same, 0),
            };
            at += 1;
        }
        (least, more)
    };
    let (text, behind) = text.split_first_chunk::<32>()?;
    let bounds = BOUNDS.0.iter().zip(&BOUNDS.1);
    let mut is_usual = true;
    for (octet, (least, more)) in text.iter().zip(bounds) {
        is_usual &= octet.wrapping_sub(*least) <= *more;
    }
    let longer = behind.first().is_some_and(u8::is_ascii_digit);
    if !is_usual || longer || text[27] == b',' || !is_short_weekday(&text[1..4]) {
        return None;
    }
    let two = |at: usize| ((text[at] & 15) * 10 + (text[at + 1] & 15)) as i8;
    let front = Front {
        weekday: true,
        start: 1,
        year: i16::from(two(13)) * 100 + i16::from(two(15)),
        month: short_month(&text[9..12])?,
        day: two(6),
        time: [two(18), two(21), two(24)],
    };
    let seconds = zone_seconds(text[27], i32::from(two(28)), i32::from(two(30)));
    Some((front, 27..32, seconds))
}

fn zone_seconds(sign: u8, hours: i32, minutes: i32) -> i32 {
    let seconds = hours * 3600 + minutes * 60;
    if sign == b'-' { -seconds } else { seconds }
}

/// The same of any spacing.
fn any(text: &[u8]) -> Option<(Front, Range<usize>, i32)> {
    let mut rest = Octets { text, at: 0 };
    let front = front(&mut rest)?;
    if rest.spaces() == 0 {
        return None;
    }
    let zone = rest.at;
    let seconds = match rest.take(1)? {
        [sign @ (b'+' | b'-')] => {
            let digits = i32::from(rest.number(4, 4)?);
            zone_seconds(*sign, digits / 100, digits % 100)
        }
        b"G" if rest.take(2)? == b"MT" => 0,
        _ => return None,
    };
    Some((front, zone..rest.at, seconds))
}

fn front(rest: &mut Octets<'_>) -> Option<Front> {
    rest.spaces();
    let start = rest.at;
    let weekday = rest.text.get(start).is_some_and(u8::is_ascii_alphabetic);
    if weekday {
        let word = rest.take(3)?;
        if !is_short_weekday(word) || rest.take(1)? != b"," || rest.spaces() == 0 {
            return None;
        }
    }
    let day = rest.number(1, 2)?;
    if rest.spaces() == 0 {
        return None;
    }
    let month = short_month(rest.take(3)?)?;
    if rest.spaces() == 0 {
        return None;
    }
    let year = rest.number(4, 4)?;
    if rest.spaces() == 0 {
        return None;
    }
    let hour = rest.number(2, 2)?;
    let minute = (rest.take(1)? == b":").then(|| rest.number(2, 2))??;
    let second = (rest.take(1)? == b":").then(|| rest.number(2, 2))??;
    let small = |number: i16| i8::try_from(number).ok();
    Some(Front {
        weekday,
        start,
        year,
        month,
        day: small(day)?,
        time: [small(hour)?, small(minute)?, small(second)?],
    })
}

fn is_short_weekday(word: &[u8]) -> bool {
    matches!(
        word,
        b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun"
    )
}

/// The month of this name, from 1.
pub(crate) fn short_month(word: &[u8]) -> Option<i8> {
    Some(match word {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// A text read from its beginning.
struct Octets<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Octets<'a> {
    /// Passes white space, and gives how much there was.
    fn spaces(&mut self) -> usize {
        let from = self.at;
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.at - from
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.text.get(self.at..self.at + count)?;
        self.at += count;
        Some(taken)
    }

    /// A number of so many digits, no digit behind it.
    fn number(&mut self, least: usize, most: usize) -> Option<i16> {
        let from = self.at;
        let mut number = 0_i16;
        while let Some(digit) = self.text.get(self.at).filter(|b| b.is_ascii_digit()) {
            if self.at - from == most {
                return None;
            }
            number = number * 10 + i16::from(digit - b'0');
            self.at += 1;
        }
        (self.at - from >= least).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::trace::date::find_any;

    #[test]
    fn a_usual_date_is_what_its_octets_say() {
        let usual: &[u8] = b" Tue, 03 Nov 2026 09:14:07 -0730 (PST)";
        let found = super::usual(usual).unwrap();
        assert_eq!(Some(&found), any(usual).as_ref());
        let (front, zone, seconds) = found;
        assert_eq!((front.year, front.month, front.day), (2026, 11, 3));
        assert_eq!((front.time, zone, seconds), ([9, 14, 7], 27..32, -27_000));
        // Any octet may be another: what is still usual says the same.
        for at in 0..usual.len() {
            for octet in 0..=u8::MAX {
                let mut other = usual.to_vec();
                other[at] = octet;
                if let Some(found) = super::usual(&other) {
                    assert_eq!(Some(found), any(&other), "{other:?}");
                }
            }
        }
    }

    #[test]
    fn a_plain_date_is_what_any_date_is() {
        let comments = [
            "",
            " (UTC)",
            "\t(a)  ",
            " ",
            " (UTC) x",
            " (a b)",
            " ()",
            " (UTC)(x)",
            "(",
        ];
        for day in [
            "Tue, 03 Nov 2026",
            "3 Nov 2026",
            "Tue,  3\tNov\r\n 2026",
            "31 Feb 2026",
        ] {
            for time in ["09:14:07", "23:59:60", "24:00:00", "9:14:07", "09:14"] {
                for zone in ["+0000", "-0730", "+2600", "GMT", "EST", "0000", "+000"] {
                    for comment in comments {
                        let text = format!(" {day} {time} {zone}{comment}");
                        let Some(plain) = plain(text.as_bytes()) else {
                            continue;
                        };
                        let found = find_any(&text).unwrap_or_else(|| panic!("{text}"));
                        assert_eq!(plain.found(&text), found, "{text}");
                    }
                }
            }
        }
        assert!(plain(b" Tue, 03 Nov 2026 09:14:07 -0800 (PST)").is_some());
        assert!(plain(b"3 Nov 2026 09:13:58 -0000").is_some());
        assert!(plain(b"Tue, 03 Nov 2026 09:14:07 GMT").is_some());
    }
}
