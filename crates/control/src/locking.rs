//! What locks forbid.
//!
//! A lock holds for its scope and everything in it. `CanNotDelete` forbids to delete, `ReadOnly` to change as
//! well. What contains something that is locked cannot be deleted either. Locks themselves are made and taken
//! away by whoever is allowed to, locks or not: otherwise nobody could take one away.

use isobar_arm::{ArmError, ResourceId};
use isobar_records::{ResourceFilter, Snapshot, Tx};

use crate::call::Call;
use crate::refusal::Refusal;
use crate::store::{Stored, gather};
use crate::table::{Gate, Template};

/// The kind of locks among the records.
pub(crate) const LOCK_KIND: &str = "microsoft.authorization/locks";
/// What the actions on locks begin with.
const LOCK_ACTIONS: &str = "Microsoft.Authorization/locks/";

/// Refuses a call that a lock forbids.
///
/// # Errors
/// `ScopeLocked`.
pub(crate) async fn check(call: &Call, tx: &mut Tx) -> Result<(), Refusal> {
    let operation = call.operation;
    let exempt = operation.gate != Gate::Allowed || operation.action.starts_with(LOCK_ACTIONS);
    if exempt || !operation.writes() || call.target.subscription().is_none() {
        return Ok(());
    }
    let deletes = operation.verb() == "delete";
    // To take an extension away leaves what is in its scope alone.
    let takes_all = deletes && !Template::parse(operation.path).scoped;
    if let (true, Some(group)) = (deletes, call.target.group()) {
        // Whoever locks something holds its group meanwhile: a lock is there before this looks, or it comes
        // when the group is going away already.
        let key = format!("{}/resourceGroups/{group}", call.subscription()?).to_lowercase();
        tx.hold_resource(&key).await?;
    }
    let locks = in_the_way(tx, &call.target, deletes, takes_all).await?;
    if locks.is_empty() {
        return Ok(());
    }
    let locks: Vec<&str> = locks.iter().map(String::as_str).collect();
    let verb = if deletes { "delete" } else { "write" };
    Err(ArmError::scope_locked(&call.target.to_string(), verb, &locks).into())
}

/// The scopes of the locks that are in the way.
async fn in_the_way(
    snapshot: &mut Snapshot,
    target: &ResourceId,
    deletes: bool,
    takes_all: bool,
) -> Result<Vec<String>, Refusal> {
    let subscription = target.subscription().unwrap_or_default().to_lowercase();
    let filter = ResourceFilter {
        kind: Some(LOCK_KIND),
        subscription: Some(&subscription),
        ..ResourceFilter::default()
    };
    let forbids = |lock: &Stored| {
        let concerns = lock
            .id
            .scope()
            .is_some_and(|scope| target.is_within(&scope) || takes_all && scope.is_within(target));
        concerns && (deletes || lock.text("level") == "ReadOnly")
    };
    let locks = gather(snapshot, &filter, usize::MAX, forbids).await?;
    let mut scopes: Vec<String> =
        locks.iter().filter_map(|lock| lock.id.scope()).map(|scope| scope.to_string()).collect();
    scopes.dedup();
    Ok(scopes)
}
