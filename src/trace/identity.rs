//! What is a message's own: its trace, whatever the line ends and the folds of
//! the file it stands in.
//!
//! Of a line that has its [`Places`], what is its own is taken by itself, and the
//! rest by itself: so the rest need be looked at only once for all lines of a
//! pattern. The hash is seeded by lot for every run, so that nobody can write a
//! message that passes for another.

use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

use foldhash::quality::{FoldHasher, RandomState};

use crate::trace::places::Places;

static SEEDED: LazyLock<RandomState> = LazyLock::new(RandomState::default);

fn hasher() -> FoldHasher<'static> {
    SEEDED.build_hasher()
}

/// The identity of several lines, from theirs.
pub(super) fn of_lines(lines: impl Iterator<Item = u64>) -> u64 {
    let mut all = hasher();
    lines.for_each(|line| all.write_u64(line));
    all.finish()
}

/// The identity of one line.
pub(super) fn of_line(raw: &[u8]) -> u64 {
    match Places::of(raw) {
        Some(places) => with_own(of_rest(raw, &places), raw, &places),
        None => of_texts(std::iter::once(raw)),
    }
}

/// The identity of what a line shares with others of its pattern.
pub(super) fn of_rest(raw: &[u8], places: &Places) -> u64 {
    let ends = places.cuts().map(|cut| cut.start).chain([raw.len()]);
    let starts = std::iter::once(0).chain(places.cuts().map(|cut| cut.end));
    of_texts(
        starts
            .zip(ends)
            .map(|(start, end)| raw.get(start..end).unwrap_or_default()),
    )
}

/// The identity of a line, from that of what it shares with others.
pub(super) fn with_own(rest: u64, raw: &[u8], places: &Places) -> u64 {
    let mut own = hasher();
    own.write_u64(rest);
    for cut in places.words() {
        own.write(raw.get(cut.clone()).unwrap_or_default());
    }
    own.write_i64(places.date.at.as_second());
    own.finish()
}

/// The identity of texts in order, whatever white space stands between words.
fn of_texts<'a>(texts: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut all = hasher();
    for text in texts {
        for word in text.split(u8::is_ascii_whitespace) {
            if !word.is_empty() {
                all.write(word);
            }
        }
        // No word has more octets than there are.
        all.write_usize(usize::MAX);
    }
    all.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_same_however_it_is_folded() {
        let text: &[u8] =
            b"Received: from a by b with ESMTP id 7A for <c@d>; Tue, 03 Nov 2026 09:14:07 +0000";
        let same: [&[u8]; 2] = [
            b"Received: from a by b\r\n\twith ESMTP id 7A for <c@d>;\r\n Tue, 03 Nov 2026 09:14:07 +0000",
            b"Received: from a by b\n with\n ESMTP id 7A\n for <c@d>; Tue,  3 Nov 2026 09:14:07\n +0000",
        ];
        let others: [&[u8]; 5] = [
            b"Received: from a by b with ESMTP id 8A for <c@d>; Tue, 03 Nov 2026 09:14:07 +0000",
            b"Received: from a by b with ESMTP id 7A for <c@e>; Tue, 03 Nov 2026 09:14:07 +0000",
            b"Received: from a by b with ESMTP id 7A for <c@d>; Tue, 03 Nov 2026 09:14:08 +0000",
            b"Received: from a by b with ESMTP id 7A for <c@d>; Tue, 03 Nov 2026 09:14:07 +0100",
            b"Received: from a by c with ESMTP id 7A for <c@d>; Tue, 03 Nov 2026 09:14:07 +0000",
        ];
        for line in same {
            assert_eq!(of_line(line), of_line(text));
        }
        for line in others {
            assert_ne!(of_line(line), of_line(text));
        }
        let (one, other) = (of_line(text), of_line(b"Received: from b by c"));
        let lines = |lines: [u64; 2]| of_lines(lines.into_iter());
        assert_ne!(lines([one, other]), lines([other, one]));
        assert_ne!(of_line(b"ab"), of_line(b"ba"));
    }
}
