//! Whether a chain, as sent, leads to a trusted root (RFC 5280, section 6),
//! judged after the handshake and at a time of choice.
//!
//! The path is built and checked by the TLS library's own verifier; here its
//! errors become failures that say what is wrong and from when. Names are
//! judged apart, in `identity`: a path says nothing about them. Two things
//! the verifier lets pass are checked besides: keys of a size that no CA may
//! sign any more, and whether the server proved to have the key.
//!
//! Not supported: revocation (no server of mail is required to staple, and
//! senders do not ask), and fetching missing intermediates (senders do not
//! either).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};

use crate::attempt::Attempt;
use crate::failure::{Failure, Kind, Stage};
use crate::tls::certificate::Certificate;

mod memory;
mod signatures;

use memory::{Memory, Span};
use signatures::Algorithms;

/// The smallest RSA key that the CA/Browser Forum's Baseline Requirements,
/// section 6.1.5, and NIST SP 800-131A let a server have.
const SMALLEST_RSA_KEY: u32 = 2048;

/// Judges chains by a set of roots, and remembers its verdicts, and the
/// signatures that held: many hosts show one chain, more have one issuer, and
/// building a path costs as much as a handshake.
pub struct PathJudge {
    roots: Arc<RootCertStore>,
    algorithms: Algorithms,
    remembered: Mutex<Memory>,
}

impl fmt::Debug for PathJudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PathJudge")
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

impl PathJudge {
    /// A judge by these roots and signature algorithms.
    #[must_use]
    pub fn new(roots: Arc<RootCertStore>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self {
            roots,
            algorithms: Algorithms::new(&algorithms),
            remembered: Mutex::default(),
        }
    }

    /// Judges a chain, leaf first, as of a time. `proved` is whether the
    /// handshake's signature was right, so that the server has the key.
    #[must_use]
    pub fn judge(
        &self,
        chain: &[Certificate],
        proved: bool,
        at: Timestamp,
        peer: &str,
    ) -> Attempt<()> {
        let Some((leaf, rest)) = chain.split_first() else {
            return Attempt::failed(Failure::new(
                Stage::Certificate,
                Kind::ValidationFailure,
                format!("{peer} sent no certificate"),
            ));
        };
        if let Err(error) = self.verdict(leaf, rest, chain, at) {
            return Attempt::failed(failure(&error, chain, peer));
        }
        if let Some(weak) = chain.iter().find(|certificate| is_weak(certificate)) {
            return Attempt::failed(weak_key(weak, peer));
        }
        if !proved {
            return Attempt::failed(Failure::new(
                Stage::Certificate,
                Kind::ValidationFailure,
                format!("{peer} did not prove to have the key of its certificate"),
            ));
        }
        Attempt::Done(())
    }

    /// The verifier's word, remembered or fresh.
    fn verdict(
        &self,
        leaf: &Certificate,
        rest: &[Certificate],
        chain: &[Certificate],
        at: Timestamp,
    ) -> Result<(), Error> {
        let key = memory::key(chain);
        let remembered = || {
            self.remembered
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(verdict) = remembered().recall(&key, at) {
            return verdict;
        }
        let verdict = self.verify(leaf, rest, at);
        if let Some(span) = Span::around(chain, at) {
            remembered().remember(key, span, verdict.clone());
        }
        verdict
    }

    fn verify(&self, leaf: &Certificate, rest: &[Certificate], at: Timestamp) -> Result<(), Error> {
        let leaf = CertificateDer::from(leaf.der.as_slice());
        let parsed = ParsedCertificate::try_from(&leaf)?;
        let rest: Vec<CertificateDer<'_>> = rest
            .iter()
            .map(|certificate| CertificateDer::from(certificate.der.as_slice()))
            .collect();
        let seconds = u64::try_from(at.as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            &rest,
            now,
            &self.algorithms.all(),
        )
    }
}

fn is_weak(certificate: &Certificate) -> bool {
    certificate.key.algorithm == "RSA"
        && certificate.key.bits > 0
        && certificate.key.bits < SMALLEST_RSA_KEY
}

fn weak_key(certificate: &Certificate, peer: &str) -> Failure {
    Failure::new(
        Stage::Certificate,
        Kind::CertificateWeak,
        format!(
            "a certificate of {peer} has an RSA key of only {} bits",
            certificate.key.bits
        ),
    )
}

fn failure(error: &Error, chain: &[Certificate], peer: &str) -> Failure {
    let leaf = &chain[0];
    let of = |kind, message: String| Failure::new(Stage::Certificate, kind, message);
    let Error::InvalidCertificate(error) = error else {
        return of(
            Kind::ValidationFailure,
            format!("the certificates of {peer} cannot be judged: {error}"),
        );
    };
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            let not_after = timestamp(*not_after);
            let mut failure = of(
                Kind::CertificateExpired,
                format!(
                    "{} of {peer} expired{}",
                    which(leaf.not_after, not_after),
                    on(not_after)
                ),
            );
            failure.detail.not_after = not_after;
            failure
        }
        CertificateError::Expired => of(
            Kind::CertificateExpired,
            format!("a certificate of {peer} is expired"),
        ),
        CertificateError::NotValidYetContext { not_before, .. } => {
            let not_before = timestamp(*not_before);
            let mut failure = of(
                Kind::CertificateNotYetValid,
                format!(
                    "{} of {peer} is not valid before{}",
                    which(leaf.not_before, not_before),
                    on(not_before)
                ),
            );
            failure.detail.not_before = not_before;
            failure
        }
        CertificateError::NotValidYet => of(
            Kind::CertificateNotYetValid,
            format!("a certificate of {peer} is not valid yet"),
        ),
        CertificateError::UnknownIssuer => of(
            Kind::CertificateNotTrusted,
            match (leaf.self_issued, chain.len()) {
                (true, _) => format!("the certificate of {peer} is self-signed"),
                (false, 1) => format!(
                    "{peer} sent its certificate alone, and no trusted root has signed it: \
                     an intermediate certificate is missing, or the issuer is not trusted"
                ),
                (false, _) => {
                    format!("the certificates of {peer} lead to no root that is trusted here")
                }
            },
        ),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            unsupported_signature(chain, peer)
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => of(
            Kind::ValidationFailure,
            format!("the certificate of {peer} is not meant for servers"),
        ),
        CertificateError::BadEncoding => of(
            Kind::ValidationFailure,
            format!("a certificate of {peer} cannot be read"),
        ),
        CertificateError::BadSignature => of(
            Kind::CertificateNotTrusted,
            format!("a signature in the certificates of {peer} is wrong"),
        ),
        CertificateError::Revoked => of(
            Kind::CertificateNotTrusted,
            format!("a certificate of {peer} is revoked"),
        ),
        _ if leaf.self_issued => of(
            Kind::CertificateNotTrusted,
            format!("the certificate of {peer} is self-signed"),
        ),
        other => of(
            Kind::ValidationFailure,
            format!("the certificates of {peer} are not valid: {other}"),
        ),
    }
}

fn unsupported_signature(chain: &[Certificate], peer: &str) -> Failure {
    let weak = chain.iter().find(|certificate| {
        let name = certificate.signature_algorithm.to_ascii_lowercase();
        ["sha1", "md5", "md4", "md2"]
            .iter()
            .any(|hash| name.contains(hash))
    });
    if let Some(weak) = weak {
        return Failure::new(
            Stage::Certificate,
            Kind::CertificateWeak,
            format!(
                "a certificate of {peer} is signed with {}, which no one trusts any more",
                weak.signature_algorithm
            ),
        );
    }
    if let Some(weak) = chain.iter().find(|certificate| is_weak(certificate)) {
        return weak_key(weak, peer);
    }
    Failure::new(
        Stage::Certificate,
        Kind::ValidationFailure,
        format!(
            "a certificate of {peer} is signed with {}, which cannot be checked here",
            chain[0].signature_algorithm
        ),
    )
}

/// Whether a bound is the leaf's own or that of one above it.
fn which(own: Option<Timestamp>, bound: Option<Timestamp>) -> &'static str {
    if own == bound {
        "the certificate"
    } else {
        "an intermediate certificate"
    }
}

fn on(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| format!(" on {}", time.strftime("%F")))
}

fn timestamp(time: UnixTime) -> Option<Timestamp> {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use jiff::ToSpan;
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
        KeyPair, KeyUsagePurpose, date_time_ymd,
    };

    struct Authority {
        issuer: Issuer<'static, KeyPair>,
        certificate: Certificate,
    }

    fn authority(name: &str, by: Option<&Authority>) -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2040, 1, 1);
        let signed = match by {
            Some(by) => params.signed_by(&key, &by.issuer).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        Authority {
            certificate: Certificate::read(signed.der()),
            issuer: Issuer::new(params, key),
        }
    }

    fn leaf(by: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["mx.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2026, 12, 1);
        change(&mut params);
        Certificate::read(params.signed_by(&key, &by.issuer).unwrap().der())
    }

    fn judge_by(root: &Authority) -> PathJudge {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(root.certificate.der.clone()))
            .unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        PathJudge::new(Arc::new(roots), provider.signature_verification_algorithms)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NOON: &str = "2026-11-22T12:00:00Z";

    fn kind_of(judge: &PathJudge, chain: &[Certificate], when: &str) -> Option<Kind> {
        judge
            .judge(chain, true, at(when), "mx")
            .failure()
            .map(|failure| failure.kind)
    }

    #[test]
    fn a_chain_is_judged_at_the_time_asked_for() {
        let root = authority("root", None);
        let middle = authority("middle", Some(&root));
        let chain = [leaf(&middle, |_| {}), middle.certificate.clone()];
        let judge = judge_by(&root);
        assert_eq!(kind_of(&judge, &chain, NOON), None);
        assert_eq!(
            kind_of(&judge, &chain, "2026-12-02T00:00:00Z"),
            Some(Kind::CertificateExpired)
        );
        assert_eq!(
            kind_of(&judge, &chain, "2025-12-31T00:00:00Z"),
            Some(Kind::CertificateNotYetValid)
        );
        let judged = judge.judge(&chain, true, at(NOON) + (24 * 30).hours(), "mx");
        let failure = judged.failure().unwrap();
        assert_eq!(failure.detail.not_after, Some(at("2026-12-01T00:00:00Z")));
        assert_eq!(
            failure.message,
            "the certificate of mx expired on 2026-12-01"
        );
    }

    #[test]
    fn each_fault_has_its_kind() {
        let root = authority("root", None);
        let other = authority("other", None);
        let middle = authority("middle", Some(&root));
        let judge = judge_by(&root);
        let own = Certificate::read(
            CertificateParams::new(vec!["mx.example".to_owned()])
                .unwrap()
                .self_signed(&KeyPair::generate().unwrap())
                .unwrap()
                .der(),
        );
        let for_clients = leaf(&root, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        });
        let cases: [(&str, Vec<Certificate>, Option<Kind>); 8] = [
            ("good", vec![leaf(&root, |_| {})], None),
            (
                "intermediate missing",
                vec![leaf(&middle, |_| {})],
                Some(Kind::CertificateNotTrusted),
            ),
            (
                "unknown root",
                vec![leaf(&other, |_| {}), other.certificate.clone()],
                Some(Kind::CertificateNotTrusted),
            ),
            ("self-signed", vec![own], Some(Kind::CertificateNotTrusted)),
            (
                "a CA as server",
                vec![other.certificate.clone()],
                Some(Kind::CertificateNotTrusted),
            ),
            (
                "for clients only",
                vec![for_clients],
                Some(Kind::ValidationFailure),
            ),
            (
                "garbage",
                vec![Certificate::read(b"garbage")],
                Some(Kind::ValidationFailure),
            ),
            ("nothing", vec![], Some(Kind::ValidationFailure)),
        ];
        for (what, chain, kind) in cases {
            assert_eq!(kind_of(&judge, &chain, NOON), kind, "{what}");
        }
    }

    #[test]
    fn a_remembered_verdict_is_the_fresh_one_at_every_time() {
        let root = authority("root", None);
        let middle = authority("middle", Some(&root));
        let other = authority("other", None);
        let chains = [
            vec![leaf(&middle, |_| {}), middle.certificate.clone()],
            vec![leaf(&middle, |_| {})],
            vec![leaf(&other, |_| {}), other.certificate.clone()],
            vec![Certificate::read(b"garbage")],
        ];
        let times = [
            "2019-12-31T23:59:59Z",
            "2020-01-01T00:00:00Z",
            "2025-12-31T23:59:59Z",
            "2026-01-01T00:00:00Z",
            NOON,
            "2026-12-01T00:00:00Z",
            "2026-12-01T00:00:01Z",
            "2040-01-01T00:00:00Z",
            "2040-01-01T00:00:01Z",
        ];
        let remembering = judge_by(&root);
        // Forwards, backwards, and again, so that each verdict is asked for
        // fresh and remembered, from either side of every bound.
        let order = || (0..times.len()).chain((0..times.len()).rev());
        for chain in &chains {
            for time in order().chain(order()).map(|n| times[n]) {
                let fresh = judge_by(&root).judge(chain, true, at(time), "mx");
                let judged = remembering.judge(chain, true, at(time), "mx");
                assert_eq!(judged, fresh, "{time}");
            }
        }
        // The peer is never remembered.
        let judged = remembering.judge(&chains[1], true, at(NOON), "another");
        assert!(
            judged
                .failure()
                .unwrap()
                .message
                .starts_with("another sent")
        );
    }

    #[test]
    fn a_small_key_is_weak_though_the_path_holds() {
        let root = authority("root", None);
        let mut certificate = leaf(&root, |_| {});
        certificate.key.algorithm = "RSA".into();
        certificate.key.bits = 1024;
        assert_eq!(
            kind_of(&judge_by(&root), &[certificate], NOON),
            Some(Kind::CertificateWeak)
        );
    }

    #[test]
    fn a_key_not_proved_is_not_believed() {
        let root = authority("root", None);
        let chain = [leaf(&root, |_| {})];
        let judged = judge_by(&root).judge(&chain, false, at(NOON), "mx");
        assert_eq!(judged.failure().unwrap().kind, Kind::ValidationFailure);
    }
}
