//! Hops that are no hops between servers over a network, and lines that do
//! not tell.

use std::net::IpAddr;

use super::{Argument, Basis, Strength};
use crate::explain::facts::Facts;
use crate::organisation::{organisation, same_organisation};
use crate::trace::chain::{Leg, RecordsTls};
use crate::trace::evidence::{EvidenceKind, Says, TlsState};
use crate::trace::network::{Reach, reach};

/// Words of `with` that stand for something that is not SMTP.
const NOT_SMTP: &[&str] = &[
    "HTTP",
    "HTTPS",
    "HTTPREST",
    "HTTPU",
    "MAPI",
    "LOCAL",
    "IMAP",
    "IMAP4-SSL",
    "POP3",
    "POP3S",
    "UUCP",
    "NNTP",
    "JMAP",
    "PICKUP",
    "SPOOL",
    "BSMTP",
    "LMTP",
    "LMTPA",
    "LMTPS",
    "LMTPSA",
];

pub(super) fn not_smtp(facts: &Facts<'_>) -> Option<Argument> {
    let word = facts.with.trim_end_matches([';', ',']);
    // An LMTP hop is delivery inside a site (RFC 2033, section 5), and it is
    // `inside` that is to be said of it.
    let other = NOT_SMTP.contains(&word) && !word.starts_with("LMTP");
    other.then(|| {
        Argument::new(Strength::Strong, Basis::Message)
            .for_(format!("the line says \"with {word}\", which is not SMTP"))
    })
}

pub(super) fn inside_one_host(facts: &Facts<'_>) -> Option<Argument> {
    let loopback = facts.client_ip().is_some_and(|ip| ip.is_loopback());
    if loopback {
        let ip = facts.client_ip()?;
        return Some(
            Argument::new(Strength::Strong, Basis::Message)
                .for_(format!("{ip} is a loopback address")),
        );
    }
    if facts.hop.leg != Leg::Local {
        return None;
    }
    let mut argument = Argument::new(Strength::Strong, Basis::Message);
    for text in place_evidence(facts) {
        argument = argument.for_(text);
    }
    if argument.for_.is_empty() {
        let with = if facts.with.is_empty() {
            "no protocol"
        } else {
            &facts.with
        };
        argument = argument.for_(format!("the line names {with} and no client on a network"));
    }
    Some(argument)
}

pub(super) fn inside_one_network(facts: &Facts<'_>) -> Option<Argument> {
    let ip = facts.client_ip()?;
    if ip.is_loopback() {
        return None;
    }
    if is_inside(ip) && !facts.hop.is_exposed() {
        return Some(
            Argument::new(Strength::Strong, Basis::Message)
                .for_(format!("{ip} is an address used inside networks")),
        );
    }
    // Said only where people would think of it.
    (facts.is_open() && !is_inside(ip)).then(|| {
        Argument::new(Strength::Excluded, Basis::Message)
            .against(format!("{ip} is a public address"))
    })
}

pub(super) fn inside_one_organisation(facts: &Facts<'_>) -> Option<Argument> {
    if facts.hop.leg != Leg::Internal {
        return None;
    }
    let same = same_organisation(&facts.client, &facts.server);
    let mut argument = Argument::new(Strength::Moderate, Basis::Message);
    if same {
        argument = argument.for_(format!(
            "{} and {} belong to one organisation",
            facts.client, facts.server
        ));
    }
    for text in place_evidence(facts) {
        argument = argument.for_(text);
    }
    if argument.for_.is_empty() {
        argument = argument.for_("both ends belong to one organisation or private network");
    }
    Some(argument)
}

fn place_evidence<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = &'a str> {
    let evidence = facts.hop.tls.evidence.iter();
    evidence
        .filter(|e| e.kind == EvidenceKind::Address)
        .map(|e| e.text.as_str())
}

pub(super) fn tls_not_recorded(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open() {
        return None;
    }
    let server = &facts.server;
    let no_tls = facts.habits(Says::NoTls).next();
    let witness = facts.witness();
    if facts.hop.tls.state == TlsState::Cleartext {
        // The writer's habit gave the state: silence of this software speaks.
        let records = facts.hop.software.as_ref().map(|s| s.records_tls);
        let mut argument = Argument::new(
            match (records, facts.said_ehlo()) {
                // Some software writes its S for EHLO only (Postfix smtpd.c:
                // "RFC 3848 is defined for ESMTP only").
                (Some(RecordsTls::Always), Some(true)) => Strength::Excluded,
                (Some(RecordsTls::Always), _) if facts.said_ehlo().is_none() => Strength::Unlikely,
                _ if witness.is_some() => Strength::Unlikely,
                _ => Strength::Weak,
            },
            Basis::Message,
        );
        if let Some(text) = no_tls {
            argument = argument.against(text);
        }
        if let Some(text) = witness {
            argument = argument.against(text);
        }
        if argument.strength == Strength::Weak {
            argument = argument.for_("its line need not show TLS in every case");
        }
        if argument.against.is_empty() && argument.strength != Strength::Weak {
            argument = argument.against(format!("{server} writes TLS into its lines"));
        }
        return Some(argument);
    }
    let software = facts.hop.software.as_ref();
    let mut argument = Argument::new(Strength::Moderate, Basis::Message);
    argument = match software.map(|s| (s.records_tls, s.name.as_str())) {
        Some((RecordsTls::Never, name)) => {
            argument.for_(format!("{name} never writes TLS into its lines"))
        }
        Some((RecordsTls::ByOption, name)) => {
            argument.for_(format!("{name} writes TLS only when told to"))
        }
        Some((RecordsTls::Always | RecordsTls::Unknown, name)) => {
            argument.strength = Strength::Weak;
            argument.for_(format!("what silence of {name} means is not known"))
        }
        None => {
            argument.strength = Strength::Weak;
            argument.for_(format!(
                "the software of {server} is not recognised, so its silence means nothing"
            ))
        }
    };
    if facts.receiver_sound() {
        argument = argument.for_(format!("{server} gave TLS to a probe"));
    }
    if let Some(text) = witness {
        argument.strength = Strength::Unlikely;
        argument = argument.against(text);
    }
    Some(argument)
}

pub(super) fn tls_ended_at_proxy(facts: &Facts<'_>) -> Option<Argument> {
    if !facts.is_open() {
        return None;
    }
    let ip = facts.client_ip()?;
    let from = facts.hop.received.from.as_ref()?;
    let helo = from.helo.as_deref().and_then(organisation)?;
    let by = organisation(&facts.server)?;
    (is_inside(ip) && helo != by).then(|| {
        Argument::new(Strength::Moderate, Basis::Message).for_(format!(
            "the client's name is of {helo}, its address {ip} is from inside a network, as a \
             proxy's would be"
        ))
    })
}

pub(super) fn submission_word_too_old(facts: &Facts<'_>) -> Option<Argument> {
    let word = facts.with.as_str();
    (facts.is_open() && facts.hop.leg == Leg::Submission && matches!(word, "ESMTPA" | "ASMTP"))
        .then(|| {
            Argument::new(Strength::Weak, Basis::Message)
                .for_(format!("old software writes {word} with TLS and without"))
                .against("ESMTPA means AUTH without TLS (RFC 3848)")
        })
}

/// Addresses that are used inside one host or network only.
fn is_inside(ip: IpAddr) -> bool {
    reach(ip) != Reach::Public
}
