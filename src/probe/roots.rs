//! The certificate authorities a run judges by.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::probe::options::Roots;
use crate::probe::setup::SetupError;

/// Those the user named. The system's are added by [`with_system`], when a
/// chain is judged for the first time.
///
/// # Errors
/// When a file cannot be read, or holds no certificate.
pub fn named(roots: &Roots) -> Result<RootCertStore, SetupError> {
    let mut store = RootCertStore::empty();
    for path in &roots.ca_files {
        read_file(path, &mut store)?;
    }
    store.add_parsable_certificates(
        roots
            .certificates
            .iter()
            .map(|der| CertificateDer::from(der.as_slice())),
    );
    if store.is_empty() && !roots.system {
        return Err(SetupError::NoRoots);
    }
    Ok(store)
}

/// These and the system's; Mozilla's list, as built in, where the system has
/// none (a bare container, say).
#[must_use]
pub fn with_system(named: &RootCertStore) -> Arc<RootCertStore> {
    let mut store = named.clone();
    let (added, _) =
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Arc::new(store)
}

fn read_file(path: &Path, store: &mut RootCertStore) -> Result<(), SetupError> {
    let octets = fs::read(path).map_err(|error| SetupError::CaFile {
        path: path.to_owned(),
        error,
    })?;
    let of_no_use = |why: String| SetupError::NoCertificates {
        path: path.to_owned(),
        why,
    };
    let mut found = 0;
    if octets.first() == Some(&0x30) {
        // DER, which begins with a SEQUENCE.
        store
            .add(CertificateDer::from(octets))
            .map_err(|error| of_no_use(error.to_string()))?;
        found += 1;
    } else {
        for certificate in CertificateDer::pem_slice_iter(&octets) {
            let certificate = certificate.map_err(|error| of_no_use(error.to_string()))?;
            store
                .add(certificate)
                .map_err(|error| of_no_use(error.to_string()))?;
            found += 1;
        }
    }
    if found == 0 {
        return Err(of_no_use("it holds no PEM certificate".into()));
    }
    Ok(())
}
