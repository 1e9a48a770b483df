//! The one sentence a manager understands.

use std::collections::BTreeMap;

use crate::answer::Answer;
use crate::attempt::{Attempt, Because};
use crate::failure::Kind;
use crate::finding::Code;
use crate::verdict::assess::{Scene, SeenHost};
use crate::verdict::policies::{authenticates, half_matched};
use crate::verdict::protection::{self, Enforcement, NoMail};
use crate::verdict::sight::Sight;
use crate::verdict::{Delivery, Protection, Required, Senders};

/// One sentence with a final dot.
pub(super) fn of(
    scene: &Scene<'_>,
    protection: Protection,
    answer: Answer,
    required: Required,
    senders: Senders,
) -> String {
    let said = about_servers(scene, protection, answer, required, senders);
    if protection::is_submission(scene.observation) {
        // RFC 8314: what mail programs do, not other servers.
        return said
            .replacen("Mail sent now", "Mail submitted now", 1)
            .replace("working STARTTLS", "working TLS");
    }
    said
}

fn about_servers(
    scene: &Scene<'_>,
    protection: Protection,
    answer: Answer,
    required: Required,
    senders: Senders,
) -> String {
    match protection {
        Protection::NoMail => no_mail(scene),
        _ if scene.control_trouble().is_some() => control(scene),
        Protection::Unknown => unknown(scene),
        Protection::Cleartext => format!(
            "Mail sent now would travel in cleartext: {} no working STARTTLS.",
            match &hosts_seen(scene)[..] {
                [one] => format!("{} has", one.host.host),
                [_, _] => "neither of the MX hosts seen has".to_owned(),
                many => format!("none of the {} MX hosts seen has", many.len()),
            }
        ),
        Protection::Mixed => {
            let lacking = hosts_where(scene, |sight| matches!(sight, Sight::NoTls { .. }));
            let unsteady: Vec<&SeenHost<'_>> = scene
                .hosts
                .iter()
                .filter(|host| {
                    let mut sights = host.sights.iter();
                    sights.any(|(endpoint, _)| scene.is_inconsistent(endpoint))
                })
                .collect();
            if !unsteady.is_empty() {
                let verb = if unsteady.len() == 1 {
                    "offers"
                } else {
                    "offer"
                };
                return format!(
                    "Mail sent now may travel in cleartext: {} {verb} STARTTLS on some \
                     connections only.",
                    names(&unsteady)
                );
            }
            let verb = if lacking.len() == 1 { "has" } else { "have" };
            format!(
                "Mail sent now may travel in cleartext: {} {verb} no working STARTTLS{}.",
                names(&lacking),
                if lacking
                    .iter()
                    .any(|host| host.handshakes().next().is_some())
                {
                    " on some addresses"
                } else {
                    ""
                }
            )
        }
        Protection::Legacy => {
            let old = hosts_where(scene, |sight| match sight {
                Sight::Tls(handshake) => handshake.version.is_legacy(),
                Sight::Unproved { outdated, .. } => *outdated,
                Sight::NoTls { .. } | Sight::NotSeen(_) => false,
            });
            let by_version = old.iter().flat_map(|host| &host.sights).all(|(_, sight)| {
                !matches!(sight, Sight::Unproved { hello, outdated: true }
                    if hello.version.is_some_and(|version| !version.is_legacy()))
            });
            format!(
                "Mail sent now may travel in cleartext: {} only {} that many senders refuse.",
                speaks(&old),
                if by_version { "TLS versions" } else { "TLS" }
            )
        }
        Protection::Encrypted | Protection::Authenticated | Protection::Enforced => {
            positive(scene, protection, answer, required, senders)
        }
    }
}

fn no_mail(scene: &Scene<'_>) -> String {
    match protection::no_mail(scene.observation) {
        Some(NoMail::NullMx) => "The domain says that it takes no mail.",
        Some(NoMail::Nxdomain) => "There is no such domain, so mail to it is returned.",
        Some(NoMail::NoAddress) => {
            "None of its MX hosts has an address, so mail to it is returned."
        }
        Some(NoMail::NoData) | None => {
            "It has neither an MX record nor an address, so mail to it is returned."
        }
    }
    .to_owned()
}

fn control(scene: &Scene<'_>) -> String {
    let failure = scene.control_trouble();
    let code = failure.map_or(Code::ControlFailed, super::findings::control_code);
    let unresolved = failure.is_some_and(|f| matches!(f.kind, Kind::Nxdomain | Kind::NoData));
    match code {
        Code::Port25Blocked => {
            "Nothing can be said from here: port 25 is blocked or rewritten on this network."
        }
        Code::ProxyUnreachable | Code::ProxyAuthFailed | Code::ProxyRefused | Code::ProxyFailed => {
            "Nothing can be said from here: the proxy does not let mail connections through."
        }
        Code::ControlFailed if !unresolved => {
            "Nothing can be said from here: the control host did not show that this network \
             lets TLS through."
        }
        _ => "Nothing can be said from here: not even the control host could be looked up.",
    }
    .to_owned()
}

fn unknown(scene: &Scene<'_>) -> String {
    if let Some(failure) = scene.observation.mx.failure() {
        return format!(
            "Where its mail goes could not be found out: {}.",
            failure.message
        );
    }
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    for (_, _, failure) in scene.unseen() {
        if let Some(failure) = failure {
            *counts.entry(failure.kind).or_default() += 1;
        }
    }
    let Some((kind, _)) = counts.iter().max_by_key(|(_, n)| **n) else {
        return match scene
            .hosts
            .iter()
            .find_map(|host| host.host.addresses.failure())
        {
            Some(failure) => format!(
                "The addresses of its MX hosts could not be found out: {}.",
                failure.message
            ),
            None if not_public(scene) => {
                "Its MX hosts have no public address, so mail from outside cannot reach them."
                    .to_owned()
            }
            None => "No address of it was asked, so nothing is known about TLS there.".to_owned(),
        };
    };
    let of = protection::seen(scene).of;
    let mostly = if counts.len() > 1 { "mostly, " } else { "" };
    let what = match of {
        1 => "Its one address could not be tested".to_owned(),
        2 => "Neither of its two addresses could be tested".to_owned(),
        n => format!("None of its {n} addresses could be tested"),
    };
    format!(
        "{what}, so nothing is known about TLS there: {mostly}{}.",
        Code::of(*kind).summary()
    )
}

/// Whether addresses were left alone because they are not public.
fn not_public(scene: &Scene<'_>) -> bool {
    scene
        .unseen()
        .any(|(_, endpoint, _)| endpoint.connect == Attempt::Skipped(Because::AddressNotPublic))
}

fn positive(
    scene: &Scene<'_>,
    protection: Protection,
    answer: Answer,
    required: Required,
    senders: Senders,
) -> String {
    let to = positive_hosts(scene);
    let said = match protection {
        Protection::Encrypted => format!("Mail sent now would be encrypted to {to}"),
        _ if hosts_seen(scene).len() == 1 => {
            format!("Mail sent now would be encrypted to {to}, which proves its name")
        }
        _ => format!("Mail sent now would be encrypted to {to}, which prove their names"),
    };
    if !scene.best_was_seen() {
        return format!("{said}, but no host of the best preference could be seen.");
    }
    if protection == Protection::Enforced {
        return format!("{said}, and conforming senders insist on it.");
    }
    let enforcement = protection::enforcement(scene.observation);
    if required == Required::Authenticated && answer == Answer::No {
        let unproved: Vec<&SeenHost<'_>> = scene
            .hosts
            .iter()
            .filter(|host| {
                let unproved =
                    |(_, sight): &(_, Sight<'_>)| matches!(sight, Sight::Unproved { .. });
                host.sights.iter().any(unproved)
                    || host
                        .handshakes()
                        .any(|handshake| !authenticates(scene, host.host, handshake))
            })
            .collect();
        let (verb, whose) = if unproved.len() == 1 {
            ("does", "its name")
        } else {
            ("do", "their names")
        };
        return format!("{said}, but {} {verb} not prove {whose}.", names(&unproved));
    }
    match enforcement {
        Enforcement::None => format!("{said}, but nothing makes a sender insist on it."),
        Enforcement::Unmet => format!("{said}, but {}.", unmet(scene, senders)),
        Enforcement::Unknown if required == Required::Enforced => {
            format!("{said}; whether anything makes a sender insist on it could not be found out.")
        }
        Enforcement::Unknown => format!("{said}."),
    }
}

/// What of its own policy it does not satisfy, and what senders that obey it
/// then do.
fn unmet(scene: &Scene<'_>, senders: Senders) -> String {
    let waits = |delivery| delivery == Delivery::Defers;
    let delivers = |delivery| delivery == Delivery::DeliversAuthenticated;
    match (waits(senders.dane), waits(senders.mta_sts)) {
        (true, false) if delivers(senders.mta_sts) => {
            "it does not match its own TLSA records, so senders that use DANE wait".to_owned()
        }
        (false, true) if delivers(senders.dane) => {
            "it does not satisfy its own MTA-STS policy, so senders that follow that and not DANE \
             wait"
                .to_owned()
        }
        (true, _) | (_, true) => {
            "it does not satisfy its own policy, so senders that obey it wait".to_owned()
        }
        (false, false) => match half_matched(scene) {
            // Which of them a sender gets depends on what it offers.
            Some((host, matched, other)) => format!(
                "only the {} certificate of {} matches its TLSA records, so senders that use DANE \
                 and negotiate {} do not deliver there",
                matched.name(),
                host.host,
                other.name()
            ),
            None if delivers(senders.dane) || delivers(senders.mta_sts) => {
                "not every address satisfies the domain's own policy, so senders that obey it use \
                 the others"
                    .to_owned()
            }
            None => {
                "it does not satisfy its own policy, so senders that obey it may wait".to_owned()
            }
        },
    }
}

/// `both MX hosts`, `the 2 of 3 MX hosts that were seen`.
fn positive_hosts(scene: &Scene<'_>) -> String {
    let seen = hosts_seen(scene).len();
    let of = scene
        .hosts
        .iter()
        .filter(|host| !protection::has_no_address(host.host))
        .count();
    match (seen, of) {
        (1, 1) => scene
            .hosts
            .iter()
            .find(|host| !protection::has_no_address(host.host))
            .map_or_else(|| "the MX host".to_owned(), |h| h.host.host.to_string()),
        (2, 2) => "both MX hosts".to_owned(),
        (n, m) if n == m => format!("all {n} MX hosts"),
        (1, m) => format!("the one of {m} MX hosts that was seen"),
        (n, m) => format!("the {n} of {m} MX hosts that were seen"),
    }
}

fn hosts_seen<'s, 'o>(scene: &'s Scene<'o>) -> Vec<&'s SeenHost<'o>> {
    hosts_where(scene, |sight| !matches!(sight, Sight::NotSeen(_)))
}

fn hosts_where<'s, 'o>(
    scene: &'s Scene<'o>,
    holds: impl Fn(&Sight<'o>) -> bool,
) -> Vec<&'s SeenHost<'o>> {
    scene
        .hosts
        .iter()
        .filter(|host| host.sights.iter().any(|(_, sight)| holds(sight)))
        .collect()
}

fn names(hosts: &[&SeenHost<'_>]) -> String {
    match hosts {
        [] => "no host".to_owned(),
        [one] => one.host.host.to_string(),
        [a, b] => format!("{} and {}", a.host.host, b.host.host),
        [first, rest @ ..] => format!("{} and {} other hosts", first.host.host, rest.len()),
    }
}

fn speaks(hosts: &[&SeenHost<'_>]) -> String {
    let verb = if hosts.len() == 1 { "speaks" } else { "speak" };
    format!("{} {verb}", names(hosts))
}
