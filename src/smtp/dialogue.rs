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
use crate::observed::endpoint::{AfterTls, Anomaly, EhloReply, Reply, Verb};
use crate::smtp::ehlo;
use crate::smtp::masking::{self, Mask};
use crate::smtp::reply::{ReplyError, ReplyParser};

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
    mask: Option<Mask>,
    ehlo_refusal: Option<Reply>,
    starttls_refusal: Option<Failure>,
    /// Lines since the driver last took them.
    lines: Vec<Vec<u8>>,
    /// Failures since the driver last took them, in words.
    troubles: Vec<String>,
    outcome: Outcome,
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
            mask: None,
            ehlo_refusal: None,
            starttls_refusal: None,
            lines: Vec::new(),
            troubles: Vec::new(),
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

    fn on_greeting(&mut self, reply: Reply) -> Step {
        // RFC 5321, section 4.2: the first digit decides.
        let failure = match reply.code / 100 {
            2 => {
                self.mask = masking::in_greeting(&reply);
                self.outcome.greeting = Attempt::Done(reply);
                self.state = State::Ehlo;
                return Step::Say(format!("EHLO {}", self.name));
            }
            // RFC 5321, section 3.1 has 554 here; 421 and kin are said to
            // clients that come too often. Neither says anything about TLS.
            4 => self.refusal(
                Kind::GreetingTemporary,
                &reply,
                "put us off before TLS could be tried",
            ),
            5 => self.refusal(
                Kind::GreetingRejected,
                &reply,
                "refused us before TLS could be tried",
            ),
            _ => self.refusal(
                Kind::ReplyMalformed,
                &reply,
                "greeted with a code that is no greeting",
            ),
        };
        self.fail(failure);
        self.quit()
    }

    fn on_ehlo(&mut self, reply: Reply) -> Option<Step> {
        let failure = match (reply.code / 100, reply.code) {
            // A second greeting, sent before EHLO was heard.
            (2, 220) => return self.pass_over(&reply),
            (2, _) => return Some(self.accept_ehlo(reply)),
            (4, _) => self.refusal(
                Kind::EhloTemporary,
                &reply,
                "put us off on EHLO, before TLS could be tried",
            ),
            (5, _) if !self.is_about_us(&reply) => {
                // RFC 5321, section 3.2: a server without service extensions
                // refuses EHLO, and the client may go on with HELO.
                self.ehlo_refusal = Some(reply);
                self.state = State::Helo;
                return Some(Step::Say(format!("HELO {}", self.name)));
            }
            (5, _) => self.refusal(
                Kind::EhloRejected,
                &reply,
                "refused our name or address on EHLO, before TLS could be tried",
            ),
            _ => self.refusal(
                Kind::ReplyMalformed,
                &reply,
                "answered EHLO with a code that is no answer to it",
            ),
        };
        self.fail(failure);
        Some(self.quit())
    }

    /// Whether a 5yz reply to EHLO speaks of this client and not of the verb:
    /// RFC 5321, section 4.2.2 has 500 and 502 for a verb that is not known or
    /// not implemented; 554 and 521 are said to clients that are not wanted.
    fn is_about_us(&self, reply: &Reply) -> bool {
        match reply.code {
            500 | 502 => false,
            521 | 554 => true,
            _ => {
                let text = reply.lines.join(&b' ').to_ascii_lowercase();
                let text = String::from_utf8_lossy(&text).into_owned();
                self.ours
                    .iter()
                    .any(|word| text.contains(&word.to_ascii_lowercase()))
            }
        }
    }

    fn accept_ehlo(&mut self, reply: Reply) -> Step {
        let keywords = ehlo::keywords(&reply);
        if ehlo::offers_auth(&keywords) {
            self.note(Anomaly::AuthBeforeTls);
        }
        let offered = ehlo::offers(&keywords, "STARTTLS");
        let mask = masking::in_keywords(&reply).or_else(|| self.mask.take());
        self.outcome.ehlo = Attempt::Done(EhloReply {
            verb: Verb::Ehlo,
            keywords,
            lines: reply.lines,
        });
        if offered {
            self.state = State::Starttls;
            self.stray_replies = 0;
            if !self.parser.pending().is_empty() {
                self.note(Anomaly::UnexpectedReply);
            }
            return Step::Say("STARTTLS".into());
        }
        match mask {
            Some(mask) => {
                let failure = self.masked(&mask);
                self.troubles.push(failure.message.clone());
                self.fail_starttls(failure);
            }
            None => self.not_offered(),
        }
        self.quit()
    }

    fn on_helo(&mut self, reply: Reply) -> Step {
        let refusal = self.ehlo_refusal.take();
        if reply.code / 100 == 2 {
            // RFC 5321, section 4.1.1.1: HELO asks for no extensions, and
            // STARTTLS is one.
            self.outcome.ehlo = Attempt::Done(EhloReply {
                verb: Verb::Helo,
                keywords: Vec::new(),
                lines: reply.lines,
            });
            match self.mask.take() {
                Some(mask) => {
                    let failure = self.masked(&mask);
                    self.troubles.push(failure.message.clone());
                    self.fail_starttls(failure);
                }
                None => self.not_offered(),
            }
            return self.quit();
        }
        let kind = if reply.code / 100 == 4 {
            Kind::EhloTemporary
        } else {
            Kind::EhloRejected
        };
        let mut failure = self.refusal(kind, &reply, "refused EHLO and HELO");
        if let Some(refusal) = refusal {
            failure.detail.code = Some(refusal.code);
            failure.heard = Some([refusal.lines, reply.lines].concat().join(&b"\r\n"[..]));
        }
        self.fail(failure);
        self.quit()
    }

    fn on_starttls(&mut self, reply: Reply) -> Option<Step> {
        // RFC 3207, section 4: 220 goes ahead, 454 is a passing trouble.
        let failure = match (reply.code / 100, reply.code) {
            (2, 220) => {
                self.outcome.starttls = Attempt::Done(reply);
                // What follows in clear is nobody's protected word; it is
                // noted and thrown away (RFC 3207, section 6).
                if !self.parser.pending().is_empty() {
                    self.note(Anomaly::DataBeforeHandshake);
                }
                self.parser.discard();
                self.state = State::Handshake;
                return Some(Step::Handshake);
            }
            (4, _) => self.refusal(
                Kind::StarttlsTemporary,
                &reply,
                "offers STARTTLS but put it off",
            ),
            (5, _) => match masking::in_refusal(&reply) {
                Some(mask) => {
                    let failure = self.masked(&mask);
                    self.starttls_refusal = None;
                    self.fail(failure);
                    return Some(self.quit());
                }
                None => self.refusal(
                    Kind::StarttlsRejected,
                    &reply,
                    "offers STARTTLS but refused it",
                ),
            },
            _ => return self.pass_over(&reply),
        };
        // RFC 5321, section 3.8: after 421 the server closes the connection.
        if self.starttls_refusal.is_none() && reply.code != 421 {
            self.starttls_refusal = Some(failure);
            return Some(Step::Pause(PAUSE_BEFORE_REPEAT));
        }
        self.starttls_refusal = None;
        self.fail(failure);
        Some(self.quit())
    }

    fn on_ehlo_after_tls(&mut self, reply: Reply) -> Option<Step> {
        match (reply.code / 100, reply.code) {
            (2, 220) => return self.pass_over(&reply),
            (2, _) => {
                let keywords = ehlo::keywords(&reply);
                // RFC 3207, section 4.2: it must not be offered again.
                if ehlo::offers(&keywords, "STARTTLS") {
                    self.note(Anomaly::StarttlsAfterTls);
                }
                self.outcome.after_tls = Attempt::Done(AfterTls { keywords });
            }
            (class, _) => {
                let kind = match class {
                    4 => Kind::EhloTemporary,
                    5 => Kind::EhloRejected,
                    _ => Kind::ReplyMalformed,
                };
                let failure = self.refusal(kind, &reply, "refused EHLO after the handshake");
                self.fail(failure);
            }
        }
        Some(self.quit())
    }

    /// A reply that answers nothing we said. A few are passed over.
    fn pass_over(&mut self, reply: &Reply) -> Option<Step> {
        self.note(Anomaly::UnexpectedReply);
        self.stray_replies += 1;
        if self.stray_replies <= MOST_STRAY_REPLIES {
            return None;
        }
        let failure = self.refusal(
            Kind::ReplyMalformed,
            reply,
            "sent replies to nothing that was asked",
        );
        self.fail(failure);
        Some(self.quit())
    }

    fn on_garbage(&mut self, error: ReplyError) -> Step {
        let failure = match error {
            ReplyError::Malformed(line) => {
                self.lines.push(line.clone());
                Failure::new(
                    self.stage(),
                    Kind::ReplyMalformed,
                    format!("{} sent a line that is no SMTP reply", self.peer),
                )
                .heard(line)
            }
            ReplyError::TooLong => {
                let mut start = self.parser.partial();
                start.truncate(1024);
                Failure::new(
                    self.stage(),
                    Kind::ReplyTooLong,
                    format!("{} sent a reply without end", self.peer),
                )
                .heard(start)
            }
        };
        self.parser.discard();
        self.fail(failure);
        self.leave()
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
                self.outcome.starttls = Attempt::Skipped(because);
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
