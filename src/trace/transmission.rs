//! Mail Transmission Types: the words after `with` in a `Received:` field.
//!
//! RFC 5321, section 4.4 has SMTP and ESMTP, RFC 3848 the family with A
//! (authenticated) and S (TLS), RFC 6531, section 4.3 the UTF8 one. Software
//! writes more: `SMTPS` and `ssmtp`, `UTF8ESMTPS`, `ESMTP-TLS`, `local-esmtps`,
//! `ASMTP`. RFC 3848, section 3: the words are not protected against change.

/// What a transmission word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transmission {
    pub family: Family,
    /// The word states TLS.
    pub tls: bool,
    /// The word states authentication.
    pub auth: bool,
}

/// The protocol a word names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// A session that began with HELO, or a writer that names no better.
    Smtp,
    /// A session that began with EHLO.
    Esmtp,
    /// RFC 2033: delivery into a mailbox store.
    Lmtp,
    /// Submission by a web page or an API.
    Http,
    /// Exchange's own call into the store.
    Mapi,
    /// A pipe or call inside one host.
    Local,
    /// Fetched by the reader: POP or IMAP.
    Retrieval,
    /// A list's or a provider's own queue, UUCP, MMS.
    Other,
}

impl Transmission {
    /// Reads one word; none where it names no protocol.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if word.is_empty() || word.len() > 24 || !word.is_ascii() {
            return None;
        }
        let upper = word.to_ascii_uppercase();
        let plain = |family| {
            Some(Self {
                family,
                tls: false,
                auth: false,
            })
        };
        match upper.as_str() {
            // Exim since 2025: TLS on connect.
            "SSMTP" => {
                return Some(Self {
                    family: Family::Smtp,
                    tls: true,
                    auth: false,
                });
            }
            "ESSMTP" => {
                return Some(Self {
                    family: Family::Esmtp,
                    tls: true,
                    auth: false,
                });
            }
            "ESSMTPA" => {
                return Some(Self {
                    family: Family::Esmtp,
                    tls: true,
                    auth: true,
                });
            }
            "ESMTP-TLS" => {
                return Some(Self {
                    family: Family::Esmtp,
                    tls: true,
                    auth: false,
                });
            }
            "ASMTP" | "ESMTP-AUTH" => {
                return Some(Self {
                    family: Family::Esmtp,
                    tls: false,
                    auth: true,
                });
            }
            "BIZSMTP" => return plain(Family::Smtp),
            "HTTP" | "HTTPS" | "HTTPREST" | "HTTPU" | "HTTP/1.1" | "JMAP" => {
                return plain(Family::Http);
            }
            "MAPI" => return plain(Family::Mapi),
            "LOCAL" | "PICKUP" | "PIPE" | "STDIN" | "BSMTP" => return plain(Family::Local),
            "LISTEXPAND" | "SPOOL" | "UUCP" | "MMS" | "NNFMP" | "ECSTREAM" | "QMQP" | "ASAP" => {
                return plain(Family::Other);
            }
            _ => {}
        }
        if upper.starts_with("IMAP") || upper.starts_with("POP") || upper == "SDPS" {
            return plain(Family::Retrieval);
        }
        let local = upper.strip_prefix("LOCAL-");
        let rest = local.unwrap_or(&upper);
        let rest = rest.strip_prefix("UTF8").unwrap_or(rest);
        let (family, tail) = if let Some(tail) = rest.strip_prefix("ESMTP") {
            (Family::Esmtp, tail)
        } else if let Some(tail) = rest.strip_prefix("LMTP") {
            (Family::Lmtp, tail)
        } else if let Some(tail) = rest.strip_prefix("SMTP") {
            // UTF8SMTP needs EHLO (RFC 6531, section 3.1).
            let family = if upper.contains("UTF8") {
                Family::Esmtp
            } else {
                Family::Smtp
            };
            (family, tail)
        } else {
            return None;
        };
        let (tls, auth) = match tail {
            "" => (false, false),
            "A" => (false, true),
            "S" => (true, false),
            "SA" => (true, true),
            _ => return None,
        };
        let family = if local.is_some() {
            Family::Local
        } else {
            family
        };
        Some(Self { family, tls, auth })
    }

    /// Whether the word names a hop over a network by SMTP.
    #[must_use]
    pub fn is_smtp(self) -> bool {
        matches!(self.family, Family::Smtp | Family::Esmtp)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn p2_words_of_the_registry_and_of_software_are_read() {
        for (word, family, tls, auth) in [
            ("ESMTP", Family::Esmtp, false, false),
            ("ESMTPS", Family::Esmtp, true, false),
            ("esmtpsa", Family::Esmtp, true, true),
            ("SMTPs", Family::Smtp, true, false),
            ("ssmtp", Family::Smtp, true, false),
            ("utf8esmtps", Family::Esmtp, true, false),
            ("UTF8SMTPA", Family::Esmtp, false, true),
            ("UTF8LMTPSA", Family::Lmtp, true, true),
            ("LMTP", Family::Lmtp, false, false),
            ("local-esmtps", Family::Local, true, false),
            ("POP3", Family::Retrieval, false, false),
            ("ESMTP-TLS", Family::Esmtp, true, false),
            ("HTTPREST", Family::Http, false, false),
        ] {
            let read = Transmission::parse(word).unwrap();
            assert_eq!(
                (read.family, read.tls, read.auth),
                (family, tls, auth),
                "{word}"
            );
        }
        for word in ["", "cipher", "Microsoft", "ESMTPX", "SMTPSVC"] {
            assert_eq!(Transmission::parse(word), None, "{word}");
        }
    }
}
