//! Whether a certificate holds a host's name (RFC 6125, section 6;
//! RFC 9525, section 6).
//!
//! Names are compared label by label and without regard to case; a wildcard
//! is the whole left-most label and stands for exactly one. Partial wildcards
//! (`mx*.example.com`), which RFC 6125, section 6.4.3 left to choice and
//! RFC 9525 forbids, match nothing. IP addresses match nothing: a dNSName is
//! no place for one.

use crate::attempt::Attempt;
use crate::failure::{Failure, Kind, Stage};
use crate::tls::certificate::Certificate;
use crate::tls::handshake::Identity;

/// Judges the leaf of a chain. The reference is the MX host's own name (for
/// MTA-STS too: RFC 8461, section 4.2), or none where a bare address was
/// probed.
#[must_use]
pub fn judge(leaf: Option<&Certificate>, host: Option<&str>, peer: &str) -> Attempt<Identity> {
    let Some(leaf) = leaf else {
        return Attempt::failed(Failure::new(
            Stage::Certificate,
            Kind::ValidationFailure,
            format!("{peer} sent no certificate"),
        ));
    };
    let matched = host.and_then(|host| leaf.names.iter().find(|name| matches(name, host)));
    if let Some(name) = matched {
        return Attempt::Done(Identity {
            matched: name.clone(),
        });
    }
    let message = match (host, leaf.names.is_empty()) {
        (_, true) => format!("the certificate of {peer} names no host"),
        (Some(host), false) => format!("the certificate of {peer} does not name {host}"),
        (None, false) => {
            format!("{peer} was asked without a name, so no name can be proved")
        }
    };
    let mut failure = Failure::new(Stage::Certificate, Kind::CertificateHostMismatch, message);
    failure.detail.presented.clone_from(&leaf.names);
    Attempt::failed(failure)
}

/// Whether a name in a certificate stands for a host.
#[must_use]
pub fn matches(presented: &str, host: &str) -> bool {
    let presented = presented.strip_suffix('.').unwrap_or(presented);
    let host = host.strip_suffix('.').unwrap_or(host);
    if presented.is_empty() || host.is_empty() || host.parse::<std::net::IpAddr>().is_ok() {
        return false;
    }
    match presented.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(label, rest)| {
            // `*.com` would stand for a whole registry.
            !label.is_empty() && parent.contains('.') && rest.eq_ignore_ascii_case(parent)
        }),
        None => !presented.contains('*') && presented.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn c1_names_match_label_by_label_in_any_case() {
        for (presented, host, matched) in [
            ("mx1.partner.example", "mx1.partner.example", true),
            ("MX1.Partner.Example", "mx1.partner.example", true),
            ("mx1.partner.example.", "mx1.partner.example", true),
            ("mx1.partner.example", "mx2.partner.example", false),
            ("partner.example", "mx1.partner.example", false),
            ("mx1.partner.example", "partner.example", false),
            ("", "partner.example", false),
        ] {
            assert_eq!(matches(presented, host), matched, "{presented} {host}");
        }
    }

    #[test]
    fn c2_c3_a_wildcard_is_one_whole_left_most_label() {
        for (presented, host, matched) in [
            ("*.example.com", "a.example.com", true),
            ("*.EXAMPLE.com", "a.example.COM", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.b.example.com", false),
            ("m*.example.com", "mx.example.com", false),
            ("*x.example.com", "mx.example.com", false),
            ("a.*.example.com", "a.b.example.com", false),
            ("*.*.example.com", "a.b.example.com", false),
            ("*", "localhost", false),
            ("*.com", "example.com", false),
            ("*.example.com", ".example.com", false),
        ] {
            assert_eq!(matches(presented, host), matched, "{presented} {host}");
        }
    }

    #[test]
    fn c5_an_address_is_no_name() {
        assert!(!matches("192.0.2.1", "192.0.2.1"));
        assert!(!matches("2001:db8::1", "2001:db8::1"));
    }

    #[test]
    fn a_mismatch_lists_what_was_presented() {
        let mut leaf = Certificate::read(b"");
        leaf.names = vec!["www.hoster.example".into()];
        let judged = judge(Some(&leaf), Some("mx1.partner.example"), "mx1");
        let failure = judged.failure().unwrap();
        assert_eq!(failure.kind, Kind::CertificateHostMismatch);
        assert_eq!(failure.detail.presented, ["www.hoster.example"]);
        assert!(judge(None, Some("mx1"), "mx1").failure().is_some());
    }
}
