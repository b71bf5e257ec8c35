//! Proposing entries: from the leader's log to its state.

use std::time::Duration;

use openraft::error::ClientWriteError;
use tokio::sync::watch;

use super::Group;
use crate::replica::Replica;
use crate::types::Payload;
use crate::{Leadership, ProposeError};

/// A proposal whose leader was deposed is waited for this long: its fate is usually known by then.
const DEPOSED_GRACE: Duration = Duration::from_millis(500);

impl Group {
    /// Replicates `entry` and applies it. Returns its log index and what the state machine replied, after the
    /// entry is durable on a majority and applied here. Several may be in flight; they take effect in the
    /// order of the calls' first polls.
    ///
    /// # Errors
    /// See [`ProposeError`]. A leader cut off from its peers keeps waiting: give the call a timeout.
    pub async fn propose(
        &self,
        entry: impl Into<bytes::Bytes> + Send,
    ) -> Result<(u64, Vec<u8>), ProposeError> {
        let entry = entry.into();
        let Replica { log, .. } = &*self.0.replica;
        let (bytes, bytes_max) = (entry.len() as u64, log.entry_bytes_max());
        if bytes > bytes_max {
            return Err(ProposeError::TooLarge { bytes, bytes_max });
        }
        if self.0.replica.stood_down.get() {
            return Err(ProposeError::NotLeader { leader: None });
        }
        if self.0.replica.log_is_tight() {
            self.0.replica.wait_for_log_space().await;
        }
        let mut changes = self.0.changes.clone();
        let led = changes.borrow_and_update().clone();
        let reply = self.0.raft.client_write_ff(Payload(entry)).await.map_err(|_| ProposeError::Stopped)?;
        tokio::pin!(reply);
        let answer = tokio::select! {
            biased;
            answer = &mut reply => answer,
            () = deposed(&mut changes, &led) => {
                let late = tokio::time::timeout(DEPOSED_GRACE, &mut reply).await;
                late.map_err(|_| ProposeError::Uncertain)?
            }
        };
        match answer {
            Ok(Ok(response)) => Ok((response.log_id.index, response.data)),
            Ok(Err(ClientWriteError::ForwardToLeader(to))) => {
                Err(ProposeError::NotLeader { leader: to.leader_node.or_else(|| self.leader()) })
            }
            // Not the answer to a plain entry.
            Ok(Err(ClientWriteError::ChangeMembershipError(_))) | Err(_) => Err(ProposeError::Stopped),
        }
    }
}

/// Returns once this replica no longer leads in the term it led at `led`, or the group has stopped.
async fn deposed(changes: &mut watch::Receiver<Leadership>, led: &Leadership) {
    while changes.changed().await.is_ok() {
        let now = changes.borrow_and_update();
        if led.is_me && (!now.is_me || now.term != led.term) {
            return;
        }
    }
}
