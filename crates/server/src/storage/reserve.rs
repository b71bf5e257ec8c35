//! Room of a target that only compaction may use: where everything is written full, nothing could be copied
//! out of half-dead segments any more, and so nothing be freed.
//!
//! Compaction holds sessions like any client, and is known by their names. What is stored again after it was
//! lost or damaged, and what is rebuilt, may use all room: it was there before.

use std::collections::HashSet;

use isobar_base::SessionId;
use isobar_cluster::Cluster;
use isobar_wire::message::queries::{Answer, SessionQuery};

/// How the names of compaction's sessions begin.
pub(crate) const COMPACTION: &str = "compaction on ";

const MIB: u64 = 1 << 20;

/// Bytes kept free of a target that has room for so many.
pub(super) fn reserve_bytes(capacity_bytes: u64) -> u64 {
    (capacity_bytes / 64).clamp(32 * MIB, 4096 * MIB).min(capacity_bytes / 8)
}

/// Which sessions are compaction's, as the log said last.
#[derive(Debug, Default)]
pub(crate) struct CompactionSessions(tokio::sync::Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    of_compaction: HashSet<SessionId>,
    /// The numbers of sessions rise: all up to this one are known.
    last: SessionId,
}

impl CompactionSessions {
    /// Whether this session is one of them. Asks the log about sessions that are newer than the known ones.
    pub(super) async fn contains(&self, session: SessionId, cluster: &Cluster) -> bool {
        let mut known = self.0.lock().await;
        if session > known.last {
            let Ok(Answer::Sessions(sessions)) = cluster.query(SessionQuery::List).await else {
                return false;
            };
            known.last = sessions.iter().map(|(id, _)| *id).fold(session, SessionId::max);
            let of_compaction = sessions.into_iter().filter(|(_, name)| name.starts_with(COMPACTION));
            known.of_compaction = of_compaction.map(|(id, _)| id).collect();
        }
        known.of_compaction.contains(&session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_room_for_some_rows_and_never_much_of_a_target() {
        assert_eq!(reserve_bytes(64 * MIB), 8 * MIB);
        assert_eq!(reserve_bytes(1024 * MIB), 32 * MIB);
        assert_eq!(reserve_bytes(64 * 1024 * MIB), 1024 * MIB);
        assert_eq!(reserve_bytes(u64::MAX), 4096 * MIB);
        assert_eq!(reserve_bytes(0), 0);
    }
}
