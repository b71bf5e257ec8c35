//! Opening and creating files.

use isobar_base::{Errno, Ino};
use isobar_client::{Attr, Created, FileKind, OpenDirectory, OpenFile, OpenOptions, SetAttr};

use crate::Result;
use crate::acls::{Inherited, NewMode};
use crate::credentials::Credentials;
use crate::file::File;
use crate::permission::Access;
use crate::setid;
use crate::vfs::{Checks, Vfs};

/// A file that has just been opened.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub file: File,
    /// Its attributes, exact at the open (close-to-open).
    pub attr: Attr,
}

impl Vfs {
    /// Opens a file for reading, writing (`options.write`) or both.
    ///
    /// # Errors
    /// `EACCES`, `ESTALE` when the inode is gone, and what the cluster says.
    pub async fn open(
        &self,
        who: &Credentials,
        ino: Ino,
        read: bool,
        options: OpenOptions,
    ) -> Result<Opened> {
        if self.checks_here() {
            let mut wanted = if read { Access::READ } else { Access::NONE };
            if options.write || options.truncate {
                wanted = wanted.and(Access::WRITE);
            }
            self.check_ino(who, ino, wanted).await?;
        }
        self.open_unchecked(who, ino, options).await
    }

    async fn open_unchecked(&self, who: &Credentials, ino: Ino, options: OpenOptions) -> Result<Opened> {
        let (open, mut attr) = self.client.open(ino, options).await?;
        // A kernel that truncates with the open leaves the set-id bits to whoever opens.
        let mode_clear = setid::to_clear(&attr, who);
        if options.truncate && !who.is_root() && mode_clear != 0 {
            let set = SetAttr { mode_clear, ..SetAttr::default() };
            match self.client.setattr(ino, set).await {
                Ok(changed) => attr = changed,
                Err(errno) => {
                    self.client.release(open).await;
                    return Err(errno);
                }
            }
        }
        let seen_clear = self.setid.at_open(&attr);
        Ok(Opened { file: File { ino, mode: options.write_mode(), open, seen_clear }, attr })
    }

    /// Makes and opens a file if nobody has to be asked; the caller has checked permissions.
    pub fn try_create(
        &self,
        who: &Credentials,
        parent: Ino,
        name: &[u8],
        mode: impl Into<NewMode>,
        options: OpenOptions,
    ) -> Option<Opened> {
        if options.sync || self.checks_here() {
            return None;
        }
        let mode = self.try_inherited(parent, mode.into())?;
        let (open, attr) = self.client.try_create_open(parent, name, mode, who.owner(), options)?;
        Some(self.opened_new(open, attr, options))
    }

    /// Makes and opens a file, or opens what exists unless `exclusive`.
    ///
    /// # Errors
    /// `EEXIST`, `EACCES`, and what the cluster says; `ESTALE` when the caller judges permissions, believed
    /// the file to be new, and it is not: look again.
    pub async fn create(
        &self,
        who: &Credentials,
        (parent, name): (Ino, &[u8]),
        mode: impl Into<NewMode>,
        exclusive: bool,
        read: bool,
        options: OpenOptions,
    ) -> Result<Opened> {
        if self.checks_here() {
            self.check_ino(who, parent, Access::EXECUTE).await?;
            // Who may not make files may still open one that is there.
            match self.client.lookup(parent, name).await {
                Ok(_) if exclusive => return Err(Errno::EEXIST),
                Ok(attr) => return self.open(who, attr.ino, read, options).await,
                Err(Errno::ENOENT) => self.check_ino(who, parent, Access::WRITE).await?,
                Err(errno) => return Err(errno),
            }
        }
        let inherited = self.inherited(parent, FileKind::File, mode.into()).await?;
        // Opened before: it hears of what is lost of this.
        let directory = options.sync.then(|| self.client.open_directory(parent));
        let made =
            self.client.create_open(parent, name, (inherited.mode, who.owner()), exclusive, options).await?;
        let (open, attr) = match made {
            Created::New(open, attr) => (open, attr),
            // Somebody else made it since the caller looked. A kernel would not check the permissions of a
            // file it believes to be new: ESTALE makes it look again and open what is there.
            Created::Found(attr) => {
                return match self.checks {
                    Checks::ByCaller if !who.is_root() => Err(Errno::ESTALE),
                    Checks::ByCaller => self.open_unchecked(who, attr.ino, options).await,
                    Checks::Here => self.open(who, attr.ino, read, options).await,
                };
            }
        };
        match self.complete(attr, inherited, directory).await {
            Ok(attr) => Ok(self.opened_new(open, attr, options)),
            Err(errno) => {
                self.client.release(open).await;
                Err(errno)
            }
        }
    }

    /// What a file that was made still lacks.
    async fn complete(
        &self,
        attr: Attr,
        inherited: Inherited,
        directory: Option<OpenDirectory>,
    ) -> Result<Attr> {
        let attr = self.inherit(attr, inherited).await?;
        if let Some(directory) = directory {
            self.client.sync_directory(&directory).await?;
        }
        Ok(attr)
    }

    /// A file this client has just made.
    fn opened_new(&self, open: OpenFile, attr: Attr, options: OpenOptions) -> Opened {
        let seen_clear = self.setid.at_open(&attr);
        Opened { file: File { ino: attr.ino, mode: options.write_mode(), open, seen_clear }, attr }
    }
}
