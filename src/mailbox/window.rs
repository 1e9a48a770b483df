//! A window that moves over an input: constant memory, offsets and line
//! numbers kept, nothing read twice.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};

use super::notes::Stamp;

/// Octets asked of the system at first at a time: one message needs little.
const BLOCK: usize = 16 << 10;

/// The most: a large mailbox is read in such blocks.
pub(super) const LARGE_BLOCK: usize = 256 << 10;

/// Octets asked of the system behind a place that was sought, where it is not known
/// how many are wanted; twice as many each time after that, until another is sought.
const AFTER_SEEK: usize = 4 << 10;

/// Fewer octets are read rather than sought over: to copy them costs no more.
pub(super) const NEAR: u64 = 6 << 10;

/// What a window moves over.
pub(super) enum Input {
    File(File),
    Stream(Box<dyn Read + Send>),
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(into),
            Self::Stream(stream) => stream.read(into),
        }
    }
}

/// What is visible of an input: the octets that were read and not yet passed.
pub(super) struct Window {
    input: Input,
    buffer: Vec<u8>,
    /// Octets to be asked for next, unless more are wanted.
    block: usize,
    start: usize,
    end: usize,
    offset: u64,
    line: u64,
    finished: bool,
    failure: Option<io::Error>,
}

impl Window {
    /// A window at the start of `input`; `buffer` is used again.
    pub fn new(input: Input, buffer: Vec<u8>) -> Self {
        Self {
            input,
            buffer,
            block: LARGE_BLOCK,
            start: 0,
            end: 0,
            offset: 0,
            line: 1,
            finished: false,
            failure: None,
        }
    }

    /// The buffer, to be used again.
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// By what the input is known to be the same another time, where it is a
    /// file.
    pub fn stamp(&self) -> Option<Stamp> {
        match &self.input {
            Input::File(file) => Some(Stamp::of(&file.metadata().ok()?)),
            Input::Stream(_) => None,
        }
    }

    /// What kept the input from being read to its end, told once. Until then
    /// a failure looks like the end, so that what came before it is not lost.
    pub fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Octets of the input before the visible ones.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Line of the first visible octet, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What is visible.
    pub fn visible(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether the input ends with what is visible.
    pub fn is_last(&self) -> bool {
        self.finished
    }

    /// Passes `count` visible octets.
    pub fn pass(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        let passed = self
            .buffer
            .get(self.start..self.start + count)
            .unwrap_or_default();
        self.line += bytecount::count(passed, b'\n') as u64;
        self.pass_counted(count, 0);
    }

    /// Passes `count` visible octets that hold `lines` line ends.
    pub fn pass_counted(&mut self, count: usize, lines: u64) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
        self.line += lines;
    }

    /// Passes `count` octets that hold `lines` line ends, visible or not. `next` tells
    /// how many octets behind them will be looked at, where that is known.
    pub fn pass_over(
        &mut self,
        count: u64,
        lines: u64,
        next: impl FnOnce() -> Option<usize>,
    ) -> io::Result<()> {
        let visible = (self.end - self.start) as u64;
        match (&mut self.input, count.checked_sub(visible)) {
            (Input::File(file), Some(ahead)) if ahead > NEAR => {
                let ahead = i64::try_from(ahead).map_err(io::Error::other)?;
                file.seek(SeekFrom::Current(ahead))?;
                (self.start, self.end) = (0, 0);
                self.offset += count;
                self.line += lines;
                // What follows is small, and then the next is sought.
                self.block = next().unwrap_or(AFTER_SEEK).min(LARGE_BLOCK);
            }
            _ => {
                let count = usize::try_from(count).map_err(io::Error::other)?;
                self.show(count);
                self.pass_counted(count, lines);
            }
        }
        Ok(())
    }

    /// Makes `count` octets visible, or all that are left.
    pub fn show(&mut self, count: usize) {
        while let Some(lacking) = count.checked_sub(self.end - self.start)
            && lacking > 0
            && !self.finished
        {
            self.fetch(lacking);
        }
    }

    /// Makes more octets visible, unless the input is at its end.
    pub fn more(&mut self) {
        self.fetch(1);
    }

    /// The same; `wanted` octets at once, if they find room.
    fn fetch(&mut self, wanted: usize) {
        if self.finished {
            return;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let block = if self.offset < LARGE_BLOCK as u64 {
            self.buffer.len().clamp(BLOCK, LARGE_BLOCK)
        } else {
            LARGE_BLOCK
        };
        if self.buffer.len() - self.end < block / 2 {
            self.buffer.resize(self.end + block, 0);
        }
        loop {
            let count = self.block.max(wanted).min(LARGE_BLOCK);
            let end = (self.end + count).min(self.buffer.len());
            let room = self.buffer.get_mut(self.end..end).unwrap_or_default();
            self.block = (self.block * 2).min(LARGE_BLOCK);
            match self.input.read(room) {
                Ok(0) => self.finished = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.finished = true;
                    self.failure = Some(error);
                }
            }
            return;
        }
    }
}

/// What is visible is read again, then the rest: for a form that is found out
/// by its first octets and then read by another reader.
impl Read for Window {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let visible = self.fill_buf()?;
        let count = visible.len().min(out.len());
        let (into, from) = (out.get_mut(..count), visible.get(..count));
        if let (Some(into), Some(from)) = (into, from) {
            into.copy_from_slice(from);
        }
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Window {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.show(1);
        match self.failure.take() {
            Some(error) if self.start == self.end => Err(error),
            other => {
                self.failure = other;
                Ok(self.visible())
            }
        }
    }

    fn consume(&mut self, count: usize) {
        self.pass_counted(count, 0);
    }
}

impl std::fmt::Debug for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window")
            .field("offset", &self.offset)
            .field("line", &self.line)
            .field("visible", &(self.end - self.start))
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}
