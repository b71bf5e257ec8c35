//! Where the state stands: the last entry applied, and the membership in force.

use serde::{Deserialize, Serialize};

use crate::ids::LogId;
use crate::member::Membership;

/// Where the state stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Applied {
    /// The last entry applied.
    pub log_id: Option<LogId>,
    /// The last membership applied.
    pub membership: Membership,
    /// Log id of the snapshot this tree was installed from.
    pub installed: Option<LogId>,
}
