//! Where rows come from: straight from their targets, or from somebody who keeps some.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use isobar_wire::message::files::SegmentInfo;

use crate::Segments;
use crate::row::{Row, RowError};

/// A row on its way. It need not be waited for: what it says of its target counts once it is there.
pub type Coming = Pin<Box<dyn Future<Output = Result<Arc<Row>, RowError>> + Send>>;

/// Gives rows as they are on their targets; nothing is computed from others.
pub trait RowSource: Send + Sync {
    /// Whether the row costs nothing: it is here or on its way.
    fn is_coming(&self, segment: &SegmentInfo, row: u8) -> bool;

    /// Units of a row: so many from the first one on. Whoever keeps rows is asked for whole ones only.
    fn get(&self, segment: &SegmentInfo, row: u8, units: (u32, u32)) -> Coming;
}

/// The targets themselves.
impl RowSource for Segments {
    fn is_coming(&self, _: &SegmentInfo, _: u8) -> bool {
        false
    }

    fn get(&self, segment: &SegmentInfo, row: u8, units: (u32, u32)) -> Coming {
        let known = self.0.cluster.view().known();
        let budget = self.get_budget(&known, segment, row);
        Box::pin(self.get_row(&known, segment, row, units, budget))
    }
}
