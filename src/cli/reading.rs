//! Reading messages for `trace` and `explain`: inputs to chains that have heard
//! each other's witness, one after the other, in memory that does not grow with
//! their number.
//!
//! A message is judged by all others, so all are read before the first is
//! told. Few are kept meanwhile; where they are many, the inputs are read a
//! second time. What can be read only once (standard input, a pipe) is then
//! judged by the messages that came before, and that is said.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::cli::Exit;
use crate::cli::args::Reading;
use crate::cli::output::{Output, Trouble, complain};
use crate::cli::progress::Progress;
use crate::cli::software;
use crate::mailbox::{self, Limits, Notes, RawMessage};
use crate::trace::TrustRule;
use crate::trace::chain::{Chain, NoTrace, SourceKind};
use crate::trace::reading;
use crate::trace::software::Table;
use crate::trace::witness::{Told, Witnesses};

/// Messages kept, and octets of their headers, while all are read.
const MOST_KEPT: usize = 512;
const MOST_OCTETS_KEPT: usize = 1 << 20;

/// Threads that work on messages; what is on its way takes memory for each.
const MOST_CORES: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not zero");

/// Complaints of one sort that are told one by one.
const MOST_TOLD: usize = 20;

/// What became of all inputs.
#[derive(Debug)]
pub struct Tally {
    /// Messages told.
    pub chains: usize,
    pub skipped: Skipped,
    /// What they showed of the hosts.
    pub witnesses: Witnesses,
}

impl Tally {
    /// What the inputs alone say of the exit status: an input skipped among
    /// others leaves the answer open, none left is unreadable input.
    pub fn exit(&self) -> Exit {
        match (self.chains, self.skipped.count()) {
            (0, _) => Exit::Usage,
            (_, 0) => Exit::Yes,
            _ => Exit::CannotTell,
        }
    }
}

/// Inputs that gave no chain, by the reason.
#[derive(Debug, Default)]
pub struct Skipped {
    unreadable: usize,
    no_message: usize,
    no_received: usize,
}

impl Skipped {
    pub fn count(&self) -> usize {
        self.unreadable + self.no_message + self.no_received
    }

    /// Counts one, and complains of it unless many such were told.
    fn add(&mut self, skip: &Skip) {
        let seen = match skip.why {
            Why::Unreadable => &mut self.unreadable,
            Why::NoMessage => &mut self.no_message,
            Why::NoReceived => &mut self.no_received,
        };
        *seen += 1;
        if *seen <= MOST_TOLD {
            complain(&skip.text);
        } else if *seen == MOST_TOLD + 1 {
            complain("more of this sort are counted only");
        }
    }

    /// The last line: how many were skipped, and why.
    fn sum_up(&self, chains: usize) {
        let all = chains + self.count();
        if self.count() == 0 || all == 1 {
            return;
        }
        let reasons = [
            (self.unreadable, "could not be read"),
            (self.no_message, "held no message"),
            (self.no_received, "had no Received field"),
        ];
        let reasons: Vec<String> = reasons
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, why)| format!("{count} {why}"))
            .collect();
        complain(&format!(
            "skipped {} of {all}: {}",
            self.count(),
            reasons.join(", ")
        ));
    }
}

/// Why an input gave no chain.
struct Skip {
    why: Why,
    text: String,
}

enum Why {
    Unreadable,
    NoMessage,
    NoReceived,
}

/// Reads the files, and those that only bear witness, on all cores, and hands
/// over one message after the other in the order of the input, judged by all.
/// `prepare` works on a chain beside others; `tell` gets the results one by
/// one, and ends the run early where it says that nobody listens any more.
pub fn each<R: Send>(
    files: &[PathBuf],
    flags: &Reading,
    face: &Face,
    prepare: impl Fn(Chain) -> R + Sync,
    tell: impl FnMut(R) -> Result<bool, Trouble>,
) -> Result<Tally, Trouble> {
    each_heard(files, flags, face, None, prepare, tell)
}

/// Somebody who wants to know of every message before the first is judged.
pub trait Listener {
    /// A message is read for the first time: mostly, all before the first is
    /// handed over.
    fn hear(&self, chain: &Chain);
    /// All were heard, and none is judged yet.
    fn all_heard(&self, witnesses: &mut Witnesses);
}

/// The same, and every message is heard when it is first read.
pub fn each_heard<R: Send>(
    files: &[PathBuf],
    flags: &Reading,
    face: &Face,
    listener: Option<&dyn Listener>,
    prepare: impl Fn(Chain) -> R + Sync,
    mut tell: impl FnMut(R) -> Result<bool, Trouble>,
) -> Result<Tally, Trouble> {
    let reader = Reader::new(flags)?;
    only_one_stdin(files.iter().chain(&flags.with))?;
    let mut tally = Tally {
        chains: 0,
        skipped: Skipped::default(),
        witnesses: Witnesses::default(),
    };
    // Whoever hears messages wants all of each.
    let whole = listener.is_some();
    let read = |message: RawMessage, whole: bool| Heard {
        octets: message.octets.len(),
        passed: message.size_so_far,
        what: if whole {
            reader
                .chain(&message)
                .map(|chain| (Told::of(&chain.hops), Some(chain)))
        } else {
            reader.told(&message).map(|told| (told, None))
        },
    };
    let witness = |message: RawMessage| read(message, whole);
    reader.messages(&flags.with, true, witness, |heard| {
        match heard.what {
            Ok((told, chain)) => {
                if let (Some(listener), Some(chain)) = (listener, &chain) {
                    listener.hear(chain);
                }
                tally.witnesses.hear(told);
            }
            Err(skip) => tally.skipped.add(&skip),
        }
        ControlFlow::Continue(())
    });

    let again = files.iter().all(|file| is_rereadable(file));
    let total = size_of(files);
    let mut hearing = Hearing {
        kept: Vec::new(),
        octets: 0,
        chains: 0,
        full: false,
    };
    let mut telling = Telling {
        progress: Progress::new(!face.quiet && !face.on_terminal, total),
        tally,
        prepare: &prepare,
        tell: &mut tell,
        trouble: None,
    };
    let mut progress = Progress::new(!face.quiet, total);
    // Once the kept ones are given up, only what bears witness is read.
    let only_told = AtomicBool::new(false);
    let work = |message: RawMessage| read(message, whole || !only_told.load(Ordering::Relaxed));
    let mut kept_only = None;
    reader.messages(files, false, work, |heard| {
        let Heard {
            octets,
            passed,
            what,
        } = heard;
        let chain = match what {
            Ok((told, chain)) => {
                hearing.chains += 1;
                if let (Some(listener), Some(chain)) = (listener, &chain) {
                    listener.hear(chain);
                }
                telling.tally.witnesses.hear(told);
                chain.map(Ok)
            }
            Err(skip) => Some(Err(skip)),
        };
        if face.one_only && hearing.chains > 1 {
            telling.trouble = Some(Trouble::usage(
                "--format json is one document, and there are several messages: use --format \
                 ndjson",
            ));
            return ControlFlow::Break(());
        }
        if kept_only.is_none() {
            progress.tick("reading", hearing.chains, passed);
        }
        let Some(chain) = chain.filter(|_| !(hearing.full && again)) else {
            return ControlFlow::Continue(());
        };
        if hearing.full {
            return telling.judge(chain, passed);
        }
        hearing.keep(chain, passed, octets);
        if !hearing.full {
            return ControlFlow::Continue(());
        }
        if again {
            only_told.store(true, Ordering::Relaxed);
            hearing.kept = Vec::new();
            return ControlFlow::Continue(());
        }
        progress.clear();
        let kept = std::mem::take(&mut hearing.kept);
        let flow = telling.all(kept);
        kept_only = Some(telling.tally.chains);
        flow
    });

    // A page on the terminal shows by itself how far the run is.
    drop(progress);
    if telling.trouble.is_none()
        && kept_only.is_none()
        && let Some(listener) = listener
    {
        listener.all_heard(&mut telling.tally.witnesses);
    }
    if telling.trouble.is_none() && hearing.full && again {
        let witnesses = std::mem::take(&mut telling.tally.witnesses);
        let work = |message: RawMessage| {
            let judged = reader.chain(&message).map(|mut chain| {
                chain.heed(&witnesses);
                prepare(chain)
            });
            (judged, message.size_so_far)
        };
        reader.messages(files, false, work, |(judged, passed)| {
            telling.one(judged, passed)
        });
        telling.tally.witnesses = witnesses;
    } else if telling.trouble.is_none() {
        let _ = telling.all(hearing.kept);
    }
    let Telling { tally, trouble, .. } = telling;
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    if let Some(kept_only) = kept_only.filter(|kept_only| tally.chains > *kept_only) {
        complain(&format!(
            "the input can be read only once: after the first {kept_only} messages each was \
             judged by those before it; save it to a file to have all bear witness"
        ));
    }
    tally.skipped.sum_up(tally.chains);
    Ok(tally)
}

/// What a message told, and what it is made of if that is kept.
struct Heard {
    octets: usize,
    passed: u64,
    what: Result<(Told, Option<Chain>), Skip>,
}

/// Messages kept while all are heard.
struct Hearing {
    kept: Vec<(Result<Chain, Skip>, u64)>,
    octets: usize,
    chains: usize,
    /// There are more than are kept.
    full: bool,
}

impl Hearing {
    fn keep(&mut self, chain: Result<Chain, Skip>, passed: u64, octets: usize) {
        self.octets += octets;
        self.kept.push((chain, passed));
        self.full = self.kept.len() > MOST_KEPT || self.octets > MOST_OCTETS_KEPT;
    }
}

/// The second half of the way: from chains to results.
struct Telling<'a, P, T> {
    progress: Progress,
    tally: Tally,
    prepare: &'a P,
    tell: &'a mut T,
    trouble: Option<Trouble>,
}

impl<R, P, T> Telling<'_, P, T>
where
    P: Fn(Chain) -> R,
    T: FnMut(R) -> Result<bool, Trouble>,
{
    fn all(&mut self, kept: Vec<(Result<Chain, Skip>, u64)>) -> ControlFlow<()> {
        for (chain, passed) in kept {
            self.judge(chain, passed)?;
        }
        ControlFlow::Continue(())
    }

    fn judge(&mut self, chain: Result<Chain, Skip>, passed: u64) -> ControlFlow<()> {
        let judged = chain.map(|mut chain| {
            chain.heed(&self.tally.witnesses);
            (self.prepare)(chain)
        });
        self.one(judged, passed)
    }

    fn one(&mut self, judged: Result<R, Skip>, passed: u64) -> ControlFlow<()> {
        self.progress.tick("judging", self.tally.chains, passed);
        match judged {
            Ok(result) => {
                self.tally.chains += 1;
                match (self.tell)(result) {
                    Ok(true) => ControlFlow::Continue(()),
                    Ok(false) => ControlFlow::Break(()),
                    Err(trouble) => {
                        self.trouble = Some(trouble);
                        ControlFlow::Break(())
                    }
                }
            }
            Err(skip) => {
                self.progress.clear();
                self.tally.skipped.add(&skip);
                ControlFlow::Continue(())
            }
        }
    }
}

/// What the reader must know of where the results go.
#[derive(Debug, Clone, Copy)]
pub struct Face {
    one_only: bool,
    quiet: bool,
    on_terminal: bool,
}

impl Face {
    /// One result a message.
    pub fn of(output: &Output) -> Self {
        Self {
            one_only: output.takes_one(),
            ..Self::of_one(output)
        }
    }

    /// One result of all messages together.
    pub fn of_one(output: &Output) -> Self {
        Self {
            one_only: false,
            quiet: output.is_quiet(),
            on_terminal: output.is_on_terminal(),
        }
    }
}

/// How the messages of a run are read.
struct Reader {
    trust: Vec<TrustRule>,
    limits: Limits,
    part: Option<usize>,
    software: Table,
    /// The same inputs may be read twice.
    notes: Notes,
}

impl Reader {
    fn new(flags: &Reading) -> Result<Self, Trouble> {
        let trust = flags
            .trust
            .iter()
            .map(|text| {
                text.parse::<TrustRule>()
                    .map_err(|why| Trouble::usage(format!("--trust {text}: {why}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            trust,
            limits: Limits::default(),
            part: flags.part.map(usize::from),
            software: software::table(&flags.software)?,
            notes: Notes::default(),
        })
    }

    /// Works on the messages of these inputs on all cores. Those that only bear
    /// witness are taken as they are, without regard to what is attached.
    fn messages<T: Send + Skipping>(
        &self,
        files: &[PathBuf],
        is_witness: bool,
        work: impl Fn(RawMessage) -> T + Sync,
        mut take: impl FnMut(T) -> ControlFlow<()>,
    ) {
        if files.is_empty() {
            return;
        }
        let messages = mailbox::open_all(files.iter().cloned(), &self.limits);
        let messages = match self.part {
            Some(number) if !is_witness => messages.part(number),
            _ => messages.noting(&self.notes),
        };
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        messages.in_parallel(cores.min(MOST_CORES), work, |item| {
            take(item.unwrap_or_else(|error| {
                T::skipped(Skip {
                    why: Why::Unreadable,
                    text: error.to_string(),
                })
            }))
        });
    }

    fn chain(&self, message: &RawMessage) -> Result<Chain, Skip> {
        let mut chain = Chain::read(&message.octets, &self.reading(message))
            .map_err(|why| Skip::no_trace(message, why))?;
        if !message.is_verbatim() {
            chain.relocate(|at| {
                let place = message.place(at)?;
                Some((place.offset, place.line))
            });
        }
        Ok(chain)
    }

    fn told(&self, message: &RawMessage) -> Result<Told, Skip> {
        Told::read(&message.octets, &self.reading(message))
            .map_err(|why| Skip::no_trace(message, why))
    }

    fn reading(&self, message: &RawMessage) -> reading::Reading<'_> {
        // What was put right stands elsewhere in its file, line by line.
        let verbatim = message.is_verbatim();
        reading::Reading {
            source: message.source(),
            trust: &self.trust,
            software: &self.software,
            line: if verbatim { message.line } else { 1 },
            offset: if verbatim { message.offset } else { 0 },
            // A mailbox that was cut short ends within a line.
            truncated: message.header_truncated
                || (message.header_unfinished && message.kind == SourceKind::Mbox),
        }
    }
}

impl Skip {
    fn no_trace(message: &RawMessage, why: NoTrace) -> Self {
        Self {
            text: format!("{}: {why}", place(message)),
            why: match why {
                NoTrace::NotAMessage { .. } => Why::NoMessage,
                NoTrace::NoReceived { .. } => Why::NoReceived,
            },
        }
    }
}

/// What can stand for a message that could not be read.
trait Skipping {
    fn skipped(skip: Skip) -> Self;
}

impl<T> Skipping for Result<T, Skip> {
    fn skipped(skip: Skip) -> Self {
        Err(skip)
    }
}

impl<T> Skipping for (Result<T, Skip>, u64) {
    fn skipped(skip: Skip) -> Self {
        (Err(skip), 0)
    }
}

impl Skipping for Heard {
    fn skipped(skip: Skip) -> Self {
        Self {
            octets: 0,
            passed: 0,
            what: Err(skip),
        }
    }
}

/// Which message of which file, and where it begins.
fn place(message: &RawMessage) -> String {
    if message.index == 0 && message.offset == 0 {
        message.path.to_string()
    } else {
        format!(
            "{} message {}, at octet {} (line {})",
            message.path,
            message.index + 1,
            message.offset,
            message.line
        )
    }
}

pub fn only_one_stdin<'a>(files: impl Iterator<Item = &'a PathBuf>) -> Result<(), Trouble> {
    if files.filter(|file| is_stdin(file)).count() > 1 {
        return Err(Trouble::usage("standard input (-) can be read only once"));
    }
    Ok(())
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

/// Whether an input gives the same a second time. What cannot be opened fails
/// the same way twice.
fn is_rereadable(file: &Path) -> bool {
    !is_stdin(file)
        && std::fs::metadata(file).map_or(true, |about| about.is_file() || about.is_dir())
}

/// Octets of all these, if all are files.
fn size_of(files: &[PathBuf]) -> Option<u64> {
    files
        .iter()
        .map(|file| {
            let about = std::fs::metadata(file).ok().filter(|_| !is_stdin(file))?;
            about.is_file().then_some(about.len())
        })
        .sum()
}
