//! What nodes and clients say to each other, and how it travels.
//!
//! [`message`] holds the requests and replies; [`frame`] how one is laid out in bytes; [`Credential`] what
//! each side proves when a connection starts; [`Channel`] the side that asks and [`serve`] the side
//! that answers, if the other side's [`Role`] permits it ([`permissions`]). Many requests are in flight on
//! one connection and replies come in any order.
//!
//! [`transport`] says what carries them: messages in order, both ways, between two sides that know who
//! the other one is.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod address;
mod channel;
pub mod frame;
pub mod message;
pub mod permissions;
mod serve;
mod strangers;
pub mod transport;

use isobar_base::bytes_serde;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use address::{Address, AddressError, Host};
pub use channel::{CallError, Channel, Channels};
pub use isobar_identity::{Credential, CredentialSet, HandshakeError, Protection, Role, Secured};
pub use message::Opcode;
pub use serve::{Handler, Request, Responder, serve};

/// Why a request was not carried out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The node does not know the opcode.
    #[error("the node does not know this request")]
    Unknown,
    /// The body cannot be read.
    #[error("the node cannot read this request")]
    Unreadable,
    /// Not with this credential.
    #[error("this takes {0}, and the credential is another one's")]
    Forbidden(String),
    /// The node does not have the role that could answer.
    #[error("not the business of this node")]
    WrongRole,
    /// The node cannot do it now.
    #[error("the node cannot do it now: {0}")]
    Unavailable(String),
    /// A storage target could not do it.
    #[error("{0}")]
    Storage(message::storage::StorageError),
}

/// The postcard encoding of a body.
///
/// # Panics
/// Never for the types of [`message`]: they hold no maps or sequences of unknown length.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).unwrap_or_else(|e| panic!("INVARIANT: messages always encode: {e}"))
}

/// Decodes a body.
///
/// # Errors
/// When the bytes are not exactly one value of that type.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, postcard::Error> {
    let (value, rest) = postcard::take_from_bytes(bytes)?;
    if rest.is_empty() { Ok(value) } else { Err(postcard::Error::DeserializeBadEncoding) }
}
