//! Settings of one replica of one group.

use std::path::PathBuf;
use std::time::Duration;

use crate::{ConsensusError, Member};

/// How one replica of one group is set up.
#[derive(Clone, Debug)]
pub struct GroupConfig {
    /// Directory of the log and the checkpoints; created if missing.
    pub dir: PathBuf,
    /// This replica.
    pub me: Member,
    /// The metadata group's number.
    pub group: u16,
    /// Size of the log file, reserved at creation.
    pub log_bytes: u64,
    /// Bytes of recent log entries kept in memory for replication.
    pub log_cache_bytes: u64,
    /// The log is shortened when more than this is in use and the state is checkpointed.
    pub log_keep_bytes: u64,
    /// The log is shortened when it holds more entries than this.
    pub log_keep_entries: u64,
    /// Whether log space is written before its first use (two to three times faster syncs on a file).
    pub log_prewrite: bool,
    /// The leader's heartbeat. A peer that does not answer within it is asked again.
    pub heartbeat_ms: u64,
    /// Silence of the leader after which a new one is elected; at least five heartbeats.
    pub election_ms: u64,
    /// Followers learn of a commit at most about this much later when no entry carries it earlier.
    pub commit_delay_ms: u64,
    /// Unsaved changes that start a checkpoint.
    pub dirty_bytes_max: u64,
    /// Age of unsaved changes that starts a checkpoint.
    pub checkpoint_every_ms: u64,
    /// Bytes of clean keys and values cached in memory.
    pub cache_bytes: u64,
    /// Bytes of a snapshot sent in one message.
    pub snapshot_chunk_bytes: u64,
    /// How long sending one chunk of a snapshot, or installing it all, may take.
    pub snapshot_timeout: Duration,
}

impl GroupConfig {
    /// Sensible settings for `me` in `group`, with files in `dir`.
    pub fn new(dir: impl Into<PathBuf>, me: Member, group: u16) -> GroupConfig {
        GroupConfig {
            dir: dir.into(),
            me,
            group,
            log_bytes: 256 << 20,
            log_cache_bytes: 16 << 20,
            log_keep_bytes: 128 << 20,
            log_keep_entries: 200_000,
            log_prewrite: true,
            heartbeat_ms: 100,
            election_ms: 600,
            commit_delay_ms: 10,
            dirty_bytes_max: 32 << 20,
            checkpoint_every_ms: 5_000,
            cache_bytes: 64 << 20,
            snapshot_chunk_bytes: 1 << 20,
            snapshot_timeout: Duration::from_secs(120),
        }
    }

    pub(crate) fn raft(&self) -> Result<openraft::Config, ConsensusError> {
        openraft::Config {
            cluster_name: format!("group-{}", self.group),
            heartbeat_interval: self.heartbeat_ms,
            // Who stands, and when, is decided by `pre_vote`. The upper bound is also how long a voter that
            // heard a leader refuses its vote to others.
            enable_elect: false,
            election_timeout_min: self.election_ms,
            election_timeout_max: self.election_ms + 1,
            install_snapshot_timeout: self.snapshot_timeout.as_millis() as u64,
            max_payload_entries: 256,
            snapshot_policy: openraft::SnapshotPolicy::Never,
            snapshot_max_chunk_size: self.snapshot_chunk_bytes,
            // Purging is decided by this crate, by bytes.
            max_in_snapshot_log_to_keep: u64::MAX,
            ..openraft::Config::default()
        }
        .validate()
        .map_err(|e| ConsensusError::Refused(e.to_string()))
    }
}
