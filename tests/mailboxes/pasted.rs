use starttrace::trace::chain::SourceKind;

use crate::{HEADER, header_of, messages, trouble};

/// A header section without its folds, as a reader sees it.
fn unfolded(header: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in header.lines() {
        let text = line.trim();
        match fields.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(text);
            }
            _ => fields.push(text.to_owned()),
        }
    }
    fields
}

fn each_line(change: impl Fn(&str) -> String) -> String {
    HEADER.lines().map(|line| change(line) + "\n").collect()
}

#[test]
fn what_people_paste_is_put_right() {
    let escaped = HEADER.replace('<', "&lt;").replace('>', "&gt;");
    let without_folds = each_line(|line| line.trim().to_owned());
    let cases = [
        ("as it is", HEADER.to_owned()),
        (
            "text before",
            format!("Hello,\nhere are the headers:\n\n{HEADER}\nRegards\n"),
        ),
        ("folds lost", without_folds.clone()),
        ("folds lost, CRLF", without_folds.replace('\n', "\r\n")),
        ("old Macs", HEADER.replace('\n', "\r")),
        ("quoted", each_line(|line| format!("> {line}"))),
        ("quoted twice", each_line(|line| format!(">> {line}"))),
        (
            "quoted, folds lost",
            each_line(|line| format!("> {}", line.trim())),
        ),
        (
            "quoted in a reply",
            format!(
                "On Tuesday Al wrote:\n{}\nThanks\n",
                each_line(|line| format!("> {line}"))
            ),
        ),
        ("indented", each_line(|line| format!("    {line}"))),
        (
            "indented, folds lost",
            each_line(|line| format!("    {}", line.trim())),
        ),
        (
            "all but the first line indented",
            format!(
                "{}\n",
                each_line(|line| format!("    {}", line.trim())).trim()
            ),
        ),
        (
            "a blank line between all",
            each_line(|line| format!("{line}\n")),
        ),
        (
            "blank lines between fields",
            HEADER.replace("\nReceived: from c", "\n\nReceived: from c"),
        ),
        ("character references", escaped.clone()),
        (
            "a web page",
            format!(
                "<!DOCTYPE html>\n<html><head><title>Original</title><style>a: b</style></head><body>\n<div>Message ID</div><pre class=\"raw\" id=\"m\">{escaped}</pre></body></html>\n"
            ),
        ),
        (
            "a page of lines",
            format!("<div>{}</div>", escaped.replace('\n', "<br>")),
        ),
        (
            "Gmail's page",
            format!(
                "Original Message\nMessage ID\t<1@c.example>\nCreated at:\tTue, Nov 3, 2026 at 9:14 AM (Delivered after 2 seconds)\nFrom:\tBo <bo@c.example>\nTo:\tap@partner.example\nSubject:\tan invoice\nSPF:\tPASS with IP 192.0.2.1 Learn more\nDKIM:\t'PASS' with domain c.example Learn more\n\nDownload Original\nCopy to clipboard\n{HEADER}\nbody\n"
            ),
        ),
        (
            "Outlook's old title",
            format!(
                "Microsoft Mail Internet Headers Version 2.0\r\n{}",
                HEADER.replace('\n', "\r\n")
            ),
        ),
        (
            "UTF-8 with a mark, quoted",
            format!("\u{FEFF}{}", each_line(|line| format!("> {line}"))),
        ),
        ("UTF-8 with a mark", format!("\u{FEFF}Here it is\n{HEADER}")),
    ];
    for (name, text) in cases {
        let all = messages(text.as_bytes());
        assert_eq!(all.len(), 1, "{name}");
        assert_eq!(unfolded(&header_of(&all[0])), unfolded(HEADER), "{name}");
        assert_eq!(all[0].kind, SourceKind::Headers, "{name}");
        // The second hop is found where it stands.
        let at = header_of(&all[0]).find("Received: from c").unwrap();
        if let (Some(place), false) = (all[0].place(at), text.contains('\r')) {
            assert!(
                text[place.offset..].starts_with("Received: from c"),
                "{name}"
            );
            assert_eq!(
                place.line,
                text[..place.offset].matches('\n').count() + 1,
                "{name}"
            );
        }
    }
}

#[test]
fn utf_16_is_read_by_its_mark() {
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let text = format!("\u{FEFF}{}", HEADER.replace('\n', "\r\n"));
        let file: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
        let all = messages(&file);
        assert_eq!(unfolded(&header_of(&all[0])), unfolded(HEADER));
        assert_eq!(all[0].place(3), None);
    }
}

#[test]
fn a_field_list_in_a_signature_is_no_field() {
    let text = "DKIM-Signature: v=1; a=rsa-sha256; d=c.example;\nh=from:to:\nsubject:date:message-id; bh=x\nReceived: from a by b; x\nid 12: x\n";
    let all = messages(text.as_bytes());
    let fields = unfolded(&header_of(&all[0]));
    assert_eq!(fields.len(), 2, "{fields:?}");
    assert_eq!(fields[1], "Received: from a by b; x id 12: x");
}

#[test]
fn angle_brackets_beside_references_are_meant() {
    let text = "Hi\nReceived: from a by b for <a@b>; x\nSubject: use &lt;b&gt; for bold\n";
    let fields = unfolded(&header_of(&messages(text.as_bytes())[0]));
    assert_eq!(fields[1], "Subject: use &lt;b&gt; for bold");
}

#[test]
fn the_body_is_kept_apart() {
    let text = format!(
        "{}\n> secret: no\n> -----BEGIN PGP MESSAGE-----\n",
        each_line(|line| format!("> {line}"))
    );
    let one = &messages(text.as_bytes())[0];
    assert_eq!(unfolded(&header_of(one)), unfolded(HEADER));
    assert!(String::from_utf8_lossy(&one.octets).contains("\n-----BEGIN PGP MESSAGE-----\n"));
}

#[test]
fn prose_is_no_header() {
    for text in [
        "Dear all,\n\nsee you tomorrow.\n",
        "12:30 lunch\nhttps://example.org\n",
        "#!/bin/sh\necho a\n",
    ] {
        trouble(text.as_bytes());
    }
}
