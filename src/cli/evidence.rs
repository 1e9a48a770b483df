//! What parties of the hops said at the time: logs (`--log`) and TLS reports
//! (`--tlsrpt`), read once, for all messages at once.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use jiff::tz::Offset;

use crate::cli::output::{Trouble, complain};
use crate::mta_log::{self, HopKey, Wanted};
use crate::observed::statement::Statement;
use crate::tls_rpt::report;
use crate::trace::chain::{Chain, Hop};

/// Reports of one run.
const MOST_REPORTS: usize = 10_000;

/// How often a compressed file may hold its own size, and the growth below
/// which that does not matter.
const MOST_RATIO: u64 = 250;
const HARMLESS: u64 = 16 << 20;

/// Statements kept of one run.
const MOST_STATEMENTS: usize = 500_000;

/// Reads the reports.
pub fn reports(files: &[PathBuf]) -> Result<Vec<Statement>, Trouble> {
    let mut statements = Vec::new();
    for file in files.iter().take(MOST_REPORTS) {
        let mut octets = Vec::new();
        open(file)?
            .take(report::MOST_OCTETS as u64 + 1)
            .read_to_end(&mut octets)
            .map_err(|error| unreadable(file, &error))?;
        let name = name(file);
        let report = report::read(&octets)
            .map_err(|fault| Trouble::usage(format!("{name} is no TLS report: {fault}")))?;
        for advisory in &report.advisories {
            complain(&format!("warning: {name}: {advisory}"));
        }
        statements.extend(report::statements(&report, &name));
        if statements.len() > MOST_STATEMENTS {
            statements.truncate(MOST_STATEMENTS);
            complain(&format!(
                "warning: the reports up to {name} hold more than {MOST_STATEMENTS} failures; \
                 the rest is left out"
            ));
            break;
        }
    }
    Ok(statements)
}

/// Whether the files can be there at all, before much else is done.
pub fn look_for(files: &[PathBuf]) -> Result<(), Trouble> {
    for file in files.iter().filter(|file| !is_stdin(file)) {
        let about = std::fs::metadata(file).map_err(|error| unreadable(file, &error))?;
        if about.is_dir() {
            return Err(Trouble::usage(format!(
                "{} is a folder: name the log itself",
                name(file)
            )));
        }
    }
    Ok(())
}

/// Adds what is to be looked for of one message: the hops over a network.
pub fn want(wanted: &mut Wanted, chain: &Chain) {
    let hops = chain.hops.iter().enumerate();
    let keys = hops
        .filter(|(_, hop)| hop.is_exposed())
        .filter_map(|(n, hop)| {
            // Travel order: the line before is the client's own.
            let before = n.checked_sub(1).and_then(|n| chain.hops.get(n));
            key(hop, before)
        });
    let keys: Vec<HopKey> = keys.collect();
    wanted.add(chain.message.message_id.as_deref(), keys);
}

fn key(hop: &Hop, before: Option<&Hop>) -> Option<HopKey> {
    let date = hop.received.date.as_ref()?;
    let from = hop.received.from.as_ref();
    let by = hop.received.by.as_ref();
    let name = from.and_then(|from| from.rdns.as_deref().or(from.helo.as_deref()));
    let lower = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    let id = |hop: &Hop| {
        let id = hop.received.id.as_ref()?.text.trim();
        (!id.is_empty() && id.len() <= 128).then(|| id.to_owned())
    };
    let zone = |hop: &Hop| hop.received.date.as_ref().map(|date| date.at.offset());
    Some(HopKey {
        client: name.map(lower),
        client_ip: from.and_then(|from| from.ip),
        server: by.and_then(|by| by.host.as_deref()).map(lower),
        server_ip: by.and_then(|by| by.ip),
        id: id(hop),
        client_id: before.and_then(id),
        at: date.at.timestamp(),
        zone: zone(hop),
        client_zone: before.and_then(zone),
    })
}

/// Reads the logs for what is wanted, one line after the other.
pub fn logs(
    files: &[PathBuf],
    zone: Option<Offset>,
    wanted: &Wanted,
) -> Result<Vec<Statement>, Trouble> {
    let mut statements = Vec::new();
    for file in files {
        let name = name(file);
        let mut source = open(file)?;
        let mut log = mta_log::Reader::new(&name, zone, wanted);
        let mut line = Vec::new();
        while next(&mut source, &mut line).map_err(|error| unreadable(file, &error))? {
            log.feed(&line);
        }
        if log.understood() == 0 {
            complain(&format!(
                "warning: {name} holds no line of Postfix or Exim: nothing is taken from it"
            ));
        }
        statements.extend(log.finish());
        statements.truncate(MOST_STATEMENTS);
    }
    Ok(statements)
}

/// The next line without its end, cut where it is longer than is looked at.
fn next(source: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let held = match source.fill_buf() {
            Ok(held) => held,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if held.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = memchr::memchr(b'\n', held);
        let piece = &held[..end.unwrap_or(held.len())];
        let room = mta_log::MOST_OF_LINE.saturating_sub(line.len());
        line.extend_from_slice(&piece[..piece.len().min(room)]);
        let used = end.map_or(held.len(), |end| end + 1);
        source.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// A file or standard input, whether compressed by gzip (RFC 1952) or not.
fn open(file: &Path) -> Result<Box<dyn BufRead>, Trouble> {
    const BUFFER: usize = 256 << 10;
    let source: Box<dyn Read> = if is_stdin(file) {
        Box::new(io::stdin())
    } else {
        let file_ = File::open(file).map_err(|error| unreadable(file, &error))?;
        Box::new(file_)
    };
    let taken = Rc::new(Cell::new(0));
    let mut source = BufReader::with_capacity(
        BUFFER,
        Counted {
            inner: source,
            count: Rc::clone(&taken),
        },
    );
    let held = source
        .fill_buf()
        .map_err(|error| unreadable(file, &error))?;
    // RFC 1952, section 2.3.1: the magic number of gzip.
    Ok(if held.starts_with(&[0x1F, 0x8B]) {
        let expanded = Expanded {
            inner: MultiGzDecoder::new(source),
            taken,
            given: 0,
        };
        Box::new(BufReader::with_capacity(BUFFER, expanded))
    } else {
        Box::new(source)
    })
}

/// Counts what is read of a file.
struct Counted {
    inner: Box<dyn Read>,
    count: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

/// What a compressed file stands for, as long as it grows as logs do. Most
/// expand to ten or thirty times their size, a trap to a thousand times.
struct Expanded<R> {
    inner: R,
    taken: Rc<Cell<u64>>,
    given: u64,
}

impl<R: Read> Read for Expanded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.given += count as u64;
        if self.given > self.taken.get().saturating_mul(MOST_RATIO).max(HARMLESS) {
            return Err(io::Error::other(format!(
                "it expands to more than {MOST_RATIO} times its size, which no log does; expand \
                 it yourself if it is one"
            )));
        }
        Ok(count)
    }
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn name(file: &Path) -> String {
    if is_stdin(file) {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    }
}

fn unreadable(file: &Path, error: &io::Error) -> Trouble {
    Trouble::usage(format!("cannot read {}: {error}", name(file)))
}
