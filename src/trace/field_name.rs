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
        match (name.len(), first) {
            (2, Some(b't')) => Self::To.if_is(name, b"To"),
            (4, Some(b'd')) => Self::Date.if_is(name, b"Date"),
            (4, Some(b'f')) => Self::From.if_is(name, b"From"),
            (7, Some(b'l')) => Self::ListId.if_is(name, b"List-Id"),
            (7, Some(b's')) => Self::Subject.if_is(name, b"Subject"),
            (8, Some(b'a')) => Self::ArcSeal.if_is(name, b"ARC-Seal"),
            (8, Some(b'r')) => Self::Received.if_is(name, b"Received"),
            (10, Some(b'm')) => Self::MessageId.if_is(name, b"Message-ID"),
            (11, Some(b'r')) => Self::ReturnPath.if_is(name, b"Return-Path"),
            (11, Some(b'x')) => Self::OriginatingIp
                .if_is(name, b"X-Sender-IP")
                .or(Self::OriginatingIp.if_is(name, b"X-Source-IP")),
            (12, Some(b'c')) => Self::ContentType.if_is(name, b"Content-Type"),
            (12, Some(b't')) => Self::TlsRequired.if_is(name, b"TLS-Required"),
            (14, Some(b'x')) => Self::ForwardedTo.if_is(name, b"X-Forwarded-To"),
            (15, Some(b'x')) => Self::ForwardedFor.if_is(name, b"X-Forwarded-For"),
            (16, Some(b'x')) => Self::OriginatingIp.if_is(name, b"X-Originating-IP"),
            (22, Some(b'a')) => Self::AuthenticationResults.if_is(name, b"Authentication-Results"),
            (32, Some(b'x')) => {
                Self::ExchangeAuthAs.if_is(name, b"X-MS-Exchange-CrossTenant-AuthAs")
            }
            (33, Some(b'x')) => {
                Self::ExchangeAuthAs.if_is(name, b"X-MS-Exchange-Organization-AuthAs")
            }
            (36, Some(b'x')) => {
                Self::ExchangeAuthSource.if_is(name, b"X-MS-Exchange-CrossTenant-AuthSource")
            }
            (37, Some(b'x')) => {
                Self::ExchangeAuthSource.if_is(name, b"X-MS-Exchange-Organization-AuthSource")
            }
            _ => None,
        }
        .unwrap_or(Self::Other)
    }

    /// This field, if a name is its.
    fn if_is<const LENGTH: usize>(self, name: &[u8], text: &[u8; LENGTH]) -> Option<Self> {
        let name: &[u8; LENGTH] = name.try_into().ok()?;
        // Nearly all write it as it is registered.
        (name == text || name.eq_ignore_ascii_case(text)).then_some(self)
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
