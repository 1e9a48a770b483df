//! What clients said to the servers of a world, and whether they behaved.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One thing a server noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noticed {
    Connected,
    /// Octets before the greeting was through.
    EarlyTalk(Vec<u8>),
    /// A line, with its line end.
    Line {
        text: String,
        secured: bool,
    },
    /// Octets behind STARTTLS in the same segment.
    Pipelined(Vec<u8>),
    /// The handshake was done.
    Secured {
        version: String,
        sni: Option<String>,
    },
    HandshakeFailed(String),
    /// The server did something after which nobody can say QUIT.
    BeyondQuit,
    Gone,
}

/// One entry of the log.
#[derive(Debug, Clone)]
pub struct Entry {
    pub host: String,
    pub address: IpAddr,
    pub connection: usize,
    pub noticed: Noticed,
}

/// Everything all servers of a world noticed.
#[derive(Debug, Default)]
pub struct Log {
    entries: Mutex<Vec<Entry>>,
    queries: Mutex<Vec<(String, String)>>,
    relayed: Mutex<Vec<String>>,
    sessions: AtomicUsize,
    connections: AtomicUsize,
}

impl Log {
    /// A new connection's number.
    pub fn connected(&self, host: &str, address: IpAddr) -> usize {
        self.sessions.fetch_add(1, Ordering::SeqCst);
        let connection = self.connections.fetch_add(1, Ordering::SeqCst);
        self.note(host, address, connection, Noticed::Connected);
        connection
    }

    pub fn gone(&self, host: &str, address: IpAddr, connection: usize) {
        self.note(host, address, connection, Noticed::Gone);
        self.sessions.fetch_sub(1, Ordering::SeqCst);
    }

    pub fn note(&self, host: &str, address: IpAddr, connection: usize, noticed: Noticed) {
        self.entries.lock().unwrap().push(Entry {
            host: host.to_owned(),
            address,
            connection,
            noticed,
        });
    }

    pub fn asked(&self, name: &str, kind: &str) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        self.queries.lock().unwrap().push((name, kind.to_owned()));
    }

    pub fn relayed(&self, peer: SocketAddr) {
        self.relayed.lock().unwrap().push(peer.to_string());
    }

    /// Every peer that the proxy was asked for, sorted.
    pub fn asked_of_proxy(&self) -> Vec<String> {
        let mut peers = self.relayed.lock().unwrap().clone();
        peers.sort();
        peers
    }

    /// Sessions that are not over.
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::SeqCst)
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().clone()
    }

    /// Every question that reached the name server: name and type.
    pub fn queries(&self) -> Vec<(String, String)> {
        self.queries.lock().unwrap().clone()
    }

    /// Connections that reached a host.
    pub fn connections_to(&self, host: &str) -> usize {
        self.entries()
            .iter()
            .filter(|e| e.host == host && e.noticed == Noticed::Connected)
            .count()
    }

    /// The lines said to a host, without their ends.
    pub fn lines_to(&self, host: &str) -> Vec<String> {
        self.entries()
            .into_iter()
            .filter(|e| e.host == host)
            .filter_map(|e| match e.noticed {
                Noticed::Line { text, .. } => Some(text.trim_end().to_owned()),
                _ => None,
            })
            .collect()
    }

    /// Every fault in the clients' manners: what a probe must never do.
    pub fn faults(&self, ehlo: &str, connections_per_address: usize) -> Vec<String> {
        let mut faults = Vec::new();
        let mut sessions: BTreeMap<usize, Vec<Entry>> = BTreeMap::new();
        for entry in self.entries() {
            sessions.entry(entry.connection).or_default().push(entry);
        }
        let mut per_address: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for entries in sessions.values() {
            let who = format!("{} ({})", entries[0].host, entries[0].address);
            *per_address.entry(entries[0].address).or_default() += 1;
            let mut may_quit = true;
            let mut last = None;
            for entry in entries {
                match &entry.noticed {
                    Noticed::EarlyTalk(octets) => faults.push(format!(
                        "{who}: talked before the greeting: {:?}",
                        String::from_utf8_lossy(octets)
                    )),
                    Noticed::Pipelined(octets) => faults.push(format!(
                        "{who}: {} octets behind STARTTLS, before its reply",
                        octets.len()
                    )),
                    Noticed::Line { text, .. } => {
                        faults.extend(line_faults(text, ehlo).map(|f| format!("{who}: {f}")));
                        last = Some(text.trim_end().to_ascii_uppercase());
                    }
                    Noticed::HandshakeFailed(_) | Noticed::BeyondQuit => may_quit = false,
                    Noticed::Connected | Noticed::Secured { .. } | Noticed::Gone => {}
                }
            }
            if may_quit && last.as_deref() != Some("QUIT") {
                faults.push(format!("{who}: left without QUIT, after {last:?}"));
            }
        }
        for (address, count) in per_address {
            if count > connections_per_address {
                faults.push(format!("{address}: {count} connections"));
            }
        }
        faults
    }
}

fn line_faults(line: &str, ehlo: &str) -> impl Iterator<Item = String> {
    let mut faults = Vec::new();
    if !line.ends_with("\r\n") {
        faults.push(format!("{line:?} does not end in CR LF"));
    }
    let line = line.trim_end();
    let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" | "HELO" if argument != ehlo => {
            faults.push(format!("said {line:?}, and our name is {ehlo:?}"));
        }
        "STARTTLS" | "QUIT" if !argument.is_empty() => {
            faults.push(format!("{line:?} has an argument"));
        }
        "EHLO" | "HELO" | "STARTTLS" | "QUIT" => {}
        _ => faults.push(format!("said {line:?}, which no probe says")),
    }
    faults.into_iter()
}
