//! Questions of those who clean up: collectors, compactors, purgers and fsck.

use std::ops::ControlFlow;

use isobar_base::{Ino, KvRead, SegmentId, SessionId};
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::queries::Answer;

use super::read::{bounded, counters};
use crate::codec::decode;
use crate::key::{self, Key};
use crate::limits::INODES_LOOKED_AT_MAX;
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

pub(super) fn ended(kv: &dyn KvRead, limit: u32) -> Answer {
    let prefix = Key::new(b'e');
    let end = prefix.clone().end();
    Answer::SessionIds(collect(kv, &prefix, &end, bounded(limit), |key, _| Some(key::session_of(key))))
}

pub(super) fn purge_queue(kv: &dyn KvRead, after: Option<(u64, Ino)>, limit: u32) -> Answer {
    let start = after.map_or(Key::new(b'P'), |(index, ino)| key::purge(index, ino).bytes(&[0]));
    let end = Key::new(b'P').end();
    let queued = |key: &[u8], _: &[u8]| Some((key::queued_of(key), key::last_ino_of(key)));
    Answer::Queued(collect(kv, &start, &end, bounded(limit), queued))
}

pub(super) fn inodes(kv: &dyn KvRead, after: Ino, limit: u32) -> Answer {
    let (mut inos, mut next, mut seen) = (Vec::new(), None, 0);
    if let Some(first) = after.0.checked_add(1)
        && limit > 0
    {
        kv.range(&key::inode(Ino(first)), &Key::new(b'I').end(), &mut |key, value| {
            let (ino, inode) = (key::ino_of(key), decode::<Inode>(value));
            if inode.extents > 0 && !inode.purging {
                inos.push(ino);
            }
            seen += 1;
            if inos.len() < bounded(limit) && seen < INODES_LOOKED_AT_MAX {
                return ControlFlow::Continue(());
            }
            next = Some(ino);
            ControlFlow::Break(())
        });
    }
    Answer::InodesUpTo { inos, next }
}

pub(super) fn segments(kv: &dyn KvRead, after: Option<SegmentId>, limit: u32) -> Answer {
    let (start, end) = (following(b'S', after, key::segment), Key::new(b'S').end());
    Answer::Segments(collect(kv, &start, &end, bounded(limit), |key, value| {
        Some(decode::<Segment>(value).wire(key::segment_of(key)))
    }))
}

pub(super) fn delete_queue(kv: &dyn KvRead, after: Option<(u64, SegmentId)>, limit: u32) -> Answer {
    let start = after.map_or(Key::new(b'G'), |(index, id)| key::deleted(index, id).bytes(&[0]));
    let end = Key::new(b'G').end();
    Answer::Deleted(collect(kv, &start, &end, bounded(limit), |key, value| {
        let (index, id) = key::deleted_of(key);
        Some((index, decode::<Segment>(value).wire(id)))
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
