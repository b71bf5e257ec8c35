//! All caches of names as one, with a method for each event.

use isobar_base::{Errno, Ino, SessionId};
use isobar_cluster::BootTime;
use isobar_wire::message::files::{Attr, DirEntry, FileKind, Time};
use isobar_wire::message::ops::DirChange;

use super::attrs::AttrCache;
use super::complete::{Change, CompleteDirectories};
use super::delegations::{Delegation, Delegations, NamespaceOpGuard};
use super::dentries::DentryCache;
use super::intents::{CreateGuard, OpenGuard, OpenIntents, UnlinkGuard};
use super::lookahead::Lookahead;
use super::losses::{DirectoryErrors, Losses};

/// What one client knows of names and attributes.
#[derive(Debug, Default)]
pub(crate) struct Namespace {
    dentries: DentryCache,
    attrs: AttrCache,
    complete: CompleteDirectories,
    delegations: Delegations,
    intents: OpenIntents,
    lookahead: Lookahead,
    losses: Losses,
}

/// Whether this client answers for an operation on a directory by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer<T> {
    /// It does; the operation is on its way.
    Given(T),
    /// It does not: ask the cluster.
    Ask,
    /// Likewise; and the delegation is of no use any more and should be returned.
    Return,
}

/// What is known.
impl Namespace {
    /// Attributes told lately.
    pub fn attr(&self, ino: Ino) -> Option<Attr> {
        self.attrs.get(ino)
    }

    /// The inode under a name, told lately.
    pub fn ino(&self, parent: Ino, name: &[u8]) -> Option<Ino> {
        self.dentries.get(parent, name)
    }

    /// Attributes under a name, both told lately; `ENOENT` when it is known that there is no such name.
    pub fn entry(&self, parent: Ino, name: &[u8]) -> Option<Result<Attr, Errno>> {
        let ino = self.ino(parent, name);
        // An entry of our own making is newer than a list that does not have it.
        if ino.is_none() && self.is_absent(parent, name) {
            return Some(Err(Errno::ENOENT));
        }
        self.attr(ino?).map(Ok)
    }

    /// Whether it is certain that there is no such name: nobody else can have made it.
    fn is_absent(&self, parent: Ino, name: &[u8]) -> bool {
        let mut directories = self.delegations.lock();
        directories.delegation(parent).is_some_and(|delegation| delegation.is_valid())
            && self.complete.find_as_holder(parent, name) == Some(None)
    }

    /// How many neighbours to ask for along with a name of `parent`.
    pub fn neighbours_wanted(&self, parent: Ino) -> u32 {
        self.lookahead.wanted(parent)
    }
}

/// What the cluster says when asked.
impl Namespace {
    /// A name leads to `attr`, as asked for at `asked`; its neighbours came along.
    pub fn looked_up(&self, parent: Ino, name: &[u8], attr: Attr, neighbours: &[DirEntry], asked: BootTime) {
        self.told_entry(parent, name, attr, asked);
        self.told_entries(parent, neighbours, asked);
    }

    /// A name was asked for and not found, or not answered.
    pub fn lookup_failed(&self, parent: Ino, name: &[u8]) {
        self.lookahead.useless(parent);
        self.dentries.forget(parent, name);
    }

    /// Attributes were asked for at `asked`; gives them with what this client has answered for since. An
    /// inode that is gone takes the names that led to it along: whoever meets ESTALE looks its name up again
    /// and must not be led here once more.
    pub fn fetched(&self, ino: Ino, fetched: Result<Attr, Errno>, asked: BootTime) -> Result<Attr, Errno> {
        match fetched {
            Ok(attr) if attr.kind == FileKind::Directory => {
                self.complete.confirm(ino, attr.version);
                if !self.complete.is_delegated(ino) {
                    self.attrs.put(attr, asked);
                    return Ok(attr);
                }
                let keep = |attr| self.attrs.put_as_holder(attr, asked);
                Ok(self.delegations.refresh(attr, asked, keep).unwrap_or(attr))
            }
            Ok(attr) => {
                self.attrs.put(attr, asked);
                Ok(attr)
            }
            Err(errno) => {
                self.attrs.forget(ino);
                Err(errno)
            }
        }
    }

    /// Some entries of a directory, as asked for at `asked`; with `all_at`, all there were at that version.
    pub fn listed(&self, dir: Ino, entries: &[DirEntry], all_at: Option<u64>, asked: BootTime) {
        self.told_entries(dir, entries, asked);
        if let Some(version) = all_at {
            let all = entries.iter().map(|e| (e.name.as_slice().into(), e.attr.ino));
            self.complete.learn(dir, version, all);
        }
    }

    fn told_entries(&self, parent: Ino, entries: &[DirEntry], asked: BootTime) {
        for entry in entries {
            self.told_entry(parent, &entry.name, entry.attr, asked);
        }
    }

    fn told_entry(&self, parent: Ino, name: &[u8], attr: Attr, asked: BootTime) {
        self.told(attr, asked);
        self.dentries.put(parent, name, attr.ino, asked);
    }

    /// The cluster says this of an inode, as asked for at `asked`.
    fn told(&self, attr: Attr, asked: BootTime) {
        // What is answered for is not in what the cluster says.
        if attr.kind != FileKind::Directory || !self.complete.is_delegated(attr.ino) {
            self.attrs.put(attr, asked);
        }
    }

    /// The directory is gone, and with it everything that led there: whoever meets ESTALE looks its path up
    /// again and must not be led here once more.
    pub fn directory_gone(&self, dir: Ino) {
        self.attrs.forget(dir);
        self.complete.forget(dir);
    }
}

/// What this client has done.
impl Namespace {
    /// Attributes of an inode were changed to these, by an operation begun at `asked`.
    pub fn attributes_changed(&self, attr: Attr, asked: BootTime) {
        self.told(attr, asked);
        // The version of a directory changes with its attributes as it does with its names.
        if attr.kind == FileKind::Directory {
            self.complete.forget(attr.ino);
        }
    }

    /// Extended attributes of an inode were changed, or may have been.
    pub fn xattrs_changed(&self, ino: Ino) {
        self.attrs.forget(ino);
        self.complete.forget(ino);
    }

    /// Bytes of a file were committed, by an operation begun at `asked`.
    pub fn committed(&self, attr: Attr, asked: BootTime) {
        self.told(attr, asked);
    }

    /// What is known of an inode may be wrong.
    pub fn attributes_uncertain(&self, ino: Ino) {
        self.attrs.forget(ino);
    }

    /// An operation gave `attr` a name at `asked`, or found it there (`created` is false).
    pub fn entry_added(
        &self,
        parent: Ino,
        name: &[u8],
        attr: Attr,
        created: bool,
        dir: &DirChange,
        asked: BootTime,
    ) {
        self.directory_changed(dir.after, asked);
        self.told(attr, asked);
        self.dentries.put(parent, name, attr.ino, BootTime::now());
        if created {
            let change = Change::Added(name.into(), attr.ino);
            self.complete.changed(parent, dir.before, dir.after.version, change);
            if attr.kind == FileKind::Directory {
                self.complete.learn(attr.ino, attr.version, std::iter::empty());
            }
        }
    }

    /// A name is being removed, whatever comes of it.
    pub fn entry_uncertain(&self, parent: Ino, name: &[u8]) {
        self.dentries.forget(parent, name);
    }

    /// A name of `attr` was removed by an operation begun at `asked`.
    pub fn entry_removed(
        &self,
        parent: Ino,
        name: &[u8],
        attr: Attr,
        dir: &DirChange,
        is_open: bool,
        asked: BootTime,
    ) {
        self.directory_changed(dir.after, asked);
        let change = Change::Removed(name.into());
        self.complete.changed(parent, dir.before, dir.after.version, change);
        self.complete.forget(attr.ino);
        if attr.nlink > 0 || is_open {
            self.told(attr, asked);
        } else {
            self.attrs.forget(attr.ino);
        }
    }

    /// Names of two directories are being exchanged or moved, whatever comes of it.
    pub fn rename_uncertain(&self, parent: Ino, name: &[u8], new_parent: Ino, new_name: &[u8]) {
        for (dir, name) in [(parent, name), (new_parent, new_name)] {
            self.dentries.forget(dir, name);
            self.attrs.forget(dir);
            self.complete.forget(dir);
        }
    }

    /// `attr` has a new name, under which `replaced` was, by an operation begun at `asked`.
    pub fn renamed(
        &self,
        new_parent: Ino,
        new_name: &[u8],
        attr: Attr,
        replaced: Option<Attr>,
        asked: BootTime,
    ) {
        // A directory that was moved has a new version, too.
        self.complete.forget(attr.ino);
        if let Some(replaced) = replaced {
            self.attrs.forget(replaced.ino);
            self.complete.forget(replaced.ino);
        }
        self.told(attr, asked);
        self.dentries.put(new_parent, new_name, attr.ino, BootTime::now());
    }

    /// A directory after an operation on its names, during which nothing was answered for.
    fn directory_changed(&self, attr: Attr, asked: BootTime) {
        if self.complete.is_delegated(attr.ino) {
            self.delegations.changed_to(attr, asked, |attr| self.attrs.put_as_holder(attr, asked));
        } else {
            self.told(attr, asked);
        }
    }
}

/// Opens and removals under way.
impl Namespace {
    /// Begins to open: nobody here says from now on that the inode is closed.
    pub async fn begin_open(&self, ino: Ino) -> OpenGuard<'_> {
        self.intents.begin(ino).await
    }

    /// Whether somebody is about to have the inode open.
    pub fn is_opening(&self, ino: Ino) -> bool {
        self.intents.is_opening(ino)
    }

    /// Begins to make a file that is opened with it: its inode is not known before it is made.
    pub fn begin_create(&self) -> CreateGuard<'_> {
        self.intents.begin_create()
    }

    /// Waits until whoever was making a file when this was called has it open.
    pub async fn creations_ended(&self) {
        self.intents.creations_ended().await;
    }

    /// The inode under a name when it is known not to be open here. It is not opened before what this
    /// gives is dropped.
    pub fn begin_unlink(
        &self,
        parent: Ino,
        name: &[u8],
        is_open: impl FnOnce(Ino) -> bool,
    ) -> Option<UnlinkGuard<'_>> {
        let ino = self.ino(parent, name)?;
        self.intents.closed(ino, || is_open(ino))
    }
}

/// Directories this client answers for.
impl Namespace {
    /// Begins an operation on the names of one or two directories that is waited for.
    pub async fn enter(&self, dirs: &[Ino]) -> NamespaceOpGuard<'_> {
        self.delegations.enter(dirs).await
    }

    /// Notes a change of a directory; true when its delegation should be asked for, which begins hereby.
    pub fn note_change(&self, dir: Ino) -> bool {
        self.delegations.note_change(dir)
    }

    /// Waits until no operation on the names of a directory is under way.
    pub async fn quiet(&self, dir: Ino) {
        self.delegations.quiet(dir).await;
    }

    /// The directory has been delegated: from now on its names are answered for from what is known. False,
    /// and nothing is changed, when not every name is known, exactly as of `version`.
    pub fn begin_holding(&self, dir: Ino, version: u64) -> bool {
        self.complete.begin_holding(dir, version)
    }

    /// All names of a directory that nobody else can change.
    pub fn listed_as_holder(&self, dir: Ino, version: u64, names: impl Iterator<Item = (Box<[u8]>, Ino)>) {
        self.complete.learn(dir, version, names);
    }

    /// The delegation that was asked for is granted, or not.
    pub fn granted(&self, dir: Ino, delegation: Option<Delegation>) {
        self.delegations.granted(dir, delegation);
    }

    /// More inode numbers have come, or not.
    pub fn refilled(&self, dir: Ino, numbers: Option<std::ops::Range<u64>>) {
        self.delegations.refilled(dir, numbers);
    }

    /// Answers for a new file of a directory at `time`, if this client may: `send` puts the operation into
    /// the stream. Also gives whether more inode numbers should be asked for.
    pub fn create_as_holder(
        &self,
        dir: Ino,
        name: &[u8],
        session: SessionId,
        time: Time,
        send: impl FnOnce(Ino) -> Option<()>,
    ) -> (Answer<Ino>, bool) {
        let mut directories = self.delegations.lock();
        let Some(delegation) = directories.usable(dir, session) else { return (Answer::Ask, false) };
        let Some(known) = self.complete.find_as_holder(dir, name) else { return (Answer::Return, false) };
        if known.is_some() {
            return (Answer::Ask, false);
        }
        let refill = delegation.begin_refill();
        let Some(ino) = delegation.next_ino().filter(|&ino| send(ino).is_some()) else {
            return (Answer::Ask, refill);
        };
        delegation.names_changed(1, time);
        self.complete.changed_by_holder(dir, Change::Added(name.into(), ino));
        self.attrs.put_as_holder(delegation.dir, delegation.asked);
        (Answer::Given(ino), refill)
    }

    /// What this client has just answered for under a name.
    pub fn created_as_holder(&self, dir: Ino, name: &[u8], attr: Attr) {
        self.told_entry(dir, name, attr, BootTime::now());
    }

    /// Answers for the removal of a file's only name at `time`, if this client may: `send` puts the operation
    /// into the stream.
    pub fn unlink_as_holder(
        &self,
        dir: Ino,
        name: &[u8],
        ino: Ino,
        session: SessionId,
        time: Time,
        send: impl FnOnce() -> Option<()>,
    ) -> Answer<()> {
        {
            let mut directories = self.delegations.lock();
            let Some(delegation) = directories.usable(dir, session) else { return Answer::Ask };
            let known = self.complete.find_as_holder(dir, name);
            if known != Some(Some(ino)) || send().is_none() {
                return Answer::Ask;
            }
            delegation.names_changed(-1, time);
            self.complete.changed_by_holder(dir, Change::Removed(name.into()));
            self.attrs.put_as_holder(delegation.dir, delegation.asked);
        }
        self.dentries.forget(dir, name);
        self.attrs.forget(ino);
        Answer::Given(())
    }

    /// The log has a name this client has answered for at `asked`.
    pub fn confirmed(&self, dir: Ino, name: &[u8], attr: Attr, asked: BootTime) {
        if self.ino(dir, name) == Some(attr.ino) {
            self.told(attr, asked);
        }
    }

    /// The log refused what this client has answered for.
    pub fn refused(&self, dir: Ino, name: &[u8], ino: Ino) {
        self.dentries.forget(dir, name);
        self.attrs.forget(ino);
        self.complete.forget(dir);
        self.losses.lose(dir);
    }

    /// A directory is opened: its handle hears of what is lost in it.
    pub fn open_directory(&self, dir: Ino) -> DirectoryErrors {
        self.losses.open(dir)
    }

    /// A handle of a directory is gone.
    pub fn close_directory(&self, dir: Ino) {
        self.losses.closed(dir);
    }

    /// Whether something answered for was lost of which nobody has been told.
    ///
    /// # Errors
    /// Why.
    pub fn untold_loss(&self) -> Result<(), Errno> {
        self.losses.untold()
    }

    /// Begins to return a delegation: nothing more is answered for. `send` puts the operation into the
    /// stream, after everything that was. `None` when there is nothing to return.
    pub fn begin_return<T>(&self, dir: Ino, send: impl FnOnce(SessionId) -> T) -> Option<T> {
        let mut directories = self.delegations.lock();
        let session = directories.begin_returning(dir)?;
        self.complete.delegation_ends(dir);
        Some(send(session))
    }

    /// The delegation is returned; the directory had `version` then. Without it nobody knows.
    pub fn returned(&self, dir: Ino, version: Option<u64>) {
        match version {
            Some(version) => self.complete.delegation_ended(dir, version),
            None => self.complete.forget(dir),
        }
        self.delegations.ended(dir);
    }

    /// Delegations that have not been used for a while.
    pub fn idle_delegations(&self) -> Vec<Ino> {
        self.delegations.idle()
    }

    /// The directories whose delegations this client takes for its own.
    pub fn held_delegations(&self) -> Vec<Ino> {
        self.delegations.held()
    }

    /// A question sent at `sent` was answered: these are still delegated to this client.
    pub fn delegations_confirmed(&self, dirs: &[Ino], sent: BootTime) {
        self.delegations.confirmed(dirs, sent);
    }

    /// Whether there is any delegation that others might want.
    pub fn has_delegations(&self) -> bool {
        self.delegations.any()
    }

    /// Waits for a change of the delegations.
    pub async fn delegations_changed(&self) {
        self.delegations.changed().await;
    }

    /// A new session is in use: delegations of others are lost, and with them what they vouched for.
    pub fn session_lost(&self, now: SessionId) {
        for dir in self.delegations.lose_all_but(now) {
            self.complete.forget(dir);
        }
    }
}
