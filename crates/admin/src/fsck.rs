//! The check of a whole cluster, from outside: what the log names against what the targets hold.
//!
//! It runs beside everything else. What it finds missing is therefore looked at a second time before it
//! is reported: the segment may have been removed, or written after its target was listed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use isobar_base::{Errno, FragmentKey, Ino, SegmentId, TargetId};
use isobar_cluster::{AskError, Cluster};
use isobar_segments::Segments;
use isobar_wire::message::cluster::{ClusterMap, ClusterView, TargetInfo};
use isobar_wire::message::files::{Extent, Map, SegmentInfo, Source};
use isobar_wire::message::queries::{Answer, ClusterQuery, FileQuery, SegmentState};
use isobar_wire::message::storage::{ListReply, ListRequest};
use isobar_wire::{CallError, Opcode};

use crate::deep::{DeepReport, MissingRow, read_all_rows};
use crate::limits::{
    KEYS_PER_MESSAGE_MAX, METADATA_WAIT, NODE_CALL_TIMEOUT, ORPHAN_ROWS_MAX, SEGMENTS_PER_STEP,
};
use crate::redundancy::{Redundancy, redundancy};

/// Files asked for in one step of the walk over all ledgers.
const INODES_PER_STEP: u32 = 1024;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct FsckReport {
    /// Targets that could not be listed, and why: their rows count as missing.
    pub unreachable: Vec<(TargetInfo, String)>,
    /// Segments by rows that are missing as the view has it.
    pub redundancy: Redundancy,
    /// Rows that should be on a target and are not, on targets that could be listed and have been rebuilt.
    pub missing: Vec<MissingRow>,
    /// Rows on targets that are being rebuilt and do not have them yet.
    pub unfinished_rows: u64,
    /// Exactly the bytes of files that cannot be read: their row is gone, and too few others are left to
    /// decode it.
    pub lost: Vec<LostRange>,
    /// Rows that nothing names and nothing can name any more: the next search for orphans removes them.
    pub orphans: u64,
    /// Rows that nothing names yet: written, not committed.
    pub pending: u64,
    /// Rows of living segments on targets that should not have them.
    pub misplaced: Vec<(TargetId, FragmentKey)>,
    /// Contradictions in extent maps.
    pub contradictions: Vec<String>,
    /// Rows that targets found damaged by themselves or by readers, and have not been able to store again.
    pub known_damaged: u64,
    /// What reading every row showed, if that was asked for.
    pub deep: Option<DeepReport>,
    /// Segments looked at.
    pub segments: u64,
    /// Files looked at.
    pub files: u64,
    /// Rows found on targets.
    pub rows: u64,
}

/// Bytes of a file that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LostRange {
    /// The file.
    pub ino: Ino,
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
    /// The segment they were in.
    pub segment: SegmentId,
}

impl FsckReport {
    /// Whether every byte can be read and every row is where it should be.
    pub fn is_clean(&self) -> bool {
        self.unreachable.is_empty()
            && self.missing.is_empty()
            && self.unfinished_rows == 0
            && self.lost.is_empty()
            && self.contradictions.is_empty()
            && self.known_damaged == 0
            && self.deep.as_ref().is_none_or(DeepReport::is_clean)
            && self.redundancy.worst() == 0
    }
}

/// Why a check could not be finished.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FsckError {
    /// No metadata leader answered.
    #[error("no metadata leader answered: {0}")]
    NoLeader(#[from] AskError),
    /// A question was refused.
    #[error("the metadata leader refused a question: {0}")]
    Refused(#[from] Errno),
}

/// How much of the data a check reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// None: which rows there are.
    Keys,
    /// All of it: every byte of every row.
    Bytes,
}

/// The rows of each target that could be listed.
type Held = HashMap<TargetId, HashSet<FragmentKey>>;

/// The bytes of segments that cannot be had, by the file they belong to.
type Lost = BTreeMap<Ino, HashMap<SegmentId, Vec<Range<u64>>>>;

/// Checks a cluster. `progress` is called now and then with what has been found so far.
///
/// # Errors
/// When the metadata leader cannot be asked; findings are not errors.
pub async fn fsck(
    cluster: &Cluster,
    depth: Depth,
    mut progress: impl FnMut(&FsckReport),
) -> Result<FsckReport, FsckError> {
    let view = cluster.refresh(METADATA_WAIT).await?;
    let segments = Segments::new(cluster.clone());
    let known_damaged = view.live.iter().map(|live| live.damaged_rows).sum();
    let deep = (depth == Depth::Bytes).then(DeepReport::default);
    let mut report = FsckReport { known_damaged, deep, ..FsckReport::default() };
    let mut held = list_all(cluster, &view, &mut report).await;
    progress(&report);
    let mut lost = Lost::new();
    let mut after = None;
    loop {
        let query = ClusterQuery::Segments { after, limit: SEGMENTS_PER_STEP };
        let Answer::Segments(step) = cluster.query(query).await? else { return Err(Errno::EPROTO.into()) };
        let Some(last) = step.last() else { break };
        after = Some(last.id);
        report.redundancy.add(&redundancy(&step, &view));
        for segment in &step {
            report.segments += 1;
            let useless = match &mut report.deep {
                Some(deep) => read_all_rows(&segments, &view.map, segment, deep).await?,
                None => Vec::new(),
            };
            if depth == Depth::Bytes {
                progress(&report);
            }
            let rows = rows_lost(cluster, &view.map, segment, &useless, &mut held, &mut report).await?;
            if !rows.is_empty() {
                lost.entry(segment.ino).or_default().insert(segment.id, rows);
            }
        }
        progress(&report);
    }
    judge_the_rest(cluster, held, &mut report).await?;
    progress(&report);
    walk_ledgers(cluster, &lost, &mut report, &mut progress).await?;
    Ok(report)
}

async fn list_all(cluster: &Cluster, view: &ClusterView, report: &mut FsckReport) -> Held {
    let mut held = Held::new();
    for target in &view.map.targets {
        let mut keys = HashSet::new();
        let mut after = None;
        loop {
            match list(cluster, target, after, KEYS_PER_MESSAGE_MAX as u32).await {
                Ok(rows) if rows.is_empty() => {
                    report.rows += keys.len() as u64;
                    held.insert(target.id, keys);
                    break;
                }
                Ok(rows) => {
                    after = rows.last().copied();
                    keys.extend(rows);
                }
                Err(error) => {
                    report.unreachable.push((target.clone(), error.to_string()));
                    break;
                }
            }
        }
    }
    held
}

async fn list(
    cluster: &Cluster,
    target: &TargetInfo,
    after: Option<FragmentKey>,
    limit: u32,
) -> Result<Vec<FragmentKey>, CallError> {
    let request = ListRequest { target: target.id, after, limit };
    let channel = cluster.channels().to(&target.addr);
    let reply: ListReply = channel.call(Opcode::List, &request, NODE_CALL_TIMEOUT).await?;
    Ok(reply.rows.into_iter().map(|(key, _)| key).collect())
}

/// Takes the rows of a segment off the list of held ones. Gives the bytes of the segment that cannot be had:
/// those of missing and of `useless` data rows, when too few others are there to decode them.
async fn rows_lost(
    cluster: &Cluster,
    map: &ClusterMap,
    segment: &SegmentInfo,
    useless: &[u8],
    held: &mut Held,
    report: &mut FsckReport,
) -> Result<Vec<Range<u64>>, FsckError> {
    let mut left = 0;
    let mut gone = Vec::new();
    let mut missing = Vec::new();
    let mut unfinished = 0;
    for (row, &at) in segment.positions.iter().enumerate() {
        gone.push(row as u64);
        let key = FragmentKey { segment: segment.id, row: row as u8 };
        let position = map.group(segment.pg).and_then(|group| group.positions.get(usize::from(at)));
        let Some(position) = position else {
            report
                .contradictions
                .push(format!("segment {} names position {at} of no placement group", segment.id));
            continue;
        };
        let Some(keys) = held.get_mut(&position.target) else { continue };
        if keys.remove(&key) || is_held_now(cluster, map, position.target, key).await {
            if !useless.contains(&key.row) {
                left += 1;
                gone.pop();
            }
        } else if !position.clean && segment.version <= position.since {
            unfinished += 1;
        } else {
            missing.push(MissingRow { key, target: position.target, ino: segment.ino });
        }
    }
    let suffices = left >= usize::from(segment.geometry.data);
    if (!missing.is_empty() || unfinished > 0 || !suffices) && !is_referenced(cluster, segment.id).await? {
        return Ok(Vec::new());
    }
    report.unfinished_rows += unfinished;
    report.missing.extend(missing);
    gone.retain(|&row| !suffices && row < u64::from(segment.geometry.data));
    let row_bytes = segment.geometry.row_bytes();
    let rows = gone.chunk_by(|row, next| row + 1 == *next);
    Ok(rows.map(|rows| rows[0] * row_bytes..(rows[0] + rows.len() as u64) * row_bytes).collect())
}

/// Whether a row that was not in the list of its target is there after all.
async fn is_held_now(cluster: &Cluster, map: &ClusterMap, target: TargetId, key: FragmentKey) -> bool {
    let Some(target) = map.target(target) else { return false };
    // The row before it, in the order of the list.
    let before = match key.row.checked_sub(1) {
        Some(row) => FragmentKey { row, ..key },
        None => {
            let Some(counter) = key.segment.counter.checked_sub(1) else { return false };
            FragmentKey { segment: SegmentId { counter, ..key.segment }, row: u8::MAX }
        }
    };
    matches!(list(cluster, target, Some(before), 1).await.as_deref(), Ok([found]) if *found == key)
}

async fn is_referenced(cluster: &Cluster, id: SegmentId) -> Result<bool, FsckError> {
    let Answer::SegmentStates(states) = cluster.query(ClusterQuery::SegmentStates { ids: vec![id] }).await?
    else {
        return Err(Errno::EPROTO.into());
    };
    Ok(states == [SegmentState::Referenced])
}

/// Rows that no segment asked for: not committed yet, garbage, or on the wrong target.
async fn judge_the_rest(cluster: &Cluster, held: Held, report: &mut FsckReport) -> Result<(), FsckError> {
    for (target, keys) in held {
        let mut keys: Vec<FragmentKey> = keys.into_iter().collect();
        keys.sort_unstable();
        for keys in keys.chunks(ORPHAN_ROWS_MAX) {
            let ids = keys.iter().map(|key| key.segment).collect();
            let Answer::SegmentStates(states) = cluster.query(ClusterQuery::SegmentStates { ids }).await?
            else {
                return Err(Errno::EPROTO.into());
            };
            for (&key, state) in keys.iter().zip(states) {
                match state {
                    SegmentState::Garbage => report.orphans += 1,
                    SegmentState::Pending => report.pending += 1,
                    // Committed since the walk passed it, or not where it belongs.
                    SegmentState::Referenced => report.misplaced.push((target, key)),
                }
            }
        }
    }
    Ok(())
}

async fn walk_ledgers(
    cluster: &Cluster,
    lost: &Lost,
    report: &mut FsckReport,
    progress: &mut impl FnMut(&FsckReport),
) -> Result<(), FsckError> {
    let mut after = Ino(0);
    loop {
        let query = ClusterQuery::Inodes { after, limit: INODES_PER_STEP };
        let Answer::InodesUpTo { inos, next } = cluster.query(query).await? else {
            return Err(Errno::EPROTO.into());
        };
        for ino in inos {
            report.files += 1;
            walk_ledger(cluster, ino, lost.get(&ino), report).await?;
        }
        progress(report);
        let Some(last) = next else { return Ok(()) };
        after = last;
    }
}

async fn walk_ledger(
    cluster: &Cluster,
    ino: Ino,
    lost: Option<&HashMap<SegmentId, Vec<Range<u64>>>>,
    report: &mut FsckReport,
) -> Result<(), FsckError> {
    let mut offset = 0;
    loop {
        let map = match cluster.query(FileQuery::Map { ino, offset, len: u64::MAX - offset }).await {
            Ok(Answer::Map(map)) => map,
            Ok(_) => return Err(Errno::EPROTO.into()),
            // Removed meanwhile.
            Err(Errno::ESTALE) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        report.contradictions.extend(contradictions(&map));
        if let Some(lost) = lost {
            report.lost.extend(map.extents.iter().flat_map(|extent| lost_ranges(ino, extent, lost)));
        }
        if map.complete_to == u64::MAX {
            return Ok(());
        }
        offset = map.complete_to;
    }
}

fn lost_ranges(ino: Ino, extent: &Extent, lost: &HashMap<SegmentId, Vec<Range<u64>>>) -> Vec<LostRange> {
    let Source::Segment { id, offset: start } = extent.source else { return Vec::new() };
    let start = u64::from(start);
    let within = |range: &Range<u64>| {
        let (from, to) = (range.start.max(start), range.end.min(start + extent.len));
        let range =
            LostRange { ino, offset: extent.offset + from.saturating_sub(start), len: 0, segment: id };
        (from < to).then(|| LostRange { len: to - from, ..range })
    };
    lost.get(&id).into_iter().flatten().filter_map(within).collect()
}

/// What is wrong with a map in itself.
fn contradictions(map: &Map) -> Vec<String> {
    let mut found = Vec::new();
    let segments: HashMap<SegmentId, &SegmentInfo> = map.segments.iter().map(|s| (s.id, s)).collect();
    let ino = map.attr.ino;
    let mut last_end = 0;
    for extent in &map.extents {
        let at = extent.offset;
        if at < last_end || extent.len == 0 {
            found.push(format!("inode {ino}: the extent at {at} overlaps the one before it, or is empty"));
        }
        if extent.end() > map.attr.size {
            found.push(format!("inode {ino}: the extent at {at} ends after the file"));
        }
        last_end = extent.end();
        let Source::Segment { id, offset } = extent.source else { continue };
        match segments.get(&id) {
            Some(segment) if u64::from(offset) + extent.len <= u64::from(segment.geometry.len) => {}
            Some(_) => found.push(format!("inode {ino}: the extent at {at} ends after its segment {id}")),
            None => {
                found.push(format!("inode {ino}: the extent at {at} names segment {id}, which is not there"))
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_base::SessionId;

    #[test]
    fn only_the_bytes_of_lost_rows_are_lost() {
        let id = |counter| SegmentId { session: SessionId(1), counter };
        let extent = |offset, len, counter, at| Extent {
            offset,
            len,
            source: Source::Segment { id: id(counter), offset: at },
            version: 1,
        };
        let lost = HashMap::from([(id(7), vec![0..4096, 8192..12_288])]);
        let ranges = |extent: Extent| -> Vec<(u64, u64)> {
            lost_ranges(Ino(2), &extent, &lost).into_iter().map(|l| (l.offset, l.len)).collect()
        };
        assert_eq!(ranges(extent(100_000, 12_000, 7, 0)), [(100_000, 4096), (108_192, 3808)]);
        assert_eq!(ranges(extent(100_000, 4096, 7, 4096)), []);
        assert_eq!(ranges(extent(100_000, 6000, 7, 3000)), [(100_000, 1096), (105_192, 808)]);
        assert_eq!(ranges(extent(0, 4096, 8, 0)), []);
    }
}
