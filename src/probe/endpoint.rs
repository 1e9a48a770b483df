//! One conversation with one address, from connecting to QUIT: the driver of
//! [`Dialogue`], with a clock, a socket, and the handshake in the middle.
//!
//! Entry point: [`call`]. It opens one connection and never fails: what went
//! wrong is in the observation. In the middle stands our own stack's handshake,
//! or a hello made by hand whose answer is read and nothing more; which of
//! them, and when to call again, is the affair of `visit`. Each stage has its
//! own time and all have the deadline; a stage's time is for the whole stage,
//! so that a server which sends an octet a second gains nothing by it (`talk`).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpStream;

use crate::attempt::{Attempt, Because};
use crate::dane::verify::verify;
use crate::failure::{Failure, Kind, Stage};
use crate::name::HostName;
use crate::observed::endpoint::{Anomaly, EndpointObservation, Event, Exchange, Timings};
use crate::probe::capture::{Captured, Offer, Stack};
use crate::probe::net::{Clock, Moment};
use crate::probe::proxy::{Proxy, connect};
use crate::probe::tlsa::Check;
use crate::smtp::dialogue::{Dialogue, Step};
use crate::tls::certificate::Certificate;
use crate::tls::handshake::{DaneMatch, Handshake};
use crate::tls::hello::ClientHello;
use crate::tls::hello::flight::ServerFlight;
use crate::tls::hello::suites::Suite;
use crate::tls::identity;
use crate::tls::pkix::PathJudge;
use crate::tls::suite::{agreed_suite, group_name};

mod talk;

use talk::{End, Talk};

/// How the TLS of a conversation begins.
#[derive(Debug, Clone, Copy)]
pub enum Hello<'a> {
    /// With our own stack, to the end of the handshake.
    Ours(Offer),
    /// With this one, to the end of the answer.
    ByHand(&'a ClientHello),
}

/// What a conversation is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand<'a> {
    /// To see what STARTTLS comes to.
    Usual,
    /// To see what EHLO is answered with.
    EhloOnly,
    /// To say STARTTLS though it is not offered.
    Unadvertised,
    /// To indicate this server name instead of the host's, or none.
    Named(Option<&'a str>),
    /// To see whether a command behind STARTTLS, in the same segment, is taken
    /// for one spoken inside TLS (CVE-2011-0411).
    Inject,
}

/// What a conversation needs to know.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    pub hello: Hello<'a>,
    pub errand: Errand<'a>,
    /// TLS comes before the first word (RFC 8314, section 3.3).
    pub implicit_tls: bool,
    /// The MX host, for the server name indication and the certificate; none
    /// where a bare address is probed.
    pub host: Option<&'a HostName>,
    /// The host's TLSA records, where they bind.
    pub dane: Option<&'a Check>,
    pub address: SocketAddr,
    /// The name to say in EHLO; none: the address literal of our end.
    pub ehlo: Option<&'a str>,
    pub source: Option<IpAddr>,
    pub proxy: Option<&'a Proxy>,
    pub timeout: Duration,
    pub deadline: Duration,
    pub clock: Clock,
    pub stack: &'a Stack,
    pub judge: &'a PathJudge,
    /// As of when certificates are judged.
    pub at: Timestamp,
}

/// What came of a conversation.
#[derive(Debug)]
pub struct Called {
    pub observation: EndpointObservation,
    /// Our address, as the connection showed it.
    pub local: Option<IpAddr>,
    /// What was said in EHLO.
    pub ehlo: Option<String>,
    /// Whether the server proved to have the key of its certificate.
    pub proved: bool,
    /// The same for its other certificate.
    pub other_proved: bool,
    /// Whether our own hello was answered with anything of a handshake.
    pub hello_answered: bool,
    /// What came back to a hello made by hand, where one was sent.
    pub answer: Option<Answer>,
    /// A command said before TLS was answered inside it.
    pub injected: bool,
}

/// What came back to a hello made by hand.
#[derive(Debug)]
pub struct Answer {
    pub flight: ServerFlight,
    /// Why reading stopped before the server had said all.
    pub trouble: Option<Failure>,
}

/// An endpoint that no connection was tried to.
#[must_use]
pub fn skipped(address: IpAddr, port: u16, because: Because) -> EndpointObservation {
    unconnected(address, port, Attempt::Skipped(because), because)
}

impl Call<'_> {
    /// The name to indicate: with TLSA records their base domain (RFC 7672,
    /// section 8.1).
    #[must_use]
    pub fn indicated(&self) -> Option<&str> {
        if let Errand::Named(name) = self.errand {
            return name;
        }
        let named = self.dane.map(|check| &check.base);
        named.or(self.host).map(HostName::as_str)
    }
}

impl Answer {
    /// `TLS 1.0, TLS_RSA_WITH_AES_128_CBC_SHA`, or the alert; none where
    /// neither came.
    fn in_words(&self) -> Option<String> {
        if let Some(hello) = &self.flight.hello {
            let version = hello.version.map_or_else(
                || format!("version 0x{:04x}", hello.version_number),
                |version| version.spoken().to_owned(),
            );
            let suite = Suite::of(hello.suite).map_or_else(
                || format!("suite 0x{:04X}", hello.suite),
                |suite| suite.name.to_owned(),
            );
            return Some(format!("answered {version}, {suite}"));
        }
        let alert = self.flight.alerts.iter().find(|alert| alert.fatal)?;
        Some(match alert.name() {
            Some(name) => format!("answered with the TLS alert {name}"),
            None => format!("answered with the TLS alert {}", alert.code),
        })
    }
}

/// Holds the conversation.
pub async fn call(call: &Call<'_>) -> Called {
    let began = call.clock.moment();
    let span = call.timeout.min(call.deadline);
    match connect(call.clock, call.address, call.source, call.proxy, span).await {
        Ok(stream) => {
            let connected = call.clock.since(began);
            converse(call, stream, began, connected).await
        }
        Err(failure) => {
            let at = call.clock.since(began);
            let event = Event::Failed(failure.message.clone());
            let stage = match failure.stage {
                Stage::Proxy => Stage::Proxy,
                _ => Stage::Connect,
            };
            let mut observation = unconnected(
                call.address.ip(),
                call.address.port(),
                Attempt::failed(failure),
                Because::After(stage),
            );
            observation.transcript.push(Exchange { at, event });
            Called {
                observation,
                local: None,
                ehlo: None,
                proved: false,
                other_proved: false,
                hello_answered: false,
                answer: None,
                injected: false,
            }
        }
    }
}

fn unconnected(
    address: IpAddr,
    port: u16,
    connect: Attempt<()>,
    because: Because,
) -> EndpointObservation {
    EndpointObservation {
        address,
        port,
        connections: 0,
        connect,
        greeting: Attempt::Skipped(because),
        ehlo: Attempt::Skipped(because),
        starttls: Attempt::Skipped(because),
        handshake: Attempt::Skipped(because),
        large_hello: None,
        raw_hello: None,
        other_certificate: Attempt::Skipped(because),
        deep: None,
        suites: None,
        after_tls: Attempt::Skipped(because),
        anomalies: Vec::new(),
        timings: Timings::default(),
        transcript: Vec::new(),
    }
}

async fn converse(
    call: &Call<'_>,
    mut stream: TcpStream,
    began: Moment,
    connected: Duration,
) -> Called {
    // What a proxy sees of us is not what the server sees.
    let local = match call.proxy {
        Some(_) => None,
        None => stream.local_addr().ok().map(|address| address.ip()),
    };
    let name = match (call.ehlo, local) {
        // RFC 5321, section 4.1.1.1: never the name of the server itself.
        (Some(name), _) => name.to_owned(),
        (None, Some(local)) => address_literal(local),
        (None, None) => address_literal(call.address.ip()),
    };
    let peer = match call.host {
        Some(host) => format!("{host} ({})", call.address.ip()),
        None => call.address.ip().to_string(),
    };
    let mut ours = vec![name.trim_matches(['[', ']']).to_owned()];
    ours.extend(local.map(|local| local.to_string()));
    let begin = if call.implicit_tls {
        Dialogue::implicit
    } else {
        Dialogue::new
    };
    let mut dialogue = begin(peer.clone(), name.clone(), ours);
    match call.errand {
        Errand::EhloOnly => dialogue.leave_after_ehlo(),
        Errand::Unadvertised => dialogue.say_starttls_anyway(),
        Errand::Usual | Errand::Named(_) | Errand::Inject => {}
    }
    let mut talk = Talk::new(call, began, connected);
    let mut handshake = None;
    let mut proved = false;
    let mut hello_answered = false;
    let mut answer = None;
    let mut injected = false;
    let mut data_before_handshake = false;
    let end = if call.implicit_tls {
        End::Handshake
    } else {
        talk.run(&mut stream, &mut dialogue, Step::Hear).await
    };
    if let End::Handshake = end {
        // What came in the same moment as the 220 is thrown away
        // (RFC 3207, section 6).
        data_before_handshake =
            !call.implicit_tls && stream.try_read(&mut [0; 4096]).is_ok_and(|n| n > 0);
        match call.hello {
            Hello::Ours(offer) => {
                let shaken = talk.shake(stream, &mut dialogue, offer, &peer).await;
                handshake = Some(shaken.result);
                hello_answered = shaken.hello_answered;
                proved = shaken.proved;
                injected = shaken.injected;
            }
            Hello::ByHand(hello) => {
                answer = Some(Box::pin(talk.ask(stream, hello, &peer)).await);
                dialogue.not_secured();
            }
        }
    }
    let outcome = dialogue.into_outcome();
    let mut observation = EndpointObservation {
        address: call.address.ip(),
        port: call.address.port(),
        connections: 1,
        connect: Attempt::Done(()),
        greeting: outcome.greeting,
        ehlo: outcome.ehlo,
        starttls: outcome.starttls,
        handshake: match handshake {
            Some(result) => Attempt::from(result),
            None => Attempt::Skipped(outcome.handshake),
        },
        large_hello: None,
        raw_hello: None,
        other_certificate: Attempt::Skipped(Because::NotAsked),
        deep: None,
        suites: None,
        after_tls: outcome.after_tls,
        anomalies: outcome.anomalies,
        timings: talk.timings,
        transcript: talk.transcript,
    };
    if observation.handshake.failure().is_some() {
        if call.implicit_tls {
            observation.greeting = Attempt::Skipped(Because::After(Stage::Handshake));
            observation.ehlo = Attempt::Skipped(Because::After(Stage::Handshake));
        }
        observation.after_tls = Attempt::Skipped(Because::After(Stage::Handshake));
        observation
            .anomalies
            .retain(|anomaly| *anomaly != Anomaly::EhloAfterTlsFailed);
    }
    if data_before_handshake
        && !observation
            .anomalies
            .contains(&Anomaly::DataBeforeHandshake)
    {
        observation.anomalies.push(Anomaly::DataBeforeHandshake);
        observation.anomalies.sort_unstable();
    }
    Called {
        observation,
        local,
        ehlo: Some(name),
        proved,
        other_proved: false,
        hello_answered,
        answer,
        injected,
    }
}

/// RFC 5321, section 4.1.3.
fn address_literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => format!("[{v4}]"),
        IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
    }
}

/// A recorded handshake with what is to be thought of it.
fn judged(call: &Call<'_>, captured: Captured, peer: &str) -> Handshake {
    let suite = agreed_suite(captured.suite);
    let host = call.host.map(HostName::as_str);
    Handshake {
        version: captured.version,
        cipher_suite: suite.map_or_else(
            || format!("0x{:04X}", u16::from(captured.suite.suite())),
            |suite| suite.iana.to_owned(),
        ),
        cipher_openssl: suite.map_or_else(String::new, |suite| suite.openssl.to_owned()),
        cipher_bits: suite.map_or(0, |suite| suite.bits),
        group: captured.group.map(group_name),
        client_certificate_requested: captured.client_certificate_requested,
        pkix: call
            .judge
            .judge(&captured.chain, captured.proved, call.at, peer),
        identity: identity::judge(captured.chain.first(), host, peer),
        dane: dane(
            call.dane,
            call.host,
            &captured.chain,
            captured.proved,
            call.at,
        ),
        chain: captured.chain,
    }
}

/// Whether the certificate is the one that the TLSA records name. Where none
/// of them can be used nothing is asked of it (RFC 7672, section 2.2).
pub(super) fn dane(
    check: Option<&Check>,
    host: Option<&HostName>,
    chain: &[Certificate],
    proved: bool,
    at: Timestamp,
) -> Attempt<DaneMatch> {
    let usable = |check: &&Check| check.records.iter().any(|r| r.usability().is_ok());
    let Some((check, host)) = check.filter(usable).zip(host) else {
        return Attempt::Skipped(Because::NotAsked);
    };
    if !proved {
        return Attempt::failed(Failure::new(
            Stage::Certificate,
            Kind::ValidationFailure,
            format!("{host} did not prove to have the key of its certificate"),
        ));
    }
    match verify(&check.records, chain, &check.names, at).outcome {
        Ok(found) => Attempt::Done(found.parameters),
        Err(why) => Attempt::failed(why.failure(host)),
    }
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
pub(in crate::probe) mod tests;
