//! From the configuration of a target to an open one: opening and formatting.
//!
//! A blank file or device is a new target with a random id (I13): it never takes the place of an
//! older one by its path or its node's name. A label of another cluster or node is refused.
//!
//! A device that is dead, damaged or not there costs itself: the node starts without it, and looks for it
//! again (`attach`). What looks like a wrong line of the configuration keeps the node from starting.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use isobar_base::{TargetId, random_u64};
use isobar_disk::{Devices, Disk};
use isobar_store::{Label, Options, Store, StoreError};
use isobar_wire::Address;
use isobar_wire::message::cluster::{TargetInfo, UnusableTarget};

use super::Target;
use crate::ServerError;
use isobar_config::{NodeConfig, TARGET_BYTES_MIN};

/// Where devices are, and where regular files are never made; but for a file system in memory.
const DEVICES: &str = "/dev";
const MEMORY: &str = "/dev/shm";

/// Why a target is not open.
#[derive(Debug)]
enum Closed {
    /// The configuration is wrong.
    Mistake(String),
    /// The device holds something else: wrong path or damage, nobody can tell.
    Foreign(String),
    /// The device is dead, damaged or not there.
    Failed(String),
}

/// Opens all targets of a configuration, formatting blank ones; gives also those that cannot be used. Blocks.
///
/// # Errors
/// When a target looks like a mistake in the configuration.
pub(crate) fn open_all(
    devices: &dyn Devices,
    config: &NodeConfig,
    addr: &Address,
) -> Result<(Vec<Arc<Target>>, Vec<UnusableTarget>), ServerError> {
    let (mut targets, mut unusable, mut foreign) = (Vec::new(), Vec::new(), None);
    for slot in 0..config.target.len() {
        let path = config.resolve(&config.target[slot].path);
        let why = match open(devices, config, addr, slot)? {
            Ok(target) => {
                targets.push(target);
                continue;
            }
            Err(Closed::Mistake(why)) => return Err(ServerError::Target { path, why }),
            Err(Closed::Failed(why)) => why,
            Err(Closed::Foreign(why)) => {
                foreign = Some(ServerError::Target { path: path.clone(), why: why.clone() });
                why
            }
        };
        tracing::error!(path = %path.display(), why, "the target cannot be used; the node goes on without it");
        unusable.push(UnusableTarget { slot: slot as u32, path: path.display().to_string(), why });
    }
    match foreign {
        Some(error) if targets.is_empty() => Err(error),
        _ => Ok((targets, unusable)),
    }
}

/// Opens a target that could not be used, if it can be used now. Blocks.
pub(crate) fn open_again(
    devices: &dyn Devices,
    config: &NodeConfig,
    addr: &Address,
    slot: u32,
) -> Result<Arc<Target>, String> {
    match open(devices, config, addr, slot as usize) {
        Ok(Ok(target)) => Ok(target),
        Ok(Err(Closed::Mistake(why) | Closed::Foreign(why) | Closed::Failed(why))) => Err(why),
        Err(error) => Err(error.to_string()),
    }
}

fn open(
    devices: &dyn Devices,
    config: &NodeConfig,
    addr: &Address,
    slot: usize,
) -> Result<Result<Arc<Target>, Closed>, ServerError> {
    let cluster = config.cluster_id()?;
    Ok(open_disk(devices, config, slot).and_then(|disk| {
        let label = read_or_write_label(&*disk, config, cluster)?;
        let store = Store::open(disk.clone(), Options::default()).map_err(|e| closed(e, config))?;
        let (id, usage) = (label.target, store.usage());
        tracing::info!(target_id = %id, slot, fragments = usage.fragments, "target open");
        let info = TargetInfo {
            id,
            node: config.node.clone(),
            slot: slot as u32,
            addr: addr.clone(),
            domain: config.domain.clone(),
            capacity_bytes: disk.size(),
        };
        Ok(Arc::new(Target::new(info, disk, store)))
    }))
}

/// The label of a device of this node; a blank device gets one.
fn read_or_write_label(
    disk: &dyn Disk,
    config: &NodeConfig,
    cluster: isobar_base::ClusterId,
) -> Result<Label, Closed> {
    let label = match Store::read_label(disk) {
        Ok(label) => label,
        Err(StoreError::Blank) => {
            let target = TargetId(random_u64());
            let label = Label { cluster, node: config.node.clone(), target, incarnation: 1 };
            Store::format(disk, &label).map_err(|e| closed(e, config))?;
            tracing::info!(target_id = %target, "blank target formatted");
            label
        }
        Err(error) => return Err(closed(error, config)),
    };
    if label.cluster != cluster || label.node != config.node {
        return Err(Closed::Mistake(format!(
            "it belongs to node {} of cluster {}, this is node {} of cluster {cluster}: \
             check the path, or give the node a blank one",
            label.node, label.cluster, config.node
        )));
    }
    Ok(label)
}

/// What an error of the store says of the device.
fn closed(error: StoreError, config: &NodeConfig) -> Closed {
    match error {
        StoreError::Foreign(_) => Closed::Foreign(error.to_string()),
        StoreError::Version { .. } | StoreError::TooSmall { .. } | StoreError::InvalidLabel => {
            Closed::Mistake(error.to_string())
        }
        error => Closed::Failed(format!(
            "{error}; if the device is lost, give the node a blank one and run `isobar node replace {}`",
            config.node
        )),
    }
}

/// The file or device of a target; a missing file is made with the size configured, a missing device is not.
fn open_disk(devices: &dyn Devices, config: &NodeConfig, slot: usize) -> Result<Arc<dyn Disk>, Closed> {
    let path = config.resolve(&config.target[slot].path);
    let disk = match devices.open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound && is_device_path(&path) => {
            return Err(Closed::Failed("there is no such device: check that it is attached".to_owned()));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(devices, &path, config.target[slot].size_bytes)
        }
        Err(error) => Err(match error.kind() {
            ErrorKind::WouldBlock => Closed::Mistake("is in use by another process".to_owned()),
            ErrorKind::ResourceBusy => Closed::Mistake(
                "is in use by this machine, mounted or part of RAID, LVM or ZFS: choose another device"
                    .to_owned(),
            ),
            ErrorKind::PermissionDenied | ErrorKind::IsADirectory => Closed::Mistake(error.to_string()),
            _ => Closed::Failed(format!("cannot be opened: {error}")),
        }),
        Ok(disk) => Ok(disk),
    }?;
    Ok(disk)
}

fn is_device_path(path: &Path) -> bool {
    path.starts_with(DEVICES) && !path.starts_with(MEMORY)
}

fn create(devices: &dyn Devices, path: &Path, size_bytes: u64) -> Result<Arc<dyn Disk>, Closed> {
    if size_bytes < TARGET_BYTES_MIN {
        return Err(Closed::Mistake(format!(
            "does not exist, and size_bytes = {size_bytes} is too small to make it: set at least {TARGET_BYTES_MIN}"
        )));
    }
    let mistake = |error: std::io::Error| Closed::Mistake(error.to_string());
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(mistake)?;
    }
    devices.create(path, size_bytes.next_multiple_of(isobar_base::limits::UNIT_BYTES)).map_err(mistake)
}
