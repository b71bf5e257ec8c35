//! The certificate of the server, and the authority that has signed it: made at the first start, in files of
//! the data directory. Clients are given `ca.pem` and trust nothing else.
//!
//! The names of the certificate are beside it; a start with other names makes another certificate by the same
//! authority, so that clients notice nothing. An authority whose key is missing is never replaced by itself:
//! its clients would trust nobody any more.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::files;

const AUTHORITY: &str = "ca.pem";
const AUTHORITY_KEY: &str = "ca-key.pem";
const SERVER: &str = "server.pem";
const SERVER_KEY: &str = "server-key.pem";
const SERVER_NAMES: &str = "server-names.txt";

/// There is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file was not read or written.
    #[error("the server's certificate: {0}")]
    File(#[from] io::Error),
    /// A certificate cannot be made, or what is there is none.
    #[error(
        "the server's certificate: {0}; take {AUTHORITY} and {SERVER} away from the data directory to get new ones"
    )]
    Unusable(String),
    /// Another certificate is needed, and nobody can sign it.
    #[error(
        "the server's certificate: {AUTHORITY_KEY} is not in the data directory, and {AUTHORITY} signs \
         nothing without it; put it back, or take {AUTHORITY} away to get a new one, \
         which clients have to be given"
    )]
    NoAuthorityKey,
}

fn unusable(error: impl ToString) -> CertificateError {
    CertificateError::Unusable(error.to_string())
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("isobar control plane authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// The authority of a data directory, whose key this is; a new one if it has none.
fn authority(directory: &Path, key: Option<&[u8]>) -> Result<Issuer<'static, KeyPair>, CertificateError> {
    let key_path = directory.join(AUTHORITY_KEY);
    let certificate_path = directory.join(AUTHORITY);
    if files::read(&certificate_path, false)?.is_some() {
        let pem = key.ok_or(CertificateError::NoAuthorityKey)?;
        let key = KeyPair::from_pem(&String::from_utf8_lossy(pem)).map_err(unusable)?;
        return Ok(Issuer::new(authority_params(), key));
    }
    let key = KeyPair::generate().map_err(unusable)?;
    let certificate = authority_params().self_signed(&key).map_err(unusable)?;
    // What another authority has signed is good for nothing from here on.
    files::write(&directory.join(SERVER_NAMES), b"")?;
    files::write(&key_path, key.serialize_pem().as_bytes())?;
    files::write(&certificate_path, certificate.pem().as_bytes())?;
    Ok(Issuer::new(authority_params(), key))
}

/// Makes the certificate for these names, unless it is there.
fn issue(directory: &Path, names: &[String]) -> Result<(), CertificateError> {
    // Needed only to sign; but whenever it is there, others may not read it.
    let authority_key = files::read(&directory.join(AUTHORITY_KEY), true)?;
    let list = names.join("\n");
    let known = files::read(&directory.join(SERVER_NAMES), false)?;
    let is_there = files::read(&directory.join(AUTHORITY), false)?.is_some()
        && files::read(&directory.join(SERVER), false)?.is_some()
        && files::read(&directory.join(SERVER_KEY), true)?.is_some();
    if is_there && known.as_deref() == Some(list.as_bytes()) {
        return Ok(());
    }
    let issuer = authority(directory, authority_key.as_deref())?;
    let mut params = CertificateParams::default();
    params.distinguished_name = named("isobar control plane");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Python refuses a certificate that does not say which key has signed it.
    params.use_authority_key_identifier_extension = true;
    for name in names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into().map_err(unusable)?),
        });
    }
    let key = KeyPair::generate().map_err(unusable)?;
    let certificate = params.signed_by(&key, &issuer).map_err(unusable)?;
    // The names come last: without them, what was written half way is written again.
    files::write(&directory.join(SERVER_NAMES), b"")?;
    files::write(&directory.join(SERVER_KEY), key.serialize_pem().as_bytes())?;
    files::write(&directory.join(SERVER), certificate.pem().as_bytes())?;
    files::write(&directory.join(SERVER_NAMES), list.as_bytes())?;
    Ok(())
}

/// How to serve by these names, with the certificate of a data directory.
///
/// # Errors
/// `CertificateError`.
pub(crate) fn server_config(directory: &Path, names: &[String]) -> Result<ServerConfig, CertificateError> {
    issue(directory, names)?;
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let certificate = files::read(&directory.join(SERVER), false)?.ok_or_else(missing)?;
    let key = files::read(&directory.join(SERVER_KEY), true)?.ok_or_else(missing)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificate).collect();
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(unusable)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain.map_err(unusable)?, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data directory that has served by a name before.
    fn used() -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        start(&directory, "a.example").expect("a first start");
        directory
    }

    fn start(directory: &tempfile::TempDir, name: &str) -> Result<(), CertificateError> {
        server_config(directory.path(), &[name.to_owned()]).map(drop)
    }

    fn bytes(directory: &tempfile::TempDir, name: &str) -> Vec<u8> {
        std::fs::read(directory.path().join(name)).expect(name)
    }

    fn take_away(directory: &tempfile::TempDir, name: &str) {
        std::fs::remove_file(directory.path().join(name)).expect(name);
    }

    #[test]
    fn without_its_key_an_authority_stays_and_the_same_names_are_served() {
        let directory = used();
        let before = [AUTHORITY, SERVER].map(|name| bytes(&directory, name));
        take_away(&directory, AUTHORITY_KEY);
        start(&directory, "a.example").expect("it has all that it needs");
        let refused = start(&directory, "b.example").expect_err("nobody can sign");
        assert!(matches!(refused, CertificateError::NoAuthorityKey));
        let words = refused.to_string();
        assert!(words.contains("put it back, or take ca.pem away") && words.lines().count() == 1, "{words}");
        assert_eq!([AUTHORITY, SERVER].map(|name| bytes(&directory, name)), before);
    }

    #[test]
    fn other_names_are_served_by_the_same_authority() {
        let directory = used();
        let before = [AUTHORITY, SERVER].map(|name| bytes(&directory, name));
        start(&directory, "b.example").expect("another certificate");
        let after = [AUTHORITY, SERVER].map(|name| bytes(&directory, name));
        assert!(before[0] == after[0] && before[1] != after[1]);
    }

    #[test]
    fn without_an_authority_everything_is_made_anew() {
        let directory = used();
        let before = [AUTHORITY, SERVER].map(|name| bytes(&directory, name));
        take_away(&directory, AUTHORITY);
        start(&directory, "a.example").expect("a new authority");
        let after = [AUTHORITY, SERVER].map(|name| bytes(&directory, name));
        assert!(before[0] != after[0] && before[1] != after[1]);
    }
}
