//! Directories in which something was lost that this client had answered for, and who has heard of it.
//!
//! Each open handle of a directory hears of it once. A name is made durable by whoever opens its directory
//! afterwards and syncs it, so a new handle hears of what nobody has been told, too; and what nobody is told
//! until the end is told then.

use std::collections::HashMap;
use std::sync::Arc;

use isobar_base::{Errno, Ino};
use parking_lot::Mutex;

use crate::errseq::{ErrorSequence, Seen};

/// Directories of untold losses that are remembered each by itself; of more it is known that there were.
const UNTOLD_MAX: usize = 4096;

/// All directories that are open here or have lost something.
#[derive(Debug, Default)]
pub(crate) struct Losses(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    directories: HashMap<Ino, Directory>,
    /// Something was lost in a directory that is not remembered.
    elsewhere: bool,
}

#[derive(Debug, Default)]
struct Directory {
    errors: Arc<ErrorSequence>,
    handles: usize,
}

/// What one handle of a directory has to hear.
#[derive(Debug)]
pub(crate) struct DirectoryErrors {
    errors: Arc<ErrorSequence>,
    seen: Seen,
}

impl DirectoryErrors {
    /// Whether something was lost that this handle has not heard of; it has then.
    ///
    /// # Errors
    /// Why.
    pub fn take(&self) -> Result<(), Errno> {
        self.errors.check_and_advance(&self.seen)
    }
}

impl Losses {
    /// A new handle of a directory. To be given up with [`Losses::closed`].
    pub fn open(&self, dir: Ino) -> DirectoryErrors {
        let mut known = self.0.lock();
        let directory = known.directories.entry(dir).or_default();
        directory.handles += 1;
        let errors = directory.errors.clone();
        DirectoryErrors { seen: errors.sample_told(), errors }
    }

    /// A handle of a directory is gone.
    pub fn closed(&self, dir: Ino) {
        let mut known = self.0.lock();
        if let Some(directory) = known.directories.get_mut(&dir) {
            directory.handles -= 1;
            if directory.handles == 0 && directory.errors.untold().is_none() {
                known.directories.remove(&dir);
            }
        }
    }

    /// Something answered for in the directory did not happen.
    pub fn lose(&self, dir: Ino) {
        let mut known = self.0.lock();
        if known.directories.len() >= UNTOLD_MAX && !known.directories.contains_key(&dir) {
            known.elsewhere = true;
            return;
        }
        known.directories.entry(dir).or_default().errors.fail(Errno::EIO);
    }

    /// Whether something was lost of which nobody has been told.
    ///
    /// # Errors
    /// Why.
    pub fn untold(&self) -> Result<(), Errno> {
        let known = self.0.lock();
        let untold = known.directories.values().find_map(|directory| directory.errors.untold());
        untold.or(known.elsewhere.then_some(Errno::EIO)).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIR: Ino = Ino(7);

    #[test]
    fn every_handle_of_a_directory_hears_once_of_what_was_lost_in_it() {
        let losses = Losses::default();
        let (one, two, other) = (losses.open(DIR), losses.open(DIR), losses.open(Ino(8)));
        losses.lose(DIR);
        assert_eq!((one.take(), one.take()), (Err(Errno::EIO), Ok(())));
        assert_eq!((two.take(), two.take()), (Err(Errno::EIO), Ok(())));
        assert_eq!(other.take(), Ok(()));
        assert_eq!(losses.open(DIR).take(), Ok(()), "it has been told before this one was opened");
    }

    #[test]
    fn what_nobody_was_told_is_told_to_the_next_handle_and_else_in_the_end() {
        let losses = Losses::default();
        losses.lose(DIR);
        assert_eq!(losses.untold(), Err(Errno::EIO));
        let handle = losses.open(DIR);
        assert_eq!(handle.take(), Err(Errno::EIO));
        assert_eq!(losses.untold(), Ok(()));
        losses.closed(DIR);
        assert!(losses.0.lock().directories.is_empty());
        (0..=UNTOLD_MAX as u64).for_each(|ino| losses.lose(Ino(ino)));
        assert_eq!(losses.0.lock().directories.len(), UNTOLD_MAX);
        for ino in 0..UNTOLD_MAX as u64 {
            losses.open(Ino(ino)).take().unwrap_err();
        }
        assert_eq!(losses.untold(), Err(Errno::EIO), "one more, of which nobody knows where");
    }
}
