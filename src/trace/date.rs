//! The date of a trace line: RFC 5322, section 3.3, its obsolete forms
//! (section 4.3), and what software writes instead.
//!
//! Read besides: dates without weekday, without seconds, with fractions of a
//! second (SendGrid), asctime order (`Fri Feb 07 10:18:12 2003 -0800`), Go's
//! own format (`2022-10-11 07:58:54.25 +0000 UTC m=+1.5`), two-digit years,
//! zones as names or in parentheses only. Text before and after is passed
//! over. Not read: a time without a day, which fixes no instant.

mod plain;

use jiff::Zoned;
use jiff::civil::{Date as Day, Time};
use jiff::tz::{Offset, TimeZone};

pub(crate) use plain::short_month;
pub(super) use plain::{Plain, plain};

/// How many words of a text are looked at; a date has at most seven.
const MOST_WORDS: usize = 64;

/// A date found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub at: Zoned,
    /// The zone as written, empty where none is.
    pub zone: String,
    /// Octets of the text from the first to the last word of the date.
    pub start: usize,
    pub end: usize,
}

/// A word with its place in the text.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    start: usize,
    comment: bool,
}

/// Finds the first date in `text`.
#[must_use]
pub fn find(text: &str) -> Option<Found> {
    match plain(text.as_bytes()) {
        Some(plain) => Some(plain.found(text)),
        None => find_any(text),
    }
}

/// The first date in `text`, where its place does not matter.
pub(super) fn instant(text: &str) -> Option<Zoned> {
    match plain(text.as_bytes()) {
        Some(plain) => Some(plain.zoned()),
        None => find_any(text).map(|found| found.at),
    }
}

fn find_any(text: &str) -> Option<Found> {
    let words = words_of(text, MOST_WORDS);
    (0..words.len()).find_map(|at| read_at(&words, at))
}

/// Finds the last date in the last few words of `text`, for lines that lack
/// the semicolon.
#[must_use]
pub fn find_last(text: &str) -> Option<Found> {
    let mut cut = text.len().saturating_sub(96);
    while !text.is_char_boundary(cut) {
        cut += 1;
    }
    let tail = &text[cut..];
    let words = words_of(tail, MOST_WORDS);
    (0..words.len())
        .find_map(|at| read_at(&words, at))
        .map(|mut found| {
            found.start += cut;
            found.end += cut;
            found
        })
}

fn words_of(text: &str, most: usize) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut depth = 0_usize;
    let mut comment = false;
    let mut push = |from: usize, to: usize, comment: bool| {
        if words.len() < most {
            let raw = &text[from..to];
            words.push(Word {
                text: raw.trim_end_matches(','),
                start: from,
                comment,
            });
        }
        words.len() < most
    };
    for (at, c) in text.char_indices() {
        let breaks = c.is_ascii_whitespace() || c == '(' || c == ')' || c == ';';
        if breaks {
            if let Some(from) = start.take()
                && !push(from, at, comment)
            {
                return words;
            }
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
        } else if start.is_none() {
            start = Some(at);
            comment = depth > 0;
        }
        // `Thu,21 May` is one word to the eye of a writer only.
        if c == ','
            && let Some(from) = start
        {
            if !push(from, at + 1, comment) {
                return words;
            }
            start = None;
        }
    }
    if let Some(from) = start {
        push(from, text.len(), comment);
    }
    words
}

fn read_at(words: &[Word<'_>], at: usize) -> Option<Found> {
    let first = words.get(at)?;
    if first.comment {
        return None;
    }
    let mut next = at;
    if is_weekday(first.text) {
        next += 1;
    }
    let (day, time_at) = read_day(words, next)?;
    let (time, mut zone_at, day) = match day {
        DayOrder::Full(date) => (read_time(words.get(time_at)?.text)?, time_at + 1, date),
        // asctime: the year stands behind the time.
        DayOrder::YearAfterTime { month, day } => {
            let time = read_time(words.get(time_at)?.text)?;
            let year = read_year(words.get(time_at + 1)?.text)?;
            (time, time_at + 2, Day::new(year, month, day).ok()?)
        }
    };
    let mut last = zone_at - 1;
    let mut offset = Offset::UTC;
    let mut zone = String::new();
    let mut found_zone = false;
    if let Some(word) = words.get(zone_at)
        && let Some(seconds) = read_zone(word.text)
    {
        offset = Offset::from_seconds(seconds).ok()?;
        zone.push_str(word.text);
        found_zone = true;
        last = zone_at;
        zone_at += 1;
    }
    if let Some(word) = words.get(zone_at)
        && word.comment
        && word.text.len() <= 12
        && !word.text.contains('=')
        && word
            .text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-:".contains(c))
        && (found_zone || read_zone(word.text).is_some())
        && words.get(zone_at + 1).is_none_or(|after| !after.comment)
    {
        if !found_zone {
            offset = Offset::from_seconds(read_zone(word.text)?).ok()?;
            zone = format!("({})", word.text);
        } else {
            zone = format!("{zone} ({})", word.text);
        }
        last = zone_at;
    }
    let at_instant = day
        .to_datetime(time)
        .to_zoned(TimeZone::fixed(offset))
        .ok()?;
    let end_word = words.get(last)?;
    let end = end_word.start + end_word.text.len() + usize::from(end_word.comment);
    Some(Found {
        at: at_instant,
        zone,
        start: first.start,
        end,
    })
}

enum DayOrder {
    Full(Day),
    YearAfterTime { month: i8, day: i8 },
}

fn read_day(words: &[Word<'_>], at: usize) -> Option<(DayOrder, usize)> {
    let first = words.get(at)?.text;
    // 2022-10-11
    if first.len() == 10 && first.as_bytes().get(4) == Some(&b'-') {
        let mut parts = first.split('-');
        let year = parts.next()?.parse().ok()?;
        let month = parts.next()?.parse().ok()?;
        let day = parts.next()?.parse().ok()?;
        return Some((DayOrder::Full(Day::new(year, month, day).ok()?), at + 1));
    }
    // 11-Oct-2022
    if let Some((day, rest)) = first.split_once('-')
        && let Some((month, year)) = rest.split_once('-')
        && let Some(month) = month_of(month)
    {
        let date = Day::new(read_year(year)?, month, read_number(day)?).ok()?;
        return Some((DayOrder::Full(date), at + 1));
    }
    if let Some(month) = month_of(first) {
        let day = read_number(words.get(at + 1)?.text)?;
        let third = words.get(at + 2)?.text;
        // Oct 11 2022 07:58:54, or Oct 11 07:58:54 2022
        if let Some(year) = read_year(third) {
            return Some((DayOrder::Full(Day::new(year, month, day).ok()?), at + 3));
        }
        return Some((DayOrder::YearAfterTime { month, day }, at + 2));
    }
    let day = read_number(first)?;
    let month = month_of(words.get(at + 1)?.text)?;
    let year = read_year(words.get(at + 2)?.text)?;
    Some((DayOrder::Full(Day::new(year, month, day).ok()?), at + 3))
}

fn read_number(word: &str) -> Option<i8> {
    if word.is_empty() || word.len() > 2 || !word.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    word.parse().ok()
}

/// RFC 5322, section 4.3: two digits below 50 mean 20xx, other two digits and
/// three digits add to 1900.
fn read_year(word: &str) -> Option<i16> {
    if !word.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let year: i16 = word.parse().ok()?;
    match word.len() {
        2 if year < 50 => Some(2000 + year),
        2 | 3 => Some(1900 + year),
        4 => Some(year),
        _ => None,
    }
}

fn read_time(word: &str) -> Option<Time> {
    let mut parts = word.split(':');
    let hour: i8 = read_number(parts.next()?)?;
    let minute: i8 = read_number(parts.next()?)?;
    let mut second = 0_i8;
    let mut nanos = 0_i32;
    if let Some(text) = parts.next() {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        // A leap second has no instant of its own here.
        second = read_number(whole)?.min(59);
        if !fraction.is_empty() {
            if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let nine: String = fraction
                .chars()
                .chain("000000000".chars())
                .take(9)
                .collect();
            nanos = nine.parse().ok()?;
        }
    }
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, nanos).ok()
}

/// The offset in seconds of a zone as written: digits, a name of RFC 5322,
/// section 4.3, or a few more that mail software writes.
fn read_zone(word: &str) -> Option<i32> {
    let upper = word.to_ascii_uppercase();
    let digits = upper
        .strip_prefix("GMT")
        .or_else(|| upper.strip_prefix("UTC"))
        .unwrap_or(&upper);
    if digits.is_empty() {
        return Some(0);
    }
    if let Some(sign) = digits.chars().next().filter(|c| matches!(c, '+' | '-')) {
        let plain: String = digits[1..].chars().filter(|c| *c != ':').collect();
        if !plain.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (hours, minutes): (i32, i32) = match plain.len() {
            1 | 2 => (plain.parse().ok()?, 0),
            4 => (plain[..2].parse().ok()?, plain[2..].parse().ok()?),
            _ => return None,
        };
        let seconds = hours * 3600 + minutes * 60;
        return Some(if sign == '-' { -seconds } else { seconds });
    }
    let hours = match upper.as_str() {
        "UT" | "Z" | "WET" => 0,
        "EST" | "CDT" => -5,
        "EDT" => -4,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        "BST" | "CET" | "WEST" | "MET" => 1,
        "CEST" | "EET" | "MEST" => 2,
        "EEST" | "MSK" => 3,
        "JST" | "KST" => 9,
        "AEST" => 10,
        "AEDT" => 11,
        _ => return None,
    };
    Some(hours * 3600)
}

fn is_weekday(word: &str) -> bool {
    word.get(..3).is_some_and(|head| {
        word.len() <= 9
            && ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
                .iter()
                .any(|day| day.eq_ignore_ascii_case(head))
    })
}

fn month_of(word: &str) -> Option<i8> {
    let head = word.get(..3)?;
    if word.len() > 9 || !word.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let at = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    .iter()
    .position(|month| month.eq_ignore_ascii_case(head))?;
    i8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn dates_are_read_as_software_writes_them() {
        for (text, instant, zone) in [
            (
                " Tue, 03 Nov 2026 09:14:07 +0000",
                "2026-11-03T09:14:07Z",
                "+0000",
            ),
            (
                " Sun, 28 Jun 2020 01:04:46 +1000 (AEST)",
                "2020-06-27T15:04:46Z",
                "+1000 (AEST)",
            ),
            (
                "14 Nov 2003 08:05:50 -0000",
                "2003-11-14T08:05:50Z",
                "-0000",
            ),
            (
                "Wed,  9 Aug 2023 10:46:43 GMT",
                "2023-08-09T10:46:43Z",
                "GMT",
            ),
            (
                "Fri Feb 07 10:18:12 2003 -0800",
                "2003-02-07T18:18:12Z",
                "-0800",
            ),
            (
                "2022-10-11 07:58:54.257869384 +0000 UTC m=+1160047.2",
                "2022-10-11T07:58:54.257869384Z",
                "+0000",
            ),
            (
                "Thu, 29 Jul 2021 06:29:00.131 +0000 (UTC)",
                "2021-07-29T06:29:00.131Z",
                "+0000 (UTC)",
            ),
            (
                "Mon, 12 Dec 2022 18:25:29 +0800 (GMT+08:00)",
                "2022-12-12T10:25:29Z",
                "+0800 (GMT+08:00)",
            ),
            ("Thu, 7 Jul 94 11:51 EDT", "1994-07-07T15:51:00Z", "EDT"),
            (
                "Thu, 16 Apr 2020 19:27:01 -1100",
                "2020-04-17T06:27:01Z",
                "-1100",
            ),
            (
                "Sat, 31 Dec 2016 23:59:60 +0000",
                "2016-12-31T23:59:59Z",
                "+0000",
            ),
            (
                "(version=TLSv1/SSLv3 cipher=X bits=256/256) Fri, 27 Mar 2020 12:58:45 -0000",
                "2020-03-27T12:58:45Z",
                "-0000",
            ),
            (
                "Wed, 22 May 2019 10:17:26 +0300 (using TLSv1.2 with cipher C (128/128 bits))",
                "2019-05-22T07:17:26Z",
                "+0300",
            ),
        ] {
            let found = find(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                found.at.timestamp(),
                instant.parse::<jiff::Timestamp>().unwrap(),
                "{text}"
            );
            assert_eq!(found.zone, zone, "{text}");
            assert!(text.get(found.start..found.end).is_some(), "{text}");
        }
    }

    #[test]
    fn what_fixes_no_instant_is_no_date() {
        for text in [
            "",
            "14:47:44 +0000",
            "Tue, 31 Feb 2020 00:00:00 +0000",
            "yesterday",
            "1 2 3 4",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
