use std::io::{Cursor, Write};

use cfb::CompoundFile;
use proptest::prelude::*;
use starttrace::mailbox::{Limits, Unreadable};
use starttrace::trace::chain::SourceKind;

use crate::{HEADER, header_of, items, items_in_pieces, items_of, messages, trouble};

/// An Outlook message: its streams by path.
fn outlook(streams: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, octets) in streams {
        let folder = std::path::Path::new(path).parent().unwrap();
        file.create_storage_all(folder).unwrap();
        file.create_stream(path).unwrap().write_all(octets).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

fn unicode(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

const PROPERTIES: (&str, Vec<u8>) = ("/__properties_version1.0", Vec::new());

#[test]
fn headers_are_found_in_either_form_and_size() {
    let long = format!("{HEADER}{}", "X-Filler: abcdefghijklmnop\n".repeat(2000));
    let title = format!("Microsoft Mail Internet Headers Version 2.0\n{HEADER}");
    let body = ("/__substg1.0_1000001F", vec![b'x'; 100_000]);
    for (written, expected) in [(HEADER, HEADER), (&long, &long), (&title, HEADER)] {
        let as_unicode = ("/__substg1.0_007D001F", unicode(&crlf(written)));
        let as_octets = ("/__substg1.0_007D001E", crlf(written).into_bytes());
        for stream in [as_unicode, as_octets] {
            let file = outlook(&[PROPERTIES, body.clone(), stream]);
            let all = messages(&file);
            assert_eq!((all.len(), all[0].kind), (1, SourceKind::Msg));
            assert!(!all[0].is_verbatim());
            assert_eq!(header_of(&all[0]), expected);
            // The same where the file cannot be sought in.
            let piped = items_in_pieces(&file, 1000);
            assert_eq!(piped[0].as_ref().unwrap().octets, all[0].octets);
        }
    }
}

#[test]
fn eight_bit_headers_stay_as_they_are() {
    let file = outlook(&[
        PROPERTIES,
        (
            "/__substg1.0_007D001E",
            b"Subject: \xE4\xF6\xFC\r\nReceived: from a by b\r\n\0".to_vec(),
        ),
    ]);
    assert_eq!(
        messages(&file)[0].octets,
        b"Subject: \xE4\xF6\xFC\r\nReceived: from a by b\r\n"
    );
}

#[test]
fn what_has_no_headers_says_why() {
    let file = outlook(&[PROPERTIES, ("/__substg1.0_1000001F", unicode("hello"))]);
    assert_eq!(trouble(&file), Unreadable::NoTransportHeaders);
    let file = outlook(&[("/WordDocument", vec![1; 5000])]);
    assert!(matches!(trouble(&file), Unreadable::Foreign(_)));
}

#[test]
fn attached_messages_are_counted() {
    let other = "Received: from attached by b.example; x\n";
    let inner = "Received: from inner by b.example; x\n";
    let file = outlook(&[
        PROPERTIES,
        ("/__substg1.0_007D001F", unicode(HEADER)),
        (
            "/__attach_version1.0_#00000000/__substg1.0_37010102",
            b"\x89PNG".to_vec(),
        ),
        (
            "/__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_007D001F",
            unicode(other),
        ),
        (
            "/__attach_version1.0_#00000001/__substg1.0_3701000D/__attach_version1.0_#00000000/__substg1.0_3701000D/__substg1.0_007D001E",
            inner.as_bytes().to_vec(),
        ),
        (
            "/__attach_version1.0_#00000002/__substg1.0_37010102",
            HEADER.as_bytes().to_vec(),
        ),
    ]);
    for (part, expected) in [(1, other), (2, inner), (3, HEADER)] {
        let mut all = items_of(&file, Some(part), &Limits::default());
        let one = all.remove(0).unwrap();
        assert_eq!(header_of(&one), expected);
    }
    let mut all = items_of(&file, Some(4), &Limits::default());
    let why = all.remove(0).unwrap_err().why;
    assert_eq!(why, Unreadable::NoSuchPart { asked: 4, found: 3 });
}

#[test]
fn loops_end() {
    let mut file = outlook(&[
        PROPERTIES,
        ("/__substg1.0_007D001F", unicode(&HEADER.repeat(20))),
        ("/__substg1.0_1000001F", vec![b'x'; 60_000]),
    ]);
    // Every sector of the table of sectors now follows itself.
    let table = u32::from_le_bytes(file[0x4C..0x50].try_into().unwrap()) as usize;
    for entry in 0..128_u32 {
        let at = (table + 1) * 4096 + entry as usize * 4;
        if let Some(four) = file.get_mut(at..at + 4) {
            four.copy_from_slice(&entry.to_le_bytes());
        }
    }
    assert_eq!(items(&file).len(), 1);
    // The table's own list follows itself.
    file[0x44..0x48].copy_from_slice(&0_u32.to_le_bytes());
    assert_eq!(items(&file).len(), 1);
}

#[test]
fn a_file_cut_short_gives_what_is_there() {
    let file = outlook(&[
        PROPERTIES,
        ("/__substg1.0_007D001F", unicode(&HEADER.repeat(20))),
        ("/__substg1.0_1000001F", vec![b'x'; 60_000]),
    ]);
    assert_eq!(
        items(&file[..file.len() - 4096]).iter().flatten().count(),
        1
    );
    for end in (8..file.len()).step_by(509) {
        assert_eq!(items(&file[..end]).len(), 1);
    }
}

proptest! {
    #![proptest_config(crate::quick())]

    #[test]
    fn damage_does_no_harm(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        words in prop::collection::vec((any::<prop::sample::Index>(), 0_u32..20), 0..20),
        part in prop::option::of(1_usize..3),
    ) {
        let mut file = outlook(&[
            PROPERTIES,
            ("/__substg1.0_007D001F", unicode(HEADER)),
            ("/__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_007D001F", unicode(HEADER)),
        ]);
        for (at, octet) in damage {
            let at = at.index(file.len());
            file[at] = octet;
        }
        for (at, word) in words {
            let at = at.index(file.len() / 4) * 4;
            file[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        prop_assert!(!items_of(&file, part, &Limits::default()).is_empty());
    }
}
