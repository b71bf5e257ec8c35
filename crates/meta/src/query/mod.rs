//! Answers from the state. Whoever asks sees whole entries only.

mod cluster;
mod collection;
mod directory;
mod file;

use isobar_base::{Errno, Ino, KvRead, SessionId};
use isobar_wire::message::ops::OpError;
use isobar_wire::message::queries::{Answer, Query};

pub use cluster::cluster_map;

use crate::codec::decode;
use crate::key;
use crate::limits::LIST_ENTRIES_MAX;
use crate::record::{Counters, Inode};
use crate::state::settings;

/// Answers a question of a session: what another one has leased is not for it to see.
///
/// Errors: `Leased`, and those of [`query`].
pub fn query_as(kv: &dyn KvRead, session: SessionId, question: &Query) -> Result<Answer, OpError> {
    if session != SessionId(0)
        && let Query::Lookup { parent: dir, .. }
        | Query::ReadDir { ino: dir, .. }
        | Query::GetAttr { ino: dir } = *question
        && lessee(kv, dir).is_some_and(|lessee| lessee != session)
    {
        return Err(OpError::Leased(dir));
    }
    query(kv, question)
}

/// The session that has the lease of a directory.
pub fn lessee(kv: &dyn KvRead, dir: Ino) -> Option<SessionId> {
    inode(kv, dir).ok().map(|inode| inode.lessee).filter(|&lessee| lessee != SessionId(0))
}

/// Answers a question. Lists are cut at [`LIST_ENTRIES_MAX`] whatever limit is asked for.
///
/// Errors: ENODEV before the file system is made, ESTALE for an inode that is gone, and what POSIX
/// gives for the like.
pub fn query(kv: &dyn KvRead, query: &Query) -> Result<Answer, OpError> {
    match query {
        Query::Cluster => return Ok(Answer::Cluster(cluster_map(kv))),
        Query::Sessions => return Ok(cluster::sessions(kv)),
        Query::Counts => return Ok(cluster::counts(kv)),
        Query::Orphans { session, limit } => return Ok(collection::orphans(kv, *session, *limit)),
        Query::Segments { after, limit } => return Ok(collection::segments(kv, *after, *limit)),
        Query::Fates { ids } => return Ok(collection::fates(kv, ids)),
        Query::DeleteQueue { limit } => return Ok(collection::delete_queue(kv, *limit)),
        Query::PurgeQueue { limit } => return Ok(collection::purge_queue(kv, *limit)),
        Query::HalfDead { after, limit } => return Ok(collection::half_dead(kv, *after, *limit)),
        Query::Inodes { after, limit } => return Ok(collection::inodes(kv, *after, *limit)),
        _ => {}
    }
    if settings(kv).is_none() {
        return Err(Errno::ENODEV.into());
    }
    let answer = match query {
        Query::Lookup { parent, name, neighbours } => directory::lookup(kv, *parent, name, *neighbours),
        Query::ReadDir { ino, cookie, limit } => directory::read(kv, *ino, *cookie, *limit),
        Query::Parent { ino } => directory::parent(kv, *ino),
        Query::GetAttr { ino } => inode(kv, *ino).map(|inode| Answer::Attr(inode.attr(*ino))),
        Query::ReadLink { ino } => file::read_link(kv, *ino),
        Query::GetXattr { ino, name } => file::get_xattr(kv, *ino, name),
        Query::ListXattr { ino } => file::list_xattr(kv, *ino),
        Query::Map { ino, offset, len } => file::map(kv, *ino, *offset, *len),
        Query::TestLock { ino, lock } => file::test_lock(kv, *ino, *lock),
        _ => unreachable!("questions about the cluster were answered before"),
    };
    answer.map_err(OpError::Errno)
}

/// An inode that is there for clients, ESTALE otherwise.
fn inode(kv: &dyn KvRead, ino: Ino) -> Result<Inode, Errno> {
    let inode = kv.get(&key::inode(ino)).map(|bytes| decode::<Inode>(&bytes));
    inode.filter(|inode| !inode.purging).ok_or(Errno::ESTALE)
}

fn counters(kv: &dyn KvRead) -> Counters {
    kv.get(&key::counters()).map(|bytes| decode(&bytes)).unwrap_or_default()
}

fn bounded(limit: u32) -> usize {
    limit.min(LIST_ENTRIES_MAX) as usize
}
