//! Whole paths, directories and files: what front ends without handles of their own are made of.

use std::collections::VecDeque;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use isobar_base::{Errno, Ino};
use isobar_client::{Attr, FileKind, NewInode, OpenOptions, RenameMode};

use crate::Result;
use crate::credentials::Credentials;
use crate::data::WriteIntent;
use crate::file::File;
use crate::vfs::Vfs;

/// Symlinks followed on the way to one inode, as Linux has it.
const SYMLINKS_MAX: u32 = 40;
/// Bytes of a file read or written with one call.
const CALL_BYTES_MAX: usize = 1 << 20;

impl Vfs {
    /// The inode at a path from the root of the file system; symlinks on the way and at its end are followed.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP` for a circle of symlinks.
    pub async fn resolve(&self, who: &Credentials, path: &Path) -> Result<Attr> {
        let (mut at, mut links) = (self.directory(Ino::ROOT).await?, 0);
        let mut names: VecDeque<Vec<u8>> = names_of(path.as_os_str().as_bytes()).collect();
        while let Some(name) = names.pop_front() {
            if at.kind != FileKind::Directory {
                return Err(Errno::ENOTDIR);
            }
            let next = match self.try_lookup(who, at.ino, &name) {
                Some(Ok(attr)) => attr,
                // That a name is not there may be a moment old.
                Some(Err(_)) | None => self.lookup(who, at.ino, &name).await?,
            };
            if next.kind != FileKind::Symlink {
                at = next;
                continue;
            }
            links += 1;
            if links > SYMLINKS_MAX {
                return Err(Errno::ELOOP);
            }
            let target = self.readlink(next.ino).await?;
            names_of(&target).rev().for_each(|name| names.push_front(name));
            if target.first() == Some(&b'/') {
                at = self.directory(Ino::ROOT).await?;
            }
        }
        Ok(at)
    }

    /// The directory that holds the last name of a path, and that name.
    ///
    /// # Errors
    /// As [`Vfs::resolve`]; `EINVAL` for the root.
    pub async fn resolve_parent<'a>(&self, who: &Credentials, path: &'a Path) -> Result<(Ino, &'a [u8])> {
        let (parent, name) = path.parent().zip(path.file_name()).ok_or(Errno::EINVAL)?;
        let parent = self.resolve(who, parent).await?;
        if parent.kind == FileKind::Directory {
            Ok((parent.ino, name.as_bytes()))
        } else {
            Err(Errno::ENOTDIR)
        }
    }

    /// Makes a directory and those above it that are missing; gives the directory.
    ///
    /// # Errors
    /// `ENOTDIR` where something else has the name.
    pub async fn create_dirs(&self, who: &Credentials, path: &Path, mode: u32) -> Result<Attr> {
        let mut at = self.directory(Ino::ROOT).await?;
        for name in names_of(path.as_os_str().as_bytes()) {
            at = match self.lookup(who, at.ino, &name).await {
                Err(Errno::ENOENT) => {
                    match self.make(who, at.ino, &name, NewInode::directory(mode, who.owner())).await {
                        // Somebody else was quicker.
                        Err(Errno::EEXIST) => self.lookup(who, at.ino, &name).await?,
                        made => made?,
                    }
                }
                found => found?,
            };
            if at.kind != FileKind::Directory {
                return Err(Errno::ENOTDIR);
            }
        }
        Ok(at)
    }

    /// Makes `data` the contents of a path: whoever opens it finds the old file or the whole new one, and the
    /// new one is durable when this returns.
    ///
    /// # Errors
    /// As [`Vfs::resolve`], and what the cluster says; nothing of the new file is left then.
    pub async fn put_atomic(&self, who: &Credentials, path: &Path, data: &[u8], mode: u32) -> Result<Attr> {
        let (parent, name) = self.resolve_parent(who, path).await?;
        let unfinished = format!(".unfinished-{:016x}", isobar_base::random_u64()).into_bytes();
        let options = OpenOptions { write: true, ..OpenOptions::default() };
        let opened = self.create(who, (parent, &unfinished), mode, true, false, options).await?;
        let mut put = self.write_all(who, &opened.file, data).await;
        if put.is_ok() {
            put = self.fsync(&opened.file).await.map(drop);
        }
        self.release(&opened.file).await;
        if put.is_ok() {
            put = self.rename(who, (parent, &unfinished), (parent, name), RenameMode::Replace).await;
        }
        if let Err(errno) = put {
            self.unlink(who, parent, &unfinished).await.ok();
            return Err(errno);
        }
        self.client.getattr(opened.attr.ino).await
    }

    async fn write_all(&self, who: &Credentials, file: &File, data: &[u8]) -> Result<()> {
        for (at, part) in data.chunks(CALL_BYTES_MAX).enumerate() {
            let offset = (at * CALL_BYTES_MAX) as u64;
            self.write(who, file, offset, part, WriteIntent::default()).await?;
        }
        Ok(())
    }

    /// All bytes of the file at a path.
    ///
    /// # Errors
    /// As [`Vfs::resolve`], and what the cluster says.
    pub async fn get(&self, who: &Credentials, path: &Path) -> Result<Vec<u8>> {
        let attr = self.resolve(who, path).await?;
        let opened = self.open(who, attr.ino, true, OpenOptions::default()).await?;
        let read = self.read_all(&opened.file, opened.attr.size).await;
        self.release(&opened.file).await;
        read
    }

    async fn read_all(&self, file: &File, size: u64) -> Result<Vec<u8>> {
        let mut data = Vec::with_capacity(size as usize);
        loop {
            let part = self.read(file, data.len() as u64, CALL_BYTES_MAX as u32).await?;
            if part.is_empty() {
                return Ok(data);
            }
            data.extend_from_slice(&part.contiguous());
        }
    }
}

/// The names of a path, without empty ones.
fn names_of(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> + '_ {
    path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).map(<[u8]>::to_vec)
}
