//! The calls, and what every one of them has to keep.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use isobar_config::ClusterSpec;

use crate::error::ProviderError;
use crate::plan::{Misfit, Plan, Size};

/// A call under way.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// What a client needs to mount a cluster. It is for whoever may ask for it, and for no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The text of the cluster file.
    pub cluster_file: String,
    /// The text of the client's credential.
    pub client_credential: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// What became of nodes whose machine had gone down.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Woken {
    /// These were started.
    pub started: Vec<String>,
    /// These could not be, and why, in a line that says what to do.
    pub stay_down: Vec<(String, String)>,
}

/// What has machines for clusters. A cluster is named by [`Plan::cluster`], a node as in the cluster file.
///
/// Whoever calls may be killed at any moment and does not know how far a call came. So **each call looks
/// first at what is there**, may be repeated any number of times, and comes to the same in the end. A call
/// whose future is dropped may go on for a while; one that is made after it waits for it, or undoes it.
pub trait Provider: Send + Sync + 'static {
    /// Its name: `local`.
    fn name(&self) -> &str;

    /// The sizes of nodes that it has, at least one, the smallest first.
    fn sizes(&self) -> &[Size];

    /// What of a plan does not fit, as far as that can be known before; nothing when all does, or when it is
    /// made already.
    fn check<'a>(&'a self, plan: &'a Plan) -> Doing<'a, Vec<Misfit>>;

    /// Makes identity, files, credentials and machines; no node runs yet. Made once, it stays as it is.
    fn make<'a>(&'a self, plan: &'a Plan) -> Doing<'a, ClusterSpec>;

    /// How the nodes of a cluster are asked, with credentials of an administrator. `Cannot` when it is not
    /// made.
    fn access<'a>(&'a self, cluster: &'a str) -> Doing<'a, ClusterSpec>;

    /// Starts a node unless it runs. It may end at once: whether it is up, its cluster knows.
    fn start<'a>(&'a self, cluster: &'a str, node: &'a str) -> Doing<'a, ()>;

    /// Stops a node and returns once it does not run any more. A cluster that is not there has none.
    fn stop<'a>(&'a self, cluster: &'a str, node: &'a str) -> Doing<'a, ()>;

    /// Ends a node as a power cut would, and returns once it does not run any more: for tests of what a
    /// cluster survives. A cluster that is not there has none.
    fn cut_power<'a>(&'a self, cluster: &'a str, node: &'a str) -> Doing<'a, ()>;

    /// The nodes that run. A cluster that is not there has none.
    fn running<'a>(&'a self, cluster: &'a str) -> Doing<'a, BTreeSet<String>>;

    /// Starts nodes whose machine has gone down under them and is up again. Those that were stopped are left
    /// alone, and so are those that ended by themselves, or were killed, while the machine ran. Where
    /// machines start their nodes themselves there is nothing to do. A cluster that is not there has none.
    fn wake<'a>(&'a self, _cluster: &'a str) -> Doing<'a, Woken> {
        Box::pin(async { Ok(Woken::default()) })
    }

    /// Takes everything off the disks of a node, which must not run. What has been done for a `mark` is not
    /// done again for it: a call that comes late never takes away what was written since.
    fn blank<'a>(&'a self, cluster: &'a str, node: &'a str, mark: &'a str) -> Doing<'a, ()>;

    /// Ends what runs of a cluster and takes everything away, whether all, a part or nothing of it is there.
    fn remove<'a>(&'a self, cluster: &'a str) -> Doing<'a, ()>;

    /// What a client needs to mount it.
    fn secrets<'a>(&'a self, cluster: &'a str) -> Doing<'a, Secrets>;

    /// The command that mounts a cluster which people call `name`.
    fn mount_command(&self, cluster: &str, name: &str) -> String;
}
