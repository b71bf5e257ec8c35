//! A credential as a process uses it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use isobar_base::ClusterId;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::{Protection, Role};

/// What a process proves with who it is, and finds out who others are. Cheap to clone.
#[derive(Clone)]
pub struct Credential(Arc<Inner>);

struct Inner {
    cluster: ClusterId,
    role: Role,
    protection: Protection,
    connector: TlsConnector,
    acceptor: TlsAcceptor,
    node_name: ServerName<'static>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({} of cluster {})", self.0.role, self.0.cluster)
    }
}

impl Credential {
    /// Reads a credential: a PEM file that its owner alone may read, with the certificate, those of the
    /// authorities to trust, and the private key.
    ///
    /// # Errors
    /// When the file cannot be read, others may read it, or it does not hold a credential of this cluster;
    /// one line that says what to do.
    pub fn load(path: &Path, cluster: ClusterId, protection: Protection) -> io::Result<Credential> {
        use std::os::unix::fs::PermissionsExt;
        let shown = path.display();
        let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
        let failed = |e: io::Error| io::Error::new(e.kind(), format!("credential {shown}: {e}"));
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(invalid(format!(
                "credential {shown} may be read by others (mode {mode:o}): chmod 600 it"
            )));
        }
        let pem = std::fs::read(path).map_err(failed)?;
        Credential::parse(&pem, cluster, protection).map_err(|why| {
            invalid(format!("credential {shown}: {why}: copy it again from where it was made"))
        })
    }

    pub(crate) fn parse(
        pem: &[u8],
        cluster: ClusterId,
        protection: Protection,
    ) -> Result<Credential, String> {
        let text = |e: rustls::Error| e.to_string();
        let mut certificates = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| format!("no certificate can be read ({e})"))?;
        if certificates.len() < 2 {
            return Err("a certificate and that of its authority are not both there".to_owned());
        }
        let authorities = certificates.split_off(1);
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|e| format!("no private key ({e})"))?;
        let role = role_of(&certificates[0], cluster).ok_or("it is not of this cluster")?;
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority).map_err(text)?;
        }
        let (roots, provider) = (Arc::new(roots), Arc::new(provider()));
        let mut client = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13])
            .map_err(text)?
            .with_root_certificates(roots.clone())
            .with_client_auth_cert(certificates.clone(), key.clone_key())
            .map_err(text)?;
        client.alpn_protocols = vec![protection.alpn().to_vec()];
        client.resumption = Resumption::disabled();
        let members = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
            .build()
            .map_err(|e| e.to_string())?;
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(text)?
            .with_client_cert_verifier(members)
            .with_single_cert(certificates, key)
            .map_err(text)?;
        server.alpn_protocols = vec![protection.alpn().to_vec()];
        server.send_tls13_tickets = 0;
        let node_name = Role::Node.dns_name(cluster).try_into().map_err(|_| "no name for nodes")?;
        Ok(Credential(Arc::new(Inner {
            cluster,
            role,
            protection,
            connector: TlsConnector::from(Arc::new(client)),
            acceptor: TlsAcceptor::from(Arc::new(server)),
            node_name,
        })))
    }

    /// The cluster it belongs to.
    pub fn cluster(&self) -> ClusterId {
        self.0.cluster
    }

    /// What its owner is.
    pub fn role(&self) -> Role {
        self.0.role
    }

    pub(crate) fn protection(&self) -> Protection {
        self.0.protection
    }

    pub(crate) fn connector(&self) -> &TlsConnector {
        &self.0.connector
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.0.acceptor
    }

    /// The name that the certificates of nodes have.
    pub(crate) fn node_name(&self) -> ServerName<'static> {
        self.0.node_name.clone()
    }

    /// What the owner of a certificate is, which the authority has been found to have signed.
    pub(crate) fn role_of(&self, certificate: &CertificateDer<'_>) -> Option<Role> {
        role_of(certificate, self.0.cluster)
    }
}

fn role_of(certificate: &CertificateDer<'_>, cluster: ClusterId) -> Option<Role> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    certificate.valid_dns_names().find_map(|name| Role::of_dns_name(name, cluster))
}

/// The quickest cipher first: 128 bits are enough.
fn provider() -> CryptoProvider {
    use ring::cipher_suite::{
        TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
    };
    CryptoProvider {
        cipher_suites: vec![
            TLS13_AES_128_GCM_SHA256,
            TLS13_AES_256_GCM_SHA384,
            TLS13_CHACHA20_POLY1305_SHA256,
        ],
        ..ring::default_provider()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const CLUSTER: ClusterId = ClusterId(7);

    #[test]
    fn a_credential_that_others_can_read_or_of_another_cluster_is_refused_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        crate::CredentialSet::generate(CLUSTER).unwrap().store(dir.path()).unwrap();
        for role in Role::ALL {
            let path = dir.path().join(role.file_name());
            assert_eq!(Credential::load(&path, CLUSTER, Protection::Clear).unwrap().role(), role);
        }
        let path = dir.path().join("client.pem");
        let load = |cluster| Credential::load(&path, cluster, Protection::Clear).unwrap_err().to_string();
        assert!(load(ClusterId(8)).contains("not of this cluster"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load(CLUSTER).contains("mode 644") && load(CLUSTER).contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let pem = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &pem[..pem.len() / 2]).unwrap();
        assert!(load(CLUSTER).contains("copy it again"), "{}", load(CLUSTER));
        std::fs::remove_file(&path).unwrap();
        assert!(load(CLUSTER).contains("client.pem"));
    }

    #[test]
    fn new_credentials_take_the_place_of_old_ones() {
        let dir = tempfile::tempdir().unwrap();
        crate::CredentialSet::generate(CLUSTER).unwrap().store(dir.path()).unwrap();
        let old = std::fs::read(dir.path().join("node.pem")).unwrap();
        crate::CredentialSet::generate(CLUSTER).unwrap().store(dir.path()).unwrap();
        assert_ne!(old, std::fs::read(dir.path().join("node.pem")).unwrap());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), Role::ALL.len());
    }
}
