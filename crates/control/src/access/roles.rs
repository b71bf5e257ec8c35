//! The roles that ARM has for everything, with its own ids.

/// A role.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Role {
    /// Its id, the same in every tenant.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Patterns of what it allows.
    pub actions: &'static [&'static str],
    /// Patterns of what it does not allow after all.
    pub not_actions: &'static [&'static str],
}

/// May do everything.
pub(crate) const OWNER: &Role = &Role {
    id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    name: "Owner",
    description: "Grants full access to manage all resources, including the ability to assign roles.",
    actions: &["*"],
    not_actions: &[],
};

/// May do everything but give rights.
const CONTRIBUTOR: &Role = &Role {
    id: "b24988ac-6180-42a0-ab88-20f7382dd24c",
    name: "Contributor",
    description: "Grants full access to manage all resources, but does not allow you to assign roles.",
    actions: &["*"],
    not_actions: &[
        "Microsoft.Authorization/*/Delete",
        "Microsoft.Authorization/*/Write",
        "Microsoft.Authorization/elevateAccess/Action",
    ],
};

/// May look at everything.
const READER: &Role = &Role {
    id: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    name: "Reader",
    description: "View all resources, but does not allow you to make any changes.",
    actions: &["*/read"],
    not_actions: &[],
};

/// All of them.
pub(crate) const ROLES: [&Role; 3] = [OWNER, CONTRIBUTOR, READER];

impl Role {
    /// The role with this id.
    pub(crate) fn by_id(id: &str) -> Option<&'static Role> {
        ROLES.into_iter().find(|role| role.id.eq_ignore_ascii_case(id))
    }

    /// The role that the id of a definition names, in whatever scope.
    pub(crate) fn of_definition(id: &str) -> Option<&'static Role> {
        id.rsplit('/').next().and_then(Role::by_id)
    }

    /// Whether it allows an action.
    pub(crate) fn allows(&self, action: &str) -> bool {
        let fits = |patterns: &[&str]| patterns.iter().any(|pattern| fits(pattern, action));
        fits(self.actions) && !fits(self.not_actions)
    }
}

/// Whether an action fits a pattern, in which `*` is any characters at all. Case does not matter.
fn fits(pattern: &str, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let pattern = pattern.to_ascii_lowercase();
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == action };
    let Some(mut left) = action.strip_prefix(first) else { return false };
    let parts: Vec<&str> = rest.split('*').collect();
    let Some((last, between)) = parts.split_last() else { return true };
    for part in between {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_characters_at_all() {
        let yes = [("*", "a/b/read"), ("*/read", "A/B/READ"), ("a/*/write", "a/b/c/write"), ("a/b", "A/B")];
        assert!(yes.iter().all(|(pattern, action)| fits(pattern, action)));
        let no = [("*/read", "a/b/write"), ("a/*/write", "a/write"), ("a/*/write", "b/c/write"), ("a", "ab")];
        assert!(no.iter().all(|(pattern, action)| !fits(pattern, action)));
        assert!(fits("a*b*c", "aXbYc") && !fits("a*b*c", "acb") && !fits("ab*b", "ab"));
    }

    #[test]
    fn contributors_give_no_rights_and_readers_change_nothing() {
        let may = |role: &Role, action| role.allows(action);
        assert!(may(OWNER, "Microsoft.Authorization/roleAssignments/write"));
        assert!(!may(CONTRIBUTOR, "Microsoft.Authorization/roleAssignments/write"));
        assert!(!may(CONTRIBUTOR, "Microsoft.Authorization/locks/delete"));
        assert!(may(CONTRIBUTOR, "Microsoft.Authorization/locks/read"));
        assert!(may(CONTRIBUTOR, "Isobar.Storage/clusters/listSecrets/action"));
        assert!(may(READER, "Isobar.Storage/clusters/read"));
        for action in ["Isobar.Storage/clusters/write", "Isobar.Storage/clusters/listSecrets/action"] {
            assert!(!may(READER, action));
        }
    }
}
