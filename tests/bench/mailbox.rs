//! Reading a generated mailbox, beside what bounds it: one search over the
//! same octets. Run with `cargo bench --bench mailbox`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write as _};
use std::sync::LazyLock;

use divan::counter::BytesCount;
use starttrace::mailbox::{self, Limits};
use tempfile::NamedTempFile;

fn main() {
    divan::main();
}

const MESSAGES: usize = 10_000;

const LINE: &str = "JVBERi0xLjQKJcfsj6IKNSAwIG9iago8PC9MZW5ndGggNiAwIFIvRmlsdGVyIC9GbGF0ZURlY29k\n";

/// A mailbox with bodies of up to 16 KiB, and one without.
static MAILBOXES: LazyLock<[(NamedTempFile, u64); 2]> =
    LazyLock::new(|| [true, false].map(|bodies| generated(bodies).expect("a temporary file")));

fn generated(bodies: bool) -> std::io::Result<(NamedTempFile, u64)> {
    let mut file = NamedTempFile::new()?;
    let mut size = 0;
    for number in 0..MESSAGES {
        let mut text = String::from("From a@c.example Tue Nov  3 09:14:07 2026\n");
        for hop in 0..4 {
            let _ = write!(
                text,
                "Received: from h{hop}.example (h{hop}.example [192.0.2.{hop}])\n\
                 \t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n\
                 \tby mx{hop}.example (Postfix) with ESMTPS id {number:010X}\n\
                 \tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000 (UTC)\n"
            );
        }
        let _ = write!(
            text,
            "Message-ID: <{number}@c.example>\nFrom: <bo@c.example>\n\n"
        );
        if bodies {
            text.push_str(&LINE.repeat(number % 200));
        }
        text.push('\n');
        size += text.len() as u64;
        file.write_all(text.as_bytes())?;
    }
    Ok((file, size))
}

#[divan::bench(args = [0, 1])]
fn read(bencher: divan::Bencher<'_, '_>, which: usize) {
    let (file, size) = &MAILBOXES[which];
    bencher.counter(BytesCount::new(*size)).bench(|| {
        let messages = mailbox::open(file.path(), &Limits::default()).expect("a mailbox");
        assert_eq!(messages.count(), MESSAGES);
    });
}

#[divan::bench(args = [0, 1])]
fn search(bencher: divan::Bencher<'_, '_>, which: usize) {
    let (file, size) = &MAILBOXES[which];
    let finder = memchr::memmem::Finder::new(b"\nFrom ");
    bencher.counter(BytesCount::new(*size)).bench(|| {
        let mut file = File::open(file.path()).expect("the mailbox");
        let mut block = vec![0; 256 << 10];
        let mut found = 0;
        loop {
            match file.read(&mut block).expect("a readable file") {
                0 => return found,
                count => found += finder.find_iter(&block[..count]).count(),
            }
        }
    });
}
