//! What a round works with.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_base::{Errno, Ino, SegmentId, TargetId};
use isobar_cluster::Session;
use isobar_segments::Segments;
use isobar_wire::message::ops::{FileOp, SessionOp};
use isobar_wire::message::queries::{Answer, SessionQuery};

use crate::context::NodeContext;
use crate::limits::{COMPACT_SHARE_SECONDS, ORPHANS_PER_RENEWAL_MAX};
use crate::metadata::Metadata;
use crate::metadata::reclaim::fill_ratio;

pub(super) struct Compactor {
    pub(super) node: Arc<NodeContext>,
    pub(super) meta: Arc<Metadata>,
    pub(super) segments: Segments,
    session: Option<Session>,
    /// Inodes up to this one were looked at for narrow extents.
    pub(super) gathered: Ino,
    /// Bytes that the walk under way may still copy.
    pub(super) share_left: u64,
    /// A walk of the last round used up its share before its end.
    pub(super) cut_short: bool,
    pub(super) rest: Rest,
    /// What is rewritten now leaves more room than it takes.
    pub(super) frees_room: bool,
    /// Nodes whose replacement is allowed, and since when this leader knows.
    replacing: HashMap<String, Instant>,
}

/// Where walks go on that have used up their share of a round: each after a segment.
#[derive(Default)]
pub(super) struct Rest {
    pub(super) unprotected: Option<SegmentId>,
    pub(super) low_live: Option<SegmentId>,
    pub(super) crowded: Option<SegmentId>,
}

impl Compactor {
    /// Nothing looked at, no session.
    pub(super) fn new(node: Arc<NodeContext>, meta: Arc<Metadata>) -> Compactor {
        let segments = Segments::without_hope(node.cluster.clone());
        Compactor {
            node,
            meta,
            segments,
            session: None,
            gathered: Ino(0),
            share_left: 0,
            cut_short: false,
            rest: Rest::default(),
            frees_room: false,
            replacing: HashMap::new(),
        }
    }

    /// What share of the room of all targets that report is used.
    pub(super) fn fill_ratio(&self) -> f64 {
        let map = self.meta.group.read(isobar_meta::cluster_map);
        fill_ratio(&self.meta.liveness.live(&map))
    }

    /// Targets that have been away so long that nobody is expected to bring them back. A node that is to be
    /// replaced gets the same time again for its blank disks to come.
    pub(super) fn dead_targets(&mut self) -> HashSet<TargetId> {
        let map = self.meta.group.read(isobar_meta::cluster_map);
        let grace = Duration::from_secs(self.node.config.compaction.dead_target_seconds);
        self.replacing.retain(|node, _| map.replacing.contains(node));
        for node in &map.replacing {
            self.replacing.entry(node.clone()).or_insert_with(Instant::now);
        }
        let expected = |node: &String| self.replacing.get(node).is_some_and(|since| since.elapsed() <= grace);
        let targets = map.targets.iter().filter(|t| !expected(&t.node));
        let dead = targets.filter(|t| self.meta.liveness.silent_for(t).is_some_and(|away| away > grace));
        dead.map(|t| t.id).collect()
    }

    /// Segments of which some node has a parity row that is not the parity of its data.
    pub(super) fn contradicting(&self) -> BTreeSet<SegmentId> {
        self.meta.liveness.reports().into_iter().flat_map(|report| report.heartbeat.contradicting).collect()
    }

    /// What one walk of a round copies before it is the next one's turn.
    pub(super) fn share_bytes(&self) -> u64 {
        self.node.config.compaction.bytes_per_second.saturating_mul(COMPACT_SHARE_SECONDS)
    }

    pub(super) async fn session(&mut self) -> Result<Session, Errno> {
        if self.session.is_none() {
            let name = format!("compaction on {}", self.node.config.node);
            self.session = Some(Session::open(self.node.cluster.clone(), &name).await?);
        }
        self.renew();
        self.session.clone().ok_or(Errno::EIO)
    }

    /// Ends the session of a round, if there was something to do in it.
    pub(super) async fn close_session(&mut self) {
        if let Some(session) = self.session.take()
            && let Err(error) = session.mutate(SessionOp::Close).await
        {
            tracing::debug!(session = %session.id(), %error, "left to expire");
        }
    }

    /// Says for the compactor that it has none of the removed files open, so that no long round keeps them.
    pub(super) async fn keep_no_file(&self, session: &Session) {
        let query = SessionQuery::Orphans { session: session.id(), limit: ORPHANS_PER_RENEWAL_MAX }.into();
        let orphans = self.meta.group.read(|kv| isobar_meta::query(kv, &query));
        let Ok(Answer::Inos(inos)) = orphans else { return };
        if !inos.is_empty() {
            // Said again with the next copy if it fails, and by the end of the session in any case.
            session.mutate(FileOp::ReleaseOrphans { inos }).await.ok();
        }
    }

    /// Renews the session of the round.
    fn renew(&self) {
        if let Some(session) = &self.session {
            self.meta.sessions.renew(session.id(), || true);
        }
    }

    /// Keeps to the configured rate.
    pub(super) async fn pace(&self, bytes: u64) {
        let rate = self.node.config.compaction.bytes_per_second;
        tokio::time::sleep(Duration::from_secs_f64(bytes as f64 / rate as f64)).await;
    }
}
