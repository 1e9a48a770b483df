//! Words of closed lists, enumerated in the schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident of $inner:path: $($variant:ident = $word:literal),*;)*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
            #[derive(Serialize, Deserialize, JsonSchema)]
            pub enum $name {
                $(#[serde(rename = $word)] $variant,)*
            }

            impl $name {
                /// The word as published.
                #[must_use]
                pub fn word(self) -> &'static str {
                    match self { $(Self::$variant => $word,)* }
                }
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

words! {
    /// How a message was sent on before a hop; all but reinjection begin another journey.
    TurnWord of crate::trace::journey::TurnKind:
        List = "list", Forward = "forward", Collection = "collection",
        Reinjection = "reinjection";
    /// Which part of the way, as a layman asks for it.
    WhichWord of crate::trace::legs::Which:
        WriterToServer = "writer-to-server", BetweenServers = "between-servers",
        ServerToReader = "server-to-reader";
    /// What the header says of a part. Cleartext: as proved or likely, on one hop at least.
    /// Unstated: lines tell of it, and not enough. Not-shown: no line tells of it.
    PartStateWord of crate::trace::legs::PartState:
        Encrypted = "encrypted", Cleartext = "cleartext", Unstated = "unstated",
        NotShown = "not-shown", NotApplicable = "not-applicable";
    /// Where a supporting fact comes from.
    SupportWord of crate::trace::support::SupportKind:
        AuthenticationResults = "authentication-results", OriginatingIp = "originating-ip",
        Exchange = "exchange", List = "list", Arc = "arc", Forwarded = "forwarded";
    /// The answer to what was asked. "Could not see" is never "no".
    AnswerWord of crate::answer::Answer: Yes = "yes", No = "no", Unknown = "unknown";
    /// How sure a statement about the past is, strongest first.
    StandingWord of crate::answer::Standing:
        Proved = "proved", Likely = "likely", Possible = "possible", Unlikely = "unlikely",
        RuledOut = "ruled-out";
    /// How bad a finding is.
    SeverityWord of crate::finding::Severity: Error = "error", Warning = "warning", Note = "note";
    /// How well mail to the domain is protected, from worst to best: the worst of what a
    /// sender may meet among the endpoints that were seen; unknown where none was.
    ProtectionWord of crate::verdict::Protection:
        NoMail = "no-mail", Cleartext = "cleartext", Mixed = "mixed", Legacy = "legacy",
        Encrypted = "encrypted", Authenticated = "authenticated", Enforced = "enforced",
        Unknown = "unknown";
    /// What a kind of sender would do. `skips-host` is said of hosts only.
    DeliveryWord of crate::verdict::Delivery:
        DeliversEncrypted = "delivers-encrypted",
        DeliversAuthenticated = "delivers-authenticated",
        MayDeliverCleartext = "may-deliver-cleartext", DeliversCleartext = "delivers-cleartext",
        SkipsHost = "skips-host", Refuses = "refuses", Defers = "defers", NoPolicy = "no-policy",
        Unknown = "unknown";
    /// The level that was required.
    RequiredWord of crate::verdict::Required:
        Tls = "tls", Authenticated = "authenticated", Enforced = "enforced";
    /// The step in which something failed.
    StageWord of crate::failure::Stage:
        Dns = "dns", Proxy = "proxy", Connect = "connect", Greeting = "greeting", Ehlo = "ehlo",
        Starttls = "starttls", Handshake = "handshake", Certificate = "certificate",
        PolicyFetch = "policy-fetch", PolicyParse = "policy-parse", Control = "control",
        Local = "local";
    /// What the input looked like.
    SourceKindWord of crate::trace::chain::SourceKind:
        Eml = "eml", Mbox = "mbox", Maildir = "maildir", Msg = "msg", Headers = "headers";
    /// Encryption by the writer for the reader, which no hop undoes.
    EndToEndWord of crate::trace::chain::EndToEnd:
        None = "none", SmimeEncrypted = "smime-encrypted", PgpMime = "pgp-mime",
        PgpInline = "pgp-inline";
    /// Whether the software writes TLS into its lines.
    RecordsTlsWord of crate::trace::chain::RecordsTls:
        Always = "always", ByOption = "by-option", Never = "never", Unknown = "unknown";
    /// Which part of the journey a hop is.
    LegWord of crate::trace::chain::Leg:
        Submission = "submission", Internet = "internet", Internal = "internal", Local = "local",
        Unknown = "unknown";
    /// Who stands behind a line.
    TrustWord of crate::trace::chain::Trust:
        Own = "own", Vouched = "vouched", Below = "below", Unknown = "unknown";
    /// What is wrong between two hops.
    GapWord of crate::trace::chain::GapKind:
        NameMismatch = "name-mismatch", MissingLink = "missing-link",
        TimeReversed = "time-reversed", Loop = "loop";
    /// What a line says of TLS. `unstated`: nothing can be concluded.
    TlsStateWord of crate::trace::evidence::TlsState:
        Encrypted = "encrypted", Cleartext = "cleartext", Unstated = "unstated",
        NotApplicable = "not-applicable";
    /// What a hop was, after all evidence.
    ConclusionWord of crate::explain::ConclusionState:
        Encrypted = "encrypted", Cleartext = "cleartext", Unknown = "unknown", Inside = "inside",
        NotSmtp = "not-smtp";
    /// How a probe was matched to a hop.
    MatchedByWord of crate::explain::MatchedBy:
        Address = "address", HostName = "host-name", CertificateName = "certificate-name",
        MxSet = "mx-set", Pool = "pool", None = "none";
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
    SaysWord of crate::trace::evidence::Says: Tls = "tls", NoTls = "no-tls", Silent = "silent";
    /// Whether the observation was made now or is an old one.
    ObservedFromWord of crate::explain::ObservedFrom: Live = "live", History = "history";
    /// Who stated something at the time: a log of either side, or a report under RFC 8460.
    StatedByWord of crate::observed::statement::StatedBy:
        SendersLog = "senders-log", ReceiversLog = "receivers-log",
        SendersReport = "senders-report";
    /// Why TLS did not come about, as it was stated.
    WhyNotWord of crate::observed::statement::WhyNot:
        NotOffered = "not-offered", RefusedForNow = "refused-for-now", Refused = "refused",
        HandshakeFailed = "handshake-failed", CertificateRejected = "certificate-rejected",
        Exempted = "exempted", NotTried = "not-tried",
        EngineUnavailable = "engine-unavailable", RateLimited = "rate-limited";
    /// The verb that the server took.
    VerbWord of crate::observed::endpoint::Verb: Ehlo = "EHLO", Helo = "HELO";
    /// What kind of thing changed between two observations.
    ChangeWord of crate::history::change::ChangeKind:
        Protection = "protection", Mx = "mx", StarttlsLost = "starttls-lost",
        StarttlsGained = "starttls-gained", TlsVersion = "tls-version",
        Certificate = "certificate", Tlsa = "tlsa", MtaSts = "mta-sts", TlsRpt = "tls-rpt",
        Dnssec = "dnssec";
    /// Whether a change is for the better.
    DirectionWord of crate::history::change::Direction:
        Worse = "worse", Better = "better", Other = "other";
}
