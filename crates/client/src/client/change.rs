//! Changes of names and attributes.

use isobar_base::{Errno, Ino};
use isobar_cluster::BootTime;
use isobar_wire::message::files::{Attr, FileKind};
use isobar_wire::message::ops::{FileOp, OpReply, RenameMode, SetAttr};

use super::core::{Client, Created, Result};
use crate::options::{NewInode, OpenOptions, Owner};

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
        let (attr, made) =
            self.add_entry(parent, name, creation(parent, name, new, exclusive), |_| ()).await?;
        Ok((attr, made.is_some()))
    }

    /// Makes a file and opens it: nothing that is done to its name elsewhere finds it closed. One that exists
    /// is `EEXIST` with `exclusive`.
    pub async fn create_open(
        &self,
        parent: Ino,
        name: &[u8],
        (mode, owner): (u32, Owner),
        exclusive: bool,
        options: OpenOptions,
    ) -> Result<Created> {
        if let Some((file, attr)) = self.try_create_open(parent, name, mode, owner, options) {
            return Ok(Created::New(file, attr));
        }
        let _creating = self.0.namespace.begin_create();
        let op = creation(parent, name, NewInode::file(mode, owner), exclusive);
        Ok(match self.add_entry(parent, name, op, |attr| self.open_created(attr, options)).await? {
            (attr, Some(file)) => Created::New(file, attr),
            (attr, None) => Created::Found(attr),
        })
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
        Ok(self.add_entry(parent, name, op, |_| ()).await?.0)
    }

    /// Another name for an inode.
    pub async fn link(&self, ino: Ino, parent: Ino, name: &[u8]) -> Result<Attr> {
        let op = FileOp::Link { ino, parent, name: name.to_vec() };
        Ok(self.add_entry(parent, name, op, |_| ()).await?.0)
    }

    /// Adds a name; `made` gets the inode, if it is new, before it can be found here.
    async fn add_entry<T>(
        &self,
        parent: Ino,
        name: &[u8],
        op: FileOp,
        made: impl FnOnce(&Attr) -> T,
    ) -> Result<(Attr, Option<T>)> {
        let _in_flight = self.0.namespace.enter(&[parent]).await;
        let asked = BootTime::now();
        let reply = self.change_names(&[parent], op).await;
        let OpReply::Entry { attr, created, dir } = reply? else { return Err(Errno::EPROTO) };
        let made = created.then(|| made(&attr));
        self.0.namespace.entry_added(parent, name, attr, created, &dir, asked);
        if created {
            self.consider_delegation(parent);
        }
        Ok((self.0.files.merged(attr), made))
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

fn creation(parent: Ino, name: &[u8], new: NewInode, exclusive: bool) -> FileOp {
    let NewInode { kind, mode, owner: Owner { uid, gid }, rdev } = new;
    let (name, target, preallocated) = (name.to_vec(), Vec::new(), None);
    FileOp::Create { parent, name, kind, mode, uid, gid, rdev, target, exclusive, preallocated }
}
