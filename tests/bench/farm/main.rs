//! A farm of mail servers for measuring: a million domains and their hosts, all
//! computed from their numbers, none stored. One listener answers for every
//! address of 127.0.0.0/8, one name server for every name.
//!
//! ```text
//! farm serve --domains 1000000 --smtp 2525 --dns 5353 --ca /tmp/farm.pem
//! farm list 100000 > list.txt
//! farm bare --domains 20000 --smtp 2525 --ca /tmp/farm.pem
//! farm shape 1000000
//! ```
//!
//! `serve` answers until it is ended. `list` writes the names of the first N
//! domains. `bare` is the client to compare with: a bare rustls client that
//! connects, says EHLO and STARTTLS, shakes hands, says EHLO, verifies the chain
//! and says QUIT, at the addresses of the first N domains; it prints its CPU time
//! an endpoint. `shape` counts what N domains name: hosts, addresses, endpoints.
//! Options of `serve`, with their defaults, stand in [`Settings`].

mod bare;
mod certificates;
mod dns;
mod smtp;
mod world;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use world::World;

/// What the farm is like.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `--domains 1000000`: domains there are.
    pub domains: u64,
    /// `--smtp 2525`: the port of the mail servers.
    pub smtp: u16,
    /// `--policy 8443`: the port of MTA-STS policies.
    pub policy: u16,
    /// `--dns 5353`: the port of the name server, over UDP and TCP.
    pub dns: u16,
    /// `--rtt 0`: milliseconds of a round trip to mail servers and policy hosts.
    pub rtt: Duration,
    /// `--dns-rtt 0`: the same to the name server.
    pub dns_rtt: Duration,
    /// `--ca FILE`: where the root certificate goes.
    pub ca: String,
    /// `--validates`: answer as a resolver that validates, with a part of the
    /// domains signed.
    pub validates: bool,
    /// `--signs`: sign the root, `example`, and a part of the zones below it.
    pub signs: bool,
    /// `--anchor FILE`: where the root's DS record goes, for `--signs`.
    pub anchor: String,
    /// `--wildcard`: one certificate made beforehand instead of one made for each
    /// name when it is asked for; it names no host, so it is for runs without
    /// roots.
    pub wildcard: bool,
    /// `--plain 20`: hosts of a thousand without STARTTLS.
    pub plain: u64,
    /// `--misnamed 50`: hosts of a thousand with another host's certificate.
    pub misnamed: u64,
    /// `--busy 5`: hosts of a thousand that greet with 421.
    pub busy: u64,
    /// `--silent 0`: hosts of a thousand that never greet.
    pub silent: u64,
    /// `--threads 1`: threads that serve.
    pub threads: usize,
    /// `--at-once 256`: connections of `bare`.
    pub at_once: usize,
    /// `--remember`: `bare` verifies each chain once.
    pub remember: bool,
}

fn main() {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    match command.as_str() {
        "serve" => serve(settings(&rest)),
        "bare" => bare::run(&settings(&rest)),
        "list" => list(count(&rest)),
        "shape" => shape(count(&rest)),
        _ => usage("one of serve, bare, list, shape"),
    }
}

fn serve(settings: Settings) {
    let world = Arc::new(World::new(settings));
    std::fs::write(&world.settings.ca, world.authority.root_pem())
        .expect("the place for the root can be written");
    if let Some(signer) = &world.signer {
        std::fs::write(&world.settings.anchor, signer.anchor())
            .expect("the place for the trust anchor can be written");
    }
    runtime(world.settings.threads).block_on(async {
        let servers = (
            dns::serve(Arc::clone(&world)),
            smtp::serve(Arc::clone(&world)),
            smtp::serve_policies(Arc::clone(&world)),
        );
        println!("ready");
        let _ = std::io::stdout().flush();
        tokio::join!(servers.0, servers.1, servers.2);
    });
}

fn list(domains: u64) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for domain in 0..domains {
        if writeln!(out, "{}", world::domain_name(domain)).is_err() {
            return;
        }
    }
}

fn shape(domains: u64) {
    let settings = Settings {
        domains,
        ..settings(&[])
    };
    let shape = world::shape(&settings);
    println!(
        "{domains} domains: {} take no mail, {} do not exist; {} names of hosts, {} addresses \
         named, {} distinct, {} endpoints (address and name)",
        shape.without_mail,
        shape.absent,
        shape.hosts,
        shape.named,
        shape.addresses,
        shape.endpoints
    );
}

pub fn runtime(threads: usize) -> tokio::runtime::Runtime {
    let mut builder = if threads <= 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(threads);
        builder
    };
    builder.enable_all().build().expect("a runtime can be had")
}

fn count(words: &[String]) -> u64 {
    words
        .first()
        .and_then(|word| word.parse().ok())
        .unwrap_or_else(|| usage("a number of domains"))
}

fn settings(words: &[String]) -> Settings {
    let mut settings = Settings {
        domains: 1_000_000,
        smtp: 2525,
        policy: 8443,
        dns: 5353,
        rtt: Duration::ZERO,
        dns_rtt: Duration::ZERO,
        ca: "/tmp/farm.pem".into(),
        validates: false,
        signs: false,
        anchor: "/tmp/farm.anchor".into(),
        wildcard: false,
        plain: 20,
        misnamed: 50,
        busy: 5,
        silent: 0,
        threads: 1,
        at_once: 256,
        remember: false,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--validates" => settings.validates = true,
            "--signs" => settings.signs = true,
            "--anchor" => settings.anchor = value(&mut words, word).to_owned(),
            "--wildcard" => settings.wildcard = true,
            "--remember" => settings.remember = true,
            "--ca" => settings.ca = value(&mut words, word).to_owned(),
            "--domains" => settings.domains = number(&mut words, word),
            "--smtp" => settings.smtp = number(&mut words, word),
            "--policy" => settings.policy = number(&mut words, word),
            "--dns" => settings.dns = number(&mut words, word),
            "--rtt" => settings.rtt = Duration::from_millis(number(&mut words, word)),
            "--dns-rtt" => settings.dns_rtt = Duration::from_millis(number(&mut words, word)),
            "--plain" => settings.plain = number(&mut words, word),
            "--misnamed" => settings.misnamed = number(&mut words, word),
            "--busy" => settings.busy = number(&mut words, word),
            "--silent" => settings.silent = number(&mut words, word),
            "--threads" => settings.threads = number(&mut words, word),
            "--at-once" => settings.at_once = number(&mut words, word),
            other => usage(&format!("no {other}")),
        }
    }
    settings
}

fn value<'a>(words: &mut std::slice::Iter<'a, String>, option: &str) -> &'a str {
    words
        .next()
        .unwrap_or_else(|| usage(&format!("{option} with a value")))
}

fn number<T: std::str::FromStr>(words: &mut std::slice::Iter<'_, String>, option: &str) -> T {
    value(words, option)
        .parse()
        .unwrap_or_else(|_| usage(&format!("{option} with a number")))
}

fn usage(wanted: &str) -> ! {
    eprintln!("farm: wanted is {wanted}; tests/bench/farm/main.rs tells all");
    std::process::exit(2)
}
