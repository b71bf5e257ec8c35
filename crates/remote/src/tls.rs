//! Whom to trust: the authority that is named, or else those of this machine.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::error::RemoteError;

/// A connector that trusts the authorities in this text (PEM), or those of this machine.
pub(crate) fn connector(authority: Option<&str>) -> Result<TlsConnector, RemoteError> {
    let roots = match authority {
        Some(pem) => named(pem)?,
        None => of_this_machine(),
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| RemoteError::Authority(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn named(pem: &str) -> Result<RootCertStore, RemoteError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| RemoteError::Authority(error.to_string()))?;
        roots.add(certificate).map_err(|error| RemoteError::Authority(error.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(RemoteError::Authority("there is none in the file: it has to be in PEM".to_owned())),
        false => Ok(roots),
    }
}

/// Where there are none, no server is trusted, and the refusal says so.
fn of_this_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
