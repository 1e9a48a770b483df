//! What domains share, what they do not, and what is kept beside the results.

use super::*;

/// Two domains on one host, whose certificate is from the authority that its TLSA
/// record names (usage 2) and has the one domain's name, not the host's.
#[test]
fn policy_and_verdict_stay_the_domains_own_on_a_shared_host() {
    let own = lab::ca::OTHER_NAMES[0];
    let zone = format!(
        "{own} SECURE\n{own} MX 10 mx.anchored.example\n\
         other.example SECURE\nother.example MX 10 mx.anchored.example\n\
         anchored.example SECURE\nmx.anchored.example A 127.100.100.12\n\
         _{{port}}._tcp.mx.anchored.example TLSA 2 0 1 @mx.anchored.example\n"
    );
    let servers = "[[server]]\nhost = \"mx.anchored.example\"\naddress = [\"127.100.100.12\"]\n\
                   certificate = \"wrong-name\"\n";
    let lab = Lab::start(&many(0, &zone, servers));
    // In both orders: who comes first may not decide for the other.
    for (file, first, second) in [
        ("one.txt", own, "other.example"),
        ("two.txt", "other.example", own),
    ] {
        let text = format!("{first}\n{second}\n");
        std::fs::write(lab.directory().join(file), text).unwrap();
        let output = finished(scan(&lab, &["--full", file]));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let documents = documents(&output.stdout);
        let summary = of_type(&documents, "summary")[0];
        assert_eq!(summary["endpoints"], 1, "{summary}");
        for data in of_type(&documents, "domain") {
            let anchored = data["domain"] == *own;
            let dane = &data["report"]["observed"]["hosts"][0]["endpoints"][0]["handshake"]["value"]
                ["dane"];
            let (level, sender, status) = if anchored {
                ("enforced", "delivers-authenticated", "done")
            } else {
                ("encrypted", "defers", "failed")
            };
            assert_eq!(data["protection"], level, "{data}");
            assert_eq!(data["senders"]["dane"], sender, "{data}");
            assert_eq!(dane["status"], status, "{data}");
        }
    }
}

/// Three domains with a policy each, at one address.
fn with_policies() -> World {
    let mut zone = String::new();
    let mut webs = String::new();
    for at in 0..3 {
        let _ = writeln!(zone, "p{at}.example MX 10 mx.shared.example");
        let _ = writeln!(zone, "mta-sts.p{at}.example A 127.100.100.{}", 80 + at);
        let _ = writeln!(zone, "_mta-sts.p{at}.example TXT v=STSv1; id=2026;");
        let _ = write!(
            webs,
            "[[web]]\nhost = \"mta-sts.p{at}.example\"\naddress = \"127.100.100.{}\"\n\
             response = [\"HTTP/1.1 200 OK\", \"Content-Type: text/plain\", \
             \"Connection: close\", \"\", \"version: STSv1\", \"mode: enforce\", \
             \"mx: mx.shared.example\", \"max_age: 604800\"]\n",
            80 + at
        );
    }
    many(0, &zone, &webs)
}

#[test]
fn fetches_of_policies_are_counted_and_left_out_where_that_is_wanted() {
    let lab = Lab::start(&with_policies());
    list(&lab, "p0.example\np1.example\np2.example\n");
    let output = finished(scan(&lab, &["list.txt"]));
    let all = documents(&output.stdout);
    let summary = of_type(&all, "summary")[0];
    assert_eq!(summary["policies"], 3, "{}", said(&output));
    assert_eq!(summary["connections"], 1);
    assert!(
        said(&output).contains("3 for MTA-STS policies"),
        "{}",
        said(&output)
    );
    assert!(answers(&all).values().all(|level| level == "enforced"));

    let alone = lab.localise("127.100.100.81\n");
    std::fs::write(lab.directory().join("alone.txt"), alone).unwrap();
    let output = finished(scan(
        &lab,
        &["--full", "list.txt", "--exclude", "alone.txt"],
    ));
    let all = documents(&output.stdout);
    let summary = of_type(&all, "summary")[0];
    assert_eq!(summary["policies"], 2, "{}", said(&output));
    for data in of_type(&all, "domain") {
        let policy = &data["report"]["observed"]["mta_sts"]["policy"];
        if data["domain"] == "p1.example" {
            // What was not looked at is neither there nor missing.
            assert_eq!(policy["because"], "excluded", "{data}");
            assert_eq!(data["protection"], "authenticated");
            assert_eq!(data["senders"]["mta_sts"], "unknown", "{data}");
        } else {
            assert_eq!(data["protection"], "enforced", "{data}");
        }
    }
}

#[test]
fn a_history_has_what_was_written_and_never_stops_a_scan() {
    let lab = Lab::start(&many(3, "", ""));
    list(
        &lab,
        "d0.example\nd1.example\nbare.example\nd0.example\nno domain\n",
    );
    let output = finished(scan(&lab, &["list.txt", "--history", "seen.db"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(!said(&output).contains("warning: "), "{}", said(&output));
    let history = Command::new(assert_cmd::cargo::cargo_bin("starttrace"))
        .current_dir(lab.directory())
        .args(["history", "export", "--history", "seen.db"])
        .output()
        .unwrap();
    let mut kept: Vec<String> = documents(&history.stdout)
        .iter()
        .map(|document| document["data"]["domain"].as_str().unwrap().to_owned())
        .collect();
    kept.sort();
    assert_eq!(kept, ["bare.example", "d0.example", "d1.example"]);

    std::fs::write(
        lab.directory().join("broken.db"),
        "no history at all\n".repeat(99),
    )
    .unwrap();
    for name in [".", "list.txt/seen.db", "broken.db"] {
        let output = finished(scan(&lab, &["list.txt", "--history", name]));
        assert_eq!(output.status.code(), Some(0), "{name}: {}", said(&output));
        assert!(
            said(&output).contains("nothing is stored"),
            "{}",
            said(&output)
        );
        assert_eq!(answers(&documents(&output.stdout)).len(), 5);
    }
}
