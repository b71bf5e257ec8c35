//! An open file as a front end holds it.

use isobar_base::Ino;
use isobar_client::{OpenFile, WriteMode};

use crate::setid::SeenClear;

/// An open file. Given up with [`crate::Vfs::release`].
#[derive(Debug)]
pub struct File {
    /// Which inode.
    pub ino: Ino,
    /// How writes are made unless one says otherwise.
    pub(crate) mode: WriteMode,
    pub(crate) open: OpenFile,
    pub(crate) seen_clear: SeenClear,
}
