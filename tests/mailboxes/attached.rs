use starttrace::mailbox::{Limits, Unreadable};

use crate::{HEADER, assert_in_place, header_of, items_of};

const INNER: &str = "Received: from inner.example by b.example; x\nSubject: inner\n";

/// A message with two forwarded ones, the first of which holds another.
fn forwarded(end: &str) -> String {
    let deep = "Received: from deep.example by b.example; x\nSubject: deep\n";
    format!(
        "{HEADER}MIME-Version: 1.0\nContent-Type: multipart/mixed;\n\tboundary=\"=_outer; \\\"x\"\n\n\
         preamble\n--=_outer; \"x\nContent-Type: text/plain\n\nSee below.\n\
         --=_outer; \"x\nContent-Type: message/rfc822\nContent-Disposition: attachment\n\n\
         {INNER}Content-Type: multipart/mixed; boundary=in\n\n--in\nContent-Type: MESSAGE/RFC822; name=x\n\n{deep}\ndeep body\n--in--\n\n\
         --=_outer; \"x\nContent-Type: application/octet-stream;\n name=\"last.eml\"\nContent-Transfer-Encoding: base64\n\n\
         UmVjZWl2ZWQ6IGZyb20gZW5jb2RlZC5leGFtcGxlIGJ5IGIuZXhhbXBsZTsgeAoK\nYm9keQo=\n\
         --=_outer; \"x--\nepilogue\n"
    )
    .replace('\n', end)
}

#[test]
fn the_one_asked_for_is_read() {
    for end in ["\n", "\r\n"] {
        let file = forwarded(end);
        let part = |number| items_of(file.as_bytes(), Some(number), &Limits::default()).remove(0);
        for (number, name, verbatim) in
            [(1, "inner", true), (2, "deep", true), (3, "encoded", false)]
        {
            let one = part(number).unwrap();
            let hop = format!("Received: from {name}.example by b.example; x\n");
            assert!(header_of(&one).starts_with(&hop), "{number}");
            assert_eq!(one.is_verbatim(), verbatim);
            assert_in_place(&one, file.as_bytes());
        }
        let error = part(4).unwrap_err();
        assert_eq!(error.why, Unreadable::NoSuchPart { asked: 4, found: 3 });
    }
}

#[test]
fn messages_inside_encoded_messages_count_too() {
    let inner = format!(
        "{INNER}Content-Type: multipart/digest; boundary=d\n\n--d\n\nx\n--d\nContent-Type: message/rfc822\n\nReceived: from deep by b; x\n\nbody\n--d--\n"
    );
    let quoted = inner.replace('=', "=3D");
    let file = format!(
        "{HEADER}Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n{quoted}\n--o--\n"
    );
    let one = items_of(file.as_bytes(), Some(2), &Limits::default())
        .remove(0)
        .unwrap();
    assert_eq!(header_of(&one), "Received: from deep by b; x\n");
    assert_eq!(one.place(0), None);
}

#[test]
fn each_message_of_a_mailbox_is_looked_through() {
    let mark = "From a Tue Nov  3 09:14:07 2026\n";
    let file = format!(
        "{mark}{}\n{mark}{HEADER}\nnothing\n\n{mark}{}",
        forwarded("\n"),
        forwarded("\n")
    );
    let all = items_of(file.as_bytes(), Some(1), &Limits::default());
    assert_eq!(all.len(), 3);
    assert_in_place(all[2].as_ref().unwrap(), file.as_bytes());
    let error = all[1].as_ref().unwrap_err();
    assert_eq!(error.why, Unreadable::NoSuchPart { asked: 1, found: 0 });
    assert!(error.offset.unwrap() > forwarded("\n").len() as u64);
}

#[test]
fn parts_without_end_take_no_time() {
    let nested: String = (0..5000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"))
        .collect();
    let flat = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\n\n".repeat(1 << 20)
    );
    for file in [format!("{HEADER}{nested}"), format!("{HEADER}{flat}")] {
        let started = std::time::Instant::now();
        let error = items_of(file.as_bytes(), Some(1), &Limits::default()).remove(0);
        assert!(error.is_err());
        assert!(started.elapsed().as_secs() < 20);
    }
}
