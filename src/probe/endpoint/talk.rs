//! The inside of a conversation: the dialogue, the handshake and the hello made
//! by hand, each within its time, and the log of it all.
//!
//! Entry points: [`Talk::run`], [`Talk::shake`] and [`Talk::ask`]. What is
//! wanted and when to stop is the dialogue's affair; here are socket and clock.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{Answer, Call, Errand, judged};
use crate::failure::{Failure, Kind, Stage};
use crate::observed::endpoint::{Event, Exchange, Timings};
use crate::probe::capture::{Broken, Captured, Offer, Tap, late_alert};
use crate::probe::net::Moment;
use crate::smtp::dialogue::{Dialogue, Phase, Step};
use crate::tls::handshake::Handshake;
use crate::tls::hello::ClientHello;
use crate::tls::hello::flight::{Flight, FlightError, Step as Reading};

/// How long a reply to QUIT is waited for. RFC 5321, section 4.1.1.10 wants
/// it awaited; nothing depends on it.
const QUIT_WAIT: Duration = Duration::from_secs(5);

/// How long an answer is waited for to a command that should have been
/// forgotten.
const INJECTION_WAIT: Duration = Duration::from_secs(3);

/// Octets of a reply that are taken at a time. Most replies are shorter than
/// 512 octets, and as many as there are connections are in memory.
const READ_AT_ONCE: usize = 1024;

/// How a run of the dialogue ended.
pub(super) enum End {
    Handshake,
    Closed,
    /// The connection broke while a reply was awaited.
    Broken(io::Error),
}

/// The clock, the log, and the limits of a conversation.
pub(super) struct Talk<'a> {
    call: &'a Call<'a>,
    began: Moment,
    phase: Phase,
    phase_began: Moment,
    pub(super) timings: Timings,
    pub(super) transcript: Vec<Exchange>,
}

impl<'a> Talk<'a> {
    /// A conversation over a connection that took so long to come about.
    pub(super) fn new(call: &'a Call<'a>, began: Moment, connected: Duration) -> Self {
        let mut talk = Self {
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
        talk
    }

    /// Does what the dialogue says until it wants a handshake or its end.
    pub(super) async fn run<S>(
        &mut self,
        stream: &mut S,
        dialogue: &mut Dialogue,
        mut step: Step,
    ) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut buffer = [0; READ_AT_ONCE];
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
    pub(super) async fn shake(
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
    pub(super) async fn ask(
        &mut self,
        mut stream: TcpStream,
        hello: &ClientHello,
        peer: &str,
    ) -> Answer {
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

    pub(super) fn note(&mut self, event: Event) {
        let at = self.call.clock.since(self.began);
        self.transcript.push(Exchange { at, event });
    }
}

/// What a handshake came to.
pub(super) struct Shaken {
    pub(super) result: Result<Handshake, Failure>,
    pub(super) hello_answered: bool,
    pub(super) proved: bool,
    pub(super) injected: bool,
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
