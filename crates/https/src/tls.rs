//! Whom to trust: the authorities that are named, those of this machine, or both.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::error::HttpsError;

/// Whom to trust. Reading the machine's authorities takes a while: keep it.
#[derive(Clone)]
pub struct Trust {
    /// A connector that does.
    pub(crate) connector: TlsConnector,
}

impl Trust {
    /// The authorities of this machine. Where there are none, no server is trusted, and the refusal says so.
    ///
    /// # Errors
    /// TLS cannot be used at all.
    pub fn of_this_machine() -> Result<Trust, HttpsError> {
        Trust::new(of_this_machine())
    }

    /// The authorities in this text (PEM), and no others.
    ///
    /// # Errors
    /// There are none in it.
    pub fn only(pem: &str) -> Result<Trust, HttpsError> {
        Trust::new(named(pem)?)
    }

    /// The authorities in this text (PEM), and those of this machine.
    ///
    /// # Errors
    /// There are none in it.
    pub fn also(pem: &str) -> Result<Trust, HttpsError> {
        let mut roots = of_this_machine();
        roots.extend(named(pem)?.roots);
        Trust::new(roots)
    }

    fn new(roots: RootCertStore) -> Result<Trust, HttpsError> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| HttpsError::Authority(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Trust { connector: TlsConnector::from(Arc::new(config)) })
    }
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

fn named(pem: &str) -> Result<RootCertStore, HttpsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| HttpsError::Authority(error.to_string()))?;
        roots.add(certificate).map_err(|error| HttpsError::Authority(error.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(HttpsError::Authority("there is none in the file: it has to be in PEM".to_owned())),
        false => Ok(roots),
    }
}

fn of_this_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
