//! write(2): into the buffer, or straight to the log where it has to be.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use isobar_base::{Errno, limits};
use isobar_wire::message::files::Time;

use super::budget::Reservation;
use super::commit::{Freeze, lose_dirty};
use super::dirty::Dirty;
use super::files::{FileHandle, Files};
use super::inode::State;
use crate::options::WriteMode;

/// Bytes gathered for the end of a file before they are sent.
const APPEND_BYTES_MAX: usize = 4 << 20;

impl Files {
    /// Buffers a write if nothing has to be waited for.
    pub fn try_write(
        &self,
        handle: &FileHandle,
        offset: u64,
        data: &[u8],
        mode: WriteMode,
    ) -> Option<Result<(), Errno>> {
        if mode.sync {
            return None;
        }
        if let Err(errno) = check(handle, offset, data, mode) {
            return Some(Err(errno));
        }
        let reservation = self.budget.try_take(Dirty::room_for(data.len()))?;
        let leaves = {
            let mut state = handle.inode.state.lock();
            if self.refuses_writes() {
                return Some(Err(Errno::EIO));
            }
            if !fits(&state, mode.append, data.len()) {
                return None;
            }
            self.buffer(&mut state, mode.append, offset, data, reservation)
        };
        self.after_write(handle, leaves);
        Some(Ok(()))
    }

    /// Writes, waiting for room and for durability as `mode` asks.
    pub async fn write(
        &self,
        handle: &FileHandle,
        offset: u64,
        data: &[u8],
        mode: WriteMode,
    ) -> Result<(), Errno> {
        check(handle, offset, data, mode)?;
        let room = Dirty::room_for(data.len());
        let reservation = match self.budget.try_take(room) {
            Some(reservation) => reservation,
            None => {
                self.write_back_under_pressure();
                self.unless_stalled(self.budget.take(room)).await?
            }
        };
        let mut reservation = Some(reservation);
        let leaves = loop {
            {
                let mut state = handle.inode.state.lock();
                if self.refuses_writes() {
                    return Err(Errno::EIO);
                }
                if fits(&state, mode.append, data.len()) {
                    let reservation = reservation.take().unwrap_or_default();
                    break self.buffer(&mut state, mode.append, offset, data, reservation);
                }
            }
            // Appended bytes and others must reach the log in the order of their writes.
            self.write_back(&handle.inode).await?;
        };
        self.after_write(handle, leaves);
        if mode.sync {
            self.write_back(&handle.inode).await?;
            return handle.inode.errors.check_and_advance(&handle.seen);
        }
        Ok(())
    }

    fn buffer(
        &self,
        state: &mut State,
        append: bool,
        offset: u64,
        data: &[u8],
        reservation: Reservation,
    ) -> Option<Freeze> {
        if state.dirty.is_empty() && state.append.is_empty() {
            state.session = self.session.id();
        }
        state.dirty_since.get_or_insert_with(Instant::now);
        state.written = Some(now());
        if append {
            state.append.extend_from_slice(data);
            state.append_reservation.merge(reservation);
            state.append_reservation.trim(state.append.len());
            return None;
        }
        state.dirty.write(offset, data, &self.pool);
        // Bytes written over others take no room, small pieces more than their bytes.
        state.dirty_reservation.merge(reservation);
        state.dirty_reservation.trim(state.dirty.room());
        // When room gets short small pieces leave as well, but never fewer than fill a segment: each of their
        // segments costs as much as a full one.
        if state.dirty.bytes() as u64 >= limits::SEGMENT_BYTES_MAX && self.budget.is_over_half() {
            return Some(Freeze::All);
        }
        state.dirty.has_full().then_some(Freeze::Full)
    }

    fn after_write(&self, handle: &FileHandle, leaves: Option<Freeze>) {
        let Some(what) = leaves else { return };
        self.freeze(&handle.inode, what);
        self.spawn_commit(&handle.inode);
    }

    /// The session is gone: what it had not committed is lost, and every handle says so.
    pub fn lose_uncommitted(&self) {
        let inodes: Vec<Arc<_>> = self.inodes.lock().values().cloned().collect();
        let now = self.session.id();
        for inode in inodes {
            let mut state = inode.state.lock();
            // What was written since, under the new session, is not lost.
            if state.session != now {
                lose_dirty(&inode, &mut state);
            }
        }
    }
}

/// Whether a write may be made. Bytes that were lost before are reported here, once; only a write that is
/// waited for takes the place of fsync and leaves it nothing to report (I4).
fn check(handle: &FileHandle, offset: u64, data: &[u8], mode: WriteMode) -> Result<(), Errno> {
    if !handle.options.write {
        return Err(Errno::EBADF);
    }
    if offset.checked_add(data.len() as u64).is_none_or(|end| end > limits::FILE_BYTES_MAX) {
        return Err(Errno::EFBIG);
    }
    let told = if mode.sync { &handle.seen } else { &handle.told_writer };
    handle.inode.errors.check_and_advance(told)
}

/// Whether a write can join what is buffered.
fn fits(state: &State, append: bool, len: usize) -> bool {
    let sent_otherwise = state.sent.iter().any(|s| s.append != append);
    if append {
        state.dirty.is_empty()
            && !sent_otherwise
            && state.append.len() + len <= APPEND_BYTES_MAX.max(len)
            && state.sent.is_empty()
    } else {
        state.append.is_empty() && !sent_otherwise
    }
}

/// The client's clock, for modification times only (I10).
pub(crate) fn now() -> Time {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Time { seconds: since.as_secs() as i64, nanoseconds: since.subsec_nanos() },
        Err(_) => Time::default(),
    }
}
