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
//! To find the places in a line costs more than to hold the line to a pattern. So it
//! is first held to the few patterns of lines that begin as it does
//! ([`Places::alike`]), and only where it is of none of them are they looked for.
//!
//! The memory is a thread's own, bounded, and forgets what was not met lately.

use std::borrow::Cow;
use std::cell::RefCell;
use std::hash::BuildHasher;
use std::iter;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::fast::FixedState;
use jiff::Timestamp;

use crate::lately::Lately;
use crate::trace::chain::{Leg, SoftwareMark};
use crate::trace::conclude;
use crate::trace::evidence::TlsEvidence;
use crate::trace::field::{self, Piece, Received};
use crate::trace::identity;
use crate::trace::leg::leg;
use crate::trace::message::Field;
use crate::trace::places::{Places, QMAIL, bare};
use crate::trace::shared::Shared;
use crate::trace::software::{Table, id_marks};

/// How a line mostly begins.
const NAME: &[u8] = b"Received: ";

/// Longer lines are read anew each time.
const LONGEST: usize = 1024;

/// Octets of the patterns that are remembered, twice over; what was concluded
/// from them takes five to ten times as much.
const MOST_OCTETS: usize = 72 << 10;

/// What one line says. Places count from the field's first octet.
#[derive(Debug, Clone)]
pub(super) struct Understood {
    pub received: Received,
    pub software: Option<Shared<SoftwareMark>>,
    pub leg: Leg,
    pub tls: Shared<TlsEvidence>,
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

/// Reads one `Received` field, or recalls what a line of its pattern said.
pub(super) fn read(field: &Field<'_>, table: &Table) -> Line {
    let raw = field.raw();
    let new = || Line::New(Box::new(anew(field, table)));
    if field.is_quoted() || raw.len() > LONGEST {
        return new();
    }
    MEMORY.with_borrow_mut(|memory| {
        memory.begin(table);
        if let Some(like) = memory.guess(raw, table) {
            debug_assert_eq!(Places::of(raw).as_ref(), Some(&like.places));
            return Line::Like(like);
        }
        let Some(places) = Places::of(raw) else {
            return new();
        };
        memory.make_pattern(raw, &places, table);
        let known = memory.lines.recall(&memory.pattern);
        let known = match known {
            Some(known) => known,
            None => {
                let line = anew(field, table);
                if !places.fit(raw, &line) {
                    return Line::New(Box::new(line));
                }
                memory.number += 1;
                let known = Rc::new(Known {
                    number: memory.number,
                    line,
                    rest: identity::of_rest(raw, &places),
                    pattern: memory.pattern.as_slice().into(),
                    places: places.clone(),
                });
                let pattern = Arc::clone(&known.pattern);
                memory.lines.keep(pattern, Rc::clone(&known));
                known
            }
        };
        memory.expect(raw, &known);
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
    pub fn identity(&self, raw: &[u8]) -> u64 {
        match self {
            Self::Like(like) => identity::with_own(like.known.rest, raw, &like.places),
            Self::New(_) => identity::of_line(raw),
        }
    }

    /// When it was written.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Like(like) => Some(like.places.date.at),
            Self::New(line) => Some(line.received.date.as_ref()?.at.timestamp()),
        }
    }

    /// What it says; `raw` is the field.
    pub fn understood(self, raw: &[u8]) -> Understood {
        match self {
            Self::Like(like) => like.known.of(raw, &like.places),
            Self::New(line) => *line,
        }
    }
}

fn anew(field: &Field<'_>, table: &Table) -> Understood {
    let raw = field.raw();
    let received = field::parse(&field.value());
    // Nearly every line is UTF-8, which is sooner told so.
    let text = std::str::from_utf8(raw).map(Cow::Borrowed);
    let mut text = text.unwrap_or_else(|_| String::from_utf8_lossy(raw));
    if memchr::memchr(b'\r', raw).is_some() {
        text = text.replace('\r', "").into();
    }
    let habit = table.recognise(&received, &text);
    let leg = leg(&received, habit.as_ref().and_then(|habit| habit.leg));
    let tls = conclude::conclude(&received, habit.as_ref(), leg);
    Understood {
        received,
        software: habit.map(|habit| habit.mark.into()),
        leg,
        tls: tls.into(),
    }
}

/// A line that was read whole.
#[derive(Debug)]
struct Known {
    number: u64,
    line: Understood,
    /// The identity of what its lines share.
    rest: u64,
    pattern: Arc<[u8]>,
    places: Places,
}

impl Known {
    /// What a line of the same pattern says.
    fn of(&self, raw: &[u8], places: &Places) -> Understood {
        let Understood {
            received,
            software,
            leg,
            tls,
        } = &self.line;
        let text = |range: &Range<usize>| std::str::from_utf8(bare(raw, range)).ok();
        let piece = |piece: &Option<Piece>, place: &Option<Range<usize>>| {
            let Some(text) = place.as_ref().and_then(text) else {
                return piece.clone();
            };
            let span = piece.as_ref()?.span.clone();
            Some(Piece {
                text: text.to_owned(),
                span,
            })
        };
        let mut said = received.said.clone();
        if let Some((old, new)) = self.places.process.as_ref().zip(places.process.as_ref())
            && let Some(comment) = said.comments.first_mut()
        {
            // The parenthesis is no part of the comment.
            let start = QMAIL.len() - 1;
            let number = text(new).unwrap_or_default();
            comment.text.replace_range(start..start + old.len(), number);
        }
        Understood {
            received: Received {
                said,
                id: piece(&received.id, &places.id),
                for_: piece(&received.for_, &places.recipient),
                date: received.date.as_ref().map(|date| field::Date {
                    at: places.date.zoned(),
                    ..date.clone()
                }),
                moved: self.places.moved(places),
            },
            software: software.clone(),
            leg: *leg,
            tls: tls.clone(),
        }
    }
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::new(Memory::new());
}

/// Octets at the front of a line by which it is guessed what line it is like.
const HEAD: usize = 40;

/// Guesses that are kept, each of so many patterns.
const GUESSES: (usize, usize) = (256, 4);

type Guess = [Option<Rc<Known>>; GUESSES.1];

/// The patterns that were met lately.
struct Memory {
    /// By which table of software they were read.
    table: u64,
    /// Of the pattern that was met last for the first time.
    number: u64,
    lines: Lately<Rc<Known>>,
    /// Those of lines that begin alike, the one met last first.
    guesses: Vec<Guess>,
    /// By what was forgotten when they were made.
    forgotten: u64,
    /// The pattern that is asked for: [`marks`], and the line's octets.
    pattern: Vec<u8>,
}

impl Memory {
    fn new() -> Self {
        Self {
            table: 0,
            number: 0,
            lines: Lately::new(MOST_OCTETS),
            guesses: vec![Guess::default(); GUESSES.0],
            forgotten: 0,
            pattern: Vec::new(),
        }
    }

    /// Forgets what is not to be used any more.
    fn begin(&mut self, table: &Table) {
        if self.table != table.number() {
            self.table = table.number();
            self.lines.clear();
        }
        // What the one memory forgot, the other does not keep.
        if self.forgotten != self.lines.forgotten() {
            self.forgotten = self.lines.forgotten();
            self.guesses.fill(Guess::default());
        }
    }

    /// The pattern of a line, if it is among the few that it may well be: the one that
    /// would be recalled, sooner found.
    fn guess(&mut self, raw: &[u8], table: &Table) -> Option<Like> {
        let pattern = &mut self.pattern;
        let guess = self.guesses.get(guess_of(raw))?;
        guess.iter().flatten().find_map(|known| {
            let (own, texts) = known.pattern.split_at_checked(marks_of(table))?;
            let places = known.places.alike(texts, raw)?;
            pattern.clear();
            marks(raw, &places, table, pattern);
            (pattern == own).then(|| Like {
                known: Rc::clone(known),
                places,
            })
        })
    }

    /// Keeps a pattern for the next line that begins as this one.
    fn expect(&mut self, raw: &[u8], known: &Rc<Known>) {
        if let Some(guess) = self.guesses.get_mut(guess_of(raw)) {
            guess.rotate_right(1);
            guess[0] = Some(Rc::clone(known));
        }
    }

    /// Makes the pattern of a line.
    fn make_pattern(&mut self, raw: &[u8], places: &Places, table: &Table) {
        let pattern = &mut self.pattern;
        pattern.clear();
        marks(raw, places, table, pattern);
        let ends = places.cuts().map(|cut| cut.start).chain([raw.len()]);
        let starts = iter::once(0).chain(places.cuts().map(|cut| cut.end));
        for (start, end) in starts.zip(ends) {
            pattern.extend_from_slice(raw.get(start..end).unwrap_or_default());
        }
    }
}

/// What a pattern tells besides the octets that lines of it have in common: where the
/// others stood among them, by what software tells itself in an id, and which of its
/// texts stand in the line.
fn marks(raw: &[u8], places: &Places, table: &Table, marks: &mut Vec<u8>) {
    let mut lengths = [u16::MAX; 4];
    let mut from = 0;
    for (cut, length) in places.cuts().zip(&mut lengths) {
        *length = u16::try_from(cut.start.saturating_sub(from)).unwrap_or(u16::MAX);
        from = cut.end;
    }
    let [one, two, three, four] = lengths.map(u64::from);
    let lengths = one << 48 | two << 32 | three << 16 | four;
    let id = places.id.as_ref().map(|id| bare(raw, id));
    let id = id.and_then(|id| std::str::from_utf8(id).ok()).map(id_marks);
    let which = u8::from(places.id.is_some())
        | u8::from(places.recipient.is_some()) << 1
        | u8::from(places.process.is_some()) << 2
        | u8::from(places.date.weekday) << 3;
    marks.extend_from_slice(&lengths.to_be_bytes());
    marks.extend_from_slice(&id.unwrap_or_default().to_be_bytes());
    marks.push(which);
    table.text_marks(raw, marks);
}

/// Octets of the marks of every line.
fn marks_of(table: &Table) -> usize {
    size_of::<u64>() + size_of::<u16>() + 1 + table.texts()
}

/// Where a guess is kept for a line that begins so.
fn guess_of(raw: &[u8]) -> usize {
    // The number of a process is no part of it.
    let start = NAME.len();
    let head = match raw.get(start..) {
        Some(value) if value.starts_with(QMAIL) => raw.get(..start + QMAIL.len()),
        _ => raw.get(..HEAD),
    };
    let hash = FixedState::default().hash_one(head.unwrap_or(raw));
    (hash % GUESSES.0 as u64) as usize
}
