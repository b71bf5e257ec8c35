//! Who is who in a cluster: credentials of three roles, and the handshake in which both sides of a connection
//! prove theirs.
//!
//! A [`Credential`] is one PEM file: a certificate that names the cluster and the [`Role`], its private key,
//! and the certificate of the authority that both sides trust. A connection begins with TLS 1.3, in which
//! each side proves that it has the key to a certificate of that authority. Then it stays encrypted, or, on
//! networks that are trusted, goes on in clear ([`Protection`]).
//!
//! A [`CredentialSet`] is made with an authority that ends with it: its key is never written, so nobody can
//! make a fourth credential.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod authority;
mod credential;
mod handshake;
mod protection;
mod records;
mod role;

pub use authority::CredentialSet;
pub use credential::Credential;
pub use handshake::{HandshakeError, Secured};
pub use protection::Protection;
pub use role::Role;
