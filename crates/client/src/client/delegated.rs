//! Creating and removing files in directories delegated to this client, without waiting for anybody.

use isobar_base::{Ino, SessionId, limits};
use isobar_cluster::BootTime;
use isobar_wire::message::files::{Attr, FileKind};
use isobar_wire::message::ops::{FileOp, PreallocatedInode};

use super::core::{Answered, Client, OpenDirectory, OpenFile, Result};
use crate::file::now;
use crate::namespace::Answer;
use crate::options::{OpenOptions, Owner};

impl Client {
    /// Makes a regular file if this client can answer for it: the directory is delegated to it and has no
    /// such name. The log has it before anything later of this client, and at the latest when it is fsynced.
    pub fn try_create(&self, dir: Ino, name: &[u8], mode: u32, owner: Owner) -> Option<Attr> {
        Some(self.create_as_holder(dir, name, mode, owner, |_| ())?.1)
    }

    /// Like [`Client::try_create`], and opens the file.
    pub fn try_create_open(
        &self,
        dir: Ino,
        name: &[u8],
        mode: u32,
        owner: Owner,
        options: OpenOptions,
    ) -> Option<(OpenFile, Attr)> {
        let _creating = self.0.namespace.begin_create();
        self.create_as_holder(dir, name, mode, owner, |attr| self.open_created(attr, options))
    }

    /// Makes a regular file; `open` gets it before it can be found here.
    fn create_as_holder<T>(
        &self,
        dir: Ino,
        name: &[u8],
        mode: u32,
        owner: Owner,
        open: impl FnOnce(&Attr) -> T,
    ) -> Option<(T, Attr)> {
        let inner = &*self.0;
        if name.len() > limits::NAME_BYTES_MAX || !inner.cluster.unconfirmed().has_room() {
            return None;
        }
        let Owner { uid, gid } = owner;
        let (session, time) = (inner.session.id(), now());
        let send = |ino| {
            let op = FileOp::Create {
                parent: dir,
                name: name.to_vec(),
                kind: FileKind::File,
                mode,
                uid,
                gid,
                rdev: 0,
                target: Vec::new(),
                exclusive: true,
                preallocated: Some(PreallocatedInode { ino, time }),
            };
            self.answer(dir, name, ino, session, op)
        };
        let (answer, refill) = inner.namespace.create_as_holder(dir, name, session, time, send);
        if refill {
            self.spawn_refill(dir);
        }
        let ino = match answer {
            Answer::Given(ino) => ino,
            Answer::Ask => return None,
            Answer::Return => {
                self.spawn_return(dir);
                return None;
            }
        };
        // Its version is older than whatever the log will say.
        let attr = Attr { mode: mode & 0o7777, uid, gid, ..Attr::new(ino, FileKind::File, time) };
        let opened = open(&attr);
        inner.namespace.created_as_holder(dir, name, attr);
        Some((opened, attr))
    }

    /// Removes a file's only name if this client can answer for it: the directory is delegated to it and
    /// nothing here has the file open.
    pub fn try_unlink(&self, dir: Ino, name: &[u8]) -> Option<()> {
        let inner = &*self.0;
        let attr = inner.namespace.attr(inner.namespace.ino(dir, name)?)?;
        if attr.kind != FileKind::File || attr.nlink != 1 || !inner.cluster.unconfirmed().has_room() {
            return None;
        }
        let ino = attr.ino;
        let _closed = inner.namespace.begin_unlink(dir, name, |ino| inner.files.is_open(ino))?;
        let (session, time) = (inner.session.id(), now());
        let send = || {
            let op = FileOp::Unlink {
                parent: dir,
                name: name.to_vec(),
                not_open_by_caller: Some(ino),
                at: Some(time),
            };
            self.answer(dir, name, ino, session, op)
        };
        match inner.namespace.unlink_as_holder(dir, name, ino, session, time, send) {
            Answer::Given(()) => Some(()),
            Answer::Ask | Answer::Return => None,
        }
    }

    /// A handle of a directory, for [`Client::sync_directory`]. Nobody is asked.
    pub fn open_directory(&self, dir: Ino) -> OpenDirectory {
        let namespace = self.0.namespace.clone();
        OpenDirectory { dir, errors: namespace.open_directory(dir), namespace }
    }

    /// Waits until everything answered for in a directory is durable on a majority of the metadata voters.
    ///
    /// # Errors
    /// `EIO` when something was lost that this handle has not heard of; and when no quorum answered in time:
    /// nothing is lost by that, and the next call waits for it again.
    pub async fn sync_directory(&self, directory: &OpenDirectory) -> Result<()> {
        let cluster = &self.0.cluster;
        cluster.unconfirmed().settled_within(Some(directory.dir), cluster.patience()).await?;
        directory.errors.take()
    }

    /// Sends what is answered for. Called with the lock of the delegations: the order of the answers is that
    /// of the log.
    fn answer(&self, dir: Ino, name: &[u8], ino: Ino, session: SessionId, op: FileOp) -> Option<()> {
        let _in_runtime = self.0.files.runtime.enter();
        let begun = self.0.session.begin(op, Some(session))?;
        self.0.cluster.unconfirmed().begin([dir, ino]);
        // The receiver lives as long as this client.
        let asked = BootTime::now();
        self.0.answered.send(Answered { begun, dir, name: name.into(), ino, asked }).ok();
        Some(())
    }
}
