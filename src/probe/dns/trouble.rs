//! What no answer comes to: each failure in words, with whose doing it is.

use std::io;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};

use crate::failure::{Failure, Kind, Stage};
use crate::probe::dns::message::presentation;
use crate::probe::dns::server::Resolver;
use crate::probe::dns::transport::Miss;

pub fn unreadable_name(name: &str) -> Failure {
    Failure::new(
        Stage::Dns,
        Kind::Nxdomain,
        format!("{name} cannot be a name in the DNS"),
    )
}

pub fn aliases(name: &str) -> Failure {
    Failure::new(
        Stage::Dns,
        Kind::Servfail,
        format!("the aliases of {name} go round in a circle or never end"),
    )
}

pub fn bogus(server: &Resolver, name: &Name, kind: RecordType) -> Failure {
    let name = presentation(name);
    let mut failure = Failure::new(
        Stage::Dns,
        Kind::DnssecBogus,
        format!("the resolver {server} withholds {name} {kind}: its signatures do not hold"),
    );
    failure.detail.rcode = Some(rcode_name(ResponseCode::ServFail));
    failure
}

/// Signatures that do not hold, as they were checked here.
pub fn own_bogus(name: &Name, kind: RecordType, why: &str) -> Failure {
    let name = presentation(name);
    Failure::new(
        Stage::Dns,
        Kind::DnssecBogus,
        format!("the answer for {name} {kind} is bogus: {why}"),
    )
}

/// The check here and the resolver's differ: one of them is wrong, and it may
/// be ours.
pub fn disagreement(name: &Name, kind: RecordType, why: &str) -> Failure {
    let name = presentation(name);
    Failure::new(
        Stage::Dns,
        Kind::DnssecIndeterminate,
        format!("two checks of the answer for {name} {kind} differ: {why}"),
    )
}

pub fn indeterminate(name: &Name, kind: RecordType, why: &str) -> Failure {
    let name = presentation(name);
    Failure::new(
        Stage::Dns,
        Kind::DnssecIndeterminate,
        format!("whether the answer for {name} {kind} is signed is not known: {why}"),
    )
}

pub fn no_descriptors(error: &io::Error) -> Failure {
    let mut failure = Failure::new(
        Stage::Local,
        Kind::TooManyOpenFiles,
        "this machine has no file descriptor left for a DNS question",
    );
    failure.detail.os_error = error.raw_os_error();
    failure
}

/// What all tries together came to. A resolver's word counts more than
/// another's silence, and silence less than what can be named.
pub fn unanswered(
    name: &Name,
    kind: RecordType,
    misses: &[(&Resolver, Miss)],
    waited: Duration,
) -> Failure {
    let name = presentation(name);
    let grave = |miss: &Miss| match miss {
        Miss::Code(_) => 0,
        Miss::Garbled => 1,
        Miss::Os(_) | Miss::Apart(_) => 2,
        Miss::Silence | Miss::Bogus => 3,
    };
    let worst = misses.iter().min_by_key(|(_, miss)| grave(miss));
    let mut failure = match worst {
        Some((server, Miss::Code(code))) => {
            let word = rcode_name(*code);
            let failure_kind = if *code == ResponseCode::Refused {
                Kind::DnsRefused
            } else {
                Kind::Servfail
            };
            let message = format!("the resolver {server} answered {word} for {name} {kind}");
            let mut failure = Failure::new(Stage::Dns, failure_kind, message);
            failure.detail.rcode = Some(word);
            return failure;
        }
        Some((server, Miss::Garbled)) => {
            let message =
                format!("the resolver {server} answered for {name} {kind} what cannot be read");
            return Failure::new(Stage::Dns, Kind::Servfail, message);
        }
        Some((server, Miss::Os(error))) => {
            let message =
                format!("the resolver {server} cannot be asked for {name} {kind}: {error}");
            let mut failure = Failure::new(Stage::Dns, Kind::ResolverUnreachable, message);
            failure.detail.os_error = error.raw_os_error();
            failure
        }
        Some((server, Miss::Apart(apart))) => {
            let (failure_kind, why, detail) = &**apart;
            let message = format!("the resolver {server} cannot be asked for {name} {kind}: {why}");
            let mut failure = Failure::new(Stage::Dns, *failure_kind, message);
            failure.detail = detail.clone();
            failure
        }
        Some((_, Miss::Silence | Miss::Bogus)) | None => Failure::new(
            Stage::Dns,
            Kind::DnsTimeout,
            format!(
                "no resolver answered for {name} {kind} within {} s",
                waited.as_secs()
            ),
        ),
    };
    failure.detail.waited = Some(waited);
    failure
}

/// Why the test of a resolver shows nothing.
pub fn test_failed(server: &Resolver, name: &str, miss: &Miss) -> String {
    match miss {
        Miss::Os(error) => format!("the resolver {server} cannot be asked: {error}"),
        Miss::Apart(apart) => format!("the resolver {server} cannot be asked: {}", apart.1),
        Miss::Garbled => format!("the resolver {server} answered for {name} what cannot be read"),
        Miss::Code(code) => format!(
            "the resolver {server} answered {} for {name}",
            rcode_name(*code)
        ),
        Miss::Silence | Miss::Bogus => format!("the resolver {server} did not answer for {name}"),
    }
}

/// The name of a response code in the IANA registry, in upper case.
#[must_use]
pub fn rcode_name(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".into(),
        ResponseCode::FormErr => "FORMERR".into(),
        ResponseCode::ServFail => "SERVFAIL".into(),
        ResponseCode::NXDomain => "NXDOMAIN".into(),
        ResponseCode::NotImp => "NOTIMP".into(),
        ResponseCode::Refused => "REFUSED".into(),
        other => format!("RCODE{}", u16::from(other)),
    }
}
