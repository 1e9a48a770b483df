//! One conversation with one address, from connecting to QUIT: the driver of
//! [`Dialogue`], with a clock, a socket, and the handshake in the middle.
//!
//! Entry point: [`call`]. It opens one connection and never fails: what went
//! wrong is in the observation. In the middle stands our own stack's handshake,
//! or a hello made by hand whose answer is read and nothing more; which of
//! them, and when to call again, is the affair of `visit`. Each stage has its own time and all have the
//! deadline; a stage's time is for the whole stage, so that a server which
//! sends an octet a second gains nothing by it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::attempt::{Attempt, Because};
use crate::dane::verify::verify;
use crate::failure::{Failure, Kind, Stage};
use crate::name::HostName;
use crate::observed::endpoint::{Anomaly, EndpointObservation, Event, Exchange, Timings};
use crate::probe::capture::{Broken, Captured, Offer, Stack, Tap, late_alert};
use crate::probe::net::{Clock, Moment};
use crate::probe::proxy::{Proxy, connect};
use crate::probe::tlsa::Check;
use crate::smtp::dialogue::{Dialogue, Phase, Step};
use crate::tls::certificate::Certificate;
use crate::tls::handshake::{DaneMatch, Handshake};
use crate::tls::hello::ClientHello;
use crate::tls::hello::flight::{Flight, FlightError, ServerFlight, Step as Reading};
use crate::tls::hello::suites::Suite;
use crate::tls::identity;
use crate::tls::pkix::PathJudge;
use crate::tls::suite::{agreed_suite, group_name};

/// How long a reply to QUIT is waited for. RFC 5321, section 4.1.1.10 wants
/// it awaited; nothing depends on it.
const QUIT_WAIT: Duration = Duration::from_secs(5);

/// How the TLS of a conversation begins.
#[derive(Debug, Clone, Copy)]
pub enum Hello<'a> {
    /// With our own stack, to the end of the handshake.
    Ours(Offer),
    /// With this one, to the end of the answer.
    ByHand(&'a ClientHello),
}

/// How long an answer is waited for to a command that should have been
/// forgotten.
const INJECTION_WAIT: Duration = Duration::from_secs(3);

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
    let mut talk = Talk {
        call,
        began,
        phase: Phase::Greeting,
        phase_began: call.clock.moment(),
        timings: Timings {
            connect: Some(connected),
            ..Timings::default()
        },
        transcript: Vec::new(),
    };
    talk.note(Event::Connected);
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
                answer = Some(talk.ask(stream, hello, &peer).await);
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

/// How a run of the dialogue ended.
enum End {
    Handshake,
    Closed,
    /// The connection broke while a reply was awaited.
    Broken(io::Error),
}

/// The clock, the log, and the limits of a conversation.
struct Talk<'a> {
    call: &'a Call<'a>,
    began: Moment,
    phase: Phase,
    phase_began: Moment,
    timings: Timings,
    transcript: Vec<Exchange>,
}

impl Talk<'_> {
    /// Does what the dialogue says until it wants a handshake or its end.
    async fn run<S>(&mut self, stream: &mut S, dialogue: &mut Dialogue, mut step: Step) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut buffer = [0; 8192];
        let mut broken = None;
        loop {
            self.enter(dialogue.phase());
            step = match step {
                Step::Say(command) => {
                    self.say(stream, &command).await;
                    self.note(Event::Sent(command));
                    dialogue.said()
                }
                Step::Hear => match self.hear(stream, &mut buffer).await {
                    Heard::Octets(length) => dialogue.heard(&buffer[..length]),
                    Heard::End | Heard::Garbled(_) => dialogue.closed(None),
                    Heard::Broken(error) => {
                        let step = dialogue.closed(Some(&error));
                        broken = Some(error);
                        step
                    }
                    Heard::Nothing { deadline } => {
                        let waited = self.call.clock.since(self.phase_began);
                        dialogue.silence(waited, deadline)
                    }
                },
                Step::Pause(span) => {
                    let (left, _) = self.left();
                    self.call.clock.sleep(span.min(left)).await;
                    dialogue.paused()
                }
                Step::Handshake => {
                    self.enter(Phase::Quit);
                    return End::Handshake;
                }
                Step::Close => {
                    self.enter(Phase::Quit);
                    return broken.map_or(End::Closed, End::Broken);
                }
            };
            for line in dialogue.take_lines() {
                self.note(Event::Heard(line));
            }
            for trouble in dialogue.take_troubles() {
                self.note(Event::Failed(trouble));
            }
        }
    }

    /// Sends a command. Whether that failed does not matter: what the server
    /// said before it closed is still to be read, and the end of it with it.
    async fn say<S: AsyncWrite + Unpin>(&self, stream: &mut S, command: &str) {
        let mut line = format!("{command}\r\n");
        if self.call.errand == Errand::Inject && command == "STARTTLS" {
            // RFC 3207, section 4 wants STARTTLS to be the last command of a
            // group; NOOP harms nobody.
            line.push_str("NOOP\r\n");
        }
        let (left, _) = self.left();
        let saying = async {
            stream.write_all(line.as_bytes()).await?;
            stream.flush().await
        };
        let _: Result<io::Result<()>, _> = self.call.clock.timeout(left, saying).await;
    }

    async fn hear<S: AsyncRead + Unpin>(&self, stream: &mut S, buffer: &mut [u8]) -> Heard {
        let (left, deadline) = self.left();
        match self.call.clock.timeout(left, stream.read(buffer)).await {
            Ok(Ok(0)) => Heard::End,
            Ok(Ok(length)) => Heard::Octets(length),
            // A peer that closes without a close_notify has closed.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Heard::End,
            Ok(Err(error)) => Heard::Broken(error),
            Err(_) => Heard::Nothing { deadline },
        }
    }

    /// The handshake, what is said inside it, and the judgement.
    async fn shake(
        &mut self,
        stream: TcpStream,
        dialogue: &mut Dialogue,
        offer: Offer,
        peer: &str,
    ) -> Shaken {
        let (mut stream, captured) = match self.secure(stream, offer, peer).await {
            Ok(secured) => secured,
            Err(broken) => {
                self.note(Event::Failed(broken.failure.message.clone()));
                dialogue.not_secured();
                return Shaken {
                    result: Err(broken.failure),
                    hello_answered: broken.hello_answered,
                    proved: false,
                    injected: false,
                };
            }
        };
        let injected = self.call.errand == Errand::Inject && self.is_answered(&mut stream).await;
        let step = dialogue.secured();
        self.phase_began = self.call.clock.moment();
        let end = self.run(&mut stream, dialogue, step).await;
        // The close is announced (RFC 8446, section 6.1), but not waited for.
        let closing = self.call.clock.timeout(QUIT_WAIT, stream.shutdown());
        let _ = closing.await;
        let requested = captured.client_certificate_requested;
        let late = match &end {
            End::Broken(error) => late_alert(error, requested, peer),
            End::Handshake | End::Closed => None,
        };
        Shaken {
            hello_answered: true,
            proved: captured.proved,
            injected,
            result: match late {
                Some(failure) => Err(failure),
                None => Ok(judged(self.call, captured, peer)),
            },
        }
    }

    /// Whether the server says something before it is spoken to.
    async fn is_answered<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> bool {
        let mut octets = [0; 512];
        let (left, _) = self.left();
        let wait = INJECTION_WAIT.min(left);
        let read = self
            .call
            .clock
            .timeout(wait, stream.read(&mut octets))
            .await;
        let Ok(Ok(length @ 1..)) = read else {
            return false;
        };
        for line in octets[..length].split(|octet| *octet == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                self.note(Event::Heard(line.to_vec()));
            }
        }
        true
    }

    async fn secure(
        &mut self,
        stream: TcpStream,
        offer: Offer,
        peer: &str,
    ) -> Result<(TlsStream<Tap<TcpStream>>, Captured), Broken> {
        self.phase_began = self.call.clock.moment();
        let (span, by_deadline) = self.handshake_time();
        let host = self.call.indicated();
        let shaking = self.call.stack.offering(offer, host, stream, peer);
        let result = self.call.clock.timeout(span, shaking).await;
        self.timings.handshake = Some(self.call.clock.since(self.phase_began));
        let Ok(result) = result else {
            return Err(self.no_handshake_in_time(peer, by_deadline).into());
        };
        if result.is_ok() {
            self.note(Event::Secured);
        }
        result
    }

    /// How long a handshake may take, and whether it is the deadline that ends
    /// it.
    fn handshake_time(&self) -> (Duration, bool) {
        let left = self.deadline_left();
        (self.call.timeout.min(left), left < self.call.timeout)
    }

    fn no_handshake_in_time(&self, peer: &str, by_deadline: bool) -> Failure {
        let took = self.call.clock.since(self.phase_began);
        let (kind, message) = if by_deadline {
            (
                Kind::Deadline,
                format!("the time for {peer} was used up in the TLS handshake"),
            )
        } else {
            (
                Kind::HandshakeTimeout,
                format!(
                    "{peer} did not finish the TLS handshake within {} s",
                    self.call.timeout.as_secs()
                ),
            )
        };
        let mut failure = Failure::new(Stage::Handshake, kind, message);
        failure.detail.waited = Some(took);
        failure
    }

    /// Sends a hello made by hand and reads the answer to its end. Then the
    /// connection is dropped, with a word that no more comes.
    async fn ask(&mut self, mut stream: TcpStream, hello: &ClientHello, peer: &str) -> Answer {
        /// close_notify, as a warning (RFC 5246, section 7.2.1).
        const CLOSE_NOTIFY: [u8; 7] = [21, 3, 1, 0, 2, 1, 0];
        self.phase_began = self.call.clock.moment();
        let (span, by_deadline) = self.handshake_time();
        let mut flight = Flight::default();
        let reading = async {
            stream.write_all(&hello.to_octets()).await?;
            stream.flush().await?;
            let mut buffer = [0; 8192];
            loop {
                let length = stream.read(&mut buffer).await?;
                if length == 0 {
                    return Ok::<_, io::Error>(Heard::End);
                }
                match flight.push(&buffer[..length]) {
                    Ok(Reading::More) => {}
                    Ok(Reading::Done) => return Ok(Heard::Octets(length)),
                    Err(error) => return Ok(Heard::Garbled(error)),
                }
            }
        };
        let read = self.call.clock.timeout(span, reading).await;
        let closed = |error: Option<io::Error>| {
            let mut failure = Failure::new(
                Stage::Handshake,
                Kind::ClosedByPeer,
                format!("{peer} closed the connection instead of answering a simple hello"),
            );
            failure.detail.os_error = error.and_then(|error| error.raw_os_error());
            failure
        };
        let trouble = match read {
            Ok(Ok(Heard::Octets(_))) => None,
            Ok(Ok(Heard::Garbled(FlightError::NotTls))) => Some(Failure::new(
                Stage::Handshake,
                Kind::HandshakeNotTls,
                format!("{peer} answered a simple hello with something that is not TLS"),
            )),
            Ok(Ok(Heard::Garbled(error))) => Some(Failure::new(
                Stage::Handshake,
                Kind::HandshakeIncompatible,
                format!("{peer} answered a simple hello, but {error}"),
            )),
            Ok(Ok(_)) => Some(closed(None)),
            Ok(Err(error)) => Some(closed(Some(error))),
            Err(_) => Some(self.no_handshake_in_time(peer, by_deadline)),
        };
        let (left, _) = self.left();
        let farewell = async {
            let _ = stream.write_all(&CLOSE_NOTIFY).await;
            let _ = stream.shutdown().await;
        };
        let _ = self.call.clock.timeout(left.min(QUIT_WAIT), farewell).await;
        let answer = Answer {
            flight: flight.into_seen(),
            trouble,
        };
        self.note(match (&answer.trouble, answer.in_words()) {
            (_, Some(words)) => Event::Answered(words),
            (Some(failure), None) => Event::Failed(failure.message.clone()),
            (None, None) => Event::Answered("no ServerHello".to_owned()),
        });
        answer
    }

    /// Enters a phase: its time begins, and the last one's is written down.
    fn enter(&mut self, phase: Phase) {
        if phase == self.phase {
            return;
        }
        let took = Some(self.call.clock.since(self.phase_began));
        match self.phase {
            Phase::Greeting => self.timings.greeting = took,
            Phase::Ehlo => self.timings.ehlo = took,
            Phase::Starttls => self.timings.starttls = took,
            Phase::AfterTls | Phase::Quit => {}
        }
        self.phase = phase;
        self.phase_began = self.call.clock.moment();
    }

    /// What is left of the phase's time, and whether it is the deadline that
    /// ends it.
    fn left(&self) -> (Duration, bool) {
        let whole = match self.phase {
            Phase::Quit => QUIT_WAIT.min(self.call.timeout),
            _ => self.call.timeout,
        };
        let phase = self.call.clock.left(self.phase_began, whole);
        let deadline = self.deadline_left();
        (phase.min(deadline), deadline < phase)
    }

    fn deadline_left(&self) -> Duration {
        self.call.clock.left(self.began, self.call.deadline)
    }

    fn note(&mut self, event: Event) {
        let at = self.call.clock.since(self.began);
        self.transcript.push(Exchange { at, event });
    }
}

/// What a handshake came to.
struct Shaken {
    result: Result<Handshake, Failure>,
    hello_answered: bool,
    proved: bool,
    injected: bool,
}

enum Heard {
    Octets(usize),
    /// Octets of which nothing more can be made.
    Garbled(FlightError),
    End,
    Broken(io::Error),
    Nothing {
        deadline: bool,
    },
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
pub(in crate::probe) mod tests;
