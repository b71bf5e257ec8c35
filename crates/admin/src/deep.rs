//! The part of a check that reads bytes: every row of every segment, and whether parity is that of the data.

use isobar_base::{Errno, FragmentKey, Ino, TargetId};
use isobar_segments::{RowState, Segments};
use isobar_wire::message::cluster::ClusterMap;
use isobar_wire::message::files::SegmentInfo;

/// A row that is not where it should be, or not what it should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MissingRow {
    /// Which row.
    pub key: FragmentKey,
    /// Where it should be.
    pub target: TargetId,
    /// The file it belongs to.
    pub ino: Ino,
}

/// What reading every row showed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeepReport {
    /// Rows that were read and are right.
    pub right: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Rows that are on their targets and damaged: their bytes are wrong or cannot be read.
    pub damaged: Vec<MissingRow>,
    /// Parity rows that are as they were stored and do not belong to their data: they are of no use.
    pub contradicting: Vec<MissingRow>,
    /// Rows whose target did not answer.
    pub unread: u64,
}

impl DeepReport {
    /// Whether every row could be read and is right.
    pub fn is_clean(&self) -> bool {
        self.damaged.is_empty() && self.contradicting.is_empty() && self.unread == 0
    }
}

/// Reads all rows of a segment. Gives those that are there and of no use.
///
/// # Errors
/// When the metadata leader cannot be asked.
pub(crate) async fn read_all_rows(
    segments: &Segments,
    map: &ClusterMap,
    segment: &SegmentInfo,
    report: &mut DeepReport,
) -> Result<Vec<u8>, Errno> {
    let Some(examined) = segments.examine(segment).await? else { return Ok(Vec::new()) };
    report.bytes += examined.bytes;
    let mut useless = Vec::new();
    for (row, state) in (0..).zip(examined.rows) {
        let list = match state {
            RowState::Right => {
                report.right += 1;
                continue;
            }
            // The lists of the targets tell.
            RowState::Missing => continue,
            RowState::Unknown => {
                report.unread += 1;
                continue;
            }
            RowState::Damaged => &mut report.damaged,
            RowState::Contradicts => &mut report.contradicting,
        };
        useless.push(row);
        let group = map.group(segment.pg);
        let at = segment.positions.get(usize::from(row));
        let holder = group.zip(at).and_then(|(group, &at)| group.positions.get(usize::from(at)));
        if let Some(holder) = holder {
            let key = FragmentKey { segment: segment.id, row };
            list.push(MissingRow { key, target: holder.target, ino: segment.ino });
        }
    }
    Ok(useless)
}
