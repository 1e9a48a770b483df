//! The options of a run as they stand in its `run` line, by their long names:
//! those that change what a line of results means, and those that say from where
//! and how patiently it was looked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::args::{Depth, Scan};
use crate::probe::Options;
use crate::scan::list::Shard;

/// Options by name.
pub(super) type Named = BTreeMap<String, Value>;

/// The names of circumstances; all others have to do with the meaning.
pub(super) const CIRCUMSTANCES: [&str; 11] = [
    "control",
    "deadline",
    "ehlo",
    "exclude",
    "per-host",
    "proxy",
    "rate",
    "resolver",
    "retry-after",
    "source",
    "timeout",
];

/// The options of a run.
pub(super) struct RunSettings {
    /// Another value makes other lines: a scan does not go on with one.
    pub(super) meaning: Named,
    /// A scan may have to go on with another value, and says so: a resolver dies,
    /// a laptop moves, somebody asks to be left alone.
    pub(super) circumstances: Named,
}

impl RunSettings {
    /// `excluded` is the hash of what is to be left alone, if anything is.
    pub(super) fn new(
        args: &Scan,
        options: &Options,
        shard: Shard,
        excluded: Option<String>,
    ) -> Self {
        Self {
            meaning: meaning(args, shard),
            circumstances: circumstances(args, options, excluded),
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> Named {
        let mut all = self.meaning.clone();
        all.extend(self.circumstances.clone());
        all
    }
}

/// The options that change what a line of results means.
fn meaning(args: &Scan, shard: Shard) -> Named {
    let probing = &args.probing;
    let mut options = BTreeMap::from([
        ("full", json!(args.full)),
        ("ordered", json!(args.ordered)),
        ("port", json!(probing.port)),
        ("policy-port", json!(probing.policy_port)),
        ("ipv4", json!(probing.ipv4)),
        ("ipv6", json!(probing.ipv6)),
        ("no-system-roots", json!(probing.no_system_roots)),
        (
            "dnssec",
            json!(format!("{:?}", probing.dnssec).to_lowercase()),
        ),
    ]);
    if let Some(column) = &args.column {
        options.insert("column", json!(column));
    }
    if shard != Shard::WHOLE {
        options.insert("shard", json!(shard.to_string()));
    }
    if !probing.ca_file.is_empty() {
        let files: Vec<String> = probing
            .ca_file
            .iter()
            .map(|file: &PathBuf| file.display().to_string())
            .collect();
        options.insert("ca-file", json!(files));
    }
    if probing.depth == Depth::Deep {
        options.insert("depth", json!("deep"));
    }
    if probing.suites {
        options.insert("suites", json!(true));
    }
    if let Some(file) = &probing.trust_anchor {
        options.insert("trust-anchor", json!(file.display().to_string()));
    }
    named(options)
}

fn circumstances(args: &Scan, options: &Options, excluded: Option<String>) -> Named {
    let probing = &args.probing;
    let mut found = BTreeMap::from([
        ("per-host", json!(args.per_host)),
        ("retry-after", json!(args.retry_after)),
        ("timeout", json!(probing.timeout)),
        ("deadline", json!(probing.deadline)),
    ]);
    if let Some(rate) = args.rate {
        found.insert("rate", json!(rate));
    }
    if !probing.resolver.is_empty() {
        found.insert("resolver", json!(probing.resolver));
    }
    for (name, value) in [
        // As it is shown, which is without a password.
        ("proxy", options.proxy.as_ref().map(ToString::to_string)),
        ("source", probing.source.map(|address| address.to_string())),
        ("ehlo", probing.ehlo.clone()),
        ("control", probing.control.clone()),
        ("exclude", excluded),
    ] {
        if let Some(value) = value {
            found.insert(name, json!(value));
        }
    }
    named(found)
}

fn named(options: BTreeMap<&str, Value>) -> Named {
    options
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::Parser as _;

    use crate::cli::args::{Cli, Command};
    use crate::cli::probing;

    #[test]
    fn what_is_no_meaning_is_a_circumstance() {
        let words = "starttrace scan --rate 5 --resolver 127.0.0.1:5353 --ehlo a.example \
                     --proxy socks5://u:secret@127.0.0.1 --source 127.0.0.1 --control none \
                     --depth deep --suites --port 2525 --shard 1/2 l.txt";
        let cli = Cli::try_parse_from(words.split_whitespace()).unwrap();
        let Command::Scan(args) = cli.command else {
            panic!("{words}")
        };
        let options = probing::options(&args.probing).unwrap();
        let settings =
            RunSettings::new(&args, &options, args.shard.unwrap(), Some("abc".to_owned()));
        let names: Vec<&str> = settings.circumstances.keys().map(String::as_str).collect();
        assert_eq!(names, CIRCUMSTANCES);
        for name in ["depth", "suites", "port", "shard", "dnssec"] {
            assert!(settings.meaning.contains_key(name), "{name}");
        }
        let all = Value::from_iter(settings.all());
        assert!(!all.to_string().contains("secret"), "{all}");
    }
}
