//! `--software FILE`: users' tables of who writes what.

use std::path::PathBuf;

use crate::cli::output::Trouble;
use crate::trace::software::Table;

/// The tables of the command line, the first one first, with the built-in one
/// behind them.
pub fn table(files: &[PathBuf]) -> Result<Table, Trouble> {
    let mut tables = Vec::with_capacity(files.len());
    for file in files {
        let name = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|error| Trouble::usage(format!("cannot read {name}: {error}")))?;
        let read = Table::parse(&text)
            .map_err(|wrong| Trouble::usage(format!("--software {name}: {wrong}")))?;
        tables.push(read);
    }
    Ok(tables
        .into_iter()
        .rev()
        .fold(Table::built_in().clone(), |behind, table| {
            table.before(behind)
        }))
}
