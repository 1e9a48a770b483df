//! How much is kept of an input, and how far a hostile one is followed.

/// Bounds on what is kept and followed. [`Limits::default`] suits people and
/// machines alike; tests choose smaller ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a header section that are kept; the rest is passed over and
    /// the message marked [`header_truncated`](super::RawMessage::header_truncated).
    pub header: usize,
    /// Octets kept of a body, for signs of end-to-end encryption.
    pub body: usize,
    /// Octets of pasted text that are repaired.
    pub pasted: usize,
    /// Octets that compressed input may grow to.
    pub expanded: u64,
    /// How many times its size compressed input may grow. Mail shrinks to a
    /// fifth; deflate cannot exceed 1032.
    pub ratio: u64,
    /// Octets of an Outlook file that are read where it cannot be sought in:
    /// standard input, or inside a gzip file.
    pub outlook: usize,
    /// Octets of a message that are searched for the messages attached to it.
    pub attached: usize,
    /// Folders inside folders.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: 1 << 20,
            body: 16 << 10,
            pasted: 2 << 20,
            expanded: 1 << 40,
            ratio: 250,
            outlook: 16 << 20,
            attached: 16 << 20,
            depth: 64,
        }
    }
}
