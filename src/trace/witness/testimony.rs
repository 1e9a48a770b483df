//! What was seen of one host or pool, in memory that does not grow with the
//! number of messages.

use jiff::Timestamp;

use super::Senders;
use crate::name::{has_known_suffix, registrable_domain};
use crate::tls::parameters::TlsVersion;
use crate::trace::chain::Hop;
use crate::trace::evidence::TlsState;
use crate::trace::leg::claimed_name;
use crate::trace::network::{Reach, reach};

/// Senders kept of one host; a large receiver has thousands.
pub(super) const MOST_SENDERS: usize = 24;

/// Clients with a name that one message may add.
const MOST_CLIENTS: usize = 64;

/// What was seen of one host or pool. Counts are of messages, not of lines: a
/// message that passed a host ten times tells once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Testimony {
    /// Messages in which it stated TLS, or took an exposed hop in silence.
    pub messages: usize,
    /// Those in which it stated TLS.
    pub with_tls: usize,
    /// Those of them in which a line said more than the keyword: a remark or a
    /// `tls` clause.
    pub remarked: usize,
    /// Those in which it took an exposed hop without stating TLS.
    pub without: usize,
    /// Times of the lines with TLS.
    pub times: Times,
    /// Who reached it: registrable domains, or addresses where there is no
    /// name.
    pub senders: Senders,
    /// Messages whose sender found no room among these.
    pub senders_left_out: usize,
    /// Messages in which a client had a public address.
    pub public_clients: usize,
    /// Messages in which all clients had private addresses.
    pub private_clients: usize,
    /// Two domains, at most, by which clients with private addresses called
    /// themselves.
    private_names: Vec<String>,
}

/// How one sender reached a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// Messages with a TLS note.
    pub with_tls: usize,
    /// Messages with an exposed line and without one.
    pub without: usize,
    /// Versions noted, oldest first.
    pub versions: Vec<TlsVersion>,
}

/// The first and the last time of something; of the two outermost messages at
/// either end, so that one of them can be left out of account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    early: [Option<Timestamp>; 2],
    late: [Option<Timestamp>; 2],
}

impl Times {
    /// The first time.
    #[must_use]
    pub fn first(&self) -> Option<Timestamp> {
        self.early[0]
    }

    /// The last time.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.late[0]
    }

    /// Adds the times of one message.
    fn merge(&mut self, one: &Self) {
        for at in one.early.into_iter().flatten() {
            if self.early[0].is_none_or(|first| at < first) {
                self.early = [Some(at), self.early[0]];
            } else if self.early[1].is_none_or(|second| at < second) {
                self.early[1] = Some(at);
            }
        }
        for at in one.late.into_iter().flatten() {
            if self.late[0].is_none_or(|last| at > last) {
                self.late = [Some(at), self.late[0]];
            } else if self.late[1].is_none_or(|second| at > second) {
                self.late[1] = Some(at);
            }
        }
    }

    pub(super) fn add(&mut self, at: Timestamp) {
        // One message has one first and one last time.
        self.early[0] = Some(self.early[0].map_or(at, |first| first.min(at)));
        self.late[0] = Some(self.late[0].map_or(at, |last| last.max(at)));
    }

    /// Leaves one message out again.
    fn without(&self, one: &Self) -> Self {
        let mut rest = *self;
        if one.early[0].is_some() && rest.early[0] == one.early[0] {
            rest.early = [rest.early[1], None];
        }
        if one.late[0].is_some() && rest.late[0] == one.late[0] {
            rest.late = [rest.late[1], None];
        }
        rest
    }
}

impl Testimony {
    /// Adds one line of a message; `self` is what that message alone shows, but
    /// for its times.
    pub(super) fn hear(&mut self, hop: &Hop) {
        let tls = hop.tls.state == TlsState::Encrypted;
        let silent = !tls && hop.is_exposed();
        self.with_tls |= usize::from(tls);
        self.remarked |= usize::from(tls && super::is_remarked(hop));
        self.without |= usize::from(silent);
        self.messages |= usize::from(tls || silent);
        let Some(from) = &hop.received.from else {
            return;
        };
        if let Some(name) = sender_of(hop)
            && (tls || silent)
            && (self.senders.len() < MOST_CLIENTS || self.senders.get(&name).is_some())
        {
            self.senders.change(&name, |reached| {
                reached.with_tls |= usize::from(tls);
                reached.without |= usize::from(silent);
                if let Some(version) = hop.tls.version
                    && let Err(at) = reached.versions.binary_search(&version)
                {
                    reached.versions.insert(at, version);
                }
            });
        }
        match from.ip.map(reach) {
            Some(Reach::Public) => {
                self.public_clients = 1;
                self.private_clients = 0;
            }
            Some(Reach::Network) => {
                self.private_clients = usize::from(self.public_clients == 0);
                if let Some(domain) = claimed_name(from).and_then(public_domain) {
                    self.name_private(domain);
                }
            }
            Some(Reach::Host) | None => {}
        }
    }

    /// Adds one kept row of a message; `self` is what that message alone showed,
    /// and `times` when.
    pub(super) fn recall(&mut self, row: &super::Recalled, times: &mut Times) {
        self.messages = 1;
        self.with_tls |= usize::from(row.tls);
        self.remarked |= usize::from(row.tls && row.remark);
        self.without |= usize::from(!row.tls);
        if let Some(at) = row.at.filter(|_| row.tls) {
            times.add(at);
        }
        if row.sender.is_empty() || self.senders.len() >= MOST_CLIENTS {
            return;
        }
        self.senders.change(&row.sender, |reached| {
            reached.with_tls |= usize::from(row.tls);
            reached.without |= usize::from(!row.tls);
            reached.versions.extend(row.version);
            reached.versions.sort_unstable();
            reached.versions.dedup();
        });
    }

    /// Adds what one message shows, at these times; for so many further senders
    /// is room.
    pub(super) fn merge(&mut self, one: &Self, times: &Times, mut room: usize) {
        self.messages += one.messages;
        self.with_tls += one.with_tls;
        self.remarked += one.remarked;
        self.without += one.without;
        self.times.merge(times);
        for (name, reached) in one.senders.iter() {
            if self.senders.get(name).is_none() {
                if room == 0 || self.senders.len() >= MOST_SENDERS {
                    self.senders_left_out += 1;
                    continue;
                }
                room -= 1;
            }
            self.senders.change(name, |known| {
                known.with_tls += reached.with_tls;
                known.without += reached.without;
                for version in &reached.versions {
                    if let Err(at) = known.versions.binary_search(version) {
                        known.versions.insert(at, *version);
                    }
                }
            });
        }
        self.public_clients += one.public_clients;
        self.private_clients += one.private_clients;
        for domain in &one.private_names {
            self.name_private(domain.clone());
        }
    }

    /// What is left when one message is not counted. Versions and names stay:
    /// they carry no count.
    pub(super) fn without(&self, one: &Self, times: &Times) -> Self {
        let mut rest = self.clone();
        rest.messages = rest.messages.saturating_sub(one.messages);
        rest.with_tls = rest.with_tls.saturating_sub(one.with_tls);
        rest.remarked = rest.remarked.saturating_sub(one.remarked);
        rest.without = rest.without.saturating_sub(one.without);
        rest.times = rest.times.without(times);
        for (name, reached) in one.senders.iter() {
            if let Some(known) = rest.senders.get_mut(name) {
                known.with_tls = known.with_tls.saturating_sub(reached.with_tls);
                known.without = known.without.saturating_sub(reached.without);
            }
        }
        rest
    }

    /// Whether a proxy stands before the host: every client it ever saw has a
    /// private address, though they go by the names of several domains. TLS
    /// may end in the proxy, so that the host cannot know of it.
    #[must_use]
    pub fn is_behind_proxy(&self) -> bool {
        self.public_clients == 0 && self.private_clients >= 2 && self.private_names.len() > 1
    }

    fn name_private(&mut self, domain: String) {
        if self.private_names.len() < 2 && !self.private_names.contains(&domain) {
            self.private_names.push(domain);
        }
    }
}

/// Under which name a sender is counted: the registrable domain of its host,
/// else its address.
pub(super) fn sender_of(hop: &Hop) -> Option<String> {
    let from = hop.received.from.as_ref()?;
    let name = sender_name(hop);
    name.as_deref()
        .and_then(registrable_domain)
        .map(str::to_ascii_lowercase)
        .or_else(|| from.ip.map(|ip| ip.to_string()))
}

/// The name of the sending host: the one looked up; a claimed one counts where
/// the dialect notes no other.
pub(in crate::trace) fn sender_name(hop: &Hop) -> Option<String> {
    let from = hop.received.from.as_ref()?;
    match &from.rdns {
        Some(name) => Some(name.clone()),
        None if !from.rdns_asked => claimed_name(from).map(str::to_owned),
        None => None,
    }
}

/// The registrable domain of a name that can stand in the public DNS: its
/// suffix is one that the world knows, or one kept for examples (RFC 2606,
/// section 2).
pub(in crate::trace) fn public_domain(name: &str) -> Option<String> {
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    let last = lower.rsplit('.').next()?;
    // RFC 6762, appendix G, and RFC 9476: names that networks use inside.
    let private = matches!(
        last,
        "local" | "lan" | "internal" | "intranet" | "private" | "corp" | "home" | "alt" | "arpa"
    );
    let example = matches!(last, "example" | "test" | "invalid");
    let known = !private && (example || has_known_suffix(&lower));
    known.then(|| registrable_domain(&lower).map(str::to_owned))?
}
