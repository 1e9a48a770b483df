//! Time stamps of logs, with what they leave out.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// A time as a log writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// With year and zone.
    Exact(Timestamp),
    /// Without a zone (Exim's own).
    Local(DateTime),
    /// Without year and zone (RFC 3164, section 4.1.2).
    Yearless { month: i8, day: i8, time: Time },
}

impl Stamp {
    /// The moment, for a hop of about `near`. `said` is the zone that somebody
    /// gave for the log, `own` the one that the host itself writes. The words
    /// say what was assumed; they are empty where nothing was.
    #[must_use]
    pub fn resolve(
        self,
        near: Timestamp,
        said: Option<Offset>,
        own: Option<Offset>,
    ) -> Option<(Timestamp, String)> {
        let offset = said.or(own).unwrap_or(Offset::UTC);
        let place = |local: DateTime| offset.to_timestamp(local).ok();
        let zone = if said.is_some() {
            String::new()
        } else {
            format!("zone {} assumed", zone_word(offset))
        };
        match self {
            Self::Exact(at) => Some((at, String::new())),
            Self::Local(local) => Some((place(local)?, doubt(&zone, false))),
            Self::Yearless { month, day, time } => {
                let year = near.to_zoned(TimeZone::UTC).year();
                // 29 February is in one year of four only.
                let nearest = [year - 1, year, year + 1]
                    .into_iter()
                    .filter_map(|year| place(Date::new(year, month, day).ok()?.to_datetime(time)))
                    .min_by_key(|at| at.duration_since(near).abs())?;
                Some((nearest, doubt(&zone, true)))
            }
        }
    }

    /// Seconds from an earlier stamp of the same log to this one; none where
    /// they cannot be compared.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<i64> {
        let span = match (earlier, self) {
            (Self::Exact(a), Self::Exact(b)) => b.duration_since(a),
            (Self::Local(a), Self::Local(b)) => b.duration_since(a),
            (
                Self::Yearless {
                    month: m,
                    day: d,
                    time: t,
                },
                Self::Yearless { month, day, time },
            ) => {
                let in_leap_year =
                    |month, day, time| Some(Date::new(2024, month, day).ok()?.to_datetime(time));
                in_leap_year(month, day, time)?.duration_since(in_leap_year(m, d, t)?)
            }
            _ => return None,
        };
        Some(SignedDuration::as_secs(&span))
    }
}

fn doubt(zone: &str, year: bool) -> String {
    match (zone.is_empty(), year) {
        (true, false) => String::new(),
        (true, true) => " (year assumed)".into(),
        (false, false) => format!(" ({zone})"),
        (false, true) => format!(" (year and {zone})"),
    }
}

fn zone_word(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// `Nov  3 09:14:07`, and what follows.
pub(super) fn syslog(text: &str) -> Option<(Stamp, &str)> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS.iter().position(|m| text.starts_with(m))?;
    let rest = text.get(3..)?.trim_start();
    let (day, rest) = rest.split_once(' ')?;
    let (time, rest) = rest.trim_start().split_once(' ')?;
    let stamp = Stamp::Yearless {
        month: i8::try_from(month + 1).ok()?,
        day: day.parse().ok().filter(|day| (1..=31).contains(day))?,
        time: clock(time)?,
    };
    Some((stamp, rest))
}

/// `2026-11-22T02:26:09.123456+00:00`, `+0000` or `Z` as journald's short-iso
/// and rsyslog write it, and what follows.
pub(super) fn iso(text: &str) -> Option<(Stamp, &str)> {
    let (word, rest) = text.split_once(' ')?;
    if word.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let at = match word.parse::<Timestamp>() {
        Ok(at) => at,
        // journald leaves the colon out.
        Err(_) => {
            let local = word.get(..word.len().checked_sub(5)?)?;
            let offset = offset(word.get(word.len() - 5..)?)?;
            offset.to_timestamp(local.parse().ok()?).ok()?
        }
    };
    Some((Stamp::Exact(at), rest))
}

/// `2026-11-22 02:26:09`, perhaps with milliseconds, perhaps with a zone, as
/// Exim writes it, and what follows.
pub(super) fn exim(text: &str) -> Option<(Stamp, &str)> {
    let (date, rest) = text.split_once(' ')?;
    let date: Date = (date.len() == 10).then(|| date.parse().ok())??;
    let (time, rest) = rest.split_once(' ')?;
    let local = date.to_datetime(clock(time)?);
    if let Some((zone, after)) = rest.split_once(' ')
        && let Some(offset) = offset(zone)
    {
        return Some((Stamp::Exact(offset.to_timestamp(local).ok()?), after));
    }
    Some((Stamp::Local(local), rest))
}

fn clock(text: &str) -> Option<Time> {
    let whole = text.split('.').next()?;
    (whole.len() == 8).then(|| whole.parse().ok())?
}

/// `+0200`, `-05:30`, `UTC`, `Z`.
#[must_use]
pub fn offset(text: &str) -> Option<Offset> {
    if matches!(text, "UTC" | "GMT" | "Z" | "utc") {
        return Some(Offset::UTC);
    }
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits[2..].parse().ok()?;
    (hours <= 14 && minutes < 60)
        .then(|| Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok())?
}
