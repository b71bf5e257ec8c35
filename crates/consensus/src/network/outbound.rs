//! Sending messages to peers, at once or a little later.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse};
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Notify;

use super::fanout::Fanout;
use super::message::encode;
use super::transport::{Rpc, Transport};
use crate::log::LogStore;
use crate::types::Types;
use crate::{GroupConfig, Member, TransportError};

/// What all clients of a group share.
pub(crate) struct Network {
    pub group: u16,
    pub me: u64,
    pub transport: Arc<dyn Transport>,
    pub log: LogStore,
    pub heartbeat: Duration,
    pub commit_delay: Duration,
    pub fanout: Fanout,
    /// Commit indexes that no entry has carried yet, by follower.
    deferred: Mutex<HashMap<u64, (Member, AppendEntriesRequest<Types>)>>,
    any_deferred: Notify,
}

impl Network {
    pub(crate) fn new(config: &GroupConfig, transport: Arc<dyn Transport>, log: LogStore) -> Arc<Network> {
        Arc::new(Network {
            group: config.group,
            me: config.me.id,
            transport,
            log,
            heartbeat: Duration::from_millis(config.heartbeat_ms),
            commit_delay: Duration::from_millis(config.commit_delay_ms),
            fanout: Fanout::new(config.me.id),
            deferred: Mutex::default(),
            any_deferred: Notify::new(),
        })
    }

    /// Sends `request`, of about `bytes_hint` bytes, to `peer` and decodes the reply.
    ///
    /// # Errors
    /// Of the transport; `Refused` when something cannot be encoded or decoded.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        peer: &Member,
        rpc: Rpc,
        request: &impl Serialize,
        bytes_hint: usize,
        timeout: Duration,
    ) -> Result<T, TransportError> {
        let body = encode(self.group, self.me, peer.id, request, bytes_hint)
            .map_err(|e| TransportError::Refused(e.to_string()))?;
        let reply = self.transport.call(peer, rpc, body, timeout).await?;
        postcard::from_bytes(&reply).map_err(|e| TransportError::Refused(format!("malformed reply: {e}")))
    }

    /// Keeps a message to `peer` that carries nothing but a commit index, to be sent a little later.
    pub(super) fn defer(&self, peer: &Member, request: AppendEntriesRequest<Types>) {
        self.deferred.lock().insert(peer.id, (peer.clone(), request));
        self.any_deferred.notify_one();
    }

    /// Drops what is deferred for `peer`: a message that carries it is on its way.
    pub(super) fn drop_deferred(&self, peer: &Member) {
        self.deferred.lock().remove(&peer.id);
    }

    /// Sends commit indexes that nothing else carried. Runs as long as the group.
    pub(crate) async fn flush_deferred(self: Arc<Network>) {
        loop {
            self.any_deferred.notified().await;
            tokio::time::sleep(self.commit_delay).await;
            let deferred: Vec<_> = self.deferred.lock().drain().collect();
            for (_, (peer, request)) in deferred {
                let network = self.clone();
                tokio::spawn(async move {
                    let reply = network.call::<AppendEntriesResponse<u64>>(
                        &peer,
                        Rpc::AppendEntries,
                        &request,
                        0,
                        network.heartbeat,
                    );
                    // Lost or refused ones are made up for by the next heartbeat.
                    let _ = reply.await;
                });
            }
        }
    }
}
