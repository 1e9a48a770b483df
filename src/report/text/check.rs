//! One domain on a page: answer, sentence, table, policies, findings, and what
//! was not seen.
//!
//! What was not asked is not shown as missing: policies have their lines only
//! where they were looked for, and the last lines name what was not.

use jiff::Timestamp;

use crate::answer::Answer;
use crate::attempt::{Attempt, Because};
use crate::failure::Kind;
use crate::finding::{Code, Finding, Severity};
use crate::observed::domain::{
    Dnssec, DomainObservation, HostObservation, ResolverPath, StsMode, ValidatedBy,
};
use crate::report::text::layout::paragraph;
use crate::report::text::style::{Paint, Style};
use crate::report::text::{escape, findings};
use crate::verdict::{Protection, Required, Verdict};

mod deep;
mod dialogue;
mod dns;
#[cfg(test)]
mod pages;
mod table;

/// The page. `verbose` 1 adds the dialogues with certificates, 2 the DNS
/// answers too.
#[must_use]
pub fn render(
    observation: &DomainObservation,
    verdict: &Verdict,
    verbose: u8,
    style: Style,
) -> String {
    let mut out = headline(observation, verdict, style);
    out.push('\n');
    out.push_str(&paragraph("  ", &escape::text(&verdict.reason)));
    // Where nothing can be said from here, a table of unknowns says less.
    if !(verdict.trouble_here && verdict.seen.endpoints == 0) {
        section(&mut out, &table::render(observation, verdict.at, style));
    }
    section(&mut out, &policies(observation));
    section(&mut out, &deep::render(observation, style));
    if verbose >= 2 {
        section(&mut out, &dns::render(observation));
    }
    if verbose >= 1 {
        section(&mut out, &dialogue::render(observation, verdict.at, style));
    }
    let told: String = verdict
        .findings
        .iter()
        .map(|finding| told(finding, verdict, style))
        .collect();
    section(&mut out, &told);
    section(&mut out, &closing(observation, verdict));
    out
}

fn section(out: &mut String, text: &str) {
    if !text.is_empty() {
        out.push('\n');
        out.push_str(text);
    }
}

/// `partner.example: encrypted, not enforced`.
fn headline(observation: &DomainObservation, verdict: &Verdict, style: Style) -> String {
    let not_enforced = verdict
        .findings
        .iter()
        .any(|finding| finding.code == Code::NotEnforced);
    let below_12 = verdict
        .findings
        .iter()
        .any(|finding| finding.code == Code::TlsBelow12);
    let mut words = match verdict.protection {
        _ if verdict.trouble_here => "cannot tell from this network".to_owned(),
        Protection::Unknown => "cannot tell".to_owned(),
        Protection::NoMail => "takes no mail".to_owned(),
        Protection::Cleartext => "cleartext".to_owned(),
        Protection::Mixed => "mixed, in cleartext on some paths".to_owned(),
        Protection::Legacy if below_12 => "legacy, TLS below 1.2 on some paths".to_owned(),
        Protection::Legacy => "legacy, outdated TLS on some paths".to_owned(),
        level if not_enforced => format!("{}, not enforced", level.word()),
        level => level.word().to_owned(),
    };
    let level_reached = matches!(
        verdict.protection,
        Protection::Encrypted | Protection::Authenticated | Protection::Enforced
    );
    if level_reached && verdict.answer == Answer::Unknown && verdict.required == Required::Tls {
        words.push_str(" as far as seen, the best host was not");
    }
    if verdict.required != Required::Tls {
        let answer = match verdict.answer {
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::Unknown => "cannot tell",
        };
        words.push_str(&format!(
            "; {} was required: {answer}",
            verdict.required.word()
        ));
    }
    let paint = match verdict.answer {
        Answer::Yes => Paint::Good,
        Answer::No => Paint::Bad,
        Answer::Unknown => Paint::Doubtful,
    };
    // Wrapped before it is painted: a long name must not break the page.
    let name = escape::text(observation.domain.as_str()).into_owned();
    let mut out = String::new();
    for line in paragraph("", &format!("{name}: {words}")).lines() {
        out.push_str(&style.paint(paint, line));
        out.push('\n');
    }
    out
}

/// DANE, MTA-STS and TLSRPT, as far as they were asked.
fn policies(observation: &DomainObservation) -> String {
    let mut out = String::new();
    let requiretls = requiretls(observation);
    let wide = if requiretls.is_some() { 10 } else { 7 };
    for (name, policy) in [
        ("DANE", dane(observation)),
        ("MTA-STS", mta_sts(observation)),
        ("TLSRPT", tls_rpt(observation)),
        ("REQUIRETLS", requiretls),
    ] {
        if let Some((word, more)) = policy {
            let first = format!("  {name:<wide$}  {word:<8}  ");
            out.push_str(&paragraph(&first, &escape::text(&more)));
        }
    }
    out
}

fn tls_rpt(observation: &DomainObservation) -> Option<(&'static str, String)> {
    match &observation.tls_rpt {
        Attempt::Done(record) if record.rua.is_empty() && !record.txt.is_empty() => {
            Some(("invalid", "no report can be sent by it".to_owned()))
        }
        Attempt::Done(record) if record.rua.is_empty() => Some(("none", String::new())),
        Attempt::Done(record) => Some(("present", record.rua.join(", "))),
        Attempt::Failed(failure) => Some(("unknown", failure.message.clone())),
        Attempt::Skipped(_) => None,
    }
}

/// Who takes mail that demands TLS on the whole way (RFC 8689); nothing where
/// nobody does, as nearly everywhere.
fn requiretls(observation: &DomainObservation) -> Option<(&'static str, String)> {
    let endpoints = || observation.hosts.iter().flat_map(|host| &host.endpoints);
    let count = |wanted| {
        endpoints()
            .filter(|e| e.requiretls() == Some(wanted))
            .count()
    };
    match (count(true), count(false)) {
        (0, _) => None,
        (n, 0) => Some((
            "offered",
            match n {
                1 => "by the one address that was seen".to_owned(),
                n => format!("by all {n} addresses that were seen"),
            },
        )),
        (n, without) => Some((
            "partly",
            format!("by {n} of {} addresses that were seen", n + without),
        )),
    }
}

fn dane(observation: &DomainObservation) -> Option<(&'static str, String)> {
    let asked: Vec<&HostObservation> = observation
        .hosts
        .iter()
        .filter(|host| was_asked(&host.tlsa))
        .collect();
    if asked.is_empty() {
        return unverified(observation).map(|why| ("unknown", why));
    }
    if observation.mx.done().map(|mx| mx.dnssec) == Some(Dnssec::Insecure) {
        let why = "the MX answer is not signed (DNSSEC: insecure)";
        return Some(("none", why.to_owned()));
    }
    let binding = asked
        .iter()
        .filter(|host| {
            host.tlsa.done().is_some_and(|tlsa| {
                tlsa.dnssec == Dnssec::Secure && tlsa.records.iter().any(|r| r.usable)
            })
        })
        .count();
    if binding > 0 {
        let of = observation.hosts.len();
        let hosts = if of == 1 { "host" } else { "hosts" };
        // Whoever sits on that path can set the bit too.
        let claimed = match observation.resolver.path {
            _ if observation.resolver.by == ValidatedBy::Own => {
                "; signed is what this program found, and no validating resolver confirms"
                    .to_owned()
            }
            ResolverPath::Loopback | ResolverPath::Tls => String::new(),
            ResolverPath::Plain => format!(
                "; signed is what the resolver {} claims, over a path in cleartext",
                observation.resolver.address
            ),
        };
        return Some((
            "present",
            format!("signed TLSA records for {binding} of {of} MX {hosts}{claimed}"),
        ));
    }
    if let Some(failure) = asked.iter().find_map(|host| host.tlsa.failure()) {
        return Some(("unknown", failure.message.clone()));
    }
    // RFC 7672, section 2.2: TLS, without authentication.
    let unusable = asked.iter().any(|host| {
        host.tlsa
            .done()
            .is_some_and(|tlsa| tlsa.dnssec == Dnssec::Secure && !tlsa.records.is_empty())
    });
    if unusable {
        let why = "signed TLSA records, none of which can be used";
        return Some(("unusable", why.to_owned()));
    }
    let unvalidated = asked
        .iter()
        .filter_map(|host| host.tlsa.done())
        .any(|tlsa| tlsa.dnssec == Dnssec::Unvalidated);
    Some(if unvalidated {
        (
            "unknown",
            "the resolver's answers are not validated".to_owned(),
        )
    } else {
        ("none", "no signed TLSA records".to_owned())
    })
}

/// Why nothing can be said about DANE, where that lies with the resolver.
fn unverified(observation: &DomainObservation) -> Option<String> {
    let hosts = observation.hosts.iter();
    let found = hosts.clone().any(|host| host.addresses.is_done());
    let because = observation.resolver.because.as_deref();
    let why = match (observation.resolver.validates, because) {
        (Some(false), _) => format!(
            "DNSSEC cannot be verified here: the resolver {} does not validate; run one that \
             does on this machine (unbound, say), or name one with --resolver",
            observation.resolver.address
        ),
        (None, Some(because)) => {
            format!("whether the resolver validates DNSSEC could not be tested: {because}")
        }
        _ => return None,
    };
    found.then_some(why)
}

fn was_asked<T>(attempt: &Attempt<T>) -> bool {
    match attempt {
        Attempt::Done(_) | Attempt::Failed(_) => true,
        Attempt::Skipped(because) => *because == Because::AddressInsecure,
    }
}

fn mta_sts(observation: &DomainObservation) -> Option<(&'static str, String)> {
    let sts = &observation.mta_sts;
    match (&sts.record, &sts.policy) {
        (Attempt::Skipped(_), _) => None,
        (Attempt::Failed(failure), _) => Some(("unknown", failure.message.clone())),
        (_, Attempt::Failed(failure)) => {
            let word = match failure.kind {
                Kind::StsPolicyInvalid => "invalid",
                _ => "failed",
            };
            Some((word, failure.message.clone()))
        }
        (Attempt::Done(record), _) if record.txt.is_empty() => Some(("none", String::new())),
        (Attempt::Done(record), Attempt::Done(policy)) => {
            let mode = match policy.mode {
                StsMode::Enforce => "enforce",
                StsMode::Testing => "testing",
                StsMode::None => "none",
            };
            let id = record.id.as_deref().unwrap_or("missing");
            let listed = policy.mx.join(", ");
            let age = span(policy.max_age);
            Some((mode, format!("id {id}, {age}, lists {listed}")))
        }
        (Attempt::Done(record), Attempt::Skipped(Because::AddressNotPublic))
            if record.id.is_some() =>
        {
            let why = "its policy host has no public address, so it was not asked";
            Some(("unknown", why.to_owned()))
        }
        (Attempt::Done(_), Attempt::Skipped(_)) => Some((
            "invalid",
            "the record is not valid, so there is no policy".to_owned(),
        )),
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        s if s >= 172_800 => format!("{} days", s / 86_400),
        s if s >= 7_200 => format!("{} hours", s / 3_600),
        s => format!("{s} seconds"),
    }
}

/// A finding; what was not seen among much that was is one line.
fn told(finding: &Finding, verdict: &Verdict, style: Style) -> String {
    let in_passing = finding.severity == Severity::Note
        && (verdict.protection != Protection::Unknown || verdict.trouble_here)
        && Kind::ALL
            .iter()
            .any(|kind| kind.is_transient() && kind.word() == finding.code.word());
    if in_passing {
        findings::heading(finding, style)
    } else {
        findings::render(finding, style)
    }
}

/// What was seen and not, from where, and when.
fn closing(observation: &DomainObservation, verdict: &Verdict) -> String {
    let mut text = String::new();
    let counted = findings::count(&verdict.findings);
    if !counted.is_empty() {
        text.push_str(&counted);
        text.push_str(". ");
    }
    let seconds = observation.duration.as_secs_f64();
    let client = &observation.client;
    let from = match (&client.proxy, client.address) {
        (Some(proxy), _) => format!(" through {proxy}"),
        (None, Some(ip)) => format!(" from {ip}"),
        (None, None) => String::new(),
    };
    let seen = verdict.seen;
    text.push_str(&match seen.of {
        0 => "Asked no address, ".to_owned(),
        1 => format!(
            "Saw {} of 1 address in {seconds:.1} s{from}, ",
            seen.endpoints
        ),
        of => format!(
            "Saw {} of {of} addresses in {seconds:.1} s{from}, ",
            seen.endpoints
        ),
    });
    text.push_str(&format!("on {}.", minute(observation.at)));
    if verdict.at != observation.at {
        text.push_str(&format!(
            " Certificates were judged as of {}.",
            minute(verdict.at)
        ));
    }
    if let Some(sentence) = control(observation, verdict) {
        text.push(' ');
        text.push_str(&sentence);
    }
    // Where no handshake was tried it does not matter.
    let endpoints = observation.hosts.iter().flat_map(|host| &host.endpoints);
    let tried = |attempt: &Attempt<_>| !matches!(attempt, Attempt::Skipped(_));
    if endpoints.clone().any(|endpoint| tried(&endpoint.handshake)) {
        let versions: Vec<&str> = observation
            .client
            .tls
            .iter()
            .map(|version| version.name().trim_start_matches("TLSv"))
            .collect();
        if !versions.is_empty() {
            text.push_str(&format!(
                " This client speaks TLS {} only.",
                versions.join(" and ")
            ));
        }
    }
    let unasked = unasked(observation);
    if !unasked.is_empty() && seen.endpoints > 0 {
        let verb = if unasked.len() == 1 { "was" } else { "were" };
        text.push_str(&format!(" {} {verb} not looked at.", and(&unasked)));
    }
    paragraph("", &escape::text(&text))
}

/// On what a negative answer rests.
fn control(observation: &DomainObservation, verdict: &Verdict) -> Option<String> {
    let negative = matches!(
        verdict.protection,
        Protection::Cleartext | Protection::Mixed
    );
    match &observation.control {
        Attempt::Done(control) if negative => Some(format!(
            "{} offers STARTTLS over the same path, so this network lets it through.",
            control.host
        )),
        Attempt::Skipped(_) if negative => Some(
            "No control host was asked: a network that removes STARTTLS would look the same."
                .to_owned(),
        ),
        _ => None,
    }
}

fn unasked(observation: &DomainObservation) -> Vec<&'static str> {
    let skipped = |because: Option<Because>| because == Some(Because::NotAsked);
    fn because<T>(attempt: &Attempt<T>) -> Option<Because> {
        match attempt {
            Attempt::Skipped(because) => Some(*because),
            Attempt::Done(_) | Attempt::Failed(_) => None,
        }
    }
    let mut out = Vec::new();
    if unverified(observation).is_none()
        && observation
            .hosts
            .iter()
            .all(|host| skipped(because(&host.tlsa)))
    {
        out.push("DANE");
    }
    if skipped(because(&observation.mta_sts.record)) {
        out.push("MTA-STS");
    }
    if skipped(because(&observation.tls_rpt)) {
        out.push("TLSRPT");
    }
    out
}

fn and(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `2026-11-21 23:10 UTC`.
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
