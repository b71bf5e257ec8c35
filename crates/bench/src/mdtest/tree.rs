//! The tree of directories that holds mdtest's items.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A tree of directories, numbered level by level: the children of directory d are b·d+1 … b·d+b.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Name of its directories, before a dot and their number.
    pub base: String,
    /// Children of every directory that is not a leaf (`-b`).
    pub branch: u64,
    /// Levels below the first directory (`-z`).
    pub depth: u32,
    /// Items in every directory that has any.
    pub items_per_dir: u64,
    /// Only leaves have items (`-L`).
    pub leaf_only: bool,
}

impl Tree {
    /// How many directories.
    pub fn len(&self) -> u64 {
        (0..=self.depth).map(|level| self.branch.saturating_pow(level)).fold(0, u64::saturating_add)
    }

    /// Never: there is at least one directory.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// How many of them hold items.
    pub fn len_with_items(&self) -> u64 {
        if self.leaf_only { self.branch.saturating_pow(self.depth) } else { self.len() }
    }

    /// Paths of all directories, parents before children.
    pub fn dirs(&self) -> Vec<PathBuf> {
        let mut dirs: Vec<PathBuf> = Vec::new();
        for number in 0..self.len() {
            let name = format!("{}.{number}", self.base);
            let path = match number {
                0 => PathBuf::from(name),
                _ => dirs[((number - 1) / self.branch) as usize].join(name),
            };
            dirs.push(path);
        }
        dirs
    }

    /// Which of [`Tree::dirs`] holds the item with this number.
    pub fn dir_of(&self, item: u64) -> usize {
        (self.len() - self.len_with_items() + item / self.items_per_dir.max(1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(branch: u64, depth: u32, leaf_only: bool) -> Tree {
        Tree { base: "t".to_owned(), branch, depth, items_per_dir: 5, leaf_only }
    }

    #[test]
    fn parents_come_before_children() {
        let dirs: Vec<String> = tree(2, 2, false).dirs().iter().map(|d| d.display().to_string()).collect();
        assert_eq!(
            dirs,
            ["t.0", "t.0/t.1", "t.0/t.2", "t.0/t.1/t.3", "t.0/t.1/t.4", "t.0/t.2/t.5", "t.0/t.2/t.6"]
        );
        assert_eq!(tree(1, 3, false).dirs().last(), Some(&PathBuf::from("t.0/t.1/t.2/t.3")));
        assert_eq!(tree(1, 0, false).len(), 1);
    }

    #[test]
    fn items_fill_one_directory_after_the_other() {
        let all = tree(2, 1, false);
        assert_eq!((all.len(), all.len_with_items()), (3, 3));
        assert_eq!([0, 4, 5, 14].map(|item| all.dir_of(item)), [0, 0, 1, 2]);
        let leaves = tree(3, 1, true);
        assert_eq!(leaves.len_with_items(), 3);
        assert_eq!([0, 5, 14].map(|item| leaves.dir_of(item)), [1, 2, 3]);
    }
}
