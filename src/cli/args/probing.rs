//! The options of everything that probes.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::parse::seconds;
use crate::probe;

/// How probes are made.
#[derive(Debug, Args)]
pub struct Probing {
    /// Ask this DNS resolver, or over TLS tls://NAME[@IP][:PORT], whose
    /// certificate must bear that name; DANE needs one that validates. May be
    /// repeated [default: the system's]
    #[arg(long, value_name = "IP[:PORT]|tls://...", help_heading = "Probing")]
    pub resolver: Vec<String>,
    /// What to believe of the resolver's word that answers are signed: auto
    /// (its AD bit, after a test of the resolver), ad (its AD bit, untested),
    /// validate (signatures are checked here too; unconfirmed where only that
    /// says so), off (nothing)
    #[arg(
        long,
        value_name = "MODE",
        default_value = "auto",
        help_heading = "Probing"
    )]
    pub dnssec: Dnssec,
    /// With --dnssec validate, start from the DS or DNSKEY records in this file
    /// [default: the root zone's keys of 2017 and 2024]
    #[arg(long, value_name = "FILE", help_heading = "Probing")]
    pub trust_anchor: Option<PathBuf>,
    /// The same as --dnssec ad
    #[arg(long, conflicts_with = "dnssec", help_heading = "Probing")]
    pub trust_ad: bool,
    /// Trust the certificates in this PEM file as roots too; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Probing")]
    pub ca_file: Vec<PathBuf>,
    /// Trust only the roots of --ca-file
    #[arg(long, requires = "ca_file", help_heading = "Probing")]
    pub no_system_roots: bool,
    /// Connect to this port
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Probing")]
    pub port: u16,
    /// Fetch MTA-STS policies from this port
    #[arg(long, value_name = "N", default_value_t = 443, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Probing")]
    pub policy_port: u16,
    /// Probe IPv4 addresses only
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = "Probing")]
    pub ipv4: bool,
    /// Probe IPv6 addresses only
    #[arg(short = '6', long, help_heading = "Probing")]
    pub ipv6: bool,
    /// Name to say in EHLO [default: this machine's]
    #[arg(long, value_name = "NAME", help_heading = "Probing")]
    pub ehlo: Option<String>,
    /// Connect from this address of this machine
    #[arg(long, value_name = "IP", help_heading = "Probing")]
    pub source: Option<IpAddr>,
    /// Make all connections through this SOCKS5 proxy:
    /// socks5://[USER:PASSWORD@]HOST:PORT. DNS does not go through it. The
    /// environment variable shows in no list of processes
    #[arg(
        long,
        value_name = "URL",
        env = "STARTTRACE_PROXY",
        hide_env_values = true,
        help_heading = "Probing"
    )]
    pub proxy: Option<String>,
    /// Longest wait at any one stage
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = seconds::<3600>, allow_negative_numbers = true, help_heading = "Probing")]
    pub timeout: u32,
    /// Longest time for one address
    #[arg(long, value_name = "SECONDS", default_value_t = 180, value_parser = seconds::<7200>, allow_negative_numbers = true, help_heading = "Probing")]
    pub deadline: u32,
    /// How much is asked of each address. "normal" opens one connection, and at
    /// most three: after a failed handshake one with a smaller hello and one
    /// with a hello made by hand, and one for a second certificate where TLSA
    /// records bind. "deep" opens 20 to 30 further, half a second and more
    /// apart: each version, weak suites, key exchange groups, other server
    /// names, EHLO again, a command behind STARTTLS
    #[arg(
        long,
        value_enum,
        default_value_t = Depth::Normal,
        hide_possible_values = true,
        value_name = "normal|deep",
        help_heading = "Probing"
    )]
    pub depth: Depth,
    /// Ask for every cipher suite of each version: one connection for each the
    /// server has, and five more, half a second apart (give a longer --deadline)
    #[arg(long, help_heading = "Probing")]
    pub suites: bool,
    #[arg(long, value_name = "HOST[:PORT]|none", help_heading = "Probing", help = control_help())]
    pub control: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dnssec {
    Auto,
    Ad,
    Validate,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Depth {
    Normal,
    Deep,
}

fn control_help() -> String {
    format!(
        "Host known to offer STARTTLS, asked before anything negative is said \
         [default: {}; none where resolver, port or MX point to this machine]",
        probe::DEFAULT_CONTROL
    )
}
