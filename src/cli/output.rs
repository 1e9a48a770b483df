//! Where results go: standard output or a file, in the chosen form.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::Exit;
use crate::cli::args::{Common, Format, When};
use crate::report::text::{escape, style::Style};

/// How long one of many results may wait for those behind it.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a run ends before its results are out.
#[derive(Debug)]
pub struct Trouble {
    pub exit: Exit,
    pub message: String,
}

impl Trouble {
    /// Wrong usage, with what to do instead.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.into(),
        }
    }
}

/// Tells people at standard error what is wrong, one line.
pub fn complain(message: &str) {
    // Nothing can be done where even standard error is closed.
    let _ = writeln!(io::stderr().lock(), "starttrace: {}", escape::text(message));
}

/// The sink of results.
pub struct Output {
    sink: Sink,
    name: String,
    format: Format,
    style: Style,
    verbose: u8,
    written: usize,
    flushed: Instant,
    /// The reader has gone away: there is nobody to write to, which is no
    /// error.
    closed: bool,
}

/// How a result is to look.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    format: Format,
    style: Style,
    nowhere: bool,
}

impl Look {
    /// One result in the chosen form, with its line end; `line` is the JSON in
    /// one line.
    pub fn result(
        &self,
        text: impl FnOnce(Style) -> String,
        json: impl FnOnce() -> Value,
        line: impl FnOnce() -> String,
    ) -> String {
        match self.format {
            _ if self.nowhere => String::new(),
            Format::Text => text(self.style),
            Format::Json => format!("{:#}\n", json()),
            Format::Ndjson => {
                let mut line = line();
                line.push('\n');
                line
            }
            // Refused at the start by all commands but `report`, whose writer
            // gives octets.
            Format::Csv
            | Format::Html
            | Format::PostfixPolicy
            | Format::ExchangeDomains
            | Format::GoogleDomains => String::new(),
        }
    }
}

enum Sink {
    Stdout(BufWriter<io::Stdout>),
    File(BufWriter<File>),
    Nowhere,
}

impl Output {
    /// Opens the sink before any work is done, so that a mistyped path costs
    /// nothing.
    pub fn open(common: &Common) -> Result<Self, String> {
        let (sink, name) = match &common.output {
            _ if common.quiet => (Sink::Nowhere, String::new()),
            Some(path) => {
                let file = File::create(path)
                    .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
                (Sink::File(BufWriter::new(file)), display(path))
            }
            None => (
                Sink::Stdout(BufWriter::new(io::stdout())),
                "standard output".to_owned(),
            ),
        };
        let colour = match common.color {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                matches!(sink, Sink::Stdout(_))
                    && io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                    && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
            }
        };
        Ok(Self {
            sink,
            name,
            format: common.format.unwrap_or(Format::Text),
            style: if colour {
                Style::coloured()
            } else {
                Style::plain()
            },
            verbose: common.verbose,
            written: 0,
            flushed: Instant::now(),
            closed: false,
        })
    }

    /// How often `-v` was given.
    pub fn verbose(&self) -> u8 {
        self.verbose
    }

    /// The file that is written, if it is one.
    pub fn name(&self) -> Option<String> {
        matches!(self.sink, Sink::File(_)).then(|| self.name.clone())
    }

    /// Whether results are pages for people.
    pub fn is_text(&self) -> bool {
        self.format == Format::Text
    }

    /// Whether nothing is to be printed.
    pub fn is_quiet(&self) -> bool {
        matches!(self.sink, Sink::Nowhere)
    }

    /// Whether the results can be seen while they are written.
    pub fn is_on_terminal(&self) -> bool {
        matches!(self.sink, Sink::Stdout(_)) && io::stdout().is_terminal()
    }

    /// Whether the chosen form takes one result only.
    pub fn takes_one(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether nobody reads what is written.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether `count` results can be printed in the chosen form.
    pub fn accept(&self, count: usize) -> Result<(), Trouble> {
        if self.format == Format::Json && count > 1 {
            return Err(Trouble::usage(format!(
                "--format json is one document, and there are {count} results: use --format ndjson"
            )));
        }
        Ok(())
    }

    /// Writes one result in the chosen form.
    pub fn result(
        &mut self,
        text: impl FnOnce(Style) -> String,
        json: impl FnOnce() -> Value,
    ) -> Result<(), Trouble> {
        if matches!(self.sink, Sink::Nowhere) || self.closed {
            return Ok(());
        }
        match self.format {
            Format::Text => {
                let page = text(self.style);
                let between = if self.written > 0 { "\n" } else { "" };
                self.written += 1;
                self.write(&format!("{between}{page}"))
            }
            Format::Json => self.pretty(&json()),
            Format::Ndjson => {
                let line = json().to_string();
                self.write(&format!("{line}\n"))
            }
            // The other forms have no result in the middle; their writer gives
            // octets.
            Format::Csv
            | Format::Html
            | Format::PostfixPolicy
            | Format::ExchangeDomains
            | Format::GoogleDomains => Ok(()),
        }
    }

    /// How results are to look, for those who make them beside others.
    pub fn look(&self) -> Look {
        Look {
            format: self.format,
            style: self.style,
            nowhere: matches!(self.sink, Sink::Nowhere),
        }
    }

    /// Writes one of many results that were made by [`Look::result`]. They are
    /// flushed now and then: none of them was waited for.
    pub fn made(&mut self, result: &str) -> Result<(), Trouble> {
        if matches!(self.sink, Sink::Nowhere) || self.closed {
            return Ok(());
        }
        let between = self.format == Format::Text && self.written > 0;
        self.written += 1;
        let due = self.flushed.elapsed() > PAUSE;
        if due {
            self.flushed = Instant::now();
        }
        self.with_sink(|sink| {
            if between {
                sink.write_all(b"\n")?;
            }
            sink.write_all(result.as_bytes())?;
            if due { sink.flush() } else { Ok(()) }
        })
    }

    /// Writes a list: one page, or one document a line.
    pub fn list(
        &mut self,
        text: impl FnOnce(Style) -> String,
        json: impl FnOnce() -> Vec<Value>,
    ) -> Result<(), Trouble> {
        match self.format {
            Format::Text => self.result(text, || Value::Null),
            _ => {
                let documents = json();
                self.accept(documents.len())?;
                for document in documents {
                    self.result(|_| String::new(), || document)?;
                }
                Ok(())
            }
        }
    }

    /// Writes a JSON document over several lines, whatever the form.
    pub fn pretty(&mut self, document: &Value) -> Result<(), Trouble> {
        self.write(&format!("{document:#}\n"))
    }

    /// Writes octets as they are, whatever the form.
    pub fn raw(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        self.with_sink(|sink| sink.write_all(octets))
    }

    /// Flushes what is left.
    pub fn finish(&mut self) -> Result<(), Trouble> {
        self.with_sink(|sink| sink.flush())
    }

    fn write(&mut self, text: &str) -> Result<(), Trouble> {
        // Flushed at once: a slow second domain must not hold back the first.
        self.with_sink(|sink| {
            sink.write_all(text.as_bytes())?;
            sink.flush()
        })
    }

    fn with_sink(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Trouble> {
        if self.closed {
            return Ok(());
        }
        let done = match &mut self.sink {
            Sink::Stdout(stdout) => write(stdout),
            Sink::File(file) => write(file),
            Sink::Nowhere => Ok(()),
        };
        match done {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => {
                self.closed = true;
                Err(Trouble {
                    exit: Exit::TroubleHere,
                    message: format!("cannot write {}: {error}", self.name),
                })
            }
        }
    }
}

fn display(path: &std::path::Path) -> String {
    PathBuf::from(path).display().to_string()
}
