//! `Content-Length`: how long a message of an mbox says its body is.
//!
//! Writers of the mboxcl2 kind put no `>` before lines that begin with `From `
//! but say how long the body is. The field is no standard's, travels with a
//! message from anywhere, and is wrong after any change to the body, so it is
//! believed only where the mailbox's first message tells the truth, and where
//! a postmark or the end of the mailbox stands at the place it points to.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::line::{self, Before, Dialect, Told};
use super::window::Window;

/// How far ahead is looked in an input that cannot be sought in.
const AHEAD: u64 = 1 << 20;

/// Octets that suffice to know a postmark.
const GLANCE: usize = 4096;

/// Whether this mailbox's claims are believed, and how they are checked.
#[derive(Debug)]
pub(super) struct Claims {
    /// The file, to look ahead in.
    path: Option<PathBuf>,
    file: Option<File>,
    believed: Option<bool>,
}

impl Claims {
    pub fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            file: None,
            believed: None,
        }
    }

    /// Learns from the mailbox's first message, whose body begins where
    /// `window` stands.
    pub fn learn(&mut self, header: &[u8], window: &mut Window, dialect: Dialect) {
        if self.believed.is_none() {
            let body = window.offset();
            self.believed = Some(true);
            let holds = self.end_of_body(header, body, window, dialect).is_some();
            self.believed = Some(holds);
        }
    }

    /// Where the body that begins at `body` ends, if its header says so and a
    /// postmark or the end stands there.
    pub fn end_of_body(
        &mut self,
        header: &[u8],
        body: u64,
        window: &mut Window,
        dialect: Dialect,
    ) -> Option<u64> {
        if self.believed != Some(true) {
            return None;
        }
        let end = body.checked_add(content_length(header)?)?;
        let ahead = end.checked_sub(window.offset())?;
        if ahead < AHEAD {
            let ahead = usize::try_from(ahead).ok()?;
            window.show(ahead + GLANCE);
            let there = window.visible().get(ahead..)?;
            return is_border(there, window.is_last(), dialect).then_some(end);
        }
        if self.file.is_none() {
            self.file = File::open(self.path.as_ref()?).ok();
        }
        let file = self.file.as_mut()?;
        file.seek(SeekFrom::Start(end)).ok()?;
        let mut there = Vec::with_capacity(GLANCE);
        file.by_ref()
            .take(GLANCE as u64)
            .read_to_end(&mut there)
            .ok()?;
        // Far behind the end of the file nothing stands either.
        if there.is_empty() && file.metadata().ok()?.len() != end {
            return None;
        }
        is_border(&there, there.len() < GLANCE, dialect).then_some(end)
    }
}

fn is_border(there: &[u8], last: bool, dialect: Dialect) -> bool {
    let mut rest = there;
    for _ in 0..2 {
        let stripped = rest.strip_prefix(b"\r").unwrap_or(rest);
        rest = stripped.strip_prefix(b"\n").unwrap_or(rest);
    }
    if rest.is_empty() {
        return last;
    }
    rest.starts_with(line::POSTMARK)
        && line::begins_message(rest, true, Before::Blank, dialect) == Told::Yes
}

fn content_length(header: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"content-length:";
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', header) {
        let line = header.get(start..end)?;
        start = end + 1;
        if line
            .get(..NAME.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(NAME))
        {
            let value = line.get(NAME.len()..)?.trim_ascii();
            return std::str::from_utf8(value).ok()?.parse().ok();
        }
    }
    None
}
