//! A client of HTTPS servers that answer in JSON: one connection, one message after the other.
//!
//! ```text
//! url ─► address, path ─► connection (TLS, by the authorities that are trusted) ─► answer (JSON)
//! ```
//!
//! **What is promised**
//! - *Nothing is sent before the server's certificate is verified*, by the authorities that are named or else
//!   by those of this machine.
//! - *No link leads to another server*: whoever follows one asks [`Address::path_of`].
//! - *Nothing is unbounded*: see [`limits`].
//!
//! | file | what |
//! |---|---|
//! | `address` | the server, and links that lead there |
//! | `tls` | whom to trust |
//! | `connection` | one connection, made again when it has ended |
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::panic))]

mod address;
mod connection;
mod error;
pub mod limits;
mod tls;

pub use address::Address;
pub use connection::{Answer, Connection, Message, get, may_be_repeated};
pub use error::HttpsError;
pub use tls::Trust;
