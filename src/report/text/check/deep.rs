//! What `--depth deep` and `--suites` saw, address by address.

use crate::attempt::{Attempt, Because};
use crate::observed::depth::{Asked, Choice, Chosen, Depth, Shown, SuiteClass, Suites};
use crate::observed::domain::DomainObservation;
use crate::observed::endpoint::EndpointObservation;
use crate::report::text::escape;
use crate::report::text::layout::paragraph;
use crate::report::text::style::{Paint, Style};
use crate::tls::handshake::KeyKind;
use crate::tls::hello::suites::Suite;
use crate::tls::hello::{group_name, is_post_quantum};
use crate::tls::parameters::TlsVersion;

/// Every endpoint that was looked at; empty where none was.
pub(super) fn render(observation: &DomainObservation, style: Style) -> String {
    let mut out = String::new();
    for host in &observation.hosts {
        for endpoint in &host.endpoints {
            if endpoint.deep.is_none() && endpoint.suites.is_none() {
                continue;
            }
            if !out.is_empty() {
                out.push('\n');
            }
            let title = format!(
                "{}, {}: {} connections",
                escape::text(host.host.as_str()),
                endpoint.address,
                endpoint.connections
            );
            for line in paragraph("", &title).lines() {
                out.push_str(&style.paint(Paint::Strong, line));
                out.push('\n');
            }
            if let Some(depth) = &endpoint.deep {
                one(&mut out, endpoint, depth);
            }
            if let Some(suites) = &endpoint.suites {
                all_suites(&mut out, suites);
            }
        }
    }
    out
}

fn one(out: &mut String, endpoint: &EndpointObservation, depth: &Depth) {
    let mut part = |label: &str, text: String| {
        if !text.is_empty() {
            out.push_str(&paragraph(&format!("  {label:<12} "), &escape::text(&text)));
        }
    };
    part("versions", versions(&depth.versions));
    part("best suite", best(&depth.versions));
    part("weak suites", weak(depth));
    part("groups", groups(depth));
    part("certificates", certificates(endpoint));
    part("no name", shown(&depth.without_name));
    part("other name", shown(&depth.other_name));
    part("EHLO again", repeats(depth));
    if depth.injection == Attempt::Skipped(Because::ImplicitTls) {
        part(
            "not asked",
            "what STARTTLS does: TLS comes first on this port".to_owned(),
        );
    }
    part(
        "unadvertised",
        match &depth.unadvertised {
            Attempt::Done(reply) => format!("STARTTLS was taken all the same ({})", reply.code),
            Attempt::Failed(failure) => match failure.detail.code {
                Some(code) => format!("STARTTLS was refused ({code})"),
                None => failure.message.clone(),
            },
            Attempt::Skipped(_) => String::new(),
        },
    );
    part(
        "injection",
        match &depth.injection {
            Attempt::Done(injection) if injection.answered => {
                "a command behind STARTTLS was answered inside TLS".to_owned()
            }
            Attempt::Done(_) => "a command behind STARTTLS was forgotten: correct".to_owned(),
            Attempt::Failed(failure) => format!("unknown: {}", failure.message),
            Attempt::Skipped(_) => String::new(),
        },
    );
}

/// `TLS 1.3, TLS 1.2; not TLS 1.1, TLS 1.0, SSL 3.0`.
fn versions(asked: &[Asked<TlsVersion>]) -> String {
    let names = |wanted: fn(&Attempt<Choice>) -> bool| {
        asked
            .iter()
            .filter(|asked| wanted(&asked.answer))
            .map(|asked| asked.what.spoken())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let parts = [
        ("", names(|a| a.done().is_some_and(|c| c.chosen.is_some()))),
        (
            "not ",
            names(|a| a.done().is_some_and(|c| c.chosen.is_none())),
        ),
        ("unknown ", names(|a| !a.is_done())),
    ];
    joined(parts)
}

/// What is there, each part behind its word.
fn joined<const N: usize>(parts: [(&str, String); N]) -> String {
    parts
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| format!("{word}{names}"))
        .collect::<Vec<_>>()
        .join("; ")
}

fn best(asked: &[Asked<TlsVersion>]) -> String {
    asked
        .iter()
        .filter_map(|asked| {
            let chosen = asked.answer.done()?.chosen?;
            Some(format!("{} ({})", chosen.suite_name(), asked.what.spoken()))
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn weak(depth: &Depth) -> String {
    let taken = |chosen: Chosen| {
        let class = Suite::of(chosen.suite).map_or("unknown", Suite::class);
        let bits = chosen
            .dh_bits
            .map_or_else(String::new, |bits| format!(", {bits} bits"));
        format!("{} ({class}{bits})", chosen.suite_name())
    };
    let accepted: Vec<String> = depth
        .suites
        .iter()
        .filter_map(|asked| asked.answer.done()?.chosen.map(taken))
        .collect();
    let names = |wanted: fn(&Attempt<Choice>) -> bool| {
        depth
            .suites
            .iter()
            .filter(|asked| wanted(&asked.answer))
            .map(|asked| class_words(asked.what))
            .collect::<Vec<_>>()
            .join(", ")
    };
    joined([
        ("", accepted.join(", ")),
        (
            "none of ",
            names(|a| a.done().is_some_and(|c| c.chosen.is_none())),
        ),
        ("unknown ", names(|a| a.failure().is_some())),
    ])
}

fn class_words(class: SuiteClass) -> &'static str {
    match class {
        SuiteClass::Broken => "RC4, DES, export, NULL",
        SuiteClass::TripleDes => "3DES",
        SuiteClass::Anonymous => "anonymous",
        SuiteClass::RsaKeyExchange => "RSA key exchange",
        SuiteClass::Dhe => "DHE",
    }
}

fn groups(depth: &Depth) -> String {
    let name = |code: u16| group_name(code).map_or_else(|| format!("0x{code:04x}"), str::to_owned);
    let list =
        |groups: &mut dyn Iterator<Item = u16>| -> Vec<String> { groups.map(name).collect() };
    let (classical, mut post_quantum) = match &depth.groups {
        Attempt::Done(groups) => {
            let all = || groups.iter().copied();
            (
                list(&mut all().filter(|group| !is_post_quantum(*group))),
                list(&mut all().filter(|group| is_post_quantum(*group))),
            )
        }
        Attempt::Failed(_) | Attempt::Skipped(_) => {
            let of = |answer: &Attempt<Choice>| answer.done()?.chosen?.group;
            let preferred = depth.versions.iter().find_map(|asked| of(&asked.answer));
            let mut classical = list(&mut preferred.into_iter());
            if !classical.is_empty() {
                classical.push("others unknown".to_owned());
            }
            (classical, list(&mut of(&depth.post_quantum).into_iter()))
        }
    };
    if post_quantum.is_empty() {
        match &depth.post_quantum {
            Attempt::Done(_) => post_quantum.push("none".to_owned()),
            Attempt::Failed(_) => post_quantum.push("unknown".to_owned()),
            Attempt::Skipped(_) => {}
        }
    }
    joined([
        ("", classical.join(", ")),
        ("post-quantum: ", post_quantum.join(", ")),
    ])
}

fn certificates(endpoint: &EndpointObservation) -> String {
    let first = endpoint
        .handshake
        .done()
        .and_then(|handshake| handshake.chain.first())
        .and_then(KeyKind::of);
    match (first, endpoint.other_certificate.done()) {
        (Some(first), Some(other)) if other.handshake.is_some() => {
            format!("{} and {}", first.name(), other.key.name())
        }
        (Some(first), Some(_)) => format!("{} alone", first.name()),
        (Some(first), None) => first.name().to_owned(),
        (None, _) => String::new(),
    }
}

fn shown(shown: &Attempt<Shown>) -> String {
    match shown {
        Attempt::Done(shown) if shown.same => "the same certificate".to_owned(),
        Attempt::Done(shown) if shown.names.is_empty() => "another certificate".to_owned(),
        Attempt::Done(shown) => format!("another certificate, for {}", shown.names.join(", ")),
        Attempt::Failed(failure) => failure.message.clone(),
        Attempt::Skipped(_) => String::new(),
    }
}

fn repeats(depth: &Depth) -> String {
    let (offers, answered) = depth.offers();
    match answered {
        0 if depth.repeats.is_empty() => String::new(),
        0 => "not answered".to_owned(),
        _ => format!("STARTTLS offered {offers} of {answered} times"),
    }
}

fn all_suites(out: &mut String, suites: &Suites) {
    for (version, codes) in suites.iter().rev() {
        let names: Vec<String> = codes
            .iter()
            .map(|code| {
                Suite::of(*code).map_or_else(|| format!("0x{code:04X}"), |s| s.name.to_owned())
            })
            .collect();
        let names = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        let first = format!("  {:<12} ", version.spoken());
        out.push_str(&paragraph(&first, &names));
    }
}
