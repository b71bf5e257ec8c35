//! Names and attributes.

use isobar_base::{Errno, Ino};
use isobar_client::{Attr, DirEntry, FileKind, NewInode, OpenDirectory, RenameMode, SetAttr, StatFs};

use crate::Result;
use crate::acls::{NewMode, needs_list};
use crate::credentials::Credentials;
use crate::permission::{self, Access};
use crate::setid;
use crate::vfs::Vfs;

const SEARCH: Access = Access::EXECUTE;
const CHANGE: Access = Access::WRITE.and(Access::EXECUTE);

impl Vfs {
    /// Attributes under a name, if they were told lately and nobody has to be asked.
    pub fn try_lookup(&self, who: &Credentials, parent: Ino, name: &[u8]) -> Option<Result<Attr>> {
        if self.checks_here() {
            let dir = self.client.try_getattr(parent)?;
            if needs_list(who, &dir) {
                return None;
            }
            if let Err(errno) = permission::check(who, &dir, SEARCH) {
                return Some(Err(errno));
            }
        }
        self.client.try_lookup(parent, name)
    }

    /// Attributes under a name; `.` and `..` are names, too.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES`, and what [`isobar_client::Client::lookup`] says. So for all that follow.
    pub async fn lookup(&self, who: &Credentials, parent: Ino, name: &[u8]) -> Result<Attr> {
        self.check_ino(who, parent, SEARCH).await?;
        match name {
            b"." => self.client.getattr(parent).await,
            b".." => self.client.parent(parent).await,
            name => self.client.lookup(parent, name).await,
        }
    }

    /// Attributes, if they were told lately.
    pub fn try_getattr(&self, ino: Ino) -> Option<Attr> {
        self.client.try_getattr(ino)
    }

    /// Attributes.
    pub async fn getattr(&self, ino: Ino) -> Result<Attr> {
        self.client.getattr(ino).await
    }

    /// Changes attributes.
    pub async fn setattr(&self, who: &Credentials, ino: Ino, mut set: SetAttr) -> Result<Attr> {
        if set == SetAttr::default() {
            return self.client.getattr(ino).await;
        }
        if self.checks_here() {
            let attr = self.client.getattr(ino).await?;
            set = permission::check_set(who, &attr, set)?;
        }
        if set.size.is_some() && !who.is_root() {
            set.mode_clear |= setid::to_clear(&self.attr(ino).await?, who);
        }
        self.setid.note_mode(set.mode.unwrap_or_default() | set.mode_set);
        self.client.setattr(ino, set).await
    }

    /// Makes a directory or special node, or a file that is not opened.
    pub async fn make(&self, who: &Credentials, parent: Ino, name: &[u8], new: NewInode) -> Result<Attr> {
        self.make_masked(who, parent, name, new, 0).await
    }

    /// Likewise for a process with a umask.
    pub async fn make_masked(
        &self,
        who: &Credentials,
        parent: Ino,
        name: &[u8],
        new: NewInode,
        umask: u32,
    ) -> Result<Attr> {
        if self.checks_here() {
            permission::check_kind(who, new.kind)?;
            self.check_ino(who, parent, CHANGE).await?;
        }
        let inherited = self.inherited(parent, new.kind, NewMode { mode: new.mode, umask }).await?;
        let new = NewInode { mode: inherited.mode, ..new };
        let (attr, _) = self.client.create(parent, name, new, true).await?;
        self.inherit(attr, inherited).await
    }

    /// Makes a symlink.
    pub async fn symlink(&self, who: &Credentials, parent: Ino, name: &[u8], target: &[u8]) -> Result<Attr> {
        self.check_ino(who, parent, CHANGE).await?;
        self.client.symlink(parent, name, target, who.owner()).await
    }

    /// Target of a symlink.
    pub async fn readlink(&self, ino: Ino) -> Result<Vec<u8>> {
        self.client.readlink(ino).await
    }

    /// Another name for an inode.
    pub async fn link(&self, who: &Credentials, ino: Ino, parent: Ino, name: &[u8]) -> Result<Attr> {
        self.check_ino(who, parent, CHANGE).await?;
        self.client.link(ino, parent, name).await
    }

    /// Removes a name if nobody has to be asked; the caller has checked permissions.
    pub fn try_unlink(&self, parent: Ino, name: &[u8]) -> Option<()> {
        if self.checks_here() {
            return None;
        }
        self.client.try_unlink(parent, name)
    }

    /// Removes a name.
    pub async fn unlink(&self, who: &Credentials, parent: Ino, name: &[u8]) -> Result<()> {
        self.check_removal(who, parent, name).await?;
        self.client.unlink(parent, name).await
    }

    /// Removes an empty directory.
    pub async fn rmdir(&self, who: &Credentials, parent: Ino, name: &[u8]) -> Result<()> {
        self.check_removal(who, parent, name).await?;
        self.client.rmdir(parent, name).await
    }

    /// Renames.
    pub async fn rename(
        &self,
        who: &Credentials,
        (parent, name): (Ino, &[u8]),
        (new_parent, new_name): (Ino, &[u8]),
        mode: RenameMode,
    ) -> Result<()> {
        if self.checks_here() {
            self.check_removal(who, parent, name).await?;
            self.check_removal(who, new_parent, new_name).await?;
            let moved = self.client.lookup(parent, name).await?;
            if moved.kind == FileKind::Directory && parent != new_parent {
                // Its `..` changes.
                self.judge(who, &moved, Access::WRITE).await?;
            }
        }
        self.client.rename(parent, name, new_parent, new_name, mode).await
    }

    /// The directory above (for `..`).
    pub async fn parent(&self, ino: Ino) -> Result<Attr> {
        self.client.parent(ino).await
    }

    /// Entries after `cookie` (0: from the start), without `.` and `..`, and whether nothing follows.
    pub async fn readdir(&self, who: &Credentials, ino: Ino, cookie: u64) -> Result<(Vec<DirEntry>, bool)> {
        self.check_ino(who, ino, Access::READ).await?;
        self.client.readdir(ino, cookie).await
    }

    /// All entries of a directory, in the order of their names' bytes.
    pub async fn list(&self, who: &Credentials, ino: Ino) -> Result<Vec<DirEntry>> {
        let (mut all, mut cookie) = (Vec::new(), 0);
        loop {
            let (entries, end) = self.readdir(who, ino, cookie).await?;
            let Some(last) = entries.last() else { break };
            cookie = last.cookie;
            all.extend(entries);
            if end {
                break;
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// A handle of a directory, for [`Vfs::sync_directory`].
    pub fn open_directory(&self, ino: Ino) -> OpenDirectory {
        self.client.open_directory(ino)
    }

    /// Waits until all changes of a directory's names are durable.
    ///
    /// # Errors
    /// As [`isobar_client::Client::sync_directory`].
    pub async fn sync_directory(&self, directory: &OpenDirectory) -> Result<()> {
        self.client.sync_directory(directory).await
    }

    /// Room and counts.
    pub async fn statfs(&self) -> Result<StatFs> {
        self.client.statfs().await
    }

    /// The directory at `ino`, or why it is none.
    pub(crate) async fn directory(&self, ino: Ino) -> Result<Attr> {
        let attr = self.attr(ino).await?;
        if attr.kind == FileKind::Directory { Ok(attr) } else { Err(Errno::ENOTDIR) }
    }
}
