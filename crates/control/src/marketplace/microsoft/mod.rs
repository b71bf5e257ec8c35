//! Microsoft's marketplace over HTTPS: what the control plane asks, and who may call its webhook.
//!
//! ```text
//! reservations ─► client ─► line ─┬─► login.microsoftonline.com: a token of the app
//!                                 └─► marketplaceapi.microsoft.com: each question, with the token
//! webhook ──────► caller ─► keys of the issuer ─► login.microsoftonline.com or sts.windows.net
//! ```
//!
//! **What is promised**
//! - *Each call ends*: a question has [`MARKETPLACE_ANSWER_MAX`](crate::limits::MARKETPLACE_ANSWER_MAX).
//! - *Secrets go to Microsoft alone*: none is in a log, in an error, or in words that Microsoft says.
//! - *Whatever may get better is asked again*: too much, out of order, not reached, wrong credentials. What
//!   Microsoft refuses is refused, with its words.
//!
//! | file | what |
//! |---|---|
//! | `account` | the app that a publisher has at Microsoft, and where Microsoft is |
//! | `line` | questions and answers, with a token that is kept |
//! | `caller` | whether it is Microsoft who calls the webhook |
//! | `client` | the calls of the trait |

mod account;
mod caller;
mod client;
mod line;

pub use account::{AccountError, MicrosoftAccount};
pub use client::Microsoft;
