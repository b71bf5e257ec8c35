//! Names, attributes and lists, as they are.

use isobar_base::{Errno, Ino};
use isobar_cluster::BootTime;
use isobar_wire::message::files::{Attr, DirEntry};
use isobar_wire::message::queries::{Answer, FileQuery};

use super::core::{Client, Result};

/// Entries of a directory asked for at a time.
pub(super) const READDIR_ENTRIES: u32 = 512;

impl Client {
    /// Attributes under a name, if they were told lately.
    pub fn try_lookup(&self, parent: Ino, name: &[u8]) -> Option<Result<Attr>> {
        Some(self.0.namespace.entry(parent, name)?.map(|attr| self.0.files.merged(attr)))
    }

    /// Attributes under a name.
    ///
    /// # Errors
    /// `ENOENT`, and whatever the state machine says; `EIO` without a quorum. So for all that follow.
    pub async fn lookup(&self, parent: Ino, name: &[u8]) -> Result<Attr> {
        let namespace = &self.0.namespace;
        let neighbours = namespace.neighbours_wanted(parent);
        let asked = BootTime::now();
        let query = FileQuery::Lookup { parent, name: name.to_vec(), neighbours };
        match self.0.cluster.query(query).await {
            Ok(Answer::Entry { attr, neighbours, .. }) => {
                namespace.looked_up(parent, name, attr, &neighbours, asked);
                Ok(self.0.files.merged(attr))
            }
            Ok(_) => Err(Errno::EPROTO),
            Err(errno) => {
                namespace.lookup_failed(parent, name);
                self.check_gone(&[parent], errno);
                Err(errno)
            }
        }
    }

    /// Attributes, if they were told lately.
    pub fn try_getattr(&self, ino: Ino) -> Option<Attr> {
        self.0.namespace.attr(ino).map(|attr| self.0.files.merged(attr))
    }

    /// Attributes.
    pub async fn getattr(&self, ino: Ino) -> Result<Attr> {
        Ok(self.0.files.merged(self.fresh_attr(ino).await?))
    }

    /// Attributes as the cluster has them now.
    pub(super) async fn fresh_attr(&self, ino: Ino) -> Result<Attr> {
        let asked = BootTime::now();
        let fetched = self.0.cluster.query_attr(ino).await;
        self.0.namespace.fetched(ino, fetched, asked)
    }

    /// Target of a symlink.
    pub async fn readlink(&self, ino: Ino) -> Result<Vec<u8>> {
        match self.0.cluster.query(FileQuery::ReadLink { ino }).await? {
            Answer::Bytes(bytes) => Ok(bytes),
            _ => Err(Errno::EPROTO),
        }
    }

    /// The directory above (for `..`).
    pub async fn parent(&self, ino: Ino) -> Result<Attr> {
        match self.0.cluster.query(FileQuery::Parent { ino }).await? {
            Answer::Attr(attr) => Ok(attr),
            _ => Err(Errno::EPROTO),
        }
    }

    /// Entries after `cookie` (0: from the start), without `.` and `..`, and whether nothing follows.
    pub async fn readdir(&self, ino: Ino, cookie: u64) -> Result<(Vec<DirEntry>, bool)> {
        let asked = BootTime::now();
        match self.0.cluster.query(FileQuery::ReadDir { ino, cookie, limit: READDIR_ENTRIES }).await? {
            Answer::Dir { mut entries, end, dir_version } => {
                let all_at = (cookie == 0 && end).then_some(dir_version);
                self.0.namespace.listed(ino, &entries, all_at, asked);
                for entry in &mut entries {
                    entry.attr = self.0.files.merged(entry.attr);
                }
                Ok((entries, end))
            }
            _ => Err(Errno::EPROTO),
        }
    }
}
