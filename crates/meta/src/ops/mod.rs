//! What each operation does: one file per subject. An operation checks everything before it changes
//! anything: it happens wholly or not at all.

mod attributes;
mod cluster;
mod collection;
mod commit;
mod directories;
mod format;
mod leases;
mod links;
pub(crate) mod locks;
mod orphans;
mod rename;
mod replace;
mod sessions;
mod xattrs;

use isobar_base::SessionId;
use isobar_wire::message::ops::{Op, OpResult};

use crate::state::State;

/// Executes an operation of `session` (0: of nobody).
pub(crate) fn execute(state: &mut State, session: SessionId, op: &Op) -> OpResult {
    match op {
        Op::OpenSession { nonce, name } => sessions::open(state, *nonce, name),
        Op::CloseSession => sessions::end(state, session),
        Op::ExpireSession { session } => sessions::end(state, *session),
        Op::NotOpen { inos } => orphans::not_open(state, session, inos),
        Op::Format(settings) => format::format(state, settings),
        Op::RegisterTarget(info) => cluster::register(state, info),
        Op::BuildPlacement { groups } => cluster::build_placement(state, *groups),
        Op::AllowReplace { node } => cluster::allow_replace(state, node),
        Op::TargetRebuilt { target, since } => cluster::rebuilt(state, *target, *since),
        Op::Revoke { dir, session } => leases::revoke(state, *session, *dir),
        Op::Purge { ino } => collection::purge(state, *ino),
        Op::Collected { segments } => collection::collected(state, segments),
        _ => {
            state.settings()?;
            execute_on_files(state, session, op)
        }
    }
}

fn execute_on_files(state: &mut State, session: SessionId, op: &Op) -> OpResult {
    match op {
        Op::Create { parent, name, kind, mode, uid, gid, rdev, target, exclusive, born } => {
            let (kind, mode, uid, gid, rdev, born) = (*kind, *mode, *uid, *gid, *rdev, *born);
            let new = links::NewInode { kind, mode, uid, gid, rdev, target, born };
            links::create(state, session, *parent, name, new, *exclusive)
        }
        Op::Lease { dir } => leases::lease(state, session, *dir),
        Op::Unlease { dir } => leases::unlease(state, session, *dir),
        Op::Link { ino, parent, name } => links::link(state, session, *ino, *parent, name),
        Op::Unlink { parent, name, closed_here, at } => {
            links::unlink(state, session, *parent, name, *closed_here, *at)
        }
        Op::Rmdir { parent, name } => links::rmdir(state, session, *parent, name),
        Op::Rename { parent, name, new_parent, new_name, mode, closed_here } => {
            let (from, to) = ((*parent, &name[..]), (*new_parent, &new_name[..]));
            rename::rename(state, session, from, to, *mode, *closed_here)
        }
        Op::SetAttr { ino, set } => attributes::set(state, *ino, set),
        Op::SetXattr { ino, name, value, mode } => xattrs::set(state, *ino, name, value, *mode),
        Op::RemoveXattr { ino, name } => xattrs::remove(state, *ino, name),
        Op::Commit(commit) => commit::commit(state, session, commit),
        Op::Punch { ino, offset, len } => commit::punch(state, *ino, *offset, *len),
        Op::Replace(replace) => replace::replace(state, session, replace),
        Op::Lock { ino, lock } => locks::lock(state, session, *ino, *lock),
        Op::UnlockAll { ino, owner } => locks::unlock_all(state, session, *ino, *owner),
        _ => unreachable!("operations on the cluster and on sessions are dispatched before"),
    }
}
