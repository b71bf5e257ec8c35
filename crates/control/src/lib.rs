//! The control plane: an endpoint that speaks Azure Resource Manager's language to `az`, its SDKs and
//! Terraform.
//!
//! ```text
//! server (HTTPS) ─► front: route, version, token, admission, locks ─► handler ─► records (SQL)
//!                     ▲                                                   └────► workflow
//!                   table of operations ─► OpenAPI, lists of operations, types of namespaces
//! ```
//!
//! **What is promised**
//! - *One table*: what is served, documented, listed and permitted are the same rows ([`operations`]).
//! - *Denied unless allowed*: without a token, or a role that allows the action, nothing is done.
//! - *All or nothing*: a write and its entry in the audit log are one transaction.
//! - *Secrets are shown once*: none is in a log, in an answer later on, in the audit log, or in clear in SQL.
//! - *Nothing is unbounded* but the audit log, which is kept for ever: see [`limits`].
//!
//! **To add operations**, write a file in `resources` with its rows and their functions, and name it in
//! `rows`; schemas go into `data/schemas.json`. A workflow that an operation starts is named there, too:
//! `resources::group_deletion` is the one to look at.
//!
//! | file | what |
//! |---|---|
//! | `control`, `options` | starting and stopping |
//! | `housekeeping` | what is done now and then |
//! | `server`, `http`, `names` | connections, requests and replies; by which names |
//! | `table`, `handler`, `rows` | operations as data; what carries them out; all of them |
//! | `front`, `admission`, `locking`, `audit` | the way of a request |
//! | `inside` | requests that this program makes of itself, in somebody's name |
//! | `identity` | the built-in issuer: secrets, tokens, service principals, the first start |
//! | `sealing`, `keys` | secrets that have to be kept for a while; what all processes of a database share |
//! | `access` | roles and rights |
//! | `store`, `subscription` | resources as they are kept and answered |
//! | `providers`, `clusters` | who has machines; what a cluster is among the records |
//! | `watch` | how clusters are, looked at now and then |
//! | `waking` | starting nodes again whose machine was down |
//! | `workflows` | making, deleting and measuring clusters, restarting and replacing nodes |
//! | `readiness` | who measures how ready clusters are |
//! | `reservations` | what a reservation is among the records; writing down and telling what is used |
//! | `marketplace` | what is asked of Microsoft's marketplace, and its client |
//! | `resources` | the operations, a file for each kind of resource |
//! | `metrics` | numbers for Prometheus |
//! | `openapi`, `swagger` | the table as an OpenAPI document; what of it is our own as Swagger 2.0 |
//! | `page` | what people look at in a browser; its files are in `page/` of the crate |
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::panic))]

mod access;
mod admission;
mod app;
mod audit;
mod call;
mod clock;
mod clusters;
mod control;
mod files;
mod front;
mod handler;
mod housekeeping;
mod http;
mod identity;
mod inside;
mod keys;
pub mod limits;
mod locking;
mod marketplace;
mod metrics;
mod names;
mod openapi;
mod options;
mod page;
mod providers;
mod random;
mod readiness;
mod refusal;
mod reservations;
mod resources;
mod rows;
mod sealing;
mod server;
mod store;
mod subscription;
mod swagger;
pub mod table;
mod waking;
mod watch;
mod workflows;

pub use control::{Control, ControlError, FirstSecret, Running};
pub use keys::KeysError;
pub use marketplace::{
    AccountError, Marketplace, MarketplaceAction, MarketplaceError, MarketplaceOperation, Microsoft,
    MicrosoftAccount, Progress, Purchase, SubscriptionStatus, Trading, UsageEvent, UsageVerdict,
};
pub use options::ControlOptions;
pub use providers::Served;
pub use readiness::{
    MeasureReadiness, Measuring, Readiness, ReadinessCheck, ReadinessLoad, ReadinessOrder, ReadinessVerdict,
    Tell,
};
pub use rows::{openapi_document, operations, swagger_document};
pub use server::{CertificateError, GivenCertificate};
pub use watch::{
    AskClusters, AskRefusal, Asking, HealthState, NodeObservation, NodeState, Observation, ServedByNode,
    TargetObservation,
};
