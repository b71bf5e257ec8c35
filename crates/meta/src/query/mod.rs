//! Answers from the state. Whoever asks sees whole entries only.

mod cluster;
mod collection;
mod directory;
mod file;
mod read;

use isobar_base::{Errno, Ino, KvRead, SessionId};
use isobar_wire::message::ops::OpError;
use isobar_wire::message::queries::{Answer, ClusterQuery, FileQuery, Query, SessionQuery};

pub use cluster::cluster_map;

use crate::state::settings;
use read::inode;

/// Answers a question of a session: what is delegated to another one is not for it to see.
///
/// Errors: `Delegated`, and those of [`query`].
pub fn query_as(kv: &dyn KvRead, session: SessionId, question: &Query) -> Result<Answer, OpError> {
    if session != SessionId::NOBODY
        && let Query::File(question) = question
        && shows_entries(question)
        && let dir = question.ino()
        && holder(kv, dir).is_some_and(|holder| holder != session)
    {
        return Err(OpError::Delegated(dir));
    }
    query(kv, question)
}

/// Whether the answer tells what names the inode has, if it is a directory.
fn shows_entries(question: &FileQuery) -> bool {
    match question {
        FileQuery::Lookup { .. } | FileQuery::ReadDir { .. } | FileQuery::GetAttr { .. } => true,
        FileQuery::Parent { .. }
        | FileQuery::ReadLink { .. }
        | FileQuery::GetXattr { .. }
        | FileQuery::ListXattr { .. }
        | FileQuery::Map { .. }
        | FileQuery::TestLock { .. } => false,
    }
}

/// The session that holds the delegation of a directory.
pub fn holder(kv: &dyn KvRead, dir: Ino) -> Option<SessionId> {
    inode(kv, dir).ok().map(|inode| inode.delegated_to).filter(|&holder| holder != SessionId::NOBODY)
}

/// Answers a question. Lists are cut at [`crate::LIST_ENTRIES_MAX`] whatever limit is asked for.
///
/// Errors: ENODEV before the file system is made, ESTALE for an inode that is gone, and what POSIX
/// gives for the like.
pub fn query(kv: &dyn KvRead, question: &Query) -> Result<Answer, OpError> {
    match question {
        Query::Session(question) => Ok(answer_on_sessions(kv, question)),
        Query::Cluster(question) => Ok(answer_on_cluster(kv, question)),
        Query::File(_) if settings(kv).is_none() => Err(Errno::ENODEV.into()),
        Query::File(question) => answer_on_files(kv, question).map_err(OpError::Errno),
    }
}

fn answer_on_sessions(kv: &dyn KvRead, question: &SessionQuery) -> Answer {
    match question {
        SessionQuery::List => cluster::sessions(kv),
        SessionQuery::Orphans { session, limit } => collection::orphans(kv, *session, *limit),
        SessionQuery::Ended { limit } => collection::ended(kv, *limit),
    }
}

fn answer_on_cluster(kv: &dyn KvRead, question: &ClusterQuery) -> Answer {
    match question {
        ClusterQuery::Map => Answer::Cluster(cluster_map(kv)),
        ClusterQuery::Counts => cluster::counts(kv),
        ClusterQuery::Segments { after, limit } => collection::segments(kv, *after, *limit),
        ClusterQuery::SegmentStates { ids } => collection::segment_states(kv, ids),
        ClusterQuery::DeleteQueue { after, limit } => collection::delete_queue(kv, *after, *limit),
        ClusterQuery::PurgeQueue { after, limit } => collection::purge_queue(kv, *after, *limit),
        ClusterQuery::LowLive { after, limit } => collection::low_live(kv, *after, *limit),
        ClusterQuery::Inodes { after, limit } => collection::inodes(kv, *after, *limit),
    }
}

fn answer_on_files(kv: &dyn KvRead, question: &FileQuery) -> Result<Answer, Errno> {
    match question {
        FileQuery::Lookup { parent, name, neighbours } => directory::lookup(kv, *parent, name, *neighbours),
        FileQuery::GetAttr { ino } => inode(kv, *ino).map(|inode| Answer::Attr(inode.attr(*ino))),
        FileQuery::ReadDir { ino, cookie, limit } => directory::read(kv, *ino, *cookie, *limit),
        FileQuery::Parent { ino } => directory::parent(kv, *ino),
        FileQuery::ReadLink { ino } => file::read_link(kv, *ino),
        FileQuery::GetXattr { ino, name } => file::get_xattr(kv, *ino, name),
        FileQuery::ListXattr { ino } => file::list_xattr(kv, *ino),
        FileQuery::Map { ino, offset, len } => file::map(kv, *ino, *offset, *len),
        FileQuery::TestLock { ino, lock } => file::test_lock(kv, *ino, *lock),
    }
}
