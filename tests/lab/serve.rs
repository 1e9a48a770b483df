//! Serves one world until it is stopped, and prints where:
//!
//! ```sh
//! cargo run --example lab -- tests/lab/demo.toml
//! ```
//!
//! The first lines of its output are `resolver IP:PORT`, `port N`, `ca-file PATH`,
//! `trust-anchor PATH` (with `anchor.bind` beside it, for delv) and, for each message of the world, `message PATH`; then it serves.

#![allow(clippy::unwrap_used)]

#[path = "mod.rs"]
mod lab;

use std::io::{Read, Write};
use std::path::Path;

use lab::Lab;
use lab::world::World;

fn main() {
    let path = std::env::args().nth(1).expect("a world's path");
    let world = World::read(Path::new(&path));
    let lab = Lab::start(&world);
    let mut out = std::io::stdout();
    writeln!(out, "resolver {}", lab.resolver).unwrap();
    writeln!(out, "port {}", lab.port).unwrap();
    writeln!(out, "ca-file {}", lab.ca_file().display()).unwrap();
    writeln!(out, "trust-anchor {}", lab.anchor_file().display()).unwrap();
    for (n, message) in world.message.iter().enumerate() {
        let file = lab.directory().join(format!("message{}.eml", n + 1));
        std::fs::write(&file, lab::page::dated(&lab.localise(message)).trim_start()).unwrap();
        writeln!(out, "message {}", file.display()).unwrap();
    }
    writeln!(out, "ready").unwrap();
    out.flush().unwrap();
    // Until the other side of standard input goes; so no process is left
    // behind where whoever started it dies.
    let mut sink = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut sink);
}
