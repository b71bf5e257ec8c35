//! What Prometheus asks for, in OpenMetrics' words: requests of this process, and every cluster and node as
//! it was seen last.
//!
//! A scrape costs no look at a cluster: those that nobody looks at are seen every 30 seconds, and
//! `isobar_cluster_observed_timestamp_seconds` says when.

mod clusters;
mod requests;

pub(crate) use clusters::{OfCluster, register};
pub(crate) use requests::Requests;

/// The type of what is answered.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
