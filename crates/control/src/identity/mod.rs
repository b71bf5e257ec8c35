//! The built-in issuer of tokens: who a caller is.
//!
//! ```text
//! client id + secret ──► token endpoint ──► access token (a JWT, one hour) ──► every other request
//! ```
//!
//! - A secret is shown once, when it is made. What is kept is a keyed hash of it, with a salt of its own.
//! - Tokens are signed with ES256 and a key that is in a file of the data directory, and nowhere else.
//! - Only that algorithm is taken, and only tokens of this issuer, for this server, that have not expired.
//!   Whether the principal still exists is asked of the records with every request.
//! - Wrong secrets are counted, per client and address and in all; beyond that nothing is compared any more.
//!
//! | file | what |
//! |---|---|
//! | `key` | the signing key |
//! | `token` | access tokens: signing and checking |
//! | `secret` | what is kept of a secret |
//! | `guard` | counting wrong secrets |
//! | `principal` | service principals among the records |
//! | `issuer` | all of it together |
//! | `bootstrap` | the first start |

mod bootstrap;
mod guard;
mod issuer;
mod key;
mod principal;
mod secret;
mod token;

pub(crate) use bootstrap::{Bootstrapped, bootstrap};
pub(crate) use guard::Guard;
pub(crate) use issuer::Issuer;
pub use key::KeyError;
pub(crate) use key::SigningKey;
pub(crate) use principal::{Principal, SUBSCRIPTION_KIND};
pub(crate) use token::Flaw;
