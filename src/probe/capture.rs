//! A handshake that records and judges nothing, so that a bad certificate
//! costs no evidence (RFC 8446, RFC 5246).
//!
//! Entry points: [`Stack::new`], [`Stack::handshake`], [`Stack::offering`]. The verifier in here
//! takes every certificate. It never leaves this file: nothing but EHLO and
//! QUIT is said over such a connection, and what was recorded is judged
//! afterwards, in `tls`.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, ClientConfig, DigitallySignedStruct, Error, NamedGroup, SignatureScheme,
    SupportedCipherSuite,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::failure::{Failure, Kind, Stage};
use crate::tls::certificate::Certificate;
use crate::tls::handshake::KeyKind;
use crate::tls::hello::is_post_quantum;
use crate::tls::hello::suites::Suite;
use crate::tls::parameters::TlsVersion;
use crate::tls::suite::agreed_version;

/// How much of what the server sends is kept, to tell TLS from other things.
const KEPT_OCTETS: usize = 512;

/// The TLS stack of this program: TLS 1.2 and 1.3, post-quantum key exchange
/// offered first.
#[derive(Debug)]
pub struct Stack {
    provider: Arc<CryptoProvider>,
    classical: Arc<CryptoProvider>,
    rsa: Arc<CryptoProvider>,
    ecdsa: Arc<CryptoProvider>,
    /// What every handshake that offers all there is has in common.
    usual: OnceLock<ClientConfig>,
}

/// What a hello of this stack offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// All there is.
    All,
    /// The classical groups alone, so that the hello is small.
    Classical,
    /// Certificates with this kind of key alone, by the signature schemes
    /// (RFC 8446, section 4.2.3) and, for TLS 1.2, the suites.
    Certificates(KeyKind),
}

/// A handshake that failed.
#[derive(Debug)]
pub struct Broken {
    pub failure: Failure,
    /// The server had answered the hello, so that it was what came behind it
    /// that went wrong.
    pub hello_answered: bool,
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            hello_answered: false,
        }
    }
}

/// What a handshake agreed and showed.
#[derive(Debug)]
pub struct Captured {
    pub version: TlsVersion,
    pub suite: SupportedCipherSuite,
    pub group: Option<NamedGroup>,
    pub chain: Vec<Certificate>,
    /// Whether the server's signature proved that it has the leaf's key.
    pub proved: bool,
    pub client_certificate_requested: bool,
}

impl Stack {
    /// A stack on the provider compiled in.
    #[must_use]
    pub fn new() -> Self {
        let whole = rustls::crypto::aws_lc_rs::default_provider();
        let mut classical = whole.clone();
        classical
            .kx_groups
            .retain(|group| !is_post_quantum(u16::from(group.name())));
        let of = |kind: KeyKind| {
            let mut provider = whole.clone();
            provider.cipher_suites.retain(|suite| {
                let known = Suite::of(u16::from(suite.suite()));
                known.and_then(Suite::key_kind).is_none_or(|k| k == kind)
            });
            Arc::new(provider)
        };
        Self {
            classical: Arc::new(classical),
            rsa: of(KeyKind::Rsa),
            ecdsa: of(KeyKind::Ecdsa),
            provider: Arc::new(whole),
            usual: OnceLock::new(),
        }
    }

    /// What a handshake is done by.
    fn config(&self, offer: Offer) -> Result<ClientConfig, Error> {
        if let (Offer::All, Some(usual)) = (offer, self.usual.get()) {
            return Ok(usual.clone());
        }
        let mut config = ClientConfig::builder_with_provider(Arc::clone(self.provider(offer)))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(self.recorder(offer)))
            .with_no_client_auth();
        // A resumed session shows no certificate.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(match offer {
            Offer::All => self.usual.get_or_init(|| config).clone(),
            Offer::Classical | Offer::Certificates(_) => config,
        })
    }

    fn recorder(&self, offer: Offer) -> Recorder {
        Recorder {
            algorithms: self.algorithms(),
            schemes: self.schemes(offer),
            proved: AtomicBool::new(false),
        }
    }

    fn provider(&self, offer: Offer) -> &Arc<CryptoProvider> {
        match offer {
            Offer::All => &self.provider,
            Offer::Classical => &self.classical,
            Offer::Certificates(KeyKind::Rsa) => &self.rsa,
            Offer::Certificates(KeyKind::Ecdsa) => &self.ecdsa,
        }
    }

    /// The signature schemes to ask for.
    fn schemes(&self, offer: Offer) -> Vec<SignatureScheme> {
        let mut schemes = self.algorithms().supported_schemes();
        if let Offer::Certificates(kind) = offer {
            schemes.retain(|scheme| is_rsa(*scheme) == (kind == KeyKind::Rsa));
        }
        schemes
    }

    /// The signature algorithms chains are checked with.
    #[must_use]
    pub fn algorithms(&self) -> WebPkiSupportedAlgorithms {
        self.provider.signature_verification_algorithms
    }

    /// Does a handshake over a connection, offering all there is. The host's
    /// name goes into the server name indication; an address has none
    /// (RFC 6066, section 3).
    ///
    /// # Errors
    /// When there was none, with what the server sent instead.
    pub async fn handshake<S>(
        &self,
        host: Option<&str>,
        stream: S,
        peer: &str,
    ) -> Result<(TlsStream<Tap<S>>, Captured), Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.offering(Offer::All, host, stream, peer)
            .await
            .map_err(|broken| broken.failure)
    }

    /// The same with another offer.
    ///
    /// # Errors
    /// When there was none, with what the server sent instead.
    pub async fn offering<S>(
        &self,
        offer: Offer,
        host: Option<&str>,
        stream: S,
        peer: &str,
    ) -> Result<(TlsStream<Tap<S>>, Captured), Broken>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut config = self.config(offer).map_err(|error| {
            Broken::from(Failure::new(
                Stage::Local,
                Kind::HandshakeIncompatible,
                format!("the TLS stack of this program cannot be set up: {error}"),
            ))
        })?;
        // Each connection has its own, since they note what they see.
        let verifier = Arc::new(self.recorder(offer));
        let requests = Arc::new(CertificateRequests(AtomicBool::new(false)));
        config
            .dangerous()
            .set_certificate_verifier(Arc::clone(&verifier) as Arc<dyn ServerCertVerifier>);
        config.client_auth_cert_resolver = Arc::clone(&requests) as Arc<dyn ResolvesClientCert>;
        let (name, named) = server_name(host);
        config.enable_sni = named;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let tap = Tap {
            stream,
            heard: Arc::clone(&heard),
        };
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, tap)
            .await
            .map_err(|error| {
                let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                Broken {
                    failure: handshake_failure(&error, &heard, peer),
                    hello_answered: heard.first() == Some(&HANDSHAKE_RECORD),
                }
            })?;
        let (_, session) = stream.get_ref();
        let agreed = session
            .protocol_version()
            .and_then(agreed_version)
            .zip(session.negotiated_cipher_suite());
        let Some((version, suite)) = agreed else {
            return Err(Failure::new(
                Stage::Handshake,
                Kind::HandshakeIncompatible,
                format!("the handshake with {peer} ended without version and suite"),
            )
            .into());
        };
        let captured = Captured {
            version,
            suite,
            group: session
                .negotiated_key_exchange_group()
                .map(|group| group.name()),
            chain: session
                .peer_certificates()
                .unwrap_or_default()
                .iter()
                .map(|certificate| Certificate::read(certificate))
                .collect(),
            proved: verifier.proved.load(Ordering::Relaxed),
            client_certificate_requested: requests.0.load(Ordering::Relaxed),
        };
        Ok((stream, captured))
    }
}

/// The record type of handshake messages (RFC 8446, section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// Whether a scheme is for RSA keys; the others are for elliptic curves.
fn is_rsa(scheme: SignatureScheme) -> bool {
    matches!(
        scheme,
        SignatureScheme::RSA_PKCS1_SHA1
            | SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PKCS1_SHA512
            | SignatureScheme::RSA_PSS_SHA256
            | SignatureScheme::RSA_PSS_SHA384
            | SignatureScheme::RSA_PSS_SHA512
    )
}

/// The name to indicate, and whether there is one. The library wants a name
/// even where none is sent.
fn server_name(host: Option<&str>) -> (ServerName<'static>, bool) {
    match host.map(|host| ServerName::try_from(host.to_owned())) {
        Some(Ok(name @ ServerName::DnsName(_))) => (name, true),
        _ => (
            ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into()),
            false,
        ),
    }
}

/// What became of a handshake that failed.
fn handshake_failure(error: &io::Error, heard: &[u8], peer: &str) -> Failure {
    let failure = |kind, message| Failure::new(Stage::Handshake, kind, message);
    let Some(tls) = tls_error(error) else {
        let mut failure = failure(
            Kind::ClosedByPeer,
            format!("{peer} closed the connection in the middle of the handshake"),
        );
        failure.detail.os_error = error.raw_os_error();
        return failure;
    };
    if let Error::AlertReceived(alert) = tls {
        let name = alert_name(*alert);
        let mut failure = failure(
            Kind::HandshakeAlert,
            format!("{peer} broke the handshake off with the TLS alert {name}"),
        );
        failure.detail.alert = Some(name);
        return failure;
    }
    if looks_like_tls(heard) {
        return failure(
            Kind::HandshakeIncompatible,
            format!("{peer} speaks TLS, but not so that this program can go on: {tls}"),
        );
    }
    failure(
        Kind::HandshakeNotTls,
        format!("{peer} answered the TLS handshake with something that is not TLS"),
    )
    .heard(heard)
}

/// The alert with which the server ended a session that was thought to be
/// established. Under TLS 1.3 it learns only then that we have no certificate
/// to show (RFC 8446, section 4.4.2.4).
#[must_use]
pub fn late_alert(error: &io::Error, requested: bool, peer: &str) -> Option<Failure> {
    let Some(Error::AlertReceived(alert)) = tls_error(error) else {
        return None;
    };
    let name = alert_name(*alert);
    let why = if requested {
        " after we showed no certificate of our own"
    } else {
        " at the end of the handshake"
    };
    let mut failure = Failure::new(
        Stage::Handshake,
        Kind::HandshakeAlert,
        format!("{peer} broke off with the TLS alert {name}{why}"),
    );
    failure.detail.alert = Some(name);
    Some(failure)
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref::<Error>()
}

/// A record header of RFC 8446, section 5.1: type, then a version 3.x.
fn looks_like_tls(octets: &[u8]) -> bool {
    matches!(octets, [20..=23, 3, 0..=4, ..])
}

/// The name of an alert in RFC 8446, section 6, or RFC 5246, section 7.2.
fn alert_name(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA => "unknown_ca".into(),
        AlertDescription::UnrecognisedName => "unrecognized_name".into(),
        AlertDescription::UnknownPSKIdentity => "unknown_psk_identity".into(),
        AlertDescription::Unknown(number) => format!("alert_{number}"),
        other => {
            let mut name = String::new();
            for c in format!("{other:?}").chars() {
                if c.is_ascii_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.push(c.to_ascii_lowercase());
            }
            name
        }
    }
}

/// Takes every certificate, and notes whether the handshake's signature was
/// made with its key.
#[derive(Debug)]
struct Recorder {
    algorithms: WebPkiSupportedAlgorithms,
    schemes: Vec<SignatureScheme>,
    proved: AtomicBool,
}

impl Recorder {
    fn note(&self, result: &Result<HandshakeSignatureValid, Error>) -> HandshakeSignatureValid {
        self.proved.store(result.is_ok(), Ordering::Relaxed);
        HandshakeSignatureValid::assertion()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(self.note(&verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.algorithms,
        )))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(self.note(&verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.algorithms,
        )))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// Has no certificate to show, and notes that one was asked for.
#[derive(Debug)]
struct CertificateRequests(AtomicBool);

impl ResolvesClientCert for CertificateRequests {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    /// Otherwise the library answers without asking.
    fn has_certs(&self) -> bool {
        true
    }
}

/// A stream whose first octets from the server are kept.
#[derive(Debug)]
pub struct Tap<S> {
    stream: S,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let new = &buf.filled()[before..];
        if !new.is_empty() {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            let room = KEPT_OCTETS.saturating_sub(heard.len());
            heard.extend_from_slice(&new[..new.len().min(room)]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn alerts_have_the_names_of_the_standard() {
        for (alert, name) in [
            (AlertDescription::HandshakeFailure, "handshake_failure"),
            (AlertDescription::ProtocolVersion, "protocol_version"),
            (AlertDescription::UnknownCA, "unknown_ca"),
            (
                AlertDescription::CertificateRequired,
                "certificate_required",
            ),
            (AlertDescription::UnrecognisedName, "unrecognized_name"),
            (AlertDescription::Unknown(200), "alert_200"),
        ] {
            assert_eq!(alert_name(alert), name);
        }
    }

    #[test]
    fn d25_one_kind_of_certificate_can_be_asked_for_alone() {
        let stack = Stack::new();
        for kind in [KeyKind::Rsa, KeyKind::Ecdsa] {
            let offer = Offer::Certificates(kind);
            let schemes = stack.schemes(offer);
            assert!(!schemes.is_empty());
            assert!(schemes.iter().all(|s| is_rsa(*s) == (kind == KeyKind::Rsa)));
            let suites = &stack.provider(offer).cipher_suites;
            let kinds: Vec<Option<KeyKind>> = suites
                .iter()
                .map(|suite| Suite::of(u16::from(suite.suite())).unwrap().key_kind())
                .collect();
            assert!(kinds.contains(&Some(kind)) && !kinds.contains(&Some(kind.other())));
        }
        let classical = &stack.provider(Offer::Classical).kx_groups;
        let groups: Vec<NamedGroup> = classical.iter().map(|group| group.name()).collect();
        assert_eq!(
            groups,
            [
                NamedGroup::X25519,
                NamedGroup::secp256r1,
                NamedGroup::secp384r1
            ]
        );
    }

    #[test]
    fn l2_only_names_are_indicated() {
        assert!(server_name(Some("mx1.partner.example")).1);
        assert!(!server_name(Some("192.0.2.1")).1);
        assert!(!server_name(Some("not\\032a.name")).1);
        assert!(!server_name(None).1);
    }

    #[test]
    fn tls_is_told_from_other_things_by_its_record_header() {
        assert!(looks_like_tls(&[21, 3, 3, 0, 2, 2, 40]));
        assert!(looks_like_tls(&[22, 3, 0, 0, 10]));
        assert!(!looks_like_tls(b"500 what"));
        assert!(!looks_like_tls(b""));
    }
}
