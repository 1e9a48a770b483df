//! Pages compared whole, white space and all, with an `.expected` file.
//!
//! What differs between two runs of the same world is put right first: today's
//! date and the clock, measured durations, fingerprints. Everything else must
//! be as it was; `UPDATE_EXPECTED=1 cargo test` writes the files anew, to be
//! read in the difference.

use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Puts right what differs between runs.
pub fn steady(page: &str) -> String {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date().to_string();
    let page = without_pem(&page.replace(&today, "2026-11-21"));
    let mut out = String::new();
    let mut rest = page.as_str();
    while !rest.is_empty() {
        let word = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-')))
            .unwrap_or(rest.len());
        if word == 0 {
            let next = rest.chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..next]);
            rest = &rest[next..];
            continue;
        }
        let (token, behind) = rest.split_at(word);
        out.push_str(&steady_word(token, behind));
        rest = behind;
    }
    out
}

/// Certificates are made anew in every run, and vary in length.
fn without_pem(page: &str) -> String {
    let mut inside = false;
    page.split_inclusive('\n')
        .filter(|line| {
            let body = inside && !line.starts_with("-----END");
            inside = line.starts_with("-----BEGIN") || body;
            !body
        })
        .collect()
}

fn steady_word(word: &str, behind: &str) -> String {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // 23:10 UTC, 23:10:59Z
    if let Some((hours, minutes)) = word.split_once(':')
        && hours.len() == 2
        && digits(hours)
        && digits(&minutes.replace(':', ""))
        && behind.trim_start().starts_with("UTC")
    {
        return "23:10".to_owned();
    }
    // 61.2 s of a duration, 0.012 of a dialogue
    if let Some((whole, fraction)) = word.split_once('.')
        && digits(whole)
        && digits(fraction)
        && (fraction.len() == 3 || behind.starts_with(" s"))
    {
        return format!("{}.{}", "0".repeat(whole.len()), "0".repeat(fraction.len()));
    }
    // 11 days left, 2 days after
    if digits(word) && (behind.starts_with(" days left") || behind.starts_with(" day left")) {
        return "NNN".to_owned();
    }
    // Fingerprints, serial numbers, whole or clipped (6cf12d78fbf24290...91921e)
    let hexadecimal = word.replace("...", "");
    if hexadecimal.len() >= 16
        && hexadecimal
            .bytes()
            .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    {
        return word
            .chars()
            .map(|c| if c == '.' { '.' } else { 'f' })
            .collect();
    }
    word.to_owned()
}

/// Compares a page with the file, or writes the file where that is asked for.
///
/// # Errors
/// When they differ, with the first line that does.
pub fn compare(page: &str, expected: &Path) -> Result<(), String> {
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::create_dir_all(expected.parent().unwrap()).unwrap();
        std::fs::write(expected, page).unwrap();
        return Ok(());
    }
    let wanted = std::fs::read_to_string(expected).unwrap_or_default();
    if wanted == page {
        return Ok(());
    }
    let first = page
        .lines()
        .zip(wanted.lines())
        .position(|(a, b)| a != b)
        .unwrap_or_else(|| page.lines().count().min(wanted.lines().count()));
    Err(format!(
        "the page differs from {} at line {} (UPDATE_EXPECTED=1 writes it anew):\n  is     {:?}\n  should {:?}\n{page}",
        expected.display(),
        first + 1,
        page.lines().nth(first),
        wanted.lines().nth(first),
    ))
}

/// The width a dated message text has for `{days-ago N}`.
const SOME_DAY: &str = "Thu, 01 Jan 2026";

/// Puts real dates into a message: `{days-ago N}` becomes the day N days ago,
/// as RFC 5322 writes it, without the time.
pub fn dated(message: &str) -> String {
    let mut out = message.to_owned();
    for days in 0..60 {
        out = out.replace(&format!("{{days-ago {days}}}"), &day(days));
    }
    out
}

/// The reverse, for pages that quote the message.
pub fn undated(page: &str) -> String {
    let mut out = page.to_owned();
    for days in 0..60 {
        out = out.replace(&day(days), SOME_DAY);
    }
    for days in 1..10 {
        out = out.replace(&then(days).strftime("%Y-%m-%d").to_string(), "2026-01-01");
    }
    out
}

fn day(days_ago: i64) -> String {
    then(days_ago).strftime("%a, %d %b %Y").to_string()
}

fn then(days_ago: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(24 * days_ago)
}

/// The faults of a page: wider than 80 columns, or with characters that a
/// terminal obeys.
pub fn faults(page: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for line in page.lines() {
        let columns = unicode_width::UnicodeWidthStr::width(line);
        if columns > 80 {
            faults.push(format!("{columns} columns: {line:?}"));
        }
    }
    faults.extend(raw_characters(page));
    faults
}

/// Characters that a terminal obeys or that reorder what is read.
pub fn raw_characters(text: &str) -> Vec<String> {
    text.chars()
        .filter(|&c| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                    | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{061c}')
        })
        .map(|c| format!("raw {:?}", c))
        .collect()
}
