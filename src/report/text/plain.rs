//! `--audience plain`: the same conclusions for a reader who does not know what
//! STARTTLS is. What happened to the message, where, when, how sure that is,
//! why it may be, and what to do.

use std::fmt::Write as _;

use crate::answer::{Answer, Standing};
use crate::explain::facts::{owner, span};
use crate::explain::{ConclusionState, Explanation, HopExplanation, RankedCause};
use crate::finding::Cause;
use crate::report::text::layout::{clip, paragraph};
use crate::report::text::style::{Paint, Style};
use crate::report::text::{escape, hops, letter, trace};
use crate::trace::chain::{Chain, Hop, Leg};

/// Hops told of; a hostile message may hold thousands.
const MOST_HOPS: usize = 10;

/// The page of one message.
#[must_use]
pub fn render(chain: &Chain, explanation: &Explanation, style: Style) -> String {
    let title = hops::title(chain);
    let (line, paint) = match explanation.answer {
        Answer::No => (
            format!("{title}: for part of its way this message was not encrypted"),
            Paint::Bad,
        ),
        Answer::Yes => (
            format!("{title}: no part of the way is known to have been unencrypted"),
            Paint::Good,
        ),
        Answer::Unknown => (
            format!("{title}: whether it was encrypted all the way cannot be told"),
            Paint::Doubtful,
        ),
    };
    let mut out = hops::headline(&line, paint, style);
    // A record made at the time needs no faith in the line.
    let believed = |hop: &Hop, explained: &HopExplanation| {
        trace::is_believed(hop) || explained.conclusion.standing == Standing::Proved
    };
    let open: Vec<(&Hop, &HopExplanation)> = chain
        .hops
        .iter()
        .zip(&explanation.hops)
        .filter(|(hop, explained)| {
            hop.is_exposed()
                && matches!(
                    explained.conclusion.state,
                    ConclusionState::Cleartext | ConclusionState::Unknown
                )
        })
        .collect();
    let doubtful = open
        .iter()
        .filter(|(hop, explained)| !believed(hop, explained))
        .count();
    let told: Vec<_> = open
        .iter()
        .filter(|(hop, explained)| believed(hop, explained))
        .collect();
    if told.is_empty() && doubtful == 0 {
        out.push('\n');
        out.push_str(&paragraph(
            "  ",
            "Every computer that passed it on over the Internet wrote down that the connection \
             was encrypted, or the step stayed inside one organisation. Each of them could \
             still read it: encryption between them keeps out those who listen on the way.",
        ));
    }
    for (hop, explained) in told.iter().take(MOST_HOPS) {
        out.push('\n');
        out.push_str(&step(chain, hop, explained, style));
    }
    if told.len() > MOST_HOPS {
        let _ = writeln!(
            out,
            "\n  ... and {} more such steps",
            told.len() - MOST_HOPS
        );
    }
    if doubtful > 0 {
        out.push('\n');
        let steps = if doubtful == 1 { "step" } else { "steps" };
        out.push_str(&paragraph(
            "  ",
            &format!(
                "Of {doubtful} earlier {steps} nothing can be said for sure: what the message \
                 tells of them could have been made up by whoever sent it."
            ),
        ));
    }
    if let Some(text) = hops::end_to_end(chain) {
        out.push('\n');
        out.push_str(&paragraph("  ", text));
    }
    if explanation.trouble_here {
        out.push('\n');
        out.push_str(&paragraph(
            "  ",
            "This computer's network did not let the check through, so the other side could \
             not be asked. Try again from another network.",
        ));
    }
    out
}

/// One step that was not encrypted, or may not have been.
fn step(chain: &Chain, hop: &Hop, explained: &HopExplanation, style: Style) -> String {
    let clear = explained.conclusion.state == ConclusionState::Cleartext;
    let (from, to) = (side(&hops::from_label(hop)), side(&hops::by_label(hop)));
    let mut out = String::new();
    let what = if clear {
        "could be read on the way"
    } else {
        "it is not known whether it was encrypted"
    };
    let head = format!(
        "Step {} of {}, from {from} to {to}: {what}",
        hop.number,
        chain.hops.len()
    );
    let mut lines = paragraph("  ", &head);
    if let Some(end) = lines.find('\n') {
        let first = lines[..end].to_owned();
        let painted = style.paint(Paint::Strong, first.trim_start());
        lines.replace_range(..end, &format!("  {painted}"));
    }
    out.push_str(&lines);
    let mut say = |label: &str, text: &str| {
        out.push_str(&paragraph(&format!("    {label:<8}  "), text));
    };
    if let Some(date) = &hop.received.date {
        let at = date.at.timestamp();
        let delay = hop
            .delay
            .filter(|delay| delay.as_secs() >= 120)
            .map(|delay| format!(", {} after the step before", span(delay)))
            .unwrap_or_default();
        say(
            "When",
            &format!("{} UTC{delay}", at.strftime("%-d %B %Y at %H:%M")),
        );
    }
    say(
        "Means",
        if clear {
            "Whoever could listen on the network between the two could read and copy it, as \
             anybody can read a postcard. That somebody did is not shown."
        } else {
            "The computer that took it did not write down whether the connection was \
             encrypted. Many never do, so this is no bad sign by itself."
        },
    );
    say("How sure", sure(explained));
    if let Some(first) = reasons(&explained.causes).next() {
        let word = match first.standing {
            Standing::Proved => "It is proved that ",
            Standing::Likely => "Most likely ",
            _ => "Perhaps ",
        };
        let mut text = format!("{word}{}.", why(first.cause, &from, &to));
        if let Some(other) = reasons(&explained.causes).nth(1) {
            let _ = write!(
                text,
                " It may also be that {}.",
                why(other.cause, &from, &to)
            );
        }
        say("Why", &text);
    }
    if let Some(found) = &explained.letter {
        say(
            "To do",
            &format!(
                "Send this to {}; the people there can look it up and mend it:",
                escape::text(&found.to)
            ),
        );
        for line in letter::body(found, 70) {
            out.push_str(format!("      | {line}").trim_end());
            out.push('\n');
        }
    } else if hop.leg == Leg::Submission {
        say(
            "To do",
            "In the mail program of whoever wrote it, choose SSL/TLS (port 465) or \"STARTTLS \
             required\" (port 587) for outgoing mail.",
        );
    }
    out
}

/// Reasons that speak of the step, the likeliest first.
fn reasons(causes: &[RankedCause]) -> impl Iterator<Item = &RankedCause> {
    causes.iter().filter(|ranked| {
        ranked.standing <= Standing::Possible
            && !crate::explain::causes::is_about_evidence(ranked.cause)
    })
}

fn sure(explained: &HopExplanation) -> &'static str {
    match (explained.conclusion.state, explained.conclusion.standing) {
        (ConclusionState::Cleartext, Standing::Proved) => {
            "Certain: a record made at the time says so."
        }
        (ConclusionState::Cleartext, Standing::Likely) => {
            "Fairly sure: the computer that took it notes encryption whenever there is any, and \
             noted none."
        }
        (ConclusionState::Cleartext, _) => {
            "Not sure: the signs point that way, and there may be another explanation."
        }
        _ => "It cannot be told from the message.",
    }
}

/// A side of a step by its organisation, as people know it.
fn side(label: &str) -> String {
    let text = owner(label).unwrap_or_else(|| label.to_owned());
    clip(&escape::text(&text), 60)
}

/// A cause as a clause without terms of the trade.
fn why(cause: Cause, from: &str, to: &str) -> String {
    match cause {
        Cause::StarttlsNotOffered | Cause::EhloRefused => {
            format!("the receiving side ({to}) did not offer encryption at all")
        }
        Cause::StarttlsOfferedSelectively | Cause::ReceiverRemembersFailure => {
            format!("the receiving side ({to}) offers encryption to some senders only")
        }
        Cause::StarttlsTemporarilyRefused
        | Cause::StarttlsRefused
        | Cause::HandshakeFailsForAll
        | Cause::ClientCertificateDemanded
        | Cause::ReceiverOverloaded => format!(
            "encryption is set up wrongly at the receiving side ({to}): it is offered and does \
             not work"
        ),
        Cause::ServerLegacyVersion
        | Cause::SuitesIncompatible
        | Cause::DhTooSmall
        | Cause::CertificateKeyRefused
        | Cause::HelloIntolerance
        | Cause::SenderLibraryTooNew => format!(
            "the receiving side ({to}) knows only old kinds of encryption, which modern senders \
             no longer use"
        ),
        Cause::CertificateInvalidForPolicy => {
            format!("the receiving side ({to}) could not prove its identity")
        }
        Cause::StarttlsMaskedNearReceiver => {
            format!("a firewall at the receiving side ({to}) prevents encryption")
        }
        Cause::StarttlsStrippedInTransit => {
            "something on the network between the two prevented encryption".to_owned()
        }
        Cause::StarttlsStrippedNearSender => {
            format!("a filter at the sending side ({from}) prevented encryption")
        }
        Cause::MxHostDiffers
        | Cause::BackupMxTookIt
        | Cause::AddressFamilyDiffers
        | Cause::PoolInconsistent => format!(
            "one of several computers of the receiving side ({to}) lacks encryption, and that \
             one took the message"
        ),
        Cause::SenderDidNotTry
        | Cause::SenderCannotTls
        | Cause::GreetingLacksEsmtp
        | Cause::SubmissionWordTooOld => {
            format!("the sending side ({from}) did not try to encrypt")
        }
        Cause::SenderExemptsDomain => {
            format!("the sending side ({from}) has encryption turned off for this receiver")
        }
        Cause::SenderFellBack | Cause::SenderRemembersFailure => {
            format!("encryption failed and the sending side ({from}) sent the message without it")
        }
        Cause::SenderShortOfResources | Cause::OutageThen => {
            "encryption was broken at that time only".to_owned()
        }
        Cause::TlsNotRecorded | Cause::TlsEndedAtProxy => format!(
            "it was encrypted after all, and the receiving side ({to}) does not write that down"
        ),
        Cause::TlsNotRequiredByMessage => {
            "the message itself says that encryption is not required".to_owned()
        }
        Cause::GreylistedOrDeferred => {
            format!("the receiving side ({to}) turned the sender away at first")
        }
        Cause::InsideOneHost
        | Cause::InsideOneNetwork
        | Cause::InsideOneOrganisation
        | Cause::NotSmtp => "the step stayed inside one organisation".to_owned(),
        Cause::ReceiverNotInMx
        | Cause::HeaderUntrusted
        | Cause::ChainBroken
        | Cause::HeaderDamaged
        | Cause::ReceiverChangedSince
        | Cause::CertificateChangedSince
        | Cause::MxMovedSince
        | Cause::PolicyChangedSince
        | Cause::DaneChangedSince
        | Cause::CryptoPolicyChangedSince
        | Cause::ProbeBlockedHere => {
            "what can be seen today does not tell how it was that day".to_owned()
        }
    }
}
