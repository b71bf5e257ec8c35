//! The state while one entry is applied: the keys, and a write-through cache of what every operation
//! touches (inodes, sessions, counters, placement groups), written back once at the end of the entry.
//!
//! All other keys are read and written directly. Queries run between entries and never see the cache.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use isobar_base::{Errno, GroupId, Ino, Kv, KvRead, PgId, SessionId};
use serde::{Serialize, de::DeserializeOwned};

use crate::codec::{decode, encode};
use crate::key::{self, Key};
use crate::limits::Room;
use crate::record::{Counters, Group, Inode, Session, Settings, Time};

/// A cached value; `None`: there is none.
struct Slot<T> {
    value: Option<T>,
    dirty: bool,
}

/// Values by id.
struct Cache<T> {
    slots: BTreeMap<u64, Slot<T>>,
    key: fn(u64) -> Key,
}

impl<T: Serialize + DeserializeOwned> Cache<T> {
    fn new(key: fn(u64) -> Key) -> Cache<T> {
        Cache { slots: BTreeMap::new(), key }
    }

    fn get(&mut self, kv: &dyn Kv, id: u64) -> Option<&T> {
        let key = self.key;
        let load = || Slot { value: kv.get(&key(id)).map(|bytes| decode(&bytes)), dirty: false };
        self.slots.entry(id).or_insert_with(load).value.as_ref()
    }

    fn set(&mut self, id: u64, value: Option<T>) {
        self.slots.insert(id, Slot { value, dirty: true });
    }

    fn flush(&mut self, kv: &mut dyn Kv) {
        for (id, slot) in std::mem::take(&mut self.slots) {
            match slot {
                Slot { dirty: false, .. } => {}
                Slot { value: Some(value), .. } => kv.put(&(self.key)(id), encode(&value)),
                Slot { value: None, .. } => kv.delete(&(self.key)(id)),
            }
        }
    }
}

/// The state during one entry.
pub(crate) struct State<'a> {
    pub(crate) kv: &'a mut dyn Kv,
    /// The metadata group that the state is of.
    pub(crate) group: GroupId,
    /// Log index of the entry.
    pub(crate) index: u64,
    /// The leader's clock at the entry.
    pub(crate) now: Time,
    /// What the entry may still remove.
    pub(crate) room: Room,
    pub(crate) counters: Counters,
    counters_before: Counters,
    inodes: Cache<Inode>,
    sessions: Cache<Session>,
    settings: Option<Option<Settings>>,
    groups: BTreeMap<PgId, Option<Group>>,
    live: Option<Vec<SessionId>>,
}

impl<'a> State<'a> {
    pub(crate) fn new(kv: &'a mut dyn Kv, group: GroupId, index: u64, now: Time, room: Room) -> State<'a> {
        let counters: Counters = kv.get(&key::counters()).map(|bytes| decode(&bytes)).unwrap_or_default();
        State {
            kv,
            group,
            index,
            now,
            room,
            counters_before: counters.clone(),
            counters,
            inodes: Cache::new(|ino| key::inode(Ino(ino))),
            sessions: Cache::new(|id| key::session(SessionId(id))),
            settings: None,
            groups: BTreeMap::new(),
            live: None,
        }
    }

    /// Writes back what is cached.
    pub(crate) fn finish(mut self) {
        self.inodes.flush(self.kv);
        self.sessions.flush(self.kv);
        if self.counters != self.counters_before {
            self.kv.put(&key::counters(), encode(&self.counters));
        }
    }

    /// Gives away `count` inode numbers: the first of them. None is ever given twice.
    pub(crate) fn give_inos(&mut self, count: u64) -> Ino {
        let last = self.counters.last_ino.number();
        self.counters.last_ino = Ino::new(self.group, last + count);
        Ino::new(self.group, last + 1)
    }

    /// Gives away a session id: the log index of the entry, or the next free number when it grants several.
    pub(crate) fn give_session(&mut self) -> SessionId {
        let index = self.index.max(self.counters.last_session.index() + 1);
        self.counters.last_session = SessionId::new(self.group, index);
        self.counters.last_session
    }

    /// The settings, or ENODEV before they are made.
    pub(crate) fn settings(&mut self) -> Result<&Settings, Errno> {
        let kv = &*self.kv;
        let settings = self.settings.get_or_insert_with(|| settings(kv));
        settings.as_ref().ok_or(Errno::ENODEV)
    }

    /// Forgets cached settings and groups after the cluster changed, and notes the change.
    pub(crate) fn cluster_changed(&mut self) {
        self.settings = None;
        self.groups.clear();
        self.kv.put(&key::epoch(), encode(&self.index));
    }

    /// A placement group.
    pub(crate) fn placement_group(&mut self, id: PgId) -> Option<&Group> {
        let kv = &*self.kv;
        let load = || kv.get(&key::group(id)).map(|bytes| decode::<Group>(&bytes));
        let group = self.groups.entry(id).or_insert_with(|| {
            let group = load();
            assert!(group.as_ref().is_none_or(Group::nodes_are_distinct), "I2: group {id} has a node twice");
            group
        });
        group.as_ref()
    }

    /// An inode that can be operated on, ESTALE otherwise.
    pub(crate) fn inode(&mut self, ino: Ino) -> Result<Inode, Errno> {
        self.any_inode(ino).filter(|inode| !inode.purging).cloned().ok_or(Errno::ESTALE)
    }

    /// An inode even while it is purged.
    pub(crate) fn any_inode(&mut self, ino: Ino) -> Option<&Inode> {
        self.inodes.get(self.kv, ino.0)
    }

    /// A directory that has not been removed. ESTALE for one that has, even while it is still open somewhere:
    /// whoever came by a path has to walk it again, there may be another directory under its name.
    pub(crate) fn dir(&mut self, ino: Ino) -> Result<Inode, Errno> {
        let inode = self.inode(ino)?;
        match inode {
            _ if !inode.is_dir() => Err(Errno::ENOTDIR),
            _ if inode.nlink == 0 => Err(Errno::ESTALE),
            _ => Ok(inode),
        }
    }

    pub(crate) fn put_inode(&mut self, ino: Ino, inode: Inode) {
        self.inodes.set(ino.0, Some(inode));
    }

    pub(crate) fn remove_inode(&mut self, ino: Ino) {
        self.inodes.set(ino.0, None);
    }

    pub(crate) fn session(&mut self, id: SessionId) -> Option<&Session> {
        self.sessions.get(self.kv, id.0)
    }

    pub(crate) fn put_session(&mut self, id: SessionId, session: Option<Session>) {
        self.sessions.set(id.0, session);
    }

    /// Changes a live session.
    pub(crate) fn change_session(&mut self, id: SessionId, change: impl FnOnce(&mut Session)) {
        self.session(id);
        if let Some(Slot { value: Some(session), dirty }) = self.sessions.slots.get_mut(&id.0) {
            change(session);
            *dirty = true;
        }
    }

    /// Ids of live sessions, ascending.
    pub(crate) fn live_sessions(&mut self) -> &[SessionId] {
        let kv = &*self.kv;
        self.live.get_or_insert_with(|| live_sessions(kv))
    }

    pub(crate) fn set_live_sessions(&mut self, live: Vec<SessionId>) {
        self.kv.put(&key::live_sessions(), encode(&live));
        self.live = Some(live);
    }

    /// The first keys that begin with `prefix`, as many as may still be purged, which they count for.
    pub(crate) fn take_keys(&mut self, prefix: Key) -> Vec<Vec<u8>> {
        self.take_keys_within(&prefix, &prefix.clone().end())
    }

    /// Likewise the first keys in `[start, end)`.
    pub(crate) fn take_keys_within(&mut self, start: &Key, end: &Key) -> Vec<Vec<u8>> {
        let (mut keys, room) = (Vec::new(), self.room.purged);
        if room > 0 {
            self.kv.range(start, end, &mut |key, _| {
                keys.push(key.to_vec());
                if keys.len() < room { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
        }
        self.room.purged -= keys.len();
        keys
    }
}

/// The settings in the state.
pub(crate) fn settings(kv: &dyn KvRead) -> Option<Settings> {
    kv.get(&key::settings()).map(|bytes| decode(&bytes))
}

/// Ids of live sessions, ascending.
pub(crate) fn live_sessions(kv: &dyn KvRead) -> Vec<SessionId> {
    kv.get(&key::live_sessions()).map(|bytes| decode(&bytes)).unwrap_or_default()
}
