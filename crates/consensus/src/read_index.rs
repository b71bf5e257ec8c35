//! Read confirmations: one at a time, shared by everyone who asked before it started (I10: no lease).

use openraft::Raft;
use openraft::error::{CheckIsLeaderError, RaftError};
use tokio::sync::{mpsc, oneshot};

use crate::ProposeError;
use crate::types::Types;

type Waiter = oneshot::Sender<Result<(), ProposeError>>;

/// Asks for confirmations. Clones share them.
#[derive(Clone)]
pub(crate) struct ReadIndex(mpsc::UnboundedSender<Waiter>);

impl ReadIndex {
    pub(crate) fn start(raft: Raft<Types>) -> (ReadIndex, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (ReadIndex(sender), tokio::spawn(run(raft, receiver)))
    }

    /// Returns once this node was the leader at some moment after the call, and has applied all that was committed
    /// at that moment.
    pub(crate) async fn confirm(&self) -> Result<(), ProposeError> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(sender).map_err(|_| ProposeError::Stopped)?;
        receiver.await.map_err(|_| ProposeError::Stopped)?
    }
}

async fn run(raft: Raft<Types>, mut receiver: mpsc::UnboundedReceiver<Waiter>) {
    let mut waiters = Vec::new();
    while let Some(first) = receiver.recv().await {
        waiters.push(first);
        while let Ok(more) = receiver.try_recv() {
            waiters.push(more);
        }
        let result = match raft.ensure_linearizable().await {
            Ok(_) => Ok(()),
            Err(RaftError::APIError(CheckIsLeaderError::ForwardToLeader(to))) => {
                Err(ProposeError::NotLeader { leader: to.leader_node })
            }
            Err(RaftError::APIError(CheckIsLeaderError::QuorumNotEnough(_))) => Err(ProposeError::NoQuorum),
            Err(RaftError::Fatal(_)) => Err(ProposeError::Stopped),
        };
        for waiter in waiters.drain(..) {
            // A waiter that is gone was cancelled.
            let _ = waiter.send(result.clone());
        }
    }
}
