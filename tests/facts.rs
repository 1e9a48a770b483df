//! What stands beside the trace, and whom the reader trusts: whole messages,
//! read by the command.
#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use serde_json::Value;

fn run(arguments: &[&str], message: &str) -> (i32, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_starttrace"))
        .arg("trace")
        .args(arguments)
        .arg("-")
        .write_stdin(message)
        .output()
        .unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    (done.status.code().unwrap(), out)
}

fn chain(arguments: &[&str], message: &str) -> Value {
    let (_, out) = run(&[&["-f", "json"], arguments].concat(), message);
    let document: Value = serde_json::from_str(&out).unwrap();
    document["data"].clone()
}

fn taken(with: &str) -> String {
    format!(
        "Received: from out.acme.example (out.acme.example [203.0.113.7])\n\
         \tby mx.partner.example (Postfix) with {with} id 2;\n\
         \tTue, 03 Nov 2026 09:14:07 +0000\n"
    )
}

#[test]
fn a_text_that_its_writer_encrypted_is_told_apart_from_its_header() {
    let signed = "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"\n\n";
    for (rest, word) in [
        (
            "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB\n",
            "smime-encrypted",
        ),
        (
            "Content-Type: multipart/encrypted;\n\tprotocol=\"application/pgp-encrypted\"; \
             boundary=b\n\n--b\n",
            "pgp-mime",
        ),
        (
            "\nhello\n\n-----BEGIN PGP MESSAGE-----\n\nhQ\n",
            "pgp-inline",
        ),
        (signed, "none"),
        ("\nhello\n-----BEGIN PGP SIGNED MESSAGE-----\n", "none"),
        ("\nhello\n", "none"),
    ] {
        let message = format!("{}From: bo@acme.example\n{rest}", taken("ESMTP"));
        let read = chain(&[], &message);
        assert_eq!(read["message"]["end_to_end"], word, "{rest}");
        let (status, page) = run(&[], &message);
        // A hop in clear is one all the same.
        assert_eq!(status, 1);
        let said = page.contains("note[end-to-end-encrypted]")
            && page.contains("who wrote to whom, and the header");
        assert_eq!(said, word != "none", "{page}");
    }
}

#[test]
fn other_fields_are_told_with_their_lines() {
    let message = format!(
        "Return-Path: <SRS0=Ab1=ZZ=first.example=bo@acme.example>\n\
         Authentication-Results: mx.partner.example; spf=pass; dkim=none\n\
         {}\
         ARC-Seal: i=1; a=rsa-sha256; d=acme.example; s=1; b=x\n\
         X-Originating-IP: [198.51.100.4]\n\
         X-MS-Exchange-Organization-AuthAs: Anonymous\n\
         X-MS-Exchange-Organization-AuthSource: mx.partner.example\n\
         Authentication-Results: evil.example; dkim=pass\n\
         From: bo@acme.example\n\nhello\n",
        taken("ESMTPS")
    );
    let read = chain(&[], &message);
    let told: Vec<(&str, u64, &str)> = read["supporting"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| {
            (
                fact["kind"].as_str().unwrap(),
                fact["line"].as_u64().unwrap(),
                fact["text"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "forwarded",
                1,
                "acme.example rewrote the sender's address to send it on"
            ),
            (
                "authentication-results",
                2,
                "mx.partner.example found spf=pass, dkim=none"
            ),
            ("arc", 6, "acme.example sealed it as number 1"),
            (
                "originating-ip",
                7,
                "the writer's machine had the address 198.51.100.4"
            ),
            ("exchange", 8, "Exchange took the sender as Anonymous"),
            (
                "exchange",
                9,
                "mx.partner.example noted for Exchange who the sender is"
            ),
        ]
    );
    // None of it states TLS, and none of it takes any away.
    let without = chain(&[], &format!("{}\nhello\n", taken("ESMTPS")));
    assert_eq!(read["answer"], without["answer"]);
    assert_eq!(read["hops"][0]["tls"]["state"], "encrypted");
}

#[test]
fn mail_that_was_fetched_was_not_sent_on() {
    for fetched in [
        "Received: from pop.partner.example [203.0.113.9]\n\
         \tby desk.home (fetchmail-6.4.37 polling pop.partner.example account ap)\n\
         \tfor <ap@localhost> (single-drop); Tue, 03 Nov 2026 09:20:07 +0000 (GMT)\n",
        "Received: from pop.partner.example\n\tby desk.home with POP3 (getmail6 6.18.4);\n\
         \tTue, 03 Nov 2026 09:20:07 +0000\n",
        "Received: from pop.partner.example by desk.home with IMAP;\n\
         \tTue, 03 Nov 2026 09:20:07 +0000\n",
    ] {
        let read = chain(&[], &format!("{fetched}{}\nhello\n", taken("ESMTPS")));
        let hop = &read["hops"][1];
        assert_eq!(hop["leg"], "local", "{fetched}");
        assert_eq!(hop["tls"]["state"], "not-applicable", "{fetched}");
        assert_eq!(hop["turn"]["kind"], "collection", "{fetched}");
        assert_eq!(hop["journey"], 2, "{fetched}");
        assert_eq!(read["answer"], "yes", "{fetched}");
        assert_eq!(read["gaps"], Value::Array(Vec::new()), "{fetched}");
    }
}

#[test]
fn the_reader_says_whom_he_trusts() {
    // A filtering service before the mailbox, and its customer's line below.
    let message = format!(
        "{}\
         Received: from in.filter.example (in.filter.example [198.51.100.20])\n\
         \tby out.acme.example (Postfix) with ESMTPS id 3; Tue, 03 Nov 2026 09:14:05 +0000\n\
         Received: from mail.writer.example (mail.writer.example [192.0.2.77])\n\
         \tby in.filter.example (Postfix) with ESMTPS id 4; Tue, 03 Nov 2026 09:14:01 +0000\n\
         From: bo@writer.example\n\nhello\n",
        taken("ESMTPS")
    );
    // The oldest first.
    for (rules, trusted, answer) in [
        (&[][..], ["below", "vouched", "own"], "unknown"),
        (&["out.acme.example"], ["vouched", "own", "own"], "yes"),
        (&["acme.example"], ["vouched", "own", "own"], "yes"),
        (&["203.0.113.0/24"], ["vouched", "own", "own"], "yes"),
        (
            &["acme.example", "filter.example"],
            ["own", "own", "own"],
            "yes",
        ),
        // Not next to the mailbox: nothing leads there.
        (&["filter.example"], ["below", "vouched", "own"], "unknown"),
        (&["other.example"], ["below", "vouched", "own"], "unknown"),
        (&["192.0.2.0/24"], ["below", "vouched", "own"], "unknown"),
    ] {
        let flags: Vec<&str> = rules.iter().flat_map(|rule| ["--trust", rule]).collect();
        let read = chain(&flags, &message);
        let found: Vec<&str> = (0..3)
            .map(|hop| read["hops"][hop]["trusted"].as_str().unwrap())
            .collect();
        assert_eq!(found, trusted, "{rules:?}");
        assert_eq!(read["answer"], answer, "{rules:?}");
    }
    assert_eq!(run(&["--trust", "192.0.2.0/33"], &message).0, 2);
}
