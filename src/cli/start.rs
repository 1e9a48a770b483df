//! From the arguments to the command, and from its outcome to the status.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, ValueEnum as _};

use crate::cli::args::{Cli, Command, Format};
use crate::cli::output::{Output, complain};
use crate::cli::{Exit, check, codes, explain, history, packaging, report, scan, trace};
use crate::report::json;

/// Runs the command line `args` (the program's name first) and gives the
/// status for the shell.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; a closed pipe is no error.
            let _ = error.print();
            let usage = error.use_stderr();
            return if usage { Exit::Usage } else { Exit::Yes }.into();
        }
    };
    if let Err(message) = allow(&cli.command, cli.common.format) {
        complain(&message);
        return Exit::Usage.into();
    }
    // Its output is a journal, which is not simply written anew.
    if let Command::Scan(scan) = &cli.command {
        return match scan::run(scan, &cli.common, &args) {
            Ok(exit) => exit,
            Err(trouble) => {
                complain(&trouble.message);
                trouble.exit
            }
        }
        .into();
    }
    let mut output = match Output::open(&cli.common) {
        Ok(output) => output,
        Err(message) => {
            complain(&message);
            return Exit::Usage.into();
        }
    };
    let result = match cli.command {
        Command::Check(args) => check::run(&args, &mut output),
        Command::Trace(args) => trace::run(&args, &mut output),
        Command::Explain(args) => explain::run(&args, &mut output),
        Command::Scan(args) => scan::run(&args, &cli.common, &[]),
        Command::History(args) => history::run(&args, &mut output),
        Command::Report(args) => {
            let format = cli.common.format.unwrap_or(Format::Text);
            report::run(&args, format, &mut output)
        }
        Command::Codes(args) => codes::run(&args, &mut output),
        Command::Completions { shell } => packaging::completions(shell, &mut output),
        Command::Man => packaging::man(&mut output),
        Command::Schema => output.pretty(&json::schema()).map(|()| Exit::Yes),
    };
    let exit = match result.and_then(|exit| output.finish().map(|()| exit)) {
        Ok(exit) => exit,
        Err(trouble) => {
            complain(&trouble.message);
            trouble.exit
        }
    };
    exit.into()
}

/// Refuses a form that makes no sense, and names those that do.
fn allow(command: &Command, format: Option<Format>) -> Result<(), String> {
    let Some(format) = format else {
        return Ok(());
    };
    let usual = matches!(format, Format::Text | Format::Json | Format::Ndjson);
    // A scan names the one form it has itself.
    if usual || matches!(command, Command::Report(_) | Command::Scan(_)) {
        return Ok(());
    }
    let word = format
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned());
    Err(format!(
        "--format {word} is for report; here there are text, json and ndjson (save the result with \
         -f ndjson, then: starttrace report -f {word} FILE)"
    ))
}
