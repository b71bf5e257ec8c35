//! Log ids and votes.

/// Which entry of the log: its index, and the leader (term and node) that proposed it.
pub(crate) type LogId = openraft::LogId<u64>;
/// A term, the candidate or leader voted for, and whether a majority committed the vote.
pub(crate) type Vote = openraft::Vote<u64>;

/// A log id as three numbers, for formats on disk.
pub(crate) fn log_id(index: u64, term: u64, node: u64) -> LogId {
    LogId::new(openraft::CommittedLeaderId::new(term, node), index)
}

/// The index of `id`, 0 for none (index 0 is the founding membership, which nothing depends on by number).
pub(crate) fn index_of(id: &Option<LogId>) -> u64 {
    id.as_ref().map_or(0, |id| id.index)
}

/// Number of entries up to and with `id`.
pub(crate) fn next_index(id: &Option<LogId>) -> u64 {
    id.as_ref().map_or(0, |id| id.index + 1)
}
