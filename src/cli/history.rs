//! `history`: list, show, diff, prune, export what earlier probes saw.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;

use crate::cli::Exit;
use crate::cli::args::{History, HistoryCommand, HistoryDiff};
use crate::cli::memory::observation;
use crate::cli::output::{Output, Trouble, complain};
use crate::history::change::{self, Judged};
use crate::history::{Access, Store, Wrong};
use crate::name::DomainName;
use crate::report::json::read::{self, Document};
use crate::report::{json, text};

/// How far back is looked for what the earlier observation did not see.
const MOST_BEFORE: usize = 24;

/// Octets of a list of domains.
const MOST_OF_LIST: u64 = 256 << 20;

/// Runs the command.
pub fn run(args: &History, output: &mut Output) -> Result<Exit, Trouble> {
    let path = args.remembering.path().ok_or_else(|| {
        Trouble::usage(
            "which history? Name its file with --history, or in STARTTRACE_HISTORY, such as \
             ~/.local/state/starttrace/history.db",
        )
    })?;
    let access = match args.command {
        HistoryCommand::Prune { .. } => Access::Write,
        _ => Access::Read,
    };
    // Here, unlike beside a run, the history is what is asked for.
    if matches!(args.command, HistoryCommand::Prune { .. }) && !path.exists() {
        return Err(failed(&crate::history::Trouble {
            path: path.to_owned(),
            wrong: Wrong::Missing,
        }));
    }
    let mut store = Store::open(path, access).map_err(|trouble| failed(&trouble))?;
    match &args.command {
        HistoryCommand::List { domains } => list(&store, domains, output),
        HistoryCommand::Show { domain, at } => show(&store, domain, *at, output),
        HistoryCommand::Diff(diff) => run_diff(&store, diff, output),
        HistoryCommand::Prune { before, keep } => prune(&mut store, *before, *keep, output),
        HistoryCommand::Export { domains } => export(&store, domains, output),
    }
}

fn failed(trouble: &crate::history::Trouble) -> Trouble {
    let exit = match trouble.wrong {
        Wrong::Full | Wrong::Locked => Exit::TroubleHere,
        _ => Exit::Usage,
    };
    Trouble {
        exit,
        message: trouble.to_string(),
    }
}

fn domain(input: &str) -> Result<String, Trouble> {
    DomainName::from_input(input)
        .map(|domain| domain.to_string())
        .map_err(|why| Trouble::usage(format!("{input} is no domain: {why}")))
}

fn list(store: &Store, domains: &[String], output: &mut Output) -> Result<Exit, Trouble> {
    let mut known = store.domains().map_err(|trouble| failed(&trouble))?;
    let mut exit = Exit::Yes;
    if !domains.is_empty() {
        let wanted: BTreeSet<String> = domains
            .iter()
            .map(|input| domain(input))
            .collect::<Result<_, _>>()?;
        for name in &wanted {
            if !known.iter().any(|known| known.domain == *name) {
                complain(&format!("{name}: the history holds no observation of it"));
                exit = exit.worst(Exit::CannotTell);
            }
        }
        known.retain(|known| wanted.contains(&known.domain));
    }
    let witnesses = if domains.is_empty() {
        store.witness_count().map_err(|trouble| failed(&trouble))?
    } else {
        (0, 0)
    };
    output.list(
        |style| text::history::list(&known, witnesses, style),
        || known.iter().map(json::history_list).collect(),
    )?;
    Ok(exit)
}

fn show(
    store: &Store,
    input: &str,
    at: Option<Timestamp>,
    output: &mut Output,
) -> Result<Exit, Trouble> {
    let name = domain(input)?;
    let found = store
        .of_domain(&name, at, 1)
        .map_err(|trouble| failed(&trouble))?;
    let Some(stored) = found.first() else {
        complain(&format!(
            "{name}: the history holds no observation of it{}",
            if at.is_some() {
                " from that time or before"
            } else {
                ""
            }
        ));
        return Ok(Exit::CannotTell);
    };
    let observation = observation(stored).ok_or_else(|| unreadable(&name, stored.at))?;
    let judged = Judged::new(observation);
    let verbose = output.verbose();
    output.result(
        |style| text::check::render(&judged.observation, &judged.verdict, verbose, style),
        || serde_json::from_str(&stored.document).unwrap_or_default(),
    )?;
    Ok(Exit::Yes)
}

fn unreadable(name: &str, at: Timestamp) -> Trouble {
    Trouble {
        exit: Exit::CannotTell,
        message: format!(
            "{name}: the observation of {at} is not understood; a newer starttrace may have \
             written it, or the file is damaged"
        ),
    }
}

fn run_diff(store: &Store, args: &HistoryDiff, output: &mut Output) -> Result<Exit, Trouble> {
    let mut named: BTreeSet<String> = args
        .domains
        .iter()
        .map(|input| domain(input))
        .collect::<Result<_, _>>()?;
    let mut exit = Exit::Yes;
    if let Some(file) = &args.list {
        for (number, line) in read_list(file)?.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match domain(line) {
                Ok(name) => {
                    named.insert(name);
                }
                Err(trouble) => {
                    complain(&format!("line {}: {}", number + 1, trouble.message));
                    exit = exit.worst(Exit::CannotTell);
                }
            }
        }
    }
    let all = named.is_empty() && args.domains.is_empty() && args.list.is_none();
    if all {
        let known = store.domains().map_err(|trouble| failed(&trouble))?;
        named = known.into_iter().map(|known| known.domain).collect();
    }
    output.accept(named.len())?;
    for name in &named {
        match compare(store, name, args)? {
            Compared::Nothing(why) => {
                // Of what was not named, that there is nothing to compare is
                // no news: cron would send it every day.
                if !all {
                    complain(&format!("{name}: {why}"));
                    exit = exit.worst(Exit::CannotTell);
                }
            }
            Compared::Both { before, after } => {
                let changes = change::between(&before, &after);
                if !changes.is_empty() {
                    exit = exit.worst(Exit::No);
                }
                if changes.is_empty() && !output.takes_one() {
                    continue;
                }
                // One was found at least, or there would be nothing to compare.
                let Some(first) = before.first() else {
                    continue;
                };
                output.result(
                    |style| text::history::diff(first, &after, &changes, style),
                    || json::history_diff(first, &after, &changes),
                )?;
            }
        }
    }
    Ok(exit)
}

enum Compared {
    Nothing(String),
    Both {
        before: Vec<Judged>,
        after: Box<Judged>,
    },
}

fn compare(store: &Store, name: &str, args: &HistoryDiff) -> Result<Compared, Trouble> {
    let ask = |until, most| {
        store
            .of_domain(name, until, most)
            .map_err(|trouble| failed(&trouble))
    };
    let newest = ask(args.to, 1)?;
    let Some(stored) = newest.first() else {
        return Ok(Compared::Nothing(
            "the history holds no observation of it".into(),
        ));
    };
    let after = observation(stored).ok_or_else(|| unreadable(name, stored.at))?;
    let just_before = stored
        .at
        .checked_sub(jiff::SignedDuration::from_millis(1))
        .unwrap_or(Timestamp::MIN);
    let until = args.from.map_or(just_before, |from| from.min(just_before));
    let before: Vec<Judged> = ask(Some(until), MOST_BEFORE)?
        .iter()
        .filter_map(observation)
        .map(Judged::new)
        .collect();
    if before.is_empty() {
        return Ok(Compared::Nothing(format!(
            "only one observation of it, of {}: nothing to compare it with",
            stored.at.strftime("%Y-%m-%d")
        )));
    }
    Ok(Compared::Both {
        before,
        after: Box::new(Judged::new(after)),
    })
}

fn read_list(file: &Path) -> Result<String, Trouble> {
    let cannot =
        |error: std::io::Error| Trouble::usage(format!("cannot read {}: {error}", file.display()));
    let mut octets = Vec::new();
    let source: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(cannot)?)
    };
    source
        .take(MOST_OF_LIST)
        .read_to_end(&mut octets)
        .map_err(cannot)?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

fn prune(
    store: &mut Store,
    before: Option<Timestamp>,
    keep: Option<u32>,
    output: &mut Output,
) -> Result<Exit, Trouble> {
    let pruned = store
        .prune(before, keep)
        .map_err(|trouble| failed(&trouble))?;
    output.result(
        |_| text::history::pruned(&pruned),
        || json::history_prune(&pruned),
    )?;
    Ok(Exit::Yes)
}

fn export(store: &Store, domains: &[String], output: &mut Output) -> Result<Exit, Trouble> {
    let mut wanted: Vec<Option<String>> = domains
        .iter()
        .map(|input| domain(input).map(Some))
        .collect::<Result<_, _>>()?;
    if wanted.is_empty() {
        wanted.push(None);
    }
    let mut exit = Exit::Yes;
    let mut trouble = None;
    for name in &wanted {
        let mut told = 0_u64;
        let mut skipped = 0_u64;
        store
            .each(name.as_deref(), |stored| {
                // What is damaged would spoil the file for its readers.
                let Ok(Document::DomainReport(_)) = read::document(&stored.document) else {
                    skipped += 1;
                    return true;
                };
                told += 1;
                let written = output
                    .raw(stored.document.as_bytes())
                    .and_then(|()| output.raw(b"\n"));
                trouble = written.err();
                trouble.is_none() && !output.is_closed()
            })
            .map_err(|trouble| failed(&trouble))?;
        if let Some(trouble) = trouble.take() {
            return Err(trouble);
        }
        if skipped > 0 {
            complain(&format!(
                "{skipped} observations are not understood, and left out"
            ));
            exit = exit.worst(Exit::CannotTell);
        }
        if let Some(name) = name
            && told == 0
        {
            complain(&format!("{name}: the history holds no observation of it"));
            exit = exit.worst(Exit::CannotTell);
        }
    }
    Ok(exit)
}
