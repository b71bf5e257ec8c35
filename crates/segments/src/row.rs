//! One request to one storage target.

use std::time::Duration;

use bytes::Bytes;
use isobar_base::limits::UNIT_BYTES;
use isobar_base::{AlignedBuf, FragmentHeader, FragmentKey, TargetId, row_crc, verify_units};
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::storage::{GetReply, GetRequest, PutRequest, StorageError};
use isobar_wire::{CallError, Opcode, Refusal};

use crate::Segments;
use isobar_cluster::{ClusterSnapshot, Quarantine};

/// Why a row could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowError {
    /// The target could not be reached, or not in time, or it failed.
    Unreachable,
    /// The target said so.
    Storage(StorageError),
    /// What came back is not what was asked for (I9).
    Damaged,
}

/// Units of a row as they were stored.
#[derive(Debug)]
pub(crate) struct Row {
    pub bytes: AlignedBuf,
    /// CRC32C of each unit.
    pub unit_crcs: Vec<u32>,
    /// Of a parity row that has them: those of the same units of each data row, row after row.
    pub data_crcs: Vec<u32>,
}

impl Segments {
    /// Makes a row durable on a target.
    pub(crate) async fn put_row(
        &self,
        known: &ClusterSnapshot,
        target: TargetId,
        header: FragmentHeader,
        payload: Vec<Bytes>,
        timeout: Duration,
    ) -> Result<(), RowError> {
        let addr = known.target(target).ok_or(RowError::Unreachable)?.addr.clone();
        let request = PutRequest { target, header };
        let channel = self.0.cluster.channels().to(&addr);
        let reply = channel.call_with_payload::<_, ()>(Opcode::Put, &request, payload, timeout).await;
        self.judge(target, reply.map(drop))
    }

    /// Reads `units` units of a row (0: all from `first_unit` on) and checks them; a whole row is what the
    /// ledger says it is, too.
    pub(crate) async fn get_row(
        &self,
        known: &ClusterSnapshot,
        segment: &SegmentInfo,
        row: u8,
        first_unit: u32,
        units: u32,
        timeout: Duration,
    ) -> Result<Row, RowError> {
        let target = holder(known, segment, row).ok_or(RowError::Unreachable)?;
        let addr = known.target(target).ok_or(RowError::Unreachable)?.addr.clone();
        let key = FragmentKey { segment: segment.id, row };
        let request = GetRequest { target, key, first_unit, units };
        let channel = self.0.cluster.channels().to(&addr);
        let reply =
            channel.call_with_payload::<_, GetReply>(Opcode::Get, &request, Vec::new(), timeout).await;
        let (reply, payload) = self.judge(target, reply)?;
        let row_units = (segment.geometry.row_bytes() / UNIT_BYTES) as u32;
        let asked = if units == 0 { row_units.saturating_sub(first_unit) } else { units };
        let genuine = reply.key == key
            && reply.geometry == segment.geometry
            && reply.first_unit == first_unit
            && payload.len() as u64 == u64::from(asked) * UNIT_BYTES
            && verify_units(&payload, &reply.unit_crcs);
        let GetReply { unit_crcs, data_crcs, .. } = reply;
        let whole = asked == row_units;
        if !genuine || whole && segment.row_crcs.get(usize::from(row)) != Some(&row_crc(&unit_crcs)) {
            return Err(RowError::Damaged);
        }
        Ok(Row { bytes: payload, unit_crcs, data_crcs })
    }

    /// Makes a row durable again that was missing or damaged on a target. The target looks for itself: a row
    /// that is whole there stays as it is.
    pub(crate) async fn rewrite_row(
        &self,
        known: &ClusterSnapshot,
        target: TargetId,
        header: FragmentHeader,
        payload: Vec<Bytes>,
        timeout: Duration,
    ) -> Result<(), RowError> {
        let addr = known.target(target).ok_or(RowError::Unreachable)?.addr.clone();
        let request = PutRequest { target, header };
        let channel = self.0.cluster.channels().to(&addr);
        let reply = channel.call_with_payload::<_, ()>(Opcode::Rewrite, &request, payload, timeout).await;
        self.judge(target, reply.map(drop))
    }

    /// Turns a failed call into what it means for the row, and remembers what it says of the target.
    fn judge<T>(&self, target: TargetId, reply: Result<T, CallError>) -> Result<T, RowError> {
        let view = self.0.cluster.view();
        match reply {
            Ok(value) => Ok(value),
            Err(CallError::Refused(Refusal::Storage(error))) => {
                match error {
                    StorageError::Full => view.quarantine(target, Quarantine::Full),
                    StorageError::Device(_) | StorageError::NoSuchTarget => {
                        view.quarantine(target, Quarantine::Unreachable)
                    }
                    _ => {}
                }
                Err(RowError::Storage(error))
            }
            Err(error) => {
                tracing::debug!(%target, %error, "target does not answer");
                view.quarantine(target, Quarantine::Unreachable);
                Err(RowError::Unreachable)
            }
        }
    }
}

/// The target that holds a row now.
pub(crate) fn holder(known: &ClusterSnapshot, segment: &SegmentInfo, row: u8) -> Option<TargetId> {
    let position = *segment.positions.get(usize::from(row))?;
    Some(known.map.group(segment.pg)?.positions.get(usize::from(position))?.target)
}
