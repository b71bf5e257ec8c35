//! Questions about sessions.

use isobar_base::SessionId;
use serde::{Deserialize, Serialize};

/// A question about sessions.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum SessionQuery {
    /// All sessions. → [`super::Answer::Sessions`]
    List,
    /// Nameless inodes about which a session still has to say "not open here". → [`super::Answer::Inos`]
    Orphans {
        /// The session.
        session: SessionId,
        /// At most this many.
        limit: u32,
    },
    /// Sessions that have ended and left something behind that is not removed yet. →
    /// [`super::Answer::SessionIds`]
    Ended {
        /// At most this many.
        limit: u32,
    },
}
