//! The end of a scan: what is told, and the exit status.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;

use crate::cli::Exit;
use crate::cli::args::{Common, Scan};
use crate::cli::output::Trouble;
use crate::report::json;
use crate::report::json::scan::{ScanOf, ScanSummary};
use crate::report::text;
use crate::scan::engine::Ended;
use crate::scan::output::Written;
use crate::scan::plan::Counts;
use crate::scan::tally::Tally;

use super::reading::is_file;
use super::{Setup, here, resume, rfc3339, say};

/// What came of a scan.
pub(super) struct Outcome {
    pub(super) ended: Ended,
    pub(super) written: Written,
    /// Lines that earlier runs wrote.
    pub(super) before: u64,
    pub(super) tally: Tally,
    /// SHA-256 of what was read, where all was.
    pub(super) read: Option<String>,
    pub(super) counts: Counts,
    pub(super) interrupted: bool,
}

impl Outcome {
    pub(super) fn conclude(
        mut self,
        setup: &Setup,
        args: &Scan,
        common: &Common,
        argv: &[OsString],
        started: Timestamp,
        begun: Instant,
    ) -> Result<Exit, Trouble> {
        let path = common.output.as_deref();
        let lines = self.before + self.written.lines;
        if let Some(error) = &self.written.error {
            return ended_early(error, path, lines, argv);
        }
        let changed = setup
            .survey
            .as_ref()
            .zip(self.read.as_ref())
            .is_some_and(|(survey, read)| survey.hash != *read);
        if changed {
            return Err(Trouble::usage(format!(
                "{} changed while it was read: what was written is true of the lines it shows, \
                 but there is no telling whether each line was answered once; scan it again into \
                 another file",
                args.list.display()
            )));
        }
        match self.ended {
            Ended::Complete => {}
            Ended::List(error) => {
                return Err(Trouble::usage(format!(
                    "cannot read {}: {error}",
                    args.list.display()
                )));
            }
            Ended::GaveUp(what) => {
                if path.is_some_and(is_file) {
                    tell_stopped(lines, path, argv);
                }
                return Err(here(format!(
                    "gave up after a pause of {} (--patience): {what}",
                    text::scan::span(std::time::Duration::from_secs(args.patience))
                )));
            }
            Ended::Stopped | Ended::Output => {
                if self.interrupted && !common.quiet {
                    tell_stopped(lines, path, argv);
                }
                return Ok(if self.interrupted {
                    Exit::CannotTell
                } else {
                    Exit::Yes
                });
            }
        }
        let mut list = setup.list(args);
        if list.hash.is_none() {
            list.hash = self.read.take();
        }
        let summary = ScanSummary {
            of: ScanOf::Scan,
            list,
            lines: self.tally.lines,
            complete: true,
            protection: self.tally.levels.clone(),
            answers: self.tally.answers,
            findings: self.tally.findings(),
            providers: self.tally.providers(),
            started: rfc3339(started),
            ended: rfc3339(Timestamp::now()),
            duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            endpoints: self.counts.endpoints,
            connections: self.counts.connections,
            policies: self.counts.policies,
        };
        let line = format!("{}\n", json::scan_summary(&summary));
        let last = self
            .written
            .sink
            .append(line.as_bytes())
            .map_err(|unwritten| unwritten.error)
            .and_then(|()| self.written.sink.sync());
        if let Err(error) = last {
            return ended_early(&error, path, lines, argv);
        }
        if !common.quiet {
            let where_to =
                path.map_or_else(String::new, |path| format!("Results: {}", path.display()));
            say(&text::scan::summary(&summary, &where_to));
        }
        Ok(exit(args, &self.tally, true))
    }
}

/// What the counts say to the shell.
pub(super) fn exit(args: &Scan, tally: &Tally, complete: bool) -> Exit {
    let Some(level) = args.fail_on else {
        return if complete {
            Exit::Yes
        } else {
            Exit::CannotTell
        };
    };
    let below: u64 = level.below().iter().map(|word| tally.at(word)).sum();
    match (below, tally.at("unknown")) {
        (0, 0) => Exit::Yes,
        (0, _) => Exit::CannotTell,
        _ => Exit::No,
    }
}

/// Results could not be written: a closed pipe is no error, a full disk is.
pub(super) fn ended_early(
    error: &io::Error,
    path: Option<&Path>,
    lines: u64,
    argv: &[OsString],
) -> Result<Exit, Trouble> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(Exit::Yes);
    }
    let name = path.map_or_else(
        || "standard output".to_owned(),
        |path| path.display().to_string(),
    );
    if path.is_some_and(is_file) {
        tell_stopped(lines, path, argv);
    }
    Err(here(format!("cannot write {name}: {error}")))
}

fn tell_stopped(lines: u64, path: Option<&Path>, argv: &[OsString]) {
    let count = text::scan::counted(lines);
    match path {
        Some(path) => say(&format!(
            "Stopped. {count} done; every one is a whole line in {}.\nGo on with: {}\n",
            path.display(),
            resume::command(argv)
        )),
        None => say(&format!("Stopped. {count} done.\n")),
    }
}
