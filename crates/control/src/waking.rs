//! Clusters after their machines were down: when a control plane starts, it has their providers start the
//! nodes that ran before. What ends later on stays as it is: that is for whoever operates the cluster.

use std::future::pending;

use isobar_provider::{ProviderError, Woken};

use crate::limits::WAKE_AGAIN_AFTER;
use crate::providers::Providers;
use crate::watch::{Watch, Watched};

/// Wakes every cluster once, and never returns.
pub(crate) async fn run(watch: &Watch, providers: &Providers) {
    let mut left = loop {
        match watch.all().await {
            Ok(all) => break all,
            Err(refusal) => tracing::warn!(error = %refusal.0, "clusters are not woken at the moment"),
        }
        tokio::time::sleep(WAKE_AGAIN_AFTER).await;
    };
    while !left.is_empty() {
        let mut again = Vec::new();
        for cluster in left {
            if wake(&cluster, providers).await.is_none() {
                again.push(cluster);
            }
        }
        left = again;
        if !left.is_empty() {
            tokio::time::sleep(WAKE_AGAIN_AFTER).await;
        }
    }
    pending().await
}

/// Wakes one; `None` if that may go better another time.
async fn wake(Watched { id, provider, deployment }: &Watched, providers: &Providers) -> Option<()> {
    // Without its provider it is not looked at either, which its health says.
    let Some(provider) = providers.named(provider) else { return Some(()) };
    match provider.wake(deployment).await {
        Ok(Woken { started, stay_down }) => {
            if !started.is_empty() {
                let nodes = started.join(", ");
                tracing::info!(cluster = %id, %nodes, "the machine was down: its nodes are started again");
            }
            for (node, why) in stay_down {
                tracing::warn!(cluster = %id, %node, %why, "the machine was down: a node stays so");
            }
            Some(())
        }
        Err(ProviderError::Cannot(why)) => {
            tracing::warn!(cluster = %id, %why, "a cluster was not woken");
            Some(())
        }
        Err(ProviderError::Retry(why)) => {
            tracing::warn!(cluster = %id, %why, "a cluster is not woken yet");
            None
        }
    }
}
