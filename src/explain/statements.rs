//! Statements of the time: which of them speak about a hop, and which cause
//! each proves.
//!
//! A log line that names the receiver's queue id is of this very message.
//! Without an id both hosts must be the hop's, and the time its time. A report
//! (RFC 8460) counts all sessions of a day: what it says of the day holds for
//! the hop where sender and receiver are the hop's.

use std::net::IpAddr;

use jiff::SignedDuration;

use crate::finding::Cause;
use crate::name::HostName;
use crate::observed::statement::{Said, StatedBy, Statement, WhyNot};
use crate::organisation::same_organisation;
use crate::trace::chain::Hop;

/// Clocks of two hosts, and the time a message takes within one.
const SLACK: SignedDuration = SignedDuration::from_secs(120);
/// Queue ids are used again, after days at the earliest.
const SAME_ID: SignedDuration = SignedDuration::from_hours(24);
/// An attempt that failed comes before the one that delivered: as long as a
/// message may wait in a queue (RFC 5321, section 4.5.4.1: four to five days).
const MOST_WAIT: SignedDuration = SignedDuration::from_hours(24 * 5);

/// Statements that one hop may hear.
const MOST: usize = 32;

/// The statements that speak about a hop.
#[must_use]
pub fn about<'a>(hop: &Hop, statements: &'a [Statement]) -> Vec<&'a Statement> {
    statements
        .iter()
        .filter(|statement| speaks(hop, statement))
        .take(MOST)
        .collect()
}

fn speaks(hop: &Hop, statement: &Statement) -> bool {
    let Some(at) = hop.received.date.as_ref().map(|date| date.at.timestamp()) else {
        return false;
    };
    let within = |before: SignedDuration, after: SignedDuration| {
        at.duration_since(statement.from) >= -before && statement.until.duration_since(at) >= -after
    };
    let by = hop.received.by.as_ref();
    let server = is_host(
        by.and_then(|by| by.host.as_deref()),
        by.and_then(|by| by.ip),
        statement.server.as_deref(),
        statement.server_ip,
    );
    let id = hop.received.id.as_ref().map(|piece| piece.text.as_str());
    if let (Some(mine), Some(its)) = (id, statement.id.as_deref()) {
        return mine == its && server != Some(false) && within(SAME_ID, SAME_ID);
    }
    let from = hop.received.from.as_ref();
    let name = from.and_then(|from| from.rdns.as_deref().or(from.helo.as_deref()));
    let client = is_host(
        name,
        from.and_then(|from| from.ip),
        statement.client.as_deref(),
        statement.client_ip,
    );
    if client != Some(true) {
        return false;
    }
    match statement.by {
        // A report need not name the host: its policy covers the domain's.
        StatedBy::SendersReport => {
            server != Some(false) && within(SignedDuration::ZERO, SignedDuration::ZERO)
        }
        StatedBy::SendersLog | StatedBy::ReceiversLog => {
            let waited = hop.delay.unwrap_or_default().min(MOST_WAIT).max(SLACK);
            let before = matches!(statement.says, Said::NoTls(_));
            let earlier = if before { waited } else { SLACK };
            server == Some(true)
                && at.duration_since(statement.from) <= earlier
                && statement.from.duration_since(at) <= SLACK
        }
    }
}

/// Whether two ways to name a host mean one; none where that cannot be told.
fn is_host(
    name: Option<&str>,
    ip: Option<IpAddr>,
    other: Option<&str>,
    other_ip: Option<IpAddr>,
) -> Option<bool> {
    if let (Some(ip), Some(other)) = (ip, other_ip)
        && ip == other
    {
        return Some(true);
    }
    let (name, other) = (name?, other?);
    let equal = name
        .trim_end_matches('.')
        .eq_ignore_ascii_case(other.trim_end_matches('.'));
    // A report names an organisation, a pool's log any of its hosts.
    let known = HostName::parse(name).is_ok() && HostName::parse(other).is_ok();
    (equal || known).then(|| equal || same_organisation(name, other))
}

/// The cause that a statement proves, where it proves one.
#[must_use]
pub fn proves(statement: &Statement) -> Option<Cause> {
    let Said::NoTls(why) = &statement.says else {
        return None;
    };
    Some(match why {
        WhyNot::NotOffered => Cause::StarttlsNotOffered,
        WhyNot::RefusedForNow => Cause::StarttlsTemporarilyRefused,
        WhyNot::Refused => Cause::StarttlsRefused,
        // The sender saw it fail and delivered in cleartext all the same.
        WhyNot::HandshakeFailed => match statement.by {
            StatedBy::SendersLog | StatedBy::ReceiversLog => Cause::SenderFellBack,
            StatedBy::SendersReport => Cause::OutageThen,
        },
        WhyNot::CertificateRejected => Cause::CertificateInvalidForPolicy,
        WhyNot::Exempted => Cause::SenderExemptsDomain,
        WhyNot::NotTried => Cause::SenderDidNotTry,
        WhyNot::EngineUnavailable => Cause::SenderShortOfResources,
        WhyNot::RateLimited => Cause::ReceiverOverloaded,
    })
}

/// Who said it, where, and what, in one clause.
#[must_use]
pub fn words(statement: &Statement) -> String {
    const MOST_QUOTED: usize = 200;
    let quote: String = statement.quote.chars().take(MOST_QUOTED).collect();
    let who = match statement.by {
        StatedBy::SendersLog => "the sender's log",
        StatedBy::ReceiversLog => "the receiver's log",
        StatedBy::SendersReport => "the sender's TLS report",
    };
    format!("{who} ({}): {quote}", statement.place)
}
