//! `systemData`: who made a resource and who changed it last, and when.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What kind of caller somebody is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum IdentityType {
    /// A person.
    User,
    /// A service principal.
    Application,
    /// An identity that a platform gave a machine.
    ManagedIdentity,
    /// Whoever holds a key.
    Key,
}

/// Who made a resource and who changed it last, and when. Clients cannot set it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemData {
    /// Who made it.
    pub created_by: String,
    /// What kind of caller that was.
    pub created_by_type: IdentityType,
    /// When.
    pub created_at: Timestamp,
    /// Who changed it last.
    pub last_modified_by: String,
    /// What kind of caller that was.
    pub last_modified_by_type: IdentityType,
    /// When.
    pub last_modified_at: Timestamp,
}

impl SystemData {
    /// Of a resource that is made now.
    pub fn created(by: &str, kind: IdentityType, at: Timestamp) -> SystemData {
        SystemData {
            created_by: by.to_owned(),
            created_by_type: kind,
            created_at: at,
            last_modified_by: by.to_owned(),
            last_modified_by_type: kind,
            last_modified_at: at,
        }
    }

    /// Of the same resource when it is changed now.
    #[must_use]
    pub fn modified(self, by: &str, kind: IdentityType, at: Timestamp) -> SystemData {
        SystemData {
            last_modified_by: by.to_owned(),
            last_modified_by_type: kind,
            last_modified_at: at,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_leaves_what_is_said_of_the_creation() {
        let made = SystemData::created("ops", IdentityType::Application, Timestamp::from_millis(0));
        let changed = made.clone().modified("kim", IdentityType::User, Timestamp::from_millis(86_400_000));
        let expected = json!({
            "createdBy": "ops",
            "createdByType": "Application",
            "createdAt": "1970-01-01T00:00:00.000Z",
            "lastModifiedBy": "kim",
            "lastModifiedByType": "User",
            "lastModifiedAt": "1970-01-02T00:00:00.000Z",
        });
        assert_eq!(serde_json::to_value(&changed).expect("JSON"), expected);
        assert_eq!(serde_json::from_value::<SystemData>(expected).expect("read back"), changed);
        assert_eq!(made.last_modified_by, "ops");
    }
}
