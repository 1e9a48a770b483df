//! A ClientHello made by hand and the server's answer to it: what this
//! program's own TLS stack cannot ask, since it speaks TLS 1.2 and 1.3 with
//! modern suites only.
//!
//! Nothing is negotiated to an end. The server's first flight tells the version
//! and suite it chose and, up to TLS 1.2, shows its certificate in clear; then
//! the connection is dropped. So what is learnt here says what a server speaks,
//! and never that it is who it claims: nobody proved to have the certificate's
//! key.
//!
//! [`ClientHello::new`] with its methods, then [`ClientHello::to_octets`] makes
//! the question, [`flight::Flight::push`] reads the answer as it comes, and
//! [`suites::Suite`] names what was chosen. [`ladder::Enumeration`] asks for
//! every suite in turn. "No ServerHello of that version" is the test for a
//! version, never the code of an alert, which differs between servers.
//!
//! Shapes: SSL 3.0 (RFC 6101), TLS 1.0 (RFC 2246), TLS 1.1 (RFC 4346), TLS 1.2
//! (RFC 5246), TLS 1.3 (RFC 8446). Not supported: SSL 2.0, whose hello has
//! another form; suites that need a shared secret.

pub mod flight;
pub mod ladder;
pub mod suites;

use crate::name::HostName;
use crate::tls::hello::suites::{KeyExchange, Protection, SUITES, Suite};
use crate::tls::parameters::TlsVersion;

/// A question to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    version: TlsVersion,
    random: [u8; 32],
    suites: Vec<u16>,
    server_name: Option<String>,
    groups: Vec<u16>,
    key_shares: Vec<(u16, Vec<u8>)>,
}

/// Named groups (IANA "TLS Supported Groups" registry).
pub const GROUPS: &[(u16, &str)] = &[
    (0x0013, "secp192r1"),
    (0x0015, "secp224r1"),
    (0x0016, "secp256k1"),
    (0x0017, "secp256r1"),
    (0x0018, "secp384r1"),
    (0x0019, "secp521r1"),
    (0x001a, "brainpoolP256r1"),
    (0x001b, "brainpoolP384r1"),
    (0x001c, "brainpoolP512r1"),
    (0x001d, "x25519"),
    (0x001e, "x448"),
    (0x001f, "brainpoolP256r1tls13"),
    (0x0020, "brainpoolP384r1tls13"),
    (0x0021, "brainpoolP512r1tls13"),
    (0x0100, "ffdhe2048"),
    (0x0101, "ffdhe3072"),
    (0x0102, "ffdhe4096"),
    (0x0103, "ffdhe6144"),
    (0x0104, "ffdhe8192"),
    (0x0200, "MLKEM512"),
    (0x0201, "MLKEM768"),
    (0x0202, "MLKEM1024"),
    (0x11eb, "SecP256r1MLKEM768"),
    (0x11ec, "X25519MLKEM768"),
    (0x11ed, "SecP384r1MLKEM1024"),
    (0x6399, "X25519Kyber768Draft00"),
];

/// The groups of TLS 1.3 that no quantum computer is thought of in.
pub const CLASSICAL_GROUPS: &[u16] = &[0x001d, 0x0017, 0x0018, 0x0019, 0x001e, 0x0100, 0x0101];

/// The same, with the hybrids of ML-KEM in front.
pub const POST_QUANTUM_GROUPS: &[u16] = &[
    0x11ec, 0x11eb, 0x11ed, 0x001d, 0x0017, 0x0018, 0x0019, 0x001e, 0x0100, 0x0101,
];

/// The groups of TLS 1.3 that this program's own TLS stack does not have.
pub const RARE_GROUPS: &[u16] = &[
    0x0019, 0x001e, 0x0100, 0x0101, 0x0102, 0x001f, 0x0020, 0x0021,
];

/// Whether this program's own TLS stack has what a server chose: the suite,
/// and the group where it told one.
#[must_use]
pub fn is_ours(suite: Option<u16>, group: Option<u16>) -> bool {
    suite.and_then(Suite::of).is_some_and(Suite::is_ours)
        && group.is_none_or(|group| matches!(group, 0x001d | 0x0017 | 0x0018 | 0x11ec))
}

/// The curves for TLS 1.2 and before. Finite field groups are left out on
/// purpose: a server that knows RFC 7919 would answer with one of those
/// instead of showing the parameters it is configured with.
pub const CURVES: &[u16] = &[
    0x001d, 0x0017, 0x0018, 0x0019, 0x001e, 0x0016, 0x001a, 0x001b, 0x001c, 0x0015, 0x0013,
];

/// Signature schemes (RFC 8446, section 4.2.3), with the SHA-1 and DSA ones of
/// TLS 1.2 that a server with an old certificate wants to see.
const SIGNATURES: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x081a,
    0x081b, 0x081c, 0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0302, 0x0202,
];

/// Says that secure renegotiation is known (RFC 5746, section 3.3), without
/// which some servers refuse.
const RENEGOTIATION_SCSV: u16 = 0x00ff;

/// The IANA name of a group.
#[must_use]
pub fn group_name(group: u16) -> Option<&'static str> {
    GROUPS
        .iter()
        .find(|(code, _)| *code == group)
        .map(|(_, name)| *name)
}

/// Whether a group mixes in ML-KEM or is ML-KEM.
#[must_use]
pub fn is_post_quantum(group: u16) -> bool {
    matches!(group, 0x0200..=0x0202 | 0x11eb..=0x11ed | 0x6399)
}

/// The protocol number of a version; none for SSL 2.0, which has no such hello.
#[must_use]
pub fn number(version: TlsVersion) -> Option<u16> {
    match version {
        TlsVersion::Ssl2 => None,
        TlsVersion::Ssl3 => Some(0x0300),
        TlsVersion::Tls10 => Some(0x0301),
        TlsVersion::Tls11 => Some(0x0302),
        TlsVersion::Tls12 => Some(0x0303),
        TlsVersion::Tls13 => Some(0x0304),
    }
}

/// Suites that a hello of the version can carry, best ones first, and only
/// those that some widespread software ever had.
#[must_use]
pub fn suites_for(version: TlsVersion) -> Vec<u16> {
    let mut fit: Vec<&Suite> = SUITES
        .iter()
        .filter(|suite| suite.openssl.is_some())
        .filter(|suite| {
            let is_13 = suite.key_exchange() == KeyExchange::Tls13;
            match version {
                TlsVersion::Tls13 => is_13,
                TlsVersion::Tls12 => !is_13,
                _ => !is_13 && !suite.needs_tls12(),
            }
        })
        .collect();
    // The order in which a careful client prefers them, since many servers
    // follow it: what protects nothing last, before it what shows no
    // certificate.
    fit.sort_by_key(|suite| {
        let protection = suite.protection();
        (
            protection >= Protection::Breakable,
            suite.is_anonymous(),
            suite.key_exchange() >= KeyExchange::Rsa,
            protection,
            suite.key_exchange(),
            std::cmp::Reverse(suite.bits()),
        )
    });
    fit.iter().map(|suite| suite.code).collect()
}

impl ClientHello {
    /// A hello that offers all it can at a version: every suite of
    /// [`suites_for`], every curve, and no name. `random` is any 32 octets.
    ///
    /// SSL 2.0 has no hello of this form; SSL 3.0 is taken for it.
    #[must_use]
    pub fn new(version: TlsVersion, random: [u8; 32]) -> Self {
        let version = version.max(TlsVersion::Ssl3);
        Self {
            version,
            random,
            suites: suites_for(version),
            server_name: None,
            groups: if version == TlsVersion::Tls13 {
                CLASSICAL_GROUPS.to_vec()
            } else {
                CURVES.to_vec()
            },
            key_shares: Vec::new(),
        }
    }

    /// Offers these suites alone.
    #[must_use]
    pub fn suites(mut self, suites: &[u16]) -> Self {
        self.suites = suites.to_vec();
        self
    }

    /// Names the server wanted (RFC 6066, section 3). An address is no such
    /// name, and is left out. SSL 3.0 cannot say it.
    #[must_use]
    pub fn server_name(mut self, host: &HostName) -> Self {
        let fits = !host.is_address() && (1..=253).contains(&host.as_str().len());
        self.server_name = fits.then(|| host.as_str().to_owned());
        self
    }

    /// Offers these groups alone, in this order.
    #[must_use]
    pub fn groups(mut self, groups: &[u16]) -> Self {
        self.groups = groups.to_vec();
        self
    }

    /// Adds a key share (TLS 1.3). Without any, a server asks for the one it
    /// wants by a HelloRetryRequest (RFC 8446, section 4.2.8), which tells its
    /// version, suite and group without a key having been made.
    #[must_use]
    pub fn key_share(mut self, group: u16, public: Vec<u8>) -> Self {
        self.key_shares.push((group, public));
        self
    }

    /// What goes over the wire: the message in records of at most 2^14 octets
    /// (RFC 8446, section 5.1).
    #[must_use]
    pub fn to_octets(&self) -> Vec<u8> {
        let number = number(self.version).unwrap_or(0x0300);
        let mut body = number.min(0x0303).to_be_bytes().to_vec();
        body.extend(self.random);
        if self.version == TlsVersion::Tls13 {
            // RFC 8446, appendix D.4: middleboxes expect a session to resume.
            vector8(&mut body, |out| out.extend(self.random.iter().rev()));
        } else {
            body.push(0);
        }
        vector16(&mut body, |out| {
            self.suites.iter().for_each(|&suite| put16(out, suite));
            if self.version < TlsVersion::Tls13 {
                put16(out, RENEGOTIATION_SCSV);
            }
        });
        // Compression: none.
        body.extend([1, 0]);
        if self.version > TlsVersion::Ssl3 {
            let mut extensions = self.extensions(number);
            // RFC 7685: hellos of 256 to 511 octets make some servers hang.
            let length = 4 + body.len() + 2 + extensions.len();
            if (256..512).contains(&length) {
                let padding = (512 - length).saturating_sub(4);
                extension(&mut extensions, 21, |out| {
                    out.resize(out.len() + padding, 0);
                });
            }
            vector16(&mut body, |out| out.extend(&extensions));
        }

        let mut message = vec![1];
        message.extend(
            u32::try_from(body.len())
                .unwrap_or(0)
                .to_be_bytes()
                .iter()
                .skip(1),
        );
        message.extend(body);
        let record_version = number.min(0x0301).to_be_bytes();
        message
            .chunks(1 << 14)
            .flat_map(|fragment| {
                let mut record = vec![22];
                record.extend(record_version);
                vector16(&mut record, |out| out.extend(fragment));
                record
            })
            .collect()
    }

    fn extensions(&self, number: u16) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(name) = &self.server_name {
            extension(&mut out, 0, |out| {
                vector16(out, |out| {
                    out.push(0);
                    vector16(out, |out| out.extend(name.as_bytes()));
                });
            });
        }
        if !self.groups.is_empty() {
            extension(&mut out, 10, |out| {
                vector16(out, |out| {
                    self.groups.iter().for_each(|&group| put16(out, group));
                });
            });
        }
        if self.version < TlsVersion::Tls13 {
            // Uncompressed points (RFC 8422, section 5.1.2).
            extension(&mut out, 11, |out| out.extend([1, 0]));
            // Extended master secret (RFC 7627), which some servers demand.
            extension(&mut out, 23, |_| {});
        }
        if self.version >= TlsVersion::Tls12 {
            extension(&mut out, 13, |out| {
                vector16(out, |out| {
                    SIGNATURES.iter().for_each(|&scheme| put16(out, scheme));
                });
            });
        }
        if self.version == TlsVersion::Tls13 {
            extension(&mut out, 43, |out| vector8(out, |out| put16(out, number)));
            extension(&mut out, 51, |out| {
                vector16(out, |out| {
                    for (group, public) in &self.key_shares {
                        put16(out, *group);
                        vector16(out, |out| out.extend(public));
                    }
                });
            });
        }
        out
    }
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_be_bytes());
}

/// A vector with a length of one octet. What is put in is ours, and short.
fn vector8(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.push(0);
    fill(out);
    out[at] = u8::try_from(out.len() - at - 1).unwrap_or(u8::MAX);
}

/// The same with a length of two octets.
fn vector16(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend([0, 0]);
    fill(out);
    let length = u16::try_from(out.len() - at - 2).unwrap_or(u16::MAX);
    out[at..at + 2].copy_from_slice(&length.to_be_bytes());
}

fn extension(out: &mut Vec<u8>, kind: u16, fill: impl FnOnce(&mut Vec<u8>)) {
    put16(out, kind);
    vector16(out, fill);
}

#[cfg(test)]
mod tests;
