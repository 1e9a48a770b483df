//! What the lines of a scan's file tell of the scan itself: when it was, how much
//! of the list it answered, whether it came to its end.
//!
//! Entry points: [`Facts::run`], [`Facts::line`] and [`Facts::summary`] as the lines
//! come, then [`Facts::sentences`].

use crate::report::json::scan::{RunData, ScanSummary};
use crate::report::text::escape;
use crate::report::text::scan::counted;

/// Scans that are told one by one.
const MOST: usize = 50;

/// The scans of some files.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    scans: Vec<OneScan>,
    more: u64,
}

#[derive(Debug, Clone)]
struct OneScan {
    list: String,
    begun: String,
    resumed: u64,
    lines: u64,
    /// When it ended, with how many lines, and whether those were all.
    end: Option<(String, u64, bool)>,
}

impl Facts {
    /// A run began, or went on.
    pub fn run(&mut self, run: &RunData) {
        if let Some(last) = self.scans.last_mut().filter(|_| run.resumed) {
            last.resumed += 1;
            last.end = None;
        } else if self.scans.len() < MOST {
            self.scans.push(OneScan {
                list: run.list.name.clone(),
                begun: run.started.clone(),
                resumed: 0,
                lines: 0,
                end: None,
            });
        } else {
            self.more += 1;
        }
    }

    /// A line was answered.
    pub fn line(&mut self) {
        if let Some(last) = self.scans.last_mut().filter(|_| self.more == 0) {
            last.lines += 1;
        }
    }

    /// It came to its end.
    pub fn summary(&mut self, summary: &ScanSummary) {
        if let Some(last) = self.scans.last_mut().filter(|_| self.more == 0) {
            last.end = Some((summary.ended.clone(), summary.lines, summary.complete));
        }
    }

    /// A sentence for each scan, fit to be shown.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut all: Vec<String> = self.scans.iter().map(OneScan::sentence).collect();
        if self.more > 0 {
            all.push(format!("And {} scans more.", counted(self.more)));
        }
        all
    }
}

impl OneScan {
    fn sentence(&self) -> String {
        let times = match self.resumed {
            0 => String::new(),
            1 => ", gone on with once".to_owned(),
            n => format!(", gone on with {} times", counted(n)),
        };
        let head = format!(
            "{}: scan begun {}{times}",
            escape::text(&self.list),
            escape::text(&self.begun)
        );
        match &self.end {
            Some((ended, lines, complete)) => format!(
                "{head}, ended {}; {} lines answered, {}.",
                escape::text(ended),
                counted(*lines),
                if *complete { "which is all" } else { "not all" }
            ),
            None => format!(
                "{head}, not ended yet; {} lines answered so far.",
                counted(self.lines)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::json::scan::ListData;

    fn run(resumed: bool) -> RunData {
        RunData {
            tool: "starttrace".into(),
            version: "1".into(),
            started: "2026-11-21T23:10:00Z".into(),
            resumed,
            options: std::collections::BTreeMap::new(),
            list: ListData {
                name: "l\u{1b}.txt".into(),
                hash: None,
            },
        }
    }

    #[test]
    fn a_scan_that_was_resumed_is_one_and_tells_whether_it_ended() {
        let mut facts = Facts::default();
        facts.line();
        assert!(facts.sentences().is_empty());
        facts.run(&run(false));
        facts.line();
        facts.run(&run(true));
        facts.line();
        let [sentence] = facts.sentences().try_into().unwrap();
        assert!(!sentence.contains('\u{1b}'), "{sentence:?}");
        assert!(
            sentence.ends_with("gone on with once, not ended yet; 2 lines answered so far."),
            "{sentence}"
        );
        for _ in 0..100 {
            facts.run(&run(false));
        }
        let sentences = facts.sentences();
        assert_eq!(sentences.len(), MOST + 1);
        assert_eq!(sentences[MOST], "And 51 scans more.");
    }
}
