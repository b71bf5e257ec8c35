//! One request to one storage target.

use std::time::Duration;

use bytes::Bytes;
use isobar_base::{AlignedBuf, FragmentHeader, FragmentKey, TargetId, verify_units};
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::storage::{DeleteRequest, GetReply, GetRequest, PutRequest, StorageError};
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

    /// Reads `units` units of a row (0: all from `first_unit` on) and checks them.
    pub(crate) async fn get_row(
        &self,
        known: &ClusterSnapshot,
        segment: &SegmentInfo,
        row: u8,
        first_unit: u32,
        units: u32,
        timeout: Duration,
    ) -> Result<AlignedBuf, RowError> {
        let target = holder(known, segment, row).ok_or(RowError::Unreachable)?;
        let addr = known.target(target).ok_or(RowError::Unreachable)?.addr.clone();
        let key = FragmentKey { segment: segment.id, row };
        let request = GetRequest { target, key, first_unit, units };
        let channel = self.0.cluster.channels().to(&addr);
        let reply =
            channel.call_with_payload::<_, GetReply>(Opcode::Get, &request, Vec::new(), timeout).await;
        let (reply, payload) = self.judge(target, reply)?;
        let genuine = reply.key == key
            && reply.geometry == segment.geometry
            && verify_units(&payload, &reply.unit_crcs);
        if genuine { Ok(payload) } else { Err(RowError::Damaged) }
    }

    /// Removes a row that will be written again with the same bytes.
    pub(crate) async fn delete_row(
        &self,
        known: &ClusterSnapshot,
        target: TargetId,
        key: FragmentKey,
        timeout: Duration,
    ) -> Result<(), RowError> {
        let addr = known.target(target).ok_or(RowError::Unreachable)?.addr.clone();
        let request = DeleteRequest { target, keys: vec![key] };
        let reply =
            self.0.cluster.channels().to(&addr).call::<_, ()>(Opcode::Delete, &request, timeout).await;
        self.judge(target, reply)
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
