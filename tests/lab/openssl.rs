//! Servers of the past, played by OpenSSL's `s_server`: versions, suites and
//! groups that rustls does not have. A mail server of the lab says the greeting
//! and takes STARTTLS, and then passes every octet on to one of these.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::ca::Authority;
use super::world::ServerSpec;

/// The 1024-bit group of RFC 2409, section 6.2.
const DH_1024: &str = include_str!("dh1024.pem");

/// A process that goes with the value.
pub struct Openssl {
    child: Child,
    pub address: SocketAddr,
}

impl Openssl {
    /// Starts one with the arguments of the world, in which `{dh1024}` stands
    /// for a file with that group. OpenSSL has to be there: a world that was
    /// passed over would look like one that holds.
    pub fn start(spec: &ServerSpec, arguments: &[String], directory: &Path) -> Self {
        let file = |name: &str| directory.join(format!("{}.{name}", spec.host));
        let (chain, key) = Authority::lab().pem(spec);
        std::fs::write(file("chain.pem"), chain).unwrap();
        std::fs::write(file("key.pem"), key).unwrap();
        std::fs::write(file("dh.pem"), DH_1024).unwrap();
        let mut command = Command::new("openssl");
        // Not the lowest versions and levels that the system is set to.
        command.env("OPENSSL_CONF", "/dev/null");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-www"]);
        if !arguments.iter().any(|argument| argument == "-nocert") {
            command.arg("-cert").arg(file("chain.pem"));
            command.arg("-cert_chain").arg(file("chain.pem"));
            command.arg("-key").arg(file("key.pem"));
        }
        for argument in arguments {
            command.arg(argument.replace("{dh1024}", &file("dh.pem").display().to_string()));
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("this world needs the openssl command (Debian: apt-get install openssl)");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT ")?.trim().parse().ok())
            .unwrap_or_else(|| panic!("openssl s_server {arguments:?} did not start"));
        // What it prints later is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }
}

impl Drop for Openssl {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
