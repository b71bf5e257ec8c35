//! What the steps have at hand.

use std::sync::Arc;

use isobar_config::ClusterSpec;
use isobar_provider::Provider;
use isobar_workflow::{Context, StepError};

use super::give_up::failed;
use super::work::Work;
use crate::clock::Time;
use crate::providers::Providers;
use crate::watch::{AskClusters, Observation};

/// What the steps have at hand. A clone is another handle.
#[derive(Clone)]
pub(crate) struct Tools {
    /// The providers.
    pub providers: Providers,
    /// How clusters are asked.
    pub asking: Arc<dyn AskClusters>,
    /// The time.
    pub time: Time,
}

impl Tools {
    /// What the operation was given.
    pub(crate) fn work(&self, context: &Context) -> Result<Work, StepError> {
        context.input_as()
    }

    /// The provider of the cluster.
    ///
    /// # Errors
    /// It is no part of this control plane. It may be of the next one.
    pub(crate) fn provider(&self, work: &Work) -> Result<Arc<dyn Provider>, StepError> {
        let provider = self.providers.named(&work.provider);
        provider.ok_or_else(|| {
            let why = "is not part of this control plane: start it with its providers";
            StepError::retry(format!("the provider '{}' {why}", work.provider))
        })
    }

    /// How the cluster is asked.
    pub(crate) async fn access(&self, context: &Context, work: &Work) -> Result<ClusterSpec, StepError> {
        let provider = self.provider(work)?;
        provider.access(&work.deployment).await.map_err(|error| failed(context, error))
    }

    /// How the cluster is now.
    pub(crate) async fn look(&self, context: &Context, work: &Work) -> Result<Observation, StepError> {
        let spec = self.access(context, work).await?;
        Ok(self.asking.look(&spec).await)
    }
}
