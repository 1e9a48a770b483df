//! From octets to a chain.

use std::ops::Range;

use jiff::Timestamp;

use crate::answer::Answer;
use crate::finding::{Code, Finding};
use crate::trace::alike::{self, Judged, Key};
use crate::trace::chain::{Chain, Hop, NoTrace, Source, SourceKind, Trust};
use crate::trace::conclude;
use crate::trace::facts;
use crate::trace::field_name::FieldName;
use crate::trace::identity;
use crate::trace::journey;
use crate::trace::judge;
use crate::trace::link;
use crate::trace::message::{self, Field, Header};
use crate::trace::recall::{self, Line};
use crate::trace::shared::Shared;
use crate::trace::software::Table;
use crate::trace::support::{self, Signs};
use crate::trace::trust::{self, TrustRule};

/// Hops that are read of one message, the topmost: servers take a message with
/// more than a hundred `Received` fields for one that runs in a loop (RFC 5321,
/// section 6.3).
const MOST_HOPS: usize = 256;

/// How a message is to be read.
#[derive(Debug, Clone)]
pub struct Reading<'a> {
    /// Where it came from.
    pub source: Source,
    /// Lines of these count as the mailbox's own.
    pub trust: &'a [TrustRule],
    /// Who writes what.
    pub software: &'a Table,
    /// Line of the message's first octet within its file, from 1.
    pub line: usize,
    /// Offset of the message's first octet within its file.
    pub offset: usize,
    /// The header section was cut off.
    pub truncated: bool,
}

impl Reading<'static> {
    /// A message that is a file of its own, with the built-in table.
    #[must_use]
    pub fn of(source: Source) -> Self {
        Self {
            source,
            trust: &[],
            software: Table::built_in(),
            line: 1,
            offset: 0,
            truncated: false,
        }
    }
}

impl Chain {
    /// Reads the trace of one message: whole, or its header alone.
    ///
    /// ```
    /// use starttrace::answer::Answer;
    /// use starttrace::trace::chain::Chain;
    ///
    /// let chain = Chain::parse(
    ///     b"Received: from out7.relay.example (out7.relay.example [203.0.113.7])\r\n\
    ///       \tby mx1.partner.example (Postfix) with ESMTPS id 4XkQ2c1Zz9\r\n\
    ///       \tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000\r\n\
    ///       From: bo@relay.example\r\n\r\nhello\r\n",
    /// )?;
    /// assert_eq!(chain.hops.len(), 1);
    /// assert_eq!(chain.answer, Answer::Yes);
    /// # Ok::<(), starttrace::trace::chain::NoTrace>(())
    /// ```
    ///
    /// # Errors
    /// When the input is no message, or a message without trace.
    pub fn parse(message: &[u8]) -> Result<Self, NoTrace> {
        let source = Source {
            path: "-".into(),
            index: 0,
            kind: kind_of(message),
        };
        Self::read(message, &Reading::of(source))
    }

    /// Reads the trace of one message that came from somewhere.
    ///
    /// ```
    /// use starttrace::trace::chain::{Chain, Source, SourceKind, Trust};
    /// use starttrace::trace::reading::Reading;
    ///
    /// let source = Source { path: "a.eml".into(), index: 0, kind: SourceKind::Eml };
    /// let rules = ["relay.example".parse().unwrap()];
    /// let reading = Reading { trust: &rules, line: 7, ..Reading::of(source) };
    /// let chain = Chain::read(
    ///     b"Received: from out7.relay.example (out7.relay.example [203.0.113.7])\n\
    ///       \tby mx1.partner.example with ESMTPS id 4X; Tue, 03 Nov 2026 09:14:07 +0000\n\
    ///       Received: by out7.relay.example with ESMTPSA id 5; Tue, 03 Nov 2026 09:14:05 +0000\n\n",
    ///     &reading,
    /// )?;
    /// assert_eq!(chain.hops[0].trusted, Trust::Own);
    /// assert_eq!(chain.hops[1].line, 7);
    /// # Ok::<(), starttrace::trace::chain::NoTrace>(())
    /// ```
    ///
    /// # Errors
    /// When the input is no message, or a message without trace.
    pub fn read(message: &[u8], reading: &Reading<'_>) -> Result<Self, NoTrace> {
        let header = message::read(message);
        let trace = Trace::of(message, &header, reading)?;
        let signs = support::signs(&header);
        let cut_short = reading.truncated || trace.left_out > 0;
        let key = trace
            .key()
            .filter(|_| !cut_short && signs == Signs::default());
        let left_out = trace.left_out;
        let mut chain = Self {
            source: reading.source.clone(),
            message: facts::facts(&header, message),
            hops: trace.hops(reading),
            gaps: Shared::default(),
            supporting: Vec::new(),
            legs: Shared::default(),
            answer: Answer::Unknown,
            findings: Shared::default(),
        };
        link::delays(&mut chain.hops);
        let known = key
            .as_ref()
            .and_then(|key| alike::judged(key, reading.trust));
        let fitting = known
            .as_ref()
            .filter(|known| known.fits(&chain.hops, &chain.message));
        if let Some(known) = fitting {
            known.mark(&mut chain.hops);
        } else {
            mark(&mut chain.hops, reading.trust);
            journey::mark(&mut chain.hops, &signs);
        }
        chain.supporting = support::facts(
            &header,
            &signs,
            &chain.hops,
            reading.trust,
            reading.line,
            reading.offset,
        );
        if let Some(known) = fitting {
            known.judge(&mut chain);
            return Ok(chain);
        }
        chain.gaps = link::gaps(&chain.hops).into();
        if cut_short {
            let seen = if left_out > 0 {
                format!("{left_out} older Received fields were not read")
            } else {
                format!("the first {} octets were read", message.len())
            };
            chain
                .findings
                .push(Finding::new(Code::HeaderTruncated, "the message", seen));
        }
        judge::judge(&mut chain);
        if let Some(key) = key.filter(|_| known.is_none())
            && let Some(judged) = Judged::of(&chain)
        {
            alike::keep_judged(&key, judged);
        }
        Ok(chain)
    }

    /// Moves every place, for a message that was put right before it was read:
    /// `place` gives the offset in the file and the line (from 1) of an octet
    /// of what was read.
    pub fn relocate(&mut self, place: impl Fn(usize) -> Option<(usize, usize)>) {
        let to = |span: Range<usize>| {
            let start = place(span.start).map_or(span.start, |(offset, _)| offset);
            // An end belongs to the octet before it.
            let last = span.end.checked_sub(1).filter(|last| *last >= span.start);
            let end = last
                .and_then(&place)
                .map_or(start, |(offset, _)| offset + 1);
            start..end.max(start)
        };
        for hop in &mut self.hops {
            if let Some((_, line)) = place(hop.span.start) {
                hop.line = line;
                relocate(hop, &to);
            }
        }
        for fact in &mut self.supporting {
            if let Some((_, line)) = place(fact.span.start) {
                fact.line = line;
                fact.span = to(fact.span.clone());
            }
        }
    }
}

/// The `Received` fields of a message in travel order, each read by itself.
pub(super) struct Trace<'h, 'a> {
    lines: Vec<(&'h Field<'a>, Line)>,
    /// Older ones that were not read.
    left_out: usize,
}

impl<'h, 'a> Trace<'h, 'a> {
    /// Reads them.
    pub fn of(
        message: &[u8],
        header: &'h Header<'a>,
        reading: &Reading<'_>,
    ) -> Result<Self, NoTrace> {
        let received = || header.of(FieldName::Received);
        let count = received().count();
        if count == 0 {
            return Err(no_trace(message, header));
        }
        let left_out = count.saturating_sub(MOST_HOPS);
        // RFC 5321, section 4.4: each host puts its line on top.
        let mut lines = Vec::with_capacity(count - left_out);
        let read = |field| (field, recall::read(field, reading.software));
        lines.extend(received().rev().skip(left_out).map(read));
        Ok(Self { lines, left_out })
    }

    /// Which patterns it is made of.
    pub fn key(&self) -> Option<Key> {
        Key::of(self.lines.iter().map(|(_, line)| line))
    }

    /// What is the message's own.
    pub fn identity(&self) -> u64 {
        let lines = self.lines.iter();
        identity::of_lines(lines.map(|(field, line)| line.identity(field.raw())))
    }

    /// When each line was written.
    pub fn times(&self) -> Vec<Option<Timestamp>> {
        self.lines.iter().map(|(_, line)| line.at()).collect()
    }

    /// The hops, of which nothing is known but what each line says by itself.
    pub fn hops(self, reading: &Reading<'_>) -> Vec<Hop> {
        let numbers = 1..;
        numbers
            .zip(self.lines)
            .map(|(number, (field, line))| hop(number, field, line, reading))
            .collect()
    }
}

/// Says how far each hop can be trusted, and bounds what it proves.
pub(super) fn mark(hops: &mut [Hop], rules: &[TrustRule]) {
    trust::mark(hops, rules);
    for hop in hops {
        conclude::bounded(&mut hop.tls, hop.trusted);
    }
}

fn hop(number: usize, found: &Field<'_>, line: Line, reading: &Reading<'_>) -> Hop {
    let line = line.understood(found.raw());
    Hop {
        number,
        line: reading.line + found.line,
        span: found.span.start + reading.offset..found.span.end + reading.offset,
        raw: found.raw().to_vec(),
        received: line.received,
        delay: None,
        software: line.software,
        leg: line.leg,
        trusted: Trust::Unknown,
        journey: 1,
        turn: None,
        tls: line.tls,
    }
}

fn relocate(hop: &mut Hop, to: &impl Fn(Range<usize>) -> Range<usize>) {
    let moved = hop.received.moved;
    let before = hop.span.start;
    hop.span = to(hop.span.clone());
    let base = hop.span.start;
    // From a place in the field to one in the field as it stands in the file.
    let within = |span: Range<usize>| {
        let place = to(span.start + before..span.end + before);
        place.start.saturating_sub(base)..place.end.saturating_sub(base)
    };
    hop.received.relocate(&within);
    for piece in &mut hop.tls.evidence {
        if let Some(span) = &mut piece.span {
            *span = within(moved.place(span));
        }
    }
}

/// What a message's form says of where it came from.
#[must_use]
pub fn kind_of(message: &[u8]) -> SourceKind {
    let header = message::read(message);
    match header.body {
        Some(_) if !header.quoted => SourceKind::Eml,
        _ => SourceKind::Headers,
    }
}

fn no_trace(message: &[u8], header: &Header<'_>) -> NoTrace {
    let head = message.get(..message.len().min(1024)).unwrap_or_default();
    let control = head
        .iter()
        .filter(|b| **b == 0 || (**b < 0x20 && !matches!(**b, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B)))
        .count();
    let binary = control * 20 > head.len().max(1);
    if binary || header.fields.is_empty() {
        NoTrace::NotAMessage { binary }
    } else {
        NoTrace::NoReceived {
            fields: header.fields.len(),
        }
    }
}
