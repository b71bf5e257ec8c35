//! Directories delegated to this client: it answers for their names before the log has them.
//!
//! ```text
//! None ─ changes in a row ─► Requested ─ granted, all names known ─► Held ─ recalled or idle ─► Returning
//!   ▲                                                                                           │
//!   └───────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! While a delegation is asked for, operations on the directory wait, so that the names are known exactly as
//! of the grant. While some operation on the directory is under way that was not answered for (a rename,
//! say), nothing is answered for: its outcome is not known yet.
//!
//! **Deadline (I10).** A delegation is good for [`limits::DELEGATION_VALID_MS`] from when the last question
//! was *sent* whose answer said that it is still held, by a clock that also runs while the machine sleeps.
//! Beyond that, operations go to the log and names are asked for, as if there were none; the next answer
//! makes it good again, or says that it is lost.

use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use isobar_base::{Ino, SessionId, limits};
use isobar_cluster::{BootTime, wait_until};
use isobar_wire::message::files::{Attr, Time};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

/// So many changes in a row make a client ask for the delegation.
const CHANGES_IN_A_ROW: u32 = 3;
/// Changes further apart than this are not in a row.
const ROW_GAP: Duration = Duration::from_millis(500);
/// A delegation that was given up or refused is not asked for again so soon.
const PAUSE: Duration = Duration::from_secs(1);
/// A delegation not used for so long is given up.
const IDLE: Duration = Duration::from_secs(5);
/// How long after the last question that was answered this client answers for a directory.
const VALID: Duration = Duration::from_millis(limits::DELEGATION_VALID_MS);
/// So few inode numbers left: more are asked for.
const NUMBERS_LOW: u64 = limits::PREALLOCATED_INODES / 4;
/// Directories remembered.
const DIRECTORIES_MAX: usize = 8192;

/// All directories this client changes.
#[derive(Debug, Default)]
pub(crate) struct Delegations {
    directories: Mutex<Directories>,
    /// Something may go on.
    changed: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct Directories {
    all: HashMap<Ino, Directory>,
    held: usize,
}

#[derive(Debug)]
pub(crate) struct Directory {
    phase: Phase,
    /// Operations under way that were not answered for.
    in_flight: u32,
    in_a_row: u32,
    last: Instant,
    not_before: Option<Instant>,
}

#[derive(Debug)]
enum Phase {
    None,
    Requested,
    Held(Delegation),
    Returning,
}

/// A delegation in use.
#[derive(Debug)]
pub(crate) struct Delegation {
    /// The session to which it was granted.
    pub(crate) session: SessionId,
    /// The directory, with what was answered for.
    pub(crate) dir: Attr,
    /// When its other attributes were asked for.
    pub(crate) asked: BootTime,
    /// When the last question was sent whose answer said that it is still held.
    pub(crate) confirmed: BootTime,
    /// Free inode numbers.
    pub(crate) numbers: Range<u64>,
    /// More numbers have been asked for.
    pub(crate) refilling: bool,
}

/// An operation under way that was not answered for; ends when dropped.
#[derive(Debug)]
pub(crate) struct NamespaceOpGuard<'a> {
    delegations: &'a Delegations,
    dirs: Vec<Ino>,
}

impl Delegations {
    /// Begins an operation on the names of one or two directories that is waited for.
    pub async fn enter(&self, dirs: &[Ino]) -> NamespaceOpGuard<'_> {
        let begin = || {
            let mut directories = self.directories.lock();
            // Both at once: whoever asks for a delegation waits for those who have entered.
            let free = dirs.iter().all(|&dir| !matches!(directories.get(dir).phase, Phase::Requested));
            if free {
                dirs.iter().for_each(|&dir| directories.get(dir).in_flight += 1);
            }
            free.then(|| NamespaceOpGuard { delegations: self, dirs: dirs.to_vec() })
        };
        wait_until(&self.changed, begin).await
    }

    /// The directories, for whoever answers for one of them: operations are sent while this is held.
    pub fn lock(&self) -> MutexGuard<'_, Directories> {
        self.directories.lock()
    }

    /// Waits for a change.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Notes a change of a directory; true when its delegation should be asked for, which begins hereby.
    pub fn note_change(&self, dir: Ino) -> bool {
        let mut directories = self.directories.lock();
        let few = directories.held < limits::DELEGATIONS_MAX;
        let directory = directories.get(dir);
        let in_a_row = directory.last.elapsed() < ROW_GAP;
        directory.in_a_row = if in_a_row { directory.in_a_row + 1 } else { 1 };
        directory.last = Instant::now();
        let rested = directory.not_before.is_none_or(|at| at <= directory.last);
        let ask =
            few && rested && directory.in_a_row >= CHANGES_IN_A_ROW && matches!(directory.phase, Phase::None);
        if ask {
            directory.phase = Phase::Requested;
            directories.held += 1;
        }
        ask
    }

    /// Takes over what the cluster says of a delegated directory. `keep` gets it with what was answered for
    /// since, before anything more is.
    pub fn refresh(&self, attr: Attr, asked: BootTime, keep: impl FnOnce(Attr)) -> Option<Attr> {
        let mut directories = self.directories.lock();
        let delegation = directories.delegation(attr.ino)?;
        let known = delegation.dir;
        let (mtime, ctime) = (attr.mtime.max(known.mtime), attr.ctime.max(known.ctime));
        delegation.dir = Attr { size: known.size, mtime, ctime, ..attr };
        delegation.asked = asked;
        keep(delegation.dir);
        Some(delegation.dir)
    }

    /// The cluster says this of a delegated directory after an operation during which nothing was answered
    /// for.
    pub fn changed_to(&self, attr: Attr, asked: BootTime, keep: impl FnOnce(Attr)) {
        if let Some(delegation) = self.directories.lock().delegation(attr.ino)
            && attr.version >= delegation.dir.version
        {
            delegation.dir = attr;
            delegation.asked = asked;
            keep(attr);
        }
    }

    /// Waits until no operation on the directory is under way.
    pub async fn quiet(&self, dir: Ino) {
        let quiet = || (self.directories.lock().get(dir).in_flight == 0).then_some(());
        wait_until(&self.changed, quiet).await;
    }

    /// More inode numbers have come, or not.
    pub fn refilled(&self, dir: Ino, numbers: Option<Range<u64>>) {
        if let Some(delegation) = self.directories.lock().delegation(dir) {
            delegation.refilling = false;
            if let Some(numbers) = numbers {
                delegation.numbers = numbers;
            }
        }
    }

    /// What was asked for is granted, or not.
    pub fn granted(&self, dir: Ino, delegation: Option<Delegation>) {
        {
            let mut directories = self.directories.lock();
            match delegation {
                Some(delegation) => directories.get(dir).phase = Phase::Held(delegation),
                None => directories.end(dir),
            }
        }
        self.changed.notify_waiters();
    }

    /// The delegation has ended.
    pub fn ended(&self, dir: Ino) {
        self.directories.lock().end(dir);
        self.changed.notify_waiters();
    }

    /// Delegations that have not been used for a while.
    pub fn idle(&self) -> Vec<Ino> {
        let directories = self.directories.lock();
        let idle = |d: &Directory| matches!(d.phase, Phase::Held(_)) && d.last.elapsed() > IDLE;
        directories.all.iter().filter(|(_, d)| idle(d)).map(|(&dir, _)| dir).collect()
    }

    /// The directories of all delegations in use.
    pub fn held(&self) -> Vec<Ino> {
        let directories = self.directories.lock();
        let is_held = |d: &Directory| matches!(d.phase, Phase::Held(_));
        directories.all.iter().filter(|(_, d)| is_held(d)).map(|(&dir, _)| dir).collect()
    }

    /// A question sent at `sent` was answered: these are still delegated to this client.
    pub fn confirmed(&self, dirs: &[Ino], sent: BootTime) {
        let mut directories = self.directories.lock();
        for &dir in dirs {
            if let Some(delegation) = directories.delegation(dir) {
                delegation.confirmed = delegation.confirmed.max(sent);
            }
        }
    }

    /// Whether there is any delegation that others might want.
    pub fn any(&self) -> bool {
        self.directories.lock().held > 0
    }

    /// Delegations of other sessions than this one are lost; gives their directories.
    pub fn lose_all_but(&self, session: SessionId) -> Vec<Ino> {
        let mut directories = self.directories.lock();
        let lost: Vec<Ino> = directories
            .all
            .iter()
            .filter(|(_, d)| matches!(&d.phase, Phase::Held(delegation) if delegation.session != session))
            .map(|(&dir, _)| dir)
            .collect();
        lost.iter().for_each(|&dir| directories.end(dir));
        lost
    }
}

impl Delegation {
    /// Whether this client may answer for the directory now: nobody else can have been given it yet.
    pub fn is_valid(&self) -> bool {
        self.confirmed.elapsed() < VALID
    }

    /// The next free inode number.
    pub fn next_ino(&mut self) -> Option<Ino> {
        self.numbers.next().map(Ino)
    }

    /// True when more numbers should be asked for, which begins hereby.
    pub fn begin_refill(&mut self) -> bool {
        let begin = self.numbers.end - self.numbers.start < NUMBERS_LOW && !self.refilling;
        self.refilling |= begin;
        begin
    }

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
            self.all.retain(|_, d| d.in_flight > 0 || !matches!(d.phase, Phase::None));
        }
        self.all.entry(dir).or_insert_with(|| Directory {
            phase: Phase::None,
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
        if !matches!(std::mem::replace(&mut directory.phase, Phase::None), Phase::None) {
            self.held -= 1;
        }
    }

    /// The delegation of a directory, if this client may answer for changes of its names now.
    pub fn usable(&mut self, dir: Ino, session: SessionId) -> Option<&mut Delegation> {
        let directory = self.all.get_mut(&dir).filter(|d| d.in_flight == 0)?;
        match &mut directory.phase {
            Phase::Held(delegation) if delegation.session == session && delegation.is_valid() => {
                directory.last = Instant::now();
                Some(delegation)
            }
            _ => None,
        }
    }

    /// The delegation of a directory.
    pub fn delegation(&mut self, dir: Ino) -> Option<&mut Delegation> {
        match &mut self.all.get_mut(&dir)?.phase {
            Phase::Held(delegation) => Some(delegation),
            _ => None,
        }
    }

    /// Ends the use of a delegation that is to be given up; gives its session.
    pub fn begin_returning(&mut self, dir: Ino) -> Option<SessionId> {
        let session = self.delegation(dir)?.session;
        self.get(dir).phase = Phase::Returning;
        Some(session)
    }
}

impl Drop for NamespaceOpGuard<'_> {
    fn drop(&mut self) {
        {
            let mut directories = self.delegations.directories.lock();
            self.dirs.iter().for_each(|&dir| directories.get(dir).in_flight -= 1);
        }
        self.delegations.changed.notify_waiters();
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
        let delegations = Delegations::default();
        assert!(!delegations.note_change(DIR));
        assert!(!delegations.note_change(DIR));
        assert!(delegations.note_change(DIR));
        assert!(!delegations.note_change(DIR), "asked for once");
        assert!(delegations.directories.lock().usable(DIR, SESSION).is_none());
        let attr = Attr { size: 3, ..Attr::new(DIR, FileKind::Directory, Time::default()) };
        let delegation = Delegation {
            session: SESSION,
            dir: attr,
            asked: BootTime::now(),
            confirmed: BootTime::now(),
            numbers: 1..9,
            refilling: false,
        };
        delegations.granted(DIR, Some(delegation));
        assert!(delegations.directories.lock().usable(DIR, SESSION).is_some());
        assert!(delegations.directories.lock().usable(DIR, SessionId(4)).is_none(), "another session");
        let guard = delegations.enter(&[DIR]).await;
        assert!(delegations.directories.lock().usable(DIR, SESSION).is_none());
        drop(guard);
        assert!(delegations.directories.lock().usable(DIR, SESSION).is_some());
        assert_eq!(delegations.directories.lock().begin_returning(DIR), Some(SESSION));
        assert!(delegations.directories.lock().usable(DIR, SESSION).is_none());
        delegations.ended(DIR);
        assert!((0..5).all(|_| !delegations.note_change(DIR)), "not again at once");
        assert!(!delegations.any());
    }

    #[test]
    fn a_delegation_is_of_no_use_when_nobody_has_said_lately_that_it_is_still_held() {
        let delegations = Delegations::default();
        let old = BootTime::now().earlier_by(VALID);
        let delegation = Delegation {
            session: SESSION,
            dir: Attr::new(DIR, FileKind::Directory, Time::default()),
            asked: old,
            confirmed: old,
            numbers: 1..9,
            refilling: false,
        };
        delegations.granted(DIR, Some(delegation));
        assert!(delegations.directories.lock().usable(DIR, SESSION).is_none());
        assert_eq!(delegations.held(), [DIR], "asked about, so that it is good again or returned");
        delegations.confirmed(&[DIR], BootTime::now());
        assert!(delegations.directories.lock().usable(DIR, SESSION).is_some());
        delegations.confirmed(&[DIR], old);
        assert!(delegations.directories.lock().usable(DIR, SESSION).is_some(), "an older answer says less");
    }

    #[tokio::test]
    async fn operations_wait_while_a_lease_is_asked_for() {
        let delegations = Delegations::default();
        while !delegations.note_change(DIR) {}
        let entering = delegations.enter(&[DIR]);
        tokio::pin!(entering);
        tokio::select! {
            biased;
            _ = &mut entering => panic!("did not wait"),
            () = tokio::task::yield_now() => {}
        }
        delegations.granted(DIR, None);
        drop(entering.await);
        delegations.quiet(DIR).await;
    }
}
