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
}
