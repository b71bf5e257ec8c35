//! The expiry of sessions that were not renewed (I5). The state machine ends them by an entry in the log; who
//! is late, and that a late one is never renewed again, is known to `metadata::sessions`; it is asked only
//! while this node can confirm renewals.

use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_base::limits;
use isobar_wire::message::ops::SessionOp;

use crate::limits::EXPIRY_EVERY;
use crate::metadata::{Metadata, live_sessions};

const TIMEOUT: Duration = Duration::from_millis(limits::SESSION_TIMEOUT_MS);

/// Expires sessions that were not renewed, as long as this node leads.
pub(crate) async fn run(meta: Arc<Metadata>) {
    loop {
        tokio::time::sleep(EXPIRY_EVERY).await;
        let Ok(live) = meta.read(live_sessions).await else { continue };
        meta.delegations.retain(&live);
        let late = meta.sessions.to_expire(&live, TIMEOUT, Instant::now());
        if late.is_empty() {
            continue;
        }
        for session in &late {
            tracing::warn!(%session, lease_ms = limits::SESSION_TIMEOUT_MS, "session not renewed: expired");
        }
        let ops = late.into_iter().map(|session| SessionOp::Expire { session }.into()).collect();
        if let Err(error) = meta.execute(ops).await {
            // Uncertain or no quorum: they stay marked, and are proposed again.
            tracing::warn!(%error, "sessions could not be expired");
        }
    }
}
