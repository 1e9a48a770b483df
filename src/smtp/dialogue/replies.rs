//! What a reply means in each state: the decisions of the dialogue, by the
//! first digit of the code (RFC 5321, section 4.2).

use super::{Dialogue, MOST_STRAY_REPLIES, PAUSE_BEFORE_REPEAT, State, Step, Wish};
use crate::attempt::{Attempt, Because};
use crate::failure::{Failure, Kind};
use crate::observed::endpoint::{AfterTls, Anomaly, EhloReply, Reply, Verb};
use crate::smtp::ehlo;
use crate::smtp::masking;
use crate::smtp::reply::ReplyError;

impl Dialogue {
    pub(super) fn on_greeting(&mut self, reply: Reply) -> Step {
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
                &format!("put us off{}", self.before_tls().trim_start_matches(',')),
            ),
            5 => self.refusal(
                Kind::GreetingRejected,
                &reply,
                &format!("refused us{}", self.before_tls().trim_start_matches(',')),
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

    pub(super) fn on_ehlo(&mut self, reply: Reply) -> Option<Step> {
        let failure = match (reply.code / 100, reply.code) {
            // A second greeting, sent before EHLO was heard.
            (2, 220) => return self.pass_over(&reply),
            (2, _) => return Some(self.accept_ehlo(reply)),
            (4, _) => self.refusal(
                Kind::EhloTemporary,
                &reply,
                &format!("put us off on EHLO{}", self.before_tls()),
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
                &format!("refused our name or address on EHLO{}", self.before_tls()),
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
        if self.implicit {
            return self.accept_ehlo_inside_tls(keywords, reply.lines);
        }
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
        if self.wish == Wish::EhloOnly {
            self.outcome.starttls = Attempt::Skipped(Because::NotAsked);
            self.outcome.handshake = Because::NotAsked;
            return self.quit();
        }
        if offered || self.wish == Wish::Starttls {
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

    /// The one EHLO of a dialogue that began with TLS.
    fn accept_ehlo_inside_tls(&mut self, keywords: Vec<String>, lines: Vec<Vec<u8>>) -> Step {
        // RFC 3207, section 4.2 says it of a session that STARTTLS began; here
        // too there is nothing left to start.
        if ehlo::offers(&keywords, "STARTTLS") {
            self.note(Anomaly::StarttlsAfterTls);
        }
        self.outcome.after_tls = Attempt::Done(AfterTls {
            keywords: keywords.clone(),
        });
        self.outcome.ehlo = Attempt::Done(EhloReply {
            verb: Verb::Ehlo,
            keywords,
            lines,
        });
        self.quit()
    }

    pub(super) fn on_helo(&mut self, reply: Reply) -> Step {
        let refusal = self.ehlo_refusal.take();
        if reply.code / 100 == 2 {
            // RFC 5321, section 4.1.1.1: HELO asks for no extensions, and
            // STARTTLS is one.
            self.outcome.ehlo = Attempt::Done(EhloReply {
                verb: Verb::Helo,
                keywords: Vec::new(),
                lines: reply.lines,
            });
            if self.implicit {
                self.outcome.after_tls = Attempt::Done(AfterTls {
                    keywords: Vec::new(),
                });
                return self.quit();
            }
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

    pub(super) fn on_starttls(&mut self, reply: Reply) -> Option<Step> {
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

    pub(super) fn on_ehlo_after_tls(&mut self, reply: Reply) -> Option<Step> {
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

    pub(super) fn on_garbage(&mut self, error: ReplyError) -> Step {
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
}
