//! What is kept of a subscription, and what its state allows.
//!
//! | state | ARM's word | allows |
//! |---|---|---|
//! | Registered | Enabled | everything |
//! | Warned | Warned | reading |
//! | Suspended | Disabled | reading |
//! | Deleted | Deleted | nothing, as if it were not there |

use isobar_arm::ArmError;
use serde_json::Value;

use crate::store::Stored;

/// The state of a subscription.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It is used.
    Registered,
    /// It will be suspended.
    Warned,
    /// It is not to be used.
    Suspended,
    /// It is gone.
    Deleted,
}

impl State {
    /// By name, for requests.
    pub(crate) const WORDS: [(&str, State); 4] = [
        ("Registered", State::Registered),
        ("Warned", State::Warned),
        ("Suspended", State::Suspended),
        ("Deleted", State::Deleted),
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        State::WORDS.iter().find(|(_, state)| *state == self).map_or("", |(name, _)| name)
    }

    /// What ARM calls it.
    pub(crate) fn of_arm(self) -> &'static str {
        match self {
            State::Registered => "Enabled",
            State::Warned => "Warned",
            State::Suspended => "Disabled",
            State::Deleted => "Deleted",
        }
    }

    /// That of a subscription.
    pub(crate) fn of(subscription: &Stored) -> State {
        let name = subscription.text("state");
        State::WORDS.iter().find(|(word, _)| *word == name).map_or(State::Suspended, |(_, state)| *state)
    }

    /// Refuses what it does not allow.
    ///
    /// # Errors
    /// In ARM's words.
    pub(crate) fn check(self, subscription: &str, writes: bool) -> Result<(), ArmError> {
        match self {
            State::Registered => Ok(()),
            State::Deleted => Err(ArmError::subscription_not_found(subscription)),
            State::Warned | State::Suspended if !writes => Ok(()),
            State::Warned | State::Suspended => {
                let message = format!(
                    "The subscription '{subscription}' is disabled and therefore marked as read only. You won't be \
                     able to perform any write actions on this subscription until it is re-enabled."
                );
                Err(ArmError::new(409, "ReadOnlyDisabledSubscription", message))
            }
        }
    }
}

/// The namespaces that a subscription does not use, in small letters.
pub(crate) fn unregistered(subscription: &Stored) -> Vec<String> {
    let list = subscription.document.properties.get("unregistered").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
