//! `starttrace`: arguments in, exit status out. All else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    starttrace::cli::run(std::env::args_os())
}
