//! Names as the DNS and certificates have them: A-labels, parsed once.
//!
//! Not supported: address literals as domains (they have no MX, RFC 5321,
//! section 5.1), and names with octets outside letters, digits, hyphen and
//! underscore, which no public mail domain uses.

use std::fmt;
use std::net::IpAddr;

/// A mail domain: A-labels, lower case, no final dot, at least one label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

/// The name of a host, as an MX record or a `by` clause gives it, brought to
/// A-labels in lower case without final dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

/// Why a text is not taken as a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidName {
    Empty,
    /// An IP address, where a domain was wanted.
    Address(IpAddr),
    /// A label is empty: two dots in a row, or a dot in front.
    EmptyLabel,
    /// Longer than 253 octets in A-label form (RFC 1035, section 2.3.4).
    TooLong(usize),
    /// A label of more than 63 octets (RFC 1035, section 2.3.4).
    LabelTooLong(String),
    /// A character that no domain name has.
    Character(char),
    /// Refused by IDNA (UTS 46).
    Idna,
    /// An address with nothing behind its `@`.
    NoDomainInAddress,
    /// A file path, or an option: clearly no domain.
    Path,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Address(ip) => write!(
                f,
                "{ip} is an address, and MX records belong to domains; to probe one \
                 host use --mx with the domain whose mail it takes"
            ),
            Self::EmptyLabel => {
                f.write_str("it has an empty label (two dots in a row, or one in front)")
            }
            Self::TooLong(n) => write!(f, "it is {n} octets long; a domain name has at most 253"),
            Self::LabelTooLong(label) => {
                write!(
                    f,
                    "its label {:?} has over 63 octets",
                    label.chars().take(20).collect::<String>()
                )
            }
            Self::Character(c) => write!(f, "{c:?} cannot stand in a domain name"),
            Self::Idna => f.write_str("it is no valid internationalised name (IDNA, UTS 46)"),
            Self::NoDomainInAddress => f.write_str("nothing stands behind the @"),
            Self::Path => f.write_str("it looks like a path to a file, not like a domain"),
        }
    }
}

impl std::error::Error for InvalidName {}

fn to_a_labels(text: &str) -> Result<String, InvalidName> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    // RFC 8461, section 3.2 and RFC 6125, section 6.4.2 want A-labels in
    // every query and comparison.
    let ascii = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii(text).map_err(|_| {
            text.chars()
                .find(|c| c.is_control() || c.is_whitespace())
                .map_or(InvalidName::Idna, InvalidName::Character)
        })?
    };
    let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
    if let Some(c) = ascii
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
    {
        return Err(InvalidName::Character(c));
    }
    if ascii.len() > 253 {
        return Err(InvalidName::TooLong(ascii.len()));
    }
    for label in ascii.split('.') {
        if label.is_empty() {
            return Err(InvalidName::EmptyLabel);
        }
        if label.len() > 63 {
            return Err(InvalidName::LabelTooLong(label.to_owned()));
        }
        if label.starts_with("xn--") && idna::domain_to_unicode(label).1.is_err() {
            return Err(InvalidName::Idna);
        }
    }
    Ok(ascii.to_owned())
}

impl DomainName {
    /// Parses a bare domain name; U-labels become A-labels.
    ///
    /// # Errors
    /// When the text is no domain name, with the reason.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let ascii = to_a_labels(text)?;
        if let Ok(ip) = ascii.parse::<IpAddr>() {
            return Err(InvalidName::Address(ip));
        }
        Ok(Self(ascii))
    }

    /// Reads what people paste where a domain is wanted: a domain in any case,
    /// with or without final dot, an address (`ap@partner.example` or
    /// `Name <ap@partner.example>`), a `mailto:` or `https://` URL.
    ///
    /// # Errors
    /// When no domain can be read from it, with the reason.
    pub fn from_input(input: &str) -> Result<Self, InvalidName> {
        let mut text = input.trim();
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.starts_with(['/', '~']) || text.starts_with("./") || text.starts_with("../") {
            return Err(InvalidName::Path);
        }
        if let Some((_, rest)) = text.split_once("://") {
            text = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            text = text.rsplit_once('@').map_or(text, |(_, host)| host);
            if !text.starts_with('[') {
                text = text.split(':').next().unwrap_or(text);
            }
        } else {
            if text
                .get(..7)
                .is_some_and(|s| s.eq_ignore_ascii_case("mailto:"))
            {
                text = text[7..].split('?').next().unwrap_or_default();
            }
            if let Some((_, rest)) = text.rsplit_once('<') {
                text = rest.strip_suffix('>').unwrap_or(rest);
            }
            if let Some((_, domain)) = text.rsplit_once('@') {
                if domain.is_empty() {
                    return Err(InvalidName::NoDomainInAddress);
                }
                text = domain;
            }
        }
        let literal = text.trim_start_matches('[').trim_end_matches(']');
        let literal = literal
            .get(..5)
            .filter(|p| p.eq_ignore_ascii_case("ipv6:"))
            .map_or(literal, |_| &literal[5..]);
        if let Ok(ip) = literal.parse::<IpAddr>() {
            return Err(InvalidName::Address(ip));
        }
        Self::parse(text)
    }

    /// The name in A-labels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl HostName {
    /// Parses a host name; U-labels become A-labels, a final dot goes.
    ///
    /// # Errors
    /// When the text is no name (an address among others), with the reason.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        DomainName::parse(text).map(|name| Self(name.0))
    }

    /// A host name from the DNS, taken as it came but for case and final dot:
    /// what an MX record names is shown even where it is no proper name
    /// (an address written as a name, escapes).
    #[must_use]
    pub fn from_dns(presentation: &str) -> Self {
        let name = presentation.strip_suffix('.').unwrap_or(presentation);
        Self(name.to_ascii_lowercase())
    }

    /// The name in A-labels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the "name" is really an IP address, a mistake RFC 5321,
    /// section 5.1 does not allow in an MX record.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.0.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
    }

    /// Whether it is a single label, such as `localhost` or `mail`.
    #[must_use]
    pub fn is_single_label(&self) -> bool {
        !self.0.contains('.')
    }
}

impl From<DomainName> for HostName {
    fn from(name: DomainName) -> Self {
        Self(name.0)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The registrable domain of a host name by the Public Suffix List
/// (`mx1.partner.co.uk` gives `partner.co.uk`), in the case it came in.
/// None for a bare suffix, a single label, or an address.
#[must_use]
pub fn registrable_domain(host: &str) -> Option<&str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.parse::<IpAddr>().is_ok() || !host.contains('.') {
        return None;
    }
    psl::domain_str(host)
}

/// Whether a name ends in a suffix that the Public Suffix List knows; names of
/// inner networks (`mail.dmz`) do not.
#[must_use]
pub fn has_known_suffix(host: &str) -> bool {
    psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn mx15_people_paste_many_things_for_a_domain() {
        for (input, domain) in [
            ("partner.example", "partner.example"),
            ("Partner.Example.", "partner.example"),
            (" ap@partner.example ", "partner.example"),
            ("AP <ap@Partner.example>", "partner.example"),
            ("mailto:ap@partner.example?subject=x", "partner.example"),
            (
                "https://user@partner.example:8443/path?q#f",
                "partner.example",
            ),
            ("bücher.example", "xn--bcher-kva.example"),
            ("ap@BÜCHER.example", "xn--bcher-kva.example"),
            ("_dmarc.partner.example", "_dmarc.partner.example"),
        ] {
            assert_eq!(
                DomainName::from_input(input).unwrap().as_str(),
                domain,
                "{input}"
            );
        }
    }

    #[test]
    fn what_is_no_domain_is_refused_with_the_reason() {
        for (input, why) in [
            ("", InvalidName::Empty),
            (".", InvalidName::Empty),
            ("ap@", InvalidName::NoDomainInAddress),
            ("a..example", InvalidName::EmptyLabel),
            ("bad domain.example", InvalidName::Character(' ')),
            ("a\u{7}b.example", InvalidName::Character('\u{7}')),
            ("./list.txt", InvalidName::Path),
            (
                "ap@[192.0.2.1]",
                InvalidName::Address("192.0.2.1".parse().unwrap()),
            ),
            (
                "[IPv6:2001:db8::1]",
                InvalidName::Address("2001:db8::1".parse().unwrap()),
            ),
        ] {
            assert_eq!(DomainName::from_input(input), Err(why), "{input}");
        }
        assert!(matches!(
            DomainName::parse(&"a".repeat(64)),
            Err(InvalidName::LabelTooLong(_))
        ));
        assert!(matches!(
            DomainName::parse(&"abc.".repeat(70)),
            Err(InvalidName::TooLong(_))
        ));
    }

    #[test]
    fn an_organisation_is_its_registrable_domain() {
        assert_eq!(
            registrable_domain("mx1.partner.co.uk"),
            Some("partner.co.uk")
        );
        assert_eq!(
            registrable_domain("mx.partner.example."),
            Some("partner.example")
        );
        assert_eq!(registrable_domain("localhost"), None);
        assert_eq!(registrable_domain("192.0.2.1"), None);
    }
}
