//! Where the bytes of an extent are.

use isobar_base::{SegmentId, bytes_serde};
use isobar_wire::message::files;
use serde::{Deserialize, Serialize};

/// Where the bytes of an extent are.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Source {
    /// Here.
    Inline(#[serde(with = "bytes_serde")] Vec<u8>),
    /// In a segment, from this byte of it on.
    Segment { id: SegmentId, offset: u32 },
}

/// [`Source`] without owning the bytes.
#[derive(Clone, Copy)]
pub(crate) enum SourceRef<'a> {
    Inline(&'a [u8]),
    Segment { id: SegmentId, offset: u32 },
}

impl Source {
    pub(crate) fn by_ref(&self) -> SourceRef<'_> {
        match self {
            Source::Inline(bytes) => SourceRef::Inline(bytes),
            Source::Segment { id, offset } => SourceRef::Segment { id: *id, offset: *offset },
        }
    }

    /// Whether `next` goes on in the same segment where `len` bytes of this one end.
    pub(crate) fn continues_in(&self, len: u64, next: &Source) -> bool {
        match (self, next) {
            (Source::Segment { id: a, offset: x }, Source::Segment { id: b, offset: y }) => {
                a == b && u64::from(*x) + len == u64::from(*y)
            }
            (Source::Inline(_), _) | (_, Source::Inline(_)) => false,
        }
    }
}

impl SourceRef<'_> {
    /// `len` bytes after the first `skip`.
    pub(crate) fn part(self, skip: u32, len: u32) -> Self {
        match self {
            SourceRef::Inline(bytes) => SourceRef::Inline(&bytes[skip as usize..(skip + len) as usize]),
            SourceRef::Segment { id, offset } => SourceRef::Segment { id, offset: offset + skip },
        }
    }

    pub(crate) fn to_source(self) -> Source {
        match self {
            SourceRef::Inline(bytes) => Source::Inline(bytes.to_vec()),
            SourceRef::Segment { id, offset } => Source::Segment { id, offset },
        }
    }
}

impl<'a> From<&'a files::Source> for SourceRef<'a> {
    fn from(source: &'a files::Source) -> SourceRef<'a> {
        match source {
            files::Source::Inline(bytes) => SourceRef::Inline(bytes),
            files::Source::Segment { id, offset } => SourceRef::Segment { id: *id, offset: *offset },
        }
    }
}

impl From<Source> for files::Source {
    fn from(source: Source) -> files::Source {
        match source {
            Source::Inline(bytes) => files::Source::Inline(bytes),
            Source::Segment { id, offset } => files::Source::Segment { id, offset },
        }
    }
}
