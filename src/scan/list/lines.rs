//! Lines as they stand, each with its number, of bounded size.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

use aws_lc_rs::digest;

use super::{Entry, LONGEST_LINE, NoDomain, domain, share, shown};

/// A line without its end.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) number: u64,
    /// Its octets; no more than [`LONGEST_LINE`].
    pub(super) octets: Vec<u8>,
    /// How many it has.
    pub(super) length: u64,
}

impl Raw {
    pub(super) fn trimmed(&self) -> &[u8] {
        self.octets.trim_ascii()
    }

    /// Whether not all of it is held.
    pub(super) fn is_cut(&self) -> bool {
        self.length > self.octets.len() as u64
    }

    /// The entry of a line that gives this as its domain.
    pub(super) fn entry(&self, text: &[u8]) -> Entry {
        let domain = if self.is_cut() {
            Err(NoDomain::TooLong(self.length))
        } else {
            domain(text)
        };
        self.entry_of(text, domain)
    }

    pub(super) fn entry_of(
        &self,
        text: &[u8],
        domain: Result<crate::name::DomainName, NoDomain>,
    ) -> Entry {
        Entry {
            line: self.number,
            text: shown(text.trim_ascii()),
            domain,
            share: share(self.trimmed()),
        }
    }
}

/// The lines of an input.
pub(super) struct RawLines<R> {
    input: BufReader<R>,
    /// Lines that were looked at and given back.
    back: VecDeque<Raw>,
    read: u64,
    hash: digest::Context,
}

pub(super) fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

impl<R: Read> RawLines<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(256 * 1024, input),
            back: VecDeque::new(),
            read: 0,
            hash: digest::Context::new(&digest::SHA256),
        }
    }

    pub(super) fn hash(&self) -> String {
        hexadecimal(self.hash.clone().finish().as_ref())
    }

    pub(super) fn take(&mut self) -> io::Result<Option<Raw>> {
        if let Some(raw) = self.back.pop_front() {
            return Ok(Some(raw));
        }
        let mut octets = Vec::new();
        let mut length = 0_u64;
        let mut any = false;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = memchr::memchr(b'\n', chunk);
            let line = &chunk[..end.unwrap_or(chunk.len())];
            length += line.len() as u64;
            let room = LONGEST_LINE.saturating_sub(octets.len());
            octets.extend_from_slice(&line[..line.len().min(room)]);
            let used = line.len() + usize::from(end.is_some());
            self.hash.update(&chunk[..used]);
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        if octets.len() as u64 == length && octets.ends_with(b"\r") {
            octets.pop();
            length -= 1;
        }
        self.read += 1;
        // The mark some editors put in front of a file of UTF-8.
        if self.read == 1 && octets.starts_with(b"\xef\xbb\xbf") {
            octets.drain(..3);
            length -= 3;
        }
        Ok(Some(Raw {
            number: self.read,
            octets,
            length,
        }))
    }

    /// Gives lines back, to be taken again in this order.
    pub(super) fn give_back(&mut self, lines: impl DoubleEndedIterator<Item = Raw>) {
        for raw in lines.rev() {
            self.back.push_front(raw);
        }
    }
}
