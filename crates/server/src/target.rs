//! The storage targets of a node: opening, formatting, and what the node knows of each.
//!
//! A blank file or device is a new target with a random id (I13): it never takes the place of an
//! older one by its path or its node's name. A label of another cluster or node is refused.

use std::path::Path;
use std::sync::Arc;

use isobar_base::{TargetId, random_u64};
use isobar_disk::{Disk, FileDisk};
use isobar_store::{Label, Options, Store, StoreError};
use isobar_wire::message::cluster::{TargetInfo, TargetLive};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::ServerError;
use crate::config::{NodeConfig, TARGET_BYTES_MIN, TargetConfig};
use crate::limits::{STORE_READS_MAX, STORE_WRITES_MAX};

/// One storage target of this node.
pub(crate) struct Target {
    pub(crate) info: TargetInfo,
    pub(crate) store: Store,
    /// Room in the store's write queue.
    pub(crate) writes: Arc<Semaphore>,
    /// Room in the store's read queue.
    pub(crate) reads: Arc<Semaphore>,
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
            used_bytes: usage.used_bytes,
            free_bytes: usage.free_bytes,
            rebuild: *self.rebuild.lock(),
        }
    }
}

/// Opens all targets of a configuration, formatting blank ones. Blocks.
pub(crate) fn open_all(config: &NodeConfig, addr: &str) -> Result<Vec<Arc<Target>>, ServerError> {
    let open = |(slot, target)| open(config, addr, slot, target);
    config.target.iter().enumerate().map(open).collect()
}

fn open(
    config: &NodeConfig,
    addr: &str,
    slot: usize,
    target: &TargetConfig,
) -> Result<Arc<Target>, ServerError> {
    let path = config.resolve(&target.path);
    let failed = |why: String| ServerError::Target { path: path.clone(), why };
    let disk = open_disk(&path, target.size_bytes).map_err(failed)?;
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
        addr: addr.to_owned(),
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
fn open_disk(path: &Path, size_bytes: u64) -> Result<Arc<dyn Disk>, String> {
    let disk = match FileDisk::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if size_bytes < TARGET_BYTES_MIN {
                return Err(format!(
                    "does not exist, and size_bytes = {size_bytes} is too small to make it: set at least {TARGET_BYTES_MIN}"
                ));
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(|e| e.to_string())?;
            }
            FileDisk::create(path, size_bytes.next_multiple_of(isobar_base::limits::UNIT_BYTES))
        }
        opened => opened,
    };
    let disk = disk.map_err(|e| match e.kind() {
        std::io::ErrorKind::WouldBlock => "is in use by another process".to_owned(),
        _ => e.to_string(),
    })?;
    Ok(Arc::new(disk))
}
