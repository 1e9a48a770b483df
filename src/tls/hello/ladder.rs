//! Every suite a server accepts at one version, one connection at a time.
//!
//! Each hello offers what is left; the server picks one, which is struck off;
//! when it picks none, the rest is what it does not have. That costs one
//! connection more than there are suites accepted, so it is done on demand only.

use crate::tls::hello::ClientHello;
use crate::tls::hello::flight::ServerFlight;
use crate::tls::hello::suites_for;
use crate::tls::parameters::TlsVersion;

/// An enumeration under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enumeration {
    version: TlsVersion,
    left: Vec<u16>,
    accepted: Vec<u16>,
    ended: bool,
}

impl Enumeration {
    /// Over all suites of a version.
    #[must_use]
    pub fn new(version: TlsVersion) -> Self {
        Self {
            version,
            left: suites_for(version),
            accepted: Vec::new(),
            ended: false,
        }
    }

    /// The next question; none where all is known.
    #[must_use]
    pub fn next(&self, random: [u8; 32]) -> Option<ClientHello> {
        (!self.ended && !self.left.is_empty())
            .then(|| ClientHello::new(self.version, random).suites(&self.left))
    }

    /// Takes the answer to the last question. An answer of another version, or
    /// with a suite that was not offered, ends the enumeration: the server does
    /// not keep to the rules (RFC 5246, section 7.4.1.3), and would go on for
    /// ever.
    pub fn answered(&mut self, answer: &ServerFlight) {
        let chosen = answer
            .hello
            .as_ref()
            .filter(|hello| hello.version == Some(self.version))
            .and_then(|hello| self.left.iter().position(|&suite| suite == hello.suite));
        match chosen {
            Some(at) => self.accepted.push(self.left.remove(at)),
            None => self.ended = true,
        }
    }

    /// The suites accepted so far, in the order the server chose them: its own
    /// order of preference, if it has one.
    #[must_use]
    pub fn accepted(&self) -> &[u16] {
        &self.accepted
    }
}
