//! The scan itself: lines in, results out, much at a time.
//!
//! Entry point: [`run`]. One loop holds everything that has an order: which
//! line is begun, which waits to be tried again, which result is written. The
//! probes run beside it. A line whose result may be otherwise in a while is
//! tried once more after the rest; one whose trouble may be ours waits until a
//! test says that it is not.

mod answer;
mod waiting;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::probe::Prober;
use crate::scan::list::{Entry, ListError};
use crate::scan::memory::Memory;
use crate::scan::plan::Plan;
use crate::scan::tally::Tally;
use crate::scan::weather::{AGAIN, Tested, Trouble, Weather};

use answer::Answered;
pub use answer::Answers;
use waiting::{InOrder, Later};

/// How long what is under way gets to end when a scan is stopped.
const GRACE: Duration = Duration::from_secs(2);

/// How often the control host is asked though nothing is wrong.
const CONTROL_EVERY: Duration = Duration::from_secs(300);

/// The most tries of one line that count. Two do, if a test between them went
/// well.
const MOST_TRIES: u32 = 4;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// How a scan is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Domains under way at the same time.
    pub in_flight: usize,
    /// Results in the order of the list.
    pub ordered: bool,
    /// Whole reports.
    pub full: bool,
    /// How long after a passing failure a domain is tried again.
    pub retry_after: Duration,
    /// Whether there is a control host, so that the network can be tested.
    pub has_control: bool,
    /// How long a pause may last in which nothing comes of anything.
    pub patience: Duration,
    /// What earlier runs saw, and where what this one sees is stored.
    pub memory: Option<Arc<Memory>>,
}

/// How a scan is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stop {
    #[default]
    No,
    /// Soon, with what is under way.
    Soon,
    Now,
}

/// How far a scan is.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Lines answered in this run.
    pub done: u64,
    pub in_flight: usize,
    /// Lines that are tried again later.
    pub later: usize,
    /// Why nothing is begun.
    pub paused: Option<String>,
}

/// How it ended.
#[derive(Debug)]
pub enum Ended {
    /// Every line is answered.
    Complete,
    Stopped,
    /// The list could not be read to its end.
    List(ListError),
    /// Results could no longer be written.
    Output,
    /// What a pause waited for did not come in time.
    GaveUp(String),
}

/// What goes in and comes out.
#[derive(Debug)]
pub struct Ends {
    pub input: mpsc::Receiver<Result<Entry, ListError>>,
    /// Takes whole lines.
    pub output: mpsc::Sender<String>,
    pub stop: watch::Receiver<Stop>,
}

/// Probes every entry of the input, and sends one line of results for each to
/// the output. `tell` is called now and then.
pub async fn run(
    prober: &Prober,
    plan: &Arc<Plan>,
    settings: &Settings,
    ends: Ends,
    tell: &mut (dyn FnMut(&State, &Tally) + Send),
    tally: &mut Tally,
) -> Ended {
    let Ends {
        input,
        output,
        stop,
    } = ends;
    let engine = Engine {
        prober,
        plan,
        settings,
        output,
        answers: Arc::new(Answers::new(settings.full, settings.memory.clone())),
        tasks: JoinSet::new(),
        later: Later::new(settings.retry_after),
        doubted: Vec::new(),
        weather: Weather::new(settings.has_control),
        testing: JoinSet::new(),
        stalled: None,
        test_at: None,
        test_network: false,
        state: State::default(),
        in_order: InOrder::default(),
        began: 0,
        tally,
    };
    engine.run(input, stop, tell).await
}

/// A line under way.
#[derive(Debug, Clone)]
struct Job {
    entry: Arc<Entry>,
    /// Its place among the lines of this run.
    place: u64,
    /// How often it was tried, times of trouble that was ours left out.
    tries: u32,
    /// When the last try that counts failed.
    failed: Option<Instant>,
    /// What failed for the moment before is asked again.
    since: Option<Instant>,
}

struct Engine<'a> {
    prober: &'a Prober,
    plan: &'a Arc<Plan>,
    settings: &'a Settings,
    output: mpsc::Sender<String>,
    answers: Arc<Answers>,
    tasks: JoinSet<(Job, Instant, Answered)>,
    later: Later<Job>,
    /// Results that wait for a test.
    doubted: Vec<(Job, Instant, Answered)>,
    weather: Weather,
    testing: JoinSet<Tested>,
    /// The beginning of the first pause since something came of a line.
    stalled: Option<Instant>,
    /// When to test, if that is planned, and whether the network too.
    test_at: Option<Instant>,
    test_network: bool,
    state: State,
    in_order: InOrder,
    began: u64,
    tally: &'a mut Tally,
}

impl Engine<'_> {
    async fn run(
        mut self,
        mut input: mpsc::Receiver<Result<Entry, ListError>>,
        mut stop: watch::Receiver<Stop>,
        tell: &mut (dyn FnMut(&State, &Tally) + Send),
    ) -> Ended {
        let mut input_ended = false;
        let mut failed = None;
        let mut ticker = tokio::time::interval(TELL_EVERY);
        ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.test_at = self
            .settings
            .has_control
            .then(|| Instant::now() + CONTROL_EVERY);
        loop {
            while self.may_begin()
                && let Some(job) = self.later.ready(input_ended || self.settings.ordered)
            {
                self.begin(job);
            }
            let idle = self.tasks.is_empty() && self.doubted.is_empty();
            if input_ended && idle && self.later.is_empty() {
                tell(&self.state, self.tally);
                return failed.map_or(Ended::Complete, Ended::List);
            }
            let later = self.later.next().filter(|_| self.may_begin());
            let gives_up_at = self.gives_up_at();
            tokio::select! {
                biased;
                changed = stop.changed() => {
                    if changed.is_err() || *stop.borrow() != Stop::No {
                        return self.stop(stop).await;
                    }
                }
                Some(done) = self.tasks.join_next() => {
                    if let Ok((job, began, answered)) = done
                        && !self.answered(job, began, answered).await
                    {
                        return Ended::Output;
                    }
                }
                Some(tested) = self.testing.join_next() => {
                    if let Ok(tested) = tested
                        && !self.tested(tested).await
                    {
                        return Ended::Output;
                    }
                }
                () = until(self.test_at), if self.test_at.is_some() && self.testing.is_empty() => {
                    self.test();
                }
                entry = input.recv(), if !input_ended && self.may_begin() => match entry {
                    Some(Ok(entry)) => {
                        let job = Job {
                            entry: Arc::new(entry),
                            place: self.began,
                            tries: 0,
                            failed: None,
                            since: None,
                        };
                        self.began += 1;
                        self.begin(job);
                    }
                    Some(Err(error)) => {
                        failed = Some(error);
                        input_ended = true;
                    }
                    None => input_ended = true,
                },
                () = until(gives_up_at), if gives_up_at.is_some() => {
                    let what = self.state.paused.clone().unwrap_or_default();
                    return match self.stop(stop).await {
                        Ended::Output => Ended::Output,
                        _ => Ended::GaveUp(what),
                    };
                }
                () = until(later), if later.is_some() && (input_ended || self.settings.ordered) => {}
                () = self.output.closed() => return Ended::Output,
                _ = ticker.tick() => tell(&self.state, self.tally),
            }
            self.state.in_flight = self.tasks.len();
            self.state.later = self.later.len();
        }
    }

    /// Whether another line may be begun now.
    fn may_begin(&self) -> bool {
        self.state.paused.is_none()
            && self.tasks.len() < self.settings.in_flight
            && self.doubted.len() < self.settings.in_flight
            && (!self.settings.ordered || self.in_order.has_room(self.began))
    }

    /// When there is no more waiting. Pauses with nothing between them count as
    /// one.
    fn gives_up_at(&self) -> Option<Instant> {
        self.state.paused.as_ref()?;
        self.stalled?.checked_add(self.settings.patience)
    }

    fn begin(&mut self, job: Job) {
        let prober = self.prober.sharing(self.plan.visitor(job.since));
        let (plan, answers) = (Arc::clone(self.plan), Arc::clone(&self.answers));
        self.tasks.spawn(async move {
            let began = Instant::now();
            let answered = answers.of(&job.entry, job.since, &prober, &plan).await;
            (job, began, answered)
        });
    }

    /// Decides what becomes of a result. False: nobody takes results any more.
    async fn answered(&mut self, mut job: Job, began: Instant, answered: Answered) -> bool {
        let suspect = answered
            .signs
            .as_ref()
            .and_then(|signs| self.weather.note(signs));
        if let Some(suspect) = suspect.filter(|_| self.state.paused.is_none()) {
            self.test_soon(suspect);
        }
        let Some(trouble) = answered.trouble() else {
            return self.write(&job, &answered).await;
        };
        let ours = self.state.paused.is_some() || self.weather.was_wrong(began);
        if ours && trouble != Trouble::Servers {
            // Ours, as far as is known: it does not count as a try.
            self.put_back(job);
            return true;
        }
        job.tries += 1;
        let before = job.failed.replace(Instant::now());
        let Some(before) = before else {
            self.put_back(job);
            // A question costs little; the control host is spared.
            if trouble == Trouble::Resolver {
                self.test_soon(trouble);
            }
            return true;
        };
        let apart = self.weather.was_fine_between(trouble, before, began);
        if !apart && job.tries < MOST_TRIES {
            // A test before the next try tells the two apart.
            self.put_back(job);
            self.test_soon(trouble);
            return true;
        }
        if self.weather.was_fine(trouble, began) {
            return self.write(&job, &answered).await;
        }
        self.doubted.push((job, began, answered));
        self.test_soon(trouble);
        true
    }

    fn put_back(&mut self, mut job: Job) {
        job.since = Some(Instant::now());
        self.later.put(job);
    }

    /// Sees to it that what may be our own trouble is tested.
    fn test_soon(&mut self, suspect: Trouble) {
        let at = self.weather.may_test(suspect);
        self.test_network |= suspect == Trouble::Network;
        self.test_at = Some(self.test_at.map_or(at, |planned| planned.min(at)));
    }

    fn test(&mut self) {
        if self.testing.is_empty() {
            self.test_at = None;
            let network = self.settings.has_control
                && (self.test_network
                    || self.state.paused.is_some()
                    || self.weather.control_is_due(CONTROL_EVERY));
            self.test_network = false;
            self.testing.spawn(self.weather.test(self.prober, network));
        }
    }

    /// Takes note of a test, and lets go of what waited for it.
    async fn tested(&mut self, tested: Tested) -> bool {
        self.weather.tested(&tested);
        match tested {
            Tested::Fine { .. } => {
                self.state.paused = None;
                if self.settings.has_control && self.test_at.is_none() {
                    self.test_at = Some(Instant::now() + CONTROL_EVERY);
                }
                for (job, began, answered) in std::mem::take(&mut self.doubted) {
                    let trouble = answered.trouble().unwrap_or(Trouble::Servers);
                    if !self.weather.was_fine(trouble, began) {
                        self.test_soon(trouble);
                        self.doubted.push((job, began, answered));
                    } else if !self.write(&job, &answered).await {
                        return false;
                    }
                }
            }
            Tested::Wrong(what) => {
                self.state.paused = Some(what);
                self.stalled.get_or_insert_with(Instant::now);
                self.test_at = Some(Instant::now() + AGAIN);
                for (job, _, _) in std::mem::take(&mut self.doubted) {
                    self.put_back(job);
                }
            }
        }
        true
    }

    async fn write(&mut self, job: &Job, answered: &Answered) -> bool {
        let line = answered.line(&job.entry);
        answered.count(self.tally);
        self.answers.remember(answered);
        self.state.done += 1;
        self.stalled = None;
        if !self.settings.ordered {
            return self.output.send(line).await.is_ok();
        }
        for line in self.in_order.put(job.place, line) {
            if self.output.send(line).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Lets what is under way come to its end, for a moment.
    async fn stop(mut self, mut stop: watch::Receiver<Stop>) -> Ended {
        let until = Instant::now() + GRACE;
        self.state.paused = Some("stopping".to_owned());
        while *stop.borrow_and_update() != Stop::Now {
            tokio::select! {
                biased;
                _ = stop.changed() => {}
                () = tokio::time::sleep_until(until.into()) => break,
                done = self.tasks.join_next() => match done {
                    Some(Ok((job, _, answered))) if answered.trouble().is_none() => {
                        if !self.write(&job, &answered).await {
                            return Ended::Output;
                        }
                    }
                    Some(_) => {}
                    None => break,
                },
            }
        }
        self.tasks.abort_all();
        Ended::Stopped
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
