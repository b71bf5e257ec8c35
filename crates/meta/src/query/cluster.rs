//! The cluster as the log has it.

use std::ops::ControlFlow;

use isobar_base::{KvRead, PgId, SessionId};
use isobar_wire::message::cluster::ClusterMap;
use isobar_wire::message::queries::Answer;

use super::read::counters;
use crate::codec::decode;
use crate::key;
use crate::record::{Group, Session, Target};
use crate::state::{live_sessions, settings};

/// The cluster map: settings, targets by id, groups by number, nodes being replaced by name.
pub fn cluster_map(kv: &dyn KvRead) -> ClusterMap {
    let mut map = ClusterMap {
        epoch: kv.get(&key::epoch()).map_or(0, |bytes| decode(&bytes)),
        fs: settings(kv).map(Into::into),
        targets: Vec::new(),
        groups: Vec::new(),
        replacing: Vec::new(),
    };
    let prefix = key::targets();
    kv.range(&prefix, &prefix.clone().end(), &mut |_, value| {
        map.targets.push(decode::<Target>(value).wire());
        ControlFlow::Continue(())
    });
    let prefix = key::groups();
    kv.range(&prefix, &prefix.clone().end(), &mut |_, value| {
        let id = PgId(map.groups.len() as u32);
        map.groups.push(decode::<Group>(value).wire(id));
        ControlFlow::Continue(())
    });
    let prefix = key::replacings();
    kv.range(&prefix, &prefix.clone().end(), &mut |key, _| {
        map.replacing.push(String::from_utf8_lossy(&key[prefix.len()..]).into_owned());
        ControlFlow::Continue(())
    });
    map
}

pub(super) fn sessions(kv: &dyn KvRead) -> Answer {
    let named = |id: SessionId| {
        let session = kv.get(&key::session(id)).map(|bytes| decode::<Session>(&bytes));
        (id, session.map(|session| session.name).unwrap_or_default())
    };
    Answer::Sessions(live_sessions(kv).into_iter().map(named).collect())
}

pub(super) fn counts(kv: &dyn KvRead) -> Answer {
    let counters = counters(kv);
    Answer::Counts {
        inodes: counters.inodes,
        file_bytes: counters.file_bytes,
        segments: counters.segments,
        stored_bytes: counters.stored_bytes,
    }
}
