//! Operations on the cluster. Each is idempotent by itself and asked for by nobody's session.

use isobar_base::{SegmentId, TargetId};
use serde::{Deserialize, Serialize};

use crate::message::cluster::{FsSettings, TargetInfo};

/// An operation on the cluster.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum ClusterOp {
    /// Sets the file system's properties, once. → [`super::OpReply::Done`]
    Format(FsSettings),
    /// Makes a target known. A node that already has another target in the same slot is
    /// refused with EEXIST unless its replacement was allowed. → [`super::OpReply::Done`]
    RegisterTarget(TargetInfo),
    /// Builds the placement groups over all known targets, once. → [`super::OpReply::Done`]
    BuildPlacement {
        /// How many groups.
        groups: u32,
    },
    /// The node's blank replacements may take over its old targets' places. → [`super::OpReply::Done`]
    AllowReplace {
        /// The node's name.
        node: String,
    },
    /// Every row that `target` lacked when it took a position at or before log index `since`
    /// has been rebuilt. → [`super::OpReply::Done`]
    TargetRebuilt {
        /// The new target.
        target: TargetId,
        /// Highest `since` of the positions that were rebuilt.
        since: u64,
    },
    /// The fragments of these deleted segments are gone. → [`super::OpReply::Done`]
    Collected {
        /// From [`crate::message::queries::ClusterQuery::DeleteQueue`].
        segments: Vec<SegmentId>,
    },
}
