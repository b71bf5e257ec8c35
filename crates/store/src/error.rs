//! What can go wrong, and what the caller can do about it.

use isobar_base::{Errno, FragmentKey};

use crate::label::Label;

/// An error of the fragment store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The device has no label: it was never formatted. A blank device is a new target.
    #[error("the device is blank: it has no label")]
    Blank,
    /// The device holds something that is not ours.
    #[error(
        "the device holds {0}: choose another one, or, if that may be lost, write zeros over its first and last MiB"
    )]
    Foreign(String),
    /// The device was formatted before; formatting it again would destroy that target.
    #[error("the device is already labelled as target {} of node {}", .0.target, .0.node)]
    Labelled(Box<Label>),
    /// The device was written by a newer version of this software.
    #[error("the device has format version {found}, this software reads up to {supported}")]
    Version {
        /// Version on the device.
        found: u32,
        /// Newest version understood.
        supported: u32,
    },
    /// The device cannot be used: too small to format, or smaller than when it was formatted.
    #[error("the device has {bytes} bytes, it needs {needed}")]
    TooSmall {
        /// Bytes of the device.
        bytes: u64,
        /// Bytes it would need.
        needed: u64,
    },
    /// The label to format with is not valid.
    #[error("the label is not valid: node names have 1..=255 bytes")]
    InvalidLabel,
    /// Both copies of the superblock are damaged.
    #[error("both copies of the superblock are damaged")]
    CorruptSuperblock,
    /// Both copies of the checkpoint are damaged: the target has to be rebuilt.
    #[error("both copies of the checkpoint are damaged ({0})")]
    CorruptCheckpoint(&'static str),
    /// The log is damaged before its end: acknowledged fragments are lost, the target has to be rebuilt.
    #[error("the log is damaged at byte {offset}: batch {expected} cannot be read, batch {found} follows it")]
    CorruptLog {
        /// Where the unreadable batch should start on the device.
        offset: u64,
        /// Its sequence number.
        expected: u64,
        /// The sequence number of a readable batch behind it.
        found: u64,
    },
    /// The fragment's bytes on the device are not what was stored. Read other rows, then repair.
    #[error("fragment {key} is damaged on the device: {what}")]
    Corrupt {
        /// The fragment.
        key: FragmentKey,
        /// What does not match.
        what: &'static str,
    },
    /// The payload of a PUT does not match the CRCs of its header: damaged on its way.
    #[error("the payload of fragment {0} does not match its checksums")]
    ChecksumMismatch(FragmentKey),
    /// The header of a PUT describes no possible fragment, or its payload has another length.
    #[error("fragment {key} cannot exist: {what}")]
    InvalidFragment {
        /// The fragment.
        key: FragmentKey,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The units asked for are not all in the fragment, or none were asked for.
    #[error("fragment {key} has {units} units, {start}..{end} were asked for")]
    InvalidRange {
        /// The fragment.
        key: FragmentKey,
        /// 4 KiB units it has.
        units: u32,
        /// First unit asked for.
        start: u32,
        /// Unit after the last asked for.
        end: u32,
    },
    /// There is no such fragment.
    #[error("there is no fragment {0}")]
    NotFound(FragmentKey),
    /// The key is taken by a fragment with another header (I1). Something is badly wrong upstream.
    #[error("fragment {0} exists with other contents")]
    Conflict(FragmentKey),
    /// No space; deletes make some.
    #[error("no space for {needed} bytes, {free} are left")]
    Full {
        /// Bytes the fragment takes on the device.
        needed: u64,
        /// Bytes that can still be written.
        free: u64,
    },
    /// A read from the device failed.
    #[error("reading the device failed: {0}")]
    Read(String),
    /// A write or sync of the device failed, here or in an earlier call: nothing may be acknowledged
    /// until the store has been opened again.
    #[error("a write to the device failed, the store has stopped: {0}")]
    Poisoned(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// What the error is to a file-system call.
    pub fn errno(&self) -> Errno {
        match self {
            StoreError::NotFound(_) => Errno::ENOENT,
            StoreError::Full { .. } => Errno::ENOSPC,
            StoreError::Conflict(_) | StoreError::Labelled(_) => Errno::EEXIST,
            StoreError::InvalidFragment { .. }
            | StoreError::InvalidRange { .. }
            | StoreError::InvalidLabel => Errno::EINVAL,
            StoreError::Blank | StoreError::Foreign(_) | StoreError::TooSmall { .. } => Errno::ENXIO,
            StoreError::Version { .. } => Errno::EOPNOTSUPP,
            StoreError::Closed => Errno::ENODEV,
            StoreError::CorruptSuperblock
            | StoreError::CorruptCheckpoint(_)
            | StoreError::CorruptLog { .. }
            | StoreError::Corrupt { .. }
            | StoreError::ChecksumMismatch(_)
            | StoreError::Read(_)
            | StoreError::Poisoned(_) => Errno::EIO,
        }
    }

    /// Whether the same call on the same store may succeed later without anyone repairing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, StoreError::Full { .. } | StoreError::ChecksumMismatch(_) | StoreError::Read(_))
    }
}
