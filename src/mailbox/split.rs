//! From a stream of octets to messages: one, or those of an mbox.
//!
//! An mbox is read once, in blocks; bodies are passed over by a search for
//! `From ` and never copied, but for their first octets.

use std::io;

use memchr::memmem::Finder;

use super::limits::Limits;
use super::line::{self, Before, Dialect, Told};
use super::window::Window;

/// Kept visible behind what is passed, so that a postmark is seen whole with
/// the blank line before it.
const TAIL: usize = 16;

/// A line of this many octets is passed in pieces.
const LONG_LINE: usize = 64 << 10;

/// A message cut out of a stream.
#[derive(Debug, Default)]
pub(super) struct Cut {
    pub offset: u64,
    pub line: u64,
    pub octets: Vec<u8>,
    pub truncated: bool,
    pub unfinished: bool,
    /// Octets of the body among `octets`.
    pub body: usize,
}

/// How a header section ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderEnd {
    BlankLine,
    /// The next message begins.
    Postmark,
    EndOfInput,
}

/// Cuts the messages of an mbox.
#[derive(Debug)]
pub(super) struct Mbox {
    dialect: Dialect,
    finder: Finder<'static>,
}

impl Mbox {
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            finder: Finder::new(b"From "),
        }
    }

    /// The message whose postmark stands at the front of `window`; none at the
    /// end of the input.
    pub fn next(&self, window: &mut Window, limits: &Limits) -> io::Result<Option<Cut>> {
        pass_postmarks(window)?;
        let mut cut = Cut {
            offset: window.offset(),
            line: window.line(),
            ..Cut::default()
        };
        window.show(1)?;
        if window.visible().is_empty() {
            return Ok(None);
        }
        if header(window, limits, Some(self.dialect), &mut cut)? == HeaderEnd::BlankLine {
            self.body(window, limits, &mut cut)?;
        }
        Ok(Some(cut))
    }

    /// Passes a body, up to the next postmark or the end.
    fn body(&self, window: &mut Window, limits: &Limits, cut: &mut Cut) -> io::Result<()> {
        let start = window.offset();
        loop {
            let visible = window.visible();
            let mut passed = visible.len();
            let mut found = false;
            let mut from = 0;
            while let Some(hit) = self.finder.find(visible.get(from..).unwrap_or_default()) {
                let at = from + hit;
                from = at + 1;
                let Some(before) = before(visible, at, window.offset() == start) else {
                    continue;
                };
                let rest = visible.get(at..).unwrap_or_default();
                match line::begins_message(rest, window.is_last(), before, self.dialect) {
                    Told::No => {}
                    told => {
                        passed = at;
                        found = told == Told::Yes;
                        break;
                    }
                }
            }
            let done = found || (window.is_last() && passed == visible.len());
            let all = visible.len();
            if !done {
                passed = passed.min(all.saturating_sub(TAIL)).saturating_sub(TAIL);
            }
            if !cut.truncated {
                let wanted = limits.body.saturating_sub(cut.body).min(passed);
                cut.octets
                    .extend_from_slice(visible.get(..wanted).unwrap_or_default());
                cut.body += wanted;
            }
            window.pass(passed);
            if done {
                return Ok(());
            }
            window.more()?;
        }
    }
}

/// Cuts the one message that the input is.
pub(super) fn message(window: &mut Window, limits: &Limits) -> io::Result<Cut> {
    let mut cut = Cut {
        offset: window.offset(),
        line: window.line(),
        ..Cut::default()
    };
    let end = header(window, limits, None, &mut cut)?;
    if end == HeaderEnd::BlankLine && !cut.truncated {
        window.show(limits.body)?;
        let visible = window.visible();
        let body = visible.get(..limits.body).unwrap_or(visible);
        cut.octets.extend_from_slice(body);
        cut.body = body.len();
        let passed = body.len();
        window.pass(passed);
    }
    Ok(cut)
}

/// Takes a header section with its blank line (RFC 5322, section 2.1).
pub(super) fn header(
    window: &mut Window,
    limits: &Limits,
    mbox: Option<Dialect>,
    cut: &mut Cut,
) -> io::Result<HeaderEnd> {
    let mut inside_line = false;
    loop {
        let visible = window.visible();
        let (mut passed, mut lines) = (0, 0);
        let mut end = None;
        for at in memchr::memchr_iter(b'\n', visible) {
            let text = visible.get(passed..at).unwrap_or_default();
            let continues = std::mem::take(&mut inside_line);
            if !continues {
                if matches!(text, b"" | b"\r") {
                    end = Some(HeaderEnd::BlankLine);
                } else if let Some(dialect) = mbox
                    && text.starts_with(b"From ")
                {
                    let rest = visible.get(passed..).unwrap_or_default();
                    match line::begins_message(rest, window.is_last(), Before::Header, dialect) {
                        Told::No => {}
                        Told::Yes => {
                            end = Some(HeaderEnd::Postmark);
                            break;
                        }
                        Told::More => break,
                    }
                }
            }
            passed = at + 1;
            lines += 1;
            if end.is_some() {
                break;
            }
        }
        if end.is_none() && passed == 0 {
            if window.is_last() {
                passed = visible.len();
                end = Some(HeaderEnd::EndOfInput);
                cut.unfinished = passed > 0 || inside_line;
            } else if visible.len() >= LONG_LINE && memchr::memchr(b'\n', visible).is_none() {
                passed = visible.len();
                inside_line = true;
            }
        }
        let room = limits.header.saturating_sub(cut.octets.len());
        if !cut.truncated {
            let kept = visible.get(..passed.min(room)).unwrap_or_default();
            cut.octets.extend_from_slice(kept);
            cut.truncated = passed > room;
        }
        window.pass_counted(passed, lines);
        match end {
            Some(end) => {
                if cut.truncated {
                    drop_torn_line(&mut cut.octets);
                }
                return Ok(end);
            }
            None => window.more()?,
        }
    }
}

/// A line that was cut in two would be misread, unless it is most of what
/// there is.
fn drop_torn_line(octets: &mut Vec<u8>) {
    if let Some(at) = memchr::memrchr(b'\n', octets)
        && at >= octets.len() / 2
    {
        octets.truncate(at + 1);
    }
}

/// Passes the postmark at the front, and those that UUCP left behind it.
fn pass_postmarks(window: &mut Window) -> io::Result<()> {
    for _ in 0..9 {
        window.show(4096)?;
        if !line::is_old_postmark(window.visible()) {
            break;
        }
        let length = line::first_line(window.visible(), 4096).len() + 1;
        window.pass(length);
    }
    Ok(())
}

/// What stands before `at`; none where no line begins there.
fn before(visible: &[u8], at: usize, body_start: bool) -> Option<Before> {
    let Some(last) = at.checked_sub(1) else {
        return body_start.then_some(Before::Blank);
    };
    match visible.get(last)? {
        0 => Some(Before::Blank),
        b'\n' => {
            let text = visible.get(..last)?;
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            Some(match text.last() {
                Some(b'\n' | 0) => Before::Blank,
                None if body_start => Before::Blank,
                _ => Before::Text,
            })
        }
        _ => None,
    }
}
