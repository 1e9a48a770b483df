//! From a stream of octets to messages: one, or those of an mbox.
//!
//! An mbox is read in blocks; bodies are passed over by a search for `From ` and
//! never copied, but for their first octets. Where they end, and the headers, may
//! have been noted before ([`notes`](super::notes)).

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::claim::Claims;
use super::limits::Limits;
use super::line::{self, Before, Dialect, Told};
use super::notes::{Extent, Noting};
use super::window::{LARGE_BLOCK, NEAR, Window};
use crate::trace::end_of_armour;

/// Kept visible behind what is passed, so that a postmark is seen whole with
/// the blank line before it.
const TAIL: usize = 16;

/// A header section is searched in pieces of this size.
const PIECE: usize = 8 << 10;

/// What a postmark takes, mostly.
const POSTMARK_ROOM: usize = 128;

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
    claims: Claims,
    finder: Finder<'static>,
    noting: Option<Noting>,
}

/// What is kept of a body.
#[derive(Clone, Copy)]
enum Keep {
    /// So many of its first octets.
    Octets(usize),
    /// What is looked for in so many of them.
    Signs(usize),
}

/// What a search of the visible octets came to.
enum Search {
    /// No message begins in them, but for what may at their end.
    Nothing,
    /// One begins there.
    Found(usize),
    /// One may begin there: more must be seen.
    Undecided(usize),
}

impl Mbox {
    /// For a mailbox of this dialect; `path` where it is a file.
    pub fn new(dialect: Dialect, path: Option<PathBuf>) -> Self {
        Self {
            dialect,
            claims: Claims::new(path),
            finder: Finder::new(line::POSTMARK),
            noting: None,
        }
    }

    /// Takes notes of bodies, or uses those that were taken.
    pub fn noting(&mut self, noting: Noting) {
        self.noting = Some(noting);
    }

    /// The message whose postmark stands at the front of `window`; none at the
    /// end of the input.
    pub fn next(&mut self, window: &mut Window, limits: &Limits) -> Option<Cut> {
        pass_postmarks(window);
        let mut cut = Cut {
            offset: window.offset(),
            line: window.line(),
            ..Cut::default()
        };
        window.show(1);
        if window.visible().is_empty() {
            self.noting.iter_mut().for_each(Noting::finish);
            return None;
        }
        let mut noting = self.noting.take();
        let mut noted = noting.as_mut().and_then(Noting::next);
        let taken = noted.is_some_and(|noted| noted_header(window, limits, noted, &mut cut));
        if !taken && noted.is_some_and(|noted| noted.header.is_some()) {
            // It is another mailbox, whatever its length and time say.
            noting.iter_mut().for_each(Noting::give_up);
            noted = None;
        }
        let has_body =
            taken || header(window, limits, Some(self.dialect), &mut cut) == HeaderEnd::BlankLine;
        if has_body {
            self.claims.learn(&cut.octets, window, self.dialect);
        }
        match noting {
            Some(mut noting) => {
                if !noted.is_some_and(|noted| is_noted_body(window, noted, &cut, &mut noting)) {
                    self.body_to_note(has_body, window, limits, &mut cut, &mut noting);
                }
                self.noting = Some(noting);
            }
            None if has_body => {
                self.body(window, Keep::Octets(limits.body), &mut cut);
            }
            None => {}
        }
        Some(cut)
    }

    /// Passes a body and notes it. Of what is in it only what shows encryption is
    /// kept.
    fn body_to_note(
        &mut self,
        has_body: bool,
        window: &mut Window,
        limits: &Limits,
        cut: &mut Cut,
        noting: &mut Noting,
    ) {
        let offset = window.offset();
        let header = NonZeroUsize::new(cut.octets.len()).filter(|_| has_body && !cut.truncated);
        let mut telling = Vec::new();
        if has_body {
            window.show(limits.body + TAIL);
            let most = if cut.truncated { 0 } else { limits.body };
            telling = self.body(window, Keep::Signs(most), cut);
            if telling.len() as u64 > window.offset() - offset {
                // It stands in the next message.
                telling.clear();
            }
        }
        noting.note(Extent {
            header,
            body: window.offset() - offset,
            telling: !telling.is_empty(),
            lines: window.line() - cut.line,
        });
        cut.body = telling.len();
        cut.octets.append(&mut telling);
    }

    /// Passes a body, up to the next postmark or the end, and keeps its first
    /// octets; or gives the octets up to a sign of encryption, of this body or,
    /// where it is shorter than they are many, of another.
    fn body(&mut self, window: &mut Window, keep: Keep, cut: &mut Cut) -> Vec<u8> {
        let start = window.offset();
        let mut telling = Vec::new();
        let header = cut.octets.len();
        // Before this place no postmark counts: the header says so.
        let mut claimed = None;
        loop {
            let mut search = self.search(window, start, claimed.unwrap_or(start));
            if let Search::Found(at) = search
                && claimed.is_none()
            {
                let octets = cut.octets.get(..header).unwrap_or_default();
                let end = self
                    .claims
                    .end_of_body(octets, start, window, self.dialect)
                    .unwrap_or(start);
                claimed = Some(end);
                if end > window.offset() + at as u64 {
                    search = self.search(window, start, end);
                }
            }
            let all = window.visible().len();
            let (passed, done) = match search {
                Search::Found(at) => (at, true),
                Search::Nothing if window.is_last() => (all, true),
                Search::Nothing => (all.saturating_sub(TAIL), false),
                Search::Undecided(at) => (at.saturating_sub(TAIL), false),
            };
            match keep {
                Keep::Octets(most) if !cut.truncated => {
                    let wanted = most.saturating_sub(cut.body).min(passed);
                    let kept = window.visible().get(..wanted).unwrap_or_default();
                    cut.octets.extend_from_slice(kept);
                    cut.body += wanted;
                }
                Keep::Signs(most) if window.offset() == start => {
                    // Few bodies are longer than what is visible of them.
                    let within = if done { passed.min(most) } else { most };
                    let head = window.visible();
                    let head = head.get(..within).unwrap_or(head);
                    telling.clear();
                    if let Some(end) = end_of_armour(head) {
                        telling.extend_from_slice(head.get(..end).unwrap_or_default());
                    }
                }
                _ => {}
            }
            window.pass(passed);
            if done {
                return telling;
            }
            window.more();
        }
    }

    /// Looks for the beginning of a message, not before `earliest`, in a body
    /// that begins at `start`.
    fn search(&self, window: &Window, start: u64, earliest: u64) -> Search {
        let visible = window.visible();
        let skip = earliest.saturating_sub(window.offset());
        let mut from = usize::try_from(skip).unwrap_or(usize::MAX);
        while let Some(hit) = self.finder.find(visible.get(from..).unwrap_or_default()) {
            let at = from + hit;
            from = at + 1;
            let Some(before) = before(visible, at, window.offset() == start) else {
                continue;
            };
            let rest = visible.get(at..).unwrap_or_default();
            match line::begins_message(rest, window.is_last(), before, self.dialect) {
                Told::No => {}
                Told::Yes => return Search::Found(at),
                Told::More => return Search::Undecided(at),
            }
        }
        Search::Nothing
    }
}

/// Takes a header section that is as long as it was; false where it is not. A
/// blank line must end it: then nothing of it is left behind.
fn noted_header(window: &mut Window, limits: &Limits, noted: Extent, cut: &mut Cut) -> bool {
    let Some(length) = noted.header.map(NonZeroUsize::get) else {
        return false;
    };
    if length > limits.header {
        return false;
    }
    window.show(length);
    match window.visible().get(..length) {
        Some(header) if ends_in_blank_line(header) => cut.octets.extend_from_slice(header),
        _ => return false,
    }
    if noted.telling {
        window.pass(length);
    } else {
        // Its lines are counted with those of the body.
        window.pass_counted(length, 0);
    }
    true
}

fn ends_in_blank_line(header: &[u8]) -> bool {
    let before = header
        .strip_suffix(b"\n")
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    before.is_some_and(|before| before.is_empty() || before.ends_with(b"\n"))
}

/// Passes over a body that ends where it did, and holds nothing to be kept; false
/// where that is not so.
fn is_noted_body(window: &mut Window, noted: Extent, cut: &Cut, noting: &mut Noting) -> bool {
    if noted.telling {
        return false;
    }
    let lines = noted.lines.saturating_sub(window.line() - cut.line);
    let passed = window.pass_over(noted.body, lines, || octets_ahead(noting));
    window.show(line::POSTMARK.len());
    let there = window.visible();
    let is = passed.is_ok() && (there.is_empty() || there.starts_with(line::POSTMARK));
    if !is {
        noting.give_up();
    }
    is
}

/// How many octets are read before a body is sought over, which is long.
fn octets_ahead(noting: &Noting) -> Option<usize> {
    let mut count = 0_usize;
    for ahead in noting.ahead() {
        count = count.saturating_add(POSTMARK_ROOM + ahead.header?.get());
        if ahead.body > NEAR || count >= LARGE_BLOCK {
            return Some(count);
        }
        count += ahead.body as usize;
    }
    None
}

/// Cuts the one message that the input is.
pub(super) fn message(window: &mut Window, limits: &Limits) -> Cut {
    let mut cut = Cut {
        offset: window.offset(),
        line: window.line(),
        ..Cut::default()
    };
    let end = header(window, limits, None, &mut cut);
    if end == HeaderEnd::BlankLine && !cut.truncated {
        window.show(limits.body);
        let visible = window.visible();
        let body = visible.get(..limits.body).unwrap_or(visible);
        cut.octets.extend_from_slice(body);
        cut.body = body.len();
        let passed = body.len();
        window.pass(passed);
    }
    cut
}

/// Takes a header section with its blank line (RFC 5322, section 2.1).
pub(super) fn header(
    window: &mut Window,
    limits: &Limits,
    mbox: Option<Dialect>,
    cut: &mut Cut,
) -> HeaderEnd {
    window.show(2);
    let mut border = match window.visible() {
        [b'\n', ..] => Border::At(1, HeaderEnd::BlankLine),
        [b'\r', b'\n', ..] => Border::At(2, HeaderEnd::BlankLine),
        _ => border(window, mbox),
    };
    loop {
        let (passed, end) = match border {
            Border::At(passed, end) => (passed, Some(end)),
            Border::NotBefore(passed) => (passed, None),
        };
        let kept = window.visible().get(..passed).unwrap_or_default();
        if end == Some(HeaderEnd::EndOfInput) {
            cut.unfinished = kept.last().is_some_and(|last| *last != b'\n');
        }
        if !cut.truncated {
            let room = limits.header.saturating_sub(cut.octets.len());
            cut.truncated = passed > room;
            cut.octets
                .extend_from_slice(kept.get(..room).unwrap_or(kept));
        }
        window.pass(passed);
        if let Some(end) = end {
            if cut.truncated {
                drop_torn_line(&mut cut.octets);
            }
            return end;
        }
        if passed == 0 {
            window.more();
        }
        border = self::border(window, mbox);
    }
}

/// Where a header section ends, as far as can be seen.
enum Border {
    At(usize, HeaderEnd),
    /// So many octets belong to it; then more must be seen.
    NotBefore(usize),
}

/// Blank lines behind a line end, with what of each belongs to the header.
static BLANK_LINES: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [Finder::new(b"\n\n"), Finder::new(b"\n\r\n")]);

static NEXT_POSTMARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\nFrom "));

/// Looks for the end in the next piece. It begins inside a line or with a line
/// end, so that no border lies before it.
fn border(window: &Window, mbox: Option<Dialect>) -> Border {
    let visible = window.visible();
    let piece = visible.get(..PIECE).unwrap_or(visible);
    let find = |finder: &Finder<'_>, text| {
        let at = finder.find(text)?;
        Some((at, at + finder.needle().len()))
    };
    let before = |blank: Option<(usize, usize)>| {
        let end = blank.map_or(piece.len(), |(at, _)| at);
        piece.get(..end).unwrap_or_default()
    };
    let [bare, with_cr] = &*BLANK_LINES;
    let mut blank = find(bare, piece);
    // Without a CR there is no blank line of the second kind, and most files have none.
    if memchr::memchr(b'\r', before(blank)).is_some() {
        blank = find(with_cr, before(blank)).or(blank);
    }
    if let Some(dialect) = mbox {
        for at in NEXT_POSTMARK.find_iter(before(blank)) {
            let text = visible.get(at + 1..).unwrap_or_default();
            match line::begins_message(text, window.is_last(), Before::Header, dialect) {
                Told::No => {}
                Told::Yes => return Border::At(at + 1, HeaderEnd::Postmark),
                Told::More => return Border::NotBefore(at),
            }
        }
    }
    if let Some((_, end)) = blank {
        return Border::At(end, HeaderEnd::BlankLine);
    }
    if window.is_last() && piece.len() == visible.len() {
        return Border::At(piece.len(), HeaderEnd::EndOfInput);
    }
    match memchr::memrchr(b'\n', piece) {
        Some(at) if at > 0 => Border::NotBefore(at),
        _ if piece.len() == PIECE => Border::NotBefore(PIECE),
        _ => Border::NotBefore(0),
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
fn pass_postmarks(window: &mut Window) {
    for passed in 0..=line::MOST_OLD_POSTMARKS {
        window.show(1 + line::POSTMARK.len());
        let visible = window.visible();
        let own = passed == 0 && visible.starts_with(line::POSTMARK);
        if !own && !visible.starts_with(b">From ") {
            break;
        }
        if memchr::memchr(b'\n', visible).is_none() {
            window.show(4096);
        }
        let length = line::first_line(window.visible(), 4096).len() + 1;
        window.pass(length);
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fmt::Write as _;
    use std::fs::File;

    use super::*;
    use crate::mailbox::notes::Notes;
    use crate::mailbox::window::Input;

    const MARK: &str = "From bo@c.example Tue Nov  3 09:14:07 2026\n";

    /// The messages of a file, and whether its notes held to the end.
    fn read(path: &std::path::Path, notes: &Notes) -> (Vec<Cut>, bool) {
        let mut window = Window::new(Input::File(File::open(path).unwrap()), Vec::new());
        let dialect = Dialect::of(MARK.as_bytes());
        let mut mbox = Mbox::new(dialect, Some(path.to_owned()));
        mbox.noting(notes.of(path.to_owned(), window.stamp().unwrap()));
        let (mut cuts, mut held) = (Vec::new(), false);
        while let Some(cut) = mbox.next(&mut window, &Limits::default()) {
            held = mbox.noting.as_ref().is_some_and(Noting::is_using);
            cuts.push(cut);
        }
        (cuts, held)
    }

    #[test]
    fn a_mailbox_that_was_changed_in_place_is_read_as_it_is() {
        // As many octets and the same time, but longer headers. A line of them may
        // end where the whole header ended.
        const FIELD: &str = "Received: from a by b";
        let message = |header: &str, length: usize| {
            let body = "x".repeat(length - header.len());
            format!("{MARK}{header}\n{body}\n\n")
        };
        let before = message("Subject: 00\n", 80).repeat(40);
        for first in ["Subject: 0", "Subject: 000"] {
            let after = message(&format!("{first}\n{FIELD}\n"), 80).repeat(40);
            assert_eq!(before.len(), after.len());
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("mbox");
            std::fs::write(&path, &before).unwrap();
            let time = std::fs::metadata(&path).unwrap().modified().unwrap();
            let notes = Notes::default();
            assert_eq!(read(&path, &notes).0.len(), 40);
            std::fs::write(&path, &after).unwrap();
            let file = File::options().append(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
            let (cuts, held) = read(&path, &notes);
            assert_eq!((held, cuts.len()), (false, 40), "{first}");
            for cut in cuts {
                let text = String::from_utf8(cut.octets).unwrap();
                assert!(text.starts_with(&format!("{first}\n{FIELD}\n\n")), "{text}");
            }
        }
    }

    #[test]
    fn notes_hold_wherever_a_block_ends() {
        // Postmarks stand before, behind and across the ends of blocks; long bodies
        // are sought over, short ones are not.
        for long in [false, true] {
            let mut text = String::new();
            for number in 0..3_000 {
                let body = match number % 10 {
                    0 if long => 20_000,
                    _ => number % 700,
                };
                let line = "x".repeat(body);
                let _ = write!(text, "{MARK}Subject: {number}\nA: b\n c\n\n{line}\n\n");
            }
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("mbox");
            std::fs::write(&path, &text).unwrap();
            let notes = Notes::default();
            let (first, held) = read(&path, &notes);
            assert!(!held && first.len() == 3_000);
            let (second, held) = read(&path, &notes);
            assert!(held);
            assert_eq!(second.len(), first.len());
            for (one, other) in first.iter().zip(&second) {
                assert_eq!(one.octets, other.octets);
                assert_eq!((one.offset, one.line), (other.offset, other.line));
            }
        }
    }
}
