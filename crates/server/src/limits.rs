//! Bounds that only the node daemon knows; the shared ones are in `isobar_base::limits`.

use std::time::Duration;

/// Encoded bytes of operations gathered into one log entry; a request that is longer goes alone.
pub(crate) const ENTRY_BYTES_MAX: usize = 4 << 20;
/// Encoded bytes of the answers to one request after which no further one is made: with the longest one that
/// there can be they fit a message.
pub(crate) const ANSWERS_BYTES_MAX: usize = 4 << 20;
/// Operations that wait for the proposer before further ones are refused.
pub(crate) const OPS_WAITING_MAX: usize = 64 << 10;
/// Encoded bytes of operations that wait for the proposer before further ones are refused.
pub(crate) const OPS_WAITING_BYTES_MAX: usize = 256 << 20;
/// Rows in one list or delete message.
pub(crate) const KEYS_PER_MESSAGE_MAX: usize = 4096;
/// Writes of one target that are in the hands of its store: below the store's own bound, at which
/// it would make the caller wait.
pub(crate) const STORE_WRITES_MAX: usize = 960;
/// A write of so many bytes counts as one of [`STORE_WRITES_MAX`]; longer ones count as more.
pub(crate) const STORE_WRITE_UNIT_BYTES: usize = 64 << 10;
/// Reads of one target that are in the hands of its store.
pub(crate) const STORE_READS_MAX: usize = 960;
/// How long a request between nodes may take.
pub(crate) const NODE_CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a node may take to say how it is.
pub(crate) const STATUS_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the founder of a cluster waits before it asks all nodes again.
pub(crate) const FOUNDING_PAUSE: Duration = Duration::from_millis(200);
/// How often a node that waits for something an operator has to do says so.
pub(crate) const WAITING_LINE_EVERY: Duration = Duration::from_secs(30);
/// How often the leader looks for something to do about targets, voters and placement.
pub(crate) const DUTIES_EVERY: Duration = Duration::from_millis(100);
/// How often the leader looks for sessions that were not renewed.
pub(crate) const EXPIRY_EVERY: Duration = Duration::from_millis(500);
/// How often the leader looks for segments and inodes to remove.
pub(crate) const COLLECT_EVERY: Duration = Duration::from_millis(100);
/// Segments removed in one step of collection.
pub(crate) const COLLECT_SEGMENTS_MAX: u32 = 2048;
/// Inodes purged by one entry of the log; they share its room.
pub(crate) const PURGE_INODES_MAX: u32 = 32;
/// Ended sessions cleaned up by one entry of the log, likewise.
pub(crate) const PURGE_SESSIONS_MAX: u32 = 32;
/// A target that has let so many deletions in a row time out is not waited for ...
pub(crate) const DELETE_TIMEOUTS_MAX: u32 = 2;
/// ... for this long: then it is tried again.
pub(crate) const DELETE_RETRY_AFTER: Duration = Duration::from_secs(60);
/// Steps of the walk over inodes that one round of compaction takes in search of narrow segments.
pub(crate) const GATHER_STEPS_PER_ROUND: usize = 16;
/// Rows whose fate is asked for at once.
pub(crate) const ORPHAN_ROWS_MAX: usize = 1024;
/// How often all rows are looked at in search of orphans, and not only those that are not known to be in use.
pub(crate) const ORPHANS_ALL_EVERY: Duration = Duration::from_secs(6 * 3600);
/// While deletions may have been missed it is done again after so many times as long as it took.
pub(crate) const ORPHANS_MISSED_PART: u32 = 10;
/// A step of that search that found nothing is followed by a pause so many times as long, ...
pub(crate) const ORPHANS_STEP_PAUSE_PART: u32 = 4;
/// ... and at most this long.
pub(crate) const ORPHANS_STEP_PAUSE_MAX: Duration = Duration::from_millis(250);
/// A deletion that took so long may have been given up by who asked for it, with others after it.
pub(crate) const DELETE_LATE: Duration = Duration::from_secs(2);
/// Pause before a search for orphans that was cut short begins again.
pub(crate) const ORPHANS_PAUSE: Duration = Duration::from_secs(2);
/// Pause before a scrub that was cut short or left rows bad begins again, and before the first one.
pub(crate) const SCRUB_PAUSE: Duration = Duration::from_secs(2);
/// Parity rows of one target that are known not to belong to their data.
pub(crate) const CONTRADICTIONS_MAX: usize = 4096;
/// Those of them that a target names to the leader at a time.
pub(crate) const CONTRADICTIONS_TOLD_MAX: usize = 64;
/// Pause before a failed or unusable target is tried again: at first, ...
pub(crate) const ATTACH_PAUSE_MIN: Duration = Duration::from_secs(1);
/// ... and at most, after it failed again and again, ...
pub(crate) const ATTACH_PAUSE_MAX: Duration = Duration::from_secs(60);
/// ... until it has worked for so long.
pub(crate) const ATTACH_QUIET: Duration = Duration::from_secs(600);
/// Segments looked at in one step of a walk over all of them.
pub(crate) const SEGMENTS_PER_STEP: u32 = 2048;
/// Pause before a rebuild that left rows missing, or lost its leader, goes over them again.
pub(crate) const REBUILD_PAUSE: Duration = Duration::from_secs(2);
/// How long a node waits for a metadata leader before it gives up what it was doing.
pub(crate) const METADATA_WAIT: Duration = Duration::from_millis(isobar_base::limits::METADATA_WAIT_MS);
/// Nameless inodes that one renewal tells a client about.
pub(crate) const ORPHANS_PER_RENEWAL_MAX: u32 = 1024;
/// Placement groups of a new cluster.
pub(crate) const PLACEMENT_GROUPS: u32 = 64;
/// Most threads of a node's runtime unless more are asked for.
pub(crate) const WORKER_THREADS_MAX: usize = 8;
/// Idle payload buffers that a node keeps.
pub(crate) const POOL_BYTES: usize = 64 << 20;
/// Segments considered for compaction in one step.
pub(crate) const COMPACT_SEGMENTS_PER_STEP: u32 = 1024;
/// One walk of compaction copies for so many seconds, at its rate, before the others have their turn.
pub(crate) const COMPACT_SHARE_SECONDS: u64 = 10;
/// Pieces read at the same time by compaction.
pub(crate) const COMPACT_READS_MAX: usize = 8;
/// A chunk of a file in at least so many narrow segments is rewritten as one.
pub(crate) const GATHER_SEGMENTS_MIN: usize = 64;
/// A file written to within this time is not looked at for narrow segments.
pub(crate) const GATHER_QUIET: Duration = Duration::from_secs(5);
/// Files looked at for narrow segments in one round.
pub(crate) const GATHER_INODES_PER_STEP: u32 = 256;
/// Pages of extent maps looked at for narrow segments in one round.
pub(crate) const GATHER_PAGES_PER_ROUND: usize = 256;
/// UDP ports open at a time for other nodes' search for the path MTU.
pub(crate) const ECHOES_MAX: usize = 16;
