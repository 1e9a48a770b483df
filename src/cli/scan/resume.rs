//! Going on with an earlier scan: whether that makes sense, and how it is told.

use std::collections::BTreeSet;
use std::ffi::OsString;

use serde_json::Value;

use crate::report::json::scan::RunData;

use super::settings::{CIRCUMSTANCES, Named};

/// Whether a file of results is of this list and of the same meaning.
pub(super) fn fits(run: &RunData, hash: Option<&str>, meaning: &Named) -> Result<(), String> {
    if run.tool != "starttrace" {
        return Err(format!("it was written by {}", run.tool));
    }
    if run.list.hash.is_none() {
        return Err(
            "its list came through a pipe, so it cannot be told whether this is the same"
                .to_owned(),
        );
    }
    if run.list.hash.as_deref() != hash {
        return Err(format!(
            "it is of another list, or {} has changed since: name another file for the results",
            run.list.name
        ));
    }
    let past = only(&run.options, |name| !CIRCUMSTANCES.contains(&name));
    let different = differences(&past, meaning);
    if different.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "its lines would mean another thing than the new ones ({})",
            different.join("; ")
        ))
    }
}

/// What is otherwise than when the last run began, and changes no line's meaning.
pub(super) fn changes(latest: &RunData, circumstances: &Named) -> Vec<String> {
    let past = only(&latest.options, |name| CIRCUMSTANCES.contains(&name));
    differences(&past, circumstances)
}

fn only(options: &Named, wanted: impl Fn(&str) -> bool) -> Named {
    options
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn differences(before: &Named, now: &Named) -> Vec<String> {
    let shown =
        |value: Option<&Value>| value.map_or_else(|| "not given".to_owned(), ToString::to_string);
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != now.get(*name))
        .map(|name| {
            format!(
                "--{name} was {}, now {}",
                shown(before.get(name)),
                shown(now.get(name))
            )
        })
        .collect()
}

/// The command line that goes on.
pub(super) fn command(argv: &[OsString]) -> String {
    let mut words: Vec<String> = argv
        .iter()
        .enumerate()
        .map(|(at, word)| {
            let word = word.to_string_lossy();
            // The program by its name, if that is all there is to it.
            let word = match word.rsplit_once('/') {
                Some((_, name)) if at == 0 => name.to_owned(),
                _ => word.into_owned(),
            };
            quoted(&word)
        })
        .collect();
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".to_owned());
    }
    words.join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+[]".contains(c);
    if !word.is_empty() && word.chars().all(plain) && !word.contains(['[', ']']) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on_can_be_pasted() {
        for (argv, command_line) in [
            (
                &[
                    "/usr/bin/starttrace",
                    "scan",
                    "a list.txt",
                    "-o",
                    "it's.ndjson",
                ][..],
                r"starttrace scan 'a list.txt' -o 'it'\''s.ndjson' --resume",
            ),
            (
                &["starttrace", "scan", "--resume", "l", "-o", "r"],
                "starttrace scan --resume l -o r",
            ),
        ] {
            let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
            assert_eq!(command(&argv), command_line);
        }
    }
}
