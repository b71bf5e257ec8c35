//! Open files: their bytes.

use std::ops::Range;

use isobar_base::{Errno, Ino};
use isobar_cluster::BootTime;
use isobar_wire::message::files::Attr;
use isobar_wire::message::ops::{FileOp, OpReply, SetAttr};

use super::core::{Client, OpenFile, Result};
use crate::file::ReadBytes;
use crate::options::{OpenOptions, WriteMode};

impl Client {
    /// Opens a file; asks the cluster for its attributes (close-to-open). The attributes are exact.
    pub async fn open(&self, ino: Ino, options: OpenOptions) -> Result<(OpenFile, Attr)> {
        let _opening = self.0.namespace.begin_open(ino).await;
        let asked = BootTime::now();
        let attr = if options.truncate {
            self.setattr(ino, SetAttr { size: Some(0), ..SetAttr::default() }).await?
        } else {
            self.fresh_attr(ino).await?
        };
        if attr.nlink == 0 && !self.0.files.is_open(ino) {
            // The name that led here is gone, and nothing keeps the inode for us: it may go any moment.
            self.0.namespace.attributes_uncertain(ino);
            return Err(Errno::ESTALE);
        }
        let file = self.0.files.open(&attr, options, asked);
        let attr = self.0.files.merged(attr);
        Ok((OpenFile(file), attr))
    }

    /// Opens a file this client has just made and given no name yet that anybody here could find: its
    /// attributes are known.
    pub(super) fn open_created(&self, attr: &Attr, options: OpenOptions) -> OpenFile {
        let handle = self.0.files.open(attr, options, BootTime::now());
        {
            let mut state = handle.inode.state.lock();
            // Unless somebody has found the name and written already.
            if state.attr.version == attr.version {
                state.extents.truncated(0);
            }
        }
        OpenFile(handle)
    }

    /// Reads from caches and buffers alone, if they suffice.
    pub fn try_read(&self, file: &OpenFile, offset: u64, len: u32) -> Option<ReadBytes> {
        self.0.files.try_read(&file.0, offset, len)
    }

    /// Reads; fewer bytes than asked for only at the end of the file.
    pub async fn read(&self, file: &OpenFile, offset: u64, len: u32) -> Result<ReadBytes> {
        self.0.files.read(&file.0, offset, len).await
    }

    /// Buffers a write, if there is room for it and nothing has to be waited for. All of `data` is taken.
    pub fn try_write(&self, file: &OpenFile, offset: u64, data: &[u8]) -> Option<Result<()>> {
        self.try_write_as(file, offset, data, file.0.options.write_mode())
    }

    /// Like [`Client::try_write`], in another way than the file was opened for.
    pub fn try_write_as(
        &self,
        file: &OpenFile,
        offset: u64,
        data: &[u8],
        mode: WriteMode,
    ) -> Option<Result<()>> {
        self.0.files.try_write(&file.0, offset, data, mode)
    }

    /// Writes; `offset` is ignored for files opened with `append`.
    pub async fn write(&self, file: &OpenFile, offset: u64, data: &[u8]) -> Result<()> {
        self.write_as(file, offset, data, file.0.options.write_mode()).await
    }

    /// Like [`Client::write`], in another way than the file was opened for.
    pub async fn write_as(&self, file: &OpenFile, offset: u64, data: &[u8], mode: WriteMode) -> Result<()> {
        self.0.files.write(&file.0, offset, data, mode).await
    }

    /// What close(2) does: commits what was written, reports what went wrong before. The error stays to
    /// be reported by fsync: a process that merely inherited the descriptor closes it, too.
    pub async fn flush(&self, file: &OpenFile) -> Result<()> {
        let handle = &file.0;
        self.0.files.write_back(&handle.inode).await?;
        handle.inode.errors.check(&handle.seen)
    }

    /// True when flush has nothing to do (nothing dirty, no error to report).
    pub fn try_flush(&self, file: &OpenFile) -> bool {
        let handle = &file.0;
        // Errors only rise under the lock: what is lost now is not overlooked.
        let state = handle.inode.state.lock();
        state.is_clean() && handle.inode.errors.check(&handle.seen).is_ok()
    }

    /// When it returns, everything written to the file on this mount is durable on n + K targets and
    /// on a majority of the metadata voters (I4); and what other mounts had committed when it was called is
    /// seen by whoever reads after it. Gives the file's attributes as they are then.
    pub async fn fsync(&self, file: &OpenFile) -> Result<Attr> {
        let handle = &file.0;
        let asked = BootTime::now();
        let cluster = &self.0.cluster;
        cluster.unconfirmed().settled_within(Some(handle.inode.ino), cluster.patience()).await?;
        self.0.files.write_back(&handle.inode).await?;
        handle.inode.errors.check_and_advance(&handle.seen)?;
        self.0.files.revalidate_since(&handle.inode, asked).await
    }

    /// The last close.
    pub async fn release(&self, file: OpenFile) {
        self.0.files.close(&file.0).await;
    }

    /// Makes a hole of `hole`, unless that is empty, and the file longer if it is shorter than `size_min`.
    pub async fn punch(&self, file: &OpenFile, hole: Range<u64>, size_min: u64) -> Result<()> {
        let inode = &file.0.inode;
        let _still = inode.order.lock().await;
        self.0.files.write_back(inode).await?;
        let len = hole.end.saturating_sub(hole.start);
        let op = FileOp::Punch { ino: inode.ino, offset: hole.start, len, size_min };
        let asked = BootTime::now();
        let OpReply::Attr(attr) = self.mutate(op).await? else {
            return Err(Errno::EPROTO);
        };
        self.0.namespace.attributes_changed(attr, asked);
        let mut state = inode.state.lock();
        state.extents.forget();
        state.adopt(attr, true);
        Ok(())
    }

    /// First offset at or after `offset` that has data (`true`) or is a hole (`false`); ENXIO beyond the end.
    pub async fn seek(&self, file: &OpenFile, offset: u64, data: bool) -> Result<u64> {
        self.0.files.seek(&file.0, offset, data).await
    }
}
