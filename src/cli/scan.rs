//! `scan`: check every domain of a list.
//!
//! In order: `reading` knows the list, `settings` the options that a run line
//! tells, `resume` whether an earlier run can be gone on with, `before` asks
//! resolver and control host, `running` scans, `outcome` ends it.

mod before;
mod files;
mod outcome;
mod progress;
mod reading;
mod resume;
mod running;
mod settings;
mod signals;

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::cli::Exit;
use crate::cli::args::{Common, Format, Scan};
use crate::cli::output::{Trouble, complain};
use crate::cli::probing;
use crate::probe::Options;
use crate::report::json;
use crate::report::json::scan::{ListData, RunData};
use crate::scan::exclude::Exclude;
use crate::scan::journal::{Journal, JournalError, Past};
use crate::scan::list::{self, Shard};
use crate::scan::memory::Memory;
use crate::scan::output::Sink;

use files::OpenFiles;
use outcome::{ended_early, exit};
use progress::Teller;
use reading::{Survey, is_file, survey};
use running::Running;
use settings::RunSettings;

/// Runs the command. `argv` is the command line, to tell how to go on.
pub fn run(args: &Scan, common: &Common, argv: &[std::ffi::OsString]) -> Result<Exit, Trouble> {
    refuse_forms(common)?;
    let scan = Setup::new(args, common)?;
    scan.run(args, common, argv)
}

fn refuse_forms(common: &Common) -> Result<(), Trouble> {
    match common.format {
        None | Some(Format::Ndjson) => Ok(()),
        Some(_) => Err(Trouble::usage(
            "scan writes ndjson, always: its output is its journal; give no --format or --format \
             ndjson, and render the file with: starttrace report -f text|json|... FILE",
        )),
    }
}

/// What is known before anybody is asked.
struct Setup {
    options: Options,
    exclude: Exclude,
    shard: Shard,
    survey: Option<Survey>,
    settings: RunSettings,
}

impl Setup {
    fn new(args: &Scan, common: &Common) -> Result<Self, Trouble> {
        let options = probing::options(&args.probing)?;
        let (exclude, excluded) = excluded(args)?;
        let shard = args.shard.unwrap_or(Shard::WHOLE);
        if args.resume && common.output.is_none() {
            return Err(Trouble::usage(
                "--resume goes on with a file of results: name it with --output",
            ));
        }
        // Before anything is written.
        if args.list != Path::new("-") {
            let unreadable = match std::fs::metadata(&args.list) {
                Ok(about) if about.is_dir() => Some("it is a directory".to_owned()),
                Ok(_) => None,
                Err(error) => Some(error.to_string()),
            };
            if let Some(why) = unreadable {
                return Err(Trouble::usage(format!(
                    "cannot read {}: {why}",
                    args.list.display()
                )));
            }
        }
        let survey = if is_file(&args.list) {
            Some(survey(args, shard)?)
        } else if args.resume {
            return Err(Trouble::usage(
                "what comes through a pipe cannot be resumed, since it cannot be told whether it \
                 is the same list: save it to a file",
            ));
        } else {
            None
        };
        Ok(Self {
            settings: RunSettings::new(args, &options, shard, excluded),
            options,
            exclude,
            shard,
            survey,
        })
    }

    fn list(&self, args: &Scan) -> ListData {
        ListData {
            name: args.list.display().to_string(),
            hash: self.survey.as_ref().map(|survey| survey.hash.clone()),
        }
    }

    fn run(
        self,
        args: &Scan,
        common: &Common,
        argv: &[std::ffi::OsString],
    ) -> Result<Exit, Trouble> {
        let (mut sink, past) = match &common.output {
            Some(path) => self.open(path, args.resume, common.quiet)?,
            None => (Sink::Stdout, None),
        };
        let total = self.survey.as_ref().map(|survey| survey.lines);
        let before = past.as_ref().map_or(0, |past| past.done.count());
        let mut teller = Teller::new(!common.quiet, total, before);
        if past.is_some() || total.is_some() {
            teller.begin(&args.list, past.as_ref());
        }
        if let Some(past) = &past
            && past.ended
            && total == Some(before)
        {
            return Ok(exit(args, &past.tally, true));
        }
        let open_files = OpenFiles::find();
        let prober = probing::prober(Options {
            concurrency: usize::try_from(args.per_host).unwrap_or(1).max(4),
            questions: open_files.questions,
            ..self.options.clone()
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| here(format!("this machine gives no event queue: {error}")))?;
        let has_control = runtime.block_on(before::ask(&prober))?;
        let started = Timestamp::now();
        let run_line = json::scan_run(&RunData {
            tool: "starttrace".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: rfc3339(started),
            resumed: past.is_some(),
            options: self.settings.all(),
            list: self.list(args),
        });
        let path = common.output.as_deref();
        if let Err(error) = sink.append(format!("{run_line}\n").as_bytes()) {
            return ended_early(&error.error, path, before, argv);
        }
        let memory = args.remembering.path().and_then(remember).map(Arc::new);
        let (done, tally) = past.map_or_else(Default::default, |past| (past.done, past.tally));
        let running = Running {
            setup: &self,
            args,
            prober: &prober,
            open_files,
            has_control,
            memory: memory.clone(),
        };
        let begun = Instant::now();
        let outcome = runtime.block_on(running.scan(sink, done, tally, &mut teller))?;
        // Probes that are still under way have nobody to tell.
        runtime.shutdown_background();
        teller.clear();
        if let Some(Err(trouble)) = memory.map(|memory| memory.finish()) {
            complain(&format!("warning: {trouble} (not everything is stored)"));
        }
        outcome.conclude(&self, args, common, argv, started, begun)
    }

    fn open(
        &self,
        path: &Path,
        resume: bool,
        quiet: bool,
    ) -> Result<(Sink, Option<Past>), Trouble> {
        let name = path.display();
        let (journal, past) = Journal::open(path, resume).map_err(|error| match error {
            JournalError::Io(error) => Trouble {
                exit: Exit::Usage,
                message: format!("cannot write {name}: {error}"),
            },
            other => Trouble::usage(format!("cannot write {name}: {other}")),
        })?;
        if let Some(past) = &past {
            resume::fits(
                &past.run,
                self.survey.as_ref().map(|s| s.hash.as_str()),
                &self.settings.meaning,
            )
            .map_err(|why| Trouble::usage(format!("cannot go on with {name}: {why}")))?;
            let changed = resume::changes(&past.latest, &self.settings.circumstances);
            if !changed.is_empty() && !quiet {
                complain(&format!(
                    "goes on under other circumstances: {} (the lines behind the new run line in \
                     {name})",
                    changed.join("; ")
                ));
            }
        }
        Ok((Sink::Journal(journal), past))
    }
}

/// Says something to people.
fn say(text: &str) {
    // Nothing can be done where even standard error is closed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn here(message: String) -> Trouble {
    Trouble {
        exit: Exit::TroubleHere,
        message,
    }
}

fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Who is to be left alone, and the SHA-256 of what says so.
fn excluded(args: &Scan) -> Result<(Exclude, Option<String>), Trouble> {
    let mut exclude = Exclude::default();
    let mut all = String::new();
    for path in &args.exclude {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Trouble::usage(format!("cannot read {name}: {error}")))?;
        exclude
            .read(&text)
            .map_err(|wrong| Trouble::usage(format!("--exclude {name}: {wrong}")))?;
        all.push_str(&text);
    }
    let hash = (!args.exclude.is_empty()).then(|| list::sha256(all.as_bytes()));
    Ok((exclude, hash))
}

/// Opens the history; a scan goes on without.
fn remember(path: &Path) -> Option<Memory> {
    Memory::open(path)
        .inspect_err(|trouble| complain(&format!("warning: {trouble} (nothing is stored)")))
        .ok()
}
