//! How long a node's data takes to come back.

use serde::Serialize;

use crate::assumptions::Assumptions;
use crate::code::Code;
use crate::machine::MachineFacts;
use crate::model::Limit;
use crate::units::{Bytes, Seconds};

/// The rebuild of one lost node onto the blank one that replaces it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Rebuild {
    /// What the node held, at most: its raw capacity without the reserve.
    pub lost_bytes: Bytes,
    /// How long it takes.
    pub seconds: Seconds,
    /// What binds.
    pub limit: Limit,
}

/// Rebuild time of a full node. The replacement reads N rows for each row it lacks and writes one, with
/// the rebuild's share of its rates; the others together send what it reads. `None` when the facts are not
/// known or there is no other node.
pub fn rebuild(facts: &MachineFacts, nodes: u32, code: Code, a: &Assumptions) -> Option<Rebuild> {
    let others = f64::from(nodes.checked_sub(1).filter(|&others| others > 0)?);
    let lost = facts.nvme_bytes?.0 as f64 * (1.0 - a.reserve);
    let share = a.efficiency * a.rebuild_share;
    let read = lost * f64::from(code.data_rows());
    let (seconds, limit) = [
        (read / facts.network_in_bytes_per_second?.0, Limit::NetworkIn),
        (lost / facts.nvme_write_bytes_per_second?.0, Limit::Nvme),
        (read / others / facts.network_out_bytes_per_second?.0, Limit::NetworkOut),
        (read / others / facts.nvme_read_bytes_per_second?.0, Limit::Nvme),
    ]
    .into_iter()
    .max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(Rebuild { lost_bytes: Bytes(lost as u64), seconds: Seconds(seconds / share), limit })
}
