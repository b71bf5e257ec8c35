//! Paths whose directory is gone.
//!
//! The kernel may lead a request to a directory that another mount has removed. It is answered ESTALE: the
//! kernel then walks the path again and asks for every name, so that a directory that was made anew under the
//! same name is found. When the same thread comes to the same directory once more, the walk did not help (it
//! began there: a working directory, the `dirfd` of openat): such a path does not exist, and POSIX says
//! ENOENT.
//!
//! Calls that make anything but a file do not walk again when the *last* name of their path is looked up and
//! answered ESTALE, but do when making it is. So the lookup is told that there is no such name, and what is
//! to be made is then refused as above.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use isobar_base::{Errno, Ino};
use parking_lot::Mutex;

/// The kernel walks again at once; later, the same thread asks for something else.
const WALKED_AGAIN_WITHIN: Duration = Duration::from_secs(5);
/// Threads remembered; beyond, those that have come back or gone on are forgotten.
const THREADS_MAX: usize = 4096;

/// Who was sent to walk a path again.
#[derive(Debug, Default)]
pub struct GoneDirectories(Mutex<HashMap<u32, (Ino, Instant)>>);

impl GoneDirectories {
    /// What thread `caller` is told when its request about names of `dirs` was refused with `errno`.
    pub fn answer(&self, caller: u32, dirs: &[Ino], errno: Errno) -> Errno {
        if errno != Errno::ESTALE {
            return errno;
        }
        let mut sent = self.0.lock();
        match sent.get(&caller) {
            // One call may ask several times: for the name first, then to make it.
            Some((dir, at)) if dirs.contains(dir) && at.elapsed() < WALKED_AGAIN_WITHIN => Errno::ENOENT,
            _ => {
                if sent.len() >= THREADS_MAX {
                    sent.retain(|_, (_, at)| at.elapsed() < WALKED_AGAIN_WITHIN);
                }
                if let Some(&dir) = dirs.first()
                    && (sent.len() < THREADS_MAX || sent.contains_key(&caller))
                {
                    sent.insert(caller, (dir, Instant::now()));
                }
                errno
            }
        }
    }
}

/// Whether a system call walks its path again when making the last name is answered ESTALE, and not when
/// looking it up is.
pub fn walks_again_only_when_made(system_call: i64) -> bool {
    const AT: [i64; 4] = [libc::SYS_mkdirat, libc::SYS_mknodat, libc::SYS_symlinkat, libc::SYS_linkat];
    #[cfg(target_arch = "x86_64")]
    const OLD: [i64; 4] = [libc::SYS_mkdir, libc::SYS_mknod, libc::SYS_symlink, libc::SYS_link];
    #[cfg(not(target_arch = "x86_64"))]
    const OLD: [i64; 0] = [];
    AT.contains(&system_call) || OLD.contains(&system_call)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIR: Ino = Ino(7);

    #[test]
    fn a_thread_that_was_sent_to_walk_again_and_comes_back_hears_that_there_is_no_such_path() {
        let gone = GoneDirectories::default();
        assert_eq!(gone.answer(1, &[DIR], Errno::ESTALE), Errno::ESTALE);
        assert_eq!(gone.answer(2, &[DIR], Errno::ESTALE), Errno::ESTALE, "another thread has not walked yet");
        assert_eq!(gone.answer(1, &[Ino(9), DIR], Errno::ESTALE), Errno::ENOENT);
        assert_eq!(gone.answer(1, &[DIR], Errno::ESTALE), Errno::ENOENT, "the same call may ask for more");
        assert_eq!(gone.answer(1, &[Ino(9)], Errno::ESTALE), Errno::ESTALE, "another directory");
    }

    #[test]
    fn who_makes_a_directory_walks_again_only_when_it_is_made() {
        assert!(walks_again_only_when_made(libc::SYS_mkdirat));
        assert!(walks_again_only_when_made(libc::SYS_symlinkat));
        assert!(!walks_again_only_when_made(libc::SYS_openat), "opening walks again always");
        assert!(!walks_again_only_when_made(libc::SYS_renameat2));
        assert!(!walks_again_only_when_made(libc::SYS_unlinkat));
    }

    #[test]
    fn what_else_goes_wrong_is_told_as_it_is() {
        let gone = GoneDirectories::default();
        assert_eq!(gone.answer(1, &[DIR], Errno::ESTALE), Errno::ESTALE);
        assert_eq!(gone.answer(1, &[DIR], Errno::EACCES), Errno::EACCES);
        assert_eq!(gone.answer(1, &[DIR], Errno::ESTALE), Errno::ENOENT);
    }
}
