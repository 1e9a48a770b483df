//! How far a long run is, for people at standard error: a line that is written
//! over on a terminal, a line now and then elsewhere, none for short runs.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Short runs show nothing.
const PATIENCE: Duration = Duration::from_millis(700);
const ON_TERMINAL: Duration = Duration::from_millis(200);
const ELSEWHERE: Duration = Duration::from_secs(10);

/// The line that tells how far a run is.
#[derive(Debug)]
pub struct Progress {
    on: bool,
    terminal: bool,
    started: Instant,
    told: Option<Instant>,
    /// Octets of all inputs, where that is known.
    total: Option<u64>,
    shown: bool,
}

impl Progress {
    pub fn new(on: bool, total: Option<u64>) -> Self {
        Self {
            on,
            terminal: io::stderr().is_terminal(),
            started: Instant::now(),
            told: None,
            total: total.filter(|octets| *octets > 0),
            shown: false,
        }
    }

    /// Tells, if it is time to, how many messages were read and how many octets
    /// that were.
    pub fn tick(&mut self, doing: &str, messages: usize, octets: u64) {
        if !self.on || self.started.elapsed() < PATIENCE {
            return;
        }
        let pause = if self.terminal {
            ON_TERMINAL
        } else {
            ELSEWHERE
        };
        let since = self.told.unwrap_or(self.started);
        if since.elapsed() < pause && (self.told.is_some() || !self.terminal) {
            return;
        }
        self.told = Some(Instant::now());
        let share = self
            .total
            .map(|total| {
                let percent = (octets.min(total) as f64 / total as f64 * 100.0).floor();
                format!(", {percent} %")
            })
            .unwrap_or_default();
        let line = format!("{doing}: {messages} messages{share}");
        let mut stderr = io::stderr().lock();
        // Nothing can be done where standard error is closed.
        let _ = if self.terminal {
            self.shown = true;
            write!(stderr, "\r{line}\x1b[K").and_then(|()| stderr.flush())
        } else {
            writeln!(stderr, "starttrace: {line}")
        };
    }

    /// Takes the line away, before anything else is written.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "\r\x1b[K").and_then(|()| stderr.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
