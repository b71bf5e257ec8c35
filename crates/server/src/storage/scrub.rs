//! Scrubbing: every row of a target is read again on a cycle, and rows that are damaged or missing are
//! written again from the others.
//!
//! Damage in a row nobody reads, a parity row above all, would otherwise be found when the row is needed: too
//! late. A row that should be here and is not is as good as damaged: what a device forgets in a power cut
//! though it had said that it was durable ends up so, too. What is missing is looked for as soon as the node
//! has started, before anything is read.
//!
//! A row may be whole and not the one that was committed: the ledger has a checksum of each.
//!
//! None of this tells whether a parity row is the one of its data: some segments are read whole for that.
//! Where it is not, its writer made it wrong, and the ledger names it as it is. No row of the segment can be
//! changed (I1), so the leader is told and copies the bytes to a new one: data rows are right as the ledger's
//! checksums of them are, and nothing is ever computed from the wrong row.

use std::sync::Arc;
use std::time::Duration;

use isobar_base::{Errno, FragmentKey, random_u64};
use isobar_segments::{RowState, Segments};
use isobar_store::StoreError;
use isobar_wire::message::cluster::ClusterMap;
use isobar_wire::message::files::SegmentInfo;

use super::Target;
use super::rebuild::{Outcome, rebuild, step};
use crate::context::NodeContext;
use crate::limits::SCRUB_PAUSE;

/// What a pass looks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pass {
    Missing,
    Damaged,
}

/// What a pass found and did.
#[derive(Default)]
struct Found {
    rows: u64,
    bad: u64,
    repaired: u64,
}

/// Scrubs a target as long as the node runs, first when it starts.
pub(crate) async fn run(node: Arc<NodeContext>, target: Arc<Target>) {
    if !node.config.scrub.enabled {
        return;
    }
    let segments = Segments::new(node.cluster.clone());
    loop {
        // Rows that a target being rebuilt lacks are not its fault.
        while !node.is_clean(target.id()) {
            tokio::time::sleep(SCRUB_PAUSE).await;
        }
        let mut whole = true;
        for what in [Pass::Missing, Pass::Damaged] {
            match pass(&node, &target, &segments, what).await {
                Ok(Found { rows, bad, repaired }) if what == Pass::Damaged || bad > 0 => {
                    tracing::info!(target_id = %target.id(), ?what, rows, bad, repaired, "scrub finished");
                    whole &= bad == repaired;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(target_id = %target.id(), %error, "scrubbing cut short");
                    whole = false;
                    break;
                }
            }
        }
        let interval = Duration::from_secs(node.config.scrub.interval_seconds);
        tokio::time::sleep(if whole { interval } else { SCRUB_PAUSE.min(interval) }).await;
    }
}

/// One walk over all segments.
async fn pass(
    node: &Arc<NodeContext>,
    target: &Arc<Target>,
    segments: &Segments,
    what: Pass,
) -> Result<Found, Errno> {
    let mut found = Found::default();
    let mut after = None;
    while let Some(step) = step(node, &mut after).await? {
        let map = node.cluster.view().known();
        for segment in step {
            let Some(row) = row_on(&map.map, &segment, target) else { continue };
            let key = FragmentKey { segment: segment.id, row };
            found.rows += 1;
            let bad = match what {
                Pass::Missing => !target.store().contains(key),
                Pass::Damaged => {
                    pace(node, segment.geometry.row_bytes()).await;
                    look_at_parity(node, target, segments, &segment, key).await;
                    match target.verify(key).await {
                        Ok(crc) => segment.row_crcs.get(usize::from(row)) != Some(&crc),
                        Err(error) => matches!(error, StoreError::Corrupt { .. }),
                    }
                }
            };
            if !bad {
                continue;
            }
            match rebuild(segments, target, segment, row).await {
                // Removed since the walk saw it: it is not missing.
                Outcome::Gone => {}
                Outcome::Rebuilt => {
                    tracing::warn!(target_id = %target.id(), fragment = %key, "row repaired");
                    found.bad += 1;
                    found.repaired += 1;
                }
                Outcome::Missing(_, why) => {
                    tracing::error!(target_id = %target.id(), fragment = %key, why, "row cannot be repaired");
                    found.bad += 1;
                }
            }
        }
    }
    Ok(found)
}

/// Compares the parity row of one segment of many with that of its data, and remembers for the leader when it
/// is another.
async fn look_at_parity(
    node: &NodeContext,
    target: &Target,
    segments: &Segments,
    segment: &SegmentInfo,
    key: FragmentKey,
) {
    let sampled = random_u64().checked_rem(node.config.scrub.parity_one_of) == Some(0);
    if key.row < segment.geometry.data || !sampled {
        return;
    }
    pace(node, segment.geometry.stored_bytes()).await;
    let Ok(Some(examined)) = segments.examine(segment).await else { return };
    if examined.rows.get(usize::from(key.row)) == Some(&RowState::Contradicts) {
        target.note_contradiction(key);
        tracing::error!(
            target_id = %target.id(), fragment = %key, ino = %segment.ino,
            "the row is not the parity of its data: its writer made it wrong; its segment is to be copied"
        );
    }
}

/// The row of a segment that should be on a target.
fn row_on(map: &ClusterMap, segment: &SegmentInfo, target: &Target) -> Option<u8> {
    let positions = &map.group(segment.pg)?.positions;
    let here = |&at: &u8| positions.get(usize::from(at)).is_some_and(|p| p.target == target.id());
    segment.positions.iter().position(here).map(|row| row as u8)
}

/// Keeps to the configured rate.
async fn pace(node: &NodeContext, bytes: u64) {
    let rate = node.config.scrub.bytes_per_second;
    tokio::time::sleep(Duration::from_secs_f64(bytes as f64 / rate as f64)).await;
}
