//! Every finding code with its words: severity, standard, meaning, fix.
//!
//! A code that is also a failure kind, or a result type of RFC 8460,
//! section 4.3, is that word.

macro_rules! codes {
    ($($variant:ident = $word:literal;)*) => {
        /// A finding code, stable once released.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($variant,)* }

        impl Code {
            /// Every code, in the order `codes` lists them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable kebab-case word of the published contract.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

codes! {
    // Hops (trace, explain).
    HopWithoutTls = "hop-without-tls";
    HopUnstated = "hop-unstated";
    HopLegacyTls = "hop-legacy-tls";
    HopWeakCipher = "hop-weak-cipher";
    HopAnonymousCipher = "hop-anonymous-cipher";
    ChainBroken = "chain-broken";
    TimeReversed = "time-reversed";
    ChainLoop = "chain-loop";
    FieldUnreadable = "field-unreadable";
    HeaderTruncated = "header-truncated";
}
