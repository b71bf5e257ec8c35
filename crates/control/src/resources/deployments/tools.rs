//! What the workflow of deployments is made of, beside its steps.

use std::sync::Arc;

use isobar_records::Records;

use crate::clock::Time;
use crate::inside::Door;
use crate::sealing::SealingKey;

/// The workflow's name.
pub(super) const NAME: &str = "deployments/make";

/// What its steps need.
#[derive(Clone)]
pub(crate) struct Tools {
    /// What is remembered.
    pub records: Records,
    /// The way to all other operations.
    pub door: Arc<Door>,
    /// What secure parameters are sealed with.
    pub sealing: Arc<SealingKey>,
    /// The time.
    pub time: Time,
}
