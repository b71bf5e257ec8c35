//! What is to be made, and what of it does not fit.

use serde::{Deserialize, Serialize};

/// How large a node can be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Size {
    /// Its name among those of the provider, as the API has it.
    pub name: String,
    /// The same for people, in a sentence.
    pub description: String,
    /// Storage targets of a node.
    pub targets: u32,
    /// Bytes of each of them.
    pub target_bytes: u64,
}

/// A cluster that is to be made. It is decided: nothing of it has a default.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What the provider knows it by: never used before, nor for anything else. Letters, digits, hyphens.
    pub cluster: String,
    /// What people call it. Another one may have had the name before.
    pub name: String,
    /// How large a node is: one of the provider's sizes.
    pub size: String,
    /// How many nodes.
    pub nodes: u32,
    /// Most data rows of a segment.
    pub data_rows: u8,
    /// Parity rows of a segment.
    pub parity_rows: u8,
}

/// Something of a plan that does not fit, as it is known before anything is made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Misfit {
    /// What of the plan would have to change: `nodes` or `size`. Empty where it is not the plan's fault.
    pub of: String,
    /// What is wrong and what would fit, in a sentence.
    pub why: String,
}
