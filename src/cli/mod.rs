//! The command: arguments in, exit status out.
//!
//! [`run`] reads the arguments and hands them to one file a command. `args`
//! is the only place that knows clap, `output` the only one that writes
//! results, `exit` the exit status people script against. Complaints go to
//! standard error, each with what to do.

mod args;
mod check;
mod codes;
mod evidence;
mod exit;
mod explain;
mod form;
mod history;
mod judging;
mod memory;
mod output;
mod packaging;
mod probing;
mod progress;
mod reading;
mod report;
mod saved;
mod scan;
mod software;
mod start;
mod trace;

pub use exit::Exit;
pub use start::run;
