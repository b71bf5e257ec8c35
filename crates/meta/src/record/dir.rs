//! The two sides of a directory entry.

use isobar_base::Ino;
use serde::{Deserialize, Serialize};

use super::file::FileKind;

/// Found by name.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Name {
    pub(crate) cookie: u64,
    pub(crate) ino: Ino,
    pub(crate) kind: FileKind,
}

/// Found by cookie.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) ino: Ino,
    pub(crate) kind: FileKind,
    pub(crate) name: Vec<u8>,
}
