//! What packagers need: completion scripts and the manual page, both made
//! from the one description of the arguments.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Exit;
use crate::cli::args::Cli;
use crate::cli::output::{Output, Trouble};

/// Prints a shell's completion script.
pub fn completions(shell: Shell, output: &mut Output) -> Result<Exit, Trouble> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "starttrace", &mut script);
    output.raw(&script).map(|()| Exit::Yes)
}

/// Prints the manual page: the command's own, then each sub-command's.
pub fn man(output: &mut Output) -> Result<Exit, Trouble> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    // Writing to a vector cannot fail.
    let _ = clap_mangen::Man::new(command.clone()).render(&mut page);
    for sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
    {
        let _ = clap_mangen::Man::new(sub.clone()).render(&mut page);
    }
    output.raw(&page).map(|()| Exit::Yes)
}
