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
            let made = || Made::whole(bare(before, &word));
            if opener.eq_ignore_ascii_case(b"for") && recipient.is_none() {
                recipient = made().is_some_and(Made::is_recipient).then_some(word);
            } else if opener.eq_ignore_ascii_case(b"id") {
                id = made().is_some_and(Made::is_id).then_some(word);
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
        let mut word = |place: &Option<Range<usize>>, brackets, is: fn(Made) -> bool| {
            let Some(place) = place else {
                return Some(None);
            };
            rest.word(place, brackets, is).map(Some)
        };
        let process = word(&self.process, false, Made::is_number)?;
        let id = word(&self.id, true, Made::is_id)?;
        let recipient = word(&self.recipient, true, Made::is_recipient)?;
        // A semicolon ends what must be the same here.
        rest.pass_to(self.time.start)?;
        let (start, behind) = (rest.at, rest.raw.get(rest.at..)?);
        let date = date::plain(behind)?;
        let same = behind.get(date.zone..) == Some(rest.texts);
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

    /// Passes a word that stands in this place in the other; gives its own. Angle
    /// brackets around it count as in [`bare`], if it may have them.
    fn word(
        &mut self,
        place: &Range<usize>,
        brackets: bool,
        is: fn(Made) -> bool,
    ) -> Option<Range<usize>> {
        self.pass_to(place.start)?;
        let rest = self.raw.get(self.at..)?;
        let bracket = usize::from(brackets && rest.first() == Some(&b'<'));
        let made = Made::of(rest.get(bracket..)?);
        let mut length = bracket + made.length;
        if bracket > 0 {
            (rest.get(length) == Some(&b'>')).then_some(())?;
            length += 1;
        }
        // A word ends at white space, or before the date.
        let ends = matches!(rest.get(length)?, b' ' | b'\t' | b'\r' | b'\n' | b';');
        if !ends || !is(made) {
            return None;
        }
        let word = self.at..self.at + length;
        (self.passed, self.at) = (place.end, word.end);
        Some(word)
    }
}

/// How the comment begins that qmail puts before everything else.
pub(super) const QMAIL: &[u8] = b"(qmail ";

/// The number of the process that qmail tells.
fn process_of(text: &[u8]) -> Option<Range<usize>> {
    let colon = memchr::memchr(b':', text)?;
    let value = text.get(colon + 1..)?;
    let gap = value.iter().take_while(|b| **b == b' ').count();
    let number = value.get(gap..)?.strip_prefix(QMAIL)?;
    let made = Made::of(number);
    let start = colon + 1 + gap + QMAIL.len();
    let is = number.get(made.length) == Some(&b' ') && made.is_number();
    is.then_some(start..start + made.length)
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
#[derive(Debug, Clone, Copy)]
struct Made {
    /// Octets of letters, digits and a few marks alone.
    length: usize,
    /// Which [kinds](Self::KINDS) are among them.
    kinds: u8,
}

impl Made {
    const DIGIT: u8 = 1;
    const DOT: u8 = 2;
    const AT: u8 = 4;
    const OTHER: u8 = 8;

    /// Of which kind each octet is; none where no such word has it.
    const KINDS: [u8; 256] = {
        let mut kinds = [0; 256];
        let mut octet = 0;
        while octet < 128_u8 {
            kinds[octet as usize] = match octet {
                b'0'..=b'9' => Self::DIGIT,
                b'.' => Self::DOT,
                b'@' => Self::AT,
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'-' | b'+' | b'/' | b'=' => Self::OTHER,
                _ => 0,
            };
            octet += 1;
        }
        kinds
    };

    /// The longest that is taken for one.
    const LONGEST: usize = 256;

    /// The word at the beginning of a text.
    fn of(text: &[u8]) -> Self {
        let mut made = Self {
            length: 0,
            kinds: 0,
        };
        for octet in text {
            let kind = Self::KINDS[usize::from(*octet)];
            if kind == 0 {
                break;
            }
            made.kinds |= kind;
            made.length += 1;
        }
        made
    }

    /// The word that a text is.
    fn whole(text: &[u8]) -> Option<Self> {
        Some(Self::of(text)).filter(|made| made.length == text.len())
    }

    fn has(self, kind: u8) -> bool {
        self.kinds & kind != 0
    }

    fn is_number(self) -> bool {
        self.kinds == Self::DIGIT && self.length <= 20
    }

    /// Whether it has a digit and is no version, which is the same in many lines.
    fn is_id(self) -> bool {
        self.length <= Self::LONGEST
            && self.has(Self::DIGIT)
            && (!self.has(Self::DOT) || self.has(Self::OTHER | Self::AT))
    }

    fn is_recipient(self) -> bool {
        self.length <= Self::LONGEST && self.has(Self::AT)
    }
}

/// A word without the angle brackets around it.
pub(super) fn bare<'a>(text: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    let word = text.get(range.clone()).unwrap_or_default();
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
