//! What each operation does: one file per subject. An operation checks everything before it changes
//! anything: it happens wholly or not at all.

mod attributes;
mod cluster;
mod collection;
mod commit;
mod delegations;
mod directories;
mod format;
mod links;
pub(crate) mod locks;
mod orphans;
mod rename;
mod replace;
mod sessions;
mod xattrs;

use isobar_base::SessionId;
use isobar_wire::message::ops::{ClusterOp, FileOp, Op, OpResult, SessionOp};

use crate::state::State;

/// Executes an operation of `session` (which may be nobody).
pub(crate) fn execute(state: &mut State, session: SessionId, op: &Op) -> OpResult {
    match op {
        Op::Session(op) => execute_on_sessions(state, session, op),
        Op::Cluster(op) => execute_on_cluster(state, op),
        Op::File(op) => {
            state.settings()?;
            execute_on_files(state, session, op)
        }
    }
}

fn execute_on_sessions(state: &mut State, session: SessionId, op: &SessionOp) -> OpResult {
    match op {
        SessionOp::Open { nonce, name } => sessions::open(state, *nonce, name),
        SessionOp::Close => sessions::end(state, session),
        SessionOp::Expire { session } => sessions::end(state, *session),
        SessionOp::CleanUp { session } => sessions::clean_up(state, *session),
    }
}

fn execute_on_cluster(state: &mut State, op: &ClusterOp) -> OpResult {
    match op {
        ClusterOp::Format(settings) => format::format(state, settings),
        ClusterOp::RegisterTarget(info) => cluster::register(state, info),
        ClusterOp::BuildPlacement { groups } => cluster::build_placement(state, *groups),
        ClusterOp::AllowReplace { node } => cluster::allow_replace(state, node),
        ClusterOp::TargetRebuilt { target, since } => cluster::rebuilt(state, *target, *since),
        ClusterOp::Collected { segments } => collection::collected(state, segments),
    }
}

fn execute_on_files(state: &mut State, session: SessionId, op: &FileOp) -> OpResult {
    match op {
        FileOp::Create { parent, name, kind, mode, uid, gid, rdev, target, exclusive, preallocated } => {
            let (kind, mode, uid, gid, rdev, preallocated) =
                ((*kind).into(), *mode, *uid, *gid, *rdev, *preallocated);
            let new = links::NewInode { kind, mode, uid, gid, rdev, target, preallocated };
            links::create(state, session, *parent, name, new, *exclusive)
        }
        FileOp::Delegate { dir } => delegations::delegate(state, session, *dir),
        FileOp::ReturnDelegation { dir } => delegations::return_delegation(state, session, *dir),
        FileOp::RevokeDelegation { dir, session } => delegations::revoke(state, *session, *dir),
        FileOp::Link { ino, parent, name } => links::link(state, session, *ino, *parent, name),
        FileOp::Unlink { parent, name, not_open_by_caller, at } => {
            links::unlink(state, session, *parent, name, *not_open_by_caller, *at)
        }
        FileOp::Rmdir { parent, name } => links::rmdir(state, session, *parent, name),
        FileOp::Rename { parent, name, new_parent, new_name, mode, not_open_by_caller } => {
            let (from, to) = ((*parent, &name[..]), (*new_parent, &new_name[..]));
            rename::rename(state, session, from, to, *mode, *not_open_by_caller)
        }
        FileOp::SetAttr { ino, set } => attributes::set(state, *ino, set),
        FileOp::SetXattr { ino, name, value, mode } => xattrs::set(state, *ino, name, value, *mode),
        FileOp::RemoveXattr { ino, name } => xattrs::remove(state, *ino, name),
        FileOp::Commit(commit) => commit::commit(state, session, commit),
        FileOp::Punch { ino, offset, len, size_min } => {
            commit::punch(state, *ino, *offset..offset.saturating_add(*len), *size_min)
        }
        FileOp::Replace(replace) => replace::replace(state, session, replace),
        FileOp::Lock { ino, lock } => locks::lock(state, session, *ino, (*lock).into()),
        FileOp::UnlockAll { ino, owner } => locks::unlock_all(state, session, *ino, *owner),
        FileOp::ReleaseOrphans { inos } => orphans::release(state, session, inos),
        FileOp::Purge { ino } => collection::purge(state, *ino),
    }
}
