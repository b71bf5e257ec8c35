//! Extent maps: which bytes of a file are where.
//!
//! A file is cut into chunks of 8 MiB (`SEGMENT_BYTES_MAX`), and each chunk is one value that lists its
//! extents: a streaming COMMIT costs one get and one put per chunk, with no range scan to find what
//! lies beneath. A chunk that gathers more than 128 extents (small random writes) is split into 16
//! blocks, each a value of its own, and so on down to blocks of 128 bytes, which cannot overflow: a
//! small write never rewrites more than a few KiB, however fragmented the file is.
//!
//! ```text
//! E <ino> <0>      <level 0>  Split                 8 MiB  [0, 8 MiB)
//! E <ino> <0>      <level 1>  Leaf [extent, ..]   512 KiB  [0, 512 KiB)
//! E <ino> <512 K>  <level 1>  Leaf [..]           512 KiB
//! E <ino> <8 M>    <level 0>  Leaf [..]             8 MiB  [8 MiB, 16 MiB)
//! ```
//!
//! **What is taken out at once, and what by cuts.** An entry of the log takes a bounded number of extents out
//! of maps (`State::room`). A hole or truncation that would take more is noted as a cut
//! ([`Cuts`](crate::record::Cuts)): readers leave out what cuts have taken away, and purges work them off. A
//! COMMIT over a large part of a split file likewise makes a hole first. Beneath a leaf that was written
//! after a cut, nodes from before it may remain until then; they hold nothing.
//!
//! A missing node is an empty leaf. Extents never cross a leaf's boundary (they are cut there, and
//! joined again when a map is read), are ordered and do not overlap. Adjacent extents of one segment
//! and version are kept as one. Every change is gathered in a [`Change`], from which `segments.rs`
//! settles what each segment has left.
//!
//! ```text
//! edit    a file's map, being changed: the cursor, splitting and joining
//! visit   a file's map, being read
//! leaf    what a node holds, and how extents in it give way to others
//! change  what an operation changed, for the sums
//! ```

mod change;
mod edit;
mod leaf;
mod visit;

pub(crate) use change::{Change, add};
pub(crate) use edit::Ledger;
pub(crate) use leaf::{Extent, Node, Piece, block_bytes, left_by, push_joined};
pub(crate) use visit::visit;
