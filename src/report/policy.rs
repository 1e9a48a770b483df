//! What other systems take as a policy: the TLS policy table of Postfix, and
//! the lists of domains that connectors of Exchange Online and the secure
//! transport setting of Google Workspace take.
//!
//! Entry points: [`partner`] and [`compact_partner`] say what a domain has
//! proved, [`postfix_entry`], [`exchange_entry`] and [`google_entry`] write it;
//! each form has its words in front and behind.
//!
//! A policy outlives a scan: it makes mail wait, or come back, when the partner
//! changes something. So only what was proved becomes a policy: a domain whose
//! level is `authenticated` or `enforced`, by hosts that were seen; and every form
//! says so in its comments, or beside them where it knows none.
//!
//! Not supported: Exchange's `DomainValidation`, which takes one name for all
//! domains of a connector, and policies for parts of a domain.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::observed::domain::{DomainObservation, MxSource};
use crate::report::json::scan::DomainData;
use crate::report::json::words::{DeliveryWord, ProtectionWord};
use crate::verdict::{Delivery, Proof, Protection, Verdict, proofs};

/// What a domain has proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// The next hops that a sender would look up: the domain, or with brackets
    /// hosts that were probed in its place.
    next_hops: Vec<String>,
    proof: Proven,
    /// Addresses seen, of how many.
    seen: (usize, usize),
    at: Option<Timestamp>,
}

/// By what.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Proven {
    /// Every host by TLSA records, over a signed MX answer.
    Dane { pkix: bool },
    /// Every host by its certificate; none where the names were not kept.
    Pkix(Option<Vec<String>>),
    /// Some hosts so, some so; or it was not kept how.
    Somehow,
}

/// Why a domain gets no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPolicy {
    /// Its level is below `authenticated`.
    Level,
    /// It was probed on another port than 25, where mail for it does not go.
    Port,
}

/// What a domain that was seen has proved.
///
/// # Errors
/// When it has proved too little.
pub fn partner(observation: &DomainObservation, verdict: &Verdict) -> Result<Partner, NoPolicy> {
    if !matches!(
        verdict.protection,
        Protection::Authenticated | Protection::Enforced
    ) {
        return Err(NoPolicy::Level);
    }
    let mut endpoints = observation.hosts.iter().flat_map(|host| &host.endpoints);
    if endpoints.any(|endpoint| endpoint.port != 25) {
        return Err(NoPolicy::Port);
    }
    let proofs = proofs(observation, verdict.at);
    let pkix = proofs.iter().all(|proof| proof.pkix);
    let proof = if verdict.senders.dane == Delivery::DeliversAuthenticated
        && proofs.iter().all(|proof| proof.dane)
    {
        Proven::Dane { pkix }
    } else if pkix
        && proofs
            .iter()
            .all(|proof| is_plain_name(proof.host.as_str()))
    {
        Proven::Pkix(Some(names(&proofs)))
    } else {
        Proven::Somehow
    };
    Ok(Partner {
        next_hops: next_hops(observation),
        proof,
        seen: (verdict.seen.endpoints, verdict.seen.of),
        at: Some(observation.at),
    })
}

/// What a line of a scan tells of it, where the report was not kept.
///
/// # Errors
/// When it has proved too little.
pub fn compact_partner(line: &DomainData) -> Result<Partner, NoPolicy> {
    let (Some(domain), ProtectionWord::Authenticated | ProtectionWord::Enforced) =
        (&line.domain, line.protection)
    else {
        return Err(NoPolicy::Level);
    };
    Ok(Partner {
        next_hops: vec![domain.clone()],
        proof: match line.senders.dane {
            DeliveryWord::DeliversAuthenticated => Proven::Dane { pkix: false },
            // Without TLSA records that bind, nothing but certificates counts.
            DeliveryWord::NoPolicy => Proven::Pkix(None),
            _ => Proven::Somehow,
        },
        seen: (line.seen.endpoints, line.seen.of),
        at: line.at.as_deref().and_then(|at| at.parse().ok()),
    })
}

impl Partner {
    /// What tells its entry from those of others.
    #[must_use]
    pub fn key(&self) -> &str {
        self.next_hops.first().map_or("", String::as_str)
    }

    /// Whether more could be said had the scan kept whole reports.
    #[must_use]
    pub fn wants_report(&self) -> bool {
        matches!(self.proof, Proven::Pkix(None))
    }
}

/// Postfix looks a policy up by the next hop as it is configured: the
/// recipient's domain, or `[host]` where that is a host without MX lookup
/// (postconf(5), smtp_tls_policy_maps). Hosts given by `--mx` are such.
fn next_hops(observation: &DomainObservation) -> Vec<String> {
    let given = observation.mx.done().filter(|mx| {
        mx.source == MxSource::Implicit
            && mx
                .records
                .iter()
                .any(|record| record.host.as_str() != observation.domain.as_str())
    });
    match given {
        None => vec![observation.domain.to_string()],
        Some(mx) => mx
            .records
            .iter()
            .filter(|record| is_plain_name(record.host.as_str()))
            .map(|record| format!("[{}]", record.host))
            .collect(),
    }
}

fn names(proofs: &[Proof]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for proof in proofs {
        let name = proof.host.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether a name can stand in a `match` list for itself alone. A leading dot
/// would stand for all names below it, a single label might be one of the
/// strategies (`nexthop`, `dot-nexthop`, `hostname`), and colons separate.
fn is_plain_name(name: &str) -> bool {
    name.contains('.')
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_'))
}

/// The head of a policy table of Postfix.
#[must_use]
pub fn postfix_head() -> String {
    format!(
        "# A TLS policy table for Postfix (smtp_tls_policy_maps), by starttrace {}.\n\
         #\n\
         # A policy outlives a scan: when a partner changes its MX hosts, certificates or\n\
         # TLSA records to what this table does not know, mail to it waits in the queue and\n\
         # at last comes back. Make it anew often, and tell the partners named here.\n\
         #\n\
         # dane-only  wants smtp_dns_support_level = dnssec, and a resolver on this machine\n\
         #            that validates.\n\
         # secure     wants root certificates (smtp_tls_CAfile or smtp_tls_CApath).\n\
         # encrypt    wants TLS and proves nobody's name: some of the hosts proved theirs\n\
         #            in a way that one entry cannot demand of all.\n\
         #\n\
         # The keys are domains of recipients. Where mail goes by way of relayhost or\n\
         # transport_maps, the key must be that next hop, written the same way.\n\
         # postmap this file, then: smtp_tls_policy_maps = hash:/etc/postfix/tls_policy\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// The entries of a domain.
#[must_use]
pub fn postfix_entry(partner: &Partner) -> String {
    let level = match &partner.proof {
        Proven::Dane { .. } => "dane-only".to_owned(),
        Proven::Pkix(Some(names)) => format!("secure match={}", names.join(":")),
        Proven::Pkix(None) | Proven::Somehow => "encrypt".to_owned(),
    };
    let mut out = String::new();
    let (seen, of) = partner.seen;
    if seen < of {
        let when = partner
            .at
            .map_or_else(String::new, |at| format!(" on {}", at.strftime("%Y-%m-%d")));
        let _ = writeln!(
            out,
            "# {}: {seen} of {of} addresses seen{when}",
            partner.key()
        );
    }
    for next_hop in &partner.next_hops {
        let _ = writeln!(out, "{next_hop}\t{level}");
    }
    out
}

/// The line of a domain in a list for an outbound connector of Exchange Online
/// with `-TlsSettings CertificateValidation`; none where its certificates do not
/// prove it.
#[must_use]
pub fn exchange_entry(partner: &Partner) -> Option<String> {
    by_certificate(partner).map(|domain| format!("{domain}\n"))
}

/// The same for the secure transport (TLS) compliance setting of Google
/// Workspace: a list separated by commas.
#[must_use]
pub fn google_entry(partner: &Partner, is_first: bool) -> Option<String> {
    by_certificate(partner).map(|domain| format!("{}{domain}", if is_first { "" } else { ", " }))
}

fn by_certificate(partner: &Partner) -> Option<&str> {
    let proved = match partner.proof {
        Proven::Pkix(_) => true,
        Proven::Dane { pkix } => pkix,
        Proven::Somehow => false,
    };
    // A host in brackets is a next hop of Postfix alone.
    let key = partner.key();
    (proved && !key.is_empty() && !key.starts_with('[')).then_some(key)
}

/// What to do with the list, and the caution that it cannot hold itself.
#[must_use]
pub fn exchange_caution(file: &str) -> String {
    format!(
        "for an outbound connector of Exchange Online: New-OutboundConnector -ConnectorType \
         Partner -UseMXRecord $true -TlsSettings CertificateValidation -RecipientDomains \
         (Get-Content {file}). A policy outlives a scan: mail to a partner whose certificate \
         lapses is held and at last returned; make the list anew often"
    )
}

/// The same for Google's list.
#[must_use]
pub fn google_caution() -> String {
    "for the secure transport (TLS) compliance setting of Google Workspace: paste it into an \
     address list under \"Bulk add addresses\", and choose to require a certificate signed by a \
     CA and to validate its host name. A domain there covers its subdomains too, which were not \
     looked at, and mail that cannot be sent so is returned at once. A policy outlives a scan: \
     make the list anew often"
        .to_owned()
}

/// Addresses that one list of Google Workspace may hold.
pub const MOST_OF_GOOGLE: u64 = 100_000;
