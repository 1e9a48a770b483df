//! From what a line says, and what its writer's silence means, to a state.
//!
//! Words state TLS; nothing else does. Silence speaks only where the writer is
//! known to state TLS whenever it was used, and even then it never proves.
//! A remark beats the keyword: Postfix, MailScanner and Symantec write `SMTP`
//! beside a TLS remark, since RFC 3848 is defined for EHLO only.

use std::borrow::Cow;

use crate::answer::Standing;
use crate::tls::parameters::{VersionLabel, label_is_anonymous, suite_by_label};
use crate::trace::chain::{Leg, Trust};
use crate::trace::evidence::{Evidence, EvidenceKind, Says, TlsEvidence, TlsState};
use crate::trace::field::Received;
use crate::trace::network::{Reach, reach};
use crate::trace::shared::Shared;
use crate::trace::software::{Habit, Silence};
use crate::trace::tls_note::{self, Notes};
use crate::trace::transmission::Family;

/// Concludes on one line. The standing is that of an own line; [`bounded`]
/// lowers it to the trust the line has.
pub(super) fn conclude(received: &Received, habit: Option<&Habit>, leg: Leg) -> TlsEvidence {
    let notes = tls_note::read(received);
    let mut tls = TlsEvidence::unstated();
    parameters(&mut tls, received, &notes);
    collect(&mut tls, received, &notes, habit, leg);
    let stated = tls.evidence.iter().any(|piece| piece.says == Says::Tls);
    let smtp = received.transmission.is_none_or(|t| t.is_smtp());
    if stated {
        tls.state = TlsState::Encrypted;
        tls.standing = Some(Standing::Proved);
    } else if leg == Leg::Local || !smtp {
        tls.state = TlsState::NotApplicable;
    } else {
        let silence = habit.map_or(Silence::Nothing, |habit| habit.silence);
        (tls.state, tls.standing) = match silence {
            Silence::Proves => (TlsState::Cleartext, Some(Standing::Likely)),
            Silence::Suggests => (TlsState::Cleartext, Some(Standing::Possible)),
            Silence::Nothing => (TlsState::Unstated, None),
        };
    }
    tls
}

/// A line proves no more than its writer is trusted.
pub(super) fn bounded(tls: &mut Shared<TlsEvidence>, trust: Trust) {
    let most = most(trust);
    // The order of standings has the strongest first.
    if tls.standing.is_some_and(|standing| standing < most) {
        tls.standing = Some(most);
    }
}

/// The strongest standing that a line of this trust can give.
pub(super) fn most(trust: Trust) -> Standing {
    match trust {
        Trust::Own => Standing::Proved,
        Trust::Vouched => Standing::Likely,
        Trust::Below | Trust::Unknown => Standing::Possible,
    }
}

fn parameters(tls: &mut TlsEvidence, received: &Received, notes: &Notes) {
    for (note, _) in &notes.stated {
        if tls.version_label.is_none() {
            tls.version_label.clone_from(&note.version_label);
        }
        if tls.cipher_label.is_none() && note.cipher_label.is_some() {
            tls.cipher_label.clone_from(&note.cipher_label);
            tls.bits = note.bits;
            tls.bits_label.clone_from(&note.bits_label);
        } else if tls.cipher_label.is_none() && tls.bits.is_none() {
            tls.bits = note.bits;
            tls.bits_label.clone_from(&note.bits_label);
        }
        if tls.client_certificate.is_none() {
            tls.client_certificate = note.client_certificate;
        }
    }
    if tls.client_certificate.is_none() {
        tls.client_certificate = notes.client_certificate;
    }
    if let Some(clause) = &received.tls {
        tls.cipher_label = Some(clause.text.clone());
    }
    tls.version = tls
        .version_label
        .as_deref()
        .and_then(VersionLabel::parse)
        .and_then(VersionLabel::version);
    if let Some(label) = &tls.cipher_label {
        let suite = suite_by_label(label, tls.version);
        tls.cipher = suite.map(|suite| suite.name.to_owned());
        tls.authenticated_cipher = match suite {
            Some(suite) => Some(!suite.is_anonymous()),
            None if label_is_anonymous(label) => Some(false),
            None => None,
        };
    }
    // Exim to 4.6x with GnuTLS wrote the octets of the key: 16, 24, 32.
    if tls.bits.is_some_and(|bits| matches!(bits, 16 | 24 | 32))
        && tls
            .cipher_label
            .as_deref()
            .is_some_and(|label| label.contains('_'))
    {
        tls.bits = None;
    }
}

fn collect(
    tls: &mut TlsEvidence,
    received: &Received,
    notes: &Notes,
    habit: Option<&Habit>,
    leg: Leg,
) {
    for (at, (_, piece)) in notes.stated.iter().enumerate() {
        let comment = at < notes.comments;
        tls.evidence.push(Evidence {
            kind: if comment {
                EvidenceKind::Comment
            } else {
                EvidenceKind::Keyword
            },
            says: Says::Tls,
            text: format!("the line remarks \"{}\"", short(&piece.text)),
            span: Some(piece.span.clone()),
        });
    }
    if let Some(clause) = &received.tls {
        tls.evidence.push(Evidence {
            kind: EvidenceKind::TlsClause,
            says: Says::Tls,
            text: format!(
                "the tls clause names {} (RFC 8314, section 4.3)",
                short(&clause.text)
            ),
            span: Some(clause.span.clone()),
        });
    }
    if let Some(with) = &received.with {
        let word = received.protocol.as_deref().unwrap_or(&with.text);
        let (says, text) = match received.transmission {
            Some(read) if read.tls => (Says::Tls, format!("{} states TLS", short(word))),
            Some(read) if !read.is_smtp() && read.family != Family::Lmtp => (
                Says::Silent,
                format!("{} is no SMTP over a network", short(word)),
            ),
            _ => (Says::Silent, format!("{} does not state TLS", short(word))),
        };
        let says_word = received.transmission.is_some();
        tls.evidence.push(Evidence {
            kind: if says_word {
                EvidenceKind::TransmissionType
            } else {
                EvidenceKind::Keyword
            },
            says,
            text,
            span: Some(with.span.clone()),
        });
    }
    let stated = tls.evidence.iter().any(|piece| piece.says == Says::Tls);
    if stated {
        return;
    }
    if leg == Leg::Local || leg == Leg::Internal {
        let ip = received.from.as_ref().and_then(|from| from.ip);
        let text = match ip.map(|ip| (ip, reach(ip))) {
            Some((ip, Reach::Host)) => format!("{ip} is the host itself"),
            Some((ip, Reach::Network)) => format!("{ip} is an address of a private network"),
            _ if leg == Leg::Local => "the message did not cross a network by SMTP here".to_owned(),
            _ => "the message stayed within one organisation here".to_owned(),
        };
        tls.evidence.push(Evidence {
            kind: EvidenceKind::Address,
            says: Says::Silent,
            text,
            span: received
                .from
                .as_ref()
                .map(|from| from.span.clone())
                .filter(|s| s.end > s.start),
        });
    }
    if let Some(habit) = habit {
        let name = habit.mark.version.as_deref().map_or_else(
            || habit.mark.name.clone(),
            |version| format!("{} {}", habit.mark.name, short(version)),
        );
        let silence = if leg == Leg::Local {
            Silence::Nothing
        } else {
            habit.silence
        };
        let (says, text) = match silence {
            Silence::Nothing if leg == Leg::Local => {
                (Says::Silent, format!("{name} wrote the line"))
            }
            Silence::Proves => (
                Says::NoTls,
                format!("{name} states TLS whenever it was used, and is silent here"),
            ),
            Silence::Suggests => (
                Says::NoTls,
                format!("{name} mostly states TLS when it was used, and is silent here"),
            ),
            Silence::Nothing => (
                Says::Silent,
                format!("the silence of {name} says nothing of TLS"),
            ),
        };
        tls.evidence.push(Evidence {
            kind: EvidenceKind::SoftwareHabit,
            says,
            text,
            span: None,
        });
    }
}

/// At most a line's worth of foreign text.
fn short(text: &str) -> Cow<'_, str> {
    if text.len() <= 120 || text.chars().count() <= 120 {
        return Cow::Borrowed(text);
    }
    let mut cut: String = text.chars().take(117).collect();
    cut.push_str("...");
    Cow::Owned(cut)
}
