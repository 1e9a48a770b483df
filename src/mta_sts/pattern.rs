//! The `mx` patterns of a policy (RFC 8461, sections 3.2 and 4.1).

use std::collections::HashSet;
use std::fmt;

use crate::name::HostName;

/// One pattern: a name, or `*.` and a name. In lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    name: String,
    wildcard: bool,
}

/// Why a value is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum InvalidPattern {
    Empty,
    /// Several in one value; each belongs on its own line.
    List,
    /// A `*` that is not the whole first label.
    Wildcard,
    /// U-labels; the A-label form is wanted (RFC 8461, section 3.2).
    NotAscii {
        a_label: Option<String>,
    },
    /// A final dot, which the grammar of a domain does not have.
    FinalDot,
    /// An address in place of a name.
    Address,
    /// Otherwise no domain in the sense of RFC 5321, section 4.1.2.
    Syntax,
}

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no host is named"),
            Self::List => f.write_str("each host belongs on a line of its own"),
            Self::Wildcard => f.write_str("a * can only be the whole first label"),
            Self::NotAscii {
                a_label: Some(name),
            } => write!(f, "it must be written as {name}"),
            Self::NotAscii { a_label: None } => {
                f.write_str("it must be written in A-labels (xn--...)")
            }
            Self::FinalDot => f.write_str("a final dot does not belong there"),
            Self::Address => f.write_str("an address cannot stand there, only a name"),
            Self::Syntax => f.write_str("it is no domain name"),
        }
    }
}

impl Pattern {
    /// Reads `["*."] Domain` (RFC 8461, section 3.2).
    ///
    /// # Errors
    /// When the value is not of that form, with the reason.
    pub fn parse(value: &str) -> Result<Self, InvalidPattern> {
        if value.is_empty() {
            return Err(InvalidPattern::Empty);
        }
        if value.contains([',', ';', ' ', '\t']) {
            return Err(InvalidPattern::List);
        }
        let (name, wildcard) = match value.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (value, false),
        };
        if name.contains('*') {
            return Err(InvalidPattern::Wildcard);
        }
        if !name.is_ascii() {
            return Err(InvalidPattern::NotAscii {
                a_label: HostName::parse(name)
                    .ok()
                    .map(|host| format!("{}{host}", if wildcard { "*." } else { "" })),
            });
        }
        if name.len() > 1 && name.ends_with('.') {
            return Err(InvalidPattern::FinalDot);
        }
        let bare = name.trim_matches(['[', ']']);
        if bare.parse::<std::net::IpAddr>().is_ok() {
            return Err(InvalidPattern::Address);
        }
        // RFC 5321, section 4.1.2: sub-domain = Let-dig [Ldh-str].
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
        };
        if name.len() > 253 || !name.split('.').all(label) {
            return Err(InvalidPattern::Syntax);
        }
        Ok(Self {
            name: name.to_ascii_lowercase(),
            wildcard,
        })
    }

    /// Whether an MX host is covered. The name is the one of the MX record, not
    /// what a CNAME makes of it (RFC 8461, section 4.1: `*.example.com` covers
    /// `mail.example.com`, not `example.com`, not `foo.bar.example.com`).
    #[must_use]
    pub fn matches(&self, host: &HostName) -> bool {
        let host = host.as_str();
        if self.wildcard {
            host.split_once('.')
                .is_some_and(|(label, rest)| !label.is_empty() && rest == self.name)
        } else {
            host == self.name
        }
    }

    /// Whether it covers every host right below a public suffix (`*.com`): a
    /// slip that lets anyone's host pass.
    #[must_use]
    pub fn covers_public_suffix(&self) -> bool {
        self.wildcard
            && crate::name::registrable_domain(&format!("x.{}", self.name))
                .is_none_or(|domain| domain.len() > self.name.len())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.wildcard { "*." } else { "" }, self.name)
    }
}

/// How a policy's patterns and a domain's MX hosts differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// MX hosts no pattern covers: senders that follow an enforcing policy
    /// skip them.
    pub unmatched_hosts: Vec<HostName>,
    /// Patterns that cover no MX host: left over, or ahead of a change, which
    /// is the right order for one (RFC 8461, section 8.1).
    pub unmatched_patterns: Vec<Pattern>,
}

/// Compares patterns and MX hosts, both ways, in one pass over each.
#[must_use]
pub fn compare(patterns: &[Pattern], hosts: &[HostName]) -> Comparison {
    let set: HashSet<(&str, bool)> = patterns
        .iter()
        .map(|pattern| (pattern.name.as_str(), pattern.wildcard))
        .collect();
    let mut used = HashSet::new();
    let mut named = HashSet::new();
    let mut comparison = Comparison::default();
    for host in hosts {
        let exact = (host.as_str(), false);
        let wild = host.as_str().split_once('.').map(|(_, rest)| (rest, true));
        let mut covered = false;
        for key in std::iter::once(exact).chain(wild) {
            if set.contains(&key) {
                used.insert(key);
                covered = true;
            }
        }
        if !covered && named.insert(host) {
            comparison.unmatched_hosts.push(host.clone());
        }
    }
    comparison.unmatched_patterns = patterns
        .iter()
        .filter(|pattern| !used.contains(&(pattern.name.as_str(), pattern.wildcard)))
        .cloned()
        .collect();
    comparison
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn host(name: &str) -> HostName {
        HostName::parse(name).unwrap()
    }

    fn pattern(value: &str) -> Pattern {
        Pattern::parse(value).unwrap()
    }

    #[test]
    fn m17_what_is_no_pattern() {
        for (value, why) in [
            ("", InvalidPattern::Empty),
            ("*", InvalidPattern::Wildcard),
            ("mx*.example.com", InvalidPattern::Wildcard),
            ("*mx.example.com", InvalidPattern::Wildcard),
            ("mx.*.example.com", InvalidPattern::Wildcard),
            ("*.*.example.com", InvalidPattern::Wildcard),
            ("a.example,b.example", InvalidPattern::List),
            ("a.example b.example", InvalidPattern::List),
            ("mx.example.com.", InvalidPattern::FinalDot),
            (
                "mx.b\u{fc}cher.example",
                InvalidPattern::NotAscii {
                    a_label: Some("mx.xn--bcher-kva.example".into()),
                },
            ),
            ("192.0.2.1", InvalidPattern::Address),
            ("[192.0.2.1]", InvalidPattern::Address),
            (".example.com", InvalidPattern::Syntax),
            ("*..example.com", InvalidPattern::Syntax),
            ("*.", InvalidPattern::Syntax),
            (".", InvalidPattern::Syntax),
            ("-mx.example.com", InvalidPattern::Syntax),
            ("mx_1.example.com", InvalidPattern::Syntax),
            ("https://mx.example.com", InvalidPattern::Syntax),
            ("10 mx.example.com", InvalidPattern::List),
        ] {
            assert_eq!(Pattern::parse(value), Err(why), "{value}");
        }
    }

    #[test]
    fn m18_m19_a_wildcard_is_one_label_and_case_does_not_count() {
        for (value, name, covered) in [
            ("*.example.com", "mail.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "foo.bar.example.com", false),
            ("*.EXAMPLE.com", "MAIL.example.COM", true),
            ("mail.example.com", "mail.example.com.", true),
            ("mail.example.com", "mail2.example.com", false),
            ("example.com", "mail.example.com", false),
        ] {
            assert_eq!(
                pattern(value).matches(&host(name)),
                covered,
                "{value} {name}"
            );
        }
        assert!(!pattern("*.example.com").matches(&HostName::from_dns(".example.com")));
    }

    #[test]
    fn m28_patterns_and_hosts_are_compared_both_ways() {
        let patterns = ["mx1.example.com", "*.example.net", "old.example.com"].map(pattern);
        let hosts = ["mx1.example.com", "a.example.net", "mx2.example.com"].map(host);
        let comparison = compare(&patterns, &hosts);
        assert_eq!(comparison.unmatched_hosts, [host("mx2.example.com")]);
        assert_eq!(comparison.unmatched_patterns, [pattern("old.example.com")]);
        assert_eq!(compare(&patterns[..2], &hosts[..2]), Comparison::default());
    }

    #[test]
    fn a_wildcard_below_a_public_suffix_is_seen() {
        for (value, covers) in [
            ("*.com", true),
            ("*.co.uk", true),
            ("*.example.com", false),
            ("*.mail.example.com", false),
            ("example.com", false),
        ] {
            assert_eq!(pattern(value).covers_public_suffix(), covers, "{value}");
        }
    }

    #[test]
    fn a_policy_of_ten_thousand_lines_is_compared_at_once() {
        let patterns: Vec<Pattern> = (0..10_000)
            .map(|n| pattern(&format!("a{n}.example")))
            .collect();
        let hosts: Vec<HostName> = (0..2_000).map(|n| host(&format!("b{n}.example"))).collect();
        assert_eq!(compare(&patterns, &hosts).unmatched_patterns.len(), 10_000);
    }
}
