//! `scan`: check every domain of a list.

mod files;
mod progress;
mod resume;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::cli::Exit;
use crate::cli::args::{Common, Format, Scan};
use crate::cli::output::{Trouble, complain};
use crate::cli::probing;
use crate::probe::{Options, Prober};
use crate::report::json;
use crate::report::json::scan::{ListData, RunData, ScanOf, ScanSummary};
use crate::report::text;
use crate::scan::engine::{self, Ended, Ends, Settings, Stop};
use crate::scan::exclude::Exclude;
use crate::scan::journal::{Done, Journal, JournalError, Past};
use crate::scan::list::{Entry, ListError, Reader, Shard};
use crate::scan::output::{Output, Sink};
use crate::scan::pace::Limits;
use crate::scan::plan::Plan;
use crate::scan::tally::Tally;

use files::OpenFiles;
use progress::Teller;

/// How many lines are read ahead.
const READ_AHEAD: usize = 256;

/// How many conversations are kept for domains to come: about 6 kB each.
const KEPT_ENDPOINTS: usize = 16_384;

/// Between two connections to one address.
const SPACING: Duration = Duration::from_millis(100);

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
    meaning: BTreeMap<String, Value>,
}

/// What one reading of the list tells.
struct Survey {
    hash: String,
    /// Lines that get an answer, in this share.
    lines: u64,
}

impl Setup {
    fn new(args: &Scan, common: &Common) -> Result<Self, Trouble> {
        let options = probing::options(&args.probing)?;
        let mut exclude = Exclude::default();
        for path in &args.exclude {
            let name = path.display();
            let text = std::fs::read_to_string(path)
                .map_err(|error| Trouble::usage(format!("cannot read {name}: {error}")))?;
            exclude
                .read(&text)
                .map_err(|wrong| Trouble::usage(format!("--exclude {name}: {wrong}")))?;
        }
        let shard = args.shard.unwrap_or(Shard::WHOLE);
        if args.resume && common.output.is_none() {
            return Err(Trouble::usage(
                "--resume goes on with a file of results: name it with --output",
            ));
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
            meaning: meaning(args, shard),
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
            Some(path) => self.open(path, args.resume)?,
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
            ..self.options.clone()
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| here(format!("this machine gives no event queue: {error}")))?;
        let has_control = runtime.block_on(ask_control(&prober))?;
        let started = Timestamp::now();
        let run_line = json::scan_run(&RunData {
            tool: "starttrace".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            resumed: past.is_some(),
            options: self.meaning.clone(),
            list: self.list(args),
        });
        let path = common.output.as_deref();
        if let Err(error) = sink.append(format!("{run_line}\n").as_bytes()) {
            return ended_early(&error.error, path, before, argv);
        }
        let (done, tally) = past.map_or_else(Default::default, |past| (past.done, past.tally));
        let running = Running {
            setup: &self,
            args,
            prober: &prober,
            open_files,
            has_control,
        };
        let begun = Instant::now();
        let outcome = runtime.block_on(running.scan(sink, done, tally, &mut teller))?;
        // Probes that are still under way have nobody to tell.
        runtime.shutdown_background();
        teller.clear();
        outcome.conclude(&self, args, common, argv, started, begun)
    }

    fn open(&self, path: &Path, resume: bool) -> Result<(Sink, Option<Past>), Trouble> {
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
                &self.meaning,
            )
            .map_err(|why| Trouble::usage(format!("cannot go on with {name}: {why}")))?;
        }
        Ok((Sink::Journal(journal), past))
    }
}

/// A scan under way.
struct Running<'a> {
    setup: &'a Setup,
    args: &'a Scan,
    prober: &'a Prober,
    open_files: OpenFiles,
    has_control: bool,
}

/// What came of it.
struct Outcome {
    ended: Ended,
    written: crate::scan::output::Written,
    /// Lines that earlier runs wrote.
    before: u64,
    tally: Tally,
    /// SHA-256 of what was read, where all was.
    read: Option<String>,
    endpoints: u64,
    connections: u64,
    interrupted: bool,
}

impl Running<'_> {
    async fn scan(
        self,
        sink: Sink,
        done: Done,
        mut tally: Tally,
        teller: &mut Teller,
    ) -> Result<Outcome, Trouble> {
        let before = tally.lines;
        let limits = Limits {
            per_host: self.args.per_host,
            spacing: SPACING,
            rate: self.args.rate,
            connections: self.open_files.connections,
            shards: self.setup.shard.of,
        };
        let plan = Arc::new(Plan::new(
            limits,
            self.setup.exclude.clone(),
            self.setup.options.clock,
            if self.args.full {
                KEPT_ENDPOINTS / 4
            } else {
                KEPT_ENDPOINTS
            },
        ));
        let settings = Settings {
            in_flight: self.open_files.domains,
            ordered: self.args.ordered,
            full: self.args.full,
            retry_after: Duration::from_secs(self.args.retry_after.into()),
            has_control: self.has_control,
        };
        let (reading, entries) = read(self.args, self.setup.shard, done)?;
        let (output, lines) = Output::start(sink).map_err(|error| here(error.to_string()))?;
        let stop = signals().map_err(|error| here(error.to_string()))?;
        let asked = stop.clone();
        let observed = Arc::clone(&plan);
        let mut tell = |state: &engine::State, tally: &Tally| {
            teller.tell(state, tally, &observed);
        };
        let ended = engine::run(
            self.prober,
            &plan,
            &settings,
            Ends {
                input: entries,
                output: lines,
                stop,
            },
            &mut tell,
            &mut tally,
        )
        .await;
        let written = tokio::task::spawn_blocking(|| output.finish())
            .await
            .map_err(|error| here(error.to_string()))?
            .map_err(|error| here(error.to_string()))?;
        let read = match ended {
            Ended::Complete => tokio::task::spawn_blocking(|| reading.join().ok().flatten())
                .await
                .ok()
                .flatten(),
            _ => None,
        };
        let (endpoints, connections) = plan.counts();
        let interrupted = *asked.borrow() != Stop::No;
        Ok(Outcome {
            ended,
            written,
            before,
            tally,
            read,
            endpoints,
            connections,
            interrupted,
        })
    }
}

impl Outcome {
    fn conclude(
        mut self,
        setup: &Setup,
        args: &Scan,
        common: &Common,
        argv: &[std::ffi::OsString],
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
            started: started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            ended: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            endpoints: self.endpoints,
            connections: self.connections,
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
fn exit(args: &Scan, tally: &Tally, complete: bool) -> Exit {
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
fn ended_early(
    error: &io::Error,
    path: Option<&Path>,
    lines: u64,
    argv: &[std::ffi::OsString],
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

fn tell_stopped(lines: u64, path: Option<&Path>, argv: &[std::ffi::OsString]) {
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

/// Asks the control host before anything else: through a closed port nothing
/// can be seen of anybody.
async fn ask_control(prober: &Prober) -> Result<bool, Trouble> {
    use crate::attempt::Attempt;
    match prober.ask_control_again().await {
        None | Some(Attempt::Skipped(_)) => Ok(false),
        Some(Attempt::Done(_)) => Ok(true),
        Some(Attempt::Failed(failure)) => Err(here(format!(
            "{}; nothing was begun: a scan from here would see nothing (--control names another \
             host to ask first, or none)",
            failure.message
        ))),
    }
}

fn is_file(path: &Path) -> bool {
    path != Path::new("-") && std::fs::metadata(path).is_ok_and(|about| about.is_file())
}

fn open(path: &Path) -> Result<Box<dyn io::Read + Send>, Trouble> {
    if path == Path::new("-") {
        if io::stdin().is_terminal() {
            complain("reading the list from the terminal; end it with Ctrl-D");
        }
        return Ok(Box::new(io::stdin()));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Trouble::usage(format!(
            "cannot read {}: {error}",
            path.display()
        ))),
    }
}

/// Reads the whole list once, keeping nothing of it.
fn survey(args: &Scan, shard: Shard) -> Result<Survey, Trouble> {
    let mut reader = Reader::new(open(&args.list)?, args.column.clone());
    let mut lines = 0;
    for entry in &mut reader {
        let entry = entry.map_err(|error| {
            Trouble::usage(format!("cannot read {}: {error}", args.list.display()))
        })?;
        lines += u64::from(shard.holds(&entry));
    }
    Ok(Survey {
        hash: reader.hash(),
        lines,
    })
}

/// A thread that reads; it ends with the hash of what it read.
type Reading = std::thread::JoinHandle<Option<String>>;

/// Reads the list in a thread of its own, and hands over what is to be done.
fn read(
    args: &Scan,
    shard: Shard,
    done: Done,
) -> Result<(Reading, mpsc::Receiver<Result<Entry, ListError>>), Trouble> {
    let input = open(&args.list)?;
    let column = args.column.clone();
    let (sender, entries) = mpsc::channel(READ_AHEAD);
    let reading = std::thread::Builder::new()
        .name("list".to_owned())
        .spawn(move || {
            let mut reader = Reader::new(input, column);
            for entry in &mut reader {
                if let Ok(entry) = &entry
                    && (!shard.holds(entry) || done.has(entry.line))
                {
                    continue;
                }
                if sender.blocking_send(entry).is_err() {
                    return None;
                }
            }
            Some(reader.hash())
        })
        .map_err(|error| here(error.to_string()))?;
    Ok((reading, entries))
}

/// Stops the scan at a signal, and at once at the second.
fn signals() -> io::Result<watch::Receiver<Stop>> {
    let (sender, receiver) = watch::channel(Stop::No);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        // A file that may not grow further is to be an error, not the end.
        #[cfg(target_os = "linux")]
        let too_large = signal(SignalKind::from_raw(25))?;
        tokio::spawn(async move {
            #[cfg(target_os = "linux")]
            let _too_large = too_large;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                sender.send_modify(|stop| {
                    *stop = match stop {
                        Stop::No => Stop::Soon,
                        Stop::Soon | Stop::Now => Stop::Now,
                    };
                });
            }
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            sender.send_modify(|stop| {
                *stop = match stop {
                    Stop::No => Stop::Soon,
                    Stop::Soon | Stop::Now => Stop::Now,
                };
            });
        }
    });
    Ok(receiver)
}

/// The options that change what a line of results means, by their long names.
fn meaning(args: &Scan, shard: Shard) -> BTreeMap<String, Value> {
    let probing = &args.probing;
    let mut options = BTreeMap::from([
        ("full", json!(args.full)),
        ("ordered", json!(args.ordered)),
        ("port", json!(probing.port)),
        ("policy-port", json!(probing.policy_port)),
        ("ipv4", json!(probing.ipv4)),
        ("ipv6", json!(probing.ipv6)),
        ("no-system-roots", json!(probing.no_system_roots)),
        (
            "dnssec",
            json!(format!("{:?}", probing.dnssec).to_lowercase()),
        ),
    ]);
    if let Some(column) = &args.column {
        options.insert("column", json!(column));
    }
    if shard != Shard::WHOLE {
        options.insert("shard", json!(shard.to_string()));
    }
    if !probing.ca_file.is_empty() {
        let files: Vec<String> = probing
            .ca_file
            .iter()
            .map(|file: &PathBuf| file.display().to_string())
            .collect();
        options.insert("ca-file", json!(files));
    }
    options
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
