//! Room and counts of the file system.

use isobar_base::Errno;
use isobar_wire::message::queries::{Answer, ClusterQuery};

use super::core::{Client, Result};

/// Inodes that may still be made: nothing bounds them but room, which this never reaches.
const INODES_FREE: u64 = 1 << 40;

/// Room and counts of the file system. Bytes are those of files: what N + K rows leave of the devices.
#[derive(Clone, Copy, Debug, Default)]
pub struct StatFs {
    /// Bytes there are.
    pub total_bytes: u64,
    /// Bytes that can still be written, as the nodes said just now, less what is dirty here.
    pub free_bytes: u64,
    /// Inodes in use.
    pub inodes: u64,
    /// Inodes that may still be made.
    pub inodes_free: u64,
}

impl Client {
    /// Room and counts.
    ///
    /// # Errors
    /// `EIO` without a quorum.
    pub async fn statfs(&self) -> Result<StatFs> {
        let cluster = &self.0.cluster;
        let (counts, renewed) =
            tokio::join!(cluster.query(ClusterQuery::Counts), cluster.refresh(cluster.patience()));
        let Answer::Counts { inodes, .. } = counts? else { return Err(Errno::EPROTO) };
        if let Err(error) = renewed {
            tracing::debug!(%error, "room is as it was known before");
        }
        let known = cluster.view().known();
        let Some(fs) = &known.map.fs else { return Err(Errno::EIO) };
        let (mut total, mut free) = (0u64, 0u64);
        for target in &known.map.targets {
            if let Some(live) = known.liveness(target.id).filter(|_| known.is_up(target.id)) {
                free += live.free_bytes;
                total += live.free_bytes + live.used_bytes;
            }
        }
        let (data, rows) = (u128::from(fs.data_rows), u128::from(fs.data_rows + fs.parity_rows));
        let share = |bytes: u64| (u128::from(bytes) * data / rows) as u64;
        let free_bytes = share(free).saturating_sub(self.0.files.budget.taken_bytes() as u64);
        Ok(StatFs { total_bytes: share(total), free_bytes, inodes, inodes_free: INODES_FREE })
    }
}
