//! What something new is made in or for: it has to be there, and must not be going away.

use isobar_arm::{ArmError, ProvisioningState, ResourceId};
use isobar_records::Tx;

use crate::refusal::Refusal;
use crate::store::Stored;

/// Refuses to put anything into a group that is being deleted.
///
/// # Errors
/// `ResourceGroupBeingDeleted`.
pub(crate) fn check_living(group: &Stored) -> Result<(), Refusal> {
    if group.document.state != ProvisioningState::Deleting {
        return Ok(());
    }
    let message = format!(
        "The resource group '{}' is in deprovisioning state and cannot perform this operation.",
        group.id.name()
    );
    Err(ArmError::new(409, "ResourceGroupBeingDeleted", message).into())
}

/// Holds what an extension is made for: it has to be there, and its group must not be going away.
///
/// # Errors
/// It is not there, or `ResourceGroupBeingDeleted`.
pub(crate) async fn hold_scope(tx: &mut Tx, scope: &ResourceId) -> Result<Option<Stored>, Refusal> {
    if *scope == ResourceId::tenant() {
        return Ok(None);
    }
    // The group first: whoever deletes it begins with it, too.
    let group = scope.outwards().into_iter().find(|id| id.group().is_some() && id.namespace().is_none());
    if let Some(group) = group.filter(|group| group != scope) {
        let group = Stored::hold(tx, &group).await?.ok_or_else(|| group.not_found())?;
        check_living(&group)?;
    }
    let stored = Stored::hold(tx, scope).await?.ok_or_else(|| scope.not_found())?;
    check_living(&stored)?;
    Ok(Some(stored))
}
