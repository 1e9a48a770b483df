//! Testimony that outlives a run: what one message told of one host, in rows
//! that a history keeps, and back.

use jiff::Timestamp;

use super::{MOST_OF_ONE, ShownOf, Testimony, Times, Told, Witnesses, pool_of};
use crate::tls::parameters::TlsVersion;
use crate::trace::chain::Hop;

/// What one message told of one host and one sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    pub host: String,
    /// What is the message's own: its trace, so that it counts once.
    pub message: u64,
    /// A registrable domain or an address; empty where there is neither.
    pub sender: String,
    pub at: Option<Timestamp>,
    /// TLS was recorded; else it was silent on an exposed hop.
    pub tls: bool,
    /// More was recorded than the keyword.
    pub remark: bool,
    pub version: Option<TlsVersion>,
}

/// What is a message's own, the same in every version of this program: its
/// trace, whatever the line ends and folds of the file it stands in.
#[must_use]
pub fn lasting_identity(hops: &[Hop]) -> u64 {
    // FNV-1a, with the parameters for 64 bits.
    let mut hash: u64 = 0xCBF2_9CE4_8422_2325;
    let mut write = |octet: u8| {
        hash ^= u64::from(octet);
        hash = hash.wrapping_mul(0x0000_0100_0000_01B3);
    };
    for hop in hops {
        for word in hop.raw.split(u8::is_ascii_whitespace) {
            word.iter().copied().for_each(&mut write);
        }
        write(b'\n');
    }
    hash
}

/// What these lines tell, to be kept.
#[must_use]
pub fn rows(hops: &[Hop]) -> Vec<Recalled> {
    let told = Told::of(hops);
    let message = lasting_identity(hops);
    // Where nothing was stated the time of arrival stands.
    let arrived = hops.iter().rev().find_map(Hop::at);
    let mut rows = Vec::new();
    for of in &told.shown.hosts {
        let (host, one, times) = (&of.name, &of.one, of.times(&told.times));
        if one.messages == 0 {
            continue;
        }
        let mut row = |sender: &str, tls: bool, version: Option<TlsVersion>| {
            if rows.len() < MOST_OF_ONE {
                rows.push(Recalled {
                    host: host.clone(),
                    message,
                    sender: sender.to_owned(),
                    at: if tls { times.first() } else { None }.or(arrived),
                    tls,
                    remark: tls && one.remarked > 0,
                    version,
                });
            }
        };
        for (sender, reached) in one.senders.iter() {
            let version = reached.versions.last().copied();
            row(sender, reached.with_tls > 0, version);
        }
        if one.senders.is_empty() {
            row("", one.with_tls > 0, None);
        }
    }
    rows
}

impl Witnesses {
    /// Adds what earlier messages told of one host, by rows that were kept. To
    /// be called once for a host, without messages that were heard here.
    pub fn recall(&mut self, host: &str, kept: &[Recalled]) {
        let mut kept: Vec<&Recalled> = kept.iter().filter(|row| row.host == host).collect();
        kept.sort_by_key(|row| row.message);
        for rows in kept.chunk_by(|one, other| one.message == other.message) {
            let mut one = Testimony::default();
            let mut times = Times::default();
            rows.iter().for_each(|row| one.recall(row, &mut times));
            let ends = [times.first(), times.last()];
            let of = |name: String| ShownOf {
                name,
                one: one.clone(),
                lines: vec![0, 1],
            };
            let [of_hosts, of_pools] = &mut self.room;
            let host = [of(host.to_owned())];
            self.left_out += super::merge(&mut self.hosts, &host, &ends, of_hosts);
            if let Some(pool) = rows.first().and_then(|row| pool_of(&row.host)) {
                self.left_out += super::merge(&mut self.pools, &[of(pool)], &ends, of_pools);
            }
        }
    }
}
