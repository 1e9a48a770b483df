//! From the arguments to the command, and from its outcome to the status.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::args::{Cli, Command};
use crate::cli::output::{Output, complain};
use crate::cli::{Exit, check, codes, explain, history, packaging, scan, trace};
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
