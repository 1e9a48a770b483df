//! From the probing flags to the library's options.

use std::time::Duration;

use crate::cli::args::{Depth, Dnssec, Probing};
use crate::cli::output::Trouble;
use crate::name::HostName;
use crate::probe::{
    ControlChoice, DnssecTrust, Families, Looks, Options, Prober, Proxy, Resolver, Roots,
};

/// Reads the flags. `mx` and what only one command has is set by the caller.
pub fn options(flags: &Probing) -> Result<Options, Trouble> {
    let resolvers = flags
        .resolver
        .iter()
        .map(|text| {
            Resolver::parse(text).map_err(|why| Trouble::usage(format!("--resolver {text}: {why}")))
        })
        .collect::<Result<_, _>>()?;
    let control = match &flags.control {
        None => ControlChoice::Default,
        Some(text) => text
            .parse()
            .map_err(|why| Trouble::usage(format!("--control {text}: {why}")))?,
    };
    // Not with the text, which may hold a password.
    let proxy = flags
        .proxy
        .as_deref()
        .map(Proxy::parse)
        .transpose()
        .map_err(|why| Trouble::usage(format!("--proxy: {why}")))?;
    if flags.trust_anchor.is_some() && flags.dnssec != Dnssec::Validate {
        return Err(Trouble::usage(
            "--trust-anchor says where --dnssec validate starts from: give both",
        ));
    }
    Ok(Options {
        resolvers,
        trust_anchor: flags.trust_anchor.clone(),
        dnssec: match flags.dnssec {
            Dnssec::Ad => DnssecTrust::Ad,
            _ if flags.trust_ad => DnssecTrust::Ad,
            Dnssec::Auto => DnssecTrust::Auto,
            Dnssec::Validate => DnssecTrust::Validate,
            Dnssec::Off => DnssecTrust::Off,
        },
        port: flags.port,
        policy_port: flags.policy_port,
        families: match (flags.ipv4, flags.ipv6) {
            (true, _) => Families::V4,
            (_, true) => Families::V6,
            _ => Families::Both,
        },
        ehlo: flags.ehlo.clone(),
        source: flags.source,
        proxy,
        timeout: Duration::from_secs(flags.timeout.into()),
        deadline: Duration::from_secs(flags.deadline.into()),
        roots: Roots {
            system: !flags.no_system_roots,
            ca_files: flags.ca_file.clone(),
            ..Roots::default()
        },
        control,
        looks: Looks {
            deep: flags.depth == Depth::Deep,
            suites: flags.suites,
        },
        ..Options::default()
    })
}

/// Reads the hosts of `--mx`.
pub fn hosts(names: &[String]) -> Result<Vec<HostName>, Trouble> {
    names
        .iter()
        .map(|text| {
            HostName::parse(text).map_err(|why| Trouble::usage(format!("--mx {text}: {why}")))
        })
        .collect()
}

/// A prober, or why there can be none here.
pub fn prober(options: Options) -> Result<Prober, Trouble> {
    Prober::new(options).map_err(|error| Trouble::usage(error.to_string()))
}

/// A runtime for one command. One thread: a probe waits, it does not compute.
pub fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble {
            exit: crate::cli::Exit::TroubleHere,
            message: format!("this machine gives no event queue: {error}"),
        })
}
