//! How large a cluster of this version can be, as far as a plan has to know.

/// Metadata groups a cluster of this version has.
pub const METADATA_GROUPS: u32 = 1;
/// Most storage targets of a cluster (`isobar-meta`'s `TARGETS_MAX`).
pub const TARGETS_MAX: u64 = 4096;
/// The test cluster whose numbers are shown beside every alternative.
pub const TEST_NODES: u32 = 8;
