//! From dirty bytes to committed ones.
//!
//! COMMITs of one inode are sent one at a time and in the order of writing, so the order of the log is
//! the order of the writes (I3), whichever PUT was quickest; everything durable by then goes along.
//!
//! Bytes are given up when there is no room for them, when the log refuses them, or with their session; never
//! because somebody has waited long enough. Only callers give up, and what they waited for goes on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use isobar_base::{Errno, Ino, SessionId, limits};
use isobar_cluster::{BootTime, wait_until};
use isobar_wire::message::files::{Attr, Extent, SegmentInfo, Source};
use isobar_wire::message::ops::{Commit, FileOp, NewSegment, OpError, OpReply};

use super::budget::Reservation;
use super::dirty::Package;
use super::files::Files;
use super::inode::{Inode, Sent, Stage, State};

/// Pause before a question is asked again that nobody has answered.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// What to freeze.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Freeze {
    /// Whole chunks only.
    Full,
    /// Everything.
    All,
}

impl Files {
    /// Sends dirty bytes on their way. Gives the number after the last of them.
    pub(crate) fn freeze(&self, inode: &Arc<Inode>, what: Freeze) -> u64 {
        let mut started = Vec::new();
        let end = {
            let mut state = inode.state.lock();
            let state = &mut *state;
            if state.session != self.session.id() {
                lose_dirty(inode, state);
            }
            let packages = match what {
                Freeze::Full => state.dirty.take_full(),
                Freeze::All => state.dirty.take_all(),
            };
            let rides = what == Freeze::All
                && state.sent.is_empty()
                && state.append.is_empty()
                && packages.len() == 1
                && state.attr.size.max(packages[0].end()) <= limits::INLINE_BYTES_MAX;
            let count = packages.len();
            for (at, package) in packages.into_iter().enumerate() {
                // The room of all dirty bytes goes with the last package, or in parts with full ones.
                let reservation = if state.dirty.is_empty() && at + 1 == count {
                    state.dirty_reservation.take()
                } else {
                    state.dirty_reservation.split(package.data.len())
                };
                let stage = if rides { Stage::Durable(None) } else { Stage::Putting };
                started.extend(enqueue(state, package, false, stage, reservation));
            }
            if state.dirty.is_empty() {
                state.dirty_since = None;
            }
            if what == Freeze::All && !state.append.is_empty() {
                let data = std::mem::take(&mut state.append);
                let reservation = state.append_reservation.take();
                let len = data.len() as u64;
                let package = Package { data: data.into(), extents: vec![(0, len, 0)] };
                started.extend(enqueue(state, package, true, Stage::Putting, reservation));
                state.dirty_since = None;
            }
            state.next_sent
        };
        for (number, package) in started {
            self.start_put(inode.clone(), number, package);
        }
        end
    }

    fn start_put(&self, inode: Arc<Inode>, number: u64, package: Arc<Package>) {
        let this = self.clone();
        self.runtime.spawn(async move { this.put(&inode, number, package).await });
    }

    /// Makes a package durable, however long it takes: until there is no room, or its session is gone.
    async fn put(&self, inode: &Arc<Inode>, number: u64, package: Arc<Package>) {
        // Closed never; without a permit there is nothing to bound.
        let _turn = self.puts.acquire_many(Files::put_permits(package.data.len())).await;
        let stage = loop {
            let Some(session) = session_of(inode, number) else { return };
            let deadline = Instant::now() + self.cluster.patience();
            match self.segments.write_by(&self.session, package.data.clone(), deadline).await {
                Ok(segment) => break Stage::Durable(Some(segment)),
                Err(Errno::EIO) if Instant::now() >= deadline && session == self.session.id() => {}
                Err(errno) => break Stage::Failed(errno),
            }
        };
        self.progress.fetch_add(1, Ordering::Relaxed);
        {
            let mut state = inode.state.lock();
            let Some(sent) = state.sent.iter_mut().find(|s| s.number == number) else { return };
            sent.stage = stage;
        }
        self.commit_ready(inode).await;
    }

    /// Commits whatever is ready, unless some task already does; that one will see what became ready.
    pub(crate) async fn commit_ready(&self, inode: &Arc<Inode>) {
        loop {
            let Some((commit, session, count)) = self.next_commit(inode) else { return };
            let asked = BootTime::now();
            let result = match &commit {
                c if session != self.session.id() => {
                    tracing::warn!(ino = %c.ino, "bytes of an expired session are lost");
                    Err(OpError::SessionGone)
                }
                _ => self.session.mutate_as(session, FileOp::Commit(commit.clone())).await,
            };
            self.settle(inode, (commit, session, asked), count, result).await;
        }
    }

    /// Attributes of an inode, however long it takes: until somebody answers, or the session is gone.
    async fn attr_at_last(&self, ino: Ino, session: SessionId) -> Result<Attr, Errno> {
        loop {
            match self.cluster.query_attr(ino).await {
                Err(Errno::EIO) if session == self.session.id() => tokio::time::sleep(RETRY_PAUSE).await,
                attr => return attr,
            }
        }
    }

    /// Takes the oldest bytes that can be committed together and makes the caller the committer.
    fn next_commit(&self, inode: &Inode) -> Option<(Commit, SessionId, usize)> {
        let mut state = inode.state.lock();
        if state.committing {
            return None;
        }
        while let Some(Sent { stage: Stage::Failed(errno), .. }) = state.sent.front() {
            let errno = *errno;
            state.sent.pop_front();
            inode.errors.fail(errno);
            inode.moved.notify_waiters();
        }
        let Sent { append, session, .. } = *state.sent.front()?;
        let mut commit = Commit {
            ino: inode.ino,
            incarnation: state.attr.incarnation,
            low_water: 0,
            append,
            segments: Vec::new(),
            extents: Vec::new(),
            mtime: None,
        };
        let mut count = 0;
        for sent in &state.sent {
            let Stage::Durable(segment) = &sent.stage else { break };
            let full = commit.extents.len() + sent.package.extents.len() > limits::EXTENTS_PER_MESSAGE_MAX;
            let other = sent.append != append || sent.session != session || (append && count > 0);
            if count > 0 && (full || other) {
                break;
            }
            commit.extents.extend(extents_of(&sent.package, segment.as_ref()));
            commit.segments.extend(segment.clone());
            commit.mtime = commit.mtime.max(sent.written);
            count += 1;
        }
        if count == 0 {
            return None;
        }
        state.committing = true;
        // Read while the segments of this COMMIT still hold it down.
        commit.low_water = self.session.low_water();
        Some((commit, session, count))
    }

    async fn settle(
        &self,
        inode: &Arc<Inode>,
        (commit, session, asked): (Commit, SessionId, BootTime),
        count: usize,
        result: Result<OpReply, OpError>,
    ) {
        match result {
            Ok(OpReply::Committed { attr, before, offset }) => {
                commit.segments.iter().for_each(|s| self.session.settle(s.id));
                let segments = commit.segments.iter().map(|s| info(s, inode, attr.version)).collect();
                let extents = rebased(commit.extents, if commit.append { offset } else { 0 }, attr.version);
                self.progress.fetch_add(1, Ordering::Relaxed);
                let mut state = inode.state.lock();
                state.sent.drain(..count);
                if before != state.attr.data_version {
                    // Others wrote meanwhile: what is known beside our own bytes is old.
                    state.extents.forget();
                }
                // Something later is known already: it may lie on top of these bytes.
                if attr.version >= state.attr.version {
                    state.extents.committed(extents, segments);
                }
                state.adopt(attr, true);
                state.checked = state.checked.max(asked);
                if state.is_clean() {
                    state.written = None;
                }
                self.namespace.committed(attr, asked);
                state.committing = false;
            }
            Err(OpError::StaleIncarnation) => {
                // Somebody cut the file to nothing meanwhile. Our writes are not older than that for
                // anybody who could tell, so they are ordered after it.
                let attr = self.attr_at_last(inode.ino, session).await;
                let mut state = inode.state.lock();
                state.committing = false;
                match attr {
                    Ok(attr) => state.adopt(attr, false),
                    Err(errno) => {
                        commit.segments.iter().for_each(|s| self.session.settle(s.id));
                        give_up(self, inode, &mut state, count, errno);
                    }
                }
            }
            Err(OpError::StalePlacement) => {
                // A row went to a target that has been replaced: write new segments.
                self.cluster.refresh(Duration::from_secs(5)).await.ok();
                let again: Vec<_> = {
                    let mut state = inode.state.lock();
                    state.committing = false;
                    let front = state.sent.iter_mut().take(count);
                    front
                        .filter(|s| matches!(s.stage, Stage::Durable(Some(_))))
                        .map(|s| {
                            s.stage = Stage::Putting;
                            (s.number, s.package.clone())
                        })
                        .collect()
                };
                commit.segments.iter().for_each(|s| self.session.settle(s.id));
                again
                    .into_iter()
                    .for_each(|(number, package)| self.start_put(inode.clone(), number, package));
            }
            other => {
                let errno = match other {
                    Err(OpError::Errno(errno)) => errno,
                    _ => Errno::EIO,
                };
                tracing::warn!(ino = %inode.ino, %errno, error = ?other.err(), "written bytes are lost");
                commit.segments.iter().for_each(|s| self.session.settle(s.id));
                let mut state = inode.state.lock();
                give_up(self, inode, &mut state, count, errno);
                state.committing = false;
            }
        }
        inode.moved.notify_waiters();
        self.trim_maps();
    }

    /// Commits everything written so far, or gives it up.
    ///
    /// # Errors
    /// `EIO` when nobody takes it at the moment. It stays on its way: nothing is lost by that.
    pub(crate) async fn write_back(&self, inode: &Arc<Inode>) -> Result<(), Errno> {
        let end = self.freeze(inode, Freeze::All);
        let drained = || inode.state.lock().sent.front().is_none_or(|s| s.number >= end).then_some(());
        if drained().is_some() {
            return Ok(());
        }
        self.spawn_commit(inode);
        self.unless_stalled(wait_until(&inode.moved, drained)).await
    }

    /// Has what is ready committed by a task of its own, which no caller can abandon.
    pub(crate) fn spawn_commit(&self, inode: &Arc<Inode>) {
        let (this, inode) = (self.clone(), inode.clone());
        self.runtime.spawn(async move { this.commit_ready(&inode).await });
    }

    /// Waits for something that needs bytes to be committed, as long as some are.
    ///
    /// # Errors
    /// `EIO` when none were for as long as calls wait.
    pub(crate) async fn unless_stalled<T>(&self, done: impl Future<Output = T>) -> Result<T, Errno> {
        tokio::pin!(done);
        loop {
            let before = self.progress.load(Ordering::Relaxed);
            match tokio::time::timeout(self.cluster.patience(), &mut done).await {
                Ok(value) => return Ok(value),
                Err(_) if self.progress.load(Ordering::Relaxed) != before => {}
                Err(_) => return Err(Errno::EIO),
            }
        }
    }
}

/// The session of a package on its way; none when it is not any more.
fn session_of(inode: &Inode, number: u64) -> Option<SessionId> {
    inode.state.lock().sent.iter().find(|s| s.number == number).map(|s| s.session)
}

/// Forgets what is dirty and remembers that it was lost.
pub(crate) fn lose_dirty(inode: &Inode, state: &mut State) {
    if state.dirty.is_empty() && state.append.is_empty() {
        return;
    }
    tracing::warn!(ino = %inode.ino, "bytes of an expired session are lost");
    state.dirty.take_all();
    state.dirty_reservation.take();
    state.dirty_since = None;
    state.append.clear();
    state.append_reservation.take();
    inode.errors.fail(Errno::EIO);
}

fn give_up(files: &Files, inode: &Inode, state: &mut State, count: usize, errno: Errno) {
    state.sent.drain(..count);
    inode.errors.fail(errno);
    if state.is_clean() {
        state.written = None;
    }
    files.namespace.attributes_uncertain(inode.ino);
}

fn enqueue(
    state: &mut State,
    package: Package,
    append: bool,
    stage: Stage,
    reservation: Reservation,
) -> Option<(u64, Arc<Package>)> {
    let number = state.next_sent;
    state.next_sent += 1;
    let putting = matches!(stage, Stage::Putting);
    let package = Arc::new(package);
    let (written, session) = (state.written, state.session);
    state.sent.push_back(Sent {
        number,
        package: package.clone(),
        append,
        stage,
        session,
        written,
        _reservation: reservation,
    });
    putting.then_some((number, package))
}

fn extents_of<'a>(
    package: &'a Package,
    segment: Option<&'a NewSegment>,
) -> impl Iterator<Item = Extent> + 'a {
    package.extents.iter().map(move |&(offset, len, at)| {
        let source = match segment {
            Some(segment) => Source::Segment { id: segment.id, offset: at },
            None => Source::Inline(package.data[at as usize..at as usize + len as usize].to_vec()),
        };
        Extent { offset, len, source, version: 0 }
    })
}

fn info(segment: &NewSegment, inode: &Inode, version: u64) -> SegmentInfo {
    SegmentInfo {
        id: segment.id,
        pg: segment.pg,
        geometry: segment.geometry,
        positions: segment.rows.iter().map(|r| r.0).collect(),
        row_crcs: segment.row_crcs.clone(),
        ino: inode.ino,
        live_bytes: u64::from(segment.geometry.len),
        version,
    }
}

/// The extents as the ledger now has them.
fn rebased(extents: Vec<Extent>, base: u64, version: u64) -> Vec<Extent> {
    extents
        .into_iter()
        .map(|mut extent| {
            extent.offset += base;
            extent.version = version;
            extent
        })
        .collect()
}
