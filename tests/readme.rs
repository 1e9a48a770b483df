//! The page that the README shows is one that the program prints: the demo's
//! first message, explained. `UPDATE_EXPECTED=1` puts the page of today there.
#![allow(clippy::unwrap_used)]

mod lab;

use std::path::Path;

use lab::world::World;
use lab::{CONTROL_HOST, Lab, page};

const BEGIN: &str = "```\n$ starttrace explain message1.eml\n";
const END: &str = "```\n";

#[test]
fn the_sample_page_is_what_the_demo_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let world = World::read(&root.join("tests/lab/demo.toml"));
    let lab = Lab::start(&world);
    let message = page::dated(&lab.localise(&world.message[0]));
    std::fs::write(lab.directory().join("message1.eml"), message.trim_start()).unwrap();
    let output = assert_cmd::Command::cargo_bin("starttrace")
        .unwrap()
        .current_dir(lab.directory())
        .env_remove("STARTTRACE_HISTORY")
        .env("COLUMNS", "80")
        .args(["explain", "--probe-private", "message1.eml"])
        .args(["--resolver", &lab.resolver.to_string()])
        .args(["--port", &lab.port.to_string(), "--ca-file", "ca.pem"])
        .args(["--control", &format!("{CONTROL_HOST}:{}", lab.port)])
        .args(["--ehlo", "demo.acme.example"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8(output.stdout).unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let begin = readme.find(BEGIN).unwrap() + BEGIN.len();
    let end = begin + readme[begin..].find(END).unwrap();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        let whole = format!("{}{printed}{}", &readme[..begin], &readme[end..]);
        std::fs::write(root.join("README.md"), whole).unwrap();
        return;
    }
    assert_eq!(any_day(&readme[begin..end]), any_day(&printed));
}

/// Days and the time of the probe written as one that is always the same, and
/// as long.
fn any_day(page: &str) -> String {
    let mut out = Vec::new();
    for word in page.split_inclusive([' ', '\n']) {
        let bare = word.trim_end();
        let space = &word[bare.len()..];
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let date = bare.len() == 10 && bare.split('-').all(digits) && bare.contains('-');
        let time = bare.len() == 5 && bare.split(':').all(digits) && bare.contains(':');
        let month = bare.len() == 3
            && "JanFebMarAprMayJunJulAugSepOctNovDec".contains(bare)
            && bare.starts_with(|c: char| c.is_ascii_uppercase());
        let weekday = ["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"].contains(&bare);
        let number = matches!(bare.len(), 2 | 4) && digits(bare);
        if date || time || month || weekday || number {
            out.push("#".repeat(bare.len()) + space);
        } else {
            out.push(word.to_owned());
        }
    }
    out.concat()
}
