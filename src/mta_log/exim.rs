//! Exim's main log: one line an arrival (`<=`), one a delivery (`=>`), with
//! what was agreed in the same line (`X=`), and a line where TLS did not come
//! about.

use std::collections::HashMap;
use std::net::IpAddr;

use super::{Kept, Out, Peer};
use crate::observed::statement::{Said, StatedBy, WhyNot};
use crate::tls::parameters::VersionLabel;

/// Things kept of one sort.
const MOST: usize = 16_384;

/// Seconds in which a client that was refused comes to deliver.
const SOON: i64 = 300;

#[derive(Debug, Default)]
pub(super) struct Log {
    /// By our own id: failures before a delivery.
    failed: HashMap<String, Vec<(Peer, Kept, WhyNot)>>,
    /// By client: what became of its STARTTLS.
    refused: HashMap<IpAddr, (Peer, Kept, WhyNot)>,
    /// `X=` was seen in deliveries, so that its absence speaks
    /// (log_selector tls_cipher, on unless turned off).
    logs_tls: bool,
    waiting: Vec<(usize, Kept)>,
}

impl Log {
    pub fn hear(&mut self, body: &str, at: &super::At<'_>, out: &mut Out<'_>) {
        let (id, rest) = body.split_once(' ').unwrap_or((body, ""));
        if !is_id(id) {
            self.session(body, at, out);
            return;
        }
        let (mark, what) = rest.split_once(' ').unwrap_or((rest, ""));
        match mark {
            "<=" => self.arrival(id, what, at, out),
            "=>" | "->" | ">>" => self.delivery(id, what, at, out),
            "==" | "**" if out.is_wanted(id) => {
                if let Some(why) = reason(what) {
                    self.fail(id, peer(what), at, why);
                }
            }
            // "TLS session: (gnutls_handshake): …: delivering unencrypted to H=…
            // (not in hosts_require_tls)"
            _ if out.is_wanted(id)
                && rest.contains(": delivering unencrypted to H=")
                && rest.contains("TLS session") =>
            {
                self.fail(id, peer(rest), at, WhyNot::HandshakeFailed);
            }
            _ => {}
        }
    }

    /// Lines of a session, without an id.
    fn session(&mut self, body: &str, at: &super::At<'_>, out: &Out<'_>) {
        let why = if body.contains(" temporarily rejected STARTTLS") {
            WhyNot::RefusedForNow
        } else if body.contains(" rejected STARTTLS") {
            WhyNot::Refused
        } else if body.starts_with("TLS error on connection from ") {
            WhyNot::HandshakeFailed
        } else {
            return;
        };
        let client = peer(body);
        if let Some(ip) = client.ip
            && !out.wanted.of_client(ip).is_empty()
            && (self.refused.len() < MOST || self.refused.contains_key(&ip))
        {
            self.refused.insert(ip, (client, at.kept(), why));
        }
    }

    fn arrival(&mut self, id: &str, what: &str, at: &super::At<'_>, out: &mut Out<'_>) {
        let fields = before_addresses(what);
        if let Some(message) = field(fields, "id=") {
            out.learn(id, message);
        }
        let client = peer(fields);
        let Some(hop) = out.arrival(id, &client) else {
            return;
        };
        let Some(protocol) = field(fields, "P=") else {
            return;
        };
        // The protocol is the keyword that the line in the message has.
        let secured = match protocol {
            "smtp" | "esmtp" | "esmtpa" | "smtpa" => false,
            "smtps" | "esmtps" | "esmtpsa" | "smtpsa" | "ssmtp" => true,
            _ => return,
        };
        if secured || field(fields, "X=").is_some() {
            let said = agreed(field(fields, "X="));
            out.tell(StatedBy::ReceiversLog, hop, &at.kept(), said);
            return;
        }
        out.tell(StatedBy::ReceiversLog, hop, &at.kept(), Said::Cleartext);
        if let Some((before, kept, why)) = client.ip.and_then(|ip| self.refused.get(&ip)) {
            let soon = at
                .stamp
                .since(kept.stamp)
                .is_some_and(|age| (0..=SOON).contains(&age));
            // A refusal and the mail come in one session, a failed handshake
            // and the mail in two.
            let same = before.port == client.port || *why == WhyNot::HandshakeFailed;
            if soon && same {
                out.tell(StatedBy::ReceiversLog, hop, kept, Said::NoTls(*why));
            }
        }
    }

    fn delivery(&mut self, id: &str, what: &str, at: &super::At<'_>, out: &mut Out<'_>) {
        let secured = field(what, "X=");
        self.logs_tls |= secured.is_some();
        if !out.is_wanted(id) {
            return;
        }
        let server = peer(what);
        // Into a file or a pipe.
        if server.ip.is_none() {
            return;
        }
        let reply = what.split_once(" C=\"").map_or("", |(_, reply)| reply);
        let Some(hop) = out.departure(id, &server, reply) else {
            return;
        };
        let failed = self.failed.get(id).map(Vec::as_slice).unwrap_or_default();
        for (to, kept, why) in failed {
            if to.ip == server.ip {
                out.tell(StatedBy::SendersLog, hop, kept, Said::NoTls(*why));
            }
        }
        match secured {
            Some(_) => {
                out.tell(StatedBy::SendersLog, hop, &at.kept(), agreed(secured));
            }
            None if failed.iter().any(|(to, _, _)| to.ip == server.ip) => {
                out.tell(StatedBy::SendersLog, hop, &at.kept(), Said::Cleartext);
            }
            None if self.waiting.len() < MOST * 8 => self.waiting.push((hop, at.kept())),
            None => {}
        }
    }

    fn fail(&mut self, id: &str, server: Peer, at: &super::At<'_>, why: WhyNot) {
        const MOST_OF_ONE: usize = 8;
        if self.failed.len() >= MOST && !self.failed.contains_key(id) {
            return;
        }
        let failed = self.failed.entry(id.to_owned()).or_default();
        if failed.len() < MOST_OF_ONE {
            failed.push((server, at.kept(), why));
        }
    }

    pub fn end(&mut self, out: &mut Out<'_>) {
        for (hop, kept) in std::mem::take(&mut self.waiting) {
            if self.logs_tls {
                out.tell(StatedBy::SendersLog, hop, &kept, Said::Cleartext);
            }
        }
    }
}

/// `1xUxHN-0000Qe-0s`, or longer since Exim 4.97.
fn is_id(word: &str) -> bool {
    let mut parts = word.split('-');
    let lengths = [parts.next(), parts.next(), parts.next()].map(|part| part.map_or(0, str::len));
    parts.next().is_none()
        && matches!(lengths, [6, 6, 2] | [6, 11, 4])
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Without ` for a@b c@d` (log_selector +received_recipients) and the subject,
/// which the sender chose.
fn before_addresses(what: &str) -> &str {
    let end = what.find(" T=\"").or_else(|| what.find(" for "));
    &what[..end.unwrap_or(what.len())]
}

fn field<'a>(what: &'a str, name: &str) -> Option<&'a str> {
    what.split(' ').find_map(|word| word.strip_prefix(name))
}

/// `H=name (helo) [192.0.2.1]:25` or `H=(helo) [192.0.2.1]`.
fn peer(what: &str) -> Peer {
    let after = what
        .split_once("H=")
        .or_else(|| what.split_once("connection from "))
        .map_or("", |(_, after)| after);
    let name = after
        .split(' ')
        .next()
        .filter(|name| !name.starts_with(['(', '[']));
    let Some((_, rest)) = after.split_once('[') else {
        return Peer::default();
    };
    let (ip, rest) = rest.split_once(']').unwrap_or((rest, ""));
    Peer {
        name: name.map(str::to_ascii_lowercase),
        ip: ip.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()),
        port: rest
            .strip_prefix(':')
            .and_then(|rest| rest.split(' ').next()?.parse().ok()),
    }
}

/// `TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256`,
/// `TLS1.2:ECDHE-RSA-AES256-GCM-SHA384:256`.
fn agreed(x: Option<&str>) -> Said {
    let mut parts = x.unwrap_or_default().split(':');
    let version = parts
        .next()
        .and_then(VersionLabel::parse)
        .and_then(VersionLabel::version);
    Said::Encrypted {
        version,
        cipher: parts.next().filter(|c| !c.is_empty()).map(str::to_owned),
    }
}

/// The words of transports/smtp.c for a delivery that TLS kept from being made.
fn reason(what: &str) -> Option<WhyNot> {
    let is = |words: &str| what.contains(words);
    if is("a TLS session is required, but the server did not offer TLS support") {
        Some(WhyNot::NotOffered)
    } else if is("a TLS session is required")
        || is("TLS session:")
        || is("failure while setting up TLS session")
    {
        Some(WhyNot::HandshakeFailed)
    } else {
        None
    }
}
