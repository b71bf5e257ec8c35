//! Rates of the device below a target, on a scratch file beside it that is removed again.
//!
//! The target itself is not read: what was reserved and never written reads as zeros without touching the
//! device, and a target in use has no place to write to. A target that is a block device has no file system
//! beside it, so it cannot be measured while the node runs.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use isobar_base::AlignedBuf;
use isobar_wire::message::probe::DeviceRates;
use rustix::fs::OFlags;

use crate::context::NodeContext;

/// Most bytes of the scratch file.
const SCRATCH_BYTES_MAX: u64 = 256 << 20;
/// The file system keeps at least so many times the scratch file free.
const ROOM_TIMES: u64 = 4;
/// Longest time of writing, and again of reading.
const TIME_MAX: Duration = Duration::from_secs(5);
const TRANSFER_BYTES: usize = 1 << 20;
const SYNCED_WRITES: usize = 15;

/// Removes the scratch file however the measurement ends.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// Writes, syncs and reads back. Blocks.
pub(super) fn rates(node: &NodeContext, slot: u32, milliseconds: u32) -> Result<DeviceRates, String> {
    let config = node.config.target.get(slot as usize).ok_or(format!("there is no target {slot}"))?;
    let target = node.config.resolve(&config.path);
    if fs::metadata(&target).is_ok_and(|m| m.file_type().is_block_device()) {
        return Err(format!(
            "{} is a block device in use: measure it before the node is started",
            target.display()
        ));
    }
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".probe");
    let scratch = Scratch(target.with_file_name(name));
    let limit = Duration::from_millis(milliseconds.into()).min(TIME_MAX);
    measure(&scratch.0, limit).map_err(|e| format!("{}: {e}", scratch.0.display()))
}

fn measure(path: &Path, limit: Duration) -> io::Result<DeviceRates> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let room = rustix::fs::statvfs(parent)?;
    if room.f_bavail.saturating_mul(room.f_frsize) < ROOM_TIMES * SCRATCH_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::StorageFull, "too little room beside the target"));
    }
    let (file, direct) = open(path)?;
    // Not zeros: devices and file systems may treat those in ways of their own.
    let mut buffer = AlignedBuf::zeroed(TRANSFER_BYTES);
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    for chunk in buffer.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes());
    }

    let begun = Instant::now();
    let mut written = 0;
    while written < SCRATCH_BYTES_MAX && begun.elapsed() < limit {
        file.write_all_at(&buffer, written)?;
        written += TRANSFER_BYTES as u64;
    }
    file.sync_data()?;
    let written_ns = begun.elapsed().as_nanos() as u64;

    let begun = Instant::now();
    let mut read = 0;
    while begun.elapsed() < limit {
        file.read_exact_at(&mut buffer, read % written)?;
        read += TRANSFER_BYTES as u64;
        // Once through: what was just read may be in a cache of the device.
        if read >= written {
            break;
        }
    }
    let read_ns = begun.elapsed().as_nanos() as u64;

    let mut syncs: Vec<u64> = (0..SYNCED_WRITES as u64)
        .map(|at| {
            let begun = Instant::now();
            file.write_all_at(&buffer[..4096], at * 4096 % written)?;
            file.sync_data()?;
            Ok(begun.elapsed().as_nanos() as u64)
        })
        .collect::<io::Result<_>>()?;
    syncs.sort_unstable();
    Ok(DeviceRates {
        written: (written, written_ns),
        read: (read, read_ns),
        sync_ns: syncs[SYNCED_WRITES / 2],
        direct,
    })
}

/// A new file, past the page cache where the file system allows it.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    match options.clone().custom_flags(OFlags::DIRECT.bits() as i32).open(path) {
        Ok(file) => Ok((file, true)),
        Err(_) => Ok((options.open(path)?, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_was_written_and_read_and_nothing_is_left() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("scratch");
        let scratch = Scratch(path.clone());
        let rates = measure(&path, Duration::from_millis(30)).expect("it is measured");
        assert!(rates.written.0 >= TRANSFER_BYTES as u64 && rates.read.0 >= TRANSFER_BYTES as u64);
        assert!(rates.written.1 > 0 && rates.read.1 > 0 && rates.sync_ns > 0);
        drop(scratch);
        assert!(!path.exists());
    }
}
