//! Bounds and sizes of the store. Blocks are 4 KiB.

use isobar_base::limits::UNIT_BYTES;

/// Size of a block: the unit of allocation and of device I/O.
pub(crate) const BLOCK_BYTES: u64 = UNIT_BYTES;
/// Smallest device that can be formatted.
pub(crate) const DEVICE_BYTES_MIN: u64 = 1 << 20;
/// A device is blank when so many bytes at its begin and at its end are zero.
pub(crate) const BLANK_BYTES: u64 = 1 << 20;
/// The blocks of the two superblock slots.
pub(crate) const SLOT_BLOCKS: [u64; 2] = [0, 16];
/// First block of the log.
pub(crate) const LOG_START: u64 = 32;
/// The log takes this fraction of the device, within the two bounds below.
pub(crate) const LOG_FRACTION: u64 = 64;
/// Smallest log; the largest batch fits into it.
pub(crate) const LOG_BLOCKS_MIN: u64 = 64;
/// Largest log (1 GiB): bounds what opening has to replay.
pub(crate) const LOG_BLOCKS_MAX: u64 = 262_144;
/// The log is read and cleared in pieces of this size; the largest batch fits into one.
pub(crate) const LOG_WINDOW_BYTES: usize = 1 << 20;
/// Once a batch has this many bytes of records, it takes no further operation.
pub(crate) const BATCH_RECORD_BYTES_MAX: usize = 128 << 10;
/// Most operations in one batch.
pub(crate) const BATCH_OPS_MAX: usize = 1024;
/// Once a batch has this many bytes of payload, it takes no further operation.
pub(crate) const BATCH_PAYLOAD_BYTES_MAX: u64 = 32 << 20;
/// Most keys in one delete operation; longer ones are split.
pub(crate) const DELETE_KEYS_MAX: usize = 1024;
/// Longest chunk of a checkpoint.
pub(crate) const CHUNK_BLOCKS_MAX: u32 = 256;
/// Upper bound of what a chunk of a checkpoint spends on its frame and head.
pub(crate) const CHUNK_OVERHEAD_BYTES: u64 = 96;
/// Free runs at least this long are preferred for packed fragments, to keep their writes together.
pub(crate) const PACKED_RUN_BLOCKS: u64 = 256;
/// Requests in the write queue before callers wait.
pub(crate) const WRITE_QUEUE_MAX: usize = 1024;
/// Payload bytes in the write queue before callers wait.
pub(crate) const WRITE_QUEUE_BYTES_MAX: u64 = 64 << 20;
/// Requests in the read queue before callers wait.
pub(crate) const READ_QUEUE_MAX: usize = 1024;
/// Idle bytes that the pool of read buffers keeps.
pub(crate) const READ_POOL_BYTES_MAX: usize = 64 << 20;
/// Unit CRCs kept in RAM for partial reads of large fragments (4 bytes each).
pub(crate) const CACHED_CRCS_MAX: usize = 4 << 20;
/// Damaged fragments that are remembered.
pub(crate) const DAMAGED_MAX: usize = 1 << 16;
/// How often a GET that finds wrong bytes looks the fragment up again: it may have been deleted, and
/// its blocks reused, under the read.
pub(crate) const READ_ATTEMPTS: u32 = 3;
/// Longest node name in a label.
pub(crate) const NODE_NAME_BYTES_MAX: usize = 255;
