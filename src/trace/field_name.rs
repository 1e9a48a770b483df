//! The names of the fields that are looked at, told once for each field.

/// A field that is looked at, by what is looked for in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldName {
    Received,
    MessageId,
    Date,
    From,
    To,
    Subject,
    ContentType,
    TlsRequired,
    AuthenticationResults,
    /// Providers have several.
    OriginatingIp,
    ExchangeAuthAs,
    ExchangeAuthSource,
    ListId,
    ArcSeal,
    ReturnPath,
    ForwardedTo,
    ForwardedFor,
    /// Any other, which only its octets tell.
    Other,
}

impl FieldName {
    /// The field of this name; case does not matter (RFC 5322, section 1.2.2).
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        // Most names are none of these: few share length and first letter.
        let first = name.first().map(u8::to_ascii_lowercase);
        let (text, known) = match (name.len(), first) {
            (2, Some(b't')) => ("To", Self::To),
            (4, Some(b'd')) => ("Date", Self::Date),
            (4, Some(b'f')) => ("From", Self::From),
            (7, Some(b'l')) => ("List-Id", Self::ListId),
            (7, Some(b's')) => ("Subject", Self::Subject),
            (8, Some(b'a')) => ("ARC-Seal", Self::ArcSeal),
            (8, Some(b'r')) => ("Received", Self::Received),
            (10, Some(b'm')) => ("Message-ID", Self::MessageId),
            (11, Some(b'r')) => ("Return-Path", Self::ReturnPath),
            (11, Some(b'x')) if name.eq_ignore_ascii_case(b"X-Sender-IP") => {
                return Self::OriginatingIp;
            }
            (11, Some(b'x')) => ("X-Source-IP", Self::OriginatingIp),
            (12, Some(b'c')) => ("Content-Type", Self::ContentType),
            (12, Some(b't')) => ("TLS-Required", Self::TlsRequired),
            (14, Some(b'x')) => ("X-Forwarded-To", Self::ForwardedTo),
            (15, Some(b'x')) => ("X-Forwarded-For", Self::ForwardedFor),
            (16, Some(b'x')) => ("X-Originating-IP", Self::OriginatingIp),
            (22, Some(b'a')) => ("Authentication-Results", Self::AuthenticationResults),
            (32, Some(b'x')) if name.eq_ignore_ascii_case(b"X-MS-Exchange-CrossTenant-AuthAs") => {
                return Self::ExchangeAuthAs;
            }
            (33, Some(b'x')) => ("X-MS-Exchange-Organization-AuthAs", Self::ExchangeAuthAs),
            (36, Some(b'x')) => (
                "X-MS-Exchange-CrossTenant-AuthSource",
                Self::ExchangeAuthSource,
            ),
            (37, Some(b'x')) => (
                "X-MS-Exchange-Organization-AuthSource",
                Self::ExchangeAuthSource,
            ),
            _ => return Self::Other,
        };
        // Nearly all write it as it is registered.
        if name == text.as_bytes() || name.eq_ignore_ascii_case(text.as_bytes()) {
            known
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FieldName;

    #[test]
    fn names_are_told_whatever_their_case() {
        for (text, name) in [
            ("received", FieldName::Received),
            ("Return-Path", FieldName::ReturnPath),
            ("X-Received", FieldName::Other),
            ("X-Sender-IP", FieldName::OriginatingIp),
            ("x-source-ip", FieldName::OriginatingIp),
            ("X-Originating-IP", FieldName::OriginatingIp),
            (
                "x-ms-exchange-crosstenant-authas",
                FieldName::ExchangeAuthAs,
            ),
            (
                "X-MS-Exchange-Organization-AuthAs",
                FieldName::ExchangeAuthAs,
            ),
            (
                "X-MS-Exchange-CrossTenant-AuthSource",
                FieldName::ExchangeAuthSource,
            ),
            (
                "X-MS-Exchange-Organization-AuthSource",
                FieldName::ExchangeAuthSource,
            ),
            ("AUTHENTICATION-RESULTS", FieldName::AuthenticationResults),
            ("X-Forwarded-To", FieldName::ForwardedTo),
            ("X-Forwarded-For", FieldName::ForwardedFor),
            ("TLS-Required", FieldName::TlsRequired),
            ("Content-Type", FieldName::ContentType),
            ("message-id", FieldName::MessageId),
            ("ARC-Seal", FieldName::ArcSeal),
            ("List-ID", FieldName::ListId),
            ("Subject", FieldName::Subject),
            ("FROM", FieldName::From),
            ("Date", FieldName::Date),
            ("To", FieldName::To),
            ("Cc", FieldName::Other),
            ("", FieldName::Other),
        ] {
            assert_eq!(FieldName::of(text.as_bytes()), name, "{text}");
        }
    }
}
