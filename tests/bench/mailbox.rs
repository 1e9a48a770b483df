//! Reading and judging a generated mailbox, beside what bounds it, a search of
//! the same octets, and beside the `mail-parser` crate, which reads each message,
//! or its headers alone, and judges nothing. Run with `cargo bench --bench mailbox`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, Read, Write as _};
use std::ops::Range;
use std::sync::LazyLock;

use divan::counter::BytesCount;
use mail_parser::mailbox::mbox::MessageIterator;
use mail_parser::{Message, MessageParser};
use starttrace::mailbox::{self, Limits, Messages, Notes, RawMessage};
use starttrace::trace::chain::{Chain, NoTrace};
use starttrace::trace::reading::Reading;
use starttrace::trace::witness::{Told, Witnesses};
use tempfile::NamedTempFile;

fn main() {
    divan::main();
}

const MESSAGES: usize = 10_000;

/// Octets that all ask of the system at a time, as the reader of mailboxes does.
const BLOCK: usize = 256 << 10;

const PROSE: &str =
    "Dear all, the meeting of last week was moved, and nobody has told the others about it;\n";

const BASE64: &str =
    "JVBERi0xLjQKJcfsj6IKNSAwIG9iago8PC9MZW5ndGggNiAwIFIvRmlsdGVyIC9GbGF0ZURlY29k\n";

/// Which messages of a mailbox have bodies, of two KiB to half a MiB as in
/// people's mail.
#[derive(Debug, Clone, Copy)]
enum Bodies {
    All,
    /// Every second.
    Half,
    /// Header sections alone.
    None,
}

use Bodies::{All, Half};

const KINDS: [Bodies; 3] = [All, Half, Bodies::None];

static MAILBOXES: LazyLock<[(NamedTempFile, u64); 3]> =
    LazyLock::new(|| KINDS.map(|bodies| generated(bodies).expect("a temporary file")));

fn generated(bodies: Bodies) -> std::io::Result<(NamedTempFile, u64)> {
    let mut file = NamedTempFile::new()?;
    let mut size = 0;
    for number in 0..MESSAGES {
        let mut text = header(number);
        let has_body = match bodies {
            All => true,
            Half => number % 2 == 0,
            Bodies::None => false,
        };
        // One message in five is short, one in fifteen has a document attached.
        let (line, lines) = match number {
            _ if !has_body => (PROSE, 0),
            _ if number % 15 == 14 => (BASE64, 2_000 + number % 5_000),
            _ if number % 5 == 4 => (PROSE, 4),
            _ => (PROSE, 20 + number % 600),
        };
        text.push_str(&line.repeat(lines));
        text.push('\n');
        size += text.len() as u64;
        file.write_all(text.as_bytes())?;
    }
    Ok((file, size))
}

/// A header section with three of five dialects in its trace.
fn header(number: usize) -> String {
    let mut text =
        String::from("From a@c.example Tue Nov  3 09:14:07 2026\nReturn-Path: <bo@c.example>\n");
    let host = number % 50;
    for step in 0..3 {
        let _ = match (number + step * 2) % 5 {
            0 => write!(
                text,
                "Received: from out{host}.relay.example (out{host}.relay.example [203.0.113.7])\n\
                 \t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\
                 \t key-exchange X25519 server-signature RSA-PSS (2048 bits))\n\
                 \t(No client certificate requested)\n\
                 \tby mx{step}.partner.example (Postfix) with ESMTPS id {number:010X}\n\
                 \tfor <ap@partner.example>; Tue, 03 Nov 2026 09:14:07 +0000 (UTC)\n"
            ),
            1 => write!(
                text,
                "Received: from smtp{host}.acme.example ([198.51.100.7] helo=smtp.acme.example)\n\
                 \tby out{host}.relay.example with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384\n\
                 \t(Exim 4.96) (envelope-from <bo@c.example>) id 1v{number:04}-{number:06}-0A\n\
                 \tfor ap@partner.example; Tue, 03 Nov 2026 09:14:03 +0000\n"
            ),
            2 => write!(
                text,
                "Received: from ex{host}.acme.example (2001:db8:a6::13) by\n \
                 ey{host}.acme.example (2001:db8:3b::11) with Microsoft SMTP Server\n \
                 (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id\n \
                 15.20.{host}.17; Tue, 3 Nov 2026 09:14:01 +0000\n"
            ),
            3 => write!(
                text,
                "Received: from in{host}.c.example (in{host}.c.example [192.0.2.7])\n        \
                 by mx.recv.example with ESMTP id a640c23a62f3a-{number}si19\n        \
                 for <ap@partner.example>; Tue, 03 Nov 2026 01:14:00 -0800 (PST)\n"
            ),
            _ => writeln!(
                text,
                "Received: (qmail {number} invoked by uid 89); 3 Nov 2026 09:13:58 -0000"
            ),
        };
    }
    let _ = write!(
        text,
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=c.example; s=s1;\n\
         \th=from:to:subject:date:message-id; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\n\
         \tb=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/abcdefghij\n\
         \t klmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/abcdefghijklmnopqrst\n\
         Authentication-Results: mx0.partner.example; dkim=pass header.d=c.example\n\
         Subject: =?utf-8?Q?Rechnung_f=C3=BCr_{number}?=\n\
         Message-ID: <{number}@c.example>\nDate: Tue, 03 Nov 2026 09:13:50 +0000\n\
         From: \"Bo\" <bo@c.example>\nTo: <ap@partner.example>, <x{number}@partner.example>\n\n"
    );
    text
}

fn open(which: Bodies) -> Messages {
    mailbox::open(MAILBOXES[which as usize].0.path(), &Limits::default()).expect("a mailbox")
}

fn octets(which: Bodies) -> BytesCount {
    BytesCount::new(MAILBOXES[which as usize].1)
}

/// Messages cut out, no more.
#[divan::bench(args = KINDS, sample_count = 10)]
fn read(bencher: divan::Bencher<'_, '_>, which: Bodies) {
    bencher
        .counter(octets(which))
        .bench(|| assert_eq!(open(which).count(), MESSAGES));
}

fn chain(message: &RawMessage) -> Result<Chain, NoTrace> {
    Chain::read(&message.octets, &Reading::of(message.source()))
}

/// Every message read once and judged by itself.
#[divan::bench(args = KINDS, sample_count = 10)]
fn alone(bencher: divan::Bencher<'_, '_>, which: Bodies) {
    bencher.counter(octets(which)).bench(|| {
        let messages = open(which).noting(&Notes::default()).flatten();
        let hops: usize = messages
            .map(|message| chain(&message).expect("a trace").hops.len())
            .sum();
        assert_eq!(hops, MESSAGES * 3);
    });
}

/// All that `trace` does but the page: every message bears witness, then each is
/// read, judged, and judged again in the light of the others.
#[divan::bench(args = KINDS, sample_count = 10)]
fn judge(bencher: divan::Bencher<'_, '_>, which: Bodies) {
    bencher.counter(octets(which)).bench(|| {
        let mut witnesses = Witnesses::default();
        let notes = Notes::default();
        for message in open(which).noting(&notes).flatten() {
            let reading = Reading::of(message.source());
            witnesses.hear(Told::read(&message.octets, &reading).expect("a trace"));
        }
        let mut hops = 0;
        for message in open(which).noting(&notes).flatten() {
            let mut chain = chain(&message).expect("a trace");
            chain.heed(&witnesses);
            hops += chain.hops.len();
        }
        assert_eq!(hops, MESSAGES * 3);
    });
}

/// The headers of each message, `Received` fields parsed.
#[divan::bench(args = KINDS, sample_count = 10)]
fn mail_parser_headers(bencher: divan::Bencher<'_, '_>, which: Bodies) {
    let parser = MessageParser::default();
    bencher.counter(octets(which)).bench(|| {
        assert_eq!(
            traced(which, |message| parser.parse_headers(message)),
            MESSAGES
        );
    });
}

/// Each message, as that crate reads it unless told otherwise.
#[divan::bench(args = KINDS, sample_count = 10)]
fn mail_parser_whole(bencher: divan::Bencher<'_, '_>, which: Bodies) {
    let parser = MessageParser::default();
    bencher.counter(octets(which)).bench(|| {
        assert_eq!(traced(which, |message| parser.parse(message)), MESSAGES);
    });
}

/// How many messages of a mailbox have a trace, by the crate's reading.
fn traced(which: Bodies, read: impl Fn(&[u8]) -> Option<Message<'_>>) -> usize {
    MessageIterator::new(Blocks::of(which))
        .map(|message| message.expect("a readable file"))
        .filter(|message| read(message.contents()).is_some_and(|read| read.received().is_some()))
        .count()
}

/// One search of the same octets.
#[divan::bench(args = KINDS, sample_count = 10)]
fn search(bencher: divan::Bencher<'_, '_>, which: Bodies) {
    let finder = memchr::memmem::Finder::new(b"\nFrom ");
    bencher.counter(octets(which)).bench(|| {
        let mut blocks = Blocks::of(which);
        let mut found = 0;
        loop {
            let block = blocks.fill_buf().expect("a readable file");
            if block.is_empty() {
                return found;
            }
            found += finder.find_iter(block).count();
            let length = block.len();
            blocks.consume(length);
        }
    });
}

/// The blocks of a mailbox, as fast as the system gives them: what is copied to a few
/// octets behind the place in its page that it comes from takes half as long again,
/// and the allocator's large pieces begin 16 octets behind a page's beginning.
struct Blocks {
    file: File,
    room: Vec<u8>,
    /// Where a page begins in the room.
    page: usize,
    unread: Range<usize>,
}

impl Blocks {
    fn of(which: Bodies) -> Self {
        const PAGE: usize = 4096;
        let room = vec![0; BLOCK + PAGE];
        Self {
            file: File::open(MAILBOXES[which as usize].0.path()).expect("the mailbox"),
            page: room.as_ptr().align_offset(PAGE),
            room,
            unread: 0..0,
        }
    }
}

impl Read for Blocks {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Blocks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread.is_empty() {
            let block = &mut self.room[self.page..self.page + BLOCK];
            let count = self.file.read(block)?;
            self.unread = self.page..self.page + count;
        }
        Ok(&self.room[self.unread.clone()])
    }

    fn consume(&mut self, count: usize) {
        self.unread.start += count;
    }
}
