//! A throw-away certificate authority: one root and one intermediate a
//! process, and leaves that are right or wrong on purpose.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;

use super::world::{CertificateKind, ClientCertificate, ServerSpec, TlsVersions};

/// The names of the certificate that is another host's.
pub const OTHER_NAMES: [&str; 2] = ["mail.hoster.example", "www.hoster.example"];

/// The authority.
pub struct Authority {
    root: rcgen::Certificate,
    intermediate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
    other_issuer: Issuer<'static, KeyPair>,
    other_root: rcgen::Certificate,
    /// One leaf for a host and kind, so that what stands in the DNS is what all
    /// its addresses show.
    leaves: Mutex<HashMap<(String, CertificateKind), Leaf>>,
}

type Leaf = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Authority {
    /// The one of this process.
    pub fn lab() -> &'static Self {
        static AUTHORITY: OnceLock<Authority> = OnceLock::new();
        AUTHORITY.get_or_init(Self::new)
    }

    fn new() -> Self {
        let root_key = KeyPair::generate().unwrap();
        let root_params = authority_params("Starttrace Lab Root");
        let root = root_params.self_signed(&root_key).unwrap();
        let root_issuer = Issuer::new(root_params, root_key);

        let key = KeyPair::generate().unwrap();
        let params = authority_params("Starttrace Lab R3");
        let intermediate = params.signed_by(&key, &root_issuer).unwrap();
        let issuer = Issuer::new(params, key);

        let other_key = KeyPair::generate().unwrap();
        let other_params = authority_params("Nobody's Root");
        let other_root = other_params.self_signed(&other_key).unwrap();
        Self {
            root,
            intermediate,
            issuer,
            other_issuer: Issuer::new(other_params, other_key),
            other_root,
            leaves: Mutex::default(),
        }
    }

    /// The root, for `--ca-file`.
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// The rustls side of a server.
    pub fn server_config(&self, spec: &ServerSpec) -> ServerConfig {
        let (chain, key) = self.chain(&spec.host, spec.certificate);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions: &[&rustls::SupportedProtocolVersion] = match spec.tls {
            TlsVersions::Both => &[&rustls::version::TLS12, &rustls::version::TLS13],
            TlsVersions::Only12 => &[&rustls::version::TLS12],
            TlsVersions::Only13 => &[&rustls::version::TLS13],
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap();
        let builder = if spec.client_certificate == ClientCertificate::None {
            builder.with_no_client_auth()
        } else {
            let mut roots = RootCertStore::empty();
            roots.add(self.root.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let verifier = if spec.client_certificate == ClientCertificate::Requested {
                verifier.allow_unauthenticated()
            } else {
                verifier
            };
            builder.with_client_cert_verifier(verifier.build().unwrap())
        };
        let certified =
            |(chain, key): Leaf| Arc::new(CertifiedKey::from_der(chain, key, &provider).unwrap());
        builder.with_cert_resolver(Arc::new(Chooser {
            first: certified((chain, key)),
            second: spec
                .second_certificate
                .map(|kind| certified(self.chain(&spec.host, kind))),
            nameless: spec
                .nameless_certificate
                .map(|kind| certified(self.chain(&spec.host, kind))),
        }))
    }

    /// The chain and the key of a server, as PEM.
    pub fn pem(&self, spec: &ServerSpec) -> (String, String) {
        let (chain, key) = self.chain(&spec.host, spec.certificate);
        let chain: String = chain
            .iter()
            .map(|certificate| pem_text("CERTIFICATE", certificate))
            .collect();
        (chain, pem_text("PRIVATE KEY", key.secret_der()))
    }

    /// The association data of a TLSA record, in hexadecimal: of the leaf, or
    /// under usage 0 and 2 of the certificate above it.
    pub fn association(
        &self,
        spec: &ServerSpec,
        kind: CertificateKind,
        usage: u8,
        selector: u8,
        matching: u8,
    ) -> String {
        use aws_lc_rs::digest::{SHA256, SHA512, digest};
        let (chain, _) = self.chain(&spec.host, kind);
        let place = usize::from(matches!(usage, 0 | 2)).min(chain.len() - 1);
        let (_, parsed) = x509_parser::parse_x509_certificate(&chain[place]).unwrap();
        let octets = match selector {
            0 => chain[place].as_ref(),
            _ => parsed.tbs_certificate.subject_pki.raw,
        };
        let data = match matching {
            0 => octets.to_vec(),
            1 => digest(&SHA256, octets).as_ref().to_vec(),
            _ => digest(&SHA512, octets).as_ref().to_vec(),
        };
        data.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// The chain as sent, and the leaf's key.
    fn chain(&self, host: &str, kind: CertificateKind) -> Leaf {
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        let (chain, key) = leaves
            .entry((host.to_owned(), kind))
            .or_insert_with(|| self.issue(host, kind));
        (chain.clone(), key.clone_key())
    }

    fn issue(&self, host: &str, kind: CertificateKind) -> Leaf {
        let key = match kind {
            CertificateKind::Rsa => KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(),
            _ => KeyPair::generate().unwrap(),
        };
        let parent = host.split_once('.').map_or(host, |(_, parent)| parent);
        let names: Vec<String> = match kind {
            CertificateKind::WrongName => OTHER_NAMES.map(str::to_owned).to_vec(),
            CertificateKind::CommonNameOnly => Vec::new(),
            CertificateKind::Wildcard => vec![format!("*.{parent}")],
            CertificateKind::ControlCharacters => {
                vec![
                    host.to_owned(),
                    "evil\u{1b}[2J\u{7}\r\nx.example".to_owned(),
                ]
            }
            _ => vec![host.to_owned()],
        };
        let mut params = CertificateParams::default();
        params.subject_alt_names = names
            .iter()
            .map(|name| rcgen::SanType::DnsName(name.as_str().try_into().unwrap()))
            .collect();
        let mut subject = DistinguishedName::new();
        let common_name = match kind {
            CertificateKind::ControlCharacters => {
                "evil\u{1b}]0;owned\u{7}\u{202e}elpmaxe.liam".to_owned()
            }
            CertificateKind::CommonNameOnly => host.to_owned(),
            _ => names[0].clone(),
        };
        subject.push(DnType::CommonName, common_name);
        params.distinguished_name = subject;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = match kind {
            CertificateKind::Expired => (date_time_ymd(2026, 1, 10), date_time_ymd(2026, 4, 10)),
            CertificateKind::NotYetValid => (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1)),
            _ => (date_time_ymd(2026, 9, 2), date_time_ymd(2091, 1, 1)),
        };
        let (leaf, rest) = match kind {
            CertificateKind::SelfSigned => (params.self_signed(&key), vec![]),
            CertificateKind::MissingIntermediate => (params.signed_by(&key, &self.issuer), vec![]),
            CertificateKind::OtherRoot => (
                params.signed_by(&key, &self.other_issuer),
                vec![self.other_root.der().clone()],
            ),
            _ => (
                params.signed_by(&key, &self.issuer),
                vec![self.intermediate.der().clone()],
            ),
        };
        let mut chain = vec![leaf.unwrap().der().clone()];
        chain.extend(rest);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        (chain, key)
    }
}

/// Shows the certificate that a client can take.
#[derive(Debug)]
struct Chooser {
    first: Arc<CertifiedKey>,
    second: Option<Arc<CertifiedKey>>,
    nameless: Option<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Chooser {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let (None, Some(nameless)) = (hello.server_name(), &self.nameless) {
            return Some(Arc::clone(nameless));
        }
        let fits =
            |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        Some(&self.first)
            .filter(fits)
            .or(self.second.as_ref().filter(fits))
            .map(Arc::clone)
    }
}

fn pem_text(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for octets in der.chunks(3) {
        let word = octets
            .iter()
            .fold(0_u32, |word, &o| word << 8 | u32::from(o));
        let word = word << (8 * (3 - octets.len()));
        for place in 0..4 {
            let digit = char::from(DIGITS[(word >> (18 - 6 * place)) as usize & 63]);
            text.push(if place <= octets.len() { digit } else { '=' });
        }
    }
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2095, 1, 1);
    params
}
