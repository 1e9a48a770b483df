//! Certificates: a throw-away authority, and for each name that is asked for a
//! certificate made then. Its key is the same for all, so that no handshake waits
//! for one.

use std::sync::{Arc, OnceLock};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};

use crate::world::{Conduct, Host, World, addresses_of, conduct, domain_of, host_of};

/// A throw-away authority: a root, an intermediate, one key for all servers.
pub struct Authority {
    root: rcgen::Certificate,
    intermediate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    key: KeyPair,
    signer: Arc<dyn SigningKey>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    pub fn new() -> Self {
        let authority = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            (params, KeyPair::generate().expect("a key"))
        };
        let (root_params, root_key) = authority("Farm Root");
        let root = root_params.self_signed(&root_key).expect("a root");
        let (params, issuer_key) = authority("Farm R1");
        let intermediate = params
            .signed_by(&issuer_key, &Issuer::new(root_params, root_key))
            .expect("an intermediate");
        let key = KeyPair::generate().expect("a key");
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Self {
            root,
            intermediate: intermediate.der().clone(),
            issuer: Issuer::new(params, issuer_key),
            key,
            signer: any_supported_type(&private).expect("a signer"),
        }
    }

    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// SHA-256 of the servers' public key, which all share.
    pub fn spki_sha256(&self) -> [u8; 32] {
        use rcgen::PublicKeyData as _;
        let spki = self.key.subject_public_key_info();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &spki);
        digest.as_ref().try_into().expect("a digest of 32 octets")
    }

    fn certified(&self, name: &str) -> Arc<CertifiedKey> {
        let leaf = CertificateParams::new(vec![name.to_owned()])
            .and_then(|params| params.signed_by(&self.key, &self.issuer))
            .expect("a certificate");
        Arc::new(CertifiedKey::new(
            vec![leaf.der().clone(), self.intermediate.clone()],
            Arc::clone(&self.signer),
        ))
    }
}

/// Makes the certificate that is asked for.
#[derive(Debug)]
pub struct Resolver {
    world: Arc<World>,
    fixed: OnceLock<Arc<CertifiedKey>>,
}

impl Resolver {
    pub fn new(world: Arc<World>) -> Self {
        Self {
            world,
            fixed: OnceLock::new(),
        }
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name().and_then(|name| {
            let host = host_of(name).or_else(|| {
                let domain = domain_of(name.strip_prefix("mta-sts.")?)?;
                Some(Host::Own { domain, number: 0 })
            })?;
            let place = addresses_of(host).first().copied()?;
            Some((name, place))
        });
        match asked {
            Some((name, place))
                if !self.world.settings.wildcard
                    && (name.starts_with("mta-sts.")
                        || conduct(&self.world.settings, place) != Conduct::Misnamed) =>
            {
                Some(self.world.authority.certified(name))
            }
            _ => Some(Arc::clone(self.fixed.get_or_init(|| {
                self.world.authority.certified("mail.hoster.example")
            }))),
        }
    }
}
