//! Whose turn it is to do something to a cluster, in this process and all others.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::ProviderError;

/// Whether the caller of something still waits for it.
pub(super) struct Caller(Arc<AtomicBool>);

/// Says that nobody waits any more.
struct Waits(Arc<AtomicBool>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Does something that blocks, on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    does: impl FnOnce(&Caller) -> Result<T, ProviderError> + Send + 'static,
) -> Result<T, ProviderError> {
    let gone = Arc::new(AtomicBool::new(false));
    let (caller, _waits) = (Caller(gone.clone()), Waits(gone));
    let done = tokio::task::spawn_blocking(move || does(&caller)).await;
    done.unwrap_or_else(|error| Err(ProviderError::retry(error)))
}

/// A turn, until it is dropped.
pub(super) struct Turn {
    root: PathBuf,
    cluster: String,
    _lock: File,
}

fn lock_file(root: &Path, cluster: &str) -> PathBuf {
    root.join(format!("{cluster}.lock"))
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Where nothing is there of the cluster, neither is its lock; others find that theirs is another one.
        if !self.root.join(&self.cluster).exists() {
            std::fs::remove_file(lock_file(&self.root, &self.cluster)).ok();
        }
    }
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> ProviderError + '_ {
    move |error| ProviderError::retry(format!("cannot lock {}: {error}", path.display()))
}

impl Turn {
    /// Waits for a turn. A caller who has gone meanwhile gets none: somebody else goes on in its place.
    pub(super) fn wait(root: &Path, cluster: &str, caller: &Caller) -> Result<Turn, ProviderError> {
        let path = lock_file(root, cluster);
        loop {
            let file = File::options().create(true).truncate(false).write(true).open(&path);
            let lock = file.map_err(failed(&path))?;
            lock.lock().map_err(failed(&path))?;
            // Whoever had it before may have taken the file away: then others have a lock on another one.
            let inode = lock.metadata().map_err(failed(&path))?.ino();
            if std::fs::metadata(&path).is_ok_and(|there| there.ino() == inode) {
                let turn = Turn { root: root.to_owned(), cluster: cluster.to_owned(), _lock: lock };
                return match caller.0.load(Ordering::SeqCst) {
                    true => Err(ProviderError::retry("nobody waits for it any more")),
                    false => Ok(turn),
                };
            }
        }
    }
}
