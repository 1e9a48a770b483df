//! What the certificates of a handshake prove, as of a given time.

use jiff::Timestamp;

use crate::tls::certificate::Certificate;
use crate::tls::handshake::Handshake;

/// What the dates of a chain say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dates {
    InTime,
    NotYet(Timestamp),
    Expired(Timestamp),
}

/// The dates of the leaf, and of the intermediates that were in time when they
/// were seen (an old cross-certificate that nobody needs does not count).
pub(super) fn dates(handshake: &Handshake, at: Timestamp, observed: Timestamp) -> Dates {
    let Some((leaf, rest)) = handshake.chain.split_first() else {
        return Dates::InTime;
    };
    let intermediates = rest
        .iter()
        .filter(|c| !c.self_issued && of(c, observed) == Dates::InTime);
    std::iter::once(leaf)
        .chain(intermediates)
        .map(|certificate| of(certificate, at))
        .find(|dates| *dates != Dates::InTime)
        .unwrap_or(Dates::InTime)
}

/// RFC 5280, section 4.1.2.5: both ends of the period are inside it.
fn of(certificate: &Certificate, at: Timestamp) -> Dates {
    match (certificate.not_before, certificate.not_after) {
        (Some(begin), _) if at < begin => Dates::NotYet(begin),
        (_, Some(end)) if at > end => Dates::Expired(end),
        _ => Dates::InTime,
    }
}

/// A path to a trusted root, in time, for this host's name. A common name is no
/// proof of it: RFC 9525, section 6.3 has dropped it, and senders differ.
pub(super) fn pkix_holds(handshake: &Handshake, at: Timestamp, observed: Timestamp) -> bool {
    handshake.pkix.is_done()
        && handshake.identity.is_done()
        && !common_name_only(handshake)
        && dates(handshake, at, observed) == Dates::InTime
}

/// A match with a TLSA record. RFC 7672, section 3.1.1: with usage 3 neither
/// names nor dates count.
pub(super) fn dane_holds(handshake: &Handshake, at: Timestamp, observed: Timestamp) -> bool {
    handshake
        .dane
        .done()
        .is_some_and(|m| m.usage == 3 || dates(handshake, at, observed) == Dates::InTime)
}

/// Whether the leaf has no dNSName, so that names stand in its common name
/// alone.
pub(super) fn common_name_only(handshake: &Handshake) -> bool {
    handshake
        .chain
        .first()
        .is_some_and(|leaf| leaf.common_name_only)
}
