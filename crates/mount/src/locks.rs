//! fcntl and flock locks: which of the two is meant, and how waiting ends.
//!
//! **Which of the two.** The kernel says it in a flag that fuser 0.18 does not pass on. A lock of less
//! than the whole file is fcntl's. For a whole one the answer is in `/proc/THREAD/syscall`: the system
//! call the caller is in right now. Where that cannot be read (mounted without root under Yama), the
//! lock is taken in both families: too much is excluded then, never too little.
//!
//! **How waiting ends.** The kernel's interrupts do not arrive (see [`crate::caller`]). So between the
//! attempts to get a lock the caller is examined: when it has a signal to act on, the wait ends with EINTR
//! (which the kernel turns into a restart where the handler asks for that). A caller that cannot be examined,
//! because it is in another PID namespace than the mount, gets ENOLCK after a while.

use std::time::Instant;

use isobar_base::{Errno, SessionId};
use isobar_client::{Lock, LockFamily, LockKind};
use isobar_vfs::Vfs;

use crate::caller::{signals, system_call};
use crate::handles::File;

/// The kernel's end of a lock that reaches to the end of the file.
const KERNEL_END_MAX: u64 = i64::MAX.unsigned_abs();

/// What setlk is asked for, as the kernel puts it.
#[derive(Clone, Copy, Debug)]
pub struct LockRequest {
    /// First byte.
    pub start: u64,
    /// Last byte.
    pub end: u64,
    /// F_RDLCK, F_WRLCK or F_UNLCK.
    pub typ: i32,
    /// The kernel's name of the owner.
    pub owner: u64,
    /// Process id for F_GETLK.
    pub pid: u32,
}

/// Which families a request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meant {
    /// This one.
    One(LockFamily),
    /// It cannot be seen.
    Unknown,
}

impl LockRequest {
    /// The lock in the cluster's words.
    pub fn lock(&self, family: LockFamily) -> Result<Lock, Errno> {
        let kind = match self.typ {
            libc::F_RDLCK => LockKind::Read,
            libc::F_WRLCK => LockKind::Write,
            libc::F_UNLCK => LockKind::Unlock,
            _ => return Err(Errno::EINVAL),
        };
        Ok(Lock {
            family,
            kind,
            start: self.start,
            end: if self.end >= KERNEL_END_MAX { u64::MAX } else { self.end },
            session: SessionId::NOBODY,
            owner: self.owner,
            pid: self.pid,
        })
    }

    fn is_whole_file(&self) -> bool {
        self.start == 0 && self.end >= KERNEL_END_MAX
    }
}

/// A lock in the kernel's words: start, end, type, process.
pub fn for_kernel(lock: &Lock) -> (u64, u64, i32, u32) {
    let typ = match lock.kind {
        LockKind::Read => libc::F_RDLCK,
        LockKind::Write => libc::F_WRLCK,
        LockKind::Unlock => libc::F_UNLCK,
    };
    let end = lock.end.min(KERNEL_END_MAX);
    (lock.start.min(KERNEL_END_MAX), end, typ, lock.pid)
}

/// Takes, changes or gives up a lock for thread `caller`.
pub async fn set(vfs: &Vfs, file: &File, asked: LockRequest, wait: bool, caller: u32) -> Result<(), Errno> {
    if asked.typ == libc::F_UNLCK {
        // The owners of the two families are different, so giving up all is giving up the right one.
        return if asked.is_whole_file() {
            vfs.unlock_all(file.open.ino, asked.owner).await
        } else {
            let lock = asked.lock(LockFamily::Posix)?;
            vfs.lock(file.open.ino, lock).await
        };
    }
    let meant =
        if asked.is_whole_file() { family_of_caller(caller).await } else { Meant::One(LockFamily::Posix) };
    file.note_lock(asked.owner);
    match meant {
        Meant::One(family) => acquire(vfs, file, asked.lock(family)?, wait, caller).await,
        Meant::Unknown => {
            let flock = asked.lock(LockFamily::Flock)?;
            let posix = asked.lock(LockFamily::Posix)?;
            acquire(vfs, file, flock, wait, caller).await?;
            let second = acquire(vfs, file, posix, wait, caller).await;
            if second.is_err() {
                let undo = Lock { kind: LockKind::Unlock, ..flock };
                vfs.lock(file.open.ino, undo).await?;
            }
            second
        }
    }
}

async fn acquire(vfs: &Vfs, file: &File, lock: Lock, wait: bool, caller: u32) -> Result<(), Errno> {
    match wait {
        true => {
            let (begun, patience) = (Instant::now(), vfs.client().cluster().patience());
            let must_stop = || reason_to_stop(caller, begun.elapsed() > patience);
            vfs.lock_waiting(file.open.ino, lock, must_stop).await
        }
        false => vfs.lock(file.open.ino, lock).await,
    }
}

/// Which family a lock of a whole file is for, by what thread `thread` is doing.
pub async fn family_of_caller(thread: u32) -> Meant {
    system_call(thread).await.map_or(Meant::Unknown, family_of_syscall)
}

fn family_of_syscall(number: i64) -> Meant {
    /// flock(2) of 32-bit x86 and ARM programs; no call of 64-bit ones with this number takes locks.
    const FLOCK_32_BIT: i64 = 143;
    match number {
        libc::SYS_flock | FLOCK_32_BIT => Meant::One(LockFamily::Flock),
        0.. => Meant::One(LockFamily::Posix),
        _ => Meant::Unknown,
    }
}

/// Why a thread that waits for a lock is to wait no longer: it is gone or has a signal to act on. One of
/// another PID namespace cannot be examined, and nothing but an answer would let it die: it waits as long as
/// calls wait for the cluster. An EINTR without a signal would reach it as no error that it knows.
pub fn reason_to_stop(thread: u32, is_long: bool) -> Option<Errno> {
    if thread == 0 {
        return is_long.then_some(Errno::ENOLCK);
    }
    let stop = match std::fs::read_to_string(format!("/proc/{thread}/status")) {
        Ok(status) => has_signal(&status),
        Err(e) => e.kind() == std::io::ErrorKind::NotFound,
    };
    stop.then_some(Errno::EINTR)
}

fn has_signal(status: &str) -> bool {
    let mask = |name: &str| signals(status, name);
    (mask("SigPnd:") | mask("ShdPnd:")) & !mask("SigBlk:") & !mask("SigIgn:") != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(start: u64, end: u64, typ: i32) -> LockRequest {
        LockRequest { start, end, typ, owner: 7, pid: 8 }
    }

    #[test]
    fn locks_keep_their_range_both_ways() {
        let whole = asked(0, KERNEL_END_MAX, libc::F_WRLCK);
        assert!(whole.is_whole_file());
        let lock = whole.lock(LockFamily::Posix).unwrap();
        assert_eq!((lock.start, lock.end), (0, u64::MAX));
        assert_eq!(lock.kind, LockKind::Write);
        assert_eq!(for_kernel(&lock), (0, KERNEL_END_MAX, libc::F_WRLCK, 8));

        let part = asked(10, 19, libc::F_RDLCK);
        assert!(!part.is_whole_file());
        let lock = part.lock(LockFamily::Posix).unwrap();
        assert_eq!((lock.start, lock.end, lock.kind), (10, 19, LockKind::Read));
        assert_eq!(for_kernel(&lock), (10, 19, libc::F_RDLCK, 8));
        assert_eq!(asked(0, 1, 99).lock(LockFamily::Posix), Err(Errno::EINVAL));
    }

    #[test]
    fn the_system_call_tells_the_family() {
        assert_eq!(family_of_syscall(libc::SYS_flock), Meant::One(LockFamily::Flock));
        assert_eq!(family_of_syscall(libc::SYS_fcntl), Meant::One(LockFamily::Posix));
        assert_eq!(family_of_syscall(-1), Meant::Unknown);
    }

    #[test]
    fn only_signals_that_act_end_a_wait() {
        let status = |pending: u64, shared: u64, blocked: u64, ignored: u64| {
            format!(
                "Name:\tx\nSigPnd:\t{pending:016x}\nShdPnd:\t{shared:016x}\nSigBlk:\t{blocked:016x}\nSigIgn:\t{ignored:016x}\n"
            )
        };
        assert!(!has_signal(&status(0, 0, 0, 0)));
        assert!(has_signal(&status(0x100, 0, 0, 0)));
        assert!(has_signal(&status(0, 0x4000, 0, 0)));
        assert!(!has_signal(&status(0, 0x4000, 0x4000, 0)));
        assert!(!has_signal(&status(0x2, 0, 0, 0x2)));
    }

    #[test]
    fn whoever_cannot_be_examined_does_not_wait_for_ever() {
        assert_eq!(reason_to_stop(u32::MAX, false), Some(Errno::EINTR), "it is gone");
        assert_eq!(reason_to_stop(std::process::id(), true), None);
        assert_eq!(reason_to_stop(0, false), None);
        assert_eq!(reason_to_stop(0, true), Some(Errno::ENOLCK));
    }
}
