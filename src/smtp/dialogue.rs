//! What to say next, and what each step came to: greeting, EHLO or HELO,
//! STARTTLS, EHLO again, QUIT (RFC 5321, section 3; RFC 3207, section 4).
//!
//! A state machine without IO or clock. The driver does what a [`Step`] asks
//! and tells what came of it: [`Dialogue::said`], [`Dialogue::heard`],
//! [`Dialogue::silence`], [`Dialogue::closed`], [`Dialogue::paused`],
//! [`Dialogue::secured`], [`Dialogue::not_secured`]. At [`Step::Close`] the
//! [`Outcome`] holds every step as done, failed, or skipped.
//!
//! Decisions are made on codes alone; texts count only as marks of a
//! middlebox and to see that a refusal is about us (RFC 5321, section 4.2).
//! A refused STARTTLS is said once more, after a pause, on the same
//! connection: RFC 3207, section 4 lets the session go on after a 454, and a
//! second connection in a row is what rate limits punish.

use std::time::Duration;

use crate::attempt::{Attempt, Because};
use crate::failure::{Failure, Kind, Stage};
use crate::observed::endpoint::{AfterTls, Anomaly, EhloReply, Reply};
use crate::smtp::masking::Mask;
use crate::smtp::reply::ReplyParser;

mod replies;

/// How long to wait before STARTTLS is said again.
pub const PAUSE_BEFORE_REPEAT: Duration = Duration::from_secs(1);

/// Replies nobody asked for that are passed over before the dialogue ends.
const MOST_STRAY_REPLIES: u32 = 3;

/// One conversation with a server.
#[derive(Debug)]
pub struct Dialogue {
    /// The server as messages name it: `mx1.partner.example (192.0.2.25)`.
    peer: String,
    /// What EHLO says.
    name: String,
    /// Words that show a refusal to be about us: our name, our address.
    ours: Vec<String>,
    state: State,
    parser: ReplyParser,
    stray_replies: u32,
    /// TLS came first: all of the dialogue is inside it.
    implicit: bool,
    mask: Option<Mask>,
    ehlo_refusal: Option<Reply>,
    starttls_refusal: Option<Failure>,
    /// Lines since the driver last took them.
    lines: Vec<Vec<u8>>,
    /// Failures since the driver last took them, in words.
    troubles: Vec<String>,
    wish: Wish,
    outcome: Outcome,
}

/// How far the dialogue goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Usual,
    EhloOnly,
    Starttls,
}

/// What every step came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub greeting: Attempt<Reply>,
    pub ehlo: Attempt<EhloReply>,
    pub starttls: Attempt<Reply>,
    /// Why there was no handshake; the driver puts in its place what came of
    /// one.
    pub handshake: Because,
    pub after_tls: Attempt<AfterTls>,
    pub anomalies: Vec<Anomaly>,
}

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this command and CRLF, then call [`Dialogue::said`].
    Say(String),
    /// Read, within the time of the phase.
    Hear,
    /// Let this time pass, then call [`Dialogue::paused`].
    Pause(Duration),
    /// Do the TLS handshake.
    Handshake,
    /// Close the connection.
    Close,
}

/// Which wait the dialogue is in; each has a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Greeting,
    Ehlo,
    Starttls,
    AfterTls,
    Quit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    Ehlo,
    Helo,
    Starttls,
    Handshake,
    EhloAfterTls,
    /// QUIT is said and its reply awaited.
    Quit,
    /// QUIT is said to a server that no reply is expected from.
    Leaving,
    Closed,
}

impl Dialogue {
    /// A dialogue that begins with the wait for a greeting: a client that
    /// speaks first may be refused for it (RFC 5321, section 4.3.1).
    #[must_use]
    pub fn new(peer: String, name: String, ours: Vec<String>) -> Self {
        let before = || Because::After(Stage::Greeting);
        Self {
            peer,
            name,
            ours,
            state: State::Greeting,
            parser: ReplyParser::default(),
            stray_replies: 0,
            implicit: false,
            mask: None,
            ehlo_refusal: None,
            starttls_refusal: None,
            lines: Vec::new(),
            troubles: Vec::new(),
            wish: Wish::Usual,
            outcome: Outcome {
                greeting: Attempt::Skipped(Because::NotAsked),
                ehlo: Attempt::Skipped(before()),
                starttls: Attempt::Skipped(before()),
                handshake: before(),
                after_tls: Attempt::Skipped(before()),
                anomalies: Vec::new(),
            },
        }
    }

    /// A dialogue that is inside TLS from its first octet (RFC 8314, section
    /// 3.3). It begins with [`Dialogue::secured`] or [`Dialogue::not_secured`].
    #[must_use]
    pub fn implicit(peer: String, name: String, ours: Vec<String>) -> Self {
        let mut dialogue = Self::new(peer, name, ours);
        let before = Because::After(Stage::Handshake);
        dialogue.implicit = true;
        dialogue.state = State::Handshake;
        dialogue.outcome.greeting = Attempt::Skipped(before);
        dialogue.outcome.ehlo = Attempt::Skipped(before);
        dialogue.outcome.starttls = Attempt::Skipped(Because::ImplicitTls);
        dialogue.outcome.handshake = before;
        dialogue.outcome.after_tls = Attempt::Skipped(before);
        dialogue
    }

    /// Only what EHLO is answered with is wanted.
    pub fn leave_after_ehlo(&mut self) {
        self.wish = Wish::EhloOnly;
    }

    /// STARTTLS is to be said whether it is offered or not, which is no rule of
    /// RFC 3207 but shows a server whose EHLO reply was edited on the way.
    pub fn say_starttls_anyway(&mut self) {
        self.wish = Wish::Starttls;
    }

    /// The wait the dialogue is in.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Greeting => Phase::Greeting,
            State::Ehlo | State::Helo => Phase::Ehlo,
            State::Starttls | State::Handshake => Phase::Starttls,
            State::EhloAfterTls => Phase::AfterTls,
            State::Quit | State::Leaving | State::Closed => Phase::Quit,
        }
    }

    /// The lines heard since this was last called.
    pub fn take_lines(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.lines)
    }

    /// The failures met since this was last called, in words.
    pub fn take_troubles(&mut self) -> Vec<String> {
        std::mem::take(&mut self.troubles)
    }

    /// What every step came to. Whole once [`Step::Close`] was given.
    #[must_use]
    pub fn into_outcome(mut self) -> Outcome {
        let oddities = self.parser.oddities();
        for (seen, anomaly) in [
            (oddities.bare_lf, Anomaly::BareLf),
            (oddities.over_long_line, Anomaly::OverLongLine),
            (oddities.code_mismatch, Anomaly::CodeMismatch),
        ] {
            if seen {
                self.note(anomaly);
            }
        }
        self.outcome.anomalies.sort_unstable();
        self.outcome
    }

    /// The command was sent.
    pub fn said(&mut self) -> Step {
        if self.state == State::Leaving {
            return self.close();
        }
        self.go_on()
    }

    /// Octets came.
    pub fn heard(&mut self, octets: &[u8]) -> Step {
        self.parser.push(octets);
        self.go_on()
    }

    /// Nothing came for the whole time of the phase, or (`deadline`) the time
    /// of the endpoint is used up.
    pub fn silence(&mut self, waited: Duration, deadline: bool) -> Step {
        let kind = match (deadline, self.state) {
            (true, _) => Kind::Deadline,
            (false, State::Greeting) => Kind::GreetingTimeout,
            (false, _) => Kind::ReplyTimeout,
        };
        let seconds = waited.as_secs();
        let what = match self.state {
            State::Greeting => "a whole greeting",
            State::Ehlo | State::Helo => "a whole reply to EHLO",
            State::Starttls | State::Handshake => "a whole reply to STARTTLS",
            State::EhloAfterTls => "a whole reply to EHLO after the handshake",
            State::Quit | State::Leaving | State::Closed => return self.close(),
        };
        let message = if deadline {
            format!(
                "the time for {} was used up before it gave {what}",
                self.peer
            )
        } else {
            format!("{} gave no {} within {seconds} s", self.peer, &what[2..])
        };
        let mut failure = self.with_partial(Failure::new(self.stage(), kind, message));
        failure.detail.waited = Some(waited);
        self.fail(failure);
        self.leave()
    }

    /// The server closed the connection, or it broke; `error` is what the
    /// operating system says.
    pub fn closed(&mut self, error: Option<&std::io::Error>) -> Step {
        let when = match self.state {
            State::Greeting => "before a greeting",
            State::Ehlo => "on EHLO",
            State::Helo => "on HELO, after refusing EHLO",
            State::Starttls | State::Handshake => "on STARTTLS",
            State::EhloAfterTls => "on EHLO after the handshake",
            State::Quit | State::Leaving | State::Closed => return self.close(),
        };
        let how = if error.is_some() {
            "broke off the connection"
        } else {
            "closed the connection"
        };
        let mut failure = self.with_partial(Failure::new(
            self.stage(),
            Kind::ClosedByPeer,
            format!("{} {how} {when}", self.peer),
        ));
        failure.detail.os_error = error.and_then(std::io::Error::raw_os_error);
        self.fail(failure);
        self.close()
    }

    /// The pause is over.
    pub fn paused(&mut self) -> Step {
        Step::Say("STARTTLS".into())
    }

    /// The handshake was done; both sides forget what was said before
    /// (RFC 3207, section 4.2), so EHLO is said again.
    pub fn secured(&mut self) -> Step {
        if self.implicit {
            let before = Because::After(Stage::Greeting);
            self.outcome.ehlo = Attempt::Skipped(before);
            self.outcome.after_tls = Attempt::Skipped(before);
            self.state = State::Greeting;
            return Step::Hear;
        }
        self.state = State::EhloAfterTls;
        self.stray_replies = 0;
        self.parser.discard();
        Step::Say(format!("EHLO {}", self.name))
    }

    /// The handshake failed. Nothing can be said on such a connection.
    pub fn not_secured(&mut self) -> Step {
        self.outcome.after_tls = Attempt::Skipped(Because::After(Stage::Handshake));
        self.close()
    }

    fn go_on(&mut self) -> Step {
        while !matches!(self.state, State::Closed | State::Handshake) {
            match self.parser.next_reply() {
                Ok(None) => return Step::Hear,
                Ok(Some(reply)) => {
                    self.lines.extend(reply.lines.iter().cloned());
                    if let Some(step) = self.on_reply(reply) {
                        return step;
                    }
                }
                Err(error) => return self.on_garbage(error),
            }
        }
        Step::Close
    }

    fn on_reply(&mut self, reply: Reply) -> Option<Step> {
        match self.state {
            State::Greeting => Some(self.on_greeting(reply)),
            State::Ehlo => self.on_ehlo(reply),
            State::Helo => Some(self.on_helo(reply)),
            State::Starttls => self.on_starttls(reply),
            State::EhloAfterTls => self.on_ehlo_after_tls(reply),
            State::Quit | State::Leaving | State::Handshake | State::Closed => Some(self.close()),
        }
    }

    fn refusal(&self, kind: Kind, reply: &Reply, did: &str) -> Failure {
        let mut failure = Failure::new(
            self.stage(),
            kind,
            format!("{} {did} (code {})", self.peer, reply.code),
        )
        .heard(reply.lines.join(&b"\r\n"[..]));
        failure.detail.code = Some(reply.code);
        failure
    }

    fn masked(&self, mask: &Mask) -> Failure {
        Failure::new(
            Stage::Starttls,
            Kind::StarttlsMasked,
            format!(
                "a middlebox before {} takes STARTTLS out: {}",
                self.peer,
                mask.mark.means()
            ),
        )
        .heard(mask.heard.clone())
    }

    /// What a refusal keeps us from learning.
    fn before_tls(&self) -> &'static str {
        if self.implicit {
            ""
        } else {
            ", before TLS could be tried"
        }
    }

    fn with_partial(&self, failure: Failure) -> Failure {
        let mut partial = self.parser.partial();
        partial.truncate(1024);
        if partial.is_empty() {
            failure
        } else {
            failure.heard(partial)
        }
    }

    /// The stage a failure now belongs to.
    fn stage(&self) -> Stage {
        match self.state {
            State::Greeting => Stage::Greeting,
            State::Ehlo | State::Helo | State::EhloAfterTls => Stage::Ehlo,
            State::Starttls => Stage::Starttls,
            State::Handshake => Stage::Handshake,
            State::Quit | State::Leaving | State::Closed => Stage::Ehlo,
        }
    }

    /// Puts a failure where it belongs; what comes behind is skipped for it.
    fn fail(&mut self, failure: Failure) {
        self.troubles.push(failure.message.clone());
        match self.state {
            State::Greeting => self.outcome.greeting = Attempt::failed(failure),
            State::Ehlo | State::Helo => {
                self.outcome.ehlo = Attempt::failed(failure);
                let because = Because::After(Stage::Ehlo);
                if !self.implicit {
                    self.outcome.starttls = Attempt::Skipped(because);
                }
                self.outcome.handshake = because;
                self.outcome.after_tls = Attempt::Skipped(because);
            }
            State::Starttls => {
                // Where the repeated STARTTLS found silence, the refusal that
                // came first is what the server said.
                let failure = self.starttls_refusal.take().unwrap_or(failure);
                self.fail_starttls(failure);
            }
            State::EhloAfterTls => {
                self.note(Anomaly::EhloAfterTlsFailed);
                self.outcome.after_tls = Attempt::failed(failure);
            }
            State::Handshake | State::Quit | State::Leaving | State::Closed => {}
        }
    }

    fn fail_starttls(&mut self, failure: Failure) {
        let because = Because::After(Stage::Starttls);
        self.outcome.starttls = Attempt::failed(failure);
        self.outcome.handshake = because;
        self.outcome.after_tls = Attempt::Skipped(because);
    }

    fn not_offered(&mut self) {
        self.outcome.starttls = Attempt::Skipped(Because::NotOffered);
        self.outcome.handshake = Because::NotOffered;
        self.outcome.after_tls = Attempt::Skipped(Because::NotOffered);
    }

    fn note(&mut self, anomaly: Anomaly) {
        if !self.outcome.anomalies.contains(&anomaly) {
            self.outcome.anomalies.push(anomaly);
        }
    }

    /// RFC 5321, section 4.1.1.10: QUIT, and wait for the reply, before
    /// closing.
    fn quit(&mut self) -> Step {
        self.state = State::Quit;
        Step::Say("QUIT".into())
    }

    fn leave(&mut self) -> Step {
        self.state = State::Leaving;
        Step::Say("QUIT".into())
    }

    fn close(&mut self) -> Step {
        self.state = State::Closed;
        Step::Close
    }
}

#[cfg(test)]
#[path = "dialogue_tests.rs"]
mod tests;
