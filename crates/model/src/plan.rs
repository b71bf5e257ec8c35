//! What a model is made of: the code, the clients with their jobs, the faults, and a rule that is broken.

/// What a client does, one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Job {
    /// Writes these blocks of the file (a bit for each) and has them acknowledged.
    Write(u8),
    /// Cuts the file to so many blocks.
    Truncate(u8),
    /// Copies the blocks that are there into one new segment, and puts it in their place.
    Compact,
}

/// How often each fault may come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Faults {
    /// A target restarts and has lost what it had not synced.
    pub crashes: u8,
    /// A disk is gone for good. Never more than K positions lack rows at once.
    pub losses: u8,
    /// A blank target takes a position, whether the old one is gone or not. Two at most.
    pub takeovers: u8,
    /// The leader changes, and the entry that was not committed is lost.
    pub elections: u8,
    /// A session ends though its client lives.
    pub expiries: u8,
    /// A client stops waiting for the answer to an operation, which may still arrive.
    pub give_ups: u8,
    /// A client stops waiting for rows and writes a new segment.
    pub retries: u8,
}

/// A rule that is left out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mutant {
    /// A COMMIT is proposed with one receipt too few.
    OneRowShort,
    /// A COMMIT applies though a row's target has lost its position.
    HolderCheckSkipped,
    /// A COMMIT applies though its segment is below the low-water of its session.
    LowWaterSkipped,
    /// Operations of a session that has ended apply.
    FencingSkipped,
    /// Rows of segments that nothing names are collected for that alone.
    CollectedByAge,
    /// An operation that arrives twice is executed twice.
    AppliedTwice,
    /// The compactor removes the rows it copied before its REPLACE is committed.
    CopiedRowsRemovedEarly,
    /// A REPLACE lies on top of what was written since.
    ReplaceIgnoresNewer,
    /// A truncation to nothing does not change what COMMITs have to name.
    IncarnationKept,
    /// A target is declared whole when its rows are written, not when they are synced.
    RebuiltBeforeSynced,
    /// That one blank target is whole counts for the next one in its position, too.
    RebuiltForAnother,
    /// A target answers a PUT before it has synced.
    ReceiptBeforeSync,
    /// A client is answered when the leader has the entry, not a majority.
    AnsweredBeforeCommitted,
    /// A client that stops waiting for a COMMIT removes the rows at once.
    WithdrawnAfterSent,
    /// The map is read with an entry that is not committed yet.
    ReadsUncommitted,
    /// A leader that was deposed answers readers without asking the others.
    ReadIndexSkipped,
    /// Rows of sessions that have ended count as pending for ever.
    EndedSessionsForgotten,
}

/// Blocks of the one file.
pub(crate) const BLOCKS: usize = 2;
/// Most rows of a segment.
pub(crate) const ROWS: usize = 4;
/// Most clients, each with a session.
pub(crate) const CLIENTS: usize = 3;
/// Segments of a session.
pub(crate) const COUNTERS: usize = 3;
/// Operations of a session.
pub(crate) const OPS: usize = 3;

/// Who is there, and what may happen.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Data rows of every segment.
    pub data: u8,
    /// Parity rows, with `data` at most four.
    pub parity: u8,
    /// The jobs of each client, at most three.
    pub jobs: &'static [&'static [Job]],
    /// What goes wrong.
    pub faults: Faults,
    /// Whether somebody reads the first block all the time.
    pub reader: bool,
    /// The broken rule.
    pub mutant: Option<Mutant>,
}

impl Plan {
    /// This plan with one rule left out.
    #[must_use]
    pub fn without(self, mutant: Mutant) -> Plan {
        Plan { mutant: Some(mutant), ..self }
    }

    pub(crate) fn rows(&self) -> usize {
        usize::from(self.data + self.parity)
    }

    pub(crate) fn all_rows(&self) -> u8 {
        (1 << self.rows()) - 1
    }

    pub(crate) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}
