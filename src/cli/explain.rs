//! `explain`: trace, probe the hops that need it, say why one lacked TLS.

use std::collections::HashMap;
use std::convert;

use tokio::runtime::Runtime;

use crate::cli::args::Explain;
use crate::cli::memory::Memory;
use crate::cli::output::{Output, Trouble};
use crate::cli::reading::{self, Face};
use crate::cli::{Exit, probing};
use crate::explain::pair::{self, Asked, Limits};
use crate::explain::{Past, explain};
use crate::observed::domain::DomainObservation;
use crate::probe::{Options, Prober};
use crate::report::{json, text};
use crate::trace::chain::Chain;
use crate::verdict::{self, Required, Verdict};

/// Observations kept for later messages, which mostly went the same way.
const MOST_KEPT: usize = 256;

/// Runs the command.
pub fn run(args: &Explain, output: &mut Output) -> Result<Exit, Trouble> {
    let limits = Limits {
        max_hosts: args.max_hosts.into(),
        probe_private: args.probe_private,
    };
    let memory = Memory::open(&args.remembering);
    let mut network: Option<(Prober, Runtime)> = None;
    let mut known = Known::new();
    let mut exit = Exit::Yes;
    let face = Face::of(output);
    let tally = reading::each(
        &args.files,
        &args.reading,
        &face,
        convert::identity,
        |chain: Chain| {
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
            let past = Past {
                earlier: memory.earlier(&chain),
            };
            let explanation = explain(&chain, &observations, &past);
            exit = exit.worst(Exit::of(explanation.answer, explanation.trouble_here));
            let probes: Vec<(DomainObservation, Verdict)> = observations
                .into_iter()
                .map(|seen| {
                    let verdict = verdict::assess(&seen, seen.at, Required::Tls);
                    memory.store(&seen, &verdict);
                    (seen, verdict)
                })
                .collect();
            output.result(
                |style| text::explain::render(&chain, &probes, &explanation, style),
                || json::explanation(&chain, &probes, &explanation),
            )?;
            Ok(!output.is_closed())
        },
    )?;
    Ok(exit.worst(tally.exit()))
}

/// What was asked in this run, so that a mailbox full of mail from one partner
/// costs the partner one probe.
type Known = HashMap<Asked, DomainObservation>;

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
        if left == 0 {
            break;
        }
        if pair::is_answered(target, &seen) {
            continue;
        }
        if let Some(observation) = known.get(&target.what) {
            seen.push(observation.clone());
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
        };
        if known.len() < MOST_KEPT {
            known.insert(target.what.clone(), observation.clone());
        }
        seen.push(observation);
    }
    seen
}
