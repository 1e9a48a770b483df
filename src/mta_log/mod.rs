//! What the logs of mail servers say of one delivery: whether it went over TLS,
//! and if not, why. Pure; lines in, statements out.
//!
//! Entry points: [`Wanted`] holds what is looked for: the queue ids, message ids
//! and hosts of the hops of some messages. [`Reader::feed`] takes the lines of
//! one log in order, [`Reader::finish`] gives the
//! [`Statement`]s. Nothing but what is wanted is kept, so a log of any
//! length is read once, in memory that depends on the number of messages.
//!
//! What is read: Postfix `smtp`, `smtpd` and `cleanup` (with
//! `smtp_tls_loglevel` and `smtpd_tls_loglevel` at 1 or above; the TLS lines
//! name no queue id, and are joined by process and address) and Exim's main log
//! (`<=`, `=>`, `->`, `==`, `**`, `TLS session`, `rejected STARTTLS`). Time stamps
//! are those of syslog (RFC 3164, section 4.1.2), RFC 3339, journald's
//! short-iso, and Exim's own.
//!
//! Silence has to be earned here too: that a delivery without a TLS line went in
//! cleartext is only said where the same log shows that TLS is logged.
//!
//! A stamp without a year is of the year that brings it nearest to the hop, one
//! without a zone is in the zone that the host itself wrote into the message;
//! either is said beside the quotation.
//!
//! Not supported: Sendmail, OpenSMTPD and others; Postfix before 2.3; logs in
//! JSON.

mod exim;
mod line;
mod postfix;
mod stamp;
mod wanted;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;

use crate::observed::statement::{Said, StatedBy, Statement};

pub use stamp::{Stamp, offset as zone};
pub use wanted::{HopKey, Wanted};

/// Statements that one log may give.
const MOST_STATEMENTS: usize = 200_000;

/// Characters of a line that are quoted.
const MOST_QUOTED: usize = 400;

/// Octets of a line that are looked at; what follows is passed over.
pub const MOST_OF_LINE: usize = 16 << 10;

/// Reads one log.
#[derive(Debug)]
pub struct Reader<'w> {
    out: Out<'w>,
    postfix: postfix::Log,
    exim: exim::Log,
    number: u64,
    understood: u64,
}

impl<'w> Reader<'w> {
    /// A log by this name; `zone` is that of stamps without one, where it is
    /// known.
    #[must_use]
    pub fn new(name: &str, zone: Option<jiff::tz::Offset>, wanted: &'w Wanted) -> Self {
        Self {
            out: Out {
                name: name.to_owned(),
                zone,
                wanted,
                statements: Vec::new(),
                known: HashMap::new(),
            },
            postfix: postfix::Log::default(),
            exim: exim::Log::default(),
            number: 0,
            understood: 0,
        }
    }

    /// The next line, without its end.
    pub fn feed(&mut self, line: &[u8]) {
        self.number += 1;
        let line = &line[..line.len().min(MOST_OF_LINE)];
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\r', '\n']);
        let Some(entry) = line::read(text) else {
            return;
        };
        self.understood += 1;
        let at = At {
            number: self.number,
            stamp: entry.stamp,
            text,
        };
        match entry.program {
            line::Program::Postfix { service, pid } => {
                self.postfix
                    .hear(service, pid, entry.body, &at, &mut self.out);
            }
            line::Program::Exim => self.exim.hear(entry.body, &at, &mut self.out),
        }
    }

    /// What the log said of what is wanted.
    #[must_use]
    pub fn finish(mut self) -> Vec<Statement> {
        self.postfix.end(&mut self.out);
        self.exim.end(&mut self.out);
        self.out.statements
    }

    /// Lines read so far that a program wrote which is known here.
    #[must_use]
    pub fn understood(&self) -> u64 {
        self.understood
    }
}

/// Where something stands in the log.
#[derive(Debug, Clone, Copy)]
struct At<'a> {
    number: u64,
    stamp: Stamp,
    text: &'a str,
}

impl At<'_> {
    fn kept(&self) -> Kept {
        Kept {
            number: self.number,
            stamp: self.stamp,
            quote: self.text.chars().take(MOST_QUOTED).collect(),
        }
    }
}

/// The same, to be told later.
#[derive(Debug, Clone)]
struct Kept {
    number: u64,
    stamp: Stamp,
    quote: String,
}

/// Who talked to whom, as far as a line tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Peer {
    name: Option<String>,
    ip: Option<IpAddr>,
    /// The client's port or the server's, where one is logged.
    port: Option<u16>,
}

/// Where statements go.
#[derive(Debug)]
struct Out<'w> {
    name: String,
    zone: Option<jiff::tz::Offset>,
    wanted: &'w Wanted,
    statements: Vec<Statement>,
    /// Ids of the log's own that are of wanted messages, learnt by message id.
    known: HashMap<String, Vec<usize>>,
}

impl Out<'_> {
    /// A queue id of this log is of a message that is wanted.
    fn learn(&mut self, id: &str, message_id: &str) {
        const MOST_KNOWN: usize = 200_000;
        let hops = self.wanted.of_message(message_id);
        if !hops.is_empty() && self.known.len() < MOST_KNOWN {
            self.known.insert(id.to_owned(), hops.to_vec());
        }
    }

    fn is_wanted(&self, id: &str) -> bool {
        self.known.contains_key(id) || !self.wanted.of_id(id).is_empty()
    }

    /// The hop that arrived under this id.
    fn arrival(&self, id: &str, client: &Peer) -> Option<usize> {
        self.wanted.arrival(id, client.ip)
    }

    /// The hop on which this log's host sent the message with its own `id` to
    /// `server`, which replied so.
    fn departure(&self, id: &str, server: &Peer, reply: &str) -> Option<usize> {
        let learnt = self.known.get(id).map(Vec::as_slice).unwrap_or_default();
        let hops = self.wanted.of_id(id).iter().chain(learnt);
        self.wanted
            .departure(hops.copied(), server.name.as_deref(), server.ip, reply)
    }

    /// Tells what was said of a hop.
    fn tell(&mut self, by: StatedBy, hop: usize, at: &Kept, says: Said) {
        let Some(key) = self.wanted.hop(hop) else {
            return;
        };
        if self.statements.len() >= MOST_STATEMENTS {
            return;
        }
        let own_zone = match by {
            StatedBy::SendersLog => key.client_zone.or(key.zone),
            _ => key.zone,
        };
        let Some((moment, doubt)) = at.stamp.resolve(key.at, self.zone, own_zone) else {
            return;
        };
        self.statements.push(Statement {
            by,
            place: format!("{}:{}{doubt}", self.name, at.number),
            quote: at.quote.clone(),
            from: moment,
            until: moment,
            client: key.client.clone(),
            client_ip: key.client_ip,
            server: key.server.clone(),
            server_ip: key.server_ip,
            id: key.id.clone(),
            says,
        });
    }
}
