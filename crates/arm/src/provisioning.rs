//! `properties.provisioningState`: how far the last operation on a resource has come.
//!
//! Three states are terminal, in ARM's spelling. Clients wait while they see any other; which words there are
//! for these is the provider's own business.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far the last operation on a resource has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ProvisioningState {
    /// It is done.
    Succeeded,
    /// It ended before it was done.
    Failed,
    /// Somebody ended it before it was done.
    Canceled,
    /// It has not begun.
    Accepted,
    /// The resource is being made.
    Creating,
    /// The resource is being changed.
    Updating,
    /// The resource is being taken away.
    Deleting,
}

impl ProvisioningState {
    /// All of them.
    pub const ALL: [ProvisioningState; 7] = [
        ProvisioningState::Succeeded,
        ProvisioningState::Failed,
        ProvisioningState::Canceled,
        ProvisioningState::Accepted,
        ProvisioningState::Creating,
        ProvisioningState::Updating,
        ProvisioningState::Deleting,
    ];

    /// Whether clients stop waiting.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Canceled => true,
            Self::Accepted | Self::Creating | Self::Updating | Self::Deleting => false,
        }
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
            Self::Accepted => "Accepted",
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::Deleting => "Deleting",
        }
    }
}

impl fmt::Display for ProvisioningState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_three_states_are_terminal() {
        let terminal: Vec<_> =
            ProvisioningState::ALL.into_iter().filter(|state| state.is_terminal()).collect();
        use ProvisioningState::{Canceled, Failed, Succeeded};
        assert_eq!(terminal, [Succeeded, Failed, Canceled]);
    }

    #[test]
    fn states_are_written_as_they_are_named() {
        for state in ProvisioningState::ALL {
            let json = serde_json::to_string(&state).expect("JSON");
            assert_eq!(json, format!("\"{state}\""));
            assert_eq!(serde_json::from_str::<ProvisioningState>(&json).expect("a state"), state);
        }
    }
}
