#![allow(clippy::unwrap_used)]

use super::*;
use crate::observed::statement::WhyNot;
use crate::tls::parameters::TlsVersion;

fn hop(id: &str, client_id: Option<&str>) -> HopKey {
    HopKey {
        client: Some("out7.relay.example".into()),
        client_ip: "203.0.113.7".parse().ok(),
        server: Some("mx1.partner.example".into()),
        server_ip: None,
        id: Some(id.into()),
        client_id: client_id.map(str::to_owned),
        at: "2026-11-03T09:14:07Z".parse().unwrap(),
        zone: jiff::tz::Offset::from_seconds(3_600).ok(),
        client_zone: None,
    }
}

fn read(log: &str, hops: Vec<HopKey>) -> Vec<Statement> {
    let mut wanted = Wanted::default();
    wanted.add(Some("<m1@relay.example>"), hops);
    let mut reader = Reader::new("mail.log", None, &wanted);
    for line in log.lines() {
        reader.feed(line.as_bytes());
    }
    reader.finish()
}

fn says(log: &str) -> Vec<Said> {
    let told = read(log, vec![hop("4XkQ2c1Zz9", Some("8D1B5C7E"))]);
    told.into_iter().map(|statement| statement.says).collect()
}

const SESSION: &str = "\
Nov  3 10:14:06 mx1 postfix/smtpd[77]: connect from out7.relay.example[203.0.113.7]:4711
{tls}Nov  3 10:14:07 mx1 postfix/smtpd[77]: 4XkQ2c1Zz9: client=out7.relay.example[203.0.113.7]:4711
Nov  3 10:14:08 mx1 postfix/smtpd[77]: disconnect from out7.relay.example[203.0.113.7]:4711{counts}
";

fn session(tls: &str, counts: &str) -> String {
    SESSION.replace("{tls}", tls).replace("{counts}", counts)
}

const TLS: &str = "Nov  3 10:14:06 mx1 postfix/smtpd[77]: Anonymous TLS connection established from out7.relay.example[203.0.113.7]:4711: TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)\n";

#[test]
fn a_receivers_session_is_told_by_its_tls_line_or_its_counts() {
    let encrypted = |version, cipher: Option<&str>| Said::Encrypted {
        version,
        cipher: cipher.map(str::to_owned),
    };
    let cipher = "ECDHE-RSA-AES256-GCM-SHA384";
    for (tls, counts, expected) in [
        (
            TLS,
            "",
            vec![encrypted(Some(TlsVersion::Tls12), Some(cipher))],
        ),
        (
            "",
            " ehlo=2 starttls=1 mail=1 quit=1 commands=5",
            vec![encrypted(None, None)],
        ),
        (
            "",
            " ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5",
            vec![Said::Cleartext],
        ),
        (
            "",
            " ehlo=1 starttls=0/1 mail=1 quit=1 commands=4/5",
            vec![Said::Cleartext, Said::NoTls(WhyNot::RefusedForNow)],
        ),
        // An old Postfix, whose TLS lines may be turned off.
        ("", "", vec![]),
    ] {
        assert_eq!(says(&session(tls, counts)), expected, "{tls}{counts}");
    }
    // Another session of the same log shows that TLS is logged.
    let other = TLS.replace("[77]", "[78]").replace("7.relay", "8.relay");
    let log = format!("{other}{}", session("", ""));
    assert_eq!(says(&log), [Said::Cleartext]);
    // TLS of another client of the same process is not this one's.
    let other = session(TLS, "").replace("4XkQ2c1Zz9", "0000000000");
    let log = format!("{other}{}", session("", " ehlo=1 mail=1 commands=2"));
    assert_eq!(says(&log), [Said::Cleartext]);
}

#[test]
fn a_senders_delivery_is_told_by_what_the_receiver_replied() {
    let established = "Nov  3 10:14:06 out7 postfix/smtp[9]: Untrusted TLS connection established to mx1.partner.example[192.0.2.25]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n";
    let sent = "Nov  3 10:14:07 out7 postfix/smtp[9]: 8D1B5C7E: to=<ap@partner.example>, relay=mx1.partner.example[192.0.2.25]:25, delay=0.2, delays=0/0/0.1/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4XkQ2c1Zz9)\n";
    let deferred = "Nov  3 09:59:07 out7 postfix/smtp[8]: 8D1B5C7E: to=<ap@partner.example>, relay=mx1.partner.example[192.0.2.25]:25, delay=0.2, delays=0/0/0.1/0.1, dsn=4.7.5, status=deferred (Cannot start TLS: handshake failure)\n";
    let other = established
        .replace("[9]", "[7]")
        .replace("192.0.2.25", "192.0.2.99");
    let tls13 = Said::Encrypted {
        version: Some(TlsVersion::Tls13),
        cipher: Some("TLS_AES_256_GCM_SHA384".into()),
    };
    assert_eq!(says(&format!("{established}{sent}")), [tls13]);
    // Nothing shows that TLS is logged at all.
    assert_eq!(says(sent), []);
    assert_eq!(says(&format!("{other}{sent}")), [Said::Cleartext]);
    assert_eq!(
        says(&format!("{other}{deferred}{sent}")),
        [Said::NoTls(WhyNot::HandshakeFailed), Said::Cleartext]
    );
    // The TLS of the message before is not that of this one.
    let before = sent
        .replace("8D1B5C7E", "11111111")
        .replace("4XkQ2c1Zz9", "22222222");
    assert_eq!(
        says(&format!("{established}{before}{sent}")),
        [Said::Cleartext]
    );
    // In a session that goes on, nobody can tell.
    let reused = sent.replace("delay=0.2,", "conn_use=2, delay=0.2,");
    assert_eq!(says(&format!("{established}{before}{reused}")), []);
}

#[test]
fn exim_says_it_in_one_line() {
    let came = |p: &str| {
        format!(
            "2026-11-03 10:14:07 1xUxIC-0000VT-1s <= bo@relay.example H=out7.relay.example [203.0.113.7]:4711 P={p} S=2635 id=m1@relay.example for ap@partner.example\n"
        )
    };
    let went = |x: &str| {
        format!(
            "2026-11-03 10:14:07.123 [55] 1xUxIC-0000VT-1s => ap@partner.example R=remote T=remote_smtp H=mx1.partner.example [192.0.2.25]:25{x} C=\"250 2.0.0 Ok: queued as 4XkQ2c1Zz9\"\n"
        )
    };
    let x = " X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes";
    let ask = |log: &str, id: &str, client_id| {
        let told = read(log, vec![hop(id, client_id)]);
        told.into_iter().map(|s| (s.by, s.says)).collect::<Vec<_>>()
    };
    let id = "1xUxIC-0000VT-1s";
    let tls13 = Said::Encrypted {
        version: Some(TlsVersion::Tls13),
        cipher: Some("TLS_AES_256_GCM_SHA384".into()),
    };
    use StatedBy::{ReceiversLog, SendersLog};
    assert_eq!(
        ask(&came(&format!("esmtps{x}")), id, None),
        [(ReceiversLog, tls13.clone())]
    );
    assert_eq!(
        ask(&came("esmtp"), id, None),
        [(ReceiversLog, Said::Cleartext)]
    );
    let refused =
        "2026-11-03 10:14:07 H=out7.relay.example [203.0.113.7]:4711 rejected STARTTLS \n";
    assert_eq!(
        ask(&format!("{refused}{}", came("esmtp")), id, None),
        [
            (ReceiversLog, Said::Cleartext),
            (ReceiversLog, Said::NoTls(WhyNot::Refused))
        ]
    );
    assert_eq!(ask(&went(x), "4XkQ2c1Zz9", Some(id)), [(SendersLog, tls13)]);
    // By the message id alone, and only where X= is logged.
    let log = format!("{}{}", came("esmtp"), went(""));
    assert_eq!(ask(&log, "4XkQ2c1Zz9", None), []);
    let log = format!("{log}{}", went(x).replace("0000VT", "0000AA"));
    assert_eq!(
        ask(&log, "4XkQ2c1Zz9", None),
        [(SendersLog, Said::Cleartext)]
    );
    let failed = "2026-11-03 10:14:06 1xUxIC-0000VT-1s TLS session: (gnutls_handshake): Handshake failed: delivering unencrypted to H=mx1.partner.example [192.0.2.25] (not in hosts_require_tls)\n";
    assert_eq!(
        ask(&format!("{failed}{}", went("")), "4XkQ2c1Zz9", Some(id)),
        [
            (SendersLog, Said::NoTls(WhyNot::HandshakeFailed)),
            (SendersLog, Said::Cleartext)
        ]
    );
}

#[test]
fn what_a_stamp_leaves_out_is_taken_from_the_hop_and_said() {
    let cleartext = session("", " ehlo=1 mail=1 commands=2");
    let at = |log: &str| {
        let told = read(log, vec![hop("4XkQ2c1Zz9", None)]);
        (told[0].from.to_string(), told[0].place.clone())
    };
    let (moment, place) = at(&cleartext);
    assert_eq!(moment, "2026-11-03T09:14:08Z");
    assert_eq!(place, "mail.log:3 (year and zone +0100 assumed)");
    for stamp in [
        "2026-11-03T10:14:08.5+01:00",
        "2026-11-03T10:14:08+0100",
        "2026-11-03T09:14:08Z",
    ] {
        let log: String = cleartext
            .lines()
            .map(|line| format!("{stamp}{}\n", &line[15..]))
            .collect();
        let (moment, place) = at(&log);
        assert!(moment.starts_with("2026-11-03T09:14:08"), "{moment}");
        assert_eq!(place, "mail.log:3");
    }
    // A year that turns between the hop and the log.
    let stamp = Stamp::Yearless {
        month: 12,
        day: 31,
        time: jiff::civil::time(23, 59, 59, 0),
    };
    let near = "2026-01-01T00:00:01Z".parse().unwrap();
    let (moment, _) = stamp
        .resolve(near, Some(jiff::tz::Offset::UTC), None)
        .unwrap();
    assert_eq!(moment.to_string(), "2025-12-31T23:59:59Z");
}

#[test]
fn hostile_lines_end_nowhere() {
    let nasty = [
        "",
        " ",
        "Nov",
        "Nov ",
        "Nov  3 ",
        "Nov 99 99:99:99 h postfix/smtpd[1]: x",
        "Nov  3 10:14:07 h postfix/smtpd[99999999999999]: connect from x[",
        "Nov  3 10:14:07 h postfix/smtpd[1]: disconnect from ",
        "Nov  3 10:14:07 h postfix/smtp[1]: A: to=<a>, relay=x, status=",
        "Nov  3 10:14:07 h postfix/: A: client=",
        "2026-11-03T é",
        "2026-11-03Té:14:07 h postfix/smtpd[1]: connect from é",
        "2026-11-03 10:14:07 +9999 1xUxIC-0000VT-1s <= <> H=[ P=",
        "2026-11-03 10:14:07 1xUxIC-0000VT-1s => x H= [::1 X=",
        "<13>",
        "<>",
        "2026-11-03 10:14:07 [",
        "2026-11-03T10:14:07+0000 h exim[1]: [x] y",
    ];
    let mut log = nasty.join("\n");
    log.push('\n');
    assert_eq!(says(&log), []);
    let mut wanted = Wanted::default();
    wanted.add(None, [hop("4XkQ2c1Zz9", None)]);
    let mut reader = Reader::new("l", None, &wanted);
    reader.feed(&[0xFF; 100_000]);
    for pid in 0..100_000 {
        reader.feed(
            format!("Nov  3 10:14:07 h postfix/smtpd[{pid}]: connect from a[1.2.3.4]").as_bytes(),
        );
    }
    assert_eq!(reader.finish(), []);
}
