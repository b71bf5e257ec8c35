//! What the tasks of one replica share: its settings, its log and state, and what it knows of the leader.

use std::sync::Arc;
use std::time::Duration;

use isobar_base::limits::ENTRIES_IN_FLIGHT_MAX;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::leader_contact::LeaderContact;
use crate::log::LogStore;
use crate::lsm::StateStore;
use crate::network::PreVoteState;
use crate::stood_down::StoodDown;
use crate::{GroupConfig, Member};

/// How long proposals and messages are held back for the log to be trimmed.
const PRESSURE_WAIT: Duration = Duration::from_secs(10);
/// Election timeouts without progress after which a leader stands down.
pub(crate) const PATIENCE_TIMEOUTS: u32 = 2;
/// How often the log's space is looked at meanwhile.
const PRESSURE_POLL: Duration = Duration::from_millis(5);

/// One replica of one group.
pub(crate) struct Replica {
    pub config: GroupConfig,
    pub log: LogStore,
    pub state: Arc<StateStore>,
    pub leader_contact: LeaderContact,
    /// Whom openraft takes for the leader.
    pub known_leader: Mutex<Option<Member>>,
    /// Whether it leads nowhere, and therefore does not act as leader.
    pub stood_down: Arc<StoodDown>,
}

impl Replica {
    /// What this replica answers to a pre-vote now.
    pub(crate) fn pre_vote_state(&self) -> PreVoteState {
        PreVoteState {
            // Before the log's end: a candidate that has our vote has seen a log no older than this.
            vote: self.log.vote(),
            last: self.log.last(),
            silent_ms: self.leader_contact.silence().as_millis() as u64,
            unfit: self.stood_down.get() || !self.can_lead(),
        }
    }

    /// Whether this replica's own devices let it lead: its log is written, and its state can be checkpointed.
    pub(crate) fn can_lead(&self) -> bool {
        let patience = Duration::from_millis(self.config.election_ms) * PATIENCE_TIMEOUTS;
        self.log.busy_for() < patience && !self.state.is_stuck()
    }

    /// Whether so few segments are free that nothing more should come in. What came in before still fits:
    /// entries in flight are few, and each is smaller than a segment.
    pub(crate) fn log_is_tight(&self) -> bool {
        self.log.fill().free_segments <= ENTRIES_IN_FLIGHT_MAX as u64
    }

    /// Waits while the log is nearly full and can be trimmed.
    pub(crate) async fn wait_for_log_space(&self) {
        let until = Instant::now() + PRESSURE_WAIT;
        while self.log_is_tight() && Instant::now() < until {
            self.state.request_checkpoint();
            self.log.pressure().notify_one();
            tokio::time::sleep(PRESSURE_POLL).await;
        }
    }
}
