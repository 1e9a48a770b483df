//! How far a scan is, at standard error: lines that are written over on a
//! terminal, one now and then elsewhere.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::report::text::escape;
use crate::report::text::scan::{Progress, counted, progress};
use crate::scan::engine::State;
use crate::scan::journal::Past;
use crate::scan::plan::Plan;
use crate::scan::tally::Tally;

/// How often it is told.
const ON_TERMINAL: Duration = Duration::from_secs(1);
const ELSEWHERE: Duration = Duration::from_secs(30);

/// Over which time the rate is measured.
const OF_LATE: Duration = Duration::from_secs(60);

/// Tells.
pub(super) struct Teller {
    on: bool,
    terminal: bool,
    total: Option<u64>,
    before: u64,
    told: Instant,
    /// Lines that stand on the terminal and are to be written over.
    shown: usize,
    /// How much was done when.
    lately: VecDeque<(Instant, u64)>,
    paused: Option<String>,
}

impl Teller {
    pub(super) fn new(on: bool, total: Option<u64>, before: u64) -> Self {
        Self {
            on,
            terminal: io::stderr().is_terminal(),
            total,
            before,
            told: Instant::now(),
            shown: 0,
            lately: VecDeque::from([(Instant::now(), 0)]),
            paused: None,
        }
    }

    /// What there is to do.
    pub(super) fn begin(&self, list: &Path, past: Option<&Past>) {
        if !self.on {
            return;
        }
        let name = list.display().to_string();
        let mut line = escape::text(&name).into_owned();
        if let Some(total) = self.total {
            line.push_str(&format!(": {} names", counted(total)));
            if self.before > 0 {
                line.push_str(&format!(
                    ", {} done before, {} to go",
                    counted(self.before),
                    counted(total.saturating_sub(self.before))
                ));
            }
        }
        if let Some(cut) = past.map(|past| past.cut).filter(|cut| *cut > 0) {
            line.push_str(&format!(
                "\nhalf a line ({} octets) at the end of the results was cut off",
                counted(cut)
            ));
        }
        self.write(&format!("{line}\n"));
    }

    /// Tells how far it is, if it is time to.
    pub(super) fn tell(&mut self, state: &State, tally: &Tally, plan: &Plan) {
        if !self.on {
            return;
        }
        let now = Instant::now();
        // A pause is told at once, and that it is over.
        let turned = self.paused != state.paused;
        if turned {
            let line = match (&self.paused, &state.paused) {
                (_, Some(what)) => format!("paused: {}\n", escape::clipped(what, 200)),
                (Some(_), None) => "goes on\n".to_owned(),
                (None, None) => String::new(),
            };
            self.paused.clone_from(&state.paused);
            self.clear();
            self.write(&line);
        }
        let every = if self.terminal {
            ON_TERMINAL
        } else {
            ELSEWHERE
        };
        if now.duration_since(self.told) < every {
            return;
        }
        self.told = now;
        self.lately.push_back((now, state.done));
        while self.lately.len() > 2
            && self
                .lately
                .front()
                .is_some_and(|(at, _)| now.duration_since(*at) > OF_LATE)
        {
            self.lately.pop_front();
        }
        let (since, done_then) = self.lately.front().copied().unwrap_or((now, 0));
        let seconds = now.duration_since(since).as_secs_f64();
        let rate = (state.done - done_then) as f64 / seconds.max(0.001);
        let done = self.before + state.done;
        let left = self
            .total
            .map(|total| total.saturating_sub(done))
            .filter(|_| rate > 0.0)
            .map(|left| Duration::from_secs_f64((left as f64 / rate).min(1e9)));
        let page = progress(&Progress {
            time: jiff::Timestamp::now().strftime("%H:%M:%S UTC").to_string(),
            done,
            total: self.total,
            rate,
            in_flight: state.in_flight,
            later: state.later,
            left,
            levels: tally.levels.clone(),
            waiting: plan.longest_queue(),
            paused: state.paused.clone(),
        });
        self.clear();
        self.write(&page);
        if self.terminal {
            self.shown = page.lines().count();
        }
    }

    /// Takes away what stands on the terminal.
    pub(super) fn clear(&mut self) {
        let shown = std::mem::take(&mut self.shown);
        if shown > 0 {
            // ECMA-48: up so many lines, and erase from there on.
            self.write(&format!("\x1b[{shown}A\x1b[J"));
        }
    }

    fn write(&self, text: &str) {
        // Nothing can be done where standard error is closed.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}
