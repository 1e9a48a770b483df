//! The keywords of an EHLO reply (RFC 5321, section 4.1.1.1).

use crate::observed::endpoint::Reply;
use crate::smtp::reply::text_of;

/// The keywords with their parameters, keyword in upper case. The first line
/// is the server's name and greeting, never a keyword.
#[must_use]
pub fn keywords(reply: &Reply) -> Vec<String> {
    reply
        .lines
        .iter()
        .skip(1)
        .filter_map(|line| {
            let text = String::from_utf8_lossy(text_of(line));
            let text = text.trim();
            if text.is_empty() {
                return None;
            }
            let (keyword, parameters) = match text.split_once([' ', '\t']) {
                Some((keyword, parameters)) => (keyword, Some(parameters.trim())),
                None => (text, None),
            };
            // RFC 5321, section 2.4: keywords are compared without regard to
            // case.
            let keyword = keyword.to_ascii_uppercase();
            Some(match parameters {
                Some(parameters) => format!("{keyword} {parameters}"),
                None => keyword,
            })
        })
        .collect()
}

/// Whether a keyword stands among them, with or without parameters.
#[must_use]
pub fn offers(keywords: &[String], keyword: &str) -> bool {
    keywords
        .iter()
        .any(|line| line.split(' ').next() == Some(keyword))
}

/// Whether AUTH is offered, in its proper form or in the `AUTH=` form that
/// old clients were given.
#[must_use]
pub fn offers_auth(keywords: &[String]) -> bool {
    offers(keywords, "AUTH") || keywords.iter().any(|line| line.starts_with("AUTH="))
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
    fn s1_keywords_are_read_in_any_case() {
        let keywords = keywords(&reply(&["250-mx", "250-starttls", "250 Size 1000"]));
        assert_eq!(keywords, ["STARTTLS", "SIZE 1000"]);
        assert!(offers(&keywords, "STARTTLS"));
    }

    #[test]
    fn s16_the_first_line_is_a_name_never_a_keyword() {
        for lines in [
            &["250 STARTTLS"][..],
            &["250-starttls", "250 SIZE"],
            &["250-STARTTLS mx", "250 HELP"],
        ] {
            assert!(!offers(&keywords(&reply(lines)), "STARTTLS"), "{lines:?}");
        }
    }

    #[test]
    fn a_keyword_is_a_whole_word() {
        for line in ["250 STARTTLSX", "250 X-STARTTLS", "250 STARTTLS.example"] {
            let keywords = keywords(&reply(&["250-mx", line]));
            assert!(!offers(&keywords, "STARTTLS"), "{line}");
        }
    }

    #[test]
    fn t1_parameters_behind_starttls_do_not_hide_it() {
        for line in ["250 STARTTLS now", "250  STARTTLS ", "250 STARTTLS\tx"] {
            let keywords = keywords(&reply(&["250-mx", line]));
            assert!(offers(&keywords, "STARTTLS"), "{line}");
        }
    }

    #[test]
    fn bare_codes_among_the_lines_are_no_keywords() {
        assert_eq!(
            keywords(&reply(&["250-mx", "250-", "250-PIPELINING", "250"])),
            ["PIPELINING"]
        );
    }

    #[test]
    fn auth_counts_in_its_old_form_too() {
        assert!(offers_auth(&["AUTH=LOGIN".into()]));
        assert!(offers_auth(&["AUTH PLAIN".into()]));
        assert!(!offers_auth(&["X-AUTH".into()]));
    }
}
