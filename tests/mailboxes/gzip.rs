use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use starttrace::mailbox::{Limits, Unreadable};
use starttrace::trace::chain::SourceKind;

use crate::{HEADER, header_of, items, items_of, messages, trouble};

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

fn mailbox(count: usize) -> String {
    (0..count)
        .map(|n| format!("From a Tue Nov  3 09:14:07 2026\n{HEADER}X-Number: {n}\n\nbody {n}\n\n"))
        .collect()
}

#[test]
fn what_is_compressed_is_read_as_what_it_is() {
    let message = format!("{HEADER}\nhello\n");
    let all = messages(&gzip(message.as_bytes()));
    assert_eq!((all.len(), all[0].kind), (1, SourceKind::Eml));
    assert_eq!(all[0].octets, message.as_bytes());
    let twice = gzip(&gzip(mailbox(50).as_bytes()));
    let all = messages(&twice);
    assert_eq!((all.len(), all[0].kind), (50, SourceKind::Mbox));
    assert_eq!(all[49].size_so_far, twice.len() as u64);
}

#[test]
fn members_follow_one_another() {
    let mut file = gzip(mailbox(2).as_bytes());
    file.extend(gzip(mailbox(3).as_bytes()));
    assert_eq!(messages(&file).len(), 5);
}

#[test]
fn a_compressed_mailbox_cut_short_gives_what_it_has() {
    let whole = gzip(mailbox(2000).as_bytes());
    let all = items(&whole[..whole.len() / 2]);
    let (last, before) = all.split_last().unwrap();
    assert!(before.len() > 100);
    assert_eq!(
        header_of(before[7].as_ref().unwrap()),
        format!("{HEADER}X-Number: 7\n")
    );
    let error = last.as_ref().unwrap_err();
    assert!(matches!(error.why, Unreadable::BrokenGzip(_)), "{error}");
    assert!(error.offset.is_some());
}

#[test]
fn what_follows_the_last_member_is_reported() {
    let mut file = gzip(mailbox(2).as_bytes());
    file.extend_from_slice(b"not a member");
    let all = items(&file);
    assert_eq!(all.iter().flatten().count(), 2);
    assert!(matches!(
        all[2].as_ref().unwrap_err().why,
        Unreadable::BrokenGzip(_)
    ));
}

#[test]
fn a_bomb_is_left_before_it_bursts() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(b"From a Tue Nov  3 09:14:07 2026\nReceived: from a by b; x\n\n")
        .unwrap();
    let block = vec![b'a'; 1 << 20];
    for _ in 0..64 {
        encoder.write_all(&block).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let all = items(&bomb);
    assert_eq!(
        all.iter().flatten().count(),
        1,
        "what stood before is given"
    );
    assert!(matches!(
        all[1].as_ref().unwrap_err().why,
        Unreadable::Bomb { .. }
    ));
    let small = Limits {
        expanded: 100_000,
        ..Limits::default()
    };
    let all = items_of(&gzip(mailbox(5000).as_bytes()), None, &small);
    let last = all.last().unwrap().as_ref().unwrap_err();
    assert!(matches!(last.why, Unreadable::Bomb { .. }));
}

#[test]
fn damage_is_named() {
    let mut file = gzip(mailbox(10).as_bytes());
    file.truncate(12);
    assert!(matches!(trouble(&file), Unreadable::BrokenGzip(_)));
    let nested = (0..6).fold(mailbox(1).into_bytes(), |inner, _| gzip(&inner));
    assert!(matches!(trouble(&nested), Unreadable::Foreign(_)));
}

proptest! {
    #![proptest_config(crate::quick())]

    #[test]
    fn damage_to_what_is_compressed_does_no_harm(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>(),
        part in prop::option::of(1_usize..3),
    ) {
        let text = mailbox(20);
        let mut file = gzip(text.as_bytes());
        for (at, octet) in damage {
            let at = at.index(file.len());
            file[at] = octet;
        }
        file.truncate(end.index(file.len()) + 1);
        let all = items_of(&file, part, &Limits::default());
        prop_assert!(!all.is_empty());
        for message in all.iter().flatten() {
            prop_assert!(message.octets.len() <= Limits::default().header);
        }
    }
}
