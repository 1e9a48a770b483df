//! Where headers and bodies end in mailboxes, noted at a first reading for a
//! second.
//!
//! A header is searched for the line that ends it, and a body to its end for a
//! postmark, however long it is. Whoever reads a mailbox twice can keep what the
//! first reading found: the second then takes headers as long as they were, and
//! passes bodies over unread.
//!
//! A mailbox that is another one meanwhile is read without notes: its length
//! and its time must be the same. And where a note leads to no postmark, the
//! search goes on from there.

use std::collections::HashMap;
use std::fs::Metadata;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Octets of notes that are kept, of all files: some six a message.
const MOST: usize = 2 << 20;

/// What was noted of mailboxes. Copies share what they hold.
#[derive(Debug, Clone, Default)]
pub struct Notes(Arc<Mutex<HashMap<PathBuf, Arc<Noted>>>>);

/// What was noted of one mailbox.
#[derive(Debug)]
struct Noted {
    stamp: Stamp,
    octets: Vec<u8>,
}

/// By what a file is known to be the same still.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub fn of(about: &Metadata) -> Self {
        Self {
            length: about.len(),
            modified: about.modified().ok(),
        }
    }
}

/// How long a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Octets of the header section with the blank line that ends it; none where
    /// no such line ends it, or it is longer than what is kept of one.
    pub header: Option<NonZeroUsize>,
    /// Octets of the body.
    pub body: u64,
    /// Something in the body is to be kept.
    pub telling: bool,
    /// Line ends of both.
    pub lines: u64,
}

/// The notes of one mailbox while it is read.
#[derive(Debug)]
pub(super) struct Noting {
    notes: Notes,
    path: PathBuf,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Taking { noted: Noted, room: usize },
    Using { noted: Arc<Noted>, at: usize },
    Done,
}

impl Notes {
    /// Takes notes of a mailbox, or uses those that were taken.
    pub(super) fn of(&self, path: PathBuf, stamp: Stamp) -> Noting {
        let all = self.lock();
        let way = match all.get(&path) {
            Some(noted) if noted.stamp == stamp => Way::Using {
                noted: Arc::clone(noted),
                at: 0,
            },
            Some(_) => Way::Done,
            None => Way::Taking {
                noted: Noted {
                    stamp,
                    octets: Vec::new(),
                },
                room: MOST.saturating_sub(all.values().map(|noted| noted.octets.len()).sum()),
            },
        };
        drop(all);
        Noting {
            notes: self.clone(),
            path,
            way,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Arc<Noted>>> {
        // What is under the lock is never left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noting {
    /// The next message, if it was noted.
    pub fn next(&mut self) -> Option<Extent> {
        let Way::Using { noted, at } = &mut self.way else {
            return None;
        };
        extent(&noted.octets, at)
    }

    /// The next messages, as far as they were noted; they stay the next.
    pub fn ahead(&self) -> impl Iterator<Item = Extent> {
        let (octets, mut at) = match &self.way {
            Way::Using { noted, at } => (noted.octets.as_slice(), *at),
            _ => (&[][..], 0),
        };
        std::iter::from_fn(move || extent(octets, &mut at))
    }

    /// Notes the next message.
    pub fn note(&mut self, message: Extent) {
        let Way::Taking { noted, room } = &mut self.way else {
            return;
        };
        if noted.octets.len() >= *room {
            return;
        }
        let header = message.header.map_or(0, |header| header.get() as u64);
        let body = message.body << 1 | u64::from(message.telling);
        for mut number in [header, body, message.lines] {
            while number >= 0x80 {
                noted.octets.push(number as u8 | 0x80);
                number >>= 7;
            }
            noted.octets.push(number as u8);
        }
    }

    /// The mailbox is not what was noted.
    pub fn give_up(&mut self) {
        self.way = Way::Done;
    }

    /// Whether notes that were taken are being used.
    #[cfg(test)]
    pub fn is_using(&self) -> bool {
        matches!(self.way, Way::Using { .. })
    }

    /// The mailbox was read to its end.
    pub fn finish(&mut self) {
        if let Way::Taking { mut noted, .. } = std::mem::replace(&mut self.way, Way::Done) {
            noted.octets.shrink_to_fit();
            let path = std::mem::take(&mut self.path);
            self.notes.lock().insert(path, Arc::new(noted));
        }
    }
}

/// Reads what was noted of one message.
fn extent(octets: &[u8], at: &mut usize) -> Option<Extent> {
    let mut number = || {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let octet = *octets.get(*at)?;
            *at += 1;
            number |= u64::from(octet & 0x7F).checked_shl(shift)?;
            shift += 7;
            if octet < 0x80 {
                return Some(number);
            }
        }
    };
    let (header, body, lines) = (number()?, number()?, number()?);
    Some(Extent {
        header: NonZeroUsize::new(usize::try_from(header).ok()?),
        body: body >> 1,
        telling: body & 1 == 1,
        lines,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(length: u64) -> Stamp {
        Stamp {
            length,
            modified: None,
        }
    }

    #[test]
    fn what_was_noted_of_a_file_is_found_while_it_stays_the_same() {
        let notes = Notes::default();
        let path = PathBuf::from("mbox");
        let messages: Vec<Extent> = [0, 1, 63, 64, 1 << 14, 1 << 40]
            .map(|length| Extent {
                header: NonZeroUsize::new(length as usize * 2),
                body: length,
                telling: length == 64,
                lines: length / 3,
            })
            .into();
        let mut taking = notes.of(path.clone(), stamp(7));
        messages.iter().for_each(|message| taking.note(*message));
        // Before the end is reached they may be cut short.
        assert_eq!(notes.of(path.clone(), stamp(7)).next(), None);
        taking.finish();
        let mut using = notes.of(path.clone(), stamp(7));
        assert!(using.ahead().eq(messages.iter().copied()));
        for message in &messages {
            assert_eq!(using.ahead().next().as_ref(), Some(message));
            assert_eq!(using.next().as_ref(), Some(message));
        }
        assert_eq!(using.next(), None);
        assert_eq!(notes.of(path, stamp(8)).next(), None);
    }
}
