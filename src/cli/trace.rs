//! `trace`: read the chain of saved messages. No network.

use crate::cli::args::Trace;
use crate::cli::output::{Output, Trouble};
use crate::cli::{Exit, reading};
use crate::report::{json, text};
use crate::trace::unknown::Unknowns;

/// Runs the command.
pub fn run(args: &Trace, output: &mut Output) -> Result<Exit, Trouble> {
    let messages = reading::messages(&args.files, &args.reading)?;
    if args.unknown {
        let mut unknowns = Unknowns::default();
        for chain in &messages.chains {
            unknowns.add(chain);
        }
        output.list(
            |style| text::unknown::render(&unknowns, style),
            || {
                unknowns
                    .shapes()
                    .into_iter()
                    .map(json::unknown_line)
                    .collect()
            },
        )?;
        return Ok(messages.exit());
    }
    output.accept(messages.chains.len())?;
    let mut exit = messages.exit();
    for chain in &messages.chains {
        exit = exit.worst(Exit::of(chain.answer, false));
        output.result(
            |style| text::trace::render(chain, style),
            || json::chain(chain),
        )?;
    }
    Ok(exit)
}
