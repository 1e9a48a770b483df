//! Compressed input, in bounded memory and with bounded growth.
//!
//! A gzip file (RFC 1952) may hold several members one after the other, and
//! mailboxes that a log rotation put together do. What follows the last member
//! and is no member is reported, never read.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::error::Unreadable;
use super::limits::Limits;
use super::window::Window;

/// Growth below this is nobody's harm.
const HARMLESS: u64 = 16 << 20;

/// The octets that a compressed input stands for.
pub(super) struct Expanded {
    decoder: MultiGzDecoder<Compressed>,
    taken: Arc<AtomicU64>,
    given: u64,
    expanded: u64,
    ratio: u64,
}

impl Expanded {
    /// Expands what `window` shows.
    pub fn new(window: Window, limits: &Limits) -> Self {
        let taken = Arc::new(AtomicU64::new(0));
        let input = Compressed {
            window,
            taken: Arc::clone(&taken),
        };
        Self {
            decoder: MultiGzDecoder::new(input),
            taken,
            given: 0,
            expanded: limits.expanded,
            ratio: limits.ratio,
        }
    }

    /// Octets of the compressed form taken so far, as it goes on.
    pub fn taken(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.taken)
    }
}

impl Read for Expanded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(out).map_err(|error| {
            let inner = Unreadable::from(&error);
            io::Error::other(match inner {
                Unreadable::Io(what) => Unreadable::BrokenGzip(what),
                other => other,
            })
        })?;
        self.given += count as u64;
        let taken = self.taken.load(Ordering::Relaxed);
        let allowed = taken.saturating_mul(self.ratio).max(HARMLESS);
        if self.given > allowed.min(self.expanded) {
            return Err(io::Error::other(Unreadable::Bomb {
                expanded: self.given,
            }));
        }
        Ok(count)
    }
}

/// The compressed octets, counted.
struct Compressed {
    window: Window,
    taken: Arc<AtomicU64>,
}

impl Read for Compressed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.window.read(out)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl BufRead for Compressed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.window.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        self.window.consume(count);
    }
}
