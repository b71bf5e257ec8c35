//! Bounds that several crates keep; what only one keeps is in its own `limits`. Sizes are in bytes, times in
//! milliseconds.

/// Most file bytes one segment holds; segments are also cut at multiples of this file offset.
pub const SEGMENT_BYTES_MAX: u64 = 8 << 20;
/// Checksums, row lengths and device I/O are in units of this many bytes.
pub const UNIT_BYTES: u64 = 4096;
/// A row is at least this long before a segment is spread over more rows.
pub const ROW_BYTES_MIN: u64 = 16 << 10;
/// Files that end at or below this size may ride inside the metadata.
pub const INLINE_BYTES_MAX: u64 = 4096;
/// Most data rows of a segment (N).
pub const DATA_ROWS_MAX: u8 = 16;
/// Most parity rows of a segment (K).
pub const PARITY_ROWS_MAX: u8 = 4;
/// Fragments shorter than this go to the packed log of a target, longer ones to extents of their own.
pub const PACKED_BYTES_MAX: u64 = 64 << 10;
/// Longest name of a directory entry.
pub const NAME_BYTES_MAX: usize = 255;
/// Longest symbolic link target.
pub const SYMLINK_BYTES_MAX: usize = 4095;
/// Longest extended attribute value.
pub const XATTR_VALUE_BYTES_MAX: usize = 64 << 10;
/// Most bytes of all extended attributes of one inode, names and values.
pub const XATTR_TOTAL_BYTES_MAX: usize = 256 << 10;
/// Inode numbers that come with the delegation of a directory.
pub const PREALLOCATED_INODES: u64 = 4096;
/// Directories of which one client holds the delegations at a time.
pub const DELEGATIONS_MAX: usize = 1024;
/// The delegation of a directory that others want is revoked when its holder could not be told for this long.
pub const DELEGATION_REVOKE_MS: u64 = 5_000;
/// A holder answers for a directory only for this long after it sent the last question what it should give up
/// that was answered, by the clock that never stops (I10). Shorter than [`DELEGATION_REVOKE_MS`] by more than
/// clocks differ: it has stopped before anybody else begins.
pub const DELEGATION_VALID_MS: u64 = 3_000;
/// Operations a client has answered for and the log does not have yet, at most.
pub const UNCONFIRMED_OPS_MAX: u64 = 1024;
/// Most hard links of one inode.
pub const LINKS_MAX: u32 = 65_000;
/// Largest file size and offset.
pub const FILE_BYTES_MAX: u64 = 1 << 60;
/// Most extents in one COMMIT, REPLACE or map reply.
pub const EXTENTS_PER_MESSAGE_MAX: usize = 2048;
/// Most operations in one metadata request.
pub const MUTATIONS_PER_MESSAGE_MAX: usize = 128;
/// Most questions in one metadata request: with the largest answers they still fit one message.
pub const QUERIES_PER_MESSAGE_MAX: usize = 64;
/// Most operations gathered into one log entry.
pub const OPS_PER_ENTRY_MAX: usize = 4096;
/// Most log entries proposed and not yet applied.
pub const ENTRIES_IN_FLIGHT_MAX: usize = 4;
/// Longest body of a message, without its payload.
pub const MESSAGE_BODY_BYTES_MAX: u32 = 16 << 20;
/// Longest raw payload of a message: one row of a one-row segment, with room to spare.
pub const MESSAGE_PAYLOAD_BYTES_MAX: u32 = 16 << 20;
/// Requests in flight on one connection before the sender waits.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 1024;
/// A session not renewed for this long is expired by the leader.
pub const SESSION_TIMEOUT_MS: u64 = 30_000;
/// A client renews its session this often.
pub const SESSION_RENEW_MS: u64 = 2_000;
/// How long a client may use cached names and attributes without asking again.
pub const CACHE_TTL_MS: u64 = 1_000;
/// Metadata calls wait this long for a quorum before they fail with EIO.
pub const METADATA_WAIT_MS: u64 = 60_000;
/// Nodes report to the metadata leader this often.
pub const HEARTBEAT_MS: u64 = 500;
/// A node that has not reported for this long is shown as down and gets no new data.
pub const NODE_DOWN_MS: u64 = 2_500;
