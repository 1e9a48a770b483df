#![allow(clippy::unwrap_used)]
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn read(list: &[u8], column: Option<&str>) -> Vec<(u64, String, Option<String>)> {
    Reader::new(list, column.map(str::to_owned))
        .map(|entry| {
            let entry = entry.unwrap();
            let domain = entry.domain.ok().map(|domain| domain.to_string());
            (entry.line, entry.text, domain)
        })
        .collect()
}

fn rows(rows: &[(u64, &str, &str)]) -> Vec<(u64, String, Option<String>)> {
    rows.iter()
        .map(|(line, text, domain)| {
            let domain = (!domain.is_empty()).then(|| (*domain).to_owned());
            (*line, (*text).to_owned(), domain)
        })
        .collect()
}

#[test]
fn people_give_lists_in_many_forms() {
    for (list, column, expected) in [
        (
            "\u{feff}a.example\r\n\r\n# no\n  B.Example.  # yes\nap@c.example\nhttps://d.example/x\nb\u{fc}cher.example\na.example",
            None,
            &[
                (1, "a.example", "a.example"),
                (4, "B.Example.", "b.example"),
                (5, "ap@c.example", "c.example"),
                (6, "https://d.example/x", "d.example"),
                (7, "b\u{fc}cher.example", "xn--bcher-kva.example"),
                (8, "a.example", "a.example"),
            ][..],
        ),
        (
            "Name,Mail\n\"Smith, \"\"Bo\"\"\nLtd\",ap@a.example\nshort\n,\n\"x\",\"b.example\"\n",
            Some("mail"),
            &[
                (2, "ap@a.example", "a.example"),
                (4, "short", ""),
                (5, "", ""),
                (6, "b.example", "b.example"),
            ],
        ),
        (
            "id;Domain\n1;a.example\n# c\n\n2;b.example",
            None,
            &[(2, "a.example", "a.example"), (5, "b.example", "b.example")],
        ),
        (
            "1,a.example\n2,b.example\n",
            Some("2"),
            &[(1, "a.example", "a.example"), (2, "b.example", "b.example")],
        ),
        (
            "{\"domain\":\"a.example\",\"id\":1}\n\"b.example\"\n[]\n{\"x\":1}\n{\"email\":\"x@c.example\"}\n{",
            None,
            &[
                (1, "a.example", "a.example"),
                (2, "b.example", "b.example"),
                (3, "[]", ""),
                (4, "{\"x\":1}", ""),
                (5, "x@c.example", "c.example"),
                (6, "{", ""),
            ],
        ),
        (
            "domain\na.example\n",
            Some("domain"),
            &[(2, "a.example", "a.example")],
        ),
    ] {
        assert_eq!(read(list.as_bytes(), column), rows(expected), "{list}");
    }
}

#[test]
fn several_columns_are_asked_about() {
    let first = |list: &str, column: Option<&str>| {
        Reader::new(list.as_bytes(), column.map(str::to_owned))
            .next()
            .unwrap()
            .unwrap_err()
            .to_string()
    };
    assert!(first("1,a.example\n", None).contains("(1, a.example)"));
    assert!(first("a,b\n", Some("c")).contains("no column \"c\""));
    assert!(first("a,b\n", Some("3")).contains("no column"));
}

#[test]
fn a_bad_line_is_one_entry_and_harms_no_other() {
    let mut list = b"a.example\n".to_vec();
    list.extend(std::iter::repeat_n(b'x', 1_000_000));
    list.extend(b"\n\xff\xfe.example\nnot a domain\n192.0.2.1\nb.example\n");
    let entries: Vec<Entry> = Reader::new(&list[..], None).map(Result::unwrap).collect();
    let why: Vec<String> = entries
        .iter()
        .map(|e| {
            e.domain
                .as_ref()
                .err()
                .map_or(String::new(), ToString::to_string)
        })
        .collect();
    assert_eq!(entries.len(), 6);
    assert_eq!(why[1], "it is 1000000 octets long");
    assert!(entries[1].text.len() <= LONGEST_SHOWN + 3);
    assert_eq!(why[2], "it is not UTF-8");
    assert_eq!(entries[2].text, "\u{fffd}\u{fffd}.example");
    assert!(why[3].contains("' '"), "{}", why[3]);
    assert!(why[4].contains("is an address"), "{}", why[4]);
    assert_eq!(entries[5].line, 6);
}

#[test]
fn a_quote_that_never_closes_costs_its_own_line_only() {
    let mut list = "domain,x\n\"open,1\n".to_owned();
    for i in 0..200 {
        let _ = writeln!(list, "d{i}.example,1");
    }
    let entries = read(list.as_bytes(), None);
    assert_eq!(entries.len(), 201);
    assert_eq!(entries[0], (2, "\"open,1".to_owned(), None));
    assert_eq!(entries[200].0, 202);
}

#[test]
fn shares_are_stable_and_make_the_whole() {
    let list: String = (0..1000).map(|i| format!("d{i}.example\n")).collect();
    let mut seen = 0;
    for index in 1..=4 {
        let shard = Shard { index, of: 4 };
        let held = Reader::new(list.as_bytes(), None)
            .filter(|entry| shard.holds(entry.as_ref().unwrap()))
            .count();
        assert!((200..300).contains(&held), "{held}");
        seen += held;
    }
    assert_eq!(seen, 1000);
    // Known for ever: SHA-256 of the line, its first eight octets.
    assert_eq!(share(b"d1.example"), share(b"d1.example"));
    for (text, right) in [
        ("1/4", true),
        ("4/4", true),
        ("0/4", false),
        ("5/4", false),
        ("x", false),
    ] {
        assert_eq!(text.parse::<Shard>().is_ok(), right, "{text}");
    }
}

#[test]
fn the_hash_is_that_of_the_octets() {
    let mut reader = Reader::new(&b"abc"[..], None);
    while reader.next().is_some() {}
    assert_eq!(
        reader.hash(),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

proptest! {
    #[test]
    fn any_octets_give_one_entry_a_plain_line(list in proptest::collection::vec(any::<u8>(), 0..400)) {
        let entries: Vec<_> = Reader::new(&list[..], None).collect();
        if entries.iter().all(Result::is_ok) && !list.iter().any(|o| b"\"{,;\t".contains(o)) {
            let skip = if list.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            let lines = list[skip..]
                .split(|o| *o == b'\n')
                .filter(|line| {
                    let line = line.trim_ascii();
                    !line.is_empty() && !line.starts_with(b"#")
                })
                .count();
            prop_assert_eq!(entries.len(), lines);
        }
    }
}
