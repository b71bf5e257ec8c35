//! Operations on sessions.

use isobar_base::SessionId;
use serde::{Deserialize, Serialize};

/// An operation on sessions.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum SessionOp {
    /// Grants a session. Repeating it with the same nonce gives the same session.
    Open {
        /// Random number that identifies the request.
        nonce: u64,
        /// Host and mount point, for people.
        name: String,
    },
    /// Ends the caller's session: its locks go, its claims on open-unlinked files too.
    Close,
    /// By the leader: ends a session that stopped renewing. → [`super::OpReply::Done`]
    Expire {
        /// Which.
        session: SessionId,
    },
    /// By the leader: removes a bounded part of what an ended session left behind. → [`super::OpReply::Done`]
    CleanUp {
        /// From [`crate::message::queries::SessionQuery::Ended`].
        session: SessionId,
    },
}
