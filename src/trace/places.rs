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
#[derive(Debug, Clone)]
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
                let is = memchr::memchr(b'@', text).is_some() && Made::of(text).plain;
                recipient = Some(word).filter(|_| is);
            } else if opener.eq_ignore_ascii_case(b"id") {
                id = Some(word).filter(|_| Made::of(text).is_id(text));
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

/// How the comment begins that qmail puts before everything else.
pub(super) const QMAIL: &[u8] = b"(qmail ";

/// The number of the process that qmail tells.
fn process_of(text: &[u8]) -> Option<Range<usize>> {
    let colon = memchr::memchr(b':', text)?;
    let value = text.get(colon + 1..)?;
    let gap = value.iter().take_while(|b| **b == b' ').count();
    let number = value.get(gap..)?.strip_prefix(QMAIL)?;
    let length = number.iter().take_while(|b| b.is_ascii_digit()).count();
    let start = colon + 1 + gap + QMAIL.len();
    let ends = number.get(length) == Some(&b' ');
    (ends && (1..=20).contains(&length)).then_some(start..start + length)
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

    /// Whether it has a digit and is no version, which is the same in many lines.
    fn is_id(&self, word: &[u8]) -> bool {
        let Self {
            digits,
            dots,
            plain,
        } = *self;
        plain && digits > 0 && (dots == 0 || digits + dots < word.len())
    }
}

/// A word without the angle brackets around it.
pub(super) fn bare<'a>(text: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    let word = text.get(range.clone()).unwrap_or_default();
    word.strip_prefix(b"<")
        .and_then(|word| word.strip_suffix(b">"))
        .unwrap_or(word)
}
