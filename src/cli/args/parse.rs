//! Values of options, and what to write instead of a wrong one.

/// A time of which a day stands for its end.
pub fn end(text: &str) -> Result<jiff::Timestamp, String> {
    match text.parse::<jiff::civil::Date>() {
        Ok(date) if !text.contains(':') => date
            .tomorrow()
            .and_then(|next| next.to_zoned(jiff::tz::TimeZone::UTC))
            .map(|end| end.timestamp() - jiff::SignedDuration::from_millis(1))
            .map_err(|error| error.to_string()),
        _ => time(text),
    }
}

pub fn zone(text: &str) -> Result<jiff::tz::Offset, String> {
    crate::mta_log::zone(text).ok_or_else(|| "write it as +0200, -05:00 or UTC".to_owned())
}

/// A span in seconds: `90`, `90s`, `15m`, `6h`, `2d`.
pub fn span(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(end) => text.split_at(end),
        None => (text, "s"),
    };
    let seconds = match unit {
        "s" => Some(1),
        "m" | "min" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        _ => None,
    };
    seconds
        .zip(number.parse::<u64>().ok())
        .and_then(|(unit, number)| number.checked_mul(unit))
        .filter(|seconds| *seconds <= 366 * 86_400)
        .ok_or_else(|| "write a number of seconds, or one with m, h or d (15m, 6h)".to_owned())
}

pub fn time(text: &str) -> Result<jiff::Timestamp, String> {
    text.parse::<jiff::Timestamp>()
        .ok()
        .or_else(|| {
            let date: jiff::civil::Date = text.parse().ok()?;
            Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        })
        .ok_or_else(|| {
            "write a date (2026-12-24) or a time with zone (2026-12-24T18:00:00Z)".to_owned()
        })
}

/// A whole number of seconds, from 1 to the most that the option takes.
pub fn seconds<const MOST: u32>(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|seconds| (1..=MOST).contains(seconds))
        .ok_or_else(|| format!("write a whole number of seconds, from 1 to {MOST}"))
}
