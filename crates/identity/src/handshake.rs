//! The handshake that every connection begins with, and what becomes of the stream.
//!
//! ```text
//! client ⇄ server   TLS 1.3; both present a certificate of the cluster's authority, the server a node's
//!                   ALPN: "isobar/1" to stay encrypted, "isobar/1-clear" to go on in clear afterwards
//! client ← server   one byte of TLS data, 0: the certificate was accepted
//! ```
//! A side that does not believe the other one says so with a TLS alert. There are no tickets: nothing follows
//! the byte but messages.

use std::io;
use std::time::Duration;

use rustls::AlertDescription;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsStream;

use crate::credential::Credential;
use crate::records::Records;
use crate::{Protection, Role};

/// Encrypted bytes that wait for the network, per connection.
const WRITE_BUFFER_BYTES: usize = 256 << 10;
/// What the server says after the handshake.
const WELCOME: u8 = 0;
/// One who is refused may take so long to read why.
const FAREWELL_MAX: Duration = Duration::from_millis(500);
/// And may have sent so much already.
const FAREWELL_BYTES_MAX: usize = 64 << 10;
const OTHER_PROTOCOL: &str = "one side encrypts and the other does not, or they are of different releases: \
                              `encrypt` in cluster.toml is the same everywhere";
const OTHER_CREDENTIAL: &str = "the credential is not of this cluster, or was replaced";

/// A stream whose both sides have proved who they are.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one for each connection")]
pub enum Secured<S> {
    /// Goes on in clear.
    Clear(S),
    /// Is encrypted.
    Encrypted(EncryptedStream<S>),
}

/// An encrypted stream.
#[derive(Debug)]
pub struct EncryptedStream<S>(TlsStream<Records<S>>);

/// Why a connection was not opened.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The other side does not speak this protocol.
    #[error("the other side does not speak this protocol")]
    Foreign,
    /// The other side refused, or would refuse.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The other side did not prove that it is what it should be.
    #[error("the other side does not belong to this cluster")]
    Unproven,
    /// The other side did not go on in time. It may be a member that has much to do.
    #[error("timed out before the credentials were proven")]
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

impl Credential {
    /// The side that opened the connection. The other side is a node of the cluster.
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> Result<Secured<S>, HandshakeError> {
        let connecting = self.connector().connect(self.node_name(), Records::new(stream));
        let mut stream = connecting.await.map_err(judge)?;
        let mut said = [0];
        stream.read_exact(&mut said).await.map_err(judge)?;
        if said != [WELCOME] {
            return Err(HandshakeError::Foreign);
        }
        Ok(self.secured(stream.into()))
    }

    /// The side that accepted the connection, and what the other one is.
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub async fn welcome<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> Result<(Role, Secured<S>), HandshakeError> {
        let accepting = self.acceptor().accept(Records::new(stream)).into_fallible();
        let mut stream = match accepting.await {
            Ok(stream) => stream,
            Err((error, records)) => {
                see_off(records.into_inner()).await;
                return Err(judge(error));
            }
        };
        let certificates = stream.get_ref().1.peer_certificates();
        let certificate = certificates.and_then(|all| all.first()).ok_or(HandshakeError::Unproven)?;
        let role = self.role_of(certificate).ok_or(HandshakeError::Unproven)?;
        stream.write_all(&[WELCOME]).await.map_err(judge)?;
        stream.flush().await.map_err(judge)?;
        Ok((role, self.secured(stream.into())))
    }

    fn secured<S>(&self, mut stream: TlsStream<Records<S>>) -> Secured<S> {
        match (self.protection(), &mut stream) {
            (Protection::Clear, _) => Secured::Clear(match stream {
                TlsStream::Client(stream) => stream.into_inner().0.into_inner(),
                TlsStream::Server(stream) => stream.into_inner().0.into_inner(),
            }),
            (Protection::Encrypted, TlsStream::Client(tls)) => {
                tls.get_mut().1.set_buffer_limit(Some(WRITE_BUFFER_BYTES));
                tls.get_mut().0.read_ahead();
                Secured::Encrypted(EncryptedStream(stream))
            }
            (Protection::Encrypted, TlsStream::Server(tls)) => {
                tls.get_mut().1.set_buffer_limit(Some(WRITE_BUFFER_BYTES));
                tls.get_mut().0.read_ahead();
                Secured::Encrypted(EncryptedStream(stream))
            }
        }
    }
}

/// Lets the other side read why it is refused: closing at once, with something unread, would take it back.
async fn see_off<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let mut rest = [0; 1024];
    let reading = async {
        stream.shutdown().await.ok();
        for _ in 0..FAREWELL_BYTES_MAX / rest.len() {
            if stream.read(&mut rest).await.unwrap_or(0) == 0 {
                break;
            }
        }
    };
    tokio::time::timeout(FAREWELL_MAX, reading).await.ok();
}

/// What an error of TLS means.
fn judge(error: io::Error) -> HandshakeError {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return HandshakeError::Io(error);
    };
    match tls {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            HandshakeError::Unproven
        }
        rustls::Error::NoApplicationProtocol
        | rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            HandshakeError::Refused(OTHER_PROTOCOL)
        }
        rustls::Error::AlertReceived(_) => HandshakeError::Refused(OTHER_CREDENTIAL),
        _ => HandshakeError::Foreign,
    }
}

/// Reading and writing go through, whatever the sides are called.
mod stream {
    use std::io::{IoSlice, Result};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::EncryptedStream;

    impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for EncryptedStream<S> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<Result<()>> {
            Pin::new(&mut self.0).poll_read(cx, buf)
        }
    }

    impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for EncryptedStream<S> {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, buf)
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<Result<usize>> {
            Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
        }

        fn is_write_vectored(&self) -> bool {
            self.0.is_write_vectored()
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CredentialSet;
    use isobar_base::ClusterId;

    const CLUSTER: ClusterId = ClusterId(7);

    struct Set(CredentialSet);

    impl Set {
        fn new(cluster: ClusterId) -> Set {
            Set(CredentialSet::generate(cluster).unwrap())
        }

        fn get(&self, role: Role, protection: Protection) -> Credential {
            self.0.get(role, protection)
        }
    }

    type Met<S> = (Result<Secured<S>, HandshakeError>, Result<(Role, Secured<S>), HandshakeError>);

    async fn meet(client: &Credential, server: &Credential) -> Met<tokio::io::DuplexStream> {
        let (a, b) = tokio::io::duplex(1024);
        tokio::join!(client.greet(a), server.welcome(b))
    }

    #[tokio::test]
    async fn members_recognise_each_other_and_what_they_are() {
        let set = Set::new(CLUSTER);
        for protection in [Protection::Encrypted, Protection::Clear] {
            let node = set.get(Role::Node, protection);
            for role in Role::ALL {
                let (client, server) = meet(&set.get(role, protection), &node).await;
                let (mut client, (found, mut server)) = (client.unwrap(), server.unwrap());
                assert_eq!(found, role);
                // What follows at once is not lost among what the handshake has read.
                for way in 0..2 {
                    let (one, other) =
                        if way == 0 { (&mut client, &mut server) } else { (&mut server, &mut client) };
                    let mut read = [0; 5];
                    match (one, other) {
                        (Secured::Clear(one), Secured::Clear(other)) => {
                            one.write_all(b"hello").await.unwrap();
                            other.read_exact(&mut read).await.unwrap();
                        }
                        (Secured::Encrypted(one), Secured::Encrypted(other)) => {
                            one.write_all(b"hello").await.unwrap();
                            one.flush().await.unwrap();
                            other.read_exact(&mut read).await.unwrap();
                        }
                        _ => panic!("the sides do not mean the same"),
                    }
                    assert_eq!(&read, b"hello");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_stranger_is_refused_by_both_sides() {
        let (ours, theirs) = (Set::new(CLUSTER), Set::new(CLUSTER));
        let stranger = theirs.get(Role::Node, Protection::Encrypted);
        let (client, server) = meet(&stranger, &ours.get(Role::Node, Protection::Encrypted)).await;
        assert!(matches!(client, Err(HandshakeError::Unproven)));
        assert!(matches!(server, Err(HandshakeError::Refused(_))));
    }

    #[tokio::test]
    async fn who_holds_a_clients_credential_is_not_taken_for_a_node() {
        let set = Set::new(CLUSTER);
        for role in [Role::Client, Role::Administrator] {
            let false_node = set.get(role, Protection::Encrypted);
            let (client, _) = meet(&set.get(Role::Client, Protection::Encrypted), &false_node).await;
            assert!(matches!(client, Err(HandshakeError::Unproven)), "{role}");
        }
    }

    #[tokio::test]
    async fn who_encrypts_does_not_speak_with_who_does_not() {
        let set = Set::new(CLUSTER);
        let client = set.get(Role::Client, Protection::Clear);
        let (client, server) = meet(&client, &set.get(Role::Node, Protection::Encrypted)).await;
        let why = client.unwrap_err();
        assert!(why.is_rejection() && why.to_string().contains("`encrypt` in cluster.toml"), "{why}");
        assert!(server.unwrap_err().to_string().contains("`encrypt` in cluster.toml"));
    }

    #[tokio::test]
    async fn what_is_no_member_at_all_is_foreign_and_who_hangs_up_is_none() {
        let set = Set::new(CLUSTER);
        let node = set.get(Role::Node, Protection::Encrypted);
        let (mut a, b) = tokio::io::duplex(1024);
        a.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert!(matches!(node.welcome(b).await, Err(HandshakeError::Foreign)));
        let (a, b) = tokio::io::duplex(1024);
        drop(a);
        assert!(!node.welcome(b).await.unwrap_err().is_rejection());
    }

    #[tokio::test]
    async fn bytes_that_were_changed_on_the_way_end_an_encrypted_connection() {
        let set = Set::new(CLUSTER);
        let (client, node) =
            (set.get(Role::Client, Protection::Encrypted), set.get(Role::Node, Protection::Encrypted));
        let (a, mut near) = tokio::io::duplex(1 << 16);
        let (mut far, b) = tokio::io::duplex(1 << 16);
        let proxy = tokio::spawn(async move {
            tokio::io::copy_bidirectional(&mut near, &mut far).await.map(|_| ()).ok();
            (near, far)
        });
        let (client, server) = tokio::join!(client.greet(a), node.welcome(b));
        let (Ok(Secured::Encrypted(mut client)), Ok((_, Secured::Encrypted(mut server)))) = (client, server)
        else {
            panic!("not open");
        };
        // From here on the way between them is not theirs.
        proxy.abort();
        assert!(proxy.await.is_err());
        let (mut ours, theirs) = tokio::io::duplex(1 << 16);
        swap(&mut client, theirs);
        client.write_all(b"remove nothing").await.unwrap();
        client.flush().await.unwrap();
        let mut bytes = vec![0; 1024];
        let read = ours.read(&mut bytes).await.unwrap();
        assert!(!bytes[..read].windows(6).any(|w| w == b"remove"), "in clear");
        bytes[read - 20] ^= 1;
        let (mut changed, at_server) = tokio::io::duplex(1 << 16);
        swap(&mut server, at_server);
        changed.write_all(&bytes[..read]).await.unwrap();
        assert!(server.read(&mut [0; 64]).await.is_err());
    }

    fn swap(stream: &mut EncryptedStream<tokio::io::DuplexStream>, with: tokio::io::DuplexStream) {
        let mut below = Records::new(with);
        below.read_ahead();
        match &mut stream.0 {
            TlsStream::Client(tls) => *tls.get_mut().0 = below,
            TlsStream::Server(tls) => *tls.get_mut().0 = below,
        }
    }
}
