//! What came of a drill.

use isobar_bench::Second;
use serde::Serialize;

use crate::recovery::Recovery;

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Drill {
    /// The node that was stopped.
    pub node: String,
    /// Whether it led the metadata group.
    pub led: bool,
    /// When it was stopped, in seconds since reading and writing began.
    pub stopped_seconds: f64,
    /// When it was started again.
    pub started_seconds: f64,
    /// Both directions in each second; a last one that is not whole is left out.
    pub by_second: Vec<Second>,
    /// Whether those rates are what clients counted themselves, or what was seen live because one failed.
    pub live: bool,
    /// Reading.
    pub read: Option<Recovery>,
    /// Writing.
    pub written: Option<Recovery>,
    /// Calls that gave clients an error. A client stops at its first.
    pub client_errors: u64,
    /// The first of them, in words.
    pub error: Option<String>,
    /// Reads that gave wrong bytes, meanwhile or afterwards.
    pub wrong: u64,
    /// Bytes that were compared.
    pub verified_bytes: u64,
    /// From the start of the node until all data had its full redundancy; `None` when it took too long.
    pub whole_again_seconds: Option<f64>,
    /// What was under load.
    pub command: String,
    /// How to stop the node.
    pub stop_command: String,
    /// How to start it.
    pub start_command: String,
}
