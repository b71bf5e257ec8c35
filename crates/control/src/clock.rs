//! The time, as the engine of workflows has it, in ARM's form.

use std::sync::Arc;

use isobar_arm::Timestamp;
use isobar_workflow::Clock;

/// A clock. Tests bring their own.
#[derive(Clone)]
pub(crate) struct Time(pub Arc<dyn Clock>);

impl Time {
    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now_ms())
    }
}
