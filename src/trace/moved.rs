//! Places in one line, told by those in another line of its pattern.

use std::ops::Range;

/// Words of a line that differ from line to line, at most: a process, an id, a
/// recipient, the white space before the date, the date.
const MOST: usize = 5;

/// By how much what stands behind each word that differs is moved, the last word
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moved([(u16, i16); MOST]);

impl Default for Moved {
    fn default() -> Self {
        Self([(u16::MAX, 0); MOST])
    }
}

impl Moved {
    /// From where the words of one line and those of another end, in order. Both
    /// lines are shorter than 32,768 octets.
    pub fn between(one: impl Iterator<Item = usize>, other: impl Iterator<Item = usize>) -> Self {
        let mut moved = Self::default();
        for (slot, (one, other)) in moved.0.iter_mut().rev().zip(one.zip(other)) {
            *slot = (one as u16, other.wrapping_sub(one) as i16);
        }
        moved
    }

    /// Where in the other line stands what stands here in the one.
    pub fn place(&self, span: &Range<usize>) -> Range<usize> {
        self.to(span.start)..self.to(span.end)
    }

    fn to(&self, at: usize) -> usize {
        let behind = self.0.iter().find(|(end, _)| usize::from(*end) <= at);
        at.saturating_add_signed(behind.map_or(0, |(_, by)| isize::from(*by)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_longer_word_is_moved() {
        // Words at 4..6 and 9..12 in one line, at 4..9 and 12..13 in the other.
        let moved = Moved::between([6, 12].into_iter(), [9, 13].into_iter());
        for (span, place) in [(0..4, 0..4), (4..6, 4..9), (7..8, 10..11), (9..12, 12..13)] {
            assert_eq!(moved.place(&span), place);
        }
        assert_eq!(Moved::default().place(&(3..90_000)), 3..90_000);
    }
}
