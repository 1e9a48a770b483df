//! Every `Received:` field of the corpus, the messages and the interop runs,
//! read here and by the `mail-parser` crate. Where the two differ one of them
//! is wrong: every class of difference stands in [`CLASSES`] with the reason,
//! and a difference of no class fails, as does a class that has gone.
//!
//! The same over mailboxes of one's own, with all differences of no class told:
//! `STARTTRACE_MAILBOXES=a.mbox:b.mbox cargo test --test differential --
//! --ignored --nocapture`; `STARTTRACE_EVERY=10` reads every tenth message.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use mail_parser::{Host, MessageParser, Received as Theirs};
use starttrace::mailbox::{self, Limits};
use starttrace::trace::chain::{Chain, Hop};

/// One value that the two read differently.
struct Difference<'a> {
    field: &'static str,
    ours: Option<&'a str>,
    theirs: Option<&'a str>,
    /// The whole field on one line.
    raw: &'a str,
}

impl Difference<'_> {
    fn is_only_ours(&self) -> bool {
        self.ours.is_some() && self.theirs.is_none()
    }

    fn raw_has(&self, text: &str) -> bool {
        self.raw.contains(text)
    }

    /// What the client said or is, behind `from`.
    fn begins_from(&self, text: &str) -> bool {
        let rest = self.raw.get("Received: from ".len()..);
        self.raw.to_ascii_lowercase().starts_with("received: from ")
            && rest.is_some_and(|rest| {
                rest.to_ascii_lowercase()
                    .starts_with(&text.to_ascii_lowercase())
            })
    }
}

/// Differences of one cause. In all of them our reading is the right one; where
/// it was not, it was mended, and the difference is gone.
struct Class {
    field: &'static str,
    why: &'static str,
    holds: fn(&Difference<'_>) -> bool,
}

const CLASSES: &[Class] = &[
    Class {
        field: "from",
        why: "a word behind \"from\" inside a comment is no from clause",
        holds: |d| {
            d.ours.is_none()
                && ["(from ", ", from userid ", "invoked from "]
                    .iter()
                    .any(|comment| d.raw_has(comment))
        },
    },
    Class {
        field: "from",
        why: "the tag of an address literal is read in either case (RFC 5321, section 4.1.3)",
        holds: |d| d.theirs == Some("ipv6") && d.begins_from("[ipv6:"),
    },
    Class {
        field: "from",
        why: "Gmail writes ? for octets it does not like: the word goes on behind the colon",
        holds: |d| {
            d.theirs == Some("?ipv6") && d.ours.is_some_and(|ours| ours.starts_with("?ipv6:"))
        },
    },
    Class {
        field: "from-ip",
        why: "the address that the client claimed in HELO is not the one seen",
        holds: |d| {
            d.ours
                .is_some_and(|ip| d.raw_has(&format!("([{ip}] helo=[")))
                && d.theirs.is_some_and(|ip| d.raw_has(&format!("{ip}])")))
        },
    },
    Class {
        field: "from-ip",
        why: "an address that stands where the name does is the client's all the same",
        holds: |d| {
            d.is_only_ours()
                && d.ours.is_some_and(|ip| {
                    d.begins_from(ip)
                        || d.begins_from(&format!("[{ip}]"))
                        || d.begins_from(&format!("[ipv6:{ip}]"))
                })
        },
    },
    Class {
        field: "from-ip",
        why: "an address behind an ident user is the client's: (user@192.0.2.1)",
        holds: |d| d.is_only_ours() && d.ours.is_some_and(|ip| d.raw_has(&format!("@{ip})"))),
    },
    Class {
        field: "from-ip",
        why: "an IPv4 address in IPv6 clothes is that IPv4 address",
        holds: |d| {
            d.ours
                .zip(d.theirs)
                .is_some_and(|(ours, theirs)| theirs == format!("::ffff:{ours}"))
        },
    },
    Class {
        field: "from-ip",
        why: "what chasquid writes behind \"from\" is the client's word, no address it saw",
        holds: |d| d.ours.is_none() && d.raw_has("(chasquid)"),
    },
    Class {
        field: "from-name",
        why: "localhost is a name that is looked up",
        holds: |d| d.ours == Some("localhost") && d.theirs.is_none(),
    },
    Class {
        field: "from-name",
        why: "the DNS has names with an underscore",
        holds: |d| d.is_only_ours() && d.ours.is_some_and(|name| name.contains('_')),
    },
    Class {
        field: "from-name",
        why: "the user who authenticated himself is no host",
        holds: |d| {
            d.theirs
                .is_some_and(|user| d.raw_has(&format!("(Authenticated sender: {user}")))
        },
    },
    Class {
        field: "by",
        why: "Forcepoint Email is a name of two words",
        holds: |d| {
            d.ours
                .zip(d.theirs)
                .is_some_and(|(ours, theirs)| ours == format!("{theirs} email"))
        },
    },
    Class {
        field: "by",
        why: "an address is told as written",
        holds: |d| {
            let parsed = |text: Option<&str>| text?.parse::<std::net::Ipv6Addr>().ok();
            parsed(d.ours).is_some() && parsed(d.ours) == parsed(d.theirs)
        },
    },
    Class {
        field: "from-name",
        why: "Exim, ZMailer and the (HELO x) dialects put the name they looked up behind \"from\"",
        holds: |d| {
            d.is_only_ours()
                && d.ours.is_some_and(|name| d.begins_from(name))
                && [
                    "([", "(HELO ", "(EHLO ", "(helo ", "helo=", "\"EHLO ", "\"HELO ",
                ]
                .iter()
                .any(|shape| d.raw_has(shape))
        },
    },
    Class {
        field: "from-name",
        why: "a name behind an ident user is the one looked up: (user@host [192.0.2.1])",
        holds: |d| d.is_only_ours() && d.ours.is_some_and(|name| d.raw_has(&format!("@{name} ["))),
    },
    Class {
        field: "id",
        why: "an identifier does not end at a slash",
        holds: |d| {
            d.ours.is_some_and(|ours| {
                d.theirs.map_or(ours.starts_with('/'), |theirs| {
                    ours.starts_with(&format!("{theirs}/"))
                })
            })
        },
    },
    Class {
        field: "via",
        why: "Exchange names its transports with two words",
        holds: |d| {
            d.ours
                .zip(d.theirs)
                .is_some_and(|(ours, theirs)| ours == format!("{theirs} transport"))
        },
    },
    Class {
        field: "version",
        why: "TLSv1/SSLv3 is OpenSSL's word for any version from TLS 1.0 on",
        holds: |d| d.ours.is_none() && d.theirs == Some("TLSv1") && d.raw_has("TLSv1/SSLv3"),
    },
    Class {
        field: "version",
        why: "OpenSMTPD to 5.9 wrote its remark outside of parentheses",
        holds: |d| d.is_only_ours() && d.raw_has("(OpenSMTPD)") && d.raw_has(" TLS version="),
    },
    Class {
        field: "cipher",
        why: "a cipher is told as written, though it is in no list",
        holds: |d| {
            d.is_only_ours()
                && d.ours.is_some_and(|cipher| {
                    d.raw_has(&format!("cipher={cipher}"))
                        || d.raw_has(&format!("cipher {cipher}"))
                        || d.raw_has(&format!(" tls {cipher}"))
                        || d.raw_has(&format!(":{cipher}:"))
                })
        },
    },
    Class {
        field: "cipher",
        why: "qmail, qpsmtpd and MessageLabs write CIPHER encrypted",
        holds: |d| {
            d.is_only_ours()
                && d.ours
                    .is_some_and(|cipher| d.raw_has(&format!("{cipher} encrypted")))
        },
    },
    Class {
        field: "cipher",
        why: "a comment of .NET's names: version, cipher, hash, key exchange",
        holds: |d| d.is_only_ours() && d.ours.is_some_and(|list| d.raw_has(&format!(", {list})"))),
    },
    Class {
        field: "date",
        why: "a date needs no semicolon before it, nor a weekday, and may have fractions of a second",
        holds: |d| {
            d.is_only_ours()
                || (d.raw_has(".")
                    && d.ours.zip(d.theirs).is_some_and(|(ours, theirs)| {
                        // The fraction makes them lose the seconds.
                        let (ours, theirs): (i64, i64) =
                            (ours.parse().unwrap(), theirs.parse().unwrap());
                        (0..60).contains(&(ours - theirs))
                    }))
        },
    },
    Class {
        field: "date",
        why: "asctime's order is a date too",
        holds: |d| {
            let words: Vec<&str> = d.raw.split(' ').collect();
            // `Fri Feb 07 10:18:12 2003 -0800`, with a zone or without.
            words.windows(2).any(|pair| {
                pair[0].matches(':').count() == 2 && matches!(pair[1].parse(), Ok(1970..=2100))
            })
        },
    },
    Class {
        field: "with",
        why: "a product's name is no protocol: Microsoft SMTP Server, MailEnable ESMTPA",
        holds: |d| {
            d.ours
                .is_some_and(|ours| ours.contains(' ') || ours == "MICROSOFT SMTPSVC")
        },
    },
    Class {
        field: "with",
        why: "the word that stands there, not a registered one that resembles it",
        holds: |d| {
            d.ours.zip(d.theirs).is_some_and(|(ours, theirs)| {
                matches!(
                    (ours, theirs),
                    ("ASMTP", "ESMTPA")
                        | ("HTTPREST", "HTTP")
                        | ("LOCAL-ESMTP", "ESMTP")
                        | ("LOCAL-ESMTPS", "ESMTPS")
                )
            })
        },
    },
    Class {
        field: "with",
        why: "a word that is not registered is one all the same",
        holds: |d| {
            d.is_only_ours()
                && d.ours.is_some_and(|word| {
                    matches!(
                        word,
                        "MAPI"
                            | "SMTPS"
                            | "NNFMP"
                            | "SPOOL"
                            | "SSMTP"
                            | "UTF8ESMTPS"
                            | "ME"
                            | "BIZSMTP"
                    )
                })
        },
    },
    Class {
        field: "with",
        why: "a comment may stand between \"with\" and the word",
        holds: |d| d.is_only_ours() && d.raw_has(" with ("),
    },
];

/// Shapes that only mailboxes of public lists showed.
const SHAPES: [&str; 7] = [
    "from hub (unknown [10.0.0.5]) by Forcepoint Email with ESMTP id EDD35D23C1DD01A429B5; Tue, \
     03 Nov 2026 14:30:51 +0800 (CST)",
    "by 2001:db8:41cb:0:0:0:0:0 with HTTP; Tue, 03 Nov 2026 21:52:24 -0800 (PST)",
    "from ([10.0.0.5]) by app21 with ESMTP id a15a for ap@partner.example; Tue Nov 3 11:13:41 2026",
    "from ?IPV6:2001:db8::8a5? ([2001:db8::8a5]) by smtp.gmail.com with ESMTPSA id \
     u14sm459839lft.182.2026.11.03; Tue, 03 Nov 2026 09:14:07 -0800 (PST)",
    "from a.acme.example ([2001:db8::7] helo=[IPv6:::1]) by mx.partner.example with esmtps \
     (TLS1.3:ECDHE_RSA_AES_256_GCM_SHA384:256) (Exim 4.92) id 1abCdE-000FGH-12; Tue, 03 Nov 2026 \
     09:14:07 +0000",
    "from ppmta04.acme.example (Global_NAT1.acme.example [203.0.113.20]) by mx.partner.example \
     with ME id 3mmk; Tue, 03 Nov 2026 09:14:07 +0000",
    "from [127.0.0.1] (localhost [127.0.0.1]) (Authenticated sender: bo.acme) with ESMTPSA id A45",
];

#[test]
fn every_difference_from_another_reader_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut compared = Compared::default();
    let corpus = std::fs::read_to_string(root.join("corpus/received.jsonl")).unwrap();
    for line in corpus.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let header = case["header"].as_str().unwrap();
        compared.field(&format!("corpus {}", case["n"]), header.as_bytes());
    }
    for shape in SHAPES {
        compared.field(shape, format!("Received: {shape}").as_bytes());
    }
    for folder in ["messages", "interop"] {
        let mut paths: Vec<_> = std::fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "eml"))
            .collect();
        paths.sort();
        for path in paths {
            let chain = Chain::parse(&std::fs::read(&path).unwrap()).unwrap();
            for hop in &chain.hops {
                let name = path.file_stem().unwrap().to_string_lossy();
                compared.field(&format!("{name} hop {}", hop.number), &hop.raw);
            }
        }
    }
    compared.tell(usize::MAX);
    assert!(compared.fields > 400);
    assert!(compared.of_no_class.is_empty(), "differences of no class");
    for class in CLASSES {
        let met = compared.met.contains_key(class.why);
        assert!(
            met,
            "no difference is of this class any more: {}",
            class.why
        );
    }
}

#[test]
#[ignore = "reads the mailboxes that STARTTRACE_MAILBOXES names"]
fn differences_over_mailboxes_of_ones_own() {
    let paths = std::env::var("STARTTRACE_MAILBOXES").unwrap();
    let every = std::env::var("STARTTRACE_EVERY").map_or(1, |every| every.parse().unwrap());
    let mut compared = Compared::default();
    for path in paths.split(':') {
        let messages = mailbox::open(Path::new(path), &Limits::default()).unwrap();
        for message in messages.step_by(every).flatten() {
            let Ok(chain) = Chain::parse(&message.octets) else {
                continue;
            };
            for hop in &chain.hops {
                compared.field(&format!("{path} {}", message.index), &hop.raw);
            }
        }
    }
    compared.tell(12);
}

/// What became of the comparison.
#[derive(Default)]
struct Compared {
    fields: usize,
    values: usize,
    alike: usize,
    met: BTreeMap<&'static str, usize>,
    of_no_class: BTreeMap<&'static str, Vec<String>>,
}

impl Compared {
    fn field(&mut self, name: &str, raw: &[u8]) {
        let raw = String::from_utf8_lossy(raw);
        let message = format!("{}\r\n\r\n", raw.trim_end());
        let chain = Chain::parse(message.as_bytes()).unwrap();
        let parsed = MessageParser::default().parse_headers(message.as_bytes());
        let empty = Theirs::default();
        let theirs = parsed.as_ref().and_then(|parsed| parsed.received());
        let flat = raw.split_whitespace().collect::<Vec<_>>().join(" ");
        self.fields += 1;
        for (field, ours, theirs) in values(&chain.hops[0], theirs.unwrap_or(&empty)) {
            self.values += usize::from(ours.is_some() || theirs.is_some());
            if ours == theirs {
                self.alike += usize::from(ours.is_some());
                continue;
            }
            let difference = Difference {
                field,
                ours: ours.as_deref(),
                theirs: theirs.as_deref(),
                raw: &flat,
            };
            let class = CLASSES
                .iter()
                .find(|class| class.field == difference.field && (class.holds)(&difference));
            match class {
                Some(class) => *self.met.entry(class.why).or_default() += 1,
                None => self
                    .of_no_class
                    .entry(field)
                    .or_default()
                    .push(format!("{name}: ours {ours:?} theirs {theirs:?} in {flat}")),
            }
        }
    }

    fn tell(&self, most: usize) {
        println!(
            "{} fields, {} of {} values alike",
            self.fields, self.alike, self.values
        );
        for class in CLASSES {
            let count = self.met.get(class.why).unwrap_or(&0);
            println!("{count:7}  {:10} {}", class.field, class.why);
        }
        for (field, list) in &self.of_no_class {
            println!("== {field}: {} of no class", list.len());
            // Spread over all of them.
            for line in list.iter().step_by(list.len().div_ceil(most).max(1)) {
                println!("    {line}");
            }
        }
    }
}

fn host(host: &Host<'_>) -> String {
    match host {
        Host::Name(name) => name.to_ascii_lowercase(),
        Host::IpAddr(ip) => ip.to_string(),
    }
}

/// The values of one field as each reads it, by the name of the clause.
fn values(hop: &Hop, theirs: &Theirs<'_>) -> Vec<(&'static str, Option<String>, Option<String>)> {
    let ours = &hop.received;
    let from = ours.from.as_ref();
    let lower = |text: &str| text.to_ascii_lowercase();
    vec![
        (
            "from",
            from.and_then(|from| from.token.as_deref()).map(lower),
            theirs.from.as_ref().map(host),
        ),
        (
            "from-ip",
            from.and_then(|from| from.ip).map(|ip| ip.to_string()),
            theirs.from_ip.map(|ip| ip.to_string()),
        ),
        (
            "from-name",
            from.and_then(|from| from.rdns.as_deref()).map(lower),
            theirs
                .from_iprev
                .as_deref()
                .map(|name| lower(name.trim_end_matches('.'))),
        ),
        (
            "by",
            ours.by
                .as_ref()
                .and_then(|by| by.host.as_deref())
                .map(lower),
            theirs.by.as_ref().map(host),
        ),
        (
            "for",
            ours.for_.as_ref().map(|piece| lower(&piece.text)),
            theirs.for_.as_deref().map(lower),
        ),
        (
            "with",
            ours.keyword(),
            theirs
                .with
                .as_ref()
                .map(|with| format!("{with:?}").to_uppercase()),
        ),
        (
            "id",
            ours.id.as_ref().map(|id| id.text.clone()),
            theirs.id.as_deref().map(str::to_owned),
        ),
        (
            "via",
            ours.via.as_ref().map(|via| lower(&via.text)),
            theirs.via.as_deref().map(lower),
        ),
        (
            "version",
            hop.tls.version.map(|version| version.name().to_owned()),
            theirs.tls_version.as_ref().map(|version| {
                format!("{version:?}")
                    .replace('_', ".")
                    .replace("v1.0", "v1")
            }),
        ),
        (
            "cipher",
            hop.tls.cipher_label.clone(),
            theirs.tls_cipher.as_deref().map(str::to_owned),
        ),
        (
            "date",
            ours.date
                .as_ref()
                .map(|date| date.at.timestamp().as_second().to_string()),
            theirs
                .date
                .as_ref()
                .map(|date| date.to_timestamp().to_string()),
        ),
    ]
}
