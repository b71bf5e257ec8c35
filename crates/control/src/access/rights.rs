//! What a caller is allowed, from the role assignments that name it.

use isobar_arm::ResourceId;
use isobar_records::{ResourceFilter, Snapshot};

use super::roles::Role;
use crate::refusal::Refusal;
use crate::store::{Stored, gather};

/// The kind of role assignments among the records.
pub(crate) const ASSIGNMENT_KIND: &str = "microsoft.authorization/roleassignments";

/// What a caller is allowed.
#[derive(Default)]
pub(crate) struct Rights(Vec<(ResourceId, &'static Role)>);

impl Rights {
    /// Those of a principal: everywhere, in the tenant alone, or in a subscription as well.
    pub(crate) async fn load(
        snapshot: &mut Snapshot,
        principal: &str,
        subscription: Option<&str>,
    ) -> Result<Rights, Refusal> {
        let mut rights = Rights::default();
        let subscription = subscription.map(str::to_lowercase);
        for subscription in [Some(""), subscription.as_deref()].into_iter().flatten() {
            rights.add(snapshot, principal, Some(subscription)).await?;
        }
        Ok(rights)
    }

    /// Those in every subscription.
    pub(crate) async fn load_all(snapshot: &mut Snapshot, principal: &str) -> Result<Rights, Refusal> {
        let mut rights = Rights::default();
        rights.add(snapshot, principal, None).await?;
        Ok(rights)
    }

    async fn add(
        &mut self,
        snapshot: &mut Snapshot,
        principal: &str,
        subscription: Option<&str>,
    ) -> Result<(), Refusal> {
        let kind = Some(ASSIGNMENT_KIND);
        let filter = ResourceFilter { kind, subscription, ..ResourceFilter::default() };
        let of = |stored: &Stored| stored.text("principalId").eq_ignore_ascii_case(principal);
        for stored in gather(snapshot, &filter, usize::MAX, of).await? {
            let role = Role::of_definition(stored.text("roleDefinitionId"));
            self.0.extend(stored.id.scope().zip(role));
        }
        Ok(())
    }

    /// Whether an action on something is allowed.
    pub(crate) fn allow(&self, action: &str, target: &ResourceId) -> bool {
        self.0.iter().any(|(scope, role)| target.is_within(scope) && role.allows(action))
    }

    /// Whether there is any right to or in something.
    pub(crate) fn reach(&self, target: &ResourceId) -> bool {
        self.0.iter().any(|(scope, _)| target.is_within(scope) || scope.is_within(target))
    }
}
