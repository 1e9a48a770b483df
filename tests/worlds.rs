//! Every world of `tests/worlds`: served, probed, judged, shown, and compared
//! with what it expects: the answer and the exit status, chosen places of the
//! JSON, the whole page, and the manners of the probe.
//!
//! `cargo test --test worlds NAME` runs one; `UPDATE_EXPECTED=1` writes the pages
//! anew.

#![allow(clippy::unwrap_used)]

mod lab;

use std::path::{Path, PathBuf};
use std::time::Duration;

use lab::world::{ControlSpec, Expect, ServiceSpec, World};
use lab::{CONTROL_HOST, Lab, page};
use serde_json::Value;
use starttrace::answer::Answer;
use starttrace::name::{DomainName, HostName};
use starttrace::observed::domain::DomainObservation;
use starttrace::probe::{
    Clock, ControlChoice, DnssecTrust, Families, Looks, Options, Prober, Proxy, Resolver, Roots,
    Service,
};
use starttrace::report::{json, text};
use starttrace::verdict::{self, Required};

/// The name the probe gives for itself.
const EHLO: &str = "probe.acme.example";

macro_rules! worlds {
    ($($test:ident = $name:literal,)*) => {
        const WORLDS: &[&str] = &[$($name),*];

        $(#[test]
        fn $test() {
            run($name);
        })*
    };
}

worlds! {
    aaaa_servfail = "aaaa-servfail",
    anonymous_only = "anonymous-only",
    auth_before_tls = "auth-before-tls",
    bare_code = "bare-code",
    cbc_client_certificate = "cbc-client-certificate",
    cbc_only = "cbc-only",
    client_certificate_demanded = "client-certificate-demanded",
    client_certificate_demanded_tls13 = "client-certificate-demanded-tls13",
    client_certificate_requested = "client-certificate-requested",
    close_after_220 = "close-after-220",
    closes_after_tls = "closes-after-tls",
    closes_at_once = "closes-at-once",
    code_mismatch = "code-mismatch",
    common_name_only = "common-name-only",
    connection_refused = "connection-refused",
    connection_refused_here = "connection-refused-here",
    control_blocked = "control-blocked",
    control_characters = "control-characters",
    control_none = "control-none",
    control_stripped = "control-stripped",
    dane_address_insecure = "dane-address-insecure",
    dane_addresses_differ = "dane-addresses-differ",
    dane_alias = "dane-alias",
    dane_alias_end_insecure = "dane-alias-end-insecure",
    dane_anchor = "dane-anchor",
    dane_anchor_wrong_name = "dane-anchor-wrong-name",
    dane_backup_alone = "dane-backup-alone",
    dane_bogus = "dane-bogus",
    dane_digest_agility = "dane-digest-agility",
    dane_digest_agility_weaker_alone = "dane-digest-agility-weaker-alone",
    dane_expired_wrong_name = "dane-expired-wrong-name",
    dane_match = "dane-match",
    dane_mismatch = "dane-mismatch",
    dane_mx_insecure = "dane-mx-insecure",
    dane_no_starttls = "dane-no-starttls",
    dane_none = "dane-none",
    dane_resolver_plain = "dane-resolver-plain",
    dane_servfail = "dane-servfail",
    dane_tlsa_alias = "dane-tlsa-alias",
    dane_unusable = "dane-unusable",
    data_before_handshake = "data-before-handshake",
    deadline = "deadline",
    deep_good = "deep-good",
    deep_injection = "deep-injection",
    deep_legacy_too = "deep-legacy-too",
    deep_pool = "deep-pool",
    deep_sni = "deep-sni",
    deep_unadvertised = "deep-unadvertised",
    dhe_1024 = "dhe-1024",
    dhe_only = "dhe-only",
    dnssec_validate = "dnssec-validate",
    dnssec_validate_expired = "dnssec-validate-expired",
    dnssec_validate_forged_none = "dnssec-validate-forged-none",
    dnssec_validate_unsigned = "dnssec-validate-unsigned",
    domain_is_alias = "domain-is-alias",
    ehlo_rejected = "ehlo-rejected",
    ehlo_temporary = "ehlo-temporary",
    endless_line = "endless-line",
    endless_reply = "endless-reply",
    expired = "expired",
    expired_required = "expired-required",
    explain_below_the_boundary = "explain-below-the-boundary",
    explain_blocked_here = "explain-blocked-here",
    explain_client_certificate = "explain-client-certificate",
    explain_dh_1024 = "explain-dh-1024",
    explain_encrypted = "explain-encrypted",
    explain_family_differs = "explain-family-differs",
    explain_handshake_fails = "explain-handshake-fails",
    explain_helo_only = "explain-helo-only",
    explain_large_hello_stalls = "explain-large-hello-stalls",
    explain_legacy_version = "explain-legacy-version",
    explain_max_hosts = "explain-max-hosts",
    explain_modern_hello_refused = "explain-modern-hello-refused",
    explain_mx_differs = "explain-mx-differs",
    explain_not_offered = "explain-not-offered",
    explain_offline = "explain-offline",
    explain_private_refused = "explain-private-refused",
    explain_receiver_not_in_mx = "explain-receiver-not-in-mx",
    explain_sender_did_not_try = "explain-sender-did-not-try",
    explain_starttls_454 = "explain-starttls-454",
    explain_starttls_refused = "explain-starttls-refused",
    explain_witness = "explain-witness",
    families_differ = "families-differ",
    first_mx_down = "first-mx-down",
    fragments_before_lf = "fragments-before-lf",
    fragments_in_keyword = "fragments-in-keyword",
    fragments_octets = "fragments-octets",
    garbage_after_220 = "garbage-after-220",
    garbage_then_silence = "garbage-then-silence",
    good_tls13 = "good-tls13",
    greeting_421 = "greeting-421",
    greeting_554 = "greeting-554",
    greeting_after_35s = "greeting-after-35s",
    greeting_pausing = "greeting-pausing",
    greeting_without_esmtp = "greeting-without-esmtp",
    helo_only = "helo-only",
    implicit_mx = "implicit-mx",
    ipv4_only = "ipv4-only",
    ipv6_only = "ipv6-only",
    large_hello_closed = "large-hello-closed",
    large_hello_lost = "large-hello-lost",
    lf_only = "lf-only",
    lower_case_keyword = "lower-case-keyword",
    malformed_greeting = "malformed-greeting",
    masked_command = "masked-command",
    masked_greeting = "masked-greeting",
    masked_letters = "masked-letters",
    missing_intermediate = "missing-intermediate",
    modern_hello_refused = "modern-hello-refused",
    mx_bad_backup = "mx-bad-backup",
    mx_bogus = "mx-bogus",
    mx_dns_refused = "mx-dns-refused",
    mx_dns_timeout = "mx-dns-timeout",
    mx_forty = "mx-forty",
    mx_given = "mx-given",
    mx_is_alias = "mx-is-alias",
    mx_literal = "mx-literal",
    mx_servfail = "mx-servfail",
    mx_single_label = "mx-single-label",
    mx_unresolvable = "mx-unresolvable",
    no_address = "no-address",
    no_starttls = "no-starttls",
    not_yet_valid = "not-yet-valid",
    null_mx = "null-mx",
    null_mx_beside_others = "null-mx-beside-others",
    nxdomain = "nxdomain",
    nxdomain_of_all_names = "nxdomain-of-all-names",
    other_root = "other-root",
    over_long_line = "over-long-line",
    p521_only = "p521-only",
    proxy_absent = "proxy-absent",
    proxy_connects = "proxy-connects",
    proxy_fails = "proxy-fails",
    proxy_forbids_mail = "proxy-forbids-mail",
    proxy_garbage = "proxy-garbage",
    proxy_hangs = "proxy-hangs",
    proxy_password = "proxy-password",
    proxy_password_wrong = "proxy-password-wrong",
    proxy_silent = "proxy-silent",
    proxy_target_refused = "proxy-target-refused",
    requiretls = "requiretls",
    requiretls_before_tls = "requiretls-before-tls",
    requiretls_not_vouched_for = "requiretls-not-vouched-for",
    resolver_over_tls = "resolver-over-tls",
    resolver_over_tls_expired = "resolver-over-tls-expired",
    resolver_over_tls_nobody_there = "resolver-over-tls-nobody-there",
    resolver_over_tls_other_root = "resolver-over-tls-other-root",
    resolver_over_tls_wrong_name = "resolver-over-tls-wrong-name",
    rsa_key_exchange_only = "rsa-key-exchange-only",
    same_address_twice = "same-address-twice",
    self_signed = "self-signed",
    silence_after_220 = "silence-after-220",
    silent = "silent",
    slow_but_good = "slow-but-good",
    ssl3_rc4 = "ssl3-rc4",
    starttls_454 = "starttls-454",
    starttls_5yz = "starttls-5yz",
    starttls_after_tls = "starttls-after-tls",
    starttls_in_hostname = "starttls-in-hostname",
    starttls_masked = "starttls-masked",
    sts_404 = "sts-404",
    sts_bad_backup = "sts-bad-backup",
    sts_bad_grammar = "sts-bad-grammar",
    sts_common_name_only = "sts-common-name-only",
    sts_enforce = "sts-enforce",
    sts_header_flood = "sts-header-flood",
    sts_id_changed_case = "sts-id-changed-case",
    sts_media_type = "sts-media-type",
    sts_mode_none = "sts-mode-none",
    sts_mode_twice = "sts-mode-twice",
    sts_mx_not_listed = "sts-mx-not-listed",
    sts_no_host = "sts-no-host",
    sts_nobody_there = "sts-nobody-there",
    sts_not_http = "sts-not-http",
    sts_not_yet_valid = "sts-not-yet-valid",
    sts_other_root = "sts-other-root",
    sts_oversize = "sts-oversize",
    sts_private_host = "sts-private-host",
    sts_record_servfail = "sts-record-servfail",
    sts_redirect = "sts-redirect",
    sts_self_signed_dane = "sts-self-signed-dane",
    sts_silent = "sts-silent",
    sts_slow_drip = "sts-slow-drip",
    sts_status_500 = "sts-status-500",
    sts_testing = "sts-testing",
    sts_truncated = "sts-truncated",
    sts_two_records = "sts-two-records",
    sts_web_common_name_only = "sts-web-common-name-only",
    sts_web_expired = "sts-web-expired",
    sts_web_page = "sts-web-page",
    sts_web_self_signed = "sts-web-self-signed",
    sts_web_wrong_name = "sts-web-wrong-name",
    submission = "submission",
    submissions = "submissions",
    submissions_busy = "submissions-busy",
    submissions_cleartext = "submissions-cleartext",
    submissions_deep = "submissions-deep",
    suites = "suites",
    tarpit = "tarpit",
    tls_rpt_invalid = "tls-rpt-invalid",
    tls10_only = "tls10-only",
    tls11_only = "tls11-only",
    tls12 = "tls12",
    tls13_only = "tls13-only",
    triple_des_only = "triple-des-only",
    two_certificates_one_tlsa = "two-certificates-one-tlsa",
    two_certificates_two_tlsa = "two-certificates-two-tlsa",
    wildcard = "wildcard",
    wrong_name = "wrong-name",
}

#[test]
fn every_world_is_run() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut listed: Vec<&str> = WORLDS.to_vec();
    listed.sort_unstable();
    assert_eq!(
        files, listed,
        "add the world to the list in tests/worlds.rs"
    );
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds")
}

fn run(name: &str) {
    let world = World::read(&folder().join(name).with_extension("toml"));
    let expect = world.expect.clone().expect("a world expects something");
    let mut faults = Vec::new();
    if world.domain.is_some() {
        check(name, &world, &expect, &mut faults);
    } else {
        explain(name, &world, &expect, &mut faults);
    }
    assert!(
        faults.is_empty(),
        "{name}: {}\n{}",
        world.about,
        faults.join("\n")
    );
}

/// Probes and judges in this process, with the world's clock.
fn check(name: &str, world: &World, expect: &Expect, faults: &mut Vec<String>) {
    let lab = Lab::start(world);
    let input = world.domain.clone().unwrap();
    let domain = DomainName::from_input(&input).unwrap();
    let prober = Prober::new(options(world, &lab)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut observation = runtime.block_on(prober.check(&input, &domain));
    // What the page says of the time is the same in every run.
    observation.at = world_time();
    observation.duration = Duration::from_millis(1500);
    let required = match world.options.require.as_deref() {
        None | Some("tls") => Required::Tls,
        Some("authenticated") => Required::Authenticated,
        Some("enforced") => Required::Enforced,
        Some(other) => panic!("no level {other}"),
    };
    let verdict = verdict::assess(&observation, observation.at, required);
    drop(runtime);
    lab.settle();

    let exit = match verdict.answer {
        _ if verdict.trouble_here => 4,
        Answer::Yes => 0,
        Answer::No => 1,
        Answer::Unknown => 3,
    };
    if exit != expect.exit {
        faults.push(format!("exit status {exit}, not {}", expect.exit));
    }
    let document = lab.normalise(&json::domain_report(&observation, &verdict).to_string());
    let document: Value = serde_json::from_str(&document).unwrap();
    compare_json(&document["data"], expect, "/verdict/answer", faults);
    judged_again(&observation, required, faults);

    let shown = text::check::render(
        &observation,
        &verdict,
        world.options.verbose,
        text::style::Style::plain(),
    );
    compare_page(name, &lab, &shown, expect, false, faults);
    let coloured = text::check::render(
        &observation,
        &verdict,
        world.options.verbose,
        text::style::Style::coloured(),
    );
    if without_colour(&coloured) != shown {
        faults.push("colour changes what is said".to_owned());
    }
    manners(&lab, expect, faults);
}

/// A report that is read back and judged again says the same, now and as of
/// other times.
fn judged_again(seen: &DomainObservation, required: Required, faults: &mut Vec<String>) {
    let published = |observation: &DomainObservation, at| {
        json::domain_report(observation, &verdict::assess(observation, at, required))
    };
    let written = published(seen, seen.at).to_string();
    let json::read::Document::DomainReport(report) = json::read::document(&written).unwrap() else {
        panic!("a domain report is read as something else");
    };
    let read = json::read::observation(&report).unwrap();
    assert_eq!(json::read::judged_at(&report).unwrap(), seen.at);
    assert_eq!(json::read::required(&report), required);
    for days in [0, -3650, 45, 400, 3650] {
        let at = seen.at + jiff::SignedDuration::from_hours(24 * days);
        let (now, then) = (published(&read, at), published(seen, at));
        if now != then {
            faults.push(format!(
                "read back and judged {days} days later it says\n{now:#}\nand not\n{then:#}"
            ));
        }
    }
}

/// When every world is seen: certificates are made to fit it.
fn world_time() -> jiff::Timestamp {
    "2026-11-21T23:10:00Z".parse().unwrap()
}

fn options(world: &World, lab: &Lab) -> Options {
    let chosen = &world.options;
    let seconds = |s: u32| Duration::from_secs(s.into());
    let usual = Options::default();
    let resolver = match &chosen.resolver {
        Some(text) => {
            let text = lab.localise(text).replace("{port}", &lab.port.to_string());
            Resolver::parse(&text).unwrap()
        }
        None => lab.resolver.into(),
    };
    let dnssec = match chosen.dnssec.as_deref() {
        None | Some("auto") => DnssecTrust::Auto,
        Some("validate") => DnssecTrust::Validate,
        Some(other) => panic!("no mode {other}"),
    };
    Options {
        dnssec,
        trust_anchor: (dnssec == DnssecTrust::Validate).then(|| lab.anchor_file()),
        resolvers: vec![resolver],
        port: lab.port,
        policy_port: lab.port,
        service: match chosen.service {
            ServiceSpec::Relay => None,
            ServiceSpec::Submission => Some(Service::Submission),
            ServiceSpec::Submissions => Some(Service::Submissions),
        },
        families: match (chosen.ipv4_only, chosen.ipv6_only) {
            (true, _) => Families::V4,
            (_, true) => Families::V6,
            _ => Families::Both,
        },
        mx: chosen
            .mx
            .iter()
            .map(|h| HostName::parse(h).unwrap())
            .collect(),
        ehlo: Some(EHLO.to_owned()),
        timeout: chosen.timeout.map_or(usual.timeout, seconds),
        deadline: chosen.deadline.map_or(usual.deadline, seconds),
        roots: Roots {
            system: false,
            ca_files: vec![lab.ca_file()],
            certificates: Vec::new(),
        },
        control: match world.control {
            ControlSpec::None => ControlChoice::None,
            _ => ControlChoice::Host {
                host: HostName::parse(CONTROL_HOST).unwrap(),
                port: Some(lab.port),
            },
        },
        proxy: world
            .proxy
            .as_ref()
            .map(|spec| Proxy::parse(&lab.proxy(spec)).unwrap()),
        at: Some(world_time()),
        looks: Looks {
            deep: chosen.deep,
            suites: chosen.suites,
        },
        clock: Clock::compressed(world.clock_speed),
        ..usual
    }
}

/// Runs the command as people do: which hops are asked about is its business.
fn explain(name: &str, world: &World, expect: &Expect, faults: &mut Vec<String>) {
    for format in ["json", "text"] {
        let lab = Lab::start(world);
        let mut files = Vec::new();
        for (n, message) in world.message.iter().enumerate() {
            let file = lab.directory().join(format!("message{}.eml", n + 1));
            std::fs::write(&file, page::dated(&lab.localise(message)).trim_start()).unwrap();
            files.push(file);
        }
        let mut command = assert_cmd::Command::cargo_bin("starttrace").unwrap();
        command
            .current_dir(lab.directory())
            .env_remove("NO_COLOR")
            .args(["explain", "--format", format, "--no-system-roots"])
            .args(["--resolver", &lab.resolver.to_string()])
            .args(["--port", &lab.port.to_string(), "--ehlo", EHLO])
            .args(["--policy-port", &lab.port.to_string()])
            .arg("--ca-file")
            .arg(lab.ca_file())
            .arg("--control");
        match world.control {
            ControlSpec::None => command.arg("none"),
            _ => command.arg(format!("{CONTROL_HOST}:{}", lab.port)),
        };
        if world.options.probe_private.unwrap_or(true) {
            command.arg("--probe-private");
        }
        if world.options.offline {
            command.arg("--offline");
        }
        if let Some(n) = world.options.max_hosts {
            command.args(["--max-hosts", &n.to_string()]);
        }
        if let Some(seconds) = world.options.timeout {
            command.args(["--timeout", &seconds.to_string()]);
        }
        for witness in &files[1..] {
            command.arg("--with").arg(witness.file_name().unwrap());
        }
        command.arg(files[0].file_name().unwrap());
        let output = command.timeout(Duration::from_secs(60)).output().unwrap();
        lab.settle();
        let shown = String::from_utf8(output.stdout).unwrap();
        if output.status.code() != Some(expect.exit) {
            faults.push(format!(
                "{format}: exit status {:?}, not {}\n{}",
                output.status.code(),
                expect.exit,
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        if format == "json" {
            match serde_json::from_str::<Value>(&lab.normalise(&shown)) {
                Ok(document) => compare_json(&document["data"], expect, "/answer", faults),
                Err(error) => faults.push(format!("no JSON: {error}\n{shown}")),
            }
        } else {
            compare_page(name, &lab, &shown, expect, true, faults);
        }
        manners(&lab, expect, faults);
    }
}

fn compare_json(data: &Value, expect: &Expect, answer: &str, faults: &mut Vec<String>) {
    let before = faults.len();
    let mut compare = |pointer: &str, wanted: &Value| {
        let is = data.pointer(pointer).unwrap_or(&Value::Null);
        if is != wanted {
            faults.push(format!("{pointer} is {is}, not {wanted}"));
        }
    };
    compare(answer, &Value::from(expect.answer.as_str()));
    for (pointer, wanted) in &expect.json {
        compare(pointer, &serde_json::to_value(wanted).unwrap());
    }
    if faults.len() > before && std::env::var_os("SHOW_JSON").is_some() {
        faults.push(serde_json::to_string_pretty(data).unwrap());
    }
}

fn compare_page(
    name: &str,
    lab: &Lab,
    shown: &str,
    expect: &Expect,
    dated: bool,
    faults: &mut Vec<String>,
) {
    faults.extend(page::faults(shown));
    let shown = lab.normalise(shown);
    // A check is given the world's own time; a message is dated from today.
    let steady = if dated {
        page::steady(&page::undated(&shown))
    } else {
        page::steady(&shown)
    };
    for text in &expect.says {
        if !steady.contains(text.as_str()) {
            faults.push(format!("the page does not say {text:?}"));
        }
    }
    for text in &expect.never_says {
        if steady.contains(text.as_str()) {
            faults.push(format!("the page says {text:?}"));
        }
    }
    let file = folder().join(name).with_extension("expected");
    faults.extend(page::compare(&steady, &file).err());
}

/// What the servers noticed of the probe.
fn manners(lab: &Lab, expect: &Expect, faults: &mut Vec<String>) {
    let injected = |fault: &String| {
        expect.injects && (fault.contains("octets behind STARTTLS") || fault.contains("NOOP"))
    };
    if !expect.tls_first {
        let log = lab.log.faults(EHLO, expect.connections);
        faults.extend(log.into_iter().filter(|fault| !injected(fault)));
    }
    for host in &expect.untouched {
        if lab.log.connections_to(host) > 0 {
            faults.push(format!("{host} was connected to"));
        }
    }
    for name in &expect.unasked {
        let name = &name.replace("{port}", &lab.port.to_string());
        if lab.log.queries().iter().any(|(asked, _)| asked == name) {
            faults.push(format!("the name server was asked for {name}"));
        }
    }
    if let Some(wanted) = &expect.relayed {
        let asked = lab.log.asked_of_proxy().join(" ");
        let asked = lab.normalise(&asked);
        if asked != wanted.join(" ") {
            faults.push(format!("the proxy was asked for {asked}, not {wanted:?}"));
        }
    }
    for (host, wanted) in &expect.said {
        let said = lab.log.lines_to(host);
        if said != *wanted {
            faults.push(format!("{host} was told {said:?}, not {wanted:?}"));
        }
    }
}

fn without_colour(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    out + rest
}

#[test]
fn the_lab_notices_bad_manners() {
    use std::io::{Read, Write};
    let world = World::read(&folder().join("greeting-after-35s.toml"));
    let lab = Lab::start(&world);
    let address = (lab.address("127.100.100.25"), lab.port);
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"EHLO mx1.partner.example\r\n").unwrap();
    let mut reply = [0; 64];
    assert!(stream.read(&mut reply).unwrap() > 0);
    stream.write_all(b"MAIL FROM:<a@b.example>\n").unwrap();
    assert!(stream.read(&mut reply).unwrap() > 0);
    drop(stream);
    drop(std::net::TcpStream::connect(address).unwrap());
    // On a busy machine it is taken late.
    let until = std::time::Instant::now() + Duration::from_secs(5);
    while lab.log.connections_to("mx1.partner.example") < 2 && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(2));
    }
    lab.settle();
    let faults = lab.log.faults(EHLO, 1).join("\n");
    for fault in [
        "talked before the greeting",
        "does not end in CR LF",
        "MAIL FROM:<a@b.example>\", which no probe says",
        "left without QUIT",
        "2 connections",
    ] {
        assert!(faults.contains(fault), "{fault} not among\n{faults}");
    }
}
