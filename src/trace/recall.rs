//! Lines that are like lines read before.
//!
//! One host writes one line over and over: what differs from message to message
//! is the id, the recipient and the time. [`read`] cuts these three out of the
//! octets of a field; what is left is its pattern, and two lines of one pattern
//! say the same, but for the three. So the last few hundred patterns are
//! remembered with all that was concluded from them. (qmail has no id, but tells
//! the number of its process in a comment: that counts as one.)
//!
//! Where the three stand is guessed from the octets alone. A pattern is
//! remembered only if the whole reading of its first line found them in the same
//! places, and only for words that cannot be taken for anything else (an id has a
//! digit, a recipient an `@`, neither has a parenthesis). What software tells
//! itself by in an id is part of the pattern ([`id_marks`]), and so is which of
//! its texts stand in the line.
//!
//! The memory is a thread's own, bounded, and forgets what was not met lately.

use std::cell::RefCell;
use std::iter;
use std::ops::Range;
use std::rc::Rc;

use jiff::Timestamp;

use crate::lately::Lately;
use crate::trace::chain::{Leg, SoftwareMark};
use crate::trace::conclude;
use crate::trace::date::{self, Plain};
use crate::trace::evidence::{Evidence, EvidenceKind, Says, TlsEvidence};
use crate::trace::field::{self, Received};
use crate::trace::identity::Identity;
use crate::trace::leg::leg;
use crate::trace::message::Field;
use crate::trace::software::{Table, id_marks};

/// Longer lines are read anew each time.
const LONGEST: usize = 1024;

/// Octets of the patterns that are remembered, twice over; what was concluded
/// from them takes five to ten times as much.
const MOST_OCTETS: usize = 96 << 10;

/// How much of a line is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Whole,
    /// Who handed over to whom and when, and with TLS or without: nothing that
    /// only people read.
    Gist,
}

/// What one line says. Places count from the field's first octet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Understood {
    pub received: Received,
    pub software: Option<SoftwareMark>,
    pub leg: Leg,
    pub tls: TlsEvidence,
}

/// One `Received` field that was read.
#[derive(Debug)]
pub(super) enum Line {
    /// It is of a pattern that is remembered.
    Like(Like),
    New(Box<Understood>),
}

/// A line of a pattern, with what is its own.
#[derive(Debug)]
pub(super) struct Like {
    known: Rc<Known>,
    places: Places,
}

/// By how much what stands behind each cut is moved; the cuts of a pattern's
/// first line, last one first.
#[derive(Debug, Default)]
struct Moved([(usize, isize); 4]);

impl Moved {
    fn to(&self, at: usize) -> usize {
        let behind = self.0.iter().find(|(end, _)| *end <= at);
        at.saturating_add_signed(behind.map_or(0, |(_, by)| *by))
    }
}

impl Like {
    fn moved(&self) -> Moved {
        let mut moved = Moved([(usize::MAX, 0); 4]);
        let cuts = self.known.places.cuts().zip(self.places.cuts());
        for (slot, (old, new)) in moved.0.iter_mut().rev().zip(cuts) {
            // Both count from the beginning of one short line.
            *slot = (old.end, new.end as isize - old.end as isize);
        }
        moved
    }
}

/// Reads one `Received` field, or recalls what a line of its pattern said.
pub(super) fn read(field: &Field<'_>, table: &Table) -> Line {
    let raw = field.raw();
    let new = || Line::New(Box::new(anew(field, table)));
    if field.is_quoted() || raw.len() > LONGEST {
        return new();
    }
    let Some(places) = Places::of(raw) else {
        return new();
    };
    MEMORY.with_borrow_mut(|memory| {
        memory.begin(raw, &places, table);
        if let Some(known) = memory.lines.recall(&memory.pattern) {
            return Line::Like(Like { known, places });
        }
        let line = anew(field, table);
        if !places.fit(raw, &line) {
            return Line::New(Box::new(line));
        }
        memory.number += 1;
        let known = Rc::new(Known {
            number: memory.number,
            line,
            between: places.between(raw),
            places: places.clone(),
        });
        memory.lines.keep(&memory.pattern, Rc::clone(&known));
        Line::Like(Like { known, places })
    })
}

impl Line {
    /// The number of its pattern, which no other has and no other ever gets in
    /// this thread; none where it is like no other line.
    pub fn pattern(&self) -> Option<u64> {
        match self {
            Self::Like(like) => Some(like.known.number),
            Self::New(_) => None,
        }
    }

    /// What is its own; `raw` is the field.
    pub fn identity(&self, raw: &[u8]) -> Identity {
        let Self::Like(like) = self else {
            return Identity::of(raw);
        };
        let cuts = like.places.cuts();
        let [first, rest @ ..] = &like.known.between;
        cuts.zip(rest).fold(*first, |all, (cut, behind)| {
            all.followed_by(raw.get(cut.clone()).unwrap_or_default())
                .with(*behind)
        })
    }

    /// When it was written.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Like(like) => Some(like.places.date.at),
            Self::New(line) => Some(line.received.date.as_ref()?.at.timestamp()),
        }
    }

    /// What it says; `raw` is the field, which stands at `base` in a file. What
    /// stands nowhere is put at `nowhere`.
    pub fn understood(self, raw: &[u8], depth: Depth, base: usize, nowhere: usize) -> Understood {
        let (mut line, like) = match self {
            Self::Like(like) => (like.known.of(raw, &like.places, depth), Some(like)),
            Self::New(line) => (*line, None),
        };
        if depth == Depth::Gist {
            return line;
        }
        let moved = like.as_ref().map(Like::moved).unwrap_or_default();
        line.relocate(&|span| match span.end {
            0 => nowhere..nowhere,
            _ => moved.to(span.start) + base..moved.to(span.end) + base,
        });
        // White space before the date is cut out with it.
        if let (Some(like), Some(date)) = (like, &mut line.received.date) {
            let place = like.places.date();
            date.span = place.start + base..place.end + base;
        }
        line
    }
}

fn anew(field: &Field<'_>, table: &Table) -> Understood {
    let raw = field.raw();
    let received = field::parse(&field.value());
    let mut text = String::from_utf8_lossy(raw);
    if memchr::memchr(b'\r', raw).is_some() {
        text = text.replace('\r', "").into();
    }
    let habit = table.recognise(&received, &text);
    let leg = leg(&received, habit.as_ref().and_then(|habit| habit.leg));
    let tls = conclude::conclude(&received, habit.as_ref(), leg);
    Understood {
        received,
        software: habit.map(|habit| habit.mark),
        leg,
        tls,
    }
}

impl Understood {
    /// Moves every place.
    pub fn relocate(&mut self, to: &impl Fn(Range<usize>) -> Range<usize>) {
        self.received.relocate(to);
        relocate(&mut self.tls, to);
    }

    fn gist(&self) -> Self {
        let (received, tls) = (&self.received, &self.tls);
        let remark = tls.evidence.iter().find(|piece| {
            piece.says == Says::Tls
                && matches!(piece.kind, EvidenceKind::Comment | EvidenceKind::TlsClause)
        });
        Self {
            received: Received {
                from: received.from.clone(),
                by: received.by.clone(),
                transmission: received.transmission,
                ..Received::default()
            },
            software: None,
            leg: self.leg,
            tls: TlsEvidence {
                state: tls.state,
                version: tls.version,
                standing: tls.standing,
                evidence: remark
                    .map(|piece| Evidence {
                        kind: piece.kind,
                        says: piece.says,
                        text: String::new(),
                        span: None,
                    })
                    .into_iter()
                    .collect(),
                ..TlsEvidence::unstated()
            },
        }
    }
}

/// Moves the places of what led to a conclusion.
pub(super) fn relocate(tls: &mut TlsEvidence, to: &impl Fn(Range<usize>) -> Range<usize>) {
    for piece in &mut tls.evidence {
        if let Some(span) = &mut piece.span {
            *span = to(span.clone());
        }
    }
}

/// Where in the octets of a field stands what differs from line to line.
#[derive(Debug, Clone)]
struct Places {
    /// The number in a comment `(qmail 4321 invoked by uid 89)`.
    process: Option<Range<usize>>,
    id: Option<Range<usize>>,
    recipient: Option<Range<usize>>,
    /// From behind the last semicolon to the zone.
    time: Range<usize>,
    date: Plain,
}

impl Places {
    /// None where a line has no date of the usual form.
    fn of(raw: &[u8]) -> Option<Self> {
        let semicolon = memchr::memrchr(b';', raw)?;
        let (before, behind) = raw.split_at(semicolon + 1);
        let date = date::plain(behind)?;
        let before = before.get(..semicolon)?;
        let process = process_of(before);
        let (mut id, mut recipient) = (None, None);
        for (opener, word) in last_words(before) {
            let text = bare(before, &word);
            if opener.eq_ignore_ascii_case(b"for") && recipient.is_none() {
                recipient = Some(word).filter(|_| text.contains(&b'@') && is_plain(text));
            } else if opener.eq_ignore_ascii_case(b"id") {
                id = Some(word).filter(|_| is_id(text) && is_plain(text));
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

    /// The ranges that are cut out, in order.
    fn cuts(&self) -> impl Iterator<Item = &Range<usize>> {
        let words = self.process.iter().chain(&self.id).chain(&self.recipient);
        words.chain(std::iter::once(&self.time))
    }

    /// The identities of what is not cut out.
    fn between(&self, raw: &[u8]) -> [Identity; 5] {
        let mut found = [Identity::EMPTY; 5];
        let mut from = 0;
        let ends = self.cuts().map(|cut| cut.start);
        let nexts = self.cuts().map(|cut| cut.end);
        let all = ends.chain([raw.len()]).zip(nexts.chain([raw.len()]));
        for (identity, (end, next)) in found.iter_mut().zip(all) {
            *identity = Identity::of(raw.get(from..end).unwrap_or_default());
            from = next;
        }
        found
    }

    /// Where the date stands.
    fn date(&self) -> Range<usize> {
        self.time.start + self.date.start..self.time.start + self.date.end
    }

    /// Whether a line that was read whole has the three in these places, and
    /// nothing else was made of them.
    fn fit(&self, raw: &[u8], line: &Understood) -> bool {
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
const QMAIL: &[u8] = b"(qmail ";

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

/// Whether a word is made of letters, digits and a few marks.
fn is_plain(word: &[u8]) -> bool {
    word.len() <= 256
        && word.iter().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+' | b'/' | b'=' | b'@')
        })
}

/// Whether a word differs from line to line: it has a digit and is no version,
/// which is the same in many lines.
fn is_id(word: &[u8]) -> bool {
    let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
    let dots = word.iter().filter(|b| **b == b'.').count();
    digits > 0 && (dots == 0 || digits + dots < word.len())
}

/// A word without the angle brackets around it.
fn bare<'a>(text: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    let word = text.get(range.clone()).unwrap_or_default();
    word.strip_prefix(b"<")
        .and_then(|word| word.strip_suffix(b">"))
        .unwrap_or(word)
}

/// A line that was read whole.
#[derive(Debug)]
struct Known {
    number: u64,
    line: Understood,
    /// The identities of what stands before and between the cuts, and behind.
    between: [Identity; 5],
    places: Places,
}

impl Known {
    /// What a line of the same pattern says.
    fn of(&self, raw: &[u8], places: &Places, depth: Depth) -> Understood {
        let mut line = match depth {
            Depth::Whole => self.line.clone(),
            Depth::Gist => self.line.gist(),
        };
        let text = |place: &Option<Range<usize>>| {
            let word = bare(raw, place.as_ref()?);
            std::str::from_utf8(word).ok()
        };
        for (piece, text) in [
            (&mut line.received.id, text(&places.id)),
            (&mut line.received.for_, text(&places.recipient)),
        ] {
            if let (Some(piece), Some(text)) = (piece, text) {
                text.clone_into(&mut piece.text);
            }
        }
        if let (Some(old), Some(new), Some(comment)) = (
            &self.places.process,
            &places.process,
            line.received.comments.first_mut(),
        ) {
            // The parenthesis is no part of the comment.
            let start = QMAIL.len() - 1;
            let number = raw
                .get(new.clone())
                .and_then(|n| std::str::from_utf8(n).ok());
            comment
                .text
                .replace_range(start..start + old.len(), number.unwrap_or_default());
        }
        line.received.date = self.line.received.date.as_ref().map(|date| field::Date {
            at: places.date.zoned(),
            zone: date.zone.clone(),
            span: date.span.clone(),
        });
        line
    }
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::new(Memory {
        table: 0,
        number: 0,
        lines: Lately::new(MOST_OCTETS),
        pattern: Vec::new(),
    });
}

/// The patterns that were met lately.
struct Memory {
    /// By which table of software they were read.
    table: u64,
    /// Of the pattern that was met last for the first time.
    number: u64,
    lines: Lately<Rc<Known>>,
    /// The pattern that is asked for.
    pattern: Vec<u8>,
}

impl Memory {
    /// Makes the pattern of a line.
    fn begin(&mut self, raw: &[u8], places: &Places, table: &Table) {
        if self.table != table.number() {
            self.table = table.number();
            self.lines.clear();
        }
        let pattern = &mut self.pattern;
        pattern.clear();
        let mut lengths = [u16::MAX; 4];
        let mut from = 0;
        for (cut, length) in places.cuts().zip(&mut lengths) {
            let between = raw.get(from..cut.start).unwrap_or_default();
            pattern.extend_from_slice(between);
            *length = u16::try_from(between.len()).unwrap_or(u16::MAX);
            from = cut.end;
        }
        pattern.extend_from_slice(raw.get(from..).unwrap_or_default());
        for length in lengths {
            pattern.extend_from_slice(&length.to_be_bytes());
        }
        let id = places.id.as_ref().map(|id| bare(raw, id));
        let marks = id.and_then(|id| std::str::from_utf8(id).ok()).map(id_marks);
        let which = u8::from(places.id.is_some())
            | u8::from(places.recipient.is_some()) << 1
            | u8::from(places.process.is_some()) << 2
            | u8::from(places.date.weekday) << 3;
        pattern.extend_from_slice(&marks.unwrap_or_default().to_be_bytes());
        pattern.push(which);
        table.text_marks(raw, pattern);
    }
}
