//! Azure Resource Manager's conventions, as pure code: no I/O, no clock, no HTTP types.
//!
//! Whoever serves requests hands in paths that are decoded already, headers as text, bodies as bytes and
//! times as milliseconds, and gets ids, typed fields, documents to send, or an [`ArmError`] that says with
//! which status to refuse. Nothing here panics on what a client sends, and all of it is bounded by
//! [`limits`].
//!
//! | file | what |
//! |---|---|
//! | `id` | resource ids, of which every other file speaks |
//! | `error` | the error document, and the usual errors in ARM's own words |
//! | `api_version` | versions of the API, strict for one namespace and lenient for Microsoft's |
//! | `envelope`, `location`, `tags`, `system_data`, `provisioning` | what every resource looks like |
//! | `fields`, `body` | request bodies, read so that every wrong field is told at once |
//! | `merge_patch` | what PATCH does |
//! | `jsonc` | bodies of deployments, which `az` does not send as JSON |
//! | `paging`, `filter`, `etag` | lists, their conditions, and conditional requests |
//! | `operation_status` | what a client polls |
//! | `names`, `pattern` | rules for names |
//! | `time`, `duration` | RFC 3339 and ISO 8601, without a crate of dates |
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod api_version;
mod body;
mod duration;
mod envelope;
mod error;
pub mod etag;
mod fields;
pub mod filter;
mod id;
pub mod jsonc;
pub mod limits;
mod location;
mod merge_patch;
pub mod names;
mod operation_status;
pub mod paging;
mod pattern;
mod provisioning;
mod system_data;
mod tags;
mod text;
mod time;

pub use api_version::{Accepts, ApiVersion, SUBSCRIPTION_LIFECYCLE_VERSION, newest_stable};
pub use body::{Body, Shape, parse_json, read_body, read_body_and};
pub use duration::parse_duration;
pub use envelope::{Envelope, Sku};
pub use error::{AdditionalInfo, ArmError, ErrorBody};
pub use fields::{Field, Fields, Problems};
pub use id::{Collection, IdError, ResourceId};
pub use location::Location;
pub use merge_patch::{merge_patch, patch_resource};
pub use operation_status::{OperationState, OperationStatus};
pub use pattern::Pattern;
pub use provisioning::ProvisioningState;
pub use system_data::{IdentityType, SystemData};
pub use tags::Tags;
pub use time::{TimeError, Timestamp};
