//! What a line is: a field's first line, a postmark, or blank.

use crate::trace::date::short_month;

/// How a postmark begins (RFC 4155, appendix A).
pub(super) const POSTMARK: &[u8] = b"From ";

/// Longer names and postmarks are something else.
const LONGEST_NAME: usize = 128;
const LONGEST_POSTMARK: usize = 1000;

/// Postmarks of UUCP's relays behind a message's own.
pub(super) const MOST_OLD_POSTMARKS: usize = 8;

/// Git writes this date on every patch it makes for mailing, whatever the day.
const GIT_DATE: &[u8] = b"Mon Sep 17 00:00:00 2001";

/// Fields that stand first in messages as they are kept, written by the last
/// server or by the mailbox's owner.
const FIRST_FIELDS: [&[u8]; 16] = [
    b"received",
    b"return-path",
    b"delivered-to",
    b"x-original-to",
    b"envelope-to",
    b"delivery-date",
    b"authentication-results",
    b"arc-seal",
    b"message-id",
    b"status",
    b"x-mozilla-status",
    b"x-mozilla-keys",
    b"x-gm-thrid",
    b"x-gmail-labels",
    b"x-account-key",
    b"x-uidl",
];

/// Whether more octets are needed to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Yes,
    No,
    /// The decision needs octets that are not visible yet.
    More,
}

/// What a mailbox's first postmark shows of its writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Postmarks come without a date.
    pub undated: bool,
    /// A series of patches: Git's own postmarks part them. Elsewhere such a
    /// line opens a patch inside a body.
    pub patches: bool,
}

impl Dialect {
    /// The dialect of a mailbox that begins with this postmark.
    pub fn of(postmark: &[u8]) -> Self {
        let line = first_line(postmark, LONGEST_POSTMARK);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Self {
            undated: !is_dated(line),
            patches: line.ends_with(GIT_DATE),
        }
    }
}

/// Where a line stands that may be a postmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Inside a header section, where a postmark can only be a postmark.
    Header,
    /// After a blank line, or after octets that were never written.
    Blank,
    /// After a line of text.
    Text,
}

/// Whether `text` begins with a field's first line: a name of printable
/// characters and a colon (RFC 5322, section 2.2), which an older writer may
/// part by white space (section 4.5.8).
pub(super) fn begins_field(text: &[u8], last: bool) -> Told {
    for (at, &octet) in text.iter().enumerate().take(LONGEST_NAME) {
        match octet {
            b':' => return yes_if(at > 0),
            b' ' | b'\t' => {
                let rest = text.get(at..).unwrap_or_default();
                let gap = rest
                    .iter()
                    .take(LONGEST_NAME)
                    .take_while(|b| matches!(b, b' ' | b'\t'))
                    .count();
                return match rest.get(gap) {
                    Some(b':') => yes_if(at > 0),
                    None if !last && gap < LONGEST_NAME => Told::More,
                    _ => Told::No,
                };
            }
            33..=126 => {}
            _ => return Told::No,
        }
    }
    if text.len() < LONGEST_NAME && !last {
        Told::More
    } else {
        Told::No
    }
}

/// Whether `text`, which begins with `From `, begins a message of an mbox.
///
/// RFC 4155, appendix A, has a postmark after a blank line, with an address
/// and a date. Writers leave out the blank line (a file that was cut short and
/// then added to) or the date, and bodies hold lines that begin with `From `.
/// So the header of a message must follow, and where blank line or date are
/// missing it must begin as kept messages do.
pub(super) fn begins_message(text: &[u8], last: bool, before: Before, dialect: Dialect) -> Told {
    // No postmark holds a NUL; to stop there keeps a run of them cheap.
    let head = text.get(..LONGEST_POSTMARK).unwrap_or(text);
    let line = match memchr::memchr2(b'\n', 0, head) {
        Some(end) if head.get(end) == Some(&0) => return Told::No,
        None if head.len() == LONGEST_POSTMARK => return Told::No,
        end => head.get(..end.unwrap_or(head.len())).unwrap_or_default(),
    };
    let Some(mut rest) = text.get(line.len() + 1..) else {
        return if last { Told::No } else { Told::More };
    };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.ends_with(GIT_DATE) && !dialect.patches {
        return Told::No;
    }
    // UUCP's relays left their postmarks in a row.
    for _ in 0..MOST_OLD_POSTMARKS {
        if !rest.starts_with(b">From ") {
            break;
        }
        let passed = first_line(rest, LONGEST_POSTMARK).len() + 1;
        match rest.get(passed..) {
            Some(next) => rest = next,
            None => return if last { Told::No } else { Told::More },
        }
    }
    if rest.len() < 6 && !last {
        return Told::More;
    }
    match begins_field(rest, last) {
        Told::Yes => {}
        other => return other,
    }
    let dated = is_dated(line);
    yes_if(match before {
        Before::Header => dated || dialect.undated,
        Before::Blank => dated || dialect.undated || begins_kept(rest),
        Before::Text => dated && begins_kept(rest),
    })
}

/// A postmark: a message's own, or one that UUCP's relays left.
pub(super) fn is_old_postmark(text: &[u8]) -> bool {
    text.starts_with(b">From ") || text.starts_with(POSTMARK)
}

/// The first line of `text`, its line end not included, at most `limit` octets.
pub(super) fn first_line(text: &[u8], limit: usize) -> &[u8] {
    let text = text.get(..limit).unwrap_or(text);
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The name of the field whose first line this is.
pub(super) fn field_name(line: &[u8]) -> Option<&[u8]> {
    if begins_field(line, true) != Told::Yes {
        return None;
    }
    let end = memchr::memchr(b':', line)?;
    Some(line.get(..end)?.trim_ascii_end())
}

/// Whether `text` begins a field of a name that one would expect at the start
/// of a message: prose and numbers come with colons too.
pub(super) fn begins_likely_field(text: &[u8]) -> bool {
    let letter = text.first().is_some_and(u8::is_ascii_alphabetic);
    let colon = memchr::memchr(b':', first_line(text, LONGEST_NAME));
    let address = colon.is_some_and(|at| {
        text.get(at + 1..)
            .is_some_and(|rest| rest.starts_with(b"//"))
    });
    letter && !address && begins_field(text, true) == Told::Yes
}

/// Whether the field whose first line this is stands first in kept messages.
pub(super) fn begins_kept(line: &[u8]) -> bool {
    field_name(line).is_some_and(|name| {
        FIRST_FIELDS
            .iter()
            .any(|first| name.eq_ignore_ascii_case(first))
    })
}

/// Whether a postmark holds a date as `asctime` writes it: a month, a time of
/// day, a year.
fn is_dated(line: &[u8]) -> bool {
    ends_in_asctime(line) || has_date(line)
}

/// Whether these three are among its words.
fn has_date(line: &[u8]) -> bool {
    let (mut month, mut time, mut year) = (false, false, false);
    for word in line.split(|b| matches!(b, b' ' | b'\t' | b'\r' | b',')) {
        if word.len() < 4 {
            month |= short_month(word).is_some();
            continue;
        }
        let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
        time |= digits >= 3 && word.contains(&b':');
        year |= digits == 4 && word.len() == 4;
    }
    month && time && year
}

/// Whether a line ends in such a date as nearly all do: `Nov  3 09:14:07 2026`
/// behind a space.
fn ends_in_asctime(line: &[u8]) -> bool {
    const FORM: &[u8; 21] = b" mmm .. 00:00:00 0000";
    line.last_chunk::<21>().is_some_and(|end| {
        FORM.iter().zip(end).all(|(form, octet)| match form {
            b'0' => octet.is_ascii_digit(),
            b'm' | b'.' => true,
            _ => octet == form,
        }) && short_month(&end[1..4]).is_some()
    })
}

fn yes_if(yes: bool) -> Told {
    if yes { Told::Yes } else { Told::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_ends_in_a_date_has_the_words_of_one() {
        let usual = b"From bo@c.example Tue Nov  3 09:14:07 2026";
        assert!(ends_in_asctime(usual));
        let mut dated = 0;
        for at in 0..usual.len() {
            for octet in 0..=u8::MAX {
                let mut line = usual.to_vec();
                line[at] = octet;
                if ends_in_asctime(&line) {
                    dated += 1;
                    assert!(has_date(&line), "{line:?}");
                }
            }
        }
        // Whatever stands before the month, and other digits.
        assert!(dated > 5_000, "{dated}");
        for other in [
            &b"From bo@c.example Tue, 3 Nov 2026 09:14:07 +0000"[..],
            b"From bo@c.example  Tue Nov  3 09:14 2026",
            b"From - Tue Nov  3 09:14:07 2026 remote from uucp",
        ] {
            assert!(!ends_in_asctime(other) && has_date(other));
        }
        assert!(!is_dated(b"From here on it was Tuesday"));
    }
}
