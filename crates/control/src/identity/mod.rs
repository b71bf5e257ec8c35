//! The built-in issuer of tokens: who a caller is.
//!
//! ```text
//! client id, secret or assertion ─► token endpoint ─► access token (a JWT, one hour) ─► every other request
//! token of another issuer ─────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! - A secret is shown once, when it is made. What is kept is a keyed hash of it, with a salt of its own.
//! - Tokens are signed with ES256 and a key that is sealed among the records, so that all processes of a
//!   database have the same.
//! - Of our own tokens only that algorithm is taken, for this server, before they expire. Whether the
//!   principal still exists is asked of the records with every request.
//! - A client proves itself with a secret, with an assertion that its certificate has signed, or with a token
//!   of another issuer. Such a token is somebody here only by a federated credential, which names issuer,
//!   subject and audience: an issuer is believed about those alone.
//! - Wrong secrets are counted, per client and address and in all; beyond that nothing is compared any more.
//!
//! | file | what |
//! |---|---|
//! | `key` | the signing key |
//! | `token` | access tokens: signing and checking |
//! | `jwt` | tokens taken apart, and keys that verify them |
//! | `certificate` | certificates of principals, and what they sign |
//! | `federation` | who is whom at other issuers, among the records |
//! | `foreign` | the keys of other issuers |
//! | `secret` | what is kept of a secret |
//! | `flaw` | what can be wrong with a token |
//! | `guard` | counting wrong secrets |
//! | `principal` | service principals among the records |
//! | `issuer` | all of it together |
//! | `bootstrap` | the first start |

mod bootstrap;
mod certificate;
mod federation;
mod flaw;
mod foreign;
mod guard;
mod issuer;
mod jwt;
mod key;
mod principal;
mod secret;
mod token;

pub(crate) use bootstrap::{Bootstrapped, bootstrap};
pub(crate) use certificate::{Certificate, prove as prove_by_certificate};
pub(crate) use federation::{Federation, NewFederation};
pub(crate) use flaw::Flaw;
pub(crate) use foreign::{Foreign, IssuerKeys};
pub(crate) use guard::Guard;
pub(crate) use issuer::Issuer;
pub(crate) use jwt::{ForeignClaims, Jwt};
pub(crate) use key::SigningKey;
pub(crate) use principal::{Principal, SUBSCRIPTION_KIND};
