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
/// Smallest log; the largest batch fits into half of it.
pub(crate) const LOG_BLOCKS_MIN: u64 = 128;
/// Largest log (1 GiB).
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
/// What a frame has before its body.
pub(crate) const FRAME_HEAD_BYTES: usize = 32;
/// Longest page of the index that has more than one entry: a block with its frame.
pub(crate) const PAGE_BYTES_MAX: usize = BLOCK_BYTES as usize - FRAME_HEAD_BYTES;
/// Memory for a page grows in steps of this many bytes.
pub(crate) const PAGE_BYTES_STEP: usize = 256;
/// Places in a node of a checkpoint's table.
pub(crate) const NODE_CHILDREN: u32 = 128;
/// A checkpoint begins when the batches since the last one have so many records (or half the log): bounds
/// what opening has to replay.
pub(crate) const LOG_RECORDS_MAX: u64 = 1 << 20;
/// Most pages that are encoded before they are written.
pub(crate) const SLICE_PAGES_MAX: u64 = 256;
/// Runs that are freed along with a batch at the end of a checkpoint.
pub(crate) const SLICE_FREED_RUNS: usize = 1024;
/// Blocks of a region (1 MiB): what is discarded at once.
pub(crate) const REGION_BLOCKS: u64 = 256;
/// Fewer free blocks side by side (64 KiB) are not worth a discard.
pub(crate) const DISCARD_BLOCKS_MIN: u64 = 16;
/// Regions that are remembered to be discarded.
pub(crate) const DISCARD_REGIONS_MAX: usize = 1 << 16;
/// How long there must have been nothing to write before something is discarded.
pub(crate) const DISCARD_IDLE: std::time::Duration = std::time::Duration::from_millis(20);
/// Threads that read the pages of a checkpoint.
pub(crate) const LOAD_THREADS: usize = 8;
/// Pages from which on more than one thread reads them.
pub(crate) const LOAD_THREAD_PAGES_MIN: usize = 256;
/// Most blocks of pages that follow each other which are read at once.
pub(crate) const LOAD_BLOCKS_MAX: u64 = 256;
/// Runs that are collected when a device is opened before they are joined.
pub(crate) const TAKEN_RUNS_MIN: usize = 1 << 20;
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
