//! The mutual proof of the cluster's secret that every connection starts with.
//!
//! ```text
//! client → magic "ISOH", version u16, 0u16, cluster id u64, nonce [16]
//! server → nonce [16], HMAC-SHA256(secret, "isobar server" | both nonces | cluster)   or a refusal
//! client → HMAC-SHA256(secret, "isobar client" | both nonces | cluster)
//! server → 0 for welcome, or a refusal
//! ```
//! A refusal is its length in one byte (never 0) and that many bytes of text. A client that does not believe
//! the server's proof says so with zeros in the place of its own; one that hangs up there has given up
//! waiting. After the proof, bytes
//! travel in the clear: the secret keeps strangers out of the protocol, not off the network.

use std::io;
use std::path::Path;

use hmac::{Hmac, Mac};
use isobar_base::ClusterId;
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const MAGIC: [u8; 4] = *b"ISOH";
const NONCE_BYTES: usize = 16;
const PROOF_BYTES: usize = 32;
const HELLO_BYTES: usize = 32;
const VERSION: u16 = 1;
/// In the place of a proof: the other side's was wrong.
const DISBELIEF: [u8; PROOF_BYTES] = [0; PROOF_BYTES];

/// The secret every node and client of a cluster knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    key: [u8; 32],
    cluster: ClusterId,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret(of cluster {})", self.cluster)
    }
}

/// Why a connection was not opened.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The other side does not speak this protocol.
    #[error("the other side does not speak this protocol")]
    Foreign,
    /// The other side refused, and said why.
    #[error("refused: {0}")]
    Refused(String),
    /// The other side did not prove that it knows the secret.
    #[error("the other side does not know the cluster's secret")]
    Unproven,
    /// The other side did not go on in time, or hung up instead. It may be a member that has much to do.
    #[error("timed out before the secret was proven")]
    TimedOut,
}

impl HandshakeError {
    /// Whether one side takes the other for somebody who does not belong to the cluster.
    pub fn is_rejection(&self) -> bool {
        match self {
            HandshakeError::Io(_) | HandshakeError::TimedOut => false,
            HandshakeError::Foreign | HandshakeError::Refused(_) | HandshakeError::Unproven => true,
        }
    }
}

impl Secret {
    /// A new random secret for a cluster.
    pub fn generate(cluster: ClusterId) -> Secret {
        let mut key = [0; 32];
        for part in key.chunks_mut(8) {
            part.copy_from_slice(&isobar_base::random_u64().to_le_bytes());
        }
        Secret { key, cluster }
    }

    /// Reads the key file: 64 hexadecimal digits, readable by its owner alone.
    ///
    /// # Errors
    /// When the file cannot be read, others may read it, or it does not hold a key.
    pub fn load(path: &Path, cluster: ClusterId) -> io::Result<Secret> {
        use std::os::unix::fs::PermissionsExt;
        let named = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
        let mode = std::fs::metadata(path)
            .map_err(|e| io::Error::new(e.kind(), format!("secret {}: {e}", path.display())))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(named(format!(
                "secret {} may be read by others (mode {:o}): chmod 600 it",
                path.display(),
                mode & 0o777
            )));
        }
        let text = std::fs::read_to_string(path)?;
        let digits = text.trim().as_bytes();
        let mut key = [0; 32];
        let valid = digits.len() == 64
            && digits.chunks(2).zip(&mut key).all(|(pair, byte)| {
                std::str::from_utf8(pair)
                    .ok()
                    .and_then(|p| u8::from_str_radix(p, 16).ok())
                    .map(|b| *byte = b)
                    .is_some()
            });
        if !valid {
            return Err(named(format!("secret {} does not hold 64 hexadecimal digits", path.display())));
        }
        Ok(Secret { key, cluster })
    }

    /// Writes the key file with mode 0600. Fails if it exists.
    ///
    /// # Errors
    /// Of the file system.
    pub fn store(&self, path: &Path) -> io::Result<()> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let digits: String = self.key.iter().map(|b| format!("{b:02x}")).collect();
        writeln!(file, "{digits}")?;
        file.sync_all()
    }

    /// The cluster the secret belongs to.
    pub fn cluster(&self) -> ClusterId {
        self.cluster
    }

    fn mac(&self, role: &[u8], nonces: [&[u8]; 2]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key)
            .unwrap_or_else(|_| unreachable!("INVARIANT: HMAC takes keys of any length"));
        for part in [role, nonces[0], nonces[1], &self.cluster.0.to_le_bytes()] {
            mac.update(part);
        }
        mac
    }

    /// The side that opened the connection.
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
    ) -> Result<(), HandshakeError> {
        let ours = nonce();
        let mut hello = [0; HELLO_BYTES];
        hello[..4].copy_from_slice(&MAGIC);
        hello[4..6].copy_from_slice(&VERSION.to_le_bytes());
        hello[8..16].copy_from_slice(&self.cluster.0.to_le_bytes());
        hello[16..].copy_from_slice(&ours);
        stream.write_all(&hello).await?;
        read_verdict(stream).await?;
        let mut answer = [0; NONCE_BYTES + PROOF_BYTES];
        stream.read_exact(&mut answer).await?;
        let (theirs, proof) = answer.split_at(NONCE_BYTES);
        if self.mac(b"isobar server", [&ours, theirs]).verify_slice(proof).is_err() {
            stream.write_all(&DISBELIEF).await?;
            return Err(HandshakeError::Unproven);
        }
        let proof = self.mac(b"isobar client", [&ours, theirs]).finalize().into_bytes();
        stream.write_all(&proof).await?;
        read_verdict(stream).await
    }

    /// The side that accepted the connection. A stranger is told why it is refused.
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub async fn welcome<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
    ) -> Result<(), HandshakeError> {
        let mut hello = [0; HELLO_BYTES];
        stream.read_exact(&mut hello).await?;
        if hello[..4] != MAGIC {
            return Err(HandshakeError::Foreign);
        }
        if hello[4..6] != VERSION.to_le_bytes() {
            return refuse(stream, "another protocol version: use the same release on both sides").await;
        }
        if hello[8..16] != self.cluster.0.to_le_bytes() {
            return refuse(stream, "this node belongs to another cluster").await;
        }
        let theirs = &hello[16..];
        let ours = nonce();
        let proof = self.mac(b"isobar server", [theirs, &ours]).finalize().into_bytes();
        stream.write_all(&[&[0][..], &ours, &proof].concat()).await?;
        let mut answer = [0; PROOF_BYTES];
        stream.read_exact(&mut answer).await.map_err(|_| HandshakeError::TimedOut)?;
        if answer == DISBELIEF {
            return Err(HandshakeError::Unproven);
        }
        if self.mac(b"isobar client", [theirs, &ours]).verify_slice(&answer).is_err() {
            return refuse(stream, "wrong secret for this cluster").await;
        }
        stream.write_all(&[0]).await?;
        Ok(())
    }
}

fn nonce() -> [u8; NONCE_BYTES] {
    (u128::from(isobar_base::random_u64()) << 64 | u128::from(isobar_base::random_u64())).to_le_bytes()
}

async fn refuse<S: AsyncWrite + Unpin>(stream: &mut S, why: &str) -> Result<(), HandshakeError> {
    stream.write_all(&[&[why.len() as u8][..], why.as_bytes()].concat()).await?;
    stream.shutdown().await.ok();
    Err(HandshakeError::Refused(why.to_owned()))
}

async fn read_verdict<S: AsyncRead + Unpin>(stream: &mut S) -> Result<(), HandshakeError> {
    let len = stream.read_u8().await?;
    if len == 0 {
        return Ok(());
    }
    let mut text = vec![0; usize::from(len)];
    stream.read_exact(&mut text).await?;
    Err(HandshakeError::Refused(String::from_utf8_lossy(&text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn meet(
        client: Secret,
        server: Secret,
    ) -> (Result<(), HandshakeError>, Result<(), HandshakeError>) {
        let (mut a, mut b) = tokio::io::duplex(1024);
        tokio::join!(async move { client.greet(&mut a).await }, async move { server.welcome(&mut b).await })
    }

    #[tokio::test]
    async fn members_of_a_cluster_recognise_each_other() {
        let secret = Secret::generate(ClusterId(7));
        let (client, server) = meet(secret.clone(), secret).await;
        assert!(client.is_ok() && server.is_ok());
    }

    #[tokio::test]
    async fn a_stranger_is_refused_by_both_sides() {
        let (client, server) = meet(Secret::generate(ClusterId(7)), Secret::generate(ClusterId(7))).await;
        assert!(matches!(client, Err(HandshakeError::Unproven)));
        assert!(matches!(server, Err(HandshakeError::Unproven)));
    }

    #[tokio::test]
    async fn a_member_that_gives_up_waiting_is_no_stranger() {
        let secret = Secret::generate(ClusterId(7));
        let (mut a, mut b) = tokio::io::duplex(1024);
        let greeting = async {
            let mut hello = [0; HELLO_BYTES];
            hello[..4].copy_from_slice(&MAGIC);
            hello[4..6].copy_from_slice(&VERSION.to_le_bytes());
            hello[8..16].copy_from_slice(&secret.cluster.0.to_le_bytes());
            a.write_all(&hello).await.unwrap();
            // It has the server's proof, and its own time is up.
            let mut answer = [0; 1 + NONCE_BYTES + PROOF_BYTES];
            a.read_exact(&mut answer).await.unwrap();
            drop(a);
        };
        let ((), server) = tokio::join!(greeting, secret.welcome(&mut b));
        let error = server.unwrap_err();
        assert!(matches!(error, HandshakeError::TimedOut) && !error.is_rejection(), "{error}");
    }

    #[tokio::test]
    async fn a_member_of_another_cluster_is_told_so() {
        let (client, _) = meet(Secret::generate(ClusterId(7)), Secret::generate(ClusterId(8))).await;
        assert!(matches!(client, Err(HandshakeError::Refused(why)) if why.contains("another cluster")));
    }

    #[test]
    fn a_key_file_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("isobar-secret-{}", isobar_base::random_u64()));
        let secret = Secret::generate(ClusterId(7));
        secret.store(&path).unwrap();
        assert!(Secret::load(&path, ClusterId(7)).unwrap() == secret);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Secret::load(&path, ClusterId(7)).unwrap_err().to_string().contains("chmod 600"));
        std::fs::remove_file(&path).unwrap();
    }
}
