//! The command line. Only what works is listed here.

mod parse;
mod probing;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub use probing::{Depth, Dnssec, Probing};

use crate::scan::list::Shard;

const AFTER_HELP: &str = "\
Exit status: 0 yes, 1 no, 2 usage, 3 cannot tell, 4 trouble on this machine.
It says EHLO, STARTTLS, QUIT; never MAIL FROM: it sends no mail.";

/// Say whether mail travels over TLS, and why a hop did not.
#[derive(Debug, Parser)]
#[command(name = "starttrace", version, after_help = AFTER_HELP, max_term_width = 80)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Common {
    /// How to print the result [default: text; scan: ndjson]
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    pub format: Option<Format>,
    /// Write the result to this file instead of standard output
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Output"
    )]
    pub output: Option<PathBuf>,
    /// When to colour text; NO_COLOR is heeded
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    pub color: When,
    /// Print nothing but errors; the exit status is the answer
    #[arg(short, long, global = true, help_heading = "Output")]
    pub quiet: bool,
    /// Show the SMTP dialogue and certificates; twice: DNS answers too
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON document; refused where there are several results
    Json,
    /// One JSON document a line
    Ndjson,
    /// A table (report)
    #[value(hide = true)]
    Csv,
    /// A page (report)
    #[value(hide = true)]
    Html,
    /// A TLS policy table for Postfix (report)
    #[value(hide = true)]
    PostfixPolicy,
    /// A list for a connector of Exchange Online (report)
    #[value(hide = true)]
    ExchangeDomains,
    /// A list for the secure transport setting of Google Workspace (report)
    #[value(hide = true)]
    GoogleDomains,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Check(Check),
    Trace(Trace),
    Explain(Explain),
    Scan(Scan),
    Report(Report),
    History(History),
    Codes(Codes),
    /// Print the JSON Schema (draft 2020-12) of every output
    Schema,
    /// Print the completion script for a shell
    Completions {
        /// The shell to complete for
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff): starttrace man | man -l -
    Man,
}

/// Probe a domain's MX hosts: how would mail sent now travel?
///
/// Resolves the MX hosts of each domain, connects once to every address of
/// every host, says EHLO and STARTTLS, shakes hands, records what was agreed and
/// shown, says QUIT, and judges. Before anything negative is said, a host
/// known to offer STARTTLS is asked over the same path: a network that blocks
/// or rewrites port 25 makes every server look guilty. TLSA records (DANE), the
/// MTA-STS policy and the TLSRPT record are looked at too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  starttrace check partner.example
  starttrace check --require authenticated ap@partner.example
  starttrace check -v -4 --mx mx2.partner.example partner.example")]
pub struct Check {
    /// A domain, or an address of which the domain counts
    #[arg(required = true, value_name = "DOMAIN")]
    pub domains: Vec<String>,

    /// What to demand for the answer yes: tls (every MX address seen
    /// negotiates TLS 1.2 or better), authenticated (and proves its name), or
    /// enforced (and a policy makes senders insist)
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "tls",
        help_heading = "Judging"
    )]
    pub require: Require,
    /// Judge certificates as of this time (2026-12-24 or 2026-12-24T18:00:00Z)
    /// [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse::time, help_heading = "Judging")]
    pub at: Option<jiff::Timestamp>,

    #[command(flatten)]
    pub probing: Probing,

    /// Probe this host instead of the domain's MX hosts; may be repeated
    #[arg(long, value_name = "HOST", help_heading = "Probing")]
    pub mx: Vec<String>,
    #[command(flatten)]
    pub remembering: Remembering,
}

/// Read the Received: chain of a saved message, hop by hop
///
/// Says for every hop who wrote the line, whether it records TLS, which version
/// and cipher, and what silence means for the software that wrote it. No
/// network. A FILE is an .eml, an mbox, a Maildir or other folder, an Outlook .msg,
/// a text file with pasted headers, any of them compressed by gzip, or `-` for
/// standard input. Many messages are read as a stream, twice where that is
/// possible: first for what each host records, then to be judged.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  starttrace trace invoice.eml
  starttrace trace --with older.eml invoice.eml
  starttrace trace --summary archive.mbox
  starttrace trace -f json - < invoice.eml")]
pub struct Trace {
    /// A saved message
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// List the lines that are not understood, by shape, ready to be sent in
    #[arg(long, help_heading = "Reading")]
    pub unknown: bool,
    #[command(flatten)]
    pub reading: Reading,
    /// One table of all messages: for each sending and receiving host the hops
    /// seen, with TLS, without, and unknown
    #[arg(long, conflicts_with = "unknown", help_heading = "Reading")]
    pub summary: bool,
}

/// Trace a message, probe its hops, say why one lacked TLS
///
/// Traces the message, picks the hops that crossed the Internet without proof of
/// TLS, probes the hosts that took them, and ranks the causes, each with what
/// speaks for and against it. Only public addresses are probed, and no
/// name found only in lines that anybody could have forged.
///
/// Headers and probes never prove a cause. What a party of the hop wrote down at
/// the time does: --log and --tlsrpt take it from you.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  starttrace explain invoice.eml
  starttrace explain --offline invoice.eml
  starttrace explain --log /var/log/mail.log invoice.eml
  starttrace explain --with older.eml --resolver 192.0.2.53 invoice.eml")]
pub struct Explain {
    /// A saved message
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,

    /// A log of either side, from Postfix or Exim's main log: lines are matched
    /// by queue id, message id, addresses and time. May be repeated
    #[arg(long, value_name = "FILE", help_heading = "Evidence")]
    pub log: Vec<PathBuf>,
    /// The zone of time stamps without one (+0200) [default: the one that the
    /// host itself writes in the message]
    #[arg(long, value_name = "ZONE", value_parser = parse::zone, requires = "log", allow_hyphen_values = true, help_heading = "Evidence")]
    pub log_zone: Option<jiff::tz::Offset>,
    /// A TLS report (RFC 8460): the JSON, the gzip file, or the mail that carries
    /// it. May be repeated
    #[arg(long, value_name = "FILE", help_heading = "Evidence")]
    pub tlsrpt: Vec<PathBuf>,

    /// One page of all messages: each case once, with counts and dates
    #[arg(long, conflicts_with = "letter", help_heading = "Telling")]
    pub summary: bool,
    /// For whom: experts, or plain for a reader who does not know what STARTTLS
    /// is
    #[arg(
        long,
        value_name = "WHOM",
        default_value = "expert",
        help_heading = "Telling"
    )]
    pub audience: Audience,
    /// Write what to send to the other side's postmaster, with the id and the
    /// time he needs, in place of the page
    #[arg(long, help_heading = "Telling")]
    pub letter: bool,

    /// Probe nothing: explain from the headers alone
    #[arg(long, help_heading = "Probing")]
    pub offline: bool,
    /// Probe private and loopback addresses too (a lab; never for mail from
    /// strangers)
    #[arg(long, help_heading = "Probing")]
    pub probe_private: bool,
    /// Probe at most this many hosts for one message
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64), help_heading = "Probing")]
    pub max_hosts: u16,
    #[command(flatten)]
    pub probing: Probing,
    #[command(flatten)]
    pub remembering: Remembering,
}

/// What earlier probes saw, and what changed since
///
/// Reads the file that check and explain fill when they are told to by
/// --history or STARTTRACE_HISTORY. Nothing is stored unless asked.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  export STARTTRACE_HISTORY=~/.local/state/starttrace/history.db
  starttrace check -q partner.example; starttrace history diff partner.example
  starttrace history show --at 2026-11-03 partner.example
  starttrace history export > all.jsonl

Exit status of diff: 0 no change, 1 a change, 3 nothing to compare.")]
pub struct History {
    #[command(flatten)]
    pub remembering: Remembering,
    #[command(subcommand)]
    pub command: HistoryCommand,
}

#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// List the domains, with the first and last time and the level last seen
    List {
        /// These domains only
        #[arg(value_name = "DOMAIN")]
        domains: Vec<String>,
    },
    /// Show an observation as check showed it
    Show {
        /// The domain, or the host that explain asked by itself
        #[arg(value_name = "DOMAIN")]
        domain: String,
        /// The last one of this day or time, or before [default: now]
        #[arg(long, value_name = "TIME", value_parser = parse::end)]
        at: Option<jiff::Timestamp>,
    },
    Diff(HistoryDiff),
    /// Remove old observations and witnesses, and give the room back
    #[command(group = clap::ArgGroup::new("bound").required(true).multiple(true))]
    Prune {
        /// Remove what is older than this day or time
        #[arg(long, value_name = "TIME", value_parser = parse::time, group = "bound")]
        before: Option<jiff::Timestamp>,
        /// Keep of each domain the newest N observations
        #[arg(long, value_name = "N", group = "bound", value_parser = clap::value_parser!(u32).range(1..))]
        keep: Option<u32>,
    },
    /// Write every observation as NDJSON that report reads
    Export {
        /// These domains only
        #[arg(value_name = "DOMAIN")]
        domains: Vec<String>,
    },
}

/// Say what changed: STARTTLS, certificates, policies, TLSA, MX, level
///
/// Compares the newest observation of each domain with the one before it, or
/// those of two days. Prints nothing and exits with 0 where nothing changed,
/// fit for cron. What an observation could not see is compared with the newest
/// earlier one that saw it: could not see is never a change.
#[derive(Debug, Args)]
pub struct HistoryDiff {
    /// These domains [default: all]
    #[arg(value_name = "DOMAIN")]
    pub domains: Vec<String>,
    /// The domains of this list, one a line (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// As it was at the end of this day, or at this time [default: the
    /// observation before the later one]
    #[arg(long, value_name = "TIME", value_parser = parse::end)]
    pub from: Option<jiff::Timestamp>,
    /// And as it was at the end of this day, or at this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse::end)]
    pub to: Option<jiff::Timestamp>,
}

/// Where earlier observations are kept.
#[derive(Debug, Args)]
pub struct Remembering {
    /// Keep what is seen in this file, and heed what it holds; made where it is
    /// not. By custom ~/.local/state/starttrace/history.db ($XDG_STATE_HOME).
    /// Nothing is stored unless asked
    #[arg(
        long = "history",
        value_name = "FILE",
        env = "STARTTRACE_HISTORY",
        hide_env_values = true,
        value_parser = clap::builder::OsStringValueParser::new(),
        value_hint = clap::ValueHint::FilePath,
        global = true,
        help_heading = "History"
    )]
    pub file: Option<std::ffi::OsString>,
}

impl Remembering {
    /// The file, where one is named; an empty name is none.
    pub fn path(&self) -> Option<&std::path::Path> {
        let file = self.file.as_deref().filter(|name| !name.is_empty());
        file.map(std::path::Path::new)
    }
}

/// Check every domain of a list: streaming, polite, resumable
///
/// Reads a plain list, CSV or NDJSON of domains, addresses or URLs, and writes one
/// line of NDJSON for each line that is neither blank nor a comment. An endpoint
/// that takes the mail of many domains is asked once. One address gets
/// --per-host connections at once, begun a tenth of a second apart, one
/// provider ten times as many; who turns us away is left alone for a while.
/// What fails for the moment is tried once more after the rest.
///
/// The output file is the journal: after Ctrl-C, a crash or a full disk, the same
/// command with --resume goes on, each line answered exactly once. Its end is a
/// summary, for people on standard error and as the last line.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  starttrace scan partners.txt -o partners.ndjson
  starttrace scan partners.csv --column email -o partners.ndjson --resume
  starttrace scan --fail-on encrypted --ehlo probe.acme.example partners.txt
  grep -v '^#' partners.txt | starttrace scan - | head")]
pub struct Scan {
    /// The list; `-` is standard input
    #[arg(value_name = "LIST")]
    pub list: PathBuf,
    /// The column of CSV, or field of NDJSON, that holds the domains; a number
    /// where the CSV has no header
    #[arg(long, value_name = "NAME", help_heading = "List")]
    pub column: Option<String>,
    /// Answer only the I-th of N shares of the list, by a hash of each line;
    /// --per-host and --rate are divided by N
    #[arg(long, value_name = "I/N", help_heading = "List")]
    pub shard: Option<Shard>,
    /// Leave alone the names (with all below them), addresses and networks in
    /// this file, one a line; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "List")]
    pub exclude: Vec<PathBuf>,

    /// Go on with the results in --output, if there are any
    #[arg(long, help_heading = "Results")]
    pub resume: bool,
    /// Write the whole report of each domain
    #[arg(long, help_heading = "Results")]
    pub full: bool,
    /// Write results in the order of the list
    #[arg(long, help_heading = "Results")]
    pub ordered: bool,
    /// Exit with status 1 if any domain is below this level
    #[arg(long, value_name = "LEVEL", help_heading = "Results")]
    pub fail_on: Option<Level>,

    /// Begin at most this many connections to mail and policy hosts a second [default: no
    /// limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Politeness")]
    pub rate: Option<u32>,
    /// Connections to one address at the same time; ten times as many to one
    /// provider (registrable domain, and /24 or /48)
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Politeness")]
    pub per_host: u32,
    /// How long to wait before a domain is tried again
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=86_400), help_heading = "Politeness")]
    pub retry_after: u32,
    /// How long to wait when the resolver or the network here fails, before the
    /// scan ends with status 4 and the command that goes on; a number of seconds,
    /// or with m, h, d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse::span, help_heading = "Politeness")]
    pub patience: u64,

    #[command(flatten)]
    pub probing: Probing,
    #[command(flatten)]
    pub remembering: Remembering,
}

/// Render saved results in another form, or judge them again
///
/// Reads what check, trace and explain wrote with -f json or ndjson, and what
/// scan wrote, compressed by gzip or not; a million lines are read as a stream. A line
/// that cannot be read is told and passed over. Beside text, json and ndjson there
/// are these forms: csv (a table for spreadsheets), html (one page, without
/// scripts), postfix-policy (a table for smtp_tls_policy_maps), exchange-domains
/// and google-domains (lists for a connector of Exchange Online and for the secure
/// transport setting of Google Workspace). A policy is made for partners that
/// proved to be authenticated or enforced, and outlives what was seen: make it
/// anew often.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  starttrace report --only cleartext,mixed partners.ndjson
  starttrace report -f html -o partners.html partners.ndjson
  starttrace report --at 2027-01-31 --require authenticated reports.ndjson.gz
  starttrace report -f postfix-policy -o tls_policy partners.ndjson")]
pub struct Report {
    /// Saved results, or `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Show domains of these levels only: no-mail, cleartext, mixed, legacy,
    /// encrypted, authenticated, enforced, unknown
    #[arg(
        long,
        value_name = "LEVEL",
        value_delimiter = ',',
        hide_possible_values = true,
        help_heading = "Judging"
    )]
    pub only: Vec<Only>,
    /// Judge again whether this level is reached [default: as it was judged]
    #[arg(long, value_name = "LEVEL", help_heading = "Judging")]
    pub require: Option<Require>,
    /// Judge certificates again as of this time (2026-12-24 or
    /// 2026-12-24T18:00:00Z) [default: as they were judged]
    #[arg(long, value_name = "TIME", value_parser = parse::time, help_heading = "Judging")]
    pub at: Option<jiff::Timestamp>,
}

/// List the finding codes, or describe one
///
/// Without CODE: every finding and cause code with its severity. With CODE: its
/// severity, standard, TLSRPT word, meaning and fix.
#[derive(Debug, Args)]
pub struct Codes {
    /// A code, such as certificate-expired
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// How messages are read.
#[derive(Debug, Args)]
pub struct Reading {
    /// Another message that shows what these hosts record; may be repeated.
    /// Messages given together also bear witness for each other
    #[arg(long = "with", value_name = "FILE", help_heading = "Reading")]
    pub with: Vec<PathBuf>,
    /// A host, domain or network (192.0.2.0/24) on the mailbox's own side,
    /// whose lines are to be believed; may be repeated
    #[arg(long, value_name = "HOST|DOMAIN|CIDR", help_heading = "Reading")]
    pub trust: Vec<String>,
    /// A table (TOML) of who writes what, asked before the built-in one; the
    /// README tells its form; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Reading")]
    pub software: Vec<PathBuf>,
    /// In place of each message, the N-th message attached to it: what people
    /// forward as an attachment
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Reading")]
    pub part: Option<u16>,
}

/// A level that `report` shows alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Only {
    NoMail,
    Cleartext,
    Mixed,
    Legacy,
    Encrypted,
    Authenticated,
    Enforced,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Audience {
    Expert,
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Require {
    Tls,
    Authenticated,
    Enforced,
}

/// A level that a scan may demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Mixed,
    Legacy,
    Encrypted,
    Authenticated,
    Enforced,
}

impl Level {
    /// The levels below it, worst first, by the words of the contract.
    pub fn below(self) -> &'static [&'static str] {
        const ORDER: &[&str] = &[
            "no-mail",
            "cleartext",
            "mixed",
            "legacy",
            "encrypted",
            "authenticated",
        ];
        let count = match self {
            Self::Mixed => 2,
            Self::Legacy => 3,
            Self::Encrypted => 4,
            Self::Authenticated => 5,
            Self::Enforced => 6,
        };
        &ORDER[..count]
    }
}
