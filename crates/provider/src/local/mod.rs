//! Clusters whose nodes are processes of this machine, and whose disks are files.
//!
//! ```text
//! ROOT/ID/                  a cluster, as `isobar_admin::Local` has it; ID was never used before
//! ROOT/ID/run/NAME.boot     a node is meant to run, and the boot of the machine at which it was started
//! ROOT/ID/run/NAME.blanked  for what its disks were blanked
//! ROOT/ID.lock              held by whoever does something to it; gone with it
//! ```
//!
//! Calls of `Local` block, so each runs on a thread that may. The thread goes on when its caller is gone: it
//! then ends before it does anything, or has the lock, and whoever comes after waits for it.

mod boot;
mod calls;
mod room;
mod turn;
mod wake;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use isobar_config::ClusterSpec;

use crate::error::ProviderError;
use crate::plan::{Misfit, Plan, Size};
use crate::provider::{Doing, Provider, Secrets, Woken};
use boot::Boot;
use calls::Calls;
use turn::blocking;

/// The sizes: name, MiB of the target, and for what.
const SIZES: &[(&str, u64, &str)] = &[
    ("Local_64MiB", 64, "to try it"),
    ("Local_1GiB", 1 << 10, "for tests"),
    ("Local_16GiB", 16 << 10, "for small data"),
    ("Local_256GiB", 256 << 10, "for a server with a large disk"),
];

/// Clusters of this machine.
pub struct LocalProvider {
    calls: Arc<Calls>,
    sizes: Vec<Size>,
}

impl LocalProvider {
    /// Keeps clusters below `root`, which is made if it is not there, and starts their nodes with `program`,
    /// the binary `isobar`.
    ///
    /// # Errors
    /// The directory cannot be made or used.
    pub fn new(root: impl Into<PathBuf>, program: impl Into<PathBuf>) -> std::io::Result<LocalProvider> {
        let root = root.into();
        std::fs::create_dir_all(&root)?;
        // Processes are recognised by their paths.
        let (root, program) = (std::fs::canonicalize(&root)?, std::path::absolute(program.into())?);
        let size = |(name, mib, use_of): &(&str, u64, &str)| Size {
            name: (*name).to_owned(),
            description: format!("A process of this machine with {}, {use_of}.", amount(*mib)),
            targets: 1,
            target_bytes: mib << 20,
        };
        Ok(LocalProvider {
            calls: Arc::new(Calls { root, program, boot: Boot::of_machine() }),
            sizes: SIZES.iter().map(size).collect(),
        })
    }

    /// The same on a machine that was booted another time: what is started at one boot and found dead at
    /// another one is started again by [`Provider::wake`].
    pub fn at_boot(self, name: impl Into<String>) -> LocalProvider {
        let Calls { root, program, .. } = &*self.calls;
        let boot = Boot::named(name.into());
        let calls = Calls { root: root.clone(), program: program.clone(), boot };
        LocalProvider { calls: Arc::new(calls), sizes: self.sizes }
    }

    fn doing<'a, T: Send + 'static>(
        &'a self,
        does: impl FnOnce(&Calls, &turn::Caller) -> Result<T, ProviderError> + Send + 'static,
    ) -> Doing<'a, T> {
        let calls = self.calls.clone();
        Box::pin(blocking(move |caller| does(&calls, caller)))
    }

    fn size(&self, name: &str) -> Result<Size, ProviderError> {
        let size = self.sizes.iter().find(|size| size.name == name).cloned();
        size.ok_or_else(|| ProviderError::cannot(format!("there is no size {name} on this machine")))
    }
}

fn amount(mib: u64) -> String {
    if mib < 1 << 10 { format!("{mib} MiB") } else { format!("{} GiB", mib >> 10) }
}

impl Provider for LocalProvider {
    fn name(&self) -> &str {
        "local"
    }

    fn sizes(&self) -> &[Size] {
        &self.sizes
    }

    fn check<'a>(&'a self, plan: &'a Plan) -> Doing<'a, Vec<Misfit>> {
        let (plan, sizes) = (plan.clone(), self.sizes.clone());
        self.doing(move |calls, _| calls.check(&plan, &sizes))
    }

    fn make<'a>(&'a self, plan: &'a Plan) -> Doing<'a, ClusterSpec> {
        let (plan, size) = (plan.clone(), self.size(&plan.size));
        self.doing(move |calls, caller| calls.make(caller, &plan, &size?))
    }

    fn access<'a>(&'a self, cluster: &'a str) -> Doing<'a, ClusterSpec> {
        let cluster = cluster.to_owned();
        self.doing(move |calls, _| calls.access(&cluster))
    }

    fn start<'a>(&'a self, cluster: &'a str, node: &'a str) -> Doing<'a, ()> {
        let (cluster, node) = (cluster.to_owned(), node.to_owned());
        self.doing(move |calls, caller| calls.start(caller, &cluster, &node))
    }

    fn stop<'a>(&'a self, cluster: &'a str, node: &'a str) -> Doing<'a, ()> {
        let (cluster, node) = (cluster.to_owned(), node.to_owned());
        self.doing(move |calls, caller| calls.stop(caller, &cluster, &node))
    }

    fn cut_power<'a>(&'a self, cluster: &'a str, node: &'a str) -> Doing<'a, ()> {
        let (cluster, node) = (cluster.to_owned(), node.to_owned());
        self.doing(move |calls, caller| calls.cut_power(caller, &cluster, &node))
    }

    fn running<'a>(&'a self, cluster: &'a str) -> Doing<'a, BTreeSet<String>> {
        let cluster = cluster.to_owned();
        self.doing(move |calls, _| calls.running(&cluster))
    }

    fn wake<'a>(&'a self, cluster: &'a str) -> Doing<'a, Woken> {
        let cluster = cluster.to_owned();
        self.doing(move |calls, caller| calls.wake(caller, &cluster))
    }

    fn blank<'a>(&'a self, cluster: &'a str, node: &'a str, mark: &'a str) -> Doing<'a, ()> {
        let (cluster, node, mark) = (cluster.to_owned(), node.to_owned(), mark.to_owned());
        self.doing(move |calls, caller| calls.blank(caller, &cluster, &node, &mark))
    }

    fn remove<'a>(&'a self, cluster: &'a str) -> Doing<'a, ()> {
        let cluster = cluster.to_owned();
        self.doing(move |calls, caller| calls.remove(caller, &cluster))
    }

    fn secrets<'a>(&'a self, cluster: &'a str) -> Doing<'a, Secrets> {
        let cluster = cluster.to_owned();
        self.doing(move |calls, _| calls.secrets(&cluster))
    }

    fn mount_command(&self, cluster: &str, name: &str) -> String {
        format!("isobar mount {} /mnt/{name}", self.calls.root.join(cluster).display())
    }
}
