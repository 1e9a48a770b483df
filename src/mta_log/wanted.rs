//! What is looked for in logs.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::Offset;

/// Hops looked for at most.
const MOST_HOPS: usize = 100_000;

/// Hops of one message.
const MOST_OF_ONE: usize = 64;

/// One hop: who sent to whom, when, under which id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopKey {
    /// Names in lower case.
    pub client: Option<String>,
    pub client_ip: Option<IpAddr>,
    pub server: Option<String>,
    pub server_ip: Option<IpAddr>,
    /// Under which the server took the message.
    pub id: Option<String>,
    /// Under which the client had it, where its own line is there.
    pub client_id: Option<String>,
    pub at: Timestamp,
    /// The zones that server and client write.
    pub zone: Option<Offset>,
    pub client_zone: Option<Offset>,
}

/// The hops of some messages.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    hops: Vec<HopKey>,
    /// By an id that either side gave the message.
    ids: HashMap<String, Vec<usize>>,
    messages: HashMap<String, Vec<usize>>,
    clients: HashMap<IpAddr, Vec<usize>>,
}

impl Wanted {
    /// Adds the hops of one message.
    pub fn add(&mut self, message_id: Option<&str>, hops: impl IntoIterator<Item = HopKey>) {
        let message_id = message_id.map(bare).filter(|id| !id.is_empty());
        for key in hops.into_iter().take(MOST_OF_ONE) {
            if self.hops.len() >= MOST_HOPS {
                return;
            }
            let n = self.hops.len();
            for id in [&key.id, &key.client_id].into_iter().flatten() {
                push(self.ids.entry(id.clone()).or_default(), n);
            }
            if let Some(id) = message_id {
                push(self.messages.entry(id.to_owned()).or_default(), n);
            }
            if let Some(ip) = key.client_ip {
                push(self.clients.entry(ip).or_default(), n);
            }
            self.hops.push(key);
        }
    }

    /// Whether nothing is looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hops.is_empty()
    }

    pub(super) fn hop(&self, number: usize) -> Option<&HopKey> {
        self.hops.get(number)
    }

    pub(super) fn of_id(&self, id: &str) -> &[usize] {
        self.ids.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn of_message(&self, id: &str) -> &[usize] {
        self.messages
            .get(bare(id))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Hops on which this client sent.
    pub(super) fn of_client(&self, ip: IpAddr) -> &[usize] {
        self.clients.get(&ip).map(Vec::as_slice).unwrap_or_default()
    }

    /// The hop that arrived under this id from this client.
    pub(super) fn arrival(&self, id: &str, client: Option<IpAddr>) -> Option<usize> {
        self.of_id(id).iter().copied().find(|n| {
            let key = &self.hops[*n];
            key.id.as_deref() == Some(id)
                && (key.client_ip.is_none() || client.is_none() || key.client_ip == client)
        })
    }

    /// The one of these hops that went to this server: the one whose id it
    /// replied with, else the only one whose server it is.
    pub(super) fn departure(
        &self,
        hops: impl Iterator<Item = usize> + Clone,
        server: Option<&str>,
        ip: Option<IpAddr>,
        reply: &str,
    ) -> Option<usize> {
        let replied = |key: &HopKey| {
            key.id
                .as_deref()
                .is_some_and(|id| id.len() >= 5 && words(reply).any(|word| word == id))
        };
        let to = |key: &HopKey| {
            (ip.is_some() && key.server_ip == ip)
                || server.is_some_and(|server| {
                    key.server
                        .as_deref()
                        .is_some_and(|mine| mine.eq_ignore_ascii_case(server))
                })
        };
        hops.clone().find(|n| replied(&self.hops[*n])).or_else(|| {
            let mut fitting = hops.filter(|n| to(&self.hops[*n]));
            let first = fitting.next()?;
            fitting.all(|other| other == first).then_some(first)
        })
    }
}

/// Few hops share an id; what a hostile message repeats is not followed.
fn push(list: &mut Vec<usize>, n: usize) {
    if list.len() < MOST_OF_ONE {
        list.push(n);
    }
}

fn bare(id: &str) -> &str {
    id.trim().trim_start_matches('<').trim_end_matches('>')
}

/// The words of a reply that may be a queue id.
fn words(reply: &str) -> impl Iterator<Item = &str> {
    reply.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
}
