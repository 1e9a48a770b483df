//! What each kind of sender would do, with one host and with the domain.
//!
//! A sender tries hosts by preference and goes on to the next where one does
//! not suit it (RFC 5321, section 5.1); a host that was not seen leaves the
//! word of the others, except where it decides.

use crate::attempt::{Attempt, Because};
use crate::dane::outcome::{Action, Conduct as Dane};
use crate::finding::Code;
use crate::mta_sts::evaluate::Conduct as Sts;
use crate::observed::domain::{Dnssec, MxSource, StsMode};
use crate::verdict::assess::{Scene, SeenHost};
use crate::verdict::policies::{dane_action, dane_conduct, sts_conduct};
use crate::verdict::protection::{has_no_address, mx_dnssec, sts_mode};
use crate::verdict::sight::Sight;
use crate::verdict::{Delivery, Protection, Senders};

mod requiretls;

/// What each sender would do with mail for the domain.
pub(super) fn of_domain(scene: &Scene<'_>, protection: Protection) -> Senders {
    if protection == Protection::NoMail {
        // RFC 5321, section 5.1 and RFC 7505, section 3: the mail is returned.
        return all(Delivery::Refuses);
    }
    let hosts: Vec<Senders> = scene
        .hosts
        .iter()
        .filter(|host| !has_no_address(host.host))
        .map(|host| of_host(scene, host))
        .collect();
    let opportunistic = {
        let word = worst_word(hosts.iter().map(|senders| senders.opportunistic));
        match word {
            Delivery::DeliversEncrypted if !scene.best_was_seen() => Delivery::Unknown,
            Delivery::DeliversCleartext if !scene.best_was_seen() => Delivery::MayDeliverCleartext,
            // Behind a network that may remove STARTTLS nothing is sure.
            _ if scene.doubtful => Delivery::Unknown,
            word => word,
        }
    };
    Senders {
        opportunistic,
        mandatory: insisting(hosts.iter().map(|senders| senders.mandatory)),
        mta_sts: match sts_state(scene) {
            Policy::Unknown => Delivery::Unknown,
            Policy::None => Delivery::NoPolicy,
            // RFC 8461, section 5: testing delivers as without a policy.
            Policy::Testing => opportunistic,
            Policy::Enforced => insisting(hosts.iter().map(|senders| senders.mta_sts)),
        },
        dane: dane_of_domain(scene, &hosts, opportunistic),
        requiretls: requiretls::of_domain(&hosts),
    }
}

/// What each sender would do with this host.
pub(super) fn of_host(scene: &Scene<'_>, host: &SeenHost<'_>) -> Senders {
    if has_no_address(host.host) {
        return all(Delivery::SkipsHost);
    }
    let opportunistic = worst_word(host.sights.iter().map(|(endpoint, sight)| match sight {
        Sight::Tls(_) | Sight::Unproved { .. } | Sight::NoTls { .. }
            if scene.is_inconsistent(endpoint) =>
        {
            Delivery::MayDeliverCleartext
        }
        // RFC 8996: many refuse, some of these then go on in clear.
        Sight::Tls(handshake) if handshake.version.is_legacy() => Delivery::MayDeliverCleartext,
        Sight::Unproved { outdated: true, .. } => Delivery::MayDeliverCleartext,
        Sight::Tls(_) | Sight::Unproved { .. } => Delivery::DeliversEncrypted,
        // After a failed handshake some senders go on in clear and others keep
        // the mail; without STARTTLS all deliver in clear (RFC 7435).
        Sight::NoTls { code, .. }
            if code.word().starts_with("handshake") || *code == Code::CleartextOnTlsPort =>
        {
            Delivery::MayDeliverCleartext
        }
        Sight::NoTls { .. } => Delivery::DeliversCleartext,
        Sight::NotSeen(_) => Delivery::Unknown,
    }));
    let insists_on = |good: &dyn Fn(&crate::tls::handshake::Handshake) -> Option<Delivery>| {
        any_endpoint(host.sights.iter().map(|(_, sight)| match sight {
            Sight::Tls(handshake) => good(handshake),
            Sight::Unproved { outdated, .. } => (!outdated).then_some(Delivery::DeliversEncrypted),
            Sight::NoTls { .. } => Some(Delivery::SkipsHost),
            Sight::NotSeen(_) => None,
        }))
    };
    let mandatory = insists_on(&|handshake| {
        // Whether a sender still takes TLS below 1.2 is its own setting.
        (!handshake.version.is_legacy()).then_some(Delivery::DeliversEncrypted)
    });
    Senders {
        opportunistic,
        mandatory,
        mta_sts: match sts_state(scene) {
            Policy::Unknown => Delivery::Unknown,
            Policy::None => Delivery::NoPolicy,
            Policy::Testing => opportunistic,
            Policy::Enforced => {
                any_endpoint(host.sights.iter().map(|(_, sight)| {
                    match sts_conduct(scene, host.host, sight)? {
                        Sts::DeliversAuthenticated => Some(Delivery::DeliversAuthenticated),
                        Sts::Skips => Some(Delivery::SkipsHost),
                        Sts::AsWithoutPolicy | Sts::Unknown => None,
                    }
                }))
            }
        },
        dane: match dane_action(host.host) {
            None => Delivery::Unknown,
            Some(Action::Opportunistic) => Delivery::NoPolicy,
            // Known without having seen the host.
            Some(Action::Unreachable) => Delivery::SkipsHost,
            Some(action) => any_endpoint(host.sights.iter().map(|(endpoint, sight)| {
                match dane_conduct(scene, action, endpoint, sight) {
                    Dane::DeliversAuthenticated => Some(Delivery::DeliversAuthenticated),
                    Dane::DeliversEncrypted => Some(Delivery::DeliversEncrypted),
                    Dane::DeliversCleartext => Some(Delivery::DeliversCleartext),
                    Dane::Skips => Some(Delivery::SkipsHost),
                    Dane::Unknown => None,
                }
            })),
        },
        requiretls: any_endpoint(
            host.sights
                .iter()
                .map(|(endpoint, sight)| requiretls::at(scene, host.host, endpoint, sight)),
        ),
    }
}

fn all(delivery: Delivery) -> Senders {
    Senders {
        opportunistic: delivery,
        mandatory: delivery,
        mta_sts: delivery,
        dane: delivery,
        requiretls: delivery,
    }
}

/// What a sender that takes whatever it gets may meet: all encrypted, all
/// clear, or either. What is unknown leaves the word of the rest.
fn worst_word(words: impl Iterator<Item = Delivery>) -> Delivery {
    words
        .filter(|word| !matches!(word, Delivery::Unknown | Delivery::SkipsHost))
        .reduce(|a, b| {
            if a == b {
                a
            } else {
                Delivery::MayDeliverCleartext
            }
        })
        .unwrap_or(Delivery::Unknown)
}

/// A sender that insists takes any endpoint that suits it; it leaves the host
/// when none does, which is known only when all were seen.
fn any_endpoint(words: impl Iterator<Item = Option<Delivery>>) -> Delivery {
    let mut unknown = false;
    let mut any = false;
    for word in words {
        any = true;
        match word {
            Some(Delivery::SkipsHost) => {}
            Some(good) => return good,
            None => unknown = true,
        }
    }
    if unknown || !any {
        Delivery::Unknown
    } else {
        Delivery::SkipsHost
    }
}

/// The same over hosts: any that suits takes the mail; when none does, it
/// stays in the queue (RFC 8461, section 5 and RFC 7672, section 2.2).
fn insisting(words: impl Iterator<Item = Delivery>) -> Delivery {
    match any_endpoint(words.map(|word| (word != Delivery::Unknown).then_some(word))) {
        Delivery::SkipsHost => Delivery::Defers,
        word => word,
    }
}

enum Policy {
    Unknown,
    None,
    Testing,
    Enforced,
}

fn sts_state(scene: &Scene<'_>) -> Policy {
    let sts = &scene.observation.mta_sts;
    match &sts.record {
        Attempt::Done(record) if record.id.is_none() => Policy::None,
        Attempt::Done(_) => match sts_mode(scene.observation) {
            Some(StsMode::Enforce) => Policy::Enforced,
            Some(StsMode::Testing) => Policy::Testing,
            Some(StsMode::None) => Policy::None,
            // RFC 8461, section 3.3: whoever holds a copy follows it, others
            // go on as without a policy. It depends on the sender.
            None => Policy::Unknown,
        },
        // RFC 8461 is about mail between servers.
        Attempt::Skipped(Because::Submission) => Policy::None,
        Attempt::Failed(_) | Attempt::Skipped(_) => Policy::Unknown,
    }
}

fn dane_of_domain(scene: &Scene<'_>, hosts: &[Senders], opportunistic: Delivery) -> Delivery {
    let with_mx = scene
        .observation
        .mx
        .done()
        .is_some_and(|mx| mx.source == MxSource::Mx);
    match mx_dnssec(scene.observation) {
        // RFC 7672, section 2.1.2: the mail waits; by a failed question.
        None if scene.observation.mx.failure().is_some() => return Delivery::Defers,
        // RFC 7672, section 2.2.1: over an insecure MX answer there is no
        // DANE for the domain.
        Some(Dnssec::Insecure) if with_mx => return Delivery::NoPolicy,
        _ => {}
    }
    let words = || hosts.iter().map(|senders| senders.dane);
    if hosts.is_empty() || words().any(|word| word == Delivery::Unknown) {
        return Delivery::Unknown;
    }
    if words().all(|word| word == Delivery::NoPolicy) {
        return Delivery::NoPolicy;
    }
    if words().all(|word| word == Delivery::SkipsHost) {
        return Delivery::Defers;
    }
    if words().any(|word| word == Delivery::NoPolicy) {
        // Some hosts bind, others do not: the preference decides, never the
        // protection (RFC 7672, section 2.2.1).
        return match opportunistic {
            Delivery::DeliversEncrypted => Delivery::DeliversEncrypted,
            Delivery::Unknown => Delivery::Unknown,
            _ => Delivery::MayDeliverCleartext,
        };
    }
    if words().any(|word| word == Delivery::DeliversEncrypted) {
        Delivery::DeliversEncrypted
    } else {
        Delivery::DeliversAuthenticated
    }
}
