//! All there is at a moment. Sets are bits: of segments, of rows, of sessions, of operations.

use crate::plan::{BLOCKS, CLIENTS, COUNTERS, Faults, OPS, ROWS};

/// Most segments there can be.
pub(crate) const SEGMENTS: usize = CLIENTS * COUNTERS;
/// One target for each position, and two that are blank.
pub(crate) const TARGETS: usize = ROWS + 2;

/// A set of segments.
pub(crate) type Segments = u16;

/// A storage target.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Target {
    pub(crate) alive: bool,
    /// The position it was given, and with that the row of each segment it may have.
    pub(crate) position: u8,
    pub(crate) unsynced: Segments,
    pub(crate) durable: Segments,
}

/// A segment as its writer sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Segment {
    /// Which write each block is of; 0: none.
    pub(crate) content: [u8; BLOCKS],
    /// The targets its rows are sent to.
    pub(crate) targets: [u8; ROWS],
    pub(crate) sent: bool,
    pub(crate) delivered: u8,
    pub(crate) receipts: u8,
    /// Its writer has given it up without ever having named it.
    pub(crate) abandoned: bool,
}

/// What an operation asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Op {
    Commit { segment: u8, low_water: u8, incarnation: u8, cuts: u8 },
    Replace { segment: u8, from: [u8; BLOCKS], low_water: u8, incarnation: u8 },
    Truncate { blocks: u8 },
}

/// An entry of the log: an operation of a session by its number, or one of nobody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Entry {
    /// Of a client, by its sequence number.
    Of(u8, u8),
    /// The session ends: closed or expired.
    End(u8),
    /// A blank target takes a position.
    TakeOver(u8),
    /// A target that was blank has all its rows.
    Rebuilt(u8),
}

/// What the ledger answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Reply {
    Done,
    SessionGone,
    StaleIncarnation,
    StalePlacement,
    Refused,
}

/// What a client is at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum Phase {
    #[default]
    Idle,
    /// Rows of this segment are on their way.
    Putting(u8),
    /// Its last operation is.
    Waiting,
    Done,
}

/// A client with its session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Client {
    pub(crate) job: u8,
    pub(crate) phase: Phase,
    pub(crate) next_counter: u8,
    /// Counters that may still be committed.
    pub(crate) uncommitted: u8,
    pub(crate) incarnation: u8,
    /// Truncations to nothing that it knows of.
    pub(crate) cuts: u8,
    /// What a compactor copies.
    pub(crate) from: [u8; BLOCKS],
    pub(crate) seqs: u8,
    pub(crate) ops: [Option<Op>; OPS],
}

/// The replicated state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Ledger {
    /// The segment of each block, counted from 1; 0: a hole.
    pub(crate) map: [u8; BLOCKS],
    pub(crate) incarnation: u8,
    /// Segments that some COMMIT has named.
    pub(crate) named: Segments,
    /// Sessions that live.
    pub(crate) sessions: u8,
    pub(crate) low_water: [u8; CLIENTS],
    pub(crate) holders: [u8; ROWS],
    /// Blank targets that were given a position.
    pub(crate) blanks: u8,
    /// For positions that may lack rows the segments committed before they did.
    pub(crate) unclean: [Option<Segments>; ROWS],
    pub(crate) replies: [[Option<Reply>; OPS]; CLIENTS],
}

/// A read under way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Reading {
    pub(crate) segment: u8,
    /// The writes that were in the block since the read began.
    pub(crate) allowed: u16,
}

/// What nobody in the protocol knows: for the properties.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Seen {
    /// The write each block shows when each operation has effect once, in the order of the log.
    pub(crate) truth: [u8; BLOCKS],
    /// Operations that had effect.
    pub(crate) effective: u16,
    /// Operations that were acknowledged.
    pub(crate) acknowledged: u16,
    /// Truncations to nothing.
    pub(crate) cuts: u8,
    /// Segments that lost a row to collection.
    pub(crate) collected: Segments,
    pub(crate) fenced_applied: bool,
    pub(crate) cut_ignored: bool,
    pub(crate) wrong_read: bool,
    /// The map of a leader that was deposed, where somebody asks it.
    pub(crate) stale: Option<[u8; BLOCKS]>,
}

/// Everything.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    pub(crate) targets: [Target; TARGETS],
    pub(crate) segments: [Segment; SEGMENTS],
    pub(crate) clients: [Client; CLIENTS],
    pub(crate) ledger: Ledger,
    /// The entry that the leader has proposed and no majority has yet.
    pub(crate) pending: Option<Entry>,
    /// A row, of a target and a segment, that was computed and not written yet.
    pub(crate) rebuilding: Option<(u8, u8)>,
    /// Targets that have said, or are about to, that they have all rows: it may arrive late.
    pub(crate) whole: u8,
    /// A target and a segment: what the search was told is garbage and has not deleted yet.
    pub(crate) doomed: Option<(u8, u8)>,
    pub(crate) reading: Option<Reading>,
    pub(crate) left: Faults,
    pub(crate) seen: Seen,
}

/// The segment of a client's counter.
pub(crate) fn segment_of(client: u8, counter: u8) -> u8 {
    client * COUNTERS as u8 + counter
}

/// Whose segment it is, and its counter.
pub(crate) fn owner_of(segment: u8) -> (u8, u8) {
    (segment / COUNTERS as u8, segment % COUNTERS as u8)
}

/// The place of an operation in sets of operations.
pub(crate) fn op_bit(client: u8, seq: u8) -> u16 {
    1 << (client * OPS as u8 + seq)
}

/// The members of a set.
pub(crate) fn members(set: Segments) -> impl Iterator<Item = u8> {
    (0..SEGMENTS as u8).filter(move |&at| set & 1 << at != 0)
}

impl Ledger {
    /// Segments that the map names.
    pub(crate) fn live(&self) -> Segments {
        self.map.iter().filter(|&&at| at > 0).fold(0, |set, &at| set | 1 << (at - 1))
    }
}

impl State {
    /// Positions whose rows may be missing: a disk that is gone, or a blank one.
    pub(crate) fn lacking(&self, rows: usize) -> u8 {
        let gone = |&at: &u8| !self.targets[usize::from(self.ledger.holders[usize::from(at)])].alive;
        (0..rows as u8)
            .filter(|at| gone(at) || self.ledger.unclean[usize::from(*at)].is_some())
            .fold(0, |set, at| set | 1 << at)
    }

    /// How many rows of a segment its holders have durably.
    pub(crate) fn durable_rows(&self, segment: u8, rows: usize) -> u8 {
        let holders = self.ledger.holders[..rows].iter().map(|&at| &self.targets[usize::from(at)]);
        holders.filter(|target| target.alive && target.durable & 1 << segment != 0).count() as u8
    }
}
