//! When what is dirty is written back though nobody waits for it.

use isobar_base::Errno;

use super::commit::Freeze;
use super::files::{Files, WRITE_BACK_AFTER};
use super::inode::State;

impl Files {
    /// Starts writing back what has been dirty for long. No file waits for another.
    pub fn write_back_old(&self) {
        self.start_write_back(|state| state.dirty_since.is_some_and(|at| at.elapsed() >= WRITE_BACK_AFTER));
    }

    /// Starts writing back everything, because memory is short; unless most of what fills it is on its way
    /// already: what is then waited for makes room, and few bytes make a poor segment.
    pub fn write_back_under_pressure(&self) {
        let waiting = |state: &State| state.dirty_reservation.bytes() + state.append_reservation.bytes();
        let bytes: usize = self.all().iter().map(|inode| waiting(&inode.state.lock())).sum();
        if bytes >= self.budget.bytes_max() / 4 {
            self.start_write_back(|state| state.dirty_since.is_some());
        }
    }

    fn start_write_back(&self, is_due: impl Fn(&State) -> bool) {
        for inode in self.all() {
            let due = is_due(&inode.state.lock());
            if due {
                self.freeze(&inode, Freeze::All);
                self.spawn_commit(&inode);
            }
        }
    }

    /// Commits everything.
    ///
    /// # Errors
    /// `EIO` when nobody takes it at the moment.
    pub async fn write_back_all(&self) -> Result<(), Errno> {
        let mut writing = tokio::task::JoinSet::new();
        for inode in self.all() {
            let this = self.clone();
            writing.spawn(async move { this.write_back(&inode).await });
        }
        let mut outcome = Ok(());
        while let Some(written) = writing.join_next().await {
            outcome = outcome.and(written.unwrap_or(Err(Errno::EIO)));
        }
        outcome
    }
}
