//! Facts of the node and its machine, read from the kernel's own tables. What a table does not say is left
//! empty or 0: a missing fact is shown as such, not made up.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use isobar_wire::message::probe::{BlockDevice, Contents, Interface, NodeFacts, TargetFacts};
use rustix::process::Resource;

use crate::context::NodeContext;

/// Bytes of a device that are looked at to tell whether it is blank.
const LOOKED_AT_BYTES: usize = 1 << 20;
/// Bytes of one sector in `/sys/class/block/*/size`.
const SECTOR_BYTES: u64 = 512;

/// All of them. Blocks.
pub(super) fn facts(node: &NodeContext) -> NodeFacts {
    let name = rustix::system::uname();
    let memory = read("/proc/meminfo");
    let unadmitted = node.unadmitted();
    let targets: Vec<TargetFacts> = node
        .targets()
        .iter()
        .filter_map(|target| {
            let config = node.config.target.get(target.info.slot as usize)?;
            let path = node.config.resolve(&config.path);
            let live = target.live();
            Some(TargetFacts {
                slot: target.info.slot,
                block_device: fs::metadata(&path).is_ok_and(|m| m.file_type().is_block_device()),
                path: path.display().to_string(),
                bytes: target.info.capacity_bytes,
                used_bytes: live.used_bytes,
                free_bytes: live.free_bytes,
                failed: live.failed,
                stranger: unadmitted.contains(&target.id()),
            })
        })
        .collect();
    NodeFacts {
        node: node.config.node.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: name.nodename().to_string_lossy().into_owned(),
        boot_id: read("/proc/sys/kernel/random/boot_id").trim().to_owned(),
        kernel: name.release().to_string_lossy().into_owned(),
        system: value_of(&read("/etc/os-release"), "PRETTY_NAME", '=').trim_matches('"').to_owned(),
        processors: std::thread::available_parallelism().map_or(0, |n| n.get() as u32),
        processor_model: value_of(&read("/proc/cpuinfo"), "model name", ':').to_owned(),
        memory_bytes: kib(&memory, "MemTotal"),
        memory_available_bytes: kib(&memory, "MemAvailable"),
        files_max: rustix::process::getrlimit(Resource::Nofile).current,
        domain: node.config.domain.clone(),
        interfaces: interfaces(),
        rdma_devices: names("/sys/class/infiniband"),
        nvme_devices: nvme_devices(&targets),
        targets,
    }
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The value in the first line `KEY<separator> VALUE`.
fn value_of<'a>(text: &'a str, key: &str, separator: char) -> &'a str {
    text.lines()
        .filter_map(|line| line.split_once(separator))
        .find(|(name, _)| name.trim() == key)
        .map_or("", |(_, value)| value.trim())
}

fn kib(meminfo: &str, key: &str) -> u64 {
    let value = value_of(meminfo, key, ':').split(' ').next().unwrap_or_default();
    value.parse::<u64>().map_or(0, |kib| kib << 10)
}

/// Names in a directory, in order; none when it is not there.
fn names(dir: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

fn interfaces() -> Vec<Interface> {
    names("/sys/class/net")
        .into_iter()
        .filter_map(|name| {
            let of = |what: &str| read(format!("/sys/class/net/{name}/{what}")).trim().to_owned();
            // The loopback's state is "unknown": it has no carrier.
            if of("operstate") == "down" {
                return None;
            }
            Some(Interface {
                mtu_bytes: of("mtu").parse().ok()?,
                // Virtual ones say -1, or nothing.
                speed_mbit_per_second: of("speed").parse().ok(),
                name,
            })
        })
        .collect()
}

fn nvme_devices(targets: &[TargetFacts]) -> Vec<BlockDevice> {
    names("/sys/class/block")
        .into_iter()
        .filter(|name| name.starts_with("nvme"))
        .filter(|name| !Path::new("/sys/class/block").join(name).join("partition").exists())
        .map(|name| {
            let of = |what: &str| read(format!("/sys/class/block/{name}/{what}")).trim().to_owned();
            BlockDevice {
                model: of("device/model"),
                bytes: of("size").parse::<u64>().unwrap_or(0) * SECTOR_BYTES,
                contents: contents(&name, targets),
                name,
            }
        })
        .collect()
}

/// What is on a device; it is only read.
fn contents(name: &str, targets: &[TargetFacts]) -> Contents {
    let path = Path::new("/dev").join(name);
    let is = |target: &TargetFacts| fs::canonicalize(&target.path).is_ok_and(|real| real == path);
    if targets.iter().any(is) {
        return Contents::Ours;
    }
    let partitions = names(&format!("/sys/class/block/{name}")).into_iter().filter(|n| n.starts_with(name));
    if let count @ 1.. = partitions.count() {
        return Contents::Other(format!("partitions: {count}"));
    }
    let mut first = vec![0; LOOKED_AT_BYTES];
    match File::open(&path).and_then(|mut file| file.read_exact(&mut first)) {
        Ok(()) if first.iter().all(|byte| *byte == 0) => Contents::Blank,
        Ok(()) => Contents::Other("bytes that are not ours".to_owned()),
        Err(error) => Contents::Unknown(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_whole_key() {
        let text = "MemTotal:        8000 kB\nMemAvailable:    2 kB\n";
        assert_eq!(kib(text, "MemTotal"), 8000 << 10);
        assert_eq!(kib(text, "MemAvailable"), 2 << 10);
        assert_eq!(kib(text, "Mem"), 0, "a part of a key is another key");
        assert_eq!(value_of("A=1\nPRETTY_NAME=\"x y\"", "PRETTY_NAME", '='), "\"x y\"");
    }

    #[test]
    fn the_loopback_is_an_interface_and_has_no_speed() {
        let all = interfaces();
        let lo = all.iter().find(|i| i.name == "lo").expect("every machine has a loopback");
        assert!(lo.mtu_bytes >= 1500 && lo.speed_mbit_per_second.is_none(), "{lo:?}");
    }
}
