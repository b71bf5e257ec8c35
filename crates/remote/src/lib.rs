//! A control plane from afar: who is logged in, requests over HTTPS, and waiting for what goes on after them.
//!
//! ```text
//! description (OpenAPI) ─► request ─► session: token, retries ─► https ─► the control plane
//!                                       ▲      pages, waiting
//!                                    profile
//! ```
//!
//! **What is promised**
//! - *Of single operations only those of logging in are known*: all else that can be asked comes out of the
//!   OpenAPI document.
//! - *The secret and the token stay in the profile*, a file that its owner alone may read. They go to the
//!   server of the profile and nowhere else, whatever links its answers have.
//! - *Nothing is sent before the server's certificate is verified*, by the authority in the profile or else
//!   by those of this machine.
//! - *Nothing is unbounded*: see [`limits`].
//!
//! | file | what |
//! |---|---|
//! | `description` | operations, their parameters and the fields of their bodies |
//! | `request` | from values to a request |
//! | `profile` | who is logged in where |
//! | `session` | requests with a token, again where the server asks for that |
//! | `login` | the first token |
//! | `pages`, `waiting` | whole lists; operations that go on |
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::panic))]

pub mod description;
mod error;
pub mod limits;
mod login;
mod pages;
mod profile;
mod request;
mod session;
mod waiting;

pub use error::RemoteError;
pub use isobar_arm::ArmError;
pub use isobar_https::{Answer, HttpsError};
pub use login::{Credentials, choose_subscription, login};
pub use pages::all_pages;
pub use profile::{Profile, ProfileFile};
pub use request::{Request, Values, fresh_id, insert, parse_setting};
pub use session::Session;
pub use waiting::{Standing, goes_on, wait};
