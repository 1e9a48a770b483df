//! `trace`: read the chain of saved messages. No network.

use crate::cli::args::Trace;
use crate::cli::output::{Output, Trouble};
use crate::cli::{Exit, reading};
use crate::report::{json, text};

/// Runs the command.
pub fn run(args: &Trace, output: &mut Output) -> Result<Exit, Trouble> {
    let messages = reading::messages(&args.files, &args.reading)?;
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
