#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

const GOOD: &str = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n\
                    mx: *.example.net\r\nmax_age: 1209600\r\n";

fn whys(body: &str) -> Vec<(Option<usize>, Why)> {
    Policy::parse(body.as_bytes())
        .policy
        .unwrap_err()
        .into_iter()
        .map(|fault| (fault.line, fault.why))
        .collect()
}

#[test]
fn m12_m13_well_formed_policies() {
    let Reading { policy, advisories } = Policy::parse(GOOD.as_bytes());
    let policy = policy.unwrap();
    assert_eq!(policy.mode, Mode::Enforce);
    assert_eq!(policy.max_age, 1_209_600);
    assert_eq!(
        policy
            .mx
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["mail.example.com", "*.example.net"]
    );
    assert_eq!(advisories, []);
    for same in [
        GOOD.replace("\r\n", "\n"),
        GOOD.trim_end().to_owned(),
        GOOD.replace(": ", ":"),
        GOOD.replace(": ", ":\t  "),
        GOOD.replace("\r\n", " \t\r\n"),
        format!("ext.1: anything at all \u{fc}\n{GOOD}"),
    ] {
        let reading = Policy::parse(same.as_bytes());
        assert_eq!(reading.policy.as_ref(), Ok(&policy), "{same:?}");
        assert_eq!(reading.advisories, [], "{same:?}");
    }
    // RFC 8461, section 3.2: mx may be missing in mode none alone.
    let none = Policy::parse(b"version: STSv1\nmode: none\nmax_age: 86400\n");
    assert_eq!(none.policy.unwrap().mode, Mode::None);
    assert_eq!(none.advisories, []);
}

#[test]
fn m12_what_is_missing_is_named() {
    assert_eq!(
        whys("mx: a.example\n"),
        [
            (None, Why::MissingVersion),
            (None, Why::MissingMode),
            (None, Why::MissingMaxAge)
        ]
    );
    assert_eq!(
        whys("version: STSv1\nmode: testing\nmax_age: 604800\n"),
        [(None, Why::MissingMx)]
    );
}

#[test]
fn m13_m14_m15_m17_each_fault_with_its_line() {
    let with = |line: &str| format!("{GOOD}{line}\n");
    for (line, why) in [
        (" ext: 1", Why::LeadingSpace),
        ("\text: 1", Why::LeadingSpace),
        ("junk", Why::NoColon),
        ("ext : 1", Why::SpaceBeforeColon),
        ("e xt: 1", Why::Key),
        (": 1", Why::Key),
        ("_ext: 1", Why::Key),
        ("ext:", Why::EmptyValue),
        ("ext: a\u{1}b", Why::ControlCharacter('\u{1}')),
        ("ext: a\rb", Why::ControlCharacter('\r')),
        ("mx: a.*.example", Why::Mx(InvalidPattern::Wildcard)),
        ("mx: a.example, b.example", Why::Mx(InvalidPattern::List)),
        ("mx:", Why::Mx(InvalidPattern::Empty)),
    ] {
        assert_eq!(whys(&with(line)), [(Some(6), why)], "{line:?}");
    }
    for (from, to, line, why) in [
        ("STSv1", "STSv2", 1, Why::Version),
        ("STSv1", "stsv1", 1, Why::Version),
        ("enforce", "Enforce", 2, Why::Mode),
        ("enforce", "enforce # soon", 2, Why::Mode),
        ("1209600", "two weeks", 5, Why::MaxAge),
        ("1209600", "12345678901", 5, Why::MaxAge),
        ("1209600", "-1", 5, Why::MaxAge),
        ("1209600", "1.5", 5, Why::MaxAge),
    ] {
        assert_eq!(whys(&GOOD.replace(from, to)), [(Some(line), why)], "{to}");
    }
    assert_eq!(
        Policy::parse(b"version: STSv1\nmode: none\nmax_age: 1\nx: \xff\n")
            .policy
            .unwrap_err()[0]
            .why,
        Why::NotUtf8
    );
    assert_eq!(
        whys(&format!("\u{feff}{GOOD}")),
        [(Some(1), Why::ByteOrderMark)]
    );
    let fault = &Policy::parse(with("mx: *").as_bytes()).policy.unwrap_err()[0];
    assert_eq!(
        fault.to_string(),
        "line 6: the mx value is no pattern: a * can only be the whole first label (\"mx: *\")"
    );
}

#[test]
fn m10_a_page_an_empty_file_and_an_oversized_one_are_told_as_such() {
    assert_eq!(whys("\n <!DOCTYPE html>\n<p>404"), [(None, Why::Html)]);
    assert_eq!(whys(""), [(None, Why::Empty)]);
    assert_eq!(whys("\r\n \n"), [(None, Why::Empty)]);
    let at_limit = format!("{GOOD}x: {}\n", "y".repeat(MAX_SIZE - GOOD.len() - 4));
    assert_eq!(at_limit.len(), MAX_SIZE);
    assert!(Policy::parse(at_limit.as_bytes()).policy.is_ok());
    assert_eq!(
        whys(&format!("{at_limit}\n")),
        [(None, Why::TooLarge(MAX_SIZE + 1))]
    );
    assert_eq!(
        Policy::parse("junk\n".repeat(10_000).as_bytes())
            .policy
            .unwrap_err()
            .len(),
        MAX_FAULTS
    );
}

#[test]
fn m15_the_age_is_flagged_not_refused() {
    for (age, advisory) in [
        ("0", Some(Advisory::MaxAgeUnderADay(0))),
        ("86399", Some(Advisory::MaxAgeUnderADay(86_399))),
        ("86400", Some(Advisory::MaxAgeUnderAWeek(86_400))),
        ("604800", None),
        ("31557600", None),
        ("31557601", Some(Advisory::MaxAgeTooLarge(31_557_601))),
        ("9999999999", Some(Advisory::MaxAgeTooLarge(9_999_999_999))),
    ] {
        let reading = Policy::parse(GOOD.replace("1209600", age).as_bytes());
        assert!(reading.policy.is_ok(), "{age}");
        assert_eq!(reading.advisories, Vec::from_iter(advisory), "{age}");
    }
}

#[test]
fn m16_of_duplicates_the_first_counts_and_keys_keep_their_case() {
    let reading = Policy::parse(
        format!("{GOOD}mode: testing\nmx: MAIL.example.com\nMode: none\n\n").as_bytes(),
    );
    assert_eq!(reading.policy.unwrap().mode, Mode::Enforce);
    assert_eq!(
        reading.advisories,
        [
            Advisory::Duplicate {
                line: 6,
                key: "mode".into()
            },
            Advisory::MxTwice(Pattern::parse("mail.example.com").unwrap()),
            Advisory::KeyCase {
                line: 8,
                key: "Mode".into()
            },
            Advisory::BlankLine(9),
        ]
    );
    assert_eq!(
        whys(&GOOD.replace("mode:", "Mode:")),
        [(None, Why::MissingMode)]
    );
}

#[test]
fn a_wildcard_for_everybody_and_idle_patterns_are_remarked() {
    let reading = Policy::parse(b"version: STSv1\nmode: none\nmax_age: 86400\nmx: *.com\n");
    assert_eq!(
        reading.advisories,
        [
            Advisory::MxPublicSuffix(Pattern::parse("*.com").unwrap()),
            Advisory::MxWithoutMode
        ]
    );
}

#[test]
fn m6_m27_there_is_one_place_for_the_policy() {
    let domain = DomainName::parse("mail.B\u{fc}cher.example").unwrap();
    assert_eq!(
        url(&domain).as_deref(),
        Some("https://mta-sts.mail.xn--bcher-kva.example/.well-known/mta-sts.txt")
    );
}

#[test]
fn m9_the_media_type_is_looked_at_without_its_parameters() {
    for (value, seen) in [
        (Some("text/plain"), MediaType::Plain),
        (Some("Text/Plain; charset=utf-8; x=y"), MediaType::Plain),
        (Some("text/html"), MediaType::Other("text/html".into())),
        (
            Some("application/octet-stream;x"),
            MediaType::Other("application/octet-stream".into()),
        ),
        (Some(" ; charset=utf-8"), MediaType::Missing),
        (None, MediaType::Missing),
    ] {
        assert_eq!(media_type(value), seen, "{value:?}");
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Policy::parse(&body);
    }

    #[test]
    fn no_line_makes_it_panic_or_slip_through_unread(line in "\\PC{0,60}") {
        let reading = Policy::parse(format!("{GOOD}{line}\n").as_bytes());
        if !line.contains(':') && !line.trim_matches([' ', '\t']).is_empty() {
            prop_assert!(reading.policy.is_err());
        }
    }
}
