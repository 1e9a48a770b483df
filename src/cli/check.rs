//! `check`: probe domains, judge them, print what was seen.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::cli::args::Check;
use crate::cli::memory::Memory;
use crate::cli::output::{Output, Trouble, complain};
use crate::cli::{Exit, judging, probing};
use crate::name::DomainName;
use crate::probe::Options;
use crate::report::{json, text};
use crate::verdict;

/// Domains probed at the same time; lists are the business of another command.
const AT_ONCE: usize = 4;

/// Runs the command.
pub fn run(args: &Check, output: &mut Output) -> Result<Exit, Trouble> {
    output.accept(args.domains.len())?;
    let mut exit = Exit::Yes;
    let mut domains = Vec::new();
    for input in &args.domains {
        match DomainName::from_input(input) {
            Ok(domain) => domains.push((input.clone(), domain)),
            Err(why) => {
                let shown = if input.is_empty() { "\"\"" } else { input };
                complain(&format!("{shown} is no domain: {why}"));
                exit = exit.worst(Exit::CannotTell);
            }
        }
    }
    if domains.is_empty() {
        return Ok(Exit::Usage);
    }
    let options = Options {
        mx: probing::hosts(&args.mx)?,
        at: args.at,
        ..probing::options(&args.probing)?
    };
    let required = judging::required(args.require);
    let prober = probing::prober(options)?;
    let runtime = probing::runtime()?;
    let memory = Memory::open(&args.remembering);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    runtime.block_on(async {
        let probes: Vec<_> = domains
            .into_iter()
            .map(|(input, domain)| {
                let (prober, turns) = (prober.clone(), Arc::clone(&turns));
                tokio::spawn(async move {
                    let _turn = turns.acquire().await;
                    prober.check(&input, &domain).await
                })
            })
            .collect();
        // In the order given, each as soon as those before it are out.
        for probe in probes {
            let observation = probe.await.map_err(|error| Trouble {
                exit: Exit::TroubleHere,
                message: format!("a probe ended before its result: {error}"),
            })?;
            let at = args.at.unwrap_or(observation.at);
            let mut verdict = verdict::assess(&observation, at, required);
            memory.compare(&mut verdict, &observation);
            memory.store(&observation, &verdict);
            exit = exit.worst(Exit::of(verdict.answer, verdict.trouble_here));
            let verbose = output.verbose();
            output.result(
                |style| text::check::render(&observation, &verdict, verbose, style),
                || json::domain_report(&observation, &verdict),
            )?;
        }
        Ok(exit)
    })
}
