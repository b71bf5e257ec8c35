//! The rows of mdtest's table: which calls are made, and on whose items.

use serde::{Deserialize, Serialize};

use crate::task::ItemStep;

/// A row of mdtest's table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MdtestStep {
    /// mkdir.
    DirectoryCreation,
    /// stat of directories.
    DirectoryStat,
    /// rename of directories.
    DirectoryRename,
    /// rmdir.
    DirectoryRemoval,
    /// create, write with `-w`, close.
    FileCreation,
    /// stat of files.
    FileStat,
    /// open, read with `-e`, close.
    FileRead,
    /// unlink.
    FileRemoval,
    /// mkdir of the tree that holds the items.
    TreeCreation,
    /// rmdir of that tree.
    TreeRemoval,
}

impl MdtestStep {
    /// All, in the order of mdtest's table.
    pub const ALL: [MdtestStep; 10] = [
        MdtestStep::DirectoryCreation,
        MdtestStep::DirectoryStat,
        MdtestStep::DirectoryRename,
        MdtestStep::DirectoryRemoval,
        MdtestStep::FileCreation,
        MdtestStep::FileStat,
        MdtestStep::FileRead,
        MdtestStep::FileRemoval,
        MdtestStep::TreeCreation,
        MdtestStep::TreeRemoval,
    ];

    /// As mdtest's table calls it.
    pub fn title(self) -> &'static str {
        match self {
            MdtestStep::DirectoryCreation => "Directory creation",
            MdtestStep::DirectoryStat => "Directory stat",
            MdtestStep::DirectoryRename => "Directory rename",
            MdtestStep::DirectoryRemoval => "Directory removal",
            MdtestStep::FileCreation => "File creation",
            MdtestStep::FileStat => "File stat",
            MdtestStep::FileRead => "File read",
            MdtestStep::FileRemoval => "File removal",
            MdtestStep::TreeCreation => "Tree creation",
            MdtestStep::TreeRemoval => "Tree removal",
        }
    }

    /// The calls of it.
    pub(super) fn item_step(self) -> ItemStep {
        match self {
            MdtestStep::DirectoryCreation => ItemStep::DirCreate,
            MdtestStep::DirectoryStat => ItemStep::DirStat,
            MdtestStep::DirectoryRename => ItemStep::DirRename,
            MdtestStep::DirectoryRemoval => ItemStep::DirRemove,
            MdtestStep::FileCreation => ItemStep::FileCreate,
            MdtestStep::FileStat => ItemStep::FileStat,
            MdtestStep::FileRead => ItemStep::FileRead,
            MdtestStep::FileRemoval => ItemStep::FileRemove,
            MdtestStep::TreeCreation => ItemStep::TreeCreate,
            MdtestStep::TreeRemoval => ItemStep::TreeRemove,
        }
    }

    /// By how many strides (`-N`) a process is away from the one whose items it works on.
    pub(super) fn strides(self) -> u32 {
        match self {
            MdtestStep::DirectoryStat | MdtestStep::DirectoryRename | MdtestStep::FileStat => 1,
            MdtestStep::FileRead => 2,
            MdtestStep::DirectoryRemoval | MdtestStep::FileRemoval => 3,
            _ => 0,
        }
    }

    /// Whether it makes or removes the tree itself.
    pub(super) fn is_tree(self) -> bool {
        matches!(self, MdtestStep::TreeCreation | MdtestStep::TreeRemoval)
    }

    /// Whether it is about directories as items.
    pub(super) fn is_of_dirs(self) -> bool {
        matches!(
            self,
            MdtestStep::DirectoryCreation
                | MdtestStep::DirectoryStat
                | MdtestStep::DirectoryRename
                | MdtestStep::DirectoryRemoval
        )
    }

    /// Whether it makes items.
    pub(super) fn is_creation(self) -> bool {
        matches!(self, MdtestStep::DirectoryCreation | MdtestStep::FileCreation)
    }
}
