//! What is a message's own: its trace, whatever the line ends and the folds of
//! the file it stands in.
//!
//! It is a polynomial over a prime field, which for a text that is put together
//! follows from those of its parts: of a line whose pattern is known, only what
//! is its own need be looked at. Where the polynomial is evaluated is drawn by
//! lot for every run, so that nobody can write a message that passes for
//! another.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// The prime, 2 to the 61st less one.
const PRIME: u64 = (1 << 61) - 1;

static BASE: LazyLock<u64> = LazyLock::new(|| {
    let drawn = RandomState::new().build_hasher().finish();
    // Above all values that an octet is given.
    512 + drawn % (PRIME - 1024)
});

/// The identity of a text, white space left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    value: u64,
    /// The base to the power of the octets' number.
    power: u64,
}

impl Identity {
    /// That of nothing.
    pub const EMPTY: Self = Self { value: 0, power: 1 };

    /// That of these octets.
    pub fn of(text: &[u8]) -> Self {
        Self::EMPTY.followed_by(text)
    }

    /// With these octets behind it.
    pub fn followed_by(self, text: &[u8]) -> Self {
        let base = *BASE;
        let mut all = self;
        for octet in text.iter().filter(|octet| !octet.is_ascii_whitespace()) {
            all.value = reduced(times(all.value, base) + u64::from(*octet) + 1);
            all.power = times(all.power, base);
        }
        all
    }

    /// With another text behind it.
    pub fn with(self, behind: Self) -> Self {
        Self {
            value: reduced(times(self.value, behind.power) + behind.value),
            power: times(self.power, behind.power),
        }
    }

    /// That of several lines.
    pub fn of_lines(lines: impl Iterator<Item = Self>) -> u64 {
        // No octet is given this value: it stands for the end of a line.
        let end = Self {
            value: 300,
            power: *BASE,
        };
        lines
            .fold(Self::EMPTY, |all, line| all.with(line).with(end))
            .value
    }
}

/// A product in the field.
fn times(one: u64, other: u64) -> u64 {
    let wide = u128::from(one) * u128::from(other);
    let low = (wide as u64) & PRIME;
    reduced(low + (wide >> 61) as u64)
}

fn reduced(value: u64) -> u64 {
    if value >= PRIME { value - PRIME } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_in_parts_and_folded() {
        let text = b"Received: from a by b with ESMTP id 7; Tue, 03 Nov 2026 09:14:07 +0000";
        let folded =
            b"Received: from a by b\r\n\twith ESMTP id 7;\n Tue, 03 Nov 2026 09:14:07 +0000";
        let whole = Identity::of(text);
        assert_eq!(Identity::of(folded), whole);
        for at in 0..text.len() {
            let (one, other) = text.split_at(at);
            assert_eq!(Identity::of(one).with(Identity::of(other)), whole);
            assert_eq!(Identity::of(one).followed_by(other), whole);
        }
        assert_ne!(Identity::of(b"ab"), Identity::of(b"ba"));
        let lines = |lines: [&[u8]; 2]| Identity::of_lines(lines.into_iter().map(Identity::of));
        assert_ne!(lines([b"a", b"bc"]), lines([b"ab", b"c"]));
    }
}
