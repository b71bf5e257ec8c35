//! Extended attributes.

use isobar_base::{Errno, Ino};
use isobar_cluster::BootTime;
use isobar_wire::message::ops::{FileOp, OpReply, XattrMode};
use isobar_wire::message::queries::{Answer, FileQuery};

use super::core::{Client, Result};

impl Client {
    /// Whether an inode has no extended attributes, as far as was told lately.
    pub fn has_no_xattrs(&self, ino: Ino) -> bool {
        self.0.namespace.attr(ino).is_some_and(|attr| !attr.has_xattrs)
    }

    /// Value of an extended attribute.
    pub async fn getxattr(&self, ino: Ino, name: &[u8]) -> Result<Vec<u8>> {
        match self.0.cluster.query(FileQuery::GetXattr { ino, name: name.to_vec() }).await? {
            Answer::Bytes(value) => Ok(value),
            _ => Err(Errno::EPROTO),
        }
    }

    /// Names of extended attributes.
    pub async fn listxattr(&self, ino: Ino) -> Result<Vec<Vec<u8>>> {
        match self.0.cluster.query(FileQuery::ListXattr { ino }).await? {
            Answer::Names(names) => Ok(names),
            _ => Err(Errno::EPROTO),
        }
    }

    /// Sets an extended attribute.
    pub async fn setxattr(&self, ino: Ino, name: &[u8], value: &[u8], mode: XattrMode) -> Result<()> {
        self.change_xattrs(ino, FileOp::SetXattr { ino, name: name.to_vec(), value: value.to_vec(), mode })
            .await
    }

    /// Removes an extended attribute.
    pub async fn removexattr(&self, ino: Ino, name: &[u8]) -> Result<()> {
        self.change_xattrs(ino, FileOp::RemoveXattr { ino, name: name.to_vec() }).await
    }

    async fn change_xattrs(&self, ino: Ino, op: FileOp) -> Result<()> {
        let asked = BootTime::now();
        let reply = self.mutate(op).await;
        self.0.namespace.xattrs_changed(ino);
        let OpReply::Attr(attr) = reply? else { return Err(Errno::EPROTO) };
        self.0.namespace.attributes_changed(attr, asked);
        Ok(())
    }
}
