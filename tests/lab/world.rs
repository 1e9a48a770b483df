//! What a world's TOML may say. Everything it says is used: unknown keys are
//! errors.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// A world.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// What the world is about, in a sentence.
    pub about: String,
    /// The zone, one record or behaviour a line; see [`super::dns`].
    #[serde(default)]
    pub zone: String,
    #[serde(default)]
    pub control: ControlSpec,
    /// How much faster than life the world's clock runs.
    #[serde(default = "one")]
    pub clock_speed: u32,
    /// The domain to check.
    pub domain: Option<String>,
    /// Messages to explain, as text; all but the first only bear witness.
    #[serde(default)]
    pub message: Vec<String>,
    #[serde(default)]
    pub options: OptionSpec,
    #[serde(default)]
    pub server: Vec<ServerSpec>,
    /// Web hosts, of MTA-STS policies.
    #[serde(default)]
    pub web: Vec<WebSpec>,
    /// A SOCKS proxy that the probe goes through.
    pub proxy: Option<ProxySpec>,
    /// What somebody on the way does to answers.
    pub tampering: Option<TamperingSpec>,
    /// Resolvers over TLS.
    #[serde(default)]
    pub dot: Vec<DotSpec>,
    pub expect: Option<Expect>,
}

fn one() -> u32 {
    1
}

/// The host known to offer STARTTLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlSpec {
    /// It answers as it should.
    #[default]
    Good,
    /// Nothing answers there: the network blocks the port.
    Blocked,
    /// It answers, and STARTTLS is missing: something on the path rewrites.
    Stripped,
    /// The resolver does not know it.
    Unresolved,
    /// None is asked.
    None,
}

/// Options of the command.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionSpec {
    /// `--dnssec`, where it is not `auto`.
    pub dnssec: Option<String>,
    /// `--resolver`, where it is not the name server; `{port}` is the port.
    pub resolver: Option<String>,
    pub require: Option<String>,
    #[serde(default)]
    pub mx: Vec<String>,
    #[serde(default)]
    pub ipv4_only: bool,
    #[serde(default)]
    pub ipv6_only: bool,
    /// Seconds.
    pub timeout: Option<u32>,
    pub deadline: Option<u32>,
    pub max_hosts: Option<usize>,
    /// `explain`: `--probe-private`; on unless said otherwise, since every
    /// server of a world has a loopback address.
    pub probe_private: Option<bool>,
    #[serde(default)]
    pub offline: bool,
    /// `--depth deep`, `--suites`
    #[serde(default)]
    pub deep: bool,
    #[serde(default)]
    pub suites: bool,
    /// `-v`
    #[serde(default)]
    pub verbose: u8,
    /// What the port is for, which numbers below 1024 would say.
    #[serde(default)]
    pub service: ServiceSpec,
}

/// What is done, and to the answers about which name and type.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TamperingSpec {
    pub with: super::signing::Tampering,
    /// `{port}` is the port.
    pub name: String,
    /// None: every type.
    pub kind: Option<String>,
}

/// A resolver over TLS, which knows what the name server knows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DotSpec {
    pub host: String,
    pub address: String,
    #[serde(default)]
    pub certificate: CertificateKind,
}

/// What a world's port is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceSpec {
    #[default]
    Relay,
    /// As port 587.
    Submission,
    /// As port 465: servers begin with TLS.
    Submissions,
}

/// A web host, over HTTPS, which says the same to every request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSpec {
    pub host: String,
    pub address: String,
    #[serde(default)]
    pub certificate: CertificateKind,
    pub response: Vec<String>,
}

/// A SOCKS5 proxy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxySpec {
    /// Nothing listens there.
    #[serde(default)]
    pub absent: bool,
    /// `USER:PASSWORD` as the client gives them.
    pub client: Option<String>,
    /// `USER:PASSWORD` as the proxy wants them; none: it serves anybody.
    pub wants: Option<String>,
    #[serde(default)]
    pub does: ProxyDoes,
}

/// What a proxy does with a request to connect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyDoes {
    /// Connects, or says as RFC 1928 has it why not.
    #[default]
    Connects,
    /// Connects, but to no port of mail.
    ForbidsMail,
    /// Says nothing more.
    Hangs,
    /// Takes the connection and says nothing at all.
    Silent,
    /// Speaks HTTP.
    Garbage,
    /// Fails without a reason.
    Fails,
}

/// A mail server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// The name it calls itself, and has in its certificate.
    pub host: String,
    pub address: Vec<String>,
    #[serde(default = "default_greeting")]
    pub greeting: Vec<String>,
    #[serde(default = "default_ehlo")]
    pub ehlo: Vec<String>,
    /// By default what `ehlo` says, without STARTTLS.
    pub ehlo_after_tls: Option<Vec<String>>,
    #[serde(default = "default_helo")]
    pub helo: Vec<String>,
    #[serde(default = "default_starttls")]
    pub starttls: Vec<String>,
    /// What follows a 220 to STARTTLS.
    #[serde(default = "default_handshake")]
    pub handshake: Vec<String>,
    #[serde(default = "default_quit")]
    pub quit: Vec<String>,
    /// TLS comes first.
    #[serde(default)]
    pub implicit_tls: bool,
    #[serde(default)]
    pub fragments: Fragments,
    #[serde(default)]
    pub tls: TlsVersions,
    #[serde(default)]
    pub client_certificate: ClientCertificate,
    #[serde(default)]
    pub certificate: CertificateKind,
    /// A second certificate, for clients that want its kind of key.
    pub second_certificate: Option<CertificateKind>,
    /// What is shown to a client that names no host.
    pub nameless_certificate: Option<CertificateKind>,
    /// The longest hello that is borne, in octets, and what comes of longer
    /// ones.
    pub longest_hello: Option<usize>,
    #[serde(default)]
    pub on_long_hello: OnLongHello,
    /// Hangs up on every hello that knows TLS 1.3.
    #[serde(default)]
    pub refuses_tls13: bool,
    /// TLS by `openssl s_server` with these arguments.
    pub openssl: Option<Vec<String>>,
    /// What every second connection hears to EHLO.
    pub other_ehlo: Option<Vec<String>>,
    /// Takes what comes in the same segment behind STARTTLS for words spoken
    /// inside TLS.
    #[serde(default)]
    pub injectable: bool,
}

/// What a server does with a hello that is too long for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnLongHello {
    #[default]
    Close,
    Silence,
}

impl ServerSpec {
    /// A server without a fault.
    pub fn good(host: &str, address: &str) -> Self {
        Self {
            host: host.to_owned(),
            address: vec![address.to_owned()],
            greeting: default_greeting(),
            ehlo: default_ehlo(),
            ehlo_after_tls: None,
            helo: default_helo(),
            starttls: default_starttls(),
            handshake: default_handshake(),
            quit: default_quit(),
            implicit_tls: false,
            fragments: Fragments::default(),
            tls: TlsVersions::default(),
            client_certificate: ClientCertificate::default(),
            certificate: CertificateKind::default(),
            second_certificate: None,
            nameless_certificate: None,
            longest_hello: None,
            on_long_hello: OnLongHello::default(),
            refuses_tls13: false,
            openssl: None,
            other_ehlo: None,
            injectable: false,
        }
    }
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&l| l.to_owned()).collect()
}

fn default_greeting() -> Vec<String> {
    lines(&["220 {host} ESMTP Postfix"])
}

fn default_ehlo() -> Vec<String> {
    lines(&[
        "250-{host}",
        "250-SIZE 52428800",
        "250-STARTTLS",
        "250 SMTPUTF8",
    ])
}

fn default_helo() -> Vec<String> {
    lines(&["250 {host}"])
}

fn default_starttls() -> Vec<String> {
    lines(&["220 2.0.0 Ready to start TLS"])
}

fn default_handshake() -> Vec<String> {
    lines(&["!tls"])
}

fn default_quit() -> Vec<String> {
    lines(&["221 2.0.0 Bye"])
}

/// How a server's octets fall into segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fragments {
    /// As few segments as it can.
    #[default]
    Whole,
    /// Every octet alone.
    Octets,
    /// A cut between CR and LF.
    BeforeLf,
    /// A cut after each line.
    Lines,
}

/// The versions a server speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum TlsVersions {
    #[default]
    #[serde(rename = "1.2 and 1.3")]
    Both,
    #[serde(rename = "1.2")]
    Only12,
    #[serde(rename = "1.3")]
    Only13,
}

/// Whether a server wants to see a client's certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificate {
    #[default]
    None,
    Requested,
    Demanded,
}

/// The certificate a server shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    #[default]
    Good,
    Expired,
    NotYetValid,
    SelfSigned,
    WrongName,
    MissingIntermediate,
    /// From a root that nobody trusts.
    OtherRoot,
    ControlCharacters,
    CommonNameOnly,
    Wildcard,
    /// RSA, 2048 bits.
    Rsa,
}

/// What is expected of the program.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    pub answer: String,
    pub exit: i32,
    /// JSON pointer into `data` and the value there.
    #[serde(default)]
    pub json: BTreeMap<String, toml::Value>,
    /// Texts the page must hold, and must not.
    #[serde(default)]
    pub says: Vec<String>,
    #[serde(default)]
    pub never_says: Vec<String>,
    /// Connections one address may see.
    #[serde(default = "one_connection")]
    pub connections: usize,
    /// The command behind STARTTLS of `--depth deep` is no fault.
    #[serde(default)]
    pub injects: bool,
    /// Hosts that must not be connected to.
    #[serde(default)]
    pub untouched: Vec<String>,
    /// Names that must not be asked of the name server.
    #[serde(default)]
    pub unasked: Vec<String>,
    /// The probe begins with TLS where the server knows none: what the server
    /// takes for lines is nothing to judge manners by.
    #[serde(default)]
    pub tls_first: bool,
    /// Where the proxy was asked to connect, in any order.
    pub relayed: Option<Vec<String>>,
    /// The whole of what was said to a host.
    #[serde(default)]
    pub said: BTreeMap<String, Vec<String>>,
}

fn one_connection() -> usize {
    1
}

impl World {
    /// Reads a world.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
