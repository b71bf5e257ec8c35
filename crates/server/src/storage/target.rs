//! The storage targets of a node: opening, formatting, what the node knows of each, and the way to its store.
//!
//! A blank file or device is a new target with a random id (I13): it never takes the place of an
//! older one by its path or its node's name. A label of another cluster or node is refused.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use isobar_base::{AlignedBuf, FragmentHeader, FragmentKey, TargetId, random_u64};
use isobar_disk::{Devices, Disk};
use isobar_store::{Fragment, Label, Options, Store, StoreError};
use isobar_wire::Address;
use isobar_wire::message::cluster::{TargetInfo, TargetLive};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::ServerError;
use crate::limits::{STORE_READS_MAX, STORE_WRITE_UNIT_BYTES, STORE_WRITES_MAX};
use isobar_config::{NodeConfig, TARGET_BYTES_MIN, TargetConfig};

/// One storage target of this node.
pub(crate) struct Target {
    pub(crate) info: TargetInfo,
    pub(crate) store: Store,
    /// Room in the store's write queue.
    writes: Arc<Semaphore>,
    /// Room in the store's read queue.
    reads: Arc<Semaphore>,
    /// Rows rebuilt and to rebuild, while that goes on.
    pub(crate) rebuild: Mutex<Option<(u64, u64)>>,
}

impl Target {
    /// The target's id.
    pub(crate) fn id(&self) -> TargetId {
        self.info.id
    }

    /// How the target is, as its own node sees it.
    pub(crate) fn live(&self) -> TargetLive {
        let usage = self.store.usage();
        TargetLive {
            id: self.id(),
            up: true,
            failed: self.store.is_poisoned(),
            damaged_rows: usage.damaged,
            used_bytes: usage.used_bytes,
            free_bytes: usage.free_bytes,
            rebuild: *self.rebuild.lock(),
        }
    }

    /// Makes a row durable; `done` is called by a thread of the store.
    pub(crate) fn put_then(
        self: &Arc<Target>,
        header: FragmentHeader,
        payload: AlignedBuf,
        done: impl FnOnce(&Target, Result<(), StoreError>) + Send + 'static,
    ) {
        let permits = 1 + payload.len() / STORE_WRITE_UNIT_BYTES;
        let target = self.clone();
        when_room(&self.writes, permits as u32, move |permit| {
            let store = target.store.clone();
            store.put(header, payload, move |result| {
                drop(permit);
                done(&target, result);
            });
        });
    }

    /// Stores a row again that is missing or damaged; `done` is called by a thread of the store.
    pub(crate) fn rewrite_then(
        self: &Arc<Target>,
        header: FragmentHeader,
        payload: AlignedBuf,
        done: impl FnOnce(&Target, Result<(), StoreError>) + Send + 'static,
    ) {
        let permits = 1 + payload.len() / STORE_WRITE_UNIT_BYTES;
        let target = self.clone();
        when_room(&self.writes, permits as u32, move |permit| {
            let store = target.store.clone();
            store.rewrite(header, payload, move |result| {
                drop(permit);
                done(&target, result);
            });
        });
    }

    /// Reads units of a row ([`Store::WHOLE`]: all of it); `done` is called by a thread of the store.
    pub(crate) fn get_then(
        self: &Arc<Target>,
        key: FragmentKey,
        units: Range<u32>,
        done: impl FnOnce(&Target, Result<Fragment, StoreError>) + Send + 'static,
    ) {
        let target = self.clone();
        when_room(&self.reads, 1, move |permit| {
            let store = target.store.clone();
            store.get(key, units, move |result| {
                drop(permit);
                done(&target, result);
            });
        });
    }

    /// Removes rows; `done` is called by a thread of the store.
    pub(crate) fn delete_then(
        self: &Arc<Target>,
        keys: Vec<FragmentKey>,
        done: impl FnOnce(&Target, Result<(), StoreError>) + Send + 'static,
    ) {
        // The store splits long deletes into as many writes.
        let permits = 1 + keys.len() / 1024;
        let target = self.clone();
        when_room(&self.writes, permits as u32, move |permit| {
            let store = target.store.clone();
            store.delete(keys, move |result| {
                drop(permit);
                done(&target, result);
            });
        });
    }

    /// Stores a row again that is missing or damaged.
    pub(crate) async fn rewrite(
        self: &Arc<Target>,
        header: FragmentHeader,
        payload: AlignedBuf,
    ) -> Result<(), StoreError> {
        answer(|done| self.rewrite_then(header, payload, done)).await
    }

    /// Reads a whole row, and with that verifies it.
    pub(crate) async fn verify(self: &Arc<Target>, key: FragmentKey) -> Result<(), StoreError> {
        answer(|done| self.get_then(key, Store::WHOLE, |target, read| done(target, read.map(drop)))).await
    }

    /// Removes rows.
    pub(crate) async fn delete(self: &Arc<Target>, keys: Vec<FragmentKey>) -> Result<(), StoreError> {
        answer(|done| self.delete_then(keys, done)).await
    }
}

/// Waits for what a store will call back with.
async fn answer(
    begin: impl FnOnce(Box<dyn FnOnce(&Target, Result<(), StoreError>) + Send>),
) -> Result<(), StoreError> {
    let (sender, receiver) = oneshot::channel();
    // Whoever waits may have been stopped.
    begin(Box::new(move |_, result| drop(sender.send(result))));
    receiver.await.unwrap_or(Err(StoreError::Closed))
}

/// Runs `act` at once when the queue has room, otherwise from a task once it has.
fn when_room(room: &Arc<Semaphore>, permits: u32, act: impl FnOnce(OwnedSemaphorePermit) + Send + 'static) {
    match room.clone().try_acquire_many_owned(permits) {
        Ok(permit) => act(permit),
        Err(_) => {
            let room = room.clone();
            tokio::spawn(async move {
                // The semaphore is never closed.
                if let Ok(permit) = room.acquire_many_owned(permits).await {
                    act(permit);
                }
            });
        }
    }
}

/// Opens all targets of a configuration, formatting blank ones. Blocks.
pub(crate) fn open_all(
    devices: &dyn Devices,
    config: &NodeConfig,
    addr: &Address,
) -> Result<Vec<Arc<Target>>, ServerError> {
    let open = |(slot, target)| open(devices, config, addr, slot, target);
    config.target.iter().enumerate().map(open).collect()
}

fn open(
    devices: &dyn Devices,
    config: &NodeConfig,
    addr: &Address,
    slot: usize,
    target: &TargetConfig,
) -> Result<Arc<Target>, ServerError> {
    let path = config.resolve(&target.path);
    let failed = |why: String| ServerError::Target { path: path.clone(), why };
    let disk = open_disk(devices, &path, target.size_bytes).map_err(failed)?;
    let cluster = config.cluster_id()?;
    let label = match Store::read_label(&*disk) {
        Ok(label) => label,
        Err(StoreError::Blank) => {
            let target = TargetId(random_u64());
            let label = Label { cluster, node: config.node.clone(), target, incarnation: 1 };
            Store::format(&*disk, &label).map_err(|e| failed(e.to_string()))?;
            tracing::info!(target_id = %target, path = %path.display(), "blank target formatted");
            label
        }
        Err(error) => return Err(failed(error.to_string())),
    };
    if label.cluster != cluster || label.node != config.node {
        return Err(failed(format!(
            "it belongs to node {} of cluster {}, this is node {} of cluster {cluster}: \
             check the path, or give the node a blank one",
            label.node, label.cluster, config.node
        )));
    }
    let capacity_bytes = disk.size();
    let store = Store::open(disk, Options::default()).map_err(|e| {
        failed(format!(
            "{e}; if the device is lost, give the node a blank one and run `isobar node replace {}`",
            config.node
        ))
    })?;
    let usage = store.usage();
    tracing::info!(target_id = %label.target, path = %path.display(), fragments = usage.fragments, "target open");
    let info = TargetInfo {
        id: label.target,
        node: config.node.clone(),
        slot: slot as u32,
        addr: addr.clone(),
        domain: config.domain.clone(),
        capacity_bytes,
    };
    Ok(Arc::new(Target {
        info,
        store,
        writes: Arc::new(Semaphore::new(STORE_WRITES_MAX)),
        reads: Arc::new(Semaphore::new(STORE_READS_MAX)),
        rebuild: Mutex::new(None),
    }))
}

/// The file or device at `path`; a missing file is made with `size_bytes`.
fn open_disk(devices: &dyn Devices, path: &Path, size_bytes: u64) -> Result<Arc<dyn Disk>, String> {
    let disk = match devices.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if size_bytes < TARGET_BYTES_MIN {
                return Err(format!(
                    "does not exist, and size_bytes = {size_bytes} is too small to make it: set at least {TARGET_BYTES_MIN}"
                ));
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(|e| e.to_string())?;
            }
            devices.create(path, size_bytes.next_multiple_of(isobar_base::limits::UNIT_BYTES))
        }
        opened => opened,
    };
    disk.map_err(|e| match e.kind() {
        std::io::ErrorKind::WouldBlock => "is in use by another process".to_owned(),
        _ => e.to_string(),
    })
}
