//! Makes credentials: an authority of its own for each set, whose key is forgotten.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use isobar_base::ClusterId;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};

use crate::{Credential, Protection, Role};

/// Signs certificates of one cluster.
pub(crate) struct Authority {
    cluster: ClusterId,
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// A new authority with a key of its own (ECDSA, P-256).
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub(crate) fn generate(cluster: ClusterId) -> Result<Authority, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named(format!("isobar cluster {cluster}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Authority { cluster, issuer: Issuer::new(params, key), certificate })
    }

    /// A new credential: its certificate, that of the authority, and the private key. It does not expire: a
    /// file system that stops on a certain day is worse than a key that is replaced when somebody wants to.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub(crate) fn issue(&self, role: Role) -> Result<String, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![role.dns_name(self.cluster)])?;
        params.distinguished_name = named(format!("isobar cluster {} {role}", self.cluster));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = match role {
            Role::Client | Role::Administrator => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Role::Node => vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth],
        };
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(format!("{certificate}{}{}", self.certificate, key.serialize_pem()))
    }
}

fn named(name: String) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// A credential of each role, of one authority: who has one of another set is a stranger. The authority's key
/// is gone once the set is made.
pub struct CredentialSet {
    cluster: ClusterId,
    pem: Vec<(Role, String)>,
}

impl CredentialSet {
    /// A new set for a cluster.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn generate(cluster: ClusterId) -> io::Result<CredentialSet> {
        let authority = Authority::generate(cluster).map_err(io::Error::other)?;
        let issue = |role| Ok((role, authority.issue(role).map_err(io::Error::other)?));
        Ok(CredentialSet { cluster, pem: Role::ALL.into_iter().map(issue).collect::<io::Result<_>>()? })
    }

    /// Writes a file for each role into `dir`, of mode 0600, instead of those that are there.
    ///
    /// # Errors
    /// Of the file system.
    pub fn store(&self, dir: &Path) -> io::Result<()> {
        let mut ready = Vec::new();
        for (role, pem) in &self.pem {
            let path = dir.join(role.file_name());
            let new = path.with_extension("pem.new");
            let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", new.display()));
            std::fs::remove_file(&new).ok();
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
            let file = file.as_mut().map_err(|e| named(io::Error::from(e.kind())))?;
            file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(named)?;
            ready.push((new, path));
        }
        // All of one set, or the old ones.
        for (new, path) in ready {
            std::fs::rename(new, path)?;
        }
        std::fs::File::open(dir)?.sync_all()
    }

    /// One of them, without a file.
    ///
    /// # Panics
    /// Never: a set has a valid credential of each role.
    pub fn get(&self, role: Role, protection: Protection) -> Credential {
        let pem = self.pem.iter().find(|(of, _)| *of == role).map_or("", |(_, pem)| pem);
        Credential::parse(pem.as_bytes(), self.cluster, protection)
            .unwrap_or_else(|e| panic!("INVARIANT: what was issued can be used: {e}"))
    }
}
