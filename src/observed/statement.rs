//! What a party of a hop stated at the time: a line of its log, or a report
//! under RFC 8460. Only such statements prove anything of the past.
//!
//! Data only. Whoever reads logs and reports fills these in;
//! `explain::statements` says which of them speak about a hop, and what
//! follows.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::tls::parameters::TlsVersion;

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub by: StatedBy,
    /// Where it stands, as to be shown (`mail.log:1204`). Hostile: escape.
    pub place: String,
    /// The line, or the words of a report, as to be quoted. Hostile: escape.
    pub quote: String,
    /// What it covers: a log line a moment, a report mostly a day.
    pub from: Timestamp,
    pub until: Timestamp,
    /// The sending host or organisation, in lower case, as far as it is named.
    pub client: Option<String>,
    pub client_ip: Option<IpAddr>,
    /// The receiving host, in lower case, as far as it is named.
    pub server: Option<String>,
    pub server_ip: Option<IpAddr>,
    /// The queue id under which the receiver took the message: that of the
    /// `id` clause of its line.
    pub id: Option<String>,
    pub says: Said,
}

/// Who stated it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatedBy {
    SendersLog,
    ReceiversLog,
    /// A report under RFC 8460: the sender's, of all sessions of its time.
    SendersReport,
}

impl StatedBy {
    /// As it is called in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SendersLog => "the sender's log",
            Self::ReceiversLog => "the receiver's log",
            Self::SendersReport => "the sender's TLS report",
        }
    }
}

/// What was stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The message went over TLS.
    Encrypted {
        version: Option<TlsVersion>,
        cipher: Option<String>,
    },
    /// The message went in cleartext, and no more.
    Cleartext,
    /// TLS did not come about: in the session that carried the message, in one
    /// just before it, or in sessions that a report counts.
    NoTls(WhyNot),
}

/// Why TLS did not come about, as far as it was stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WhyNot {
    /// EHLO was answered without STARTTLS (`starttls-not-supported` of RFC
    /// 8460, section 4.3.1).
    NotOffered,
    /// STARTTLS was answered 4yz.
    RefusedForNow,
    /// STARTTLS was answered 5yz.
    Refused,
    /// The handshake failed.
    HandshakeFailed,
    /// The receiver's certificate failed a check.
    CertificateRejected,
    /// The sender's settings turn TLS off for this receiver.
    Exempted,
    /// The sender did not ask for TLS.
    NotTried,
    /// The sender could not start its TLS engine.
    EngineUnavailable,
    /// The receiver limits new TLS sessions.
    RateLimited,
}

impl WhyNot {
    /// In a few words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NotOffered => "STARTTLS not offered",
            Self::RefusedForNow => "STARTTLS refused for the moment",
            Self::Refused => "STARTTLS refused",
            Self::HandshakeFailed => "handshake failed",
            Self::CertificateRejected => "certificate rejected",
            Self::Exempted => "TLS turned off for this receiver",
            Self::NotTried => "STARTTLS not tried",
            Self::EngineUnavailable => "TLS engine not available",
            Self::RateLimited => "TLS sessions limited",
        }
    }
}
