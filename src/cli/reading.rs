//! Reading messages for `trace` and `explain`: files to chains that have
//! heard each other's witness.

use std::path::{Path, PathBuf};

use crate::cli::Exit;
use crate::cli::args::Reading;
use crate::cli::output::{Trouble, complain};
use crate::cli::software;
use crate::mailbox::{self, Limits};
use crate::trace::TrustRule;
use crate::trace::chain::Chain;
use crate::trace::reading;
use crate::trace::software::Table;
use crate::trace::witness::Witnesses;

/// The messages of a command line.
#[derive(Debug)]
pub struct Messages {
    pub chains: Vec<Chain>,
    /// Inputs that gave no chain, each complained of already.
    pub skipped: usize,
}

impl Messages {
    /// What the inputs alone say of the exit status: an input skipped among
    /// others leaves the answer open, none left is unreadable input.
    pub fn exit(&self) -> Exit {
        match (self.chains.is_empty(), self.skipped) {
            (true, _) => Exit::Usage,
            (false, 0) => Exit::Yes,
            (false, _) => Exit::CannotTell,
        }
    }
}

/// Reads the files, and those that only bear witness.
pub fn messages(files: &[PathBuf], flags: &Reading) -> Result<Messages, Trouble> {
    let trust = flags
        .trust
        .iter()
        .map(|text| {
            text.parse::<TrustRule>()
                .map_err(|why| Trouble::usage(format!("--trust {text}: {why}")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let software = software::table(&flags.software)?;
    let stdin = Path::new("-");
    if files
        .iter()
        .chain(&flags.with)
        .filter(|f| *f == stdin)
        .count()
        > 1
    {
        return Err(Trouble::usage("standard input (-) can be read only once"));
    }
    let mut read = Messages {
        chains: Vec::new(),
        skipped: 0,
    };
    for file in files {
        add(file, &trust, &software, &mut read);
    }
    let mut with = Messages {
        chains: Vec::new(),
        skipped: 0,
    };
    for file in &flags.with {
        add(file, &trust, &software, &mut with);
    }
    read.skipped += with.skipped;
    let witnesses = Witnesses::gather(read.chains.iter().chain(&with.chains));
    for chain in &mut read.chains {
        chain.heed(&witnesses);
    }
    Ok(read)
}

fn add(file: &Path, trust: &[TrustRule], software: &Table, into: &mut Messages) {
    let messages = match mailbox::open(file, &Limits::default()) {
        Ok(messages) => messages,
        Err(error) => {
            complain(&error.to_string());
            into.skipped += 1;
            return;
        }
    };
    for message in messages {
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                complain(&error.to_string());
                into.skipped += 1;
                continue;
            }
        };
        // What was put right stands elsewhere in its file, line by line.
        let verbatim = message.is_verbatim();
        let reading = reading::Reading {
            source: message.source(),
            trust,
            software,
            line: if verbatim { message.line } else { 1 },
            offset: if verbatim { message.offset } else { 0 },
            truncated: message.header_truncated,
        };
        match Chain::read(&message.octets, &reading) {
            Ok(mut chain) => {
                if !verbatim {
                    chain.relocate(|at| {
                        let place = message.place(at)?;
                        Some((place.offset, place.line))
                    });
                }
                into.chains.push(chain);
            }
            Err(why) => {
                complain(&format!("{}: {why}", reading.source.path));
                into.skipped += 1;
            }
        }
    }
}
