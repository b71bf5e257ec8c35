//! Devices that failed, or could not be used when the node started, are tried again for as long as it runs.
//!
//! A store that stopped because a write failed is opened again as after a restart: by its log, so that
//! nothing counts that was not synced. Pauses grow while it fails again and again.

use std::sync::Arc;
use std::time::Instant;

use isobar_disk::Devices;
use tokio::task::JoinSet;

use super::open::open_again;
use super::{Target, orphans, rebuild, scrub};
use crate::context::NodeContext;
use crate::limits::{ATTACH_PAUSE_MAX, ATTACH_PAUSE_MIN, ATTACH_QUIET};
use crate::supervise::supervise;

/// Starts the duties of whoever owns a target.
fn start(node: &Arc<NodeContext>, target: &Arc<Target>, duties: &mut JoinSet<()>) {
    let (n, t) = (node.clone(), target.clone());
    duties.spawn(supervise("orphans", move || orphans::run(n.clone(), t.clone())));
    let (n, t) = (node.clone(), target.clone());
    duties.spawn(supervise("rebuild", move || rebuild::run(n.clone(), t.clone())));
    let (n, t) = (node.clone(), target.clone());
    duties.spawn(supervise("scrub", move || scrub::run(n.clone(), t.clone())));
    let t = target.clone();
    duties.spawn(supervise("reopen", move || reopen(t.clone())));
}

/// Carries out the duties of all targets, also of those that can be used only later.
pub(crate) async fn run(node: Arc<NodeContext>, devices: Arc<dyn Devices>) {
    let mut duties = JoinSet::new();
    for target in node.targets() {
        start(&node, &target, &mut duties);
    }
    let mut pause = ATTACH_PAUSE_MIN;
    while !node.unusable().is_empty() {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(ATTACH_PAUSE_MAX);
        for waiting in node.unusable() {
            let (devices, config, addr) = (devices.clone(), node.config.clone(), node.addr.clone());
            let open = move || open_again(&*devices, &config, &addr, waiting.slot);
            match tokio::task::spawn_blocking(open).await {
                Ok(Ok(target)) => {
                    tracing::info!(target_id = %target.id(), path = waiting.path, "the target can be used again");
                    node.add_target(target.clone());
                    start(&node, &target, &mut duties);
                }
                Ok(Err(why)) => tracing::debug!(path = waiting.path, why, "the target cannot be used yet"),
                Err(error) => tracing::error!(path = waiting.path, %error, "opening the target failed"),
            }
        }
    }
    // Duties end with the node only.
    while duties.join_next().await.is_some() {}
}

/// Opens the store of a target again whenever it has failed.
async fn reopen(target: Arc<Target>) {
    let mut pause = ATTACH_PAUSE_MIN;
    let mut well_since = Instant::now();
    loop {
        tokio::time::sleep(ATTACH_PAUSE_MIN).await;
        if !target.store().is_poisoned() {
            if well_since.elapsed() > ATTACH_QUIET {
                pause = ATTACH_PAUSE_MIN;
            }
            continue;
        }
        tokio::time::sleep(pause.saturating_sub(ATTACH_PAUSE_MIN)).await;
        pause = (pause * 2).min(ATTACH_PAUSE_MAX);
        let failed = target.clone();
        match tokio::task::spawn_blocking(move || failed.reopen()).await {
            Ok(Ok(())) => {
                well_since = Instant::now();
                tracing::warn!(target_id = %target.id(), "the target had failed and is open again");
            }
            Ok(Err(error)) => tracing::debug!(target_id = %target.id(), %error, "the target stays failed"),
            Err(error) => tracing::error!(target_id = %target.id(), %error, "opening the target failed"),
        }
    }
}
