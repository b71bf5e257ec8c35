//! Changes of names and attributes.

use isobar_base::{Errno, Ino};
use isobar_cluster::BootTime;
use isobar_wire::message::files::{Attr, FileKind};
use isobar_wire::message::ops::{FileOp, OpReply, RenameMode, SetAttr};

use super::core::{Client, Result};
use crate::options::{NewInode, Owner};

impl Client {
    /// Changes attributes. Bytes written before are committed first, so that they can neither undo an
    /// explicit time nor reappear after a truncation.
    pub async fn setattr(&self, ino: Ino, set: SetAttr) -> Result<Attr> {
        let inode = self.0.files.get(ino);
        let mut _still = None;
        if let Some(inode) = &inode {
            _still = Some(inode.order.lock().await);
            if set.size.is_some() || set.mtime.is_some() || set.atime.is_some() {
                self.0.files.write_back(inode).await?;
            }
        }
        let asked = BootTime::now();
        let OpReply::Attr(attr) = self.mutate(FileOp::SetAttr { ino, set }).await? else {
            return Err(Errno::EPROTO);
        };
        self.0.namespace.attributes_changed(attr, asked);
        if let (Some(inode), Some(size)) = (&inode, set.size) {
            let mut state = inode.state.lock();
            // Others may have written since the map was learnt: of all of it only the cut is certain.
            state.extents.forget();
            if attr.version >= state.attr.version {
                state.extents.truncated(size);
            }
            state.adopt(attr, true);
        }
        Ok(self.0.files.merged(attr))
    }

    /// Makes a file, directory or special node; `false` when an existing file was found, which is `EEXIST`
    /// with `exclusive`.
    pub async fn create(
        &self,
        parent: Ino,
        name: &[u8],
        new: NewInode,
        exclusive: bool,
    ) -> Result<(Attr, bool)> {
        if new.kind == FileKind::File
            && let Some(attr) = self.try_create(parent, name, new.mode, new.owner)
        {
            return Ok((attr, true));
        }
        let NewInode { kind, mode, owner: Owner { uid, gid }, rdev } = new;
        let (target, preallocated) = (Vec::new(), None);
        let op = FileOp::Create {
            parent,
            name: name.to_vec(),
            kind,
            mode,
            uid,
            gid,
            rdev,
            target,
            exclusive,
            preallocated,
        };
        self.add_entry(parent, name, op).await
    }

    /// Makes a symlink.
    pub async fn symlink(&self, parent: Ino, name: &[u8], target: &[u8], owner: Owner) -> Result<Attr> {
        let op = FileOp::Create {
            parent,
            name: name.to_vec(),
            kind: FileKind::Symlink,
            mode: 0o777,
            uid: owner.uid,
            gid: owner.gid,
            rdev: 0,
            target: target.to_vec(),
            exclusive: true,
            preallocated: None,
        };
        Ok(self.add_entry(parent, name, op).await?.0)
    }

    /// Another name for an inode.
    pub async fn link(&self, ino: Ino, parent: Ino, name: &[u8]) -> Result<Attr> {
        Ok(self.add_entry(parent, name, FileOp::Link { ino, parent, name: name.to_vec() }).await?.0)
    }

    async fn add_entry(&self, parent: Ino, name: &[u8], op: FileOp) -> Result<(Attr, bool)> {
        let _in_flight = self.0.namespace.enter(&[parent]).await;
        let asked = BootTime::now();
        let reply = self.change_names(&[parent], op).await;
        let OpReply::Entry { attr, created, dir } = reply? else { return Err(Errno::EPROTO) };
        self.0.namespace.entry_added(parent, name, attr, created, &dir, asked);
        if created {
            self.consider_delegation(parent);
        }
        Ok((self.0.files.merged(attr), created))
    }

    /// Removes a name.
    pub async fn unlink(&self, parent: Ino, name: &[u8]) -> Result<()> {
        if self.try_unlink(parent, name).is_some() {
            return Ok(());
        }
        let _in_flight = self.0.namespace.enter(&[parent]).await;
        let asked = BootTime::now();
        let closed = self.0.namespace.begin_unlink(parent, name, |ino| self.0.files.is_open(ino));
        let not_open_by_caller = closed.as_ref().map(|guard| guard.ino);
        let op = FileOp::Unlink { parent, name: name.to_vec(), not_open_by_caller, at: None };
        let reply = self.change_names(&[parent], op).await;
        self.removed(parent, name, reply, asked)?;
        self.consider_delegation(parent);
        Ok(())
    }

    /// Removes an empty directory.
    pub async fn rmdir(&self, parent: Ino, name: &[u8]) -> Result<()> {
        let _in_flight = self.0.namespace.enter(&[parent]).await;
        let asked = BootTime::now();
        let op = FileOp::Rmdir { parent, name: name.to_vec() };
        let reply = self.change_names(&[parent], op).await;
        self.removed(parent, name, reply, asked)
    }

    fn removed(&self, parent: Ino, name: &[u8], reply: Result<OpReply>, asked: BootTime) -> Result<()> {
        self.0.namespace.entry_uncertain(parent, name);
        let OpReply::Removed { attr, dir } = reply? else { return Err(Errno::EPROTO) };
        let is_open = self.0.files.is_open(attr.ino);
        self.0.namespace.entry_removed(parent, name, attr, &dir, is_open, asked);
        Ok(())
    }

    /// Renames.
    pub async fn rename(
        &self,
        parent: Ino,
        name: &[u8],
        new_parent: Ino,
        new_name: &[u8],
        mode: RenameMode,
    ) -> Result<()> {
        let namespace = &self.0.namespace;
        let _in_flight = namespace.enter(&[parent, new_parent]).await;
        let closed = namespace.begin_unlink(new_parent, new_name, |ino| self.0.files.is_open(ino));
        let not_open_by_caller = closed.as_ref().map(|guard| guard.ino);
        let asked = BootTime::now();
        let op = FileOp::Rename {
            parent,
            name: name.to_vec(),
            new_parent,
            new_name: new_name.to_vec(),
            mode,
            not_open_by_caller,
        };
        let reply = self.change_names(&[parent, new_parent], op).await;
        namespace.rename_uncertain(parent, name, new_parent, new_name);
        let OpReply::Renamed { attr, replaced } = reply? else { return Err(Errno::EPROTO) };
        namespace.renamed(new_parent, new_name, attr, replaced, asked);
        Ok(())
    }

    /// Executes an operation on the names of these directories.
    async fn change_names(&self, dirs: &[Ino], op: FileOp) -> Result<OpReply> {
        let reply = self.mutate(op).await;
        if let Err(errno) = reply {
            self.check_gone(dirs, errno);
        }
        reply
    }

    /// Takes note of directories that may be gone, as `errno` says.
    pub(super) fn check_gone(&self, dirs: &[Ino], errno: Errno) {
        if errno == Errno::ESTALE {
            dirs.iter().for_each(|&dir| self.0.namespace.directory_gone(dir));
        }
    }
}
