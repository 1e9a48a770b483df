//! A short letter to the other side's postmaster, who has the log that would
//! settle the matter: the hosts, the id and the time he needs to find the
//! session, what was seen, and one question.
//!
//! It goes to the side that the likeliest cause points to. Every domain that
//! takes mail has the address (RFC 5321, section 4.5.1).

use crate::answer::Standing;
use crate::explain::causes::is_at_receiver;
use crate::explain::facts::{Facts, is_credible, owner, utc};
use crate::explain::{Conclusion, ConclusionState, RankedCause};
use crate::finding::Cause;
use crate::name::HostName;
use crate::observed::statement::{Said, StatedBy};
use crate::trace::chain::{Leg, Trust};
use crate::trace::evidence::TlsState;

/// Statements that go with a letter.
const MOST_QUOTED: usize = 3;

/// A letter, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// `postmaster@…`
    pub to: String,
    pub subject: String,
    /// Paragraphs in plain words. Ids may be hostile: escape.
    pub paragraphs: Vec<String>,
}

/// The letter about one hop: none where nothing is open, where anybody could
/// have written the line, or where nobody can be named.
#[must_use]
pub fn letter(
    facts: &Facts<'_>,
    conclusion: &Conclusion,
    causes: &[RankedCause],
) -> Option<Letter> {
    let open = matches!(
        conclusion.state,
        ConclusionState::Cleartext | ConclusionState::Unknown
    );
    let told = is_credible(facts.hop) || conclusion.standing == Standing::Proved;
    if !open || !told || facts.hop.leg == Leg::Submission {
        return None;
    }
    let server = named(&facts.server)?;
    let client = named(&facts.client);
    let at_receiver = causes
        .iter()
        .find(|ranked| is_at_receiver(ranked.cause) && ranked.standing <= Standing::Likely);
    // Whose log is at hand is not asked for it.
    let heard = |by: StatedBy| facts.statements.iter().any(|said| said.by == by);
    let settled = heard(StatedBy::SendersLog) && !heard(StatedBy::ReceiversLog);
    let party = match at_receiver {
        Some(_) => owner(&server)?,
        None if settled => owner(&server)?,
        None => owner(client.as_deref()?)?,
    };
    let sender = client.or_else(|| facts.client_ip().map(|ip| ip.to_string()))?;
    let ip = facts.client_ip().map(|ip| ip.to_string());
    let from = match ip.filter(|ip| *ip != sender) {
        Some(ip) => format!("{sender} [{ip}]"),
        None => sender.clone(),
    };
    let when = facts.at.map(|at| format!("On {} ", utc(at)));
    let id = facts.hop.received.id.as_ref();
    let id = id
        .map(|piece| piece.text.chars().take(80).collect::<String>())
        .filter(|id| !id.is_empty())
        .map(|id| format!(" under id {id}"))
        .unwrap_or_default();
    let mut paragraphs = Vec::new();
    let our = match facts.hop.trusted {
        Trust::Own if at_receiver.is_none() => "our server ",
        _ => "",
    };
    let state = match conclusion.state {
        ConclusionState::Cleartext if facts.hop.tls.state == TlsState::Encrypted => {
            "its line records TLS, and a log none"
        }
        ConclusionState::Cleartext => "its line records no TLS",
        _ => "its line does not say whether TLS was used",
    };
    paragraphs.push(format!(
        "{}{our}{server} took a message from {from}{id}; {state}.",
        when.unwrap_or_default()
    ));
    // What a log shows is worth more than a guess: it goes with the letter.
    let why = facts
        .statements
        .iter()
        .any(|said| matches!(said.says, Said::NoTls(_)));
    let telling = facts
        .statements
        .iter()
        .filter(|said| !why || matches!(said.says, Said::NoTls(_)));
    for statement in telling.take(MOST_QUOTED) {
        paragraphs.push(format!(
            "{} has: {}",
            match statement.by {
                StatedBy::SendersReport => "Your TLS report",
                _ => "A log of that time",
            },
            statement.quote.chars().take(300).collect::<String>()
        ));
    }
    if let Some(seen) = seen(facts, &server, at_receiver) {
        paragraphs.push(seen);
    }
    paragraphs.push(match at_receiver {
        Some(ranked) => format!(
            "Could you look at the log of {server} for that session? {}",
            plea(ranked.cause, &server)
        ),
        None if settled => format!(
            "Could you look at the log of {server} for that session, and say why TLS did not \
             come about?"
        ),
        None => format!(
            "Could you look at the log of {sender} for that session: did it send STARTTLS to \
             {server}, and what came back? If sending with TLS is turned off, in general or for \
             this domain, please turn it on."
        ),
    });
    let subject = match conclusion.state {
        ConclusionState::Cleartext => format!("Mail from {sender} to {server} went without TLS"),
        _ => format!("Did mail from {sender} to {server} go over TLS?"),
    };
    Some(Letter {
        to: format!("postmaster@{party}"),
        subject,
        paragraphs,
    })
}

/// A name that can stand in a letter: a host's, and no foreign text.
fn named(label: &str) -> Option<String> {
    let name = HostName::parse(label).ok()?;
    (!name.is_address() && !name.is_single_label()).then(|| name.as_str().to_owned())
}

/// What a probe saw, in one sentence.
fn seen(facts: &Facts<'_>, server: &str, cause: Option<&RankedCause>) -> Option<String> {
    let probe = facts.probe.as_ref()?;
    let day = probe.observation.at.strftime("%Y-%m-%d");
    if probe.is_sound() {
        let version = probe.handshakes().map(|handshake| handshake.version).min();
        let version = version.map_or(String::new(), |v| format!(" ({})", v.name()));
        return Some(format!(
            "A probe of {server} on {day} was offered STARTTLS and completed the handshake{version}."
        ));
    }
    if !probe.is_lacking() {
        return None;
    }
    let how = cause.and_then(|ranked| ranked.for_.first());
    let how = how.map_or(String::new(), |how| format!(": {how}"));
    Some(format!(
        "A probe of {server} on {day} could not use TLS either{how}."
    ))
}

fn plea(cause: Cause, server: &str) -> String {
    match cause {
        Cause::StarttlsMaskedNearReceiver => format!(
            "A firewall in front of {server} overwrites STARTTLS; please let it pass (on Cisco \
             devices: \"inspect esmtp\" with \"allow-tls\")."
        ),
        Cause::HandshakeFailsForAll => format!(
            "{server} accepts STARTTLS, and then no handshake succeeds: please look at its key, \
             its certificate and what stands before it."
        ),
        Cause::StarttlsRefused | Cause::StarttlsTemporarilyRefused => format!(
            "{server} lists STARTTLS and refuses the command: please look at its key and \
             certificate."
        ),
        Cause::EhloRefused => format!("Please let {server} take EHLO and offer STARTTLS."),
        _ => format!("Please offer STARTTLS (RFC 3207) on {server}."),
    }
}
