//! A scan under way: the engine, with a thread that reads the list, one that
//! writes results, and what is told meanwhile.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::Scan;
use crate::cli::output::Trouble;
use crate::probe::Prober;
use crate::scan::engine::{self, Ended, Ends, Settings, Stop};
use crate::scan::journal::Done;
use crate::scan::memory::Memory;
use crate::scan::output::{Output, Sink};
use crate::scan::pace::Limits;
use crate::scan::plan::Plan;
use crate::scan::tally::Tally;

use super::files::OpenFiles;
use super::outcome::Outcome;
use super::progress::Teller;
use super::reading::read;
use super::signals::signals;
use super::{Setup, here};

/// How many conversations are kept for domains to come: about 6 kB each.
const KEPT_ENDPOINTS: usize = 16_384;

/// Between two connections to one address.
const SPACING: Duration = Duration::from_millis(100);

/// A scan under way.
pub(super) struct Running<'a> {
    pub(super) setup: &'a Setup,
    pub(super) args: &'a Scan,
    pub(super) prober: &'a Prober,
    pub(super) open_files: OpenFiles,
    pub(super) has_control: bool,
    pub(super) memory: Option<Arc<Memory>>,
}

impl Running<'_> {
    pub(super) async fn scan(
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
            patience: Duration::from_secs(self.args.patience),
            memory: self.memory,
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
        let interrupted = *asked.borrow() != Stop::No;
        Ok(Outcome {
            ended,
            written,
            before,
            tally,
            read,
            counts: plan.counts(),
            interrupted,
        })
    }
}
