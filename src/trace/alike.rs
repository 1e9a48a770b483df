//! Messages that are like messages read before.
//!
//! Not only lines repeat themselves ([`recall`](super::recall)), but whole
//! traces: the same hosts hand a message on the same way, and only ids,
//! recipients and times differ. What is concluded from hosts and words alone is
//! the same for all traces of the same patterns in the same order; it is
//! remembered for those that were met lately.
//!
//! What may hang on an id, a recipient or a time (a loop, a clock that goes
//! wrong, a list, a forwarder) is left to the whole way of judging: a trace
//! with any of that is neither kept here nor looked up.
//!
//! The memory is a thread's own, as that of the patterns is.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::answer::Answer;
use crate::finding::{Code, Finding};
use crate::lately::Lately;
use crate::trace::TrustRule;
use crate::trace::chain::{Chain, EndToEnd, Gap, GapKind, Hop, MessageFacts, Trust};
use crate::trace::evidence::TlsEvidence;
use crate::trace::journey::Turn;
use crate::trace::legs::Part;
use crate::trace::link;
use crate::trace::recall::Line;
use crate::trace::shared::Shared;
use crate::trace::witness::Shown;

/// Octets of the keys that are remembered, twice over: eight a line, for what
/// takes a hundred times as much.
const MOST_OCTETS: usize = 2 << 10;

/// Which patterns a trace is made of, in order.
pub(super) struct Key(Vec<u8>);

impl Key {
    /// None where a line is like no other.
    pub fn of<'a>(lines: impl Iterator<Item = &'a Line>) -> Option<Self> {
        let mut key = Vec::with_capacity(64);
        for line in lines {
            key.extend_from_slice(&line.pattern()?.to_ne_bytes());
        }
        Some(Self(key))
    }
}

/// What was concluded from the lines of a trace.
#[derive(Debug)]
pub(super) struct Judged {
    marks: Vec<Mark>,
    gaps: Shared<Vec<Gap>>,
    legs: Shared<Vec<Part>>,
    answer: Answer,
    findings: Shared<Vec<Finding>>,
}

/// What a line is among others.
#[derive(Debug)]
struct Mark {
    trusted: Trust,
    tls: Shared<TlsEvidence>,
    journey: usize,
    turn: Option<Turn>,
}

impl Judged {
    /// What was concluded, if nothing in it hangs on what is a message's own.
    pub fn of(chain: &Chain) -> Option<Self> {
        let bound = chain.gaps.iter().any(|gap| {
            // A break of any other kind is one of names.
            matches!(gap.kind, GapKind::TimeReversed | GapKind::Loop)
        });
        if bound || !is_plain(&chain.message) || link::meets_again(&chain.hops) {
            return None;
        }
        let cut_short = |finding: &Finding| finding.code == Code::HeaderTruncated;
        if chain.findings.iter().any(cut_short) {
            return None;
        }
        let mark = |hop: &Hop| Mark {
            trusted: hop.trusted,
            tls: hop.tls.clone(),
            journey: hop.journey,
            turn: hop.turn.clone(),
        };
        Some(Self {
            marks: chain.hops.iter().map(mark).collect(),
            gaps: chain.gaps.clone(),
            legs: chain.legs.clone(),
            answer: chain.answer,
            findings: chain.findings.clone(),
        })
    }

    /// Whether the same can be concluded from these hops of the same patterns.
    pub fn fits(&self, hops: &[Hop], message: &MessageFacts) -> bool {
        is_plain(message) && !hops.iter().any(link::goes_back)
    }

    /// Marks the hops.
    pub fn mark(&self, hops: &mut [Hop]) {
        for (hop, mark) in hops.iter_mut().zip(&self.marks) {
            hop.trusted = mark.trusted;
            hop.tls.clone_from(&mark.tls);
            hop.journey = mark.journey;
            hop.turn.clone_from(&mark.turn);
        }
    }

    /// Judges a chain of these hops.
    pub fn judge(&self, chain: &mut Chain) {
        chain.gaps.clone_from(&self.gaps);
        chain.legs.clone_from(&self.legs);
        chain.answer = self.answer;
        chain.findings.clone_from(&self.findings);
    }
}

/// Whether a message says nothing of itself that is a finding.
fn is_plain(message: &MessageFacts) -> bool {
    !message.tls_not_required && message.end_to_end == EndToEnd::None
}

/// What was worked out from traces that were met lately.
struct Memory<V> {
    /// The rules of trust that held.
    rules: Vec<TrustRule>,
    kept: Lately<V>,
}

impl<V: Clone> Memory<V> {
    fn new() -> Self {
        Self {
            rules: Vec::new(),
            kept: Lately::new(MOST_OCTETS),
        }
    }

    fn recall(&mut self, key: &Key, rules: &[TrustRule]) -> Option<V> {
        if self.rules != rules {
            self.rules = rules.to_vec();
            self.kept.clear();
        }
        self.kept.recall(&key.0)
    }
}

thread_local! {
    static JUDGED: RefCell<Memory<Rc<Judged>>> = RefCell::new(Memory::new());
    static SHOWN: RefCell<Memory<Arc<Shown>>> = RefCell::new(Memory::new());
}

/// What was concluded from a trace of these patterns.
pub(super) fn judged(key: &Key, rules: &[TrustRule]) -> Option<Rc<Judged>> {
    JUDGED.with_borrow_mut(|memory| memory.recall(key, rules))
}

/// Keeps what was concluded from a trace that was not recalled.
pub(super) fn keep_judged(key: &Key, judged: Judged) {
    JUDGED.with_borrow_mut(|memory| memory.kept.keep(&*key.0, Rc::new(judged)));
}

/// What a trace of these patterns shows of hosts: recalled, or worked out.
pub(super) fn shown(
    key: &Key,
    rules: &[TrustRule],
    work_out: impl FnOnce() -> Shown,
) -> Arc<Shown> {
    SHOWN.with_borrow_mut(|memory| {
        memory.recall(key, rules).unwrap_or_else(|| {
            let shown = Arc::new(work_out());
            memory.kept.keep(&*key.0, Arc::clone(&shown));
            shown
        })
    })
}
