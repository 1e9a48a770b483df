//! What went wrong in one step: stage, kind, what the peer said, whose fault.
//!
//! Where RFC 8460, section 4.3 has a result type with the same meaning, the
//! kind *is* that word. Transient failures map to none of its words
//! (RFC 8460, section 4.3.4: they need not be reported).

use std::time::Duration;

use jiff::Timestamp;

/// The step of a probe in which something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    Dns,
    Proxy,
    Connect,
    Greeting,
    Ehlo,
    Starttls,
    Handshake,
    Certificate,
    PolicyFetch,
    PolicyParse,
    Control,
    Local,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: &[Self] = &[
        Self::Dns,
        Self::Proxy,
        Self::Connect,
        Self::Greeting,
        Self::Ehlo,
        Self::Starttls,
        Self::Handshake,
        Self::Certificate,
        Self::PolicyFetch,
        Self::PolicyParse,
        Self::Control,
        Self::Local,
    ];

    /// The word of the published contract.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Proxy => "proxy",
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::Starttls => "starttls",
            Self::Handshake => "handshake",
            Self::Certificate => "certificate",
            Self::PolicyFetch => "policy-fetch",
            Self::PolicyParse => "policy-parse",
            Self::Control => "control",
            Self::Local => "local",
        }
    }
}

/// Whose doing a failure is, as far as it can be told from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The server, or whoever runs it.
    Peer,
    /// The name service of the domain asked about.
    NameService,
    /// The network between, or it cannot be told.
    Path,
    /// This machine or its network.
    Here,
}

macro_rules! kinds {
    ($($variant:ident = $word:literal, $fault:ident, $transient:literal;)*) => {
        /// Every way a step can fail.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($variant,)* }

        impl Kind {
            /// Every kind, in the order of the published contract.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable kebab-case word of the published contract.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Whose doing it is.
            #[must_use]
            pub fn fault(self) -> Fault {
                match self { $(Self::$variant => Fault::$fault,)* }
            }

            /// Whether trying again later may well give another answer, so
            /// that it says nothing about TLS on the server.
            #[must_use]
            pub fn is_transient(self) -> bool {
                match self { $(Self::$variant => $transient,)* }
            }
        }
    };
}

kinds! {
    // RFC 8460, section 4.3 words.
    StarttlsNotSupported = "starttls-not-supported", Peer, false;
    CertificateHostMismatch = "certificate-host-mismatch", Peer, false;
    CertificateExpired = "certificate-expired", Peer, false;
    CertificateNotTrusted = "certificate-not-trusted", Peer, false;
    ValidationFailure = "validation-failure", Peer, false;
    TlsaInvalid = "tlsa-invalid", Peer, false;
    StsPolicyFetchError = "sts-policy-fetch-error", Peer, false;
    StsPolicyInvalid = "sts-policy-invalid", Peer, false;
    StsWebpkiInvalid = "sts-webpki-invalid", Peer, false;
    // Told apart besides.
    Nxdomain = "nxdomain", NameService, false;
    NoData = "no-data", NameService, false;
    Servfail = "servfail", NameService, true;
    DnsTimeout = "dns-timeout", Path, true;
    DnsRefused = "dns-refused", NameService, true;
    // The resolver itself: nothing listens, no route to it, no TLS with it.
    ResolverUnreachable = "resolver-unreachable", Here, true;
    // Who answers over TLS does not prove the resolver's name.
    ResolverUntrusted = "resolver-untrusted", Here, true;
    DnssecBogus = "dnssec-bogus", NameService, false;
    DnssecIndeterminate = "dnssec-indeterminate", Here, true;
    ProxyUnreachable = "proxy-unreachable", Here, true;
    ProxyAuthFailed = "proxy-auth-failed", Here, true;
    ProxyRefused = "proxy-refused", Here, true;
    ProxyFailed = "proxy-failed", Here, true;
    ConnectRefused = "connect-refused", Peer, true;
    ConnectTimeout = "connect-timeout", Path, true;
    ConnectUnreachable = "connect-unreachable", Path, true;
    GreetingTimeout = "greeting-timeout", Path, true;
    GreetingTemporary = "greeting-temporary", Peer, true;
    GreetingRejected = "greeting-rejected", Peer, true;
    ReplyMalformed = "reply-malformed", Peer, true;
    ReplyTooLong = "reply-too-long", Peer, true;
    ReplyTimeout = "reply-timeout", Path, true;
    ClosedByPeer = "closed-by-peer", Peer, true;
    EhloTemporary = "ehlo-temporary", Peer, true;
    EhloRejected = "ehlo-rejected", Peer, true;
    StarttlsTemporary = "starttls-temporary", Peer, true;
    StarttlsRejected = "starttls-rejected", Peer, false;
    StarttlsMasked = "starttls-masked", Path, false;
    HandshakeTimeout = "handshake-timeout", Path, true;
    HandshakeAlert = "handshake-alert", Peer, false;
    HandshakeNotTls = "handshake-not-tls", Peer, false;
    HandshakeIncompatible = "handshake-incompatible", Here, false;
    CertificateNotYetValid = "certificate-not-yet-valid", Peer, false;
    CertificateWeak = "certificate-weak", Peer, false;
    Port25Blocked = "port-25-blocked", Here, true;
    TooManyOpenFiles = "too-many-open-files", Here, true;
    Deadline = "deadline", Path, true;
}

/// A step's failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub stage: Stage,
    pub kind: Kind,
    /// One sentence, without a final dot, that can stand alone: it names the
    /// peer where there is one.
    pub message: String,
    /// The peer's own words, as they came. Hostile: escape before showing.
    pub heard: Option<Vec<u8>>,
    pub detail: Detail,
}

/// What a machine wants to know beside the message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Detail {
    /// SMTP reply code.
    pub code: Option<u16>,
    /// TLS alert, by its name in RFC 8446, section 6 (`handshake_failure`).
    pub alert: Option<String>,
    pub os_error: Option<i32>,
    pub http_status: Option<u16>,
    /// How long was waited, for time-outs.
    pub waited: Option<Duration>,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
    /// Names the certificate holds, for a name mismatch.
    pub presented: Vec<String>,
    /// DNS response code by its IANA name (`SERVFAIL`).
    pub rcode: Option<String>,
}

impl Failure {
    /// A failure without the peer's words and without detail.
    #[must_use]
    pub fn new(stage: Stage, kind: Kind, message: impl Into<String>) -> Self {
        Self {
            stage,
            kind,
            message: message.into(),
            heard: None,
            detail: Detail::default(),
        }
    }

    /// The same with what the peer said.
    #[must_use]
    pub fn heard(mut self, octets: impl Into<Vec<u8>>) -> Self {
        self.heard = Some(octets.into());
        self
    }
}
