//! Causes in what the receiver makes of a hello, as a probe's second hello and
//! the one made by hand show it: old versions, old suites, small groups, odd
//! keys, hellos that are not borne, and pools that answer by turns.

use super::handshake::{failing, is_suite_alert, is_version_alert, sender_after_failure};
use super::receiver::{identified, probed};
use super::{Argument, Basis, Strength};
use crate::explain::facts::{Facts, ProbeFacts, Seen};
use crate::failure::Kind;
use crate::observed::depth::Depth;
use crate::observed::endpoint::RawHello;
use crate::tls::certificate::Certificate;
use crate::tls::hello::is_ours;
use crate::tls::hello::suites::Protection;

/// What a sender with OpenSSL at its own default level refuses, and with
/// Debian's (security level 2: 112 bits, RFC 9325, section 4.5).
const LEAST_DH_BITS: u32 = 1024;
const GOOD_DH_BITS: u32 = 2048;
const GOOD_RSA_BITS: u32 = 2048;

/// Endpoints of the session that answered a hello made by hand.
fn answers<'p, 'a>(
    probe: &'p ProbeFacts<'a>,
) -> impl Iterator<Item = (&'p Seen<'a>, &'a RawHello)> + 'p {
    probe.session.iter().filter_map(|seen| {
        let hello = seen.endpoint.raw_hello.as_ref()?;
        let failed = seen.endpoint.handshake.failure().is_some();
        (failed && hello.version.is_some()).then_some((seen, hello))
    })
}

pub(super) fn legacy_version(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let old: Vec<_> = answers(probe)
        .filter(|(_, hello)| hello.version.is_some_and(|version| version.is_legacy()))
        .collect();
    if old.is_empty() {
        // With an answer of TLS 1.2 the alert is refuted.
        if answers(probe).next().is_some() {
            return None;
        }
        return by_alert(
            facts,
            probe,
            is_version_alert,
            "the server wants a version below TLS 1.2, or one this client has not",
        );
    }
    let mut argument = seen_by_hand(probe);
    for (seen, hello) in old.iter().take(3) {
        let version = hello.version.map_or("", |version| version.spoken());
        argument = argument.for_(format!(
            "{} answers a simple hello with {version} and nothing better",
            seen.endpoint.address
        ));
    }
    Some(sender_after_failure(
        facts,
        argument.for_("many senders refuse what is below TLS 1.2 (RFC 8996)"),
    ))
}

pub(super) fn suites_incompatible(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let rare: Vec<_> = answers(probe)
        .filter(|(_, hello)| !hello.version.is_some_and(|version| version.is_legacy()))
        .filter(|(_, hello)| !is_ours(hello.suite, hello.group))
        .collect();
    if rare.is_empty() {
        if answers(probe).next().is_some() {
            return None;
        }
        return by_alert(
            facts,
            probe,
            is_suite_alert,
            "the server speaks TLS, but shares no version or suite with this client",
        );
    }
    let poor = |hello: &RawHello| {
        hello
            .known_suite()
            .is_none_or(|suite| suite.protection() >= Protection::TripleDes || suite.is_anonymous())
    };
    // What most libraries lack is another matter than what some do.
    let mut argument = if rare.iter().all(|(_, hello)| poor(hello)) {
        seen_by_hand(probe)
    } else {
        Argument::new(Strength::Weak, Basis::Probe)
    };
    for (seen, hello) in rare.iter().take(3) {
        let class = hello.known_suite().map_or("unknown", |suite| suite.class());
        let suite = hello.suite_name().unwrap_or_default();
        argument = argument.for_(format!(
            "{} answers a simple hello with {suite} ({class}), which this client does not have",
            seen.endpoint.address
        ));
    }
    if !rare.iter().all(|(_, hello)| poor(hello)) {
        argument = argument.against("OpenSSL and GnuTLS still have it; Go's library does not");
    }
    Some(sender_after_failure(facts, argument))
}

pub(super) fn dh_too_small(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let by_hand = probe.session.iter().filter_map(|seen| {
        let hello = seen.endpoint.raw_hello.as_ref();
        Some((seen, hello?.dh_bits?))
    });
    let preferred = probe.session.iter().filter_map(|seen| {
        let deep = seen.endpoint.deep.as_deref();
        Some((seen, deep?.preferred_dh_bits()?))
    });
    let least = |(_, bits): &(&Seen<'_>, u32)| *bits;
    let small = |(_, bits): &(&Seen<'_>, u32)| *bits < GOOD_DH_BITS;
    let prime = |seen: &Seen<'_>, bits: u32| {
        format!(
            "the Diffie-Hellman prime of {} has {bits} bits",
            seen.endpoint.address
        )
    };
    let breaks_off = |bits: u32| {
        if bits < LEAST_DH_BITS {
            "current TLS libraries break off below 1024 bits (\"dh key too small\")"
        } else {
            "many TLS libraries break off below 2048 bits (\"dh key too small\")"
        }
    };
    if let Some((seen, bits)) = by_hand.chain(preferred).filter(small).min_by_key(least) {
        let argument = if bits < LEAST_DH_BITS {
            seen_by_hand(probe)
        } else {
            Argument::new(Strength::Weak, Basis::Probe)
        };
        let mut argument = argument.for_(prime(seen, bits)).for_(breaks_off(bits));
        if let Some(handshake) = seen.endpoint.handshake.done() {
            argument.strength = argument.strength.max(Strength::Weak);
            argument = argument.against(format!(
                "it agreed with this client on {}",
                handshake.cipher_suite
            ));
        }
        return Some(sender_after_failure(facts, argument));
    }
    // Only a sender that prefers it, or has nothing else, meets it.
    let on_demand = probe.session.iter().filter_map(|seen| {
        let deep = seen.endpoint.deep.as_deref();
        Some((seen, deep?.dh_bits_on_demand()?))
    });
    let (seen, bits) = on_demand.filter(small).min_by_key(least)?;
    let strength = if bits < LEAST_DH_BITS {
        Strength::Weak
    } else {
        Strength::Unlikely
    };
    let argument = Argument::new(strength, Basis::Probe)
        .for_(prime(seen, bits))
        .for_(breaks_off(bits))
        .against("it is chosen only where no other key exchange is offered");
    Some(sender_after_failure(facts, argument))
}

pub(super) fn hello_intolerance(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let large = probe
        .session
        .iter()
        .find_map(|seen| Some((seen, seen.endpoint.large_hello.as_deref()?)));
    if let Some((seen, failure)) = large {
        let argument = seen_by_hand(probe)
            .for_(failure.message.clone())
            .for_(format!(
                "without the post-quantum key share {} finished the handshake",
                seen.endpoint.address
            ))
            .against("only senders with that key share in their hello meet it");
        return Some(sender_after_failure(facts, argument));
    }
    let (seen, hello) = answers(probe).find(|(_, hello)| {
        is_ours(hello.suite, hello.group)
            && hello.version.is_some_and(|version| !version.is_legacy())
            && !hello.client_certificate_requested
    })?;
    let failure = seen.endpoint.handshake.failure()?;
    let suite = hello.suite_name().unwrap_or_default();
    let argument = seen_by_hand(probe)
        .for_(failure.message.clone())
        .for_(format!(
            "it answers a simple hello with {suite}, which the hello it refused had offered too"
        ));
    Some(sender_after_failure(facts, argument))
}

pub(super) fn certificate_key_refused(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let by_handshake = probe.handshakes().filter_map(|h| h.chain.first());
    let by_hand = answers(probe).filter_map(|(_, hello)| hello.chain.first());
    let odd = by_handshake.chain(by_hand).find_map(oddity)?;
    let argument = Argument::new(Strength::Weak, Basis::Probe)
        .for_(odd)
        .for_("some TLS libraries break off over it, even where nobody checks certificates");
    Some(sender_after_failure(facts, argument))
}

pub(super) fn pool_inconsistent(facts: &Facts<'_>) -> Option<Argument> {
    let probe = probed(facts)?;
    let looked = |seen: &&Seen<'_>| {
        let deep = seen.endpoint.deep.as_deref();
        deep.is_some_and(|depth| depth.offers().1 > 0)
    };
    let first = probe.session.iter().find(looked)?;
    let unsteady = probe.session.iter().find(|seen| {
        let deep = seen.endpoint.deep.as_deref();
        deep.is_some_and(Depth::is_inconsistent)
    });
    let Some(seen) = unsteady else {
        let (_, answered) = first.endpoint.deep.as_deref()?.offers();
        let alike = format!("{answered} further connections were answered alike");
        return Some(Argument::new(Strength::Unlikely, Basis::Probe).against(alike));
    };
    let (offers, answered) = seen.endpoint.deep.as_deref()?.offers();
    Some(seen_by_hand(probe).for_(format!(
        "{} offered STARTTLS on {offers} of {answered} further connections",
        seen.endpoint.address
    )))
}

/// What of a leaf some libraries refuse (RFC 9325, section 4.5).
fn oddity(leaf: &Certificate) -> Option<String> {
    let key = &leaf.key;
    if key.algorithm == "RSA" && (1..GOOD_RSA_BITS).contains(&key.bits) {
        return Some(format!(
            "its certificate has an RSA key of {} bits",
            key.bits
        ));
    }
    if let Some(curve) = key.curve.as_deref()
        && !matches!(curve, "P-256" | "P-384" | "P-521")
    {
        return Some(format!("its certificate has a key on the curve {curve}"));
    }
    let algorithm = leaf.signature_algorithm.to_ascii_lowercase();
    let old = ["md2", "md5", "sha1"]
        .iter()
        .any(|hash| algorithm.starts_with(hash) || algorithm.ends_with(hash));
    // Nobody looks at the signature of a certificate upon itself.
    (old && !leaf.self_issued).then(|| {
        format!(
            "its certificate is signed with {}",
            leaf.signature_algorithm
        )
    })
}

/// The strength of what a hello made by hand shows at the very receiver: the
/// receiver's side is seen, the sender's is inferred.
fn seen_by_hand(probe: &ProbeFacts<'_>) -> Argument {
    let strength = if identified(probe) {
        Strength::Moderate
    } else {
        Strength::Weak
    };
    Argument::new(strength, Basis::Probe)
}

/// The same by nothing but the alert that our own hello was answered with.
fn by_alert(
    facts: &Facts<'_>,
    probe: &ProbeFacts<'_>,
    is: fn(Kind, Option<&str>) -> bool,
    reading: &str,
) -> Option<Argument> {
    let mut argument = Argument::new(Strength::Weak, Basis::Probe).for_(reading);
    let mut any = false;
    for (_, message) in failing(probe, is).take(3) {
        any = true;
        argument = argument.for_(message);
    }
    any.then(|| sender_after_failure(facts, argument))
}
