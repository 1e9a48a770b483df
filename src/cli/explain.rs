//! `explain`: trace, probe the hops that need it, say why one lacked TLS.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::convert;

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::cli::args::{Audience, Explain};
use crate::cli::evidence;
use crate::cli::memory::Memory;
use crate::cli::output::{Output, Trouble};
use crate::cli::reading::{self, Face, Listener};
use crate::cli::{Exit, probing};
use crate::explain::cases::{Cases, Met};
use crate::explain::letter::Letter;
use crate::explain::pair::{self, Asked, Limits};
use crate::explain::{Explanation, Past, explain};
use crate::mta_log::Wanted;
use crate::observed::domain::DomainObservation;
use crate::probe::{Options, Prober};
use crate::report::{json, text};
use crate::trace::chain::Chain;
use crate::trace::witness::Witnesses;
use crate::verdict::{self, Required, Verdict};

/// Observations kept for later messages, which mostly went the same way.
const MOST_KEPT: usize = 1_024;
/// Names of which it is known that they were asked in this run.
const MOST_ASKED: usize = 65_536;

/// Runs the command.
pub fn run(args: &Explain, output: &mut Output) -> Result<Exit, Trouble> {
    let limits = Limits {
        max_hosts: args.max_hosts.into(),
        probe_private: args.probe_private,
    };
    reading::only_one_stdin(
        [&args.files, &args.reading.with, &args.tlsrpt, &args.log]
            .into_iter()
            .flatten(),
    )?;
    evidence::look_for(&args.log)?;
    let mut past = Past::default();
    past.statements.extend(evidence::reports(&args.tlsrpt)?);
    let memory = Memory::open(&args.remembering);
    let mut network: Option<(Prober, Runtime)> = None;
    let mut known = Known::default();
    let mut cases = Cases::default();
    let mut exit = Exit::Yes;
    let face = if args.summary {
        Face::of_one(output)
    } else {
        Face::of(output)
    };
    let past = RefCell::new(past);
    // What is to be looked for in the logs; none once they are read.
    let wanted = RefCell::new((!args.log.is_empty()).then(Wanted::default));
    let hearing = Hearing {
        past: &past,
        wanted: &wanted,
        memory: &memory,
    };
    let tally = reading::each_heard(
        &args.files,
        &args.reading,
        &face,
        Some(&hearing),
        convert::identity,
        |chain: Chain| {
            // Mostly, every message is heard before the first is told.
            if let Some(wanted) = wanted.take() {
                let said = evidence::logs(&args.log, args.log_zone, &wanted)?;
                past.borrow_mut().statements.extend(said);
            }
            // Nothing of the network is touched, not even to find the resolver,
            // where no hop asks for it.
            if network.is_none() && !args.offline && !pair::targets(&chain, &limits).is_empty() {
                let options = Options {
                    public_only: !args.probe_private,
                    ..probing::options(&args.probing)?
                };
                network = Some((probing::prober(options)?, probing::runtime()?));
            }
            let observations = match &network {
                Some((prober, runtime)) => {
                    runtime.block_on(probe(&chain, prober, &limits, &mut known))
                }
                None => Vec::new(),
            };
            past.borrow_mut().earlier = memory.earlier(&chain);
            memory.witness(&chain);
            let explanation = explain(&chain, &observations, &past.borrow());
            exit = exit.worst(Exit::of(explanation.answer, explanation.trouble_here));
            let met = cases.add(&chain, &explanation);
            let probes: Vec<(DomainObservation, Verdict)> = observations
                .into_iter()
                .map(|seen| {
                    let verdict = verdict::assess(&seen, seen.at, Required::Tls);
                    memory.store(&seen, &verdict);
                    (seen, verdict)
                })
                .collect();
            if args.summary {
                return Ok(true);
            }
            output.result(
                |style| match (args.letter, args.audience) {
                    (true, _) => text::letter::render(new_letters(&explanation, &met)),
                    (false, Audience::Plain) => text::plain::render(&chain, &explanation, style),
                    (false, Audience::Expert) => {
                        text::explain::render_among(&chain, &probes, &explanation, &met, style)
                    }
                },
                || json::explanation_among(&chain, &probes, &explanation, &met),
            )?;
            Ok(!output.is_closed())
        },
    )?;
    let skipped = tally.skipped.count();
    if args.summary && tally.chains > 0 {
        output.result(
            |style| text::cases::render(&cases, skipped, style),
            || json::cases(&cases, skipped),
        )?;
    } else if tally.chains > 1
        && output.is_text()
        && !args.letter
        && args.audience == Audience::Expert
    {
        // The last page: what all of them come to.
        output.result(|style| text::cases::list(&cases, style), || Value::Null)?;
    }
    Ok(exit.worst(tally.exit()))
}

/// What is learnt of all messages before the first is told.
struct Hearing<'a> {
    past: &'a RefCell<Past>,
    wanted: &'a RefCell<Option<Wanted>>,
    memory: &'a Memory,
}

impl Listener for Hearing<'_> {
    fn hear(&self, chain: &Chain) {
        self.past.borrow_mut().traffic.add(chain);
        self.memory.hear(chain);
        if let Some(wanted) = self.wanted.borrow_mut().as_mut() {
            evidence::want(wanted, chain);
        }
    }

    fn all_heard(&self, witnesses: &mut Witnesses) {
        self.memory.recall(witnesses);
    }
}

/// One letter for each case: its first hop's.
fn new_letters<'a>(
    explanation: &'a Explanation,
    met: &'a [Option<Met>],
) -> impl Iterator<Item = &'a Letter> {
    let hops = explanation.hops.iter().zip(met);
    hops.filter(|(_, met)| met.is_some_and(|met| met.is_first))
        .filter_map(|(hop, _)| hop.letter.as_ref())
}

/// What was asked in this run, so that a mailbox full of mail from one partner
/// costs the partner one probe.
#[derive(Default)]
struct Known {
    seen: HashMap<Asked, DomainObservation>,
    /// Asked, and not kept: that is no reason to ask again.
    asked: HashSet<Asked>,
}

/// Asks the targets of one message, one after the other, as long as hosts are
/// left.
async fn probe(
    chain: &Chain,
    prober: &Prober,
    limits: &Limits,
    known: &mut Known,
) -> Vec<DomainObservation> {
    let mut seen = Vec::new();
    let targets = pair::targets(chain, limits);
    for (at, target) in targets.iter().enumerate() {
        let left = pair::hosts_left(limits, &seen);
        if left == 0 && !matches!(target.what, Asked::Records(_)) {
            continue;
        }
        if pair::is_answered(target, &seen) {
            continue;
        }
        if let Some(observation) = known.seen.get(&target.what) {
            seen.push(observation.clone());
            continue;
        }
        if known.asked.contains(&target.what) {
            continue;
        }
        let observation = match &target.what {
            Asked::Domain(domain) => {
                // A domain with many MX hosts leaves room for the hosts that
                // wrote the lines, which say more.
                let hosts = targets[at + 1..]
                    .iter()
                    .filter(|later| matches!(later.what, Asked::Host(_)))
                    .count();
                let most = left.saturating_sub(hosts).max(1);
                prober.check_at_most(most, domain.as_str(), domain).await
            }
            Asked::Host(host) => prober.check_host(Some(host), None).await,
            Asked::Records(domain) => prober.records(domain).await,
        };
        if known.seen.len() < MOST_KEPT {
            known.seen.insert(target.what.clone(), observation.clone());
        } else if known.asked.len() < MOST_ASKED {
            known.asked.insert(target.what.clone());
        }
        seen.push(observation);
    }
    seen
}
