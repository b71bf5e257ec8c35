//! Which segments are alive, and when their fragments may be deleted (I6).
//!
//! ```text
//! (unknown) --named by its one COMMIT--> S live --last byte shadowed--> G delete queue --collected--> gone
//!                                        S live, below half: also H
//! ```
//! A segment is named by exactly one COMMIT, so one that has left `S` can never come back: `g` remembers
//! it while it is in the queue, and `c` when it is collected before its session's low-water has passed it,
//! until then.

use std::collections::BTreeSet;

use isobar_base::{Errno, Ino, KvRead, SegmentId, SessionId};
use isobar_wire::message::ops::{NewSegment, OpError};
use isobar_wire::message::queries::SegmentState;

use crate::codec::{decode, encode};
use crate::key;
use crate::ledger::{Change, add};
use crate::record::{Inode, Segment, Session};
use crate::state::State;

/// Whether a COMMIT or REPLACE of `session` may name these segments. Changes nothing.
pub(crate) fn validate(
    state: &mut State,
    session: SessionId,
    low_water: u64,
    segments: &[NewSegment],
) -> Result<(), OpError> {
    let fs = state.settings()?;
    let (data_max, parity) = (fs.data_rows, fs.parity_rows);
    let caller = state.session(session).ok_or(OpError::SessionGone)?;
    let (floor, named_below) = (caller.low_water.max(low_water), caller.named_below);
    let mut ids = BTreeSet::new();
    let mut stale = false;
    for segment in segments {
        let geometry = segment.geometry;
        let shape = geometry.is_valid() && geometry.parity == parity && geometry.data <= data_max;
        let row_count = usize::from(geometry.data) + usize::from(parity);
        let rows = segment.rows.len() == row_count && segment.row_crcs.len() == row_count;
        // I5: the low-water fences what a session has given up.
        let counter = segment.id.counter;
        let fenced = segment.id.session != session || counter < floor || counter == u64::MAX;
        if !shape || !rows || fenced || !ids.insert(segment.id) {
            return Err(Errno::EPROTO.into());
        }
        // Counters mostly rise, and then nothing needs to be looked up.
        if segment.id.counter < named_below && was_named(state.kv, segment.id) {
            return Err(Errno::EPROTO.into());
        }
        let group = state.placement_group(segment.pg).ok_or(Errno::EPROTO)?;
        let mut seen = 0u64;
        let mut nodes = [0u32; 64];
        for (row, &(position, target)) in segment.rows.iter().enumerate() {
            let holder = group.holders.get(usize::from(position)).ok_or(Errno::EPROTO)?;
            if seen & 1 << position != 0 {
                return Err(Errno::EPROTO.into());
            }
            seen |= 1 << position;
            nodes[row] = holder.node;
            // I5: a target that lost its position may lose the row, too.
            stale |= holder.target != target;
        }
        let nodes = &nodes[..segment.rows.len()];
        assert!(
            (1..nodes.len()).all(|i| !nodes[..i].contains(&nodes[i])),
            "I2: rows of {} on one node",
            segment.id
        );
    }
    if stale { Err(OpError::StalePlacement) } else { Ok(()) }
}

fn was_named(kv: &dyn KvRead, id: SegmentId) -> bool {
    kv.contains(&key::segment(id)) || is_deleted(kv, id)
}

/// Whether it was named and is not any more.
fn is_deleted(kv: &dyn KvRead, id: SegmentId) -> bool {
    kv.contains(&key::deleted_at(id)) || kv.contains(&key::collected(id))
}

/// Settles what a change of an inode's map means for the inode, which the caller stores, and for segments,
/// old ones and those it names first. Gives the bytes that name the new ones.
pub(crate) fn settle(
    state: &mut State,
    ino: Ino,
    inode: &mut Inode,
    new: &[NewSegment],
    mut change: Change,
) -> u64 {
    change.settle_inode(inode);
    if !inode.cuts.is_empty() {
        queue_for_purge(state, ino, inode);
    }
    let mut used_bytes = 0;
    if let Some(highest) = new.iter().map(|segment| segment.id).max() {
        state.change_session(highest.session, |session| {
            session.named_below = session.named_below.max(highest.counter.saturating_add(1));
        });
    }
    state.counters.file_bytes = add(state.counters.file_bytes, change.bytes);
    for segment in new {
        let live = change.live.remove(&segment.id).unwrap_or(0);
        let record = Segment {
            pg: segment.pg,
            geometry: segment.geometry,
            positions: segment.rows.iter().map(|&(position, _)| position).collect(),
            row_crcs: segment.row_crcs.clone(),
            ino,
            live_bytes: add(0, live),
            version: state.index,
        };
        used_bytes += record.live_bytes;
        if record.live_bytes == 0 {
            queue(state, segment.id, &record);
            continue;
        }
        state.counters.segments += 1;
        state.counters.stored_bytes += record.geometry.stored_bytes();
        if record.is_low_live() {
            state.kv.put(&key::low_live(segment.id), Vec::new());
        }
        state.kv.put(&key::segment(segment.id), encode(&record));
    }
    for (id, delta) in change.live {
        if delta == 0 {
            continue;
        }
        let key = key::segment(id);
        let Some(mut record) = state.kv.get(&key).map(|bytes| decode::<Segment>(&bytes)) else {
            panic!("I6: extents of inode {ino} name segment {id}, which is not there");
        };
        let was_low_live = record.is_low_live();
        record.live_bytes = add(record.live_bytes, delta);
        if record.live_bytes > 0 {
            state.kv.put(&key, encode(&record));
            match (was_low_live, record.is_low_live()) {
                (false, true) => state.kv.put(&key::low_live(id), Vec::new()),
                (true, false) => state.kv.delete(&key::low_live(id)),
                _ => {}
            }
            continue;
        }
        if was_low_live {
            state.kv.delete(&key::low_live(id));
        }
        state.kv.delete(&key);
        state.counters.segments -= 1;
        state.counters.stored_bytes -= record.geometry.stored_bytes();
        queue(state, id, &record);
    }
    used_bytes
}

/// The inode has extents that nobody can reach. The caller stores it.
pub(crate) fn queue_for_purge(state: &mut State, ino: Ino, inode: &mut Inode) {
    if inode.queued == 0 {
        inode.queued = state.index;
        state.kv.put(&key::purge(inode.queued, ino), Vec::new());
    }
}

/// The inode has no such extents any more. The caller stores it.
pub(crate) fn leave_purge_queue(state: &mut State, ino: Ino, inode: &mut Inode) {
    if inode.queued > 0 {
        state.kv.delete(&key::purge(inode.queued, ino));
        inode.queued = 0;
    }
}

fn queue(state: &mut State, id: SegmentId, record: &Segment) {
    state.kv.put(&key::deleted(state.index, id), encode(record));
    state.kv.put(&key::deleted_at(id), encode(&state.index));
}

/// The fragments of a queued segment are gone.
pub(crate) fn collected(state: &mut State, id: SegmentId) {
    let by_id = key::deleted_at(id);
    let Some(index) = state.kv.get(&by_id).map(|bytes| decode::<u64>(&bytes)) else { return };
    state.kv.delete(&key::deleted(index, id));
    state.kv.delete(&by_id);
    if state.session(id.session).is_some_and(|session| id.counter >= session.low_water) {
        state.kv.put(&key::collected(id), Vec::new());
        state.change_session(id.session, |session| session.collected += 1);
    }
}

/// The session will not name counters below `low_water` any more.
pub(crate) fn raise_low_water(state: &mut State, id: SessionId, low_water: u64) {
    let Some(session) = state.session(id) else { return };
    let (before, collected) = (session.low_water, session.collected);
    if low_water <= before {
        return;
    }
    let forgotten = if collected > 0 { forget_collected(state, id, low_water) } else { 0 };
    state.change_session(id, |session| {
        session.low_water = low_water;
        session.collected -= forgotten;
    });
}

/// Forgets collected segments that the session cannot name any more, as many as there is room for: those that
/// are left go with a later call.
fn forget_collected(state: &mut State, session: SessionId, below: u64) -> u64 {
    let end = key::collected(SegmentId { session, counter: below });
    let keys = state.take_keys_within(&key::collected_of(session), &end);
    keys.iter().for_each(|key| state.kv.delete(key));
    keys.len() as u64
}

/// The session has ended: it can name nothing any more.
pub(crate) fn session_ended(state: &mut State, session: SessionId) {
    for key in state.take_keys(key::collected_of(session)) {
        state.kv.delete(&key);
    }
}

/// What may become of a segment found on a device (I6). Age plays no part.
pub(crate) fn state_of(kv: &dyn KvRead, id: SegmentId, last_session: SessionId) -> SegmentState {
    if kv.contains(&key::segment(id)) {
        return SegmentState::Referenced;
    }
    if is_deleted(kv, id) {
        return SegmentState::Garbage;
    }
    match kv.get(&key::session(id.session)).map(|bytes| decode::<Session>(&bytes)) {
        Some(session) if id.counter < session.low_water => SegmentState::Garbage,
        Some(_) => SegmentState::Pending,
        // A session this state has not granted yet may still be, and those of other groups are not known
        // here: only ended ones are gone for good.
        None if id.session.group() != last_session.group() || id.session > last_session => {
            SegmentState::Pending
        }
        None => SegmentState::Garbage,
    }
}
