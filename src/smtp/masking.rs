//! The marks of middleboxes that take STARTTLS out of a dialogue (RFC 3207,
//! section 6 warns of them).
//!
//! Cisco PIX and ASA with `inspect esmtp` (formerly `fixup smtp`) write
//! asterisks over the greeting and `XXXXXXXA` over keywords and commands they
//! do not let pass, at the same length. The command reference of the ASA
//! ("inspect esmtp", "mask-banner") describes both.

use crate::observed::endpoint::Reply;
use crate::smtp::reply::text_of;

/// The words that show a middlebox at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// What was found, as it came.
    pub heard: Vec<u8>,
    pub mark: Mark,
}

/// Where the mark was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Asterisks in place of the greeting's text.
    Banner,
    /// A keyword of the length of STARTTLS, crossed out.
    Keyword,
    /// The command we sent comes back crossed out.
    Command,
}

impl Mark {
    /// A clause that says what it is.
    #[must_use]
    pub fn means(self) -> &'static str {
        match self {
            Self::Banner => "the greeting is written over with asterisks",
            Self::Keyword => "a keyword of the length of STARTTLS is written over",
            Self::Command => "our STARTTLS reached the server written over",
        }
    }
}

/// The mark of a greeting.
#[must_use]
pub fn in_greeting(greeting: &Reply) -> Option<Mask> {
    let line = greeting.lines.iter().find(|line| {
        let text = text_of(line);
        let stars = text.iter().filter(|&&b| b == b'*').count();
        // The box leaves a few characters standing ("220 ***2***0***").
        stars >= 8 && stars * 2 > text.len()
    })?;
    Some(Mask {
        heard: line.clone(),
        mark: Mark::Banner,
    })
}

/// The mark among the keywords of an EHLO reply.
#[must_use]
pub fn in_keywords(ehlo: &Reply) -> Option<Mask> {
    let line = ehlo.lines.iter().skip(1).find(|line| {
        let text = text_of(line).trim_ascii();
        let word = text.split(|&b| b == b' ').next().unwrap_or_default();
        is_crossed_out_starttls(word)
    })?;
    Some(Mask {
        heard: line.clone(),
        mark: Mark::Keyword,
    })
}

/// The mark in the reply to STARTTLS.
#[must_use]
pub fn in_refusal(refusal: &Reply) -> Option<Mask> {
    let line = refusal.lines.iter().find(|line| {
        text_of(line)
            .split(|b| !b.is_ascii_alphanumeric())
            .any(is_crossed_out_starttls)
    })?;
    Some(Mask {
        heard: line.clone(),
        mark: Mark::Command,
    })
}

/// `XXXXXXXA`, `XXXXXXXX`, or STARTTLS with a letter or two changed: a text of
/// the same length, since the box must not shift the octets that follow.
fn is_crossed_out_starttls(word: &[u8]) -> bool {
    const STARTTLS: &[u8] = b"STARTTLS";
    if word.len() != STARTTLS.len() || word.eq_ignore_ascii_case(STARTTLS) {
        return false;
    }
    let crosses = word.iter().filter(|&&b| b == b'X' || b == b'*').count();
    let same = word
        .iter()
        .zip(STARTTLS)
        .filter(|(a, b)| a.eq_ignore_ascii_case(b))
        .count();
    crosses >= 7 || same >= 6
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn reply(lines: &[&str]) -> Reply {
        Reply {
            code: 250,
            lines: lines.iter().map(|line| line.as_bytes().to_vec()).collect(),
        }
    }

    #[test]
    fn asterisks_give_a_banner_away() {
        for (line, masked) in [
            ("220 **************************", true),
            ("220 *****2******************0********", true),
            ("220 *** mx.example ESMTP ***", false),
            ("220 mx.example ESMTP", false),
            ("220 ****", false),
            ("220", false),
        ] {
            assert_eq!(in_greeting(&reply(&[line])).is_some(), masked, "{line}");
        }
    }

    #[test]
    fn a_crossed_out_keyword_has_the_length_of_starttls() {
        for (line, masked) in [
            ("250-XXXXXXXA", true),
            ("250 XXXXXXXX", true),
            ("250-XXXXXXXB 1", true),
            ("250-XTARTTLS", true),
            ("250-STARTTLS", false),
            ("250-starttls", false),
            ("250-XXXXA", false),
            ("250-CHUNKING", false),
            ("250-SMTPUTF8", false),
            ("250-8BITMIME", false),
            ("250-", false),
        ] {
            assert_eq!(
                in_keywords(&reply(&["250-mx", line])).is_some(),
                masked,
                "{line}"
            );
        }
        // The first line is a name.
        assert_eq!(in_keywords(&reply(&["250 XXXXXXXA"])), None);
    }

    #[test]
    fn our_own_command_may_come_back_crossed_out() {
        assert!(in_refusal(&reply(&["500 5.5.1 unrecognized \"XXXXXXXX\""])).is_some());
        assert!(in_refusal(&reply(&["502 5.5.1 STARTTLS not implemented"])).is_none());
    }
}
