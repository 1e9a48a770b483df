//! From octets to a chain.

use std::ops::Range;

use crate::answer::Answer;
use crate::finding::{Code, Finding};
use crate::trace::chain::{Chain, Hop, NoTrace, Source, SourceKind, Trust};
use crate::trace::conclude;
use crate::trace::facts;
use crate::trace::journey;
use crate::trace::judge;
use crate::trace::link;
use crate::trace::message::{self, Header};
use crate::trace::recall::{self, Depth};
use crate::trace::software::Table;
use crate::trace::support;
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
            path: "-".to_owned(),
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
        let mut hops = hops(message, &header, reading, Depth::Whole)?;
        link::delays(&mut hops);
        journey::mark(&mut hops, &support::signs(&header));
        let supporting =
            support::facts(&header, &hops, reading.trust, reading.line, reading.offset);
        let gaps = link::gaps(&hops);
        let mut chain = Self {
            source: reading.source.clone(),
            message: facts::facts(&header, message),
            hops,
            gaps,
            supporting,
            legs: Vec::new(),
            answer: Answer::Unknown,
            findings: Vec::new(),
        };
        let trace = header.fields.iter().filter(|field| field.is("Received"));
        let left_out = trace.count().saturating_sub(MOST_HOPS);
        if reading.truncated || left_out > 0 {
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

/// The hops of a message in travel order, each concluded on by itself and
/// bounded by how far it can be trusted.
pub(super) fn hops(
    message: &[u8],
    header: &Header<'_>,
    reading: &Reading<'_>,
    depth: Depth,
) -> Result<Vec<Hop>, NoTrace> {
    let received = || header.fields.iter().filter(|field| field.is("Received"));
    let count = received().count();
    if count == 0 {
        return Err(no_trace(message, header));
    }
    let left_out = count.saturating_sub(MOST_HOPS);
    let mut hops = Vec::with_capacity(count - left_out);
    // RFC 5321, section 4.4: each host puts its line on top.
    for (index, found) in received().rev().skip(left_out).enumerate() {
        hops.push(hop(index + 1, found, reading, depth));
    }
    trust::mark(&mut hops, reading.trust);
    for hop in &mut hops {
        conclude::bounded(&mut hop.tls, hop.trusted);
    }
    Ok(hops)
}

fn hop(number: usize, found: &message::Field<'_>, reading: &Reading<'_>, depth: Depth) -> Hop {
    let mut line = recall::read(found, reading.software, depth);
    let shift = reading.offset;
    let base = found.span.start + shift;
    line.relocate(&|span| match span.end {
        // What stands nowhere.
        0 => shift..shift,
        _ => span.start + base..span.end + base,
    });
    Hop {
        number,
        line: reading.line + found.line,
        span: base..found.span.end + shift,
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
    hop.span = to(hop.span.clone());
    hop.received.relocate(to);
    recall::relocate(&mut hop.tls, to);
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
