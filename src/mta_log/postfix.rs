//! Postfix: `smtpd` of the receiving side, `smtp` of the sending one.
//!
//! A TLS line names no queue id. It belongs to the next delivery of the same
//! process to or from the same address (tls_client.c, tls_server.c: one summary
//! line a handshake, at log level 1).

use std::collections::HashMap;
use std::net::IpAddr;

use super::{Kept, Out, Peer};
use crate::observed::statement::{Said, StatedBy, WhyNot};
use crate::tls::parameters::VersionLabel;

/// Processes whose session is followed.
const MOST_PROCESSES: usize = 16_384;

/// Mails of one session.
const MOST_MAILS: usize = 256;

/// Deliveries waiting for the end of the log.
const MOST_WAITING: usize = 200_000;

/// Seconds before an arrival in which a failed session may have been the same
/// client's first attempt.
const MOST_BEFORE: i64 = 5 * 86_400;

#[derive(Debug, Default)]
pub(super) struct Log {
    receiving: HashMap<u32, Receiving>,
    sending: HashMap<u32, Sending>,
    /// Why TLS failed before, by the sender's own queue id.
    failed: HashMap<String, Vec<(Peer, Kept, WhyNot)>>,
    /// Handshakes of clients that failed, by address.
    broken: HashMap<IpAddr, Vec<Kept>>,
    /// TLS lines were seen, so that silence speaks.
    receiver_logs_tls: bool,
    sender_logs_tls: bool,
    /// Cleartext if it turns out that TLS is logged.
    waiting: Vec<(StatedBy, usize, Kept)>,
}

/// A session of `smtpd`.
#[derive(Debug)]
struct Receiving {
    client: Peer,
    tls: Option<(Said, Kept)>,
    mails: Vec<(usize, Kept)>,
}

/// What a process of `smtp` is at.
#[derive(Debug, Default)]
struct Sending {
    tls: Option<(Peer, Said, Kept)>,
    /// The message to which it belongs.
    id: Option<String>,
    error: Option<(Peer, Kept)>,
}

impl Log {
    pub fn hear(
        &mut self,
        service: &str,
        pid: u32,
        body: &str,
        at: &super::At<'_>,
        out: &mut Out<'_>,
    ) {
        match service {
            "smtpd" => self.smtpd(pid, body, at, out),
            "smtp" => self.smtp(pid, body, at, out),
            "cleanup" => {
                if let Some((id, rest)) = body.split_once(": ")
                    && let Some(message) = rest.strip_prefix("message-id=")
                {
                    out.learn(id, message);
                }
            }
            _ => {}
        }
    }

    fn smtpd(&mut self, pid: u32, body: &str, at: &super::At<'_>, out: &mut Out<'_>) {
        if let Some(client) = body.strip_prefix("connect from ") {
            if self.receiving.len() >= MOST_PROCESSES {
                self.receiving.clear();
            }
            self.receiving.insert(
                pid,
                Receiving {
                    client: peer(client),
                    tls: None,
                    mails: Vec::new(),
                },
            );
        } else if let Some((_, rest)) = body.split_once(" TLS connection established from ") {
            self.receiver_logs_tls = true;
            if let Some((client, what)) = rest.split_once(": ")
                && let Some(session) = self.receiving.get_mut(&pid)
                && session.client.ip == peer(client).ip
            {
                session.tls = Some((agreed(what), at.kept()));
            }
        } else if let Some(client) = body
            .strip_prefix("SSL_accept error from ")
            .or_else(|| body.strip_prefix("lost connection after STARTTLS from "))
        {
            if let Some(ip) = peer(client.split(": ").next().unwrap_or_default()).ip
                && !out.wanted.of_client(ip).is_empty()
            {
                let broken = self.broken.entry(ip).or_default();
                if broken.len() < MOST_MAILS {
                    broken.push(at.kept());
                }
            }
        } else if let Some(rest) = body.strip_prefix("disconnect from ") {
            self.disconnect(pid, rest, at, out);
        } else if let Some((id, rest)) = body.split_once(": ")
            && let Some(client) = rest.strip_prefix("client=")
            && out.is_wanted(id)
        {
            let client = peer(client.split(',').next().unwrap_or_default());
            let Some(hop) = out.arrival(id, &client) else {
                return;
            };
            if let Some(broken) = client.ip.and_then(|ip| self.broken.get(&ip)) {
                let mut before = broken.iter().filter(|kept| {
                    at.stamp
                        .since(kept.stamp)
                        .is_some_and(|age| (0..MOST_BEFORE).contains(&age))
                });
                // The nearest is the likeliest to be of the same message.
                if let Some(kept) = before.next_back() {
                    let why = Said::NoTls(WhyNot::HandshakeFailed);
                    out.tell(StatedBy::ReceiversLog, hop, kept, why);
                }
            }
            if let Some(session) = self.receiving.get_mut(&pid)
                && session.client == client
                && session.mails.len() < MOST_MAILS
            {
                session.mails.push((hop, at.kept()));
            }
        }
    }

    /// The end of a session: what it was, for every mail in it.
    fn disconnect(&mut self, pid: u32, rest: &str, at: &super::At<'_>, out: &mut Out<'_>) {
        let Some(session) = self.receiving.remove(&pid) else {
            return;
        };
        let mut words = rest.split(' ');
        let client = peer(words.next().unwrap_or_default());
        if client != session.client || session.mails.is_empty() {
            return;
        }
        let counts: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
        let count = |of: &str| counts.iter().find(|(name, _)| *name == of).map(|(_, n)| *n);
        for (hop, mail) in session.mails {
            if let Some((said, kept)) = &session.tls {
                out.tell(StatedBy::ReceiversLog, hop, kept, said.clone());
                continue;
            }
            // Counts stand here since Postfix 3.0.
            match count("starttls") {
                Some(n) if !n.starts_with("0/") => out.tell(
                    StatedBy::ReceiversLog,
                    hop,
                    &at.kept(),
                    Said::Encrypted {
                        version: None,
                        cipher: None,
                    },
                ),
                // Asked for and refused, and the mail came all the same:
                // without a TLS engine smtpd.c answers 454.
                Some(_) => {
                    out.tell(StatedBy::ReceiversLog, hop, &at.kept(), Said::Cleartext);
                    let why = Said::NoTls(WhyNot::RefusedForNow);
                    out.tell(StatedBy::ReceiversLog, hop, &at.kept(), why);
                }
                // TLS from the first octet has no STARTTLS: only a log with
                // TLS lines tells it from cleartext.
                None if count("commands").is_some() && !is_implicit(at.text) => {
                    out.tell(StatedBy::ReceiversLog, hop, &at.kept(), Said::Cleartext);
                }
                None => self.wait(StatedBy::ReceiversLog, hop, mail),
            }
        }
    }

    fn smtp(&mut self, pid: u32, body: &str, at: &super::At<'_>, out: &mut Out<'_>) {
        if self.sending.len() >= MOST_PROCESSES && !self.sending.contains_key(&pid) {
            self.sending.clear();
        }
        let made = body
            .split_once(" TLS connection established to ")
            .or_else(|| body.split_once(" TLS connection reused to "));
        if let Some((_, rest)) = made {
            self.sender_logs_tls = true;
            if let Some((server, what)) = rest.split_once(": ") {
                let sending = self.sending.entry(pid).or_default();
                sending.tls = Some((peer(server), agreed(what), at.kept()));
                sending.id = None;
                sending.error = None;
            }
            return;
        }
        if let Some(rest) = body.strip_prefix("SSL_connect error to ") {
            self.sender_logs_tls = true;
            let server = peer(rest.split(": ").next().unwrap_or_default());
            let sending = self.sending.entry(pid).or_default();
            sending.error = Some((server, at.kept()));
            sending.tls = None;
            return;
        }
        let Some((id, rest)) = body.split_once(": ") else {
            return;
        };
        let status = rest
            .strip_prefix("to=<")
            .and_then(|rest| Some((field(rest, "relay=")?, rest.split_once("status=")?.1)));
        let Some((relay, status)) = status else {
            // What went wrong on one host, before another was tried.
            if out.is_wanted(id)
                && let Some(why) = reason(rest)
            {
                self.fail(id, Peer::default(), at.kept(), why);
            }
            return;
        };
        let server = peer(relay);
        let sending = self.sending.entry(pid).or_default();
        let is_new = sending.id.as_deref().is_some_and(|known| known != id);
        if is_new {
            // Of another message: the session before is over.
            sending.tls = None;
        }
        if sending.tls.is_some() {
            sending.id = Some(id.to_owned());
        }
        if !out.is_wanted(id) {
            sending.error = None;
            return;
        }
        let error = sending.error.take();
        let tls = sending
            .tls
            .as_ref()
            .filter(|(to, _, _)| to.ip == server.ip)
            .cloned();
        let (word, reply) = status.split_once(' ').unwrap_or((status, ""));
        if word != "sent" {
            let why = reason(reply);
            if let Some(why) = why.or(error.is_some().then_some(WhyNot::HandshakeFailed)) {
                let kept = error.map_or_else(|| at.kept(), |(_, kept)| kept);
                self.fail(id, server, kept, why);
            }
            return;
        }
        let Some(hop) = out.departure(id, &server, reply) else {
            return;
        };
        let failed = self.failed.get(id).map(Vec::as_slice).unwrap_or_default();
        for (to, kept, why) in failed {
            if to.ip.is_none() || to.ip == server.ip {
                out.tell(StatedBy::SendersLog, hop, kept, Said::NoTls(*why));
            }
        }
        match tls {
            Some((_, said, kept)) => out.tell(StatedBy::SendersLog, hop, &kept, said),
            None => {
                if let Some((_, kept)) = error.filter(|(to, _)| to.ip == server.ip) {
                    let why = Said::NoTls(WhyNot::HandshakeFailed);
                    out.tell(StatedBy::SendersLog, hop, &kept, why);
                }
                // A session that was begun for another message may have had TLS.
                if field(rest, "conn_use=").is_none() {
                    self.wait(StatedBy::SendersLog, hop, at.kept());
                }
            }
        }
    }

    fn fail(&mut self, id: &str, server: Peer, at: Kept, why: WhyNot) {
        const MOST_OF_ONE: usize = 8;
        if self.failed.len() >= MOST_PROCESSES && !self.failed.contains_key(id) {
            return;
        }
        let failed = self.failed.entry(id.to_owned()).or_default();
        if failed.len() < MOST_OF_ONE {
            failed.push((server, at, why));
        }
    }

    fn wait(&mut self, by: StatedBy, hop: usize, at: Kept) {
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push((by, hop, at));
        }
    }

    /// Silence speaks where the log shows that TLS is logged.
    pub fn end(&mut self, out: &mut Out<'_>) {
        // Sessions that the log breaks off.
        for session in std::mem::take(&mut self.receiving).into_values() {
            if let Some((said, kept)) = &session.tls {
                for (hop, _) in session.mails {
                    out.tell(StatedBy::ReceiversLog, hop, kept, said.clone());
                }
            }
        }
        for (by, hop, kept) in std::mem::take(&mut self.waiting) {
            let logged = match by {
                StatedBy::ReceiversLog => self.receiver_logs_tls,
                _ => self.sender_logs_tls,
            };
            if logged {
                out.tell(by, hop, &kept, Said::Cleartext);
            }
        }
    }
}

/// Services with TLS from the first octet (RFC 8314, section 3.3).
fn is_implicit(line: &str) -> bool {
    line.contains("smtps/smtpd") || line.contains("submissions/smtpd")
}

/// `host[192.0.2.1]:25`, `host[private/dovecot-lmtp]`.
fn peer(text: &str) -> Peer {
    let text = text.trim_end_matches(',');
    let Some((name, rest)) = text.split_once('[') else {
        return Peer::default();
    };
    let (ip, after) = rest.split_once(']').unwrap_or((rest, ""));
    Peer {
        name: (name != "unknown").then(|| name.to_ascii_lowercase()),
        ip: ip.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()),
        port: after.strip_prefix(':').and_then(|port| port.parse().ok()),
    }
}

/// The value of a field of a delivery line.
fn field<'a>(rest: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = rest.split_once(name)?;
    value.split([',', ' ']).next()
}

/// `TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) …`
fn agreed(what: &str) -> Said {
    let mut words = what.split(' ');
    let version = words
        .next()
        .and_then(VersionLabel::parse)
        .and_then(VersionLabel::version);
    let cipher = what
        .split_once(" with cipher ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .map(str::to_owned);
    Said::Encrypted { version, cipher }
}

/// The words of smtp_proto.c for a delivery that TLS kept from being made.
fn reason(text: &str) -> Option<WhyNot> {
    let is = |words: &str| text.contains(words);
    if is("TLS is required, but was not offered") {
        Some(WhyNot::NotOffered)
    } else if is("TLS is required, but our TLS engine is unavailable") {
        Some(WhyNot::EngineUnavailable)
    } else if is("refused to start TLS") || is("in reply to STARTTLS command") {
        // The reply follows: "… refused to start TLS: 454 4.7.0 …".
        let reply = ["TLS: ", "said: "]
            .iter()
            .find_map(|before| text.split_once(before))
            .map(|(_, reply)| reply.trim_start());
        match reply.and_then(|reply| reply.bytes().next()) {
            Some(b'5') => Some(WhyNot::Refused),
            _ => Some(WhyNot::RefusedForNow),
        }
    } else if is("Server certificate not") || is("Server certificate") && is("verif") {
        Some(WhyNot::CertificateRejected)
    } else if is("Cannot start TLS: handshake failure") {
        Some(WhyNot::HandshakeFailed)
    } else {
        None
    }
}
