//! The control host: one that is known to offer STARTTLS, asked over the same
//! path before anything negative is said of another.
//!
//! Networks that block port 25, or rewrite what passes through it, are
//! commoner than servers without STARTTLS, and make every server look guilty.
//! The control host must do everything right: STARTTLS, the handshake, a chain
//! to a trusted root, and its own name in the certificate, since a box that
//! answers in its place can do all but the last two.

use std::net::IpAddr;

use crate::attempt::{Attempt, Because};
use crate::failure::{Failure, Kind, Stage};
use crate::name::HostName;
use crate::observed::domain::Control;
use crate::observed::endpoint::EndpointObservation;

/// How many of its addresses are tried.
pub const MOST_ADDRESSES: usize = 3;

/// What one address of the control host showed: the control, or what was
/// wrong.
///
/// # Errors
/// When the path to it is not what it should be, or it would not talk to us.
pub fn read(
    host: &HostName,
    address: IpAddr,
    endpoint: &EndpointObservation,
) -> Result<Control, Box<Failure>> {
    if let Attempt::Done(handshake) = &endpoint.handshake {
        return match handshake
            .pkix
            .failure()
            .or_else(|| handshake.identity.failure())
        {
            None => Ok(Control {
                host: host.to_string(),
                address,
            }),
            Some(failure) => Err(Box::new(blocked(
                host,
                "answered with a certificate that is not its own",
                Some(failure),
            ))),
        };
    }
    Err(Box::new(
        if let Some(failure) = endpoint.connect.failure() {
            match failure.kind {
                Kind::TooManyOpenFiles => about(Stage::Local, host, failure),
                _ if failure.stage == Stage::Proxy => about(Stage::Proxy, host, failure),
                _ => blocked(host, "cannot be reached on its port", Some(failure)),
            }
        } else if let Some(failure) = endpoint.greeting.failure().or(endpoint.ehlo.failure()) {
            match failure.kind {
                // It answered, and would not serve us: the path may be open, but
                // what it shows is not known.
                Kind::GreetingTemporary
                | Kind::GreetingRejected
                | Kind::EhloTemporary
                | Kind::EhloRejected => about(Stage::Control, host, failure),
                _ => blocked(host, "does not greet as a mail server does", Some(failure)),
            }
        } else if endpoint.starttls == Attempt::Skipped(Because::NotOffered) {
            let mut failure = blocked(host, "shows no STARTTLS over this path", None);
            failure.heard = endpoint
                .ehlo
                .done()
                .map(|reply| reply.lines.join(&b"\r\n"[..]));
            failure
        } else if let Some(failure) = endpoint.starttls.failure() {
            blocked(host, "does not let us start TLS", Some(failure))
        } else {
            blocked(
                host,
                "does not finish a TLS handshake",
                endpoint.handshake.failure(),
            )
        },
    ))
}

/// The failure of a control host whose addresses cannot be learnt.
#[must_use]
pub fn unresolved(host: &HostName, failure: Option<&Failure>) -> Failure {
    match failure {
        Some(failure) => about(Stage::Control, host, failure),
        None => Failure::new(
            Stage::Control,
            Kind::NoData,
            format!("the control host {host} has no address that may be asked"),
        ),
    }
}

fn blocked(host: &HostName, what: &str, failure: Option<&Failure>) -> Failure {
    let why = failure.map_or_else(String::new, |failure| format!(" ({})", failure.message));
    let mut blocked = Failure::new(
        Stage::Control,
        Kind::Port25Blocked,
        format!(
            "the control host {host}, known to offer STARTTLS, {what}{why}: mail connections \
             are blocked or rewritten on the way from this machine"
        ),
    );
    if let Some(failure) = failure {
        blocked.heard.clone_from(&failure.heard);
        blocked.detail = failure.detail.clone();
    }
    blocked
}

fn about(stage: Stage, host: &HostName, failure: &Failure) -> Failure {
    Failure {
        stage,
        message: format!(
            "the control host {host} could not be asked: {}",
            failure.message
        ),
        ..failure.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::probe::endpoint::skipped;

    fn host() -> HostName {
        HostName::parse("control.example").unwrap()
    }

    fn endpoint() -> EndpointObservation {
        let address = "192.0.2.1".parse().unwrap();
        let mut endpoint = skipped(address, 25, Because::NotOffered);
        endpoint.connect = Attempt::Done(());
        endpoint
    }

    fn failed<T>(stage: Stage, kind: Kind) -> Attempt<T> {
        Attempt::failed(Failure::new(stage, kind, "why"))
    }

    fn kind_of(endpoint: &EndpointObservation) -> (Stage, Kind) {
        let failure = read(&host(), endpoint.address, endpoint).unwrap_err();
        (failure.stage, failure.kind)
    }

    #[test]
    fn e4_a_path_that_alters_or_drops_the_dialogue_is_blocked() {
        let blocked = (Stage::Control, Kind::Port25Blocked);
        assert_eq!(kind_of(&endpoint()), blocked, "no STARTTLS");
        let mut unreachable = endpoint();
        unreachable.connect = failed(Stage::Connect, Kind::ConnectTimeout);
        assert_eq!(kind_of(&unreachable), blocked);
        let mut silent = endpoint();
        silent.greeting = failed(Stage::Greeting, Kind::GreetingTimeout);
        assert_eq!(kind_of(&silent), blocked);
        let mut masked = endpoint();
        masked.starttls = failed(Stage::Starttls, Kind::StarttlsMasked);
        assert_eq!(kind_of(&masked), blocked);
        let mut broken = endpoint();
        broken.starttls = Attempt::Skipped(Because::NotAsked);
        broken.handshake = failed(Stage::Handshake, Kind::HandshakeNotTls);
        assert_eq!(kind_of(&broken), blocked);
    }

    #[test]
    fn a_control_that_refuses_us_says_nothing_about_the_path() {
        let mut busy = endpoint();
        busy.greeting = failed(Stage::Greeting, Kind::GreetingTemporary);
        assert_eq!(kind_of(&busy), (Stage::Control, Kind::GreetingTemporary));
        let mut short = endpoint();
        short.connect = failed(Stage::Local, Kind::TooManyOpenFiles);
        assert_eq!(kind_of(&short), (Stage::Local, Kind::TooManyOpenFiles));
    }
}
