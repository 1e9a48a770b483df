//! How long it takes to read the trace of a message.
#![allow(clippy::unwrap_used)]

use divan::Bencher;
use starttrace::trace::chain::Chain;
use starttrace::trace::software::Table;

const MESSAGE: &[u8] = include_bytes!("../messages/06-mailing-list-vger-majordomo.eml");

fn main() {
    divan::main();
}

/// What a process pays once.
#[divan::bench]
fn software_table() -> Table {
    Table::parse(include_str!("../../src/trace/software.toml")).unwrap()
}

#[divan::bench]
fn one_message() -> Chain {
    Chain::parse(MESSAGE).unwrap()
}

#[divan::bench(args = [100, 1_000, 10_000])]
fn fields(bencher: Bencher, count: usize) {
    let line = "Received: from a.example (a.example [192.0.2.1])\n\tby b.example (Postfix) with ESMTP id 1; Tue, 03 Nov 2026 09:14:07 +0000\n";
    let message = line.repeat(count);
    bencher.bench(|| Chain::parse(message.as_bytes()).unwrap());
}
