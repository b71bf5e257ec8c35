//! One request to one storage target.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use isobar_base::limits::UNIT_BYTES;
use isobar_base::{FragmentHeader, FragmentKey, TargetId, row_crc, verify_units};
use isobar_cluster::{ClusterSnapshot, Quarantine, RowRequest};
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::storage::{DeleteRequest, GetReply, GetRequest, PutRequest, StorageError};
use isobar_wire::{CallError, Channel, Opcode, Refusal};

use crate::Segments;
use crate::stats::count;

/// How long a target may take to remove a row.
const WITHDRAW_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a row could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowError {
    /// The target could not be reached, or not in time, or it failed.
    Unreachable,
    /// The target said so.
    Storage(StorageError),
    /// What came back is not what was asked for (I9).
    Damaged,
}

/// Units of a row as they were stored.
#[derive(Debug)]
pub struct Row {
    /// The units.
    pub bytes: Bytes,
    /// CRC32C of each unit.
    pub(crate) unit_crcs: Vec<u32>,
    /// Of a parity row that has them: those of the same units of each data row, row after row.
    pub(crate) data_crcs: Vec<u32>,
}

impl Segments {
    /// Makes a row durable on a target.
    pub(crate) fn put_row(
        &self,
        known: &ClusterSnapshot,
        target: TargetId,
        header: FragmentHeader,
        payload: Vec<Bytes>,
        timeout: Duration,
    ) -> impl Future<Output = Result<(), RowError>> + Send + use<> {
        let (this, request) = (self.clone(), PutRequest { target, header });
        let channel = self.channel(known, target);
        async move {
            let begun = Instant::now();
            let channel = channel.ok_or(RowError::Unreachable)?;
            let reply = channel.call_with_payload::<_, ()>(Opcode::Put, &request, payload, timeout).await;
            this.judge(target, RowRequest::Put, begun, reply.map(drop))
        }
    }

    /// Reads `units` units of a row (0: all from `first_unit` on) and checks them; a whole row is what the
    /// ledger says it is, too.
    pub(crate) fn get_row(
        &self,
        known: &ClusterSnapshot,
        segment: &SegmentInfo,
        row: u8,
        (first_unit, units): (u32, u32),
        timeout: Duration,
    ) -> impl Future<Output = Result<Arc<Row>, RowError>> + Send + use<> {
        let (this, key, geometry) =
            (self.clone(), FragmentKey { segment: segment.id, row }, segment.geometry);
        let target = holder(known, segment, row);
        let channel = target.and_then(|target| self.channel(known, target));
        let in_ledger = segment.row_crcs.get(usize::from(row)).copied();
        async move {
            let begun = Instant::now();
            let (Some(target), Some(channel)) = (target, channel) else { return Err(RowError::Unreachable) };
            count(&this.0.stats.gets);
            this.0.hedges.earn();
            let request = GetRequest { target, key, first_unit, units };
            let reply =
                channel.call_with_payload::<_, GetReply>(Opcode::Get, &request, Vec::new(), timeout).await;
            let (reply, payload) = this.judge(target, RowRequest::Get, begun, reply)?;
            let row_units = (geometry.row_bytes() / UNIT_BYTES) as u32;
            let asked = if units == 0 { row_units.saturating_sub(first_unit) } else { units };
            let genuine = reply.key == key
                && reply.geometry == geometry
                && reply.first_unit == first_unit
                && payload.len() as u64 == u64::from(asked) * UNIT_BYTES
                && verify_units(&payload, &reply.unit_crcs);
            let GetReply { unit_crcs, data_crcs, .. } = reply;
            let whole = asked == row_units;
            if !genuine || whole && in_ledger != Some(row_crc(&unit_crcs)) {
                return Err(RowError::Damaged);
            }
            Ok(Arc::new(Row { bytes: Bytes::from_owner(payload), unit_crcs, data_crcs }))
        }
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
        let channel = self.channel(known, target).ok_or(RowError::Unreachable)?;
        let (request, begun) = (PutRequest { target, header }, Instant::now());
        let reply = channel.call_with_payload::<_, ()>(Opcode::Rewrite, &request, payload, timeout).await;
        self.judge(target, RowRequest::Put, begun, reply.map(drop))
    }

    /// Removes a row of a segment that will never be committed. What fails is left to the search for orphans.
    pub(crate) fn withdraw_row(
        &self,
        known: &ClusterSnapshot,
        target: TargetId,
        key: FragmentKey,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (channel, request) = (self.channel(known, target), DeleteRequest { target, keys: vec![key] });
        async move {
            let Some(channel) = channel else { return };
            if let Err(error) = channel.call::<_, ()>(Opcode::Withdraw, &request, WITHDRAW_TIMEOUT).await {
                tracing::debug!(%target, fragment = %key, %error, "row in vain not removed");
            }
        }
    }

    fn channel(&self, known: &ClusterSnapshot, target: TargetId) -> Option<Channel> {
        Some(self.0.cluster.channels().to(&known.target(target)?.addr))
    }

    /// Turns a failed call into what it means for the row, and remembers what it says of the target.
    fn judge<T>(
        &self,
        target: TargetId,
        request: RowRequest,
        begun: Instant,
        reply: Result<T, CallError>,
    ) -> Result<T, RowError> {
        let view = self.0.cluster.view();
        let took = begun.elapsed();
        // Who waited for less than is usual has learned nothing.
        let unusual = || view.usual(target, request).is_none_or(|usual| took > usual);
        if reply.is_ok() || matches!(reply, Err(CallError::TimedOut(_))) && unusual() {
            view.record(target, request, took);
        }
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
