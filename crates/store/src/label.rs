//! The label of a device (I13).

use isobar_base::{ClusterId, TargetId};
use serde::{Deserialize, Serialize};

use crate::limits::NODE_NAME_BYTES_MAX;

/// Whose device this is. Written once, by [`crate::Store::format`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Label {
    /// The cluster.
    pub cluster: ClusterId,
    /// Name of the node, 1..=255 bytes.
    pub node: String,
    /// Random identity of this formatted device.
    pub target: TargetId,
    /// How often the node's place was filled with a new device.
    pub incarnation: u64,
}

impl Label {
    pub(crate) fn is_valid(&self) -> bool {
        (1..=NODE_NAME_BYTES_MAX).contains(&self.node.len())
    }
}
