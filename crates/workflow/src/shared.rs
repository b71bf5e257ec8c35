//! What an engine and its workers share.

use std::collections::BTreeMap;
use std::sync::Arc;

use isobar_records::Records;
use tokio::sync::{Notify, watch};

use crate::course::Course;
use crate::environment::Environment;
use crate::options::Options;
use crate::workflow::Workflow;

/// All that does not change while an engine runs, and two bells.
pub(crate) struct Shared {
    pub records: Records,
    pub workflows: BTreeMap<String, Arc<Workflow>>,
    pub owner: String,
    pub options: Options,
    pub environment: Environment,
    /// Something may have become due.
    pub due: Notify,
    /// The end of something that runs here may be wanted.
    pub cancel: watch::Sender<()>,
}

impl Shared {
    pub(crate) fn now_ms(&self) -> i64 {
        self.environment.clock.now_ms()
    }

    /// When a lease ends that is taken now.
    pub(crate) fn lease_until_ms(&self) -> i64 {
        self.now_ms().saturating_add(self.options.lease_ms)
    }

    /// This moment in the course of a workflow's operations.
    pub(crate) fn course<'a>(&'a self, workflow: &'a Workflow) -> Course<'a> {
        Course { workflow, options: &self.options, now_ms: self.now_ms() }
    }
}
