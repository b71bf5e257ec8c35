//! When what is dirty is written back though nobody waits for it.

use super::commit::Freeze;
use super::files::{Files, WRITE_BACK_AFTER};

impl Files {
    /// Commits what has been dirty for long; everything when `all`.
    pub async fn write_back_old(&self, all: bool) {
        let inodes: Vec<_> = self.inodes.lock().values().cloned().collect();
        let mut writing = tokio::task::JoinSet::new();
        for inode in inodes {
            let due = {
                let state = inode.state.lock();
                let old = state.dirty_since.is_some_and(|since| since.elapsed() >= WRITE_BACK_AFTER);
                (old || all) && !state.is_clean()
            };
            if due {
                let this = self.clone();
                writing.spawn(async move { this.write_back(&inode).await });
            }
        }
        while writing.join_next().await.is_some() {}
    }

    /// Starts writing back everything, because memory is short.
    pub fn write_back_under_pressure(&self) {
        let inodes: Vec<_> = self.inodes.lock().values().cloned().collect();
        for inode in inodes {
            if !inode.state.lock().is_clean() {
                self.freeze(&inode, Freeze::All);
                let this = self.clone();
                self.runtime.spawn(async move { this.commit_ready(&inode).await });
            }
        }
    }
}
