//! What the steps have at hand.

use std::sync::Arc;

use isobar_config::ClusterSpec;
use isobar_provider::Provider;
use isobar_workflow::{Context, StepError};
use tokio::time::Instant;

use super::give_up::failed;
use super::work::Work;
use crate::clock::Time;
use crate::providers::Providers;
use crate::readiness::MeasureReadiness;
use crate::watch::{AskClusters, Sight, Watch};

/// What the steps have at hand. A clone is another handle.
#[derive(Clone)]
pub(crate) struct Tools {
    /// The providers.
    pub providers: Providers,
    /// How clusters are asked.
    pub asking: Arc<dyn AskClusters>,
    /// What is shown of clusters: what the steps see is shown, too.
    pub watch: Watch,
    /// Who measures how ready clusters are.
    pub readiness: Arc<dyn MeasureReadiness>,
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
    pub(crate) async fn look(&self, context: &Context, work: &Work) -> Result<Arc<Sight>, StepError> {
        let spec = self.access(context, work).await?;
        let begun = Instant::now();
        let seen = self.asking.look(&spec).await;
        // Who asks right after an operation is not shown how it was before.
        Ok(self.watch.keep(&work.deployment, begun, seen))
    }

    /// Starts those of some nodes that have ended meanwhile: another program had the port of one, say.
    pub(crate) async fn keep_running(
        &self,
        context: &Context,
        work: &Work,
        nodes: &[String],
    ) -> Result<(), StepError> {
        let provider = self.provider(work)?;
        let running = provider.running(&work.deployment).await.map_err(|error| failed(context, error))?;
        for node in nodes.iter().filter(|node| !running.contains(*node)) {
            provider.start(&work.deployment, node).await.map_err(|error| failed(context, error))?;
        }
        Ok(())
    }
}
