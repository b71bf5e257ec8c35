//! Clusters that name a reservation: which one they may name, and what cannot be deleted because of them.
//!
//! Whoever lets a cluster name a reservation holds it meanwhile, and so does whoever deletes it, or its
//! group: no cluster names one that is gone.

use isobar_arm::{ArmError, ResourceId};
use isobar_records::{ResourceFilter, Snapshot, Tx};

use crate::call::Call;
use crate::refusal::Refusal;
use crate::reservations::{RESERVATION_KIND, clusters_of_subscription, named_by, status_of};
use crate::resources::scopes::check_living;
use crate::store::{Stored, gather};

const READ: &str = "Isobar.Storage/reservations/read";
const READ_CLUSTERS: &str = "Isobar.Storage/clusters/read";
const TARGET: &str = "properties.reservationId";

/// Refuses to let a cluster name a reservation. What the cluster names already is looked at only when the
/// cluster is being made: whoever changes a tag need not read the reservation.
///
/// # Errors
/// It is not there, is elsewhere, or the caller may not read it; or a cluster is being made under one that
/// has not begun, is suspended or has ended.
pub(crate) async fn check_named(
    call: &Call,
    tx: &mut Tx,
    wanted: Option<&ResourceId>,
    before: Option<&Stored>,
    is_making: bool,
) -> Result<(), Refusal> {
    let Some(wanted) = wanted else { return Ok(()) };
    let is_new = before.and_then(named_by).is_none_or(|named| named != *wanted);
    if !is_new && !is_making {
        return Ok(());
    }
    let subscription = call.subscription()?;
    let is_one = wanted.resource_type().eq_ignore_ascii_case("Isobar.Storage/reservations");
    if !is_one || !wanted.is_within(&subscription) {
        let message = format!("'{TARGET}' must be the id of a reservation in the same subscription.");
        return Err(ArmError::new(400, "InvalidResourceReference", message).with_target(TARGET).into());
    }
    let may_read = !is_new || call.rights.allow(READ, wanted);
    let reservation = if may_read { Stored::hold(tx, wanted).await? } else { None };
    let Some(reservation) = reservation else {
        // Whoever may not read it is not told whether it is there.
        let message =
            format!("The reservation '{wanted}' is not there, or you may not read it ('{TARGET}').");
        return Err(ArmError::new(400, "InvalidResourceReference", message).with_target(TARGET).into());
    };
    if let Some(group) = reservation.id.parent() {
        // After it is held: whoever deletes its group has done so by now, or comes later.
        check_living(&Stored::get(tx, &group).await?)?;
    }
    match status_of(&reservation, call.now())?.why_not().filter(|_| is_making) {
        None => Ok(()),
        Some(why) => {
            let message = format!(
                "No cluster can be made under the reservation '{}'. {why} A cluster that names no \
                 reservation can be made.",
                reservation.id.name()
            );
            Err(ArmError::new(409, "ReservationNotActive", message).with_target(TARGET).into())
        }
    }
}

/// The clusters that name a reservation.
pub(super) async fn naming(
    call: &Call,
    snapshot: &mut Snapshot,
    reservation: &ResourceId,
) -> Result<Vec<Stored>, Refusal> {
    let subscription = call.subscription()?.name().to_owned();
    let mut clusters = clusters_of_subscription(snapshot, &subscription).await?;
    clusters.retain(|cluster| named_by(cluster).is_some_and(|named| named == *reservation));
    Ok(clusters)
}

/// Refuses to delete what clusters name: names those that the caller may read, and counts the others.
pub(super) fn refuse_named(call: &Call, what: &str, clusters: &[Stored]) -> Result<(), Refusal> {
    if clusters.is_empty() {
        return Ok(());
    }
    let seen: Vec<&str> = clusters
        .iter()
        .filter(|cluster| call.rights.allow(READ_CLUSTERS, &cluster.id))
        .map(|cluster| cluster.id.name())
        .collect();
    let mut names = seen.join(", ");
    let others = clusters.len() - seen.len();
    if others > 0 {
        names.push_str(&format!(
            "{}{others} that you may not read",
            if seen.is_empty() { "" } else { ", and " }
        ));
    }
    let message = format!(
        "{what} is named by clusters: {names}. Let each of them name another one, or none, by \
         properties.reservationId."
    );
    Err(ArmError::new(409, "ReservationInUse", message).into())
}

/// Refuses to delete a group with reservations that clusters of other groups name.
pub(crate) async fn check_group(call: &Call, tx: &mut Tx, group: &Stored) -> Result<(), Refusal> {
    let subscription = call.subscription()?.name().to_lowercase();
    let name = group.id.name().to_lowercase();
    let filter = ResourceFilter {
        kind: Some(RESERVATION_KIND),
        subscription: Some(&subscription),
        group_name: Some(&name),
        ..ResourceFilter::default()
    };
    let reservations = gather(tx, &filter, usize::MAX, |_| true).await?;
    for reservation in &reservations {
        Stored::hold(tx, &reservation.id).await?;
    }
    if reservations.is_empty() {
        return Ok(());
    }
    let mut clusters = clusters_of_subscription(tx, &subscription).await?;
    clusters.retain(|cluster| {
        let names_one = |named: ResourceId| reservations.iter().any(|one| one.id == named);
        !cluster.id.is_within(&group.id) && named_by(cluster).is_some_and(names_one)
    });
    refuse_named(call, &format!("A reservation of the resource group '{}'", group.id.name()), &clusters)
}
