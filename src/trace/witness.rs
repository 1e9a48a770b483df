//! What other messages show about a host: that it records TLS.
//!
//! Where the habit of a host's software is unknown, another message in which the
//! same host, or one of its pool, recorded TLS shows that it does record it; then
//! its silence speaks, one step louder than before. Only lines that are own or
//! vouched for in their own message bear witness, and a message never bears
//! witness for itself.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::answer::Standing;
use crate::organisation::organisation;
use crate::trace::chain::{Chain, Hop, Leg, Trust};
use crate::trace::conclude;
use crate::trace::evidence::{Evidence, EvidenceKind, Says, TlsState};
use crate::trace::judge;

/// What messages show about hosts.
#[derive(Debug, Clone, Default)]
pub struct Witnesses {
    messages: HashSet<(String, usize)>,
    hosts: HashMap<String, Testimony>,
    pools: HashMap<String, Testimony>,
}

/// What was seen of one host or pool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Testimony {
    /// Lines that state TLS.
    pub with_tls: usize,
    /// Those of them that say more than the keyword: a remark or a `tls` clause.
    pub remarked: usize,
    /// Lines over a network that do not.
    pub without: usize,
    /// Times of the lines with TLS.
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

impl Testimony {
    fn add(&mut self, hop: &Hop) {
        if hop.tls.state == TlsState::Encrypted {
            self.with_tls += 1;
            self.remarked += usize::from(is_remarked(hop));
            if let Some(at) = hop.received.date.as_ref().map(|date| date.at.timestamp()) {
                self.first = Some(self.first.map_or(at, |first| first.min(at)));
                self.last = Some(self.last.map_or(at, |last| last.max(at)));
            }
        } else {
            self.without += 1;
        }
    }
}

impl Witnesses {
    /// Gathers what the lines of these messages show.
    #[must_use]
    pub fn gather<'a>(chains: impl IntoIterator<Item = &'a Chain>) -> Self {
        let mut gathered = Self::default();
        for chain in chains {
            gathered.add(chain);
        }
        gathered
    }

    /// Adds what one message shows; twice the same message counts once.
    pub fn add(&mut self, chain: &Chain) {
        if !self.messages.insert(message_key(chain)) {
            return;
        }
        for (hop, host) in testifying(chain) {
            if let Some(pool) = pool_of(&host) {
                self.pools.entry(pool).or_default().add(hop);
            }
            self.hosts.entry(host).or_default().add(hop);
        }
    }

    /// What others than this message show of a host, and whether by its own
    /// name or only by its pool's.
    #[must_use]
    pub fn of_host(&self, host: &str, not_of: &Chain) -> Option<(Testimony, bool)> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let mine = self.messages.contains(&message_key(not_of));
        let others = |found: &Testimony, own: &Testimony| {
            let mut rest = found.clone();
            if mine {
                rest.with_tls = rest.with_tls.saturating_sub(own.with_tls);
                rest.remarked = rest.remarked.saturating_sub(own.remarked);
                rest.without = rest.without.saturating_sub(own.without);
            }
            (rest.with_tls > 0).then_some(rest)
        };
        let count = |matches: &dyn Fn(&str) -> bool| {
            testifying(not_of).filter(|(_, name)| matches(name)).fold(
                Testimony::default(),
                |mut sum, (hop, _)| {
                    sum.add(hop);
                    sum
                },
            )
        };
        if let Some(found) = self.hosts.get(&host) {
            let own = count(&|name| name == host);
            if let Some(rest) = others(found, &own) {
                return Some((rest, true));
            }
        }
        let pool = pool_of(&host)?;
        let found = self.pools.get(&pool)?;
        let own = count(&|name| pool_of(name).as_deref() == Some(pool.as_str()));
        others(found, &own).map(|rest| (rest, false))
    }
}

impl Chain {
    /// Judges the chain again in the light of other messages: a silent hop whose
    /// writer recorded TLS elsewhere is cleartext, one step surer than before
    /// (at most likely, and no surer than its line is trusted).
    ///
    /// ```
    /// use starttrace::trace::chain::Chain;
    /// use starttrace::trace::evidence::TlsState;
    /// use starttrace::trace::witness::Witnesses;
    ///
    /// let silent = b"Received: from mx.sender.example (mx.sender.example [192.0.2.1])\r\n\
    ///   by in.filter.example with ESMTP; Mon, 02 Feb 2026 10:00:00 +0000\r\n\r\n";
    /// let speaking = b"Received: from mx.other.example (mx.other.example [192.0.2.9])\r\n\
    ///   by in.filter.example with ESMTPS; Mon, 02 Feb 2026 11:00:00 +0000\r\n\r\n";
    /// let mut chain = Chain::parse(silent)?;
    /// assert_eq!(chain.hops[0].tls.state, TlsState::Unstated);
    /// let mut other = Chain::parse(speaking)?;
    /// other.source.index = 1; // another message
    /// chain.heed(&Witnesses::gather([&chain, &other]));
    /// assert_eq!(chain.hops[0].tls.state, TlsState::Cleartext);
    /// # Ok::<(), starttrace::trace::chain::NoTrace>(())
    /// ```
    pub fn heed(&mut self, witnesses: &Witnesses) {
        // One host may have written thousands of lines of one message.
        let mut known: HashMap<String, Option<(Testimony, bool)>> = HashMap::new();
        for hop in &self.hops {
            if let Some(host) = host_of(hop)
                && is_silent(hop)
                && known.len() < 256
                && !known.contains_key(&host)
            {
                let found = witnesses.of_host(&host, self);
                known.insert(host, found);
            }
        }
        for hop in &mut self.hops {
            let Some(host) = host_of(hop).filter(|_| is_silent(hop)) else {
                continue;
            };
            let Some(Some((testimony, exact))) = known.get(&host) else {
                continue;
            };
            let told = hop
                .tls
                .evidence
                .iter()
                .any(|piece| piece.kind == EvidenceKind::Witness);
            // RFC 3848 has no form with S for SMTP: what a host shows by its keywords says
            // nothing of a client that greeted with HELO.
            if told || (is_helo(hop) && testimony.remarked == 0) {
                continue;
            }
            let raised = match (hop.tls.state, hop.tls.standing) {
                (TlsState::Unstated, _) => Standing::Possible,
                _ => Standing::Likely,
            };
            hop.tls.state = TlsState::Cleartext;
            hop.tls.standing = Some(raised.max(conclude::most(hop.trusted)));
            hop.tls.evidence.push(Evidence {
                kind: EvidenceKind::Witness,
                says: Says::NoTls,
                text: testimony_text(&host, testimony, *exact),
                span: None,
            });
        }
        judge::judge(self);
    }
}

fn testimony_text(host: &str, testimony: &Testimony, exact: bool) -> String {
    let who = if exact {
        host.to_owned()
    } else {
        format!("a host of the same pool as {host}")
    };
    let lines = if testimony.with_tls == 1 {
        "line"
    } else {
        "lines"
    };
    let when = match (testimony.first, testimony.last) {
        (Some(first), Some(last)) => {
            let (first, last) = (day(first), day(last));
            if first == last {
                format!(" ({first})")
            } else {
                format!(" ({first} to {last})")
            }
        }
        _ => String::new(),
    };
    let mut text = format!(
        "{who} recorded TLS in {} {lines} of other messages{when}",
        testimony.with_tls
    );
    if testimony.without > 0 {
        text.push_str(&format!(", and none in {}", testimony.without));
    }
    text
}

fn day(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

fn message_key(chain: &Chain) -> (String, usize) {
    (chain.source.path.clone(), chain.source.index)
}

/// Lines that were written on arrival over a network, by a host with a full
/// name, and that can be believed.
fn testifying(chain: &Chain) -> impl Iterator<Item = (&Hop, String)> {
    chain.hops.iter().filter_map(|hop| {
        let network = hop.leg != Leg::Local && hop.tls.state != TlsState::NotApplicable;
        let believed = matches!(hop.trusted, Trust::Own | Trust::Vouched);
        (network && believed)
            .then(|| host_of(hop))
            .flatten()
            .map(|host| (hop, host))
    })
}

fn host_of(hop: &Hop) -> Option<String> {
    let host = hop.received.by.as_ref()?.host.as_deref()?;
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    organisation(&host).is_some().then_some(host)
}

/// A hop whose silence a witness can make speak.
fn is_silent(hop: &Hop) -> bool {
    hop.is_exposed()
        && matches!(
            (hop.tls.state, hop.tls.standing),
            (TlsState::Unstated, _) | (TlsState::Cleartext, Some(Standing::Possible))
        )
        && matches!(hop.trusted, Trust::Own | Trust::Vouched)
}

/// The client greeted with HELO.
fn is_helo(hop: &Hop) -> bool {
    hop.received.keyword().as_deref() == Some("SMTP")
}

/// TLS shows in more than the keyword.
fn is_remarked(hop: &Hop) -> bool {
    hop.tls.evidence.iter().any(|piece| {
        piece.says == Says::Tls
            && matches!(piece.kind, EvidenceKind::Comment | EvidenceKind::TlsClause)
    })
}

/// The pool of a host: its name with every number open, within its
/// organisation. None for a name without a number.
fn pool_of(host: &str) -> Option<String> {
    let organisation = organisation(host)?;
    if !host.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut pattern = String::with_capacity(host.len() + organisation.len() + 1);
    let mut digits = false;
    for c in host.chars() {
        if c.is_ascii_digit() {
            if !digits {
                pattern.push('#');
            }
            digits = true;
        } else {
            digits = false;
            pattern.push(c);
        }
    }
    Some(format!("{organisation} {pattern}"))
}
