//! The bytes of open files.

use std::ops::Range;

use isobar_base::Errno;
use isobar_base::limits::FILE_BYTES_MAX;
use isobar_client::{Attr, ReadBytes, SetAttr, WriteMode};

use crate::Result;
use crate::credentials::Credentials;
use crate::file::File;
use crate::setid;
use crate::vfs::{Checks, Vfs};

/// How a write is meant, beyond its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WriteIntent {
    /// Set-id bits have to go, as the caller judges; where permissions are judged here, so is this.
    pub clear_setid: bool,
    /// Where it goes and when it returns; as the file was opened, if nothing is said. Descriptors change
    /// their flags (fcntl), single calls have some of their own (pwritev2), and pages of a mapping go to
    /// their offset whatever the flags.
    pub mode: Option<WriteMode>,
}

/// What becomes of a range of a file whose room was asked for. With neither, nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Allocation {
    /// Its bytes become zeros, by a hole.
    pub zero: bool,
    /// The file is at least as long as the range reaches.
    pub grow: bool,
}

impl Vfs {
    /// Reads from caches and buffers alone, if they suffice.
    pub fn try_read(&self, file: &File, offset: u64, len: u32) -> Option<ReadBytes> {
        self.client.try_read(&file.open, offset, len)
    }

    /// Reads; fewer bytes than asked for only at the end of the file.
    pub async fn read(&self, file: &File, offset: u64, len: u32) -> Result<ReadBytes> {
        self.client.read(&file.open, offset, len).await
    }

    /// Buffers a write if nothing has to be waited for. All of `data` is taken.
    pub fn try_write(
        &self,
        who: &Credentials,
        file: &File,
        offset: u64,
        data: &[u8],
        intent: WriteIntent,
    ) -> Option<Result<()>> {
        if self.must_clear_setid(who, file, intent) {
            return None;
        }
        self.client.try_write_as(&file.open, offset, data, intent.mode.unwrap_or(file.mode))
    }

    /// Writes; `offset` is ignored by writes that append. Gives whether set-id bits went.
    pub async fn write(
        &self,
        who: &Credentials,
        file: &File,
        offset: u64,
        data: &[u8],
        intent: WriteIntent,
    ) -> Result<bool> {
        let cleared = self.must_clear_setid(who, file, intent) && self.clear_setid(who, file).await?;
        self.client.write_as(&file.open, offset, data, intent.mode.unwrap_or(file.mode)).await?;
        Ok(cleared)
    }

    fn must_clear_setid(&self, who: &Credentials, file: &File, intent: WriteIntent) -> bool {
        let wanted = match self.checks {
            Checks::ByCaller => intent.clear_setid,
            Checks::Here => !who.is_root(),
        };
        wanted && !self.setid.is_clear(&file.seen_clear)
    }

    /// Clears the set-id bits of a file; false when it has none.
    async fn clear_setid(&self, who: &Credentials, file: &File) -> Result<bool> {
        let epoch = self.setid.now();
        let attr = self.client.getattr(file.ino).await?;
        let mode_clear = setid::to_clear(&attr, who);
        if mode_clear != 0 {
            self.client.setattr(attr.ino, SetAttr { mode_clear, ..SetAttr::default() }).await?;
        }
        if attr.mode & !mode_clear & setid::SETID_BITS == 0 {
            self.setid.seen(&file.seen_clear, epoch);
        }
        Ok(mode_clear != 0)
    }

    /// True when [`Vfs::flush`] has nothing to do.
    pub fn try_flush(&self, file: &File) -> bool {
        self.client.try_flush(&file.open)
    }

    /// What close(2) does: commits what was written, reports what went wrong before.
    pub async fn flush(&self, file: &File) -> Result<()> {
        self.client.flush(&file.open).await
    }

    /// What fsync(2) does (I4).
    pub async fn fsync(&self, file: &File) -> Result<Attr> {
        self.client.fsync(&file.open).await
    }

    /// The last close.
    pub async fn release(&self, file: &File) {
        self.client.release(file.open.clone()).await;
    }

    /// What fallocate(2) does. Room is not reserved. Gives whether set-id bits went.
    ///
    /// # Errors
    /// `EFBIG` beyond the largest file.
    pub async fn allocate(
        &self,
        who: &Credentials,
        file: &File,
        range: Range<u64>,
        what: Allocation,
    ) -> Result<bool> {
        if range.end > FILE_BYTES_MAX {
            return Err(Errno::EFBIG);
        }
        if what == Allocation::default() {
            return Ok(false);
        }
        let clear = !who.is_root() && !self.setid.is_clear(&file.seen_clear);
        let cleared = clear && self.clear_setid(who, file).await?;
        let size_min = if what.grow { range.end } else { 0 };
        self.client.punch(&file.open, if what.zero { range } else { 0..0 }, size_min).await?;
        Ok(cleared)
    }

    /// First offset at or after `offset` that has data (`true`) or is a hole (`false`); ENXIO beyond the end.
    pub async fn seek(&self, file: &File, offset: u64, data: bool) -> Result<u64> {
        self.client.seek(&file.open, offset, data).await
    }
}
