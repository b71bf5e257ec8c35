//! Who is looked at when.
//!
//! Clusters that somebody has asked for lately are looked at often, the others now and then, and so many at a
//! time at most. What was seen last is kept in memory, and gone with the process: nothing depends on it but
//! what is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use isobar_provider::ProviderError;
use isobar_records::{Records, ResourceFilter};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::ask::AskClusters;
use super::observation::Observation;
use super::sight::{Seen, Sight};
use crate::clock::Time;
use crate::clusters::{CLUSTER_KIND, deployment_of, is_made, provider_of};
use crate::limits::{
    ASKED_LATELY, LOOK_EVERY_ASKED, LOOK_EVERY_ELSE, LOOK_MAX, LOOKS_AT_ONCE_MAX, WATCH_EVERY,
};
use crate::providers::Providers;
use crate::refusal::Refusal;
use crate::store::gather;

/// Watches. A clone is another handle.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Inner>);

struct Inner {
    records: Records,
    providers: Providers,
    asking: Arc<dyn AskClusters>,
    time: Time,
    /// By deployment.
    seen: Mutex<BTreeMap<String, Seen>>,
    turns: Semaphore,
    /// Somebody asks for what nobody has looked at.
    wanted: Notify,
}

/// A cluster to be looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Watched {
    /// Its id, for people.
    pub id: String,
    /// The name of its provider.
    pub provider: String,
    /// Its deployment.
    pub deployment: String,
}

impl Watch {
    pub(crate) fn new(
        records: Records,
        providers: Providers,
        asking: Arc<dyn AskClusters>,
        time: Time,
    ) -> Watch {
        let turns = Semaphore::new(LOOKS_AT_ONCE_MAX);
        let (seen, wanted) = (Mutex::default(), Notify::new());
        Watch(Arc::new(Inner { records, providers, asking, time, seen, turns, wanted }))
    }

    /// What was seen last. From now on it is looked at often for a while.
    pub(crate) fn last(&self, deployment: &str) -> Option<Arc<Sight>> {
        let mut seen = self.0.seen.lock();
        // Only what is watched is here, so nobody makes this grow by asking.
        let Some(known) = seen.get_mut(deployment) else {
            self.0.wanted.notify_one();
            return None;
        };
        known.asked = Some(Instant::now());
        known.sight.clone()
    }

    /// The same for whoever would not have it looked at for that.
    pub(crate) fn seen(&self, deployment: &str) -> Option<Arc<Sight>> {
        self.0.seen.lock().get(deployment)?.sight.clone()
    }

    /// Looks now.
    pub(crate) async fn look_now(&self, provider: &str, deployment: &str) -> Arc<Sight> {
        let mut begun = Instant::now();
        let looked = timeout(LOOK_MAX, self.look(provider, deployment, &mut begun)).await;
        let observation = looked.unwrap_or_else(|_| {
            Observation::unknown("The cluster was not looked at: that takes too long at the moment.")
        });
        self.keep(deployment, begun, observation)
    }

    /// Looks when it has its turn, and says when that was.
    async fn look(&self, provider: &str, deployment: &str, begun: &mut Instant) -> Observation {
        let Inner { providers, asking, turns, .. } = &*self.0;
        // It is never closed.
        let _turn = turns.acquire().await;
        *begun = Instant::now();
        let Some(of) = providers.named(provider) else {
            let why = format!("The provider '{provider}' is not part of this control plane.");
            return Observation::unknown(why);
        };
        match of.access(deployment).await {
            Ok(spec) => asking.look(&spec).await,
            Err(ProviderError::Retry(why) | ProviderError::Cannot(why)) => {
                Observation::unknown(format!("How to ask the cluster is not known: {why}"))
            }
        }
    }

    /// Keeps what somebody has seen at a look that began then.
    pub(crate) fn keep(&self, deployment: &str, begun: Instant, observation: Observation) -> Arc<Sight> {
        let at = self.0.time.now();
        let mut seen = self.0.seen.lock();
        // Who makes a cluster sees it before it is among those that are watched.
        seen.entry(deployment.to_owned()).or_default().keep(begun, observation, at)
    }

    /// Watches for ever.
    pub(crate) async fn run(self) {
        let mut looks: JoinSet<String> = JoinSet::new();
        let mut under_way = BTreeSet::new();
        loop {
            match self.all().await {
                Ok(all) => {
                    self.remember_only(&all);
                    for Watched { provider, deployment, .. } in self.due(all) {
                        if under_way.insert(deployment.clone()) {
                            let watch = self.clone();
                            looks.spawn(async move {
                                watch.look_now(&provider, &deployment).await;
                                deployment
                            });
                        }
                    }
                }
                Err(Refusal(error)) => tracing::warn!(%error, "clusters are not watched at the moment"),
            }
            let pause = tokio::time::sleep(WATCH_EVERY);
            tokio::select! {
                () = pause => {}
                () = self.0.wanted.notified() => {}
            }
            while let Some(looked) = looks.try_join_next() {
                match looked {
                    Ok(deployment) => drop(under_way.remove(&deployment)),
                    Err(error) => {
                        tracing::error!(%error, "a look failed");
                        under_way.clear();
                    }
                }
            }
        }
    }

    /// All clusters that are made.
    pub(crate) async fn all(&self) -> Result<Vec<Watched>, Refusal> {
        let mut snapshot = self.0.records.read().await?;
        let filter = ResourceFilter { kind: Some(CLUSTER_KIND), ..ResourceFilter::default() };
        let found = gather(&mut snapshot, &filter, usize::MAX, is_made).await?;
        let watched = found.iter().map(|cluster| Watched {
            id: cluster.id.to_string(),
            provider: provider_of(cluster).to_owned(),
            deployment: deployment_of(cluster).to_owned(),
        });
        Ok(watched.collect())
    }

    /// Forgets what is there no more, and knows what is new.
    fn remember_only(&self, all: &[Watched]) {
        let mut seen = self.0.seen.lock();
        let names: BTreeSet<&str> = all.iter().map(|watched| watched.deployment.as_str()).collect();
        // What was seen of one that is being made is shown as soon as it is made.
        let is_new =
            |known: &Seen| known.sight.as_ref().is_some_and(|sight| sight.moment.elapsed() < LOOK_EVERY_ELSE);
        seen.retain(|deployment, known| names.contains(deployment.as_str()) || is_new(known));
        for watched in all {
            seen.entry(watched.deployment.clone()).or_default();
        }
    }

    /// Those whose time has come, the one that has waited longest first.
    fn due(&self, all: Vec<Watched>) -> Vec<Watched> {
        let seen = self.0.seen.lock();
        let now = Instant::now();
        let mut due: Vec<(Option<Instant>, Watched)> = Vec::new();
        for watched in all {
            let Some(known) = seen.get(&watched.deployment) else { continue };
            let asked = known.asked.is_some_and(|asked| now - asked < ASKED_LATELY);
            let every: Duration = if asked { LOOK_EVERY_ASKED } else { LOOK_EVERY_ELSE };
            let looked = known.sight.as_ref().map(|sight| sight.moment);
            if looked.is_none_or(|looked| now - looked >= every) {
                due.push((looked, watched));
            }
        }
        due.sort_by_key(|(looked, _)| *looked);
        due.into_iter().map(|(_, watched)| watched).collect()
    }
}
