//! `trace`: read the chain of saved messages. No network.

use std::convert;

use crate::cli::Exit;
use crate::cli::args::Trace;
use crate::cli::output::{Output, Trouble};
use crate::cli::reading::{self, Face};
use crate::report::{json, text};
use crate::trace::chain::Chain;
use crate::trace::summary::Summary;
use crate::trace::unknown::Unknowns;

/// Runs the command.
pub fn run(args: &Trace, output: &mut Output) -> Result<Exit, Trouble> {
    if args.unknown {
        return unknown(args, output);
    }
    if args.summary {
        return summary(args, output);
    }
    let mut exit = Exit::Yes;
    let face = Face::of(output);
    let (look, verbose) = (output.look(), output.verbose());
    let prepare = |chain: Chain| {
        let page = look.result(
            |style| {
                let mut page = text::trace::render(&chain, style);
                if verbose > 0 {
                    page.push_str(&text::trace::details(&chain));
                }
                page
            },
            || json::chain(&chain),
            || json::chain_line(&chain),
        );
        (chain.answer, page)
    };
    let tally = reading::each(
        &args.files,
        &args.reading,
        &face,
        prepare,
        |(answer, page)| {
            exit = exit.worst(Exit::of(answer, false));
            output.made(&page)?;
            Ok(!output.is_closed())
        },
    )?;
    Ok(exit.worst(tally.exit()))
}

/// Lines that are not understood, by shape.
fn unknown(args: &Trace, output: &mut Output) -> Result<Exit, Trouble> {
    let mut unknowns = Unknowns::default();
    let face = Face::of_one(output);
    let tally = reading::each(
        &args.files,
        &args.reading,
        &face,
        convert::identity,
        |chain: Chain| {
            unknowns.add(&chain);
            Ok(true)
        },
    )?;
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
    Ok(tally.exit())
}

/// All messages in one table.
fn summary(args: &Trace, output: &mut Output) -> Result<Exit, Trouble> {
    let mut exit = Exit::Yes;
    let mut summary = Summary::default();
    let face = Face::of_one(output);
    let tally = reading::each(
        &args.files,
        &args.reading,
        &face,
        convert::identity,
        |chain: Chain| {
            exit = exit.worst(Exit::of(chain.answer, false));
            summary.add(&chain);
            Ok(true)
        },
    )?;
    if tally.chains > 0 {
        let (witnesses, skipped) = (&tally.witnesses, tally.skipped.count());
        output.result(
            |style| text::summary::render(&summary, witnesses, skipped, style),
            || json::summary(&summary, witnesses, skipped),
        )?;
    }
    Ok(exit.worst(tally.exit()))
}
