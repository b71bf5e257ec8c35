//! Making the file system.

use isobar_base::limits::{DATA_ROWS_MAX, PARITY_ROWS_MAX};
use isobar_base::{Errno, Ino};
use isobar_wire::message::cluster::FsSettings;
use isobar_wire::message::ops::{OpReply, OpResult};

use crate::codec::encode;
use crate::key;
use crate::limits::LABEL_BYTES_MAX;
use crate::record::{FileKind, Inode, Settings};
use crate::state::State;

pub(super) fn format(state: &mut State, settings: &FsSettings) -> OpResult {
    let new = Settings::from(settings.clone());
    if let Ok(existing) = state.settings() {
        return if *existing == new { Ok(OpReply::Done) } else { Err(Errno::EEXIST.into()) };
    }
    let data = (1..=DATA_ROWS_MAX).contains(&settings.data_rows);
    let parity = (1..=PARITY_ROWS_MAX).contains(&settings.parity_rows);
    if !data || !parity || settings.name.len() > LABEL_BYTES_MAX {
        return Err(Errno::EINVAL.into());
    }
    let mut root = Inode::new(FileKind::Directory, state.index, state.now);
    root.mode = 0o755;
    let ino = state.give_inos(1);
    assert!(ino == Ino::top(state.group), "the file system is made first, and inode {ino} is not its top");
    root.parent = ino;
    state.put_inode(ino, root);
    state.counters.inodes += 1;
    state.kv.put(&key::settings(), encode(&new));
    state.cluster_changed();
    Ok(OpReply::Done)
}
