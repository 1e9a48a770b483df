//! Reading messages for `trace` and `explain`: inputs to chains that have heard
//! each other's witness, one after the other, in memory that does not grow with
//! their number.
//!
//! A message is judged by all others, so all are read before the first is
//! told. Few are kept meanwhile; where they are many, the inputs are read a
//! second time. What can be read only once (standard input, a pipe) is then
//! judged by the messages that came before, and that is said.

use std::path::{Path, PathBuf};

use crate::cli::Exit;
use crate::cli::args::Reading;
use crate::cli::output::{Output, Trouble, complain};
use crate::cli::progress::Progress;
use crate::cli::software;
use crate::mailbox::{self, Limits, Messages, RawMessage};
use crate::trace::TrustRule;
use crate::trace::chain::{Chain, NoTrace};
use crate::trace::reading;
use crate::trace::software::Table;
use crate::trace::witness::Witnesses;

/// Messages kept, and octets of their headers, while all are read.
const MOST_KEPT: usize = 512;
const MOST_OCTETS_KEPT: usize = 1 << 20;

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

/// Reads the files, and those that only bear witness, and hands over one chain
/// after the other, judged by all. Ends early where `tell` says that nobody
/// listens any more.
pub fn each(
    files: &[PathBuf],
    flags: &Reading,
    face: &Face,
    mut tell: impl FnMut(Chain) -> Result<bool, Trouble>,
) -> Result<Tally, Trouble> {
    let reader = Reader::new(flags)?;
    only_one_stdin(files.iter().chain(&flags.with))?;
    let mut progress = Progress::new(!face.quiet, size_of(files.iter()));
    let mut tally = Tally {
        chains: 0,
        skipped: Skipped::default(),
        witnesses: Witnesses::default(),
    };
    for item in reader.items(&flags.with, true) {
        match item.chain {
            Ok(chain) => tally.witnesses.add(&chain),
            Err(skip) => tally.skipped.add(&skip),
        }
    }

    let again = files.iter().all(|file| is_rereadable(file));
    let mut kept: Vec<Item> = Vec::new();
    let mut octets = 0;
    let mut full = false;
    let mut chains = 0_usize;
    let mut stream = reader.items(files, false);
    for item in stream.by_ref() {
        if let Ok(chain) = &item.chain {
            chains += 1;
            tally.witnesses.add(chain);
        }
        if face.one_only && chains > 1 {
            return Err(Trouble::usage(
                "--format json is one document, and there are several messages: use --format \
                 ndjson",
            ));
        }
        progress.tick("reading", chains, item.passed);
        if full {
            continue;
        }
        octets += item.octets;
        kept.push(item);
        full = kept.len() > MOST_KEPT || octets > MOST_OCTETS_KEPT;
        if full && again {
            kept = Vec::new();
        } else if full {
            break;
        }
    }

    // A page on the terminal shows by itself how far the run is.
    progress.clear();
    let mut progress = Progress::new(!face.quiet && !face.on_terminal, size_of(files.iter()));
    let mut hand_over = |item: Item, tally: &mut Tally| -> Result<bool, Trouble> {
        progress.tick("judging", tally.chains, item.passed);
        match item.chain {
            Ok(mut chain) => {
                tally.chains += 1;
                chain.heed(&tally.witnesses);
                tell(chain)
            }
            Err(skip) => {
                progress.clear();
                tally.skipped.add(&skip);
                Ok(true)
            }
        }
    };
    if full && again {
        for item in reader.items(files, false) {
            if !hand_over(item, &mut tally)? {
                break;
            }
        }
    } else {
        let mut listened = true;
        for item in kept {
            listened = hand_over(item, &mut tally)?;
            if !listened {
                break;
            }
        }
        let kept_only = tally.chains;
        if full && listened {
            for item in stream {
                if let Ok(chain) = &item.chain {
                    tally.witnesses.add(chain);
                }
                if !hand_over(item, &mut tally)? {
                    break;
                }
            }
        }
        if tally.chains > kept_only {
            complain(&format!(
                "the input can be read only once: after the first {kept_only} messages each was \
                 judged by those before it; save it to a file to have all bear witness"
            ));
        }
    }
    drop(progress);
    tally.skipped.sum_up(tally.chains);
    Ok(tally)
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

/// A message or a reason why there is none, and how far the inputs were read.
struct Item {
    chain: Result<Chain, Skip>,
    octets: usize,
    passed: u64,
}

/// How the messages of a run are read.
struct Reader {
    trust: Vec<TrustRule>,
    limits: Limits,
    part: Option<usize>,
    software: Table,
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
        })
    }

    /// The messages of these inputs, one after the other. Those that only bear
    /// witness are taken as they are, without regard to what is attached.
    fn items<'a>(
        &'a self,
        files: &'a [PathBuf],
        is_witness: bool,
    ) -> impl Iterator<Item = Item> + 'a {
        let mut before = 0_u64;
        files.iter().flat_map(move |file| {
            let base = before;
            before += size_of([file].into_iter()).unwrap_or(0);
            let (messages, failed) = match mailbox::open(file, &self.limits) {
                Ok(messages) => match self.part {
                    Some(number) if !is_witness => (Some(messages.part(number)), None),
                    _ => (Some(messages), None),
                },
                Err(error) => (None, Some(Item::unreadable(&error, base))),
            };
            failed.into_iter().chain(self.of_input(messages, base))
        })
    }

    fn of_input(&self, messages: Option<Messages>, base: u64) -> impl Iterator<Item = Item> + '_ {
        messages
            .into_iter()
            .flatten()
            .map(move |message| match message {
                Ok(message) => self.read(&message, base),
                Err(error) => Item::unreadable(&error, base),
            })
    }

    fn read(&self, message: &RawMessage, base: u64) -> Item {
        // What was put right stands elsewhere in its file, line by line.
        let verbatim = message.is_verbatim();
        let reading = reading::Reading {
            source: message.source(),
            trust: &self.trust,
            software: &self.software,
            line: if verbatim { message.line } else { 1 },
            offset: if verbatim { message.offset } else { 0 },
            truncated: message.header_truncated,
        };
        let chain = match Chain::read(&message.octets, &reading) {
            Ok(mut chain) => {
                if !verbatim {
                    chain.relocate(|at| {
                        let place = message.place(at)?;
                        Some((place.offset, place.line))
                    });
                }
                Ok(chain)
            }
            Err(why) => Err(Skip {
                text: format!("{}: {why}", place(message)),
                why: match why {
                    NoTrace::NotAMessage { .. } => Why::NoMessage,
                    NoTrace::NoReceived { .. } => Why::NoReceived,
                },
            }),
        };
        Item {
            chain,
            octets: message.octets.len(),
            passed: base + message.size_so_far,
        }
    }
}

impl Item {
    fn unreadable(error: &mailbox::ReadError, passed: u64) -> Self {
        Self {
            chain: Err(Skip {
                why: Why::Unreadable,
                text: error.to_string(),
            }),
            octets: 0,
            passed,
        }
    }
}

/// Which message of which file, and where it begins.
fn place(message: &RawMessage) -> String {
    if message.index == 0 && message.offset == 0 {
        message.path.clone()
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

fn only_one_stdin<'a>(files: impl Iterator<Item = &'a PathBuf>) -> Result<(), Trouble> {
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
fn size_of<'a>(files: impl Iterator<Item = &'a PathBuf>) -> Option<u64> {
    files
        .map(|file| {
            let about = std::fs::metadata(file).ok().filter(|_| !is_stdin(file))?;
            about.is_file().then_some(about.len())
        })
        .sum()
}
