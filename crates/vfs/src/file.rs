//! An open file as a front end holds it.

use isobar_base::Ino;
use isobar_client::OpenFile;

use crate::setid::SeenClear;

/// An open file. Given up with [`crate::Vfs::release`].
#[derive(Debug)]
pub struct File {
    /// Which inode.
    pub ino: Ino,
    /// Opened so that every write goes to the end.
    pub append: bool,
    pub(crate) open: OpenFile,
    pub(crate) seen_clear: SeenClear,
}
