//! A device in memory that remembers every write and sync, and can be cut at any of them.

use std::io::{self, IoSlice};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::Disk;

/// What happens to writes that were not synced when the power went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerLoss {
    /// Every one of them is lost: the device is as at the last sync.
    LosesUnsynced,
    /// All complete writes reached the medium although nobody asked (what `kill -9` does, too).
    KeepsAll,
    /// They reached the medium in any order: each 4 KiB unit independently, chosen by this seed.
    KeepsSome(u64),
}

#[derive(Clone, Debug)]
enum Event {
    Write { offset: u64, data: Arc<[u8]> },
    Sync,
}

#[derive(Debug)]
struct Recording {
    start: Vec<u8>,
    now: Vec<u8>,
    events: Vec<Event>,
}

/// A device in memory that records. Clones share the same device.
#[derive(Clone, Debug)]
pub struct RecordedDisk(Arc<Mutex<Recording>>);

impl RecordedDisk {
    /// A blank device of `size` bytes.
    pub fn new(size: u64) -> RecordedDisk {
        RecordedDisk::from_image(vec![0; size as usize])
    }

    /// A device that holds `image`, with nothing recorded yet.
    pub fn from_image(image: Vec<u8>) -> RecordedDisk {
        RecordedDisk(Arc::new(Mutex::new(Recording { start: image.clone(), now: image, events: Vec::new() })))
    }

    /// Number of writes and syncs so far: valid cut points are `0..=events()`.
    pub fn events(&self) -> usize {
        self.0.lock().events.len()
    }

    /// What is on the device when the power goes after the first `cut` events.
    pub fn image_after(&self, cut: usize, loss: PowerLoss) -> Vec<u8> {
        let recording = self.0.lock();
        let events = &recording.events[..cut];
        let synced = events.iter().rposition(|e| matches!(e, Event::Sync)).map_or(0, |at| at + 1);
        let mut image = recording.start.clone();
        let mut random = match loss {
            PowerLoss::KeepsSome(seed) => seed | 1,
            PowerLoss::LosesUnsynced | PowerLoss::KeepsAll => 1,
        };
        for (at, event) in events.iter().enumerate() {
            let Event::Write { offset, data } = event else { continue };
            for (unit, bytes) in data.chunks(4096).enumerate() {
                // xorshift64: any fixed sequence of coin flips will do here.
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let kept = at < synced
                    || match loss {
                        PowerLoss::LosesUnsynced => false,
                        PowerLoss::KeepsAll => true,
                        PowerLoss::KeepsSome(_) => random & 0x100 != 0,
                    };
                if kept {
                    let from = *offset as usize + unit * 4096;
                    image[from..from + bytes.len()].copy_from_slice(bytes);
                }
            }
        }
        image
    }
}

impl Disk for RecordedDisk {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let recording = self.0.lock();
        let end = offset as usize + buf.len();
        let bytes = recording.now.get(offset as usize..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(bytes);
        Ok(())
    }

    fn write_at(&self, offset: u64, bufs: &[IoSlice<'_>]) -> io::Result<()> {
        let mut recording = self.0.lock();
        let data: Arc<[u8]> = bufs.iter().flat_map(|b| b.iter().copied()).collect();
        let end = offset as usize + data.len();
        recording.now.get_mut(offset as usize..end).ok_or(io::ErrorKind::WriteZero)?.copy_from_slice(&data);
        recording.events.push(Event::Write { offset, data });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.lock().events.push(Event::Sync);
        Ok(())
    }

    fn size(&self) -> u64 {
        self.0.lock().now.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_synced_writes_survive_a_power_loss() {
        let disk = RecordedDisk::new(16 << 10);
        disk.write_at(0, &[IoSlice::new(&[1; 4096])]).unwrap();
        disk.sync().unwrap();
        disk.write_at(4096, &[IoSlice::new(&[2; 4096])]).unwrap();
        assert_eq!(disk.image_after(1, PowerLoss::LosesUnsynced)[0], 0);
        assert_eq!(disk.image_after(1, PowerLoss::KeepsAll)[0], 1);
        assert_eq!(disk.image_after(2, PowerLoss::LosesUnsynced)[0], 1);
        assert_eq!(disk.image_after(3, PowerLoss::LosesUnsynced)[4096], 0);
        assert_eq!(disk.image_after(3, PowerLoss::KeepsAll)[4096], 2);
    }
}
