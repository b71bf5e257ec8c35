//! One replica of one group, as its user sees it.
//!
//! `open` starts and stops it, `serve` answers peers, `propose` adds entries, `state` reads what is applied,
//! `membership` changes who votes, `status` tells where it stands.

mod files;
mod membership;
mod open;
mod propose;
mod serve;
mod state;
mod status;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use openraft::Raft;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Leadership;
use crate::network::Network;
use crate::read_index::ReadIndex;
use crate::replica::Replica;
use crate::types::Types;

pub use files::LogDevice;

/// One replica of one group. Clones are the same replica.
#[derive(Clone)]
pub struct Group(Arc<Handle>);

struct Handle {
    replica: Arc<Replica>,
    raft: Raft<Types>,
    network: Arc<Network>,
    /// Set once the replica is being shut down.
    closing: AtomicBool,
    read_index: ReadIndex,
    changes: watch::Receiver<Leadership>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// `None` once the files are closed.
    threads: Mutex<Option<files::Threads>>,
}
