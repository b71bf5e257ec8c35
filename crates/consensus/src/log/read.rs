//! Reading entries: from memory where they are recent, from the disk otherwise.

use std::io;

use isobar_base::AlignedBuf;

use super::entry;
use super::format::{BLOCK, get_record};
use super::index::Slot;
use super::store::LogStore;
use crate::ids::log_id;
use crate::types::Entry;

impl LogStore {
    /// Entries in `[start, end)` that exist, at most `bytes_max` bytes of them but at least one.
    pub(super) fn read(&self, start: u64, end: u64, bytes_max: u64) -> io::Result<Vec<Entry>> {
        let mut out = Vec::new();
        let mut bytes = 0;
        let mut index = start;
        while index < end {
            let slot = {
                let state = self.0.state.lock();
                // Runs of cached entries are taken under one lock.
                loop {
                    match state.index.slot(index) {
                        Some(slot) if out.is_empty() || bytes + u64::from(slot.record_bytes) <= bytes_max => {
                            match &slot.entry {
                                Some(entry) if index < end => {
                                    bytes += u64::from(slot.record_bytes);
                                    out.push(entry.clone());
                                    index += 1;
                                }
                                _ => break Some(slot.clone()),
                            }
                        }
                        _ => break None,
                    }
                }
            };
            let Some(slot) = slot.filter(|_| index < end) else { break };
            bytes += u64::from(slot.record_bytes);
            match self.read_slot(&slot) {
                Ok(entry) => out.push(entry),
                // Purged and overwritten between the look-up and the read.
                Err(_) if self.0.state.lock().index.slot(index).is_none_or(|now| now.id != slot.id) => break,
                Err(error) => return Err(error),
            }
            index += 1;
        }
        Ok(out)
    }

    fn read_slot(&self, slot: &Slot) -> io::Result<Entry> {
        let disk = self.0.disk.read().clone().ok_or_else(|| io::Error::other("the log is closed"))?;
        let from = slot.at / BLOCK * BLOCK;
        let skip = (slot.at - from) as usize;
        let mut buf =
            AlignedBuf::zeroed((skip + slot.record_bytes as usize).next_multiple_of(BLOCK as usize));
        disk.read_at(from, &mut buf)?;
        let damaged = || {
            io::Error::new(io::ErrorKind::InvalidData, format!("entry {} at {} is damaged", slot.id, slot.at))
        };
        let (header, payload) =
            get_record(&buf[skip..skip + slot.record_bytes as usize]).ok_or_else(damaged)?;
        let id = log_id(header.index, header.term, header.node);
        if id != slot.id || header.kind != slot.kind {
            return Err(damaged());
        }
        let payload = entry::decode(header.kind, payload).ok_or_else(damaged)?;
        Ok(Entry { log_id: id, payload })
    }
}
