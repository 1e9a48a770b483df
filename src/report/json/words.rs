//! Words of closed lists, enumerated in the schema.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident of $inner:path: [$($word:literal),* $(,)?];)*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
            #[serde(transparent)]
            pub struct $name(&'static str);

            impl $name {
                const ALL: &[&'static str] = &[$($word),*];

                /// The word as published.
                pub fn word(self) -> &'static str {
                    self.0
                }
            }

            impl From<$inner> for $name {
                fn from(inner: $inner) -> Self {
                    let word = inner.word();
                    debug_assert!(Self::ALL.contains(&word), "{word} is not published");
                    Self(word)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let word = Cow::<str>::deserialize(deserializer)?;
                    Self::ALL
                        .iter()
                        .find(|known| **known == word)
                        .map(|known| Self(known))
                        .ok_or_else(|| {
                            let known = Self::ALL.join(", ");
                            D::Error::custom(format!("{word:?} is none of {known}"))
                        })
                }
            }

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    let description = concat!($($doc, "\n"),*).trim();
                    json_schema!({
                        "description": description,
                        "type": "string",
                        "enum": Self::ALL,
                    })
                }
            }
        )*
    };
}

words! {
    /// How a message was sent on before a hop; all but reinjection begin another journey.
    TurnWord of crate::trace::journey::TurnKind:
        ["list", "forward", "collection", "reinjection"];
    /// Which part of the way, as a layman asks for it.
    WhichWord of crate::trace::legs::Which:
        ["writer-to-server", "between-servers", "server-to-reader"];
    /// What the header says of a part. Cleartext: as proved or likely, on one hop at least.
    /// Unstated: lines tell of it, and not enough. Not-shown: no line tells of it.
    PartStateWord of crate::trace::legs::PartState:
        ["encrypted", "cleartext", "unstated", "not-shown", "not-applicable"];
    /// Where a supporting fact comes from.
    SupportWord of crate::trace::support::SupportKind: [
        "authentication-results", "originating-ip", "exchange", "list", "arc", "forwarded",
    ];
    /// The answer to what was asked. "Could not see" is never "no".
    AnswerWord of crate::answer::Answer: ["yes", "no", "unknown"];
    /// How sure a statement about the past is, strongest first.
    StandingWord of crate::answer::Standing:
        ["proved", "likely", "possible", "unlikely", "ruled-out"];
    /// How bad a finding is.
    SeverityWord of crate::finding::Severity: ["error", "warning", "note"];
    /// How well mail to the domain is protected, from worst to best: the worst of what a
    /// sender may meet among the endpoints that were seen; unknown where none was.
    ProtectionWord of crate::verdict::Protection: [
        "no-mail", "cleartext", "mixed", "legacy", "encrypted", "authenticated", "enforced",
        "unknown",
    ];
    /// What a kind of sender would do. `skips-host` is said of hosts only.
    DeliveryWord of crate::verdict::Delivery: [
        "delivers-encrypted", "delivers-authenticated", "may-deliver-cleartext",
        "delivers-cleartext", "skips-host", "refuses", "defers", "no-policy", "unknown",
    ];
    /// What kind of thing changed between two observations.
    ChangeWord of crate::history::change::ChangeKind: [
        "protection", "mx", "starttls-lost", "starttls-gained", "tls-version", "certificate",
        "tlsa", "mta-sts", "tls-rpt", "dnssec",
    ];
    /// Whether a change is for the better.
    DirectionWord of crate::history::change::Direction: ["worse", "better", "other"];
    /// The level that was required.
    RequiredWord of crate::verdict::Required: ["tls", "authenticated", "enforced"];
    /// The step in which something failed.
    StageWord of crate::failure::Stage: [
        "dns", "proxy", "connect", "greeting", "ehlo", "starttls", "handshake", "certificate",
        "policy-fetch", "policy-parse", "control", "local",
    ];
    /// What the input looked like.
    SourceKindWord of crate::trace::chain::SourceKind:
        ["eml", "mbox", "maildir", "msg", "headers"];
    /// Encryption by the writer for the reader, which no hop undoes.
    EndToEndWord of crate::trace::chain::EndToEnd:
        ["none", "smime-encrypted", "pgp-mime", "pgp-inline"];
    /// Whether the software writes TLS into its lines.
    RecordsTlsWord of crate::trace::chain::RecordsTls:
        ["always", "by-option", "never", "unknown"];
    /// Which part of the journey a hop is.
    LegWord of crate::trace::chain::Leg:
        ["submission", "internet", "internal", "local", "unknown"];
    /// Who stands behind a line.
    TrustWord of crate::trace::chain::Trust: ["own", "vouched", "below", "unknown"];
    /// What is wrong between two hops.
    GapWord of crate::trace::chain::GapKind:
        ["name-mismatch", "missing-link", "time-reversed", "loop"];
    /// What a line says of TLS. `unstated`: nothing can be concluded.
    TlsStateWord of crate::trace::evidence::TlsState:
        ["encrypted", "cleartext", "unstated", "not-applicable"];
    /// What a hop was, after all evidence.
    ConclusionWord of crate::explain::ConclusionState:
        ["encrypted", "cleartext", "unknown", "inside", "not-smtp"];
    /// How a probe was matched to a hop.
    MatchedByWord of crate::explain::MatchedBy:
        ["address", "host-name", "certificate-name", "mx-set", "pool", "none"];
}

/// Declares words whose types inside have no `word` of their own.
macro_rules! local_words {
    ($($(#[doc = $doc:literal])* $name:ident of $inner:path: $($variant:ident = $word:literal),*;)*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
            pub enum $name {
                $(#[serde(rename = $word)] $variant,)*
            }

            impl From<$inner> for $name {
                fn from(inner: $inner) -> Self {
                    match inner { $(<$inner>::$variant => Self::$variant,)* }
                }
            }

            impl From<$name> for $inner {
                fn from(word: $name) -> Self {
                    match word { $($name::$variant => Self::$variant,)* }
                }
            }
        )*
    };
}

local_words! {
    /// What is known of an answer's signatures (DNSSEC). Bogus and indeterminate are failures.
    DnssecWord of crate::observed::domain::Dnssec:
        Secure = "secure", Insecure = "insecure", Unvalidated = "unvalidated";
    /// Where the MX hosts come from: MX records, the domain itself, or nowhere.
    MxSourceWord of crate::observed::domain::MxSource:
        Mx = "mx", Implicit = "implicit", NullMx = "null-mx";
    /// How the resolver is reached.
    ResolverPathWord of crate::observed::domain::ResolverPath:
        Loopback = "loopback", Tls = "tls", Plain = "plain";
    /// Who vouches for signatures: the resolver by its AD bit, this program, nobody.
    ValidatedByWord of crate::observed::domain::ValidatedBy:
        Ad = "ad", Own = "own", None = "none";
    /// The mode of an MTA-STS policy.
    StsModeWord of crate::observed::domain::StsMode:
        Enforce = "enforce", Testing = "testing", None = "none";
    /// What a line says of the client's certificate.
    ClientCertificateWord of crate::trace::evidence::ClientCertificate:
        None = "none", Presented = "presented", Verified = "verified";
    /// Where a piece of evidence comes from.
    EvidenceWord of crate::trace::evidence::EvidenceKind:
        TransmissionType = "transmission-type", Comment = "comment", TlsClause = "tls-clause",
        SoftwareHabit = "software-habit", Witness = "witness", Address = "address",
        Keyword = "keyword";
    /// What a piece of evidence says.
    SaysWord of crate::trace::evidence::Says:
        Tls = "tls", NoTls = "no-tls", Silent = "silent";
    /// Whether the observation was made now or is an old one.
    ObservedFromWord of crate::explain::ObservedFrom: Live = "live", History = "history";
    /// The verb that the server took.
    VerbWord of crate::observed::endpoint::Verb: Ehlo = "EHLO", Helo = "HELO";
}
