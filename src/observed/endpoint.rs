//! One address of an MX host as a probe saw it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::attempt::Attempt;
use crate::failure::Failure;
use crate::observed::depth::{Depth, Suites};
use crate::tls::certificate::Certificate;
use crate::tls::handshake::{Handshake, KeyKind};
use crate::tls::hello::suites::Suite;
use crate::tls::parameters::TlsVersion;

/// One address and port, from connect to QUIT.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointObservation {
    pub address: IpAddr,
    pub port: u16,
    /// TCP connections opened to it.
    pub connections: u32,
    pub connect: Attempt<()>,
    pub greeting: Attempt<Reply>,
    pub ehlo: Attempt<EhloReply>,
    pub starttls: Attempt<Reply>,
    pub handshake: Attempt<Handshake>,
    /// How the handshake failed with the post-quantum key share, where it
    /// succeeded without: `handshake` is then the second one.
    pub large_hello: Option<Box<Failure>>,
    /// What a hello made by hand learnt where the handshake failed.
    pub raw_hello: Option<RawHello>,
    /// A second handshake, for the certificate with the other kind of key,
    /// where TLSA records bind.
    pub other_certificate: Attempt<OtherCertificate>,
    /// What `--depth deep` saw beside.
    pub deep: Option<Box<Depth>>,
    /// Every suite it takes, where that was asked; a version without an entry
    /// was not asked to the end.
    pub suites: Option<Suites>,
    /// EHLO said again after the handshake (RFC 3207, section 4.2).
    pub after_tls: Attempt<AfterTls>,
    pub anomalies: Vec<Anomaly>,
    pub timings: Timings,
    /// The dialogue as it went, for `-v`. Bounded like the replies.
    pub transcript: Vec<Exchange>,
}

/// The answer to a hello made by hand. Nobody proved to have a key, so it tells
/// what the server speaks and never who it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawHello {
    /// Which versions the server takes, as far as the answer tells: it chooses
    /// the best that it has of those offered (RFC 5246, appendix E.1).
    pub versions: BTreeMap<TlsVersion, bool>,
    /// What it chose; none where no ServerHello came.
    pub version: Option<TlsVersion>,
    /// The registry number of the suite it chose.
    pub suite: Option<u16>,
    /// The registry number of the group of its key, where it has one.
    pub group: Option<u16>,
    /// The size of its Diffie-Hellman prime.
    pub dh_bits: Option<u32>,
    /// The chain as sent, leaf first; TLS 1.2 and before.
    pub chain: Vec<Certificate>,
    pub client_certificate_requested: bool,
}

impl RawHello {
    /// The suite, where the registry has it.
    #[must_use]
    pub fn known_suite(&self) -> Option<&'static Suite> {
        self.suite.and_then(Suite::of)
    }

    /// The suite's IANA name, or its number.
    #[must_use]
    pub fn suite_name(&self) -> Option<String> {
        self.suite.map(|code| {
            Suite::of(code).map_or_else(|| format!("0x{code:04X}"), |suite| suite.name.to_owned())
        })
    }
}

/// What asking for a certificate with the other kind of key came to.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherCertificate {
    /// What was asked for.
    pub key: KeyKind,
    /// None where the server has no such certificate.
    pub handshake: Option<Box<Handshake>>,
}

impl EndpointObservation {
    /// Whether the server names REQUIRETLS where it counts: in the reply to EHLO
    /// inside TLS (RFC 8689, section 2). None where there was no such reply.
    #[must_use]
    pub fn requiretls(&self) -> Option<bool> {
        let after = self.after_tls.done()?;
        Some(after.keywords.iter().any(|keyword| {
            let word = keyword.split(' ').next().unwrap_or_default();
            word.eq_ignore_ascii_case("REQUIRETLS")
        }))
    }
}

/// A reply as it came: the code and every line with its code, without CRLF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// Hostile octets: escape before showing.
    pub lines: Vec<Vec<u8>>,
}

/// The accepted reply to EHLO or HELO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EhloReply {
    pub verb: Verb,
    /// Keywords with their parameters, keyword in upper case; the first line
    /// is the server's name and never a keyword (RFC 5321, section 4.1.1.1).
    pub keywords: Vec<String>,
    pub lines: Vec<Vec<u8>>,
}

/// The verb that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    Ehlo,
    /// EHLO was refused, HELO taken: no extensions, so no STARTTLS.
    Helo,
}

/// The extension keywords after the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterTls {
    pub keywords: Vec<String>,
}

macro_rules! anomalies {
    ($($(#[$doc:meta])* $variant:ident = $word:literal;)*) => {
        /// Something odd that did not end the dialogue.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Anomaly {
            $($(#[$doc])* $variant,)*
        }

        impl Anomaly {
            /// Every anomaly.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word of the published contract.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

anomalies! {
    /// STARTTLS is still offered after TLS (RFC 3207, section 4.2 forbids it).
    StarttlsAfterTls = "starttls-after-tls";
    /// Octets came behind the 220 reply, before the handshake.
    DataBeforeHandshake = "data-before-handshake";
    /// AUTH is offered in cleartext.
    AuthBeforeTls = "auth-before-tls";
    /// Lines end in LF alone (RFC 5321, section 2.3.8).
    BareLf = "bare-lf";
    /// A reply line longer than 512 octets (RFC 5321, section 4.5.3.1.5).
    OverLongLine = "over-long-line";
    /// Lines of one reply carry different codes (RFC 5321, section 4.2.1).
    CodeMismatch = "code-mismatch";
    /// The server spoke before it may, or said more than one reply.
    UnexpectedReply = "unexpected-reply";
    /// EHLO after TLS was not answered as before.
    EhloAfterTlsFailed = "ehlo-after-tls-failed";
}

/// How long each stage took; none where it was not reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timings {
    pub connect: Option<Duration>,
    pub greeting: Option<Duration>,
    pub ehlo: Option<Duration>,
    pub starttls: Option<Duration>,
    pub handshake: Option<Duration>,
}

/// One line of the dialogue, at a time since the connection began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub at: Duration,
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Connected,
    /// A further connection to the same address begins, for this.
    Further(&'static str),
    /// A command of ours, without CRLF.
    Sent(String),
    /// A line of the server, without its line end. Hostile octets.
    Heard(Vec<u8>),
    /// The handshake was done.
    Secured,
    /// What came back to a hello made by hand.
    Answered(String),
    /// The step failed, in words.
    Failed(String),
}
