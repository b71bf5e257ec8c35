//! Questions of those who clean up: collectors, compactors, purgers and fsck.

use std::ops::ControlFlow;

use isobar_base::{Ino, KvRead, SegmentId, SessionId};
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::queries::Answer;

use super::read::{bounded, counters};
use crate::codec::decode;
use crate::key::{self, Key};
use crate::record::{Inode, Segment};
use crate::segments;

/// What `take` makes of the first keys in `[start, end)`, at most `limit`.
fn collect<T>(
    kv: &dyn KvRead,
    start: &Key,
    end: &Key,
    limit: usize,
    mut take: impl FnMut(&[u8], &[u8]) -> Option<T>,
) -> Vec<T> {
    let mut taken = Vec::new();
    if limit > 0 {
        kv.range(start, end, &mut |key, value| {
            taken.extend(take(key, value));
            if taken.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
    }
    taken
}

/// The first key after that of `after`, or of the letter.
fn following(letter: u8, after: Option<SegmentId>, key: fn(SegmentId) -> Key) -> Key {
    after.map_or(Key::new(letter), |id| key(id).bytes(&[0]))
}

pub(super) fn orphans(kv: &dyn KvRead, session: SessionId, limit: u32) -> Answer {
    let prefix = key::orphans_of(session);
    let end = prefix.clone().end();
    Answer::Inos(collect(kv, &prefix, &end, bounded(limit), |key, _| Some(key::last_ino_of(key))))
}

pub(super) fn purge_queue(kv: &dyn KvRead, limit: u32) -> Answer {
    let prefix = Key::new(b'P');
    let end = prefix.clone().end();
    Answer::Inos(collect(kv, &prefix, &end, bounded(limit), |key, _| Some(key::ino_of(key))))
}

pub(super) fn inodes(kv: &dyn KvRead, after: Ino, limit: u32) -> Answer {
    let Some(first) = after.0.checked_add(1) else { return Answer::Inos(Vec::new()) };
    let end = Key::new(b'I').end();
    Answer::Inos(collect(kv, &key::inode(Ino(first)), &end, bounded(limit), |key, value| {
        let inode: Inode = decode(value);
        (inode.extents > 0 && !inode.purging).then(|| key::ino_of(key))
    }))
}

pub(super) fn segments(kv: &dyn KvRead, after: Option<SegmentId>, limit: u32) -> Answer {
    let (start, end) = (following(b'S', after, key::segment), Key::new(b'S').end());
    Answer::Segments(collect(kv, &start, &end, bounded(limit), |key, value| {
        Some(decode::<Segment>(value).wire(key::segment_of(key)))
    }))
}

pub(super) fn delete_queue(kv: &dyn KvRead, limit: u32) -> Answer {
    let (start, end) = (Key::new(b'G'), Key::new(b'G').end());
    Answer::Segments(collect(kv, &start, &end, bounded(limit), |key, value| {
        Some(decode::<Segment>(value).wire(key::deleted_of(key).1))
    }))
}

pub(super) fn low_live(kv: &dyn KvRead, after: Option<SegmentId>, limit: u32) -> Answer {
    let (start, end) = (following(b'H', after, key::low_live), Key::new(b'H').end());
    let ids = collect(kv, &start, &end, bounded(limit), |key, _| Some(key::segment_of(key)));
    let info = |id: SegmentId| -> SegmentInfo {
        match kv.get(&key::segment(id)) {
            Some(bytes) => decode::<Segment>(&bytes).wire(id),
            None => panic!("I6: low-live segment {id} is not there"),
        }
    };
    Answer::Segments(ids.into_iter().map(info).collect())
}

pub(super) fn segment_states(kv: &dyn KvRead, ids: &[SegmentId]) -> Answer {
    let last_session = counters(kv).last_session;
    Answer::SegmentStates(ids.iter().map(|&id| segments::state_of(kv, id, last_session)).collect())
}
