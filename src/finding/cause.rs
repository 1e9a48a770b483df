//! Why a hop may lack TLS: every cause code with its words.

macro_rules! causes {
    ($($variant:ident = $word:literal;)*) => {
        /// A cause for a hop without TLS.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Cause { $($variant,)* }

        impl Cause {
            /// Every cause, in the order of the published list.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable kebab-case word of the published contract.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

causes! {
    StarttlsNotOffered = "starttls-not-offered";
    StarttlsOfferedSelectively = "starttls-offered-selectively";
    ReceiverRemembersFailure = "receiver-remembers-failure";
    StarttlsTemporarilyRefused = "starttls-temporarily-refused";
    StarttlsRefused = "starttls-refused";
    HandshakeFailsForAll = "handshake-fails-for-all";
    ServerLegacyVersion = "server-legacy-version";
    SuitesIncompatible = "suites-incompatible";
    DhTooSmall = "dh-too-small";
    CertificateKeyRefused = "certificate-key-refused";
    HelloIntolerance = "hello-intolerance";
    ClientCertificateDemanded = "client-certificate-demanded";
    CertificateInvalidForPolicy = "certificate-invalid-for-policy";
    StarttlsMaskedNearReceiver = "starttls-masked-near-receiver";
    StarttlsStrippedInTransit = "starttls-stripped-in-transit";
    MxHostDiffers = "mx-host-differs";
    BackupMxTookIt = "backup-mx-took-it";
    AddressFamilyDiffers = "address-family-differs";
    PoolInconsistent = "pool-inconsistent";
    GreylistedOrDeferred = "greylisted-or-deferred";
    EhloRefused = "ehlo-refused";
    GreetingLacksEsmtp = "greeting-lacks-esmtp";
    ReceiverNotInMx = "receiver-not-in-mx";
    ReceiverOverloaded = "receiver-overloaded";
    SenderDidNotTry = "sender-did-not-try";
    SenderCannotTls = "sender-cannot-tls";
    SenderFellBack = "sender-fell-back";
    SenderRemembersFailure = "sender-remembers-failure";
    SenderExemptsDomain = "sender-exempts-domain";
    SenderLibraryTooNew = "sender-library-too-new";
    TlsNotRequiredByMessage = "tls-not-required-by-message";
    SenderShortOfResources = "sender-short-of-resources";
    StarttlsStrippedNearSender = "starttls-stripped-near-sender";
    TlsNotRecorded = "tls-not-recorded";
    TlsEndedAtProxy = "tls-ended-at-proxy";
    InsideOneHost = "inside-one-host";
    InsideOneNetwork = "inside-one-network";
    InsideOneOrganisation = "inside-one-organisation";
    NotSmtp = "not-smtp";
    SubmissionWordTooOld = "submission-word-too-old";
    HeaderUntrusted = "header-untrusted";
    ChainBroken = "chain-broken";
    HeaderDamaged = "header-damaged";
    ReceiverChangedSince = "receiver-changed-since";
    CertificateChangedSince = "certificate-changed-since";
    MxMovedSince = "mx-moved-since";
    PolicyChangedSince = "policy-changed-since";
    DaneChangedSince = "dane-changed-since";
    CryptoPolicyChangedSince = "crypto-policy-changed-since";
    OutageThen = "outage-then";
    ProbeBlockedHere = "probe-blocked-here";
}
