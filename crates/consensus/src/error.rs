//! What can go wrong, and what the caller can do about it.

use std::path::PathBuf;

use crate::Member;

/// Opening, administering or answering peers failed.
#[derive(Debug, thiserror::Error)]
pub enum ConsensusError {
    /// The device or file system failed. The node must not vote before it is repaired and reopened.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The log is damaged before an intact later record: acknowledged entries are lost on this disk. The
    /// disk must be replaced (as a new voter), not repaired.
    #[error("the log {path} is corrupt: {what}")]
    Corrupt {
        /// The log file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// Log and checkpoint do not fit together: entries between them are missing. The node refuses to vote.
    #[error(
        "{path}: the log does not continue the checkpoint: {what}; this disk must be replaced as a new voter"
    )]
    Gap {
        /// The directory of the group.
        path: PathBuf,
        /// Which entries are missing.
        what: String,
    },
    /// The files belong to another disk, group or version.
    #[error("{path} belongs to another voter, group or version: {what}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// The checkpoint store failed.
    #[error("checkpoint store: {0}")]
    Lsm(String),
    /// A message was meant for another voter or group: its sender knows a disk that is gone.
    #[error("message for voter {to:016x} of group {group} arrived at voter {me:016x} of group {my_group}")]
    WrongPeer {
        /// The addressee.
        to: u64,
        /// The addressee's group.
        group: u16,
        /// Who got it.
        me: u64,
        /// The group of who got it.
        my_group: u16,
    },
    /// A message of a voter that lost entries it had acknowledged: its disk went back in time. It must be
    /// replaced as a new voter.
    #[error("voter {from:016x} has lost entries that it had acknowledged: its disk went back in time")]
    WentBack {
        /// The sender.
        from: u64,
    },
    /// A message could not be decoded.
    #[error("malformed message: {0}")]
    Malformed(String),
    /// Only the leader can do this; ask it.
    #[error("not the leader; the leader is {leader:?}")]
    NotLeader {
        /// The leader, if known.
        leader: Option<Member>,
    },
    /// The request contradicts the state of the group.
    #[error("refused: {0}")]
    Refused(String),
    /// The group stopped, by shutdown or after a storage error.
    #[error("the group has stopped: {0}")]
    Stopped(String),
}

impl ConsensusError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> ConsensusError {
        let what = what.into();
        move |source| ConsensusError::Io { what, source }
    }
}

impl From<fjall::Error> for ConsensusError {
    fn from(error: fjall::Error) -> ConsensusError {
        ConsensusError::Lsm(error.to_string())
    }
}

/// A proposal or a read confirmation failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProposeError {
    /// Not accepted here and never will be: ask the leader.
    #[error("not the leader; the leader is {leader:?}")]
    NotLeader {
        /// The leader, if known.
        leader: Option<Member>,
    },
    /// Leadership was lost while the entry was under way: it may or may not take effect. Ask the new
    /// leader, with an operation id that lets it recognise a repetition (I12).
    #[error("leadership was lost; the entry may or may not have been committed")]
    Uncertain,
    /// No majority of voters answered in time: try again.
    #[error("no quorum answered")]
    NoQuorum,
    /// The entry does not fit into a segment of the log: split it.
    #[error("entry of {bytes} bytes, at most {bytes_max} fit")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The largest size.
        bytes_max: u64,
    },
    /// The group stopped, by shutdown or after a storage error.
    #[error("the group has stopped")]
    Stopped,
}

/// A message could not be delivered or answered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// Nobody answers at that address: pause before the next try.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("timed out")]
    Timeout,
    /// The peer answered with an error.
    #[error("the peer refused: {0}")]
    Refused(String),
}
