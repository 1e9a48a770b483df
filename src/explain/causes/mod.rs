//! One rule for each cause: from the facts of a hop to what speaks for it and
//! against it. To add a cause, write its function and name it in [`RULES`].
//!
//! A rule says how strong the evidence for its own cause is, and nothing of
//! other causes: ceilings, age and competition are `weigh`'s affair. A rule
//! that has nothing to say returns none, so a cause is listed only where
//! something speaks for it, or where a fact speaks against a cause that people
//! would think of.
//!
//! Of the published causes only the parser's own rule (`HELO` with STARTTLS)
//! has none here: such a hop is read as encrypted. `tests` holds a table of all
//! causes, each with a small case that its rule speaks about.

mod around;
mod client;
mod evidence;
mod handshake;
mod hello;
mod host;
mod place;
mod receiver;
mod since;
#[cfg(test)]
mod tests;

use crate::explain::facts::Facts;
use crate::finding::Cause;

/// How strong the evidence for a cause is, before ceilings, age and rivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// True of any client, and the receiver is identified.
    Strong,
    /// Seen from one vantage point, or it rests on which software it is.
    Moderate,
    /// Possible, with an assumption about one side or the path.
    Weak,
    /// Needs two independent accidents.
    Unlikely,
    /// A fact excludes it.
    Excluded,
}

/// Whether time between hop and probe weakens an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// What the message says, or how probe and message meet: it does not age.
    Message,
    /// What a probe saw.
    Probe,
}

/// What speaks for a cause and against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    pub strength: Strength,
    pub basis: Basis,
    pub for_: Vec<String>,
    pub against: Vec<String>,
}

impl Argument {
    fn new(strength: Strength, basis: Basis) -> Self {
        Self {
            strength,
            basis,
            for_: Vec::new(),
            against: Vec::new(),
        }
    }

    fn for_(mut self, text: impl Into<String>) -> Self {
        self.for_.push(text.into());
        self
    }

    fn against(mut self, text: impl Into<String>) -> Self {
        self.against.push(text.into());
        self
    }
}

/// A rule.
pub type Rule = fn(&Facts<'_>) -> Option<Argument>;

/// Every cause that has a rule. The order breaks ties between causes with the
/// same standing and as much for them.
pub const RULES: &[(Cause, Rule)] = &[
    // Was it a hop between servers over a network at all?
    (Cause::NotSmtp, place::not_smtp),
    (Cause::InsideOneHost, place::inside_one_host),
    (Cause::InsideOneNetwork, place::inside_one_network),
    (Cause::InsideOneOrganisation, place::inside_one_organisation),
    // Does the line tell?
    (Cause::TlsNotRecorded, place::tls_not_recorded),
    (Cause::TlsEndedAtProxy, place::tls_ended_at_proxy),
    // The receiver.
    (Cause::AddressFamilyDiffers, host::address_family_differs),
    (Cause::BackupMxTookIt, host::backup_mx_took_it),
    (Cause::MxHostDiffers, host::mx_host_differs),
    (Cause::EhloRefused, receiver::ehlo_refused),
    (Cause::StarttlsMaskedNearReceiver, receiver::masked),
    (Cause::StarttlsRefused, receiver::refused),
    (
        Cause::StarttlsTemporarilyRefused,
        receiver::temporarily_refused,
    ),
    (Cause::ServerLegacyVersion, hello::legacy_version),
    (Cause::DhTooSmall, hello::dh_too_small),
    (Cause::HandshakeFailsForAll, handshake::handshake_fails),
    (Cause::SuitesIncompatible, hello::suites_incompatible),
    (Cause::HelloIntolerance, hello::hello_intolerance),
    (Cause::PoolInconsistent, hello::pool_inconsistent),
    (Cause::CertificateKeyRefused, hello::certificate_key_refused),
    (
        Cause::ClientCertificateDemanded,
        handshake::client_certificate_demanded,
    ),
    // What the sender did comes before what may have happened to it, and both
    // before what needs a failure that nobody saw.
    (Cause::SenderCannotTls, client::cannot_tls),
    (Cause::SenderDidNotTry, client::did_not_try),
    (Cause::StarttlsNotOffered, receiver::not_offered),
    (Cause::SenderExemptsDomain, around::exempts_domain),
    (Cause::OutageThen, around::outage_then),
    (Cause::SenderFellBack, client::fell_back),
    (Cause::SenderLibraryTooNew, client::library_too_new),
    (Cause::SenderRemembersFailure, around::remembers_failure),
    (Cause::SenderShortOfResources, around::short_of_resources),
    // The path, and what depends on who asks.
    (
        Cause::StarttlsOfferedSelectively,
        receiver::offered_selectively,
    ),
    (
        Cause::StarttlsStrippedInTransit,
        client::stripped_in_transit,
    ),
    (
        Cause::StarttlsStrippedNearSender,
        around::stripped_near_sender,
    ),
    (Cause::ReceiverRemembersFailure, receiver::remembers_failure),
    (Cause::ReceiverOverloaded, receiver::overloaded),
    (Cause::GreetingLacksEsmtp, receiver::greeting_lacks_esmtp),
    (Cause::GreylistedOrDeferred, receiver::greylisted),
    (
        Cause::CertificateInvalidForPolicy,
        handshake::certificate_invalid,
    ),
    (Cause::SubmissionWordTooOld, place::submission_word_too_old),
    (Cause::TlsNotRequiredByMessage, client::tls_not_required),
    // How far the evidence reaches.
    (Cause::ReceiverNotInMx, evidence::receiver_not_in_mx),
    (Cause::MxMovedSince, evidence::mx_moved_since),
    (Cause::ReceiverChangedSince, since::receiver_changed),
    (Cause::CertificateChangedSince, since::certificate_changed),
    (Cause::PolicyChangedSince, since::policy_changed),
    (Cause::DaneChangedSince, since::dane_changed),
    (
        Cause::CryptoPolicyChangedSince,
        since::crypto_policy_changed,
    ),
    (Cause::HeaderUntrusted, evidence::header_untrusted),
    (Cause::HeaderDamaged, evidence::header_damaged),
    (Cause::ChainBroken, evidence::chain_broken),
    (Cause::ProbeBlockedHere, evidence::probe_blocked_here),
];

/// Whether a cause speaks about the evidence rather than about the hop.
#[must_use]
pub fn is_about_evidence(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::ReceiverNotInMx
            | Cause::MxMovedSince
            | Cause::ReceiverChangedSince
            | Cause::CertificateChangedSince
            | Cause::PolicyChangedSince
            | Cause::DaneChangedSince
            | Cause::CryptoPolicyChangedSince
            | Cause::HeaderUntrusted
            | Cause::HeaderDamaged
            | Cause::ChainBroken
            | Cause::ProbeBlockedHere
    )
}

/// Whether a cause, where it is likely, leaves no sender TLS, so that what the
/// sender did needs no explaining.
#[must_use]
pub fn is_at_receiver(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::StarttlsNotOffered
            | Cause::StarttlsRefused
            | Cause::StarttlsTemporarilyRefused
            | Cause::HandshakeFailsForAll
            | Cause::StarttlsMaskedNearReceiver
            | Cause::MxHostDiffers
            | Cause::BackupMxTookIt
            | Cause::AddressFamilyDiffers
            | Cause::EhloRefused
    )
}

/// Whether a cause lies with the sender or the path.
#[must_use]
pub fn is_beyond_receiver(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::SenderDidNotTry
            | Cause::SenderCannotTls
            | Cause::SenderExemptsDomain
            | Cause::SenderRemembersFailure
            | Cause::SenderShortOfResources
            | Cause::StarttlsStrippedInTransit
            | Cause::StarttlsStrippedNearSender
            | Cause::StarttlsOfferedSelectively
            | Cause::ReceiverRemembersFailure
            | Cause::OutageThen
    )
}

/// The receiver's failures that make a sender fall back: where one of them is
/// listed, [`Cause::SenderFellBack`] is the same event seen from the other side
/// and no rival.
#[must_use]
pub fn is_failed_handshake(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::HandshakeFailsForAll
            | Cause::SuitesIncompatible
            | Cause::ServerLegacyVersion
            | Cause::ClientCertificateDemanded
            | Cause::DhTooSmall
            | Cause::CertificateKeyRefused
            | Cause::HelloIntolerance
    )
}
