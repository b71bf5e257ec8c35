//! The certificate of the server: one that it is given, or one that our own authority has signed.
//!
//! The authority is common to all processes of a database; clients are given its certificate, `ca.pem`, and
//! trust nothing else. What it has signed for this process is in the data directory, with the names of it
//! beside: a start with other names makes another certificate by the same authority, so that clients notice
//! nothing.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
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

/// The authority's certificate in the data directory.
pub(crate) const AUTHORITY: &str = "ca.pem";
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
    #[error("the server's certificate: {0}; take {SERVER} away from the data directory to get another one")]
    Unusable(String),
    /// The one that it is given is none, or its key is another's.
    #[error("{}: {why}", path.display())]
    Given {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// A certificate that the server is given, with what is between it and an authority, and its key; both in
/// PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GivenCertificate {
    /// The file of the certificates, the server's own first.
    pub certificate: PathBuf,
    /// The file of the key, which others may not read.
    pub key: PathBuf,
}

/// Our own authority.
pub(crate) struct Authority {
    /// Its certificate.
    pub certificate_pem: String,
    /// Its key.
    pub key_pem: String,
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

impl Authority {
    /// Draws one.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub(crate) fn draw() -> Result<Authority, CertificateError> {
        let key = KeyPair::generate().map_err(unusable)?;
        let certificate_pem = authority_params().self_signed(&key).map_err(unusable)?.pem();
        Ok(Authority { certificate_pem, key_pem: key.serialize_pem() })
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, CertificateError> {
        Ok(Issuer::new(authority_params(), KeyPair::from_pem(&self.key_pem).map_err(unusable)?))
    }

    /// Makes the certificate for these names in a data directory, unless it is there.
    fn issue(&self, directory: &Path, names: &[String]) -> Result<(), CertificateError> {
        let of = |name: &str| directory.join(name);
        let list = names.join("\n");
        let has = |name: &str, text: &str| Ok::<_, io::Error>(is(files::read(&of(name), false)?, text));
        let is_there =
            files::read(&of(SERVER), false)?.is_some() && files::read(&of(SERVER_KEY), true)?.is_some();
        if is_there && has(AUTHORITY, &self.certificate_pem)? && has(SERVER_NAMES, &list)? {
            return Ok(());
        }
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
        let certificate = params.signed_by(&key, &self.issuer()?).map_err(unusable)?;
        // The names come last: without them, what was written half way is written again.
        files::write(&of(SERVER_NAMES), b"")?;
        files::write(&of(AUTHORITY), self.certificate_pem.as_bytes())?;
        files::write(&of(SERVER_KEY), key.serialize_pem().as_bytes())?;
        files::write(&of(SERVER), certificate.pem().as_bytes())?;
        files::write(&of(SERVER_NAMES), list.as_bytes())?;
        Ok(())
    }
}

fn is(bytes: Option<Vec<u8>>, text: &str) -> bool {
    bytes.as_deref() == Some(text.as_bytes())
}

/// How to serve by these names, with a certificate that our authority has signed for this data directory.
///
/// # Errors
/// `CertificateError`.
pub(crate) fn server_config(
    directory: &Path,
    authority: &Authority,
    names: &[String],
) -> Result<ServerConfig, CertificateError> {
    authority.issue(directory, names)?;
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let certificate = files::read(&directory.join(SERVER), false)?.ok_or_else(missing)?;
    let key = files::read(&directory.join(SERVER_KEY), true)?.ok_or_else(missing)?;
    config(&certificate, &key).map_err(unusable)
}

/// How to serve with a certificate that was given. Our authority's goes from the data directory: whoever
/// finds it there would trust nobody else. A start without a given one puts it back.
///
/// # Errors
/// `File`, `Given`.
pub(crate) fn given_config(
    directory: &Path,
    given: &GivenCertificate,
) -> Result<ServerConfig, CertificateError> {
    let missing = |path: &Path| {
        io::Error::new(io::ErrorKind::NotFound, format!("{}: there is no such file", path.display()))
    };
    let read = |path: &Path, is_secret| {
        files::read(path, is_secret)?.ok_or_else(|| CertificateError::File(missing(path)))
    };
    let (certificate, key) = (read(&given.certificate, false)?, read(&given.key, true)?);
    let config = config(&certificate, &key)
        .map_err(|why| CertificateError::Given { path: given.certificate.clone(), why })?;
    match std::fs::remove_file(directory.join(AUTHORITY)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(config),
    }
}

fn config(certificate: &[u8], key: &[u8]) -> Result<ServerConfig, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.map_err(|error| error.to_string())?;
    if chain.is_empty() {
        return Err("there is no certificate in it: it has to be in PEM".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| format!("its key: {error}"))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(directory: &tempfile::TempDir, authority: &Authority, name: &str) -> [Vec<u8>; 2] {
        server_config(directory.path(), authority, &[name.to_owned()]).expect("it serves");
        [AUTHORITY, SERVER].map(|name| std::fs::read(directory.path().join(name)).expect(name))
    }

    #[test]
    fn the_same_names_are_served_with_the_same_certificate_and_others_by_the_same_authority() {
        let (directory, authority) =
            (tempfile::tempdir().expect("a directory"), Authority::draw().expect("one"));
        let first = start(&directory, &authority, "a.example");
        assert_eq!(start(&directory, &authority, "a.example"), first);
        let other = start(&directory, &authority, "b.example");
        assert!(other[0] == first[0] && other[1] != first[1]);
    }

    #[test]
    fn by_another_authority_everything_is_made_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = start(&directory, &Authority::draw().expect("one"), "a.example");
        let other = start(&directory, &Authority::draw().expect("another"), "a.example");
        assert!(other[0] != first[0] && other[1] != first[1]);
    }

    #[test]
    fn a_given_certificate_is_served_and_what_is_none_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        start(&directory, &Authority::draw().expect("one"), "a.example");
        let (path, served) =
            (|name: &str| directory.path().join(name), tempfile::tempdir().expect("a directory"));
        let of = |certificate: &str, key: &str| {
            let given = GivenCertificate { certificate: path(certificate), key: path(key) };
            given_config(served.path(), &given).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(of(SERVER, SERVER_KEY), Ok(()));
        for (certificate, key, words) in [
            (AUTHORITY, SERVER_KEY, "ca.pem: "),
            (SERVER_NAMES, SERVER_KEY, "there is no certificate in it"),
            (SERVER, SERVER_NAMES, "server.pem: its key"),
            ("nothing.pem", SERVER_KEY, "nothing.pem: there is no such file"),
        ] {
            let refused = of(certificate, key).expect_err(words);
            assert!(refused.contains(words) && refused.lines().count() == 1, "{refused}");
        }
    }
}
