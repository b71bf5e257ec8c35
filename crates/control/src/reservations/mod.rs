//! What a reservation is among the records, apart from the operations on it: what was bought, and what is
//! used of it.
//!
//! A reservation is about money alone. Whatever becomes of one, clusters that name it go on: it is never the
//! reason why data is out of reach.

mod billing;
mod hours;
mod kept;
mod kind;
mod metering;
mod recording;
mod reporting;
mod status;
mod usage;

pub(crate) use billing::{Span, Sums, sums_by};
pub(crate) use hours::{DAY_MS, HOUR_MS, hour_of, record_id};
pub(crate) use kept::{RESERVATION_KIND, index_id, kind_of, reserved_bytes, subscription_of, usage_filter};
pub(crate) use kind::Kind;
pub(crate) use metering::Metering;
pub(crate) use status::{counted_bytes, statement, status_of};
pub(crate) use usage::{RAW_BYTES, Usage, clusters_of_subscription, named_by, raw_bytes_of_size, usage_of};
