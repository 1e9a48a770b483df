//! Where in a line stands what differs from line to line: an id, a recipient, the
//! time, and the number of a process that qmail tells in a comment.
//!
//! It is guessed from the octets alone, and [`Places::fit`] holds the guess to what
//! the whole reading of a line made of it.

use std::iter;
use std::ops::Range;

use crate::trace::date::{self, Plain};
use crate::trace::field;
use crate::trace::moved::Moved;
use crate::trace::recall::Understood;

/// Where in the octets of a field stands what differs from line to line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Places {
    /// The number in a comment `(qmail 4321 invoked by uid 89)`.
    pub process: Option<Range<usize>>,
    pub id: Option<Range<usize>>,
    pub recipient: Option<Range<usize>>,
    /// From behind the last semicolon to the zone.
    pub time: Range<usize>,
    pub date: Plain,
}

impl Places {
    /// None where a line has no date of the usual form.
    pub fn of(raw: &[u8]) -> Option<Self> {
        let semicolon = memchr::memrchr(b';', raw)?;
        let (before, behind) = raw.split_at(semicolon + 1);
        let date = date::plain(behind)?;
        let before = before.get(..semicolon)?;
        let process = process_of(before);
        let (mut id, mut recipient) = (None, None);
        for (opener, word) in last_words(before) {
            let text = bare(before, &word);
            if opener.eq_ignore_ascii_case(b"for") && recipient.is_none() {
                recipient = Some(word).filter(|_| is_recipient(text));
            } else if opener.eq_ignore_ascii_case(b"id") {
                id = Some(word).filter(|_| is_id(text));
                break;
            }
        }
        Some(Self {
            process,
            id,
            recipient,
            time: semicolon + 1..semicolon + 1 + date.zone,
            date,
        })
    }

    /// The places in `raw`, where it has these texts around what differs: those that
    /// [`Places::of`] finds, sooner found. `texts` are those around what stands in
    /// these places, one behind the other.
    pub fn alike(&self, texts: &[u8], raw: &[u8]) -> Option<Self> {
        let mut rest = Rest {
            texts,
            raw,
            passed: 0,
            at: 0,
        };
        let mut word = |place: &Option<Range<usize>>, is: fn(&[u8]) -> bool| match place {
            None => Some(None),
            Some(place) => rest.word(place, is).map(Some),
        };
        let process = word(&self.process, is_number)?;
        let id = word(&self.id, |word| is_id(unbracketed(word)))?;
        let recipient = word(&self.recipient, |word| is_recipient(unbracketed(word)))?;
        // A semicolon ends what must be the same here.
        rest.pass_to(self.time.start)?;
        let (start, behind) = (rest.at, rest.raw.get(rest.at..)?);
        let date = date::plain(behind)?;
        let same = date.weekday == self.date.weekday && behind.get(date.zone..) == Some(rest.texts);
        same.then(|| Self {
            process,
            id,
            recipient,
            time: start..start + date.zone,
            date,
        })
    }

    /// The words that differ, in order.
    pub fn words(&self) -> impl Iterator<Item = &Range<usize>> {
        self.process.iter().chain(&self.id).chain(&self.recipient)
    }

    /// The ranges that are cut out, in order.
    pub fn cuts(&self) -> impl Iterator<Item = &Range<usize>> {
        self.words().chain(iter::once(&self.time))
    }

    /// How what stands in a line of these places is moved in one of those.
    pub fn moved(&self, those: &Self) -> Moved {
        Moved::between(self.ends(), those.ends())
    }

    /// Where each of what differs ends, in order; the white space before the
    /// date, which is cut out with it, is one by itself.
    fn ends(&self) -> impl Iterator<Item = usize> {
        let last = [self.date().start, self.time.end];
        self.words().map(|word| word.end).chain(last)
    }

    /// Where the date stands.
    pub fn date(&self) -> Range<usize> {
        self.time.start + self.date.start..self.time.start + self.date.end
    }

    /// Whether a line that was read whole has the three in these places, and
    /// nothing else was made of them.
    pub fn fit(&self, raw: &[u8], line: &Understood) -> bool {
        let received = &line.received;
        let date = received
            .date
            .as_ref()
            .is_some_and(|date| date.span == self.date() && date.at.timestamp() == self.date.at);
        let same = |place: &Option<Range<usize>>, piece: &Option<field::Piece>| match place {
            None => true,
            Some(place) => piece.as_ref().is_some_and(|piece| {
                piece.span == *place && piece.text.as_bytes() == bare(raw, place)
            }),
        };
        let elsewhere = [
            &received.via,
            &received.with,
            &received.tls,
            &received.group,
        ];
        // The comment with the number is put together anew.
        let (comments, number) = match (&self.process, received.comments.split_first()) {
            (None, _) => (received.comments.as_slice(), true),
            (Some(process), Some((first, others))) => {
                (others, first.span.start + QMAIL.len() == process.start)
            }
            (Some(_), None) => return false,
        };
        let apart = elsewhere
            .into_iter()
            .flatten()
            .chain(comments)
            .chain(&received.other)
            .all(|piece| {
                self.cuts()
                    .all(|cut| piece.span.end <= cut.start || piece.span.start >= cut.end)
            });
        let version = line
            .software
            .as_ref()
            .and_then(|mark| mark.version.as_ref());
        let by_id = self.id.is_some()
            && version
                .is_some_and(|version| received.id.as_ref().is_some_and(|id| id.text == *version));
        date && number
            && same(&self.id, &received.id)
            && same(&self.recipient, &received.for_)
            && apart
            && !by_id
    }
}

/// How far a line was compared with another of the same texts.
struct Rest<'a> {
    /// What must still follow.
    texts: &'a [u8],
    raw: &'a [u8],
    /// Octets passed of the other, and of this one.
    passed: usize,
    at: usize,
}

impl Rest<'_> {
    /// Passes what both must have up to this place in the other.
    fn pass_to(&mut self, place: usize) -> Option<()> {
        let (same, texts) = self
            .texts
            .split_at_checked(place.checked_sub(self.passed)?)?;
        if !self.raw.get(self.at..)?.starts_with(same) {
            return None;
        }
        self.texts = texts;
        self.passed = place;
        self.at += same.len();
        Some(())
    }

    /// Passes a word that stands in this place in the other; gives its own.
    fn word(&mut self, place: &Range<usize>, is: fn(&[u8]) -> bool) -> Option<Range<usize>> {
        self.pass_to(place.start)?;
        let rest = self.raw.get(self.at..)?;
        let length = rest.iter().position(|b| ends_word(*b))?;
        if !is(rest.get(..length)?) {
            return None;
        }
        let word = self.at..self.at + length;
        (self.passed, self.at) = (place.end, word.end);
        Some(word)
    }
}

/// Whether a word that differs ends there: at white space, or before the date.
fn ends_word(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | b';')
}

/// How the comment begins that qmail puts before everything else.
pub(super) const QMAIL: &[u8] = b"(qmail ";

/// The number of the process that qmail tells.
fn process_of(text: &[u8]) -> Option<Range<usize>> {
    let colon = memchr::memchr(b':', text)?;
    let value = text.get(colon + 1..)?;
    let gap = value.iter().take_while(|b| **b == b' ').count();
    let number = value.get(gap..)?.strip_prefix(QMAIL)?;
    let length = number.iter().position(|b| *b == b' ')?;
    let start = colon + 1 + gap + QMAIL.len();
    is_number(number.get(..length)?).then_some(start..start + length)
}

fn is_number(word: &[u8]) -> bool {
    (1..=20).contains(&word.len()) && word.iter().all(u8::is_ascii_digit)
}

fn is_recipient(word: &[u8]) -> bool {
    memchr::memchr(b'@', word).is_some() && Made::of(word).plain
}

/// Words looked at before the date; a comment may stand among them.
const MOST_WORDS: usize = 12;

/// The last words of a text, last one first, each with the word before it.
fn last_words(text: &[u8]) -> impl Iterator<Item = (&[u8], Range<usize>)> {
    let space = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let mut before = text;
    let words = iter::from_fn(move || {
        let end = before.iter().rposition(|b| !space(b))? + 1;
        let start = before
            .get(..end)?
            .iter()
            .rposition(space)
            .map_or(0, |at| at + 1);
        before = text.get(..start)?;
        Some(start..end)
    });
    let mut words = words.take(MOST_WORDS);
    let mut word = words.next();
    iter::from_fn(move || {
        let opener = words.next()?;
        let word = word.replace(opener.clone())?;
        Some((text.get(opener)?, word))
    })
}

/// What a word is made of, by which it is told whether it differs from line to
/// line.
struct Made {
    digits: usize,
    dots: usize,
    /// Of letters, digits and a few marks alone.
    plain: bool,
}

impl Made {
    fn of(word: &[u8]) -> Self {
        const PLAIN: [bool; 256] = {
            let mut plain = [false; 256];
            let mut octet = 0;
            while octet < 128_u8 {
                plain[octet as usize] = octet.is_ascii_alphanumeric()
                    || matches!(octet, b'.' | b'_' | b'-' | b'+' | b'/' | b'=' | b'@');
                octet += 1;
            }
            plain
        };
        let mut made = Self {
            digits: 0,
            dots: 0,
            plain: word.len() <= 256,
        };
        for octet in word.iter().take(256) {
            made.digits += usize::from(octet.is_ascii_digit());
            made.dots += usize::from(*octet == b'.');
            made.plain &= PLAIN[usize::from(*octet)];
        }
        made
    }
}

/// Whether a word has a digit and is no version, which is the same in many lines.
fn is_id(word: &[u8]) -> bool {
    let Made {
        digits,
        dots,
        plain,
    } = Made::of(word);
    plain && digits > 0 && (dots == 0 || digits + dots < word.len())
}

/// A word without the angle brackets around it.
pub(super) fn bare<'a>(text: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    unbracketed(text.get(range.clone()).unwrap_or_default())
}

fn unbracketed(word: &[u8]) -> &[u8] {
    word.strip_prefix(b"<")
        .and_then(|word| word.strip_suffix(b">"))
        .unwrap_or(word)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// What stands around the places of a line.
    fn texts(raw: &[u8], places: &Places) -> Vec<u8> {
        let ends = places.cuts().map(|cut| cut.start).chain([raw.len()]);
        let starts = iter::once(0).chain(places.cuts().map(|cut| cut.end));
        starts
            .zip(ends)
            .flat_map(|(start, end)| raw[start..end].to_vec())
            .collect()
    }

    const LINES: [&str; 6] = [
        "Received: from a (a [192.0.2.7]) by b (Postfix; x) with ESMTPS id 4F00A1\n\tfor <ap@b>; Tue, 03 Nov 2026 09:14:07 +0000 (UTC)",
        "Received: from a by b with esmtp (Exim 4.96) id 1vAb23-0004cD-0A for ap@b; Tue, 03 Nov 2026 09:14:07 +0000",
        "Received: (qmail 4321 invoked by uid 89); 3 Nov 2026 09:14:07 -0000",
        "Received: by b id 7A;Tue, 3 Nov 2026 09:14:07 GMT",
        "Received: from a by b with SMTP id 15.20.9477.17 for <ap@b>; Tue, 03 Nov 2026 09:14:07 +0000",
        "Received: from a by b; Tue, 03 Nov 2026 09:14:07 +0000",
    ];

    #[test]
    fn a_line_like_another_has_its_places_where_they_are_found_without_it() {
        let words = [
            "4F00A1",
            "for",
            "id",
            "FOR1",
            "<7A>",
            "<7A",
            "7A>",
            "7;A",
            "1.2.3",
            "ap@c",
            "<x@c.example>",
            "x@",
            "@",
            "7",
            "",
            " ",
            "7 A",
            "\u{e9}7",
            "4321",
            "<4321>",
            "123456789012345678901",
        ];
        let dates = [
            " Wed, 04 Nov 2026 10:00:59 +0000 (UTC)",
            " Wed, 04 Nov 2026 10:00:59 +0100",
            " 4 Nov 2026 10:00:00 -0000",
            "Wed, 4 Nov 2026 10:00:00 GMT",
            "  4 Nov 2026 10:00:00 GMT",
            " Wed, 04 Nov 2026 10:00:59 +0000 (UTC); x",
            " no date",
            "",
        ];
        let mut found = 0;
        for line in LINES {
            let places = Places::of(line.as_bytes()).unwrap();
            let texts = texts(line.as_bytes(), &places);
            let check = |other: &str| {
                let raw = other.as_bytes();
                let alike = places.alike(&texts, raw)?;
                assert_eq!(Some(&alike), Places::of(raw).as_ref(), "{line}\n{other}");
                assert_eq!(texts, self::texts(raw, &alike), "{line}\n{other}");
                Some(())
            };
            assert!(check(line).is_some(), "{line}");
            for cut in places.words() {
                for word in words {
                    let mut other = line.to_owned();
                    other.replace_range(cut.clone(), word);
                    found += check(&other).iter().count();
                }
            }
            for date in dates {
                let mut other = line.to_owned();
                other.replace_range(places.time.start.., date);
                found += check(&other).iter().count();
            }
            // Any octet may be another, or missing.
            for at in 0..line.len() {
                for octet in [" ", ";", "<", "7", "@", "x", ""] {
                    let mut other = line.to_owned();
                    other.replace_range(at..=at, octet);
                    found += check(&other).iter().count();
                }
            }
        }
        assert!(found > 200, "{found}");
    }
}
