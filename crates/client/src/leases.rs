//! Directories leased to this client: it answers for their names before the log has them.
//!
//! ```text
//! None --several changes in a row--> Asked --granted, known whole--> Active --wanted by others, or idle--> Ending --> None
//! ```
//! While a lease is asked for, operations on the directory wait, so that the names are known exactly as of the grant.
//! While some operation on the directory is under way that was not answered for (a rename, say), nothing is answered for:
//! its outcome is not known yet.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use isobar_base::{Ino, SessionId};
use isobar_wire::message::files::{Attr, Time};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// So many changes in a row make a client ask for the lease.
const CHANGES_IN_A_ROW: u32 = 3;
/// Changes further apart than this are not in a row.
const ROW_GAP: Duration = Duration::from_millis(500);
/// A lease that was given up or refused is not asked for again so soon.
const PAUSE: Duration = Duration::from_secs(1);
/// A lease not used for so long is given up.
const IDLE: Duration = Duration::from_secs(5);
/// Leases of one client at a time.
const LEASES_MAX: usize = 1024;
/// Directories remembered.
const DIRECTORIES_MAX: usize = 8192;

/// All directories this client changes.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    pub(crate) directories: Mutex<Directories>,
    /// Something may go on.
    pub(crate) changed: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct Directories {
    all: HashMap<Ino, Directory>,
    held: usize,
    /// Where something answered for was lost, not reported yet.
    lost: HashSet<Ino>,
}

#[derive(Debug)]
pub(crate) struct Directory {
    stage: Stage,
    /// Operations under way that were not answered for.
    in_flight: u32,
    in_a_row: u32,
    last: Instant,
    not_before: Option<Instant>,
}

#[derive(Debug)]
enum Stage {
    None,
    Asked,
    Active(Lease),
    Ending,
}

/// A lease in use.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Under which it was granted.
    pub(crate) session: SessionId,
    /// The directory, with what was answered for.
    pub(crate) dir: Attr,
    /// When its other attributes were asked for.
    pub(crate) asked: Instant,
    /// Free inode numbers.
    pub(crate) numbers: std::ops::Range<u64>,
    /// More numbers have been asked for.
    pub(crate) refilling: bool,
}

/// An operation under way that was not answered for; ends when dropped.
#[derive(Debug)]
pub(crate) struct Under<'a> {
    leases: &'a Leases,
    dirs: Vec<Ino>,
}

impl Leases {
    /// Begins an operation on the names of one or two directories that is waited for.
    pub async fn enter(&self, dirs: &[Ino]) -> Under<'_> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut directories = self.directories.lock();
                // Both at once: whoever asks for a lease waits for those who have entered.
                if dirs.iter().all(|&dir| !matches!(directories.get(dir).stage, Stage::Asked)) {
                    dirs.iter().for_each(|&dir| directories.get(dir).in_flight += 1);
                    return Under { leases: self, dirs: dirs.to_vec() };
                }
            }
            changed.await;
        }
    }

    /// Notes a change of a directory; true when its lease should be asked for, which begins hereby.
    pub fn note_change(&self, dir: Ino) -> bool {
        let mut directories = self.directories.lock();
        let few = directories.held < LEASES_MAX;
        let directory = directories.get(dir);
        let in_a_row = directory.last.elapsed() < ROW_GAP;
        directory.in_a_row = if in_a_row { directory.in_a_row + 1 } else { 1 };
        directory.last = Instant::now();
        let rested = directory.not_before.is_none_or(|at| at <= directory.last);
        let ask =
            few && rested && directory.in_a_row >= CHANGES_IN_A_ROW && matches!(directory.stage, Stage::None);
        if ask {
            directory.stage = Stage::Asked;
            directories.held += 1;
        }
        ask
    }

    /// Takes over what the cluster says of a leased directory. `keep` gets it with what was answered for since,
    /// before anything more is.
    pub fn refresh(&self, attr: Attr, asked: Instant, keep: impl FnOnce(Attr)) -> Option<Attr> {
        let mut directories = self.directories.lock();
        let lease = directories.lease(attr.ino)?;
        let known = lease.dir;
        let (mtime, ctime) = (attr.mtime.max(known.mtime), attr.ctime.max(known.ctime));
        lease.dir = Attr { size: known.size, mtime, ctime, ..attr };
        lease.asked = asked;
        keep(lease.dir);
        Some(lease.dir)
    }

    /// The cluster says this of a leased directory after an operation during which nothing was answered for.
    pub fn changed_to(&self, attr: Attr, asked: Instant, keep: impl FnOnce(Attr)) {
        if let Some(lease) = self.directories.lock().lease(attr.ino)
            && attr.version >= lease.dir.version
        {
            lease.dir = attr;
            lease.asked = asked;
            keep(attr);
        }
    }

    /// Waits until no operation on the directory is under way.
    pub async fn quiet(&self, dir: Ino) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.directories.lock().get(dir).in_flight == 0 {
                return;
            }
            changed.await;
        }
    }

    /// What was asked for is granted, or not.
    pub fn granted(&self, dir: Ino, lease: Option<Lease>) {
        {
            let mut directories = self.directories.lock();
            match lease {
                Some(lease) => directories.get(dir).stage = Stage::Active(lease),
                None => directories.end(dir),
            }
        }
        self.changed.notify_waiters();
    }

    /// The lease has ended.
    pub fn ended(&self, dir: Ino) {
        self.directories.lock().end(dir);
        self.changed.notify_waiters();
    }

    /// Leases that have not been used for a while.
    pub fn idle(&self) -> Vec<Ino> {
        let directories = self.directories.lock();
        let idle = |d: &Directory| matches!(d.stage, Stage::Active(_)) && d.last.elapsed() > IDLE;
        directories.all.iter().filter(|(_, d)| idle(d)).map(|(&dir, _)| dir).collect()
    }

    /// Whether there is any lease that others might want.
    pub fn any(&self) -> bool {
        self.directories.lock().held > 0
    }

    /// Leases of other sessions than this one are lost; gives their directories.
    pub fn lose_all_but(&self, session: SessionId) -> Vec<Ino> {
        let mut directories = self.directories.lock();
        let lost: Vec<Ino> = directories
            .all
            .iter()
            .filter(|(_, d)| matches!(&d.stage, Stage::Active(lease) if lease.session != session))
            .map(|(&dir, _)| dir)
            .collect();
        lost.iter().for_each(|&dir| directories.end(dir));
        lost
    }

    /// Something answered for in the directory did not happen.
    pub fn lose(&self, dir: Ino) {
        self.directories.lock().lost.insert(dir);
    }

    /// Whether something was lost in the directory since this was asked last.
    pub fn take_lost(&self, dir: Ino) -> bool {
        self.directories.lock().lost.remove(&dir)
    }
}

impl Lease {
    /// A name was added (1) or removed (-1) at `time`.
    pub fn names_changed(&mut self, by: i64, time: Time) {
        self.dir.size = self.dir.size.saturating_add_signed(by);
        self.dir.mtime = self.dir.mtime.max(time);
        self.dir.ctime = self.dir.ctime.max(time);
    }
}

impl Directories {
    fn get(&mut self, dir: Ino) -> &mut Directory {
        if self.all.len() >= DIRECTORIES_MAX && !self.all.contains_key(&dir) {
            self.all.retain(|_, d| d.in_flight > 0 || !matches!(d.stage, Stage::None));
        }
        self.all.entry(dir).or_insert_with(|| Directory {
            stage: Stage::None,
            in_flight: 0,
            in_a_row: 0,
            last: Instant::now(),
            not_before: None,
        })
    }

    fn end(&mut self, dir: Ino) {
        let directory = self.get(dir);
        directory.not_before = Some(Instant::now() + PAUSE);
        directory.in_a_row = 0;
        if !matches!(std::mem::replace(&mut directory.stage, Stage::None), Stage::None) {
            self.held -= 1;
        }
    }

    /// The lease of a directory, if this client may answer for changes of its names now.
    pub fn usable(&mut self, dir: Ino, session: SessionId) -> Option<&mut Lease> {
        let directory = self.all.get_mut(&dir).filter(|d| d.in_flight == 0)?;
        match &mut directory.stage {
            Stage::Active(lease) if lease.session == session => {
                directory.last = Instant::now();
                Some(lease)
            }
            _ => None,
        }
    }

    /// The lease of a directory.
    pub fn lease(&mut self, dir: Ino) -> Option<&mut Lease> {
        match &mut self.all.get_mut(&dir)?.stage {
            Stage::Active(lease) => Some(lease),
            _ => None,
        }
    }

    /// Ends the use of a lease that is to be given up; gives its session.
    pub fn begin_ending(&mut self, dir: Ino) -> Option<SessionId> {
        let session = self.lease(dir)?.session;
        self.get(dir).stage = Stage::Ending;
        Some(session)
    }
}

impl Drop for Under<'_> {
    fn drop(&mut self) {
        {
            let mut directories = self.leases.directories.lock();
            self.dirs.iter().for_each(|&dir| directories.get(dir).in_flight -= 1);
        }
        self.leases.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use isobar_wire::message::files::FileKind;

    const DIR: Ino = Ino(7);
    const SESSION: SessionId = SessionId(3);

    #[tokio::test]
    async fn a_lease_is_asked_for_after_changes_in_a_row_and_used_while_nothing_else_is_under_way() {
        let leases = Leases::default();
        assert!(!leases.note_change(DIR));
        assert!(!leases.note_change(DIR));
        assert!(leases.note_change(DIR));
        assert!(!leases.note_change(DIR), "asked for once");
        assert!(leases.directories.lock().usable(DIR, SESSION).is_none());
        let attr = Attr {
            ino: DIR,
            kind: FileKind::Directory,
            mode: 0o755,
            nlink: 2,
            uid: 0,
            gid: 0,
            rdev: 0,
            size: 3,
            allocated_bytes: 0,
            atime: Time::default(),
            mtime: Time::default(),
            ctime: Time::default(),
            incarnation: 1,
            version: 9,
            data_version: 9,
        };
        let lease =
            Lease { session: SESSION, dir: attr, asked: Instant::now(), numbers: 1..9, refilling: false };
        leases.granted(DIR, Some(lease));
        assert!(leases.directories.lock().usable(DIR, SESSION).is_some());
        assert!(leases.directories.lock().usable(DIR, SessionId(4)).is_none(), "another session");
        let under = leases.enter(&[DIR]).await;
        assert!(leases.directories.lock().usable(DIR, SESSION).is_none());
        drop(under);
        assert!(leases.directories.lock().usable(DIR, SESSION).is_some());
        assert_eq!(leases.directories.lock().begin_ending(DIR), Some(SESSION));
        assert!(leases.directories.lock().usable(DIR, SESSION).is_none());
        leases.ended(DIR);
        assert!((0..5).all(|_| !leases.note_change(DIR)), "not again at once");
        assert!(!leases.any());
    }

    #[tokio::test]
    async fn operations_wait_while_a_lease_is_asked_for() {
        let leases = Leases::default();
        while !leases.note_change(DIR) {}
        let entering = leases.enter(&[DIR]);
        tokio::pin!(entering);
        tokio::select! {
            biased;
            _ = &mut entering => panic!("did not wait"),
            () = tokio::task::yield_now() => {}
        }
        leases.granted(DIR, None);
        drop(entering.await);
        leases.quiet(DIR).await;
    }
}
